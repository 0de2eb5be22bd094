//! The window alone: what it asks for and where the selection stands.

use jiff::tz::TimeZone;

use super::*;
use crate::console::theme::{Scheme, Terminal, Theme};

#[derive(Debug)]
struct Line(i64);

impl Row for Line {
    fn key(&self) -> i64 {
        self.0
    }
}

fn asked(effect: Option<Effect>) -> (Ticket, Filter) {
    match effect {
        Some(Effect::Load(ticket, Query::Rows { filter, .. })) => (ticket, filter),
        other => panic!("no rows were asked for: {other:?}"),
    }
}

#[test]
fn letters_typed_while_a_question_is_under_way_become_one_more_question() {
    let theme = Theme::new(Scheme::Dark, Terminal { truecolor: true, ..Terminal::default() });
    let ctx = Ctx::new(Timestamp(0), theme, TimeZone::UTC, (100, 30));
    let mut window = Window::<Line>::new(Screen::Executions);
    let typed = |text: &str| (text.to_owned(), Filter::parse(text).expect("a filter"));
    let type_in = |window: &mut Window<Line>, text| {
        let (text, filter) = typed(text);
        window.set_filter(&ctx, text, filter)
    };
    let (first, _) = asked(type_in(&mut window, "j"));
    assert!(type_in(&mut window, "ja").is_none());
    assert!(type_in(&mut window, "jan").is_none());
    let page = || Ok(Page::new(vec![Line(7)], 1, 0));
    let (second, filter) = asked(window.answer(&ctx, first, page()).1);
    assert_eq!(filter, typed("jan").1);
    assert!(window.rows().is_empty(), "the answer to a filter nobody wants any more is not shown");
    assert!(window.answer(&ctx, second, page()).1.is_none());
    assert_eq!(window.selected(), Some(7));
}
