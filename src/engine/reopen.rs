//! Taking the settlement of a conflict back: by our copies for the preview, by what the vendors hold now for the run.
//!
//! Holds no rule of its own: what can be taken back, and into what, is `recipes::reopen`.

use super::gather::{name_company, needed};
use super::operate::{OperateError, Operator, Prepared};
use super::turn::{Stop, Turn};
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::plan::Step;
use crate::domain::review::{Conflict, Decision, ReviewState};
use crate::journal::{Journal, JournalError};
use crate::mapping::FieldMapping;
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::recipes::{self, reopen};

/// Reads both records anew and plans the way back.
pub(super) async fn gather(
    turn: &mut Turn<'_>,
    conflict: ConflictId,
    settled: ExecutionId,
) -> Result<Planned, Stop> {
    let known = turn.engine.journal.conflict(conflict).await?;
    let conflict = known.ok_or_else(|| Impossible(format!("{conflict} is gone from the journal.")))?;
    let mapping = std::sync::Arc::clone(turn.engine.mapping_of(conflict.right.object));
    let field = mapping.field(&conflict.field).ok_or_else(|| no_field(&conflict))?;
    let done = steps_of(&turn.engine.journal, settled).await?.ok_or_else(|| forgotten(settled))?;
    let mut left = needed(turn, &conflict.left).await?;
    let right = needed(turn, &conflict.right).await?;
    name_company(turn, &mut left).await?;
    turn.identity = vec![left.record.clone(), right.record.clone()];
    Ok(reopen::plan(&conflict, field, &done, &left, &right, &mapping)?)
}

impl Operator {
    /// The decision that takes the settlement of a conflict back.
    pub async fn undo_of_settlement(&self, id: ConflictId) -> Result<Decision, OperateError> {
        let conflict = self.settled(id).await?;
        match conflict.deciding {
            Some(settled) => Ok(Decision::Reopen { conflict: id, settled }),
            None => Err(OperateError::Impossible(format!(
                "{id} was not settled by a decision of Reknit's, so there is none to take back."
            ))),
        }
    }

    /// The preview of it.
    pub(super) async fn reopening(
        &self,
        id: ConflictId,
        settled: ExecutionId,
    ) -> Result<Prepared, OperateError> {
        let conflict = self.settled(id).await?;
        if conflict.deciding != Some(settled) {
            return Err(OperateError::Impossible(format!("{settled} did not settle {id}.")));
        }
        // The rule would settle what was taken back with the next event.
        if let Some(rule) = &conflict.ruled_by {
            return Err(OperateError::Impossible(format!(
                "the rule \"{rule}\" settled {id} and would again; `reknit rules remove \"{rule}\"` first."
            )));
        }
        let mapping = self.mapping_of(conflict.right.object);
        let field: &FieldMapping =
            mapping.field(&conflict.field).ok_or_else(|| OperateError::from(no_field(&conflict)))?;
        let done = steps_of(self.journal(), settled).await?.ok_or_else(|| forgotten(settled))?;
        let mut left = self.copy(&conflict.left).await?;
        let right = self.copy(&conflict.right).await?;
        if field.intercom.starts_with("company.") {
            left.fields.insert(field.intercom.clone(), conflict.left_value.clone());
        }
        let planned = reopen::plan(&conflict, field, &done, &left, &right, mapping)?;
        let title = format!("Take the decision on {} of {} back", conflict.field, conflict.subject);
        let mut preview = self.preview_of(title, &planned.plan);
        preview.notes.push(format!(
            "Both sides get what they held before {settled}; {} waits for a decision again, as a new conflict.",
            conflict.field
        ));
        preview
            .notes
            .push("Both records are read first: what somebody wrote since is not written over.".into());
        Ok(Prepared {
            recipe: recipes::REOPEN_CONFLICT,
            subject: conflict.subject,
            record: conflict.left,
            preview,
        })
    }

    async fn settled(&self, id: ConflictId) -> Result<Conflict, OperateError> {
        let found = self.journal().conflict(id).await?;
        let conflict = found.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        match conflict.state {
            ReviewState::Done => Ok(conflict),
            state => {
                Err(OperateError::Impossible(format!("{id} is {state}: only what is settled is taken back.")))
            }
        }
    }
}

/// What the settlement did, step by step; none when the journal has forgotten it.
async fn steps_of(journal: &Journal, settled: ExecutionId) -> Result<Option<Vec<Step>>, JournalError> {
    let detail = journal.execution(settled).await?;
    Ok(detail.map(|detail| detail.plan.map(|plan| plan.steps).unwrap_or_default()))
}

fn forgotten(settled: ExecutionId) -> Impossible {
    Impossible(format!(
        "{settled} is no longer in the journal, so what it wrote is not known here; put the field right at the vendor."
    ))
}

fn no_field(conflict: &Conflict) -> Impossible {
    Impossible(format!("The mapping has no field \"{}\" any more.", conflict.field))
}
