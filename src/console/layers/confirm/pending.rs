//! What can wait for a yes, how it is asked, and what a yes sets off. Only what was shown is done.

use super::Body;
use super::demand::Demand;
use crate::console::bulk::Deed;
use crate::console::effect::Effect;
use crate::console::layers::bulk::Bulk;
use crate::console::layers::toast::Tone;
use crate::console::links::Wish as LinkWish;
use crate::console::panes::listing::Chosen;
use crate::console::text::counted;
use crate::console::wishes::Wish as AnyWish;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId};
use crate::domain::review::{Choice, Decision};
use crate::domain::team::Item;
use crate::engine::operate::disputes::{Reach, Wish as DisputeWish};
use crate::journal::verdicts::NewVerdict;
/// What a yes to something grave sets off.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// A wish is carried out.
    Do(Box<AnyWish>),
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
    /// An action on many rows: it has a dialog of its own.
    Bulk {
        /// Which.
        deed: Deed,
        /// On which rows.
        chosen: Chosen,
    },
    /// Two records to call different.
    Part {
        /// Which pair.
        id: DuplicateId,
        /// The two, in words.
        text: String,
    },
    /// Anything else that is wished for.
    Wish {
        /// What is to be done.
        wish: AnyWish,
        /// The question, without its mark: `Resume recipe contact-to-crm`.
        title: String,
        /// One or two words for the button.
        verb: &'static str,
        /// What comes of it, in sentences.
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
    /// What a yes decides, where people may have claimed it.
    pub(super) fn items(&self) -> Vec<Item> {
        match self {
            Self::Decide { decision, .. } => {
                crate::engine::operate::team::of_decision(decision).into_iter().collect()
            }
            Self::Propose { conflict, .. } => vec![Item::Conflict(*conflict)],
            Self::Link { wish, .. } => match wish {
                LinkWish::Undo(id) | LinkWish::Found(id) | LinkWish::Judge(id, _) => {
                    vec![Item::Unlinked(*id)]
                }
                LinkWish::Settle(wanted) => wanted.iter().map(|(id, _)| Item::Conflict(*id)).collect(),
                LinkWish::Reopen(id) => vec![Item::Conflict(*id)],
                LinkWish::Unmerge(id) => vec![Item::Duplicate(*id)],
                LinkWish::Apart(ids, _) => ids.iter().map(|id| Item::Duplicate(*id)).collect(),
                LinkWish::Domain(..) | LinkWish::Never(_) | LinkWish::Again(_) => Vec::new(),
            },
            Self::Retry { ids, .. } | Self::Discard { ids, .. } => {
                ids.iter().map(|id| Item::Execution(*id)).collect()
            }
            Self::Part { id, .. } => vec![Item::Duplicate(*id)],
            Self::PutOff { verdict, .. } => vec![Item::Duplicate(verdict.id)],
            Self::Wish { wish, .. } => wish.items(),
            // What many rows are decided for at once is judged row by row where it is recorded.
            Self::Bulk { .. } | Self::Grave { .. } => Vec::new(),
        }
    }

    pub(super) fn title(&self) -> String {
        match self {
            Self::Decide { title, .. }
            | Self::Propose { title, .. }
            | Self::Link { title, .. }
            | Self::Wish { title, .. }
            | Self::Grave { title, .. } => {
                format!("{title}?")
            }
            Self::Retry { ids, .. } => format!("Retry {}?", counted(ids.len() as u64, "execution")),
            Self::Discard { ids, .. } => format!("Discard {}?", counted(ids.len() as u64, "execution")),
            Self::Bulk { deed, chosen } => format!("{}?", deed.title(chosen.count())),
            Self::Part { .. } => "Two different people?".to_owned(),
            Self::PutOff { .. } => "Later?".to_owned(),
        }
    }

    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Decide { decision: Decision::Resolve { .. }, .. } => "Send",
            Self::Decide { decision: Decision::Merge { .. }, .. } => "Merge",
            Self::Decide { decision: Decision::UndoMerge { .. } | Decision::Reopen { .. }, .. } => {
                "Take back"
            }
            Self::Decide { decision: Decision::Link { .. }, .. } => "Link",
            Self::Decide { decision: Decision::Found { .. }, .. } => "Make it",
            Self::Decide { decision: Decision::Unlink { .. }, .. } => "Take back",
            Self::Decide { decision: Decision::Probe { .. }, .. } => "Look it up",
            Self::Decide { decision: Decision::Act { .. }, .. } => "Do",
            Self::Propose { wish: DisputeWish::Ignore(_), .. } => "Leave it",
            Self::Propose { wish: DisputeWish::Disable(_), .. } => "Switch off",
            Self::Propose { wish: DisputeWish::Settle(Choice::Translate(_)), .. } => "Translate",
            Self::Propose { reach: Reach::SameValues | Reach::AnyValues, .. } => "Make the rule",
            Self::Propose { .. } => "Send",
            Self::Link { wish: LinkWish::Undo(_) | LinkWish::Unmerge(_) | LinkWish::Reopen(_), .. } => {
                "Take back"
            }
            Self::Link { wish: LinkWish::Found(_), .. } => "Make it",
            Self::Link { wish: LinkWish::Domain(..), .. } => "Link",
            Self::Link { wish: LinkWish::Never(_), .. } => "Never",
            Self::Link { wish: LinkWish::Again(_), .. } => "Ask again",
            Self::Link { wish: LinkWish::Judge(..), .. } => "Say so",
            Self::Link { wish: LinkWish::Settle(_), .. } => "Send",
            Self::Link { wish: LinkWish::Apart(..), .. } => "Different",
            Self::Retry { .. } => "Retry",
            Self::Discard { .. } => "Discard",
            Self::Bulk { deed, .. } => deed.verb(),
            Self::Grave { verb, .. } => verb,
            Self::Part { .. } => "Different",
            Self::Wish { verb, .. } => verb,
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
            Self::Bulk { deed, chosen } => Bulk::open(deed.clone(), chosen.clone()),
            Self::Part { id, .. } => Effect::Part(*id),
            Self::Wish { wish, .. } => Effect::Do(Box::new(wish.clone())),
            Self::PutOff { verdict, .. } => Effect::Judge(verdict.clone()),
            Self::Grave { then: Then::Do(wish), .. } => Effect::Do(wish.clone()),
            Self::Grave { then: Then::Unmask, .. } => Effect::Unmask,
        }
    }

    /// What has to be typed before a yes counts; `from` so many records on it is their count.
    pub(super) fn demand(&self, body: &Body, from: u64) -> Option<Demand> {
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
