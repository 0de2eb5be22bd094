//! `reknit` where nothing is set up, in a terminal: a screen with three ways on, and what each of them does.

use std::path::Path;

use super::console::{Ended, themed};
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::config::Config;
use crate::console;
use crate::console::first_run::{Found, Need, Way, ask};
use crate::domain::record::Connection;
use crate::domain::secret::Credentials as _;

/// Which way the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// To try the demo.
    ForDemo,
    /// Everything is there by now: open the console.
    Ready,
    /// For good.
    Gone,
}

/// Shows the screen until it leads somewhere.
pub async fn run(place: &Place, config: &Config) -> Result<Left, Problem> {
    let (mut settings, _) = themed(config)?;
    if settings.scheme() == console::theme::Scheme::Auto {
        settings.light_ground = console::ground_is_light().unwrap_or_default();
    }
    let failed = |error: &dyn std::fmt::Display| {
        Problem::runtime(
            "The screen of the first start ended early; nothing was changed.",
            error.to_string(),
            "try `reknit demo`, or `reknit init`",
        )
    };
    let mut terminal = console::enter(settings.mouse).map_err(|error| failed(&error))?;
    // Whatever happens below, the terminal is given back.
    let _ended = Ended;
    let mut input = crossterm::event::EventStream::new();
    let mut said = None;
    loop {
        // A settings file may have been written, or mended, meanwhile.
        let config = place.settings()?;
        let found = Found { said: said.take(), ..found(place, &config) };
        let way = ask(&mut terminal, &mut input, found, &settings).await;
        match way.map_err(|error| failed(&format!("{error:#}")))? {
            Way::Leave => return Ok(Left::Gone),
            Way::Demo => return Ok(Left::ForDemo),
            Way::Init => {
                said = Some(match super::init::write(place) {
                    Ok(()) => format!(
                        "Wrote {}. Look through it, then give the tokens: c says which.",
                        place.config.display()
                    ),
                    Err(problem) => format!("{} {}.", problem.what, sentence(&problem.why)),
                });
            }
            Way::Connect => match wiring::credentials(place, &config) {
                Ok(_) => return Ok(Left::Ready),
                Err(problem) => {
                    said = Some(format!("Not everything is there yet: {}.", sentence(&problem.next)));
                }
            },
        }
    }
}

fn sentence(text: &str) -> &str {
    text.trim_end_matches('.')
}

fn found(place: &Place, config: &Config) -> Found {
    let vault = wiring::vault(place);
    let needs = wiring::systems(config)
        .map(|system| {
            let connection = Connection::only(system);
            let variable = crate::vault::token_variable(&connection);
            let met = vault.as_ref().is_ok_and(|vault| vault.grant(&connection).is_ok());
            let how = match (&vault, met) {
                (_, true) => "is there".to_owned(),
                (Err(problem), false) => problem.why.clone(),
                (Ok(_), false) => {
                    format!("set {variable} and start again, or keep it with: reknit vault set {variable}")
                }
            };
            Need { met, what: format!("{}'s token", system.title()), how }
        })
        .into_iter()
        .collect();
    Found { settings: shown(&place.config), has_settings: place.config.exists(), needs, said: None }
}

/// A path as people know it: from their home folder on.
fn shown(path: &Path) -> String {
    let home = directories::UserDirs::new();
    let below = home.as_ref().and_then(|home| path.strip_prefix(home.home_dir()).ok());
    below.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
}
