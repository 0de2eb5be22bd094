//! Data events: told once however often they are sent in one second, and counted by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Workspace;
use super::answers::{contact_missing, refused, required};
use crate::sandbox::desk::iso;
use crate::sandbox::wire::{Answer, Call};

/// How often something happened, first and last.
#[derive(Clone, Copy)]
struct Tally {
    count: u64,
    first: i64,
    last: i64,
}

/// The events of all contacts.
#[derive(Default)]
pub(super) struct Events {
    /// Contact, name and second of each, so that none is counted twice.
    told: BTreeSet<(String, String, i64)>,
    tallies: HashMap<String, BTreeMap<String, Tally>>,
}

impl Events {
    /// False when it was told before.
    fn tell(&mut self, contact: &str, name: &str, at: i64) -> bool {
        if !self.told.insert((contact.to_owned(), name.to_owned(), at)) {
            return false;
        }
        let tallies = self.tallies.entry(contact.to_owned()).or_default();
        let tally = tallies.entry(name.to_owned()).or_insert(Tally { count: 0, first: at, last: at });
        tally.count += 1;
        tally.first = tally.first.min(at);
        tally.last = tally.last.max(at);
        true
    }

    /// With a deleted contact its events go.
    pub(super) fn forget(&mut self, contact: &str) {
        self.tallies.remove(contact);
        self.told.retain(|(of, ..)| of != contact);
    }

    /// After a merge the events follow the person.
    pub(super) fn move_over(&mut self, from: &str, into: &str) {
        for (name, tally) in self.tallies.remove(from).unwrap_or_default() {
            let mine = self.tallies.entry(into.to_owned()).or_default();
            let sum = mine.entry(name).or_insert(Tally { count: 0, ..tally });
            sum.count += tally.count;
            sum.first = sum.first.min(tally.first);
            sum.last = sum.last.max(tally.last);
        }
    }
}

impl Workspace {
    /// Takes an event about a person; the same one within a second is swallowed, as documented. Metadata beyond
    /// ten keys is passed over in silence.
    pub(super) fn take_event(&mut self, call: &Call) -> Answer {
        let Some(name) = call.text("event_name") else { return required("event_name") };
        let Some(at) = call.body["created_at"].as_i64() else { return required("created_at") };
        let whom = self.somebody(call.text("id"), call.text("user_id"), call.text("email"));
        let Some(contact) = whom else { return contact_missing() };
        if self.events.tell(&contact, name, at) {
            let keys: Vec<&String> = call.body["metadata"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key)
                .take(10)
                .collect();
            let told = json!({"event_name": name, "metadata": keys, "created_at": at,
                              "values": call.body["metadata"]});
            self.effect("event", "create", &contact, &told);
        }
        Answer::empty(202)
    }

    /// Somebody does something in the product, which the workspace is subscribed to; false when there is nobody.
    pub(in crate::sandbox) fn act(&mut self, contact: &str, name: &str, details: &Value) -> bool {
        let at = self.now() / 1_000;
        let Some(person) = self.contacts.get(contact) else { return false };
        let item = json!({
            "type": "event",
            "id": crate::sandbox::desk::request_id(),
            "event_name": name,
            "created_at": at,
            "intercom_user_id": contact,
            "user_id": person.external_id,
            "email": person.email,
            "metadata": details,
        });
        self.events.tell(contact, name, at);
        self.effect("event", "create", contact, &json!({"event_name": name, "values": details}));
        self.notify("event.created", &item);
        true
    }

    /// Counts of one contact's events. The document shows no other answer, with or without `summary`.
    pub(super) fn list_events(&self, call: &Call) -> Answer {
        if call.parameter("type") != Some("user") {
            return refused(400, "parameter_invalid", "type must be user");
        }
        let whom = self.somebody(
            call.parameter("intercom_user_id"),
            call.parameter("user_id"),
            call.parameter("email"),
        );
        let Some(contact) = whom.and_then(|id| self.contacts.get(&id)) else { return contact_missing() };
        let tallies = self.events.tallies.get(&contact.id);
        let events: Vec<Value> = tallies
            .into_iter()
            .flatten()
            .map(|(name, tally)| {
                json!({
                    "name": name,
                    "first": iso(tally.first * 1_000),
                    "last": iso(tally.last * 1_000),
                    "count": tally.count,
                    "description": "",
                })
            })
            .collect();
        let mut answer = json!({"type": "event.summary", "events": events, "intercom_user_id": contact.id});
        if let Some(email) = &contact.email {
            answer["email"] = json!(email);
        }
        if let Some(external) = &contact.external_id {
            answer["user_id"] = json!(external);
        }
        Answer::ok(answer)
    }

    /// Sets how often something happened in a past nobody told event by event.
    pub(super) fn take_event_summary(&mut self, call: &Call) -> Answer {
        let Some(contact) = self.somebody(None, call.text("user_id"), None) else { return contact_missing() };
        let summary = &call.body["event_summaries"];
        let Some(name) = summary["event_name"].as_str() else { return required("event_name") };
        let number = |key: &str| summary[key].as_i64();
        let (first, last) = (number("first").unwrap_or(0), number("last").unwrap_or(0));
        let tally = Tally { count: summary["count"].as_u64().unwrap_or(0), first, last };
        self.events.tallies.entry(contact.clone()).or_default().insert(name.to_owned(), tally);
        self.effect("event", "summary", &contact, &json!({"event_name": name}));
        Answer::empty(200)
    }
}
