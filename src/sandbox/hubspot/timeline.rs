//! HubSpot's custom timeline events: what a public app has posted. Whether the caller may is asked before.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Portal;
use super::answers::{self, invalid, missing, no_such_path};
use super::associations::id_of;
use super::shelf::Kind;
use crate::sandbox::desk::iso;
use crate::sandbox::wire::{Answer, Call};

/// Events by template and their own id.
#[derive(Default)]
pub(super) struct Timeline(BTreeMap<(String, String), Value>);

impl Portal {
    pub(super) fn route_timeline(
        &mut self,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        match (method, path) {
            ("POST", ["events"]) => Ok(Answer::json(201, self.post_event(&call.body)?)),
            ("POST", ["events", "batch", "create"]) => {
                let inputs = call.body["inputs"].as_array().map_or(&[][..], Vec::as_slice);
                let mut results = Vec::new();
                let mut errors = Vec::new();
                for input in inputs {
                    match self.post_event(input) {
                        Ok(event) => results.push(event),
                        Err(refusal) => errors.push(super::batch::row_error(refusal, input)),
                    }
                }
                Ok(answers::batch(201, self.now(), &results, &errors))
            }
            ("GET", ["events", template, id]) => {
                let event = self.timeline.0.get(&((*template).to_owned(), (*id).to_owned()));
                event.cloned().map(Answer::ok).ok_or_else(missing)
            }
            _ => Err(no_such_path()),
        }
    }

    /// Posts an event. One with a known template and id is answered again as it stands: events never change.
    fn post_event(&mut self, given: &Value) -> Result<Value, Answer> {
        let text = |name: &str| match &given[name] {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let template = text("eventTemplateId").ok_or_else(|| invalid("eventTemplateId is required"))?;
        if !given["tokens"].is_object() {
            return Err(invalid("tokens is required"));
        }
        let contacts = self.shelf(Kind::Contacts);
        let contact = match (text("email"), id_of(&given["objectId"])) {
            (Some(email), _) => contacts.with_unique("email", &email).map(|record| record.id),
            (None, Some(id)) => contacts.live(id).map(|record| record.id),
            (None, None) if text("utk").is_some() || text("domain").is_some() => None,
            (None, None) => return Err(invalid("One of email, objectId, utk or domain is required")),
        };
        let id = text("id").unwrap_or_else(|| self.next_id().to_string());
        let key = (template, id);
        if let Some(known) = self.timeline.0.get(&key) {
            return Ok(known.clone());
        }
        let now = iso(self.now());
        let mut event = given.clone();
        event["id"] = json!(key.1);
        event["eventTemplateId"] = json!(key.0);
        event["objectType"] = json!("CONTACT");
        event["createdAt"] = json!(now);
        if given["timestamp"].is_null() {
            event["timestamp"] = json!(now);
        }
        let detail = json!({"template": key.0, "id": key.1});
        self.timeline.0.insert(key, event.clone());
        self.effect(Kind::Contacts, "timeline_event", contact.unwrap_or(0), &detail);
        Ok(event)
    }
}
