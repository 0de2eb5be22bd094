//! Verdicts, lookups and plans of small recipes.

use serde_json::json;

use super::super::facts::Stage;
use super::super::file;
use super::*;
use crate::domain::clock::Timestamp;
use crate::domain::plan::{Effect, Plan};
use crate::domain::record::{Mirror, System};

const HEAD: &str = "name = \"r\"\ntitle = \"t\"\nowner = \"o\"\n";
const TAIL: &str = "[error]\ntell = \"\"\nadvice = \"Retry.\"\n";

fn recipe(body: &str) -> Recipe {
    let trigger = "[trigger]\non = \"conversation.closed\"\n";
    let (top, rest) = body.split_at(body.find('[').unwrap_or(0));
    let text = format!("{HEAD}{top}{trigger}{rest}\n{TAIL}");
    file::parse(&text, "r.toml").unwrap_or_else(|found| panic!("{found:#?}\n{text}"))
}

fn mirror(system: System, object: ObjectKind, id: &str, fields: &Value) -> Mirror {
    Mirror {
        record: RecordRef::new(system, object, id),
        fields: fields.as_object().expect("an object").clone(),
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    }
}

fn facts() -> Facts {
    let mut facts = Facts::new(Timestamp(1_768_018_294_000), Connection::only(System::Hubspot));
    facts.event = json!({"kind": "conversation.closed", "at": 1_768_018_290, "id": "7"})
        .as_object()
        .expect("one")
        .clone();
    facts.contact = Some(mirror(
        System::Intercom,
        ObjectKind::Contact,
        "64e2",
        &json!({"name": "Zoë", "email": "z@x.y"}),
    ));
    facts.crm = Some(mirror(
        System::Hubspot,
        ObjectKind::Contact,
        "151",
        &json!({"lifecyclestage": "lead", "open": "true"}),
    ));
    facts.conversation =
        Some(mirror(System::Intercom, ObjectKind::Conversation, "20001", &json!({"rating": 4})));
    facts
}

fn planned(recipe: &Recipe, facts: &Facts) -> Plan {
    plan(recipe, facts, &|_| None).unwrap_or_else(|fault| panic!("{fault}")).plan
}

fn stages() -> Vec<Stage> {
    [("contacted", "Contacted"), ("901", "Demo Requested"), ("902", "Closed Won")]
        .map(|(id, label)| Stage {
            object: ObjectKind::Deal,
            pipeline: "default".into(),
            id: id.into(),
            label: label.into(),
        })
        .to_vec()
}

#[test]
fn a_recipe_is_judged_by_what_it_needs_then_its_condition_then_its_routes() {
    let recipe = recipe(
        "once = \"{conversation.id}\"\n[[require]]\nthat = \"crm != null\"\notherwise = \"No contact for {contact.email}.\"\n\
         [condition]\nwhen = \"conversation.rating <= 2\"\notherwise = \"it was a good rating\"\n\
         [[action]]\ndo = \"log\"",
    );
    let mut facts = facts();
    let Ruling::Skip { reason, explanation } = judge(&recipe, &facts).expect("judged") else {
        panic!("a skip")
    };
    assert_eq!(reason, "it was a good rating");
    assert_eq!(explanation, "conversation.rating <= 2: conversation.rating is 4");
    if let Some(conversation) = &mut facts.conversation {
        conversation.fields["rating"] = json!(2);
    }
    let ruling = judge(&recipe, &facts).expect("judged");
    assert!(matches!(ruling, Ruling::Go { once: Some(once), route: None, .. } if once == "20001"));
    facts.crm = None;
    assert_eq!(judge(&recipe, &facts).expect("judged"), Ruling::Missing("No contact for z@x.y.".into()));
    facts.crm = Some(mirror(System::Hubspot, ObjectKind::Contact, "1", &json!({})));
    facts.conversation = None;
    let Ruling::Skip { explanation, .. } = judge(&recipe, &facts).expect("judged") else { panic!("a skip") };
    assert_eq!(explanation, "conversation.rating is missing");
}

#[test]
fn r170_r176_the_first_route_that_fits_and_leads_somewhere_is_taken() {
    let recipe = recipe(
        "[[route]]\nwhen = \"!blank(company.owner)\"\nto = \"{company.owner}\"\nbecause = \"account owner\"\n\
         [[route]]\nwhen = \"crm.country in settings.by_country\"\nto = \"{settings.by_country[crm.country]}\"\nbecause = \"territory\"\n\
         [[route]]\nwhen = \"true\"\nto = \"{settings.nobody}\"\nbecause = \"segment\"\n\
         [[route]]\nto = \"everyone\"\nbecause = \"no rule fits\"\n\
         [[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { owner = \"{route.to}\", why = \"{route.because}\" }\n\
         [settings]\nnobody = \"\"\n[settings.by_country]\nDE = \"77\"",
    );
    let mut facts = facts();
    let routed = |facts: &Facts| match judge(&recipe, facts).expect("judged") {
        Ruling::Go { route: Some(route), .. } => (route.to, route.because),
        other => panic!("{other:?}"),
    };
    assert_eq!(routed(&facts), ("everyone".into(), "no rule fits".into()), "a blank destination is none");
    if let Some(crm) = &mut facts.crm {
        crm.fields.insert("country".into(), json!("DE"));
    }
    assert_eq!(routed(&facts), ("77".into(), "territory".into()));
    facts.company = Some(mirror(System::Hubspot, ObjectKind::Company, "9", &json!({"owner": 5})));
    assert_eq!(routed(&facts), ("5".into(), "account owner".into()));
    let plan = planned(&recipe, &facts);
    let Effect::Update { fields, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!((&fields["owner"], &fields["why"]), (&json!("5"), &json!("account owner")));
}

#[test]
fn an_update_writes_what_differs_and_says_so_when_nothing_does() {
    let update = recipe(
        "[[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { open = false, name = \"{contact.name}\", gone = \"{null}\", keep = \"{contact.phone}\" }",
    );
    let mut facts = facts();
    if let Some(crm) = &mut facts.crm {
        crm.fields.insert("gone".into(), json!("x"));
        crm.fields.insert("keep".into(), json!("kept"));
    }
    let plan = planned(&update, &facts);
    assert_eq!(plan.steps[0].title, "Update HubSpot contact 151: open, name, gone");
    let Effect::Update { fields, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(Value::Object(fields.clone()), json!({"open": false, "name": "Zoë", "gone": null}));
    assert_eq!(plan.skips[0].reason, "left as it is: {contact.phone} gives nothing");
    if let Some(crm) = &mut facts.crm {
        crm.fields = json!({"open": "false", "name": "Zoë"}).as_object().expect("one").clone();
    }
    let plan = planned(&update, &facts);
    assert_eq!(
        plan.nothing.as_deref(),
        Some("Nothing was changed: HubSpot contact 151 holds these values already.")
    );
    facts.crm = None;
    let nothing = planned(&update, &facts).nothing.expect("nothing");
    assert_eq!(nothing, "Nothing was changed: crm, the CRM does not know the person.");
}

#[test]
fn two_records_that_fit_are_merged_before_anything_is_written() {
    let update = recipe("[[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { open = false }");
    let mut facts = facts();
    facts.also = vec![RecordRef::new(System::Hubspot, ObjectKind::Contact, "152")];
    let nothing = planned(&update, &facts).nothing.expect("nothing");
    assert_eq!(
        nothing,
        "HubSpot contact 151 and HubSpot contact 152 both fit this person: merge them first, then retry."
    );
}

#[test]
fn r5_r54_a_stage_only_moves_forward() {
    let forward = recipe(
        "[[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { lifecyclestage = \"mql\" }\n\
         forward = { lifecyclestage = [\"lead\", \"mql\", \"customer\"] }",
    );
    let at = |stage: Value| {
        let mut facts = facts();
        if let Some(crm) = &mut facts.crm {
            crm.fields["lifecyclestage"] = stage;
        }
        planned(&forward, &facts)
    };
    assert_eq!(at(json!("lead")).steps.len(), 1);
    assert_eq!(at(json!(null)).steps.len(), 1);
    assert_eq!(at(json!("mql")).steps.len(), 0);
    for (stage, why) in [
        ("customer", "it stays customer: it only moves forward"),
        ("MQL", "which the recipe's order does not name"),
    ] {
        let plan = at(json!(stage));
        assert!(plan.steps.is_empty() && plan.skips[0].reason.contains(why), "{stage}: {plan:?}");
    }
    let deal = recipe(
        "[[action]]\ndo = \"update\"\ntarget = \"deal\"\nset = { dealstage = \"Demo Requested\" }\n\
         forward = { dealstage = [\"Contacted\", \"Demo Requested\", \"Closed Won\"] }",
    );
    let with = |stage: &str| {
        let mut facts = facts();
        facts.stages = stages();
        facts.deals = vec![mirror(
            System::Hubspot,
            ObjectKind::Deal,
            "5",
            &json!({"dealstage": stage, "pipeline": "default"}),
        )];
        planned(&deal, &facts)
    };
    let plan = with("contacted");
    let Effect::Update { fields, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(fields["dealstage"], json!("901"), "the id of the stage with that label");
    assert_eq!(with("901").steps.len(), 0, "already there");
    let plan = with("902");
    assert_eq!(plan.skips[0].reason, "it stays Closed Won: it only moves forward");
}

fn deal() -> Recipe {
    recipe(
        "once = \"{conversation.id}\"\n[[action]]\ndo = \"create\"\nobject = \"deal\"\nfind = \"open_of_person\"\n\
         set = { dealname = \"Inbound Chat — {blank(contact.name) ? contact.email : contact.name}\", dealstage = \"Contacted\", amount = \"{contact.amount}\" }\n\
         set_found = { description = \"again\" }\nrelate = [\"crm\", \"company\"]\n\
         [[action]]\ndo = \"update\"\ntarget = \"deal\"\nset = { hs_priority = \"high\" }",
    )
}

#[test]
fn r51_r52_r158_a_record_is_made_only_when_its_lookup_found_none() {
    let mut facts = facts();
    facts.stages = stages();
    let plan = planned(&deal(), &facts);
    assert!(plan.steps.is_empty(), "it was not looked for: {plan:?}");
    let asked = lookups(&deal(), &facts).expect("lookups");
    let person = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
    assert_eq!((asked.len(), &asked[0].by), (1, &By::OpenOfPerson(person.clone())));
    facts.found.insert(0, Vec::new());
    let plan = planned(&deal(), &facts);
    let Effect::Create { fields, related, identity, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(fields["dealname"], json!("Inbound Chat — Zoë"));
    assert_eq!(fields["dealstage"], json!("contacted"));
    assert!(!fields.contains_key("amount"), "what is missing is left out");
    assert_eq!(related, &[person], "a company that is not known is no relation");
    assert_eq!(identity, "description");
    let key = plan.steps[0].effect.key().expect("a key of ours");
    assert_eq!(planned(&deal(), &facts).steps[0].effect.key(), Some(key), "planned again it is the same");
    // The next action is about the deal that is only being made.
    let Effect::Update { record, .. } = &plan.steps[1].effect else { panic!("{plan:?}") };
    assert!(record.is_to_be_made() && plan.steps[1].fills[0].from_step == 0);
    if let Some(contact) = &mut facts.contact {
        contact.fields["name"] = json!(" ");
    }
    let Effect::Create { fields, .. } = &planned(&deal(), &facts).steps[0].effect else { panic!("a create") };
    assert_eq!(fields["dealname"], json!("Inbound Chat — z@x.y"));
}

#[test]
fn r55_an_open_deal_is_updated_and_not_doubled() {
    let mut facts = facts();
    let old =
        mirror(System::Hubspot, ObjectKind::Deal, "5", &json!({"description": "once", "hs_priority": "low"}));
    let other = mirror(System::Hubspot, ObjectKind::Deal, "6", &json!({}));
    facts.found.insert(0, vec![old, other]);
    let plan = planned(&deal(), &facts);
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Update HubSpot deal 5: description, hs_priority"],
        "the oldest open one, in one call"
    );
    facts.crm = None;
    facts.found.clear();
    let plan = planned(&deal(), &facts);
    assert!(plan.steps.is_empty() && plan.skips[0].reason.contains("does not know the person"), "{plan:?}");
}

#[test]
fn a_lookup_by_a_field_takes_no_coin_toss() {
    let lead = recipe(
        "[[action]]\ndo = \"create\"\nobject = \"lead\"\nfind = { field = \"Email\", value = \"{contact.email}\" }\nset = { LastName = \"{contact.name}\" }",
    );
    let mut facts = facts();
    facts.crm_connection = Connection::only(System::Salesforce);
    facts.crm = None;
    assert_eq!(
        lookups(&lead, &facts).expect("lookups")[0].by,
        By::Field { field: "Email".into(), value: "z@x.y".into() }
    );
    facts.found.insert(0, Vec::new());
    let Effect::Create { fields, identity, .. } = &planned(&lead, &facts).steps[0].effect else {
        panic!("a create")
    };
    assert_eq!(
        (fields["Email"].clone(), identity.as_str()),
        (json!("z@x.y"), "Email"),
        "it is found by it next time"
    );
    let one = |id: &str| mirror(System::Salesforce, ObjectKind::Lead, id, &json!({}));
    facts.found.insert(0, vec![one("00Q1"), one("00Q2")]);
    let plan = planned(&lead, &facts);
    assert!(plan.steps.is_empty() && plan.nothing.expect("nothing").contains("merge them first"));
    facts.found.insert(0, vec![one("00Q1")]);
    let plan = planned(&lead, &facts);
    assert!(plan.nothing.expect("nothing").contains("is there already"));
    if let Some(contact) = &mut facts.contact {
        contact.fields["email"] = json!("");
    }
    assert!(lookups(&lead, &facts).expect("lookups").is_empty(), "nobody is looked for by nothing");
    assert!(planned(&lead, &facts).steps.is_empty());
}

#[test]
fn a_task_is_found_again_by_a_key_in_its_text() {
    let task = recipe(
        "[[action]]\ndo = \"create\"\nobject = \"task\"\nfind = { key = \"{conversation.id}\" }\n\
         set = { hs_task_subject = \"Call\", hs_task_body = \"Rated {conversation.rating}\" }\nrelate = [\"crm\"]",
    );
    let mut facts = facts();
    let asked = lookups(&task, &facts).expect("lookups");
    let By::Key { of, key } = &asked[0].by else { panic!("{asked:?}") };
    assert_eq!(of.id, "151");
    facts.found.insert(0, Vec::new());
    let plan = planned(&task, &facts);
    let Effect::Create { fields, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(fields["hs_task_body"], json!(format!("Rated 4\n\n{key}")));
    // Another event of the same conversation looks for the same task.
    facts.event.insert("id".into(), json!("8"));
    let By::Key { key: again, .. } = &lookups(&task, &facts).expect("lookups")[0].by else { panic!("a key") };
    assert_eq!(again, key);
}

#[test]
fn r241_r249_tags_events_words_and_notices() {
    let all = recipe(
        "once = \"{conversation.id}\"\n[[action]]\ndo = \"tag\"\ntarget = \"conversation\"\ntag = \"passed on\"\n\
         [[action]]\ndo = \"tag\"\ntarget = \"contact\"\ntag = \"VIP\"\non = \"crm.missing == 3 && crm.absent > 1\"\n\
         [[action]]\ndo = \"track\"\nevent = \"deal-won\"\ndetails = { amount = 5 }\n\
         [[action]]\ndo = \"converse\"\ntext = \"Hello {contact.name}\"\n\
         [[action]]\ndo = \"reply\"\nspeaker = \"77\"\ntext = \"Thanks\"\nnote = true\n\
         [[action]]\ndo = \"assign\"\nby = \"77\"\nto = \"12\"\nteam = true\n\
         [[action]]\ndo = \"tell\"\nchannel = \"slack\"\ntitle = \"Rated {conversation.rating}\"\nfields = { phone = \"{contact.phone}\" }\n\
         [[action]]\ndo = \"relate\"\nfrom = \"crm\"\nto = \"company\"",
    );
    let mut facts = facts();
    facts.company = Some(mirror(System::Hubspot, ObjectKind::Company, "9", &json!({})));
    let plan = planned(&all, &facts);
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Put the tag \"passed on\" on Intercom conversation 20001",
            "Take the tag \"VIP\" off Intercom contact 64e2",
            "Tell Intercom that Intercom contact 64e2 did deal-won",
            "Begin a conversation as Intercom contact 64e2",
            // What follows the beginning of a conversation is about the one that was begun.
            "Leave a note in Intercom conversation (to be made)",
            "Assign Intercom conversation (to be made) to team 12",
            "Relate HubSpot contact 151 to HubSpot company 9",
        ]
    );
    let Effect::Track { at, .. } = &plan.steps[2].effect else { panic!("{plan:?}") };
    assert_eq!(at.seconds(), 1_768_018_290, "when it happened, not when it was worked off");
    assert_eq!((plan.notices[0].title.as_str(), &plan.notices[0].fields["phone"]), ("Rated 4", &json!(null)));
    let mut later = facts.clone();
    later.event.insert("id".into(), json!("8"));
    assert_eq!(planned(&all, &later).notices[0].key, plan.notices[0].key, "told once for each value of once");
    facts.tags = vec!["passed on".into()];
    if let Some(conversation) = &mut facts.conversation {
        conversation.fields.insert("team_assignee_id".into(), json!(12));
    }
    let fewer = planned(&all, &facts);
    assert_eq!(fewer.steps.len(), plan.steps.len() - 2, "what is so already is not done again");
}

#[test]
fn a_fault_names_file_and_line() {
    let wrong = recipe("[[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { open = \"{crm.open > 3}\" }");
    let fault = plan(&wrong, &facts(), &|_| None).expect_err("a fault").to_string();
    assert!(fault.starts_with("r.toml, line 9: ") && fault.contains("use number(crm.open)"), "{fault}");
}

#[test]
fn only_what_is_named_is_gathered() {
    let needs = |recipe: &Recipe| super::super::needs::Needs::of(recipe).expect("needs");
    let update = recipe(
        "[condition]\nwhen = \"number(company.mrr) > 5 && contact.custom_attributes.plan == 'pro'\"\notherwise = \"no\"\n\
         [[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = { open = \"{conversations.exists(c, c.open)}\" }",
    );
    let found = needs(&update);
    assert!(found.company && found.contact && found.crm && found.conversations);
    assert!(!found.conversation && !found.deals && !found.ticket && !found.timeline && !found.tags);
    assert_eq!(found.fields["company"].iter().collect::<Vec<_>>(), ["mrr"]);
    assert_eq!(found.fields["contact"].iter().collect::<Vec<_>>(), ["custom_attributes.plan"]);
    assert_eq!(found.fields["crm"].iter().collect::<Vec<_>>(), ["open"]);
    assert!(needs(&deal()).stages.contains(&ObjectKind::Deal));
}
