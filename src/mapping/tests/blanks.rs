//! Null, "" and missing told apart, under each rule and in both directions; owners that share; types and options.

use serde_json::{Value, json};

use super::{Agreement, ConflictKind, Fields, Mapping, Sides, Verdict, fields, judge};
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};
use crate::mapping::FieldMapping;
use crate::mapping::judge::{Schemas, judge_against};

/// A field "F" of an otherwise empty mapping.
fn field(lines: &str) -> FieldMapping {
    let text = format!(
        "[mapping]\nname = \"x\"\nversion = 1\nintercom = \"contact\"\ncrm = \"contact\"\ncreates = false\n\
         [[field]]\nname = \"F\"\nintercom = \"l\"\ncrm = [\"r\"]\n{lines}\n"
    );
    Mapping::parse(&text, "x.toml").unwrap_or_else(|error| panic!("{error}\n{text}")).fields.remove(0)
}

fn judged(field: &FieldMapping, left: &Value, right: &Value, agreed: Option<(Value, Value)>) -> Verdict {
    let agreed = agreed.map(|(left, right)| Agreement { field: "F".into(), left, right });
    let (left, right) = (fields(left.clone()), fields(right.clone()));
    judge(
        field,
        &Sides { left: &left, left_at: None, right: &right, right_at: None, agreed: agreed.as_ref() },
    )
}

fn written(verdict: &Verdict) -> Option<Value> {
    match verdict {
        Verdict::WriteRight(writes, _) => Some(writes[0].1.clone()),
        Verdict::WriteLeft(_, value, _) => Some(value.clone()),
        _ => None,
    }
}

#[test]
fn r192_keep_clear_and_default_for_missing_null_and_empty() {
    let base = Some((json!("old"), json!("old")));
    for (to, owner, own, other) in [("to_crm", "intercom", "l", "r"), ("to_intercom", "crm", "r", "l")] {
        for (kind, blank) in
            [("missing", json!({})), ("null", json!({own: null})), ("empty", json!({own: " "}))]
        {
            let with = |rule: &str| {
                field(&format!(
                    "direction = \"{to}\"\nowner = \"{owner}\"\ntransform = \"direct\"\n{kind} = {rule}"
                ))
            };
            let side = |field: &FieldMapping, other_value: Value, base: Option<(Value, Value)>| {
                let filled = json!({other: other_value});
                if own == "l" {
                    judged(field, &blank, &filled, base)
                } else {
                    judged(field, &filled, &blank, base)
                }
            };
            let keep = with("\"keep\"");
            assert!(matches!(side(&keep, json!("old"), base.clone()), Verdict::Leave(_)), "{to} {kind}");
            let clear = with("\"clear\"");
            assert_eq!(written(&side(&clear, json!("old"), base.clone())), Some(Value::Null), "{to} {kind}");
            let default = with("\"default\"\ndefault = \"none given\"");
            assert_eq!(written(&side(&default, json!(""), None)), Some(json!("none given")), "{to} {kind}");
            // It fills what is empty, and replaces nothing that somebody wrote.
            assert!(matches!(side(&default, json!("old"), base.clone()), Verdict::Leave(_)), "{to} {kind}");
            assert!(matches!(side(&default, json!("other"), base.clone()), Verdict::Leave(_)), "{to} {kind}");
            // A rule for one way of saying nothing is no rule for the others.
            for other_blank in [json!({}), json!({own: null}), json!({own: ""})] {
                if other_blank.get(own).map(Value::is_null) == blank.get(own).map(Value::is_null) {
                    continue;
                }
                let filled = json!({other: "old"});
                let verdict = if own == "l" {
                    judged(&clear, &other_blank, &filled, base.clone())
                } else {
                    judged(&clear, &filled, &other_blank, base.clone())
                };
                assert!(matches!(verdict, Verdict::Leave(_)), "{to} {kind} {other_blank}");
            }
        }
    }
}

#[test]
fn r105_a_default_does_not_come_back_over_what_sales_filled_in() {
    let field = field(
        "direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"\nblank = \"default\"\ndefault = \"[not provided]\"",
    );
    let made = judged(&field, &json!({}), &json!({}), None);
    let Verdict::WriteRight(_, agreement) = made else { panic!("{made:?}") };
    let base = Some((agreement.left, agreement.right));
    assert_eq!(judged(&field, &json!({}), &json!({"r": "[not provided]"}), base.clone()), Verdict::Unchanged);
    assert!(matches!(judged(&field, &json!({}), &json!({"r": "Acme"}), base.clone()), Verdict::Leave(_)));
    assert_eq!(
        written(&judged(&field, &json!({"l": "Acme"}), &json!({"r": "[not provided]"}), base)),
        Some(json!("Acme"))
    );
}

#[test]
fn r178_r187_a_mirrored_copy_is_read_only_and_shows_the_original_again() {
    let field = field(
        "direction = \"to_intercom\"\nowner = \"mirrored\"\noriginal = \"crm\"\ntransform = \"direct\"",
    );
    assert_eq!(field.read_only(), Some(crate::mapping::Side::Intercom));
    assert!(field.rule().contains("read-only copy of the CRM's"), "{}", field.rule());
    let base = Some((json!("New"), json!("New")));
    for (left, right, shown) in
        [("Mine", "New", "New"), ("New", "Closed", "Closed"), ("Mine", "Closed", "Closed")]
    {
        let verdict = judged(&field, &json!({"l": left}), &json!({"r": right}), base.clone());
        assert!(matches!(&verdict, Verdict::WriteLeft(_, value, _) if *value == json!(shown)), "{verdict:?}");
    }
}

#[test]
fn an_owner_that_has_nothing_is_filled_and_else_never_written() {
    let field = field("direction = \"both\"\nowner = \"crm\"\nfill = true\ntransform = \"direct\"");
    assert_eq!(
        written(&judged(&field, &json!({"l": "Software"}), &json!({}), None)),
        Some(json!("Software"))
    );
    let later = judged(&field, &json!({"l": "Software"}), &json!({}), Some((Value::Null, Value::Null)));
    assert!(matches!(later, Verdict::WriteRight(..)), "{later:?}");
    let meeting = judged(&field, &json!({"l": "Software"}), &json!({"r": "Banking"}), None);
    assert!(matches!(&meeting, Verdict::WriteLeft(_, value, _) if *value == json!("Banking")), "{meeting:?}");
    let breach = judged(&field, &json!({"l": "X"}), &json!({"r": "A"}), Some((json!("A"), json!("A"))));
    assert!(matches!(breach, Verdict::Conflict { kind: ConflictKind::OwnershipBreach, .. }), "{breach:?}");
}

#[test]
fn r106_r191_what_is_written_on_create_only_is_left_alone_later() {
    let field =
        field("direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"\nwrite = \"create\"");
    let base = Some((json!("Intercom"), json!("Intercom")));
    let changed = judged(&field, &json!({"l": "Intercom"}), &json!({"r": "Web"}), base.clone());
    assert!(matches!(changed, Verdict::Leave(_)), "{changed:?}");
    let changed = judged(&field, &json!({"l": "Elsewhere"}), &json!({"r": "Intercom"}), base);
    assert!(matches!(changed, Verdict::Leave(_)), "{changed:?}");
}

#[test]
fn r189_a_value_that_is_not_allowed_is_held_back_with_the_nearest_first() {
    let lines = "direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"\nallowed = [\"trial\", \"starter\", \"enterprise\"]\n[field.translate]\nbasic = \"starter\"";
    let field = field(lines);
    assert_eq!(written(&judged(&field, &json!({"l": "basic"}), &json!({}), None)), Some(json!("starter")));
    match judged(&field, &json!({"l": "enterprise_plus"}), &json!({}), None) {
        Verdict::Conflict { kind: ConflictKind::NotAllowed, allowed } => assert_eq!(allowed[0], "enterprise"),
        other => panic!("{other:?}"),
    }
    // On the way back there is no single counterpart: shown, not left to differ in silence.
    let table = super::blanks::field(
        "direction = \"both\"\nowner = \"review\"\ntransform = \"table\"\n[field.table]\na = \"X\"\nb = \"X\"\nc = \"Y\"",
    );
    let back = judged(&table, &json!({"l": "c"}), &json!({"r": "X"}), Some((json!("c"), json!("Y"))));
    assert!(matches!(back, Verdict::Conflict { kind: ConflictKind::NotAllowed, .. }), "{back:?}");
}

#[test]
fn r188_a_wrong_type_is_caught_before_the_write() {
    let seats =
        field("direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"\ntype = \"number\"");
    let verdict = judged(&seats, &json!({"l": "about ten"}), &json!({"r": "3"}), None);
    assert!(matches!(verdict, Verdict::Conflict { kind: ConflictKind::WrongType, .. }), "{verdict:?}");
    assert_eq!(written(&judged(&seats, &json!({"l": "10"}), &json!({"r": "3"}), None)), Some(json!("10")));
    let number = field("direction = \"both\"\nowner = \"review\"\ntransform = \"number\"");
    assert!(matches!(judged(&number, &json!({"l": 12}), &json!({"r": "12.0"}), None), Verdict::Agree(_)));
}

fn schema(field: FieldSchema) -> ObjectSchema {
    ObjectSchema {
        connection: Connection::only(System::Hubspot),
        object: ObjectKind::Contact,
        fields: vec![field],
        creatable: true,
        updatable: true,
    }
}

fn field_schema(name: &str, kind: FieldKind) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        label: name.into(),
        kind,
        vendor_kind: String::new(),
        options: Vec::new(),
        writable: true,
        required: false,
        unique: false,
        longest: None,
    }
}

#[test]
fn r188_r189_a_known_schema_finds_unknown_fields_wrong_types_and_options_beforehand() {
    let field = field("direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"");
    let against = |value: Value, schema: &ObjectSchema| {
        let (left, right): (Fields, Fields) = (fields(json!({"l": value})), Fields::new());
        let sides = Sides { left: &left, left_at: None, right: &right, right_at: None, agreed: None };
        judge_against(&field, &sides, Schemas { left: None, right: Some(schema) })
    };
    let kind = |verdict: Verdict| match verdict {
        Verdict::Conflict { kind, allowed } => (kind, allowed),
        other => panic!("{other:?}"),
    };
    let renamed = schema(field_schema("r_new", FieldKind::Text));
    assert_eq!(kind(against(json!("x"), &renamed)).0, ConflictKind::UnknownField);
    let number = schema(field_schema("r", FieldKind::Number));
    assert_eq!(kind(against(json!("x"), &number)).0, ConflictKind::WrongType);
    let option =
        |value: &str, label: &str, retired| OptionValue { value: value.into(), label: label.into(), retired };
    let list = schema(FieldSchema {
        options: vec![option("OPEN_DEAL", "Open deal", false), option("OLD", "Old", true)],
        ..field_schema("r", FieldKind::Option)
    });
    assert!(matches!(against(json!("OPEN_DEAL"), &list), Verdict::WriteRight(..)));
    // A label where the stored value is needed, and a value that is not offered any more.
    assert_eq!(
        kind(against(json!("Open deal"), &list)),
        (ConflictKind::NotAllowed, vec!["OPEN_DEAL".to_owned()])
    );
    assert_eq!(kind(against(json!("OLD"), &list)).0, ConflictKind::NotAllowed);
    let short = schema(FieldSchema { longest: Some(3), ..field_schema("r", FieldKind::Text) });
    assert!(matches!(against(json!("éßø"), &short), Verdict::WriteRight(..)));
    assert_eq!(kind(against(json!("éßøo"), &short)).0, ConflictKind::WrongType);
}
