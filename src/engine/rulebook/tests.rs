//! Rules as files: written, read back, refused with the place, taken out again.

use proptest::prelude::*;

use super::*;

fn rule(name: &str, choice: Choice) -> Rule {
    Rule {
        name: name.to_owned(),
        mapping: "contact".into(),
        field: "Plan".into(),
        kind: ConflictKind::NotAllowed,
        left: Some("gold".into()),
        right: None,
        choice,
        by: "olga".into(),
    }
}

proptest! {
    #[test]
    fn a_rule_reads_back_as_it_was_written(
        left in prop::option::of(".{0,20}"), right in prop::option::of(".{0,20}"), value in "[^ ].{0,20}", how in 0..5_u8,
    ) {
        prop_assume!(!value.trim().is_empty());
        let choice = match how {
            0 => Choice::Left,
            1 => Choice::Right,
            2 => Choice::Clear,
            3 => Choice::Value(value),
            _ => Choice::Translate(value),
        };
        let rule = Rule { left, right, ..rule("plan-1", choice) };
        let parsed: FileText = toml::from_str(&text_of(&rule)).expect("readable");
        let back: Vec<Rule> = parsed.rule.into_iter().map(|text| turned(text).expect("a rule")).collect();
        prop_assert_eq!(back, vec![rule]);
    }
}

#[test]
fn rules_are_added_listed_and_removed_and_a_broken_file_stops_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = Rulebook::in_folder(folder.path().join("rules"));
    assert!(book.found().rules.is_empty(), "a folder that is not there has no rules");
    let name = book.new_name("Lifecycle stage");
    assert_eq!(name, "lifecycle-stage-1");
    book.add(&rule("plan-1", Choice::Left)).expect("written");
    assert!(book.add(&rule("plan-1", Choice::Right)).is_err(), "no two of one name");
    let two = format!("{}{}", text_of(&rule("a", Choice::Left)), text_of(&rule("b", Choice::Clear)));
    std::fs::write(folder.path().join("rules/two.toml"), two).expect("written");
    std::fs::write(folder.path().join("rules/broken.toml"), "\n[[rule]]\nname = 3\n").expect("written");
    book.forget();
    let found = book.found();
    let names: Vec<&str> = found.rules.iter().map(|listed| listed.rule.name.as_str()).collect();
    assert_eq!(names, ["plan-1", "a", "b"]);
    assert!(found.problems[0].contains("broken.toml: line 3"), "{:?}", found.problems);
    assert_eq!(book.new_name("Plan"), "plan-2");
    assert_eq!(book.remove("a"), Ok(true));
    assert_eq!(book.remove("plan-1"), Ok(true));
    assert_eq!(book.remove("plan-1"), Ok(false));
    let names: Vec<String> = book.found().rules.iter().map(|listed| listed.rule.name.clone()).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let read = |text: &str| {
        let parsed: FileText = toml::from_str(text).expect("TOML");
        turned(parsed.rule.into_iter().next().expect("one")).expect_err("refused")
    };
    let start = "[[rule]]\nname = \"x\"\nfield = \"Plan\"\nkind = \"not_allowed\"\n";
    assert!(read(&format!("{start}decide = \"value\"")).contains("wants a value"));
    assert!(read(&format!("{start}decide = \"left\"\nvalue = \"x\"")).contains("takes no value"));
    assert!(read(&format!("{start}decide = \"guess\"")).contains("none of left, right"));
}
