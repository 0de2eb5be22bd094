//! `reknit api`: calls by name, against live vendors.

use serde_json::{Value, json};

use super::shell;
use crate::support::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_listed_with_what_it_takes() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    for system in ["intercom", "hubspot", "salesforce"] {
        let rows = shell.run(&["api", system, "--json"]).await.fine().json();
        let rows = rows.as_array().unwrap();
        assert!(rows.len() > 30, "{system}: {}", rows.len());
        let table = shell.run(&["api", system]).await.fine();
        assert_eq!(table.out.lines().count(), rows.len() + 1);
        for row in rows {
            assert!(table.out.contains(row["name"].as_str().unwrap()) && row["about"].is_string(), "{row}");
        }
    }
    let rows = shell.run(&["api", "intercom", "--json"]).await.fine().json();
    let update = rows.as_array().unwrap().iter().find(|row| row["name"] == "contacts.update").unwrap();
    let kinds: Vec<_> =
        update["parameters"].as_array().unwrap().iter().map(|it| (&it["name"], &it["kind"])).collect();
    assert_eq!(kinds, [(&json!("contact_id"), &json!("text")), (&json!("contact"), &json!("json"))]);
    assert_eq!(bench.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_made_at_once_and_shown_clean() {
    let mut bench = Bench::new().await;
    let (left, right) =
        bench.known_person("mara@quint.example", &json!({"name": "Mara \u{1b}[31m\u{202e}Quint"})).await;
    let shell = shell(&bench);
    let person = format!("contact_id={left}");
    let run = shell.run(&["api", "intercom", "contacts.get", &person]).await.fine();
    assert!(run.out.lines().count() > 5 && !run.out.contains(['\u{1b}', '\u{202e}']), "{run:#?}");
    let answer: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(answer["name"], "Mara \u{1b}[31m\u{202e}Quint", "it means the same");
    let id = format!("objectId={right}");
    let one = shell
        .run(&["api", "hubspot", "objects.get", "objectType=contacts", &id, "--json"])
        .await
        .fine()
        .json();
    assert_eq!(one["id"], right.as_str());
    // Looking needs no journal.
    let elsewhere = tempfile::tempdir().unwrap();
    let run = shell
        .run(&["api", "intercom", "me.get", "--json", "--data", elsewhere.path().to_str().unwrap()])
        .await;
    assert_eq!(run.fine().json()["type"], "admin");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_shown_first_sent_with_yes_and_stands_in_the_audit_log() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.leave_work();
    let shell = shell(&bench);
    let person = format!("contact_id={left}");
    let call = ["api", "intercom", "contacts.update", &person, r#"contact={"name":"Mara Q."}"#];
    let (hash, audit, calls) = (bench.sandbox.state_hash(), bench.audit().await, bench.calls());

    let dry = shell.run(&[&call[..], &["--dry-run"]].concat()).await.fine();
    assert!(
        dry.out.starts_with(&format!("PUT {}/contacts/{left}\n", bench.sandbox.intercom_base_url())),
        "{dry:#?}"
    );
    assert!(
        dry.out.contains("\"name\": \"Mara Q.\"") && !dry.out.contains("sandbox-intercom-token"),
        "{dry:#?}"
    );
    let as_json = shell.run(&[&call[..], &["--dry-run", "--json"]].concat()).await.fine().json();
    assert_eq!((&as_json["sent"], &as_json["writes"]), (&json!(false), &json!(true)));
    let unsure = shell.run(&call).await;
    unsure.problem(2, &["Nothing was sent", "contacts.update changes something at Intercom", "--yes"]);
    assert_eq!(unsure.out, dry.out, "the same call is shown");
    let looking = shell.run(&[&call[..], &["--yes", "--read-only"]].concat()).await;
    looking.problem(2, &["Nothing was sent", "--read-only"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let no_journal =
        shell.run(&[&call[..], &["--yes", "--data", elsewhere.path().to_str().unwrap()]].concat()).await;
    no_journal.problem(2, &["Nothing was sent. There is no journal here"]);
    assert_eq!(
        (bench.sandbox.state_hash(), bench.audit().await, bench.calls()),
        (hash, audit.clone(), calls)
    );

    let run = shell.run(&[&call[..], &["--yes", "--json"]].concat()).await.fine();
    assert_eq!(run.json()["name"], "Mara Q.");
    assert_eq!(bench.intercom(&left)["name"], "Mara Q.");
    let after = bench.audit().await;
    assert_eq!(
        after[audit.len()..],
        [
            format!("olga call intercom/{left}: contacts.update (PUT): about to be sent by hand"),
            format!("olga call intercom/{left}: contacts.update (PUT): done"),
        ]
    );

    let gone =
        ["api", "intercom", "contacts.update", "contact_id=64e2000000000000000000ff", "contact={}", "--yes"];
    shell.run(&gone).await.problem(1, &["it did not happen", "not_found", "404", "User Not Found"]);
    let last = bench.audit().await.pop().unwrap();
    assert!(last.ends_with("contacts.update (PUT): failed (not_found); it did not happen"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_takes_comes_from_the_line_from_files_and_from_standard_input() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    let file = bench.folder().join("note.json");
    std::fs::write(&file, r#"{"name": "from a file"}"#).unwrap();
    let at = format!("contact=@{}", file.display());
    let dry = |more: &'static [&'static str]| {
        [&["api", "intercom", "contacts.update", "--dry-run", "--json"][..], more].concat()
    };
    let mut from_file = dry(&["contact_id=1"]);
    from_file.push(&at);
    let shown = shell.run(&from_file).await.fine().json();
    assert_eq!(shown["call"]["body"], json!({"name": "from a file"}));
    let input = r#"{"contact_id": "2", "contact": {"name": "piped"}}"#;
    let shown = shell.run_with(&dry(&["--input", "-"]), input).await.fine().json();
    assert_eq!(
        (&shown["call"]["path"], &shown["call"]["body"]["name"]),
        (&json!("/contacts/2"), &json!("piped"))
    );
    let shown = shell.run_with(&dry(&["--input", "-", "contact_id=@@3"]), input).await.fine().json();
    assert_eq!(shown["call"]["path"], "/contacts/%403", "the line goes before, and @@ is one @");

    for (arguments, words) in [
        (dry(&["contact_id=1", "contact={"]), ["\"contact\" must be JSON", "NAME=@FILE"]),
        (dry(&["contact_id=1"]), ["contacts.update needs \"contact\"", "reknit api intercom"]),
        (dry(&["id=1"]), ["takes no \"id\"", "contact_id"]),
        (dry(&["contact_id="]), ["contact_id is empty", "Nothing was sent"]),
        (dry(&["contact_id=1", "contact_id=2"]), ["\"contact_id\" is given twice", "Nothing was sent"]),
        (dry(&["contact_id"]), ["\"contact_id\" is not NAME=VALUE", "Nothing was sent"]),
        (dry(&["--input", "none.json"]), ["none.json", "Nothing was sent"]),
        (dry(&["--input", "-"]), ["one JSON object", "Nothing was sent"]),
        (vec!["api", "intercom", "contact.update"], ["did you mean contacts.update?", "reknit api intercom"]),
    ] {
        shell.run(&arguments).await.problem(2, &words);
    }
    assert_eq!(shell.run(&["api", "zendesk"]).await.code, 2);
    assert_eq!(bench.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn salesforce_is_called_with_a_token_the_refresh_token_brings() {
    let bench = Bench::new().await;
    let sandbox = &bench.sandbox;
    let shell = shell(&bench)
        .with("SALESFORCE_INSTANCE_URL", sandbox.salesforce_instance_url())
        .with("SALESFORCE_CLIENT_ID", sandbox.salesforce_client_id())
        .with("SALESFORCE_CLIENT_SECRET", sandbox.salesforce_client_secret())
        .with("SALESFORCE_REFRESH_TOKEN", sandbox.salesforce_refresh_token());
    let run = shell
        .run(&["api", "salesforce", "query.run", "q=SELECT Id FROM Lead LIMIT 1", "--json"])
        .await
        .fine();
    assert_eq!(run.json()["done"], true);

    // JSON becomes the CSV a job takes; a job would tell of its mistake only when it has failed.
    let upload = ["api", "salesforce", "jobs.upload", "jobId=750xx0000000001", "--dry-run", "--json"];
    let rows = r#"rows=[{"LastName":"Quint, Mara","Company":"Q"},{"LastName":"B"}]"#;
    let shown = shell.run(&[&upload[..], &[rows]].concat()).await.fine().json();
    assert_eq!(shown["call"]["body"], "LastName,Company\n\"Quint, Mara\",Q\nB,\n");
    let nested = shell.run(&[&upload[..], &[r#"rows=[{"a":{}}]"#]].concat()).await;
    nested.problem(2, &["Every row must be a flat object", "Nothing was sent"]);

    // One that was good and is not any more: refused, renewed, sent again, by itself.
    let shell = shell.with("SALESFORCE_ACCESS_TOKEN", sandbox.salesforce_token());
    sandbox.expire_salesforce_tokens();
    shell.run(&["api", "salesforce", "query.run", "q=SELECT Id FROM Lead LIMIT 1", "--json"]).await.fine();

    let run = shell.run(&["doctor", "--json"]).await;
    let rows: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    let of = |subject: &str| rows.iter().find(|row| row["subject"] == subject).cloned().unwrap_or_default();
    assert!(of("Salesforce")["finding"].as_str().unwrap().contains("with a refresh token"), "{rows:#?}");
    assert!(of("Vault")["finding"].as_str().unwrap().contains("REKNIT_VAULT_PASSPHRASE"), "{rows:#?}");
    assert!(of("Intercom")["finding"].as_str().unwrap().contains("with a fixed access token"), "{rows:#?}");
    assert_eq!(run.code, 0, "{run:#?}");

    sandbox.expire_salesforce_tokens();
    sandbox.revoke_salesforce_refresh_tokens();
    let run = shell.run(&["api", "salesforce", "query.run", "q=SELECT Id FROM Lead LIMIT 1"]).await;
    run.problem(1, &["auth", "refused to renew the access token", "Authorise the app again"]);
    for secret in
        [sandbox.salesforce_refresh_token(), sandbox.salesforce_client_secret(), sandbox.salesforce_token()]
    {
        assert!(!run.err.contains(secret), "{run:#?}");
    }
    let doctor = shell.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1);
    // There is no key to press here, and the reader is where they are.
    assert!(
        doctor.out.contains("Authorise the app again, put the new SALESFORCE_REFRESH_TOKEN in place."),
        "{doctor:#?}"
    );
    assert!(!doctor.out.contains("press r") && !doctor.out.contains("Run `reknit doctor`"), "{doctor:#?}");
    assert!(doctor.out.contains("! Vault: "), "{doctor:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_empty_twice_or_missing_is_refused_with_what_the_call_takes() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    for arguments in [
        &["api", "intercom", "contacts.get", "contact_id="][..],
        &["api", "intercom", "contacts.delete", "contact_id= ", "--yes"],
        &["api", "intercom", "contacts.delete", "contact_id=", "--dry-run"],
    ] {
        shell.run(arguments).await.problem(2, &["Nothing was sent.", "contact_id is empty"]);
    }
    let twice = shell.run(&["api", "intercom", "contacts.get", "contact_id=1", "contact_id=2"]).await;
    twice.problem(2, &["\"contact_id\" is given twice"]);
    for more in [&[][..], &["--dry-run"]] {
        let run = shell.run(&[&["api", "salesforce", "jobs.upload"], more].concat()).await;
        run.problem(2, &["jobs.upload needs \"jobId\""]);
        for part in [
            "jobId",
            "rows",
            "required",
            "CSV",
            "JSON list",
            "Example: reknit api salesforce jobs.upload jobId=",
        ] {
            assert!(run.out.contains(part), "{part}: {run:#?}");
        }
    }
    let run = shell.run(&["api", "salesforce", "jobs.upload", "--json"]).await;
    run.problem(2, &["needs \"jobId\""]);
    assert_eq!(run.out, "", "no JSON, no line");
    let row = r#"inputs=[{"idProperty":"email","id":"a@b.example","properties":{}}]"#;
    let run =
        shell.run(&["api", "hubspot", "objects.batch_upsert", "objectType=contacts", row, "--dry-run"]).await;
    run.problem(2, &["pass mapped=", "firstname,city"]);
    assert_eq!(run.err.matches("othing was sent").count(), 1, "{run:#?}");
    let ids = r#"{"ids": ["00Qaj000002oTldEAE", "00Qaj000002oTleEAE"]}"#;
    let shown = shell
        .run_with(&["api", "salesforce", "collections.delete", "--input", "-", "--dry-run", "--json"], ids)
        .await
        .fine()
        .json();
    assert!(
        shown["call"]["path"].as_str().unwrap().contains("00Qaj000002oTldEAE,00Qaj000002oTleEAE"),
        "{shown}"
    );
    assert_eq!(bench.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_refused_end_the_command_and_stand_in_the_audit_log() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let sandbox = &bench.sandbox;
    let shell = shell(&bench)
        .with("SALESFORCE_INSTANCE_URL", sandbox.salesforce_instance_url())
        .with("SALESFORCE_ACCESS_TOKEN", sandbox.salesforce_token());
    let rows = r#"records=[{"LastName":"Quint","Company":"Quint"},{"FirstName":"Mara"}]"#;
    let call = ["api", "salesforce", "collections.create", "sobject=Lead", rows, "--yes", "--json"];
    let run = shell.run(&call).await;
    run.problem(1, &["1 of 2 rows were refused; the others were written.", "Salesforce's words"]);
    let answer: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&answer[0]["success"], &answer[1]["success"]), (&json!(true), &json!(false)));
    let last = bench.audit().await.pop().unwrap();
    let id = answer[0]["id"].as_str().unwrap();
    assert!(last.ends_with(&format!("collections.create (POST): 1 of 2 refused (Lead {id})")), "{last}");

    let note = ["api", "hubspot", "objects.create", "objectType=companies", r#"properties={"name":"Quint"}"#];
    let made = shell.run(&[&note[..], &["--yes", "--json"]].concat()).await.fine().json();
    let last = bench.audit().await.pop().unwrap();
    let id = made["id"].as_str().unwrap();
    assert!(last.ends_with(&format!("objects.create (POST): done (companies {id})")), "{last}");
    let gone =
        shell.run(&["api", "hubspot", "objects.get", "objectType=contacts", "objectId=999999999"]).await;
    gone.problem(1, &["There is no such record, path or property (any more).", "HubSpot said"]);
}
