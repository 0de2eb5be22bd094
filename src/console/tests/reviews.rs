//! Conflicts, duplicates and unlinked people: decided by keys, shown before they are sent, seen in the journal.

use crossterm::event::Event as Input;
use serde_json::json;

use super::bench::Bench;
use super::world::{World, unlinked};
use crate::domain::filter::Filter;
use crate::domain::ids::{ConflictId, DuplicateId, UnlinkedId};
use crate::domain::page::Anchor;
use crate::domain::review::{ReviewState, Unlinked};

async fn conflict(bench: &Bench, id: i64) -> ReviewState {
    bench.world.journal.conflict(ConflictId(id)).await.expect("read").expect("there").state
}

async fn person(bench: &Bench, id: i64) -> Unlinked {
    bench.world.journal.unlinked_one(UnlinkedId(id)).await.expect("read").expect("there")
}

async fn wide() -> Bench {
    Bench::sized(World::rich(10).await, (140, 40)).await
}

/// What the audit log says, newest last.
async fn audit(bench: &Bench) -> Vec<String> {
    let entries = bench.world.journal.audit_entries(100).await.expect("read");
    entries
        .into_iter()
        .map(|entry| format!("{} {} {}", entry.entry.actor, entry.entry.verb, entry.entry.object))
        .collect()
}

#[tokio::test]
async fn two_fields_of_a_record_are_decided_and_sent_together() {
    let mut bench = wide().await;
    bench.press("3").await;
    // Both fields of the record stand beside each other, with what each value will be.
    for text in ["WILL BE", "LAST AGREED", "? ← or →", "Lifecycle stage", "how they came apart", "2 open"]
    {
        bench.says(text);
    }
    bench.press("Left").await;
    bench.says("✓ ←");
    bench.says("1 field decided, not sent.");
    assert_eq!(conflict(&bench, 1).await, ReviewState::Open, "a mark sends nothing");
    bench.press("Left").await;
    bench.says_not("decided, not sent");
    bench.press("Left Tab Down Right").await;
    bench.says("2 decided · 0 open");
    bench.press("Enter").await;
    for text in ["Send 2 decisions?", "2 fields of Jane Doe", "+1 415 555 0199", "WILL BE", "Y Send"] {
        bench.says(text);
    }
    bench.press("y Enter").await;
    assert_eq!(conflict(&bench, 1).await, ReviewState::Open, "Enter is never yes");
    bench.press("d Y").await;
    assert_eq!(conflict(&bench, 1).await, ReviewState::Deciding);
    assert_eq!(conflict(&bench, 2).await, ReviewState::Deciding);
    bench.says_not("decided, not sent");
    bench.press("Left").await;
    bench.says("cf_2 is decided");
}

#[tokio::test]
async fn what_was_decided_on_another_value_is_decided_no_more() {
    let mut bench = wide().await;
    bench.press("3 Left").await;
    bench.says("1 field decided");
    let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    file.execute("UPDATE conflicts SET left_value = '\"+1 000\"' WHERE id = 1", []).expect("changed");
    bench.changed().await;
    bench.says_not("1 field decided");
    bench.press("d").await;
    bench.says("nothing is decided yet");
}

#[tokio::test]
async fn the_fields_that_agree_are_folded_and_a_key_unfolds_them() {
    let mut bench = wide().await;
    bench.press("3").await;
    bench.says("folded");
    bench.press("=").await;
    bench.says_not("folded");
    bench.press("=").await;
    bench.says("folded");
}

#[tokio::test]
async fn a_rule_says_how_many_it_decides_before_it_is_made() {
    let mut bench = wide().await;
    bench.press("3 R").await;
    bench.says("when the two values are these · 1 open now");
    bench.press("Esc Right R").await;
    // What was just decided for one is offered first for all.
    bench.says("1  HubSpot's value counts, when the two values are these");
}

#[tokio::test]
async fn changed_letters_are_underlined_on_both_sides() {
    let mut bench = wide().await;
    bench.press("3").await;
    let buffer = bench.console.frame();
    let underlined: String = buffer
        .content
        .iter()
        .filter(|cell| cell.modifier.contains(ratatui::style::Modifier::UNDERLINED))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert!(underlined.contains("99") && underlined.contains("00"), "{underlined:?}");
    assert!(!underlined.contains("415"), "{underlined:?}");
}

#[tokio::test]
async fn the_value_of_a_cell_survives_the_merge() {
    let mut bench = wide().await;
    bench.press("4").await;
    for text in ["MERGED", "survivor", "Why 97 %", "bits → 97 %", "If merged", "Lost", "Kept", "merge undo"]
    {
        bench.says(text);
    }
    bench.press("Tab").await;
    let row = |bench: &mut Bench, field: &str| {
        let screen = bench.screen();
        screen.lines().find(|line| line.contains(&format!("▌{field}"))).map(str::to_owned)
    };
    for _ in 0..12 {
        if row(&mut bench, "email").is_some() {
            break;
        }
        bench.press("Down").await;
    }
    bench.press("Right Space").await;
    let line = row(&mut bench, "email").expect("the cursor stays on its row");
    assert!(line.contains("✓ jane.doe@acme.test"), "{line}");
    assert!(
        line.trim_end_matches('│').trim_end().ends_with("jane.doe@acme.test"),
        "it is what comes out: {line}"
    );
    bench.press("Space").await;
    let line = row(&mut bench, "email").expect("there");
    assert!(line.contains("✓ jane@acme.test"), "given back to the rules: {line}");
    bench.press("Space m").await;
    bench.says("Y Merge");
    bench.press("Y").await;
    let found = bench.world.journal.duplicate(DuplicateId(1)).await.expect("read").expect("there");
    assert_eq!(found.state, ReviewState::Deciding);
    let taken: String = rusqlite::Connection::open(bench.world.journal.path())
        .expect("open")
        .query_row("SELECT decision FROM decisions ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .expect("a decision");
    assert!(taken.contains("\"take\"") && taken.contains("8841"), "{taken}");
}

#[tokio::test]
async fn a_word_about_a_pair_is_one_key_and_is_taken_back_by_another() {
    let mut bench = wide().await;
    bench.press("4 n").await;
    bench.says("nobody can tell");
    bench.press("u").await;
    bench.says("Taken back");
    // The cursor went on to the next pair when this one left the list, and stays there when it is back.
    bench.press("g x Y").await;
    let state = |bench: &Bench| {
        let journal = bench.world.journal.clone();
        async move { journal.duplicate(DuplicateId(1)).await.expect("read").expect("there").state }
    };
    assert_eq!(state(&bench).await, ReviewState::Dismissed);
    bench.press("u").await;
    assert_eq!(state(&bench).await, ReviewState::Open);
}

#[tokio::test]
async fn the_person_the_colleagues_and_the_call_stand_beside_the_candidates() {
    let mut bench = wide().await;
    bench.press("5").await;
    for text in [
        "×2",
        "Accounts for",
        "Globex Corporation",
        "Will send",
        "/crm/v4/objects/contacts/900",
        "Colleagues",
        "Dev Shah",
        "Blocks",
        "HubSpot",
    ] {
        bench.says(text);
    }
    bench.press("#").await;
    bench.says("by domain");
    bench.press("#").await;
    bench.says("surest first");
}

#[tokio::test]
async fn each_word_about_a_person_is_said_and_taken_back() {
    for (key, state, said) in [
        ("x", ReviewState::Dismissed, "none_fits"),
        ("n", ReviewState::Ignored, "unsure"),
        ("z Enter", ReviewState::Ignored, "snooze"),
    ] {
        let mut bench = wide().await;
        bench.press("5").await;
        bench.press(key).await;
        bench.press("Enter").await;
        assert_eq!(person(&bench, 1).await.state, ReviewState::Open, "{key}: Enter is never yes");
        bench.press(key).await;
        bench.press("Y").await;
        let now = person(&bench, 1).await;
        assert_eq!(now.state, state, "{key}");
        assert_eq!(now.ignored_until.is_some(), key.starts_with('z'), "{key}");
        let entries = audit(&bench).await;
        assert!(entries.iter().any(|line| *line == format!("ana {said} un_1")), "{key}: {entries:?}");
        bench.press("u Y").await;
        assert_eq!(person(&bench, 1).await.state, ReviewState::Open, "{key} is taken back");
    }
}

#[tokio::test]
async fn a_whole_domain_is_linked_person_by_person() {
    let mut bench = wide().await;
    bench.press("5 L").await;
    bench.says("link those who are here");
    bench.press("Enter").await;
    for text in ["2 people of globex.test", "2 calls", "Priya Patel", "Dev Shah"] {
        bench.says(text);
    }
    bench.press("Enter").await;
    assert_eq!(person(&bench, 1).await.state, ReviewState::Open);
    bench.press("L Enter Y").await;
    assert_eq!(person(&bench, 1).await.state, ReviewState::Deciding);
    assert_eq!(person(&bench, 2).await.state, ReviewState::Deciding);
    bench.says("2 people of globex.test are being linked");
    assert!(bench.world.journal.domain_rules().await.expect("read").is_empty());
}

#[tokio::test]
async fn a_domain_with_a_rule_is_remembered_for_whoever_comes_later() {
    let mut bench = wide().await;
    bench.press("5 L Down Enter").await;
    bench.says("From now on globex.test belongs to");
    bench.press("Y").await;
    let rules = bench.world.journal.domain_rules().await.expect("read");
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].company.as_ref().map(|company| company.id.as_str()), Some("812"));
}

#[tokio::test]
async fn a_company_that_is_not_there_is_made_with_its_link() {
    let mut bench = wide().await;
    bench.world.journal.put_unlinked(vec![stranger()]).await.expect("stored");
    bench.changed().await;
    bench.press("5 c").await;
    bench.says("/crm/v3/objects/companies");
    bench.press("Enter").await;
    let id =
        bench.world.journal.unlinked(&Filter::default(), Anchor::First, 9).await.expect("rows").rows[0].id.0;
    assert_eq!(person(&bench, id).await.state, ReviewState::Open);
    bench.press("c Y").await;
    assert_eq!(person(&bench, id).await.state, ReviewState::Deciding);
}

pub(super) fn stranger() -> Unlinked {
    let mut person = unlinked(0, "Priya Patel");
    person.candidates.clear();
    person.domain = "northlight.test".to_owned();
    person
}

#[tokio::test]
async fn a_domain_is_never_asked_about_again_until_that_is_taken_back() {
    let mut bench = wide().await;
    bench.press("5 D").await;
    bench.says("Never ask about globex.test?");
    bench.press("Enter D Y").await;
    for id in [1, 2] {
        assert_eq!(person(&bench, id).await.state, ReviewState::Dismissed);
    }
    let rules = bench.world.journal.domain_rules().await.expect("read");
    assert!(rules.len() == 1 && rules[0].company.is_none(), "{rules:?}");
    bench.says("Everybody has a company.");
    bench.press("u").await;
    bench.says("Ask about globex.test again?");
    bench.press("Y").await;
    assert!(bench.world.journal.domain_rules().await.expect("read").is_empty());
}

#[tokio::test]
async fn every_key_of_the_reviews_says_why_not_where_there_is_nothing() {
    let mut bench = Bench::sized(World::empty(), (120, 40)).await;
    for (screen, keys) in
        [("3", "Left Right e 0 R f z b w d ="), ("4", "m S x n z u"), ("5", "l L c x n z D u")]
    {
        for key in keys.split(' ') {
            bench.press(&format!("{screen} {key}")).await;
            let screen = bench.screen();
            assert!(screen.contains("Cannot "), "{key} on {screen}");
            bench.press("Esc").await;
        }
    }
}

#[tokio::test]
async fn values_of_a_megabyte_and_hostile_names_are_drawn_at_every_size() {
    let mut bench = wide().await;
    let long = "x\u{202e}y ".repeat(300_000);
    let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    file.execute("UPDATE conflicts SET left_value = ?1 WHERE id = 1", [json!(long).to_string()])
        .expect("changed");
    bench.changed().await;
    for size in [(60, 15), (60, 20), (80, 24), (100, 16), (100, 30), (140, 40), (240, 60)] {
        bench.console.input(Input::Resize(size.0, size.1));
        bench.console.settle().await;
        for keys in
            ["3", "Tab", "Down", "=", "PgDn", "Esc", "4", "Tab", "Right", "PgDn", "Esc", "5", "Tab", "Esc"]
        {
            bench.press(keys).await;
            let screen = bench.screen();
            assert!(!screen.contains('\u{202e}'), "{keys} at {size:?}");
        }
    }
}
