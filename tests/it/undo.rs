//! Merges taken back at each vendor, seen from the keys and commands down to the vendors' own books.

mod hubspot;
mod intercom;
mod salesforce;

use reknit::domain::execution::{Execution, Status};
use reknit::domain::ids::ExecutionId;
use reknit::domain::record::RecordRef;
use reknit::domain::review::{Decision, Duplicate, Verdict};
use reknit::domain::undo::{Comes, Part, Return};

use crate::support::Bench;

/// Merges a pair and works it off; the execution that did it.
async fn merge(bench: &mut Bench, pair: &Duplicate, survivor: &RecordRef) -> ExecutionId {
    let decision = Decision::Merge { duplicate: pair.id, survivor: survivor.clone(), wish: Box::default() };
    let id = bench.operator().decide(&decision).await.unwrap();
    bench.work().await;
    let row = bench.row(id.0).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    id
}

/// Takes a merge back and works it off; what became of it.
async fn undo(bench: &mut Bench, merge: ExecutionId) -> Execution {
    let id = bench.operator().decide(&Decision::UndoMerge { merge }).await.unwrap();
    bench.work().await;
    bench.row(id.0).await
}

/// What a preview says of one part of one record.
fn said(returns: &[Return], record: &RecordRef, part: Part) -> Comes {
    let found = returns.iter().find(|one| one.record == *record && one.part == part);
    found.unwrap_or_else(|| panic!("nothing is said of {part} of {record}: {returns:#?}")).comes
}

/// The pair of two records, as it was judged; not asked again by any scan.
async fn is_different(bench: &mut Bench, one: &RecordRef, other: &RecordRef) {
    let verdict = bench.tables().texts(&format!(
        "SELECT verdict FROM duplicates WHERE (left_record = '{one}' AND right_record = '{other}') \
         OR (left_record = '{other}' AND right_record = '{one}')"
    ));
    assert_eq!(verdict, [Verdict::Different.to_string()], "{one} {other}");
    bench.scan().await;
    let shown = bench.duplicates().await;
    let both =
        |pair: &Duplicate| [&pair.left, &pair.right].iter().all(|record| [one, other].contains(record));
    assert!(!shown.iter().any(both), "proposed again: {shown:#?}");
}
