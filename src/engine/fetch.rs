//! All records of a kind, read because a human asked: compared with our copies, and only what differs or is unknown
//! becomes an event. Nothing is written to a vendor here.
//!
//! A fetch is a job of the journal: what was read before a kill is not read again.

use serde_json::json;

use super::Engine;
use super::poll::{PollError, found};
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::EventSource;
use crate::domain::ids::ExecutionId;
use crate::domain::job::{Advance, Job, JobKind, JobState};
use crate::domain::limit::{Family, Urgency};
use crate::domain::record::{Connection, Mirror, ObjectKind, System};
use crate::journal::intake::Appended;
use crate::journal::sources::{NewJob, PageResult};
use crate::vendors;
use crate::vendors::reading::{self, Stock};

/// What a human asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Where.
    pub connection: Connection,
    /// What, as the human says it: `leads`.
    pub name: &'static str,
    /// What, as the vendor knows it.
    pub stock: Stock,
}

impl Wish {
    fn scope(&self) -> String {
        format!("{} {}", self.connection, self.name)
    }

    fn request(&self) -> String {
        json!({"since": self.stock.since.map(Timestamp::rfc3339)}).to_string()
    }
}

/// What a reading will cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many records, where the vendor says so.
    pub records: Option<u64>,
    /// Calls to read them.
    pub calls: Option<u64>,
    /// Calls used of the vendor's day and allowed in it, where there is such a limit.
    pub day: Option<(u32, u32)>,
}

/// How a fetch ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The job; its number is 0 where nothing was stored.
    pub job: Job,
    /// Records nobody had told us of.
    pub unknown: u64,
    /// Records that are not as we knew them.
    pub differing: u64,
    /// What is to be carried out because of them.
    pub executions: Vec<ExecutionId>,
    /// It went on where an earlier one had stopped.
    pub resumed: bool,
}

impl Engine {
    /// What a fetch will cost, with one call.
    pub async fn fetch_cost(&self, wish: &Wish) -> Result<Cost, PollError> {
        self.wait_for_a_call(&wish.connection, Family::usual(wish.connection.system)).await;
        let mut log = vendors::Log::new();
        let counted = reading::count(&self.clients, &wish.connection, &wish.stock, &mut log).await;
        self.limits.learn_all(&log);
        let records = counted.map_err(|error| self.failed(&wish.connection, error, &log))?;
        let (rows, calls_each) = page_cost(wish);
        let calls = records.map(|records| records.div_ceil(rows).max(1) * calls_each);
        Ok(Cost { records, calls, day: self.day_of(&wish.connection).await? })
    }

    /// Calls used of a vendor's day, by all apps as far as known, and allowed in it.
    pub(super) async fn day_of(&self, connection: &Connection) -> Result<Option<(u32, u32)>, PollError> {
        let states = self.journal.call_limits().await?;
        let usual = Family::usual(connection.system);
        let state = states.into_iter().find(|state| state.connection == *connection && state.family == usual);
        Ok(state.filter(|state| state.daily_limit > 0).map(|state| (state.daily_used, state.daily_limit)))
    }

    /// Reads all of them; `told` hears of every page. With `dry_run` nothing is stored.
    pub async fn fetch(
        &self,
        wish: &Wish,
        dry_run: bool,
        total: Option<u64>,
        mut told: impl FnMut(&Job),
    ) -> Result<Fetched, PollError> {
        let (mut job, resumed) = self.fetch_job(wish, dry_run, total).await?;
        let mut fetched =
            Fetched { job: job.clone(), unknown: 0, differing: 0, executions: Vec::new(), resumed };
        let mut fresh = !resumed;
        while job.state == JobState::Running {
            let mut log = vendors::Log::new();
            self.wait_for_reading(wish).await;
            let page =
                reading::page(&self.clients, &wish.connection, &wish.stock, job.cursor.as_deref(), &mut log)
                    .await;
            self.limits.learn_all(&log);
            let (mirrors, next) = match page {
                Ok(page) => page,
                // The vendor does not know any more where we were: what was read is known, so reading it again costs
                // calls and nothing else.
                Err(error) if !fresh && job.cursor.is_some() && forgets(error.class) => {
                    fresh = true;
                    job = self.journal.rewind_job(job.id).await?;
                    continue;
                }
                Err(error) => return Err(self.failed(&wish.connection, error, &log)),
            };
            fresh = true;
            let advance = Advance {
                cursor: next,
                records: mirrors.len() as u64,
                calls: log.len() as u64,
                ..Advance::default()
            };
            let page = self.compared(wish, mirrors, advance, &mut fetched).await?;
            job = self.turn_page(&job, page, dry_run, &mut fetched).await?;
            told(&job);
        }
        if fetched.differing + fetched.unknown > 0 && !dry_run {
            self.scan_wanted.notify_one();
        }
        fetched.job = job;
        Ok(fetched)
    }

    async fn wait_for_reading(&self, wish: &Wish) {
        let searches = wish.connection.system == System::Hubspot && wish.stock.since.is_some();
        let family = if searches { Family::Search } else { Family::usual(wish.connection.system) };
        while let Err(parked) = self.limits.admit(&wish.connection, family, Urgency::Operator).await {
            self.clock.until(parked.until).await;
        }
    }

    async fn fetch_job(
        &self,
        wish: &Wish,
        dry_run: bool,
        total: Option<u64>,
    ) -> Result<(Job, bool), PollError> {
        let (kind, scope, request) = (JobKind::Fetch, wish.scope(), wish.request());
        let sentence = format!("Reads {scope}.");
        if dry_run {
            return Ok((in_memory(kind, scope, request, total, self.clock.now()), false));
        }
        if let Some(open) = self.journal.newest_job(kind, &scope, true).await? {
            if open.request == request {
                return Ok((open, true));
            }
            let sentence = "Given up for a fetch of another time.".to_owned();
            let open_states = &[JobState::Running, JobState::Paused];
            self.journal.set_job(open.id, open_states, JobState::Cancelled, sentence).await?;
        }
        Ok((self.journal.begin_job(NewJob { kind, scope, request, sentence, total }).await?, false))
    }

    /// What of a page is news.
    async fn compared(
        &self,
        wish: &Wish,
        mirrors: Vec<Mirror>,
        mut advance: Advance,
        fetched: &mut Fetched,
    ) -> Result<PageResult, PollError> {
        let mut page = PageResult::default();
        let intake = self.intake();
        for mirror in mirrors {
            let too_old =
                wish.stock.since.is_some_and(|since| mirror.vendor_updated_at.is_some_and(|at| at < since));
            if too_old || self.journal.is_erased(&mirror.record).await? {
                advance.skipped += 1;
                continue;
            }
            let company = mirror.record.object == ObjectKind::Company;
            let news =
                if company { self.copy_differs(&mirror).await? } else { self.is_news(&mirror).await? };
            if !news {
                continue;
            }
            match self.journal.mirror(&mirror.record).await? {
                None => fetched.unknown += 1,
                Some(_) => fetched.differing += 1,
            }
            if company {
                page.mirrors.push(mirror);
            } else {
                let event = found(&mirror, EventSource::Operator);
                let disposition = intake.disposition(&event).await?;
                page.events.push((event, disposition));
            }
        }
        page.advance = advance;
        Ok(page)
    }

    async fn turn_page(
        &self,
        job: &Job,
        mut page: PageResult,
        dry_run: bool,
        fetched: &mut Fetched,
    ) -> Result<Job, PollError> {
        let ended = page.advance.cursor.is_none();
        let records = job.records + page.advance.records;
        if ended {
            let sentence = format!("Read {records} records of {}.", job.scope);
            page.end = Some((JobState::Finished, sentence));
        }
        if dry_run {
            return Ok(turned_in_memory(job, &page, self.clock.now()));
        }
        let (job, appended) = self.journal.advance_job(job, page).await?;
        fetched.executions.extend(appended.into_iter().filter_map(|one| match one {
            Appended::Queued(_, execution) => Some(execution),
            _ => None,
        }));
        Ok(job)
    }
}

/// Rows of one page, and calls it takes.
fn page_cost(wish: &Wish) -> (u64, u64) {
    match (wish.connection.system, wish.stock.object) {
        (System::Intercom, ObjectKind::Company) => (60, 1),
        (System::Intercom, _) => (150, 1),
        // Relations come by a second call for each page of people.
        (_, ObjectKind::Company) => (100, 1),
        _ if wish.stock.since.is_some() => (200, 2),
        _ => (100, 2),
    }
}

/// Refusals that a cursor from another day may get.
pub(super) const fn forgets(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Validation | ErrorClass::NotFound | ErrorClass::Malformed | ErrorClass::Unknown
    )
}

/// A job that nothing is stored of.
fn in_memory(kind: JobKind, scope: String, request: String, total: Option<u64>, now: Timestamp) -> Job {
    Job {
        id: 0,
        kind,
        scope,
        request,
        state: JobState::Running,
        sentence: String::new(),
        cursor: None,
        total,
        pages: 0,
        records: 0,
        events: 0,
        skipped: 0,
        calls: 0,
        after_execution: 0,
        started_at: now,
        updated_at: now,
    }
}

fn turned_in_memory(job: &Job, page: &PageResult, now: Timestamp) -> Job {
    let mut job = job.clone();
    job.pages += 1;
    job.records += page.advance.records;
    job.skipped += page.advance.skipped;
    job.calls += page.advance.calls;
    job.events += page.events.len() as u64;
    job.cursor.clone_from(&page.advance.cursor);
    job.updated_at = now;
    if let Some((state, sentence)) = &page.end {
        (job.state, job.sentence) = (*state, sentence.clone());
    }
    job
}
