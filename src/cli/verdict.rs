//! `reknit distinct`: a human's word on a duplicate candidate. It writes nothing at a vendor.

use clap::Args;
use serde_json::json;

use super::list::parse;
use super::operate::{Desk, refused};
use super::output;
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::ids::DuplicateId;

/// Arguments of `distinct`.
#[derive(Debug, Args)]
pub struct DistinctArguments {
    /// Which duplicate candidate, as du_7
    id: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Keeps a duplicate candidate apart.
pub async fn distinct(place: &Place, read_only: bool, arguments: &DistinctArguments) -> Result<(), Problem> {
    let id: DuplicateId = parse(&arguments.id)?;
    let desk = Desk::open(place, read_only)?;
    desk.operator.distinct(id).await.map_err(|error| refused(&error))?;
    if arguments.json {
        return output::json(&json!({"id": id, "state": "dismissed"}));
    }
    output::line(&format!("{id} is two different records; it comes back only when their data changes."))
}
