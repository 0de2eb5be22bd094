//! The table as a whole: names, and a good call of every row in both families.

use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::vendors::operation::ParameterKind::{Flag, Rows};
use crate::vendors::operation::{Arguments, Parameter};
use crate::vendors::settings::{HubspotPaths, Settings};

/// A sensible value for a parameter of that name.
fn sample(operation: &str, parameter: &Parameter) -> Value {
    let types = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 44}]);
    match (operation, parameter.name) {
        (_, "objectType" | "fromObjectType") => json!("contacts"),
        (_, "toObjectType") => json!("companies"),
        (_, "objectIdToMerge") => json!("152"),
        ("objects.create" | "objects.update", "properties") => json!({"city": "Berlin"}),
        ("objects.create", "associations") => json!([{"to": {"id": "1"}, "types": types}]),
        ("objects.batch_create", "inputs") => json!([{"properties": {"email": "a@b.co"}}]),
        ("objects.batch_upsert", "inputs") => {
            json!([{"idProperty": "intercom_contact_id", "id": "x", "properties": {}}])
        }
        (name, "inputs") if name.starts_with("associations") => {
            json!([{"id": "1", "from": {"id": "1"}, "to": {"id": "2"}, "types": types}])
        }
        ("properties.batch_create", "inputs") => json!([definition()]),
        ("properties.batch_read" | "properties.batch_archive", "inputs") => json!(["plan"]),
        (_, "inputs") => json!([{"id": "1", "properties": {"city": "Berlin"}}]),
        (_, "ids") => json!(["1", "2"]),
        (_, "filterGroups") => {
            json!([{"filters": [{"propertyName": "city", "operator": "EQ", "value": "Berlin"}]}])
        }
        (_, "types") => types,
        ("properties.update", "definition") => json!({"label": "Plan"}),
        (_, "definition") => definition(),
        (_, "events") => json!({"eventTemplateId": "1", "id": "e", "email": "a@b.co"}),
        (_, "timestamp") => json!("2026-01-10T04:11:34Z"),
        (_, "status") => json!("UNSUBSCRIBED"),
        (_, "limit") => json!(50),
        (_, "after") => json!("100"),
        (_, _) => match parameter.kind {
            Text | List | Rows => json!("x"),
            Number => json!(1),
            Flag => json!(true),
            Json => json!({}),
        },
    }
}

fn definition() -> Value {
    json!({"name": "plan", "label": "Plan", "type": "string", "fieldType": "text", "groupName": "contactinformation"})
}

#[test]
fn every_row_builds_a_call_in_both_families_with_all_and_with_only_the_needed_arguments() {
    let mut names = HashSet::new();
    for operation in TABLE {
        assert!(names.insert(operation.name), "{} stands twice", operation.name);
        assert!(!operation.about.ends_with('.'), "{}", operation.name);
        for paths in [HubspotPaths::V3v4, HubspotPaths::Dated] {
            let mut settings = Settings::default();
            settings.hubspot.paths = paths;
            settings.hubspot.timeline_app = true;
            for whole in [true, false] {
                let given = operation
                    .parameters
                    .iter()
                    .filter(|parameter| whole || parameter.required)
                    .map(|parameter| (parameter.name.to_owned(), sample(operation.name, parameter)))
                    // A note must be about somebody.
                    .chain((operation.name == "notes.log").then(|| ("contactId".to_owned(), json!("151"))))
                    .collect();
                let arguments = Arguments::new(operation, given).expect(operation.name);
                let request = (operation.build)(&settings, &arguments).expect(operation.name);
                assert!(request.path.starts_with('/') && !request.path.contains("{}"), "{}", request.path);
                let reads = request.method == "GET"
                    || request.path.ends_with("/search")
                    || request.path.contains("batch/read");
                assert_eq!(request.manner.writes(), !reads, "{}", operation.name);
            }
        }
    }
}

#[test]
fn an_unknown_object_type_is_refused_before_anything_is_sent() {
    let operation = TABLE.iter().find(|operation| operation.name == "objects.list").expect("there");
    let given = json!({"objectType": "2-1234"});
    let arguments =
        Arguments::new(operation, given.as_object().expect("object").clone()).expect("well-formed");
    let error = (operation.build)(&Settings::default(), &arguments).expect_err("unknown");
    assert!(error.words.contains("2-1234") && error.words.contains("contacts"), "{error}");
}
