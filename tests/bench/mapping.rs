//! How fast contacts are mapped, on one core: records per second with the default contact mapping, and what that
//! costs in relation to parsing the same JSON with `serde_json`.
//!
//! `cargo bench --bench mapping` prints figures and judges nothing:
//! - (a) a contact that is new: all fields turned, as for a record that is made in the CRM;
//! - (b) a contact that is known, where one field of nine changed since the two sides last agreed.
//!
//! A few contacts are taken again and again, because a contact is mapped right after it was read, while the processor
//! still has it at hand. All are measured in turns with the parsing, so that a busy machine slows them alike. The ratio is the mapping's time
//! by the parsing's time: 0.10 means that mapping adds a tenth. `--quick` after `--` makes everything small.
// A whole contact in one json!.
#![recursion_limit = "256"]
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use reknit::domain::agreement::Agreement;
use reknit::domain::record::Fields;
use reknit::mapping::Mapping;
use reknit::mapping::judge::{Sides, Verdict, judge, right_as_one, right_values};
use serde_json::{Value, json};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (contacts, again, rounds) = if quick { (16, 10, 5) } else { (32, 60, 101) };
    let records = contacts * again;
    let mapping = Mapping::shipped();
    let texts: Vec<String> = (0..contacts).map(|number| contact(number).to_string()).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let left: Vec<Fields> = texts.iter().map(|text| flattened(&parsed(text))).collect();
    let known: Vec<(Fields, Vec<Agreement>)> = left.iter().map(|left| agreed(&mapping, left)).collect();
    let changed: Vec<Fields> = left
        .iter()
        .map(|left| {
            let mut changed = left.clone();
            changed.insert("phone".into(), json!("+49 30 999999"));
            changed
        })
        .collect();

    let (mut parse, mut made, mut judged) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        parse.push(seconds(|| {
            for text in (0..again).flat_map(|_| &texts) {
                black_box(parsed(text));
            }
        }));
        made.push(seconds(|| {
            for left in (0..again).flat_map(|_| &left) {
                black_box(mapping.made(left));
            }
        }));
        judged.push(seconds(|| {
            for (left, (right, agreements)) in (0..again).flat_map(|_| changed.iter().zip(&known)) {
                black_box(verdicts(&mapping, left, right, agreements));
            }
        }));
    }
    println!(
        "{rounds} rounds in turns of {records} contacts of {} bytes of JSON, {} fields mapped",
        bytes / contacts,
        mapping.fields.len()
    );
    print("parsing alone", records, &parse, None);
    print("(a) mapped as new", records, &made, Some(&parse));
    print("(b) judged, one field changed", records, &judged, Some(&parse));
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("our own JSON")
}

fn seconds(work: impl FnOnce()) -> f64 {
    let before = Instant::now();
    work();
    before.elapsed().as_secs_f64()
}

fn print(name: &str, records: usize, times: &[f64], parse: Option<&[f64]>) {
    let mut rates: Vec<f64> = times.iter().map(|time| records as f64 / time).collect();
    rates.sort_by(f64::total_cmp);
    let at = |values: &[f64], part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
    let (low, middle, high) = (at(&rates, 0.1), at(&rates, 0.5), at(&rates, 0.9));
    print!("{name:<30} {middle:>10.0} records/s (10 % to 90 %: {low:.0} to {high:.0})");
    if let Some(parse) = parse {
        let mut ratios: Vec<f64> = times.iter().zip(parse).map(|(time, parse)| time / parse).collect();
        ratios.sort_by(f64::total_cmp);
        print!(", {:.3} of parsing ({:.3} to {:.3})", at(&ratios, 0.5), at(&ratios, 0.1), at(&ratios, 0.9));
    }
    println!();
}

fn verdicts(mapping: &Mapping, left: &Fields, right: &Fields, agreements: &[Agreement]) -> Vec<Verdict> {
    let verdict = |(field, agreed)| {
        judge(field, &Sides { left, left_at: None, right, right_at: None, agreed: Some(agreed) })
    };
    mapping.fields.iter().zip(agreements).map(verdict).collect()
}

/// The CRM's copy of a contact, and what both last agreed on.
fn agreed(mapping: &Mapping, left: &Fields) -> (Fields, Vec<Agreement>) {
    let (mut right, _) = mapping.made(left);
    right.insert("lifecyclestage".into(), json!("customer"));
    let agreements = mapping.fields.iter().map(|field| Agreement {
        field: field.name.clone(),
        left: left.get(&field.intercom).cloned().unwrap_or(Value::Null),
        right: right_as_one(&right_values(field, &right)),
    });
    let agreements = agreements.collect();
    (right, agreements)
}

/// One level deep, as mirrors are kept.
fn flattened(contact: &Value) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in contact.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) if inner.get("type").and_then(Value::as_str) == Some("list") => {}
            Value::Object(inner) => {
                for (key, value) in inner {
                    fields.insert(format!("{name}.{key}"), value.clone());
                }
            }
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    fields.insert("company.name".into(), json!("Northlight GmbH"));
    fields
}

/// A contact as Intercom's API gives it.
fn contact(number: usize) -> Value {
    let plans = ["trial", "starter", "pro", "scale", "enterprise", "churned"];
    json!({
        "type": "contact", "id": format!("64e2f0c9a1b2c3d4e5f6{number:04x}"), "workspace_id": "ab12cd34",
        "external_id": format!("user-{number}"), "role": "user", "email": format!("jane.doe.{number}@example.com"),
        "phone": format!("+49 30 {number:06}"), "name": format!("Jane Annabel Doe {number}"), "avatar": null, "owner_id": 5012,
        "social_profiles": {"type": "list", "data": []}, "has_hard_bounced": false, "marked_email_as_spam": false,
        "unsubscribed_from_emails": false, "created_at": 1_700_000_000 + number, "updated_at": 1_760_000_000 + number,
        "signed_up_at": 1_700_000_000 + number, "last_seen_at": 1_760_000_000 + number, "last_replied_at": null,
        "last_contacted_at": 1_759_000_000, "last_email_opened_at": null, "last_email_clicked_at": null,
        "language_override": null, "browser": "chrome", "browser_version": "129.0.0.0", "browser_language": "de",
        "os": "OS X 10.15.7", "location": {"type": "location", "country": "Germany", "region": "Berlin", "city": "Berlin"},
        "android_app_name": null, "android_app_version": null, "android_device": null, "android_os_version": null,
        "android_sdk_version": null, "android_last_seen_at": null, "ios_app_name": null, "ios_app_version": null,
        "ios_device": null, "ios_os_version": null, "ios_sdk_version": null, "ios_last_seen_at": null,
        "custom_attributes": {
            "plan": plans[number % plans.len()], "job_title": "Head of Support", "referral_code": format!("REF-{number}"),
            "lifecycle_stage": "customer", "seats": number % 50, "hubspot_contact_id": format!("{}", 100_000 + number),
        },
        "tags": {"type": "list", "data": [], "url": "/contacts/64e2/tags", "total_count": 0, "has_more": false},
        "notes": {"type": "list", "data": [], "url": "/contacts/64e2/notes", "total_count": 0, "has_more": false},
        "companies": {"type": "list", "data": [], "url": "/contacts/64e2/companies", "total_count": 1, "has_more": false},
    })
}
