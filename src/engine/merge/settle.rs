//! After a vendor's merge: what it made of the records is read back, values it decided otherwise are written, and what
//! stays otherwise is noted with the execution. And the way back when a later system refuses.

use crate::domain::error_class::ErrorClass;
use crate::domain::merge::Deviation;
use crate::domain::plan::{Effect, StepState};
use crate::domain::record::{Fields, Mirror, RecordRef, value_text};
use crate::engine::turn::{Stop, Turn};
use crate::journal::facts::value_hash;
use crate::recipes::merge;
use crate::vendors::VendorError;
use crate::vendors::together::{Brought, Errand};

impl Turn<'_> {
    /// An update of what a merge made: only what differs is sent, and what stays otherwise is noted. The inner error is
    /// the vendor's, of a kind that trying again may mend.
    pub(in crate::engine) async fn settle_values(
        &mut self,
        place: usize,
    ) -> Result<Result<RecordRef, VendorError>, Stop> {
        let Effect::Update { record, fields: expected } = self.planned.plan.steps[place].effect.clone()
        else {
            return Ok(Err(VendorError::new(ErrorClass::Unknown, "Only an update can be settled.")));
        };
        let now = match self.as_merged(&record).await? {
            Ok(now) => now,
            Err(error) => return Ok(Err(error)),
        };
        let differing = differing(&now, &expected);
        if differing.is_empty() {
            let system = record.system().title();
            self.planned.plan.steps[place].title =
                format!("Read {} back: {system} holds what was chosen", now.record.title());
            self.planned.plan.steps[place].effect =
                Effect::Update { record: now.record.clone(), fields: Fields::new() };
            return Ok(Ok(now.record));
        }
        let names: Vec<&str> = differing.keys().map(String::as_str).collect();
        self.planned.plan.steps[place].title = format!("Update {}: {}", now.record.title(), names.join(", "));
        let effect = Effect::Update { record: now.record.clone(), fields: differing.clone() };
        self.planned.plan.steps[place].effect = effect.clone();
        match self.run_errand(Errand::Perform(effect), Some(place)).await? {
            Ok(Brought::Done(_)) => {}
            Ok(_) => {
                return Ok(Err(VendorError::new(ErrorClass::Unknown, "A step brought something else back.")));
            }
            // The merge is done: a value the vendor does not take is told of, and holds nothing else back.
            Err(error) if not_taken(error.class) => {
                self.deviates(&now, &differing, Some(&error.words));
                let system = record.system().title();
                let step = &mut self.planned.plan.steps[place];
                step.title = format!("{system} did not take {} of {}", names.join(", "), now.record.title());
                step.effect = Effect::Update { record: now.record.clone(), fields: Fields::new() };
                return Ok(Ok(now.record));
            }
            Err(error) => return Ok(Err(error)),
        }
        self.mirrors.retain(|mirror| mirror.record != now.record);
        if let Ok(then) = self.read(&now.record).await? {
            let left = self::differing(&then, &expected);
            self.deviates(&then, &left, None);
        }
        Ok(Ok(now.record))
    }

    /// The merged record: as read right after the merge, else now.
    async fn as_merged(&mut self, record: &RecordRef) -> Result<Result<Mirror, VendorError>, Stop> {
        if let Some(known) = self.mirrors.iter().find(|mirror| mirror.record == *record) {
            return Ok(Ok(known.clone()));
        }
        match self.read(record).await? {
            // An id that leads to the merged record.
            Err(error) if error.class == ErrorClass::MergedAway && error.existing.is_some() => {
                let now = error.existing.as_deref().cloned().unwrap_or_else(|| record.clone());
                self.read(&now).await
            }
            read => Ok(read),
        }
    }

    fn deviates(&mut self, now: &Mirror, fields: &Fields, words: Option<&str>) {
        for (field, expected) in fields {
            self.planned.plan.deviations.push(Deviation {
                record: now.record.clone(),
                field: field.clone(),
                expected: value_text(expected),
                kept: now.text(field),
                words: words.map(str::to_owned),
            });
        }
    }

    /// Performs what takes an unfinished merge over several systems back, then ends the turn: a human is asked.
    pub(in crate::engine) async fn take_back(
        &mut self,
        place: usize,
        error: &VendorError,
    ) -> Result<(), Stop> {
        let id = self.claim.execution.id;
        let before = self.engine.journal.before_merge(id).await?;
        let mut linked: Vec<RecordRef> = Vec::new();
        let results: Vec<RecordRef> =
            self.planned.plan.steps.iter().filter_map(|step| step.result.clone()).collect();
        for record in before.iter().map(|image| &image.mirror.record).chain(&results) {
            for other in self.engine.journal.known(record).await?.records {
                if !linked.contains(&other) {
                    linked.push(other);
                }
            }
        }
        let mapping = self.engine.mapping_of(crate::domain::record::ObjectKind::Contact).clone();
        self.planned.plan.steps[place].state = StepState::Failed;
        merge::compensate(&mut self.planned.plan, place, &error.words, &before, &linked, &mapping);
        Ok(())
    }
}

/// Fields of which a record holds something else.
fn differing(now: &Mirror, expected: &Fields) -> Fields {
    let none = serde_json::Value::Null;
    expected
        .iter()
        .filter(|(name, value)| value_hash(now.value(name).unwrap_or(&none)) != value_hash(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A refusal of values, which no later try mends.
const fn not_taken(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Validation
            | ErrorClass::NotAllowedValue
            | ErrorClass::UnknownField
            | ErrorClass::Permission
            | ErrorClass::DuplicateDetected
            | ErrorClass::TooLarge
    )
}
