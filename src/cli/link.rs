//! `reknit link`: relates a person to a company, shown before it is done. The same decision as the console's key.
//! For files it only ranks the companies of each person (`link_files`).

use clap::Args;

use super::link_files::{self, FileArguments};
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
    #[arg(required_unless_present = "contacts")]
    id: Option<String>,
    /// The company, as hubspot/company/812
    #[arg(long, value_name = "RECORD", required_unless_present = "contacts")]
    company: Option<String>,
    #[command(flatten)]
    how: How,
    #[command(flatten, next_help_heading = "For two files instead of one person")]
    files: FileArguments,
}

/// Relates a person to a company.
pub async fn link(place: &Place, read_only: bool, arguments: &LinkArguments) -> Result<(), Problem> {
    if arguments.files.contacts.is_some() {
        return link_files::run(read_only, &arguments.files, arguments.how.json());
    }
    let unlinked: UnlinkedId = parse(arguments.id.as_deref().unwrap_or_default())?;
    let company = record(arguments.company.as_deref().unwrap_or_default())?;
    let desk = Desk::open(place, read_only)?;
    desk.decide(&Decision::Link { unlinked, company }, &arguments.how).await
}
