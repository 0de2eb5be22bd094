//! What expressions come to: comparisons, what is missing, boundary cases as the criteria say, and guards.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scope(facts: &Value) -> Scope {
    Scope::new(facts.as_object().expect("an object"))
}

fn holds(expression: &str, facts: &Value) -> bool {
    judge(expression, &scope(facts)).unwrap_or_else(|fault| panic!("{fault}")).holds
}

fn told(expression: &str, facts: &Value) -> String {
    judge(expression, &scope(facts)).unwrap_or_else(|fault| panic!("{fault}")).explanation
}

fn fault(expression: &str, facts: &Value) -> String {
    judge(expression, &scope(facts)).expect_err(expression).to_string()
}

#[test]
fn r66_conditions_compare_combine_and_search() {
    let facts = json!({"a": 3, "t": "Enterprise plan", "list": ["x", "y"], "at": "2026-01-10T04:11:34Z",
                       "now": 1_768_104_694, "r": {"b": {"c": true}}});
    for (expression, expected) in [
        ("a == 3 && t.contains('plan')", true),
        ("a > 3 || !(a < 3)", true),
        ("'x' in list && !('z' in list)", true),
        ("a in [1, 2]", false),
        ("has(r.b.c) && !has(r.b.d) && !has(r.x.y)", true),
        ("t.matches('^Ent.*plan$')", true),
        ("t.matches('^plan')", false),
        ("now - seconds(at) <= days(1)", true),
        ("now - seconds(at) < days(1)", false),
        ("date(at) == '2026-01-10'", true),
        ("words(t).exists(w, w == 'enterprise')", true),
        ("list.all(x, size(x) == 1) && list.exists_one(x, x == 'y')", true),
        ("list.map(x, x + '!') == ['x!', 'y!']", true),
        ("list.filter(x, x != 'x') == ['y']", true),
        ("a % 2 == 1 ? t.startsWith('Ent') : false", true),
        ("0.5 + 1 == 1.5 && -a == -3 && a / 2 == 1", true),
        ("round(2.345, 2) == 2.35 || round(2.345, 2) == 2.34", true),
        ("r['b'].c && list[0] == 'x' && list[9] == null", true),
        ("join(distinct(['b', 'a', 'b']), ', ') == 'b, a' && first(list) == 'x'", true),
        ("sum([1, '2.5', null, 'none']) == 3.5", true),
        ("join(list, '\n') == 'x' + \"\n\" + 'y'\n && a == 3", true),
        ("options(' vip;;trial ') == ['vip', 'trial'] && options('') == []", true),
    ] {
        assert_eq!(holds(expression, &facts), expected, "{expression}");
    }
}

#[test]
fn r60_more_than_500_is_not_500() {
    for (mrr, expected) in
        [(json!("500.00"), false), (json!("500.01"), true), (json!(500), false), (json!(500.01), true)]
    {
        assert_eq!(holds("number(company.mrr) > 500", &json!({"company": {"mrr": mrr}})), expected, "{mrr}");
    }
    let precise: Value = serde_json::from_str(r#"{"company": {"mrr": 500.00}}"#).expect("JSON");
    assert!(!holds("number(company.mrr) > 500", &precise));
    assert_eq!(
        told("number(company.mrr) > 500", &json!({"company": {"mrr": "500.00"}})),
        "number(company.mrr) > 500: number(company.mrr) is 500"
    );
}

#[test]
fn r126_below_forty_percent_is_not_forty_percent() {
    assert!(holds("number(event.confidence) < 0.40", &json!({"event": {"confidence": 0.39}})));
    assert!(!holds("number(event.confidence) < 0.40", &json!({"event": {"confidence": 0.40}})));
    assert!(!holds("number(event.confidence) < 0.40", &json!({"event": {"confidence": "0.4"}})));
}

#[test]
fn what_is_missing_is_no_error_and_not_true() {
    let facts =
        json!({"contact": {"plan": null, "seats": ""}, "crm": null, "list": [{"n": 1}, {}, {"n": 3}]});
    for expression in [
        "contact.age < 3",
        "!(contact.age < 3)",
        "crm.deals.first > 1",
        "number(contact.seats) > 0",
        "contact.plan",
        "contact.age + 1 == 2",
        "lower(contact.plan) == 'pro'",
        "contact.age > 1 && contact.age < 9",
    ] {
        let judged = judge(expression, &scope(&facts)).expect(expression);
        assert!(!judged.holds && judged.missing.is_some(), "{expression}: {judged:?}");
        assert!(judged.explanation.contains("missing"), "{judged:?}");
    }
    for (expression, expected) in [
        ("contact.age == null && crm == null && crm.x.y == null", true),
        ("contact.plan != 'pro'", true),
        ("contact.age < 3 || true", true),
        ("contact.age < 3 && false", false),
        ("contact.age < 3 ? false : true", true),
        ("list.filter(x, x.n > 1).size() == 1", true),
        ("list.exists(x, x.n > 2)", true),
        ("or_else(contact.age, 0) == 0 && or_else(number(contact.seats), 7) == 7", true),
        ("blank(contact.seats) && blank(contact.age) && !blank('x')", true),
    ] {
        assert_eq!(holds(expression, &facts), expected, "{expression}");
    }
    assert_eq!(
        judge("contact.age < 3", &scope(&facts)).expect("judged").missing.as_deref(),
        Some("contact.age")
    );
}

#[test]
fn r77_a_text_that_differs_only_in_case_is_remarked() {
    let facts = json!({"crm": {"lifecyclestage": "mql", "open": "true", "n": "5"}});
    let why = told("crm.lifecyclestage == 'MQL'", &facts);
    assert!(why.contains("\"mql\" ≠ \"MQL\": they differ only in case"), "{why}");
    let why = told("crm.lifecyclestage in ['Lead', 'MQL']", &facts);
    assert!(why.contains("\"mql\" ≠ \"MQL\""), "{why}");
    assert!(told("crm.open == true", &facts).contains("use yes("), "a CRM's checkbox is a text");
    assert!(told("crm.n == 5", &facts).contains("use number("));
    assert!(holds("yes(crm.open) && lower('MQL') == crm.lifecyclestage", &facts));
}

#[test]
fn the_comparison_that_decided_is_told_with_its_values() {
    let facts = json!({"conversation": {"rating": 3, "type": "Sales"}});
    assert_eq!(
        told("conversation.type == 'Sales' && conversation.rating <= 2", &facts),
        "conversation.rating <= 2: conversation.rating is 3"
    );
    assert_eq!(
        told("conversation.rating > 1 && conversation.type == 'Sales'", &facts),
        "conversation.rating > 1: conversation.rating is 3; conversation.type == \"Sales\": conversation.type is \"Sales\""
    );
    let long = json!({"conversation": {"type": "x".repeat(5_000)}});
    assert!(told("conversation.type == 'Sales'", &long).len() < 300);
}

fn talks(hours_ago: &[f64]) -> Value {
    let now = 1_768_018_294.0;
    let talks: Vec<Value> = hours_ago
        .iter()
        .enumerate()
        .map(|(place, hours)| json!({"id": place.to_string(), "begun_at": now - hours * 3600.0, "open": false}))
        .collect();
    json!({"conversations": talks, "now": now})
}

#[test]
fn r62_the_third_within_seven_days_of_24_hours_fires_once_for_each_crossing() {
    let third = "crossed(conversations, 3, 7)";
    assert!(!holds(third, &talks(&[0.0, 1.0])));
    assert!(holds(third, &talks(&[0.0, 100.0, 168.0])), "7×24 hours exactly are within");
    assert!(!holds(third, &talks(&[0.0, 100.0, 168.001])), "a second more is not");
    assert!(!holds(third, &talks(&[0.0, 1.0, 2.0, 3.0])), "the fourth while three are within");
    assert!(holds(third, &talks(&[0.0, 1.0, 2.0, 200.0])), "it fell below and crosses again");
    assert!(!holds(third, &json!({"conversations": [], "now": 1})));
    // The third's event is worked off late, when the fourth is there already: it fires; the fourth's does not.
    for (own, expected) in [("1", true), ("0", false), ("2", false)] {
        let mut late = talks(&[0.0, 1.0, 2.0, 3.0]);
        late["conversation"] = json!({"id": own});
        assert_eq!(holds(third, &late), expected, "{own}");
    }
    // Two in the same second: one of them is the third, not both and not none.
    let fired: usize = ["0", "1"]
        .iter()
        .map(|own| {
            let mut same = talks(&[0.0, 0.0, 1.0, 2.0]);
            same["conversation"] = json!({"id": own});
            usize::from(holds(third, &same))
        })
        .sum();
    assert_eq!(fired, 1);
    assert!(holds("count_within(conversations, 7) == 2", &talks(&[0.0, 168.0, 169.0])));
}

#[test]
fn r250_an_empty_filter_sends_nobody() {
    let facts = |list: Value, tags: Value| json!({"settings": {"send": list}, "tags": tags});
    let filter = "in_any(settings.send, tags)";
    assert!(!holds(filter, &facts(json!([]), json!(["vip"]))), "empty sends nobody");
    assert!(!holds(filter, &facts(json!([]), json!([]))));
    assert!(holds(filter, &facts(json!(["trial", "vip"]), json!(["vip"]))), "any one is enough");
    assert!(!holds(filter, &facts(json!(["trial"]), json!(["vip"]))));
    assert!(
        !holds(filter, &json!({"settings": {}, "tags": ["vip"]})),
        "a list that is not there sends nobody"
    );
}

#[test]
fn r251_who_is_in_both_filters_is_sent_as_a_lead() {
    let filter = |tags: Value| json!({"settings": {"leads": ["hot"], "users": ["customer"]}, "tags": tags});
    let kind = "in_any(settings.leads, tags) ? 'lead' : in_any(settings.users, tags) ? 'user' : null";
    let sent = |tags| evaluate(kind, &scope(&filter(tags))).expect("a value");
    assert_eq!(sent(json!(["hot", "customer"])), Some(json!("lead")));
    assert_eq!(sent(json!(["customer"])), Some(json!("user")));
    assert_eq!(sent(json!(["other"])), None);
}

#[test]
fn r263_r264_only_events_of_a_list_pass() {
    let list = "event.kind in settings.events";
    let facts = |kind: &str| json!({"settings": {"events": ["contact.created"]}, "event": {"kind": kind}});
    assert!(holds(list, &facts("contact.created")));
    assert!(!holds(list, &facts("contact.deleted")));
    assert!(!holds(list, &json!({"settings": {"events": []}, "event": {"kind": "contact.created"}})));
}

#[test]
fn mistakes_of_a_recipe_are_faults_that_say_what_is_right() {
    let facts = json!({"a": "5", "r": {"n": 1}, "list": [1]});
    for (expression, why) in [
        ("a > 3", "use number(a)"),
        ("nobody == 1", "there is no \"nobody\""),
        ("frobnicate(a)", "there is no function frobnicate()"),
        ("a && true", "not true or false"),
        ("r.n.m == 1", "has no \"m\""),
        ("1 / 0 == 1", "nothing is divided by 0"),
        ("9223372036854775807 + 1 == 0", "too big"),
        ("a.matches('[')", "matches()"),
        ("lower(a, a) == 'x'", "another number of values"),
        ("a ==", "could not be judged"),
        ("", "it is empty"),
        ("'it' + 1 == 'x'", "cannot be reckoned"),
    ] {
        let said = fault(expression, &facts);
        assert!(said.contains(why), "{expression}: {said}");
    }
}

#[test]
fn what_would_take_for_ever_or_overflow_is_refused() {
    let facts = json!({"list": vec![1; 1_000], "a": 1});
    assert!(fault("list.all(x, list.all(y, x == y))", &facts).contains("steps"));
    for expression in [
        format!("{}1{}", "(".repeat(51), ")".repeat(51)),
        "(".repeat(1_900),
        "!".repeat(1_900) + "a",
        "a?".repeat(900),
        format!("a{}", "+a".repeat(900)),
        format!("a{}", ".b".repeat(900)),
        format!("[{}", "[".repeat(1_000)),
        "x".repeat(2_001),
    ] {
        assert!(judge(&expression, &scope(&facts)).is_err(), "{}", &expression[..20]);
    }
    assert!(holds(&format!("{}a == 1{}", "(".repeat(50), ")".repeat(50)), &facts), "fifty are read");
    assert!(holds("list.all(x, x == a)", &facts), "a thousand elements are looked at");
    assert!(holds(&format!("a{} > 0", "+a".repeat(150)), &facts));
}

#[test]
fn what_an_expression_mentions_is_known() {
    let found = mentions(
        "crm.stage == 'x' && conversations.exists(c, c.open && settings.limit > c.n) || yes(contact['a b'])",
    )
    .expect("an expression");
    let paths: Vec<&str> = found.paths.iter().map(String::as_str).collect();
    assert_eq!(paths, ["contact.a b", "conversations", "crm.stage", "settings.limit"]);
    assert_eq!(found.functions.iter().map(String::as_str).collect::<Vec<_>>(), ["yes"]);
}

/// Expressions that are nearly right, which random letters never are.
fn nearly() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("null".to_owned()),
        Just("r.x.y".to_owned()),
        Just("list".to_owned()),
        Just("'t'".to_owned()),
        (-3_i64..9).prop_map(|n| n.to_string()),
        (0.0_f64..1e300).prop_map(|n| format!("{n:?}")),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (
                two.clone(),
                prop::sample::select(vec!["+", "-", "*", "/", "%", "<", ">=", "==", "!=", "in", "&&", "||"])
            )
                .prop_map(|((a, b), sign)| format!("({a} {sign} {b})")),
            (inner.clone(), prop::sample::select(CALLS.to_vec()))
                .prop_map(|(a, name)| format!("{name}({a})")),
            (two.clone(), prop::sample::select(CALLS.to_vec()))
                .prop_map(|((a, b), name)| format!("{name}({a}, {b})")),
            (two.clone(), prop::sample::select(vec!["exists", "all", "filter", "map", "exists_one"]))
                .prop_map(|((a, b), name)| format!("{a}.{name}(x, {b} == x)")),
            (two, inner.clone()).prop_map(|((a, b), c)| format!("({a} ? {b} : {c})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.prop_map(|a| format!("[{a}, a][0]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_text_and_no_record_makes_it_panic(expression in prop_oneof![nearly(), "\\PC{0,40}", "[a-z(){}\\[\\].!?:&|<>=+0-9'\" -]{0,60}"],
                                            value in prop_oneof![Just(json!(null)), Just(json!(-1)), Just(json!(1e308)), "\\PC{0,20}".prop_map(Value::from), Just(json!([1, "x", null]))]) {
        let facts = json!({"a": value, "r": {"x": null}, "list": [value, {"begun_at": value}], "now": 5});
        let _ = judge(&expression, &scope(&facts));
        let _ = evaluate(&expression, &scope(&facts));
        let _ = super::super::template::value(&expression, &scope(&facts));
    }
}
