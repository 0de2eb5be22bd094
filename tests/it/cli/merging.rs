//! `reknit merge` with choices: shown as a table first, then done as shown; groups; what Intercom does not merge.

use reknit::sandbox::Webhook;
use serde_json::json;

use super::shell;
use crate::merges::{believed, hubspot, intercom};
use crate::support::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merge_takes_choices_and_a_group_and_shows_them_before() {
    let mut bench = Bench::new().await;
    let people =
        [("ana@berg.example", "+49301"), ("a@home.example", "+49302"), ("ana@old.example", "+49303")].map(
            |(email, phone)| {
                let properties =
                    json!({"email": email, "phone": phone, "lastname": "Berg", "jobtitle": "Buyer"});
                hubspot(&bench.sandbox.new_hubspot_contact(&properties, Webhook::Silent).unwrap())
            },
        );
    bench.load().await;
    let [one, two, three] = &people;
    let id = believed(&bench, &[(one, two), (one, three), (two, three)]).await[0].to_string();
    let shell = shell(&bench);
    let hash = bench.sandbox.state_hash();
    let take = format!("phone={two}");
    let dry = shell
        .run(&["merge", &id, "--take", &take, "--set", "jobtitle=VP", "--group", "--dry-run"])
        .await
        .fine()
        .out;
    for words in
        ["survivor", "MERGED", "✓ +49302", "VP (typed", "Lost  phone: +49301 (kept: +49302)", "capsule"]
    {
        assert!(dry.contains(words), "{words}: {dry}");
    }
    assert_eq!(dry.matches("/crm/v3/objects/contacts/merge").count(), 2, "{dry}");
    let dry = shell.run(&["merge", &id, "--dry-run", "--json"]).await.fine().json();
    assert_eq!(dry["merges"][0]["records"], json!([one, two]));
    assert_eq!(bench.sandbox.state_hash(), hash, "a dry run changes nothing");
    shell.run(&["merge", &id, "--take", "phone"]).await.problem(2, &["names no field", "--take phone="]);
    shell
        .run(&["merge", &id, "--take", "phone=hubspot/contact/1"])
        .await
        .problem(2, &["not one of the records"]);
    shell.run(&["merge", &id, "--set", "=x"]).await.problem(2, &["names no field"]);

    let run = shell
        .run(&["merge", &id, "--take", &take, "--set", "jobtitle=VP", "--group", "--json"])
        .await
        .fine()
        .json();
    assert_eq!(run["executions"][0]["status"], "succeeded", "{run}");
    let contact = bench.sandbox.hubspot_find_by_email("ana@berg.example").unwrap();
    assert_eq!(
        (&contact["properties"]["phone"], &contact["properties"]["jobtitle"]),
        (&json!("+49302"), &json!("VP"))
    );
    assert_eq!(bench.count("hubspot.contact.merge.api"), 2);
    bench.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_are_offered_another_way() {
    let mut bench = Bench::new().await;
    let user = |email: &str| {
        let contact = json!({"role": "user", "name": "Ana Berg", "email": email, "phone": "+49301"});
        intercom(&bench.sandbox.new_intercom_user(&contact, Webhook::Silent).unwrap())
    };
    let (one, two) = (user("ana@berg.example"), user("a@home.example"));
    bench.load().await;
    let id = believed(&bench, &[(&one, &two)]).await[0].to_string();
    let shell = shell(&bench);
    shell.run(&["merge", &id]).await.problem(2, &["cannot merge two users", "--instead copy-and-archive"]);
    let dry = shell.run(&["merge", &id, "--instead", "copy-and-archive", "--dry-run"]).await.fine().out;
    assert!(dry.contains("/archive") && dry.contains("This is no merge"), "{dry}");
    let run = shell.run(&["merge", &id, "--instead", "copy-and-archive"]).await.fine();
    assert!(run.out.contains("succeeded: "), "{run:#?}");
    assert_eq!(bench.count("intercom.contact.archive.api"), 1);
    bench.work().await;
}
