//! `reknit doctor`: are the settings, tokens and vendors as they should be; each line with its fix.

use clap::Args;
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::domain::text::clean;
use crate::vault::{Environment, token_variable};
use crate::vendors::{self, Clients};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// How many calls we take of what the vendor allows; where its answer says another number, that is told.
fn limits(config: &Config, system: System, log: &vendors::Log) -> String {
    let rules =
        crate::engine::limits::rules(&config.engine, &Connection::only(system), wiring::clock().now());
    let mut parts = Vec::new();
    for rule in &rules {
        if let Some(window) = rule.window {
            parts.push(format!("{} {} calls in {} s", window.most, rule.family, window.length.as_secs()));
        }
        for daily in rule.daily.iter().filter(|daily| daily.family == rule.family) {
            parts.push(format!(
                "{} {} calls in a day, {} % of them for unurgent work",
                daily.most, rule.family, daily.budget_percent
            ));
        }
    }
    let mut text = format!("at most {}", parts.join(", "));
    let told = log.iter().filter_map(|exchange| exchange.limits.as_ref()).next_back();
    let ours = rules.first().and_then(|rule| rule.window);
    if let (Some(told), Some(ours)) = (told, ours)
        && told.limit > 0
        && told.limit != ours.most
    {
        let advice = match (told.limit > ours.most, system) {
            (false, _) => "its number holds",
            (true, System::Hubspot) => "to use them, set tier under [limits.hubspot]",
            (true, _) => "to use them, set intercom_calls_per_10_seconds under [engine]",
        };
        text.push_str(&format!(
            "; {} says {} in {} s: {advice}",
            system.title(),
            told.limit,
            told.window_seconds
        ));
    }
    text
}

/// Checks and reports; ends with 1 when something is wrong.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    place.mapping(&config)?;
    let clients = Clients::new(&config.vendors, std::sync::Arc::new(Environment), wiring::clock()).map_err(
        |error| {
            Problem::usage(
                "The vendors' clients cannot be set up.",
                error.to_string(),
                "correct [vendors] in the settings",
            )
        },
    )?;
    let mut findings = Vec::new();
    for system in [System::Intercom, System::Hubspot] {
        let connection = Connection::only(system);
        let mut log = vendors::Log::new();
        let (good, text) = if Environment.access_token(&connection).is_none() {
            (false, format!("no token: set {}", token_variable(&connection)))
        } else {
            match vendors::check(&clients, &connection, &mut log).await {
                Ok(name) => (true, format!("answers as \"{name}\"")),
                Err(error) => {
                    let treatment = error.class.treatment();
                    (
                        false,
                        format!("{} It said: \"{}\". {}", treatment.meaning, error.words, treatment.advice),
                    )
                }
            }
        };
        findings.push((system.title().to_owned(), good, text));
        findings.push((format!("{} limits", system.title()), true, limits(&config, system, &log)));
        let secret = Environment.webhook_secret(&connection).is_some();
        let variable = token_variable(&connection).replace("ACCESS_TOKEN", "CLIENT_SECRET");
        findings.push((
            format!("{} webhooks", system.title()),
            secret,
            if secret {
                "the signing secret is set".to_owned()
            } else {
                format!("no signing secret, so every webhook is answered 503: set {variable}")
            },
        ));
    }
    let path = place.journal(&config);
    let journal = if path.exists() {
        place.open(&config, Opening::Look).map(|_| ()).map_err(|problem| problem.why)
    } else {
        Ok(())
    };
    findings.push((
        "Journal".to_owned(),
        journal.is_ok(),
        journal.map_or_else(
            |why| why,
            |()| {
                if path.exists() {
                    path.display().to_string()
                } else {
                    format!("none yet; `reknit serve` makes {}", path.display())
                }
            },
        ),
    ));
    if arguments.json {
        let rows: Vec<_> = findings
            .iter()
            .map(|(subject, good, text)| json!({"subject": subject, "good": good, "finding": text}))
            .collect();
        output::json(&rows)?;
    } else {
        for (subject, good, text) in &findings {
            output::line(&format!("{} {subject}: {}", if *good { "✓" } else { "✗" }, clean(text)))?;
        }
    }
    let bad = findings.iter().filter(|(_, good, _)| !good).count();
    if bad == 0 {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{bad} of {} checks failed; nothing was changed.", findings.len()),
        "see the lines marked ✗",
        "mend them and run `reknit doctor` again",
    ))
}
