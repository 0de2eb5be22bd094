//! HubSpot's objects, batches, search, merge and associations.

use serde_json::{Value, json};

use super::{empty, hubspot, started};
use crate::sandbox::Sandbox;

const CONTACTS: &str = "/crm/v3/objects/contacts";

async fn create(sandbox: &Sandbox, kind: &str, properties: Value) -> String {
    let reply =
        hubspot(sandbox, "POST", &format!("/crm/v3/objects/{kind}"), Some(json!({"properties": properties})))
            .await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_contact_with_the_same_e_mail_is_refused_with_the_existing_id() {
    let sandbox = empty().await;
    let id = create(&sandbox, "contacts", json!({"email": "Ana@northlight.com"})).await;
    let reply =
        hubspot(&sandbox, "POST", CONTACTS, Some(json!({"properties": {"email": "ana@NORTHLIGHT.com"}})))
            .await;
    assert_eq!(reply.status, 409);
    assert_eq!(reply.body["message"], format!("Contact already exists. Existing ID: {id}"));
}

#[tokio::test]
async fn every_bad_value_is_named_inside_the_message_string() {
    let sandbox = empty().await;
    let properties = json!({"email": "kim@host", "hs_lead_status": "UNQUALIFIED", "referral_code": "x", "numemployees": "many", "createdate": "1"});
    let reply = hubspot(&sandbox, "POST", CONTACTS, Some(json!({"properties": properties}))).await;
    assert_eq!((reply.status, &reply.body["category"]), (400, &json!("VALIDATION_ERROR")));
    let message = reply.body["message"].as_str().unwrap();
    let list: Value =
        serde_json::from_str(&message[message.find('[').unwrap()..=message.rfind(']').unwrap()]).unwrap();
    let codes: Vec<&str> =
        list.as_array().unwrap().iter().map(|one| one["error"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "INVALID_INTEGER", "READ_ONLY_VALUE"]
    );
}

#[tokio::test]
async fn listing_pages_through_every_contact_once() {
    let sandbox = started().await;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let path =
            format!("{CONTACTS}?limit=100&properties=email&properties=phone&archived=false&after={after}");
        let reply = hubspot(&sandbox, "GET", &path, None).await;
        seen.extend(reply.body["results"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
        match reply.body["paging"]["next"]["after"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
    assert_eq!(sandbox.books()["records"]["hubspot"]["contacts"], json!(count));
}

#[tokio::test]
async fn patch_clears_with_an_empty_text_and_never_moves_the_stage_back() {
    let sandbox = empty().await;
    let id = create(
        &sandbox,
        "contacts",
        json!({"email": "ana@northlight.com", "phone": "+49301", "lifecyclestage": "customer"}),
    )
    .await;
    let patch = json!({"properties": {"phone": "", "lifecyclestage": "lead", "jobtitle": "Founder"}});
    let reply =
        hubspot(&sandbox, "PATCH", &format!("{CONTACTS}/ana@northlight.com?idProperty=email"), Some(patch))
            .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let contact = sandbox.hubspot_contact(&id).unwrap();
    assert_eq!(contact["properties"].get("phone"), None);
    assert_eq!(contact["properties"]["lifecyclestage"], "customer");
    assert_eq!(contact["properties"]["jobtitle"], "Founder");
    assert_eq!(
        hubspot(&sandbox, "PATCH", &format!("{CONTACTS}/999"), Some(json!({"properties": {}}))).await.status,
        404
    );
}

#[tokio::test]
async fn a_batch_upsert_answers_207_when_one_row_fails_and_writes_the_others() {
    let sandbox = empty().await;
    let known =
        create(&sandbox, "contacts", json!({"email": "ana@northlight.com", "intercom_contact_id": "a1"}))
            .await;
    let row = |id: &str, properties: Value| json!({"idProperty": "intercom_contact_id", "id": id, "objectWriteTraceId": format!("t-{id}"), "properties": properties});
    let inputs = json!({"inputs": [
        row("a1", json!({"firstname": "Ana"})),
        row("b2", json!({"email": "ben@northlight.com"})),
        row("c3", json!({"hs_lead_status": "UNQUALIFIED"})),
    ]});
    let reply = hubspot(&sandbox, "POST", &format!("{CONTACTS}/batch/upsert"), Some(inputs)).await;
    assert_eq!(reply.status, 207, "{}", reply.body);
    let results = reply.body["results"].as_array().unwrap();
    assert_eq!((&results[0]["id"], &results[0]["new"]), (&json!(known), &json!(false)));
    assert_eq!(
        (&results[1]["new"], &results[1]["properties"]["intercom_contact_id"]),
        (&json!(true), &json!("b2"))
    );
    assert_eq!(reply.body["numErrors"], 1);
    assert_eq!(reply.body["errors"][0]["context"], json!({"ids": ["c3"], "objectWriteTraceId": ["t-c3"]}));
}

#[tokio::test]
async fn a_batch_create_without_trace_ids_stands_or_falls_as_one() {
    let sandbox = empty().await;
    let inputs = json!({"inputs": [{"properties": {"email": "ana@northlight.com"}}, {"properties": {"email": "bad"}}]});
    let reply = hubspot(&sandbox, "POST", &format!("{CONTACTS}/batch/create"), Some(inputs)).await;
    assert_eq!(reply.status, 400);
    assert!(sandbox.hubspot_find_by_email("ana@northlight.com").is_none());
    let too_many: Vec<Value> = (0..101).map(|id| json!({"id": id.to_string()})).collect();
    let reply =
        hubspot(&sandbox, "POST", &format!("{CONTACTS}/batch/read"), Some(json!({"inputs": too_many}))).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_merge_makes_a_new_id_that_both_old_ones_lead_to() {
    let sandbox = empty().await;
    let company = create(&sandbox, "companies", json!({"name": "Northlight"})).await;
    let primary =
        create(&sandbox, "contacts", json!({"email": "ana@northlight.com", "phone": "+49301"})).await;
    let other =
        create(&sandbox, "contacts", json!({"email": "ana@gmail.com", "phone": "+49302", "city": "Berlin"}))
            .await;
    let path = format!("/crm/v4/objects/contacts/{other}/associations/default/companies/{company}");
    assert_eq!(hubspot(&sandbox, "PUT", &path, None).await.status, 200);
    let merge = json!({"primaryObjectId": primary, "objectIdToMerge": other});
    let reply = hubspot(&sandbox, "POST", &format!("{CONTACTS}/merge"), Some(merge.clone())).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.body["id"].as_str().unwrap();
    assert!(id != primary && id != other);
    let properties = &reply.body["properties"];
    assert_eq!((&properties["phone"], &properties["city"]), (&json!("+49301"), &json!("Berlin")));
    assert_eq!(properties["hs_additional_emails"], "ana@gmail.com");
    assert_eq!(properties["hs_merged_object_ids"], format!("{primary};{other}"));
    for old in [&primary, &other] {
        let reply = hubspot(&sandbox, "GET", &format!("{CONTACTS}/{old}"), None).await;
        assert_eq!((reply.status, reply.body["id"].as_str()), (200, Some(id)));
    }
    assert_eq!(sandbox.hubspot_companies_of(id), [company]);
    assert_eq!(hubspot(&sandbox, "POST", &format!("{CONTACTS}/merge"), Some(merge)).await.status, 400);
}

#[tokio::test]
async fn search_filters_sorts_and_keeps_to_its_limits() {
    let sandbox = empty().await;
    for (name, city) in [("ana", "Berlin"), ("ben", "Lyon"), ("cai", "Berlin"), ("dot", "Porto")] {
        create(
            &sandbox,
            "contacts",
            json!({"email": format!("{name}@northlight.com"), "firstname": name, "city": city}),
        )
        .await;
    }
    let path = format!("{CONTACTS}/search");
    let filter = |property: &str, operator: &str, value: &str| json!({"propertyName": property, "operator": operator, "value": value});
    let body = json!({
        "filterGroups": [{"filters": [filter("city", "EQ", "berlin")]}, {"filters": [filter("email", "CONTAINS_TOKEN", "dot*")]}],
        "sorts": [{"propertyName": "firstname", "direction": "DESCENDING"}],
        "properties": ["firstname"],
        "limit": 2,
    });
    let reply = hubspot(&sandbox, "POST", &path, Some(body)).await;
    assert_eq!((reply.status, &reply.body["total"]), (200, &json!(3)), "{}", reply.body);
    let names: Vec<&str> = reply.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["firstname"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["dot", "cai"]);
    assert_eq!(reply.body["paging"]["next"]["after"], "2");
    let bad = hubspot(&sandbox, "POST", &path, Some(json!({"limit": 201}))).await;
    assert_eq!(bad.status, 400);
    let deep = hubspot(&sandbox, "POST", &path, Some(json!({"limit": 200, "after": "9900"}))).await;
    assert_eq!(deep.status, 400);
}

#[tokio::test]
async fn a_contact_has_one_primary_company_and_a_label_moves_the_rank() {
    let sandbox = empty().await;
    let contact = create(&sandbox, "contacts", json!({"email": "ana@northlight.com"})).await;
    let first = create(&sandbox, "companies", json!({"name": "First"})).await;
    let second = create(&sandbox, "companies", json!({"name": "Second"})).await;
    for company in [&first, &second] {
        let path = format!("/crm/objects/2026-09/0-1/{contact}/associations/default/0-2/{company}");
        assert_eq!(hubspot(&sandbox, "PUT", &path, None).await.status, 200);
    }
    assert_eq!(sandbox.hubspot_companies_of(&contact), [first.clone(), second.clone()]);
    let label = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{second}");
    let reply = hubspot(&sandbox, "PUT", &path, Some(label)).await;
    assert_eq!((reply.status, &reply.body["labels"]), (201, &json!(["Primary"])));
    assert_eq!(sandbox.hubspot_companies_of(&contact), [second.clone(), first.clone()]);
    let list =
        hubspot(&sandbox, "GET", &format!("/crm/v4/objects/contacts/{contact}/associations/companies"), None)
            .await;
    let types: Vec<usize> = list.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["associationTypes"].as_array().unwrap().len())
        .collect();
    assert_eq!(types, [1, 2]);
    assert_eq!(hubspot(&sandbox, "DELETE", &path, None).await.status, 204);
    assert_eq!(sandbox.hubspot_companies_of(&contact), [first]);
}

#[tokio::test]
async fn an_archived_contact_is_gone_until_asked_for_as_archived() {
    let sandbox = empty().await;
    let id = create(&sandbox, "contacts", json!({"email": "ana@northlight.com"})).await;
    assert_eq!(hubspot(&sandbox, "DELETE", &format!("{CONTACTS}/{id}"), None).await.status, 204);
    assert_eq!(hubspot(&sandbox, "GET", &format!("{CONTACTS}/{id}"), None).await.status, 404);
    let reply = hubspot(&sandbox, "GET", &format!("{CONTACTS}/{id}?archived=true"), None).await;
    assert_eq!((reply.status, &reply.body["archived"]), (200, &json!(true)));
    create(&sandbox, "contacts", json!({"email": "ana@northlight.com"})).await;
}

#[tokio::test]
async fn a_property_can_be_made_used_archived_and_restored() {
    let sandbox = empty().await;
    let property = json!({"name": "referral_code", "label": "Referral", "type": "string", "fieldType": "text", "groupName": "contactinformation"});
    let path = "/crm/v3/properties/contacts";
    assert_eq!(hubspot(&sandbox, "POST", path, Some(property.clone())).await.status, 201);
    let again = hubspot(&sandbox, "POST", path, Some(property.clone())).await;
    assert_eq!(
        (again.status, &again.body["subCategory"]),
        (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS"))
    );
    create(&sandbox, "contacts", json!({"email": "ana@northlight.com", "referral_code": "F1"})).await;
    assert_eq!(hubspot(&sandbox, "DELETE", &format!("{path}/referral_code"), None).await.status, 204);
    assert_eq!(hubspot(&sandbox, "GET", &format!("{path}/referral_code"), None).await.status, 404);
    assert_eq!(hubspot(&sandbox, "POST", path, Some(property)).await.status, 201);
}
