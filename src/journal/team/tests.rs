//! Claims that end, hints that add up, words that go with who they spoke of.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::clock::ManualClock;
use crate::domain::erasure::{NewErasure, Ways};
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::Priority;
use crate::domain::ids::ExecutionId;
use crate::domain::record::{Connection as Account, Mirror, ObjectKind, RecordRef, System};
use crate::journal::intake::{Appended, Disposition, NewExecution};

const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

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

impl Desk {
    async fn execution(&self, contact: &str) -> Item {
        let record = RecordRef::new(System::Intercom, ObjectKind::Contact, contact);
        let event = NewEvent {
            connection: Account::only(System::Intercom),
            source: EventSource::Webhook,
            delivery_key: contact.into(),
            topic: "contact.user.updated".into(),
            kind: EventKind::ContactUpdated,
            record: Some(record.clone()),
            occurred_at: None,
            sent: Sent::default(),
            body: "{}".into(),
        };
        let run = NewExecution {
            recipe: "contact-to-crm".into(),
            subject: "Ada".into(),
            record: Some(record.clone()),
            person: None,
            lane: record.to_string(),
            priority: Priority::Live,
            due_at: Timestamp(0),
            sentence: "Waits for a worker.".into(),
            max_attempts: 12,
        };
        match self.journal.append(vec![(event, Disposition::Run(vec![run]))]).await.expect("stored")[0] {
            Appended::Queued(_, id) => Item::Execution(id),
            ref other => panic!("not queued: {other:?}"),
        }
    }

    async fn claim(&self, item: Item, who: &str, over: bool) -> Vec<Taken> {
        let until = self.journal.now().plus(HALF_AN_HOUR);
        self.journal.claim_items(vec![item], until, over, who.into()).await.expect("stored")
    }

    async fn holder(&self, item: Item) -> Option<String> {
        let hints = self.journal.hints(vec![item]).await.expect("read");
        hints.into_iter().next().and_then(|hint| hint.claim).map(|claim| claim.who)
    }

    async fn verbs(&self, item: Item) -> Vec<(String, String, String)> {
        let entries = self.journal.audit_entries(100).await.expect("read");
        let of = entries.into_iter().filter(|entry| entry.entry.object == item.to_string());
        let mut told: Vec<_> = of.map(|it| (it.entry.actor, it.entry.verb, it.entry.note)).collect();
        told.reverse();
        told
    }
}

#[tokio::test]
async fn a_claim_keeps_others_out_until_it_ends_and_each_step_is_audited() {
    let desk = desk();
    let item = desk.execution("c1").await;
    assert!(desk.claim(item, "ana", false).await.is_empty());
    let taken = desk.claim(item, "olga", false).await;
    assert_eq!(taken[0].claim.who, "ana");
    assert_eq!(desk.holder(item).await.as_deref(), Some("ana"));
    assert_eq!(desk.journal.claims_of_others("olga".into()).await.expect("read").len(), 1);
    assert_eq!(desk.journal.claims_of_others("ana".into()).await.expect("read"), []);
    assert!(desk.claim(item, "olga", true).await.is_empty());
    assert_eq!(desk.holder(item).await.as_deref(), Some("olga"));
    assert_eq!(desk.journal.give_back_items(vec![item], "ana".into()).await.expect("stored"), 0);
    desk.clock.advance(HALF_AN_HOUR);
    assert_eq!(desk.holder(item).await, None, "it ended by itself");
    assert_eq!(desk.journal.claims_of_others("ana".into()).await.expect("read"), []);
    assert!(desk.claim(item, "ana", false).await.is_empty());
    assert_eq!(desk.journal.give_back_items(vec![item], "ana".into()).await.expect("stored"), 1);
    let told = desk.verbs(item).await;
    let steps: Vec<(&str, &str)> = told.iter().map(|(who, verb, _)| (who.as_str(), verb.as_str())).collect();
    assert_eq!(steps, [("ana", "claim"), ("olga", "claim"), ("ana", "claim"), ("ana", "unclaim")]);
    assert!(told[1].2.contains("Taken over from ana"), "{told:?}");
}

#[tokio::test]
async fn hints_add_up_and_other_consoles_hear_of_each() {
    let desk = desk();
    let (one, two) = (desk.execution("c1").await, desk.execution("c2").await);
    let before = desk.journal.change_number().await.expect("read");
    desk.journal.assign_items(vec![one], Some("Ken Ito".into()), "ana".into()).await.expect("stored");
    desk.journal.comment_on(vec![one, two], "Asked the vendor.".into(), "ana".into()).await.expect("stored");
    assert_eq!(desk.journal.change_number().await.expect("read"), before + 3);
    let hints = desk.journal.hints(vec![one, two]).await.expect("read");
    assert_eq!(hints.len(), 2);
    assert_eq!(
        hints[0].assignee.as_ref().map(|to| (to.who.as_str(), to.by.as_str())),
        Some(("Ken Ito", "ana"))
    );
    assert_eq!((hints[0].comments, hints[1].comments), (1, 1));
    let told = desk.verbs(one).await;
    assert!(told.iter().all(|(.., note)| !note.contains("vendor")), "the log does not repeat it: {told:?}");
    assert_eq!(desk.journal.names().await.expect("read"), ["Ken Ito", "ana"]);
    let of = |name: &str| desk.journal.hints_of(Some(name.into()), 9);
    assert_eq!(of("Ken Ito").await.expect("read").len(), 1);
    assert_eq!(of("ana").await.expect("read").len(), 0);
    assert_eq!(desk.journal.hints_of(None, 9).await.expect("read").len(), 2);
    desk.journal.assign_items(vec![one], None, "ana".into()).await.expect("stored");
    assert_eq!(desk.journal.hints(vec![one]).await.expect("read")[0].assignee, None);
    let missing =
        desk.journal.comment_on(vec![Item::Execution(ExecutionId(99))], "x".into(), "ana".into()).await;
    assert!(matches!(missing, Err(JournalError::Missing(_))), "{missing:?}");
}

#[tokio::test]
async fn words_about_an_erased_person_go_wherever_they_stand() {
    let desk = desk();
    let (theirs, other) = (desk.execution("c1").await, desk.execution("c2").await);
    let record = RecordRef::new(System::Intercom, ObjectKind::Contact, "c1");
    let fields = serde_json::json!({"email": "mara@quint.test", "name": "Mara Quint"});
    let mirror = Mirror {
        record: record.clone(),
        fields: fields.as_object().expect("an object").clone(),
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    };
    desk.journal.put_mirrors(vec![mirror]).await.expect("stored");
    for (item, text) in [
        (theirs, "She called twice."),
        (other, "The same trouble as Mara Quint has."),
        (other, "Nothing to do with anybody."),
    ] {
        desk.journal.comment_on(vec![item], text.into(), "ana".into()).await.expect("stored");
    }
    let new = NewErasure {
        asked_by: "ana".into(),
        event: None,
        records: vec![record],
        address: None,
        by_address: false,
        told: Vec::new(),
        ways: Some(Ways::EVERYWHERE),
    };
    desk.journal.open_erasure(new).await.expect("opened");
    let texts = async |item| -> Vec<(String, bool)> {
        let comments = desk.journal.comments_on(item).await.expect("read");
        comments.into_iter().map(|comment| (comment.text, comment.erased)).collect()
    };
    assert_eq!(texts(theirs).await, [(String::new(), true)]);
    assert_eq!(
        texts(other).await,
        [(String::new(), true), ("Nothing to do with anybody.".to_owned(), false)]
    );
}
