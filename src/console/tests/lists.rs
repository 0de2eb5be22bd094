//! The machine of every list: filter line, views, columns, order, marks, bulk, live refresh, export.

use std::time::Duration;

use super::super::{Settings, keys};
use super::bench::{ALL, BULK, Bench};
use super::world::{NOW, World};
use crate::console::actions::{Action, TABLE};
use crate::console::panes::Screen;
use crate::domain::execution::Status;
use crate::domain::filter::Filter;
use crate::domain::ids::{DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::page::Anchor;
use crate::domain::review::{ReviewState, Verdict};

/// The rows of the list that is on the screen, as their first words.
fn row(screen: &str, text: &str) -> usize {
    screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text:?} on:\n{screen}"))
}

async fn filter(bench: &mut Bench, text: &str) {
    bench.press("/").await;
    bench.type_text(text).await;
    bench.press("Enter").await;
}

#[tokio::test]
async fn filter_counts_while_typing_completes_with_arrows_and_goes_back_through_older_ones() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc /").await;
    bench.type_text("status:fai").await;
    bench.says("failed");
    bench.press("Tab").await;
    bench.says(&format!("9 of {ALL} · Enter keep"));
    bench.press("Enter").await;
    bench.says("1 of 9");
    // Another one; then the first by the arrows.
    bench.press("/ Ctrl-u").await;
    bench.type_text("sta").await;
    bench.says("where it stands");
    bench.press("Down Enter").await;
    bench.type_text("retrying").await;
    bench.press("Enter").await;
    bench.says("1 of 4");
    bench.press("/ Ctrl-u Up").await;
    bench.says("/ status:retrying");
    bench.press("Up").await;
    bench.says("/ status:failed");
    bench.press("Down Enter").await;
    bench.says("1 of 4");
    // The last filter, and back.
    bench.press("-").await;
    bench.says("1 of 9");
    bench.press("-").await;
    bench.says("1 of 4");
    // Turned round.
    bench.press("/ Ctrl-t Enter").await;
    bench.says(&format!("of {}", ALL - 4));
    bench.press("Esc").await;
    bench.says(&format!("of {ALL}"));
}

#[tokio::test]
async fn a_filter_that_is_set_comes_selected_and_typing_replaces_it() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc").await;
    filter(&mut bench, "status:failed").await;
    bench.press("/").await;
    bench.says("/ status:failed");
    bench.says("typing replaces it, → edits it");
    bench.says("Enter keep");
    bench.press("Enter").await;
    bench.says("1 of 9");
    // A letter takes its place.
    filter(&mut bench, "status:retrying").await;
    bench.says("1 of 4");
    // End and Right keep it, and go on behind it; Left goes before it.
    bench.press("/ End").await;
    bench.says_not("typing replaces it");
    bench.type_text(" marta").await;
    bench.says("/ status:retrying marta");
    bench.press("Enter").await;
    bench.says("1 of 1");
    bench.press("/ Left").await;
    bench.type_text("-").await;
    bench.says("/ -status:retrying marta");
    bench.press("Esc").await;
    filter(&mut bench, "status:failed").await;
    bench.press("/ Ctrl-u").await;
    bench.says("Tab completes");
    bench.press("Esc").await;
    filter(&mut bench, "status:failed").await;
    bench.press("/").await;
    bench.console.input(crossterm::event::Event::Paste("status:retrying".to_owned()));
    bench.press("Enter").await;
    bench.says("1 of 4");
    bench.press("/ Esc").await;
    bench.says(&format!(" of {ALL}"));
}

#[tokio::test]
async fn recipes_and_names_are_completed_from_the_journal() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc /").await;
    bench.type_text("recipe:con").await;
    bench.says("contact-to-crm");
    bench.press("Tab Enter / End").await;
    bench.says("/ recipe:contact-to-crm");
    bench.type_text(" person:mar").await;
    bench.press("Tab").await;
    bench.says("person:\"Marta Rossi\"");
    bench.press("Enter").await;
    bench.says("1 of 1");
}

#[tokio::test]
async fn filter_errors_are_said_in_the_line_and_change_nothing() {
    let mut bench = Bench::rich().await;
    bench.press("3 /").await;
    bench.type_text("recipe:x").await;
    bench.says("conflicts have no \"recipe:\"");
    bench.says("of 4");
    bench.press("Enter").await;
    bench.says("/ recipe:x");
    bench.press("Esc").await;
    bench.says_not("/ recipe:x");
}

#[tokio::test]
async fn sort_follows_the_record_and_shows_in_the_header() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc").await;
    filter(&mut bench, "status:failed").await;
    bench.press("j j").await;
    let chosen = bench.console.app().selected();
    bench.press("s").await;
    bench.says("Sort by");
    bench.press("3 s").await;
    bench.press("Esc").await;
    let screen = bench.screen();
    assert!(screen.contains("RECORD▲"), "{screen}");
    assert!(screen.contains("by person ▲"), "{screen}");
    assert_eq!(bench.console.app().selected(), chosen, "the selection is a record");
    let (globex, sofia) = (row(&screen, "Globex"), row(&screen, "Sofia Costa"));
    assert!(globex < sofia, "{screen}");
    bench.press("Shift-Down").await;
    bench.says("RECORD▼");
    let screen = bench.screen();
    assert!(row(&screen, "Globex") > row(&screen, "Sofia Costa"), "{screen}");
    bench.press("Shift-Left").await;
    bench.says("RECIPE▲");
    bench.press("Shift-Right Shift-Right").await;
    bench.says("TRY▼");
    // The list's own order again.
    bench.press("s 0").await;
    bench.says("newest first");
    // Typed, it is the same.
    bench.press("/ End").await;
    bench.type_text(" sort:-person").await;
    bench.press("Enter").await;
    bench.says("RECORD▼");
    bench.says(" of 9 ");
}

#[tokio::test]
async fn columns_are_chosen_ordered_and_remembered_across_restarts() {
    let mut bench = Bench::sized(World::rich(BULK).await, (200, 40)).await;
    bench.press("2").await;
    bench.says_not("STATUS");
    bench.press("| G").await;
    bench.says("Columns");
    bench.says("8 of 15 shown");
    // The last one is the number; it goes to the front of the chosen ones.
    bench.press("Space").await;
    bench.says("9 of 15 shown");
    for _ in 0..14 {
        bench.press("Left").await;
    }
    bench.press("Esc").await;
    let screen = bench.screen();
    let header = screen.lines().find(|line| line.contains("RECIPE")).expect("a header");
    assert!(header.find("ID").expect("shown") < header.find("AGE").expect("shown"), "{header}");
    bench.press("s 2").await;
    bench.says("RECIPE▲");
    let world = bench.world;
    let mut again = Bench::sized(world, (200, 40)).await;
    again.press("2").await;
    again.says("RECIPE▲");
    let screen = again.screen();
    let header = screen.lines().find(|line| line.contains("RECIPE")).expect("a header");
    assert!(header.find("ID").expect("remembered") < header.find("AGE").expect("shown"), "{header}");
    again.press("| 0 Esc").await;
    let screen = again.screen();
    assert!(!screen.lines().any(|line| line.contains("RECIPE") && line.contains(" ID")), "{screen}");
}

#[tokio::test]
async fn views_are_opened_saved_renamed_deleted_and_kept() {
    let mut bench = Bench::rich().await;
    bench.press("2 V").await;
    bench.says("Ready-made");
    bench.says("auth errors");
    bench.press("Esc").await;
    filter(&mut bench, "error:auth").await;
    bench.press("s 3 V a").await;
    bench.type_text("my auth").await;
    bench.press("Enter").await;
    bench.says("Saved the view my auth");
    bench.press("Esc Esc Esc V").await;
    bench.says("Your own");
    bench.press("1").await;
    bench.says(" of 6 ");
    bench.says("by person ▲");
    let world = bench.world;
    let mut again = Bench::sized(world, (120, 40)).await;
    again.press("2 V j r").await;
    again.says("This one is ready-made");
    again.press("g r Ctrl-u").await;
    again.type_text("tokens").await;
    again.press("Enter").await;
    again.says("tokens");
    again.says_not("my auth");
    again.press("D").await;
    again.says("D again deletes tokens");
    again.press("j D").await;
    again.says("This one is ready-made");
    again.press("k D D Esc V").await;
    again.says_not("Your own");
    let world = again.world;
    let mut last = Bench::sized(world, (120, 40)).await;
    last.press("2 V").await;
    last.says_not("tokens");
}

#[tokio::test]
async fn a_broken_file_of_views_is_said_and_never_lost() {
    let world = World::rich(3).await;
    let folder = world.journal.path().parent().expect("a folder").to_owned();
    let file = folder.join("views-ana.toml");
    std::fs::write(&file, "[[view]\nname").expect("written");
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.says("Your views were not loaded");
    bench.press("Esc 2 V a").await;
    bench.type_text("mine").await;
    bench.press("Enter").await;
    assert_eq!(std::fs::read_to_string(folder.join("views-ana.toml.bad-1")).expect("kept"), "[[view]\nname");
    assert!(std::fs::read_to_string(&file).expect("new").contains("mine"));
}

#[tokio::test]
async fn marks_work_on_every_list_survive_refresh_and_are_copied() {
    for (screen, count) in [("2", 3), ("3", 3), ("4", 3), ("5", 2)] {
        let mut bench = Bench::rich().await;
        bench.press(screen).await;
        bench.press("v j").await;
        bench.says("range: 2 marked · v ends it");
        bench.press("v").await;
        bench.says("2 marked");
        if count == 3 {
            bench.press("j Space").await;
            bench.says("3 marked");
        }
        bench.world.append("Somebody new", NOW.plus(Duration::from_secs(60))).await;
        bench.changed().await;
        bench.says(&format!("{count} marked"));
        bench.press("y").await;
        bench.says(&format!("Copied {count} ids"));
        bench.press("Ctrl-\\").await;
        bench.says_not("marked");
        bench.press("Ctrl-\\").await;
        bench.says("nothing is marked");
    }
}

#[tokio::test]
async fn a_range_reaches_over_rows_that_were_never_loaded() {
    let mut bench = Bench::sized(World::rich(1_000).await, (120, 40)).await;
    bench.press("2 Esc j j v G v").await;
    bench.says("1,015 marked");
    bench.press("g").await;
    let screen = bench.screen();
    let third =
        screen.lines().filter(|line| line.contains("contact-to-crm")).nth(2).expect("a row").to_owned();
    assert!(third.contains('+'), "the row where it began is in it: {third}");
    bench.press("Esc").await;
    bench.says_not("marked");
    // And upwards, within what is in memory.
    bench.press("j j j v k k v").await;
    bench.says("3 marked");
}

#[tokio::test]
async fn all_that_match_are_marked_by_the_filter_and_frozen_when_asked() {
    let mut bench = Bench::sized(World::rich(600).await, (120, 40)).await;
    bench.press("2 Esc Ctrl-a").await;
    bench.says("all 617 marked");
    // Two are taken out again.
    bench.press("Space Space").await;
    bench.says("615 marked");
    bench.press("r").await;
    bench.says("Retry 12 executions?");
    bench.says("603 rows left out");
    bench.says("needs no retry");
    bench.press("Enter").await;
    assert_eq!(bench.count(Status::Failed).await, 9, "Enter is never yes");
}

#[tokio::test]
async fn a_big_bulk_wants_its_count_typed_goes_in_pieces_and_leaves_a_table() {
    let mut bench = Bench::sized(World::failing(230).await, (120, 40)).await;
    bench.press("2 Esc Ctrl-a r").await;
    bench.says("Retry 230 executions?");
    bench.says("Type 230 to go on");
    bench.says("HubSpot about 460 calls");
    bench.press("Y").await;
    assert_eq!(bench.count(Status::Failed).await, 230);
    bench.type_text("23").await;
    bench.says_not("Y Retry");
    bench.type_text("0").await;
    bench.says("Y Retry");
    bench.press("Y").await;
    bench.says("230 queued again.");
    assert_eq!(bench.count(Status::Pending).await, 230);
    // It stays until it is closed; the marks have gone.
    bench.changed().await;
    bench.says("230 queued again.");
    bench.press("Esc").await;
    bench.says_not("queued again.");
    bench.says_not("marked");
    let audit = bench.world.journal.audit_entries(300).await.expect("entries");
    assert_eq!(audit.iter().filter(|entry| entry.entry.verb == "retry").count(), 230);
}

#[tokio::test]
async fn what_changed_meanwhile_is_skipped_and_listed() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc").await;
    filter(&mut bench, "status:failed error:auth").await;
    bench.press("Ctrl-a r").await;
    bench.says("Retry 6 executions?");
    let page = {
        let failed = Filter::parse("status:failed error:auth").expect("valid");
        bench.world.journal.executions(&failed, Anchor::First, 1).await.expect("rows")
    };
    let first = page.rows[0].id;
    bench.world.operator.discard(&[first], "somebody else was faster").await.expect("discarded");
    bench.press("Y").await;
    bench.says("5 queued again, 1 skipped.");
    bench.says("it changed since it was shown; it is discarded now");
    assert_eq!(bench.count(Status::Discarded).await, 1);
    assert_eq!(bench.count(Status::Pending).await, 6);
}

#[tokio::test]
async fn discarding_many_wants_a_reason_that_stays_with_them() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc").await;
    filter(&mut bench, "status:retrying").await;
    bench.press("Ctrl-a D Enter").await;
    bench.says("Why give them up?");
    bench.type_text("load test").await;
    bench.press("Enter").await;
    bench.says("Discard 4 executions?");
    bench.says("none is sent");
    bench.press("Y").await;
    bench.says("4 discarded.");
    let all = Filter::parse("status:discarded").expect("valid");
    let rows = bench.world.journal.executions(&all, Anchor::First, 9).await.expect("rows").rows;
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.sentence.contains("load test")), "{rows:?}");
}

#[tokio::test]
async fn verdicts_are_given_on_many_pairs_and_people() {
    let mut bench = Bench::rich().await;
    bench.press("4 Ctrl-a x").await;
    bench.says("Call 3 pairs different people?");
    bench.press("Y").await;
    bench.says("3 two different people.");
    for id in 1..=3 {
        let pair = bench.world.journal.duplicate(DuplicateId(id)).await.expect("read").expect("there");
        assert_eq!(pair.standing.judgement.expect("judged").verdict, Verdict::Different);
    }
    bench.press("Esc 5 Ctrl-a z").await;
    bench.says("2 marked: later");
    bench.press("Enter").await;
    bench.says("Leave 2 people alone for a time?");
    bench.press("Y").await;
    bench.says("2 put off.");
    for id in 1..=2 {
        let person = bench.world.journal.unlinked_one(UnlinkedId(id)).await.expect("read").expect("there");
        assert_eq!(person.state, ReviewState::Ignored);
    }
}

#[tokio::test]
async fn many_conflicts_are_settled_alike() {
    let mut bench = Bench::rich().await;
    bench.press("3").await;
    filter(&mut bench, "field:Phone").await;
    bench.press("Ctrl-a Left").await;
    bench.says("3 fields decided, not sent.");
    assert_eq!(bench.decided().await, 0, "nothing is sent yet");
    bench.press("d").await;
    bench.says("Send 3 decisions?");
    bench.press("Y").await;
    // Two of the three are about records that no copy is kept of here: they stay, and it is said.
    bench.says("And 1 more.");
    bench.says("2 fields decided, not sent.");
    assert_eq!(bench.decided().await, 1);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_in_bulk_and_writes_no_views() {
    let world = World::rich(3).await;
    let folder = world.journal.path().parent().expect("a folder").to_owned();
    let World { journal, operator, clock, folder: kept } = world;
    let world = World { operator: operator.read_only(), journal, clock, folder: kept };
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.press("2 Ctrl-a r").await;
    bench.says("read-only");
    bench.press("Esc s 2 V a").await;
    bench.type_text("mine").await;
    bench.press("Enter V").await;
    bench.says("mine");
    bench.says("hold until you leave");
    assert!(!folder.join("views-ana.toml").exists());
}

#[tokio::test]
async fn a_pause_says_how_much_waits() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc p").await;
    for number in 0..3 {
        bench.world.append(&format!("New {number}"), NOW.plus(Duration::from_secs(60))).await;
    }
    bench.changed().await;
    bench.says("paused, 3 new and changes wait: p");
    bench.says(&format!("1 of {ALL}"));
    bench.press("p").await;
    bench.says("3 new ↑ g");
    bench.says(&format!("4 of {}", ALL + 3));
}

#[tokio::test]
async fn the_filtered_rows_are_written_to_a_file_without_formulas() {
    let world = World::rich(1_200).await;
    world.append("=HYPERLINK(\"http://evil\")", NOW.plus(Duration::from_secs(60))).await;
    let folder = world.journal.path().parent().expect("a folder").join("exports");
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.press("2 Esc X").await;
    bench.says("1,218 rows");
    bench.press("Enter").await;
    bench.says("1,218 rows written.");
    let files: Vec<_> =
        std::fs::read_dir(&folder).expect("there").map(|file| file.expect("read").path()).collect();
    assert_eq!(files.len(), 1, "no half file is left: {files:?}");
    let text = std::fs::read_to_string(&files[0]).expect("readable");
    assert_eq!(text.lines().count(), 1_219);
    assert!(text.starts_with("id,status,outcome,recipe"), "{}", &text[..60]);
    assert!(text.contains("\"'=HYPERLINK(\"\"http://evil\"\")\""));
    bench.press("Esc").await;
    filter(&mut bench, "status:failed").await;
    bench.press("X j Enter").await;
    bench.says("9 rows written.");
    let json = std::fs::read_dir(&folder)
        .expect("there")
        .map(|file| file.expect("read").path())
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .expect("a JSON file");
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(json).expect("readable")).expect("an array");
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|row| row["status"] == "failed"));
    // The marked ones alone.
    bench.press("Esc Space Space X Enter").await;
    bench.says("2 rows written.");
}

#[tokio::test]
async fn every_key_of_every_list_is_in_palette_help_and_says_why_it_is_off() {
    let actions = [
        Action::Mark,
        Action::MarkRange,
        Action::MarkAll,
        Action::ClearMarks,
        Action::LastFilter,
        Action::Sort,
        Action::SortTurn,
        Action::Columns,
        Action::Views,
        Action::Export,
    ];
    for size in [(140, 40), (100, 30), (80, 24)] {
        let mut bench = Bench::sized(World::empty(), size).await;
        bench.press("2 ?").await;
        // The screen's own keys come first, and are many.
        for _ in 0..10 {
            if bench.screen().contains("Every list") {
                break;
            }
            bench.press("PgDn").await;
        }
        bench.says("Every list");
        bench.press("Esc").await;
        for (action, why) in [
            (Action::Mark, "there is no row here"),
            (Action::MarkAll, "there is no row here"),
            (Action::ClearMarks, "nothing is marked"),
            (Action::LastFilter, "there was no other filter"),
            (Action::SortTurn, "no column is sorted by"),
            (Action::Export, "there are no rows to write"),
        ] {
            assert!(bench.console.app().can(action).expect_err("off").contains(why));
        }
        let overview = Bench::sized(World::empty(), size).await;
        for action in actions {
            assert!(overview.console.app().can(action).is_err(), "the overview is no list");
            let row = TABLE.iter().find(|row| row.action == action).expect("in the table");
            assert!(row.keys.iter().all(|key| keys::press(key).is_some()));
        }
    }
    assert_eq!(Settings::default().typed_count_from, 25);
}

#[tokio::test]
async fn layers_of_lists_fit_at_three_sizes() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut bench = Bench::sized(World::rich(20).await, size).await;
        bench.press("2").await;
        for (keys, says) in
            [("s", "Sort by"), ("|", "Columns"), ("V", "Views of executions"), ("X", "Export")]
        {
            bench.press(keys).await;
            bench.says(says);
            bench.press("Esc").await;
        }
        bench.press("Ctrl-a r").await;
        bench.says("Retry 14 executions?");
        bench.says("Esc Cancel");
        bench.press("Esc").await;
        assert_eq!(bench.console.app().screen(), Screen::Executions);
    }
}

#[tokio::test]
async fn the_one_row_is_still_retried_at_once() {
    let mut bench = Bench::rich().await;
    bench.press("2 r").await;
    bench.says("1 execution queued again");
    assert!(bench.world.journal.execution(ExecutionId(1)).await.expect("read").is_some());
}
