//! Jobs that read a vendor page by page: what a page caused is stored with the place the job has come to, so that a
//! kill between two pages neither loses nor repeats one.
//!
//! Decides nothing: which records are worth an event is the engine's business.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::intake::{Appended, Disposition};
use super::{Journal, JournalError, Result, facts, intake, rows};
use crate::domain::clock::Timestamp;
use crate::domain::event::NewEvent;
use crate::domain::execution::{Outcome, Priority, Status};
use crate::domain::ids::{EventId, ExecutionId};
use crate::domain::job::{Advance, Job, JobKind, JobState, Tally};
use crate::domain::record::{Connection as Account, Mirror, ObjectKind};

/// A job before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What for.
    pub kind: JobKind,
    /// Whose and what.
    pub scope: String,
    /// What was asked, as JSON.
    pub request: String,
    /// What it does, as a sentence.
    pub sentence: String,
    /// How many records there are, where known.
    pub total: Option<u64>,
}

/// What one page of a job leads to.
#[derive(Debug, Clone, Default)]
pub struct PageResult {
    /// How far the job is after it.
    pub advance: Advance,
    /// The events it caused.
    pub events: Vec<(NewEvent, Disposition)>,
    /// Copies that are refreshed without an event.
    pub mirrors: Vec<Mirror>,
    /// The state and sentence the job has afterwards; unchanged without.
    pub end: Option<(JobState, String)>,
}

impl Journal {
    /// Makes a job. Refused while one of the same kind and scope is open.
    pub async fn begin_job(&self, new: NewJob) -> Result<Job> {
        let now = self.now();
        self.write(move |connection| {
            if let Some(open) = newest(connection, new.kind, &new.scope, true)? {
                return Err(JournalError::Refused(format!(
                    "a {} of {} is {} already",
                    open.kind, open.scope, open.state
                )));
            }
            connection
                .prepare_cached(
                    "INSERT INTO jobs (kind, scope, request, state, sentence, total, after_execution, started_at, \
                     updated_at) VALUES (?1, ?2, ?3, 'running', ?4, ?5, \
                     (SELECT coalesce(max(id), 0) FROM executions), ?6, ?6)",
                )?
                .execute(params![
                    new.kind.as_str(),
                    new.scope,
                    new.request,
                    new.sentence,
                    new.total.map(|total| total as i64),
                    now.0
                ])?;
            one(connection, connection.last_insert_rowid())
        })
        .await
    }

    /// The newest job of a kind and scope; with `open`, only one that may go on.
    pub async fn newest_job(&self, kind: JobKind, scope: &str, open: bool) -> Result<Option<Job>> {
        let scope = scope.to_owned();
        self.read(move |connection| newest(connection, kind, &scope, open)).await
    }

    /// The newest job of a kind and scope in a state.
    pub async fn newest_job_in(&self, kind: JobKind, scope: &str, state: JobState) -> Result<Option<Job>> {
        let scope = scope.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM jobs WHERE kind = ?1 AND scope = ?2 AND state = ?3 ORDER BY id DESC LIMIT 1",
                )?
                .query_row(params![kind.as_str(), scope, state.as_str()], |row| Ok(job(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    /// A job as it is now.
    pub async fn job(&self, id: i64) -> Result<Job> {
        self.read(move |connection| one(connection, id)).await
    }

    /// Stores what one page of a job leads to, all or nothing. Refused when somebody else has gone on with the job since
    /// it was read, or it was paused: nothing of the page is stored then.
    pub async fn advance_job(&self, known: &Job, page: PageResult) -> Result<(Job, Vec<Appended>)> {
        let now = self.now();
        let (id, cursor, pages) = (known.id, known.cursor.clone(), known.pages);
        self.write(move |connection| {
            let step = &page.advance;
            let (state, sentence) = page
                .end
                .as_ref()
                .map_or((JobState::Running, None), |(state, sentence)| (*state, Some(sentence.as_str())));
            let changed = connection
                .prepare_cached(
                    "UPDATE jobs SET cursor = ?4, pages = pages + 1, records = records + ?5, skipped = skipped + ?6, \
                     calls = calls + ?7, total = coalesce(?8, total), state = ?9, sentence = coalesce(?10, sentence), \
                     updated_at = ?11 WHERE id = ?1 AND state = 'running' AND cursor IS ?2 AND pages = ?3",
                )?
                .execute(params![
                    id,
                    cursor,
                    pages as i64,
                    step.cursor,
                    step.records as i64,
                    step.skipped as i64,
                    step.calls as i64,
                    step.total.map(|total| total as i64),
                    state.as_str(),
                    sentence,
                    now.0
                ])?;
            if changed != 1 {
                return Err(JournalError::Refused("the job went on, or was paused, elsewhere".into()));
            }
            let mut appended = Vec::with_capacity(page.events.len());
            for (event, disposition) in &page.events {
                appended.push(store(connection, now, event, disposition)?);
            }
            facts::put_mirrors(connection, now, &page.mirrors)?;
            let news = appended.iter().filter(|one| !matches!(one, Appended::Duplicate(_))).count();
            connection
                .prepare_cached("UPDATE jobs SET events = events + ?2 WHERE id = ?1")?
                .execute(params![id, news as i64])?;
            Ok((one(connection, id)?, appended))
        })
        .await
    }

    /// Begins a job's reading anew, from the first page: the vendor no longer knows where it was.
    pub async fn rewind_job(&self, id: i64) -> Result<Job> {
        let now = self.now();
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE jobs SET cursor = NULL, records = 0, updated_at = ?2 WHERE id = ?1")?
                .execute([id, now.0])?;
            one(connection, id)
        })
        .await
    }

    /// Changes a job's state, if it is in one of those; whether it was.
    pub async fn set_job(
        &self,
        id: i64,
        from: &'static [JobState],
        to: JobState,
        sentence: String,
    ) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let job = one(connection, id)?;
            if !from.contains(&job.state) {
                return Ok(false);
            }
            connection
                .prepare_cached("UPDATE jobs SET state = ?2, sentence = ?3, updated_at = ?4 WHERE id = ?1")?
                .execute(params![id, to.as_str(), sentence, now.0])?;
            Ok(true)
        })
        .await
    }

    /// Says what a job waits for; its time of progress stays.
    pub async fn say_of_job(&self, id: i64, sentence: String) -> Result<()> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE jobs SET sentence = ?2 WHERE id = ?1 AND sentence <> ?2")?
                .execute(params![id, sentence])?;
            Ok(())
        })
        .await
    }

    /// Ids of all living copies of one kind, with the vendor's time of their last change.
    pub async fn living(
        &self,
        account: &Account,
        object: ObjectKind,
    ) -> Result<Vec<(String, Option<Timestamp>)>> {
        let (account, start) = (account.to_string(), format!("{account}/{object}/").len());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT substr(record, ?3), vendor_updated_at FROM mirror \
                 WHERE connection = ?1 AND object = ?2 AND deleted = 0 ORDER BY record",
            )?;
            let mut found = statement.query(params![account, object.as_str(), start as i64 + 1])?;
            let mut living = Vec::new();
            while let Some(row) = found.next()? {
                living.push((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Timestamp)));
            }
            Ok(living)
        })
        .await
    }

    /// How far the executions of a recipe are that were made after a number.
    pub async fn tally(&self, recipe: &str, after: i64) -> Result<Tally> {
        let recipe = recipe.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT status, outcome, count(*) FROM executions INDEXED BY executions_by_recipe \
                 WHERE recipe = ?1 AND id > ?2 GROUP BY status, outcome",
            )?;
            let mut found = statement.query(params![recipe, after])?;
            let mut tally = Tally::default();
            while let Some(row) = found.next()? {
                let status: Status = rows::word(row, "status")?;
                let outcome: Option<Outcome> = rows::optional_word(row, "outcome")?;
                let count = row.get::<_, i64>(2)? as u64;
                match status {
                    Status::Succeeded if outcome == Some(Outcome::Unchanged) => tally.skipped += count,
                    Status::Succeeded => tally.written += count,
                    Status::Skipped => tally.skipped += count,
                    Status::Failed => tally.failed += count,
                    Status::Discarded => tally.discarded += count,
                    _ => tally.waiting += count,
                }
            }
            Ok(tally)
        })
        .await
    }

    /// Executions of a recipe that are due now, in their order.
    pub async fn due_of(&self, recipe: &str, limit: usize) -> Result<Vec<ExecutionId>> {
        let (recipe, now) = (recipe.to_owned(), self.now());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM executions INDEXED BY executions_due \
                 WHERE status IN ('pending', 'retrying', 'in_doubt') AND due_at <= ?2 AND recipe = ?1 \
                 ORDER BY id LIMIT ?3",
            )?;
            let found = statement.query_map(params![recipe, now.0, limit as i64], |row| row.get(0))?;
            Ok(found.collect::<std::result::Result<Vec<i64>, _>>()?.into_iter().map(ExecutionId).collect())
        })
        .await
    }

    /// How many executions of the lowest priority are not finished, counted up to a number.
    pub async fn background_waiting(&self, most: u64) -> Result<u64> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM executions INDEXED BY executions_due \
                     WHERE status IN ('pending', 'retrying', 'in_doubt') AND priority = ?1 LIMIT ?2)",
                )?
                .query_row([Priority::Background.rank(), most as i64], |row| row.get::<_, i64>(0))?
                .unsigned_abs())
        })
        .await
    }

    /// Gives up on executions of a recipe that have not begun, made after a number; how many.
    pub async fn discard_waiting(&self, recipe: &str, after: i64, sentence: &str) -> Result<usize> {
        let (recipe, sentence, now) = (recipe.to_owned(), sentence.to_owned(), self.now());
        self.write(move |connection| {
            Ok(connection
                .prepare_cached(
                    "UPDATE executions SET status = 'discarded', sentence = ?3, due_at = NULL, updated_at = ?4 \
                     WHERE recipe = ?1 AND id > ?2 AND status = 'pending' AND plan IS NULL",
                )?
                .execute(params![recipe, after, sentence, now.0])?)
        })
        .await
    }
}

/// Like any event's; but one whose executions were all given up on is run again when it is found again.
fn store(
    connection: &Connection,
    now: Timestamp,
    event: &NewEvent,
    disposition: &Disposition,
) -> Result<Appended> {
    let appended = match intake::again(connection, now, event)? {
        Some(known) => known,
        None => intake::store(connection, now, event.clone(), disposition.clone())?,
    };
    if let (Appended::Duplicate(EventId(id)), Disposition::Run(executions)) = (appended, disposition) {
        let given_up = !connection
            .prepare_cached("SELECT 1 FROM executions WHERE event_id = ?1 AND status <> 'discarded'")?
            .exists([id])?;
        if given_up && let Some(made) = intake::insert_all(connection, now, EventId(id), executions)? {
            return Ok(Appended::Queued(EventId(id), made));
        }
    }
    Ok(appended)
}

fn newest(connection: &Connection, kind: JobKind, scope: &str, open: bool) -> Result<Option<Job>> {
    connection
        .prepare_cached(
            "SELECT * FROM jobs WHERE kind = ?1 AND scope = ?2 AND (NOT ?3 OR state IN ('running', 'paused')) \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![kind.as_str(), scope, open], |row| Ok(job(row)))
        .optional()?
        .transpose()
}

fn one(connection: &Connection, id: i64) -> Result<Job> {
    connection
        .prepare_cached("SELECT * FROM jobs WHERE id = ?1")?
        .query_row([id], |row| Ok(job(row)))
        .optional()?
        .unwrap_or_else(|| Err(JournalError::Missing(format!("job {id}"))))
}

/// The newest jobs of every kind, newest first.
pub(super) fn newest_jobs(connection: &Connection, most: i64) -> Result<Vec<Job>> {
    let mut statement = connection.prepare_cached("SELECT * FROM jobs ORDER BY id DESC LIMIT ?1")?;
    let mut found = statement.query([most])?;
    let mut jobs = Vec::new();
    while let Some(row) = found.next()? {
        jobs.push(job(row)?);
    }
    Ok(jobs)
}

fn job(row: &Row<'_>) -> Result<Job> {
    let number = |column: &str| -> Result<u64> { Ok(row.get::<_, i64>(column)?.unsigned_abs()) };
    Ok(Job {
        id: row.get("id")?,
        kind: rows::word(row, "kind")?,
        scope: row.get("scope")?,
        request: row.get("request")?,
        state: rows::word(row, "state")?,
        sentence: row.get("sentence")?,
        cursor: row.get("cursor")?,
        total: row.get::<_, Option<i64>>("total")?.map(i64::unsigned_abs),
        pages: number("pages")?,
        records: number("records")?,
        events: number("events")?,
        skipped: number("skipped")?,
        calls: number("calls")?,
        after_execution: row.get("after_execution")?,
        started_at: Timestamp(row.get("started_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}
