//! All recipes by name: those that ship with Reknit, and a workspace's own, which replace shipped ones of their name.
//!
//! A book is whole or not there: one file that must not run keeps a new edition of the book from being taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::condition;
use super::file;
use super::finding::Finding;
use super::lint;
use super::recipe::Recipe;
use crate::domain::event::EventKind;
use crate::domain::record::System;

/// File name and text of each.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../assets/recipes/", $name, ".toml")))),*]
    };
}

/// The shipped files.
#[rustfmt::skip]
const SHIPPED: &[(&str, &str)] = shipped![
    "contact-to-crm",
    "contact-to-intercom",
    "conversation-to-timeline",
    "chat-start-mql",
    "chat-to-deal",
    "churn-high-frequency",
    "churn-low-rating",
    "company-people",
    "company-tags",
    "company-to-crm",
    "company-to-intercom",
    "conversation-log",
    "crm-context-to-intercom",
    "deal-by-rating",
    "deal-events",
    "lead-scoring",
    "low-rating-follow-up",
    "person-events",
    "product-feedback",
    "sales-handoff",
    "segment-tags",
    "segments-to-intercom",
    "support-suppression",
    "ticket-lifecycle",
    "hand-to-sales-lead",
    "conversation-to-task",
    "opportunity-won",
    "tag-to-case",
    "agent-escalation",
];

/// Recipes in the order they ship, a workspace's own after them.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    recipes: Vec<Arc<Recipe>>,
}

impl Book {
    /// What ships with Reknit.
    pub fn shipped() -> Self {
        let recipe = |(name, text): &(&str, &str)| {
            Arc::new(file::parse(text, name).expect("the shipped recipes are checked by a test"))
        };
        // A thread for each of their hundred expressions would be the longest part of every start.
        Self { recipes: condition::deep(|| SHIPPED.iter().map(recipe).collect()) }
    }

    /// The shipped ones and a workspace's own: file name and text. All mistakes of all files at once.
    pub fn with<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<Finding>> {
        let (book, mut findings) = Self::read(files);
        findings.retain(Finding::is_error);
        if findings.is_empty() { Ok(book) } else { Err(findings) }
    }

    /// The same, with whatever can be read and all that was found, also what does not keep it from running.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, Vec<Finding>) {
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        // The checks read the expressions that the recipes only hold: they need the same stack.
        condition::deep(move || Self::read_all(files))
    }

    fn read_all(files: Vec<(&str, &str)>) -> (Self, Vec<Finding>) {
        let mut book = Self::shipped();
        let mut findings = Vec::new();
        let mut own: BTreeSet<String> = BTreeSet::new();
        for (name, text) in files {
            match file::parse(text, name) {
                Err(found) => findings.extend(found),
                Ok(recipe) if !own.insert(recipe.name.clone()) => findings.push(Finding::error(
                    name,
                    recipe.line("name"),
                    format!("another file has a recipe \"{}\" already", recipe.name),
                    "give one of them another name, or take it away",
                )),
                Ok(recipe) => book.put(recipe),
            }
        }
        findings.extend(lint::book(&book));
        (book, findings)
    }

    fn put(&mut self, recipe: Recipe) {
        let recipe = Arc::new(recipe);
        match self.recipes.iter_mut().find(|known| known.name == recipe.name) {
            Some(known) => *known = recipe,
            None => self.recipes.push(recipe),
        }
    }

    /// Whether a recipe of this name ships with Reknit, changed or not.
    pub fn ships(name: &str) -> bool {
        SHIPPED.iter().any(|(file, _)| file.strip_suffix(".toml") == Some(name))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.iter()
    }

    /// One by its name.
    pub fn recipe(&self, name: &str) -> Option<&Arc<Recipe>> {
        self.recipes.iter().find(|recipe| recipe.name == name)
    }

    /// Those that an event of a system makes run, whatever their state.
    pub fn triggered(&self, system: System, kind: EventKind) -> impl Iterator<Item = &Arc<Recipe>> {
        self.recipes.iter().filter(move |recipe| {
            recipe.trigger.fits(system, kind)
                && (recipe.crm.is_none_or(|crm| crm == system) || system == System::Intercom)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::recipe::State;

    #[test]
    fn what_ships_can_be_read_and_is_named_like_its_file() {
        for (file, text) in SHIPPED {
            let recipe = file::parse(text, file).unwrap_or_else(|found| panic!("{found:#?}"));
            assert_eq!(format!("{}.toml", recipe.name), *file);
        }
        let found = lint::book(&Book::shipped());
        assert_eq!(found, [], "no finding in what ships");
    }

    #[test]
    fn r90_only_the_contact_sync_is_on_by_default() {
        let book = Book::shipped();
        let on: Vec<&str> =
            book.all().filter(|it| it.state != State::Off).map(|it| it.name.as_str()).collect();
        assert_eq!(on, ["contact-to-crm", "contact-to-intercom"]);
    }

    #[test]
    fn an_event_finds_its_recipes_and_a_file_of_ones_own_replaces_a_shipped_one() {
        let book = Book::shipped();
        let named = |system, kind| -> Vec<String> {
            let found = book.triggered(system, kind).filter(|recipe| recipe.state != State::Off);
            found.map(|recipe| recipe.name.clone()).collect()
        };
        assert_eq!(named(System::Intercom, EventKind::ContactUpdated), ["contact-to-crm"]);
        assert_eq!(named(System::Salesforce, EventKind::ContactUpdated), ["contact-to-intercom"]);
        assert!(named(System::Intercom, EventKind::Other).is_empty());
        let own = SHIPPED[0].1.replace("state = \"on\"", "state = \"off\"");
        let changed = Book::with([("mine.toml", own.as_str())]).expect("a book");
        assert_eq!(changed.recipe("contact-to-crm").map(|it| it.state), Some(State::Off));
        assert_eq!(changed.all().count(), book.all().count());
        let twice =
            Book::with([("a.toml", own.as_str()), ("b.toml", own.as_str())]).expect_err("two of one name");
        assert!(
            twice[0].to_string().contains("b.toml") && twice[0].what.contains("another file"),
            "{twice:?}"
        );
    }
}
