//! `reknit claim`, `unclaim`, `comment` and `hint`: who works on what, so that two people do not decide the same thing
//! twice. Nothing of it is sent to a vendor.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::list::unread;
use super::operate::{Desk, refused};
use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place, actor};
use crate::domain::filter::span;
use crate::domain::team::{CLAIM, Item};
use crate::journal::Journal;

/// Arguments of `claim`.
#[derive(Debug, Args)]
pub struct ClaimArguments {
    /// What, as ex_12, cf_3, du_7 or un_4
    #[arg(required = true)]
    ids: Vec<Item>,
    /// For how long, as 30m or 2h; it ends by itself [default: 30m]
    #[arg(long = "for", value_name = "SPAN")]
    length: Option<String>,
    /// Also what somebody else has claimed; the audit log says so
    #[arg(long)]
    take_over: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `unclaim`.
#[derive(Debug, Args)]
pub struct UnclaimArguments {
    /// What, as ex_12, cf_3, du_7 or un_4
    #[arg(required = true)]
    ids: Vec<Item>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `comment`.
#[derive(Debug, Args)]
pub struct CommentArguments {
    /// On what, as ex_12, cf_3, du_7 or un_4
    id: Item,
    /// What to say; without it, the comments there are
    text: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `hint`.
#[derive(Debug, Args)]
pub struct HintArguments {
    #[command(subcommand)]
    command: HintCommand,
}

#[derive(Debug, Subcommand)]
enum HintCommand {
    /// Say who is to look at items
    Assign {
        /// What, as ex_12, cf_3, du_7 or un_4
        #[arg(required = true)]
        ids: Vec<Item>,
        /// To whom
        #[arg(long, value_name = "NAME", required_unless_present = "nobody", conflicts_with = "nobody")]
        to: Option<String>,
        /// To nobody in particular
        #[arg(long)]
        nobody: bool,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// What is claimed, assigned or spoken of
    List {
        /// Only what is claimed by or assigned to somebody; "me" is oneself
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 200)]
        limit: usize,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Claims items.
pub async fn claim(place: &Place, read_only: bool, arguments: &ClaimArguments) -> Result<(), Problem> {
    let length = match &arguments.length {
        None => CLAIM,
        Some(text) => span(text).ok_or_else(|| {
            Problem::usage(
                "Nothing was claimed.",
                format!("\"{text}\" is no span of time"),
                "write 30m or 2h",
            )
        })?,
    };
    let desk = Desk::open(place, read_only)?;
    let claimed = desk.operator.claim(&arguments.ids, length, arguments.take_over).await;
    let taken = claimed.map_err(|error| refused(&error))?;
    let mine: Vec<&Item> =
        arguments.ids.iter().filter(|item| !taken.iter().any(|taken| taken.item == **item)).collect();
    if arguments.json {
        let taken: Vec<Value> =
            taken.iter().map(|taken| json!({"id": taken.item, "claim": taken.claim})).collect();
        output::json(&json!({"claimed": mine, "taken": taken}))?;
    } else {
        for item in &mine {
            output::line(&format!("{item} is yours for {} minutes.", length.as_secs().div_ceil(60)))?;
        }
    }
    match taken.first() {
        None => Ok(()),
        Some(first) => Err(Problem::runtime(
            format!("{} of {} items were not claimed.", taken.len(), arguments.ids.len()),
            format!("{} has {} until {}", first.claim.who, first.item, first.claim.until.rfc3339()),
            "ask them, or add --take-over",
        )),
    }
}

/// Gives claims back.
pub async fn unclaim(place: &Place, read_only: bool, arguments: &UnclaimArguments) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only)?;
    let given = desk.operator.give_back(&arguments.ids).await.map_err(|error| refused(&error))?;
    if arguments.json {
        return output::json(&json!({"given_back": given}));
    }
    output::line(&match given {
        0 => "None of these was claimed by you.".to_owned(),
        1 => "1 claim given back.".to_owned(),
        many => format!("{many} claims given back."),
    })
}

/// Leaves a comment, or shows those there are.
pub async fn comment(place: &Place, read_only: bool, arguments: &CommentArguments) -> Result<(), Problem> {
    let item = arguments.id;
    let Some(text) = &arguments.text else {
        let config = place.settings()?;
        let journal = place.open(&config, Opening::Look)?;
        let comments = journal.comments_on(item).await.map_err(|error| unread(&error))?;
        if arguments.json {
            return output::json(&json!({"id": item, "comments": comments}));
        }
        let lines = of(&journal, item).await?.map(|(lines, _)| lines).unwrap_or_default();
        return match comments.len() {
            0 => output::line(&format!("Nobody has said anything of {item} yet.")),
            _ => super::show::tell(&lines),
        };
    };
    let desk = Desk::open(place, read_only)?;
    desk.operator.comment(&[item], text).await.map_err(|error| refused(&error))?;
    if arguments.json {
        let comments = desk.journal.comments_on(item).await.map_err(|error| unread(&error))?;
        return output::json(&json!({"id": item, "comments": comments}));
    }
    output::line(&format!("Noted on {item}; `reknit show {item}` shows it."))
}

/// Assigns, and lists.
pub async fn hint(place: &Place, read_only: bool, arguments: &HintArguments) -> Result<(), Problem> {
    match &arguments.command {
        HintCommand::Assign { ids, to, json, .. } => {
            let desk = Desk::open(place, read_only)?;
            let to = desk.operator.assign(ids, to.as_deref()).await.map_err(|error| refused(&error))?;
            if *json {
                return output::json(&json!({"ids": ids, "assignee": to}));
            }
            let who = to.unwrap_or_else(|| "nobody in particular".to_owned());
            ids.iter().try_for_each(|item| output::line(&format!("{item} is assigned to {who}.")))
        }
        HintCommand::List { of, limit, json } => {
            let config = place.settings()?;
            let journal = place.open(&config, Opening::Look)?;
            let name = of.as_ref().map(|name| if name == "me" { actor() } else { name.clone() });
            let hints = journal.hints_of(name, *limit).await.map_err(|error| unread(&error))?;
            if *json {
                return output::json(&json!({"hints": hints}));
            }
            if hints.is_empty() {
                return output::line("Nothing is claimed, assigned or spoken of.");
            }
            let rows: Vec<Vec<String>> = hints
                .iter()
                .map(|hint| {
                    let claim = hint.claim.as_ref();
                    vec![
                        hint.item.to_string(),
                        claim.map_or_else(|| "—".into(), |claim| claim.who.clone()),
                        claim.map_or_else(|| "—".into(), |claim| claim.until.rfc3339()),
                        hint.assignee.as_ref().map_or_else(|| "—".into(), |to| to.who.clone()),
                        hint.comments.to_string(),
                    ]
                })
                .collect();
            output::table(&["ID", "CLAIMED BY", "UNTIL", "ASSIGNED TO", "COMMENTS"], &rows)
        }
    }
}

/// The hints on an item, as lines and as JSON; none where nobody left any.
pub(super) async fn of(journal: &Journal, item: Item) -> Result<Option<(Vec<String>, Value)>, Problem> {
    let hints = journal.hints(vec![item]).await.map_err(|error| unread(&error))?;
    let Some(hint) = hints.into_iter().next() else { return Ok(None) };
    let comments = journal.comments_on(item).await.map_err(|error| unread(&error))?;
    let mut lines = Vec::new();
    if let Some(claim) = &hint.claim {
        lines.push(format!("Claim {} has it until {}", claim.who, claim.until.rfc3339()));
    }
    if let Some(to) = &hint.assignee {
        lines.push(format!("For   {}, said {} at {}", to.who, to.by, to.at.rfc3339()));
    }
    for comment in &comments {
        let head = format!("{}  {}: ", comment.at.rfc3339(), comment.who);
        if comment.erased {
            lines.push(format!("Said  {head}(erased with the person it spoke of)"));
            continue;
        }
        for (index, line) in comment.text.lines().enumerate() {
            let label = if index == 0 { format!("Said  {head}") } else { "      ".to_owned() };
            lines.push(format!("{label}{line}"));
        }
    }
    let value = json!({"claim": hint.claim, "assignee": hint.assignee, "comments": comments});
    Ok(Some((lines, value)))
}
