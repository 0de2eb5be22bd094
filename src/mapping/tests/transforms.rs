//! Each transform by its cases and as a property; hostile values never panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::schema::OptionValue;
use crate::mapping::transform::{Refusal, Template, Transform};

fn options() -> Vec<OptionValue> {
    [("In progress", "IN_PROGRESS"), ("Open deal", "OPEN_DEAL"), ("Same", "A"), ("Same", "B")]
        .map(|(label, value)| OptionValue { label: label.into(), value: value.into(), retired: false })
        .to_vec()
}

fn every_transform() -> Vec<Transform> {
    let table = json!({"pro": "IN_PROGRESS", "scale": 7, "": "x"}).as_object().expect("an object").clone();
    vec![
        Transform::Direct,
        Transform::SplitName,
        Transform::SplitLastName,
        Transform::JoinName,
        Transform::Table(table.clone()),
        Transform::Translate(table, Box::new(Transform::Number)),
        Transform::UnixToIso,
        Transform::Number,
        Transform::Boolean,
        Transform::Date,
        Transform::Option(options()),
        Transform::Option(Vec::new()),
        Transform::Template(Template::parse("{a} {{{b}}}").expect("a template")),
        Transform::Constant(json!("Intercom")),
    ]
}

#[expect(clippy::needless_pass_by_value, reason = "a literal at each call reads better")]
fn one(transform: &Transform, value: Value) -> Result<Value, Refusal> {
    transform.forward(&value).map(|mut parts| parts.remove(0))
}

#[test]
fn r105_one_word_is_the_last_name_where_salesforce_wants_one() {
    let split = |name: &str| Transform::SplitLastName.forward(&json!(name)).expect("text");
    assert_eq!(split("Madonna"), [Value::Null, json!("Madonna")]);
    assert_eq!(split(" Jane Doe "), [json!("Jane"), json!("Doe")]);
    assert_eq!(split("Maria del Carmen Ruiz"), [json!("Maria"), json!("del Carmen Ruiz")]);
    assert_eq!(split("佐藤花子"), [Value::Null, json!("佐藤花子")]);
    assert_eq!(split("🙂"), [Value::Null, json!("🙂")]);
    assert_eq!(split(""), [Value::Null, Value::Null]);
}

#[test]
fn r35_a_name_is_joined_from_several_fields() {
    assert_eq!(one(&Transform::JoinName, json!([" Jane", null, "Doe "])), Ok(json!("Jane Doe")));
    assert_eq!(one(&Transform::JoinName, json!(["", "  ", "Doe"])), Ok(json!("Doe")));
    assert_eq!(one(&Transform::JoinName, json!(["", null])), Ok(Value::Null));
    assert_eq!(one(&Transform::JoinName, json!(["Jane", 5])), Err(Refusal::WrongType));
}

#[test]
fn r188_a_number_is_a_number_however_it_is_written_and_keeps_its_digits() {
    let number = |value: Value| one(&Transform::Number, value);
    let long = "12345678901234567890.10";
    assert_eq!(number(json!(long)).map(|value| value.to_string()), Ok(long.to_owned()));
    assert_eq!(number(json!(" 17 ")), Ok(json!(17)));
    for not_a_number in [
        json!("1,5"),
        json!("007"),
        json!("ten"),
        json!(true),
        json!({}),
        json!("NaN"),
        json!("1".repeat(65)),
    ] {
        assert_eq!(number(not_a_number.clone()), Err(Refusal::WrongType), "{not_a_number}");
    }
}

#[test]
fn r188_yes_and_no_are_told_from_everything_else() {
    for yes in [json!(true), json!("TRUE"), json!("yes"), json!(1), json!(" 1 ")] {
        assert_eq!(one(&Transform::Boolean, yes), Ok(json!(true)));
    }
    for no in [json!(false), json!("False"), json!("no"), json!(0)] {
        assert_eq!(one(&Transform::Boolean, no), Ok(json!(false)));
    }
    assert_eq!(one(&Transform::Boolean, json!("maybe")), Err(Refusal::WrongType));
    assert_eq!(one(&Transform::Boolean, json!(2)), Err(Refusal::WrongType));
}

#[test]
fn a_day_is_the_day_in_utc_and_comes_back_as_its_midnight() {
    let day = |value: Value| one(&Transform::Date, value);
    assert_eq!(day(json!("2026-11-21")), Ok(json!("2026-11-21")));
    assert_eq!(day(json!(0)), Ok(json!("1970-01-01")));
    assert_eq!(day(json!(-1)), Ok(json!("1969-12-31")));
    assert_eq!(day(json!("2026-11-21T00:30:00+02:00")), Ok(json!("2026-11-20")));
    assert_eq!(day(json!("2026-02-30")), Err(Refusal::WrongType));
    assert_eq!(Transform::Date.backward(&[json!("2026-11-21")]), Some(json!(1_795_219_200)));
}

#[test]
fn r39_salesforces_way_of_writing_a_time_is_read_and_what_is_no_time_is_refused() {
    let iso = |value: Value| one(&Transform::UnixToIso, value);
    assert_eq!(iso(json!("2026-01-10T04:10:00.000+0000")), Ok(json!("2026-01-10T04:10:00.000Z")));
    assert_eq!(iso(json!(i64::MAX)), Err(Refusal::WrongType));
    assert_eq!(iso(json!(true)), Err(Refusal::WrongType));
}

#[test]
fn a_label_becomes_the_stored_value_and_two_alike_are_refused() {
    let option = Transform::Option(options());
    assert_eq!(one(&option, json!(" in PROGRESS")), Ok(json!("IN_PROGRESS")));
    assert_eq!(one(&option, json!("IN_PROGRESS")), Ok(json!("IN_PROGRESS")));
    assert!(matches!(one(&option, json!("Same")), Err(Refusal::NotAllowed(_))));
    match one(&option, json!("open")) {
        Err(Refusal::NotAllowed(allowed)) => assert_eq!(allowed[0], "OPEN_DEAL"),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(option.backward(&[json!("OPEN_DEAL")]), Some(json!("Open deal")));
    // A label that stands twice says nothing: the value stays as it is stored.
    assert_eq!(option.backward(&[json!("A")]), Some(json!("A")));
    // Without a list of its own, the vendor's is asked; without that one, the value goes as it is.
    let vendors = Transform::Option(Vec::new());
    assert_eq!(vendors.forward_among(&json!("Open deal"), &options()), Ok(vec![json!("OPEN_DEAL")]));
    assert_eq!(one(&vendors, json!("anything")), Ok(json!("anything")));
}

#[test]
fn a_template_puts_values_in_their_places_and_never_reads_them() {
    let template = Template::parse("{{{name}}}: {name} ({plan})").expect("a template");
    assert_eq!(template.fields(), ["name", "plan"]);
    let filled = one(&Transform::Template(template), json!(["{plan}", "pro"]));
    assert_eq!(filled, Ok(json!("{{plan}}: {plan} (pro)")));
    for (bad, why) in [("{a", "no }"), ("a}", "alone"), ("{}", "name of one"), ("plain", "constant")] {
        assert!(Template::parse(bad).expect_err(bad).contains(why), "{bad}");
    }
}

#[test]
fn hostile_values_are_turned_or_refused_and_never_panic() {
    let megabytes = "\u{202e}\u{1b}[2J é".repeat(300_000);
    let hostile = [
        json!(megabytes),
        json!([megabytes, {"a": [null]}, []]),
        json!("\u{0}\u{7f}\u{feff}"),
        json!({"": {}}),
        serde_json::from_str("-1e999999").expect("a number"),
        json!(u64::MAX),
        json!("9".repeat(5_000)),
        json!("-9223372036854775808"),
        json!("+275760-09-13T00:00:00Z"),
    ];
    for transform in every_transform() {
        for value in &hostile {
            let _ = transform.forward(value);
            let parts = vec![value.clone(); transform.parts()];
            let _ = transform.backward(&parts);
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter_map("JSON has no such number", |number| serde_json::Number::from_f64(number)
                .map(Value::Number)),
        "\\PC{0,20}|[0-9:TZ+.-]{0,30}|\\s*".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::Array))
}

proptest! {
    #[test]
    fn no_value_makes_a_transform_panic(value in any_value(), other in any_value()) {
        for transform in every_transform() {
            if let Ok(parts) = transform.forward(&value) {
                prop_assert_eq!(parts.len(), transform.parts());
            }
            let parts = [value.clone(), other.clone()];
            let _ = transform.backward(&parts[..transform.parts()]);
        }
    }

    #[test]
    fn numbers_yes_and_no_and_days_survive_both_ways(number in any::<i64>(), cents in 0_u32..100, truth in any::<bool>(), day in -700_000_i64..2_900_000) {
        let back = |transform: &Transform, value: &Value| {
            transform.backward(&transform.forward(value).expect("its own kind"))
        };
        let written = json!(format!("{number}.{cents:02}"));
        prop_assert_eq!(back(&Transform::Number, &written).map(|value| value.to_string()), written.as_str().map(str::to_owned));
        prop_assert_eq!(back(&Transform::Boolean, &json!(truth)), Some(json!(truth)));
        // From the year 54 to the year 9909; nearer to 1970 than 100,000,000,000 seconds are seconds.
        let midnight = json!(day * 86_400);
        if (day * 86_400).abs() < 100_000_000_000 {
            prop_assert_eq!(back(&Transform::Date, &midnight), Some(midnight));
        }
    }

    #[test]
    fn what_stands_once_in_a_table_survives_both_ways(words in prop::collection::btree_set("[a-z]{1,6}", 1..6), which in any::<prop::sample::Index>()) {
        let words: Vec<String> = words.into_iter().collect();
        let table: crate::domain::record::Fields = words.iter().map(|word| (word.clone(), json!(word.to_uppercase()))).collect();
        let word = json!(words[which.index(words.len())]);
        for transform in [Transform::Table(table.clone()), Transform::Translate(table, Box::new(Transform::Direct))] {
            let turned = transform.forward(&word).expect("in the table");
            prop_assert_eq!(transform.backward(&turned), Some(word.clone()));
        }
    }
}
