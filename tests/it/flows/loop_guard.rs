//! Our own writes come back as webhooks; they start nothing.

use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn a_change_on_either_side_travels_once_and_its_echo_starts_nothing() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    let edits: [(&str, bool); 2] = [("+49302222222", true), ("+49303333333", false)];
    for (phone, in_intercom) in edits {
        let (rows, effects) = (bench.rows().await.len(), bench.effects().len());
        let (echoes, events) =
            (bench.tables().counter("echoes.dropped"), bench.tables().number("SELECT count(*) FROM events"));
        let change = json!({"phone": phone});
        if in_intercom {
            bench.sandbox.edit_intercom_contact(&left, &change, Webhook::Sent).unwrap();
        } else {
            bench.sandbox.edit_hubspot_contact(&right, &change, Webhook::Sent).unwrap();
        }
        bench.delivered().await;
        bench.engine.work_off().await;
        let calls = bench.calls();
        // The echo arrives only now, after the work.
        bench.work().await;
        assert_eq!(bench.calls(), calls, "an echo causes no call");
        assert_eq!(bench.rows().await.len(), rows + 1, "an echo causes no execution");
        assert_eq!(bench.effects().len(), effects + 1);
        assert_eq!(
            (&bench.intercom(&left)["phone"], &bench.hubspot(&right)["phone"]),
            (&json!(phone), &json!(phone))
        );
        let tables = bench.tables();
        assert_eq!(tables.counter("echoes.dropped"), echoes + 1);
        assert_eq!(
            tables.number("SELECT count(*) FROM events"),
            events + 2,
            "the echo is kept, only not acted on"
        );
    }
}

#[tokio::test]
async fn r89_edits_on_both_sides_settle_without_ping_pong() {
    let mut bench = Bench::new().await;
    let more = json!({"phone": "+49300000000", "custom_attributes": {"job_title": "Nr 0"}});
    let (left, right) = bench.known_person("mara@quint.example", &more).await;
    let effects = bench.effects().len();
    for round in 1..=50 {
        let ours = json!({"phone": format!("+49301{round:06}")});
        bench.sandbox.edit_intercom_contact(&left, &ours, Webhook::Sent).unwrap();
        let theirs = json!({"jobtitle": format!("Nr {round}")});
        bench.sandbox.edit_hubspot_contact(&right, &theirs, Webhook::Sent).unwrap();
        if round % 5 == 0 {
            bench.work().await;
        }
    }
    bench.work().await;
    let (ours, theirs) = (bench.intercom(&left), bench.hubspot(&right));
    assert_eq!((&ours["phone"], &theirs["phone"]), (&json!("+49301000050"), &json!("+49301000050")));
    assert_eq!(
        (&ours["custom_attributes"]["job_title"], &theirs["jobtitle"]),
        (&json!("Nr 50"), &json!("Nr 50"))
    );
    let writes = bench.effects().len() - effects;
    assert!((20..=100).contains(&writes), "{writes} writes for 100 edits");
    assert!(bench.tables().counter("echoes.dropped") >= 20);
    assert!(bench.conflicts().await.is_empty());
    // Quiet: nothing is left to do, by webhook or by looking.
    let effects = bench.effects().len();
    assert_eq!(bench.engine.poll_once().await.unwrap(), 0);
    assert_eq!(bench.work().await, 0);
    assert_eq!(bench.effects().len(), effects);
}

#[tokio::test]
async fn executions_of_one_person_never_run_side_by_side() {
    let mut bench = Bench::new().await;
    let user = json!({"role": "user", "email": "mara@quint.example", "name": "Mara Quint"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    // HubSpot's webhooks about the contact we made may have come before we knew whose it is.
    let right = bench.sandbox.hubspot_find_by_email("mara@quint.example").unwrap()["id"].clone();
    let stage = json!({"lifecyclestage": "customer"});
    bench.sandbox.edit_hubspot_contact(right.as_str().unwrap(), &stage, Webhook::Sent).unwrap();
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    let lanes = bench.tables().texts("SELECT DISTINCT lane FROM executions WHERE status = 'pending'");
    assert_eq!(lanes, [format!("intercom/contact/{left}")]);
    bench.work().await;
    // The lifecycle stage HubSpot gave the new contact was written to Intercom once, not once for each webhook.
    let unchanged =
        bench.count("intercom.contact.unchanged.api") + bench.count("hubspot.contact.unchanged.api");
    assert_eq!(unchanged, 0, "{:#?}", bench.effects());
}
