//! The calls that make one record of several in one system, in their order, and the references that follow.
//!
//! Salesforce takes three records and the surviving values in one call; HubSpot and Intercom take two at a time and
//! decide the values themselves, so those are read back and written afterwards.

use serde_json::Value;

use super::survivors::{Survivor, expected, is_consent};
use super::{Group, Merging};
use crate::domain::plan::{Effect, Fill, Step};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System, value_text};
use crate::mapping::transform::is_blank;
use crate::recipes::mend::Impossible;

/// Records Salesforce takes away with one call.
const LOSERS: usize = 2;

/// The cross-references are no matter of rules: they name what goes on at the other side.
pub(super) fn settle_references(survivors: &mut Vec<Survivor>, group: &Group<'_>, groups: &[Group<'_>]) {
    let mapping = group.mapping;
    if group.system() == System::Intercom {
        // Written when the record it names is known.
        survivors.retain(|one| one.field != mapping.intercom_identity);
        return;
    }
    let other = groups.iter().find(|other| other.system() == System::Intercom);
    let Some(goes_on) = other.and_then(|other| other.records.first()) else { return };
    for one in survivors.iter_mut().filter(|one| one.field.eq_ignore_ascii_case(&mapping.crm_identity)) {
        one.value = Value::String(goes_on.record.id.clone());
        one.from = one.values.iter().position(|value| value_text(value) == goes_on.record.id);
        "the Intercom contact that goes on".clone_into(&mut one.rule);
    }
}

/// Adds the steps of one system.
pub(super) fn steps(
    merging: &mut Merging,
    group: &Group<'_>,
    groups: &[Group<'_>],
    survivors: &[Survivor],
) -> Result<(), Impossible> {
    let master = group.master()?;
    let others = &group.records[1..];
    let expected = expected(survivors);
    opt_out_first(merging, master, others);
    let first = merging.planned.plan.steps.len();
    let merge_step = match group.system() {
        System::Salesforce => in_salesforce(merging, master, others, &expected),
        System::Hubspot | System::Intercom => {
            for other in others {
                merging.planned.plan.steps.push(merge_step(
                    master,
                    std::slice::from_ref(other),
                    Fields::new(),
                ));
            }
            merging.planned.plan.steps.len() - 1
        }
    };
    if merging.planned.plan.steps.len() == first {
        return Err(Impossible("A merge of one record is none.".to_owned()));
    }
    settle(merging, group, survivors, expected);
    references(merging, group, groups, merge_step as u32);
    Ok(())
}

/// Consent always survives: whoever said no to e-mail on any record has said no. Before the merge, so that no mail goes
/// out in between.
fn opt_out_first(merging: &mut Merging, master: &Mirror, others: &[Mirror]) {
    if master.record.system() != System::Intercom {
        return;
    }
    let fields: Fields = others
        .iter()
        .flat_map(|other| other.fields.iter())
        .filter(|(name, value)| {
            is_consent(name) && value_text(value) == "true" && master.text(name) != "true"
        })
        .map(|(name, _)| (name.clone(), Value::Bool(true)))
        .collect();
    if !fields.is_empty() {
        merging.planned.plan.steps.push(Step::new(
            format!("Keep the opt-out: unsubscribe {}", master.record.title()),
            Effect::Update { record: master.record.clone(), fields },
        ));
    }
}

fn merge_step(master: &Mirror, others: &[Mirror], values: Fields) -> Step {
    let verb = match (master.record.object, others.first().map(|other| other.record.object)) {
        (ObjectKind::Contact, Some(ObjectKind::Lead)) => "Convert",
        _ => "Merge",
    };
    let titles: Vec<String> = others.iter().map(|other| other.record.title()).collect();
    let mut absorbed = others.iter().map(|other| other.record.clone());
    let effect = Effect::Merge {
        survivor: master.record.clone(),
        absorbed: absorbed.next().unwrap_or_else(|| master.record.clone()),
        also: absorbed.collect(),
        values,
    };
    Step::new(format!("{verb} {} into {}", titles.join(" and "), master.record.title()), effect)
}

/// Rows of the survivor's kind by threes, then leads one by one; the place of the last.
fn in_salesforce(merging: &mut Merging, master: &Mirror, others: &[Mirror], expected: &Fields) -> usize {
    let (rows, leads): (Vec<Mirror>, Vec<Mirror>) =
        others.iter().cloned().partition(|other| other.record.object == master.record.object);
    let mut values: Fields = expected
        .iter()
        .filter(|(name, value)| value_text(value) != master.text(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for losers in rows.chunks(LOSERS) {
        merging.planned.plan.steps.push(merge_step(master, losers, std::mem::take(&mut values)));
    }
    for lead in &leads {
        merging.planned.plan.steps.push(merge_step(master, std::slice::from_ref(lead), Fields::new()));
    }
    merging.planned.plan.steps.len().saturating_sub(1)
}

/// What the vendor's own rule would leave: the survivor's value, else the next record's that has one. Salesforce's
/// merge leaves gaps, but what fills them went with the call.
fn by_the_vendor(group: &Group<'_>, one: &Survivor) -> Value {
    let rows = group.system() == System::Salesforce
        && group.records[1..].iter().any(|other| other.record.object == group.records[0].record.object);
    if rows {
        return one.value.clone();
    }
    one.values.iter().find(|value| !is_blank(value)).cloned().unwrap_or(Value::Null)
}

/// The one record is read back, and what the vendor decided otherwise is written.
fn settle(merging: &mut Merging, group: &Group<'_>, survivors: &[Survivor], expected: Fields) {
    if expected.is_empty() {
        return;
    }
    let likely: Fields = survivors
        .iter()
        .filter(|one| expected.contains_key(&one.field))
        .filter(|one| value_text(&by_the_vendor(group, one)) != value_text(&one.value))
        .map(|one| (one.field.clone(), one.value.clone()))
        .collect();
    let record = group.records[0].record.clone();
    let system = group.system().title();
    let title = if likely.is_empty() {
        format!("Read {} back, and write what {system} kept otherwise", record.title())
    } else {
        let names: Vec<&str> = likely.keys().map(String::as_str).collect();
        format!("Update {}: {}", record.title(), names.join(", "))
    };
    merging.likely.push((merging.planned.plan.steps.len(), likely));
    let mut step = Step::new(title, Effect::Update { record, fields: expected });
    step.reads_back = true;
    merging.planned.plan.steps.push(step);
}

/// Who refers to a record that goes away refers to the one that goes on.
fn references(merging: &mut Merging, group: &Group<'_>, groups: &[Group<'_>], merge_step: u32) {
    let mapping = group.mapping;
    let goes_away = |record: &RecordRef| {
        groups.iter().any(|other| other.records.iter().skip(1).any(|absorbed| absorbed.record == *record))
    };
    let (field, name) = match group.system() {
        System::Intercom => (&mapping.crm_identity, "Intercom contact"),
        _ => (&mapping.intercom_identity, "record"),
    };
    if field.is_empty() {
        return;
    }
    for linked in &group.linked {
        // What is merged away in the same run needs no reference any more.
        if goes_away(&linked.record) {
            continue;
        }
        if group.system() == System::Intercom {
            // Only a reference to the record that went away leads nowhere.
            let named = linked.text(field);
            if !group.records[1..].iter().any(|absorbed| absorbed.record.id == named) {
                continue;
            }
        }
        let whose =
            format!("{} {} {}", linked.record.system().title(), linked.record.object, linked.record.id);
        let mut step = Step::new(
            format!("Point {whose} to the merged {name}"),
            Effect::Update {
                record: linked.record.clone(),
                fields: [(field.clone(), Value::Null)].into_iter().collect(),
            },
        );
        step.fills.push(Fill { field: field.clone(), from_step: merge_step });
        merging.planned.plan.steps.push(step);
    }
}
