//! Schemas compared change by change, and what each change hits.

use super::*;
use crate::domain::record::System;
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};

fn option(value: &str, label: &str) -> OptionValue {
    OptionValue { value: value.into(), label: label.into(), retired: false }
}

fn field(name: &str, label: &str, kind: FieldKind) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        label: label.into(),
        kind,
        vendor_kind: kind.to_string(),
        options: Vec::new(),
        writable: true,
        required: false,
        unique: false,
        longest: None,
    }
}

fn schema() -> ObjectSchema {
    let stage = FieldSchema {
        options: vec![option("s1", "Open"), option("s2", "Won"), option("s3", "Lost")],
        ..field("dealstage", "Stage", FieldKind::Option)
    };
    ObjectSchema {
        connection: Connection::only(System::Hubspot),
        object: ObjectKind::Deal,
        fields: vec![
            field("amount", "Amount", FieldKind::Number),
            stage,
            field("plan", "Plan", FieldKind::Text),
        ],
        creatable: true,
        updatable: true,
    }
}

fn used(field: &str, writes: bool, values: &[&str]) -> FieldUse {
    FieldUse {
        kind: UserKind::Recipe,
        user: format!("uses-{field}"),
        file: "a.toml".into(),
        line: 7,
        place: field.into(),
        system: System::Hubspot,
        object: ObjectKind::Deal,
        field: field.into(),
        reads: !writes,
        writes,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        identity: false,
    }
}

fn kinds(changes: &[Change]) -> Vec<(&str, DriftKind)> {
    changes.iter().map(|change| (change.field.as_str(), change.kind)).collect()
}

#[test]
fn r229_each_kind_of_change_is_told_and_accepting_them_one_by_one_leaves_none() {
    let was = schema();
    let mut now = schema();
    now.fields[0].kind = FieldKind::Text;
    now.fields[1].options = vec![option("s1", "Begun"), option("s2", "Won"), option("s4", "Later")];
    now.fields[1].label = "Deal stage".into();
    now.fields[2].name = "plan_v2".into();
    now.fields.push(field("fresh", "Fresh", FieldKind::Text));
    now.updatable = false;
    let changes = diff(&was, &now);
    assert_eq!(
        kinds(&changes),
        [
            ("", DriftKind::NotUpdatable),
            ("amount", DriftKind::Retyped),
            ("dealstage", DriftKind::Relabelled),
            ("dealstage", DriftKind::OptionsRemoved),
            ("dealstage", DriftKind::OptionsAdded),
            ("dealstage", DriftKind::OptionsRelabelled),
            ("plan", DriftKind::Renamed),
        ]
    );
    let mut accepted = was;
    for (left, change) in changes.iter().enumerate().rev() {
        accept(&mut accepted, &now, change);
        // How many options there were is told of what is accepted by then.
        let told = |changes: &[Change]| {
            changes.iter().map(|one| (one.key(), one.values.clone())).collect::<Vec<_>>()
        };
        assert_eq!(told(&diff(&accepted, &now)), told(&changes[..left]), "{change:?}");
    }
    assert_eq!(diff(&now, &now), []);
}

#[test]
fn a_field_that_went_away_is_renamed_only_where_one_new_field_is_plainly_it() {
    let was = schema();
    let mut now = schema();
    now.fields.remove(2);
    assert_eq!(kinds(&diff(&was, &now)), [("plan", DriftKind::Removed)]);
    now.fields.push(field("plan_a", "Plan", FieldKind::Number));
    assert_eq!(kinds(&diff(&was, &now)), [("plan", DriftKind::Removed)], "another kind of value");
    now.fields.push(field("plan_b", "Plan", FieldKind::Text));
    assert_eq!(kinds(&diff(&was, &now)), [("plan", DriftKind::Renamed)]);
    now.fields.push(field("plan_c", "Plan", FieldKind::Text));
    assert_eq!(kinds(&diff(&was, &now)), [("plan", DriftKind::Removed)], "it may be either");
}

#[test]
fn r231_a_missing_stage_holds_what_names_it_and_nothing_else() {
    let mut now = schema();
    now.fields[1].options.remove(1);
    let changes = diff(&schema(), &now);
    assert_eq!(changes[0].values, ["s2"]);
    let uses = Uses {
        fields: vec![
            used("dealstage", true, &["s2"]),
            FieldUse { line: 9, ..used("dealstage", true, &["s1"]) },
            FieldUse { line: 11, ..used("dealstage", true, &[]) },
            used("amount", true, &[]),
        ],
        creates: Vec::new(),
    };
    let hits = hits(&changes[0], &uses);
    assert_eq!(
        hits.iter().map(|hit| (hit.line, hit.holds)).collect::<Vec<_>>(),
        [(7, true), (9, false), (11, false)]
    );
}

#[test]
fn r230_a_lost_right_to_write_holds_writers_and_leaves_readers_alone() {
    let mut now = schema();
    now.fields[0].writable = false;
    let changes = diff(&schema(), &now);
    let uses = Uses {
        fields: vec![
            used("amount", false, &[]),
            FieldUse { user: "writer".into(), ..used("amount", true, &[]) },
        ],
        creates: Vec::new(),
    };
    let found = hits(&changes[0], &uses);
    assert_eq!(found.iter().map(|hit| hit.user.as_str()).collect::<Vec<_>>(), ["writer"]);
    // A right gained is nobody's trouble.
    assert_eq!(diff(&now, &schema()), []);
}

#[test]
fn what_must_be_filled_from_now_on_hits_what_makes_records_without_it() {
    let mut now = schema();
    now.fields[0].required = true;
    let changes = diff(&schema(), &now);
    let make = |user: &str, sets: &[&str]| CreateUse {
        kind: UserKind::Recipe,
        user: user.into(),
        file: "a.toml".into(),
        line: 3,
        place: "action 1".into(),
        system: System::Hubspot,
        object: ObjectKind::Deal,
        sets: sets.iter().map(|name| (*name).to_owned()).collect(),
    };
    let uses =
        Uses { fields: Vec::new(), creates: vec![make("without", &["plan"]), make("with", &["amount"])] };
    let found = hits(&changes[0], &uses);
    assert_eq!(found.iter().map(|hit| hit.user.as_str()).collect::<Vec<_>>(), ["without"]);
    assert!(found[0].holds);
}

#[test]
fn every_change_has_a_sentence_and_an_advice() {
    for kind in DriftKind::ALL {
        let change = Change {
            kind: *kind,
            field: "x".into(),
            ..unreadable(&Connection::only(System::Hubspot), ObjectKind::Deal, "no.")
        };
        assert!(change.sentence().ends_with('.') && change.advice().ends_with('.'), "{kind}");
    }
}
