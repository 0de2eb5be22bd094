//! Keys, clicks, wheels, drags, pastes, sizes and changes of the focus at random: nothing panics, every frame has the
//! size of the terminal, and nothing that a vendor would see is decided without its capital `Y`.
//!
//! As in the loop, what comes in one burst is handled before the next frame. A failure names its seed and its burst.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Once;
use std::time::Duration;

use crossterm::event::{
    Event as Input, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use fastrand::Rng;

use super::super::keys;
use super::bench::Bench;
use crate::console::actions::TABLE;
use crate::console::ctx::Target;
use crate::console::msg::Event;
use crate::console::outside::still;

/// Inputs of each run; four runs make a hundred thousand, and go beside each other.
const EACH: usize = 25_000;

/// What needs no yes: it sends nothing at all, only reads, keeps something from being sent, runs again what was decided
/// before, or is a word of doubt that one key takes back.
const HARMLESS: [&str; 16] = [
    "retry",
    "unsure",
    "undo-verdict",
    "claim",
    "unclaim",
    "assign-item",
    "unassign-item",
    "comment",
    "probe",
    "hold",
    "snooze",
    "release",
    "pause",
    "resume",
    "reveal",
    "disarm",
];

const TEXTS: [&str; 10] = [
    "status:failed",
    "jane",
    "-\u{202e}\u{1b}[31m",
    "id:cf_1",
    "2h",
    "9\n8\n\tY",
    "佐藤 e\u{301}\u{200d}🙂",
    "test data",
    "{\"a\": 1e400",
    "",
];

thread_local! {
    /// Panics of this test's tasks: the runtime catches them, and nobody would hear of them.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// What may be typed.
struct Keyboard {
    names: Vec<&'static str>,
    yes: bool,
}

impl Keyboard {
    fn new(yes: bool) -> Self {
        let mut names: BTreeSet<&str> = TABLE.iter().flat_map(|row| row.keys.iter().copied()).collect();
        // CopyCurl and its like are the capital Y too; without it nothing can be confirmed.
        if !yes {
            names.remove("Y");
        }
        names.extend(["Backspace", "Left", "Right", "0", "n", "佐"]);
        Self { names: names.into_iter().collect(), yes }
    }

    fn key(&self, rng: &mut Rng) -> KeyEvent {
        let often = ["Esc", "Enter", "Down", "Up", "Tab", "Space", "Y", "Esc"];
        let name = match rng.u8(..10) {
            0..3 => often[rng.usize(..often.len())],
            _ => self.names[rng.usize(..self.names.len())],
        };
        match name {
            "Y" if !self.yes => KeyEvent::from(KeyCode::Esc),
            "Backspace" => KeyEvent::from(KeyCode::Backspace),
            name => keys::press(name).expect("the table's keys can be pressed"),
        }
    }
}

fn mouse(kind: MouseEventKind, (column, row): (u16, u16)) -> Input {
    Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

/// One thing an operator, a window manager or a cat does.
fn something(rng: &mut Rng, keyboard: &Keyboard, bench: &Bench) -> Vec<Input> {
    let ctx = &bench.console.app().ctx;
    let (columns, rows) = ctx.size;
    let place = (rng.u16(..columns.max(1)), rng.u16(..rows.max(1)));
    let (down, up) = (MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left));
    // A button that says yes is as good as its key.
    let yes = matches!(ctx.hit(place.0, place.1), Some(Target::Key(key)) if key == "Y");
    match rng.u8(..100) {
        0..72 => vec![Input::Key(keyboard.key(rng))],
        72..80 if yes && !keyboard.yes => Vec::new(),
        72..77 => vec![mouse(down, place), mouse(up, place)],
        77..80 => vec![mouse(down, place), mouse(up, place), mouse(down, place), mouse(up, place)],
        80..85 => {
            vec![mouse(if rng.bool() { MouseEventKind::ScrollDown } else { MouseEventKind::ScrollUp }, place)]
        }
        85..88 => {
            let to = (rng.u16(..columns.max(1)), place.1);
            if yes && !keyboard.yes {
                return Vec::new();
            }
            let drag = MouseEventKind::Drag(MouseButton::Left);
            vec![mouse(down, place), mouse(drag, to), mouse(up, to)]
        }
        88..90 => {
            vec![mouse(MouseEventKind::Moved, place), mouse(MouseEventKind::Down(MouseButton::Right), place)]
        }
        90..95 => vec![Input::Paste(TEXTS[rng.usize(..TEXTS.len())].to_owned())],
        95..97 => vec![Input::FocusLost, Input::FocusGained],
        // Mostly sizes that can be used: on the others there is nothing to press.
        _ if rng.u8(..4) == 0 => vec![Input::Resize(rng.u16(1..=240), rng.u16(1..=60))],
        _ => vec![Input::Resize(rng.u16(60..=200), rng.u16(15..=50))],
    }
}

/// What takes back at once what was said with a yes, and sends nothing itself.
const TAKEN_BACK: [&str; 3] = ["unrule", "enable", "undiscard"];

/// What the operator has decided that needs a yes, from an entry of the audit log on. `said` is whether anything was
/// decided at all so far: without that there is nothing to take back.
fn decided(book: &rusqlite::Connection, from: i64, said: bool) -> Vec<(i64, String)> {
    // What was decided here and is not sent yet is given up by `u`; so is a look at the vendor.
    let mut query = book
        .prepare_cached(
            "SELECT number, verb, object, note, verb = 'discard' AND EXISTS (SELECT 1 FROM executions \
             WHERE 'ex_' || id = object AND (recipe = 'probe' OR ?2 AND recipe <> 'contact-to-crm')) \
             FROM audit WHERE number > ?1 AND actor = 'ana' ORDER BY number",
        )
        .expect("a query");
    let rows = query
        .query_map(rusqlite::params![from, said], |row| {
            let verb: String = row.get(1)?;
            let words = format!("{verb} {}: {}", row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            Ok((row.get::<_, i64>(0)?, verb, words, row.get::<_, bool>(4)?))
        })
        .expect("rows");
    rows.map(|row| row.expect("a row"))
        .filter(|(_, verb, _, stopped)| {
            let taken_back = said && TAKEN_BACK.contains(&verb.as_str());
            !(*stopped || taken_back || HARMLESS.contains(&verb.as_str()))
        })
        .map(|(number, _, words, _)| (number, words))
        .collect()
}

/// Plays until so many inputs were taken; returns what was decided.
async fn play(seed: u64, count: usize, yes: bool) -> Vec<String> {
    count_panics();
    let world = super::health::troubled().await;
    world.calls(12).await;
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.console.look_outside(still(super::health::outside()));
    let book = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    let keyboard = Keyboard::new(yes);
    let mut rng = Rng::with_seed(seed);
    let mut all = Vec::new();
    let (mut taken, mut burst, mut seen) = (0, 0, 0);
    while taken < count {
        burst += 1;
        let mut confirmed = false;
        let mut asked = String::new();
        for _ in 0..3 {
            for _ in 0..rng.usize(1..=12) {
                for input in something(&mut rng, &keyboard, &bench) {
                    taken += 1;
                    if says_yes(&bench, &input) {
                        bench.console.settle().await;
                        asked = bench.screen();
                        confirmed |= asked.contains("Esc Cancel") && asked.contains("Y ");
                    }
                    bench.console.input(input);
                }
            }
            bench.console.settle().await;
        }
        if let Some(text) = bench.console.outside() {
            let edited = if rng.bool() { Ok(text.replace('1', "2")) } else { Err("vi left it".to_owned()) };
            bench.console.event(Event::Edited(edited));
        }
        if rng.u8(..8) == 0 {
            bench.world.clock.advance(Duration::from_millis(rng.u64(..3_000)));
            bench.console.event(Event::Second);
            bench.console.event(Event::Changed);
        }
        bench.console.settle().await;
        let frame = bench.console.frame();
        let size = bench.console.app().ctx.size;
        assert_eq!((frame.area.width, frame.area.height), size, "seed {seed}, burst {burst}");
        assert_eq!(PANICS.get(), 0, "a task panicked: seed {seed}, burst {burst}");
        let new = decided(&book, seen, !all.is_empty());
        if let Some((number, _)) = new.last() {
            seen = *number;
            assert!(confirmed, "{new:?} without a yes: seed {seed}, burst {burst}; last asked on:\n{asked}");
            all.extend(new.into_iter().map(|(_, verb)| verb));
        }
    }
    all
}

/// Whether an input is a capital Y, typed or clicked.
fn says_yes(bench: &Bench, input: &Input) -> bool {
    match input {
        Input::Key(key) => key.code == KeyCode::Char('Y'),
        Input::Mouse(mouse) => {
            let hit = bench.console.app().ctx.hit(mouse.column, mouse.row);
            matches!(hit, Some(Target::Key(key)) if key == "Y")
        }
        _ => false,
    }
}

#[tokio::test]
async fn without_a_capital_y_nothing_is_decided() {
    assert_eq!(play(20_261_121, EACH, false).await, [""; 0]);
}

#[tokio::test]
async fn without_a_capital_y_nothing_is_decided_either_way_round() {
    assert_eq!(play(7, EACH, false).await, [""; 0]);
}

#[tokio::test]
async fn every_decision_follows_its_question() {
    let decided = play(11, EACH, true).await;
    assert!(!decided.is_empty(), "the test would not see a decision: {decided:?}");
}

#[tokio::test]
async fn every_decision_follows_its_question_either_way_round() {
    let decided = play(12, EACH, true).await;
    assert!(!decided.is_empty(), "the test would not see a decision: {decided:?}");
}
