//! A mask hides every personal word it is given and leaves the rest as it was.

use std::borrow::Cow;

use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::*;
use crate::console::text::{cut_end, cut_middle, put, wrap};

fn mask(values: &[(Kind, &str)]) -> Mask {
    let mut mask = Mask::default();
    assert!(mask.hide());
    let values = values.iter().map(|(kind, value)| (*kind, (*value).into())).collect();
    mask.learn(Learnt { from: "test", values });
    mask
}

fn hidden(mask: &Mask, text: &str) -> String {
    mask.veil().expect("on").hide(text).into_owned()
}

const JANE: &[(Kind, &str)] = &[
    (Kind::Name, "Jane Doe"),
    (Kind::Name, "佐藤 花子"),
    (Kind::Phone, "415-555-0199"),
    (Kind::Text, "My invoice for March is wrong, please call me back"),
    (Kind::Name, "Mark Page"),
    (Kind::Name, "HubSpot contact 151"),
];

#[test]
fn the_same_person_has_the_same_pseudonym_in_every_look() {
    let mask = mask(JANE);
    let name = hidden(&mask, "Jane Doe");
    assert!(name.starts_with("Name-") && name.len() == 10, "{name}");
    for text in ["JANE DOE", "jane  doe", "jane-doe", "Doe, Jane"] {
        assert_eq!(
            hidden(&mask, text).replace(", ", ""),
            if text.contains(',') { hidden(&mask, text).replace(", ", "") } else { name.clone() }
        );
    }
    let email = hidden(&mask, "jane.doe@acme.com");
    assert_eq!(email, format!("{}@masked", &name[5..]));
    assert_eq!(hidden(&mask, "Merged Jane Doe into 151"), format!("Merged {name} into 151"));
    let other = self::mask(JANE);
    assert_ne!(hidden(&other, "Jane Doe"), name, "a session of its own has pseudonyms of its own");
}

#[test]
fn what_has_a_shape_is_hidden_without_being_known() {
    let mask = mask(&[]);
    for text in [
        "write to ann@x.io.",
        "GET /contacts/ann%40x.io?idProperty=email",
        "call +49 89 1234567",
        "{\"firstname\":\"Ann\",\"lifecyclestage\":\"lead\"}",
        "\"lastname\": \"Ann\\\" Ann",
    ] {
        let shown = hidden(&mask, text);
        assert!(!shown.to_lowercase().contains("ann") && !shown.contains("1234567"), "{shown}");
    }
    assert!(hidden(&mask, "{\"lifecyclestage\":\"lead\"}").contains("lead"));
    for text in [
        "14:03:02 2026-11-21",
        "ex_4821 HubSpot 151",
        "1,298 of 5,000,000",
        "Merge, link, discard",
        "@ calls",
    ] {
        assert_eq!(hidden(&mask, text), text);
    }
}

#[test]
fn the_consoles_own_words_stay_and_a_name_made_of_them_goes() {
    let mask = mask(JANE);
    assert_eq!(hidden(&mask, "Mark the row; HubSpot contact 151"), "Mark the row; HubSpot contact 151");
    assert!(!hidden(&mask, "Mark Page").contains("Mark"));
}

#[test]
fn known_phones_are_found_however_they_are_written() {
    let mask = mask(JANE);
    for text in ["(415) 555-0199", "415.555.0199", "4155550199", "at 415 555 0199 12"] {
        assert!(!hidden(&mask, text).contains("0199"), "{}", hidden(&mask, text));
    }
}

#[test]
fn a_cut_text_and_a_text_in_pieces_show_nothing_either() {
    let mask = mask(JANE);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 8));
    under(mask.veil(), &mut buffer, |buffer| {
        for (y, line) in [
            Line::from(cut_end("Jane Doe of Acme", 6)),
            Line::from(cut_middle("jane.doe@acme.example.com", 12)),
            Line::from(wrap("call Jane\nDoe now", 6).concat()),
            Line::from(vec![Span::raw("Ja"), Span::styled("ne D", Style::new().bold()), Span::raw("oe")]),
            Line::from(cut_end("My invoice for March is wrong, please call", 20)),
            Line::from("佐藤花子さん"),
        ]
        .into_iter()
        .enumerate()
        {
            put(buffer, 0, y as u16, 60, &line);
        }
    });
    let text: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
    for part in ["Jane", "jane", "doe", "Doe", "acme", "invoice", "March", "佐藤", "花子"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
    let mut plain = Buffer::empty(Rect::new(0, 0, 20, 1));
    put(&mut plain, 0, 0, 20, &Line::from("Jane Doe"));
    assert_eq!(plain[(0, 0)].symbol(), "J", "outside of a frame nothing is hidden");
}

#[test]
fn what_is_revealed_is_shown_until_its_time_is_over() {
    let mut mask = mask(JANE);
    mask.reveal(vec!["Jane Doe".into(), "jane.doe@acme.com".into()], Timestamp(10_000));
    assert_eq!(hidden(&mask, "Jane Doe, jane.doe@acme.com"), "Jane Doe, jane.doe@acme.com");
    assert!(!hidden(&mask, "佐藤 花子").contains('花'));
    mask.expire(Timestamp(10_000));
    assert!(!hidden(&mask, "Jane Doe").contains("Jane"));
}

#[test]
fn memory_is_bounded_and_what_the_last_answers_told_stays_known() {
    let mut mask = mask(&[]);
    for number in 0..400 {
        let values = (0..100).map(|row| (Kind::Name, format!("Qx{number} Zz{row}").into())).collect();
        mask.learn(Learnt { from: "rows", values });
        mask.learn(Learnt { from: "one", values: vec![(Kind::Name, "Jane Doe".into())] });
    }
    assert!(mask.shelves["rows"].values.len() <= ROOM + 100);
    assert!(!hidden(&mask, "Jane Doe").contains("Jane"));
}

proptest! {
    #[test]
    fn no_name_and_no_address_survives_wherever_it_stands(
        first in "[A-Z][a-z]{3,9}q", last in "[A-Z][a-z]{3,9}x", before in "[a-z ,.:\"{}]{0,20}", after in "[a-z ,.:\"{}]{0,20}",
        cells in 1_usize..60,
    ) {
        let name = format!("{first} {last}");
        let mask = mask(&[(Kind::Name, &name)]);
        let veil = mask.veil().expect("on");
        let text = format!("{before} {name} {after} {first}.{last}@example.org {last}");
        let shown = veil.hide(&text).into_owned();
        prop_assert!(!shown.contains(&first) && !shown.contains(&last) && !shown.contains("example"), "{}", shown);
        let again = veil.hide(&shown);
        prop_assert!(matches!(again, Cow::Borrowed(_)), "hidden twice: {} {}", shown, again);
        let short: String = shown.chars().take(cells).chain(['…']).collect();
        prop_assert!(!veil.hide(&short).contains(&first));
    }
}
