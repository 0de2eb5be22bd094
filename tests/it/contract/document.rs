//! One vendor's OpenAPI document: finds the operation of a call and validates JSON against its schemas.
//!
//! OpenAPI 3.0 is not JSON Schema: `nullable` becomes a union with null, what only describes is left out, and in
//! "closed" schemas (for what we send) a property that nobody declared is an error. `$ref`s are resolved inside the
//! document; nothing is ever fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::exceptions;

/// What a schema is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Sort {
    /// Properties that nobody declared are errors.
    Closed,
    /// Undeclared properties are let be.
    Open,
}

/// A document, its schemas compiled when first used.
pub(crate) struct Document {
    /// The file's name without its ending.
    pub(crate) name: String,
    root: Value,
    compiled: Mutex<BTreeMap<(String, Sort), Arc<Validator>>>,
}

/// An operation that a call has matched.
pub(crate) struct Operation<'a> {
    /// The path as the document writes it.
    pub(crate) template: &'a str,
    /// JSON pointer to the operation.
    pub(crate) pointer: String,
    /// The operation itself.
    pub(crate) node: &'a Value,
    /// What stands in the places of the template.
    pub(crate) values: Vec<(&'a str, String)>,
}

impl Document {
    /// Reads a document and applies the exceptions for it, all but one if so wished.
    pub(crate) fn load(path: &Path, name: &str, without: Option<&exceptions::Exception>) -> Self {
        let mut root = parsed(path);
        for exception in exceptions::of(name) {
            if without.is_none_or(|left_out| !std::ptr::eq(left_out, exception)) {
                exception.apply(&mut root);
            }
        }
        Self { name: name.to_owned(), root, compiled: Mutex::new(BTreeMap::new()) }
    }

    /// The operation of a method and a path; of two that fit, the one with words where the other has places.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let word = |segment: &str| !segment.starts_with('{');
        let paths = self.root["paths"].as_object().expect("a document has paths");
        let mut fitting: Vec<(&String, &Value)> = paths
            .iter()
            .filter(|(template, node)| {
                let places: Vec<&str> = template.split('/').skip(1).collect();
                node.get(method.to_lowercase()).is_some()
                    && places.len() == segments.len()
                    && places.iter().zip(&segments).all(|(place, given)| !word(place) || place == given)
            })
            .collect();
        fitting
            .sort_by_key(|(template, _)| template.split('/').map(|place| !word(place)).collect::<Vec<_>>());
        let (template, node) = fitting.first()?;
        let values = template
            .split('/')
            .skip(1)
            .zip(&segments)
            .filter(|(place, _)| !word(place))
            .map(|(place, given)| (place.trim_matches(['{', '}']), percent_decoded(given)))
            .collect();
        let pointer = format!("/paths/{}/{}", escaped(template), method.to_lowercase());
        Some(Operation { template, pointer, node: &node[method.to_lowercase()], values })
    }

    /// Every operation of the document, as `METHOD template`.
    pub(crate) fn operations(&self) -> BTreeSet<String> {
        let paths = self.root["paths"].as_object().expect("a document has paths");
        let methods = ["get", "post", "put", "patch", "delete"];
        paths
            .iter()
            .flat_map(|(template, node)| {
                let here = methods.into_iter().filter(|method| node.get(*method).is_some());
                here.map(move |method| format!("{} {template}", method.to_uppercase()))
            })
            .collect()
    }

    /// A node by its JSON pointer, references followed.
    pub(crate) fn node(&self, pointer: &str) -> Option<&Value> {
        self.followed(self.root.pointer(pointer)?)
    }

    /// The node itself, or what its reference leads to.
    pub(crate) fn followed<'a>(&'a self, node: &'a Value) -> Option<&'a Value> {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.node(reference.trim_start_matches('#')),
            None => Some(node),
        }
    }

    /// The validator of a schema of this document; `key` names it for the cache.
    pub(crate) fn validator(&self, key: &str, schema: &Value, sort: Sort) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().unwrap();
        let place = compiled.entry((key.to_owned(), sort));
        let made = place.or_insert_with(|| {
            let schema = self.standing_alone(schema, sort);
            let validator = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .build(&schema);
            Arc::new(validator.unwrap_or_else(|error| panic!("{}, {key}: {error}", self.name)))
        });
        Arc::clone(made)
    }

    /// A schema in today's JSON Schema, with all it refers to.
    fn standing_alone(&self, schema: &Value, sort: Sort) -> Value {
        let mut translated = self.translated(schema, sort, true);
        let mut definitions = Map::new();
        let mut waiting = named(&translated);
        while let Some(name) = waiting.pop() {
            if definitions.contains_key(&name) {
                continue;
            }
            let schema = self.node(&format!("/components/schemas/{name}"));
            let schema = schema.unwrap_or_else(|| panic!("{} has no schema {name}", self.name));
            // Whoever refers to it closes it, so that `allOf` may put several together.
            let definition = self.translated(schema, sort, false);
            waiting.extend(named(&definition));
            definitions.insert(name, definition);
        }
        translated["$defs"] = Value::Object(definitions);
        translated
    }

    fn translated(&self, schema: &Value, sort: Sort, outermost: bool) -> Value {
        let Value::Object(source) = schema else { return schema.clone() };
        let mut made = Map::new();
        if let Some(reference) = source.get("$ref").and_then(Value::as_str) {
            made.insert("$ref".to_owned(), json!(reference.replace("#/components/schemas/", "#/$defs/")));
        }
        for (keyword, value) in source {
            let value = match keyword.as_str() {
                _ if source.contains_key("$ref") => continue,
                "properties" => {
                    let each = value.as_object().into_iter().flatten();
                    each.map(|(name, schema)| (name.clone(), self.translated(schema, sort, true))).collect()
                }
                "items" | "additionalProperties" => self.translated(value, sort, true),
                "allOf" | "anyOf" | "oneOf" => {
                    let each = value.as_array().into_iter().flatten();
                    each.map(|schema| self.translated(schema, sort, false)).collect()
                }
                // Intercom writes `uri` where its own values are paths, and `timestamp` for numbers.
                "format" if matches!(value.as_str(), Some("date-time" | "email" | "uuid")) => value.clone(),
                "type" | "enum" | "required" | "minLength" | "maxLength" | "minItems" | "maxItems"
                | "minimum" | "maximum" | "pattern" | "uniqueItems" => value.clone(),
                _ => continue,
            };
            made.insert(keyword.clone(), value);
        }
        if sort == Sort::Closed && outermost && self.declares(schema, 0) {
            made.insert("unevaluatedProperties".to_owned(), json!(false));
        }
        if source.get("nullable") == Some(&json!(true)) {
            let put_together =
                ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|keyword| made.contains_key(*keyword));
            if put_together {
                return json!({"anyOf": [made, {"type": "null"}]});
            }
            if let Some(kind) = made.get("type").cloned() {
                made.insert("type".to_owned(), json!([kind, "null"]));
            }
            if let Some(Value::Array(words)) = made.get_mut("enum") {
                words.push(Value::Null);
            }
        }
        Value::Object(made)
    }

    /// Names at least one property, itself or by what it is put together from.
    fn declares(&self, schema: &Value, depth: usize) -> bool {
        let Some(schema) = self.followed(schema) else { return false };
        let parts =
            ["allOf", "anyOf", "oneOf"].iter().filter_map(|keyword| schema[*keyword].as_array()).flatten();
        schema["properties"].as_object().is_some_and(|properties| !properties.is_empty())
            || (depth < 8 && parts.into_iter().any(|part| self.declares(part, depth + 1)))
    }
}

/// A file's JSON, read once for all tests.
fn parsed(path: &Path) -> Value {
    static FILES: Mutex<BTreeMap<PathBuf, Value>> = Mutex::new(BTreeMap::new());
    let mut files = FILES.lock().unwrap();
    if let Some(known) = files.get(path) {
        return known.clone();
    }
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    files.insert(path.to_owned(), read.clone());
    read
}

/// The definitions that a translated schema refers to.
fn named(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                Some(reference) if name == "$ref" => vec![reference.to_owned()],
                _ => named(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(named).collect(),
        _ => Vec::new(),
    }
}

/// A name as a part of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// `%40` and its like read.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let digits: Option<Vec<u8>> = (byte == b'%').then(|| bytes.by_ref().take(2).collect());
        let read = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok());
        decoded.push(read.unwrap_or(byte));
    }
    String::from_utf8(decoded).expect("clients send UTF-8")
}
