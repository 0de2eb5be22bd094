//! Intercom conversations: what one is, how it looks, which there are. Contacts in them are references only, as in
//! the vendor's answers; what is said and done in them is in `talk` and `participants`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::answers::{bad_cursor, cursor, missing, pages, read_cursor, refused};
use super::search::{Cell, Kind, Page, Query, Rules, Wish, cut, sort};
use super::{ADMIN_ID, Version, Workspace, shapes, staff};
use crate::sandbox::wire::{Answer, Call};

/// The vendor gives the newest parts only.
pub(super) const PARTS_SHOWN: usize = 500;
/// A first message's id lies so far from its conversation's.
pub(super) const SOURCE_OFFSET: u64 = 402_000_000;

/// Who wrote something: contact or admin, with its id.
#[derive(Clone)]
pub(super) struct Author {
    pub(super) admin: bool,
    pub(super) id: String,
}

impl Author {
    pub(super) fn admin(id: &str) -> Self {
        Self { admin: true, id: id.to_owned() }
    }

    pub(super) fn contact(id: &str) -> Self {
        Self { admin: false, id: id.to_owned() }
    }
}

/// What was said or done after the first message.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) body: Option<String>,
    pub(super) at: i64,
    pub(super) author: Author,
    /// `admin` or `team`, and which.
    pub(super) assigned_to: Option<(&'static str, String)>,
    pub(super) tags: Vec<String>,
    /// Addresses of what was attached.
    pub(super) attachments: Vec<String>,
    pub(super) redacted: bool,
}

/// What somebody thought of the help.
#[derive(Clone)]
pub(super) struct Rating {
    pub(super) score: i64,
    pub(super) remark: String,
    pub(super) at: i64,
    pub(super) admin: String,
}

/// One conversation, its first message and what followed. Moments are seconds.
#[derive(Clone)]
pub(super) struct Conversation {
    pub(super) id: u64,
    pub(super) contacts: Vec<String>,
    pub(super) author: Author,
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) redacted: bool,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) state: &'static str,
    pub(super) read: bool,
    pub(super) priority: &'static str,
    pub(super) assignee: Option<i64>,
    pub(super) team: Option<i64>,
    pub(super) snoozed_until: Option<i64>,
    pub(super) waiting_since: Option<i64>,
    pub(super) tags: Vec<(String, i64)>,
    pub(super) custom: Map<String, Value>,
    pub(super) title: Option<String>,
    pub(super) company: Option<String>,
    pub(super) rating: Option<Rating>,
    pub(super) merged_into: Option<u64>,
    /// Its contact was blocked: it is in no list.
    pub(super) hidden: bool,
    pub(super) parts: Vec<Part>,
}

impl Conversation {
    fn moments(&self, of: &dyn Fn(&Part) -> bool) -> Vec<i64> {
        self.parts.iter().filter(|part| of(part)).map(|part| part.at).collect()
    }

    /// Figures, as far as the parts tell them; what has not happened is left out.
    fn statistics(&self) -> Value {
        let mut figures = json!({
            "type": "conversation_statistics",
            "count_reopens": self.moments(&|part| part.kind == "open").len(),
            "count_assignments": self.moments(&|part| part.kind == "assignment").len(),
            "count_conversation_parts": self.parts.len(),
        });
        let mut dates = |first: &str, last: &str, moments: Vec<i64>| {
            if let (Some(earliest), Some(latest)) = (moments.first(), moments.last()) {
                figures[first] = json!(earliest);
                figures[last] = json!(latest);
            }
        };
        let said = |part: &Part| matches!(part.kind, "comment" | "quick_reply");
        dates(
            "first_contact_reply_at",
            "last_contact_reply_at",
            self.moments(&|part| said(part) && !part.author.admin),
        );
        dates(
            "first_admin_reply_at",
            "last_admin_reply_at",
            self.moments(&|part| said(part) && part.author.admin),
        );
        dates("first_assignment_at", "last_assignment_at", self.moments(&|part| part.kind == "assignment"));
        dates("first_close_at", "last_close_at", self.moments(&|part| part.kind == "close"));
        let since = |name: &str| figures[name].as_i64().map(|at| at - self.created);
        let spans = [
            ("time_to_assignment", since("first_assignment_at")),
            ("time_to_admin_reply", since("first_admin_reply_at")),
            ("time_to_first_close", since("first_close_at")),
            ("time_to_last_close", since("last_close_at")),
        ];
        for (name, span) in spans {
            if let Some(span) = span {
                figures[name] = json!(span);
            }
        }
        if let Some(closing) = self.parts.iter().rev().find(|part| part.kind == "close") {
            figures["last_closed_by_id"] = json!(closing.author.id);
        }
        figures
    }
}

/// Texts without the paragraphs they are wrapped in.
pub(super) fn without_tags(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut inside = false;
    for letter in body.replace("<br>", "\n").chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    // A name of a sign stands for the sign; the one all others begin with comes last.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(text, |text, (name, sign)| text.replace(name, sign))
}

/// Puts conversations into the words of an older version: up to 2.15 nobody assigned is null, not 0, and priority has
/// two words; up to 2.14 they have no company. Other bodies are left alone.
pub(super) fn in_words_of(version: Version, body: &mut Value) {
    if version >= Version(16) {
        return;
    }
    if let Some(list) = body.get_mut("conversations").and_then(Value::as_array_mut) {
        for one in list {
            in_words_of(version, one);
        }
    }
    if body.get("type").and_then(Value::as_str) != Some("conversation") {
        return;
    }
    for assignee in ["admin_assignee_id", "team_assignee_id"] {
        if body[assignee] == 0 {
            body[assignee] = Value::Null;
        }
    }
    let without = matches!(body["priority"].as_str(), None | Some("none"));
    body["priority"] = json!(if without { "not_priority" } else { "priority" });
    if version < Version(15)
        && let Some(fields) = body.as_object_mut()
    {
        fields.shift_remove("company");
    }
}

/// An attachment as a part shows it, told by its address.
fn attachment(url: &str) -> Value {
    let name = url.rsplit('/').next().unwrap_or(url);
    let kind = match name.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    };
    json!({"type": "upload", "name": name, "url": url, "content_type": kind, "filesize": 1_024, "width": 0, "height": 0})
}

impl Workspace {
    pub(super) fn author_shape(&self, author: &Author) -> Value {
        if author.admin {
            let admin = staff::admin(&author.id).unwrap_or_default();
            return json!({"type": "admin", "id": author.id, "name": admin["name"], "email": admin["email"]});
        }
        let contact = self.contacts.get(&author.id);
        json!({
            "type": contact.map_or("user", shapes::role),
            "id": author.id,
            "name": contact.and_then(|contact| contact.name.clone()),
            "email": contact.and_then(|contact| contact.email.clone()),
        })
    }

    fn part_shape(&self, part: &Part, state: &str) -> Value {
        json!({
            "type": "conversation_part",
            "id": part.id.to_string(),
            "part_type": part.kind,
            "body": part.body,
            "created_at": part.at,
            "updated_at": part.at,
            "notified_at": part.at,
            "assigned_to": part.assigned_to.as_ref().map(|(kind, id)| json!({"type": kind, "id": id})),
            "author": self.author_shape(&part.author),
            "attachments": part.attachments.iter().map(|url| attachment(url)).collect::<Vec<_>>(),
            "external_id": null,
            "redacted": part.redacted,
            "email_message_metadata": null,
            "state": state,
            "tags": part.tags.iter().map(|tag| self.tag_basic(tag)).collect::<Vec<_>>(),
            "event_details": {},
            "app_package_code": null,
        })
    }

    pub(super) fn reference(&self, contact: &str) -> Value {
        let external = self.contacts.get(contact).and_then(|contact| contact.external_id.as_ref());
        json!({"type": "contact", "id": contact, "external_id": external})
    }

    pub(super) fn conversation_shape(
        &self,
        conversation: &Conversation,
        newest_parts: Option<usize>,
    ) -> Value {
        let tags: Vec<Value> =
            conversation.tags.iter().map(|(tag, applied)| self.tag_shape(tag, *applied)).collect();
        let contacts: Vec<Value> = conversation.contacts.iter().map(|one| self.reference(one)).collect();
        let teammates: BTreeSet<&str> = conversation
            .parts
            .iter()
            .filter(|part| part.author.admin)
            .map(|part| part.author.id.as_str())
            .collect();
        let teammates: Vec<Value> = teammates.iter().map(|id| json!({"type": "admin", "id": id})).collect();
        let rating = conversation.rating.as_ref().map(|rating| {
            json!({
                "rating": rating.score,
                "remark": rating.remark,
                "created_at": rating.at,
                "updated_at": rating.at,
                "contact": conversation.contacts.first().map(|contact| self.reference(contact)),
                "teammate": {"type": "admin", "id": rating.admin},
            })
        });
        let answered = conversation.parts.iter().find(|part| part.kind == "comment" && !part.author.admin);
        let delivered_as = if conversation.author.admin { "admin_initiated" } else { "customer_initiated" };
        let mut shape = json!({
            "type": "conversation",
            "id": conversation.id.to_string(),
            "created_at": conversation.created,
            "updated_at": conversation.updated,
            "waiting_since": conversation.waiting_since,
            "snoozed_until": conversation.snoozed_until,
            "source": {
                "type": "conversation",
                "id": (conversation.id + SOURCE_OFFSET).to_string(),
                "delivered_as": delivered_as,
                "subject": conversation.subject,
                "body": conversation.body,
                "author": self.author_shape(&conversation.author),
                "attachments": [],
                "url": null,
                "redacted": conversation.redacted,
            },
            "contacts": {"type": "contact.list", "contacts": contacts},
            "first_contact_reply": answered.map(|part| json!({"created_at": part.at, "type": "conversation", "url": null})),
            "admin_assignee_id": conversation.assignee.unwrap_or(0),
            "team_assignee_id": conversation.team.unwrap_or(0),
            "open": conversation.state == "open",
            "state": conversation.state,
            "read": conversation.read,
            "tags": {"type": "tag.list", "tags": tags},
            "priority": conversation.priority,
            "sla_applied": null,
            "statistics": conversation.statistics(),
            "conversation_rating": rating,
            "teammates": {"type": "admin.list", "teammates": teammates},
            "title": conversation.title,
            "custom_attributes": conversation.custom,
            "topics": {},
            "ticket": null,
            "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": false},
            "ai_agent": null,
            "ai_agent_participated": false,
        });
        if let Some(company) = conversation.company.as_ref().and_then(|company| self.companies.get(company)) {
            shape["company"] = self.company_shape(company);
        }
        if let Some(newest) = newest_parts {
            let first = conversation.parts.len().saturating_sub(newest);
            let parts: Vec<Value> = conversation.parts[first..]
                .iter()
                .map(|part| self.part_shape(part, conversation.state))
                .collect();
            shape["conversation_parts"] = json!({
                "type": "conversation_part.list",
                "conversation_parts": parts,
                "total_count": conversation.parts.len(),
            });
        }
        shape
    }

    /// The conversation of that id, or the newest for `last`.
    pub(super) fn find(&self, id: &str) -> Option<u64> {
        let id = if id == "last" { *self.conversations.last_key_value()?.0 } else { id.parse().ok()? };
        self.conversations.contains_key(&id).then_some(id)
    }

    /// The conversation with all parts the vendor gives, as most calls answer.
    pub(super) fn whole(&self, id: u64) -> Answer {
        let found = self.conversations.get(&id);
        found.map_or_else(missing, |found| Answer::ok(self.conversation_shape(found, Some(PARTS_SHOWN))))
    }

    pub(super) fn show_conversation(&self, id: &str, call: &Call) -> Answer {
        let Some(conversation) = self.find(id).map(|id| &self.conversations[&id]) else { return missing() };
        let mut shape = self.conversation_shape(conversation, Some(PARTS_SHOWN));
        if call.parameter("display_as") == Some("plaintext") {
            shape["source"]["body"] = json!(without_tags(&conversation.body));
            for part in shape["conversation_parts"]["conversation_parts"].as_array_mut().into_iter().flatten()
            {
                let plain = part["body"].as_str().map(without_tags);
                part["body"] = json!(plain);
            }
        }
        Answer::ok(shape)
    }

    pub(super) fn list_conversations(&self, call: &Call) -> Answer {
        let per_page = call.number("per_page").unwrap_or(20);
        if !(1..=150).contains(&per_page) {
            return refused(400, "parameter_invalid", "per_page must be between 1 and 150");
        }
        let (page, before) = match call.parameter("starting_after").map(read_cursor) {
            None => (1, u64::MAX),
            Some(Some((page, position))) => (page, position.as_u64().unwrap_or(u64::MAX)),
            Some(None) => return bad_cursor(),
        };
        let seen = |conversation: &&Conversation| !conversation.hidden;
        let mut rest = self.conversations.range(..before).rev().map(|(_, found)| found).filter(seen);
        let shown: Vec<&Conversation> = rest.by_ref().take(per_page).collect();
        let next = rest.next().and_then(|_| shown.last()).map(|last| cursor(page + 1, &json!(last.id)));
        let total = self.conversations.values().filter(seen).count();
        let list: Vec<Value> = shown.iter().map(|found| self.conversation_shape(found, None)).collect();
        Answer::ok(json!({
            "type": "conversation.list",
            "conversations": list,
            "total_count": total,
            "pages": pages(total, page, per_page, next.as_deref()),
        }))
    }

    pub(super) fn search_conversations(&self, call: &Call) -> Answer {
        match self.found_conversations(call) {
            Err(refusal) => refusal,
            Ok(page) => {
                let found = page.shown.iter().map(|id| &self.conversations[id]);
                let list: Vec<Value> = found.map(|found| self.conversation_shape(found, None)).collect();
                Answer::ok(json!({
                    "type": "conversation.list",
                    "pages": page.pages,
                    "total_count": page.total,
                    "conversations": list,
                }))
            }
        }
    }

    fn found_conversations(&self, call: &Call) -> Result<Page<u64>, Answer> {
        // Nothing here speaks of days, unlike in the search of contacts.
        let query = Query::of(call, &Rules { kind_of: &kind_of, days_of: None })?;
        let (field, ascending) = sort(call)?;
        let wish = Wish::of(call, 20)?;
        let matches = self
            .conversations
            .values()
            .filter(|found| !found.hidden && query.matches(&|field| self.conversation_cell(found, field)))
            .map(|found| (self.conversation_cell(found, &field).key(), found.id))
            .collect();
        Ok(cut(&wish, matches, ascending))
    }

    fn conversation_cell<'a>(&'a self, conversation: &'a Conversation, field: &str) -> Cell<'a> {
        let number = |number: Option<i64>| Cell::seconds(number);
        let author = |field: &str| {
            let author = self.author_shape(&conversation.author);
            author[field].as_str().map_or(Cell::Nothing, |text| Cell::Text(text.to_owned().into()))
        };
        if let Some(name) = field.strip_prefix("statistics.") {
            let figures = conversation.statistics();
            return match &figures[name] {
                Value::String(text) => Cell::Text(text.clone().into()),
                figure => Cell::seconds(figure.as_i64()),
            };
        }
        if let Some(name) = field.strip_prefix("custom_attributes.") {
            return Cell::of(conversation.custom.get(name));
        }
        let rating = conversation.rating.as_ref();
        match field {
            "id" => Cell::Text(conversation.id.to_string().into()),
            "created_at" => number(Some(conversation.created)),
            "updated_at" => number(Some(conversation.updated)),
            "waiting_since" => number(conversation.waiting_since),
            "snoozed_until" => number(conversation.snoozed_until),
            "state" => Cell::text(Some(conversation.state)),
            "open" => Cell::Flag(conversation.state == "open"),
            "read" => Cell::Flag(conversation.read),
            "priority" => Cell::text(Some(conversation.priority)),
            "title" => Cell::text(conversation.title.as_deref()),
            "contact_ids" => Cell::Several(conversation.contacts.iter().map(Into::into).collect()),
            "tag_ids" => Cell::Several(conversation.tags.iter().map(|(tag, _)| tag.into()).collect()),
            "teammate_ids" => Cell::Several(
                conversation
                    .parts
                    .iter()
                    .filter(|part| part.author.admin)
                    .map(|part| part.author.id.as_str().into())
                    .collect(),
            ),
            "admin_assignee_id" => number(conversation.assignee),
            "team_assignee_id" => number(conversation.team),
            "source.type" => Cell::text(Some("conversation")),
            "source.id" => Cell::Text((conversation.id + SOURCE_OFFSET).to_string().into()),
            "source.delivered_as" if conversation.author.admin => Cell::text(Some("admin_initiated")),
            "source.delivered_as" => Cell::text(Some("customer_initiated")),
            "source.subject" => Cell::text(Some(&conversation.subject)),
            // Word by word, as documented: two words in a row are never found.
            "source.body" => Cell::Several(
                without_tags(&conversation.body)
                    .split_whitespace()
                    .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned().into())
                    .collect(),
            ),
            "source.author.id" => author("id"),
            "source.author.type" => author("type"),
            "source.author.name" => author("name"),
            "source.author.email" => author("email"),
            "conversation_rating.score" => number(rating.map(|rating| rating.score)),
            "conversation_rating.replied_at" | "conversation_rating.requested_at" => {
                number(rating.map(|rating| rating.at))
            }
            "conversation_rating.remark" => Cell::text(rating.map(|rating| rating.remark.as_str())),
            "conversation_rating.admin_id" => Cell::text(rating.map(|rating| rating.admin.as_str())),
            "conversation_rating.contact_id" => {
                Cell::text(rating.and_then(|_| conversation.contacts.first()).map(String::as_str))
            }
            "ai_agent_participated" => Cell::Flag(false),
            _ => Cell::Nothing,
        }
    }

    /// After a merge the conversations follow the person.
    pub(super) fn move_conversations(&mut self, from: &str, into: &str) {
        for conversation in self.conversations.values_mut() {
            if conversation.contacts.iter().any(|contact| contact == into) {
                conversation.contacts.retain(|contact| contact != from);
            }
            let authors = conversation.parts.iter_mut().map(|part| &mut part.author);
            let authors = authors.chain([&mut conversation.author]).map(|author| &mut author.id);
            for id in authors.chain(conversation.contacts.iter_mut()) {
                if id == from {
                    into.clone_into(id);
                }
            }
        }
    }

    /// The conversations of somebody blocked go from sight.
    pub(super) fn hide_conversations_of(&mut self, contact: &str) {
        for conversation in self.conversations.values_mut() {
            conversation.hidden |= conversation.contacts.iter().any(|known| known == contact);
        }
    }

    /// A new conversation of that author, not yet told to anybody.
    pub(super) fn begin(&mut self, contact: &str, author: Author, words: (&str, &str), at: i64) -> u64 {
        let (subject, body) = words;
        let id = self.conversations.last_key_value().map_or(20_001, |(last, _)| last + 1);
        let id = self.deleted_conversations.iter().map(|deleted| deleted.id + 1).fold(id, u64::max);
        let by_contact = !author.admin;
        let conversation = Conversation {
            id,
            contacts: vec![contact.to_owned()],
            author,
            subject: subject.to_owned(),
            body: body.to_owned(),
            redacted: false,
            created: at,
            updated: at,
            state: "open",
            read: false,
            priority: "none",
            assignee: None,
            team: None,
            snoozed_until: None,
            waiting_since: by_contact.then_some(at),
            tags: Vec::new(),
            custom: Map::new(),
            title: None,
            company: None,
            rating: None,
            merged_into: None,
            hidden: false,
            parts: Vec::new(),
        };
        self.conversations.insert(id, conversation);
        id
    }

    /// Tells a topic with the conversation and its newest part.
    pub(super) fn notify_conversation(&self, id: u64, topic: &str) {
        if let Some(conversation) = self.conversations.get(&id) {
            self.notify(topic, &self.conversation_shape(conversation, Some(1)));
        }
    }
}

fn kind_of(field: &str) -> Option<Kind> {
    let texts = [
        "id",
        "source.type",
        "source.id",
        "source.delivered_as",
        "source.subject",
        "source.body",
        "source.author.id",
        "source.author.type",
        "source.author.name",
        "source.author.email",
        "source.url",
        "contact_ids",
        "teammate_ids",
        "channel_initiated",
        "state",
        "tag_ids",
        "priority",
        "title",
        "statistics.last_closed_by_id",
        "conversation_rating.remark",
        "conversation_rating.contact_id",
        "conversation_rating.admin_id",
        "ai_agent.resolution_state",
        "ai_agent.last_answer_type",
        "ai_agent.rating_remark",
        "ai_agent.source_type",
        "ai_agent.source_title",
    ];
    let numbers = ["admin_assignee_id", "team_assignee_id", "conversation_rating.score", "ai_agent.rating"];
    match field {
        "open" | "read" | "ai_agent_participated" => Some(Kind::Flag),
        "waiting_since" | "snoozed_until" => Some(Kind::Date),
        _ if texts.contains(&field) => Some(Kind::Text),
        _ if numbers.contains(&field) => Some(Kind::Number),
        _ if field.starts_with("custom_attributes.") => Some(Kind::Any),
        _ if field.ends_with("_at") => Some(Kind::Date),
        _ if field.starts_with("statistics.") => Some(Kind::Number),
        _ => None,
    }
}

/// Who does something when a script does it.
pub(super) fn scripted() -> Author {
    Author::admin(ADMIN_ID)
}
