//! The emulated Salesforce, over HTTP.

mod front_door;
mod many;
mod rows;

use serde_json::{Value, json};

use super::{Reply, client, empty, fixed, read, send};
use crate::sandbox::{Sandbox, Vendor};

const DATA: &str = "/services/data/v66.0";

/// One REST call under `/services/data/v66.0`.
async fn call(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(sandbox, Vendor::Salesforce, method, &format!("{DATA}{path}"), body).await
}

async fn created(sandbox: &Sandbox, object: &str, fields: Value) -> String {
    let reply = call(sandbox, "POST", &format!("/sobjects/{object}"), Some(fields)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!((&reply.body["success"], &reply.body["errors"]), (&json!(true), &json!([])));
    reply.body["id"].as_str().unwrap().to_owned()
}

/// A refusal's status and code.
fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body[0]["errorCode"].as_str().unwrap_or_default())
}
