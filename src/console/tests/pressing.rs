//! Keys pressed on a console over a real journal, and what its lines say then.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal as Screen;
use ratatui::backend::TestBackend;

use super::super::{Settings, keys, run};
use super::bench::{ALL, Bench};
use super::world::{NOW, World};
use crate::console::panes::Screen as Pane;
use crate::domain::clock::Clock as _;
use crate::domain::execution::Status;
use crate::domain::ids::ConflictId;
use crate::domain::review::ReviewState;

#[tokio::test]
async fn the_overview_leads_to_the_rows_it_counts() {
    let mut bench = Bench::rich().await;
    bench.says("9 failed executions");
    bench.says("6 of them share one cause");
    bench.press("Enter").await;
    bench.says("1 of 9");
    bench.says("status:failed");
    bench.press("Esc").await;
    bench.says(&format!("of {ALL}"));
    bench.press("[").await;
    assert_eq!(bench.console.app().screen(), Pane::Overview);
    bench.press("]").await;
    assert_eq!(bench.console.app().screen(), Pane::Executions);
}

#[tokio::test]
async fn a_failure_is_explained_with_its_fix_and_the_vendors_words() {
    let mut bench = Bench::rich().await;
    bench.press("2").await;
    for text in [
        "Nothing was written.",
        "Why   HubSpot compares internal values",
        "Fix   Choose the internal value",
        "HubSpot said \"Property",
    ] {
        bench.says(text);
    }
    bench.press("Right").await;
    bench.says("1 ✗ Update HubSpot contact 151");
    bench.press("Right").await;
    bench.says("api.hubapi.com/crm/v3/objects");
    bench.says("\"amount\": 12000.50");
}

#[tokio::test]
async fn one_retry_acts_at_once_and_many_ask_first() {
    let mut bench = Bench::rich().await;
    bench.press("2 r").await;
    bench.says("1 execution queued again");
    bench.says("○ pending");
    assert_eq!(bench.count(Status::Pending).await, 2);
    bench.press("/").await;
    bench.type_text("status:failed error:auth").await;
    bench.press("Enter *").await;
    bench.says("6 marked");
    bench.press("r").await;
    bench.says("Retry 6 executions?");
    bench.press("Enter").await;
    assert_eq!(bench.count(Status::Pending).await, 2, "Enter is never yes");
    bench.press("r y").await;
    assert_eq!(bench.count(Status::Pending).await, 2, "nor is the small letter");
    bench.press("Y").await;
    assert_eq!(bench.count(Status::Pending).await, 8);
}

#[tokio::test]
async fn enter_and_the_opening_key_never_confirm_danger() {
    for (screen, key) in [("3 Left", "d"), ("3 Right", "d"), ("4", "m"), ("4", "x"), ("5", "l")] {
        let mut bench = Bench::rich().await;
        bench.press(screen).await;
        bench.press(key).await;
        bench.says("Esc Cancel");
        bench.press(&format!("{key} Enter")).await;
        bench.says_not("Esc Cancel");
        assert_eq!(bench.decided().await, 0, "{key} on {screen}");
        bench.press(key).await;
        bench.press("Y").await;
        assert_eq!(bench.decided().await, 1, "{key} then Y on {screen}");
    }
}

#[tokio::test]
async fn a_merge_shows_its_calls_and_losses_and_the_chosen_survivor() {
    let mut bench = Bench::rich().await;
    bench.press("4 Tab 2 m").await;
    for text in [
        "Merge HubSpot 151 into 8841?",
        "cannot be taken back",
        "1 POST",
        "/crm/v3/objects/contacts/merge",
        "Acme Inc.",
        "Y Merge",
    ] {
        bench.says(text);
    }
    bench.press("Esc Esc G m").await;
    bench.says("cannot be merged from here");
    bench.says_not("Y Merge");
}

#[tokio::test]
async fn a_typed_value_must_be_allowed_and_tab_completes_it() {
    let mut bench = Bench::rich().await;
    bench.press("3 j e").await;
    bench.type_text("opp").await;
    bench.press("Enter").await;
    bench.says("Tab takes \"opportunity\"");
    bench.press("Tab Enter").await;
    bench.says("✓ e");
    bench.press("Enter").await;
    bench.says("Send 1 decision?");
    bench.press("Y").await;
    let conflict = bench.world.journal.conflict(ConflictId(2)).await.expect("read").expect("there");
    assert_eq!(conflict.state, ReviewState::Deciding);
    bench.says("↻ Decided; being carried out by ex_");
    bench.press("Left").await;
    bench.says("cf_2 is decided");
}

#[tokio::test]
async fn giving_up_wants_a_reason_and_a_capital_y() {
    let mut bench = Bench::rich().await;
    bench.press("2 D Enter").await;
    bench.says("A reason is wanted");
    bench.type_text("test data").await;
    bench.press("Enter").await;
    bench.says("Discard 1 execution?");
    bench.says("test data");
    bench.press("Y").await;
    bench.says("1 execution discarded");
    // It waits for nobody any more, so the list goes on to the next; among all it is the first.
    bench.press("Esc Esc g").await;
    bench.says("× discarded");
}

#[tokio::test]
async fn new_rows_never_push_the_selection() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc j").await;
    bench.says(&format!("2 of {ALL}"));
    for number in 0..3 {
        bench.world.append(&format!("New {number}"), NOW.plus(Duration::from_secs(60))).await;
    }
    bench.changed().await;
    bench.says("3 new ↑ g");
    bench.says(&format!("5 of {}", ALL + 3));
    bench.says("Zoë Ångström");
    bench.press("g").await;
    bench.says(&format!("1 of {}", ALL + 3));
    bench.says_not("new ↑");
    bench.press("G").await;
    bench.says(&format!("{0} of {0}", ALL + 3));
}

#[tokio::test]
async fn only_a_window_of_rows_is_kept_however_far_one_goes() {
    let mut bench = Bench::sized(World::rich(1_000).await, (120, 40)).await;
    bench.press("2 Esc").await;
    for _ in 0..60 {
        bench.press("PgDn").await;
    }
    bench.says("1,017 of 1,017");
    for _ in 0..60 {
        bench.press("PgUp").await;
    }
    bench.says("1 of 1,017");
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_says_what_would() {
    let mut bench = Bench::rich().await;
    bench.press("2 /").await;
    bench.type_text("stats:x").await;
    bench.says("there is no filter \"stats:\"");
    bench.press("Esc /").await;
    bench.type_text("stat").await;
    bench.press("Tab").await;
    bench.type_text("fa").await;
    bench.press("Tab Enter").await;
    bench.says("1 of 9");
    bench.press("Esc /").await;
    bench.type_text("nobody").await;
    bench.press("Enter").await;
    bench.says("Nothing matches \"nobody\".");
    bench.press("Esc").await;
    bench.says(&format!("1 of {ALL}"));
}

#[tokio::test]
async fn every_action_stands_in_the_palette_and_one_that_is_off_says_why() {
    let mut bench = Bench::sized(World::empty(), (120, 60)).await;
    bench.press(":").await;
    for row in super::super::actions::TABLE {
        let name = row.id.replace('-', " ");
        let mut alone = Bench::sized(World::empty(), (120, 60)).await;
        alone.press(":").await;
        alone.console.input(Input::Paste(name.clone()));
        alone.says(&format!("▌ {name}"));
    }
    bench.type_text("merge").await;
    bench.says("off: only on the screen Duplicates");
    bench.press("Enter").await;
    bench.says("Cannot do that");
    bench.press("Esc").await;
    bench.press(":").await;
    bench.type_text("unlinked").await;
    bench.press("Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Unlinked);
}

#[tokio::test]
async fn hostile_text_is_shown_escaped() {
    let mut bench = Bench::rich().await;
    bench.press("3 G").await;
    bench.says("\\u{1b}[31mFarah\\u{202e}");
    let screen = bench.screen();
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
}

#[tokio::test]
async fn an_unreadable_journal_is_said_and_the_console_recovers() {
    let world = World::rich(10).await;
    let file = rusqlite::Connection::open(world.journal.path()).expect("open");
    let rename = |from: &str, to: &str| {
        file.execute_batch(&format!("PRAGMA legacy_alter_table = ON; ALTER TABLE {from} RENAME TO {to}"))
            .expect("renamed");
    };
    rename("counters", "counters_away");
    rename("execution_facets", "execution_facets_away");
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.says("The journal cannot be read.");
    bench.says("no such table");
    bench.press("2").await;
    bench.says("The journal cannot be read.");
    rename("counters_away", "counters");
    rename("execution_facets_away", "execution_facets");
    bench.changed().await;
    bench.says("1 of 14");
}

#[tokio::test]
async fn an_empty_journal_says_that_all_is_well() {
    let mut bench = Bench::sized(World::empty(), (80, 24)).await;
    bench.says("Nothing needs you.");
    for (key, text) in [
        ("2", "Nothing needs you, and nothing waits."),
        ("3", "Nothing to decide."),
        ("4", "No duplicates."),
        ("5", "Everybody has a company."),
    ] {
        bench.press(key).await;
        bench.says(text);
        bench.press("r m l e x D Enter Tab Esc").await;
    }
    bench.press("2 Esc Esc Esc Esc Esc Esc").await;
    bench.says("No executions yet.");
}

#[tokio::test]
async fn escape_never_quits_and_toasts_leave_after_five_seconds() {
    let mut bench = Bench::rich().await;
    bench.press("2 Enter Esc Esc Esc Esc").await;
    assert!(!bench.console.quits());
    bench.press("y").await;
    bench.says("Copied ex_");
    bench.world.clock.advance(Duration::from_secs(6));
    bench.console.event(super::super::msg::Event::Second);
    bench.says_not("Copied ex_");
    bench.press("? Ctrl-c").await;
    assert!(bench.console.quits(), "Ctrl-C leaves, whatever is open");
}

#[tokio::test]
async fn a_released_key_is_no_key_and_a_paste_is_text() {
    let mut bench = Bench::rich().await;
    let mut release: KeyEvent = keys::press("q").unwrap();
    release.kind = KeyEventKind::Release;
    bench.console.input(Input::Key(release));
    bench.console.input(Input::Paste("qY\n".to_owned()));
    assert!(!bench.console.quits());
    bench.press("2 /").await;
    bench.console.input(Input::Paste("jane\ndoe".to_owned()));
    bench.console.settle().await;
    bench.says("/ jane doe");
}

#[tokio::test]
async fn the_mouse_selects_rows_tabs_and_screens() {
    let mut bench = Bench::rich().await;
    let click = |x, y| {
        Input::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: x,
            row: y,
            modifiers: crossterm::event::KeyModifiers::NONE,
        })
    };
    bench.screen();
    bench.console.input(click(22, 0));
    bench.console.settle().await;
    assert_eq!(bench.console.app().screen(), Pane::Executions);
    bench.screen();
    bench.console.input(click(10, 4));
    bench.console.settle().await;
    bench.says("2 of 14");
}

#[tokio::test]
async fn random_keys_and_sizes_never_panic() {
    let names = [
        "1",
        "2",
        "3",
        "4",
        "5",
        "r",
        "*",
        "Space",
        "v",
        "Ctrl-\\",
        "Esc",
        "Left",
        "Right",
        "e",
        "m",
        "x",
        "S",
        "6",
        "7",
        "8",
        "9",
        "l",
        "j",
        "k",
        "g",
        "G",
        "Ctrl-d",
        "Ctrl-u",
        "PgUp",
        "PgDn",
        "Tab",
        "Shift-Tab",
        "[",
        "]",
        "p",
        "t",
        "y",
        "D",
        "Enter",
        "?",
        ":",
        "/",
        "Y",
        "a",
        "佐",
        "Up",
        "Down",
        "Home",
        "End",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut bench = Bench::rich().await;
    for count in 0..2_000 {
        let name = names[random.usize(..names.len())];
        bench.press(name).await;
        if count % 7 == 0 {
            bench.console.input(Input::Resize(random.u16(1..=240), random.u16(1..=60)));
        }
        bench.console.frame();
    }
    assert!(!bench.console.quits());
}

#[tokio::test]
async fn every_screen_and_layer_fits_every_size() {
    let mut bench = Bench::rich().await;
    for keys in ["1", "2", "3", "4", "5", "4 m", "Esc 3 e", "Esc 2 D", "Esc ?", "Esc :", "Esc /", "Esc"] {
        bench.press(keys).await;
        for (columns, rows) in [
            (1, 1),
            (2, 60),
            (240, 1),
            (59, 15),
            (60, 16),
            (61, 17),
            (80, 24),
            (99, 30),
            (100, 16),
            (120, 40),
            (159, 50),
            (240, 60),
        ] {
            bench.console.input(Input::Resize(columns, rows));
            bench.console.settle().await;
            let frame = bench.console.frame();
            assert_eq!((frame.area.width, frame.area.height), (columns, rows));
        }
    }
}

#[tokio::test]
async fn the_loop_draws_before_the_journal_answers_and_ends_with_its_input() {
    let filled = World::rich(10).await;
    let (_sender, notices) = tokio::sync::mpsc::unbounded_channel();
    let world = crate::console::World {
        journal: filled.journal.clone(),
        operator: filled.operator.clone(),
        clock: std::sync::Arc::new(filled.clock.clone()),
        title: "demo".to_owned(),
        notices,
        home: crate::console::Home::default(),
        script: None,
        outside: crate::console::outside::still(crate::console::outside::Outside::default()),
    };
    assert_eq!(filled.clock.now(), NOW);
    let screen = Screen::new(TestBackend::new(100, 30)).unwrap();
    let keys = [keys::press("2"), keys::press("q")].into_iter().flatten().map(|key| Ok(Input::Key(key)));
    run(screen, futures_util::stream::iter(keys), world, Settings::default()).await.unwrap();
}
