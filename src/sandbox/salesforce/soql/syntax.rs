//! The grammar of SOQL: a query's text becomes a tree. Knows no object, no field and no row.

use super::lexer::{self, Token};

/// A query as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) items: Vec<Item>,
    pub(super) from: Name,
    pub(super) alias: Option<String>,
    pub(super) condition: Option<Condition>,
    pub(super) group: Vec<Operand>,
    pub(super) having: Option<Condition>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) all_rows: bool,
}

/// A name and where it stands, for errors that point at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: usize,
}

/// One entry of the SELECT list.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Field {
        operand: Operand,
        alias: Option<String>,
    },
    /// `FIELDS(ALL)` and its kin, the word between the brackets.
    Fields(Name),
    /// `COUNT()`: only the number is asked for.
    Count,
    /// A child relationship's query.
    Children(Box<Query>),
}

/// A field, or a function of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub(super) function: Option<String>,
    /// Relationship names and a field name, with dots.
    pub(super) path: Name,
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        left: Operand,
        sign: Comparison,
        right: Literal,
    },
    Among {
        left: Operand,
        values: Vec<Literal>,
        negated: bool,
    },
    AmongRows {
        left: Operand,
        query: Box<Query>,
        negated: bool,
    },
    /// INCLUDES and EXCLUDES of a multi-select field; each text may name several values with `;`.
    Includes {
        left: Operand,
        values: Vec<Literal>,
        negated: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Like,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// Between its quotes, escapes not yet resolved: LIKE reads them its own way.
    Text(String),
    Number(String),
    /// A date or a moment.
    Date(String),
    /// `TODAY`, `LAST_N_DAYS:30`.
    DateWord(String, Option<i64>),
    Boolean(bool),
    Null,
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) operand: Operand,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

/// Brackets and subqueries deeper than this end in an error before the stack does.
const DEEPEST: usize = 40;
const AGGREGATES: [&str; 6] = ["COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"];

impl Operand {
    /// Whether it stands for many rows at once.
    pub(super) fn aggregates(&self) -> bool {
        self.function.as_deref().is_some_and(|function| AGGREGATES.contains(&function))
    }
}

impl Query {
    /// The tree of a text; the error is the sentence of a MALFORMED_QUERY.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens = lexer::tokens(text)?;
        let mut parser = Parser { tokens, next: 0, depth: 0 };
        let query = parser.query()?;
        match parser.peek() {
            Token::End => Ok(query),
            _ => Err(parser.unexpected()),
        }
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        // `End` closes every list and is never stepped over.
        &self.tokens[self.next.min(self.tokens.len() - 1)].0
    }

    fn at(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn step(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    fn unexpected(&self) -> String {
        format!("unexpected token: {}", self.peek().shown())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next += 1;
        }
        found
    }

    fn needs(&mut self, word: &str) -> Result<(), String> {
        if self.takes(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if found {
            self.next += 1;
        }
        found
    }

    fn needs_sign(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<Name, String> {
        let at = self.at();
        match self.peek() {
            Token::Word(text) if !text.ends_with('.') && !text.contains("..") => {
                let text = text.clone();
                self.next += 1;
                Ok(Name { text, at })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn count(&mut self) -> Result<usize, String> {
        match self.peek() {
            Token::Number(text) if !text.starts_with('-') => {
                let count = text.parse().map_err(|_| self.unexpected())?;
                self.next += 1;
                Ok(count)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the query is nested too deeply".to_owned());
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn query(&mut self) -> Result<Query, String> {
        self.needs("SELECT")?;
        let mut query = Query::default();
        loop {
            let item = self.item()?;
            query.items.push(item);
            if !self.takes_sign(",") {
                break;
            }
        }
        self.needs("FROM")?;
        query.from = self.name()?;
        let _ = self.takes("AS");
        if !self.at_clause() && matches!(self.peek(), Token::Word(_)) {
            query.alias = Some(self.name()?.text);
        }
        if self.takes("USING") {
            self.needs("SCOPE")?;
            self.name()?;
        }
        if self.takes("WHERE") {
            query.condition = Some(self.condition()?);
        }
        if self.takes("WITH") {
            // SECURITY_ENFORCED, USER_MODE, SYSTEM_MODE: the sandbox's one user sees everything.
            self.name()?;
        }
        if self.takes("GROUP") {
            self.needs("BY")?;
            loop {
                let operand = self.operand()?;
                query.group.push(operand);
                if !self.takes_sign(",") {
                    break;
                }
            }
            if self.takes("HAVING") {
                query.having = Some(self.condition()?);
            }
        }
        if self.takes("ORDER") {
            self.needs("BY")?;
            query.order = self.orders()?;
        }
        if self.takes("LIMIT") {
            query.limit = Some(self.count()?);
        }
        if self.takes("OFFSET") {
            query.offset = self.count()?;
        }
        while self.takes("FOR") {
            if !(self.takes("UPDATE") || self.takes("VIEW") || self.takes("REFERENCE")) {
                return Err(self.unexpected());
            }
        }
        if self.takes("ALL") {
            self.needs("ROWS")?;
            query.all_rows = true;
        }
        Ok(query)
    }

    /// Whether the next word opens a clause and cannot be an alias.
    fn at_clause(&self) -> bool {
        const CLAUSES: [&str; 11] =
            ["WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "USING", "UPDATE"];
        CLAUSES.iter().any(|word| self.is_word(word))
    }

    fn item(&mut self) -> Result<Item, String> {
        if self.takes_sign("(") {
            let query = self.deeper(Self::query)?;
            self.needs_sign(")")?;
            return Ok(Item::Children(Box::new(query)));
        }
        if self.is_word("FIELDS") && self.followed_by_bracket() {
            self.next += 2;
            let which = self.name()?;
            self.needs_sign(")")?;
            return Ok(Item::Fields(which));
        }
        if self.is_word("COUNT") && self.followed_by_bracket() {
            let empty = matches!(self.tokens.get(self.next + 2), Some((Token::Sign(")"), _)));
            if empty {
                self.next += 3;
                return Ok(Item::Count);
            }
        }
        if self.is_word("FROM") {
            return Err(self.unexpected());
        }
        let operand = self.operand()?;
        let named = matches!(self.peek(), Token::Word(_)) && !self.is_word("FROM");
        let alias = if named { Some(self.name()?.text) } else { None };
        Ok(Item::Field { operand, alias })
    }

    fn followed_by_bracket(&self) -> bool {
        matches!(self.tokens.get(self.next + 1), Some((Token::Sign("("), _)))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let called = self.followed_by_bracket();
        let name = self.name()?;
        if !called {
            return Ok(Operand { function: None, path: name });
        }
        self.needs_sign("(")?;
        let path = self.name()?;
        self.needs_sign(")")?;
        let function = name.text.to_ascii_uppercase();
        match function.as_str() {
            // What a label is and how a user's locale writes numbers is the same as the value here.
            "TOLABEL" | "FORMAT" => Ok(Operand { function: None, path }),
            _ => Ok(Operand { function: Some(function), path }),
        }
    }

    fn orders(&mut self) -> Result<Vec<Order>, String> {
        let mut orders = Vec::new();
        loop {
            let operand = self.operand()?;
            let descending = if self.takes("DESC") {
                true
            } else {
                let _ = self.takes("ASC");
                false
            };
            let mut nulls_last = false;
            if self.takes("NULLS") {
                nulls_last = self.takes("LAST");
                if !nulls_last {
                    self.needs("FIRST")?;
                }
            }
            orders.push(Order { operand, descending, nulls_last });
            if !self.takes_sign(",") {
                return Ok(orders);
            }
        }
    }

    /// One kind of joint per level: without brackets the vendor refuses AND beside OR, and NOT behind either.
    fn condition(&mut self) -> Result<Condition, String> {
        if self.takes("NOT") {
            return Ok(Condition::Not(Box::new(self.simple()?)));
        }
        let mut all = vec![self.simple()?];
        let joint = ["AND", "OR"].into_iter().find(|joint| self.is_word(joint));
        let Some(joint) = joint else { return Ok(all.remove(0)) };
        while self.takes(joint) {
            all.push(self.simple()?);
        }
        if self.is_word("AND") || self.is_word("OR") {
            return Err(self.unexpected());
        }
        Ok(if joint == "AND" { Condition::And(all) } else { Condition::Or(all) })
    }

    fn simple(&mut self) -> Result<Condition, String> {
        if self.is_word("NOT") {
            return Err(self.unexpected());
        }
        if self.takes_sign("(") {
            let condition = self.deeper(Self::condition)?;
            self.needs_sign(")")?;
            return Ok(condition);
        }
        let left = self.operand()?;
        if self.takes("NOT") {
            self.needs("IN")?;
            return self.among(left, true);
        }
        if self.takes("IN") {
            return self.among(left, false);
        }
        for (word, negated) in [("INCLUDES", false), ("EXCLUDES", true)] {
            if self.takes(word) {
                return Ok(Condition::Includes { left, values: self.list()?, negated });
            }
        }
        let sign = self.comparison()?;
        let right = self.literal()?;
        Ok(Condition::Compare { left, sign, right })
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        if self.takes("LIKE") {
            return Ok(Comparison::Like);
        }
        let sign = match self.peek() {
            Token::Sign("=") => Comparison::Equal,
            Token::Sign("!=" | "<>") => Comparison::NotEqual,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::AtMost,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::AtLeast,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(sign)
    }

    fn among(&mut self, left: Operand, negated: bool) -> Result<Condition, String> {
        let subquery = matches!(self.tokens.get(self.next + 1), Some((Token::Word(word), _)) if word.eq_ignore_ascii_case("SELECT"));
        if subquery {
            self.needs_sign("(")?;
            let query = Box::new(self.deeper(Self::query)?);
            self.needs_sign(")")?;
            return Ok(Condition::AmongRows { left, query, negated });
        }
        Ok(Condition::Among { left, values: self.list()?, negated })
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        self.needs_sign("(")?;
        let mut values = Vec::new();
        loop {
            let value = self.literal()?;
            values.push(value);
            if !self.takes_sign(",") {
                break;
            }
        }
        self.needs_sign(")")?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, String> {
        let literal = match self.peek() {
            Token::Text(raw) => Literal::Text(raw.clone()),
            Token::Number(text) => Literal::Number(text.clone()),
            Token::Date(text) => Literal::Date(text.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Literal::Null,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Literal::Boolean(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Literal::Boolean(false),
            Token::Word(word) if super::dates::counts(word) => {
                let word = word.clone();
                self.step();
                self.needs_sign(":")?;
                let count = self.count()?;
                return Ok(Literal::DateWord(word, i64::try_from(count).ok()));
            }
            Token::Word(word) if is_date_word(word) => Literal::DateWord(word.clone(), None),
            _ => return Err(self.unexpected()),
        };
        self.step();
        Ok(literal)
    }
}

/// Which days a word means depends on today; whether it is one of the words does not.
fn is_date_word(word: &str) -> bool {
    super::dates::days(word, None, jiff::civil::Date::constant(2026, 1, 1)).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        Query::parse(text).unwrap_err()
    }

    #[test]
    fn every_clause_finds_its_place() {
        let query = Query::parse(
            "select Id, Account.Name, (SELECT Id FROM Contacts LIMIT 2) from Lead l where Email = 'a' \
             AND (Name LIKE 'x%' OR IsConverted = false) order by CreatedDate desc nulls last, Id \
             limit 10 offset 5 for update all rows",
        )
        .unwrap();
        assert_eq!((query.items.len(), query.from.text.as_str()), (3, "Lead"));
        assert_eq!((query.alias.as_deref(), query.limit, query.offset), (Some("l"), Some(10), 5));
        assert!(query.order[0].descending && query.order[0].nulls_last && !query.order[1].descending);
        assert!(query.all_rows);
        assert!(matches!(&query.condition, Some(Condition::And(all)) if all.len() == 2));
    }

    #[test]
    fn groups_aggregates_and_subqueries_are_read() {
        let query =
            Query::parse("SELECT Status, COUNT(Id) total FROM Lead GROUP BY Status HAVING COUNT(Id) > 1")
                .unwrap();
        assert!(
            matches!(&query.items[1], Item::Field { operand, alias: Some(alias) } if operand.aggregates() && alias == "total")
        );
        let query = Query::parse(
            "SELECT Id FROM Contact WHERE AccountId NOT IN (SELECT Id FROM Account WHERE Name = null)",
        )
        .unwrap();
        assert!(matches!(query.condition, Some(Condition::AmongRows { negated: true, .. })));
    }

    #[test]
    fn the_vendors_sentence_names_the_token() {
        assert_eq!(refused("SELEC Id FROM Lead"), "unexpected token: SELEC");
        assert_eq!(refused("SELECT Id FROM Lead WHERE"), "unexpected token: <EOF>");
        assert_eq!(refused("SELECT Id FROM Lead LIMIT x"), "unexpected token: x");
        assert_eq!(refused("SELECT FROM Lead"), "unexpected token: FROM");
        assert_eq!(refused("SELECT Id FROM Lead WHERE Id IN ()"), "unexpected token: )");
    }

    #[test]
    fn and_beside_or_and_a_late_not_need_brackets() {
        assert_eq!(refused("SELECT Id FROM Lead WHERE A=1 AND B=2 OR C=3"), "unexpected token: OR");
        assert_eq!(refused("SELECT Id FROM Lead WHERE A=1 AND NOT B=2"), "unexpected token: NOT");
        assert!(Query::parse("SELECT Id FROM Lead WHERE A=1 AND (NOT B=2)").is_ok());
        assert!(Query::parse("SELECT Id FROM Lead WHERE NOT(A=1)").is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_ends() {
        let text = format!("SELECT Id FROM Lead WHERE {}A=1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(refused(&text).contains("nested"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "(SELECT|FROM|WHERE|Id|,|\\(|\\)|AND|OR|NOT|IN|=|'a'|5| ){0,40}") {
            let _ = Query::parse(&text);
        }
    }
}
