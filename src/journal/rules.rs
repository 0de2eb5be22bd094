//! What the rules leave in the journal: editions of their texts, what ran once, whose a deal is, how recipes were
//! switched. Nothing here reads a rule.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, sha256};
use super::{Journal, Result, audit};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::edition::{Edition, EditionKind};
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::record::RecordRef;

/// A text that is in force now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it is of.
    pub kind: EditionKind,
    /// The recipe's or mapping's name.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Whether an execution may do what its recipe does once for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// Nobody has; it is reserved for this one.
    Mine,
    /// This one did it.
    Done(ExecutionId),
    /// This one is about to.
    Begun(ExecutionId),
}

impl Journal {
    /// The editions of texts, each in the order asked; what was never in force before gets the next number.
    pub async fn put_editions(&self, texts: Vec<Text>) -> Result<Vec<Edition>> {
        let now = self.now();
        self.write(move |connection| texts.iter().map(|text| edition(connection, now, text)).collect()).await
    }

    /// The editions of texts as far as they have been in force; for who only looks.
    pub async fn editions_of(&self, texts: Vec<Text>) -> Result<Vec<Option<Edition>>> {
        self.read(move |connection| {
            texts.iter().map(|text| known(connection, text, &sha256(&text.text))).collect()
        })
        .await
    }

    /// Every edition there was of a recipe or mapping, oldest first.
    pub async fn history(&self, kind: EditionKind, name: &str) -> Result<Vec<Edition>> {
        let name = name.to_owned();
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM editions WHERE kind = ?1 AND name = ?2 ORDER BY number")?;
            let mut found = statement.query(params![kind.as_str(), name])?;
            let mut editions = Vec::new();
            while let Some(row) = found.next()? {
                editions.push(read(row)?);
            }
            Ok(editions)
        })
        .await
    }

    /// The text of an edition.
    pub async fn edition_text(&self, kind: EditionKind, name: &str, number: u32) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read(move |connection| {
            Ok(connection
                .prepare_cached("SELECT text FROM editions WHERE kind = ?1 AND name = ?2 AND number = ?3")?
                .query_row(params![kind.as_str(), name, number], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    /// Who did what a recipe does once for a key; of a run that is not at its end only when it has reserved it.
    pub async fn ran_once(&self, recipe: &str, key: &str) -> Result<Option<Once>> {
        let (recipe, key) = (recipe.to_owned(), sha256(key));
        self.read(move |connection| standing(connection, &recipe, &key)).await
    }

    /// Reserves what a recipe does once for a key, for an execution that is about to do it. What a run reserved that has
    /// failed or was given up since is free again.
    pub async fn reserve_once(&self, recipe: &str, key: &str, execution: ExecutionId) -> Result<Once> {
        let (recipe, key, now) = (recipe.to_owned(), sha256(key), self.now());
        self.write(move |connection| match standing(connection, &recipe, &key)? {
            Some(Once::Done(other) | Once::Begun(other)) if other == execution => Ok(Once::Mine),
            Some(taken) => Ok(taken),
            None => {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO ran_once VALUES (?1, ?2, ?3, 0, ?4)")?
                    .execute(params![recipe, key, execution.0, now.0])?;
                Ok(Once::Mine)
            }
        })
        .await
    }

    /// Recipes that plan and write nothing because they were on when the journal was made.
    pub async fn first_run(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT recipe FROM first_run ORDER BY recipe")?;
            let found = statement.query_map([], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Lets these recipes begin without writing; only in a journal that no recipe was ever in force in.
    pub async fn begin_in_shadow(&self, recipes: Vec<String>) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let used: bool = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM editions) OR EXISTS (SELECT 1 FROM events)")?
                .query_row([], |row| row.get(0))?;
            if used {
                return Ok(false);
            }
            for recipe in &recipes {
                connection
                    .prepare_cached("INSERT OR IGNORE INTO first_run VALUES (?1, ?2)")?
                    .execute(params![recipe, now.0])?;
            }
            Ok(true)
        })
        .await
    }

    /// Notes that somebody switched a recipe; its first run without writing is over.
    pub async fn switched(&self, recipe: String, before: String, state: String, actor: String) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM first_run WHERE recipe = ?1")?.execute([&recipe])?;
            connection
                .prepare_cached(
                    "INSERT INTO recipe_switches (recipe, state, actor, at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![recipe, state, actor, now.0])?;
            let entry = NewEntry {
                actor,
                verb: "switch".to_owned(),
                object: format!("recipe {recipe}"),
                note: format!("From {before} to {state}."),
            };
            audit::append(connection, now, &[entry])
        })
        .await
    }

    /// Recipes that were switched on since a time, each once.
    pub async fn switched_on_since(&self, since: Timestamp) -> Result<Vec<String>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT recipe FROM recipe_switches WHERE state = 'on' AND at >= ?1 ORDER BY recipe",
            )?;
            let found = statement.query_map([since.0], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn edition(connection: &Connection, now: Timestamp, text: &Text) -> Result<Edition> {
    let hash = sha256(&text.text);
    if let Some(known) = known(connection, text, &hash)? {
        return Ok(known);
    }
    connection
        .prepare_cached(
            "INSERT INTO editions (kind, name, number, sha256, text, loaded_at) VALUES (?1, ?2, \
             (SELECT coalesce(max(number), 0) + 1 FROM editions WHERE kind = ?1 AND name = ?2), ?3, ?4, ?5)",
        )?
        .execute(params![text.kind.as_str(), text.name, hash, text.text, now.0])?;
    known(connection, text, &hash)?
        .ok_or_else(|| super::JournalError::Missing(format!("edition of {}", text.name)))
}

fn known(connection: &Connection, text: &Text, hash: &str) -> Result<Option<Edition>> {
    connection
        .prepare_cached("SELECT * FROM editions WHERE kind = ?1 AND name = ?2 AND sha256 = ?3")?
        .query_row(params![text.kind.as_str(), text.name, hash], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<Edition> {
    Ok(Edition {
        kind: rows::word(row, "kind")?,
        name: row.get("name")?,
        number: row.get("number")?,
        loaded_at: Timestamp(row.get("loaded_at")?),
    })
}

fn standing(connection: &Connection, recipe: &str, key: &str) -> Result<Option<Once>> {
    let found: Option<(i64, bool, Option<String>)> = connection
        .prepare_cached(
            "SELECT ran_once.execution_id, done, status FROM ran_once \
             LEFT JOIN executions ON executions.id = ran_once.execution_id WHERE ran_once.recipe = ?1 AND key_hash = ?2",
        )?
        .query_row(params![recipe, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(found.and_then(|(id, done, status)| {
        let status: Option<Status> = status.and_then(|word| word.parse().ok());
        match (done, status) {
            (true, _) => Some(Once::Done(ExecutionId(id))),
            (false, Some(status)) if !status.is_finished() => Some(Once::Begun(ExecutionId(id))),
            _ => None,
        }
    }))
}

/// What an execution had reserved is done for good, or is free again.
pub(super) fn settle_once(connection: &Connection, id: ExecutionId, status: Status) -> Result<()> {
    let change = match status {
        Status::Succeeded => "UPDATE ran_once SET done = 1 WHERE execution_id = ?1",
        Status::Skipped => "DELETE FROM ran_once WHERE execution_id = ?1 AND done = 0",
        _ => return Ok(()),
    };
    connection.prepare_cached(change)?.execute([id.0])?;
    Ok(())
}

/// Remembers whose a deal or ticket is.
pub(super) fn put_people_behind(
    connection: &Connection,
    now: Timestamp,
    pairs: &[(RecordRef, RecordRef)],
) -> Result<()> {
    for (record, person) in pairs {
        connection
            .prepare_cached("INSERT OR REPLACE INTO people_behind VALUES (?1, ?2, ?3)")?
            .execute(params![record.to_string(), person.to_string(), now.0])?;
    }
    Ok(())
}

/// Whose a record is that is nobody's own, as far as an execution found out.
pub(super) fn person_behind(connection: &Connection, record: &RecordRef) -> Result<Option<RecordRef>> {
    connection
        .prepare_cached("SELECT person FROM people_behind WHERE record = ?1")?
        .query_row([record.to_string()], |row| Ok(rows::word(row, "person")))
        .optional()?
        .transpose()
}

#[cfg(test)]
mod tests;
