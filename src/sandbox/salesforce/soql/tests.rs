//! SOQL over a small org, and over a large one.

use serde_json::{Map, Value, json};

use super::{Found, Refusal};
use crate::sandbox::desk::{Who, lock};
use crate::sandbox::salesforce::Org;
use crate::sandbox::{Sandbox, Settings};

const DAY: i64 = 86_400_000;

async fn sandbox() -> Sandbox {
    let now = Some("2026-03-02T08:30:00Z".parse().unwrap());
    Sandbox::start(Settings { seeded: false, now, ..Settings::default() }).await.unwrap()
}

fn put(org: &mut Org, object: &'static str, days_ago: i64, fields: Value) -> String {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    let at = org.now() - days_ago * DAY;
    org.put(object, fields, at, Who::Ui)
}

/// Two accounts, four contacts, three leads of which one is deleted.
fn populate(org: &mut Org) -> [String; 2] {
    let acme =
        put(org, "Account", 90, json!({"Name": "Acme", "NumberOfEmployees": 40, "Website": "acme.example"}));
    let bolt = put(org, "Account", 80, json!({"Name": "Bolt", "NumberOfEmployees": 7}));
    for (last, first, email, account, mrr) in [
        ("Ivers", "Ana", "ana@acme.example", &acme, Some(100)),
        ("O'Neil", "Bea", "BEA@acme.example", &acme, Some(50)),
        ("Cole", "Cy", "cy@bolt.example", &bolt, None),
    ] {
        let mut fields = json!({"LastName": last, "FirstName": first, "Email": email, "AccountId": account});
        if let Some(mrr) = mrr {
            fields["MRR__c"] = json!(mrr);
        }
        put(org, "Contact", 10, fields);
    }
    put(org, "Contact", 3, json!({"LastName": "Dune", "Birthdate": "1990-05-01"}));
    put(org, "Lead", 0, json!({"LastName": "Today", "Company": "100% Co", "Status": "Open - Not Contacted"}));
    put(org, "Lead", 40, json!({"LastName": "Old", "Company": "1000 Co", "HasOptedOutOfEmail": true}));
    let gone = put(org, "Lead", 1, json!({"LastName": "Gone", "Company": "Co"}));
    if let Some(mut row) = org.row_mut("Lead", &gone) {
        row.deleted = true;
    }
    [acme, bolt]
}

fn asked(org: &Org, query: &str) -> Result<Vec<Value>, Refusal> {
    asked_of(org, query, false)
}

fn asked_of(org: &Org, query: &str, all: bool) -> Result<Vec<Value>, Refusal> {
    let (plan, found) = org.found_by(query, all)?;
    Ok(match found {
        Found::Count(count) => vec![json!(count)],
        Found::Groups(groups) => groups,
        Found::Rows(rows) => rows.iter().map(|row| org.shown(&plan, row)).collect(),
    })
}

/// The last names (or names) a query finds, in its order.
fn names(org: &Org, rest: &str) -> Vec<String> {
    let field = if rest.starts_with("Account") { "Name" } else { "LastName" };
    let rows = asked(org, &format!("SELECT {field} FROM {rest}")).unwrap();
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

fn refused(org: &Org, query: &str) -> (&'static str, String) {
    let refusal = asked(org, query).unwrap_err();
    (refusal.code, refusal.message)
}

#[tokio::test]
async fn texts_compare_without_regard_to_case_and_escapes_are_resolved() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    assert_eq!(names(&org, "Contact WHERE Email = 'Bea@ACME.example'"), ["O'Neil"]);
    assert_eq!(names(&org, "contact where lastname = 'O\\'NEIL'"), ["O'Neil"]);
    assert_eq!(names(&org, "Contact WHERE Email LIKE '%@acme.%'"), ["Ivers", "O'Neil"]);
    assert_eq!(names(&org, "Lead WHERE Company LIKE '100\\% %'"), ["Today"]);
    assert_eq!(names(&org, "Contact WHERE LastName IN ('cole', 'DUNE', 'x')"), ["Cole", "Dune"]);
    assert_eq!(names(&org, "Contact WHERE LastName > 'D' AND LastName < 'J'"), ["Ivers", "Dune"]);
    assert_eq!(names(&org, "Contact WHERE Name = 'ana ivers'"), ["Ivers"]);
}

#[tokio::test]
async fn rows_without_a_value_differ_from_every_value() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    assert_eq!(names(&org, "Contact WHERE MRR__c != 100"), ["O'Neil", "Cole", "Dune"]);
    assert_eq!(names(&org, "Contact WHERE MRR__c < 100"), ["O'Neil"]);
    assert_eq!(names(&org, "Contact WHERE MRR__c = null"), ["Cole", "Dune"]);
    assert_eq!(names(&org, "Contact WHERE Email = ''"), ["Dune"]);
    assert_eq!(names(&org, "Contact WHERE Email NOT IN ('cy@bolt.example')"), ["Ivers", "O'Neil", "Dune"]);
    assert_eq!(names(&org, "Contact WHERE (NOT Email LIKE '%acme%')"), ["Cole", "Dune"]);
    assert_eq!(names(&org, "Lead WHERE HasOptedOutOfEmail = false"), ["Today"]);
}

#[tokio::test]
async fn dates_moments_and_date_words_are_spans_of_time() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    assert_eq!(names(&org, "Lead WHERE CreatedDate = TODAY"), ["Today"]);
    assert_eq!(names(&org, "Lead WHERE CreatedDate < LAST_N_DAYS:30"), ["Old"]);
    assert_eq!(names(&org, "Contact WHERE CreatedDate >= LAST_N_DAYS:5"), ["Dune"]);
    assert_eq!(names(&org, "Contact WHERE Birthdate = 1990-05-01"), ["Dune"]);
    assert_eq!(names(&org, "Lead WHERE SystemModstamp >= 2026-03-02T09:30:00+01:00"), ["Today"]);
    assert_eq!(names(&org, "Lead WHERE SystemModstamp > 2026-03-02T08:30:01Z"), Vec::<String>::new());
    let (code, message) = refused(&org, "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'");
    assert_eq!(code, "INVALID_FIELD");
    assert!(message.ends_with("must be of type dateTime and should not be enclosed in quotes"), "{message}");
    let (code, _) = refused(&org, "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01");
    assert_eq!(code, "INVALID_FIELD");
}

#[tokio::test]
async fn relationships_are_followed_up_and_down() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    let [acme, _] = populate(&mut org);
    let rows =
        asked(&org, "SELECT Id, Account.Name, Account.Owner.Email FROM Contact WHERE LastName = 'Ivers'")
            .unwrap();
    assert_eq!(rows[0]["Account"]["Name"], "Acme");
    assert_eq!(rows[0]["Account"]["attributes"]["type"], "Account");
    assert_eq!(rows[0]["Account"]["Owner"], Value::Null);
    let alone = asked(&org, "SELECT Account.Name FROM Contact WHERE LastName = 'Dune'").unwrap();
    assert_eq!(alone[0]["Account"], Value::Null);
    assert_eq!(names(&org, "Contact WHERE Account.Name = 'bolt'"), ["Cole"]);
    let rows =
        asked(&org, "SELECT Name, (SELECT LastName FROM Contacts WHERE MRR__c > 60) FROM Account").unwrap();
    assert_eq!((&rows[0]["Contacts"]["totalSize"], &rows[0]["Contacts"]["done"]), (&json!(1), &json!(true)));
    assert_eq!(rows[0]["Contacts"]["records"][0]["LastName"], "Ivers");
    assert_eq!(rows[1]["Contacts"], Value::Null);
    assert_eq!(
        names(&org, "Account WHERE Id IN (SELECT AccountId FROM Contact WHERE MRR__c = 50)"),
        ["Acme"]
    );
    assert_eq!(
        names(&org, "Account WHERE Id NOT IN (SELECT AccountId FROM Contact WHERE MRR__c > 0)"),
        ["Bolt"]
    );
    let task = json!({"Subject": "Call", "WhatId": acme});
    put(&mut org, "Task", 0, task);
    let rows = asked(&org, "SELECT What.Name, What.Type, Who.Name FROM Task").unwrap();
    assert_eq!((&rows[0]["What"]["Name"], &rows[0]["What"]["Type"]), (&json!("Acme"), &json!("Account")));
    assert_eq!((&rows[0]["What"]["attributes"]["type"], &rows[0]["Who"]), (&json!("Name"), &Value::Null));
}

#[tokio::test]
async fn order_puts_nothing_first_unless_told_otherwise_and_limits_cut() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    assert_eq!(names(&org, "Contact ORDER BY MRR__c, LastName DESC"), ["Dune", "Cole", "O'Neil", "Ivers"]);
    assert_eq!(names(&org, "Contact ORDER BY MRR__c DESC, LastName"), ["Cole", "Dune", "Ivers", "O'Neil"]);
    let last = "Contact ORDER BY MRR__c DESC NULLS LAST, LastName";
    assert_eq!(names(&org, last), ["Ivers", "O'Neil", "Cole", "Dune"]);
    assert_eq!(names(&org, &format!("{last} LIMIT 2 OFFSET 1")), ["O'Neil", "Cole"]);
    assert_eq!(names(&org, "Contact ORDER BY Account.Name DESC NULLS LAST LIMIT 1"), ["Cole"]);
    assert_eq!(names(&org, "Contact LIMIT 0"), Vec::<String>::new());
}

#[tokio::test]
async fn counting_and_grouping() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    assert_eq!(asked(&org, "SELECT COUNT() FROM Contact WHERE MRR__c > 0").unwrap(), [json!(2)]);
    let all = asked(&org, "SELECT COUNT(Id), SUM(MRR__c) total, MAX(LastName) FROM Contact").unwrap();
    assert_eq!(
        (&all[0]["expr0"], all[0]["total"].as_f64(), &all[0]["expr1"]),
        (&json!(4), Some(150.0), &json!("O'Neil"))
    );
    assert_eq!(all[0]["attributes"]["type"], "AggregateResult");
    let groups = asked(
        &org,
        "SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name HAVING COUNT(Id) > 1 ORDER BY COUNT(Id)",
    )
    .unwrap();
    assert_eq!((groups.len(), &groups[0]["Name"], &groups[0]["n"]), (1, &json!("Acme"), &json!(2)));
    let years = asked(
        &org,
        "SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) FROM Account GROUP BY CALENDAR_YEAR(CreatedDate)",
    )
    .unwrap();
    assert_eq!((&years[0]["y"], &years[0]["expr0"]), (&json!(2025), &json!(2)));
    let (code, message) = refused(&org, "SELECT Email, COUNT(Id) FROM Contact GROUP BY LastName");
    assert!(code == "MALFORMED_QUERY" && message.contains("Field must be grouped or aggregated: Email"));
}

#[tokio::test]
async fn deleted_rows_are_only_for_those_who_ask() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    let gone = "SELECT LastName FROM Lead WHERE IsDeleted = true";
    assert_eq!(asked(&org, gone).unwrap(), Vec::<Value>::new());
    assert_eq!(asked_of(&org, gone, true).unwrap()[0]["LastName"], "Gone");
    assert_eq!(asked(&org, &format!("{gone} ALL ROWS")).unwrap().len(), 1);
    let by_id = asked_of(&org, "SELECT Id FROM Lead WHERE LastName = 'Gone'", true).unwrap();
    let id = by_id[0]["Id"].as_str().unwrap();
    assert!(asked(&org, &format!("SELECT Id FROM Lead WHERE Id = '{id}'")).unwrap().is_empty());
    assert_eq!(
        asked_of(&org, &format!("SELECT Id FROM Lead WHERE Id = '{}'", &id[..15]), true).unwrap().len(),
        1
    );
}

#[tokio::test]
async fn refusals_are_worded_as_the_vendor_words_them() {
    let sandbox = sandbox().await;
    let org = lock(&sandbox.world.salesforce);
    assert_eq!(
        refused(&org, "SELEC Id FROM Lead"),
        ("MALFORMED_QUERY", "unexpected token: SELEC".to_owned())
    );
    let (code, message) = refused(&org, "SELECT Id, Nope__c FROM Lead");
    assert_eq!(code, "INVALID_FIELD");
    assert!(
        message.starts_with("\nSELECT Id, Nope__c FROM Lead\n           ^\nERROR at Row:1:Column:12\nNo such column 'Nope__c' on entity 'Lead'."),
        "{message}"
    );
    assert_eq!(refused(&org, "SELECT Id FROM Nope").0, "INVALID_TYPE");
    assert_eq!(refused(&org, "SELECT Foo.Name FROM Lead").0, "INVALID_FIELD");
    assert_eq!(refused(&org, "SELECT (SELECT Id FROM Foos) FROM Account").0, "INVALID_TYPE");
    assert_eq!(refused(&org, "SELECT Id FROM Lead WHERE Id = 'x'").0, "INVALID_QUERY_FILTER_OPERATOR");
    assert!(refused(&org, "SELECT Id FROM Lead WHERE Email = 5").1.contains("must be of type string"));
    assert!(refused(&org, "SELECT Id FROM Lead WHERE Description = 'x'").1.contains("can not be filtered"));
    assert!(refused(&org, "SELECT FIELDS(ALL) FROM Lead").1.contains("LIMIT of at most 200"));
    assert!(refused(&org, "SELECT Id, Id FROM Lead").1.contains("duplicate field selected: Id"));
    assert_eq!(refused(&org, "SELECT Id FROM Lead OFFSET 2001").0, "NUMBER_OUTSIDE_VALID_RANGE");
    assert_eq!(refused(&org, "SELECT Id FROM Lead WHERE COUNT(Id) > 1").0, "MALFORMED_QUERY");
}

#[tokio::test]
async fn wildcards_name_every_field_once() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    populate(&mut org);
    let rows = asked(&org, "SELECT FIELDS(ALL) FROM Contact LIMIT 1").unwrap();
    assert!(rows[0].get("MRR__c").is_some() && rows[0].get("SystemModstamp").is_some());
    let rows = asked(&org, "SELECT FIELDS(STANDARD) FROM Contact").unwrap();
    assert!(rows[0].get("MRR__c").is_none() && rows[0].get("Email").is_some());
}

/// A whole pass over a large table by its stamps must cost about as much as reading it.
#[tokio::test]
async fn paging_by_stamp_over_many_rows_finds_each_once() {
    let sandbox = sandbox().await;
    let mut org = lock(&sandbox.world.salesforce);
    let now = org.now();
    for index in 0..5_000_i64 {
        let mut fields = Map::new();
        fields.insert("LastName".to_owned(), json!(format!("Row {index}")));
        // Newest first in the table and four rows to a stamp, so that only sorting can make the order.
        org.put("Contact", fields, now - index / 4 * 1_000, Who::Ui);
    }
    let mut seen = std::collections::HashSet::new();
    let mut after = ("2020-01-01T00:00:00.000+0000".to_owned(), "000000000000000".to_owned());
    loop {
        let query = format!(
            "SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp > {0} OR (SystemModstamp = {0} AND Id > '{1}') \
             ORDER BY SystemModstamp, Id LIMIT 600",
            after.0, after.1
        );
        let rows = asked(&org, &query).unwrap();
        let Some(last) = rows.last() else { break };
        after =
            (last["SystemModstamp"].as_str().unwrap().to_owned(), last["Id"].as_str().unwrap().to_owned());
        seen.extend(rows.iter().map(|row| row["Id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 5_000);
}
