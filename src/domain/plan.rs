//! What is going to be done, as data: the dry run, the preview before a merge and the real run show the same plan.
//!
//! A plan is made by pure code from facts; this module never performs anything and knows no URL. How an effect
//! becomes HTTP calls is for `vendors` alone, which also renders it as [`Call`]s for the preview.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agreement::Agreement;
use super::clock::Timestamp;
use super::merge::{Compensation, Deviation};
use super::record::{Connection, Fields, ObjectKind, RecordRef};
use super::review::{ConflictKind, Writer};

mod preview;

pub use preview::{Becomes, Call, FileEdit, Loss, Preview};

words! {
    /// Where one step of a plan stands.
    pub enum StepState {
        /// Not begun.
        Waiting = "waiting",
        /// Begun: the intent is stored, the answer is not.
        Begun = "begun",
        /// Done, with the vendor's word for it.
        Done = "done",
        /// Refused or given up.
        Failed = "failed",
        /// May have happened.
        InDoubt = "in_doubt",
    }
}

words! {
    /// How a person and a company are related.
    #[derive(Default)]
    pub enum Relation {
        /// As the vendor relates them: HubSpot's association, which leaves a primary company that is there and makes the
        /// first one primary; Salesforce's account of the contact.
        #[default]
        Usual = "usual",
        /// In the first place, whatever had it before: HubSpot's primary company, Salesforce's account.
        Primary = "primary",
        /// Beside the first: HubSpot's plain association, Salesforce's relation of a contact to a further account.
        Beside = "beside",
        /// By making a contact of the account out of a lead; it cannot be taken back.
        Converted = "converted",
    }
}

impl Relation {
    /// The vendor's own way.
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self::Usual)
    }
}

/// One thing done at one vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Effect {
    /// Make a record.
    Create {
        /// Where.
        connection: Connection,
        /// Of which kind.
        object: ObjectKind,
        /// With which values; the names are the vendor's.
        fields: Fields,
        /// A field of `fields` that identifies the record, to look for it when an answer was lost.
        identity: String,
        /// Records of the same system it is related to from its birth: a deal's contact, a task's company.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        related: Vec<RecordRef>,
    },
    /// Change values of a record.
    Update {
        /// Which record.
        record: RecordRef,
        /// New values; null clears.
        fields: Fields,
    },
    /// Make one record out of two.
    Merge {
        /// The one that goes on.
        survivor: RecordRef,
        /// The one that goes away.
        absorbed: RecordRef,
        /// More that go away with the same call; only Salesforce takes a third record.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<RecordRef>,
        /// Written into the one that goes on by the same call; only Salesforce takes values.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        values: Fields,
    },
    /// Relate a person to a company of the same system.
    Link {
        /// The person.
        contact: RecordRef,
        /// The company.
        company: RecordRef,
        /// As what.
        #[serde(default, skip_serializing_if = "Relation::is_usual")]
        relation: Relation,
        /// The id of the company that was first before, where this one takes its place; an undo restores it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<String>,
    },
    /// Take a person's relation to a company away.
    Unlink {
        /// The person.
        contact: RecordRef,
        /// The company.
        company: RecordRef,
        /// As what they were related.
        #[serde(default, skip_serializing_if = "Relation::is_usual")]
        relation: Relation,
        /// The id of the company whose place it had taken, where the vendor has one place only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<String>,
    },
    /// Put what happened onto a person's timeline, dated when it happened. It is never changed afterwards.
    Log {
        /// Whose timeline.
        contact: RecordRef,
        /// Ours, one word: by it the entry is found again, so that there is never a second one.
        key: String,
        /// When it happened.
        at: Timestamp,
        /// What it was, in one line.
        title: String,
        /// The rest, as plain text.
        text: String,
        /// The event template of a timeline app; without one the entry is a note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
    },
    /// Delete a person's record for good.
    Erase {
        /// Which record.
        record: RecordRef,
    },
    /// Put a record away where the vendor can bring it back from: Intercom's archive, the CRM's recycle bin.
    Archive {
        /// Which record.
        record: RecordRef,
    },
    /// Bring a record back that was archived, deleted or, in Salesforce, merged away.
    Restore {
        /// Which record, by the id it had.
        record: RecordRef,
    },
    /// Take an additional e-mail off a HubSpot contact, so that another contact can have it.
    Release {
        /// Who has it.
        contact: RecordRef,
        /// The e-mail.
        email: String,
    },
    /// Put a tag on a contact, a company or a conversation, or take it off.
    Tag {
        /// Which record.
        record: RecordRef,
        /// The tag's name; one that does not exist is made.
        tag: String,
        /// On, or off.
        on: bool,
    },
    /// Tell Intercom that a person did something: an event in their activity.
    Track {
        /// Who.
        contact: RecordRef,
        /// What, one word of ours; with `at` it makes a repeat the same event.
        event: String,
        /// When.
        at: Timestamp,
        /// At most ten values.
        details: Fields,
    },
    /// Begin a conversation in a person's name.
    Converse {
        /// Who.
        contact: RecordRef,
        /// What they say, as plain text.
        text: String,
        /// Ours, one word: stands in the text, so that a lost answer does not begin a second one.
        key: String,
    },
    /// Say something in a conversation as a teammate.
    Reply {
        /// In which conversation.
        conversation: RecordRef,
        /// As which teammate: the vendor's id.
        speaker: String,
        /// What, as plain text.
        text: String,
        /// Only teammates see it.
        note: bool,
        /// Ours, one word, to look for it when an answer was lost.
        key: String,
    },
    /// Give a conversation to a teammate or a team.
    Assign {
        /// Which conversation.
        conversation: RecordRef,
        /// In whose name: the vendor's id of a teammate.
        by: String,
        /// To whom: the vendor's id.
        to: String,
        /// It is a team's id.
        team: bool,
    },
    /// Make a field that the other side does not have yet.
    DefineField {
        /// Where.
        connection: Connection,
        /// Of which kind of record.
        object: ObjectKind,
        /// The vendor's name of it.
        field: String,
        /// What it holds.
        kind: super::schema::FieldKind,
        /// The values it takes, where it is a list.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
}

/// Every key of ours begins so, and is one word for any vendor's search.
const KEY: &str = "reknit";

/// The word of ours that stands for some text, always the same one and telling nothing of it. It stands in a value of
/// the record that is made, so that the record is found again when the answer was lost.
pub fn key_for(text: &str) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(10).fold(String::from(KEY), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// The first word of ours in a text.
pub fn key_in(text: &str) -> Option<&str> {
    let word = |at: usize| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, begins) = (&rest[..end], !text[..at].ends_with(|c: char| c.is_alphanumeric()));
        let digits = &word[KEY.len()..];
        let fits = digits.len() == 20 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (begins && fits).then_some(word)
    };
    text.match_indices(KEY).find_map(|(at, _)| word(at))
}

impl Effect {
    /// A person and a company, related as the vendor relates them.
    pub const fn link(contact: RecordRef, company: RecordRef) -> Self {
        Self::Link { contact, company, relation: Relation::Usual, former: None }
    }

    /// The connection it goes to.
    pub fn connection(&self) -> &Connection {
        match self {
            Self::Create { connection, .. } | Self::DefineField { connection, .. } => connection,
            Self::Update { record, .. }
            | Self::Erase { record }
            | Self::Archive { record }
            | Self::Restore { record }
            | Self::Tag { record, .. } => &record.connection,
            Self::Merge { survivor, .. } => &survivor.connection,
            Self::Link { contact, .. }
            | Self::Unlink { contact, .. }
            | Self::Log { contact, .. }
            | Self::Track { contact, .. }
            | Self::Release { contact, .. }
            | Self::Converse { contact, .. } => &contact.connection,
            Self::Reply { conversation, .. } | Self::Assign { conversation, .. } => &conversation.connection,
        }
    }

    /// Puts in the record that an earlier step made: into the field, or for the field `related` among the related ones. A
    /// step about somebody who was still to be made is about that record from now on.
    pub fn fill(&mut self, field: &str, given: &RecordRef) {
        match self {
            Self::Create { related, .. } if field == RELATED => {
                related.retain(|record| !record.is_to_be_made());
                related.push(given.clone());
            }
            Self::Create { fields, .. } | Self::Update { fields, .. }
                if field != RELATED && !field.is_empty() =>
            {
                fields.insert(field.to_owned(), Value::String(given.id.clone()));
            }
            Self::Update { record, .. } if field.is_empty() && record.is_to_be_made() => {
                *record = given.clone();
            }
            Self::Link { company, .. } if field == RELATED && company.is_to_be_made() => {
                *company = given.clone();
            }
            Self::Link { contact: record, .. }
            | Self::Log { contact: record, .. }
            | Self::Tag { record, .. }
            | Self::Track { contact: record, .. }
            | Self::Converse { contact: record, .. }
            | Self::Reply { conversation: record, .. }
            | Self::Assign { conversation: record, .. }
                if record.is_to_be_made() =>
            {
                *record = given.clone();
            }
            _ => {}
        }
    }

    /// Another name of a record in the place of one.
    pub fn take(&mut self, old: &RecordRef, new: &RecordRef) {
        match self {
            Self::Merge { survivor: record, .. }
            | Self::Link { contact: record, .. }
            | Self::Update { record, .. }
            | Self::Erase { record }
            | Self::Archive { record }
            | Self::Release { contact: record, .. }
            | Self::Tag { record, .. }
            | Self::Track { contact: record, .. }
            | Self::Converse { contact: record, .. }
            | Self::Log { contact: record, .. }
            | Self::Reply { conversation: record, .. }
            | Self::Assign { conversation: record, .. }
                if record == old =>
            {
                *record = new.clone();
            }
            _ => {}
        }
    }

    /// The merge of two records, without values.
    pub fn merge(survivor: RecordRef, absorbed: RecordRef) -> Self {
        Self::Merge { survivor, absorbed, also: Vec::new(), values: Fields::new() }
    }

    /// The records a merge makes go away; none of any other effect.
    pub fn absorbed(&self) -> impl Iterator<Item = &RecordRef> {
        let (first, also) = match self {
            Self::Merge { absorbed, also, .. } => (Some(absorbed), also.as_slice()),
            _ => (None, [].as_slice()),
        };
        first.into_iter().chain(also)
    }

    /// The key of ours by which what it makes is found again, where it carries one.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Log { key, .. } | Self::Converse { key, .. } | Self::Reply { key, .. } => Some(key.clone()),
            Self::Create { fields, identity, .. } => {
                let values = fields.get(identity).into_iter().chain(fields.values());
                values.filter_map(Value::as_str).find_map(key_in).map(str::to_owned)
            }
            _ => None,
        }
    }

    /// Doing it twice is the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        // A timeline event carries an id of ours, and HubSpot keeps one event for each; Intercom keeps one event of a
        // name and a second. To make a field that is there is refused, which says that it is there.
        matches!(
            self,
            Self::Update { .. }
                | Self::Link { relation: Relation::Usual | Relation::Primary | Relation::Beside, .. }
                | Self::Unlink { .. }
                | Self::Archive { .. }
                | Self::Release { .. }
                | Self::Log { template: Some(_), .. }
                | Self::Tag { .. }
                | Self::Track { .. }
                | Self::Assign { .. }
                | Self::DefineField { .. }
        )
    }
}

/// The field of a [`Fill`] that means the related records of a create.
pub const RELATED: &str = "related";

/// A value of a step that only an earlier step's answer can give: the id of what it made. See [`Effect::fill`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// The field to fill.
    pub field: String,
    /// The step, from 0, whose record's id goes there.
    pub from_step: u32,
}

/// One vendor effect of a plan and how far it got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// In words: `Update HubSpot contact 151: jobtitle`.
    pub title: String,
    /// What is done.
    pub effect: Effect,
    /// Values that earlier steps give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills: Vec<Fill>,
    /// How far it got.
    pub state: StepState,
    /// The record it made or touched, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RecordRef>,
    /// An update of what a merge made: the record is read back first, and only what the vendor kept otherwise is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_back: bool,
}

impl Step {
    /// A step that has not begun.
    pub fn new(title: impl Into<String>, effect: Effect) -> Self {
        Self {
            title: title.into(),
            effect,
            fills: Vec::new(),
            state: StepState::Waiting,
            result: None,
            reads_back: false,
        }
    }
}

/// A field that was looked at and left alone, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSkip {
    /// The mapping's name of the field.
    pub field: String,
    /// Why, as a phrase.
    pub reason: String,
}

/// A disagreement found while planning; becomes a review item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundConflict {
    /// What kind of disagreement.
    pub kind: ConflictKind,
    /// The mapping's name of the field.
    pub field: String,
    /// The Intercom record.
    pub left: RecordRef,
    /// Its field.
    pub left_field: String,
    /// Its value.
    pub left_value: Value,
    /// The CRM record.
    pub right: RecordRef,
    /// Its field.
    pub right_field: String,
    /// Its value.
    pub right_value: Value,
    /// What both held when they last agreed, in the left side's terms; none when they never did.
    pub base: Option<Value>,
    /// The mapping's rule, in words.
    pub rule: String,
    /// Where that rule stands: `contact.toml:47`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// The role that decides this field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decides: String,
    /// What the target would take, nearest first; empty when anything.
    pub allowed: Vec<String>,
    /// Who wrote Intercom's value, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<Writer>,
    /// Who wrote the CRM's value, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_by: Option<Writer>,
}

/// Something told to people or to another system beside the vendors: put into the outbox in the transaction that
/// settles the execution, delivered afterwards; its failure never fails the execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// To which channel: `slack`, `webhook`, or the name of a sink in the settings.
    pub channel: String,
    /// Ours: a notice of one key and channel is put into the outbox once.
    pub key: String,
    /// In one line.
    pub title: String,
    /// The rest, field by field.
    pub fields: Fields,
}

/// What one execution will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Plan {
    /// The effects, in order; a later one never runs when an earlier one failed.
    pub steps: Vec<Step>,
    /// Fields left alone, and why.
    #[serde(default)]
    pub skips: Vec<FieldSkip>,
    /// Fields held back for a human.
    #[serde(default)]
    pub conflicts: Vec<FoundConflict>,
    /// When nothing is to be done at all: why.
    #[serde(default)]
    pub nothing: Option<String>,
    /// What is told once all steps are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Fields on which both sides agree once all steps are done; kept for whoever goes on after a crash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub will_agree: Vec<Agreement>,
    /// Of fields whose write answers an earlier write of ours: how long that chain is with it; see [`Plan::hops_key`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hops: BTreeMap<String, u32>,
    /// What a vendor kept otherwise than was planned, as read back after a merge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
    /// It failed after something that other systems know: what was taken back, and what could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Compensation>,
    /// Values that a human set in the place of planned ones; they stay through every later planning of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<super::edits::Edit>,
}

impl Plan {
    /// The key of a record's field in `hops`: both sides may have a field of one name.
    pub fn hops_key(record: &RecordRef, field: &str) -> String {
        format!("{record}#{field}")
    }

    /// Notes the hop count of a write; a chain of one needs no note.
    pub fn note_hops(&mut self, record: &RecordRef, field: &str, hops: u32) {
        if hops > 1 {
            self.hops.insert(Self::hops_key(record, field), hops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn a_key_is_found_in_whatever_stands_around_it() {
        let key = key_for("csat 20001");
        assert_eq!(key_for("csat 20001"), key);
        assert_ne!(key_for("csat 20002"), key);
        for text in [key.clone(), format!("Call them.<br><small>{key}</small>"), format!("reknit {key}.")] {
            assert_eq!(key_in(&text), Some(key.as_str()), "{text}");
        }
        for text in [format!("{key}0"), format!("x{key}"), key[..25].to_owned(), "łreknit".to_owned()] {
            assert_eq!(key_in(&text), None, "{text}");
        }
    }

    #[test]
    fn what_an_earlier_step_made_goes_where_it_was_waited_for() {
        let made = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
        let mut deal = Effect::Create {
            connection: made.connection.clone(),
            object: ObjectKind::Deal,
            fields: Fields::new(),
            identity: "dealname".to_owned(),
            related: vec![RecordRef::to_be_made(&made.connection)],
        };
        deal.fill(RELATED, &made);
        let Effect::Create { related, fields, .. } = &deal else { panic!("a create") };
        assert_eq!((related.as_slice(), fields.len()), (&[made.clone()][..], 0));
        let mut tag =
            Effect::Tag { record: RecordRef::to_be_made(&made.connection), tag: "x".into(), on: true };
        tag.fill("", &made);
        assert_eq!(tag, Effect::Tag { record: made, tag: "x".into(), on: true });
    }
}
