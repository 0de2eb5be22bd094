//! Something refused is edited and run again, and a lost answer is looked up: what reaches the vendor's books, and how
//! often.

use reknit::domain::execution::Status;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

/// The calls of the vendors' books that write, with their counts.
fn writes(bench: &Bench) -> Vec<(String, u64)> {
    let books = bench.books();
    let calls = books["calls"].as_object().expect("a map");
    let reads =
        |route: &str| route.contains(" GET ") || route.ends_with("/search") || route.ends_with("/batch/read");
    let writing = calls.iter().filter(|(route, _)| !reads(route));
    writing.map(|(route, count)| (route.clone(), count.as_u64().unwrap_or(0))).collect()
}

#[tokio::test]
async fn r18_an_edited_replay_reaches_the_vendor_once_and_both_name_each_other() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench
        .sandbox
        .add_fault(Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).writes_about(&[&right]).times(1));
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.work().await;
    let old = bench.rows().await.into_iter().find(|row| row.status == Status::Failed).expect("one failed");
    let before = bench.count("hubspot.contact.update.api");
    bench.press("2 e").await;
    bench.says("\"phone\": \"+49301111111\"");
    bench.press("End Left 2").await;
    bench.press("Ctrl-s").await;
    bench.says("not sent yet");
    bench.says("+493011111112");
    assert_eq!(bench.count("hubspot.contact.update.api"), before, "nothing is sent by looking");
    bench.press("Y").await;
    bench.work().await;
    let new = bench.rows().await.into_iter().find(|row| row.replay_of == Some(old.id)).expect("its replay");
    assert_eq!(new.status, Status::Succeeded, "{}", new.sentence);
    assert_eq!(bench.hubspot(&right)["phone"], "+493011111112");
    assert_eq!(bench.count("hubspot.contact.update.api"), before + 1);
    let kept = bench.row(old.id.0).await;
    assert_eq!(kept.status, Status::Discarded);
    assert!(kept.sentence.contains(&new.id.to_string()), "{}", kept.sentence);
    let line = format!("replay {}", old.id);
    assert!(bench.audit().await.iter().any(|entry| entry.contains(&line)), "{:?}", bench.audit().await);
    // Whoever retries the old one now is told where it went on.
    let report = bench.operator().retry(&[old.id]).await.expect("asked");
    assert!(report.refused[0].1.contains(&new.id.to_string()), "{report:?}");
}

#[tokio::test]
async fn r18_a_probe_finds_what_happened_and_writes_nothing() {
    for (kind, found) in [
        (FaultKind::TimeoutAfterEffect, "It happened"),
        (FaultKind::TimeoutBeforeEffect, "It did not happen"),
    ] {
        let mut bench = Bench::build().patience(1).start().await;
        let fault =
            Fault::new(Vendor::HubSpot, kind).method("POST").writes_about(&["mara@quint.example"]).times(1);
        bench.sandbox.add_fault(fault);
        let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
        bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        bench.work().await;
        let doubtful = bench.row(1).await;
        assert_eq!(doubtful.status, Status::InDoubt, "{}", doubtful.sentence);
        let before = writes(&bench);
        bench
            .operator()
            .put_aside(&[doubtful.id], None, "")
            .await
            .expect("held, so that only the probe runs");
        bench.press("2 g P").await;
        bench.work().await;
        let probe =
            bench.rows().await.into_iter().find(|row| row.replay_of == Some(doubtful.id)).expect("a probe");
        assert_eq!(probe.status, Status::Succeeded, "{}", probe.sentence);
        assert!(
            probe.sentence.contains(found) && probe.sentence.contains("Nothing was written."),
            "{}",
            probe.sentence
        );
        assert_eq!(writes(&bench), before, "a probe writes nothing");
        bench.press("h").await;
        bench.work_when_due().await;
        assert_eq!(bench.row(1).await.status, Status::Succeeded);
        assert_eq!(bench.count("hubspot.contact.create.api"), 1, "made once, whatever was looked up");
    }
}
