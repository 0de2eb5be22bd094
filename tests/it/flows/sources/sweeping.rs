//! People who are gone without a word: found by the sweep, and never invented by it.

use reknit::domain::job::{JobKind, JobState};
use reknit::domain::record::{ObjectKind, System};
use reknit::engine::sweep::{How, standing};
use reknit::sandbox::{Fault, FaultKind, Vendor, Webhook};
use serde_json::json;

use super::{Setup, World, only, say};

const YES: How = How { dry_run: false, even_many: true };
const LOOK: How = How { dry_run: true, even_many: false };

async fn living(engine: &reknit::engine::Engine, system: System) -> Vec<String> {
    let living = engine.journal().living(&only(system), ObjectKind::Contact).await.unwrap();
    living.into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn r291_r292_bulk_archives_and_deletions_are_found() {
    let world = World::new(Setup { people: 300, ..Setup::PLAIN }).await;
    let engine = world.loaded().await;
    let (intercom, hubspot) = (only(System::Intercom), only(System::Hubspot));
    let quiet = engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    assert_eq!((quiet.missing, quiet.refused), (0, None), "{}", quiet.sentence);
    let people = living(&engine, System::Intercom).await;
    let archived: Vec<&str> = people[..50].iter().map(String::as_str).collect();
    assert_eq!(world.sandbox.archive_intercom_contacts_in_bulk(&archived), 50);
    for id in &people[50..57] {
        assert!(world.sandbox.delete_intercom_contact(id, Webhook::Silent));
    }
    let crm = living(&engine, System::Hubspot).await;
    for id in &crm[..3] {
        assert!(world.sandbox.archive_hubspot_contact(id, Webhook::Silent));
    }
    world.sandbox.merge_hubspot_contacts(&crm[10], &crm[11], Webhook::Silent).unwrap();
    let looked = engine.sweep(&intercom, LOOK, |_, _| {}).await.unwrap();
    assert_eq!((looked.missing, looked.archived, looked.gone), (57, 50, 7));
    assert_eq!(world.tables().number("SELECT count(*) FROM events"), 0, "a dry run stores nothing");
    let effects = world.sandbox.books()["effects"].as_array().unwrap().len();
    let swept = engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    assert_eq!((swept.archived, swept.gone, swept.executions.len()), (50, 7, 57), "{}", swept.sentence);
    let again = engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    assert!(again.executions.is_empty(), "what waits to be carried out is no news");
    let other = engine.sweep(&hubspot, How::default(), |_, _| {}).await.unwrap();
    assert_eq!(other.archived, 3, "{}", other.sentence);
    assert!(other.merged >= 1 && other.gone == 0 && other.living == 0, "{}", other.sentence);
    world.work_out(&engine).await;
    assert_eq!(living(&engine, System::Intercom).await.len(), people.len() - 57);
    let last = engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    assert_eq!(last.missing, 0, "{}", last.sentence);
    assert_eq!(engine.sweep(&hubspot, How::default(), |_, _| {}).await.unwrap().missing, 0);
    let failed = world.tables().texts("SELECT sentence FROM executions WHERE status = 'failed'");
    assert!(failed.is_empty(), "{failed:#?}");
    let books = world.sandbox.books();
    let done = books["effects"].as_array().unwrap()[effects..].iter();
    let deleted: Vec<_> = done
        .filter(|effect| effect["who"] == "api")
        .filter(|effect| !["create", "update", "unchanged"].contains(&effect["kind"].as_str().unwrap()))
        .collect();
    assert!(deleted.is_empty(), "a sweep deletes nobody at a vendor: {deleted:#?}");
    assert_eq!(books["double_creates"], json!([]));
    say(&format!(
        "R291/R292 sweep: 50 of 50 bulk archives, 7 of 7 deletions, 3 of 3 archived and {} merged in HubSpot found",
        other.merged
    ));
    // The unarchived come back, and go again: that is another event.
    let back = &people[0];
    world.intercom_post(&format!("/contacts/{back}/unarchive"), &json!({})).await;
    world.clock.advance(std::time::Duration::from_secs(60));
    engine.poll_once().await.unwrap();
    world.work_out(&engine).await;
    assert!(living(&engine, System::Intercom).await.contains(back));
    world.sandbox.archive_intercom_contact(back, Webhook::Silent);
    assert_eq!(engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap().executions.len(), 1);
    world.work_out(&engine).await;
}

#[tokio::test]
async fn a_listing_that_broke_off_or_is_too_short_deletes_nobody() {
    let world = World::new(Setup { people: 400, ..Setup::PLAIN }).await;
    let engine = world.loaded().await;
    let intercom = only(System::Intercom);
    let people = living(&engine, System::Intercom).await;
    let archived: Vec<&str> = people[..10].iter().map(String::as_str).collect();
    world.sandbox.archive_intercom_contacts_in_bulk(&archived);
    for kind in [
        FaultKind::ServerError,
        FaultKind::WrongContentType,
        FaultKind::MalformedJson,
        FaultKind::TimeoutBeforeEffect,
    ] {
        // After the first page.
        let fault = Fault::new(Vendor::Intercom, kind).path("/contacts").times(1);
        let told = |_, _| world.sandbox.add_fault(fault.clone());
        engine.sweep(&intercom, How::default(), told).await.unwrap_err();
        world.sandbox.clear_faults();
        let job = engine.journal().newest_job(JobKind::Sweep, "intercom", false).await.unwrap().unwrap();
        assert!(job.state == JobState::Cancelled && job.sentence.contains("nothing was deleted"), "{job:?}");
    }
    // Its read of a missing person fails too: the whole sweep is off.
    world.sandbox.add_fault(Fault::new(Vendor::Intercom, FaultKind::ServerError).path(archived[7]).times(1));
    engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap_err();
    assert_eq!(world.tables().number("SELECT count(*) FROM events"), 0);
    let many: Vec<&str> = people[10..people.len() / 2].iter().map(String::as_str).collect();
    world.sandbox.archive_intercom_contacts_in_bulk(&many);
    let refused = engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    let why = refused.refused.expect("half of them is too many");
    assert!(why.contains("wrong token") && why.contains("--yes"), "{why}");
    assert_eq!(world.tables().number("SELECT count(*) FROM events"), 0);
    let stands = standing(engine.journal(), &intercom).await.unwrap();
    assert_eq!((stands.finished, stands.later.unwrap().state), (None, JobState::Stopped));
    let swept = engine.sweep(&intercom, YES, |_, _| {}).await.unwrap();
    assert_eq!(swept.archived as usize, archived.len() + many.len());
    world.work_out(&engine).await;
    let stands = standing(engine.journal(), &intercom).await.unwrap();
    assert!(stands.finished.is_some() && stands.later.is_none());
}

#[tokio::test]
async fn a_list_without_anybody_we_know_is_believed_of_nobody() {
    let world = World::new(Setup::PLAIN).await;
    let mut ids = Vec::new();
    for name in ["ada", "bo"] {
        let user = json!({"role": "user", "email": format!("{name}@quint.example")});
        ids.push(world.sandbox.new_intercom_user(&user, Webhook::Silent).unwrap());
    }
    let engine = world.loaded().await;
    for id in &ids {
        world.sandbox.delete_intercom_contact(id, Webhook::Silent);
    }
    let swept = engine.sweep(&only(System::Intercom), How::default(), |_, _| {}).await.unwrap();
    assert!(swept.refused.is_some() && swept.executions.is_empty(), "{}", swept.sentence);
}

#[tokio::test]
async fn sweeps_are_due_a_day_after_the_load_and_a_day_after_the_last() {
    let world = World::new(Setup::PLAIN).await;
    let engine = world.engine();
    let (intercom, hour) = (only(System::Intercom), 3_600_000);
    assert_eq!(engine.next_sweep(&intercom).await.unwrap(), None, "nothing is known yet");
    engine.first_load().await.unwrap();
    let due = |at: reknit::domain::clock::Timestamp, now: i64| (at.0 - now + hour / 2) / hour;
    let now = reknit::domain::clock::Clock::now(&world.clock).0;
    assert_eq!(due(engine.next_sweep(&intercom).await.unwrap().unwrap(), now), 24);
    world.clock.advance(std::time::Duration::from_secs(25 * 3600));
    engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap();
    assert_eq!(due(engine.next_sweep(&intercom).await.unwrap().unwrap(), now), 49);
    world.sandbox.add_fault(Fault::new(Vendor::Intercom, FaultKind::ServerError).times(1));
    engine.sweep(&intercom, How::default(), |_, _| {}).await.unwrap_err();
    assert_eq!(due(engine.next_sweep(&intercom).await.unwrap().unwrap(), now), 26, "sooner after a failure");
}
