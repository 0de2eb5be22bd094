//! Erasing people: what a deletion at one vendor means for the other, the plan of each part, and what an operator asks.
//!
//! Deleting is the one thing that no capsule brings back, so a vendor's word alone starts it only where the settings say
//! so; else it waits for a human. Archiving is no deletion and starts nothing.

use serde::Deserialize;

use super::Engine;
use super::operate::{OperateError, Operator};
use super::turn::{Stop, Turn};
use crate::domain::erasure::{Erasure, ErasureWay, NewErasure, PartState, Ways};
use crate::domain::error_class::ErrorClass;
use crate::domain::event::EventKind;
use crate::domain::ids::{ErasureId, ExecutionId};
use crate::domain::plan::{Loss, Preview};
use crate::domain::record::{RecordRef, System};
use crate::journal::erasure::Person;
use crate::recipes::contact_sync::Planned;
use crate::recipes::erasure;
use crate::recipes::mend::Impossible;
use crate::vendors;

/// What a deletion at one side does at the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// HubSpot deleted somebody for privacy.
    pub on_hubspot_deletion: OnHubspot,
    /// Intercom deleted somebody for good.
    pub on_intercom_deletion: OnIntercom,
}

/// What Intercom does when HubSpot deleted somebody for privacy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHubspot {
    /// Ask a human.
    #[default]
    Nothing,
    /// Delete the contact.
    Delete,
}

/// What the CRM does when Intercom deleted somebody for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnIntercom {
    /// Ask a human.
    #[default]
    Nothing,
    /// Clear what the record says about the person.
    Anonymise,
    /// Delete the record for good.
    Erase,
}

impl Settings {
    /// What follows a deletion that this system told of; none leaves it to a human.
    pub fn ways(self, told_by: System) -> Option<Ways> {
        match (told_by, self.on_hubspot_deletion, self.on_intercom_deletion) {
            (System::Hubspot, OnHubspot::Delete, _) => Some(Ways::EVERYWHERE),
            (System::Intercom, _, OnIntercom::Erase) => Some(Ways::EVERYWHERE),
            (System::Intercom, _, OnIntercom::Anonymise) => {
                Some(Ways { crm: ErasureWay::Anonymise, ..Ways::EVERYWHERE })
            }
            _ => None,
        }
    }

    /// What is missing for both sides to follow each other, as a sentence; none when both are set.
    pub fn missing(self) -> Option<&'static str> {
        match (self.on_hubspot_deletion, self.on_intercom_deletion) {
            (OnHubspot::Nothing, OnIntercom::Nothing) => Some(
                "a deletion on one side waits for a human on the other: on_hubspot_deletion and on_intercom_deletion \
                 under [erasure] are \"nothing\"",
            ),
            (OnHubspot::Nothing, _) => Some(
                "only half is set: who is deleted in HubSpot stays in Intercom until a human decides \
                 (erasure.on_hubspot_deletion is \"nothing\")",
            ),
            (_, OnIntercom::Nothing) => Some(
                "only half is set: who is deleted in Intercom stays in the CRM until a human decides \
                 (erasure.on_intercom_deletion is \"nothing\")",
            ),
            _ => None,
        }
    }
}

impl Engine {
    /// Finishes what an earlier process left of erasures in the journal's own files.
    pub async fn finish_erasures(&self) {
        if let Err(error) = self.journal.scrub().await {
            tracing::warn!(%error, "an erasure's last part is still open: the journal's files may hold old pages");
        }
    }

    /// Contacts with an address that the vendors know, whether or not the journal does. Only reads.
    pub async fn look_for(&self, address: &str) -> Result<Vec<RecordRef>, vendors::VendorError> {
        let mut found = Vec::new();
        for connection in [self.intercom.clone(), self.crm.clone()] {
            let mut log = vendors::Log::new();
            let result = vendors::find_contact(&self.clients, &connection, "email", address, &mut log).await;
            self.limits.learn_all(&log);
            found.extend(result?.into_iter().map(|mirror| mirror.record));
        }
        Ok(found)
    }
}

/// The plan of an execution that erases: one part of an erasure, or the opening of one.
pub(super) async fn plan(turn: &mut Turn<'_>) -> Result<Planned, Stop> {
    let Some((_, part)) = turn.engine.journal.erasure_part(turn.claim.execution.id).await? else {
        return open(turn).await;
    };
    let Some(record) = part.record else { return Ok(Planned::nothing("There is no record to erase.")) };
    let now = match part.way {
        ErasureWay::Anonymise => match turn.read(&record).await? {
            Ok(mirror) => Some(mirror),
            Err(error) => match error.class {
                // What it was merged into is a part of its own.
                ErrorClass::NotFound | ErrorClass::MergedAway | ErrorClass::Converted => None,
                _ => return Err(Stop::Vendor(Box::new(error), None)),
            },
        },
        _ => None,
    };
    Ok(erasure::plan(part.way, &record, now.as_ref(), &turn.engine.mapping))
}

/// A vendor says that somebody was deleted there for good.
async fn open(turn: &mut Turn<'_>) -> Result<Planned, Stop> {
    let Some(event) = turn.claim.event.clone().filter(|event| event.kind == EventKind::ContactErased) else {
        return Err(Impossible("Nothing says whom to erase.".to_owned()).into());
    };
    let Some(record) = event.record else { return Ok(Planned::nothing("The event names no record.")) };
    let system = record.system();
    let journal = &turn.engine.journal;
    if journal.is_erased(&record).await? {
        return Ok(Planned::nothing("The person was erased already."));
    }
    let ways = turn.engine.settings.erasure.ways(system);
    let known = journal.person(vec![record.clone()], None, false).await?;
    if known.records.len() < 2 && known.copies.is_empty() {
        return Ok(Planned::nothing(
            "The contact is gone, and nothing here or on the other side belonged to it.",
        ));
    }
    let new = NewErasure {
        asked_by: system.to_string(),
        event: Some(event.id),
        records: vec![record.clone()],
        address: None,
        by_address: false,
        told: vec![record.clone()],
        ways,
    };
    let id = journal.open_erasure(new).await?;
    if ways.is_none() {
        // As for any record that is gone: nobody writes to it, and the tie is only remembered.
        turn.gone.push(record);
        return Ok(Planned::nothing(format!(
            "{} deleted the person for good; what follows elsewhere is left to a human: reknit erase show {id}.",
            system.title()
        )));
    }
    turn.engine.finish_erasures().await;
    Ok(Planned::nothing(format!(
        "{} deleted the person for good; {id} erases them elsewhere.",
        system.title()
    )))
}

/// Whom an operator names: a record, an address, or an execution's or a person's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A record, and all that is tied to it.
    Record(RecordRef),
    /// Everybody with this address.
    Address(String),
}

impl Operator {
    /// What erasing somebody would do: the exact calls, what is lost, what stays behind.
    pub async fn preview_erasure(
        &self,
        whom: &Whom,
        also: &[RecordRef],
        ways: Ways,
    ) -> Result<(Person, Preview), OperateError> {
        let person = self.person(whom, also).await?;
        let mut preview = Preview {
            title: format!("Erase {} records of one person", person.records.len()),
            irreversible: true,
            ..Preview::default()
        };
        for record in &person.records {
            let way = ways.of(record);
            let copy = self.journal().mirror(record).await?;
            let planned = erasure::plan(way, record, copy.as_ref(), self.mapping());
            for step in &planned.plan.steps {
                preview.calls.extend(self.calls_of(&step.effect));
            }
            let lost = match way {
                ErasureWay::Anonymise => {
                    let fields = copy.map(|copy| erasure::cleared(&copy, self.mapping())).unwrap_or_default();
                    fields.keys().cloned().collect::<Vec<_>>().join(", ")
                }
                _ => "the whole record, for good".to_owned(),
            };
            let kept = if way == ErasureWay::Anonymise { "the record itself" } else { "nothing" };
            preview.losses.push(Loss { field: record.title(), lost, kept: kept.to_owned() });
        }
        let notes = &mut preview.notes;
        notes.push(
            "The journal forgets the person at once: copies, payloads and calls are erased, also where other rows \
             speak of them; rows stay and say that they were erased. No undo."
                .into(),
        );
        for system in [System::Intercom, System::Hubspot] {
            if !person.records.iter().any(|record| record.system() == system) {
                notes.push(format!(
                    "{}: nobody is known there by these records or addresses.",
                    system.title()
                ));
            }
        }
        let crm = |system| person.records.iter().any(|record| record.system() == system);
        if crm(System::Hubspot) && ways.crm == ErasureWay::Erase {
            notes.push(
                "HubSpot takes up to 30 days; a form or an import may bring the address back there.".into(),
            );
        }
        if crm(System::Hubspot) && ways.crm == ErasureWay::Anonymise {
            notes.push("HubSpot keeps the history of cleared properties; only deleting removes it.".into());
        }
        if crm(System::Salesforce) && ways.crm == ErasureWay::Erase {
            notes.push("Salesforce keeps the record in its recycle bin for 15 days; empty it there.".into());
        }
        notes.push("Backups of the journal that somebody else made hold the person still.".into());
        Ok((person, preview))
    }

    /// Erases somebody. The executions that do it at the vendors are queued before everything else.
    pub async fn erase(
        &self,
        whom: &Whom,
        also: &[RecordRef],
        ways: Ways,
    ) -> Result<ErasureId, OperateError> {
        self.may_write()?;
        let (records, address) = named(whom, also);
        let person = self.person(whom, also).await?;
        if person.records.is_empty() && address.is_none() {
            return Err(OperateError::Missing("such a person".to_owned()));
        }
        let new = NewErasure {
            asked_by: self.actor().to_owned(),
            event: None,
            records,
            address,
            by_address: true,
            told: Vec::new(),
            ways: Some(ways),
        };
        let id = self.journal().open_erasure(new).await?;
        self.scrub().await;
        Ok(id)
    }

    /// Lets an erasure that waits for a human go on.
    pub async fn approve_erasure(&self, id: ErasureId, ways: Ways) -> Result<(), OperateError> {
        self.may_write()?;
        self.journal().approve_erasure(id, ways, self.actor().to_owned()).await?;
        self.scrub().await;
        Ok(())
    }

    /// Says that nothing is to follow.
    pub async fn dismiss_erasure(&self, id: ErasureId) -> Result<(), OperateError> {
        self.may_write()?;
        Ok(self.journal().dismiss_erasure(id, self.actor().to_owned()).await?)
    }

    /// Tries the parts again that are not done; the executions to be run.
    pub async fn retry_erasure(&self, id: ErasureId) -> Result<Vec<ExecutionId>, OperateError> {
        self.may_write()?;
        let erasure =
            self.journal().erasure(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        let waiting = pending(&erasure);
        let report = self.retry(&waiting).await?;
        self.scrub().await;
        Ok(report.queued)
    }

    async fn person(&self, whom: &Whom, also: &[RecordRef]) -> Result<Person, OperateError> {
        let (records, address) = named(whom, also);
        Ok(self.journal().person(records, address, true).await?)
    }

    async fn scrub(&self) {
        if let Err(error) = self.journal().scrub().await {
            tracing::warn!(%error, "the journal's own part of an erasure is still open");
        }
    }
}

fn named(whom: &Whom, also: &[RecordRef]) -> (Vec<RecordRef>, Option<String>) {
    let (mut records, address) = match whom {
        Whom::Record(record) => (vec![record.clone()], None),
        Whom::Address(address) => (Vec::new(), Some(address.clone())),
    };
    records.extend(also.iter().cloned());
    (records, address)
}

/// The executions of parts that are not done.
pub fn pending(erasure: &Erasure) -> Vec<ExecutionId> {
    let open = erasure.parts.iter().filter(|part| matches!(part.state, PartState::Open | PartState::Failed));
    open.filter_map(|part| part.execution).collect()
}
