//! `reknit recipe on|off|shadow NAME`: writes the state into the recipe's file, so that it is in force within a second,
//! and into the journal, so that it is known who did it. Nothing is asked of a vendor here but what its fields are.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::engine::rules::{Files, assemble, switch};
use crate::recipes::finding::nearest;
use crate::recipes::recipe::State;

mod fields;

/// A day, in milliseconds: within it no more than two recipes begin to run.
const DAY: i64 = 24 * 3_600_000;

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

/// One recipe whose state changes.
struct Change {
    name: String,
    before: State,
    path: PathBuf,
    text: String,
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
    let sources = wiring::sources(&config);
    let refused = |why: String, next: &str| Problem::usage("No recipe was switched.", why, next.to_owned());
    let mut files: Files =
        sources.read().map_err(|why| refused(why, "check the folder and its permissions, then try again"))?;
    let wrong =
        |wrong: Vec<String>| refused(wrong.join("; "), "correct it; `reknit recipe lint` shows everything");
    let mut in_force = assemble(&files, config.engine.crm).map_err(wrong)?;
    let journal =
        place.open(&config, if read_only || !arguments.yes { Opening::Look } else { Opening::Work });
    let first_run = match &journal {
        Ok(journal) => journal.first_run().await.map_err(|error| super::list::unread(&error))?,
        Err(_) => Vec::new(),
    };
    let mut changes = Vec::new();
    for name in &arguments.names {
        let Some(recipe) = in_force.book.recipe(name).cloned() else {
            let known: Vec<String> = in_force.book.all().map(|recipe| recipe.name.clone()).collect();
            let near = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
            return Err(refused(
                format!("there is no recipe \"{name}\"; did you mean \"{near}\"?"),
                "`reknit recipe list` shows every one",
            ));
        };
        let waits = first_run.contains(name);
        let before = if waits && recipe.state == State::On { State::Shadow } else { recipe.state };
        if recipe.state == state && !waits {
            continue;
        }
        if state == State::On
            && let Some(why) = switch::undecided(&recipe, &in_force)
        {
            return Err(refused(why, "decide it in the mapping, then switch the recipe on"));
        }
        let own = files.recipes.iter().any(|(path, _)| *path == recipe.file);
        let path = if own {
            PathBuf::from(&recipe.file)
        } else {
            let folder = sources.recipes.as_ref().ok_or_else(|| {
                refused("there is no folder for it".to_owned(), "name one: recipes = \"…\" in the settings")
            })?;
            folder.join(format!("{name}.toml"))
        };
        let text = switch::with_state(&recipe.text, state)
            .map_err(|why| refused(format!("{}: {why}", recipe.file), "correct the file"))?;
        (files, in_force) =
            switch::tried(&files, config.engine.crm, &path.display().to_string(), &text).map_err(wrong)?;
        changes.push(Change { name: name.clone(), before, path, text });
    }
    if changes.is_empty() {
        return done(arguments, state, &[], false, json);
    }
    if state == State::On && !arguments.force {
        let lately = match &journal {
            Ok(journal) => {
                let since = crate::domain::clock::Timestamp(wiring::clock().now().0 - DAY);
                journal.switched_on_since(since).await.map_err(|error| super::list::unread(&error))?
            }
            Err(_) => Vec::new(),
        };
        let wanted: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
        if let Some(all) = switch::too_many(&lately, &wanted) {
            return Err(refused(
                format!(
                    "{} would all have begun within 24 hours; more than two at once cannot be watched",
                    all.join(", ")
                ),
                "watch the ones that run for a day, or add --force",
            ));
        }
    }
    if !arguments.yes {
        return done(arguments, state, &changes, false, json);
    }
    if read_only {
        return Err(refused(
            "--read-only forbids it".to_owned(),
            "leave --read-only away; without --yes it only shows what would change",
        ));
    }
    let journal = journal?;
    if state == State::On {
        let switched: Vec<_> = changes
            .iter()
            .filter_map(|change| in_force.book.recipe(&change.name).map(AsRef::as_ref))
            .collect();
        fields::check(place, &config, &switched, arguments.force).await?;
    }
    for change in &changes {
        write(&change.path, &change.text).map_err(|error| {
            refused(format!("{}: {error}", change.path.display()), "check the folder's permissions")
        })?;
        let (before, after) = (change.before.to_string(), state.to_string());
        journal.switched(change.name.clone(), before, after, wiring::actor()).await.map_err(|error| {
            Problem::runtime(
                format!("{} is {state} in its file, but the journal does not say who did it.", change.name),
                error.to_string(),
                "run the command again",
            )
        })?;
    }
    done(arguments, state, &changes, true, json)
}

fn done(
    arguments: &Arguments,
    state: State,
    changes: &[Change],
    carried_out: bool,
    json: bool,
) -> Result<(), Problem> {
    if json {
        let changes: Vec<_> = changes
            .iter()
            .map(|change| json!({"recipe": change.name, "before": change.before, "file": change.path.display().to_string()}))
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
            change.name,
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

/// A file is whole or as it was.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("toml.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
