//! A fault in the console: the terminal is given back, a report without secrets and without record data stays, and the
//! next start tells of it once. The fault is a panic of this very program, started again as a child in a terminal.

use std::path::Path;
use std::sync::Arc;

use reknit::cli::clock::SystemClock;
use reknit::console::{crash, enter};

use super::demo::Home;
use super::driver::Terminal;

/// The folder and the switch of the child: a file of this name in its working folder.
const ORDER: &str = "panic-here";

#[test]
#[ignore = "it panics on purpose: `a_fault_gives_the_terminal_back_and_leaves_a_report` starts it as a child"]
fn child() {
    if !Path::new(ORDER).exists() {
        return;
    }
    let folder = std::env::current_dir().expect("a folder");
    crash::report_into(&folder.join("kept"), Arc::new(SystemClock), "9.9.9");
    for action in ["executions", "retry"] {
        crash::note(action);
    }
    let _terminal = enter(true).expect("a terminal");
    let jane: Result<(), String> =
        std::hint::black_box(Err("Jane Doe jane@acme.test pat-na1-secret-123456".to_owned()));
    jane.expect("a fault on purpose");
}

fn report(folder: &Path) -> (String, String) {
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".txt"))
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_fault_gives_the_terminal_back_and_leaves_a_report() {
    let home = Home::new();
    std::fs::write(home.path().join(ORDER), "").expect("written");
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "terminal::crash::child", "--ignored", "--nocapture", "--test-threads=1"];
    let program = program.to_str().expect("a path");
    let ended = Terminal::spawn(program, arguments, home.path(), (100, 30)).ended();
    assert_eq!(ended.left_behind, [""; 0]);
    let words = String::from_utf8_lossy(&ended.raw).into_owned();
    assert!(words.contains("Reknit ended by a fault") && words.contains("crash-"), "{words}");
    let (name, text) = report(&home.data());
    assert!(text.contains("Reknit 9.9.9") && text.contains("last actions: executions, retry"), "{text}");
    assert!(text.contains("crash.rs:") && text.contains("fault: "), "{text}");
    for secret in ["Jane", "jane@acme", "pat-na1", "123456"] {
        assert!(!text.contains(secret), "{secret:?} is in the report:\n{text}");
        assert!(!words.contains(secret), "{secret:?} is on the screen:\n{words}");
    }

    // The next start over the same folder tells of it, once.
    let arisen = home.json(&["demo", "--no-console"]);
    assert!(arisen["conflicts"].as_u64() >= Some(1), "{arisen}");
    let data = home.data().display().to_string();
    for told in [true, false] {
        let mut terminal = home.terminal(&["--data", &data], (140, 40));
        terminal.wait_for("failed executions", super::demo::shows_failures);
        terminal
            .wait_for("the notice that nothing is sent", |text| text.contains("Nothing is sent from here"));
        assert_eq!(terminal.text().contains("ended by a fault last time"), told, "{}", terminal.text());
        terminal.press("q");
        assert_eq!(terminal.ended().code, 0);
    }
    assert!(home.data().join(name).exists(), "the report stays");
}
