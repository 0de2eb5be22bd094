//! Faults below the vendors' own words, for all three; and those only Salesforce has.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{client, empty, hubspot, send};
use crate::sandbox::{Fault, FaultKind, Sandbox, Vendor};

/// A harmless read of each vendor.
fn read_of(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Intercom => "/me",
        Vendor::HubSpot => "/crm/v3/owners",
        Vendor::Salesforce => "/services/data/v66.0/limits",
    }
}

fn request(sandbox: &Sandbox, vendor: Vendor) -> reqwest::RequestBuilder {
    let (base, token) = match vendor {
        Vendor::Intercom => (sandbox.intercom_base_url(), sandbox.intercom_token()),
        Vendor::HubSpot => (sandbox.hubspot_base_url(), sandbox.hubspot_token()),
        Vendor::Salesforce => (sandbox.salesforce_instance_url(), sandbox.salesforce_token()),
    };
    client().get(format!("{base}{}", read_of(vendor))).bearer_auth(token)
}

#[tokio::test]
async fn an_answer_drips_and_is_whole_in_the_end() {
    let sandbox = empty().await;
    for vendor in Vendor::ALL {
        let plain = send(&sandbox, vendor, "GET", read_of(vendor), None).await;
        let pieces = plain.body.to_string().len() / 8;
        sandbox.add_fault(Fault::new(vendor, FaultKind::SlowDrip { millis: 2 }).times(1));
        let begun = Instant::now();
        let slow = send(&sandbox, vendor, "GET", read_of(vendor), None).await;
        assert!(slow.body.is_object() && begun.elapsed() >= Duration::from_millis(2 * pieces as u64));
        // A client that gives up has had its headers long before.
        sandbox.add_fault(Fault::new(vendor, FaultKind::SlowDrip { millis: 60_000 }).times(1));
        let response = request(&sandbox, vendor).timeout(Duration::from_millis(200)).send().await.unwrap();
        assert!(response.status() == 200 && response.text().await.unwrap_err().is_timeout());
    }
}

#[tokio::test]
async fn a_huge_answer_has_its_full_length_and_ends() {
    let sandbox = empty().await;
    for vendor in Vendor::ALL {
        let bytes = 9_000_123;
        sandbox.add_fault(Fault::new(vendor, FaultKind::HugeBody { bytes }).times(1));
        let mut response = request(&sandbox, vendor).send().await.unwrap();
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
        let (mut length, mut last) = (0, Vec::new());
        while let Some(piece) = response.chunk().await.unwrap() {
            length += piece.len() as u64;
            last = piece.to_vec();
        }
        assert_eq!(length, bytes);
        assert!(last.ends_with(b"\"}"));
    }
}

#[tokio::test]
async fn another_host_and_another_content_type() {
    let sandbox = empty().await;
    let straight =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    for vendor in Vendor::ALL {
        sandbox.add_fault(Fault::new(vendor, FaultKind::RedirectElsewhere { location: None }).times(1));
        let request = request(&sandbox, vendor).build().unwrap();
        let away = straight.execute(request).await.unwrap();
        let location = format!("https://elsewhere.invalid{}", read_of(vendor));
        assert_eq!(
            (away.status().as_u16(), away.headers()["location"].to_str().unwrap()),
            (307, location.as_str())
        );
        sandbox.add_fault(Fault::new(vendor, FaultKind::WrongContentType).times(1));
        let page = send(&sandbox, vendor, "GET", read_of(vendor), None).await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    }
    assert_eq!(hubspot(&sandbox, "GET", "/crm/v3/owners", None).await.status, 200);
}

#[tokio::test]
async fn salesforce_puts_each_trouble_into_its_own_words() {
    let sandbox = empty().await;
    let limits = read_of(Vendor::Salesforce);
    for (kind, status, code) in [
        (FaultKind::Unauthorized, 401, "INVALID_SESSION_ID"),
        (FaultKind::RateLimited, 403, "REQUEST_LIMIT_EXCEEDED"),
        (FaultKind::RateLimitedDaily, 403, "REQUEST_LIMIT_EXCEEDED"),
        (FaultKind::MissingScopes, 403, "INSUFFICIENT_ACCESS_OR_READONLY"),
        (FaultKind::ServerError, 500, "UNKNOWN_EXCEPTION"),
        (FaultKind::Unavailable { retry_after: None }, 503, "SERVER_UNAVAILABLE"),
    ] {
        sandbox.add_fault(Fault::new(Vendor::Salesforce, kind).times(1));
        let reply = send(&sandbox, Vendor::Salesforce, "GET", limits, None).await;
        assert_eq!((reply.status, &reply.body[0]["errorCode"]), (status, &json!(code)));
        assert_eq!(send(&sandbox, Vendor::Salesforce, "GET", limits, None).await.status, 200);
    }
}

#[tokio::test]
async fn a_locked_row_is_refused_alone_and_only_when_written() {
    let sandbox = empty().await;
    let path = "/services/data/v66.0/composite/sobjects";
    let lead = |last: &str| json!({"attributes": {"type": "Lead"}, "LastName": last, "Company": "Acme"});
    let body = json!({"records": [lead("Free"), lead("Held")]});
    let made = send(&sandbox, Vendor::Salesforce, "POST", path, Some(body)).await.body;
    let id = made[1]["id"].as_str().unwrap();
    sandbox.add_fault(Fault::new(Vendor::Salesforce, FaultKind::Locked).writes_about(&[id]).times(1));
    let single = format!("/services/data/v66.0/sobjects/Lead/{id}");
    assert_eq!(send(&sandbox, Vendor::Salesforce, "GET", &single, None).await.status, 200);
    let change = |row: usize| json!({"attributes": {"type": "Lead"}, "id": made[row]["id"], "Title": "VP"});
    let body = json!({"records": [change(0), change(1)]});
    let reply = send(&sandbox, Vendor::Salesforce, "PATCH", path, Some(body)).await;
    assert_eq!((reply.status, &reply.body[0]["success"]), (200, &json!(true)));
    assert_eq!(reply.body[1]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    sandbox.add_fault(Fault::new(Vendor::Salesforce, FaultKind::Locked).times(1));
    let refused = send(&sandbox, Vendor::Salesforce, "PATCH", &single, Some(json!({"Title": "VP"}))).await;
    let words = format!("unable to obtain exclusive access to this record or 1 records: {id}");
    assert_eq!((refused.status, &refused.body[0]["message"]), (400, &json!(words)));
    assert_eq!(
        send(&sandbox, Vendor::Salesforce, "PATCH", &single, Some(json!({"Title": "VP"}))).await.status,
        204
    );
}
