//! `reknit selftest`: test records through the real engine, read back and cleaned up, at emulated vendors or in a sandbox.
//!
//! The journal is one of its own and goes with the test. Records are named "Reknit Selftest" and have an address at
//! example.com; what cannot be deleted again (a conversation of Intercom) is told. A production org is refused.

mod checks;
mod stage;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::record::System;
use crate::domain::text::clean;

pub(super) use checks::Outcome;
use stage::Stage;

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Somebody new in Intercom becomes a lead in the CRM, with its owner
    Lead,
    /// A change in Intercom reaches the lead
    Update,
    /// A tagged conversation becomes a case with its status
    Case,
    /// Somebody the CRM knows already is updated and not made again
    Duplicate,
    /// What nobody may write is refused and stays as it is
    Permission,
    /// A write that fails is seen, with its reason
    Error,
    /// All of them
    All,
}

/// Where it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Emulated vendors on loopback, started for it
    Emulated,
    /// The accounts of the settings, which must be a sandbox
    Sandbox,
    /// The accounts of the settings, whatever they are; wants --force
    Production,
}

/// Arguments of `selftest`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is tested
    #[arg(value_enum)]
    what: What,
    /// Where
    #[arg(long, value_enum, default_value = "emulated")]
    profile: Profile,
    /// Which CRM the emulated vendors stand for [default: the one of the settings]
    #[arg(long, value_parser = ["hubspot", "salesforce"])]
    crm: Option<String>,
    /// Make test records in a production account all the same
    #[arg(long)]
    force: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Tests, tells, cleans up; ends with 1 when a test failed.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::usage(
            "Nothing was tested.",
            "a self-test makes records at the vendors, and --read-only forbids that",
            "leave --read-only away; without --profile the vendors are emulated",
        ));
    }
    let crm = arguments.crm.as_deref().and_then(|word| word.parse::<System>().ok());
    let results = test(place, arguments.what, arguments.profile, crm, arguments.force).await?;
    if arguments.json {
        let rows: Vec<_> = results
            .iter()
            .map(|it| json!({"test": it.name, "passed": it.passed, "evidence": it.evidence}))
            .collect();
        output::json(&json!({"passed": results.iter().all(Outcome::is_good), "tests": rows}))?;
    } else {
        for it in &results {
            let mark = match it.passed {
                Some(true) => "✓",
                Some(false) => "✗",
                None => "-",
            };
            output::line(&format!("{mark} {}: {}", it.name, clean(&it.evidence)))?;
        }
    }
    let failed: Vec<&str> = results.iter().filter(|it| !it.is_good()).map(|it| it.name).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{} failed; test records are cleaned up as far as told above.", failed.join(", ")),
        "see the lines marked ✗",
        "mend what they say and test again; `reknit doctor` and `reknit doctor salesforce` look at rights and tokens",
    ))
}

/// Runs the tests and cleans up.
pub(super) async fn test(
    place: &Place,
    what: What,
    profile: Profile,
    crm: Option<System>,
    force: bool,
) -> Result<Vec<Outcome>, Problem> {
    let mut stage = match profile {
        Profile::Emulated => Stage::emulated(place, crm).await?,
        Profile::Sandbox | Profile::Production => {
            Stage::real(place, profile == Profile::Production && force).await?
        }
    };
    let wanted = match what {
        What::All => {
            vec![What::Lead, What::Update, What::Case, What::Duplicate, What::Permission, What::Error]
        }
        one => vec![one],
    };
    let mut results = Vec::new();
    for one in wanted {
        results.push(checks::run(&mut stage, one).await);
    }
    results.push(stage.clean_up().await);
    stage.end().await;
    Ok(results)
}
