//! Names that try to be more than names: they arrive whole and are shown as what they are.

use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

const NAME: &str = "Eve\u{1b}[31m\u{1b}]0;owned\u{7} \u{202e}gnp.exe\u{9b}2J\u{0}\u{200b}Quint";

/// Nothing that moves a cursor, colours, turns round or hides.
fn harmless(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n'
            || !c.is_control()
                && !matches!(u32::from(c), 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF)
    })
}

#[tokio::test]
async fn r235_escapes_and_bidi_arrive_as_data_and_are_shown_as_escapes() {
    let mut bench = Bench::new().await;
    let more = json!({"name": NAME, "phone": "+49301111111", "custom_attributes": {"job_title": NAME}});
    let (left, right) = bench.known_person("eve@quint.example", &more).await;
    assert_eq!(bench.hubspot(&right)["jobtitle"], NAME, "record data is not altered on its way");
    let ours = json!({"custom_attributes": {"job_title": format!("A{NAME}")}});
    bench.sandbox.edit_intercom_contact(&left, &ours, Webhook::Sent).unwrap();
    bench
        .sandbox
        .edit_hubspot_contact(&right, &json!({"jobtitle": format!("B{NAME}")}), Webhook::Sent)
        .unwrap();
    bench.work().await;
    assert_eq!(bench.conflicts().await.len(), 1);
    for keys in ["1", "2", "Right", "Right", "Right", "3", "Left", "Esc", "e", "Esc", "?", "Esc", ":", "Esc"]
    {
        bench.press(keys).await;
        let text = bench.text();
        assert!(harmless(&text), "after {keys}:\n{}", text.escape_debug());
    }
    bench.show_all().await;
    bench.press("G").await;
    bench.says("Eve\\u{1b}[31m");
    bench.press("3").await;
    bench.says("\\u{1b}");
}

#[tokio::test]
async fn a_name_of_a_megabyte_is_only_long() {
    let mut bench = Bench::new().await;
    let long = format!("{}\u{202e} Quint", "Ä".repeat(500_000));
    let user = json!({"role": "user", "email": "eve@quint.example", "name": long});
    bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
    bench.work().await;
    let rows = bench.rows().await;
    for keys in ["1", "2", "Right", "Right", "Right", "Right", "/"] {
        bench.press(keys).await;
        let text = bench.text();
        assert!(harmless(&text), "after {keys}");
        assert!(text.len() < 60_000);
    }
    let longest = bench.tables().number("SELECT max(length(subject)) FROM executions");
    assert!((200..300).contains(&longest), "a row keeps the beginning of a name, not all of it: {longest}");
    assert!(!rows.is_empty(), "the delivery was taken: {:#?}", bench.books()["webhooks"]);
}
