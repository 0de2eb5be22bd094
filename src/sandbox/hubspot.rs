//! HubSpot as an emulated portal: its state, its front door (token, ten-second window, daily allowance,
//! the search limit) and the table of routes, old paths and dated ones alike. It never reads Intercom.

mod access;
mod admin;
mod answers;
mod associations;
mod batch;
mod directory;
mod groups;
mod inspection;
mod labels;
mod merge;
mod notices;
mod objects;
mod order;
mod properties;
mod rules;
mod scopes;
mod search;
mod shelf;
mod subscriptions;
mod timeline;
mod validation;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

pub(super) use self::access::missing_scopes;
use self::access::{Caller, Tokens};
pub use self::admin::PropertyEdit;
pub(super) use self::directory::owner_id;
pub use self::rules::HubspotRules;
pub(super) use self::scopes::needed as needed_scopes;
pub(super) use self::shelf::{Kind, Record, Shelf};
use super::desk::{Desk, Who};
use super::fault::{Vendor, limit_body};
use super::limits::{Rolling, Window};
use super::wire::{Answer, Call};

pub(super) const PORTAL_ID: u64 = 8_837_415;
const DAILY_LIMIT: u32 = 625_000;

type Link = (Kind, u64);

/// Everything the portal holds.
pub(super) struct Portal {
    pub(super) desk: Arc<Desk>,
    rules: HubspotRules,
    tokens: Tokens,
    window: Rolling,
    oauth_window: Rolling,
    searches: Rolling,
    daily: Window,
    pub(super) who: Who,
    /// Set while a scripted change must stay without a webhook.
    pub(super) quiet: bool,
    pub(super) shelves: Vec<Shelf>,
    links: HashMap<Link, BTreeMap<Link, BTreeSet<u32>>>,
    labels: labels::Labels,
    groups: groups::Groups,
    timeline: timeline::Timeline,
    subscriptions: subscriptions::Subscriptions,
    serial: u64,
    events: u64,
}

impl Portal {
    pub(super) fn new(
        desk: Arc<Desk>,
        token: String,
        window_limit: u32,
        searches_per_second: u32,
        rules: HubspotRules,
    ) -> Self {
        let lag = rules.search_lag_milliseconds;
        Self {
            desk,
            tokens: Tokens::new(token),
            oauth_window: Rolling::new(rules.oauth_window_limit, 10_000),
            rules,
            window: Rolling::new(window_limit, 10_000),
            searches: Rolling::new(searches_per_second, 1_000),
            daily: Window::new(DAILY_LIMIT, 86_400_000),
            who: Who::Api,
            quiet: false,
            shelves: Kind::ALL.iter().map(|kind| Shelf::new(*kind, lag)).collect(),
            links: HashMap::new(),
            labels: labels::Labels::default(),
            groups: groups::Groups::new(),
            timeline: timeline::Timeline::default(),
            subscriptions: subscriptions::Subscriptions::default(),
            serial: 301_500,
            events: 3_816_279_000,
        }
    }

    fn now(&self) -> i64 {
        self.desk.clock.now()
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn shelf(&self, kind: Kind) -> &Shelf {
        &self.shelves[kind as usize]
    }

    pub(super) fn shelf_mut(&mut self, kind: Kind) -> &mut Shelf {
        &mut self.shelves[kind as usize]
    }

    /// Calls of other apps in the day's allowance.
    pub(super) fn add_usage(&mut self, calls: u32) {
        let now = self.now();
        self.daily.add(now, calls);
    }

    fn effect(&self, kind: Kind, what: &str, id: u64, detail: &Value) {
        self.desk.effect(Vendor::HubSpot.word(), (kind.singular(), what), &id.to_string(), self.who, detail);
    }

    /// Answers one call as the vendor would.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        if let Some(answer) = self.oauth(call) {
            return answer;
        }
        let caller = match self.caller(call) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let now = self.now();
        if call.method == "POST" && call.path.ends_with("/search") {
            // Search has an allowance of its own and tells nothing about it in headers.
            if !self.searches.admit(now) {
                return Answer::json(429, limit_body("SECONDLY", "secondly"));
            }
            return self.routed(caller, call);
        }
        let window = match caller {
            Caller::PrivateApp => &mut self.window,
            Caller::OauthApp => &mut self.oauth_window,
        };
        let answer = if !window.admit(now) {
            Answer::json(429, limit_body("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"))
        } else if caller == Caller::PrivateApp && !self.daily.admit(now) {
            Answer::json(429, limit_body("DAILY", "daily"))
        } else {
            self.routed(caller, call)
        };
        let window = match caller {
            Caller::PrivateApp => &self.window,
            Caller::OauthApp => &self.oauth_window,
        };
        let answer = answer
            .with("X-HubSpot-RateLimit-Max", window.limit.to_string())
            .with("X-HubSpot-RateLimit-Remaining", window.remaining().to_string())
            .with("X-HubSpot-RateLimit-Interval-Milliseconds", "10000");
        if caller == Caller::OauthApp {
            return answer;
        }
        answer
            .with("X-HubSpot-RateLimit-Daily", DAILY_LIMIT.to_string())
            .with("X-HubSpot-RateLimit-Daily-Remaining", self.daily.remaining().to_string())
    }

    fn routed(&mut self, caller: Caller, call: &Call) -> Answer {
        if !call.body_is_json {
            let message = "Invalid input JSON on line 1, column 1";
            return answers::refused(400, "VALIDATION_ERROR", message);
        }
        let (method, path) = call.route();
        let Some((area, rest)) = area(&path) else { return answers::no_such_path() };
        if let Err(refusal) = self.allowed(caller, method, &path) {
            return refusal;
        }
        let answer = match area {
            "objects" => self.route_objects(method, rest, call),
            "associations" => self.route_associations(method, rest, call),
            "properties" => self.route_properties(method, rest, call),
            "pipelines" => directory::pipelines(method, rest, &self.own_deal_stages()),
            "owners" => directory::owners(method, rest, call),
            "timeline" => self.route_timeline(method, rest, call),
            "communication-preferences" => self.route_subscriptions(method, rest, call),
            "contacts" => self.route_oldest(method, rest),
            _ => self.route_account(method, rest),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn route_objects(&mut self, method: &str, path: &[&str], call: &Call) -> Result<Answer, Answer> {
        let Some((name, rest)) = path.split_first() else { return Err(answers::no_such_path()) };
        let kind = Kind::read(name).ok_or_else(|| answers::unknown_kind(name))?;
        match (method, rest) {
            ("GET", []) => self.list_objects(kind, call),
            ("POST", []) => self.create_object(kind, call),
            ("POST", ["search"]) => self.search_objects(kind, call),
            ("POST", ["merge"]) => self.merge_objects(kind, call),
            // The numbered paths erase people only, the dated ones every type.
            ("POST", ["gdpr-delete"]) if kind == Kind::Contacts || dated(call) => {
                self.gdpr_delete(kind, call)
            }
            ("POST", ["batch", "read"]) => self.batch_read(kind, call),
            ("POST", ["batch", "create"]) => self.batch_create(kind, call),
            ("POST", ["batch", "update"]) => self.batch_update(kind, call),
            ("POST", ["batch", "upsert"]) => self.batch_upsert(kind, call),
            ("POST", ["batch", "archive"]) => self.batch_archive(kind, call),
            ("GET", [id]) => self.show_object(kind, id, call),
            ("PATCH", [id]) => self.update_object(kind, id, call),
            ("DELETE", [id]) => Ok(self.archive_object(kind, id)),
            ("PUT", [id, "associations", "default", to, to_id]) => {
                self.associate_default(kind, id, to, to_id)
            }
            ("GET", [id, "associations", to]) => self.list_associations(kind, id, to, call),
            ("PUT", [id, "associations", to, to_id]) => self.associate_labelled(kind, id, (to, to_id), call),
            ("DELETE", [id, "associations", to, to_id]) => Ok(self.dissociate(kind, id, to, to_id)),
            _ => Err(answers::no_such_path()),
        }
    }

    /// What only the oldest paths can do.
    fn route_oldest(&mut self, method: &str, path: &[&str]) -> Result<Answer, Answer> {
        match (method, path) {
            ("DELETE", ["secondary-email", id, "email", email]) => self.release_email(id, email),
            _ => Err(answers::no_such_path()),
        }
    }

    fn route_account(&self, method: &str, path: &[&str]) -> Result<Answer, Answer> {
        match (method, path) {
            ("GET", ["details"]) => Ok(directory::account_details()),
            ("GET", ["api-usage", "daily", "private-apps"]) => {
                Ok(directory::daily_usage(self.now(), self.daily.used(), DAILY_LIMIT, self.daily.resets_at()))
            }
            _ => Err(answers::no_such_path()),
        }
    }
}

/// Whether a call goes by the dated paths, which enforce more.
fn dated(call: &Call) -> bool {
    call.segments.iter().any(|segment| is_dated(segment))
}

fn is_dated(version: &str) -> bool {
    matches!(version, "2026-09" | "2026-03")
}

/// Finds the area of the API a path belongs to, in each of the vendor's ways to write versions.
fn area<'a>(path: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    const AREAS: [&str; 5] = ["objects", "associations", "properties", "pipelines", "owners"];
    let numbered = |version: &str| matches!(version, "v3" | "v4");
    match path {
        // Associations of v3 have other shapes; they are not emulated.
        ["crm", "v3", "associations", ..] => None,
        ["crm", version, area, rest @ ..] if numbered(version) && AREAS.contains(area) => Some((area, rest)),
        // The labels' document writes the version behind the area, numbered or dated.
        ["crm", area, version, rest @ ..]
            if AREAS.contains(area)
                && (is_dated(version) || (*area == "associations" && *version == "v4")) =>
        {
            Some((area, rest))
        }
        ["integrators", "timeline", "v3", rest @ ..] => Some(("timeline", rest)),
        ["contacts", "v1", rest @ ..] => Some(("contacts", rest)),
        [area @ ("account-info" | "communication-preferences"), version, rest @ ..]
            if is_dated(version) || numbered(version) =>
        {
            Some((area, rest))
        }
        _ => None,
    }
}
