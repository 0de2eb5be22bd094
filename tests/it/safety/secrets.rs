//! G9: secrets stay where they belong. Tokens, signing secrets, refresh tokens and a passphrase are given in every way
//! there is; every kind of failure the emulated vendors know is provoked while the service, the commands and the console
//! run. Then every file, every output and the terminal's whole stream are searched for them, plain and in disguise.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use super::say;
use crate::cli::shell;
use crate::support::Bench;
use crate::terminal::driver::Terminal;

const PASSPHRASE: &str = "canary passphrase 7c1f-33ab";
const KEPT: &[(&str, &str)] = &[
    ("HUBSPOT_REFRESH_TOKEN", "canary-refresh-5f0c2a9b1d"),
    ("HUBSPOT_CLIENT_ID", "canary-client-id-77aa"),
    ("SALESFORCE_CLIENT_SECRET", "canary+salesforce/secret=e41b"),
    ("SALESFORCE_REFRESH_TOKEN", "canary-5Aep-refresh-0d9e"),
];

/// A secret as it might be written by somebody who meant no harm.
fn disguises(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or_default();
    let hex: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    let url: String = bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut forms = vec![secret.to_owned(), hex.to_uppercase(), hex, url];
    // Base64 of a text that begins elsewhere: the middle is the same for each of three alignments.
    for skip in 0..3 {
        let padded = [&b"xx"[..skip.min(2)], bytes].concat();
        for encoder in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = encoder.encode(&padded);
            let middle: String = text.chars().skip(4).take(text.len().saturating_sub(8)).collect();
            forms.push(middle);
        }
    }
    forms
}

/// Where one of the secrets stands.
fn hits(name: &str, bytes: &[u8], secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        for form in disguises(secret) {
            if bytes.windows(form.len()).any(|part| part == form.as_bytes()) {
                found.push(format!("{name}: {secret} as {form}"));
            }
        }
    }
    found
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[tokio::test]
async fn g9_no_secret_leaves_the_vault_whatever_fails() {
    let mut bench = Bench::build().seeded(7, 80, 30).patience(1).start().await;
    bench.load().await;
    let given = [
        bench.sandbox.intercom_token(),
        bench.sandbox.intercom_client_secret(),
        bench.sandbox.hubspot_token(),
        bench.sandbox.hubspot_client_secret(),
    ];
    let secrets: Vec<&str> =
        given.into_iter().chain(KEPT.iter().map(|(_, secret)| *secret)).chain([PASSPHRASE]).collect();
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();

    let shell = shell(&bench).with("REKNIT_VAULT_PASSPHRASE", PASSPHRASE);
    for (name, secret) in KEPT.iter().take(1).chain(KEPT.iter().skip(2)) {
        let run = shell.run_with(&["vault", "set", name], secret).await;
        outputs.push((format!("vault set {name}"), run.all()));
    }
    // Every failure there is, on each vendor in turn, while people edit and commands ask.
    let kinds: Vec<String> = Fault::kinds().map(|kind| kind.replace("=N", "=1")).collect();
    let person = bench.sandbox.new_intercom_user(
        &json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"}),
        Webhook::Sent,
    );
    let person = person.expect("a user");
    for (number, kind) in kinds.iter().enumerate() {
        for vendor in ["intercom", "hubspot"] {
            let Ok(faults) = Fault::parse(&format!("{kind}:{vendor}:2")) else { continue };
            for fault in faults {
                bench.sandbox.add_fault(fault);
            }
            let phone = json!({"phone": format!("+49301{number:06}")});
            bench.sandbox.edit_intercom_contact(&person, &phone, Webhook::Sent).expect("an edit");
            bench.work().await;
            if vendor == "hubspot" && number % 4 == 0 {
                for arguments in [&["doctor"][..], &["api", "hubspot", "account.details"]] {
                    let run = shell.run(arguments).await;
                    outputs.push((format!("{kind} {arguments:?}"), run.all()));
                }
            }
            bench.sandbox.clear_faults();
        }
    }
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    let commands: &[&[&str]] = &[
        &["doctor", "--json"],
        &["list", "executions", "--json"],
        &["show", "ex_1", "--json"],
        &["show", "ex_1"],
        &["audit", "list"],
        &["vault", "list"],
        &["limits", "--json"],
        &["api", "hubspot", "objects.get", "objectType=contacts", "objectId=1"],
        &["api", "salesforce", "org.limits"],
        &["retry", "ex_1"],
        &["init", "--print"],
    ];
    for arguments in commands {
        outputs.push((format!("{arguments:?}"), shell.run(arguments).await.all()));
    }
    // A settings file with a secret in it is refused without repeating it.
    let config = bench.folder().join("wrong.toml");
    std::fs::write(&config, format!("[vendors.hubspot]\ntoken = \"{}\"\n", KEPT[0].1)).expect("written");
    let run = shell.run(&["--config", &config.to_string_lossy(), "doctor"]).await;
    outputs.push(("a token in the settings".into(), run.all()));
    std::fs::remove_file(&config).expect("removed");

    // The console's whole stream.
    let folder = bench.folder().to_string_lossy().into_owned();
    let mut terminal = Terminal::spawn(
        env!("CARGO_BIN_EXE_reknit"),
        ["--read-only", "--data", &folder],
        bench.folder(),
        (120, 40),
    );
    terminal.wait_for("the overview", |text| text.contains("Overview"));
    for keys in ["2", "j", "1", "?"] {
        terminal.press(keys);
    }
    terminal.wait_for("the keys", |text| text.contains("Move down."));
    terminal.press("\u{1b}");
    terminal.wait_for("the overview again", |text| !text.contains("Move down."));
    terminal.press("q");
    outputs.push(("the terminal".into(), terminal.ended().raw));

    let mut stored = Vec::new();
    files(bench.folder(), &mut stored);
    bench.leave_work();
    let (files, bytes) = (stored.len(), stored.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
    let found: Vec<String> =
        outputs.iter().chain(&stored).flat_map(|(name, bytes)| hits(name, bytes, &secrets)).collect();
    say(&format!(
        "G9 secrets: {} canaries in {} kinds of failure, {} outputs, {files} files of {} KiB: {} hits",
        secrets.len(),
        kinds.len(),
        outputs.len(),
        bytes / 1024,
        found.len()
    ));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let secret = KEPT[2].1;
    let encoded = STANDARD_NO_PAD.encode(format!("client:{secret}:x"));
    let url = "client_secret=canary%2Bsalesforce%2Fsecret%3De41b&x=1";
    for text in [secret, &encoded, url] {
        assert!(!hits("here", text.as_bytes(), &[secret]).is_empty(), "{text}");
    }
    assert!(hits("here", b"nothing of the kind", &[secret]).is_empty());
}
