//! HubSpot's door: tokens that expire, are renewed, rotate and are revoked, scopes by route, timeline events.

use serde_json::{Value, json};

use super::{Reply, client, fixed, hubspot, read};
use crate::sandbox::{Fault, FaultKind, HubspotRules, Sandbox, Settings, Vendor};

async fn with(rules: HubspotRules) -> Sandbox {
    Sandbox::start(Settings { seeded: false, hubspot: rules, ..fixed() }).await.unwrap()
}

async fn form(sandbox: &Sandbox, path: &str, fields: &[(&str, &str)]) -> Reply {
    let text: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = client()
        .post(format!("{}{path}", sandbox.hubspot_base_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(text.join("&"));
    read(request.send().await.unwrap()).await
}

async fn renewed(sandbox: &Sandbox, path: &str, refresh_token: &str) -> Reply {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", sandbox.hubspot_client_id()),
        ("client_secret", sandbox.hubspot_client_secret()),
        ("refresh_token", refresh_token),
    ];
    form(sandbox, path, &fields).await
}

async fn called(sandbox: &Sandbox, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
    let url = format!("{}{path}", sandbox.hubspot_base_url());
    let mut request = client().request(method.parse().unwrap(), url).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    read(request.send().await.unwrap()).await
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap()
}

#[tokio::test]
async fn an_access_token_is_given_expires_and_is_renewed() {
    let sandbox = with(HubspotRules::default()).await;
    let details = "/account-info/v3/details";
    for path in ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"] {
        let given = renewed(&sandbox, path, sandbox.hubspot_refresh_token()).await;
        assert_eq!((given.status, &given.body["expires_in"]), (200, &json!(1_800)), "{}", given.body);
        assert_eq!(text(&given.body, "refresh_token"), sandbox.hubspot_refresh_token());
        let token = text(&given.body, "access_token");
        let reply = called(&sandbox, token, "GET", details, None).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-hubspot-ratelimit-max"), Some("110"));
        assert_eq!(reply.header("x-hubspot-ratelimit-daily"), None, "no daily allowance for OAuth apps");
        sandbox.expire_hubspot_tokens();
        let late = called(&sandbox, token, "GET", details, None).await;
        assert_eq!((late.status, text(&late.body, "category")), (401, "EXPIRED_AUTHENTICATION"));
    }
    assert_eq!(hubspot(&sandbox, "GET", details, None).await.status, 200, "the private app's never expires");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_good_once_and_a_revoked_one_never() {
    let sandbox = with(HubspotRules { rotates_refresh_tokens: true, ..HubspotRules::default() }).await;
    let path = "/oauth/v1/token";
    let first = renewed(&sandbox, path, sandbox.hubspot_refresh_token()).await;
    let next = text(&first.body, "refresh_token").to_owned();
    assert_ne!(next, sandbox.hubspot_refresh_token());
    let again = renewed(&sandbox, path, sandbox.hubspot_refresh_token()).await;
    assert_eq!((again.status, text(&again.body, "status")), (400, "BAD_REFRESH_TOKEN"));
    let second = renewed(&sandbox, path, &next).await;
    assert_eq!(second.status, 200);
    let token = text(&second.body, "access_token").to_owned();
    let told = called(&sandbox, "none", "GET", &format!("/oauth/v1/access-tokens/{token}"), None).await;
    assert_eq!((told.status, &told.body["token_type"]), (200, &json!("access")));
    assert!(told.body["scopes"].as_array().unwrap().contains(&json!("timeline")));
    sandbox.revoke_hubspot_tokens();
    let gone = called(&sandbox, &token, "GET", "/crm/v3/owners", None).await;
    assert_eq!((gone.status, text(&gone.body, "category")), (401, "INVALID_AUTHENTICATION"));
    assert_eq!(renewed(&sandbox, path, text(&second.body, "refresh_token")).await.status, 400);
    let wrong = [("grant_type", "refresh_token"), ("client_id", "somebody")];
    assert_eq!(text(&form(&sandbox, path, &wrong).await.body, "status"), "BAD_CLIENT_ID");
}

fn scopes(reply: &Reply) -> Value {
    assert_eq!((reply.status, &reply.body["category"]), (403, &json!("MISSING_SCOPES")), "{}", reply.body);
    reply.body["errors"][0]["context"]["requiredGranularScopes"].clone()
}

#[tokio::test]
async fn a_missing_scope_is_named_for_the_route_that_was_called() {
    let lacks = ["crm.objects.companies.write", "crm.schemas.contacts.write"].map(str::to_owned).to_vec();
    let sandbox = with(HubspotRules { without_scopes: lacks, ..HubspotRules::default() }).await;
    let body = Some(json!({"properties": {"name": "Northlight"}}));
    for path in ["/crm/v3/objects/companies", "/crm/objects/2026-09/0-2"] {
        let reply = hubspot(&sandbox, "POST", path, body.clone()).await;
        assert_eq!(scopes(&reply), json!(["crm.objects.companies.write"]));
    }
    let link = "/crm/v4/objects/contacts/1/associations/default/companies/2";
    assert_eq!(scopes(&hubspot(&sandbox, "PUT", link, None).await), json!(["crm.objects.companies.write"]));
    let property = hubspot(&sandbox, "POST", "/crm/v3/properties/contacts", Some(json!({}))).await;
    assert_eq!(scopes(&property), json!(["crm.schemas.contacts.write"]));
    let search = hubspot(&sandbox, "POST", "/crm/v3/objects/companies/search", Some(json!({}))).await;
    assert_eq!(search.status, 200, "searching only reads");

    sandbox.add_fault(Fault::new(Vendor::HubSpot, FaultKind::MissingScopes));
    for (method, path, scope) in [
        ("GET", "/crm/v3/objects/deals/1", "crm.objects.deals.read"),
        ("POST", "/crm/v3/objects/contacts/batch/update", "crm.objects.contacts.write"),
        ("POST", "/crm/v3/objects/tickets/batch/read", "tickets"),
        ("GET", "/crm/v3/owners/", "crm.objects.owners.read"),
        ("POST", "/integrators/timeline/v3/events", "timeline"),
        ("PATCH", "/crm/properties/2026-09/companies/plan", "crm.schemas.companies.write"),
    ] {
        let reply = hubspot(&sandbox, method, path, (method != "GET").then(|| json!({}))).await;
        assert_eq!(scopes(&reply), json!([scope]), "{path}");
    }
}

#[tokio::test]
async fn only_an_oauth_app_posts_timeline_events_and_a_repeated_one_stays_one() {
    let sandbox = with(HubspotRules::default()).await;
    let path = "/integrators/timeline/v3/events";
    let event = json!({"eventTemplateId": "1001", "id": "c-1", "email": "ana@northlight.com", "tokens": {"subject": "Hi"}});
    let private = hubspot(&sandbox, "POST", path, Some(event.clone())).await;
    assert_eq!(scopes(&private), json!(["timeline"]));
    let given = renewed(&sandbox, "/oauth/v1/token", sandbox.hubspot_refresh_token()).await;
    let token = text(&given.body, "access_token");
    for _ in 0..2 {
        let reply = called(&sandbox, token, "POST", path, Some(event.clone())).await;
        assert_eq!((reply.status, text(&reply.body, "objectType")), (201, "CONTACT"), "{}", reply.body);
    }
    assert_eq!(sandbox.books()["counts"]["hubspot.contact.timeline_event.api"], 1);
    let shown = called(&sandbox, token, "GET", &format!("{path}/1001/c-1"), None).await;
    assert_eq!(shown.body["tokens"]["subject"], "Hi");
    let batch = json!({"inputs": [{"eventTemplateId": "1001", "id": "c-2", "tokens": {}}]});
    let reply = called(&sandbox, token, "POST", &format!("{path}/batch/create"), Some(batch)).await;
    assert_eq!((reply.status, &reply.body["numErrors"]), (207, &json!(1)), "it names nobody");
}
