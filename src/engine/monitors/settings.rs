//! The settings of monitors: how often, which thresholds, which are off. Addresses of channels are secrets and stand elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::Judged;
use crate::domain::monitor::{MONITORS, MonitorName, Rule};

/// What is watched, and when somebody is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Seconds between two looks.
    pub evaluate_seconds: u64,
    /// Who is on call; named in every alert.
    pub oncall: String,
    /// Monitors that are not looked at.
    pub off: Vec<String>,
    /// Other thresholds than the shipped ones, by monitor.
    pub thresholds: BTreeMap<String, Threshold>,
}

/// What may be said of one monitor; what is not said is as shipped.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// From this value on it alerts.
    pub alert: Option<f64>,
    /// At this value or below it has recovered.
    pub recover: Option<f64>,
    /// How long the value has to ask for a change before it counts.
    pub for_seconds: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { evaluate_seconds: 30, oncall: String::new(), off: Vec::new(), thresholds: BTreeMap::new() }
    }
}

impl Settings {
    /// Whether every value makes sense. The error names the setting and shows a right one.
    pub fn check(&self) -> Result<(), String> {
        if !(5..=3_600).contains(&self.evaluate_seconds) {
            return Err(format!(
                "monitors.evaluate_seconds = {} is too short or too long; write 5 to 3600, for example 30",
                self.evaluate_seconds
            ));
        }
        let known: Vec<&str> = MonitorName::ALL.iter().map(|name| name.as_str()).collect();
        if let Some(unknown) = self.off.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "monitors.off names \"{unknown}\", and there is no such monitor; there are {}",
                known.join(", ")
            ));
        }
        for (name, threshold) in &self.thresholds {
            let Ok(monitor) = name.parse::<MonitorName>() else {
                return Err(format!(
                    "monitors.thresholds.{name} names no monitor; there are {}",
                    known.join(", ")
                ));
            };
            let rule = rule(monitor, Some(threshold));
            let sound = rule.alert.is_finite() && rule.recover.is_finite() && rule.recover < rule.alert;
            if !sound {
                return Err(format!(
                    "monitors.thresholds.{name} = {{ alert = {}, recover = {} }} could never recover; recover must be \
                     less than alert, for example {{ alert = {}, recover = {} }}",
                    rule.alert,
                    rule.recover,
                    monitor.row().alert,
                    monitor.row().recover
                ));
            }
        }
        Ok(())
    }

    /// Time between two looks.
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.evaluate_seconds.max(1))
    }

    /// Whether a monitor is not looked at.
    pub fn is_off(&self, name: MonitorName) -> bool {
        self.off.iter().any(|off| off == name.as_str())
    }

    /// The thresholds of one monitor.
    pub fn rule(&self, name: MonitorName) -> Rule {
        rule(name, self.thresholds.get(name.as_str()))
    }

    /// The thresholds of those that are looked at.
    pub fn rules(&self) -> Vec<Judged> {
        let on = MONITORS.iter().filter(|monitor| !self.is_off(monitor.name));
        on.map(|monitor| (monitor.name, self.rule(monitor.name), monitor.severity)).collect()
    }
}

fn rule(name: MonitorName, set: Option<&Threshold>) -> Rule {
    let shipped = name.row();
    let set = set.copied().unwrap_or_default();
    let alert = set.alert.unwrap_or(shipped.alert);
    Rule {
        alert,
        // A lower threshold alone takes the shipped distance along.
        recover: set.recover.unwrap_or(if alert > shipped.recover {
            shipped.recover
        } else {
            alert * shipped.recover / shipped.alert
        }),
        hold: Duration::from_secs(set.for_seconds.unwrap_or(shipped.for_seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_changed_and_monitors_switched_off() {
        let text = "off = [\"pace\"]\n[thresholds]\nqueue = { alert = 100 }\nlatency = { alert = 10, for_seconds = 0 }";
        let settings: Settings = toml::from_str(text).expect("valid");
        assert_eq!(settings.check(), Ok(()));
        assert!(settings.rules().iter().all(|(name, ..)| *name != MonitorName::Pace));
        let queue = Rule { alert: 100.0, recover: 50.0, hold: Duration::from_secs(300) };
        assert_eq!(settings.rule(MonitorName::Queue), queue);
        assert_eq!(settings.rule(MonitorName::Latency).hold, Duration::ZERO);
        let failures = Rule { alert: 1.0, recover: 0.0, hold: Duration::ZERO };
        assert_eq!(settings.rule(MonitorName::Failures), failures);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (text, names) in [
            ("evaluate_seconds = 0", "monitors.evaluate_seconds"),
            ("off = [\"queues\"]", "monitors.off"),
            ("[thresholds]\nqueues = { alert = 1 }", "monitors.thresholds.queues"),
            ("[thresholds]\nqueue = { alert = 1, recover = 1 }", "monitors.thresholds.queue"),
        ] {
            let settings: Settings = toml::from_str(text).expect("readable");
            assert!(settings.check().expect_err(text).starts_with(names), "{text}");
        }
        assert!(toml::from_str::<Settings>("slack_url = \"x\"").is_err());
    }
}
