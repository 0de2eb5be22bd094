//! What no operator does on purpose: windows pulled to every size, and keys at random.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::demo::{Demo, effects, go};
use super::driver::{Terminal, key};

#[test]
fn a_storm_of_sizes_is_survived() {
    let Demo { mut terminal, .. } = Demo::ready((100, 30));
    let mut rng = Rng::with_seed(7);
    for round in 0..60 {
        terminal.resize((rng.u16(60..=240), rng.u16(16..=60)));
        if round % 6 == 0 {
            terminal.press(&rng.usize(1..=9).to_string());
        }
        if round % 20 == 10 {
            terminal.resize((1, 1));
        }
    }
    for (columns, rows) in [(60, 16), (240, 60), (59, 40), (1, 1), (140, 41), (100, 30)] {
        terminal.resize((columns, rows));
        if columns >= 60 {
            terminal.wait_for("a whole frame", |text| whole(text, rows));
        }
    }
    // There and back before the program looks: what the window lost in between must be drawn again all the same.
    for size in [(1, 1), (100, 30), (60, 16), (100, 30)] {
        terminal.resize(size);
    }
    terminal.wait_for("the frame of the same size anew", |text| whole(text, 30));
    still_answers(&mut terminal);
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    assert!(!String::from_utf8_lossy(&ended.raw).contains("panicked"));
}

/// The first and the last row stand where they belong.
fn whole(text: &str, rows: u16) -> bool {
    text.lines().next().is_some_and(|line| line.contains("demo"))
        && text.lines().nth(usize::from(rows) - 1).is_some_and(|line| line.contains("? help"))
}

#[test]
fn three_thousand_random_keys_decide_nothing() {
    let Demo { home, mut terminal, .. } = three_thousand_keys();
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    // A single retry sends nothing new and asks nothing, nor does a word of doubt, which one key takes back, nor what only
    // reads or keeps from being sent; everything else asks for a capital Y, which was not typed.
    let decided = home.decided();
    let harmless = [
        "retry",
        "unsure",
        "undo-verdict",
        "claim",
        "unclaim",
        "assign-item",
        "comment",
        "probe",
        "hold",
        "snooze",
        "release",
        "pause",
    ];
    assert!(decided.iter().all(|verb| harmless.contains(&verb.as_str())), "{decided:?}");
    assert_eq!(home.json(&["audit", "verify", "--json"])["intact"], true);
}

fn three_thousand_keys() -> Demo {
    const KEYS: [&str; 20] = [
        key::ESC,
        key::ENTER,
        key::UP,
        key::DOWN,
        key::LEFT,
        key::RIGHT,
        key::PAGE_UP,
        key::PAGE_DOWN,
        key::TAB,
        key::SHIFT_TAB,
        "\x04",
        "\x15",
        " ",
        "r",
        "m",
        "l",
        "x",
        "D",
        "e",
        "*",
    ];
    // Not q, which quits, nor Y, which says yes; and `:` only with an Esc after it, since the palette knows "quit".
    const LETTERS: &str = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXZ0123456789/?[]*-.,!@äß€漢🙂";
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut demo = Demo::ready((120, 40));
    let mut rng = Rng::with_seed(20_261_121);
    let mut typed = 0;
    while typed < 3_000 {
        let mut burst = String::new();
        for _ in 0..rng.usize(1..40) {
            match rng.u8(..20) {
                0 => {
                    burst.push(':');
                    burst.extend((0..rng.usize(..5)).map(|_| letters[rng.usize(..letters.len())]));
                    burst.push_str(key::ESC);
                }
                1..=9 => burst.push_str(KEYS[rng.usize(..KEYS.len())]),
                _ => burst.push(letters[rng.usize(..letters.len())]),
            }
            typed += 1;
        }
        demo.terminal.press(&burst);
    }
    still_answers(&mut demo.terminal);
    let books = demo.books();
    for kind in ["merge", "associate", "dissociate", "archive", "delete"] {
        let found = effects(&books, "contact", kind);
        assert!(found.is_empty(), "{kind}: {found:?}");
    }
    assert_eq!(books["double_creates"], json!([]));
    demo
}

/// Closes whatever is open, and goes through two screens.
fn still_answers(terminal: &mut Terminal) {
    // Each Esc takes one step back: a dialog, a toast, marks, the filter. One at a time: crossterm reads a kilobyte
    // per wake-up, and what is beyond it in the terminal's buffer waits for the next key.
    for _ in 0..16 {
        terminal.press(key::ESC);
        terminal.wait_quiet(Duration::from_millis(60));
    }
    go(terminal, "Conflicts");
    go(terminal, "Executions");
}
