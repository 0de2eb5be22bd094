//! How a filter that is being typed could go on: keys, columns and words of the list, each with what it means.
//!
//! Looks at the last word only; what stands before it is kept.

use crate::console::text::counted;
use crate::domain::filter::{self, Key, List, known, quoted};
use crate::journal::pages::Offered;

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
pub(super) fn candidates(list: List, text: &str, open: bool, held: &[Offered]) -> Vec<Candidate> {
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
        let keys =
            known.keys.iter().map(|key| (format!("{}:", list.name_of(*key)), meaning(list, *key).to_owned()));
        let sort = ("sort:".to_owned(), "the column to sort by; sort:-age from the other end".to_owned());
        let sort = Some(sort).filter(|_| !known.columns.is_empty());
        return fitting(bare, keys.chain(sort), |name| format!("{head}{sign}{name}"));
    };
    if name == "sort" {
        let (turn, value) = value.strip_prefix('-').map_or(("", value), |value| ("-", value));
        let columns = known.columns.iter().map(|column| (column.to_string(), String::new()));
        return fitting(value, columns, |column| format!("{head}{sign}sort:{turn}{column}"));
    }
    let Some(key) = filter::key(name) else { return Vec::new() };
    let (before, last) = value.rfind(',').map_or(("", value), |at| value.split_at(at + 1));
    let words = known::words(list, key).into_iter().map(|word| (word.to_owned(), told(word).to_owned()));
    let examples = examples(list, key).iter().map(|(word, words)| ((*word).to_owned(), (*words).to_owned()));
    let held = held.iter().map(|one| {
        let rows = one.rows.map_or_else(String::new, |rows| counted(rows, "row"));
        (quoted(&one.value), rows)
    });
    fitting(last, words.chain(examples).chain(held), |word| format!("{head}{sign}{name}:{before}{word}"))
}

/// The key whose values are being typed, and how they begin; none where the language itself knows them all.
pub(super) fn wanted(list: List, text: &str) -> Option<(Key, String)> {
    let at = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (name, value) = text[at..].trim_start_matches(['-', '!']).split_once(':')?;
    let key = filter::key(name).filter(|key| list.knows(*key))?;
    if !known::words(list, key).is_empty() || matches!(key, Key::Since | Key::Until | Key::Age) {
        return None;
    }
    let last = value.rfind(',').map_or(value, |at| &value[at + 1..]);
    Some((key, last.trim_matches('"').to_owned()))
}

/// Those that begin with what was typed, then those that contain it; not what stands there already.
fn fitting(
    typed: &str,
    all: impl Iterator<Item = (String, String)>,
    whole: impl Fn(&str) -> String,
) -> Vec<Candidate> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let folded = typed.to_lowercase();
    for (name, words) in all {
        let candidate = |whole: String| Candidate { name: name.clone(), words: words.clone(), whole };
        if name == typed {
            // It is typed: nothing is left to complete, also where others begin with it.
            return Vec::new();
        }
        let found = name.to_lowercase();
        if found.starts_with(&folded) {
            first.push(candidate(whole(&name)));
        } else if typed.len() > 1 && found.contains(&folded) {
            rest.push(candidate(whole(&name)));
        }
    }
    first.extend(rest);
    first
}

/// What a key looks at.
pub(super) const fn meaning(list: List, key: Key) -> &'static str {
    match (list, key) {
        (List::Audit, Key::Record) => return "what it was done to: du_4, hubspot/contact/151, hubspot/*",
        (List::Audit, Key::System) => return "the system of the record it was done to",
        (List::Calls, Key::Record) => return "for which execution: execution:ex_4821",
        (List::Calls, Key::Status) => return "what was answered: 404, 4xx, failed, none",
        (List::Calls, Key::Error) => return "the class of the failure",
        (List::Calls, Key::System) => return "the system that was called",
        _ => {}
    }
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

const fn examples(list: List, key: Key) -> &'static [(&'static str, &'static str)] {
    match (list, key) {
        (List::Calls, Key::Status) => {
            return &[
                ("failed", "everything but 2xx and 3xx"),
                ("4xx", "refused"),
                ("5xx", "the vendor's"),
                ("2xx", "went well"),
                ("none", "no answer came"),
                ("401", "token"),
                ("403", "scopes"),
                ("404", "not there"),
                ("409", "already there"),
                ("429", "too fast"),
                ("500", "the vendor's"),
                ("502", "the vendor's"),
                ("503", "busy"),
            ];
        }
        (List::Calls, Key::Method) => {
            return &[("GET", "reads"), ("POST", ""), ("PATCH", ""), ("PUT", ""), ("DELETE", "")];
        }
        _ => {}
    }
    match key {
        Key::Assignee | Key::Claimed => &[("me", "yourself"), ("any", "whoever it is")],
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
        candidates(List::Executions, text, open, &[]).into_iter().map(|one| one.name).collect()
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
        let one = &candidates(List::Executions, "jane -status:failed,he", false, &[])[0];
        assert_eq!(one.whole, "jane -status:failed,held");
        let one = &candidates(List::Conflicts, "jane !rol", false, &[])[0];
        assert_eq!(one.whole, "jane !role:");
    }

    #[test]
    fn everything_offered_is_understood() {
        for list in List::ALL {
            for key in known(*list).keys {
                for one in candidates(*list, &format!("{key}:"), true, &[]) {
                    let parsed = crate::domain::filter::Filter::parse_for(*list, &one.whole);
                    assert!(parsed.is_ok(), "{list}: {}: {parsed:?}", one.whole);
                }
            }
        }
    }

    #[test]
    fn what_the_journal_knows_is_offered_as_it_is_typed() {
        let held = ["Jane Doe", "Janet"].map(|value| Offered { value: value.to_owned(), rows: Some(3) });
        let found = candidates(List::Executions, "x person:jan", false, &held);
        let whole: Vec<&str> = found.iter().map(|one| one.whole.as_str()).collect();
        assert_eq!(whole, ["x person:Janet", "x person:\"Jane Doe\""]);
        assert_eq!(wanted(List::Audit, "-object:hub"), Some((Key::Record, "hub".to_owned())));
        assert_eq!(wanted(List::Audit, "verb:merge,re"), Some((Key::Verb, "re".to_owned())));
        assert_eq!(wanted(List::Executions, "status:fa"), None, "the language knows these");
        assert_eq!(wanted(List::Audit, "recipe:x"), None, "no key of this list");
    }

    #[test]
    fn a_term_is_turned_round_and_back() {
        assert_eq!(turned("a status:failed "), "a -status:failed");
        assert_eq!(turned("a -status:failed"), "a status:failed");
        assert_eq!(turned(""), "");
    }
}
