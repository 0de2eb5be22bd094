//! Tokens, versions, the daily allowance, descriptions.

use serde_json::{Value, json};

use super::{DATA, Reply, call, client, created, empty, fixed, read, refusal};
use crate::sandbox::{Sandbox, Settings};

async fn token(sandbox: &Sandbox, form: &[(&str, &str)]) -> Reply {
    let url = format!("{}/services/oauth2/token", sandbox.salesforce_instance_url());
    let body: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", value.replace('+', "%2B").replace(':', "%3A").replace(' ', "+"))
        })
        .collect();
    let request = client().post(url).header("content-type", "application/x-www-form-urlencoded");
    read(request.body(body.join("&")).send().await.unwrap()).await
}

async fn refreshed(sandbox: &Sandbox, refresh_token: &str) -> Reply {
    let credentials = (sandbox.salesforce_client_id(), sandbox.salesforce_client_secret());
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", credentials.0),
        ("client_secret", credentials.1),
        ("refresh_token", refresh_token),
    ];
    token(sandbox, &form).await
}

async fn limits_with(sandbox: &Sandbox, token: &str) -> u16 {
    let url = format!("{}{DATA}/limits", sandbox.salesforce_instance_url());
    client().get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_expired_session_is_told_in_an_array_and_a_refresh_gives_another() {
    let sandbox = empty().await;
    assert_eq!(limits_with(&sandbox, sandbox.salesforce_token()).await, 200);
    let url = format!("{}/_sandbox/tokens", sandbox.salesforce_instance_url());
    let told = read(client().post(url).body(json!({"expire": true}).to_string()).send().await.unwrap()).await;
    assert_eq!(told.body, json!({"expired": 1, "revoked": 0}));
    let reply = call(&sandbox, "GET", "/limits", None).await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.body,
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    );
    let first = refreshed(&sandbox, sandbox.salesforce_refresh_token()).await;
    let second = refreshed(&sandbox, sandbox.salesforce_refresh_token()).await;
    assert_eq!((first.status, &first.body["token_type"]), (200, &json!("Bearer")));
    assert_eq!(first.body["instance_url"], sandbox.salesforce_instance_url());
    assert!(first.body["refresh_token"].is_null(), "no rotation unless asked for");
    let access = |reply: &Reply| reply.body["access_token"].as_str().unwrap().to_owned();
    // Several sessions live side by side.
    assert_ne!(access(&first), access(&second));
    for good in [access(&first), access(&second)] {
        assert_eq!(limits_with(&sandbox, &good).await, 200);
    }
    assert_eq!(sandbox.books()["counts"]["salesforce.oauth.refresh.api"], 2);
    sandbox.revoke_salesforce_refresh_tokens();
    let dead = refreshed(&sandbox, sandbox.salesforce_refresh_token()).await;
    assert_eq!(dead.status, 400);
    assert_eq!(
        dead.body,
        json!({"error": "invalid_grant", "error_description": "expired access/refresh token"})
    );
    let books = sandbox.books().to_string();
    assert!(!books.contains(&access(&first)) && !books.contains(sandbox.salesforce_client_secret()));
}

#[tokio::test]
async fn a_rotating_refresh_token_is_good_once() {
    let settings = Settings { seeded: false, salesforce_rotates_refresh_tokens: true, ..fixed() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let first = refreshed(&sandbox, sandbox.salesforce_refresh_token()).await;
    let next = first.body["refresh_token"].as_str().unwrap();
    assert_eq!(refreshed(&sandbox, sandbox.salesforce_refresh_token()).await.status, 400);
    assert_eq!(refreshed(&sandbox, next).await.status, 200);
}

#[tokio::test]
async fn other_grants_and_wrong_clients() {
    let sandbox = empty().await;
    let (id, secret) = (sandbox.salesforce_client_id(), sandbox.salesforce_client_secret());
    let grant = ("grant_type", "client_credentials");
    let good = token(&sandbox, &[grant, ("client_id", id), ("client_secret", secret)]).await;
    assert_eq!(good.status, 200);
    let access = good.body["access_token"].as_str().unwrap();
    let bad = token(&sandbox, &[grant, ("client_id", id), ("client_secret", "guess")]).await;
    assert_eq!((bad.status, &bad.body["error"]), (400, &json!("invalid_client")));
    let password = token(&sandbox, &[("grant_type", "password"), ("client_id", id)]).await;
    assert_eq!((password.status, &password.body["error"]), (400, &json!("unsupported_grant_type")));

    let base = sandbox.salesforce_instance_url();
    let info = client().get(format!("{base}/services/oauth2/userinfo")).bearer_auth(access);
    let info = read(info.send().await.unwrap()).await;
    assert_eq!((info.status, &info.body["organization_id"]), (200, &json!("00Dxx0000000001EAA")));
    let revoke = client().post(format!("{base}/services/oauth2/revoke")).body(format!("token={access}"));
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    assert_eq!(limits_with(&sandbox, access).await, 401);
    // Revoking the refresh token ends the sessions that came from it.
    let revoke = client()
        .post(format!("{base}/services/oauth2/revoke"))
        .body(format!("token={}", sandbox.salesforce_refresh_token()));
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    assert_eq!(limits_with(&sandbox, sandbox.salesforce_token()).await, 401);
}

#[tokio::test]
async fn an_assertion_counts_only_with_a_signature_that_the_registered_key_confirms() {
    let good = include_str!("../jwt/good.jwt");
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, foreign) = include_str!("../jwt/aud.jwt").rsplit_once('.').unwrap();
    let forged = format!("{signed}.{foreign}");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    let keys = [include_str!("../jwt/public.pem"), include_str!("../jwt/certificate.pem")];
    for key in keys {
        let settings = Settings { seeded: false, salesforce_jwt_public_key: Some(key.to_owned()), ..fixed() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let cases = [
            (good, 200, ""),
            (include_str!("../jwt/aud.jwt"), 400, "audience is invalid"),
            (include_str!("../jwt/late.jwt"), 400, "assertion has expired"),
            (include_str!("../jwt/other.jwt"), 400, "user hasn't approved this consumer"),
            (&forged, 400, "invalid assertion"),
            (&unsigned, 400, "invalid assertion"),
        ];
        for (assertion, status, words) in cases {
            let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            let reply = token(&sandbox, &[grant, ("assertion", assertion)]).await;
            assert_eq!(reply.status, status, "{}", reply.body);
            assert_eq!(reply.body["error_description"].as_str().unwrap_or_default(), words);
        }
    }
    let without_key = empty().await;
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let reply = token(&without_key, &[grant, ("assertion", good)]).await;
    assert_eq!((reply.status, &reply.body["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn every_answer_tells_the_days_use_and_beyond_it_everything_is_refused() {
    let settings = Settings { seeded: false, salesforce_daily_limit: 2, ..fixed() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let url = format!("{}/services/data", sandbox.salesforce_instance_url());
    let versions = read(client().get(url).send().await.unwrap()).await;
    assert_eq!((versions.status, versions.header("sforce-limit-info")), (200, None));
    let newest = versions.body.as_array().unwrap().last().unwrap();
    assert_eq!((&newest["version"], &newest["label"]), (&json!("68.0"), &json!("Winter '27")));
    let first = call(&sandbox, "GET", "/limits", None).await;
    assert_eq!(first.header("sforce-limit-info"), Some("api-usage=1/2"));
    assert_eq!(first.body["DailyApiRequests"], json!({"Max": 2, "Remaining": 1}));
    assert_eq!(call(&sandbox, "GET", "", None).await.body["sobjects"], format!("{DATA}/sobjects"));
    let beyond = call(&sandbox, "GET", "/limits", None).await;
    assert_eq!(refusal(&beyond), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(beyond.body[0]["message"], "TotalRequests Limit exceeded.");
    assert_eq!(beyond.header("retry-after"), None);
    assert_eq!(beyond.header("sforce-limit-info"), Some("api-usage=2/2"));
}

#[tokio::test]
async fn the_version_is_the_callers_choice_within_what_is_served() {
    let sandbox = empty().await;
    let id = created(&sandbox, "Account", json!({"Name": "Northlight"})).await;
    for (version, status) in [("v50.0", 200), ("v68.0", 200), ("v49.0", 404), ("v66", 404)] {
        let url =
            format!("{}/services/data/{version}/sobjects/Account/{id}", sandbox.salesforce_instance_url());
        let reply =
            read(client().get(url).bearer_auth(sandbox.salesforce_token()).send().await.unwrap()).await;
        assert_eq!(reply.status, status, "{version}");
        if status == 200 {
            let path = format!("/services/data/{version}/sobjects/Account/{id}");
            assert_eq!(reply.body["attributes"]["url"], path);
        }
    }
}

#[tokio::test]
async fn a_description_names_the_fields_and_is_not_sent_twice() {
    let sandbox = empty().await;
    let global = call(&sandbox, "GET", "/sobjects", None).await;
    let names: Vec<&Value> =
        global.body["sobjects"].as_array().unwrap().iter().map(|object| &object["name"]).collect();
    assert!(names.contains(&&json!("Lead")) && names.contains(&&json!("AccountContactRelation")));
    let reply = call(&sandbox, "GET", "/sobjects/Lead/describe", None).await;
    let fields = reply.body["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    let key = field("Intercom_Contact_ID__c");
    assert_eq!(
        (&key["externalId"], &key["unique"], &key["custom"]),
        (&json!(true), &json!(true), &json!(true))
    );
    let status = field("Status");
    assert_eq!((&status["restrictedPicklist"], &status["defaultedOnCreate"]), (&json!(true), &json!(true)));
    assert_eq!(status["picklistValues"][0]["value"], "Open - Not Contacted");
    assert_eq!((&field("Company")["nillable"], &field("Id")["createable"]), (&json!(false), &json!(false)));
    assert_eq!((&field("FirstName")["length"], &field("FirstName")["type"]), (&json!(40), &json!("string")));
    let last = reply.header("last-modified").unwrap().to_owned();
    let again = |since: String| {
        let url = format!("{}{DATA}/sobjects/Lead/describe", sandbox.salesforce_instance_url());
        client().get(url).bearer_auth(sandbox.salesforce_token()).header("if-modified-since", since).send()
    };
    let unchanged = again(last).await.unwrap();
    assert_eq!(unchanged.status(), 304);
    assert!(unchanged.text().await.unwrap().is_empty());
    assert_eq!(again("Mon, 01 Jan 2024 00:00:00 GMT".to_owned()).await.unwrap().status(), 200);

    let types = reply.body["recordTypeInfos"].as_array().unwrap();
    let narrow = types.iter().find(|info| info["developerName"] == "Self_Service").unwrap();
    let path =
        format!("/ui-api/object-info/Lead/picklist-values/{}", narrow["recordTypeId"].as_str().unwrap());
    let options = call(&sandbox, "GET", &path, None).await;
    let offered = &options.body["picklistFieldValues"]["LeadSource"]["values"];
    let offered: Vec<&Value> = offered.as_array().unwrap().iter().map(|option| &option["value"]).collect();
    assert_eq!(offered, ["Web", "Chat"]);
    assert_eq!(call(&sandbox, "GET", "/sobjects/Nope__c/describe", None).await.status, 404);
}
