//! What comes in and what is known of it afterwards: topics, tags, redactions, e-mail addresses, repeated deliveries.

use std::collections::HashSet;

use reknit::domain::clock::Timestamp;
use reknit::domain::execution::{Outcome, Status};
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::journal::events::Wanted;
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use crate::support::{Bench, Delivery, Sender, sealed};

fn notice(id: &str, topic: &str, item: &Value) -> String {
    json!({
        "type": "notification_event", "topic": topic, "id": id, "app_id": "abc123",
        "data": {"type": "notification_event_data", "item": item},
        "delivery_attempts": 1, "first_sent_at": 1_768_018_294, "created_at": 1_768_018_294,
    })
    .to_string()
}

async fn tell(bench: &Bench, id: &str, topic: &str, item: &Value) {
    assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, notice(id, topic, item))).await, 200);
}

fn talk(part: &str, words: &str, redacted: bool) -> Value {
    json!({
        "type": "conversation", "id": "29325834",
        "source": {"type": "conversation", "id": "331499307", "body": "<p>What does the plan cost?</p>"},
        "contacts": {"type": "contact.list", "contacts": []},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [
            {"type": "conversation_part", "id": part, "part_type": "comment", "body": words, "redacted": redacted},
        ]},
    })
}

#[tokio::test]
async fn a_topic_nobody_told_us_of_is_found_by_its_user_with_the_reason() {
    let mut bench = Bench::new().await;
    tell(&bench, "n1", "contact.danced", &json!({"type": "contact", "id": "64e2"})).await;
    tell(&bench, "n2", "job.completed", &json!({"type": "ticket", "id": "9"})).await;
    assert_eq!(bench.work().await, 0);
    let ignored = Wanted { ignored: Some(true), ..Wanted::default() };
    let rows = bench.journal.events(ignored, 10).await.unwrap();
    let reasons: Vec<&str> = rows.iter().filter_map(|row| row.ignored.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            "no recipe for the topic \"job.completed\" (Job completed) is on",
            "the topic \"contact.danced\" is not known"
        ]
    );
    let dances = Wanted { topic: Some("contact.*".into()), ..Wanted::default() };
    assert_eq!(bench.journal.events(dances, 10).await.unwrap().len(), 1);
    let (row, body) = bench.journal.event(rows[1].id).await.unwrap().expect("the event");
    assert_eq!(row.record.map(|record| record.to_string()).as_deref(), Some("intercom/contact/64e2"));
    assert!(body.contains("contact.danced"));
}

#[tokio::test]
async fn r280_r281_r286_r287_a_tag_is_an_event_unless_it_is_a_segment() {
    let mut bench =
        Bench::build().engine(|engine| engine.segment_tags = vec!["Trial users".into()]).start().await;
    let item = |name: &str| {
        json!({"type": "contact_tag", "created_at": 1_768_018_294,
               "tag": {"type": "tag", "id": "1", "name": name}, "contact": {"type": "contact", "id": "64e2"}})
    };
    let topics =
        ["contact.user.tag.created", "user.tag.deleted", "contact.lead.tag.created", "contact.tag.deleted"];
    for (number, topic) in topics.iter().enumerate() {
        tell(&bench, &format!("vip{number}"), topic, &item("VIP")).await;
        tell(&bench, &format!("seg{number}"), topic, &item("trial USERS")).await;
    }
    assert_eq!(bench.work().await, 0, "no recipe runs for a tag");
    for row in bench.tables().rows("SELECT delivery_key, kind, record, ignored FROM events") {
        let segment = row["delivery_key"].as_str().unwrap().starts_with("seg");
        let reason = row["ignored"].as_str().unwrap();
        assert_eq!(reason.contains("segment"), segment, "{row}");
        assert!(segment || reason == "no recipe for tags is on", "{row}");
        assert_eq!(row["record"], "intercom/contact/64e2", "{row}");
    }
    assert_eq!(bench.tables().number("SELECT count(*) FROM events WHERE kind = 'contact.tagged'"), 4);
    assert_eq!(bench.tables().number("SELECT count(*) FROM events WHERE kind = 'contact.untagged'"), 4);
}

#[tokio::test]
async fn r276_of_a_redacted_part_no_stored_copy_keeps_its_words() {
    let mut bench = Bench::new().await;
    let words = "<p>My card is 4111 1111</p>";
    tell(&bench, "n1", "conversation.user.replied", &talk("7", words, false)).await;
    tell(&bench, "n2", "conversation.user.replied", &talk("8", "<p>Another thing</p>", false)).await;
    // A call and a plan that carried the words, as a recipe that writes notes would leave them.
    let record = "intercom/conversation/29325834";
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    let cells = [
        ("executions.plan/1", r#"{"note":"<p>My card is 4111 1111</p>"}"#),
        ("attempts.request/1/0", r#"{"hs_note_body":"My card is 4111 1111"}"#),
        ("attempts.response/1/0", "cut 4111 { My card is 4111 1111"),
    ];
    let [plan, request, response] = cells.map(|(place, text)| sealed::seal(&stranger, record, place, text));
    stranger
        .execute(
            "INSERT INTO executions (event_id, recipe, subject, record, lane, status, sentence, max_attempts, priority, \
             created_at, updated_at, plan) VALUES (1, 'note', 'x', ?1, 'l', 'succeeded', \
             'Wrote: My card is 4111 1111.', 1, 1, 0, 0, ?2)",
            [record, &plan],
        )
        .unwrap();
    stranger
        .execute(
            "INSERT INTO attempts (execution_id, number, purpose, started_at, duration_ms, method, url, request, response) \
             VALUES (1, 1, 'note', 0, 1, 'POST', 'https://h', ?1, ?2), \
             (1, 2, 'note', 1, 1, 'POST', 'https://h', 'of before: My card is 4111 1111', '')",
            [request, response],
        )
        .unwrap();
    drop(stranger);
    tell(&bench, "n3", "conversation_part.redacted", &talk("7", "", true)).await;
    // The vendor sends the old event once more under another id: it must not bring the words back.
    tell(&bench, "n4", "conversation.user.replied", &talk("7", words, false)).await;
    let tables = bench.tables();
    let stranger = rusqlite::Connection::open(bench.path()).unwrap();
    let opened = |place: &str, query: &str| sealed::open(&stranger, place, &tables.texts(query)[0]);
    for (place, text) in cells {
        let column = place.split(['.', '/']).nth(1).unwrap();
        let table = place.split('.').next().unwrap();
        let cell = opened(place, &format!("SELECT {column} FROM {table} ORDER BY id LIMIT 1"));
        assert_eq!(
            cell,
            text.replace("<p>", "").replace("</p>", "").replace("My card is 4111 1111", "[redacted]")
        );
    }
    let of_before = opened("attempts.request/1/1", "SELECT request FROM attempts WHERE number = 2");
    assert_eq!(of_before, "of before: [redacted]");
    for sentence in tables.texts("SELECT sentence FROM executions") {
        assert!(!sentence.contains("My card"), "{sentence}");
    }
    let bodies = tables.bodies();
    assert!(bodies.iter().all(|body| !body.contains("My card")), "{bodies:?}");
    assert!(
        bodies[0].contains("[redacted]") && bodies[0].contains("What does the plan cost?"),
        "{}",
        bodies[0]
    );
    assert!(bodies[1].contains("Another thing") && bodies[3].contains("[redacted]"), "{}", bodies[3]);
    assert_eq!(
        bench.journal.event("ev_1".parse().unwrap()).await.unwrap().map(|(_, body)| body),
        Some(bodies[0].clone()),
        "its checksum is renewed with it"
    );
    let audit = tables.row("SELECT verb, object FROM audit WHERE verb = 'redact'");
    assert_eq!(audit["object"], "intercom/conversation/29325834");
    assert_eq!(bench.work().await, 0);
}

#[tokio::test]
async fn r282_r284_a_changed_email_is_two_events_in_one_lane_and_the_old_one_an_alias() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"email": "mara@new.example"}), Webhook::Sent).unwrap();
    bench.delivered().await;
    let waiting = bench.tables().rows(
        "SELECT executions.lane, events.kind FROM executions JOIN events ON events.id = event_id \
         WHERE status = 'pending' ORDER BY executions.id",
    );
    let kinds: Vec<&str> = waiting.iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, ["contact.updated", "contact.email_changed"]);
    assert_eq!(waiting[0]["lane"], waiting[1]["lane"], "one at a time");
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["email"], "mara@new.example");
    let rows = bench.rows().await;
    assert_eq!((rows[1].status, rows[1].outcome), (Status::Succeeded, Some(Outcome::Updated)));
    assert_eq!((rows[0].status, rows[0].outcome), (Status::Succeeded, Some(Outcome::Unchanged)));
    let record = RecordRef::new(System::Intercom, ObjectKind::Contact, left);
    assert_eq!(bench.journal.aliases(&record).await.unwrap(), ["mara@quint.example"]);
}

#[tokio::test]
async fn r285_a_lead_who_signs_up_is_the_same_person_with_all_history() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("lena@quint.example", &json!({})).await;
    let record = format!("intercom/contact/{left}");
    let history = format!("SELECT count(*) FROM executions WHERE record = '{record}'");
    let person = format!("SELECT person_id FROM identities WHERE record = '{record}'");
    let (before, who) = (bench.tables().number(&history), bench.tables().number(&person));
    let item = json!({"type": "contact", "id": left, "role": "user", "email": "lena@quint.example"});
    tell(&bench, "signed", "contact.lead.signed_up", &item).await;
    bench.work().await;
    let newest = bench.newest().await;
    assert_eq!((newest.recipe.as_str(), newest.status), ("contact-to-crm", Status::Succeeded));
    assert_eq!(bench.tables().number(&history), before + 1);
    assert_eq!(bench.tables().number(&person), who, "still the same person");
    assert_eq!(bench.hubspot(&right)["email"], "lena@quint.example");
}

#[tokio::test]
async fn r104_a_repeated_delivery_is_told_with_the_vendors_own_count() {
    let mut bench = Bench::new().await;
    let (left, _) = bench.known_person("mara@quint.example", &json!({})).await;
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+4930"}), Webhook::Silent).unwrap();
    let body = |attempt: u32| {
        let item = json!({"type": "contact", "id": left, "email": "mara@quint.example", "phone": "+4930"});
        notice("n77", "contact.user.updated", &item)
            .replace("\"delivery_attempts\":1", &format!("\"delivery_attempts\":{attempt}"))
    };
    for attempt in [1, 2, 2] {
        assert_eq!(bench.deliver(Delivery::new(Sender::Intercom, body(attempt))).await, 200);
    }
    bench.work().await;
    let first = bench.rows().await.into_iter().find(|row| row.status == Status::Succeeded).unwrap();
    let detail = bench.detail(first.id).await;
    let words = detail.delivered.words(Timestamp::rfc3339).unwrap();
    assert!(words.starts_with("delivered 3 times, run once; first sent 2026-01-10T04:11:34"), "{words}");
    assert!(words.contains("attempt 2 of the vendor"), "{words}");
    bench.show_all().await;
    for _ in 0..2 {
        bench.press("j").await;
    }
    bench.says("User updated");
    bench.says("delivered 3 times, run once; first sent");
}

#[tokio::test]
async fn g2_a_batch_that_holds_an_event_twice_stores_it_once() {
    let mut bench = Bench::new().await;
    bench.leave_work();
    let one = |object: u32| {
        json!({"eventId": 7, "subscriptionId": 25, "portalId": 1, "occurredAt": 1_767_945_600_123_i64,
               "attemptNumber": 0, "subscriptionType": "contact.creation", "objectId": object})
    };
    let batch = json!([one(1), one(1), one(2)]).to_string();
    for _ in 0..2 {
        assert_eq!(bench.deliver(Delivery::new(Sender::Hubspot, batch.clone())).await, 200);
    }
    let deliveries = bench.tables().texts("SELECT deliveries FROM events ORDER BY id");
    assert_eq!(deliveries, ["4", "2"]);
    let runs = bench.tables().texts("SELECT event_id FROM executions WHERE status = 'pending'");
    assert_eq!(runs.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(runs.len(), 2);
}
