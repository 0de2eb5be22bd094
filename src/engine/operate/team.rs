//! Who works on what, as an operator says it; and the rule that nobody decides what somebody else has claimed, unless
//! they say that they mean to.
//!
//! Somebody alone never meets any of it: only another person's claim that still holds stands in the way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{OperateError, Operator};
use crate::domain::ids::ExecutionId;
use crate::domain::review::Decision;
use crate::domain::team::{self, Claim, Item, LONGEST_COMMENT, LONGEST_NAME};
use crate::journal::operate::Report;
use crate::journal::team::Taken;

/// Items that one hint is left on at once.
const MOST: usize = 1_000;
/// A claim lasts a day at most: who is gone longer assigns it.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Operator {
    /// The same operator, who decides also what somebody else has claimed: they were told and said yes.
    #[must_use]
    pub fn despite_claims(mut self) -> Self {
        self.despite_claims = true;
        self
    }

    /// In whose name it acts.
    pub fn name(&self) -> &str {
        self.actor()
    }

    /// Claims items for a time; those that somebody else has claimed come back. With `over` they are taken over.
    pub async fn claim(
        &self,
        items: &[Item],
        length: Duration,
        over: bool,
    ) -> Result<Vec<Taken>, OperateError> {
        self.may_note()?;
        few(items)?;
        if length.is_zero() || length > LONGEST {
            return Err(OperateError::Impossible(
                "a claim lasts from a second to a day; whoever is to look at it later is assigned.".into(),
            ));
        }
        let until = self.clock.now().plus(length);
        Ok(self.journal.claim_items(items.to_vec(), until, over, self.actor.clone()).await?)
    }

    /// Gives one's own claims back; how many there were.
    pub async fn give_back(&self, items: &[Item]) -> Result<usize, OperateError> {
        self.may_note()?;
        few(items)?;
        Ok(self.journal.give_back_items(items.to_vec(), self.actor.clone()).await?)
    }

    /// Says who is to look at items; with none, nobody in particular.
    pub async fn assign(&self, items: &[Item], to: Option<&str>) -> Result<Option<String>, OperateError> {
        self.may_note()?;
        few(items)?;
        let to = match to {
            None => None,
            Some(text) => Some(team::name(text).ok_or_else(|| {
                OperateError::Impossible(format!("a name is one line of at most {LONGEST_NAME} letters."))
            })?),
        };
        self.journal.assign_items(items.to_vec(), to.clone(), self.actor.clone()).await?;
        Ok(to)
    }

    /// Adds a comment. It is never changed afterwards.
    pub async fn comment(&self, items: &[Item], text: &str) -> Result<(), OperateError> {
        self.may_note()?;
        few(items)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(OperateError::Impossible("a comment says something.".into()));
        }
        if text.chars().count() > LONGEST_COMMENT {
            return Err(OperateError::Impossible(format!(
                "a comment has at most {LONGEST_COMMENT} letters; this one has {}.",
                text.chars().count()
            )));
        }
        // A token that somebody pastes to ask about it would lie in the journal for ever.
        if text.lines().any(crate::domain::secret::holds_a_token) {
            return Err(OperateError::Impossible(
                "this looks like it holds an access token, which nobody should read; take it out.".into(),
            ));
        }
        Ok(self.journal.comment_on(items.to_vec(), text.to_owned(), self.actor.clone()).await?)
    }

    /// The items among these that somebody else has claimed, if that still stands in this operator's way.
    pub async fn claimed(
        &self,
        items: impl IntoIterator<Item = Item>,
    ) -> Result<BTreeMap<Item, Claim>, OperateError> {
        if self.despite_claims {
            return Ok(BTreeMap::new());
        }
        let taken = self.journal.claims_of_others(self.actor.clone()).await?;
        if taken.is_empty() {
            return Ok(BTreeMap::new());
        }
        let taken: BTreeMap<Item, Claim> = taken.into_iter().map(|taken| (taken.item, taken.claim)).collect();
        Ok(items.into_iter().filter_map(|item| Some((item, taken.get(&item)?.clone()))).collect())
    }

    /// Refuses what would be decided twice.
    pub(super) async fn unclaimed(&self, items: impl IntoIterator<Item = Item>) -> Result<(), OperateError> {
        match self.claimed(items).await?.into_iter().next() {
            None => Ok(()),
            Some((item, claim)) => Err(OperateError::Claimed { item, claim }),
        }
    }

    /// Parts executions into those that may be decided on, and refusals for those somebody else has claimed.
    pub(super) async fn unclaimed_of(
        &self,
        ids: &[ExecutionId],
    ) -> Result<(Vec<ExecutionId>, Vec<(ExecutionId, String)>), OperateError> {
        let claimed = self.claimed(ids.iter().map(|id| Item::Execution(*id))).await?;
        if claimed.is_empty() {
            return Ok((ids.to_vec(), Vec::new()));
        }
        let (taken, free): (Vec<ExecutionId>, Vec<ExecutionId>) =
            ids.iter().partition(|id| claimed.contains_key(&Item::Execution(**id)));
        let words = |id: ExecutionId| claimed.get(&Item::Execution(id)).map(words).unwrap_or_default();
        Ok((free, taken.into_iter().map(|id| (id, words(id))).collect()))
    }
}

/// Adds what was refused before to a report.
pub(super) fn with_refused(mut report: Report, refused: Vec<(ExecutionId, String)>) -> Report {
    report.refused.extend(refused);
    report
}

/// The item that a decision closes; none for one about a record alone.
pub fn of_decision(decision: &Decision) -> Option<Item> {
    match decision {
        Decision::Resolve { conflict, .. } | Decision::Reopen { conflict, .. } => {
            Some(Item::Conflict(*conflict))
        }
        Decision::Merge { duplicate, .. } => Some(Item::Duplicate(*duplicate)),
        Decision::UndoMerge { merge } => Some(Item::Execution(*merge)),
        Decision::Link { unlinked, .. }
        | Decision::Found { unlinked, .. }
        | Decision::Unlink { unlinked, .. } => Some(Item::Unlinked(*unlinked)),
        // Looking whether a call happened decides nothing.
        Decision::Probe { .. } | Decision::Act { .. } => None,
    }
}

/// Why a claim stands in the way.
pub(super) fn words(claim: &Claim) -> String {
    format!("{} has claimed it until {} and may be deciding it now", claim.who, claim.until.rfc3339())
}

fn few(items: &[Item]) -> Result<(), OperateError> {
    if items.len() > MOST {
        return Err(OperateError::Impossible(format!(
            "{} items are too many to leave a hint on at once; {MOST} are the most.",
            items.len()
        )));
    }
    Ok(())
}
