//! How many calls the vendors allow: families of endpoints, the documented figures, and a limit's state as shown.
//!
//! Tables and names only: counting is the journal's business, deciding who waits is the engine's, and the vendors'
//! answers override what stands here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::record::{Connection, System};

/// How much longer than the vendor's window a granted call counts with us. It covers the time between the grant and
/// the call's arrival at the vendor: what is sent within [`SLACK`] of its grant may be a tenth of a second faster or
/// slower on its way than another call, and still no window of the vendor's, wherever it starts, holds too many.
/// Of ten seconds it is 1.5 %.
pub const GUARD: Duration = Duration::from_millis(150);
/// A granted call that is sent later than this after its grant is counted anew from when it was sent.
pub const SLACK: Duration = Duration::from_millis(50);
/// A day in milliseconds.
pub const DAY: i64 = 24 * 3_600_000;

words! {
    /// Endpoints of one vendor that share one limit.
    pub enum Family {
        /// Intercom's and Salesforce's usual endpoints.
        Rest = "rest",
        /// HubSpot's usual endpoints.
        General = "general",
        /// HubSpot's searches, which have a limit of their own for the whole account.
        Search = "search",
        /// Uploads to Salesforce's Bulk API 2.0, which are also usual calls.
        Bulk = "bulk",
    }
}

impl Family {
    /// The families of a system, the usual one first.
    pub const fn of_system(system: System) -> &'static [Self] {
        match system {
            System::Intercom => &[Self::Rest],
            System::Hubspot => &[Self::General, Self::Search],
            System::Salesforce => &[Self::Rest, Self::Bulk],
        }
    }

    /// What a call without anything special about it belongs to.
    pub const fn usual(system: System) -> Self {
        Self::of_system(system)[0]
    }

    /// The family of a call. `path` may carry a host before it and a query behind it.
    pub fn of_call(system: System, method: &str, path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        match system {
            System::Hubspot if method == "POST" && path.ends_with("/search") => Self::Search,
            System::Salesforce if method == "PUT" && path.ends_with("/batches") => Self::Bulk,
            _ => Self::usual(system),
        }
    }
}

words! {
    /// What a HubSpot account may do, by the product it pays for.
    pub enum HubspotTier {
        /// Free of charge.
        Free = "free",
        /// Starter.
        Starter = "starter",
        /// Professional.
        Professional = "professional",
        /// Enterprise.
        Enterprise = "enterprise",
        /// Professional or Enterprise with the API limit increase.
        Increased = "increased",
        /// An app of the marketplace, connected by OAuth: counted for each account, without a limit for the day.
        Marketplace = "marketplace",
    }
}

impl HubspotTier {
    /// Calls in ten seconds, as HubSpot documents them for each app.
    pub const fn calls_per_10_seconds(self) -> u32 {
        match self {
            Self::Free | Self::Starter => 100,
            Self::Professional | Self::Enterprise => 190,
            Self::Increased => 250,
            Self::Marketplace => 110,
        }
    }

    /// Calls in a day for the whole account, by all of its apps; none where there is no such limit.
    pub const fn daily(self) -> Option<u32> {
        match self {
            Self::Free | Self::Starter => Some(250_000),
            Self::Professional => Some(625_000),
            Self::Enterprise => Some(1_000_000),
            // One increase adds a million to what the product allows; of the two products the smaller is taken.
            Self::Increased => Some(1_625_000),
            Self::Marketplace => None,
        }
    }
}

/// Whose work a call is for: how much of the day's allowance it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Work nobody waits for at this moment: parked when the day's budget is reached.
    Usual,
    /// What an operator asked for: passes the budget, up to a second mark.
    Operator,
    /// A further call of work that has begun: stopping in the middle would be worse than one call too many, so only
    /// the window holds it up.
    Begun,
}

/// At most so many calls in a stretch of time, wherever the stretch starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How long it is.
    pub length: Duration,
    /// Calls in it.
    pub most: u32,
}

/// At most so many calls in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daily {
    /// Whose counter it is: a bulk upload counts among the usual calls too.
    pub family: Family,
    /// Calls in a day, until the vendor's answers say another number.
    pub most: u32,
    /// When the present day began and when it is renewed; none for one that is always the last 24 hours.
    pub day: Option<(Timestamp, Timestamp)>,
    /// How many per cent of it unurgent work may use.
    pub budget_percent: u32,
    /// How many per cent of it anything may use.
    pub urgent_percent: u32,
}

/// What holds for one family of one connection at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which connection.
    pub connection: Connection,
    /// Which endpoints.
    pub family: Family,
    /// The short limit; none where the vendor has none.
    pub window: Option<Window>,
    /// The limits for the day that a call of this family counts in.
    pub daily: Vec<Daily>,
}

/// What a call has to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The window is full.
    Window(Window),
    /// The vendor said "not before"; as a phrase, "HubSpot's rate limit".
    Closed(String),
    /// The day's budget is reached.
    Budget {
        /// Calls used in the day, by all apps as far as known.
        used: u32,
        /// Calls the vendor allows in the day.
        limit: u32,
        /// Our mark, in per cent of it.
        percent: u32,
    },
}

impl Waiting {
    /// As the end of "Waits for ...".
    pub fn phrase(&self, system: System) -> String {
        let title = system.title();
        match self {
            Self::Window(window) => format!(
                "our limit of {} calls in {} s to {title}",
                window.most,
                window.length.as_secs_f64().max(0.001)
            ),
            Self::Closed(why) => why.clone(),
            Self::Budget { used, limit, percent } => {
                format!(
                    "{title}'s daily calls to be renewed: {used} of {limit} are used, our budget is {percent} %"
                )
            }
        }
    }
}

/// One family's figures as every screen and command shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyState {
    /// Which connection.
    pub connection: Connection,
    /// Which endpoints.
    pub family: Family,
    /// Calls that count in the window at this moment, those of other apps included as far as known.
    pub used: u32,
    /// Calls allowed in a window; 0 where there is no such limit.
    pub limit: u32,
    /// How long the window is, in milliseconds.
    pub window_milliseconds: u32,
    /// Calls used in the day.
    pub daily_used: u32,
    /// Calls allowed in a day; 0 where there is no such limit or none is known.
    pub daily_limit: u32,
    /// Calls that unurgent work may use in a day.
    pub daily_budget: u32,
    /// When the day's calls are renewed; none where it is always the last 24 hours.
    pub renewed_at: Option<Timestamp>,
    /// No call before this time.
    pub closed_until: Option<Timestamp>,
    /// Why not, as a phrase; empty when it is open.
    pub closed_why: String,
    /// When the day's budget is reached at the present pace; none when it will not be before the renewal.
    pub budget_reached_at: Option<Timestamp>,
    /// When the vendor allows no more calls in the day at the present pace; none when there will be some left.
    #[serde(default)]
    pub limit_reached_at: Option<Timestamp>,
}

/// How fast a day's calls are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Calls in the time it is taken from; fewer than none where more calls fall out of the day than come.
    pub calls: i64,
    /// That time, in milliseconds.
    pub milliseconds: i64,
    /// When the day's calls are renewed.
    pub end: Timestamp,
}

impl Pace {
    /// When so many calls are used, if it goes on like this; now when they are already, none when the day ends before.
    pub fn reaches(&self, now: Timestamp, used: u32, mark: u32) -> Option<Timestamp> {
        if used >= mark {
            return Some(now);
        }
        if self.calls <= 0 {
            return None;
        }
        let wait = i128::from(mark - used) * i128::from(self.milliseconds.max(1)) / i128::from(self.calls);
        let at = now.0.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX));
        (at < self.end.0).then_some(Timestamp(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_a_day_is_forecast_from_its_pace_and_never_beyond_its_end() {
        const HOUR: i64 = 3_600_000;
        let noon = Timestamp(12 * HOUR);
        let pace = |calls| Pace { calls, milliseconds: noon.0, end: Timestamp(24 * HOUR) };
        assert_eq!(pace(6_000).reaches(noon, 6_000, 8_000), Some(Timestamp(16 * HOUR)));
        assert_eq!(pace(6_000).reaches(noon, 6_000, 12_000), None, "renewed just then");
        assert_eq!(pace(6_000).reaches(noon, 6_000, 11_999), Some(Timestamp(24 * HOUR - 7_200)));
        assert_eq!(pace(0).reaches(noon, 0, 10), None, "nothing is used");
        assert_eq!(pace(-5).reaches(noon, 5, 10), None, "fewer are used than fall out of the day");
        assert_eq!(pace(1).reaches(noon, 10, 10), Some(noon), "reached already");
        let just_begun = Pace { calls: 3, milliseconds: 0, end: Timestamp(24 * HOUR) };
        assert_eq!(just_begun.reaches(Timestamp(0), 3, 6), Some(Timestamp(1)), "no division by nothing");
    }

    #[test]
    fn a_call_belongs_to_the_family_its_vendor_counts_it_in() {
        let family = |system, method, path: &str| Family::of_call(system, method, path);
        assert_eq!(family(System::Hubspot, "POST", "/crm/v3/objects/contacts/search"), Family::Search);
        assert_eq!(
            family(System::Hubspot, "POST", "api.hubapi.com/crm/objects/2026-09/contacts/search?x=1"),
            Family::Search
        );
        assert_eq!(family(System::Hubspot, "POST", "/crm/v3/objects/contacts/batch/upsert"), Family::General);
        assert_eq!(family(System::Hubspot, "GET", "/crm/v3/objects/contacts/search"), Family::General);
        assert_eq!(family(System::Intercom, "POST", "/contacts/search"), Family::Rest);
        let ingest = "/services/data/v66.0/jobs/ingest/750xx/batches";
        assert_eq!(family(System::Salesforce, "PUT", ingest), Family::Bulk);
        assert_eq!(family(System::Salesforce, "GET", "/services/data/v66.0/jobs/ingest/750xx"), Family::Rest);
    }
}
