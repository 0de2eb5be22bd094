//! The rules that decide conflicts by themselves: TOML files in one folder, read again when they change.
//!
//! A rule acts on what is found after it was written, never on the backlog: that was shown and confirmed once, row by
//! row. A file that cannot be read is said and left out; the others hold.
//!
//! ```toml
//! [[rule]]
//! name = "plan-1"            # no two rules have the same
//! mapping = "contact"        # leave away for every mapping
//! field = "Plan"             # as the mapping calls it
//! kind = "not_allowed"       # as `reknit list conflicts --json` says
//! left = "gold"              # only when Intercom says this; leave away for any value
//! right = "NEW"              # only when the CRM says this; leave away for any value
//! decide = "translate"       # left | right | clear | value | translate
//! value = "CONNECTED"        # for value and translate
//! by = "olga"
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;

use super::intake::lane_of;
use super::turn::Turn;
use crate::domain::execution::Priority;
use crate::domain::plan::{FileEdit, FoundConflict};
use crate::domain::review::{Choice, ConflictKind};
use crate::domain::standing::Rule;
use crate::journal::conflicts::Ruled;
use crate::journal::intake::NewExecution;
use crate::recipes;

/// The folder is looked at again after so long.
const BELIEVED: Duration = Duration::from_millis(500);

/// A rule with the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The rule.
    pub rule: Rule,
    /// Its file.
    pub file: PathBuf,
}

/// Everything a folder holds.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The rules, in the order of their files.
    pub rules: Vec<Listed>,
    /// What cannot be used, with file and reason.
    pub problems: Vec<String>,
}

/// The rules of a folder; clones share what was read.
#[derive(Clone, Default)]
pub struct Rulebook(Arc<Inner>);

#[derive(Default)]
struct Inner {
    folder: Option<PathBuf>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    looked_at: Option<Instant>,
    stamp: Vec<(PathBuf, Option<SystemTime>, u64)>,
    found: Arc<Found>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    #[serde(default)]
    mapping: String,
    field: String,
    kind: ConflictKind,
    left: Option<String>,
    right: Option<String>,
    decide: String,
    value: Option<String>,
    #[serde(default)]
    by: String,
}

impl Rulebook {
    /// The rules in a folder, which need not exist.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self(Arc::new(Inner { folder: Some(folder), known: Mutex::default() }))
    }

    /// The rules as they are now.
    pub fn found(&self) -> Arc<Found> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked_at.is_some_and(|at| at.elapsed() < BELIEVED) {
            return Arc::clone(&known.found);
        }
        let stamp = self.stamp();
        if known.looked_at.is_none() || stamp != known.stamp {
            let found = read(stamp.iter().map(|(path, ..)| path.as_path()));
            for problem in &found.problems {
                tracing::warn!("a rule is not used: {problem}");
            }
            known.found = Arc::new(found);
            known.stamp = stamp;
        }
        known.looked_at = Some(Instant::now());
        Arc::clone(&known.found)
    }

    fn stamp(&self) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
        let Some(entries) = self.0.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| {
                let facts = std::fs::metadata(&path).ok();
                let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
                (path, changed, facts.map_or(0, |facts| facts.len()))
            })
            .collect();
        files.sort();
        files
    }

    /// A name for a new rule of a field that no other has.
    pub fn new_name(&self, field: &str) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let start: String = field.chars().map(letter).collect();
        let found = self.found();
        // One more name than there are rules: one of them is free.
        (1..=found.rules.len() + 1)
            .map(|number| format!("{start}-{number}"))
            .find(|name| found.rules.iter().all(|listed| listed.rule.name != *name))
            .unwrap_or(start)
    }

    /// The file a new rule makes, as it will be written.
    pub fn edit(&self, rule: &Rule) -> Result<FileEdit, String> {
        let folder = self.0.folder.as_ref().ok_or("this Reknit has no folder for rules")?;
        let file = folder.join(format!("{}.toml", rule.name));
        let diff = text_of(rule).lines().map(|line| format!("+{line}")).collect();
        Ok(FileEdit { file: file.display().to_string(), diff })
    }

    /// Writes a rule into a file of its own; refused when there is one of that name.
    pub fn add(&self, rule: &Rule) -> Result<PathBuf, String> {
        use std::io::Write as _;
        let folder = self.0.folder.as_ref().ok_or("this Reknit has no folder for rules")?;
        let file = folder.join(format!("{}.toml", rule.name));
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut open = std::fs::File::options().write(true).create_new(true).open(&file).map_err(failed)?;
        open.write_all(text_of(rule).as_bytes()).and_then(|()| open.sync_all()).map_err(failed)?;
        self.forget();
        Ok(file)
    }

    /// Takes a rule out of its file; the file goes when it was the only one. False when there is none of that name.
    pub fn remove(&self, name: &str) -> Result<bool, String> {
        self.forget();
        let found = self.found();
        let Some(listed) = found.rules.iter().find(|listed| listed.rule.name == name) else {
            return Ok(false);
        };
        let failed = |error: String| format!("{}: {error}", listed.file.display());
        let alone = found.rules.iter().filter(|other| other.file == listed.file).count() == 1;
        if alone {
            std::fs::remove_file(&listed.file).map_err(|error| failed(error.to_string()))?;
        } else {
            let text = std::fs::read_to_string(&listed.file).map_err(|error| failed(error.to_string()))?;
            let mut document: toml_edit::DocumentMut =
                text.parse().map_err(|error: toml_edit::TomlError| failed(error.to_string()))?;
            if let Some(rules) = document.get_mut("rule").and_then(|rules| rules.as_array_of_tables_mut()) {
                rules.retain(|rule| rule.get("name").and_then(|item| item.as_str()) != Some(name));
            }
            write_whole(&listed.file, &document.to_string()).map_err(|error| failed(error.to_string()))?;
        }
        self.forget();
        Ok(true)
    }

    /// Looks at the folder anew the next time.
    fn forget(&self) {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).looked_at = None;
    }
}

/// Writes a file so that it is wholly the old one or wholly the new one.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("toml-new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

fn read<'a>(files: impl Iterator<Item = &'a Path>) -> Found {
    let mut found = Found::default();
    for file in files {
        let said = |why: String| format!("{}: {why}", file.display());
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                found.problems.push(said(error.to_string()));
                continue;
            }
        };
        let parsed: FileText = match toml::from_str(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let line = error
                    .span()
                    .and_then(|span| text.get(..span.start))
                    .map_or(1, |before| before.matches('\n').count() + 1);
                found.problems.push(said(format!("line {line}: {}", error.message().trim())));
                continue;
            }
        };
        for rule in parsed.rule {
            let name = rule.name.clone();
            if found.rules.iter().any(|listed| listed.rule.name == name) {
                found.problems.push(said(format!("the name \"{name}\" is taken by another rule")));
                continue;
            }
            match turned(rule) {
                Ok(rule) => found.rules.push(Listed { rule, file: file.to_owned() }),
                Err(why) => found.problems.push(said(format!("rule \"{name}\": {why}"))),
            }
        }
    }
    found
}

fn turned(text: RuleText) -> Result<Rule, String> {
    let value = text.value.filter(|value| !value.trim().is_empty());
    let choice = match (text.decide.as_str(), value) {
        ("left", None) => Choice::Left,
        ("right", None) => Choice::Right,
        ("clear", None) => Choice::Clear,
        ("value", Some(value)) => Choice::Value(value),
        ("translate", Some(value)) => Choice::Translate(value),
        ("value" | "translate", None) => {
            return Err(format!("decide = \"{}\" wants a value = \"…\" beside it", text.decide));
        }
        ("left" | "right" | "clear", Some(_)) => {
            return Err(format!(
                "decide = \"{}\" takes no value; for one write decide = \"value\"",
                text.decide
            ));
        }
        (other, _) => {
            return Err(format!("decide = \"{other}\" is none of left, right, clear, value, translate"));
        }
    };
    if text.kind == ConflictKind::Identity {
        return Err("who somebody is cannot be decided by a rule".to_owned());
    }
    Ok(Rule {
        name: text.name,
        mapping: text.mapping,
        field: text.field,
        kind: text.kind,
        left: text.left,
        right: text.right,
        choice,
        by: text.by,
    })
}

/// A rule as its file holds it.
pub fn text_of(rule: &Rule) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string().trim().to_owned();
    let mut lines = vec!["[[rule]]".to_owned()];
    let mut say = |name: &str, value: &str| lines.push(format!("{name} = {}", quoted(value)));
    say("name", &rule.name);
    if !rule.mapping.is_empty() {
        say("mapping", &rule.mapping);
    }
    say("field", &rule.field);
    say("kind", rule.kind.as_str());
    if let Some(left) = &rule.left {
        say("left", left);
    }
    if let Some(right) = &rule.right {
        say("right", right);
    }
    let (decide, value) = match &rule.choice {
        Choice::Left => ("left", None),
        Choice::Right => ("right", None),
        Choice::Clear => ("clear", None),
        Choice::Value(value) => ("value", Some(value)),
        Choice::Translate(value) => ("translate", Some(value)),
    };
    say("decide", decide);
    if let Some(value) = value {
        say("value", value);
    }
    if !rule.by.is_empty() {
        say("by", &rule.by);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Which of the conflicts a turn found are decided by rules. Only those of a sync: what a decision raised anew has been
/// decided once already, and goes to a human.
pub(super) async fn decide(turn: &Turn<'_>, conflicts: &[FoundConflict]) -> Vec<Ruled> {
    let found = turn.engine.rulebook.found();
    if found.rules.is_empty() || turn.claim.decision.is_some() {
        return Vec::new();
    }
    let mut ruled = Vec::new();
    for conflict in conflicts {
        let fits = |listed: &&Listed| {
            listed.rule.fits(
                &conflict.line,
                &conflict.field,
                conflict.kind,
                &conflict.left_value,
                &conflict.right_value,
            )
        };
        let Some(Listed { rule, .. }) = found.rules.iter().find(fits) else { continue };
        // A lane that cannot be read now is found where the execution is made.
        let lane =
            lane_of(&turn.engine.journal, &conflict.left).await.unwrap_or_else(|_| conflict.left.to_string());
        ruled.push(Ruled {
            field: conflict.field.clone(),
            rule: rule.name.clone(),
            choice: rule.choice.clone(),
            new: NewExecution {
                recipe: recipes::RESOLVE_CONFLICT.to_owned(),
                subject: turn.claim.execution.subject.clone(),
                record: Some(conflict.left.clone()),
                person: None,
                lane,
                priority: Priority::Live,
                due_at: turn.engine.clock.now(),
                sentence: format!("Decided by the rule {}; waits for a worker.", rule.name),
                max_attempts: turn.engine.settings.max_attempts,
            },
        });
    }
    ruled
}

#[cfg(test)]
mod tests;
