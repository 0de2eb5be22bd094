//! Old mappings taken over: what is renamed, what is left out, what loads.

use proptest::prelude::*;

use super::*;
use crate::mapping::gone::GONE;

#[test]
fn r295_r298_an_old_mapping_is_taken_over_with_todays_names() {
    let json = r#"{"incoming_attributes": [
        {"service": "user_id", "hull": "external"},
        {"service": "email", "hull": "email"},
        {"service": "location_data.city_name", "hull": "city"},
        {"service": "plan", "hull": "plan"},
        {"service": "signed_up_at", "hull": "since"},
        {"service": "session_count", "hull": "sessions"},
        {"service": "name", "hull": "email"}],
       "outgoing_attributes": [{"service": "custom_attributes.stage", "hull": "lifecyclestage"}]}"#;
    let imported = import(json).expect("JSON");
    let mapping = Mapping::parse(&imported.text, "imported.toml").expect("what is given loads");
    let pairs: Vec<(&str, &str)> =
        mapping.fields.iter().map(|field| (field.intercom.as_str(), field.crm[0].as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("external_id", "external"),
            ("email", "email"),
            ("location.city", "city"),
            ("custom_attributes.plan", "plan"),
            ("signed_up_at", "since"),
            ("custom_attributes.stage", "lifecyclestage"),
        ]
    );
    assert_eq!(mapping.fields[4].transform.name(), "unix_to_iso");
    let left_out: Vec<&str> = imported.left_out.iter().map(|(entry, _)| entry.as_str()).collect();
    assert_eq!(left_out, ["session_count = sessions", "name = email"]);
    assert!(imported.left_out[0].1.contains("2.0"), "{:?}", imported.left_out);
    assert!(imported.left_out[1].1.contains("one writer"), "{:?}", imported.left_out);
    assert!(imported.changed.iter().any(|sentence| sentence.contains("external_id")));
}

#[test]
fn r298_csv_is_taken_over_like_json() {
    for csv in [
        "intercom,crm,direction\nemail,email,\nphone,phone,both\n",
        "Service;Hull;Direction\nemail;email;\nphone;phone;both",
    ] {
        let imported = import(csv).expect("CSV");
        let mapping = Mapping::parse(&imported.text, "imported.toml").expect("it loads");
        assert_eq!(mapping.fields.len(), 2);
        assert_eq!(mapping.fields[1].owner, crate::mapping::Owner::Review);
    }
    assert!(import("a,b\n1,2\n").expect_err("no columns").0.contains("intercom and crm"));
    assert!(import("{\"a\": 1}").is_err());
    assert!(import("{\"a\": ").is_err());
}

#[test]
fn r299_r300_event_lists_are_taken_over_with_todays_topics() {
    let json = r#"{"outgoing_events": ["Order placed"], "incoming_events": ["user.created", "contact.created", "conversation.user.replied"]}"#;
    let imported = import(json).expect("JSON");
    assert_eq!(imported.outgoing_events, ["Order placed"]);
    assert_eq!(
        imported.incoming_events,
        ["contact.user.created", "contact.lead.created", "conversation.user.replied"]
    );
}

#[test]
fn r296_users_and_leads_are_two_groups_of_attributes() {
    let json = r#"[{"intercom": "intercom_user/phone", "crm": "phone"}, {"intercom": "intercom_lead/phone", "crm": "phone"}]"#;
    let mapping =
        Mapping::parse(&import(json).expect("JSON").text, "imported.toml").expect("two roles never meet");
    let roles: Vec<&str> = mapping.fields.iter().map(|field| field.role.as_str()).collect();
    assert_eq!(roles, ["user", "lead"]);
}

#[test]
fn r294_every_field_that_is_gone_is_left_out_with_the_reason() {
    for name in GONE {
        let imported = import(&format!("{{\"{name}\": \"x\"}}")).expect("JSON");
        assert_eq!(imported.text, "", "{name}");
        assert!(imported.left_out[0].1.contains("since version 2.0"), "{name}");
    }
}

proptest! {
    #[test]
    fn r297_anonymous_ids_survive_both_ways(id in "[a-z0-9-]{1,24}", lead in any::<bool>()) {
        let one = if lead { AnonymousId::Lead(id) } else { AnonymousId::User(id) };
        prop_assert_eq!(one.to_string().parse::<AnonymousId>(), Ok(one));
    }

    #[test]
    fn whatever_comes_out_of_an_import_loads(
        pairs in prop::collection::vec(("[ -~é\u{202e}\"\\\\]{0,12}|email|phone|user_id|latitude", "[a-c\"\\\\\n]{0,3}"), 0..12),
        direction in "both|to_crm|to_intercom|",
    ) {
        let list: Vec<serde_json::Value> = pairs.iter()
            .map(|(left, right)| serde_json::json!({"intercom": left, "crm": right, "direction": direction}))
            .collect();
        if let Ok(imported) = import(&serde_json::Value::Array(list).to_string()) {
            let taken = if imported.text.is_empty() { 0 } else {
                Mapping::parse(&imported.text, "imported.toml").map_err(|error| TestCaseError::fail(error.to_string()))?.fields.len()
            };
            prop_assert_eq!(taken + imported.left_out.len(), pairs.len());
        }
    }

    #[test]
    fn no_text_makes_the_importer_panic(text in "\\PC{0,200}|[\\[{].{0,80}") {
        let _ = import(&text);
    }
}
