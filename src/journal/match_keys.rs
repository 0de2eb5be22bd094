//! What a changed record is looked up by: keys both ways, the queue of what changed, what was learned. It compares
//! nothing.
//!
//! A record enters the queue in the transaction that changes its copy (a trigger), with a number; what was found out for
//! it counts only while the number is still the same, so two processes may empty one queue.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use super::{Journal, Result, duplicates};
use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection as Account, Mirror, ObjectKind, RecordRef};
use crate::domain::review::Duplicate;

/// Bytes of a stored key.
const BYTES: usize = 6;

/// Cuts a key of the matcher to what is stored; another salt for each connection keeps their people apart.
pub fn stored_key(key: u64, salt: u64) -> i64 {
    ((key ^ salt) >> 16).cast_signed()
}

/// A record that changed and was not compared since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub record: RecordRef,
    /// The number of the change.
    pub number: i64,
}

/// What was found out for a changed record.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// For which change.
    pub changed: Changed,
    /// What it is looked up by from now on; none when it is gone.
    pub keys: Vec<i64>,
    /// All pairs it is in. Open ones that are not among them are no candidates any more.
    pub pairs: Vec<Duplicate>,
}

/// When and from how much the people of a connection were learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// When.
    pub at: Timestamp,
    /// From so many records.
    pub records: u64,
    /// Records compared one by one since.
    pub changed: u64,
}

impl Journal {
    /// Records that changed and were not compared since, the oldest change first.
    pub async fn match_changes(&self, limit: usize) -> Result<Vec<Changed>> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT record, number FROM match_queue ORDER BY number LIMIT ?1")?;
            let mut found = statement.query([limit as i64])?;
            let mut changes = Vec::new();
            while let Some(row) = found.next()? {
                changes.push(Changed { record: rows::word(row, "record")?, number: row.get("number")? });
            }
            Ok(changes)
        })
        .await
    }

    /// How many records wait to be compared, and the number of the last change there was.
    pub async fn match_backlog(&self) -> Result<(u64, i64)> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM match_queue), (SELECT last FROM match_numbers)",
                )?
                .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?)
        })
        .await
    }

    /// Copies of the records that share a key with this one, those that share most keys first, and of those it is in a
    /// pair with already. A key that more than `cap` records share brings in only so many; at most `limit` in all.
    pub async fn match_partners(
        &self,
        record: &RecordRef,
        keys: Vec<i64>,
        cap: usize,
        limit: usize,
    ) -> Result<Vec<Mirror>> {
        let record = record.to_string();
        self.read(move |connection| partners(connection, &record, &keys, cap, limit)).await
    }

    /// Stores what was found out for changed records; those that changed again meanwhile are left for their next turn.
    /// Answers how many counted.
    pub async fn put_matched(&self, matched: Vec<Matched>) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let look = duplicates::look_now(connection)?;
            let mut counted = 0;
            for one in &matched {
                counted += usize::from(settle(connection, now, look, one)?);
            }
            Ok(counted)
        })
        .await
    }

    /// Stores what records are looked up by, for a page of a look over everything.
    pub async fn put_match_keys(&self, page: Vec<(RecordRef, Vec<i64>)>) -> Result<()> {
        self.write(move |connection| {
            page.iter().try_for_each(|(record, keys)| put_keys(connection, &record.to_string(), keys))
        })
        .await
    }

    /// Ends a look over everybody of a connection: what changed up to a number was in it; keys of records that are gone go.
    pub async fn end_learning(&self, account: &Account, learned: Learned, up_to: i64) -> Result<()> {
        let account = account.to_string();
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM match_queue WHERE number <= ?1 AND record >= ?2 AND record < ?3")?
                .execute(params![up_to, format!("{account}/"), format!("{account}0")])?;
            connection
                .prepare_cached(
                    "INSERT INTO match_models (connection, learned_at, records, settings) VALUES (?1, ?2, ?3, '') \
                     ON CONFLICT (connection) DO UPDATE SET learned_at = excluded.learned_at, records = excluded.records, \
                     changed = 0, body = NULL",
                )?
                .execute(params![account, learned.at.0, learned.records.cast_signed()])?;
            Ok(())
        })
        .await
    }

    /// When the people of a connection were learned.
    pub async fn learned(&self, account: &Account) -> Result<Option<Learned>> {
        let account = account.to_string();
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT learned_at, records, changed FROM match_models WHERE connection = ?1",
                )?
                .query_row([account], |row| {
                    Ok(Learned {
                        at: Timestamp(row.get(0)?),
                        records: row.get::<_, i64>(1)?.unsigned_abs(),
                        changed: row.get::<_, i64>(2)?.unsigned_abs(),
                    })
                })
                .optional()?)
        })
        .await
    }

    /// A page of the living copies of one kind, in the order of their references.
    pub async fn mirrors_after(
        &self,
        account: &Account,
        object: ObjectKind,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Mirror>> {
        let (account, after) = (account.to_string(), after.to_owned());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM mirror WHERE connection = ?1 AND object = ?2 AND deleted = 0 AND record > ?3 \
                 ORDER BY record LIMIT ?4",
            )?;
            let mut found = statement.query(params![account, object.as_str(), after, limit as i64])?;
            let mut mirrors = Vec::new();
            while let Some(row) = found.next()? {
                mirrors.push(rows::mirror(row)?);
            }
            Ok(mirrors)
        })
        .await
    }

    /// The living copies of these records.
    pub async fn mirrors_of(&self, records: Vec<String>) -> Result<Vec<Mirror>> {
        self.read(move |connection| living(connection, records.iter())).await
    }
}

fn living<'a>(connection: &Connection, records: impl Iterator<Item = &'a String>) -> Result<Vec<Mirror>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM mirror WHERE record = ?1 AND deleted = 0")?;
    let mut mirrors = Vec::new();
    for record in records {
        let mut found = statement.query([record])?;
        if let Some(row) = found.next()? {
            mirrors.push(rows::mirror(row)?);
        }
    }
    Ok(mirrors)
}

fn partners(
    connection: &Connection,
    record: &str,
    keys: &[i64],
    cap: usize,
    limit: usize,
) -> Result<Vec<Mirror>> {
    let mut shared: HashMap<i64, u32> = HashMap::new();
    let mut statement = connection.prepare_cached("SELECT row_id FROM match_keys WHERE key = ?1 LIMIT ?2")?;
    for key in keys {
        let mut found = statement.query(params![key, cap as i64])?;
        while let Some(row) = found.next()? {
            *shared.entry(row.get(0)?).or_default() += 1;
        }
    }
    let mut ranked: Vec<(i64, u32)> = shared.into_iter().collect();
    ranked.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    let mut statement = connection.prepare_cached(
        "SELECT left_record, right_record FROM duplicates WHERE (left_record = ?1 OR right_record = ?1) \
         AND state IN ('open', 'ignored', 'dismissed')",
    )?;
    let mut found = statement.query([record])?;
    let mut names: Vec<String> = Vec::new();
    while let Some(row) = found.next()? {
        let (left, right): (String, String) = (row.get(0)?, row.get(1)?);
        names.push(if left == record { right } else { left });
    }
    let mut name = connection.prepare_cached("SELECT record FROM match_rows WHERE id = ?1")?;
    for (row, _) in ranked.into_iter().take(limit) {
        let other: Option<String> = name.query_row([row], |row| row.get(0)).optional()?;
        if let Some(other) = other.filter(|other| other != record && !names.contains(other)) {
            names.push(other);
        }
    }
    living(connection, names.iter())
}

fn settle(connection: &Connection, now: Timestamp, look: i64, matched: &Matched) -> Result<bool> {
    let record = matched.changed.record.to_string();
    let done = connection
        .prepare_cached("DELETE FROM match_queue WHERE record = ?1 AND number = ?2")?
        .execute(params![record, matched.changed.number])?;
    if done != 1 {
        return Ok(false);
    }
    if matched.keys.is_empty() {
        forget(connection, &record)?;
    } else {
        put_keys(connection, &record, &matched.keys)?;
    }
    for pair in &matched.pairs {
        duplicates::put(connection, now, look, pair)?;
    }
    let mut statement = connection.prepare_cached(
        "SELECT id, left_record, right_record FROM duplicates WHERE (left_record = ?1 OR right_record = ?1) \
         AND state IN ('open', 'ignored')",
    )?;
    let open = statement
        .query_map([&record], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let words = if matched.keys.is_empty() {
        "One of the two records is gone."
    } else {
        "The records no longer look alike."
    };
    for (id, left, right) in open {
        let stands = matched.pairs.iter().any(|pair| {
            let (one, other) = (pair.left.to_string(), pair.right.to_string());
            (one == left && other == right) || (one == right && other == left)
        });
        if !stands {
            connection
                .prepare_cached("UPDATE duplicates SET state = 'obsolete', resolution = ?2 WHERE id = ?1")?
                .execute(params![id, words])?;
        }
    }
    connection
        .prepare_cached("UPDATE match_models SET changed = changed + 1 WHERE connection = ?1")?
        .execute([matched.changed.record.connection.to_string()])?;
    Ok(true)
}

fn packed(keys: &[i64]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.to_be_bytes()[8 - BYTES..].to_vec()).collect()
}

fn unpacked(bytes: &[u8]) -> Vec<i64> {
    bytes
        .chunks_exact(BYTES)
        .map(|chunk| chunk.iter().fold(0_i64, |key, byte| key << 8 | i64::from(*byte)))
        .collect()
}

/// Writes only what differs: most changes of a record leave most of its keys as they are.
fn put_keys(connection: &Connection, record: &str, keys: &[i64]) -> Result<()> {
    let known: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT id, keys FROM match_rows WHERE record = ?1")?
        .query_row([record], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let bytes = packed(keys);
    let (row, before) = match known {
        Some((_, before)) if before == bytes => return Ok(()),
        Some((row, before)) => {
            connection
                .prepare_cached("UPDATE match_rows SET keys = ?2 WHERE id = ?1")?
                .execute(params![row, bytes])?;
            (row, unpacked(&before))
        }
        None => {
            connection
                .prepare_cached("INSERT INTO match_rows (record, keys) VALUES (?1, ?2)")?
                .execute(params![record, bytes])?;
            (connection.last_insert_rowid(), Vec::new())
        }
    };
    let mut drop = connection.prepare_cached("DELETE FROM match_keys WHERE key = ?1 AND row_id = ?2")?;
    for key in before.iter().filter(|key| !keys.contains(key)) {
        drop.execute([*key, row])?;
    }
    let mut add = connection.prepare_cached("INSERT OR IGNORE INTO match_keys VALUES (?1, ?2)")?;
    for key in keys.iter().filter(|key| !before.contains(key)) {
        add.execute([*key, row])?;
    }
    Ok(())
}

/// Takes a record out of the index.
pub(super) fn forget(connection: &Connection, record: &str) -> Result<()> {
    let known: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT id, keys FROM match_rows WHERE record = ?1")?
        .query_row([record], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((row, keys)) = known else { return Ok(()) };
    let mut drop = connection.prepare_cached("DELETE FROM match_keys WHERE key = ?1 AND row_id = ?2")?;
    for key in unpacked(&keys) {
        drop.execute([key, row])?;
    }
    connection.prepare_cached("DELETE FROM match_rows WHERE id = ?1")?.execute([row])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_six_bytes() {
        let keys: Vec<i64> =
            [u64::MAX, 0, 0x1234_5678_9abc_def0].iter().map(|key| stored_key(*key, 7)).collect();
        assert!(keys.iter().all(|key| *key >= 0));
        assert_eq!(unpacked(&packed(&keys)), keys);
    }
}
