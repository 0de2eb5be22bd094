//! Many rows in one call: collections, composite, graphs, batches.

use serde_json::{Value, json};

use super::{DATA, call, created, empty, refusal};

fn lead(last: &str, key: &str) -> Value {
    json!({"attributes": {"type": "Lead"}, "LastName": last, "Company": "Acme", "Intercom_Contact_ID__c": key})
}

#[tokio::test]
async fn a_collection_answers_row_by_row_and_keeps_the_good_ones() {
    let sandbox = empty().await;
    let bad = json!({"attributes": {"type": "Lead"}, "LastName": "B"});
    let body = json!({"allOrNone": false, "records": [lead("A", "a"), bad, lead("C", "c")]});
    let reply = call(&sandbox, "POST", "/composite/sobjects", Some(body.clone())).await;
    assert_eq!(reply.status, 200);
    assert_eq!((&reply.body[0]["success"], &reply.body[2]["success"]), (&json!(true), &json!(true)));
    assert_eq!(
        reply.body[1]["errors"],
        json!([{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Company]", "fields": ["Company"]}])
    );
    let ids = format!("{},{}", reply.body[0]["id"].as_str().unwrap(), reply.body[2]["id"].as_str().unwrap());
    let read =
        call(&sandbox, "GET", &format!("/composite/sobjects/Lead?ids={ids}&fields=LastName"), None).await;
    assert_eq!((&read.body[0]["LastName"], &read.body[1]["LastName"]), (&json!("A"), &json!("C")));

    let change = json!({"records": [
        {"attributes": {"type": "Lead"}, "id": reply.body[0]["id"], "Title": "VP"},
        {"attributes": {"type": "Lead"}, "id": "00Qxx0zzzzzzzzz", "Title": "VP"},
    ]});
    let changed = call(&sandbox, "PATCH", "/composite/sobjects", Some(change)).await;
    assert_eq!(changed.body[0], json!({"id": reply.body[0]["id"], "success": true, "errors": []}));
    assert_eq!(changed.body[1]["errors"][0]["statusCode"], "NOT_FOUND");
    let deleted =
        call(&sandbox, "DELETE", &format!("/composite/sobjects?ids={ids}&allOrNone=false"), None).await;
    assert!(deleted.body.as_array().unwrap().iter().all(|row| row["success"] == true));
    let records: Vec<Value> = (0..201).map(|index| lead("Many", &index.to_string())).collect();
    let many = call(&sandbox, "POST", "/composite/sobjects", Some(json!({"records": records}))).await;
    assert_eq!(many.status, 400);
}

#[tokio::test]
async fn all_or_none_leaves_no_trace_of_a_failed_collection() {
    let sandbox = empty().await;
    let kept = created(&sandbox, "Account", json!({"Name": "Northlight"})).await;
    let before = sandbox.state_hash();
    let contact = json!({"attributes": {"type": "Contact"}, "LastName": "Roe", "AccountId": kept});
    let bad = json!({"attributes": {"type": "Contact"}, "FirstName": "Bo"});
    let body = json!({"allOrNone": true, "records": [contact, bad]});
    let reply = call(&sandbox, "POST", "/composite/sobjects", Some(body)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(reply.body[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(sandbox.state_hash(), before);
    assert!(sandbox.books()["counts"]["salesforce.Contact.create.api"].is_null());
    // The key of a row that was taken back is free again, in the index as well.
    let body = json!({"allOrNone": true, "records": [lead("A", "a"), {"attributes": {"type": "Lead"}}]});
    call(&sandbox, "POST", "/composite/sobjects", Some(body)).await;
    let again = call(
        &sandbox,
        "PATCH",
        "/sobjects/Lead/Intercom_Contact_ID__c/a",
        Some(json!({"LastName": "A", "Company": "B"})),
    )
    .await;
    assert_eq!(again.status, 201, "{}", again.body);
}

#[tokio::test]
async fn many_upserts_tell_which_rows_are_new() {
    let sandbox = empty().await;
    let path = "/composite/sobjects/Lead/Intercom_Contact_ID__c";
    call(&sandbox, "PATCH", path, Some(json!({"records": [lead("A", "a")]}))).await;
    let body = json!({"allOrNone": false, "records": [lead("A2", "a"), lead("B", "b"), lead("C", "c"), lead("D", "c")]});
    let reply = call(&sandbox, "PATCH", path, Some(body)).await;
    let told: Vec<&Value> = reply.body.as_array().unwrap().iter().map(|row| &row["created"]).collect();
    assert_eq!(told, [&json!(false), &json!(true), &Value::Null, &Value::Null]);
    assert_eq!(reply.body[2]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    assert_eq!(sandbox.salesforce_find("Lead", "Intercom_Contact_ID__c", "a")[0]["LastName"], "A2");
}

#[tokio::test]
async fn a_composite_hands_ids_on_and_takes_everything_back_together() {
    let sandbox = empty().await;
    let part = |method: &str, path: &str, name: &str, body: Value| json!({"method": method, "url": format!("{DATA}{path}"), "referenceId": name, "body": body});
    let parts = json!([
        part("POST", "/sobjects/Account", "acc", json!({"Name": "Northlight"})),
        part("POST", "/sobjects/Contact", "con", json!({"LastName": "Roe", "AccountId": "@{acc.id}"})),
        part("PATCH", "/sobjects/Contact/@{con.id}", "change", json!({"Title": "VP"})),
        {"method": "GET", "url": format!("{DATA}/sobjects/Contact/@{{con.id}}?fields=Title,AccountId"), "referenceId": "read"},
    ]);
    let reply =
        call(&sandbox, "POST", "/composite", Some(json!({"allOrNone": true, "compositeRequest": parts})))
            .await;
    let answers = &reply.body["compositeResponse"];
    let account = answers[0]["body"]["id"].as_str().unwrap();
    assert_eq!((&answers[0]["httpStatusCode"], &answers[0]["referenceId"]), (&json!(201), &json!("acc")));
    assert_eq!(answers[0]["httpHeaders"]["Location"], format!("{DATA}/sobjects/Account/{account}"));
    assert_eq!((&answers[2]["httpStatusCode"], &answers[2]["body"]), (&json!(204), &Value::Null));
    assert_eq!(
        (&answers[3]["body"]["AccountId"], &answers[3]["body"]["Title"]),
        (&json!(account), &json!("VP"))
    );
    // One call of the day's allowance, however many parts.
    assert_eq!(reply.header("sforce-limit-info"), Some("api-usage=1/100000"));

    let parts = json!([
        part("POST", "/sobjects/Account", "acc", json!({"Name": "Southlight"})),
        part("POST", "/sobjects/Lead", "bad", json!({"LastName": "X"})),
        part("POST", "/sobjects/Contact", "con", json!({"LastName": "Y", "AccountId": "@{acc.id}"})),
    ]);
    let before = sandbox.state_hash();
    let failed =
        call(&sandbox, "POST", "/composite", Some(json!({"allOrNone": true, "compositeRequest": parts})))
            .await;
    let answers = &failed.body["compositeResponse"];
    let codes: Vec<&Value> = (0..3).map(|index| &answers[index]["body"][0]["errorCode"]).collect();
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    assert_eq!(sandbox.state_hash(), before);
    let loose = call(
        &sandbox,
        "POST",
        "/composite",
        Some(json!({"allOrNone": false, "compositeRequest": [
            part("POST", "/sobjects/Lead", "bad", json!({"LastName": "X"})),
            part("POST", "/sobjects/Task", "after", json!({"Subject": "Call", "WhoId": "@{bad.id}"})),
            part("POST", "/sobjects/Task", "free", json!({"Subject": "Call"})),
        ]})),
    )
    .await;
    let statuses: Vec<&Value> =
        (0..3).map(|index| &loose.body["compositeResponse"][index]["httpStatusCode"]).collect();
    assert_eq!(statuses, [400, 400, 201]);
    let parts: Vec<Value> =
        (0..26).map(|index| part("GET", "/limits", &format!("n{index}"), Value::Null)).collect();
    assert_eq!(
        call(&sandbox, "POST", "/composite", Some(json!({"compositeRequest": parts}))).await.status,
        400
    );
    let named = json!({"compositeRequest": [part("GET", "/limits", "with-dash", Value::Null)]});
    assert_eq!(refusal(&call(&sandbox, "POST", "/composite", Some(named)).await), (400, "JSON_PARSER_ERROR"));
}

#[tokio::test]
async fn graphs_stand_or_fall_alone_and_batches_part_by_part() {
    let sandbox = empty().await;
    let account = |name: &str, body: Value| json!({"method": "POST", "url": format!("{DATA}/sobjects/Account"), "referenceId": name, "body": body});
    let graphs = json!({"graphs": [
        {"graphId": "1", "compositeRequest": [account("a", json!({"Name": "One"})), account("b", json!({}))]},
        {"graphId": "2", "compositeRequest": [account("a", json!({"Name": "Two"}))]},
    ]});
    let reply = call(&sandbox, "POST", "/composite/graph", Some(graphs)).await;
    let graphs = &reply.body["graphs"];
    assert_eq!((&graphs[0]["isSuccessful"], &graphs[1]["isSuccessful"]), (&json!(false), &json!(true)));
    assert_eq!(
        graphs[0]["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"],
        "PROCESSING_HALTED"
    );
    let names: Vec<Value> = ["One", "Two"]
        .iter()
        .map(|name| json!(sandbox.salesforce_find("Account", "Name", name).len()))
        .collect();
    assert_eq!(names, [0, 1]);
    let batch = json!({"batchRequests": [
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Three"}},
        {"method": "GET", "url": "v66.0/sobjects/Account/001xx0zzzzzzzzz"},
    ]});
    let reply = call(&sandbox, "POST", "/composite/batch", Some(batch)).await;
    assert_eq!(
        (&reply.body["hasErrors"], &reply.body["results"][0]["statusCode"]),
        (&json!(true), &json!(201))
    );
    assert_eq!(reply.body["results"][1]["result"][0]["errorCode"], "NOT_FOUND");
}
