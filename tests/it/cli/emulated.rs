//! `reknit sandbox` on the command line: what it refuses, and what it prints to be pasted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::Shell;

#[tokio::test]
async fn what_the_sandbox_cannot_mean_is_refused_with_what_it_could() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::in_folder(folder.path());
    let cases: [(&[&str], &[&str]); 10] = [
        (&["--fault", "sloow"], &["\"sloow\" is no kind", "rate_limited_daily", "unavailable=N"]),
        (&["--fault", "locked:hubspt"], &["\"hubspt\" is no vendor", "intercom, hubspot, salesforce"]),
        (&["--fault", "slow=soon"], &["\"soon\" is no number"]),
        (&["--intercom-webhook", "notaurl"], &["--intercom-webhook", "http://127.0.0.1"]),
        (&["--hubspot-webhook", "file:///etc/passwd"], &["--hubspot-webhook", "http"]),
        (&["--people", "1000001"], &["1,000,000 people", "10 kB"]),
        (&["--companies", "1000001"], &["1,000,000 companies"]),
        (&["--people", "many"], &["--people", "invalid digit"]),
        (&["--empty", "--people", "5"], &["--empty", "--people"]),
        (&["--empty", "--companies", "5"], &["--empty", "--companies"]),
    ];
    for (arguments, words) in cases {
        let run = shell.run(&[&["sandbox"], arguments].concat()).await;
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:#?}");
        for word in words {
            assert!(run.err.contains(word), "no {word:?}: {run:#?}");
        }
    }
    let help = shell.run(&["sandbox", "--help"]).await.fine();
    for kind in reknit::sandbox::Fault::kinds() {
        assert!(help.out.contains(&kind), "no {kind}: {help:#?}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_vendor_and_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (vendor, flag) in
        [("Intercom", "--intercom-port"), ("HubSpot", "--hubspot-port"), ("Salesforce", "--salesforce-port")]
    {
        let run = Shell::in_folder(folder.path()).run(&["sandbox", "--empty", flag, &port]).await;
        run.problem(1, &[&format!("{vendor}'s port {port} is in use"), flag]);
        assert_eq!(run.err.matches("-port").count(), 1, "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_prints_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Shell::in_folder(folder.path()).command(&["sandbox", "--empty"]);
    let mut sandbox = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    let lines = tokio::task::spawn_blocking(move || {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.ends_with("Ctrl-C stops.")) {
            lines.push(said.next().expect("it says how it ends").unwrap());
        }
        lines
    })
    .await
    .unwrap();
    let mut shell = Shell::in_folder(folder.path()).without_tokens();
    for line in &lines {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|pair| pair.split_once('=')) {
            shell = shell.with(name, value.trim_matches('\''));
        }
    }
    let from = lines.iter().position(|line| line.starts_with("workspace")).unwrap();
    let settings = lines[from..lines.len() - 1].join("\n");
    fs::write(folder.path().join("reknit.toml"), settings).unwrap();
    for call in [["intercom", "me.get"], ["hubspot", "account.details"], ["salesforce", "org.limits"]] {
        let run = shell.run(&[&["api"], &call[..]].concat()).await;
        assert_eq!(run.code, 0, "{call:?}: {run:#?}\n{}", lines.join("\n"));
    }
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
}
