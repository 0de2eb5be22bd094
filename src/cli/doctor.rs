//! `reknit doctor`: are the settings, tokens and vendors as they should be; each line with its fix.

mod rules;
pub(super) mod salesforce;
mod suppression;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{Arrivals, EventSource};
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::domain::text::clean;
use crate::domain::trouble::{advise, without_console};
use crate::engine::intake::title;
use crate::engine::sweep::{WHY, standing};
use crate::vault::{Vault, token_variable, variable};
use crate::vendors::{self, Clients};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the findings as JSON
    #[arg(long, global = true)]
    json: bool,
    /// One thing instead of all
    #[command(subcommand)]
    what: Option<What>,
}

/// What can be looked into by itself.
#[derive(Debug, Subcommand)]
enum What {
    /// The filter that keeps marketing quiet while somebody waits for support, and contacts whose flag is wrong
    Suppression,
    /// What the integration user of Salesforce may do, lacks, and has beyond what it needs
    Salesforce,
}

/// Checks and reports; ends with 1 when something is wrong.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    if let Some(What::Suppression) = arguments.what {
        return suppression::run(place, arguments.json).await;
    }
    if let Some(What::Salesforce) = arguments.what {
        return salesforce::run(place, arguments.json).await;
    }
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let vault = wiring::vault(place)?;
    let clients = wiring::clients(&config, &mapping, vault.clone())?;
    let mut findings = Vec::new();
    // Places of those that are right for now and worth a thought.
    let mut warnings = Vec::new();
    let mut sweeps = Vec::new();
    // A journal that is not there or cannot be read is told of below.
    let arrivals = if place.journal(&config).exists()
        && let Ok(journal) = place.open(&config, Opening::Look)
    {
        for system in wiring::systems(&config) {
            sweeps.extend(standing(&journal, &Connection::only(system)).await);
        }
        journal.arrivals().await.unwrap_or_default()
    } else {
        Vec::new()
    };
    for system in wiring::systems(&config) {
        let connection = Connection::only(system);
        let mut log = vendors::Log::new();
        findings.push(tokens(&clients, &vault, &connection, &mut log).await);
        findings.push(limits(&config, system, &log));
        let secret = vault.webhook_secret(&connection).is_some();
        let variable = variable(&connection, "CLIENT_SECRET");
        findings.push(if secret {
            webhooks(&connection, &arrivals)
        } else {
            (
                format!("{} webhooks", system.title()),
                false,
                format!("no signing secret, so every webhook is answered 503: set {variable}"),
            )
        });
    }
    for one in &sweeps {
        let (good, words) = super::sweep::words(one);
        let why = if one.connection.system == System::Intercom { WHY } else { "" };
        findings.push(("Deletion sweep".to_owned(), good, format!("{words} {why}").trim_end().to_owned()));
    }
    let salesforce = Connection::only(System::Salesforce);
    if config.engine.crm == System::Salesforce {
        // It was told of above.
    } else if !clients.settings().salesforce.instance_url.is_empty() || vault.grant(&salesforce).is_ok() {
        let mut log = vendors::Log::new();
        findings.push(tokens(&clients, &vault, &salesforce, &mut log).await);
        findings.push(limits(&config, System::Salesforce, &log));
    }
    if let Some(words) = wiring::unkept(&vault) {
        // Not wrong as long as the vendor replaces nothing; what it has replaced is told of above.
        warnings.push(findings.len());
        findings.push(("Vault".to_owned(), true, words));
    } else if vault.keeps() {
        let path = Vault::path(&place.data);
        findings.push((
            "Vault".to_owned(),
            true,
            format!("{} opens; what is renewed is kept there", path.display()),
        ));
    }
    for (good, words) in erasures(place, &config).await {
        if good {
            warnings.push(findings.len());
        }
        findings.push(("Erasure".to_owned(), good, words));
    }
    let path = place.journal(&config);
    let journal = if path.exists() {
        match place.open(&config, Opening::Look) {
            Ok(journal) => match journal.examine_head().await {
                Ok(None) => Ok(()),
                Ok(Some(finding)) => Err(format!("{}; {}", finding.why, finding.next)),
                Err(error) => Err(error.to_string()),
            },
            Err(problem) => Err(problem.why),
        }
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
    if path.exists()
        && let Ok(journal) = place.open(&config, Opening::Look)
        && let Ok((pauses, breakers)) = super::pause::standing(&journal).await
    {
        for breaker in breakers {
            let title = format!("{} breaker", breaker.connection.system.title());
            findings.push((
                title,
                false,
                format!("work waits for {}. {}", breaker.phrase(), breaker.advice()),
            ));
        }
        for pause in pauses {
            warnings.push(findings.len());
            findings.push((
                "Pause".to_owned(),
                true,
                format!(
                    "{}. `reknit resume {}` ends it.",
                    pause.sentence().trim_end_matches('.'),
                    pause.scope
                ),
            ));
        }
    }
    let mut told = rules::fields(&config, &clients).await;
    if path.exists()
        && let Ok(journal) = place.open(&config, Opening::Look)
    {
        told.extend(rules::held(&journal).await);
    }
    for (title, good, words, warning) in told {
        if warning {
            warnings.push(findings.len());
        }
        findings.push((title, good, words));
    }
    let (good, text) = channels(place, &config).await;
    findings.push(("Alerts".to_owned(), good, text));
    if arguments.json {
        let rows: Vec<_> = findings
            .iter()
            .enumerate()
            .map(|(place, (subject, good, text))| {
                json!({"subject": subject, "good": good, "warning": warnings.contains(&place), "finding": text})
            })
            .collect();
        output::json(&rows)?;
    } else {
        for (place, (subject, good, text)) in findings.iter().enumerate() {
            let mark = match (good, warnings.contains(&place)) {
                (false, _) => "✗",
                (true, true) => "!",
                (true, false) => "✓",
            };
            output::line(&format!("{mark} {subject}: {}", clean(text)))?;
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

/// Where alerts go, and whether they are taken there.
async fn channels(place: &Place, config: &Config) -> (bool, String) {
    let configured = super::monitors::configured(place, config);
    let mut states = Vec::new();
    if place.journal(config).exists()
        && let Ok(journal) = place.open(config, Opening::Look)
    {
        states = journal.channels().await.unwrap_or_default();
    }
    let good = configured.as_ref().is_ok_and(|channels| {
        let used = channels.configured();
        states.iter().all(|state| state.healthy || !used.contains(&state.channel))
    });
    (good, super::monitors::channel_lines(configured.as_ref(), &states).join("; "))
}

/// Erasures that are not done, and whether the settings cover both sides; the first of a pair is false for what is wrong.
async fn erasures(place: &Place, config: &Config) -> Vec<(bool, String)> {
    let mut findings = Vec::new();
    if place.journal(config).exists()
        && let Ok(journal) = place.open(config, Opening::Look)
        && let Ok(unsettled) = journal.erasures(true).await
        && !unsettled.is_empty()
    {
        let ids: Vec<String> =
            unsettled.iter().map(|erasure| format!("{} ({})", erasure.id, erasure.state)).collect();
        let words = format!("not done, so people are erased in some places only: {}", ids.join(", "));
        findings.push((false, format!("{words}: `reknit erase show ID` tells what is missing")));
    }
    findings.extend(config.erasure.missing().map(|words| (true, words.to_owned())));
    findings
}

/// Whether a connection's token works, how it is come by and until when it is good.
async fn tokens(
    clients: &Clients,
    vault: &Vault,
    connection: &Connection,
    log: &mut vendors::Log,
) -> (String, bool, String) {
    let title = connection.system.title().to_owned();
    if let Err(why) = vault.grant(connection) {
        let head = if why.starts_with("There is no access token") {
            format!("no token: set {}. ", token_variable(connection))
        } else {
            String::new()
        };
        return (title, false, format!("{head}{why}"));
    }
    let checked = vendors::check(clients, connection, log).await;
    let standing = clients.standing(connection).await;
    match checked {
        Err(error) => {
            let told = advise(Some(connection.system), error.class, &error.words);
            // Words without an answer are ours.
            let said = if error.status.is_some() { "It said: " } else { "" };
            (
                title,
                false,
                format!("{} {said}\"{}\". {}", told.meaning, error.words, here(error.class, told.hint)),
            )
        }
        Ok(_) if standing.rotated_unkept => (title, false, wiring::lost(connection.system)),
        Ok(name) => {
            let mut words = format!("answers as \"{name}\"");
            if let Ok(grant) = standing.grant {
                words.push_str(&format!(", with {grant}"));
            }
            if let Some(end) = standing.expires_at {
                words.push_str(&format!("; the access token is renewed before {}", end.rfc3339()));
            }
            if let Some(why) = &standing.not_written {
                words.push_str(&format!("; but what is renewed cannot be kept: {why}"));
            }
            (title, standing.not_written.is_none(), words)
        }
    }
}

/// Advice without what only the console has, and without sending the reader to where they are.
fn here(class: ErrorClass, hint: &str) -> String {
    if matches!(class, ErrorClass::Unavailable | ErrorClass::Timeout) {
        return "Check base_url, the proxy and the network.".to_owned();
    }
    without_console(hint)
}

/// Which webhooks came lately. Neither vendor lets a private app ask what it is subscribed to, so what arrived is all
/// there is to go by: changes that only polling found, and no webhook at all, mean that none is sent here.
fn webhooks(connection: &Connection, arrivals: &[Arrivals]) -> (String, bool, String) {
    const SHOWN: usize = 6;
    let title = format!("{} webhooks", connection.system.title());
    let of = |source| arrivals.iter().filter(move |it| it.connection == *connection && it.source == source);
    let mut came: Vec<&Arrivals> = of(EventSource::Webhook).collect();
    let polled: u64 = of(EventSource::Poll).map(|it| it.count).sum();
    if came.is_empty() {
        let needed = match connection.system {
            System::Intercom => "contact.user.created and contact.user.updated",
            _ => "contact.creation and contact.propertyChange",
        };
        return match polled {
            0 => (title, true, "the signing secret is set; none has arrived yet".to_owned()),
            _ => (
                title,
                false,
                format!(
                    "the signing secret is set, but {polled} changes were found by polling and no webhook has \
                     arrived: subscribe the app to {needed}, with this service's public address"
                ),
            ),
        };
    }
    came.sort_by_key(|it| std::cmp::Reverse(it.count));
    let mut topics: Vec<String> = came.iter().take(SHOWN).map(|it| told(connection.system, it)).collect();
    if came.len() > SHOWN {
        topics.push(format!("{} topics more", came.len() - SHOWN));
    }
    let last = came.iter().map(|it| it.last_at).max().map(Timestamp::rfc3339).unwrap_or_default();
    (title, true, format!("the signing secret is set; the last came {last}: {}", topics.join(", ")))
}

/// `User created [contact.user.created] (12)`; a topic nobody told us of as it is.
fn told(system: System, arrivals: &Arrivals) -> String {
    let (topic, count) = (arrivals.topic.as_str(), arrivals.count);
    match title(system, topic) {
        title if title == topic => format!("{topic} ({count})"),
        title => format!("{title} [{topic}] ({count})"),
    }
}

/// How many calls we take of what the vendor allows; where its answer says another number, that is told.
fn limits(config: &Config, system: System, log: &vendors::Log) -> (String, bool, String) {
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
    // Salesforce counts by the day alone, so its window is one.
    let by_day =
        |told: &vendors::LimitReading| (told.window_seconds == 86_400).then_some((told.used, told.limit));
    let day = told.and_then(|told| told.daily_used.zip(told.daily_limit).or_else(|| by_day(told)));
    if let Some((used, most)) = day {
        text.push_str(&format!("; {} says {used} of {most} calls are used today", system.title()));
    }
    (format!("{} limits", system.title()), true, text)
}
