//! What the keys of the unlinked people ask for beyond one link: shown first, then carried out exactly as shown.

use super::msg::Answer;
use crate::domain::ids::UnlinkedId;
use crate::domain::links::LinkVerdict;
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::links::DomainProposal;
use crate::engine::operate::{OperateError, Operator};

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Take the newest link of a person back.
    Undo(UnlinkedId),
    /// Make the company of a person, and relate them to it.
    Found(UnlinkedId),
    /// Relate everybody of a domain to a company; remembered or not.
    Domain(String, RecordRef, bool),
    /// Never ask about a domain.
    Never(String),
    /// Say of a person that there is no company, or not now.
    Judge(UnlinkedId, LinkVerdict),
}

/// What would be done, frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// What is shown.
    pub preview: Preview,
    then: Then,
}

impl Proposed {
    /// How many people it concerns.
    pub const fn count(&self) -> usize {
        match &self.then {
            Then::Domain(proposal) => proposal.rows.len(),
            Then::Decide(_) | Then::Never(_) | Then::Judge(..) => 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Then {
    Decide(Decision),
    Domain(Box<DomainProposal>),
    Never(String),
    Judge(UnlinkedId, LinkVerdict),
}

/// What a wish would do.
pub(super) async fn propose(operator: &Operator, wish: Wish) -> Answer<Box<Proposed>> {
    let words = |error: OperateError| error.to_string();
    let plain =
        |title: String, note: &str| Preview { title, notes: vec![note.to_owned()], ..Preview::default() };
    let (preview, then) = match wish {
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
    };
    Ok(Box::new(Proposed { preview, then }))
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
        Then::Never(domain) => {
            let closed = operator.rule_for_domain(domain, None, "").await.map_err(words)?;
            said(format!("Nobody is asked about {domain} any more; {closed} closed."))
        }
        Then::Judge(id, verdict) => {
            operator.judge_unlinked(*id, *verdict, "").await.map_err(words)?;
            said(format!("Noted for {id}."))
        }
    })
}
