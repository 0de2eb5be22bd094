//! The anonymous ids that a customer-data platform gives Intercom's people: `intercom-user:user-<id>`.
//!
//! Users and leads are kept apart by them; nothing here knows whether such a person exists.

use std::fmt;
use std::str::FromStr;

/// An id that says which of Intercom's entities it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AnonymousId {
    /// Written `intercom-user:user-<id>`.
    User(String),
    /// Written `intercom-lead:lead-<id>`.
    Lead(String),
}

/// A text that is no such id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not intercom-user:user-<id> or intercom-lead:lead-<id>")]
pub struct NotAnAnonymousId(pub String);

impl fmt::Display for AnonymousId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "intercom-user:user-{id}"),
            Self::Lead(id) => write!(f, "intercom-lead:lead-{id}"),
        }
    }
}

impl FromStr for AnonymousId {
    type Err = NotAnAnonymousId;
    fn from_str(text: &str) -> Result<Self, NotAnAnonymousId> {
        let user = text.strip_prefix("intercom-user:user-").filter(|id| !id.is_empty());
        let lead = text.strip_prefix("intercom-lead:lead-").filter(|id| !id.is_empty());
        match (user, lead) {
            (Some(id), _) => Ok(Self::User(id.to_owned())),
            (_, Some(id)) => Ok(Self::Lead(id.to_owned())),
            _ => Err(NotAnAnonymousId(text.to_owned())),
        }
    }
}
