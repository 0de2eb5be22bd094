//! Relations of people to companies beyond one item: verdicts, rules about a domain, how many people have an account.
//!
//! A rule is a human's decision that stands. It says where people of a domain belong, or that nobody is to be asked
//! about them; it links nobody by itself unless the settings say so.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{ExecutionId, UnlinkedId};
use super::record::{Connection, RecordRef};

/// What a human says about a person without an account, where it is not a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkVerdict {
    /// None of the companies fits; asked again when the evidence changes.
    NoneFits,
    /// Cannot be said now; asked again when the evidence changes.
    Unsure,
    /// Asked again then, or when the evidence changes.
    Later(Timestamp),
}

/// Where people of an e-mail domain belong, by a human's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRule {
    /// The registrable domain, in lower case: `acme.co.uk`.
    pub domain: String,
    /// The account of all its people; none = never ask about this domain.
    pub company: Option<RecordRef>,
    /// Who made it.
    pub actor: String,
    /// Why; may be empty.
    pub reason: String,
    /// When.
    pub since: Timestamp,
}

impl DomainRule {
    /// What it says: `everybody of acme.co.uk belongs to HubSpot company 812`.
    pub fn sentence(&self) -> String {
        match &self.company {
            Some(company) => format!("everybody of {} belongs to {}", self.domain, company.title()),
            None => format!("nobody is asked about {}", self.domain),
        }
    }
}

/// A link that was carried out or is being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMade {
    /// The execution that carries it out.
    pub execution: ExecutionId,
    /// The item it settled.
    pub unlinked: UnlinkedId,
    /// The person.
    pub contact: RecordRef,
    /// The company; none where it was made with the link.
    pub company: Option<RecordRef>,
    /// The execution that took it back.
    pub undone_by: Option<ExecutionId>,
}

/// How many people of an owner have an account, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Days since 1970-01-01, in UTC.
    pub day: i64,
    /// The CRM.
    pub connection: Connection,
    /// The owner's id there; empty for people of nobody.
    pub owner: String,
    /// People whose work mail or company is known.
    pub people: u64,
    /// Of them, those that have an account.
    pub linked: u64,
}

impl Coverage {
    /// The share that has an account, in percent; none where there are no people.
    pub fn percent(people: u64, linked: u64) -> Option<f64> {
        (people > 0).then(|| linked as f64 * 100.0 / people as f64)
    }
}

/// The day of a time, as [`Coverage::day`] counts.
pub const fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r140_no_people_is_no_percentage_and_days_are_counted_in_utc() {
        assert_eq!(Coverage::percent(0, 0), None);
        assert_eq!(Coverage::percent(8, 6), Some(75.0));
        assert_eq!(
            (day_of(Timestamp(0)), day_of(Timestamp(86_399_999)), day_of(Timestamp(86_400_000))),
            (0, 0, 1)
        );
        assert_eq!(day_of(Timestamp(-1)), -1);
    }
}
