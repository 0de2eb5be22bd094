//! `reknit mapping`: what stands between the fields of the two sides, looked at and changed from the command line.

use clap::{Args, Subcommand};

use super::problem::Problem;
use super::wiring::Place;
use super::{direction, mapping_plan, mapping_show};

/// Arguments of `mapping`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The mappings in force
    List(mapping_show::List),
    /// One mapping field by field: direction, owner, transform, flags
    Show(mapping_show::Show),
    /// Check mappings, by themselves and against the vendors' fields
    Lint(mapping_show::LintArguments),
    /// Turn the settings of an old connector into a mapping file
    Import(mapping_show::Import),
    /// What an edited mapping would change, from what the journal holds
    Plan(mapping_plan::Arguments),
    /// One direction of a field off, or on again; without a field: which are off
    Direction(direction::Arguments),
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.command {
        Command::List(list) => mapping_show::list(place, list),
        Command::Show(show) => mapping_show::show(place, show),
        Command::Lint(lint) => mapping_show::lint(place, read_only, lint).await,
        Command::Import(import) => mapping_show::import(import),
        Command::Plan(plan) => mapping_plan::run(place, plan).await,
        Command::Direction(direction) => direction::run(place, read_only, direction).await,
    }
}
