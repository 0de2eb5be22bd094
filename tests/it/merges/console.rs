//! The merge's dialog: the cursor takes values, a digit chooses who goes on, `g` takes in the group, capital Y confirms.

use reknit::sandbox::Webhook;
use serde_json::json;

use super::{believed, hubspot};
use crate::support::Bench;

#[tokio::test]
async fn the_value_under_the_cursor_is_what_the_merged_contact_holds() {
    let mut bench = Bench::new().await;
    let people =
        [("ana@berg.example", "+49301"), ("a@home.example", "+49302"), ("ana@old.example", "+49303")].map(
            |(email, phone)| {
                let properties = json!({"email": email, "phone": phone, "lastname": "Berg"});
                hubspot(&bench.sandbox.new_hubspot_contact(&properties, Webhook::Silent).unwrap())
            },
        );
    bench.load().await;
    let [one, two, three] = &people;
    believed(&bench, &[(one, two), (one, three), (two, three)]).await;
    bench.press("4 m").await;
    for text in
        ["1 ", " survivor", "MERGED", "✓ +49301", "/crm/v3/objects/contacts/merge", "Y Merge", "take value"]
    {
        bench.says(text);
    }
    // Rows that differ: the address, then the phone.
    let lines = bench.lines();
    let row = |name: &str| {
        lines
            .iter()
            .position(|line| line.contains(&format!(" {name} ")) || line.contains(&format!("▌{name} ")))
    };
    let downs = row("phone").unwrap() - row("email").unwrap();
    for _ in 0..downs {
        bench.press("Down").await;
    }
    bench.press("Right Space").await;
    bench.says("✓ +49302");
    bench.says("\"phone\":\"+49302\"");
    bench.press("g").await;
    bench.says("+49303");
    assert_eq!(bench.work().await, 0, "nothing is done before the capital Y");
    bench.press("Enter").await;
    bench.says_not("Y Merge");
    assert_eq!(bench.effects(), Vec::<String>::new());

    bench.press("m").await;
    for _ in 0..downs {
        bench.press("Down").await;
    }
    bench.press("Right Space").await;
    bench.press("Y").await;
    bench.work().await;
    let contact = bench.sandbox.hubspot_find_by_email("ana@berg.example").unwrap();
    assert_eq!(contact["properties"]["phone"], json!("+49302"));
    assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
}
