//! `reknit merge`: makes one record out of several, shown before it is done. The same decision as the console's key.

use clap::Args;
use serde_json::Value;

use super::list::parse;
use super::operate::{Desk, How, record, refused};
use super::problem::Problem;
use super::wiring::Place;
use crate::domain::ids::DuplicateId;
use crate::domain::merge::{Instead, MergeWish, Take};
use crate::domain::record::{Fields, RecordRef};
use crate::domain::review::Decision;

/// Arguments of `merge`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct MergeArguments {
    /// Which duplicate candidate, as du_7
    id: String,
    /// The record that goes on, as hubspot/contact/151 [default: by the setting merge.master]
    #[arg(long, value_name = "RECORD")]
    survivor: Option<String>,
    /// Whose value of a field survives, as phone=hubspot/contact/152 (may be repeated)
    #[arg(long, value_name = "FIELD=RECORD")]
    take: Vec<String>,
    /// A value of your own for a field of the survivor's system, as title="VP"; nothing after the = clears it (may be
    /// repeated)
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Everything that belongs together: further records of the same person, and theirs in the other system
    #[arg(long)]
    group: bool,
    /// Where Intercom merges no such pair: copy over what the chosen one lacks, then archive the other
    #[arg(long, value_name = "WAY", value_parser = ["copy-and-archive"], conflicts_with = "group")]
    instead: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Merges a duplicate candidate.
pub async fn merge(place: &Place, read_only: bool, arguments: &MergeArguments) -> Result<(), Problem> {
    let duplicate: DuplicateId = parse(&arguments.id)?;
    let named: Option<RecordRef> = arguments.survivor.as_deref().map(record).transpose()?;
    let wish = MergeWish {
        take: arguments.take.iter().map(|text| taken(text)).collect::<Result<_, _>>()?,
        set: typed(&arguments.set)?,
        instead: arguments.instead.as_ref().map(|_| Instead::CopyAndArchive),
        ..MergeWish::default()
    };
    let desk = Desk::open(place, read_only)?;
    let refusal = |error| refused(&error);
    let decision = if arguments.group {
        desk.operator.whole_merge(duplicate, named, wish).await.map_err(refusal)?
    } else {
        let survivor = match named {
            Some(survivor) => survivor,
            None => desk.operator.survivor_of(duplicate).await.map_err(refusal)?,
        };
        Decision::Merge { duplicate, survivor, wish: Box::new(wish) }
    };
    desk.decide(&decision, &arguments.how).await
}

fn split<'a>(text: &'a str, example: &str) -> Result<(&'a str, &'a str), Problem> {
    text.split_once('=')
        .map(|(field, value)| (field.trim(), value))
        .filter(|(field, _)| !field.is_empty())
        .ok_or_else(|| {
            Problem::usage(
                "Nothing was merged.",
                format!("\"{text}\" names no field and what it becomes"),
                format!("write {example}; `reknit merge ID --dry-run` lists the fields"),
            )
        })
}

fn taken(text: &str) -> Result<Take, Problem> {
    let (field, value) = split(text, "--take phone=hubspot/contact/152")?;
    Ok(Take { field: field.to_owned(), record: record(value.trim())? })
}

fn typed(texts: &[String]) -> Result<Fields, Problem> {
    let mut fields = Fields::new();
    for text in texts {
        let (field, value) = split(text, "--set title=\"VP\"")?;
        let value = if value.is_empty() { Value::Null } else { Value::String(value.to_owned()) };
        fields.insert(field.to_owned(), value);
    }
    Ok(fields)
}
