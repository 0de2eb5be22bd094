//! What is done to Intercom conversations from outside: contacts taken in and out, tags, redaction, merges, deletion.

use serde_json::{Value, json};

use super::Workspace;
use super::answers::{missing, next_page, pages, plain_id, refused, required};
use super::conversations::SOURCE_OFFSET;
use crate::sandbox::wire::{Answer, Call};

/// What is left in place of words taken out.
const REDACTED: &str = "<p><i>This message was deleted</i></p>";

/// What is remembered of a deleted conversation.
pub(super) struct Deleted {
    pub(super) id: u64,
    metrics_retained: bool,
    at: i64,
}

fn conversation_missing() -> Answer {
    // The calls about tags say it in other words than the rest.
    refused(404, "not_found", "Conversation not found")
}

fn merge_failed(message: &str) -> Answer {
    refused(422, "merge_failed", message)
}

impl Workspace {
    fn touch(&mut self, id: u64) {
        let now = self.now() / 1_000;
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.updated = now.max(conversation.updated);
        }
    }

    pub(super) fn tag_conversation(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return conversation_missing() };
        if let Err(refusal) = Self::acting_admin(call) {
            return refusal;
        }
        let Some(tag) = call.body.get("id").map(plain_id) else { return required("id") };
        if self.tag_name(&tag).is_none() {
            return refused(404, "tag_not_found", "Tag not found");
        }
        let now = self.now() / 1_000;
        self.put_tag(id, &tag);
        Answer::ok(self.tag_shape(&tag, now))
    }

    /// The scripted team tags; the tag is made when it is new.
    pub(in crate::sandbox) fn admin_tags(&mut self, id: u64, tag: &str) -> bool {
        let known = self.conversations.contains_key(&id);
        if known {
            let tag = self.ensure_tag(tag);
            self.put_tag(id, &tag);
        }
        known
    }

    fn put_tag(&mut self, id: u64, tag: &str) {
        let (now, tag) = (self.now() / 1_000, tag.to_owned());
        if let Some(conversation) = self.conversations.get_mut(&id)
            && !conversation.tags.iter().any(|(known, _)| *known == tag)
        {
            conversation.tags.push((tag.clone(), now));
            if let Some(part) = conversation.parts.last_mut() {
                part.tags.push(tag.clone());
            }
            self.touch(id);
            self.effect("conversation_tag", "attach", &id.to_string(), &json!({"tag": tag}));
            self.notify_conversation(id, "conversation_part.tag.created");
        }
    }

    pub(super) fn untag_conversation(&mut self, id: &str, tag: &str) -> Answer {
        let Some(id) = self.find(id) else { return conversation_missing() };
        let Some(conversation) = self.conversations.get_mut(&id) else { return conversation_missing() };
        let before = conversation.tags.len();
        conversation.tags.retain(|(known, _)| known != tag);
        if conversation.tags.len() == before {
            return refused(404, "tag_not_found", "Tag not found");
        }
        conversation.parts.iter_mut().for_each(|part| part.tags.retain(|known| known != tag));
        self.touch(id);
        self.effect("conversation_tag", "detach", &id.to_string(), &json!({"tag": tag}));
        Answer::ok(self.tag_basic(tag))
    }

    /// A deleted tag is gone from conversations too.
    pub(super) fn untag_conversations(&mut self, tag: &str) {
        for conversation in self.conversations.values_mut() {
            conversation.tags.retain(|(known, _)| known != tag);
            conversation.parts.iter_mut().for_each(|part| part.tags.retain(|known| known != tag));
        }
    }

    pub(super) fn attach_customer(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let customer = &call.body["customer"];
        let named = |name: &str| customer[name].as_str();
        let Some(contact) = self.somebody(named("intercom_user_id"), named("user_id"), named("email")) else {
            return refused(404, "not_found", "User Not Found");
        };
        if let Some(conversation) = self.conversations.get_mut(&id)
            && !conversation.contacts.contains(&contact)
        {
            conversation.contacts.push(contact.clone());
            self.touch(id);
            self.effect("conversation_contact", "attach", &id.to_string(), &json!({"contact": contact}));
            self.notify_conversation(id, "conversation.contact.attached");
        }
        self.whole(id)
    }

    pub(super) fn detach_customer(&mut self, id: &str, contact: &str) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let Some(conversation) = self.conversations.get_mut(&id) else { return missing() };
        if !conversation.contacts.iter().any(|known| known == contact) {
            return refused(404, "not_found", "User Not Found");
        }
        if conversation.contacts.len() == 1 {
            return refused(422, "parameter_invalid", "Removing the last customer is not allowed");
        }
        conversation.contacts.retain(|known| known != contact);
        self.touch(id);
        self.effect("conversation_contact", "detach", &id.to_string(), &json!({"contact": contact}));
        self.notify_conversation(id, "conversation.contact.detached");
        self.whole(id)
    }

    /// Takes the words out of a part, or of the first message; they are nowhere afterwards.
    pub(super) fn redact(&mut self, call: &Call) -> Answer {
        let not_found = || {
            refused(404, "conversation_part_or_message_not_found", "Conversation part or message not found")
        };
        let wanted = |name: &str| call.body.get(name).map(plain_id).and_then(|id| id.parse::<u64>().ok());
        let found = wanted("conversation_id").and_then(|id| self.conversations.get_mut(&id));
        let Some(conversation) = found else { return not_found() };
        let id = conversation.id;
        match call.text("type") {
            Some("conversation_part") => {
                let part = wanted("conversation_part_id");
                let Some(part) = conversation.parts.iter_mut().find(|one| Some(one.id) == part) else {
                    return not_found();
                };
                part.body = Some(REDACTED.to_owned());
                part.redacted = true;
            }
            Some("source") if wanted("source_id") == Some(id + SOURCE_OFFSET) => {
                REDACTED.clone_into(&mut conversation.body);
                conversation.redacted = true;
            }
            _ => return not_found(),
        }
        self.touch(id);
        self.effect("conversation_part", "redact", &id.to_string(), &json!({}));
        self.notify_conversation(id, "conversation_part.redacted");
        self.whole(id)
    }

    /// Closes one conversation and hangs it onto another.
    pub(super) fn merge_conversation(&mut self, id: &str, call: &Call) -> Answer {
        let Some(into) = call.body["merge_into_conversation_id"].as_u64() else {
            let message = "merge_into_conversation_id must be a valid integer conversation ID";
            return refused(400, "parameter_invalid", message);
        };
        let Some(id) = self.find(id) else { return missing() };
        if id == into {
            return merge_failed("Cannot merge a conversation into itself");
        }
        if !self.conversations.contains_key(&into) {
            return merge_failed("Primary conversation not found");
        }
        let Some(secondary) = self.conversations.get_mut(&id) else { return missing() };
        if secondary.merged_into.is_some() {
            return merge_failed("Secondary conversation has already been merged");
        }
        secondary.merged_into = Some(into);
        secondary.state = "closed";
        self.touch(id);
        self.touch(into);
        self.effect("conversation", "merge", &into.to_string(), &json!({"from": id}));
        self.whole(into)
    }

    pub(super) fn delete_conversation(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let Some(gone) = self.conversations.remove(&id) else { return missing() };
        if let Some(until) = gone.snoozed_until {
            self.alarms.remove(&(until, id));
        }
        let metrics_retained = call.parameter("retain_metrics") != Some("false");
        self.deleted_conversations.push(Deleted { id, metrics_retained, at: self.now() / 1_000 });
        self.effect("conversation", "delete", &id.to_string(), &json!({}));
        self.notify(
            "conversation.deleted",
            &json!({"type": "conversation", "id": id.to_string(), "deleted": true}),
        );
        Answer::ok(json!({"id": id.to_string(), "object": "conversation", "deleted": true}))
    }

    pub(super) fn list_deleted_conversations(&self, call: &Call) -> Answer {
        let per_page = call.number("per_page").unwrap_or(20).clamp(1, 60);
        let page = call.number("page").unwrap_or(1).max(1);
        let mut deleted: Vec<&Deleted> = self.deleted_conversations.iter().collect();
        deleted.sort_by_key(|deleted| deleted.id);
        if call.parameter("order") != Some("asc") {
            deleted.reverse();
        }
        let shown: Vec<Value> = deleted
            .iter()
            .skip((page - 1).saturating_mul(per_page))
            .take(per_page)
            .map(|one| {
                json!({
                    "type": "conversation",
                    "id": one.id.to_string(),
                    "metrics_retained": one.metrics_retained,
                    "deleted_at": one.at,
                })
            })
            .collect();
        let mut pages = pages(deleted.len(), page, per_page, None);
        pages["next"] = json!(next_page(call, page, per_page, deleted.len()));
        Answer::ok(json!({
            "type": "conversations.list",
            "conversations": shown,
            "total_count": deleted.len(),
            "pages": pages,
        }))
    }
}
