//! What comes back to the loop: answers go to the layer or pane that asked, results are said, changes load anew.

use super::App;
use super::results::Heard;
use crate::console::actions::Action;
use crate::console::effect::{Effect, Query};
use crate::console::layers::Told;
use crate::console::layers::toast::Tone;
use crate::console::msg::{Answer, Event, Loaded, Msg, Ticket};
use crate::console::panes::Screen;
use crate::console::text::counted;
use crate::journal::operate::Report;

impl App {
    /// Something came back, or happened by itself.
    pub fn event(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Loaded(ticket, loaded) => self.loaded(ticket, loaded),
            Event::Previewed(ticket, answer) => self.asked(Told::Previewed(ticket, answer)),
            Event::Proposed(ticket, answer) => self.asked(Told::Proposed(ticket, answer)),
            Event::LinkProposed(ticket, answer) => self.asked(Told::LinkProposed(ticket, answer)),
            Event::Explained(ticket, answer) => self.asked(Told::Explained(ticket, answer)),
            Event::CarriedOut(Ok(applied)) => {
                self.ended(true);
                self.sends(&applied.executions);
                let tone = if applied.refused.is_empty() { Tone::Good } else { Tone::Warning };
                self.toasts.push(self.ctx.now, tone, applied.sentence);
                self.results.follow(applied.executions);
                self.results.follow(applied.retried);
                self.refresh()
            }
            Event::CarriedOut(Err(why)) => {
                self.ended(false);
                self.refused(why)
            }
            Event::Decided(_, Ok(id)) => {
                self.sends(&[id]);
                self.toasts.push(
                    self.ctx.now,
                    Tone::Good,
                    format!("Decided. It is sent as {id}; 2 shows it."),
                );
                self.results.follow([id]);
                self.refresh()
            }
            Event::Parted(_, Ok(())) => {
                self.toasts.push(self.ctx.now, Tone::Good, "Noted: two different people.".to_owned());
                self.refresh()
            }
            Event::Judged(Ok(pair)) => {
                let (tone, words) = crate::console::panes::duplicates::told(&pair);
                self.toasts.push(self.ctx.now, tone, words);
                self.refresh()
            }
            Event::Decided(_, Err(why)) | Event::Parted(_, Err(why)) | Event::Judged(Err(why)) => {
                self.refused(why)
            }
            Event::Retried(answer) => {
                if let Ok(report) = &answer {
                    self.results.follow(report.queued.iter().copied());
                }
                self.reported(answer, "queued again")
            }
            Event::Discarded(answer) => self.reported(answer, "discarded"),
            Event::Edited(answer) => self.asked(Told::Edited(answer)),
            Event::Changed if self.ctx.paused => {
                self.missed = true;
                // Only the counters are read, to say how much waits.
                self.load_counts()
            }
            Event::Kept => Vec::new(),
            Event::Changed => self.refresh(),
            Event::Reach(Ok(())) => {
                if self.unreachable.take().is_some() {
                    self.refresh()
                } else {
                    Vec::new()
                }
            }
            Event::Reach(Err(why)) => {
                if self.unreachable.is_none() {
                    self.unreachable = Some((self.ctx.now, why));
                    return self.refresh();
                }
                Vec::new()
            }
            Event::Second => {
                self.toasts.expire(self.ctx.now);
                self.safety_second();
                let mut effects = self.keep_now_and_then();
                effects.extend(self.look_at_the_systems());
                effects
            }
            Event::Told(text) => {
                self.toasts.push(self.ctx.now, Tone::Good, text);
                Vec::new()
            }
            Event::Settings(settings, said) => self.settle_in(*settings, said),
            Event::Notice(text) => {
                self.toasts.push(self.ctx.now, Tone::Bad, text);
                Vec::new()
            }
        }
    }

    pub(super) fn loaded(&mut self, ticket: Ticket, loaded: Loaded) -> Vec<Effect> {
        if let Loaded::Execution(_, Ok(detail)) = &loaded {
            match self.results.answer(&self.ctx, ticket, detail.as_ref().map(|detail| &detail.execution)) {
                Heard::NotMine => {}
                Heard::Silent => return Vec::new(),
                Heard::Said(tone, text) => {
                    self.toasts.drop_passing();
                    self.toasts.push(self.ctx.now, tone, text);
                    return Vec::new();
                }
            }
        }
        let loaded = match self.layers.last_mut() {
            Some(layer) => match layer.loaded(&self.ctx, ticket, loaded) {
                Ok(effects) => return self.apply(effects),
                Err(loaded) => loaded,
            },
            None => loaded,
        };
        match loaded {
            Loaded::Counts(answer) => {
                if self.counts_asked == Some(ticket) {
                    self.counts_asked = None;
                    match answer {
                        Ok(counts) if self.ctx.paused => self.note_waiting(&counts),
                        Ok(counts) => self.counts = Some(counts),
                        Err(_) => {}
                    }
                    if std::mem::take(&mut self.counts_dirty) {
                        return self.load_counts();
                    }
                }
                Vec::new()
            }
            Loaded::Overview(_) | Loaded::Outlook(_) => {
                self.update_of(Screen::Overview, Msg::Loaded(ticket, loaded))
            }
            Loaded::Executions(_) | Loaded::Execution(..) => self.rows_of(Screen::Executions, ticket, loaded),
            Loaded::AboutExecutions(_) => self.update_of(Screen::Executions, Msg::Loaded(ticket, loaded)),
            Loaded::Keys(screen, _) => self.update_of(screen, Msg::Loaded(ticket, loaded)),
            // For a dialog that was closed.
            Loaded::Bulk(_) | Loaded::Export(_) | Loaded::Values(..) => Vec::new(),
            Loaded::Conflicts(_) => self.rows_of(Screen::Conflicts, ticket, loaded),
            Loaded::Duplicates(_) => self.rows_of(Screen::Duplicates, ticket, loaded),
            Loaded::Unlinked(_) => self.rows_of(Screen::Unlinked, ticket, loaded),
            Loaded::Recipes(_) => self.update_of(Screen::Recipes, Msg::Loaded(ticket, loaded)),
            Loaded::Health(_) => self.update_of(Screen::Health, Msg::Loaded(ticket, loaded)),
            Loaded::Audit(_) => self.update_of(Screen::Audit, Msg::Loaded(ticket, loaded)),
            Loaded::Reviews(told) => {
                let screen = told.screen();
                self.update_of(screen, Msg::Loaded(ticket, Loaded::Reviews(told)))
            }
            Loaded::Log(_) => self.update_of(Screen::Log, Msg::Loaded(ticket, loaded)),
            Loaded::Team(told) => self.hinted_at(ticket, *told),
            Loaded::Safety(told) => self.safety_told(*told),
        }
    }

    /// Rows for a list, whose selection may be one that was left in an earlier session.
    fn rows_of(&mut self, screen: Screen, ticket: Ticket, loaded: Loaded) -> Vec<Effect> {
        let mut effects = self.update_of(screen, Msg::Loaded(ticket, loaded));
        effects.extend(self.select_again(screen));
        effects
    }

    pub(super) fn refresh(&mut self) -> Vec<Effect> {
        let mut effects = self.load_counts();
        effects.extend(self.results.look(&self.ctx));
        effects.extend(self.update(Msg::Refresh));
        // The dot in the first row comes from the overview; on other screens now and then is enough.
        if self.screen != Screen::Overview && self.ctx.now.since(self.overview_at) > 5_000 {
            self.overview_at = self.ctx.now;
            effects.extend(self.update_of(Screen::Overview, Msg::Refresh));
        }
        effects
    }

    /// How the vendors fare is noted without a change of any row: the overview looks by itself while it is shown.
    fn look_at_the_systems(&mut self) -> Vec<Effect> {
        let due = self.ctx.now.since(self.overview_at) > 5_000;
        if self.screen != Screen::Overview || self.ctx.paused || self.unreachable.is_some() || !due {
            return Vec::new();
        }
        self.overview_at = self.ctx.now;
        self.update_of(Screen::Overview, Msg::Refresh)
    }

    /// An answer for the question that is on top; a late one goes nowhere.
    pub(super) fn asked(&mut self, told: Told) -> Vec<Effect> {
        if let Some(layer) = self.layers.last_mut() {
            layer.told(&self.ctx, told);
        }
        Vec::new()
    }

    pub(super) fn refused(&mut self, why: String) -> Vec<Effect> {
        self.toasts.push(self.ctx.now, Tone::Bad, why);
        self.refresh()
    }

    pub(super) fn reported(&mut self, answer: Answer<Report>, word: &str) -> Vec<Effect> {
        match answer {
            Err(why) => return self.refused(why),
            Ok(report) => {
                let done = report.queued.len() as u64;
                if done > 0 {
                    let text = format!("{} {word}.", counted(done, "execution"));
                    self.toasts.push(self.ctx.now, Tone::Good, text);
                    let effects = self.update_of(Screen::Executions, Msg::Act(Action::ClearMarks));
                    debug_assert!(!effects.iter().any(|effect| matches!(effect, Effect::Retry(_))));
                }
                if let Some((id, why)) = report.refused.first() {
                    let more = match report.refused.len() - 1 {
                        0 => String::new(),
                        more => format!(" And {more} more, each for its reason."),
                    };
                    self.toasts.push(self.ctx.now, Tone::Bad, format!("{id} was not {word}: {why}{more}"));
                }
            }
        }
        self.refresh()
    }

    pub(super) fn load_counts(&mut self) -> Vec<Effect> {
        if self.counts_asked.is_some() {
            self.counts_dirty = true;
            return Vec::new();
        }
        let ticket = self.ctx.ticket();
        self.counts_asked = Some(ticket);
        vec![Effect::Load(ticket, Query::Counts)]
    }
}
