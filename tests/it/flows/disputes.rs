//! Decisions beyond one value: rules for the backlog and for later, translations, a direction off, left alone; and who
//! wrote what. Keys are pressed and commands run; the vendors' own books say what came of it.

use reknit::sandbox::Webhook;
use serde_json::json;

use crate::cli::shell;
use crate::support::Bench;

/// People whose phone both sides changed, each to the same two values.
async fn disputed(bench: &mut Bench, emails: &[&str]) -> Vec<(String, String)> {
    let mut people = Vec::new();
    for email in emails {
        people.push(bench.known_person(email, &json!({"phone": "+49301111111"})).await);
    }
    for (left, right) in &people {
        bench.sandbox.edit_intercom_contact(left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
        bench.sandbox.edit_hubspot_contact(right, &json!({"phone": "+49893333333"}), Webhook::Sent).unwrap();
    }
    bench.work().await;
    people
}

#[tokio::test]
async fn a_conflict_says_who_wrote_what_and_where_its_rule_stands() {
    let mut bench = Bench::new().await;
    disputed(&mut bench, &["mara@quint.example"]).await;
    let open = bench.conflicts().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    let writer = open[0].right_by.as_ref().expect("HubSpot says who");
    assert!(writer.who.contains("HubSpot"), "{writer:?}");
    assert!(open[0].line.starts_with("contact.toml:"), "{}", open[0].line);
    assert_eq!(open[0].decides, "revops");
    bench.press("3").await;
    for text in ["contact.toml:", "revops decides", "HubSpot"] {
        bench.says(text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r198_conflicts_are_listed_for_the_role_that_decides_them() {
    let mut bench = Bench::new().await;
    disputed(&mut bench, &["mara@quint.example"]).await;
    let shell = shell(&bench);
    let mine = shell.run(&["list", "conflicts", "--role", "revops", "--json"]).await;
    assert!(mine.text().contains("\"total\":1"), "{mine:?}");
    let theirs = shell.run(&["list", "conflicts", "--role", "marketing", "--json"]).await;
    assert!(theirs.text().contains("\"total\":0"), "{theirs:?}");
}

#[tokio::test]
async fn a_rule_decides_the_backlog_and_what_comes_later_and_nothing_else() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example", "ben@quint.example", "cai@quint.example"]).await;
    assert_eq!(bench.conflicts().await.len(), 3);
    let effects = bench.effects().len();
    // The first row of the menu: Intercom's value counts, for the same two values.
    bench.press("3 R").await;
    bench.says("A rule for Phone, both changed");
    bench.press("Enter").await;
    for text in ["3 open conflicts decided by it now", "WILL BE", "cf_1", "cf_3", "+decide = \"left\""] {
        bench.says(text);
    }
    // Enter never says yes; nothing was written yet.
    assert_eq!(bench.effects().len(), effects);
    bench.press("Y").await;
    bench.work().await;
    assert!(bench.conflicts().await.is_empty());
    for (_, right) in &people {
        assert_eq!(bench.hubspot(right)["phone"], "+49302222222");
    }
    let written = bench.effects()[effects..].to_vec();
    assert_eq!(written.len(), 3, "one write each: {written:?}");
    // Later, the same shape decides itself; another pair of values goes to a human.
    let later = disputed(&mut bench, &["dov@quint.example"]).await;
    bench.work().await;
    assert!(bench.conflicts().await.is_empty());
    assert_eq!(bench.hubspot(&later[0].1)["phone"], "+49302222222");
    let row = bench.tables().row("SELECT state, ruled_by FROM conflicts WHERE id = 4");
    assert_eq!((row["state"].as_str(), row["ruled_by"].as_str()), (Some("done"), Some("phone-1")));
    let (left, right) = bench.known_person("eve@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49305555555"}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+49896666666"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.conflicts().await.len(), 1);
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("olga rule phone-1")), "{audit:#?}");
    assert!(audit.iter().any(|line| line.starts_with("rule phone-1 resolve cf_4")), "{audit:#?}");
}

#[tokio::test]
async fn a_rule_that_is_fought_over_goes_to_a_human() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example"]).await;
    bench.press("3 R Enter Y").await;
    bench.work().await;
    let (left, right) = &people[0];
    for round in 0..6 {
        // Somebody who does not know of the rule sets both sides again and again.
        let ours = json!({"phone": "+49301111111"});
        bench.sandbox.edit_intercom_contact(left, &ours, Webhook::Sent).unwrap();
        bench.work().await;
        bench.sandbox.edit_intercom_contact(left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
        bench.sandbox.edit_hubspot_contact(right, &json!({"phone": "+49893333333"}), Webhook::Sent).unwrap();
        bench.work().await;
        if !bench.conflicts().await.is_empty() {
            assert!(round >= 1, "decided a few times by itself");
            return;
        }
    }
    panic!("the rule went on for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r38_r189_an_unknown_tier_is_translated_once_for_everybody() {
    let mut bench = Bench::new().await;
    let gold = json!({"custom_attributes": {"plan": "pro"}});
    let mut people = Vec::new();
    for email in ["ana@quint.example", "ben@quint.example"] {
        people.push(bench.known_person(email, &gold).await);
    }
    for (left, _) in &people {
        let edit = json!({"custom_attributes": {"plan": "gold"}});
        bench.sandbox.edit_intercom_contact(left, &edit, Webhook::Sent).unwrap();
    }
    bench.work().await;
    let open = bench.conflicts().await;
    assert_eq!(open.len(), 2, "{open:#?}");
    assert!(!open[0].allowed.is_empty(), "the nearest values are offered");
    let shell = shell(&bench);
    let dry = shell.run(&["resolve", "cf_1", "--translate", "CONNECTED", "--dry-run"]).await;
    assert!(dry.text().contains("+gold = \"CONNECTED\"") && dry.text().contains("cf_2"), "{dry:?}");
    assert!(!bench.folder().join("mappings/contact.toml").exists(), "a dry run writes nothing");
    let run = shell.run(&["resolve", "cf_1", "--translate", "CONNECTED"]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(bench.conflicts().await.is_empty());
    for (left, right) in &people {
        assert_eq!(bench.hubspot(right)["hs_lead_status"], "CONNECTED");
        assert_eq!(bench.intercom(left)["custom_attributes"]["plan"], "gold");
    }
    let text = std::fs::read_to_string(bench.folder().join("mappings/contact.toml")).unwrap();
    assert!(text.contains("gold = \"CONNECTED\"") && text.contains('#'), "comments stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_the_command_takes_a_decision_back_once_and_a_rules_decision_not_at_all() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example"]).await;
    let (left, right) = &people[0];
    let (ours, theirs) = (bench.intercom(left)["phone"].clone(), bench.hubspot(right)["phone"].clone());
    let shell = shell(&bench);
    let early = shell.run(&["resolve", "cf_1", "--undo"]).await;
    assert!(early.code() == 2 && format!("{early:?}").contains("only what is settled"), "{early:?}");
    assert_eq!(shell.run(&["resolve", "cf_1", "--left"]).await.code(), 0);
    assert_eq!(bench.hubspot(right)["phone"], ours);
    let dry = shell.run(&["resolve", "cf_1", "--undo", "--dry-run", "--json"]).await;
    assert!(
        dry.text().contains(theirs.as_str().unwrap()) && bench.hubspot(right)["phone"] == ours,
        "{dry:?}"
    );
    let back = shell.run(&["resolve", "cf_1", "--undo"]).await;
    assert_eq!(back.code(), 0, "{back:?}");
    assert_eq!((&bench.hubspot(right)["phone"], &bench.intercom(left)["phone"]), (&theirs, &ours));
    let again = shell.run(&["resolve", "cf_1", "--undo"]).await;
    assert!(again.code() == 2 && format!("{again:?}").contains("not written over"), "{again:?}");
    // The new conflict is settled by a rule, which would settle it again after every undo.
    let open = bench.conflicts().await[0].id.to_string();
    assert_eq!(shell.run(&["resolve", &open, "--right", "--as-rule", "any"]).await.code(), 0);
    bench.work().await;
    let (ours, theirs) = (json!({"phone": "+49305555555"}), json!({"phone": "+49896666666"}));
    bench.sandbox.edit_intercom_contact(left, &ours, Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(right, &theirs, Webhook::Sent).unwrap();
    bench.work().await;
    let ruled = bench.tables().row("SELECT id, ruled_by FROM conflicts WHERE ruled_by IS NOT NULL");
    let ruled = format!("cf_{}", ruled["id"]);
    let refused = shell.run(&["resolve", &ruled, "--undo"]).await;
    assert!(refused.code() == 2 && format!("{refused:?}").contains("rules remove"), "{refused:?}");
}

#[tokio::test]
async fn r219_one_key_switches_a_direction_off_and_a_command_on_again() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example"]).await;
    let (left, right) = &people[0];
    let effects = bench.effects().len();
    bench.press("3 b Enter").await;
    for text in ["Write Phone to the CRM no more", "1 open conflict", "mapping direction"] {
        bench.says(text);
    }
    bench.press("Y").await;
    bench.work().await;
    assert!(bench.conflicts().await.is_empty());
    bench.sandbox.edit_intercom_contact(left, &json!({"phone": "+49307777777"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.effects().len(), effects, "nothing is written to the CRM");
    assert!(bench.conflicts().await.is_empty());
    bench.sandbox.edit_hubspot_contact(right, &json!({"phone": "+49898888888"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.intercom(left)["phone"], "+49898888888", "the CRM is its source now");
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("olga disable Phone to-crm")), "{audit:#?}");
}

#[tokio::test]
async fn what_is_left_alone_comes_back_when_a_value_changes_and_not_before() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example"]).await;
    let (left, right) = &people[0];
    let effects = bench.effects().len();
    bench.press("3 z G Enter").await;
    bench.press("Esc z Down Down Down Enter").await;
    bench.says("until one of the two values changes");
    bench.press("Y").await;
    let state = |bench: &Bench| bench.tables().row("SELECT state FROM conflicts")["state"].clone();
    assert_eq!(state(&bench), "ignored");
    let other = json!({"custom_attributes": {"job_title": "Buyer"}});
    bench.sandbox.edit_intercom_contact(left, &other, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(state(&bench), "ignored", "another field is no reason");
    assert_eq!(bench.hubspot(right)["phone"], "+49893333333", "and it is still held back");
    assert_eq!(bench.effects().len(), effects + 1);
    bench.sandbox.edit_intercom_contact(left, &json!({"phone": "+49304444444"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(state(&bench), "open");
}

#[tokio::test]
async fn a_field_is_emptied_on_both_sides() {
    let mut bench = Bench::new().await;
    let people = disputed(&mut bench, &["ana@quint.example"]).await;
    bench.press("3 0 d").await;
    bench.says("2 calls");
    bench.press("Y").await;
    bench.work().await;
    let blank = |value: &serde_json::Value| value.is_null() || value == "";
    assert!(blank(&bench.intercom(&people[0].0)["phone"]) && blank(&bench.hubspot(&people[0].1)["phone"]));
    assert!(bench.conflicts().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r215_why_not_marks_the_first_gate_and_explain_tells_the_chain() {
    let mut bench = Bench::new().await;
    disputed(&mut bench, &["ana@quint.example"]).await;
    let shell = shell(&bench);
    let told = shell.run(&["explain", "ana@quint.example", "Phone"]).await;
    assert_eq!(told.code(), 0, "{told:?}");
    for text in ["cf_1", "both changed", "+49302222222", "+49893333333", "event", "rule"] {
        assert!(told.text().contains(text), "no {text}: {told:?}");
    }
    let stopped = shell.run(&["why-not", "ana@quint.example"]).await;
    assert!(stopped.text().contains("✗ conflict") && stopped.text().contains("cf_1"), "{stopped:?}");
    let nobody = shell.run(&["why-not", "nobody@quint.example"]).await;
    assert!(nobody.text().starts_with("✗ event"), "{nobody:?}");
    bench.press("3 w").await;
    bench.says("how it came about");
    bench.says("cf_1 both changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_mapping_is_replayed_without_a_call() {
    let mut bench = Bench::new().await;
    let pro = json!({"custom_attributes": {"plan": "pro"}});
    let (left, _) = bench.known_person("ana@quint.example", &pro).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"name": "Ana Quint"}), Webhook::Sent).unwrap();
    bench.work().await;
    let text = include_str!("../../../assets/mapping/contact.toml");
    let file = bench.folder().join("edited.toml");
    std::fs::write(&file, text.replace("pro = \"IN_PROGRESS\"", "pro = \"CONNECTED\"")).unwrap();
    let calls = bench.books()["calls"].clone();
    let run = shell(&bench).run(&["mapping", "plan", &file.display().to_string()]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.text().contains("CONNECTED") && run.text().contains("1 pairs"), "{run:?}");
    assert_eq!(bench.books()["calls"], calls, "nobody was called");
}
