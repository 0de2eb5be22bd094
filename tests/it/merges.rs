//! Several records made one in each system and across them, with the vendors' books compared before and after.

mod console;
mod hubspot;
mod intercom;
mod saga;
mod salesforce;

use reknit::domain::execution::Execution;
use reknit::domain::ids::DuplicateId;
use reknit::domain::merge::{MergeWish, Take};
use reknit::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System};
use reknit::domain::review::{Band, Decision, Duplicate, ReviewState};

use crate::support::Bench;

pub(crate) fn record(system: System, object: ObjectKind, id: &str) -> RecordRef {
    RecordRef::new(system, object, id)
}

pub(crate) fn hubspot(id: &str) -> RecordRef {
    record(System::Hubspot, ObjectKind::Contact, id)
}

pub(crate) fn intercom(id: &str) -> RecordRef {
    record(System::Intercom, ObjectKind::Contact, id)
}

pub(crate) fn salesforce(object: ObjectKind, id: &str) -> RecordRef {
    record(System::Salesforce, object, id)
}

/// Stores these pairs as what a scan found, by our copies of them.
pub(crate) async fn believed(bench: &Bench, pairs: &[(&RecordRef, &RecordRef)]) -> Vec<DuplicateId> {
    let mut found = Vec::new();
    for (left, right) in pairs {
        let copy = async |record: &RecordRef| -> Mirror {
            bench.journal.mirror(record).await.unwrap().unwrap_or_else(|| panic!("no copy of {record}"))
        };
        let (one, other) = (copy(left).await, copy(right).await);
        found.push(Duplicate {
            id: DuplicateId(0),
            subject: one.display_name(),
            left: (*left).clone(),
            left_fields: one.fields.clone(),
            right: (*right).clone(),
            right_fields: other.fields.clone(),
            probability: 0.97,
            band: Band::Review,
            evidence: Vec::new(),
            fingerprint: format!("{left} {right}"),
            mergeable: true,
            obstacle: reknit::recipes::merge::obstacle(&one, &other),
            state: ReviewState::Open,
            deciding: None,
            created_at: bench.now(),
            resolution: None,
            standing: reknit::domain::review::Standing::default(),
        });
    }
    bench.journal.put_duplicates(found).await.unwrap();
    let mut ids = Vec::new();
    for (left, right) in pairs {
        let known = bench.journal.pairs_with(&[(*left).clone()]).await.unwrap();
        let pair = known.into_iter().find(|pair| pair.right == **right || pair.left == **right).unwrap();
        ids.push(pair.id);
    }
    ids
}

pub(crate) fn take(field: &str, record: &RecordRef) -> Take {
    Take { field: field.to_owned(), record: record.clone() }
}

pub(crate) fn merge(duplicate: DuplicateId, survivor: &RecordRef, wish: MergeWish) -> Decision {
    Decision::Merge { duplicate, survivor: survivor.clone(), wish: Box::new(wish) }
}

pub(crate) fn fields(values: &serde_json::Value) -> Fields {
    values.as_object().unwrap().clone()
}

/// Decides, lets the work be done, and returns what became of it.
pub(crate) async fn carried_out(bench: &mut Bench, decision: &Decision) -> Execution {
    let id = bench.operator().decide(decision).await.unwrap();
    bench.work().await;
    bench.row(id.0).await
}
