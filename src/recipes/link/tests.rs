//! Links, companies made for a link, and the way back.

use serde_json::json;

use super::*;
use crate::domain::record::value_text;
use crate::mapping::Mappings;

fn person(system: System, companies: &[&str]) -> Mirror {
    mirror(RecordRef::new(system, ObjectKind::Contact, "151"), &json!({"email": "a@b.example"}), companies)
}

fn mirror(record: RecordRef, fields: &Value, companies: &[&str]) -> Mirror {
    Mirror {
        record,
        fields: fields.as_object().expect("an object").clone(),
        vendor_updated_at: None,
        companies: companies.iter().map(|id| (*id).to_owned()).collect(),
        deleted: false,
    }
}

fn company(system: System, id: &str, fields: &Value) -> Mirror {
    mirror(RecordRef::new(system, ObjectKind::Company, id), fields, &[])
}

fn planned(person: &Mirror, how: LinkAs) -> (Option<(Relation, Option<String>)>, String) {
    let quint = company(person.record.system(), "812", &json!({"name": "Quint", "Name": "Quint"}));
    let linked = link(person, &quint, how, None).expect("possible");
    let relation = linked.planned.plan.steps.first().map(|step| match &step.effect {
        Effect::Link { relation, former, .. } => (*relation, former.clone()),
        other => panic!("{other:?}"),
    });
    (relation, linked.notes.join(" "))
}

#[test]
fn the_primary_company_changes_only_when_it_is_asked_for() {
    let none = person(System::Hubspot, &[]);
    let (relation, said) = planned(&none, LinkAs::Auto);
    assert_eq!(relation, Some((Relation::Usual, None)));
    assert!(said.contains("becomes its primary one"), "{said}");
    let some = person(System::Hubspot, &["7", "9"]);
    let (relation, said) = planned(&some, LinkAs::Auto);
    assert_eq!(relation, Some((Relation::Beside, None)));
    assert!(said.contains("primary company is 7 and stays so"), "{said}");
    let (relation, said) = planned(&some, LinkAs::Primary);
    assert_eq!(relation, Some((Relation::Primary, Some("7".to_owned()))));
    assert!(said.contains("instead of 7"), "{said}");
    assert_eq!(planned(&person(System::Hubspot, &["812"]), LinkAs::Auto).0, None);
    // It is related, but not in the first place.
    assert_eq!(
        planned(&person(System::Hubspot, &["7", "812"]), LinkAs::Primary).0,
        Some((Relation::Primary, Some("7".to_owned())))
    );
}

#[test]
fn a_salesforce_contact_gets_its_account_or_a_further_one() {
    assert_eq!(planned(&person(System::Salesforce, &[]), LinkAs::Auto).0, Some((Relation::Usual, None)));
    let (relation, said) = planned(&person(System::Salesforce, &["001"]), LinkAs::Auto);
    assert_eq!(relation, Some((Relation::Beside, None)));
    assert!(said.contains("account 001 already, which stays"), "{said}");
    let none = person(System::Salesforce, &[]);
    let quint = company(System::Salesforce, "812", &json!({"Name": "Quint"}));
    assert!(link(&none, &quint, LinkAs::Beside, None).is_err());
}

#[test]
fn a_lead_is_converted_or_named_but_never_silently() {
    let lead =
        mirror(RecordRef::new(System::Salesforce, ObjectKind::Lead, "00Q"), &json!({"Company": "Qint"}), &[]);
    let quint = company(System::Salesforce, "001", &json!({"Name": "Quint"}));
    let said = link(&lead, &quint, LinkAs::Auto, None).expect_err("not unasked").0;
    assert!(said.contains("--lead convert") && said.contains("--lead text"), "{said}");
    let converted = link(&lead, &quint, LinkAs::Convert, None).expect("possible");
    assert!(converted.irreversible);
    let named = link(&lead, &quint, LinkAs::Text, None).expect("possible");
    let Effect::Update { fields, .. } = &named.planned.plan.steps[0].effect else { panic!("{named:?}") };
    assert_eq!(fields["Company"], "Quint");
    assert!(link(&person(System::Salesforce, &[]), &quint, LinkAs::Convert, None).is_err());
}

#[test]
fn r200_each_company_learns_the_others_id_unless_one_names_another() {
    let mappings = Mappings::shipped();
    let mapping = mappings.named("company").expect("it ships");
    let theirs = company(System::Intercom, "64e2", &json!({"name": "Quint"}));
    let quint = company(System::Hubspot, "812", &json!({"name": "Quint"}));
    let twin = Twin { company: &theirs, mapping };
    let linked = link(&person(System::Hubspot, &[]), &quint, LinkAs::Auto, Some(&twin)).expect("possible");
    let written: Vec<String> = linked.planned.plan.steps[1..]
        .iter()
        .map(|step| match &step.effect {
            Effect::Update { record, fields } => {
                let (name, value) = fields.iter().next().expect("one field");
                format!("{record} {name}={}", value_text(value))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        written,
        [
            "hubspot/company/812 intercom_company_id=64e2",
            "intercom/company/64e2 custom_attributes.hubspot_company_id=812"
        ]
    );
    let taken = company(System::Hubspot, "812", &json!({"name": "Quint", "intercom_company_id": "other"}));
    let linked = link(&person(System::Hubspot, &[]), &taken, LinkAs::Auto, Some(&twin)).expect("possible");
    assert_eq!(linked.planned.plan.steps.len(), 1);
    assert!(linked.notes.iter().any(|note| note.contains("names another")), "{:?}", linked.notes);
}

#[test]
fn a_company_is_made_with_an_identity_and_the_relation_waits_for_its_id() {
    let linked = found(&person(System::Hubspot, &[]), ("Quint", "Quint.example"), None).expect("possible");
    let [create, relate] = &linked.planned.plan.steps[..] else { panic!("{linked:?}") };
    let Effect::Create { fields, identity, .. } = &create.effect else { panic!("{create:?}") };
    assert_eq!((identity.as_str(), &fields["domain"]), ("domain", &json!("quint.example")));
    let mut effect = relate.effect.clone();
    effect.fill(&relate.fills[0].field, &RecordRef::new(System::Hubspot, ObjectKind::Company, "9"));
    assert!(matches!(&effect, Effect::Link { company, .. } if company.id == "9"), "{effect:?}");

    let mappings = Mappings::shipped();
    let twin = Twin {
        company: &company(System::Intercom, "64e2", &json!({"name": "Q", "size": 4})),
        mapping: mappings.named("company").expect("it ships"),
    };
    let linked = found(&person(System::Hubspot, &[]), ("Quint", ""), Some(&twin)).expect("possible");
    let [create, _, back] = &linked.planned.plan.steps[..] else { panic!("{linked:?}") };
    let Effect::Create { fields, identity, .. } = &create.effect else { panic!("{create:?}") };
    assert_eq!((identity.as_str(), &fields["name"]), ("intercom_company_id", &json!("Quint")));
    assert_eq!(back.fills[0].from_step, 0);
    assert!(found(&person(System::Hubspot, &[]), (" ", ""), None).is_err());
    assert!(found(&person(System::Hubspot, &["7"]), ("Quint", ""), None).is_err(), "has one by now");
}

fn done(person: &Mirror, relation: Relation, former: Option<&str>) -> Vec<Step> {
    let mut step = Step::new(
        "x",
        Effect::Link {
            contact: person.record.clone(),
            company: RecordRef::new(person.record.system(), ObjectKind::Company, "812"),
            relation,
            former: former.map(str::to_owned),
        },
    );
    step.state = StepState::Done;
    vec![step]
}

#[test]
fn an_undo_takes_back_what_stands_and_says_what_somebody_changed() {
    let at = person(System::Hubspot, &["812", "7"]);
    let linked = undo(&done(&at, Relation::Primary, Some("7")), &at).expect("possible");
    let [restore, take] = &linked.planned.plan.steps[..] else { panic!("{linked:?}") };
    assert!(
        matches!(&restore.effect, Effect::Link { company, relation: Relation::Primary, .. } if company.id == "7")
    );
    assert!(matches!(&take.effect, Effect::Unlink { company, .. } if company.id == "812"));
    // Somebody chose another primary company since.
    let moved = person(System::Hubspot, &["7", "812"]);
    let linked = undo(&done(&moved, Relation::Primary, Some("7")), &moved).expect("possible");
    assert_eq!(linked.planned.plan.steps.len(), 1);
    assert!(linked.notes[0].contains("changed since"), "{:?}", linked.notes);
    let gone = person(System::Hubspot, &["7"]);
    assert!(
        undo(&done(&gone, Relation::Usual, None), &gone).expect("possible").planned.plan.nothing.is_some()
    );

    let at = person(System::Salesforce, &["812"]);
    assert_eq!(undo(&done(&at, Relation::Usual, None), &at).expect("possible").planned.plan.steps.len(), 1);
    let moved = person(System::Salesforce, &["999"]);
    let said = undo(&done(&moved, Relation::Usual, None), &moved).expect_err("changed").0;
    assert!(said.contains("account 999 by now"), "{said}");
    assert!(undo(&done(&at, Relation::Converted, None), &at).is_err());
    assert!(undo(&[], &at).is_err(), "nothing was made");
}
