//! The mapping's rules, case by case and as properties.

mod blanks;
mod converge;
mod lints;
mod shipped;
mod transforms;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::judge::{Sides, Verdict, judge, right_as_one, right_values};
use super::transform::{Refusal, Transform};
use super::*;
use crate::domain::agreement::Agreement;
use crate::domain::record::Fields;
use crate::domain::review::ConflictKind;

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

fn verdict(name: &str, left: Value, right: Value, agreed: Option<(Value, Value)>) -> Verdict {
    let mapping = Mapping::shipped();
    let field = mapping.field(name).expect("shipped");
    let agreed = agreed.map(|(left, right)| Agreement { field: name.into(), left, right });
    let (left, right) = (fields(left), fields(right));
    judge(
        field,
        &Sides { left: &left, left_at: None, right: &right, right_at: None, agreed: agreed.as_ref() },
    )
}

#[test]
fn r35_a_name_is_split_at_its_first_blank() {
    let split = |name: &str| {
        let parts = Transform::SplitName.forward(&json!(name)).expect("text");
        (parts[0].clone(), parts[1].clone())
    };
    assert_eq!(split("Jane Doe"), (json!("Jane"), json!("Doe")));
    assert_eq!(split("Madonna"), (json!("Madonna"), Value::Null));
    assert_eq!(split("Maria del Carmen Ruiz"), (json!("Maria"), json!("del Carmen Ruiz")));
    assert_eq!(split("  Jane Doe"), (json!("Jane"), json!("Doe")));
    assert_eq!(split(""), (Value::Null, Value::Null));
    assert_eq!(split("佐藤\u{3000}花子"), (json!("佐藤"), json!("花子")));
    assert_eq!(split("🙂 Smile"), (json!("🙂"), json!("Smile")));
}

#[test]
fn r38_an_unknown_tier_is_refused_with_the_nearest_known_ones_first() {
    let mapping = Mapping::shipped();
    let plan = &mapping.field("Plan").expect("shipped").transform;
    assert_eq!(plan.forward(&json!("pro")), Ok(vec![json!("IN_PROGRESS")]));
    match plan.forward(&json!("enterprise_plus")) {
        Err(Refusal::NotAllowed(allowed)) => assert_eq!(allowed[0], "OPEN_DEAL"),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn r39_seconds_milliseconds_and_rfc3339_are_told_apart() {
    let iso = |value: Value| Transform::UnixToIso.forward(&value).map(|mut parts| parts.remove(0));
    assert_eq!(iso(json!(0)), Ok(json!("1970-01-01T00:00:00.000Z")));
    assert_eq!(iso(json!(1_768_018_200)), Ok(json!("2026-01-10T04:10:00.000Z")));
    assert_eq!(iso(json!(1_768_018_200_123_i64)), Ok(json!("2026-01-10T04:10:00.123Z")));
    assert_eq!(iso(json!(2_147_483_648_i64)), Ok(json!("2038-01-19T03:14:08.000Z")));
    // Around the end of summer time in Berlin: the offset counts, the wall clock does not.
    assert_eq!(iso(json!("2026-10-25T02:30:00+02:00")), Ok(json!("2026-10-25T00:30:00.000Z")));
    assert_eq!(iso(json!("2026-10-25T02:30:00+01:00")), Ok(json!("2026-10-25T01:30:00.000Z")));
    assert_eq!(iso(json!("soon")), Err(Refusal::WrongType));
}

#[test]
fn a_change_on_one_side_travels_and_on_both_sides_waits_for_a_human() {
    let base = Some((json!("1"), json!("1")));
    let left = json!({"phone": "2"});
    let wrote = verdict("Phone", left.clone(), json!({"phone": "1"}), base.clone());
    assert!(
        matches!(wrote, Verdict::WriteRight(ref writes, _) if writes == &[("phone".to_owned(), json!("2"))])
    );
    let wrote = verdict("Phone", json!({"phone": "1"}), json!({"phone": "3"}), base.clone());
    assert!(matches!(wrote, Verdict::WriteLeft(_, ref value, _) if value == &json!("3")));
    let both = verdict("Phone", left.clone(), json!({"phone": "3"}), base.clone());
    assert!(matches!(both, Verdict::Conflict { kind: ConflictKind::BothChanged, .. }));
    let alike = verdict("Phone", left, json!({"phone": "2"}), base);
    assert!(matches!(alike, Verdict::Agree(_)));
}

#[test]
fn the_side_that_does_not_own_a_field_cannot_change_it_unseen() {
    let base = Some((json!("lead"), json!("lead")));
    let stage = "custom_attributes.lifecycle_stage";
    let breach = verdict(
        "Lifecycle stage",
        json!({stage: "customer"}),
        json!({"lifecyclestage": "lead"}),
        base.clone(),
    );
    assert!(matches!(breach, Verdict::Conflict { kind: ConflictKind::OwnershipBreach, .. }));
    let owned =
        verdict("Lifecycle stage", json!({stage: "lead"}), json!({"lifecyclestage": "customer"}), base);
    assert!(matches!(owned, Verdict::WriteLeft(..)));
}

#[test]
fn r279_consent_wins_over_every_other_writer() {
    let text = format!(
        "{}\n[[field]]\nname = \"Opted out\"\nintercom = \"unsubscribed_from_emails\"\ncrm = [\"opted_out\"]\n\
         direction = \"both\"\nowner = \"consent\"\ntransform = \"direct\"\ndecides = \"marketing\"\n",
        include_str!("../../assets/mapping/contact.toml")
    );
    let mapping = Mapping::parse(&text, "test").expect("it loads");
    let field = mapping.field("Opted out").expect("there");
    let judged = |left: Value, right: Value, agreed: Option<(bool, &str)>| {
        let agreed = agreed.map(|(left, right)| Agreement {
            field: "Opted out".into(),
            left: json!(left),
            right: json!(right),
        });
        let left = fields(json!({"unsubscribed_from_emails": left}));
        let right = fields(json!({"opted_out": right}));
        let sides =
            Sides { left: &left, left_at: None, right: &right, right_at: None, agreed: agreed.as_ref() };
        judge(field, &sides)
    };
    for agreed in [None, Some((false, "false"))] {
        let to_crm = judged(json!(true), json!("false"), agreed);
        assert!(
            matches!(&to_crm, Verdict::WriteRight(writes, _) if writes[0].1 == json!(true)),
            "{to_crm:?}"
        );
        let to_intercom = judged(json!(false), json!("true"), agreed);
        assert!(matches!(to_intercom, Verdict::WriteLeft(..)), "{to_intercom:?}");
    }
    // Both out before, and one side takes it back: nobody is written to, in either direction, until a human says so.
    for (left, right) in
        [(json!(false), json!("true")), (json!(true), json!("false")), (json!(true), json!(null))]
    {
        let taken_back = judged(left, right, Some((true, "true")));
        assert!(
            matches!(taken_back, Verdict::Conflict { kind: ConflictKind::OwnershipBreach, .. }),
            "{taken_back:?}"
        );
    }
    assert_eq!(judged(json!(true), json!("true"), Some((true, "true"))), Verdict::Unchanged);
    assert!(matches!(judged(json!(true), json!("TRUE"), None), Verdict::Agree(_)));
}

#[test]
fn null_empty_and_missing_never_overwrite_by_default() {
    let base = Some((json!("1"), json!("1")));
    for left in [json!({"phone": null}), json!({"phone": ""}), json!({})] {
        let kept = verdict("Phone", left, json!({"phone": "1"}), base.clone());
        assert!(matches!(kept, Verdict::Leave(_)), "{kept:?}");
    }
}

#[test]
fn a_decided_exception_stays_decided() {
    // A human let enterprise_plus stand as OPEN_DEAL: no table says so, the agreement does.
    let agreed = Some((json!("enterprise_plus"), json!("OPEN_DEAL")));
    let plan = "custom_attributes.plan";
    let still =
        verdict("Plan", json!({plan: "enterprise_plus"}), json!({"hs_lead_status": "OPEN_DEAL"}), agreed);
    assert_eq!(still, Verdict::Unchanged);
}

#[test]
fn a_mapping_that_could_do_harm_does_not_load_and_says_where() {
    let good = include_str!("../../assets/mapping/contact.toml");
    let cases = [
        (good.replacen("owner = \"intercom\"\n", "", 1), "no owner"),
        (
            good.replace("transform = \"split_name\"", "transform = \"splitname\""),
            "no transform \"splitname\"",
        ),
        (good.replace("[\"jobtitle\"]", "[\"phone\"]"), "one field, one writer"),
        (good.replace("blank = ", "blanks = ") + "\nnonsense = 1\n", "unknown key"),
        (good.replace("owner = \"crm\"", "owner = \"intercom\""), "cannot own it"),
    ];
    for (text, expected) in cases {
        let error = Mapping::parse(&text, "contact.toml").expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.line > 1, "{error}");
    }
}

proptest! {
    #[test]
    fn a_name_without_odd_blanks_survives_both_ways(words in prop::collection::vec("[\\p{L}'-]{1,12}", 1..5)) {
        let name = words.join(" ");
        let split = Transform::SplitName.forward(&json!(name)).expect("text");
        prop_assert_eq!(Transform::SplitName.backward(&split), Some(json!(name)));
    }

    #[test]
    fn a_time_in_seconds_survives_both_ways(seconds in -60_000_000_000_i64..90_000_000_000) {
        let turned = Transform::UnixToIso.forward(&json!(seconds)).expect("a time");
        prop_assert_eq!(Transform::UnixToIso.backward(&turned), Some(json!(seconds)));
    }

    /// Whatever happened on either side: after the verdict is carried out, the two agree or a human is asked, and
    /// a filled value is never replaced by an empty one.
    #[test]
    fn carried_out_verdicts_converge(left in "[ab]{0,2}", right in "[ab]{0,2}", base in prop::option::of("[ab]{0,2}"),
                                     which in 0..9_usize) {
        let mapping = Mapping::shipped();
        let field = &mapping.fields[which];
        let right_fields: Fields = field.crm.iter().map(|name| (name.clone(), json!(right))).collect();
        let left_fields: Fields = [(field.intercom.clone(), json!(left))].into_iter().collect();
        let agreed = base.map(|base| Agreement {
            field: field.name.clone(), left: json!(base),
            right: right_as_one(&vec![json!(base); field.crm.len()]),
        });
        let sides = Sides { left: &left_fields, left_at: None, right: &right_fields, right_at: None, agreed: agreed.as_ref() };
        let (mut left_after, mut right_after) = (left_fields.clone(), right_fields.clone());
        let agreement = match judge(field, &sides) {
            Verdict::WriteRight(writes, agreement) => {
                for (name, value) in writes {
                    // Part of a name may empty: a new name without a last name has none.
                    prop_assert!(!super::transform::is_blank(&value) || field.crm.len() > 1);
                    right_after.insert(name, value);
                }
                agreement
            }
            Verdict::WriteLeft(name, value, agreement) => {
                prop_assert!(!super::transform::is_blank(&value));
                left_after.insert(name, value);
                agreement
            }
            Verdict::Agree(agreement) => agreement,
            _ => return Ok(()),
        };
        let again = Sides { left: &left_after, right: &right_after, agreed: Some(&agreement), ..sides };
        prop_assert_eq!(judge(field, &again), Verdict::Unchanged, "{:?}", right_values(field, &right_after));
    }
}
