//! What an event is good for: which execution it causes, or why none; and whether it is our own write coming back.
//!
//! Decided in the transaction that stores the event, from what the journal knows; nothing here calls a vendor, and
//! nothing waits.

use std::time::Duration;

use serde_json::Value;

use super::Engine;
use super::rules::{InForce, Rules};
use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::execution::Priority;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::text::shorten;
use crate::journal::facts::value_hash;
use crate::journal::intake::{Appended, Disposition, Sight};
use crate::journal::{Journal, Result};
use crate::mapping::Mapping;
use crate::mapping::judge::same;
use crate::vendors::intercom::hook;
use crate::vendors::{payload, topics};

pub(super) mod wanted;

/// How long a value we wrote is recognised when it comes back: HubSpot delivers for up to a day.
pub(super) const ECHO_LIFE: Duration = Duration::from_secs(25 * 3600);

/// Properties of a company that matching looks at.
const COMPANY: [&str; 7] = ["name", "domain", "website", "phone", "city", "country", "industry"];

/// How long the properties of a record we made are recognised before we know its id.
const CREATE_ECHO_LIFE: Duration = Duration::from_secs(600);

/// Letters of an unknown topic that a reason repeats.
const TOPIC: usize = 100;

/// Stands in the echo ledger for a contact that is about to be made and has no id yet.
pub(super) fn record_to_be(connection: &Connection) -> RecordRef {
    RecordRef::to_be_made(connection)
}

/// Takes events in. A part of the engine that needs no vendor, so a receiver can run without one.
#[derive(Clone)]
pub struct Intake {
    journal: Journal,
    rules: Rules,
    /// Of the rules, what one event is judged by.
    in_force: std::sync::Arc<InForce>,
    mapping: std::sync::Arc<Mapping>,
    clock: crate::domain::clock::SharedClock,
    settings: std::sync::Arc<super::Settings>,
}

impl Engine {
    /// The part that takes events in.
    pub fn intake(&self) -> Intake {
        Intake {
            journal: self.journal.clone(),
            rules: self.rules.clone(),
            in_force: std::sync::Arc::clone(&self.in_force),
            mapping: std::sync::Arc::clone(&self.mapping),
            clock: self.clock.clone(),
            settings: std::sync::Arc::clone(&self.settings),
        }
    }
}

/// What a body says of itself, read once and before the journal's writing thread has it.
struct Heard {
    carried: Option<Mirror>,
    property: Option<(String, Value)>,
    by_an_integration: bool,
    tag: Option<String>,
    redacted: Vec<String>,
    /// Who takes part in a conversation.
    people: Vec<RecordRef>,
}

impl Heard {
    fn of(event: &NewEvent) -> Self {
        let tagged = matches!(event.kind, EventKind::ContactTagged | EventKind::ContactUntagged);
        let is_redaction = event.kind == EventKind::ConversationRedacted;
        Self {
            carried: payload::record_in(event),
            property: payload::property_in(event),
            by_an_integration: payload::is_by_an_integration(event),
            tag: tagged.then(|| hook::tag_name(&event.body)).flatten(),
            redacted: if is_redaction { hook::redacted_parts(&event.body) } else { Vec::new() },
            people: people_in(event),
        }
    }
}

fn people_in(event: &NewEvent) -> Vec<RecordRef> {
    if event.connection.system != System::Intercom || !event.kind.is_of_a_conversation() {
        return Vec::new();
    }
    let contact = |id| RecordRef { connection: event.connection.clone(), object: ObjectKind::Contact, id };
    hook::contact_ids(&event.body).into_iter().map(contact).collect()
}

/// Whose conversations these events tell the end of.
fn closed_by(incoming: &[(NewEvent, Heard)]) -> Vec<RecordRef> {
    let closed = incoming.iter().filter(|(event, _)| event.kind == EventKind::ConversationClosed);
    closed.flat_map(|(_, heard)| heard.people.clone()).collect()
}

/// What a person reads for a vendor's topic; the topic itself where nobody told us of it.
pub fn title(system: System, topic: &str) -> &str {
    topics::title(system, topic).unwrap_or(topic)
}

/// A topic that a connection has to be subscribed to, because recipes that are on start from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Whose topic.
    pub system: System,
    /// The vendor's name for it.
    pub topic: &'static str,
    /// What a person reads.
    pub title: &'static str,
    /// Which recipes start from it.
    pub recipes: Vec<String>,
}

/// The topics that what is in force starts from, in the vendors' order.
pub fn needed(in_force: &super::rules::InForce) -> Vec<Needed> {
    let mut needed = Vec::new();
    for system in [System::Intercom, in_force.crm] {
        for row in topics::all(system) {
            let Some(topic) = row.names.first() else { continue };
            let mut recipes: Vec<String> =
                crate::recipes::built_in(row.kind).map(str::to_owned).into_iter().collect();
            recipes.extend(in_force.triggered(system, row.kind).0.iter().map(|recipe| recipe.name.clone()));
            if !recipes.is_empty() {
                needed.push(Needed { system, topic, title: row.title, recipes });
            }
        }
    }
    needed
}

/// The name a topic has today, whichever of its names came.
pub fn present_name(system: System, topic: &str) -> &str {
    topics::known(system, topic).and_then(|row| row.names.first()).copied().unwrap_or(topic)
}

impl Intake {
    /// The journal takes events now: its disk neither is full nor has just failed.
    pub fn is_ready(&self) -> bool {
        self.journal.condition() == crate::journal::Condition::Good
    }

    /// The journal events go to.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Stores events with what they cause; returns after the commit. All or none. What an event is good for is
    /// decided in the transaction that stores it: one way to the journal and back, and nothing changes in between.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Appended>> {
        let incoming: Vec<(NewEvent, Heard)> = events
            .into_iter()
            .map(|event| {
                let heard = Heard::of(&event);
                (event, heard)
            })
            .collect();
        let intake = self.current();
        let closed: Vec<RecordRef> = closed_by(&incoming);
        if !closed.is_empty() {
            // The next scan raises whoever of them has no account.
            self.journal.note_closing(closed).await?;
        }
        self.journal
            .append_judged(incoming, move |sight, event, heard| intake.judge(sight, event, &heard))
            .await
    }

    /// With the rules that are in force now.
    fn current(&self) -> Self {
        let in_force = self.rules.current();
        Self { mapping: std::sync::Arc::clone(&in_force.contact), in_force, ..self.clone() }
    }

    /// What an event would cause, for whoever stores it together with something else.
    pub(super) async fn disposition(&self, event: &NewEvent) -> Result<Disposition> {
        let (intake, event, heard) = (self.current(), event.clone(), Heard::of(event));
        self.journal.sighted(move |sight| intake.judge(sight, &event, &heard)).await
    }

    fn judge(&self, sight: Sight<'_>, event: &NewEvent, heard: &Heard) -> Result<Disposition> {
        let system = event.connection.system;
        if Self::speaks_of_the_erased(sight, heard)? {
            return Ok(Disposition::Erased);
        }
        if event.kind == EventKind::Other {
            return Ok(Disposition::Ignore(unrouted(system, event)));
        }
        if event.kind == EventKind::ConversationRedacted && event.record.is_some() {
            return Ok(Disposition::Redact(heard.redacted.clone()));
        }
        if let Some(tag) = heard.tag.as_deref().filter(|tag| self.is_segment(tag)) {
            return Ok(Disposition::Ignore(format!(
                "the tag \"{tag}\" is a segment (engine.segment_tags), so it is no event"
            )));
        }
        self.fan_out(sight, event, heard)
    }

    /// Somebody taking part in a conversation was erased: nothing of the body is kept.
    fn speaks_of_the_erased(sight: Sight<'_>, heard: &Heard) -> Result<bool> {
        for person in &heard.people {
            if sight.is_erased(person)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_segment(&self, tag: &str) -> bool {
        self.settings
            .segment_tags
            .iter()
            .any(|segment| segment.trim().to_lowercase() == tag.trim().to_lowercase())
    }

    /// What somebody changed just now runs at once; what polling found waits for the off-peak window, if there is one.
    fn when(&self, event: &NewEvent, now: Timestamp) -> (Priority, Timestamp, String) {
        match event.source {
            EventSource::Webhook => return (Priority::Live, now, "Waits for a worker.".into()),
            EventSource::Poll => {}
            // Asked for or due at this hour, but many at once: never before what somebody changed just now.
            source => {
                let sentence = format!("Found by a {}; waits for a worker.", word(source));
                return (Priority::Background, now, sentence);
            }
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

    /// Every mapped value the event carries is either what we know already or what we wrote and still stands, and at
    /// least one is what we wrote: then it tells nothing new. A value that somebody changed since and that comes again is
    /// a change: dropped, it would leave the other side with what was in between.
    fn is_echo(&self, sight: Sight<'_>, event: &NewEvent, heard: &Heard, record: &RecordRef) -> Result<bool> {
        if event.kind == EventKind::ContactCreated && heard.by_an_integration {
            // We made it and have tied it to its person already: its birth is no news.
            return Ok(sight.tied(record)? > 1);
        }
        if !event.kind.is_change_of_a_contact() {
            return Ok(false);
        }
        let since = Timestamp(self.clock.now().0 - ECHO_LIFE.as_millis() as i64);
        if let Some((property, value)) = &heard.property {
            let asked = [(property.clone(), value_hash(value))];
            if sight.standing_echoes(record, &asked, since)? == [true] {
                return Ok(true);
            }
            // A record we have just made reports each of its properties, maybe before its id has reached us.
            let just_now = Timestamp(self.clock.now().0 - CREATE_ECHO_LIFE.as_millis() as i64);
            return Ok(heard.by_an_integration
                && sight.mirror(record)?.is_none()
                && sight.echoes(&record_to_be(&event.connection), &asked, just_now)? == [true]);
        }
        let Some(carried) = &heard.carried else { return Ok(false) };
        let Some(known) = sight.mirror(record)? else { return Ok(false) };
        let none = Value::Null;
        let watched = self.watched(record);
        let values: Vec<(String, String)> = watched
            .iter()
            .map(|name| ((*name).to_owned(), value_hash(carried.value(name).unwrap_or(&none))))
            .collect();
        let ours = sight.standing_echoes(record, &values, since)?;
        let told_before = |name: &str| {
            let (now, before) = (carried.value(name).unwrap_or(&none), known.value(name).unwrap_or(&none));
            let of_intercom = record.system() == System::Intercom;
            let mut fields = self.mapping_of(record.object).fields.iter();
            let mapped = fields.find(|field| {
                if of_intercom {
                    field.intercom_fields().any(|own| own == name)
                } else {
                    field.crm.iter().any(|crm| crm == name)
                }
            });
            mapped.map_or_else(|| now == before, |field| same(field, now, before))
        };
        Ok(ours.contains(&true) && ours.iter().zip(&watched).all(|(ours, name)| *ours || told_before(name)))
    }

    /// A property of a record matters to the mapping, or of a company to matching.
    fn uses(&self, record: &RecordRef, property: &str) -> bool {
        match record.object {
            ObjectKind::Company => COMPANY.contains(&property),
            _ => self.watched(record).contains(&property),
        }
    }

    fn mapping_of(&self, object: ObjectKind) -> &Mapping {
        self.in_force.leads.as_ref().filter(|_| object == ObjectKind::Lead).unwrap_or(&self.mapping)
    }

    fn watched(&self, record: &RecordRef) -> Vec<&str> {
        let mapping = self.mapping_of(record.object);
        match record.system() {
            System::Intercom => mapping
                .fields
                .iter()
                .flat_map(crate::mapping::FieldMapping::intercom_fields)
                .filter(|field| !field.starts_with("company."))
                .chain([mapping.intercom_identity.as_str()])
                // Somebody who is a lead there has that lead's id in a field of its own.
                .chain(self.in_force.leads.iter().map(|leads| leads.intercom_identity.as_str()))
                .collect(),
            _ => {
                let fields = mapping.fields.iter().flat_map(|field| field.crm.iter().map(String::as_str));
                fields.chain([mapping.crm_identity.as_str()]).collect()
            }
        }
    }
}

/// Why an event of no kind of ours runs nothing: its topic, or that it has none.
fn unrouted(system: System, event: &NewEvent) -> String {
    let topic = shorten(&event.topic, TOPIC);
    match topics::known(system, &event.topic) {
        _ if event.topic.is_empty() => "the body names no topic that could be read".to_owned(),
        Some(row) => format!("no recipe for the topic \"{topic}\" ({}) is on", row.title),
        None => format!("the topic \"{topic}\" is not known"),
    }
}

fn subject(sight: Sight<'_>, heard: &Heard, record: &RecordRef) -> Result<String> {
    if let Some(carried) = &heard.carried
        && carried.display_name() != carried.record.title()
    {
        return Ok(carried.display_name());
    }
    Ok(sight.mirror(record)?.map_or_else(|| record.title(), |mirror| mirror.display_name()))
}

const fn word(source: EventSource) -> &'static str {
    match source {
        EventSource::Webhook => "webhook",
        EventSource::Poll => "look",
        EventSource::Operator => "fetch",
        EventSource::Sweep => "sweep",
        EventSource::Backfill => "backfill",
    }
}

/// The lane of a record: the same for all records of one person, so that one execution at a time touches them.
pub(super) async fn lane_of(journal: &Journal, record: &RecordRef) -> Result<String> {
    let known = journal.known(record).await?;
    Ok(known.records.iter().min().unwrap_or(record).to_string())
}
