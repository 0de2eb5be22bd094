//! Both sides changed a phone number; the operator decides, and exactly that field is written on exactly one side.

use reknit::domain::execution::Status;
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use crate::support::Bench;

const OURS: &str = "+49302222222";
const THEIRS: &str = "+49893333333";

/// A bench with one conflict on the phone, both ids, and both records as they stand then.
async fn disputed() -> (Bench, (String, String), (Value, Value)) {
    let mut bench = Bench::new().await;
    let more = json!({"phone": "+49301111111", "custom_attributes": {"plan": "pro", "job_title": "Buyer"}});
    let (left, right) = bench.known_person("mara@quint.example", &more).await;
    let ours = json!({"phone": OURS, "custom_attributes": {"job_title": "Head of Buying"}});
    bench.sandbox.edit_intercom_contact(&left, &ours, Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": THEIRS}), Webhook::Sent).unwrap();
    bench.work().await;
    let open = bench.conflicts().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(
        (open[0].field.as_str(), &open[0].left_value, &open[0].right_value),
        ("Phone", &json!(OURS), &json!(THEIRS))
    );
    assert_eq!(open[0].base, Some(json!("+49301111111")));
    assert_eq!(
        bench.hubspot(&right)["jobtitle"],
        "Head of Buying",
        "a conflict holds back its own field only"
    );
    let records = (bench.intercom(&left), bench.hubspot(&right));
    assert_eq!((&records.0["phone"], &records.1["phone"]), (&json!(OURS), &json!(THEIRS)));
    bench.press("3").await;
    for text in ["Mara Quint", "Phone", "both changed", OURS, THEIRS, "last agreed"] {
        bench.says(text);
    }
    (bench, (left, right), records)
}

/// What changed between two copies of a record, by name.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
    let names = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

async fn settled(bench: &mut Bench, how: &str) {
    bench.work().await;
    assert_eq!(bench.newest().await.status, Status::Succeeded);
    let row = bench.tables().row("SELECT state, resolution FROM conflicts");
    assert_eq!(row["state"], "done", "{row}");
    assert!(bench.conflicts().await.is_empty());
    bench.says_not(OURS);
    let audit = bench.audit().await;
    assert!(
        audit.iter().any(|line| line.starts_with("olga resolve cf_1") && line.contains(how)),
        "{audit:#?}"
    );
    // The decision holds: nothing comes back, by webhook or by looking.
    let calls = bench.effects().len();
    bench.engine.poll_once().await.unwrap();
    bench.work().await;
    assert_eq!((bench.effects().len(), bench.conflicts().await.len()), (calls, 0));
}

#[tokio::test]
async fn taking_the_left_side_writes_that_field_in_the_crm_and_nothing_else() {
    let (mut bench, (left, right), before) = disputed().await;
    bench.press("Left").await;
    bench.says("✓ ←");
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open", "only marked");
    bench.press("Enter").await;
    for text in ["PATCH", &format!("/crm/v3/objects/contacts/{right}"), OURS, "1 call", "Y Send"] {
        bench.says(text);
    }
    let effects = bench.effects().len();
    for no in ["Enter", "d y Esc"] {
        bench.press(no).await;
        assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open", "{no}");
    }
    bench.press("d Y").await;
    bench.work().await;
    assert_eq!(bench.intercom(&left), before.0);
    let after = bench.hubspot(&right);
    assert_eq!((changed(&before.1, &after), &after["phone"]), (vec!["phone".to_owned()], &json!(OURS)));
    assert_eq!(bench.effects()[effects..], [format!("hubspot contact update {right}")]);
    settled(&mut bench, "Took Intercom's value.").await;
}

#[tokio::test]
async fn taking_the_right_side_writes_that_field_in_intercom_and_nothing_else() {
    let (mut bench, (left, right), before) = disputed().await;
    let effects = bench.effects().len();
    bench.press("Right Enter").await;
    bench.says("PUT");
    bench.says(&format!("/contacts/{left}"));
    bench.press("Y").await;
    bench.work().await;
    let after = bench.intercom(&left);
    assert_eq!((changed(&before.0, &after), &after["phone"]), (vec!["phone".to_owned()], &json!(THEIRS)));
    assert_eq!(bench.hubspot(&right), before.1);
    assert_eq!(bench.effects()[effects..], [format!("intercom contact update {left}")]);
    settled(&mut bench, "Took the CRM's value.").await;
}

#[tokio::test]
async fn a_typed_value_goes_to_both_sides_and_to_no_other_field() {
    let (mut bench, (left, right), before) = disputed().await;
    bench.press("e").await;
    bench.retype("+494444444444").await;
    bench.press("Enter").await;
    bench.says("✓ e");
    bench.press("Enter").await;
    bench.says("2 calls");
    bench.press("Enter").await;
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open");
    bench.press("d Y").await;
    bench.work().await;
    for (before, after) in [(&before.0, bench.intercom(&left)), (&before.1, bench.hubspot(&right))] {
        assert_eq!(
            (changed(before, &after), &after["phone"]),
            (vec!["phone".to_owned()], &json!("+494444444444"))
        );
    }
    settled(&mut bench, "Took a typed value.").await;
}

#[tokio::test]
async fn read_only_decides_nothing() {
    let mut bench = Bench::build().read_only().start().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({"phone": "+49301111111"})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": OURS}), Webhook::Sent).unwrap();
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": THEIRS}), Webhook::Sent).unwrap();
    bench.work().await;
    let (effects, audit) = (bench.effects(), bench.audit().await);
    bench.press("3 Left Enter Y").await;
    bench.says("read-only");
    bench.work().await;
    assert_eq!(bench.tables().row("SELECT state FROM conflicts")["state"], "open");
    assert_eq!((bench.effects(), bench.audit().await), (effects, audit));
}

/// A settled conflict, and the console on the list of those that are settled.
async fn settled_left() -> (Bench, (String, String), usize) {
    let (mut bench, (left, right), _) = disputed().await;
    bench.press("Left Enter Y").await;
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], OURS);
    let effects = bench.effects().len();
    (bench, (left, right), effects)
}

#[tokio::test]
async fn r29_a_settled_conflict_is_taken_back_and_open_again_and_nothing_carries_the_old_value_over() {
    let (mut bench, (left, right), effects) = settled_left().await;
    bench.press("u").await;
    for text in ["Take the decision on Phone", "PATCH", THEIRS, "waits for a decision again"] {
        bench.says(text);
    }
    bench.press("Enter").await;
    assert_eq!(bench.effects().len(), effects, "Enter sends nothing");
    bench.press("u Y").await;
    bench.work().await;
    assert_eq!(bench.effects()[effects..], [format!("hubspot contact update {right}")]);
    assert_eq!(
        (&bench.hubspot(&right)["phone"], &bench.intercom(&left)["phone"]),
        (&json!(THEIRS), &json!(OURS))
    );
    let open = bench.conflicts().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!((&open[0].left_value, &open[0].right_value), (&json!(OURS), &json!(THEIRS)));
    assert_eq!(open[0].base, Some(json!("+49301111111")));
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("olga reopen cf_1")), "{audit:#?}");
    // Events about either side find the two still apart, and carry nothing over.
    bench.sandbox.edit_intercom_contact(&left, &json!({"name": "Mara Q."}), Webhook::Sent).unwrap();
    bench.work().await;
    bench.engine.poll_once().await.unwrap();
    bench.work().await;
    assert_eq!(
        (&bench.hubspot(&right)["phone"], &bench.intercom(&left)["phone"]),
        (&json!(THEIRS), &json!(OURS))
    );
    // And it can be decided the other way.
    bench.press("3 Right Enter Y").await;
    bench.work().await;
    assert_eq!(
        (&bench.hubspot(&right)["phone"], &bench.intercom(&left)["phone"]),
        (&json!(THEIRS), &json!(THEIRS))
    );
}

#[tokio::test]
async fn a_settled_conflict_is_not_taken_back_over_what_somebody_wrote_since() {
    let (mut bench, (_, right), effects) = settled_left().await;
    // Nothing told us: our copy still has what was settled, so the preview is made, and the run finds out.
    bench.sandbox.edit_hubspot_contact(&right, &json!({"phone": "+431555"}), Webhook::Silent).unwrap();
    bench.press("3 /").await;
    bench.retype("status:done").await;
    bench.press("Enter").await;
    bench.says("✓ Settled");
    bench.says("u takes the decision back");
    for not in ["What to do about", "? ← or →"] {
        bench.says_not(not);
    }
    bench.press("u Y").await;
    bench.work().await;
    let row = bench.newest().await;
    assert_eq!(row.status, Status::Failed, "{}", row.sentence);
    assert!(
        row.sentence.contains("+431555") && row.sentence.contains("not written over"),
        "{}",
        row.sentence
    );
    assert_eq!(bench.hubspot(&right)["phone"], "+431555");
    assert_eq!(bench.effects().len(), effects);
}
