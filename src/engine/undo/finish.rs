//! After the last step: what a merge left behind is read and kept, so that it can be told later what was changed since;
//! and of an undo, what is true with its settlement. Writes nothing to a vendor.

use crate::domain::plan::{Effect, StepState};
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::engine::scan;
use crate::engine::turn::{Stop, Turn};
use crate::journal::undo::TakenBack;
use crate::vendors;

impl Turn<'_> {
    /// Whether it takes a merge back.
    pub(in crate::engine) fn takes_back(&self) -> bool {
        matches!(self.claim.decision, Some((Decision::UndoMerge { .. }, _)))
    }
}

/// Looks after a merge or an undo that is done.
pub(in crate::engine) async fn look_after(turn: &mut Turn<'_>) -> Result<(), Stop> {
    if let Some((Decision::UndoMerge { merge }, _)) = turn.claim.decision {
        let taken = taken_back(turn, merge).await?;
        turn.mending.taken_back = Some(taken);
        return Ok(());
    }
    let mut results: Vec<RecordRef> = Vec::new();
    for step in &turn.planned.plan.steps {
        let (Effect::Merge { survivor, .. }, StepState::Done) = (&step.effect, step.state) else { continue };
        // A later merge of the same survivor has the last word.
        results.retain(|known| known != survivor);
        results.extend(step.result.clone());
    }
    for result in results {
        // The merge is done whatever this read says: without it an undo goes by the vendor's rule.
        if turn.admit(&result.connection).await.is_err() {
            continue;
        }
        let read = vendors::whole(&turn.engine.clients, &[&result], &mut turn.log).await;
        turn.learn(None);
        turn.mending.after.extend(read.unwrap_or_default());
    }
    Ok(())
}

/// Who is there again, with whom, and which pairs are two records from now on.
async fn taken_back(turn: &mut Turn<'_>, merge: crate::domain::ids::ExecutionId) -> Result<TakenBack, Stop> {
    let record = turn.engine.journal.merge_of_execution(merge).await?;
    let mut people: Vec<Vec<RecordRef>> = Vec::new();
    let steps = turn.planned.plan.steps.clone();
    for (place, step) in steps.iter().enumerate() {
        let (Effect::Create { .. } | Effect::Restore { .. }, Some(back)) = (&step.effect, &step.result)
        else {
            continue;
        };
        let names_it = |other: &&crate::domain::plan::Step| {
            other.fills.iter().any(|fill| fill.from_step as usize == place && !fill.field.is_empty())
        };
        let others = steps.iter().filter(names_it).filter_map(|other| match &other.effect {
            Effect::Update { record, .. } => Some(record.clone()),
            _ => None,
        });
        people.push(std::iter::once(back.clone()).chain(others).collect());
    }
    let mut apart = Vec::new();
    let now = turn.engine.clock.now();
    let results: Vec<RecordRef> = record
        .iter()
        .flat_map(|record| record.done().filter_map(|one| one.result.clone()).collect::<Vec<_>>())
        .collect();
    for group in &people {
        let Some(back) = group.first() else { continue };
        let Some(survivor) = results.iter().rev().find(|result| result.connection == back.connection) else {
            continue;
        };
        // As they are after the last step: what was made holds less in our copy than at the vendor.
        if let (Ok(one), Ok(other)) = (turn.read(survivor).await?, turn.read(back).await?) {
            apart.push(scan::compared(&one, &other, now));
        }
    }
    Ok(TakenBack { merge, people, apart })
}
