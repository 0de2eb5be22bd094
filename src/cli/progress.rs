//! What the commands that read a vendor page by page share: the open engine, a line that shows how far it is, and
//! carrying out what was found.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::list::unread;
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use crate::config::Config;
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::text::clean;
use crate::engine::Engine;
use crate::engine::poll::PollError;
use crate::journal::{Journal, JournalError};
use crate::vault::Vault;

/// Executions carried out at once.
const AT_ONCE: usize = 8;

/// An engine over the journal of a place, for a command.
pub struct Desk<'a> {
    place: &'a Place,
    /// The settings.
    pub config: Config,
    /// The engine.
    pub engine: Engine,
}

impl<'a> Desk<'a> {
    /// Opens the journal, which must have been loaded once: compared with nothing, everybody would be news.
    pub async fn open(place: &'a Place, read_only: bool, what: &str) -> Result<Self, Problem> {
        Self::with(place, read_only, what, wiring::credentials).await
    }

    /// The same for what asks no vendor: tokens may be missing.
    pub async fn of_copies(place: &'a Place, read_only: bool, what: &str) -> Result<Self, Problem> {
        Self::with(place, read_only, what, |place, _| wiring::vault(place)).await
    }

    async fn with(
        place: &'a Place,
        read_only: bool,
        what: &str,
        credentials: impl FnOnce(&Place, &Config) -> Result<Arc<Vault>, Problem>,
    ) -> Result<Self, Problem> {
        if read_only {
            return Err(Problem::usage(
                "Nothing was read or changed.",
                format!("{what} counts its calls in the journal, and --read-only forbids to write there"),
                "leave --read-only away; --dry-run stores nothing but the calls it made",
            ));
        }
        let config = place.settings()?;
        let mapping = place.mapping(&config)?;
        let credentials = credentials(place, &config)?;
        let journal = place.open(&config, Opening::Work)?;
        let engine = wiring::engine(&config, journal, Arc::clone(&mapping), credentials)?;
        if !engine.has_loaded().await.map_err(|error| unread(&error))? {
            return Err(Problem::usage(
                "Nothing was read or changed.",
                "both systems have not been copied yet, so there is nothing to compare with",
                "run `reknit serve` or the console until the first load is done, then try again",
            ));
        }
        Ok(Self { place, config, engine })
    }

    /// Takes the lock of whoever serves the journal; none when another process has it.
    pub fn lock(&self) -> Result<Option<WorkerLock>, Problem> {
        WorkerLock::take(&self.place.journal(&self.config))
    }

    /// Notes in the audit log what a human asked for.
    pub async fn audit(&self, verb: &str, object: &str, note: String) -> Result<(), Problem> {
        audit(self.engine.journal(), verb, object, note).await
    }

    /// Carries executions out, unless another process serves the journal: then that one does. How they ended.
    pub async fn carry_out(&self, ids: &[ExecutionId], line: &mut Line) -> Result<Carried, Problem> {
        let mut carried = Carried { elsewhere: 0, done: 0, unfinished: Vec::new() };
        if ids.is_empty() {
            return Ok(carried);
        }
        let Some(_lock) = self.lock()? else {
            carried.elsewhere = ids.len();
            return Ok(carried);
        };
        let mut waiting = ids.iter().copied();
        let mut running = JoinSet::new();
        let mut ended = 0;
        loop {
            while running.len() < AT_ONCE
                && let Some(id) = waiting.next()
            {
                let engine = self.engine.clone();
                running.spawn(async move { Box::pin(engine.run_one(id)).await });
            }
            match running.join_next().await {
                Some(Ok(result)) => result.map_err(|error| unread(&error))?,
                Some(Err(_)) => {}
                None => break,
            }
            ended += 1;
            line.show(&format!("carried out {ended} of {}", ids.len()));
        }
        for id in ids {
            let detail = self.engine.journal().execution(*id).await.map_err(|error| unread(&error))?;
            match detail.map(|detail| detail.execution.status) {
                Some(Status::Succeeded | Status::Skipped) => carried.done += 1,
                _ => carried.unfinished.push(*id),
            }
        }
        Ok(carried)
    }
}

/// Notes in the audit log what a human asked for.
pub async fn audit(journal: &Journal, verb: &str, object: &str, note: String) -> Result<(), Problem> {
    let entry = NewEntry { actor: wiring::actor(), verb: verb.into(), object: object.into(), note };
    journal.audit(vec![entry]).await.map_err(|error| unread(&error))
}

/// How what was found has been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Left to the process that serves the journal.
    pub elsewhere: usize,
    /// Done or skipped with a reason.
    pub done: usize,
    /// Failed, or to be tried again.
    pub unfinished: Vec<ExecutionId>,
}

impl Carried {
    /// As the end of a report.
    pub fn sentence(&self) -> Option<String> {
        match (self.elsewhere, self.done, self.unfinished.len()) {
            (0, 0, 0) => None,
            (0, done, 0) => Some(format!("{done} carried out.")),
            (0, done, left) => Some(format!(
                "{done} carried out; {left} did not succeed, the first is {}: `reknit show` explains it.",
                self.unfinished[0]
            )),
            (count, ..) => Some(format!("{count} are carried out by the Reknit that serves this journal.")),
        }
    }

    /// For `--json`.
    pub fn json(&self) -> Value {
        json!({"done": self.done, "unfinished": self.unfinished, "left_to_the_service": self.elsewhere})
    }
}

/// One line on standard error that is written over, if a human is looking.
pub struct Line {
    shown: bool,
    wanted: bool,
}

impl Line {
    /// Shows nothing where standard error is no terminal.
    pub fn new() -> Self {
        Self { shown: false, wanted: std::io::stderr().is_terminal() }
    }

    /// Replaces the line.
    pub fn show(&mut self, text: &str) {
        if self.wanted {
            self.shown = true;
            let _ = write!(std::io::stderr(), "\r\x1b[2K{}", clean(text));
            let _ = std::io::stderr().flush();
        }
    }

    /// Takes it away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

/// "about 3 min", for how long something still takes.
pub fn about(seconds: Option<u64>) -> String {
    match seconds {
        None => "how long it takes is not known yet".into(),
        Some(seconds @ 0..=90) => format!("about {seconds} s left"),
        Some(seconds @ 91..=5_400) => format!("about {} min left", seconds.div_ceil(60)),
        Some(seconds) => format!("about {} h left", seconds.div_ceil(3600)),
    }
}

/// A moment as a human writes it: `2026-01-31`, which begins at midnight UTC, or `2026-01-31T09:00:00Z`.
pub fn moment(flag: &str, text: &str) -> Result<Timestamp, Problem> {
    let day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    };
    let exact = || if text.contains('T') { Timestamp::parse_rfc3339(text) } else { None };
    exact().or_else(day).ok_or_else(|| {
        Problem::usage(
            "Nothing was read or changed.",
            format!("{flag} \"{}\" is no date", clean(text)),
            "write a day, 2026-01-31, or a moment, 2026-01-31T09:00:00Z",
        )
    })
}

/// A reading that could not be ended; what was read before is stored, if anything is.
pub fn broke_off(error: &PollError, what: &str, next: &str) -> Problem {
    match error {
        PollError::Journal(JournalError::Refused(why)) => {
            Problem::usage(format!("{what}; nothing was changed."), why.clone(), next.to_owned())
        }
        PollError::Journal(error) => unread(error),
        PollError::Vendor { .. } => Problem::runtime(format!("{what}."), error.to_string(), next.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_or_a_moment() {
        let day = moment("--since", "2026-01-31").expect("a day");
        assert_eq!(day.rfc3339(), "2026-01-31T00:00:00.000Z");
        let at = moment("--since", "2026-01-31T09:30:00+01:00").expect("a moment");
        assert_eq!(at.rfc3339(), "2026-01-31T08:30:00.000Z");
        for bad in ["yesterday", "2026-02-30", "31.1.2026", ""] {
            let problem = moment("--since", bad).expect_err(bad);
            assert!(problem.why.contains("--since"), "{}", problem.why);
        }
    }

    #[test]
    fn the_time_left_is_said_in_the_unit_that_fits() {
        assert_eq!(about(Some(42)), "about 42 s left");
        assert_eq!(about(Some(121)), "about 3 min left");
        assert_eq!(about(Some(9_000)), "about 3 h left");
    }
}
