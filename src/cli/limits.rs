//! `reknit limits`: how many calls each connection has used, may use, and when its day's budget is reached.

use clap::Args;
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::breaker::Breaker;
use crate::domain::clock::Timestamp;
use crate::domain::limit::FamilyState;
use crate::domain::pause::{Pause, PauseScope};
use crate::domain::text::clean;

/// Arguments of `limits`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Prints one line for each family of endpoints that was called.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let states = journal.call_limits().await.map_err(|error| super::list::unread(&error))?;
    let (pauses, breakers) = super::pause::standing(&journal).await?;
    let breaker = |state: &FamilyState| breakers.iter().find(|it| it.connection == state.connection);
    let pause = |state: &FamilyState| {
        let scope = PauseScope::connection(&state.connection);
        pauses.iter().find(|pause| pause.scope == scope)
    };
    if arguments.json {
        let rows: Vec<_> = states.iter().map(|state| shape(state, breaker(state), pause(state))).collect();
        return output::json(&rows);
    }
    if states.is_empty() && breakers.is_empty() {
        return output::line("No vendor was called yet.");
    }
    let now = wiring::clock().now();
    let rows: Vec<Vec<String>> =
        states.iter().map(|state| row(state, breaker(state), pause(state), now)).collect();
    output::table(
        &["CONNECTION", "ENDPOINTS", "WINDOW", "TODAY", "BUDGET", "RENEWED", "BUDGET REACHED", "STATE"],
        &rows,
    )?;
    for breaker in &breakers {
        output::line(&clean(&format!(
            "{} is left alone; work waits for {}. {}",
            breaker.connection,
            breaker.phrase(),
            breaker.advice()
        )))?;
    }
    Ok(())
}

fn shape(state: &FamilyState, breaker: Option<&Breaker>, pause: Option<&Pause>) -> serde_json::Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "connection": state.connection.to_string(),
        "family": state.family,
        "used": state.used,
        "limit": state.limit,
        "window_milliseconds": state.window_milliseconds,
        "daily_used": state.daily_used,
        "daily_limit": state.daily_limit,
        "daily_budget": state.daily_budget,
        "renewed_at": time(state.renewed_at),
        "closed_until": time(state.closed_until),
        "closed_why": state.closed_why,
        "budget_reached_at": time(state.budget_reached_at),
        "limit_reached_at": time(state.limit_reached_at),
        "breaker": breaker.map(super::pause::breaker_shape),
        "paused": pause.map(Pause::sentence),
    })
}

fn row(state: &FamilyState, breaker: Option<&Breaker>, pause: Option<&Pause>, now: Timestamp) -> Vec<String> {
    let daily = state.daily_limit > 0;
    let of = |used: u32, limit: u32| format!("{used}/{limit}");
    let or_none = |shown: bool, text: String| if shown { text } else { "-".to_owned() };
    let reached = match state.budget_reached_at {
        Some(at) if at <= now => "now".to_owned(),
        Some(at) => at.rfc3339(),
        None => "not today".to_owned(),
    };
    let seconds = f64::from(state.window_milliseconds) / 1_000.0;
    vec![
        state.connection.to_string(),
        state.family.to_string(),
        or_none(state.limit > 0, format!("{} in {seconds} s", of(state.used, state.limit))),
        or_none(daily, of(state.daily_used, state.daily_limit)),
        or_none(daily, state.daily_budget.to_string()),
        or_none(daily, state.renewed_at.map_or_else(|| "last 24 hours".to_owned(), Timestamp::rfc3339)),
        or_none(daily, reached),
        match (breaker, pause, state.closed_until) {
            (Some(breaker), ..) => {
                format!("left alone since {} ({})", breaker.since.rfc3339(), breaker.cause)
            }
            (None, Some(pause), _) => clean(&pause.sentence()).into_owned(),
            (None, None, Some(until)) => format!("closed until {}: {}", until.rfc3339(), state.closed_why),
            (None, None, None) => "open".to_owned(),
        },
    ]
}
