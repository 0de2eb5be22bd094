//! Sales hears of chats: who starts one becomes an MQL, a lead's chat becomes one deal, a rating moves it, a ticket moves
//! the stage.

use reknit::sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};

use super::world::World;

const DEAL: &str = "chat-to-deal";
const RATING: &str = "deal-by-rating";
const MQL: &str = "chat-start-mql";
const TICKET: &str = "ticket-lifecycle";

#[tokio::test]
async fn r5_who_starts_a_chat_becomes_an_mql_and_nobody_goes_back() {
    let mut world = World::with(&[MQL]).await;
    for (number, (before, after)) in [
        ("subscriber", "marketingqualifiedlead"),
        ("lead", "marketingqualifiedlead"),
        ("marketingqualifiedlead", "marketingqualifiedlead"),
        ("salesqualifiedlead", "salesqualifiedlead"),
        ("opportunity", "opportunity"),
        ("customer", "customer"),
        ("evangelist", "evangelist"),
        // Nobody said where it stands among the others.
        ("other", "other"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("mara{number}@quint.example");
        let person = world.person(&email, &json!({"lifecyclestage": before})).await;
        world.starts(&person, "Hello?", "").await;
        world.bench.work().await;
        assert_eq!(world.property(&person, "lifecyclestage"), after, "from {before}");
    }
    // A second chat writes nothing.
    let writes = world.bench.count("hubspot.contact.update.api");
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "customer"})).await;
    world.starts(&person, "Hello again?", "").await;
    world.bench.work().await;
    let (status, _) = world.outcome(MQL).await;
    assert_eq!(status, "skipped");
    assert!(world.bench.count("hubspot.contact.update.api") <= writes + 1, "only the tie of the new person");
}

#[tokio::test]
async fn r2_r50_r51_r52_a_leads_chat_is_one_deal_named_staged_and_related() {
    let mut world = World::with(&[DEAL]).await;
    let stages = [
        ("lead", true),
        ("marketingqualifiedlead", true),
        ("subscriber", false),
        ("salesqualifiedlead", false),
        ("customer", false),
    ];
    for (number, (stage, opens)) in stages.into_iter().enumerate() {
        let before = world.deals().await.len();
        let person =
            world.person(&format!("mara{number}@quint.example"), &json!({"lifecyclestage": stage})).await;
        world.starts(&person, "What does it cost?", "").await;
        world.bench.work().await;
        let deals = world.deals().await;
        assert_eq!(deals.len(), before + usize::from(opens), "{stage}");
        let (status, sentence) = world.outcome(DEAL).await;
        if opens {
            assert_eq!(status, "succeeded", "{sentence}");
            let deal = deals.last().unwrap();
            assert_eq!(deal["dealname"], "Inbound Chat \u{2014} Mara Quint");
            assert_eq!((&deal["dealstage"], &deal["pipeline"]), (&json!("11001"), &json!("default")));
            assert_eq!(deal["contacts"], json!([person.right]));
        } else {
            assert_eq!(status, "skipped", "{sentence}");
            assert!(sentence.contains(stage), "{sentence}");
        }
    }
}

#[tokio::test]
async fn r51_a_contact_without_a_name_gives_its_email_to_the_deal() {
    let mut world = World::with(&[DEAL]).await;
    let user = json!({"role": "user", "email": "nameless@quint.example"});
    let left = world.bench.sandbox.new_intercom_user(&user, reknit::sandbox::Webhook::Sent).unwrap();
    world.bench.work().await;
    let contact = world.bench.sandbox.hubspot_find_by_email("nameless@quint.example").unwrap();
    let right = contact["id"].as_str().unwrap().to_owned();
    let person = super::world::Person { left, right, email: "nameless@quint.example".into() };
    world.starts(&person, "What does it cost?", "").await;
    world.bench.work().await;
    assert_eq!(world.deals().await[0]["dealname"], "Inbound Chat \u{2014} nameless@quint.example");
}

#[tokio::test]
async fn r77_a_stage_that_differs_in_case_is_told_with_both_spellings() {
    let uppercase = |_: &str, text: String| {
        text.replace("\"lead\", \"marketingqualifiedlead\"", "\"Lead\", \"MARKETINGQUALIFIEDLEAD\"")
    };
    let mut world = World::changed(&[DEAL], uppercase).await;
    let person =
        world.person("mara@quint.example", &json!({"lifecyclestage": "marketingqualifiedlead"})).await;
    world.starts(&person, "What does it cost?", "").await;
    world.bench.work().await;
    let (status, sentence) = world.outcome(DEAL).await;
    assert_eq!((status.as_str(), world.deals().await.len()), ("skipped", 0));
    for spelling in ["marketingqualifiedlead", "MARKETINGQUALIFIEDLEAD", "case"] {
        assert!(sentence.contains(spelling), "no {spelling}: {sentence}");
    }
}

#[tokio::test]
async fn r55_an_open_deal_is_updated_a_closed_one_is_not() {
    let mut world = World::with(&[DEAL]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    let first = world.starts(&person, "What does it cost?", "").await;
    world.bench.work().await;
    let second = world.starts(&person, "And for a year?", "").await;
    world.bench.work().await;
    let deals = world.deals().await;
    assert_eq!(deals.len(), 1);
    let description = deals[0]["description"].as_str().unwrap();
    assert!(description.contains(&second) && !description.contains(&first), "{description}");
    assert_eq!(deals[0]["dealname"], "Inbound Chat \u{2014} Mara Quint");
    let id = deals[0]["id"].as_str().unwrap().to_owned();
    let lost = json!({"properties": {"dealstage": "closedlost"}});
    world.hubspot("PATCH", &format!("/crm/v3/objects/deals/{id}"), &lost).await;
    world.bench.work().await;
    world.starts(&person, "We are back.", "").await;
    world.bench.work().await;
    let open = world.deals().await.into_iter().filter(|deal| deal["dealstage"] == "11001").count();
    assert_eq!((world.deals().await.len(), open), (2, 1));
}

#[tokio::test]
async fn r221_casual_and_spam_conversations_open_nothing() {
    let mut world = World::with(&[DEAL]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    for kind in ["Casual", "Spam", "Support"] {
        world.starts(&person, "Just saying hello.", kind).await;
        world.bench.work().await;
        let (status, sentence) = world.outcome(DEAL).await;
        assert_eq!(status, "skipped", "{sentence}");
        assert!(sentence.contains(kind), "{sentence}");
    }
    assert_eq!(world.deals().await.len(), 0);
}

#[tokio::test]
async fn r159_each_path_has_its_outcome() {
    let mut world = World::with(&[DEAL]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    let outcome = async |world: &World| {
        let newest = world.bench.rows().await.into_iter().find(|row| row.recipe == DEAL).unwrap();
        (newest.status.to_string(), newest.outcome.map(|outcome| outcome.to_string()).unwrap_or_default())
    };
    let mut seen = Vec::new();
    for _ in ["made", "updated"] {
        world.starts(&person, "What does it cost?", "").await;
        world.bench.work().await;
        seen.push(outcome(&world).await);
    }
    world.starts(&person, "Hello", "Casual").await;
    world.bench.work().await;
    seen.push(outcome(&world).await);
    let before = world.outcomes(DEAL).await.len();
    world.bench.sandbox.redeliver_last_webhook();
    world.bench.work().await;
    assert_eq!(world.outcomes(DEAL).await.len(), before, "a repeat runs nothing");
    assert_eq!(world.bench.tables().number("SELECT max(deliveries) FROM events"), 2, "and is counted");
    let fault =
        Fault::new(Vendor::HubSpot, FaultKind::MissingScopes).method("PATCH").path("/crm/v3/objects/deals");
    world.bench.sandbox.add_fault(fault.times(20));
    world.starts(&person, "And now?", "").await;
    world.bench.work().await;
    seen.push(outcome(&world).await);
    let statuses: Vec<&str> = seen.iter().map(|(status, _)| status.as_str()).collect();
    assert_eq!(statuses, ["succeeded", "succeeded", "skipped", "failed"], "{seen:?}");
    let outcomes: Vec<&str> = seen.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["created", "updated", "skip", "error"]);
}

/// The one deal: stage and probability.
async fn standing(world: &World) -> (String, String) {
    let deals = world.deals().await;
    assert_eq!(deals.len(), 1);
    let text = |name: &str| deals[0][name].as_str().unwrap_or_default().to_owned();
    (text("dealstage"), text("hs_forecast_probability"))
}

#[tokio::test]
async fn r53_r54_each_score_in_either_order_sets_the_probability_and_four_and_five_move_on() {
    for rated_first in [false, true] {
        for (score, probability, moves) in
            [(1, 0.05, false), (2, 0.1, false), (3, 0.3, false), (4, 0.6, true), (5, 0.8, true)]
        {
            let mut world = World::with(&[DEAL, RATING]).await;
            let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
            let conversation = world.starts(&person, "What does it cost?", "").await;
            world.bench.work().await;
            assert_eq!(standing(&world).await.0, "11001");
            if rated_first {
                world.rates(&conversation, score);
                world.bench.work().await;
                world.closes(&conversation);
            } else {
                world.closes(&conversation);
                world.bench.work().await;
                assert_eq!(standing(&world).await, ("11001".into(), String::new()), "no rating yet");
                world.rates(&conversation, score);
            }
            world.bench.work().await;
            let (stage, likely) = standing(&world).await;
            assert_eq!(likely.parse::<f64>().ok(), Some(probability), "score {score}");
            assert_eq!(stage, if moves { "11002" } else { "11001" }, "score {score}");
            let writes = world.bench.count("hubspot.deal.update.api");
            world.bench.sandbox.redeliver_last_webhook();
            world.bench.work().await;
            assert_eq!(world.bench.count("hubspot.deal.update.api"), writes, "a repeat writes nothing");
        }
    }
}

#[tokio::test]
async fn r54_a_later_stage_is_not_moved_back() {
    for later in ["appointmentscheduled", "contractsent", "11002"] {
        let mut world = World::with(&[DEAL, RATING]).await;
        let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
        let conversation = world.starts(&person, "What does it cost?", "").await;
        world.bench.work().await;
        let id = world.deals().await[0]["id"].as_str().unwrap().to_owned();
        let moved = json!({"properties": {"dealstage": later}});
        world.hubspot("PATCH", &format!("/crm/v3/objects/deals/{id}"), &moved).await;
        world.closes(&conversation);
        world.rates(&conversation, 5);
        world.bench.work().await;
        let (stage, likely) = standing(&world).await;
        assert_eq!((stage.as_str(), likely.parse::<f64>().ok()), (later, Some(0.8)));
    }
}

#[tokio::test]
async fn r53_without_an_open_deal_a_rating_moves_nothing() {
    let mut world = World::with(&[RATING]).await;
    let person = world.person("mara@quint.example", &json!({})).await;
    let conversation = world.starts(&person, "What does it cost?", "").await;
    world.closes(&conversation);
    world.rates(&conversation, 5);
    world.bench.work().await;
    let (status, sentence) = world.outcome(RATING).await;
    assert_eq!(status, "skipped", "{sentence}");
    assert_eq!(world.deals().await.len(), 0);
}

/// Sales sees that support has closed a chat about prices.
#[tokio::test]
async fn r8_pricing_chat() {
    let mut world = World::with(&["conversation-log", DEAL]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    let conversation = world.starts(&person, "What would 40 seats cost us?", "").await;
    world.bench.work().await;
    world.bench.sandbox.reply_to_conversation(
        &conversation,
        "I will ask sales to call you.",
        reknit::sandbox::Webhook::Sent,
    );
    world.bench.work().await;
    world.closes(&conversation);
    world.bench.work().await;
    let notes = world.notes().await;
    assert!(
        notes.iter().any(|note| note["hs_note_body"].as_str().unwrap().contains("40 seats")),
        "{notes:?}"
    );
    assert!(notes.iter().all(|note| note["contacts"] == json!([person.right])));
    let deals = world.deals().await;
    assert_eq!((deals.len(), &deals[0]["contacts"]), (1, &json!([person.right])));
}

async fn ticket(world: &World, person: &super::world::Person, stage: &str) -> String {
    let body = json!({
        "properties": {"subject": "It is broken", "hs_pipeline": "0", "hs_pipeline_stage": stage},
        "associations": [{"to": {"id": person.right}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}]}],
    });
    world.hubspot("POST", "/crm/v3/objects/tickets", &body).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn r3_a_tickets_stage_moves_the_lifecycle_by_the_table_and_never_back() {
    for (stage, before, after) in [
        ("1", "lead", "opportunity"),
        ("2", "lead", "lead"),
        ("3", "lead", "lead"),
        ("4", "lead", "customer"),
        ("1", "customer", "customer"),
        ("4", "evangelist", "evangelist"),
    ] {
        let mut world = World::with(&[TICKET]).await;
        let person = world.person("mara@quint.example", &json!({"lifecyclestage": before})).await;
        ticket(&world, &person, stage).await;
        world.bench.work().await;
        assert_eq!(world.property(&person, "lifecyclestage"), after, "ticket in {stage}, contact {before}");
    }
    // One that is opened and closed later.
    let mut world = World::with(&[TICKET]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    let id = ticket(&world, &person, "1").await;
    world.bench.work().await;
    let closed: Value = json!({"properties": {"hs_pipeline_stage": "4"}});
    world.hubspot("PATCH", &format!("/crm/v3/objects/tickets/{id}"), &closed).await;
    world.bench.work().await;
    assert_eq!(world.property(&person, "lifecyclestage"), "customer");
}
