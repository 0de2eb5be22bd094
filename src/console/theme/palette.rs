//! The colours a theme is made of: the shipped ones, those of the user's own TOML files, and their stand-ins on a
//! terminal with 256 colours.
//!
//! Ten colours and nothing else: which of them a border or a key gets is `theme`'s word. A file whose text could not
//! be read on its own ground is refused; it never falls back to other colours in silence.

use ratatui::style::Color;
use serde::Deserialize;

use super::Scheme;

/// Text on one of our grounds has at least this contrast (WCAG 2, large text); the shipped ones keep 4.5.
const LEAST_CONTRAST: f64 = 3.0;

/// The colours of one theme, each as 24 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Facts.
    pub text: Rgb,
    /// Labels, units, time.
    pub muted: Rgb,
    /// Borders and rules.
    pub faint: Rgb,
    /// Focus and keys.
    pub accent: Rgb,
    /// It is well.
    pub ok: Rgb,
    /// It waits or warns.
    pub warn: Rgb,
    /// It failed.
    pub error: Rgb,
    /// The ground of the selected row.
    pub selection: Rgb,
    /// The ground of dialogs.
    pub surface: Rgb,
    /// Text on the accent.
    pub on_accent: Rgb,
}

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rgb(pub u8, pub u8, pub u8);

impl TryFrom<String> for Rgb {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.map(Self::of).ok_or_else(|| format!("\"{text}\" is no colour; write \"#7e9ef6\""))
    }
}

impl Rgb {
    /// From `0xRRGGBB`.
    const fn of(number: u32) -> Self {
        let [_, red, green, blue] = number.to_be_bytes();
        Self(red, green, blue)
    }

    /// Nearer to black than to white.
    pub const fn is_dark(self) -> bool {
        (self.0 as u32 * 3 + self.1 as u32 * 6 + self.2 as u32) < 1_275
    }

    /// As the terminal is told: itself, or the nearest of the 240 fixed colours of a 256-colour terminal. The first 16
    /// are never used: their looks are the user's.
    pub const fn colour(self, truecolor: bool) -> Color {
        if truecolor { Color::Rgb(self.0, self.1, self.2) } else { Color::Indexed(self.nearest()) }
    }

    const fn nearest(self) -> u8 {
        let (mut best, mut least, mut index) = (16, u32::MAX, 16_u32);
        while index < 256 {
            let far = self.distance(Self::indexed(index as u8));
            if far < least {
                (best, least) = (index as u8, far);
            }
            index += 1;
        }
        best
    }

    /// One of the fixed colours, as xterm defines them: a cube of six steps, then 24 greys.
    const fn indexed(index: u8) -> Self {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        if index >= 232 {
            let grey = 8 + (index - 232) * 10;
            return Self(grey, grey, grey);
        }
        let at = index - 16;
        Self(STEPS[(at / 36) as usize], STEPS[(at / 6 % 6) as usize], STEPS[(at % 6) as usize])
    }

    /// Squared distance, green weighing most as the eye does.
    const fn distance(self, other: Self) -> u32 {
        const fn square(a: u8, b: u8) -> u32 {
            let by = a.abs_diff(b) as u32;
            by * by
        }
        2 * square(self.0, other.0) + 4 * square(self.1, other.1) + 3 * square(self.2, other.2)
    }

    /// Relative luminance, 0 to 1, as WCAG 2 defines it.
    fn luminance(self) -> f64 {
        let part = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.0) + 0.7152 * part(self.1) + 0.0722 * part(self.2)
    }

    /// Contrast with another colour, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }
}

/// What a theme file may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: Option<String>,
    #[serde(default)]
    colours: Colours,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Colours {
    text: Option<Rgb>,
    muted: Option<Rgb>,
    faint: Option<Rgb>,
    accent: Option<Rgb>,
    ok: Option<Rgb>,
    warn: Option<Rgb>,
    error: Option<Rgb>,
    selection: Option<Rgb>,
    surface: Option<Rgb>,
    on_accent: Option<Rgb>,
}

/// Why a theme file is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ThemeError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Palette {
    /// The colours of a shipped scheme; those of `auto` are the dark ones.
    pub const fn shipped(scheme: Scheme) -> Self {
        // Text, muted, faint, accent, ok, warn, error, selection, surface, text on the accent. The three states keep
        // apart for eyes without red, green or blue cones (simulated after Machado, Oliveira and Fernandes 2009): by
        // 33 or more in CIELAB in `colour-blind`, by 24 in `dark`.
        let colours = match scheme {
            Scheme::Light => [
                0x1f_2430, 0x5a_6372, 0x85_8d9a, 0x0b_3aa8, 0x08_715f, 0x8a_5f00, 0x9c_0f1a, 0xdc_e8fb,
                0xf3_f5f8, 0xff_ffff,
            ],
            Scheme::HighContrast => [
                0xff_ffff, 0xd4_d9e2, 0x9a_a3b2, 0xaf_eafd, 0x65_f644, 0xfd_f89d, 0xfe_bda6, 0x00_3a75,
                0x00_0000, 0x00_0000,
            ],
            Scheme::HighContrastLight => [
                0x00_0000, 0x33_383f, 0x6a_7280, 0x25_045f, 0x23_466d, 0x4e_4901, 0x50_1721, 0xcf_e3ff,
                0xff_ffff, 0xff_ffff,
            ],
            Scheme::ColourBlind => [
                0xe4_e7ec, 0xa3_abb9, 0x62_6d82, 0xa6_92fe, 0x03_ebf9, 0xed_f035, 0xea_816f, 0x2b_3550,
                0x1b_2029, 0x10_141b,
            ],
            Scheme::ColourBlindLight => [
                0x1c_2129, 0x53_5c6a, 0x85_8d9a, 0x4b_0b7b, 0x2b_698e, 0x6d_650f, 0x50_0b1a, 0xe3_e6f5,
                0xf3_f5f8, 0xff_ffff,
            ],
            Scheme::Auto | Scheme::Dark | Scheme::Mono | Scheme::Own(_) => [
                0xd8_dce3, 0x98_a1b0, 0x64_6e83, 0x7e_9ef6, 0x4f_e3c1, 0xf0_cf57, 0xff_7059, 0x27_344d,
                0x1d_222b, 0x10_141b,
            ],
        };
        let [text, muted, faint, accent, ok, warn, error, selection, surface, on_accent] = colours;
        Self {
            text: Rgb::of(text),
            muted: Rgb::of(muted),
            faint: Rgb::of(faint),
            accent: Rgb::of(accent),
            ok: Rgb::of(ok),
            warn: Rgb::of(warn),
            error: Rgb::of(error),
            selection: Rgb::of(selection),
            surface: Rgb::of(surface),
            on_accent: Rgb::of(on_accent),
        }
    }

    /// A theme file: `base = "dark"` and, under `[colours]`, what is to be other than there.
    pub fn parse(text: &str) -> Result<Self, ThemeError> {
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let file: File = toml::from_str(text).map_err(|error| ThemeError {
            line: line_of(error.span().map_or(0, |span| span.start)),
            why: error.message().trim().to_owned(),
        })?;
        let named = |name: &str| text.lines().position(|line| line.trim_start().starts_with(name));
        let base = file.base.as_deref().unwrap_or("dark");
        let shipped = Scheme::SHIPPED.into_iter().find(|scheme| scheme.as_str() == base);
        let Some(base) = shipped.filter(|scheme| !matches!(scheme, Scheme::Auto | Scheme::Mono)) else {
            let known: Vec<&str> = Scheme::SHIPPED.iter().map(|scheme| scheme.as_str()).skip(1).collect();
            return Err(ThemeError {
                line: named("base").unwrap_or(0) + 1,
                why: format!("there is no theme \"{base}\" to begin with; known are {}", known.join(", ")),
            });
        };
        let (base, own) = (Self::shipped(base), file.colours);
        let palette = Self {
            text: own.text.unwrap_or(base.text),
            muted: own.muted.unwrap_or(base.muted),
            faint: own.faint.unwrap_or(base.faint),
            accent: own.accent.unwrap_or(base.accent),
            ok: own.ok.unwrap_or(base.ok),
            warn: own.warn.unwrap_or(base.warn),
            error: own.error.unwrap_or(base.error),
            selection: own.selection.unwrap_or(base.selection),
            surface: own.surface.unwrap_or(base.surface),
            on_accent: own.on_accent.unwrap_or(base.on_accent),
        };
        match palette.unreadable() {
            None => Ok(palette),
            Some((name, ground, contrast)) => Err(ThemeError {
                line: named(name).or_else(|| named(ground)).unwrap_or(0) + 1,
                why: format!(
                    "{name} on {ground} has a contrast of {contrast:.1}: at least {LEAST_CONTRAST} is needed to be read"
                ),
            }),
        }
    }

    /// The first text that cannot be read on a ground of ours.
    fn unreadable(&self) -> Option<(&'static str, &'static str, f64)> {
        let texts = [
            ("text", self.text),
            ("muted", self.muted),
            ("accent", self.accent),
            ("ok", self.ok),
            ("warn", self.warn),
            ("error", self.error),
        ];
        let grounds = [("selection", self.selection), ("surface", self.surface)];
        let pairs = texts.into_iter().flat_map(|text| grounds.into_iter().map(move |ground| (text, ground)));
        pairs
            .chain([(("on_accent", self.on_accent), ("accent", self.accent))])
            .map(|((name, text), (ground, under))| (name, ground, text.contrast(under)))
            .find(|(_, _, contrast)| *contrast < LEAST_CONTRAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_themes_can_be_read_on_every_ground_of_theirs() {
        for scheme in Scheme::SHIPPED {
            let palette = Palette::shipped(scheme);
            let least = if scheme.as_str().starts_with("high-contrast") { 7.0 } else { 4.5 };
            let grounds = [palette.selection, palette.surface];
            for text in [palette.text, palette.muted, palette.accent, palette.ok, palette.warn, palette.error]
            {
                for ground in grounds {
                    assert!(text.contrast(ground) >= least, "{scheme:?}: {text:?} on {ground:?}");
                }
            }
            assert!(palette.on_accent.contrast(palette.accent) >= 4.5, "{scheme:?}");
        }
    }

    #[test]
    fn the_terminals_own_ground_carries_them_too_and_borders_are_seen_on_all_of_them() {
        // Black and white, and what terminals and editors ship as dark and light.
        let (dark, light) = ([0x00_0000, 0x1e_1e1e], [0xff_ffff, 0xfa_fafa]);
        for scheme in Scheme::SHIPPED {
            let palette = Palette::shipped(scheme);
            let own = if palette.text.luminance() > 0.5 { dark } else { light }.map(Rgb::of);
            for ground in own {
                for text in
                    [palette.text, palette.muted, palette.accent, palette.ok, palette.warn, palette.error]
                {
                    assert!(text.contrast(ground) >= 4.5, "{scheme:?}: {text:?} on {ground:?}");
                }
            }
            // Also what lies dimmed behind a dialog: it can still be told.
            for ground in own.into_iter().chain([palette.surface]) {
                let contrast = palette.faint.contrast(ground);
                assert!(contrast >= 3.0, "{scheme:?}: borders on {ground:?} have {contrast:.2}");
            }
        }
    }

    #[test]
    fn a_file_says_only_what_is_other_than_in_its_base() {
        let palette = Palette::parse("base = \"light\"\n[colours]\naccent = \"#7a1fa2\"\n").expect("valid");
        assert_eq!(palette.accent, Rgb(0x7a, 0x1f, 0xa2));
        assert_eq!(palette.text, Palette::shipped(Scheme::Light).text);
    }

    #[test]
    fn a_file_that_is_wrong_is_refused_by_its_line() {
        for (text, line, part) in [
            ("base = \"drak\"\n", 1, "dark"),
            ("[colours]\ntext = \"red\"\n", 2, "#7e9ef6"),
            ("[colours]\ntxet = \"#ffffff\"\n", 2, "txet"),
            ("base = \"dark\"\n[colours]\nerror = \"#202020\"\n", 3, "contrast"),
        ] {
            let error = Palette::parse(text).expect_err("refused");
            assert_eq!(error.line, line, "{error}");
            assert!(error.why.contains(part), "{error}");
        }
    }

    #[test]
    fn two_hundred_and_fifty_six_colours_come_near_and_leave_the_users_sixteen_alone() {
        assert_eq!(Rgb(255, 255, 255).colour(false), Color::Indexed(231));
        assert_eq!(Rgb(8, 8, 8).colour(false), Color::Indexed(232));
        for scheme in Scheme::SHIPPED {
            let palette = Palette::shipped(scheme);
            for colour in [palette.text, palette.error, palette.selection, palette.surface] {
                assert!(colour.nearest() >= 16);
            }
        }
    }
}
