//! Classes of errors: a vendor's answer is read once into one of these, and above that only the class matters.
//!
//! One table says for each class whether trying again can help, what it means in plain words and what to press.

words! {
    /// What kind of failure it was.
    pub enum ErrorClass {
        /// The token was refused.
        Auth = "auth",
        /// The token is good, but may not do this.
        Permission = "permission",
        /// Too many calls in a short time.
        RateLimited = "rate_limited",
        /// The day's calls are used up.
        QuotaExhausted = "quota_exhausted",
        /// A value was refused.
        Validation = "validation",
        /// The target has no such field.
        UnknownField = "unknown_field",
        /// The value is not one of the field's options.
        NotAllowedValue = "not_allowed_value",
        /// A record with this identity exists already.
        DuplicateDetected = "duplicate_detected",
        /// The record is not there (any more).
        NotFound = "not_found",
        /// The record was merged into another one.
        MergedAway = "merged_away",
        /// The lead was converted.
        Converted = "converted",
        /// The record is locked for a moment.
        Locked = "locked",
        /// The request contradicts the record's present state.
        Conflict = "conflict",
        /// The body or a value is too big.
        TooLarge = "too_large",
        /// The vendor cannot answer now.
        Unavailable = "unavailable",
        /// No answer came in time.
        Timeout = "timeout",
        /// The answer made no sense.
        Malformed = "malformed",
        /// The record lacks what the recipe needs; nothing was sent.
        MissingData = "missing_data",
        /// The recipe's own condition or template does not fit the facts; nothing was sent.
        Recipe = "recipe",
        /// Something we have no class for; the vendor's words are kept.
        Unknown = "unknown",
    }
}

/// What to do after a failure of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same request may succeed later: patient retries with growing pauses.
    Later,
    /// Wait until the vendor allows more calls; eats no attempt.
    Wait,
    /// The facts changed under us: read them again and plan anew, once, at once.
    Replan,
    /// The same request would be refused again: a human decides.
    Never,
}

/// One row of the class table.
#[derive(Debug, Clone, Copy)]
pub struct Treatment {
    /// Whether trying again can help.
    pub retry: Retry,
    /// What it means, in a sentence without the vendor's words.
    pub meaning: &'static str,
    /// What to do about it, in the imperative.
    pub advice: &'static str,
}

impl ErrorClass {
    /// The one table: class to retry policy, meaning and advice.
    pub const fn treatment(self) -> Treatment {
        let (retry, meaning, advice) = match self {
            Self::Auth => (
                Retry::Never,
                "The access token was refused: it was revoked, has expired, or belongs to a reinstalled app.",
                "Put a new token in place, then press r. Retrying with the old one fails again.",
            ),
            Self::Permission => (
                Retry::Never,
                "The token is valid but lacks a scope this call needs.",
                "Grant the scope the vendor names in its settings, then press r.",
            ),
            Self::RateLimited => (
                Retry::Wait,
                "The vendor allows no more calls in this window.",
                "Nothing to do: it goes on by itself when the window opens.",
            ),
            Self::QuotaExhausted => (
                Retry::Wait,
                "The day's allowance of calls is used up.",
                "It goes on by itself when the allowance is renewed; fewer polls or batches save calls.",
            ),
            Self::Validation => (
                Retry::Never,
                "The vendor refused a value.",
                "Correct the value on the side that holds it, or decide the conflict it raised (3), then press r.",
            ),
            Self::UnknownField => (
                Retry::Never,
                "The mapping writes a field that the target does not have.",
                "Create the field in the vendor's settings or take it out of the mapping, then press r.",
            ),
            Self::NotAllowedValue => (
                Retry::Never,
                "The value is not one of the options of that field.",
                "Add the option at the vendor, or choose an allowed value in the conflict it raised (3), then press r.",
            ),
            Self::DuplicateDetected => (
                Retry::Replan,
                "Another record at the vendor already has this identity.",
                "Merge the two records (4) if they are one person, or decide the conflict it raised (3), then press r.",
            ),
            Self::NotFound => (
                Retry::Never,
                "The record we knew is gone at the vendor; somebody deleted or archived it there.",
                "Press r to look the person up again and create the record anew, or leave it deleted.",
            ),
            Self::MergedAway => (
                Retry::Replan,
                "The record was merged into another one.",
                "Press r: Reknit follows the merge and writes to the surviving record.",
            ),
            Self::Converted => (
                Retry::Replan,
                "The lead was converted into a contact.",
                "Press r: Reknit follows the conversion and writes to the contact.",
            ),
            Self::Locked => (
                Retry::Later,
                "Somebody else is writing the record at this moment.",
                "Nothing to do: it is tried again by itself.",
            ),
            Self::Conflict => (
                Retry::Replan,
                "The record changed while we were writing.",
                "Press r: Reknit reads the record again and plans anew.",
            ),
            Self::TooLarge => (
                Retry::Never,
                "The request is bigger than the vendor takes.",
                "Shorten the value on the side that holds it, then press r.",
            ),
            Self::Unavailable => {
                (Retry::Later, "The vendor could not answer.", "Nothing to do: it is tried again by itself.")
            }
            Self::Timeout => (
                Retry::Later,
                "No answer came in time.",
                "Nothing to do: Reknit looks whether the write happened before it tries again.",
            ),
            Self::Malformed => (
                Retry::Later,
                "The vendor's answer could not be read.",
                "It is tried again by itself; if it goes on, the vendor's status page may say more.",
            ),
            Self::MissingData => (
                Retry::Never,
                "The record lacks something this recipe needs; nothing was sent.",
                "Fill it in on the side that holds the record, then press r.",
            ),
            Self::Recipe => (
                Retry::Never,
                "The recipe could not be judged with these facts; nothing was sent.",
                "Correct the recipe (reknit recipe lint names file and line), then press r.",
            ),
            Self::Unknown => (
                Retry::Never,
                "The vendor refused, in words Reknit has no rule for.",
                "Read the vendor's words below; press r when the cause is mended.",
            ),
        };
        Treatment { retry, meaning, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_meaning_and_an_advice() {
        for class in ErrorClass::ALL {
            let row = class.treatment();
            assert!(row.meaning.ends_with('.') && row.advice.ends_with('.'), "{class}");
        }
    }
}
