//! Facts written down by hand, for trying a recipe without a vendor: a JSON object with the names expressions use.
//!
//! `{"contact": {"id": "64e2", "email": "…"}, "crm": {"id": "151"}, "conversations": […], "found": {"0": []}}`. What is not
//! given is not there; a lookup that is not given counts as one that found nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::contact_sync;
use super::facts::{Facts, Stage, Talk};
use super::finding::instead_of;
use super::planner::{By, Wanted};
use super::timeline;
use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System, value_text};
use crate::mapping::transform::time;

/// The names a file of facts may have.
const NAMES: [&str; 17] = [
    "now",
    "event",
    "contact",
    "crm",
    "also",
    "company",
    "intercom_company",
    "conversation",
    "conversations",
    "tag",
    "tags",
    "deal",
    "deals",
    "ticket",
    "found",
    "stages",
    "timeline_template",
];

/// Reads facts; `now` is when they are judged if they do not say.
pub fn facts(given: &Map<String, Value>, now: Timestamp, crm: System) -> Result<Facts, String> {
    if let Some(unknown) = given.keys().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("there is no \"{unknown}\" among the facts; {}", instead_of(unknown, &NAMES)));
    }
    let now = given.get("now").and_then(time).unwrap_or(now);
    let (crm, intercom) = (Connection::only(crm), Connection::only(System::Intercom));
    let mut facts = Facts::new(now, crm.clone());
    let one = |name: &str, connection: &Connection, object: ObjectKind| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => record(name, value, connection, object).map(Some),
    };
    facts.contact = one("contact", &intercom, ObjectKind::Contact)?;
    facts.crm = one("crm", &crm, ObjectKind::Contact)?;
    facts.company = one("company", &crm, ObjectKind::Company)?;
    facts.intercom_company = one("intercom_company", &intercom, ObjectKind::Company)?;
    facts.conversation = one("conversation", &intercom, ObjectKind::Conversation)?;
    facts.ticket = one("ticket", &crm, ObjectKind::Ticket)?;
    facts.deals = list(given, "deals")?
        .iter()
        .chain(given.get("deal").filter(|deal| !deal.is_null()))
        .map(|deal| record("deals", deal, &crm, ObjectKind::Deal))
        .collect::<Result<_, _>>()?;
    facts.also = list(given, "also")?
        .iter()
        .map(|one| record("also", one, &crm, ObjectKind::Contact).map(|mirror| mirror.record))
        .collect::<Result<_, _>>()?;
    facts.tag = given.get("tag").and_then(Value::as_str).map(str::to_owned);
    facts.tags = list(given, "tags")?.iter().map(value_text).collect();
    facts.event = match given.get("event") {
        Some(Value::Object(event)) => event.clone(),
        None => Map::new(),
        Some(_) => return Err("\"event\" is no object".into()),
    };
    facts.timeline_template = given.get("timeline_template").and_then(Value::as_str).map(str::to_owned);
    for talk in list(given, "conversations")? {
        let begun_at =
            talk.get("begun_at").and_then(time).ok_or("every conversation needs begun_at, a time")?;
        let text = |name: &str| talk.get(name).map(value_text).unwrap_or_default();
        facts.conversations.push(Talk {
            conversation: RecordRef::new(System::Intercom, ObjectKind::Conversation, text("id")),
            begun_at,
            open: talk.get("open").and_then(Value::as_bool).unwrap_or_else(|| text("state") != "closed"),
            state: text("state"),
            kind: text("type"),
            rating: talk.get("rating").and_then(Value::as_i64),
        });
    }
    facts.conversations.sort_by_key(|talk| std::cmp::Reverse(talk.begun_at));
    for stage in list(given, "stages")? {
        let text = |name: &str| stage.get(name).map(value_text).unwrap_or_default();
        let object = text("object").parse().unwrap_or(ObjectKind::Deal);
        facts.stages.push(Stage { object, pipeline: text("pipeline"), id: text("id"), label: text("label") });
    }
    facts.sync = Some(contact_sync::Facts {
        intercom: facts.contact.clone(),
        crm: facts.crm.clone(),
        also: facts.also.clone(),
        ..contact_sync::Facts::default()
    });
    facts.timeline = timeline_of(&facts);
    Ok(facts)
}

/// Puts in what lookups found, or that they found nothing.
pub fn found(facts: &mut Facts, given: &Map<String, Value>, wanted: &[Wanted]) -> Result<(), String> {
    for one in wanted {
        let listed = match given.get("found").and_then(|found| found.get(one.action.to_string())) {
            Some(Value::Array(listed)) => listed
                .iter()
                .map(|value| record("found", value, &one.connection, one.object))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(format!("found.{} is no list of records", one.action)),
            None if matches!(one.by, By::OpenOfPerson(_)) && one.object == ObjectKind::Deal => {
                facts.deals.clone()
            }
            None => Vec::new(),
        };
        facts.found.insert(one.action, listed);
    }
    Ok(())
}

fn list(given: &Map<String, Value>, name: &str) -> Result<Vec<Value>, String> {
    match given.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(_) => Err(format!("\"{name}\" is no list")),
    }
}

/// A record as it is written down: its `id`, its `kind` where it is another, and its fields.
fn record(name: &str, value: &Value, connection: &Connection, object: ObjectKind) -> Result<Mirror, String> {
    let Value::Object(value) = value else { return Err(format!("\"{name}\" is no object")) };
    let id = value.get("id").map(value_text).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| format!("\"{name}\" has no id"))?;
    let object = match value.get("kind").map(value_text) {
        Some(kind) => kind.parse().map_err(|error| format!("\"{name}\": {error}"))?,
        None => object,
    };
    let mut fields = Fields::new();
    flatten("", value, &mut fields);
    fields.remove("id");
    fields.remove("kind");
    let record = RecordRef { connection: connection.clone(), object, id };
    Ok(Mirror { record, fields, vendor_updated_at: None, companies: Vec::new(), deleted: false })
}

fn flatten(above: &str, of: &Map<String, Value>, fields: &mut Fields) {
    for (name, value) in of {
        let name = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Object(inner) => flatten(&name, inner, fields),
            other => {
                fields.insert(name, other.clone());
            }
        }
    }
}

fn timeline_of(facts: &Facts) -> Option<timeline::Facts> {
    let conversation = facts.conversation.clone()?;
    let begun_at =
        ["begun_at", "created_at"].iter().find_map(|name| conversation.fields.get(*name).and_then(time));
    let person = facts.contact.as_ref().map(|contact| timeline::Person {
        intercom: contact.record.clone(),
        crm: facts
            .crm
            .as_ref()
            .map_or_else(|| Err("who has no CRM contact".to_owned()), |crm| Ok(crm.record.clone())),
    });
    let link = value_text(conversation.fields.get("link").unwrap_or(&Value::Null));
    Some(timeline::Facts {
        conversation,
        begun_at: begun_at.unwrap_or(facts.now),
        people: person.into_iter().collect(),
        tags: facts.tags.clone(),
        said: Vec::new(),
        unread: 0,
        link,
        message: None,
    })
}

/// What an event's own body says of the records it is about, where the facts do not say it: Intercom sends the whole
/// conversation or person along.
pub fn from_event(given: &mut Map<String, Value>, body: &Map<String, Value>) {
    let mut event: BTreeMap<String, Value> = BTreeMap::new();
    for name in ["topic", "kind", "at", "id"] {
        event.extend(body.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    if let Some(at) = body.get("created_at") {
        event.entry("at".to_owned()).or_insert_with(|| at.clone());
    }
    let whole = if body.contains_key("data") { event.into_iter().collect() } else { body.clone() };
    given.entry("event").or_insert(Value::Object(whole));
    if let Some(Value::Object(item)) = body.get("data").and_then(|data| data.get("item")) {
        let name = match item.get("type").and_then(Value::as_str) {
            Some("conversation") => "conversation",
            Some("contact" | "user" | "lead") => "contact",
            Some("company") => "intercom_company",
            _ => return,
        };
        let mut item = item.clone();
        item.remove("kind");
        given.entry(name).or_insert(Value::Object(item));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn facts_are_read_as_they_are_seen_by_expressions() {
        let text = json!({"contact": {"id": 5, "custom_attributes": {"plan": "pro"}}, "crm": {"id": "00Q", "kind": "lead"},
                          "conversations": [{"id": 1, "begun_at": 10, "open": true}, {"id": 2, "begun_at": 20}],
                          "event": {"kind": "conversation.closed"}});
        let facts = facts(&given(&text), Timestamp(0), System::Salesforce).expect("facts");
        assert_eq!(facts.variables()["contact"]["custom_attributes"]["plan"], json!("pro"));
        assert_eq!(
            facts.crm.as_ref().map(|crm| crm.record.to_string()).as_deref(),
            Some("salesforce/lead/00Q")
        );
        assert_eq!(facts.conversations[0].begun_at.seconds(), 20, "newest first");
    }

    #[test]
    fn mistakes_are_told() {
        for (text, why) in [
            (json!({"contcat": {}}), "did you mean \"contact\""),
            (json!({"crm": {"email": "a"}}), "\"crm\" has no id"),
            (json!({"crm": 5}), "\"crm\" is no object"),
            (json!({"conversations": [{"id": 1}]}), "needs begun_at"),
        ] {
            let said = facts(&given(&text), Timestamp(0), System::Hubspot).expect_err("a mistake");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn an_event_brings_the_record_it_is_about() {
        let body = json!({"topic": "conversation.admin.closed", "created_at": 9,
                          "data": {"item": {"type": "conversation", "id": "20001", "state": "closed"}}});
        let mut facts = Map::new();
        from_event(&mut facts, &given(&body));
        assert_eq!(facts["conversation"]["id"], json!("20001"));
        assert_eq!(facts["event"], json!({"topic": "conversation.admin.closed", "at": 9}));
    }
}
