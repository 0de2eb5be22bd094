//! `reknit recipe on|off|shadow NAME`: the switch of a recipe, moved by the operator's own verb. Prints what would change,
//! and changes it only when asked to; nothing is asked of a vendor here but what its fields are.

use clap::Args;
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::engine::operate::switching::{self, Asked, Position, Refusal, Switch};
use crate::journal::Journal;
use crate::recipes::recipe::State;

/// Arguments of the three.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which recipes
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Do it: without it, only what would change is printed
    #[arg(long)]
    yes: bool,
    /// Switch on more than two within a day, or what a vendor would refuse, all the same
    #[arg(long)]
    force: bool,
}

/// Switches recipes.
pub async fn run(
    place: &Place,
    read_only: bool,
    state: State,
    arguments: &Arguments,
    json: bool,
) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal =
        place.open(&config, if read_only || !arguments.yes { Opening::Look } else { Opening::Work });
    let asked = Asked { names: arguments.names.clone(), to: Position::from(state), force: arguments.force };
    let switch = switching::propose(
        &wiring::sources(&config),
        config.engine.crm,
        journal.as_ref().ok(),
        wiring::clock().now(),
        asked,
    )
    .await
    .map_err(refused)?;
    if switch.changes.is_empty() || !arguments.yes {
        return done(arguments, &switch, false, json);
    }
    if read_only {
        return Err(Problem::usage(
            "No recipe was switched.",
            "--read-only forbids it",
            "leave --read-only away; without --yes it only shows what would change",
        ));
    }
    let journal = journal?;
    check(place, &config, &journal, &switch).await?;
    switching::carry_out(&journal, &wiring::actor(), &switch).await.map_err(refused)?;
    done(arguments, &switch, true, json)
}

/// Holds what is switched on against the vendors' fields, and makes the attributes that Intercom lacks.
async fn check(place: &Place, config: &Config, journal: &Journal, switch: &Switch) -> Result<(), Problem> {
    if switch.asked.to != Position::On {
        return Ok(());
    }
    let Ok(credentials) = wiring::credentials(place, config) else {
        output::aside(&switching::unchecked("there are no tokens here"));
        return Ok(());
    };
    let engine = wiring::engine(config, journal.clone(), place.mapping(config)?, credentials)?;
    let mut say = |words: String| output::aside(&words);
    switching::fits(&engine, switch, &mut say).await.map_err(refused)?;
    switching::define(&engine, switch, &wiring::actor(), &mut say).await;
    Ok(())
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Wrong { why, next } => Problem::usage("No recipe was switched.", why, next),
        Refusal::Unfit { recipe, why, next } => Problem::usage(
            format!("{recipe} was not switched on: a vendor would refuse what it does."),
            why,
            next,
        ),
        Refusal::Unnoted { recipe, to, error } => Problem::runtime(
            format!("{recipe} is {to} in its file, but the journal does not say who did it."),
            error.to_string(),
            "run the command again",
        ),
        Refusal::Journal(error) => super::list::unread(&error),
    }
}

fn done(arguments: &Arguments, switch: &Switch, carried_out: bool, json: bool) -> Result<(), Problem> {
    let state = switch.asked.to;
    let changes = &switch.changes;
    if json {
        let changes: Vec<_> = changes
            .iter()
            .map(|change| {
                let file = change.path.display().to_string();
                json!({"recipe": change.recipe, "before": change.before, "file": file})
            })
            .collect();
        return output::json(&json!({"state": state, "changed": changes, "done": carried_out}));
    }
    if changes.is_empty() {
        return output::line(&format!("Nothing to do: {} {state} already.", arguments.names.join(", ")));
    }
    for change in changes {
        let verb = if carried_out { "is" } else { "would be" };
        output::line(&format!(
            "{} {verb} {state} (was {}), in {}",
            change.recipe,
            change.before,
            change.path.display()
        ))?;
    }
    output::line(if carried_out {
        "A running Reknit takes it over within a second."
    } else {
        "Nothing was changed; add --yes to do it."
    })
}
