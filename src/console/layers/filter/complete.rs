//! How a filter that is being typed could go on: keys, columns and words of the list, each with what it means.
//!
//! Looks at the last word only; what stands before it is kept.

use crate::domain::filter::{Key, List, known};

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What it is called.
    pub name: String,
    /// What it means, or an example.
    pub words: String,
    /// The whole text, had it been typed.
    pub whole: String,
}

/// How the text could go on; with nothing typed only when `open`.
pub(super) fn candidates(list: List, text: &str, open: bool) -> Vec<Candidate> {
    let at = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (head, word) = text.split_at(at);
    // Inside quotes the last word is none.
    if text.matches('"').count() % 2 == 1 {
        return Vec::new();
    }
    let bare = word.trim_start_matches(['-', '!']);
    let sign = &word[..word.len() - bare.len()];
    if bare.is_empty() && !open {
        return Vec::new();
    }
    let known = known(list);
    let Some((name, value)) = bare.split_once(':') else {
        let keys = known.keys.iter().map(|key| (format!("{key}:"), meaning(*key).to_owned()));
        let sort = ("sort:".to_owned(), "the column to sort by; sort:-age from the other end".to_owned());
        return fitting(bare, keys.chain([sort]), |name| format!("{head}{sign}{name}"));
    };
    if name == "sort" {
        let (turn, value) = value.strip_prefix('-').map_or(("", value), |value| ("-", value));
        let columns = known.columns.iter().map(|column| (column.to_string(), String::new()));
        return fitting(value, columns, |column| format!("{head}{sign}sort:{turn}{column}"));
    }
    let Ok(key) = name.parse::<Key>() else { return Vec::new() };
    let (before, last) = value.rfind(',').map_or(("", value), |at| value.split_at(at + 1));
    let words = known::words(list, key).into_iter().map(|word| (word.to_owned(), told(word).to_owned()));
    let examples = examples(key).iter().map(|(word, words)| ((*word).to_owned(), (*words).to_owned()));
    fitting(last, words.chain(examples), |word| format!("{head}{sign}{name}:{before}{word}"))
}

/// Those that begin with what was typed, then those that contain it; not what stands there already.
fn fitting(
    typed: &str,
    all: impl Iterator<Item = (String, String)>,
    whole: impl Fn(&str) -> String,
) -> Vec<Candidate> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (name, words) in all {
        let candidate = |whole: String| Candidate { name: name.clone(), words: words.clone(), whole };
        if name == typed {
            // It is typed: nothing is left to complete, also where others begin with it.
            return Vec::new();
        }
        if name.starts_with(typed) {
            first.push(candidate(whole(&name)));
        } else if typed.len() > 1 && name.contains(typed) {
            rest.push(candidate(whole(&name)));
        }
    }
    first.extend(rest);
    first
}

/// What a key looks at.
pub(super) const fn meaning(key: Key) -> &'static str {
    match key {
        Key::Status => "where it stands; several with commas",
        Key::Recipe => "the recipe's name; contact* begins with it",
        Key::Error => "the class of the last error",
        Key::Cause => "all that wait for one cause",
        Key::Code => "the HTTP status of the last failure",
        Key::Id => "its number: id:ex_4821",
        Key::Person => "the person or organisation",
        Key::Record => "the record: record:151",
        Key::System => "the system of the record",
        Key::Kind => "the kind of record, or of conflict",
        Key::Field => "the field in conflict",
        Key::Role => "who decides it",
        Key::Domain => "the e-mail domain",
        Key::Outcome => "how it ended",
        Key::Since => "changed within: since:2h, since:2026-11-20",
        Key::Until => "not changed within: until:2h",
        Key::Age => "older than: age:3d; younger: age:<1h",
        Key::Attempts => "failed tries: attempts:>3",
        Key::Priority => "who goes first",
        Key::Actor => "who did it",
        Key::Verb => "what was done: merge, retry",
        Key::Method => "the HTTP method of a call",
        Key::Assignee => "who is to look at it: me, any, or a name",
        Key::Claimed => "who is at it now: me, any, or a name",
    }
}

/// What a word means where its name does not say so.
const fn told(word: &str) -> &'static str {
    match word.as_bytes() {
        b"open" => "needs or awaits something",
        b"in_doubt" => "may have been written; looked up first",
        b"held" => "stopped by a human",
        b"auth" => "token or scopes refused",
        b"deciding" => "decided, being carried out",
        b"ignored" => "left alone for a time",
        b"dismissed" => "a human said there is nothing to do",
        b"obsolete" => "the cause went away by itself",
        _ => "",
    }
}

const fn examples(key: Key) -> &'static [(&'static str, &'static str)] {
    match key {
        Key::Since => &[("1h", "the last hour"), ("24h", "the last day"), ("7d", "the last week")],
        Key::Until => &[("1h", "before the last hour"), ("24h", "before the last day")],
        Key::Age => {
            &[("1h", "older than an hour"), ("1d", "older than a day"), ("<1h", "younger than an hour")]
        }
        Key::Attempts => &[(">0", "failed at least once"), (">3", "failed more than three times")],
        Key::Code => {
            &[("401", "token"), ("409", "already there"), ("429", "too fast"), (">499", "the vendor's")]
        }
        _ => &[],
    }
}

/// The text with its last term the other way round.
pub(super) fn turned(text: &str) -> String {
    let text = text.trim_end();
    let at = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (head, word) = text.split_at(at);
    match word.strip_prefix(['-', '!']) {
        Some(plain) => format!("{head}{plain}"),
        None if word.is_empty() => text.to_owned(),
        None => format!("{head}-{word}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, open: bool) -> Vec<String> {
        candidates(List::Executions, text, open).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn keys_words_and_columns_are_offered_where_they_fit() {
        assert_eq!(names("jane stat", false), ["status:"]);
        assert!(names("", false).is_empty() && names("", true).len() > 10);
        assert_eq!(names("status:fa", false), ["failed"]);
        assert_eq!(names("status:failed", false), Vec::<String>::new());
        assert_eq!(names("status:failed,he", false), ["held"]);
        assert_eq!(names("sort:-att", false), ["attempts"]);
        assert!(names("nonsense:x", false).is_empty());
        assert!(names("\"an open quote", false).is_empty());
        let one = &candidates(List::Executions, "jane -status:failed,he", false)[0];
        assert_eq!(one.whole, "jane -status:failed,held");
        let one = &candidates(List::Conflicts, "jane !rol", false)[0];
        assert_eq!(one.whole, "jane !role:");
    }

    #[test]
    fn everything_offered_is_understood() {
        for list in List::ALL {
            for key in known(*list).keys {
                for one in candidates(*list, &format!("{key}:"), true) {
                    let parsed = crate::domain::filter::Filter::parse_for(*list, &one.whole);
                    assert!(parsed.is_ok(), "{list}: {}: {parsed:?}", one.whole);
                }
            }
        }
    }

    #[test]
    fn a_term_is_turned_round_and_back() {
        assert_eq!(turned("a status:failed "), "a -status:failed");
        assert_eq!(turned("a -status:failed"), "a status:failed");
        assert_eq!(turned(""), "");
    }
}
