//! Row numbers with a prefix that says of what: `ex_4821` is an execution, `cf_7` a conflict.
//!
//! The number alone is accepted too, so that a person may type `retry 4821`. Never random: ids are handed out by
//! the journal in the order of its commits.

use std::fmt;
use std::str::FromStr;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {what}: expected {prefix}_NUMBER, for example {prefix}_12")]
pub struct BadId {
    text: String,
    what: &'static str,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// The letters before the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "_{}"), self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix(concat!($prefix, "_")).unwrap_or(text);
                match digits.parse::<i64>() {
                    Ok(number) if number > 0 => Ok(Self(number)),
                    _ => Err(BadId { text: text.to_owned(), what: $what, prefix: $prefix }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(/// One stored event.
    EventId, "ev", "an event");
id!(/// One run of one recipe for one event or decision.
    ExecutionId, "ex", "an execution");
id!(/// One field that two sides disagree on.
    ConflictId, "cf", "a conflict");
id!(/// One pair of records believed to be the same.
    DuplicateId, "du", "a duplicate candidate");
id!(/// One person without the company relation the other side has.
    UnlinkedId, "un", "an unlinked relation");
id!(/// One decision of a human.
    DecisionId, "de", "a decision");
id!(/// One pre-image taken before a merge.
    CapsuleId, "ca", "a capsule");
id!(/// One erasure of a person.
    ErasureId, "er", "an erasure");
id!(/// One identity that ties records of several systems together.
    PersonId, "pe", "a person");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_with_and_without_its_prefix() {
        assert_eq!("ex_12".parse(), Ok(ExecutionId(12)));
        assert_eq!("12".parse(), Ok(ExecutionId(12)));
        assert_eq!(ExecutionId(12).to_string(), "ex_12");
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_an_example() {
        let error = "cf_12".parse::<ExecutionId>().expect_err("another prefix");
        assert!(error.to_string().contains("ex_12"), "{error}");
        assert!("ex_-3".parse::<ExecutionId>().is_err());
    }
}
