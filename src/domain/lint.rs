//! What is wrong in a file of rules, in the words a person corrects it by: file, line, what, and what would be right.
//!
//! Says it only; whoever loads the file decides whether it is used all the same.

use std::fmt;

use serde::Serialize;

words! {
    /// How bad it is.
    pub enum Severity {
        /// The file is not used as it stands.
        Refused = "refused",
        /// It is used; somebody should look.
        Warning = "warning",
    }
}

words! {
    /// Which rule found it.
    pub enum LintRule {
        /// The file cannot be used by itself, whatever the vendors have.
        Unreadable = "unreadable",
        /// The vendor has no field of that name.
        UnknownField = "unknown_field",
        /// The two sides hold different kinds of values.
        TypeMismatch = "type_mismatch",
        /// A value that the field's list does not have.
        OptionNotAllowed = "option_not_allowed",
        /// What people see was written where the vendor wants its internal value.
        LabelForValue = "label_for_value",
        /// Our token may not write the field, or such records.
        NotWritable = "not_writable",
        /// A record cannot be made without a field that nothing fills.
        RequiredNotMapped = "required_not_mapped",
        /// The owner of records may be changed from both sides.
        OwnerOnBothSides = "owner_on_both_sides",
    }
}

/// One thing found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The file as given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Which rule.
    pub rule: LintRule,
    /// How bad it is.
    pub severity: Severity,
    /// What people call the place: a mapping's field, a recipe's action.
    pub place: String,
    /// The vendor's name of the field.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to write or do instead.
    pub fix: String,
}

impl Lint {
    /// Whether the file must not be used.
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Refused
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}; {}", self.file, self.line, self.what, self.fix)
    }
}
