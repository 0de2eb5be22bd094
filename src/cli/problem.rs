//! A problem as a person reads it: what failed and what it means for the data, why, and what to do next.

use std::fmt;

/// Something that ends a command.
#[derive(Debug)]
pub struct Problem {
    /// 2 = the command or its configuration is wrong, 1 = it failed while running.
    pub code: u8,
    /// What failed and what it means for the data.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to run or change.
    pub next: String,
}

impl Problem {
    /// The command or its configuration is wrong.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: 2, what: what.into(), why: why.into(), next: next.into() }
    }

    /// Wrong input, said in a single line: what a script that calls the command shows as it is.
    pub fn one_line(what: impl Into<String>) -> Self {
        Self { code: 2, what: what.into(), why: String::new(), next: String::new() }
    }

    /// It failed while running.
    pub fn runtime(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: 1, what: what.into(), why: why.into(), next: next.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.why.is_empty() {
            return write!(f, "error: {}", self.what.replace(['\n', '\r'], " "));
        }
        write!(f, "error: {}\n  why:  {}\n  next: {}", self.what, self.why, self.next)
    }
}

impl std::error::Error for Problem {}
