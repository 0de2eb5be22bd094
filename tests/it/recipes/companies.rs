//! Companies travel with their industry, size and revenue, are related to their people, and are tagged by segment.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::world::{Person, World};

const TO_CRM: &str = "company-to-crm";
const TO_INTERCOM: &str = "company-to-intercom";
const PEOPLE: &str = "company-people";

/// Intercom's own list of industries and the portal's are one here.
fn intercom_company(world: &World, id: &str, fields: &Value) -> String {
    world.bench.sandbox.new_intercom_company(id, fields, Webhook::Sent)
}

async fn companies(world: &World) -> Vec<Value> {
    let properties = "name,domain,website,industry,numberofemployees,mrr,intercom_company_id";
    world.records("companies", properties).await
}

async fn known_company(world: &mut World) -> (Person, String, Value) {
    let person = world.person("mara@quint.example", &json!({})).await;
    let fields = json!({"name": "Quint", "website": "https://quint-werke.de", "industry": "Retail", "size": 40,
        "monthly_spend": 700});
    let left = intercom_company(world, "quint-1", &fields);
    world.bench.sandbox.attach_intercom_company(&person.left, &left, Webhook::Sent);
    world.bench.work().await;
    let mut all = companies(world).await;
    assert_eq!(all.len(), 1, "{:?}", world.outcome(TO_CRM).await);
    (person, left, all.remove(0))
}

#[tokio::test]
async fn r83_r84_a_company_is_made_once_with_its_fields_and_related_to_its_person() {
    let mut world = World::with(&[PEOPLE, TO_CRM, TO_INTERCOM]).await;
    let (person, left, made) = known_company(&mut world).await;
    assert_eq!((&made["name"], &made["industry"]), (&json!("Quint"), &json!("Retail")));
    assert_eq!((&made["numberofemployees"], &made["mrr"]), (&json!("40"), &json!("700")));
    assert_eq!(made["intercom_company_id"], left);
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.bench.sandbox.hubspot_companies_of(&person.right), [id]);
    // Again, and by a repeat: nothing more.
    world.bench.sandbox.redeliver_last_webhook();
    world.bench.work().await;
    assert_eq!(companies(&world).await.len(), 1);
}

#[tokio::test]
async fn r83_a_company_the_crm_knows_by_its_domain_is_updated_not_made() {
    let mut world = World::with(&[TO_CRM]).await;
    let there = json!({"name": "Quint", "domain": "quint-werke.de"});
    let right = world.bench.sandbox.new_hubspot_company(&there, Webhook::Silent).unwrap();
    let fields = json!({"name": "Quint", "website": "https://quint-werke.de", "monthly_spend": 700});
    let left = intercom_company(&world, "quint-1", &fields);
    world.bench.work().await;
    let all = companies(&world).await;
    assert_eq!((all.len(), &all[0]["id"]), (1, &json!(right)), "{:?}", world.outcome(TO_CRM).await);
    assert_eq!((&all[0]["mrr"], &all[0]["intercom_company_id"]), (&json!("700"), &json!(left)));
}

#[tokio::test]
async fn r83_of_several_companies_the_first_is_the_primary_one_and_stays_it() {
    let mut world = World::with(&[PEOPLE, TO_CRM]).await;
    let (person, _, first) = known_company(&mut world).await;
    let second =
        intercom_company(&world, "other-1", &json!({"name": "Other", "website": "https://andere-werke.de"}));
    world.bench.sandbox.attach_intercom_company(&person.left, &second, Webhook::Sent);
    world.bench.work().await;
    let related = world.bench.sandbox.hubspot_companies_of(&person.right);
    assert_eq!(related.len(), 2, "{:?}", world.outcome(TO_CRM).await);
    assert_eq!(json!(related[0]), first["id"], "the primary one comes first");
}

#[tokio::test]
async fn r84_each_field_goes_the_way_its_owner_says() {
    let mut world = World::with(&[PEOPLE, TO_CRM, TO_INTERCOM]).await;
    let (_, left, made) = known_company(&mut world).await;
    let right = made["id"].as_str().unwrap().to_owned();
    // The CRM owns industry and size.
    let change = json!({"properties": {"industry": "Banking", "numberofemployees": "55"}});
    world.hubspot("PATCH", &format!("/crm/v3/objects/companies/{right}"), &change).await;
    world.bench.work().await;
    let company = world.intercom("GET", &format!("/companies/{left}"), &Value::Null).await;
    assert_eq!(
        (&company["industry"], &company["size"]),
        (&json!("Banking"), &json!(55)),
        "{:?}",
        world.outcomes(TO_INTERCOM).await
    );
    // Intercom owns the revenue.
    world.intercom("PUT", &format!("/companies/{left}"), &json!({"monthly_spend": 900})).await;
    world.bench.work().await;
    let now = companies(&world).await.remove(0);
    assert_eq!((&now["mrr"], &now["industry"]), (&json!("900"), &json!("Banking")));
    let writes = world.bench.count("hubspot.company.update.api");
    world.bench.work().await;
    assert_eq!(world.bench.count("hubspot.company.update.api"), writes, "no ping-pong");
}

async fn tags_of(world: &World, left: &str) -> Vec<String> {
    let company = world.intercom("GET", &format!("/companies/{left}"), &Value::Null).await;
    let tags = company["tags"]["tags"].as_array().unwrap();
    tags.iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn r240_r260_r261_companies_of_a_chosen_segment_are_tagged_and_an_empty_filter_tags_none() {
    for (segments, tagged) in [("", false), ("\"Retail\", \"Banking\"", true), ("\"Banking\"", false)] {
        let filter =
            move |_: &str, text: String| text.replace("segments = []", &format!("segments = [{segments}]"));
        let mut world = World::changed(&[PEOPLE, TO_CRM, "company-tags"], filter).await;
        let (_, left, made) = known_company(&mut world).await;
        let change = json!({"properties": {"city": "Bremen"}});
        let path = format!("/crm/v3/objects/companies/{}", made["id"].as_str().unwrap());
        world.hubspot("PATCH", &path, &change).await;
        world.bench.work().await;
        assert_eq!(tags_of(&world, &left).await.contains(&"Key industry".to_owned()), tagged, "{segments}");
    }
}
