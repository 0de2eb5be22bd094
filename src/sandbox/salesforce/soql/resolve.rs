//! Names in a query turned into fields of the org: relationships walked, types looked up, errors worded
//! as the vendor words them. Reads the schema, never a row.

use super::lexer::column;
use super::syntax::{Name, Operand};
use crate::sandbox::salesforce::schema::{self, Field, FieldType, ObjectType};

/// Why a query cannot run.
#[derive(Debug, PartialEq)]
pub(in crate::sandbox::salesforce) struct Refusal {
    pub(in crate::sandbox::salesforce) code: &'static str,
    pub(in crate::sandbox::salesforce) message: String,
}

impl Refusal {
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self { code: "MALFORMED_QUERY", message: message.into() }
    }

    pub(super) fn field(message: impl Into<String>) -> Self {
        Self { code: "INVALID_FIELD", message: message.into() }
    }
}

/// How values of a field compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Text too long to be filtered, sorted or grouped by.
    LongText,
    Id,
    Number,
    Boolean,
    Date,
    Moment,
    /// Several values with `;` between them.
    Many,
}

impl Kind {
    pub(super) fn of(field: &Field) -> Self {
        match field.kind {
            FieldType::Id | FieldType::Reference => Self::Id,
            FieldType::Boolean => Self::Boolean,
            FieldType::Date => Self::Date,
            FieldType::DateTime => Self::Moment,
            FieldType::MultiPicklist => Self::Many,
            FieldType::TextArea if field.length > 255 => Self::LongText,
            kind if kind.is_number() => Self::Number,
            _ => Self::Text,
        }
    }

    /// The type as the vendor's sentences name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text | Self::LongText | Self::Many => "string",
            Self::Id => "ID",
            Self::Number => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Moment => "dateTime",
        }
    }
}

/// The way from a row to a value: reference fields to follow, then the field.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) steps: Vec<&'static Field>,
    /// `None` is the `Type` of a parent that may be of several types.
    pub(super) field: Option<&'static Field>,
    pub(super) derivation: Option<Derivation>,
}

impl Path {
    pub(super) fn kind(&self) -> Kind {
        match self.derivation {
            Some(Derivation::Day) => Kind::Date,
            Some(_) => Kind::Number,
            None => self.field.map_or(Kind::Text, Kind::of),
        }
    }

    /// The field's own name, as answers show it.
    pub(super) fn last(&self) -> &'static str {
        self.field.map_or("Type", |field| field.name)
    }
}

/// What a date function takes out of a date or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derivation {
    Year,
    Quarter,
    Month,
    DayInMonth,
    Day,
    Hour,
}

impl Derivation {
    fn named(function: &str) -> Option<Self> {
        Some(match function {
            "CALENDAR_YEAR" => Self::Year,
            "CALENDAR_QUARTER" => Self::Quarter,
            "CALENDAR_MONTH" => Self::Month,
            "DAY_IN_MONTH" => Self::DayInMonth,
            "DAY_ONLY" => Self::Day,
            "HOUR_IN_DAY" => Self::Hour,
            _ => return None,
        })
    }
}

/// What names are resolved against.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) text: &'a str,
    pub(super) object: &'static ObjectType,
    pub(super) alias: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// The scope of a FROM clause.
    pub(super) fn of(text: &'a str, from: &Name, alias: Option<&'a str>) -> Result<Self, Refusal> {
        let Some(object) = schema::object(&from.text) else {
            let sentence = format!(
                "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to \
                 append the '__c' after the entity name. Please reference your WSDL or the describe call for \
                 the appropriate names.",
                from.text
            );
            return Err(Refusal { code: "INVALID_TYPE", message: pointing(text, from.at, &sentence) });
        };
        Ok(Self { text, object, alias })
    }

    /// A field, also through relationships, also inside a date function.
    pub(super) fn path(&self, operand: &Operand) -> Result<Path, Refusal> {
        let derivation = match operand.function.as_deref() {
            None => None,
            Some(function) => Some(
                Derivation::named(function)
                    .ok_or_else(|| Refusal::malformed(format!("unexpected token: {function}")))?,
            ),
        };
        let mut names: Vec<&str> = operand.path.text.split('.').collect();
        let last = names.pop().unwrap_or_default();
        if let Some(first) = names.first()
            && self.object.relationship(first).is_none()
            && (self.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(first))
                || self.object.name.eq_ignore_ascii_case(first))
        {
            names.remove(0);
        }
        let mut steps = Vec::new();
        let mut targets = vec![self.object];
        for name in names {
            let step = targets.iter().find_map(|target| target.relationship(name));
            let step = step.ok_or_else(|| self.no_relationship(name, operand.path.at))?;
            targets = targets_of(step, targets[0]);
            steps.push(step);
        }
        // A parent of several possible types says which one it is, even where a type has such a field itself.
        let of_several = targets.len() > 1 && last.eq_ignore_ascii_case("Type");
        let field = targets.iter().find_map(|target| target.field(last)).filter(|_| !of_several);
        if field.is_none() && !of_several {
            return Err(self.no_column(
                last,
                targets.first().map_or("Name", |target| target.name),
                operand.path.at,
            ));
        }
        let path = Path { steps, field, derivation };
        if derivation.is_some() {
            let plain = path.field.map_or(Kind::Text, Kind::of);
            if !matches!(plain, Kind::Date | Kind::Moment) {
                return Err(Refusal::field(self.pointing(
                    operand.path.at,
                    &format!("field '{last}' does not support the date function"),
                )));
            }
        }
        Ok(path)
    }

    fn no_relationship(&self, name: &str, at: usize) -> Refusal {
        Refusal::field(self.pointing(
            at,
            &format!(
                "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom \
                 relationship, be sure to append the '__r' after the custom relationship name. Please \
                 reference your WSDL or the describe call for the appropriate names."
            ),
        ))
    }

    fn no_column(&self, name: &str, object: &str, at: usize) -> Refusal {
        Refusal::field(self.pointing(
            at,
            &format!(
                "No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be \
                 sure to append the '__c' after the custom field name. Please reference your WSDL or the \
                 describe call for the appropriate names."
            ),
        ))
    }

    pub(super) fn pointing(&self, at: usize, sentence: &str) -> String {
        pointing(self.text, at, sentence)
    }

    /// The child object and its reference field behind a child relationship such as `Contacts`.
    pub(super) fn children(&self, from: &Name) -> Result<(&'static ObjectType, &'static Field), Refusal> {
        let found = schema::all().iter().find_map(|child| {
            let named = child.plural.eq_ignore_ascii_case(&from.text)
                || from.text.strip_suffix('s').is_some_and(|name| name.eq_ignore_ascii_case(child.name));
            let field = child.fields.iter().find(|field| {
                field.reference_to.contains(&self.object.name)
                    && field.name != "ReportsToId"
                    && !is_system(field)
            });
            if named { Some(child).zip(field) } else { None }
        });
        found.ok_or_else(|| Refusal {
            code: "INVALID_TYPE",
            message: self.pointing(
                from.at,
                &format!(
                    "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to \
                     use a custom relationship, be sure to append the '__r' after the custom relationship \
                     name. Please reference your WSDL or the describe call for the appropriate names.",
                    from.text
                ),
            ),
        })
    }
}

/// The object types a reference leads to; a merged row's master is of the row's own type.
fn targets_of(step: &Field, from: &'static ObjectType) -> Vec<&'static ObjectType> {
    if step.reference_to.is_empty() {
        return vec![from];
    }
    step.reference_to.iter().filter_map(|name| schema::object(name)).collect()
}

fn is_system(field: &Field) -> bool {
    matches!(field.name, "OwnerId" | "CreatedById" | "LastModifiedById")
}

/// The vendor's two lines of the query with a caret under the place, then what is wrong there.
fn pointing(text: &str, at: usize, sentence: &str) -> String {
    const AROUND: usize = 40;
    let place = column(text, at);
    let shown_from = place.saturating_sub(AROUND + 1);
    let window: String = text
        .chars()
        .skip(shown_from)
        .take(2 * AROUND)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let caret = " ".repeat(place - 1 - shown_from);
    format!("\n{window}\n{caret}^\nERROR at Row:1:Column:{place}\n{sentence}")
}
