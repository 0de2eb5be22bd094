//! Monitors: what is watched, from which value on it is an alert, and when a change is told. One table, one rule.
//!
//! Only transitions are told, each alert once and its recovery once. What is measured comes from outside; nothing here
//! reads a journal, sends anything or knows an address.

use std::time::Duration;

use serde::Serialize;

use super::clock::Timestamp;

pub mod histogram;

words! {
    /// What is watched.
    pub enum MonitorName {
        /// Executions that failed for good, by recipe.
        Failures = "failures",
        /// Tries that failed and are repeated, by recipe.
        Retries = "retries",
        /// How long processing takes.
        Latency = "latency",
        /// Records of ours whose person existed already, by recipe.
        Duplicates = "duplicates",
        /// Tokens that are refused, by connection.
        Credentials = "credentials",
        /// Tokens that will be lost or run out, by connection.
        Expiry = "expiry",
        /// Connections that do not answer.
        Reach = "reach",
        /// Calls of the day that are used up, by connection and family of endpoints.
        Usage = "usage",
        /// Days whose budget will not last, by connection and family of endpoints.
        Pace = "pace",
        /// Connections nothing was heard of.
        Silence = "silence",
        /// Executions that wait.
        Queue = "queue",
        /// How long the oldest due execution has waited.
        Overdue = "overdue",
        /// Writes nobody knows the outcome of.
        Doubt = "doubt",
        /// Executions that wait for a human.
        DeadLetters = "dead_letters",
        /// How long the oldest review item has waited.
        Review = "review",
        /// Channels that take no alerts.
        Channel = "channel",
        /// Changes at a vendor that hold rules back.
        Drift = "drift",
    }
}

words! {
    /// How bad it is.
    pub enum Severity {
        /// Look at it today.
        Warning = "warning",
        /// Look at it now.
        Error = "error",
    }
}

words! {
    /// Where a monitor stands.
    pub enum MonitorState {
        /// Below its threshold.
        Ok = "ok",
        /// Beyond it.
        Alerting = "alerting",
    }
}

words! {
    /// What an alert tells.
    pub enum Tidings {
        /// A threshold was passed.
        Alert = "alert",
        /// It is well again.
        Recovered = "recovered",
        /// It goes to and fro; told again once it is steady.
        Flapping = "flapping",
        /// Somebody tries the channel.
        Test = "test",
        /// A recipe has something to say.
        Message = "message",
    }
}

words! {
    /// Where alerts go.
    pub enum ChannelKind {
        /// An incoming webhook of Slack.
        Slack = "slack",
        /// A signed JSON POST to an address of one's own.
        Webhook = "webhook",
    }
}

words! {
    /// What became of an alert in one channel.
    pub enum DeliveryStatus {
        /// Not sent yet, or to be tried again.
        Pending = "pending",
        /// On its way.
        Sending = "sending",
        /// Taken.
        Sent = "sent",
        /// Taken when it was sent a second time, because the first answer was lost: it may stand there twice.
        MayRepeat = "may_repeat",
        /// Given up.
        Failed = "failed",
    }
}

/// One row of the table of monitors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Monitor {
    /// What is watched.
    pub name: MonitorName,
    /// What the value is, in words.
    pub measures: &'static str,
    /// What stands behind the value.
    pub unit: &'static str,
    /// From this value on it alerts.
    pub alert: f64,
    /// At this value or below it has recovered.
    pub recover: f64,
    /// How long the value has to ask for a change before it counts.
    pub for_seconds: u64,
    /// How bad it is.
    pub severity: Severity,
}

const fn monitor(
    name: MonitorName,
    measures: &'static str,
    unit: &'static str,
    (alert, recover, for_seconds): (f64, f64, u64),
    severity: Severity,
) -> Monitor {
    Monitor { name, measures, unit, alert, recover, for_seconds, severity }
}

/// How far back the monitors of events look.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Every monitor with its defaults.
pub const MONITORS: [Monitor; 17] = {
    use MonitorName as N;
    use Severity::{Error, Warning};
    [
        monitor(N::Failures, "executions failed for good in 15 min, by recipe", "", (1.0, 0.0, 0), Error),
        monitor(N::Retries, "failed tries in 15 min, by recipe", "", (20.0, 5.0, 0), Warning),
        monitor(N::Latency, "p95 from event to settled, in 15 min", "s", (30.0, 20.0, 60), Warning),
        monitor(N::Duplicates, "duplicates of our making in 24 h, by recipe", "", (1.0, 0.0, 0), Warning),
        monitor(N::Credentials, "token is refused, by connection", "", (1.0, 0.0, 0), Error),
        monitor(N::Expiry, "token runs out or will be lost, by connection", "", (1.0, 0.0, 0), Warning),
        monitor(N::Reach, "connection does not answer", "", (1.0, 0.0, 0), Error),
        monitor(N::Usage, "used of the day's calls", "%", (80.0, 75.0, 0), Warning),
        monitor(N::Pace, "budget reached before renewal", "", (1.0, 0.0, 900), Warning),
        monitor(N::Silence, "since the last event or look, by connection", "min", (60.0, 30.0, 0), Warning),
        monitor(N::Queue, "executions waiting", "", (5_000.0, 2_500.0, 300), Warning),
        monitor(N::Overdue, "oldest due execution", "s", (300.0, 60.0, 60), Error),
        monitor(N::Doubt, "writes in doubt", "", (1.0, 0.0, 900), Error),
        monitor(N::DeadLetters, "dead letters", "", (50.0, 25.0, 0), Warning),
        monitor(N::Review, "oldest open review item", "h", (72.0, 48.0, 0), Warning),
        monitor(N::Channel, "channel takes no alerts", "", (1.0, 0.0, 0), Warning),
        monitor(N::Drift, "changed fields of a vendor that hold rules back", "", (1.0, 0.0, 0), Warning),
    ]
};

impl MonitorName {
    /// Its row of the table.
    pub fn row(self) -> &'static Monitor {
        let found = MONITORS.iter().find(|monitor| monitor.name == self);
        found.expect("a test holds the table against the names")
    }
}

/// A monitor's thresholds as they are set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// From this value on it alerts.
    pub alert: f64,
    /// At this value or below it has recovered.
    pub recover: f64,
    /// How long the value has to ask for a change before it counts.
    pub hold: Duration,
}

/// More changes than this within [`FLAPPING_WITHIN`], and a monitor is told of no more until it is steady.
pub const CHANGES: usize = 4;
/// See [`CHANGES`].
pub const FLAPPING_WITHIN: Duration = Duration::from_secs(3600);
/// How long a flapping monitor has to stay as it is to be steady.
pub const STEADY: Duration = Duration::from_secs(900);

/// Where a monitor stands for one of its subjects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Which monitor.
    pub monitor: MonitorName,
    /// A recipe, a connection, a channel; empty where there is only one.
    pub subject: String,
    /// Where it stands.
    pub state: MonitorState,
    /// Since when.
    pub since: Timestamp,
    /// The last value.
    pub value: f64,
    /// Since when the value asks for the other state.
    pub turning_at: Option<Timestamp>,
    /// The state that was told last.
    pub told: MonitorState,
    /// It goes to and fro.
    pub flapping: bool,
    /// When the state changed within the last hour.
    pub changes: Vec<Timestamp>,
    /// What the value means, as a sentence.
    pub sentence: String,
    /// When it was last looked at.
    pub evaluated_at: Timestamp,
}

impl Standing {
    /// A monitor that was never looked at.
    pub fn new(monitor: MonitorName, subject: &str, now: Timestamp) -> Self {
        Self {
            monitor,
            subject: subject.to_owned(),
            state: MonitorState::Ok,
            since: now,
            value: 0.0,
            turning_at: None,
            told: MonitorState::Ok,
            flapping: false,
            changes: Vec::new(),
            sentence: String::new(),
            evaluated_at: now,
        }
    }

    /// Takes in a value; says what is to be told, if anything.
    pub fn take_in(&mut self, value: f64, rule: &Rule, now: Timestamp) -> Option<Tidings> {
        let long = |since: Timestamp, length: Duration| now.since(since) >= length.as_millis() as i64;
        self.value = value;
        self.evaluated_at = now;
        let wanted = match self.state {
            MonitorState::Ok if value >= rule.alert => MonitorState::Alerting,
            MonitorState::Alerting if value <= rule.recover => MonitorState::Ok,
            state => state,
        };
        if wanted == self.state {
            self.turning_at = None;
        } else {
            // A clock that was set back makes nobody wait for the time it was wrong by.
            let since = self.turning_at.filter(|at| *at <= now).unwrap_or(now);
            self.turning_at = Some(since);
            if long(since, rule.hold) {
                self.state = wanted;
                self.since = now;
                self.turning_at = None;
                self.changes.push(now);
            }
        }
        self.changes.retain(|at| !long(*at, FLAPPING_WITHIN));
        if !self.flapping && self.changes.len() > CHANGES {
            self.flapping = true;
            self.told = MonitorState::Alerting;
            return Some(Tidings::Flapping);
        }
        if self.flapping && long(self.since, STEADY) {
            self.flapping = false;
            self.changes.clear();
        }
        if self.flapping || self.told == self.state {
            return None;
        }
        self.told = self.state;
        Some(if self.state == MonitorState::Alerting { Tidings::Alert } else { Tidings::Recovered })
    }
}

/// A value as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which monitor.
    pub monitor: MonitorName,
    /// A recipe, a connection, a channel; empty where there is only one.
    pub subject: String,
    /// The value.
    pub value: f64,
    /// What it means, as a sentence without personal data: it leaves this machine.
    pub sentence: String,
}

/// Something that was or is to be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What makes it one and the same, also when it is sent again.
    pub key: String,
    /// Which monitor; none for a message of a recipe or a test.
    pub monitor: Option<MonitorName>,
    /// Of what.
    pub subject: String,
    /// What it tells.
    pub kind: Tidings,
    /// How bad it is.
    pub severity: Severity,
    /// As a sentence.
    pub sentence: String,
    /// The value that led to it.
    pub value: f64,
    /// The threshold it passed.
    pub threshold: f64,
    /// When.
    pub at: Timestamp,
}

impl Alert {
    /// As one line: `ALERT failures contact-to-crm: 3 executions ...`.
    pub fn line(&self) -> String {
        let head = match self.kind {
            Tidings::Alert => "ALERT",
            Tidings::Recovered => "RECOVERED",
            Tidings::Flapping => "FLAPPING",
            Tidings::Test => "TEST",
            Tidings::Message => return self.sentence.clone(),
        };
        let of = [self.monitor.map_or("", MonitorName::as_str), self.subject.as_str()];
        let of: Vec<&str> = of.into_iter().filter(|part| !part.is_empty()).collect();
        let space = if of.is_empty() { "" } else { " " };
        format!("{head}{space}{}: {}", of.join(" "), self.sentence)
    }
}

/// How a channel fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelState {
    /// Which.
    pub channel: ChannelKind,
    /// It takes what is sent, as far as known.
    pub healthy: bool,
    /// What is wrong, redacted; empty when nothing is.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
    /// Alerts that wait for it.
    pub waiting: u64,
}

/// What a channel made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// It took it.
    Taken,
    /// It may have taken it: no answer, or one that tells nothing.
    Unanswered(String),
    /// It was never sent: try again.
    Unsent(String),
    /// Too many: not before this time.
    NotBefore(Timestamp, String),
    /// It refused this message; another one may go.
    Refused(String),
    /// It takes nothing any more: the address is gone or not allowed.
    Gone(String),
}

/// One channel's part of an alert's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Of which alert.
    pub alert: i64,
    /// By which channel.
    pub channel: ChannelKind,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it may have arrived.
    pub sends: u32,
    /// What came back, redacted.
    pub words: String,
    /// When it was settled.
    pub done_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { alert: 10.0, recover: 5.0, hold: Duration::from_secs(60) };

    #[test]
    fn every_name_has_one_row_that_can_recover() {
        for name in MonitorName::ALL {
            let rows: Vec<&Monitor> = MONITORS.iter().filter(|monitor| monitor.name == *name).collect();
            assert_eq!(rows.len(), 1, "{name}");
            assert!(rows[0].recover < rows[0].alert, "{name}");
        }
    }

    #[test]
    fn an_alert_waits_for_its_time_holds_through_the_middle_and_recovers_once() {
        let mut standing = Standing::new(MonitorName::Queue, "", Timestamp(0));
        let mut told = Vec::new();
        // 30 s apart: two that are too short, then a long one that sinks slowly.
        for (step, value) in
            [12.0, 3.0, 12.0, 12.0, 12.0, 8.0, 8.0, 4.0, 4.0, 4.0, 4.0].into_iter().enumerate()
        {
            if let Some(tidings) = standing.take_in(value, &RULE, Timestamp(step as i64 * 30_000)) {
                told.push((step, tidings));
            }
        }
        assert_eq!(told, [(4, Tidings::Alert), (9, Tidings::Recovered)]);
    }

    #[test]
    fn one_that_goes_to_and_fro_is_told_of_three_times_at_most_until_it_is_steady() {
        let rule = Rule { hold: Duration::ZERO, ..RULE };
        let mut standing = Standing::new(MonitorName::Queue, "", Timestamp(0));
        let mut told = Vec::new();
        for step in 0..120_i64 {
            let value = if step < 60 && step % 2 == 0 { 12.0 } else { 0.0 };
            told.extend(
                standing.take_in(value, &rule, Timestamp(step * 30_000)).map(|tidings| (step, tidings)),
            );
        }
        assert_eq!(
            told,
            [
                (0, Tidings::Alert),
                (1, Tidings::Recovered),
                (2, Tidings::Alert),
                (3, Tidings::Recovered),
                (4, Tidings::Flapping),
                (89, Tidings::Recovered),
            ]
        );
    }
}
