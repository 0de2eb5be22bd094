//! `reknit recipe`: reading, linting and trying recipes without a vendor.

use serde_json::{Value, json};

use super::Shell;

const OWN: &str = r#"
name = "big-customers"
title = "A bad rating of a big customer makes a task"
owner = "customer success"
once = "{conversation.id}"
[trigger]
on = "conversation.rated"
[[require]]
that = "crm != null"
otherwise = "The CRM does not know {contact.email}: make or link the contact, then retry."
[condition]
when = "conversation.rating <= 2 && number(company.mrr) > settings.above"
otherwise = "it is no bad rating of a big customer"
[[action]]
do = "create"
object = "task"
find = { key = "{conversation.id}" }
set = { hs_task_subject = "Rated {conversation.rating} of 5", hs_timestamp = "2026-01-10T00:00:00Z" }
relate = ["crm"]
[[action]]
do = "tell"
channel = "slack"
title = "Rated {conversation.rating}: {contact.email}"
[error]
tell = ""
advice = "Give the app the scope to write tasks, then retry."
[settings]
above = 500
"#;

fn shell(folder: &std::path::Path) -> Shell {
    std::fs::create_dir_all(folder.join("recipes")).unwrap();
    std::fs::write(folder.join("recipes/big-customers.toml"), OWN).unwrap();
    std::fs::write(folder.join("reknit.toml"), "").unwrap();
    Shell::in_folder(folder).without_tokens()
}

fn write(folder: &std::path::Path, name: &str, value: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn recipes_are_listed_shown_drawn_and_documented() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path());
    let list = shell.run(&["recipe", "list", "--json"]).await.fine().json();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"contact-to-crm") && names.contains(&"big-customers"), "{names:?}");
    let shown = shell.run(&["recipe", "show", "big-customers"]).await.fine();
    assert_eq!(shown.text().trim(), OWN.trim());
    let drawn = shell.run(&["recipe", "graph", "big-customers"]).await.fine();
    assert!(
        drawn.text().contains("── no ──▶ ✕ failed (missing_data)") && drawn.text().contains("✕ error ──▶")
    );
    let told = shell.run(&["recipe", "explain", "contact-to-crm"]).await.fine();
    assert!(told.text().contains("Emitted by: Intercom") && told.text().contains("Retries: "));
    let docs = shell.run(&["recipe", "docs", "--json"]).await.fine().json();
    assert!(docs["markdown"].as_str().unwrap().contains("## big-customers"));
    let facts = shell.run(&["recipe", "facts", "--json"]).await.fine().json();
    assert!(facts["variables"]["contact"].is_string() && facts["functions"].as_object().unwrap().len() > 20);
    shell.run(&["recipe", "show", "big-customer"]).await.problem(2, &["did you mean \"big-customers\""]);
}

#[tokio::test]
async fn r60_r61_a_recipe_is_tried_to_the_exact_calls_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path());
    let facts = |mrr: &str| {
        json!({"contact": {"id": "64e2", "email": "z@x.y"}, "crm": {"id": "151"}, "company": {"id": "7", "mrr": mrr},
               "conversation": {"id": "20001", "rating": 2}})
    };
    let enough = write(folder.path(), "enough.json", &facts("500.01"));
    let tried =
        shell.run(&["recipe", "test", "big-customers", "--facts", &enough, "--json"]).await.fine().json();
    assert_eq!((&tried["verdict"], &tried["once"]), (&json!("go"), &json!("20001")));
    assert_eq!(tried["calls"][0][0]["path"], json!("/crm/v3/objects/tasks"));
    assert_eq!(tried["plan"]["notices"][0]["title"], json!("Rated 2: z@x.y"));
    let few = write(folder.path(), "few.json", &facts("500.00"));
    let tried = shell.run(&["recipe", "test", "big-customers", "--facts", &few]).await.fine();
    let text = tried.text();
    assert!(
        text.contains("skipped, because it is no bad rating") && text.contains("number(company.mrr) is 500"),
        "{text}"
    );
    let mut nobody = facts("900");
    nobody.as_object_mut().unwrap().remove("crm");
    let nobody = write(folder.path(), "nobody.json", &nobody);
    let tried = shell.run(&["recipe", "test", "big-customers", "--facts", &nobody]).await.fine();
    assert!(tried.text().contains("failed as missing_data. The CRM does not know z@x.y"), "{}", tried.text());
    shell.run(&["recipe", "test", "big-customers"]).await.problem(2, &["--facts FILE"]);
    let wrong = write(folder.path(), "wrong.json", &json!({"contcat": {}}));
    let run = shell.run(&["recipe", "test", "big-customers", "--facts", &wrong]).await;
    run.problem(2, &["did you mean \"contact\""]);
}

#[tokio::test]
async fn mistakes_are_told_with_file_and_line_and_keep_the_recipes_from_being_used() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path());
    shell.run(&["recipe", "lint"]).await.fine();
    let path = folder.path().join("recipes/big-customers.toml");
    std::fs::write(&path, OWN.replace("conversation.rating <= 2", "conversatoin.rating <= 2")).unwrap();
    let run = shell.run(&["recipe", "lint"]).await;
    assert!(
        run.text().contains("big-customers.toml, line 12: there is no \"conversatoin\""),
        "{}",
        run.text()
    );
    run.problem(2, &["1 mistake(s)"]);
    let run = shell.run(&["recipe", "list"]).await;
    for part in ["not taken: ", "line 12", "did you mean \"conversation\"", "contact-to-crm"] {
        assert!(run.text().contains(part) || run.err.contains(part), "{part}: {run:?}");
    }
    // A shell that writes into a file empties it first: an empty one is no recipe yet, and no mistake.
    std::fs::write(&path, "").unwrap();
    shell.run(&["recipe", "lint"]).await.fine();
    let shown = shell.run(&["recipe", "show", "churn-low-rating"]).await;
    assert!(shown.text().contains("[condition]"), "{shown:?}");
}
