//! Taking back what a settled conflict wrote: each field gets the value it had before, and the conflict is open again.
//!
//! The same function makes the preview and the plan that runs; only the facts differ in age. It never writes over what
//! somebody has changed since, and never touches a field that the settlement did not write.

use serde_json::Value;

use super::contact_sync::{Planned, conflict as found, update_step};
use super::mend::{IDENTITY, Impossible};
use crate::domain::agreement::Agreement;
use crate::domain::plan::{Effect, Step, StepState};
use crate::domain::record::{Fields, Mirror, value_text};
use crate::domain::review::{Conflict, ConflictKind};
use crate::domain::text::shorten;
use crate::mapping::judge::{right_as_one, same};
use crate::mapping::{FieldMapping, Mapping};

/// Letters of a value in a sentence.
const SHOWN: usize = 40;

/// Plans the way back of what `done`, the steps of the settlement, wrote into the two records as they are now.
pub fn plan(
    conflict: &Conflict,
    field: &FieldMapping,
    done: &[Step],
    left: &Mirror,
    right: &Mirror,
    mapping: &Mapping,
) -> Result<Planned, Impossible> {
    if conflict.field == IDENTITY {
        return Err(Impossible("Who somebody is cannot be made unsaid; say it anew if it is wrong.".into()));
    }
    if conflict.kind == ConflictKind::NotAllowed && field.transform.forward(&conflict.left_value).is_ok() {
        return Err(Impossible(format!(
            "The mapping knows \"{}\" by now and would carry it over again; take the line out of its table.",
            shorten(&value_text(&conflict.left_value), SHOWN)
        )));
    }
    let mut planned = Planned::default();
    let (mut left_then, mut right_then) = (left.clone(), right.clone());
    for step in done.iter().filter(|step| step.state == StepState::Done) {
        let Effect::Update { record, fields } = &step.effect else { continue };
        let ours = *record == left.record;
        if !ours && *record != right.record {
            continue;
        }
        let mirror = if ours { &mut left_then } else { &mut right_then };
        let mut back = Fields::default();
        for (name, written) in fields {
            let before = before(conflict, field, ours, name)?;
            let now = mirror.fields.get(name).cloned().unwrap_or_default();
            if !same(field, &now, written) {
                return Err(Impossible(format!(
                    "{name} of {} is \"{}\" by now, not the \"{}\" it was given; what somebody wrote since is not written over.",
                    record.title(),
                    shorten(&value_text(&now), SHOWN),
                    shorten(&value_text(written), SHOWN),
                )));
            }
            mirror.fields.insert(name.clone(), before.clone());
            back.insert(name.clone(), before);
        }
        planned.plan.steps.push(update_step(mirror, back, mapping));
    }
    if planned.plan.steps.is_empty() {
        return Err(Impossible(format!("The decision on {} wrote nothing.", conflict.id)));
    }
    // What both agreed on before the conflict. With the settled value as the last agreed one, the next event would take
    // the value that came back for a change of that side alone, and carry it over unasked.
    let base = conflict.base.clone().unwrap_or_default();
    let turned = field.transform.forward(&base).unwrap_or_else(|_| vec![Value::Null; field.crm.len()]);
    let agreed = Agreement { field: field.name.clone(), left: base, right: right_as_one(&turned) };
    let known = conflict.base.is_some().then_some(&agreed);
    let again = found(field, conflict.kind, conflict.allowed.clone(), &left_then, &right_then, known);
    planned.plan.conflicts.push(again);
    planned.will_agree.push(agreed);
    Ok(planned)
}

/// What stood in a field of Intercom's (`ours`) or the CRM's when the conflict was found.
fn before(conflict: &Conflict, field: &FieldMapping, ours: bool, name: &str) -> Result<Value, Impossible> {
    match field.crm.as_slice() {
        _ if ours && name == field.intercom => Ok(conflict.left_value.clone()),
        _ if ours => Err(Impossible(format!("{name} was no part of {}.", conflict.id))),
        [only] if only == name => Ok(conflict.right_value.clone()),
        [_] => Err(Impossible(format!("{name} was no part of {}.", conflict.id))),
        _ => Err(Impossible(format!(
            "{} is made of several fields of the CRM, whose former values are not kept apart; put them right in the CRM.",
            field.name
        ))),
    }
}
