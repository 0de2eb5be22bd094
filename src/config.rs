//! One file on disk to the modules' own settings, refused with file, line and the nearest valid name.
//!
//! Secrets never stand in it: something token-shaped is an error that names its line and does not repeat it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::secret::holds_a_token;
use crate::{console, engine, matching, vendors, webhook};

/// Everything `reknit.toml` can say; every part has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The name shown at the top left of the console.
    pub workspace: String,
    /// The journal's file; empty = in the data folder.
    pub journal: String,
    /// The contact mapping's file; empty = the shipped one.
    pub mapping: String,
    /// The folder of one's own recipes; empty = `recipes` beside the settings file.
    pub recipes: String,
    /// The folder of one's own mappings; empty = `mappings` beside the settings file.
    pub mappings: String,
    /// How the engine works.
    pub engine: engine::Settings,
    /// The vendors' limits and our share of them.
    pub limits: engine::settings::LimitSettings,
    /// From what on two records count as alike; `match` and `link` on files read the same.
    pub matching: matching::Settings,
    /// What is watched, and when somebody is told.
    pub monitors: engine::monitors::Settings,
    /// Places of one's own that recipes tell things to, by name.
    pub sinks: BTreeMap<String, vendors::alerts::SinkSettings>,
    /// What a deletion at one side does at the other.
    pub erasure: engine::erasure::Settings,
    /// How records are merged.
    pub merge: crate::recipes::merge::Settings,
    /// The vendors' clients.
    pub vendors: vendors::Settings,
    /// The webhook receiver.
    pub webhook: webhook::Settings,
    /// The console.
    pub console: console::Settings,
    /// The folder that `rules` and `mappings` of one's own lie in: that of the settings file, else the data's. Not a
    /// setting: told by where the settings were found.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// The commented default that `reknit init` writes.
pub const DEFAULT: &str = include_str!("../assets/default.toml");

/// Why a configuration is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {why}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        why: String,
    },
    /// It says something wrong.
    #[error("{path}, line {line}: {why}", path = .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and the nearest right thing.
        why: String,
    },
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
        Self::parse(&text, path)
    }

    /// Reads a text; `path` is only for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |line: usize, why: String| ConfigError::Wrong { path: path.to_owned(), line, why };
        if let Some(line) = text.lines().position(holds_a_token) {
            return Err(wrong(
                line + 1,
                "this looks like an access token; tokens never stand in this file. Take it out, revoke it if others \
                 could read it, and give it as an environment variable (INTERCOM_ACCESS_TOKEN, HUBSPOT_ACCESS_TOKEN)"
                    .into(),
            ));
        }
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            wrong(line, nearest(error.message()))
        })?;
        let engine = &config.engine;
        for check in [
            engine.off_peak_window().map(drop),
            engine.check_crm(),
            engine.check_batches(),
            engine.check_sources(),
            engine.breaker.check(),
            config.limits.check(),
            config.matching.check(),
            config.monitors.check(),
            config.merge.check(),
            config.console.check(),
            config.webhook.check(),
            config.sinks.iter().try_for_each(|(name, sink)| sink.check(name)),
        ] {
            if let Err(why) = check {
                return Err(wrong(line_of_setting(text, &why), why));
            }
        }
        config.engine.limits.clone_from(&config.limits);
        config.engine.matching.clone_from(&config.matching);
        config.engine.erasure = config.erasure;
        config.engine.merge.clone_from(&config.merge);
        Ok(config)
    }
}

/// The line of the setting that a complaint begins with: `engine.off_peak = ...`.
fn line_of_setting(text: &str, why: &str) -> usize {
    let name = why.split([' ', '=']).next().unwrap_or_default();
    let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
    let mut inside = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            header.split(']').next().unwrap_or_default().trim().clone_into(&mut inside);
        }
        if inside == section && line.split('=').next().is_some_and(|left| left.trim() == key) {
            return number + 1;
        }
    }
    1
}

/// Turns serde's "unknown field `a`, expected one of `b`, `c`" into a sentence with the nearest name first.
fn nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (true, Some(unknown)) = (message.starts_with("unknown field"), quoted.next()) else {
        return message.trim().to_owned();
    };
    if unknown == "duplicate_probability" {
        return "duplicate_probability has moved: write review_probability = ... in the section [matching]"
            .into();
    }
    let mut known: Vec<&str> = quoted.collect();
    known.sort_by(|a, b| {
        let alike = |name: &str| rapidfuzz::distance::jaro_winkler::similarity(unknown.chars(), name.chars());
        alike(b).total_cmp(&alike(a))
    });
    match known.split_first() {
        Some((first, [])) => format!("there is no setting \"{unknown}\" here; did you mean \"{first}\"?"),
        Some((first, rest)) => {
            format!(
                "there is no setting \"{unknown}\" here; did you mean \"{first}\"? Known are also {}",
                rest.join(", ")
            )
        }
        None => format!("there is no setting \"{unknown}\" here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("reknit.toml")).expect_err("refused").to_string()
    }

    #[test]
    fn the_commented_default_is_the_defaults() {
        let from_file = Config::parse(DEFAULT, Path::new("default.toml")).expect("valid");
        let defaults = Config::default();
        assert_eq!(from_file.engine, defaults.engine);
        assert_eq!(from_file.webhook, defaults.webhook);
        assert_eq!(format!("{from_file:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        let message = error("[engine]\nworker = 3\n");
        assert!(message.contains("line 2") && message.contains("did you mean \"workers\""), "{message}");
    }

    #[test]
    fn r27_a_token_is_refused_by_line_and_not_repeated() {
        let message =
            error("workspace = \"prod\"\n# pat-na1-comment\nhubspot_token = \"pat-na1-1234-5678\"\n");
        assert!(message.contains("line 3") && !message.contains("1234"), "{message}");
        assert!(error("api_key = \"abcdefghijklmnop\"").contains("line 1"));
    }

    #[test]
    fn a_window_that_is_none_is_refused_where_it_stands() {
        let message = error("[engine]\nworkers = 2\noff_peak = \"at night\"\n");
        assert!(message.contains("line 3") && message.contains("22:00-05:00"), "{message}");
    }

    #[test]
    fn thresholds_of_the_matcher_are_read_and_the_old_name_says_where_it_went() {
        let text = "[matching]\nreview_probability = 0.6\nblock_limit = 40\n";
        let config = Config::parse(text, Path::new("reknit.toml")).expect("valid");
        assert!((config.engine.matching.review_probability - 0.6).abs() < 1e-9);
        assert_eq!(config.engine.matching.block_limit, 40);
        let message = error("[engine]\nduplicate_probability = 0.4\n");
        assert!(message.contains("line 2") && message.contains("[matching]"), "{message}");
        for (line, part) in [
            ("auto_probability = 1.5", "no probability"),
            ("auto_probability = 0.3", "review_probability"),
            ("block_limit = 0", "find nothing"),
            ("review = 0.5", "did you mean \"review_probability\""),
        ] {
            let message = error(&format!("[matching]\n{line}\n"));
            assert!(message.contains("line 2") && message.contains(part), "{message}");
        }
    }

    #[test]
    fn limits_are_read_and_refused_where_they_stand() {
        let text = "[limits]\ndaily_budget_percent = 70\n[limits.hubspot]\ntier = \"professional\"\n";
        let config = Config::parse(text, Path::new("reknit.toml")).expect("valid");
        assert_eq!(config.engine.limits.daily_budget_percent, 70);
        assert_eq!(config.engine.limits.hubspot.tier.calls_per_10_seconds(), 190);
        let message = error("[limits]\ndaily_budget_percent = 170\n");
        assert!(message.contains("line 2") && message.contains("1 to 100"), "{message}");
        let message = error("[limits.hubspot]\n# time_zone\ntime_zone = \"Moon\"\n");
        assert!(message.contains("line 3") && message.contains("Europe/Berlin"), "{message}");
        let message = error("[limits.hubspot]\ntier = \"gold\"\n");
        assert!(message.contains("line 2") && message.contains("professional"), "{message}");
    }
}
