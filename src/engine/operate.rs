//! STUB for building the console; dropped at merge.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::allow_attributes)]
use crate::domain::execution::Status;
use crate::domain::ids::*;
use crate::domain::plan::{Call, Loss, Preview};
use crate::domain::review::*;
use crate::journal::Journal;
use serde_json::json;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OperateError(pub String);
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub queued: Vec<ExecutionId>,
    pub refused: Vec<(ExecutionId, String)>,
}
#[derive(Clone)]
pub struct Operator {
    pub journal: Journal,
}

impl Operator {
    pub async fn preview(&self, decision: &Decision) -> Result<Preview, OperateError> {
        let call = |m: &str, h: &str, p: &str, b| Call {
            method: m.into(),
            host: h.into(),
            path: p.into(),
            body: Some(b),
        };
        Ok(match decision {
            Decision::Resolve { choice, .. } => Preview {
                title: format!(
                    "Write {} to the other side",
                    match choice {
                        Choice::Left => "Intercom's value".into(),
                        Choice::Right => "HubSpot's value".into(),
                        Choice::Value(v) => format!("\"{v}\""),
                    }
                ),
                calls: vec![call(
                    "PATCH",
                    "https://api.hubapi.com",
                    "/crm/v3/objects/contacts/151",
                    json!({"properties": {"jobtitle": "VP Engineering"}}),
                )],
                losses: vec![],
                notes: vec!["The old value stays in the journal.".into()],
                irreversible: false,
            },
            Decision::Merge { duplicate, survivor } => {
                if duplicate.0 == 9 {
                    return Err(OperateError("The two records cannot be compared now: HubSpot answered 503 twice. Nothing was changed. Press Esc and try again in a minute.".into()));
                }
                Preview { title: format!("Contact 8841 becomes part of {}", survivor.id), calls: vec![call("POST", "https://api.hubapi.com", "/crm/v3/objects/contacts/merge", json!({"primaryObjectId": "151", "objectIdToMerge": "8841"})), call("PATCH", "https://api.hubapi.com", "/crm/v3/objects/contacts/151", json!({"properties": {"firstname": "Jane A.", "company": "Acme Inc.", "lifecyclestage": "salesqualifiedlead"}}))], losses: vec![Loss { field: "firstname".into(), lost: "Jane A.".into(), kept: "Jane".into() }, Loss { field: "company".into(), lost: "Acme Inc.".into(), kept: "Acme".into() }], notes: vec!["HubSpot cannot unmerge. A copy of both records is kept in the journal; it can recreate 8841, not its history.".into(), "If the first call fails, nothing is changed.".into()], irreversible: true }
            }
            Decision::Link { company, .. } => Preview {
                title: "Relate Priya Patel to Globex Corporation".into(),
                calls: vec![call(
                    "PATCH",
                    "https://acme.my.salesforce.com",
                    "/services/data/v61.0/sobjects/Contact/0035g00000Xq2AAE",
                    json!({"AccountId": company.id}),
                )],
                losses: vec![],
                notes: vec!["One call; it can be taken back.".into()],
                irreversible: false,
            },
        })
    }
    pub async fn decide(&self, decision: &Decision) -> Result<ExecutionId, OperateError> {
        self.journal.change(|s| match decision {
            Decision::Resolve { conflict, .. } => s
                .conflicts
                .iter_mut()
                .filter(|c| c.id == *conflict)
                .for_each(|c| c.state = ReviewState::Deciding),
            Decision::Merge { duplicate, .. } => s
                .duplicates
                .iter_mut()
                .filter(|c| c.id == *duplicate)
                .for_each(|c| c.state = ReviewState::Deciding),
            Decision::Link { unlinked, .. } => s
                .unlinked
                .iter_mut()
                .filter(|c| c.id == *unlinked)
                .for_each(|c| c.state = ReviewState::Deciding),
        });
        Ok(ExecutionId(5000))
    }
    pub async fn retry(&self, ids: &[ExecutionId]) -> Result<Report, OperateError> {
        self.journal.change(|s| {
            s.executions.iter_mut().filter(|e| ids.contains(&e.id)).for_each(|e| {
                e.status = Status::Pending;
                e.sentence = "Waits for its turn.".into();
            })
        });
        Ok(Report { queued: ids.to_vec(), refused: vec![] })
    }
    pub async fn discard(&self, ids: &[ExecutionId], _reason: &str) -> Result<Report, OperateError> {
        self.journal.change(|s| {
            s.executions.iter_mut().filter(|e| ids.contains(&e.id)).for_each(|e| e.status = Status::Discarded)
        });
        Ok(Report { queued: ids.to_vec(), refused: vec![] })
    }
    pub async fn distinct(&self, id: DuplicateId) -> Result<(), OperateError> {
        self.journal.change(|s| {
            s.duplicates.iter_mut().filter(|c| c.id == id).for_each(|c| c.state = ReviewState::Dismissed)
        });
        Ok(())
    }
}
