//! Our own writes come back as webhooks; they start nothing.

use reknit::domain::review::ConflictKind;
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn r6_a_change_on_either_side_travels_once_and_its_echo_starts_nothing() {
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
async fn g11_a_thousand_edits_on_both_sides_of_one_field_settle_without_ping_pong() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49300000000"})).await;
    let effects = bench.effects().len();
    let mut phone = String::new();
    for round in 1..=1_000 {
        phone = format!("+49301{round:06}");
        let change = json!({"phone": phone});
        if round % 2 == 0 {
            bench.sandbox.edit_intercom_contact(&left, &change, Webhook::Sent).unwrap();
        } else {
            bench.sandbox.edit_hubspot_contact(&right, &change, Webhook::Sent).unwrap();
        }
        bench.work().await;
    }
    let writes = bench.effects().len() - effects;
    eprint(&format!(
        "G11 loop guard: 1,000 edits of one field, both sides in turn: {writes} writes, {} echoes dropped, {} conflicts",
        bench.tables().counter("echoes.dropped"),
        bench.conflicts().await.len()
    ));
    assert_eq!(writes, 1_000, "one write for each change");
    let (ours, theirs) = (bench.intercom(&left), bench.hubspot(&right));
    assert_eq!((&ours["phone"], &theirs["phone"]), (&json!(phone), &json!(phone)));
    assert!(bench.conflicts().await.is_empty());
}

#[tokio::test]
async fn g11_every_mapped_field_travels_with_one_write_and_its_echo_starts_nothing() {
    let mut bench = Bench::new().await;
    let more = json!({"phone": "+49300000000", "custom_attributes": {"job_title": "Nr 0", "plan": "trial"}});
    let (left, right) = bench.known_person("mara@quint.example", &more).await;
    // All but the referral code, whose property the emulated account lacks.
    let changes = [
        (true, json!({"email": "mara.q@quint.example"})),
        (true, json!({"name": "Mara Quist"})),
        (true, json!({"phone": "+49300000001"})),
        (false, json!({"phone": "+49300000002"})),
        (true, json!({"custom_attributes": {"job_title": "Nr 1"}})),
        (false, json!({"jobtitle": "Nr 2"})),
        (true, json!({"custom_attributes": {"plan": "pro"}})),
        (true, json!({"signed_up_at": 1_700_000_000})),
        (false, json!({"lifecyclestage": "customer"})),
    ];
    for (in_intercom, change) in &changes {
        let effects = bench.effects().len();
        if *in_intercom {
            bench.sandbox.edit_intercom_contact(&left, change, Webhook::Sent).unwrap();
        } else {
            bench.sandbox.edit_hubspot_contact(&right, change, Webhook::Sent).unwrap();
        }
        bench.work().await;
        assert_eq!(bench.effects().len(), effects + 1, "{change}: {:#?}", &bench.effects()[effects..]);
    }
    assert!(bench.conflicts().await.is_empty());
    eprint(&format!("G11 every mapped field: {} changes, one write each", changes.len()));
}

#[tokio::test]
async fn g11_going_back_to_a_value_we_once_wrote_is_a_change_and_no_echo() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49300000001"})).await;
    // Ours in HubSpot: 2. Then people there change it to 3 and back to 2.
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49300000002"}), Webhook::Sent).unwrap();
    bench.work().await;
    for phone in ["+49300000003", "+49300000002"] {
        bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": phone}), Webhook::Sent).unwrap();
        bench.work().await;
        assert_eq!(bench.intercom(&left)["phone"], json!(phone));
    }
    // And in Intercom, whose webhooks carry the whole record: ours there is 2, theirs 3, then 2 again.
    for phone in ["+49300000003", "+49300000002"] {
        bench.sandbox.edit_intercom_contact(&left, &json!({"phone": phone}), Webhook::Sent).unwrap();
        bench.work().await;
        assert_eq!(bench.hubspot(&right)["phone"], json!(phone));
    }
    assert!(bench.conflicts().await.is_empty());
}

#[tokio::test]
async fn g11_an_app_that_answers_every_write_with_another_value_is_stopped_by_the_fifth_write() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49300000001"})).await;
    let effects = bench.effects().len();
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49300000002"}), Webhook::Sent).unwrap();
    let mut answers = 0;
    loop {
        bench.work().await;
        if !bench.conflicts().await.is_empty() || answers > 20 {
            break;
        }
        // Each side has an app that puts a letter behind what it finds.
        answers += 1;
        let (there, here) = (bench.hubspot(&right)["phone"].clone(), bench.intercom(&left)["phone"].clone());
        let longer = |phone: &serde_json::Value| json!({"phone": format!("{}1", phone.as_str().unwrap())});
        if answers % 2 == 1 {
            bench.hubspot_app_writes(&right, &longer(&there)).await;
        } else {
            bench.sandbox.edit_intercom_contact(&left, &longer(&here), Webhook::Sent).unwrap();
        }
    }
    let writes = bench.effects().len() - effects - answers / 2 - answers % 2;
    eprint(&format!(
        "G11 hostile echo: stopped after {writes} writes of ours and {answers} answers of the apps"
    ));
    assert!(writes <= 4, "{writes} writes");
    let conflicts = bench.conflicts().await;
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].kind, conflicts[0].field.as_str()), (ConflictKind::Flapping, "Phone"));
    bench.press("3").await;
    bench.says("went back and forth");
    // Only that field is held back, and the app's further answers change nothing.
    let before = bench.effects().len();
    bench.sandbox.edit_intercom_contact(&left, &json!({"name": "Mara Quist"}), Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["lastname"], json!("Quist"));
    assert_eq!(bench.effects().len(), before + 1);
}

fn eprint(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
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
