//! What a human should decide: conflicts, duplicate candidates, unlinked relations; and the decisions taken.
//!
//! A review item is a fact of the journal, never of the screen: two consoles show the same items, and a decision on
//! one is a new execution, so it is retried, limited and audited like all others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Timestamp;
use super::evidence::Evidence;
use super::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use super::merge::MergeWish;
use super::record::{Fields, RecordRef};

pub mod incident;
pub mod verdict;

pub use verdict::{Judgement, Standing, Verdict};

words! {
    /// Where a review item stands.
    pub enum ReviewState {
        /// Waits for a human.
        Open = "open",
        /// Decided; the execution that carries it out has not finished.
        Deciding = "deciding",
        /// Left alone until a time, or until one of the values changes; its field stays held back.
        Ignored = "ignored",
        /// Carried out.
        Done = "done",
        /// A human said there is nothing to do (different people, no company).
        Dismissed = "dismissed",
        /// The cause went away by itself.
        Obsolete = "obsolete",
    }
}

words! {
    /// Why a field is held back.
    pub enum ConflictKind {
        /// Both sides changed it since they last agreed.
        BothChanged = "both_changed",
        /// The target does not take this value.
        NotAllowed = "not_allowed",
        /// The value cannot become the target's type.
        WrongType = "wrong_type",
        /// The target has no such field.
        UnknownField = "unknown_field",
        /// The side that does not own the field changed it.
        OwnershipBreach = "ownership_breach",
        /// The two sides name different records for one person.
        Identity = "identity",
        /// The value goes back and forth.
        Flapping = "flapping",
    }
}

impl ConflictKind {
    /// The kind as a phrase for a list.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::BothChanged => "both changed",
            Self::NotAllowed => "value not allowed",
            Self::WrongType => "wrong type",
            Self::UnknownField => "unknown field",
            Self::OwnershipBreach => "not the owner",
            Self::Identity => "identity disagrees",
            Self::Flapping => "flips back and forth",
        }
    }
}

words! {
    /// What kind of hand wrote a value.
    pub enum WriterKind {
        /// A person, as far as the vendor says.
        Human = "human",
        /// Another app or an automation.
        App = "app",
        /// Reknit itself, by one of its executions.
        Reknit = "reknit",
    }
}

/// Who wrote a value last, where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// What kind of hand it was.
    pub kind: WriterKind,
    /// In words: `Reknit, execution ex_12`, `somebody in HubSpot's screens`.
    pub who: String,
    /// When, by the vendor's clock where it says so.
    pub at: Option<Timestamp>,
    /// Our own execution.
    pub execution: Option<ExecutionId>,
}

/// One field that two sides disagree on. Left is Intercom, right the CRM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its number.
    pub id: ConflictId,
    /// Why it is held back.
    pub kind: ConflictKind,
    /// The person, as a human would say it.
    pub subject: String,
    /// The mapping's name of the field.
    pub field: String,
    /// The Intercom record.
    pub left: RecordRef,
    /// Its field.
    pub left_field: String,
    /// Its value when the conflict was found.
    pub left_value: Value,
    /// When that record last changed.
    pub left_changed_at: Option<Timestamp>,
    /// Who wrote that value, where known.
    #[serde(default)]
    pub left_by: Option<Writer>,
    /// The CRM record.
    pub right: RecordRef,
    /// Its field.
    pub right_field: String,
    /// Its value when the conflict was found.
    pub right_value: Value,
    /// When that record last changed.
    pub right_changed_at: Option<Timestamp>,
    /// Who wrote that value, where known.
    #[serde(default)]
    pub right_by: Option<Writer>,
    /// What both held when they last agreed.
    pub base: Option<Value>,
    /// The mapping's rule, in words.
    pub rule: String,
    /// Where that rule stands: `contact.toml:47`; empty where nobody noted it.
    #[serde(default)]
    pub line: String,
    /// The role that decides this field.
    #[serde(default)]
    pub decides: String,
    /// What the target would take, nearest first.
    pub allowed: Vec<String>,
    /// Left alone until then; none = until a value changes.
    #[serde(default)]
    pub ignored_until: Option<Timestamp>,
    /// The rule that decided it, by its name.
    #[serde(default)]
    pub ruled_by: Option<String>,
    /// Where it stands.
    pub state: ReviewState,
    /// The execution that found it.
    pub execution: Option<ExecutionId>,
    /// The execution that carries the decision out.
    pub deciding: Option<ExecutionId>,
    /// When it was found.
    pub created_at: Timestamp,
    /// What became of it, as a sentence.
    pub resolution: Option<String>,
}

words! {
    /// How sure the matcher is.
    pub enum Band {
        /// Safe to merge unattended.
        Auto = "auto",
        /// For a human to look at.
        Review = "review",
        /// Kept for diagnosis.
        Weak = "weak",
    }
}

/// Two records of one system believed to be the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Its number.
    pub id: DuplicateId,
    /// The name it goes by.
    pub subject: String,
    /// The older record: the survivor unless the human says otherwise.
    pub left: RecordRef,
    /// Its fields, as last seen.
    pub left_fields: Fields,
    /// The other record.
    pub right: RecordRef,
    /// Its fields, as last seen.
    pub right_fields: Fields,
    /// Probability that they are the same, 0 to 1.
    pub probability: f64,
    /// How sure the matcher is.
    pub band: Band,
    /// The waterfall: its bits add up to the probability.
    pub evidence: Vec<Evidence>,
    /// Hash of the compared fields; a verdict holds as long as it does not change.
    pub fingerprint: String,
    /// The vendor can merge these two.
    pub mergeable: bool,
    /// If not: why, and what to do instead.
    pub obstacle: Option<String>,
    /// Where it stands.
    pub state: ReviewState,
    /// The execution that carries the decision out.
    pub deciding: Option<ExecutionId>,
    /// When it was found.
    pub created_at: Timestamp,
    /// What became of it, as a sentence.
    pub resolution: Option<String>,
    /// Verdict, age, group and what speaks against the verdict.
    #[serde(flatten)]
    pub standing: Standing,
}

/// A company a person may belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkCandidate {
    /// The company.
    pub company: RecordRef,
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Probability that the person belongs to it, 0 to 1.
    pub probability: f64,
    /// Why: the waterfall.
    pub evidence: Vec<Evidence>,
    /// Where it stands among firms of one family: `child of Globex Corporation`; empty where it stands alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub family: String,
}

/// A person whose company is known on one side and not related on the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unlinked {
    /// Its number.
    pub id: UnlinkedId,
    /// The person's name.
    pub subject: String,
    /// The CRM contact without a company.
    pub contact: RecordRef,
    /// The e-mail domain, empty when there is none.
    pub domain: String,
    /// What the other side says about the company, as a phrase.
    pub hint: String,
    /// Candidates, best first; may be empty.
    pub candidates: Vec<LinkCandidate>,
    /// The id of whom the CRM says the person belongs to; empty when to nobody.
    #[serde(default)]
    pub owner: String,
    /// The domain whose rule names the first candidate.
    #[serde(default)]
    pub ruled_by: Option<String>,
    /// Left alone until then; none = until the evidence changes.
    #[serde(default)]
    pub ignored_until: Option<Timestamp>,
    /// Where it stands.
    pub state: ReviewState,
    /// The execution that carries the decision out.
    pub deciding: Option<ExecutionId>,
    /// When it was found.
    pub created_at: Timestamp,
    /// What became of it, as a sentence.
    pub resolution: Option<String>,
}

words! {
    /// How a person is to be related to a company.
    #[derive(Default)]
    pub enum LinkAs {
        /// In the first place where it is free, else beside what is there.
        #[default]
        Auto = "auto",
        /// In the first place, whatever has it now.
        Primary = "primary",
        /// Beside what has the first place.
        Beside = "beside",
        /// A lead becomes a contact of the account.
        Convert = "convert",
        /// A lead gets the account's name as its company.
        Text = "text",
    }
}

/// How a conflict is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Intercom's value goes to the CRM.
    Left,
    /// The CRM's value goes to Intercom.
    Right,
    /// This value goes to both.
    Value(String),
    /// Both sides are emptied.
    Clear,
    /// The CRM gets this value for Intercom's, from now on: the pair goes into the mapping's table.
    Translate(String),
}

impl Choice {
    /// What it does, for an audit line: `Intercom's value`.
    pub const fn phrase(&self) -> &'static str {
        match self {
            Self::Left => "Intercom's value",
            Self::Right => "the CRM's value",
            Self::Value(_) => "a typed value",
            Self::Clear => "no value at all",
            Self::Translate(_) => "a translation",
        }
    }
}

/// What the operator wants done; recorded as a decision with who and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decide", rename_all = "snake_case")]
pub enum Decision {
    /// Settle a conflict.
    Resolve {
        /// Which.
        conflict: ConflictId,
        /// How.
        choice: Choice,
    },
    /// Take back what a settled conflict wrote; it is open again then.
    Reopen {
        /// Which.
        conflict: ConflictId,
        /// The execution that settled it.
        settled: ExecutionId,
    },
    /// Merge a duplicate candidate.
    Merge {
        /// Which.
        duplicate: DuplicateId,
        /// The record that goes on.
        survivor: RecordRef,
        /// What else is wanted: further records, chosen values.
        #[serde(default, skip_serializing_if = "MergeWish::is_plain")]
        wish: Box<MergeWish>,
    },
    /// Take back what an execution merged, as far as the vendors allow.
    UndoMerge {
        /// The execution that merged.
        merge: ExecutionId,
    },
    /// Relate a person to a company.
    Link {
        /// Which.
        unlinked: UnlinkedId,
        /// To which company.
        company: RecordRef,
        /// How; what is not said the planner finds from what the CRM holds.
        #[serde(default)]
        how: LinkAs,
    },
    /// Make the company that none is yet, and relate the person to it.
    Found {
        /// Which.
        unlinked: UnlinkedId,
        /// The company's name.
        name: String,
        /// The domain of its website; may be empty.
        domain: String,
    },
    /// Take a link back that Reknit made.
    Unlink {
        /// Which.
        unlinked: UnlinkedId,
        /// The execution that made it.
        link: ExecutionId,
    },
    /// Look up at the vendor what became of an execution's writes; writes nothing.
    Probe {
        /// Which execution.
        execution: ExecutionId,
    },
    /// Do something at a vendor by hand.
    Act {
        /// The command, as the audit log names it: `reply`, `assign`.
        verb: String,
        /// Which record it is about.
        record: RecordRef,
        /// Why, in the operator's words; may be empty.
        reason: String,
        /// What is done, in order.
        effects: Vec<super::plan::Effect>,
    },
}

impl Decision {
    /// The merge of a candidate's two records by the rules alone.
    pub fn merge(duplicate: DuplicateId, survivor: RecordRef) -> Self {
        Self::Merge { duplicate, survivor, wish: Box::default() }
    }
}
