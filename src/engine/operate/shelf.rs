//! What stands on the shelf, for whoever looks: every recipe with its switch and how it fared, every mapping field by
//! field with what is blocked, held and disputed. Facts of rules and journal side by side; nothing is judged anew.

use std::collections::BTreeMap;

use super::desk::Rules;
use super::switching::Position;
use super::{OperateError, Operator};
use crate::domain::clock::Timestamp;
use crate::domain::drift::{Finding as Drift, Hit, UserKind};
use crate::domain::edition::{Edition, EditionKind};
use crate::domain::execution::Outcome;
use crate::domain::pause::{Direction as Way, Pause, PauseScope};
use crate::domain::record::System;
use crate::engine::drift::Schemas;
use crate::engine::rules::TROUBLE;
use crate::journal::recipes::LastRun;
use crate::mapping::file::Write;
use crate::mapping::{Blank, FieldMapping, Mapping, Side};
use crate::recipes::book::Book;
use crate::recipes::graph;
use crate::recipes::recipe::Recipe;

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;
/// Hours that are counted.
pub const HOURS: usize = 24;

/// How executions of one recipe ended within a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the hour, the oldest first: all, and those that failed.
    pub hours: Vec<(u64, u64)>,
    /// By their outcome, in the order of outcomes; those that did not occur are left out.
    pub outcomes: Vec<(Outcome, u64)>,
}

impl Tally {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// Those that ended in one way.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes.iter().filter(|(of, _)| *of == outcome).map(|(_, count)| count).sum()
    }

    /// The share that failed, 0 to 1; none where nothing ran.
    pub fn failure_rate(&self) -> Option<f64> {
        let all = self.all();
        (all > 0).then(|| self.of(Outcome::Error) as f64 / all as f64)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// It keeps the file, or the field, from being used.
    pub refuses: bool,
    /// Of which field or place; empty where it is of the whole.
    pub place: String,
    /// File, line, what is wrong and what would be right.
    pub sentence: String,
}

/// A recipe as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeCard {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// Why it exists.
    pub about: String,
    /// The role that answers for it.
    pub owner: String,
    /// The file that says so.
    pub file: String,
    /// It is a file of the workspace's own.
    pub own: bool,
    /// Where its switch stands.
    pub position: Position,
    /// Its file says on, and it writes nothing until somebody switches it on in this journal.
    pub first_run: bool,
    /// What makes it run.
    pub trigger: String,
    /// The CRM it works with, where it names one.
    pub crm: Option<System>,
    /// Its actions, in words.
    pub does: Vec<String>,
    /// What its file says it cannot do without, each with what to do.
    pub requires: Vec<(String, String)>,
    /// When it has something to do, and what it is otherwise.
    pub condition: Option<(String, String)>,
    /// It runs once for each value of this.
    pub once: Option<String>,
    /// Numbers and lists of its own.
    pub settings: Vec<(String, String)>,
    /// Who is told of a failure; empty = the monitors.
    pub tells: String,
    /// What to do about a failure.
    pub advice: String,
    /// The edition in force, where the journal knows it.
    pub edition: Option<Edition>,
    /// How it fared within a day.
    pub tally: Tally,
    /// Its newest run.
    pub last: Option<LastRun>,
    /// Who paused it, and why.
    pub pause: Option<Pause>,
    /// What is wrong with it.
    pub remarks: Vec<Remark>,
}

/// A pair of fields.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldCard {
    /// The mapping's name.
    pub mapping: String,
    /// What people call it.
    pub name: String,
    /// Its line in the file.
    pub line: usize,
    /// Intercom's fields.
    pub left: String,
    /// `→`, `←`, `↔` or `·`.
    pub arrow: &'static str,
    /// The CRM's fields.
    pub right: String,
    /// Whose value counts.
    pub owner: String,
    /// How a value is turned.
    pub transform: &'static str,
    /// The role that decides its conflicts.
    pub decides: String,
    /// What else its file says: when it is written, what a blank does.
    pub flags: Vec<String>,
    /// The rule in words.
    pub rule: String,
    /// Directions a human switched off, with who and why.
    pub blocked: Vec<(Way, String)>,
    /// Why it is not carried over for now, where a vendor changed it.
    pub held: Vec<String>,
    /// Conflicts of it that are open.
    pub conflicts: u64,
    /// What is wrong with it.
    pub remarks: Vec<Remark>,
}

/// A mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingCard {
    /// Its name.
    pub name: String,
    /// Intercom's object.
    pub intercom: String,
    /// The CRM's object.
    pub crm: String,
    /// The file that says so.
    pub file: String,
    /// The version its file gives itself.
    pub version: u32,
    /// The edition in force, where the journal knows it.
    pub edition: Option<Edition>,
    /// Where a draft of it lies, or would.
    pub draft: Option<String>,
    /// Its fields, in the order of the file.
    pub fields: Vec<FieldCard>,
    /// What is wrong with it as a whole.
    pub remarks: Vec<Remark>,
}

/// Everything on the shelf.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shelf {
    /// Every recipe.
    pub recipes: Vec<RecipeCard>,
    /// Every mapping that is used with this CRM.
    pub mappings: Vec<MappingCard>,
    /// Changes at the vendors that nobody has decided.
    pub drift: Vec<Drift>,
    /// Why an edit was not taken over; empty when what the files say is in force.
    pub trouble: Vec<String>,
    /// Steps of the rollout that were done, and those that were found wrong.
    pub rollout: (u64, u64),
    /// A schema of a vendor was seen, so that remarks are about more than the files by themselves.
    pub schemas: bool,
    /// Nothing may be changed from here.
    pub read_only: bool,
}

impl Operator {
    /// What stands on the shelf now.
    pub async fn shelf(&self) -> Result<Shelf, OperateError> {
        let rules = self.rules().await?;
        let journal = &self.journal;
        let now = self.clock.now();
        let begin = now.0 - now.0.rem_euclid(HOUR) - (HOURS as i64 - 1) * HOUR;
        let mut tallies = tallies(journal.recipe_hours(Timestamp(begin)).await?, begin);
        let names: Vec<String> = rules.in_force.book.all().map(|recipe| recipe.name.clone()).collect();
        let last = journal.last_runs(names).await?;
        let first_run = journal.first_run().await?;
        let pauses = journal.pauses().await?;
        let editions = editions(journal.editions_of(rules.in_force.texts()).await?);
        let known = journal.schemas().await?;
        let seen = !known.is_empty();
        let schemas = Schemas::seen(known);
        let mut recipes = Vec::new();
        for (recipe, last) in rules.in_force.book.all().zip(last) {
            let first_run = first_run.contains(&recipe.name);
            let mut card = card(recipe, first_run);
            card.edition = editions.get(&(EditionKind::Recipe, recipe.name.clone())).cloned();
            card.tally = tallies.remove(&recipe.name).unwrap_or_else(blank);
            card.last = last;
            let scope = PauseScope::recipe(&recipe.name);
            card.pause = pauses.iter().find(|pause| pause.scope == scope && pause.holds(now)).cloned();
            card.remarks = remarks(&rules, recipe, &schemas, self.crm);
            recipes.push(card);
        }
        let drift = journal.drift(true).await?;
        let holds = journal.field_holds().await?;
        let disputed: BTreeMap<String, u64> = journal.open_conflicts_by_field().await?.into_iter().collect();
        let mut mappings = Vec::new();
        for mapping in rules.mappings() {
            let mut found: Vec<Remark> = schemas
                .lint_mapping(mapping, self.crm)
                .into_iter()
                .map(|lint| Remark {
                    refuses: lint.refuses(),
                    place: lint.place.clone(),
                    sentence: lint.to_string(),
                })
                .collect();
            let fields = mapping.fields.iter().map(|field| {
                let mut card = pair(mapping, field);
                for hold in &holds {
                    if hold.field == field.name && (hold.mapping.is_empty() || hold.mapping == mapping.name) {
                        card.blocked.push((hold.direction, hold.sentence()));
                    }
                }
                for finding in &drift {
                    let hits = |hit: &Hit| {
                        hit.kind == UserKind::Mapping
                            && hit.user == mapping.name
                            && (hit.place == field.name || hit.whole)
                    };
                    if finding.held().any(hits) {
                        card.held.push(finding.change.sentence());
                    }
                }
                card.conflicts = disputed.get(&field.name).copied().unwrap_or(0);
                card.remarks = found.iter().filter(|remark| remark.place == field.name).cloned().collect();
                card
            });
            let fields: Vec<FieldCard> = fields.collect();
            found.retain(|remark| !fields.iter().any(|field| field.name == remark.place));
            mappings.push(MappingCard {
                name: mapping.name.clone(),
                intercom: format!("Intercom {}", mapping.intercom),
                crm: format!("{} {}", mapping.system.unwrap_or(self.crm).title(), mapping.crm),
                draft: self.draft_of(&mapping.name).map(|path| path.display().to_string()),
                file: mapping.file.clone(),
                version: mapping.version,
                edition: editions.get(&(EditionKind::Mapping, mapping.name.clone())).cloned(),
                fields,
                remarks: found,
            });
        }
        let mut trouble = rules.wrong.clone();
        // Who has the files knows better than the mark of who serves the journal: that is up to a second old.
        if self.desk.sources().is_none() {
            let told = journal.mark(TROUBLE).await?.unwrap_or_default();
            trouble.extend(told.lines().map(str::to_owned));
        }
        let ticked = journal.rollout().await?;
        let good = ticked.iter().filter(|step| step.good).count() as u64;
        Ok(Shelf {
            recipes,
            mappings,
            drift,
            trouble,
            rollout: (good, ticked.len() as u64 - good),
            schemas: seen,
            read_only: self.read_only,
        })
    }
}

/// Nothing in each hour.
fn blank() -> Tally {
    Tally { hours: vec![(0, 0); HOURS], outcomes: Vec::new() }
}

fn tallies(endings: Vec<crate::journal::recipes::Endings>, begin: i64) -> BTreeMap<String, Tally> {
    let mut found: BTreeMap<String, Tally> = BTreeMap::new();
    for ending in endings {
        let tally = found.entry(ending.recipe).or_insert_with(blank);
        let slot = usize::try_from((ending.hour.0 - begin) / HOUR).unwrap_or(0).min(HOURS - 1);
        tally.hours[slot].0 += ending.count;
        if ending.outcome == Outcome::Error {
            tally.hours[slot].1 += ending.count;
        }
        match tally.outcomes.iter_mut().find(|(outcome, _)| *outcome == ending.outcome) {
            Some((_, count)) => *count += ending.count,
            None => tally.outcomes.push((ending.outcome, ending.count)),
        }
    }
    for tally in found.values_mut() {
        tally.outcomes.sort_by_key(|(outcome, _)| Outcome::ALL.iter().position(|one| one == outcome));
    }
    found
}

fn editions(found: Vec<Option<Edition>>) -> BTreeMap<(EditionKind, String), Edition> {
    found.into_iter().flatten().map(|edition| ((edition.kind, edition.name.clone()), edition)).collect()
}

fn card(recipe: &Recipe, first_run: bool) -> RecipeCard {
    let shown = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let position = match Position::from(recipe.state) {
        Position::On if first_run => Position::Shadow,
        position => position,
    };
    RecipeCard {
        name: recipe.name.clone(),
        title: recipe.title.clone(),
        about: recipe.about.trim().to_owned(),
        owner: recipe.owner.clone(),
        file: recipe.file.clone(),
        own: !Book::ships(&recipe.name) || recipe.file.contains(['/', '\\']),
        position,
        first_run: first_run && position == Position::Shadow,
        trigger: recipe.trigger.to_string(),
        crm: recipe.crm,
        does: recipe
            .actions
            .iter()
            .map(|action| match &action.when {
                Some(when) => format!("{} (only when {when})", graph::doing(&action.act)),
                None => graph::doing(&action.act),
            })
            .collect(),
        requires: recipe.require.iter().map(|one| (one.that.clone(), one.otherwise.clone())).collect(),
        condition: recipe.condition.as_ref().map(|one| (one.when.clone(), one.otherwise.clone())),
        once: recipe.once.clone(),
        settings: recipe.settings.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        tells: recipe.error.tell.clone(),
        advice: recipe.error.advice.clone(),
        edition: None,
        tally: blank(),
        last: None,
        pause: None,
        remarks: Vec::new(),
    }
}

fn remarks(rules: &Rules, recipe: &Recipe, schemas: &Schemas, crm: System) -> Vec<Remark> {
    let own = rules.findings.iter().filter(|finding| finding.file == recipe.file).map(|finding| Remark {
        refuses: finding.is_error(),
        place: String::new(),
        sentence: finding.to_string(),
    });
    let at_vendors = schemas.lint_recipe(recipe, crm).into_iter().map(|lint| Remark {
        refuses: lint.refuses(),
        place: lint.place.clone(),
        sentence: lint.to_string(),
    });
    own.chain(at_vendors).collect()
}

fn pair(mapping: &Mapping, field: &FieldMapping) -> FieldCard {
    let left: Vec<&str> = field.intercom_fields().collect();
    FieldCard {
        mapping: mapping.name.clone(),
        name: field.name.clone(),
        line: field.line,
        left: if left.is_empty() { "(constant)".to_owned() } else { left.join(" + ") },
        arrow: field.direction.arrow(),
        right: field.crm.join(" + "),
        owner: field.owner.to_string(),
        transform: field.transform.name(),
        decides: field.decides.clone(),
        flags: flags(field),
        rule: field.rule(),
        blocked: Vec::new(),
        held: Vec::new(),
        conflicts: 0,
        remarks: Vec::new(),
    }
}

/// What else is said of a field: when it is written, what a blank does, who may not edit it.
pub fn flags(field: &FieldMapping) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    match field.write {
        Write::Create => flags.push("create only".into()),
        Write::Update => flags.push("update only".into()),
        Write::Always => {}
    }
    for (word, blank) in
        [("missing", field.blanks.missing), ("null", field.blanks.null), ("empty", field.blanks.empty)]
    {
        if blank != Blank::Keep {
            flags.push(format!("{word}: {blank}"));
        }
    }
    if let Some(side) = field.read_only() {
        flags.push(format!("read-only in {}", Side::title(side)));
    }
    if field.fill {
        flags.push("fills".into());
    }
    if field.ignore_case {
        flags.push("case ignored".into());
    }
    if !field.allowed.is_empty() {
        flags.push(format!("{} values", field.allowed.len()));
    }
    if !field.role.is_empty() {
        flags.push(format!("{}s only", field.role));
    }
    flags
}
