//! What a person becomes in the CRM who is known in Intercom only: which kind of record, and what that CRM asks of one.
//!
//! HubSpot knows contacts only and asks for nothing. Salesforce tells leads from contacts and asks for a last name, of a
//! lead also for a company. Nothing here looks anybody up: that comes before.

use serde_json::Value;

use crate::domain::record::{Fields, Mirror, ObjectKind, System, value_text};
use crate::domain::words;

words! {
    /// As what somebody is made in Salesforce who is in Intercom only.
    pub enum Newcomers {
        /// Intercom's users as contacts, its leads as leads.
        ByRole = "by_role",
        /// Everybody as a contact.
        Contact = "contact",
        /// Everybody as a lead.
        Lead = "lead",
        /// Nobody is made: only who is there already is kept in step.
        Nobody = "nobody",
    }
}

#[expect(clippy::derivable_impls, reason = "the words are made by a macro that marks no variant")]
impl Default for Newcomers {
    fn default() -> Self {
        Self::ByRole
    }
}

/// Stands where Salesforce asks for a value and nobody knows one.
pub const NOT_PROVIDED: &str = "[not provided]";

/// Where everybody comes from whom Reknit makes.
pub const SOURCE: &str = "Intercom";

/// The kind of record a person becomes; none when nobody is made.
pub fn kind(crm: System, newcomers: Newcomers, contact: &Mirror) -> Option<ObjectKind> {
    match (crm, newcomers) {
        (System::Salesforce, Newcomers::Nobody) => None,
        (System::Salesforce, Newcomers::Lead) => Some(ObjectKind::Lead),
        (System::Salesforce, Newcomers::ByRole) if contact.text("role") == "lead" => Some(ObjectKind::Lead),
        _ => Some(ObjectKind::Contact),
    }
}

/// Puts in what the CRM asks of every new record of a kind and the mapping did not bring.
pub fn complete(crm: System, object: ObjectKind, fields: &mut Fields) {
    if crm != System::Salesforce {
        return;
    }
    let mut put = |name: &str, value: &str| {
        let known = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        if known.is_some_and(|(_, value)| !value_text(value).trim().is_empty()) {
            return;
        }
        let key = known.map_or_else(|| name.to_owned(), |(known, _)| known.clone());
        fields.insert(key, Value::String(value.to_owned()));
    };
    put("LastName", NOT_PROVIDED);
    if object == ObjectKind::Lead {
        put("Company", NOT_PROVIDED);
    }
    put("LeadSource", SOURCE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::RecordRef;
    use serde_json::json;

    fn person(role: &str) -> Mirror {
        Mirror {
            record: RecordRef::new(System::Intercom, ObjectKind::Contact, "64e2"),
            fields: json!({"role": role}).as_object().expect("an object").clone(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        }
    }

    #[test]
    fn intercoms_leads_become_leads_and_users_contacts() {
        let kind = |newcomers, role| kind(System::Salesforce, newcomers, &person(role));
        assert_eq!(kind(Newcomers::ByRole, "lead"), Some(ObjectKind::Lead));
        assert_eq!(kind(Newcomers::ByRole, "user"), Some(ObjectKind::Contact));
        assert_eq!(kind(Newcomers::Lead, "user"), Some(ObjectKind::Lead));
        assert_eq!(kind(Newcomers::Nobody, "lead"), None);
        let hubspot = super::kind(System::Hubspot, Newcomers::Nobody, &person("lead"));
        assert_eq!(hubspot, Some(ObjectKind::Contact));
    }

    #[test]
    fn r105_r106_a_lead_has_a_company_a_last_name_and_a_source() {
        let mut fields =
            json!({"Email": "x@y.example", "lastname": " "}).as_object().expect("an object").clone();
        complete(System::Salesforce, ObjectKind::Lead, &mut fields);
        assert_eq!(
            Value::Object(fields),
            json!({"Email": "x@y.example", "lastname": "[not provided]", "Company": "[not provided]",
                   "LeadSource": "Intercom"})
        );
        let mut fields =
            json!({"LastName": "Doe", "LeadSource": "Web"}).as_object().expect("an object").clone();
        complete(System::Salesforce, ObjectKind::Contact, &mut fields);
        assert_eq!(Value::Object(fields), json!({"LastName": "Doe", "LeadSource": "Web"}));
    }
}
