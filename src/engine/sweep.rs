//! People who are gone without a word: bulk archives and permanent deletions send no webhook, so what the vendor lists
//! is compared with what we know, and each one missing is read before anything is believed.
//!
//! Deletes nobody: it makes events, which run like the vendor's own. A listing that broke off makes none, and one that
//! misses too many people stops and asks a human, since a wrong token or workspace looks the same as mass deletion.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use super::Engine;
use super::poll::{PollError, key_of};
use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::ids::ExecutionId;
use crate::domain::job::{Advance, Job, JobKind, JobState};
use crate::domain::limit::Family;
use crate::domain::record::{Connection, ObjectKind, RecordRef};
use crate::journal::intake::Appended;
use crate::journal::sources::{NewJob, PageResult};
use crate::journal::{Journal, JournalError};
use crate::vendors;
use crate::vendors::reading::{self, Fate, Stock};

/// Why there are sweeps at all, for whoever asks when the last one was.
pub const WHY: &str = "user.deleted fires only for a single archive, not for bulk archives and not for permanent \
                       deletions: those are found by the deletion sweep alone.";

/// So many missing people are no alarm, however few are known.
const FEW: u64 = 3;
/// A sweep that has not turned a page for so long is not running any more.
const SILENT: i64 = 10 * 60_000;
/// After a sweep that broke off the next one is tried sooner than the settings say.
const AGAIN: Duration = Duration::from_secs(3600);

/// What a sweep found.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// Where.
    pub connection: Connection,
    /// People we knew as living.
    pub known: u64,
    /// People the vendor lists.
    pub listed: u64,
    /// Known and not listed.
    pub missing: u64,
    /// Of those: archived.
    pub archived: u64,
    /// Deleted for good.
    pub gone: u64,
    /// Merged into somebody else.
    pub merged: u64,
    /// Living after all.
    pub living: u64,
    /// Too many are missing: nothing was done, and why.
    pub refused: Option<String>,
    /// In a sentence.
    pub sentence: String,
    /// What is to be carried out because of it.
    pub executions: Vec<ExecutionId>,
}

/// How a sweep is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct How {
    /// Look, store nothing.
    pub dry_run: bool,
    /// A human has seen how many are missing and says it is right.
    pub even_many: bool,
}

impl Engine {
    /// One sweep of a connection's people; `told` hears of every page: records so far, calls so far.
    pub async fn sweep(
        &self,
        connection: &Connection,
        how: How,
        told: impl FnMut(u64, u64),
    ) -> Result<Swept, PollError> {
        let job = if how.dry_run { None } else { Some(self.sweep_job(connection).await?) };
        let result = self.swept(connection, how, job.clone(), told).await;
        if let (Err(error), Some(job)) = (&result, &job) {
            let sentence = format!("Broke off, so nothing was deleted: {error}. The next sweep begins anew.");
            self.journal.set_job(job.id, &[JobState::Running], JobState::Cancelled, sentence).await?;
        }
        result
    }

    async fn sweep_job(&self, connection: &Connection) -> Result<Job, PollError> {
        let (kind, scope) = (JobKind::Sweep, connection.to_string());
        if let Some(open) = self.journal.newest_job(kind, &scope, true).await? {
            if self.clock.now().since(open.updated_at).abs() < SILENT {
                return Err(JournalError::Refused(format!("a sweep of {scope} is running already")).into());
            }
            let sentence = "Broke off when its process ended; nothing was deleted.".to_owned();
            self.journal.set_job(open.id, &[JobState::Running], JobState::Cancelled, sentence).await?;
        }
        let sentence = format!("Lists the people of {scope}.");
        let new = NewJob { kind, scope, request: "{}".into(), sentence, total: None };
        Ok(self.journal.begin_job(new).await?)
    }

    async fn swept(
        &self,
        connection: &Connection,
        how: How,
        mut job: Option<Job>,
        mut told: impl FnMut(u64, u64),
    ) -> Result<Swept, PollError> {
        // Known before the listing begins: who appears meanwhile is not missed.
        let known = self.journal.living(connection, ObjectKind::Contact).await?;
        let stock = Stock { object: ObjectKind::Contact, role: None, since: None };
        let mut listed: HashSet<String> = HashSet::new();
        let mut calls = 0;
        let mut cursor: Option<String> = None;
        loop {
            self.wait_for_a_call(connection, Family::usual(connection.system)).await;
            let mut log = vendors::Log::new();
            let page = reading::page(&self.clients, connection, &stock, cursor.as_deref(), &mut log).await;
            self.limits.learn_all(&log);
            let (mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
            calls += log.len() as u64;
            let records = mirrors.len() as u64;
            listed.extend(mirrors.into_iter().filter(|one| !one.deleted).map(|one| one.record.id));
            told(listed.len() as u64, calls);
            if let Some(now) = &job {
                let advance =
                    Advance { cursor: next.clone(), records, calls: log.len() as u64, ..Advance::default() };
                let page = PageResult { advance, ..PageResult::default() };
                job = Some(self.journal.advance_job(now, page).await?.0);
            }
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let missing: Vec<_> = known.iter().filter(|(id, _)| !listed.contains(id)).collect();
        let mut swept = Swept {
            connection: connection.clone(),
            known: known.len() as u64,
            listed: listed.len() as u64,
            missing: missing.len() as u64,
            archived: 0,
            gone: 0,
            merged: 0,
            living: 0,
            refused: None,
            sentence: String::new(),
            executions: Vec::new(),
        };
        if !how.even_many && self.is_suspicious(&swept) {
            let why = suspicion(&swept, self.settings.sweep_missing_percent);
            swept.sentence.clone_from(&why);
            if let Some(job) = &job {
                self.journal.set_job(job.id, &[JobState::Running], JobState::Stopped, why.clone()).await?;
            }
            swept.refused = Some(why);
            return Ok(swept);
        }
        let mut page = PageResult::default();
        for (id, changed) in missing {
            let record =
                RecordRef { connection: connection.clone(), object: ObjectKind::Contact, id: id.clone() };
            if self.journal.is_erased(&record).await? {
                continue;
            }
            self.wait_for_a_call(connection, Family::usual(connection.system)).await;
            let mut log = vendors::Log::new();
            let fate = reading::fate(&self.clients, &record, &mut log).await;
            self.limits.learn_all(&log);
            let fate = fate.map_err(|error| self.failed(connection, error, &log))?;
            page.advance.calls += log.len() as u64;
            calls += log.len() as u64;
            told(listed.len() as u64, calls);
            let (kind, word) = match fate {
                Fate::Living(_) => {
                    swept.living += 1;
                    continue;
                }
                Fate::Archived => {
                    swept.archived += 1;
                    (EventKind::ContactDeleted, "archived")
                }
                Fate::Gone => {
                    swept.gone += 1;
                    (EventKind::ContactDeleted, "deleted")
                }
                Fate::Merged(_) => {
                    swept.merged += 1;
                    (EventKind::ContactMerged, "merged")
                }
            };
            let event = missed(record, kind, word, *changed);
            let disposition = self.intake().disposition(&event).await?;
            page.events.push((event, disposition));
        }
        swept.sentence = told_of(&swept);
        if let Some(job) = &job {
            page.end = Some((JobState::Finished, swept.sentence.clone()));
            let (_, appended) = self.journal.advance_job(job, page).await?;
            swept.executions = appended
                .into_iter()
                .filter_map(|one| match one {
                    Appended::Queued(_, execution) => Some(execution),
                    _ => None,
                })
                .collect();
        }
        Ok(swept)
    }

    fn is_suspicious(&self, swept: &Swept) -> bool {
        let none_of_ours = swept.missing > 0 && swept.missing == swept.known;
        let many = swept.missing > FEW
            && swept.missing.saturating_mul(100) > swept.known * self.settings.sweep_missing_percent;
        none_of_ours || many
    }

    /// When the next sweep of a connection is due; none when sweeps are off, or before the first load.
    pub async fn next_sweep(&self, connection: &Connection) -> Result<Option<Timestamp>, JournalError> {
        if self.settings.sweep_hours == 0 {
            return Ok(None);
        }
        let Some(loaded) = self.loaded_at().await? else { return Ok(None) };
        let now = self.clock.now();
        let last = self.journal.newest_job(JobKind::Sweep, &connection.to_string(), false).await?;
        let period = Duration::from_secs(self.settings.sweep_hours.saturating_mul(3600));
        let (last, period) = match last {
            Some(job) if job.state == JobState::Cancelled => (job.updated_at, period.min(AGAIN)),
            Some(job) => (job.updated_at, period),
            None => (Timestamp::parse_rfc3339(&loaded).unwrap_or(now), period),
        };
        // A clock that was set back must not put it off.
        let due = if last > now { now } else { last.plus(period) };
        // A wrong window was refused when the settings were read.
        let window = self.settings.off_peak_window().ok().flatten();
        Ok(Some(window.map_or(due, |window| window.next(due.max(now)))))
    }

    /// Sweeps when it is time, until `stop` turns true; `report` hears what went wrong or needs a human.
    pub async fn sweep_regularly(&self, mut stop: watch::Receiver<bool>, report: impl Fn(&str)) {
        // Settings and clocks change: it is looked at the time again now and then.
        const GLANCE: Duration = Duration::from_secs(600);
        while !*stop.borrow() {
            let mut until = self.clock.now().plus(GLANCE);
            for connection in [self.intercom.clone(), self.crm.clone()] {
                let due = match self.next_sweep(&connection).await {
                    Ok(Some(due)) => due,
                    Ok(None) => continue,
                    Err(error) => {
                        report(&format!("Cannot tell when the next sweep is due: {error}."));
                        continue;
                    }
                };
                if due > self.clock.now() {
                    until = until.min(due);
                    continue;
                }
                let sweep = self.sweep(&connection, How::default(), |_, _| {});
                let result = tokio::select! {
                    result = sweep => result,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                match result {
                    Ok(swept) if swept.refused.is_some() => report(&swept.sentence),
                    Ok(swept) => tracing::info!(%connection, "{}", swept.sentence),
                    Err(error) => report(&format!(
                        "The deletion sweep broke off, so nothing was deleted: {error}. Tried again by itself."
                    )),
                }
            }
            tokio::select! {
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// What is known of the sweeps of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Where.
    pub connection: Connection,
    /// The last one that came to its end.
    pub finished: Option<Job>,
    /// A later one that is running, broke off, or stopped and waits for a human.
    pub later: Option<Job>,
}

/// When people were last looked for that are gone.
pub async fn standing(journal: &Journal, connection: &Connection) -> Result<Standing, JournalError> {
    let scope = connection.to_string();
    let finished = journal.newest_job_in(JobKind::Sweep, &scope, JobState::Finished).await?;
    let newest = journal.newest_job(JobKind::Sweep, &scope, false).await?;
    let later = newest.filter(|job| job.state != JobState::Finished);
    Ok(Standing { connection: connection.clone(), finished, later })
}

fn missed(record: RecordRef, kind: EventKind, word: &str, changed: Option<Timestamp>) -> NewEvent {
    // Our copy's time belongs to it: who comes back and goes again is another event.
    let changed = changed.map_or_else(String::new, |at| at.0.to_string());
    NewEvent {
        connection: record.connection.clone(),
        source: EventSource::Sweep,
        delivery_key: key_of("sweep", &[&record.to_string(), word, &changed]),
        topic: format!("sweep.{word}"),
        kind,
        body: json!({"id": record.id, "found": word}).to_string(),
        record: Some(record),
        occurred_at: None,
        sent: Sent::default(),
    }
}

fn suspicion(swept: &Swept, percent: u64) -> String {
    let title = swept.connection.system.title();
    format!(
        "{title} lists {} people, and {} of the {} we know are missing, more than {percent} %: a wrong token or \
         workspace looks the same, so nobody was marked as deleted. If it is right, run `reknit sweep --system {} --yes`.",
        swept.listed, swept.missing, swept.known, swept.connection.system
    )
}

fn told_of(swept: &Swept) -> String {
    let title = swept.connection.system.title();
    let mut parts = Vec::new();
    for (count, word) in [
        (swept.archived, "archived"),
        (swept.gone, "deleted for good"),
        (swept.merged, "merged into another"),
        (swept.living, "living after all"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if parts.is_empty() {
        return format!("All {} people we know are in {title}'s list.", swept.known);
    }
    format!(
        "{} of the {} people we know are not in {title}'s list: {}.",
        swept.missing,
        swept.known,
        parts.join(", ")
    )
}
