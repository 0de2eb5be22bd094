//! What a subscriber receives: signed, repeated, in the vendors' shapes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::{client, empty, hubspot, intercom, read, started};
use crate::sandbox::{Scene, Vendor, Webhook};

type Inbox = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

async fn receiver() -> (String, Inbox) {
    let inbox = Inbox::default();
    let kept = Arc::clone(&inbox);
    let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
        kept.lock().unwrap().push((headers, body));
        async { "ok" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

fn bodies(inbox: &Inbox) -> Vec<Value> {
    inbox.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
}

#[tokio::test]
async fn intercoms_webhook_is_signed_over_its_raw_body_and_dated_in_iso() {
    let sandbox = empty().await;
    let (url, inbox) = receiver().await;
    sandbox.subscribe_intercom(&url);
    let id = sandbox.new_intercom_user(&json!({"email": "ana@northlight.com"}), Webhook::Sent).unwrap();
    sandbox.webhooks_drained().await;
    let (headers, body) = inbox.lock().unwrap()[0].clone();
    let signature = headers["x-hub-signature"].to_str().unwrap().strip_prefix("sha1=").unwrap();
    let digest: Vec<u8> =
        (0..20).map(|at| u8::from_str_radix(&signature[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(sandbox.intercom_client_secret().as_bytes()).unwrap();
    mac.update(&body);
    mac.verify_slice(&digest).unwrap();
    assert_eq!(signature.len(), 40);
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&event["topic"], &event["data"]["item"]["id"]), (&json!("contact.user.created"), &json!(id)));
    assert!(event["data"]["item"]["created_at"].as_str().unwrap().ends_with("+00:00"));
    assert!(event["created_at"].is_number());
    assert_eq!(event["data"]["item"]["companies"]["type"], "list");
}

#[tokio::test]
async fn hubspots_webhook_is_an_array_signed_over_method_address_body_and_time() {
    let sandbox = empty().await;
    let (url, inbox) = receiver().await;
    sandbox.subscribe_hubspot(&url);
    let contact = json!({"properties": {"email": "ana@northlight.com", "city": "Lyon"}});
    hubspot(&sandbox, "POST", "/crm/v3/objects/contacts", Some(contact)).await;
    sandbox.webhooks_drained().await;
    let (headers, body) = inbox.lock().unwrap()[0].clone();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(sandbox.hubspot_client_secret().as_bytes()).unwrap();
    let stamp = headers["x-hubspot-request-timestamp"].to_str().unwrap();
    mac.update(format!("POST{url}{}{stamp}", std::str::from_utf8(&body).unwrap()).as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(headers["x-hubspot-signature-v3"], digest);
    let events: Vec<Value> =
        bodies(&inbox).into_iter().flat_map(|batch| batch.as_array().unwrap().clone()).collect();
    assert_eq!(events[0]["subscriptionType"], "contact.creation");
    assert!(
        events.iter().any(|event| event["propertyName"] == "city" && event["changeSource"] == "INTEGRATION")
    );
}

#[tokio::test]
async fn an_api_write_echoes_and_a_silent_or_empty_change_does_not() {
    let sandbox = started().await;
    let (url, inbox) = receiver().await;
    sandbox.subscribe_intercom(&url);
    let (user, _) = sandbox.next_clean_person().unwrap();
    let change = json!({"custom_attributes": {"job_title": "Astronaut"}});
    intercom(&sandbox, "PUT", &format!("/contacts/{user}"), Some(change.clone())).await;
    intercom(&sandbox, "PUT", &format!("/contacts/{user}"), Some(change)).await;
    let before = sandbox.intercom_contact(&user).unwrap();
    sandbox.edit_intercom_contact(&user, &json!({"phone": "+100"}), Webhook::Silent).unwrap();
    sandbox.webhooks_drained().await;
    assert_eq!(bodies(&inbox).len(), 1);
    assert_ne!(sandbox.intercom_contact(&user).unwrap()["phone"], before["phone"]);
    assert!(sandbox.redeliver_last_webhook());
    sandbox.webhooks_drained().await;
    let bodies = bodies(&inbox);
    assert_eq!(bodies[0]["id"], bodies[1]["id"]);
}

#[tokio::test]
async fn a_subscriber_that_comes_up_late_still_gets_its_webhook() {
    let sandbox = empty().await;
    let place = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    sandbox.subscribe_intercom(&format!("http://{address}/hooks"));
    sandbox.new_intercom_user(&json!({"email": "ana@northlight.com"}), Webhook::Sent).unwrap();
    // Only once a first try has failed does the subscriber come up.
    while sandbox.books()["webhooks"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(|| async { "ok" })).await });
    sandbox.webhooks_drained().await;
    let books = sandbox.books();
    let tries = books["webhooks"].as_array().unwrap();
    assert_eq!(tries[0]["status"], Value::Null);
    assert_eq!(tries.last().unwrap()["status"], 200);
}

#[tokio::test]
async fn the_morning_plays_every_scene_and_repeats_some_webhooks() {
    let sandbox = started().await;
    let (url, inbox) = receiver().await;
    sandbox.subscribe_intercom(&url);
    sandbox.subscribe_hubspot(&url);
    let played = sandbox.play_day();
    assert_eq!(played.len(), 62);
    assert_eq!(played.iter().filter(|one| one.scene == Scene::EmailTaken).count(), 2);
    let mut people: Vec<&str> = played.iter().map(|one| one.intercom_id.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    assert_eq!(people.len(), 62, "no person is in two scenes");
    sandbox.webhooks_drained().await;
    let mut ids: Vec<String> =
        bodies(&inbox).iter().filter(|body| body.is_object()).map(|body| body["id"].to_string()).collect();
    let deliveries = ids.len();
    ids.sort();
    ids.dedup();
    assert!(ids.len() < deliveries, "{deliveries} deliveries of {} events", ids.len());
}

#[tokio::test]
async fn events_are_held_turned_round_sent_again_lost_and_silenced_on_demand() {
    let sandbox = empty().await;
    let (url, inbox) = receiver().await;
    sandbox.subscribe_intercom(&url);
    let command = async |body: Value| {
        let url = format!("{}/_sandbox/webhooks", sandbox.salesforce_instance_url());
        read(client().post(url).body(body.to_string()).send().await.unwrap()).await
    };
    let sign_up = |name: &str| {
        let user = json!({"email": format!("{name}@northlight.com"), "name": name});
        sandbox.new_intercom_user(&user, Webhook::Sent).unwrap()
    };
    let names = || -> Vec<String> {
        bodies(&inbox).iter().map(|body| body["data"]["item"]["name"].as_str().unwrap().to_owned()).collect()
    };
    command(json!({"vendor": "intercom", "hold": true})).await;
    for name in ["one", "two", "three"] {
        sign_up(name);
    }
    sandbox.webhooks_drained().await;
    assert!(names().is_empty());
    let told = command(json!({"vendor": "intercom", "release": "reversed"})).await;
    assert_eq!(told.body["released"], 3);
    sandbox.webhooks_drained().await;
    assert_eq!(names(), ["three", "two", "one"]);
    assert_eq!(command(json!({"redeliver": 2})).await.body["redelivered"], 2);
    sandbox.webhooks_drained().await;
    assert_eq!(names()[3..], ["two", "one"]);
    let ids: Vec<Value> = bodies(&inbox).iter().map(|body| body["id"].clone()).collect();
    assert_eq!((&ids[3], &ids[4]), (&ids[1], &ids[2]));

    sandbox.lose_webhooks(Vendor::Intercom, 1);
    sign_up("lost");
    let told = sign_up("told");
    sandbox.silence_webhooks(Vendor::Intercom, &["archived", "deleted"]);
    assert!(sandbox.archive_intercom_contact(&told, Webhook::Sent));
    sandbox.webhooks_drained().await;
    assert_eq!(names()[5..], ["told"]);
    sandbox.silence_webhooks(Vendor::Intercom, &[]);
    sandbox.repeat_webhooks_every(1);
    sign_up("twice");
    sandbox.webhooks_drained().await;
    assert_eq!(names()[6..], ["twice", "twice"]);
    for wrong in [json!({"vendor": "zoho"}), json!({"release": "sideways"}), json!({"holt": true})] {
        assert_eq!(command(wrong).await.status, 400);
    }
}
