//! Between copies of records and the matcher: a record as the matcher takes it, a candidate as the journal keeps it.

use std::collections::HashMap;

use crate::domain::clock::Timestamp;
use crate::domain::evidence::Evidence;
use crate::domain::ids::DuplicateId;
use crate::domain::record::{Mirror, ObjectKind, System};
use crate::domain::review::{Band, Duplicate, ReviewState, Standing};
use crate::matching::{self, Candidate, Person, Source};
use crate::recipes::merge;

/// A converted lead is its contact: nobody to compare.
pub(super) fn is_compared(mirror: &Mirror) -> bool {
    !mirror.deleted
        && match (mirror.record.system(), mirror.record.object) {
            (_, ObjectKind::Contact) => true,
            (System::Salesforce, ObjectKind::Lead) => mirror.text("IsConverted") != "true",
            _ => false,
        }
}

/// Candidates as the journal keeps them; those whose records are not at hand are left out.
pub(super) fn pairs(
    candidates: Vec<Candidate>,
    by_key: &HashMap<String, Mirror>,
    now: Timestamp,
) -> Vec<Duplicate> {
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let (one, other) = (by_key.get(&candidate.left)?, by_key.get(&candidate.right)?);
            Some(pair(candidate, one, other, now))
        })
        .collect()
}

/// A candidate as the journal keeps it. `one` is the candidate's left record.
pub(super) fn pair(candidate: Candidate, one: &Mirror, other: &Mirror, now: Timestamp) -> Duplicate {
    let (left, right) = if comes_first(one, other) { (one, other) } else { (other, one) };
    let band = if candidate.band == Band::Auto && rests_on_a_doubtful_address(&candidate.evidence, one, other)
    {
        Band::Review
    } else {
        candidate.band
    };
    // The evidence was collected the other way round.
    let mut evidence = candidate.evidence;
    if left.record != one.record {
        for bar in &mut evidence {
            std::mem::swap(&mut bar.left, &mut bar.right);
        }
    }
    Duplicate {
        id: DuplicateId(0),
        subject: left.display_name(),
        left: left.record.clone(),
        left_fields: left.fields.clone(),
        right: right.record.clone(),
        right_fields: right.fields.clone(),
        probability: candidate.probability,
        band,
        evidence,
        fingerprint: candidate.fingerprint,
        mergeable: true,
        obstacle: merge::obstacle(left, right),
        state: ReviewState::Open,
        deciding: None,
        created_at: now,
        resolution: None,
        standing: Standing::default(),
    }
}

/// Two records compared with nobody else around.
pub(in crate::engine) fn compared(one: &Mirror, other: &Mirror, now: Timestamp) -> Duplicate {
    let people = [person(one), person(other)];
    let settings = matching::Settings::default();
    let candidate = matching::Model::learn(&people, &settings).compare(&people[0], &people[1]);
    let (one, other) = if candidate.left == people[0].key { (one, other) } else { (other, one) };
    pair(candidate, one, other, now)
}

/// A shared inbox is several people's, and an address with a tag may be a persona: whatever the score, a human looks.
fn rests_on_a_doubtful_address(evidence: &[Evidence], one: &Mirror, other: &Mirror) -> bool {
    let shared = evidence.iter().any(|bar| bar.comparison == "email" && bar.level.contains("shared"));
    let tagged = |mirror: &Mirror| {
        mirror.text("email").split_once('@').is_some_and(|(mailbox, _)| mailbox.contains('+'))
    };
    shared || tagged(one) != tagged(other)
}

/// The record that goes on unless the human says otherwise: an Intercom user before a lead, else the older one.
fn comes_first(one: &Mirror, other: &Mirror) -> bool {
    let rank = |mirror: &Mirror| {
        let created = created_at(mirror);
        (mirror.text("role") == "lead", created.map_or(i64::MAX, |at| at.0), mirror.record.to_string())
    };
    rank(one) <= rank(other)
}

/// When the vendor says the record was made; HubSpot and Intercom name it differently.
fn created_at(mirror: &Mirror) -> Option<Timestamp> {
    let value = mirror.fields.get("createdate").or_else(|| mirror.fields.get("created_at"))?;
    crate::mapping::transform::time(value)
}

pub(super) fn person(mirror: &Mirror) -> Person {
    let text = |field: &str| mirror.text(field);
    let listed = |fields: &[&str]| -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for value in fields.iter().flat_map(|field| {
            mirror.text(field).split(';').map(|part| part.trim().to_owned()).collect::<Vec<_>>()
        }) {
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values
    };
    let source = match (mirror.record.system(), text("role").as_str()) {
        (System::Intercom, "lead") => Source::IntercomLead,
        (System::Intercom, _) => Source::IntercomUser,
        (System::Hubspot, _) => Source::HubspotContact,
        (System::Salesforce, _) if mirror.record.object == ObjectKind::Lead => Source::SalesforceLead,
        (System::Salesforce, _) => Source::SalesforceContact,
    };
    let created = created_at(mirror);
    let first_of = |names: &[&str]| {
        names.iter().map(|name| text(name)).find(|value| !value.is_empty()).unwrap_or_default()
    };
    Person {
        key: mirror.record.to_string(),
        source,
        name: text("name"),
        given_name: text("firstname"),
        family_name: text("lastname"),
        emails: listed(&["email", "hs_additional_emails"]),
        phones: listed(&["phone", "mobilephone"]),
        company: text("company"),
        company_domain: text("website"),
        title: first_of(&["jobtitle", "title", "custom_attributes.job_title"]),
        city: first_of(&["city", "mailingcity", "location.city"]),
        country: first_of(&["country", "mailingcountry", "location.country"]),
        created_at: created.map(Timestamp::seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::RecordRef;
    use crate::matching::{Settings, duplicate_people};

    fn contact(id: &str, email: &str) -> Mirror {
        let fields = serde_json::json!({
            "email": email, "firstname": "Mara", "lastname": "Quintessa", "phone": "+49 30 5550 1234",
            "company": "Quint Werke", "jobtitle": "Head of Operations", "city": "Berlin", "country": "Germany",
        });
        Mirror {
            record: format!("salesforce/contact/{id}").parse::<RecordRef>().expect("a record"),
            fields: serde_json::from_value(fields).expect("fields"),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        }
    }

    fn band(one: &str, other: &str) -> Band {
        let (one, other) = (contact("003A", one), contact("003B", other));
        // The score itself is to be no obstacle here.
        let settings = Settings { auto_probability: 0.5, ..Settings::default() };
        let found = duplicate_people(&[person(&one), person(&other)], &settings);
        let candidate = found.into_iter().next().expect("they are alike");
        pair(candidate, &one, &other, Timestamp(0)).band
    }

    #[test]
    fn r224_a_shared_inbox_and_an_address_with_a_tag_are_never_merged_unattended() {
        assert_eq!(band("mara@quint.example", "mara@quint.example"), Band::Auto);
        assert_eq!(band("mara+crm@quint.example", "mara@quint.example"), Band::Review);
        assert_eq!(band("info@quint.example", "info@quint.example"), Band::Review);
    }
}
