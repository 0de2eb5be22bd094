//! What is shown of a call: the call itself, the answer, what of it was refused, and why it failed. Sends nothing.

use serde_json::{Value, json};

use crate::cli::output;
use crate::cli::problem::Problem;
use crate::domain::error_class::{ErrorClass, Retry};
use crate::domain::plan::Call;
use crate::domain::record::System;
use crate::domain::text::clean_lines;
use crate::domain::trouble::{advise, without_console};
use crate::vendors::VendorError;

/// The call as it would go out, without secrets.
pub(super) fn show(call: &Call, writes: bool, as_json: bool) -> Result<(), Problem> {
    if as_json {
        return output::json(&json!({"sent": false, "writes": writes, "call": call}));
    }
    output::line(&clean_lines(&format!("{} {}{}", call.method, call.host, call.path)).join(" "))?;
    match &call.body {
        None => Ok(()),
        Some(Value::String(text)) => text_lines(text),
        Some(body) => output::pretty(body),
    }
}

/// The answer.
pub(super) fn print(answer: &Value, as_json: bool) -> Result<(), Problem> {
    match answer {
        _ if as_json => output::json(answer),
        Value::Null => output::line("Done; the answer is empty."),
        Value::String(text) => text_lines(text),
        answer => output::pretty(answer),
    }
}

fn text_lines(text: &str) -> Result<(), Problem> {
    clean_lines(text).iter().try_for_each(|line| output::line(line))
}

/// How many rows of an answer were refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) refused: usize,
    pub(super) all: usize,
}

impl Refused {
    /// Nothing when no row was: rows that say `success`, parts with a status of their own, and lists of errors beside
    /// results.
    pub(super) fn of(answer: &Value) -> Option<Self> {
        let (refused, all) = if let Some(rows) = answer.as_array() {
            (rows.iter().filter(|row| row["success"] == false).count(), rows.len())
        } else if let Some(parts) = answer["compositeResponse"].as_array() {
            let failed = |part: &&Value| part["httpStatusCode"].as_u64().is_some_and(|status| status >= 400);
            (parts.iter().filter(failed).count(), parts.len())
        } else if let Some(results) = answer["results"].as_array() {
            let said = answer["numErrors"].as_u64().and_then(|count| usize::try_from(count).ok());
            let listed = answer["errors"].as_array().map_or(0, Vec::len);
            let refused = said.unwrap_or_default().max(listed);
            (refused, results.len() + refused)
        } else {
            return None;
        };
        (refused > 0).then_some(Self { refused, all })
    }

    /// Said after the answer, which names each.
    pub(super) fn problem(&self, system: System, wrote: bool) -> Problem {
        let Self { refused, all } = self;
        let done = if wrote { "written" } else { "found" };
        let others =
            if refused == all { format!("none was {done}") } else { format!("the others were {done}") };
        Problem::runtime(
            format!("{refused} of {all} rows were refused; {others}."),
            format!("the answer above holds {}'s words about each", system.title()),
            "correct those rows and send only them again",
        )
    }
}

/// What a class means to somebody who made the call by hand: no mapping and no known record is behind it.
fn meaning(system: System, class: ErrorClass, words: &str) -> &'static str {
    match class {
        ErrorClass::NotFound => "There is no such record, path or property (any more).",
        ErrorClass::UnknownField => "The vendor has no such field.",
        ErrorClass::Validation => "The vendor refused the request as it is.",
        ErrorClass::NotAllowedValue => "A value is not one of its field's options.",
        ErrorClass::DuplicateDetected => "A record with this identity exists already.",
        ErrorClass::Auth | ErrorClass::Permission | ErrorClass::RateLimited | ErrorClass::QuotaExhausted => {
            advise(Some(system), class, words).meaning
        }
        _ => class.treatment().meaning,
    }
}

/// What to do, for somebody who made the call by hand and has no key to press.
fn next(system: System, error: &VendorError) -> String {
    if error.may_have_happened {
        return "look at the vendor before you send it again".to_owned();
    }
    match (error.class, error.class.treatment().retry) {
        (ErrorClass::NotFound, _) => "check the ids and names in the call, then send it again".to_owned(),
        (ErrorClass::DuplicateDetected, _) => {
            "change that record instead, or give another identity".to_owned()
        }
        (_, Retry::Later) => "send it again in a while".to_owned(),
        (_, Retry::Wait) => match error.retry_at {
            Some(at) => format!("send it again after {}", at.rfc3339()),
            None => "send it again when the vendor allows more calls".to_owned(),
        },
        (ErrorClass::Auth | ErrorClass::Permission, _) => {
            match without_console(advise(Some(system), error.class, &error.words).hint).as_str() {
                "" => "`reknit doctor` says which credential is refused".to_owned(),
                advice => format!("{}; then send it again", advice.trim_end_matches('.')),
            }
        }
        _ => "correct the call, then send it again".to_owned(),
    }
}

/// Our own words about a call that was not sent, without saying so: the line above them does.
pub(super) fn reason(words: &str) -> String {
    let words = words.trim();
    let words = words.strip_prefix("Nothing was sent: ").unwrap_or(words);
    words
        .replace(", so nothing was sent:", ":")
        .replace("; nothing was sent.", ".")
        .replace(" Nothing was sent.", "")
}

/// A call that failed. `sent` says whether anything of it left this machine.
pub(super) fn failed(system: System, error: &VendorError, wrote: bool, sent: bool) -> Problem {
    let title = system.title();
    if error.status.is_none() && !sent && !error.may_have_happened {
        let why = format!("{} ({})", reason(&error.words), error.class);
        return Problem::runtime("Nothing was sent.", why, next(system, error));
    }
    let consequence = match (wrote, error.may_have_happened) {
        (false, _) => "nothing was changed",
        (true, false) => "it did not happen",
        (true, true) => "nobody can tell from here whether it happened",
    };
    let meaning = meaning(system, error.class, &error.words);
    let mut why = match error.status {
        Some(status) => format!("{meaning} ({}, {status}) {title} said: \"{}\"", error.class, error.words),
        None => format!("{meaning} ({}) {}", error.class, reason(&error.words)),
    };
    if let Some(existing) = &error.existing {
        why.push_str(&format!(" It concerns {existing}."));
    }
    Problem::runtime(format!("{title} did not do it; {consequence}."), why, next(system, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_rows_are_counted_in_every_vendors_answers() {
        let of = |answer: Value| Refused::of(&answer).map(|it| (it.refused, it.all));
        assert_eq!(of(json!([{"success": true}, {"success": false}])), Some((1, 2)));
        assert_eq!(of(json!([{"success": true}, null])), None);
        let parts = json!({"compositeResponse": [{"httpStatusCode": 400}, {"httpStatusCode": 404}]});
        assert_eq!(of(parts), Some((2, 2)));
        assert_eq!(of(json!({"results": [{"id": "1"}], "numErrors": 1, "errors": [{}]})), Some((1, 2)));
        assert_eq!(of(json!({"results": [{"id": "1"}], "errors": [{}, {}]})), Some((2, 3)));
        assert_eq!(of(json!({"results": [{"id": "1"}]})), None);
        assert_eq!(of(json!({"id": "00Q1", "success": true, "errors": []})), None);
        assert_eq!(of(json!("text")), None);
    }

    #[test]
    fn a_call_by_hand_fails_in_words_of_calls_by_hand() {
        for class in ErrorClass::ALL {
            for system in System::ALL {
                let mut error = VendorError::new(*class, "its words");
                error.status = Some(400);
                let problem = failed(*system, &error, true, true);
                let shown = problem.to_string();
                for engine in ["mapping", "press r", "ress r", "(3)", "(4)", "we knew", "mend what it names"]
                {
                    assert!(!shown.contains(engine), "{engine}: {shown}");
                }
                assert!(shown.contains("said: \"its words\""), "{shown}");
                error.status = None;
                error.words = "Nothing was sent: too many rows.".to_owned();
                let shown = failed(*system, &error, true, false).to_string();
                assert!(!shown.contains(" said") && shown.matches("othing was sent").count() == 1, "{shown}");
            }
        }
    }
}
