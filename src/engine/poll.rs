//! What no webhook told: the first load of both systems, and regular looks at what changed since.
//!
//! The first load writes nothing to a vendor: it copies, ties together who is plainly the same person, and notes on
//! which fields both sides agree. Differences it finds are left until somebody changes one.

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::Engine;
use super::limits::{Parked, family_of};
use super::look::Look;
use crate::domain::agreement::Agreement;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::limit::{Family, Urgency};
use crate::domain::pause::PauseScope;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::journal::JournalError;
use crate::journal::intake::Appended;
use crate::mapping::FieldMapping;
use crate::mapping::judge::{Sides, Verdict, judge, same};
use crate::vendors::{self, VendorError};

/// Why a look could not be finished; what was seen before is stored.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The vendor refused or did not answer.
    #[error("{connection}: {words} ({class})", words = .error.words, class = .error.class)]
    Vendor {
        /// Which connection.
        connection: Connection,
        /// What it said.
        error: Box<VendorError>,
    },
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

mod companies;
mod sales;

const LOADED: &str = "first-load";

/// The mark of the first load with a CRM; another CRM is loaded by itself.
fn loaded(crm: &Connection) -> String {
    if crm.system == System::Hubspot { LOADED.to_owned() } else { format!("{LOADED}.{crm}") }
}

impl Engine {
    /// Copies both systems and pairs their people, once per journal; later calls do nothing.
    pub async fn first_load(&self) -> Result<(), PollError> {
        if self.has_loaded().await? {
            return Ok(());
        }
        let started = self.clock.now();
        let (intercom, crm) = (self.intercom.clone(), self.crm.clone());
        let (left, right) = tokio::join!(self.load(&intercom), self.load(&crm));
        let (left, right) = (left?, right?);
        // The vendor's own times move the mark, never our clock: the two may differ. What changed while the lists were
        // read, and was read before, is looked at again.
        let took = self.clock.now().since(started).max(0);
        for (connection, loaded) in [(&intercom, &left), (&crm, &right)] {
            let newest =
                loaded.iter().filter_map(|mirror| mirror.vendor_updated_at).max().unwrap_or_default();
            self.journal.set_mark(&watermark(connection), &(newest.0 - took).to_string()).await?;
        }
        self.journal.set_mark(&companies::companies_mark(&intercom), &started.0.to_string()).await?;
        self.pair(left, right).await?;
        self.journal.set_mark(&loaded(&self.crm), &started.rfc3339()).await?;
        self.scan_wanted.notify_one();
        Ok(())
    }

    /// Whether the first load of this journal is done.
    pub async fn has_loaded(&self) -> Result<bool, JournalError> {
        Ok(self.loaded_at().await?.is_some())
    }

    /// When the first load of this journal was done, as it was noted.
    pub(super) async fn loaded_at(&self) -> Result<Option<String>, JournalError> {
        self.journal.mark(&loaded(&self.crm)).await
    }

    async fn load(&self, connection: &Connection) -> Result<Vec<Mirror>, PollError> {
        let mut contacts = Vec::new();
        for object in [ObjectKind::Company, ObjectKind::Contact] {
            let mut cursor: Option<String> = None;
            loop {
                self.wait_for_a_call(connection, Family::usual(connection.system)).await;
                let mut log = vendors::Log::new();
                let page = match object {
                    ObjectKind::Company => {
                        vendors::list_companies(&self.clients, connection, cursor.as_deref(), &mut log).await
                    }
                    _ => vendors::list_contacts(&self.clients, connection, cursor.as_deref(), &mut log).await,
                };
                self.limits.learn_all(&log);
                let (mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
                let taken = self.journal.put_mirrors(mirrors.clone()).await?;
                if object == ObjectKind::Contact {
                    // Nobody is paired with somebody who was erased.
                    contacts.extend(mirrors.into_iter().zip(taken).filter(|it| it.1).map(|it| it.0));
                }
                match next {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        Ok(contacts)
    }

    /// Ties people together whose cross-references say so, else whose e-mail is the same and stands once on each side.
    async fn pair(&self, left: Vec<Mirror>, right: Vec<Mirror>) -> Result<(), PollError> {
        let mut by_reference: HashMap<String, &Mirror> = HashMap::new();
        let mut by_id: HashMap<&str, &Mirror> = HashMap::new();
        let mut by_email: HashMap<String, Vec<&Mirror>> = HashMap::new();
        for mirror in &right {
            by_id.insert(&mirror.record.id, mirror);
            let reference = mirror.text(&self.mapping.crm_identity);
            if !reference.is_empty() {
                by_reference.insert(reference, mirror);
            }
            let email = mirror.text("email").trim().to_lowercase();
            if !email.is_empty() {
                by_email.entry(email).or_default().push(mirror);
            }
        }
        let mut left_emails: HashMap<String, usize> = HashMap::new();
        for mirror in &left {
            *left_emails.entry(mirror.text("email").trim().to_lowercase()).or_default() += 1;
        }
        let mut people = Vec::new();
        for mut own in left {
            let email = own.text("email").trim().to_lowercase();
            let other = by_reference
                .get(&own.record.id)
                .or_else(|| by_id.get(own.text(&self.mapping.intercom_identity).as_str()))
                .copied()
                .or_else(|| {
                    let found = by_email.get(&email).map_or(&[][..], Vec::as_slice);
                    only(found).filter(|_| left_emails.get(&email) == Some(&1))
                });
            let Some(other) = other else { continue };
            self.name_company(&mut own).await?;
            people.push((vec![own.record.clone(), other.record.clone()], self.agreements(&own, other)));
        }
        self.journal.unite(people).await?;
        Ok(())
    }

    async fn name_company(&self, contact: &mut Mirror) -> Result<(), JournalError> {
        let Some(id) = contact.companies.first() else { return Ok(()) };
        let record = RecordRef {
            connection: contact.record.connection.clone(),
            object: ObjectKind::Company,
            id: id.clone(),
        };
        if let Some(company) = self.journal.mirror(&record).await? {
            contact.fields.insert("company.name".into(), company.text("name").into());
        }
        Ok(())
    }

    fn agreements(&self, left: &Mirror, right: &Mirror) -> Vec<Agreement> {
        self.mapping_of(right.record.object)
            .fields
            .iter()
            .filter_map(|field| {
                let sides = Sides {
                    left: &left.fields,
                    left_at: left.vendor_updated_at,
                    right: &right.fields,
                    right_at: right.vendor_updated_at,
                    agreed: None,
                };
                match judge(field, &sides) {
                    Verdict::Agree(agreement) => Some(agreement),
                    _ => None,
                }
            })
            .collect()
    }

    /// One look at what changed since the last one; every change becomes an event. Returns how many were new.
    pub async fn poll_once(&self) -> Result<usize, PollError> {
        let mut new = 0;
        for connection in [self.intercom.clone(), self.crm.clone()] {
            // What is left alone is not asked for changes either; the next look after that finds them.
            self.holds.read().await;
            if self.holds.breaker(&connection).is_some()
                || self.holds.paused(&[PauseScope::connection(&connection)]).is_some()
            {
                continue;
            }
            new += self.poll_connection(&connection).await?;
        }
        Ok(new + self.poll_sales().await?)
    }

    async fn poll_connection(&self, connection: &Connection) -> Result<usize, PollError> {
        let name = watermark(connection);
        let mut look = Look::new(self.since(&name).await?, self.overlap());
        let (from, began) = (look.from(), self.clock.now());
        let mut cursor: Option<String> = None;
        let mut new = 0;
        loop {
            // HubSpot tells what changed by a search only.
            let searches = connection.system == System::Hubspot;
            let family = if searches { Family::Search } else { Family::usual(connection.system) };
            self.wait_for_a_call(connection, family).await;
            let mut log = vendors::Log::new();
            let page =
                vendors::changed_contacts(&self.clients, connection, from, cursor.as_deref(), &mut log).await;
            self.limits.learn_all(&log);
            let (mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
            let mut events = Vec::new();
            for mirror in mirrors {
                if look.takes(mirror.vendor_updated_at) && self.is_news(&mirror).await? {
                    events.push(found(&mirror, EventSource::Poll));
                }
            }
            if !events.is_empty() {
                let stored = self.intake().accept(events).await?;
                // What was found before and waits still is found again, and is no news.
                new += stored.iter().filter(|one| !matches!(one, Appended::Duplicate(_))).count();
            }
            // Only now that the events are stored: who begins anew after a kill begins here.
            if let Some(reached) = look.reached(self.clock.now().since(began), next.is_none()) {
                self.journal.set_mark(&name, &reached.0.to_string()).await?;
            }
            match next {
                Some(next) => cursor = Some(next),
                None => {
                    self.journal.heard_by_looking(connection).await?;
                    return Ok(new);
                }
            }
        }
    }

    /// Some mapped field is not what we last saw.
    pub(super) async fn is_news(&self, mirror: &Mirror) -> Result<bool, JournalError> {
        if self.journal.is_barred(mirror).await? {
            return Ok(false);
        }
        // What is deleted is news to who knew it; some vendors list it among the changes, and keep listing it.
        let Some(known) = self.journal.mirror(&mirror.record).await? else { return Ok(!mirror.deleted) };
        let none = serde_json::Value::Null;
        let differs = |field: &FieldMapping, name: &str| {
            !same(field, known.value(name).unwrap_or(&none), mirror.value(name).unwrap_or(&none))
        };
        if known.deleted || mirror.deleted {
            return Ok(known.deleted != mirror.deleted);
        }
        // A lead that became a contact is that contact from now on, though none of its own fields changed.
        if mirror.text("IsConverted") == "true" && known.text("IsConverted") != "true" {
            return Ok(true);
        }
        Ok(self.mapping_of(mirror.record.object).fields.iter().any(|field| {
            if mirror.record.connection == self.intercom {
                field.intercom_fields().any(|name| !name.starts_with("company.") && differs(field, name))
            } else {
                field.crm.iter().any(|name| differs(field, name))
            }
        }))
    }

    /// Waits until the connection takes a call; only loops that serve nobody in particular wait in place.
    pub(super) async fn wait_for_a_call(&self, connection: &Connection, family: Family) {
        while let Err(Parked { until, .. }) = self.limits.admit(connection, family, Urgency::Usual).await {
            self.clock.until(until).await;
        }
    }

    pub(super) fn failed(
        &self,
        connection: &Connection,
        error: VendorError,
        log: &vendors::Log,
    ) -> PollError {
        if let Some(until) = error.retry_at {
            let family = log.last().map_or(Family::usual(connection.system), family_of);
            self.limits.close(
                connection,
                family,
                until,
                &format!("{}'s rate limit", connection.system.title()),
            );
        }
        if error.class == ErrorClass::Auth {
            self.holds.suspect(connection, &error.words);
        }
        PollError::Vendor { connection: connection.clone(), error: Box::new(error) }
    }

    /// Looks again and again until `stop` turns true; a failure is reported and tried again at the next look.
    pub async fn poll(&self, mut stop: watch::Receiver<bool>, report: impl Fn(&PollError)) {
        while !*stop.borrow() {
            let look = async {
                self.first_load().await?;
                self.poll_once().await?;
                self.poll_companies().await.map(|_| ())
            };
            // A look may wait for a day's renewal; what it saw is stored, and the rest is looked at again.
            let result = tokio::select! {
                result = look => result,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let mut pause = Duration::from_secs(self.settings.poll_seconds.max(1));
            if let Err(error) = result {
                report(&error);
                pause = pause.min(Duration::from_secs(30));
            }
            let until = self.clock.now().plus(pause);
            tokio::select! {
                () = self.clock.until(until) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// The only one of several records of one address, a contact before leads.
fn only<'a>(found: &[&'a Mirror]) -> Option<&'a Mirror> {
    let mut contacts = found.iter().filter(|mirror| mirror.record.object == ObjectKind::Contact);
    match (contacts.next(), contacts.next(), found) {
        (Some(contact), None, _) => Some(contact),
        (None, _, [lead]) => Some(lead),
        _ => None,
    }
}

fn watermark(connection: &Connection) -> String {
    format!("polled.{connection}")
}

/// A change found by looking, as an event; the same state of the same record is the same event.
pub(super) fn found(mirror: &Mirror, source: EventSource) -> NewEvent {
    let body = serde_json::Value::Object(mirror.fields.clone()).to_string();
    let key = key_of(source.as_str(), &[&mirror.record.to_string(), &body]);
    NewEvent {
        connection: mirror.record.connection.clone(),
        source,
        delivery_key: key,
        topic: source.to_string(),
        kind: EventKind::ContactUpdated,
        record: Some(mirror.record.clone()),
        occurred_at: mirror.vendor_updated_at,
        sent: Sent::default(),
        body,
    }
}

/// A delivery key for what nobody delivered: the same facts are the same event.
pub(super) fn key_of(source: &str, facts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for fact in facts {
        digest.update(fact);
    }
    digest.finalize().iter().take(12).fold(format!("{source}-"), |mut key, byte| {
        use std::fmt::Write as _;
        let _ = write!(key, "{byte:02x}");
        key
    })
}
