//! Conversations of the past on the timeline: each once, at its own time, whoever dies and whatever answer is lost.
//! `REKNIT_BACKFILL=2000` runs with so many conversations.

use std::collections::HashMap;

use reknit::domain::clock::{Clock as _, Timestamp};
use reknit::domain::erasure::{ErasureWay, NewErasure, Ways};
use reknit::domain::ids::ExecutionId;
use reknit::domain::job::JobState;
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::engine::Engine;
use reknit::engine::backfill::{self, Span, Step};
use reknit::recipes::CONVERSATION_TO_TIMELINE;
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::{Value, json};

use super::{Setup, World, say};
use crate::flows::lost_answer::Line;

const NOTES: &str = "hubspot.note.create.api";
const BEGINNING: i64 = 1_750_000_000;

/// People on both sides, and one who has no e-mail and so no contact.
fn people(world: &World, count: usize) -> Vec<(String, String)> {
    let mut people = Vec::new();
    for number in 0..count {
        let email = format!("p{number}@quint.example");
        let user = json!({"role": "user", "email": email, "name": format!("Person {number}")});
        let left = world.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap();
        let contact = json!({"email": email, "firstname": "Person"});
        let right = world.sandbox.new_hubspot_contact(&contact, Webhook::Silent).unwrap();
        people.push((left, right));
    }
    people
}

/// Reads and logs until nothing is left, as a process that has just started does.
async fn run_out(world: &World, engine: &Engine) {
    engine.journal().rescue_all().await.unwrap();
    loop {
        let step = engine.backfill_step().await.unwrap();
        let ran = engine.work_off_recipe(CONVERSATION_TO_TIMELINE).await.unwrap();
        if ran == 0 && !matches!(step, Step::Read(_)) && !world.pass_to_next(engine.journal()).await {
            return;
        }
    }
}

/// All notes: word of ours, moment, contacts.
async fn notes(world: &World) -> Vec<(String, i64, Vec<String>)> {
    let mut notes = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!(
            "/crm/v3/objects/notes?limit=100&properties=hs_note_body,hs_timestamp&associations=contacts{after}"
        );
        let page = world.hubspot(&path).await;
        for row in page["results"].as_array().unwrap() {
            let body = row["properties"]["hs_note_body"].as_str().unwrap();
            let word = body.rsplit_once("<small>").unwrap().1.trim_end_matches("</small>").to_owned();
            let at = row["properties"]["hs_timestamp"].as_str().unwrap();
            let at = Timestamp::parse_rfc3339(at)
                .map(Timestamp::seconds)
                .or_else(|| at.parse::<i64>().ok().map(|at| at / 1_000));
            let contacts = row["associations"]["contacts"]["results"].as_array().into_iter().flatten();
            let contacts = contacts.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            notes.push((word, at.expect("a time"), contacts));
        }
        match page.pointer("/paging/next/after").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return notes,
        }
    }
}

fn everything(world: &World) -> Span {
    Span { since: 0, until: world.clock.now().0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_each_conversation_is_logged_once_whoever_dies_and_whatever_is_lost() {
    let wanted: usize =
        std::env::var("REKNIT_BACKFILL").ok().and_then(|text| text.parse().ok()).unwrap_or(220);
    // The search shows nothing written during the test: who looks only there writes twice.
    let world = World::new(Setup { search_lag: 3_600_000, ..Setup::PLAIN }).await;
    let people = people(&world, 20);
    let lead = world.sandbox.new_intercom_user(&json!({"role": "lead", "name": "Nobody"}), Webhook::Silent);
    let lead = lead.unwrap();
    let mut expected: HashMap<i64, String> = HashMap::new();
    for number in 0..wanted {
        let at = BEGINNING + number as i64 * 60;
        let (left, right) = &people[number % people.len()];
        if number % 22 == 21 {
            world.conversation(&lead, "I have no e-mail.", at).await;
        } else {
            world.conversation(left, &format!("Question <b>{number}</b> & more"), at).await;
            expected.insert(at, right.clone());
        }
    }
    let engine = world.loaded().await;
    let cost = engine.backfill_cost(everything(&world)).await.unwrap();
    assert_eq!((cost.conversations as usize, cost.form), (wanted, "note"));
    assert!(cost.intercom_calls as usize > wanted && cost.hubspot_calls as usize == 2 * wanted, "{cost:?}");
    engine.begin_backfill(everything(&world), cost.conversations).await.unwrap();
    let lost = [FaultKind::TimeoutAfterEffect, FaultKind::TimeoutBeforeEffect, FaultKind::MalformedJson];
    for kind in lost.clone() {
        let fault = Fault::new(Vendor::HubSpot, kind).method("POST").path("/crm/v3/objects/notes");
        world.sandbox.add_fault(fault.writes_about(&["hs_timestamp"]).times(2));
    }
    let mut engine = engine;
    let mut kills = 0;
    for share in [10, 4, 2] {
        let (running, goal) = (engine.clone(), (wanted / share) as u64);
        let worker = tokio::spawn(async move {
            loop {
                running.backfill_step().await.unwrap();
                running.work_off_recipe(CONVERSATION_TO_TIMELINE).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        while world.count(NOTES) < goal {
            tokio::task::yield_now().await;
        }
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
        kills += 1;
        drop(engine);
        engine = world.engine();
        engine.journal().rescue_all().await.unwrap();
    }
    run_out(&world, &engine).await;
    let logged = notes(&world).await;
    assert_eq!(logged.len(), expected.len(), "one entry for each conversation with a contact");
    for (_, at, contacts) in &logged {
        assert_eq!(contacts.as_slice(), [expected[at].clone()], "at its own time, on its own person");
    }
    let words: std::collections::HashSet<&String> = logged.iter().map(|(word, ..)| word).collect();
    assert_eq!(words.len(), expected.len(), "no two have the same word");
    let known = backfill::progress(engine.journal()).await.unwrap().unwrap();
    assert_eq!(known.job.state, JobState::Finished);
    assert_eq!(
        (known.tally.written as usize, known.tally.failed, known.tally.waiting),
        (expected.len(), 0, 0)
    );
    assert_eq!(known.tally.skipped as usize, wanted - expected.len());
    let why = world.tables().texts("SELECT DISTINCT sentence FROM executions WHERE status = 'skipped'");
    assert!(why.len() == 1 && why[0].contains("who has no CRM contact"), "{why:?}");
    // Once more: nothing is new.
    let job = engine.begin_backfill(everything(&world), 0).await.unwrap();
    run_out(&world, &engine).await;
    let job = engine.journal().job(job.id).await.unwrap();
    assert_eq!((job.state, job.records as usize, job.events), (JobState::Finished, wanted, 0));
    assert_eq!(world.count(NOTES) as usize, expected.len());
    assert_eq!(world.sandbox.books()["double_creates"], json!([]));
    say(&format!(
        "G3 backfill: {wanted} conversations, {kills} kills, {} answers lost: {} entries, 0 twice, 0 missing, all at their time",
        2 * lost.len(),
        logged.len()
    ));
}

/// The answers to so many entries, notes or timeline events, are lost.
pub(in crate::flows) async fn lost_logs(times: usize, timeline_app: bool) -> Line {
    let world = World::new(Setup { timeline_app, ..Setup::PLAIN }).await;
    let people = people(&world, 5);
    for number in 0..times {
        world.conversation(&people[number % 5].0, "Hello", BEGINNING + number as i64).await;
    }
    let (endpoint, path, effect, treatment) = if timeline_app {
        let endpoint = "hubspot POST timeline event, with an id of ours";
        (endpoint, "timeline", "hubspot.contact.timeline_event.api", "sent again with the same id")
    } else {
        ("hubspot POST /crm/v3/objects/notes", "/crm/v3/objects/notes", NOTES, "looked up, never sent again")
    };
    let engine = world.loaded().await;
    engine.begin_backfill(everything(&world), times as u64).await.unwrap();
    let mut fault = Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect).method("POST").path(path);
    fault.writes_only = true;
    world.sandbox.add_fault(fault.times(times as u32));
    // An OAuth app may make fewer calls in ten seconds than this takes; work that has begun waits for its turn, so time
    // must pass meanwhile.
    let time = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        loop {
            ticks.tick().await;
            world.clock.advance(std::time::Duration::from_millis(500));
        }
    };
    tokio::select! {
        () = run_out(&world, &engine) => {}
        () = time => {}
    }
    let tables = world.tables();
    while tables.number("SELECT count(*) FROM executions WHERE held_by IS NOT NULL") > 0 {
        world.clock.advance(std::time::Duration::from_secs(5));
        world.work_out(&engine).await;
    }
    let ends = tables.texts("SELECT sentence FROM executions WHERE status <> 'succeeded'");
    assert!(ends.is_empty(), "{ends:#?}");
    let lost = tables.number("SELECT count(*) FROM attempts WHERE status IS NULL") as u64;
    let books = world.sandbox.books();
    assert_eq!(books["double_creates"], json!([]));
    let calls = books["calls"].as_object().unwrap().iter();
    let looks = tables.number(
        "SELECT count(*) FROM attempts WHERE step IS NOT NULL AND (method = 'GET' OR url LIKE '%/search')",
    );
    Line {
        endpoint,
        lost,
        rows: lost,
        wanted: times as u64,
        effects: world.count(effect),
        calls: calls
            .filter(|(route, _)| *route == endpoint || (timeline_app && route.contains(path)))
            .filter(|(route, _)| !route.starts_with("hubspot GET"))
            .filter_map(|(_, count)| count.as_u64())
            .sum(),
        looks: looks as u64,
        treatment,
    }
}

#[tokio::test]
async fn a_journal_that_knows_nothing_finds_what_another_has_logged() {
    let world = World::new(Setup::PLAIN).await;
    let people = people(&world, 3);
    for number in 0..9 {
        world.conversation(&people[number % 3].0, "Hello", BEGINNING + number as i64).await;
    }
    for journal in ["first.db", "second.db"] {
        let engine = world.engine_on(journal);
        engine.first_load().await.unwrap();
        engine.begin_backfill(everything(&world), 9).await.unwrap();
        run_out(&world, &engine).await;
        assert_eq!(world.count(NOTES), 9, "{journal}");
    }
}

#[tokio::test]
async fn a_timeline_app_gets_events_with_our_id_and_the_time_it_happened() {
    let world = World::new(Setup { timeline_app: true, ..Setup::PLAIN }).await;
    let people = people(&world, 5);
    for number in 0..30 {
        world.conversation(&people[number % 5].0, "Hello", BEGINNING + number as i64).await;
    }
    let engine = world.loaded().await;
    assert_eq!(engine.backfill_cost(everything(&world)).await.unwrap().form, "timeline event");
    engine.begin_backfill(everything(&world), 30).await.unwrap();
    for kind in [FaultKind::TimeoutAfterEffect, FaultKind::MalformedJson] {
        world.sandbox.add_fault(Fault::new(Vendor::HubSpot, kind).method("POST").path("timeline").times(3));
    }
    run_out(&world, &engine).await;
    assert_eq!(world.count("hubspot.contact.timeline_event.api"), 30);
    assert_eq!(world.count(NOTES), 0);
    let logged = world.tables().texts("SELECT id FROM executions WHERE recipe = 'conversation-to-timeline'");
    assert_eq!(logged.len(), 30);
    for id in logged {
        let detail = engine.journal().execution(ExecutionId(id.parse().unwrap())).await.unwrap().unwrap();
        let effect = json!(detail.plan)["steps"][0]["effect"].take();
        let key = effect["key"].as_str().unwrap();
        let event = world.hubspot(&format!("/integrators/timeline/v3/events/1001/{key}")).await;
        let told = Timestamp::parse_rfc3339(event["timestamp"].as_str().unwrap()).unwrap();
        assert_eq!(json!(told.0), effect["at"]);
    }
}

#[tokio::test]
async fn it_pauses_resumes_ends_and_begins_again() {
    let mut world = World::new(Setup::PLAIN).await;
    world.settings.backfill_backlog = 5;
    let people = people(&world, 2);
    for number in 0..160 {
        world.conversation(&people[number % 2].0, "Hello", BEGINNING + number as i64).await;
    }
    let engine = world.loaded().await;
    let journal = engine.journal().clone();
    engine.begin_backfill(everything(&world), 160).await.unwrap();
    assert!(matches!(engine.backfill_step().await.unwrap(), Step::Read(_)));
    let Step::Waits(why, _) = engine.backfill_step().await.unwrap() else { panic!("150 wait") };
    assert!(why.contains("fewer than 5"), "{why}");
    assert_eq!(backfill::pause(&journal).await.unwrap().state, JobState::Paused);
    assert_eq!(engine.backfill_step().await.unwrap(), Step::Idle);
    assert!(backfill::pause(&journal).await.is_err(), "it is paused already");
    assert_eq!(backfill::resume(&journal).await.unwrap().state, JobState::Running);
    engine.work_off_recipe(CONVERSATION_TO_TIMELINE).await.unwrap();
    let written = world.count(NOTES);
    assert!((1..150).contains(&written));
    let (job, discarded) = backfill::cancel(&journal).await.unwrap();
    assert_eq!((job.state, discarded as u64), (JobState::Cancelled, 150 - written));
    assert_eq!((engine.work_off().await, world.count(NOTES)), (0, written), "nothing more is logged");
    // What was given up is taken up by another one; what was logged is not.
    engine.begin_backfill(everything(&world), 160).await.unwrap();
    run_out(&world, &engine).await;
    assert_eq!(world.count(NOTES), 160);
    assert!(backfill::cancel(&journal).await.is_err(), "it is finished");
}

#[tokio::test]
async fn a_used_up_day_and_an_erased_person_hold_it_back() {
    let world = World::new(Setup::PLAIN).await;
    let people = people(&world, 3);
    for number in 0..9 {
        world.conversation(&people[number % 3].0, "Hello", BEGINNING + number as i64).await;
    }
    let engine = world.loaded().await;
    let erased = RecordRef::new(System::Intercom, ObjectKind::Contact, &people[0].0);
    let nowhere = Ways { intercom: ErasureWay::Nothing, crm: ErasureWay::Nothing };
    let erasure = NewErasure {
        asked_by: "olga".into(),
        event: None,
        records: vec![erased],
        address: None,
        by_address: false,
        told: Vec::new(),
        ways: Some(nowhere),
    };
    engine.journal().open_erasure(erasure).await.unwrap();
    world.sandbox.add_hubspot_usage(320_000);
    engine.check(&super::only(System::Hubspot)).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(5));
    engine.begin_backfill(everything(&world), 9).await.unwrap();
    let Step::Waits(why, until) = engine.backfill_step().await.unwrap() else {
        panic!("half the day is used")
    };
    assert!(why.contains("HubSpot's daily calls") && why.contains("50 %"), "{why}");
    assert!(until > world.clock.now());
    drop(engine);
    let mut world = world;
    world.settings.backfill_daily_percent = 90;
    let engine = world.engine();
    run_out(&world, &engine).await;
    assert_eq!(world.count(NOTES), 6, "what the erased person said is on no timeline");
    let known = backfill::progress(engine.journal()).await.unwrap().unwrap();
    assert_eq!((known.job.skipped, known.job.events), (3, 6));
    let bodies = world.tables().bodies();
    assert_eq!(bodies.iter().filter(|body| body.contains("contacts")).count(), 6, "{bodies:?}");
    assert!(!bodies.iter().any(|body| body.contains(&people[0].0)), "nor in the journal");
}
