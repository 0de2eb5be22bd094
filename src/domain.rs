//! The words of Reknit: records, events, executions, plans, review items, decisions, audit entries.
//!
//! This is the ground floor: every other module speaks these types, and this one knows none of them. It never
//! reads a clock, never does I/O and never knows a vendor's JSON. Read [`execution`] and [`plan`] first.

/// Writes an enum whose variants have one stable word each, used the same in the journal, `--json` and screens.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable word for this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::domain::UnknownWord { word: text.to_owned(), known: vec![$($text,)+] }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
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

pub(crate) use words;

pub mod action;
pub mod agreement;
pub mod audit;
pub mod breaker;
pub mod capsule;
pub mod clock;
pub mod drift;
pub mod edition;
pub mod edits;
pub mod erasure;
pub mod error_class;
pub mod event;
pub mod evidence;
pub mod execution;
pub mod filter;
pub mod fingerprint;
pub mod ids;
pub mod job;
pub mod limit;
pub mod links;
pub mod lint;
pub mod merge;
pub mod monitor;
pub mod notice;
pub mod overview;
pub mod page;
pub mod pages;
pub mod pause;
pub mod plan;
pub mod record;
pub mod related;
pub mod review;
pub mod schema;
pub mod secret;
pub mod standing;
pub mod team;
pub mod text;
pub mod trouble;
pub mod undo;

/// A word that is not one of the values an enum can take; the message names the valid ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is not one of: {}", known.join(", "))]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// What would have been understood.
    pub known: Vec<&'static str>,
}
