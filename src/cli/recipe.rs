//! `reknit recipe`: what runs on which event.

use clap::{Args, Subcommand};

use super::problem::Problem;
use super::switch;
use super::wiring::Place;
use crate::recipes::recipe::State;

/// Arguments of `recipe`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let recipes run: at most two within a day, unless --force
    On(switch::Arguments),
    /// Let recipes plan and journal what they would do, and write nothing
    Shadow(switch::Arguments),
    /// Stop recipes; what already waits is skipped
    Off(switch::Arguments),
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let (state, names) = match &arguments.command {
        Command::On(names) => (State::On, names),
        Command::Shadow(names) => (State::Shadow, names),
        Command::Off(names) => (State::Off, names),
    };
    switch::run(place, read_only, state, names).await
}
