//! What the keys of the review screens ask for beyond one decision: several conflicts, a record out of a group, a whole
//! domain. Shown first, then carried out exactly as shown.

use std::collections::BTreeMap;

use super::msg::Answer;
use super::text::counted;
use crate::domain::ids::{ConflictId, DuplicateId, UnlinkedId};
use crate::domain::links::LinkVerdict;
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::review::{Choice, Decision};
use crate::domain::team::{Claim, Item};
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::links::DomainProposal;
use crate::engine::operate::settling::Batch;
use crate::engine::operate::team::of_decision;
use crate::engine::operate::{OperateError, Operator};

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Take back what was said of a person, else their newest link.
    Undo(UnlinkedId),
    /// Make the company of a person, and relate them to it.
    Found(UnlinkedId),
    /// Relate everybody of a domain to a company; remembered or not.
    Domain(String, RecordRef, bool),
    /// Never ask about a domain.
    Never(String),
    /// Ask about a domain again.
    Again(String),
    /// Say of a person that there is no company, or not now.
    Judge(UnlinkedId, LinkVerdict),
    /// Send these decisions about conflicts.
    Settle(Vec<(ConflictId, Choice)>),
    /// Take back what a settled conflict wrote.
    Reopen(ConflictId),
    /// Take back what the newest merge of this pair made.
    Unmerge(DuplicateId),
    /// Say of each of these pairs that it is two different people: the record in words.
    Apart(Vec<DuplicateId>, String),
}

/// What would be done, frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// What is shown.
    pub preview: Preview,
    /// What of it somebody else has claimed.
    pub claimed: BTreeMap<Item, Claim>,
    then: Then,
}

impl Proposed {
    /// How many people it concerns.
    pub fn count(&self) -> usize {
        match &self.then {
            Then::Domain(proposal) => proposal.rows.len(),
            Then::Settle(batch) => batch.proposals.len(),
            Then::Apart(ids) => ids.len(),
            Then::Decide(_) | Then::Never(_) | Then::Again(_) | Then::Reopen(_) | Then::Judge(..) => 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Then {
    Decide(Decision),
    Domain(Box<DomainProposal>),
    Never(String),
    Again(String),
    Reopen(UnlinkedId),
    Judge(UnlinkedId, LinkVerdict),
    Settle(Box<Batch>),
    Apart(Vec<DuplicateId>),
}

/// What a wish would do.
pub(super) async fn propose(operator: &Operator, wish: Wish) -> Answer<Box<Proposed>> {
    let words = |error: OperateError| error.to_string();
    let plain =
        |title: String, note: &str| Preview { title, notes: vec![note.to_owned()], ..Preview::default() };
    let (preview, then) = match wish {
        Wish::Undo(id) if operator.is_judged(id).await.map_err(words)? => {
            let note = "They wait for an account again. Nothing is sent.";
            (plain(format!("Take back what was said of {id}"), note), Then::Reopen(id))
        }
        Wish::Again(domain) => {
            let note = "The next look over the records asks about its people again. Nothing is sent.";
            (plain(format!("Ask about people of {domain} again"), note), Then::Again(domain))
        }
        Wish::Undo(id) => {
            let decision = operator.undo_of_link(None, Some(id)).await.map_err(words)?;
            (operator.preview(&decision).await.map_err(words)?, Then::Decide(decision))
        }
        Wish::Found(unlinked) => {
            let (name, domain) = operator.suggested_company(unlinked).await.map_err(words)?;
            let decision = Decision::Found { unlinked, name, domain };
            (operator.preview(&decision).await.map_err(words)?, Then::Decide(decision))
        }
        Wish::Domain(domain, company, remember) => {
            let proposal = operator.propose_domain(&domain, &company, remember).await.map_err(words)?;
            (proposal.preview.clone(), Then::Domain(Box::new(proposal)))
        }
        Wish::Never(domain) => {
            let note = "What is open about its people is closed. `reknit link rules remove` takes it back. Nothing is sent.";
            (plain(format!("Never ask about people of {domain}"), note), Then::Never(domain))
        }
        Wish::Judge(id, verdict) => {
            let title = match verdict {
                LinkVerdict::NoneFits => "No company fits this person".to_owned(),
                LinkVerdict::Unsure => "It cannot be said now".to_owned(),
                LinkVerdict::Later(at) => format!("Leave this person alone until {}", at.rfc3339()),
            };
            let note = "Asked again when the evidence changes. Nothing is sent. `reknit link` takes a reason with --reason.";
            (plain(title, note), Then::Judge(id, verdict))
        }
        Wish::Settle(wanted) => {
            let batch = operator.propose_each(&wanted).await.map_err(words)?;
            (batch.preview.clone(), Then::Settle(Box::new(batch)))
        }
        Wish::Reopen(conflict) => {
            let decision = operator.undo_of_settlement(conflict).await.map_err(words)?;
            (operator.preview(&decision).await.map_err(words)?, Then::Decide(decision))
        }
        Wish::Unmerge(pair) => {
            let merge = operator.merge_behind(&pair.to_string()).await.map_err(words)?;
            let decision = Decision::UndoMerge { merge };
            (operator.preview(&decision).await.map_err(words)?, Then::Decide(decision))
        }
        Wish::Apart(pairs, record) => {
            let note = "It is not shown with them again until one of the compared fields changes; the others stay a group. \
                        Nothing is sent. `u` takes the last word back.";
            let title = format!(
                "{record} is none of the others ({} said different)",
                counted(pairs.len() as u64, "pair")
            );
            (plain(title, note), Then::Apart(pairs))
        }
    };
    let items = match &then {
        Then::Decide(decision) => of_decision(decision).into_iter().collect(),
        Then::Domain(proposal) => proposal.rows.iter().map(|row| Item::Unlinked(row.unlinked)).collect(),
        Then::Never(domain) => operator.waiting_of(domain).await.map_err(words)?,
        Then::Reopen(id) | Then::Judge(id, _) => vec![Item::Unlinked(*id)],
        Then::Settle(batch) => {
            batch.proposals.iter().map(|proposal| Item::Conflict(proposal.conflict)).collect()
        }
        Then::Apart(pairs) => pairs.iter().map(|id| Item::Duplicate(*id)).collect(),
        Then::Again(_) => Vec::new(),
    };
    let claimed = operator.claimed(items).await.map_err(words)?;
    Ok(Box::new(Proposed { preview, claimed, then }))
}

/// Does what was proposed.
pub(super) async fn carry_out(operator: &Operator, proposed: &Proposed) -> Answer<Applied> {
    let words = |error: OperateError| error.to_string();
    let said = |sentence: String| Applied { sentence, ..Applied::default() };
    Ok(match &proposed.then {
        Then::Decide(decision) => {
            let id = operator.decide(decision).await.map_err(words)?;
            Applied {
                sentence: format!("Decided. It is sent as {id}; 2 shows it."),
                executions: vec![id],
                ..Applied::default()
            }
        }
        Then::Domain(proposal) => {
            let results = operator.carry_out_domain(proposal).await.map_err(words)?;
            let mut applied = Applied::default();
            let mut left_out = Vec::new();
            for result in results {
                match result.outcome {
                    Ok(id) => applied.executions.push(id),
                    Err(why) => left_out.push(format!("{}: {why}", result.unlinked)),
                }
            }
            applied.sentence =
                format!("{} people of {} are being linked", applied.executions.len(), proposal.domain);
            if !left_out.is_empty() {
                applied.sentence = format!("{}; left out {}", applied.sentence, left_out.join("; "));
            }
            applied.sentence.push('.');
            applied
        }
        Then::Settle(batch) => operator.carry_out_each(batch).await.map_err(words)?,
        Then::Apart(pairs) => {
            for pair in pairs {
                operator.distinct(*pair).await.map_err(words)?;
            }
            said(format!("Noted: {} of two different people.", counted(pairs.len() as u64, "pair")))
        }
        Then::Never(domain) => {
            let closed = operator.rule_for_domain(domain, None, "").await.map_err(words)?;
            said(format!("Nobody is asked about {domain} any more; {closed} closed."))
        }
        Then::Again(domain) => {
            if operator.forget_domain(domain).await.map_err(words)? {
                said(format!("{domain} is asked about again, from the next look on."))
            } else {
                said(format!("Nothing was said of {domain}."))
            }
        }
        Then::Reopen(id) => {
            operator.reopen_unlinked(*id).await.map_err(words)?;
            said(format!("{id} waits again."))
        }
        Then::Judge(id, verdict) => {
            operator.judge_unlinked(*id, *verdict, "").await.map_err(words)?;
            said(format!("Noted for {id}."))
        }
    })
}
