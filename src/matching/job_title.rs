//! Job titles as a set of spelled-out words; it ranks nobody.

use super::hashing::{combine, hash_text};
use super::lists::lists;
use super::text::fold;

/// A title in comparable form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobTitle {
    /// Sorted words, abbreviations spelled out.
    pub(crate) words: Vec<String>,
    /// Identity of the words; 0 when missing.
    pub(crate) id: u64,
    /// As written.
    pub(crate) shown: String,
}

impl JobTitle {
    /// Reads a title; placeholders are missing.
    pub(crate) fn parse(text: &str) -> Self {
        let folded = fold(text);
        if folded.is_empty() || lists().is_placeholder(&folded) {
            return Self::default();
        }
        let mut words: Vec<String> = Vec::new();
        for word in folded.split(' ') {
            match lists().title_words(word) {
                Some(spelled) => words.extend(spelled.split(' ').map(str::to_owned)),
                None if matches!(word, "of" | "the" | "and" | "for" | "&" | "de") => {}
                None => words.push(word.to_owned()),
            }
        }
        words.sort_unstable();
        words.dedup();
        let id = words.iter().fold(1, |state, word| combine(state, hash_text(word)));
        Self { words, id, shown: text.trim().to_owned() }
    }

    /// Whether the titles share at least half of their words.
    pub(crate) fn is_close(&self, other: &Self) -> bool {
        let shared = self.words.iter().filter(|word| other.words.contains(word)).count();
        shared > 0 && shared * 2 >= self.words.len().max(other.words.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_spelled_out() {
        assert_eq!(JobTitle::parse("VP of Sales").id, JobTitle::parse("Vice President, Sales").id);
        assert_eq!(JobTitle::parse("CFO").id, JobTitle::parse("chief financial officer").id);
        assert!(JobTitle::parse("Senior Sales Manager").is_close(&JobTitle::parse("Sales Manager")));
        assert!(!JobTitle::parse("CTO").is_close(&JobTitle::parse("Sales Manager")));
        assert_eq!(JobTitle::parse("-").id, 0);
    }
}
