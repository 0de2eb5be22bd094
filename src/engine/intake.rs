//! What an event is good for: which execution it causes, or why none; and whether it is our own write coming back.
//!
//! Decided before the event is stored, from what the journal knows; nothing here calls a vendor.

use std::time::Duration;

use super::Engine;
use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::execution::Priority;
use crate::domain::record::{Connection, ObjectKind, RecordRef, System};
use crate::journal::facts::value_hash;
use crate::journal::intake::{Appended, Disposition, NewExecution};
use crate::journal::{Journal, Result};
use crate::mapping::Mapping;
use crate::mapping::judge::same;
use crate::recipes;
use crate::vendors::payload;

/// How long a value we wrote is recognised when it comes back: HubSpot delivers for up to a day.
pub(super) const ECHO_LIFE: Duration = Duration::from_secs(25 * 3600);

/// How long the properties of a record we made are recognised before we know its id.
const CREATE_ECHO_LIFE: Duration = Duration::from_secs(600);

/// Stands in the echo ledger for a contact that is about to be made and has no id yet.
pub(super) fn record_to_be(connection: &Connection) -> RecordRef {
    RecordRef::to_be_made(connection)
}

/// Takes events in. A part of the engine that needs no vendor, so a receiver can run without one.
#[derive(Clone)]
pub struct Intake {
    journal: Journal,
    mapping: std::sync::Arc<Mapping>,
    clock: crate::domain::clock::SharedClock,
    settings: std::sync::Arc<super::Settings>,
}

impl Engine {
    /// The part that takes events in.
    pub fn intake(&self) -> Intake {
        Intake {
            journal: self.journal.clone(),
            mapping: std::sync::Arc::clone(&self.mapping),
            clock: self.clock.clone(),
            settings: std::sync::Arc::clone(&self.settings),
        }
    }
}

impl Intake {
    /// Stores events with what they cause; returns after the commit.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Appended>> {
        let mut incoming = Vec::with_capacity(events.len());
        for mut event in events {
            let disposition = if self.speaks_of_the_erased(&event).await? {
                "{}".clone_into(&mut event.body);
                Disposition::Ignore("belongs to an erased person".to_owned())
            } else {
                self.judge(&event).await?
            };
            incoming.push((event, disposition));
        }
        self.journal.append(incoming).await
    }

    /// The record, or somebody taking part in a conversation, was erased: nothing of the body is kept.
    async fn speaks_of_the_erased(&self, event: &NewEvent) -> Result<bool> {
        if !self.journal.has_erased().await? {
            return Ok(false);
        }
        if let Some(record) = &event.record
            && self.journal.is_erased(record).await?
        {
            return Ok(true);
        }
        if event.connection.system == System::Intercom {
            for id in crate::vendors::intercom::hook::contact_ids(&event.body) {
                let contact =
                    RecordRef { connection: event.connection.clone(), object: ObjectKind::Contact, id };
                if event.record.as_ref() != Some(&contact) && self.journal.is_erased(&contact).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn judge(&self, event: &NewEvent) -> Result<Disposition> {
        let recipe = match recipes::route(event.connection.system, event.kind) {
            Ok(recipe) => recipe,
            Err(reason) => return Ok(Disposition::Ignore(reason.to_owned())),
        };
        let Some(record) = &event.record else {
            return Ok(Disposition::Ignore("the payload names no record".to_owned()));
        };
        let property = payload::property_in(event);
        if let Some((name, _)) = &property
            && !self.watched(record.system()).contains(&name.as_str())
        {
            return Ok(Disposition::Ignore("the mapping does not use this property".to_owned()));
        }
        if event.source == EventSource::Webhook && self.is_echo(event, record).await? {
            return Ok(Disposition::Echo);
        }
        let now = self.clock.now();
        let (priority, due_at, sentence) = self.when(event, now);
        Ok(Disposition::Run(NewExecution {
            recipe: recipe.to_owned(),
            subject: self.subject(event, record).await?,
            lane: lane_of(&self.journal, record).await?,
            record: Some(record.clone()),
            priority,
            due_at,
            sentence,
            max_attempts: self.settings.max_attempts,
        }))
    }

    /// What somebody changed just now runs at once; what polling found waits for the off-peak window, if there is one.
    fn when(&self, event: &NewEvent, now: Timestamp) -> (Priority, Timestamp, String) {
        if event.source != EventSource::Poll {
            return (Priority::Live, now, "Waits for a worker.".into());
        }
        // A wrong window was refused when the settings were read.
        match self.settings.off_peak_window() {
            Ok(Some(window)) => {
                let due = window.next(now);
                let sentence = if due > now {
                    format!(
                        "Found by polling; not urgent, so it waits for the off-peak window ({} {}).",
                        self.settings.off_peak, self.settings.off_peak_time_zone
                    )
                } else {
                    "Found by polling; runs in the off-peak window.".into()
                };
                (Priority::Background, due, sentence)
            }
            _ => (Priority::Background, now, "Found by polling; waits for a worker.".into()),
        }
    }

    async fn subject(&self, event: &NewEvent, record: &RecordRef) -> Result<String> {
        if let Some(carried) = payload::record_in(event)
            && carried.display_name() != carried.record.title()
        {
            return Ok(carried.display_name());
        }
        Ok(self.journal.mirror(record).await?.map_or_else(|| record.title(), |mirror| mirror.display_name()))
    }

    /// Every mapped value the event carries is either what we know already or what we wrote and still stands, and at
    /// least one is what we wrote: then it tells nothing new. A value that somebody changed since and that comes again is
    /// a change: dropped, it would leave the other side with what was in between.
    async fn is_echo(&self, event: &NewEvent, record: &RecordRef) -> Result<bool> {
        if event.kind == EventKind::ContactCreated && payload::is_by_an_integration(event) {
            // We made it and have tied it to its person already: its birth is no news.
            return Ok(self.journal.known(record).await?.records.len() > 1);
        }
        if event.kind != EventKind::ContactUpdated {
            return Ok(false);
        }
        let since = Timestamp(self.clock.now().0 - ECHO_LIFE.as_millis() as i64);
        if let Some((property, value)) = payload::property_in(event) {
            let asked = vec![(property, value_hash(&value))];
            if self.journal.standing_echoes(record, asked.clone(), since).await? == [true] {
                return Ok(true);
            }
            // A record we have just made reports each of its properties, maybe before its id has reached us.
            let just_now = Timestamp(self.clock.now().0 - CREATE_ECHO_LIFE.as_millis() as i64);
            return Ok(payload::is_by_an_integration(event)
                && self.journal.mirror(record).await?.is_none()
                && self.journal.echoes(&record_to_be(&event.connection), asked, just_now).await? == [true]);
        }
        let (Some(carried), Some(known)) = (payload::record_in(event), self.journal.mirror(record).await?)
        else {
            return Ok(false);
        };
        let none = serde_json::Value::Null;
        let watched = self.watched(record.system());
        let values = watched
            .iter()
            .map(|name| ((*name).to_owned(), value_hash(carried.fields.get(*name).unwrap_or(&none))))
            .collect();
        let ours = self.journal.standing_echoes(record, values, since).await?;
        let told_before = |name: &str| {
            let (now, before) =
                (carried.fields.get(name).unwrap_or(&none), known.fields.get(name).unwrap_or(&none));
            let mapped = self.mapping.fields.iter().find(|field| field.intercom == name);
            mapped.map_or_else(|| now == before, |field| same(field, now, before))
        };
        Ok(ours.contains(&true) && ours.iter().zip(&watched).all(|(ours, name)| *ours || told_before(name)))
    }

    fn watched(&self, system: System) -> Vec<&str> {
        match system {
            System::Intercom => self
                .mapping
                .fields
                .iter()
                .map(|field| field.intercom.as_str())
                .filter(|field| !field.starts_with("company."))
                .chain([self.mapping.intercom_identity.as_str()])
                .collect(),
            _ => {
                let fields =
                    self.mapping.fields.iter().flat_map(|field| field.crm.iter().map(String::as_str));
                fields.chain([self.mapping.crm_identity.as_str()]).collect()
            }
        }
    }
}

/// The lane of a record: the same for all records of one person, so that one execution at a time touches them.
pub(super) async fn lane_of(journal: &Journal, record: &RecordRef) -> Result<String> {
    let known = journal.known(record).await?;
    Ok(known.records.iter().min().unwrap_or(record).to_string())
}
