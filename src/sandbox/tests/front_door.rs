//! Tokens, versions, limits and faults.

use serde_json::json;

use super::{client, empty, fixed, hubspot, intercom, read};
use crate::sandbox::{Fault, FaultKind, Sandbox, Settings, Vendor};

#[tokio::test]
async fn a_wrong_token_is_refused_in_each_vendors_words_and_without_limit_headers() {
    let sandbox = empty().await;
    let url = format!("{}/contacts", sandbox.intercom_base_url());
    let reply = read(client().get(url).bearer_auth("wrong").send().await.unwrap()).await;
    assert_eq!((reply.status, &reply.body["errors"][0]["code"]), (401, &json!("unauthorized")));
    assert_eq!(reply.header("x-ratelimit-limit"), None);
    let url = format!("{}/crm/v3/objects/contacts", sandbox.hubspot_base_url());
    let reply = read(client().get(url).send().await.unwrap()).await;
    assert_eq!((reply.status, &reply.body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
}

#[tokio::test]
async fn only_known_versions_of_intercom_are_answered() {
    let sandbox = empty().await;
    for (version, status) in [("2.16", 200), ("2.11", 200), ("2.10", 400), ("newest", 400)] {
        let url = format!("{}/me", sandbox.intercom_base_url());
        let request =
            client().get(url).bearer_auth(sandbox.intercom_token()).header("Intercom-Version", version);
        let reply = read(request.send().await.unwrap()).await;
        assert_eq!(reply.status, status, "{version}: {}", reply.body);
    }
}

#[tokio::test]
async fn the_fourth_call_of_a_window_of_three_meets_a_429_with_the_vendors_headers() {
    let settings = Settings {
        seeded: false,
        intercom_window_limit: 3,
        hubspot_window_limit: 3,
        hubspot_search_per_second: 1,
        // The middle of a window: the calls cannot straddle two.
        now: Some("2026-03-02T08:30:02.100Z".parse().unwrap()),
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    for remaining in ["2", "1", "0"] {
        let reply = intercom(&sandbox, "GET", "/me", None).await;
        assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (200, Some(remaining)));
        let reply = hubspot(&sandbox, "GET", "/crm/v3/owners/", None).await;
        assert_eq!((reply.status, reply.header("x-hubspot-ratelimit-remaining")), (200, Some(remaining)));
    }
    let reply = intercom(&sandbox, "GET", "/me", None).await;
    assert_eq!(
        (reply.status, &reply.body["errors"][0]["message"]),
        (429, &json!("Exceeded rate limit of 3 in 10_seconds"))
    );
    assert_eq!(reply.header("x-ratelimit-reset"), Some("1772440210"));
    let reply = hubspot(&sandbox, "GET", "/crm/v3/owners", None).await;
    assert_eq!((reply.status, &reply.body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    // Search is counted apart and shows no headers.
    let search = "/crm/v3/objects/contacts/search";
    let first = hubspot(&sandbox, "POST", search, Some(json!({}))).await;
    let second = hubspot(&sandbox, "POST", search, Some(json!({}))).await;
    assert_eq!((first.status, first.header("x-hubspot-ratelimit-max")), (200, None));
    assert_eq!((second.status, &second.body["policyName"]), (429, &json!("SECONDLY")));
}

#[tokio::test]
async fn faults_strike_as_often_as_told_and_only_where_told() {
    let sandbox = empty().await;
    let fault = json!({"vendor": "hubspot", "method": "POST", "path_contains": "/contacts", "body_contains": "kim@", "writes_only": true, "times": 1, "kind": "unavailable", "retry_after": 3});
    let added =
        client().post(format!("{}/_sandbox/faults", sandbox.hubspot_base_url())).body(fault.to_string());
    assert_eq!(read(added.send().await.unwrap()).await.status, 201);
    let contact = json!({"properties": {"email": "kim@northlight.com"}});
    let other = json!({"properties": {"email": "lee@northlight.com"}});
    assert_eq!(hubspot(&sandbox, "POST", "/crm/v3/objects/contacts", Some(other)).await.status, 201);
    let struck = hubspot(&sandbox, "POST", "/crm/v3/objects/contacts", Some(contact.clone())).await;
    assert_eq!((struck.status, struck.header("retry-after")), (503, Some("3")));
    assert_eq!(hubspot(&sandbox, "POST", "/crm/v3/objects/contacts", Some(contact)).await.status, 201);
    let unknown = client()
        .post(format!("{}/_sandbox/faults", sandbox.hubspot_base_url()))
        .body(json!({"vendor": "hubspot", "kind": "slow", "mehtod": "GET"}).to_string());
    assert_eq!(read(unknown.send().await.unwrap()).await.status, 400);
}

#[tokio::test]
async fn a_lost_acknowledgement_has_had_its_effect_and_a_lost_request_has_not() {
    let sandbox = empty().await;
    for (kind, email, there) in [
        (FaultKind::TimeoutAfterEffect, "after@northlight.com", true),
        (FaultKind::TimeoutBeforeEffect, "before@northlight.com", false),
    ] {
        sandbox.add_fault(Fault::new(Vendor::HubSpot, kind).writes_about(&[email]).times(1));
        let request = client()
            .post(format!("{}/crm/v3/objects/contacts", sandbox.hubspot_base_url()))
            .bearer_auth(sandbox.hubspot_token())
            .timeout(std::time::Duration::from_millis(200))
            .body(json!({"properties": {"email": email}}).to_string());
        assert!(request.send().await.unwrap_err().is_timeout());
        assert_eq!(sandbox.hubspot_find_by_email(email).is_some(), there, "{email}");
    }
}

#[tokio::test]
async fn a_gateway_page_is_html_and_a_malformed_answer_is_half_an_answer() {
    let sandbox = Sandbox::start(fixed()).await.unwrap();
    sandbox.add_fault(Fault::new(Vendor::Intercom, FaultKind::ServerErrorHtml).times(1));
    let reply = intercom(&sandbox, "GET", "/me", None).await;
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    sandbox.add_fault(Fault::new(Vendor::Intercom, FaultKind::MalformedJson).times(1));
    let reply = intercom(&sandbox, "GET", "/contacts", None).await;
    assert!(reply.status == 200 && reply.body.is_string(), "{}", reply.body);
}
