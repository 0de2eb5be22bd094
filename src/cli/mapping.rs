//! `reknit mapping`: what stands between the fields of the two sides, looked at and changed from the command line.

use clap::{Args, Subcommand};

use super::problem::Problem;
use super::wiring::Place;
use super::{direction, mapping_plan};

/// Arguments of `mapping`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What an edited mapping would change, from what the journal holds
    Plan(mapping_plan::Arguments),
    /// One direction of a field off, or on again; without a field: which are off
    Direction(direction::Arguments),
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.command {
        Command::Plan(plan) => mapping_plan::run(place, plan).await,
        Command::Direction(direction) => direction::run(place, read_only, direction).await,
    }
}
