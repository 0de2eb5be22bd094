//! The built binary in a pseudo-terminal: what an operator types, sees, and leaves behind.
//!
//! Screens are matched by what is stable (screen names, ids, states, paths), never by layout; what was really sent
//! is read from the emulated vendors' books, and what was decided from the journal.

mod crash;
mod demo;
pub(crate) mod driver;
mod endings;
mod first_run;
mod kept;
mod lost;
mod scripts;
mod storms;

use std::time::Duration;

use demo::{Demo, SCREENS, confirm, effects, filter, go, shows_failures};
use serde_json::{Value, json};

/// The demo's data is on the screen this soon after its start; an unoptimised build gets more.
const READY: Duration = Duration::from_secs(if cfg!(debug_assertions) { 6 } else { 2 });

#[test]
fn an_operator_mends_one_of_each_and_the_books_agree() {
    let mut demo = Demo::start((120, 40));
    demo.terminal.wait_for("failed executions", shows_failures);
    let took = demo.terminal.started.elapsed();
    assert!(took <= READY, "the first failed execution was on the screen after {took:?}");
    for screen in SCREENS {
        go(&mut demo.terminal, screen);
    }
    let retried = retry(&mut demo);
    resolve(&mut demo);
    merge(&mut demo);
    link(&mut demo);
    let Demo { home, mut terminal, .. } = demo;
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.left_behind, [""; 0]);
    assert_eq!(ended.text.trim(), "", "nothing is left on the screen");
    for switch in ["\x1b[?1049l", "\x1b[?25h", "\x1b[?1000l", "\x1b[?1006l", "\x1b[?2004l", "\x1b[?1004l"] {
        let written = ended.raw.windows(switch.len()).any(|part| part == switch.as_bytes());
        assert!(written, "{switch:?} was never written");
    }
    assert_eq!(home.decided(), [&vec!["retry"; retried][..], &["resolve", "merge", "link"]].concat());
    let verdict = home.json(&["audit", "verify", "--json"]);
    assert_eq!(verdict["intact"], true, "{verdict}");
}

/// Sign-ups that were refused for a missing scope: one with the key alone, the others marked, with the question; how many.
fn retry(demo: &mut Demo) -> usize {
    // Ages on the screen tick, so this is asked again at least every second.
    demo.terminal.wait_for("the sign-ups refused for a scope", |_| demo.has_refused());
    let Demo { home, terminal, .. } = demo;
    let refused = "status:failed error:permission";
    let ids = home.ids("executions", refused);
    assert!(ids.len() >= 3, "the morning has three of them: {ids:?}");
    go(terminal, "Executions");
    filter(terminal, refused);
    // In the list, left of the two borders; the detail at the right tells of a 403 too.
    let list = |line: &str| line.split("││").next().is_some_and(|row| row.contains(" 403 "));
    let rows = |text: &str| text.lines().filter(|line| list(line)).count();
    terminal.wait_for("all of them", |text| rows(text) == ids.len());
    let [first, others @ ..] = ids.as_slice() else { panic!("nothing was refused") };
    terminal.wait_for(first, |text| text.contains(first) && text.contains("failed"));
    terminal.press("r");
    terminal.wait_for("the row to leave the list", |text| !text.contains(first) && rows(text) < ids.len());
    terminal.press("*");
    let question = confirm(terminal, "r", "Retry", || {
        assert_eq!(home.decided(), ["retry"], "Enter said yes");
    });
    for id in others {
        assert!(question.contains(id), "{id} is not in the question:\n{question}");
    }
    // What became of each is told until it has been read.
    terminal.wait_for("the report", |text| text.contains("queued again"));
    terminal.press(driver::key::ESC);
    for id in &ids {
        let shown = demo.home.json(&["show", id, "--json"]);
        see_succeed(demo, shown["execution"]["subject"].as_str().expect("a subject"), id);
    }
    let created = effects(&demo.books(), "contact", "create");
    for id in &ids {
        let shown = demo.home.json(&["show", id, "--json"]);
        let record = shown["execution"]["record"].as_str().expect("a record");
        let person = record.rsplit('/').next().expect("an id");
        let times = created.iter().filter(|effect| effect["detail"]["intercom_contact_id"] == person);
        assert_eq!(times.count(), 1, "{id} creates {record} once in HubSpot: {created:?}");
    }
    ids.len()
}

/// A field both sides changed: HubSpot's value is taken.
fn resolve(demo: &mut Demo) {
    let Demo { home, terminal, .. } = demo;
    go(terminal, "Conflicts");
    filter(terminal, "kind:both_changed");
    let id = home.ids("conflicts", "kind:both_changed").remove(0);
    terminal.wait_for(&id, |text| text.contains(&id));
    let conflict = home.json(&["show", &id, "--json"]);
    let contact = conflict["left"].as_str().and_then(|record| record.rsplit('/').next()).expect("an id");
    let before = home.decided();
    terminal.press(driver::key::RIGHT);
    terminal.wait_for("the decision to be marked", |text| text.contains("decided, not sent"));
    let question = confirm(terminal, "d", "Send", || {
        assert_eq!(home.decided(), before, "Enter said yes");
    });
    assert!(question.contains(&format!("/contacts/{contact}")), "the exact call is shown:\n{question}");
    let execution = decision_of(demo, "recipe:resolve-conflict");
    see_succeed(demo, "recipe:resolve-conflict", &execution);
    let attribute = conflict["left_field"].as_str().expect("a field").split('.').next().expect("a name");
    let writes: Vec<Value> = effects(&demo.books(), "contact", "update")
        .into_iter()
        .filter(|effect| effect["vendor"] == "intercom" && effect["id"] == contact)
        .collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0]["detail"]["fields"], json!([attribute]));
    assert_eq!(demo.home.json(&["show", &id, "--json"])["state"], "done");
}

/// The surest pair of HubSpot contacts.
fn merge(demo: &mut Demo) {
    let Demo { home, terminal, .. } = demo;
    go(terminal, "Duplicates");
    // A pair and no more: a group would be merged whole.
    let ids = home.ids("duplicates", "system:hubspot").into_iter();
    let mut pairs = ids.map(|id| home.json(&["show", &id, "--json"]));
    let pair = pairs.find(|pair| pair["members"] == 2).expect("a pair of two");
    filter(terminal, &format!("id:{}", pair["id"].as_str().expect("an id")));
    let [survivor, absorbed] = ["left", "right"].map(|side| {
        let record = pair[side].as_str().expect("a record");
        record.rsplit('/').next().expect("an id").to_owned()
    });
    terminal.wait_for("the pair", |text| text.contains(&survivor) && text.contains(&absorbed));
    let before = home.decided();
    let question = confirm(terminal, "m", "Merge", || {
        assert_eq!(home.decided(), before, "Enter said yes");
    });
    assert!(question.contains("/contacts/merge"), "the exact call is shown:\n{question}");
    let execution = decision_of(demo, "recipe:merge-duplicates");
    see_succeed(demo, "recipe:merge-duplicates", &execution);
    let books = demo.books();
    let merges = effects(&books, "contact", "merge");
    assert_eq!(merges.len(), 1, "{merges:?}");
    assert_eq!(merges[0]["detail"], json!({"primary": survivor, "absorbed": absorbed}));
    assert_eq!(books["double_creates"], json!([]));
}

/// The person with the surest company.
fn link(demo: &mut Demo) {
    let Demo { home, terminal, .. } = demo;
    go(terminal, "Unlinked");
    let id = home.ids("unlinked", "").remove(0);
    let person = home.json(&["show", &id, "--json"]);
    let contact = person["contact"].as_str().and_then(|record| record.rsplit('/').next()).expect("an id");
    let company = person["candidates"][0]["company"].as_str().expect("a candidate");
    let company = company.rsplit('/').next().expect("an id");
    terminal.wait_for("the person", |text| text.contains(contact));
    let before = home.decided();
    let question = confirm(terminal, "l", "Link", || {
        assert_eq!(home.decided(), before, "Enter said yes");
    });
    assert!(question.contains("/associations/"), "the exact call is shown:\n{question}");
    let execution = decision_of(demo, "recipe:link-company");
    see_succeed(demo, "recipe:link-company", &execution);
    let books = demo.books();
    // A merge moves the relations of what it absorbs; those stand in the books as well.
    let mut links = effects(&books, "contact", "associate");
    links.retain(|effect| effect["id"] == contact);
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(links[0]["detail"]["to"], format!("company:{company}"));
    assert_eq!(books["double_creates"], json!([]));
}

/// The one execution that carries out a decision; it is there once the question has closed and been answered.
fn decision_of(demo: &mut Demo, recipe: &str) -> String {
    let Demo { home, terminal, .. } = demo;
    go(terminal, "Executions");
    filter(terminal, recipe);
    // The list of before has its own filter in its border, and more rows.
    let alone = |text: &str| text.contains(&format!("{recipe} ·")) && text.contains("1 of 1 ");
    terminal.wait_for("the decision's execution", alone);
    let mut ids = home.ids("executions", recipe);
    assert_eq!(ids.len(), 1, "one decision, one execution: {ids:?}");
    ids.remove(0)
}

/// Finds an execution in the list by a filter, and sees that it has succeeded.
fn see_succeed(demo: &mut Demo, by: &str, id: &str) {
    let Demo { home, terminal, .. } = demo;
    go(terminal, "Executions");
    filter(terminal, by);
    // What it leads to may come in above it at any moment, so it is looked for until it is there.
    for _ in 0..20 {
        terminal.press("g");
        terminal.wait_quiet(Duration::from_millis(150));
        let at = home.ids("executions", by).iter().position(|found| found == id).expect("it is in the list");
        terminal.press(&"j".repeat(at));
        terminal.wait_quiet(Duration::from_millis(150));
        if terminal.text().contains(id) {
            break;
        }
    }
    terminal.wait_for("it to succeed", |text| text.contains(id) && text.contains("succeeded"));
}
