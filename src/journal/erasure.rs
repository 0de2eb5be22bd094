//! Erased people: opening an erasure, its checklist, its tombstones, and what everything that writes has to ask here.
//!
//! Somebody erased stays erased by two marks: the ids of their records, and keyed hashes of their addresses and external
//! ids. A record made after the erasure is a new sign-up of the person themself: it is let in, and frees the address; an
//! older one that turns up is not. What a worker finds out about somebody who was erased meanwhile is not stored.

use rusqlite::{Connection, OptionalExtension, params};

use super::intake::{NewExecution, insert};
use super::queue::Settlement;
use super::{Journal, JournalError, Result, audit, rows};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::erasure::{
    Erasure, ErasurePart, ErasureState, ErasureWay, NewErasure, PartState, RECIPE, Ways,
};
use crate::domain::execution::{Execution, Outcome, Priority, Status};
use crate::domain::ids::{ErasureId, EventId, ExecutionId};
use crate::domain::record::{Mirror, RecordRef, System};

mod person;
mod scrub;
mod shred;
mod sweep;

pub use person::Person;
pub(super) use shred::became;

/// Why an event of an erased person runs nothing.
pub(super) const BELONGS: &str = "belongs to an erased person";

/// Tries of each part before a human is needed.
const ATTEMPTS: u32 = 12;

impl Journal {
    /// Whether a record belongs to somebody who was erased.
    pub async fn is_erased(&self, record: &RecordRef) -> Result<bool> {
        let record = record.to_string();
        self.read(move |connection| is_gone(connection, Some(&record))).await
    }

    /// Whether anybody was ever erased: while nobody was, nothing needs to be looked at closer.
    pub async fn has_erased(&self) -> Result<bool> {
        self.read(anybody).await
    }

    /// Whether a record must not be brought back: it was erased, or it is an older one with an erased address.
    pub async fn is_barred(&self, mirror: &Mirror) -> Result<bool> {
        let mirror = mirror.clone();
        self.read(move |connection| Ok(!admitted(connection, std::slice::from_ref(&mirror))?[0])).await
    }

    /// All that is known to be one person with these records, or with this address.
    pub async fn person(
        &self,
        records: Vec<RecordRef>,
        address: Option<String>,
        by_address: bool,
    ) -> Result<Person> {
        self.read(move |connection| person::find(connection, &records, address.as_deref(), by_address)).await
    }

    /// Opens an erasure. With ways it is carried out: the journal forgets the person in this one transaction, and an
    /// execution is queued for each record. Without, it waits for a human. The same event opens it once.
    pub async fn open_erasure(&self, new: NewErasure) -> Result<ErasureId> {
        let now = self.now();
        let first = new.clone();
        // The long look through everything is a read; the transaction looks through what came since only.
        let found = self
            .read(move |connection| {
                let person =
                    person::find(connection, &first.records, first.address.as_deref(), first.by_address)?;
                match first.ways {
                    Some(_) => sweep::sweep(connection, &person.needles(), &sweep::Found::default()),
                    None => Ok(sweep::Found::default()),
                }
            })
            .await?;
        self.write(move |connection| open(connection, now, &new, found)).await
    }

    /// A human's answer to an erasure that waits for one: it is carried out.
    pub async fn approve_erasure(&self, id: ErasureId, ways: Ways, actor: String) -> Result<()> {
        let now = self.now();
        let found = self
            .read(move |connection| {
                let person = person_of(connection, id)?;
                sweep::sweep(connection, &person.needles(), &sweep::Found::default())
            })
            .await?;
        self.write(move |connection| {
            be(connection, id, ErasureState::Asked)?;
            let person = person_of(connection, id)?;
            connection.prepare_cached("UPDATE erasures SET state = 'open' WHERE id = ?1")?.execute([id.0])?;
            note(connection, now, &actor, "erase", id, "Approved; every record of the person is erased.")?;
            carry_out(connection, now, id, &person, ways, found)
        })
        .await
    }

    /// A human's answer to an erasure that waits for one: nothing follows.
    pub async fn dismiss_erasure(&self, id: ErasureId, actor: String) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            be(connection, id, ErasureState::Asked)?;
            connection
                .prepare_cached("UPDATE erasures SET state = 'dismissed', closed_at = ?2 WHERE id = ?1")?
                .execute(params![id.0, now.0])?;
            note(connection, now, &actor, "dismiss", id, "The other systems keep the person.")
        })
        .await
    }

    /// Erasures, newest first; or only those that need something.
    pub async fn erasures(&self, unsettled: bool) -> Result<Vec<Erasure>> {
        self.read(move |connection| {
            let which = if unsettled { " WHERE state IN ('asked', 'open')" } else { "" };
            let mut statement =
                connection.prepare_cached(&format!("SELECT id FROM erasures{which} ORDER BY id DESC"))?;
            let ids: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let each = ids.into_iter().filter_map(|id| read(connection, ErasureId(id)).transpose());
            each.collect()
        })
        .await
    }

    /// One erasure.
    pub async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>> {
        self.read(move |connection| read(connection, id)).await
    }

    /// The part that an execution carries out; none for the one that opens an erasure.
    pub async fn erasure_part(&self, execution: ExecutionId) -> Result<Option<(ErasureId, ErasurePart)>> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT erasure_id, * FROM erasure_parts WHERE execution_id = ?1")?;
            let mut found = statement.query([execution.0])?;
            match found.next()? {
                Some(row) => Ok(Some((ErasureId(row.get(0)?), part(row)?))),
                None => Ok(None),
            }
        })
        .await
    }
}

fn open(connection: &Connection, now: Timestamp, new: &NewErasure, found: sweep::Found) -> Result<ErasureId> {
    if let Some(event) = new.event {
        let known = connection
            .prepare_cached("SELECT id FROM erasures WHERE event_id = ?1")?
            .query_row([event.0], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(ErasureId(id));
        }
    }
    let person = person::find(connection, &new.records, new.address.as_deref(), new.by_address)?;
    let state = if new.ways.is_some() { ErasureState::Open } else { ErasureState::Asked };
    connection
        .prepare_cached("INSERT INTO erasures (state, asked_by, asked_at, event_id) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![state.as_str(), new.asked_by, now.0, new.event.map(|EventId(id)| id)])?;
    let id = ErasureId(connection.last_insert_rowid());
    for record in &new.told {
        let line = format!("{} told us that it was deleted there for good.", record.system().title());
        put_part(connection, id, Some(record), ErasureWay::Told, PartState::Done, Some(now), &line)?;
    }
    let words = match new.ways {
        Some(_) => {
            format!("{} records of one person; their copies here are overwritten.", person.records.len())
        }
        None => format!("{} records of one person; waits for a human.", person.records.len()),
    };
    note(connection, now, &new.asked_by, "erase", id, &words)?;
    match new.ways {
        Some(ways) => carry_out(connection, now, id, &person, ways, found)?,
        None => {
            for record in person.records.iter().filter(|record| !new.told.contains(record)) {
                let line = "Left to a human by the settings.";
                put_part(connection, id, Some(record), ErasureWay::Nothing, PartState::Open, None, line)?;
            }
        }
    }
    Ok(id)
}

/// The person an erasure is about, while the journal still knows them.
fn person_of(connection: &Connection, id: ErasureId) -> Result<Person> {
    let mut statement = connection
        .prepare_cached("SELECT record FROM erasure_parts WHERE erasure_id = ?1 AND record <> ''")?;
    let mut found = statement.query([id.0])?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(rows::word(row, "record")?);
    }
    person::find(connection, &records, None, false)
}

fn be(connection: &Connection, id: ErasureId, state: ErasureState) -> Result<()> {
    let now: Option<String> = connection
        .prepare_cached("SELECT state FROM erasures WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    match now {
        None => Err(JournalError::Missing(id.to_string())),
        Some(now) if now == state.as_str() => Ok(()),
        Some(now) => Err(JournalError::Refused(format!("{id} is {now}, not {state}"))),
    }
}

fn note(
    connection: &Connection,
    now: Timestamp,
    actor: &str,
    verb: &str,
    id: ErasureId,
    words: &str,
) -> Result<()> {
    let entry = NewEntry {
        actor: actor.to_owned(),
        verb: verb.to_owned(),
        object: id.to_string(),
        note: words.to_owned(),
    };
    audit::append(connection, now, &[entry])
}

/// The whole of it in one transaction: tombstones, the parts with their executions, and the journal's own copies.
fn carry_out(
    connection: &Connection,
    now: Timestamp,
    id: ErasureId,
    person: &Person,
    ways: Ways,
    found: sweep::Found,
) -> Result<()> {
    for record in &person.records {
        add_record(connection, now, id, record, ways.of(record))?;
    }
    for system in [System::Intercom, System::Hubspot] {
        if !person.records.iter().any(|record| record.system() == system) {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO erasure_parts (erasure_id, system, record, way, state, note) \
                     VALUES (?1, ?2, '', 'nothing', 'not_applicable', 'Nobody is known there.')",
                )?
                .execute(params![id.0, system.as_str()])?;
        }
    }
    let words = "Overwritten; the log of writes is still to be emptied.";
    put_part(connection, id, None, ErasureWay::Overwrite, PartState::Open, None, words)?;
    let found = sweep::sweep(connection, &person.needles(), &found)?.after(found);
    shred::shred(connection, now, id, person, &found)
}

/// A record of an erased person: its tombstone, its line of the checklist, and the execution that does it.
fn add_record(
    connection: &Connection,
    now: Timestamp,
    id: ErasureId,
    record: &RecordRef,
    way: ErasureWay,
) -> Result<()> {
    let name = record.to_string();
    connection
        .prepare_cached("INSERT OR IGNORE INTO tombstones VALUES (?1, ?2, ?3)")?
        .execute(params![name, now.0, id.0])?;
    let told = connection
        .prepare_cached("SELECT 1 FROM erasure_parts WHERE erasure_id = ?1 AND record = ?2 AND way = 'told'")?
        .exists(params![id.0, name])?;
    if told {
        return Ok(());
    }
    if way == ErasureWay::Nothing {
        let words = "Nothing is done here: the settings leave it to a human.";
        return put_part(connection, id, Some(record), way, PartState::Open, None, words);
    }
    put_part(connection, id, Some(record), way, PartState::Open, None, "Waits for a worker.")?;
    let new = NewExecution {
        recipe: RECIPE.to_owned(),
        subject: format!("{} ({id})", shred::SUBJECT),
        record: Some(record.clone()),
        person: None,
        lane: name.clone(),
        priority: Priority::Operator,
        due_at: now,
        sentence: "Waits for a worker.".to_owned(),
        max_attempts: ATTEMPTS,
    };
    let execution = insert(connection, now, None, None, &new)?;
    connection
        .prepare_cached("UPDATE erasure_parts SET execution_id = ?3 WHERE erasure_id = ?1 AND record = ?2")?
        .execute(params![id.0, name, execution.0])?;
    Ok(())
}

fn put_part(
    connection: &Connection,
    id: ErasureId,
    record: Option<&RecordRef>,
    way: ErasureWay,
    state: PartState,
    at: Option<Timestamp>,
    note: &str,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO erasure_parts (erasure_id, system, record, way, state, at, note) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (erasure_id, system, record) DO UPDATE SET \
             way = excluded.way, state = excluded.state, at = excluded.at, note = excluded.note",
        )?
        .execute(params![
            id.0,
            record.map_or("journal", |record| record.system().as_str()),
            record.map(ToString::to_string).unwrap_or_default(),
            way.as_str(),
            state.as_str(),
            at.map(|at| at.0),
            note
        ])?;
    Ok(())
}

/// An erasure whose parts are all settled is done; one of which a part is open again is not.
fn close(connection: &Connection, now: Timestamp, id: ErasureId) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE erasures SET state = 'done', closed_at = ?2 WHERE id = ?1 AND state = 'open' AND NOT EXISTS \
             (SELECT 1 FROM erasure_parts WHERE erasure_id = ?1 AND state NOT IN ('done', 'not_applicable'))",
        )?
        .execute(params![id.0, now.0])?;
    Ok(())
}

fn read(connection: &Connection, id: ErasureId) -> Result<Option<Erasure>> {
    let mut statement = connection.prepare_cached("SELECT * FROM erasures WHERE id = ?1")?;
    let mut found = statement.query([id.0])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let mut parts = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT * FROM erasure_parts WHERE erasure_id = ?1 ORDER BY system = 'journal', system, record",
    )?;
    let mut lines = statement.query([id.0])?;
    while let Some(line) = lines.next()? {
        parts.push(part(line)?);
    }
    Ok(Some(Erasure {
        id,
        state: rows::word(row, "state")?,
        asked_by: row.get("asked_by")?,
        asked_at: Timestamp(row.get("asked_at")?),
        closed_at: row.get::<_, Option<i64>>("closed_at")?.map(Timestamp),
        parts,
    }))
}

fn part(row: &rusqlite::Row<'_>) -> Result<ErasurePart> {
    let record: String = row.get("record")?;
    Ok(ErasurePart {
        system: row.get("system")?,
        record: if record.is_empty() { None } else { Some(rows::parse(&record, "erasure_parts.record")?) },
        way: rows::word(row, "way")?,
        state: rows::word(row, "state")?,
        at: row.get::<_, Option<i64>>("at")?.map(Timestamp),
        execution: row.get::<_, Option<i64>>("execution_id")?.map(ExecutionId),
        request_id: row.get("request_id")?,
        note: row.get("note")?,
    })
}

/// Whether a record, by its text, belongs to somebody who was erased.
pub(super) fn is_gone(connection: &Connection, record: Option<&str>) -> Result<bool> {
    let Some(record) = record else { return Ok(false) };
    Ok(connection.prepare_cached("SELECT 1 FROM tombstones WHERE record = ?1")?.exists([record])?)
}

/// The same for a reference.
pub(super) fn is_erased(connection: &Connection, record: &RecordRef) -> Result<bool> {
    is_gone(connection, Some(&record.to_string()))
}

/// Work for somebody who was erased is not taken up again; the erasing itself is.
pub(super) fn bars_execution(connection: &Connection, execution: &Execution) -> bool {
    let record = execution.record.as_ref().map(ToString::to_string);
    execution.recipe != RECIPE && is_gone(connection, record.as_deref()).unwrap_or(true)
}

/// Which records may be stored: not those of erased people, nor older ones with an erased address.
pub(super) fn admitted(connection: &Connection, mirrors: &[Mirror]) -> Result<Vec<bool>> {
    if !anybody(connection)? {
        return Ok(vec![true; mirrors.len()]);
    }
    mirrors
        .iter()
        .map(|mirror| {
            Ok(!is_erased(connection, &mirror.record)?
                && person::marks_on(connection, mirror)?.iter().all(|mark| mark.is_older_than(mirror)))
        })
        .collect()
}

/// A record made after the erasure frees its address: the person is back of their own will.
pub(super) fn free_addresses(connection: &Connection, mirrors: &[Mirror]) -> Result<()> {
    if !anybody(connection)? {
        return Ok(());
    }
    for mirror in mirrors {
        if is_erased(connection, &mirror.record)? {
            continue;
        }
        for mark in person::marks_on(connection, mirror)?.iter().filter(|mark| mark.is_older_than(mirror)) {
            connection.prepare_cached("DELETE FROM erased_marks WHERE mark = ?1")?.execute([&mark.text])?;
        }
    }
    Ok(())
}

fn anybody(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM tombstones) OR EXISTS (SELECT 1 FROM erased_marks)")?
        .query_row([], |row| row.get(0))?)
}

/// Stops a run whose person was erased since it began: true when it was stopped, and must send nothing more.
pub(super) fn cuts_off(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    token: i64,
    identity: &[RecordRef],
) -> Result<bool> {
    let Some(erasure) = erased_under(connection, id)? else { return Ok(false) };
    adopt(connection, now, erasure, identity)?;
    connection
        .prepare_cached(
            "UPDATE executions SET status = 'discarded', outcome = 'skip', sentence = ?3, due_at = NULL, \
             lease_token = NULL, lease_ms = NULL, updated_at = ?4 \
             WHERE id = ?1 AND lease_token = ?2 AND status = 'running'",
        )?
        .execute(params![id.0, token, shred::stopped(erasure), now.0])?;
    Ok(true)
}

/// The erasure by which an execution's person is gone; none for the executions that erase.
fn erased_under(connection: &Connection, id: ExecutionId) -> Result<Option<ErasureId>> {
    Ok(connection
        .prepare_cached(
            "SELECT tombstones.erasure_id FROM executions JOIN tombstones ON tombstones.record = executions.record \
             WHERE executions.id = ?1 AND executions.recipe <> ?2",
        )?
        .query_row(params![id.0, RECIPE], |row| row.get(0).map(ErasureId))
        .optional()?)
}

/// What a turn found out, without what belongs to somebody erased meanwhile; and the news of an erasing turn.
pub(super) fn at_settlement(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    status: Status,
    settlement: Settlement,
) -> Result<(Status, Settlement)> {
    tell_part(connection, now, id, status, &settlement)?;
    let Some(erasure) = erased_under(connection, id)? else { return Ok((status, settlement)) };
    adopt(connection, now, erasure, &settlement.identity)?;
    let mut attempts = settlement.attempts;
    for attempt in &mut attempts {
        attempt.url = shred::without_path(&attempt.url);
    }
    let stripped = Settlement {
        sentence: shred::stopped(erasure),
        outcome: Some(Outcome::Skip),
        attempts,
        audit: settlement.audit,
        ..Settlement::default()
    };
    Ok((Status::Discarded, stripped))
}

/// A record that a run made while its person was being erased is one more to erase.
fn adopt(connection: &Connection, now: Timestamp, erasure: ErasureId, identity: &[RecordRef]) -> Result<()> {
    for record in identity {
        if is_erased(connection, record)? {
            continue;
        }
        let way: Option<String> = connection
            .prepare_cached(
                "SELECT way FROM erasure_parts WHERE erasure_id = ?1 AND system = ?2 AND way <> 'told' LIMIT 1",
            )?
            .query_row(params![erasure.0, record.system().as_str()], |row| row.get(0))
            .optional()?;
        let way = way.and_then(|way| way.parse().ok()).unwrap_or(ErasureWay::Erase);
        let way = if way == ErasureWay::Nothing { ErasureWay::Erase } else { way };
        add_record(connection, now, erasure, record, way)?;
        connection
            .prepare_cached(
                "UPDATE erasures SET state = 'open', closed_at = NULL WHERE id = ?1 AND state = 'done'",
            )?
            .execute([erasure.0])?;
        let person = person::find(connection, std::slice::from_ref(record), None, false)?;
        shred::shred(connection, now, erasure, &person, &sweep::Found::default())?;
    }
    Ok(())
}

/// An erasing execution has got somewhere: its line of the checklist follows it.
fn tell_part(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    status: Status,
    settlement: &Settlement,
) -> Result<()> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT erasure_id FROM erasure_parts WHERE execution_id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let Some(erasure) = found else { return Ok(()) };
    let state = match status {
        Status::Succeeded | Status::Skipped => PartState::Done,
        Status::Failed | Status::Discarded => PartState::Failed,
        _ => PartState::Open,
    };
    let request = settlement.attempts.iter().rev().find_map(|attempt| attempt.request_id.clone());
    connection
        .prepare_cached(
            "UPDATE erasure_parts SET state = ?2, at = ?3, request_id = coalesce(?4, request_id), note = ?5 \
             WHERE execution_id = ?1",
        )?
        .execute(params![id.0, state.as_str(), now.0, request, settlement.sentence])?;
    close(connection, now, ErasureId(erasure))
}

#[cfg(test)]
mod tests;
