//! Contacts: what is taken and refused, merges and their consequences, subscriptions, search.

use serde_json::{Value, json};

use super::{create, empty, good, intercom, refused, says, told, versioned};

#[tokio::test]
async fn what_a_contact_cannot_be_is_refused() {
    let sandbox = empty().await;
    let post = async |body: Value| refused(&sandbox, "POST", "/contacts", body).await;
    assert_eq!(post(json!({"name": "Ana"})).await.1, "parameter_not_found");
    assert_eq!(post(json!({"role": "visitor"})).await.1, "parameter_invalid");
    assert_eq!(post(json!({"email": "not an address"})).await.0, 422);
    assert_eq!(post(json!({"role": "user", "signed_up_at": "yesterday"})).await.0, 422);
    assert_eq!(post(json!({"role": "user", "email_verified": true})).await.0, 400);
    for (attribute, wrong, right) in [
        (json!({"name": "seats", "data_type": "integer"}), json!("many"), json!(3)),
        (json!({"name": "share", "data_type": "float"}), json!(true), json!(0.5)),
        (json!({"name": "paying", "data_type": "boolean"}), json!("perhaps"), json!(true)),
        (json!({"name": "renewal", "data_type": "datetime"}), json!("soon"), json!(1_800_000_000)),
        (
            json!({"name": "tier", "data_type": "options", "options": [{"value": "gold"}, {"value": "tin"}]}),
            json!("wood"),
            json!("gold"),
        ),
    ] {
        let name = attribute["name"].as_str().unwrap().to_owned();
        let mut body = attribute;
        body["model"] = json!("contact");
        good(&sandbox, "POST", "/data_attributes", body).await;
        let with = |value: Value| json!({"role": "lead", "custom_attributes": {&name: value}});
        let (status, code, words) = post(with(wrong)).await;
        assert_eq!((status, code.as_str()), (400, "parameter_invalid"), "{name}: {words}");
        assert!(words.contains(&name), "{words}");
        let made = good(&sandbox, "POST", "/contacts", with(right.clone())).await;
        assert_eq!(made["custom_attributes"][&name], right);
        let path = format!("/contacts/{}", made["id"].as_str().unwrap());
        let emptied = good(&sandbox, "PUT", &path, json!({"custom_attributes": {&name: null}})).await;
        assert_eq!(emptied["custom_attributes"], json!({}));
    }
}

#[tokio::test]
async fn an_owner_is_a_number_before_2_16_and_a_text_since() {
    let sandbox = empty().await;
    let id = create(&sandbox, json!({"role": "user", "owner_id": "7400101"})).await;
    let path = format!("/contacts/{id}");
    assert_eq!(versioned(&sandbox, "2.15", "GET", &path, None).await.body["owner_id"], json!(7_400_101));
    assert_eq!(versioned(&sandbox, "2.16", "GET", &path, None).await.body["owner_id"], json!("7400101"));
}

#[tokio::test]
async fn only_ten_of_what_hangs_on_a_contact_are_named_in_it() {
    let sandbox = empty().await;
    let id = create(&sandbox, json!({"role": "user"})).await;
    for number in 0..12 {
        let tag = good(&sandbox, "POST", "/tags", json!({"name": format!("tag {number}")})).await;
        good(&sandbox, "POST", &format!("/contacts/{id}/tags"), json!({"id": tag["id"]})).await;
        let company = json!({"company_id": format!("c{number}")});
        let company = good(&sandbox, "POST", "/companies", company).await;
        good(&sandbox, "POST", &format!("/contacts/{id}/companies"), json!({"id": company["id"]})).await;
        good(&sandbox, "POST", &format!("/contacts/{id}/notes"), json!({"body": "called"})).await;
    }
    let contact = good(&sandbox, "GET", &format!("/contacts/{id}"), Value::Null).await;
    for what in ["tags", "companies", "notes"] {
        let list = &contact[what];
        assert_eq!(
            (list["data"].as_array().unwrap().len(), &list["total_count"]),
            (10, &json!(12)),
            "{what}"
        );
        assert_eq!(
            (&list["has_more"], &list["url"]),
            (&json!(true), &json!(format!("/contacts/{id}/{what}")))
        );
        let path = format!("{}?per_page=60", list["url"].as_str().unwrap());
        let all = good(&sandbox, "GET", &path, Value::Null).await;
        assert_eq!(all["data"].as_array().unwrap().len(), 12, "{what}");
    }
    let second =
        good(&sandbox, "GET", &format!("/contacts/{id}/companies?per_page=5&page=3"), Value::Null).await;
    assert_eq!((second["data"].as_array().unwrap().len(), &second["pages"]["total_pages"]), (2, &json!(3)));
}

#[tokio::test]
async fn archiving_can_be_undone_unless_the_place_is_taken() {
    let sandbox = empty().await;
    let lead = create(&sandbox, json!({"role": "lead", "email": "ana@northlight.com"})).await;
    let user = create(&sandbox, json!({"role": "user", "email": "kim@northlight.com"})).await;
    let archive = |id: &str, how: &str| format!("/contacts/{id}/{how}");
    for _ in 0..2 {
        let archived = good(&sandbox, "POST", &archive(&user, "archive"), Value::Null).await;
        assert_eq!((&archived["archived"], &archived["id"]), (&json!(true), &json!(user)));
    }
    let email = json!({"query": {"field": "email", "operator": "=", "value": "kim@northlight.com"}});
    assert_eq!(good(&sandbox, "POST", "/contacts/search", email.clone()).await["total_count"], 0);
    let twin =
        refused(&sandbox, "POST", "/contacts", json!({"role": "user", "email": "kim@northlight.com"})).await;
    let words = format!("An archived contact matching those details already exists with id={user}");
    assert_eq!(twin, says(409, "conflict", &words));
    good(&sandbox, "POST", &archive(&user, "unarchive"), Value::Null).await;
    assert_eq!(good(&sandbox, "POST", "/contacts/search", email).await["total_count"], 1);
    // A lead with the e-mail of a user may be; as a user it may not come back.
    good(&sandbox, "POST", &archive(&user, "archive"), Value::Null).await;
    good(&sandbox, "PUT", &format!("/contacts/{lead}"), json!({"email": "kim@northlight.com"})).await;
    let taken = refused(&sandbox, "PUT", &format!("/contacts/{lead}"), json!({"role": "user"})).await;
    assert_eq!((taken.0, taken.1.as_str()), (409, "conflict"));
    for how in ["archive", "unarchive", "block"] {
        let nobody = refused(&sandbox, "POST", &archive("nobody", how), Value::Null).await;
        assert_eq!(nobody, says(404, "not_found", "User Not Found"));
    }
}

#[tokio::test]
async fn a_merge_takes_everything_along_and_leaves_a_trail() {
    let sandbox = empty().await;
    let user = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com", "name": "Ana"})).await;
    let lead = json!({"role": "lead", "email": "ANA@northlight.com", "name": "A.", "phone": "+49301"});
    let lead = create(&sandbox, lead).await;
    let external = sandbox.intercom_contact(&lead).unwrap()["external_id"].as_str().unwrap().to_owned();
    let company = good(&sandbox, "POST", "/companies", json!({"company_id": "c1"})).await;
    good(&sandbox, "POST", &format!("/contacts/{lead}/companies"), json!({"id": company["id"]})).await;
    let subscription = json!({"id": "9120301", "consent_type": "opt_out"});
    good(&sandbox, "POST", &format!("/contacts/{lead}/subscriptions"), subscription).await;
    let event = json!({"event_name": "asked", "created_at": 1_772_000_000, "id": lead});
    good(&sandbox, "POST", "/events", event).await;
    let message = json!({"from": {"type": "lead", "id": lead}, "body": "Hello"});
    let conversation = good(&sandbox, "POST", "/conversations", message).await["conversation_id"].clone();
    let merge = json!({"from": lead, "into": user});
    let merged = good(&sandbox, "POST", "/contacts/merge?include_merge_history=true", merge.clone()).await;
    assert_eq!((&merged["name"], &merged["phone"]), (&json!("Ana"), &json!("+49301")));
    assert_eq!(merged["companies"]["data"][0]["id"], company["id"]);
    assert_eq!(merged["opted_out_subscription_types"]["total_count"], 1);
    assert_eq!(merged["merge_history"][0]["source_contact_id"], json!(lead));
    let events =
        good(&sandbox, "GET", &format!("/events?type=user&intercom_user_id={user}"), Value::Null).await;
    assert_eq!((&events["events"][0]["name"], &events["events"][0]["count"]), (&json!("asked"), &json!(1)));
    let path = format!("/conversations/{}", conversation.as_str().unwrap());
    let talk = good(&sandbox, "GET", &path, Value::Null).await;
    assert_eq!(
        (&talk["contacts"]["contacts"][0]["id"], &talk["source"]["author"]["id"]),
        (&json!(user), &json!(user))
    );

    let canonical = format!("</contacts/{user}>; rel=\"canonical\"");
    for path in [format!("/contacts/{lead}"), format!("/contacts/find_by_external_id/{external}")] {
        let gone = versioned(&sandbox, "2.16", "GET", &path, None).await;
        assert_eq!((gone.status, gone.header("link")), (410, Some(canonical.as_str())), "{path}");
        assert_eq!(versioned(&sandbox, "2.15", "GET", &path, None).await.status, 404, "{path}");
    }
    assert_eq!(
        refused(&sandbox, "POST", "/contacts/merge", merge).await,
        says(404, "not_found", "Contact Not Found")
    );
    let history = good(&sandbox, "GET", &format!("/contacts/{user}/merge_history"), Value::Null).await;
    assert_eq!((history["data"].as_array().unwrap().len(), &history["has_more"]), (1, &json!(false)));
    let of_lead = create(&sandbox, json!({"role": "lead"})).await;
    let refusal = refused(&sandbox, "GET", &format!("/contacts/{of_lead}/merge_history"), Value::Null).await;
    assert_eq!(refusal, says(404, "not_found", "Contact not found"));
}

#[tokio::test]
async fn who_may_be_merged_depends_on_roles_and_since_2_16_on_likeness() {
    let sandbox = empty().await;
    let user = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com"})).await;
    let merge = async |version: &str, from: &str, into: &str, skip: bool| {
        let mut body = json!({"from": from, "into": into});
        if skip {
            body["skip_duplicate_validation"] = json!(true);
        }
        versioned(&sandbox, version, "POST", "/contacts/merge", Some(body)).await
    };
    for (version, skip, status) in [("2.16", false, 400), ("2.16", true, 200), ("2.15", false, 200)] {
        let stranger = create(&sandbox, json!({"role": "lead", "email": "zoe@gmail.com"})).await;
        let reply = merge(version, &stranger, &user, skip).await;
        assert_eq!(reply.status, status, "{version} {skip}: {}", reply.body);
        let roles = told(&merge(version, &user, &stranger, skip).await);
        let expected = if status == 200 { "not_found" } else { "invalid_merge" };
        assert_eq!(roles.1, expected);
    }
    let page = format!("/contacts/{user}/merge_history?per_page=1&order=asc");
    let first = good(&sandbox, "GET", &page, Value::Null).await;
    let next = format!("{page}&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = good(&sandbox, "GET", &next, Value::Null).await;
    assert_eq!((&first["has_more"], &second["has_more"]), (&json!(true), &json!(false)));
    assert_ne!(first["data"], second["data"]);
}

#[tokio::test]
async fn a_choice_about_a_subscription_type_can_be_made_and_taken_back() {
    let sandbox = empty().await;
    let id = create(&sandbox, json!({"role": "user"})).await;
    let path = format!("/contacts/{id}/subscriptions");
    let types = good(&sandbox, "GET", "/subscription_types", Value::Null).await;
    assert_eq!(types["data"].as_array().unwrap().len(), 3);
    let opt_in = json!({"id": "9120303", "consent_type": "opt_in"});
    assert_eq!(good(&sandbox, "POST", &path, opt_in.clone()).await["consent_type"], "opt_in");
    good(&sandbox, "POST", &path, opt_in).await;
    let chosen = good(&sandbox, "GET", &path, Value::Null).await;
    assert_eq!(chosen["data"].as_array().unwrap().len(), 1);
    let contact = sandbox.intercom_contact(&id).unwrap();
    assert_eq!(contact["opted_in_subscription_types"]["data"][0]["id"], "9120303");
    let unknown = json!({"id": "1", "consent_type": "opt_in"});
    assert_eq!(refused(&sandbox, "POST", &path, unknown).await, says(404, "not_found", "Resource Not Found"));
    let other_way = json!({"id": "9120303", "consent_type": "opt_out"});
    assert_eq!(refused(&sandbox, "POST", &path, other_way).await.0, 400);
    good(&sandbox, "DELETE", &format!("{path}/9120303"), Value::Null).await;
    assert_eq!(refused(&sandbox, "DELETE", &format!("{path}/9120303"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn blocking_hides_conversations_and_the_old_path_still_deletes() {
    let sandbox = empty().await;
    let id = create(&sandbox, json!({"role": "user", "external_id": "u-7"})).await;
    let message = json!({"from": {"type": "user", "id": id}, "body": "Buy pills"});
    good(&sandbox, "POST", "/conversations", message).await;
    let blocked = good(&sandbox, "POST", &format!("/contacts/{id}/block"), Value::Null).await;
    assert_eq!(blocked["blocked"], true);
    assert_eq!(good(&sandbox, "GET", "/conversations", Value::Null).await["total_count"], 0);
    assert_eq!(good(&sandbox, "DELETE", "/users/u-7", Value::Null).await["deleted"], true);
    assert_eq!(refused(&sandbox, "GET", &format!("/contacts/{id}"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_search_is_refused_where_the_vendor_refuses_it() {
    let sandbox = empty().await;
    for (name, kind) in [("seats", "integer"), ("renewal", "date")] {
        let attribute = json!({"name": name, "model": "contact", "data_type": kind});
        good(&sandbox, "POST", "/data_attributes", attribute).await;
    }
    let filter = |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    let all = |parts: Vec<Value>| json!({"operator": "AND", "value": parts});
    let one = filter("name", "=", json!("x"));
    for bad in [
        filter("updated_at", ">=", json!(1)),
        filter("custom_attributes.renewal", "!=", json!(1)),
        filter("updated_at", "IN", json!([1])),
        filter("updated_at", ">", json!("foobar")),
        filter("name", ">", json!("a")),
        filter("custom_attributes.seats", "~", json!("1")),
        filter("unsubscribed_from_emails", "=", json!("perhaps")),
        filter("tag_id", "IN", json!(["1"])),
        filter("shoe_size", "=", json!(1)),
        filter("name", "LIKE", json!("x")),
        all(vec![one.clone(); 16]),
        all(vec![all(vec![all(vec![one.clone()])])]),
        json!({"operator": "XOR", "value": [one.clone()]}),
    ] {
        let reply = refused(&sandbox, "POST", "/contacts/search", json!({"query": bad.clone()})).await;
        assert_eq!((reply.0, reply.1.as_str()), (400, "parameter_invalid"), "{bad}");
    }
    let query = json!({"query": one, "pagination": {"per_page": 151}});
    assert_eq!(refused(&sandbox, "POST", "/contacts/search", query).await.0, 400);
    let sorted = json!({"query": all(vec![all(vec![filter("name", "=", json!("x")); 15]); 15]), "sort": {"field": "name", "order": "desc"}});
    assert_eq!(
        refused(&sandbox, "POST", "/contacts/search", sorted).await,
        says(400, "invalid_sort_order", "Invalid sort order 'desc'. Must be one of: ascending, descending")
    );
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let sandbox = empty().await;
    let attribute = json!({"name": "seats", "model": "contact", "data_type": "integer"});
    good(&sandbox, "POST", "/data_attributes", attribute).await;
    for (name, seats) in [("Ana", 1), ("Hannah", 5), ("Kim", 9)] {
        let contact = json!({"role": "user", "name": name, "external_id": name.to_lowercase(), "phone": format!("+4930{seats}"), "custom_attributes": {"seats": seats}});
        create(&sandbox, contact).await;
    }
    let count = async |field: &str, operator: &str, value: Value| {
        let body = json!({"query": {"field": field, "operator": operator, "value": value}});
        good(&sandbox, "POST", "/contacts/search", body).await["total_count"].as_u64().unwrap()
    };
    for (field, operator, value, found) in [
        ("name", "=", json!("ana"), 1),
        ("name", "!=", json!("Ana"), 2),
        ("name", "IN", json!(["Ana", "Kim"]), 2),
        ("name", "NIN", json!(["Ana", "Kim"]), 1),
        ("name", "~", json!("an"), 2),
        ("name", "!~", json!("an"), 1),
        ("name", "^", json!("Ha"), 1),
        ("name", "$", json!("ah"), 1),
        ("phone", "=", json!("+49305"), 1),
        ("email", "=", Value::Null, 3),
        ("custom_attributes.seats", ">", json!(5), 1),
        ("custom_attributes.seats", ">=", json!(5), 2),
        ("custom_attributes.seats", "<", json!(5), 1),
        ("custom_attributes.seats", "<=", json!("5"), 2),
        ("role", "=", json!("lead"), 0),
    ] {
        assert_eq!(count(field, operator, value.clone()).await, found, "{field} {operator} {value}");
    }
}

#[tokio::test]
async fn days_are_those_of_the_workspaces_zone() {
    let sandbox = empty().await;
    // 2 March 2026, 08:30 UTC: there it is 22:30 of the 1st in Honolulu, 22:30 of the 2nd ... in Auckland's winter.
    create(&sandbox, json!({"role": "user"})).await;
    let now = 1_772_440_200;
    let hours = |hours: i64| now + hours * 3_600;
    let found = async |operator: &str, value: i64| {
        let body = json!({"query": {"field": "updated_at", "operator": operator, "value": value}, "sort": {"field": "updated_at", "order": "ascending"}});
        good(&sandbox, "POST", "/contacts/search", body).await["total_count"].as_u64().unwrap()
    };
    assert_eq!(
        (found("=", hours(15)).await, found("=", hours(16)).await),
        (1, 0),
        "UTC's midnight is 15.5 hours away"
    );
    assert!(sandbox.set_intercom_time_zone("-10:00"));
    assert_eq!(
        (found("=", hours(1)).await, found("=", hours(2)).await),
        (1, 0),
        "in Honolulu it is 1.5 hours away"
    );
    assert_eq!((found(">", hours(-23)).await, found(">", hours(-22)).await), (1, 0));
    assert_eq!((found("<", hours(1)).await, found("<", hours(2)).await), (0, 1));
    assert_eq!(good(&sandbox, "GET", "/me", Value::Null).await["app"]["timezone"], "-10");
    assert!(!sandbox.set_intercom_time_zone("Atlantis"));
}

#[tokio::test]
async fn the_poll_by_pages_sees_every_contact_once_in_either_order() {
    let sandbox = super::started().await;
    let total = sandbox.books()["records"]["intercom"]["contacts"].as_u64().unwrap();
    for order in ["ascending", "descending"] {
        let (mut after, mut seen) = (Value::Null, Vec::new());
        loop {
            let body = json!({
                "query": {"field": "updated_at", "operator": ">", "value": 0},
                "sort": {"field": "updated_at", "order": order},
                "pagination": {"per_page": 33, "starting_after": after},
            });
            let page = good(&sandbox, "POST", "/contacts/search", body).await;
            assert_eq!(page["total_count"], json!(total));
            seen.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| (one["updated_at"].as_i64().unwrap(), one["id"].as_str().unwrap().to_owned())),
            );
            after = page["pages"]["next"]["starting_after"].clone();
            if after.is_null() {
                break;
            }
        }
        let seconds: Vec<i64> = seen.iter().map(|(at, _)| *at).collect();
        assert!(if order == "ascending" { seconds.is_sorted() } else { seconds.iter().rev().is_sorted() });
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len() as u64, total, "{order}");
    }
}

#[tokio::test]
async fn a_new_contact_may_be_read_before_it_can_be_found() {
    let sandbox = empty().await;
    sandbox.set_intercom_search_lag(600_000);
    let id = create(&sandbox, json!({"role": "user", "email": "ana@northlight.com"})).await;
    let email = json!({"query": {"field": "email", "operator": "=", "value": "ana@northlight.com"}});
    assert_eq!(good(&sandbox, "POST", "/contacts/search", email.clone()).await["total_count"], 0);
    assert_eq!(intercom(&sandbox, "GET", &format!("/contacts/{id}"), None).await.status, 200);
    sandbox.set_intercom_search_lag(0);
    assert_eq!(good(&sandbox, "POST", "/contacts/search", email).await["total_count"], 1);
}
