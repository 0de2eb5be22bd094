//! The steps of a plan, one after the other: the intent is stored before the call, its answer after it.
//!
//! A later step never runs when an earlier one failed. A call that may have happened is looked up before it is sent
//! again; before a merge the full pre-image of both records is durable.

use std::time::Duration;

use super::batch::Begin;
use super::turn::{Stop, Turn};
use crate::domain::agreement::Echo;
use crate::domain::audit::NewEntry;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Plan, Relation, StepState};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, value_text};
use crate::domain::review::Decision;
use crate::journal::facts::value_hash;
use crate::journal::queue::Intent;
use crate::recipes::merge;
use crate::vendors::together::{Brought, Errand};
use crate::vendors::{self, VendorError};

impl Turn<'_> {
    /// Steps that may have happened: looked up where repeating would do harm.
    pub(super) async fn look_up_doubts(&mut self) -> Result<(), Stop> {
        for place in 0..self.planned.plan.steps.len() {
            let step = &self.planned.plan.steps[place];
            if !matches!(step.state, StepState::Begun | StepState::InDoubt) {
                continue;
            }
            if step.effect.is_repeatable() {
                self.planned.plan.steps[place].state = StepState::Waiting;
                continue;
            }
            let effect = step.effect.clone();
            // Until it has been looked up it is in doubt, also when this turn ends before the look.
            self.planned.plan.steps[place].state = StepState::InDoubt;
            let found = self.probe(place, &effect).await?;
            match found {
                Ok(Some(record)) => self.done(place, &effect, &record).await?,
                Ok(None) => self.planned.plan.steps[place].state = StepState::Waiting,
                Err(error) => return Err(Stop::Vendor(Box::new(error), Some(place))),
            }
        }
        Ok(())
    }

    /// Performs what is not done yet.
    pub(super) async fn perform(&mut self) -> Result<(), Stop> {
        self.keep_before_archiving().await?;
        let mut place = self.begins_at();
        while place < self.planned.plan.steps.len() {
            if self.planned.plan.steps[place].state == StepState::Done {
                place += 1;
                continue;
            }
            self.fill(place);
            let effect = self.planned.plan.steps[place].effect.clone();
            let result = match &effect {
                Effect::Merge { .. } => self.merge(place, &effect).await?,
                Effect::Update { .. } if self.planned.plan.steps[place].reads_back => {
                    self.settle_values(place).await?
                }
                _ => match self.run_errand(Errand::Perform(effect.clone()), Some(place)).await? {
                    Ok(Brought::Done(record)) => Ok(record),
                    Ok(_) => {
                        Err(VendorError::new(ErrorClass::Unknown, "A step brought something else back."))
                    }
                    Err(error) => Err(error),
                },
            };
            let effect = self.planned.plan.steps[place].effect.clone();
            match result {
                Ok(record) => self.done(place, &effect, &record).await?,
                Err(error)
                    if merge::is_due(&self.planned.plan, place, error.class) && !error.may_have_happened =>
                {
                    self.take_back(place, &error).await?;
                    place = self.begins_at();
                    continue;
                }
                Err(error) => return Err(Stop::Vendor(Box::new(error), Some(place))),
            }
            place += 1;
        }
        match &self.planned.plan.compensation {
            Some(taken_back) => Err(Stop::TakenBack(Box::new(taken_back.clone()))),
            None => Ok(()),
        }
    }

    /// Copying over and archiving in the place of a merge: both are kept whole before the first call, as before a merge.
    async fn keep_before_archiving(&mut self) -> Result<(), Stop> {
        let Some((Decision::Merge { survivor, wish, .. }, _)) = self.claim.decision.clone() else {
            return Ok(());
        };
        let steps = &self.planned.plan.steps;
        let begun = steps.iter().any(|step| step.state != StepState::Waiting);
        if wish.instead.is_none() || begun || steps.is_empty() {
            return Ok(());
        }
        let archived = steps.iter().filter_map(|step| match &step.effect {
            Effect::Archive { record } => Some(record.clone()),
            _ => None,
        });
        let records: Vec<RecordRef> = std::iter::once(survivor).chain(archived).collect();
        let capsule = super::capsule::of(self, &records.iter().collect::<Vec<_>>()).await?;
        let Begin { id, token, lease, intent } = self.intent(0);
        self.engine.journal.begin(id, token, Intent { capsule, ..intent }, lease).await?;
        self.begun(0);
        Ok(())
    }

    /// The first step that counts: of a plan that is being taken back only what takes it back does.
    fn begins_at(&self) -> usize {
        self.planned.plan.compensation.as_ref().map_or(0, |taken_back| taken_back.from_step as usize)
    }

    /// Puts in what earlier steps gave.
    fn fill(&mut self, place: usize) {
        for fill in self.planned.plan.steps[place].fills.clone() {
            let given =
                self.planned.plan.steps.get(fill.from_step as usize).and_then(|step| step.result.clone());
            if let Some(record) = given {
                self.planned.plan.steps[place].effect.fill(&fill.field, &record);
            }
        }
    }

    /// Looks whether a step that may have happened has. A create is looked for by what it is known by, which may travel
    /// with other lookups.
    pub(super) async fn probe(
        &mut self,
        place: usize,
        effect: &Effect,
    ) -> Result<Result<Option<RecordRef>, VendorError>, Stop> {
        if let Effect::Create { connection, object: ObjectKind::Contact, fields, identity, .. } = effect {
            let (connection, field) = (connection.clone(), identity.clone());
            let value = fields.get(identity).map(value_text).unwrap_or_default();
            let errand = Errand::Find { connection, field, value };
            if errand.endpoint(self.engine.clients.settings()).is_some() {
                return Ok(match self.run_errand(errand, Some(place)).await? {
                    Ok(Brought::Found(found)) => Ok(found.into_iter().next().map(|mirror| mirror.record)),
                    Ok(_) => Ok(None),
                    Err(error) => Err(error),
                });
            }
        }
        self.admit(effect.connection()).await?;
        let found = vendors::probe(&self.engine.clients, effect, &mut self.log).await;
        self.learn(Some(place));
        Ok(found)
    }

    /// A merge: every record it touches is read whole right before it, and stored with its intent.
    async fn merge(&mut self, place: usize, effect: &Effect) -> Result<Result<RecordRef, VendorError>, Stop> {
        self.admit(effect.connection()).await?;
        let capsule = super::capsule::take(self, effect).await?;
        let Begin { id, token, lease, intent } = self.intent(place);
        self.engine.journal.begin(id, token, Intent { capsule, ..intent }, lease).await?;
        self.begun(place);
        let result = vendors::perform(&self.engine.clients, effect, &mut self.log).await;
        self.learn(Some(place));
        Ok(result)
    }

    /// What is stored before a step is sent, so that whoever finds the work again after a crash knows it.
    pub(super) fn intent(&self, place: usize) -> Begin {
        let mut plan = Plan { will_agree: self.planned.will_agree.clone(), ..self.planned.plan.clone() };
        plan.steps[place].state = StepState::Begun;
        let mut echoes = match &plan.steps[place].effect {
            // What is put back is news to the other side, which took over what the merge made.
            _ if self.takes_back() => Vec::new(),
            Effect::Update { record, fields } => echoes(record, fields),
            Effect::Create { connection, fields, .. } => {
                echoes(&super::intake::record_to_be(connection), fields)
            }
            _ => Vec::new(),
        };
        // What earlier steps did is stored with the plan that calls them done: a crash during this call must not
        // leave a done step of which neither the audit log nor the identity map knows.
        echoes.extend(self.echoes.iter().cloned());
        let intent = Intent {
            plan,
            echoes,
            capsule: self.mending.before.clone(),
            identity: self.identity.clone(),
            remapped: self.remapped.clone(),
            audit: self.audit.clone(),
            editions: self.editions.clone(),
        };
        Begin {
            id: self.claim.execution.id,
            token: self.claim.token,
            lease: Duration::from_secs(self.engine.settings.lease_seconds),
            intent,
        }
    }

    /// A step's intent is stored, and with it what earlier steps did.
    pub(super) fn begun(&mut self, place: usize) {
        self.planned.plan.steps[place].state = StepState::Begun;
        self.echoes.clear();
        self.remapped.clear();
        self.audit.clear();
        self.mending.before.clear();
    }

    /// A step is done: the plan, our copies and the audit say so.
    async fn done(&mut self, place: usize, effect: &Effect, record: &RecordRef) -> Result<(), Stop> {
        let step = &mut self.planned.plan.steps[place];
        step.state = StepState::Done;
        step.result = Some(record.clone());
        // Nothing had to be sent: what a merge made of the records is what was planned.
        if matches!(effect, Effect::Update { fields, .. } if fields.is_empty()) {
            return Ok(());
        }
        match effect {
            Effect::Create { fields, .. } => {
                if !self.takes_back() {
                    self.echoes.extend(echoes(record, fields));
                }
                // A task or a deal that was made because of a record is not that record.
                let person = self.person.clone().or_else(|| self.claim.execution.record.clone());
                if let Some(from) = person.filter(|from| are_one(from, record)) {
                    self.identity = vec![from, record.clone()];
                }
                self.saw(Mirror {
                    record: record.clone(),
                    fields: fields.clone(),
                    vendor_updated_at: None,
                    companies: Vec::new(),
                    deleted: false,
                });
            }
            Effect::Update { record, fields } => {
                let known = match self.mirrors.iter().find(|mirror| mirror.record == *record) {
                    Some(known) => Some(known.clone()),
                    None => self.engine.journal.mirror(record).await?,
                };
                if let Some(mut mirror) = known {
                    mirror.fields.extend(fields.clone());
                    self.saw(mirror);
                }
            }
            Effect::Merge { survivor, .. } => self.merged(survivor, effect, record).await?,
            // A timeline belongs to the person and changes none of their fields, and so do tags, events and conversations.
            Effect::Log { .. }
            | Effect::Tag { .. }
            | Effect::Track { .. }
            | Effect::Converse { .. }
            | Effect::Reply { .. }
            | Effect::Assign { .. }
            | Effect::DefineField { .. } => {}
            Effect::Archive { record } => {
                self.put_away(record).await?;
                // In the place of a merge: who belonged to it belongs to the one that goes on.
                if let Some((Decision::Merge { survivor, .. }, _)) = &self.claim.decision {
                    self.remapped.push((record.clone(), survivor.clone()));
                }
            }
            // Back with whatever it held: only a read can say. It is done whatever that read says.
            Effect::Restore { record } => {
                let _ = self.read(record).await?;
            }
            Effect::Release { contact, email } => self.released(contact, email).await?,
            // What was read before it is not kept.
            Effect::Erase { record } => self.mirrors.retain(|mirror| mirror.record != *record),
            Effect::Unlink { .. } | Effect::Link { relation: Relation::Converted, .. } => {
                self.linked_otherwise(effect, record).await?;
            }
            Effect::Link { contact, company, relation, .. } => {
                let known = match self.mirrors.iter().find(|mirror| mirror.record == *contact) {
                    Some(known) => Some(known.clone()),
                    None => self.engine.journal.mirror(contact).await?,
                };
                if let Some(mut mirror) = known {
                    if company.object == ObjectKind::Company {
                        super::link::related(&mut mirror, &company.id, *relation);
                    }
                    self.saw(mirror);
                }
            }
        }
        self.audit.push(self.entry(effect, record));
        Ok(())
    }

    /// Our copy of a record that was put away says so.
    async fn put_away(&mut self, record: &RecordRef) -> Result<(), Stop> {
        let known = match self.mirrors.iter().find(|mirror| mirror.record == *record) {
            Some(known) => Some(known.clone()),
            None => self.engine.journal.mirror(record).await?,
        };
        if let Some(known) = known {
            self.saw(Mirror { deleted: true, ..known });
        }
        Ok(())
    }

    /// Our copy of a contact has one additional e-mail less.
    async fn released(&mut self, contact: &RecordRef, email: &str) -> Result<(), Stop> {
        const ADDITIONAL: &str = "hs_additional_emails";
        let known = match self.mirrors.iter().find(|mirror| mirror.record == *contact) {
            Some(known) => Some(known.clone()),
            None => self.engine.journal.mirror(contact).await?,
        };
        if let Some(mut mirror) = known {
            let emails = mirror.text(ADDITIONAL);
            let left: Vec<&str> = emails.split(';').filter(|one| !one.eq_ignore_ascii_case(email)).collect();
            mirror.fields.insert(ADDITIONAL.to_owned(), left.join(";").into());
            self.saw(mirror);
        }
        Ok(())
    }

    /// The audit line of an effect that is done.
    pub(super) fn entry(&self, effect: &Effect, record: &RecordRef) -> NewEntry {
        NewEntry {
            actor: self
                .claim
                .decision
                .as_ref()
                .map_or_else(|| "engine".to_owned(), |(_, actor)| actor.clone()),
            verb: verb(effect).to_owned(),
            object: record.to_string(),
            note: format!("{} {}: {}", self.claim.execution.recipe, self.claim.execution.id, what(effect)),
        }
    }

    /// Reads the merged record back, and points everything that named one of the records to it: here and in the steps
    /// that follow.
    async fn merged(
        &mut self,
        survivor: &RecordRef,
        effect: &Effect,
        merged: &RecordRef,
    ) -> Result<(), Stop> {
        let gone: Vec<&RecordRef> = effect.absorbed().collect();
        self.mirrors.retain(|mirror| mirror.record != *survivor && !gone.contains(&&mirror.record));
        for old in gone.into_iter().chain([survivor]) {
            if old != merged {
                self.remapped.push((old.clone(), merged.clone()));
            }
        }
        for step in self.planned.plan.steps.iter_mut().filter(|step| step.state == StepState::Waiting) {
            step.effect.take(survivor, merged);
        }
        // The merge is done whatever this read says; without it the copy is only older.
        let _ = self.read(merged).await?;
        Ok(())
    }
}

/// Whether two records of two systems can be one person or one organisation.
fn are_one(from: &RecordRef, made: &RecordRef) -> bool {
    let person = |record: &RecordRef| matches!(record.object, ObjectKind::Contact | ObjectKind::Lead);
    from.connection != made.connection && (person(from) && person(made) || from.object == made.object)
}

fn echoes(record: &RecordRef, fields: &Fields) -> Vec<Echo> {
    fields
        .iter()
        .map(|(field, value)| Echo {
            record: record.clone(),
            field: field.clone(),
            value_hash: value_hash(value),
        })
        .collect()
}

const fn verb(effect: &Effect) -> &'static str {
    match effect {
        Effect::Create { .. } => "create",
        Effect::Update { .. } => "update",
        Effect::Merge { .. } => "merge",
        Effect::Link { .. } => "link",
        Effect::Unlink { .. } => "unlink",
        Effect::Log { .. } => "log",
        Effect::Erase { .. } => "erase",
        Effect::Archive { .. } => "archive",
        Effect::Restore { .. } => "restore",
        Effect::Release { .. } => "release_email",
        Effect::Tag { on: true, .. } => "tag",
        Effect::Tag { .. } => "untag",
        Effect::Track { .. } => "track",
        Effect::Converse { .. } => "converse",
        Effect::Reply { .. } => "reply",
        Effect::Assign { .. } => "assign",
        Effect::DefineField { .. } => "define_field",
    }
}

/// Names of fields and records only: no personal data in the audit.
fn what(effect: &Effect) -> String {
    match effect {
        Effect::Create { fields, .. } | Effect::Update { fields, .. } => {
            fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        }
        Effect::Merge { survivor, .. } => {
            let absorbed: Vec<String> = effect.absorbed().map(ToString::to_string).collect();
            format!("{} into {survivor}", absorbed.join(", "))
        }
        Effect::Link { company, .. } => format!("to {company}"),
        Effect::Unlink { company, .. } => format!("from {company}"),
        Effect::Log { contact, key, .. } => format!("a conversation on the timeline of {contact} ({key})"),
        Effect::Erase { .. } => "deleted for good".to_owned(),
        Effect::Archive { .. } => "put away".to_owned(),
        Effect::Restore { .. } => "brought back".to_owned(),
        // Which e-mail it was is personal data.
        Effect::Release { contact, .. } => format!("an additional e-mail of {contact}"),
        Effect::Tag { tag, .. } => tag.clone(),
        Effect::Track { event, .. } => event.clone(),
        Effect::Converse { key, .. } => format!("a conversation ({key})"),
        Effect::Reply { key, note, .. } => format!("{} ({key})", if *note { "a note" } else { "a reply" }),
        Effect::Assign { to, team, .. } => format!("to {} {to}", if *team { "team" } else { "teammate" }),
        Effect::DefineField { object, field, .. } => format!("{object} field {field}"),
    }
}
