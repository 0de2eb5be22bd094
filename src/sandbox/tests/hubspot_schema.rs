//! HubSpot's properties, groups, labels, owners, pipelines, and the rules about values.

use serde_json::{Value, json};

use super::{empty, fixed, hubspot};
use crate::sandbox::{HubspotRules, Sandbox, Settings};

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn property(name: &str) -> Value {
    json!({"name": name, "label": "L", "type": "string", "fieldType": "text", "groupName": "contactinformation"})
}

#[tokio::test]
async fn a_property_is_checked_before_it_is_made() {
    let sandbox = empty().await;
    for path in ["/crm/v3/properties/contacts", "/crm/properties/2026-09/contacts"] {
        for (key, value) in [
            ("name", "Upper"),
            ("name", "1st"),
            ("type", "text"),
            ("fieldType", "box"),
            ("groupName", "none"),
        ] {
            let mut bad = property("fine");
            bad[key] = json!(value);
            assert_eq!(hubspot(&sandbox, "POST", path, Some(bad)).await.status, 400, "{key}={value}");
        }
    }
    for number in 0..10 {
        let mut unique = property(&format!("key_{number}"));
        unique["hasUniqueValue"] = json!(true);
        let reply = hubspot(&sandbox, "POST", "/crm/v3/properties/contacts", Some(unique)).await;
        // One of ten is taken: the portal has intercom_contact_id.
        assert_eq!(reply.status, if number < 9 { 201 } else { 400 }, "{}", reply.body);
    }
}

#[tokio::test]
async fn groups_and_batches_of_properties() {
    let sandbox = empty().await;
    let path = "/crm/v3/properties/contacts/groups";
    let group = json!({"name": "intercom", "label": "Intercom"});
    assert_eq!(hubspot(&sandbox, "POST", path, Some(group.clone())).await.status, 201);
    assert_eq!(hubspot(&sandbox, "POST", path, Some(group)).await.status, 409);
    let one = format!("{path}/intercom");
    let changed = hubspot(&sandbox, "PATCH", &one, Some(json!({"label": "From Intercom"}))).await;
    assert_eq!(changed.body["label"], "From Intercom");
    let listed = hubspot(&sandbox, "GET", "/crm/properties/2026-09/contacts/groups", None).await;
    assert_eq!(listed.body["results"].as_array().unwrap().len(), 2);
    assert_eq!(hubspot(&sandbox, "DELETE", &one, None).await.status, 204);
    assert_eq!(hubspot(&sandbox, "GET", &one, None).await.status, 404);

    let batch = |verb: &str| format!("/crm/v3/properties/contacts/batch/{verb}");
    let inputs = json!({"inputs": [property("tier"), property("email")]});
    let made = hubspot(&sandbox, "POST", &batch("create"), Some(inputs)).await;
    assert_eq!((made.status, made.body["results"].as_array().unwrap().len()), (207, 1));
    assert_eq!(made.body["errors"][0]["category"], "OBJECT_ALREADY_EXISTS");
    let names = json!({"inputs": [{"name": "tier"}], "archived": false});
    let read = hubspot(&sandbox, "POST", &batch("read"), Some(names.clone())).await;
    assert_eq!((read.status, &read.body["results"][0]["name"]), (200, &json!("tier")));
    assert_eq!(hubspot(&sandbox, "POST", &batch("archive"), Some(names)).await.status, 204);
    let gone = hubspot(&sandbox, "GET", "/crm/v3/properties/contacts/tier", None).await;
    assert_eq!(gone.status, 404);
    let kept = hubspot(&sandbox, "GET", "/crm/v3/properties/contacts/tier?archived=true", None).await;
    assert_eq!(kept.body["archived"], true);
}

async fn created(sandbox: &Sandbox, kind: &str, properties: Value) -> String {
    let body = json!({"properties": properties});
    let reply = hubspot(sandbox, "POST", &format!("/crm/v3/objects/{kind}"), Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_label_of_ones_own_goes_on_and_off_while_the_relation_stays() {
    let sandbox = empty().await;
    let contact = created(&sandbox, "contacts", json!({"email": "ana@northlight.com"})).await;
    let company = created(&sandbox, "companies", json!({"name": "Northlight"})).await;
    let labels = "/crm/associations/v4/contacts/companies/labels";
    let label = json!({"name": "decides", "label": "Decides", "inverseLabel": "Decided by"});
    let made = hubspot(&sandbox, "POST", labels, Some(label.clone())).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let type_id = made.body["results"][0]["typeId"].clone();
    assert_eq!(hubspot(&sandbox, "POST", labels, Some(label)).await.status, 409);
    // The guide writes the version in front, the document behind: both are there.
    let listed = hubspot(&sandbox, "GET", "/crm/v4/associations/contacts/companies/labels", None).await;
    assert_eq!(listed.body["results"].as_array().unwrap().len(), 3);

    let types = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": type_id}]);
    let one = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{company}");
    let reply = hubspot(&sandbox, "PUT", &one, Some(types.clone())).await;
    assert_eq!((reply.status, &reply.body["labels"]), (201, &json!(["Decides"])), "{}", reply.body);
    let from_company =
        hubspot(&sandbox, "GET", &format!("/crm/v4/objects/companies/{company}/associations/contacts"), None)
            .await;
    let back = &from_company.body["results"][0]["associationTypes"];
    assert!(back.as_array().unwrap().iter().any(|one| one["label"] == "Decided by"), "{back}");

    let rows = json!({"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": types}]});
    let off = "/crm/associations/2026-09/contacts/companies/batch/labels/archive";
    assert_eq!(
        hubspot(&sandbox, "POST", off, Some(rows)).await.status,
        200,
        "dated; the numbered family says 204"
    );
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies");
    let left = hubspot(&sandbox, "GET", &path, None).await;
    let ids: Vec<u64> = left.body["results"][0]["associationTypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["typeId"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [1, 279], "related and primary as before");
    let wrong = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]);
    assert_eq!(hubspot(&sandbox, "PUT", &one, Some(wrong)).await.status, 400);
}

#[tokio::test]
async fn owners_pipelines_and_the_portal_itself() {
    let sandbox = empty().await;
    for path in ["/crm/v3/owners/", "/crm/v3/owners", "/crm/owners/2026-09/"] {
        let all = hubspot(&sandbox, "GET", path, None).await;
        assert_eq!(all.body["results"].as_array().unwrap().len(), 4, "{path}");
    }
    let gone = hubspot(&sandbox, "GET", "/crm/v3/owners?archived=true", None).await;
    let former = gone.body["results"][0]["id"].as_str().unwrap();
    assert_eq!(gone.body["results"][0]["archived"], true);
    let path = format!("/crm/v3/owners/{former}");
    assert_eq!(hubspot(&sandbox, "GET", &path, None).await.status, 404);
    assert_eq!(hubspot(&sandbox, "GET", &format!("{path}?archived=true"), None).await.status, 200);
    let given = json!({"properties": {"email": "a@b.co", "hubspot_owner_id": former}});
    assert_eq!(hubspot(&sandbox, "POST", CONTACTS, Some(given)).await.status, 400);
    let user = hubspot(&sandbox, "GET", "/crm/v3/owners/60200101?idProperty=userId", None).await;
    assert_eq!(user.body["id"], "71400202");

    let stage = "/crm/pipelines/2026-09/deals/default/stages/closedwon";
    assert_eq!(hubspot(&sandbox, "GET", stage, None).await.body["metadata"]["isClosed"], "true");
    let usage = hubspot(&sandbox, "GET", "/account-info/v3/api-usage/daily/private-apps", None).await;
    assert!(usage.body["results"][0]["currentUsage"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn values_that_do_not_fit_their_property_are_refused() {
    let sandbox = empty().await;
    let several = json!({"name": "plans", "label": "Plans", "type": "enumeration", "fieldType": "checkbox",
        "groupName": "contactinformation", "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]});
    let day = json!({"name": "day", "label": "Day", "type": "date", "fieldType": "date", "groupName": "contactinformation"});
    for definition in [several, day] {
        assert_eq!(
            hubspot(&sandbox, "POST", "/crm/v3/properties/contacts", Some(definition)).await.status,
            201
        );
    }
    for (name, good, bad) in [
        ("plans", "a;b", "a;c"),
        ("hs_lead_status", "NEW", "NEW;OPEN"),
        ("day", "2026-01-10", "1768018294000"),
        ("city", "Berlin", &"x".repeat(65_537)),
        ("email", "kim@northlight.com", "kim@northlight"),
        ("hs_email_optout", "true", "yes"),
    ] {
        for (value, status) in [(good, 201), (bad, 400)] {
            let body = json!({"properties": {name: value}});
            assert_eq!(hubspot(&sandbox, "POST", CONTACTS, Some(body)).await.status, status, "{name}");
        }
    }
    let note = json!({"properties": {"hs_note_body": "x"}});
    let reply = hubspot(&sandbox, "POST", "/crm/v3/objects/notes", Some(note)).await;
    assert_eq!(reply.body["context"]["properties"], json!(["hs_timestamp"]));
}

#[tokio::test]
async fn an_admins_required_property_is_enforced_by_the_dated_paths_only() {
    let rules =
        HubspotRules { required_properties: vec!["contacts.jobtitle".to_owned()], ..HubspotRules::default() };
    let sandbox = Sandbox::start(Settings { seeded: false, hubspot: rules, ..fixed() }).await.unwrap();
    let body = |email: &str| Some(json!({"properties": {"email": email}}));
    assert_eq!(hubspot(&sandbox, "POST", CONTACTS, body("a@b.co")).await.status, 201);
    let dated = hubspot(&sandbox, "POST", "/crm/objects/2026-09/contacts", body("c@d.co")).await;
    assert_eq!((dated.status, &dated.body["errors"][0]["code"]), (400, &json!("MISSING_REQUIRED_PROPERTY")));
    assert_eq!(dated.body["errors"][0]["context"]["propertyName"], json!(["jobtitle"]));
}

#[tokio::test]
async fn former_values_are_shown_when_asked_for() {
    let sandbox = empty().await;
    let id = created(&sandbox, "contacts", json!({"email": "a@b.co", "city": "Berlin"})).await;
    let path = format!("{CONTACTS}/{id}");
    for city in ["Lyon", "Porto"] {
        hubspot(&sandbox, "PATCH", &path, Some(json!({"properties": {"city": city}}))).await;
    }
    let shown = hubspot(&sandbox, "GET", &format!("{path}?propertiesWithHistory=city"), None).await;
    let values: Vec<&str> = shown.body["propertiesWithHistory"]["city"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["Porto", "Lyon", "Berlin"]);
    let many =
        hubspot(&sandbox, "GET", &format!("{CONTACTS}?limit=51&propertiesWithHistory=city"), None).await;
    assert_eq!(many.status, 400);
}

#[tokio::test]
async fn people_can_be_unsubscribed_one_by_one_and_from_everything() {
    let sandbox = empty().await;
    let path = "/communication-preferences/v4/statuses/ana%40northlight.com";
    let state = |body: &Value, place: usize| body["results"][place]["status"].clone();
    let ask = format!("{path}?channel=EMAIL");
    assert_eq!(hubspot(&sandbox, "GET", path, None).await.status, 400, "the channel must be said");
    assert_eq!(state(&hubspot(&sandbox, "GET", &ask, None).await.body, 0), "NOT_SPECIFIED");
    let wish = json!({"channel": "EMAIL", "subscriptionId": 55_101, "statusState": "SUBSCRIBED"});
    assert_eq!(hubspot(&sandbox, "POST", path, Some(wish)).await.status, 200);
    assert_eq!(state(&hubspot(&sandbox, "GET", &ask, None).await.body, 0), "SUBSCRIBED");
    let all = format!("{path}/unsubscribe-all?channel=EMAIL");
    let some = hubspot(&sandbox, "GET", &all, None).await.body;
    assert_eq!(some["results"], json!([]), "who takes some mail has no state for all of it");
    assert_eq!(hubspot(&sandbox, "POST", &all, None).await.status, 200);
    assert_eq!(state(&hubspot(&sandbox, "GET", &all, None).await.body, 0), "UNSUBSCRIBED");
    assert_eq!(state(&hubspot(&sandbox, "GET", &ask, None).await.body, 1), "UNSUBSCRIBED");

    let many = "/communication-preferences/v4/statuses/batch/unsubscribe-all?channel=EMAIL";
    let wish = json!({"inputs": ["Ben@northlight.com"]});
    let done = hubspot(&sandbox, "POST", many, Some(wish)).await;
    assert_eq!(done.body["results"], json!([{"subscriberIdString": "Ben@northlight.com"}]));
    let ben = all.replace("ana", "ben");
    assert_eq!(state(&hubspot(&sandbox, "GET", &ben, None).await.body, 0), "UNSUBSCRIBED");
    let batch = all.replace("ana%40northlight.com", "batch");
    let nobody = hubspot(&sandbox, "GET", &batch, None).await.body;
    assert_eq!(nobody["results"], json!([]), "nobody is called batch");
    assert_eq!(hubspot(&sandbox, "POST", many, Some(json!({"inputs": [7]}))).await.status, 400);
}
