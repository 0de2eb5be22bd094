//! Monitors: series added to as things happen, where each monitor stands, what was told, and to whom it went.
//!
//! Series are counted in the transaction that makes the thing they count, so none is lost and none is read twice;
//! evaluating reads a few rows, however many executions there are. Who decides what a value means is the engine.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, from_json, optional_word, to_json, word};
use super::{Journal, Result};
use crate::domain::clock::Timestamp;
use crate::domain::monitor::{
    Alert, ChannelKind, ChannelState, MonitorName, MonitorState, Reading, Rule, Severity, Standing, Tidings,
};

pub mod deliveries;
pub mod gauges;
pub mod series;

/// Alerts and what became of them are kept this long.
const ALERTS_KEPT: i64 = 90 * 24 * 3_600_000;
const NEXT_TURN: &str = "monitors.next";

impl Journal {
    /// Takes the turn to evaluate, once in a period for all processes of the journal.
    pub async fn take_monitor_turn(&self, period: std::time::Duration) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
            let next: Option<String> = connection
                .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
                .query_row([NEXT_TURN], |row| row.get(0))
                .optional()?;
            let next: i64 = next.and_then(|text| text.parse().ok()).unwrap_or(0);
            // One further ahead than a period is from before the clock was set back.
            if next > now.0 && next <= now.0.saturating_add(period) {
                return Ok(false);
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?
                .execute(params![NEXT_TURN, now.0.saturating_add(period).to_string()])?;
            Ok(true)
        })
        .await
    }

    /// Takes in what was measured and stores what is to be told, with its way to each of the channels, all together.
    /// Whatever is not among the readings measures nothing. Monitors without a rule are forgotten.
    pub async fn judge(
        &self,
        readings: Vec<Reading>,
        rules: Vec<(MonitorName, Rule, Severity)>,
        channels: Vec<ChannelKind>,
    ) -> Result<Vec<Alert>> {
        let now = self.now();
        self.write(move |connection| judge(connection, now, &readings, &rules, &channels)).await
    }

    /// Where every monitor stands that was ever looked at.
    pub async fn standings(&self) -> Result<Vec<Standing>> {
        self.read(standings).await
    }

    /// The newest alerts, newest first.
    pub async fn alerts(&self, most: usize) -> Result<Vec<Alert>> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM alerts ORDER BY id DESC LIMIT ?1")?;
            let mut found = statement.query([most as i64])?;
            let mut alerts = Vec::new();
            while let Some(row) = found.next()? {
                alerts.push(alert(row)?);
            }
            Ok(alerts)
        })
        .await
    }

    /// The alerts after a number, oldest first, at most a hundred.
    pub async fn alerts_since(&self, number: i64) -> Result<Vec<Alert>> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM alerts WHERE id > ?1 ORDER BY id LIMIT 100")?;
            let mut found = statement.query([number])?;
            let mut alerts = Vec::new();
            while let Some(row) = found.next()? {
                alerts.push(alert(row)?);
            }
            Ok(alerts)
        })
        .await
    }

    /// Queues a message to channels: what a recipe that tells somebody needs. The same key again is the same message
    /// and is not sent again. Returns its number.
    pub async fn put_message(
        &self,
        key: String,
        sentence: String,
        execution: Option<crate::domain::ids::ExecutionId>,
        channels: Vec<ChannelKind>,
    ) -> Result<i64> {
        let now = self.now();
        self.write(move |connection| {
            let known: Option<i64> = connection
                .prepare_cached("SELECT id FROM alerts WHERE key = ?1")?
                .query_row([&key], |row| row.get(0))
                .optional()?;
            if let Some(id) = known {
                return Ok(id);
            }
            let message = Alert {
                id: 0,
                key,
                monitor: None,
                subject: String::new(),
                kind: Tidings::Message,
                severity: Severity::Warning,
                sentence,
                value: 0.0,
                threshold: 0.0,
                at: now,
            };
            put_alert(connection, &message, execution.map(|id| id.0), &channels)
        })
        .await
    }

    /// How the channels fare that were ever used.
    pub async fn channels(&self) -> Result<Vec<ChannelState>> {
        self.read(channels).await
    }
}

pub(super) fn channels(connection: &Connection) -> Result<Vec<ChannelState>> {
    let mut statement = connection.prepare_cached(
        "SELECT channel, healthy, words, since, (SELECT count(*) FROM alert_deliveries AS waiting \
         WHERE waiting.channel = alert_channels.channel AND waiting.status IN ('pending', 'sending')) AS waiting \
         FROM alert_channels ORDER BY channel",
    )?;
    let mut found = statement.query([])?;
    let mut channels = Vec::new();
    while let Some(row) = found.next()? {
        channels.push(ChannelState {
            channel: word(row, "channel")?,
            healthy: row.get("healthy")?,
            words: row.get("words")?,
            since: Timestamp(row.get("since")?),
            waiting: row.get::<_, i64>("waiting")? as u64,
        });
    }
    Ok(channels)
}

pub(super) fn standings(connection: &Connection) -> Result<Vec<Standing>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM monitor_standings ORDER BY monitor, subject")?;
    let mut found = statement.query([])?;
    let mut standings = Vec::new();
    while let Some(row) = found.next()? {
        // One of a newer or older Reknit's monitors is not ours to judge.
        let Ok(monitor) = row.get::<_, String>("monitor")?.parse() else { continue };
        let changes: String = row.get("changes")?;
        standings.push(Standing {
            monitor,
            subject: row.get("subject")?,
            state: word(row, "state")?,
            since: Timestamp(row.get("since")?),
            value: row.get("value")?,
            turning_at: row.get::<_, Option<i64>>("turning_at")?.map(Timestamp),
            told: word(row, "told")?,
            flapping: row.get("flapping")?,
            changes: from_json(&changes, "monitor_standings.changes")?,
            sentence: row.get("sentence")?,
            evaluated_at: Timestamp(row.get("evaluated_at")?),
        });
    }
    Ok(standings)
}

/// The monitors that alert now, for the first screen.
pub(super) fn alerting(connection: &Connection) -> Result<Vec<Standing>> {
    let standings = standings(connection)?;
    Ok(standings.into_iter().filter(|standing| standing.state == MonitorState::Alerting).collect())
}

fn judge(
    connection: &Connection,
    now: Timestamp,
    readings: &[Reading],
    rules: &[(MonitorName, Rule, Severity)],
    channels: &[ChannelKind],
) -> Result<Vec<Alert>> {
    let mut known = standings(connection)?;
    for reading in readings {
        if !known.iter().any(|it| it.monitor == reading.monitor && it.subject == reading.subject) {
            known.push(Standing::new(reading.monitor, &reading.subject, now));
        }
    }
    let mut alerts = Vec::new();
    for mut standing in known {
        let Some((name, rule, severity)) = rules.iter().find(|(name, ..)| *name == standing.monitor) else {
            forget(connection, &standing)?;
            continue;
        };
        let reading =
            readings.iter().find(|it| it.monitor == standing.monitor && it.subject == standing.subject);
        let value = reading.map_or(0.0, |reading| reading.value);
        let before = standing.since;
        let tidings = standing.take_in(value, rule, now);
        let quiet = standing.state == MonitorState::Ok && standing.turning_at.is_none();
        let sentence = match (tidings, reading) {
            (Some(Tidings::Recovered), _) => {
                let minutes = now.since(before).max(0) / 60_000;
                format!(
                    "Well again after {}.",
                    if minutes < 1 { "less than a minute".into() } else { format!("{minutes} min") }
                )
            }
            (_, Some(reading)) => reading.sentence.clone(),
            (_, None) => "Nothing of it is measured any more.".into(),
        };
        standing.sentence.clone_from(&sentence);
        // What measures nothing, is well and has no past worth damping is not kept.
        if reading.is_none() && quiet && standing.changes.is_empty() && tidings.is_none() {
            forget(connection, &standing)?;
            continue;
        }
        store(connection, &standing)?;
        let Some(kind) = tidings else { continue };
        let sentence = if kind == Tidings::Flapping {
            format!("{sentence} It goes to and fro; told again once it is steady for 15 minutes.")
        } else {
            sentence
        };
        let mut told = Alert {
            id: 0,
            key: format!("{name}/{}/{kind}/{}", standing.subject, now.0),
            monitor: Some(*name),
            subject: standing.subject.clone(),
            kind,
            severity: *severity,
            sentence,
            value,
            threshold: if kind == Tidings::Recovered { rule.recover } else { rule.alert },
            at: now,
        };
        // A channel is not told of its own deafness.
        let heard: Vec<ChannelKind> = channels
            .iter()
            .copied()
            .filter(|channel| *name != MonitorName::Channel || channel.as_str() != standing.subject)
            .collect();
        told.id = put_alert(connection, &told, None, &heard)?;
        alerts.push(told);
    }
    connection.prepare_cached("DELETE FROM alerts WHERE at < ?1")?.execute([now.0 - ALERTS_KEPT])?;
    Ok(alerts)
}

fn forget(connection: &Connection, standing: &Standing) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM monitor_standings WHERE monitor = ?1 AND subject = ?2")?
        .execute(params![standing.monitor.as_str(), standing.subject])?;
    Ok(())
}

fn store(connection: &Connection, standing: &Standing) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO monitor_standings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            standing.monitor.as_str(),
            standing.subject,
            standing.state.as_str(),
            standing.since.0,
            standing.value,
            standing.turning_at.map(|at| at.0),
            standing.told.as_str(),
            standing.flapping,
            to_json(&standing.changes)?,
            standing.sentence,
            standing.evaluated_at.0,
        ])?;
    Ok(())
}

fn put_alert(
    connection: &Connection,
    alert: &Alert,
    execution: Option<i64>,
    channels: &[ChannelKind],
) -> Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO alerts (key, monitor, subject, kind, severity, sentence, value, threshold, execution_id, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            alert.key,
            alert.monitor.map_or("", MonitorName::as_str),
            alert.subject,
            alert.kind.as_str(),
            alert.severity.as_str(),
            alert.sentence,
            alert.value,
            alert.threshold,
            execution,
            alert.at.0,
        ])?;
    let id = connection.last_insert_rowid();
    for channel in channels {
        connection
            .prepare_cached(
                "INSERT INTO alert_deliveries (alert_id, channel, status, next_at) VALUES (?1, ?2, 'pending', ?3)",
            )?
            .execute(params![id, channel.as_str(), alert.at.0])?;
    }
    // Wakes whoever shows the journal.
    connection.prepare_cached("INSERT INTO changes (kind, row_id) VALUES ('alert', ?1)")?.execute([id])?;
    Ok(id)
}

pub(super) fn alert(row: &rusqlite::Row<'_>) -> Result<Alert> {
    let monitor: String = row.get("monitor")?;
    Ok(Alert {
        id: row.get("id")?,
        key: row.get("key")?,
        monitor: if monitor.is_empty() { None } else { optional_word(row, "monitor")? },
        subject: row.get("subject")?,
        kind: rows::word(row, "kind")?,
        severity: rows::word(row, "severity")?,
        sentence: row.get("sentence")?,
        value: row.get("value")?,
        threshold: row.get("threshold")?,
        at: Timestamp(row.get("at")?),
    })
}

#[cfg(test)]
mod tests;
