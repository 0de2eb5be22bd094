//! The ten things of a Monday, as scripts that `reknit demo --play` shows people: each is played here on the real
//! program in a terminal, to its end. What they do is looked up afterwards in the journal they leave.

use std::time::Duration;

use reknit::console::script::SHIPPED;

use super::demo::Home;
use super::driver::key;

/// What a script must have left in the audit log; none where it only looks.
const LEFT: [(&str, Option<&str>); 10] = [
    ("look-round", None),
    ("retry-cause", Some("retry")),
    ("give-up", Some("discard")),
    ("settle-conflict", Some("resolve")),
    ("two-people", Some("distinct")),
    ("merge", Some("merge")),
    ("link", Some("link")),
    ("share-screen", None),
    ("who-is-at-it", Some("claim")),
    ("what-was-done", None),
];

/// The longest one, played fast, beside other tests.
const PATIENCE: Duration = Duration::from_secs(90);

fn plays(name: &str) {
    let home = Home::new();
    let data = home.data().display().to_string();
    let arguments = ["--data", &data, "demo", "--play", name, "--speed", "12"];
    let mut terminal = home.terminal(&arguments, (140, 40));
    let ended = |text: &str| text.contains("That was it.") || text.contains("waited in vain");
    let screen = terminal.wait_as_long(name, PATIENCE, |screen| ended(&screen.contents()));
    assert!(screen.contains("That was it."), "{name}:\n{screen}");
    for _ in 0..3 {
        terminal.press(key::ESC);
    }
    terminal.press("q");
    assert_eq!(terminal.ended().code, 0);
    let (_, left) = LEFT.iter().find(|(known, _)| *known == name).expect("every script says what it leaves");
    let decided = home.decided();
    match left {
        Some(verb) => assert!(decided.iter().any(|done| done == verb), "{name} left {decided:?}"),
        None => assert!(decided.is_empty(), "{name} left {decided:?}"),
    }
}

#[test]
fn every_script_is_played_here() {
    let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, LEFT.map(|(name, _)| name));
}

macro_rules! played {
    ($($test:ident $name:literal)+) => {
        $(#[test]
        fn $test() {
            plays($name);
        })+
    };
}

played! {
    a_look_round "look-round"
    failures_of_one_cause_are_retried_together "retry-cause"
    what_nobody_needs_is_given_up_with_a_reason "give-up"
    a_conflict_is_settled "settle-conflict"
    two_people_are_called_different "two-people"
    a_person_who_is_there_twice_is_merged "merge"
    a_person_without_an_account_is_linked "link"
    a_shared_screen_shows_no_names "share-screen"
    who_is_at_it_is_seen "who-is-at-it"
    what_was_done_is_read_and_verified "what-was-done"
}
