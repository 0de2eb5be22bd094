//! `reknit resolve`: a conflict decided in any way there is, alone or as a rule; first shown, then done.
//!
//! It does what the console's keys do, through the same door, and nothing that was not in the preview.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::list::{parse, unread};
use super::operate::{Desk, How, refused, report, show_preview};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::filter::span;
use crate::domain::ids::ConflictId;
use crate::domain::pause::Direction;
use crate::domain::review::Choice;
use crate::domain::text::clean;
use crate::engine::operate::disputes::{Applied, Reach, Wish};

/// Arguments of `resolve`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("choice").required(true)
    .args(["take", "left", "right", "value", "clear", "translate", "disable", "ignore", "undo"])))]
pub struct Arguments {
    /// Which conflict, as cf_3; several are decided alike, all their calls shown together
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Whose value counts: left is Intercom, right the CRM
    #[arg(long, value_parser = ["left", "right"])]
    take: Option<String>,
    /// Intercom's value counts
    #[arg(long)]
    left: bool,
    /// The CRM's value counts
    #[arg(long)]
    right: bool,
    /// A value for both
    #[arg(long)]
    value: Option<String>,
    /// Empty it on both sides
    #[arg(long)]
    clear: bool,
    /// What Intercom's value is in the CRM, from now on: goes into the mapping's table
    #[arg(long, value_name = "TO")]
    translate: Option<String>,
    /// Write this field in a direction no more, for anybody: to-crm or to-intercom
    #[arg(long, value_name = "DIRECTION")]
    disable: Option<String>,
    /// Leave it alone for a time, as 7d, or until a value changes: `change`
    #[arg(long, value_name = "SPAN")]
    ignore: Option<String>,
    /// Take the decision back: both sides get what they held before, and the field is open to be decided again
    #[arg(long, conflicts_with = "as_rule")]
    undo: bool,
    /// Make it a rule for every conflict of this field and kind: with the same two values, or with any
    #[arg(long, value_name = "VALUES", num_args = 0..=1, default_missing_value = "same", value_parser = ["same", "any"])]
    as_rule: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Arguments {
    fn wish(&self) -> Result<Wish, Problem> {
        let wrong = |why: String, next: &str| Problem::usage("Nothing was decided.", why, next.to_owned());
        if let Some(direction) = &self.disable {
            return Ok(Wish::Disable(parse_direction(direction)?));
        }
        if let Some(ignore) = &self.ignore {
            let until = match ignore.as_str() {
                "change" => None,
                text => match span(text).filter(|span| *span > Duration::ZERO) {
                    Some(span) => Some(wiring::clock().now().plus(span)),
                    None => {
                        return Err(wrong(
                            format!("\"{text}\" is not a time span"),
                            "write 12h, 7d or 2w, or `--ignore change` for until one of the values changes",
                        ));
                    }
                },
            };
            return Ok(Wish::Ignore(until));
        }
        let side = self.take.as_deref();
        Ok(Wish::Settle(if self.left || side == Some("left") {
            Choice::Left
        } else if self.right || side == Some("right") {
            Choice::Right
        } else if self.clear {
            Choice::Clear
        } else if let Some(to) = &self.translate {
            Choice::Translate(to.clone())
        } else {
            Choice::Value(self.value.clone().unwrap_or_default())
        }))
    }

    fn reach(&self, wish: &Wish) -> Result<Reach, Problem> {
        match (self.as_rule.as_deref(), wish) {
            (None, _) => Ok(Reach::This),
            (Some("any"), Wish::Settle(choice)) if !matches!(choice, Choice::Translate(_)) => {
                Ok(Reach::AnyValues)
            }
            (Some(_), Wish::Settle(choice)) if !matches!(choice, Choice::Translate(_)) => {
                Ok(Reach::SameValues)
            }
            (Some(_), _) => Err(Problem::usage(
                "Nothing was decided.",
                "a translation and a direction that is switched off hold for everybody already, and what is left alone \
                 is left alone one by one",
                "leave --as-rule away, or take a side, type a value or clear it",
            )),
        }
    }
}

/// Reads a direction, as `to-crm` or `to_crm`.
pub(super) fn parse_direction(text: &str) -> Result<Direction, Problem> {
    text.replace('_', "-").parse().map_err(|error: crate::domain::UnknownWord| {
        Problem::usage("Nothing was changed.", error.to_string(), "write to-crm or to-intercom")
    })
}

/// Settles a conflict.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let ids: Vec<ConflictId> = arguments.ids.iter().map(|id| parse(id)).collect::<Result<_, _>>()?;
    if arguments.undo {
        return take_back(&Desk::open(place, read_only)?, &ids, &arguments.how).await;
    }
    let wish = arguments.wish()?;
    let reach = arguments.reach(&wish)?;
    let desk = Desk::open(place, read_only)?;
    let [id] = ids.as_slice() else {
        return several(&desk, &ids, &wish, reach, &arguments.how).await;
    };
    let id = *id;
    let proposal = desk.operator.propose(id, &wish, reach).await.map_err(|error| refused(&error))?;
    if arguments.how.dry_run {
        return show_preview(&proposal.preview, arguments.how.json);
    }
    let applied = desk.operator.carry_out(&proposal).await.map_err(|error| refused(&error))?;
    // With a mapping that has just changed, what failed for the value runs by the mapping as it is now.
    let desk = if proposal.mapping.is_some() { Desk::open(place, read_only)? } else { desk };
    let results = desk.carry_out(&applied.executions).await?;
    let mut retried = Vec::new();
    for id in &applied.retried {
        let found = desk.journal.execution(*id).await.map_err(|error| unread(&error))?;
        retried.extend(found.map(|detail| detail.execution));
    }
    tell(&applied, arguments.how.json, reach == Reach::This && results.len() == 1)?;
    if arguments.how.json {
        return output::json(&json!({
            "sentence": applied.sentence,
            "rule": proposal.rule.as_ref().map(|rule| &rule.name),
            "executions": results,
            "retried": retried,
            "refused": applied.refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }));
    }
    report(&results, &[], false)
}

/// Several conflicts, decided alike.
async fn take_back(desk: &Desk<'_>, ids: &[ConflictId], how: &How) -> Result<(), Problem> {
    let [id] = ids else {
        return Err(Problem::usage(
            "Nothing was taken back.",
            "decisions are taken back one by one, each after a look at its calls",
            "name one conflict",
        ));
    };
    let decision = desk.operator.undo_of_settlement(*id).await.map_err(|error| refused(&error))?;
    desk.decide(&decision, how).await
}

async fn several(
    desk: &Desk<'_>,
    ids: &[ConflictId],
    wish: &Wish,
    reach: Reach,
    how: &How,
) -> Result<(), Problem> {
    let choice = match (wish, reach) {
        (Wish::Settle(choice), Reach::This) if !matches!(choice, Choice::Translate(_)) => choice,
        _ => {
            return Err(Problem::usage(
                "Nothing was decided.",
                "several conflicts at once can be given a side, a value, or be emptied",
                "name one conflict, or leave --as-rule, --translate, --disable and --ignore away",
            ));
        }
    };
    let wanted: Vec<(ConflictId, Choice)> = ids.iter().map(|id| (*id, choice.clone())).collect();
    let batch = desk.operator.propose_each(&wanted).await.map_err(|error| refused(&error))?;
    if how.dry_run {
        return show_preview(&batch.preview, how.json);
    }
    let applied = desk.operator.carry_out_each(&batch).await.map_err(|error| refused(&error))?;
    let results = desk.carry_out(&applied.executions).await?;
    if how.json {
        return output::json(&json!({
            "sentence": applied.sentence,
            "executions": results,
            "refused": applied.refused.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        }));
    }
    tell(&applied, false, false)?;
    report(&results, &[], false)
}

fn tell(applied: &Applied, json: bool, alone: bool) -> Result<(), Problem> {
    if json {
        return Ok(());
    }
    if !alone || !applied.retried.is_empty() {
        output::line(&clean(&applied.sentence))?;
    }
    for (id, why) in &applied.refused {
        output::line(&format!("–  {id} is left as it is: {}", clean(why)))?;
    }
    Ok(())
}
