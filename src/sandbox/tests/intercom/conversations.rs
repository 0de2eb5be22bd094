//! Conversations: who may say and do what, what each leaves behind, attributes, merges, deletion.

use serde_json::{Value, json};

use super::{create, empty, good, intercom, refused, says, versioned};
use crate::sandbox::{Sandbox, Webhook};

const ADMIN: &str = "7400101";

async fn begun(sandbox: &Sandbox) -> (String, String) {
    let contact =
        create(sandbox, json!({"role": "user", "email": "ana@northlight.com", "external_id": "u1"})).await;
    let message = json!({"from": {"type": "user", "id": contact}, "body": "I need support"});
    let message = good(sandbox, "POST", "/conversations", message).await;
    (contact, format!("/conversations/{}", message["conversation_id"].as_str().unwrap()))
}

async fn manage(sandbox: &Sandbox, path: &str, mut part: Value) -> Value {
    part["admin_id"] = json!(ADMIN);
    good(sandbox, "POST", &format!("{path}/parts"), part).await
}

#[tokio::test]
async fn a_conversation_is_assigned_snoozed_opened_and_closed() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let assigned = json!({"message_type": "assignment", "type": "admin", "assignee_id": "7400102"});
    let assigned = manage(&sandbox, &path, assigned).await;
    assert_eq!(assigned["admin_assignee_id"], 7_400_102);
    let part = &assigned["conversation_parts"]["conversation_parts"][0];
    assert_eq!((&part["part_type"], &part["assigned_to"]["id"]), (&json!("assignment"), &json!("7400102")));
    let team = json!({"message_type": "assignment", "type": "team", "assignee_id": "8140201"});
    let team = manage(&sandbox, &path, team).await;
    assert_eq!(
        (&team["admin_assignee_id"], &team["team_assignee_id"]),
        (&json!(7_400_102), &json!(8_140_201))
    );
    let nobody = json!({"message_type": "assignment", "type": "admin", "assignee_id": "0"});
    assert_eq!(manage(&sandbox, &path, nobody).await["admin_assignee_id"], 0);
    assert_eq!(versioned(&sandbox, "2.14", "GET", &path, None).await.body["admin_assignee_id"], Value::Null);

    // The moment is in the past of the sandbox's clock: the next call finds it awake.
    let snooze = json!({"message_type": "snoozed", "snoozed_until": 1_772_440_201_i64 + 3_600});
    assert_eq!(manage(&sandbox, &path, snooze).await["state"], "snoozed");
    let short = json!({"message_type": "snoozed", "snoozed_until": 1_772_440_000});
    assert_eq!(manage(&sandbox, &path, short).await["state"], "snoozed");
    let awake = good(&sandbox, "GET", &path, Value::Null).await;
    assert_eq!((&awake["state"], &awake["snoozed_until"]), (&json!("open"), &Value::Null));

    let closed =
        manage(&sandbox, &path, json!({"message_type": "close", "type": "admin", "body": "Bye"})).await;
    assert_eq!((&closed["state"], &closed["open"]), (&json!("closed"), &json!(false)));
    assert_eq!(closed["statistics"]["last_closed_by_id"], ADMIN);
    assert_eq!(manage(&sandbox, &path, json!({"message_type": "open"})).await["state"], "open");
    for (bad, status) in [
        (json!({"message_type": "close", "type": "admin"}), 400),
        (json!({"message_type": "close", "type": "admin", "admin_id": "1"}), 404),
        (json!({"message_type": "snoozed", "admin_id": ADMIN}), 400),
        (json!({"message_type": "assignment", "type": "admin", "admin_id": ADMIN, "assignee_id": "1"}), 404),
        (json!({"message_type": "forget", "admin_id": ADMIN}), 400),
    ] {
        assert_eq!(refused(&sandbox, "POST", &format!("{path}/parts"), bad.clone()).await.0, status, "{bad}");
    }
}

#[tokio::test]
async fn both_sides_answer_and_only_the_team_writes_notes() {
    let sandbox = empty().await;
    let (contact, path) = begun(&sandbox).await;
    let reply = format!("{path}/reply");
    let note = json!({"message_type": "note", "type": "admin", "admin_id": ADMIN, "body": "a regular"});
    let noted = good(&sandbox, "POST", &reply, note).await;
    assert_eq!(noted["conversation_parts"]["conversation_parts"][0]["part_type"], "note");
    for whom in [
        json!({"intercom_user_id": contact}),
        json!({"user_id": "u1"}),
        json!({"email": "ANA@northlight.com"}),
    ] {
        let mut answer = json!({"message_type": "comment", "type": "user", "body": "and now?"});
        answer.as_object_mut().unwrap().extend(whom.as_object().cloned().unwrap());
        let answered = good(&sandbox, "POST", "/conversations/last/reply", answer).await;
        let parts = answered["conversation_parts"]["conversation_parts"].as_array().unwrap();
        assert_eq!(parts.last().unwrap()["author"]["id"], json!(contact));
        assert!(answered["waiting_since"].is_i64());
    }
    let stranger = json!({"message_type": "comment", "type": "user", "email": "no@body.com", "body": "x"});
    assert_eq!(refused(&sandbox, "POST", &reply, stranger).await, says(404, "not_found", "User Not Found"));
    let wordless = json!({"message_type": "comment", "type": "admin", "admin_id": ADMIN});
    assert_eq!(refused(&sandbox, "POST", &reply, wordless).await.0, 400);
    let nowhere = json!({"message_type": "comment", "type": "admin", "admin_id": ADMIN, "body": "x"});
    assert_eq!(
        refused(&sandbox, "POST", "/conversations/1/reply", nowhere).await,
        says(404, "not_found", "Resource Not Found")
    );
}

#[tokio::test]
async fn of_more_than_five_hundred_parts_the_newest_are_given() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let id = path.rsplit('/').next().unwrap();
    for number in 0..503 {
        sandbox.reply_to_conversation(id, &format!("part {number}"), Webhook::Silent);
    }
    let read = good(&sandbox, "GET", &format!("{path}?display_as=plaintext"), Value::Null).await;
    let parts = read["conversation_parts"]["conversation_parts"].as_array().unwrap();
    assert_eq!((parts.len(), &read["conversation_parts"]["total_count"]), (500, &json!(503)));
    assert_eq!((&parts[0]["body"], &parts[499]["body"]), (&json!("part 3"), &json!("part 502")));
}

#[tokio::test]
async fn people_come_and_go_but_the_last_one_stays() {
    let sandbox = empty().await;
    let (first, path) = begun(&sandbox).await;
    let second = create(&sandbox, json!({"role": "user", "email": "kim@northlight.com"})).await;
    let customers = format!("{path}/customers");
    let joined = json!({"admin_id": ADMIN, "customer": {"email": "kim@northlight.com"}});
    let joined = good(&sandbox, "POST", &customers, joined).await;
    assert_eq!(joined["contacts"]["contacts"].as_array().unwrap().len(), 2);
    let query = json!({"query": {"field": "contact_ids", "operator": "=", "value": second}});
    assert_eq!(good(&sandbox, "POST", "/conversations/search", query).await["total_count"], 1);
    let body = json!({"admin_id": ADMIN});
    good(&sandbox, "DELETE", &format!("{customers}/{first}"), body.clone()).await;
    assert_eq!(
        refused(&sandbox, "DELETE", &format!("{customers}/{second}"), body.clone()).await,
        says(422, "parameter_invalid", "Removing the last customer is not allowed")
    );
    let stranger = refused(&sandbox, "DELETE", &format!("{customers}/{first}"), body).await;
    assert_eq!(stranger, says(404, "not_found", "User Not Found"));
}

#[tokio::test]
async fn redacted_words_are_nowhere_any_more() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let id = path.rsplit('/').next().unwrap();
    let reply =
        json!({"message_type": "comment", "type": "admin", "admin_id": ADMIN, "body": "my card is 4111"});
    let answered = good(&sandbox, "POST", &format!("{path}/reply"), reply).await;
    let part = &answered["conversation_parts"]["conversation_parts"][0]["id"];
    let of_part = json!({"type": "conversation_part", "conversation_id": id, "conversation_part_id": part});
    good(&sandbox, "POST", "/conversations/redact", of_part).await;
    let of_source = json!({"type": "source", "conversation_id": id, "source_id": answered["source"]["id"]});
    let redacted = good(&sandbox, "POST", "/conversations/redact", of_source).await;
    assert!(
        !redacted.to_string().contains("4111") && !redacted.to_string().contains("support"),
        "{redacted}"
    );
    assert_eq!(redacted["conversation_parts"]["conversation_parts"][0]["redacted"], true);
    let unknown = json!({"type": "conversation_part", "conversation_id": id, "conversation_part_id": "1"});
    assert_eq!(
        refused(&sandbox, "POST", "/conversations/redact", unknown).await,
        says(404, "conversation_part_or_message_not_found", "Conversation part or message not found")
    );
}

#[tokio::test]
async fn tags_need_an_admin_and_a_company_needs_its_version() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let tag = good(&sandbox, "POST", "/tags", json!({"name": "churn"})).await["id"].clone();
    let tags = format!("{path}/tags");
    assert_eq!(refused(&sandbox, "POST", &tags, json!({"id": tag})).await.0, 400);
    good(&sandbox, "POST", &tags, json!({"id": tag, "admin_id": ADMIN})).await;
    let query = json!({"query": {"field": "tag_ids", "operator": "IN", "value": [tag]}});
    let found = good(&sandbox, "POST", "/conversations/search", query).await;
    assert_eq!(found["conversations"][0]["tags"]["tags"][0]["name"], "churn");
    let one = format!("{tags}/{}", tag.as_str().unwrap());
    good(&sandbox, "DELETE", &one, json!({"admin_id": ADMIN})).await;
    assert_eq!(
        refused(&sandbox, "DELETE", &one, json!({"admin_id": ADMIN})).await,
        says(404, "tag_not_found", "Tag not found")
    );
    let company = good(&sandbox, "POST", "/companies", json!({"company_id": "c1"})).await["id"].clone();
    let body = Some(json!({"company_id": company}));
    let old = versioned(&sandbox, "2.14", "PUT", &path, body.clone()).await;
    assert_eq!((old.status, old.body.get("company")), (200, None));
    let new = versioned(&sandbox, "2.15", "PUT", &path, body).await;
    assert_eq!(new.body["company"]["company_id"], "c1");
    assert_eq!(refused(&sandbox, "PUT", &path, json!({"company_id": "none"})).await.1, "company_not_found");
}

#[tokio::test]
async fn two_attributes_of_one_name_stop_every_update() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let attributes = "/conversations/attributes";
    let tier = json!({"name": "Tier", "data_type": "list", "options": [{"label": "gold"}, {"label": "tin"}]});
    let made = good(&sandbox, "POST", attributes, tier).await;
    let values = json!({"custom_attributes": {"Tier": "gold"}});
    assert_eq!(good(&sandbox, "PUT", &path, values.clone()).await["custom_attributes"]["Tier"], "gold");
    let double = good(&sandbox, "POST", attributes, json!({"name": "Tier", "data_type": "string"})).await;
    assert_eq!(refused(&sandbox, "PUT", &path, values.clone()).await.0, 400);
    let second = format!("{attributes}/{}", double["id"]);
    good(&sandbox, "DELETE", &second, Value::Null).await;
    good(&sandbox, "PUT", &path, values).await;
    assert_eq!(good(&sandbox, "GET", attributes, Value::Null).await["data"].as_array().unwrap().len(), 1);
    let old = versioned(&sandbox, "2.14", "GET", "/data_attributes?model=conversation", None).await;
    assert_eq!(old.body["data"][0]["options"], json!(["gold", "tin"]));

    let options = format!("{attributes}/{}/options", made["id"]);
    let first = format!("{options}/{}", made["options"][0]["id"].as_str().unwrap());
    let invalid = |words: &str| says(422, "parameter_invalid", words);
    assert_eq!(
        refused(&sandbox, "DELETE", &first, Value::Null).await,
        invalid("A list attribute must have at least 2 active options")
    );
    good(&sandbox, "POST", &options, json!({"label": "lead"})).await;
    good(&sandbox, "DELETE", &first, Value::Null).await;
    assert_eq!(refused(&sandbox, "POST", &options, json!({})).await, invalid("label is required"));
    assert_eq!(
        refused(&sandbox, "POST", &options, json!({"label": 1})).await,
        invalid("label must be a string")
    );
    assert_eq!(
        refused(&sandbox, "POST", &options, json!({"label": "x", "colour": "red"})).await,
        invalid("only 'label' is accepted")
    );
    let on_text = format!("{second}/options");
    assert_eq!(
        refused(&sandbox, "POST", &on_text, json!({"label": "x"})).await,
        invalid("Options can only be managed on list attributes")
    );
    let unknown =
        refused(&sandbox, "POST", attributes, json!({"name": "x", "data_type": "invalid_type"})).await;
    assert!(
        unknown.2.starts_with("data_type 'invalid_type' is not valid. Allowed types: string,"),
        "{}",
        unknown.2
    );
    let nothing = refused(&sandbox, "GET", &format!("{attributes}/99"), Value::Null).await;
    assert_eq!(nothing.1, "conversation_attribute_not_found");
}

#[tokio::test]
async fn merged_and_deleted_conversations_are_told_of() {
    let sandbox = empty().await;
    let (contact, path) = begun(&sandbox).await;
    let message = json!({"from": {"type": "contact", "id": contact}, "body": "the same again"});
    let second = good(&sandbox, "POST", "/conversations", message).await["conversation_id"].clone();
    let second = format!("/conversations/{}", second.as_str().unwrap());
    let first: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
    let merge = async |path: &str, into: Value| {
        let reply = intercom(
            &sandbox,
            "POST",
            &format!("{path}/merge"),
            Some(json!({"merge_into_conversation_id": into})),
        )
        .await;
        (reply.status, reply.body["errors"][0]["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(merge(&second, json!("x")).await.0, 400);
    assert_eq!(merge(&second, json!(1)).await, (422, "Primary conversation not found".to_owned()));
    assert_eq!(merge(&path, json!(first)).await, (422, "Cannot merge a conversation into itself".to_owned()));
    assert_eq!(merge(&second, json!(first)).await.0, 200);
    assert_eq!(
        merge(&second, json!(first)).await,
        (422, "Secondary conversation has already been merged".to_owned())
    );
    assert_eq!(good(&sandbox, "GET", &second, Value::Null).await["state"], "closed");

    let gone = good(&sandbox, "DELETE", &format!("{second}?retain_metrics=false"), Value::Null).await;
    assert_eq!((&gone["object"], &gone["deleted"]), (&json!("conversation"), &json!(true)));
    assert_eq!(refused(&sandbox, "GET", &second, Value::Null).await.0, 404);
    let deleted = good(&sandbox, "GET", "/conversations/deleted", Value::Null).await;
    assert_eq!(
        (&deleted["total_count"], &deleted["conversations"][0]["metrics_retained"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn the_search_of_conversations_has_rules_of_its_own() {
    let sandbox = empty().await;
    let (_, path) = begun(&sandbox).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    assert!(sandbox.rate_conversation(&id, 2, "slow", Webhook::Silent));
    assert!(sandbox.prioritise_conversation(&id, "urgent", Webhook::Silent));
    let updated = good(&sandbox, "GET", &path, Value::Null).await["updated_at"].as_i64().unwrap();
    let found = async |field: &str, operator: &str, value: Value| {
        let body = json!({"query": {"field": field, "operator": operator, "value": value}});
        let reply = intercom(&sandbox, "POST", "/conversations/search", Some(body)).await;
        reply.body["total_count"].as_u64().ok_or(reply.status)
    };
    for (field, operator, value, count) in [
        ("updated_at", ">", json!(updated), 1),
        ("updated_at", ">", json!(updated + 1), 0),
        ("updated_at", "<", json!(updated), 1),
        ("updated_at", "<", json!(updated - 1), 0),
        ("source.body", "=", json!("support"), 1),
        ("source.body", "=", json!("need support"), 0),
        ("conversation_rating.score", "<", json!(3), 1),
        ("priority", "=", json!("urgent"), 1),
        ("source.author.email", "$", json!("@northlight.com"), 1),
        ("statistics.count_conversation_parts", "=", json!(0), 1),
        ("open", "=", json!(true), 1),
    ] {
        assert_eq!(found(field, operator, value.clone()).await, Ok(count), "{field} {operator} {value}");
    }
    assert_eq!(found("updated_at", ">", json!("foobar")).await, Err(400));
    assert_eq!(found("colour", "=", json!("red")).await, Err(400));
    assert_eq!(versioned(&sandbox, "2.15", "GET", &path, None).await.body["priority"], "priority");
    assert_eq!(refused(&sandbox, "GET", "/conversations?per_page=151", Value::Null).await.0, 400);
}
