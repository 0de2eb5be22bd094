//! The way of alerts to their channels: claimed with the intent stored before the call, settled by what came back.
//!
//! A message that may have arrived is counted before it is sent, so that a process that dies in between repeats it
//! knowingly: Slack gets it twice at the most, and the second time it says so. A webhook's receiver can tell repeats
//! apart by the alert's key, so it gets it until it says that it has it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::alert;
use crate::domain::clock::Timestamp;
use crate::domain::monitor::{Alert, ChannelKind, Delivery, DeliveryStatus, Receipt};
use crate::journal::{Journal, Result, rows};

/// Alerts in one message.
const TOGETHER: usize = 50;
/// Times an alert may surely not have arrived before it is given up: about two hours.
const TRIES: i64 = 12;
/// Times an alert may have arrived.
const SENDS_OF_SLACK: i64 = 2;
/// Failures in a row after which a channel is called unhealthy.
const FAILURES: i64 = 3;
const SHORTEST_PAUSE: i64 = 5_000;
const LONGEST_PAUSE: i64 = 15 * 60_000;
/// What was refused for the channel's sake is sent once the channel works again, if it is not older than this.
const CAUGHT_UP: i64 = 24 * 3_600_000;

/// Alerts that go out in one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Which channel.
    pub channel: ChannelKind,
    /// What to send, oldest first.
    pub alerts: Vec<Alert>,
    /// They were sent before, and nobody knows whether they arrived.
    pub repeat: bool,
}

impl Journal {
    /// Takes what is to be sent now through a channel, as one message; stores that it is about to be sent.
    pub async fn claim_deliveries(&self, channel: ChannelKind, lease: Duration) -> Result<Option<Batch>> {
        let now = self.now();
        self.write(move |connection| claim(connection, now, channel, lease)).await
    }

    /// Stores what a channel made of a batch; `pause` is how long it wants to be left alone after each message.
    pub async fn settle_deliveries(&self, batch: Batch, receipt: Receipt, pause: Duration) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for alert in &batch.alerts {
                settle(connection, now, batch.channel, alert.id, &receipt)?;
            }
            let until = match &receipt {
                Receipt::NotBefore(at, _) => *at,
                _ => now.plus(pause),
            };
            answered(connection, now, batch.channel, &receipt, until)
        })
        .await
    }

    /// Stores how a channel answered to a test. One that works again gets what it missed.
    pub async fn channel_tested(&self, channel: ChannelKind, receipt: Receipt) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            answered(connection, now, channel, &receipt, now)?;
            if receipt == Receipt::Taken {
                // Only what is still true: alerts of monitors that alert, and messages.
                connection
                    .prepare_cached(
                        "UPDATE alert_deliveries SET status = 'pending', next_at = ?2, tries = 0, done_at = NULL \
                         WHERE channel = ?1 AND status = 'failed' AND sends = 0 AND alert_id IN (SELECT id FROM alerts \
                         WHERE at > ?3 AND (kind = 'message' OR EXISTS (SELECT 1 FROM monitor_standings AS standing \
                         WHERE standing.monitor = alerts.monitor AND standing.subject = alerts.subject \
                         AND standing.state = 'alerting' AND alerts.kind <> 'recovered' AND standing.since <= alerts.at)))",
                    )?
                    .execute(params![channel.as_str(), now.0, now.0 - CAUGHT_UP])?;
            }
            Ok(())
        })
        .await
    }

    /// When something is to be sent next.
    pub async fn next_delivery(&self) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT min(max(coalesce(lease_until, delivery.next_at), coalesce(channel.next_at, 0))) \
                     FROM alert_deliveries AS delivery LEFT JOIN alert_channels AS channel USING (channel) \
                     WHERE delivery.status IN ('pending', 'sending')",
                )?
                .query_row([], |row| row.get::<_, Option<i64>>(0))?
                .map(Timestamp))
        })
        .await
    }

    /// What became of the newest alerts in each channel, newest first.
    pub async fn deliveries(&self, most: usize) -> Result<Vec<Delivery>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT alert_id, channel, status, sends, words, done_at FROM alert_deliveries \
                 ORDER BY id DESC LIMIT ?1",
            )?;
            let mut found = statement.query([most as i64])?;
            let mut deliveries = Vec::new();
            while let Some(row) = found.next()? {
                deliveries.push(Delivery {
                    alert: row.get("alert_id")?,
                    channel: rows::word(row, "channel")?,
                    status: rows::word(row, "status")?,
                    sends: row.get("sends")?,
                    words: row.get("words")?,
                    done_at: row.get::<_, Option<i64>>("done_at")?.map(Timestamp),
                });
            }
            Ok(deliveries)
        })
        .await
    }
}

fn claim(
    connection: &Connection,
    now: Timestamp,
    channel: ChannelKind,
    lease: Duration,
) -> Result<Option<Batch>> {
    // Whoever was sending is dead, and nobody knows how far it got.
    let mut lost = connection.prepare_cached(
        "SELECT alert_id FROM alert_deliveries WHERE channel = ?1 AND status = 'sending' AND lease_until <= ?2",
    )?;
    let lost: Vec<i64> = lost
        .query_map(params![channel.as_str(), now.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for alert in lost {
        let words = "the process that sent it ended before the answer came".to_owned();
        settle(connection, now, channel, alert, &Receipt::Unanswered(words))?;
    }
    let next: Option<i64> = connection
        .prepare_cached("SELECT next_at FROM alert_channels WHERE channel = ?1")?
        .query_row([channel.as_str()], |row| row.get(0))
        .optional()?;
    if next.is_some_and(|next| next > now.0 && next <= now.0 + 26 * 3_600_000) {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT delivery.sends, alert.* FROM alert_deliveries AS delivery JOIN alerts AS alert ON alert.id = delivery.alert_id \
         WHERE delivery.channel = ?1 AND delivery.status = 'pending' AND delivery.next_at <= ?2 \
         ORDER BY delivery.sends > 0 DESC, alert.id LIMIT ?3",
    )?;
    let mut found = statement.query(params![channel.as_str(), now.0, TOGETHER as i64])?;
    let mut alerts: Vec<Alert> = Vec::new();
    let mut repeat = false;
    while let Some(row) = found.next()? {
        let sent_before = row.get::<_, i64>("sends")? > 0;
        if alerts.is_empty() {
            repeat = sent_before;
        } else if repeat != sent_before {
            break;
        }
        alerts.push(alert(row)?);
    }
    drop(found);
    for alert in &alerts {
        connection
            .prepare_cached(
                "UPDATE alert_deliveries SET status = 'sending', sends = sends + 1, lease_until = ?3 \
                 WHERE alert_id = ?1 AND channel = ?2",
            )?
            .execute(params![alert.id, channel.as_str(), now.plus(lease).0])?;
    }
    Ok((!alerts.is_empty()).then_some(Batch { channel, alerts, repeat }))
}

fn settle(
    connection: &Connection,
    now: Timestamp,
    channel: ChannelKind,
    alert: i64,
    receipt: &Receipt,
) -> Result<()> {
    use DeliveryStatus::{Failed, MayRepeat, Pending, Sent};
    let (sends, tries): (i64, i64) = connection
        .prepare_cached("SELECT sends, tries FROM alert_deliveries WHERE alert_id = ?1 AND channel = ?2")?
        .query_row(params![alert, channel.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let pause = (SHORTEST_PAUSE << (sends + tries).clamp(0, 12)).min(LONGEST_PAUSE);
    let may_have_arrived = if channel == ChannelKind::Slack { SENDS_OF_SLACK } else { TRIES };
    // Status, sends, tries, words, next time.
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
            "UPDATE alert_deliveries SET status = ?3, sends = ?4, tries = ?5, words = ?6, next_at = ?7, \
             lease_until = NULL, done_at = ?8 WHERE alert_id = ?1 AND channel = ?2 AND status = 'sending'",
        )?
        .execute(params![
            alert,
            channel.as_str(),
            status.as_str(),
            sends.max(0),
            tries,
            words,
            next,
            (status != Pending).then_some(now.0),
        ])?;
    Ok(())
}

/// How a channel fares after an answer, and until when it is left alone.
pub(in crate::journal) fn answered(
    connection: &Connection,
    now: Timestamp,
    channel: ChannelKind,
    receipt: &Receipt,
    until: Timestamp,
) -> Result<()> {
    let known: Option<(bool, i64)> = connection
        .prepare_cached("SELECT healthy, failures FROM alert_channels WHERE channel = ?1")?
        .query_row([channel.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (was_healthy, failures) = known.unwrap_or((true, 0));
    let (healthy, failures, words) = match receipt {
        Receipt::Taken => (true, 0, ""),
        // It answers, and says nothing about the next message.
        Receipt::NotBefore(_, words) | Receipt::Refused(words) => (was_healthy, failures, words.as_str()),
        Receipt::Gone(words) => (false, failures + 1, words.as_str()),
        Receipt::Unanswered(words) | Receipt::Unsent(words) => {
            (was_healthy && failures + 1 < FAILURES, failures + 1, words.as_str())
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO alert_channels VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (channel) DO UPDATE SET \
             since = CASE WHEN healthy = excluded.healthy THEN since ELSE excluded.since END, \
             healthy = excluded.healthy, words = CASE WHEN excluded.healthy THEN '' ELSE excluded.words END, \
             failures = excluded.failures, next_at = excluded.next_at",
        )?
        .execute(params![
            channel.as_str(),
            healthy,
            if healthy { "" } else { words },
            now.0,
            failures,
            until.0
        ])?;
    Ok(())
}
