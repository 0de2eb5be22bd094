//! What is said and done in Intercom conversations: started, answered, noted, closed, opened, snoozed, assigned. Each
//! leaves a part, and a webhook where the vendor has a topic for it.

use serde_json::{Value, json};

use super::answers::{company_missing, missing, plain_id, refused, required};
use super::conversations::{Author, Part, Rating, SOURCE_OFFSET, scripted};
use super::{ADMIN_ID, Version, Workspace, staff};
use crate::sandbox::wire::{Answer, Call};

fn paragraph(body: &str) -> String {
    if body.starts_with('<') { body.to_owned() } else { format!("<p>{body}</p>") }
}

/// What a part is made of.
struct Deed<'a> {
    kind: &'static str,
    body: Option<&'a str>,
    author: Author,
    assigned_to: Option<(&'static str, String)>,
    /// When it was said, for past conversations; else now.
    at: Option<i64>,
    /// Addresses of what was attached.
    attachments: Vec<String>,
}

impl<'a> Deed<'a> {
    fn new(kind: &'static str, body: Option<&'a str>, author: Author) -> Self {
        Self { kind, body, author, assigned_to: None, at: None, attachments: Vec::new() }
    }
}

impl Workspace {
    pub(super) fn start_conversation_by_api(&mut self, call: &Call) -> Answer {
        let Some(contact) = call.body["from"]["id"].as_str().map(str::to_owned) else {
            return required("from");
        };
        let Some(body) = call.text("body").map(str::to_owned) else { return required("body") };
        if !matches!(call.body["from"]["type"].as_str(), Some("user" | "lead" | "contact")) {
            return refused(400, "parameter_invalid", "from must be a user, lead or contact");
        }
        if !self.contacts.contains(&contact) {
            return refused(404, "not_found", "User Not Found");
        }
        let at = call.body["created_at"].as_i64();
        let subject = call.text("subject").unwrap_or_default().to_owned();
        let id = self.open_conversation(&contact, (&subject, &body), at);
        let mut message = json!({
            "type": "user_message",
            "id": (id + SOURCE_OFFSET).to_string(),
            "created_at": at.unwrap_or_else(|| self.now() / 1_000),
            "body": body,
            "message_type": "inapp",
            "conversation_id": id.to_string(),
        });
        if !subject.is_empty() {
            message["subject"] = json!(subject);
        }
        Answer::ok(message)
    }

    fn open_conversation(&mut self, contact: &str, words: (&str, &str), at: Option<i64>) -> u64 {
        let at = at.unwrap_or_else(|| self.now() / 1_000);
        let id = self.begin(contact, Author::contact(contact), (words.0, &paragraph(words.1)), at);
        self.effect("conversation", "create", &id.to_string(), &json!({"contact": contact}));
        self.notify_conversation(id, "conversation.user.created");
        id
    }

    /// A contact writes in; `None` when there is no such contact.
    pub(in crate::sandbox) fn start_conversation(&mut self, contact: &str, body: &str) -> Option<u64> {
        self.contacts.contains(contact).then(|| self.open_conversation(contact, ("", body), None))
    }

    /// The scripted team writes to somebody first.
    pub(in crate::sandbox) fn admin_starts(&mut self, contact: &str, body: &str) -> Option<u64> {
        if !self.contacts.contains(contact) {
            return None;
        }
        let now = self.now() / 1_000;
        let id = self.begin(contact, scripted(), ("", &paragraph(body)), now);
        self.effect("conversation", "create", &id.to_string(), &json!({"contact": contact}));
        self.notify_conversation(id, "conversation.admin.single.created");
        Some(id)
    }

    /// Adds a part, which also moves the state and tells subscribers.
    fn add_part(&mut self, id: u64, deed: Deed<'_>) {
        let now = self.now() / 1_000;
        let part_id = self.next_serial() + 51_000_000;
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        let Deed { kind, body, author, assigned_to, at, attachments } = deed;
        let (by_admin, was) = (author.admin, conversation.state);
        let told = json!({
            "part_type": kind,
            "by": author.id,
            "body": body,
            "assigned_to": assigned_to.as_ref().map(|(kind, id)| format!("{kind} {id}")),
        });
        let body = body.map(paragraph);
        let at = at.unwrap_or(now);
        let part = Part {
            id: part_id,
            kind,
            body,
            at,
            author,
            assigned_to,
            tags: Vec::new(),
            attachments,
            redacted: false,
        };
        conversation.parts.push(part);
        conversation.updated = now.max(conversation.updated);
        let topic = match (kind, by_admin) {
            ("close", _) => {
                conversation.state = "closed";
                conversation.waiting_since = None;
                "conversation.admin.closed"
            }
            ("open", _) => {
                conversation.state = "open";
                if was == "snoozed" { "conversation.admin.unsnoozed" } else { "conversation.admin.opened" }
            }
            ("snoozed", _) => {
                conversation.state = "snoozed";
                "conversation.admin.snoozed"
            }
            ("assignment", _) => "conversation.admin.assigned",
            ("note", _) => "conversation.admin.noted",
            (_, true) => {
                conversation.waiting_since = None;
                "conversation.admin.replied"
            }
            (_, false) => {
                conversation.state = "open";
                conversation.read = false;
                conversation.waiting_since = conversation.waiting_since.or(Some(at));
                "conversation.user.replied"
            }
        };
        if conversation.state != "snoozed"
            && let Some(until) = conversation.snoozed_until.take()
        {
            self.alarms.remove(&(until, id));
        }
        self.effect("conversation_part", "create", &id.to_string(), &told);
        self.notify_conversation(id, topic);
    }

    /// Snoozed conversations whose time has come open by themselves.
    pub(super) fn wake_conversations(&mut self) {
        let now = self.now() / 1_000;
        while let Some((until, id)) = self.alarms.first().copied().filter(|(until, _)| *until <= now) {
            self.alarms.remove(&(until, id));
            self.add_part(id, Deed::new("open", None, scripted()));
        }
    }

    /// The scripted team answers.
    pub(in crate::sandbox) fn admin_replies(&mut self, id: u64, body: &str) {
        self.add_part(id, Deed::new("comment", Some(body), scripted()));
    }

    /// The scripted team writes down what the contact does not see.
    pub(in crate::sandbox) fn admin_notes(&mut self, id: u64, body: &str) {
        self.add_part(id, Deed::new("note", Some(body), scripted()));
    }

    /// The contact answers in its own conversation.
    pub(in crate::sandbox) fn contact_replies(&mut self, id: u64, body: &str) {
        let first = self.conversations.get(&id).and_then(|conversation| conversation.contacts.first());
        if let Some(author) = first.map(|contact| Author::contact(contact)) {
            self.add_part(id, Deed::new("comment", Some(body), author));
        }
    }

    /// The scripted team closes.
    pub(in crate::sandbox) fn admin_closes(&mut self, id: u64) {
        self.add_part(id, Deed::new("close", None, scripted()));
    }

    /// The contact says what it thought of the help, often long after the close.
    pub(in crate::sandbox) fn rate(&mut self, id: u64, score: i64, remark: &str) -> bool {
        let now = self.now() / 1_000;
        let Some(conversation) = self.conversations.get_mut(&id) else { return false };
        conversation.rating =
            Some(Rating { score, remark: remark.to_owned(), at: now, admin: ADMIN_ID.to_owned() });
        conversation.updated = now.max(conversation.updated);
        self.effect("conversation", "rate", &id.to_string(), &json!({"rating": score}));
        self.notify_conversation(id, "conversation.rating.added");
        true
    }

    /// The team writes attributes; null takes one away.
    pub(in crate::sandbox) fn put_attributes(
        &mut self,
        id: u64,
        values: serde_json::Map<String, Value>,
    ) -> bool {
        let now = self.now() / 1_000;
        let Some(conversation) = self.conversations.get_mut(&id) else { return false };
        for (name, value) in values {
            if value.is_null() {
                conversation.custom.shift_remove(&name);
            } else {
                conversation.custom.insert(name, value);
            }
        }
        conversation.updated = now.max(conversation.updated);
        self.effect("conversation", "update", &id.to_string(), &json!({}));
        true
    }

    /// The team changes how urgent it is: `none`, `low`, `medium`, `high` or `urgent`.
    pub(in crate::sandbox) fn prioritise(&mut self, id: u64, priority: &str) -> bool {
        let known = ["none", "low", "medium", "high", "urgent"];
        let Some(priority) = known.into_iter().find(|known| *known == priority) else { return false };
        let now = self.now() / 1_000;
        let Some(conversation) = self.conversations.get_mut(&id) else { return false };
        conversation.priority = priority;
        conversation.updated = now.max(conversation.updated);
        self.notify_conversation(id, "conversation.priority.updated");
        true
    }

    /// The admin a call is made for, who must be one of the team.
    pub(super) fn acting_admin(call: &Call) -> Result<Author, Answer> {
        let Some(id) = call.body.get("admin_id").map(plain_id) else { return Err(required("admin_id")) };
        if staff::admin(&id).is_none() {
            return Err(missing());
        }
        Ok(Author::admin(&id))
    }

    pub(super) fn reply_by_api(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        match self.reply(call) {
            Err(refusal) => refusal,
            Ok(deed) => {
                self.add_part(id, deed);
                self.whole(id)
            }
        }
    }

    fn reply<'a>(&self, call: &'a Call) -> Result<Deed<'a>, Answer> {
        let (author, kind) = match call.text("type") {
            Some("admin") => {
                let kind = match call.text("message_type") {
                    Some("comment") => "comment",
                    Some("note") => "note",
                    Some("quick_reply") => "quick_reply",
                    _ => {
                        let message = "message_type must be comment, note or quick_reply";
                        return Err(refused(400, "parameter_invalid", message));
                    }
                };
                (Self::acting_admin(call)?, kind)
            }
            Some("user") => {
                let whom =
                    self.somebody(call.text("intercom_user_id"), call.text("user_id"), call.text("email"));
                let whom = whom.ok_or_else(|| refused(404, "not_found", "User Not Found"))?;
                (Author::contact(&whom), "comment")
            }
            _ => return Err(refused(400, "parameter_invalid", "type must be admin or user")),
        };
        let body = call.text("body");
        if body.is_none() && kind != "quick_reply" {
            return Err(required("body"));
        }
        let at = call.body["created_at"].as_i64();
        let urls = call.body["attachment_urls"].as_array().into_iter().flatten();
        let attachments: Vec<String> = urls.filter_map(Value::as_str).map(str::to_owned).collect();
        if attachments.len() > 10 {
            return Err(refused(400, "parameter_invalid", "attachment_urls may hold at most 10 addresses"));
        }
        Ok(Deed { at, attachments, ..Deed::new(kind, body, author) })
    }

    /// Closes, opens, snoozes or assigns; each call adds another part.
    pub(super) fn manage_by_api(&mut self, id: &str, call: &Call) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let author = match Self::acting_admin(call) {
            Ok(author) => author,
            Err(refusal) => return refusal,
        };
        let body = call.text("body");
        match call.text("message_type") {
            Some("close") => self.add_part(id, Deed::new("close", body, author)),
            Some("open") => self.add_part(id, Deed::new("open", None, author)),
            Some("snoozed") => {
                let Some(until) = call.body["snoozed_until"].as_i64() else {
                    return required("snoozed_until");
                };
                self.snooze(id, until);
                self.add_part(id, Deed::new("snoozed", None, author));
            }
            Some("assignment") => match self.assign(id, call) {
                Ok(assigned_to) => {
                    self.add_part(id, Deed { assigned_to, ..Deed::new("assignment", body, author) });
                }
                Err(refusal) => return refusal,
            },
            _ => {
                let message = "message_type must be close, open, snoozed or assignment";
                return refused(400, "parameter_invalid", message);
            }
        }
        self.whole(id)
    }

    fn snooze(&mut self, id: u64, until: i64) {
        if let Some(conversation) = self.conversations.get_mut(&id)
            && let Some(before) = conversation.snoozed_until.replace(until)
        {
            self.alarms.remove(&(before, id));
        }
        self.alarms.insert((until, id));
    }

    fn assign(&mut self, id: u64, call: &Call) -> Result<Option<(&'static str, String)>, Answer> {
        let kind = match call.text("type") {
            Some("admin") => "admin",
            Some("team") => "team",
            _ => return Err(refused(400, "parameter_invalid", "type must be admin or team")),
        };
        let assignee = call.body.get("assignee_id").map(plain_id).ok_or_else(|| required("assignee_id"))?;
        let known = if kind == "admin" { staff::admin(&assignee) } else { staff::team(&assignee) };
        let nobody = assignee == "0";
        if known.is_none() && !nobody {
            return Err(missing());
        }
        let number: Option<i64> = assignee.parse().ok().filter(|_| !nobody);
        let Some(conversation) = self.conversations.get_mut(&id) else { return Err(missing()) };
        if kind == "admin" {
            conversation.assignee = number;
        } else {
            conversation.team = number;
        }
        Ok((!nobody).then_some((kind, assignee)))
    }

    pub(super) fn update_conversation(&mut self, id: &str, call: &Call, version: Version) -> Answer {
        let Some(id) = self.find(id) else { return missing() };
        let now = self.now() / 1_000;
        let custom = call.body["custom_attributes"].as_object();
        if custom.is_some() && self.conversation_attribute_names_double() {
            let message = "The workspace has several conversation attributes with the same name";
            return refused(400, "parameter_invalid", message);
        }
        // A conversation has a company since 2.15.
        let company = call.body.get("company_id").filter(|_| version >= Version(15)).map(Value::as_str);
        if let Some(Some(company)) = company
            && !self.companies.contains_key(company)
        {
            return company_missing();
        }
        let Some(conversation) = self.conversations.get_mut(&id) else { return missing() };
        let was_read = conversation.read;
        if let Some(read) = call.body["read"].as_bool() {
            conversation.read = read;
        }
        if let Some(title) = call.text("title") {
            conversation.title = Some(title.to_owned());
        }
        if let Some(company) = company {
            conversation.company = company.map(str::to_owned);
        }
        for (name, value) in custom.into_iter().flatten() {
            if value.is_null() {
                conversation.custom.shift_remove(name);
            } else {
                conversation.custom.insert(name.clone(), value.clone());
            }
        }
        conversation.updated = now.max(conversation.updated);
        let read_now = conversation.read && !was_read;
        self.effect("conversation", "update", &id.to_string(), &json!({}));
        if read_now {
            self.notify_conversation(id, "conversation.read");
        }
        self.whole(id)
    }
}
