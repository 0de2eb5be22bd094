//! `reknit info`: what this Reknit is, where its files are and how they fare; for a report, and for whoever looks after
//! it. Names connections and how they are authorised, never a secret.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::log_file;
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::console::theme::Terminal;
use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials as _, Grant};
use crate::journal::Journal;
use crate::vault::Vault;

/// Arguments of `info`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct PlaceOf {
    what: &'static str,
    path: String,
    there: bool,
    bytes: Option<u64>,
}

/// Tells it.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    // Settings that cannot be used are no reason to say nothing: this is what one looks at then.
    let (config, wrong) = match place.settings() {
        Ok(config) => (config, None),
        Err(problem) => (Config::default(), Some(problem.why)),
    };
    let path = place.journal(&config);
    let data = path.parent().unwrap_or(&place.data).to_owned();
    let places = places(place, &config, &path, &data);
    let journal = journal(&path).await;
    let terminal = terminal();
    let connections = connections(place, &config);
    let build = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "system": std::env::consts::OS,
        "machine": std::env::consts::ARCH,
        "journal_format": Journal::known_format(),
        "features": ["bundled SQLite", "TLS by rustls and ring", "emulated vendors", "mouse", "OSC 52 clipboard"],
    });
    if arguments.json {
        return output::json(&json!({
            "build": build,
            "user": wiring::actor(),
            "workspace": config.workspace,
            "settings_problem": wrong,
            "paths": places,
            "journal": journal,
            "terminal": terminal,
            "connections": connections,
        }));
    }
    let text = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "—".to_owned(),
        Some(value) => value.to_string(),
    };
    output::line(&format!(
        "Reknit {} ({}, {} {}), journal format {}",
        text(&build, "version"),
        text(&build, "profile"),
        text(&build, "system"),
        text(&build, "machine"),
        text(&build, "journal_format")
    ))?;
    output::line(&format!("Acts in the name of {}.", wiring::actor()))?;
    if let Some(wrong) = &wrong {
        output::line(&format!("The settings cannot be used: {wrong}"))?;
    }
    output::line("")?;
    let rows: Vec<Vec<String>> = places
        .iter()
        .map(|place| {
            let size = place.bytes.map_or_else(|| "—".to_owned(), bytes);
            let there = if place.there { size } else { "not there".to_owned() };
            vec![place.what.to_owned(), there, place.path.clone()]
        })
        .collect();
    output::table(&["WHAT", "SIZE", "WHERE"], &rows)?;
    output::line("")?;
    output::line(&match (journal.get("problem").and_then(Value::as_str), journal.get("counts")) {
        (Some(problem), _) => format!("Journal   {problem}"),
        (None, Some(counts)) => format!(
            "Journal   format {}, {} executions, {} conflicts, {} duplicates, {} unlinked; {}",
            text(&journal, "format"),
            text(counts, "executions"),
            text(counts, "conflicts"),
            text(counts, "duplicates"),
            text(counts, "unlinked"),
            if journal.get("served") == Some(&Value::Bool(true)) {
                "a process of this machine works it"
            } else {
                "nobody works it now"
            }
        ),
        (None, None) => "Journal   there is none yet".to_owned(),
    })?;
    output::line(&format!(
        "Terminal  {}, {} colours{}",
        text(&terminal, "term"),
        text(&terminal, "colours"),
        match terminal.get("size") {
            Some(Value::Array(size)) if size.len() == 2 => format!(", {} columns, {} rows", size[0], size[1]),
            _ => ", output is no terminal".to_owned(),
        }
    ))?;
    for connection in &connections {
        output::line(&format!(
            "{}  {}; {}",
            text(connection, "title"),
            text(connection, "address"),
            text(connection, "authorised")
        ))?;
    }
    Ok(())
}

fn places(place: &Place, config: &Config, journal: &Path, data: &Path) -> Vec<PlaceOf> {
    let one = |what, path: &Path| PlaceOf {
        what,
        path: path.display().to_string(),
        there: path.exists(),
        bytes: std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|facts| facts.len()),
    };
    let beside = |suffix: &str| {
        let mut name = journal.as_os_str().to_owned();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    let sources = wiring::sources(config);
    let mut places = vec![
        one("settings", &place.config),
        one("data folder", data),
        one("journal", journal),
        one("its log of writes", &beside("-wal")),
        one("log", &log_file::path(data)),
        one("sessions", &data.join("sessions")),
        one("vault", &Vault::path(&place.data)),
        one("rules", &config.folder.join("rules")),
        one("themes", &config.folder.join("themes")),
    ];
    places.extend(sources.recipes.iter().map(|path| one("recipes", path)));
    places.extend(sources.mappings.iter().map(|path| one("mappings", path)));
    places.extend(sources.contact.iter().map(|path| one("contact mapping", path)));
    let mut crashes: Vec<_> =
        std::fs::read_dir(data).into_iter().flatten().flatten().map(|it| it.path()).collect();
    crashes.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("crash-") && path.extension().is_some_and(|end| end == "txt")
    });
    crashes.sort();
    places.extend(crashes.last().map(|path| one("last crash report", path)));
    places
}

async fn journal(path: &Path) -> Value {
    if !path.exists() {
        return json!({"there": false});
    }
    let opened = wiring::open(path, Opening::Look, wiring::clock());
    let journal = match opened {
        Ok(journal) => journal,
        Err(problem) => return json!({"there": true, "problem": problem.why}),
    };
    match journal.counts().await {
        Err(error) => json!({"there": true, "problem": error.to_string()}),
        Ok(counts) => {
            let all: u64 = counts.executions.iter().map(|(_, count)| count).sum();
            json!({
                "there": true,
                // One of another format would not have opened.
                "format": Journal::known_format(),
                "served": wiring::is_served(path),
                "counts": {
                    "executions": all,
                    "conflicts": counts.conflicts,
                    "duplicates": counts.duplicates,
                    "unlinked": counts.unlinked,
                },
            })
        }
    }
}

fn terminal() -> Value {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let terminal = Terminal::from_environment();
    let colours = match terminal {
        Terminal { no_color: true, .. } => "no",
        Terminal { truecolor: true, .. } => "16,777,216",
        Terminal { indexed: true, .. } => "256",
        _ => "16",
    };
    let shown = std::io::stdout().is_terminal();
    let size = shown.then(crossterm::terminal::size).and_then(Result::ok);
    json!({
        "term": variable("TERM"),
        "program": variable("TERM_PROGRAM"),
        "language": variable("LC_ALL").or_else(|| variable("LANG")),
        "colours": colours,
        "is_terminal": shown,
        "size": size.map(|(columns, rows)| [columns, rows]),
    })
}

fn connections(place: &Place, config: &Config) -> Vec<Value> {
    let vault = wiring::vault(place);
    wiring::systems(config)
        .map(|system| {
            let connection = Connection::only(system);
            let grant = match &vault {
                Ok(vault) => vault.grant(&connection),
                Err(problem) => Err(problem.why.clone()),
            };
            let authorised = match grant {
                Ok(Grant::Fixed(_)) => "with a token".to_owned(),
                Ok(Grant::RefreshToken { .. }) => "with a refresh token".to_owned(),
                Ok(Grant::ClientCredentials { .. }) => "as an app".to_owned(),
                Ok(Grant::SignedAssertion { .. }) => "with a signed assertion".to_owned(),
                Err(why) => format!("not yet: {why}"),
            };
            json!({
                "system": system,
                "title": system.title(),
                "address": address(config, system),
                "authorised": authorised,
            })
        })
        .into_iter()
        .collect()
}

fn address(config: &Config, system: System) -> String {
    match system {
        System::Intercom => config.vendors.intercom.base_url.clone(),
        System::Hubspot => config.vendors.hubspot.base_url.clone(),
        System::Salesforce => {
            let told = wiring::with_instance(&config.vendors, None).salesforce.instance_url;
            if told.is_empty() { "no address yet".to_owned() } else { told }
        }
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1024 / 1024),
    }
}
