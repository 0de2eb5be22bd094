//! A vendor refuses; the operator sees why, mends the cause and presses one key.

use reknit::domain::execution::{Outcome, Status};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn a_refusal_is_explained_and_one_key_mends_it() {
    let mut bench = Bench::new().await;
    bench.sandbox.add_fault(
        Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("POST").body("mara@").times(1),
    );
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;

    let row = bench.newest().await;
    assert_eq!((row.status, row.error_code, row.attempts), (Status::Failed, Some(403), 1));
    assert_eq!(row.error_class.map(|class| class.to_string()).as_deref(), Some("permission"));
    assert_eq!(row.due_at, None);
    assert!(bench.sandbox.hubspot_find_by_email("mara@quint.example").is_none());

    bench.press("2").await;
    for text in [
        "Mara Quint",
        "403",
        "not permitted",
        "Nothing was written.",
        "lacks a scope; HubSpot names it",
        "Add that scope to the app in HubSpot",
        "HubSpot said \"This app hasn't been granted",
        "crm.objects.contacts.write",
    ] {
        bench.says(text);
    }
    bench.press("r").await;
    bench.says("1 execution queued again");
    bench.work().await;

    let row = bench.row(1).await;
    assert_eq!((row.status, row.outcome), (Status::Succeeded, Some(Outcome::Created)));
    bench.show_all().await;
    bench.press("G").await;
    bench.says("✓ succeeded");
    let right = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap();
    assert_eq!(right["properties"]["intercom_contact_id"], json!(left));
    assert_eq!(bench.count("hubspot.contact.create.api"), 1);
    assert_eq!(bench.books()["double_creates"], json!([]));
    let audit = bench.audit().await;
    assert!(audit[0].starts_with("olga retry ex_1: Was failed."), "{audit:#?}");
    assert!(audit.iter().any(|line| line.starts_with("engine create hubspot/contact/")), "{audit:#?}");
}
