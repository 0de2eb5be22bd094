//! `reknit`: the console over a journal, with a worker of its own unless another process serves the journal.

use std::io::IsTerminal;
use std::path::Path;

use tokio::sync::mpsc;

use super::background::Background;
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use crate::config::Config;
use crate::console::{self, World};
use crate::domain::monitor::Tidings;
use crate::engine::monitors::{self, Watch};
use crate::journal::Journal;

/// The smallest terminal with a useful layout.
const SMALLEST: (u16, u16) = (60, 16);

/// Opens the console.
pub async fn run(place: &Place, read_only: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    check_terminal()?;
    // Without tokens there is nothing to create a journal for: say how to begin instead of showing an empty screen.
    let credentials = wiring::credentials(place, &config);
    let journal = match (&credentials, place.journal(&config).exists()) {
        (Ok(_), false) if !read_only => place.open(&config, Opening::Create)?,
        (Err(_) | Ok(_), false) => return place.open(&config, Opening::Look).map(|_| ()),
        (_, true) => place.open(&config, if read_only { Opening::Look } else { Opening::Work })?,
    };
    if !read_only {
        log_to(journal.path().parent());
    }
    let (sender, notices) = mpsc::unbounded_channel();
    let tell = |text: String| {
        // The console that shows it is made below; until then it waits in the channel.
        let _ = sender.send(text);
    };
    let background = match credentials {
        _ if read_only => None,
        // Looking needs no token; what is decided waits in the journal for a worker that has one.
        Err(problem) => {
            tell(format!("Nothing is sent from here: {}. Decisions wait for a worker.", problem.why));
            None
        }
        Ok(credentials) => {
            if let Some(words) = wiring::unkept(&credentials) {
                tell(words);
            }
            match WorkerLock::take(journal.path())? {
                Some(lock) => {
                    wiring::take_over(&journal).await?;
                    let channels = wiring::channels(&config, &*credentials)?;
                    let engine = wiring::engine(&config, journal.clone(), mapping.clone(), credentials)?;
                    if let Some(words) = wiring::begin_in_shadow(&config, &engine).await? {
                        tell(words);
                    }
                    let mut background = Background::start(&engine);
                    background.watch(Watch::new(&engine, channels, config.monitors.clone()));
                    background.poll(&engine, sender.clone());
                    Some((background, lock))
                }
                None => {
                    tell("Another Reknit on this machine works this journal; it carries out what is decided here.".into());
                    None
                }
            }
        }
    };
    let following = tokio::spawn(tell_alerts(journal.clone(), sender.clone()));
    let operator = wiring::operator(&config, journal.clone(), mapping, read_only);
    let operator = if wiring::is_production(&config) { operator.gated() } else { operator };
    let title = if config.workspace.is_empty() { "reknit".to_owned() } else { config.workspace.clone() };
    let result = show(&config, World { journal, operator, clock: wiring::clock(), title, notices }).await;
    following.abort();
    if let Some((background, _lock)) = background {
        background.stop().await;
    }
    result
}

/// A notice for each new alert, whichever process found it.
async fn tell_alerts(journal: Journal, notices: mpsc::UnboundedSender<String>) {
    // Ends with the console.
    let (_going, stop) = tokio::sync::watch::channel(false);
    monitors::follow(journal, wiring::clock(), stop, |alert| {
        if matches!(alert.kind, Tidings::Alert | Tidings::Flapping) {
            // A console that is gone needs no notice.
            let _ = notices.send(alert.line());
        }
    })
    .await;
}

/// Runs the console on this terminal and gives it back, whatever happens.
pub async fn show(config: &Config, world: World) -> Result<(), Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::runtime(
            "The console ended early; everything decided before is in the journal.",
            error.to_string(),
            "start it again; the log in the data folder may say more",
        )
    };
    let mut settings = config.console.clone();
    settings.theme = console::settle_scheme(settings.theme);
    let terminal = console::enter(config.console.mouse).map_err(|error| failed(&error))?;
    let input = crossterm::event::EventStream::new();
    let result = console::run(terminal, input, world, settings).await;
    console::leave();
    result.map_err(|error| failed(&format!("{error:#}")))
}

/// Refuses what is no terminal, or one too small to show anything useful.
pub fn check_terminal() -> Result<(), Problem> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Problem::usage(
            "The console was not started.",
            "standard input or output is not a terminal",
            "run it in a terminal, or use the commands: reknit list executions --json",
        ));
    }
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns < SMALLEST.0 || rows < SMALLEST.1 => Err(Problem::runtime(
            "The console was not started; nothing was changed.",
            format!(
                "this terminal has {columns} columns and {rows} rows, the console needs {} and {}",
                SMALLEST.0, SMALLEST.1
            ),
            "make the window larger, or use the commands: reknit list executions",
        )),
        _ => Ok(()),
    }
}

/// Sends the log to a file in the data folder, or to standard error where there is no screen to disturb.
pub fn log_to(folder: Option<&Path>) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("REKNIT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("reknit=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    // A second start in one process (tests) keeps the first log; a log that cannot be opened is not worth failing for.
    let _ = match folder {
        None => builder.with_writer(std::io::stderr).try_init(),
        Some(folder) => {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("reknit.log"));
            match file {
                Ok(file) => builder.with_writer(std::sync::Mutex::new(file)).try_init(),
                Err(_) => return,
            }
        }
    };
}
