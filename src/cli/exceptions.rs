//! `reknit list exceptions` and `reknit list incidents`: what verdicts keep from the list, and which duplicates we made.

use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::clock;
use crate::domain::clock::Timestamp;
use crate::domain::evidence::percent;
use crate::domain::review::incident::Cause;
use crate::engine::Settings;
use crate::journal::Journal;

const DAY: i64 = 24 * 3600 * 1000;

/// Pairs judged different or unsure, with when a human looked last and whether it is time again.
pub(super) async fn exceptions(
    journal: &Journal,
    settings: &Settings,
    limit: usize,
    json: bool,
) -> Result<(), Problem> {
    let days = i64::try_from(settings.exceptions_days).unwrap_or(0);
    let due_before =
        if days == 0 { Timestamp(i64::MIN) } else { Timestamp(clock().now().0.saturating_sub(days * DAY)) };
    let rows = journal.exceptions(due_before, limit).await.map_err(|error| unread(&error))?;
    let due = journal.exceptions_due(due_before).await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&json!({"total": rows.len(), "due": due, "after_days": days, "rows": rows}));
    }
    if rows.is_empty() {
        return output::line("No exceptions: nobody has judged a duplicate different or unsure.");
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let said = row.pair.standing.judgement.as_ref();
            vec![
                row.pair.id.to_string(),
                said.map_or_else(String::new, |said| said.verdict.to_string()),
                percent(row.pair.probability),
                row.pair.subject.clone(),
                said.map_or_else(String::new, |said| said.by.clone()),
                row.reviewed_at.rfc3339(),
                if row.due { "look again".to_owned() } else { "—".to_owned() },
            ]
        })
        .collect();
    output::table(&["ID", "SAID", "SURE", "SUBJECT", "BY", "LAST REVIEW", "DUE"], &cells)?;
    if due > 0 {
        output::line(&format!(
            "{due} of them were judged more than {days} days ago: look at them again (`reknit show`), then say it again or \
             take it back (`reknit verdict`)."
        ))?;
    }
    Ok(())
}

/// Duplicates of our own making, the newest first.
pub(super) async fn incidents(journal: &Journal, limit: usize, json: bool) -> Result<(), Problem> {
    let rows = journal.labelled_incidents(limit).await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&json!({"total": rows.len(), "rows": rows}));
    }
    if rows.is_empty() {
        return output::line("No incidents: Reknit has made no duplicate that was found.");
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.duplicate.to_string(),
                row.at.rfc3339(),
                row.recipe.clone(),
                row.execution.to_string(),
                row.cause.map_or("not looked into yet", Cause::as_str).to_owned(),
                row.sentence.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["DUPLICATE", "FOUND", "RECIPE", "EXECUTION", "CAUSE", "BY WHAT IT IS KNOWN"], &cells)
}
