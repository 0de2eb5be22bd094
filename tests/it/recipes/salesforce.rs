//! Salesforce's recipes: leads from conversations, activities, onboarding of a sale that was won, cases and their routing.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use crate::support::Bench;

const LEAD: &str = "hand-to-sales-lead";
const TASK: &str = "conversation-to-task";
const WON: &str = "opportunity-won";
const CASE: &str = "tag-to-case";
/// Users of the emulated org: Dana and Omar.
const DANA: &str = "005xx0000000002";

/// A bench with Salesforce as the CRM and these recipes on.
pub(super) async fn world(recipes: &[&str], change: impl Fn(String) -> String) -> Bench {
    let texts = recipes.iter().map(|name| {
        let path = format!("{}/assets/recipes/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        ((*name).to_owned(), change(text.replacen("state = \"off\"", "state = \"on\"", 1)))
    });
    Bench::build().salesforce().recipes(texts.collect()).start().await
}

/// A call to Intercom's API that must succeed.
pub(super) async fn intercom(bench: &Bench, method: &str, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", bench.sandbox.intercom_base_url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(method.parse().unwrap(), &url).bearer_auth(bench.sandbox.intercom_token());
    let request = if method == "GET" { request } else { request.json(body) };
    let answer = request.header("intercom-version", "2.14").send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{method} {url}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Somebody of the team tags a conversation.
async fn tag(bench: &Bench, conversation: &str, tag: &str) {
    let made = intercom(bench, "POST", "/tags", &json!({"name": tag})).await;
    let admins = intercom(bench, "GET", "/admins", &Value::Null).await;
    let body = json!({"id": made["id"], "admin_id": admins["admins"][0]["id"]});
    intercom(bench, "POST", &format!("/conversations/{conversation}/tags"), &body).await;
}

/// What became of the newest execution of a recipe: status and sentence.
pub(super) async fn outcome(bench: &Bench, recipe: &str) -> (String, String) {
    let row = bench.rows().await.into_iter().find(|row| row.recipe == recipe);
    let row = row.unwrap_or_else(|| panic!("{recipe} never ran"));
    (row.status.to_string(), row.sentence)
}

fn rows(bench: &Bench, object: &str) -> Vec<Value> {
    bench.sandbox.salesforce_rows(object)
}

#[tokio::test]
async fn r96_r105_r106_a_conversation_handed_to_sales_makes_one_lead_with_all_answers() {
    let mut bench = world(&[LEAD], |text| text).await;
    let lead =
        json!({"role": "lead", "email": "lea@quint.example", "name": "Lea Quint", "phone": "+49301111111"});
    let left = bench.sandbox.new_intercom_user(&lead, Webhook::Silent).unwrap();
    let talk = bench.sandbox.start_conversation(&left, "We want 200 seats.", Webhook::Sent).unwrap();
    let answers = json!({"Company size": "201-500", "Use case": "Support", "Budget": "", "Timeline": "Q3"});
    bench.sandbox.set_conversation_attributes(&talk, &answers, Webhook::Silent);
    bench.work().await;
    assert!(rows(&bench, "Lead").is_empty());
    tag(&bench, &talk, "hand-to-sales").await;
    bench.work().await;
    let leads = rows(&bench, "Lead");
    assert_eq!(leads.len(), 1, "{:?}", outcome(&bench, LEAD).await);
    for (field, value) in [
        ("FirstName", "Lea"),
        ("LastName", "Quint"),
        ("Email", "lea@quint.example"),
        ("Phone", "+49301111111"),
        ("Company", "[not provided]"),
        ("LeadSource", "Intercom"),
        ("Intercom_Contact_ID__c", &left),
    ] {
        assert_eq!(leads[0][field], json!(value), "{field}");
    }
    let description = leads[0]["Description"].as_str().unwrap();
    for part in ["Company size: 201-500", "Use case: Support", "Timeline: Q3", &talk] {
        assert!(description.contains(part), "{part}: {description}");
    }
    assert!(!description.contains("Budget"), "{description}");
}

#[tokio::test]
async fn r114_ten_hand_overs_of_one_person_are_one_lead() {
    let mut bench = world(&[LEAD], |text| text).await;
    let lead = json!({"role": "lead", "email": "lea@quint.example", "name": "Lea Quint"});
    let left = bench.sandbox.new_intercom_user(&lead, Webhook::Silent).unwrap();
    for number in 0..10 {
        let talk = bench.sandbox.start_conversation(&left, &format!("Nr {number}"), Webhook::Silent).unwrap();
        tag(&bench, &talk, "hand-to-sales").await;
        if number % 2 == 0 {
            bench.delivered().await;
            bench.sandbox.redeliver_last_webhook();
        }
    }
    bench.work().await;
    assert_eq!(rows(&bench, "Lead").len(), 1);
    assert_eq!(bench.count("salesforce.Lead.create.api"), 1);
}

#[tokio::test]
async fn r107_r109_without_an_e_mail_it_waits_for_a_human_is_told_and_can_be_mended_and_run_again() {
    let mut bench = world(&[LEAD], |text| text).await;
    let left =
        bench.sandbox.new_intercom_user(&json!({"role": "lead", "name": "Cher"}), Webhook::Silent).unwrap();
    let talk = bench.sandbox.start_conversation(&left, "Hello", Webhook::Silent).unwrap();
    tag(&bench, &talk, "hand-to-sales").await;
    bench.work().await;
    let (status, sentence) = outcome(&bench, LEAD).await;
    assert_eq!(status, "failed");
    assert!(sentence.contains("no e-mail"), "{sentence}");
    assert!(rows(&bench, "Lead").is_empty());
    let row = bench.rows().await.into_iter().find(|row| row.recipe == LEAD).unwrap();
    assert_eq!(row.error_class.map(|class| class.to_string()).as_deref(), Some("missing_data"));
    let told = bench.tables().number("SELECT count(*) FROM notices WHERE channel = 'slack'");
    assert_eq!(told, 1, "Slack is told");
    // A human mends the record and runs it again.
    let change = json!({"email": "cher@solo.example"});
    bench.sandbox.edit_intercom_contact(&left, &change, Webhook::Silent).unwrap();
    bench.operator().retry(&[row.id]).await.unwrap();
    bench.work().await;
    let leads = rows(&bench, "Lead");
    assert_eq!(leads.len(), 1);
    assert_eq!((&leads[0]["LastName"], &leads[0]["Email"]), (&json!("Cher"), &json!("cher@solo.example")));
}

#[tokio::test]
async fn r96_a_contact_of_sales_is_updated_and_no_lead_is_made_beside_it() {
    let mut bench = world(&[LEAD], |text| text).await;
    let (left, right) = bench.known_in_salesforce("mara@quint.example", &json!({})).await;
    let talk = bench.sandbox.start_conversation(&left, "More seats", Webhook::Silent).unwrap();
    tag(&bench, &talk, "hand-to-sales").await;
    bench.work().await;
    assert!(rows(&bench, "Lead").is_empty());
    let description = bench.salesforce("Contact", &right)["Description"].clone();
    assert!(description.as_str().is_some_and(|text| text.contains(&talk)), "{description}");
}

#[tokio::test]
async fn r97_a_closed_conversation_is_a_task_on_contact_before_lead_and_a_converted_lead_is_its_contact() {
    let mut bench = world(&[TASK], |text| text).await;
    let (left, contact) = bench.known_in_salesforce("mara@quint.example", &json!({})).await;
    // A lead of the same address beside the contact does not get it.
    let twin = json!({"LastName": "Quint", "Company": "Quint", "Email": "mara@quint.example"});
    bench.sandbox.new_salesforce_row("Lead", &twin, Webhook::Silent).unwrap();
    let (lea, lead) =
        bench.known_in_salesforce("lea@quint.example", &json!({"role": "lead", "name": "Lea"})).await;
    let converted = bench.sandbox.convert_salesforce_lead(&lead, Webhook::Silent).unwrap();
    for (person, who) in [(&left, &contact), (&lea, &converted)] {
        let talk = bench.sandbox.start_conversation(person, "It does not work.", Webhook::Silent).unwrap();
        bench.sandbox.close_conversation(&talk, Webhook::Sent);
        bench.work().await;
        let tasks: Vec<Value> =
            rows(&bench, "Task").into_iter().filter(|task| task["WhoId"] == json!(who)).collect();
        assert_eq!(tasks.len(), 1, "{:?} {:?}", outcome(&bench, TASK).await, rows(&bench, "Task"));
        assert_eq!(tasks[0]["Status"], json!("Completed"));
        assert!(tasks[0]["Description"].as_str().unwrap().contains("It does not work."), "{}", tasks[0]);
        bench.sandbox.redeliver_last_webhook();
        bench.work().await;
    }
    assert_eq!(rows(&bench, "Task").len(), 2, "a repeated delivery makes no second one");
}

#[tokio::test]
async fn r97_as_an_event_where_the_recipe_says_so() {
    let mut bench = world(&[TASK], |text| text.replace("as = \"task\"", "as = \"event\"")).await;
    let (left, contact) = bench.known_in_salesforce("mara@quint.example", &json!({})).await;
    let talk = bench.sandbox.start_conversation(&left, "It does not work.", Webhook::Silent).unwrap();
    bench.sandbox.close_conversation(&talk, Webhook::Sent);
    bench.work().await;
    let events = rows(&bench, "Event");
    assert_eq!((events.len(), rows(&bench, "Task").len()), (1, 0), "{:?}", outcome(&bench, TASK).await);
    assert_eq!(events[0]["WhoId"], json!(contact));
}

async fn attributes(bench: &Bench) {
    for name in ["deal_stage", "deal_amount", "onboarding"] {
        let kind = if name == "deal_amount" { "float" } else { "string" };
        let body = json!({"name": name, "model": "contact", "data_type": kind});
        intercom(bench, "POST", "/data_attributes", &body).await;
    }
}

#[tokio::test]
async fn r98_an_opportunity_that_is_won_makes_one_update_and_one_event_and_once_more_changes_nothing() {
    let mut bench = world(&[WON], |text| text).await;
    attributes(&bench).await;
    let (left, contact) = bench.known_in_salesforce("mara@quint.example", &json!({})).await;
    let deal = json!({"Name": "Quint 200", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": 500, "ContactId": contact});
    let deal = bench.sandbox.new_salesforce_row("Opportunity", &deal, Webhook::Sent).unwrap();
    bench.work().await;
    let before = bench.effects().len();
    let won = json!({"StageName": "Closed Won"});
    bench.sandbox.edit_salesforce_row("Opportunity", &deal, &won, Webhook::Sent).unwrap();
    bench.work().await;
    let person = bench.intercom(&left);
    let attributes = &person["custom_attributes"];
    assert_eq!(
        (&attributes["deal_stage"], &attributes["onboarding"]),
        (&json!("Closed Won"), &json!("started")),
        "{:?}",
        outcome(&bench, WON).await
    );
    let after = bench.effects();
    assert_eq!(after.len(), before + 2, "{:#?}", &after[before..]);
    // The same again, and another change of the won opportunity.
    bench.sandbox.redeliver_last_webhook();
    bench.work().await;
    let more = json!({"NextStep": "Invoice"});
    bench.sandbox.edit_salesforce_row("Opportunity", &deal, &more, Webhook::Sent).unwrap();
    bench.work().await;
    assert_eq!(bench.effects().len(), before + 2);
}

fn routed(text: &str) -> String {
    text.replace("[settings.queue_of_plan]", &format!("[settings.queue_of_plan]\nenterprise = \"{DANA}\""))
        .replace("priority = \"Medium\", queue = \"\"", "priority = \"Medium\", queue = \"005xx0000000003\"")
}

#[tokio::test]
async fn r173_r174_r175_a_tag_of_the_table_makes_a_case_and_the_second_updates_it() {
    let mut bench = world(&[CASE], |text| text).await;
    let (left, contact) = bench.known_in_salesforce("mara@quint.example", &json!({})).await;
    let talk = bench.sandbox.start_conversation(&left, "You charged me twice.", Webhook::Silent).unwrap();
    tag(&bench, &talk, "vip").await;
    bench.work().await;
    assert!(rows(&bench, "Case").is_empty());
    tag(&bench, &talk, "billing").await;
    bench.work().await;
    let cases = rows(&bench, "Case");
    assert_eq!(cases.len(), 1, "{:?}", outcome(&bench, CASE).await);
    let case = &cases[0];
    assert_eq!((&case["Type"], &case["Priority"]), (&json!("Question"), &json!("Medium")));
    // History, identifiers, owner, status.
    let description = case["Description"].as_str().unwrap();
    for part in ["You charged me twice.", &talk, &left] {
        assert!(description.contains(part), "{part}: {description}");
    }
    assert_eq!((&case["ContactId"], &case["Status"]), (&json!(contact), &json!("New")));
    assert!(case["OwnerId"].as_str().is_some_and(|owner| !owner.is_empty()));
    let id = case["Id"].as_str().unwrap().to_owned();
    // R177: Salesforce says where the case stands; a second tag touches type and priority alone.
    bench.sandbox.edit_salesforce_row("Case", &id, &json!({"Status": "Escalated"}), Webhook::Sent).unwrap();
    tag(&bench, &talk, "bug").await;
    bench.work().await;
    let cases = rows(&bench, "Case");
    assert_eq!(cases.len(), 1);
    assert_eq!(
        (&cases[0]["Type"], &cases[0]["Priority"], &cases[0]["Status"]),
        (&json!("Problem"), &json!("High"), &json!("Escalated"))
    );
}

#[tokio::test]
async fn r176_plan_tier_goes_before_account_owner_before_issue_category() {
    for (plan, account, owner, because) in [
        (json!("enterprise"), true, DANA, "plan tier"),
        (json!("pro"), true, "005xx0000000002", "account owner"),
        (json!("pro"), false, "005xx0000000003", "issue category"),
    ] {
        let mut bench = world(&[CASE], |text| routed(&text)).await;
        let more = json!({"custom_attributes": {"plan": plan}});
        let (left, contact) = bench.known_in_salesforce("mara@quint.example", &more).await;
        if account {
            let row = json!({"Name": "Quint", "OwnerId": DANA});
            let account = bench.sandbox.new_salesforce_row("Account", &row, Webhook::Silent).unwrap();
            let link = json!({"AccountId": account});
            bench.sandbox.edit_salesforce_row("Contact", &contact, &link, Webhook::Silent).unwrap();
        }
        let talk = bench.sandbox.start_conversation(&left, "You charged me twice.", Webhook::Silent).unwrap();
        tag(&bench, &talk, "billing").await;
        bench.work().await;
        let case = rows(&bench, "Case").pop().unwrap_or_else(|| panic!("no case {because}"));
        assert!(case["OwnerId"].as_str().is_some_and(|id| id.starts_with(owner)), "{because}: {case}");
        assert!(case["Description"].as_str().unwrap().contains(because), "{case}");
    }
}

#[tokio::test]
async fn r173_a_tagged_conversation_of_nobody_in_salesforce_waits_for_a_human() {
    let mut bench = Bench::build()
        .salesforce()
        .engine(|settings| settings.salesforce_newcomers = reknit::recipes::newcomer::Newcomers::Nobody)
        .recipes(vec![(
            CASE.to_owned(),
            std::fs::read_to_string(format!("{}/assets/recipes/{CASE}.toml", env!("CARGO_MANIFEST_DIR")))
                .unwrap()
                .replacen("state = \"off\"", "state = \"on\"", 1),
        )])
        .start()
        .await;
    let user = json!({"role": "user", "email": "new@quint.example", "name": "New"});
    let left = bench.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
    let talk = bench.sandbox.start_conversation(&left, "Hello", Webhook::Silent).unwrap();
    tag(&bench, &talk, "billing").await;
    bench.work().await;
    let (status, sentence) = outcome(&bench, CASE).await;
    assert_eq!(status, "failed");
    assert!(sentence.contains("make or link their contact"), "{sentence}");
}
