//! Which limits hold for a family of endpoints: the settings and the vendors' documented figures as rules.
//!
//! No state: the same settings and the same moment give the same rule.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::clock::Timestamp;
use crate::domain::limit::{Daily, Family, Rule, Window};
use crate::domain::record::{Connection, System};
use crate::engine::Settings;
use crate::engine::settings::{LimitSettings, day_of, zone};

const TEN_SECONDS: Duration = Duration::from_secs(10);
const ONE_SECOND: Duration = Duration::from_secs(1);

/// The settings, ready to be asked.
#[derive(Debug)]
pub(super) struct Rules {
    intercom: u32,
    hubspot: u32,
    hubspot_zone: TimeZone,
    limits: LimitSettings,
}

impl Rules {
    pub(super) fn new(settings: &Settings) -> Self {
        let limits = settings.limits.clone();
        Self {
            intercom: settings.intercom_calls_per_10_seconds.max(1),
            hubspot: match settings.hubspot_calls_per_10_seconds {
                0 => limits.hubspot.tier.calls_per_10_seconds(),
                given => given,
            },
            // A zone that does not exist was refused when the settings were read.
            hubspot_zone: zone("limits.hubspot.time_zone", &limits.hubspot.time_zone)
                .unwrap_or(TimeZone::UTC),
            limits,
        }
    }

    /// How many calls to a connection may be on their way at once.
    pub(super) fn at_once(&self, system: System) -> Option<usize> {
        (system == System::Salesforce).then(|| self.limits.salesforce.calls_at_once.max(1) as usize)
    }

    /// What holds for a family at this moment.
    pub(super) fn rule(&self, connection: &Connection, family: Family, now: Timestamp) -> Rule {
        let window = match (connection.system, family) {
            (_, Family::Search) => {
                Some(Window { length: ONE_SECOND, most: self.limits.hubspot.searches_per_second.max(1) })
            }
            (System::Intercom, _) => Some(Window { length: TEN_SECONDS, most: self.intercom }),
            (System::Hubspot, _) => Some(Window { length: TEN_SECONDS, most: self.hubspot }),
            (System::Salesforce, _) => None,
        };
        let daily = |family, most, day| Daily {
            family,
            most,
            day,
            budget_percent: self.limits.daily_budget_percent,
            urgent_percent: self.limits.daily_urgent_percent,
        };
        let mut days = Vec::new();
        match (connection.system, family) {
            (System::Hubspot, Family::General) => {
                let given = self.limits.hubspot.daily;
                let most = if given == 0 { self.limits.hubspot.tier.daily() } else { Some(given) };
                days.extend(most.map(|most| daily(family, most, day_of(&self.hubspot_zone, now))));
            }
            (System::Salesforce, _) => {
                days.push(daily(Family::Rest, self.limits.salesforce.daily, None));
                if family == Family::Bulk {
                    days.push(daily(Family::Bulk, self.limits.salesforce.daily_bulk_uploads, None));
                }
            }
            _ => {}
        }
        Rule { connection: connection.clone(), family, window, daily: days }
    }

    /// Calls taken from the journal at once, at the most: a tenth of a window, so that a process that is killed, or
    /// whose work ends, never holds much.
    pub(super) fn block(rule: &Rule) -> u32 {
        rule.window.map_or(20, |window| (window.most / 10).clamp(1, 200))
    }
}
