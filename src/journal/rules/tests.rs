//! Editions, what ran once, lanes of people.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::Priority;
use crate::domain::record::{Connection as Account, ObjectKind, System};
use crate::journal::intake::{Appended, Disposition, NewExecution};
use crate::journal::queue::Settlement;

const LEASE: Duration = Duration::from_secs(60);

struct Desk {
    _folder: tempfile::TempDir,
    clock: ManualClock,
    journal: Journal,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp(1_795_000_000_000));
    let journal =
        Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("a journal");
    Desk { _folder: folder, clock, journal }
}

fn text(name: &str, text: &str) -> Text {
    Text { kind: EditionKind::Recipe, name: name.into(), text: text.into() }
}

fn intercom(object: ObjectKind, id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, object, id)
}

fn talk(key: &str, recipes: &[&str], person: Option<&str>) -> (NewEvent, Disposition) {
    let record = intercom(ObjectKind::Conversation, key);
    let event = NewEvent {
        connection: Account::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.into(),
        topic: "conversation.user.created".into(),
        kind: EventKind::ConversationCreated,
        record: Some(record.clone()),
        occurred_at: None,
        sent: Sent::default(),
        body: "{}".into(),
    };
    let run = |recipe: &&str| NewExecution {
        recipe: (*recipe).into(),
        subject: "Ada".into(),
        record: Some(record.clone()),
        person: person.map(|id| intercom(ObjectKind::Contact, id)),
        lane: record.to_string(),
        priority: Priority::Live,
        due_at: Timestamp(0),
        sentence: "Waits for a worker.".into(),
        max_attempts: 12,
    };
    (event, Disposition::Run(recipes.iter().map(run).collect()))
}

impl Desk {
    async fn add(&self, key: &str, recipes: &[&str], person: Option<&str>) -> ExecutionId {
        match self.journal.append(vec![talk(key, recipes, person)]).await.expect("stored")[0] {
            Appended::Queued(_, id) => id,
            other => panic!("not queued: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_text_is_numbered_once_and_an_older_one_keeps_its_number() {
    let desk = desk();
    let put = async |text: Text| desk.journal.put_editions(vec![text]).await.expect("numbered")[0].number;
    assert_eq!(put(text("a", "one")).await, 1);
    desk.clock.advance(Duration::from_secs(60));
    assert_eq!(put(text("a", "two")).await, 2);
    assert_eq!(put(text("b", "two")).await, 1);
    assert_eq!(put(text("a", "one")).await, 1, "gone back to");
    let history = desk.journal.history(EditionKind::Recipe, "a").await.expect("read");
    let times: Vec<(u32, i64)> =
        history.iter().map(|edition| (edition.number, edition.loaded_at.0 - 1_795_000_000_000)).collect();
    assert_eq!(times, [(1, 0), (2, 60_000)]);
    let first = desk.journal.edition_text(EditionKind::Recipe, "a", 1).await.expect("read");
    assert_eq!(first.as_deref(), Some("one"));
}

#[tokio::test]
async fn r148_one_event_makes_an_execution_for_each_recipe_and_they_share_the_persons_lane() {
    let desk = desk();
    desk.add("20001", &["one", "two"], Some("64e1")).await;
    desk.add("20002", &["one"], Some("64e1")).await;
    desk.add("20003", &["one"], Some("64e2")).await;
    let first = desk.journal.claim(10, LEASE).await.expect("claimed");
    let names: Vec<String> =
        first.iter().map(|claim| claim.execution.record.clone().expect("one").id).collect();
    assert_eq!(names, ["20001", "20003"], "one at a time of each person");
    for claim in first {
        let settled =
            desk.journal.settle(claim.execution.id, claim.token, Status::Failed, Settlement::default()).await;
        settled.expect("settled");
    }
    let second = desk.journal.claim(10, LEASE).await.expect("claimed");
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].execution.recipe, "two", "the failure of one is nothing to the other");
}

#[tokio::test]
async fn a_waiting_conversation_follows_its_person_into_their_lane() {
    let desk = desk();
    desk.add("20001", &["one"], Some("64e1")).await;
    let crm = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
    let person = intercom(ObjectKind::Contact, "64e1");
    desk.journal.unite(vec![(vec![person, crm.clone()], Vec::new())]).await.expect("one person");
    let (mut event, _) = talk("1", &[], None);
    event.record = Some(crm.clone());
    let own = NewExecution {
        recipe: "contact-to-intercom".into(),
        subject: "Ada".into(),
        record: Some(crm),
        person: None,
        lane: "x".into(),
        priority: Priority::Live,
        due_at: Timestamp(0),
        sentence: String::new(),
        max_attempts: 12,
    };
    desk.journal.append(vec![(event, Disposition::Run(vec![own]))]).await.expect("stored");
    assert_eq!(desk.journal.claim(10, LEASE).await.expect("claimed").len(), 1, "both are one person's");
}

#[tokio::test]
async fn what_runs_once_is_reserved_done_and_freed_again() {
    let desk = desk();
    let first = desk.add("20001", &["one"], Some("64e1")).await;
    let second = desk.add("20002", &["one"], Some("64e2")).await;
    let journal = &desk.journal;
    let reserve = async |id| journal.reserve_once("one", "k", id).await.expect("asked");
    let claim = journal.claim_one(first, LEASE).await.expect("claims").expect("due");
    assert_eq!(reserve(first).await, Once::Mine);
    assert_eq!(reserve(first).await, Once::Mine, "again after a crash");
    assert_eq!(reserve(second).await, Once::Begun(first));
    assert_eq!(
        journal.reserve_once("two", "k", second).await.expect("asked"),
        Once::Mine,
        "of another recipe"
    );
    journal.settle(first, claim.token, Status::Failed, Settlement::default()).await.expect("settled");
    assert_eq!(journal.ran_once("one", "k").await.expect("asked"), None, "it failed");
    let claim = journal.claim_one(second, LEASE).await.expect("claims").expect("due");
    assert_eq!(reserve(second).await, Once::Mine);
    journal.settle(second, claim.token, Status::Succeeded, Settlement::default()).await.expect("settled");
    assert_eq!(reserve(first).await, Once::Done(second));
    assert_eq!(desk.clock.now(), journal.now());
}

#[tokio::test]
async fn a_deals_later_events_run_in_the_lane_of_whom_it_was_found_to_belong_to() {
    let desk = desk();
    let deal = RecordRef::new(System::Hubspot, ObjectKind::Deal, "900");
    let person = intercom(ObjectKind::Contact, "64e1");
    let id = desk.add("20001", &["one"], Some("64e1")).await;
    let claim = desk.journal.claim_one(id, LEASE).await.expect("claims").expect("due");
    let settlement =
        Settlement { people_behind: vec![(deal.clone(), person.clone())], ..Settlement::default() };
    desk.journal.settle(id, claim.token, Status::Succeeded, settlement).await.expect("settled");
    desk.add("20002", &["one"], Some("64e1")).await;
    let (mut event, disposition) = talk("900", &["deal"], None);
    let Disposition::Run(mut runs) = disposition else { panic!("runs") };
    event.record = Some(deal.clone());
    runs[0].record = Some(deal);
    desk.journal.append(vec![(event, Disposition::Run(runs))]).await.expect("stored");
    assert_eq!(desk.journal.claim(10, LEASE).await.expect("claimed").len(), 1, "both are one person's");
}

#[tokio::test]
async fn r149_recipes_begin_in_shadow_in_a_new_journal_only() {
    let desk = desk();
    let names = vec!["contact-to-crm".to_owned()];
    assert!(desk.journal.begin_in_shadow(names.clone()).await.expect("asked"));
    assert_eq!(desk.journal.first_run().await.expect("read"), names);
    let switched = desk.journal.switched(names[0].clone(), "shadow".into(), "on".into(), "olga".into());
    switched.await.expect("switched");
    assert!(desk.journal.first_run().await.expect("read").is_empty());
    assert_eq!(desk.journal.switched_on_since(Timestamp(0)).await.expect("read"), names);
    desk.journal.put_editions(vec![text("a", "one")]).await.expect("numbered");
    assert!(!desk.journal.begin_in_shadow(names).await.expect("asked"), "it is in use");
}
