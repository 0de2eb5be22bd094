//! The emulated Salesforce's deep parts over HTTP: query pages, bulk jobs, SOAP merge and conversion,
//! outbound messages.

use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Reply, client, empty, read, send};
use crate::sandbox::{Sandbox, Vendor};

const DATA: &str = "/services/data/v66.0";

async fn call(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(sandbox, Vendor::Salesforce, method, &format!("{DATA}{path}"), body).await
}

async fn created(sandbox: &Sandbox, object: &str, fields: Value) -> String {
    let reply = call(sandbox, "POST", &format!("/sobjects/{object}"), Some(fields)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

async fn raw(sandbox: &Sandbox, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Reply {
    let mut request = client()
        .request(method.parse().unwrap(), format!("{}{path}", sandbox.salesforce_instance_url()))
        .bearer_auth(sandbox.salesforce_token());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.body(body).send().await.unwrap()).await
}

async fn query(sandbox: &Sandbox, kind: &str, soql: &str) -> Reply {
    let mut url = reqwest::Url::parse(sandbox.salesforce_instance_url()).unwrap();
    url.set_path(&format!("{DATA}/{kind}"));
    url.query_pairs_mut().append_pair("q", soql);
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    raw(sandbox, "GET", &path, &[("sforce-query-options", "batchSize=200")], String::new()).await
}

async fn records(sandbox: &Sandbox, kind: &str, soql: &str) -> Vec<Value> {
    let reply = query(sandbox, kind, soql).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["records"].as_array().unwrap().clone()
}

/// Creates a job, uploads the data and says that it is complete.
async fn job(sandbox: &Sandbox, description: Value, csv: &str) -> String {
    let reply = call(sandbox, "POST", "/jobs/ingest", Some(description)).await;
    assert_eq!((reply.status, &reply.body["state"]), (200, &json!("Open")), "{}", reply.body);
    let id = reply.body["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.body["contentUrl"], format!("services/data/v66.0/jobs/ingest/{id}/batches"));
    let path = format!("{DATA}/jobs/ingest/{id}/batches");
    let reply = raw(sandbox, "PUT", &path, &[("content-type", "text/csv")], csv.to_owned()).await;
    assert_eq!(reply.status, 201);
    let close = Some(json!({"state": "UploadComplete"}));
    let reply = call(sandbox, "PATCH", &format!("/jobs/ingest/{id}"), close).await;
    assert_eq!((reply.status, &reply.body["state"]), (200, &json!("UploadComplete")));
    id
}

/// Polls to the end and gives the last info and the three results.
async fn finished(sandbox: &Sandbox, id: &str) -> (Value, [String; 3]) {
    let mut states = Vec::new();
    let info = loop {
        let reply = call(sandbox, "GET", &format!("/jobs/ingest/{id}"), None).await;
        let state = reply.body["state"].as_str().unwrap().to_owned();
        states.push(state.clone());
        if matches!(state.as_str(), "JobComplete" | "Failed" | "Aborted") {
            break reply.body;
        }
    };
    assert!(states.len() <= 2, "{states:?}");
    let mut results = Vec::new();
    for kind in ["successfulResults", "failedResults", "unprocessedrecords"] {
        let reply = call(sandbox, "GET", &format!("/jobs/ingest/{id}/{kind}"), None).await;
        assert_eq!(reply.header("content-type"), Some("text/csv; charset=UTF-8"));
        results.push(reply.body.as_str().unwrap_or_default().to_owned());
    }
    (info, results.try_into().unwrap())
}

#[tokio::test]
async fn a_query_pages_through_its_locator_until_done() {
    let sandbox = empty().await;
    let names: Vec<String> = (0..450).map(|index| format!("Name {index:03}")).collect();
    let csv = names.join("\n");
    let id =
        job(&sandbox, json!({"object": "Account", "operation": "insert"}), &format!("Name\n{csv}")).await;
    finished(&sandbox, &id).await;
    let mut page = query(&sandbox, "query", "SELECT Id, Name FROM Account ORDER BY Name").await.body;
    let mut names = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 450);
        names.extend(
            page["records"].as_array().unwrap().iter().map(|row| row["Name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextRecordsUrl"].as_str() else { break };
        assert_eq!(page["done"], false);
        let headers = [("sforce-query-options", "batchSize=200")];
        page = raw(&sandbox, "GET", next, &headers, String::new()).await.body;
    }
    assert_eq!(page["done"], true);
    assert_eq!((names.len(), names[449].as_str()), (450, "Name 449"));
    assert!(names.is_sorted());
    let lost = call(&sandbox, "GET", "/query/01gxx0000000009AAA-200", None).await;
    assert_eq!((lost.status, &lost.body[0]["errorCode"]), (400, &json!("INVALID_QUERY_LOCATOR")));
    let broken = query(&sandbox, "query", "SELEC Id FROM Lead").await;
    let expected = json!([{"message": "unexpected token: SELEC", "errorCode": "MALFORMED_QUERY"}]);
    assert_eq!((broken.status, broken.body), (400, expected));
}

#[tokio::test]
async fn a_bulk_upsert_creates_updates_clears_and_reports_each_row() {
    let sandbox = empty().await;
    let known = json!({"LastName": "Old", "Company": "Acme", "Title": "VP", "Phone": "1", "Intercom_Contact_ID__c": "k1"});
    let id = created(&sandbox, "Lead", known).await;
    let description =
        json!({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Intercom_Contact_ID__c"});
    let csv = "Intercom_Contact_ID__c,LastName,Company,Title,Phone,HasOptedOutOfEmail,Description\n\
               k1,Young,,#N/A,,true,\"two\nlines, \"\"quoted\"\"\"\n\
               k2,New,Bolt,,,,\n\
               k3,NoCompany,,,,,\n";
    let job = job(&sandbox, description, csv).await;
    let (info, [good, bad, rest]) = finished(&sandbox, &job).await;
    assert_eq!((&info["numberRecordsProcessed"], &info["numberRecordsFailed"]), (&json!(3), &json!(1)));
    let lines: Vec<&str> = good.lines().collect();
    assert!(lines[0].starts_with("\"sf__Id\",\"sf__Created\",\"Intercom_Contact_ID__c\""), "{good}");
    assert!(lines[1].starts_with(&format!("\"{id}\",\"false\",\"k1\",\"Young\"")), "{good}");
    assert!(good.contains("\"two\nlines, \"\"quoted\"\"\""), "{good}");
    assert!(lines[3].contains("\"true\",\"k2\""), "{good}");
    assert!(
        bad.contains(
            "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --\",\"k3\""
        ),
        "{bad}"
    );
    assert_eq!(rest.lines().count(), 1);
    let lead = call(&sandbox, "GET", &format!("/sobjects/Lead/{id}"), None).await.body;
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("Young"), &json!("Acme")));
    assert_eq!((&lead["Title"], &lead["Phone"]), (&Value::Null, &json!("1")));
    assert_eq!(
        (&lead["HasOptedOutOfEmail"], &lead["Description"]),
        (&json!(true), &json!("two\nlines, \"quoted\""))
    );
}

#[tokio::test]
async fn a_job_refuses_what_its_state_does_not_allow() {
    let sandbox = empty().await;
    let description =
        json!({"object": "Lead", "operation": "insert", "lineEnding": "CRLF", "columnDelimiter": "PIPE"});
    let id = call(&sandbox, "POST", "/jobs/ingest", Some(description)).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{DATA}/jobs/ingest/{id}/batches");
    let csv = [("content-type", "text/csv; charset=UTF-8")];
    let early = call(&sandbox, "GET", &format!("/jobs/ingest/{id}/successfulResults"), None).await;
    assert_eq!((early.status, &early.body[0]["errorCode"]), (400, &json!("INVALIDJOBSTATE")));
    let body = "LastName|Company\r\nA|B\r\n".to_owned();
    assert_eq!(raw(&sandbox, "PUT", &path, &csv, body.clone()).await.status, 201);
    let again = raw(&sandbox, "PUT", &path, &csv, body).await;
    assert_eq!((again.status, &again.body[0]["errorCode"]), (400, &json!("INVALIDJOBSTATE")));
    let state = |state: &str| Some(json!({"state": state}));
    let job = format!("/jobs/ingest/{id}");
    assert_eq!(call(&sandbox, "PATCH", &job, state("Aborted")).await.body["state"], "Aborted");
    let closed = call(&sandbox, "PATCH", &job, state("UploadComplete")).await;
    assert_eq!((closed.status, &closed.body[0]["errorCode"]), (400, &json!("INVALIDJOBSTATE")));
    let rest = call(&sandbox, "GET", &format!("{job}/unprocessedrecords"), None).await;
    assert_eq!(rest.body, "LastName|Company\r\nA|B\r\n");
    assert_eq!(call(&sandbox, "GET", "/jobs/ingest", None).await.body["records"][0]["id"], id);
    assert_eq!(call(&sandbox, "DELETE", &job, None).await.status, 204);
    assert_eq!(call(&sandbox, "GET", &job, None).await.status, 404);
    let nobody =
        call(&sandbox, "POST", "/jobs/ingest", Some(json!({"object": "Nope", "operation": "insert"}))).await;
    assert_eq!((nobody.status, &nobody.body[0]["errorCode"]), (400, &json!("INVALIDENTITY")));
}

#[tokio::test]
async fn a_file_that_makes_no_sense_fails_the_job_and_writes_nothing() {
    let sandbox = empty().await;
    for (csv, told) in [
        ("LastName,Company,Nope__c\nA,B,C\n", "InvalidBatch : Field name not found : Nope__c"),
        (
            "LastName,Company\r\nA,B\r\n",
            "LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        ("LastName,Company\nA,B\n\"C,D\n", "InvalidBatch : Failed to parse CSV at row 3"),
    ] {
        let id = job(&sandbox, json!({"object": "Lead", "operation": "insert"}), csv).await;
        let (info, results) = finished(&sandbox, &id).await;
        assert_eq!(info["state"], "Failed");
        assert!(info["errorMessage"].as_str().unwrap().contains(told), "{info}");
        assert_eq!(results[2], csv);
    }
    assert_eq!(query(&sandbox, "query", "SELECT COUNT() FROM Lead").await.body["totalSize"], 0);
}

#[tokio::test]
async fn bulk_deletes_and_updates_by_id() {
    let sandbox = empty().await;
    let one = created(&sandbox, "Lead", json!({"LastName": "A", "Company": "B"})).await;
    let two = created(&sandbox, "Lead", json!({"LastName": "C", "Company": "D"})).await;
    let csv = format!("Id,Title\n{one},CEO\n{},CTO\n,CFO\n", &two[..15]);
    let id = job(&sandbox, json!({"object": "Lead", "operation": "update"}), &csv).await;
    let (info, [good, bad, _]) = finished(&sandbox, &id).await;
    assert_eq!(info["numberRecordsFailed"], 1);
    assert!(good.contains(&format!("\"{two}\",\"false\"")), "{good}");
    assert!(bad.contains("MISSING_ARGUMENT:"), "{bad}");
    let id =
        job(&sandbox, json!({"object": "Lead", "operation": "delete"}), &format!("Id\n{one}\n{one}\n")).await;
    let (_, [_, bad, _]) = finished(&sandbox, &id).await;
    assert!(bad.contains(&format!("\"{one}\",\"ENTITY_IS_DELETED:entity is deleted:--\"")), "{bad}");
    assert_eq!(records(&sandbox, "query", "SELECT Id, Title FROM Lead").await.len(), 1);
}

#[tokio::test]
async fn a_bulk_query_hands_its_rows_out_by_locator() {
    let sandbox = empty().await;
    for name in ["A", "B", "C"] {
        created(&sandbox, "Account", json!({"Name": name})).await;
    }
    let ask = json!({"operation": "query", "query": "SELECT Name, Owner.Email FROM Account ORDER BY Name"});
    let reply = call(&sandbox, "POST", "/jobs/query", Some(ask)).await;
    assert_eq!((&reply.body["state"], &reply.body["object"]), (&json!("UploadComplete"), &json!("Account")));
    let job = format!("/jobs/query/{}", reply.body["id"].as_str().unwrap());
    assert_eq!(call(&sandbox, "GET", &job, None).await.body["state"], "InProgress");
    let info = call(&sandbox, "GET", &job, None).await.body;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(3)));
    let first = call(&sandbox, "GET", &format!("{job}/results?maxRecords=2"), None).await;
    assert_eq!(first.header("sforce-numberofrecords"), Some("2"));
    let text = first.body.as_str().unwrap().to_owned();
    assert!(text.starts_with("\"Name\",\"Owner.Email\"\n\"A\",\""), "{text}");
    let locator = first.header("sforce-locator").unwrap();
    let last = call(&sandbox, "GET", &format!("{job}/results?maxRecords=2&locator={locator}"), None).await;
    assert_eq!(
        (last.header("sforce-locator"), last.header("sforce-numberofrecords")),
        (Some("null"), Some("1"))
    );
    let broken = json!({"operation": "query", "query": "SELECT COUNT(Id) FROM Account"});
    assert_eq!(call(&sandbox, "POST", "/jobs/query", Some(broken)).await.status, 400);
}

async fn soap(sandbox: &Sandbox, session: &str, inner: &str) -> (u16, String) {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:urn=\"urn:partner.soap.sforce.com\">\
         <soapenv:Header><urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader></soapenv:Header>\
         <soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    );
    let headers = [("content-type", "text/xml"), ("soapaction", "\"\"")];
    let reply = raw(sandbox, "POST", "/services/Soap/u/66.0", &headers, body).await;
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=UTF-8"));
    (reply.status, reply.body.as_str().unwrap().to_owned())
}

async fn done(sandbox: &Sandbox, inner: &str) -> String {
    let (status, text) = soap(sandbox, sandbox.salesforce_token(), inner).await;
    assert_eq!(status, 200, "{text}");
    text
}

/// The texts of every element of that name.
fn texts(document: &str, name: &str) -> Vec<String> {
    let open = format!("<{name}>");
    let parts = document.split(&open).skip(1);
    parts.map(|part| part.split("</").next().unwrap().to_owned()).collect()
}

fn merge(child: &str, kind: &str, master: &str, values: &str, losers: &[&str]) -> String {
    let losers = losers.join("</recordToMergeIds><recordToMergeIds>");
    format!(
        "<urn:merge><{child}><masterRecord><type>{kind}</type><Id>{master}</Id>{values}</masterRecord>\
         <recordToMergeIds>{losers}</recordToMergeIds></{child}></urn:merge>"
    )
}

#[tokio::test]
async fn merged_contacts_leave_their_children_their_relations_and_a_trace() {
    let sandbox = empty().await;
    let acme = created(&sandbox, "Account", json!({"Name": "Acme"})).await;
    let bolt = created(&sandbox, "Account", json!({"Name": "Bolt"})).await;
    let master = created(&sandbox, "Contact", json!({"LastName": "Ivers", "AccountId": acme})).await;
    let fields =
        json!({"LastName": "Ivers 2", "AccountId": bolt, "Intercom_Contact_ID__c": "k1", "Title": "VP"});
    let loser = created(&sandbox, "Contact", fields).await;
    let task = created(&sandbox, "Task", json!({"Subject": "Call", "WhoId": loser})).await;
    let case = created(&sandbox, "Case", json!({"Subject": "Help", "ContactId": loser})).await;
    let values = "<Intercom_Contact_ID__c>k1</Intercom_Contact_ID__c><Phone>+1 &amp; 2</Phone>";
    let text = done(&sandbox, &merge("mergeRequests", "Contact", &master, values, &[&loser])).await;
    assert_eq!(
        (texts(&text, "success"), texts(&text, "id")),
        (vec!["true".to_owned()], vec![master.clone()])
    );
    assert_eq!(texts(&text, "mergedRecordIds"), [loser.as_str()]);
    let moved = texts(&text, "updatedRelatedIds");
    assert!(moved.contains(&task) && moved.contains(&case), "{text}");

    let row = call(&sandbox, "GET", &format!("/sobjects/Contact/{master}"), None).await.body;
    assert_eq!((&row["Intercom_Contact_ID__c"], &row["Phone"]), (&json!("k1"), &json!("+1 & 2")));
    assert_eq!((&row["Title"], &row["LastName"]), (&Value::Null, &json!("Ivers")));
    assert_eq!(call(&sandbox, "GET", &format!("/sobjects/Contact/{loser}"), None).await.status, 404);
    let task = call(&sandbox, "GET", &format!("/sobjects/Task/{task}"), None).await.body;
    assert_eq!(task["WhoId"], master);
    let trace = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true AND MasterRecordId != null";
    let gone = records(&sandbox, "queryAll", trace).await;
    assert_eq!((gone.len(), &gone[0]["Id"], &gone[0]["MasterRecordId"]), (1, &json!(loser), &json!(master)));
    assert_eq!(records(&sandbox, "query", trace).await.len(), 0);
    let relations = "SELECT Account.Name, IsDirect FROM AccountContactRelation ORDER BY Account.Name";
    let relations = records(&sandbox, "query", relations).await;
    assert_eq!(relations.len(), 2);
    assert_eq!((&relations[0]["Account"]["Name"], &relations[0]["IsDirect"]), (&json!("Acme"), &json!(true)));
    assert_eq!(
        (&relations[1]["Account"]["Name"], &relations[1]["IsDirect"]),
        (&json!("Bolt"), &json!(false))
    );

    let again = done(&sandbox, &merge("request", "Contact", &master, "", &[&loser])).await;
    assert_eq!(
        (texts(&again, "success"), texts(&again, "statusCode")),
        (vec!["false".to_owned()], vec!["ENTITY_IS_DELETED".to_owned()])
    );
}

#[tokio::test]
async fn merged_accounts_hand_over_contacts_and_opportunities() {
    let sandbox = empty().await;
    let master = created(&sandbox, "Account", json!({"Name": "Acme"})).await;
    let losers = [
        created(&sandbox, "Account", json!({"Name": "Acme Ltd"})).await,
        created(&sandbox, "Account", json!({"Name": "ACME Inc"})).await,
    ];
    let contact = created(&sandbox, "Contact", json!({"LastName": "Ivers", "AccountId": losers[0]})).await;
    let deal = json!({"Name": "Deal", "AccountId": losers[1], "StageName": "Prospecting", "CloseDate": "2026-06-30"});
    let deal = created(&sandbox, "Opportunity", deal).await;
    let text = done(&sandbox, &merge("x", "Account", &master, "", &[&losers[0], &losers[1]])).await;
    assert_eq!(texts(&text, "success"), ["true"]);
    let contact = call(&sandbox, "GET", &format!("/sobjects/Contact/{contact}"), None).await.body;
    let deal = call(&sandbox, "GET", &format!("/sobjects/Opportunity/{deal}"), None).await.body;
    assert_eq!((&contact["AccountId"], &deal["AccountId"]), (&json!(master), &json!(master)));
    let relations =
        records(&sandbox, "query", "SELECT AccountId, IsDirect FROM AccountContactRelation").await;
    assert_eq!(
        (relations.len(), &relations[0]["AccountId"], &relations[0]["IsDirect"]),
        (1, &json!(master), &json!(true))
    );
    assert_eq!(sandbox.books()["counts"]["salesforce.Account.merge.api"], 1);
}

#[tokio::test]
async fn a_merge_that_fails_changes_nothing_and_does_not_stop_the_next() {
    let sandbox = empty().await;
    let mut ids = Vec::new();
    for last in ["A", "B", "C", "D"] {
        ids.push(created(&sandbox, "Lead", json!({"LastName": last, "Company": "Co"})).await);
    }
    let request = |master: &str, values: &str, loser: &str| {
        format!(
            "<request><masterRecord><type>Lead</type><Id>{master}</Id>{values}</masterRecord>\
             <recordToMergeIds>{loser}</recordToMergeIds></request>"
        )
    };
    let inner = format!(
        "<urn:merge>{}{}</urn:merge>",
        request(&ids[0], "<Email>nonsense</Email>", &ids[1]),
        request(&ids[2], "", &ids[3])
    );
    let text = done(&sandbox, &inner).await;
    assert_eq!(texts(&text, "success"), ["false", "true"]);
    assert_eq!(texts(&text, "statusCode"), ["INVALID_EMAIL_ADDRESS"]);
    let left = records(&sandbox, "query", "SELECT LastName FROM Lead ORDER BY LastName").await;
    assert_eq!(left.iter().map(|row| row["LastName"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B", "C"]);
    let three = merge("r", "Lead", &ids[0], "", &[&ids[1], &ids[2], &ids[3]]);
    assert_eq!(texts(&done(&sandbox, &three).await, "success"), ["false"]);
    let itself = merge("r", "Lead", &ids[0], "", &[&ids[0]]);
    assert_eq!(texts(&done(&sandbox, &itself).await, "success"), ["false"]);
}

fn convert(lead: &str, rest: &str) -> String {
    format!(
        "<urn:convertLead><urn:leadConverts>{rest}<urn:leadId>{lead}</urn:leadId></urn:leadConverts></urn:convertLead>"
    )
}

#[tokio::test]
async fn a_converted_lead_becomes_contact_account_and_opportunity_and_stays_read_only() {
    let sandbox = empty().await;
    let fields = json!({"FirstName": "Ana", "LastName": "Ivers", "Company": "Acme", "Email": "ana@acme.example", "City": "Lyon", "Intercom_Contact_ID__c": "k1"});
    let lead = created(&sandbox, "Lead", fields).await;
    let task = created(&sandbox, "Task", json!({"Subject": "Call", "WhoId": lead})).await;
    let status = "<convertedStatus>Closed - Converted</convertedStatus>";
    let wrong =
        done(&sandbox, &convert(&lead, "<convertedStatus>Working - Contacted</convertedStatus>")).await;
    assert_eq!(texts(&wrong, "statusCode"), ["INVALID_STATUS"]);
    let text = done(&sandbox, &convert(&lead, status)).await;
    assert_eq!(texts(&text, "success"), ["true"], "{text}");
    let (account, contact) = (texts(&text, "accountId").remove(0), texts(&text, "contactId").remove(0));
    let deal = texts(&text, "opportunityId").remove(0);
    let contact_row = call(&sandbox, "GET", &format!("/sobjects/Contact/{contact}"), None).await.body;
    assert_eq!(
        (&contact_row["Email"], &contact_row["AccountId"]),
        (&json!("ana@acme.example"), &json!(account))
    );
    assert_eq!(contact_row["MailingCity"], "Lyon");
    let deal = call(&sandbox, "GET", &format!("/sobjects/Opportunity/{deal}"), None).await.body;
    assert_eq!((&deal["Name"], &deal["CloseDate"]), (&json!("Acme"), &json!("2026-03-31")));
    let lead_row = call(&sandbox, "GET", &format!("/sobjects/Lead/{lead}"), None).await.body;
    assert_eq!((&lead_row["IsConverted"], &lead_row["Status"]), (&json!(true), &json!("Closed - Converted")));
    assert_eq!(
        (&lead_row["ConvertedContactId"], &lead_row["ConvertedAccountId"]),
        (&json!(contact), &json!(account))
    );
    assert_eq!(lead_row["ConvertedDate"], "2026-03-02");
    assert_eq!(call(&sandbox, "GET", &format!("/sobjects/Task/{task}"), None).await.body["WhoId"], contact);
    let patch =
        call(&sandbox, "PATCH", &format!("/sobjects/Lead/{lead}"), Some(json!({"Title": "VP"}))).await;
    assert_eq!((patch.status, &patch.body[0]["errorCode"]), (400, &json!("CANNOT_UPDATE_CONVERTED_LEAD")));
    let again = done(&sandbox, &convert(&lead, status)).await;
    assert_eq!(
        (texts(&again, "success"), texts(&again, "statusCode")),
        (vec!["false".to_owned()], vec!["CANNOT_UPDATE_CONVERTED_LEAD".to_owned()])
    );
}

#[tokio::test]
async fn a_lead_converted_into_an_existing_contact_only_fills_its_gaps() {
    let sandbox = empty().await;
    let account = created(&sandbox, "Account", json!({"Name": "Acme"})).await;
    let contact =
        json!({"LastName": "Ivers", "AccountId": account, "Title": "VP", "Email": "old@acme.example"});
    let contact = created(&sandbox, "Contact", contact).await;
    let fields = json!({"LastName": "Other", "Company": "Elsewhere", "Title": "CEO", "Phone": "+1", "HasOptedOutOfEmail": true});
    let lead = created(&sandbox, "Lead", fields).await;
    let rest = format!(
        "<accountId>{account}</accountId><contactId>{contact}</contactId><convertedStatus>Closed - Converted</convertedStatus>\
         <doNotCreateOpportunity>true</doNotCreateOpportunity>"
    );
    let text = done(&sandbox, &convert(&lead, &rest)).await;
    assert_eq!(texts(&text, "contactId"), [contact.as_str()]);
    assert!(text.contains("<opportunityId xsi:nil=\"true\"/>"), "{text}");
    let row = call(&sandbox, "GET", &format!("/sobjects/Contact/{contact}"), None).await.body;
    assert_eq!(
        (&row["Title"], &row["Phone"], &row["LastName"]),
        (&json!("VP"), &json!("+1"), &json!("Ivers"))
    );
    assert_eq!((&row["Email"], &row["HasOptedOutOfEmail"]), (&json!("old@acme.example"), &json!(true)));
    assert_eq!(query(&sandbox, "query", "SELECT COUNT() FROM Opportunity").await.body["totalSize"], 0);
    let other = created(&sandbox, "Lead", json!({"LastName": "X", "Company": "Y"})).await;
    let alone =
        format!("<contactId>{contact}</contactId><convertedStatus>Closed - Converted</convertedStatus>");
    assert_eq!(texts(&done(&sandbox, &convert(&other, &alone)).await, "success"), ["false"]);
}

#[tokio::test]
async fn soap_refuses_strange_sessions_documents_and_logins() {
    let sandbox = empty().await;
    let user = "<urn:getUserInfo/>";
    let (status, text) = soap(&sandbox, "00Dstale", user).await;
    assert_eq!((status, texts(&text, "faultcode")), (500, vec!["sf:INVALID_SESSION_ID".to_owned()]));
    assert_eq!(
        texts(&text, "faultstring"),
        ["INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"]
    );
    let (status, text) = soap(&sandbox, sandbox.salesforce_token(), user).await;
    assert_eq!((status, texts(&text, "organizationId")), (200, vec!["00Dxx0000000001EAA".to_owned()]));
    assert_eq!(texts(&text, "userName"), ["integration@northlight.example"]);
    let (status, text) = soap(&sandbox, "", "<urn:login><urn:username>a</urn:username></urn:login>").await;
    assert_eq!((status, texts(&text, "faultcode")), (500, vec!["sf:INVALID_OPERATION".to_owned()]));
    let (status, text) = soap(&sandbox, sandbox.salesforce_token(), "<urn:frobnicate/>").await;
    assert_eq!((status, texts(&text, "faultcode")), (500, vec!["soapenv:Client".to_owned()]));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"b\">]><a>&b;</a>".to_owned();
    let reply = raw(&sandbox, "POST", "/services/Soap/u/66.0", &[("content-type", "text/xml")], bomb).await;
    assert_eq!(reply.status, 500);
}

type Inbox = Arc<Mutex<Vec<String>>>;

/// A subscriber that acknowledges after so many refusals, and answers only while the gate is open.
async fn subscriber(refusals: usize, gate: Semaphore) -> (String, Inbox, Arc<Semaphore>) {
    let inbox = Inbox::default();
    let gate = Arc::new(gate);
    let kept = Arc::clone(&inbox);
    let passed = Arc::clone(&gate);
    let router = Router::new().fallback(move |body: String| {
        let mut inbox = kept.lock().unwrap();
        inbox.push(body);
        let ack = inbox.len() > refusals;
        let gate = Arc::clone(&passed);
        async move {
            let _open = gate.acquire().await;
            format!(
                "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
                 <notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>{ack}</Ack>\
                 </notificationsResponse></e:Body></e:Envelope>"
            )
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/outbound", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox, gate)
}

#[tokio::test]
async fn an_outbound_message_is_repeated_until_acknowledged_with_the_values_of_that_moment() {
    let sandbox = empty().await;
    let (url, inbox, gate) = subscriber(2, Semaphore::new(0)).await;
    sandbox.subscribe_salesforce(&url);
    let lead =
        created(&sandbox, "Lead", json!({"LastName": "A & B", "Company": "Acme", "Email": "a@b.example"}))
            .await;
    while inbox.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let later = Some(json!({"Company": "Acme Ltd"}));
    assert_eq!(call(&sandbox, "PATCH", &format!("/sobjects/Lead/{lead}"), later).await.status, 204);
    gate.add_permits(1);
    sandbox.webhooks_drained().await;
    let inbox = inbox.lock().unwrap().clone();
    // Three deliveries of the creation, then one of the change.
    assert_eq!(inbox.len(), 4);
    let (first, last) = (&inbox[0], &inbox[2]);
    assert_eq!(texts(first, "Id"), texts(last, "Id"));
    assert_ne!(texts(first, "Id"), texts(&inbox[3], "Id"));
    assert_eq!(texts(first, "sf:Company"), ["Acme"]);
    assert_eq!(texts(last, "sf:Company"), ["Acme Ltd"]);
    assert_eq!(
        (texts(last, "OrganizationId"), texts(last, "sf:Id")),
        (vec!["00Dxx0000000001EAA".to_owned()], vec![lead])
    );
    assert_eq!(texts(last, "sf:LastName"), ["A &amp; B"]);
    assert!(
        last.contains("xsi:type=\"sf:Lead\"") && last.contains("<SessionId xsi:nil=\"true\"/>"),
        "{last}"
    );
    assert!(texts(last, "sf:CreatedDate")[0].ends_with('Z'), "{last}");
}

#[tokio::test]
async fn deleted_rows_send_no_message_and_objects_are_not_mixed() {
    let sandbox = empty().await;
    let lead = created(&sandbox, "Lead", json!({"LastName": "A", "Company": "Acme"})).await;
    let (url, inbox, _gate) = subscriber(0, Semaphore::new(1)).await;
    sandbox.subscribe_salesforce(&url);
    assert_eq!(call(&sandbox, "DELETE", &format!("/sobjects/Lead/{lead}"), None).await.status, 204);
    let records = json!([
        {"attributes": {"type": "Lead"}, "LastName": "B", "Company": "Bolt"},
        {"attributes": {"type": "Account"}, "Name": "Bolt"},
        {"attributes": {"type": "Lead"}, "LastName": "C", "Company": "Bolt"},
    ]);
    let body = Some(json!({"allOrNone": false, "records": records}));
    assert_eq!(call(&sandbox, "POST", "/composite/sobjects", body).await.status, 200);
    sandbox.webhooks_drained().await;
    let inbox = inbox.lock().unwrap().clone();
    let all = inbox.join("\n");
    assert_eq!((texts(&all, "sf:LastName").len(), texts(&all, "Notification").len()), (2, 3));
    for body in &inbox {
        assert!(!(body.contains("sf:Lead\"") && body.contains("sf:Account\"")), "{body}");
    }
}
