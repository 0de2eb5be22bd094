//! What an operator does in Intercom by hand, the self-test, the rollout and the doctor of Salesforce, as commands.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::shell;
use crate::support::Bench;

async fn intercom(bench: &Bench, path: &str) -> Value {
    let url = format!("{}{path}", bench.sandbox.intercom_base_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = bench.sandbox.intercom_token();
    let answer = client.get(url).bearer_auth(token).header("intercom-version", "2.14").send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r117_r118_r121_a_conversation_is_begun_answered_tagged_and_assigned_each_shown_first() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    let shell = shell(&bench);
    let hash = bench.sandbox.state_hash();
    let shown = shell.run(&["converse", "mara@quint.example", "Help <me>"]).await;
    assert!(shown.out.contains("Begin a conversation") && shown.out.contains("POST"), "{shown:#?}");
    shown.problem(2, &["Nothing was sent", "--yes"]);
    assert_eq!(bench.sandbox.state_hash(), hash);
    shell.run(&["converse", "Mara@Quint.example", "Help <me>", "--yes"]).await.fine();
    let found = intercom(&bench, "/conversations").await;
    let talk = found["conversations"][0]["id"].as_str().expect("one was begun").to_owned();
    let admins = intercom(&bench, "/admins").await;
    let (first, second) = (&admins["admins"][0]["id"], &admins["admins"][1]["id"]);
    let (first, second) = (first.as_str().unwrap(), second.as_str().unwrap());
    let shown = shell.run(&["reply", &talk, "We look into it.", "--as", second]).await;
    assert!(shown.out.contains(&format!("teammate {second} speaks")), "{shown:#?}");
    shell.run(&["reply", &talk, "We look into it.", "--as", second, "--yes"]).await.fine();
    shell.run(&["reply", &talk, "Customer since 2020.", "--note", "--yes"]).await.fine();
    shell.run(&["tag", &talk, "vip", "--yes"]).await.fine();
    shell.run(&["assign", &talk, "--to", first, "--yes"]).await.fine();
    let whole = bench.sandbox.intercom_conversation(&talk).unwrap();
    assert_eq!(whole["tags"]["tags"][0]["name"], "vip");
    assert_eq!(whole["admin_assignee_id"].to_string().trim_matches('"'), first);
    let parts = whole["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let of = |kind: &str| parts.iter().find(|part| part["part_type"] == kind).cloned().unwrap_or_default();
    assert_eq!(of("comment")["author"]["id"].to_string().trim_matches('"'), second);
    assert!(of("note")["body"].as_str().is_some_and(|body| body.contains("2020")), "{parts:#?}");
    shell.run(&["untag", &talk, "vip", "--yes"]).await.fine();
    let whole = bench.sandbox.intercom_conversation(&talk).unwrap();
    assert_eq!(whole["tags"]["tags"], json!([]));
    // R120: all of it, first message and parts.
    let told = shell.run(&["history", &talk, "--json"]).await.fine();
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert!(told["first_message"].as_str().unwrap().contains("Help"), "{told}");
    assert_eq!((&told["contacts"][0], &told["missing"]), (&json!(left), &json!(0)));
    assert!(told["parts"].as_array().unwrap().len() >= 3, "{told}");
    let plain = shell.run(&["history", &talk]).await.fine();
    assert!(plain.out.contains("We look into it."), "{plain:#?}");
    let audit = bench.audit().await;
    for verb in ["converse", "reply", "tag", "assign", "untag"] {
        assert!(
            audit.iter().any(|line| line.starts_with(&format!("olga {verb} intercom/"))),
            "{verb}: {audit:#?}"
        );
    }
    assert!(
        audit.iter().all(|line| !line.contains("2020")),
        "words of a conversation stand in no audit line"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r119_r131_attributes_keep_their_types_on_the_wire() {
    let mut bench = Bench::new().await;
    let user = json!({"role": "user", "email": "mara@quint.example", "external_id": "6123abc"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    let client = reqwest::Client::new();
    for (name, kind) in
        [("support_tier", "string"), ("last_ai_session", "date"), ("escalation_count", "integer")]
    {
        let body = json!({"name": name, "model": "contact", "data_type": kind});
        let url = format!("{}/data_attributes", bench.sandbox.intercom_base_url());
        let token = bench.sandbox.intercom_token();
        client
            .post(url)
            .bearer_auth(token)
            .header("intercom-version", "2.14")
            .json(&body)
            .send()
            .await
            .unwrap();
    }
    let payload =
        r#"{ "userId": "6123abc", "attributes": { "support_tier": "premium", "escalation_count": 2 } }"#;
    shell(&bench).run(&["attributes", payload, "--yes"]).await.fine();
    let own = &bench.intercom(&left)["custom_attributes"];
    assert_eq!((&own["support_tier"], &own["escalation_count"]), (&json!("premium"), &json!(2)));
    shell(&bench)
        .run(&["attributes", r#"{"userId": "nobody", "attributes": {"support_tier": "x"}}"#, "--yes"])
        .await
        .problem(1, &["did not succeed"]);
    bench.work().await;
    let rows = bench.rows().await;
    let row = rows.iter().find(|row| row.recipe == "operator-action").expect("it was journaled");
    assert!(row.sentence.contains("Intercom has nobody"), "{}", row.sentence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r179_an_override_wants_a_reason_and_the_right_person_and_stands_in_the_audit_log() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    let talk = bench.sandbox.start_conversation(&left, "Hello", Webhook::Silent).unwrap();
    let shell = shell(&bench);
    let admins = intercom(&bench, "/admins").await;
    let first = admins["admins"][0]["id"].as_str().unwrap();
    shell.run(&["override", &talk, "--to", first, "--reason", " ", "--yes"]).await.problem(2, &["reason"]);
    shell.run(&["override", &talk, "--to", first, "--reason", "on leave", "--yes"]).await.fine();
    let whole = bench.sandbox.intercom_conversation(&talk).unwrap();
    assert_eq!(whole["admin_assignee_id"].to_string().trim_matches('"'), first);
    let audit = bench.audit().await;
    let wanted = format!("olga override intercom/conversation/{talk}: Because: on leave.");
    assert!(audit.iter().any(|line| line.starts_with(&wanted)), "{audit:#?}");
    let path = bench.folder().join("reknit.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[engine]\n", "[engine]\nmay_override = [\"otto\"]\n")).unwrap();
    shell
        .run(&["override", &talk, "--to", first, "--reason", "again", "--yes"])
        .await
        .problem(2, &["olga may not", "otto"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r203_r204_r205_r206_r207_r208_the_selftest_passes_at_both_emulated_crms_with_evidence() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    for crm in ["salesforce", "hubspot"] {
        let run = shell.run(&["selftest", "all", "--crm", crm, "--json"]).await;
        let told: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:#?}"));
        assert_eq!(told["passed"], json!(true), "{told:#}");
        let tests = told["tests"].as_array().unwrap();
        let names: Vec<&str> = tests.iter().map(|test| test["test"].as_str().unwrap()).collect();
        assert_eq!(names, ["lead", "update", "case", "duplicate", "permission", "error", "clean-up"]);
        let not_there = tests.iter().filter(|test| test["passed"].is_null()).count();
        assert_eq!(not_there, usize::from(crm == "hubspot"), "{told:#}");
        assert!(tests.iter().all(|test| test["evidence"].as_str().is_some_and(|text| text.len() > 20)));
        assert_eq!(run.code, 0);
    }
    let one = shell.run(&["selftest", "duplicate", "--crm", "salesforce"]).await.fine();
    assert!(one.out.contains("1 records have the address, expected 1"), "{one:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r165_a_selftest_refuses_a_production_account() {
    let bench = Bench::new().await;
    // The emulated portal calls itself a standard account.
    shell(&bench)
        .run(&["selftest", "lead", "--profile", "sandbox"])
        .await
        .problem(2, &["no sandbox", "--force"]);
    assert_eq!(bench.count("hubspot.contact.create.api"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r149_r150_r151_r152_r153_r154_r155_the_rollout_is_ticked_step_by_step_and_checked_where_it_can_be() {
    let mut bench = Bench::new().await;
    bench.work().await;
    let shell = shell(&bench);
    let run = shell.run(&["rollout"]).await.fine();
    assert!(
        run.out.contains("- account") && run.out.contains("Next: reknit rollout tick account"),
        "{run:#?}"
    );
    for step in
        ["account", "scope", "duplicate", "review-owner", "review-status", "review-email", "review-company"]
    {
        let run = shell.run(&["rollout", "tick", step, "--by", "Olga"]).await.fine();
        assert!(run.out.starts_with(&format!("✓ {step}: ")), "{run:#?}");
    }
    let run = shell.run(&["rollout", "sample"]).await.fine();
    assert!(run.out.contains("at emulated vendors") && run.out.contains("lead passed"), "{run:#?}");
    let run = shell.run(&["rollout", "status", "--json"]).await.fine();
    let told: Value = serde_json::from_str(&run.out).unwrap();
    let done: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["done"] == true)
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(done.len(), 8, "{told:#}");
    assert!(
        told.as_array().unwrap().iter().any(|step| step["step"] == "review-owner" && step["by"] == "Olga")
    );
    shell.run(&["rollout", "tick", "nonsense", "--by", "Olga"]).await.problem(2, &["no step", "account"]);
    shell.run(&["rollout", "tick", "scope", "--by", " "]).await.problem(2, &["--by"]);
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("Olga rollout step scope")), "{audit:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r152_a_third_workflow_keeps_the_scope_from_being_ticked() {
    let bench = Bench::new().await;
    let shell = shell(&bench);
    for name in ["chat-to-deal", "lead-scoring"] {
        let own = bench.folder().join("recipes");
        std::fs::create_dir_all(&own).unwrap();
        let path = format!("{}/assets/recipes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap().replacen("state = \"off\"", "state = \"on\"", 1);
        std::fs::write(own.join(format!("{name}.toml")), text).unwrap();
    }
    let run = shell.run(&["rollout", "tick", "scope", "--by", "Olga"]).await;
    assert!(run.out.contains("3 of at most 2 workflows are on"), "{run:#?}");
    run.problem(1, &["not done"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r93_r94_r193_the_doctor_of_salesforce_tells_what_is_missing_and_what_is_too_much() {
    let bench = Bench::build().salesforce().start().await;
    let shell = shell(&bench);
    let path = bench.folder().join("reknit.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("[engine]\n", "[engine]\ncrm = \"salesforce\"\n");
    let instance = bench.sandbox.salesforce_instance_url();
    std::fs::write(&path, format!("{text}[vendors.salesforce]\ninstance_url = \"{instance}\"\n")).unwrap();
    let run = shell
        .with("SALESFORCE_ACCESS_TOKEN", bench.sandbox.salesforce_token())
        .run(&["doctor", "salesforce"])
        .await;
    for words in
        ["refresh_token", "✓ Needed: Lead: create, change", "! More than needed", "Account", "is a sandbox"]
    {
        assert!(run.out.contains(words), "{words}: {run:#?}");
    }
    assert_eq!(run.code, 0, "{run:#?}");
}
