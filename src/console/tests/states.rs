//! What every screen says while it waits, with nothing in it, with everything filtered away, with a journal that cannot
//! be read, and with one that could be read until now: what it means, and what to do.

use std::time::Duration;

use crossterm::event::Event as Input;
use jiff::tz::TimeZone;

use super::super::{Console, Settings, keys};
use super::bench::Bench;
use super::world::World;
use super::{TRUECOLOR, lines};
use crate::console::actions::Action;
use crate::console::msg::Event;
use crate::console::panes::Screen;

const SIZES: [(u16, u16); 3] = [(140, 40), (100, 30), (80, 24)];

/// A screen's key; what it says with an empty journal, in two parts: what that means, and what to do or to expect; and
/// what is on it with a rich one.
const SCREENS: [(Screen, &str, [&str; 2], &str); 9] = [
    (
        Screen::Overview,
        "1",
        ["Nothing needs you.", "New work appears here by itself."],
        "9 failed executions",
    ),
    (
        Screen::Executions,
        "2",
        ["Nothing needs you, and nothing waits.", "Esc shows every execution."],
        "Jane Doe",
    ),
    (Screen::Conflicts, "3", ["Nothing to decide.", "it is held back and"], "Jane Doe"),
    (Screen::Duplicates, "4", ["No duplicates.", "Records that look alike appear here"], "Jane Doe"),
    (
        Screen::Unlinked,
        "5",
        ["Everybody has a company.", "People whose company only one side"],
        "Priya Patel",
    ),
    (
        Screen::Recipes,
        "6 Left",
        ["The rules fit what the vendors have.", "reknit drift looks now"],
        "contact-to-crm",
    ),
    (Screen::Health, "7", ["none looked yet", "all well"], "echo ledger"),
    (Screen::Audit, "8", ["Nothing was done yet.", "is noted here, and stays"], "olga"),
    (Screen::Log, "9", ["No call was made yet.", "reknit doctor makes one"], "/crm/v3"),
];

/// Every table of a journal has another name: whatever is read fails, as it does when its file is gone.
struct Away {
    file: rusqlite::Connection,
    tables: Vec<String>,
}

impl Away {
    fn take(world: &World) -> Self {
        let file = rusqlite::Connection::open(world.journal.path()).expect("open");
        let tables = file
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
            .expect("a query")
            .query_map([], |row| row.get::<_, String>(0))
            .expect("rows")
            .map(|name| name.expect("a name"))
            .filter(|name| !name.starts_with("sqlite_"))
            .collect();
        let away = Self { file, tables };
        away.rename(|name| (name.to_owned(), format!("{name}_away")));
        away
    }

    fn give_back(self) {
        self.rename(|name| (format!("{name}_away"), name.to_owned()));
    }

    fn rename(&self, names: impl Fn(&str) -> (String, String)) {
        let mut renamed = 0;
        for name in &self.tables {
            let (from, to) = names(name);
            let text = format!("PRAGMA legacy_alter_table = ON; ALTER TABLE \"{from}\" RENAME TO \"{to}\"");
            // The tables that belong to a full-text index keep their names.
            renamed += u32::from(self.file.execute_batch(&text).is_ok());
        }
        assert!(renamed > 10, "only {renamed} tables were renamed");
    }
}

/// A world in which every screen has rows.
async fn rich() -> World {
    let world = World::rich(5).await;
    world.calls(3).await;
    let entry = crate::domain::audit::NewEntry {
        actor: "olga".into(),
        verb: "resolve".into(),
        object: "cf_1".into(),
        note: "Took Intercom's value.".into(),
    };
    world.journal.audit(vec![entry]).await.expect("stored");
    world
}

/// A console over a world that others look at too.
fn console(world: &World, size: (u16, u16)) -> Console {
    let mut console = Console::new(
        world.journal.clone(),
        world.operator.clone(),
        std::sync::Arc::new(world.clock.clone()),
        "test".to_owned(),
        Settings::default(),
        TRUECOLOR,
        TimeZone::UTC,
        size,
    );
    console.start();
    console
}

fn press(console: &mut Console, keys: &str) {
    let number = keys.split(' ').next().expect("a key");
    console.input(Input::Key(keys::press(number).expect("a key")));
}

fn text(console: &mut Console) -> String {
    lines(&console.frame()).join("\n")
}

/// The text on the screen with its boxes and line ends as single blanks: words are cut at the ends of lines.
fn flat(screen: &str) -> String {
    let words = screen.split(|letter: char| letter.is_whitespace() || "│╭╮╰╯─".contains(letter));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_screen_without_its_answer_says_after_a_moment_that_it_reads() {
    let world = rich().await;
    for size in SIZES {
        for (screen, keys, [empty, _], _) in SCREENS {
            let mut console = console(&world, size);
            press(&mut console, keys);
            let at_once = text(&mut console);
            assert!(!at_once.contains("Reading the journal"), "it would flicker:\n{at_once}");
            assert!(!at_once.contains(empty), "{screen:?} says it is empty before it knows:\n{at_once}");
            world.clock.advance(Duration::from_millis(200));
            let late = text(&mut console);
            for words in ["Reading the journal…", "every key works meanwhile"] {
                assert!(flat(&late).contains(words), "{screen:?} at {size:?}: no {words:?} on:\n{late}");
            }
            console.settle().await;
            let there = text(&mut console);
            assert!(!there.contains("Reading the journal"), "{screen:?}:\n{there}");
        }
    }
}

#[tokio::test]
async fn an_empty_screen_says_what_that_means_and_what_to_do() {
    for size in SIZES {
        let mut bench = Bench::sized(World::empty(), size).await;
        for (screen, keys, words, _) in SCREENS {
            bench.press(keys).await;
            assert_eq!(bench.console.app().screen(), screen);
            let shown = bench.screen();
            for text in words {
                assert!(flat(&shown).contains(text), "{screen:?} at {size:?}: no {text:?} on:\n{shown}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_filtered_away_is_not_nothing() {
    for size in SIZES {
        let mut bench = Bench::sized(rich().await, size).await;
        for (screen, key, [empty, _], there) in SCREENS {
            // The overview has no rows of one kind to filter.
            if screen == Screen::Overview {
                continue;
            }
            bench.press(key.split(' ').next().expect("a key")).await;
            bench.press("/").await;
            bench.type_text("zzzz").await;
            bench.press("Enter").await;
            bench.says("Nothing matches \"");
            bench.says("Esc shows all again");
            bench.says_not(empty);
            bench.press("Esc").await;
            bench.says(there);
        }
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_said_with_its_words_and_comes_back_by_itself() {
    let world = rich().await;
    let away = Away::take(&world);
    let mut open = Vec::new();
    for size in SIZES {
        for (screen, keys, [empty, _], there) in SCREENS {
            let mut console = console(&world, size);
            press(&mut console, keys);
            console.settle().await;
            let shown = text(&mut console);
            let flat = flat(&shown);
            for words in ["cannot be", "no such table", "again by", "nothing is lost meanwhile"] {
                assert!(flat.contains(words), "{screen:?} at {size:?}: no {words:?} on:\n{shown}");
            }
            assert!(!flat.contains(empty), "{screen:?} says it is empty, which nobody knows:\n{shown}");
            open.push((screen, there, console));
        }
    }
    away.give_back();
    for (screen, there, mut console) in open {
        console.event(Event::Changed);
        console.settle().await;
        let shown = text(&mut console);
        assert!(shown.contains(there), "{screen:?} does not come back:\n{shown}");
    }
}

#[tokio::test]
async fn what_was_read_stays_with_its_time_when_the_journal_goes() {
    let world = rich().await;
    let mut open = Vec::new();
    for size in SIZES {
        for (screen, keys, _, there) in SCREENS {
            let mut console = console(&world, size);
            press(&mut console, keys);
            console.settle().await;
            let shown = text(&mut console);
            assert!(shown.contains(there), "{screen:?} at {size:?}:\n{shown}");
            open.push((screen, size, there, console));
        }
    }
    let away = Away::take(&world);
    world.clock.advance(Duration::from_secs(3));
    for (screen, size, there, console) in &mut open {
        console.event(Event::Reach(Err("the file is gone".to_owned())));
        console.settle().await;
        let shown = text(console);
        assert!(shown.contains(*there), "{screen:?} at {size:?} drops what it knows:\n{shown}");
        assert!(shown.contains("as of "), "{screen:?} at {size:?} does not say how old it is:\n{shown}");
        assert!(shown.contains("journal unreadable since "), "{screen:?} at {size:?}:\n{shown}");
        assert!(shown.trim_start().starts_with('✗'), "{screen:?}: the dot is red:\n{shown}");
    }
    away.give_back();
    for (screen, _, there, console) in &mut open {
        console.event(Event::Reach(Ok(())));
        console.settle().await;
        console.event(Event::Changed);
        console.settle().await;
        let back = text(console);
        assert!(!back.contains("as of ") && !back.contains("unreadable"), "{screen:?}:\n{back}");
        assert!(back.contains(*there), "{screen:?}:\n{back}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_without_the_journal_is_said_and_its_row_is_as_before() {
    let mut bench = Bench::sized(rich().await, (140, 40)).await;
    bench.press("2").await;
    let row = |bench: &mut Bench| bench.screen().lines().find(|line| line.contains("▌")).map(str::to_owned);
    assert!(row(&mut bench).is_some_and(|row| row.contains('✗')));
    let away = Away::take(&bench.world);
    assert_eq!(bench.console.app().can(Action::Retry), Ok(()), "who presses it is told why it failed");
    bench.press("r").await;
    bench.says("Nothing was changed: the journal failed: no such");
    assert!(row(&mut bench).is_some_and(|row| row.contains('✗')), "it was not queued:\n{}", bench.screen());
    away.give_back();
}

#[tokio::test]
async fn a_question_that_does_not_fit_the_terminal_takes_no_answer() {
    let mut bench = Bench::sized(rich().await, (100, 30)).await;
    bench.press("4 m").await;
    bench.says("Y Merge");
    bench.console.input(Input::Resize(59, 30));
    bench.console.settle().await;
    bench.says("too small");
    bench.press("Y Enter").await;
    bench.console.input(Input::Paste("Y".to_owned()));
    assert_eq!(bench.decided().await, 0, "nobody saw the question");
    bench.console.input(Input::Resize(100, 30));
    bench.console.settle().await;
    bench.says("Y Merge");
    bench.press("Y").await;
    assert_eq!(bench.decided().await, 1);
    bench.console.input(Input::Resize(60, 14));
    bench.press("q").await;
    assert!(bench.console.quits(), "the line that is shown says so");
}
