//! Commands that decide: first shown, then done, against live vendors; the same result as the console's keys.

use reknit::domain::record::System;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use super::shell;
use crate::support::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_runs_what_failed_and_refuses_what_needs_none() {
    let mut bench = Bench::new().await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").body("mara@").times(2);
    bench.sandbox.add_fault(fault);
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    let shell = shell(&bench);
    let dry = shell.run(&["retry", "ex_1", "--dry-run"]).await.fine();
    assert!(dry.out.contains("ex_1 would run again") && dry.out.contains("Nothing was queued"), "{dry:#?}");
    assert!(!bench.audit().await.iter().any(|line| line.starts_with("olga retry")), "a dry run is one");
    let run = shell.run(&["retry", "ex_1"]).await;
    assert!(run.out.starts_with("✗ ex_1 failed: "), "{run:#?}");
    run.problem(1, &["ex_1 did not succeed", "reknit show ex_1"]);
    let run = shell.run(&["retry", "ex_1"]).await.fine();
    assert!(run.out.starts_with("✓ ex_1 succeeded: Create HubSpot contact"), "{run:#?}");
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    shell.run(&["retry", "ex_1"]).await.problem(2, &["ex_1", "succeeded and needs no retry"]);
    let run = shell.run(&["retry", "ex_1", "--json"]).await;
    let said: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &said["executions"], &said["refused"][0]["id"]), (2, &json!([]), &json!("ex_1")));
    bench.work().await;
    let audit = bench.audit().await;
    assert_eq!(audit.iter().filter(|line| line.starts_with("olga retry ex_1: Was failed.")).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_has_claimed_is_neither_held_nor_let_go() {
    let mut bench = Bench::new().await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").body("mara@").times(1);
    bench.sandbox.add_fault(fault);
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    let shell = shell(&bench);
    let ana = super::shell(&bench).with("REKNIT_USER", "ana");
    shell.run(&["claim", "ex_1"]).await.fine();
    for arguments in [&["hold", "ex_1"][..], &["snooze", "ex_1", "--for", "2h"]] {
        let run = ana.run(arguments).await;
        assert!(run.code != 0 && run.err.contains("olga has claimed it"), "{run:#?}");
    }
    ana.run(&["--despite-claims", "hold", "ex_1"]).await.fine();
    let run = ana.run(&["release", "ex_1", "--json"]).await;
    let said: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code != 0, &said["done"], &said["refused"][0]["id"]), (true, &json!([]), &json!("ex_1")));
    shell.run(&["release", "ex_1"]).await.fine();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_without_tokens_is_recorded_and_waits() {
    let mut bench = Bench::new().await;
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").times(1));
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    assert!(bench.tables().row("SELECT status FROM executions WHERE id = 1")["status"] == "failed");
    let run = shell(&bench).without_tokens().run(&["retry", "ex_1"]).await;
    run.problem(1, &["recorded, but nothing was sent", "HUBSPOT_ACCESS_TOKEN"]);
    bench.work().await;
    assert_eq!(bench.tables().row("SELECT status FROM executions WHERE id = 1")["status"], "pending");
    bench.advance(std::time::Duration::from_secs(3_600));
    bench.work().await;
    assert_eq!(bench.tables().row("SELECT status FROM executions WHERE id = 1")["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resolve_shows_the_call_first_and_then_sends_exactly_that() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49303333333"}), Webhook::Sent).unwrap();
    bench.work().await;
    let shell = shell(&bench);
    let (hash, audit, calls) = (bench.sandbox.state_hash(), bench.audit().await, bench.calls());
    let dry = shell.run(&["resolve", "cf_1", "--take", "left", "--dry-run"]).await.fine();
    let call = format!("1. PATCH {}/crm/v3/objects/contacts/{right}", bench.sandbox.hubspot_base_url());
    assert!(dry.out.contains(&call) && dry.out.contains("+49302222222"), "{dry:#?}");
    let dry = shell.run(&["resolve", "cf_1", "--value", "+494", "--dry-run", "--json"]).await.fine().json();
    assert_eq!(dry["calls"].as_array().unwrap().len(), 2);
    assert_eq!(dry["calls"][0]["body"], json!({"properties": {"phone": "+494"}}));
    assert_eq!((bench.sandbox.state_hash(), bench.audit().await, bench.calls()), (hash, audit, calls));
    assert_eq!(bench.tables().number("SELECT count(*) FROM decisions"), 0);

    let run = shell.run(&["resolve", "cf_1", "--take", "left", "--json"]).await.fine().json();
    assert_eq!(run["executions"][0]["status"], "succeeded");
    assert_eq!(bench.hubspot(&right)["phone"], "+49302222222");
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "done");
    shell.run(&["resolve", "cf_1", "--take", "right"]).await.problem(2, &["cf_1", "done"]);
    bench.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merge_and_link_show_their_calls_and_then_do_them() {
    let mut bench = Bench::build().seeded(7, 60, 30).start().await;
    bench.load().await;
    bench.scan().await;
    let shell = shell(&bench);
    let pairs = bench.duplicates().await;
    let pair =
        pairs.iter().find(|pair| pair.left.system() == System::Hubspot && pair.obstacle.is_none()).unwrap();
    let people = bench.unlinked().await;
    // Not somebody the merge touches.
    let person = people
        .iter()
        .find(|person| {
            !person.candidates.is_empty() && person.contact != pair.left && person.contact != pair.right
        })
        .unwrap();
    let (pair_id, person_id) = (pair.id.to_string(), person.id.to_string());
    let company = person.candidates[0].company.to_string();
    let (hash, calls) = (bench.sandbox.state_hash(), bench.calls());

    let dry = shell.run(&["merge", &pair_id, "--dry-run"]).await.fine().out;
    assert!(
        dry.contains("/crm/v3/objects/contacts/merge") && dry.contains("cannot take a merge apart"),
        "{dry}"
    );
    let dry = shell
        .run(&["merge", &pair_id, "--survivor", &pair.right.to_string(), "--dry-run", "--json"])
        .await
        .fine()
        .json();
    let merge = dry["calls"]
        .as_array()
        .unwrap()
        .iter()
        .find(|call| call["path"].as_str().unwrap().ends_with("/merge"));
    assert_eq!(merge.unwrap()["body"]["primaryObjectId"], json!(pair.right.id));
    assert_eq!(dry["irreversible"], true);
    let dry = shell.run(&["link", &person_id, "--company", &company, "--dry-run"]).await.fine().out;
    assert!(dry.contains("1. PUT ") && dry.contains("/associations/default/companies/"), "{dry}");
    shell
        .run(&["merge", &pair_id, "--survivor", "hubspot/contact/1", "--dry-run"])
        .await
        .problem(2, &["neither of the two"]);
    assert_eq!(
        (bench.sandbox.state_hash(), bench.calls()),
        (hash, calls),
        "a dry run asks nobody and changes nothing"
    );
    assert_eq!(bench.tables().number("SELECT count(*) FROM executions"), 0);

    let run = shell.run(&["merge", &pair_id]).await.fine();
    assert!(run.out.contains("succeeded: "), "{run:#?}");
    assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
    assert_eq!(bench.tables().number("SELECT count(*) FROM capsules WHERE taken = 'before'"), 1);
    shell.run(&["link", &person_id, "--company", &company]).await.fine();
    assert_eq!(
        bench.sandbox.hubspot_companies_of(&person.contact.id),
        [person.candidates[0].company.id.clone()]
    );
    shell.run(&["merge", &pair_id]).await.problem(2, &[&pair_id, "done"]);
    shell.run(&["link", &person_id, "--company", &company]).await.problem(2, &[&person_id, "done"]);

    let other = bench.duplicates().await.into_iter().next().unwrap().id.to_string();
    let run = shell.run(&["distinct", &other]).await.fine();
    assert!(run.out.starts_with(&format!("{other} is two different records")), "{run:#?}");
    shell.run(&["audit", "verify"]).await.fine();
    bench.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pausing_and_resuming_say_what_they_hold() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    let shell = shell(&bench);
    let nothing = shell.run(&["pause", "list"]).await.fine();
    assert_eq!(nothing.out, "Nothing is paused, and every connection is used.\n");
    let pause = ["pause", "recipe", "contact-to-crm", "--reason", "Spring cleaning", "--for", "2h"];
    let run = shell.run(&pause).await.fine();
    assert!(
        run.out.starts_with("Paused by olga since ") && run.out.contains("Held: 1 execution;"),
        "{run:#?}"
    );
    let listed = shell.run(&["pause", "list", "--json"]).await.fine().json();
    assert_eq!((&listed["pauses"][0]["held"], &listed["breakers"]), (&json!(1), &json!([])));
    assert_eq!(listed["pauses"][0]["reason"], "Spring cleaning");
    let shown = shell.run(&["list", "executions"]).await.fine();
    assert!(shown.out.contains("Paused by olga since "), "{shown:#?}");
    let doctor = shell.run(&["doctor"]).await;
    assert!(doctor.out.contains("! Pause: Paused by olga since "), "{doctor:#?}");
    let resume = ["resume", "recipe", "contact-to-crm"];
    let mut looking = vec!["--read-only"];
    looking.extend(resume);
    shell.run(&looking).await.problem(2, &["read-only"]);
    let run = shell.run(&resume).await.fine();
    assert!(run.out.starts_with("recipe contact-to-crm goes on"), "{run:#?}");
    shell.run(&resume).await.problem(2, &["recipe contact-to-crm is not paused"]);
    for (wrong, said) in [
        (["pause", "connection", "hubspt", "--reason", "x"], "there is no connection \"hubspt\""),
        (["pause", "direction", "up", "--reason", "x"], "there is to-crm, to-intercom"),
    ] {
        shell.run(&wrong).await.problem(2, &[said]);
    }
    let soon = ["pause", "recipe", "contact-to-crm", "--reason", "x", "--for", "soon"];
    shell.run(&soon).await.problem(2, &["--for soon is no length of time", "30m, 2h or 1d"]);
    bench.work().await;
    // An open breaker is told of by whoever is asked how things stand.
    bench.sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::Unauthorized));
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.work().await;
    for command in ["limits", "doctor"] {
        let run = shell.run(&[command]).await;
        assert!(run.out.contains("HubSpot's token: refused since "), "{run:#?}");
        assert!(run.out.contains("reknit resume connection hubspot"), "{run:#?}");
    }
    assert!(shell.run(&["limits", "--json"]).await.fine().out.contains("\"cause\":\"auth\""));
    bench.sandbox.clear_faults();
    let run = shell.run(&["resume", "connection", "hubspot"]).await.fine();
    assert!(
        run.out.starts_with("Looks at once whether HubSpot works again (1 execution waiting for "),
        "{run:#?}"
    );
    bench.advance(std::time::Duration::from_secs(3_600));
    bench.work().await;
    assert_eq!(bench.newest().await.status, reknit::domain::execution::Status::Succeeded);
}

#[tokio::test]
async fn r88_erase_shows_first_and_erases_with_yes_and_keeps_its_checklist() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let shell = shell(&bench);
    let effects = bench.effects();
    let dry = shell.run(&["erase", "mara@quint.example", "--dry-run"]).await;
    assert_eq!(dry.code(), 0, "{dry:#?}");
    assert!(dry.out.contains("DELETE") && dry.out.contains("gdpr-delete"), "{}", dry.out);
    let asked = shell.run(&["erase", "mara@quint.example"]).await;
    asked.problem(2, &["Nothing was erased", "--yes"]);
    let look = shell.run(&["--read-only", "erase", "mara@quint.example", "--yes"]).await;
    assert_ne!(look.code(), 0, "{look:#?}");
    assert_eq!(bench.effects(), effects);
    let done = shell.run(&["erase", &format!("hubspot/contact/{right}"), "--yes", "--json"]).await;
    assert_eq!(done.code(), 0, "{done:#?}");
    let erasure: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&erasure["id"], &erasure["state"]), (&json!("er_1"), &json!("done")), "{erasure:#}");
    assert!(
        bench.sandbox.intercom_contact(&left).is_none() && bench.sandbox.hubspot_contact(&right).is_none()
    );
    let list = shell.run(&["erase", "list"]).await;
    assert!(list.out.contains("er_1") && list.out.contains("3/3"), "{}", list.out);
    let show = shell.run(&["erase", "show", "er_1"]).await;
    assert!(show.code() == 0 && show.out.contains("journal"), "{show:#?}");
    shell.run(&["erase", "retry", "er_9"]).await.problem(2, &["er_9"]);
    bench.work().await;
}
