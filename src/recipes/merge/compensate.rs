//! When a later system refuses: the steps that take back what can be taken back in the earlier ones.
//!
//! Values that were written over a survivor's own are set back, and references are put right. A vendor's merge itself
//! cannot be taken apart from here; that is said, and the candidate of the system that refused stays open.

use std::collections::HashMap;

use serde_json::Value;

use super::{losses, merged_systems};
use crate::domain::capsule::PreImage;
use crate::domain::error_class::ErrorClass;
use crate::domain::merge::Compensation;
use crate::domain::plan::{Effect, Plan, Step, StepState};
use crate::domain::record::{Fields, RecordRef, System, value_text};
use crate::mapping::Mapping;

/// Whether a refusal of a step is one that waiting does not mend, after another system was merged already.
pub fn is_due(plan: &Plan, place: usize, class: ErrorClass) -> bool {
    let final_word = matches!(
        class,
        ErrorClass::Permission
            | ErrorClass::Validation
            | ErrorClass::UnknownField
            | ErrorClass::NotAllowedValue
            | ErrorClass::DuplicateDetected
            | ErrorClass::NotFound
            | ErrorClass::MergedAway
            | ErrorClass::Converted
            | ErrorClass::Conflict
            | ErrorClass::TooLarge
    );
    let Some(step) = plan.steps.get(place) else { return false };
    let system = step.effect.connection().system;
    let merges = matches!(step.effect, Effect::Merge { .. });
    let others = merged_systems(plan);
    final_word
        && plan.compensation.is_none()
        && merges
        && others.iter().any(|other| *other != system)
        && !others.contains(&system)
}

/// Adds the compensation to a plan: `before` are the records as they were, `linked` those that refer to a merged one.
pub fn compensate(
    plan: &mut Plan,
    place: usize,
    refusal: &str,
    before: &[PreImage],
    linked: &[RecordRef],
    mapping: &Mapping,
) {
    let from_step = plan.steps.len() as u32;
    // A survivor may have another id since then, and another one again after the next merge.
    let mut now: HashMap<RecordRef, RecordRef> = HashMap::new();
    let mut first: HashMap<RecordRef, RecordRef> = HashMap::new();
    for step in plan.steps.iter().filter(|step| step.state == StepState::Done) {
        if let (Effect::Merge { survivor, .. }, Some(result)) = (&step.effect, &step.result) {
            let origin = first.get(survivor).unwrap_or(survivor).clone();
            for current in now.values_mut().filter(|current| *current == survivor) {
                current.clone_from(result);
            }
            now.insert(survivor.clone(), result.clone());
            first.insert(result.clone(), origin);
        }
    }
    let mut back: Vec<Step> = Vec::new();
    for step in &plan.steps {
        let written = match &step.effect {
            Effect::Update { record, fields } if step.state == StepState::Done => (record, fields),
            Effect::Merge { survivor, values, .. } if step.state == StepState::Done => (survivor, values),
            _ => continue,
        };
        if let Some(step) = set_back(written, before, (&now, &first), mapping) {
            back.push(step);
        }
    }
    // Everybody who belongs to the merged record refers to it, also those who were to go away.
    let merged = plan.steps.iter().rev().find_map(|step| match &step.effect {
        Effect::Merge { survivor, .. }
            if step.state == StepState::Done && survivor.system() != System::Intercom =>
        {
            step.result.clone()
        }
        _ => None,
    });
    if let Some(merged) = &merged {
        let pointed = |record: &RecordRef| {
            plan.steps.iter().any(|step| {
                matches!(&step.effect, Effect::Update { record: one, fields } if one == record
                    && fields.contains_key(&mapping.intercom_identity) && step.state == StepState::Done)
            })
        };
        for record in linked.iter().filter(|record| record.system() == System::Intercom && !pointed(record)) {
            let fields =
                [(mapping.intercom_identity.clone(), Value::String(merged.id.clone()))].into_iter().collect();
            back.push(Step::new(
                format!("Point {} to the merged record", record.title()),
                Effect::Update { record: record.clone(), fields },
            ));
        }
    }
    let stays: Vec<String> =
        merged_systems(plan).into_iter().map(|system| losses::stays(system).to_owned()).collect();
    let title = plan.steps.get(place).map(|step| step.title.clone()).unwrap_or_default();
    plan.steps.extend(back);
    plan.compensation = Some(Compensation {
        from_step,
        why: format!("{title}: {refusal}"),
        stays: format!("{}.", stays.join("; ")),
    });
}

/// What one written step overwrote, as a step that sets it back; none where it overwrote nothing.
fn set_back(
    (record, fields): (&RecordRef, &Fields),
    before: &[PreImage],
    (now, first): (&HashMap<RecordRef, RecordRef>, &HashMap<RecordRef, RecordRef>),
    mapping: &Mapping,
) -> Option<Step> {
    let origin = first.get(record).unwrap_or(record);
    let image = before.iter().find(|image| image.mirror.record == *origin)?;
    let reference =
        |name: &str| *name == mapping.intercom_identity || name.eq_ignore_ascii_case(&mapping.crm_identity);
    let restored: Fields = fields
        .iter()
        .filter(|(name, value)| !reference(name) && image.mirror.text(name) != value_text(value))
        // What was blank is no value of anybody's that was overwritten, and an opt-out is never taken back.
        .filter(|(name, _)| !image.mirror.text(name).is_empty() && !super::survivors::is_consent(name))
        .filter_map(|(name, _)| Some((name.clone(), image.mirror.value(name)?.clone())))
        .collect();
    let now = now.get(record).unwrap_or(record).clone();
    let names: Vec<&str> = restored.keys().map(String::as_str).collect();
    let title = format!("Set back {} of {}", names.join(", "), now.title());
    (!restored.is_empty()).then(|| Step::new(title, Effect::Update { record: now, fields: restored }))
}
