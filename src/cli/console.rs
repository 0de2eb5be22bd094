//! `reknit`: the console over a journal, with a worker of its own unless another process serves the journal.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::background::Background;
use super::first_run::{self, Left};
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use super::{log_file, reload};
use crate::config::Config;
use crate::console::session::Keeper;
use crate::console::{self, Home, World};
use crate::domain::monitor::Tidings;
use crate::domain::secret::Credentials;
use crate::engine::monitors::{self, Watch};
use crate::journal::Journal;

/// The smallest terminal with a useful layout.
const SMALLEST: (u16, u16) = (60, 15);

/// Opens the console.
pub async fn run(place: &Place, read_only: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    check_terminal()?;
    // Without tokens there is nothing to create a journal for: say how to begin instead of showing an empty screen.
    let credentials = wiring::credentials(place, &config);
    if !read_only && credentials.is_err() && !place.journal(&config).exists() {
        return match first_run::run(place, &config).await? {
            Left::Gone => Ok(()),
            Left::ForDemo => Box::pin(super::demo::run(super::demo::Arguments::plain(), None, false)).await,
            // Settings and secrets may be other ones by now.
            Left::Ready => Box::pin(run(place, read_only)).await,
        };
    }
    let journal = match (&credentials, place.journal(&config).exists()) {
        (Ok(_), false) if !read_only => place.open(&config, Opening::Create)?,
        (Err(_) | Ok(_), false) => return place.open(&config, Opening::Look).map(|_| ()),
        (_, true) => place.open(&config, if read_only { Opening::Look } else { Opening::Work })?,
    };
    let data = journal.path().parent().unwrap_or(&place.data).to_owned();
    if !read_only {
        log_to(Some(&data));
        console::crash::report_into(&data, wiring::clock(), env!("CARGO_PKG_VERSION"));
    }
    let (sender, notices) = mpsc::unbounded_channel();
    let tell = |text: String| {
        // The console that shows it is made below; until then it waits in the channel.
        let _ = sender.send(text);
    };
    // Dry runs read at the vendors, whoever works the journal.
    let mut reader = None;
    if let Some(report) = (!read_only).then(|| console::crash::news(&data)).flatten() {
        tell(format!(
            "Reknit ended by a fault last time. {} says more; it holds no secrets and nothing of any record, and may be \
             passed on.",
            report.display()
        ));
    }
    let mut rules = None;
    let outside = super::outside::window(
        &config,
        // Whoever cannot start from them still wants to see which are there.
        wiring::vault(place).ok().map(|vault| -> Arc<dyn Credentials> { vault }),
    );
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
            let lock = WorkerLock::take(journal.path())?;
            let channels = wiring::channels(&config, &*credentials)?;
            let engine = wiring::engine(&config, journal.clone(), mapping.clone(), credentials)?;
            reader = Some(engine.clone());
            match lock {
                Some(lock) => {
                    wiring::take_over(&journal).await?;
                    if let Some(words) = wiring::begin_in_shadow(&config, &engine).await? {
                        tell(words);
                    }
                    rules = Some(engine.rules().clone());
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
    let operator = match reader {
        Some(engine) => operator.reading_by(engine),
        None => operator,
    };
    let operator = if wiring::is_production(&config) { operator.gated() } else { operator };
    let title = if config.workspace.is_empty() { "reknit".to_owned() } else { config.workspace.clone() };
    let (words, reload) = mpsc::unbounded_channel();
    let changes = tokio::spawn(reload::follow(place.clone(), config.clone(), rules, journal.clone(), words));
    let home = Home {
        keeper: Some(Keeper::new(&data, &wiring::actor(), &title, read_only)),
        tour: false,
        reload: Some(reload),
    };
    let result = show(
        &config,
        World { journal, operator, clock: wiring::clock(), title, notices, home, script: None, outside },
    )
    .await;
    changes.abort();
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
    let (settings, complaints) = looks(config)?;
    let terminal = console::enter(config.console.mouse).map_err(|error| failed(&error))?;
    let ended = Ended;
    for complaint in complaints {
        tracing::warn!("{complaint}");
    }
    let input = console::terminal::Keyboard::default();
    let result = console::run(terminal, input, world, settings).await;
    drop(ended);
    result.map_err(|error| failed(&format!("{error:#}")))
}

/// Gives the terminal back when it goes.
pub(super) struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        console::leave();
    }
}

/// The settings of the console with the user's own themes and the terminal's ground. The theme that is wanted must be
/// there and right; what is wrong with others is said, and they are left out.
fn looks(config: &Config) -> Result<(console::Settings, Vec<String>), Problem> {
    let (mut settings, complaints) = themed(config)?;
    if settings.scheme() == console::theme::Scheme::Auto {
        settings.light_ground = console::ground_is_light().unwrap_or_default();
    }
    Ok((settings, complaints))
}

/// The same without asking the terminal anything.
pub(super) fn themed(config: &Config) -> Result<(console::Settings, Vec<String>), Problem> {
    let mut settings = config.console.clone();
    let (own, complaints) = own_themes(&config.folder.join("themes"));
    settings.themes.own = own;
    if let Err(why) = settings.check() {
        let why = complaints
            .iter()
            .find(|complaint| complaint.contains(&format!("{}.toml", settings.theme)))
            .map_or(why, Clone::clone);
        return Err(Problem::usage(
            "The console was not started; nothing was changed.",
            why,
            "correct it, or set theme = \"auto\" in the section [console]",
        ));
    }
    Ok((settings, complaints))
}

/// A theme by its name.
type Named = (String, console::theme::Palette);

/// The themes of a folder by name, and what is wrong with those left out.
fn own_themes(folder: &Path) -> (Vec<Named>, Vec<String>) {
    let (mut themes, mut complaints) = (Vec::new(), Vec::new());
    // No folder, no themes of one's own.
    let Ok(entries) = std::fs::read_dir(folder) else { return (themes, complaints) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        let (Some(name), true) = (name, path.extension().is_some_and(|end| end == "toml")) else { continue };
        let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        let parsed =
            read.and_then(|text| console::theme::Palette::parse(&text).map_err(|error| error.to_string()));
        match parsed {
            Ok(palette) => themes.push((name, palette)),
            Err(why) => complaints.push(format!("{}: {why}", path.display())),
        }
    }
    themes.sort_by(|one, other| one.0.cmp(&other.0));
    (themes, complaints)
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
        Some(folder) => match log_file::LogFile::open(folder) {
            Ok(file) => builder.with_writer(std::sync::Mutex::new(file)).try_init(),
            Err(_) => return,
        },
    };
}
