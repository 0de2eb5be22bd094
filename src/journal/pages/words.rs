//! Free words: what is typed as letters and digits without accents, the question to the index of words, and the same
//! question put to a text.
//!
//! A typed word is the beginning of a word of the text. Both ways of asking must say the same, so both fold alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use rusqlite::Connection;

use crate::domain::filter::{Key, Term};
use crate::journal::Result;

/// What a term looks for in texts: any of several groups of words, all of a group.
#[derive(Debug)]
pub(super) struct Sought {
    groups: Vec<Vec<String>>,
    /// Only in the name of the person.
    pub(super) person: bool,
    pub(super) negated: bool,
}

impl Sought {
    /// What a term looks for, where it is one about texts; nothing when it has neither letter nor digit.
    pub(super) fn of(term: &Term) -> Option<Self> {
        let person = term.key == Some(Key::Person);
        if !person && term.key.is_some() {
            return None;
        }
        let mut groups: Vec<Vec<String>> = term.values.iter().map(|value| fold(value)).collect();
        groups.retain(|group| !group.is_empty());
        (!groups.is_empty()).then_some(Self { groups, person, negated: term.negated })
    }

    /// The question in the index's language.
    pub(super) fn question(&self) -> String {
        let groups: Vec<String> = self
            .groups
            .iter()
            .map(|group| {
                let words: Vec<String> = group.iter().map(|word| format!("\"{word}\" *")).collect();
                format!("({})", words.join(" AND "))
            })
            .collect();
        let any = groups.join(" OR ");
        if self.person { format!("subject : ({any})") } else { format!("({any})") }
    }

    /// Asked without its turn, which whoever asks takes by itself.
    pub(super) fn plainly(self) -> Self {
        Self { negated: false, ..self }
    }

    /// Whether a text, folded, has what is sought; whether that is wanted is not asked here.
    pub(super) fn is_in(&self, folded: &[String]) -> bool {
        let has = |word: &String| folded.iter().any(|other| other.starts_with(word.as_str()));
        self.groups.iter().any(|group| group.iter().all(has))
    }
}

/// All positive questions as one; none when nothing is sought.
pub(super) fn question<'a>(sought: impl Iterator<Item = &'a Sought>) -> Option<String> {
    let parts: Vec<String> =
        sought.filter(|one| !one.negated).map(|one| format!("({})", one.question())).collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// Executions of which the index does not know the words as they are now: some hundred at the most.
pub(super) fn not_indexed_yet(connection: &Connection) -> Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM execution_words_due")?;
    let mut found = statement.query([])?;
    let mut ids = Vec::new();
    while let Some(row) = found.next()? {
        ids.push(row.get(0)?);
    }
    Ok(ids)
}

/// Brings the index of words up to date at once: what rows no longer say is not to be found in it either.
pub(in crate::journal) fn index_now(connection: &Connection) -> Result<()> {
    for sql in [
        "INSERT INTO execution_words (execution_words, rowid, subject, sentence) \
         SELECT 'delete', id, subject, sentence FROM execution_words_due WHERE subject IS NOT NULL",
        "INSERT INTO execution_words (rowid, subject, sentence) \
         SELECT executions.id, executions.subject, substr(executions.sentence, 1, 500) FROM execution_words_due \
         CROSS JOIN executions ON executions.id = execution_words_due.id",
        "DELETE FROM execution_words_due",
    ] {
        connection.prepare_cached(sql)?.execute([])?;
    }
    Ok(())
}

/// The words of a text in lower case and without accents, as the index keeps them.
pub(super) fn fold(text: &str) -> Vec<String> {
    let plain: String =
        text.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect();
    plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Filter;

    fn sought(text: &str) -> Sought {
        Sought::of(&Filter::parse(text).expect("valid").terms[0]).expect("words")
    }

    #[test]
    fn words_are_beginnings_without_case_or_accents() {
        let text = fold("Zoë Ångström wrote to jane.doe@acme.com");
        for found in ["ang", "ZOE", "jane.doe", "\"doe acme\"", "person:nobody,wrote"] {
            assert!(sought(found).is_in(&text), "{found}");
        }
        for absent in ["ngstrom", "\"zoe nobody\""] {
            assert!(!sought(absent).is_in(&text), "{absent}");
        }
    }

    #[test]
    fn a_question_quotes_what_is_typed() {
        assert_eq!(sought("a\"b OR c*").question(), "((\"ab\" * AND \"or\" * AND \"c\" *))");
        assert_eq!(sought("person:jane,tom").question(), "subject : ((\"jane\" *) OR (\"tom\" *))");
        assert!(Sought::of(&Filter::parse("—").expect("valid").terms[0]).is_none());
    }
}
