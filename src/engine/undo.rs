//! Taking a merge back: what the journal knows of it, the preview, and which merges can be taken back at all.
//!
//! Reading order: `facts` (from the journal alone), `gather` (the same, read anew at the vendors), `finish` (what is kept
//! after a merge, and what is true after an undo). The plan itself is `recipes::undo`. A preview holds no client: it shows
//! the calls by our copies, the run makes its plan from what it reads.

mod facts;
mod finish;
mod gather;

use super::operate::{OperateError, Operator, Prepared};
use crate::domain::capsule::PreImage;
use crate::domain::ids::{DuplicateId, ExecutionId};
use crate::domain::merge::MergeRecord;
use crate::domain::record::{RecordRef, System};
use crate::domain::undo::{Comes, Part, Undoable};
use crate::journal::undo::TakenBack;
use crate::recipes::{self, undo};

pub(super) use finish::look_after;
pub(super) use gather::gather;

/// What a turn keeps besides its plan when it merges or takes a merge back.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// The records of an undo as they are before it.
    pub(super) before: Vec<PreImage>,
    /// What a merge left behind.
    pub(super) after: Vec<PreImage>,
    /// What is true with the settlement.
    pub(super) taken_back: Option<TakenBack>,
}

/// Why a merge cannot be taken back again, with who did it and when.
fn undone_before(record: &MergeRecord) -> Option<String> {
    let undone = record.undone.as_ref()?;
    let by = undone.execution.map_or_else(String::new, |id| format!(" ({id})"));
    Some(format!(
        "{} was taken back already, by {}{by} at {}; there is nothing left of it to take back.",
        record.execution,
        undone.by,
        undone.at.rfc3339()
    ))
}

impl Operator {
    /// The execution that merged, by the execution's own number or by the candidate's.
    pub async fn merge_behind(&self, id: &str) -> Result<ExecutionId, OperateError> {
        if let Ok(execution) = id.parse::<ExecutionId>() {
            return match self.journal().merge_of_execution(execution).await? {
                Some(record) if record.done().next().is_some() => Ok(execution),
                Some(_) => {
                    Err(OperateError::Impossible(format!("{execution} merged nothing: it was refused.")))
                }
                None => Err(OperateError::Impossible(format!(
                    "{execution} merged nothing. `reknit list merges` shows what can be taken back."
                ))),
            };
        }
        let Ok(duplicate) = id.parse::<DuplicateId>() else {
            return Err(OperateError::Impossible(format!(
                "\"{id}\" names neither an execution (ex_12) nor a duplicate candidate (du_7)."
            )));
        };
        match self.journal().merge_of_duplicate(duplicate).await? {
            Some(record) if record.done().next().is_some() => Ok(record.execution),
            _ => Err(OperateError::Impossible(format!(
                "{duplicate} was not merged. `reknit list merges` shows what can be taken back."
            ))),
        }
    }

    /// The preview of an undo: first what comes back and what does not, then the calls.
    pub(super) async fn undoing(&self, merge: ExecutionId) -> Result<Prepared, OperateError> {
        let record = self
            .journal()
            .merge_of_execution(merge)
            .await?
            .ok_or_else(|| OperateError::Impossible(format!("{merge} merged nothing.")))?;
        if let Some(why) = undone_before(&record) {
            return Err(OperateError::Impossible(why));
        }
        if let Some(begun) = self.journal().undoing(merge).await? {
            return Err(OperateError::Impossible(format!(
                "{begun} takes {merge} back already; `reknit show {begun}` tells how far it got, and `reknit retry \
                 {begun}` goes on with it."
            )));
        }
        let chains = facts::chains(self.journal(), &record, &|object| self.mapping_of(object)).await?;
        let Some(first) = chains.first() else {
            return Err(OperateError::Impossible(format!("{merge} merged nothing.")));
        };
        let (subject, about) = (first.survivor.mirror.display_name(), first.result.clone());
        let undoing = undo::plan(&chains);
        let title = format!("Take back the merge of {subject} ({merge})");
        let mut preview = self.preview_of(title, &undoing.planned.plan);
        preview.returns = undoing.returns;
        preview.notes.extend(undoing.planned.plan.nothing.clone());
        preview.notes.push(
            "Before the first call the records are read anew, a capsule keeps them as they are then, and what was \
             changed in between is left."
                .to_owned(),
        );
        if chains.iter().any(|chain| chain.result.system() == System::Hubspot)
            && preview.calls.iter().any(|call| call.path.contains("secondary-email"))
        {
            preview.notes.push(
                "Only HubSpot's oldest API takes an additional e-mail off a contact, and HubSpot calls that call a \
                 preview. If it refuses, nothing is made twice: free the e-mail in HubSpot and retry."
                    .to_owned(),
            );
        }
        preview.notes.push(
            "Afterwards the two are called different, and the merge cannot be taken back again.".into(),
        );
        // What was made anew cannot be made the old record again; what was brought back can be merged again.
        preview.irreversible = chains
            .iter()
            .flat_map(|chain| &chain.absorbed)
            .any(|one| one.departure != undo::Departure::Archived && about.system() != System::Salesforce);
        Ok(Prepared { recipe: recipes::UNDO_MERGE, subject, record: about, preview })
    }

    /// The newest merges, and whether each can be taken back.
    pub async fn undoables(&self, limit: usize) -> Result<Vec<Undoable>, OperateError> {
        let mut all = Vec::new();
        for record in self.journal().merges(limit).await? {
            all.push(self.undoable(&record).await?);
        }
        Ok(all)
    }

    async fn undoable(&self, record: &MergeRecord) -> Result<Undoable, OperateError> {
        let done: Vec<_> = record.done().collect();
        let last = done.last().ok_or_else(|| OperateError::Missing(record.execution.to_string()))?;
        let result: RecordRef = last.result.clone().unwrap_or_else(|| last.survivor.clone());
        let copy = self.journal().mirror(&result).await?;
        let (undoable, how) = match (undone_before(record), self.journal().undoing(record.execution).await?) {
            (Some(why), _) => (false, why),
            (None, Some(begun)) => (false, format!("{begun} takes it back already.")),
            (None, None) => {
                match facts::chains(self.journal(), record, &|object| self.mapping_of(object)).await {
                    Ok(chains) => (true, in_short(&undo::plan(&chains))),
                    Err(OperateError::Impossible(why)) => (false, why),
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(Undoable {
            execution: record.execution,
            duplicate: last.duplicate,
            subject: copy.map_or_else(|| result.title(), |mirror| mirror.display_name()),
            result,
            absorbed: done.iter().map(|one| one.absorbed.clone()).collect(),
            at: last.at,
            undoable,
            how,
        })
    }
}

/// What an undo would bring back, as one phrase.
fn in_short(undoing: &undo::Undoing) -> String {
    let parts = |comes: Comes| -> Vec<&str> {
        let mut parts: Vec<Part> =
            undoing.returns.iter().filter(|one| one.comes == comes).map(|one| one.part).collect();
        parts.sort_unstable();
        parts.dedup();
        parts.into_iter().map(Part::as_str).collect()
    };
    let named = [(Comes::Back, "back"), (Comes::Partly, "in part"), (Comes::Not, "not")]
        .into_iter()
        .map(|(comes, word)| (parts(comes), word))
        .filter(|(parts, _)| !parts.is_empty())
        .map(|(parts, word)| format!("{word}: {}", parts.join(", ")));
    named.collect::<Vec<_>>().join("; ")
}
