//! The three-way rules, the plans of each vendor, and: whatever a merge did to the fields, its undo puts back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::fields::{CHANGED_SINCE, CONSENT, READ_ONLY, alike, by_rule, sort};
use super::*;
use crate::domain::record::Connection;
use crate::domain::undo::{Comes, Part};

fn fields(value: &Value) -> Fields {
    value.as_object().expect("an object").clone()
}

fn image(system: System, object: ObjectKind, id: &str, values: Fields) -> PreImage {
    PreImage {
        mirror: Mirror {
            record: RecordRef::new(system, object, id),
            fields: values,
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        },
        associations: BTreeMap::new(),
        incomplete: None,
    }
}

fn gone(before: PreImage, departure: Departure) -> Absorbed {
    Absorbed {
        before,
        departure,
        standing: None,
        written: Fields::new(),
        ties: Vec::new(),
        related: Vec::new(),
        schema: None,
    }
}

/// Two records merged by the vendor's rule, and nothing changed since.
fn merged(system: System, survivor: Fields, absorbed: Fields) -> Chain {
    let after = by_rule(system, true, &survivor, &absorbed).expect("a rule");
    let survivor = image(system, ObjectKind::Contact, "1", survivor);
    let result =
        RecordRef::new(system, ObjectKind::Contact, if system == System::Hubspot { "9" } else { "1" });
    Chain {
        now: Mirror { record: result.clone(), fields: after.clone(), ..survivor.mirror.clone() },
        survivor,
        absorbed: vec![gone(image(system, ObjectKind::Contact, "2", absorbed), Departure::Merged)],
        result,
        after: Some(after),
        whole: true,
        schema: None,
        reference: "intercom_contact_id".to_owned(),
    }
}

const RULES: Writing<'static> = Writing { system: System::Hubspot, schema: None };

#[test]
fn what_the_merge_changed_goes_back_and_a_later_word_stands() {
    let before =
        fields(&json!({"city": "Berlin", "zip": null, "phone": "1", "state": "BE", "hs_object_id": "1"}));
    let after =
        fields(&json!({"city": "Hamburg", "zip": "10115", "phone": "2", "state": "BE", "hs_object_id": "9"}));
    let now =
        fields(&json!({"city": "Hamburg", "zip": "10115", "phone": "3", "state": "HH", "hs_object_id": "9"}));
    let sorted = sort(&before, &after, (&now, true), &RULES);
    assert_eq!(sorted.restore, fields(&json!({"city": "Berlin", "zip": null})));
    let kept: Vec<(&str, &str)> = sorted.kept.iter().map(|kept| (kept.field.as_str(), kept.why)).collect();
    assert_eq!(kept, [("phone", CHANGED_SINCE)], "what the merge did not touch is nobody's business");
}

#[test]
fn consent_is_never_loosened_and_what_cannot_be_written_is_said() {
    let before = fields(&json!({"hs_email_optout": "false", "hs_score": "1"}));
    let after = fields(&json!({"hs_email_optout": "true", "hs_score": "2"}));
    let sorted = sort(&before, &after, (&after, true), &RULES);
    assert!(sorted.restore.is_empty());
    let kept: Vec<&str> = sorted.kept.iter().map(|kept| kept.why).collect();
    assert_eq!(kept, [CONSENT, READ_ONLY]);
    for (system, field) in
        [(System::Intercom, "unsubscribed_from_emails"), (System::Salesforce, "HasOptedOutOfEmail")]
    {
        let rules = Writing { system, schema: None };
        assert!(rules.loosens_consent(field, &json!(false)) && !rules.loosens_consent(field, &json!(true)));
    }
}

#[test]
fn a_field_that_was_not_looked_at_counts_as_unchanged_only_where_the_look_was_partial() {
    let (before, after) = (fields(&json!({"zip": "1"})), fields(&json!({"zip": "2"})));
    let none = Fields::new();
    assert_eq!(sort(&before, &after, (&none, false), &RULES).restore, before);
    assert_eq!(sort(&before, &after, (&none, true), &RULES).kept.len(), 1, "somebody emptied it");
}

#[test]
fn at_hubspot_the_email_is_free_before_the_contact_is_made_anew_and_related() {
    let mut chain = merged(
        System::Hubspot,
        fields(&json!({"email": "a@x.example", "lifecyclestage": "lead"})),
        fields(&json!({"email": "b@x.example", "intercom_contact_id": "u1", "hs_object_id": "2"})),
    );
    chain.now.fields.insert("hs_additional_emails".to_owned(), "b@x.example".into());
    let after = chain.after.as_mut().expect("read");
    after.insert("lifecyclestage".to_owned(), "customer".into());
    chain.now.fields.insert("lifecyclestage".to_owned(), "customer".into());
    let company = RecordRef::new(System::Hubspot, ObjectKind::Company, "c");
    let user = RecordRef::new(System::Intercom, ObjectKind::Contact, "u1");
    chain.absorbed[0].related = vec![company.clone()];
    chain.absorbed[0].ties =
        vec![Tie { other: user.clone(), field: "custom_attributes.hubspot_contact_id".to_owned() }];
    let undoing = plan(std::slice::from_ref(&chain));
    let steps = &undoing.planned.plan.steps;
    let words: Vec<&str> = steps.iter().map(|step| step.title.split(' ').next().unwrap_or("")).collect();
    assert_eq!(words, ["Empty", "Put", "Free", "Make", "Point"]);
    let Effect::Create { fields: made, identity, related, .. } = &steps[3].effect else { panic!("a create") };
    assert_eq!(*made, fields(&json!({"email": "b@x.example", "intercom_contact_id": "u1"})));
    assert_eq!((identity.as_str(), related.as_slice()), ("email", &[company][..]));
    assert_eq!(steps[4].fills, [Fill { field: "custom_attributes.hubspot_contact_id".into(), from_step: 3 }]);
    assert_eq!(steps[4].effect.connection(), &Connection::only(System::Intercom));

    // Where the survivor has taken the e-mail as its own, the other one goes without, and that is said.
    chain.now.fields.insert("email".to_owned(), "b@x.example".into());
    let undoing = plan(std::slice::from_ref(&chain));
    let made = undoing.planned.plan.steps.iter().find_map(|step| match &step.effect {
        Effect::Create { fields, .. } => Some(fields.clone()),
        _ => None,
    });
    assert!(!made.expect("a create").contains_key("email"));
    assert!(
        undoing.returns.iter().any(|one| one.part == Part::Fields && one.why.contains("except the e-mail"))
    );
}

#[test]
fn at_salesforce_the_record_is_brought_back_and_a_converted_lead_made_anew() {
    let mut chain = merged(
        System::Salesforce,
        fields(&json!({"Email": "a@x.example"})),
        fields(&json!({"Email": "b@x.example", "Phone": "1"})),
    );
    chain.absorbed[0].written = fields(&json!({"Phone": "2", "SystemModstamp": "x"}));
    let steps = plan(std::slice::from_ref(&chain)).planned.plan.steps;
    assert!(matches!(&steps[0].effect, Effect::Restore { record } if record.id == "2"), "{steps:#?}");
    let Effect::Update { fields: written, .. } = &steps[1].effect else { panic!("an update") };
    assert_eq!(*written, fields(&json!({"Phone": "1"})));

    let lead = json!({"Email": "b@x.example", "LastName": "B", "Company": "X", "IsConverted": false,
        "Intercom_Contact_ID__c": "u1", "SystemModstamp": "x", "Owner.Name": "y"});
    chain.absorbed =
        vec![gone(image(System::Salesforce, ObjectKind::Lead, "00Q", fields(&lead)), Departure::Converted)];
    chain.reference = "Intercom_Contact_ID__c".to_owned();
    chain.after = None;
    let undoing = plan(std::slice::from_ref(&chain));
    let [step] = undoing.planned.plan.steps.as_slice() else { panic!("{undoing:#?}") };
    let Effect::Create { fields: made, object, .. } = &step.effect else { panic!("a create") };
    assert_eq!(*object, ObjectKind::Lead);
    assert_eq!(*made, fields(&json!({"Email": "b@x.example", "LastName": "B", "Company": "X"})));
    let survivor = undoing.returns.iter().find(|one| one.record == chain.result && one.part == Part::Fields);
    assert_eq!(survivor.map(|one| one.comes), Some(Comes::Not), "nobody knows what the conversion wrote");
}

#[test]
fn what_stands_again_is_left_and_an_archived_user_is_unarchived() {
    let mut chain =
        merged(System::Intercom, fields(&json!({"role": "user"})), fields(&json!({"role": "user"})));
    chain.absorbed[0].departure = Departure::Archived;
    let steps = plan(std::slice::from_ref(&chain)).planned.plan.steps;
    assert!(matches!(steps.as_slice(), [Step { effect: Effect::Restore { .. }, .. }]), "{steps:#?}");
    chain.absorbed[0].standing = Some(chain.absorbed[0].before.mirror.record.clone());
    let undoing = plan(std::slice::from_ref(&chain));
    assert!(undoing.planned.plan.steps.is_empty() && undoing.planned.plan.nothing.is_some());
}

const NAMES: [&str; 8] =
    ["email", "phone", "city", "zip", "jobtitle", "intercom_contact_id", "hs_email_optout", "hs_object_id"];

fn some_fields() -> impl Strategy<Value = Fields> {
    let value =
        prop_oneof![Just(Value::Null), "[a-c]{0,2}".prop_map(Value::String), (0..3).prop_map(Value::from)];
    proptest::collection::vec(value, NAMES.len())
        .prop_map(|values| NAMES.iter().map(|name| (*name).to_owned()).zip(values).collect())
}

/// What the calls of a plan leave of the survivor.
fn carried_out(chain: &Chain, steps: &[Step]) -> Fields {
    let mut values = chain.now.fields.clone();
    for step in steps {
        if let Effect::Update { record, fields } = &step.effect
            && *record == chain.result
        {
            values.extend(fields.clone());
        }
    }
    values
}

proptest! {
    #[test]
    fn undo_of_merge_restores_every_restorable_field(
        survivor in some_fields(),
        absorbed in some_fields(),
        system in prop_oneof![Just(System::Hubspot), Just(System::Intercom), Just(System::Salesforce)],
    ) {
        let chain = merged(system, survivor.clone(), absorbed.clone());
        let rules = Writing { system, schema: None };
        let steps = plan(std::slice::from_ref(&chain)).planned.plan.steps;
        let values = carried_out(&chain, &steps);
        for (name, was) in &survivor {
            let restorable = rules.is_substance(name) && rules.may_write(name) && !rules.loosens_consent(name, was);
            if restorable {
                prop_assert!(alike(values.get(name).unwrap_or(&Value::Null), was), "{} {:?}", name, values);
            }
        }
        let back = steps.iter().find_map(|step| match &step.effect {
            Effect::Create { fields, .. } => Some(fields.clone()),
            Effect::Restore { .. } => Some(absorbed.clone()),
            _ => None,
        });
        let back = back.expect("the other record is there again");
        for (name, was) in absorbed.iter().filter(|(name, _)| rules.is_substance(name) && rules.may_write(name)) {
            let kept_by_survivor = name == "email" && values.get(name).is_some_and(|own| alike(own, was));
            if !kept_by_survivor {
                prop_assert!(alike(back.get(name).unwrap_or(&Value::Null), was), "{} {:?}", name, back);
            }
        }
    }

    #[test]
    fn what_somebody_changed_since_is_never_written(
        survivor in some_fields(), absorbed in some_fields(), since in some_fields(),
    ) {
        let mut chain = merged(System::Hubspot, survivor, absorbed);
        let after = chain.after.clone().expect("by the rule");
        chain.now.fields = since.clone();
        let steps = plan(std::slice::from_ref(&chain)).planned.plan.steps;
        for step in &steps {
            let Effect::Update { record, fields } = &step.effect else { continue };
            if *record != chain.result {
                continue;
            }
            for name in fields.keys() {
                let unchanged = alike(
                    since.get(name).unwrap_or(&Value::Null),
                    after.get(name).unwrap_or(&Value::Null),
                );
                prop_assert!(unchanged, "{} was changed since", name);
            }
        }
    }
}
