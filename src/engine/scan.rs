//! Looks over our copies for records that are one person, and for people without the company they belong to.
//!
//! Finds and stores candidates only; deciding is a human's. Reads nothing from a vendor.

pub(super) mod groups;
mod unlinked;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use crate::domain::clock::Timestamp;
use crate::domain::ids::DuplicateId;
use crate::domain::record::{Mirror, ObjectKind, System};
use crate::domain::review::{Duplicate, ReviewState, Standing};
use crate::journal::JournalError;
use crate::matching::{self, Person, Source};
use crate::recipes::merge;

impl Engine {
    /// One scan over everything.
    pub async fn scan_once(&self) -> Result<(), JournalError> {
        let (intercom, crm) = (self.intercom.clone(), self.crm.clone());
        let left = self.journal.mirrors(&intercom, ObjectKind::Contact).await?;
        let mut right = self.journal.mirrors(&crm, ObjectKind::Contact).await?;
        if crm.system == System::Salesforce {
            // A converted lead is its contact.
            let leads = self.journal.mirrors(&crm, ObjectKind::Lead).await?;
            right.extend(leads.into_iter().filter(|lead| lead.text("IsConverted") != "true"));
        }
        let left_companies = self.journal.mirrors(&intercom, ObjectKind::Company).await?;
        let right_companies = self.journal.mirrors(&crm, ObjectKind::Company).await?;
        let now = self.clock.now();
        let minimum = self.settings.duplicate_probability;
        let ties: HashMap<String, String> = self.journal.ties(&crm, &intercom).await?.into_iter().collect();
        // Comparing everybody with everybody is real work: not on the threads that answer calls.
        let found = tokio::task::spawn_blocking(move || {
            let mut duplicates = duplicates(&right, minimum, now);
            duplicates.extend(self::duplicates(&left, minimum, now));
            let unlinked = unlinked::unlinked(&right, &right_companies, &left, &left_companies, &ties, now);
            (duplicates, unlinked)
        })
        .await;
        let Ok((duplicates, unlinked)) = found else {
            tracing::warn!("a scan for duplicates stumbled; the candidates stay as they were");
            return Ok(());
        };
        self.journal.put_duplicates(duplicates).await?;
        self.journal.put_unlinked(unlinked).await
    }

    /// Drops old change numbers and old values of the echo ledger.
    async fn tidy(&self) -> Result<(), JournalError> {
        self.journal.forget_old_changes().await?;
        self.journal
            .forget_echoes(Timestamp(self.clock.now().0 - super::intake::ECHO_LIFE.as_millis() as i64))
            .await
    }

    /// Scans when something changed, at most once per interval, until `stop` turns true.
    pub async fn scan(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = self.scan_wanted.notified() => {}
                _ = stop.changed() => return,
            }
            if let Err(error) = self.scan_once().await {
                tracing::warn!(%error, "could not scan for duplicates and missing relations");
            }
            self.finish_erasures().await;
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "could not drop what nobody asks for any more");
            }
            let until = self.clock.now().plus(Duration::from_secs(self.settings.scan_seconds));
            tokio::select! {
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

fn duplicates(contacts: &[Mirror], minimum: f64, now: Timestamp) -> Vec<Duplicate> {
    let by_key: HashMap<String, &Mirror> =
        contacts.iter().map(|mirror| (mirror.record.to_string(), mirror)).collect();
    let people: Vec<Person> = contacts.iter().map(person).collect();
    let settings = matching::Settings::default();
    matching::duplicate_people(&people, &settings)
        .into_iter()
        .filter(|candidate| candidate.probability >= minimum)
        .filter_map(|candidate| {
            let (one, other) = (*by_key.get(&candidate.left)?, *by_key.get(&candidate.right)?);
            let (left, right) = if comes_first(one, other) { (one, other) } else { (other, one) };
            // The evidence was collected the other way round.
            let mut evidence = candidate.evidence;
            if left.record != one.record {
                for bar in &mut evidence {
                    std::mem::swap(&mut bar.left, &mut bar.right);
                }
            }
            Some(Duplicate {
                id: DuplicateId(0),
                subject: left.display_name(),
                left: left.record.clone(),
                left_fields: left.fields.clone(),
                right: right.record.clone(),
                right_fields: right.fields.clone(),
                probability: candidate.probability,
                band: candidate.band,
                evidence,
                fingerprint: candidate.fingerprint,
                mergeable: true,
                obstacle: merge::obstacle(left, right),
                state: ReviewState::Open,
                deciding: None,
                created_at: now,
                resolution: None,
                standing: Standing::default(),
            })
        })
        .collect()
}

/// Two records compared with nobody else around, in the order in which a scan would show them.
pub(super) fn compared(one: &Mirror, other: &Mirror, now: Timestamp) -> Duplicate {
    let (left, right) = if comes_first(one, other) { (one, other) } else { (other, one) };
    let (first, second) = (person(left), person(right));
    let settings = matching::Settings::default();
    let people = [first, second];
    let candidate = matching::Model::learn(&people, &settings).compare(&people[0], &people[1]);
    Duplicate {
        id: DuplicateId(0),
        subject: left.display_name(),
        left: left.record.clone(),
        left_fields: left.fields.clone(),
        right: right.record.clone(),
        right_fields: right.fields.clone(),
        probability: candidate.probability,
        band: candidate.band,
        evidence: candidate.evidence,
        fingerprint: candidate.fingerprint,
        mergeable: true,
        obstacle: merge::obstacle(left, right),
        state: ReviewState::Open,
        deciding: None,
        created_at: now,
        resolution: None,
    }
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

fn person(mirror: &Mirror) -> Person {
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
