//! What vendors call the things that happen: one table per vendor, each row with every name a topic ever had, our
//! word for it and a title for people. Knows no payloads.

use super::{hubspot, intercom};
use crate::domain::event::EventKind;
use crate::domain::record::System;

/// One thing a vendor tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The vendor's names for it, today's first.
    pub names: &'static [&'static str],
    /// Our word for it.
    pub kind: EventKind,
    /// What a person reads.
    pub title: &'static str,
}

/// A row of a table.
pub(super) const fn row(names: &'static [&'static str], kind: EventKind, title: &'static str) -> Topic {
    Topic { names, kind, title }
}

/// Everything a vendor's webhooks tell of; nothing for Salesforce, whose messages a workspace makes itself.
pub const fn all(system: System) -> &'static [Topic] {
    match system {
        System::Intercom => intercom::topics::TOPICS,
        System::Hubspot => hubspot::topics::TOPICS,
        System::Salesforce => &[],
    }
}

/// The row of a topic, under any of its names; none for a name nobody has told us of.
pub fn known(system: System, topic: &str) -> Option<&'static Topic> {
    let table = all(system);
    let topic = match system {
        System::Hubspot => hubspot::topics::canonical(topic),
        _ => topic,
    };
    table.iter().find(|row| row.names.contains(&topic))
}

/// What a person reads for a topic; none for an unknown one.
pub fn title(system: System, topic: &str) -> Option<&'static str> {
    known(system, topic).map(|row| row.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_stands_in_two_rows_and_no_title_is_empty() {
        for table in [intercom::topics::TOPICS, hubspot::topics::TOPICS] {
            let mut seen = HashSet::new();
            for row in table {
                assert!(!row.title.is_empty() && !row.names.is_empty(), "{row:?}");
                assert!(row.names.iter().all(|name| seen.insert(*name)), "{row:?} stands there twice");
            }
        }
    }
}
