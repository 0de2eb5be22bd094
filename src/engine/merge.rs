//! A merge a human decided: its facts as they are now, and the preview before it. It plans by the recipe and performs
//! nothing.

use super::gather::needed;
use super::operate::{OperateError, Operator, Prepared, still_open};
use super::turn::{Stop, Turn};
use crate::domain::ids::DuplicateId;
use crate::domain::record::{Mirror, RecordRef, System};
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::{self, Impossible};
use crate::recipes::{self, merge};

/// Facts and plan of a merge, read now.
pub(super) async fn gather(
    turn: &mut Turn<'_>,
    duplicate: DuplicateId,
    survivor: &RecordRef,
) -> Result<Planned, Stop> {
    let pair = turn
        .engine
        .journal
        .duplicate(duplicate)
        .await?
        .ok_or_else(|| Impossible(format!("{duplicate} is gone from the journal.")))?;
    let left = needed(turn, &pair.left).await?;
    let right = needed(turn, &pair.right).await?;
    for (shown, now) in [(&pair.left_fields, &left), (&pair.right_fields, &right)] {
        if let Some(field) = mend::changed_since(shown, now) {
            return Err(Impossible(format!(
                "{}: {field} changed since the two were shown; the pair is shown anew with what it is now.",
                now.record.title()
            ))
            .into());
        }
    }
    let mapping = std::sync::Arc::clone(turn.engine.mapping_of(survivor.object));
    let (survivor, absorbed) = if *survivor == left.record { (left, right) } else { (right, left) };
    let mut linked = Vec::new();
    if survivor.record.system() != System::Intercom {
        for record in [&survivor.record, &absorbed.record] {
            for other in turn.engine.journal.known(record).await?.records {
                if other.connection == turn.engine.intercom
                    && let Ok(contact) = turn.read(&other).await?
                {
                    linked.push(contact);
                }
            }
        }
    }
    Ok(merge::merge(&survivor, &absorbed, &linked, &mapping)?)
}

impl Operator {
    /// The preview of a merge.
    pub(super) async fn merging(
        &self,
        id: DuplicateId,
        survivor: &RecordRef,
    ) -> Result<Prepared, OperateError> {
        let pair =
            self.journal().duplicate(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        still_open(pair.state, &id.to_string())?;
        if *survivor != pair.left && *survivor != pair.right {
            return Err(OperateError::Impossible(format!(
                "{survivor} is neither of the two records; the survivor is {} or {}.",
                pair.left, pair.right
            )));
        }
        let absorbed = if *survivor == pair.left { &pair.right } else { &pair.left };
        let (survivor, absorbed) = (self.copy(survivor).await?, self.copy(absorbed).await?);
        let mut linked = Vec::new();
        if survivor.record.system() != System::Intercom {
            for record in [&survivor.record, &absorbed.record] {
                for other in self.journal().known(record).await?.records {
                    if other.system() == System::Intercom
                        && let Some(contact) = self.journal().mirror(&other).await?
                    {
                        linked.push(contact);
                    }
                }
            }
        }
        let planned = merge::merge(&survivor, &absorbed, &linked, self.mapping_of(survivor.record.object))?;
        let title = format!("Merge {} into {}", absorbed.record.title(), survivor.record.title());
        let mut preview = self.preview_of(title, &planned.plan);
        preview.losses = merge::losses(&survivor, &absorbed);
        preview.irreversible = true;
        let system = survivor.record.system().title();
        preview.notes.push(format!("{system} cannot take a merge apart."));
        preview.notes.push("Before the first call a capsule keeps both records as they are, whole.".into());
        let opted_out = |mirror: &Mirror| mirror.text("hs_email_optout") == "true";
        if opted_out(&absorbed) && !opted_out(&survivor) {
            preview.notes.push(
                "The absorbed contact has opted out of e-mail, and HubSpot lets no app set that: look at the \
                 merged contact's subscriptions afterwards."
                    .into(),
            );
        }
        if survivor.record.system() == System::Hubspot {
            preview
                .notes
                .push("HubSpot may give the merged record a new id; everything here follows it.".into());
        }
        Ok(Prepared {
            recipe: recipes::MERGE_DUPLICATES,
            subject: pair.subject,
            record: survivor.record,
            preview,
        })
    }
}
