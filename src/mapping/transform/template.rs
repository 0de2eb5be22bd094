//! A text with places for fields of Intercom: `"{name} ({custom_attributes.plan})"`.
//!
//! Values are put in as they are and never read as a template again.

use serde_json::Value;

use super::{Refusal, is_blank, plain};

/// More than any field takes; what would be longer is refused instead of being built.
const LONGEST: usize = 1 << 20;

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
    fields: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// By its place among the fields.
    Field(usize),
}

impl Template {
    /// Reads a template; `{{` and `}}` are braces. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut template = Self { pieces: Vec::new(), fields: Vec::new() };
        let mut words = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix(brace) {
                words.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("a } stands alone; write }} for a brace".into());
            }
            let Some((name, after)) = after.split_once('}') else {
                return Err("a { has no }; write {{ for a brace".into());
            };
            let name = name.trim();
            if name.is_empty() || name.contains('{') {
                return Err("between { and } stands the name of one of Intercom's fields".into());
            }
            if !words.is_empty() {
                template.pieces.push(Piece::Text(std::mem::take(&mut words)));
            }
            let place = template.fields.iter().position(|known| known == name).unwrap_or_else(|| {
                template.fields.push(name.to_owned());
                template.fields.len() - 1
            });
            template.pieces.push(Piece::Field(place));
            rest = after;
        }
        words.push_str(rest);
        if !words.is_empty() {
            template.pieces.push(Piece::Text(words));
        }
        if template.fields.is_empty() {
            return Err("it names none of Intercom's fields; for a fixed text write transform = \"constant\" and value = …".into());
        }
        Ok(template)
    }

    /// The fields it names, each once, in their order.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The text with the values in their places; several come as a list in the order of the fields.
    pub(super) fn fill(&self, left: &Value) -> Result<String, Refusal> {
        let values = match left {
            Value::Array(values) if self.fields.len() > 1 => values.as_slice(),
            // A human typed the whole text instead of its parts.
            Value::String(text) if self.fields.len() > 1 => return Ok(text.trim().to_owned()),
            one => std::slice::from_ref(one),
        };
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Field(place) => match values.get(*place) {
                    Some(Value::Array(_) | Value::Object(_)) => return Err(Refusal::WrongType),
                    Some(value) if !is_blank(value) => text.push_str(plain(value).trim()),
                    _ => {}
                },
            }
            if text.len() > LONGEST {
                return Err(Refusal::WrongType);
            }
        }
        Ok(text.trim().to_owned())
    }
}
