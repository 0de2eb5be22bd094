//! How fast the portal is with 200,000 contacts. Not run by itself: it wants an optimised build.
//! `cargo test --release --lib hubspot_speed -- --ignored --nocapture` prints the figures and holds them to the limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{client, fixed};
use crate::sandbox::{Sandbox, Settings};

const PEOPLE: usize = 200_000;
const START: i64 = 1_768_018_294_000;

async fn call(
    client: &reqwest::Client,
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Value {
    let url = format!("{}{path}", sandbox.hubspot_base_url());
    let mut request = client.request(method.parse().unwrap(), url).bearer_auth(sandbox.hubspot_token());
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "wants an optimised build and some gigabytes"]
#[expect(clippy::print_stdout, reason = "its figures are what it is run for")]
async fn two_hundred_thousand_contacts_stay_fast() {
    let clock = Arc::new(AtomicI64::new(START));
    let settings = Settings {
        seeded: false,
        hubspot_window_limit: u32::MAX,
        hubspot_search_per_second: u32::MAX,
        clock: Some(clock.clone()),
        ..fixed()
    };
    let (sandbox, client) = (Sandbox::start(settings).await.unwrap(), client());
    let contacts = "/crm/v3/objects/contacts";
    let before = Instant::now();
    let mut ids = Vec::new();
    for batch in 0..PEOPLE / 100 {
        clock.fetch_add(10, Ordering::SeqCst);
        let inputs: Vec<Value> = (0..100)
            .map(|n| {
                let n = batch * 100 + n;
                json!({"objectWriteTraceId": n.to_string(), "properties": {
                    "email": format!("person{n}@example{}.com", n % 977), "firstname": format!("First{}", n % 811),
                    "lastname": format!("Last{n}"), "city": format!("City{}", n % 53), "phone": format!("+4930{n:06}"),
                    "intercom_contact_id": format!("{n:024x}"), "jobtitle": "Founder", "lifecyclestage": "lead"}})
            })
            .collect();
        let made = call(
            &client,
            &sandbox,
            "POST",
            &format!("{contacts}/batch/create"),
            Some(&json!({"inputs": inputs})),
        )
        .await;
        ids.push(made["results"][0]["id"].as_str().unwrap().to_owned());
    }
    println!("{PEOPLE} contacts made in {:.1} s", before.elapsed().as_secs_f64());

    let filter = |property: &str, operator: &str, value: &str| json!({"propertyName": property, "operator": operator, "value": value});
    let search = |filter: Value, sort: &str| json!({"filterGroups": [{"filters": [filter]}], "sorts": [{"propertyName": sort}], "limit": 200});
    let find = format!("{contacts}/search");
    let half = (START + 10_000).to_string();
    let many: Vec<Value> = ids.iter().take(100).map(|id| json!({"id": id})).collect();
    let upserts: Vec<Value> = (0..100)
        .map(|n| json!({"idProperty": "intercom_contact_id", "id": format!("{n:024x}"), "objectWriteTraceId": n.to_string(), "properties": {"jobtitle": "CEO"}}))
        .collect();
    let one = format!("{contacts}/{}", ids[ids.len() / 2]);
    let quick = Duration::from_millis(10);
    let slow = Duration::from_millis(200);
    for (name, method, path, body, limit) in [
        ("get by id", "GET", one.clone(), None, quick),
        (
            "get by e-mail",
            "GET",
            format!("{contacts}/person777@example777.com?idProperty=email"),
            None,
            quick,
        ),
        ("create", "POST", contacts.to_owned(), Some(json!({"properties": {"city": "Lyon"}})), quick),
        ("update", "PATCH", one, Some(json!({"properties": {"phone": "+1"}})), quick),
        ("batch read of 100", "POST", format!("{contacts}/batch/read"), Some(json!({"inputs": many})), quick),
        (
            "batch upsert of 100",
            "POST",
            format!("{contacts}/batch/upsert"),
            Some(json!({"inputs": upserts})),
            quick,
        ),
        ("list of 100", "GET", format!("{contacts}?limit=100"), None, quick),
        (
            "search by e-mail",
            "POST",
            find.clone(),
            Some(search(filter("email", "EQ", "person9@example9.com"), "email")),
            quick,
        ),
        (
            "search by unique property",
            "POST",
            find.clone(),
            Some(search(filter("intercom_contact_id", "EQ", &format!("{:024x}", 9)), "email")),
            quick,
        ),
        (
            "search of the newest half by time",
            "POST",
            find.clone(),
            Some(search(filter("lastmodifieddate", "GTE", &half), "lastmodifieddate")),
            quick,
        ),
        (
            "search of everything by time",
            "POST",
            find.clone(),
            Some(search(filter("lastmodifieddate", "GTE", "0"), "lastmodifieddate")),
            quick,
        ),
        (
            "search by city, unindexed",
            "POST",
            find.clone(),
            Some(search(filter("city", "EQ", "City7"), "email")),
            slow,
        ),
        (
            "search by part of a name, unindexed",
            "POST",
            find,
            Some(search(filter("lastname", "CONTAINS_TOKEN", "*99*"), "lastname")),
            slow,
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..40 {
            clock.fetch_add(1, Ordering::SeqCst);
            let before = Instant::now();
            call(&client, &sandbox, method, &path, body.as_ref()).await;
            times.push(before.elapsed());
        }
        times.sort_unstable();
        let (median, worst) = (times[20], times[39]);
        println!(
            "{name}: median {:.2} ms, worst {:.2} ms",
            median.as_secs_f64() * 1e3,
            worst.as_secs_f64() * 1e3
        );
        assert!(median < limit, "{name}");
    }
}
