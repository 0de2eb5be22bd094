//! What HubSpot knows around a person: related deals, tickets, tasks and notes, owners, pipelines. Reads only.
//!
//! Relations are read from the person, never searched for: a search lags behind what was written a moment ago and is
//! limited to five calls a second.

use std::collections::HashSet;

use serde_json::Value;

use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};

use super::super::around::{Owner, Stage, carries, endless};
use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::calls::objects::{self, BATCH, Wish};
use super::calls::{account, associations, schema};
use super::search::{Comparison, Filter, Search};
use super::wire;

/// Related ids in one page.
const RELATED: usize = 500;
/// Pages of related ids that are read for one person.
const PAGES: usize = 20;
/// Pages of owners.
const OWNERS: usize = 100;

/// The ids of all records of a kind that a record is related to.
pub(super) async fn related_ids(
    clients: &Clients,
    from: &RecordRef,
    to: ObjectKind,
    log: &mut Log,
) -> Result<Vec<String>, VendorError> {
    let mut ids: Vec<String> = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES {
        let about = (from.object, from.id.as_str());
        let request = associations::list(clients.settings(), about, to, Some(RELATED), after.as_deref())?;
        let answer = clients.send(&from.connection, &request, log).await?;
        for id in listed(&answer) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let next = next_of_relations(&answer);
        if next.is_none() || next == after {
            return Ok(ids);
        }
        after = next;
    }
    Err(endless(System::Hubspot, &format!("related {to}s")))
}

/// Ids of related records, as a list or as a batch read of one.
fn listed(answer: &Value) -> Vec<String> {
    let rows = wire::results(answer);
    let nested = rows.iter().filter_map(|row| row.get("to")?.as_array()).flatten();
    let flat = rows.iter().filter(|row| row.get("to").is_none());
    flat.chain(nested)
        .filter_map(|row| row.get("toObjectId"))
        .map(value_text)
        .filter(|id| !id.is_empty())
        .collect()
}

/// A list says at its end where it goes on, a batch read of one in its only row.
fn next_of_relations(answer: &Value) -> Option<String> {
    wire::next(answer).or_else(|| wire::results(answer).iter().find_map(wire::next))
}

/// Records by their ids; those that are gone are missing.
pub(super) async fn read_many(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    ids: &[String],
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    read_with(clients, connection, object, ids, "", log).await
}

/// The same, with one more property.
async fn read_with(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    ids: &[String],
    further: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let mut wish = Wish { associations: String::new(), ..Wish::usual(clients.settings(), object) };
    if !further.is_empty() && !wish.properties.split(',').any(|name| name == further) {
        wish.properties = format!("{},{further}", wish.properties);
    }
    let mut found = Vec::new();
    for some in ids.chunks(BATCH) {
        let request = objects::batch_read(clients.settings(), object, some, None, &wish)?;
        let answer = clients.send(connection, &request, log).await?;
        for row in wire::results(&answer) {
            found.push(wire::mirror(connection, object, row)?);
        }
    }
    Ok(found)
}

pub(crate) async fn open_of(
    clients: &Clients,
    object: ObjectKind,
    person: &RecordRef,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let ids = related_ids(clients, person, object, log).await?;
    let all = read_many(clients, &person.connection, object, &ids, log).await?;
    let mut all: Vec<Mirror> = all.into_iter().filter(|mirror| !mirror.deleted).collect();
    // A deal says itself whether it is closed; a ticket, and a deal that does not, by its stage.
    if all.iter().all(|mirror| object == ObjectKind::Deal && !mirror.text("hs_is_closed").is_empty()) {
        all.retain(|mirror| mirror.text("hs_is_closed") != "true");
        return Ok(all);
    }
    let stages = stages(clients, &person.connection, object, log).await?;
    let closed: HashSet<(&str, &str)> = stages
        .iter()
        .filter(|stage| stage.closed)
        .map(|stage| (stage.pipeline.as_str(), stage.id.as_str()))
        .collect();
    let (pipeline, stage) = names(object);
    all.retain(|mirror| match mirror.text("hs_is_closed").as_str() {
        "" => !closed.contains(&(mirror.text(pipeline).as_str(), mirror.text(stage).as_str())),
        said => said != "true",
    });
    Ok(all)
}

pub(crate) async fn people_of(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<Vec<RecordRef>, VendorError> {
    let ids = related_ids(clients, record, ObjectKind::Contact, log).await?;
    let contact = |id| RecordRef { connection: record.connection.clone(), object: ObjectKind::Contact, id };
    Ok(ids.into_iter().map(contact).collect())
}

/// The properties that say where a record stands.
const fn names(object: ObjectKind) -> (&'static str, &'static str) {
    match object {
        ObjectKind::Ticket => ("hs_pipeline", "hs_pipeline_stage"),
        _ => ("pipeline", "dealstage"),
    }
}

pub(crate) async fn find_by_key(
    clients: &Clients,
    object: ObjectKind,
    person: &RecordRef,
    key: &str,
    log: &mut Log,
) -> Result<Option<Mirror>, VendorError> {
    let mut ids = related_ids(clients, person, object, log).await?;
    newest_first(&mut ids);
    for some in ids.chunks(BATCH) {
        let rows = read_many(clients, &person.connection, object, some, log).await?;
        if let Some(found) = rows.into_iter().find(|mirror| !mirror.deleted && carries(mirror, key)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether a record that was to be made is there: by the key of ours in it, else by the value it is known by, among what
/// its people are related to. None where only a search can tell.
pub(super) async fn made(
    clients: &Clients,
    effect: &Effect,
    (object, identity, value): (ObjectKind, &str, &str),
    related: &[RecordRef],
    log: &mut Log,
) -> Result<Option<Option<RecordRef>>, VendorError> {
    let connection = effect.connection();
    let key = effect.key();
    let Some(first) = related.first() else {
        // A long text is searched for by a word of it.
        return match key {
            Some(key) => Ok(Some(with_word(clients, connection, object, identity, &key, log).await?)),
            None => Ok(None),
        };
    };
    let mut ids = related_ids(clients, first, object, log).await?;
    newest_first(&mut ids);
    for some in ids.chunks(BATCH) {
        let rows = read_with(clients, connection, object, some, identity, log).await?;
        let is_it = |mirror: &&Mirror| match &key {
            Some(key) => carries(mirror, key),
            // Without a key only an open one of that name can be what was to be made.
            None => mirror.text(identity) == value && mirror.text("hs_is_closed") != "true",
        };
        if let Some(found) = rows.iter().filter(|mirror| !mirror.deleted).find(is_it) {
            return Ok(Some(Some(found.record.clone())));
        }
    }
    Ok(Some(None))
}

async fn with_word(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    property: &str,
    word: &str,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let filter = Filter::new(property, Comparison::One("CONTAINS_TOKEN", word.to_owned()));
    let search = Search::all(vec![filter]).properties(vec![property.to_owned()]);
    let request = objects::search(clients.settings(), object, &search)?
        .purpose(format!("look for the {object} with our key"));
    let answer = clients.send(connection, &request, log).await?;
    for row in wire::results(&answer) {
        let mirror = wire::mirror(connection, object, row)?;
        if carries(&mirror, word) {
            return Ok(Some(mirror.record));
        }
    }
    Ok(None)
}

/// What was made a moment ago is among the newest, and those have the highest numbers.
fn newest_first(ids: &mut [String]) {
    ids.sort_by_cached_key(|id| std::cmp::Reverse((id.len(), id.clone())));
}

pub(crate) async fn owners(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Vec<Owner>, VendorError> {
    let mut owners = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..OWNERS {
        let request = account::owners(clients.settings(), None, Some(100), after.as_deref(), false)?
            .purpose("list owners");
        let answer = clients.send(connection, &request, log).await?;
        owners.extend(wire::results(&answer).iter().filter_map(owner));
        after = wire::next(&answer);
        if after.is_none() {
            return Ok(owners);
        }
    }
    Err(endless(System::Hubspot, "owners"))
}

fn owner(row: &Value) -> Option<Owner> {
    let text = |name: &str| row.get(name).map(value_text).unwrap_or_default();
    let name = format!("{} {}", text("firstName"), text("lastName")).trim().to_owned();
    Some(Owner { id: wire::id(row)?, email: text("email"), name })
}

pub(crate) async fn stages(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<Vec<Stage>, VendorError> {
    let request = schema::pipelines(clients.settings(), object)?
        .page()
        .purpose(format!("list the stages of {object}s"));
    let answer = clients.send(connection, &request, log).await?;
    Ok(wire::results(&answer).iter().flat_map(stages_of).collect())
}

fn stages_of(pipeline: &Value) -> Vec<Stage> {
    let text = |item: &Value, name: &str| item.get(name).map(value_text).unwrap_or_default();
    let order = |item: &&Value| item.get("displayOrder").and_then(Value::as_i64).unwrap_or_default();
    let mut rows: Vec<&Value> = pipeline
        .get("stages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|stage| stage.get("archived").and_then(Value::as_bool) != Some(true))
        .collect();
    rows.sort_by_key(order);
    rows.into_iter()
        .map(|stage| {
            let mark = |name: &str| stage.pointer(&format!("/metadata/{name}")).map(value_text);
            let says_closed = mark("isClosed").is_some_and(|said| said.eq_ignore_ascii_case("true"));
            let state_closed = mark("ticketState").is_some_and(|said| said.eq_ignore_ascii_case("closed"));
            Stage {
                pipeline: text(pipeline, "id"),
                pipeline_label: text(pipeline, "label"),
                id: text(stage, "id"),
                label: text(stage, "label"),
                closed: says_closed || state_closed,
                probability: mark("probability").and_then(|said| said.parse().ok()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn relations_are_read_as_a_list_and_as_a_batch_of_one() {
        let list = json!({"results": [{"toObjectId": 812}, {"toObjectId": "900"}],
                          "paging": {"next": {"after": "2"}}});
        let batch = json!({"results": [{"from": {"id": "151"}, "to": [{"toObjectId": 812}, {"toObjectId": 900}],
                           "paging": {"next": {"after": "2"}}}]});
        for answer in [list, batch] {
            assert_eq!(listed(&answer), ["812", "900"]);
            assert_eq!(next_of_relations(&answer).as_deref(), Some("2"));
        }
        assert_eq!(next_of_relations(&json!({"results": []})), None);
    }

    #[test]
    fn stages_come_in_their_order_and_say_whether_they_close() {
        let pipeline = json!({"id": "default", "label": "Sales", "stages": [
            {"id": "won", "label": "Won", "displayOrder": 1, "metadata": {"isClosed": "true", "probability": "1.0"}},
            {"id": "new", "label": "New", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.2"}},
            {"id": "old", "label": "Old", "displayOrder": 2, "archived": true, "metadata": {}},
            {"id": "4", "label": "Closed", "displayOrder": 3, "metadata": {"ticketState": "CLOSED"}},
        ]});
        let stages = stages_of(&pipeline);
        let told: Vec<(&str, bool)> = stages.iter().map(|stage| (stage.id.as_str(), stage.closed)).collect();
        assert_eq!(told, [("new", false), ("won", true), ("4", true)]);
        assert_eq!(stages[0].probability, Some(0.2));
    }
}
