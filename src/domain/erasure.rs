//! The erasure of a person: what stands open where, without a word about who it was.
//!
//! An erasure has one part for each record of the person and one for the journal. It is done when every part is; one
//! that is partly done stays open for as long as it takes.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{ErasureId, ExecutionId};
use super::record::RecordRef;

words! {
    /// Where an erasure stands.
    pub enum ErasureState {
        /// A vendor says that somebody was deleted there, and the settings leave it to a human what follows.
        Asked = "asked",
        /// Being carried out, or stuck with a part of it.
        Open = "open",
        /// Every part is done.
        Done = "done",
        /// A human said that nothing is to follow.
        Dismissed = "dismissed",
    }
}

words! {
    /// What is done to one part.
    pub enum ErasureWay {
        /// The record is deleted for good.
        Erase = "erase",
        /// The record stays; what it says about the person is cleared.
        Anonymise = "anonymise",
        /// The vendor has done it already: it told us.
        Told = "told",
        /// Nothing: the settings say so.
        Nothing = "nothing",
        /// The journal's own copies are overwritten and their keys destroyed.
        Overwrite = "overwrite",
    }
}

words! {
    /// Where one part of an erasure stands.
    pub enum PartState {
        /// Not done yet.
        Open = "open",
        /// Done, with a time.
        Done = "done",
        /// Tried and refused: a human is needed.
        Failed = "failed",
        /// There is nothing to do here.
        NotApplicable = "not_applicable",
    }
}

impl PartState {
    /// One text glyph of width one.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Open => "○",
            Self::Done => "✓",
            Self::Failed => "✗",
            Self::NotApplicable => "–",
        }
    }

    /// Nothing is left to do for it.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::NotApplicable)
    }
}

/// One line of an erasure's checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePart {
    /// `hubspot`, `intercom`, `salesforce` or `journal`.
    pub system: String,
    /// The record, where the part is one.
    pub record: Option<RecordRef>,
    /// What is done.
    pub way: ErasureWay,
    /// Where it stands.
    pub state: PartState,
    /// When it was done, or last tried.
    pub at: Option<Timestamp>,
    /// The execution that does it.
    pub execution: Option<ExecutionId>,
    /// The vendor's id of the request that did it.
    pub request_id: Option<String>,
    /// What happened or what is missing, as a sentence; names nobody.
    pub note: String,
}

/// An erasure and its checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its number.
    pub id: ErasureId,
    /// Where it stands.
    pub state: ErasureState,
    /// Who asked for it: an operator's name, or the system that told of a deletion.
    pub asked_by: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When the last part was done, or a human dismissed it.
    pub closed_at: Option<Timestamp>,
    /// The checklist.
    pub parts: Vec<ErasurePart>,
}

/// The recipe that carries an erasure out, and opens one when a vendor tells of a deletion.
pub const RECIPE: &str = "erase-person";

/// What is done in each system; what one has done already is not asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// In Intercom.
    pub intercom: ErasureWay,
    /// In HubSpot and Salesforce.
    pub crm: ErasureWay,
}

impl Ways {
    /// Deleted for good everywhere: what a command without further wishes does.
    pub const EVERYWHERE: Self = Self { intercom: ErasureWay::Erase, crm: ErasureWay::Erase };

    /// What is done to a record.
    pub fn of(self, record: &RecordRef) -> ErasureWay {
        match record.system() {
            super::record::System::Intercom => self.intercom,
            _ => self.crm,
        }
    }
}

/// An erasure before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// Who asks: an operator's name, or the system that told of a deletion.
    pub asked_by: String,
    /// The event that told of it.
    pub event: Option<super::ids::EventId>,
    /// Records of the person; all that are known to belong to them are added.
    pub records: Vec<RecordRef>,
    /// An address by which they are known.
    pub address: Option<String>,
    /// Records with the same address belong to them too.
    pub by_address: bool,
    /// Records the vendor has deleted already.
    pub told: Vec<RecordRef>,
    /// What is done; none leaves it to a human.
    pub ways: Option<Ways>,
}
