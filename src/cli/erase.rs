//! `reknit erase`: forgets a person everywhere, and shows what of it stands open. Shows first; erases with `--yes` only.
//!
//! The journal forgets at once; what is to be done at the vendors are executions, tried again and limited like all
//! others. Nothing here knows how any of it is done.

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::{parse, unread};
use super::operate::{Desk, refused, show_preview};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::domain::clock::Timestamp;
use crate::domain::erasure::{Erasure, ErasureState, ErasureWay, Ways};
use crate::domain::ids::{ErasureId, ExecutionId};
use crate::domain::record::RecordRef;
use crate::domain::text::clean;
use crate::engine::erasure::{Whom, pending};
use crate::engine::operate::OperateError;

/// Arguments of `erase`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four flags of a command line, each with a name of its own"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Whom: a record as hubspot/contact/151, an e-mail, or an execution as ex_12
    #[arg(required = true, value_name = "RECORD|EMAIL|EXECUTION")]
    whom: Option<String>,
    /// Show the exact calls and what is lost; send and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Erase. Nothing brings it back
    #[arg(long)]
    yes: bool,
    /// Keep the CRM's record and clear what it says about the person
    #[arg(long)]
    anonymise_crm: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Erasures and where they stand, newest first
    List {
        /// Only those that need something
        #[arg(long)]
        open: bool,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// The checklist of one, system by system
    Show {
        /// Which, as er_3
        id: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Try again what is not done
    Retry {
        /// Which, as er_3
        id: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Erase elsewhere whom a vendor has deleted; the settings left it to you
    Approve {
        /// Which, as er_3
        id: String,
        /// Keep the CRM's record and clear what it says about the person
        #[arg(long)]
        anonymise_crm: bool,
        /// Erase. Nothing brings it back
        #[arg(long)]
        yes: bool,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Leave the other systems as they are although a vendor has deleted somebody
    Dismiss {
        /// Which, as er_3
        id: String,
    },
}

/// Erases, or shows erasures.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.command {
        Some(Command::List { open, json }) => list(place, *open, *json).await,
        Some(Command::Show { id, json }) => {
            let id = parse(id)?;
            let journal = place.open(&place.settings()?, Opening::Look)?;
            let found = journal.erasure(id).await.map_err(|error| unread(&error))?;
            let found = found.ok_or_else(|| missing(id))?;
            show(&found, *json)?;
            standing(&found)
        }
        Some(Command::Retry { id, json }) => {
            let id = parse(id)?;
            let desk = Desk::open(place, read_only)?;
            let ids = desk.operator.retry_erasure(id).await.map_err(|error| refused(&error))?;
            finish(&desk, id, &ids, *json).await
        }
        Some(Command::Approve { id, anonymise_crm, yes, json }) => {
            let id = parse(id)?;
            let desk = Desk::open(place, read_only)?;
            if !*yes {
                return Err(unconfirmed(&format!("`reknit erase show {id}` tells of whom the vendor told")));
            }
            let ways = ways(*anonymise_crm);
            desk.operator.approve_erasure(id, ways).await.map_err(|error| refused(&error))?;
            let ids = waiting(&desk, id).await?;
            finish(&desk, id, &ids, *json).await
        }
        Some(Command::Dismiss { id }) => {
            let id = parse(id)?;
            let desk = Desk::open(place, read_only)?;
            desk.operator.dismiss_erasure(id).await.map_err(|error| refused(&error))?;
            output::line(&format!("{id} dismissed: the other systems keep the person"))
        }
        None => Box::pin(erase(place, read_only, arguments)).await,
    }
}

async fn erase(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only)?;
    let whom = whom(&desk, arguments.whom.as_deref().unwrap_or_default()).await?;
    let ways = ways(arguments.anonymise_crm);
    let (person, mut preview) =
        desk.operator.preview_erasure(&whom, &[], ways).await.map_err(|error| refused(&error))?;
    if arguments.dry_run || !arguments.yes {
        preview.notes.extend(desk.config.erasure.missing().map(str::to_owned));
        show_preview(&preview, arguments.json)?;
        return if arguments.dry_run { Ok(()) } else { Err(unconfirmed("look at the calls above")) };
    }
    if read_only {
        return Err(refused(&OperateError::ReadOnly));
    }
    // Contacts with the address that never reached the journal are theirs too.
    let mut also: Vec<RecordRef> = Vec::new();
    let engine = wiring::credentials(place, &desk.config).and_then(|credentials| {
        wiring::engine(&desk.config, desk.journal.clone(), desk.mapping.clone(), credentials)
    });
    match engine {
        Err(problem) => {
            output::aside(&format!("warning: only the journal was asked who they are: {}", problem.why));
        }
        Ok(engine) => {
            for address in &person.addresses {
                match engine.look_for(address).await {
                    Ok(found) => also.extend(found),
                    Err(error) => output::aside(&format!(
                        "warning: a vendor could not be asked for further contacts with the address: {}",
                        error.words
                    )),
                }
            }
        }
    }
    let id = desk.operator.erase(&whom, &also, ways).await.map_err(|error| refused(&error))?;
    let ids = waiting(&desk, id).await?;
    finish(&desk, id, &ids, arguments.json).await
}

async fn whom(desk: &Desk<'_>, text: &str) -> Result<Whom, Problem> {
    let text = text.trim();
    if text.contains('/') {
        return text.parse().map(Whom::Record).map_err(|error: crate::domain::record::BadRecordRef| {
            Problem::usage("Nothing was erased.", error.to_string(), "`reknit show ID` names the records")
        });
    }
    if text.contains('@') {
        return Ok(Whom::Address(text.to_owned()));
    }
    let id: ExecutionId = parse(text)?;
    let detail = desk.journal.execution(id).await.map_err(|error| unread(&error))?;
    detail.and_then(|detail| detail.execution.record).map(Whom::Record).ok_or_else(|| {
        Problem::usage(
            "Nothing was erased.",
            format!("{id} is about no record, or is not in the journal"),
            "name a record (hubspot/contact/151) or an e-mail",
        )
    })
}

fn ways(anonymise_crm: bool) -> Ways {
    let crm = if anonymise_crm { ErasureWay::Anonymise } else { ErasureWay::Erase };
    Ways { crm, ..Ways::EVERYWHERE }
}

async fn waiting(desk: &Desk<'_>, id: ErasureId) -> Result<Vec<ExecutionId>, Problem> {
    let found = desk.journal.erasure(id).await.map_err(|error| unread(&error))?;
    Ok(found.as_ref().map(pending).unwrap_or_default())
}

async fn finish(desk: &Desk<'_>, id: ErasureId, ids: &[ExecutionId], json: bool) -> Result<(), Problem> {
    desk.carry_out(ids).await?;
    let found = desk.journal.erasure(id).await.map_err(|error| unread(&error))?;
    let found = found.ok_or_else(|| missing(id))?;
    show(&found, json)?;
    standing(&found)
}

async fn list(place: &Place, open: bool, as_json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let erasures = journal.erasures(open).await.map_err(|error| unread(&error))?;
    if as_json {
        return output::json(&json!({ "total": erasures.len(), "rows": erasures }));
    }
    let rows: Vec<Vec<String>> = erasures
        .iter()
        .map(|erasure| {
            let settled = erasure.parts.iter().filter(|part| part.state.is_settled()).count();
            vec![
                erasure.id.to_string(),
                format!("{} {}", glyph(erasure.state), erasure.state),
                erasure.asked_by.clone(),
                erasure.asked_at.rfc3339(),
                format!("{settled}/{}", erasure.parts.len()),
            ]
        })
        .collect();
    output::table(&["ID", "STATE", "ASKED BY", "ASKED", "DONE"], &rows)?;
    if rows.is_empty() {
        output::line("Nothing to list: nobody was erased.")?;
    }
    Ok(())
}

const fn glyph(state: ErasureState) -> &'static str {
    match state {
        ErasureState::Asked => "‖",
        ErasureState::Open => "✗",
        ErasureState::Done => "✓",
        ErasureState::Dismissed => "×",
    }
}

fn show(erasure: &Erasure, as_json: bool) -> Result<(), Problem> {
    if as_json {
        return output::json(erasure);
    }
    output::line(&format!(
        "{} {} {}: asked by {} {}",
        glyph(erasure.state),
        erasure.id,
        erasure.state,
        clean(&erasure.asked_by),
        erasure.asked_at.rfc3339()
    ))?;
    let rows: Vec<Vec<String>> = erasure
        .parts
        .iter()
        .map(|part| {
            vec![
                format!("{} {}", part.state.glyph(), part.state),
                part.record.as_ref().map_or_else(|| part.system.clone(), ToString::to_string),
                part.way.to_string(),
                part.at.map_or_else(|| "—".to_owned(), Timestamp::rfc3339),
                part.execution.map_or_else(|| "—".to_owned(), |id| id.to_string()),
                part.request_id.clone().unwrap_or_else(|| "—".to_owned()),
                part.note.clone(),
            ]
        })
        .collect();
    output::table(&["STATE", "WHERE", "WAY", "TIME", "RUN", "REQUEST", "WHAT"], &rows)
}

/// An erasure that is not done ends the command with 1, however often it is shown.
fn standing(erasure: &Erasure) -> Result<(), Problem> {
    let id = erasure.id;
    match erasure.state {
        ErasureState::Done | ErasureState::Dismissed => Ok(()),
        ErasureState::Asked => Err(Problem::runtime(
            format!("{id} waits for you: a vendor deleted somebody, and the other systems still hold them."),
            "the settings under [erasure] leave it to a human",
            format!(
                "`reknit erase approve {id} --yes` erases them there; `reknit erase dismiss {id}` keeps them"
            ),
        )),
        ErasureState::Open => Err(Problem::runtime(
            format!("{id} is not done: the person is erased in some places only."),
            "see the parts above that are open or failed",
            format!("mend what the vendor says, then `reknit erase retry {id}`"),
        )),
    }
}

fn unconfirmed(look: &str) -> Problem {
    Problem::usage(
        "Nothing was erased.",
        "erasing cannot be taken back, so it wants --yes",
        format!("{look}, then run the same command with --yes"),
    )
}

fn missing(id: ErasureId) -> Problem {
    Problem::usage(
        "There is no such erasure.",
        format!("{id} is not in the journal"),
        "`reknit erase list` shows which there are",
    )
}
