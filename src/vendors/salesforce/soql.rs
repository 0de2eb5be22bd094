//! Queries in Salesforce's language, put together so that no value can become a part of the question.
//!
//! Names are checked, values are escaped; there is no way to hand in a condition as text. It only writes queries:
//! reading their answers is for `wire`.

use std::fmt::Write as _;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::text;

use super::super::error::VendorError;

/// A value in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal<'a> {
    /// Any text.
    Text(&'a str),
    /// An instant, to the second.
    Time(Timestamp),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// No value.
    Null,
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `>`
    After,
    /// `>=`
    From,
    /// `<`
    Before,
    /// `<=`
    UpTo,
}

impl Comparison {
    const fn sign(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::After => ">",
            Self::From => ">=",
            Self::Before => "<",
            Self::UpTo => "<=",
        }
    }
}

/// A query in the making. The first name that cannot be one is what [`Query::text`] answers with.
#[derive(Debug, Clone)]
pub struct Query {
    fields: Vec<String>,
    from: String,
    conditions: Vec<String>,
    order: Vec<String>,
    limit: Option<u32>,
    wrong: Option<VendorError>,
}

impl Query {
    /// These fields of all records of a kind.
    pub fn of<T: AsRef<str>>(object: &str, fields: &[T]) -> Self {
        let mut query = Self {
            fields: Vec::new(),
            from: String::new(),
            conditions: Vec::new(),
            order: Vec::new(),
            limit: None,
            wrong: None,
        };
        query.from = query.name(object);
        query.fields = fields.iter().map(|field| query.name(field.as_ref())).collect();
        query
    }

    /// Only those where this holds; several conditions must all hold.
    #[must_use]
    pub fn and(mut self, field: &str, comparison: Comparison, value: Literal<'_>) -> Self {
        let field = self.name(field);
        self.conditions.push(format!("{field} {} {}", comparison.sign(), literal(value)));
        self
    }

    /// Only those whose field is one of these texts; none of them is no record at all.
    #[must_use]
    pub fn any_of<T: AsRef<str>>(mut self, field: &str, values: &[T]) -> Self {
        let field = self.name(field);
        let values: Vec<String> = values.iter().map(|value| literal(Literal::Text(value.as_ref()))).collect();
        // An empty list is a syntax error there; no id is ever empty.
        self.conditions.push(if values.is_empty() {
            "Id = ''".to_owned()
        } else {
            format!("{field} IN ({})", values.join(", "))
        });
        self
    }

    /// Smallest first, by this field after those named before.
    #[must_use]
    pub fn by(mut self, field: &str) -> Self {
        let field = self.name(field);
        self.order.push(field);
        self
    }

    /// At most so many.
    #[must_use]
    pub fn at_most(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The query as it is sent.
    pub fn text(&self) -> Result<String, VendorError> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let mut text = format!("SELECT {} FROM {}", self.fields.join(", "), self.from);
        if !self.conditions.is_empty() {
            let _ = write!(text, " WHERE {}", self.conditions.join(" AND "));
        }
        if !self.order.is_empty() {
            let _ = write!(text, " ORDER BY {}", self.order.join(", "));
        }
        if let Some(limit) = self.limit {
            let _ = write!(text, " LIMIT {limit}");
        }
        Ok(text)
    }

    fn name(&mut self, name: &str) -> String {
        match identifier(name) {
            Ok(name) => name.to_owned(),
            Err(error) => {
                self.wrong.get_or_insert(error);
                String::new()
            }
        }
    }
}

/// A name of an object or a field, by a relation or not (`Account.Name`): letters, digits, `_` and dots between.
pub(crate) fn identifier(name: &str) -> Result<&str, VendorError> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.len() <= 255 && name.split('.').all(part) {
        return Ok(name);
    }
    Err(VendorError::new(
        ErrorClass::Validation,
        &format!(
            "\"{}\" cannot be the name of a field or an object in Salesforce; nothing was sent.",
            text::shorten(&text::clean(name), 80)
        ),
    ))
}

/// A value as the query language writes it.
fn literal(value: Literal<'_>) -> String {
    match value {
        Literal::Text(text) => quoted(text),
        // Whole seconds: the day a condition must not lose rows, an earlier second is the safe side of "from".
        Literal::Time(at) => format!("{}Z", &Timestamp::from_seconds(at.seconds()).rfc3339()[..19]),
        Literal::Flag(flag) => flag.to_string(),
        Literal::Number(number) => number.to_string(),
        Literal::Null => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a literal as the query language does: its value, and what stands after it.
    fn unquoted(text: &str) -> Option<(String, &str)> {
        let mut letters = text.strip_prefix('\'')?.char_indices();
        let mut value = String::new();
        while let Some((at, c)) = letters.next() {
            match c {
                '\'' => return Some((value, &text[at + 2..])),
                '\\' => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                }),
                other => value.push(other),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_quotes(value in any::<String>()) {
            let quoted = quoted(&value);
            prop_assert_eq!(unquoted(&quoted), Some((value.clone(), "")));
            let query = Query::of("Lead", &["Id"]).and("Email", Comparison::Is, Literal::Text(&value));
            let text = query.text().expect("good names");
            let rest = text.strip_prefix("SELECT Id FROM Lead WHERE Email = ").expect("the question stands");
            prop_assert_eq!(unquoted(rest), Some((value, "")));
        }

        #[test]
        fn a_name_is_a_name_or_nothing_is_sent(name in any::<String>()) {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            prop_assert!(plain || Query::of("Lead", &[&name]).text().is_err());
            prop_assert!(plain || Query::of(&name, &["Id"]).text().is_err());
        }
    }

    #[test]
    fn a_query_reads_as_written() {
        let since = Timestamp::parse_rfc3339("2026-01-10T04:11:14.436Z").expect("a time");
        let query = Query::of("Lead", &["Id", "Owner.Name"])
            .and("SystemModstamp", Comparison::From, Literal::Time(since))
            .and("IsConverted", Comparison::Is, Literal::Flag(false))
            .and("MasterRecordId", Comparison::IsNot, Literal::Null)
            .any_of("Email", &["o'hara@x.co", "b\\"])
            .by("SystemModstamp")
            .by("Id")
            .at_most(200);
        assert_eq!(
            query.text().expect("good names"),
            "SELECT Id, Owner.Name FROM Lead WHERE SystemModstamp >= 2026-01-10T04:11:14Z AND IsConverted = false \
             AND MasterRecordId != null AND Email IN ('o\\'hara@x.co', 'b\\\\') ORDER BY SystemModstamp, Id LIMIT 200"
        );
        for wrong in ["", ".", "a..b", "Id FROM User", "1x", "Имя", "a.b.", "COUNT()"] {
            assert!(Query::of("Lead", &[wrong]).text().is_err(), "{wrong}");
        }
    }
}
