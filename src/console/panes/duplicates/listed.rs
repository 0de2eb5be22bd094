//! What the list of duplicates can show of a row, and what the keys do to many marked ones. Decides nothing itself.

use std::time::Duration;

use super::Duplicates;
use crate::console::actions::Action;
use crate::console::bulk::Deed;
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::layers::bulk::Bulk;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::panes::Focus;
use crate::console::text::counted;
use crate::console::widgets::list::{Column, Kind};
use crate::domain::filter::Column as By;

pub(super) const COLUMNS: [Column; 7] = [
    Column::new("SURE", Kind::Number, 7).named("sure", "how sure the evidence is").sorts(By::Score),
    Column::new("NAME", Kind::Words, 28).named("name", "the person or organisation").sorts(By::Person),
    Column::new("WHERE", Kind::Words, 12)
        .named("where", "the system, and how many records")
        .drops(1)
        .sorts(By::Members),
    Column::new("AGE", Kind::Number, 4).named("age", "since when it is known").drops(2).sorts(By::Age),
    Column::new("RECORD", Kind::Id, 14)
        .named("record", "the older record")
        .drops(4)
        .sorts(By::Record)
        .hides(),
    Column::new("STATE", Kind::Words, 9).named("state", "where it stands").drops(3).sorts(By::Status).hides(),
    Column::new("ID", Kind::Words, 8).named("id", "its number").drops(5).sorts(By::Id).hides(),
];

impl Duplicates {
    /// Keys are about the marked rows: from the list, where some are marked.
    pub(super) fn many_marked(&self) -> bool {
        self.focus == Focus::List && self.window.marked() > 0
    }

    /// What a key does to the marked rows; none when it is not about several.
    pub(super) fn many(&self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        if !self.many_marked() {
            return None;
        }
        let chosen = self.window.several()?;
        let deed = match action {
            Action::Distinct => Deed::Different,
            Action::Unsure => Deed::Unsure,
            Action::PutOff => {
                let days = |days: u64| Some(ctx.now.plus(Duration::from_secs(days * 24 * 3600)));
                let rows = [
                    ("for a day", days(1)),
                    ("for a week", days(7)),
                    ("for four weeks", days(28)),
                    ("until one of the compared fields changes", None),
                ];
                let entries = rows
                    .into_iter()
                    .map(|(words, until)| Entry {
                        words: format!("put them off {words}"),
                        pending: Pending::Bulk { deed: Deed::PutOff(until), chosen: chosen.clone() },
                    })
                    .collect();
                let title = format!("{}: later", counted(chosen.count(), "marked pair"));
                let label = "Each comes back at once when one of its compared fields changes.".to_owned();
                return Some(vec![Effect::Offer(Box::new(Menu::new(title, label, entries)))]);
            }
            _ => return None,
        };
        Some(vec![Bulk::open(deed, chosen)])
    }
}
