//! Erasing one record of a person: deleted for good, or what it says about them cleared. A plan names the record and its
//! fields, never a value.

use serde_json::Value;

use super::contact_sync::Planned;
use crate::domain::erasure::ErasureWay;
use crate::domain::plan::{Effect, Step};
use crate::domain::record::{Fields, Mirror, RecordRef, System};
use crate::mapping::Mapping;
use crate::mapping::transform::is_blank;

/// What speaks of a person in a CRM, besides what the mapping carries; in lower case.
const PERSONAL: [&str; 30] = [
    "email",
    "firstname",
    "lastname",
    "name",
    "salutation",
    "phone",
    "mobilephone",
    "homephone",
    "otherphone",
    "assistantphone",
    "fax",
    "company",
    "jobtitle",
    "title",
    "department",
    "website",
    "address",
    "street",
    "city",
    "state",
    "zip",
    "postalcode",
    "country",
    "birthdate",
    "date_of_birth",
    "twitterhandle",
    "linkedinbio",
    "intercom_contact_id",
    "intercom_user_id",
    "description",
];

/// Fields of the mapping that sort records and describe nobody; cleared, a CRM may refuse the whole change.
const OF_THE_RECORD: [&str; 4] = ["lifecyclestage", "hs_lead_status", "hubspot_owner_id", "ownerid"];

/// Plans what is done to a record. `now` is the record as read, which only clearing needs; none when it is gone.
pub fn plan(way: ErasureWay, record: &RecordRef, now: Option<&Mirror>, mapping: &Mapping) -> Planned {
    let mut planned = Planned::default();
    match (way, now) {
        (ErasureWay::Erase, _) => planned.plan.steps.push(Step::new(
            format!("Delete {} for good", record.title()),
            Effect::Erase { record: record.clone() },
        )),
        (ErasureWay::Anonymise, Some(now)) => {
            let fields = cleared(now, mapping);
            if fields.is_empty() {
                return Planned::nothing(format!("{} says nothing about a person any more.", record.title()));
            }
            planned.plan.steps.push(Step::new(
                format!("Clear {} fields of {}", fields.len(), record.title()),
                Effect::Update { record: record.clone(), fields },
            ));
        }
        (ErasureWay::Anonymise, None) => {
            return Planned::nothing(format!("{} is gone already.", record.title()));
        }
        (ErasureWay::Told | ErasureWay::Nothing | ErasureWay::Overwrite, _) => {
            return Planned::nothing("Nothing is to be done here.");
        }
    }
    planned
}

/// The filled fields that speak of the person, each with null.
pub fn cleared(now: &Mirror, mapping: &Mapping) -> Fields {
    let own = match now.record.system() {
        System::Intercom => Vec::new(),
        _ => mapping.fields.iter().flat_map(|field| field.crm.iter().map(String::as_str)).collect::<Vec<_>>(),
    };
    now.fields
        .iter()
        .filter(|(name, value)| {
            let lower = name.to_lowercase();
            let speaks = PERSONAL.contains(&lower.as_str())
                || own.contains(&name.as_str())
                || **name == mapping.crm_identity;
            speaks && !OF_THE_RECORD.contains(&lower.as_str()) && !is_blank(value)
        })
        .map(|(name, _)| (name.clone(), Value::Null))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::record::ObjectKind;

    #[test]
    fn clearing_names_fields_and_no_value_and_leaves_what_sorts_the_record() {
        let record = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
        let fields = json!({
            "email": "mara@quint.example", "firstname": "Mara", "lastname": "", "lifecyclestage": "customer",
            "hs_object_id": "151", "jobtitle": "CTO"
        });
        let now = Mirror {
            record: record.clone(),
            fields: fields.as_object().expect("an object").clone(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        };
        let planned = plan(ErasureWay::Anonymise, &record, Some(&now), &Mapping::shipped());
        let Effect::Update { fields, .. } = &planned.plan.steps[0].effect else { panic!("{planned:?}") };
        assert_eq!(
            Value::Object(fields.clone()),
            json!({"email": null, "firstname": null, "jobtitle": null})
        );
        let text = serde_json::to_string(&planned.plan).expect("JSON");
        assert!(!text.contains("Mara") && !text.contains("quint"), "{text}");
        let gone = plan(ErasureWay::Anonymise, &record, None, &Mapping::shipped());
        assert!(gone.plan.steps.is_empty() && gone.plan.nothing.is_some());
    }
}
