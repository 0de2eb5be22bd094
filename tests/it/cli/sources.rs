//! Commands that read a vendor page by page: what they cost, what they found, how they stand.

use serde_json::{Value, json};

use super::shell;
use crate::support::Bench;
use reknit::sandbox::Webhook;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_sweep_and_backfill_say_what_they_cost_and_did() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let (gone, _) = bench.known_person("bo@quint.example", &json!({})).await;
    for number in 0..6 {
        bench.known_person(&format!("p{number}@quint.example"), &json!({})).await;
    }
    let shell = shell(&bench);
    let early = shell.run(&["fetch", "leads"]).await;
    early.problem(2, &["nothing to compare with", "reknit serve"]);
    bench.load().await;
    shell.run(&["fetch", "leads", "--system", "hubspot"]).await.problem(2, &["HubSpot has no leads"]);
    shell.run(&["fetch", "users", "--since", "soon"]).await.problem(2, &["--since", "2026-01-31"]);
    shell.run(&["--read-only", "sweep"]).await.problem(2, &["--read-only forbids"]);

    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Silent).unwrap();
    let looked = shell.run(&["fetch", "users", "--dry-run", "--json"]).await.fine().json();
    assert_eq!((&looked[0]["differing"], &looked[0]["carried_out"]["done"]), (&json!(1), &json!(0)));
    let run = shell.run(&["fetch", "users"]).await;
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.err.starts_with("Intercom users: 8 records, about 1 calls to read them"), "{run:#?}");
    assert!(run.out.contains("0 were unknown, 1 differ: they are carried over.\n1 carried out."), "{run:#?}");
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");

    let never = shell.run(&["sweep", "--status"]).await.fine();
    assert!(
        never.out.contains("Intercom: no deletion sweep yet.")
            && never.out.contains("user.deleted fires only")
    );
    bench.sandbox.delete_intercom_contact(&gone, Webhook::Silent);
    let swept = shell.run(&["sweep", "--system", "intercom"]).await.fine();
    assert!(swept.out.contains("1 of the 8 people we know are not in Intercom's list: 1 deleted for good."));
    let status = shell.run(&["sweep", "--status", "--json"]).await.fine().json();
    assert_eq!((&status[0]["last"]["state"], &status[1]["last"]), (&json!("finished"), &Value::Null));
    let doctor = shell.run(&["doctor"]).await;
    assert!(doctor.out.contains("✓ Deletion sweep: Intercom: last deletion sweep 20"), "{doctor:#?}");

    let none = shell.run(&["backfill", "status"]).await.fine();
    assert!(none.out.contains("no backfill yet"), "{none:#?}");
    shell.run(&["backfill", "pause"]).await.problem(2, &["there is no backfill"]);
    for _ in 0..3 {
        bench.sandbox.start_conversation(&left, "Is anybody there?", Webhook::Silent).unwrap();
    }
    let cost =
        shell.run(&["backfill", "conversations", "--until", "2100-01-01", "--dry-run", "--json"]).await;
    let cost = cost.fine().json();
    assert_eq!(
        (&cost["conversations"], &cost["hubspot_calls"], &cost["form"]),
        (&json!(3), &json!(6), &json!("note"))
    );
    let run =
        shell.run(&["backfill", "conversations", "--until", "2100-01-01", "--json"]).await.fine().json();
    assert_eq!((&run["job"]["state"], &run["tally"]["written"]), (&json!("finished"), &json!(3)), "{run}");
    assert_eq!(bench.count("hubspot.note.create.api"), 3);
    let status = shell.run(&["backfill", "status"]).await.fine();
    assert!(status.out.contains("3 of 3 conversations read in 1 pages, 0 left out; 3 logged"), "{status:#?}");
    let audit = bench.audit().await;
    for verb in ["olga fetch intercom: all users", "olga sweep intercom", "olga backfill conversations: 3"] {
        assert!(audit.iter().any(|line| line.starts_with(verb)), "no {verb:?} in {audit:#?}");
    }
    bench.leave_work();
}
