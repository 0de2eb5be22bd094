//! HubSpot's objects, batches, search, merge and associations.

use serde_json::{Value, json};

use super::{empty, fixed, hubspot, started};
use crate::sandbox::{HubspotRules, Sandbox, Settings};

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

#[tokio::test]
async fn a_batch_that_finds_rows_by_an_unfit_property_or_twice_is_refused_as_a_whole() {
    let sandbox = empty().await;
    let id = create(&sandbox, "companies", json!({"name": "Northlight", "domain": "northlight.com"})).await;
    let path = "/crm/v3/objects/companies/batch";
    for (verb, property) in [("upsert", "domain"), ("update", "hs_object_id"), ("upsert", "hs_object_id")] {
        let row = json!({"idProperty": property, "id": id, "properties": {"city": "Lyon"}});
        let reply =
            hubspot(&sandbox, "POST", &format!("{path}/{verb}"), Some(json!({"inputs": [row]}))).await;
        let message = reply.body["message"].as_str().unwrap();
        let words = format!("non-unique 0-2 property {property}");
        assert!(reply.status == 400 && message.contains(&words), "{message}");
    }
    let twice = json!({"inputs": [{"id": id, "properties": {}}, {"id": id, "properties": {}}]});
    assert_eq!(hubspot(&sandbox, "POST", &format!("{path}/update"), Some(twice)).await.status, 400);
    let none = hubspot(&sandbox, "POST", &format!("{path}/archive"), Some(json!({"inputs": []}))).await;
    assert_eq!(none.status, 400);
}

#[tokio::test]
async fn an_upsert_by_email_works_as_the_guide_shows_and_can_be_held_to_its_words() {
    let upsert = "/crm/objects/2026-09/contacts/batch/upsert";
    let row = |email: &str, properties: Value| json!({"inputs": [{"idProperty": "email", "id": email, "properties": properties}]});
    let sandbox = empty().await;
    let id = create(&sandbox, "contacts", json!({"email": "ana@northlight.com", "city": "Lyon"})).await;
    let partial = row("ana@northlight.com", json!({"phone": "+49301"}));
    let reply = hubspot(&sandbox, "POST", upsert, Some(partial.clone())).await;
    assert_eq!((reply.status, &reply.body["results"][0]["id"]), (200, &json!(id)));

    let rules = HubspotRules { refuses_partial_upserts_by_email: true, ..HubspotRules::default() };
    let strict = Sandbox::start(Settings { seeded: false, hubspot: rules, ..fixed() }).await.unwrap();
    create(&strict, "contacts", json!({"email": "ana@northlight.com", "city": "Lyon"})).await;
    let reply = hubspot(&strict, "POST", upsert, Some(partial)).await;
    assert_eq!((reply.status, &reply.body["numErrors"]), (207, &json!(1)), "{}", reply.body);
    let whole = json!({"phone": "+49301", "city": "", "lifecyclestage": "lead"});
    let reply = hubspot(&strict, "POST", upsert, Some(row("ana@northlight.com", whole))).await;
    assert_eq!((reply.status, &reply.body["results"][0]["new"]), (200, &json!(false)), "{}", reply.body);
    let new = hubspot(&strict, "POST", upsert, Some(row("ben@northlight.com", json!({})))).await;
    assert_eq!(new.body["results"][0]["new"], true);
}

#[tokio::test]
async fn the_search_may_lag_behind_writes_and_still_shows_what_was_before() {
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(1_768_018_294_000));
    let rules = HubspotRules { search_lag_milliseconds: 5_000, ..HubspotRules::default() };
    let settings = Settings { seeded: false, hubspot: rules, clock: Some(clock.clone()), ..fixed() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let pass = |ms: i64| clock.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    let id = create(&sandbox, "contacts", json!({"email": "ana@northlight.com", "city": "Lyon"})).await;
    let path = format!("{CONTACTS}/search");
    let found = async |city: &str| {
        let filter = json!({"propertyName": "city", "operator": "EQ", "value": city});
        let body = json!({"filterGroups": [{"filters": [filter]}]});
        hubspot(&sandbox, "POST", &path, Some(body)).await.body["total"].as_u64().unwrap()
    };
    assert_eq!(found("Lyon").await, 0, "too new");
    assert_eq!(hubspot(&sandbox, "GET", &format!("{CONTACTS}/{id}"), None).await.status, 200);
    pass(5_000);
    assert_eq!(found("Lyon").await, 1);
    for city in ["Porto", "Gent"] {
        let change = json!({"properties": {"city": city}});
        hubspot(&sandbox, "PATCH", &format!("{CONTACTS}/{id}"), Some(change)).await;
    }
    assert_eq!((found("Lyon").await, found("Gent").await), (1, 0), "still as it was");
    pass(10_000);
    assert_eq!((found("Lyon").await, found("Gent").await), (0, 1));
}

#[tokio::test]
async fn changes_are_found_in_order_by_moment_and_within_one_by_id() {
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(1_768_018_294_000));
    let settings = Settings { seeded: false, clock: Some(clock.clone()), ..fixed() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(create(&sandbox, "contacts", json!({"email": format!("n{number}@b.co")})).await);
        if number == 3 {
            clock.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let path = format!("{CONTACTS}/search");
    let changed = |operator: &str, value: &str| json!({"propertyName": "lastmodifieddate", "operator": operator, "value": value});
    let above = |id: &str| json!({"propertyName": "hs_object_id", "operator": "GT", "value": id});
    let first = "1768018294000";
    let unindexed = json!({"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "n*"});
    for (filters, sort, expected) in [
        (vec![changed("GTE", first)], "lastmodifieddate", &ids[..]),
        (vec![changed("GT", first)], "lastmodifieddate", &ids[4..]),
        (vec![changed("LT", first)], "lastmodifieddate", &[]),
        (vec![changed("GT", "1768018294999"), changed("LT", first)], "lastmodifieddate", &[]),
        (vec![changed("EQ", first), above(&ids[1])], "hs_object_id", &ids[2..4]),
        (vec![changed("EQ", "2026-01-10T04:11:34Z"), above(&ids[1])], "hs_object_id", &ids[2..4]),
        (vec![changed("GTE", first), unindexed], "lastmodifieddate", &ids[..]),
    ] {
        // One after another beyond the five a second: the clock stands still.
        clock.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
        let body =
            json!({"filterGroups": [{"filters": filters}], "sorts": [{"propertyName": sort}], "limit": 200});
        let reply = hubspot(&sandbox, "POST", &path, Some(body)).await;
        assert_eq!(reply.body["total"], expected.len(), "{}", reply.body);
        let found: Vec<&str> =
            reply.body["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(found, expected);
    }
    clock.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
    let unknown = hubspot(&sandbox, "POST", &path, Some(json!({"filterGroup": []}))).await;
    assert_eq!(unknown.status, 400, "a slip in a key is no search for everything");
    let groups: Vec<Value> = (0..6).map(|_| json!({"filters": [changed("GTE", first)]})).collect();
    let body = json!({"filterGroups": groups});
    assert_eq!(hubspot(&sandbox, "POST", &path, Some(body.clone())).await.status, 400);
    let dated = "/crm/objects/2026-09/contacts/search";
    assert_eq!(hubspot(&sandbox, "POST", dated, Some(body)).await.status, 200, "the dated paths take six");
}

#[tokio::test]
async fn erasing_an_email_nobody_has_is_no_error_and_an_id_nobody_has_is() {
    let sandbox = empty().await;
    let path = format!("{CONTACTS}/gdpr-delete");
    let by_email = json!({"objectId": "nobody@northlight.com", "idProperty": "email"});
    assert_eq!(hubspot(&sandbox, "POST", &path, Some(by_email)).await.status, 204);
    assert_eq!(hubspot(&sandbox, "POST", &path, Some(json!({"objectId": "999"}))).await.status, 404);
    let company = create(&sandbox, "companies", json!({"name": "Northlight"})).await;
    let numbered = "/crm/v3/objects/companies/gdpr-delete";
    assert_eq!(hubspot(&sandbox, "POST", numbered, Some(json!({"objectId": company}))).await.status, 404);
    let dated = "/crm/objects/2026-09/companies/gdpr-delete";
    assert_eq!(hubspot(&sandbox, "POST", dated, Some(json!({"objectId": company}))).await.status, 204);
}
