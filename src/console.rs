//! The console: a terminal face over the journal. See what failed, understand why, decide, mend.
//!
//! One loop (`run`) owns the state (`app`); panes and layers turn what happens into effects; `perform` carries the
//! effects out in tasks that answer on one queue. It reads the journal and asks the operator module; it never calls
//! a vendor, never writes SQL and never waits inside the loop. Read `app`, then one of `panes`.

pub mod actions;
pub mod app;
pub mod crash;
pub mod ctx;
pub mod effect;
pub mod first_run;
pub mod footer;
pub mod hints;
pub mod idle;
pub mod keys;
pub mod layers;
pub mod links;
pub mod msg;
pub mod panes;
pub mod perform;
pub mod run;
pub mod session;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod widgets;
pub mod wishes;

pub use actions::key_table_markdown;
pub use run::{Console, Home, Reload, World, run};
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
    /// Begin with the screen, filters and selection that were left last time.
    pub restore: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: theme::Scheme::Auto, ascii: false, mouse: true, role: String::new(), restore: true }
    }
}

#[cfg(test)]
mod tests;
