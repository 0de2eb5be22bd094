//! What Intercom knows around a person: conversations, tags, teammates; and tickets and conversations by a value. Reads
//! only.

use serde_json::{Value, json};

use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};

use super::super::around::{Owner, endless, no};
use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::calls::{Paging, companies, contacts, conversations as calls, workspace};
use super::conversations::{self, CONVERSATIONS};
use super::query::Query;
use super::wire;

/// Pages of conversations that are read for one search: 7,500 rows.
const PAGES: usize = 50;

pub(crate) async fn conversations_of(
    clients: &Clients,
    contact: &RecordRef,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let query = Query::is("contact_ids", contact.id.as_str());
    let mut found =
        searched(clients, &contact.connection, &query, "conversations of the contact", log).await?;
    // The documents give the search no order.
    found.sort_by_cached_key(|mirror| {
        let begun = mirror.fields.get("created_at").and_then(wire::time).map_or(0, |at| at.0);
        std::cmp::Reverse((begun, mirror.record.id.len(), mirror.record.id.clone()))
    });
    Ok(found)
}

/// All pages of a search; a row that two pages show, because it moved meanwhile, comes once.
async fn searched(
    clients: &Clients,
    connection: &Connection,
    query: &Query,
    purpose: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let mut found: Vec<Mirror> = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let paging = Paging::new(CONVERSATIONS, cursor.as_deref());
        let request = calls::search(clients.settings(), query, &paging)?.purpose(purpose);
        let answer = clients.send(connection, &request, log).await?;
        for item in wire::items(&answer) {
            let row = conversations::conversation(connection, item)?;
            let mut mirror = row.mirror;
            mirror.fields.insert("tags".to_owned(), json!(row.tags));
            if !found.iter().any(|known| known.record == mirror.record) {
                found.push(mirror);
            }
        }
        cursor = wire::next(&answer);
        if cursor.is_none() || wire::items(&answer).is_empty() {
            return Ok(found);
        }
    }
    Err(endless(System::Intercom, "conversations"))
}

pub(crate) async fn find(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    match object {
        ObjectKind::Company => super::find_company(clients, connection, field, value, log).await,
        ObjectKind::Conversation => {
            let purpose = format!("find conversation by {field}");
            searched(clients, connection, &Query::is(field, value), &purpose, log).await
        }
        object => Err(no(System::Intercom, &format!("has no {object}s that Reknit looks up"))),
    }
}

pub(crate) async fn tags_of(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Vec<String>, VendorError> {
    // A contact and a company name only ten of their tags; a contact's list names all.
    let (request, list) = match record.object {
        ObjectKind::Contact => (contacts::attached(&record.id, "tags"), "/data"),
        ObjectKind::Company => (companies::get(&record.id), "/tags/tags"),
        ObjectKind::Conversation => (calls::get(&record.id, true), "/tags/tags"),
        object => return Err(no(System::Intercom, &format!("tags no {object}s"))),
    };
    let request = request.purpose(format!("tags of the {}", record.object));
    let answer = clients.send(&record.connection, &request, log).await?;
    Ok(names(&answer, list))
}

/// The names in a list of tags, which comes under two keys.
fn names(answer: &Value, list: &str) -> Vec<String> {
    let tags = answer.pointer(list).or_else(|| answer.get("tags")).and_then(Value::as_array);
    let names = tags.into_iter().flatten().filter_map(|tag| tag.get("name"));
    names.map(value_text).filter(|name| !name.is_empty()).collect()
}

/// The id of the tag of that name in a list of tags; names do not mind case.
pub(crate) fn tag_in(answer: &Value, list: &str, name: &str) -> Option<String> {
    let name = name.trim().to_lowercase();
    let tags = answer.pointer(list).or_else(|| answer.get("tags")).and_then(Value::as_array);
    let is_it = |tag: &&Value| {
        tag.get("name").and_then(Value::as_str).is_some_and(|own| own.trim().to_lowercase() == name)
    };
    tags.into_iter().flatten().find(is_it).and_then(wire::id)
}

pub(crate) async fn admins(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Vec<Owner>, VendorError> {
    let answer = clients.send(connection, &workspace::admins().purpose("list teammates"), log).await?;
    let admins = answer.get("admins").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |item: &Value, name: &str| item.get(name).map(value_text).unwrap_or_default();
    Ok(admins
        .iter()
        .filter(|admin| admin.get("type").and_then(Value::as_str) != Some("team"))
        .filter_map(|admin| {
            Some(Owner { id: wire::id(admin)?, email: text(admin, "email"), name: text(admin, "name") })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_under_both_of_their_names() {
        let tags = json!([{"type": "tag", "id": "9", "name": "churn"}, {"type": "tag", "id": "10"}]);
        assert_eq!(names(&json!({"type": "list", "data": tags}), "/data"), ["churn"]);
        assert_eq!(names(&json!({"type": "tag.list", "tags": tags}), "/data"), ["churn"]);
        assert_eq!(names(&json!({"tags": {"type": "tag.list", "tags": tags}}), "/tags/tags"), ["churn"]);
        assert!(names(&json!({"errors": []}), "/data").is_empty());
    }
}
