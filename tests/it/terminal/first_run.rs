//! `reknit` where nothing is set up: in a terminal a screen with three ways on, elsewhere a problem in three parts.

use super::demo::{Home, shows_failures};
use super::driver::key;

#[test]
fn the_first_screen_offers_three_ways_and_leaves_nothing() {
    for size in [(120, 40), (80, 24), (60, 16)] {
        let home = Home::new();
        let mut terminal = home.terminal(&[], size);
        let text = terminal.wait_for("the first screen", |text| text.contains("Nothing is set up here yet"));
        assert!(text.contains("Demo"), "{text}");
        terminal.press(key::DOWN);
        terminal.press(key::DOWN);
        terminal.wait_for("what is missing", |text| text.contains("token") && text.contains("own accounts"));
        terminal.press("c");
        terminal.wait_for("what to do", |text| text.contains("Not everything is there yet") || size.1 < 30);
        terminal.press("q");
        let ended = terminal.ended();
        assert_eq!((ended.code, ended.left_behind, ended.text.trim()), (0, Vec::new(), ""));
        assert!(home.is_empty(), "looking leaves nothing behind");
    }
}

#[test]
fn i_writes_the_settings_once_and_says_where() {
    let home = Home::new();
    let mut terminal = home.terminal(&[], (120, 40));
    terminal.wait_for("the first screen", |text| text.contains("Nothing is set up here yet"));
    terminal.press("i");
    terminal.wait_for("where", |text| text.contains("Wrote") && text.contains("reknit.toml"));
    terminal.press("i");
    terminal.wait_for("that it is there", |text| text.contains("there already"));
    terminal.press("\x03");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    let file = home.path().join(".config/reknit/reknit.toml");
    assert!(std::fs::read_to_string(file).expect("written").contains("[console]"));
}

#[test]
fn d_goes_on_to_the_demo() {
    let home = Home::new();
    let mut terminal = home.terminal(&[], (120, 40));
    terminal.wait_for("the first screen", |text| text.contains("Nothing is set up here yet"));
    terminal.press("d");
    terminal.wait_for("failed executions", shows_failures);
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    assert!(home.is_empty(), "the demo leaves nothing behind");
}

#[test]
fn without_a_terminal_it_is_a_problem_as_ever() {
    let home = Home::new();
    let output = home.command(&[]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}");
    for part in ["error: ", "why: ", "next: "] {
        assert!(words.contains(part), "{words}");
    }
    assert!(output.stdout.is_empty() && home.is_empty());
}
