//! How the program ends: by signals, or before it began. The terminal is as before, and nothing is left behind.

use std::time::Duration;

use super::demo::{Demo, Home};

#[test]
fn signals_give_the_terminal_back_and_remove_the_demos_folder() {
    for signal in ["TERM", "HUP"] {
        let home = Home::new();
        let terminal = home.terminal(&["demo"], (100, 30));
        terminal.wait_for("failed executions", super::shows_failures);
        assert!(!home.is_empty(), "the demo keeps its journal somewhere while it runs");
        terminal.signal(signal);
        let ended = terminal.ended();
        assert_eq!(ended.left_behind, [""; 0], "after SIG{signal}");
        assert_eq!(ended.text.trim(), "", "SIG{signal} leaves no words behind");
        assert_eq!(ended.code, 0, "SIG{signal} ends the console as q does");
        assert!(home.is_empty(), "the demo's own folder goes with it");
    }
}

#[test]
fn a_terminal_of_one_cell_and_one_in_a_storm_of_sizes_are_given_back() {
    for (size, ends_by) in [((1, 1), "q"), ((1, 1), "TERM"), ((240, 1), "HUP"), ((2, 60), "INT")] {
        let Demo { mut terminal, .. } = Demo::ready((100, 30));
        let before = terminal.frames().all;
        terminal.resize(size);
        // It has looked at the new size once it has drawn a frame for it, within a second at the latest.
        terminal.wait_quiet(Duration::from_millis(1_500));
        assert!(terminal.frames().all > before, "no frame of {size:?}");
        if ends_by == "q" {
            terminal.press("q");
        } else {
            terminal.signal(ends_by);
        }
        let ended = terminal.ended();
        assert_eq!((ended.code, ended.left_behind), (0, Vec::new()), "{ends_by} at {size:?}");
        assert!(!String::from_utf8_lossy(&ended.raw).contains("panicked"), "{ends_by} at {size:?}");
    }
    let Demo { terminal, .. } = Demo::ready((100, 30));
    for round in 0..40_u16 {
        terminal.resize((1 + round * 6, 1 + round));
        if round == 39 {
            terminal.signal("TERM");
        }
    }
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()), "in the midst of a storm");
}

#[test]
fn a_terminal_that_was_not_given_back_is_noticed() {
    // The other tests of this file could not fail if the driver saw nothing: no program can clean up after SIGKILL.
    let demo = Demo::ready((100, 30));
    demo.terminal.signal("KILL");
    let ended = demo.terminal.ended();
    assert!(ended.left_behind.contains(&"alternate screen"), "the driver would not see a terminal left raw");
    assert!(ended.left_behind.contains(&"raw mode"));
}

#[test]
fn a_terminal_too_small_is_refused_in_three_parts() {
    let home = Home::new();
    let data = home.data().display().to_string();
    for arguments in [&["demo"][..], &["--data", &data, "demo"], &["--data", &data]] {
        let ended = home.terminal(arguments, (20, 5)).ended();
        let words = String::from_utf8_lossy(&ended.raw);
        assert_eq!(ended.code, 1, "{arguments:?}: {words}");
        for part in ["error: ", "why: ", "next: ", "20 columns", "5 rows"] {
            assert!(words.contains(part), "{arguments:?}: {part:?} is missing in {words}");
        }
        assert!(!words.contains("\x1b["), "{arguments:?}: the screen was touched: {words:?}");
        assert_eq!(ended.left_behind, [""; 0]);
        assert!(home.is_empty(), "{arguments:?} left something behind");
    }
}
