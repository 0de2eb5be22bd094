//! What every pane and layer may know while it updates or draws: time, theme, size, tickets, and where the mouse
//! would hit. No pane reaches another one through it.

use std::cell::{Cell, RefCell};

use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::hints::Hints;
use super::msg::Ticket;
use super::outside::{self, Outside, Window};
use super::panes::Screen;
use super::theme::Theme;
use crate::domain::clock::Timestamp;

/// From when on somebody asks what the screen is waiting for.
const MISSED_MILLISECONDS: i64 = 150;

/// What lies under the mouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A screen's tab in the first row.
    Screen(Screen),
    /// Row `n` of the visible part of the pane's list.
    Row(usize),
    /// The list box, beside its rows.
    List,
    /// The detail box.
    Detail,
    /// The border between list and detail, which can be dragged.
    Divider,
    /// Tab `n` of the detail.
    Tab(usize),
    /// Choice `n` of the detail, from 0.
    Choice(usize),
    /// A key hint: as if it were pressed.
    Key(String),
}

/// The surroundings of every update and draw.
#[derive(Debug)]
pub struct Ctx {
    /// The time of this update or frame.
    pub now: Timestamp,
    /// Every style.
    pub theme: Theme,
    /// For clock times.
    pub zone: TimeZone,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Since when this screen is shown.
    pub shown_at: Timestamp,
    /// Live refresh is off.
    pub paused: bool,
    /// From which probability on duplicates are shown, and from which they count as certain.
    pub thresholds: (f64, f64),
    /// Who works on what, as far as rows in memory go.
    pub hints: Hints,
    /// What is known beside the journal.
    pub outside: Window,
    /// Nothing is to move by itself.
    pub reduced_motion: bool,
    /// The list's share of the width in hundredths, once the operator chose one.
    pub share: Option<u16>,
    /// From how many rows on a bulk wants its count typed.
    pub typed_count_from: u64,
    /// How many rows the list that was drawn last has, and whether there are more than that.
    pub found: Cell<Option<(u64, bool)>>,
    targets: RefCell<Vec<(Rect, Target)>>,
    tickets: Cell<u64>,
}

impl Ctx {
    /// Surroundings at the start.
    pub fn new(now: Timestamp, theme: Theme, zone: TimeZone, size: (u16, u16)) -> Self {
        Self {
            now,
            theme,
            zone,
            size,
            shown_at: now,
            paused: false,
            thresholds: (0.5, 0.995),
            hints: Hints::default(),
            outside: outside::still(Outside::default()),
            reduced_motion: false,
            share: None,
            typed_count_from: 25,
            found: Cell::new(None),
            targets: RefCell::default(),
            tickets: Cell::new(0),
        }
    }

    /// A number for a question; its answer carries it, so that a late one is known.
    pub fn ticket(&self) -> Ticket {
        self.tickets.set(self.tickets.get() + 1);
        Ticket(self.tickets.get())
    }

    /// Remembers what was drawn where; later ones lie on top.
    pub fn target(&self, area: Rect, target: Target) {
        self.targets.borrow_mut().push((area, target));
    }

    /// Remembers a key hint, if it is one key.
    pub fn target_key(&self, area: Rect, key: &str) {
        self.target(area, Target::Key(key.to_owned()));
    }

    /// Forgets what the last frame drew.
    pub fn clear_targets(&self) {
        self.targets.borrow_mut().clear();
    }

    /// Where something was drawn in this frame.
    pub fn place_of(&self, what: &Target) -> Option<Rect> {
        self.targets.borrow().iter().find(|(_, target)| target == what).map(|(area, _)| *area)
    }

    /// What lies at a place. The divider goes before the two boxes whose borders it is.
    pub fn hit(&self, x: u16, y: u16) -> Option<Target> {
        let targets = self.targets.borrow();
        let here = || {
            targets.iter().rev().filter(|(area, _)| {
                x >= area.left() && x < area.right() && y >= area.top() && y < area.bottom()
            })
        };
        let divider = here().find(|(_, target)| *target == Target::Divider);
        divider.or_else(|| here().next()).map(|(_, target)| target.clone())
    }

    /// What a box without an answer says, once the answer is late enough to be missed; words that came and went at
    /// every change of the screen would only flicker.
    pub fn reading(&self) -> Option<(&'static str, Style, String)> {
        (self.now.since(self.shown_at) >= MISSED_MILLISECONDS).then(|| {
            (
                "○",
                self.theme.muted,
                "Reading the journal…\nWhat it says appears here by itself; every key works meanwhile."
                    .to_owned(),
            )
        })
    }

    /// Only one pane fits.
    pub const fn narrow(&self) -> bool {
        self.size.0 < 100
    }

    /// Local clock time: `14:03:02`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.local(at, "%H:%M:%S")
    }

    /// Local day or, today, clock time: `14:03`, `2 Oct`, `12 Mar 2024`.
    pub fn day(&self, at: Timestamp) -> String {
        let day = |at| self.local(at, "%-d %b %Y");
        if day(at) == day(self.now) {
            return self.local(at, "%H:%M");
        }
        if self.local(at, "%Y") == self.local(self.now, "%Y") { self.local(at, "%-d %b") } else { day(at) }
    }

    /// For rows: the clock time today, else the day.
    pub fn moment(&self, at: Timestamp) -> String {
        let date = |at| self.local(at, "%Y-%m-%d");
        if date(at) == date(self.now) {
            return self.clock(at);
        }
        if self.local(at, "%Y") == self.local(self.now, "%Y") {
            self.local(at, "%-d %b")
        } else {
            self.local(at, "%-d.%-m.%y")
        }
    }

    /// Date, time and zone, for the detail.
    pub fn full(&self, at: Timestamp) -> String {
        self.local(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    fn local(&self, at: Timestamp, format: &str) -> String {
        jiff::Timestamp::from_millisecond(at.0).map_or_else(
            |_| at.0.to_string(),
            |instant| instant.to_zoned(self.zone.clone()).strftime(format).to_string(),
        )
    }
}
