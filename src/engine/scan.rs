//! Looks over our copies for records that are one person, and for people without the company they belong to.
//!
//! Finds and stores candidates only; deciding is a human's. Reads nothing from a vendor. A look over everything learns
//! what is common and what is rare; between two of them each changed record is compared by itself (`changed`).

mod changed;
pub(super) mod groups;
mod incidents;
mod people;
mod unlinked;
pub mod whole;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use super::Engine;
use crate::domain::clock::Timestamp;
use crate::domain::record::{ObjectKind, System};
use crate::journal::JournalError;
use people::person;

pub use changed::Models;

impl Engine {
    /// One scan over everything.
    pub async fn scan_once(&self) -> Result<(), JournalError> {
        self.scan_people(|_| {}).await?;
        self.scan_unlinked().await
    }

    /// Looks for people without the company they belong to.
    async fn scan_unlinked(&self) -> Result<(), JournalError> {
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
        let ties: HashMap<String, String> = self.journal.ties(&crm, &intercom).await?.into_iter().collect();
        // Comparing everybody with everybody is real work: not on the threads that answer calls.
        let found = tokio::task::spawn_blocking(move || {
            unlinked::unlinked(&right, &right_companies, &left, &left_companies, &ties, now)
        })
        .await;
        let Ok(unlinked) = found else {
            tracing::warn!("a scan for missing relations stumbled; the candidates stay as they were");
            return Ok(());
        };
        self.journal.put_unlinked(unlinked).await
    }

    /// Drops old change numbers and old values of the echo ledger.
    async fn tidy(&self) -> Result<(), JournalError> {
        self.journal.forget_old_changes().await?;
        self.journal
            .forget_echoes(Timestamp(self.clock.now().0 - super::intake::ECHO_LIFE.as_millis() as i64))
            .await
    }

    /// Compares what changed at once; looks over everything when that is due, and for missing relations, at most once
    /// per interval, until `stop` turns true.
    pub async fn scan(&self, mut stop: watch::Receiver<bool>) {
        // The first time everything is looked over: nobody knows what changed while nobody looked.
        let (mut rested, mut wanted) = (self.clock.now(), false);
        while !*stop.borrow() {
            tokio::select! {
                () = self.scan_wanted.notified() => wanted = true,
                () = self.clock.until(rested), if wanted => {}
                _ = stop.changed() => return,
            }
            if let Err(error) = self.match_changed().await {
                tracing::warn!(%error, "could not compare what changed");
            }
            if self.clock.now() < rested {
                continue;
            }
            wanted = false;
            if let Err(error) = self.look_around().await {
                tracing::warn!(%error, "could not scan for duplicates and missing relations");
            }
            self.finish_erasures().await;
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "could not drop what nobody asks for any more");
            }
            rested = self.clock.now().plus(Duration::from_secs(self.settings.scan_seconds));
        }
    }

<<<<<<< HEAD
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
        standing: Standing::default(),
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
=======
    /// A look over everybody where it is due, and one for missing relations.
    async fn look_around(&self) -> Result<(), JournalError> {
        if self.whole_look_is_due().await? {
            self.scan_people(|_| {}).await?;
>>>>>>> 3c54a6b939975f9062c8c797ddd27fb2ffd57ada
        }
        self.scan_unlinked().await
    }
}
