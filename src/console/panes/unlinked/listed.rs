//! What the list of unlinked people can show of a row, and what the keys do to many marked ones. Decides nothing itself.

use std::time::Duration;

use super::Unlinked;
use crate::console::actions::Action;
use crate::console::bulk::Deed;
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::layers::bulk::Bulk;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::panes::Focus;
use crate::console::text::thousands;
use crate::console::widgets::list::{Column, Kind};
use crate::domain::filter::Column as By;
use crate::domain::links::LinkVerdict;

pub(super) const COLUMNS: [Column; 10] = [
    Column::new("CONTACT", Kind::Words, 26).named("contact", "the person").sorts(By::Person),
    Column::new("DOMAIN", Kind::Words, 24).named("domain", "the e-mail domain").drops(2).sorts(By::Domain),
    Column::new("PEERS", Kind::Number, 7).named("of-domain", "how many of the domain").drops(1),
    Column::new("BEST", Kind::Number, 7).named("best", "how sure the best company is").sorts(By::Score),
    Column::new("AGE", Kind::Number, 4).named("age", "since when it is known").drops(3).sorts(By::Age),
    Column::new("COMPANY", Kind::Words, 22).named("company", "the best company").drops(4).hides(),
    Column::new("OWNER", Kind::Id, 12)
        .named("owner", "whose person it is in the CRM")
        .drops(6)
        .sorts(By::Owner)
        .hides(),
    Column::new("RECORD", Kind::Id, 14)
        .named("record", "the contact in the CRM")
        .drops(7)
        .sorts(By::Record)
        .hides(),
    Column::new("STATE", Kind::Words, 9).named("state", "where it stands").drops(8).sorts(By::Status).hides(),
    Column::new("ID", Kind::Words, 8).named("id", "its number").drops(9).sorts(By::Id).hides(),
];

/// It can be done to many people at once.
pub(super) const fn on_many(action: Action) -> bool {
    matches!(action, Action::Link | Action::NoneFits | Action::LinkUnsure | Action::LinkLater)
}

impl Unlinked {
    /// Keys are about the marked rows: from the list, where some are marked.
    pub(super) fn many_marked(&self) -> bool {
        self.focus == Focus::List && self.window.marked() > 0
    }

    /// What a key does to the marked people; none when it is not about several.
    pub(super) fn many(&self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        if !self.many_marked() {
            return None;
        }
        let chosen = self.window.several()?;
        let deed = match action {
            Action::Link => Deed::Link,
            Action::NoneFits => Deed::Person(LinkVerdict::NoneFits),
            Action::LinkUnsure => Deed::Person(LinkVerdict::Unsure),
            Action::LinkLater => {
                let entries = [("a day", 1), ("a week", 7), ("four weeks", 28)]
                    .into_iter()
                    .map(|(words, days)| {
                        let until = ctx.now.plus(Duration::from_secs(days * 24 * 3600));
                        let deed = Deed::Person(LinkVerdict::Later(until));
                        Entry {
                            words: format!("leave them alone for {words}"),
                            pending: Pending::Bulk { deed, chosen: chosen.clone() },
                        }
                    })
                    .collect();
                let title = format!("{} marked: later", thousands(chosen.count()));
                let label = "Each comes back at once when the evidence changes.".to_owned();
                return Some(vec![Effect::Offer(Box::new(Menu::new(title, label, entries)))]);
            }
            _ => return None,
        };
        Some(vec![Bulk::open(deed, chosen)])
    }
}
