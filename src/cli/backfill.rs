//! `reknit backfill`: conversations from before Reknit onto the CRM's timeline; begun, watched, paused, ended.

use clap::{Args, Subcommand};
use serde_json::json;

use super::background::asked_to_stop;
use super::list::unread;
use super::output;
use super::problem::Problem;
use super::progress::{Desk, Line, about, audit, broke_off, moment};
use super::wiring::{self, Opening, Place};
use crate::domain::job::{Job, JobState};
use crate::engine::backfill::{self, Cost, Progress, Span, Step};
use crate::journal::{Journal, JournalError};
use crate::recipes::CONVERSATION_TO_TIMELINE;

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
enum What {
    /// Log Intercom's conversations of the past on the HubSpot contacts' timelines
    Conversations(Conversations),
    /// How far it is
    Status(Flags),
    /// Read no further for now; what is queued is still logged
    Pause(Flags),
    /// Go on
    Resume(Flags),
    /// End it: what has not begun is not logged
    Cancel(Flags),
}

#[derive(Debug, Args)]
struct Conversations {
    /// Only those begun then or later, as 2026-01-31
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only those begun before [default: now]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Say what it would cost, read and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Flags {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.what {
        What::Conversations(conversations) => begin(place, read_only, conversations).await,
        What::Status(flags) => {
            let config = place.settings()?;
            let journal = place.open(&config, Opening::Look)?;
            show(&journal, flags.json).await
        }
        What::Pause(flags) => change(place, read_only, flags, "pause").await,
        What::Resume(flags) => change(place, read_only, flags, "resume").await,
        What::Cancel(flags) => change(place, read_only, flags, "cancel").await,
    }
}

async fn begin(place: &Place, read_only: bool, wanted: &Conversations) -> Result<(), Problem> {
    let given = |flag, text: &Option<String>| text.as_deref().map(|text| moment(flag, text)).transpose();
    let (since, until) = (given("--since", &wanted.since)?, given("--until", &wanted.until)?);
    let desk = Desk::open(place, read_only, "a backfill").await?;
    let journal = desk.engine.journal().clone();
    let failed = |error| {
        broke_off(
            &error,
            "The backfill cannot go on",
            "`reknit backfill status` tells how far it is; the same command goes on with it",
        )
    };
    // An open one goes on with the span it began with, also when "until now" would be another moment by now.
    let open = backfill::progress(&journal).await.map_err(|error| unread(&error))?;
    let open = open.map(|known| known.job).filter(|job| job.state.is_open());
    let now = wiring::clock().now();
    let known: Option<Span> = open.as_ref().and_then(|job| serde_json::from_str(&job.request).ok());
    let span = match known {
        Some(span)
            if since.is_none_or(|at| at.0 == span.since) && until.is_none_or(|at| at.0 == span.until) =>
        {
            span
        }
        _ => Span { since: since.map_or(0, |at| at.0), until: until.unwrap_or(now).0 },
    };
    let cost = desk.engine.backfill_cost(span).await.map_err(failed)?;
    if wanted.dry_run {
        return estimate(&cost, wanted.json);
    }
    if !wanted.json {
        output::aside(&cost.sentence());
    }
    let job = desk.engine.begin_backfill(span, cost.conversations).await.map_err(failed)?;
    if open.is_none() {
        desk.audit("backfill", backfill::SCOPE, cost.sentence()).await?;
    }
    let Some(_lock) = desk.lock()? else {
        if !wanted.json {
            output::line(
                "The Reknit that serves this journal does it; `reknit backfill status` tells how far it is.",
            )?;
        }
        return show(&journal, wanted.json).await;
    };
    wiring::take_over(&journal).await?;
    let mut line = Line::new();
    tokio::select! {
        result = work(&desk, &job, &mut line) => result?,
        () = asked_to_stop() => {
            line.clear();
            output::aside("Stopped; the same command goes on with it, and so does `reknit serve`.");
        }
    }
    line.clear();
    show(&journal, wanted.json).await
}

/// Reads and logs until nothing is left that can be done now.
async fn work(desk: &Desk<'_>, job: &Job, line: &mut Line) -> Result<(), Problem> {
    let (engine, journal, clock) = (&desk.engine, desk.engine.journal(), wiring::clock());
    loop {
        let step = engine.backfill_step().await.map_err(|error| {
            broke_off(&error, "The backfill cannot go on", "the same command goes on with it")
        })?;
        if let Some(known) = backfill::progress(journal).await.map_err(|error| unread(&error))? {
            line.show(&pace(&known));
        }
        let ran = engine.work_off_recipe(CONVERSATION_TO_TIMELINE).await.map_err(|error| unread(&error))?;
        if ran > 0 {
            continue;
        }
        match step {
            Step::Read(_) | Step::Ended(_) => {}
            // Nothing is due and nothing is to be read: what is left waits for a time of its own.
            Step::Idle => return Ok(()),
            Step::Waits(why, until) => {
                let known = journal.job(job.id).await.map_err(|error| unread(&error))?;
                if known.state != JobState::Running {
                    return Ok(());
                }
                line.show(&why);
                clock.until(until.min(clock.now().plus(std::time::Duration::from_secs(5)))).await;
            }
        }
    }
}

fn estimate(cost: &Cost, json: bool) -> Result<(), Problem> {
    if json {
        return output::json(cost);
    }
    output::line(&cost.sentence())?;
    output::line("Nothing was read or stored.")
}

async fn change(place: &Place, read_only: bool, flags: &Flags, verb: &str) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::usage(
            "Nothing was changed.",
            "--read-only forbids it",
            "leave --read-only away",
        ));
    }
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Work)?;
    let discarded = match verb {
        "pause" => backfill::pause(&journal).await.map(|_| 0),
        "resume" => backfill::resume(&journal).await.map(|_| 0),
        _ => backfill::cancel(&journal).await.map(|(_, discarded)| discarded),
    }
    .map_err(|error| match error {
        JournalError::Refused(why) => Problem::usage(
            "Nothing was changed.",
            why,
            "`reknit backfill status` tells how it stands; `reknit backfill conversations` begins one",
        ),
        error => unread(&error),
    })?;
    audit(&journal, verb, "backfill conversations", format!("{discarded} given up")).await?;
    show(&journal, flags.json).await
}

async fn show(journal: &Journal, json: bool) -> Result<(), Problem> {
    let known = backfill::progress(journal).await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&json!(known));
    }
    let Some(known) = known else {
        return output::line(
            "There was no backfill yet; `reknit backfill conversations --dry-run` says what one costs.",
        );
    };
    output::line(&format!("Backfill {}: {}", known.job.state, known.job.sentence))?;
    output::line(&pace(&known))
}

fn pace(known: &Progress) -> String {
    let (job, tally) = (&known.job, &known.tally);
    let of = job.total.map_or_else(String::new, |total| format!(" of {total}"));
    let mut text = format!(
        "{}{of} conversations read in {} pages, {} left out; {} logged, {} skipped, {} waiting, {} failed",
        job.records, job.pages, job.skipped, tally.written, tally.skipped, tally.waiting, tally.failed
    );
    if job.state == JobState::Running {
        text.push_str(&format!("; {}", about(known.seconds_left)));
    }
    text.push('.');
    text
}
