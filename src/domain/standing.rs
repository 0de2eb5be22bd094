//! What stands beyond one conflict: a direction of a field that is switched off, and rules that decide conflicts of a
//! shape.
//!
//! Both are a human's decision, listed, audited and taken back by one command. This module only says what fits; who
//! acts on it is the engine.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Timestamp;
use super::pause::Direction;
use super::record::value_text;
use super::review::{Choice, Conflict, ConflictKind};

/// One direction of one field, switched off until somebody switches it on again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldHold {
    /// The mapping's name; empty = every mapping that has such a field.
    pub mapping: String,
    /// The mapping's name of the field.
    pub field: String,
    /// The direction in which nothing is written.
    pub direction: Direction,
    /// Who switched it off.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub since: Timestamp,
}

impl FieldHold {
    /// As a reason beside a field that was left alone.
    pub fn sentence(&self) -> String {
        let way = match self.direction {
            Direction::ToCrm => "writing it to the CRM",
            Direction::ToIntercom => "writing it to Intercom",
        };
        format!("{way} is switched off by {} since {}", self.actor, self.since.rfc3339())
    }
}

/// What decides conflicts of one shape by itself, as it stands in a file of the rules folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name; no two have the same.
    pub name: String,
    /// The mapping; empty = any.
    pub mapping: String,
    /// The mapping's name of the field.
    pub field: String,
    /// The kind of conflict.
    pub kind: ConflictKind,
    /// Only where Intercom's value is this one; none = any.
    pub left: Option<String>,
    /// Only where the CRM's value is this one; none = any.
    pub right: Option<String>,
    /// How it is decided.
    pub choice: Choice,
    /// Who made it.
    pub by: String,
}

impl Rule {
    /// Whether a conflict has its shape.
    pub fn fits(&self, line: &str, field: &str, kind: ConflictKind, left: &Value, right: &Value) -> bool {
        let is = |wanted: &Option<String>, value: &Value| {
            wanted.as_ref().is_none_or(|wanted| value_text(value).trim() == wanted.trim())
        };
        let mapping = mapping_of(line);
        (self.mapping.is_empty() || mapping.is_empty() || self.mapping == mapping)
            && self.field == field
            && self.kind == kind
            && is(&self.left, left)
            && is(&self.right, right)
    }

    /// Whether a stored conflict has its shape.
    pub fn fits_conflict(&self, conflict: &Conflict) -> bool {
        self.fits(&conflict.line, &conflict.field, conflict.kind, &conflict.left_value, &conflict.right_value)
    }

    /// What it does, in one sentence.
    pub fn sentence(&self) -> String {
        let side = |name: &str, value: &Option<String>| match value {
            Some(value) if value.trim().is_empty() => format!("{name} has none"),
            Some(value) => format!("{name} says \"{value}\""),
            None => format!("{name} says whatever"),
        };
        let then = match &self.choice {
            Choice::Left => "Intercom's value counts".to_owned(),
            Choice::Right => "the CRM's value counts".to_owned(),
            Choice::Value(value) => format!("both become \"{value}\""),
            Choice::Clear => "both are emptied".to_owned(),
            Choice::Translate(to) => format!("the CRM gets \"{to}\""),
        };
        format!(
            "{}, {}: when {} and {}, {then}",
            self.field,
            self.kind.phrase(),
            side("Intercom", &self.left),
            side("the CRM", &self.right)
        )
    }
}

/// The mapping that a place in a file belongs to: `contact` for `…/contact.toml:47`.
pub fn mapping_of(line: &str) -> &str {
    let file = line.rsplit_once(':').map_or(line, |(file, _)| file);
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".toml").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_fits_its_own_shape_and_no_other() {
        let rule = Rule {
            name: "plan-gold".into(),
            mapping: "contact".into(),
            field: "Plan".into(),
            kind: ConflictKind::NotAllowed,
            left: Some("gold".into()),
            right: None,
            choice: Choice::Translate("CONNECTED".into()),
            by: "olga".into(),
        };
        let fits = |line: &str, field: &str, left: &Value| {
            rule.fits(line, field, ConflictKind::NotAllowed, left, &json!("NEW"))
        };
        assert!(fits("mappings/contact.toml:47", "Plan", &json!(" gold ")));
        assert!(fits("", "Plan", &json!("gold")), "a conflict from before lines were noted");
        assert!(!fits("company.toml:3", "Plan", &json!("gold")));
        assert!(!fits("contact.toml:47", "Plan", &json!("golden")));
        assert!(!fits("contact.toml:47", "Phone", &json!("gold")));
        assert!(!rule.fits("contact.toml:47", "Plan", ConflictKind::BothChanged, &json!("gold"), &json!("")));
        assert_eq!(
            rule.sentence(),
            "Plan, value not allowed: when Intercom says \"gold\" and the CRM says whatever, the CRM gets \"CONNECTED\""
        );
    }

    #[test]
    fn a_line_names_its_mapping() {
        assert_eq!(mapping_of("/etc/reknit/mappings/contact.toml:12"), "contact");
        assert_eq!(mapping_of("contact.toml:12"), "contact");
        assert_eq!(mapping_of(""), "");
    }
}
