//! The rules an operator looks at: read from their files when those change, held against the schemas that were last seen.
//! Changes nothing, and asks a vendor only through the engine it may have been given.

use std::sync::{Arc, Mutex, PoisonError};

use super::{OperateError, Operator};
use crate::domain::record::ObjectKind;
use crate::engine::Engine;
use crate::engine::rules::{Files, InForce, Sources, assemble};
use crate::mapping::{Mapping, Mappings};
use crate::recipes::book::Book;
use crate::recipes::finding::Finding;

/// What an operator was given to look at rules with.
#[derive(Clone, Default)]
pub(super) struct Desk {
    sources: Option<Sources>,
    reader: Option<Engine>,
    known: Arc<Mutex<Option<Arc<Rules>>>>,
}

/// The rules as their files say.
pub(super) struct Rules {
    files: Files,
    /// The last that could be put together.
    pub(super) in_force: Arc<InForce>,
    /// What is wrong with recipes, also what does not keep them from running.
    pub(super) findings: Vec<Finding>,
    /// Why the files are not what is in force; empty when they are.
    pub(super) wrong: Vec<String>,
}

impl Desk {
    /// Where rules of one's own lie.
    pub(super) const fn sources(&self) -> Option<&Sources> {
        self.sources.as_ref()
    }

    /// Who may read at the vendors.
    pub(super) const fn reader(&self) -> Option<&Engine> {
        self.reader.as_ref()
    }
}

impl Operator {
    /// The same operator with the places of recipes and mappings of one's own.
    #[must_use]
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.desk.sources = Some(sources);
        self
    }

    /// The same operator with an engine that may read at the vendors for whoever looks: for dry runs, and for the fields
    /// of a recipe before it is switched on. Of all that an engine can do nothing else is asked of it.
    #[must_use]
    pub fn reading_by(mut self, engine: Engine) -> Self {
        self.desk.reader = Some(engine);
        self
    }

    /// The same operator with the mappings that are in force now: what it was made with may have been edited since. What
    /// cannot be read leaves it as it was.
    pub async fn in_force(&self) -> Self {
        if self.desk.sources.is_none() {
            return self.clone();
        }
        let Ok(rules) = self.rules().await else { return self.clone() };
        let in_force = &rules.in_force;
        let companies = in_force.mappings.for_pair(self.crm, ObjectKind::Company, ObjectKind::Company);
        Self {
            mapping: Arc::clone(&in_force.contact),
            leads: in_force.leads.clone(),
            companies: companies.cloned().map(Arc::new),
            ..self.clone()
        }
    }

    /// The rules as they are now. Files are read; they are parsed again only when they say something else.
    pub(super) async fn rules(&self) -> Result<Arc<Rules>, OperateError> {
        let desk = self.desk.clone();
        let (mapping, crm) = (Arc::clone(&self.mapping), self.crm);
        tokio::task::spawn_blocking(move || {
            let known = desk.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let files = match &desk.sources {
                Some(sources) => sources.read(),
                None => Ok(Files::default()),
            };
            let files = match (files, &known) {
                (Ok(files), Some(known)) if files == known.files => return Ok(Arc::clone(known)),
                (Ok(files), _) => files,
                (Err(why), _) => {
                    return Err(OperateError::Impossible(format!("the rules cannot be read: {why}.")));
                }
            };
            let texts = files.recipes.iter().map(|(path, text)| (path.as_str(), text.as_str()));
            let (_, findings) = Book::read(texts);
            let assembled = if desk.sources.is_some() {
                assemble(&files, crm)
            } else {
                Ok(InForce::new(Book::shipped(), Mappings::shipped(), Arc::clone(&mapping), crm))
            };
            let (in_force, wrong) = match assembled {
                Ok(in_force) => (Arc::new(in_force), Vec::new()),
                Err(wrong) => {
                    let last = known.as_ref().map(|known| Arc::clone(&known.in_force));
                    // At the start they were right: its mapping is what was read then.
                    let start = || InForce::new(Book::shipped(), Mappings::shipped(), mapping, crm);
                    (last.unwrap_or_else(|| Arc::new(start())), wrong)
                }
            };
            let rules = Arc::new(Rules { files, in_force, findings, wrong });
            *desk.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&rules));
            Ok(rules)
        })
        .await
        .unwrap_or_else(|error| {
            Err(OperateError::Impossible(format!("the rules could not be read: {error}.")))
        })
    }
}

impl Rules {
    /// The mappings that are used with the CRM at hand: of the people's the one in force, then the others by name.
    pub(super) fn mappings(&self) -> Vec<&Mapping> {
        let contact = &self.in_force.contact;
        let own = |mapping: &&Mapping| mapping.name != contact.name;
        let others = self.in_force.mappings.of_system(self.in_force.crm).filter(own);
        std::iter::once(&**contact).chain(others).collect()
    }

    /// A mapping by its name.
    pub(super) fn mapping(&self, name: &str) -> Option<&Mapping> {
        self.mappings().into_iter().find(|mapping| mapping.name == name)
    }
}
