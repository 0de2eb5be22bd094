//! Pauses as an operator sets and ends them; and looking at a connection whose breaker is open because a human says so.
//!
//! Nothing here stops what runs: a pause is looked at before work begins.

use super::past::Back;
use super::{OperateError, Operator};
use crate::domain::breaker::{self, Breaker};
use crate::domain::clock::Timestamp;
use crate::domain::edition::EditionKind;
use crate::domain::pause::{Direction, Pause, PauseKind, PauseScope};
use crate::domain::record::{Connection, System};
use crate::journal::holds::Shelf;
use crate::recipes;
use crate::recipes::book::Book;

/// A pause that was set.
#[derive(Debug, Clone)]
pub struct Paused {
    /// The pause.
    pub pause: Pause,
    /// Executions that waited and are held by it now; what comes later is held when it is its turn.
    pub held: u64,
}

/// What was ended.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// There was a pause, and it is over.
    pub ended: bool,
    /// Executions that go on.
    pub released: u64,
    /// The connection's breaker that is going to be looked at now.
    pub looks: Option<Breaker>,
}

impl Operator {
    /// Holds back everything in a scope until a time, or until it is resumed.
    pub async fn pause(
        &self,
        scope: PauseScope,
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<Paused, OperateError> {
        self.may_write()?;
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Err(OperateError::Impossible("the time until which to pause is past.".into()));
        }
        let reason = if reason.trim().is_empty() { "no reason given." } else { reason.trim() };
        let own = self.knows_recipe(&scope).await?;
        let shelf = shelf(&scope, self.crm, own)?;
        let pause = Pause { scope, actor: self.actor.clone(), reason: reason.to_owned(), since: now, until };
        self.journal.pause(pause.clone()).await?;
        self.did(format!("paused {}", pause.scope), Back::Paused(pause.scope.clone()));
        let mut held = 0;
        loop {
            match self.journal.shelve(&pause, shelf.clone()).await? {
                0 => return Ok(Paused { pause, held }),
                some => held += some as u64,
            }
        }
    }

    /// Ends a pause. Of a connection it also asks for a look at once, where its breaker is open.
    pub async fn resume(&self, scope: PauseScope) -> Result<Resumed, OperateError> {
        self.may_write()?;
        let own = self.knows_recipe(&scope).await?;
        shelf(&scope, self.crm, own)?;
        let mut released = self.journal.held_by(scope.key()).await?;
        let ended = self.journal.resume(scope.clone(), self.actor.clone()).await?;
        let mut looks = None;
        if let Some(connection) = connection(&scope)
            && self.journal.look_now(&connection, self.actor.clone()).await?
        {
            let breakers = self.journal.breakers().await?;
            looks = breakers.into_iter().find(|breaker| breaker.connection == connection);
            released += self.journal.held_by(breaker::key(&connection)).await?;
        }
        if !ended && looks.is_none() {
            return Err(OperateError::Impossible(format!("{scope} is not paused.")));
        }
        while self.journal.release_ended().await? > 0 {}
        Ok(Resumed { ended, released, looks })
    }
}

impl Operator {
    /// Whether a recipe of this name was ever in force in this journal.
    async fn knows_recipe(&self, scope: &PauseScope) -> Result<bool, OperateError> {
        if scope.kind != PauseKind::Recipe {
            return Ok(false);
        }
        Ok(self.journal.edition_text(EditionKind::Recipe, &scope.name, 1).await?.is_some())
    }
}

fn connection(scope: &PauseScope) -> Option<Connection> {
    if scope.kind == PauseKind::Connection { scope.name.parse().ok() } else { None }
}

/// Which executions a scope stops for certain; refused when there is no such thing to pause. `own`: the journal knows a
/// recipe of the workspace's own by that name.
fn shelf(scope: &PauseScope, crm: System, own: bool) -> Result<Shelf, OperateError> {
    let unknown = |known: String| {
        OperateError::Impossible(format!("there is no {} \"{}\"; there is {known}.", scope.kind, scope.name))
    };
    let syncs = [recipes::CONTACT_TO_CRM, recipes::CONTACT_TO_INTERCOM];
    let only = |recipe: &str| Shelf { recipes: vec![recipe.to_owned()], records_of: None };
    match scope.kind {
        PauseKind::Recipe => {
            if own || recipes::ALL.contains(&scope.name.as_str()) || Book::ships(&scope.name) {
                return Ok(only(&scope.name));
            }
            Err(unknown(recipes::ALL.join(", ") + "; `reknit recipe list` shows the rest"))
        }
        PauseKind::Direction => match scope.name.parse() {
            Ok(Direction::ToCrm) => Ok(only(recipes::CONTACT_TO_CRM)),
            Ok(Direction::ToIntercom) => Ok(only(recipes::CONTACT_TO_INTERCOM)),
            Err(_) => {
                Err(unknown(Direction::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")))
            }
        },
        PauseKind::Connection => {
            let connection: Connection = scope.name.parse().map_err(|_| {
                unknown(System::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", "))
            })?;
            // A sync reads both of its sides, whichever it writes.
            let both = [System::Intercom, crm].map(Connection::only).contains(&connection);
            let recipes = if both {
                syncs
                    .into_iter()
                    .chain([recipes::RESOLVE_CONFLICT, recipes::REOPEN_CONFLICT])
                    .map(str::to_owned)
                    .collect()
            } else {
                Vec::new()
            };
            Ok(Shelf { recipes, records_of: Some(connection) })
        }
    }
}
