//! Verdicts that hold while their evidence does, rules about domains, coverage by day.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::evidence::Evidence;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::domain::record::{ObjectKind, System};
use crate::domain::review::LinkCandidate;

struct Fixture {
    _folder: tempfile::TempDir,
    clock: ManualClock,
    journal: Journal,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp(1_795_000_000_000));
    let journal =
        Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("a journal");
    Fixture { _folder: folder, clock, journal }
}

fn item(contact: &str, domain: &str, level: &str) -> Unlinked {
    Unlinked {
        id: UnlinkedId(0),
        subject: format!("Person {contact}"),
        contact: RecordRef::new(System::Hubspot, ObjectKind::Contact, contact),
        domain: domain.to_owned(),
        hint: "only the e-mail domain says where they belong".to_owned(),
        candidates: vec![LinkCandidate {
            company: RecordRef::new(System::Hubspot, ObjectKind::Company, "812"),
            name: "Quint".to_owned(),
            domain: domain.to_owned(),
            probability: 0.9,
            evidence: vec![Evidence {
                comparison: "domain".to_owned(),
                level: level.to_owned(),
                millibits: 5_000,
                left: String::new(),
                right: String::new(),
                note: None,
            }],
            family: String::new(),
        }],
        owner: "7".to_owned(),
        ruled_by: None,
        ignored_until: None,
        state: ReviewState::Open,
        deciding: None,
        created_at: Timestamp(0),
        resolution: None,
    }
}

async fn open(journal: &Journal) -> Vec<Unlinked> {
    journal.unlinked(&Filter::default(), Anchor::First, 9).await.expect("a page").rows
}

#[tokio::test]
async fn r199_a_verdict_holds_until_its_evidence_changes_and_a_snooze_until_its_time() {
    let Fixture { clock, journal, _folder } = fixture();
    let found = vec![item("1", "a.example", "same domain"), item("2", "b.example", "same domain")];
    journal.put_unlinked(found.clone()).await.expect("stored");
    let [one, two] = [0, 1].map(|at| UnlinkedId(at + 1));
    let until = clock.now().plus(Duration::from_secs(3_600));
    let actor = || "olga".to_owned();
    journal.judge_unlinked(one, LinkVerdict::NoneFits, "a partner".into(), actor()).await.expect("judged");
    journal.judge_unlinked(two, LinkVerdict::Later(until), String::new(), actor()).await.expect("judged");
    journal.put_unlinked(found.clone()).await.expect("stored");
    assert!(open(&journal).await.is_empty(), "the same evidence asks nobody again");
    let judged = journal.unlinked_one(one).await.expect("read").expect("there");
    assert_eq!(judged.state, ReviewState::Dismissed);
    assert_eq!(judged.resolution.as_deref(), Some("No company fits, says olga: a partner."));

    assert_eq!(journal.wake_unlinked().await.expect("looked"), 0);
    clock.advance(Duration::from_secs(3_601));
    assert_eq!(journal.wake_unlinked().await.expect("looked"), 1);
    assert_eq!(open(&journal).await.iter().map(|row| row.id).collect::<Vec<_>>(), [two]);

    let changed = vec![item("1", "a.example", "same domain, 3 colleagues"), found[1].clone()];
    journal.put_unlinked(changed).await.expect("stored");
    let back = journal.unlinked_one(one).await.expect("read").expect("there");
    assert_eq!(back.state, ReviewState::Open);
    assert!(back.resolution.is_some_and(|said| said.contains("evidence changed")));
    // What is decided already takes no verdict.
    journal.judge_unlinked(one, LinkVerdict::NoneFits, String::new(), actor()).await.expect("judged");
    assert!(journal.judge_unlinked(one, LinkVerdict::Unsure, String::new(), actor()).await.is_err());
}

#[tokio::test]
async fn r139_never_closes_what_is_open_and_is_audited_and_taken_back() {
    let Fixture { clock, journal, _folder } = fixture();
    let found = vec![
        item("1", "acme.co.uk", "same domain"),
        item("2", "mail.acme.co.uk", "same domain"),
        item("3", "notacme.co.uk", "same domain"),
    ];
    journal.put_unlinked(found.clone()).await.expect("stored");
    let rule = DomainRule {
        domain: "acme.co.uk".into(),
        company: None,
        actor: "olga".into(),
        reason: "our agency".into(),
        since: clock.now(),
    };
    assert_eq!(journal.unlinked_of_domain("acme.co.uk").await.expect("read").len(), 2);
    assert_eq!(journal.put_domain_rule(rule.clone()).await.expect("stored"), 2);
    assert_eq!(journal.domain_rules().await.expect("read"), [rule]);
    assert_eq!(open(&journal).await.len(), 1);
    assert!(journal.remove_domain_rule("acme.co.uk", "olga").await.expect("removed"));
    assert!(!journal.remove_domain_rule("acme.co.uk", "olga").await.expect("looked"));
    journal.put_unlinked(found).await.expect("stored");
    assert_eq!(open(&journal).await.len(), 3, "asked about again");
}

#[tokio::test]
async fn r140_coverage_keeps_one_figure_a_day_and_owner() {
    let Fixture { clock, journal, _folder } = fixture();
    let crm = Account::only(System::Hubspot);
    let put = |linked| journal.put_coverage(&crm, vec![("7".into(), 10, linked), (String::new(), 4, 1)]);
    put(5).await.expect("stored");
    put(6).await.expect("stored");
    clock.advance(Duration::from_secs(86_400));
    put(9).await.expect("stored");
    let days = journal.coverage(30).await.expect("read");
    let figures: Vec<(&str, u64)> = days.iter().map(|day| (day.owner.as_str(), day.linked)).collect();
    assert_eq!(figures, [("7", 6), ("", 1), ("7", 9), ("", 1)]);
    assert_eq!(days[2].day, days[0].day + 1);
    assert_eq!(journal.coverage(1).await.expect("read").len(), 2);
}

#[tokio::test]
async fn r138_a_closed_conversation_is_remembered_for_a_season() {
    let Fixture { clock, journal, _folder } = fixture();
    let person = RecordRef::new(System::Intercom, ObjectKind::Contact, "p1");
    journal.note_closing(vec![person.clone()]).await.expect("noted");
    assert_eq!(journal.closings().await.expect("read"), [(person, clock.now())]);
    clock.advance(Duration::from_secs(100 * 86_400));
    assert!(journal.closings().await.expect("read").is_empty());
}
