//! The journal forgets: keys destroyed, working copies overwritten, waiting work given up. One transaction, and no row
//! goes that something else counts or points to: it stays and says when it was erased.

use rusqlite::{Connection, params};

use super::super::facts::value_hash;
use super::super::rows::sha256;
use super::super::{Result, pages, sealing};
use super::{Person, person, sweep::Found};
use crate::domain::clock::Timestamp;
use crate::domain::erasure::RECIPE;
use crate::domain::ids::ErasureId;
use crate::domain::record::RecordRef;

/// Who stands in the place of a name.
pub(super) const SUBJECT: &str = "erased person";

/// What is left of a sentence of somebody else that spoke of the person.
const SPOKE: &str = "What happened was erased with a person it spoke of.";

/// The sentence of a run that was given up.
pub(super) fn stopped(erasure: ErasureId) -> String {
    format!("Given up: the person was erased ({erasure}). Nothing more is sent for them.")
}

/// A URL without what may name somebody.
pub(super) fn without_path(url: &str) -> String {
    let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{host}/(erased)")
}

/// Forgets a person, and what `found` says of them elsewhere.
pub(super) fn shred(
    connection: &Connection,
    now: Timestamp,
    erasure: ErasureId,
    person: &Person,
    found: &Found,
) -> Result<()> {
    for record in &person.records {
        let name = record.to_string();
        sealing::destroy(connection, now, &name)?;
        executions(connection, now, erasure, &name)?;
        review_items(connection, &name)?;
        copies(connection, &name)?;
    }
    for value in &person.values {
        // Values of a contact that was about to be made stand under no number yet.
        for value in [value.clone(), value.to_lowercase()] {
            connection
                .prepare_cached("DELETE FROM echoes WHERE value_hash = ?1")?
                .execute([value_hash(&serde_json::Value::String(value))])?;
        }
    }
    let records: Vec<String> = person.records.iter().map(ToString::to_string).collect();
    if has_table(connection, "team_comments") {
        crate::journal::team::forget(connection, &records, &person.needles())?;
    }
    put_aside(connection, &person.needles())?;
    person::mark(connection, now, person)?;
    elsewhere(connection, now, found)?;
    // Their names and what was said of them stand in the index of words too, and in what is still to be taken out of
    // it: last, since every row that was overwritten above is among them.
    pages::index_now(connection)
}

/// What others' work said before somebody put it aside, where it speaks of the person.
fn put_aside(connection: &Connection, needles: &[String]) -> Result<()> {
    if needles.is_empty() {
        return Ok(());
    }
    // What people put aside by hand is never so much that it could not be read through.
    let mut all = connection.prepare_cached("SELECT execution_id, sentence FROM put_aside")?;
    let mut rows = all.query([])?;
    let mut speaking = Vec::new();
    while let Some(row) = rows.next()? {
        let sentence = row.get::<_, String>(1)?.to_lowercase();
        if needles.iter().any(|needle| sentence.contains(needle.as_str())) {
            speaking.push(row.get::<_, i64>(0)?);
        }
    }
    drop(rows);
    for id in speaking {
        connection
            .prepare_cached("UPDATE put_aside SET sentence = ?2 WHERE execution_id = ?1")?
            .execute(params![id, SPOKE])?;
    }
    Ok(())
}

/// Work on the person: what waits is given up, what is over keeps its outcome; neither says whom it was about.
fn executions(connection: &Connection, now: Timestamp, erasure: ErasureId, record: &str) -> Result<()> {
    let subject = format!("{SUBJECT} ({erasure})");
    let erased = sealing::erased_cell(now);
    connection
        .prepare_cached(
            "UPDATE executions SET status = 'discarded', outcome = 'skip', due_at = NULL, lease_token = NULL, \
             lease_ms = NULL, updated_at = ?2, subject = ?3, sentence = ?4, vendor_words = NULL \
             WHERE (record = ?1 OR person = ?1) AND recipe <> ?5 AND status IN ('pending', 'retrying', 'in_doubt', 'held', 'failed')",
        )?
        .execute(params![record, now.0, subject, stopped(erasure), RECIPE])?;
    connection
        .prepare_cached(
            "UPDATE executions SET subject = ?2, vendor_words = NULL, sentence = CASE WHEN status IN ('succeeded', \
             'skipped', 'discarded') AND sentence <> ?3 THEN ?4 ELSE sentence END \
             WHERE (record = ?1 OR person = ?1) AND recipe <> ?5",
        )?
        .execute(params![
            record,
            subject,
            stopped(erasure),
            format!("What happened was erased with the person ({erasure})."),
            RECIPE
        ])?;
    connection
        .prepare_cached("UPDATE executions SET subject = ?2 WHERE record = ?1 AND recipe = ?3")?
        .execute(params![record, subject, RECIPE])?;
    // What it was before somebody put it aside names them too, and would bring it back.
    connection
        .prepare_cached(
            "DELETE FROM put_aside WHERE execution_id IN (SELECT id FROM executions \
             WHERE (record = ?1 OR person = ?1) AND recipe <> ?2)",
        )?
        .execute(params![record, RECIPE])?;
    // Plain cells of an older format; sealed ones have lost their key.
    connection
        .prepare_cached(
            "UPDATE executions SET plan = ?2 WHERE record = ?1 AND recipe <> ?3 AND plan IS NOT NULL \
             AND plan NOT LIKE 's1.%'",
        )?
        .execute(params![record, erased, RECIPE])?;
    for (table, column) in [("attempts", "request"), ("attempts", "response"), ("capsules", "records")] {
        connection
            .prepare_cached(&format!(
                "UPDATE {table} SET {column} = ?2 WHERE execution_id IN (SELECT id FROM executions WHERE record = ?1) \
                 AND {column} NOT LIKE 's1.%'"
            ))?
            .execute(params![record, erased])?;
    }
    connection
        .prepare_cached(
            "UPDATE decisions SET decision = ?2 WHERE id IN (SELECT decision_id FROM executions WHERE record = ?1) \
             AND decision NOT LIKE 's1.%'",
        )?
        .execute(params![record, erased])?;
    let mut statement = connection.prepare_cached(
        "SELECT id, url FROM attempts WHERE execution_id IN (SELECT id FROM executions WHERE record = ?1)",
    )?;
    let calls: Vec<(i64, String)> =
        statement.query_map([record], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (id, url) in calls {
        connection
            .prepare_cached("UPDATE attempts SET url = ?2 WHERE id = ?1")?
            .execute(params![id, without_path(&url)])?;
    }
    Ok(())
}

fn review_items(connection: &Connection, record: &str) -> Result<()> {
    let state = "state = CASE WHEN state IN ('open', 'deciding', 'ignored') THEN 'obsolete' ELSE state END, \
                 resolution = 'The person was erased.'";
    connection
        .prepare_cached(&format!(
            "UPDATE conflicts SET subject = ?2, left_value = 'null', right_value = 'null', base = NULL, \
             allowed = '[]', left_by = NULL, right_by = NULL, {state} WHERE left_record = ?1 OR right_record = ?1"
        ))?
        .execute([record, SUBJECT])?;
    connection
        .prepare_cached(&format!(
            "UPDATE duplicates SET subject = ?2, left_fields = '{{}}', right_fields = '{{}}', evidence = '[]', \
             fingerprint = '', obstacle = NULL, {state} WHERE left_record = ?1 OR right_record = ?1"
        ))?
        .execute([record, SUBJECT])?;
    if has_table(connection, "duplicate_verdicts") {
        let pairs = "(SELECT id FROM duplicates WHERE left_record = ?1 OR right_record = ?1)";
        for sql in [
            format!(
                "UPDATE duplicates SET verdict_reason = '', reopened = NULL, alarm = NULL, origin = NULL WHERE id IN {pairs}"
            ),
            format!("UPDATE duplicate_verdicts SET reason = '' WHERE duplicate_id IN {pairs}"),
            format!("UPDATE duplicate_incidents SET sentence = NULL WHERE duplicate_id IN {pairs}"),
        ] {
            connection.prepare_cached(&sql)?.execute([record])?;
        }
        crate::journal::match_keys::forget(connection, record)?;
    }
    connection
        .prepare_cached(&format!(
            "UPDATE unlinked SET subject = ?2, domain = '', hint = '', candidates = '[]', best = 0, {state} \
             WHERE contact = ?1"
        ))?
        .execute([record, SUBJECT])?;
    Ok(())
}

/// Tables whose rows about a record go whole: nothing counts them.
const BY_RECORD: [&str; 6] =
    ["echoes", "field_writes", "aliases", "redacted_parts", "drift_missed", "closings"];

/// Whether this format of the journal has a table.
pub(super) fn has_table(connection: &Connection, name: &str) -> bool {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")
        .and_then(|mut statement| statement.exists([name]))
        .unwrap_or(false)
}

/// Copies and ties, which nothing counts.
fn copies(connection: &Connection, record: &str) -> Result<()> {
    connection.prepare_cached("DELETE FROM mirror WHERE record = ?1")?.execute([record])?;
    connection
        .prepare_cached(
            "DELETE FROM notices WHERE execution_id IN (SELECT id FROM executions WHERE record = ?1 OR person = ?1)",
        )?
        .execute([record])?;
    connection
        .prepare_cached("DELETE FROM people_behind WHERE record = ?1 OR person = ?1")?
        .execute([record])?;
    for table in BY_RECORD.iter().filter(|table| has_table(connection, table)) {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE record = ?1"))?.execute([record])?;
    }
    connection
        .prepare_cached(
            "DELETE FROM agreements WHERE person_id IN (SELECT person_id FROM identities WHERE record = ?1 \
             UNION SELECT person_id FROM former_identities WHERE record = ?1)",
        )?
        .execute([record])?;
    connection.prepare_cached("DELETE FROM identities WHERE record = ?1")?.execute([record])?;
    // Kept by the trigger, and needed no more: the tombstone stands for it.
    connection.prepare_cached("DELETE FROM former_identities WHERE record = ?1")?.execute([record])?;
    Ok(())
}

/// Rows of others, or of nobody, that speak of the person.
fn elsewhere(connection: &Connection, now: Timestamp, found: &Found) -> Result<()> {
    let erased = sealing::erased_cell(now);
    for id in &found.events {
        connection
            .prepare_cached("UPDATE events SET body = ?2, body_sha256 = ?3 WHERE id = ?1")?
            .execute(params![id, erased, sha256(&erased)])?;
    }
    for id in &found.attempts {
        let url: String = connection
            .prepare_cached("SELECT url FROM attempts WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        connection
            .prepare_cached("UPDATE attempts SET request = ?2, response = ?2, url = ?3 WHERE id = ?1")?
            .execute(params![id, erased, without_path(&url)])?;
    }
    for spoken in &found.executions {
        connection
            .prepare_cached(
                "UPDATE executions SET plan = CASE WHEN ?2 THEN ?3 ELSE plan END, \
                 sentence = CASE WHEN ?4 THEN ?8 ELSE sentence END, \
                 vendor_words = CASE WHEN ?5 THEN NULL ELSE vendor_words END, \
                 subject = CASE WHEN ?6 THEN ?7 ELSE subject END WHERE id = ?1",
            )?
            .execute(params![
                spoken.id,
                spoken.plan,
                erased,
                spoken.sentence,
                spoken.words,
                spoken.subject,
                SUBJECT,
                SPOKE
            ])?;
    }
    for id in &found.capsules {
        connection
            .prepare_cached("UPDATE capsules SET records = ?2 WHERE id = ?1")?
            .execute(params![id, erased])?;
    }
    Ok(())
}

/// A record that was absorbed still belongs to whom it belonged.
pub(in super::super) fn became(connection: &Connection, old: &RecordRef, person: i64) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO former_identities VALUES (?1, ?2)")?
        .execute(params![old.to_string(), person])?;
    Ok(())
}
