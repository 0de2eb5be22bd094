//! Switching a recipe on, into shadow or off: what would change, whether a vendor would refuse what it does, and doing
//! it. The state is written into the recipe's file, so that it is in force within a second, and into the journal, so that
//! it is known who did it. Nothing is asked of a vendor here but what its fields are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{OperateError, Operator};
use crate::domain::clock::Timestamp;
use crate::domain::lint::{Lint, LintRule};
use crate::domain::plan::Effect;
use crate::domain::record::System;
use crate::domain::text::clean;
use crate::domain::words;
use crate::engine::Engine;
use crate::engine::rules::{Files, Sources, assemble, switch};
use crate::journal::{Journal, JournalError};
use crate::recipes::finding::nearest;
use crate::recipes::graph;
use crate::recipes::recipe::{Recipe, State};

/// A day, in milliseconds: within it no more than two recipes begin to run.
const DAY: i64 = 24 * 3_600_000;

words! {
    /// Where a recipe's switch stands.
    pub enum Position {
        /// Its events are kept and run nothing.
        Off = "off",
        /// It plans and journals what it would do, and writes nothing.
        Shadow = "shadow",
        /// It runs.
        On = "on",
    }
}

impl Position {
    /// One step nearer to running; none where it runs.
    pub const fn advanced(self) -> Option<Self> {
        match self {
            Self::Off => Some(Self::Shadow),
            Self::Shadow => Some(Self::On),
            Self::On => None,
        }
    }

    /// One step away from running; none where it is off.
    pub const fn back(self) -> Option<Self> {
        match self {
            Self::Off => None,
            Self::Shadow => Some(Self::Off),
            Self::On => Some(Self::Shadow),
        }
    }

    /// What it means to be there, as a sentence.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Off => "Its events are kept and run nothing; what already waits is skipped.",
            Self::Shadow => "It plans and journals what it would do; nothing is written at a vendor.",
            Self::On => "It runs: each of its events is carried out, beginning with the next.",
        }
    }
}

impl From<State> for Position {
    fn from(state: State) -> Self {
        match state {
            State::Off => Self::Off,
            State::Shadow => Self::Shadow,
            State::On => Self::On,
        }
    }
}

impl From<Position> for State {
    fn from(position: Position) -> Self {
        match position {
            Position::Off => Self::Off,
            Position::Shadow => Self::Shadow,
            Position::On => Self::On,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which recipes.
    pub names: Vec<String>,
    /// Where their switch is to stand.
    pub to: Position,
    /// Also more than two within a day, and what a vendor would refuse.
    pub force: bool,
}

/// One recipe whose switch moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub recipe: String,
    /// Where it stands now.
    pub before: Position,
    /// The file that says so from then on.
    pub path: PathBuf,
    /// The lines of it that change, with a sign before each.
    pub diff: Vec<String>,
    /// What it does where it runs, action by action.
    pub does: Vec<String>,
    text: String,
    parsed: Arc<Recipe>,
}

/// What a switch would change; nothing has been yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// What was asked for.
    pub asked: Asked,
    /// Recipes that are elsewhere now; empty where there is nothing to do.
    pub changes: Vec<Change>,
    /// What to know beside.
    pub notes: Vec<String>,
}

/// Why recipes are not switched; nothing was changed unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The rules or their files speak against it.
    #[error("{why}; {next}")]
    Wrong {
        /// Why.
        why: String,
        /// What to do.
        next: String,
    },
    /// A vendor would refuse what the recipe does.
    #[error("{recipe} was not switched on: a vendor would refuse what it does. {why}; {next}")]
    Unfit {
        /// Which recipe.
        recipe: String,
        /// What would be refused.
        why: String,
        /// What to do.
        next: String,
    },
    /// It is switched in its file, and the journal does not say who did it.
    #[error("{recipe} is {to} in its file, but the journal does not say who did it: {error}")]
    Unnoted {
        /// Which recipe.
        recipe: String,
        /// Where its switch stands.
        to: Position,
        /// What the journal said.
        error: JournalError,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Refusal {
    fn wrong(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Wrong { why: why.into(), next: next.into() }
    }
}

impl From<Refusal> for OperateError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Journal(error) => error.into(),
            refusal => Self::Impossible(format!("{refusal}.")),
        }
    }
}

/// What a switch would change. Without a journal nobody knows of a first run, nor what was switched lately.
pub async fn propose(
    sources: &Sources,
    crm: System,
    journal: Option<&Journal>,
    now: Timestamp,
    asked: Asked,
) -> Result<Switch, Refusal> {
    let mut files: Files = sources
        .read()
        .map_err(|why| Refusal::wrong(why, "check the folder and its permissions, then try again"))?;
    let wrong = |wrong: Vec<String>| {
        Refusal::wrong(wrong.join("; "), "correct it; `reknit recipe lint` shows everything")
    };
    let mut in_force = assemble(&files, crm).map_err(wrong)?;
    let first_run = match journal {
        Some(journal) => journal.first_run().await?,
        None => Vec::new(),
    };
    let to = State::from(asked.to);
    let mut changes = Vec::new();
    for name in &asked.names {
        let Some(recipe) = in_force.book.recipe(name).cloned() else {
            let known: Vec<String> = in_force.book.all().map(|recipe| recipe.name.clone()).collect();
            let near = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
            return Err(Refusal::wrong(
                format!("there is no recipe \"{name}\"; did you mean \"{near}\"?"),
                "`reknit recipe list` shows every one",
            ));
        };
        let waits = first_run.contains(name);
        let before = if waits && recipe.state == State::On { State::Shadow } else { recipe.state };
        if recipe.state == to && !waits {
            continue;
        }
        if to == State::On
            && let Some(why) = switch::undecided(&recipe, &in_force)
        {
            return Err(Refusal::wrong(why, "decide it in the mapping, then switch the recipe on"));
        }
        let own = files.recipes.iter().any(|(path, _)| *path == recipe.file);
        let path = if own {
            PathBuf::from(&recipe.file)
        } else {
            let folder = sources.recipes.as_ref().ok_or_else(|| {
                Refusal::wrong("there is no folder for it", "name one: recipes = \"…\" in the settings")
            })?;
            folder.join(format!("{name}.toml"))
        };
        let text = switch::with_state(&recipe.text, to)
            .map_err(|why| Refusal::wrong(format!("{}: {why}", recipe.file), "correct the file"))?;
        (files, in_force) = switch::tried(&files, crm, &path.display().to_string(), &text).map_err(wrong)?;
        let parsed = in_force.book.recipe(name).cloned().unwrap_or_else(|| Arc::clone(&recipe));
        changes.push(Change {
            recipe: name.clone(),
            before: before.into(),
            path,
            diff: super::editions::compared(&recipe.text, &text),
            does: recipe.actions.iter().map(|action| graph::doing(&action.act)).collect(),
            text,
            parsed,
        });
    }
    if to == State::On && !asked.force && !changes.is_empty() {
        let lately = match journal {
            Some(journal) => journal.switched_on_since(Timestamp(now.0 - DAY)).await?,
            None => Vec::new(),
        };
        let wanted: Vec<String> = changes.iter().map(|change| change.recipe.clone()).collect();
        if let Some(all) = switch::too_many(&lately, &wanted) {
            return Err(Refusal::wrong(
                format!(
                    "{} would all have begun within 24 hours; more than two at once cannot be watched",
                    all.join(", ")
                ),
                "watch the ones that run for a day, or add --force",
            ));
        }
    }
    Ok(Switch { asked, changes, notes: Vec::new() })
}

/// Whether the vendors' fields fit what is switched on. What is wrong with single mapped fields is only said, since those
/// are held back alone. When a vendor cannot be asked, that is said and nothing is kept from running.
pub async fn fits(
    engine: &Engine,
    switch: &Switch,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), Refusal> {
    if switch.asked.to != Position::On {
        return Ok(());
    }
    for change in &switch.changes {
        let found = match engine.check_recipe(&change.parsed).await {
            Ok(found) => found,
            Err(error) => {
                say(unchecked(&error.to_string()));
                continue;
            }
        };
        let (refusing, others): (Vec<Lint>, Vec<Lint>) =
            found.into_iter().partition(|lint| stops(&change.parsed, lint));
        for lint in &others {
            say(format!("! {}", clean(&lint.to_string())));
        }
        if let (Some(first), false) = (refusing.first(), switch.asked.force) {
            return Err(Refusal::Unfit {
                recipe: change.recipe.clone(),
                why: refusing.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                next: format!("{}; or add --force", first.fix),
            });
        }
    }
    Ok(())
}

/// Makes the attributes that Intercom lacks for what is switched on.
pub async fn define(engine: &Engine, switch: &Switch, actor: &str, say: &mut (dyn FnMut(String) + Send)) {
    for change in switch.changes.iter().filter(|_| switch.asked.to == Position::On) {
        match engine.missing_attributes(Some(&change.parsed)).await {
            Ok(effects) => {
                for effect in &effects {
                    let Effect::DefineField { field, .. } = effect else { continue };
                    say(match engine.define(effect, actor).await {
                        Ok(()) => format!("Intercom has the attribute {field} now."),
                        Err(error) => format!("{field} could not be made in Intercom: {error}"),
                    });
                }
            }
            Err(error) => say(unchecked(&error.to_string())),
        }
    }
}

/// What to say where the vendors were not asked.
pub fn unchecked(why: &str) -> String {
    format!("The vendors' fields were not checked: {why}")
}

/// Writes what was proposed: each recipe's file, and who did it.
pub async fn carry_out(journal: &Journal, actor: &str, switch: &Switch) -> Result<(), Refusal> {
    let to = switch.asked.to;
    for change in &switch.changes {
        write(&change.path, &change.text).map_err(|error| {
            Refusal::wrong(format!("{}: {error}", change.path.display()), "check the folder's permissions")
        })?;
        journal
            .switched(change.recipe.clone(), change.before.to_string(), to.to_string(), actor.to_owned())
            .await
            .map_err(|error| Refusal::Unnoted { recipe: change.recipe.clone(), to, error })?;
    }
    Ok(())
}

/// Whether the recipe itself cannot do its work: a field of a mapping is held back alone.
fn stops(recipe: &Recipe, lint: &Lint) -> bool {
    let whole =
        lint.place == "identity" || lint.rule == LintRule::RequiredNotMapped || lint.place == "creates";
    lint.refuses() && (lint.file == recipe.file || whole)
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

impl Operator {
    /// What moving a recipe's switch would change, checked against the vendors' fields where they can be read.
    pub async fn propose_switch(&self, recipe: &str, to: Position) -> Result<Switch, OperateError> {
        let sources = self.desk.sources().ok_or_else(|| {
            OperateError::Impossible(
                "this Reknit has no settings file, so its recipes have no folder.".into(),
            )
        })?;
        let asked = Asked { names: vec![recipe.to_owned()], to, force: false };
        let mut switch = propose(sources, self.crm, Some(&self.journal), self.clock.now(), asked).await?;
        if to == Position::On && !switch.changes.is_empty() {
            let mut notes = Vec::new();
            match self.desk.reader() {
                Some(engine) => fits(engine, &switch, &mut |note| notes.push(note)).await?,
                None => notes.push(unchecked("nothing is read at the vendors from here")),
            }
            switch.notes = notes;
        }
        Ok(switch)
    }

    /// Moves the switch as it was proposed; a sentence that says so.
    pub async fn switch(&self, switch: &Switch) -> Result<String, OperateError> {
        self.may_write()?;
        let mut said = Vec::new();
        if let Some(engine) = self.desk.reader() {
            define(engine, switch, &self.actor, &mut |note| said.push(note)).await;
        }
        carry_out(&self.journal, &self.actor, switch).await?;
        let moved = switch
            .changes
            .iter()
            .map(|change| format!("{} is {} (was {}).", change.recipe, switch.asked.to, change.before));
        let mut words: Vec<String> = moved.collect();
        if words.is_empty() {
            words.push(format!("Nothing to do: it is {} already.", switch.asked.to));
        }
        words.extend(said);
        Ok(words.join(" "))
    }
}
