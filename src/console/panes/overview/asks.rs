//! What screen 1 asks beside its first facts: causes of failures, how it went lately, what came since the last visit.

use crate::console::msg::Answer;
use crate::domain::fingerprint::Cause;
use crate::domain::overview::{Since, Trends};
use crate::engine::operate::Operator;
use crate::journal::{Journal, JournalError};

/// Causes that are shown; a screen holds no more.
const CAUSES: usize = 50;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Also how it went lately and what came since the last visit: asked now and then.
    pub lately: bool,
    /// Somebody looks: note it as their visit.
    pub visit: bool,
}

/// What changes slowly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lately {
    /// By the hour and by the day.
    pub trends: Trends,
    /// Since the last visit; none for somebody who is here for the first time.
    pub since: Option<Since>,
    /// Whose it is to decide the open conflicts.
    pub roles: Vec<(String, u64)>,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    /// Why executions fail.
    pub causes: Answer<Vec<Cause>>,
    /// Where it was asked for.
    pub lately: Option<Answer<Box<Lately>>>,
}

/// Finds the answer.
pub async fn answer(journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    if ask.visit && !operator.is_read_only() {
        // A visit that cannot be noted makes the next one say more than is new; nothing to trouble anybody with.
        if let Err(error) = journal.note_visit(operator.actor().to_owned()).await {
            tracing::debug!(%error, "a visit was not noted");
        }
    }
    let causes = journal.causes(CAUSES).await.map_err(|error| error.to_string());
    let lately = if ask.lately {
        Some(lately(journal, operator).await.map(Box::new).map_err(|error| error.to_string()))
    } else {
        None
    };
    Told { causes, lately }
}

async fn lately(journal: &Journal, operator: &Operator) -> Result<Lately, JournalError> {
    Ok(Lately {
        trends: journal.trends().await?,
        since: journal.since_visit(operator.actor().to_owned()).await?,
        roles: journal.open_by_role().await?,
    })
}
