//! What keys offer about a conflict beyond a side: a translation, a rule, leaving it alone, one direction off, how it came
//! about, a typed value. Each leads to a dialog; nothing is decided from here.

use std::time::Duration;

use super::Conflicts;
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::layers::confirm::Pending;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::layers::prompt::{Purpose, Question};
use crate::console::layers::telling::Telling;
use crate::console::links::Wish as LinkWish;
use crate::console::text::{cut_end, thousands};
use crate::domain::pause::Direction;
use crate::domain::record::value_text;
use crate::domain::review::Choice;
use crate::engine::operate::disputes::{Reach, Wish};

impl Conflicts {
    pub(super) fn translate(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        vec![Effect::Ask(Box::new(Question::new(Purpose::Translation {
            conflict: conflict.id,
            field: conflict.field.clone(),
            from: value_text(&conflict.left_value),
            allowed: conflict.allowed.clone(),
        })))]
    }

    fn offer(&self, title: String, label: &str, rows: Vec<(String, Wish, Reach)>) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let entries = rows
            .into_iter()
            .map(|(words, wish, reach)| Entry {
                pending: Pending::Propose {
                    conflict: conflict.id,
                    wish,
                    reach,
                    title: format!("{}: {words}", conflict.field),
                },
                words,
            })
            .collect();
        vec![Effect::Offer(Box::new(Menu::new(title, label.to_owned(), entries)))]
    }

    pub(super) fn make_rule(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
        let mut choices = vec![
            (format!("{ic}'s value counts"), Choice::Left),
            (format!("{crm}'s value counts"), Choice::Right),
            ("both are emptied".to_owned(), Choice::Clear),
        ];
        // What was just decided for one is offered first for all.
        if let Some(decided) = self.decided.get(&conflict.id)
            && let Some(place) = choices.iter().position(|(_, choice)| choice == decided)
        {
            choices[..=place].rotate_right(1);
        }
        let alike = self
            .compared()
            .and_then(|known| known.disputed.iter().find(|one| one.conflict.id == conflict.id))
            .map(|one| one.alike);
        let mut rows = Vec::new();
        for (which, reach, many) in [
            ("when the two values are these", Reach::SameValues, alike.map(|alike| alike.same_values)),
            ("whatever the values are", Reach::AnyValues, alike.map(|alike| alike.any_values)),
        ] {
            for (words, choice) in &choices {
                let many = many.map_or_else(String::new, |many| format!(" · {} open now", thousands(many)));
                rows.push((format!("{words}, {which}{many}"), Wish::Settle(choice.clone()), reach));
            }
        }
        self.offer(
            format!("A rule for {}, {}", conflict.field, conflict.kind.phrase()),
            "Decides every open conflict like this one, and those found later. What each becomes is shown next.",
            rows,
        )
    }

    pub(super) fn later(&self, ctx: &Ctx) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let hours = |hours: u64| Some(ctx.now.plus(Duration::from_secs(hours * 3600)));
        let rows = [
            ("for a day", hours(24)),
            ("for a week", hours(7 * 24)),
            ("for four weeks", hours(28 * 24)),
            ("until one of the values changes", None),
        ];
        let rows = rows
            .into_iter()
            .map(|(words, until)| (format!("leave it alone {words}"), Wish::Ignore(until), Reach::This))
            .collect();
        self.offer(
            format!("{} of {}: later", conflict.field, conflict.subject),
            "Both sides stay as they are. It comes back at once when one of the values changes.",
            rows,
        )
    }

    pub(super) fn block(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let (ic, crm) = (conflict.left.system().title(), conflict.right.system().title());
        let rows = vec![
            (format!("write it to {crm} no more"), Wish::Disable(Direction::ToCrm), Reach::This),
            (format!("write it to {ic} no more"), Wish::Disable(Direction::ToIntercom), Reach::This),
        ];
        self.offer(
            format!("{}: one direction off, for everybody", conflict.field),
            "The side that is still written from becomes its source. Taken back by `reknit mapping direction`.",
            rows,
        )
    }

    pub(super) fn why(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let title = format!("{} of {}: how it came about", conflict.field, conflict.subject);
        let telling = Telling::of(title, conflict.left.clone(), conflict.field.clone());
        vec![Effect::Tell(Box::new(telling))]
    }

    /// The way back of a settled conflict: its calls first.
    pub(super) fn reopen(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        let title =
            format!("Take the decision on {} of {} back", conflict.field, cut_end(&conflict.subject, 30));
        vec![Effect::Confirm(Box::new(Pending::Link { wish: LinkWish::Reopen(conflict.id), title }))]
    }

    pub(super) fn type_value(&self) -> Vec<Effect> {
        let Some(conflict) = self.target() else { return Vec::new() };
        vec![Effect::Ask(Box::new(Question::new(Purpose::Value {
            conflict: conflict.id,
            title: format!("{} of {}", conflict.field, conflict.subject),
            allowed: conflict.allowed.clone(),
            present: value_text(&conflict.left_value),
        })))]
    }
}
