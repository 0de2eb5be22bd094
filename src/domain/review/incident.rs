//! Why a duplicate of our own making came about, told from the traces its executions left. Pure; the traces are read
//! elsewhere, and nothing is decided.

use serde::{Deserialize, Serialize};

use super::super::clock::Timestamp;
use super::super::ids::{DuplicateId, ExecutionId};
use super::super::record::{Fields, RecordRef, value_text};

words! {
    /// The cause of an incident.
    pub enum Cause {
        /// The record was made without asking whether there is one.
        NoLookup = "no_lookup",
        /// It was looked for by an identifier that the other record does not have.
        ConflictingIdentifiers = "conflicting_identifiers",
        /// Two executions made one each at the same time.
        ParallelRecipes = "parallel_recipes",
        /// It was looked for by what the other record has, and the vendor did not find it.
        LookupMissed = "lookup_missed",
        /// The other record was made later, by somebody else.
        MadeOutside = "made_outside",
        /// The traces do not say.
        Unknown = "unknown",
    }
}

/// One execution that made a record, and when it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// Which.
    pub execution: ExecutionId,
    /// Its recipe.
    pub recipe: String,
    /// When it was queued or began.
    pub from: Timestamp,
    /// When it had made the record.
    pub to: Timestamp,
}

/// What is known of how a duplicate came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// The pair.
    pub duplicate: DuplicateId,
    /// The record we made last.
    pub made: RecordRef,
    /// Its fields.
    pub made_fields: Fields,
    /// By whom.
    pub maker: Maker,
    /// What it asked the vendor first, as the log of calls says it: `find contact by email`.
    pub lookups: Vec<String>,
    /// The record it is a duplicate of.
    pub other: RecordRef,
    /// Its fields.
    pub other_fields: Fields,
    /// Who made that one, where we did.
    pub other_maker: Option<Maker>,
    /// When that one was made, as its vendor says.
    pub other_created: Option<Timestamp>,
}

/// The cause, and by what it is known, as a sentence.
pub fn cause(traces: &Traces) -> (Cause, String) {
    let (made, other, maker) = (traces.made.title(), traces.other.title(), &traces.maker);
    let recipe = &maker.recipe;
    if let Some(second) = &traces.other_maker
        && second.from <= maker.to
        && maker.from <= second.to
    {
        let who = if second.recipe == *recipe {
            format!("{recipe} ran twice at the same time ({} and {})", second.execution, maker.execution)
        } else {
            format!(
                "the recipes {} ({}) and {recipe} ({}) ran at the same time",
                second.recipe, second.execution, maker.execution
            )
        };
        return (Cause::ParallelRecipes, format!("{who}: {other} and {made} were made side by side."));
    }
    if traces.other_maker.is_none() && traces.other_created.is_some_and(|at| at > maker.to) {
        let words =
            format!("{other} was made outside Reknit after {recipe} ({}) had made {made}.", maker.execution);
        return (Cause::MadeOutside, words);
    }
    let asked: Vec<&str> = traces.lookups.iter().filter_map(|words| words.split(" by ").nth(1)).collect();
    if asked.is_empty() {
        let words = format!(
            "{recipe} ({}) made {made} without a lookup: nothing asked whether the person is there already, as {other}.",
            maker.execution
        );
        return (Cause::NoLookup, words);
    }
    let text = |fields: &Fields, name: &str| {
        let found = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value_text(value)).unwrap_or_default().trim().to_lowercase()
    };
    let differs: Vec<String> = asked
        .iter()
        .filter_map(|field| {
            let field = field.split_whitespace().next().unwrap_or_default();
            let (ours, theirs) = (text(&traces.made_fields, field), text(&traces.other_fields, field));
            (ours != theirs).then(|| {
                let theirs = if theirs.is_empty() { "none".to_owned() } else { format!("\"{theirs}\"") };
                format!("{field} \"{ours}\", and {other} has {theirs}")
            })
        })
        .collect();
    if differs.len() == asked.len() {
        let words = format!("{recipe} ({}) looked for {}.", maker.execution, differs.join("; for "));
        return (Cause::ConflictingIdentifiers, words);
    }
    let words = format!(
        "{recipe} ({}) looked by {}, which {other} has as well, and the vendor did not find it: its search shows some \
         changes late.",
        maker.execution,
        asked.join(" and ")
    );
    (Cause::LookupMissed, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn traces() -> Traces {
        let maker = |id, recipe: &str, from, to| Maker {
            execution: ExecutionId(id),
            recipe: recipe.to_owned(),
            from: Timestamp(from),
            to: Timestamp(to),
        };
        let fields = |value| serde_json::from_value(value).expect("fields");
        Traces {
            duplicate: DuplicateId(1),
            made: "hubspot/contact/77".parse().expect("a record"),
            made_fields: fields(json!({"email": "jane@acme.example"})),
            maker: maker(5, "contact-to-crm", 1_000, 2_000),
            lookups: vec!["find contact by email".to_owned()],
            other: "hubspot/contact/12".parse().expect("a record"),
            other_fields: fields(json!({"email": "j.doe@acme.example"})),
            other_maker: None,
            other_created: Some(Timestamp(10)),
        }
    }

    #[test]
    fn r216_a_record_made_without_a_lookup_says_so() {
        let (cause, words) = cause(&Traces { lookups: Vec::new(), ..traces() });
        assert_eq!(cause, Cause::NoLookup);
        assert!(words.contains("contact-to-crm (ex_5)") && words.contains("without a lookup"), "{words}");
    }

    #[test]
    fn r217_a_lookup_by_an_identifier_that_the_other_record_lacks_names_both_values() {
        let (cause, words) = cause(&traces());
        assert_eq!(cause, Cause::ConflictingIdentifiers);
        assert!(words.contains("jane@acme.example") && words.contains("j.doe@acme.example"), "{words}");
        let same = Traces { other_fields: traces().made_fields, ..traces() };
        assert_eq!(super::cause(&same).0, Cause::LookupMissed);
    }

    #[test]
    fn r218_two_recipes_at_the_same_time_are_both_named() {
        let second = |from, to| Maker {
            execution: ExecutionId(4),
            recipe: "lead-to-crm".to_owned(),
            from: Timestamp(from),
            to: Timestamp(to),
        };
        let parallel = Traces { other_maker: Some(second(1_500, 1_900)), ..traces() };
        let (found, words) = cause(&parallel);
        assert_eq!(found, Cause::ParallelRecipes);
        assert!(words.contains("lead-to-crm") && words.contains("contact-to-crm"), "{words}");
        let earlier = Traces { other_maker: Some(second(10, 20)), ..traces() };
        assert_ne!(cause(&earlier).0, Cause::ParallelRecipes, "one after the other is another cause");
    }

    #[test]
    fn a_record_that_came_later_by_another_hand_is_none_of_our_making() {
        assert_eq!(
            cause(&Traces { other_created: Some(Timestamp(9_000)), ..traces() }).0,
            Cause::MadeOutside
        );
    }
}
