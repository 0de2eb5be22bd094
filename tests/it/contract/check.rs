//! One exchange against the vendor's document: method and path, parameters, body and headers of the request; status,
//! media type and body of the answer. Says what is wrong, judges nothing.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use super::document::{Document, Operation, Sort, percent_decoded};
use crate::support::Exchange;

/// Something wrong with a request or an answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Complaint {
    /// Where and which rule: a hundred rows with the same fault have it in common.
    pub(crate) rule: String,
    /// What was found there.
    pub(crate) found: String,
}

impl Complaint {
    fn of(rule: impl Into<String>) -> Self {
        Self { rule: rule.into(), found: String::new() }
    }

    fn under(mut self, title: &str) -> Self {
        self.rule = format!("{title}: {}", self.rule);
        self
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -- {}", self.rule, self.found)
    }
}

/// The documents one vendor's calls are in; the first that knows a path counts.
pub(crate) struct Contract {
    /// The vendor's name, for people.
    pub(crate) vendor: &'static str,
    /// Its documents.
    pub(crate) documents: Vec<Document>,
    /// Errors whose status an operation forgets to name are of this schema.
    pub(crate) usual_error: Option<&'static str>,
}

impl Contract {
    /// The document and operation of a call.
    pub(crate) fn operation(&self, exchange: &Exchange) -> Option<(&Document, Operation<'_>)> {
        // HubSpot's own client ends `/owners/` with a slash.
        let path = exchange.path.trim_end_matches('/');
        let found =
            |document| Document::operation(document, &exchange.method, path).map(|found| (document, found));
        self.documents.iter().find_map(found)
    }

    /// What is wrong with a request.
    pub(crate) fn request(&self, exchange: &Exchange) -> Vec<Complaint> {
        let Some((document, operation)) = self.operation(exchange) else {
            return vec![Complaint::of(format!(
                "{} {}: the document has no such operation",
                exchange.method, exchange.path
            ))];
        };
        let mut wrong = parameters(document, &operation, exchange);
        wrong.extend(body(document, &operation, exchange));
        let title = format!("{} {} ({})", exchange.method, operation.template, document.name);
        wrong.into_iter().map(|wrong| wrong.under(&format!("{title}, request"))).collect()
    }

    /// What is wrong with an answer.
    pub(crate) fn answer(&self, exchange: &Exchange, sort: Sort) -> Vec<Complaint> {
        let Some((document, operation)) = self.operation(exchange) else { return Vec::new() };
        let Some(status) = exchange.status else { return Vec::new() };
        let title =
            format!("{} {} ({}), answer {status}", exchange.method, operation.template, document.name);
        let wrong = |what: &str| vec![Complaint::of(what).under(&title)];
        let responses = &operation.node["responses"];
        let key =
            [status.to_string(), "default".to_owned()].into_iter().find(|key| responses.get(key).is_some());
        let empty = exchange.answer.is_empty();
        let media = exchange.answer_type.split(';').next().unwrap_or_default();
        let (key, schema) = match &key {
            Some(code) => {
                let pointer = format!("{}/responses/{code}", operation.pointer);
                let Some(response) = document.node(&pointer) else {
                    return wrong("its response leads nowhere");
                };
                let content = response.get("content").and_then(Value::as_object);
                let Some(content) = content.filter(|content| !content.is_empty()) else {
                    return if empty { Vec::new() } else { wrong("a body where the document has none") };
                };
                let Some(schema) = content.get(media).or_else(|| content.get("*/*")) else {
                    return wrong(&format!("media type {media:?} instead of {:?}", content.keys()));
                };
                (pointer, schema.get("schema"))
            }
            None if status >= 400 && self.usual_error.is_some() => {
                let pointer = self.usual_error.unwrap_or_default();
                (pointer.to_owned(), document.node(pointer))
            }
            None => return wrong("the document does not know this status"),
        };
        if media == "text/csv" || media == "text/xml" {
            return Vec::new();
        }
        let Ok(body) = serde_json::from_slice::<Value>(&exchange.answer) else {
            return wrong("the body is no JSON");
        };
        let Some(schema) = schema else { return Vec::new() };
        let validator = document.validator(&key, schema, sort);
        validator.iter_errors(&body).map(|error| told(&error).under(&title)).collect()
    }
}

fn parameters(document: &Document, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    let declared: Vec<&Value> = operation.node["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|parameter| document.followed(parameter))
        .collect();
    let mut given: Vec<(&str, String, String)> = Vec::new();
    for (name, value) in &operation.values {
        given.push(("path", (*name).to_owned(), value.clone()));
    }
    for pair in exchange.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        given.push(("query", percent_decoded(name), percent_decoded(&value.replace('+', " "))));
    }
    for parameter in &declared {
        let place = parameter["in"].as_str().unwrap_or_default();
        let name = parameter["name"].as_str().unwrap_or_default();
        if let Some(value) = (place == "header").then(|| exchange.headers.get(name)).flatten() {
            given.push(("header", name.to_owned(), value.to_str().unwrap_or_default().to_owned()));
        }
        let there = given.iter().any(|(here, known, _)| *here == place && known == name);
        if !there && parameter["required"] == json!(true) {
            wrong.push(Complaint::of(format!("{place} parameter {name} is missing")));
        }
    }
    for parameter in &declared {
        // Form style: the properties of an object stand in the query one by one.
        let names = properties(document, &parameter["schema"]);
        let here: Map<String, Value> = given
            .iter()
            .filter(|(place, name, _)| parameter["in"] == *place && names.contains(&name.as_str()))
            .map(|(_, name, value)| (name.clone(), json!(value)))
            .collect();
        if here.is_empty() {
            continue;
        }
        given.retain(|(_, name, _)| !here.contains_key(name));
        let name = parameter["name"].as_str().unwrap_or_default();
        wrong.retain(|wrong| wrong.rule != format!("query parameter {name} is missing"));
        let validator = document.validator(
            &format!("{}/parameters/{name}", operation.pointer),
            &parameter["schema"],
            Sort::Open,
        );
        let title = format!("query parameter {name}");
        wrong.extend(validator.iter_errors(&Value::Object(here)).map(|error| told(&error).under(&title)));
    }
    for (place, name, value) in given {
        let known =
            declared.iter().find(|parameter| parameter["in"] == place && parameter["name"] == name.as_str());
        let Some(parameter) = known else {
            wrong.push(Complaint::of(format!("{place} parameter {name} is not in the document")));
            continue;
        };
        let Some(schema) = document.followed(&parameter["schema"]).filter(|schema| schema.is_object()) else {
            continue;
        };
        let key = format!("{}/parameters/{place}/{name}", operation.pointer);
        let validator = document.validator(&key, schema, Sort::Open);
        let value = read(&value, document, schema);
        let errors = validator
            .iter_errors(&value)
            .map(|error| told(&error).under(&format!("{place} parameter {name}")));
        wrong.extend(errors);
    }
    wrong
}

/// The names of an object's properties, whichever of several schemas they are in.
fn properties<'a>(document: &'a Document, schema: &'a Value) -> Vec<&'a str> {
    let Some(schema) = document.followed(schema) else { return Vec::new() };
    let parts = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema.get(*word)?.as_array()).flatten();
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    parts.flat_map(|part| properties(document, part)).chain(own.map(|(name, _)| name.as_str())).collect()
}

/// A parameter's text as the JSON its schema means.
fn read(text: &str, document: &Document, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number") => {
            text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
        }
        Some("boolean") => text.parse::<bool>().map_or_else(|_| json!(text), |yes| json!(yes)),
        Some("array") => {
            let items = document.followed(&schema["items"]).unwrap_or(&Value::Null);
            text.split(',').map(|item| read(item, document, items)).collect()
        }
        _ => json!(text),
    }
}

fn body(document: &Document, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Complaint> {
    let declared = operation.node.get("requestBody").and_then(|body| document.followed(body));
    let Some(declared) = declared else {
        let more = !exchange.body.is_empty();
        return more.then(|| Complaint::of("a body where the document has none")).into_iter().collect();
    };
    if exchange.body.is_empty() {
        let missing = declared["required"] == json!(true);
        return missing.then(|| Complaint::of("the body is missing")).into_iter().collect();
    }
    let media =
        exchange.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    let Some(content) = declared["content"].get(media) else {
        return vec![Complaint::of(format!("the document has no body of type {media:?}"))];
    };
    // Rows and envelopes in other languages have no schema here.
    if media.starts_with("text/") {
        return Vec::new();
    }
    let body = if media == "application/x-www-form-urlencoded" {
        form(&exchange.body)
    } else {
        match serde_json::from_slice(&exchange.body) {
            Ok(body) => body,
            Err(error) => return vec![Complaint::of(format!("the body is no JSON: {error}"))],
        }
    };
    let Some(schema) = content.get("schema") else { return Vec::new() };
    let key = format!("{}/requestBody/{media}", operation.pointer);
    let validator = document.validator(&key, schema, Sort::Closed);
    validator.iter_errors(&body).map(|error| told(&error)).collect()
}

/// A form as the object it stands for.
fn form(body: &[u8]) -> Value {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let text = |text: &str| percent_decoded(&text.replace('+', " "));
    Value::Object(pairs.map(|(name, value)| (text(name), json!(text(value)))).collect::<Map<_, _>>())
}

/// An error in words. Where none of several schemas fits, the one that nearly does is named.
fn told(error: &ValidationError<'_>) -> Complaint {
    let steps = error.instance_path().as_str().split('/');
    let mut steps: Vec<&str> =
        steps.map(|step| if step.parse::<usize>().is_ok() { "*" } else { step }).collect();
    if error.schema_path().as_str().contains("/additionalProperties") {
        steps.pop();
        steps.push("*");
    }
    let place = if steps.len() < 2 { "the whole".to_owned() } else { steps.join("/") };
    let found = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let nearest = context.iter().min_by_key(|errors| errors.len());
            let nearest = nearest.and_then(|errors| errors.first()).map(told);
            nearest.map_or_else(String::new, |nearest| format!("of {} the nearest: {nearest}", context.len()))
        }
        _ => error.to_string().chars().take(300).collect(),
    };
    Complaint { rule: format!("{place} (by {})", error.schema_path()), found }
}
