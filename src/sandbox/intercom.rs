//! Intercom as an emulated workspace: its state, its front door (token, version, rate limit) and the table
//! of routes. It behaves as the vendor documents, also where that is inconvenient; it never reads HubSpot.

mod answers;
mod attributes;
mod companies;
mod contacts;
mod conversations;
mod inspection;
mod merge;
mod notices;
mod search;
mod shapes;
mod tags;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

pub(super) use self::attributes::Attribute;
use super::desk::{Desk, Who};
use super::fault::Vendor;
use super::limits::Window;
use super::wire::{Answer, Call, Payload};

/// The workspace's code, also in every webhook.
pub(super) const APP_ID: &str = "rk7sbx01";
pub(super) const ADMIN_ID: &str = "7400101";

/// A contact of either role.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of a vendor's record")]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) user: bool,
    pub(super) external_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) name: Option<String>,
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
    pub(super) archived: bool,
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
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) custom: Map<String, Value>,
    pub(super) contacts: BTreeSet<String>,
}

/// Everything the workspace holds.
pub(super) struct Workspace {
    pub(super) desk: Arc<Desk>,
    pub(super) token: String,
    pub(super) window: Window,
    pub(super) who: Who,
    /// Set while a scripted change must stay without a webhook.
    pub(super) quiet: bool,
    pub(super) contacts: BTreeMap<String, Contact>,
    emails: HashMap<String, Vec<String>>,
    external_ids: HashMap<String, String>,
    merged: HashMap<String, Merged>,
    pub(super) companies: BTreeMap<String, Company>,
    company_ids: HashMap<String, String>,
    conversations: BTreeMap<u64, conversations::Conversation>,
    tags: BTreeMap<u64, String>,
    notes: BTreeMap<u64, tags::Note>,
    pub(super) attributes: Vec<Attribute>,
    events: BTreeSet<String>,
    serial: u64,
}

struct Merged {
    into: String,
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
            token,
            window: Window::new(window_limit, 10_000),
            who: Who::Api,
            quiet: false,
            contacts: BTreeMap::new(),
            emails: HashMap::new(),
            external_ids: HashMap::new(),
            merged: HashMap::new(),
            companies: BTreeMap::new(),
            company_ids: HashMap::new(),
            conversations: BTreeMap::new(),
            tags: BTreeMap::new(),
            notes: BTreeMap::new(),
            attributes: attributes::standing(),
            events: BTreeSet::new(),
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

    /// Answers one call as the vendor would.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        if call.bearer() != Some(self.token.as_str()) {
            return answers::refused(401, "unauthorized", "Access Token Invalid");
        }
        let now = self.now();
        let admitted = self.window.admit(now);
        let answer = if admitted {
            self.versioned(call)
        } else {
            let message = format!("Exceeded rate limit of {} in 10_seconds", self.window.limit);
            answers::refused(429, "rate_limit_exceeded", &message)
        };
        // Rounded up: a client that waits until then must find the window turned over.
        let reset = (self.window.resets_at() + 999) / 1_000;
        answer
            .with("X-RateLimit-Limit", self.window.limit.to_string())
            .with("X-RateLimit-Remaining", self.window.remaining().to_string())
            .with("X-RateLimit-Reset", reset.to_string())
    }

    fn versioned(&mut self, call: &Call) -> Answer {
        let asked = call.header("intercom-version");
        let Some(version) = asked.map_or(Some(Version::NEWEST), Version::read) else {
            let text = asked.unwrap_or_default();
            let message = format!("The requested version '{text}' does not exist or is not supported");
            return answers::refused(400, "intercom_version_invalid", &message);
        };
        if !call.body_is_json {
            return answers::refused(400, "bad_request", "The request body is not valid JSON");
        }
        let mut answer = self.routed(call, version);
        if let Payload::Json(body) = &mut answer.body {
            conversations::in_words_of(version, body);
        }
        answer
            .with("Intercom-Version", format!("2.{}", version.0))
            .with("X-Request-Id", super::desk::request_id())
    }

    fn routed(&mut self, call: &Call, version: Version) -> Answer {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("GET", ["me"]) => Answer::ok(shapes::me()),
            ("GET", ["admins"]) => Answer::ok(shapes::admins()),
            ("GET", ["admins", id]) => shapes::admin_answer(id),
            ("GET", ["contacts"]) => self.list_contacts(call, version),
            ("POST", ["contacts"]) => self.create_contact(call, version),
            ("POST", ["contacts", "search"]) => self.search_contacts(call, version),
            ("POST", ["contacts", "merge"]) => self.merge_contacts(call, version),
            ("GET", ["contacts", "find_by_external_id", external]) => {
                self.find_by_external_id(external, version)
            }
            ("GET", ["contacts", id]) => self.show_contact(id, version),
            ("PUT", ["contacts", id]) => self.update_contact(id, call, version),
            ("DELETE", ["contacts", id]) => self.delete_contact(id),
            ("POST", ["contacts", id, "archive"]) => self.archive_contact(id, true),
            ("POST", ["contacts", id, "unarchive"]) => self.archive_contact(id, false),
            ("GET", ["contacts", id, "merge_history"]) => self.merge_history(id),
            ("GET", ["contacts", id, "companies"]) => self.companies_of_contact(id),
            ("POST", ["contacts", id, "companies"]) => self.attach_company(id, call),
            ("DELETE", ["contacts", id, "companies", company]) => self.detach_company(id, company),
            ("GET", ["contacts", id, "tags"]) => self.tags_of_contact(id),
            ("POST", ["contacts", id, "tags"]) => self.tag_contact(id, call),
            ("DELETE", ["contacts", id, "tags", tag]) => self.untag_contact(id, tag),
            ("GET", ["contacts", id, "notes"]) => self.notes_of_contact(id),
            ("POST", ["contacts", id, "notes"]) => self.add_note(id, call),
            ("GET", ["notes", id]) => self.show_note(id),
            ("GET", ["companies"]) => self.find_companies(call),
            ("POST", ["companies"]) => self.upsert_company(call),
            ("POST", ["companies", "list"]) => self.list_companies(call),
            ("GET", ["companies", "scroll"]) => self.scroll_companies(call),
            ("GET", ["companies", id]) => self.show_company(id),
            ("PUT", ["companies", id]) => self.update_company(id, call),
            ("DELETE", ["companies", id]) => self.delete_company(id),
            ("GET", ["companies", id, "contacts"]) => self.contacts_of_company(id, version),
            ("GET", ["conversations"]) => self.list_conversations(call),
            ("POST", ["conversations"]) => self.start_conversation_by_api(call),
            ("POST", ["conversations", "search"]) => self.search_conversations(call),
            ("GET", ["conversations", id]) => self.show_conversation(id, call),
            ("PUT", ["conversations", id]) => self.update_conversation(id, call),
            ("POST", ["conversations", id, "reply"]) => self.reply_by_api(id, call),
            ("POST", ["conversations", id, "parts"]) => self.change_conversation_state(id, call),
            ("POST", ["conversations", id, "tags"]) => self.tag_conversation(id, call),
            ("DELETE", ["conversations", id, "tags", tag]) => self.untag_conversation(id, tag),
            ("GET", ["tags"]) => self.list_tags(),
            ("POST", ["tags"]) => self.create_tag(call),
            ("GET", ["tags", id]) => self.show_tag(id),
            ("GET", ["data_attributes"]) => self.list_attributes(call, version),
            ("POST", ["data_attributes"]) => self.create_attribute(call),
            ("PUT", ["data_attributes", id]) => self.update_attribute(id, call),
            ("POST", ["events"]) => self.take_event(call),
            _ => answers::refused(404, "not_found", "The requested resource was not found"),
        }
    }
}
