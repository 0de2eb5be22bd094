//! What is wrong with a recipe, in the words a person corrects it by: file, line, what, and what would be right.

use std::fmt;

use serde::Serialize;

use crate::domain::words;

words! {
    /// How bad it is.
    pub enum Severity {
        /// The recipe must not run.
        Error = "error",
        /// It runs; somebody should look.
        Warning = "warning",
    }
}

/// One thing found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file as given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub fix: String,
}

impl Finding {
    /// Something that keeps a recipe from running.
    pub fn error(file: &str, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, severity: Severity::Error, what: what.into(), fix: fix.into() }
    }

    /// Something to look at.
    pub fn warning(file: &str, line: usize, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, line, what, fix) }
    }

    /// Whether it keeps the recipe from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}; {}", self.file, self.line, self.what, self.fix)
    }
}

/// The known word that resembles another most.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let alike =
        |name: &str| rapidfuzz::distance::jaro_winkler::similarity(word.chars(), name.to_lowercase().chars());
    known.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))
}

/// What to do about a word that is none of the known ones.
pub fn instead_of(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(name) if known.len() > 1 => format!("did you mean \"{name}\"? Known are {}", known.join(", ")),
        Some(name) => format!("write \"{name}\""),
        None => "take it out".to_owned(),
    }
}
