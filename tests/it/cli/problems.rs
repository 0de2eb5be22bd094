//! Everything a user can get wrong: three parts on standard error, the right exit code, nothing half-written.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use reknit::sandbox::Webhook;
use serde_json::json;
use tempfile::TempDir;

use super::{Shell, shell};
use crate::support::Bench;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The names and bytes of what lies in a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn wrong_settings_are_refused_by_line_and_nothing_is_made() {
    let cases: [(&str, &[&str]); 5] = [
        ("workspace = \"x\"\n[engine]\nworkrs = 3\n", &["line 3", "workrs", "did you mean \"workers\"?"]),
        ("[vendor]\ntimeout_seconds = 3\n", &["vendor", "did you mean \"vendors\"?"]),
        (
            "# mine\nhubspot_token = \"pat-na1-11111111-2222\"\n",
            &["line 2", "access token", "HUBSPOT_ACCESS_TOKEN"],
        ),
        ("[engine]\noff_peak = \"at night\"\n", &["line 2", "22:00-05:00"]),
        ("workspace = [\n", &["line "]),
    ];
    for (text, words) in cases {
        let folder = folder();
        fs::write(folder.path().join("reknit.toml"), text).unwrap();
        let before = contents(folder.path());
        for arguments in [&["serve"][..], &["list", "executions"], &["doctor"], &["retry", "ex_1"]] {
            let run = Shell::in_folder(folder.path()).run(arguments).await;
            run.problem(2, words);
            run.problem(2, &["reknit.toml", "nothing was started or changed"]);
            assert!(!run.err.contains("pat-na1") && run.out.is_empty(), "{run:#?}");
        }
        assert_eq!(contents(folder.path()), before);
    }
    let folder = folder();
    let run = Shell::in_folder(folder.path()).run(&["--config", "none.toml", "list", "executions"]).await;
    run.problem(2, &["none.toml", "reknit init"]);
}

#[tokio::test]
async fn a_file_that_is_no_journal_is_refused_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("journal.db");
    fs::write(&path, b"this is a shopping list, not a database\n".repeat(300)).unwrap();
    let before = contents(folder.path());
    for arguments in [
        &["list", "executions"][..],
        &["audit", "verify"],
        &["retry", "ex_1"],
        &["serve", "--bind", "127.0.0.1:0"],
    ] {
        let run = Shell::in_folder(folder.path()).run(arguments).await;
        run.problem(2, &["journal.db", "nothing was changed"]);
        assert_eq!(contents(folder.path()), before, "{arguments:?}");
    }
    let run = Shell::in_folder(folder.path()).run(&["demo", "--no-console", "--data", "."]).await;
    run.problem(2, &["holds a journal already"]);
    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn a_journal_of_a_newer_reknit_is_refused_and_left_as_it_is() {
    let bench = Bench::new().await;
    let folder = folder();
    let path = folder.path().join("journal.db");
    bench.tables().rows(&format!("SELECT 1 FROM events WHERE 0 AND '{}' <> ''", path.display()));
    let copy = rusqlite::Connection::open(bench.path()).unwrap();
    copy.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = contents(folder.path());
    for arguments in [&["list", "executions"][..], &["serve", "--bind", "127.0.0.1:0"], &["merge", "du_1"]] {
        let run = Shell::in_folder(folder.path()).run(arguments).await;
        run.problem(2, &["too new", "99", "update Reknit"]);
        assert_eq!(contents(folder.path()), before, "{arguments:?}");
    }
}

#[tokio::test]
async fn where_there_is_no_journal_none_is_made() {
    let folder = folder();
    let all: [&[&str]; 7] = [
        &["list", "executions"],
        &["show", "ex_1"],
        &["retry", "ex_1"],
        &["resolve", "cf_1", "--take", "left"],
        &["merge", "du_1"],
        &["link", "un_1", "--company", "hubspot/company/1"],
        &["audit", "verify"],
    ];
    for arguments in all {
        let run = Shell::in_folder(folder.path()).run(arguments).await;
        run.problem(2, &["There is no journal here.", "reknit demo"]);
        assert_eq!(contents(folder.path()), []);
    }
}

#[tokio::test]
async fn without_tokens_nothing_starts() {
    let folder = folder();
    let run = Shell::in_folder(folder.path()).without_tokens().run(&["serve", "--bind", "127.0.0.1:0"]).await;
    run.problem(2, &["Intercom and HubSpot", "INTERCOM_ACCESS_TOKEN", "HUBSPOT_ACCESS_TOKEN", "reknit demo"]);
    assert_eq!(contents(folder.path()), []);
    // Without a terminal there is no console either.
    let run = Shell::in_folder(folder.path()).without_tokens().run(&[]).await;
    run.problem(2, &["not a terminal", "reknit list"]);
    assert_eq!(contents(folder.path()), []);
}

#[tokio::test]
async fn a_vendor_out_of_reach_at_the_first_start_ends_it_and_leaves_nothing() {
    let folder = folder();
    // A port nobody listens on: it was ours a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "[vendors.timeouts]\nconnect_seconds = 1\n[vendors.intercom]\nbase_url = \"http://{closed}\"\n\
         [vendors.hubspot]\nbase_url = \"http://{closed}\"\n"
    );
    fs::write(folder.path().join("reknit.toml"), config).unwrap();
    let run = Shell::in_folder(folder.path()).run(&["serve", "--bind", "127.0.0.1:0"]).await;
    run.problem(1, &["Intercom cannot be used", "nothing was started", "reknit doctor"]);
    assert!(!run.err.contains("sandbox-intercom-token"));
    let names: Vec<String> = contents(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["reknit.toml"], "nothing half-written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_ends_the_start_with_the_vendors_words() {
    let bench = Bench::new().await;
    let other = folder();
    let config = fs::read_to_string({
        shell(&bench);
        bench.folder().join("reknit.toml")
    })
    .unwrap();
    fs::write(other.path().join("reknit.toml"), config).unwrap();
    let shell = Shell::in_folder(other.path());
    let mut command = shell.command(&["serve", "--bind", "127.0.0.1:0"]);
    command.env("INTERCOM_ACCESS_TOKEN", "wrong-token-123456789");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Access Token Invalid") && !text.contains("wrong-token"), "{text}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = Shell::in_folder(folder.path()).run(&["serve", "--bind", &address]).await;
    run.problem(1, &[&address, "nothing was started", "[webhook] bind"]);
    assert_eq!(contents(folder.path()), []);
    let port = taken.local_addr().unwrap().port().to_string();
    let run = Shell::in_folder(folder.path()).run(&["sandbox", "--intercom-port", &port]).await;
    run.problem(1, &["--intercom-port"]);
    let run = Shell::in_folder(folder.path()).run(&["demo", "--no-console", "--hubspot-port", &port]).await;
    run.problem(1, &["--hubspot-port"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_and_filters_that_mean_nothing_are_named() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    let cases: [(&[&str], &str); 12] = [
        (&["show", "ex_999"], "ex_999"),
        (&["show", "cf_999", "--json"], "cf_999"),
        (&["show", "nonsense"], "nonsense"),
        (&["show", ""], "ex_12"),
        (&["retry", "ex_999"], "ex_999"),
        (&["retry", "12x"], "12x"),
        (&["discard", "ex_999", "--reason", "none"], "ex_999"),
        (&["resolve", "cf_999", "--take", "left"], "cf_999"),
        (&["merge", "du_999"], "du_999"),
        (&["distinct", "du_999"], "du_999"),
        (&["link", "un_999", "--company", "hubspot/company/1"], "un_999"),
        (&["link", "un_1", "--company", "acme"], "acme"),
    ];
    for (arguments, word) in cases {
        shell.run(arguments).await.problem(2, &[word]);
    }
    shell.run(&["list", "executions", "--filter", "colour:red"]).await.problem(2, &["colour", "status"]);
    shell.run(&["list", "executions", "--filter", "since:yesterday"]).await.problem(2, &["yesterday", "2h"]);
    assert_eq!(bench.audit().await, Vec::<String>::new());
    for arguments in
        [&["list", "nonsense"][..], &["resolve", "cf_1"], &["resolve", "cf_1", "--take", "middle"], &["fly"]]
    {
        let run = shell.run(arguments).await;
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:#?}");
        assert!(run.err.starts_with("error: "), "{run:#?}");
    }
    let help = shell.run(&["--help"]).await.fine();
    assert!(help.out.contains("demo") && help.out.contains("resolve"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_refuses_every_decision_and_changes_nothing() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49303333333"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.conflicts().await.len(), 1);
    let shell = shell(&bench);
    let (audit, calls) = (bench.audit().await, bench.calls());
    let all: [&[&str]; 5] = [
        &["--read-only", "resolve", "cf_1", "--take", "left"],
        &["--read-only", "retry", "ex_1"],
        &["discard", "ex_1", "--reason", "x", "--read-only"],
        &["--read-only", "distinct", "du_1"],
        &["--read-only", "serve"],
    ];
    for arguments in all {
        shell.run(arguments).await.problem(2, &["read-only"]);
    }
    assert_eq!((bench.audit().await, bench.calls()), (audit, calls));
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open");
    shell.run(&["--read-only", "list", "conflicts"]).await.fine();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_service_on_one_journal_is_refused_and_commands_leave_the_work_to_the_first() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49303333333"}), Webhook::Sent).unwrap();
    bench.work().await;
    let shell = shell(&bench);
    let mut command = shell.command(&["serve", "--bind", "127.0.0.1:0"]);
    let mut service = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(service.stdout.take().unwrap());
    let first = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        line
    })
    .await
    .unwrap();
    assert!(first.starts_with("Receiving on http://127.0.0.1:"), "{first}");
    shell.run(&["serve", "--bind", "127.0.0.1:0"]).await.problem(1, &["serves", "already"]);
    let run = shell.run(&["resolve", "cf_1", "--take", "right"]).await.fine();
    assert!(run.out.contains("succeeded"), "{run:#?}");
    assert_eq!(bench.intercom(&left)["phone"], "+49303333333");
    // Asked politely, it ends well.
    let asked = std::process::Command::new("kill").arg(service.id().to_string()).status().unwrap();
    assert!(asked.success());
    let (status, rest) = tokio::task::spawn_blocking(move || {
        let mut rest = String::new();
        service.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
        (service.wait().unwrap(), rest)
    })
    .await
    .unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    assert!(!rest.contains("sandbox-hubspot-token"), "{rest}");
}
