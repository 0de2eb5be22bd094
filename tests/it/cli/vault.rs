//! `reknit vault`: secrets in a sealed file, and what vendors renew kept there between processes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use reknit::sandbox::{Sandbox, Settings};
use serde_json::json;

use super::{Run, Shell, shell};
use crate::support::Bench;

const PHRASE: &str = "a long enough sentence";
const TOKEN: &str = "sandbox-hubspot-token";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_kept_listed_used_and_forgotten() {
    let bench = Bench::new().await;
    let with = || shell(&bench).without_tokens().with("REKNIT_VAULT_PASSPHRASE", PHRASE);
    with().run(&["doctor"]).await.problem(1, &["checks failed"]);
    for (name, value) in [
        ("INTERCOM_ACCESS_TOKEN", "sandbox-intercom-token\n"),
        ("HUBSPOT_ACCESS_TOKEN", TOKEN),
        ("INTERCOM_CLIENT_SECRET", "sandbox-intercom-client-secret"),
        ("HUBSPOT_CLIENT_SECRET", "sandbox-hubspot-client-secret"),
    ] {
        let run = with().run_with(&["vault", "set", name, "--json"], value).await.fine();
        assert_eq!(run.json(), json!({"name": name, "set": true}));
    }
    let file = bench.folder().join("vault.db");
    let bytes = fs::read(&file).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("sandbox"));
    let rounds = u32::from_be_bytes(bytes[15..19].try_into().unwrap());
    assert!(rounds >= 600_000, "{rounds}");

    let list = with().run(&["vault", "list", "--json"]).await.fine().json();
    assert_eq!(list.as_array().unwrap().len(), 4);
    assert_eq!(list[0], json!({"name": "HUBSPOT_ACCESS_TOKEN", "hint": "••••oken", "overridden": false}));
    let table = with().with("HUBSPOT_ACCESS_TOKEN", "other").run(&["vault", "list"]).await.fine();
    assert!(table.out.contains("the environment has one too") && !table.out.contains(TOKEN), "{table:#?}");
    let doctor = with().run(&["doctor"]).await.fine();
    assert!(doctor.out.contains("vault.db opens"), "{doctor:#?}");

    with().run(&["vault", "remove", "HUBSPOT_ACCESS_TOKEN"]).await.fine();
    with()
        .run(&["vault", "remove", "HUBSPOT_ACCESS_TOKEN"])
        .await
        .problem(2, &["holds no", "reknit vault list"]);
    let run = with().run(&["api", "hubspot", "account.details"]).await;
    run.problem(1, &["HUBSPOT_ACCESS_TOKEN is not set"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_does_not_open_ends_the_command_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let shell = || Shell::in_folder(folder.path()).without_tokens();
    let set = ["vault", "set", "HUBSPOT_ACCESS_TOKEN"];
    shell().run_with(&set, TOKEN).await.problem(2, &["REKNIT_VAULT_PASSPHRASE"]);
    let short = shell().with("REKNIT_VAULT_PASSPHRASE", "short");
    short.run_with(&set, TOKEN).await.problem(2, &["shorter than 8"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");

    let phrase = folder.path().join("phrase");
    fs::write(&phrase, format!("{PHRASE}\n")).unwrap();
    let open = || shell().with("REKNIT_VAULT_PASSPHRASE_FILE", phrase.to_str().unwrap());
    open().run_with(&set, TOKEN).await.fine();
    for (wrong, words) in [
        (
            &["vault", "set", "HUBSPOT_ACESS_TOKEN"][..],
            ["did you mean HUBSPOT_ACCESS_TOKEN?", "Nothing was kept"],
        ),
        (
            &["vault", "set", "hubspot_refresh_token"],
            ["did you mean HUBSPOT_REFRESH_TOKEN?", "Nothing was kept"],
        ),
        (&["vault", "set", "HUBSPOT_CLIENT_ID"], ["the value is empty", "Nothing was kept"]),
        (&["vault", "remove", "HUBSPOT_ACCESS_TOKEN", "--read-only"], ["--read-only", "not changed"]),
    ] {
        open().run(wrong).await.problem(2, &words);
    }
    let nobody = open().run(&["vault", "set", "FOO_BAR"]).await;
    nobody.problem(2, &["no secret called \"FOO_BAR\""]);
    assert!(!nobody.err.contains("did you mean"), "{nobody:#?}");
    open().run_with(&set, "two\nlines").await.problem(2, &["more than one line", "Nothing was kept"]);
    let path = folder.path().join("vault.db");
    let whole = fs::read(&path).unwrap();
    for arguments in [
        &["vault", "list"][..],
        &["doctor"],
        &["serve", "--bind", "127.0.0.1:0"],
        &["api", "hubspot", "account.details"],
    ] {
        shell().run(arguments).await.problem(2, &["vault.db is sealed", "REKNIT_VAULT_PASSPHRASE"]);
        let other = shell().with("REKNIT_VAULT_PASSPHRASE", "another sentence").run(arguments).await;
        other.problem(2, &["the passphrase is wrong, or the file was damaged"]);
        assert!(!other.err.contains("another sentence"));
    }
    for damaged in [&whole[..whole.len() / 2], b"a shopping list", b""] {
        fs::write(&path, damaged).unwrap();
        open().run(&["vault", "list"]).await.problem(2, &["vault.db", "nothing was changed"]);
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

/// A token endpoint that counts, replaces the refresh token each time, and an org that takes what it gave last.
async fn org() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let routes = Router::new().fallback(move |request: Request| {
        let count = count.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            if parts.uri.path() != "/services/oauth2/token" {
                let wanted = format!("Bearer access-{}", count.load(Ordering::SeqCst));
                assert_eq!(parts.headers["authorization"].to_str().unwrap(), wanted);
                return json!([{"version": "66.0"}]).to_string().into_response();
            }
            let before = count.fetch_add(1, Ordering::SeqCst);
            assert!(body.ends_with(&format!("&refresh_token=refresh-{before}")), "{body}");
            json!({"access_token": format!("access-{}", before + 1), "refresh_token": format!("refresh-{}", before + 1)})
                .to_string()
                .into_response()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (base, asked)
}

fn in_org(folder: &std::path::Path, base: &str) -> Shell {
    Shell::in_folder(folder)
        .without_tokens()
        .with("SALESFORCE_INSTANCE_URL", base)
        .with("SALESFORCE_CLIENT_ID", "app-1")
        .with("SALESFORCE_REFRESH_TOKEN", "refresh-0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_at_once_make_one_renewal_and_the_next_ones_none() {
    let folder = tempfile::tempdir().unwrap();
    let (base, asked) = org().await;
    let call = || {
        let shell = in_org(folder.path(), &base).with("REKNIT_VAULT_PASSPHRASE", PHRASE);
        async move { shell.run(&["api", "salesforce", "org.versions", "--json"]).await }
    };
    let runs: Vec<Run> = futures_util::future::join_all((0..4).map(|_| call())).await;
    for run in runs {
        run.fine();
    }
    call().await.fine();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_refresh_token_nobody_keeps_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let (base, asked) = org().await;
    let run = in_org(folder.path(), &base).run(&["api", "salesforce", "org.versions", "--json"]).await;
    assert_eq!((run.code, asked.load(Ordering::SeqCst)), (0, 1), "{run:#?}");
    assert!(
        run.err.contains("has replaced the refresh token") && run.err.contains("authorise the app anew"),
        "{run:#?}"
    );
    assert!(!run.err.contains("refresh-1") && fs::read_dir(folder.path()).unwrap().count() == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_vault_a_rotating_org_is_called_by_one_process_after_another() {
    let settings =
        Settings { salesforce_rotates_refresh_tokens: true, people: 5, companies: 2, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shell = || {
        Shell::in_folder(folder.path())
            .without_tokens()
            .with("SALESFORCE_INSTANCE_URL", sandbox.salesforce_instance_url())
            .with("SALESFORCE_CLIENT_ID", sandbox.salesforce_client_id())
            .with("SALESFORCE_CLIENT_SECRET", sandbox.salesforce_client_secret())
            .with("SALESFORCE_REFRESH_TOKEN", sandbox.salesforce_refresh_token())
    };
    let query = ["api", "salesforce", "query.run", "q=SELECT Id FROM Lead LIMIT 1", "--json"];
    for _ in 0..3 {
        shell().with("REKNIT_VAULT_PASSPHRASE", PHRASE).run(&query).await.fine();
        sandbox.expire_salesforce_tokens();
    }
    // Without the vault the environment's refresh token is all there is, and that one was replaced long ago.
    fs::remove_file(folder.path().join("vault.db")).unwrap();
    shell().run(&query).await.problem(1, &["auth", "refused to renew"]);
}
