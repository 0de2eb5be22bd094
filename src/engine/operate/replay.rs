//! Editing something that failed and running it again; looking up what became of it; putting it aside. What an operator
//! gets to edit, and what would be sent.
//!
//! Only what changed is kept as an edit. The original stays as it was, and names the execution that repeats it.

use super::team::with_refused;
use super::{OperateError, Operator, Prepared};
use crate::domain::clock::Timestamp;
use crate::domain::edits::{Change, Draft, Part};
use crate::domain::execution::ExecutionDetail;
use crate::domain::ids::ExecutionId;
use crate::domain::plan::{Effect, Plan, Preview, Step, StepState};
use crate::domain::record::RecordRef;
use crate::domain::team::Item;
use crate::journal::aside::Aside;
use crate::journal::operate::Report;
use crate::recipes;

impl Operator {
    /// What of an execution can be edited: the values of the step that failed, else of the first that writes any, else the
    /// payload of its event. With `payload` the payload at once.
    pub async fn draft(&self, id: ExecutionId, payload: bool) -> Result<Draft, OperateError> {
        let detail = self.detail(id).await?;
        if detail.execution.decision.is_some() {
            return Err(OperateError::Impossible(format!(
                "{id} carries out a decision; decide anew where it was decided."
            )));
        }
        let step = detail.plan.as_ref().and_then(editable).filter(|_| !payload);
        let Some((place, step)) = step else {
            if detail.topic.is_none() {
                return Err(OperateError::Impossible(format!(
                    "{id} has neither values nor a payload to edit."
                )));
            }
            return Ok(Draft {
                execution: id,
                title: format!("Payload of {}", detail.topic.as_deref().unwrap_or_default()),
                part: Part::Payload,
                text: pretty(&detail.payload),
                schema: None,
            });
        };
        let (object, record, fields) = match &step.effect {
            Effect::Create { object, fields, .. } => (*object, None, fields.clone()),
            Effect::Update { record, fields } => (record.object, Some(record.clone()), fields.clone()),
            _ => return Err(OperateError::Impossible(format!("step {} writes no values.", place + 1))),
        };
        let connection = step.effect.connection().clone();
        let schema = self.journal().schema(&connection, object).await?.map(|known| known.seen);
        let text = serde_json::to_string_pretty(&fields)
            .map_err(|error| OperateError::Impossible(format!("its values cannot be shown: {error}.")))?;
        let part = Part::Fields { connection, object, record, fields };
        Ok(Draft { execution: id, title: step.title.clone(), part, text, schema })
    }

    /// What a replay would send, as far as it is known before it is planned anew.
    pub async fn preview_replay(&self, id: ExecutionId, change: &Change) -> Result<Preview, OperateError> {
        let detail = self.detail(id).await?;
        let title = format!("Replay {id} with edits");
        let mut preview = match (change, detail.plan) {
            (Change::Edits(edits), plan) => {
                let mut plan = plan.unwrap_or_default().carried_over(edits.clone());
                plan.steps.retain(|step| step.state != StepState::Done);
                self.preview_of(title, &plan)
            }
            (Change::Payload(_), _) => Preview { title, ..Preview::default() },
        };
        preview.notes.push(
            "Records are read and looked up again first: what is there already is changed, never made twice."
                .into(),
        );
        preview.notes.push(format!("{id} is kept as it is and names the new execution."));
        Ok(preview)
    }

    /// Runs an execution again with edits; the number of the new one.
    pub async fn replay(&self, id: ExecutionId, change: Change) -> Result<ExecutionId, OperateError> {
        self.may_write()?;
        self.unclaimed([Item::Execution(id)]).await?;
        Ok(self.journal().replay(id, change, self.actor().to_owned()).await?)
    }

    /// Puts executions aside until a time, or until they are let go.
    pub async fn put_aside(
        &self,
        ids: &[ExecutionId],
        until: Option<Timestamp>,
        reason: &str,
    ) -> Result<Report, OperateError> {
        self.may_write()?;
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Err(OperateError::Impossible("the time until which to wait is past.".into()));
        }
        let (free, taken) = self.unclaimed_of(ids).await?;
        let aside = Aside { until, reason: reason.trim().to_owned() };
        let report = self.journal().put_aside(free, aside, self.actor().to_owned()).await?;
        Ok(with_refused(report, taken))
    }

    /// Lets executions go that were put aside.
    pub async fn take_up(&self, ids: &[ExecutionId]) -> Result<Report, OperateError> {
        self.may_write()?;
        let (free, taken) = self.unclaimed_of(ids).await?;
        let report = self.journal().take_up(free, self.actor().to_owned()).await?;
        Ok(with_refused(report, taken))
    }

    /// The look-up of an execution's writes, as it would be carried out.
    pub(super) async fn probing(&self, id: ExecutionId) -> Result<Prepared, OperateError> {
        let detail = self.detail(id).await?;
        let record = detail.execution.record.clone().or_else(|| detail.plan.as_ref().and_then(first_record));
        let Some(record) = record else {
            return Err(OperateError::Impossible(format!("{id} names no record that could be looked up.")));
        };
        let title = format!("Look up what became of {id}");
        let notes = vec!["Only reads are sent.".to_owned()];
        Ok(Prepared {
            recipe: recipes::PROBE,
            subject: detail.execution.subject,
            record,
            preview: Preview { title, notes, ..Preview::default() },
        })
    }

    /// Where a record is seen in the vendor's own pages; else why that is not known.
    pub async fn page_of(&self, record: &RecordRef) -> Result<String, String> {
        let workspace = self.journal().workspace(record.system()).await.map_err(|error| error.to_string())?;
        let salesforce = &self.vendors.salesforce.instance_url;
        crate::domain::pages::page(record, workspace.as_deref(), salesforce)
    }

    async fn detail(&self, id: ExecutionId) -> Result<ExecutionDetail, OperateError> {
        self.journal().execution(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))
    }
}

/// The step whose values an operator would edit.
fn editable(plan: &Plan) -> Option<(usize, &Step)> {
    let writes = |step: &&Step| matches!(step.effect, Effect::Create { .. } | Effect::Update { .. });
    let first = |wanted: fn(&Step) -> bool| {
        plan.steps.iter().enumerate().find(|(_, step)| writes(step) && wanted(step))
    };
    first(|step| matches!(step.state, StepState::Failed | StepState::InDoubt | StepState::Begun))
        .or_else(|| first(|step| step.state == StepState::Waiting))
        .or_else(|| first(|_| true))
}

fn first_record(plan: &Plan) -> Option<RecordRef> {
    plan.steps.iter().find_map(|step| match &step.effect {
        Effect::Update { record, .. } => Some(record.clone()),
        _ => step.result.clone(),
    })
}

fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| text.to_owned())
}
