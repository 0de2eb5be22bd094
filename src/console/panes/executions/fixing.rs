//! What `f` does about a failure: the one thing that mends it, where a key can do it.
//!
//! Pure; the cookbook says what is to be done, this only whether it can be done from here.

use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::execution::{Execution, ExecutionDetail, Status};
use crate::domain::ids::ConflictId;
use crate::domain::plan::Effect;
use crate::domain::trouble::{Fix, recognise};

/// The fix of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Fixing {
    /// Decide the conflict it raised.
    Conflict(ConflictId),
    /// Change what was refused, and replay.
    Values,
    /// Merge the two records.
    Merge,
    /// Run it again.
    Retry,
    /// It goes on by itself.
    Wait,
    /// It is mended somewhere else.
    Elsewhere,
}

impl Fixing {
    /// What the key does, in a few words.
    pub(in crate::console) const fn words(self) -> &'static str {
        match self {
            Self::Conflict(_) => "decide the conflict it raised",
            Self::Values => "change what was refused, and replay",
            Self::Merge => "merge the two records",
            Self::Retry => "run it again",
            Self::Wait => "nothing to do",
            Self::Elsewhere => "says where it is mended",
        }
    }
}

/// What mends it; none for what has not failed.
pub(in crate::console) fn of(row: &Execution, detail: &ExecutionDetail) -> Option<Fixing> {
    if let Some(conflict) = detail.conflicts.first() {
        return Some(Fixing::Conflict(*conflict));
    }
    let class = row.error_class?;
    if !matches!(row.status, Status::Failed | Status::Retrying | Status::InDoubt | Status::Held) {
        return None;
    }
    let steps = detail.plan.iter().flat_map(|plan| &plan.steps);
    let writes =
        steps.into_iter().any(|step| matches!(step.effect, Effect::Create { .. } | Effect::Update { .. }));
    let refused = matches!(
        class,
        ErrorClass::Validation
            | ErrorClass::NotAllowedValue
            | ErrorClass::TooLarge
            | ErrorClass::UnknownField
    );
    if refused && writes && row.decision.is_none() {
        return Some(Fixing::Values);
    }
    let words = detail.vendor_words.as_deref().unwrap_or_default();
    let known = recognise(detail.failed_at(), class, words).map(|trouble| trouble.fix);
    Some(match (known, class.treatment().retry) {
        (Some(Fix::Merge), _) => Fixing::Merge,
        (Some(Fix::Retry), _) | (_, Retry::Replan) => Fixing::Retry,
        (_, Retry::Later) if row.status == Status::Failed => Fixing::Retry,
        (_, Retry::Later | Retry::Wait) => Fixing::Wait,
        _ => Fixing::Elsewhere,
    })
}
