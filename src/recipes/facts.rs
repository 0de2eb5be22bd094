//! What a recipe knows when it is judged: records as freshly read, and what was counted. Data only.
//!
//! The engine gathers no more of it than a recipe's expressions and actions name; [`Facts::variables`] is what they see.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef};

/// A conversation of the person, as a list gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Talk {
    /// Which.
    pub conversation: RecordRef,
    /// When it began.
    pub begun_at: Timestamp,
    /// Open or snoozed: the person waits for help.
    pub open: bool,
    /// `open`, `closed`, `snoozed`.
    pub state: String,
    /// What kind of conversation: its `type` attribute or its ticket type; empty where there is none.
    pub kind: String,
    /// 1 to 5; none without one.
    pub rating: Option<i64>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Of deals or of tickets.
    pub object: ObjectKind,
    /// The pipeline's id; empty where the vendor has none.
    pub pipeline: String,
    /// What records hold.
    pub id: String,
    /// What people see.
    pub label: String,
}

/// Everything a recipe may know.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When it is judged.
    pub now: Timestamp,
    /// The event: its topic, kind, `at` (seconds) and `id`, and for those of no vendor its whole body. Keys of ours are made
    /// of it, so it is the same each time the execution is planned.
    pub event: Map<String, Value>,
    /// Where the CRM's records are, and would be made.
    pub crm_connection: Connection,
    /// The person in Intercom.
    pub contact: Option<Mirror>,
    /// The person in the CRM: a contact before a lead.
    pub crm: Option<Mirror>,
    /// Further records of the CRM that fit the person as well.
    pub also: Vec<RecordRef>,
    /// Why the person in the CRM was not looked for, where it could not be.
    pub unmatched: Option<String>,
    /// The person's organisation in the CRM.
    pub company: Option<Mirror>,
    /// The person's organisation in Intercom.
    pub intercom_company: Option<Mirror>,
    /// The conversation, with its parts' texts only where an action logs them.
    pub conversation: Option<Mirror>,
    /// The conversation's tags, and the one the event is about.
    pub tags: Vec<String>,
    /// The tag the event is about.
    pub tag: Option<String>,
    /// The person's conversations, newest first.
    pub conversations: Vec<Talk>,
    /// The person's open sales, oldest first, or the one the event is about.
    pub deals: Vec<Mirror>,
    /// The support case for the conversation.
    pub ticket: Option<Mirror>,
    /// What the lookups of [`planner::lookups`](super::planner::lookups) found, by the place of the action; an action that is
    /// not here was not looked up, and nothing is made by it.
    pub found: BTreeMap<usize, Vec<Mirror>>,
    /// The stages of deals and tickets, where the recipe names some: people write labels, records hold ids.
    pub stages: Vec<Stage>,
    /// For actions that carry fields over.
    pub sync: Option<super::contact_sync::Facts>,
    /// For actions that log the conversation.
    pub timeline: Option<super::timeline::Facts>,
    /// The template of HubSpot's timeline app, where there is one.
    pub timeline_template: Option<String>,
    /// The recipe's own settings.
    pub settings: Fields,
}

impl Facts {
    /// The names expressions may use, with what each is.
    pub const VARIABLES: [(&str, &str); 16] = [
        (
            "event",
            "topic, kind, at (seconds) and id of what happened; for an agent's or a product's event its body too",
        ),
        ("contact", "the person in Intercom, or null"),
        ("crm", "the person in the CRM (in Salesforce a contact before a lead), or null"),
        ("company", "the person's organisation in the CRM, or null"),
        ("intercom_company", "the person's organisation in Intercom, or null"),
        (
            "conversation",
            "the conversation: id, state, open, title, type, rating, remark, begun_at, link, ..., or null",
        ),
        (
            "conversations",
            "the person's conversations: id, state, open, type, rating, begun_at; newest first",
        ),
        ("tag", "the name of the tag the event is about, or null"),
        ("tags", "the names of the conversation's or the person's tags"),
        ("deal", "the person's open sale, or the sale the event is about, or null"),
        ("deals", "the person's open sales, oldest first"),
        ("ticket", "the open support case for the conversation, or null"),
        ("route", "what the routing table gave: to, because; or null"),
        ("settings", "the recipe's own [settings]"),
        ("now", "the time it is judged, in seconds"),
        ("matches_many", "more than one record of the CRM fits the person"),
    ];

    /// Facts that know nothing yet.
    pub fn new(now: Timestamp, crm_connection: Connection) -> Self {
        Self {
            now,
            event: Map::new(),
            crm_connection,
            contact: None,
            crm: None,
            also: Vec::new(),
            unmatched: None,
            company: None,
            intercom_company: None,
            conversation: None,
            tags: Vec::new(),
            tag: None,
            conversations: Vec::new(),
            deals: Vec::new(),
            ticket: None,
            found: BTreeMap::new(),
            stages: Vec::new(),
            sync: None,
            timeline: None,
            timeline_template: None,
            settings: Fields::new(),
        }
    }

    /// What expressions see: names joined by dots are taken apart again (`contact.custom_attributes.plan`).
    pub fn variables(&self) -> Map<String, Value> {
        let record = |mirror: Option<&Mirror>| mirror.map_or(Value::Null, nested);
        let talks: Vec<Value> = self
            .conversations
            .iter()
            .map(|talk| {
                json!({"id": talk.conversation.id, "state": talk.state, "open": talk.open, "type": talk.kind,
                       "rating": talk.rating, "begun_at": talk.begun_at.seconds()})
            })
            .collect();
        let pairs = [
            ("event", Value::Object(self.event.clone())),
            ("contact", record(self.contact.as_ref())),
            ("crm", record(self.crm.as_ref())),
            ("company", record(self.company.as_ref())),
            ("intercom_company", record(self.intercom_company.as_ref())),
            ("conversation", record(self.conversation.as_ref())),
            ("conversations", Value::Array(talks)),
            ("tag", self.tag.clone().map_or(Value::Null, Value::String)),
            ("tags", json!(self.tags)),
            ("deal", record(self.deals.first())),
            ("deals", Value::Array(self.deals.iter().map(nested).collect())),
            ("ticket", record(self.ticket.as_ref())),
            ("settings", Value::Object(self.settings.clone())),
            ("now", json!(self.now.seconds())),
            ("matches_many", json!(!self.also.is_empty())),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A record as an expression sees it: its fields, nested again, and its `id` and `kind`.
fn nested(mirror: &Mirror) -> Value {
    let mut whole = Map::new();
    for (name, value) in &mirror.fields {
        put(&mut whole, name, value.clone());
    }
    whole.insert("id".into(), Value::String(mirror.record.id.clone()));
    whole.insert("kind".into(), Value::String(mirror.record.object.as_str().to_owned()));
    Value::Object(whole)
}

/// A name that is both a value and the beginning of other names keeps the value.
fn put(into: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            into.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = into.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn nested_names_are_taken_apart_for_expressions() {
        let mut facts = Facts::new(Timestamp(1_000), Connection::only(System::Hubspot));
        let fields = json!({"email": "a@b.c", "custom_attributes.plan": "pro", "custom_attributes.seats": 3});
        facts.contact = Some(Mirror {
            record: RecordRef::new(System::Intercom, ObjectKind::Contact, "64e2"),
            fields: fields.as_object().expect("an object").clone(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        });
        let seen = facts.variables();
        assert_eq!(seen["contact"]["custom_attributes"], json!({"plan": "pro", "seats": 3}));
        assert_eq!((&seen["contact"]["id"], &seen["crm"]), (&json!("64e2"), &Value::Null));
    }
}
