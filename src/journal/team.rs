//! Hints on items: claims that end by themselves, assignees, comments that are only added to. Each verb is one
//! transaction with its audit line, which never repeats a comment's words: an audit log is not for them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Journal, JournalError, Result, audit};
use crate::domain::clock::Timestamp;
use crate::domain::filter::Key;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::team::{Assignment, Claim, Comment, Hint, Item};

/// Audit lines that are looked through for names: the newest.
const LINES: i64 = 5_000;
/// Names that are offered.
const NAMES: usize = 200;
/// Comments of one item that are shown: the newest.
const COMMENTS: usize = 200;
/// Who appears in the audit log and is nobody.
const MACHINES: [&str; 5] = ["engine", "reknit", "worker", "sync", "webhook"];

/// A claim that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What is claimed.
    pub item: Item,
    /// By whom, and until when.
    pub claim: Claim,
}

impl Journal {
    /// Claims items until a time, where nobody else's claim holds; the others come back. With `over`, a claim of
    /// somebody else is taken over, which the audit log says.
    pub async fn claim_items(
        &self,
        items: Vec<Item>,
        until: Timestamp,
        over: bool,
        actor: String,
    ) -> Result<Vec<Taken>> {
        let now = self.now();
        self.write(move |connection| {
            let mut taken = Vec::new();
            for item in items {
                must_exist(connection, item)?;
                let other = claim_of(connection, item, now)?.filter(|claim| claim.who != actor);
                match other {
                    Some(claim) if !over => taken.push(Taken { item, claim }),
                    other => {
                        connection
                            .prepare_cached(
                                "INSERT INTO team_hints (item, claimed_by, claimed_at, claimed_until) VALUES (?1, ?2, ?3, ?4) \
                                 ON CONFLICT (item) DO UPDATE SET claimed_by = excluded.claimed_by, \
                                 claimed_at = excluded.claimed_at, claimed_until = excluded.claimed_until",
                            )?
                            .execute(params![item.to_string(), actor, now.0, until.0])?;
                        let from = other.map_or_else(String::new, |claim| format!(" Taken over from {}.", claim.who));
                        say(connection, now, &actor, "claim", item, format!("Until {}.{from}", until.rfc3339()))?;
                    }
                }
            }
            Ok(taken)
        })
        .await
    }

    /// Gives one's own claims back; how many there were.
    pub async fn give_back_items(&self, items: Vec<Item>, actor: String) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let mut given = 0;
            for item in items {
                must_exist(connection, item)?;
                let ended = connection
                    .prepare_cached(
                        "UPDATE team_hints SET claimed_by = NULL, claimed_at = NULL, claimed_until = NULL \
                         WHERE item = ?1 AND claimed_by = ?2",
                    )?
                    .execute(params![item.to_string(), actor])?;
                if ended > 0 {
                    given += 1;
                    say(connection, now, &actor, "unclaim", item, "Given back.".to_owned())?;
                }
            }
            Ok(given)
        })
        .await
    }

    /// Says who is to look at items, or with none that nobody in particular is.
    pub async fn assign_items(&self, items: Vec<Item>, to: Option<String>, actor: String) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for item in items {
                must_exist(connection, item)?;
                let (by, at) = (to.as_ref().map(|_| actor.clone()), to.as_ref().map(|_| now.0));
                connection
                    .prepare_cached(
                        "INSERT INTO team_hints (item, assignee, assigned_by, assigned_at) VALUES (?1, ?2, ?3, ?4) \
                         ON CONFLICT (item) DO UPDATE SET assignee = excluded.assignee, \
                         assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at",
                    )?
                    .execute(params![item.to_string(), to, by, at])?;
                let note = to.as_ref().map_or_else(|| "To nobody.".to_owned(), |name| format!("To {name}."));
                say(connection, now, &actor, "assign-item", item, note)?;
            }
            Ok(())
        })
        .await
    }

    /// Adds a comment to each item.
    pub async fn comment_on(&self, items: Vec<Item>, text: String, actor: String) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for item in items {
                must_exist(connection, item)?;
                connection
                    .prepare_cached(
                        "INSERT INTO team_comments (item, at, actor, text) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![item.to_string(), now.0, actor, text])?;
                let number = connection.last_insert_rowid();
                connection
                    .prepare_cached(
                        "INSERT INTO team_hints (item, comments) VALUES (?1, 1) \
                         ON CONFLICT (item) DO UPDATE SET comments = comments + 1",
                    )?
                    .execute([item.to_string()])?;
                say(connection, now, &actor, "comment", item, format!("Comment {number}."))?;
            }
            Ok(())
        })
        .await
    }

    /// The hints on these items; items without any are left out.
    pub async fn hints(&self, items: Vec<Item>) -> Result<Vec<Hint>> {
        let now = self.now();
        self.read(move |connection| {
            let mut found = Vec::new();
            // Where people work alone this is all that it costs.
            if !connection.prepare_cached("SELECT 1 FROM team_hints LIMIT 1")?.exists([])? {
                return Ok(found);
            }
            let mut statement = connection.prepare_cached("SELECT * FROM team_hints WHERE item = ?1")?;
            for item in items {
                let row = statement.query_row([item.to_string()], |row| hint(row, item, now)).optional()?;
                found.extend(
                    row.filter(|hint| hint.assignee.is_some() || hint.claim.is_some() || hint.comments > 0),
                );
            }
            Ok(found)
        })
        .await
    }

    /// What was said of an item, oldest first; of very many the newest.
    pub async fn comments_on(&self, item: Item) -> Result<Vec<Comment>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, at, actor, text, erased FROM team_comments WHERE item = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![item.to_string(), COMMENTS as i64], |row| {
                Ok(Comment {
                    number: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    who: row.get(2)?,
                    text: row.get(3)?,
                    erased: row.get(4)?,
                })
            })?;
            let mut found: Vec<Comment> = rows.collect::<Result<_, _>>()?;
            found.reverse();
            Ok(found)
        })
        .await
    }

    /// Every claim of somebody else than `actor` that holds now: as many as people are at work, so never many.
    pub async fn claims_of_others(&self, actor: String) -> Result<Vec<Taken>> {
        let now = self.now();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT item, claimed_by, claimed_at, claimed_until FROM team_hints \
                 WHERE claimed_until > ?1 AND claimed_by <> ?2",
            )?;
            let mut rows = statement.query(params![now.0, actor])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                // An item of a kind that a later Reknit knows is nothing that is decided here.
                let Ok(item) = row.get::<_, String>(0)?.parse() else { continue };
                let claim =
                    Claim { who: row.get(1)?, since: Timestamp(row.get(2)?), until: Timestamp(row.get(3)?) };
                taken.push(Taken { item, claim });
            }
            Ok(taken)
        })
        .await
    }

    /// What hints there are, the newest claims first; at most `limit`. With a name, only what concerns them.
    pub async fn hints_of(&self, name: Option<String>, limit: usize) -> Result<Vec<Hint>> {
        let now = self.now();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM team_hints WHERE (?1 IS NULL AND (assignee IS NOT NULL OR claimed_until > ?2 OR comments > 0)) \
                 OR assignee = ?1 OR (claimed_by = ?1 AND claimed_until > ?2) \
                 ORDER BY coalesce(claimed_at, assigned_at, 0) DESC, item LIMIT ?3",
            )?;
            let mut rows = statement.query(params![name, now.0, limit as i64])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let Ok(item) = row.get::<_, String>("item")?.parse() else { continue };
                found.push(hint(row, item, now)?);
            }
            Ok(found)
        })
        .await
    }

    /// Names that were seen: of who decided lately, claimed, assigned or was assigned, in alphabetical order.
    pub async fn names(&self) -> Result<Vec<String>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT actor FROM (SELECT actor FROM audit ORDER BY number DESC LIMIT ?1) \
                 UNION SELECT assignee FROM team_hints WHERE assignee IS NOT NULL \
                 UNION SELECT claimed_by FROM team_hints WHERE claimed_by IS NOT NULL \
                 ORDER BY 1 LIMIT ?2",
            )?;
            let names = statement.query_map(params![LINES, NAMES as i64], |row| row.get(0))?;
            let names: Vec<String> = names.collect::<Result<_, _>>()?;
            Ok(names.into_iter().filter(|name| !MACHINES.contains(&name.as_str())).collect())
        })
        .await
    }
}

/// The condition of a filter's term about who works on what, and its values.
pub(super) fn term(table: &str, key: Key, value: &str, now: Timestamp) -> (String, Vec<Value>) {
    let prefix = match table {
        "executions" => ExecutionId::PREFIX,
        "conflicts" => ConflictId::PREFIX,
        "unlinked" => UnlinkedId::PREFIX,
        _ => DuplicateId::PREFIX,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let (condition, mut values) = match (key, value) {
        (Key::Claimed, "any") => ("claimed_until > ?", vec![Value::Integer(now.0)]),
        (Key::Claimed, name) => {
            ("claimed_until > ? AND claimed_by = ?", vec![Value::Integer(now.0), text(name)])
        }
        (_, "any") => ("assignee IS NOT NULL", Vec::new()),
        (_, name) => ("assignee = ?", vec![text(name)]),
    };
    values.extend([text(&format!("{prefix}_")), text(&format!("{prefix}`"))]);
    let cut = prefix.len() + 2;
    let numbers = format!(
        "id IN (SELECT CAST(substr(item, {cut}) AS INTEGER) FROM team_hints \
         WHERE {condition} AND item >= ? AND item < ?)"
    );
    (numbers, values)
}

fn hint(row: &Row<'_>, item: Item, now: Timestamp) -> rusqlite::Result<Hint> {
    let assignee: Option<String> = row.get("assignee")?;
    let assignee = match assignee {
        Some(who) => Some(Assignment {
            who,
            by: row.get::<_, Option<String>>("assigned_by")?.unwrap_or_default(),
            at: Timestamp(row.get::<_, Option<i64>>("assigned_at")?.unwrap_or(0)),
        }),
        None => None,
    };
    let claim = match (row.get::<_, Option<String>>("claimed_by")?, row.get("claimed_until")?) {
        (Some(who), Some(until)) if until > now.0 => Some(Claim {
            who,
            since: Timestamp(row.get::<_, Option<i64>>("claimed_at")?.unwrap_or(0)),
            until: Timestamp(until),
        }),
        _ => None,
    };
    Ok(Hint { item, assignee, claim, comments: row.get::<_, i64>("comments")?.unsigned_abs() })
}

fn claim_of(connection: &Connection, item: Item, now: Timestamp) -> Result<Option<Claim>> {
    let found = connection
        .prepare_cached("SELECT * FROM team_hints WHERE item = ?1")?
        .query_row([item.to_string()], |row| hint(row, item, now))
        .optional()?;
    Ok(found.and_then(|hint| hint.claim))
}

const fn table(item: Item) -> (&'static str, &'static str) {
    match item {
        Item::Execution(_) => ("executions", "execution"),
        Item::Conflict(_) => ("conflicts", "conflict"),
        Item::Duplicate(_) => ("duplicates", "duplicate"),
        Item::Unlinked(_) => ("unlinked", "unlinked"),
    }
}

fn must_exist(connection: &Connection, item: Item) -> Result<()> {
    let (table, _) = table(item);
    let found = connection
        .prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?
        .exists([item.number()])?;
    if found { Ok(()) } else { Err(JournalError::Missing(item.to_string())) }
}

/// The audit line, and the word to every console that the item looks different now.
fn say(
    connection: &Connection,
    now: Timestamp,
    actor: &str,
    verb: &str,
    item: Item,
    note: String,
) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO changes (kind, row_id) VALUES (?1, ?2)")?
        .execute(params![table(item).1, item.number()])?;
    audit::note(connection, now, actor, verb, &item.to_string(), note)
}

/// Takes the words out of every comment on an item about a record, and out of those that speak of the person elsewhere.
pub(super) fn forget(connection: &Connection, records: &[String], needles: &[String]) -> Result<()> {
    let mut erase =
        connection.prepare_cached("UPDATE team_comments SET text = '', erased = 1 WHERE id = ?1")?;
    let mut of_record = connection.prepare_cached(
        "SELECT id FROM team_comments WHERE erased = 0 AND item IN ( \
         SELECT 'ex_' || id FROM executions WHERE record = ?1 OR person = ?1 \
         UNION SELECT 'cf_' || id FROM conflicts WHERE left_record = ?1 OR right_record = ?1 \
         UNION SELECT 'du_' || id FROM duplicates WHERE left_record = ?1 OR right_record = ?1 \
         UNION SELECT 'un_' || id FROM unlinked WHERE contact = ?1)",
    )?;
    for record in records {
        let found = of_record.query_map([record], |row| row.get(0))?;
        for id in found.collect::<Result<Vec<i64>, _>>()? {
            erase.execute([id])?;
        }
    }
    if needles.is_empty() {
        return Ok(());
    }
    // What people wrote by hand is never so much that it could not be read through.
    let mut all = connection.prepare_cached("SELECT id, text FROM team_comments WHERE erased = 0")?;
    let mut rows = all.query([])?;
    let mut speaking = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get::<_, String>(1)?.to_lowercase();
        if needles.iter().any(|needle| text.contains(needle.as_str())) {
            speaking.push(row.get::<_, i64>(0)?);
        }
    }
    drop(rows);
    for id in speaking {
        erase.execute([id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
