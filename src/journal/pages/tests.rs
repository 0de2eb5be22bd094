//! Pages against a plain look at every row: any filter, any order, any way of paging, and that no way scans a table.

use std::cmp::Ordering;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::params;

use super::executions::{BOUNDS, Bounds};
use super::*;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::execution::{Outcome, Status};
use crate::domain::filter::{Column, Compared, Sort, Term, When, beginning, known};

const NOW: i64 = 1_795_000_000_000;
const HOUR: i64 = 3_600_000;

struct Fixture {
    _folder: tempfile::TempDir,
    journal: Journal,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp(NOW));
    let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock)).expect("a new journal");
    Fixture { _folder: folder, journal }
}

const NAMES: [&str; 7] =
    ["Jane Doe", "jane Roe", "Zoë Ångström", "Tom Nguyen", "Priya Patel", "Acme Inc.", "halvorsen, Sven"];

async fn fill(journal: &Journal, seed: u64, number: i64) {
    journal
        .write(move |connection| {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut insert = connection.prepare(
                "INSERT INTO executions (recipe, subject, record, lane, status, outcome, sentence, error_class, \
                 error_code, attempts, max_attempts, due_at, priority, created_at, updated_at, cause) \
                 VALUES (?1, ?2, ?3, 'lane', ?4, ?5, ?6, ?7, ?8, ?9, 12, ?10, ?11, ?12, ?13, ?14)",
            )?;
            for at in 0..number {
                let status = Status::ALL[rng.usize(..Status::ALL.len())];
                let failed = matches!(status, Status::Failed | Status::Retrying | Status::Discarded);
                let record = match rng.u8(..4) {
                    0 => None,
                    1 => Some(format!("hubspot:emea/company/{}", rng.u8(..20))),
                    2 => Some(format!("hubspot/contact/{}", rng.u8(..20))),
                    _ => Some(format!("intercom/contact/{}", rng.u8(..20))),
                };
                insert.execute(params![
                    ["contact-to-crm", "contact-to-intercom", "closed-won"][rng.usize(..3)],
                    NAMES[rng.usize(..NAMES.len())],
                    record,
                    status.as_str(),
                    status.is_finished().then(|| Outcome::ALL[rng.usize(..6)].as_str()),
                    ["", "Job title, Phone.", "The record is locked. Nothing was written."][rng.usize(..3)],
                    failed.then_some(["permission", "unavailable"][rng.usize(..2)]),
                    failed.then_some([403, 503, 429][rng.usize(..3)]),
                    rng.u8(..4),
                    (!status.is_finished()).then(|| NOW + i64::from(rng.u8(..9)) * HOUR),
                    rng.u8(..3),
                    NOW - (number - at) * HOUR,
                    NOW - i64::from(rng.u8(..100)) * HOUR,
                    failed.then_some(["aa11", "bb22"][rng.usize(..2)]),
                ])?;
            }
            // Rows move between combinations as they do in life.
            connection.execute(
                "UPDATE executions SET status = 'failed', error_class = 'permission', error_code = 403, \
                 sentence = 'Not permitted, said HubSpot.', updated_at = ?1 WHERE id % 7 = 3",
                [NOW - 5 * HOUR],
            )?;
            connection.execute("UPDATE executions SET subject = 'Erased (er_1)' WHERE id % 11 = 5", [])?;
            connection.execute("DELETE FROM executions WHERE id % 13 = 6", [])?;
            Ok(())
        })
        .await
        .expect("filled");
}

/// Every row as it is, found without any of what is tested here.
async fn every(journal: &Journal) -> Vec<Execution> {
    journal
        .read(|connection| {
            let mut statement = connection.prepare(&format!("SELECT {} FROM executions", rows::EXECUTION))?;
            let mut found = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = found.next()? {
                all.push(rows::execution(row)?);
            }
            Ok(all)
        })
        .await
        .expect("rows")
}

/// Words by their beginnings, as a person would compare them.
fn says(text: &str, value: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('å', "a").replace('ë', "e").replace('ö', "o");
    let (text, value) = (plain(text), plain(value));
    let parts = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let text = parts(&text);
    parts(&value).iter().all(|part| text.iter().any(|word| word.starts_with(part.as_str())))
}

fn word(text: &str, value: &str) -> bool {
    beginning(value).map_or(text == value, |start| text.starts_with(start))
}

fn naive(row: &Execution, term: &Term) -> bool {
    let record = row.record.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut parts = record.splitn(3, '/');
    let (system, kind, id) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let code = row.error_code.map(|code| code.to_string()).unwrap_or_default();
    let holds = |value: &String| match term.key {
        None => says(&format!("{} {}", row.subject, row.sentence), value) || says(&row.recipe, value),
        Some(Key::Person) => says(&row.subject, value),
        Some(Key::Status) if value == "open" => {
            !matches!(row.status, Status::Succeeded | Status::Skipped | Status::Discarded)
        }
        Some(Key::Status) => word(row.status.as_str(), value),
        Some(Key::Recipe) => word(&row.recipe, value),
        Some(Key::Error) => {
            row.error_class.is_some_and(|class| word(class.as_str(), value))
                || (!code.is_empty() && word(&code, value))
        }
        Some(Key::Code) => row.error_code.is_some_and(|number| {
            beginning(value).map_or_else(
                || Compared::parse(value).expect("a number").holds(number.into()),
                |start| code.starts_with(start),
            )
        }),
        Some(Key::Id) => row.id.0.to_string() == value.trim_start_matches("ex_"),
        Some(Key::Record) if value.contains('/') => !record.is_empty() && word(&record, value),
        Some(Key::Record) => !record.is_empty() && word(id, value),
        Some(Key::System) => word(system, value) || system.split(':').next() == Some(value),
        Some(Key::Kind) => word(kind, value),
        Some(Key::Outcome) => row.outcome.is_some_and(|outcome| word(outcome.as_str(), value)),
        Some(Key::Attempts) => Compared::parse(value).expect("a number").holds(row.attempts.into()),
        Some(Key::Priority) => word(row.priority.as_str(), value),
        Some(key @ (Key::Since | Key::Until | Key::Age)) => {
            When::of(key, value).expect("a time").range(Timestamp(NOW)).contains(&row.updated_at.0)
        }
        Some(other) => panic!("{other} is not tried here"),
    };
    term.values.iter().any(holds) != term.negated
}

fn order(sort: Option<Sort>) -> impl Fn(&Execution, &Execution) -> Ordering {
    let Sort { column, descending } = sort.unwrap_or(Sort { column: Column::Id, descending: true });
    let text = move |row: &Execution| -> Option<String> {
        let record = row.record.as_ref().map(ToString::to_string);
        let part =
            |at: usize| record.as_deref().and_then(|record| record.split('/').nth(at)).map(str::to_owned);
        match column {
            Column::Recipe => Some(row.recipe.clone()),
            Column::Person => Some(row.subject.to_ascii_lowercase()),
            Column::Outcome => row.outcome.map(|outcome| outcome.to_string()),
            Column::Error => row.error_class.map(|class| class.to_string()),
            Column::System => part(0),
            Column::Kind => part(1),
            Column::Record => record.clone(),
            _ => None,
        }
    };
    let number = move |row: &Execution| -> Option<i64> {
        match column {
            Column::Id => Some(row.id.0),
            Column::Age => Some(NOW - row.updated_at.0),
            Column::Status => Status::ALL.iter().position(|status| *status == row.status).map(|at| at as i64),
            Column::Attempts => Some(row.attempts.into()),
            Column::Code => row.error_code.map(i64::from),
            Column::Next => row.due_at.map(|due| due.0),
            Column::Priority => Some(row.priority.rank()),
            _ => None,
        }
    };
    move |one, other| {
        let (one_key, other_key) = ((number(one), text(one)), (number(other), text(other)));
        let nothing = (None, None);
        let by_key = match (one_key == nothing, other_key == nothing) {
            (true, true) => Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            _ if descending => other_key.cmp(&one_key),
            _ => one_key.cmp(&other_key),
        };
        let newest_first = one_key == nothing
            || match column {
                Column::Age => !descending,
                Column::Person | Column::Record | Column::Next => descending,
                _ => true,
            };
        by_key.then_with(|| if newest_first { other.id.cmp(&one.id) } else { one.id.cmp(&other.id) })
    }
}

const TERMS: [&str; 34] = [
    "status:failed",
    "status:open",
    "-status:succeeded,skipped",
    "status:fail*,held",
    "recipe:contact*",
    "-recipe:closed-won",
    "error:permission",
    "error:503",
    "code:4*",
    "code:>429",
    "-code:403",
    "id:ex_12,33,34,400",
    "-id:12",
    "person:jane",
    "person:\"jane doe\",tom",
    "-person:jane",
    "record:3",
    "record:hubspot/*",
    "record:hubspot/contact/3,intercom/contact/4",
    "-record:3",
    "system:hubspot",
    "system:hubspot:emea",
    "kind:company",
    "outcome:updated,error",
    "since:10h",
    "since:60h",
    "age:>50h",
    "-age:<70h",
    "attempts:>1",
    "priority:live",
    "jane",
    "ang",
    "-locked",
    "closed",
];

fn few() -> impl Strategy<Value = Bounds> {
    // Each way must find the same rows, also where it would not be taken.
    prop_oneof![
        Just(BOUNDS),
        Just(Bounds { first_look: 5, few: 40, very_few: 10, counted: 20, counted_wide: 3 }),
        Just(Bounds { first_look: 5, few: 0, very_few: 0, counted: 1, counted_wide: 0 }),
        Just(Bounds { first_look: 30, few: 1_000, very_few: 0, counted: 30, counted_wide: 30 }),
    ]
}

#[test]
fn r07_any_filter_in_any_order_finds_what_a_look_at_every_row_finds() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let fixture = fixture();
    runtime.block_on(fill(&fixture.journal, 11, 500));
    let every = runtime.block_on(every(&fixture.journal));
    let terms = proptest::collection::vec(proptest::sample::select(TERMS.as_slice()), 0..4);
    let columns = proptest::sample::select(known(List::Executions).columns);
    // The row as lists read it has no cause to compare.
    let sort = proptest::option::of((columns, any::<bool>()))
        .prop_filter("compared by what is read", |sort| !matches!(sort, Some((Column::Cause, _))));
    let strategy = (terms, sort, 1_usize..60, few());
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner
        .run(&strategy, |(terms, sort, limit, bounds)| {
            let sort = sort.map(|(column, descending)| Sort { column, descending });
            let text = crate::domain::filter::with_sort(&terms.join(" "), sort);
            let filter = Filter::parse_for(List::Executions, &text).expect("valid");
            let mut wanted: Vec<&Execution> =
                every.iter().filter(|row| filter.terms.iter().all(|term| naive(row, term))).collect();
            let compare = order(sort);
            wanted.sort_by(|one, other| compare(one, other));
            let wanted: Vec<i64> = wanted.iter().map(|row| row.id.0).collect();
            let ask = |anchor: Anchor| -> Page<Execution> {
                let filter = filter.clone();
                runtime
                    .block_on(fixture.journal.read(move |connection| {
                        executions::page(connection, Timestamp(NOW), &filter, anchor, limit, bounds)
                    }))
                    .expect("a page")
            };
            let ids = |page: &Page<Execution>| -> Vec<i64> { page.rows.iter().map(|row| row.id.0).collect() };
            // Down by pages.
            let mut walked: Vec<i64> = Vec::new();
            let mut page = ask(Anchor::First);
            loop {
                check_place(&page, walked.len(), wanted.len(), &text)?;
                walked.extend(ids(&page));
                let Some(last) = page.rows.last().filter(|_| page.rows.len() == limit) else { break };
                page = ask(Anchor::After(last.id.0));
            }
            prop_assert_eq!(&walked, &wanted, "down: {} {:?}", text, bounds);
            // Up by pages.
            let mut walked: Vec<i64> = Vec::new();
            let mut page = ask(Anchor::Last);
            loop {
                let at = wanted.len() - walked.len() - page.rows.len();
                check_place(&page, at, wanted.len(), &text)?;
                let mut rows = ids(&page);
                rows.append(&mut walked);
                walked = rows;
                let Some(first) = page.rows.first().filter(|_| page.rows.len() == limit) else { break };
                page = ask(Anchor::Before(first.id.0));
            }
            prop_assert_eq!(&walked, &wanted, "up: {} {:?}", text, bounds);
            // At a row of the middle.
            if let Some(&middle) = wanted.get(wanted.len() / 2) {
                let page = ask(Anchor::At(middle));
                let end = (wanted.len() / 2 + limit).min(wanted.len());
                prop_assert_eq!(ids(&page), &wanted[wanted.len() / 2..end], "at: {} {:?}", text, bounds);
            }
            Ok(())
        })
        .expect("every page is what it should be");
}

/// A place that is said to be exact is; one that is "at least" is not too large.
fn check_place(page: &Page<Execution>, before: usize, total: usize, text: &str) -> Result<(), TestCaseError> {
    if page.rows.is_empty() {
        return Ok(());
    }
    let (before, total) = (before as u64, total as u64);
    if page.before_is_least {
        prop_assert!(page.before <= before, "{text}: {} before, not {before}", page.before);
    } else {
        prop_assert_eq!(page.before, before, "{}: before", text);
    }
    if page.total_is_least {
        prop_assert!(page.total <= total, "{text}: {} in all, not {total}", page.total);
    } else {
        prop_assert_eq!(page.total, total, "{}: total", text);
    }
    Ok(())
}

/// What the planner does for each list, filter and order: no step of it reads a whole table or sorts one.
#[tokio::test]
async fn r07_no_first_page_scans_a_table_or_sorts_one() {
    let fixture = fixture();
    fill(&fixture.journal, 3, 50).await;
    let bad = fixture
        .journal
        .read(|connection| {
            let mut bad = Vec::new();
            for (list, review) in [
                (List::Conflicts, &CONFLICTS),
                (List::Duplicates, &DUPLICATE_GROUPS),
                (List::Unlinked, &UNLINKED),
            ] {
                for column in known(list).columns {
                    // What is seldom sorted by is few rows: records and states of what stands open.
                    if matches!(column, Column::Record | Column::Status) {
                        continue;
                    }
                    for descending in [false, true] {
                        let sort = Sort { column: *column, descending };
                        let sql = review.first_page(&Filter { terms: Vec::new(), sort: Some(sort) });
                        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                        let mut found = statement.query([])?;
                        while let Some(row) = found.next()? {
                            let step: String = row.get("detail")?;
                            let walks = step.contains("INDEX") || step.contains("PRIMARY KEY");
                            if step.contains("TEMP B-TREE") || !walks {
                                bad.push(format!("{list} {sort}: {step}"));
                            }
                        }
                    }
                }
            }
            Ok(bad)
        })
        .await
        .expect("plans");
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test]
async fn values_to_type_are_those_there_are_most_first() {
    let fixture = fixture();
    fill(&fixture.journal, 5, 300).await;
    let ask = async |list, key, start| {
        let found = fixture.journal.filter_values(list, key, start, 5).await.expect("values");
        found.into_iter().map(|one| one.value).collect::<Vec<_>>()
    };
    let recipes = ask(List::Executions, Key::Recipe, "contact").await;
    assert_eq!(recipes.len(), 2);
    assert_eq!(ask(List::Executions, Key::Person, "jan").await, ["Jane Doe", "jane Roe"]);
    assert_eq!(ask(List::Executions, Key::Status, "sk").await, ["skipped"]);
    assert_eq!(ask(List::Conflicts, Key::Status, "op").await, ["open"]);
    let systems = fixture.journal.filter_values(List::Executions, Key::System, "", 9).await.expect("values");
    assert!(systems.windows(2).all(|two| two[0].rows >= two[1].rows), "{systems:?}");
}

#[tokio::test]
async fn a_key_of_another_list_is_refused_by_name() {
    let fixture = fixture();
    let filter = Filter::parse("recipe:x").expect("valid");
    let error = fixture.journal.unlinked(&filter, Anchor::First, 5).await.expect_err("refused").to_string();
    assert!(error.contains("unlinked have no \"recipe:\""), "{error}");
}

/// An erased person's words are in no index any more.
#[tokio::test]
async fn words_that_are_taken_out_leave_nothing_in_the_index() {
    let fixture = fixture();
    fill(&fixture.journal, 5, 60).await;
    fixture.journal.write(words::index_now).await.expect("indexed");
    fixture
        .journal
        .write(|connection| {
            connection.execute("UPDATE executions SET subject = 'Erased', sentence = ''", [])?;
            words::index_now(connection)
        })
        .await
        .expect("erased");
    let left = fixture
        .journal
        .read(|connection| {
            let mut statement = connection.prepare("SELECT block FROM execution_words_data")?;
            let mut found = statement.query([])?;
            let mut left = Vec::new();
            while let Some(row) = found.next()? {
                left.extend(row.get::<_, Vec<u8>>(0)?);
            }
            Ok(left)
        })
        .await
        .expect("words");
    let text = String::from_utf8_lossy(&left).into_owned();
    for word in ["halvorsen", "nguyen", "patel", "locked"] {
        assert!(!text.contains(&word[1..]), "{word} is still there");
    }
    assert!(text.contains("rased"));
}
