//! Every operation built from example arguments, in versions that have it and versions that do not.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::vendors::request::Request;
use crate::vendors::settings::Settings;

fn settings(version: &str) -> Settings {
    let mut settings = Settings::default();
    version.clone_into(&mut settings.intercom.version);
    settings
}

fn operation(name: &str) -> &'static Operation {
    TABLE.iter().find(|operation| operation.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn build_in(version: &str, name: &str, given: &Value) -> Result<Request, VendorError> {
    let operation = operation(name);
    let arguments = Arguments::new(operation, given.as_object().cloned().unwrap_or_default())?;
    (operation.build)(&settings(version), &arguments)
}

fn built(name: &str, given: &Value) -> (String, Value) {
    let request = build_in("2.16", name, given).unwrap_or_else(|error| panic!("{name}: {error}"));
    (format!("{} {}", request.method, request.path), request.body.unwrap_or_default())
}

/// A call as the vendor's documents have it: operation, arguments, method and path, body.
fn examples() -> Vec<(&'static str, Value, &'static str, Value)> {
    let none = Value::Null;
    let contact = json!({"contact_id": "c1"});
    let company = json!({"company_id": "k1"});
    let by = |more: Value| {
        let mut given = json!({"conversation_id": "9", "admin_id": "7"});
        given.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        given
    };
    vec![
        (
            "contacts.search",
            json!({"query": {"field": "email", "operator": "=", "value": "a@b.c"}, "sort_field": "updated_at", "sort_order": "descending", "per_page": 150, "starting_after": "x"}),
            "POST /contacts/search",
            json!({"query": {"field": "email", "operator": "=", "value": "a@b.c"}, "pagination": {"per_page": 150, "starting_after": "x"}, "sort": {"field": "updated_at", "order": "descending"}}),
        ),
        (
            "contacts.list",
            json!({"per_page": 5, "starting_after": "a=b"}),
            "GET /contacts?per_page=5&starting_after=a%3Db",
            none.clone(),
        ),
        ("contacts.get", contact.clone(), "GET /contacts/c1", none.clone()),
        (
            "contacts.find_by_external_id",
            json!({"external_id": "u/1"}),
            "GET /contacts/find_by_external_id/u%2F1",
            none.clone(),
        ),
        (
            "contacts.create",
            json!({"contact": {"email": "a@b.c", "custom_attributes.plan": "pro"}}),
            "POST /contacts",
            json!({"email": "a@b.c", "custom_attributes": {"plan": "pro"}}),
        ),
        (
            "contacts.update",
            json!({"contact_id": "c1", "contact": {"owner_id": 7}}),
            "PUT /contacts/c1",
            json!({"owner_id": "7"}),
        ),
        ("contacts.archive", contact.clone(), "POST /contacts/c1/archive", none.clone()),
        ("contacts.unarchive", contact.clone(), "POST /contacts/c1/unarchive", none.clone()),
        ("contacts.delete", contact.clone(), "DELETE /contacts/c1", none.clone()),
        ("contacts.block", contact.clone(), "POST /contacts/c1/block", none.clone()),
        (
            "contacts.merge",
            json!({"from": "l", "into": "u", "skip_duplicate_validation": true}),
            "POST /contacts/merge",
            json!({"from": "l", "into": "u", "skip_duplicate_validation": true}),
        ),
        (
            "contacts.merge_history",
            json!({"contact_id": "c1", "per_page": 9, "ascending": true}),
            "GET /contacts/c1/merge_history?per_page=9&order=asc",
            none.clone(),
        ),
        ("contacts.notes", contact.clone(), "GET /contacts/c1/notes", none.clone()),
        (
            "contacts.add_note",
            json!({"contact_id": "c1", "body": "hi"}),
            "POST /contacts/c1/notes",
            json!({"body": "hi"}),
        ),
        ("contacts.tags", contact.clone(), "GET /contacts/c1/tags", none.clone()),
        (
            "contacts.add_tag",
            json!({"contact_id": "c1", "tag_id": "3"}),
            "POST /contacts/c1/tags",
            json!({"id": "3"}),
        ),
        (
            "contacts.remove_tag",
            json!({"contact_id": "c1", "tag_id": "3"}),
            "DELETE /contacts/c1/tags/3",
            none.clone(),
        ),
        (
            "contacts.companies",
            json!({"contact_id": "c1", "page": 2, "per_page": 60}),
            "GET /contacts/c1/companies?page=2&per_page=60",
            none.clone(),
        ),
        (
            "contacts.attach_company",
            json!({"contact_id": "c1", "company_id": "k1"}),
            "POST /contacts/c1/companies",
            json!({"id": "k1"}),
        ),
        (
            "contacts.detach_company",
            json!({"contact_id": "c1", "company_id": "k1"}),
            "DELETE /contacts/c1/companies/k1",
            none.clone(),
        ),
        ("contacts.subscriptions", contact.clone(), "GET /contacts/c1/subscriptions", none.clone()),
        (
            "contacts.subscribe",
            json!({"contact_id": "c1", "subscription_id": "5", "consent_type": "opt_out"}),
            "POST /contacts/c1/subscriptions",
            json!({"id": "5", "consent_type": "opt_out"}),
        ),
        (
            "contacts.unsubscribe",
            json!({"contact_id": "c1", "subscription_id": "5"}),
            "DELETE /contacts/c1/subscriptions/5",
            none.clone(),
        ),
        ("contacts.segments", contact, "GET /contacts/c1/segments", none.clone()),
        (
            "companies.upsert",
            json!({"company": {"company_id": "acme", "name": "Acme"}}),
            "POST /companies",
            json!({"company_id": "acme", "name": "Acme"}),
        ),
        (
            "companies.update",
            json!({"company_id": "k1", "company": {"name": "Acme"}}),
            "PUT /companies/k1",
            json!({"name": "Acme"}),
        ),
        ("companies.get", company.clone(), "GET /companies/k1", none.clone()),
        ("companies.find", json!({"name": "A & B"}), "GET /companies?name=A%20%26%20B", none.clone()),
        (
            "companies.list",
            json!({"page": 3, "per_page": 60}),
            "POST /companies/list?page=3&per_page=60&order=desc",
            none.clone(),
        ),
        (
            "companies.scroll",
            json!({"scroll_param": "s"}),
            "GET /companies/scroll?scroll_param=s",
            none.clone(),
        ),
        ("companies.contacts", company.clone(), "GET /companies/k1/contacts", none.clone()),
        ("companies.segments", company.clone(), "GET /companies/k1/segments", none.clone()),
        ("companies.notes", company.clone(), "GET /companies/k1/notes", none.clone()),
        (
            "companies.add_note",
            json!({"company_id": "k1", "body": "hi", "admin_id": 7}),
            "POST /companies/k1/notes",
            json!({"body": "hi", "admin_id": "7"}),
        ),
        ("companies.delete", company, "DELETE /companies/k1", none.clone()),
        ("conversations.list", json!({}), "GET /conversations", none.clone()),
        (
            "conversations.search",
            json!({"query": {"operator": "OR", "value": [{"field": "state", "operator": "=", "value": "open"}]}}),
            "POST /conversations/search",
            json!({"query": {"operator": "OR", "value": [{"field": "state", "operator": "=", "value": "open"}]}}),
        ),
        (
            "conversations.get",
            json!({"conversation_id": "9", "plaintext": true}),
            "GET /conversations/9?display_as=plaintext",
            none.clone(),
        ),
        (
            "conversations.create",
            json!({"contact_id": "c1", "body": "hi", "from_type": "user"}),
            "POST /conversations",
            json!({"from": {"type": "user", "id": "c1"}, "body": "hi"}),
        ),
        (
            "conversations.reply",
            by(json!({"body": "hi"})),
            "POST /conversations/9/reply",
            json!({"message_type": "comment", "type": "admin", "admin_id": "7", "body": "hi"}),
        ),
        (
            "conversations.note",
            by(json!({"body": "hi", "skip_notifications": true})),
            "POST /conversations/9/reply",
            json!({"message_type": "note", "type": "admin", "admin_id": "7", "body": "hi", "skip_notifications": true}),
        ),
        (
            "conversations.reply_as_contact",
            json!({"conversation_id": "last", "contact_id": "c1", "body": "hi"}),
            "POST /conversations/last/reply",
            json!({"message_type": "comment", "type": "user", "intercom_user_id": "c1", "body": "hi"}),
        ),
        (
            "conversations.assign",
            by(json!({"assignee_id": "4", "assignee_type": "team"})),
            "POST /conversations/9/parts",
            json!({"message_type": "assignment", "type": "team", "admin_id": "7", "assignee_id": "4"}),
        ),
        (
            "conversations.close",
            by(json!({"body": "bye"})),
            "POST /conversations/9/parts",
            json!({"message_type": "close", "type": "admin", "admin_id": "7", "body": "bye"}),
        ),
        (
            "conversations.open",
            by(json!({})),
            "POST /conversations/9/parts",
            json!({"message_type": "open", "admin_id": "7"}),
        ),
        (
            "conversations.snooze",
            by(json!({"snoozed_until": 1_800_000_000})),
            "POST /conversations/9/parts",
            json!({"message_type": "snoozed", "admin_id": "7", "snoozed_until": 1_800_000_000}),
        ),
        (
            "conversations.update",
            json!({"conversation_id": "9", "conversation": {"custom_attributes.tier": "gold", "read": true}}),
            "PUT /conversations/9",
            json!({"custom_attributes": {"tier": "gold"}, "read": true}),
        ),
        (
            "conversations.add_tag",
            by(json!({"tag_id": "3"})),
            "POST /conversations/9/tags",
            json!({"id": "3", "admin_id": "7"}),
        ),
        (
            "conversations.remove_tag",
            by(json!({"tag_id": "3"})),
            "DELETE /conversations/9/tags/3",
            json!({"admin_id": "7"}),
        ),
        (
            "conversations.attach_contact",
            by(json!({"contact_id": "c1"})),
            "POST /conversations/9/customers",
            json!({"admin_id": "7", "customer": {"intercom_user_id": "c1"}}),
        ),
        (
            "conversations.detach_contact",
            by(json!({"contact_id": "c1"})),
            "DELETE /conversations/9/customers/c1",
            json!({"admin_id": "7"}),
        ),
        (
            "conversations.redact",
            json!({"conversation_id": "9", "source_id": "s"}),
            "POST /conversations/redact",
            json!({"type": "source", "conversation_id": "9", "source_id": "s"}),
        ),
        (
            "conversations.merge",
            json!({"conversation_id": "9", "merge_into_conversation_id": 8}),
            "POST /conversations/9/merge",
            json!({"merge_into_conversation_id": 8}),
        ),
        (
            "conversations.delete",
            json!({"conversation_id": "9", "retain_metrics": false}),
            "DELETE /conversations/9?retain_metrics=false",
            none.clone(),
        ),
        ("conversations.deleted", json!({"page": 2}), "GET /conversations/deleted?page=2", none.clone()),
        (
            "conversation_attributes.list",
            json!({"include_archived": true}),
            "GET /conversations/attributes?include_archived=true",
            none.clone(),
        ),
        (
            "conversation_attributes.get",
            json!({"attribute_id": 3}),
            "GET /conversations/attributes/3",
            none.clone(),
        ),
        (
            "conversation_attributes.create",
            json!({"attribute": {"name": "Tier", "data_type": "string"}}),
            "POST /conversations/attributes",
            json!({"name": "Tier", "data_type": "string"}),
        ),
        (
            "conversation_attributes.update",
            json!({"attribute_id": "3", "attribute": {"required": true}}),
            "PUT /conversations/attributes/3",
            json!({"required": true}),
        ),
        (
            "conversation_attributes.archive",
            json!({"attribute_id": "3"}),
            "DELETE /conversations/attributes/3",
            none.clone(),
        ),
        (
            "conversation_attributes.add_option",
            json!({"attribute_id": "3", "label": "Gold"}),
            "POST /conversations/attributes/3/options",
            json!({"label": "Gold"}),
        ),
        (
            "conversation_attributes.rename_option",
            json!({"attribute_id": "3", "option_id": "o", "label": "Gold"}),
            "PUT /conversations/attributes/3/options/o",
            json!({"label": "Gold"}),
        ),
        (
            "conversation_attributes.archive_option",
            json!({"attribute_id": "3", "option_id": "o"}),
            "DELETE /conversations/attributes/3/options/o",
            none.clone(),
        ),
        ("me.get", json!({}), "GET /me", none.clone()),
        ("admins.list", json!({}), "GET /admins", none.clone()),
        ("admins.get", json!({"admin_id": "7"}), "GET /admins/7", none.clone()),
        ("teams.list", json!({}), "GET /teams", none.clone()),
        ("teams.get", json!({"team_id": "4"}), "GET /teams/4", none.clone()),
        ("segments.list", json!({"include_count": true}), "GET /segments?include_count=true", none.clone()),
        ("subscription_types.list", json!({}), "GET /subscription_types", none.clone()),
        ("notes.get", json!({"note_id": "31"}), "GET /notes/31", none.clone()),
        ("tags.list", json!({}), "GET /tags", none.clone()),
        ("tags.get", json!({"tag_id": "3"}), "GET /tags/3", none.clone()),
        ("tags.create", json!({"name": "churn"}), "POST /tags", json!({"name": "churn"})),
        (
            "tags.rename",
            json!({"tag_id": "3", "name": "lost"}),
            "POST /tags",
            json!({"name": "lost", "id": "3"}),
        ),
        ("tags.delete", json!({"tag_id": "3"}), "DELETE /tags/3", none.clone()),
        (
            "tags.tag_companies",
            json!({"name": "x", "companies": ["k1"]}),
            "POST /tags",
            json!({"name": "x", "companies": [{"id": "k1"}]}),
        ),
        (
            "tags.untag_companies",
            json!({"name": "x", "companies": ["k1"]}),
            "POST /tags",
            json!({"name": "x", "companies": [{"id": "k1", "untag": true}]}),
        ),
        (
            "tags.tag_contacts",
            json!({"name": "x", "contacts": ["c1", "c2"]}),
            "POST /tags",
            json!({"name": "x", "users": [{"id": "c1"}, {"id": "c2"}]}),
        ),
        (
            "data_attributes.list",
            json!({"model": "contact"}),
            "GET /data_attributes?model=contact",
            none.clone(),
        ),
        (
            "data_attributes.create",
            json!({"name": "size", "model": "company", "data_type": "options", "options": ["1-10", "11-50"]}),
            "POST /data_attributes",
            json!({"name": "size", "model": "company", "data_type": "options", "options": [{"value": "1-10"}, {"value": "11-50"}]}),
        ),
        (
            "data_attributes.update",
            json!({"data_attribute_id": "11", "changes": {"archived": true}}),
            "PUT /data_attributes/11",
            json!({"archived": true}),
        ),
        (
            "events.submit",
            json!({"event_name": "won-deal", "created_at": 7, "id": "c1", "metadata": {"a": "b"}}),
            "POST /events",
            json!({"event_name": "won-deal", "created_at": 7, "id": "c1", "metadata": {"a": "b"}}),
        ),
        (
            "events.list",
            json!({"user_id": "u", "summary": true}),
            "GET /events?type=user&user_id=u&summary=true",
            none,
        ),
    ]
}

#[test]
fn every_operation_makes_the_call_of_the_documents() {
    let mut seen = BTreeSet::new();
    for (name, given, call, body) in examples() {
        assert_eq!(built(name, &given), (call.to_owned(), body), "{name}");
        assert!(seen.insert(name), "{name} twice");
    }
    let named: BTreeSet<&str> = TABLE.iter().map(|operation| operation.name).collect();
    assert_eq!(seen, named);
    assert_eq!(named.len(), TABLE.len(), "a name is there twice");
}

#[test]
fn nothing_is_written_by_a_read() {
    for (name, given, call, _) in examples() {
        let request = build_in("2.16", name, &given).expect("built above");
        let reads = call.starts_with("GET") || call.contains("/search") || call.contains("/companies/list");
        assert_eq!(request.manner.writes(), !reads, "{name}");
    }
}

#[test]
fn a_call_the_version_lacks_is_refused_before_it_is_sent() {
    for (since, before, given) in [
        ("2.15", "2.14", ("companies.notes", json!({"company_id": "k1"}))),
        ("2.15", "2.14", ("companies.add_note", json!({"company_id": "k1", "body": "x"}))),
        (
            "2.15",
            "2.14",
            ("conversations.update", json!({"conversation_id": "9", "conversation": {"company_id": "k"}})),
        ),
        ("2.16", "2.15", ("contacts.merge_history", json!({"contact_id": "c1"}))),
        ("2.16", "2.15", ("contacts.get", json!({"contact_id": "c1", "include_merge_history": true}))),
        (
            "2.16",
            "2.15",
            ("contacts.merge", json!({"from": "l", "into": "u", "skip_duplicate_validation": true})),
        ),
        ("2.16", "2.14", ("contacts.create", json!({"contact": {"email": "a@b.c", "email_verified": true}}))),
        (
            "2.16",
            "2.14",
            ("companies.upsert", json!({"company": {"company_id": "a", "update_last_request_at": true}})),
        ),
        (
            "2.16",
            "2.15",
            ("conversations.merge", json!({"conversation_id": "9", "merge_into_conversation_id": 8})),
        ),
        ("2.16", "2.15", ("conversations.deleted", json!({}))),
        ("2.16", "2.15", ("conversations.delete", json!({"conversation_id": "9", "retain_metrics": true}))),
        ("2.16", "2.15", ("conversation_attributes.create", json!({"attribute": {}}))),
        (
            "2.16",
            "2.15",
            (
                "conversations.reply",
                json!({"conversation_id": "9", "admin_id": "7", "body": "x", "skip_notifications": true}),
            ),
        ),
    ] {
        let (name, arguments) = given;
        assert!(build_in(since, name, &arguments).is_ok(), "{name} in {since}");
        let error = build_in(before, name, &arguments).expect_err(name);
        assert_eq!(error.class, ErrorClass::Validation, "{name}");
        assert!(error.words.contains(since) && error.words.contains("nothing was sent"), "{name}: {error}");
    }
    let list = build_in("2.14", "conversation_attributes.list", &json!({})).expect("there in every version");
    assert_eq!(list.path, "/data_attributes?model=conversation");
}

#[test]
fn an_owner_is_a_number_before_2_16_and_a_text_since() {
    let owner = |version: &str, owner: Value| {
        build_in(version, "contacts.update", &json!({"contact_id": "c", "contact": {"owner_id": owner}}))
            .map(|request| request.body.expect("a body")["owner_id"].clone())
    };
    for given in [json!(7), json!("7")] {
        assert_eq!(owner("2.15", given.clone()), Ok(json!(7)));
        assert_eq!(owner("2.16", given), Ok(json!("7")));
    }
    assert_eq!(owner("2.14", json!("")), Ok(Value::Null));
    assert_eq!(owner("2.16", Value::Null), Ok(Value::Null));
    assert!(owner("2.14", json!("nora@brightharbor.io")).is_err());
}

#[test]
fn what_intercom_would_refuse_for_its_form_is_not_sent() {
    for (name, given) in [
        ("contacts.create", json!({"contact": {"name": "Jane"}})),
        ("contacts.create", json!({"contact": {"role": "user", "email_verified": true}})),
        ("contacts.create", json!({"contact": ["email"]})),
        ("contacts.list", json!({"per_page": 151})),
        ("contacts.list", json!({"per_page": 0})),
        (
            "contacts.search",
            json!({"query": {"field": "name", "operator": "=", "value": "x"}, "sort_order": "up"}),
        ),
        ("contacts.search", json!({"query": {"field": "updated_at", "operator": ">=", "value": 1}})),
        ("contacts.subscribe", json!({"contact_id": "c", "subscription_id": "5", "consent_type": "yes"})),
        ("companies.find", json!({})),
        ("companies.find", json!({"name": "a", "tag_id": "3"})),
        ("companies.list", json!({"page": 200, "per_page": 60})),
        ("companies.update", json!({"company_id": "k", "company": {"company_id": "new"}})),
        ("conversations.create", json!({"contact_id": "c", "body": "x", "from_type": "admin"})),
        ("conversations.reply_as_contact", json!({"conversation_id": "9", "body": "x"})),
        ("conversations.redact", json!({"conversation_id": "9"})),
        ("data_attributes.create", json!({"name": "a", "model": "conversation", "data_type": "string"})),
        (
            "data_attributes.create",
            json!({"name": "a", "model": "contact", "data_type": "options", "options": ["one"]}),
        ),
        ("data_attributes.create", json!({"name": "a", "model": "contact", "data_type": "text"})),
        ("events.submit", json!({"event_name": "e", "created_at": 1})),
        (
            "events.submit",
            json!({"event_name": "e", "created_at": 1, "id": "c", "metadata": {"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1}}),
        ),
        ("events.list", json!({"user_id": "u", "email": "a@b.c"})),
    ] {
        let error = build_in("2.16", name, &given).expect_err(&format!("{name} {given}"));
        assert_eq!(error.class, ErrorClass::Validation, "{name}");
    }
}

#[test]
fn no_argument_leaves_its_place_in_a_path() {
    for operation in TABLE {
        let given: Map<String, Value> = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| {
                let value = match (parameter.kind, parameter.name) {
                    (ParameterKind::Text, "model") => json!("contact"),
                    (ParameterKind::Text, "data_type") => json!("string"),
                    (ParameterKind::Text, "consent_type") => json!("opt_in"),
                    (ParameterKind::Text | ParameterKind::List | ParameterKind::Rows, _) => {
                        json!("../../admins?x=1#y")
                    }
                    (ParameterKind::Number, _) => json!(1),
                    (ParameterKind::Flag, _) => json!(true),
                    (ParameterKind::Json, "query") => json!({"field": "name", "operator": "=", "value": "x"}),
                    (ParameterKind::Json, "companies" | "contacts") => json!(["x"]),
                    (ParameterKind::Json, _) => json!({"email": "a@b.c"}),
                };
                (parameter.name.to_owned(), value)
            })
            .collect();
        let arguments = Arguments::new(operation, given).expect("all that is required");
        // Some need one of several optional arguments; those have their own tests.
        let Ok(request) = (operation.build)(&settings("2.16"), &arguments) else { continue };
        let url = reqwest::Url::parse(&format!("https://api.intercom.io{}", request.path)).expect("a URL");
        assert!(!url.path().contains("/admins") || operation.name.starts_with("admins."), "{url}");
        assert!(url.fragment().is_none() && !url.query().unwrap_or_default().contains("x=1"), "{url}");
    }
}
