//! Merging an Intercom lead into a user, by the rules of 2.16 and of the versions before. There is no undo.

use serde_json::{Value, json};

use super::answers::{contact_missing, refused};
use super::{Contact, Merged, Version, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

impl Workspace {
    pub(super) fn merge_contacts(&mut self, call: &Call, version: Version) -> Answer {
        let (Some(from_id), Some(into_id)) = (call.text("from"), call.text("into")) else {
            return refused(400, "parameter_not_found", "from and into are required");
        };
        let (Some(from), Some(into)) = (self.contacts.get(from_id), self.contacts.get(into_id)) else {
            return refused(404, "not_found", "Contact Not Found");
        };
        if from.user || !into.user {
            let message = "Merging can only be performed on a lead into a user";
            return refused(400, "invalid_merge", message);
        }
        let skip = call.body.get("skip_duplicate_validation").and_then(Value::as_bool).unwrap_or(false);
        if version >= Version(16) && !skip && !duplicates(from, into) {
            let message = "Contacts can only be merged when they are duplicates (matching email or phone). Pass skip_duplicate_validation=true to override this check.";
            return refused(400, "invalid_merge", message);
        }
        let (from_id, into_id) = (from_id.to_owned(), into_id.to_owned());
        self.absorb(&from_id, &into_id);
        Answer::ok(shapes::contact(&self.contacts[&into_id], version))
    }

    fn absorb(&mut self, from_id: &str, into_id: &str) {
        let Some(from) = self.remove_contact(from_id) else { return };
        let Some(mut into) = self.contacts.get(into_id).cloned() else { return };
        let now = self.now();
        into.email = into.email.or(from.email);
        into.phone = into.phone.or(from.phone);
        into.name = into.name.or(from.name);
        into.owner = into.owner.or(from.owner);
        into.signed_up = into.signed_up.or(from.signed_up);
        into.last_seen = into.last_seen.max(from.last_seen);
        // Somebody who opted out under either record has opted out.
        into.unsubscribed |= from.unsubscribed;
        for (name, value) in from.custom {
            into.custom.entry(name).or_insert(value);
        }
        for tag in from.tags {
            if !into.tags.iter().any(|(known, _)| *known == tag.0) {
                into.tags.push(tag);
            }
        }
        into.notes.extend(from.notes);
        for company_id in from.companies {
            if let Some(company) = self.companies.get_mut(&company_id) {
                company.contacts.insert(into_id.to_owned());
            }
            if !into.companies.contains(&company_id) {
                into.companies.push(company_id);
            }
        }
        into.updated = now.max(into.updated + 1);
        self.drop_from_indexes(into_id);
        self.put_contact(into);
        self.move_conversations(from_id, into_id);
        self.merged
            .insert(from_id.to_owned(), Merged { into: into_id.to_owned(), role: "lead", at: now / 1_000 });
        self.effect("contact", "merge", into_id, &json!({"from": from_id}));
        let mut item = shapes::contact_in_webhook(&self.contacts[into_id]);
        item["merged_from"] = json!({"type": "contact", "id": from_id});
        self.notify("contact.merged", &item);
    }

    pub(super) fn merge_history(&self, id: &str) -> Answer {
        if !self.contacts.contains_key(id) {
            return contact_missing();
        }
        let mut history: Vec<(&String, &Merged)> =
            self.merged.iter().filter(|(_, merged)| merged.into == id).collect();
        history.sort_by_key(|(from, merged)| (merged.at, from.as_str()));
        let data: Vec<Value> = history
            .iter()
            .map(|(from, merged)| {
                json!({
                    "type": "merge_history",
                    "source_contact_id": from,
                    "source_contact_role": merged.role,
                    "merged_at": merged.at,
                })
            })
            .collect();
        Answer::ok(json!({"type": "list", "data": data, "next_cursor": null, "has_more": false}))
    }
}

fn duplicates(from: &Contact, into: &Contact) -> bool {
    let same_email = match (&from.email, &into.email) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        _ => false,
    };
    same_email || (from.phone.is_some() && from.phone == into.phone)
}
