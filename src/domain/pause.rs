//! A pause: what a human told Reknit not to do for now, with who, why and until when.
//!
//! A paused execution is neither failed nor forgotten: it keeps its place and goes on when the pause ends. This module
//! decides nothing and stores nothing.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::record::{Connection, System};
use super::text::clean;

words! {
    /// Which way data flows.
    pub enum Direction {
        /// What is written into the CRM.
        ToCrm = "to-crm",
        /// What is written into Intercom.
        ToIntercom = "to-intercom",
    }
}

impl Direction {
    /// The direction of a write to a connection.
    pub fn to(connection: &Connection) -> Self {
        if connection.system == System::Intercom { Self::ToIntercom } else { Self::ToCrm }
    }
}

words! {
    /// What kind of thing a pause stops.
    pub enum PauseKind {
        /// One recipe, by its name.
        Recipe = "recipe",
        /// Every call to one connection: reads and looks for changes too.
        Connection = "connection",
        /// Every write into one side; reading goes on.
        Direction = "direction",
    }
}

/// What a pause stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseScope {
    /// Its kind.
    pub kind: PauseKind,
    /// Its name: a recipe's, a connection's, or a direction's.
    pub name: String,
}

impl PauseScope {
    /// One recipe.
    pub fn recipe(name: &str) -> Self {
        Self { kind: PauseKind::Recipe, name: name.to_owned() }
    }

    /// One connection.
    pub fn connection(connection: &Connection) -> Self {
        Self { kind: PauseKind::Connection, name: connection.to_string() }
    }

    /// One direction.
    pub fn direction(direction: Direction) -> Self {
        Self { kind: PauseKind::Direction, name: direction.to_string() }
    }

    /// Its name where an execution says what holds it.
    pub fn key(&self) -> String {
        format!("pause/{}/{}", self.kind, self.name)
    }
}

impl std::fmt::Display for PauseScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What it stops.
    pub scope: PauseScope,
    /// Who set it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none until somebody resumes it.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// It has not run out.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// What an execution that it stops says.
    pub fn sentence(&self) -> String {
        let until = self.until.map_or_else(String::new, |until| format!(" until {}", until.rfc3339()));
        let what = &self.scope;
        let (actor, since, reason) = (clean(&self.actor), self.since.rfc3339(), clean(&self.reason));
        format!("Paused by {actor} since {since}{until} ({what}): {reason}")
    }
}
