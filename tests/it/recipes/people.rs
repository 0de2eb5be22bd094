//! What of the CRM's people is told to Intercom: context on a stage, chosen segments only, tags, chosen events.

use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use super::world::World;

const CONTEXT: &str = "crm-context-to-intercom";
const SEGMENTS: &str = "segments-to-intercom";
const NORA: &str = "71400201";

fn known(world: &World, email: &str) -> Option<Value> {
    world.bench.sandbox.intercom_find_by_email(email).into_iter().next()
}

/// A contact that stands in HubSpot only; its id.
fn only_there(world: &World, properties: &Value) -> String {
    world.bench.sandbox.new_hubspot_contact(properties, Webhook::Sent).unwrap()
}

#[tokio::test]
async fn r85_a_stage_reached_makes_the_person_with_three_attributes() {
    let mut world = World::with(&[CONTEXT]).await;
    let contact = json!({"email": "mara@quint.example", "firstname": "Mara", "lastname": "Quint",
        "lifecyclestage": "marketingqualifiedlead", "subscription_tier": "scale", "hubspot_owner_id": NORA});
    let right = only_there(&world, &contact);
    world.bench.work().await;
    assert_eq!(known(&world, "mara@quint.example"), None, "an MQL is not sent");
    let deal = json!({
        "properties": {"dealname": "Quint", "pipeline": "default", "dealstage": "contractsent"},
        "associations": [{"to": {"id": right}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}],
    });
    world.hubspot("POST", "/crm/v3/objects/deals", &deal).await;
    world.edit(&right, &json!({"lifecyclestage": "salesqualifiedlead"})).await;
    let done = world.outcomes(CONTEXT).await;
    let person = known(&world, "mara@quint.example").unwrap_or_else(|| panic!("{done:?}"));
    assert_eq!((&person["role"], &person["name"]), (&json!("user"), &json!("Mara Quint")));
    let attributes = &person["custom_attributes"];
    assert_eq!(attributes["deal_stage"], "contractsent");
    assert_eq!(attributes["account_owner"], NORA);
    assert_eq!(attributes["subscription_tier"], "scale");
    // The next stage updates the same person.
    world.edit(&right, &json!({"subscription_tier": "enterprise", "lifecyclestage": "customer"})).await;
    let people = world.bench.sandbox.intercom_find_by_email("mara@quint.example");
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["custom_attributes"]["subscription_tier"], "enterprise");
}

#[tokio::test]
async fn r85_somebody_intercom_knows_is_updated_not_made() {
    let mut world = World::with(&[CONTEXT]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    world.edit(&person.right, &json!({"subscription_tier": "pro", "lifecyclestage": "customer"})).await;
    let people = world.bench.sandbox.intercom_find_by_email("mara@quint.example");
    assert_eq!(people.len(), 1);
    let done = world.outcomes(CONTEXT).await;
    assert_eq!(people[0]["custom_attributes"]["subscription_tier"], "pro", "{done:?}");
}

fn chosen(users: &'static str, leads: &'static str) -> impl Fn(&str, String) -> String {
    move |_, text| {
        let text = text.replace("user_segments = []", &format!("user_segments = [{users}]"));
        text.replace("lead_segments = []", &format!("lead_segments = [{leads}]"))
    }
}

#[tokio::test]
async fn r239_r250_an_empty_filter_sends_nobody_and_one_segment_is_enough() {
    let people = [("a", "vip"), ("b", "vip;trial"), ("c", "trial"), ("d", "")];
    for (filter, sent) in
        [(chosen("", ""), ""), (chosen("\"vip\"", ""), "ab"), (chosen("\"vip\", \"trial\"", ""), "abc")]
    {
        let mut world = World::changed(&[SEGMENTS], filter).await;
        for (name, segments) in people {
            let email = format!("{name}@quint.example");
            only_there(&world, &json!({"email": email, "firstname": name, "segments": segments}));
        }
        world.bench.work().await;
        let there: String = people
            .iter()
            .filter(|(name, _)| known(&world, &format!("{name}@quint.example")).is_some())
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(there, sent);
    }
}

#[tokio::test]
async fn r251_r257_who_fits_both_filters_is_sent_as_a_lead() {
    let mut world = World::changed(&[SEGMENTS], chosen("\"customers\"", "\"prospects\"")).await;
    for (name, segments) in [("a", "customers"), ("b", "prospects"), ("c", "customers;prospects")] {
        let email = format!("{name}@quint.example");
        only_there(&world, &json!({"email": email, "firstname": name, "segments": segments}));
    }
    world.bench.work().await;
    let role = |name: &str| known(&world, &format!("{name}@quint.example")).unwrap()["role"].clone();
    assert_eq!([role("a"), role("b"), role("c")], [json!("user"), json!("lead"), json!("lead")]);
}

async fn tags_of(world: &World, left: &str) -> Vec<String> {
    let tags = world.intercom("GET", &format!("/contacts/{left}/tags"), &Value::Null).await;
    tags["data"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn r249_a_segment_puts_the_tag_on_and_takes_it_off() {
    let mut world = World::with(&["segment-tags"]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    assert_eq!(tags_of(&world, &person.left).await, Vec::<String>::new());
    world.edit(&person.right, &json!({"segments": "vip"})).await;
    assert_eq!(tags_of(&world, &person.left).await, ["VIP"]);
    world.edit(&person.right, &json!({"segments": "vip;trial"})).await;
    assert_eq!(tags_of(&world, &person.left).await, ["VIP"], "it is put on once");
    world.edit(&person.right, &json!({"segments": "trial"})).await;
    assert_eq!(tags_of(&world, &person.left).await, Vec::<String>::new());
}

fn events_of(world: &World, name: &str) -> usize {
    let books = world.bench.books();
    let effects = books["effects"].as_array().unwrap();
    effects.iter().filter(|effect| effect["who"] == "api" && effect.to_string().contains(name)).count()
}

#[tokio::test]
async fn r241_r263_a_chosen_stage_is_one_event_of_somebody_in_a_chosen_segment() {
    for (segments, own, stage, sent) in [
        ("\"vip\"", "vip", "closedwon", 1),
        ("\"vip\"", "trial", "closedwon", 0),
        ("", "vip", "closedwon", 0),
        ("\"vip\"", "vip", "contractsent", 0),
    ] {
        let filter = move |_: &str, text: String| {
            text.replace("\nsegments = []", &format!("\nsegments = [{segments}]"))
        };
        let mut world = World::changed(&["deal-events"], filter).await;
        let person = world.person("mara@quint.example", &json!({"segments": own})).await;
        let deal = json!({
            "properties": {"dealname": "Quint", "pipeline": "default", "dealstage": "qualifiedtobuy"},
            "associations": [{"to": {"id": person.right}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}],
        });
        let deal = world.hubspot("POST", "/crm/v3/objects/deals", &deal).await;
        world.bench.work().await;
        let path = format!("/crm/v3/objects/deals/{}", deal["id"].as_str().unwrap());
        world.hubspot("PATCH", &path, &json!({"properties": {"dealstage": stage}})).await;
        world.bench.work().await;
        world.bench.sandbox.redeliver_last_webhook();
        world.bench.work().await;
        assert_eq!(events_of(&world, "deal-stage-"), sent, "{segments} {own} {stage}");
    }
}

#[tokio::test]
async fn r264_the_default_list_takes_three_topics_and_no_other() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recipes/person-events.toml"));
    let recipe: toml::Value = toml::from_str(&text.unwrap()).unwrap();
    let events: Vec<&str> = recipe["settings"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event.as_str().unwrap())
        .collect();
    // By the names of the source, then by today's names of the same topics.
    assert_eq!(events[..3], ["user.created", "contact.created", "user.deleted"]);
    assert_eq!(events[3..], ["contact.user.created", "contact.lead.created", "contact.deleted"]);
    let mut world = World::with(&["person-events"]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let notes = world.notes().await;
    assert_eq!((notes.len(), &notes[0]["contacts"]), (1, &json!([person.right])), "it was created");
    let phone = json!({"phone": "+49301111111"});
    world.bench.sandbox.edit_intercom_contact(&person.left, &phone, Webhook::Sent).unwrap();
    world.bench.work().await;
    assert_eq!(world.notes().await.len(), 1, "an update is not on the list");
    let (status, sentence) = world.outcome("person-events").await;
    assert_eq!(status, "skipped", "{sentence}");
}
