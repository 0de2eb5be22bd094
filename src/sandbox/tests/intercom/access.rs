//! Tokens, versions, media types, plans.

use serde_json::{Value, json};

use super::{client, empty, intercom, read, refused, says, told, versioned};

async fn with_token(sandbox: &crate::sandbox::Sandbox, token: &str) -> super::Reply {
    let url = format!("{}/me", sandbox.intercom_base_url());
    read(client().get(url).bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn a_revoked_token_is_told_from_a_wrong_one() {
    let sandbox = empty().await;
    assert_eq!(intercom(&sandbox, "GET", "/me", None).await.status, 200);
    assert_eq!(
        told(&with_token(&sandbox, "nonsense").await),
        says(401, "unauthorized", "Access Token Invalid")
    );
    sandbox.revoke_intercom_token();
    let gone = with_token(&sandbox, sandbox.intercom_token()).await;
    assert_eq!((gone.status, &gone.body["errors"][0]["code"]), (401, &json!("token_not_found")));
    assert_eq!(gone.header("x-ratelimit-limit"), None);
    sandbox.issue_intercom_token("a-new-one");
    assert_eq!(with_token(&sandbox, "a-new-one").await.status, 200);
    assert_eq!(with_token(&sandbox, sandbox.intercom_token()).await.status, 401);
    sandbox.issue_intercom_token(sandbox.intercom_token());
    assert_eq!(with_token(&sandbox, sandbox.intercom_token()).await.status, 200);
    assert_eq!(with_token(&sandbox, "a-new-one").await.body["errors"][0]["code"], "token_not_found");
}

#[tokio::test]
async fn a_call_without_a_version_gets_the_workspaces_own() {
    let sandbox = empty().await;
    assert_eq!(intercom(&sandbox, "GET", "/me", None).await.header("intercom-version"), Some("2.16"));
    assert!(sandbox.set_intercom_default_version("2.13") && !sandbox.set_intercom_default_version("2.17"));
    assert_eq!(intercom(&sandbox, "GET", "/me", None).await.header("intercom-version"), Some("2.13"));
    let path = "/conversations/attributes";
    let lacks = "Requested resource is not available in current API version.";
    assert_eq!(
        refused(&sandbox, "GET", path, Value::Null).await,
        says(400, "intercom_version_invalid", lacks)
    );
    assert_eq!(versioned(&sandbox, "2.16", "GET", path, None).await.status, 200);
}

#[tokio::test]
async fn each_version_has_the_calls_it_had() {
    let sandbox = empty().await;
    let company = super::good(&sandbox, "POST", "/companies", json!({"company_id": "c1"})).await;
    let notes = format!("/companies/{}/notes", company["id"].as_str().unwrap());
    for (path, since) in [
        (notes.as_str(), 15),
        ("/conversations/attributes", 16),
        ("/conversations/deleted", 16),
        ("/data_attributes", 11),
        ("/segments", 11),
    ] {
        for version in 11..=16 {
            let reply = versioned(&sandbox, &format!("2.{version}"), "GET", path, None).await;
            let expected = if version >= since { 200 } else { 400 };
            assert_eq!(reply.status, expected, "{path} in 2.{version}: {}", reply.body);
        }
    }
    let list = "/data_attributes?model=conversation";
    assert_eq!(versioned(&sandbox, "2.15", "GET", list, None).await.status, 200);
    let gone = told(&versioned(&sandbox, "2.16", "GET", list, None).await);
    assert_eq!((gone.0, gone.1.as_str()), (422, "parameter_invalid"));
}

#[tokio::test]
async fn what_the_plan_or_the_token_lacks_is_told_apart() {
    let sandbox = empty().await;
    sandbox.set_intercom_subscribed(false);
    assert_eq!(
        refused(&sandbox, "GET", "/conversations", Value::Null).await,
        says(403, "api_plan_restricted", "Active subscription needed.")
    );
    sandbox.set_intercom_subscribed(true);
    sandbox.withhold_from_intercom_token("companies", true);
    assert_eq!(
        refused(&sandbox, "POST", "/companies", json!({"company_id": "c"})).await,
        says(401, "token_unauthorized", "Not authorized to access resource")
    );
    sandbox.withhold_from_intercom_token("companies", false);
    assert_eq!(intercom(&sandbox, "GET", "/companies", None).await.status, 200);
    let url = format!("{}/me", sandbox.intercom_base_url());
    for (accept, status) in
        [("application/json", 200), ("*/*", 200), ("text/html, application/*;q=0.5", 200), ("text/html", 406)]
    {
        let request = client().get(&url).bearer_auth(sandbox.intercom_token()).header("Accept", accept);
        assert_eq!(read(request.send().await.unwrap()).await.status, status, "{accept}");
    }
}
