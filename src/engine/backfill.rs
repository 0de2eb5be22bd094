//! Conversations from before Reknit: read page by page, each one an execution that logs it on the CRM contact's
//! timeline when nothing else is to be done.
//!
//! Where the reading has come to is stored with the events of the page, so a kill neither loses nor repeats a
//! conversation; each is one event for ever, so a second backfill finds nothing new. Nothing is written here.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Engine;
use super::fetch::forgets;
use super::poll::{PollError, key_of};
use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::Priority;
use crate::domain::job::{Advance, Job, JobKind, JobState, Tally};
use crate::domain::limit::{Family, Urgency};
use crate::domain::record::{ObjectKind, RecordRef, System};
use crate::journal::intake::{Disposition, NewExecution};
use crate::journal::sources::{NewJob, PageResult};
use crate::journal::{Journal, JournalError};
use crate::recipes;
use crate::vendors;
use crate::vendors::intercom::conversations::{self, CONVERSATIONS, Conversation};

/// The scope of the one job.
pub const SCOPE: &str = "conversations";
/// How long to wait before looking again whether there is something to read.
const GLANCE: Duration = Duration::from_secs(5);
/// Executions that a command works on at once.
const AT_ONCE: usize = 8;

/// Which conversations: begun from the first moment on and before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// In milliseconds since 1970.
    pub since: i64,
    /// Likewise.
    pub until: i64,
}

/// What a backfill will cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Conversations in the span.
    pub conversations: u64,
    /// Calls to Intercom: pages, and one for what was said in each.
    pub intercom_calls: u64,
    /// Calls to HubSpot: the look and the write, for each.
    pub hubspot_calls: u64,
    /// How each is logged: `note` or `timeline event`.
    pub form: &'static str,
    /// Calls HubSpot allows in a day, and how many are used.
    pub hubspot_day: Option<(u32, u32)>,
}

impl Cost {
    /// Calls for this many conversations, were there no more.
    fn of(conversations: u64, notes: bool, hubspot_day: Option<(u32, u32)>) -> Self {
        Self {
            conversations,
            intercom_calls: conversations.div_ceil(u64::from(CONVERSATIONS)).max(1) + conversations,
            hubspot_calls: conversations * if notes { 2 } else { 1 },
            form: if notes { "note" } else { "timeline event" },
            hubspot_day,
        }
    }

    /// As a sentence.
    pub fn sentence(&self) -> String {
        let share = match self.hubspot_day {
            Some((used, limit)) => format!(
                ", {:.1} % of HubSpot's {limit} calls of a day ({used} are used today)",
                self.hubspot_calls as f64 * 100.0 / f64::from(limit.max(1))
            ),
            None => String::new(),
        };
        format!(
            "{} conversations, each logged as a {}: about {} calls to Intercom and {} to HubSpot{share}.",
            self.conversations, self.form, self.intercom_calls, self.hubspot_calls
        )
    }
}

/// What one step of a backfill came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// No backfill is running.
    Idle,
    /// A page was read.
    Read(Box<Job>),
    /// The last page was read.
    Ended(Box<Job>),
    /// Not now: why, as a sentence, and when to look again.
    Waits(String, Timestamp),
}

/// A backfill and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// The reading.
    pub job: Job,
    /// The writing.
    pub tally: Tally,
    /// Seconds until everything is read, at the pace so far.
    pub seconds_left: Option<u64>,
}

impl Engine {
    fn logs_notes(&self) -> bool {
        let hubspot = &self.clients.settings().hubspot;
        !hubspot.timeline_app || hubspot.timeline_template.trim().is_empty()
    }

    /// What a backfill will cost, with one call.
    pub async fn backfill_cost(&self, span: Span) -> Result<Cost, PollError> {
        if self.crm.system != System::Hubspot {
            let why = format!(
                "the past is brought into HubSpot only; into {} Reknit logs conversations from now on",
                self.crm.system.title()
            );
            return Err(JournalError::Refused(why).into());
        }
        self.wait_for_a_call(&self.intercom, Family::usual(System::Intercom)).await;
        let (_, _, total, _) = self.conversations(span, 1, None).await?;
        let day = self.day_of(&self.crm).await?;
        Ok(Cost::of(total.unwrap_or(0), self.logs_notes(), day))
    }

    async fn conversations(
        &self,
        span: Span,
        rows: u32,
        cursor: Option<&str>,
    ) -> Result<(Vec<Conversation>, Option<String>, Option<u64>, u64), PollError> {
        let mut log = vendors::Log::new();
        let span = (Timestamp(span.since), Timestamp(span.until));
        let page = conversations::begun(&self.clients, &self.intercom, span, rows, cursor, &mut log).await;
        self.limits.learn_all(&log);
        let (found, next, total) = page.map_err(|error| self.failed(&self.intercom, error, &log))?;
        Ok((found, next, total, log.len() as u64))
    }

    /// Notes that a backfill is wanted; whoever serves the journal does it. One that is open goes on instead.
    pub async fn begin_backfill(&self, span: Span, total: u64) -> Result<Job, PollError> {
        Ok(begin(&self.journal, span, total).await?)
    }

    /// Reads one page, if one is to be read and nothing speaks against it.
    pub async fn backfill_step(&self) -> Result<Step, PollError> {
        let Some(job) = self.journal.newest_job(JobKind::Backfill, SCOPE, true).await? else {
            return Ok(Step::Idle);
        };
        if job.state != JobState::Running {
            return Ok(Step::Idle);
        }
        if let Some((why, until)) = self.held_back().await? {
            self.journal.say_of_job(job.id, why.clone()).await?;
            return Ok(Step::Waits(why, until));
        }
        let usual = Family::usual(System::Intercom);
        if let Err(parked) = self.limits.admit(&self.intercom, usual, Urgency::Usual).await {
            let why = format!("Waits for {}; goes on by itself.", parked.why);
            return Ok(Step::Waits(why, parked.until));
        }
        let span: Span = serde_json::from_str(&job.request)
            .map_err(|error| JournalError::Damaged { what: "jobs.request", why: error.to_string() })?;
        let page = self.conversations(span, CONVERSATIONS, job.cursor.as_deref()).await;
        let (found, next, total, calls) = match page {
            Ok(page) => page,
            // Known conversations are not taken twice, so beginning anew costs calls and nothing else.
            Err(PollError::Vendor { error, .. }) if job.cursor.is_some() && forgets(error.class) => {
                tracing::warn!(words = %error.words, "Intercom forgot the place; read from the first page again");
                return Ok(Step::Read(Box::new(self.journal.rewind_job(job.id).await?)));
            }
            Err(error) => return Err(error),
        };
        let mut page = PageResult {
            advance: Advance { cursor: next, records: found.len() as u64, calls, total, skipped: 0 },
            ..PageResult::default()
        };
        for conversation in found {
            match self.to_be_logged(&conversation).await? {
                Some(event) => page.events.push(event),
                None => page.advance.skipped += 1,
            }
        }
        let ended = page.advance.cursor.is_none();
        let read = job.records + page.advance.records;
        let verb = if ended { "All" } else { "So far" };
        let sentence =
            format!("{verb} {read} conversations are read; they are logged when nothing else is to be done.");
        page.end = Some((if ended { JobState::Finished } else { JobState::Running }, sentence));
        match self.journal.advance_job(&job, page).await {
            Ok((job, _)) if ended => Ok(Step::Ended(Box::new(job))),
            Ok((job, _)) => Ok(Step::Read(Box::new(job))),
            // Somebody else turned the page or paused it meanwhile: nothing of ours was stored.
            Err(JournalError::Refused(_)) => {
                Ok(Step::Waits("Another process goes on with it.".into(), self.clock.now().plus(GLANCE)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Why no page is read now, and when to look again.
    async fn held_back(&self) -> Result<Option<(String, Timestamp)>, PollError> {
        let (most, now) = (self.settings.backfill_backlog, self.clock.now());
        if self.journal.background_waiting(most).await? >= most {
            let why =
                format!("Waits until fewer than {most} pieces of unurgent work are left; goes on by itself.");
            return Ok(Some((why, now.plus(GLANCE))));
        }
        // What this process heard of the day, others do not know yet.
        self.limits.tell().await;
        let percent = self.settings.backfill_daily_percent;
        for state in self.journal.call_limits().await? {
            let mark = u64::from(state.daily_limit) * u64::from(percent);
            if state.daily_limit > 0 && u64::from(state.daily_used) * 100 >= mark {
                let why = format!(
                    "Waits for {}'s daily calls to be renewed: {} of {} are used, and a backfill stops at {percent} %.",
                    state.connection.system.title(),
                    state.daily_used,
                    state.daily_limit
                );
                // Other apps' calls may leave the last 24 hours at any time; a day's end is known.
                let until = state.renewed_at.unwrap_or_else(|| now.plus(Duration::from_secs(900)));
                return Ok(Some((why, until.min(now.plus(Duration::from_secs(900))))));
            }
        }
        Ok(None)
    }

    /// The event of a conversation and what it causes; none when nothing may be known of it.
    async fn to_be_logged(
        &self,
        conversation: &Conversation,
    ) -> Result<Option<(NewEvent, Disposition)>, PollError> {
        let record = conversation.mirror.record.clone();
        let contact = |id: &String| RecordRef {
            connection: record.connection.clone(),
            object: ObjectKind::Contact,
            id: id.clone(),
        };
        let people: Vec<RecordRef> = conversation.contacts.iter().map(contact).collect();
        for known in people.iter().chain([&record]) {
            if self.journal.is_erased(known).await? {
                return Ok(None);
            }
        }
        let Some(first) = people.first() else { return Ok(None) };
        let name = self.journal.mirror(first).await?.map(|mirror| mirror.display_name());
        let now = self.clock.now();
        // A wrong window was refused when the settings were read.
        let window = self.settings.off_peak_window().ok().flatten();
        let begun = conversation.begun_at();
        let event = NewEvent {
            connection: record.connection.clone(),
            source: EventSource::Backfill,
            delivery_key: key_of(
                "backfill",
                &[&record.to_string(), &begun.map_or_else(String::new, |at| at.seconds().to_string())],
            ),
            topic: "backfill.conversation".into(),
            kind: EventKind::ConversationCreated,
            // What was said is read when it is logged: no copy of it is kept before.
            body: json!({"id": record.id, "contacts": conversation.contacts}).to_string(),
            record: Some(record.clone()),
            occurred_at: begun,
            sent: Sent::default(),
        };
        let run = Disposition::Run(vec![NewExecution {
            recipe: recipes::CONVERSATION_TO_TIMELINE.to_owned(),
            subject: name.unwrap_or_else(|| record.title()),
            // Not the person's lane: their own changes never wait for what is long past.
            person: None,
            lane: record.to_string(),
            record: Some(record),
            priority: Priority::Background,
            due_at: window.map_or(now, |window| window.next(now)),
            sentence: "Of the past; waits until nothing else is to be done.".into(),
            max_attempts: self.settings.max_attempts,
        }]);
        Ok(Some((event, run)))
    }

    /// Goes on with a backfill whenever there is one, until `stop` turns true.
    pub async fn backfill(&self, mut stop: watch::Receiver<bool>, report: impl Fn(&str)) {
        while !*stop.borrow() {
            let pause = match self.backfill_step().await {
                Ok(Step::Read(_)) => continue,
                Ok(Step::Idle | Step::Ended(_)) => self.clock.now().plus(GLANCE),
                Ok(Step::Waits(_, until)) => until,
                Err(error) => {
                    report(&format!("The backfill could not go on: {error}. Tried again by itself."));
                    self.clock.now().plus(Duration::from_secs(60))
                }
            };
            tokio::select! {
                () = self.clock.until(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Carries out what is due of a recipe and nothing else; how many executions ran.
    pub async fn work_off_recipe(&self, recipe: &str) -> Result<usize, JournalError> {
        let due = self.journal.due_of(recipe, AT_ONCE * 4).await?;
        let count = due.len();
        let mut due = due.into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(id) = due.next()
            {
                let engine = self.clone();
                running.spawn(async move { engine.run_one(id).await });
            }
            match running.join_next().await {
                Some(Ok(result)) => result?,
                Some(Err(_)) => {}
                None => return Ok(count),
            }
        }
    }
}

/// Makes the job, or hands out the open one of the same span.
pub async fn begin(journal: &Journal, span: Span, total: u64) -> Result<Job, JournalError> {
    let request = serde_json::to_string(&span)
        .map_err(|error| JournalError::Refused(format!("a span cannot be written: {error}")))?;
    if let Some(open) = journal.newest_job(JobKind::Backfill, SCOPE, true).await? {
        return if open.request == request {
            Ok(open)
        } else {
            Err(JournalError::Refused(format!(
                "another backfill is {}; see `reknit backfill status`, or end it with `reknit backfill cancel`",
                open.state
            )))
        };
    }
    let (kind, scope) = (JobKind::Backfill, SCOPE.to_owned());
    let sentence = "Reads the first page.".to_owned();
    journal.begin_job(NewJob { kind, scope, request, sentence, total: Some(total) }).await
}

/// The newest backfill and how far it is.
pub async fn progress(journal: &Journal) -> Result<Option<Progress>, JournalError> {
    let Some(job) = journal.newest_job(JobKind::Backfill, SCOPE, false).await? else { return Ok(None) };
    let tally = journal.tally(recipes::CONVERSATION_TO_TIMELINE, job.after_execution).await?;
    let seconds_left = if job.state == JobState::Running { job.seconds_left() } else { None };
    Ok(Some(Progress { job, tally, seconds_left }))
}

/// Stops reading for now; what is queued already is still logged.
pub async fn pause(journal: &Journal) -> Result<Job, JournalError> {
    let sentence = "Paused by a human; `reknit backfill resume` goes on.";
    change(journal, &[JobState::Running], JobState::Paused, sentence).await
}

/// Goes on.
pub async fn resume(journal: &Journal) -> Result<Job, JournalError> {
    change(journal, &[JobState::Paused], JobState::Running, "Goes on with the next page.").await
}

/// Ends it: nothing more is read, and what has not begun is not logged. A later backfill takes it up again.
pub async fn cancel(journal: &Journal) -> Result<(Job, usize), JournalError> {
    let done = |known: &Progress| known.job.state == JobState::Finished && known.tally.waiting == 0;
    if progress(journal).await?.as_ref().is_some_and(done) {
        return Err(JournalError::Refused("the backfill is finished, and nothing of it waits".into()));
    }
    let open = &[JobState::Running, JobState::Paused, JobState::Finished];
    let job = change(journal, open, JobState::Cancelled, "Cancelled by a human.").await?;
    let why = "Given up with its backfill; nothing was logged.";
    let discarded =
        journal.discard_waiting(recipes::CONVERSATION_TO_TIMELINE, job.after_execution, why).await?;
    Ok((job, discarded))
}

async fn change(
    journal: &Journal,
    from: &'static [JobState],
    to: JobState,
    sentence: &str,
) -> Result<Job, JournalError> {
    let Some(job) = journal.newest_job(JobKind::Backfill, SCOPE, false).await? else {
        return Err(JournalError::Refused("there is no backfill".into()));
    };
    if !journal.set_job(job.id, from, to, sentence.to_owned()).await? {
        return Err(JournalError::Refused(format!("the backfill is {}", job.state)));
    }
    journal.job(job.id).await
}
