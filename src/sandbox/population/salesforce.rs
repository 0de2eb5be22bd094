//! The same people and companies in Salesforce: most as contacts of an account or as leads, some unknown
//! there, some known only there, some twice. Its own random numbers, so that the other vendors' data does not
//! depend on it.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::words::{COMPANY_FIRST, FIRST, LAST, TITLES};
use super::{DAY, slug};
use crate::sandbox::desk::Who;
use crate::sandbox::intercom::{Contact, Workspace};
use crate::sandbox::salesforce::{Org, moment, user_id};

/// How many people of each kind are doubled on purpose, in a world large enough.
const DOUBLED: usize = 6;

fn set(fields: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        fields.insert(name.to_owned(), json!(value));
    }
}

/// A person's fields as both leads and contacts have them; `known` writes Intercom's id across.
fn person(contact: &Contact, known: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let name = contact.name.as_deref().unwrap_or("Unknown");
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    set(&mut fields, "FirstName", Some(first));
    set(&mut fields, "LastName", Some(last));
    set(&mut fields, "Email", contact.email.as_deref());
    set(&mut fields, "Phone", contact.phone.as_deref());
    set(&mut fields, "Title", contact.custom.get("job_title").and_then(Value::as_str));
    set(&mut fields, "Plan__c", contact.custom.get("plan").and_then(Value::as_str));
    set(&mut fields, "Lifecycle_Stage__c", contact.custom.get("lifecycle_stage").and_then(Value::as_str));
    if known {
        set(&mut fields, "Intercom_Contact_ID__c", Some(&contact.id));
        let signed_up = contact.signed_up.map(|second| moment(second * 1_000));
        set(&mut fields, "Intercom_Signed_Up_At__c", signed_up.as_deref());
    }
    set(&mut fields, "OwnerId", Some(&user_id(Who::Ui)));
    fields
}

fn lead(contact: &Contact, company: &str, known: bool) -> Map<String, Value> {
    let mut fields = person(contact, known);
    set(&mut fields, "Company", Some(company));
    set(&mut fields, "Status", Some("Open - Not Contacted"));
    set(&mut fields, "LeadSource", Some("Web"));
    set(&mut fields, "City", contact.city.as_deref());
    set(&mut fields, "Country", contact.country.as_deref());
    fields
}

/// Fills the org from what Intercom holds, and tells what was made wrong on purpose.
pub(super) fn settle(seed: u64, now: i64, people: usize, intercom: &Workspace, org: &mut Org) -> Value {
    let mut rng = Rng::with_seed(seed ^ 0x5a1e_5f0c_e000);
    let mut accounts = std::collections::HashMap::new();
    for company in intercom.companies.values() {
        if rng.u32(..100) >= 90 {
            continue;
        }
        let mut fields = Map::new();
        set(&mut fields, "Name", Some(&company.name));
        set(&mut fields, "Website", company.website.as_deref());
        set(&mut fields, "Type", Some("Customer - Direct"));
        set(&mut fields, "OwnerId", Some(&user_id(Who::Ui)));
        if let Some(size) = company.size {
            fields.insert("NumberOfEmployees".to_owned(), json!(size));
        }
        if rng.u32(..100) < 80 {
            set(&mut fields, "Intercom_Company_ID__c", Some(&company.company_id));
        }
        accounts.insert(company.id.as_str(), org.put("Account", fields, company.created, Who::Ui));
    }
    let (mut twice, mut both) = (Vec::new(), Vec::new());
    for contact in intercom.contacts.values().filter(|contact| contact.user) {
        let firm = contact.companies.first();
        let account = firm.and_then(|firm| accounts.get(firm.as_str()));
        let company = firm.and_then(|firm| intercom.companies.get(firm)).map(|company| company.name.as_str());
        let company = company.unwrap_or("[not provided]");
        // Known across by Intercom's id, or only by what both happen to hold.
        let known = rng.u32(..100) < 85;
        match (rng.u32(..100), account) {
            (0..50, Some(account)) => {
                let mut fields = person(contact, known);
                set(&mut fields, "AccountId", Some(account));
                set(&mut fields, "MailingCity", contact.city.as_deref());
                set(&mut fields, "MailingCountry", contact.country.as_deref());
                let id = org.put("Contact", fields, contact.created, Who::Ui);
                org.relate(&id, account, contact.created);
                if both.len() < DOUBLED && rng.u32(..10) == 0 {
                    let other =
                        org.put("Lead", lead(contact, company, false), contact.created + DAY, Who::Ui);
                    both.push(json!({"lead": other, "contact": id}));
                }
            }
            (0..85, _) => {
                let id = org.put("Lead", lead(contact, company, known), contact.created, Who::Ui);
                if twice.len() < DOUBLED && rng.u32(..10) == 0 {
                    let mut copy = lead(contact, company, false);
                    copy.shift_remove("Phone");
                    let other = org.put("Lead", copy, contact.created + 3 * DAY, Who::Ui);
                    twice.push(json!([id, other]));
                }
            }
            _ => {}
        }
    }
    let mut only = Vec::new();
    for index in 0..people / 20 {
        let first = FIRST[rng.usize(..FIRST.len())];
        let last = LAST[rng.usize(..LAST.len())];
        let house = COMPANY_FIRST[rng.usize(..COMPANY_FIRST.len())];
        let email = format!("{}.{}.s{index}@{}works.com", slug(first), slug(last), slug(house));
        let mut fields = Map::new();
        set(&mut fields, "FirstName", Some(first));
        set(&mut fields, "LastName", Some(last));
        set(&mut fields, "Email", Some(&email));
        set(&mut fields, "Title", Some(TITLES[rng.usize(..TITLES.len())]));
        set(&mut fields, "Company", Some(&format!("{house} Works")));
        set(&mut fields, "Status", Some("Working - Contacted"));
        set(&mut fields, "OwnerId", Some(&user_id(Who::Ui)));
        let created = now - rng.i64(DAY..400 * DAY) / 1_000 * 1_000;
        only.push(org.put("Lead", fields, created, Who::Ui));
    }
    json!({"duplicate_leads": twice, "leads_and_contacts": both, "only_here": only})
}
