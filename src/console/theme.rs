//! Every colour of the console, by role: one accent that means focus, three states, three weights of text.
//!
//! Colour never stands alone: a state has its glyph and word too, so the theme without colour loses nothing. The
//! ground is the terminal's own; where a background is set here, the foreground is set with it.

pub mod palette;

use ratatui::style::{Color, Modifier, Style};

pub use palette::{Palette, Rgb, ThemeError};

use crate::domain::error_class::ErrorClass;
use crate::domain::execution::Status;
use crate::domain::overview::Health;

/// Which theme is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// As the terminal seems to be.
    #[default]
    Auto,
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// Light text on black, nothing below a contrast of 7.
    HighContrast,
    /// Black text on white, nothing below a contrast of 7.
    HighContrastLight,
    /// On a dark ground, with states that eyes without red, green or blue tell apart.
    ColourBlind,
    /// The same on a light ground.
    ColourBlindLight,
    /// No colour: bold, underline and reverse.
    Mono,
    /// The user's own, by its place among them.
    Own(usize),
}

impl Scheme {
    /// Those that come with Reknit, in the order of the key that goes round.
    pub const SHIPPED: [Self; 8] = [
        Self::Auto,
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::HighContrastLight,
        Self::ColourBlind,
        Self::ColourBlindLight,
        Self::Mono,
    ];

    /// Its word; that of the user's own stands with its colours.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::HighContrastLight => "high-contrast-light",
            Self::ColourBlind => "colour-blind",
            Self::ColourBlindLight => "colour-blind-light",
            Self::Mono => "mono",
            Self::Own(_) => "own",
        }
    }
}

/// Every theme there is: those that come with Reknit and those of the user's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Themes {
    /// The user's own, by name.
    pub own: Vec<(String, Palette)>,
}

impl Themes {
    /// The scheme of a name, or all names there are.
    pub fn named(&self, name: &str) -> Result<Scheme, String> {
        if let Some(at) = self.own.iter().position(|(own, _)| own == name) {
            return Ok(Scheme::Own(at));
        }
        let shipped = Scheme::SHIPPED.into_iter().find(|scheme| scheme.as_str() == name);
        shipped.ok_or_else(|| {
            let mut known: Vec<&str> = Scheme::SHIPPED.iter().map(|scheme| scheme.as_str()).collect();
            known.extend(self.own.iter().map(|(name, _)| name.as_str()));
            format!(
                "console.theme = \"{name}\": there is no such theme; known are {}, and what lies in the folder themes \
                 beside the settings, as NAME.toml",
                known.join(", ")
            )
        })
    }

    /// The name of a scheme.
    pub fn name(&self, scheme: Scheme) -> &str {
        match scheme {
            Scheme::Own(at) => self.own.get(at).map_or("own", |(name, _)| name),
            scheme => scheme.as_str(),
        }
    }

    /// The scheme after one, for the key that goes round.
    pub fn after(&self, scheme: Scheme) -> Scheme {
        let shipped = Scheme::SHIPPED.iter().copied().skip(1);
        let all: Vec<Scheme> = shipped.chain((0..self.own.len()).map(Scheme::Own)).collect();
        let at = all.iter().position(|one| *one == scheme).map_or(0, |at| (at + 1) % all.len());
        all[at]
    }

    /// The styles of a scheme on a terminal.
    pub fn theme(&self, scheme: Scheme, terminal: Terminal) -> Theme {
        match scheme {
            Scheme::Own(at) if !terminal.no_color => match self.own.get(at) {
                Some((_, palette)) => Theme::of(scheme, palette, terminal),
                None => Theme::new(Scheme::Auto, terminal),
            },
            scheme => Theme::new(scheme, terminal),
        }
    }
}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none excludes another")]
pub struct Terminal {
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// Sixteen million colours.
    pub truecolor: bool,
    /// The 256 colours of xterm.
    pub indexed: bool,
    /// The ground is light, by `COLORFGBG`.
    pub light: bool,
}

impl Terminal {
    /// Reads `NO_COLOR`, `COLORTERM`, `TERM` and `COLORFGBG`.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let ground = variable("COLORFGBG").rsplit(';').next().and_then(|part| part.parse::<u8>().ok());
        let term = variable("TERM");
        Self {
            no_color: !variable("NO_COLOR").is_empty(),
            truecolor: matches!(variable("COLORTERM").as_str(), "truecolor" | "24bit"),
            indexed: term.contains("256color") || term.ends_with("-direct"),
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
    /// What is painted behind everything: only where the theme is for another ground than the terminal's, as on the
    /// way through all themes by key. Else the terminal keeps its own.
    pub ground: Option<Color>,
}

/// A theme for a light ground in a dark terminal, and the other way round, brings its ground along.
fn ground(scheme: Scheme, palette: &Palette, terminal: Terminal) -> Option<Color> {
    let light = palette.text.is_dark();
    let other = !matches!(scheme, Scheme::Auto | Scheme::Mono) && light != terminal.light;
    let rgb = if light { Rgb(0xff, 0xff, 0xff) } else { Rgb(0x18, 0x18, 0x18) };
    other.then(|| rgb.colour(terminal.truecolor))
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
            scheme => Self::of(scheme, &Palette::shipped(scheme), terminal),
        }
    }

    /// The theme of some colours, as far as the terminal has them.
    fn of(scheme: Scheme, palette: &Palette, terminal: Terminal) -> Self {
        if !terminal.truecolor && !terminal.indexed {
            return Self::sixteen(scheme);
        }
        let colour = |rgb: Rgb| rgb.colour(terminal.truecolor);
        let fg = |rgb| Style::new().fg(colour(rgb));
        // The eye that needs contrast gets its borders and its focus without relying on a shade.
        let heavy = matches!(scheme, Scheme::HighContrast | Scheme::HighContrastLight);
        Self {
            scheme,
            text: fg(palette.text),
            bold: fg(palette.text).add_modifier(Modifier::BOLD),
            muted: fg(palette.muted),
            faint: fg(palette.faint),
            accent: fg(palette.accent),
            key: fg(palette.accent).add_modifier(Modifier::BOLD),
            ok: fg(palette.ok),
            warn: fg(palette.warn),
            error: fg(palette.error),
            selection: Style::new().bg(colour(palette.selection)),
            surface: fg(palette.text).bg(colour(palette.surface)),
            tab: fg(palette.on_accent).bg(colour(palette.accent)).add_modifier(Modifier::BOLD),
            dimmed: fg(palette.faint).remove_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            quote: fg(palette.muted).add_modifier(Modifier::ITALIC),
            heavy,
            ground: ground(scheme, palette, terminal),
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
            ground: None,
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
            ground: None,
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
        "─" => "-",
        // Heavier than a rule: what is full of a gauge, and the box with the focus.
        "━" => "=",
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
        "→" | "›" => ">",
        "←" | "‹" => "<",
        "↔" => "=",
        "└" => "`",
        "■" => "#",
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
