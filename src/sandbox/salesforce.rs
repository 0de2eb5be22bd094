//! Salesforce as an emulated org: its state, its front door (tokens, the daily allowance, API versions) and
//! the table of routes. It never reads Intercom or HubSpot.

mod answers;
mod bulk;
mod convert;
mod duplicates;
mod ids;
mod inspection;
mod merge;
mod outbound;
mod rows;
mod schema;
mod shapes;
mod soap;
mod soql;
mod validation;
mod verbs;

use std::sync::Arc;

use serde_json::{Value, json};

pub(super) use self::outbound::{acknowledged, envelope};
pub(super) use self::rows::Row;
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
    /// While a call meets locked rows: texts that name them, or none for every row.
    pub(super) locked: Option<Vec<String>>,
    cursors: soql::Cursors,
    jobs: bulk::Jobs,
}

/// The user behind a change: the integration's own, or somebody in sales.
pub(super) fn user_id(who: Who) -> String {
    ids::minted("005", if who == Who::Api { 1 } else { 2 })
}

impl Org {
    pub(super) fn new(desk: Arc<Desk>, setup: Setup) -> Self {
        let daily = Window::new(setup.daily_limit, 86_400_000);
        let mut org = Self {
            desk,
            setup,
            instance_url: String::new(),
            version: "66.0".to_owned(),
            daily,
            who: Who::Api,
            quiet: false,
            tables: schema::all().iter().map(Table::new).collect(),
            transactions: Transactions::default(),
            serial: 100,
            locked: None,
            cursors: soql::Cursors::default(),
            jobs: bulk::Jobs::default(),
        };
        org.furnish();
        org
    }

    /// The rows every org has before anybody writes one: its users and its lead statuses.
    fn furnish(&mut self) {
        // The first two counters are `user_id`'s.
        self.serial = 0;
        let long_ago = self.now() - 900 * 86_400_000;
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

    /// Whether an access token is good now.
    pub(super) fn session_stands(&self, token: &str) -> bool {
        token == self.setup.access_token
    }

    /// Answers one call as the vendor would.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        let (_, path) = call.route();
        match path.as_slice() {
            ["services", "Soap", "u" | "c", ..] => self.soap(call),
            ["services", "data", _, "query" | "queryAll", ..] => self.query(call, path[3] == "queryAll"),
            ["services", "data", _, "jobs", ..] => self.bulk(call),
            _ => answers::missing(),
        }
    }
}

/// The detail a books entry of a new row has: what tells two rows of one person apart.
impl Org {
    fn created_detail(&self, object: &str, id: &str) -> Value {
        let Some(row) = self.row(object, id) else { return Value::Null };
        let told = ["Email", "Name", "Company", "Intercom_Contact_ID__c", "Intercom_Company_ID__c"];
        let fields = row.fields.iter().filter(|(name, _)| told.contains(&name.as_str()));
        Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Fields and rows the org keeps by itself after a change.
    fn keep_derived(&mut self, _object: &str, _id: &str) {}
}
