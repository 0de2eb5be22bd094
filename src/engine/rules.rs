//! The rules in force: recipes, mappings, and which edition of each. Read anew while the engine runs; whoever works takes
//! one snapshot and keeps to it.
//!
//! A bad edit changes nothing: the last good rules stay, and what is wrong is told with its file, line and fix. Nothing
//! here runs a rule.

pub mod switch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::Engine;
use crate::domain::edition::{Edition, EditionKind};
use crate::domain::event::EventKind;
use crate::domain::record::{ObjectKind, System};
use crate::journal::rules::Text;
use crate::journal::{Journal, JournalError};
use crate::mapping::{Mapping, Mappings};
use crate::recipes::book::Book;
use crate::recipes::needs::Needs;
use crate::recipes::recipe::{Recipe, State};

/// Between two looks at the files.
const EVERY: Duration = Duration::from_secs(1);
/// Longer files are no rules.
const LARGEST: u64 = 1 << 20;
/// The mark in the journal that says what is wrong with the last edit; empty when nothing is.
pub const TROUBLE: &str = "rules.trouble";

/// Where rules are looked for beside the shipped ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// A folder of recipes, `NAME.toml`; one of a shipped name replaces that.
    pub recipes: Option<PathBuf>,
    /// A folder of mappings, likewise.
    pub mappings: Option<PathBuf>,
    /// A file that is the contact mapping.
    pub contact: Option<PathBuf>,
}

/// The texts of all files that say something, as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Path and text of each recipe.
    pub recipes: Vec<(String, String)>,
    /// Path and text of each mapping.
    pub mappings: Vec<(String, String)>,
    /// Path and text of the contact mapping.
    pub contact: Option<(String, String)>,
}

impl Sources {
    /// Reads every file; an error says which cannot be read.
    pub fn read(&self) -> Result<Files, String> {
        Ok(Files {
            recipes: self.recipes.as_deref().map_or(Ok(Vec::new()), folder)?,
            mappings: self.mappings.as_deref().map_or(Ok(Vec::new()), folder)?,
            contact: self.contact.as_deref().map(file).transpose()?,
        })
    }
}

fn folder(path: &Path) -> Result<Vec<(String, String)>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        // A folder that was taken away holds nothing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?.path();
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && entry.extension().is_some_and(|extension| extension == "toml") {
            paths.push(entry);
        }
    }
    paths.sort();
    let mut files: Vec<(String, String)> = paths.iter().map(|path| file(path)).collect::<Result<_, _>>()?;
    // A shell empties a file before a command writes into it, and that command may be one of ours: `recipe show NAME`.
    files.retain(|(_, text)| !text.trim().is_empty());
    Ok(files)
}

fn file(path: &Path) -> Result<(String, String), String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > LARGEST {
        return Err(unreadable(&format!("{size} bytes are too many for a rule")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    Ok((path.display().to_string(), text))
}

/// Everything that is in force at one moment.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Every recipe.
    pub book: Arc<Book>,
    /// Every mapping.
    pub mappings: Arc<Mappings>,
    /// Between the people of Intercom and of the CRM.
    pub contact: Arc<Mapping>,
    /// Between the people of Intercom and Salesforce's leads; none where the CRM has no such kind.
    pub leads: Option<Arc<Mapping>>,
    /// The CRM of recipes that name none.
    pub crm: System,
    /// Properties of HubSpot that these rules name.
    wanted: Arc<[String]>,
    /// Recipes that write nothing although their file says `on`: nobody has switched them on in this journal yet.
    pub first_run: BTreeSet<String>,
    editions: BTreeMap<(EditionKind, String), u32>,
}

impl InForce {
    /// These rules, not numbered yet.
    pub fn new(book: Book, mappings: Mappings, contact: Arc<Mapping>, crm: System) -> Self {
        let mut in_force = Self {
            wanted: Arc::default(),
            book: Arc::new(book),
            leads: (crm == System::Salesforce)
                .then(|| mappings.for_pair(crm, ObjectKind::Contact, ObjectKind::Lead).cloned().map(Arc::new))
                .flatten(),
            mappings: Arc::new(mappings),
            contact,
            crm,
            first_run: BTreeSet::new(),
            editions: BTreeMap::new(),
        };
        in_force.wanted = in_force.fields().into();
        in_force
    }

    /// The text of every rule, for its edition.
    pub fn texts(&self) -> Vec<Text> {
        let recipes = self.book.all().map(|recipe| Text {
            kind: EditionKind::Recipe,
            name: recipe.name.clone(),
            text: recipe.text.clone(),
        });
        let own = |mapping: &&Mapping| mapping.name != self.contact.name;
        let mappings = self.mappings.of_system(self.crm).filter(own).chain([&*self.contact]);
        let mappings = mappings.map(|mapping| Text {
            kind: EditionKind::Mapping,
            name: mapping.name.clone(),
            text: mapping.text.clone(),
        });
        recipes.chain(mappings).collect()
    }

    /// Whether its editions have their numbers.
    pub fn is_numbered(&self) -> bool {
        !self.editions.is_empty()
    }

    /// Whether a recipe runs.
    pub fn state(&self, recipe: &Recipe) -> State {
        if recipe.state == State::On && self.first_run.contains(&recipe.name) {
            State::Shadow
        } else {
            recipe.state
        }
    }

    /// The recipes that an event of a system runs, and those that would if they were switched on.
    pub fn triggered(&self, system: System, kind: EventKind) -> (Vec<Arc<Recipe>>, Vec<Arc<Recipe>>) {
        let fits =
            |recipe: &&Arc<Recipe>| system == System::Intercom || recipe.crm.unwrap_or(self.crm) == system;
        self.book
            .triggered(system, kind)
            .filter(fits)
            .map(Arc::clone)
            .partition(|recipe| self.state(recipe) != State::Off)
    }

    /// The editions that a plan of a recipe is made by: `contact-to-crm 3, contact 2`. None before they are numbered.
    pub fn editions(&self, recipe: &str, mappings: &[&str]) -> Option<String> {
        let own = std::iter::once((EditionKind::Recipe, recipe));
        let named: Vec<String> = own
            .chain(mappings.iter().map(|name| (EditionKind::Mapping, *name)))
            .filter_map(|(kind, name)| {
                let number = self.editions.get(&(kind, name.to_owned()))?;
                Some(format!("{name} {number}"))
            })
            .collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// The properties of HubSpot that recipes and mappings read or write: `company.mrr`; it gives no others unasked.
    pub fn fields(&self) -> Vec<String> {
        let objects = [
            ("crm", ObjectKind::Contact),
            ("company", ObjectKind::Company),
            ("deal", ObjectKind::Deal),
            ("ticket", ObjectKind::Ticket),
        ];
        let mut found = BTreeSet::new();
        let of_hubspot = |recipe: &&Arc<Recipe>| recipe.crm.unwrap_or(self.crm) == System::Hubspot;
        for needs in self.book.all().filter(of_hubspot).filter_map(|recipe| Needs::of(recipe).ok()) {
            for (variable, object) in objects {
                let names = needs.fields.get(variable).into_iter().flatten();
                // What every record has is no field, and a plain word is all a vendor's name of one is.
                let names =
                    names.filter(|name| !["id", "kind"].contains(&name.as_str()) && !name.contains('.'));
                found.extend(names.map(|name| format!("{object}.{name}")));
            }
        }
        for mapping in self.mappings.of_system(System::Hubspot) {
            let names = mapping.fields.iter().flat_map(|field| &field.crm).chain([&mapping.crm_identity]);
            let names = names.filter(|name| !name.is_empty());
            found.extend(names.map(|name| format!("{}.{name}", mapping.crm)));
        }
        found.into_iter().collect()
    }

    /// The number of the edition that is in force.
    pub fn edition(&self, kind: EditionKind, name: &str) -> Option<u32> {
        self.editions.get(&(kind, name.to_owned())).copied()
    }

    fn number(&mut self, editions: Vec<Edition>) {
        self.editions = editions.into_iter().map(|it| ((it.kind, it.name), it.number)).collect();
    }
}

/// Puts the rules together from their files; what is wrong is told by file, line and fix.
pub fn assemble(files: &Files, crm: System) -> Result<InForce, Vec<String>> {
    let mut wrong = Vec::new();
    let texts = files.recipes.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let book = Book::with(texts).map_err(|found| wrong.extend(found.iter().map(ToString::to_string)));
    let mappings = Mappings::with(&files.mappings)
        .map_err(|errors| wrong.extend(errors.0.iter().map(ToString::to_string)));
    let contact = files.contact.as_ref().map(|(path, text)| Mapping::read(text, path));
    let contact = contact.transpose().map_err(|errors| wrong.extend(errors.iter().map(ToString::to_string)));
    let (Ok(book), Ok(mappings), Ok(contact)) = (book, mappings, contact) else { return Err(wrong) };
    let contact = contact.or_else(|| {
        let pair = mappings.for_pair(crm, ObjectKind::Contact, ObjectKind::Contact);
        pair.cloned()
    });
    let contact = Arc::new(contact.unwrap_or_else(Mapping::shipped));
    Ok(InForce::new(book, mappings, contact, crm))
}

/// The rules of a running engine, shared by all who work with it.
#[derive(Clone)]
pub struct Rules(Arc<Shared>);

struct Shared {
    current: RwLock<Arc<InForce>>,
    sources: Option<Sources>,
    crm: System,
    /// What the files said when they were last looked at, good or bad.
    seen: std::sync::Mutex<Option<[u8; 32]>>,
    changed: watch::Sender<u64>,
}

impl Rules {
    /// Rules that never change: the shipped ones with this contact mapping.
    pub fn fixed(contact: Arc<Mapping>, crm: System) -> Self {
        Self::new(InForce::new(Book::shipped(), Mappings::shipped(), contact, crm), None)
    }

    /// Rules read from files, and read again when those change; refused when one of them is wrong.
    pub fn read(sources: Sources, crm: System) -> Result<Self, Vec<String>> {
        let files = sources.read().map_err(|why| vec![why])?;
        let rules = Self::new(assemble(&files, crm)?, Some(sources));
        rules.0.note_seen(&Ok(files));
        Ok(rules)
    }

    /// Rules that never change.
    pub fn of(in_force: InForce) -> Self {
        Self::new(in_force, None)
    }

    fn new(in_force: InForce, sources: Option<Sources>) -> Self {
        Self(Arc::new(Shared {
            crm: in_force.crm,
            current: RwLock::new(Arc::new(in_force)),
            sources,
            seen: std::sync::Mutex::new(None),
            changed: watch::Sender::new(0),
        }))
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<InForce> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Turns over whenever other rules are in force.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn put(&self, in_force: InForce) {
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(in_force);
        self.0.changed.send_modify(|count| *count += 1);
    }

    /// Gives what is in force its numbers in the journal; before anything is planned by it.
    pub async fn enter(&self, journal: &Journal) -> Result<(), JournalError> {
        let in_force = InForce::clone(&self.current());
        self.put(numbered(in_force, journal).await?);
        Ok(())
    }

    /// Looks at the files, and at what was switched on since. True when other rules are in force now; an error when a bad
    /// edit was seen for the first time.
    pub async fn look(&self, journal: &Journal) -> Result<bool, Refused> {
        let first_run: BTreeSet<String> = journal.first_run().await?.into_iter().collect();
        let is_news = first_run != self.current().first_run;
        let Some(sources) = self.0.sources.clone() else {
            if is_news {
                self.enter(journal).await?;
            }
            return Ok(is_news);
        };
        let files = tokio::task::spawn_blocking(move || sources.read())
            .await
            .unwrap_or_else(|error| Err(format!("the rules' files could not be looked at: {error}")));
        if !self.0.note_seen(&files) && !is_news {
            return Ok(false);
        }
        let assembled = files.map_err(|why| vec![why]).and_then(|files| assemble(&files, self.0.crm));
        match assembled {
            Ok(in_force) => {
                self.put(numbered(in_force, journal).await?);
                journal.set_mark(TROUBLE, "").await?;
                Ok(true)
            }
            Err(wrong) => {
                journal.set_mark(TROUBLE, &wrong.join("\n")).await?;
                Err(Refused::Wrong(wrong))
            }
        }
    }
}

/// Why other rules did not come into force.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// They are wrong: what, where, and what would be right.
    #[error("{}", .0.join("; "))]
    Wrong(Vec<String>),
    /// The journal could not number them.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

async fn numbered(mut in_force: InForce, journal: &Journal) -> Result<InForce, JournalError> {
    let editions = journal.put_editions(in_force.texts()).await?;
    in_force.number(editions);
    in_force.first_run = journal.first_run().await?.into_iter().collect();
    Ok(in_force)
}

impl Shared {
    /// Whether the files say something else than when they were last looked at.
    fn note_seen(&self, files: &Result<Files, String>) -> bool {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        };
        match files {
            Ok(files) => {
                for (kind, list) in [("r", &files.recipes), ("m", &files.mappings)] {
                    add(kind);
                    for (path, text) in list {
                        add(path);
                        add(text);
                    }
                }
                files.contact.iter().for_each(|(path, text)| {
                    add(path);
                    add(text);
                });
            }
            Err(why) => add(why),
        }
        let now: [u8; 32] = digest.finalize().into();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.replace(now) != Some(now)
    }
}

impl Engine {
    /// The engine as it works with the rules that are in force now.
    pub(crate) fn current(&self) -> Self {
        let in_force = self.rules.current();
        self.clients.settings().hubspot.wanted.put(&in_force.wanted);
        Self { mapping: Arc::clone(&in_force.contact), in_force, ..self.clone() }
    }

    /// The rules it works with.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The same engine with these rules.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self.current()
    }

    /// Numbers the rules, if nobody has yet.
    pub(super) async fn number_rules(&self) {
        if self.rules.current().is_numbered() {
            return;
        }
        if let Err(error) = self.rules.enter(&self.journal).await {
            tracing::warn!(%error, "the editions of the rules could not be numbered");
        }
    }

    /// Looks at the rules' files every second until `stop` turns true. A bad edit is told once and changes nothing.
    pub async fn keep_rules(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.rules.look(&self.journal).await {
                Ok(true) => {
                    tracing::info!("other recipes or mappings are in force");
                    // HubSpot gives a property only when it is asked for.
                    drop(self.current());
                }
                Ok(false) => {}
                Err(Refused::Wrong(wrong)) => {
                    for what in wrong {
                        tracing::warn!("a rule was not taken over, the last good one stays: {what}");
                    }
                }
                Err(Refused::Journal(error)) => tracing::warn!(%error, "rules could not be looked at"),
            }
            tokio::select! {
                () = self.clock.rest(EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }
}
