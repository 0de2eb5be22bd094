//! The window alone: what it asks for, where the selection stands, what is marked; at random against a model.

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
fn each_letter_asks_at_once_and_only_the_newest_answer_is_shown() {
    let theme = Theme::new(Scheme::Dark, Terminal { truecolor: true, ..Terminal::default() });
    let ctx = Ctx::new(Timestamp(0), theme, TimeZone::UTC, (100, 30));
    let mut window = Window::<Line>::new(Screen::Executions);
    let typed = |text: &str| (text.to_owned(), Filter::parse(text).expect("a filter"));
    let type_in = |window: &mut Window<Line>, text| {
        let (text, filter) = typed(text);
        window.set_filter(&ctx, text, filter)
    };
    let (first, _) = asked(type_in(&mut window, "j"));
    let (second, _) = asked(type_in(&mut window, "ja"));
    let (third, filter) = asked(type_in(&mut window, "jan"));
    assert_eq!(filter, typed("jan").1);
    let page = || Ok(Page::new(vec![Line(7)], 1, 0));
    for late in [first, second] {
        assert!(window.answer(&ctx, late, page()).1.is_none());
        assert!(window.rows().is_empty(), "the answer to a filter nobody wants any more is not shown");
    }
    assert!(window.answer(&ctx, third, page()).1.is_none());
    assert_eq!(window.selected(), Some(7));
}

/// A journal of numbers, newest first, that answers as a real one.
struct Model(Vec<i64>);

impl Model {
    fn answer(&self, query: &Query) -> Page<Line> {
        let Query::Rows { anchor, limit, .. } = query else { panic!("not rows: {query:?}") };
        let all = &self.0;
        // A row that is there may stand anywhere; one that is gone would stand where its number does.
        let place = |key: i64| all.iter().position(|row| *row == key);
        let after = |key: i64| place(key).unwrap_or_else(|| all.partition_point(|row| *row > key));
        let (from, to) = match *anchor {
            Anchor::First => (0, all.len().min(*limit)),
            Anchor::Last => (all.len().saturating_sub(*limit), all.len()),
            Anchor::At(key) => (after(key), all.len().min(after(key) + limit)),
            Anchor::After(key) => {
                let from = after(key) + usize::from(all.contains(&key));
                (from, all.len().min(from + limit))
            }
            Anchor::Before(key) => (after(key).saturating_sub(*limit), after(key)),
        };
        let rows = all[from..to].iter().map(|row| Line(*row)).collect();
        Page::new(rows, all.len() as u64, from as u64)
    }

    /// Answers until nothing is asked any more.
    fn serve(&self, ctx: &Ctx, window: &mut Window<Line>, effects: Vec<Effect>) {
        let mut waiting = effects;
        let mut turns = 0;
        while let Some(effect) = waiting.pop() {
            turns += 1;
            assert!(turns < 20, "it asks for ever");
            let Effect::Load(ticket, query) = effect else { continue };
            waiting.extend(window.answer(ctx, ticket, Ok(self.answer(&query))).1);
        }
    }
}

const HEIGHT: usize = 10;

fn ctx() -> Ctx {
    let theme = Theme::new(Scheme::Dark, Terminal { truecolor: true, ..Terminal::default() });
    Ctx::new(Timestamp(0), theme, TimeZone::UTC, (100, 12))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn the_selection_stays_on_its_record_and_in_its_line(
        begin in 0_usize..120,
        turns in proptest::collection::vec((0_u8..6, 0_usize..200, 1_usize..30), 1..40),
    ) {
        let ctx = ctx();
        let mut model = Model((0..begin as i64).rev().map(|row| row * 10).collect());
        let mut window = Window::<Line>::new(Screen::Executions);
        let first = window.refresh(&ctx);
        model.serve(&ctx, &mut window, first.into_iter().collect());
        window.visible(HEIGHT);
        for (what, place, many) in turns {
            let (_, line) = window.visible(HEIGHT);
            let selected = window.selected();
            let effects = match what {
                0 | 1 => {
                    // New rows at the top, or anywhere when others were filtered in.
                    for number in 0..many {
                        let at = if what == 0 { 0 } else { (place + number) % (model.0.len() + 1) };
                        let below = model.0.get(at).copied().unwrap_or(-1_000_000);
                        let above = at.checked_sub(1).map_or(below + 20_000, |at| model.0[at]);
                        if above - below > 1 {
                            model.0.insert(at, below + 1);
                        }
                    }
                    window.refresh(&ctx).into_iter().collect()
                }
                2 => {
                    for number in 0..many.min(model.0.len()) {
                        let at = (place + number * 7) % model.0.len();
                        model.0.remove(at);
                    }
                    window.refresh(&ctx).into_iter().collect()
                }
                3 => window.shift(&ctx, many as i64),
                4 => window.shift(&ctx, -(many as i64)),
                _ => window.step(&ctx, if place % 2 == 0 { Action::Last } else { Action::First }),
            };
            let refreshed = what < 3;
            model.serve(&ctx, &mut window, effects);
            let (rows, now) = window.visible(HEIGHT);
            proptest::prop_assert!(rows.len() <= HEIGHT);
            proptest::prop_assert_eq!(window.total(), model.0.len() as u64);
            let known: Vec<i64> = window.rows().iter().map(Row::key).collect();
            proptest::prop_assert!(known.is_sorted_by(|one, other| one > other), "in order, none twice");
            proptest::prop_assert_eq!(window.selected().is_none(), model.0.is_empty());
            if let (true, Some(key)) = (refreshed, selected.filter(|key| model.0.contains(key))) {
                proptest::prop_assert_eq!(window.selected(), Some(key));
                let index = model.0.iter().position(|row| *row == key).expect("there");
                let (line, now) = (line.expect("visible"), now.expect("visible"));
                let free = index >= line && model.0.len() - index >= HEIGHT - line;
                proptest::prop_assert!(!free || line == now, "line {line} became {now}");
            }
        }
    }

    #[test]
    fn marks_are_those_that_were_made_whatever_comes_and_goes(
        turns in proptest::collection::vec((0_u8..5, 1_i64..25), 1..60),
    ) {
        let ctx = ctx();
        let mut model = Model((0..300_i64).rev().collect());
        let mut window = Window::<Line>::new(Screen::Executions);
        let first = window.refresh(&ctx);
        model.serve(&ctx, &mut window, first.into_iter().collect());
        let mut marked = std::collections::BTreeSet::new();
        let mut newest = 300;
        for (what, by) in turns {
            let effects = match what {
                0 => {
                    if let Some(key) = window.selected()
                        && !marked.remove(&key)
                    {
                        marked.insert(key);
                    }
                    window.act(&ctx, Action::Mark)
                }
                1 => window.shift(&ctx, by),
                2 => window.shift(&ctx, -by),
                3 => {
                    model.0.insert(0, newest);
                    newest += 1;
                    window.refresh(&ctx).into_iter().collect()
                }
                _ => window.step(&ctx, if by % 2 == 0 { Action::Last } else { Action::First }),
            };
            model.serve(&ctx, &mut window, effects);
            proptest::prop_assert_eq!(window.marks(), &marked);
            proptest::prop_assert_eq!(window.marked(), marked.len() as u64);
        }
    }
}

#[test]
fn rows_sorted_by_what_changes_are_followed_and_keep_their_line() {
    let ctx = ctx();
    let mut model = Model((0..200_i64).rev().collect());
    let mut window = Window::<Line>::new(Screen::Executions);
    let filter = Filter::parse("sort:-age").expect("valid");
    let first = window.set_filter(&ctx, String::new(), filter);
    model.serve(&ctx, &mut window, first.into_iter().collect());
    window.visible(HEIGHT);
    let down = window.shift(&ctx, 60);
    model.serve(&ctx, &mut window, down);
    let (_, line) = window.visible(HEIGHT);
    let key = window.selected().expect("one");
    // The first row in memory goes to the top of a list that has grown far above.
    let top = window.rows()[0].key();
    model.0 = (0..1_200_i64).rev().filter(|row| *row != top).collect();
    model.0.insert(0, top);
    let again = window.refresh(&ctx);
    model.serve(&ctx, &mut window, again.into_iter().collect());
    assert_eq!(window.selected(), Some(key));
    assert_eq!(window.visible(HEIGHT).1, line);
}

#[test]
fn more_rows_than_were_counted_are_reached_all_the_same() {
    let ctx = ctx();
    let mut window = Window::<Line>::new(Screen::Executions);
    let (first, _) = asked(window.refresh(&ctx));
    let page = Page { total_is_least: true, ..Page::new((0..36).rev().map(Line).collect(), 36, 0) };
    assert!(window.answer(&ctx, first, Ok(page)).1.is_none());
    window.visible(HEIGHT);
    assert!(window.total_is_least());
    let effects = window.shift(&ctx, 35);
    assert!(
        matches!(effects.as_slice(), [Effect::Load(_, Query::Rows { anchor: Anchor::After(0), .. })]),
        "{effects:?}"
    );
}
