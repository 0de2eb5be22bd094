//! Sharing the screen: personal data gives way to pseudonyms that stay the same for a session and mean nothing after it.
//!
//! Nothing decides what is personal by where it is drawn, because one forgotten place would be a leak. Instead every
//! answer is read on its way in, the values that records hold of people are remembered ([`Learnt`]), and every text is
//! looked through before it is measured, cut or copied ([`Veil::hide`], called by `text`). What the answers did not
//! name is caught by its shape: e-mails, phone numbers, members of JSON with a personal name. At last the whole frame
//! is looked through once more, because a word drawn letter by letter passes no other place as a word.
//!
//! A pseudonym is a keyed hash of the value; the key is random and never leaves the memory. Values written into
//! records are never touched: only what is drawn or copied.

mod find;
mod learn;

pub use find::Veil;
pub use learn::{Kind, Learnt, learn};

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ring::rand::{SecureRandom, SystemRandom};

use crate::domain::clock::Timestamp;

/// Seconds for which one value is shown on a masked screen.
pub const REVEALED_SECONDS: u64 = 10;

/// Values remembered for one kind of answer before old ones are let go.
const ROOM: usize = 8_000;
/// Answers of a kind whose values are never let go: a list keeps rows of at most so many in memory.
const KEPT: u64 = 16;

/// What was learnt from one kind of answer, and with which of them it came last.
#[derive(Debug, Default)]
struct Shelf {
    values: HashMap<(Kind, Box<str>), u64>,
    answers: u64,
}

/// Whether personal data is hidden, and what is known to be personal.
#[derive(Debug, Default)]
pub struct Mask {
    on: bool,
    key: [u8; 32],
    shelves: HashMap<&'static str, Shelf>,
    revealed: Option<(Vec<String>, Timestamp)>,
    veil: RefCell<Option<Rc<Veil>>>,
}

impl Mask {
    /// Personal data is hidden.
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Hides personal data from now on; false when the system gives no random key and nothing can be hidden.
    pub fn hide(&mut self) -> bool {
        if self.key == [0; 32] && SystemRandom::new().fill(&mut self.key).is_err() {
            return false;
        }
        self.on = true;
        self.veil.take();
        true
    }

    /// Shows everything again.
    pub fn show(&mut self) {
        self.on = false;
        self.revealed = None;
        self.veil.take();
    }

    /// Shows these values for a time.
    pub fn reveal(&mut self, values: Vec<String>, until: Timestamp) {
        self.revealed = Some((values, until));
        self.veil.take();
    }

    /// Hides again what was shown for a time, once that is over.
    pub fn expire(&mut self, now: Timestamp) {
        if self.revealed.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.revealed = None;
            self.veil.take();
        }
    }

    /// Until when something is shown.
    pub fn revealed_until(&self) -> Option<Timestamp> {
        self.revealed.as_ref().map(|(_, until)| *until)
    }

    /// Remembers what an answer told of people.
    pub fn learn(&mut self, learnt: Learnt) {
        let shelf = self.shelves.entry(learnt.from).or_default();
        shelf.answers += 1;
        let mut fresh = false;
        for (kind, value) in learnt.values {
            fresh |= shelf.values.insert((kind, value), shelf.answers).is_none();
        }
        if shelf.values.len() > ROOM {
            let oldest = shelf.answers.saturating_sub(KEPT);
            shelf.values.retain(|_, answer| *answer > oldest);
        }
        if fresh {
            self.veil.take();
        }
    }

    /// What hides; none while everything may be seen.
    pub fn veil(&self) -> Option<Rc<Veil>> {
        if !self.on {
            return None;
        }
        let mut veil = self.veil.borrow_mut();
        let veil = veil.get_or_insert_with(|| {
            let values = self.shelves.values().flat_map(|shelf| shelf.values.keys());
            let revealed = self.revealed.as_ref().map_or(&[][..], |(values, _)| values);
            Rc::new(Veil::new(self.key, values.map(|(kind, value)| (*kind, &**value)), revealed))
        });
        Some(Rc::clone(veil))
    }

    /// A text as it may be copied.
    pub fn copied(&self, text: String) -> String {
        match self.veil() {
            Some(veil) => veil.hide(&text).into_owned(),
            None => text,
        }
    }
}

thread_local! {
    /// What hides while a frame is drawn. Every drawing function of every pane and layer ends in `text`, whose callers
    /// would all have to hand it through; one that forgot would leak, and that is what this is for.
    static DRAWN_UNDER: RefCell<Option<Rc<Veil>>> = const { RefCell::new(None) };
}

/// Draws under a veil, and looks through the frame once more at the end.
pub fn under(veil: Option<Rc<Veil>>, buffer: &mut Buffer, draw: impl FnOnce(&mut Buffer)) {
    struct Lifted;
    impl Drop for Lifted {
        fn drop(&mut self) {
            DRAWN_UNDER.with(|drawn| drawn.borrow_mut().take());
        }
    }
    let Some(veil) = veil else { return draw(buffer) };
    DRAWN_UNDER.with(|drawn| *drawn.borrow_mut() = Some(Rc::clone(&veil)));
    {
        let _lifted = Lifted;
        draw(buffer);
    }
    veil.hide_rest(buffer);
}

/// Looks through what was drawn so far: what is laid over it would leave pieces of a value beside it that nobody knows
/// for a part of one.
pub(super) fn before_more_is_laid_over(buffer: &mut Buffer) {
    if let Some(veil) = drawn_under() {
        veil.hide_rest(buffer);
    }
}

/// The veil that is drawn under, for `text`.
pub(super) fn drawn_under() -> Option<Rc<Veil>> {
    DRAWN_UNDER.with(|drawn| drawn.borrow().clone())
}

#[cfg(test)]
mod tests;
