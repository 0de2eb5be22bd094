//! Tags, data attributes, events, segments, the team.

use serde_json::{Value, json};

use super::{create, empty, good, intercom, refused, says, versioned};

#[tokio::test]
async fn a_tag_is_found_renamed_and_deleted_unless_a_segment_needs_it() {
    let sandbox = empty().await;
    let tag = good(&sandbox, "POST", "/tags", json!({"name": "VIP"})).await;
    assert_eq!(good(&sandbox, "POST", "/tags", json!({"name": "vip"})).await["id"], tag["id"]);
    let id = tag["id"].as_str().unwrap();
    let renamed = good(&sandbox, "POST", "/tags", json!({"id": id, "name": "Very important"})).await;
    assert_eq!(renamed["name"], "Very important");
    let people =
        [create(&sandbox, json!({"role": "user"})).await, create(&sandbox, json!({"role": "lead"})).await];
    let users: Vec<Value> = people.iter().map(|id| json!({"id": id})).collect();
    let body = json!({"name": "Very important", "users": users});
    assert_eq!(good(&sandbox, "POST", "/tags", body.clone()).await["users"].as_array().unwrap().len(), 2);
    assert_eq!(versioned(&sandbox, "2.14", "POST", "/tags", Some(body)).await.body.get("users"), None);
    let query = json!({"query": {"field": "tag_id", "operator": "=", "value": id}});
    assert_eq!(good(&sandbox, "POST", "/contacts/search", query.clone()).await["total_count"], 2);
    for bad in [json!({}), json!({"name": " "}), json!({"name": "x", "users": "all"})] {
        assert_eq!(
            refused(&sandbox, "POST", "/tags", bad).await,
            says(400, "parameter_invalid", "invalid tag parameters")
        );
    }
    let segment = sandbox.new_intercom_segment("Seg 1", "tag", "Very important").unwrap();
    let in_segment = json!({"query": {"field": "segment_id", "operator": "=", "value": segment}});
    assert_eq!(good(&sandbox, "POST", "/contacts/search", in_segment).await["total_count"], 2);
    assert_eq!(
        refused(&sandbox, "DELETE", &format!("/tags/{id}"), Value::Null).await,
        says(
            400,
            "tag_has_dependent_objects",
            "Unable to delete Tag with dependent objects. Segments: Seg 1."
        )
    );
    let other = good(&sandbox, "POST", "/tags", json!({"name": "other", "users": [{"id": people[0]}]})).await;
    let other = format!("/tags/{}", other["id"].as_str().unwrap());
    assert_eq!(intercom(&sandbox, "DELETE", &other, None).await.status, 200);
    assert_eq!(
        refused(&sandbox, "GET", &other, Value::Null).await,
        says(404, "not_found", "Resource Not Found")
    );
    assert_eq!(sandbox.intercom_contact(&people[0]).unwrap()["tags"]["total_count"], 1);
}

#[tokio::test]
async fn a_data_attribute_is_made_once_and_never_changes_its_type() {
    let sandbox = empty().await;
    let attribute =
        |name: &str, data_type: &str| json!({"name": name, "model": "company", "data_type": data_type});
    let made = good(&sandbox, "POST", "/data_attributes", attribute("The One Ring", "datetime")).await;
    assert_eq!(
        (&made["data_type"], &made["full_name"]),
        (&json!("date"), &json!("custom_attributes.The One Ring"))
    );
    let invalid = |words: &str| says(400, "parameter_invalid", words);
    let post = async |body: Value| refused(&sandbox, "POST", "/data_attributes", body).await;
    assert_eq!(
        post(attribute("The One Ring", "string")).await,
        invalid(
            "You already have 'The One Ring' in your company data. To save this as new company data, use a different name."
        )
    );
    assert_eq!(
        post(attribute("!nvalid n@me", "string")).await,
        invalid(
            "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens"
        )
    );
    assert_eq!(post(attribute("fine", "mystery")).await, invalid("Data Type isn't an option"));
    assert_eq!(
        post(json!({"name": "x", "model": "conversation", "data_type": "string"})).await,
        invalid("The Data Attribute model field must be either contact or company")
    );
    let mut one_option = attribute("size", "options");
    one_option["options"] = json!([{"value": "1-10"}]);
    assert_eq!(post(one_option).await.0, 400);
    let path = format!("/data_attributes/{}", made["id"]);
    assert_eq!(
        refused(&sandbox, "PUT", &path, json!({"options": "x"})).await,
        invalid("Options isn't an array")
    );
    let described =
        good(&sandbox, "PUT", &path, json!({"description": "precious", "data_type": "float"})).await;
    assert_eq!((&described["description"], &described["data_type"]), (&json!("precious"), &json!("date")));
    assert_eq!(good(&sandbox, "PUT", &path, json!({"archived": true})).await["archived"], true);
    let listed = good(&sandbox, "GET", "/data_attributes?model=company", Value::Null).await;
    assert!(!listed.to_string().contains("The One Ring"));
    let all =
        good(&sandbox, "GET", "/data_attributes?model=company&include_archived=true", Value::Null).await;
    assert!(all.to_string().contains("The One Ring"));
    assert_eq!(
        refused(&sandbox, "PUT", "/data_attributes/1", json!({})).await,
        says(404, "field_not_found", "We couldn't find that data attribute to update")
    );
    // One a segment is made of cannot go.
    let plan = good(&sandbox, "GET", "/data_attributes?model=contact", Value::Null).await;
    let plan =
        plan["data"].as_array().unwrap().iter().find(|one| one["name"] == "plan").unwrap()["id"].clone();
    sandbox.new_intercom_segment("Planned", "attribute", "plan").unwrap();
    assert_eq!(
        refused(&sandbox, "PUT", &format!("/data_attributes/{plan}"), json!({"archived": true})).await,
        says(422, "data_invalid", "The Data Attribute you are trying to archive has a dependant object")
    );
}

#[tokio::test]
async fn an_event_told_twice_in_one_second_counts_once() {
    let sandbox = empty().await;
    let id =
        create(&sandbox, json!({"role": "user", "external_id": "u1", "email": "ana@northlight.com"})).await;
    for (at, whom) in [
        (10, json!({"id": id})),
        (10, json!({"user_id": "u1"})),
        (20, json!({"email": "ana@northlight.com"})),
    ] {
        let mut event = json!({"event_name": "won-deal", "created_at": at});
        event.as_object_mut().unwrap().extend(whom.as_object().cloned().unwrap());
        let reply = intercom(&sandbox, "POST", "/events", Some(event)).await;
        assert_eq!((reply.status, reply.body), (202, json!("")));
    }
    let summary = good(&sandbox, "GET", "/events?type=user&user_id=u1&summary=true", Value::Null).await;
    assert_eq!((&summary["type"], &summary["events"][0]["count"]), (&json!("event.summary"), &json!(2)));
    let nobody = json!({"event_name": "e", "created_at": 1, "email": "no@body.com"});
    assert_eq!(refused(&sandbox, "POST", "/events", nobody).await.0, 404);
    assert_eq!(refused(&sandbox, "POST", "/events", json!({"event_name": "e", "id": id})).await.0, 400);
    let past = json!({"user_id": "u1", "event_summaries": {"event_name": "visited", "count": 7, "first": 1, "last": 9}});
    assert_eq!(intercom(&sandbox, "POST", "/events/summaries", Some(past)).await.status, 200);
    let summary = good(&sandbox, "GET", "/events?type=user&user_id=u1", Value::Null).await;
    assert_eq!(summary["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_team_and_the_segments_can_be_looked_up() {
    let sandbox = super::started().await;
    let team = good(&sandbox, "GET", "/teams", Value::Null).await["teams"][0].clone();
    assert_eq!(
        good(&sandbox, "GET", &format!("/teams/{}", team["id"].as_str().unwrap()), Value::Null).await,
        team
    );
    assert_eq!(
        refused(&sandbox, "GET", "/teams/1", Value::Null).await,
        says(404, "team_not_found", "Team not found")
    );
    assert_eq!(
        refused(&sandbox, "GET", "/admins/1", Value::Null).await,
        says(404, "admin_not_found", "Admin not found")
    );
    let admin = good(&sandbox, "GET", "/admins/7400101", Value::Null).await;
    assert_eq!(admin["team_ids"], json!([8_140_201]));
    let segments = good(&sandbox, "GET", "/segments?include_count=true", Value::Null).await;
    let active = &segments["segments"][0];
    assert!(active["count"].as_u64().unwrap() > 0, "{active}");
    let query = json!({"query": {"field": "segment_id", "operator": "=", "value": active["id"]}, "pagination": {"per_page": 1}});
    let one = good(&sandbox, "POST", "/contacts/search", query).await;
    assert_eq!(one["total_count"], active["count"]);
    let of_one = format!("/contacts/{}/segments", one["data"][0]["id"].as_str().unwrap());
    assert_eq!(good(&sandbox, "GET", &of_one, Value::Null).await["data"][0]["id"], active["id"]);
}
