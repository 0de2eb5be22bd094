//! `reknit link`: relates people to companies, one by one or a whole domain; makes the company that none is yet; takes a
//! link back; says that none fits. First shown, then done; the same decisions as the console's keys. For files it only
//! ranks the companies of each person (`link_files`).

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::link_files::{self, FileArguments};
use super::list::{parse, unread};
use super::operate::{Desk, How, record, refused, report, show_preview};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::evidence::percent;
use crate::domain::execution::{Execution, Status};
use crate::domain::filter::span;
use crate::domain::ids::UnlinkedId;
use crate::domain::links::LinkVerdict;
use crate::domain::review::{Decision, LinkAs};
use crate::domain::text::clean;
use crate::engine::operate::OperateError;
use crate::engine::operate::links::{DomainProposal, DomainResult};

/// Arguments of `link`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct LinkArguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Which unlinked person, as un_4
    #[arg(required_unless_present_any = ["domain", "contacts"])]
    id: Option<String>,
    /// The company, as hubspot/company/812
    /// Without it the best candidates are named
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["create", "none", "unsure", "later"])]
    company: Option<String>,
    /// In the first place, whatever has it now: HubSpot's primary company, Salesforce's account
    #[arg(long, requires = "company", conflicts_with_all = ["beside", "lead"])]
    primary: bool,
    /// Beside what has the first place
    #[arg(long, requires = "company", conflicts_with = "lead")]
    beside: bool,
    /// Of a Salesforce lead: convert it into a contact of the account, or write the account's name into it
    #[arg(long, value_name = "HOW", requires = "company", value_parser = ["convert", "text"])]
    lead: Option<String>,
    /// Make the company, because the CRM has none that fits, and relate the person to it
    #[arg(long)]
    create: bool,
    /// With --create: the company's name; without it what Intercom or the contact says
    #[arg(long, requires = "create")]
    name: Option<String>,
    /// With --create the domain of the company; without an id everybody of this e-mail domain
    #[arg(long)]
    domain: Option<String>,
    /// With --domain: also propose this company for whoever comes later
    #[arg(long, requires_all = ["domain", "company"])]
    remember: bool,
    /// Instead of a link: no company fits; asked again when the evidence changes
    #[arg(long, conflicts_with_all = ["create", "unsure", "later"])]
    none: bool,
    /// Instead of a link: it cannot be said now; asked again when the evidence changes
    #[arg(long, conflicts_with_all = ["create", "later"])]
    unsure: bool,
    /// Instead of a link: leave the person alone for a time, as 7d
    #[arg(long, value_name = "SPAN", conflicts_with = "create")]
    later: Option<String>,
    /// Why no link is made; it stays with the item
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Of a whole domain: do it; without it the people and calls are only shown
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten, next_help_heading = "For two files instead of one person")]
    files: FileArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a link back that Reknit made, as far as nobody changed it since; of somebody judged, what was said
    Undo {
        /// The execution that made it, as ex_12, or the person, as un_4
        id: String,
        #[command(flatten)]
        how: How,
    },
    /// What is said about whole domains: where their people belong, or never to ask
    Rules(super::link_rules::Arguments),
}

impl LinkArguments {
    fn how(&self) -> LinkAs {
        match self.lead.as_deref() {
            Some("convert") => LinkAs::Convert,
            Some(_) => LinkAs::Text,
            None if self.primary => LinkAs::Primary,
            None if self.beside => LinkAs::Beside,
            None => LinkAs::Auto,
        }
    }

    fn verdict(&self) -> Result<Option<LinkVerdict>, Problem> {
        if let Some(text) = &self.later {
            let span = span(text).filter(|span| *span > Duration::ZERO).ok_or_else(|| {
                Problem::usage(
                    "Nothing was decided.",
                    format!("\"{text}\" is not a time span"),
                    "write 12h, 7d or 2w",
                )
            })?;
            return Ok(Some(LinkVerdict::Later(wiring::clock().now().plus(span))));
        }
        Ok(if self.none { Some(LinkVerdict::NoneFits) } else { self.unsure.then_some(LinkVerdict::Unsure) })
    }
}

/// Relates people to a company, or says why not.
pub async fn link(place: &Place, read_only: bool, arguments: &LinkArguments) -> Result<(), Problem> {
    match &arguments.command {
        Some(Command::Undo { id, how }) => return undo(place, read_only, id, how).await,
        Some(Command::Rules(rules)) => return super::link_rules::run(place, read_only, rules).await,
        None => {}
    }
    if arguments.files.contacts.is_some() {
        return link_files::run(read_only, &arguments.files, arguments.how.json());
    }
    let Some(id) = &arguments.id else {
        return domain(place, read_only, arguments).await;
    };
    let unlinked: UnlinkedId = parse(id)?;
    let verdict = arguments.verdict()?;
    let desk = Desk::open(place, read_only)?;
    if let Some(verdict) = verdict {
        return judge(&desk, unlinked, verdict, arguments).await;
    }
    if arguments.create {
        let known = match (&arguments.name, &arguments.domain) {
            (Some(name), Some(domain)) => (name.clone(), domain.clone()),
            (name, domain) => {
                let known = desk.operator.suggested_company(unlinked).await;
                let known = known.map_err(|error| refused(&error))?;
                (name.clone().unwrap_or(known.0), domain.clone().unwrap_or(known.1))
            }
        };
        let decision = Decision::Found { unlinked, name: known.0, domain: known.1 };
        return desk.decide(&decision, &arguments.how).await;
    }
    if arguments.domain.is_some() {
        return Err(Problem::usage(
            "Nothing was changed.",
            "--domain beside an id says the domain of a company to make, and --create is missing",
            "add --create, or leave the id away to link everybody of the domain",
        ));
    }
    let Some(company) = arguments.company.as_deref() else {
        return Err(unnamed(&desk, unlinked).await?);
    };
    let company = record(company)?;
    desk.decide(&Decision::Link { unlinked, company, how: arguments.how() }, &arguments.how).await
}

/// Candidates that are named to whoever names none.
const NAMED: usize = 5;

/// No company was named: which could be, best first.
async fn unnamed(desk: &Desk<'_>, unlinked: UnlinkedId) -> Result<Problem, Problem> {
    let found = desk.journal.unlinked_one(unlinked).await.map_err(|error| unread(&error))?;
    let Some(person) = found else {
        return Ok(refused(&OperateError::Missing(unlinked.to_string())));
    };
    let named: Vec<String> = person
        .candidates
        .iter()
        .take(NAMED)
        .map(|one| format!("--company {} ({}, {})", one.company, clean(&one.name), percent(one.probability)))
        .collect();
    let next = if named.is_empty() {
        "no company that is known fits: `--company RECORD` names one, `--create` makes one, `--none` says so"
            .to_owned()
    } else {
        format!(
            "add one of these, the best first: {}; or --create, --none, --unsure, --later 7d",
            named.join("; ")
        )
    };
    Ok(Problem::usage(
        "Nothing was linked.",
        format!("{unlinked}, {}: no company is named to link to", clean(&person.subject)),
        next,
    ))
}

async fn undo(place: &Place, read_only: bool, id: &str, how: &How) -> Result<(), Problem> {
    let (by, of) =
        if id.trim().starts_with("un_") { (None, Some(parse(id)?)) } else { (Some(parse(id)?), None) };
    let desk = Desk::open(place, read_only)?;
    if let Some(id) = of
        && desk.operator.is_judged(id).await.map_err(|error| refused(&error))?
    {
        if how.dry_run() {
            return output::line(&format!("{id} would wait for an account again; nothing is sent."));
        }
        desk.operator.reopen_unlinked(id).await.map_err(|error| refused(&error))?;
        if how.json() {
            return output::json(&json!({ "reopened": id }));
        }
        return output::line(&format!("{id} waits for an account again."));
    }
    let decision = desk.operator.undo_of_link(by, of).await.map_err(|error| refused(&error))?;
    desk.decide(&decision, how).await
}

async fn judge(
    desk: &Desk<'_>,
    unlinked: UnlinkedId,
    verdict: LinkVerdict,
    arguments: &LinkArguments,
) -> Result<(), Problem> {
    if arguments.how.dry_run() {
        return output::line("Nothing is sent; the person is left alone as you say.");
    }
    desk.operator
        .judge_unlinked(unlinked, verdict, &arguments.reason)
        .await
        .map_err(|error| refused(&error))?;
    if arguments.how.json() {
        return output::json(&json!({ "judged": unlinked }));
    }
    output::line(&match verdict {
        LinkVerdict::NoneFits => {
            format!("{unlinked}: no company fits. Asked again when the evidence changes.")
        }
        LinkVerdict::Unsure => format!("{unlinked}: left open. Asked again when the evidence changes."),
        LinkVerdict::Later(at) => format!("{unlinked}: left alone until {}.", at.rfc3339()),
    })
}

/// Everybody of a domain: shown, and with --yes done, one after the other until somebody presses Ctrl-C.
async fn domain(place: &Place, read_only: bool, arguments: &LinkArguments) -> Result<(), Problem> {
    let company = arguments.company.as_deref().ok_or_else(|| {
        Problem::usage(
            "Nothing was changed.",
            "a whole domain is linked to a company that is named",
            "add --company RECORD; `reknit link rules add DOMAIN --never` asks nobody about it any more",
        )
    })?;
    let (company, named) = (record(company)?, arguments.domain.clone().unwrap_or_default());
    let desk = Desk::open(place, read_only)?;
    let proposal = desk
        .operator
        .propose_domain(&named, &company, arguments.remember)
        .await
        .map_err(|error| refused(&error))?;
    if arguments.how.dry_run() || !arguments.yes {
        show_preview(&proposal.preview, arguments.how.json())?;
        return if arguments.how.dry_run() {
            Ok(())
        } else {
            Err(Problem::usage(
                "Nothing was sent.",
                "several people are only linked with --yes",
                "look at the people and calls above, then run the same command with --yes",
            ))
        };
    }
    desk.operator.remember_domain(&proposal).await.map_err(|error| refused(&error))?;
    let mut results: Vec<(DomainResult, Option<Execution>)> = Vec::new();
    let mut stopped = false;
    for row in &proposal.rows {
        let one = async {
            let result = desk.operator.link_row(&proposal, row).await.map_err(|error| refused(&error))?;
            let ended = match &result.outcome {
                Ok(id) => desk.carry_out(&[*id]).await?.pop(),
                Err(_) => None,
            };
            Ok::<_, Problem>((result, ended))
        };
        // Who has begun is carried through; who has not is left as they are.
        tokio::pin!(one);
        let result = tokio::select! {
            biased;
            result = &mut one => result?,
            _ = tokio::signal::ctrl_c() => { stopped = true; one.await? }
        };
        results.push(result);
        if stopped {
            break;
        }
    }
    tell(&proposal, &results, stopped, arguments.how.json())
}

fn tell(
    proposal: &DomainProposal,
    results: &[(DomainResult, Option<Execution>)],
    stopped: bool,
    as_json: bool,
) -> Result<(), Problem> {
    let rest: Vec<String> =
        proposal.rows[results.len()..].iter().map(|row| row.unlinked.to_string()).collect();
    if as_json {
        let rows: Vec<_> = results
            .iter()
            .map(|(result, execution)| {
                json!({
                    "unlinked": result.unlinked,
                    "subject": result.subject,
                    "execution": execution.as_ref().map(|execution| execution.id),
                    "status": execution.as_ref().map(|execution| execution.status),
                    "left_out": result.outcome.as_ref().err(),
                })
            })
            .collect();
        output::json(&json!({
            "domain": proposal.domain,
            "company": proposal.company,
            "remembered": proposal.remember,
            "rows": rows,
            "stopped_before": rest,
        }))?;
    } else {
        let rows: Vec<Vec<String>> = results
            .iter()
            .map(|(result, execution)| {
                let (status, words) = match (&result.outcome, execution) {
                    (Err(why), _) => ("left out".to_owned(), why.clone()),
                    (Ok(_), Some(execution)) => {
                        (execution.status.to_string(), format!("{} {}", execution.id, execution.sentence))
                    }
                    (Ok(id), None) => ("recorded".to_owned(), id.to_string()),
                };
                vec![
                    result.unlinked.to_string(),
                    clean(&result.subject).into_owned(),
                    status,
                    clean(&words).into_owned(),
                ]
            })
            .collect();
        output::table(&["ID", "SUBJECT", "RESULT", "WHAT"], &rows)?;
        if proposal.remember {
            output::line(&format!("From now on {} belongs to {}.", proposal.domain, clean(&proposal.name)))?;
        }
    }
    if stopped {
        return Err(Problem::runtime(
            format!("Stopped after {} of {}.", results.len(), proposal.rows.len()),
            format!("you asked for it; left as they were: {}", rest.join(", ")),
            "run the same command again for the rest",
        ));
    }
    let unfinished: Vec<Execution> = results
        .iter()
        .filter_map(|(_, execution)| execution.clone())
        .filter(|execution| !matches!(execution.status, Status::Succeeded | Status::Skipped))
        .collect();
    if unfinished.is_empty() { Ok(()) } else { report(&unfinished, &[], false) }
}
