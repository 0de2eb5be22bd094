//! `reknit show`: everything about one item, as sentences and columns or as JSON.

use clap::Args;
use serde::Serialize;

use super::list::{parse, unread};
use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::capsule::PreImage;
use crate::domain::clock::Timestamp;
use crate::domain::evidence::Evidence;
use crate::domain::evidence::percent;
use crate::domain::ids::{CapsuleId, ConflictId, DuplicateId, EventId, ExecutionId, UnlinkedId};
use crate::domain::record::value_text;
use crate::domain::review::{Conflict, ReviewState, Unlinked, Writer};
use crate::domain::trouble::advise;
use crate::engine::intake::title;
use crate::journal::{Journal, JournalError};

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// ex_12, cf_3, du_7, un_4, ev_9 for what a vendor told, or ca_1 for what a merge found before it
    id: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Shows one item.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let id = arguments.id.as_str();
    let json = arguments.json;
    match id.split('_').next() {
        Some(ConflictId::PREFIX) => {
            let found = journal.conflict(parse(id)?).await;
            print(&journal, id, found, json, conflict).await
        }
        Some(DuplicateId::PREFIX) => {
            super::candidate::show(&journal, parse(id)?, &config.matching, json).await
        }
        Some(UnlinkedId::PREFIX) => {
            let found = journal.unlinked_one(parse(id)?).await;
            print(&journal, id, found, json, unlinked).await
        }
        Some(CapsuleId::PREFIX) => {
            let found = journal.capsule(parse(id)?).await;
            print(&journal, id, found, json, |records| capsule(records)).await
        }
        Some(EventId::PREFIX) => super::events::one(&journal, id, json).await,
        _ => execution(&journal, parse(id)?, json).await,
    }
}

async fn print<T: Serialize>(
    journal: &Journal,
    id: &str,
    result: Result<Option<T>, JournalError>,
    json: bool,
    lines: impl Fn(&T) -> Vec<String>,
) -> Result<(), Problem> {
    let found = result.map_err(|error| unread(&error))?.ok_or_else(|| missing(id))?;
    with_team(journal, id, || lines(&found), json.then_some(&found)).await
}

/// Shows an item with who works on it and what was said of it: as JSON where there is any, else as lines.
pub(super) async fn with_team<T: Serialize>(
    journal: &Journal,
    id: &str,
    lines: impl FnOnce() -> Vec<String>,
    json: Option<&T>,
) -> Result<(), Problem> {
    let team = match id.parse() {
        Ok(item) => super::team::of(journal, item).await?,
        // Capsules and events have no team.
        Err(_) => None,
    };
    let Some(found) = json else {
        let mut lines = lines();
        lines.extend(team.into_iter().flat_map(|(lines, _)| lines));
        return tell(&lines);
    };
    let Some((_, team)) = team else { return output::json(found) };
    let mut shape = serde_json::to_value(found).unwrap_or_default();
    if let Some(shape) = shape.as_object_mut() {
        shape.insert("team".to_owned(), team);
    }
    output::json(&shape)
}

pub(super) fn tell(lines: &[String]) -> Result<(), Problem> {
    lines.iter().try_for_each(|line| output::line(&crate::domain::text::clean(line)))
}

fn conflict(conflict: &Conflict) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{}  {}  {}: {}  ({})",
            conflict.id,
            conflict.subject,
            conflict.field,
            conflict.kind.phrase(),
            conflict.state
        ),
        format!(
            "Left   {}  {} = \"{}\"",
            conflict.left.title(),
            conflict.left_field,
            value_text(&conflict.left_value)
        ) + &written(conflict.left_by.as_ref(), conflict.left_changed_at),
        format!(
            "Right  {}  {} = \"{}\"",
            conflict.right.title(),
            conflict.right_field,
            value_text(&conflict.right_value)
        ) + &written(conflict.right_by.as_ref(), conflict.right_changed_at),
    ];
    lines.push(match &conflict.base {
        Some(base) => format!("Base   \"{}\" when both last agreed", value_text(base)),
        None => "Base   the two never agreed so far".to_owned(),
    });
    let line = if conflict.line.is_empty() { String::new() } else { format!("  ({})", conflict.line) };
    lines.push(format!("Rule   {}{line}", conflict.rule));
    if !conflict.decides.is_empty() {
        lines.push(format!("Who    {} decides", conflict.decides));
    }
    if !conflict.allowed.is_empty() {
        lines.push(format!("Takes  {}", conflict.allowed.join(", ")));
    }
    lines.extend(conflict.resolution.iter().map(|text| format!("Last   {text}")));
    let next = format!(
        "Next   reknit resolve {} --left|--right|--value V|--clear|--translate TO|--disable to-crm|--ignore 7d, [--as-rule]; \
         --dry-run shows what it does",
        conflict.id
    );
    lines.extend(matches!(conflict.state, ReviewState::Open | ReviewState::Ignored).then_some(next));
    lines
}

fn written(by: Option<&Writer>, changed_at: Option<Timestamp>) -> String {
    let at =
        by.and_then(|by| by.at).or(changed_at).map_or_else(String::new, |at| format!(", {}", at.rfc3339()));
    match by {
        Some(by) => format!("  by {}{at}", by.who),
        None if at.is_empty() => String::new(),
        None => format!("  last changed{}", at.trim_start_matches(',')),
    }
}

fn unlinked(item: &Unlinked) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  {}  ({})", item.id, item.subject, item.contact, item.state),
        format!("Known  {}", item.hint),
    ];
    if !item.owner.is_empty() {
        lines.push(format!("Owner  {}", item.owner));
    }
    if let Some(until) = item.ignored_until {
        lines.push(format!("Until  {}", until.rfc3339()));
    }
    for candidate in &item.candidates {
        lines.push(format!(
            "{}  {}  {}  {}{}",
            percent(candidate.probability),
            candidate.company,
            candidate.name,
            candidate.domain,
            if candidate.family.is_empty() { String::new() } else { format!("  ({})", candidate.family) }
        ));
        lines.extend(candidate.evidence.iter().map(bar));
    }
    if item.candidates.is_empty() {
        lines.push("No company of the CRM fits; --create makes it, --company names one.".into());
    }
    lines.extend(item.resolution.iter().map(|text| format!("Last   {text}")));
    let next = format!("Next   reknit link {} --company RECORD; --dry-run shows the call", item.id);
    lines.extend((item.state == ReviewState::Open).then_some(next));
    lines
}

/// One bar of the waterfall.
pub(super) fn bar(evidence: &Evidence) -> String {
    let note = evidence.note.as_ref().map_or_else(String::new, |note| format!("  ({note})"));
    format!(
        "  {:+6.2} bits  {}: {}{note}",
        f64::from(evidence.millibits) / 1000.0,
        evidence.comparison,
        evidence.level
    )
}

fn capsule(images: &[PreImage]) -> Vec<String> {
    let mut lines = Vec::new();
    for image in images {
        lines.push(image.mirror.record.to_string());
        let filled = image.mirror.fields.iter().filter(|(_, value)| !value_text(value).is_empty());
        lines.extend(filled.map(|(name, value)| format!("  {name} = \"{}\"", value_text(value))));
        for (kind, ids) in image.associations.iter().filter(|(_, ids)| !ids.is_empty()) {
            lines.push(format!("  related {kind}: {}", ids.join(", ")));
        }
        lines.extend(image.incomplete.iter().map(|words| format!("  {words}")));
    }
    lines
}

async fn execution(journal: &Journal, id: ExecutionId, json: bool) -> Result<(), Problem> {
    let detail = journal
        .execution(id)
        .await
        .map_err(|error| unread(&error))?
        .ok_or_else(|| missing(&id.to_string()))?;
    if json {
        return with_team(journal, &id.to_string(), Vec::new, Some(&detail)).await;
    }
    let execution = &detail.execution;
    let mut lines = vec![
        format!(
            "{id}  {} {}  {}  {}",
            execution.status.glyph(),
            execution.status,
            execution.recipe,
            execution.subject
        ),
        execution.sentence.clone(),
    ];
    if let (Some(topic), Some(event)) = (&detail.topic, execution.event) {
        let told = detail.told_by.as_ref().map_or(topic.as_str(), |by| title(by.system, topic));
        lines.push(format!("Event {event} \"{told}\" ({topic})"));
    }
    lines.extend(detail.delivered.words(Timestamp::rfc3339).map(|words| format!("Came  {words}")));
    lines.extend(execution.editions.iter().map(|editions| format!("Rules  {editions}")));
    if let Some(first) = detail.waits_for {
        lines.push(format!("Waits for {first} of the same person to end: one at a time, in order."));
    }
    if let Some(class) = execution.error_class {
        let words = detail.vendor_words.as_deref().unwrap_or_default();
        let told = advise(detail.failed_at(), class, words);
        lines.push(format!("Why   {}", told.meaning));
        lines.push(format!("Fix   {}", told.hint));
    }
    lines.extend(detail.vendor_words.iter().map(|words| format!("Said  \"{words}\"")));
    let steps = detail.plan.iter().flat_map(|plan| &plan.steps);
    lines.extend(steps.map(|step| format!("Step  {} ({})", step.title, step.state)));
    let deviations = detail.plan.iter().flat_map(|plan| &plan.deviations);
    lines.extend(deviations.map(|one| {
        let words = one.words.as_ref().map_or_else(String::new, |words| format!(" (\"{words}\")"));
        format!(
            "Kept  otherwise: {} of {} is \"{}\", planned was \"{}\"{words}",
            one.field,
            one.record.title(),
            one.kept,
            one.expected
        )
    }));
    lines.extend(
        detail.conflicts.iter().map(|conflict| format!("Held  by {conflict}: `reknit show {conflict}`")),
    );
    let capsules = journal.capsules_of(id).await.map_err(|error| unread(&error))?;
    lines.extend(
        capsules
            .iter()
            .map(|capsule| format!("Kept  what was there before the merge: `reknit show {capsule}`")),
    );
    let told = journal.notices(Some(id), 20).await.map_err(|error| unread(&error))?;
    lines.extend(told.iter().map(|row| {
        let words = if row.words.is_empty() { String::new() } else { format!(": {}", row.words) };
        format!("Told  {}  {} ({}{words})", row.channel, row.title, row.status)
    }));
    lines.extend(detail.attempts.iter().map(|attempt| {
        let status = attempt.status.map_or_else(|| "no answer".into(), |status| status.to_string());
        // Without the query: HubSpot's lists every property asked for.
        let url = attempt.url.split('?').next().unwrap_or_default();
        let at = attempt.started_at.rfc3339();
        format!(
            "{at}  try {}  {} {url}  {status}  {} ms",
            attempt.number, attempt.method, attempt.duration_ms
        )
    }));
    with_team::<()>(journal, &id.to_string(), || lines, None).await
}

/// Nothing of this id is in the journal.
pub(super) fn missing(id: &str) -> Problem {
    Problem::usage(
        "Nothing to show.",
        format!("{id} is not in this journal"),
        "`reknit list executions` (conflicts, duplicates, unlinked) shows what is; --data DIR names another journal",
    )
}
