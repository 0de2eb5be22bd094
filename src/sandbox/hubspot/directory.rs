//! The portal's standing furniture: owners, pipelines, account details and the daily meter. Read-only.

use serde_json::{Value, json};

use super::PORTAL_ID;
use super::answers::{missing, no_such_path};
use crate::sandbox::desk::iso;
use crate::sandbox::wire::{Answer, Call};

const OWNERS: [(&str, &str, &str, &str); 4] = [
    ("71400201", "nora@brightharbor.io", "Nora", "Lindqvist"),
    ("71400202", "tomasz@brightharbor.io", "Tomasz", "Wilk"),
    ("71400203", "amara@brightharbor.io", "Amara", "Okoye"),
    ("71400204", "diego@brightharbor.io", "Diego", "Ferreira"),
];

/// Somebody who has left: records may still name them, nobody can be given to them.
const FORMER: (&str, &str, &str, &str) = ("71400209", "hugo@brightharbor.io", "Hugo", "Blanc");

const DEAL_STAGES: [(&str, &str, &str); 7] = [
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
];

/// How likely a deal in a stage of the portal's own is to be won.
const OWN_STAGE: &str = "0.1";

const TICKET_STAGES: [(&str, &str, &str); 4] = [
    ("1", "New", "OPEN"),
    ("2", "Waiting on contact", "OPEN"),
    ("3", "Waiting on us", "OPEN"),
    ("4", "Closed", "CLOSED"),
];

const MADE: i64 = 1_704_103_200_000;

pub(super) fn owner_options() -> Vec<(String, String)> {
    OWNERS.iter().map(|(id, _, first, last)| ((*id).to_owned(), format!("{first} {last}"))).collect()
}

/// The ids of the portal's owners, for seeding.
pub(in crate::sandbox) fn owner_id(index: usize) -> &'static str {
    OWNERS[index % OWNERS.len()].0
}

/// Whether a deal stage is one every portal has.
pub(super) fn is_standing_stage(id: &str) -> bool {
    DEAL_STAGES.iter().any(|(known, ..)| *known == id)
}

/// How likely a deal in that stage is to be won, as the pipeline says it.
pub(super) fn deal_stage(stage: &str) -> Option<&'static str> {
    // Stages of the portal's own stand at the beginning.
    let known = DEAL_STAGES.iter().find(|(id, ..)| *id == stage).map(|(_, _, probability)| *probability);
    known.or(Some(OWN_STAGE))
}

pub(super) fn stage_options(kind: &str) -> Vec<(String, String)> {
    let stages = if kind == "deals" { &DEAL_STAGES[..] } else { &TICKET_STAGES[..] };
    stages.iter().map(|(id, label, _)| ((*id).to_owned(), (*label).to_owned())).collect()
}

fn owner(index: usize) -> Value {
    let ((id, email, first, last), archived) =
        OWNERS.get(index).map_or((FORMER, true), |owner| (*owner, false));
    let mut owner = json!({
        "id": id,
        "email": email,
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userIdIncludingInactive": 60_200_100 + index,
        "createdAt": iso(MADE),
        "updatedAt": iso(MADE),
        "archived": archived,
        "teams": [],
    });
    // Who has left is no user any more.
    if !archived {
        owner["userId"] = json!(60_200_100 + index);
    }
    owner
}

pub(super) fn owners(method: &str, path: &[&str], call: &Call) -> Result<Answer, Answer> {
    match (method, path) {
        ("GET", []) => {
            let archived = call.parameter("archived") == Some("true");
            let after: usize = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
            let limit = call.number("limit").unwrap_or(100).clamp(1, 100);
            let asked = call.parameter("email");
            let of_email = |owner: &Value| {
                asked.is_none_or(|email| {
                    owner["email"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(email))
                })
            };
            let standing = if archived { OWNERS.len()..OWNERS.len() + 1 } else { 0..OWNERS.len() };
            let all: Vec<Value> = standing.map(owner).filter(of_email).collect();
            let shown: Vec<Value> = all.iter().skip(after).take(limit).cloned().collect();
            let mut body = json!({"results": shown});
            if after + limit < all.len() {
                body["paging"] = json!({"next": {"after": (after + limit).to_string()}});
            }
            Ok(Answer::ok(body))
        }
        ("GET", [id]) => {
            let archived = call.parameter("archived") == Some("true");
            let by =
                if call.parameter("idProperty") == Some("userId") { "userIdIncludingInactive" } else { "id" };
            let known = |owner: &Value| {
                owner["archived"] == archived && owner[by].to_string().trim_matches('"') == *id
            };
            (0..=OWNERS.len()).map(owner).find(known).map(Answer::ok).ok_or_else(missing)
        }
        _ => Err(no_such_path()),
    }
}

/// `own` are the deal stages of the portal's own making, which stand before the vendor's.
fn pipeline(kind: &str, own: &[(String, String)]) -> Option<Value> {
    let (id, label, standing): (&str, &str, &[(&str, &str, &str)]) = match kind {
        "deals" | "deal" | "0-3" => ("default", "Sales Pipeline", &DEAL_STAGES),
        "tickets" | "ticket" | "0-5" => ("0", "Support Pipeline", &TICKET_STAGES),
        _ => return None,
    };
    let deals = id == "default";
    let own = own.iter().filter(|_| deals).map(|(id, label)| (id.as_str(), label.as_str(), OWN_STAGE));
    let stages: Vec<(&str, &str, &str)> = own.chain(standing.iter().copied()).collect();
    let stages: Vec<Value> = stages
        .iter()
        .enumerate()
        .map(|(order, (stage, label, mark))| {
            let metadata = if deals {
                let closed = matches!(*mark, "1.0" | "0.0");
                json!({"isClosed": closed.to_string(), "probability": mark})
            } else {
                json!({"isClosed": (*mark == "CLOSED").to_string(), "ticketState": mark})
            };
            json!({
                "label": label,
                "displayOrder": order,
                "metadata": metadata,
                "id": stage,
                "createdAt": iso(MADE),
                "updatedAt": iso(MADE),
                "archived": false,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            })
        })
        .collect();
    Some(json!({
        "label": label,
        "displayOrder": 0,
        "id": id,
        "stages": stages,
        "createdAt": iso(MADE),
        "updatedAt": iso(MADE),
        "archived": false,
    }))
}

pub(super) fn pipelines(method: &str, path: &[&str], own: &[(String, String)]) -> Result<Answer, Answer> {
    let [kind, rest @ ..] = path else { return Err(no_such_path()) };
    let pipeline = pipeline(kind, own).ok_or_else(missing)?;
    match (method, rest) {
        ("GET", []) => Ok(Answer::ok(json!({"results": [pipeline]}))),
        ("GET", [id]) if pipeline["id"] == *id => Ok(Answer::ok(pipeline)),
        ("GET", [id, "stages"]) if pipeline["id"] == *id => {
            Ok(Answer::ok(json!({"results": pipeline["stages"]})))
        }
        ("GET", [id, "stages", stage]) if pipeline["id"] == *id => {
            let mut stages = pipeline["stages"].as_array().into_iter().flatten();
            stages.find(|known| known["id"] == *stage).cloned().map(Answer::ok).ok_or_else(missing)
        }
        ("GET", _) => Err(missing()),
        _ => Err(no_such_path()),
    }
}

pub(super) fn account_details() -> Answer {
    Answer::ok(json!({
        "portalId": PORTAL_ID,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "eu1",
    }))
}

pub(super) fn daily_usage(now: i64, used: u32, limit: u32, resets_at: i64) -> Answer {
    Answer::ok(json!({
        "results": [{
            "name": "private-apps-api-calls-daily",
            "usageLimit": limit,
            "currentUsage": used,
            "collectedAt": iso(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso(resets_at),
        }],
    }))
}
