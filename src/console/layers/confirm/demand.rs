//! What has to be typed before a yes counts: the number of records of a big bulk, the name of what goes for good.
//!
//! Typing it is no yes by itself; that stays a capital letter.

use crossterm::event::KeyEvent;
use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::layers::input::TextLine;
use crate::console::text::{span, thousands};

/// What has to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// How many it concerns.
    Count(u64),
    /// The name of what goes for good.
    Name(String),
}

impl Demand {
    /// For so many records at once, where that is many.
    pub fn for_count(count: u64, from: u64) -> Option<Self> {
        (from > 0 && count >= from).then_some(Self::Count(count))
    }

    fn is_met(&self, typed: &str) -> bool {
        let typed = typed.trim();
        match self {
            Self::Count(count) => typed.replace([',', ' ', '.'], "").parse() == Ok(*count),
            Self::Name(name) => typed == name.trim(),
        }
    }
}

/// The line it is typed into.
#[derive(Debug, Default)]
pub(super) struct Typed(TextLine);

impl Typed {
    /// What was asked for stands there.
    pub(super) fn meets(&self, demand: Option<&Demand>) -> bool {
        demand.is_none_or(|demand| demand.is_met(self.0.text()))
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        self.0.key(key)
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.0.paste(text);
    }

    pub(super) fn line(&self, ctx: &Ctx, demand: &Demand, cells: usize) -> Line<'static> {
        let theme = &ctx.theme;
        let met = demand.is_met(self.0.text());
        let (what, wanted) = match demand {
            Demand::Count(count) => ("Type how many these are, ", thousands(*count)),
            Demand::Name(name) => ("Type its name, ", name.clone()),
        };
        let mut spans = vec![span(what, theme.text), span(wanted, theme.bold), span(": ", theme.text)];
        spans.extend(self.0.spans(ctx, cells / 3));
        if met {
            spans.push(span(" ✓", theme.ok));
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_number_or_name_will_do() {
        let count = Demand::for_count(1_298, 50).expect("many");
        assert!(count.is_met("1298") && count.is_met(" 1,298 "));
        assert!(!count.is_met("129") && !count.is_met("") && !count.is_met("12980"));
        assert_eq!(Demand::for_count(49, 50), None);
        assert_eq!(Demand::for_count(1_000_000, 0), None);
        let name = Demand::Name("Jane Doe".into());
        assert!(name.is_met("Jane Doe") && !name.is_met("jane doe"));
    }
}
