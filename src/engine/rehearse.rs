//! What an edited mapping would do: the records that something was told of since a time, judged by the mapping in force
//! and by the edited one. Reads the journal page by page; no vendor is called and nothing is written.
//!
//! Each pair is judged as if both sides met for the first time, with what the newest payload carried: what is in step
//! says so by itself, and what a change of a table or transform means shows for records that agreed long ago too.

use serde::Serialize;

use crate::domain::clock::Timestamp;
use crate::domain::event::{Event, NewEvent, Sent};
use crate::domain::record::{Fields, Mirror, System, value_text};
use crate::domain::text::shorten;
use crate::journal::{Journal, JournalError};
use crate::mapping::judge::{Sides, Verdict, judge, right_as_one};
use crate::mapping::{FieldMapping, Mapping};
use crate::vendors::payload;

/// Records read at once.
const PAGE: usize = 200;
/// Examples kept of each field.
const EXAMPLES: usize = 3;
/// Letters of a value in an example.
const SHOWN: usize = 80;

/// One record for which a field comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Whose.
    pub subject: String,
    /// What the mapping in force would do.
    pub before: String,
    /// What the edited one would do.
    pub after: String,
}

/// What becomes of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FieldPlan {
    /// As the mapping calls it.
    pub field: String,
    /// Records for which it comes out otherwise.
    pub changed: u64,
    /// Records that would become a conflict, and are none by the mapping in force.
    pub new_conflicts: u64,
    /// Records that are a conflict by the mapping in force and would be none.
    pub fewer_conflicts: u64,
    /// Some of the changed.
    pub examples: Vec<Example>,
}

/// What becomes of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// Pairs of records looked at.
    pub pairs: u64,
    /// Records that have no other side here, and were left out.
    pub alone: u64,
    /// There were more; only the first were looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub capped: bool,
    /// Every field of either mapping, in the order of the edited one.
    pub fields: Vec<FieldPlan>,
}

/// Replays what was told since a time through both mappings, until `most` pairs were looked at.
pub async fn rehearse(
    journal: &Journal,
    now: &Mapping,
    edited: &Mapping,
    since: Timestamp,
    most: u64,
) -> Result<Rehearsal, JournalError> {
    let mut names: Vec<&str> = edited.fields.iter().map(|field| field.name.as_str()).collect();
    names.extend(
        now.fields.iter().map(|field| field.name.as_str()).filter(|name| edited.field(name).is_none()),
    );
    let mut plan = Rehearsal {
        fields: names
            .iter()
            .map(|name| FieldPlan { field: (*name).to_owned(), ..FieldPlan::default() })
            .collect(),
        ..Rehearsal::default()
    };
    let mut after = String::new();
    loop {
        let page = journal.told_since(since, after.clone(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(plan) };
        last.record.as_ref().map(ToString::to_string).unwrap_or_default().clone_into(&mut after);
        for event in page {
            if plan.pairs >= most {
                plan.capped = true;
                return Ok(plan);
            }
            one(journal, now, edited, &event, since, &mut plan).await?;
        }
    }
}

async fn one(
    journal: &Journal,
    now: &Mapping,
    edited: &Mapping,
    event: &Event,
    since: Timestamp,
    plan: &mut Rehearsal,
) -> Result<(), JournalError> {
    let Some(record) = &event.record else { return Ok(()) };
    let known = journal.known(record).await?;
    // Of a pair of which both sides were told of, Intercom's record speaks.
    let is_left = record.system() == System::Intercom;
    let Some(other) = known.records.iter().find(|other| (other.system() == System::Intercom) != is_left)
    else {
        plan.alone += 1;
        return Ok(());
    };
    if !is_left && journal.told_of(other, since).await? {
        return Ok(());
    }
    let (left, right) = if is_left { (record, other) } else { (other, record) };
    let (Some(mut left), Some(mut right)) = (journal.mirror(left).await?, journal.mirror(right).await?)
    else {
        plan.alone += 1;
        return Ok(());
    };
    overlay(event, if is_left { &mut left } else { &mut right });
    plan.pairs += 1;
    for field in &mut plan.fields {
        let before = outcome(now.field(&field.field), &left, &right);
        let after = outcome(edited.field(&field.field), &left, &right);
        if before == after {
            continue;
        }
        field.changed += 1;
        match (before.is_conflict, after.is_conflict) {
            (false, true) => field.new_conflicts += 1,
            (true, false) => field.fewer_conflicts += 1,
            _ => {}
        }
        if field.examples.len() < EXAMPLES {
            field.examples.push(Example {
                subject: shorten(&left.display_name(), SHOWN).into_owned(),
                before: before.words,
                after: after.words,
            });
        }
    }
    Ok(())
}

/// What the event itself carried goes before our copy of its record.
fn overlay(event: &Event, mirror: &mut Mirror) {
    let told = NewEvent {
        connection: event.connection.clone(),
        source: event.source,
        delivery_key: String::new(),
        topic: event.topic.clone(),
        kind: event.kind,
        record: event.record.clone(),
        occurred_at: event.occurred_at,
        sent: Sent::default(),
        body: event.body.clone(),
    };
    if let Some(carried) = payload::record_in(&told) {
        for (name, value) in carried.fields {
            mirror.fields.insert(name, value);
        }
    } else if let Some((name, value)) = payload::property_in(&told) {
        mirror.fields.insert(name, value);
    }
}

#[derive(PartialEq)]
struct Outcome {
    words: String,
    is_conflict: bool,
}

fn outcome(field: Option<&FieldMapping>, left: &Mirror, right: &Mirror) -> Outcome {
    let quiet = |words: String| Outcome { words, is_conflict: false };
    let Some(field) = field else { return quiet("not mapped".to_owned()) };
    let sides = Sides {
        left: &left.fields,
        left_at: left.vendor_updated_at,
        right: &right.fields,
        right_at: right.vendor_updated_at,
        agreed: None,
    };
    let quoted = |text: &str| {
        if text.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", shorten(text, SHOWN)) }
    };
    match judge(field, &sides) {
        Verdict::Agree(_) | Verdict::Unchanged => quiet("in step".to_owned()),
        Verdict::WriteRight(writes, _) => {
            let fields: Fields = writes.into_iter().collect();
            let values: Vec<_> = field
                .crm
                .iter()
                .filter_map(|name| Some(format!("{name} = {}", quoted(&value_text(fields.get(name)?)))))
                .collect();
            quiet(format!("CRM: {}", values.join(", ")))
        }
        Verdict::WriteLeft(name, value, _) => {
            quiet(format!("Intercom: {name} = {}", quoted(&value_text(&right_as_one(&[value])))))
        }
        Verdict::Leave(why) => quiet(format!("left alone: {why}")),
        Verdict::Conflict { kind, .. } => {
            Outcome { words: format!("conflict: {}", kind.phrase()), is_conflict: true }
        }
    }
}
