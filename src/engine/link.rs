//! A relation to a company that a human decided: its facts as they are now, and the preview before it. It plans by the
//! recipe and performs nothing.

use super::gather::needed;
use super::operate::{OperateError, Operator, Prepared, still_open};
use super::turn::{Stop, Turn};
use crate::domain::ids::UnlinkedId;
use crate::domain::record::RecordRef;
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::recipes::{self, link};

/// Facts and plan of a link, read now.
pub(super) async fn gather(
    turn: &mut Turn<'_>,
    unlinked: UnlinkedId,
    company: &RecordRef,
) -> Result<Planned, Stop> {
    let item = turn
        .engine
        .journal
        .unlinked_one(unlinked)
        .await?
        .ok_or_else(|| Impossible(format!("{unlinked} is gone from the journal.")))?;
    needed(turn, &item.contact).await?;
    let company = needed(turn, company).await?;
    Ok(link::link(&item.contact, &company.record, &company.display_name())?)
}

impl Operator {
    /// The preview of a link.
    pub(super) async fn linking(
        &self,
        id: UnlinkedId,
        company: &RecordRef,
    ) -> Result<Prepared, OperateError> {
        let item =
            self.journal().unlinked_one(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        still_open(item.state, &id.to_string())?;
        let company = self.copy(company).await?;
        let planned = link::link(&item.contact, &company.record, &company.display_name())?;
        let title = format!("Relate {} to {}", item.subject, company.display_name());
        let mut preview = self.preview_of(title, &planned.plan);
        preview.notes.push("One call; removing the association in the CRM takes it back.".into());
        Ok(Prepared { recipe: recipes::LINK_COMPANY, subject: item.subject, record: item.contact, preview })
    }
}
