//! `reknit link`: relates a person to a company, shown before it is done. The same decision as the console's key.

use clap::Args;

use super::list::parse;
use super::operate::{Desk, How, record};
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::ids::UnlinkedId;
use crate::domain::review::Decision;

/// Arguments of `link`.
#[derive(Debug, Args)]
pub struct LinkArguments {
    /// Which unlinked person, as un_4
    id: String,
    /// The company, as hubspot/company/812
    #[arg(long, value_name = "RECORD")]
    company: String,
    #[command(flatten)]
    how: How,
}

/// Relates a person to a company.
pub async fn link(place: &Place, read_only: bool, arguments: &LinkArguments) -> Result<(), Problem> {
    let unlinked: UnlinkedId = parse(&arguments.id)?;
    let company = record(&arguments.company)?;
    let desk = Desk::open(place, read_only)?;
    desk.decide(&Decision::Link { unlinked, company }, &arguments.how).await
}
