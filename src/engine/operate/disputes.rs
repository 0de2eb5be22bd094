//! What an operator decides about conflicts beyond one field of one person: a rule for all of a shape, a translation,
//! a direction switched off, left alone for now.
//!
//! A proposal is made first: what it would send and write, whom it concerns, row by row. Carried out is exactly that
//! proposal: its ids are frozen, and what changed since is left out and named.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::pause::Direction;
use crate::domain::plan::{Becomes, FileEdit, Preview};
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict, ConflictKind, Decision};
use crate::domain::standing::{FieldHold, Rule, mapping_of};
use crate::domain::team::Item;
use crate::domain::text::shorten;
use crate::mapping::judge::right_as_one;
use crate::mapping::{FieldMapping, Owner};
use crate::recipes::mend;

use super::past::Back;
use super::{OperateError, Operator, Prepared, still_open};

/// Letters of a value in a list of what becomes of conflicts.
const SHOWN: usize = 60;
/// A changed mapping is in force after so long, wherever the journal is served.
const MAPPING_IS_READ: Duration = Duration::from_secs(4);
/// Calls that a preview for several conflicts shows; it says how many there are.
const CALLS: usize = 20;

/// What is to be done about a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Decide it.
    Settle(Choice),
    /// Leave it alone until a time, or until a value changes.
    Ignore(Option<Timestamp>),
    /// Write the field in this direction no more, for anybody.
    Disable(Direction),
}

/// How far a decision reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This conflict.
    This,
    /// A rule: every conflict of this field and kind with the same two values.
    SameValues,
    /// A rule: every conflict of this field and kind.
    AnyValues,
}

/// What would be done, for a human to say yes to. Carrying it out does this and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The conflict it was made from.
    pub conflict: ConflictId,
    /// What is to be done.
    pub wish: Wish,
    /// What is shown.
    pub preview: Preview,
    /// Every conflict it decides, with the values that were shown.
    pub frozen: Vec<(ConflictId, String)>,
    /// The rule it makes.
    pub rule: Option<Rule>,
    /// The file of a mapping, and its whole new text.
    pub mapping: Option<(PathBuf, String)>,
    field: String,
    subject: String,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// In one sentence.
    pub sentence: String,
    /// The executions that carry the decisions out.
    pub executions: Vec<ExecutionId>,
    /// Failed executions that run again.
    pub retried: Vec<ExecutionId>,
    /// Conflicts that were left out, and why.
    pub refused: Vec<(ConflictId, String)>,
}

impl Operator {
    /// What a wish would do: exact calls, exact change of a file, every conflict it reaches.
    pub async fn propose(&self, id: ConflictId, wish: &Wish, reach: Reach) -> Result<Proposal, OperateError> {
        let now = self.in_force().await;
        Box::pin(now.propose_by_these(id, wish, reach)).await
    }

    async fn propose_by_these(
        &self,
        id: ConflictId,
        wish: &Wish,
        reach: Reach,
    ) -> Result<Proposal, OperateError> {
        let conflict =
            self.journal.conflict(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        still_open(conflict.state, &id.to_string())?;
        let mut proposal = Proposal {
            conflict: id,
            wish: wish.clone(),
            preview: Preview::default(),
            frozen: vec![(id, values_of(&conflict))],
            rule: None,
            mapping: None,
            field: conflict.field.clone(),
            subject: conflict.subject.clone(),
        };
        match wish {
            Wish::Ignore(until) => proposal.preview = self.ignoring(&conflict, *until)?,
            Wish::Disable(direction) => self.disabling(&conflict, *direction, &mut proposal).await?,
            Wish::Settle(choice) => match (reach, choice) {
                (_, Choice::Translate(to)) => self.translating(&conflict, to, &mut proposal).await?,
                (Reach::This, choice) => {
                    let decision = Decision::Resolve { conflict: id, choice: choice.clone() };
                    proposal.preview = self.preview(&decision).await?;
                    if conflict.kind == ConflictKind::NotAllowed && *choice == Choice::Left {
                        self.add_retries(&conflict, &mut proposal.preview).await?;
                    }
                }
                (reach, choice) => self.ruling(&conflict, choice, reach, &mut proposal).await?,
            },
        }
        Ok(proposal)
    }

    /// Does what was proposed, to whom it was proposed for. A conflict that changed since is left as it is.
    pub async fn carry_out(&self, proposal: &Proposal) -> Result<Applied, OperateError> {
        self.may_write()?;
        self.unclaimed([Item::Conflict(proposal.conflict)]).await?;
        match &proposal.wish {
            Wish::Ignore(until) => {
                self.journal.ignore_conflict(proposal.conflict, *until, self.actor.clone()).await?;
                let why =
                    "it is left alone, not decided: status:ignored shows it, and it can be decided there";
                self.did(format!("left {} alone", proposal.conflict), Back::Nothing(why.to_owned()));
                let sentence = format!("{} of {} is left alone.", proposal.field, proposal.subject);
                Ok(Applied { sentence, ..Applied::default() })
            }
            Wish::Disable(direction) => {
                let reason = format!("decided on {}.", proposal.conflict);
                let closed = self.disable(&proposal.field, *direction, &reason).await?;
                let sentence = format!(
                    "{} of {} is switched off; {} closed. Switch it on again with `reknit mapping direction`.",
                    direction,
                    proposal.field,
                    counted(closed.len(), "conflict")
                );
                Ok(Applied { sentence, ..Applied::default() })
            }
            Wish::Settle(choice) => self.settle(proposal, choice).await,
        }
    }

    /// Switches a direction of a field off, by the name people call it; answers which conflicts that closed.
    pub async fn disable(
        &self,
        field: &str,
        direction: Direction,
        reason: &str,
    ) -> Result<Vec<ConflictId>, OperateError> {
        self.may_write()?;
        let now = self.in_force().await;
        let field = now.may_be_off(field, direction)?;
        let hold = FieldHold {
            mapping: String::new(),
            field: field.name.clone(),
            direction,
            actor: self.actor.clone(),
            reason: reason.to_owned(),
            since: self.clock.now(),
        };
        let name = field.name.clone();
        let closed = self.journal.hold_field(hold).await?;
        self.did(format!("switched {name} off {direction}"), Back::Disabled(name, direction));
        Ok(closed)
    }

    /// Switches it on again; false when it was on.
    pub async fn enable(&self, field: &str, direction: Direction) -> Result<bool, OperateError> {
        self.may_write()?;
        Ok(self.journal.release_field("", field, direction, &self.actor).await?)
    }

    /// Takes a rule away: what is found from now on goes to a human again. False when there is none of that name.
    pub async fn remove_rule(&self, name: &str) -> Result<bool, OperateError> {
        self.may_write()?;
        let removed = self.rulebook.remove(name).map_err(OperateError::Impossible)?;
        if removed {
            self.note("unrule", name, "Decides nothing from now on.".to_owned()).await?;
        }
        Ok(removed)
    }

    /// The failed executions that wait for a field's value to be taken: asked before they are put back.
    pub async fn refused_for(&self, field: &str, value: &str) -> Result<Vec<ExecutionId>, OperateError> {
        let field = self.field(field)?;
        let mut values = vec![value.trim().to_owned()];
        // The value may be named as Intercom says it, or as it was sent.
        if let Ok(turned) = field.transform.forward(&serde_json::Value::String(value.trim().to_owned())) {
            values.extend(turned.iter().map(value_text));
        }
        Ok(self.journal.refused_for(field.crm.clone(), values).await?)
    }

    /// What saying who somebody is would do.
    pub(super) async fn identifying(
        &self,
        conflict: Conflict,
        choice: &Choice,
    ) -> Result<Prepared, OperateError> {
        let (chosen, dropped) = mend::named(&conflict, choice)?;
        let own = self.copy(mend::own(&conflict, &chosen)).await?;
        let (chosen, dropped) = (self.copy(&chosen).await?, self.copy(&dropped).await.ok());
        let planned = mend::identify(&own, &chosen, dropped.as_ref(), &self.mapping);
        let title = format!("{} is {}", own.record.title(), chosen.record.title());
        let mut preview = self.preview_of(title, &planned.plan);
        preview.notes.push("What waited for it goes on by itself; the other record stays as it is.".into());
        Ok(Prepared {
            recipe: crate::recipes::RESOLVE_CONFLICT,
            subject: conflict.subject,
            record: own.record,
            preview,
        })
    }

    fn field(&self, name: &str) -> Result<&FieldMapping, OperateError> {
        self.mapping.field(name).ok_or_else(|| {
            let known: Vec<&str> = self.mapping.fields.iter().map(|field| field.name.as_str()).collect();
            OperateError::Impossible(format!(
                "the mapping has no field \"{name}\"; it has {}.",
                known.join(", ")
            ))
        })
    }

    fn may_be_off(&self, name: &str, direction: Direction) -> Result<&FieldMapping, OperateError> {
        use crate::mapping::Direction as Way;
        let field = self.field(name)?;
        if field.owner == Owner::Consent {
            return Err(OperateError::Impossible(format!(
                "{name} says whether somebody wants e-mails; an opt-out always travels both ways."
            )));
        }
        match (field.direction, direction) {
            (Way::ToIntercom, Direction::ToCrm) => Err(OperateError::Impossible(format!(
                "{name} is never written to the CRM; there is nothing to switch off."
            ))),
            (Way::ToCrm, Direction::ToIntercom) => Err(OperateError::Impossible(format!(
                "{name} is never written to Intercom; there is nothing to switch off."
            ))),
            _ => Ok(field),
        }
    }

    fn ignoring(&self, conflict: &Conflict, until: Option<Timestamp>) -> Result<Preview, OperateError> {
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Err(OperateError::Impossible("the time until which to leave it alone is past.".into()));
        }
        let when = until.map_or_else(
            || "until one of the two values changes".to_owned(),
            |until| format!("until {}, or until one of the two values changes", until.rfc3339()),
        );
        Ok(Preview {
            title: format!("Leave {} of {} alone {when}", conflict.field, conflict.subject),
            notes: vec![
                "Both sides stay as they are; the field goes on being held back. `status:ignored` shows it."
                    .into(),
            ],
            ..Preview::default()
        })
    }

    async fn disabling(
        &self,
        conflict: &Conflict,
        direction: Direction,
        proposal: &mut Proposal,
    ) -> Result<(), OperateError> {
        let field = self.may_be_off(&conflict.field, direction)?;
        let (off, source, target) = match direction {
            Direction::ToCrm => ("the CRM", "the CRM", "Intercom"),
            Direction::ToIntercom => ("Intercom", "Intercom", "the CRM"),
        };
        let one_way = field.direction != crate::mapping::Direction::Both;
        let mut open = 0;
        for kind in ConflictKind::ALL {
            // Who somebody is, and a field that is not there, do not come from a direction.
            if !matches!(kind, ConflictKind::UnknownField | ConflictKind::Identity) {
                open += self.journal.conflicts_like(&conflict.field, *kind).await?.len();
            }
        }
        let mut notes = vec![if one_way {
            format!("{} is not carried over at all any more; both sides keep what they have.", field.name)
        } else {
            format!(
                "What changes in {target} stays there and is carried over no more. What changes in {source} goes to \
                 {target} and overwrites what is there: {source} is its source from now on."
            )
        }];
        notes.push(format!("{} of this field closed. Nothing is sent now.", counted(open, "open conflict")));
        notes.push(format!("Taken back with `reknit mapping direction \"{}\" {direction} on`.", field.name));
        proposal.preview = Preview {
            title: format!("Write {} to {off} no more, for anybody", field.name),
            notes,
            ..Preview::default()
        };
        Ok(())
    }

    async fn translating(
        &self,
        conflict: &Conflict,
        to: &str,
        proposal: &mut Proposal,
    ) -> Result<(), OperateError> {
        let to = to.trim();
        let from = value_text(&conflict.left_value).trim().to_owned();
        if to.is_empty() || from.is_empty() {
            return Err(OperateError::Impossible(
                "a translation wants a value on both sides; an empty one is taken or cleared instead.".into(),
            ));
        }
        self.field(&conflict.field)?;
        let (file, old, new) = self.with_translation(conflict, &from, to)?;
        let edit = FileEdit { file: file.display().to_string(), diff: difference(&old, &new) };
        let like = self.journal.conflicts_like(&conflict.field, conflict.kind).await?;
        let same: Vec<&Conflict> =
            like.iter().filter(|other| value_text(&other.left_value).trim() == from).collect();
        let choice = Choice::Translate(to.to_owned());
        let title = format!("{}: \"{from}\" of Intercom is \"{to}\" in the CRM, from now on", conflict.field);
        self.fill(proposal, title, &choice, &same).await?;
        proposal.preview.edits = vec![edit];
        proposal.mapping = Some((file, new));
        if !conflict.allowed.is_empty() && !conflict.allowed.iter().any(|allowed| allowed == to) {
            proposal.preview.notes.push(format!(
                "\"{to}\" is none of the values that were taken when the conflict was found ({}): unless it was added \
                 since, the CRM will refuse it.",
                conflict.allowed.join(", ")
            ));
        }
        self.add_retries(conflict, &mut proposal.preview).await
    }

    async fn ruling(
        &self,
        conflict: &Conflict,
        choice: &Choice,
        reach: Reach,
        proposal: &mut Proposal,
    ) -> Result<(), OperateError> {
        if conflict.kind == ConflictKind::Identity {
            return Err(OperateError::Impossible("who somebody is cannot be decided by a rule.".into()));
        }
        self.field(&conflict.field)?;
        let exactly = |value: &serde_json::Value| (reach == Reach::SameValues).then(|| value_text(value));
        let rule = Rule {
            name: self.rulebook.new_name(&conflict.field),
            mapping: mapping_of(&conflict.line).to_owned(),
            field: conflict.field.clone(),
            kind: conflict.kind,
            left: exactly(&conflict.left_value),
            right: exactly(&conflict.right_value),
            choice: choice.clone(),
            by: self.actor.clone(),
        };
        let like = self.journal.conflicts_like(&conflict.field, conflict.kind).await?;
        let same: Vec<&Conflict> = like.iter().filter(|other| rule.fits_conflict(other)).collect();
        let edit = self.rulebook.edit(&rule).map_err(|why| OperateError::Impossible(format!("{why}.")))?;
        self.fill(proposal, format!("A rule: {}", rule.sentence()), choice, &same).await?;
        proposal.preview.edits = vec![edit];
        proposal.preview.notes.push(format!(
            "Conflicts of this shape that are found later decide themselves. `reknit rules remove {}` ends that.",
            rule.name
        ));
        proposal.rule = Some(rule);
        Ok(())
    }

    /// Freezes the conflicts a decision reaches, and shows for each what it becomes.
    async fn fill(
        &self,
        proposal: &mut Proposal,
        title: String,
        choice: &Choice,
        conflicts: &[&Conflict],
    ) -> Result<(), OperateError> {
        let mut preview = Preview { title, ..Preview::default() };
        proposal.frozen.clear();
        let mut calls = 0;
        for conflict in conflicts {
            let decision = Decision::Resolve { conflict: conflict.id, choice: choice.clone() };
            let becomes = match self.preview(&decision).await {
                Ok(one) => {
                    proposal.frozen.push((conflict.id, values_of(conflict)));
                    calls += one.calls.len();
                    let room = CALLS.saturating_sub(preview.calls.len());
                    preview.calls.extend(one.calls.into_iter().take(room));
                    self.becomes(conflict, choice)
                }
                Err(error) => {
                    let text = error.to_string();
                    let why = text.strip_prefix("Nothing was changed: ").unwrap_or(&text).to_owned();
                    format!("stays open: {why}")
                }
            };
            preview.becomes.push(Becomes {
                conflict: conflict.id,
                subject: conflict.subject.clone(),
                left: shorten(&value_text(&conflict.left_value), SHOWN).into_owned(),
                right: shorten(&value_text(&conflict.right_value), SHOWN).into_owned(),
                becomes,
            });
        }
        preview.notes.push(format!(
            "{} decided by it now, with {} in all.",
            counted(proposal.frozen.len(), "open conflict"),
            counted(calls, "call")
        ));
        if calls > preview.calls.len() {
            preview.notes.push(format!("Only the first {CALLS} calls are shown; the others are alike."));
        }
        proposal.preview = preview;
        Ok(())
    }

    /// What both sides hold afterwards, in words.
    fn becomes(&self, conflict: &Conflict, choice: &Choice) -> String {
        let Some(field) = self.mapping.field(&conflict.field) else { return "?".into() };
        let right = vec![conflict.right_value.clone(); field.crm.len()];
        // A value in several parts is shown as the whole it is stored as.
        let right = if field.crm.len() == 1 { right } else { vec![conflict.right_value.clone()] };
        match mend::outcome(choice, conflict.kind, field, &conflict.left_value, &right) {
            Err(error) => error.to_string(),
            Ok((left, right)) => {
                let (left, right) = (value_text(&left), value_text(&right_as_one(&right)));
                let shown = |value: &str| {
                    if value.is_empty() { "—".to_owned() } else { shorten(value, SHOWN).into_owned() }
                };
                if left == right {
                    format!("both {}", shown(&left))
                } else {
                    format!("Intercom {}, CRM {}", shown(&left), shown(&right))
                }
            }
        }
    }

    async fn add_retries(&self, conflict: &Conflict, preview: &mut Preview) -> Result<(), OperateError> {
        let field = self.field(&conflict.field)?;
        let mut values = vec![value_text(&conflict.left_value)];
        if let Ok(turned) = field.transform.forward(&conflict.left_value) {
            values.extend(turned.iter().map(value_text));
        }
        values.retain(|value| !value.is_empty());
        preview.retries = self.journal.refused_for(field.crm.clone(), values).await?;
        if !preview.retries.is_empty() {
            preview.notes.push(format!(
                "{} that failed for this value of {} run again afterwards.",
                counted(preview.retries.len(), "execution"),
                field.name
            ));
        }
        Ok(())
    }

    async fn settle(&self, proposal: &Proposal, choice: &Choice) -> Result<Applied, OperateError> {
        if let Some((file, text)) = &proposal.mapping {
            super::translate::write(file, text).map_err(|error| {
                OperateError::Impossible(format!("{} cannot be written: {error}.", file.display()))
            })?;
            let note =
                format!("A pair was added to the table of {}, from {}.", proposal.field, proposal.conflict);
            self.note("translate", &file.display().to_string(), note).await?;
        }
        if let Some(rule) = &proposal.rule {
            let file = self.rulebook.add(rule).map_err(|why| OperateError::Impossible(format!("{why}.")))?;
            let note = format!(
                "{} {}: {}. Made from {}, in {}.",
                rule.field,
                rule.kind.phrase(),
                choice.phrase(),
                proposal.conflict,
                file.display()
            );
            self.note("rule", &rule.name, note).await?;
            self.did(format!("made the rule {}", rule.name), Back::Rule(rule.name.clone()));
        }
        let mut applied = Applied::default();
        for (id, shown) in &proposal.frozen {
            let now = self.journal.conflict(*id).await?;
            let unchanged = now.as_ref().is_some_and(|now| values_of(now) == *shown);
            if !unchanged {
                applied.refused.push((*id, "one of its values changed since it was shown".into()));
                continue;
            }
            match self.decide(&Decision::Resolve { conflict: *id, choice: choice.clone() }).await {
                Ok(execution) => applied.executions.push(execution),
                Err(OperateError::Impossible(why)) => applied.refused.push((*id, why)),
                // Alone it is the operator's answer; among many the others go on.
                Err(error) if proposal.frozen.len() == 1 => return Err(error),
                Err(error) => applied.refused.push((*id, error.to_string())),
            }
        }
        if let ([], [(id, why)]) = (applied.executions.as_slice(), applied.refused.as_slice())
            && proposal.rule.is_none()
            && proposal.mapping.is_none()
        {
            return Err(OperateError::Impossible(format!("{id}: {why}")));
        }
        if !proposal.preview.retries.is_empty() {
            // Whoever runs them has to have read the changed mapping by then.
            let wait = if proposal.mapping.is_some() { MAPPING_IS_READ } else { Duration::ZERO };
            let at = self.clock.now().plus(wait);
            let report =
                self.journal.retry_at(proposal.preview.retries.clone(), at, self.actor.clone()).await?;
            applied.retried = report.queued;
        }
        applied.sentence = told(proposal, &applied);
        Ok(applied)
    }

    async fn note(&self, verb: &str, object: &str, note: String) -> Result<(), OperateError> {
        let entry =
            NewEntry { actor: self.actor.clone(), verb: verb.to_owned(), object: object.to_owned(), note };
        Ok(self.journal.audit(vec![entry]).await?)
    }
}

fn told(proposal: &Proposal, applied: &Applied) -> String {
    let mut text = match (&proposal.rule, &proposal.mapping, applied.executions.as_slice()) {
        (Some(rule), ..) => format!(
            "The rule {} holds; {} decided by it.",
            rule.name,
            counted(applied.executions.len(), "conflict")
        ),
        (None, Some((file, _)), all) => {
            format!("{} is changed; {} decided.", file.display(), counted(all.len(), "conflict"))
        }
        (None, None, [one]) => format!("Decided. It is sent as {one}; 2 shows it."),
        (None, None, all) => format!("{} decided.", counted(all.len(), "conflict")),
    };
    if !applied.retried.is_empty() {
        text.push_str(&format!(" {} run again.", counted(applied.retried.len(), "execution")));
    }
    if !applied.refused.is_empty() {
        text.push_str(&format!(" {} left as they are.", counted(applied.refused.len(), "conflict")));
    }
    text
}

/// Both values as they were shown: what was agreed to is only done to these.
fn values_of(conflict: &Conflict) -> String {
    format!("{}\u{0}{}", conflict.left_value, conflict.right_value)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The lines that differ between two texts of which one piece was changed, with two lines around them.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let from = head.saturating_sub(2);
    let mut lines = vec![format!("@@ line {} @@", from + 1)];
    lines.extend(old[from..head].iter().map(|line| format!(" {line}")));
    lines.extend(old[head..old.len() - tail].iter().map(|line| format!("-{line}")));
    lines.extend(new[head..new.len() - tail].iter().map(|line| format!("+{line}")));
    lines.extend(new[new.len() - tail..].iter().take(2).map(|line| format!(" {line}")));
    lines
}
