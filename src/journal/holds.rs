//! What holds work back: the breakers of connections, the pauses people set, and the executions that wait for either.
//!
//! A held execution has no due time, so that claiming never meets with it; it gets its old one back when what holds it
//! has ended. Decides nothing: the engine says when a breaker opens and closes, a human what is paused.

use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection as Sqlite, OptionalExtension, params, params_from_iter};

use super::{Journal, Result, audit, drift, rows};
use crate::domain::audit::NewEntry;
use crate::domain::breaker::{Breaker, BreakerCause, Rest};
use crate::domain::clock::Timestamp;
use crate::domain::drift::DriftHold;
use crate::domain::pause::{Pause, PauseScope};
use crate::domain::record::Connection;

/// Executions that one transaction holds or lets go: other writers wait no longer than that.
const AT_ONCE: i64 = 2_000;

/// What holds work at a moment.
#[derive(Debug, Clone, Default)]
pub struct Holding {
    /// The breakers of all connections that ever had one open.
    pub breakers: Vec<Breaker>,
    /// The pauses that have not run out.
    pub pauses: Vec<Pause>,
    /// Fields of mappings that are not carried over for now.
    pub fields: Vec<DriftHold>,
    /// Executions wait for something that holds no longer, or a pause has run out.
    pub ended: bool,
}

/// A connection's breaker is to open.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Which connection.
    pub connection: Connection,
    /// Why.
    pub cause: BreakerCause,
    /// The vendor's own words, redacted.
    pub words: String,
    /// How long to rest before a look.
    pub rest: Rest,
    /// No look before this time, by the vendor's word.
    pub not_before: Option<Timestamp>,
    /// Opened again so soon after it closed, it rests as if it had never closed.
    pub relapse: Duration,
}

/// Which executions a pause stops without one of them having to be begun.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// All of these recipes.
    pub recipes: Vec<String>,
    /// All that start from a record of this connection.
    pub records_of: Option<Connection>,
}

impl Journal {
    /// The breakers of all connections that ever had one open.
    pub async fn breakers(&self) -> Result<Vec<Breaker>> {
        self.read(breakers).await
    }

    /// The pauses that have not run out.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        let now = self.now();
        self.read(move |connection| pauses(connection, now)).await
    }

    /// Breakers and pauses, and whether something waits for one that has ended; one look.
    pub async fn holding(&self) -> Result<Holding> {
        let now = self.now();
        self.read(move |connection| {
            let ended = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM pauses WHERE until_at <= ?1)")?
                .query_row([now.0], |row| row.get::<_, bool>(0))?
                || !ended_keys(connection, now)?.is_empty();
            Ok(Holding {
                breakers: breakers(connection)?,
                pauses: pauses(connection, now)?,
                fields: drift::holds(connection)?,
                ended,
            })
        })
        .await
    }

    /// How many executions something holds, by its key.
    pub async fn held_by(&self, key: String) -> Result<u64> {
        self.read(move |connection| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM executions WHERE held_by = ?1")?
                .query_row([key], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }

    /// Stores the state of a breaker as it is told, whatever it was.
    pub async fn put_breaker(&self, breaker: Breaker) -> Result<()> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO breakers (connection, state, cause, since, look_at, words) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    breaker.connection.to_string(),
                    breaker.state.as_str(),
                    breaker.cause.as_str(),
                    breaker.since.0,
                    breaker.look_at.map(|at| at.0),
                    breaker.words,
                ])?;
            Ok(())
        })
        .await
    }

    /// Opens a breaker that is closed; false when it was not, whoever opened it.
    pub async fn open_breaker(&self, opening: Opening) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let name = opening.connection.to_string();
            let before: Option<(i64, u32)> = connection
                .prepare_cached("SELECT since, rests FROM breakers WHERE connection = ?1 AND state = 'closed'")?
                .query_row([&name], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let rests = match before {
                Some((closed, rests)) if now.since(Timestamp(closed)) < opening.relapse.as_millis() as i64 => rests,
                _ => 0,
            };
            let look_at = now.plus(opening.rest.after(rests)).max(opening.not_before.unwrap_or(now));
            let changed = connection
                .prepare_cached(
                    "INSERT INTO breakers (connection, state, cause, since, look_at, words, rests, looked_at) \
                     VALUES (?1, 'open', ?2, ?3, ?4, ?5, ?6, ?3) ON CONFLICT (connection) DO UPDATE SET \
                     state = 'open', cause = excluded.cause, since = excluded.since, look_at = excluded.look_at, \
                     words = excluded.words, rests = excluded.rests, looked_at = excluded.looked_at, probe = NULL, \
                     probe_until = NULL WHERE state = 'closed'",
                )?
                .execute(params![name, opening.cause.as_str(), now.0, look_at.0, opening.words, rests])?;
            if changed == 1 {
                note(connection, now, "hold", &name, match opening.cause {
                    BreakerCause::Auth => "The token is refused; work waits.",
                    BreakerCause::Unavailable => "No usable answer, several times in a row; work waits.",
                })?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// Takes the one look that an open breaker allows when its rest is over, or when a human asked for it since the last
    /// look. None when it is not time, or somebody else looks; else the token that ends it.
    pub async fn begin_look(
        &self,
        connection: &Connection,
        asked_at: Option<Timestamp>,
        within: Duration,
    ) -> Result<Option<i64>> {
        let now = self.now();
        let name = connection.to_string();
        self.write(move |connection| {
            let token = fastrand::i64(1..);
            // A last look that lies ahead means that the clock went back: times stored before are worth nothing.
            let changed = connection
                .prepare_cached(
                    "UPDATE breakers SET state = 'half_open', probe = ?2, probe_until = ?4, looked_at = ?3 \
                     WHERE connection = ?1 AND ((state = 'open' AND (look_at IS NULL OR look_at <= ?3 OR ?3 < looked_at \
                     OR ?5 >= looked_at)) OR (state = 'half_open' AND (probe_until IS NULL OR probe_until <= ?3 \
                     OR ?3 < looked_at)))",
                )?
                .execute(params![name, token, now.0, now.plus(within).0, asked_at.map(|at| at.0)])?;
            Ok((changed == 1).then_some(token))
        })
        .await
    }

    /// The look went well: the breaker closes. False when the look was no longer ours.
    pub async fn close_breaker(&self, connection: &Connection, token: i64) -> Result<bool> {
        let now = self.now();
        let name = connection.to_string();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE breakers SET state = 'closed', since = ?3, look_at = NULL, rests = rests + 1, looked_at = ?3, \
                     probe = NULL, probe_until = NULL WHERE connection = ?1 AND state = 'half_open' AND probe = ?2",
                )?
                .execute(params![name, token, now.0])?;
            if changed == 1 {
                note(connection, now, "release", &name, "It works again; what waited goes on.")?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// The look failed: the breaker rests longer. False when the look was no longer ours.
    pub async fn reopen_breaker(&self, opening: Opening, token: i64) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let name = opening.connection.to_string();
            let rests: Option<u32> = connection
                .prepare_cached("SELECT rests FROM breakers WHERE connection = ?1")?
                .query_row([&name], |row| row.get(0))
                .optional()?;
            let rests = rests.unwrap_or(0).saturating_add(1);
            let look_at = now.plus(opening.rest.after(rests)).max(opening.not_before.unwrap_or(now));
            let changed = connection
                .prepare_cached(
                    "UPDATE breakers SET state = 'open', cause = ?3, look_at = ?4, words = ?5, rests = ?6, looked_at = ?7, \
                     probe = NULL, probe_until = NULL WHERE connection = ?1 AND state = 'half_open' AND probe = ?2",
                )?
                .execute(params![name, token, opening.cause.as_str(), look_at.0, opening.words, rests, now.0])?;
            Ok(changed == 1)
        })
        .await
    }

    /// A human wants an open breaker to be looked at now; false when it is not open.
    pub async fn look_now(&self, connection: &Connection, actor: String) -> Result<bool> {
        let now = self.now();
        let name = connection.to_string();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached("UPDATE breakers SET look_at = ?2 WHERE connection = ?1 AND state = 'open'")?
                .execute(params![name, now.0])?;
            if changed == 1 {
                let note = "Asked to look at once whether it works again.".to_owned();
                audit::append(
                    connection,
                    now,
                    &[NewEntry { actor, verb: "resume".into(), object: format!("connection {name}"), note }],
                )?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// Stores a pause, in place of an earlier one of the same scope.
    pub async fn pause(&self, pause: Pause) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO pauses VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    pause.scope.kind.as_str(),
                    pause.scope.name,
                    pause.actor,
                    pause.reason,
                    pause.since.0,
                    pause.until.map(|until| until.0),
                ])?;
            let until = pause.until.map_or_else(String::new, |until| format!(" Until {}.", until.rfc3339()));
            let entry = NewEntry {
                actor: pause.actor,
                verb: "pause".into(),
                object: pause.scope.to_string(),
                note: format!("{}{until}", pause.reason),
            };
            audit::append(connection, now, &[entry])
        })
        .await
    }

    /// Ends a pause; false when there is none.
    pub async fn resume(&self, scope: PauseScope, actor: String) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached("DELETE FROM pauses WHERE kind = ?1 AND name = ?2")?
                .execute(params![scope.kind.as_str(), scope.name])?;
            if changed == 1 {
                let note = "The pause was ended; what waited goes on.".to_owned();
                audit::append(
                    connection,
                    now,
                    &[NewEntry { actor, verb: "resume".into(), object: scope.to_string(), note }],
                )?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// Holds executions that wait, for a pause, and gives how many; some at a time, so ask again until it says 0.
    pub async fn shelve(&self, pause: &Pause, shelf: Shelf) -> Result<usize> {
        let (key, sentence) = (pause.scope.key(), pause.sentence());
        self.write(move |connection| {
            let places = vec!["?"; shelf.recipes.len()].join(", ");
            let sql = format!(
                "UPDATE executions SET held_by = ?1, held_due = due_at, held_sentence = sentence, sentence = ?2, \
                 due_at = NULL WHERE id IN (SELECT id FROM executions WHERE status IN ('pending', 'retrying', 'in_doubt') \
                 AND due_at IS NOT NULL AND held_by IS NULL AND (substr(record, 1, length(?3)) = ?3 \
                 OR recipe IN ({places})) ORDER BY id LIMIT {AT_ONCE})"
            );
            let records = shelf.records_of.map_or(Value::Null, |of| Value::Text(format!("{of}/")));
            let recipes = shelf.recipes.iter().map(|recipe| Value::Text(recipe.clone()));
            let values = [Value::Text(key), Value::Text(sentence), records].into_iter().chain(recipes);
            Ok(connection.prepare_cached(&sql)?.execute(params_from_iter(values))?)
        })
        .await
    }

    /// Lets go what waits for a breaker or pause that holds no longer, and gives how many; some at a time, so ask again
    /// until it says 0. Everything gets back the due time it had, and with it its place.
    pub async fn release_ended(&self) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let over: Vec<(String, String)> = connection
                .prepare_cached("DELETE FROM pauses WHERE until_at <= ?1 RETURNING kind, name")?
                .query_map([now.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (kind, name) in over {
                note(connection, now, "resume", &format!("{kind} {name}"), "The pause has run out.")?;
            }
            let mut released = 0;
            for key in ended_keys(connection, now)? {
                released += connection
                    .prepare_cached(
                        "UPDATE executions SET due_at = CASE WHEN due_at IS NULL AND status IN ('pending', 'retrying', \
                         'in_doubt') THEN coalesce(held_due, ?2) ELSE due_at END, sentence = CASE WHEN due_at IS NULL \
                         AND status IN ('pending', 'retrying', 'in_doubt') THEN coalesce(held_sentence, ?4) ELSE \
                         sentence END, held_by = NULL, held_due = NULL, held_sentence = NULL WHERE id IN \
                         (SELECT id FROM executions WHERE held_by = ?1 ORDER BY id LIMIT ?3)",
                    )?
                    .execute(params![key, now.0, AT_ONCE, "What held it back has ended; waits for a worker."])?;
            }
            Ok(released)
        })
        .await
    }
}

/// What executions wait for and holds no longer. Steps from key to key, so that a long backlog costs nothing.
fn ended_keys(connection: &Sqlite, now: Timestamp) -> Result<Vec<String>> {
    Ok(connection
        .prepare_cached(
            "WITH RECURSIVE keys (name) AS (SELECT min(held_by) FROM executions WHERE held_by IS NOT NULL UNION ALL \
             SELECT (SELECT min(held_by) FROM executions WHERE held_by IS NOT NULL AND held_by > name) FROM keys \
             WHERE name IS NOT NULL) SELECT name FROM keys WHERE name IS NOT NULL AND name NOT IN \
             (SELECT 'breaker/' || connection FROM breakers WHERE state <> 'closed' UNION ALL \
             SELECT 'pause/' || kind || '/' || name FROM pauses WHERE until_at IS NULL OR until_at > ?1)",
        )?
        .query_map([now.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

fn note(connection: &Sqlite, now: Timestamp, verb: &str, object: &str, note: &str) -> Result<()> {
    let entry =
        NewEntry { actor: "engine".into(), verb: verb.into(), object: object.into(), note: note.into() };
    audit::append(connection, now, &[entry])
}

fn breakers(connection: &Sqlite) -> Result<Vec<Breaker>> {
    let mut statement = connection.prepare_cached(
        "SELECT connection, state, cause, since, look_at, words FROM breakers ORDER BY connection",
    )?;
    let mut found = statement.query([])?;
    let mut breakers = Vec::new();
    while let Some(row) = found.next()? {
        breakers.push(Breaker {
            connection: rows::word(row, "connection")?,
            state: rows::word(row, "state")?,
            cause: rows::word(row, "cause")?,
            since: Timestamp(row.get("since")?),
            look_at: row.get::<_, Option<i64>>("look_at")?.map(Timestamp),
            words: row.get("words")?,
        });
    }
    Ok(breakers)
}

fn pauses(connection: &Sqlite, now: Timestamp) -> Result<Vec<Pause>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM pauses WHERE until_at IS NULL OR until_at > ?1 ORDER BY since, kind, name",
    )?;
    let mut found = statement.query([now.0])?;
    let mut pauses = Vec::new();
    while let Some(row) = found.next()? {
        pauses.push(Pause {
            scope: PauseScope { kind: rows::word(row, "kind")?, name: row.get("name")? },
            actor: row.get("actor")?,
            reason: row.get("reason")?,
            since: Timestamp(row.get("since")?),
            until: row.get::<_, Option<i64>>("until_at")?.map(Timestamp),
        });
    }
    Ok(pauses)
}
