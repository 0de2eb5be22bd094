//! `reknit demo`: sandbox, service and console in one process; everything arises from the engine doing its work.
//!
//! Nothing is put into the journal ready-made. The vendors are emulated with seeded data, both are loaded, a scripted
//! morning is played at the vendors, and its webhooks, polls and faults make what the console shows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;

use super::background::{Background, asked_to_stop, listen};
use super::console::{check_terminal, log_to, show};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, WorkerLock};
use crate::config::Config;
use crate::console::script::{self, Script};
use crate::console::session::Keeper;
use crate::console::{Home, World};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::execution::Status;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::domain::record::System;
use crate::domain::secret::Credentials;
use crate::engine::Engine;
use crate::engine::monitors::Watch;
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::sandbox::{Sandbox, Settings};
use crate::vault::Given;
use crate::vendors::alerts::SLACK_URL;
use crate::webhook::Receiver;

/// How long the trouble may take to arise before the demo calls itself failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Decides every name, number and trouble
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// No screen: wait until all of the trouble has arisen, print it as one line of JSON and end
    #[arg(long)]
    no_console: bool,
    /// Intercom's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    intercom_port: u16,
    /// HubSpot's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    hubspot_port: u16,
    /// Play a script of keys with words to it, then the keys are yours; `list` names the scripts
    #[arg(long, value_name = "SCRIPT")]
    play: Option<String>,
    /// How many times faster than people read the script is played
    #[arg(long, default_value_t = 1, requires = "play", hide = true)]
    speed: u32,
}

impl Arguments {
    /// The demo as it is without arguments.
    pub(super) const fn plain() -> Self {
        Self { seed: 7, play: None, speed: 1, no_console: false, intercom_port: 0, hubspot_port: 0 }
    }
}

/// What has to arise, at least.
struct Least {
    failed: u64,
    classes: usize,
    pending: u64,
    conflicts: u64,
    duplicates: u64,
    unlinked: u64,
}

const LEAST: Least = Least { failed: 8, classes: 5, pending: 3, conflicts: 6, duplicates: 10, unlinked: 8 };

/// Runs the demo.
pub async fn run(arguments: Arguments, data: Option<PathBuf>, read_only: bool) -> Result<(), Problem> {
    let started = wiring::clock().now();
    let script = match arguments.play.as_deref() {
        Some("list") => return list_scripts(),
        Some(name) => {
            let script = Script::shipped(name).map_err(|why| {
                Problem::usage(
                    "The demo was not started.",
                    why,
                    "name one of them, or `list` to see what each shows",
                )
            })?;
            Some(Script { speed: arguments.speed, ..script })
        }
        None => None,
    };
    if !arguments.no_console {
        check_terminal()?;
    }
    let sandbox = super::sandbox::start(Settings {
        seed: arguments.seed,
        intercom_port: arguments.intercom_port,
        hubspot_port: arguments.hubspot_port,
        ..Settings::default()
    })
    .await?;
    let folder = Folder::choose(data)?;
    let path = folder.path().join("journal.db");
    if path.exists() {
        return Err(Problem::usage(
            "The demo was not started; nothing was changed.",
            format!("{} holds a journal already", folder.path().display()),
            format!("open it with `reknit --data {}`, or name an empty folder", folder.path().display()),
        ));
    }
    log_to(Some(folder.path()));
    // The demo's own folder goes with it, a report must not.
    let reports = if folder.temporary { std::env::temp_dir() } else { folder.path().to_owned() };
    crate::console::crash::report_into(&reports, wiring::clock(), env!("CARGO_PKG_VERSION"));
    let config = Config { folder: folder.path().to_owned(), ..settings(&sandbox, started) };
    if !folder.temporary {
        keep_settings(folder.path(), &config)?;
    }
    let credentials: Arc<dyn Credentials> = Arc::new(
        Given::default()
            .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
            .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret())
            .with_named(SLACK_URL, &sandbox.slack_webhook_url()),
    );
    let channels = wiring::channels(&config, &*credentials)?;
    let mapping = Arc::new(Mapping::shipped());
    let journal = wiring::open(&path, Opening::Create, wiring::clock())?;
    let lock = WorkerLock::take(journal.path())?;
    let engine = wiring::engine(&config, journal.clone(), mapping.clone(), Arc::clone(&credentials))?;
    let outside = super::outside::window(&config, Some(Arc::clone(&credentials)));
    let (listener, address) = listen("127.0.0.1:0").await?;
    let mut service = Background::start(&engine);
    let receiver = Receiver {
        tally: Arc::default(),
        inbox: Arc::new(engine.intake()),
        credentials,
        clock: wiring::clock(),
        settings: crate::webhook::Settings {
            public_url: Some(format!("http://{address}")),
            ..config.webhook.clone()
        },
    };
    service.receive(listener, receiver);
    service.watch(Watch::new(&engine, channels, config.monitors.clone()));
    sandbox.subscribe_intercom(&format!("http://{address}/webhooks/intercom"));
    sandbox.subscribe_hubspot(&format!("http://{address}/webhooks/hubspot"));
    let sandbox = Arc::new(sandbox);
    let (notices, heard) = mpsc::unbounded_channel();
    let morning = {
        let (engine, sandbox) = (engine.clone(), Arc::clone(&sandbox));
        async move { play(&engine, &sandbox).await }
    };
    let result = if arguments.no_console {
        let all = async {
            morning.await?;
            summary(&journal, started).await
        };
        let clock = wiring::clock();
        tokio::select! {
            result = all => result,
            () = clock.until(started.plus(PATIENCE * 2)) => Err(Problem::runtime(
                "The demo's morning did not come to its end.",
                format!("{} s passed", PATIENCE.as_secs() * 2),
                "try again when this machine is less busy, and report it if it stays so",
            )),
            () = asked_to_stop() => Err(Problem::runtime("The demo was stopped.", "a signal asked for it", "start it again")),
        }
    } else {
        let told = notices.clone();
        let playing = tokio::spawn(async move {
            if let Err(problem) = morning.await {
                let _ = told.send(problem.to_string());
            }
        });
        let operator = wiring::operator(&config, journal.clone(), mapping, read_only);
        let operator = if read_only { operator } else { operator.reading_by(engine.clone()) };
        let world = World {
            journal: journal.clone(),
            operator,
            clock: wiring::clock(),
            title: "demo".into(),
            notices: heard,
            home: Home {
                keeper: Some(Keeper::new(folder.path(), &wiring::actor(), "demo", read_only)),
                tour: true,
                reload: None,
            },
            script,
            outside,
        };
        let result = show(&config, world).await;
        playing.abort();
        result
    };
    service.stop().await;
    drop(lock);
    drop(notices);
    // The folder goes last: the journal in it must be closed by then.
    drop((engine, journal));
    drop(folder);
    result
}

/// Names the scripts and what each shows.
fn list_scripts() -> Result<(), Problem> {
    let rows: Vec<Vec<String>> = script::SHIPPED
        .iter()
        .map(|(name, text)| {
            let title = text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
            vec![(*name).to_owned(), title.to_owned()]
        })
        .collect();
    output::table(&["SCRIPT", "SHOWS"], &rows)
}

/// The demo's settings: the sandbox's addresses, short patience, and an off-peak window that is not now.
fn settings(sandbox: &Sandbox, now: Timestamp) -> Config {
    let mut config = Config { workspace: "demo".into(), ..Config::default() };
    sandbox.intercom_base_url().clone_into(&mut config.vendors.intercom.base_url);
    sandbox.hubspot_base_url().clone_into(&mut config.vendors.hubspot.base_url);
    config.vendors.timeouts = crate::vendors::Timeouts::of(2);
    // The sandbox's portal is a Professional one.
    config.engine.hubspot_calls_per_10_seconds = 190;
    config.engine.intercom_calls_per_10_seconds = 1_600;
    config.engine.workers = 16;
    config.engine.scan_seconds = 2;
    // Its troubles are pinned to people. In a batch a refusal meets whoever travels with them, and who does is a matter
    // of milliseconds: the same seed would not be the same morning.
    config.engine.batch_rows = 1;
    let hour = (now.seconds().rem_euclid(86_400) / 3_600 + 7) % 24;
    config.engine.off_peak = format!("{hour:02}:00-{:02}:00", (hour + 3) % 24);
    config
}

/// Leaves the settings with a kept journal, so that commands on it name the sandbox and never the real vendors.
fn keep_settings(folder: &Path, config: &Config) -> Result<(), Problem> {
    let text = format!(
        "# The settings of a demo that was kept; its emulated vendors end with it.\n\
         workspace = \"demo\"\n\n[engine]\noff_peak = \"{}\"\n\n\
         [vendors.intercom]\nbase_url = \"{}\"\n\n[vendors.hubspot]\nbase_url = \"{}\"\n",
        config.engine.off_peak, config.vendors.intercom.base_url, config.vendors.hubspot.base_url
    );
    let path = folder.join("reknit.toml");
    std::fs::write(&path, text).map_err(|error| {
        Problem::usage(
            "The demo was not started; nothing was changed.",
            format!("{}: {error}", path.display()),
            "name a folder that can be written with --data DIR",
        )
    })
}

/// Loads both systems, plays the morning, looks once for what no webhook told, and scans.
async fn play(engine: &Engine, sandbox: &Sandbox) -> Result<(), Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::runtime(
            "The demo's morning could not be played to its end.",
            error.to_string(),
            "start it again with another --seed, and report this one",
        )
    };
    engine.first_load().await.map_err(|error| failed(&error))?;
    sandbox.play_day();
    sandbox.webhooks_drained().await;
    engine.poll_once().await.map_err(|error| failed(&error))?;
    engine.scan_once().await.map_err(|error| failed(&error))?;
    Ok(())
}

/// Waits until everything has arisen, and prints it.
async fn summary(journal: &Journal, started: Timestamp) -> Result<(), Problem> {
    let clock = wiring::clock();
    let mut changes = journal.watch();
    loop {
        changes.borrow_and_update();
        let counts = journal.counts().await.map_err(|error| super::list::unread(&error))?;
        let classes = classes(journal).await?;
        let arisen = counts.of(Status::Failed) >= LEAST.failed
            && classes.len() >= LEAST.classes
            && counts.of(Status::Pending) >= LEAST.pending
            && counts.conflicts >= LEAST.conflicts
            && counts.duplicates >= LEAST.duplicates
            && counts.unlinked >= LEAST.unlinked;
        let now = clock.now();
        let late = now.since(started) > PATIENCE.as_millis() as i64;
        if arisen || late {
            let executions: serde_json::Map<String, serde_json::Value> =
                counts.executions.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
            output::json(&json!({
                "executions": executions,
                "error_classes": classes,
                "conflicts": counts.conflicts,
                "duplicates": counts.duplicates,
                "unlinked": counts.unlinked,
                "seconds": now.since(started) as f64 / 1000.0,
            }))?;
            if arisen {
                return Ok(());
            }
            return Err(Problem::runtime(
                "The demo did not arise as it should.",
                format!(
                    "wanted at least {} failed of {} classes, {} pending, {} conflicts, {} duplicates and {} unlinked",
                    LEAST.failed,
                    LEAST.classes,
                    LEAST.pending,
                    LEAST.conflicts,
                    LEAST.duplicates,
                    LEAST.unlinked
                ),
                "try another --seed, and report this one",
            ));
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = clock.until(now.plus(Duration::from_millis(100))) => {}
        }
    }
}

/// The error classes of failed executions, in alphabetical order.
async fn classes(journal: &Journal) -> Result<Vec<String>, Problem> {
    let filter = Filter::parse("status:failed").unwrap_or_default();
    let page = journal
        .executions(&filter, Anchor::First, 1_000)
        .await
        .map_err(|error| super::list::unread(&error))?;
    let classes: BTreeSet<String> =
        page.rows.iter().filter_map(|row| row.error_class.map(|class| class.to_string())).collect();
    Ok(classes.into_iter().collect())
}

/// Where the demo's journal lives: a folder somebody named, or one that goes with the demo.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn choose(named: Option<PathBuf>) -> Result<Self, Problem> {
        let temporary = named.is_none();
        let path = named.unwrap_or_else(|| {
            let now = super::clock::SystemClock.now();
            std::env::temp_dir().join(format!("reknit-demo-{}-{}", std::process::id(), now.0))
        });
        std::fs::create_dir_all(&path).map_err(|error| {
            Problem::usage(
                "The demo was not started; nothing was changed.",
                format!("{}: {error}", path.display()),
                "name a folder that can be written with --data DIR",
            )
        })?;
        Ok(Self { path, temporary })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is in the system's temporary folder, which it empties itself.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
