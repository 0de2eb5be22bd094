//! stub until the real book is merged
use super::recipe::{ErrorBranch, Recipe, State, Trigger};
use crate::domain::event::EventKind;
use crate::domain::record::{Fields, System};
use std::collections::BTreeMap;
use std::sync::Arc;
/// b
#[derive(Debug, Clone, Default)]
pub struct Book {
    recipes: BTreeMap<String, Arc<Recipe>>,
}
impl Book {
    /// s
    pub fn shipped() -> Self {
        let make = |name: &str, trigger, state| {
            (
                name.to_owned(),
                Arc::new(Recipe {
                    name: name.to_owned(),
                    title: String::new(),
                    about: String::new(),
                    owner: String::new(),
                    state,
                    crm: None,
                    trigger,
                    require: Vec::new(),
                    condition: None,
                    once: None,
                    routes: Vec::new(),
                    actions: Vec::new(),
                    error: ErrorBranch::default(),
                    settings: Fields::new(),
                    file: format!("{name}.toml"),
                    text: name.to_owned(),
                }),
            )
        };
        Self {
            recipes: [
                make("contact-to-crm", Trigger::IntercomContactChanged, State::On),
                make("contact-to-intercom", Trigger::CrmContactChanged, State::On),
                make("conversation-to-timeline", Trigger::ConversationMessage, State::Off),
            ]
            .into_iter()
            .collect(),
        }
    }
    /// r
    pub fn recipe(&self, name: &str) -> Option<&Arc<Recipe>> {
        self.recipes.get(name)
    }
    /// r
    pub fn all(&self) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.values()
    }
    /// t
    pub fn triggered(&self, system: System, kind: EventKind) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.values().filter(move |recipe| recipe.trigger.fits(system, kind))
    }
}
