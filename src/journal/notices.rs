//! The outbox: what recipes tell people and other systems, put there with the success it tells of, sent afterwards.
//!
//! A message that may have arrived is counted before it is sent. What its channel makes of it changes nothing of the
//! execution that told it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::monitors::deliveries;
use super::rows::{self, from_json, to_json};
use super::{Journal, Result, audit, sealing};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::ExecutionId;
use crate::domain::monitor::{DeliveryStatus, Receipt};
use crate::domain::notice::{NoticeRow, Outgoing};
use crate::domain::plan::Notice;

/// Times a notice may surely not have arrived before it is given up: about two hours.
const TRIES: i64 = 12;
/// Times it may have arrived, where nothing tells repeats apart.
const SENDS: i64 = 2;
const SHORTEST_PAUSE: i64 = 5_000;
const LONGEST_PAUSE: i64 = 15 * 60_000;

impl Journal {
    /// Takes the oldest notice that is due for a channel; stores that it is about to be sent.
    pub async fn claim_notice(&self, channel: &str, lease: Duration) -> Result<Option<Outgoing>> {
        let (channel, now) = (channel.to_owned(), self.now());
        self.write(move |connection| claim(connection, now, &channel, lease)).await
    }

    /// Stores what a channel made of a notice; `pause` is how long it wants to be left alone after each.
    pub async fn settle_notice(&self, outgoing: Outgoing, receipt: Receipt, pause: Duration) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            settle(connection, now, outgoing.id, &receipt)?;
            let until = if let Receipt::NotBefore(at, _) = &receipt { *at } else { now.plus(pause) };
            connection
                .prepare_cached(
                    "UPDATE notices SET next_at = max(next_at, ?2) WHERE channel = ?1 AND status = 'pending'",
                )?
                .execute(params![outgoing.notice.channel, until.0])?;
            // How a channel of the alerts fares is theirs and ours together.
            match outgoing.notice.channel.parse() {
                Ok(kind) => deliveries::answered(connection, now, kind, &receipt, until),
                Err(_) => Ok(()),
            }
        })
        .await
    }

    /// The channels that something waits for.
    pub async fn channels_wanted(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT channel FROM notices WHERE status IN ('pending', 'sending') ORDER BY channel",
            )?;
            let found = statement.query_map([], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// When a notice is to be sent next.
    pub async fn next_notice(&self) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT min(coalesce(lease_until, next_at)) FROM notices WHERE status IN ('pending', 'sending')",
                )?
                .query_row([], |row| row.get::<_, Option<i64>>(0))?
                .map(Timestamp))
        })
        .await
    }

    /// The newest notices, newest first; only those an execution told, where one is named.
    pub async fn notices(&self, of: Option<ExecutionId>, most: usize) -> Result<Vec<NoticeRow>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM notices WHERE ?1 IS NULL OR execution_id = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut found = statement.query(params![of.map(|id| id.0), most as i64])?;
            let mut notices = Vec::new();
            while let Some(row) = found.next()? {
                let told = notice(connection, row)?;
                notices.push(NoticeRow {
                    id: row.get("id")?,
                    channel: row.get("channel")?,
                    execution: ExecutionId(row.get("execution_id")?),
                    title: told.title,
                    status: rows::word(row, "status")?,
                    sends: row.get("sends")?,
                    words: row.get("words")?,
                    created_at: Timestamp(row.get("created_at")?),
                    done_at: row.get::<_, Option<i64>>("done_at")?.map(Timestamp),
                });
            }
            Ok(notices)
        })
        .await
    }

    /// Sends notices again that were given up; all of them where none is named. How many.
    pub async fn resend_notices(&self, only: Option<i64>, actor: String) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE notices SET status = 'pending', tries = 0, sends = 0, next_at = ?2, done_at = NULL \
                     WHERE status = 'failed' AND (?1 IS NULL OR id = ?1)",
                )?
                .execute(params![only, now.0])?;
            if changed > 0 {
                let entry = NewEntry {
                    actor,
                    verb: "resend".to_owned(),
                    object: only.map_or_else(|| "notices".to_owned(), |id| format!("notice {id}")),
                    note: format!("{changed} notices that were given up are sent again."),
                };
                audit::append(connection, now, &[entry])?;
            }
            Ok(changed)
        })
        .await
    }
}

/// Puts what an execution tells into the outbox; what is there already is told once.
pub(super) fn put(
    connection: &Connection,
    now: Timestamp,
    id: ExecutionId,
    notices: &[Notice],
) -> Result<()> {
    for notice in notices {
        let body = sealing::seal_of(connection, id, &place(&notice.key, &notice.channel), &to_json(notice)?)?;
        let added = connection
            .prepare_cached(
                "INSERT OR IGNORE INTO notices (key, channel, execution_id, body, status, next_at, created_at) \
                 VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?5)",
            )?
            .execute(params![notice.key, notice.channel, id.0, body, now.0])?;
        if added == 1 {
            // Wakes whoever sends.
            connection
                .prepare_cached("INSERT INTO changes (kind, row_id) VALUES ('notice', ?1)")?
                .execute([connection.last_insert_rowid()])?;
        }
    }
    Ok(())
}

/// What is sealed along with a notice.
fn place(key: &str, channel: &str) -> String {
    format!("notices.body/{channel}/{key}")
}

fn notice(connection: &Connection, row: &rusqlite::Row<'_>) -> Result<Notice> {
    let (key, channel): (String, String) = (row.get("key")?, row.get("channel")?);
    let body = sealing::open(connection, "notices.body", &place(&key, &channel), row.get("body")?)?;
    match body {
        sealing::Opened::Text(text) => from_json(&text, "notices.body"),
        sealing::Opened::Erased(at) => {
            Ok(Notice { channel, key, title: sealing::erased_words(at), fields: serde_json::Map::new() })
        }
    }
}

fn claim(
    connection: &Connection,
    now: Timestamp,
    channel: &str,
    lease: Duration,
) -> Result<Option<Outgoing>> {
    // Whoever was sending is dead, and nobody knows how far it got.
    let mut lost = connection.prepare_cached(
        "SELECT id FROM notices WHERE channel = ?1 AND status = 'sending' AND lease_until <= ?2",
    )?;
    let lost: Vec<i64> =
        lost.query_map(params![channel, now.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for id in lost {
        let words = "the process that sent it ended before the answer came".to_owned();
        settle(connection, now, id, &Receipt::Unanswered(words))?;
    }
    let found = connection
        .prepare_cached(
            "SELECT * FROM notices WHERE channel = ?1 AND status = 'pending' AND next_at <= ?2 ORDER BY id LIMIT 1",
        )?
        .query_row(params![channel, now.0], |row| {
            let (id, sends, at): (i64, i64, i64) = (row.get("id")?, row.get("sends")?, row.get("created_at")?);
            Ok((id, sends, at, notice(connection, row)))
        })
        .optional()?;
    let Some((id, sends, at, told)) = found else { return Ok(None) };
    connection
        .prepare_cached(
            "UPDATE notices SET status = 'sending', sends = sends + 1, lease_until = ?2 WHERE id = ?1",
        )?
        .execute(params![id, now.plus(lease).0])?;
    Ok(Some(Outgoing { id, notice: told?, repeat: sends > 0, at: Timestamp(at) }))
}

fn settle(connection: &Connection, now: Timestamp, id: i64, receipt: &Receipt) -> Result<()> {
    use DeliveryStatus::{Failed, MayRepeat, Pending, Sent};
    let (sends, tries, channel): (i64, i64, String) = connection
        .prepare_cached("SELECT sends, tries, channel FROM notices WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let pause = (SHORTEST_PAUSE << (sends + tries).clamp(0, 12)).min(LONGEST_PAUSE);
    // A receiver of one's own tells repeats apart by the key.
    let may_have_arrived = if channel == "slack" { SENDS } else { TRIES };
    let (status, sends, tries, words, next) = match receipt {
        Receipt::Taken => (if sends > 1 { MayRepeat } else { Sent }, sends, tries, String::new(), now.0),
        Receipt::Unanswered(words) if sends >= may_have_arrived => {
            (Failed, sends, tries, format!("{words}; sent {sends} times, it may have arrived"), now.0)
        }
        Receipt::Unanswered(words) => (Pending, sends, tries, words.clone(), now.0 + pause),
        Receipt::Unsent(words) if tries + 1 >= TRIES => (Failed, sends - 1, tries + 1, words.clone(), now.0),
        Receipt::Unsent(words) => (Pending, sends - 1, tries + 1, words.clone(), now.0 + pause),
        Receipt::NotBefore(at, words) => (Pending, sends - 1, tries, words.clone(), at.0),
        Receipt::Refused(words) | Receipt::Gone(words) => (Failed, sends - 1, tries, words.clone(), now.0),
    };
    connection
        .prepare_cached(
            "UPDATE notices SET status = ?2, sends = ?3, tries = ?4, words = ?5, next_at = ?6, lease_until = NULL, \
             done_at = ?7 WHERE id = ?1 AND status = 'sending'",
        )?
        .execute(params![
            id,
            status.as_str(),
            sends.max(0),
            tries,
            words,
            next,
            (status != Pending).then_some(now.0),
        ])?;
    connection.prepare_cached("INSERT INTO changes (kind, row_id) VALUES ('notice', ?1)")?.execute([id])?;
    Ok(())
}

#[cfg(test)]
mod tests;
