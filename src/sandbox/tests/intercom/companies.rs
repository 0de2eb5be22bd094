//! Companies: lists that do not show everything, the scroll, the most a contact belongs to, notes.

use serde_json::{Value, json};

use super::{create, empty, good, intercom, refused, says};

async fn company(sandbox: &crate::sandbox::Sandbox, own: &str, more: Value) -> String {
    let mut body = json!({"company_id": own, "name": own});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    good(sandbox, "POST", "/companies", body).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_scroll_is_alone_goes_to_the_end_and_does_not_survive_a_break() {
    let sandbox = empty().await;
    let person = create(&sandbox, json!({"role": "user"})).await;
    for number in 0..120 {
        let id = company(&sandbox, &format!("c{number}"), Value::Null).await;
        sandbox.attach_intercom_company(&person, &id, crate::sandbox::Webhook::Silent);
    }
    company(&sandbox, "nobody's", Value::Null).await;
    let path = "/companies/scroll";
    let first = good(&sandbox, "GET", path, Value::Null).await;
    let busy = refused(&sandbox, "GET", path, Value::Null).await;
    assert_eq!((busy.0, busy.1.as_str()), (400, "scroll_exists"));
    let next = |page: &Value| format!("{path}?scroll_param={}", page["scroll_param"].as_str().unwrap());
    let second = good(&sandbox, "GET", &next(&first), Value::Null).await;
    let end = good(&sandbox, "GET", &next(&second), Value::Null).await;
    let count = |page: &Value| page["data"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second), count(&end)), (100, 20, 0));
    assert_eq!(refused(&sandbox, "GET", &next(&end), Value::Null).await.0, 404, "the end is the end");
    let again = good(&sandbox, "GET", path, Value::Null).await;
    sandbox.break_intercom_scroll(1);
    let broken = refused(&sandbox, "GET", &next(&again), Value::Null).await;
    let words = "Request failed due to an internal network error. Please restart the scroll operation.";
    assert_eq!((broken.0, broken.2.as_str()), (500, words));
    assert_eq!(refused(&sandbox, "GET", &next(&again), Value::Null).await.0, 404);
    assert_eq!(count(&good(&sandbox, "GET", path, Value::Null).await), 100);
}

#[tokio::test]
async fn a_list_shows_only_companies_with_people_and_ends_at_ten_thousand() {
    let sandbox = empty().await;
    let person = create(&sandbox, json!({"role": "user"})).await;
    let lonely = company(&sandbox, "lonely", Value::Null).await;
    let early = company(&sandbox, "early", json!({"update_last_request_at": true})).await;
    for id in [&early, &company(&sandbox, "late", Value::Null).await] {
        good(&sandbox, "POST", &format!("/contacts/{person}/companies"), json!({"id": id})).await;
    }
    let list = good(&sandbox, "POST", "/companies/list", Value::Null).await;
    assert_eq!((&list["total_count"], &list["pages"]["per_page"]), (&json!(2), &json!(15)));
    assert_eq!(list["data"][0]["company_id"], "early", "last active first");
    let asc = good(&sandbox, "POST", "/companies/list?order=asc&per_page=1", Value::Null).await;
    assert_eq!(asc["data"][0]["company_id"], "late");
    let next = format!("{}/companies/list?order=asc&per_page=1&page=2", sandbox.intercom_base_url());
    assert_eq!(asc["pages"]["next"], next);
    assert_eq!(refused(&sandbox, "POST", "/companies/list?page=200&per_page=60", Value::Null).await.0, 400);
    // Reading it by its ids works all the same.
    assert_eq!(good(&sandbox, "GET", &format!("/companies/{lonely}"), Value::Null).await["name"], "lonely");
    let by_own = good(&sandbox, "GET", "/companies?company_id=lonely", Value::Null).await;
    assert_eq!(by_own["data"][0]["id"], json!(lonely));
    let missing = refused(&sandbox, "GET", "/companies?name=nothing", Value::Null).await;
    assert_eq!(missing, says(404, "company_not_found", "Company Not Found"));
}

#[tokio::test]
async fn a_contact_belongs_to_a_thousand_companies_and_no_more() {
    let sandbox = empty().await;
    let person = create(&sandbox, json!({"role": "user"})).await;
    for number in 0..1_001 {
        let id =
            sandbox.new_intercom_company(&format!("c{number}"), &json!({}), crate::sandbox::Webhook::Silent);
        if number < 1_000 {
            sandbox.attach_intercom_company(&person, &id, crate::sandbox::Webhook::Silent);
            continue;
        }
        let path = format!("/contacts/{person}/companies");
        let words = "Contact has reached the maximum of 1000 company associations";
        assert_eq!(
            refused(&sandbox, "POST", &path, json!({"id": id})).await,
            says(400, "contact_company_limit_exceeded", words)
        );
        assert_eq!(
            refused(&sandbox, "POST", &path, json!({})).await,
            says(400, "parameter_not_found", "company not specified")
        );
    }
}

#[tokio::test]
async fn an_update_keeps_the_own_id_and_a_deletion_lets_people_go() {
    let sandbox = empty().await;
    let person = create(&sandbox, json!({"role": "user"})).await;
    let id = company(&sandbox, "acme", json!({"size": 250})).await;
    let path = format!("/companies/{id}");
    good(&sandbox, "POST", &format!("/contacts/{person}/companies"), json!({"id": id})).await;
    let changed = good(&sandbox, "PUT", &path, json!({"company_id": "other", "industry": "Ships"})).await;
    assert_eq!((&changed["company_id"], &changed["industry"]), (&json!("acme"), &json!("Ships")));
    assert_eq!(changed["segments"]["segments"][0]["name"], "Big companies");
    assert_eq!(refused(&sandbox, "PUT", &path, json!({"custom_attributes": {"x": 1}})).await.0, 400);
    let people = good(&sandbox, "GET", &format!("{path}/contacts"), Value::Null).await;
    assert_eq!(people["data"][0]["id"], json!(person));
    let tagged = json!({"name": "key account", "companies": [{"company_id": "acme"}]});
    let tag = good(&sandbox, "POST", "/tags", tagged).await;
    assert_eq!(tag["companies"], json!([{"id": id, "tagged": true}]));
    let by_tag = format!("/companies?tag_id={}", tag["id"].as_str().unwrap());
    assert_eq!(good(&sandbox, "GET", &by_tag, Value::Null).await["total_count"], 1);
    let untag = json!({"name": "key account", "companies": [{"id": id, "untag": true}]});
    good(&sandbox, "POST", "/tags", untag).await;
    assert_eq!(good(&sandbox, "GET", &by_tag, Value::Null).await["total_count"], 0);
    assert_eq!(good(&sandbox, "DELETE", &path, Value::Null).await["deleted"], true);
    assert_eq!(sandbox.intercom_contact(&person).unwrap()["companies"]["total_count"], 0);
    assert_eq!(
        refused(&sandbox, "DELETE", &path, Value::Null).await,
        says(404, "company_not_found", "Company Not Found")
    );
}

#[tokio::test]
async fn notes_stand_on_companies_too() {
    let sandbox = empty().await;
    let path = format!("/companies/{}/notes", company(&sandbox, "acme", Value::Null).await);
    let note = good(&sandbox, "POST", &path, json!({"body": "renewal in May", "admin_id": "7400102"})).await;
    assert_eq!((&note["body"], &note["author"]["id"]), (&json!("<p>renewal in May</p>"), &json!("7400102")));
    let unknown = json!({"body": "x", "admin_id": "1"});
    assert_eq!(refused(&sandbox, "POST", &path, unknown).await, says(404, "not_found", "Resource Not Found"));
    let list = good(&sandbox, "GET", &path, Value::Null).await;
    assert_eq!((&list["total_count"], &list["data"][0]["id"]), (&json!(1), &note["id"]));
    let read = intercom(&sandbox, "GET", &format!("/notes/{}", note["id"].as_str().unwrap()), None).await;
    assert_eq!(read.body["company"]["type"], "company");
}
