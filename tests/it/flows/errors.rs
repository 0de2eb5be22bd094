//! Every way the CRM can fail, on a create and on an update: what becomes of the execution, as one table.

use std::fmt::Write as _;

use reknit::domain::execution::Status;
use reknit::domain::trouble::advise;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

/// `status class code tries due`, as the operator would read it right after the failure.
async fn after(kind: FaultKind, create: bool) -> String {
    let mut bench = Bench::build().patience(1).start().await;
    let email = "mara@quint.example";
    let fault = Fault::new(Vendor::HubSpot, kind);
    let before = if create {
        bench.sandbox.add_fault(fault.writes_about(&[email]).times(1));
        let user = json!({"role": "user", "email": email, "name": "Mara Quint"});
        bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        0
    } else {
        let (left, right) = bench.known_person(email, &json!({})).await;
        let newest = bench.newest().await.id.0;
        bench.sandbox.add_fault(fault.writes_about(&[&right]).times(1));
        bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
        newest
    };
    let ours = format!("SELECT min(id) FROM executions WHERE id > {before} AND recipe = 'contact-to-crm'");
    bench.work().await;
    let row = bench.row(bench.tables().number(&ours)).await;
    let due = row.due_at.filter(|_| !row.status.is_finished()).map(|due| due.since(bench.now()));
    let due = match due {
        None => "—",
        Some(2_500..=5_000) if row.status == Status::Retrying => "soon",
        Some(2_000) => "2 s",
        Some(5_000) => "5 s",
        Some(10_000) => "10 s",
        Some(900_000) => "15 min",
        Some(1_800_000) => "30 min",
        Some(other) => panic!("due in {other} ms"),
    };
    let class = row.error_class.map_or_else(|| "—".to_owned(), |class| class.to_string());
    let code = row.error_code.map_or_else(|| "—".to_owned(), |code| code.to_string());
    let line = format!("{:<9} {class:<12} {code:<3} {} {due}", row.status.to_string(), row.attempts);
    // Whatever it was, it ends well once the vendor is well again, and nothing was made twice.
    if row.status == Status::Failed {
        bench.press("2").await;
        let class = row.error_class.unwrap();
        let detail = bench.journal.execution(row.id).await.unwrap().unwrap();
        let words = detail.vendor_words.as_deref().unwrap_or_default();
        bench.says(&advise(detail.failed_at(), class, words).hint[..20]);
        let filter = format!("error:{class}");
        bench.press("/").await;
        bench.retype(&filter).await;
        bench.press("Enter r").await;
        bench.work().await;
    } else if !row.status.is_finished() {
        bench.work_when_due().await;
    }
    let end = bench.row(row.id.0).await;
    assert_eq!(end.status, Status::Succeeded, "{line}: {}", end.sentence);
    let books = bench.books();
    assert_eq!(
        (bench.count("hubspot.contact.create.api"), &books["double_creates"]),
        (1, &json!([])),
        "{line}"
    );
    let contact = bench.sandbox.hubspot_find_by_email(email).unwrap();
    if !create {
        assert_eq!(contact["properties"]["phone"], "+49301111111", "{line}");
    }
    line
}

const EXPECTED: &str = "
rate_limited           create: pending   —            —   0 10 s
rate_limited           update: pending   —            —   0 10 s
rate_limited_daily     create: pending   —            —   0 15 min
rate_limited_daily     update: pending   —            —   0 15 min
server_error_html      create: in_doubt  unavailable  502 1 2 s
server_error_html      update: retrying  unavailable  502 1 soon
server_error           create: in_doubt  unavailable  500 1 2 s
server_error           update: retrying  unavailable  500 1 soon
unavailable            create: in_doubt  unavailable  503 1 2 s
unavailable            update: retrying  unavailable  503 1 soon
unavailable_for_30_min create: in_doubt  unavailable  503 1 30 min
unavailable_for_30_min update: retrying  unavailable  503 1 30 min
timeout_before_effect  create: in_doubt  timeout      —   1 2 s
timeout_before_effect  update: retrying  timeout      —   1 soon
timeout_after_effect   create: in_doubt  timeout      —   1 2 s
timeout_after_effect   update: retrying  timeout      —   1 soon
slow                   create: succeeded —            —   0 —
slow                   update: succeeded —            —   0 —
malformed_json         create: in_doubt  malformed    201 1 2 s
malformed_json         update: retrying  malformed    200 1 soon
missing_scopes         create: failed    permission   403 1 —
missing_scopes         update: failed    permission   403 1 —
locked                 create: retrying  locked       423 1 soon
locked                 update: retrying  locked       423 1 soon
unauthorized           create: retrying  auth         401 1 soon
unauthorized           update: retrying  auth         401 1 soon
";

#[tokio::test]
async fn every_fault_has_its_state_class_and_time() {
    let kinds = [
        ("rate_limited", FaultKind::RateLimited),
        ("rate_limited_daily", FaultKind::RateLimitedDaily),
        ("server_error_html", FaultKind::ServerErrorHtml),
        ("server_error", FaultKind::ServerError),
        ("unavailable", FaultKind::Unavailable { retry_after: None }),
        ("unavailable_for_30_min", FaultKind::Unavailable { retry_after: Some(1_800) }),
        ("timeout_before_effect", FaultKind::TimeoutBeforeEffect),
        ("timeout_after_effect", FaultKind::TimeoutAfterEffect),
        ("slow", FaultKind::Slow { millis: 30 }),
        ("malformed_json", FaultKind::MalformedJson),
        ("missing_scopes", FaultKind::MissingScopes),
        ("locked", FaultKind::Locked),
        ("unauthorized", FaultKind::Unauthorized),
    ];
    let mut cases = Vec::new();
    for (name, kind) in kinds {
        for create in [true, false] {
            let operation = if create { "create" } else { "update" };
            let kind = kind.clone();
            cases.push(async move { format!("{name:<22} {operation}: {}", after(kind, create).await) });
        }
    }
    let mut table = String::from("\n");
    for line in futures_util::future::join_all(cases).await {
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    assert_eq!(table, EXPECTED, "found:{table}");
}

#[tokio::test]
async fn a_retry_gives_up_after_its_tries_and_says_so() {
    let mut bench = Bench::build().engine(|settings| settings.max_attempts = 3).start().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    let fault = Fault::new(Vendor::HubSpot, FaultKind::Locked).writes_about(&[&right]);
    bench.sandbox.add_fault(fault);
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49301111111"}), Webhook::Sent).unwrap();
    bench.work().await;
    let mut waits = Vec::new();
    while bench.newest().await.status == Status::Retrying {
        waits.push(bench.newest().await.due_at.unwrap().since(bench.now()));
        bench.work_when_due().await;
    }
    let row = bench.newest().await;
    assert_eq!((row.status, row.attempts), (Status::Failed, 3));
    assert!(row.sentence.contains("Given up after 3 tries."), "{}", row.sentence);
    assert_eq!(waits.len(), 2);
    assert!((2_500..=5_000).contains(&waits[0]) && (7_500..=15_000).contains(&waits[1]), "{waits:?}");
    bench.sandbox.clear_faults();
    bench.press("2").await;
    bench.says("its tries are used up");
    bench.press("r").await;
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Succeeded);
    assert_eq!(bench.hubspot(&right)["phone"], "+49301111111");
}
