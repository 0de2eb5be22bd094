//! The sandbox tested as its clients see it: over HTTP, with a small receiver for webhooks.

mod control;
mod faults;
mod front_door;
mod hubspot;
mod hubspot_access;
mod hubspot_schema;
mod hubspot_speed;
mod intercom;
mod salesforce;
mod salesforce_deep;
mod webhooks;
mod world;

use serde_json::Value;

use super::{Sandbox, Settings, Vendor};

pub(super) async fn started() -> Sandbox {
    Sandbox::start(fixed()).await.unwrap()
}

pub(super) fn fixed() -> Settings {
    Settings { now: Some("2026-03-02T08:30:00Z".parse().unwrap()), ..Settings::default() }
}

pub(super) async fn empty() -> Sandbox {
    Sandbox::start(Settings { seeded: false, ..fixed() }).await.unwrap()
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(super) fn client() -> reqwest::Client {
    super::webhook_client().unwrap()
}

pub(super) async fn send(
    sandbox: &Sandbox,
    vendor: Vendor,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let (base, token) = match vendor {
        Vendor::Intercom => (sandbox.intercom_base_url(), sandbox.intercom_token()),
        Vendor::HubSpot => (sandbox.hubspot_base_url(), sandbox.hubspot_token()),
        Vendor::Salesforce => (sandbox.salesforce_instance_url(), sandbox.salesforce_token()),
    };
    let mut request = client().request(method.parse().unwrap(), format!("{base}{path}")).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    read(request.send().await.unwrap()).await
}

pub(super) async fn read(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

pub(super) async fn intercom(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(sandbox, Vendor::Intercom, method, path, body).await
}

pub(super) async fn hubspot(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(sandbox, Vendor::HubSpot, method, path, body).await
}
