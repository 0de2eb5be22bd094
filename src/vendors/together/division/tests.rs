//! Any sequence of outcomes gives each row one result, sends nothing again that was done or may have been, and ends.
//! `REKNIT_BATCH_CASES` sets how many sequences are tried, here and in the batcher's test.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// What the vendor does with a batch it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    /// Answers row by row.
    Rows,
    /// Refuses all of it because one row is bad, and does nothing.
    Refuses,
    /// Answers 503.
    Unavailable,
    /// Does it, and the answer is lost.
    Lost,
}

/// What the vendor thinks of a row, where it answers row by row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Row {
    Good,
    Bad,
    /// It is done, and the answer says nothing of it.
    Unsaid,
}

fn bad() -> VendorError {
    VendorError::new(ErrorClass::Validation, "bad")
}

/// Sends all rows as `together` does; each row's result and how often it was done.
fn run(
    rows: &[Row],
    does: &[Does],
    is_repeatable: bool,
) -> (Vec<Result<usize, VendorError>>, Vec<usize>, usize) {
    let mut division = Division::new(rows.len());
    let mut done = vec![0; rows.len()];
    let mut calls = 0;
    while let Some(sent) = division.next() {
        calls += 1;
        assert!(calls <= 4 * rows.len() + 1, "it never ends");
        // What has a result is not sent again.
        assert!(sent.iter().all(|&place| division.results[place].is_none()), "{sent:?} was sent again");
        if let [place] = sent[..] {
            let result = if rows[place] == Row::Bad { Err(bad()) } else { Ok(place) };
            done[place] += usize::from(result.is_ok());
            division.settle(place, result);
            continue;
        }
        let of = |class, may_have_happened| VendorError { may_have_happened, ..VendorError::new(class, "") };
        match does[calls % does.len()] {
            Does::Refuses if sent.iter().any(|&place| rows[place] == Row::Bad) => {
                division.whole(&sent, &bad(), is_repeatable);
            }
            Does::Unavailable => {
                // Whether something was done before it failed, nobody can tell.
                let error = VendorError { status: Some(503), ..of(ErrorClass::Unavailable, true) };
                division.whole(&sent, &error, is_repeatable);
            }
            Does::Lost => {
                for &place in &sent {
                    done[place] += 1;
                }
                division.whole(&sent, &of(ErrorClass::Timeout, true), is_repeatable);
            }
            Does::Rows | Does::Refuses => {
                division.taken();
                for place in sent {
                    match rows[place] {
                        Row::Bad => division.settle(place, Err(bad())),
                        Row::Good => {
                            done[place] += 1;
                            division.settle(place, Ok(place));
                        }
                        Row::Unsaid => {
                            done[place] += 1;
                            if is_repeatable {
                                division.again([place]);
                            } else {
                                division.settle(place, Err(of(ErrorClass::Malformed, true)));
                            }
                        }
                    }
                }
            }
        }
    }
    (division.finish(), done, calls)
}

#[test]
#[expect(clippy::print_stderr, reason = "a guarantee's check prints its figure")]
fn g3_every_row_has_one_result_and_nothing_is_done_twice_that_must_not() {
    let cases =
        std::env::var("REKNIT_BATCH_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    let counted = AtomicUsize::new(0);
    let row = prop_oneof![6 => Just(Row::Good), 2 => Just(Row::Bad), 1 => Just(Row::Unsaid)];
    let does = prop_oneof![
        4 => Just(Does::Rows), 3 => Just(Does::Refuses), 1 => Just(Does::Unavailable), 1 => Just(Does::Lost)
    ];
    let input = (prop::collection::vec(row, 1..=100), prop::collection::vec(does, 1..12), any::<bool>());
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&input, |(rows, does, is_repeatable)| {
            counted.fetch_add(rows.len(), Ordering::Relaxed);
            let (results, done, _) = run(&rows, &does, is_repeatable);
            prop_assert_eq!(results.len(), rows.len());
            for (place, result) in results.iter().enumerate() {
                match result {
                    // Its own result, and no other row's.
                    Ok(own) => prop_assert!(*own == place && rows[place] != Row::Bad),
                    Err(error) if error.class == ErrorClass::Validation => {
                        prop_assert!(rows[place] == Row::Bad && done[place] == 0);
                    }
                    // "Nothing happened" is never said of what was done.
                    Err(error) => prop_assert!(error.may_have_happened || done[place] == 0),
                }
                let most = if is_repeatable { 2 } else { 1 };
                prop_assert!(done[place] <= most, "row {} was done {} times", place, done[place]);
            }
            Ok(())
        })
        .expect("holds");
    eprintln!(
        "G3 batch rows: {cases} batches of {} rows, each with one result of its own",
        counted.into_inner()
    );
}

#[test]
fn one_bad_row_is_found_by_halving_and_holds_back_nobody() {
    let mut rows = vec![Row::Good; 100];
    rows[37] = Row::Bad;
    let (results, done, calls) = run(&rows, &[Does::Refuses], false);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 99);
    assert!(results[37].is_err() && done.iter().sum::<usize>() == 99);
    assert!(calls <= 15, "{calls} calls for one bad row in a hundred");
}

/// A vendor that answers 500 to whatever holds the odd row, or to everything.
fn calls_of(rows: usize, fails: impl Fn(&[usize]) -> bool) -> (usize, usize) {
    let mut division: Division<()> = Division::new(rows);
    let mut calls = 0;
    while let Some(sent) = division.next() {
        calls += 1;
        let error = VendorError { status: Some(500), ..VendorError::new(ErrorClass::Unavailable, "") };
        match (fails(&sent), &sent[..]) {
            (false, _) => {
                division.taken();
                for &place in &sent {
                    division.settle(place, Ok(()));
                }
            }
            (true, [place]) => division.settle(*place, Err(error)),
            (true, _) => division.whole(&sent, &error, true),
        }
    }
    (calls, division.finish().iter().filter(|result| result.is_err()).count())
}

#[test]
fn a_row_that_makes_the_vendor_fail_fails_by_itself_and_an_outage_costs_three_calls() {
    for odd in 0..100 {
        let (calls, failed) = calls_of(100, |sent| sent.contains(&odd));
        assert!(failed == 1 && calls <= 15, "row {odd}: {failed} failed, {calls} calls");
    }
    assert_eq!(calls_of(100, |_| true), (3, 100));
}
