//! What an operator says of a duplicate candidate: a verdict, or one taken back. Nothing is sent to a vendor.

use super::past::Back;
use super::{OperateError, Operator};
use crate::domain::ids::DuplicateId;
use crate::domain::review::{Duplicate, Verdict};
use crate::domain::team::Item;
use crate::engine::scan::groups;
use crate::journal::verdicts::NewVerdict;

impl Operator {
    /// Says what two records that look alike are; the pair as it stands afterwards.
    pub async fn judge(&self, verdict: NewVerdict) -> Result<Duplicate, OperateError> {
        self.may_write()?;
        if verdict.verdict == Verdict::Later
            && let Some(until) = verdict.until
            && until <= self.clock.now()
        {
            return Err(OperateError::Impossible(format!(
                "{} is in the past: a pair is put off until a time to come.",
                until.rfc3339()
            )));
        }
        let id = verdict.id;
        self.unclaimed([Item::Duplicate(id)]).await?;
        let what = format!("called {id} {}", verdict.verdict);
        let pair = self.journal.give_verdict(verdict, self.actor.clone()).await?;
        self.did(what, Back::Verdict(id));
        self.regrouped(id, pair).await
    }

    /// Takes a verdict back; the pair as it stands afterwards.
    pub async fn take_back_verdict(&self, id: DuplicateId) -> Result<Duplicate, OperateError> {
        self.may_write()?;
        self.unclaimed([Item::Duplicate(id)]).await?;
        let pair = self.journal.take_back_verdict(id, self.actor.clone()).await?;
        self.regrouped(id, pair).await
    }

    /// Says that a duplicate candidate is two different records.
    pub async fn distinct(&self, id: DuplicateId) -> Result<(), OperateError> {
        let verdict = NewVerdict { id, verdict: Verdict::Different, until: None, reason: String::new() };
        self.judge(verdict).await.map(drop)
    }

    /// Refuses a merge that would make one what a human said is different.
    pub(in crate::engine) async fn uncontradicted(&self, id: DuplicateId) -> Result<(), OperateError> {
        match self.journal.contradicts(id).await? {
            Some(words) => Err(OperateError::Impossible(format!(
                "{id} cannot be merged while verdicts contradict each other: {words}"
            ))),
            None => Ok(()),
        }
    }

    /// A verdict may join a group or split one.
    async fn regrouped(&self, id: DuplicateId, pair: Duplicate) -> Result<Duplicate, OperateError> {
        let records = vec![pair.left.to_string(), pair.right.to_string()];
        groups::regroup(&self.journal, records, &self.matching).await?;
        self.journal.duplicate(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))
    }
}
