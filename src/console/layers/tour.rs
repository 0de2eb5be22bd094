//! A short tour: a small box at the bottom that says which key to press and what it is good for, and goes on once the
//! key was pressed.
//!
//! It lies over nothing that takes keys and takes none itself but Esc, when nothing else is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

use crate::console::actions::{Action, shown_key};
use crate::console::ctx::{Ctx, Target};
use crate::console::panes::Screen;
use crate::console::text::{put, span, tint, width, wipe, wrap};
use crate::console::widgets::boxes::Panel;

/// One stop.
struct Stop {
    /// What it points at: the tab of a screen, or nothing.
    tab: Option<Screen>,
    /// What any of these does goes on.
    goes_on: &'static [Action],
    /// The key to press.
    key: &'static str,
    /// What to do and why, in a sentence or two.
    says: &'static str,
}

const STOPS: [Stop; 8] = [
    Stop {
        tab: Some(Screen::Executions),
        goes_on: &[Action::Executions],
        key: "2",
        says: "shows the executions. Each is one run of one recipe for one record; what failed stands first and waits for you.",
    },
    Stop {
        tab: None,
        goes_on: &[Action::Down, Action::Up, Action::PageDown, Action::HalfDown, Action::Last],
        key: "j",
        says: "goes down the list. The box beside it says what happened, why, and what mends it, in the vendor's own words too.",
    },
    Stop {
        tab: None,
        goes_on: &[Action::Filter],
        key: "/",
        says: "filters while you type: error:auth, recipe:contact*, since:2h, or a name. Tab completes, Enter keeps it, Esc drops it.",
    },
    Stop {
        tab: Some(Screen::Conflicts),
        goes_on: &[Action::Conflicts],
        key: "3",
        says: "shows the conflicts: fields that both sides changed. Nothing overwrites anything; you take a side, or make a rule.",
    },
    Stop {
        tab: Some(Screen::Duplicates),
        goes_on: &[Action::Duplicates],
        key: "4",
        says: "shows the duplicates, surest first, with the evidence for each. m shows every call of a merge and what is lost before you say yes.",
    },
    Stop {
        tab: Some(Screen::Unlinked),
        goes_on: &[Action::Unlinked],
        key: "5",
        says: "shows people without a company, with ranked accounts and reasons. l links one, L everybody of the domain.",
    },
    Stop {
        tab: None,
        goes_on: &[Action::Palette],
        key: ":",
        says: "finds every action by a few letters, with its key, or why it cannot run now. Whatever writes asks first; only a capital Y says yes.",
    },
    Stop {
        tab: None,
        goes_on: &[Action::Help],
        key: "?",
        says: "shows all keys of where you are. This is the last stop: everything you do here happens to emulated vendors only.",
    },
];

/// Where a tour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tour {
    at: usize,
}

impl Tour {
    /// How many stops there are.
    pub const STOPS: usize = STOPS.len();

    /// At its first stop.
    pub const fn begin() -> Self {
        Self { at: 0 }
    }

    /// Something was done; none once the last stop's key was pressed.
    #[must_use]
    pub fn after(self, action: Action) -> Option<Self> {
        if !STOPS.get(self.at)?.goes_on.contains(&action) {
            return Some(self);
        }
        (self.at + 1 < STOPS.len()).then_some(Self { at: self.at + 1 })
    }

    /// Draws the box above the last row, and underlines the tab it speaks of.
    pub fn draw(self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let Some(stop) = STOPS.get(self.at) else { return };
        let theme = &ctx.theme;
        let wide = 66.min(area.width.saturating_sub(4));
        let cells = usize::from(wide.saturating_sub(4));
        let key = shown_key(stop.key);
        let mut lines = wrap(&format!("{key} {}", stop.says), cells);
        lines.truncate(4);
        let height = lines.len() as u16 + 2;
        if area.height < height + 8 {
            return;
        }
        let place = Rect::new(area.x + 2, area.bottom() - 1 - height, wide, height);
        wipe(buffer, place, theme.surface);
        let inner = Panel::titled(Line::from(span("Tour", theme.key)), true)
            .right(Line::from(span(format!("{} of {}", self.at + 1, STOPS.len()), theme.muted)))
            .bottom_right(Line::from(vec![span("Esc", theme.key), span(" ends it", theme.muted)]))
            .draw(theme, buffer, place);
        for (index, line) in lines.into_iter().enumerate() {
            let y = inner.y + index as u16;
            let line = match line.strip_prefix(key.as_str()).filter(|_| index == 0) {
                Some(rest) => {
                    ctx.target(
                        Rect::new(inner.x + 1, y, width(&key) as u16, 1),
                        Target::Key(stop.key.to_owned()),
                    );
                    Line::from(vec![span(key.clone(), theme.key), span(rest.to_owned(), theme.text)])
                }
                None => Line::from(span(line, theme.text)),
            };
            put(buffer, inner.x + 1, y, cells as u16, &line);
        }
        if let Some(tab) = stop.tab.and_then(|screen| ctx.place_of(&Target::Screen(screen))) {
            tint(buffer, tab, theme.key.add_modifier(Modifier::UNDERLINED));
        }
    }
}
