//! The outbox: once each, repeated knowingly, its failure nobody else's.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::domain::clock::ManualClock;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::{Priority, Status};
use crate::domain::record::{Connection as Account, ObjectKind, RecordRef, System};
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

fn notice(key: &str) -> Notice {
    let fields = json!({"mrr": 500.01}).as_object().expect("an object").clone();
    Notice { channel: "slack".into(), key: key.into(), title: "A rating of 1".into(), fields }
}

impl Desk {
    /// An execution that succeeds and tells something.
    async fn tell(&self, id: &str, notices: Vec<Notice>) -> ExecutionId {
        let record = RecordRef::new(System::Intercom, ObjectKind::Contact, id);
        let event = NewEvent {
            connection: Account::only(System::Intercom),
            source: EventSource::Webhook,
            delivery_key: id.into(),
            topic: "contact.user.updated".into(),
            kind: EventKind::ContactUpdated,
            record: Some(record.clone()),
            occurred_at: None,
            sent: Sent::default(),
            body: "{}".into(),
        };
        let run = NewExecution {
            recipe: "churn".into(),
            subject: "Ada".into(),
            lane: record.to_string(),
            record: Some(record),
            person: None,
            priority: Priority::Live,
            due_at: Timestamp(0),
            sentence: String::new(),
            max_attempts: 12,
        };
        let stored = self.journal.append(vec![(event, Disposition::Run(vec![run]))]).await.expect("stored");
        let Appended::Queued(_, id) = stored[0] else { panic!("{stored:?}") };
        let claim = self.journal.claim_one(id, LEASE).await.expect("claims").expect("due");
        let settlement = Settlement { notices, ..Settlement::default() };
        self.journal.settle(id, claim.token, Status::Succeeded, settlement).await.expect("settled");
        id
    }

    async fn claim(&self) -> Option<Outgoing> {
        self.journal.claim_notice("slack", LEASE).await.expect("asked")
    }

    async fn row(&self) -> NoticeRow {
        self.journal.notices(None, 10).await.expect("read").remove(0)
    }
}

#[tokio::test]
async fn r61_a_notice_is_in_the_outbox_once_and_is_sent_once() {
    let desk = desk();
    let id = desk.tell("64e1", vec![notice("k"), notice("k")]).await;
    desk.tell("64e2", vec![notice("k")]).await;
    let outgoing = desk.claim().await.expect("waits");
    assert_eq!((&outgoing.notice, outgoing.repeat), (&notice("k"), false));
    assert_eq!(desk.claim().await, None, "there is one, and it is on its way");
    desk.journal.settle_notice(outgoing, Receipt::Taken, Duration::ZERO).await.expect("settled");
    assert_eq!(desk.claim().await, None);
    let row = desk.row().await;
    assert_eq!((row.status, row.execution, row.sends), (DeliveryStatus::Sent, id, 1));
}

#[tokio::test]
async fn what_was_refused_is_given_up_and_can_be_sent_again() {
    let desk = desk();
    desk.tell("64e1", vec![notice("k")]).await;
    let outgoing = desk.claim().await.expect("waits");
    let gone = Receipt::Gone("it answered 404: \"no_service\"".into());
    desk.journal.settle_notice(outgoing, gone, Duration::ZERO).await.expect("settled");
    let row = desk.row().await;
    assert_eq!(row.status, DeliveryStatus::Failed);
    assert!(row.words.contains("no_service"), "{}", row.words);
    let channels = desk.journal.channels().await.expect("read");
    assert!(!channels[0].healthy, "the channel's monitor hears of it");
    assert_eq!(desk.journal.resend_notices(None, "olga".into()).await.expect("done"), 1);
    assert!(desk.claim().await.is_some());
}

#[tokio::test]
async fn one_whose_sender_died_is_repeated_and_says_so() {
    let desk = desk();
    desk.tell("64e1", vec![notice("k")]).await;
    desk.claim().await.expect("waits");
    desk.clock.advance(LEASE + Duration::from_secs(30));
    assert_eq!(desk.claim().await, None, "not at once");
    desk.clock.advance(Duration::from_secs(60));
    let again = desk.claim().await.expect("waits");
    assert!(again.repeat);
    desk.journal.settle_notice(again, Receipt::Taken, Duration::ZERO).await.expect("settled");
    assert_eq!(desk.row().await.status, DeliveryStatus::MayRepeat);
}
