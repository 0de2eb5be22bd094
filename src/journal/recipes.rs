//! How each recipe fared: its endings by the hour, its newest run, what became of the newest ones. Reads only, and never
//! more than some rows for each recipe, however long the journal is.

use rusqlite::{Connection, OptionalExtension, params};

use super::monitors::series::DAY;
use super::rows::{optional_word, word};
use super::{Journal, Result, sealing};
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::execution::{Outcome, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::Plan;

/// How long the hours are kept.
const KEPT: i64 = 35 * DAY;

/// So many executions of a recipe ended in one way within one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endings {
    /// When the hour begins.
    pub hour: Timestamp,
    /// Whose.
    pub recipe: String,
    /// How they ended.
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// The newest execution of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Which.
    pub id: ExecutionId,
    /// Where it stands.
    pub status: Status,
    /// When it last changed.
    pub at: Timestamp,
}

/// What became of one execution, as far as it tells how a recipe fares.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Where it stands.
    pub status: Status,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// In words.
    pub sentence: String,
    /// Why it failed, where it did.
    pub class: Option<ErrorClass>,
    /// What was going to be done, with each step's state.
    pub plan: Option<Plan>,
}

impl Journal {
    /// How executions ended since a time, recipe by recipe and hour by hour.
    pub async fn recipe_hours(&self, since: Timestamp) -> Result<Vec<Endings>> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM recipe_hours WHERE hour >= ?1 ORDER BY hour")?;
            let mut found = statement.query([since.0])?;
            let mut endings = Vec::new();
            while let Some(row) = found.next()? {
                endings.push(Endings {
                    hour: Timestamp(row.get("hour")?),
                    recipe: row.get("recipe")?,
                    outcome: ending(&row.get::<_, String>("outcome")?),
                    count: row.get::<_, i64>("count")?.unsigned_abs(),
                });
            }
            Ok(endings)
        })
        .await
    }

    /// The newest execution of each of these recipes, in their order.
    pub async fn last_runs(&self, recipes: Vec<String>) -> Result<Vec<Option<LastRun>>> {
        self.read(move |connection| recipes.iter().map(|name| last_run(connection, name)).collect()).await
    }

    /// What became of a recipe's newest executions.
    pub async fn newest_of(&self, recipe: &str, limit: usize) -> Result<Vec<Ended>> {
        let recipe = recipe.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, status, outcome, sentence, error_class, plan FROM executions WHERE recipe = ?1 \
                 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut found = statement.query(params![recipe, limit as i64])?;
            let mut ended = Vec::new();
            while let Some(row) = found.next()? {
                let id = ExecutionId(row.get("id")?);
                let plan: Option<String> = row.get("plan")?;
                ended.push(Ended {
                    status: word(row, "status")?,
                    outcome: optional_word(row, "outcome")?,
                    sentence: row.get("sentence")?,
                    class: optional_word(row, "error_class")?,
                    plan: sealing::open_plan(connection, id, plan)?,
                });
            }
            Ok(ended)
        })
        .await
    }

    /// How many conflicts of each field are open.
    pub async fn open_conflicts_by_field(&self) -> Result<Vec<(String, u64)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT field, count(*) FROM conflicts INDEXED BY conflicts_by_shape WHERE state = 'open' \
                 GROUP BY field",
            )?;
            let found =
                statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// What stands for the ending of an execution; one of another Reknit's words counts as done.
fn ending(word: &str) -> Outcome {
    match word {
        "skipped" => Outcome::Skip,
        "failed" => Outcome::Error,
        word => word.parse().unwrap_or(Outcome::Unchanged),
    }
}

fn last_run(connection: &Connection, recipe: &str) -> Result<Option<LastRun>> {
    connection
        .prepare_cached(
            "SELECT id, status, updated_at FROM executions WHERE recipe = ?1 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([recipe], |row| {
            Ok(word(row, "status").and_then(|status| {
                Ok(LastRun { id: ExecutionId(row.get("id")?), status, at: Timestamp(row.get("updated_at")?) })
            }))
        })
        .optional()?
        .transpose()
}

/// Drops hours nobody asks for any more.
pub(super) fn forget_hours(connection: &Connection, now: Timestamp) -> Result<()> {
    connection.prepare_cached("DELETE FROM recipe_hours WHERE hour < ?1")?.execute([now.0 - KEPT])?;
    Ok(())
}
