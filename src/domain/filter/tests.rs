//! What is typed and what it is understood as.

use super::*;
use crate::domain::clock::Timestamp;

fn text_of(result: Result<Filter, FilterError>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn terms_are_read_with_key_values_and_negation() {
    let filter = Filter::parse("status:failed,held -recipe:contact* jane 10:30").expect("valid");
    assert_eq!(filter.terms.len(), 4);
    assert_eq!(filter.terms[0].key, Some(Key::Status));
    assert_eq!(filter.terms[0].values, ["failed", "held"]);
    assert!(filter.terms[1].negated);
    assert_eq!(beginning(&filter.terms[1].values[0]), Some("contact"));
    assert_eq!(filter.terms[2].key, None);
    assert_eq!(filter.terms[3].key, None);
}

#[test]
fn what_cannot_be_understood_is_named_with_what_was_meant() {
    let error = text_of(Filter::parse("stats:failed"));
    assert!(
        error.contains("\"stats:\"") && error.contains("mean \"status:\"") && error.contains("recipe:"),
        "{error}"
    );
    assert!(text_of(Filter::parse("since:soon")).contains("soon"));
    assert!(text_of(Filter::parse("status:")).contains("wants a value"));
    assert!(text_of(Filter::parse("attempts:many")).contains(">3"));
    let error = text_of(Filter::parse("sort:recip"));
    assert!(error.contains("mean \"recipe\"") && error.contains("age"), "{error}");
}

#[test]
fn quotes_keep_words_and_commas_together() {
    let filter = Filter::parse(r#"person:"jane doe" -"two words" field:"a,b",c "still open"#).expect("valid");
    let values: Vec<_> = filter.terms.iter().map(|term| term.values.clone()).collect();
    assert_eq!(values[0], ["jane doe"]);
    assert!(filter.terms[1].negated);
    assert_eq!(values[1], ["two words"]);
    assert_eq!(values[2], ["a,b", "c"]);
    assert_eq!(values[3], ["still open"]);
    for value in ["plain", "two words", "a,b"] {
        let again = Filter::parse(&format!("field:{}", quoted(value))).expect("valid");
        assert_eq!(again.terms[0].values, [value]);
    }
}

#[test]
fn sort_is_a_term_that_orders_and_filters_nothing() {
    let filter = Filter::parse("status:failed sort:-attempts").expect("valid");
    assert_eq!(filter.terms.len(), 1);
    assert_eq!(filter.sort, Some(Sort { column: Column::Attempts, descending: true }));
    assert!(Filter::parse("sort:age").expect("valid").is_empty());
    assert_eq!(
        Filter::parse("-sort:due").expect("valid").sort.map(|sort| sort.to_string()).as_deref(),
        Some("sort:-next")
    );
    let sort = Sort { column: Column::Age, descending: false };
    assert_eq!(with_sort("sort:-recipe jane \"a b\"", Some(sort)), "jane \"a b\" sort:age");
    assert_eq!(with_sort("jane -sort:recipe", None), "jane");
}

#[test]
fn each_list_refuses_what_it_does_not_know() {
    let error = text_of(Filter::parse_for(List::Unlinked, "recipe:x"));
    assert!(error.contains("unlinked have no \"recipe:\"") && error.contains("domain:"), "{error}");
    let error = text_of(Filter::parse_for(List::Executions, "status:faild"));
    assert!(error.contains("mean \"failed\""), "{error}");
    let error = text_of(Filter::parse_for(List::Conflicts, "sort:attempts"));
    assert!(error.contains("field") && !error.contains("next"), "{error}");
    for good in
        ["status:open,failed", "status:fail*", "system:hubspot:emea", "outcome:error code:4*,>500 id:ex_12"]
    {
        Filter::parse_for(List::Executions, good).expect(good);
    }
    for list in List::ALL {
        let columns = known(*list).columns;
        assert!(columns.is_empty() || columns.contains(&known(*list).order.0), "{list}");
        for column in known(*list).columns {
            Filter::parse_for(*list, &format!("sort:-{column}")).expect("its own column");
        }
    }
}

#[test]
fn times_are_spans_or_days() {
    let now = Timestamp(10 * 86_400_000);
    let at = |key, value| When::of(key, value).expect("a time").range(now);
    assert_eq!(at(Key::Since, "2d"), 8 * 86_400_000..i64::MAX);
    assert_eq!(at(Key::Age, ">2d"), i64::MIN..8 * 86_400_000);
    assert_eq!(at(Key::Age, "2d"), at(Key::Until, "2d"));
    assert_eq!(at(Key::Age, "<2d"), at(Key::Since, "2d"));
    assert_eq!(at(Key::Since, "1970-01-03"), 2 * 86_400_000..i64::MAX);
    assert_eq!(at(Key::Until, "1970-01-01T01:00"), i64::MIN..3_600_000);
}

#[test]
fn numbers_are_compared() {
    let compared = |text| Compared::parse(text).expect("a number");
    assert!(compared(">3").holds(4) && !compared(">3").holds(3));
    assert!(compared("<=3").holds(3) && compared("3").holds(3) && !compared("3").holds(2));
    assert_eq!(values::row_number("ex_12"), Some(12));
    assert_eq!(values::row_number("12"), Some(12));
}
