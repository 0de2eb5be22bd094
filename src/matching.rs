//! Duplicate detection and contact-to-account linking: who is the same, how sure, and why.
//!
//! Pure: no input or output, no clock, no randomness; the same records give the same candidates in the same
//! order. It never merges, never writes, and never hides a guard rule behind a probability.
//!
//! The way through: normalise every distinct value once (`prepare`), collect pairs that share a rare enough
//! key (`blocking`), compare them field by field into levels (`people`, `organisations`), add up bits,
//! and keep every addend as an [`Evidence`](crate::domain::evidence::Evidence).

mod accounts;
mod blocking;
mod company;
mod country;
mod counts;
mod email;
pub mod estimate;
mod groups;
mod hashing;
mod job_title;
mod lists;
mod model;
mod name_match;
mod organisations;
mod people;
mod person_name;
mod phone;
mod prepare;
mod record;
mod similarity;
pub mod table;
mod text;
mod waterfall;
mod web_domain;

#[cfg(test)]
mod tests;

pub use accounts::{
    AccountCandidate, AccountIndex, AccountKnowledge, DomainRule, PersonLink, link_people, rank_accounts,
    rank_accounts_knowing,
};
pub use groups::{Group, groups, groups_of_keys};
pub use model::{BadModel, Model};
pub use organisations::duplicate_organisations;
pub use people::{Index, IndexBuilder, Pair, Scan, duplicate_people, duplicate_people_of};
pub use web_domain::own_domain;

pub use record::{Band, Candidate, Organisation, Person, Settings, Source};
