//! Before a recipe is switched on: do the vendors have the fields it sets, do they take its values; and the attributes that
//! Intercom lacks are made. Without tokens, or when a vendor cannot be asked, that is said and nothing is kept from running.

use super::super::output;
use super::super::problem::Problem;
use super::super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::domain::lint::{Lint, LintRule};
use crate::domain::plan::Effect;
use crate::domain::text::clean;
use crate::recipes::recipe::Recipe;

/// Refuses recipes that a vendor would refuse; what is wrong with single mapped fields is said beside, since only those
/// are held back.
pub(super) async fn check(
    place: &Place,
    config: &Config,
    recipes: &[&Recipe],
    force: bool,
) -> Result<(), Problem> {
    let unchecked = |why: &str| {
        output::aside(&format!("The vendors' fields were not checked: {why}"));
    };
    let Ok(credentials) = wiring::credentials(place, config) else {
        unchecked("there are no tokens here");
        return Ok(());
    };
    let engine = match place.open(config, Opening::Work) {
        Ok(journal) => wiring::engine(config, journal, place.mapping(config)?, credentials)?,
        Err(_) => {
            unchecked("there is no journal yet");
            return Ok(());
        }
    };
    for recipe in recipes {
        let found = match engine.check_recipe(recipe).await {
            Ok(found) => found,
            Err(error) => {
                unchecked(&error.to_string());
                continue;
            }
        };
        let (refusing, others): (Vec<Lint>, Vec<Lint>) =
            found.into_iter().partition(|lint| stops(recipe, lint));
        for lint in &others {
            output::aside(&format!("! {}", clean(&lint.to_string())));
        }
        if let (Some(first), false) = (refusing.first(), force) {
            return Err(Problem::usage(
                format!("{} was not switched on: a vendor would refuse what it does.", recipe.name),
                refusing.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                format!("{}; or add --force", first.fix),
            ));
        }
        match engine.missing_attributes(Some(recipe)).await {
            Ok(effects) => {
                for effect in &effects {
                    let Effect::DefineField { field, .. } = effect else { continue };
                    let words = match engine.define(effect, &wiring::actor()).await {
                        Ok(()) => format!("Intercom has the attribute {field} now."),
                        Err(error) => format!("{field} could not be made in Intercom: {error}"),
                    };
                    output::aside(&words);
                }
            }
            Err(error) => unchecked(&error.to_string()),
        }
    }
    Ok(())
}

/// Whether the recipe itself cannot do its work: a field of a mapping is held back alone.
fn stops(recipe: &Recipe, lint: &Lint) -> bool {
    let whole =
        lint.place == "identity" || lint.rule == LintRule::RequiredNotMapped || lint.place == "creates";
    lint.refuses() && (lint.file == recipe.file || whole)
}
