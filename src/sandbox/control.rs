//! The control calls under `/_sandbox`, on every port and without a token: what is emulated, what happened, and
//! trouble on purpose. They are never counted in the books and never met by a fault.

use serde_json::{Value, json};

use super::World;
use super::desk::lock;
use super::fault::Fault;
use super::wire::{Answer, Call};

/// What a control path takes, for whoever asks wrongly.
struct Route {
    path: &'static str,
    methods: &'static str,
    does: &'static str,
}

const ROUTES: [Route; 4] = [
    Route {
        path: "books",
        methods: "GET",
        does: "GET tells every effect with who made it, calls and answers by route, webhooks",
    },
    Route {
        path: "faults",
        methods: "GET, POST, DELETE",
        does: "POST {\"vendor\", \"kind\", and any of \"method\", \"path_contains\", \"body_contains\", \"mentions_any\", \
               \"writes_only\", \"after\" (calls to let through), \"times\", \"retry_after\", \"millis\", \"bytes\", \"location\"} \
               adds one, GET lists them, DELETE ends all",
    },
    Route {
        path: "tokens",
        methods: "POST",
        does: "POST {\"expire\": true} ends Salesforce's access tokens, {\"revoke_refresh\": true} its refresh tokens",
    },
    Route {
        path: "webhooks",
        methods: "POST",
        does: "POST any of \"hold\" (true), \"release\" (\"in_order\", \"reversed\", \"dropped\"), \"redeliver\" (how many), \
               \"repeat_every\" (n, of all vendors), \"silence\" (topics), \"lose\" (how many); \"vendor\" narrows it to one",
    },
];

/// Answers a call under `/_sandbox`.
pub(super) fn answer(world: &World, call: &Call) -> Answer {
    let (method, path) = call.route();
    match (method, path.as_slice()) {
        ("GET", ["_sandbox"]) => Answer::ok(overview()),
        ("GET", ["_sandbox", "books"]) => Answer::ok(world.report()),
        ("GET", ["_sandbox", "faults"]) => {
            let faults: Vec<Value> = lock(&world.faults).iter().map(Fault::to_json).collect();
            Answer::ok(json!({"faults": faults}))
        }
        ("POST", ["_sandbox", "faults"]) => match Fault::from_json(&call.body) {
            Ok(fault) => {
                let shape = fault.to_json();
                lock(&world.faults).push(fault);
                Answer::json(201, shape)
            }
            Err(message) => refused(&message),
        },
        ("DELETE", ["_sandbox", "faults"]) => {
            lock(&world.faults).clear();
            Answer::empty(204)
        }
        ("POST", ["_sandbox", "webhooks"]) => match world.desk.outbox.command(&call.body) {
            Ok(done) => Answer::ok(done),
            Err(message) => refused(&message),
        },
        ("POST", ["_sandbox", "tokens"]) => match tokens(world, &call.body) {
            Ok(done) => Answer::ok(done),
            Err(message) => refused(&message),
        },
        (_, ["_sandbox", rest @ ..]) => misdirected(method, rest),
        _ => misdirected(method, &[]),
    }
}

fn refused(message: &str) -> Answer {
    Answer::json(400, json!({"message": message}))
}

/// A known path with the wrong method hears what it takes, an unknown one hears which there are.
fn misdirected(method: &str, rest: &[&str]) -> Answer {
    let known = ROUTES.iter().find(|route| *rest == [route.path]);
    if let Some(route) = known {
        let message = format!("/_sandbox/{} takes no {method}: {}", route.path, route.does);
        return Answer::json(405, json!({"message": message})).with("allow", route.methods);
    }
    if rest.is_empty() {
        let message = format!("/_sandbox takes no {method}: GET lists what there is");
        return Answer::json(405, json!({"message": message})).with("allow", "GET");
    }
    let paths = ROUTES.map(|route| format!("/_sandbox/{}", route.path)).join(", ");
    Answer::json(404, json!({"message": format!("there is {paths}; GET /_sandbox says what each does")}))
}

fn tokens(world: &World, body: &Value) -> Result<Value, String> {
    let known = ["expire", "revoke_refresh"];
    let takes = "the body takes `expire` and `revoke_refresh`, each true or false";
    let fields = body.as_object().filter(|fields| !fields.is_empty()).ok_or(takes)?;
    if let Some((wrong, _)) =
        fields.iter().find(|(key, value)| !known.contains(&key.as_str()) || !value.is_boolean())
    {
        return Err(format!("`{wrong}` means nothing here: {takes}"));
    }
    let mut org = lock(&world.salesforce);
    let expired = if body["expire"] == true { org.expire_access_tokens() } else { 0 };
    let revoked = if body["revoke_refresh"] == true { org.revoke_refresh_tokens() } else { 0 };
    Ok(json!({"expired": expired, "revoked": revoked}))
}

/// What `GET /_sandbox` tells: the control calls, and per vendor what is emulated and what is not.
fn overview() -> Value {
    let control: Value = ROUTES
        .iter()
        .map(|route| (format!("/_sandbox/{}", route.path), json!(route.does)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "control": control,
        "emulated": {
            "intercom": [
                "contacts (leads and users, search, merge, archive, block)", "companies (list, scroll)", "notes", "tags",
                "conversations (replies, parts, search, attributes, merge, redact)", "data attributes", "events",
                "segments (read)", "subscription types", "admins and teams (read)", "signed webhooks", "rate limits",
            ],
            "hubspot": [
                "contacts, companies, deals, tickets, tasks, notes (search, merge, batches, gdpr-delete)",
                "associations and their labels", "properties and property groups", "pipelines (read)", "owners (read)",
                "timeline events", "communication preferences", "account details and usage", "OAuth tokens",
                "numbered and dated paths", "signed webhooks", "rate limits",
            ],
            "salesforce": [
                "sobjects (rows, describe, upsert by external id)", "SOQL", "collections", "composite",
                "Bulk API 2.0", "SOAP merge and convertLead", "OAuth (refresh token, client credentials, JWT bearer)",
                "duplicate rules", "outbound messages", "limits",
            ],
        },
        "not_emulated": {
            "intercom": ["articles and help centers", "tickets", "calls", "data export", "OAuth installation"],
            "hubspot": [
                "lists and imports", "workflows", "forms", "files", "marketing e-mail", "custom objects and their schemas", "associations of v3",
                "the sign-in pages of OAuth",
            ],
            "salesforce": [
                "Apex, flows and triggers", "reports", "Metadata and Tooling API", "Streaming and Pub/Sub API",
                "Bulk API 1.0", "sharing and field-level security", "the sign-in pages of OAuth",
            ],
        },
    })
}
