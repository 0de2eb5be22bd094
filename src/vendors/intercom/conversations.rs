//! Conversations of Intercom as the backfill reads them: which changed, and what was said in one.
//!
//! Reads only. Bodies are other people's words: they are handed on as they came and shown nowhere from here.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::calls::{Paging, conversations as calls};
use super::query::{Operator, Query, Subject};
use super::version::Version;
use super::wire;

/// Conversations in one page: the most Intercom gives.
pub const CONVERSATIONS: u32 = 150;

/// A conversation without what was said in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its fields: `state`, `title`, `source.body`, `conversation_rating.rating`, `custom_attributes.*` and so on.
    pub mirror: Mirror,
    /// Intercom's ids of the contacts in it. Only ids: names and e-mails stand in the contacts themselves.
    pub contacts: Vec<String>,
    /// The names of its tags.
    pub tags: Vec<String>,
}

impl Conversation {
    /// When it began.
    pub fn begun_at(&self) -> Option<Timestamp> {
        self.mirror.fields.get("created_at").and_then(wire::time)
    }
}

/// A conversation with what was said and done in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// The conversation.
    pub conversation: Conversation,
    /// Its parts, oldest first; the first message is none of them, it is `source` of the conversation.
    pub parts: Vec<Part>,
    /// How many parts there are in all.
    pub total: u64,
}

impl Thread {
    /// How many of the oldest parts Intercom did not give: it gives the newest 500.
    pub fn missing(&self) -> u64 {
        self.total.saturating_sub(self.parts.len() as u64)
    }
}

/// One thing said or done in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its id.
    pub id: String,
    /// Intercom's word: `comment`, `note`, `close`, `assignment` and others.
    pub kind: String,
    /// `user`, `lead`, `admin`, `team` or `bot`.
    pub author_kind: String,
    /// The author's id.
    pub author: String,
    /// The author's name, as the conversation shows it; may be empty.
    pub author_name: String,
    /// The names of what was attached.
    pub attachments: Vec<String>,
    /// What was said, as plain text; empty where something was only done.
    pub body: String,
    /// When.
    pub at: Option<Timestamp>,
    /// Its words were taken out.
    pub redacted: bool,
}

/// One page of the conversations changed since then, in Intercom's order, which its documents do not name: a watermark
/// may move only after the last page.
pub async fn changed(
    clients: &Clients,
    connection: &Connection,
    since: Timestamp,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<(Vec<Conversation>, Option<String>), VendorError> {
    let settings = clients.settings();
    let query = Query::since(Subject::Conversations, "updated_at", since, Version::of(settings));
    let paging = Paging::new(CONVERSATIONS, cursor);
    let request = calls::search(settings, &query, &paging)?.purpose("changed conversations");
    let answer = clients.send(connection, &request, log).await?;
    let rows =
        wire::items(&answer).iter().map(|item| conversation(connection, item)).collect::<Result<_, _>>()?;
    Ok((rows, wire::next(&answer)))
}

/// One page of the conversations in a state: `open`, `snoozed` or `closed`.
pub async fn in_state(
    clients: &Clients,
    connection: &Connection,
    state: &str,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<(Vec<Conversation>, Option<String>), VendorError> {
    let paging = Paging::new(CONVERSATIONS, cursor);
    let request = calls::search(clients.settings(), &Query::is("state", state), &paging)?
        .purpose(format!("{state} conversations"));
    let answer = clients.send(connection, &request, log).await?;
    let rows =
        wire::items(&answer).iter().map(|item| conversation(connection, item)).collect::<Result<_, _>>()?;
    Ok((rows, wire::next(&answer)))
}

/// One page of the conversations begun in a span of time, its end not included, in Intercom's order; and how many there
/// are in all, by its count.
pub async fn begun(
    clients: &Clients,
    connection: &Connection,
    span: (Timestamp, Timestamp),
    rows: u32,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<(Vec<Conversation>, Option<String>, Option<u64>), VendorError> {
    let settings = clients.settings();
    // `>` and `<` may or may not include the second itself: what lies outside is dropped below.
    let at = |operator, moment: i64| Query::filter("created_at", operator, json!(moment.max(0)));
    let query = Query::All(vec![
        at(Operator::Greater, span.0.seconds() - 1),
        at(Operator::Less, span.1.seconds().saturating_add(1)),
    ]);
    let request = calls::search(settings, &query, &Paging::new(rows.clamp(1, CONVERSATIONS), cursor))?
        .purpose("conversations of the past");
    let answer = clients.send(connection, &request, log).await?;
    let mut found = Vec::new();
    for item in wire::items(&answer) {
        let row = conversation(connection, item)?;
        if row.begun_at().is_none_or(|at| (span.0..span.1).contains(&at)) {
            found.push(row);
        }
    }
    Ok((found, wire::next(&answer), wire::total(&answer)))
}

/// One conversation with its parts.
pub async fn thread(clients: &Clients, record: &RecordRef, log: &mut Log) -> Result<Thread, VendorError> {
    let request = calls::get(&record.id, true).purpose("read conversation with its parts");
    let answer = clients.send(&record.connection, &request, log).await?;
    read_thread(&record.connection, &answer)
}

fn read_thread(connection: &Connection, answer: &Value) -> Result<Thread, VendorError> {
    let list = answer.get("conversation_parts").unwrap_or(&Value::Null);
    let parts: Vec<Part> = list
        .get("conversation_parts")
        .and_then(Value::as_array)
        .map(|parts| parts.iter().map(part).collect())
        .unwrap_or_default();
    let total = list.get("total_count").and_then(Value::as_u64).unwrap_or(parts.len() as u64);
    Ok(Thread { conversation: conversation(connection, answer)?, parts, total })
}

pub(super) fn conversation(connection: &Connection, item: &Value) -> Result<Conversation, VendorError> {
    let contacts = item.get("contacts").map(wire::items).unwrap_or_default();
    let tags = item.pointer("/tags/tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(Conversation {
        mirror: wire::other(connection, ObjectKind::Conversation, item)?,
        contacts: contacts.iter().filter_map(wire::id).collect(),
        tags: tags.iter().map(|tag| text(tag, "name")).collect(),
    })
}

fn part(item: &Value) -> Part {
    let author = item.get("author").unwrap_or(&Value::Null);
    Part {
        id: wire::id(item).unwrap_or_default(),
        kind: text(item, "part_type"),
        author_kind: text(author, "type"),
        author: wire::id(author).unwrap_or_default(),
        author_name: text(author, "name"),
        attachments: attached(item.get("attachments")),
        body: text(item, "body"),
        at: item.get("created_at").and_then(wire::time),
        redacted: item.get("redacted").and_then(Value::as_bool).unwrap_or(false),
    }
}

/// The names of what was attached to a message; one without a name is told by its address' last part.
pub fn attached(list: Option<&Value>) -> Vec<String> {
    let rows = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |row: &Value| match text(row, "name") {
        name if name.is_empty() => text(row, "url").rsplit('/').next().unwrap_or_default().to_owned(),
        name => name,
    };
    rows.iter().map(name).filter(|name| !name.is_empty()).collect()
}

fn text(item: &Value, name: &str) -> String {
    item.get(name).map(value_text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn a_thread_says_what_was_said_by_whom_and_how_much_is_missing() {
        let answer = json!({
            "type": "conversation", "id": "20001", "state": "closed", "updated_at": 1_768_018_294,
            "source": {"type": "conversation", "body": "Hello"},
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "64e2", "external_id": "7"}]},
            "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": "9", "name": "churn"}]},
            "conversation_parts": {"type": "conversation_part.list", "total_count": 501, "conversation_parts": [
                {"id": "3", "part_type": "comment", "body": "Hi", "created_at": 1_768_018_290,
                 "author": {"type": "admin", "id": "7400101"}, "redacted": false},
                {"id": "4", "part_type": "close", "body": null, "created_at": 1_768_018_294, "author": null},
            ]},
        });
        let thread = read_thread(&Connection::only(System::Intercom), &answer).expect("a conversation");
        assert_eq!((thread.missing(), thread.conversation.mirror.text("source.body")), (499, "Hello".into()));
        assert_eq!(thread.conversation.contacts, ["64e2"]);
        assert_eq!(thread.conversation.tags, ["churn"]);
        let [said, done] = &thread.parts[..] else { panic!("two parts") };
        assert_eq!((said.author_kind.as_str(), said.body.as_str(), said.at.is_some()), ("admin", "Hi", true));
        assert_eq!((done.kind.as_str(), done.body.as_str(), done.author.as_str()), ("close", "", ""));
    }
}
