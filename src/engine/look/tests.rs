//! Random changes with colliding times, shown late, read in pages of random size, with kills between them: every
//! state that stays is seen. `REKNIT_CASES=20000` runs longer.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::vendors::hubspot::search::{MOST_ROWS, Reading};

const OVERLAP: i64 = 900_000;

/// One change: when it was made, by the vendor's clock, whose, and how much later the search shows it.
#[derive(Debug, Clone)]
struct Change {
    at: i64,
    record: u64,
    late: i64,
}

/// A vendor whose search shows a record's newest state that it knows of.
struct Vendor {
    changes: Vec<Change>,
    /// How far its clock is from ours.
    skew: i64,
}

/// A row of a search: the record, the time of its state, and which state it is.
type Row = (i64, u64, usize);

impl Vendor {
    /// What the search shows at that moment, in the order of time and, within one time, of nothing in particular.
    fn shown(&self, now: i64) -> Vec<Row> {
        let mut newest: HashMap<u64, Row> = HashMap::new();
        for (version, change) in self.changes.iter().enumerate() {
            if change.at <= now && change.at + change.late <= now {
                let at = change.at + self.skew;
                let row = newest.entry(change.record).or_insert((at, change.record, version));
                if (at, version) >= (row.0, row.2) {
                    *row = (at, change.record, version);
                }
            }
        }
        let mut rows: Vec<Row> = newest.into_values().collect();
        rows.sort_by_key(|row| (row.0, row.1 ^ 0x2a));
        rows
    }

    /// A page as Intercom gives one: its cursor is the place of the last row.
    fn page(&self, now: i64, from: i64, after: Option<(i64, u64)>, size: usize) -> (Vec<Row>, bool) {
        let whole_days = 48 * 3_600_000;
        let rows: Vec<Row> = self
            .shown(now)
            .into_iter()
            .filter(|row| row.0 >= from - whole_days)
            .filter(|row| after.is_none_or(|(at, record)| (row.0, row.1 ^ 0x2a) > (at, record ^ 0x2a)))
            .collect();
        let more = rows.len() > size;
        (rows.into_iter().take(size).collect(), more)
    }

    /// A page as HubSpot gives one, by the cursor of our own client.
    fn searched(&self, now: i64, reading: Reading, size: usize) -> (Vec<Row>, Option<Reading>) {
        let mut rows: Vec<Row> = self
            .shown(now)
            .into_iter()
            .filter(|row| match reading {
                Reading::From(at) => row.0 >= at.0,
                Reading::After(at) => row.0 > at.0,
                Reading::Within(at, id) => row.0 == at.0 && row.1 > id,
            })
            .collect();
        if matches!(reading, Reading::Within(..)) {
            rows.sort_by_key(|row| row.1);
        }
        let more = rows.len() > size;
        rows.truncate(size);
        let ids: Vec<String> = rows.iter().map(|row| row.1.to_string()).collect();
        let places: Vec<(Option<Timestamp>, &str)> =
            rows.iter().zip(&ids).map(|(row, id)| (Some(Timestamp(row.0)), id.as_str())).collect();
        let (kept, next) = reading.turn(&places, more).expect("rows in order");
        rows.truncate(kept);
        (rows, next)
    }
}

/// Looks again and again as `poll` does; kills and page sizes come from `dice`. What was seen of each record.
fn follow(
    vendor: &Vendor,
    hubspot: bool,
    dice: &[u8],
    (begin, end): (i64, i64),
    overlap: i64,
) -> HashMap<u64, usize> {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    let mut mark = Timestamp(0);
    let mut throws = dice.iter().copied().cycle();
    let mut throw = move || i64::from(throws.next().unwrap_or(0));
    let mut now = begin;
    // Two whole looks after the last change was shown.
    let mut whole = 0;
    while whole < 2 {
        let settled = now > end;
        let mut look = Look::new(mark, Duration::from_millis(overlap as u64));
        let (from, began) = (look.from(), now);
        let mut reading = Reading::From(from);
        let mut after = None;
        let mut looks = 0;
        loop {
            let size = (1 + throw() as usize % 7).min(MOST_ROWS);
            let (rows, ended) = if hubspot {
                let (rows, next) = vendor.searched(now, reading, size);
                reading = next.unwrap_or(reading);
                (rows, next.is_none())
            } else {
                let (rows, more) = vendor.page(now, from.0, after, size);
                after = rows.last().map(|row| (row.0, row.1)).or(after);
                (rows, !more)
            };
            let kill = if settled { 255 } else { throw() % 16 };
            if kill == 0 {
                break; // before the events are stored
            }
            for (at, record, version) in rows {
                if look.takes(Some(Timestamp(at))) {
                    let known = seen.entry(record).or_insert(version);
                    *known = version.max(*known);
                }
            }
            if kill == 1 {
                break; // the events are stored, the mark is not
            }
            if let Some(reached) = look.reached(now - began, ended) {
                mark = reached;
            }
            if kill == 2 {
                break; // between two pages
            }
            if ended {
                whole += i32::from(settled);
                break;
            }
            // Time passes while pages are turned.
            now += throw() * 20;
            looks += 1;
            assert!(looks < 10_000, "a look must end");
        }
        now += 1 + throw() * 3_000;
    }
    seen
}

#[test]
fn g12_every_state_that_stays_is_seen_however_late_it_is_shown() {
    let change = (0_i64..40, 1_u64..25, prop_oneof![Just(0_i64), 0..=OVERLAP])
        .prop_map(|(slot, record, late)| Change { at: slot * 37_000, record, late });
    let strategy = (
        proptest::collection::vec(change, 1..80),
        prop_oneof![Just(0_i64), Just(86_400_000), Just(-86_400_000), -1_000_000_000..1_000_000_000_i64],
        proptest::collection::vec(any::<u8>(), 8..64),
        any::<bool>(),
    );
    let cases = std::env::var("REKNIT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    let mut states = 0_usize;
    let mut kept = Vec::new();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let told = std::cell::RefCell::new((&mut states, &mut kept));
    runner
        .run(&strategy, |(mut changes, skew, dice, hubspot)| {
            // The vendor's clock starts well after 1970 whatever the skew.
            let base = 2_000_000_000;
            for change in &mut changes {
                change.at += base;
            }
            // In the order in which they were made; equal times stay as they came.
            changes.sort_by_key(|change| change.at);
            let end = changes.iter().map(|change| change.at + change.late).max().unwrap_or(0);
            let vendor = Vendor { changes, skew };
            let seen = follow(&vendor, hubspot, &dice, (base - 1_000_000, end), OVERLAP);
            let shown = vendor.shown(end + 1);
            for (_, record, version) in &shown {
                prop_assert_eq!(seen.get(record), Some(version), "record {}", record);
            }
            *told.borrow_mut().0 += shown.len();
            told.borrow_mut().1.push(seen.len());
            Ok(())
        })
        .expect("every final state is seen");
    let line = format!("G12 polling: {cases} cases with kills, {states} final states, 0 missed\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("standard error");
    assert_eq!(kept.len(), cases as usize);
}

#[test]
fn without_the_overlap_a_late_change_is_missed() {
    let change = |at, record, late| Change { at, record, late };
    let changes = vec![change(1_000_000, 1, 500_000), change(1_100_000, 2, 0)];
    let vendor = Vendor { changes, skew: 0 };
    // No kills, full pages, a look every five minutes.
    let dice = [100];
    for hubspot in [false, true] {
        let seen = |overlap| follow(&vendor, hubspot, &dice, (0, 1_500_000), overlap).len();
        assert_eq!((seen(OVERLAP), seen(0)), (2, 1));
    }
}

#[test]
fn a_vendor_out_of_order_moves_the_mark_only_at_the_end() {
    let mut look = Look::new(Timestamp(1_000_000), Duration::from_secs(100));
    assert_eq!(look.from(), Timestamp(900_000));
    assert!(look.takes(Some(Timestamp(2_000_000))) && look.takes(Some(Timestamp(900_000))));
    assert!(!look.takes(Some(Timestamp(899_999))));
    assert_eq!(look.reached(0, false), None);
    assert_eq!(look.reached(5_000, true), Some(Timestamp(1_995_000)));
    assert_eq!(look.reached(i64::MAX, true), None, "a clock that jumped does not send the mark back");
}
