//! Who works on what: the keys that say so on the marked items or the selected one, and the hints that are shown.

use super::App;
use crate::console::actions::Action;
use crate::console::bulk::{Deed, Hint as Left, goes_through};
use crate::console::effect::Effect;
use crate::console::hints::Told;
use crate::console::layers::assign::Assign;
use crate::console::layers::bulk::Bulk;
use crate::console::layers::comment::Comment;
use crate::console::layers::take_over::TakeOver;
use crate::console::layers::{Layer, Over};
use crate::console::msg::Ticket;
use crate::console::panes::listing::Chosen;
use crate::console::wishes::Wish;
use crate::console::wishes::team::Wish as TeamWish;
use crate::domain::team::Item;

/// Marked items that are hinted at in one go, without a dialog that counts them first.
const AT_ONCE: usize = 200;

impl App {
    /// What a hint would be left on.
    fn hinted(&self) -> Vec<Item> {
        self.shown().items().iter().filter_map(|id| id.parse().ok()).collect()
    }

    /// Whether there is anything here that hints are left on.
    pub(super) fn can_hint(&self) -> Result<(), String> {
        if self.hinted().is_empty() {
            return Err("only on an execution, a conflict, a duplicate or an unlinked person".to_owned());
        }
        Ok(())
    }

    /// The marked rows, where they are too many for one go or most of them were never loaded.
    fn hinted_many(&self) -> Option<Chosen> {
        if !goes_through(self.screen) {
            return None;
        }
        let list = self.shown().list().filter(|list| list.marked() > 0)?;
        match list.subject() {
            Chosen::These(keys) if keys.len() <= AT_ONCE => None,
            chosen => Some(chosen),
        }
    }

    /// The keys of this subject, on many rows: each goes through the machine of every bulk.
    fn hint_many(&mut self, action: Action, chosen: Chosen) -> Vec<Effect> {
        let (screen, hints) = (self.screen, &self.ctx.hints);
        let over = |layer: Box<dyn Layer>| Effect::Over(Over(layer));
        let effect = match action {
            Action::Claim => {
                let loaded = self.shown().loaded_items();
                let mut marked = self.hinted();
                marked.retain(|item| loaded.contains(item));
                let hint = if hints.all_mine(&self.ctx, &marked) { Left::GiveBack } else { Left::Claim };
                Bulk::open(Deed::Hint(screen, hint), chosen)
            }
            Action::Assign => over(Box::new(Assign::of_many(screen, chosen, hints.me()))),
            _ => over(Box::new(Comment::on_many(screen, chosen))),
        };
        self.apply(vec![effect])
    }

    /// The keys of this subject.
    pub(super) fn hint(&mut self, action: Action) -> Vec<Effect> {
        if let Some(chosen) = self.hinted_many() {
            return self.hint_many(action, chosen);
        }
        let items = self.hinted();
        let wish = |wish| vec![Effect::Do(Box::new(Wish::Team(wish)))];
        let effects = match action {
            Action::Claim => {
                let hints = &self.ctx.hints;
                if hints.all_mine(&self.ctx, &items) {
                    wish(TeamWish::GiveBack(items))
                } else if let (Some((item, claim)), [_]) =
                    (hints.claimed(&self.ctx, &items), items.as_slice())
                {
                    let asks = TakeOver::new(item, claim.clone());
                    vec![Effect::Over(Over(Box::new(asks)))]
                } else {
                    wish(TeamWish::Claim { items, over: false })
                }
            }
            Action::Assign => {
                let hints = &self.ctx.hints;
                let who = |item: &Item| Some(hints.on(*item)?.assignee.as_ref()?.who.clone());
                let mut names: Vec<Option<String>> = items.iter().map(who).collect();
                names.dedup();
                let now = if names.len() == 1 { names.remove(0) } else { None };
                let asks = Assign::new(items, hints.me(), now);
                vec![Effect::Over(Over(Box::new(asks)))]
            }
            Action::Comment => vec![Effect::Over(Over(Box::new(Comment::new(items))))],
            _ => Vec::new(),
        };
        self.apply(effects)
    }

    /// Asks for the hints on the rows in memory, when those are others than before or may have changed.
    pub(super) fn look_for_hints(&mut self, again: bool) -> Vec<Effect> {
        let (items, selected) = (self.shown().loaded_items(), self.shown().selected());
        let screen = self.screen;
        let ticket = self.ctx.ticket();
        self.ctx.hints.look(ticket, screen, items, selected, again).into_iter().collect()
    }

    /// Takes the hints in that were asked for.
    pub(super) fn hinted_at(&mut self, ticket: Ticket, told: Told) -> Vec<Effect> {
        if self.ctx.hints.take(ticket, told) { self.look_for_hints(true) } else { Vec::new() }
    }
}
