//! What became of a turn: the only place that turns a vendor's refusal into a state, a time and a sentence.
//!
//! Every sentence says what happened to the data. Whether trying again can help stands in the class table
//! ([`ErrorClass::treatment`]); here it is applied.

use std::time::Duration;

use super::limits::{Parked, family_of};
use super::retry;
use super::turn::{Stop, Turn};
use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::execution::{Attempt, Outcome, Status};
use crate::domain::fingerprint::{Failure, Mark};
use crate::domain::limit::Family;
use crate::domain::merge::Compensation;
use crate::domain::pause::Pause;
use crate::domain::plan::{Effect, FoundConflict, Plan, StepState};
use crate::domain::record::{Connection, value_text};
use crate::domain::review::ConflictKind;
use crate::domain::text::clean;
use crate::journal::queue::Settlement;
use crate::recipes;
use crate::recipes::contact_sync;
use crate::vendors::VendorError;

/// How long a search may lag behind a write; a doubt is looked up after it.
const SEARCH_LAG: Duration = Duration::from_secs(2);
/// How long a connection rests after "too many calls" without a time.
const UNSAID_PAUSE: Duration = Duration::from_secs(10);
/// How long it rests when the day's calls are used up and nobody says until when: looked at again in between.
const UNSAID_QUOTA_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Tries with changed facts before a human is asked.
const REPLANS: u32 = 2;

impl Turn<'_> {
    /// All steps are done, or there was none.
    pub(super) fn succeeded(&mut self) -> (Status, Settlement) {
        let plan = std::mem::take(&mut self.planned.plan);
        if self.shadow {
            return self.shadowed(plan);
        }
        let created =
            plan.steps.iter().any(|step| matches!(step.effect, Effect::Create { .. } | Effect::Log { .. }));
        let decided = self.claim.decision.is_some();
        let (status, outcome, mut sentence) = match (&plan.nothing, plan.steps.is_empty()) {
            (Some(reason), true) if decided => (Status::Succeeded, Outcome::Unchanged, reason.clone()),
            (Some(reason), true) => (Status::Skipped, Outcome::Skip, reason.clone()),
            (None, true) if !plan.notices.is_empty() => {
                let told: Vec<&str> = plan.notices.iter().map(|notice| notice.channel.as_str()).collect();
                (Status::Succeeded, Outcome::Updated, format!("Told {}.", told.join(", ")))
            }
            (None, true) if plan.conflicts.is_empty() => {
                (Status::Succeeded, Outcome::Unchanged, "Both sides agree; nothing had to be written.".into())
            }
            (None, true) => (Status::Succeeded, Outcome::Unchanged, "Nothing was written.".into()),
            (_, false) => {
                let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
                let outcome = if created { Outcome::Created } else { Outcome::Updated };
                (Status::Succeeded, outcome, format!("{}.", titles.join("; ")))
            }
        };
        let held = plan
            .skips
            .iter()
            .filter(|skip| skip.reason == contact_sync::HELD)
            .map(|skip| skip.field.as_str());
        let fields: Vec<&str> =
            plan.conflicts.iter().map(|conflict| conflict.field.as_str()).chain(held).collect();
        if !fields.is_empty() {
            if outcome == Outcome::Unchanged && !decided {
                sentence = "Nothing was written.".into();
            }
            let verb = if fields.len() == 1 { "waits" } else { "wait" };
            sentence.push_str(&format!(" {} {verb} for a decision.", fields.join(", ")));
        }
        if !plan.deviations.is_empty() {
            let fields: Vec<String> = plan
                .deviations
                .iter()
                .map(|one| format!("{} of {}", one.field, one.record.title()))
                .collect();
            sentence.push_str(&format!(" Kept otherwise than planned: {}.", fields.join(", ")));
        }
        let mut agreements = std::mem::take(&mut self.planned.agreed);
        agreements.append(&mut self.planned.will_agree);
        let settlement = Settlement {
            sentence,
            outcome: Some(outcome),
            agreements,
            resumed_from: self.resumed_from,
            conflicts: plan.conflicts.clone(),
            notices: plan.notices.clone(),
            taken_back: self.mending.taken_back.take(),
            plan: Some(plan),
            ..self.common()
        };
        (status, settlement)
    }

    /// The turn ended early.
    pub(super) fn stopped(&mut self, stop: Stop) -> (Status, Settlement) {
        match stop {
            Stop::Parked(parked) => self.parked(&parked),
            Stop::Paused(pause) => self.paused(&pause),
            Stop::Impossible(impossible) => {
                let settlement = Settlement {
                    sentence: format!("{impossible} Nothing was written."),
                    outcome: Some(Outcome::Error),
                    error_class: Some(ErrorClass::Conflict),
                    failed_try: true,
                    conflicts: std::mem::take(&mut self.planned.plan.conflicts),
                    ..self.common()
                };
                (Status::Failed, settlement)
            }
            Stop::Missing(sentence) => self.lacking(ErrorClass::MissingData, sentence),
            Stop::Fault(words) => self.lacking(ErrorClass::Recipe, format!("{words}. Nothing was written.")),
            Stop::TakenBack(compensation) => self.taken_back(&compensation),
            Stop::Vendor(error, place) => self.refused(&self.connection_of(place), &error, place, None),
            Stop::Journal(_) => unreachable!("the caller returns journal errors before it asks"),
        }
    }

    /// A later system refused after an earlier one had merged: what could be taken back is, and a human is told the rest.
    fn taken_back(&mut self, compensation: &Compensation) -> (Status, Settlement) {
        let back: Vec<&str> = self
            .planned
            .plan
            .steps
            .iter()
            .skip(compensation.from_step as usize)
            .map(|step| step.title.as_str())
            .collect();
        let back = if back.is_empty() { String::new() } else { format!(" Taken back: {}.", back.join("; ")) };
        let settlement = Settlement {
            sentence: format!(
                "{}{back} Stays: {} The candidate of the system that refused is still open.",
                compensation.why, compensation.stays
            ),
            outcome: Some(Outcome::Error),
            error_class: Some(ErrorClass::Conflict),
            failed_try: true,
            plan: self.begun_plan(),
            ..self.common()
        };
        (Status::Failed, settlement)
    }

    /// No vendor was asked to do anything: the facts or the recipe have to be mended first.
    fn lacking(&mut self, class: ErrorClass, sentence: String) -> (Status, Settlement) {
        let settlement = Settlement {
            sentence,
            outcome: Some(Outcome::Error),
            error_class: Some(class),
            failed_try: true,
            ..self.common()
        };
        (Status::Failed, settlement)
    }

    /// What a recipe in shadow would have done. Nothing of it is true yet, so nothing is agreed or held back.
    fn shadowed(&mut self, plan: Plan) -> (Status, Settlement) {
        let mut would: Vec<String> = plan.steps.iter().map(|step| lower_first(&step.title)).collect();
        would.extend(plan.notices.iter().map(|notice| format!("tell {}: {}", notice.channel, notice.title)));
        let sentence = match (&plan.nothing, would.is_empty()) {
            (Some(reason), true) => format!("Shadow: {}", lower_first(reason)),
            (None, true) => "Shadow: nothing would have to be written.".to_owned(),
            (_, false) => format!("Shadow: would {}. Nothing was written.", would.join("; ")),
        };
        let settlement =
            Settlement { sentence, outcome: Some(Outcome::Skip), plan: Some(plan), ..self.common() };
        (Status::Skipped, settlement)
    }

    /// Waiting counts as no try. A breaker is waited for without a time: when it closes, the old one holds again.
    fn parked(&mut self, parked: &Parked) -> (Status, Settlement) {
        let in_doubt = self.not_begun();
        let long = parked.held_by.is_none() && parked.until.since(self.engine.clock.now()) > 60_000;
        let at = if long { format!(" at {}", parked.until.rfc3339()) } else { String::new() };
        let settlement = Settlement {
            sentence: format!("Waits for {}; goes on by itself{at}.", parked.why),
            due_at: parked.held_by.is_none().then_some(parked.until),
            held_by: parked.held_by.clone(),
            plan: self.begun_plan(),
            ..self.common()
        };
        (if in_doubt { Status::InDoubt } else { Status::Pending }, settlement)
    }

    /// Somebody paused it before it began: it stays what it was, so that it goes on holding back what it held back.
    fn paused(&mut self, pause: &Pause) -> (Status, Settlement) {
        let in_doubt = self.not_begun();
        let settlement = Settlement {
            sentence: pause.sentence(),
            held_by: Some(pause.scope.key()),
            plan: self.begun_plan(),
            ..self.common()
        };
        let status = match self.claim.execution.status {
            Status::Retrying => Status::Retrying,
            _ if in_doubt => Status::InDoubt,
            _ => Status::Pending,
        };
        (status, settlement)
    }

    /// A step that was about to begin has not; what is done stays done. Whether something is in doubt: that stays so
    /// while it waits, and goes on holding back the person's later events.
    fn not_begun(&mut self) -> bool {
        for step in &mut self.planned.plan.steps {
            if step.state == StepState::Begun {
                step.state = StepState::Waiting;
            }
        }
        // Where the turn ended before it took up the plan, the plan still is in the journal.
        let not_taken_up = self.claim.plan.is_some() && self.claim.execution.status == Status::InDoubt;
        not_taken_up || self.planned.plan.steps.iter().any(|step| step.state == StepState::InDoubt)
    }

    /// The vendor refused or did not answer. `held` is what to wait for when that concerns the whole connection.
    pub(super) fn refused(
        &mut self,
        connection: &Connection,
        error: &VendorError,
        place: Option<usize>,
        held: Option<Parked>,
    ) -> (Status, Settlement) {
        let now = self.engine.clock.now();
        let system = connection.system.title();
        let treatment = error.class.treatment();
        if treatment.retry == Retry::Wait {
            let rest =
                if error.class == ErrorClass::QuotaExhausted { UNSAID_QUOTA_PAUSE } else { UNSAID_PAUSE };
            let until = error.retry_at.filter(|at| *at > now).unwrap_or_else(|| now.plus(rest));
            let why = match error.class {
                ErrorClass::QuotaExhausted => format!("{system}'s daily allowance"),
                _ => format!("{system}'s rate limit"),
            };
            let family = match self.log.last() {
                Some(exchange) if exchange.connection == *connection => family_of(exchange),
                _ => Family::usual(connection.system),
            };
            self.engine.limits.close(connection, family, until, &why);
            return self.parked(&Parked { until, why, soon: false, held_by: None });
        }
        let failed = self.claim.execution.attempts + 1;
        let step = place.and_then(|place| self.planned.plan.steps.get_mut(place));
        // A step in doubt stays so when the look at it fails: a read that failed says nothing about the write.
        let uncertain = step.as_ref().is_some_and(|step| {
            !step.effect.is_repeatable() && (error.may_have_happened || step.state == StepState::InDoubt)
        });
        let title = step.as_ref().map(|step| step.title.clone());
        if let Some(held) = held {
            if let Some(step) = step {
                step.state = if uncertain { StepState::InDoubt } else { StepState::Waiting };
            }
            return self.held(&held, error, uncertain);
        }
        if let Some(step) = step {
            step.state = if uncertain { StepState::InDoubt } else { StepState::Failed };
        }
        let what = match (title, self.gone.last()) {
            (Some(title), _) => format!("{title}: {}", failure(error.class)),
            (None, Some(gone)) if error.class == ErrorClass::NotFound => {
                format!("{}, tied to this person, is gone there", gone.title())
            }
            (None, _) => format!("{system} could not be read: {}", failure(error.class)),
        };
        let consequence = self.consequence(uncertain);
        let exhausted = failed >= self.claim.execution.max_attempts;
        let (status, due_at) = match treatment.retry {
            _ if uncertain && !exhausted => {
                let wait = now.plus(if failed == 1 { SEARCH_LAG } else { retry::pause(failed) });
                // Looking is a call too: a vendor that said when to come back is not asked before.
                (Status::InDoubt, Some(error.retry_at.map_or(wait, |at| at.max(wait))))
            }
            Retry::Later if !exhausted => {
                let pause = now.plus(retry::pause(failed));
                (Status::Retrying, Some(error.retry_at.map_or(pause, |at| at.max(pause))))
            }
            Retry::Replan if failed <= REPLANS && self.learn_from(error) => (Status::Retrying, Some(now)),
            // The token works for other calls, or it works again by now: told apart by trying a little later.
            Retry::Never if error.class == ErrorClass::Auth && failed <= REPLANS && !exhausted => {
                (Status::Retrying, Some(now.plus(retry::pause(failed))))
            }
            _ => (Status::Failed, None),
        };
        let why = error.field.as_ref().map_or(String::new(), |field| format!(" ({field})"));
        let mut sentence = format!("{what}{why}. {consequence}");
        if status == Status::Failed && exhausted && (uncertain || treatment.retry == Retry::Later) {
            sentence.push_str(&format!(" Given up after {failed} tries. Kept until somebody decides."));
        }
        let conflicts = if status == Status::Failed { self.conflicts_of(error) } else { Vec::new() };
        let settlement = Settlement {
            mark: Some(self.mark(connection, error, place)),
            sentence,
            outcome: (status == Status::Failed).then_some(Outcome::Error),
            error_class: Some(error.class),
            error_code: error.status,
            vendor_words: Some(error.words.clone()),
            due_at,
            failed_try: true,
            agreements: std::mem::take(&mut self.planned.agreed),
            conflicts,
            plan: self.begun_plan(),
            ..self.common()
        };
        (status, settlement)
    }

    /// The connection is left alone from now on: no try is counted, whatever was in doubt stays so.
    fn held(&mut self, held: &Parked, error: &VendorError, uncertain: bool) -> (Status, Settlement) {
        let doubt =
            if uncertain { " It may have happened: looked up before anything is sent again." } else { "" };
        let settled = self.parked(held);
        let settlement = Settlement {
            sentence: format!("{}{doubt}", settled.1.sentence),
            error_class: Some(error.class),
            error_code: error.status,
            vendor_words: Some(error.words.clone()),
            ..settled.1
        };
        (settled.0, settlement)
    }

    /// What a refusal is kept by: values of the step that was refused do not count, however the vendor words it.
    fn mark(&self, connection: &Connection, error: &VendorError, place: Option<usize>) -> Mark {
        let step = place.and_then(|place| self.planned.plan.steps.get(place));
        let values: Vec<String> = match step.map(|step| &step.effect) {
            Some(Effect::Create { fields, .. } | Effect::Update { fields, .. }) => {
                fields.values().map(value_text).collect()
            }
            _ => Vec::new(),
        };
        Failure {
            system: Some(connection.system),
            class: error.class,
            code: error.status,
            field: error.field.as_deref(),
            words: &error.words,
            values: &values,
        }
        .mark()
    }

    pub(super) fn connection_of(&self, place: Option<usize>) -> Connection {
        place
            .and_then(|place| self.planned.plan.steps.get(place))
            .map(|step| step.effect.connection().clone())
            .or_else(|| self.called.clone())
            .or_else(|| self.log.last().map(|exchange| exchange.connection.clone()))
            .unwrap_or_else(|| self.engine.crm.clone())
    }

    /// What the failure means for the data.
    fn consequence(&self, uncertain: bool) -> String {
        let done: Vec<&str> = self
            .planned
            .plan
            .steps
            .iter()
            .filter(|step| step.state == StepState::Done)
            .map(|step| step.title.as_str())
            .collect();
        match (uncertain, done.is_empty()) {
            (true, _) => "It may have happened: looked up before anything is sent again.".into(),
            (false, true) => "Nothing was written.".into(),
            (false, false) => format!("Already done and kept: {}.", done.join("; ")),
        }
    }

    /// The facts changed under us: what the refusal teaches, so that the next plan is another one.
    fn learn_from(&mut self, error: &VendorError) -> bool {
        let Some(existing) = error.existing.as_deref().cloned() else {
            return error.class == ErrorClass::Conflict;
        };
        match error.class {
            ErrorClass::MergedAway | ErrorClass::Converted => {
                let old = self.claim.execution.record.clone().into_iter().chain(self.identity.clone());
                let same_side = old.into_iter().find(|record| record.connection == existing.connection);
                if let Some(old) = same_side.filter(|old| *old != existing) {
                    self.remapped.push((old, existing));
                }
                true
            }
            // Only a person without a record of their own may be the one that exists; with one, they are two records
            // of one person, and merging them is a human's decision.
            ErrorClass::DuplicateDetected if self.right.is_none() => {
                if let Some(from) = self.claim.execution.record.clone() {
                    self.identity = vec![from, existing];
                }
                true
            }
            _ => false,
        }
    }

    /// Fields the target refused become conflicts, so that a human can choose another value for just them.
    fn conflicts_of(&self, error: &VendorError) -> Vec<FoundConflict> {
        let sync = [recipes::CONTACT_TO_CRM, recipes::CONTACT_TO_INTERCOM];
        let (true, Some(left), Some(right)) =
            (sync.contains(&self.claim.execution.recipe.as_str()), &self.left, &self.right)
        else {
            return Vec::new();
        };
        let mapping = self.engine.mapping_of(right.record.object);
        let mut found: Vec<FoundConflict> = Vec::new();
        let agreed = |name: &str| self.agreements.iter().find(|agreement| agreement.field == name);
        // Another record of the CRM holds this person's new e-mail: which of the two is right only a human knows.
        if error.class == ErrorClass::DuplicateDetected
            && let Some(field) = mapping.field_of_crm("email")
        {
            found.push(contact_sync::conflict(
                field,
                ConflictKind::Identity,
                Vec::new(),
                left,
                right,
                agreed(&field.name),
            ));
        }
        for refusal in &error.fields {
            let kind = match refusal.class {
                ErrorClass::UnknownField => ConflictKind::UnknownField,
                ErrorClass::NotAllowedValue | ErrorClass::Validation => ConflictKind::NotAllowed,
                _ => continue,
            };
            let Some(field) = mapping.field_of_crm(&refusal.field) else { continue };
            if found.iter().any(|conflict| conflict.field == field.name) {
                continue;
            }
            found.push(contact_sync::conflict(
                field,
                kind,
                refusal.allowed(),
                left,
                right,
                agreed(&field.name),
            ));
        }
        found
    }

    /// The plan is kept when a part of it is done or in doubt; else the next try plans anew.
    fn begun_plan(&mut self) -> Option<crate::domain::plan::Plan> {
        let plan = std::mem::take(&mut self.planned.plan);
        (!plan.steps.is_empty()).then_some(plan)
    }

    fn common(&mut self) -> Settlement {
        let number = self.claim.execution.attempts + 1;
        let steps = std::mem::take(&mut self.step_of);
        let attempts = std::mem::take(&mut self.log)
            .into_iter()
            .zip(steps.into_iter().chain(std::iter::repeat(None)))
            .map(|(exchange, step)| Attempt {
                number,
                step,
                purpose: exchange.purpose,
                started_at: exchange.started_at,
                duration_ms: exchange.duration_ms,
                method: exchange.method,
                url: exchange.url,
                request: exchange.request,
                status: exchange.status,
                response: exchange.response,
                request_id: exchange.request_id,
                class: exchange.class,
            })
            .collect();
        Settlement {
            attempts,
            mirrors: std::mem::take(&mut self.mirrors),
            identity: std::mem::take(&mut self.identity),
            gone: std::mem::take(&mut self.gone),
            remapped: std::mem::take(&mut self.remapped),
            audit: std::mem::take(&mut self.audit),
            echoes: std::mem::take(&mut self.echoes),
            editions: self.editions.take(),
            people_behind: std::mem::take(&mut self.people_behind),
            after: std::mem::take(&mut self.mending.after),
            ..Settlement::default()
        }
    }

    /// A turn that panicked: recorded like any failure, the worker lives on.
    pub(super) fn panicked(&mut self, words: &str) -> (Status, Settlement) {
        let settlement = Settlement {
            sentence: "Reknit stumbled over this execution (a bug of ours). Its last call may or may not have been sent; \
                       r looks first and then runs it again."
                .into(),
            outcome: Some(Outcome::Error),
            error_class: Some(ErrorClass::Unknown),
            vendor_words: Some(clean(words).into_owned()),
            failed_try: true,
            plan: self.begun_plan(),
            ..self.common()
        };
        (Status::Failed, settlement)
    }
}

/// A title in the middle of a sentence.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The failure as the end of a sentence that begins with the step.
const fn failure(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Auth => "the token was refused",
        ErrorClass::Permission => "not permitted",
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted => "too many calls",
        ErrorClass::Validation => "a value was refused",
        ErrorClass::UnknownField => "there is no such field",
        ErrorClass::NotAllowedValue => "the value is not one of the field's options",
        ErrorClass::DuplicateDetected => "another record has this identity already",
        ErrorClass::NotFound => "the record is gone",
        ErrorClass::MergedAway => "the record was merged into another one",
        ErrorClass::Converted => "the lead was converted",
        ErrorClass::Locked => "the record is locked",
        ErrorClass::Conflict => "the record changed meanwhile",
        ErrorClass::TooLarge => "too large",
        ErrorClass::Unavailable => "the vendor could not answer",
        ErrorClass::Timeout => "no answer in time",
        ErrorClass::Malformed => "the answer made no sense",
        ErrorClass::MissingData => "something it needs is missing",
        ErrorClass::Recipe => "the recipe does not fit the facts",
        ErrorClass::Unknown => "refused",
    }
}

#[cfg(test)]
mod tests;
