//! Rules, survivors, losses, calls of merges: pure, from records made here.

use serde_json::{Value, json};

use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::merge::{Elsewhere, Take};
use crate::domain::plan::{Effect, Step};

fn mirror(system: System, object: ObjectKind, id: &str, fields: Value) -> Mirror {
    let Value::Object(fields) = fields else { panic!("an object") };
    Mirror {
        record: RecordRef::new(system, object, id),
        fields,
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    }
}

fn hubspot(id: &str, fields: Value) -> Mirror {
    mirror(System::Hubspot, ObjectKind::Contact, id, fields)
}

fn planned(groups: Vec<Vec<Mirror>>, wish: &MergeWish, settings: &Settings) -> Result<Merging, Impossible> {
    let mapping = Mapping::shipped();
    let groups: Vec<Group<'_>> = groups
        .into_iter()
        .map(|records| Group { records, schema: None, linked: Vec::new(), mapping: &mapping })
        .collect();
    plan(&groups, wish, settings)
}

fn merged(merging: &Merging, field: &str) -> (String, String) {
    let row = merging.tables[0].rows.iter().find(|row| row.field == field);
    row.map_or_else(Default::default, |row| (row.merged.clone(), row.rule.clone()))
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).expect("settings")
}

#[test]
fn the_master_is_chosen_by_the_rule_and_ties_by_age_then_fill_then_id() {
    let old = hubspot("9", json!({"createdate": "2020-01-01T00:00:00Z", "email": "a@b.example"}));
    let full = hubspot(
        "2",
        json!({"createdate": "2024-01-01T00:00:00Z", "email": "a@c.example", "phone": "1", "jobtitle": "CTO"}),
    );
    let busy = hubspot(
        "3",
        json!({"createdate": "2024-01-01T00:00:00Z", "num_notes": "12", "hubspot_owner_id": "77", "city": "Bonn"}),
    );
    let records = [full, busy, old];
    let chosen = |rule| master(&records, rule).expect("one").record.id.clone();
    assert_eq!(chosen(MasterRule::Oldest), "9");
    assert_eq!(chosen(MasterRule::MostComplete), "2");
    assert_eq!(chosen(MasterRule::MostActivity), "3");
    assert_eq!(chosen(MasterRule::Owner), "3");
    let twins = [hubspot("5", json!({"phone": "1"})), hubspot("4", json!({"phone": "2"}))];
    for rule in [MasterRule::Oldest, MasterRule::MostComplete, MasterRule::MostActivity, MasterRule::Owner] {
        assert_eq!(master(&twins, rule).expect("one").record.id, "4", "{rule:?}");
    }
}

#[test]
fn a_user_and_a_contact_go_before_leads_whatever_the_rule() {
    let intercom = |id: &str, role: &str, at: i64| {
        mirror(
            System::Intercom,
            ObjectKind::Contact,
            id,
            json!({"role": role, "created_at": at, "phone": "1", "owner_id": 7}),
        )
    };
    let pair = [intercom("lead", "lead", 1_500_000_000), intercom("user", "user", 1_700_000_000)];
    let lead = mirror(
        System::Salesforce,
        ObjectKind::Lead,
        "00Q",
        json!({"CreatedDate": "2010-01-01T00:00:00Z", "OwnerId": "005"}),
    );
    let contact = mirror(
        System::Salesforce,
        ObjectKind::Contact,
        "003",
        json!({"CreatedDate": "2020-01-01T00:00:00Z"}),
    );
    let other = [lead, contact];
    for rule in [MasterRule::Oldest, MasterRule::MostComplete, MasterRule::MostActivity, MasterRule::Owner] {
        assert_eq!(master(&pair, rule).expect("one").record.id, "user", "{rule:?}");
        assert_eq!(master(&other, rule).expect("one").record.id, "003", "{rule:?}");
    }
}

#[test]
fn each_rule_takes_its_value_and_the_human_overrules_it() {
    let mut one =
        hubspot("1", json!({"phone": "1", "jobtitle": "", "city": "Bonn", "state": "NW", "zip": ""}));
    let mut two = hubspot(
        "2",
        json!({"phone": "22", "jobtitle": "CTO", "city": "Köln am Rhein", "state": "BY", "zip": "5"}),
    );
    let mut three =
        hubspot("3", json!({"phone": "", "jobtitle": "VP", "city": "Ulm", "state": "BE", "zip": "6"}));
    (one.vendor_updated_at, two.vendor_updated_at, three.vendor_updated_at) =
        (Some(Timestamp(1)), Some(Timestamp(3)), Some(Timestamp(2)));
    let rules = settings("[fields]\nphone = \"newest\"\ncity = \"longest\"\nzip = \"master\"\n");
    let records = vec![one.clone(), two, three.clone()];
    let merging = planned(vec![records.clone()], &MergeWish::default(), &rules).expect("possible");
    assert_eq!(merged(&merging, "phone").0, "22");
    assert_eq!(merged(&merging, "city"), ("Köln am Rhein".into(), "longest".into()));
    assert_eq!(merged(&merging, "jobtitle"), ("CTO".into(), "the survivor has none".into()));
    assert_eq!(merged(&merging, "state"), ("NW".into(), "the survivor's".into()));
    assert_eq!(merged(&merging, "zip").0, "", "the survivor's, also when it is blank");
    let wish = MergeWish {
        take: vec![Take { field: "phone".into(), record: one.record.clone() }],
        set: json!({"jobtitle": "Head"}).as_object().expect("an object").clone(),
        ..MergeWish::default()
    };
    let merging = planned(vec![records.clone()], &wish, &rules).expect("possible");
    assert_eq!(merged(&merging, "phone"), ("1".into(), "chosen".into()));
    assert_eq!(merged(&merging, "jobtitle"), ("Head".into(), "typed".into()));
    let wish = MergeWish {
        take: vec![Take { field: "phone".into(), record: hubspot("7", json!({})).record }],
        ..MergeWish::default()
    };
    assert!(
        planned(vec![records], &wish, &rules).expect_err("a stranger").0.contains("not one of the records")
    );
    assert!(Settings::check(&settings("[fields]\nDoNotCall = \"master\"\n")).is_err());
    assert!(toml::from_str::<Settings>("mastr = \"oldest\"").is_err());
}

#[test]
fn lists_are_united_once_each_and_prose_is_not_taken_for_a_list() {
    let one = hubspot("1", json!({"roles": "a;b", "message": "Hello; world", "phone": "1"}));
    let two = hubspot("2", json!({"roles": "b; c", "message": "Bye; all", "phone": "2"}));
    let three = hubspot("3", json!({"roles": "c;d;a"}));
    let records =
        vec![one, hubspot("2", json!({"roles": "b;c", "message": "Bye; all", "phone": "2"})), three];
    let merging = planned(vec![records], &MergeWish::default(), &Settings::default()).expect("possible");
    assert_eq!(merged(&merging, "roles").0, "a;b;c;d");
    assert_eq!(merged(&merging, "message").0, "Hello; world");
    assert!(!merging.losses.iter().any(|loss| loss.field == "roles"), "{:?}", merging.losses);
    // A rule of the settings makes a list of anything.
    let rules = settings("[fields]\nroles = \"union\"\n");
    let records = vec![two, hubspot("4", json!({"roles": "x"}))];
    let merging = planned(vec![records], &MergeWish::default(), &rules).expect("possible");
    assert_eq!(merged(&merging, "roles").0, "b;c;x");
}

#[test]
fn an_opt_out_on_any_record_survives_in_every_system() {
    let cases = [
        (System::Salesforce, "HasOptedOutOfEmail", json!(true), json!(false)),
        (System::Salesforce, "DoNotCall", json!(true), json!(false)),
        (System::Intercom, "unsubscribed_from_emails", json!(true), json!(false)),
        (System::Hubspot, "hs_email_optout", json!("true"), json!("")),
    ];
    for (system, field, yes, no) in cases {
        let with = |id: &str, role: &str, value: &Value| {
            let mut fields = json!({"role": role});
            fields[field] = value.clone();
            mirror(system, ObjectKind::Contact, id, fields)
        };
        let records = vec![with("1", "user", &no), with("2", "lead", &yes)];
        let merging =
            planned(vec![records.clone()], &MergeWish::default(), &Settings::default()).expect("possible");
        assert_eq!(merged(&merging, field), ("true".into(), "opted out on one of them".into()), "{field}");
        let wish = MergeWish {
            take: vec![Take { field: field.into(), record: records[0].record.clone() }],
            ..MergeWish::default()
        };
        let error =
            planned(vec![records], &wish, &Settings::default()).expect_err("a choice against consent");
        assert!(error.0.contains("opted out"), "{error}");
    }
}

#[test]
fn salesforce_takes_three_with_one_call_and_the_values_along() {
    let lead = |id: &str, fields: Value| mirror(System::Salesforce, ObjectKind::Lead, id, fields);
    let records = vec![
        lead("1", json!({"Phone": "1", "Title": null, "Roles__c": "a", "Id": "1", "SystemModstamp": "x"})),
        lead("2", json!({"Phone": "2", "Title": "CTO", "Roles__c": "a;b", "Id": "2", "SystemModstamp": "y"})),
        lead("3", json!({"Phone": "3", "Title": "VP", "Id": "3"})),
        lead("4", json!({"Phone": "4", "Id": "4"})),
    ];
    let merging = planned(vec![records], &MergeWish::default(), &Settings::default()).expect("possible");
    let merges: Vec<(usize, Fields)> = merging
        .planned
        .plan
        .steps
        .iter()
        .filter_map(|step| match &step.effect {
            Effect::Merge { values, .. } => Some((step.effect.absorbed().count(), values.clone())),
            _ => None,
        })
        .collect();
    let values = json!({"Title": "CTO", "Roles__c": "a;b"});
    assert_eq!(merges, [(2, values.as_object().expect("an object").clone()), (1, Fields::new())]);
    assert!(merging.likely.iter().all(|(_, likely)| likely.is_empty()), "nothing is left to Salesforce");
    let lost: Vec<_> = merging.losses.iter().map(|loss| (loss.field.as_str(), loss.lost.as_str())).collect();
    assert_eq!(lost, [("Phone", "2"), ("Phone", "3"), ("Phone", "4"), ("Title", "VP")]);
    assert!(merging.notes.iter().any(|note| note.contains("15 days")), "{:?}", merging.notes);
}

#[test]
fn a_lead_gives_its_values_under_the_contacts_names() {
    let contact = mirror(
        System::Salesforce,
        ObjectKind::Contact,
        "003",
        json!({"MailingCity": null, "Phone": "1", "AccountId": "001", "Title": null}),
    );
    let lead = mirror(
        System::Salesforce,
        ObjectKind::Lead,
        "00Q",
        json!({"City": "Bonn", "Phone": "2", "Company": "Berg", "Rating": "Hot", "Title": "CTO"}),
    );
    let merging =
        planned(vec![vec![contact, lead]], &MergeWish::default(), &Settings::default()).expect("possible");
    assert_eq!(merged(&merging, "MailingCity").0, "Bonn");
    assert_eq!(merged(&merging, "Title").0, "CTO");
    assert_eq!(merged(&merging, "Rating").0, "", "what only leads have is no field of the contact");
    assert!(merging.planned.plan.steps[0].title.starts_with("Convert Salesforce lead 00Q"));
    assert!(merging.notes.iter().any(|note| note.contains("no opportunity")), "{:?}", merging.notes);
}

#[test]
fn systems_come_in_their_order_and_the_crm_refers_to_the_contact_that_goes_on() {
    let user = mirror(System::Intercom, ObjectKind::Contact, "u", json!({"role": "user", "phone": "5"}));
    let lead = mirror(System::Intercom, ObjectKind::Contact, "l", json!({"role": "lead", "phone": "6"}));
    let one = hubspot("1", json!({"email": "a@b.example", "intercom_contact_id": "l"}));
    let two = hubspot("2", json!({"email": "a@c.example", "intercom_contact_id": "u"}));
    let wish = MergeWish {
        elsewhere: vec![Elsewhere { survivor: user.record.clone(), absorbed: vec![lead.record.clone()] }],
        ..MergeWish::default()
    };
    let merging =
        planned(vec![vec![user, lead], vec![one, two]], &wish, &Settings::default()).expect("possible");
    let systems: Vec<System> = merging
        .planned
        .plan
        .steps
        .iter()
        .filter(|step| matches!(step.effect, Effect::Merge { .. }))
        .map(|step| step.effect.connection().system)
        .collect();
    assert_eq!(systems, [System::Hubspot, System::Intercom]);
    assert_eq!(merged(&merging, "intercom_contact_id").0, "u");
    assert!(merging.notes.iter().any(|note| note.contains("HubSpot, then Intercom")), "{:?}", merging.notes);
}

#[test]
fn users_and_leads_among_themselves_are_copied_and_archived_instead() {
    let contact = |id: &str, role: &str, fields: Value| {
        let mut fields = fields;
        fields["role"] = json!(role);
        mirror(System::Intercom, ObjectKind::Contact, id, fields)
    };
    for role in ["user", "lead"] {
        let pair =
            vec![contact("1", role, json!({"name": "Ana"})), contact("2", role, json!({"phone": "2"}))];
        let refused = planned(vec![pair.clone()], &MergeWish::default(), &Settings::default())
            .expect_err("no such merge");
        assert_eq!(Instead::offered_by(Some(&refused.0)), Some(Instead::CopyAndArchive), "{refused}");
        let wish = MergeWish { instead: Some(Instead::CopyAndArchive), ..MergeWish::default() };
        let merging = planned(vec![pair], &wish, &Settings::default()).expect("possible");
        let effects: Vec<&Effect> = merging.planned.plan.steps.iter().map(|step| &step.effect).collect();
        assert!(
            matches!(effects[..], [Effect::Update { fields, .. }, Effect::Archive { record }]
                if fields["phone"] == json!("2") && record.id == "2"),
            "{effects:?}"
        );
    }
}

#[test]
fn only_a_final_refusal_after_another_system_was_merged_is_taken_back() {
    use crate::domain::error_class::ErrorClass;
    use crate::domain::plan::StepState;
    let merge = |system, state| {
        let record = |id: &str| RecordRef::new(system, ObjectKind::Contact, id);
        let mut step = Step::new("Merge", Effect::merge(record("1"), record("2")));
        step.state = state;
        step
    };
    let plan = Plan {
        steps: vec![merge(System::Hubspot, StepState::Done), merge(System::Intercom, StepState::Begun)],
        ..Plan::default()
    };
    assert!(is_due(&plan, 1, ErrorClass::Validation));
    assert!(!is_due(&plan, 1, ErrorClass::Unavailable), "waiting may mend it");
    assert!(!is_due(&plan, 0, ErrorClass::Validation), "nothing else was merged yet");
    let alone = Plan { steps: vec![merge(System::Intercom, StepState::Begun)], ..Plan::default() };
    assert!(!is_due(&alone, 0, ErrorClass::Validation));
}
