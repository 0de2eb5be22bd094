//! Commands that only look: lists, details, the audit log; as text for people and JSON for scripts.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Shell, shell};
use crate::support::Bench;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};

/// The names in an object.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_demos_journal_can_be_read_by_every_command_and_tampering_shows() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::in_folder(folder.path()).without_tokens();
    let data = folder.path().join("demo");
    let data = data.to_str().unwrap();
    let run = shell.run(&["demo", "--no-console", "--data", data]).await;
    assert_eq!(run.code, 0, "{run:#?}");
    let arisen = run.json();
    assert_eq!(
        keys(&arisen),
        ["executions", "error_classes", "conflicts", "duplicates", "unlinked", "seconds"]
    );
    let number = |value: &Value| value.as_u64().unwrap();
    assert!(number(&arisen["executions"]["failed"]) >= 8 && number(&arisen["executions"]["pending"]) >= 3);
    assert!(arisen["error_classes"].as_array().unwrap().len() >= 5);

    for (kind, least, must) in [
        (
            "executions",
            30,
            &["id", "recipe", "status", "outcome", "sentence", "error_class", "attempts", "due_at"][..],
        ),
        (
            "conflicts",
            6,
            &["id", "kind", "field", "left", "left_value", "right", "right_value", "allowed", "state"],
        ),
        ("duplicates", 10, &["id", "left", "right", "probability", "band", "evidence", "state"]),
        ("unlinked", 8, &["id", "subject", "contact", "domain", "hint", "candidates", "state"]),
    ] {
        let list =
            shell.run(&["--data", data, "list", kind, "--json", "--limit", "1000"]).await.fine().json();
        assert_eq!(keys(&list), ["total", "total_is_least", "rows"]);
        let rows = list["rows"].as_array().unwrap();
        assert!(rows.len() >= least && rows.len() as u64 == number(&list["total"]), "{kind}: {}", rows.len());
        for name in must {
            assert!(rows[0].get(name).is_some(), "{kind} has no {name}: {}", rows[0]);
        }
        let id = rows[0]["id"].as_str().unwrap_or_else(|| panic!("{}", rows[0]["id"])).to_owned();
        let shown = shell.run(&["--data", data, "show", &id, "--json"]).await.fine().json();
        let shown_id = if kind == "executions" { &shown["execution"]["id"] } else { &shown["id"] };
        assert_eq!(shown_id, &rows[0]["id"]);
        assert!(!shell.run(&["--data", data, "show", &id]).await.fine().out.is_empty());
        let text = shell.run(&["--data", data, "list", kind, "--limit", "2"]).await.fine().out;
        assert!(
            text.starts_with("ID ") && text.trim_end().ends_with(&format!("2 of {}", list["total"])),
            "{text}"
        );
    }
    let failed = shell
        .run(&["--data", data, "list", "executions", "--filter", "status:failed", "--json"])
        .await
        .fine()
        .json();
    // The demo goes on working until it has ended, so there may be more than it counted.
    assert!(number(&failed["total"]) >= number(&arisen["executions"]["failed"]));
    assert!(failed["rows"].as_array().unwrap().iter().all(|row| row["status"] == "failed"));
    let first = failed["rows"][0]["id"].as_str().unwrap();
    let text = shell.run(&["--data", data, "show", first]).await.fine().out;
    for label in ["✗ failed", "Why   ", "Fix   ", "Said  \""] {
        assert!(text.contains(label), "{text}");
    }

    let verdict = shell.run(&["--data", data, "audit", "verify", "--json"]).await.fine().json();
    assert_eq!((&verdict["intact"], &verdict["broken"]), (&json!(true), &Value::Null));
    let entries = verdict["entries"].as_i64().unwrap();
    assert!(entries > 10);
    assert!(shell.run(&["--data", data, "audit", "verify"]).await.fine().out.contains("The chain is intact"));
    let list = shell.run(&["--data", data, "audit", "list", "--limit", "3", "--json"]).await.fine().json();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let names = ["number", "at", "actor", "verb", "object", "note"];
    let proof = ["format", "salt", "seal", "erased", "previous", "hash"];
    assert_eq!(keys(&list[0]), [names, proof].concat());

    // Somebody with a database tool changes what was done.
    let path = std::path::Path::new(data).join("journal.db");
    let stranger = Connection::open(path).unwrap();
    assert!(
        stranger.execute("UPDATE audit SET actor = 'nobody' WHERE number = 5", []).is_err(),
        "not even by accident"
    );
    stranger
        .execute_batch(
            "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET actor = 'nobody' WHERE number = 5",
        )
        .unwrap();
    shell.run(&["--data", data, "audit", "verify"]).await.problem(1, &["entry 5", "edited", "backup"]);
    let run = shell.run(&["--data", data, "audit", "verify", "--json"]).await;
    assert_eq!(run.code, 1);
    let verdict: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&verdict["intact"], &verdict["broken"]["entry"]), (&json!(false), &json!(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_data_cannot_move_the_cursor_in_text_or_in_json() {
    let name = "Eve\u{1b}[31m\u{1b}]0;owned\u{7}\u{202e}gnp\u{9b}2J\u{200b}";
    let mut bench = Bench::new().await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").body("eve@");
    bench.sandbox.add_fault(fault);
    let user = json!({"role": "user", "email": "eve@quint.example", "name": name});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    let shell = shell(&bench);
    let hostile = |c: char| {
        c != '\n'
            && (c.is_control() || matches!(u32::from(c), 0x200B..=0x200F | 0x202A..=0x202E | 0x2066..=0x2069))
    };
    for arguments in [
        &["list", "executions"][..],
        &["list", "executions", "--json"],
        &["show", "ex_1"],
        &["show", "ex_1", "--json"],
        &["retry", "ex_1"],
        &["retry", "ex_1", "--json"],
    ] {
        let run = shell.run(arguments).await;
        let found: Vec<char> = run.out.chars().chain(run.err.chars()).filter(|c| hostile(*c)).collect();
        assert!(found.is_empty(), "{arguments:?}: {found:?}");
    }
    // Escaped, but not lost: a script reads the very name.
    let list = shell.run(&["list", "executions", "--json"]).await.fine().json();
    assert_eq!(list["rows"][0]["subject"], name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_and_init_help_to_begin() {
    let bench = Bench::new().await;
    let all_well = shell(&bench).run(&["doctor"]).await;
    assert_eq!(all_well.code, 0, "{all_well:#?}");
    let without = shell(&bench).without_tokens().run(&["doctor"]).await;
    assert_eq!(without.code, 1, "{without:#?}");
    assert!(without.out.contains("INTERCOM_ACCESS_TOKEN"), "{without:#?}");
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::in_folder(folder.path());
    let config = folder.path().join("mine.toml");
    let config = config.to_str().unwrap();
    shell.run(&["--config", config, "init"]).await.fine();
    assert_eq!(std::fs::read_to_string(config).unwrap(), reknit::config::DEFAULT);
    shell.run(&["--config", config, "init"]).await.problem(2, &["there already"]);
    shell.run(&["--config", config, "list", "executions"]).await.problem(2, &["no journal here"]);
    assert_eq!(shell.run(&["init", "--print"]).await.fine().out.trim(), reknit::config::DEFAULT.trim());
}

#[test]
fn the_sandbox_says_where_it_is_and_serves_until_it_is_stopped() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = Shell::in_folder(folder.path()).command(&["sandbox", "--json", "--empty"]);
    let mut sandbox = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(keys(&told), ["intercom", "hubspot", "salesforce"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let books = runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/_sandbox/books", told["hubspot"]["base_url"].as_str().unwrap());
        client.get(url).send().await.unwrap().json::<Value>().await.unwrap()
    });
    assert_eq!(books["records"]["hubspot"]["contacts"], 0);
    assert!(std::process::Command::new("kill").arg(sandbox.id().to_string()).status().unwrap().success());
    assert_eq!(sandbox.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn events_are_listed_filtered_and_shown_with_what_became_of_them() {
    use crate::support::{Delivery, Sender};
    let mut bench = Bench::new().await;
    bench.leave_work();
    let body = |id: &str, topic: &str, attempt: u32| {
        json!({"type": "notification_event", "topic": topic, "id": id, "app_id": "abc123",
               "data": {"item": {"type": "contact", "id": "64e2", "email": "mara@quint.example"}},
               "delivery_attempts": attempt, "first_sent_at": 1_768_018_294})
        .to_string()
    };
    for (id, topic, attempt) in
        [("n1", "user.updated", 1), ("n1", "user.updated", 2), ("n2", "contact.danced\u{1b}[31m", 1)]
    {
        assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, body(id, topic, attempt))).await, 200);
    }
    let shell = shell(&bench);
    let all = shell.run(&["events", "--json"]).await.fine().json();
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[1]["title"], &rows[1]["delivered"]["times"]),
        (2, &json!("User updated"), &json!(2))
    );
    assert!(rows[1]["execution"].as_str().unwrap().starts_with("ex_"), "{}", rows[1]);
    let ignored = shell.run(&["events", "--ignored"]).await.fine().out;
    assert!(ignored.contains("is not known") && !ignored.contains("User updated"), "{ignored}");
    assert!(!ignored.contains('\u{1b}'), "{ignored}");
    let of_record =
        shell.run(&["events", "--record", "intercom/contact/64e2", "--repeated"]).await.fine().out;
    assert!(of_record.contains("ev_1") && !of_record.contains("ev_2"), "{of_record}");
    for arguments in [["events", "ev_1"], ["show", "ev_1"]] {
        let one = shell.run(&arguments).await.fine().out;
        assert!(
            one.contains("delivered 2 times, run once") && one.contains("attempt 2 of the vendor"),
            "{one}"
        );
        assert!(one.contains("mara@quint.example"), "{one}");
    }
    let run = shell.run(&["show", rows[1]["execution"].as_str().unwrap()]).await.fine().out;
    assert!(run.contains("\"User updated\" (user.updated)") && run.contains("delivered 2 times"), "{run}");
    shell.run(&["events", "--record", "nobody"]).await.problem(2, &["--record", "SYSTEM/OBJECT/ID"]);
    shell.run(&["events", "ev_99"]).await.problem(2, &["ev_99 is not in this journal"]);
    assert!(shell.run(&["events", "--before", "ev_1"]).await.fine().out.contains("no event matches"));
}
