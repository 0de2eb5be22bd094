//! What may be edited in a payload, how a typed value is read, and what is refused.

use serde_json::json;

use super::*;
use crate::domain::record::System;
use crate::domain::schema::OptionValue;

fn field(name: &str, kind: FieldKind, options: &[&str]) -> FieldSchema {
    FieldSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        vendor_kind: String::new(),
        options: options
            .iter()
            .map(|value| OptionValue {
                value: (*value).to_owned(),
                label: String::new(),
                retired: *value == "old",
            })
            .collect(),
        writable: name != "createdate",
        required: false,
        unique: false,
        longest: (name == "firstname").then_some(5),
    }
}

fn draft() -> Draft {
    let connection = Connection::only(System::Hubspot);
    let object = ObjectKind::Contact;
    let fields: Fields =
        serde_json::from_str(r#"{"firstname":"Jane","amount":12000.50,"stage":"Demo"}"#).expect("fields");
    Draft {
        execution: ExecutionId(7),
        title: String::new(),
        text: serde_json::to_string_pretty(&fields).expect("text"),
        part: Part::Fields {
            connection: connection.clone(),
            object,
            record: Some(RecordRef::new(System::Hubspot, object, "151")),
            fields,
        },
        schema: Some(ObjectSchema {
            connection,
            object,
            fields: vec![
                field("amount", FieldKind::Number, &[]),
                field("createdate", FieldKind::DateTime, &[]),
                field("firstname", FieldKind::Text, &[]),
                field("stage", FieldKind::Option, &["demo_requested", "won", "old"]),
            ],
            creatable: true,
            updatable: true,
        }),
    }
}

fn problem(text: &str) -> String {
    match draft().read(text) {
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "),
        Ok(change) => panic!("taken: {change:?}"),
    }
}

#[test]
fn r18_only_what_was_changed_is_an_edit_and_digits_stay() {
    let text = r#"{"firstname":"Jane","amount":12000.50,"stage":"won"}"#;
    let Ok(Change::Edits(edits)) = draft().read(text) else { panic!("edits") };
    assert_eq!(edits.len(), 1);
    assert_eq!((edits[0].field.as_str(), edits[0].value.clone()), ("stage", Some(json!("won"))));
    let Ok(Change::Edits(edits)) = draft().read(r#"{"amount":12000.5,"stage":"won"}"#) else {
        panic!("edits")
    };
    assert_eq!(
        edits.len(),
        3,
        "other digits are another value, and a field that is gone is left alone: {edits:?}"
    );
    assert!(edits.iter().any(|edit| edit.field == "firstname" && edit.value.is_none()));
}

#[test]
fn r18_what_the_vendor_would_refuse_is_said_with_line_and_column() {
    assert!(problem("{\n  \"stage\": won\n}").starts_with("line 2, column"));
    assert!(problem("[1]").contains("an object"));
    let told = problem("{\n  \"stage\": \"Demo\"\n}");
    assert!(
        told.starts_with("line 2, column 3: \"stage\" does not take \"Demo\"; it takes demo_requested, won"),
        "{told}"
    );
    assert!(problem(r#"{"stage":"old"}"#).contains("does not take"));
    assert!(problem(r#"{"stag":"won"}"#).contains("did you mean \"stage\"?"));
    assert!(problem(r#"{"amount":"much"}"#).contains("takes a number"));
    assert!(problem(r#"{"firstname":"Johanna"}"#).contains("takes 5 letters, this has 7"));
    assert!(problem(r#"{"createdate":"2026-01-01"}"#).contains("does not let our token"));
    assert!(problem(r#"{"firstname":["a"]}"#).contains("one value"));
    assert!(
        problem(r#"{"firstname":"Jane","amount":12000.50,"stage":"won","x":1}"#)
            .contains("no contact field \"x\"")
    );
}

#[test]
fn an_untouched_text_is_no_edit() {
    let mut draft = draft();
    draft.schema = None;
    let told = draft.read(&draft.text).expect_err("nothing changed");
    assert!(told[0].why.contains("nothing was changed"));
}

#[test]
fn r18_edits_go_into_what_is_not_done_and_nothing_is_made_twice() {
    let connection = Connection::only(System::Hubspot);
    let made = RecordRef::new(System::Hubspot, ObjectKind::Contact, "9");
    let mut create = Step::new(
        "Create",
        Effect::Create {
            connection: connection.clone(),
            object: ObjectKind::Contact,
            fields: [("email".to_owned(), json!("a@b.c"))].into_iter().collect(),
            identity: "email".to_owned(),
            related: Vec::new(),
        },
    );
    let edit = Edit {
        connection,
        object: ObjectKind::Contact,
        record: None,
        field: "stage".to_owned(),
        value: Some(json!("won")),
    };
    let mut fresh = Plan { steps: vec![create.clone()], ..Plan::default() };
    fresh.take_edits(vec![edit.clone()]);
    assert_eq!(fresh.steps.len(), 1);
    let Effect::Create { fields, .. } = &fresh.steps[0].effect else { panic!("a create") };
    assert_eq!(fields.get("stage"), Some(&json!("won")));
    create.state = StepState::Done;
    create.result = Some(made.clone());
    let carried = Plan { steps: vec![create], ..Plan::default() }.carried_over(vec![edit]);
    assert_eq!(carried.steps[0].state, StepState::Done);
    let Effect::Update { record, fields } = &carried.steps[1].effect else { panic!("an update") };
    assert_eq!((record, fields.len()), (&made, 1));
}

#[test]
fn null_and_absent_are_told_apart_when_stored() {
    for value in [None, Some(Value::Null), Some(json!("x"))] {
        let edit = Edit {
            connection: Connection::only(System::Hubspot),
            object: ObjectKind::Contact,
            record: None,
            field: "a".to_owned(),
            value,
        };
        let text = serde_json::to_string(&edit).expect("text");
        assert_eq!(serde_json::from_str::<Edit>(&text).expect("read"), edit);
    }
}
