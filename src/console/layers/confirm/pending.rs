//! What can wait for a yes, how it is asked, and what a yes sets off. Only what was shown is done.

use super::Body;
use super::demand::Demand;
use crate::console::effect::Effect;
use crate::console::layers::toast::Tone;
use crate::console::links::Wish as LinkWish;
use crate::console::text::counted;
use crate::console::wishes::Wish;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId};
use crate::domain::review::{Choice, Decision};
use crate::engine::operate::disputes::{Reach, Wish as DisputeWish};
use crate::journal::verdicts::NewVerdict;
/// What a yes to something grave sets off.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// A wish is carried out.
    Do(Box<Wish>),
    /// What is hidden is shown again.
    Unmask,
}

/// What waits for a yes.
#[derive(Debug, Clone, PartialEq)]
pub enum Pending {
    /// A decision whose calls the operator module knows.
    Decide {
        /// The decision.
        decision: Decision,
        /// The question, without its mark: `Merge Jane Doe`.
        title: String,
    },
    /// A wish about a conflict, and how far it reaches.
    Propose {
        /// Which conflict it is made from.
        conflict: ConflictId,
        /// What is to be done.
        wish: DisputeWish,
        /// To whom.
        reach: Reach,
        /// The question, without its mark.
        title: String,
    },
    /// A wish about people without a company.
    Link {
        /// What is to be done.
        wish: LinkWish,
        /// The question, without its mark.
        title: String,
    },
    /// Several executions at once.
    Retry {
        /// Which.
        ids: Vec<ExecutionId>,
        /// One line for each.
        subjects: Vec<String>,
    },
    /// Executions to give up.
    Discard {
        /// Which.
        ids: Vec<ExecutionId>,
        /// One line for each.
        subjects: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Two records to call different.
    Part {
        /// Which pair.
        id: DuplicateId,
        /// The two, in words.
        text: String,
    },
    /// Something grave in words of its own; nothing is looked up for it.
    Grave {
        /// The question, without its mark.
        title: String,
        /// What it means, a sentence to a line.
        lines: Vec<String>,
        /// What a yes does, one or two words.
        verb: &'static str,
        /// What has to be typed first.
        demand: Option<Demand>,
        /// What a yes sets off.
        then: Then,
    },
    /// A pair to put off.
    PutOff {
        /// Which, and until when.
        verdict: NewVerdict,
        /// What that means, in words.
        text: String,
    },
}

impl Pending {
    pub(super) fn title(&self) -> String {
        match self {
            Self::Decide { title, .. }
            | Self::Propose { title, .. }
            | Self::Link { title, .. }
            | Self::Grave { title, .. } => {
                format!("{title}?")
            }
            Self::Retry { ids, .. } => format!("Retry {}?", counted(ids.len() as u64, "execution")),
            Self::Discard { ids, .. } => format!("Discard {}?", counted(ids.len() as u64, "execution")),
            Self::Part { .. } => "Two different people?".to_owned(),
            Self::PutOff { .. } => "Later?".to_owned(),
        }
    }

    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Decide { decision: Decision::Resolve { .. }, .. } => "Send",
            Self::Decide { decision: Decision::Merge { .. }, .. } => "Merge",
            Self::Decide { decision: Decision::UndoMerge { .. }, .. } => "Take back",
            Self::Decide { decision: Decision::Link { .. }, .. } => "Link",
            Self::Decide { decision: Decision::Found { .. }, .. } => "Make it",
            Self::Decide { decision: Decision::Unlink { .. }, .. } => "Take back",
            Self::Decide { decision: Decision::Act { .. }, .. } => "Do",
            Self::Propose { wish: DisputeWish::Ignore(_), .. } => "Leave it",
            Self::Propose { wish: DisputeWish::Disable(_), .. } => "Switch off",
            Self::Propose { wish: DisputeWish::Settle(Choice::Translate(_)), .. } => "Translate",
            Self::Propose { reach: Reach::SameValues | Reach::AnyValues, .. } => "Make the rule",
            Self::Propose { .. } => "Send",
            Self::Link { wish: LinkWish::Undo(_), .. } => "Take back",
            Self::Link { wish: LinkWish::Found(_), .. } => "Make it",
            Self::Link { wish: LinkWish::Domain(..), .. } => "Link",
            Self::Link { wish: LinkWish::Never(_), .. } => "Never",
            Self::Link { wish: LinkWish::Judge(..), .. } => "Say so",
            Self::Retry { .. } => "Retry",
            Self::Discard { .. } => "Discard",
            Self::Grave { verb, .. } => verb,
            Self::Part { .. } => "Different",
            Self::PutOff { .. } => "Later",
        }
    }

    pub(super) fn effect(&self, body: &Body) -> Effect {
        match self {
            // Only what was shown is done.
            Self::Propose { .. } => match body {
                Body::Proposed(proposal) => Effect::CarryOut(proposal.clone()),
                _ => Effect::Toast(Tone::Warning, "Nothing was proposed yet.".to_owned()),
            },
            Self::Link { .. } => match body {
                Body::LinkProposed(proposed) => Effect::CarryOutLink(proposed.clone()),
                _ => Effect::Toast(Tone::Warning, "Nothing was proposed yet.".to_owned()),
            },
            Self::Decide { decision, .. } => Effect::Decide(decision.clone()),
            Self::Retry { ids, .. } => Effect::Retry(ids.clone()),
            Self::Discard { ids, reason, .. } => Effect::Discard(ids.clone(), reason.clone()),
            Self::Part { id, .. } => Effect::Part(*id),
            Self::PutOff { verdict, .. } => Effect::Judge(verdict.clone()),
            Self::Grave { then: Then::Do(wish), .. } => Effect::Do(wish.clone()),
            Self::Grave { then: Then::Unmask, .. } => Effect::Unmask,
        }
    }

    /// What has to be typed before a yes counts; `from` so many records on it is their count.
    pub(super) fn demand(&self, body: &Body, from: u32) -> Option<Demand> {
        let count = match (self, body) {
            (Self::Grave { demand, .. }, _) => return demand.clone(),
            (Self::Retry { ids, .. } | Self::Discard { ids, .. }, _) => ids.len(),
            (_, Body::Proposed(proposal)) => proposal.frozen.len(),
            (_, Body::LinkProposed(proposed)) => proposed.count(),
            _ => 1,
        };
        Demand::for_count(count as u64, from)
    }
}
