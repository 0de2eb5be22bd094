//! What moves review items on: closed when carried out, back to the human when that failed, led to the survivor of a merge.
//!
//! Found and stored they are in `conflicts`, `duplicates` and `links`.

use rusqlite::{Connection, params};

use super::Result;
use crate::domain::agreement::Agreement;
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::record::RecordRef;
use crate::domain::review::ReviewState;

/// Open conflicts whose field both sides agree on now have settled themselves.
pub(super) fn withdraw_settled(
    connection: &Connection,
    records: &[RecordRef],
    agreements: &[Agreement],
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE conflicts SET state = 'obsolete', resolution = 'Both sides agree by now.' \
         WHERE state IN ('open', 'ignored') AND field = ?1 AND left_record = ?2",
    )?;
    for agreement in agreements {
        for record in records {
            statement.execute(params![agreement.field, record.to_string()])?;
        }
    }
    Ok(())
}

/// An execution that carries out a decision has got somewhere: the item follows it.
pub(super) fn decided(
    connection: &Connection,
    now: Timestamp,
    execution: ExecutionId,
    status: Status,
    sentence: &str,
) -> Result<()> {
    let state = match status {
        Status::Succeeded | Status::Skipped => ReviewState::Done,
        // Back to the human, with what went wrong.
        Status::Failed | Status::Discarded => ReviewState::Open,
        _ => return Ok(()),
    };
    super::links::undone(connection, execution, status, sentence)?;
    for table in ["conflicts", "duplicates", "unlinked"] {
        connection
            .prepare_cached(&format!(
                "UPDATE {table} SET state = ?2, resolution = ?3 WHERE deciding_id = ?1 AND state = 'deciding'"
            ))?
            .execute(params![execution.0, state.as_str(), sentence])?;
    }
    // A merge that failed after its own two were made one (another system refused) is no open question any more.
    connection
        .prepare_cached(
            "UPDATE duplicates SET state = 'done' WHERE deciding_id = ?1 AND state = 'open' AND EXISTS \
             (SELECT 1 FROM merges m WHERE m.execution_id = ?1 AND m.state = 'done' AND m.duplicate_id = duplicates.id)",
        )?
        .execute([execution.0])?;
    if state == ReviewState::Done {
        // The execution that stumbled over this conflict can go on now.
        connection
            .prepare_cached(
                "UPDATE executions SET status = 'pending', due_at = ?2, updated_at = ?2, outcome = NULL, \
                 sentence = 'The conflict that stopped it is decided: runs again now.' \
                 WHERE status = 'failed' AND id IN (SELECT execution_id FROM conflicts WHERE deciding_id = ?1) \
                 AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.execution_id = executions.id AND c.state IN ('open', 'deciding'))",
            )?
            .execute(params![execution.0, now.0])?;
    }
    Ok(())
}

/// A decision that failed is tried again: its item is being decided once more. False when the item has moved on.
pub(super) fn take_up_again(connection: &Connection, execution: ExecutionId) -> bool {
    ["conflicts", "duplicates", "unlinked"].iter().any(|table| {
        connection
            .prepare_cached(&format!(
                "UPDATE {table} SET state = 'deciding' WHERE deciding_id = ?1 AND state IN ('open', 'deciding')"
            ))
            .and_then(|mut statement| statement.execute([execution.0]))
            .is_ok_and(|changed| changed > 0)
    })
}

/// Open items about a record that was absorbed: pairs with it are settled, others point to its successor.
pub(super) fn remap(connection: &Connection, old: &RecordRef, new: &RecordRef) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let (old, new) = (old.to_string(), new.to_string());
    connection
        .prepare_cached(
            "UPDATE duplicates SET state = 'obsolete', resolution = 'One of the two was merged into another record.' \
             WHERE state IN ('open', 'ignored') AND (left_record = ?1 OR right_record = ?1)",
        )?
        .execute([&old])?;
    // Whom the absorbed one was told apart from, its successor is told apart from.
    for (mine, theirs) in [("left_record", "right_record"), ("right_record", "left_record")] {
        connection
            .prepare_cached(&format!(
                "UPDATE duplicates SET {mine} = ?2 WHERE state = 'dismissed' AND {mine} = ?1 AND {theirs} <> ?2 AND NOT EXISTS \
                 (SELECT 1 FROM duplicates AS other WHERE (other.left_record = ?2 AND other.right_record = duplicates.{theirs}) \
                  OR (other.right_record = ?2 AND other.left_record = duplicates.{theirs}))"
            ))?
            .execute([&old, &new])?;
    }
    connection
        .prepare_cached(
            "UPDATE unlinked SET state = 'obsolete', resolution = 'The contact was merged into another record.' \
             WHERE state = 'open' AND contact = ?1",
        )?
        .execute([&old])?;
    connection
        .prepare_cached(
            "UPDATE OR IGNORE conflicts SET right_record = ?2 WHERE state IN ('open', 'ignored') AND right_record = ?1",
        )?
        .execute([&old, &new])?;
    connection
        .prepare_cached(
            "UPDATE OR IGNORE conflicts SET left_record = ?2 WHERE state IN ('open', 'ignored') AND left_record = ?1",
        )?
        .execute([&old, &new])?;
    Ok(())
}
