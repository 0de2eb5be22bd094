//! Every colour of the console, by role: one accent that means focus, three states, three weights of text.
//!
//! Colour never stands alone: a state has its glyph and word too, so the theme without colour loses nothing. The
//! ground is the terminal's own; where a background is set here, the foreground is set with it.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::domain::error_class::ErrorClass;
use crate::domain::execution::Status;
use crate::domain::overview::Health;

/// Which theme is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// As the terminal seems to be.
    #[default]
    Auto,
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// No colour: bold, underline and reverse.
    Mono,
}

impl Scheme {
    /// The next one, for the key that goes round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto | Self::Mono => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::Mono,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Mono => "mono",
        }
    }
}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// Sixteen million colours.
    pub truecolor: bool,
    /// The ground is light, by `COLORFGBG`.
    pub light: bool,
}

impl Terminal {
    /// Reads `NO_COLOR`, `COLORTERM` and `COLORFGBG`.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let ground = variable("COLORFGBG").rsplit(';').next().and_then(|part| part.parse::<u8>().ok());
        Self {
            no_color: !variable("NO_COLOR").is_empty(),
            truecolor: matches!(variable("COLORTERM").as_str(), "truecolor" | "24bit"),
            light: matches!(ground, Some(7 | 9..=15)),
        }
    }
}

/// The styles of every role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theme {
    /// Which scheme it came out as.
    pub scheme: Scheme,
    /// Facts.
    pub text: Style,
    /// The thing itself: a name, a count, a decision.
    pub bold: Style,
    /// Labels, units, time.
    pub muted: Style,
    /// Borders and rules; never text that must be read.
    pub faint: Style,
    /// Focus.
    pub accent: Style,
    /// A key to press.
    pub key: Style,
    /// It is well.
    pub ok: Style,
    /// It waits or warns.
    pub warn: Style,
    /// It failed.
    pub error: Style,
    /// Laid over the selected row.
    pub selection: Style,
    /// The ground of dialogs.
    pub surface: Style,
    /// The tab of the present screen, the button with the focus.
    pub tab: Style,
    /// Laid over everything behind a dialog.
    pub dimmed: Style,
    /// A vendor's own words.
    pub quote: Style,
    /// Borders of the focused box are heavy, because colour cannot say it.
    pub heavy: bool,
}

impl Theme {
    /// The theme for a scheme on a terminal.
    pub fn new(scheme: Scheme, terminal: Terminal) -> Self {
        let scheme = match scheme {
            _ if terminal.no_color => Scheme::Mono,
            Scheme::Auto if terminal.light => Scheme::Light,
            Scheme::Auto => Scheme::Dark,
            other => other,
        };
        match scheme {
            Scheme::Mono => Self::mono(),
            _ if !terminal.truecolor => Self::sixteen(scheme),
            Scheme::Light => Self::full(
                scheme,
                [
                    0x001f_2430,
                    0x005a_6372,
                    0x00b9_c0cb,
                    0x000b_3aa8,
                    0x0008_715f,
                    0x008a_5f00,
                    0x009c_0f1a,
                    0x00dc_e8fb,
                    0x00f3_f5f8,
                    0x00ff_ffff,
                ],
            ),
            _ => Self::full(
                Scheme::Dark,
                [
                    0x00d8_dce3,
                    0x0098_a1b0,
                    0x004a_5262,
                    0x007e_9ef6,
                    0x004f_e3c1,
                    0x00f0_cf57,
                    0x00ff_7059,
                    0x0027_344d,
                    0x001d_222b,
                    0x0010_141b,
                ],
            ),
        }
    }

    /// text, muted, faint, accent, ok, warn, error, selection, surface, text on the accent.
    fn full(scheme: Scheme, colours: [u32; 10]) -> Self {
        let [text, muted, faint, accent, ok, warn, error, selection, surface, on_accent] =
            colours.map(Color::from_u32);
        let fg = |colour| Style::new().fg(colour);
        Self {
            scheme,
            text: fg(text),
            bold: fg(text).add_modifier(Modifier::BOLD),
            muted: fg(muted),
            faint: fg(faint),
            accent: fg(accent),
            key: fg(accent).add_modifier(Modifier::BOLD),
            ok: fg(ok),
            warn: fg(warn),
            error: fg(error),
            selection: Style::new().bg(selection),
            surface: fg(text).bg(surface),
            tab: fg(on_accent).bg(accent).add_modifier(Modifier::BOLD),
            dimmed: fg(faint).remove_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            quote: fg(muted).add_modifier(Modifier::ITALIC),
            heavy: false,
        }
    }

    fn sixteen(scheme: Scheme) -> Self {
        let plain = Style::new();
        let dim = plain.add_modifier(Modifier::DIM);
        let accent = plain.fg(Color::Cyan);
        Self {
            scheme,
            text: plain,
            bold: plain.add_modifier(Modifier::BOLD),
            muted: dim,
            faint: dim,
            accent,
            key: accent.add_modifier(Modifier::BOLD),
            ok: plain.fg(Color::Green),
            warn: plain.fg(Color::Yellow),
            error: plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            selection: plain.fg(Color::Reset).add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM),
            surface: plain,
            tab: accent.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            dimmed: Style::new().fg(Color::Reset).add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD),
            quote: dim.add_modifier(Modifier::ITALIC),
            heavy: false,
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            scheme: Scheme::Mono,
            text: plain,
            bold,
            muted: plain,
            faint: plain.add_modifier(Modifier::DIM),
            accent: bold,
            key: bold.add_modifier(Modifier::UNDERLINED),
            ok: plain,
            warn: bold,
            error: bold,
            selection: plain.add_modifier(Modifier::REVERSED),
            surface: plain,
            tab: bold.add_modifier(Modifier::REVERSED),
            dimmed: plain.add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD | Modifier::REVERSED),
            quote: plain.add_modifier(Modifier::ITALIC),
            heavy: true,
        }
    }

    /// The style of a status.
    pub const fn status(&self, status: Status) -> Style {
        match status {
            Status::Succeeded => self.ok,
            Status::Failed => self.error,
            Status::Retrying | Status::InDoubt | Status::Held => self.warn,
            Status::Running => self.accent,
            Status::Pending | Status::Skipped | Status::Discarded => self.muted,
        }
    }

    /// The style of an HTTP status or of a failure's class.
    pub fn code(&self, code: Option<u16>, class: Option<ErrorClass>) -> Style {
        match (code, class) {
            (Some(429 | 503), _) => self.warn,
            (Some(200..400), None) => self.text,
            (_, Some(_)) | (Some(400..), _) => self.error,
            _ => self.muted,
        }
    }

    /// Glyph and style of a connection's health.
    pub const fn health(&self, health: Health) -> (&'static str, Style) {
        match health {
            Health::Up => ("●", self.ok),
            Health::Degraded => ("◐", self.warn),
            Health::Down => ("✗", self.error),
            Health::Unknown => ("○", self.muted),
        }
    }
}

/// The ASCII stand-in of one of our glyphs; none for anything else, so that names keep their letters.
#[expect(clippy::match_same_arms, reason = "a table reads better one glyph to a line")]
pub fn ascii(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "╭" | "╮" | "╰" | "╯" | "┏" | "┓" | "┗" | "┛" => "+",
        "─" | "━" => "-",
        "│" | "┃" => "|",
        "▌" => ">",
        "○" => "o",
        "◐" => "%",
        "✓" => "v",
        "–" | "—" | "−" => "-",
        "↻" => "~",
        "✗" => "x",
        "‖" | "≠" => "=",
        "×" => "X",
        "≈" => "#",
        "∅" => "0",
        "●" => "*",
        "…" => ".",
        "·" => ".",
        "→" => ">",
        "←" => "<",
        "↑" | "▲" => "^",
        "↓" | "▼" => "v",
        "⇄" => "=",
        "█" | "▆" | "▇" | "▅" | "▒" => "#",
        "▄" | "▃" => "=",
        "▂" | "▁" => "_",
        "“" | "”" => "\"",
        "▏" => "|",
        _ => return None,
    })
}
