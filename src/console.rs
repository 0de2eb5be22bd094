//! The console: a terminal face over the journal. See what failed, understand why, decide, mend.
//!
//! One loop (`run`) owns the state (`app`); panes and layers turn what happens into effects; `perform` carries the
//! effects out in tasks that answer on one queue. It reads the journal and asks the operator module; it never calls
//! a vendor, never writes SQL and never waits inside the loop. Read `app`, then one of `panes`.

pub mod actions;
pub mod app;
pub mod bulk;
pub mod crash;
pub mod ctx;
mod curl;
mod editor;
pub mod effect;
pub mod export;
pub mod first_run;
pub mod footer;
pub mod hints;
pub mod idle;
pub mod keys;
pub mod layers;
pub mod links;
pub mod mask;
pub mod msg;
pub mod outside;
pub mod panes;
pub mod perform;
mod rows;
pub mod run;
pub mod safety;
pub mod script;
pub mod session;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod undo;
pub mod views;
pub mod widgets;
pub mod wishes;

pub use actions::key_table_markdown;
pub use run::{Console, Home, Reload, World, run};
pub use terminal::{enter, ground_is_light, leave};

use serde::Deserialize;

/// How the console looks and behaves; the `[console]` table of the configuration.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `auto`, `dark`, `light`, `high-contrast`, `colour-blind`, ..., or the name of a file in the folder `themes`.
    pub theme: String,
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// Take clicks and the wheel; off leaves them to the terminal.
    pub mouse: bool,
    /// Nothing moves by itself but numbers: no spinners, no sliding bars.
    pub reduced_motion: bool,
    /// The role whose conflicts `i` shows, as the mapping's `decides` names it; empty = none.
    pub role: String,
    /// From how many rows on an action on many wants their number typed before its `Y`.
    pub typed_count_from: u64,
    /// Begin with the screen, filters and selection that were left last time.
    pub restore: bool,
    /// The user's own themes. Not a setting: read from the folder `themes` beside the settings.
    #[serde(skip)]
    pub themes: theme::Themes,
    /// The terminal's ground is light. Not a setting: asked of the terminal.
    #[serde(skip)]
    pub light_ground: bool,
    /// Whether it has to be armed before it may write: `auto` = unless all vendors are on this machine.
    pub production: Production,
    /// Minutes after which an armed console disarms by itself.
    pub armed_minutes: u32,
    /// Seconds for which a decision can still be stopped before it is sent; 0 = it is sent at once.
    pub send_after_seconds: u32,
    /// Personal data is hidden from the start, as by `M`.
    pub masked: bool,
}

/// Whether the vendors behind a console are real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Production {
    /// They are, unless all of them are on this machine: the sandbox, the demo.
    #[default]
    Auto,
    /// They are.
    Yes,
    /// They are not: a vendor's test account.
    No,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: "auto".to_owned(),
            ascii: false,
            mouse: true,
            reduced_motion: false,
            role: String::new(),
            typed_count_from: 25,
            restore: true,
            production: Production::Auto,
            armed_minutes: 15,
            send_after_seconds: 0,
            masked: false,
            themes: theme::Themes::default(),
            light_ground: false,
        }
    }
}

impl Settings {
    /// The theme the settings name. [`Settings::check`] has looked at it; without that it is `auto`.
    pub fn scheme(&self) -> theme::Scheme {
        self.themes.named(&self.theme).unwrap_or_default()
    }

    /// Refuses what makes no sense and a theme that is not there; names the setting.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=480).contains(&self.armed_minutes) {
            return Err(format!(
                "console.armed_minutes = {} is not between 1 and 480 minutes",
                self.armed_minutes
            ));
        }
        if self.send_after_seconds > 60 {
            return Err(format!(
                "console.send_after_seconds = {} is more than a minute; decisions would seem to be lost",
                self.send_after_seconds
            ));
        }
        self.themes.named(&self.theme).map(drop)
    }
}

#[cfg(test)]
mod tests;
