//! G10: who may only look changes nothing: every key at random, every command with ids that exist; afterwards not a byte
//! of the journal is another and the vendors saw no call that writes.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::{Effort, say};
use crate::cli::shell;
use crate::support::Bench;

/// A world with something of everything, and a console that may only look at it.
async fn world() -> Bench {
    let mut bench = Bench::build().seeded(7, 150, 50).start().await;
    bench.load().await;
    bench.scan().await;
    // The journal of this process looks after its files when it has nothing to do: now, not in the midst of the test.
    bench.journal.rest().await;
    bench
}

fn bytes(bench: &Bench) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(bench.folder())
        .expect("a folder")
        .flatten()
        .filter(|entry| entry.path().is_file())
        // The index of the write-ahead log: shared memory of the readers, holds no data.
        .filter(|entry| !entry.path().to_string_lossy().ends_with("-shm"))
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// What the vendors saw, without the reads.
fn writes(bench: &Bench) -> Vec<(String, u64)> {
    let books = bench.books();
    let calls = books["calls"].as_object().expect("a map");
    let reads =
        |route: &str| route.contains(" GET ") || route.ends_with("/search") || route.ends_with("/batch/read");
    let writing = calls.iter().filter(|(route, _)| !reads(route));
    writing.map(|(route, count)| (route.clone(), count.as_u64().unwrap_or(0))).collect()
}

#[tokio::test]
async fn g10_keys_pressed_at_random_change_nothing() {
    let mut bench = world().await;
    bench.look_only().await;
    let (before, called) = (bytes(&bench), writes(&bench));
    let mut keys: BTreeSet<&str> =
        reknit::console::actions::TABLE.iter().flat_map(|row| row.keys.iter().copied()).collect();
    keys.extend(["Y", "y", "n", "a", "x", "9", "0", "Space", "Backspace", "Left", "Right"]);
    // Leaving is the one thing that would end the test.
    keys.retain(|key| !["q", "Ctrl-c"].contains(key) && reknit::console::keys::press(key).is_some());
    let keys: Vec<&str> = keys.into_iter().collect();
    let mut rng = Rng::with_seed(10);
    let mut effort = Effort::of("REKNIT_LOOK_SECONDS", 4_000);
    while effort.goes_on() {
        // Dialogs are answered, now and then twice.
        let key = if rng.u32(..6) == 0 { "Y" } else { keys[rng.usize(..keys.len())] };
        bench.press(key).await;
    }
    assert!(bytes(&bench) == before, "a file changed");
    assert_eq!(writes(&bench), called);
    say(&format!(
        "G10 keys: {} of {} kinds pressed, 0 bytes changed, 0 calls that write",
        effort.done - 1,
        keys.len()
    ));
}

#[tokio::test]
async fn g10_commands_change_nothing() {
    let mut bench = world().await;
    let shell = shell(&bench);
    bench.look().await;
    let id = |what: &str, items: Vec<String>| items.into_iter().next().unwrap_or_else(|| format!("{what}_1"));
    let tables = bench.tables();
    let duplicate = id("du", tables.texts("SELECT 'du_' || id FROM duplicates WHERE state = 'open' LIMIT 1"));
    let unlinked = id("un", tables.texts("SELECT 'un_' || id FROM unlinked WHERE state = 'open' LIMIT 1"));
    drop(tables);
    let (before, called) = (bytes(&bench), writes(&bench));
    let commands: Vec<Vec<&str>> = vec![
        vec!["retry", "ex_1"],
        vec!["retry", "--from-start", "ex_1"],
        vec!["replay", "ex_1", "--set", "phone=1"],
        vec!["replay", "ex_1", "--show"],
        vec!["probe", "ex_1"],
        vec!["hold", "ex_1"],
        vec!["release", "ex_1"],
        vec!["snooze", "ex_1", "--for", "2h"],
        vec!["page", "hubspot/contact/1"],
        vec!["list", "causes"],
        vec!["discard", "ex_1", "--reason", "no"],
        vec!["resolve", "cf_1", "--take", "left"],
        vec!["resolve", "cf_1", "--value", "x"],
        vec!["resolve", "cf_1", "--clear"],
        vec!["resolve", "cf_1", "--left", "--as-rule"],
        vec!["resolve", "cf_1", "--right", "--as-rule", "any"],
        vec!["resolve", "cf_1", "--translate", "NEW"],
        vec!["resolve", "cf_1", "--disable", "to-crm"],
        vec!["resolve", "cf_1", "--ignore", "7d"],
        vec!["resolve", "cf_1", "--undo"],
        vec!["retry", "--refused", "Plan=gold"],
        vec!["rules", "list"],
        vec!["rules", "show", "plan-1"],
        vec!["rules", "remove", "plan-1"],
        vec!["explain", "hubspot/contact/1", "Phone"],
        vec!["why-not", "nobody@quint.example"],
        vec!["mapping", "plan", "nowhere.toml"],
        vec!["mapping", "direction"],
        vec!["mapping", "direction", "Phone", "to-crm", "off"],
        vec!["mapping", "direction", "Phone", "to-crm", "on"],
        vec!["match", "--input", "people.csv", "--output", "pairs.csv"],
        vec!["merge", &duplicate],
        vec!["merge", "undo", &duplicate],
        vec!["list", "merges"],
        vec!["scan"],
        vec!["list", "exceptions"],
        vec!["list", "incidents"],
        vec!["distinct", &duplicate],
        vec!["verdict", &duplicate, "same"],
        vec!["verdict", &duplicate, "later", "--until", "3d"],
        vec!["verdict", &duplicate, "--undo"],
        vec!["verdict", &duplicate, "--history"],
        vec!["link", &unlinked, "--company", "hubspot/company/1"],
        vec!["link", &unlinked, "--create", "--name", "Quint"],
        vec!["link", &unlinked, "--none", "--reason", "x"],
        vec!["link", "--domain", "quint.example", "--company", "hubspot/company/1", "--remember", "--yes"],
        vec!["link", "undo", &unlinked],
        vec!["link", "rules", "list"],
        vec!["link", "rules", "add", "quint.example", "--never"],
        vec!["link", "rules", "remove", "quint.example"],
        vec!["coverage"],
        vec!["api", "intercom", "contacts.archive", "contact_id=1", "--yes"],
        vec!["api", "hubspot", "objects.get", "objectType=contacts", "objectId=1"],
        vec!["api", "hubspot", "objects.archive", "objectType=contacts", "objectId=1", "--yes"],
        vec!["erase", "ex_1", "--yes"],
        vec!["erase", "hubspot/contact/1", "--yes"],
        vec!["erase", "ex_1", "--dry-run"],
        vec!["erase", "approve", "er_1", "--yes"],
        vec!["erase", "dismiss", "er_1"],
        vec!["erase", "retry", "er_1"],
        vec!["erase", "list"],
        vec!["erase", "hubspot/contact/1", "--anonymise-crm", "--yes"],
        vec!["erase", "show", "er_1"],
        vec!["pause", "recipe", "contact-to-crm", "--reason", "x"],
        vec!["pause", "connection", "hubspot", "--reason", "x", "--for", "2h"],
        vec!["pause", "direction", "to-crm", "--reason", "x", "--json"],
        vec!["pause", "list"],
        vec!["resume", "recipe", "contact-to-crm"],
        vec!["resume", "connection", "hubspot"],
        vec!["resume", "direction", "to-crm"],
        vec!["events"],
        vec!["events", "ev_1", "--json"],
        vec!["events", "--ignored", "--topic", "contact.*"],
        vec!["monitors"],
        vec!["monitors", "--series", "queue"],
        vec!["monitors", "test-alert"],
        vec!["journal", "check"],
        vec!["journal", "accept", "looked into it"],
        vec!["vault", "set", "HUBSPOT_REFRESH_TOKEN"],
        vec!["vault", "remove", "HUBSPOT_REFRESH_TOKEN"],
        vec!["fetch", "contacts"],
        vec!["fetch", "contacts", "--system", "hubspot", "--json"],
        vec!["fetch", "companies", "--dry-run"],
        vec!["sweep"],
        vec!["sweep", "--yes"],
        vec!["sweep", "--dry-run"],
        vec!["sweep", "--status"],
        vec!["backfill", "conversations"],
        vec!["backfill", "conversations", "--since", "2020-01-01"],
        vec!["backfill", "status"],
        vec!["backfill", "pause"],
        vec!["backfill", "resume"],
        vec!["backfill", "cancel"],
        vec!["converse", "mara@quint.example", "Hello", "--yes"],
        vec!["reply", "1", "Hello", "--yes"],
        vec!["assign", "1", "--to", "2", "--yes"],
        vec!["tag", "1", "vip", "--yes"],
        vec!["untag", "1", "vip", "--yes"],
        vec!["attributes", r#"{"userId": "1", "attributes": {"a": 1}}"#, "--yes"],
        vec!["history", "1"],
        vec!["override", "1", "--to", "2", "--reason", "x", "--yes"],
        vec!["selftest", "all"],
        vec!["rollout", "status"],
        vec!["rollout", "tick", "review-owner", "--by", "olga"],
        vec!["rollout", "sample"],
        vec!["doctor", "salesforce"],
        vec!["serve"],
        vec!["list", "executions"],
        vec!["show", &duplicate],
        vec!["events", "--ignored"],
        vec!["events", "ev_1"],
        vec!["audit", "verify"],
        vec!["journal", "check"],
        vec!["journal", "accept", "why"],
        vec!["drift"],
        vec!["drift", "--accept"],
        vec!["drift", "--create-missing"],
        vec!["drift", "list", "--all"],
        vec!["drift", "show", "1"],
        vec!["drift", "accept", "1"],
        vec!["drift", "resume", "1"],
        vec!["mapping", "list"],
        vec!["mapping", "show", "contact"],
        vec!["mapping", "lint"],
        vec!["mapping", "lint", "--offline"],
        vec!["mapping", "import", "none.json"],
        vec!["data-map"],
        vec!["doctor"],
        vec!["doctor", "suppression"],
        vec!["limits"],
        vec!["recipe", "list"],
        vec!["recipe", "lint", "--json"],
        vec!["recipe", "graph", "contact-to-crm"],
        vec!["recipe", "test", "contact-to-crm", "--record", "pe_1"],
        vec!["recipe", "docs"],
        vec!["recipe", "on", "conversation-to-timeline", "--yes"],
        vec!["recipe", "off", "contact-to-crm"],
        vec!["retry", "ex_1", "--replan"],
        vec!["notices", "list"],
        vec!["notices", "resend"],
        vec!["cookbook"],
        vec!["info"],
        vec!["info", "--json"],
        vec!["claim", "ex_1"],
        vec!["claim", &duplicate, "--take-over", "--json"],
        vec!["unclaim", "ex_1"],
        vec!["comment", "ex_1", "Asked the vendor."],
        vec!["comment", "ex_1"],
        vec!["hint", "assign", "ex_1", "--to", "ken"],
        vec!["hint", "assign", "ex_1", "--nobody"],
        vec!["hint", "list"],
        vec!["hint", "list", "--of", "me", "--json"],
        vec!["--despite-claims", "retry", "ex_1"],
    ];
    let mut refused = 0;
    for command in &commands {
        let mut arguments = vec!["--read-only"];
        arguments.extend(command);
        let run = shell.run_with(&arguments, "no secret").await;
        let said = String::from_utf8_lossy(&run.all()).into_owned();
        assert!(!said.contains("Usage:"), "{command:?} was not understood: {said}");
        assert!(bytes(&bench) == before, "{command:?} changed a file: {said}");
        assert_eq!(writes(&bench), called, "{command:?} wrote to a vendor: {said}");
        refused += u32::from(run.code() != 0);
    }
    let tried: BTreeSet<&str> = commands.iter().map(|command| command[0]).collect();
    let help = shell.run(&["help"]).await;
    let known = help
        .text()
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let all: BTreeSet<&str> = known
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    // A world of their own, or a file of settings: they do not look at this journal.
    let apart = ["demo", "sandbox", "init", "help"];
    let missed: Vec<_> = all.iter().filter(|name| !tried.contains(*name) && !apart.contains(name)).collect();
    assert!(missed.is_empty(), "commands that were not tried: {missed:?}");
    say(&format!(
        "G10 commands: {} run with --read-only, {refused} refused, 0 bytes changed, 0 calls that write",
        commands.len()
    ));
}
