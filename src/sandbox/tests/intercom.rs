//! Intercom: its contacts, search, merge, companies and conversations; more of each area in the files below.

mod access;
mod companies;
mod contacts;
mod conversations;
mod speed;
mod webhooks;
mod workspace;

use serde_json::{Value, json};

use super::{Reply, client, empty, intercom, read, started};
use crate::sandbox::Sandbox;

/// A client that never needs certificates: loading them takes longer than all of a test's calls.
fn plain() -> reqwest::Client {
    // Somebody may have installed a provider already; either is fine, nothing is encrypted here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// A call in the workspace's own version.
async fn asked(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Reply {
    let url = format!("{}{path}", sandbox.intercom_base_url());
    let mut request = plain().request(method.parse().unwrap(), url).bearer_auth(sandbox.intercom_token());
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    read(request.send().await.unwrap()).await
}

/// A call in a version of the API.
async fn versioned(sandbox: &Sandbox, version: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
    let url = format!("{}{path}", sandbox.intercom_base_url());
    let mut request = plain()
        .request(method.parse().unwrap(), url)
        .bearer_auth(sandbox.intercom_token())
        .header("Intercom-Version", version);
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    read(request.send().await.unwrap()).await
}

/// A call that goes well, and its answer.
async fn good(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    let reply = asked(sandbox, method, path, body).await;
    assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.body);
    reply.body
}

/// A call that is refused: status, code and words.
async fn refused(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> (u16, String, String) {
    told(&asked(sandbox, method, path, body).await)
}

fn told(reply: &Reply) -> (u16, String, String) {
    assert_eq!(reply.body["type"], "error.list", "{} {}", reply.status, reply.body);
    let error = &reply.body["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (reply.status, text("code"), text("message"))
}

fn says(status: u16, code: &str, words: &str) -> (u16, String, String) {
    (status, code.to_owned(), words.to_owned())
}

async fn create(sandbox: &Sandbox, contact: Value) -> String {
    good(sandbox, "POST", "/contacts", contact).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_list_pages_by_cursor_through_every_contact_once() {
    let sandbox = started().await;
    let (mut path, mut ids) = ("/contacts?per_page=100".to_owned(), Vec::new());
    loop {
        let reply = intercom(&sandbox, "GET", &path, None).await;
        ids.extend(reply.body["data"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
        match reply.body["pages"]["next"]["starting_after"].as_str() {
            Some(next) => path = format!("/contacts?per_page=100&starting_after={next}"),
            None => break,
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), &sandbox.books()["records"]["intercom"]["contacts"]), (count, &json!(count)));
}

#[tokio::test]
async fn a_conflict_names_the_contact_in_the_way_archived_or_not() {
    let sandbox = empty().await;
    let id = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com"})).await;
    let again = intercom(&sandbox, "POST", "/contacts", Some(json!({"email": "ANA@northlight.com"}))).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.body["errors"][0]["message"],
        format!("A contact matching those details already exists with id={id}")
    );
    assert_eq!(intercom(&sandbox, "POST", &format!("/contacts/{id}/archive"), None).await.status, 200);
    let again = intercom(&sandbox, "POST", "/contacts", Some(json!({"email": "ana@northlight.com"}))).await;
    let message = format!("An archived contact matching those details already exists with id={id}");
    assert_eq!(again.body["errors"][0]["message"], message);
}

#[tokio::test]
async fn an_unknown_attribute_is_refused_until_it_is_made() {
    let sandbox = empty().await;
    let contact = json!({"email": "ana@northlight.com", "custom_attributes": {"shoe_size": 39}});
    let refused = intercom(&sandbox, "POST", "/contacts", Some(contact.clone())).await;
    assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (400, &json!("parameter_invalid")));
    let attribute = json!({"name": "shoe_size", "model": "contact", "data_type": "integer"});
    assert_eq!(intercom(&sandbox, "POST", "/data_attributes", Some(attribute)).await.status, 200);
    let id = create(&sandbox, contact).await;
    assert_eq!(sandbox.intercom_contact(&id).unwrap()["custom_attributes"]["shoe_size"], 39);
}

#[tokio::test]
async fn search_reads_dates_as_whole_days_and_refuses_what_the_vendor_refuses() {
    let sandbox = empty().await;
    create(
        &sandbox,
        json!({"email": "ana@northlight.com", "name": "Ana", "custom_attributes": {"plan": "pro"}}),
    )
    .await;
    let search = async |query: Value| {
        intercom(&sandbox, "POST", "/contacts/search", Some(json!({"query": query}))).await
    };
    let now = 1_772_440_200;
    for (operator, value, found) in [
        (">", now - 3_600, 0),
        (">", now - 86_400, 1),
        ("<", now + 86_400, 1),
        ("<", now, 0),
        ("=", now - 3_600, 1),
    ] {
        let reply = search(json!({"field": "updated_at", "operator": operator, "value": value})).await;
        assert_eq!(reply.body["total_count"], found, "{operator} {value}");
    }
    assert_eq!(search(json!({"field": "updated_at", "operator": ">=", "value": now})).await.status, 400);
    let both = json!({"operator": "AND", "value": [
        {"field": "email", "operator": "=", "value": "ana@northlight.com"},
        {"operator": "OR", "value": [{"field": "custom_attributes.plan", "operator": "IN", "value": ["pro"]}, {"field": "name", "operator": "^", "value": "x"}]},
    ]});
    assert_eq!(search(both).await.body["total_count"], 1);
    let sorted = json!({"query": {"field": "role", "operator": "=", "value": "user"}, "sort": {"field": "name", "order": "up"}});
    let reply = intercom(&sandbox, "POST", "/contacts/search", Some(sorted)).await;
    assert_eq!(reply.body["errors"][0]["code"], "invalid_sort_order");
}

#[tokio::test]
async fn search_pages_go_on_after_a_position() {
    let sandbox = started().await;
    let (mut after, mut ids) = (Value::Null, Vec::new());
    let total = loop {
        let body = json!({
            "query": {"field": "role", "operator": "=", "value": "user"},
            "sort": {"field": "updated_at", "order": "ascending"},
            "pagination": {"per_page": 60, "starting_after": after},
        });
        let reply = intercom(&sandbox, "POST", "/contacts/search", Some(body)).await;
        ids.extend(reply.body["data"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
        after = reply.body["pages"]["next"]["starting_after"].clone();
        if after.is_null() {
            break reply.body["total_count"].clone();
        }
    };
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((json!(count), ids.len()), (total, count));
}

#[tokio::test]
async fn a_lead_merges_into_its_user_and_its_id_then_points_there() {
    let sandbox = empty().await;
    let user = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com", "name": "Ana"})).await;
    let lead =
        create(&sandbox, json!({"role": "lead", "email": "ana@northlight.com", "phone": "+49301"})).await;
    let stranger = create(&sandbox, json!({"role": "lead", "email": "zoe@gmail.com"})).await;
    let merge = async |from: &str, into: &str| {
        intercom(&sandbox, "POST", "/contacts/merge", Some(json!({"from": from, "into": into}))).await
    };
    assert_eq!(merge(&user, &lead).await.body["errors"][0]["code"], "invalid_merge");
    assert_eq!(merge(&stranger, &user).await.status, 400);
    let merged = merge(&lead, &user).await;
    assert_eq!((merged.status, &merged.body["phone"]), (200, &json!("+49301")));
    let gone = intercom(&sandbox, "GET", &format!("/contacts/{lead}"), None).await;
    assert_eq!(
        (gone.status, gone.header("link")),
        (410, Some(format!("</contacts/{user}>; rel=\"canonical\"").as_str()))
    );
    let url = format!("{}/contacts/{lead}", sandbox.intercom_base_url());
    let older = client().get(url).bearer_auth(sandbox.intercom_token()).header("Intercom-Version", "2.14");
    assert_eq!(read(older.send().await.unwrap()).await.status, 404);
    assert_eq!(merge(&lead, &user).await.status, 404);
}

#[tokio::test]
async fn companies_are_kept_by_their_own_id_and_attached_by_intercoms() {
    let sandbox = empty().await;
    let contact = create(&sandbox, json!({"email": "ana@northlight.com"})).await;
    let first =
        intercom(&sandbox, "POST", "/companies", Some(json!({"company_id": "c1", "name": "North"}))).await;
    let second =
        intercom(&sandbox, "POST", "/companies", Some(json!({"company_id": "c1", "name": "Northlight"})))
            .await;
    assert_eq!(first.body["id"], second.body["id"]);
    assert_eq!(
        intercom(&sandbox, "POST", "/companies", Some(json!({"test": 1}))).await.body["errors"][0]["message"],
        "bad 'test' parameter"
    );
    let list = "/companies/list";
    assert_eq!(
        intercom(&sandbox, "POST", list, None).await.body["total_count"],
        0,
        "without people it is invisible"
    );
    let path = format!("/contacts/{contact}/companies");
    let attached = intercom(&sandbox, "POST", &path, Some(json!({"id": first.body["id"]}))).await;
    assert_eq!(
        (attached.status, &attached.body["name"], &attached.body["user_count"]),
        (200, &json!("Northlight"), &json!(1))
    );
    assert_eq!(intercom(&sandbox, "GET", &path, None).await.body["data"][0]["company_id"], "c1");
    assert_eq!(intercom(&sandbox, "POST", list, None).await.body["total_count"], 1);
    let missing = intercom(&sandbox, "POST", &path, Some(json!({"id": "nothing"}))).await;
    assert_eq!((missing.status, &missing.body["errors"][0]["code"]), (404, &json!("company_not_found")));
}

#[tokio::test]
async fn a_conversation_is_started_answered_and_closed() {
    let sandbox = empty().await;
    let contact = create(&sandbox, json!({"email": "ana@northlight.com"})).await;
    let start = json!({"from": {"type": "user", "id": contact}, "body": "Hello"});
    let message = intercom(&sandbox, "POST", "/conversations", Some(start)).await;
    let path = format!("/conversations/{}", message.body["conversation_id"].as_str().unwrap());
    let reply = json!({"message_type": "comment", "type": "admin", "admin_id": "7400101", "body": "Hi"});
    assert_eq!(intercom(&sandbox, "POST", &format!("{path}/reply"), Some(reply)).await.status, 200);
    let close = json!({"message_type": "close", "type": "admin", "admin_id": "7400101"});
    let closed = intercom(&sandbox, "POST", &format!("{path}/parts"), Some(close)).await;
    assert_eq!(
        (&closed.body["state"], &closed.body["conversation_parts"]["total_count"]),
        (&json!("closed"), &json!(2))
    );
    let plain = intercom(&sandbox, "GET", &format!("{path}?display_as=plaintext"), None).await;
    assert_eq!(plain.body["source"]["body"], "Hello");
    let open = json!({"query": {"field": "state", "operator": "=", "value": "closed"}});
    let found = intercom(&sandbox, "POST", "/conversations/search", Some(open)).await;
    assert_eq!((&found.body["type"], &found.body["total_count"]), (&json!("conversation.list"), &json!(1)));
    let contacts = &found.body["conversations"][0]["contacts"]["contacts"][0];
    assert_eq!(contacts.get("email"), None);
}
