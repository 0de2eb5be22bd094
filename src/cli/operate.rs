//! The operator's commands retry and discard, and the desk at which every decision of the command line is recorded.
//!
//! A command records the decision, then carries it out itself, unless another process serves the journal; then it
//! waits for that one. It never runs anything else that happens to be due.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::list::{parse, unread};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use crate::domain::execution::{Execution, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::merge::MergeTable;
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::domain::text::clean;
use crate::engine::operate::{OperateError, Operator};
use crate::journal::Journal;

/// How long to wait for another process to carry something out.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub struct RetryArguments {
    /// Which executions, as ex_12
    #[arg(required_unless_present = "refused")]
    ids: Vec<String>,
    /// Instead: all that failed because the CRM did not take this value of a field, as "Plan=gold"
    #[arg(long, value_name = "FIELD=VALUE", conflicts_with = "ids")]
    refused: Option<String>,
    /// Only show which would run again; nothing is queued
    #[arg(long)]
    dry_run: bool,
    /// Plan anew by today's recipe and mapping, also what has ended; refused where something would be done twice.
    /// Without it, a plan of which something was begun that must not be repeated goes on as its edition planned it
    #[arg(long, visible_alias = "from-start")]
    replan: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `discard`.
#[derive(Debug, Args)]
pub struct DiscardArguments {
    /// Which executions, as ex_12
    #[arg(required = true)]
    ids: Vec<String>,
    /// Why; it stays with them
    #[arg(long)]
    reason: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Flags of every decision.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Show the exact calls, send and record nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl How {
    /// Only to be shown.
    pub(super) const fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// As JSON.
    pub(super) const fn json(&self) -> bool {
        self.json
    }
}

/// Where decisions are recorded and carried out.
pub(super) struct Desk<'a> {
    place: &'a Place,
    pub(super) config: crate::config::Config,
    pub(super) mapping: Arc<crate::mapping::Mapping>,
    pub(super) journal: Journal,
    pub(super) operator: Operator,
}

impl<'a> Desk<'a> {
    pub(super) fn open(place: &'a Place, read_only: bool) -> Result<Self, Problem> {
        let config = place.settings()?;
        let mapping = place.mapping(&config)?;
        let journal = place.open(&config, if read_only { Opening::Look } else { Opening::Work })?;
        let operator = wiring::operator(&config, journal.clone(), mapping.clone(), read_only);
        let operator = if place.despite_claims { operator.despite_claims() } else { operator };
        Ok(Self { place, config, mapping, journal, operator })
    }

    /// Carries executions out, or waits for the process that does; what became of them.
    pub(super) async fn carry_out(&self, ids: &[ExecutionId]) -> Result<Vec<Execution>, Problem> {
        if let Some(_lock) = WorkerLock::take(&self.place.journal(&self.config))? {
            let credentials = wiring::credentials(self.place, &self.config).map_err(|problem| {
                // Not a mistake of use: something was changed.
                Problem::runtime(
                    "The decision is recorded, but nothing was sent.",
                    problem.why,
                    format!("{}; then run `reknit serve` or the console, which carry it out", problem.next),
                )
            })?;
            wiring::take_over(&self.journal).await?;
            let engine =
                wiring::engine(&self.config, self.journal.clone(), self.mapping.clone(), credentials)?;
            for id in ids {
                Box::pin(engine.run_one(*id)).await.map_err(|error| unread(&error))?;
            }
        } else {
            self.wait_for(ids).await?;
        }
        let mut found = Vec::new();
        for id in ids {
            if let Some(detail) = self.journal.execution(*id).await.map_err(|error| unread(&error))? {
                found.push(detail.execution);
            }
        }
        Ok(found)
    }

    async fn wait_for(&self, ids: &[ExecutionId]) -> Result<(), Problem> {
        let clock = wiring::clock();
        let end = clock.now().plus(PATIENCE);
        for id in ids {
            while let Some(detail) = self.journal.execution(*id).await.map_err(|error| unread(&error))? {
                let now = clock.now();
                let execution = detail.execution;
                let soon = execution.due_at.is_some_and(|due| due.since(now) < 1_000);
                if now > end || !(execution.status == Status::Running || soon) {
                    break;
                }
                clock.until(now.plus(Duration::from_millis(50))).await;
            }
        }
        Ok(())
    }

    /// Shows what a decision would do.
    pub(super) async fn preview(&self, decision: &Decision, json: bool) -> Result<(), Problem> {
        let preview = self.operator.preview(decision).await.map_err(|error| refused(&error))?;
        show_preview(&preview, json)
    }

    /// Records a decision and carries it out, or only shows it.
    pub(super) async fn decide(&self, decision: &Decision, how: &How) -> Result<(), Problem> {
        let preview = self.operator.preview(decision).await.map_err(|error| refused(&error))?;
        if how.dry_run {
            return show_preview(&preview, how.json);
        }
        let id = self.operator.decide(decision).await.map_err(|error| refused(&error))?;
        let results = self.carry_out(&[id]).await?;
        report(&results, &[], how.json)
    }
}

/// Runs executions again.
pub async fn retry(place: &Place, read_only: bool, arguments: &RetryArguments) -> Result<(), Problem> {
    let mut ids = arguments.ids.iter().map(|id| parse(id)).collect::<Result<Vec<ExecutionId>, _>>()?;
    let desk = Desk::open(place, read_only)?;
    if let Some(refused_value) = &arguments.refused {
        let (field, value) = refused_value.split_once('=').ok_or_else(|| {
            Problem::usage(
                "Nothing was retried.",
                format!("\"{refused_value}\" names no field and value"),
                "write --refused \"Plan=gold\"; `reknit mapping show` lists the fields",
            )
        })?;
        ids = desk.operator.refused_for(field.trim(), value).await.map_err(|error| refused(&error))?;
        if !arguments.json {
            let word = if ids.len() == 1 { "execution" } else { "executions" };
            output::line(&format!("{} failed {word} for this value.", ids.len()))?;
        }
    }
    if arguments.dry_run {
        return which(&desk, &ids, arguments).await;
    }
    let answer =
        if arguments.replan { desk.operator.replan(&ids).await } else { desk.operator.retry(&ids).await };
    let answer = answer.map_err(|error| refused(&error))?;
    let results = desk.carry_out(&answer.queued).await?;
    report(&results, &answer.refused, arguments.json)
}

/// What would be run again, and what would not and why; nothing is queued.
async fn which(desk: &Desk<'_>, ids: &[ExecutionId], arguments: &RetryArguments) -> Result<(), Problem> {
    let (mut would, mut refused) = (Vec::new(), Vec::new());
    for id in ids {
        let found = desk.journal.execution(*id).await.map_err(|error| unread(&error))?;
        match found.map(|detail| detail.execution) {
            Some(execution)
                if execution.status.can_retry()
                    || (arguments.replan && execution.status != Status::Running) =>
            {
                would.push(execution);
            }
            Some(execution) => {
                refused.push((*id, format!("it is {} and needs no retry", execution.status)));
            }
            None => refused.push((*id, "there is no such execution".to_owned())),
        }
    }
    if arguments.json {
        output::json(&json!({
            "would_retry": would.iter().map(|execution| execution.id).collect::<Vec<_>>(),
            "refused": refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }))?;
    } else {
        for execution in &would {
            output::line(&format!("{} would run again: {}", execution.id, clean(&execution.subject)))?;
        }
        output::line("Nothing was queued.")?;
    }
    refusals(&refused)
}

/// Gives up on executions.
pub async fn discard(place: &Place, read_only: bool, arguments: &DiscardArguments) -> Result<(), Problem> {
    let ids = arguments.ids.iter().map(|id| parse(id)).collect::<Result<Vec<ExecutionId>, _>>()?;
    let desk = Desk::open(place, read_only)?;
    let answer = desk.operator.discard(&ids, &arguments.reason).await.map_err(|error| refused(&error))?;
    if arguments.json {
        output::json(&json!({
            "discarded": answer.queued,
            "refused": answer.refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }))?;
    } else {
        for id in &answer.queued {
            output::line(&format!("{id} discarded"))?;
        }
    }
    refusals(&answer.refused)
}

pub(super) fn record(text: &str) -> Result<RecordRef, Problem> {
    text.parse().map_err(|error: crate::domain::record::BadRecordRef| {
        Problem::usage("Nothing was done.", error.to_string(), "`reknit show ID` names the records")
    })
}

pub(super) fn refused(error: &OperateError) -> Problem {
    let text = error.to_string();
    let why = text.strip_prefix("Nothing was changed: ").unwrap_or(&text).to_owned();
    let next = "`reknit show ID` tells where it stands; `reknit list` what else there is";
    match error {
        OperateError::Claimed { item, claim } => Problem::usage(
            "Nothing was changed.",
            format!("{} has claimed {item} until {}", claim.who, claim.until.rfc3339()),
            "ask them, take it over with `reknit claim ID --take-over`, or add --despite-claims",
        ),
        OperateError::Journal(_) => Problem::runtime("Nothing was changed.", why, "try again in a moment"),
        _ => Problem::usage("Nothing was changed.", why, next),
    }
}

pub(super) fn show_preview(preview: &Preview, json: bool) -> Result<(), Problem> {
    if json {
        return output::json(preview);
    }
    output::line(&crate::domain::text::clean(&preview.title))?;
    for one in &preview.returns {
        let line = format!("{:<6}  {:<13} {}: {}", one.comes, one.part, one.record, one.why);
        output::line(&crate::domain::text::clean(&line))?;
    }
    for row in &preview.becomes {
        let line = format!(
            "{}  {}: \"{}\" | \"{}\" → {}",
            row.conflict, row.subject, row.left, row.right, row.becomes
        );
        output::line(&crate::domain::text::clean(&line))?;
    }
    for edit in &preview.edits {
        output::line(&crate::domain::text::clean(&edit.file))?;
        for line in &edit.diff {
            output::line(&crate::domain::text::clean(line))?;
        }
    }
    if !preview.retries.is_empty() {
        let ids: Vec<String> = preview.retries.iter().map(ToString::to_string).collect();
        output::line(&format!("Again {}", ids.join(", ")))?;
    }
    for (number, call) in preview.calls.iter().enumerate() {
        let body = call.body.as_ref().map_or_else(String::new, |body| format!("  {body}"));
        let line = format!("{}. {} {}{}{body}", number + 1, call.method, call.host, call.path);
        output::line(&crate::domain::text::clean(&line))?;
    }
    for table in &preview.merges {
        merge_table(table)?;
    }
    for loss in &preview.losses {
        let line = format!("Lost  {}: {} (kept: {})", loss.field, loss.lost, loss.kept);
        output::line(&crate::domain::text::clean(&line))?;
    }
    for note in &preview.notes {
        output::line(&format!("Note  {}", crate::domain::text::clean(note)))?;
    }
    Ok(())
}

/// A column per record and what comes out; the surviving value ticked. Fields in which nothing differs are counted.
fn merge_table(table: &MergeTable) -> Result<(), Problem> {
    let cut = |text: &str| -> String {
        let text = crate::domain::text::clean(if text.is_empty() { "—" } else { text }).into_owned();
        let mut letters = text.chars();
        let shown: String = letters.by_ref().take(26).collect();
        if letters.next().is_some() { format!("{shown}…") } else { shown }
    };
    let (differ, equal): (Vec<_>, Vec<_>) = table
        .rows
        .iter()
        .partition(|row| row.from.is_none() || row.values.iter().any(|value| *value != row.merged));
    let name = differ.iter().map(|row| row.field.chars().count()).max().unwrap_or(5).clamp(5, 36);
    let heads = table.records.iter().enumerate().map(|(place, record)| {
        let survivor = if place == 0 { " survivor" } else { "" };
        format!("{:<30}", format!("{}{survivor}", cut(&record.id)))
    });
    output::line(&format!("{:<name$}  {}MERGED", "", heads.collect::<String>()))?;
    for row in differ {
        let cells = row.values.iter().enumerate().map(|(place, value)| {
            let tick = if row.from == Some(place) { "✓ " } else { "  " };
            format!("{:<30}", format!("{tick}{}", cut(value)))
        });
        let lost = if row.lost { "; a value goes away" } else { "" };
        let line = format!(
            "{:<name$}  {}{} ({}{lost})",
            cut(&row.field),
            cells.collect::<String>(),
            cut(&row.merged),
            row.rule
        );
        output::line(line.trim_end())?;
    }
    if !equal.is_empty() {
        let word = if equal.len() == 1 { "field is" } else { "fields are" };
        output::line(&format!("{} more {word} the same", equal.len()))?;
    }
    Ok(())
}

pub(super) fn report(
    results: &[Execution],
    refused: &[(ExecutionId, String)],
    json: bool,
) -> Result<(), Problem> {
    if json {
        output::json(&json!({
            "executions": results,
            "refused": refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }))?;
    } else {
        for execution in results {
            let line = format!(
                "{} {} {}: {}",
                execution.status.glyph(),
                execution.id,
                execution.status,
                execution.sentence
            );
            output::line(&crate::domain::text::clean(&line))?;
        }
    }
    refusals(refused)?;
    let unfinished: Vec<String> = results
        .iter()
        .filter(|execution| !matches!(execution.status, Status::Succeeded | Status::Skipped))
        .map(|execution| execution.id.to_string())
        .collect();
    if unfinished.is_empty() {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{} did not succeed; what was written before is kept.", unfinished.join(", ")),
        "see the sentence of each above",
        format!("`reknit show {}` explains it", unfinished[0]),
    ))
}

pub(super) fn refusals(refused: &[(ExecutionId, String)]) -> Result<(), Problem> {
    if refused.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = refused.iter().map(|(id, why)| format!("{id}: {why}")).collect();
    Err(Problem::usage(
        format!("{} of the executions were left as they are.", refused.len()),
        list.join("; "),
        "`reknit list executions --filter status:failed` shows which can be retried",
    ))
}
