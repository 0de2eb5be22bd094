//! Screen 1 on a rich journal: every number leads to the rows it counts, at every size, and says when it cannot.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::bench::Bench;
use super::world::{NOW, World};
use crate::console::actions::Action;
use crate::console::panes::Screen as Pane;
use crate::domain::audit::NewEntry;
use crate::domain::limit::{DAY, Daily, Family, Rule, Urgency, Window};
use crate::domain::overview::{ConnectionState, Health};
use crate::domain::record::{Connection, System};
use crate::journal::limits::Told;

impl World {
    /// A connection as a worker saw it last, with a window of 100 calls in 10 s and a day of 1,000 from which so many
    /// are taken.
    pub(super) async fn connection(&self, system: System, health: Health, note: &str, taken: u32) {
        let connection = Connection::only(system);
        self.journal
            .put_connection(ConnectionState {
                connection: connection.clone(),
                health,
                since: NOW,
                latency_ms: 212,
                used: 0,
                limit: 0,
                window_seconds: 10,
                note: note.to_owned(),
                families: Vec::new(),
            })
            .await
            .expect("stored");
        let family = Family::usual(system);
        let day = Some((
            crate::domain::clock::Timestamp(NOW.0 - DAY / 2),
            crate::domain::clock::Timestamp(NOW.0 + DAY / 2),
        ));
        let rule = Rule {
            connection,
            family,
            window: Some(Window { length: Duration::from_secs(10), most: 1_000 }),
            daily: vec![Daily { family, most: 1_000, day, budget_percent: 80, urgent_percent: 95 }],
        };
        self.journal.reserve_calls(rule, taken, Urgency::Begun, Told::default()).await.expect("granted");
    }
}

/// Where a number was found on the screen, and a click on it.
fn click(bench: &mut Bench, text: &str) {
    let screen = bench.screen();
    let (row, column) = screen
        .lines()
        .enumerate()
        .find_map(|(row, line)| Some((row, line[..line.find(text)?].chars().count())))
        .unwrap_or_else(|| panic!("no {text:?} on:\n{screen}"));
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        let (column, row) = (column as u16, row as u16);
        bench.console.input(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }
}

async fn double_click(bench: &mut Bench, text: &str) {
    click(bench, text);
    bench.console.settle().await;
    bench.console.frame();
    click(bench, text);
    bench.console.settle().await;
    bench.console.frame();
}

#[tokio::test]
async fn r7_every_row_of_what_needs_somebody_leads_to_its_rows() {
    for (down, says, screen, filter) in [
        (0, "1 of 9", Pane::Executions, "status:failed"),
        (1, "1 of 4", Pane::Executions, "status:retrying"),
        (2, "1 of 4", Pane::Conflicts, ""),
        (3, "1 of 3", Pane::Duplicates, ""),
        (4, "1 of 2", Pane::Unlinked, ""),
    ] {
        let mut bench = Bench::rich().await;
        for _ in 0..down {
            bench.press("j").await;
        }
        bench.press("Enter").await;
        assert_eq!(bench.console.app().screen(), screen, "{down}");
        bench.says(says);
        bench.says(filter);
    }
}

#[tokio::test]
async fn r7_a_number_within_a_row_is_a_door_of_its_own_for_keys_and_mouse() {
    let mut bench = Bench::sized(World::rich(10).await, (160, 40)).await;
    bench.says("6 of them share one cause");
    bench.says("6 admin");
    bench.press("Right Enter").await;
    bench.says("cause:");
    bench.says("1 of 6");
    bench.press("[ Right Enter").await;
    bench.says("error:auth");
    bench.says("1 of 6");
    bench.press("[").await;
    double_click(&mut bench, "3 data").await;
    assert_eq!(bench.console.app().screen(), Pane::Executions);
    bench.says("1 of 3");
    bench.press("[ j j Right Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Conflicts);
    bench.says("role:revops");
    bench.press("[").await;
    double_click(&mut bench, "duplicate groups").await;
    assert_eq!(bench.console.app().screen(), Pane::Duplicates);
}

#[tokio::test]
async fn r7_causes_are_known_by_their_fingerprint_and_say_whether_a_retry_helps() {
    let mut bench = Bench::rich().await;
    bench.says("Retrying before the fix fails again");
    bench.says("fix: new token");
    bench.press("Tab Tab").await;
    bench.press("Enter").await;
    bench.says("1 of 6");
    bench.press("[ j Enter").await;
    bench.says("1 of 2");
    bench.press("[ f").await;
    assert_eq!(bench.console.app().screen(), Pane::Duplicates, "two records are one person: merge them");
}

#[tokio::test]
async fn r7_the_trends_show_hours_and_days_and_each_leads_to_its_rows() {
    let mut bench = Bench::rich().await;
    bench.says("Last 24 h");
    bench.press("Shift-Tab Shift-Tab").await;
    bench.press("Right").await;
    bench.says("Last 14 days");
    bench.press("Left j Enter").await;
    bench.says("status:failed since:24h");
    bench.says("1 of 9");
    bench.press("[ Right Enter").await;
    bench.says("status:failed since:14d");
    for (down, screen) in [
        ("g", Pane::Executions),
        ("j j", Pane::Health),
        ("j", Pane::Health),
        ("j", Pane::Conflicts),
        ("j", Pane::Unlinked),
        ("j", Pane::Executions),
        ("j", Pane::Health),
    ] {
        bench.press("1").await;
        bench.press(down).await;
        bench.press("Enter").await;
        assert_eq!(bench.console.app().screen(), screen, "{down}");
    }
    bench.says("What we write comes back as news.");
}

#[tokio::test]
async fn r7_quotas_and_latencies_lead_to_their_line_of_health() {
    let world = World::rich(10).await;
    world.connection(System::Hubspot, Health::Up, "", 900).await;
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.says("900 of 1,000");
    bench.says("day limit reached at");
    bench.press("Tab Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Health);
    bench.says("Answers as it should");
    bench.press("[ Right Enter").await;
    bench.says("Of the newest");
    bench.press("[ G k Enter").await;
    bench.says("our budget is reached");
    bench.press("[").await;
    double_click(&mut bench, "10 s").await;
    bench.says("Calls within any 10 s");
}

#[tokio::test]
async fn r7_a_note_takes_no_gauge_of_a_limit_that_is_near_away() {
    let world = World::rich(10).await;
    let words = "Slow since a while, because the vendor says that this is one of its worse days and asks for patience.";
    for system in System::ALL {
        world.connection(*system, Health::Degraded, words, 900).await;
    }
    let mut world = world;
    for size in [(140, 40), (120, 24), (100, 30)] {
        let mut bench = Bench::sized(world, size).await;
        let screen = bench.screen();
        // Two limits of each of three connections.
        assert_eq!(screen.matches("900 of 1,000").count(), 6, "{size:?}\n{screen}");
        world = bench.world;
    }
}

#[tokio::test]
async fn r7_what_came_since_the_last_visit_stands_in_doors() {
    let world = World::rich(10).await;
    // The visit ends a little after what stood then; then a night passes.
    world.clock.advance(Duration::from_secs(10));
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.says_not("Since your last visit");
    bench.world.clock.advance(Duration::from_secs(16 * 3_600));
    bench.world.failures(&["Night Owl", "Early Bird"]).await;
    let entry = NewEntry {
        actor: "bo".to_owned(),
        verb: "retry".to_owned(),
        object: "ex_1".to_owned(),
        note: "Again.".to_owned(),
    };
    bench.world.journal.audit(vec![entry]).await.expect("noted");
    let mut bench = Bench::sized(bench.world, (120, 40)).await;
    bench.says("Since your last visit, 16h ago");
    bench.says("2 new failures");
    bench.says("bo 1 action");
    bench.press("Tab Tab Enter").await;
    bench.says("status:failed since:");
    bench.says("1 of 2");
    bench.press("[").await;
    double_click(&mut bench, "bo 1 action").await;
    assert_eq!(bench.console.app().screen(), Pane::Audit);
    bench.press("1 1 1").await;
    bench.says("Since your last visit, 16h ago");
}

#[tokio::test]
async fn r7_the_latest_lines_lead_to_the_audit_log() {
    let mut bench = Bench::rich().await;
    bench.press("2 r 1 Shift-Tab Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Audit);
}

#[tokio::test]
async fn r7_tab_goes_through_every_box_and_esc_back_to_the_first() {
    for size in [(120, 40), (80, 24), (60, 20)] {
        let mut bench = Bench::sized(World::rich(10).await, size).await;
        for title in ["Systems", "Why executions fail", "Last 24 h", "Latest", "Needs you"] {
            bench.press("Tab").await;
            // A box with the focus is on the screen, however little room there is.
            bench.says(title);
        }
        bench.press("Tab Esc").await;
        bench.press("Enter").await;
        bench.says("status:failed");
    }
}

#[tokio::test]
async fn r7_nothing_loaded_nothing_to_do_and_unreadable_are_three_different_screens() {
    let mut empty = Bench::sized(World::empty(), (120, 40)).await;
    empty.says("Nothing needs you.");
    empty.says("Nothing has failed.");
    empty.says("No connection was called yet");
    empty.says("Nothing happened yet.");
    let world = World::rich(5).await;
    let file = rusqlite::Connection::open(world.journal.path()).expect("open");
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.says("9 failed executions");
    file.execute_batch("PRAGMA legacy_alter_table = ON; ALTER TABLE counters RENAME TO away")
        .expect("renamed");
    bench.changed().await;
    bench.says("as of");
    bench.says("9 failed executions");
    let console = bench.console.app();
    assert_eq!(console.can(Action::GoThere), Ok(()));
}
