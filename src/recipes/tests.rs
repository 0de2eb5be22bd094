//! What the recipes plan, fact by fact.

use serde_json::{Value, json};

use super::contact_sync::{Facts, Way, plan};
use super::mend;
use crate::domain::agreement::Agreement;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Choice, ConflictKind};
use crate::mapping::Mapping;

fn mirror(system: System, id: &str, fields: Value) -> Mirror {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    Mirror {
        record: RecordRef::new(system, ObjectKind::Contact, id),
        fields,
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    }
}

fn crm() -> Connection {
    Connection::only(System::Hubspot)
}

fn jane() -> (Mirror, Mirror) {
    let left = mirror(
        System::Intercom,
        "a1",
        json!({"email": "jane@acme.test", "name": "Jane Doe", "phone": "1", "custom_attributes.hubspot_contact_id": "151"}),
    );
    let right = mirror(
        System::Hubspot,
        "151",
        json!({"email": "jane@acme.test", "firstname": "Jane", "lastname": "Doe", "phone": "1", "intercom_contact_id": "a1"}),
    );
    (left, right)
}

fn agreed(field: &str, left: Value, right: Value) -> Agreement {
    Agreement { field: field.into(), left, right }
}

#[test]
fn a_new_person_is_created_once_and_cross_referenced() {
    let left = mirror(System::Intercom, "a1", json!({"email": "jane@acme.test", "name": "Jane Doe"}));
    let planned =
        plan(Way::ToCrm, &Facts { intercom: Some(left), ..Facts::default() }, &Mapping::shipped(), &crm());
    let steps = &planned.plan.steps;
    assert_eq!(steps.len(), 2);
    let Effect::Create { fields, identity, .. } = &steps[0].effect else { panic!("{steps:?}") };
    assert_eq!(
        (fields["firstname"].clone(), fields["intercom_contact_id"].clone()),
        (json!("Jane"), json!("a1"))
    );
    assert_eq!(identity, "email");
    assert_eq!(steps[1].fills[0].from_step, 0);
}

#[test]
fn nobody_is_created_without_an_e_mail_or_beside_a_second_match() {
    let left = mirror(System::Intercom, "a1", json!({"name": "Jane Doe"}));
    let facts = Facts { intercom: Some(left), ..Facts::default() };
    let planned = plan(Way::ToCrm, &facts, &Mapping::shipped(), &crm());
    assert!(planned.plan.steps.is_empty() && planned.plan.nothing.is_some());
    let (left, right) = jane();
    let also = vec![RecordRef::new(System::Hubspot, ObjectKind::Contact, "152")];
    let facts = Facts { intercom: Some(left), crm: Some(right), also, ..Facts::default() };
    let planned = plan(Way::ToCrm, &facts, &Mapping::shipped(), &crm());
    assert!(planned.plan.steps.is_empty(), "{planned:?}");
}

#[test]
fn a_conflict_holds_back_its_own_field_only() {
    let (mut left, mut right) = jane();
    left.fields.insert("phone".into(), json!("2"));
    right.fields.insert("phone".into(), json!("3"));
    left.fields.insert("custom_attributes.job_title".into(), json!("CTO"));
    let agreements =
        vec![agreed("Phone", json!("1"), json!("1")), agreed("Job title", Value::Null, Value::Null)];
    let facts = Facts { intercom: Some(left), crm: Some(right), agreements, ..Facts::default() };
    let planned = plan(Way::ToCrm, &facts, &Mapping::shipped(), &crm());
    assert_eq!(planned.plan.conflicts.len(), 1);
    assert_eq!(planned.plan.conflicts[0].kind, ConflictKind::BothChanged);
    let Effect::Update { fields, .. } = &planned.plan.steps[0].effect else { panic!("{planned:?}") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["jobtitle"]);
    let held = Facts { held: vec!["Phone".into()], ..facts };
    assert!(plan(Way::ToCrm, &held, &Mapping::shipped(), &crm()).plan.conflicts.is_empty());
}

#[test]
fn a_run_carries_changes_one_way_only() {
    let (mut left, mut right) = jane();
    left.fields.insert("phone".into(), json!("2"));
    right.fields.insert("jobtitle".into(), json!("CTO"));
    let agreements =
        vec![agreed("Phone", json!("1"), json!("1")), agreed("Job title", Value::Null, Value::Null)];
    let facts = Facts { intercom: Some(left), crm: Some(right), agreements, ..Facts::default() };
    for (way, record) in [(Way::ToCrm, "hubspot/contact/151"), (Way::ToIntercom, "intercom/contact/a1")] {
        let planned = plan(way, &facts, &Mapping::shipped(), &crm());
        assert_eq!(planned.plan.steps.len(), 1, "{way:?}");
        let Effect::Update { record: written, .. } = &planned.plan.steps[0].effect else {
            panic!("{planned:?}")
        };
        assert_eq!(written.to_string(), record);
    }
}

#[test]
fn a_decision_writes_exactly_its_field_on_the_chosen_side() {
    let mapping = Mapping::shipped();
    let (mut left, mut right) = jane();
    left.fields.insert("phone".into(), json!("2"));
    right.fields.insert("phone".into(), json!("3"));
    let field = mapping.field("Phone").expect("shipped");
    let written = |choice: Choice| -> Vec<(String, Value)> {
        let planned = mend::resolve(&choice, ConflictKind::BothChanged, field, &left, &right, &mapping)
            .expect("possible");
        planned
            .plan
            .steps
            .into_iter()
            .map(|step| match step.effect {
                Effect::Update { record, fields } => (record.to_string(), Value::Object(fields)),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(written(Choice::Left), [("hubspot/contact/151".into(), json!({"phone": "2"}))]);
    assert_eq!(written(Choice::Right), [("intercom/contact/a1".into(), json!({"phone": "3"}))]);
    assert_eq!(
        written(Choice::Value("4".into())),
        [
            ("hubspot/contact/151".into(), json!({"phone": "4"})),
            ("intercom/contact/a1".into(), json!({"phone": "4"}))
        ]
    );
}

#[test]
fn a_tier_no_table_knows_can_be_decided_but_not_guessed() {
    let mapping = Mapping::shipped();
    let (mut left, right) = jane();
    left.fields.insert("custom_attributes.plan".into(), json!("enterprise_plus"));
    let field = mapping.field("Plan").expect("shipped");
    let error = mend::resolve(&Choice::Left, ConflictKind::NotAllowed, field, &left, &right, &mapping)
        .expect_err("no counterpart");
    assert!(error.to_string().contains("OPEN_DEAL"), "{error}");
    let planned = mend::resolve(
        &Choice::Value("OPEN_DEAL".into()),
        ConflictKind::NotAllowed,
        field,
        &left,
        &right,
        &mapping,
    )
    .expect("possible");
    assert_eq!(planned.plan.steps.len(), 1);
    assert_eq!(planned.will_agree[0].left, json!("enterprise_plus"));
}

#[test]
fn leaving_a_field_out_that_the_crm_does_not_have_empties_nothing() {
    let mapping = Mapping::shipped();
    let (mut left, right) = jane();
    left.fields.insert("custom_attributes.referral_code".into(), json!("FRIEND-1"));
    let field = mapping.field("Referral code").expect("shipped");
    let planned = mend::resolve(&Choice::Right, ConflictKind::UnknownField, field, &left, &right, &mapping)
        .expect("possible");
    assert!(planned.plan.steps.is_empty(), "{planned:?}");
    assert_eq!(planned.will_agree[0].left, json!("FRIEND-1"));
}

#[test]
fn a_record_that_changed_since_it_was_shown_is_noticed_but_its_stamps_are_not() {
    let (_, mut right) = jane();
    let shown = right.fields.clone();
    right.fields.insert("lastmodifieddate".into(), json!("2026-01-01T00:00:00Z"));
    right.fields.insert("hs_object_id".into(), json!("151"));
    assert_eq!(mend::changed_since(&shown, &right), None);
    right.fields.insert("jobtitle".into(), json!("CTO"));
    assert_eq!(mend::changed_since(&shown, &right), Some("jobtitle"));
}
