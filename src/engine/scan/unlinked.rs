//! Looks over our copies for people without the company they belong to. Finds candidates; links nobody.

use std::collections::HashMap;

use super::person;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UnlinkedId;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef};
use crate::domain::review::{LinkCandidate, ReviewState, Unlinked};
use crate::matching::{self, AccountIndex, Organisation};

/// Candidate companies kept for one person.
const CANDIDATES: usize = 5;
/// Candidates less likely than this are not worth a line.
const LEAST_LIKELY: f64 = 0.05;

pub(super) fn unlinked(
    contacts: &[Mirror],
    companies: &[Mirror],
    intercom: &[Mirror],
    intercom_companies: &[Mirror],
    ties: &HashMap<String, String>,
    now: Timestamp,
) -> Vec<Unlinked> {
    let colleagues: Vec<(String, String)> = contacts
        .iter()
        .filter_map(|contact| {
            let company = company_ref(&contact.record.connection, contact.companies.first()?);
            Some((contact.text("email"), company.to_string()))
        })
        .filter(|(email, _)| !email.is_empty())
        .collect();
    let organisations: Vec<Organisation> = companies.iter().map(organisation).collect();
    let index = AccountIndex::build(&organisations, &colleagues);
    let by_key: HashMap<String, &Mirror> =
        companies.iter().map(|mirror| (mirror.record.to_string(), mirror)).collect();
    let intercom: HashMap<&str, &Mirror> =
        intercom.iter().map(|mirror| (mirror.record.id.as_str(), mirror)).collect();
    let intercom_companies: HashMap<&str, &Mirror> =
        intercom_companies.iter().map(|mirror| (mirror.record.id.as_str(), mirror)).collect();
    let settings = matching::Settings::default();
    let mut found = Vec::new();
    // A lead names its company as text and cannot belong to an account.
    let contacts = contacts.iter().filter(|contact| contact.record.object == ObjectKind::Contact);
    for contact in contacts.filter(|contact| contact.companies.is_empty()) {
        let mut person = person(contact);
        let known = ties
            .get(&contact.record.id)
            .and_then(|id| intercom.get(id.as_str()))
            .and_then(|twin| twin.companies.first())
            .and_then(|id| intercom_companies.get(id.as_str()));
        if let Some(company) = known {
            person.company = company.text("name");
            let website = company.text("website");
            if !website.is_empty() {
                person.company_domain = website;
            }
        }
        let candidates: Vec<LinkCandidate> = matching::rank_accounts(&person, &index, &settings)
            .into_iter()
            .filter(|candidate| candidate.probability >= LEAST_LIKELY)
            .take(CANDIDATES)
            .filter_map(|candidate| {
                let company = by_key.get(&candidate.key)?;
                Some(LinkCandidate {
                    company: company.record.clone(),
                    name: company.display_name(),
                    domain: company.text("domain"),
                    probability: candidate.probability,
                    evidence: candidate.evidence,
                    family: String::new(),
                })
            })
            .collect();
        let text = contact.text("company");
        let hint = match known {
            Some(company) => format!("Intercom says {}", company.text("name")),
            None if !text.trim().is_empty() => format!("the contact's company text says {}", text.trim()),
            None if !candidates.is_empty() => "only the e-mail domain says where they belong".to_owned(),
            // Nothing on either side says that there is a company at all.
            None => continue,
        };
        found.push(Unlinked {
            id: UnlinkedId(0),
            subject: contact.display_name(),
            contact: contact.record.clone(),
            domain: contact
                .text("email")
                .rsplit_once('@')
                .map_or_else(String::new, |(_, domain)| domain.to_lowercase()),
            hint,
            candidates,
            owner: String::new(),
            ruled_by: None,
            ignored_until: None,
            state: ReviewState::Open,
            deciding: None,
            created_at: now,
            resolution: None,
        });
    }
    found
}

fn company_ref(connection: &Connection, id: &str) -> RecordRef {
    RecordRef { connection: connection.clone(), object: ObjectKind::Company, id: id.to_owned() }
}

fn organisation(mirror: &Mirror) -> Organisation {
    Organisation {
        key: mirror.record.to_string(),
        name: mirror.text("name"),
        domain: mirror.text("domain"),
        website: mirror.text("website"),
        phone: mirror.text("phone"),
        city: mirror.text("city"),
        country: mirror.text("country"),
        industry: mirror.text("industry"),
        parent_key: None,
    }
}
