//! Texts with expressions in them: `{contact.name} rated {conversation.rating}`.
//!
//! Exactly one `{…}` keeps its value's type; among other letters values are written out, and what is missing is blank.
//! `{{` and `}}` are brackets. What a record holds is put in as text and never read as a template or an expression.

use serde_json::Value;

use super::condition::{self, RecipeFault, Scope};
use crate::domain::record::value_text;

/// Letters of a whole template.
const LONGEST: usize = 20_000;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Letters as they are.
    Text(String),
    /// An expression.
    Expression(String),
}

/// Takes a template apart.
pub fn pieces(template: &str) -> Result<Vec<Piece>, RecipeFault> {
    let fault = |why: &str| RecipeFault::new(template, why);
    if template.len() > LONGEST {
        return Err(RecipeFault::new(&template.chars().take(40).collect::<String>(), "the text is too long"));
    }
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut letters = template.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '{' | '}' if letters.next_if(|(_, next)| *next == letter).is_some() => text.push(letter),
            '}' => return Err(fault("a } stands alone; write }} for the letter")),
            '{' => {
                let inner = &template[at + 1..];
                let end = end(inner).ok_or_else(|| fault("a { has no }; write {{ for the letter"))?;
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Expression(inner[..end].trim().to_owned()));
                while letters.next_if(|(place, _)| *place <= at + 1 + end).is_some() {}
            }
            _ => text.push(letter),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Where the bracket that opened before this text is closed; brackets in quotes do not count.
fn end(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The expressions of a template.
pub fn expressions(template: &str) -> Result<Vec<String>, RecipeFault> {
    Ok(pieces(template)?
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Expression(expression) => Some(expression),
            Piece::Text(_) => None,
        })
        .collect())
}

/// What a template gives; null when its only expression comes to nothing.
pub fn value(template: &str, scope: &Scope) -> Result<Value, RecipeFault> {
    let pieces = pieces(template)?;
    if let [Piece::Expression(only)] = &pieces[..] {
        return Ok(condition::evaluate(only, scope)?.unwrap_or(Value::Null));
    }
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(letters) => text.push_str(&letters),
            Piece::Expression(expression) => {
                text.push_str(
                    &condition::evaluate(&expression, scope)?.as_ref().map(value_text).unwrap_or_default(),
                );
            }
        }
    }
    Ok(Value::String(text))
}

/// What a template gives, as text.
pub fn text(template: &str, scope: &Scope) -> Result<String, RecipeFault> {
    value(template, scope).map(|value| value_text(&value))
}

/// What a value of a recipe gives: texts are templates, also within lists; everything else stays as it is.
pub fn filled(value: &Value, scope: &Scope) -> Result<Value, RecipeFault> {
    match value {
        Value::String(template) => self::value(template, scope),
        Value::Array(list) => {
            list.iter().map(|one| filled(one, scope)).collect::<Result<_, _>>().map(Value::Array)
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let facts = json!({"contact": {"name": "{crm.secret} Zoë", "seats": 3, "plan": null}, "crm": {"secret": "x"}});
        Scope::new(facts.as_object().expect("an object"))
    }

    #[test]
    fn one_expression_keeps_its_type_and_others_are_text() {
        let at = |template: &str| value(template, &scope()).expect("a value");
        assert_eq!(at("{contact.seats}"), json!(3));
        assert_eq!(at(" {contact.seats}"), json!(" 3"));
        assert_eq!(at("{contact.seats * 2} of {{many}}"), json!("6 of {many}"));
        assert_eq!(at("{contact.plan}"), Value::Null);
        assert_eq!(at("plan: {contact.plan}"), json!("plan: "));
        assert_eq!(at("{'}' + \"{\"}"), json!("}{"));
        assert_eq!(at("{size({'a': 1}) == 1}"), json!(true));
    }

    #[test]
    fn what_a_record_says_is_never_evaluated() {
        assert_eq!(text("Hello {contact.name}", &scope()).expect("text"), "Hello {crm.secret} Zoë");
    }

    #[test]
    fn brackets_that_do_not_fit_are_named() {
        for (template, why) in [("a { b", "has no }"), ("a } b", "stands alone"), ("{}", "it is empty")] {
            let fault = value(template, &scope()).expect_err(template);
            assert!(fault.to_string().contains(why), "{fault}");
        }
    }
}
