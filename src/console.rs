//! The console: a terminal face over the journal. See what failed, understand why, decide, mend.
//!
//! One loop (`run`) owns the state (`app`); panes and layers turn what happens into effects; `perform` carries the
//! effects out in tasks that answer on one queue. It reads the journal and asks the operator module; it never calls
//! a vendor, never writes SQL and never waits inside the loop. Read `app`, then one of `panes`.

pub mod actions;
pub mod app;
pub mod ctx;
pub mod effect;
pub mod footer;
pub mod idle;
pub mod keys;
pub mod layers;
pub mod links;
pub mod mask;
pub mod msg;
pub mod panes;
pub mod perform;
pub mod run;
pub mod safety;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod undo;
pub mod widgets;
pub mod wishes;

pub use actions::key_table_markdown;
pub use run::{Console, World, run};
pub use terminal::{enter, leave, settle_scheme};

use serde::Deserialize;

/// How the console looks and behaves; the `[console]` table of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `auto`, `dark`, `light` or `mono`.
    pub theme: theme::Scheme,
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// Take clicks and the wheel; off leaves them to the terminal.
    pub mouse: bool,
    /// The role whose conflicts `i` shows, as the mapping's `decides` names it; empty = none.
    pub role: String,
    /// Whether it has to be armed before it may write: `auto` = unless all vendors are on this machine.
    pub production: Production,
    /// Minutes after which an armed console disarms by itself.
    pub armed_minutes: u32,
    /// From so many records on the count has to be typed before they are changed together; 0 = never.
    pub typed_count_from: u32,
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

impl Settings {
    /// Refuses what makes no sense; names the setting.
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
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: theme::Scheme::Auto,
            ascii: false,
            mouse: true,
            role: String::new(),
            production: Production::Auto,
            armed_minutes: 15,
            typed_count_from: 50,
            send_after_seconds: 0,
            masked: false,
        }
    }
}

#[cfg(test)]
mod tests;
