//! People and companies related, taken apart, made and judged, with the vendors' books compared before and after.

mod hubspot;
mod salesforce;

use reknit::domain::execution::{Execution, Status};
use reknit::domain::record::{ObjectKind, RecordRef, System};
use reknit::domain::review::{Decision, LinkAs};
use reknit::engine::operate::Operator;

use crate::support::Bench;

fn company(system: System, id: &str) -> RecordRef {
    RecordRef::new(system, ObjectKind::Company, id)
}

/// Records a decision, carries it out, and gives what became of it.
async fn decided(bench: &mut Bench, operator: &Operator, decision: &Decision) -> Execution {
    let id = operator.decide(decision).await.unwrap();
    bench.work().await;
    let execution = bench.detail(id).await.execution;
    assert_eq!(execution.status, Status::Succeeded, "{}", execution.sentence);
    execution
}

/// Links the only open item.
async fn link(bench: &mut Bench, operator: &Operator, to: &RecordRef, how: LinkAs) -> Execution {
    let open = bench.unlinked().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    let decision = Decision::Link { unlinked: open[0].id, company: to.clone(), how };
    decided(bench, operator, &decision).await
}
