//! Salesforce as an emulated org: its state, its front door (tokens, the daily allowance, API versions) and
//! the table of routes. It never reads Intercom or HubSpot.

mod answers;
mod bulk;
mod collections;
mod composite;
mod convert;
mod derived;
mod describe;
mod duplicates;
mod ids;
mod inspection;
mod jwt;
mod merge;
mod oauth;
mod outbound;
mod rows;
mod schema;
mod service;
mod shapes;
mod soap;
mod sobjects;
mod soql;
mod steps;
mod validation;
mod verbs;

use std::sync::Arc;

use serde_json::{Value, json};

pub(super) use self::outbound::acknowledged;
pub(super) use self::rows::{Row, moment};
use self::rows::{Table, Transactions};
use super::desk::{Desk, Who};
use super::limits::Window;
use super::wire::{Answer, Call};

/// The organization's id.
pub(super) const ORGANIZATION_ID: &str = "00Dxx0000000001EAA";

/// How the org was set up.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) daily_limit: u32,
    pub(super) rotates_refresh_tokens: bool,
    pub(super) jwt_public_key: Option<String>,
    pub(super) duplicate_rules: super::DuplicateRules,
}

/// What can be wrong with one call that only the org can put into words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// Rows these texts name are locked; without a text every row is.
    Locked(Vec<String>),
    /// The session has ended.
    NoSession,
    /// The day's allowance is used up.
    NoAllowance,
}

/// Everything the org holds.
pub(super) struct Org {
    pub(super) desk: Arc<Desk>,
    pub(super) setup: Setup,
    /// `http://127.0.0.1:port`, known once the server listens.
    pub(super) instance_url: String,
    /// The API version of the call being answered, such as `66.0`.
    version: String,
    daily: Window,
    pub(super) who: Who,
    /// Set while a scripted change must stay without an outbound message.
    pub(super) quiet: bool,
    tables: Vec<Table>,
    transactions: Transactions,
    serial: u64,
    /// What a fault does to the call being answered.
    pub(super) trouble: Option<Trouble>,
    /// When the objects' descriptions last changed, in milliseconds since 1970.
    schema_changed: i64,
    sessions: oauth::Sessions,
    cursors: soql::Cursors,
    jobs: bulk::Jobs,
    /// How many outbound notifications there were.
    notices: u64,
}

/// The user behind a change: the integration's own, or somebody in sales.
pub(super) fn user_id(who: Who) -> String {
    ids::minted("005", if who == Who::Api { 1 } else { 2 })
}

impl Org {
    pub(super) fn new(desk: Arc<Desk>, setup: Setup) -> Self {
        let daily = Window::new(setup.daily_limit, 86_400_000);
        let schema_changed = desk.clock.now() - 30 * 86_400_000;
        let mut org = Self {
            schema_changed,
            desk,
            sessions: oauth::Sessions::new(&setup),
            setup,
            instance_url: String::new(),
            version: "66.0".to_owned(),
            daily,
            who: Who::Api,
            quiet: false,
            tables: schema::all().iter().map(Table::new).collect(),
            transactions: Transactions::default(),
            serial: 100,
            trouble: None,
            cursors: soql::Cursors::default(),
            jobs: bulk::Jobs::default(),
            notices: 0,
        };
        org.furnish();
        org
    }

    /// The rows every org has before anybody writes one: its users and its lead statuses.
    fn furnish(&mut self) {
        // Whole minutes: two starts within one must make the same world.
        let long_ago = (self.now() - 900 * 86_400_000) / 60_000 * 60_000;
        // The first counter makes `ORGANIZATION_ID`.
        self.serial = 0;
        let organization = json!({
            "Name": "Sandbox",
            "OrganizationType": "Enterprise Edition",
            "InstanceName": "SBX1",
            "IsSandbox": true,
        });
        self.furnish_with("Organization", organization, long_ago);
        // The first two counters are `user_id`'s, too: ids differ by their prefix.
        self.serial = 0;
        let users = [
            ("Integration", "User", "integration@northlight.example", "intgr"),
            ("Dana", "Whitfield", "dana.whitfield@northlight.example", "dwhit"),
            ("Omar", "Haddad", "omar.haddad@northlight.example", "ohadd"),
        ];
        for (first, last, email, alias) in users {
            let fields = json!({
                "Username": email,
                "FirstName": first,
                "LastName": last,
                "Name": format!("{first} {last}"),
                "Email": email,
                "Alias": alias,
                "IsActive": true,
                "UserType": "Standard",
            });
            self.furnish_with("User", fields, long_ago);
        }
        let statuses = schema::object("Lead").and_then(|lead| lead.field("Status"));
        for (index, status) in statuses.map_or(&[][..], |field| field.picklist).iter().enumerate() {
            let fields = json!({
                "MasterLabel": status,
                "ApiName": status,
                "SortOrder": index + 1,
                "IsDefault": index == 0,
                "IsConverted": *status == "Closed - Converted",
            });
            self.furnish_with("LeadStatus", fields, long_ago);
        }
        let picklist = |object: &str, field: &str| {
            schema::object(object).and_then(|kind| kind.field(field)).map_or(&[][..], |field| field.picklist)
        };
        for (index, stage) in picklist("Opportunity", "StageName").iter().enumerate() {
            let fields = json!({
                "MasterLabel": stage,
                "ApiName": stage,
                "SortOrder": index + 1,
                "IsActive": true,
                "IsClosed": stage.starts_with("Closed"),
                "IsWon": *stage == "Closed Won",
                "DefaultProbability": derived::probability(stage),
            });
            self.furnish_with("OpportunityStage", fields, long_ago);
        }
        for (index, status) in picklist("Case", "Status").iter().enumerate() {
            let fields = json!({
                "MasterLabel": status,
                "ApiName": status,
                "SortOrder": index + 1,
                "IsDefault": index == 0,
                "IsClosed": *status == "Closed",
            });
            self.furnish_with("CaseStatus", fields, long_ago);
        }
        self.serial = 100;
    }

    fn furnish_with(&mut self, object: &'static str, fields: Value, at: i64) {
        if let Value::Object(fields) = fields {
            self.put(object, fields, at, Who::Ui);
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.desk.clock.now()
    }

    /// Where a row is read, as `attributes.url` has it.
    fn address(&self, object: &str, id: &str) -> String {
        format!("/services/data/v{}/sobjects/{object}/{id}", self.version)
    }

    /// Answers one call as the vendor would.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        let (_, path) = call.route();
        match path.as_slice() {
            ["services", "oauth2", rest @ ..] => self.oauth(call, rest),
            ["id", _, _] => self.identity_answer(call),
            ["services", "data"] if call.method == "GET" => service::versions(),
            ["services", "data", version, rest @ ..] => {
                let Some(version) = service::version(version) else { return answers::missing() };
                self.version = version;
                self.metered(call, rest)
            }
            ["services", "Soap", "u" | "c", ..] => self.soap(call),
            _ => answers::missing(),
        }
    }

    /// A REST call: its session, the daily allowance, and the header every answer carries.
    fn metered(&mut self, call: &Call, path: &[&str]) -> Answer {
        if !self.has_session(call) {
            return answers::refused(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
        let answer = if self.count_call() {
            self.routed(call, path)
        } else {
            answers::refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        };
        let usage = format!("api-usage={}/{}", self.daily.used(), self.daily.limit);
        answer.with("Sforce-Limit-Info", usage)
    }

    /// Counts one call against the day's allowance; false when it is used up. SOAP calls count too.
    pub(super) fn count_call(&mut self) -> bool {
        let now = self.now();
        self.trouble != Some(Trouble::NoAllowance) && self.daily.admit(now)
    }

    /// Answers what stands behind `/services/data/vXX.X`, for a call of its own or a part of another.
    fn routed(&mut self, call: &Call, path: &[&str]) -> Answer {
        let outcome = match path {
            [] => Ok(self.resources()),
            ["limits"] => Ok(self.limits()),
            ["query", ..] => Ok(self.query(call, false)),
            ["queryAll", ..] => Ok(self.query(call, true)),
            ["jobs", ..] => Ok(self.bulk(call)),
            _ if !call.body_is_json => Err(answers::not_json()),
            ["sobjects", rest @ ..] => self.route_sobjects(call, rest),
            ["composite", rest @ ..] => self.route_composite(call, rest),
            ["ui-api", "object-info", object, "picklist-values", record_type] => {
                self.picklist_values(object, record_type)
            }
            _ => Err(answers::missing()),
        };
        outcome.unwrap_or_else(|refusal| refusal)
    }
}
