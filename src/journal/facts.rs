//! What we know: copies of records, which records are one person, what both sides last agreed on.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, to_json};
use super::{Journal, Result, conflicts, echoes, erasure};
use crate::domain::agreement::Agreement;
use crate::domain::clock::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::record::{Connection as Account, Mirror, ObjectKind, RecordRef, value_text};
use crate::domain::review::Conflict;
use crate::domain::standing::FieldHold;

/// Everything known about the person behind a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The person's records, the asked one included when it has an identity.
    pub records: Vec<RecordRef>,
    /// Fields and what both sides held when they last agreed.
    pub agreements: Vec<Agreement>,
    /// When they agreed, field by field.
    pub agreed_at: HashMap<String, Timestamp>,
    /// Fields held back by an open conflict.
    pub held: Vec<String>,
    /// Conflicts that are left alone: their field is held back as long as both values are the same.
    pub ignored: Vec<Conflict>,
    /// Directions of fields that are switched off, whoever the person is.
    pub off: Vec<FieldHold>,
}

impl Journal {
    /// Stores copies of records, outside any execution (polling, the first load).
    /// Answers which were taken: those of erased people are not.
    pub async fn put_mirrors(&self, mirrors: Vec<Mirror>) -> Result<Vec<bool>> {
        let now = self.now();
        self.write(move |connection| put_mirrors(connection, now, &mirrors)).await
    }

    /// Our last copy of a record.
    pub async fn mirror(&self, record: &RecordRef) -> Result<Option<Mirror>> {
        let record = record.clone();
        self.read(move |connection| mirror(connection, &record)).await
    }

    /// All living copies of one kind, in the order of their references.
    pub async fn mirrors(&self, account: &Account, object: ObjectKind) -> Result<Vec<Mirror>> {
        let account = account.to_string();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM mirror WHERE connection = ?1 AND object = ?2 AND deleted = 0 ORDER BY record",
            )?;
            let mut found = statement.query(params![account, object.as_str()])?;
            let mut mirrors = Vec::new();
            while let Some(row) = found.next()? {
                mirrors.push(rows::mirror(row)?);
            }
            Ok(mirrors)
        })
        .await
    }

    /// The person behind a record: all their records, agreements and held fields.
    pub async fn known(&self, record: &RecordRef) -> Result<Known> {
        let record = record.clone();
        self.read(move |connection| known(connection, &record)).await
    }

    /// Which people of one connection are tied to which of another, by id: one query for all of them.
    pub async fn ties(&self, from: &Account, to: &Account) -> Result<Vec<(String, String)>> {
        self.ties_of(ObjectKind::Contact, from, to).await
    }

    /// The same for records of any kind.
    pub async fn ties_of(
        &self,
        kind: ObjectKind,
        from: &Account,
        to: &Account,
    ) -> Result<Vec<(String, String)>> {
        let start = |account: &Account| format!("{account}/{kind}/");
        let (from, to) = (start(from), start(to));
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT substr(mine.record, ?3), substr(other.record, ?4) FROM identities AS mine \
                 JOIN identities AS other ON other.person_id = mine.person_id \
                 WHERE mine.record >= ?1 AND mine.record < ?1 || '~' AND other.record >= ?2 AND other.record < ?2 || '~' \
                 ORDER BY mine.record, other.record",
            )?;
            let mut found = statement.query(params![from, to, from.len() as i64 + 1, to.len() as i64 + 1])?;
            let mut ties = Vec::new();
            while let Some(row) = found.next()? {
                ties.push((row.get(0)?, row.get(1)?));
            }
            Ok(ties)
        })
        .await
    }

    /// Ties records together as one person, with what they agree on; for pairs found outside an execution.
    pub async fn unite(&self, people: Vec<(Vec<RecordRef>, Vec<Agreement>)>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for (records, agreements) in &people {
                if let Some(person) = unite(connection, records)? {
                    put_agreements(connection, now, person, agreements)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// E-mail addresses a record had before, the latest first.
    pub async fn aliases(&self, record: &RecordRef) -> Result<Vec<String>> {
        let record = record.to_string();
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT email FROM aliases WHERE record = ?1 ORDER BY until DESC, email")?;
            let mut found = statement.query([record])?;
            let mut aliases = Vec::new();
            while let Some(row) = found.next()? {
                aliases.push(row.get(0)?);
            }
            Ok(aliases)
        })
        .await
    }

    /// A stored mark, such as how far polling has come.
    pub async fn mark(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read(move |connection| {
            Ok(connection
                .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    /// Stores a mark.
    pub async fn set_mark(&self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO settings VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute([name, value])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn put_mirrors(connection: &Connection, now: Timestamp, mirrors: &[Mirror]) -> Result<Vec<bool>> {
    erasure::free_addresses(connection, mirrors)?;
    let admitted = erasure::admitted(connection, mirrors)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO mirror (record, connection, object, fields, companies, email, vendor_updated_at, seen_at, deleted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (record) DO UPDATE SET fields = excluded.fields, \
         companies = excluded.companies, email = excluded.email, vendor_updated_at = excluded.vendor_updated_at, \
         seen_at = excluded.seen_at, deleted = excluded.deleted",
    )?;
    for (mirror, _) in mirrors.iter().zip(&admitted).filter(|(_, admitted)| **admitted) {
        let email = mirror.text("email").trim().to_lowercase();
        statement.execute(params![
            mirror.record.to_string(),
            mirror.record.connection.to_string(),
            mirror.record.object.as_str(),
            to_json(&mirror.fields)?,
            to_json(&mirror.companies)?,
            (!email.is_empty()).then_some(email),
            mirror.vendor_updated_at.map(|at| at.0),
            now.0,
            mirror.deleted,
        ])?;
        echoes::superseded(connection, mirror)?;
    }
    Ok(admitted)
}

fn person_of(connection: &Connection, record: &RecordRef) -> Result<Option<PersonId>> {
    Ok(connection
        .prepare_cached("SELECT person_id FROM identities WHERE record = ?1")?
        .query_row([record.to_string()], |row| row.get(0))
        .optional()?
        .map(PersonId))
}

pub(super) fn mirror(connection: &Connection, record: &RecordRef) -> Result<Option<Mirror>> {
    connection
        .prepare_cached("SELECT * FROM mirror WHERE record = ?1")?
        .query_row([record.to_string()], |row| Ok(rows::mirror(row)))
        .optional()?
        .transpose()
}

pub(super) fn known(connection: &Connection, record: &RecordRef) -> Result<Known> {
    let mut known = Known::default();
    if let Some(PersonId(person)) = person_of(connection, record)? {
        let mut statement = connection
            .prepare_cached("SELECT record FROM identities WHERE person_id = ?1 ORDER BY record")?;
        let mut found = statement.query([person])?;
        while let Some(row) = found.next()? {
            known.records.push(rows::word(row, "record")?);
        }
        let mut statement = connection.prepare_cached(
            "SELECT field, left_value, right_value, at FROM agreements WHERE person_id = ?1",
        )?;
        let mut found = statement.query([person])?;
        while let Some(row) = found.next()? {
            known.agreed_at.insert(row.get("field")?, Timestamp(row.get("at")?));
            known.agreements.push(Agreement {
                field: row.get("field")?,
                left: rows::json(row, "left_value")?,
                right: rows::json(row, "right_value")?,
            });
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT field FROM conflicts WHERE state IN ('open', 'deciding') \
         AND (left_record = ?1 OR right_record = ?1)",
    )?;
    let mut found = statement.query([record.to_string()])?;
    while let Some(row) = found.next()? {
        known.held.push(row.get("field")?);
    }
    known.ignored = conflicts::ignored(connection, record)?;
    known.off = conflicts::field_holds(connection)?;
    Ok(known)
}

/// Gives all records one identity and returns it; the oldest known one wins. Nothing to do for an empty list.
pub(super) fn unite(connection: &Connection, records: &[RecordRef]) -> Result<Option<PersonId>> {
    let mut living = Vec::with_capacity(records.len());
    for record in records {
        if !erasure::is_erased(connection, record)? {
            living.push(record.clone());
        }
    }
    let records = living.as_slice();
    if records.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for record in records {
        found.extend(person_of(connection, record)?);
    }
    found.sort_unstable();
    found.dedup();
    let person = match found.first() {
        Some(&person) => person,
        None => {
            connection.prepare_cached("INSERT INTO people DEFAULT VALUES")?.execute([])?;
            PersonId(connection.last_insert_rowid())
        }
    };
    for other in found.iter().skip(1) {
        connection
            .prepare_cached("UPDATE identities SET person_id = ?1 WHERE person_id = ?2")?
            .execute([person.0, other.0])?;
        connection.prepare_cached("DELETE FROM agreements WHERE person_id = ?1")?.execute([other.0])?;
    }
    for record in records {
        connection
            .prepare_cached(
                "INSERT INTO identities VALUES (?1, ?2) ON CONFLICT (record) DO UPDATE SET person_id = excluded.person_id",
            )?
            .execute(params![record.to_string(), person.0])?;
    }
    relane(connection, person)?;
    Ok(Some(person))
}

/// The lane of a record as it is at this moment of the transaction: its person's, none for a stranger's.
pub(super) fn lane(connection: &Connection, record: &RecordRef) -> Result<Option<String>> {
    match person_of(connection, record)? {
        Some(person) => Ok(records_of(connection, person)?.iter().min().map(ToString::to_string)),
        None => Ok(None),
    }
}

fn records_of(connection: &Connection, person: PersonId) -> Result<Vec<RecordRef>> {
    let mut statement = connection.prepare_cached("SELECT record FROM identities WHERE person_id = ?1")?;
    let mut found = statement.query([person.0])?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(rows::word(row, "record")?);
    }
    Ok(records)
}

/// Executions that were queued while their records were strangers share the person's lane from now on: two at once
/// would both see the old values and write the same change twice. Running ones too, so that the next one waits.
fn relane(connection: &Connection, person: PersonId) -> Result<()> {
    let records = records_of(connection, person)?;
    let Some(lane) = records.iter().min().map(ToString::to_string) else { return Ok(()) };
    for record in &records {
        move_to_lane(connection, record, &lane)?;
    }
    Ok(())
}

/// Work on a record that is not at its end goes into a lane.
fn move_to_lane(connection: &Connection, record: &RecordRef, lane: &str) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE executions SET lane = ?2 WHERE (record = ?1 OR person = ?1) AND lane <> ?2 \
             AND status IN ('pending', 'running', 'retrying', 'in_doubt', 'failed', 'held')",
        )?
        .execute([record.to_string(), lane.to_owned()])?;
    Ok(())
}

/// Drops agreements on fields on which the person's sides have agreed since a time.
pub(super) fn leave_newer(
    connection: &Connection,
    person: PersonId,
    then: Timestamp,
    agreements: &mut Vec<Agreement>,
) -> Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT field FROM agreements WHERE person_id = ?1 AND at > ?2")?;
    let newer: Vec<String> =
        statement.query_map(params![person.0, then.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    agreements.retain(|agreement| !newer.contains(&agreement.field));
    Ok(())
}

pub(super) fn put_agreements(
    connection: &Connection,
    now: Timestamp,
    person: PersonId,
    agreements: &[Agreement],
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO agreements VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (person_id, field) DO UPDATE SET \
         left_value = excluded.left_value, right_value = excluded.right_value, at = excluded.at",
    )?;
    for agreement in agreements {
        statement.execute(params![
            person.0,
            agreement.field,
            to_json(&agreement.left)?,
            to_json(&agreement.right)?,
            now.0
        ])?;
    }
    Ok(())
}

/// A record is gone: its copy is marked, its identity dissolved, so that the next look finds what there is now.
pub(super) fn forget(connection: &Connection, record: &RecordRef) -> Result<()> {
    let person = person_of(connection, record)?;
    let name = record.to_string();
    connection.prepare_cached("UPDATE mirror SET deleted = 1 WHERE record = ?1")?.execute([&name])?;
    connection.prepare_cached("DELETE FROM identities WHERE record = ?1")?.execute([&name])?;
    if let Some(person) = person {
        // The lane was named after the least of the person's records, which may have been this one. Work on it is a
        // stranger's from now on.
        relane(connection, person)?;
        move_to_lane(connection, record, &name)?;
    }
    Ok(())
}

/// A record was absorbed or renumbered: who pointed to it points to the new one.
pub(super) fn remap(connection: &Connection, old: &RecordRef, new: &RecordRef) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let mut records = vec![new.clone()];
    if let Some(PersonId(person)) = person_of(connection, old)? {
        let mut statement = connection
            .prepare_cached("SELECT record FROM identities WHERE person_id = ?1 AND record <> ?2")?;
        let mut found = statement.query(params![person, old.to_string()])?;
        while let Some(row) = found.next()? {
            records.push(rows::word(row, "record")?);
        }
    }
    forget(connection, old)?;
    connection
        .prepare_cached(
            "UPDATE executions SET record = ?2 WHERE record = ?1 AND status IN ('pending', 'retrying', 'held', 'failed')",
        )?
        .execute([old.to_string(), new.to_string()])?;
    // Work on a deal or a ticket is the person's too.
    connection
        .prepare_cached(
            "UPDATE executions SET person = ?2 WHERE person = ?1 AND status IN ('pending', 'retrying', 'held', 'failed')",
        )?
        .execute([old.to_string(), new.to_string()])?;
    connection
        .prepare_cached("UPDATE people_behind SET person = ?2 WHERE person = ?1")?
        .execute([old.to_string(), new.to_string()])?;
    if let Some(PersonId(person)) = unite(connection, &records)? {
        erasure::became(connection, old, person)?;
    }
    // What has begun with the old record keeps its name, and the person's order.
    if let Some(lane) = lane(connection, new)? {
        move_to_lane(connection, old, &lane)?;
    }
    Ok(())
}

/// The hash by which a value is recognised when it comes back: of its text, so that `5` and `"5"` are one, and a time
/// in RFC 3339 is the same as its milliseconds since 1970, whichever of the two a vendor answers with.
pub fn value_hash(value: &serde_json::Value) -> String {
    let text = value_text(value);
    let text = text.trim();
    if text.len() >= 19
        && text.as_bytes()[10] == b'T'
        && let Some(at) = Timestamp::parse_rfc3339(text)
    {
        return rows::sha256(&at.0.to_string());
    }
    rows::sha256(text)
}
