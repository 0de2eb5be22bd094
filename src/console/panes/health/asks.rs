//! What screen 7 asks of the journal, and the answers; asked in a task, never in the loop.

use crate::console::msg::Answer;
use crate::domain::drift::Finding;
use crate::domain::event::Arrivals;
use crate::domain::monitor::{Alert, Standing};
use crate::domain::overview::{ConnectionState, Trends};
use crate::domain::pause::Pause;
use crate::engine::operate::Operator;
use crate::journal::monitors::gauges::Gauges;
use crate::journal::vitals::Vitals;
use crate::journal::{Journal, JournalError};

/// Alerts that are shown of the past.
const ALERTS: usize = 50;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// All that the screen shows.
    Everything,
}

/// Everything the screen shows.
#[derive(Debug, Default)]
pub struct Facts {
    /// How the connections fare.
    pub connections: Vec<ConnectionState>,
    /// What the monitors measure: limits, breakers, when each connection was heard of, channels, queue.
    pub gauges: Gauges,
    /// Answer times, missing rights, refused deliveries, saved calls, jobs, the echo ledger.
    pub vitals: Vitals,
    /// Where each monitor stands.
    pub standings: Vec<Standing>,
    /// What was told lately, newest first.
    pub alerts: Vec<Alert>,
    /// Changes at a vendor that nobody has decided.
    pub drift: Vec<Finding>,
    /// Which topics came lately.
    pub arrivals: Vec<Arrivals>,
    /// What is paused.
    pub pauses: Vec<Pause>,
    /// By the hour and by the day.
    pub trends: Trends,
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// All that the screen shows.
    Everything(Answer<Box<Facts>>),
}

/// Finds the answer.
pub async fn answer(journal: &Journal, _operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Everything => {
            Told::Everything(everything(journal).await.map(Box::new).map_err(|error| error.to_string()))
        }
    }
}

async fn everything(journal: &Journal) -> Result<Facts, JournalError> {
    Ok(Facts {
        connections: journal.connection_states().await?,
        gauges: journal.gauges().await?,
        vitals: journal.vitals().await?,
        standings: journal.standings().await?,
        alerts: journal.alerts(ALERTS).await?,
        drift: journal.drift(true).await?,
        arrivals: journal.arrivals().await?,
        pauses: journal.pauses().await?,
        trends: journal.trends().await?,
    })
}
