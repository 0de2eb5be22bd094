//! Arming, taking back, hiding and showing: what belongs to no screen and stands above all of them.
//!
//! Enforces nothing of its own where the operator module does; here it is shown, asked and said.

use std::time::Duration;

use crossterm::event::KeyEvent;

use ratatui::style::Style;

use super::App;
use crate::console::actions::{Action, Row};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::Over;
use crate::console::layers::calls::Calls;
use crate::console::layers::confirm::{Confirm, Pending, Then};
use crate::console::layers::toast::Tone;
use crate::console::layers::undo::UndoList;
use crate::console::mask::{Mask, REVEALED_SECONDS};
use crate::console::safety::{Ask, Told};
use crate::console::undo::Undo;
use crate::console::wishes::Wish;
use crate::console::wishes::safety::Wish as SafetyWish;
use crate::domain::clock::Timestamp;
use crate::domain::ids::ExecutionId;
use crate::engine::operate::guard::Gate;
use crate::engine::operate::past::{Done, Way};

/// Keys and clicks of the time right after the terminal got the focus were meant for another window.
const SETTLING_MILLISECONDS: i64 = 300;

/// What stands above the screens.
#[derive(Debug, Default)]
pub(super) struct Safety {
    pub(super) mask: Mask,
    undo: Undo,
    gate: Option<Gate>,
    focused_at: Option<Timestamp>,
    /// What is sent when its moment has come, and when that is.
    sending: Option<(Vec<ExecutionId>, Timestamp)>,
    /// What is to be shown once its audit line is written.
    revealing: Vec<String>,
}

impl App {
    /// The same console behind an operator's gate.
    #[must_use]
    pub fn behind(mut self, gate: Option<Gate>) -> Self {
        self.safety.gate = gate;
        if self.settings.masked {
            self.safety.mask.hide();
        }
        self
    }

    /// Something was done through the operator.
    pub fn did(&mut self, done: Done) {
        self.safety.undo.push(done);
    }

    /// What people were named in an answer; before the answer itself is handled.
    pub fn learn(&mut self, learnt: crate::console::mask::Learnt) {
        self.safety.mask.learn(learnt);
    }

    /// Personal data is hidden.
    pub fn masked(&self) -> bool {
        self.safety.mask.is_on()
    }

    /// A text as it may leave this screen.
    pub fn copied(&self, text: String) -> String {
        self.safety.mask.copied(text)
    }

    /// Why nothing may be written at this moment.
    pub(super) fn disarmed(&self) -> Option<String> {
        let gate = self.safety.gate.as_ref()?;
        match gate.open_until(self.ctx.now) {
            Some(_) => None,
            None => Some(format!("disarmed: ! arms for {} minutes", self.settings.armed_minutes)),
        }
    }

    /// An action that writes.
    pub(super) fn writes(row: &Row) -> bool {
        row.operation.is_some() || row.danger
    }

    /// What the last row says of it, the gravest first.
    pub(super) fn safety_words(&self) -> String {
        if let Some((_, until)) = &self.safety.sending
            && *until > self.ctx.now
        {
            let seconds = (until.since(self.ctx.now) + 999) / 1000;
            return format!("sent in {seconds} s: u undoes, Enter sends now");
        }
        match &self.safety.gate {
            None => String::new(),
            Some(gate) => match gate.open_until(self.ctx.now) {
                None => "disarmed: ! arms".to_owned(),
                Some(until) => {
                    let minutes = (until.since(self.ctx.now) + 59_999) / 60_000;
                    format!("armed {minutes} min")
                }
            },
        }
    }

    /// What the first row says while personal data is hidden.
    pub(super) fn mask_badge(&self) -> Option<(String, Style)> {
        if !self.safety.mask.is_on() {
            return None;
        }
        let theme = &self.ctx.theme;
        let shown = self.safety.mask.revealed_until().filter(|until| *until > self.ctx.now);
        Some(match shown {
            Some(until) => (format!("shown {} s", (until.since(self.ctx.now) + 999) / 1000), theme.error),
            None => ("masked".to_owned(), theme.warn),
        })
    }

    /// The terminal got the focus.
    pub(super) fn focused(&mut self) {
        self.safety.focused_at = Some(self.ctx.now);
    }

    /// Keys and clicks are not meant for us yet.
    pub(super) fn settling(&self) -> bool {
        self.safety.focused_at.is_some_and(|at| self.ctx.now.since(at) < SETTLING_MILLISECONDS)
    }

    /// A second went by.
    pub(super) fn safety_second(&mut self) {
        self.safety.mask.expire(self.ctx.now);
        if self.safety.sending.as_ref().is_some_and(|(_, until)| *until <= self.ctx.now) {
            self.safety.sending = None;
        }
    }

    /// While something waits to be sent, `u` stops it and Enter sends it, wherever one is.
    pub(super) fn sending_key(&mut self, key: KeyEvent) -> Option<Vec<Effect>> {
        let now = self.ctx.now;
        let (ids, _) = self.safety.sending.as_ref().filter(|(_, until)| *until > now)?;
        match keys::name(key).as_deref() {
            Some("u") => {
                self.safety.sending = None;
                Some(self.act(Action::UndoLast))
            }
            Some("Enter") => {
                let wish = Wish::Safety(SafetyWish::SendNow(ids.clone()));
                self.safety.sending = None;
                Some(vec![Effect::Do(Box::new(wish))])
            }
            _ => None,
        }
    }

    /// Decisions were recorded; they wait for a moment where the settings say so.
    pub(super) fn sends(&mut self, ids: &[ExecutionId]) {
        let wait = u64::from(self.settings.send_after_seconds);
        if wait > 0 && !ids.is_empty() {
            self.safety.sending = Some((ids.to_vec(), self.ctx.now.plus(Duration::from_secs(wait))));
        }
    }

    /// What was wished for was done, or not.
    pub(super) fn ended(&mut self, well: bool) {
        self.safety.undo.ended(well);
    }

    /// Whether one of these actions can run now.
    pub(super) fn can_safety(&self, action: Action) -> Result<(), String> {
        let no = |why: &str| Err(why.to_owned());
        match action {
            Action::Arm if self.read_only => no("this Reknit runs read-only; start it without --read-only"),
            Action::Arm if self.safety.gate.is_none() => {
                no("this workspace is no production, so it is always armed (console.production)")
            }
            Action::UndoLast if self.safety.undo.newest().is_none() => {
                no("nothing was done in this session that is not taken back")
            }
            Action::UndoList if self.safety.undo.list().is_empty() => {
                no("nothing was done in this session yet")
            }
            // A file outlives the moment in which somebody looks on, and pseudonyms in it would be of no use.
            Action::Export if self.safety.mask.is_on() => {
                no("personal data is hidden, and a file would hold it; M shows it again first")
            }
            Action::Reveal if !self.safety.mask.is_on() => no("nothing is hidden; M hides personal data"),
            Action::Reveal if self.shown().personal().is_none() => {
                no("nothing that names a person is selected")
            }
            _ => Ok(()),
        }
    }

    /// Runs one of these actions; none when it is not one of them.
    pub(super) fn act_safety(&mut self, action: Action) -> Option<Vec<Effect>> {
        let effects = match action {
            Action::Arm => {
                if self.disarmed().is_none() {
                    vec![Effect::Do(Box::new(Wish::Safety(SafetyWish::Disarm)))]
                } else {
                    let minutes = self.settings.armed_minutes;
                    let wish = Wish::Safety(SafetyWish::Arm(minutes));
                    vec![Effect::Confirm(Box::new(Pending::Grave {
                        title: format!("Arm for {minutes} minutes"),
                        lines: vec![
                            format!(
                                "{} is production. Armed, what you confirm here is written to the vendors.",
                                self.title
                            ),
                            "It disarms by itself; ! disarms it at once. Both stand in the audit log."
                                .to_owned(),
                        ],
                        verb: "Arm",
                        demand: None,
                        then: Then::Do(Box::new(wish)),
                    }))]
                }
            }
            Action::UndoLast => {
                let entry = self.safety.undo.newest()?;
                let ask = Ask::Way(entry.number, Box::new(entry.done.clone()));
                vec![Effect::Load(self.ctx.ticket(), Query::Safety(ask))]
            }
            Action::UndoList => {
                vec![Effect::Over(Over(Box::new(UndoList::new(self.safety.undo.list()))))]
            }
            Action::Mask if self.safety.mask.is_on() => vec![Effect::Confirm(Box::new(Pending::Grave {
                title: "Show personal data again".to_owned(),
                lines: vec![
                    "Whoever sees this screen sees names, e-mails and phone numbers from then on.".to_owned(),
                ],
                verb: "Show",
                demand: None,
                then: Then::Unmask,
            }))],
            Action::Mask => {
                let text = if self.safety.mask.hide() {
                    "Personal data is hidden, on the clipboard too. K shows what is selected for 10 s, M shows all."
                } else {
                    "Nothing is hidden: the system gives no random key to make pseudonyms with."
                };
                let tone = if self.safety.mask.is_on() { Tone::Good } else { Tone::Bad };
                vec![Effect::Toast(tone, text.to_owned())]
            }
            Action::Reveal => {
                let (object, values) = self.shown().personal()?;
                self.safety.revealing = values;
                vec![Effect::Load(self.ctx.ticket(), Query::Safety(Ask::Reveal(object)))]
            }
            Action::Calls => vec![Effect::Over(Over(Box::new(Calls::default())))],
            _ => return None,
        };
        Some(self.apply(effects))
    }

    /// Everything may be seen again.
    pub(super) fn unmask(&mut self) {
        self.safety.mask.show();
        self.toasts.push(self.ctx.now, Tone::Warning, "Personal data is shown again.".to_owned());
    }

    /// An answer about what was done or hidden.
    pub(super) fn safety_told(&mut self, told: Told) -> Vec<Effect> {
        match told {
            Told::Reveal(Ok(())) => {
                let values = std::mem::take(&mut self.safety.revealing);
                let until = self.ctx.now.plus(Duration::from_secs(REVEALED_SECONDS));
                self.safety.mask.reveal(values, until);
                Vec::new()
            }
            Told::Reveal(Err(why)) | Told::Way(_, Err(why)) => self.refused(why),
            Told::Ways(_) => Vec::new(),
            Told::Way(number, Ok(way)) => {
                let Some(done) = self.safety.undo.get(number).map(|entry| entry.done.clone()) else {
                    return Vec::new();
                };
                match way {
                    Way::None(why) => {
                        let text = format!("Cannot take back: {}; {why}.", done.what);
                        self.toasts.push(self.ctx.now, Tone::Warning, text);
                        Vec::new()
                    }
                    Way::AtOnce(_) => {
                        if let Some(why) = self.disarmed() {
                            self.toasts.push(
                                self.ctx.now,
                                Tone::Warning,
                                format!("Cannot take back: {why}."),
                            );
                            return Vec::new();
                        }
                        self.safety.undo.sends(number);
                        vec![Effect::Do(Box::new(Wish::Safety(SafetyWish::TakeBack(Box::new(done)))))]
                    }
                    Way::Decide(decision) => {
                        self.safety.undo.expects(number, (*decision).clone());
                        let title = format!("Take back: {}", done.what);
                        let pending = Pending::Decide { decision: *decision, title };
                        let (layer, effect) = Confirm::open(&self.ctx, pending);
                        self.layers.push(Box::new(layer));
                        effect.into_iter().collect()
                    }
                }
            }
        }
    }
}
