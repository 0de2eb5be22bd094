//! The files that ship: they load, and say what the baseline says.

use serde_json::{Value, json};

use super::fields;
use crate::domain::record::{ObjectKind, System};
use crate::mapping::mappings::SHIPPED;
use crate::mapping::{Direction, FieldMapping, Mapping, Mappings, Owner, Side};

fn mapping(name: &str) -> Mapping {
    Mappings::shipped().named(name).unwrap_or_else(|| panic!("{name} does not ship")).clone()
}

fn field(name: &str, field: &str) -> FieldMapping {
    mapping(name).field(field).unwrap_or_else(|| panic!("{name} has no {field}")).clone()
}

fn made(name: &str, left: Value) -> Value {
    let mapping = mapping(name);
    let (made, refused) = mapping.made(&fields(left));
    assert!(refused.is_empty(), "{refused:?}");
    Value::Object(made)
}

#[test]
fn r248_every_shipped_file_loads_and_is_found_by_name_and_by_pair() {
    let mappings = Mappings::shipped();
    assert_eq!(mappings.iter().count(), SHIPPED.len());
    for (file, text) in SHIPPED {
        let mapping = Mapping::parse(text, file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{}.toml", mapping.name), file);
        let found =
            mappings.for_pair(mapping.system.expect("each is of one CRM"), mapping.intercom, mapping.crm);
        assert_eq!(found.map(|found| &found.name), Some(&mapping.name));
    }
    assert!(mappings.for_pair(System::Hubspot, ObjectKind::Contact, ObjectKind::Lead).is_none());
    assert_eq!(mappings.of_system(System::Salesforce).count(), 6);
}

#[test]
fn r34_r35_r36_r37_r38_r39_a_contact_becomes_a_hubspot_contact() {
    let contact = json!({
        "email": "jane@acme.com", "name": "Jane van Doe", "phone": "+49 30 1234", "company.name": "Acme",
        "custom_attributes.plan": "pro", "signed_up_at": 1_768_018_200, "custom_attributes.unmapped": "x",
    });
    assert_eq!(
        made("contact", contact),
        json!({
            "email": "jane@acme.com", "firstname": "Jane", "lastname": "van Doe", "phone": "+49 30 1234",
            "company": "Acme", "hs_lead_status": "IN_PROGRESS", "intercom_signed_up_at": "2026-01-10T04:10:00.000Z",
        })
    );
}

#[test]
fn r105_r106_a_contact_becomes_a_salesforce_lead() {
    let lead = made("lead", json!({"email": "m@x.com", "name": "Madonna", "company.size": 40}));
    assert_eq!(
        lead,
        json!({
            "Email": "m@x.com", "LastName": "Madonna", "Company": "[not provided]", "Company_Size__c": 40,
            "LeadSource": "Intercom",
        })
    );
    let named = made("lead", json!({"email": "j@x.com", "name": "Jane Doe", "company.name": "Acme"}));
    assert_eq!(
        (&named["FirstName"], &named["LastName"], &named["Company"]),
        (&json!("Jane"), &json!("Doe"), &json!("Acme"))
    );
}

#[test]
fn r40_a_note_holds_the_conversations_id() {
    let note = made(
        "conversation-note",
        json!({"id": "215473840934085", "title": "Help", "state": "open", "updated_at": 1_768_018_200}),
    );
    assert!(
        note["hs_note_body"]
            .as_str()
            .is_some_and(|body| body.starts_with("Intercom conversation 215473840934085: Help")),
        "{note}"
    );
}

#[test]
fn r84_industry_size_and_mrr_go_both_ways_with_an_owner_each() {
    for name in ["company", "company-salesforce"] {
        for (called, owner) in [("Industry", Owner::Crm), ("Size", Owner::Crm), ("MRR", Owner::Intercom)] {
            let field = field(name, called);
            assert_eq!((field.direction, field.owner), (Direction::Both, owner), "{name} {called}");
        }
    }
}

#[test]
fn r185_r186_r187_r222_owners_are_preset() {
    let owned = [
        ("contact", "Lifecycle stage", Side::Crm),
        ("contact-salesforce", "Lifecycle stage", Side::Crm),
        ("deal", "Account owner", Side::Crm),
        ("deal", "Deal stage", Side::Crm),
        ("deal-salesforce", "Deal stage", Side::Crm),
        ("company-salesforce", "Industry", Side::Crm),
        ("conversation-case", "Subject", Side::Intercom),
        ("conversation-case", "Rating", Side::Intercom),
        ("conversation-task", "Description", Side::Intercom),
    ];
    for (name, called, owner) in owned {
        assert_eq!(field(name, called).one_owner(), Some(owner), "{name} {called}");
    }
    for (name, called) in [("conversation-case", "Case status"), ("conversation-ticket", "Ticket status")] {
        assert_eq!(field(name, called).owner, Owner::Mirrored, "{name} {called}");
    }
}

#[test]
fn r190_every_direction_has_its_arrow() {
    assert_eq!(field("contact", "Email").rule(), "email → email: Intercom owns it");
    assert!(field("contact", "Phone").rule().contains('↔'));
    assert!(field("contact", "Lifecycle stage").rule().contains('←'));
    assert!(field("contact-salesforce", "Last seen").rule().contains('·'));
}

#[test]
fn a_file_of_format_1_loads_as_before() {
    let new = SHIPPED[0].1;
    let begin = new.find("[mapping]").expect("format 2");
    let end = new.find("# Where each side").expect("the identity's comment");
    let old = format!("version = 7\n\n{}", &new[end..]);
    assert!(begin < end);
    let mapping = Mapping::parse(&old, "old.toml").expect("it loads");
    let shipped = Mapping::shipped();
    assert_eq!(
        (mapping.version, mapping.name.as_str(), mapping.system),
        (7, "contact", Some(System::Hubspot))
    );
    assert_eq!(mapping.fields.len(), shipped.fields.len());
    // A line for whoever looks for a field in its file.
    for field in &shipped.fields {
        let line = new.lines().nth(field.line - 1).expect("in the file");
        assert_eq!(line, "[[field]]", "{}", field.name);
    }
}

#[test]
fn what_a_new_record_begins_with_is_what_the_judge_would_write() {
    use crate::mapping::judge::{Sides, Verdict, judge};
    let whole = json!({
        "email": " jane@acme.com ", "name": "Jane", "phone": "", "company.size": "40", "signed_up_at": 1_768_018_200,
        "custom_attributes.plan": "gold", "website": "acme.com", "industry": "Software", "size": 12, "monthly_spend": "x",
        "id": "215", "title": null, "state": "open", "conversation_rating.rating": "5", "unsubscribed_from_emails": true,
    });
    let (whole, nothing) = (fields(whole), crate::domain::record::Fields::new());
    for mapping in Mappings::shipped().iter() {
        let (mut written, mut refused) = (crate::domain::record::Fields::new(), Vec::new());
        for field in mapping.fields.iter().filter(|field| field.direction.writes(Side::Crm)) {
            let sides = Sides { left: &whole, left_at: None, right: &nothing, right_at: None, agreed: None };
            match judge(field, &sides) {
                Verdict::WriteRight(writes, _) => {
                    written.extend(writes.into_iter().filter(|(_, value)| !value.is_null()));
                }
                Verdict::Conflict { .. } => refused.push(field.name.clone()),
                _ => {}
            }
        }
        let (made, left_out) = mapping.made(&whole);
        assert_eq!(made, written, "{}", mapping.name);
        let left_out: Vec<String> = left_out.iter().map(|(field, _)| field.name.clone()).collect();
        assert_eq!(left_out, refused, "{}", mapping.name);
    }
}
