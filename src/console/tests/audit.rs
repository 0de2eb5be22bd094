//! Screen 8: entries with what they changed and name, filters, paging, and the chain verified.

use super::bench::Bench;
use super::world::World;
use crate::domain::audit::NewEntry;

async fn bench(size: (u16, u16)) -> Bench {
    let world = World::rich(10).await;
    let line = |number: usize| NewEntry {
        actor: if number.is_multiple_of(50) { "olga" } else { "engine" }.into(),
        verb: if number.is_multiple_of(50) { "merge" } else { "write" }.into(),
        object: format!("hubspot/contact/{number}"),
        note: format!("Two fields, by ex_{}.", number % 9 + 1),
    };
    let settled = NewEntry {
        actor: "olga".into(),
        verb: "resolve".into(),
        object: "cf_1".into(),
        note: "Took Intercom's value. Carried out by ex_4.".into(),
    };
    world.journal.audit((0..399).map(line).chain([settled]).collect()).await.expect("stored");
    Bench::sized(world, size).await
}

#[tokio::test]
async fn r26_who_did_what_is_listed_and_told_with_doors_to_what_it_names() {
    let mut bench = bench((160, 40)).await;
    bench.press("8").await;
    for text in [
        "TIME",
        "ACTOR",
        "VERB",
        "OBJECT",
        "OUTCOME",
        "engine",
        "hubspot/contact/398",
        "Two fields, by ex_3.",
    ] {
        bench.says(text);
    }
    bench.says("Entry 400");
    bench.says("What was written");
    bench.says("+1 415 555 0100");
    bench.press("Enter").await;
    bench.says("Enter go there");
    bench.press("j Enter").await;
    bench.says("[Explain]");
    bench.press("[").await;
    bench.says("Entry 400");
}

#[tokio::test]
async fn the_whole_log_is_walked_in_pages_and_filtered_by_its_keys() {
    let mut bench = bench((120, 40)).await;
    bench.press("8").await;
    bench.says("1 of 400");
    bench.press("G").await;
    bench.says("400 of 400");
    bench.press("g").await;
    bench.says("1 of 400");
    for (filter, count) in [
        ("actor:olga", "1 of 9"),
        ("verb:merge", "1 of 8"),
        ("record:hubspot/contact/7", "1 of 1"),
        ("contact/39", "1 of 10"),
        ("since:2h -actor:engine", "1 of 9"),
        ("actor:nobody", "Nothing matches"),
    ] {
        bench.press("/").await;
        bench.type_text(filter).await;
        bench.press("Enter").await;
        bench.says(count);
        bench.press("Esc").await;
    }
}

#[tokio::test]
async fn r27_the_chain_is_verified_and_a_changed_entry_is_found() {
    let mut bench = bench((120, 40)).await;
    bench.press("8").await;
    bench.says("V verifies the chain");
    bench.press("V").await;
    bench.says("✓ chain intact, 400 entries");
    let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    file.execute_batch(
        "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET note = 'No field.' WHERE number = 7;",
    )
    .expect("forged");
    bench.press("V").await;
    bench.says("chain broken at entry 7");
    bench.says("The audit log was changed: entry 7 does not fit");
}

#[tokio::test]
async fn every_size_has_a_useful_layout_and_an_empty_log_says_so() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut bench = bench(size).await;
        bench.press("8").await;
        bench.says("cf_1");
        bench.press("Enter").await;
        bench.says("Entry 400");
        bench.press("Esc").await;
        bench.says("1 of 400");
    }
    let mut empty = Bench::sized(World::empty(), (80, 24)).await;
    empty.press("8").await;
    empty.says("Nothing was done yet.");
    empty.press("Enter y").await;
    empty.says("there is no entry here");
}

#[tokio::test]
async fn entries_are_marked_in_ranges_that_were_never_loaded_and_written_to_a_file() {
    let mut bench = bench((120, 40)).await;
    let evil = NewEntry {
        actor: "=cmd()".into(),
        verb: "merge".into(),
        object: "du_9".into(),
        note: "Asked with Bearer abcdefghijkl.".into(),
    };
    bench.world.journal.audit(vec![evil]).await.expect("stored");
    let folder = bench.world.journal.path().parent().expect("a folder").join("exports");
    bench.press("8 j v G v").await;
    bench.says("400 marked");
    bench.press("X").await;
    bench.says("The marked rows: 400 rows");
    bench.press("Esc Esc").await;
    bench.says_not("marked");
    bench.press("/").await;
    bench.type_text("verb:merge").await;
    bench.press("Enter X").await;
    bench.says("Every row the filter lets through: 9 rows (verb:merge)");
    bench.press("Enter").await;
    bench.says("9 rows written.");
    let file = std::fs::read_dir(&folder).expect("there").next().expect("one").expect("read").path();
    let text = std::fs::read_to_string(&file).expect("readable");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("number,at,actor,verb,object,note,erased,hash"));
    let first = lines.next().expect("a row");
    assert!(first.starts_with("401,20") && first.contains(",'=cmd(),merge,du_9,"), "{first}");
    assert!(first.contains("left out") && !text.contains("abcdefghijkl"), "{first}");
    assert_eq!(lines.count(), 8);
    bench.press("Esc X j Enter").await;
    bench.says("9 rows written.");
    let json = std::fs::read_dir(&folder)
        .expect("there")
        .map(|file| file.expect("read").path())
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .expect("a JSON file");
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(json).expect("readable")).expect("an array");
    assert_eq!((rows.len(), &rows[1]["actor"]), (9, &serde_json::json!("olga")));
}

#[tokio::test]
async fn names_verbs_and_objects_are_completed_from_the_log_itself() {
    let mut bench = bench((120, 40)).await;
    bench.press("8 /").await;
    bench.type_text("act").await;
    bench.says("who did it");
    bench.press("Tab").await;
    bench.says("engine");
    bench.type_text("ol").await;
    bench.press("Tab").await;
    bench.says("/ actor:olga");
    bench.press("Enter").await;
    bench.says("1 of 9");
    bench.press("/").await;
    bench.type_text("verb:mer").await;
    bench.press("Tab Enter").await;
    bench.says("1 of 8");
    bench.press("/").await;
    bench.type_text("object:hubspot/contact/").await;
    bench.says("hubspot/contact/100");
    bench.press("Esc /").await;
    bench.type_text("recipe:x").await;
    bench.says("audit entries have no");
    bench.press("Esc s").await;
    bench.says("these rows have one order only");
}

#[tokio::test]
async fn days_and_younger_and_older_hold_for_what_only_grows() {
    let mut bench = bench((120, 40)).await;
    bench.press("8").await;
    for (filter, count) in [
        ("since:2026-11-18", "1 of 400"),
        ("until:2026-11-18", "Nothing matches"),
        ("age:<1h", "1 of 400"),
        ("-age:<1h", "Nothing matches"),
        ("until:1h", "Nothing matches"),
    ] {
        bench.press("/").await;
        bench.type_text(filter).await;
        bench.press("Enter").await;
        bench.says(count);
        bench.press("Esc").await;
    }
}
