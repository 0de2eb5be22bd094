//! The copy of Intercom's newest document that this project may carry (MIT): the operations our tests call, what these
//! refer to, and no prose. Made from the official document, and compared with it wherever that is at hand.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const NOTICE: &str = "Trimmed from descriptions/2.16/api.intercom.io.yaml of https://github.com/intercom/Intercom-OpenAPI \
                      at commit 8889625a7b931d8649e18726e7f872ff073520fc: only the operations that the contract tests \
                      call and what these refer to; descriptions, examples and extensions are left out. Copyright (c) \
                      2022 Intercom, MIT licence: see LICENSE-intercom-openapi.txt beside this file.";

/// The copy that has these operations, each `METHOD template`.
pub(crate) fn from(official: &Value, operations: &BTreeSet<String>) -> Value {
    let mut paths = Map::new();
    for (template, methods) in official["paths"].as_object().unwrap() {
        let methods: Map<String, Value> = methods
            .as_object()
            .unwrap()
            .iter()
            .filter(|(method, _)| operations.contains(&format!("{} {template}", method.to_uppercase())))
            .map(|(method, operation)| (method.clone(), without_prose(operation)))
            .collect();
        if !methods.is_empty() {
            paths.insert(template.clone(), Value::Object(methods));
        }
    }
    let paths = Value::Object(paths);
    let mut schemas = Map::new();
    // The usual error is for operations that forget theirs; the links of pages are an exception's word.
    let mut waiting = vec!["error".to_owned(), "pages_link".to_owned()];
    waiting.extend(referred(&paths));
    while let Some(name) = waiting.pop() {
        if !schemas.contains_key(&name) {
            let schema = without_prose(&official["components"]["schemas"][&name]);
            waiting.extend(referred(&schema));
            schemas.insert(name, schema);
        }
    }
    schemas.sort_keys();
    json!({
        "x-notice": NOTICE,
        "openapi": official["openapi"],
        "info": official["info"],
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn without_prose(node: &Value) -> Value {
    match node {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| {
                let prose = ["description", "summary", "title", "tags", "example", "examples", "operationId"];
                !prose.contains(&name.as_str()) && !name.starts_with("x-")
            })
            .map(|(name, value)| match value.as_object().filter(|_| name == "properties") {
                // Here the names are the vendor's properties, `title` and `tags` among them.
                Some(properties) => {
                    let each = properties.iter().map(|(name, schema)| (name.clone(), without_prose(schema)));
                    (name.clone(), Value::Object(each.collect()))
                }
                None => (name.clone(), without_prose(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(without_prose).collect(),
        other => other.clone(),
    }
}

fn referred(node: &Value) -> Vec<String> {
    match node {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value.as_str().filter(|_| name == "$ref") {
                Some(reference) => vec![reference.rsplit('/').next().unwrap_or_default().to_owned()],
                None => referred(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        _ => Vec::new(),
    }
}
