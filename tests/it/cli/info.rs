//! `reknit info`, and hints on items by command.

use serde_json::{Value, json};

use super::shell;
use crate::support::Bench;

#[tokio::test]
async fn info_names_versions_files_and_connections_and_no_secret() {
    let bench = Bench::build().seeded(7, 40, 10).start().await;
    bench.load().await;
    // What was written stands in the journal's own file, not in its log of writes.
    bench.journal.rest().await;
    let shell = shell(&bench);
    let run = shell.run(&["info", "--json"]).await.fine();
    let told = run.json();
    assert_eq!(told["build"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["user"], "olga");
    assert_eq!(told["journal"]["there"], true);
    assert_eq!(told["journal"]["format"], told["build"]["journal_format"]);
    assert!(told["journal"]["counts"]["executions"].is_u64(), "{told:#}");
    let paths = told["paths"].as_array().expect("a list");
    let place = |what: &str| {
        let found = paths.iter().find(|place| place["what"] == what);
        found.unwrap_or_else(|| panic!("no {what}: {told:#}")).clone()
    };
    assert!(place("journal")["bytes"].as_u64() > Some(10_000));
    assert!(place("log")["path"].as_str().expect("a path").ends_with("reknit.log"));
    assert_eq!(place("settings")["there"], true);
    let systems: Vec<&Value> =
        told["connections"].as_array().expect("a list").iter().map(|one| &one["system"]).collect();
    assert_eq!(systems, [&json!("intercom"), &json!("hubspot")]);
    assert_eq!(told["connections"][0]["authorised"], "with a token");
    let text = shell.run(&["info"]).await.fine();
    for run in [&run, &text] {
        let all = String::from_utf8_lossy(&run.all()).into_owned();
        for secret in ["sandbox-intercom-token", "sandbox-hubspot-token", "client-secret"] {
            assert!(!all.contains(secret), "{all}");
        }
    }
    assert!(text.text().contains("reknit.log") && text.text().contains("HubSpot"), "{}", text.text());
}

#[tokio::test]
async fn info_speaks_where_nothing_else_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let shell = super::Shell::in_folder(folder.path()).without_tokens();
    let told = shell.run(&["info", "--json"]).await.fine().json();
    assert_eq!(told["journal"], json!({"there": false}));
    assert!(
        told["connections"][0]["authorised"].as_str().expect("words").starts_with("not yet: "),
        "{told:#}"
    );
    std::fs::write(folder.path().join("reknit.toml"), "[console]\ncolour = 3\n").expect("written");
    std::fs::write(folder.path().join("journal.db"), "no journal at all, but long enough to be looked at")
        .expect("written");
    let told = shell.run(&["info", "--json"]).await.fine().json();
    assert!(told["settings_problem"].as_str().expect("words").contains("line 2"), "{told:#}");
    assert!(told["journal"]["problem"].is_string(), "{told:#}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "it only looks");
}

#[tokio::test]
async fn hints_are_left_shown_listed_and_stand_in_anothers_way() {
    let mut bench = Bench::build().seeded(7, 60, 20).start().await;
    bench.load().await;
    bench.scan().await;
    bench.journal.rest().await;
    let shell = shell(&bench);
    let olga = |arguments: &'static [&'static str]| shell.run(arguments);
    let list = olga(&["list", "duplicates", "--json", "--limit", "1"]).await.fine().json();
    let id = list["rows"][0]["id"].as_str().expect("an id").to_owned();
    let id = id.as_str();
    let claimed = shell.run(&["claim", id, "--for", "2h", "--json"]).await.fine().json();
    assert_eq!(claimed, json!({"claimed": [id], "taken": []}));
    shell.run(&["comment", id, "Asked Ruth;\nshe will look."]).await.fine();
    shell.run(&["hint", "assign", id, "--to", "Ken Ito"]).await.fine();
    let shown = shell.run(&["show", id, "--json"]).await.fine().json();
    assert_eq!(shown["team"]["claim"]["who"], "olga");
    assert_eq!(shown["team"]["assignee"]["who"], "Ken Ito");
    assert_eq!(shown["team"]["comments"][0]["text"], "Asked Ruth;\nshe will look.");
    let text = shell.run(&["show", id]).await.fine();
    assert!(
        text.text().contains("olga has it until") && text.text().contains("she will look."),
        "{}",
        text.text()
    );
    let mine = olga(&["hint", "list", "--of", "me", "--json"]).await.fine().json();
    assert_eq!(mine["hints"][0]["item"], id);
    assert!(olga(&["hint", "list"]).await.fine().text().contains("Ken Ito"));

    let ana = super::shell(&bench).with("REKNIT_USER", "ana");
    let listed = ana.run(&["list", "executions", "--json", "--limit", "1"]).await.fine().json();
    let run = listed["rows"][0]["id"].as_str().expect("an id");
    shell.run(&["claim", run]).await.fine();
    let held = ana.run(&["hold", run]).await;
    let said = String::from_utf8(held.all()).expect("text");
    assert!(held.code() != 0 && said.contains("olga"), "{said}");
    shell.run(&["unclaim", run]).await.fine();
    let taken = ana.run(&["claim", id]).await;
    taken.problem(1, &["olga", "--take-over"]);
    let refused = ana.run(&["verdict", id, "unsure"]).await;
    refused.problem(2, &["olga", "--take-over", "--despite-claims"]);
    ana.run(&["--despite-claims", "verdict", id, "unsure"]).await.fine();
    ana.run(&["claim", id, "--take-over"]).await.fine();
    shell.run(&["verdict", id, "--undo"]).await.problem(2, &["ana"]);
    assert_eq!(ana.run(&["unclaim", id, "--json"]).await.fine().json(), json!({"given_back": 1}));
    shell.run(&["verdict", id, "--undo"]).await.fine();
    shell.run(&["hint", "assign", id, "--nobody"]).await.fine();
    shell.run(&["comment", id, " "]).await.problem(2, &["says something"]);
    shell.run(&["claim", "du_99999"]).await.problem(2, &["du_99999"]);
    assert_eq!(shell.run(&["claim", "12"]).await.code(), 2);
}
