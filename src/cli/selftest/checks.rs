//! The tests, each with its evidence: what was done, what was read back.

use serde_json::{Value, json};

use super::What;
use super::stage::Stage;
use crate::domain::event::EventKind;
use crate::domain::execution::{Execution, Status};
use crate::domain::plan::{Effect, key_for};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::Decision;
use crate::vendors::{self, Log, VendorError, salesforce};

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Outcome {
    /// Which test.
    pub(in crate::cli) name: &'static str,
    /// None where it does not apply.
    pub(in crate::cli) passed: Option<bool>,
    /// What was seen.
    pub(in crate::cli) evidence: String,
}

impl Outcome {
    /// It passed, or did not apply.
    pub(in crate::cli) fn is_good(&self) -> bool {
        self.passed != Some(false)
    }
}

/// Why a test could not come to its end.
struct Broken(String);

impl From<VendorError> for Broken {
    fn from(error: VendorError) -> Self {
        Self(format!("a vendor refused ({}): \"{}\"", error.class, error.words))
    }
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self(why)
    }
}

type Seen = Result<(bool, String), Broken>;

/// Runs one test.
pub(super) async fn run(stage: &mut Stage, what: What) -> Outcome {
    let name = match what {
        What::Lead => "lead",
        What::Update => "update",
        What::Case => "case",
        What::Duplicate => "duplicate",
        What::Permission => "permission",
        What::Error => "error",
        What::All => "all",
    };
    if what == What::Case && stage.crm.system != System::Salesforce {
        let evidence =
            "cases are Salesforce's; HubSpot's tickets are tested by recipes of your own".to_owned();
        return Outcome { name, passed: None, evidence };
    }
    let seen = match what {
        What::Lead => lead(stage).await,
        What::Update => update(stage).await,
        What::Case => case(stage).await,
        What::Duplicate => duplicate(stage).await,
        What::Permission => permission(stage).await,
        What::Error | What::All => error(stage).await,
    };
    let (passed, evidence) = seen.unwrap_or_else(|broken| (false, broken.0));
    Outcome { name, passed: Some(passed), evidence }
}

/// Somebody new in both systems: the Intercom record, the CRM's, and what ran.
async fn known(stage: &mut Stage, name: &str, role: &str) -> Result<(RecordRef, Mirror, String), Broken> {
    let left = stage.person(name, role).await?;
    let ran = stage.deliver(EventKind::ContactCreated, &left, json!({})).await?;
    let identity = stage.mapping.crm_identity.clone();
    let mut found = stage.in_crm(&identity, &left.id).await?;
    match found.len() {
        1 => Ok((left, found.swap_remove(0), told(&ran))),
        count => Err(Broken(format!(
            "{count} records of the CRM carry the person's id, expected 1; {}",
            told(&ran)
        ))),
    }
}

fn told(ran: &[Execution]) -> String {
    let rows = ran.iter().map(|row| format!("{} {} {}: {}", row.id, row.recipe, row.status, row.sentence));
    rows.collect::<Vec<_>>().join("; ")
}

async fn lead(stage: &mut Stage) -> Seen {
    let (left, right, ran) = known(stage, "lead", "lead").await?;
    let owner =
        right.text(if stage.crm.system == System::Salesforce { "OwnerId" } else { "hubspot_owner_id" });
    let (owned, whose) = match stage.crm.system {
        System::Salesforce => {
            let ours = salesforce::own_user(&stage.clients, &stage.crm, &mut Log::new()).await?;
            let same = !owner.is_empty() && (ours.is_empty() || owner.get(..15) == ours.get(..15));
            (
                same,
                format!("owned by {owner}, the integration user until your assignment rules say otherwise"),
            )
        }
        _ if owner.is_empty() => (true, "without an owner, as HubSpot makes contacts".to_owned()),
        _ => (true, format!("owned by {owner}")),
    };
    let title = right.record.title();
    Ok((owned, format!("{} became {title}, {whose} ({ran})", left.title())))
}

async fn update(stage: &mut Stage) -> Seen {
    let (left, right, _) = known(stage, "update", "user").await?;
    let phone = "+4930901820";
    let fields = Fields::from_iter([("phone".to_owned(), Value::from(phone))]);
    stage.perform(&Effect::Update { record: left.clone(), fields }).await?;
    let ran = stage.deliver(EventKind::ContactUpdated, &left, json!({})).await?;
    let now = stage.read(&right.record).await?.text("phone");
    Ok((
        now == phone,
        format!("the phone of {} reads \"{now}\", expected {phone} ({})", right.record.title(), told(&ran)),
    ))
}

async fn case(stage: &mut Stage) -> Seen {
    let (left, right, _) = known(stage, "case", "user").await?;
    let text = "Reknit Selftest: please ignore.".to_owned();
    let key = key_for(&format!("selftest {}", stage.stamp));
    let conversation = stage.perform(&Effect::Converse { contact: left, text, key }).await?;
    let tag = "billing";
    stage.perform(&Effect::Tag { record: conversation.clone(), tag: tag.into(), on: true }).await?;
    let body = json!({"data": {"item": {"id": conversation.id, "tag": {"name": tag}}}});
    let ran = stage.deliver(EventKind::ConversationTagged, &conversation, body).await?;
    let found =
        vendors::open_of(&stage.clients, &stage.crm, ObjectKind::Ticket, &right.record, &mut Log::new())
            .await?;
    for mirror in &found {
        stage.mine(&mirror.record);
    }
    let [made] = found.as_slice() else {
        return Ok((
            false,
            format!("{} open cases of the test person, expected 1 ({})", found.len(), told(&ran)),
        ));
    };
    let (status, priority) = (made.text("Status"), made.text("Priority"));
    let good = status == "New" && priority == "Medium";
    Ok((
        good,
        format!("{} has status {status} and priority {priority} ({})", made.record.title(), told(&ran)),
    ))
}

async fn duplicate(stage: &mut Stage) -> Seen {
    let address = stage.address("duplicate");
    let is_salesforce = stage.crm.system == System::Salesforce;
    let fields = if is_salesforce {
        json!({"LastName": "Selftest", "Company": "Reknit Selftest", "Email": address})
    } else {
        json!({"lastname": "Selftest", "email": address})
    };
    let effect = Effect::Create {
        connection: stage.crm.clone(),
        object: if is_salesforce { ObjectKind::Lead } else { ObjectKind::Contact },
        fields: fields.as_object().cloned().unwrap_or_default(),
        identity: if is_salesforce { "Email" } else { "email" }.to_owned(),
        related: Vec::new(),
    };
    let there = stage.perform(&effect).await?;
    let left = stage.person("duplicate", "lead").await?;
    let mut ran = Vec::new();
    for _ in 0..2 {
        ran.extend(stage.deliver(EventKind::ContactCreated, &left, json!({})).await?);
    }
    let found = stage.in_crm("email", &address).await?;
    let tied = stage.read(&there).await?.text(&stage.mapping.crm_identity);
    let good = found.len() == 1 && tied == left.id;
    Ok((
        good,
        format!(
            "{} records have the address, expected 1; {} carries \"{tied}\", expected {} ({})",
            found.len(),
            there.title(),
            left.id,
            told(&ran)
        ),
    ))
}

async fn permission(stage: &mut Stage) -> Seen {
    let (_, right, _) = known(stage, "permission", "lead").await?;
    let field = if stage.crm.system == System::Salesforce { "CreatedDate" } else { "hs_object_id" };
    let before = right.text(field);
    let value = if stage.crm.system == System::Salesforce { "2001-01-01T00:00:00Z" } else { "1" };
    let fields = Fields::from_iter([(field.to_owned(), Value::from(value))]);
    let asked = stage.perform(&Effect::Update { record: right.record.clone(), fields }).await;
    let now = stage.read(&right.record).await?.text(field);
    let unchanged = before == now || (before.is_empty() && now != value);
    Ok(match asked {
        Err(error) => {
            (unchanged, format!("writing {field} was refused: \"{}\"; it reads \"{now}\" still", error.words))
        }
        Ok(_) => (false, format!("writing {field}, which nobody may, was taken; it reads \"{now}\"")),
    })
}

async fn error(stage: &mut Stage) -> Seen {
    let (_, right, _) = known(stage, "error", "lead").await?;
    let field = if stage.crm.system == System::Salesforce {
        "Reknit_No_Such_Field__c"
    } else {
        "reknit_no_such_field"
    };
    let fields = Fields::from_iter([(field.to_owned(), Value::from("x"))]);
    let decision = Decision::Act {
        verb: "selftest".into(),
        record: right.record.clone(),
        reason: "a failure that must be seen".into(),
        effects: vec![Effect::Update { record: right.record, fields }],
    };
    let id = stage.operator.decide(&decision).await.map_err(|error| error.to_string())?;
    stage.work().await;
    let row = stage.executions().await?.into_iter().find(|row| row.id == id);
    Ok(match row {
        Some(row) if row.status == Status::Failed && row.error_class.is_some() => (
            true,
            format!(
                "{} failed as {} and is listed by status:failed: {}",
                row.id,
                row.error_class.map(|class| class.to_string()).unwrap_or_default(),
                row.sentence
            ),
        ),
        Some(row) => {
            (false, format!("{} is {} and no failure is shown: {}", row.id, row.status, row.sentence))
        }
        None => (false, format!("{id} is not in the journal")),
    })
}
