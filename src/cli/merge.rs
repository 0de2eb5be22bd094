//! `reknit merge`: makes one record out of several, shown before it is done. The same decision as the console's key.

use clap::Args;

use super::list::{parse, unread};
use super::operate::{Desk, How, record, refused};
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::ids::DuplicateId;
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::engine::operate::OperateError;

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Which duplicate candidate, as du_7
    id: String,
    /// The record that goes on, as hubspot/contact/151 [default: the left one]
    #[arg(long, value_name = "RECORD")]
    survivor: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Merges a duplicate candidate.
pub async fn merge(place: &Place, read_only: bool, arguments: &MergeArguments) -> Result<(), Problem> {
    let duplicate: DuplicateId = parse(&arguments.id)?;
    let named: Option<RecordRef> = arguments.survivor.as_deref().map(record).transpose()?;
    let desk = Desk::open(place, read_only)?;
    let survivor = match named {
        Some(survivor) => survivor,
        None => desk
            .journal
            .duplicate(duplicate)
            .await
            .map_err(|error| unread(&error))?
            .map(|pair| pair.left)
            .ok_or_else(|| refused(&OperateError::Missing(duplicate.to_string())))?,
    };
    desk.decide(&Decision::Merge { duplicate, survivor }, &arguments.how).await
}
