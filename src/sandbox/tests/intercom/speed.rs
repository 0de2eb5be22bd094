//! How long calls take in a workspace of 200,000 people. Prints; run it by hand:
//! `cargo test --release --lib sandbox::tests::intercom::speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{empty, versioned};
use crate::sandbox::desk::lock;
use crate::sandbox::intercom::Contact;

/// A call made from its number: method, path, body.
type Made<'a> = &'a dyn Fn(usize) -> (&'static str, String, Option<Value>);

const PEOPLE: usize = 200_000;
const CALLS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes seconds and prints figures"]
async fn two_hundred_thousand_contacts_stay_fast() {
    let sandbox = empty().await;
    let mut ids = Vec::with_capacity(PEOPLE);
    {
        let mut intercom = lock(&sandbox.world.intercom);
        for number in 0..PEOPLE {
            let created = 1_740_000_000_000 + number as i64 * 150_000;
            let id = intercom.next_hex_id(created);
            let mut custom = serde_json::Map::new();
            custom.insert("plan".to_owned(), json!("pro"));
            intercom.put_contact(Contact {
                id: id.clone(),
                user: true,
                external_id: Some(format!("user_{number:06}")),
                email: Some(format!("person.{number}@company{}.com", number % 997)),
                name: Some(format!("Person Number {number}")),
                created,
                updated: created,
                custom,
                ..Contact::default()
            });
            ids.push(id);
        }
    }
    let search = |query: Value| json!({"query": query, "sort": {"field": "updated_at", "order": "ascending"}, "pagination": {"per_page": 150}});
    let calls: [(&str, Made<'_>); 7] = [
        ("get", &|n| ("GET", format!("/contacts/{}", ids[n * 991]), None)),
        ("create", &|n| {
            (
                "POST",
                "/contacts".to_owned(),
                Some(json!({"role": "user", "email": format!("new.{n}@example.com")})),
            )
        }),
        ("update", &|n| {
            ("PUT", format!("/contacts/{}", ids[n * 977]), Some(json!({"name": format!("Renamed {n}")})))
        }),
        ("search by email", &|n| {
            let email = format!("person.{}@company{}.com", n * 983, n * 983 % 997);
            (
                "POST",
                "/contacts/search".to_owned(),
                Some(search(json!({"field": "email", "operator": "=", "value": email}))),
            )
        }),
        ("search by external_id", &|n| {
            let external = format!("user_{:06}", n * 983);
            (
                "POST",
                "/contacts/search".to_owned(),
                Some(search(json!({"field": "external_id", "operator": "=", "value": external}))),
            )
        }),
        ("changed since, 150 of 200,000", &|_| {
            (
                "POST",
                "/contacts/search".to_owned(),
                Some(search(json!({"field": "updated_at", "operator": ">", "value": 1_740_000_000}))),
            )
        }),
        ("list, 150 a page", &|_| ("GET", "/contacts?per_page=150".to_owned(), None)),
    ];
    for (name, call) in calls {
        let mut times = Vec::with_capacity(CALLS);
        for number in 0..CALLS {
            let (method, path, body) = call(number);
            let started = Instant::now();
            let reply = versioned(&sandbox, "2.16", method, &path, body).await;
            times.push(started.elapsed());
            assert_eq!(reply.status, 200, "{name}: {}", reply.body);
        }
        times.sort();
        let (median, slowest) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        eprintln_figure(name, median, slowest);
    }
}

#[expect(clippy::print_stderr, reason = "this test is there to print")]
fn eprintln_figure(name: &str, median: Duration, slowest: Duration) {
    eprintln!("{name:32} median {median:>10.3?}   99 % {slowest:>10.3?}");
}
