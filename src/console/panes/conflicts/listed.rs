//! What the list of conflicts can show of a row, and what the keys do to many marked ones. Decides nothing itself.
//!
//! Marked rows are decided here one by one and sent together; all that match a filter, most of them never loaded, are
//! decided in a bulk.

use std::time::Duration;

use super::Conflicts;
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
use crate::domain::review::Choice;

pub(super) const COLUMNS: [Column; 11] = [
    Column::new("IS", Kind::Words, 3).named("is", "decided here, or how it stands"),
    Column::new("RECORD", Kind::Words, 26).named("record", "the person or organisation").sorts(By::Person),
    Column::new("FIELD", Kind::Words, 20)
        .named("field", "the field in conflict")
        .at_least(11)
        .sorts(By::Field),
    Column::new("STATE", Kind::Words, 20)
        .named("state", "where it stands, and why")
        .drops(1)
        .sorts(By::Status),
    Column::new("AGE", Kind::Number, 4).named("age", "since when it is known").sorts(By::Age),
    Column::new("INTERCOM", Kind::Words, 20).named("left", "Intercom's value").drops(3).hides(),
    Column::new("CRM", Kind::Words, 20).named("right", "the CRM's value").drops(2).hides(),
    Column::new("DECIDES", Kind::Words, 12)
        .named("decides", "the role that decides")
        .drops(4)
        .sorts(By::Role)
        .hides(),
    Column::new("WHY", Kind::Words, 18).named("why", "why it is held back").drops(5).sorts(By::Kind).hides(),
    Column::new("CRM ID", Kind::Id, 14)
        .named("crm-record", "the record in the CRM")
        .drops(6)
        .sorts(By::Record)
        .hides(),
    Column::new("ID", Kind::Words, 8).named("id", "its number").drops(7).sorts(By::Id).hides(),
];

impl Conflicts {
    /// The key is about all that match the filter, or puts several off.
    pub(super) fn by_filter(&self, action: Action) -> bool {
        let decides = matches!(action, Action::TakeLeft | Action::TakeRight | Action::ClearBoth);
        self.focus == Focus::List
            && ((decides && self.window.marks_all()) || (action == Action::Later && self.window.marked() > 0))
    }

    /// What a key does to many rows; none when it is not about many.
    pub(super) fn many(&self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        if !self.by_filter(action) {
            return None;
        }
        let chosen = self.window.several()?;
        let choice = match action {
            Action::TakeLeft => Choice::Left,
            Action::TakeRight => Choice::Right,
            Action::ClearBoth => Choice::Clear,
            _ => {
                let hours = |hours: u64| Some(ctx.now.plus(Duration::from_secs(hours * 3600)));
                let rows = [
                    ("for a day", hours(24)),
                    ("for a week", hours(7 * 24)),
                    ("for four weeks", hours(28 * 24)),
                    ("until one of the values changes", None),
                ];
                let entries = rows
                    .into_iter()
                    .map(|(words, until)| Entry {
                        words: format!("leave them alone {words}"),
                        pending: Pending::Bulk { deed: Deed::Leave(until), chosen: chosen.clone() },
                    })
                    .collect();
                let title = format!("{}: later", counted(chosen.count(), "marked conflict"));
                let label =
                    "Both sides stay as they are. One comes back at once when a value changes.".to_owned();
                return Some(vec![Effect::Offer(Box::new(Menu::new(title, label, entries)))]);
            }
        };
        Some(vec![Bulk::open(Deed::Settle(choice), chosen)])
    }
}
