//! Merging an Intercom lead into a user, by the rules of 2.16 and of the versions before. There is no undo.

use serde_json::{Value, json};

use super::answers::{cursor, read_cursor, refused};
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
        self.show_contact(&into_id, call, version)
    }

    fn absorb(&mut self, from_id: &str, into_id: &str) {
        let Some(from) = self.remove_contact(from_id) else { return };
        let now = self.now();
        self.merged.insert(
            from_id.to_owned(),
            Merged {
                into: into_id.to_owned(),
                external_id: from.external_id.clone(),
                role: shapes::role(&from),
                at: now / 1_000,
            },
        );
        for company in &from.companies {
            if let Some(company) = self.companies.get_mut(company) {
                company.contacts.insert(into_id.to_owned());
            }
        }
        self.contacts.change(into_id, now, |into| take_over(into, from));
        self.move_conversations(from_id, into_id);
        self.events.move_over(from_id, into_id);
        self.effect("contact", "merge", into_id, &json!({"from": from_id}));
        let Some(into) = self.contacts.get(into_id) else { return };
        let mut item = shapes::contact_in_webhook(into);
        item["merged_from"] = json!({"type": "contact", "id": from_id});
        self.notify("contact.merged", &item);
    }

    /// What was merged into a contact, newest first.
    pub(super) fn merges_into(&self, id: &str) -> Vec<Value> {
        let mut history: Vec<(&String, &Merged)> =
            self.merged.iter().filter(|(_, merged)| merged.into == id).collect();
        history.sort_by_key(|(from, merged)| std::cmp::Reverse((merged.at, from.as_str())));
        let shape = |(from, merged): &(&String, &Merged)| {
            json!({
                "type": "merge_history",
                "source_contact_id": from,
                "source_contact_role": merged.role,
                "merged_at": merged.at,
            })
        };
        history.iter().map(shape).collect()
    }

    pub(super) fn merge_history(&self, id: &str, call: &Call) -> Answer {
        if !self.contacts.get(id).is_some_and(|contact| contact.user) {
            return refused(404, "not_found", "Contact not found");
        }
        let per_page = call.number("per_page").unwrap_or(50);
        if !(1..=150).contains(&per_page) {
            return refused(400, "parameter_invalid", "per_page must be between 1 and 150");
        }
        let first = match call.parameter("cursor").map(read_cursor) {
            None => 0,
            Some(Some((_, position))) => position.as_u64().unwrap_or(0) as usize,
            Some(None) => return refused(400, "parameter_invalid", "cursor is invalid"),
        };
        let mut history = self.merges_into(id);
        if call.parameter("order") == Some("asc") {
            history.reverse();
        }
        let end = (first + per_page).min(history.len());
        let more = end < history.len();
        Answer::ok(json!({
            "type": "list",
            "data": history.get(first..end).unwrap_or_default(),
            "next_cursor": more.then(|| cursor(1, &json!(end))),
            "has_more": more,
        }))
    }
}

/// The target keeps its values; what it lacks comes from the other.
fn take_over(into: &mut Contact, from: Contact) {
    into.email = into.email.take().or(from.email);
    into.phone = into.phone.take().or(from.phone);
    into.name = into.name.take().or(from.name);
    into.avatar = into.avatar.take().or(from.avatar);
    into.owner = into.owner.take().or(from.owner);
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
    for one in from.companies {
        if !into.companies.contains(&one) {
            into.companies.push(one);
        }
    }
    for one in from.subscriptions {
        if !into.subscriptions.contains(&one) {
            into.subscriptions.push(one);
        }
    }
}

fn duplicates(from: &Contact, into: &Contact) -> bool {
    let same_email = match (&from.email, &into.email) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        _ => false,
    };
    same_email || (from.phone.is_some() && from.phone == into.phone)
}
