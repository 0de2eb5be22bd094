//! G15: parsers return errors and never panic, whatever they are given: webhooks, settings, mappings, filters, record
//! names, times, texts for the screen. What is given are mutations of texts that are right: flipped bytes, cut, doubled
//! and joined pieces, deep nesting, huge numbers, control letters.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use reknit::config::Config;
use reknit::domain::clock::Timestamp;
use reknit::domain::event::NewEvent;
use reknit::domain::filter::Filter;
use reknit::domain::record::{Connection, RecordRef, System};
use reknit::domain::text;
use reknit::mapping::Mapping;
use reknit::vendors::{hubspot, intercom, payload};

use super::{Effort, say};

/// One parser and texts it takes.
struct Parser {
    name: &'static str,
    run: fn(&[u8]),
    seeds: Vec<Vec<u8>>,
}

fn fixtures(folder: &str, begins: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("fixtures").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins));
    paths.iter().filter(|path| named(path)).map(|path| std::fs::read(path).expect("a file")).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything that is asked of an event before anybody acts on it.
fn look_into(event: &NewEvent) {
    let _ = payload::record_in(event);
    let _ = payload::property_in(event);
    let _ = payload::is_by_an_integration(event);
    let _ = intercom::hook::merged_from(&event.body);
    let _ = intercom::hook::contact_ids(&event.body);
    let _ = hubspot::hook::merged_ids(&event.body);
}

fn parsers() -> Vec<Parser> {
    let shipped = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)).expect("shipped")
    };
    vec![
        Parser {
            name: "Intercom webhooks",
            run: |bytes| look_into(&intercom::hook::parse(&Connection::only(System::Intercom), bytes)),
            seeds: [fixtures("intercom", "hook_"), fixtures("intercom", "sample_")].concat(),
        },
        Parser {
            name: "HubSpot webhooks",
            run: |bytes| {
                for event in hubspot::hook::parse(&Connection::only(System::Hubspot), bytes) {
                    look_into(&event);
                }
            },
            seeds: fixtures("hubspot", "hook_"),
        },
        Parser {
            name: "settings",
            run: |bytes| {
                let _ = Config::parse(&lossy(bytes), Path::new("reknit.toml"));
            },
            seeds: vec![shipped("default.toml")],
        },
        Parser {
            name: "mappings",
            run: |bytes| {
                let _ = Mapping::parse(&lossy(bytes), "contact.toml");
            },
            seeds: vec![shipped("mapping/contact.toml")],
        },
        Parser {
            name: "filters",
            run: |bytes| {
                let _ = Filter::parse(&lossy(bytes));
            },
            seeds: texts(&[
                "status:failed recipe:contact* error:locked since:2h jane",
                "-jane \"a b\" since:3d",
            ]),
        },
        Parser {
            name: "record names",
            run: |bytes| {
                let _ = lossy(bytes).parse::<RecordRef>();
                let _ = lossy(bytes).parse::<Connection>();
            },
            seeds: texts(&["hubspot/contact/151", "intercom:emea/contact/64e2"]),
        },
        Parser {
            name: "times",
            run: |bytes| {
                let _ = Timestamp::parse_rfc3339(&lossy(bytes));
                let _ = reknit::domain::filter::span(&lossy(bytes));
            },
            seeds: texts(&["2026-11-21T12:00:00.123Z", "2026-03-29T02:30:00+01:00", "2h", "90d"]),
        },
        Parser {
            name: "texts for the screen",
            run: |bytes| {
                let given = lossy(bytes);
                let shown = text::clean(&given).into_owned();
                assert!(!shown.chars().any(char::is_control), "a control letter came through: {shown:?}");
                let turns =
                    ['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2069}'];
                assert!(!shown.contains(turns), "an override came through: {shown:?}");
                let _ = text::clean_lines(&given);
                let _ = text::shorten(&given, 20);
            },
            seeds: texts(&[
                "Jane \u{1b}[31mDoe\u{202e}",
                "\u{1b}]52;c;aGk=\u{7} \u{9b}2J",
                "👩‍👩‍👧 e\u{301} \u{e0041}",
            ]),
        },
    ]
}

/// Letters that have broken parsers before.
const NASTY: &[&str] = &[
    "\u{0}",
    "\u{1b}[2J",
    "\u{202e}",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "null",
    "1e999",
    "-0",
    "99999999999999999999999999",
    "0.1",
    "true",
    "\r\n",
    "''",
    "\u{feff}",
    "é",
    "🧨",
    "=",
    "[[",
    "#",
    "%00",
    ":",
];

fn mutated(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[rng.usize(..seeds.len())].clone();
    for _ in 0..rng.usize(1..4) {
        let at = |rng: &mut Rng, bytes: &[u8]| rng.usize(..=bytes.len());
        match rng.u32(..8) {
            0 if !bytes.is_empty() => {
                let place = rng.usize(..bytes.len());
                bytes[place] ^= 1 << rng.u32(..8);
            }
            1 => {
                let place = at(rng, &bytes);
                bytes.truncate(place);
            }
            2 => {
                let (from, to) = (at(rng, &bytes), at(rng, &bytes));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                let place = at(rng, &bytes);
                if bytes.len() < 200_000 {
                    bytes.splice(place..place, piece);
                }
            }
            3 => {
                let (from, to) = (at(rng, &bytes), at(rng, &bytes));
                bytes.drain(from.min(to)..from.max(to));
            }
            4 => {
                let other = &seeds[rng.usize(..seeds.len())];
                let from = rng.usize(..=other.len());
                let place = at(rng, &bytes);
                bytes.truncate(place);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                let place = at(rng, &bytes);
                let deep = [&b"["[..], b"{\"a\":", b"("][rng.usize(..3)].repeat(rng.usize(1..400));
                bytes.splice(place..place, deep);
            }
            _ => {
                let place = at(rng, &bytes);
                bytes.splice(place..place, NASTY[rng.usize(..NASTY.len())].bytes());
            }
        }
    }
    bytes
}

#[test]
fn g15_parsers_never_panic() {
    let mut crashes = Vec::new();
    for parser in parsers() {
        assert!(!parser.seeds.is_empty(), "{}", parser.name);
        let mut rng = Rng::with_seed(15);
        let mut effort = Effort::of("REKNIT_FUZZ_SECONDS", 1_500);
        while effort.goes_on() {
            let given = mutated(&mut rng, &parser.seeds);
            if catch_unwind(AssertUnwindSafe(|| (parser.run)(&given))).is_err() {
                crashes.push(format!("{}: {:?}", parser.name, lossy(&given)));
            }
        }
        say(&format!("G15 {}: {} texts, {} crashes in all", parser.name, effort.done - 1, crashes.len()));
    }
    assert!(crashes.is_empty(), "{crashes:#?}");
}

/// A checker that could not fail would be worth nothing.
#[test]
fn the_mutations_reach_the_parsers() {
    let mut rng = Rng::with_seed(15);
    let seeds = fixtures("intercom", "hook_");
    let events: Vec<NewEvent> = (0..300)
        .map(|_| intercom::hook::parse(&Connection::only(System::Intercom), &mutated(&mut rng, &seeds)))
        .collect();
    let understood = events.iter().filter(|event| event.record.is_some()).count();
    let broken = events.iter().filter(|event| event.topic.is_empty()).count();
    assert!(understood > 15 && broken > 15, "{understood} {broken}");
}
