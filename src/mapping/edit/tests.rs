//! Edits keep comments and order, and what would not load is refused.

use serde_json::json;

use super::*;
use crate::mapping::mappings::SHIPPED;

fn contact() -> &'static str {
    SHIPPED[0].1
}

#[test]
fn a_translation_goes_into_the_table_and_every_comment_stays() {
    let edited = add_translation(contact(), "Plan", "enterprise_plus", "OPEN_DEAL").expect("it loads");
    for line in contact().lines() {
        assert!(edited.contains(line), "lost: {line}");
    }
    let mapping = Mapping::parse(&edited, "edited").expect("it loads");
    let plan = &mapping.field("Plan").expect("there").transform;
    assert_eq!(plan.forward(&json!("enterprise_plus")), Ok(vec![json!("OPEN_DEAL")]));
    // A second decision about the same value takes the place of the first.
    let again = add_translation(&edited, "Plan", "enterprise_plus", "NEW").expect("it loads");
    let plan = Mapping::parse(&again, "again").expect("it loads");
    let plan = &plan.field("Plan").expect("there").transform;
    assert_eq!(plan.forward(&json!("enterprise_plus")), Ok(vec![json!("NEW")]));
    assert_eq!(again.matches("enterprise_plus").count(), 1);
}

#[test]
fn a_field_without_a_table_gets_pairs_that_are_looked_at_first() {
    let edited =
        add_translation(contact(), "Job title", "ceo \"boss\" \u{1b}[2J\n", "CEO").expect("it loads");
    let mapping = Mapping::parse(&edited, "edited").expect("it loads");
    let title = &mapping.field("Job title").expect("there").transform;
    assert_eq!(title.forward(&json!("anything else")), Ok(vec![json!("anything else")]));
    assert_eq!(title.backward(&[json!("CEO")]), Some(json!("ceo \"boss\" \u{1b}[2J\n")));
    let refused = add_translation(contact(), "Name", "a", "b").expect_err("two parts");
    assert!(matches!(refused, EditError::NoTable(_)), "{refused}");
    let unknown = add_translation(contact(), "Nome", "a", "b").expect_err("no such field").to_string();
    assert!(unknown.contains("Job title"), "{unknown}");
}

#[test]
fn r219_one_direction_is_taken_out_and_put_back() {
    let one_way = disable(contact(), "Phone", Side::Intercom).expect("it loads");
    let direction = |text: &str, name: &str| {
        Mapping::parse(text, "edited").expect("it loads").field(name).expect("there").direction
    };
    assert_eq!(direction(&one_way, "Phone"), Direction::ToCrm);
    assert_eq!(set_direction(&one_way, "Phone", Direction::Both).expect("it loads"), contact());
    let off = disable(contact(), "Email", Side::Crm).expect("it loads");
    assert_eq!(direction(&off, "Email"), Direction::Off);
    // The owner's own side cannot become the only one written.
    let refused = set_direction(contact(), "Email", Direction::ToIntercom).expect_err("it would not load");
    assert!(refused.to_string().contains("cannot own it"), "{refused}");
    // What only filled in is gone with the direction it filled.
    let company = SHIPPED.iter().find(|(name, _)| *name == "company.toml").expect("shipped").1;
    let edited = disable(company, "Industry", Side::Crm).expect("it loads");
    assert_eq!(direction(&edited, "Industry"), Direction::ToIntercom);
}
