//! What each list knows: its keys, the columns it can be sorted by, the words a key takes.
//!
//! Completion, help, the sort menu and error messages are all made from here, so they cannot say different things.
//! Names that only the journal knows (recipes, domains) are asked there.

use super::Key;
use crate::domain::error_class::ErrorClass;
use crate::domain::execution::{Outcome, Priority, Status};
use crate::domain::record::{ObjectKind, System};
use crate::domain::review::{ConflictKind, ReviewState};

words! {
    /// A list that can be filtered.
    pub enum List {
        /// Runs of recipes.
        Executions = "executions",
        /// Fields held back for a human.
        Conflicts = "conflicts",
        /// Records believed to be the same.
        Duplicates = "duplicates",
        /// People without the company they belong to.
        Unlinked = "unlinked",
        /// Who did what.
        Audit = "audit entries",
        /// Calls to the vendors.
        Calls = "calls",
    }
}

words! {
    /// What a list can be sorted by.
    pub enum Column {
        /// When the row was made, by its number.
        Id = "id",
        /// How long ago it last changed (executions) or was found (review items): the youngest is the smallest.
        Age = "age",
        /// Status or state, in the order of the words.
        Status = "status",
        /// The recipe's name.
        Recipe = "recipe",
        /// The person or organisation.
        Person = "person",
        /// The record.
        Record = "record",
        /// The system of the record.
        System = "system",
        /// Kind of the record, or of the conflict.
        Kind = "kind",
        /// How it ended.
        Outcome = "outcome",
        /// Class of the last error.
        Error = "error",
        /// HTTP status of the last failure.
        Code = "code",
        /// The cause of the failure.
        Cause = "cause",
        /// Failed tries.
        Attempts = "attempts",
        /// When it runs next.
        Next = "next",
        /// Who goes first.
        Priority = "priority",
        /// The field in conflict.
        Field = "field",
        /// Who decides.
        Role = "role",
        /// E-mail domain.
        Domain = "domain",
        /// How sure the first candidate is.
        Score = "score",
        /// Records in the group.
        Members = "members",
        /// The CRM's id of whose person it is; whose value counts, of a mapping's field.
        Owner = "owner",
        /// How often a recipe ran within a day.
        Runs = "runs",
        /// Runs of a recipe that failed within a day.
        Fails = "fails",
        /// Conflicts of a mapping's field that are open.
        Conflicts = "conflicts",
    }
}

impl Column {
    /// A column by its name, or by another word for it that a header or a person uses.
    pub fn named(text: &str) -> Option<Self> {
        text.parse().ok().or(match text {
            "created" | "number" => Some(Self::Id),
            "updated" | "time" => Some(Self::Age),
            "subject" | "name" | "contact" => Some(Self::Person),
            "state" => Some(Self::Status),
            "try" | "tries" => Some(Self::Attempts),
            "due" => Some(Self::Next),
            "fingerprint" => Some(Self::Cause),
            "why" => Some(Self::Kind),
            "sure" | "best" | "probability" => Some(Self::Score),
            _ => None,
        })
    }
}

/// A key by its name, or by another word for it.
pub fn key(text: &str) -> Option<Key> {
    text.parse().ok().or(match text {
        // As the columns of the audit log and of the calls are called.
        "object" | "execution" => Some(Key::Record),
        "subject" | "name" | "contact" => Some(Key::Person),
        "state" => Some(Key::Status),
        "class" => Some(Key::Error),
        "fingerprint" => Some(Key::Cause),
        _ => None,
    })
}

impl List {
    /// What a key is called where people type it: as the column is.
    pub const fn name_of(self, key: Key) -> &'static str {
        match (self, key) {
            (Self::Audit, Key::Record) => "object",
            (Self::Calls, Key::Record) => "execution",
            (_, key) => key.as_str(),
        }
    }

    /// A key means something in this list.
    pub fn knows(self, key: Key) -> bool {
        known(self).keys.contains(&key)
    }

    /// The list can be sorted by a column.
    pub fn sorts_by(self, column: Column) -> bool {
        known(self).columns.contains(&column)
    }
}

/// Keys and columns of a list.
#[derive(Debug)]
pub struct Known {
    /// Keys that mean something here, most used first.
    pub keys: &'static [Key],
    /// Columns it can be sorted by, as they stand on the screen.
    pub columns: &'static [Column],
    /// The order it has when none is asked for: a column, and whether from its large end.
    pub order: (Column, bool),
}

/// What a list knows.
pub const fn known(list: List) -> &'static Known {
    match list {
        List::Executions => &Known {
            keys: &[
                Key::Status,
                Key::Recipe,
                Key::Error,
                Key::Person,
                Key::Since,
                Key::Age,
                Key::System,
                Key::Code,
                Key::Outcome,
                Key::Record,
                Key::Id,
                Key::Kind,
                Key::Until,
                Key::Attempts,
                Key::Priority,
                Key::Cause,
                Key::Assignee,
                Key::Claimed,
            ],
            columns: &[
                Column::Age,
                Column::Recipe,
                Column::Person,
                Column::Attempts,
                Column::Code,
                Column::Next,
                Column::Status,
                Column::Outcome,
                Column::Error,
                Column::System,
                Column::Kind,
                Column::Record,
                Column::Priority,
                Column::Cause,
                Column::Id,
            ],
            order: (Column::Id, true),
        },
        List::Conflicts => &Known {
            keys: &[
                Key::Status,
                Key::Field,
                Key::Kind,
                Key::Role,
                Key::Person,
                Key::Since,
                Key::Age,
                Key::System,
                Key::Record,
                Key::Until,
                Key::Id,
                Key::Assignee,
                Key::Claimed,
            ],
            columns: &[
                Column::Person,
                Column::Field,
                Column::Kind,
                Column::Age,
                Column::Role,
                Column::Record,
                Column::Status,
                Column::Id,
            ],
            order: (Column::Id, false),
        },
        List::Duplicates => &Known {
            keys: &[
                Key::Status,
                Key::Person,
                Key::System,
                Key::Since,
                Key::Age,
                Key::Record,
                Key::Until,
                Key::Id,
                Key::Assignee,
                Key::Claimed,
            ],
            columns: &[
                Column::Score,
                Column::Person,
                Column::Members,
                Column::Age,
                Column::Record,
                Column::Status,
                Column::Id,
            ],
            order: (Column::Score, true),
        },
        List::Unlinked => &Known {
            keys: &[
                Key::Status,
                Key::Domain,
                Key::Person,
                Key::System,
                Key::Since,
                Key::Age,
                Key::Record,
                Key::Until,
                Key::Id,
                Key::Assignee,
                Key::Claimed,
            ],
            columns: &[
                Column::Person,
                Column::Domain,
                Column::Score,
                Column::Age,
                Column::Owner,
                Column::Record,
                Column::Status,
                Column::Id,
            ],
            order: (Column::Score, true),
        },
        // They grow at one end only, and are read from there.
        List::Audit => &Known {
            keys: &[Key::Actor, Key::Verb, Key::Record, Key::System, Key::Since, Key::Until, Key::Age],
            columns: &[],
            order: (Column::Id, true),
        },
        List::Calls => &Known {
            keys: &[
                Key::Status,
                Key::Method,
                Key::System,
                Key::Error,
                Key::Record,
                Key::Since,
                Key::Until,
                Key::Age,
            ],
            columns: &[],
            order: (Column::Id, true),
        },
    }
}

/// The words a key takes in a list, where they are settled; none where any text may stand.
pub fn words(list: List, key: Key) -> Vec<&'static str> {
    match (list, key) {
        (List::Executions, Key::Status) => {
            ["open"].into_iter().chain(Status::ALL.iter().map(|word| word.as_str())).collect()
        }
        // Codes, and ranges of them: any text may stand.
        (List::Calls, Key::Status) => Vec::new(),
        (_, Key::Status) => ReviewState::ALL.iter().map(|word| word.as_str()).collect(),
        (List::Executions, Key::Outcome) => Outcome::ALL.iter().map(|word| word.as_str()).collect(),
        (List::Executions | List::Calls, Key::Error) => {
            ErrorClass::ALL.iter().map(|word| word.as_str()).collect()
        }
        (List::Executions, Key::Priority) => Priority::ALL.iter().map(|word| word.as_str()).collect(),
        (List::Executions, Key::Kind) => ObjectKind::ALL.iter().map(|word| word.as_str()).collect(),
        (List::Conflicts, Key::Kind) => ConflictKind::ALL.iter().map(|word| word.as_str()).collect(),
        (_, Key::System) => System::ALL.iter().map(|word| word.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// The known name that was probably meant, if one is near enough.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let most = (typed.chars().count() / 3).max(1);
    known
        .map(|name| {
            let begins = typed.chars().count() >= 2 && name.starts_with(typed);
            let far = rapidfuzz::distance::damerau_levenshtein::distance(typed.chars(), name.chars());
            (if begins { 0 } else { far }, name)
        })
        .filter(|(far, _)| *far <= most)
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name.to_owned())
}
