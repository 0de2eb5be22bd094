//! How many calls it takes to run executions again, from their plans: what a bulk says before it is confirmed.
//!
//! Counts what the plans say; looks nothing up at a vendor. One that has no plan yet is counted by what most need.

use std::collections::BTreeMap;

use super::{OperateError, Operator};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::StepState;
use crate::domain::record::{Connection, System};

/// The calls that lie ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Of each connection.
    pub calls: BTreeMap<Connection, u64>,
    /// Executions that have no plan yet and were counted by what most need.
    pub unplanned: u64,
}

/// Reads of each side before a plan is made, and the write that most plans come to.
const MOST_NEED: (u64, u64) = (1, 2);

impl Operator {
    /// What these would send if they ran on now: each at its first step that is not done.
    pub async fn calls_ahead(&self, ids: &[ExecutionId]) -> Result<Ahead, OperateError> {
        self.count_calls(ids, false).await
    }

    /// What these would send if they were planned anew: about what the plan of before came to, done or not, and the reads
    /// that come before a plan.
    pub async fn calls_from_start(&self, ids: &[ExecutionId]) -> Result<Ahead, OperateError> {
        self.count_calls(ids, true).await
    }

    async fn count_calls(&self, ids: &[ExecutionId], anew: bool) -> Result<Ahead, OperateError> {
        let mut ahead = Ahead::default();
        for id in ids {
            let Some(detail) = self.journal.execution(*id).await? else { continue };
            let Some(plan) = detail.plan else {
                ahead.unplanned += 1;
                *ahead.calls.entry(Connection::only(System::Intercom)).or_default() += MOST_NEED.0;
                *ahead.calls.entry(Connection::only(self.crm)).or_default() += MOST_NEED.1;
                continue;
            };
            if anew {
                for side in [System::Intercom, self.crm] {
                    *ahead.calls.entry(Connection::only(side)).or_default() += 1;
                }
            }
            for step in plan.steps.iter().filter(|step| anew || step.state != StepState::Done) {
                let calls = self.calls_of(&step.effect).len().max(1) as u64;
                *ahead.calls.entry(step.effect.connection().clone()).or_default() += calls;
            }
        }
        Ok(ahead)
    }
}
