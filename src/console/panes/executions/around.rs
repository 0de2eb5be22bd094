//! The parts of the detail that one walks through: calls with their bodies, what differs between two tries, the event,
//! and what stands around an execution. Only turns facts into lines.

use super::asks::Around;
use super::diff::differences;
use super::sheet::{Role, Sheet, Way, Words};
use crate::console::ctx::Ctx;
use crate::console::panes::execution_detail::{purpose, split_url, told};
use crate::console::text::{age, cut_end, left, thousands};
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, PROBE};

/// Calls, the newest first, each with request and response.
pub(super) fn calls(ctx: &Ctx, detail: &ExecutionDetail) -> Sheet {
    let mut sheet = Sheet::default();
    if detail.attempts.is_empty() {
        sheet.words(vec![("No call was made so far.".to_owned(), Role::Muted)]);
    }
    for (index, attempt) in detail.attempts.iter().enumerate().rev() {
        call(ctx, &mut sheet, index, attempt);
        sheet.blank();
    }
    sheet
}

/// The last call alone, for a box beside the explanation.
pub(super) fn last_call(ctx: &Ctx, detail: &ExecutionDetail) -> Sheet {
    let mut sheet = Sheet::default();
    let failed = detail.attempts.iter().rposition(|attempt| attempt.class.is_some());
    match failed.or_else(|| detail.attempts.len().checked_sub(1)) {
        None => sheet.words(vec![("No call was made so far.".to_owned(), Role::Muted)]),
        Some(at) => call(ctx, &mut sheet, at, &detail.attempts[at]),
    }
    sheet
}

fn call(ctx: &Ctx, sheet: &mut Sheet, index: usize, attempt: &Attempt) {
    sheet.heading(format!("{} {}", index + 1, purpose(attempt)));
    let (host, path) = split_url(&attempt.url);
    sheet.words(vec![
        (format!("{} ", attempt.method), Role::Bold),
        (host.to_owned(), Role::Muted),
        (path.to_owned(), Role::Text),
    ]);
    sheet.body(&attempt.request);
    sheet.words(answer(ctx, attempt));
    if let Some(id) = &attempt.request_id {
        sheet.words(vec![(format!("  request id {id}"), Role::Muted)]);
    }
    sheet.body(&attempt.response);
}

fn answer(ctx: &Ctx, attempt: &Attempt) -> Words {
    let code = attempt.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let role = match (attempt.status, attempt.class) {
        (Some(200..400), None) => Role::Ok,
        (Some(429 | 503), _) => Role::Warn,
        _ => Role::Error,
    };
    let duration = thousands(u64::from(attempt.duration_ms));
    let mut words = vec![
        ("→ ".to_owned(), Role::Muted),
        (code, role),
        (format!("  {}  {duration} ms", ctx.clock(attempt.started_at)), Role::Muted),
    ];
    if let Some(class) = attempt.class {
        words.push((format!("  {class}"), Role::Warn));
    }
    words
}

/// What each call had different from the one before it that was for the same.
pub(super) fn compared(ctx: &Ctx, detail: &ExecutionDetail) -> Sheet {
    let mut sheet = Sheet::default();
    let attempts = &detail.attempts;
    for (index, attempt) in attempts.iter().enumerate().rev() {
        let same = |other: &&Attempt| {
            other.step == attempt.step && other.purpose == attempt.purpose && other.method == attempt.method
        };
        let Some(before) = attempts[..index].iter().rev().find(same) else { continue };
        sheet.heading(format!("{} {}", index + 1, purpose(attempt)));
        sheet.words(vec![
            (format!("{} then ", ctx.clock(before.started_at)), Role::Muted),
            (ctx.clock(attempt.started_at), Role::Text),
        ]);
        let code =
            |attempt: &Attempt| attempt.status.map_or_else(|| "none".to_owned(), |code| code.to_string());
        if code(before) != code(attempt) {
            changed(&mut sheet, "status", Some(&code(before)), Some(&code(attempt)));
        }
        if before.url != attempt.url {
            changed(&mut sheet, "address", Some(&before.url), Some(&attempt.url));
        }
        let parts = [
            ("request", &before.request, &attempt.request),
            ("response", &before.response, &attempt.response),
        ];
        let mut none = true;
        for (part, old, new) in parts {
            for one in differences(old, new) {
                none = false;
                let path = format!("{part} {}", one.path);
                changed(&mut sheet, &path, one.before.as_deref(), one.after.as_deref());
            }
        }
        if none {
            sheet.words(vec![("Both bodies are the same.".to_owned(), Role::Muted)]);
        }
        sheet.blank();
    }
    if sheet.len() == 0 {
        sheet.words(vec![("No call was made twice: there is nothing to compare.".to_owned(), Role::Muted)]);
        sheet.words(vec![("= ".to_owned(), Role::Key), ("shows the calls".to_owned(), Role::Muted)]);
    }
    sheet
}

fn changed(sheet: &mut Sheet, path: &str, before: Option<&str>, after: Option<&str>) {
    sheet.words(vec![(path.to_owned(), Role::Bold)]);
    for (sign, value, role) in [("- ", before, Role::Error), ("+ ", after, Role::Ok)] {
        if let Some(value) = value {
            sheet.words(vec![(format!("  {sign}{}", cut_end(value, 400)), role)]);
        }
    }
}

/// What the vendor told.
pub(super) fn event(ctx: &Ctx, detail: &ExecutionDetail) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(topic) = &detail.topic else {
        sheet.words(vec![("No event: a decision of a human caused it.".to_owned(), Role::Muted)]);
        return sheet;
    };
    let title = told(detail, topic);
    sheet.words(vec![(title.to_owned(), Role::Bold)]);
    if title != topic {
        sheet.words(vec![(topic.clone(), Role::Muted)]);
    }
    if let Some(at) = detail.received_at {
        sheet.words(vec![(format!("received {}", ctx.full(at)), Role::Muted)]);
        let often = detail.delivered.words(|at| ctx.full(at)).unwrap_or_else(|| "delivered once".to_owned());
        sheet.words(vec![(often, Role::Muted)]);
    }
    sheet.blank();
    sheet.body(&detail.payload);
    sheet
}

/// What stands around it: every line that leads somewhere is a door.
pub(super) fn related(ctx: &Ctx, row: &Execution, around: Option<&Around>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(around) = around else {
        sheet.words(vec![("Looking through the journal…".to_owned(), Role::Muted)]);
        return sheet;
    };
    let related = &around.related;
    sheet.heading("The person's records");
    if related.records.is_empty() {
        sheet.words(vec![("None: it names no record.".to_owned(), Role::Muted)]);
    }
    for record in &related.records {
        let own = if row.record.as_ref() == Some(record) { "  began here" } else { "" };
        sheet.door(
            vec![
                (format!("{}  ", record.system().short()), Role::Muted),
                (left(record.object.as_str(), 13), Role::Text),
                (record.id.clone(), Role::Bold),
                (own.to_owned(), Role::Muted),
            ],
            Way::Record(record.clone()),
        );
    }
    sheet.blank();
    sheet.heading("Waits for a decision");
    if related.items.is_empty() {
        sheet.words(vec![("Nothing about this person.".to_owned(), Role::Muted)]);
    }
    for item in &related.items {
        let glyph = match item.id.split('_').next() {
            Some("cf") => "≠ ",
            Some("du") => "≈ ",
            _ => "∅ ",
        };
        sheet.door(
            vec![
                (glyph.to_owned(), Role::Warn),
                (format!("{:<8}  ", item.id), Role::Muted),
                (item.words.clone(), Role::Text),
            ],
            Way::Item(item.id.clone()),
        );
    }
    if let Some(of) = related.replay_of {
        sheet.blank();
        let what = if row.recipe == PROBE { "Looks up" } else { "Replays with edits" };
        sheet.heading(what);
        sheet.door(vec![(of.to_string(), Role::Bold)], Way::Execution(of));
    }
    if !related.repeats.is_empty() {
        sheet.blank();
        sheet.heading("Replayed and looked up by");
        for other in &related.repeats {
            execution(ctx, &mut sheet, other);
        }
    }
    sheet.blank();
    sheet.heading("Other executions of this person");
    if related.others.is_empty() {
        sheet.words(vec![("None.".to_owned(), Role::Muted)]);
    }
    for other in &related.others {
        execution(ctx, &mut sheet, other);
    }
    sheet
}

fn execution(ctx: &Ctx, sheet: &mut Sheet, other: &Execution) {
    use crate::domain::execution::Status;
    let role = match other.status {
        Status::Failed => Role::Error,
        Status::Retrying | Status::InDoubt | Status::Held => Role::Warn,
        Status::Succeeded => Role::Ok,
        _ => Role::Muted,
    };
    sheet.door(
        vec![
            (format!("{} ", other.status.glyph()), role),
            (format!("{:>4}  ", age(ctx.now, other.updated_at)), Role::Muted),
            (format!("{}  ", other.id), Role::Muted),
            (format!("{}  ", other.recipe), Role::Text),
            (other.sentence.clone(), Role::Muted),
        ],
        Way::Execution(other.id),
    );
}
