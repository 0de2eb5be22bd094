//! Who wrote the two values of a conflict last, and where its rule stands: our own ledger first, then what the newest
//! events about the record say.
//!
//! Read from the journal alone; a vendor is never called for it, and not knowing is an answer.

use super::turn::Turn;
use crate::domain::plan::FoundConflict;
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::{Writer, WriterKind};
use crate::journal::facts::value_hash;
use crate::vendors::writer::writer_in;

/// Fills in the writers of both values, where they are known, and the line of the rule.
pub(super) async fn name(turn: &Turn<'_>, conflicts: &mut [FoundConflict]) {
    for conflict in conflicts {
        let mapping = &turn.engine.mapping;
        let Some(field) = mapping.field(&conflict.field) else { continue };
        conflict.line = format!("{}:{}", mapping.file, field.line);
        let (left, right) = (conflict.left.clone(), conflict.right.clone());
        conflict.left_by = writer(turn, &left, std::slice::from_ref(&field.intercom)).await;
        conflict.right_by = writer(turn, &right, &field.crm).await;
    }
}

async fn writer(turn: &Turn<'_>, record: &RecordRef, fields: &[String]) -> Option<Writer> {
    let (writes, events) = match turn.engine.journal.who_wrote(record).await {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(%error, "who wrote a value cannot be read");
            return None;
        }
    };
    let now: Option<&Mirror> = turn.mirrors.iter().find(|mirror| mirror.record == *record);
    let ours = writes.iter().filter(|write| {
        let value =
            now.and_then(|mirror| mirror.fields.get(&write.field)).unwrap_or(&serde_json::Value::Null);
        fields.contains(&write.field) && value_hash(value) == write.value_hash
    });
    let ours = ours.max_by_key(|write| write.at).map(|write| Writer {
        kind: WriterKind::Reknit,
        who: format!("Reknit, execution {}", write.execution),
        at: Some(write.at),
        execution: Some(write.execution),
    });
    // Our own write stands in the record: whoever else wrote before it is not the last.
    ours.or_else(|| events.iter().find_map(|event| fields.iter().find_map(|field| writer_in(event, field))))
}
