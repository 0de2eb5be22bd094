//! A WHERE clause ready to run: literals checked against the types of their fields, rows held against it.
//! Decides about one row at a time and changes none.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::lexer::{self, Piece};
use super::resolve::{Kind, Path, Refusal, Scope};
use super::syntax::{Comparison, Literal};
use crate::sandbox::salesforce::validation::read_moment;

/// One value of a row, ready to be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    /// Also dates, whose written form sorts as they do.
    Text(Cow<'a, str>),
    Id(Cow<'a, str>),
    Number(f64),
    Boolean(bool),
    /// Milliseconds since 1970.
    Moment(i64),
}

impl Cell<'_> {
    /// The order of sorting: nothing first, text without regard to case (both given in lower case).
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => Ordering::Less,
            (_, Cell::Null) => Ordering::Greater,
            (Cell::Text(one), Cell::Text(two)) | (Cell::Id(one), Cell::Id(two)) => one.cmp(two),
            (Cell::Number(one), Cell::Number(two)) => one.total_cmp(two),
            (Cell::Boolean(one), Cell::Boolean(two)) => one.cmp(two),
            (Cell::Moment(one), Cell::Moment(two)) => one.cmp(two),
            // A column has one type, but a parent of several types may lack the field in some.
            _ => Ordering::Equal,
        }
    }

    /// The cell as a sort key that needs its row no longer than the row itself lives.
    pub(super) fn lowered(self) -> Self {
        match self {
            Cell::Text(text) if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) => {
                Cell::Text(Cow::Owned(text.to_lowercase()))
            }
            other => other,
        }
    }
}

/// Where a compared value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Path(Path),
    /// A column of a group: one of its keys or aggregates.
    Group(usize, Kind),
}

impl Source {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Path(path) => path.kind(),
            Self::Group(_, kind) => *kind,
        }
    }
}

/// A literal in the form its field compares in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// In lower case.
    Text(String),
    /// The first 15 characters.
    Id(String),
    Number(f64),
    Boolean(bool),
    /// First and last millisecond: the same but for date words.
    Moments(i64, i64),
    /// First and last day.
    Days(String, String),
}

/// A condition ready to run.
#[derive(Clone, Debug)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Null { source: Source, wanted: bool },
    Like { source: Source, pattern: Vec<Piece> },
    Compare { source: Source, sign: Comparison, wanted: Wanted },
    Among { source: Source, keys: HashSet<String>, others: Vec<Wanted>, null: bool, negated: bool },
    Includes { source: Source, sets: Vec<Vec<String>>, negated: bool },
}

impl Test {
    /// Whether the values `cell` finds pass.
    pub(super) fn holds<'r>(&self, cell: &dyn Fn(&Source) -> Cell<'r>) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(cell)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(cell)),
            Self::Not(test) => !test.holds(cell),
            Self::Null { source, wanted } => (cell(source) == Cell::Null) == *wanted,
            Self::Like { source, pattern } => match cell(source) {
                Cell::Text(text) | Cell::Id(text) => lexer::fits(pattern, &text),
                _ => false,
            },
            Self::Compare { source, sign, wanted } => compares(&cell(source), *sign, wanted),
            Self::Among { source, keys, others, null, negated } => {
                let cell = cell(source);
                let found = match &cell {
                    Cell::Null => *null,
                    Cell::Id(id) => keys.contains(id.get(..15).unwrap_or(id)),
                    Cell::Text(text) if !keys.is_empty() => keys.contains(&text.to_lowercase()),
                    _ => others.iter().any(|wanted| compares(&cell, Comparison::Equal, wanted)),
                };
                found != *negated
            }
            Self::Includes { source, sets, negated } => {
                let cell = cell(source);
                let Cell::Text(text) = &cell else { return *negated };
                let chosen: Vec<String> = text.split(';').map(str::to_lowercase).collect();
                sets.iter().any(|set| set.iter().all(|one| chosen.contains(one))) != *negated
            }
        }
    }
}

fn compares(cell: &Cell<'_>, sign: Comparison, wanted: &Wanted) -> bool {
    // How the cell lies to the first and to the last value that count as equal.
    let (first, last) = match (cell, wanted) {
        // A row without a value differs from every value and is on neither side of it.
        (Cell::Null, _) => return sign == Comparison::NotEqual,
        (Cell::Text(text), Wanted::Text(wanted)) => {
            let order = text.to_lowercase().cmp(wanted);
            (order, order)
        }
        (Cell::Id(id), Wanted::Id(wanted)) => {
            let order = id.get(..15).unwrap_or(id).cmp(wanted);
            (order, order)
        }
        (Cell::Number(number), Wanted::Number(wanted)) => {
            let Some(order) = number.partial_cmp(wanted) else { return false };
            (order, order)
        }
        (Cell::Boolean(flag), Wanted::Boolean(wanted)) => (flag.cmp(wanted), flag.cmp(wanted)),
        (Cell::Moment(moment), Wanted::Moments(from, to)) => (moment.cmp(from), moment.cmp(to)),
        (Cell::Text(day), Wanted::Days(from, to)) => (day.as_ref().cmp(from), day.as_ref().cmp(to)),
        _ => return sign == Comparison::NotEqual,
    };
    let inside = first != Ordering::Less && last != Ordering::Greater;
    match sign {
        Comparison::Equal | Comparison::Like => inside,
        Comparison::NotEqual => !inside,
        Comparison::Less => first == Ordering::Less,
        Comparison::AtMost => last != Ordering::Greater,
        Comparison::Greater => last == Ordering::Greater,
        Comparison::AtLeast => first != Ordering::Less,
    }
}

/// Literals of one query turned into what their fields compare with.
pub(super) struct Reader<'a> {
    pub(super) scope: Scope<'a>,
    /// The moment date words are counted from.
    pub(super) now: i64,
}

/// The field a literal stands beside.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) at: usize,
}

impl Reader<'_> {
    /// `None` is null.
    pub(super) fn wanted(&self, field: Beside<'_>, literal: &Literal) -> Result<Option<Wanted>, Refusal> {
        let wrong = || {
            let quotes = if matches!(field.kind, Kind::Text | Kind::Many | Kind::Id | Kind::LongText) {
                "should be enclosed in quotes"
            } else {
                "should not be enclosed in quotes"
            };
            Refusal::field(self.scope.pointing(
                field.at,
                &format!(
                    "value of filter criterion for field '{}' must be of type {} and {quotes}",
                    field.name,
                    field.kind.word()
                ),
            ))
        };
        let wanted = match (field.kind, literal) {
            (_, Literal::Null) => return Ok(None),
            (Kind::Text | Kind::Many | Kind::LongText, Literal::Text(raw)) => {
                Wanted::Text(lexer::unescaped(raw).map_err(Refusal::malformed)?.to_lowercase())
            }
            (Kind::Id, Literal::Text(raw)) => {
                let id = lexer::unescaped(raw).map_err(Refusal::malformed)?;
                if id.is_empty() {
                    return Ok(None);
                }
                if !crate::sandbox::salesforce::ids::well_formed(&id) {
                    let message = self.scope.pointing(field.at, &format!("invalid ID field: {id}"));
                    return Err(Refusal { code: "INVALID_QUERY_FILTER_OPERATOR", message });
                }
                Wanted::Id(id[..15].to_owned())
            }
            (Kind::Number, Literal::Number(text)) => Wanted::Number(text.parse().map_err(|_| wrong())?),
            (Kind::Boolean, Literal::Boolean(flag)) => Wanted::Boolean(*flag),
            (Kind::Moment, Literal::Date(text)) if text.contains(['T', 't']) => {
                let moment = read_moment(text).ok_or_else(wrong)?;
                Wanted::Moments(moment, moment)
            }
            (Kind::Date, Literal::Date(text)) if !text.contains(['T', 't']) => {
                let day: Date = text.parse().map_err(|_| wrong())?;
                Wanted::Days(day.to_string(), day.to_string())
            }
            (Kind::Date | Kind::Moment, Literal::DateWord(word, count)) => {
                let (from, to) = self.days(word, *count).ok_or_else(wrong)?;
                if field.kind == Kind::Date {
                    let last = to.yesterday().map_err(|_| wrong())?;
                    Wanted::Days(from.to_string(), last.to_string())
                } else {
                    let midnight = |day: Date| {
                        let zoned = day.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
                        Ok::<i64, Refusal>(zoned.timestamp().as_millisecond())
                    };
                    Wanted::Moments(midnight(from)?, midnight(to)? - 1)
                }
            }
            _ => return Err(wrong()),
        };
        Ok(Some(wanted))
    }

    /// The org's user lives in UTC.
    fn days(&self, word: &str, count: Option<i64>) -> Option<super::dates::Days> {
        let now = Timestamp::from_millisecond(self.now).ok()?;
        super::dates::days(word, count, now.to_zoned(TimeZone::UTC).date())
    }

    /// `Field <sign> literal`.
    pub(super) fn comparison(
        &self,
        source: Source,
        field: Beside<'_>,
        sign: Comparison,
        literal: &Literal,
    ) -> Result<Test, Refusal> {
        self.filterable(field)?;
        if sign == Comparison::Like {
            let Literal::Text(raw) = literal else { return Err(self.wrong_sign(field)) };
            if !matches!(field.kind, Kind::Text) {
                return Err(self.wrong_sign(field));
            }
            return Ok(Test::Like { source, pattern: lexer::pieces(raw).map_err(Refusal::malformed)? });
        }
        let ordered = !matches!(sign, Comparison::Equal | Comparison::NotEqual);
        if ordered && matches!(field.kind, Kind::Boolean | Kind::Many) {
            return Err(self.wrong_sign(field));
        }
        let wanted = self.wanted(field, literal)?;
        let empty = matches!(&wanted, Some(Wanted::Text(text)) if text.is_empty());
        match wanted {
            // An empty text is no value in this org: both mean the same, as they do there.
            None | Some(Wanted::Text(_)) if wanted.is_none() || empty => match sign {
                Comparison::Equal => Ok(Test::Null { source, wanted: true }),
                Comparison::NotEqual => Ok(Test::Null { source, wanted: false }),
                _ => Err(self.wrong_sign(field)),
            },
            Some(wanted) => Ok(Test::Compare { source, sign, wanted }),
            None => Err(self.wrong_sign(field)),
        }
    }

    pub(super) fn among(
        &self,
        source: Source,
        field: Beside<'_>,
        values: &[Literal],
        negated: bool,
    ) -> Result<Test, Refusal> {
        self.filterable(field)?;
        let (mut keys, mut others, mut null) = (HashSet::new(), Vec::new(), false);
        for value in values {
            match self.wanted(field, value)? {
                None => null = true,
                Some(Wanted::Text(text)) if text.is_empty() => null = true,
                Some(Wanted::Text(key) | Wanted::Id(key)) => {
                    keys.insert(key);
                }
                Some(other) => others.push(other),
            }
        }
        Ok(Test::Among { source, keys, others, null, negated })
    }

    pub(super) fn includes(
        &self,
        source: Source,
        field: Beside<'_>,
        values: &[Literal],
        negated: bool,
    ) -> Result<Test, Refusal> {
        if field.kind != Kind::Many {
            return Err(self.wrong_sign(field));
        }
        let mut sets = Vec::new();
        for value in values {
            let Some(Wanted::Text(text)) = self.wanted(field, value)? else { continue };
            sets.push(text.split(';').map(str::to_owned).collect());
        }
        Ok(Test::Includes { source, sets, negated })
    }

    fn filterable(&self, field: Beside<'_>) -> Result<(), Refusal> {
        if field.kind != Kind::LongText {
            return Ok(());
        }
        let sentence = format!("field '{}' can not be filtered in a query call", field.name);
        Err(Refusal::field(self.scope.pointing(field.at, &sentence)))
    }

    fn wrong_sign(&self, field: Beside<'_>) -> Refusal {
        let sentence = format!("invalid operator on {} field", field.kind.word().to_lowercase());
        Refusal { code: "INVALID_QUERY_FILTER_OPERATOR", message: self.scope.pointing(field.at, &sentence) }
    }
}
