//! Switching a recipe: what its text says afterwards, and what speaks against it. Writes no file.

use std::collections::BTreeSet;

use super::{Files, InForce, assemble};
use crate::domain::record::System;
use crate::recipes::recipe::{Act, Recipe, State};

/// So many recipes begin to run within a day without somebody insisting: one is watched before the next begins.
pub const AT_ONCE: usize = 2;

/// The text of a recipe with another state; its comments and its order stay.
pub fn with_state(text: &str, state: State) -> Result<String, String> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    match document.get_mut("state").and_then(toml_edit::Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = state.as_str().into();
            *value.decor_mut() = decor;
        }
        None => {
            document.insert("state", toml_edit::value(state.as_str()));
        }
    }
    Ok(document.to_string())
}

/// The files as they would be with this one; its rules are put together as they would run.
pub fn tried(files: &Files, crm: System, path: &str, text: &str) -> Result<(Files, InForce), Vec<String>> {
    let mut files = files.clone();
    match files.recipes.iter_mut().find(|(known, _)| known == path) {
        Some((_, known)) => text.clone_into(known),
        None => files.recipes.push((path.to_owned(), text.to_owned())),
    }
    let in_force = assemble(&files, crm)?;
    Ok((files, in_force))
}

/// Recipes that would begin to run, if that are too many within a day.
pub fn too_many(lately: &[String], wanted: &[String]) -> Option<Vec<String>> {
    let all: BTreeSet<&String> = lately.iter().chain(wanted).collect();
    (all.len() > AT_ONCE).then(|| all.into_iter().cloned().collect())
}

/// What has to be decided before a recipe that makes records may run: how a record is told to be there already.
pub fn undecided(recipe: &Recipe, in_force: &InForce) -> Option<String> {
    recipe.actions.iter().find_map(|action| match &action.act {
        Act::Sync { mapping, to_crm: true, create: true } => {
            let found = in_force.mappings.named(mapping).unwrap_or(&in_force.contact);
            let decided = !found.keys.is_empty() || !found.crm_identity.is_empty();
            (!decided).then(|| {
                format!(
                    "{}, line {}: the mapping \"{mapping}\" says by nothing that a record is there already, and each run \
                     would make one; give it a [[key]]",
                    recipe.file, action.line
                )
            })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_changed_where_it_stands_and_comments_stay() {
        let text = "# mine\nname = \"a\"\nstate = \"off\" # for now\n\n[trigger]\non = \"contact.tagged\"\n";
        let changed = with_state(text, State::On).expect("changed");
        assert_eq!(changed, text.replace("\"off\"", "\"on\""));
        let added = with_state("name = \"a\"\n[trigger]\non = \"x\"\n", State::Shadow).expect("added");
        assert!(added.find("state = \"shadow\"") < added.find("[trigger]"), "{added}");
    }

    #[test]
    fn r141_the_third_recipe_within_a_day_needs_somebody_who_insists() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        assert_eq!(too_many(&[], &names(&["a", "b"])), None);
        assert_eq!(too_many(&names(&["a"]), &names(&["a", "b"])), None, "one of them twice");
        assert_eq!(too_many(&names(&["a", "b"]), &names(&["c"])), Some(names(&["a", "b", "c"])));
    }
}
