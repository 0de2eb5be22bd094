//! `reknit link rules`: what is said about whole e-mail domains. A rule proposes and explains; it links nobody by itself
//! unless `engine.link_by_rule` says so.

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::unread;
use super::operate::{Desk, record, refused};
use super::output;
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::text::clean;

/// Arguments of `link rules`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every rule, who made it and why
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say where everybody of a domain belongs, or never to ask about it
    #[command(group(clap::ArgGroup::new("what").required(true).args(["company", "never"])))]
    Add {
        /// The domain, as acme.co.uk
        domain: String,
        /// The company, as hubspot/company/812
        #[arg(long, value_name = "RECORD")]
        company: Option<String>,
        /// Never ask about people of this domain; what is open about them is closed
        #[arg(long)]
        never: bool,
        /// Why; it stays with the rule
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a rule away: people of the domain are asked about again
    Remove {
        /// The domain
        domain: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub(super) async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let listing = matches!(arguments.command, Command::List { .. });
    let desk = Desk::open(place, read_only || listing)?;
    match &arguments.command {
        Command::List { json } => {
            let rules = desk.journal.domain_rules().await.map_err(|error| unread(&error))?;
            if *json {
                return output::json(&rules);
            }
            let rows: Vec<Vec<String>> = rules
                .iter()
                .map(|rule| {
                    let belongs =
                        rule.company.as_ref().map_or_else(|| "never asked".to_owned(), ToString::to_string);
                    let (actor, reason) = (clean(&rule.actor).into_owned(), clean(&rule.reason).into_owned());
                    vec![rule.domain.clone(), belongs, actor, rule.since.rfc3339(), reason]
                })
                .collect();
            if rows.is_empty() {
                return output::line("Nothing is said about any domain.");
            }
            output::table(&["DOMAIN", "BELONGS TO", "BY", "SINCE", "WHY"], &rows)
        }
        Command::Add { domain, company, reason, json, .. } => {
            let company = company.as_deref().map(record).transpose()?;
            let closed = desk
                .operator
                .rule_for_domain(domain, company, reason)
                .await
                .map_err(|error| refused(&error))?;
            if *json {
                return output::json(&json!({ "domain": domain, "closed": closed }));
            }
            output::line(&format!("{} holds from now on; {closed} open items closed.", clean(domain)))
        }
        Command::Remove { domain, json } => {
            let gone = desk.operator.forget_domain(domain).await.map_err(|error| refused(&error))?;
            if *json {
                return output::json(&json!({ "removed": gone }));
            }
            if gone {
                return output::line(&format!("{} is asked about again.", clean(domain)));
            }
            Err(Problem::usage(
                "Nothing was changed.",
                format!("nothing is said about {}", clean(domain)),
                "`reknit link rules list` shows the domains",
            ))
        }
    }
}
