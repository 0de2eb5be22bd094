//! One mistake in a mapping at a time, with the line, the rule and the fix it is told with.

use serde_json::json;

use super::*;
use crate::domain::drift::UserKind;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::schema::OptionValue;

fn field(name: &str, kind: FieldKind) -> FieldSchema {
    FieldSchema {
        name: name.into(),
        label: name.into(),
        kind,
        vendor_kind: kind.to_string(),
        options: Vec::new(),
        writable: true,
        required: false,
        unique: false,
        longest: None,
    }
}

fn list(name: &str, options: &[(&str, &str)]) -> FieldSchema {
    let option = |(value, label): &(&str, &str)| OptionValue {
        value: (*value).into(),
        label: (*label).into(),
        retired: false,
    };
    FieldSchema { options: options.iter().map(option).collect(), ..field(name, FieldKind::Option) }
}

fn schema(system: System, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema {
        connection: Connection::only(system),
        object: ObjectKind::Contact,
        fields,
        creatable: true,
        updatable: true,
    }
}

fn intercom(mut fields: Vec<FieldSchema>) -> ObjectSchema {
    fields.push(field("email", FieldKind::Text));
    fields.push(field("custom_attributes.hubspot_contact_id", FieldKind::Text));
    schema(System::Intercom, fields)
}

fn hubspot(mut fields: Vec<FieldSchema>) -> ObjectSchema {
    fields.push(field("email", FieldKind::Text));
    fields.push(field("intercom_contact_id", FieldKind::Text));
    schema(System::Hubspot, fields)
}

const HEAD: &str = r#"[mapping]
name = "contact"
version = 1
intercom = "contact"
crm = "contact"
system = "hubspot"

[identity]
crm = "intercom_contact_id"
intercom = "custom_attributes.hubspot_contact_id"
match = [{ intercom = "email", crm = "email" }]

[[field]]
name = "Email"
intercom = "email"
crm = ["email"]
direction = "to_crm"
owner = "intercom"
transform = "direct"

"#;

fn mapping(body: &str) -> Mapping {
    Mapping::parse(&format!("{HEAD}{body}"), "mine.toml").expect("it loads")
}

fn one(intercom_name: &str, crm: &str, direction: &str, owner: &str, transform: &str, more: &str) -> Mapping {
    mapping(&format!(
        "[[field]]\nname = \"X\"\nintercom = \"{intercom_name}\"\ncrm = [\"{crm}\"]\ndirection = \"{direction}\"\n\
         owner = \"{owner}\"\ntransform = \"{transform}\"\n{more}"
    ))
}

/// The line of the n-th line below the head.
fn line(below: usize) -> usize {
    HEAD.lines().count() + below
}

fn only(found: &[Lint]) -> &Lint {
    match found {
        [one] => one,
        several => panic!("{several:#?}"),
    }
}

#[test]
fn r56_r114_a_field_that_is_not_there_is_told_with_its_line_and_the_nearest_name() {
    let mapping = one("custom_attributes.plan", "plan_tier", "to_crm", "intercom", "direct", "");
    let left = intercom(vec![field("custom_attributes.plan", FieldKind::Text)]);
    let right = hubspot(vec![field("plan_tier_c", FieldKind::Text)]);
    let found = against_schemas(&mapping, Some(&left), Some(&right));
    let lint = only(&found);
    assert_eq!((lint.rule, lint.line, lint.file.as_str()), (LintRule::UnknownField, line(4), "mine.toml"));
    assert!(lint.refuses() && lint.fix.contains("write \"plan_tier_c\""), "{lint}");
    // Nothing is known, nothing is said.
    assert_eq!(against_schemas(&mapping, None, None), []);
}

#[test]
fn r252_r262_an_attribute_intercom_lacks_is_made_once_unless_the_mapping_says_no() {
    let body = "[[field]]\nname = \"Stage\"\nintercom = \"custom_attributes.stage\"\ncrm = [\"stage\"]\ndirection = \"to_intercom\"\n\
                owner = \"crm\"\ntransform = \"direct\"\n[[field]]\nname = \"Deals\"\nintercom = \"custom_attributes.deals\"\n\
                crm = [\"deals\"]\ndirection = \"to_intercom\"\nowner = \"crm\"\ntransform = \"number\"\n";
    let right = hubspot(vec![list("stage", &[("a", "A")]), field("deals", FieldKind::Number)]);
    let left = intercom(Vec::new());
    let mapping_on = mapping(body);
    let effects = missing_attributes(&mapping_on, &left, Some(&right));
    let made: Vec<(&str, FieldKind)> = effects
        .iter()
        .map(|effect| match effect {
            Effect::DefineField { field, kind, .. } => (field.as_str(), *kind),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        made,
        [("custom_attributes.stage", FieldKind::Text), ("custom_attributes.deals", FieldKind::Number)]
    );
    let found = against_schemas(&mapping_on, Some(&left), Some(&right));
    assert!(found.len() == 2 && found.iter().all(|lint| !lint.refuses()), "{found:#?}");
    let off = Mapping::parse(
        &format!("{HEAD}{body}").replace("version = 1", "version = 1\ndefine = false"),
        "mine.toml",
    );
    let off = off.expect("it loads");
    assert_eq!(missing_attributes(&off, &left, Some(&right)), []);
    assert!(against_schemas(&off, Some(&left), Some(&right)).iter().all(Lint::refuses));
    // Once it is there, nothing is made any more.
    let full = intercom(vec![
        field("custom_attributes.stage", FieldKind::Text),
        field("custom_attributes.deals", FieldKind::Number),
    ]);
    assert_eq!(missing_attributes(&mapping_on, &full, Some(&right)), []);
}

#[test]
fn r182_r188_text_number_list_date_and_yes_no_that_do_not_fit_are_told_before_a_write() {
    use FieldKind as K;
    for (from, to, transform, fix) in [
        (K::Text, K::Number, "direct", "transform = \"number\""),
        (K::Text, K::Boolean, "direct", "transform = \"boolean\""),
        (K::Text, K::Option, "direct", "transform = \"table\""),
        (K::DateTime, K::DateTime, "direct", "transform = \"unix_to_iso\""),
        (K::DateTime, K::Date, "direct", "transform = \"date\""),
        (K::DateTime, K::Date, "unix_to_iso", "transform = \"date\""),
        (K::DateTime, K::DateTime, "date", "transform = \"unix_to_iso\""),
        (K::Boolean, K::Number, "direct", "a field of the same kind"),
        (K::Boolean, K::Date, "unix_to_iso", "map another field"),
        (K::Text, K::Number, "split_name", "map a text field"),
        (K::Number, K::Other, "direct", "map another field"),
        (K::Text, K::Boolean, "number", "map a number field"),
    ] {
        let crm = if transform == "split_name" { "b\", \"c" } else { "b" };
        let mapping = one("custom_attributes.a", crm, "to_crm", "intercom", transform, "");
        let right = hubspot(vec![field("b", to), field("c", FieldKind::Text)]);
        let left = intercom(vec![field("custom_attributes.a", from)]);
        let found = against_schemas(&mapping, Some(&left), Some(&right));
        let lint = only(&found);
        assert_eq!(
            (lint.rule, lint.line),
            (LintRule::TypeMismatch, line(7)),
            "{from} {to} {transform}: {lint}"
        );
        assert!(lint.refuses() && lint.fix.contains(fix), "{from} {to} {transform}: {lint}");
    }
    for (from, to, transform) in [
        (K::Text, K::Text, "direct"),
        (K::Number, K::Text, "direct"),
        (K::Option, K::Text, "direct"),
        (K::Boolean, K::Boolean, "direct"),
        (K::Text, K::Number, "number"),
        (K::DateTime, K::DateTime, "unix_to_iso"),
        (K::DateTime, K::Date, "date"),
        (K::Text, K::Option, "option"),
    ] {
        let mapping = one("custom_attributes.a", "b", "to_crm", "intercom", transform, "");
        let left = intercom(vec![field("custom_attributes.a", from)]);
        let right = hubspot(vec![field("b", to)]);
        assert_eq!(against_schemas(&mapping, Some(&left), Some(&right)), [], "{from} {to} {transform}");
    }
}

#[test]
fn r77_r189_a_value_the_list_lacks_is_told_with_what_it_should_be() {
    let right = hubspot(vec![list(
        "lifecyclestage",
        &[("marketingqualifiedlead", "Marketing Qualified Lead"), ("lead", "Lead"), ("mql", "MQL stage")],
    )]);
    let left = intercom(vec![field("custom_attributes.stage", FieldKind::Text)]);
    for (value, rule, fix) in [
        ("MQL", LintRule::OptionNotAllowed, "write \"mql\""),
        ("Marketing Qualified Lead", LintRule::LabelForValue, "write \"marketingqualifiedlead\""),
        ("leed", LintRule::OptionNotAllowed, "write \"lead\""),
    ] {
        let table = format!("[field.table]\nfirst = \"lead\"\nsecond = \"{value}\"\n");
        let mapping = one("custom_attributes.stage", "lifecyclestage", "to_crm", "intercom", "table", &table);
        let found = against_schemas(&mapping, Some(&left), Some(&right));
        let lint = only(&found);
        assert_eq!((lint.rule, lint.line), (rule, line(10)), "{lint}");
        assert!(lint.refuses() && lint.fix.starts_with(fix), "{lint}");
    }
}

#[test]
fn r188_a_table_into_a_number_or_yes_no_writes_such() {
    for (kind, value) in [(FieldKind::Number, "many"), (FieldKind::Boolean, "yes")] {
        let mapping =
            one("email", "b", "to_crm", "intercom", "table", &format!("[field.table]\na = \"{value}\"\n"));
        let found =
            against_schemas(&mapping, Some(&intercom(Vec::new())), Some(&hubspot(vec![field("b", kind)])));
        assert_eq!((only(&found).rule, only(&found).line), (LintRule::TypeMismatch, line(9)), "{kind}");
    }
}

#[test]
fn a_field_our_token_may_not_write_is_told_only_where_it_is_written() {
    let read_only = FieldSchema { writable: false, ..field("b", FieldKind::Text) };
    let left = intercom(vec![field("custom_attributes.a", FieldKind::Text)]);
    let right = hubspot(vec![read_only]);
    let found = against_schemas(
        &one("custom_attributes.a", "b", "to_crm", "intercom", "direct", ""),
        Some(&left),
        Some(&right),
    );
    assert_eq!((only(&found).rule, only(&found).line), (LintRule::NotWritable, line(4)));
    assert!(only(&found).fix.contains("direction = \"to_intercom\""), "{}", found[0]);
    let back = one("custom_attributes.a", "b", "to_intercom", "crm", "direct", "");
    assert_eq!(against_schemas(&back, Some(&left), Some(&right)), []);
}

#[test]
fn r182_the_owner_of_records_has_one_writer() {
    let left = intercom(vec![field("owner_id", FieldKind::Reference)]);
    let right = hubspot(vec![field("hubspot_owner_id", FieldKind::Reference)]);
    let table = "[field.table]\n1 = \"9\"\n";
    let both = one("owner_id", "hubspot_owner_id", "both", "review", "table", table);
    let found = against_schemas(&both, Some(&left), Some(&right));
    assert_eq!((only(&found).rule, only(&found).line), (LintRule::OwnerOnBothSides, line(5)));
    assert!(found[0].fix.contains("owner = \"crm\""));
    let one_way = one("owner_id", "hubspot_owner_id", "to_intercom", "crm", "table", table);
    assert_eq!(against_schemas(&one_way, Some(&left), Some(&right)), []);
}

#[test]
fn what_a_record_cannot_be_made_without_must_be_mapped() {
    let needed = FieldSchema { required: true, ..field("LastName", FieldKind::Text) };
    let without = mapping("");
    let mut right = hubspot(vec![needed]);
    let found = against_schemas(&without, Some(&intercom(Vec::new())), Some(&right));
    assert_eq!((only(&found).rule, only(&found).field.as_str()), (LintRule::RequiredNotMapped, "LastName"));
    assert_eq!(found[0].line, 1);
    right.creatable = false;
    let text = without.text.replace("version = 1", "version = 1\ncreates = false");
    let updates = Mapping::parse(&text, "mine.toml").expect("it loads");
    assert_eq!(against_schemas(&updates, Some(&intercom(Vec::new())), Some(&right)), []);
}

#[test]
fn a_list_that_offers_more_than_the_other_side_takes_is_a_warning() {
    let mapping = one("custom_attributes.a", "b", "to_crm", "intercom", "direct", "");
    let left = intercom(vec![list("custom_attributes.a", &[("x", "X"), ("y", "Y")])]);
    let right = hubspot(vec![list("b", &[("x", "X")])]);
    let found = against_schemas(&mapping, Some(&left), Some(&right));
    assert!(!only(&found).refuses() && found[0].what.contains('y'), "{}", found[0]);
}

#[test]
fn what_a_mapping_uses_is_told_with_its_values_and_its_cross_references() {
    let mapping = one(
        "custom_attributes.plan",
        "b",
        "to_crm",
        "intercom",
        "table",
        "[field.table]\npro = \"P\"\nfree = \"F\"\n",
    );
    let uses = uses(&mapping, System::Hubspot);
    let of = |name: &str| uses.fields.iter().find(|one| one.field == name).expect("it is used");
    assert_eq!(
        (of("b").line, of("b").writes, of("b").values.clone()),
        (line(1), true, vec!["P".into(), "F".into()])
    );
    assert!(!of("custom_attributes.plan").writes && of("intercom_contact_id").identity);
    assert_eq!(uses.creates[0].sets, ["email", "b", "intercom_contact_id"]);
    assert!(uses.fields.iter().all(|one| one.kind == UserKind::Mapping && one.user == "contact"));
    assert_eq!(json!(of("b").system), json!("hubspot"));
}
