//! What the health screen shows beyond what the monitors measure: answer times, missing permissions, deliveries that were
//! refused, calls that batches saved, jobs, the echo ledger. Index ends and counters; never a table's length.

use rusqlite::{Connection, OptionalExtension, params};

use super::monitors::series;
use super::{Journal, Result, overview, sources};
use crate::domain::clock::Timestamp;
use crate::domain::execution::system_of;
use crate::domain::ids::ExecutionId;
use crate::domain::job::Job;
use crate::domain::overview::ConnectionState;
use crate::domain::record::{Connection as Account, System};

/// Calls of which answer times are taken: the newest, whoever they went to.
const SAMPLE: i64 = 2_000;
/// Missing permissions that are told apart.
const MISSING: i64 = 20;
/// Jobs that are shown.
const JOBS: i64 = 12;
/// Executions that wait for one thing are counted up to here.
pub const COUNTED: i64 = 10_000;
/// The series of calls that batches saved.
const SAVED: &str = "saved";

/// How fast a system answered the newest calls to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerTimes {
    /// Which system.
    pub system: System,
    /// How many calls were looked at.
    pub calls: u64,
    /// Of them, those that failed.
    pub failed: u64,
    /// Milliseconds that half of them, 95 % and 99 % of them did not exceed, and the slowest.
    pub milliseconds: [u32; 4],
    /// When the oldest of them was made.
    pub since: Timestamp,
}

/// Something a token may not do, as failures tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The newest execution that met with it.
    pub execution: ExecutionId,
    /// Its recipe.
    pub recipe: String,
    /// What it is, in the sentence of that execution.
    pub sentence: String,
    /// The vendor's words.
    pub words: String,
}

/// Deliveries of a connection whose signature was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedDeliveries {
    /// Whose they claimed to be.
    pub connection: String,
    /// When the last one came.
    pub at: Timestamp,
    /// How many there were.
    pub count: u64,
}

/// Calls that travelling together saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// To which connection.
    pub connection: String,
    /// Calls that were not needed in the last 24 hours.
    pub calls: u64,
    /// Batches that carried them.
    pub batches: u64,
}

/// All of it, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// By system.
    pub answers: Vec<AnswerTimes>,
    /// Newest first.
    pub missing: Vec<Missing>,
    /// By connection.
    pub refused: Vec<RefusedDeliveries>,
    /// By connection.
    pub saved: Vec<Saved>,
    /// Newest first.
    pub jobs: Vec<Job>,
    /// Up to where each connection was looked through for changes, as that look left it.
    pub polled: Vec<(String, Timestamp)>,
    /// Entries of the echo ledger.
    pub echoes_kept: u64,
    /// Events that only repeated our own writes.
    pub echoes_dropped: u64,
    /// Executions by what holds them (`breaker/hubspot`), each counted up to [`COUNTED`].
    pub held: Vec<(String, u64)>,
}

impl Journal {
    /// What the health screen shows beyond the monitors.
    pub async fn vitals(&self) -> Result<Vitals> {
        let now = self.now();
        self.read(move |connection| vitals(connection, now)).await
    }

    /// How the connections fare, as workers saw them last.
    pub async fn connection_states(&self) -> Result<Vec<ConnectionState>> {
        let now = self.now();
        self.read(move |connection| overview::connections(connection, now)).await
    }

    /// A batch carried what would have been so many calls more.
    pub async fn note_saved_calls(&self, account: &Account, calls: u32) -> Result<()> {
        let (now, account) = (self.now(), account.to_string());
        self.write(move |connection| series::add(connection, now, SAVED, &account, i64::from(calls))).await
    }

    /// Deliveries were refused because their signature was wrong. Nothing of them is stored.
    pub async fn note_refused_deliveries(&self, account: &Account, count: u64) -> Result<()> {
        let (now, account) = (self.now(), account.to_string());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO refused_deliveries VALUES (?1, ?2, ?3) ON CONFLICT (connection) DO UPDATE SET \
                     at = excluded.at, count = count + excluded.count",
                )?
                .execute(params![account, now.0, count.cast_signed()])?;
            Ok(())
        })
        .await
    }
}

/// The value that a share of sorted values does not exceed.
fn percentile(sorted: &[u32], share: f64) -> u32 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0)
}

fn vitals(connection: &Connection, now: Timestamp) -> Result<Vitals> {
    let counter = |name: &str| -> Result<u64> {
        let value: Option<i64> = connection
            .prepare_cached("SELECT value FROM counters WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(value.unwrap_or(0).max(0).cast_unsigned())
    };
    Ok(Vitals {
        answers: answers(connection)?,
        missing: missing(connection)?,
        refused: refused(connection)?,
        saved: saved(connection, now)?,
        jobs: sources::newest_jobs(connection, JOBS)?,
        polled: polled(connection)?,
        echoes_kept: counter("echoes.kept")?,
        echoes_dropped: counter("echoes.dropped")?,
        held: held(connection)?,
    })
}

fn answers(connection: &Connection) -> Result<Vec<AnswerTimes>> {
    let mut statement = connection.prepare_cached(
        "SELECT url, duration_ms, started_at, class IS NOT NULL FROM attempts ORDER BY id DESC LIMIT ?1",
    )?;
    let mut found = statement.query([SAMPLE])?;
    let mut all: Vec<(System, Vec<u32>, u64, i64)> =
        System::ALL.iter().map(|system| (*system, Vec::new(), 0, i64::MAX)).collect();
    while let Some(row) = found.next()? {
        let (url, took): (String, i64) = (row.get(0)?, row.get(1)?);
        let system = system_of(&url);
        if let Some(one) = all.iter_mut().find(|(known, ..)| *known == system) {
            one.1.push(u32::try_from(took.max(0)).unwrap_or(u32::MAX));
            one.2 += u64::from(row.get::<_, bool>(3)?);
            one.3 = one.3.min(row.get(2)?);
        }
    }
    Ok(all
        .into_iter()
        .filter(|(_, times, ..)| !times.is_empty())
        .map(|(system, mut times, failed, since)| {
            times.sort_unstable();
            AnswerTimes {
                system,
                calls: times.len() as u64,
                failed,
                milliseconds: [0.5, 0.95, 0.99, 1.0].map(|share| percentile(&times, share)),
                since: Timestamp(since),
            }
        })
        .collect())
}

fn missing(connection: &Connection) -> Result<Vec<Missing>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, recipe, sentence, coalesce(vendor_words, '') FROM executions INDEXED BY executions_failures \
         WHERE status IN ('failed', 'retrying') AND error_class = 'permission' \
         ORDER BY error_class DESC, error_code DESC, id DESC LIMIT ?1",
    )?;
    let found = statement.query_map([MISSING], |row| {
        Ok(Missing {
            execution: ExecutionId(row.get(0)?),
            recipe: row.get(1)?,
            sentence: row.get(2)?,
            words: row.get(3)?,
        })
    })?;
    let mut missing: Vec<Missing> = Vec::new();
    for one in found {
        let one = one?;
        // One missing right fails many executions; it is told once.
        if !missing.iter().any(|known| known.words == one.words && known.recipe == one.recipe) {
            missing.push(one);
        }
    }
    Ok(missing)
}

fn refused(connection: &Connection) -> Result<Vec<RefusedDeliveries>> {
    let mut statement = connection
        .prepare_cached("SELECT connection, at, count FROM refused_deliveries ORDER BY connection")?;
    let found = statement.query_map([], |row| {
        Ok(RefusedDeliveries {
            connection: row.get(0)?,
            at: Timestamp(row.get(1)?),
            count: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn saved(connection: &Connection, now: Timestamp) -> Result<Vec<Saved>> {
    let mut statement = connection.prepare_cached(
        "SELECT label, sum(sum), sum(count) FROM series WHERE name = ?1 AND at >= ?2 GROUP BY label ORDER BY label",
    )?;
    let found = statement.query_map(params![SAVED, now.0 - series::DAY], |row| {
        Ok(Saved {
            connection: row.get(0)?,
            calls: row.get::<_, i64>(1)?.max(0).cast_unsigned(),
            batches: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn polled(connection: &Connection) -> Result<Vec<(String, Timestamp)>> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(name, 8), CAST(value AS INTEGER) FROM settings WHERE name >= 'polled.' AND name < 'polled/' ORDER BY name",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn held(connection: &Connection) -> Result<Vec<(String, u64)>> {
    // From key to key over the index, as there are few keys and maybe many executions.
    let mut keys = connection.prepare_cached(
        "WITH RECURSIVE keys (name) AS (SELECT min(held_by) FROM executions WHERE held_by IS NOT NULL UNION ALL \
         SELECT (SELECT min(held_by) FROM executions WHERE held_by IS NOT NULL AND held_by > name) FROM keys \
         WHERE name IS NOT NULL) SELECT name FROM keys WHERE name IS NOT NULL LIMIT 100",
    )?;
    let names: Vec<String> = keys.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut count = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM executions WHERE held_by = ?1 LIMIT ?2)")?;
    let mut held = Vec::new();
    for name in names {
        let number: i64 = count.query_row(params![name, COUNTED], |row| row.get(0))?;
        held.push((name, number.max(0).cast_unsigned()));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::clock::ManualClock;

    #[test]
    fn r7_a_call_is_known_by_its_host_or_its_path() {
        for (url, system) in [
            ("api.hubapi.com/crm/v3/objects/contacts/151", System::Hubspot),
            ("127.0.0.1:4010/crm/v3/objects/contacts/search", System::Hubspot),
            ("acme.my.salesforce.com/services/data/v66.0/query", System::Salesforce),
            ("127.0.0.1:4011/services/data/v66.0/sobjects/Lead", System::Salesforce),
            ("api.intercom.io/contacts/search", System::Intercom),
            ("127.0.0.1:4012/contacts/64e2", System::Intercom),
        ] {
            assert_eq!(system_of(url), system, "{url}");
        }
        assert_eq!([0.5, 0.95, 1.0].map(|share| percentile(&[1, 2, 3, 4], share)), [2, 4, 4]);
        assert_eq!(percentile(&[], 0.5), 0);
    }

    #[tokio::test]
    async fn r7_saved_calls_and_refused_deliveries_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp(1_795_219_200_000));
        let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock)).unwrap();
        let hubspot = Account::only(System::Hubspot);
        for calls in [99, 1] {
            journal.note_saved_calls(&hubspot, calls).await.unwrap();
            journal.note_refused_deliveries(&hubspot, 2).await.unwrap();
        }
        let vitals = journal.vitals().await.unwrap();
        assert_eq!((vitals.saved[0].calls, vitals.saved[0].batches), (100, 2));
        assert_eq!((vitals.refused[0].connection.as_str(), vitals.refused[0].count), ("hubspot", 4));
        assert_eq!((vitals.echoes_kept, vitals.held.len(), vitals.answers.len()), (0, 0, 0));
    }
}
