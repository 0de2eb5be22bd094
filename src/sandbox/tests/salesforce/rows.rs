//! Single rows: the four writes, their rules, what was changed since.

use serde_json::{Value, json};

use super::{DATA, call, client, created, empty, fixed, read, refusal};
use crate::sandbox::{DuplicateRules, Sandbox, Settings};

#[tokio::test]
async fn a_row_is_created_read_changed_and_deleted() {
    let sandbox = empty().await;
    let lead = json!({"FirstName": "Jo", "LastName": "Doe", "Company": "Acme", "Email": "Jo@Acme.co", "AnnualRevenue": 12});
    let id = created(&sandbox, "Lead", lead).await;
    assert!(id.starts_with("00Q") && id.len() == 18);
    let row = call(&sandbox, "GET", &format!("/sobjects/lead/{}", &id[..15]), None).await;
    assert_eq!(row.body["attributes"], json!({"type": "Lead", "url": format!("{DATA}/sobjects/Lead/{id}")}));
    for (field, value) in [
        ("Id", json!(id)),
        ("Name", json!("Jo Doe")),
        ("Status", json!("Open - Not Contacted")),
        ("IsConverted", json!(false)),
        ("Title", Value::Null),
        ("AnnualRevenue", json!(12.0)),
    ] {
        assert_eq!(row.body[field], value, "{field}");
    }
    let stamp = row.body["CreatedDate"].as_str().unwrap();
    assert!(stamp.starts_with("2026-03-02T08:30:") && stamp.ends_with("+0000"), "{stamp}");
    let changed =
        call(&sandbox, "PATCH", &format!("/sobjects/Lead/{id}"), Some(json!({"Title": "VP", "Email": null})))
            .await;
    assert_eq!((changed.status, &changed.body), (204, &json!("")));
    let narrow = call(&sandbox, "GET", &format!("/sobjects/Lead/{id}?fields=Title,email"), None).await;
    let keys: Vec<&String> = narrow.body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["attributes", "Title", "Email"]);
    assert_eq!((&narrow.body["Title"], &narrow.body["Email"]), (&json!("VP"), &Value::Null));

    assert_eq!(call(&sandbox, "DELETE", &format!("/sobjects/Lead/{id}"), None).await.status, 204);
    let path = format!("/sobjects/Lead/{id}");
    assert_eq!(refusal(&call(&sandbox, "GET", &path, None).await), (404, "NOT_FOUND"));
    for (method, body) in [("PATCH", Some(json!({"Title": "CEO"}))), ("DELETE", None)] {
        let reply = call(&sandbox, method, &path, body).await;
        assert_eq!(
            reply.body,
            json!([{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}])
        );
        assert_eq!(reply.status, 404);
    }
    let books = sandbox.books();
    for kind in ["create", "update", "delete"] {
        assert_eq!(books["counts"][format!("salesforce.Lead.{kind}.api")], 1, "{kind}");
    }
    assert_eq!(books["calls"]["salesforce PATCH /services/data/v66.0/sobjects/Lead/{id}"], 2);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_in_the_vendors_words() {
    let sandbox = empty().await;
    let account = created(&sandbox, "Account", json!({"Name": "Northlight"})).await;
    let with = |field: &str, value: Value| {
        let mut lead = json!({"LastName": "Doe", "Company": "Acme"});
        lead[field] = value;
        lead
    };
    let long = "x".repeat(41);
    let cases = [
        (
            "Lead",
            json!({"LastName": "Doe"}),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [Company]",
        ),
        (
            "Lead",
            with("Company", json!("")),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [Company]",
        ),
        (
            "Lead",
            with("Nope__c", json!(1)),
            "INVALID_FIELD",
            "No such column 'Nope__c' on sobject of type Lead",
        ),
        ("Lead", with("Email", json!("x")), "INVALID_EMAIL_ADDRESS", "Email: invalid email address: x"),
        (
            "Lead",
            with("Status", json!("Foo")),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Status: bad value for restricted picklist field: Foo",
        ),
        (
            "Lead",
            with("FirstName", json!(long)),
            "STRING_TOO_LONG",
            &format!("First Name: data value too large: {long} (max length=40)"),
        ),
        (
            "Lead",
            with("Id", json!("00Qxx0000000001")),
            "INVALID_FIELD",
            "The Id field should not be specified in the sobject data.",
        ),
        (
            "Contact",
            json!({"LastName": "Doe", "AccountId": "nonsense"}),
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: nonsense",
        ),
        (
            "Contact",
            json!({"LastName": "Doe", "AccountId": "001xx0zzzzzzzzz"}),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
        ),
    ];
    for (object, body, code, message) in cases {
        let reply = call(&sandbox, "POST", &format!("/sobjects/{object}"), Some(body)).await;
        assert_eq!(refusal(&reply), (400, code), "{}", reply.body);
        assert_eq!(reply.body[0]["message"], message);
    }
    for (field, value) in [
        ("AnnualRevenue", json!("a lot")),
        ("Intercom_Signed_Up_At__c", json!("yesterday")),
        ("DoNotCall", json!("perhaps")),
    ] {
        let reply = call(&sandbox, "POST", "/sobjects/Lead", Some(with(field, value))).await;
        assert_eq!(refusal(&reply), (400, "JSON_PARSER_ERROR"), "{field}");
    }
    let reply = call(&sandbox, "POST", "/sobjects/Lead", Some(with("IsConverted", json!(true)))).await;
    assert_eq!(
        (refusal(&reply), &reply.body[0]["fields"]),
        ((400, "INVALID_FIELD_FOR_INSERT_UPDATE"), &json!(["IsConverted"]))
    );
    let contact = json!({"LastName": "Doe", "AccountId": &account[..15]});
    let contact = created(&sandbox, "Contact", contact).await;
    // The direct relation to the account is there without anybody writing it, and stays.
    let relation = &sandbox.salesforce_find("AccountContactRelation", "ContactId", &contact)[0];
    assert_eq!((&relation["AccountId"], &relation["IsDirect"]), (&json!(account), &json!(true)));
    let path = format!("/sobjects/AccountContactRelation/{}", relation["Id"].as_str().unwrap());
    assert_eq!(call(&sandbox, "DELETE", &path, None).await.status, 400);
    let lead = created(&sandbox, "Lead", with("Title", json!("VP"))).await;
    let task = json!({"Subject": "Call", "WhoId": lead, "WhatId": account});
    assert_eq!(
        refusal(&call(&sandbox, "POST", "/sobjects/Task", Some(task)).await),
        (400, "FIELD_INTEGRITY_EXCEPTION")
    );
    assert_eq!(refusal(&call(&sandbox, "GET", "/sobjects/Lead/nonsense", None).await), (404, "NOT_FOUND"));
    let wrong =
        call(&sandbox, "PATCH", &format!("/sobjects/Lead/{account}"), Some(json!({"Title": "VP"}))).await;
    assert_eq!(refusal(&wrong), (400, "MALFORMED_ID"));
    let url = format!("{}{DATA}/sobjects/Lead", sandbox.salesforce_instance_url());
    let broken = client().post(url).bearer_auth(sandbox.salesforce_token()).body("{\"LastName\":");
    assert_eq!(refusal(&read(broken.send().await.unwrap()).await), (400, "JSON_PARSER_ERROR"));
}

#[tokio::test]
async fn an_upsert_creates_once_and_changes_from_then_on() {
    let sandbox = empty().await;
    let path = "/sobjects/Lead/Intercom_Contact_ID__c/abc%2F1";
    let lead = json!({"LastName": "Doe", "Company": "Acme"});
    let first = call(&sandbox, "PATCH", path, Some(lead.clone())).await;
    assert_eq!((first.status, &first.body["created"]), (201, &json!(true)));
    let id = first.body["id"].as_str().unwrap();
    assert!(first.header("location").unwrap().ends_with(id));
    let second = call(&sandbox, "PATCH", path, Some(json!({"Title": "VP"}))).await;
    assert_eq!(second.body, json!({"id": id, "success": true, "errors": [], "created": false}));
    assert_eq!(second.status, 200);
    let row = call(&sandbox, "GET", path, None).await;
    assert_eq!((&row.body["Id"], &row.body["Intercom_Contact_ID__c"]), (&json!(id), &json!("abc/1")));
    let only = call(
        &sandbox,
        "PATCH",
        "/sobjects/Lead/Intercom_Contact_ID__c/new?updateOnly=true",
        Some(lead.clone()),
    )
    .await;
    assert_eq!(refusal(&only), (404, "NOT_FOUND"));
    let repeated = json!({"Intercom_Contact_ID__c": "abc/1", "Title": "VP"});
    assert_eq!(refusal(&call(&sandbox, "PATCH", path, Some(repeated)).await), (400, "INVALID_FIELD"));
    assert_eq!(
        refusal(&call(&sandbox, "PATCH", "/sobjects/Lead/Title/VP", Some(lead.clone())).await),
        (404, "NOT_FOUND")
    );

    let mut taken = lead.clone();
    taken["Intercom_Contact_ID__c"] = json!("ABC/1");
    let taken = call(&sandbox, "POST", "/sobjects/Lead", Some(taken)).await;
    assert_eq!(refusal(&taken), (400, "DUPLICATE_VALUE"));
    let words = taken.body[0]["message"].as_str().unwrap();
    assert!(words.ends_with(&format!("on record with id: {}", &id[..15])), "{words}");

    // Two rows with one value of a key that is not unique.
    let mut ids = Vec::new();
    for name in ["One", "Two"] {
        ids.push(
            created(&sandbox, "Lead", json!({"LastName": name, "Company": "Acme", "Legacy_ID__c": "L-7"}))
                .await,
        );
    }
    let several =
        call(&sandbox, "PATCH", "/sobjects/Lead/Legacy_ID__c/L-7", Some(json!({"Title": "VP"}))).await;
    let addresses: Vec<String> = ids.iter().map(|id| format!("{DATA}/sobjects/Lead/{id}")).collect();
    assert_eq!((several.status, several.body), (300, json!(addresses)));

    // A parent may be named by its own external id.
    let company =
        created(&sandbox, "Account", json!({"Name": "Acme", "Intercom_Company_ID__c": "c-1"})).await;
    let contact = json!({"LastName": "Roe", "Account": {"Intercom_Company_ID__c": "c-1"}});
    let contact = created(&sandbox, "Contact", contact).await;
    assert_eq!(sandbox.salesforce_row("Contact", &contact).unwrap()["AccountId"], company);
}

#[tokio::test]
async fn a_resembling_row_is_refused_and_saved_only_when_the_call_insists() {
    let sandbox = empty().await;
    let lead = json!({"LastName": "Doe", "Company": "Acme", "Email": "jo@acme.co"});
    let first = created(&sandbox, "Lead", lead.clone()).await;
    let reply = call(&sandbox, "POST", "/sobjects/Lead", Some(lead.clone())).await;
    assert_eq!(refusal(&reply), (400, "DUPLICATES_DETECTED"));
    let result = &reply.body[0]["duplicateResult"];
    assert_eq!(
        (&result["allowSave"], &result["duplicateRule"]),
        (&json!(true), &json!("Standard_Lead_Duplicate_Rule"))
    );
    let record = &result["matchResults"][0]["matchRecords"][0]["record"];
    assert_eq!(
        record,
        &json!({"attributes": {"type": "Lead", "url": format!("{DATA}/sobjects/Lead/{first}")}, "Id": first})
    );
    let insist = |sandbox: &Sandbox| {
        let url = format!("{}{DATA}/sobjects/Lead", sandbox.salesforce_instance_url());
        let header = "allowSave=true; includeRecordDetails=true; runAsCurrentUser=true";
        client()
            .post(url)
            .bearer_auth(sandbox.salesforce_token())
            .header("Sforce-Duplicate-Rule-Header", header)
            .body(lead.to_string())
    };
    assert_eq!(insist(&sandbox).send().await.unwrap().status(), 201);
    assert_eq!(sandbox.books()["double_creates"][0]["object"], "Lead");
    // What does not matter for matching may change on either.
    let changed =
        call(&sandbox, "PATCH", &format!("/sobjects/Lead/{first}"), Some(json!({"Title": "VP"}))).await;
    assert_eq!(changed.status, 204);

    for (rules, status) in [(DuplicateRules::Block, 400), (DuplicateRules::Off, 201)] {
        let settings = Settings { seeded: false, salesforce_duplicate_rules: rules, ..fixed() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        created(&sandbox, "Lead", lead.clone()).await;
        assert_eq!(insist(&sandbox).send().await.unwrap().status(), status, "{rules:?}");
    }
}

#[tokio::test]
async fn changed_and_deleted_rows_are_told_by_the_time_of_the_change() {
    let sandbox = empty().await;
    let kept = created(&sandbox, "Account", json!({"Name": "Northlight"})).await;
    let gone = created(&sandbox, "Account", json!({"Name": "Southlight"})).await;
    call(&sandbox, "DELETE", &format!("/sobjects/Account/{gone}"), None).await;
    let window = "start=2026-03-02T08:00:00Z&end=2026-03-02T09:00:00%2B00:00";
    let updated = call(&sandbox, "GET", &format!("/sobjects/Account/updated/?{window}"), None).await;
    assert_eq!(updated.body["ids"], json!([kept]));
    let deleted = call(&sandbox, "GET", &format!("/sobjects/Account/deleted/?{window}"), None).await;
    assert_eq!(deleted.body["deletedRecords"][0]["id"], gone);
    assert!(deleted.body["earliestDateAvailable"].is_string());
    let before = "start=2026-03-01T08:00:00Z&end=2026-03-01T09:00:00Z";
    let updated = call(&sandbox, "GET", &format!("/sobjects/Account/updated/?{before}"), None).await;
    assert_eq!(updated.body["ids"], json!([]));
    for wrong in [
        "start=2026-03-02T09:00:00Z&end=2026-03-02T08:00:00Z",
        "start=2025-01-01T00:00:00Z&end=2026-03-02T08:00:00Z",
        "",
    ] {
        let reply = call(&sandbox, "GET", &format!("/sobjects/Account/updated/?{wrong}"), None).await;
        assert_eq!(refusal(&reply), (400, "INVALID_REPLICATION_DATE"), "{wrong}");
    }
}
