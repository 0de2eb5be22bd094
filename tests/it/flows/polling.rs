//! Changes no webhook told of: found by looking, carried out at once or in the off-peak window, or when asked.

use reknit::domain::clock::Clock as _;
use reknit::domain::execution::{Priority, Status};
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn quiet_edits_on_both_sides_are_found_by_the_next_look() {
    let mut bench = Bench::new().await;
    let more = json!({"phone": "+49301111111", "custom_attributes": {"job_title": "Buyer"}});
    let (left, right) = bench.known_person("mara@quint.example", &more).await;
    bench.load().await;
    assert_eq!(bench.engine.poll_once().await.unwrap(), 0, "nothing is new right after the load");
    bench.sandbox.edit_intercom_contact(&left, &json!({"phone": "+49302222222"}), Webhook::Silent).unwrap();
    assert_eq!(bench.engine.poll_once().await.unwrap(), 1);
    assert_eq!(bench.engine.poll_once().await.unwrap(), 0, "the same change is one event");
    bench.work().await;
    assert_eq!(bench.hubspot(&right)["phone"], "+49302222222");
    bench.sandbox.edit_hubspot_contact(&right, &json!({"jobtitle": "Chief Buyer"}), Webhook::Silent).unwrap();
    assert_eq!(bench.engine.poll_once().await.unwrap(), 1);
    bench.work().await;
    assert_eq!(bench.intercom(&left)["custom_attributes"]["job_title"], "Chief Buyer");
    assert_eq!(bench.engine.poll_once().await.unwrap(), 0, "our own writes are not news");
    let polled = bench.tables().number("SELECT count(*) FROM events WHERE source = 'poll'");
    assert_eq!(polled, 2);
}

#[tokio::test]
async fn off_peak_work_waits_for_its_window_and_a_key_runs_it_now() {
    let probe = reknit::cli::clock::SystemClock.now();
    let hour = (probe.seconds().rem_euclid(86_400) / 3_600 + 7) % 24;
    let window = format!("{hour:02}:00-{:02}:00", (hour + 3) % 24);
    let mut bench = Bench::build().engine(|settings| settings.off_peak = window.clone()).start().await;
    let (ada, ada_there) = bench.known_person("ada@quint.example", &json!({"name": "Ada Quint"})).await;
    let (bo, bo_there) = bench.known_person("bo@quint.example", &json!({"name": "Bo Quint"})).await;
    bench.load().await;
    for (person, phone) in [(&ada, "+49301111111"), (&bo, "+49302222222")] {
        bench.sandbox.edit_intercom_contact(person, &json!({"phone": phone}), Webhook::Silent).unwrap();
    }
    assert_eq!(bench.engine.poll_once().await.unwrap(), 2);
    assert_eq!(bench.work().await, 0, "it waits");
    let waiting = bench.rows().await.into_iter().take(2).collect::<Vec<_>>();
    for row in &waiting {
        assert_eq!((row.status, row.priority), (Status::Pending, Priority::Background));
        let due = row.due_at.unwrap();
        let hours = due.since(bench.now()) / 3_600_000;
        assert!((6..=7).contains(&hours) && due.0 % 3_600_000 == 0, "due {}", due.rfc3339());
        assert!(row.sentence.contains(&window), "{}", row.sentence);
    }
    bench.press("2").await;
    bench.says("off-peak window");
    bench.says("Next");
    // The newest row is Bo's or Ada's; the key runs that one only.
    bench.press("g r").await;
    bench.work().await;
    let phones = |bench: &Bench| {
        [&ada_there, &bo_there].map(|id| bench.hubspot(id)["phone"].as_str().map(str::to_owned))
    };
    assert_eq!(phones(&bench).iter().flatten().count(), 1);
    let row = bench.row(waiting[0].id.0).await;
    assert_eq!((row.status, row.priority), (Status::Succeeded, Priority::Operator));
    assert_eq!(bench.row(waiting[1].id.0).await.status, Status::Pending);
    bench.work_when_due().await;
    assert_eq!(phones(&bench), [Some("+49301111111".to_owned()), Some("+49302222222".to_owned())]);
}

#[tokio::test]
async fn records_changed_in_the_same_second_are_all_found() {
    let mut bench = Bench::new().await;
    let mut people = Vec::new();
    for name in ["ada", "bo", "cy", "di", "ed"] {
        people.push(bench.known_person(&format!("{name}@quint.example"), &json!({})).await);
    }
    bench.load().await;
    // Intercom counts whole seconds: some of these share one with the change before, which moved the mark there.
    for (place, (left, _)) in people.iter().enumerate() {
        let change = json!({"phone": format!("+4930111111{place}")});
        bench.sandbox.edit_intercom_contact(left, &change, Webhook::Silent).unwrap();
        assert_eq!(bench.engine.poll_once().await.unwrap(), 1, "change {place}");
    }
    bench.work().await;
    for (place, (_, right)) in people.iter().enumerate() {
        assert_eq!(bench.hubspot(right)["phone"], json!(format!("+4930111111{place}")));
    }
}

#[tokio::test]
async fn the_first_load_ties_people_together_and_writes_nothing() {
    let mut bench = Bench::build().seeded(7, 60, 30).start().await;
    let hash = bench.sandbox.state_hash();
    bench.load().await;
    assert_eq!(bench.work().await, 0);
    assert_eq!((bench.sandbox.state_hash(), bench.effects().len()), (hash, 0));
    assert!(bench.tables().number("SELECT count(*) FROM people") >= 30);
    assert!(bench.tables().number("SELECT count(*) FROM mirror WHERE object = 'company'") >= 30);
    let calls = bench.calls();
    bench.load().await;
    assert_eq!(bench.calls(), calls, "a second load does nothing");
}
