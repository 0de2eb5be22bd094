//! Which of several records goes on. It knows ages, values and activity; it asks nobody and changes nothing.

use std::cmp::Reverse;

use super::settings::MasterRule;
use super::survivors::is_machinery;
use crate::domain::record::{Mirror, ObjectKind, RecordRef};
use crate::mapping::transform::{is_blank, time};

/// Counters of what was done with somebody.
const COUNTERS: [&str; 10] = [
    "num_notes",
    "num_contacted_notes",
    "num_associated_deals",
    "num_conversion_events",
    "hs_analytics_num_page_views",
    "hs_analytics_num_visits",
    "hs_email_open",
    "hs_email_click",
    "session_count",
    "sms_count",
];

/// When somebody was last worked with, or last came.
const LAST: [&str; 8] = [
    "notes_last_updated",
    "notes_last_contacted",
    "hs_last_sales_activity_timestamp",
    "lastactivitydate",
    "last_seen_at",
    "last_replied_at",
    "last_contacted_at",
    "last_email_clicked_at",
];

/// The record that goes on by a rule; see [`MasterRule`] for what comes before it and after it.
pub fn master(records: &[Mirror], rule: MasterRule) -> Option<&Mirror> {
    records.iter().min_by_key(|mirror| rank(mirror, rule))
}

type Rank = (bool, Reverse<u64>, Reverse<i64>, i64, Reverse<u64>, RecordRef);

fn rank(mirror: &Mirror, rule: MasterRule) -> Rank {
    let filled = complete(mirror);
    let (first, second) = match rule {
        MasterRule::Oldest => (0, 0),
        MasterRule::MostComplete => (filled, 0),
        MasterRule::MostActivity => (activity(mirror), last_activity(mirror)),
        MasterRule::Owner => (u64::from(owned(mirror)), 0),
    };
    (
        comes_after(mirror),
        Reverse(first),
        Reverse(second),
        born(mirror),
        Reverse(filled),
        mirror.record.clone(),
    )
}

/// Whether the vendor merges it only into a record of another kind: an Intercom lead, a Salesforce lead.
pub(super) fn comes_after(mirror: &Mirror) -> bool {
    mirror.record.object == ObjectKind::Lead || mirror.text("role") == "lead"
}

/// When it was made, in milliseconds; unknown comes last.
fn born(mirror: &Mirror) -> i64 {
    ["createdate", "created_at", "createddate"]
        .iter()
        .filter_map(|name| mirror.value(name))
        .find_map(time)
        .map_or(i64::MAX, |at| at.0)
}

fn complete(mirror: &Mirror) -> u64 {
    let system = mirror.record.system();
    mirror
        .fields
        .iter()
        .filter(|(name, value)| !is_blank(value) && !is_machinery(system, name) && !value.is_array())
        .count() as u64
}

fn activity(mirror: &Mirror) -> u64 {
    COUNTERS
        .iter()
        .filter_map(|name| mirror.text(name).parse::<f64>().ok())
        .map(|count| count.max(0.0) as u64)
        .sum()
}

fn last_activity(mirror: &Mirror) -> i64 {
    LAST.iter().filter_map(|name| mirror.value(name)).filter_map(time).map(|at| at.0).max().unwrap_or(0)
}

fn owned(mirror: &Mirror) -> bool {
    ["hubspot_owner_id", "owner_id", "ownerid"].iter().any(|name| {
        let owner = mirror.text(name);
        !owner.is_empty() && owner != "0"
    })
}
