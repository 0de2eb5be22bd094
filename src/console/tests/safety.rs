//! What keeps people from mistakes: arming, typed counts, the focus rule, taking back, and shared screens.

use std::time::Duration;

use crossterm::event::Event as Input;

use super::super::{Settings, keys};
use super::bench::Bench;
use super::world::{NOW, World};
use crate::console::msg::Event;
use crate::domain::execution::{Execution, Status};
use crate::domain::filter::Filter;
use crate::domain::ids::ExecutionId;
use crate::domain::page::Anchor;
use crate::engine::operate::OperateError;

async fn production() -> Bench {
    let world = World::rich(10).await;
    let operator = world.operator.clone().gated();
    Bench::with(world, operator, Settings::default(), (140, 40)).await
}

async fn verbs(bench: &Bench) -> Vec<String> {
    let lines = bench.world.journal.audit_entries(20).await.expect("read");
    lines.into_iter().map(|line| line.entry.verb).collect()
}

#[tokio::test]
async fn r10_production_starts_disarmed_and_every_action_that_writes_says_so() {
    let mut bench = production().await;
    bench.says("disarmed");
    bench.press("2 r").await;
    bench.says("Cannot retry: disarmed: ! arms for 15 minutes");
    bench.press("Esc 4 m").await;
    bench.says("Cannot merge: disarmed");
    assert_eq!(bench.count(Status::Failed).await, 9);
    bench.press("Esc :").await;
    bench.type_text("discard").await;
    bench.says("off: ");
    bench.press("Esc").await;
}

#[tokio::test]
async fn r10_arming_wants_a_capital_letter_is_audited_and_ends_by_itself() {
    let mut bench = production().await;
    bench.press("2 !").await;
    bench.says("Arm for 15 minutes?");
    for no in ["Enter", "! Esc", "! y Esc", "! ! Esc"] {
        bench.press(no).await;
        bench.press("Esc").await;
        assert!(verbs(&bench).await.is_empty(), "{no} armed it");
    }
    bench.press("! Y").await;
    bench.says("armed");
    bench.says("armed 15 min");
    bench.press("r").await;
    assert_eq!(bench.count(Status::Failed).await, 8, "armed, a retry is a retry");
    bench.world.clock.advance(Duration::from_secs(15 * 60));
    bench.console.event(Event::Second);
    bench.press("r").await;
    bench.says("disarmed");
    assert_eq!(bench.count(Status::Failed).await, 8);
    bench.press("! Y !").await;
    bench.says("Disarmed: nothing can be changed from here.");
    assert_eq!(verbs(&bench).await, ["disarm", "arm", "retry", "arm"]);
}

#[tokio::test]
async fn r10_the_gate_holds_below_the_console_whatever_a_screen_forgets() {
    let world = World::rich(0).await;
    let operator = world.operator.clone().gated();
    assert!(matches!(operator.retry(&[ExecutionId(1)]).await, Err(OperateError::Disarmed)));
    let (plain, _) = world.operator.clone().telling();
    assert!(plain.gate().is_none() && plain.retry(&[ExecutionId(1)]).await.is_ok());
}

#[tokio::test]
async fn a_workspace_that_is_no_production_needs_no_arming() {
    let mut bench = Bench::rich().await;
    bench.says_not("disarmed");
    bench.press("!").await;
    bench.says("this workspace is no production");
}

#[tokio::test]
async fn r18_a_big_bulk_wants_its_count_typed_and_enter_never_confirms() {
    let world = World::rich(0).await;
    let operator = world.operator.clone();
    let settings = Settings { typed_count_from: 4, ..Settings::default() };
    let mut bench = Bench::with(world, operator, settings, (120, 40)).await;
    bench.press("2 j j j j j j j j * r").await;
    bench.says("Type 6 to go on:");
    bench.press("Y").await;
    assert_eq!(bench.count(Status::Failed).await, 9, "not without the count");
    bench.type_text("5").await;
    bench.press("Y").await;
    assert_eq!(bench.count(Status::Failed).await, 9, "nor with another");
    bench.console.input(Input::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Backspace)));
    bench.console.settle().await;
    bench.type_text("6").await;
    bench.press("Enter").await;
    bench.says_not("Type 6 to go on:");
    assert_eq!(bench.count(Status::Failed).await, 9, "nor by Enter, which cancels");
    bench.press("r").await;
    bench.type_text("6").await;
    bench.press("Y").await;
    assert_eq!(bench.count(Status::Failed).await, 3);
}

#[tokio::test]
async fn keys_of_the_moment_when_the_focus_returns_are_not_meant_for_us() {
    let mut bench = Bench::rich().await;
    bench.press("4 m").await;
    let before = bench.decided().await;
    bench.console.input(Input::FocusLost);
    bench.console.input(Input::FocusGained);
    bench.press("Y").await;
    bench.world.clock.advance(Duration::from_millis(299));
    bench.press("Y").await;
    assert_eq!(bench.decided().await, before);
    bench.world.clock.advance(Duration::from_millis(1));
    bench.press("Y").await;
    assert_eq!(bench.decided().await, before + 1);
}

#[tokio::test]
async fn a_paste_into_a_dialog_is_text_and_confirms_nothing() {
    let mut bench = Bench::rich().await;
    bench.press("4 m").await;
    let before = bench.decided().await;
    bench.console.input(Input::Paste("Y\nY".to_owned()));
    bench.console.settle().await;
    assert_eq!(bench.decided().await, before);
}

#[tokio::test]
async fn r29_what_was_done_is_listed_with_its_way_back_or_why_there_is_none() {
    let mut bench = Bench::rich().await;
    bench.press("2 U").await;
    bench.says("Cannot undo list: nothing was done");
    bench.press("r j D").await;
    bench.type_text("test data").await;
    bench.press("Enter Y").await;
    bench.says("1 execution discarded");
    bench.press("U").await;
    bench.says("Done in this session");
    bench.says("✓ can");
    bench.says("– cannot");
    bench.press("j").await;
    bench.says("It cannot be taken back: it runs again or has run");
    bench.press("k Enter").await;
    bench.says("Taken back: discarded");
    assert_eq!(bench.count(Status::Discarded).await, 0);
    assert_eq!(
        (bench.count(Status::Failed).await, bench.count(Status::Pending).await),
        (8, 2),
        "it waits again, as it did before, beside the one that was retried"
    );
    bench.press("1 u").await;
    bench.says("Cannot take back: retried ex_");
}

#[tokio::test]
async fn r29_a_decision_that_was_not_sent_yet_is_stopped_and_its_item_is_open_again() {
    let mut bench = Bench::rich().await;
    bench.press("3 Left d Y").await;
    assert_eq!(bench.decided().await, 1);
    bench.press("u").await;
    bench.says("taken back before");
    assert_eq!(bench.decided().await, 0);
    bench.press("U").await;
    bench.says("× taken back");
}

#[tokio::test]
async fn r29_a_word_about_a_pair_is_taken_back() {
    let mut bench = Bench::rich().await;
    bench.press("4 x Y").await;
    assert_eq!(bench.decided().await, 1);
    bench.press("1 u").await;
    bench.says("Taken back: called");
    assert_eq!(bench.decided().await, 0);
}

#[tokio::test]
async fn r29_disarmed_nothing_is_taken_back_either() {
    let mut bench = production().await;
    bench.press("! Y 4 x Y !").await;
    assert_eq!(bench.decided().await, 1);
    bench.press("1 u").await;
    bench.says("disarmed");
    assert_eq!(bench.decided().await, 1);
}

#[tokio::test]
async fn a_decision_may_wait_and_is_stopped_or_sent_at_once() {
    let world = World::rich(0).await;
    let operator = world.operator.clone();
    let settings = Settings { send_after_seconds: 5, ..Settings::default() };
    let mut bench = Bench::with(world, operator, settings, (140, 40)).await;
    let due = |bench: &Bench| {
        let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
        file.query_row(
            "SELECT due_at FROM executions WHERE decision_id IS NOT NULL AND status = 'pending'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .ok()
    };
    bench.press("3 Left d Y").await;
    bench.says("sent in 5 s: u undoes, Enter sends now");
    assert_eq!(due(&bench), Some(NOW.0 + 5_000));
    bench.world.clock.advance(Duration::from_secs(2));
    bench.says("sent in 3 s");
    bench.press("u").await;
    assert_eq!((due(&bench), bench.decided().await), (None, 0));
    bench.press("3 Left d Y Enter").await;
    assert_eq!(due(&bench), Some(NOW.0 + 2_000), "Enter does not wait");
    bench.says_not("sent in");
}

/// Everybody and everything of theirs in the rich world.
const PERSONAL: [&str; 33] = [
    "Priya",
    "Patel",
    "Noor",
    "Haddad",
    "Liam",
    "Walsh",
    "Sofia",
    "Costa",
    "Hana Kim",
    "Ken Ito",
    "Ruth",
    "Stone",
    "Marta",
    "Rossi",
    "Aiko",
    "Tanaka",
    "Omar",
    "Diaz",
    "Ines",
    "Duarte",
    "Ångström",
    "Jane",
    "Doe",
    "Farah",
    "Shah",
    "acme",
    "@home",
    "0199",
    "0100",
    "Globex",
    "globex",
    "jane",
    "VP of call",
];

fn leaks(bench: &mut Bench, what: &str) {
    // The label of what a recipe does begins like somebody's name.
    let screen = bench.screen().replace(" Does ", " ");
    // Cut short too: whoever reads half a name has read it.
    for name in PERSONAL {
        assert!(!screen.contains(name), "{name} on {what}:\n{screen}");
        let half: String = name.chars().take(4).collect();
        if name.chars().count() > 5 {
            assert!(!screen.contains(&format!("{half}…")), "{half}… on {what}:\n{screen}");
        }
    }
}

#[tokio::test]
async fn r30_no_name_of_anybody_is_on_any_screen_or_layer_while_it_is_shared() {
    let world = World::rich(3).await;
    world.calls(12).await;
    let mut bench = Bench::sized(world, (140, 40)).await;
    bench.press("2 3 4 5 8 9 1 M").await;
    bench.says("masked");
    let ways = [
        "1",
        "2",
        "2 Esc",
        "2 j",
        "Enter",
        "Right",
        "Right",
        "Right",
        "Left Left Left Esc",
        "D",
        "Esc Esc",
        "3",
        "Enter",
        "Left",
        "Esc Esc",
        "w",
        "Esc",
        "e",
        "Esc",
        "R",
        "Esc Esc",
        "z",
        "Esc Esc",
        "4",
        "Enter",
        "Esc",
        "m",
        "Down Down",
        "Esc",
        "x",
        "Esc",
        "j m",
        "Esc",
        "5",
        "Enter",
        "l",
        "Esc",
        "L",
        "Esc",
        "c",
        "Esc",
        "D",
        "Esc Esc",
        "6",
        "7",
        "8",
        "Enter",
        "Esc",
        "9",
        "Enter",
        "Y",
        "Esc Esc",
        "3 @",
        "Enter",
        "Esc Esc Esc",
        ":",
        "Esc",
        "?",
        "Esc",
        "2 r",
        "U",
        "Esc",
    ];
    for size in [(140, 40), (80, 24), (60, 16), (240, 60)] {
        bench.console.input(Input::Resize(size.0, size.1));
        bench.console.settle().await;
        for keys in ways {
            bench.press(keys).await;
            leaks(&mut bench, &format!("{keys} at {size:?}"));
            // What toasts say goes away, so that what they covered is looked at as well.
            bench.world.clock.advance(Duration::from_secs(6));
            bench.console.event(Event::Second);
            leaks(&mut bench, &format!("{keys} at {size:?}, without toasts"));
        }
    }
}

#[tokio::test]
async fn r30_pseudonyms_are_stable_and_the_clipboard_obeys() {
    let mut bench = Bench::rich().await;
    bench.press("4 M").await;
    let names = |screen: &str| {
        let mut found: Vec<String> = screen
            .split_whitespace()
            .filter(|word| word.starts_with("Name-"))
            .map(|word| word.chars().take(10).collect())
            .collect();
        found.sort();
        found.dedup();
        found
    };
    let before = names(&bench.screen());
    assert!(!before.is_empty());
    bench.press("1 2 4").await;
    assert_eq!(names(&bench.screen()), before);
    bench.press("3 y").await;
    bench.says("Copied ");
    leaks(&mut bench, "the toast of a copy");
    let app = bench.console.app();
    assert!(!app.copied("Jane Doe, jane@acme.test".to_owned()).to_lowercase().contains("jane"));
}

#[tokio::test]
async fn r30_what_is_selected_is_revealed_for_ten_seconds_with_an_audit_line() {
    let mut bench = Bench::rich().await;
    bench.press("2 K").await;
    bench.says("Cannot reveal: nothing is hidden");
    bench.press("M K").await;
    bench.says("Jane Doe");
    bench.says("shown 10 s");
    assert_eq!(verbs(&bench).await, ["reveal"]);
    let line = &bench.world.journal.audit_entries(1).await.expect("read")[0].entry;
    assert!(line.object.starts_with("ex_") && !line.note.contains("Jane"), "{line:?}");
    bench.says_not("Ken Ito");
    bench.world.clock.advance(Duration::from_secs(10));
    bench.console.event(Event::Second);
    leaks(&mut bench, "the list after ten seconds");
}

#[tokio::test]
async fn r30_while_data_is_hidden_nothing_is_exported() {
    let mut bench = Bench::rich().await;
    bench.press("2 M X").await;
    bench.says("personal data is hidden");
    bench.press("Enter").await;
    assert!(!bench.world.folder.path().join("exports").exists());
}

#[tokio::test]
async fn r30_nothing_is_revealed_where_the_line_cannot_be_written() {
    let world = World::rich(0).await;
    let operator = world.operator.clone().read_only();
    let mut bench =
        Bench::with(world, operator, Settings { masked: true, ..Settings::default() }, (120, 40)).await;
    bench.says("masked");
    bench.press("2 K").await;
    bench.says("what is hidden is");
    bench.press("Esc").await;
    leaks(&mut bench, "a refused look");
}

#[tokio::test]
async fn r30_showing_everything_again_is_asked_for_by_a_capital_letter() {
    let mut bench = Bench::rich().await;
    bench.press("2 M M Enter").await;
    bench.says("masked");
    bench.press("M Y").await;
    bench.says_not("masked");
    bench.says("Jane Doe");
}

#[tokio::test]
async fn what_is_masked_is_never_written() {
    let mut bench = Bench::rich().await;
    bench.press("3 M Right d").await;
    bench.console.input(Input::Key(keys::press("Y").expect("a key")));
    bench.console.settle().await;
    let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    let subject: String = file
        .query_row("SELECT subject FROM executions WHERE decision_id IS NOT NULL", [], |row| row.get(0))
        .expect("decided");
    assert_eq!(subject, "Jane Doe");
}

#[tokio::test]
async fn a_discard_that_is_taken_back_leaves_each_as_it_was_before() {
    let mut bench = Bench::rich().await;
    let journal = bench.world.journal.clone();
    let rows = |filter: &'static str| {
        let journal = journal.clone();
        async move {
            let filter = Filter::parse(filter).expect("valid");
            journal.executions(&filter, Anchor::First, 99).await.expect("rows").rows
        }
    };
    // One is held until somebody lets it go, another put off: what they were before that stays known too.
    bench.press("2 h").await;
    let held = rows("status:held").await[0].clone();
    let until = NOW.plus(std::time::Duration::from_secs(3_600));
    let other = rows("status:failed").await[0].clone();
    bench.world.operator.put_aside(&[other.id], Some(until), "").await.expect("stored");
    bench.changed().await;
    let before = rows("status:open").await;
    assert_eq!(before.len(), 14);
    bench.press("Ctrl-a D").await;
    bench.type_text("by mistake").await;
    bench.press("Enter Y").await;
    bench.says("14 discarded.");
    assert_eq!(bench.count(Status::Discarded).await, 14);
    bench.press("Esc 1 u").await;
    bench.says("Taken back: discarded");
    let strip = |rows: Vec<Execution>| -> Vec<_> {
        let rows = rows.into_iter();
        rows.map(|row| (row.id, row.status, row.sentence, row.due_at, row.attempts, row.priority)).collect()
    };
    assert_eq!(strip(rows("status:open").await), strip(before));
    // And the held ones are again what they were before they were held.
    bench.world.operator.take_up(&[held.id]).await.expect("let go");
    bench.world.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(journal.wake_put_off().await.expect("woken"), 1);
    assert_eq!((bench.count(Status::Held).await, bench.count(Status::Failed).await), (0, 9));
}

#[tokio::test]
async fn what_was_given_up_anew_since_is_not_brought_back() {
    let bench = Bench::rich().await;
    let journal = &bench.world.journal;
    let filter = Filter::parse("status:failed").expect("valid");
    let id = journal.executions(&filter, Anchor::First, 1).await.expect("rows").rows[0].id;
    let (_, stood) = journal.discard_noting(vec![id], "x".into(), "ana".into()).await.expect("stored");
    bench.world.clock.advance(std::time::Duration::from_secs(1));
    journal.retry(vec![id], "ken".into()).await.expect("retried");
    journal.discard(vec![id], "y".into(), "ken".into()).await.expect("stored");
    let report = journal.bring_back(stood, "ana".into()).await.expect("looked");
    assert!(report.queued.is_empty() && report.refused[0].1.contains("anew"), "{report:?}");
}
