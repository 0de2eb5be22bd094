//! One duplicate candidate for `reknit show`: the records, why they are believed one, what would change that, its group.

use serde_json::{Value, json};

use super::list::unread;
use super::problem::Problem;
use super::show::{bar, missing, with_team};
use crate::domain::clock::Timestamp;
use crate::domain::evidence::percent;
use crate::domain::evidence::turning;
use crate::domain::ids::DuplicateId;
use crate::domain::record::{Fields, value_text};
use crate::domain::review::{Duplicate, ReviewState};
use crate::journal::Journal;
use crate::journal::duplicates::DuplicateGroup;
use crate::matching::Settings;

/// Shows a pair.
pub(super) async fn show(
    journal: &Journal,
    id: DuplicateId,
    settings: &Settings,
    json: bool,
) -> Result<(), Problem> {
    let pair = journal.duplicate(id).await.map_err(|error| unread(&error))?;
    let pair = pair.ok_or_else(|| missing(&id.to_string()))?;
    let group = journal.group_of(id).await.map_err(|error| unread(&error))?;
    let group = group.ok_or_else(|| missing(&id.to_string()))?;
    if !json {
        return with_team::<()>(journal, &id.to_string(), || lines(&pair, &group, settings), None).await;
    }
    let mut shape = serde_json::to_value(&pair).unwrap_or_default();
    if let Value::Object(shape) = &mut shape {
        let bits = |name: &str, wanted: bool| -> i64 {
            let bars = pair.evidence.iter().filter(|bar| (bar.comparison == name) == wanted);
            bars.map(|bar| i64::from(bar.millibits)).sum()
        };
        shape.insert(
            "waterfall".to_owned(),
            json!({
                "prior_millibits": bits("prior", true),
                "evidence_millibits": bits("prior", false),
                "total_millibits": bits("", false),
                "probability": pair.probability,
                "thresholds": {"review": settings.review_probability, "auto": settings.auto_probability},
                "turns_at_review": turning::turning(&pair.evidence, settings.review_probability),
                "turns_at_auto": turning::turning(&pair.evidence, settings.auto_probability),
            }),
        );
        shape.insert("tied".to_owned(), json!(pair.standing.tied()));
        shape.insert("records".to_owned(), json!(group.members));
        shape.insert(
            "pairs".to_owned(),
            json!(group.pairs.iter().map(|other| json!({
                "id": other.id, "left": other.left, "right": other.right, "probability": other.probability,
                "state": other.state, "judgement": other.standing.judgement,
            })).collect::<Vec<_>>()),
        );
    }
    with_team(journal, &id.to_string(), Vec::new, Some(&shape)).await
}

fn lines(pair: &Duplicate, group: &DuplicateGroup, settings: &Settings) -> Vec<String> {
    let standing = &pair.standing;
    let mut lines = vec![
        format!(
            "{}  {}  {} sure, {}  ({})",
            pair.id,
            pair.subject,
            percent(pair.probability),
            pair.band,
            pair.state
        ),
        format!("Left   {}", pair.left),
        format!("Right  {}", pair.right),
    ];
    lines.extend(standing.alarm.iter().map(|alarm| format!("Alarm  {alarm}")));
    lines.extend(standing.judgement.iter().map(|said| {
        let until = said.until.map_or_else(String::new, |at| format!(" until {}", at.rfc3339()));
        let why = if said.reason.is_empty() { String::new() } else { format!(": {}", said.reason) };
        format!("Said   {}{until} by {}, {}{why}", said.verdict, said.by, said.at.rfc3339())
    }));
    lines.extend(standing.reopened.iter().map(|words| format!("Again  {words}")));
    lines.extend(standing.origin.iter().map(|words| format!("Cause  {words}")));
    lines.extend(standing.tied().iter().map(|words| format!("Tied   {words}")));
    let names = pair
        .left_fields
        .keys()
        .chain(pair.right_fields.keys().filter(|name| !pair.left_fields.contains_key(*name)));
    for name in names {
        let text = |fields: &Fields| fields.get(name).map(value_text).unwrap_or_default();
        let (left, right) = (text(&pair.left_fields), text(&pair.right_fields));
        if !left.is_empty() || !right.is_empty() {
            let mark = if left == right { "=" } else { "≠" };
            lines.push(format!("  {name} {mark} \"{left}\" | \"{right}\""));
        }
    }
    lines.extend(pair.evidence.iter().map(bar));
    let total: i64 = pair.evidence.iter().map(|bar| i64::from(bar.millibits)).sum();
    lines.push(format!(
        "  {:+6.2} bits  in all: {} (shown from {}, certain from {})",
        total as f64 / 1000.0,
        percent(pair.probability),
        percent(settings.review_probability),
        format_args!("{} %", (settings.auto_probability * 10_000.0).round() / 100.0)
    ));
    let threshold = if pair.probability >= settings.auto_probability {
        settings.auto_probability
    } else {
        settings.review_probability
    };
    lines.extend(turning::sentences(&pair.evidence, threshold).iter().map(|words| format!("Turns  {words}")));
    if group.members.len() > 2 {
        lines.push(format!("Group  {} records:", group.members.len()));
        lines.extend(group.members.iter().map(|member| format!("  {member}")));
        lines.extend(group.pairs.iter().map(|other| {
            let said = other.standing.judgement.as_ref();
            let said = said.map_or_else(String::new, |said| format!(", said {}", said.verdict));
            format!(
                "  {}  {}  {} and {}{said}",
                other.id,
                percent(other.probability),
                other.left,
                other.right
            )
        }));
    }
    lines.push(format!(
        "Age    found {}, last seen {}, evidence of {}",
        pair.created_at.rfc3339(),
        standing.last_seen.rfc3339(),
        Timestamp::rfc3339(standing.evidence_at)
    ));
    lines.extend(pair.obstacle.iter().map(|why| format!("Cannot be merged: {why}")));
    lines.extend(pair.resolution.iter().map(|text| format!("Last   {text}")));
    let id = pair.id;
    let next = match pair.state {
        ReviewState::Open => Some(format!(
            "Next   reknit merge {id} [--survivor RECORD] (--dry-run shows the calls), or reknit verdict {id} \
             different|unsure|later"
        )),
        ReviewState::Ignored | ReviewState::Dismissed if standing.judgement.is_some() => {
            Some(format!("Next   reknit verdict {id} --undo takes that back"))
        }
        _ => None,
    };
    lines.extend(next);
    lines
}
