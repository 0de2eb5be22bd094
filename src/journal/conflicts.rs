//! Conflicts as they are found, ignored and decided by rules; directions of fields that are switched off; and which
//! failed executions a repaired value lets go on.
//!
//! A conflict is found once: a second finding refreshes it. What a rule decides is decided in the transaction that
//! finds it, by the same door as a human's decision.

use rusqlite::{Connection, OptionalExtension, params};

use super::intake::NewExecution;
use super::rows::{self, to_json};
use super::{Journal, JournalError, Result, audit, erasure, operate, sealing};
use crate::domain::clock::Timestamp;
use crate::domain::event::Event;
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::pause::Direction;
use crate::domain::plan::{Effect, FoundConflict};
use crate::domain::record::{RecordRef, value_text};
use crate::domain::review::{Choice, Conflict, ConflictKind, Decision};
use crate::domain::standing::FieldHold;

/// A rule decides a field of one person no oftener than this within [`OFTEN`]: after that something works against it.
const RULED_AT_MOST: i64 = 3;
/// See [`RULED_AT_MOST`]; in milliseconds.
const OFTEN: i64 = 3_600_000;
/// Failed executions looked through for a repaired value.
const LOOKED_THROUGH: usize = 20_000;

/// A conflict that a rule decides in the moment it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// The mapping's name of the field.
    pub field: String,
    /// The rule's name.
    pub rule: String,
    /// How it is decided.
    pub choice: Choice,
    /// The execution that carries it out.
    pub new: NewExecution,
}

/// Our last write to one field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnWrite {
    /// The vendor's field.
    pub field: String,
    /// Of the value's text.
    pub value_hash: String,
    /// When.
    pub at: Timestamp,
    /// By which execution.
    pub execution: ExecutionId,
}

impl Journal {
    /// Leaves a conflict alone until a time, or until one of its values changes. Its field stays held back.
    pub async fn ignore_conflict(
        &self,
        id: ConflictId,
        until: Option<Timestamp>,
        actor: String,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            let words = until.map_or_else(
                || "until one of the values changes".to_owned(),
                |until| format!("until {}, or until one of the values changes", until.rfc3339()),
            );
            let changed = connection
                .prepare_cached(
                    "UPDATE conflicts SET state = 'ignored', ignored_until = ?2, resolution = ?3 \
                     WHERE id = ?1 AND state IN ('open', 'ignored')",
                )?
                .execute(params![id.0, until.map(|at| at.0), format!("Ignored by {actor} {words}.")])?;
            if changed != 1 {
                return Err(operate::not_open(connection, "conflicts", &id.to_string(), id.0)?);
            }
            audit::note(connection, now, &actor, "ignore", &id.to_string(), format!("Left alone {words}."))
        })
        .await
    }

    /// Whose it is to decide the open conflicts: roles and how many each, most first. Only the oldest are looked at where
    /// there are very many; an empty role is one that the mapping does not name.
    pub async fn open_by_role(&self) -> Result<Vec<(String, u64)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT decides, count(*) FROM (SELECT decides FROM conflicts WHERE state = 'open' ORDER BY id LIMIT 5000) \
                 GROUP BY 1 ORDER BY 2 DESC, 1",
            )?;
            let found =
                statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Shows again what was ignored until a time that has come; how many.
    pub async fn wake_ignored(&self) -> Result<usize> {
        let now = self.now();
        let due = self
            .read(move |connection| {
                Ok(connection
                    .prepare_cached(
                        "SELECT 1 FROM conflicts WHERE state = 'ignored' AND ignored_until IS NOT NULL AND ignored_until <= ?1",
                    )?
                    .exists([now.0])?)
            })
            .await?;
        if !due {
            return Ok(0);
        }
        self.write(move |connection| {
            Ok(connection
                .prepare_cached(
                    "UPDATE conflicts SET state = 'open', ignored_until = NULL, \
                     resolution = 'The time it was left alone for is over.' \
                     WHERE state = 'ignored' AND ignored_until IS NOT NULL AND ignored_until <= ?1",
                )?
                .execute([now.0])?)
        })
        .await
    }

    /// Every direction of a field that is switched off.
    pub async fn field_holds(&self) -> Result<Vec<FieldHold>> {
        self.read(field_holds).await
    }

    /// Switches a direction of a field off, and closes the open conflicts of that field: they are not decided any more
    /// but follow from the direction that is left. Answers which. A repeat changes nothing.
    pub async fn hold_field(&self, hold: FieldHold) -> Result<Vec<ConflictId>> {
        let now = self.now();
        self.write(move |connection| {
            let made = connection
                .prepare_cached("INSERT OR IGNORE INTO field_holds VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    hold.mapping,
                    hold.field,
                    hold.direction.as_str(),
                    hold.actor,
                    hold.reason,
                    now.0
                ])?;
            if made == 0 {
                return Err(JournalError::Refused(format!(
                    "{} of {} is switched off already",
                    hold.direction, hold.field
                )));
            }
            let closed: Vec<ConflictId> = connection
                .prepare_cached(
                    "UPDATE conflicts SET state = 'dismissed', resolution = ?2 WHERE field = ?1 \
                     AND kind IN ('both_changed', 'ownership_breach', 'flapping', 'not_allowed', 'wrong_type') \
                     AND (?3 = '' OR line = '' OR line LIKE '%' || ?3 || '.toml:%') \
                     AND state IN ('open', 'ignored') RETURNING id",
                )?
                .query_map(
                    params![
                        hold.field,
                        format!("{} switched {} off for {}.", hold.actor, hold.direction, hold.field),
                        hold.mapping
                    ],
                    |row| row.get(0).map(ConflictId),
                )?
                .collect::<Result<_, _>>()?;
            let object = format!("{} {}", hold.field, hold.direction);
            let words = format!("Switched off: {} Closed {} conflicts.", hold.reason, closed.len());
            audit::note(connection, now, &hold.actor, "disable", &object, words)?;
            Ok(closed)
        })
        .await
    }

    /// Switches a direction of a field on again; false when it was on.
    pub async fn release_field(
        &self,
        mapping: &str,
        field: &str,
        direction: Direction,
        actor: &str,
    ) -> Result<bool> {
        let now = self.now();
        let (mapping, field, actor) = (mapping.to_owned(), field.to_owned(), actor.to_owned());
        self.write(move |connection| {
            let gone = connection
                .prepare_cached(
                    "DELETE FROM field_holds WHERE (?1 = '' OR mapping IN ('', ?1)) AND field = ?2 AND direction = ?3",
                )?
                .execute(params![mapping, field, direction.as_str()])?;
            if gone > 0 {
                let object = format!("{field} {direction}");
                audit::note(connection, now, &actor, "enable", &object, "Switched on again.".to_owned())?;
            }
            Ok(gone > 0)
        })
        .await
    }

    /// What is known about who wrote into a record: our own last write to each field, and the newest events about it.
    pub async fn who_wrote(&self, record: &RecordRef) -> Result<(Vec<OwnWrite>, Vec<Event>)> {
        let record = record.to_string();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT field, value_hash, at, execution_id FROM field_writes WHERE record = ?1",
            )?;
            let mut found = statement.query([&record])?;
            let mut writes = Vec::new();
            while let Some(row) = found.next()? {
                writes.push(OwnWrite {
                    field: row.get("field")?,
                    value_hash: row.get("value_hash")?,
                    at: Timestamp(row.get("at")?),
                    execution: ExecutionId(row.get("execution_id")?),
                });
            }
            let mut statement = connection
                .prepare_cached("SELECT * FROM events WHERE record = ?1 ORDER BY id DESC LIMIT 30")?;
            let mut found = statement.query([&record])?;
            let mut events = Vec::new();
            while let Some(row) = found.next()? {
                events.push(rows::event(connection, row)?);
            }
            Ok((writes, events))
        })
        .await
    }

    /// Open conflicts of one field and kind, oldest first.
    pub async fn conflicts_like(&self, field: &str, kind: ConflictKind) -> Result<Vec<Conflict>> {
        let field = field.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM conflicts WHERE field = ?1 AND kind = ?2 AND state = 'open' ORDER BY id",
            )?;
            let mut found = statement.query(params![field, kind.as_str()])?;
            let mut conflicts = Vec::new();
            while let Some(row) = found.next()? {
                conflicts.push(rows::conflict(row)?);
            }
            Ok(conflicts)
        })
        .await
    }

    /// Failed executions whose plan wanted to write one of these values into one of these fields of the CRM, and whom
    /// the vendor refused it: they can go on once it takes the value or another one is written.
    pub async fn refused_for(&self, fields: Vec<String>, values: Vec<String>) -> Result<Vec<ExecutionId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, plan, error_class, vendor_words FROM executions WHERE status = 'failed' \
                 AND error_class IN ('not_allowed_value', 'validation') AND decision_id IS NULL ORDER BY id LIMIT ?1",
            )?;
            let mut found = statement.query([LOOKED_THROUGH as i64])?;
            let mut ids = Vec::new();
            while let Some(row) = found.next()? {
                let id = ExecutionId(row.get("id")?);
                let Some(plan) = sealing::open_plan(connection, id, row.get("plan")?)? else { continue };
                let words: String = row.get::<_, Option<String>>("vendor_words")?.unwrap_or_default();
                let named = row.get::<_, String>("error_class")? == "not_allowed_value"
                    || fields.iter().any(|field| words.contains(field.as_str()));
                let wanted = plan.steps.iter().any(|step| match &step.effect {
                    Effect::Create { fields: written, .. } | Effect::Update { fields: written, .. } => {
                        fields.iter().any(|field| {
                            written.get(field).is_some_and(|value| values.contains(&value_text(value)))
                        })
                    }
                    _ => false,
                });
                if named && wanted {
                    ids.push(id);
                }
            }
            Ok(ids)
        })
        .await
    }
}

/// Stores a conflict, or refreshes the one of the same field that is not closed; decides it where a rule does.
pub(super) fn put(
    connection: &Connection,
    now: Timestamp,
    execution: ExecutionId,
    subject: &str,
    found: &FoundConflict,
    ruled: &[Ruled],
) -> Result<()> {
    if erasure::is_erased(connection, &found.left)? || erasure::is_erased(connection, &found.right)? {
        return Ok(());
    }
    let changed_at = |record: &RecordRef| -> Result<Option<i64>> {
        Ok(connection
            .prepare_cached("SELECT vendor_updated_at FROM mirror WHERE record = ?1")?
            .query_row([record.to_string()], |row| row.get::<_, Option<i64>>(0))
            .optional()?
            .flatten())
    };
    let (left, right) = (found.left.to_string(), found.right.to_string());
    let ruled = ruled.iter().find(|ruled| ruled.field == found.field);
    let decided: i64 = match ruled {
        None => 0,
        Some(_) => connection
            .prepare_cached(
                "SELECT count(*) FROM conflicts WHERE left_record = ?1 AND right_record = ?2 AND field = ?3 \
                 AND ruled_by IS NOT NULL AND created_at > ?4",
            )?
            .query_row(params![left, right, found.field, now.0 - OFTEN], |row| row.get(0))?,
    };
    // What comes back as often as a rule decides it is set by somebody who does not know of the rule.
    let fought_over = ruled.is_some() && decided >= RULED_AT_MOST;
    let kind = if fought_over { ConflictKind::Flapping } else { found.kind };
    let (id, state): (i64, String) = connection
        .prepare_cached(
            "INSERT INTO conflicts (kind, subject, field, left_record, left_field, left_value, left_changed_at, \
             right_record, right_field, right_value, right_changed_at, base, rule, allowed, state, execution_id, \
             created_at, line, decides, left_by, right_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'open', ?15, ?16, ?17, ?18, ?19, ?20) \
             ON CONFLICT (left_record, right_record, field) WHERE state IN ('open', 'deciding', 'ignored') DO UPDATE SET \
             kind = excluded.kind, left_value = excluded.left_value, right_value = excluded.right_value, \
             left_changed_at = excluded.left_changed_at, right_changed_at = excluded.right_changed_at, \
             rule = excluded.rule, line = excluded.line, decides = excluded.decides, allowed = excluded.allowed, \
             left_by = coalesce(excluded.left_by, left_by), right_by = coalesce(excluded.right_by, right_by), \
             ignored_until = NULL, state = CASE state WHEN 'ignored' THEN 'open' ELSE state END \
             RETURNING id, state",
        )?
        .query_row(
            params![
                kind.as_str(),
                subject,
                found.field,
                left,
                found.left_field,
                to_json(&found.left_value)?,
                changed_at(&found.left)?,
                right,
                found.right_field,
                to_json(&found.right_value)?,
                changed_at(&found.right)?,
                found.base.as_ref().map(to_json).transpose()?,
                found.rule,
                to_json(&found.allowed)?,
                execution.0,
                now.0,
                found.line,
                found.decides,
                found.left_by.as_ref().map(to_json).transpose()?,
                found.right_by.as_ref().map(to_json).transpose()?,
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    let Some(ruled) = ruled.filter(|_| state == "open" && !fought_over) else { return Ok(()) };
    let decision = Decision::Resolve { conflict: ConflictId(id), choice: ruled.choice.clone() };
    operate::decide(connection, now, &decision, &ruled.new, &format!("rule {}", ruled.rule))?;
    connection
        .prepare_cached("UPDATE conflicts SET ruled_by = ?2 WHERE id = ?1")?
        .execute(params![id, ruled.rule])?;
    Ok(())
}

/// Conflicts of a record that are left alone.
pub(super) fn ignored(connection: &Connection, record: &RecordRef) -> Result<Vec<Conflict>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM conflicts WHERE state = 'ignored' AND left_record = ?1 \
         UNION ALL SELECT * FROM conflicts WHERE state = 'ignored' AND right_record = ?1",
    )?;
    let mut found = statement.query([record.to_string()])?;
    let mut conflicts = Vec::new();
    while let Some(row) = found.next()? {
        conflicts.push(rows::conflict(row)?);
    }
    Ok(conflicts)
}

/// Every direction of a field that is switched off.
pub(super) fn field_holds(connection: &Connection) -> Result<Vec<FieldHold>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM field_holds ORDER BY field, direction, mapping")?;
    let mut found = statement.query([])?;
    let mut holds = Vec::new();
    while let Some(row) = found.next()? {
        holds.push(FieldHold {
            mapping: row.get("mapping")?,
            field: row.get("field")?,
            direction: rows::word(row, "direction")?,
            actor: row.get("actor")?,
            reason: row.get("reason")?,
            since: Timestamp(row.get("since")?),
        });
    }
    Ok(holds)
}
