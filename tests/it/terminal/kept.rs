//! A demo's kept journal, opened again without tokens: everything is there to be read, nothing is sent from here.

use std::time::Duration;

use super::demo::{Home, filter, go, shows_failures};
use super::driver::key;

/// A journal in which everything has arisen.
fn kept() -> Home {
    let home = Home::new();
    let summary = home.json(&["demo", "--no-console"]);
    assert!(summary["conflicts"].as_u64() >= Some(6), "{summary}");
    home
}

#[test]
fn a_kept_journal_is_read_and_says_that_nothing_is_sent_from_here() {
    let home = kept();
    let data = home.data().display().to_string();
    let mut terminal = home.terminal(&["--data", &data], (120, 40));
    terminal.wait_for("failed executions", shows_failures);
    terminal.wait_for("that nothing is sent", |text| text.contains("Nothing is sent from here"));
    go(&mut terminal, "Executions");
    let newest = home.ids("executions", "status:open").remove(0);
    terminal.wait_for(&newest, |text| text.contains(&newest));
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    assert_eq!(home.decided(), [""; 0]);
}

#[test]
fn read_only_refuses_to_decide() {
    let home = kept();
    let data = home.data().display().to_string();
    let mut terminal = home.terminal(&["--data", &data, "--read-only"], (120, 40));
    terminal.wait_for("failed executions", shows_failures);
    go(&mut terminal, "Duplicates");
    let pair = home.json(&["show", &home.ids("duplicates", "").remove(0), "--json"]);
    let subject = pair["subject"].as_str().expect("a name");
    terminal.wait_for("the surest pair", |text| text.contains(subject));
    terminal.press("m");
    terminal.wait_for("the refusal", |text| text.contains("runs read-only"));
    assert!(!terminal.text().contains("Y Merge"), "nothing that is refused is asked:\n{}", terminal.text());
    go(&mut terminal, "Executions");
    filter(&mut terminal, "status:failed");
    terminal.wait_for("a failed execution", |text| text.contains("ex_") && text.contains("failed"));
    terminal.press("r");
    terminal.wait_for("a second refusal", |text| text.matches("runs read-only").count() >= 2);
    terminal.press("q");
    assert_eq!(terminal.ended().code, 0);
    assert_eq!(home.decided(), [""; 0]);
}

#[test]
fn a_console_in_which_nothing_changes_writes_nothing() {
    let home = kept();
    let data = home.data().display().to_string();
    let mut terminal = home.terminal(&["--data", &data, "--read-only"], (120, 40));
    terminal.wait_for("failed executions", shows_failures);
    go(&mut terminal, "Executions");
    // No row, no age that ticks.
    filter(&mut terminal, "nobody-has-this-name");
    terminal.press(key::ESC);
    filter(&mut terminal, "nobody-has-this-name");
    terminal.wait_quiet(Duration::from_millis(1_500));
    assert_eq!(
        terminal.watch(Duration::from_secs(2)),
        0,
        "bytes while nothing changed:\n{}",
        terminal.text()
    );
    assert_eq!(terminal.frames().idle, 0, "frames that changed nothing");
}
