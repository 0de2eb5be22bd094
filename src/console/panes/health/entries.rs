//! The lines of screen 7: one for each thing that can be well or not, with all there is to say of it and what mends it.
//!
//! Made anew from the facts whenever they change; nothing here draws, asks or acts.

mod connections;
mod limits;
mod sources;
mod work;

use ratatui::style::Style;

use super::asks::Facts;
use crate::console::ctx::Ctx;
use crate::console::panes::Screen;
use crate::console::theme::Theme;
use crate::domain::pause::PauseScope;

/// How a line stands, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nothing is known yet.
    Unknown,
    /// As it should be.
    Well,
    /// Set so by somebody.
    Held,
    /// Somebody should look.
    Warning,
    /// Somebody has to do something.
    Bad,
}

impl Level {
    /// Its glyph and style.
    pub(super) const fn look(self, theme: &Theme) -> (&'static str, Style) {
        match self {
            Self::Unknown => ("○", theme.muted),
            Self::Well => ("●", theme.ok),
            Self::Held => ("‖", theme.warn),
            Self::Warning => ("◐", theme.warn),
            Self::Bad => ("✗", theme.error),
        }
    }

    /// Its word, for where colour and glyph are not enough.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "not known yet",
            Self::Well => "well",
            Self::Held => "held",
            Self::Warning => "look at it",
            Self::Bad => "needs you",
        }
    }

    /// A level by how much of a limit is used.
    pub(super) fn of_share(share: f64) -> Self {
        if share >= 0.95 {
            Self::Bad
        } else if share >= 0.8 {
            Self::Warning
        } else {
            Self::Well
        }
    }
}

/// What `f` does for a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fix {
    /// There is nothing to mend.
    Nothing,
    /// Show rows of another screen.
    Go(Screen, String),
    /// Show another line of this screen.
    Line(String),
    /// End a pause, or look at a connection now; how many wait for it.
    Resume(PauseScope, u64),
    /// Copy the command that mends it.
    Run(String),
}

/// A piece of what is said of a line.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// A paragraph.
    Say(String, Style),
    /// A word and what belongs to it.
    Fact(String, String, Style),
    /// A gauge: its word, how much is used, the numbers.
    Gauge(String, f64, String),
    /// A sparkline: its word, the numbers, what stands right of it.
    Spark(String, Vec<u64>, String),
    /// A heading.
    Head(&'static str),
    /// A blank line.
    Blank,
}

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its stable name: another screen opens it by that.
    pub(super) key: String,
    /// The group it stands in.
    pub(super) section: &'static str,
    /// How it stands.
    pub(super) level: Level,
    /// What it is.
    pub(super) name: String,
    /// How it is, in a few words.
    pub(super) state: String,
    /// The number that tells most, right-aligned.
    pub(super) number: String,
    /// Everything else.
    pub(super) parts: Vec<Part>,
    /// What mends it, as a phrase behind `f`; empty when nothing is to be mended.
    pub(super) mends: String,
    /// What `f` does.
    pub(super) fix: Fix,
    /// The rows behind it.
    pub(super) rows: Option<(Screen, String)>,
    /// The command that tells or does the same.
    pub(super) command: String,
}

impl Entry {
    fn new(key: impl Into<String>, section: &'static str, name: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            section,
            level: Level::Well,
            name: name.into(),
            state: String::new(),
            number: String::new(),
            parts: Vec::new(),
            mends: String::new(),
            fix: Fix::Nothing,
            rows: None,
            command: String::new(),
        }
    }

    /// Worse, if it is.
    fn at_least(&mut self, level: Level) {
        self.level = self.level.max(level);
    }

    /// What mends it; the first that is said stays.
    fn mended_by(&mut self, words: impl Into<String>, fix: Fix) {
        if self.fix == Fix::Nothing {
            self.mends = words.into();
            self.fix = fix;
        }
    }

    fn say(&mut self, text: impl Into<String>, style: Style) {
        self.parts.push(Part::Say(text.into(), style));
    }

    fn fact(&mut self, word: impl Into<String>, text: impl Into<String>, style: Style) {
        self.parts.push(Part::Fact(word.into(), text.into(), style));
    }

    fn head(&mut self, title: &'static str) {
        if !self.parts.is_empty() {
            self.parts.push(Part::Blank);
        }
        self.parts.push(Part::Head(title));
    }

    /// Whether each word of a filter stands somewhere in it; one that begins with `-` must not.
    pub(super) fn matches(&self, words: &[(bool, String)]) -> bool {
        let text =
            format!("{} {} {} {} {}", self.key, self.section, self.name, self.state, self.level.word());
        let text = text.to_lowercase();
        words.iter().all(|(negated, word)| text.contains(word) != *negated)
    }
}

/// All lines, in the order of their groups.
pub(super) fn of(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let mut entries = connections::of(ctx, facts);
    entries.extend(limits::of(ctx, facts));
    entries.extend(sources::of(ctx, facts));
    entries.extend(work::of(ctx, facts));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_wants_every_word_and_refuses_those_it_must_not_have() {
        let entry = Entry::new("limit/hubspot/general/day", "Limits", "HubSpot day");
        let words = |text: &[(bool, &str)]| -> Vec<(bool, String)> {
            text.iter().map(|(not, word)| (*not, (*word).to_owned())).collect()
        };
        assert!(entry.matches(&words(&[(false, "hubspot"), (false, "day")])));
        assert!(entry.matches(&[]));
        assert!(!entry.matches(&words(&[(false, "hubspot"), (true, "limits")])));
        assert!(!entry.matches(&words(&[(false, "salesforce")])));
    }

    #[test]
    fn a_limit_warns_at_80_and_alarms_at_95_percent() {
        let levels = [0.79, 0.8, 0.949, 0.95, 2.0].map(Level::of_share);
        assert_eq!(levels, [Level::Well, Level::Warning, Level::Warning, Level::Bad, Level::Bad]);
    }
}
