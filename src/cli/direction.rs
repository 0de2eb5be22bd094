//! `reknit mapping direction`: one direction of a field off or on again, for everybody and at once; which are off.

use clap::Args;
use serde_json::json;

use super::list::unread;
use super::operate::refused;
use super::output;
use super::pause::operator as open_operator;
use super::problem::Problem;
use super::resolve::parse_direction;
use super::wiring::{Opening, Place};
use crate::domain::text::clean;

/// Arguments of `mapping direction`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The field, as the mapping calls it; without one: which directions are off
    #[arg(requires = "direction")]
    field: Option<String>,
    /// to-crm or to-intercom
    #[arg(requires = "switch")]
    direction: Option<String>,
    /// Off: nothing is written that way any more. On: it is again
    #[arg(value_parser = ["on", "off"])]
    switch: Option<String>,
    /// Why; it stays with it
    #[arg(long, default_value = "no reason given.")]
    reason: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Switches it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let (Some(field), Some(direction), Some(switch)) =
        (&arguments.field, &arguments.direction, &arguments.switch)
    else {
        return list(place, arguments.json).await;
    };
    let direction = parse_direction(direction)?;
    let operator = open_operator(place, read_only)?;
    if switch == "off" {
        let closed =
            operator.disable(field, direction, &arguments.reason).await.map_err(|error| refused(&error))?;
        if arguments.json {
            return output::json(
                &json!({"field": field, "direction": direction, "off": true, "closed": closed}),
            );
        }
        return output::line(&clean(&format!(
            "{field} is written {direction} no more, from now on; {} open conflicts of it are closed.",
            closed.len()
        )));
    }
    let was_off = operator.enable(field, direction).await.map_err(|error| refused(&error))?;
    if arguments.json {
        return output::json(
            &json!({"field": field, "direction": direction, "off": false, "was_off": was_off}),
        );
    }
    output::line(&clean(&if was_off {
        format!("{field} is written {direction} again.")
    } else {
        format!("{field} was written {direction} all the time; nothing changed.")
    }))
}

async fn list(place: &Place, json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let holds = journal.field_holds().await.map_err(|error| unread(&error))?;
    if json {
        return output::json(&holds);
    }
    if holds.is_empty() {
        return output::line("Every field is written in every direction its mapping names.");
    }
    let rows: Vec<Vec<String>> = holds
        .iter()
        .map(|hold| {
            vec![
                hold.field.clone(),
                hold.direction.to_string(),
                hold.actor.clone(),
                hold.since.rfc3339(),
                hold.reason.clone(),
            ]
        })
        .collect();
    output::table(&["FIELD", "OFF", "BY", "SINCE", "WHY"], &rows)
}
