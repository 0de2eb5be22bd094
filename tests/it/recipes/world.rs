//! What the recipes' tests stand on: the bench with some recipes on, what a portal needs for them, and the vendors' own
//! view of deals, tasks, notes and tags. No test is here.

use std::sync::Arc;
use std::time::Duration;

use reknit::engine::Engine;
use reknit::engine::monitors::{self, Watch};
use reknit::sandbox::Webhook;
use reknit::vault::Given;
use reknit::vendors;
use reknit::vendors::alerts::{Channels, SLACK_URL, WEBHOOK_SECRET, WEBHOOK_URL};
use serde_json::{Value, json};

use crate::support::Bench;

/// Properties of the portal's own that shipped recipes write or read: object type, name, type, field type.
const PROPERTIES: [(&str, &str, &str, &str); 9] = [
    ("contacts", "open_support_ticket", "enumeration", "booleancheckbox"),
    ("contacts", "high_contact_frequency", "enumeration", "booleancheckbox"),
    ("contacts", "engagement_score", "number", "number"),
    ("contacts", "subscription_tier", "string", "text"),
    ("contacts", "segments", "string", "text"),
    ("companies", "mrr", "number", "number"),
    ("companies", "intercom_size", "string", "text"),
    ("companies", "hs_note_source", "string", "text"),
    ("deals", "hs_forecast_probability", "number", "number"),
];

/// Somebody both vendors know.
pub(crate) struct Person {
    /// In Intercom.
    pub(crate) left: String,
    /// In HubSpot.
    pub(crate) right: String,
    /// Where they are reached.
    pub(crate) email: String,
}

/// The bench and its recipes.
pub(crate) struct World {
    /// Vendors, journal, engine.
    pub(crate) bench: Bench,
    client: reqwest::Client,
}

impl World {
    /// Empty vendors; these recipes are on, with their shipped text.
    pub(crate) async fn with(recipes: &[&str]) -> Self {
        Self::changed(recipes, |_, text| text).await
    }

    /// Empty vendors; these recipes are on, each with its text as `change` makes it.
    pub(crate) async fn changed(recipes: &[&str], change: impl Fn(&str, String) -> String) -> Self {
        let texts = recipes.iter().map(|name| {
            let path = format!("{}/assets/recipes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let text = change(name, text.replacen("state = \"off\"", "state = \"on\"", 1));
            ((*name).to_owned(), text)
        });
        let bench = Bench::build().recipes(texts.collect()).start().await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let world = Self { bench, client };
        for (object, name, kind, field) in PROPERTIES {
            let options = match field {
                "booleancheckbox" => {
                    json!([{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}])
                }
                _ => json!([]),
            };
            let body = json!({
                "name": name, "label": name, "type": kind, "fieldType": field, "options": options,
                "groupName": format!("{}information", object.trim_end_matches('s').replace("companie", "company")),
            });
            world.hubspot("POST", &format!("/crm/v3/properties/{object}"), &body).await;
        }
        for name in ["deal_stage", "account_owner", "subscription_tier"] {
            let body = json!({"name": name, "model": "contact", "data_type": "string"});
            world.intercom("POST", "/data_attributes", &body).await;
        }
        world.bench.sandbox.add_hubspot_deal_stage("11001", "Contacted");
        world.bench.sandbox.add_hubspot_deal_stage("11002", "Demo Requested");
        world.bench.sandbox.add_hubspot_lifecycle_stage("51000", "At-Risk");
        world
    }

    /// A call to HubSpot's API that must succeed.
    pub(crate) async fn hubspot(&self, method: &str, path: &str, body: &Value) -> Value {
        let sandbox = &self.bench.sandbox;
        self.call(method, &format!("{}{path}", sandbox.hubspot_base_url()), sandbox.hubspot_token(), body)
            .await
    }

    /// A call to Intercom's API that must succeed.
    pub(crate) async fn intercom(&self, method: &str, path: &str, body: &Value) -> Value {
        let sandbox = &self.bench.sandbox;
        let (base, token) = (sandbox.intercom_base_url(), sandbox.intercom_token());
        self.call(method, &format!("{base}{path}"), token, body).await
    }

    async fn call(&self, method: &str, url: &str, token: &str, body: &Value) -> Value {
        let request = self.client.request(method.parse().unwrap(), url).bearer_auth(token);
        let request = if method == "GET" { request } else { request.json(body) };
        let answer = request.header("intercom-version", "2.14").send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Somebody whom both know, tied together by the contact sync.
    pub(crate) async fn person(&mut self, email: &str, properties: &Value) -> Person {
        let (left, right) = self.bench.known_person(email, &json!({})).await;
        self.edit(&right, properties).await;
        Person { left, right, email: email.to_owned() }
    }

    /// The portal's user edits a contact.
    pub(crate) async fn edit(&mut self, right: &str, properties: &Value) {
        if properties.as_object().is_some_and(|all| !all.is_empty()) {
            self.bench.sandbox.edit_hubspot_contact(right, properties, Webhook::Sent).unwrap();
            self.bench.work().await;
        }
    }

    /// A company of the portal, to which the contact belongs; its id.
    pub(crate) fn company(&self, person: &Person, properties: &Value) -> String {
        let company = self.bench.sandbox.new_hubspot_company(properties, Webhook::Silent).unwrap();
        self.bench.sandbox.link_hubspot_company(&person.right, &company, Webhook::Silent).unwrap();
        // The first company of a contact made by hand is its primary one.
        company
    }

    /// The person writes in, with a type of conversation or without; its id. Nothing is worked off yet.
    pub(crate) async fn starts(&self, person: &Person, words: &str, kind: &str) -> String {
        let id = self.bench.sandbox.start_conversation(&person.left, words, Webhook::Sent).unwrap();
        if !kind.is_empty() {
            self.typed(&id, kind).await;
        }
        id
    }

    /// The person writes in at a time of the past; its id.
    pub(crate) async fn started_at(&self, person: &Person, words: &str, seconds: i64) -> String {
        let from = json!({"type": "contact", "id": person.left});
        let message = json!({"from": from, "body": words, "created_at": seconds});
        let answer = self.intercom("POST", "/conversations", &message).await;
        answer["conversation_id"].as_str().unwrap().to_owned()
    }

    /// What kind of conversation it is, as a workflow in Intercom says it.
    pub(crate) async fn typed(&self, conversation: &str, kind: &str) {
        let body = json!({"custom_attributes": {"type": kind}});
        self.intercom("PUT", &format!("/conversations/{conversation}"), &body).await;
    }

    /// The team closes.
    pub(crate) fn closes(&self, conversation: &str) {
        self.bench.sandbox.close_conversation(conversation, Webhook::Sent);
    }

    /// The person rates.
    pub(crate) fn rates(&self, conversation: &str, score: i64) {
        assert!(self.bench.sandbox.rate_conversation(conversation, score, "So it was.", Webhook::Sent));
    }

    /// Somebody of the team tags the conversation's newest part or the conversation.
    pub(crate) async fn tags(&self, conversation: &str, tag: &str) {
        let made = self.intercom("POST", "/tags", &json!({"name": tag})).await;
        let admins = self.intercom("GET", "/admins", &Value::Null).await;
        let body = json!({"id": made["id"], "admin_id": admins["admins"][0]["id"]});
        self.intercom("POST", &format!("/conversations/{conversation}/tags"), &body).await;
    }

    /// All records of a type, with these properties, and with the ids of their contacts under `contacts`.
    pub(crate) async fn records(&self, object: &str, properties: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!(
                "/crm/v3/objects/{object}?limit=100&properties={properties}&associations=contacts,companies{after}"
            );
            let page = self.hubspot("GET", &path, &Value::Null).await;
            for row in page["results"].as_array().unwrap() {
                let mut record = row["properties"].clone();
                record["id"] = row["id"].clone();
                for to in ["contacts", "companies"] {
                    let related = row["associations"][to]["results"].as_array();
                    let mut ids: Vec<Value> =
                        related.into_iter().flatten().map(|one| one["id"].clone()).collect();
                    ids.sort_by_key(Value::to_string);
                    ids.dedup();
                    record[to] = json!(ids);
                }
                found.push(record);
            }
            match page.pointer("/paging/next/after").and_then(Value::as_str) {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
    }

    /// All deals.
    pub(crate) async fn deals(&self) -> Vec<Value> {
        self.records("deals", "dealname,dealstage,pipeline,description,hs_forecast_probability").await
    }

    /// All tasks.
    pub(crate) async fn tasks(&self) -> Vec<Value> {
        self.records("tasks", "hs_task_subject,hs_task_body,hs_timestamp,hubspot_owner_id,hs_task_status")
            .await
    }

    /// All notes, oldest first.
    pub(crate) async fn notes(&self) -> Vec<Value> {
        let mut notes = self.records("notes", "hs_note_body,hs_timestamp").await;
        notes.sort_by_key(|note| note["id"].as_str().and_then(|id| id.parse::<u64>().ok()));
        notes
    }

    /// A property of the person's contact; empty where there is none.
    pub(crate) fn property(&self, person: &Person, name: &str) -> String {
        self.bench.hubspot(&person.right)[name].as_str().unwrap_or_default().to_owned()
    }

    /// What became of the newest execution of a recipe: its status and its sentence.
    pub(crate) async fn outcome(&self, recipe: &str) -> (String, String) {
        self.outcomes(recipe).await.into_iter().next().unwrap_or_else(|| panic!("{recipe} never ran"))
    }

    /// All executions of a recipe, newest first: status and sentence.
    pub(crate) async fn outcomes(&self, recipe: &str) -> Vec<(String, String)> {
        let rows = self.bench.rows().await.into_iter().filter(|row| row.recipe == recipe);
        rows.map(|row| (row.status.to_string(), row.sentence)).collect()
    }

    /// Another process on the same journal.
    pub(crate) fn another_engine(&self) -> Engine {
        self.bench.another_engine()
    }

    /// Sends what recipes told, as the service does beside the sync.
    pub(crate) async fn send_notices(&self) {
        let given = Given::default()
            .with_named(SLACK_URL, &self.bench.sandbox.slack_webhook_url())
            .with_named(WEBHOOK_URL, &self.bench.sandbox.alert_webhook_url())
            .with_named(WEBHOOK_SECRET, "a-receivers-signing-key");
        let settings =
            vendors::Settings { timeouts: vendors::Timeouts::of(5), ..vendors::Settings::default() };
        let clock = Arc::new(self.bench.clock.clone());
        let channels = Channels::new(&settings, &given, clock, "bench").unwrap();
        let watch = Watch::new(&self.bench.engine, channels, monitors::Settings::default());
        for _ in 0..3 {
            watch.tell_due().await.unwrap();
            self.bench.advance(Duration::from_secs(2));
        }
    }

    /// What came to the receivers of alerts.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.bench.sandbox.alert_book()
    }
}

/// Says a figure where whoever runs the checks reads it.
pub(crate) fn say(figure: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{figure}");
}
