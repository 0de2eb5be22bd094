//! Intercom as an emulated workspace: what it holds. `access` is its front door, `routes` the table of its calls.
//!
//! It behaves as the vendor documents, also where that is inconvenient; where the documents are silent, the words of a
//! refusal are ours and a comment says so. It never reads HubSpot. Not emulated: tickets, messages, jobs and exports,
//! visitors, and the exchange of an OAuth code, whose answers nothing we hold describes.

mod access;
mod answers;
mod attributes;
mod companies;
mod contacts;
mod conversation_attributes;
mod conversations;
mod dates;
mod events;
mod index;
mod inspection;
mod merge;
mod notices;
mod participants;
mod routes;
mod script;
mod scroll;
mod search;
mod segments;
mod shapes;
mod staff;
mod subscriptions;
mod tags;
mod talk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

pub(super) use self::attributes::Attribute;
use self::index::Contacts;
use super::desk::{Desk, Who};
use super::fault::Vendor;

/// The workspace's code, also in every webhook.
pub(super) const APP_ID: &str = "rk7sbx01";
pub(super) const ADMIN_ID: &str = "7400101";

/// A contact of either role.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a vendor's record")]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) user: bool,
    pub(super) external_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) name: Option<String>,
    pub(super) avatar: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) unsubscribed: bool,
    /// Milliseconds: webhooks show them, REST cuts to seconds.
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Seconds, as clients give them.
    pub(super) signed_up: Option<i64>,
    pub(super) last_seen: Option<i64>,
    pub(super) city: Option<String>,
    pub(super) country: Option<String>,
    pub(super) custom: Map<String, Value>,
    pub(super) tags: Vec<(String, i64)>,
    pub(super) notes: Vec<String>,
    pub(super) companies: Vec<String>,
    /// Subscription types it has said something about.
    pub(super) subscriptions: Vec<String>,
    pub(super) archived: bool,
    pub(super) blocked: bool,
    pub(super) by_api: bool,
}

/// A company under both its ids.
#[derive(Clone, Default)]
#[expect(clippy::struct_field_names, reason = "`company_id` is the vendor's word, beside `id`")]
pub(super) struct Company {
    pub(super) id: String,
    pub(super) company_id: String,
    pub(super) name: String,
    pub(super) website: Option<String>,
    pub(super) industry: Option<String>,
    pub(super) plan: Option<String>,
    pub(super) size: Option<i64>,
    pub(super) monthly_spend: i64,
    pub(super) remote_created: Option<i64>,
    /// Seconds.
    pub(super) last_request: Option<i64>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) custom: Map<String, Value>,
    pub(super) contacts: BTreeSet<String>,
    pub(super) tags: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Everything the workspace holds.
pub(super) struct Workspace {
    pub(super) desk: Arc<Desk>,
    access: access::Access,
    pub(super) who: Who,
    /// Set while a scripted change must stay without a webhook.
    pub(super) quiet: bool,
    /// Topics nobody has subscribed.
    muted: BTreeSet<String>,
    zone: TimeZone,
    /// How long a new contact cannot be found by search, in milliseconds.
    search_lag: i64,
    pub(super) contacts: Contacts,
    merged: HashMap<String, Merged>,
    pub(super) companies: BTreeMap<String, Company>,
    company_ids: HashMap<String, String>,
    scroll: scroll::Scroll,
    conversations: BTreeMap<u64, conversations::Conversation>,
    /// When snoozed conversations wake, in seconds.
    alarms: BTreeSet<(i64, u64)>,
    deleted_conversations: Vec<participants::Deleted>,
    conversation_attributes: Vec<conversation_attributes::ConversationAttribute>,
    tags: BTreeMap<u64, String>,
    notes: BTreeMap<u64, tags::Note>,
    segments: Vec<segments::Segment>,
    pub(super) attributes: Vec<Attribute>,
    events: events::Events,
    serial: u64,
}

struct Merged {
    into: String,
    external_id: Option<String>,
    role: &'static str,
    at: i64,
}

/// The versions whose shapes are emulated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32);

impl Version {
    const NEWEST: Self = Self(16);

    fn read(text: &str) -> Option<Self> {
        let minor: u32 = text.strip_prefix("2.")?.parse().ok()?;
        (11..=16).contains(&minor).then_some(Self(minor))
    }
}

impl Workspace {
    pub(super) fn new(desk: Arc<Desk>, token: String, window_limit: u32) -> Self {
        Self {
            desk,
            access: access::Access::new(token, window_limit),
            who: Who::Api,
            quiet: false,
            muted: BTreeSet::new(),
            zone: TimeZone::UTC,
            search_lag: 0,
            contacts: Contacts::default(),
            merged: HashMap::new(),
            companies: BTreeMap::new(),
            company_ids: HashMap::new(),
            scroll: scroll::Scroll::default(),
            conversations: BTreeMap::new(),
            alarms: BTreeSet::new(),
            deleted_conversations: Vec::new(),
            conversation_attributes: Vec::new(),
            tags: BTreeMap::new(),
            notes: BTreeMap::new(),
            segments: segments::standing(),
            attributes: attributes::standing(),
            events: events::Events::default(),
            serial: 0,
        }
    }

    fn now(&self) -> i64 {
        self.desk.clock.now()
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A 24-digit hexadecimal id that sorts by age, as the vendor's do.
    pub(super) fn next_hex_id(&mut self, created: i64) -> String {
        let serial = self.next_serial();
        format!("{:08x}a7e1c3{:010x}", (created / 1_000) as u32, serial)
    }

    fn effect(&self, object: &str, kind: &str, id: &str, detail: &Value) {
        self.desk.effect(Vendor::Intercom.word(), (object, kind), id, self.who, detail);
    }
}
