//! Composite, composite graph and composite batch: several calls in one, later ones naming what earlier ones
//! gave. Each part is answered exactly as it would be alone.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::{Org, answers, service};
use crate::sandbox::wire::{Answer, Call, Payload};

const MOST_PARTS: usize = 25;
const MOST_GRAPHS: usize = 75;
const MOST_NODES: usize = 500;
/// After so many failed graphs the rest is not tried.
const MOST_FAILED_GRAPHS: usize = 14;

const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

/// One part's answer.
struct Part {
    reference: String,
    status: u16,
    headers: Value,
    body: Value,
}

impl Part {
    fn halted(reference: &str, message: &str) -> Self {
        let body = json!([{"errorCode": "PROCESSING_HALTED", "message": message}]);
        Self { reference: reference.to_owned(), status: 400, headers: json!({}), body }
    }

    fn shape(self) -> Value {
        json!({
            "body": self.body,
            "httpHeaders": self.headers,
            "httpStatusCode": self.status,
            "referenceId": self.reference,
        })
    }
}

fn content(answer: Answer) -> Value {
    match answer.body {
        Payload::Json(value) => value,
        Payload::Text(_, text) => Value::String(text),
        _ => Value::Null,
    }
}

/// What a reference such as `acc.id` or `found.records[0].Id` leads to.
fn looked_up<'a>(results: &'a Map<String, Value>, reference: &str) -> Option<&'a Value> {
    let (name, path) = reference.split_once('.').unwrap_or((reference, ""));
    let mut value = results.get(name)?;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (field, indexes) = step.split_once('[').map_or((step, ""), |(field, rest)| (field, rest));
        if !field.is_empty() {
            let object = value.as_object()?;
            value = object.iter().find(|(name, _)| name.eq_ignore_ascii_case(field))?.1;
        }
        for index in indexes.split(['[', ']']).filter(|index| !index.is_empty()) {
            value = value.as_array()?.get(index.parse::<usize>().ok()?)?;
        }
    }
    (!value.is_null() && !value.is_object() && !value.is_array()).then_some(value)
}

/// A text with every `@{...}` replaced; the error names the one that leads nowhere.
fn replaced(text: &str, results: &Map<String, Value>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((reference, after)) = after.split_once('}') else { break };
        let value = looked_up(results, reference).ok_or_else(|| reference.to_owned())?;
        out.push_str(before);
        out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn replaced_in(value: &mut Value, results: &Map<String, Value>) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains("@{") => *text = replaced(text, results)?,
        Value::Array(items) => {
            for item in items {
                replaced_in(item, results)?;
            }
        }
        Value::Object(fields) => {
            for (_, field) in fields {
                replaced_in(field, results)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn parts_of(given: &Value, most: usize) -> Result<&Vec<Value>, Answer> {
    let parts = given["compositeRequest"].as_array().ok_or_else(answers::not_json)?;
    if parts.len() > most {
        let message = format!("The composite request holds more than {most} subrequests");
        return Err(answers::refused(400, "LIMIT_EXCEEDED", &message));
    }
    let well_named = |part: &Value| {
        let name = part["referenceId"].as_str().unwrap_or_default();
        name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if let Some(part) = parts.iter().find(|part| !well_named(part)) {
        let message = format!(
            "Provided referenceId ('{}') must start with a letter or a number, and it can contain only letters, numbers and underscores ('_').",
            part["referenceId"].as_str().unwrap_or_default()
        );
        return Err(answers::refused(400, "JSON_PARSER_ERROR", &message));
    }
    Ok(parts)
}

impl Org {
    /// Answers a call inside another one; the daily allowance counts only the outer one.
    fn inner(&mut self, method: &str, url: &str, headers: &HeaderMap, body: Value) -> Answer {
        let Some(call) = Call::inner(method, url, headers.clone(), body) else { return answers::missing() };
        let (_, path) = call.route();
        let ["services", "data", version, rest @ ..] = path.as_slice() else { return answers::missing() };
        let allowed = matches!(
            rest,
            ["sobjects" | "query" | "queryAll" | "limits", ..] | ["composite", "sobjects", ..]
        );
        let Some(version) = service::version(version).filter(|_| allowed) else { return answers::missing() };
        let outer = std::mem::replace(&mut self.version, version);
        let answer = self.routed(&call, rest);
        self.version = outer;
        answer
    }

    fn part(&mut self, part: &Value, outer: &HeaderMap, results: &Map<String, Value>) -> Part {
        let reference = part["referenceId"].as_str().unwrap_or_default();
        let prepared = replaced(part["url"].as_str().unwrap_or_default(), results).and_then(|url| {
            let mut body = part["body"].clone();
            replaced_in(&mut body, results).map(|()| (url, body))
        });
        let (url, body) = match prepared {
            Ok(prepared) => prepared,
            Err(unknown) => {
                let source = unknown.split('.').next().unwrap_or_default();
                let message =
                    format!("Invalid reference specified. No value for {unknown} found in {source}");
                return Part::halted(reference, &message);
            }
        };
        let mut headers = outer.clone();
        for (name, value) in part["httpHeaders"].as_object().into_iter().flatten() {
            let pair = (HeaderName::try_from(name), value.as_str().map(HeaderValue::from_str));
            if let (Ok(name), Some(Ok(value))) = pair {
                headers.insert(name, value);
            }
        }
        let answer = self.inner(part["method"].as_str().unwrap_or_default(), &url, &headers, body);
        let location = answer.headers.iter().find(|(name, _)| *name == "Location").map(|(_, value)| value);
        let shown = location.map_or_else(|| json!({}), |location| json!({"Location": location}));
        let status = answer.status;
        Part { reference: reference.to_owned(), status, headers: shown, body: content(answer) }
    }

    /// Runs the parts in order; true when none failed. With `all_or_none` a failure takes everything back.
    fn run(&mut self, parts: &[Value], outer: &HeaderMap, all_or_none: bool) -> (Vec<Part>, bool) {
        let mut results = Map::new();
        let mut answers: Vec<Part> = Vec::with_capacity(parts.len());
        if all_or_none {
            self.begin();
        }
        let mut failed = None;
        for (index, part) in parts.iter().enumerate() {
            let answer = self.part(part, outer, &results);
            let bad = answer.status >= 300;
            if !bad {
                results.insert(answer.reference.clone(), answer.body.clone());
            }
            answers.push(answer);
            if bad {
                failed = failed.or(Some(index));
                if all_or_none {
                    break;
                }
            }
        }
        if !all_or_none {
            return (answers, failed.is_none());
        }
        let Some(failed) = failed else {
            self.commit();
            return (answers, true);
        };
        self.roll_back();
        let told = parts.iter().enumerate().map(|(index, part)| {
            let reference = part["referenceId"].as_str().unwrap_or_default();
            if index == failed {
                answers.pop().unwrap_or_else(|| Part::halted(reference, ROLLED_BACK))
            } else {
                Part::halted(reference, ROLLED_BACK)
            }
        });
        (told.collect(), false)
    }

    pub(super) fn composite(&mut self, call: &Call) -> Result<Answer, Answer> {
        let parts = parts_of(&call.body, MOST_PARTS)?;
        let all_or_none = call.body["allOrNone"].as_bool().unwrap_or(false);
        let (answers, _) = self.run(parts, &inherited(call), all_or_none);
        let shapes: Vec<Value> = answers.into_iter().map(Part::shape).collect();
        Ok(Answer::ok(json!({"compositeResponse": shapes})))
    }

    /// Each graph stands or falls by itself.
    pub(super) fn graphs(&mut self, call: &Call) -> Result<Answer, Answer> {
        let graphs = call.body["graphs"].as_array().ok_or_else(answers::not_json)?;
        let nodes: usize =
            graphs.iter().map(|graph| graph["compositeRequest"].as_array().map_or(0, Vec::len)).sum();
        if graphs.len() > MOST_GRAPHS || nodes > MOST_NODES {
            let message = format!("At most {MOST_GRAPHS} graphs with {MOST_NODES} nodes together");
            return Err(answers::refused(400, "LIMIT_EXCEEDED", &message));
        }
        let mut failures = 0;
        let mut shapes = Vec::with_capacity(graphs.len());
        for graph in graphs {
            let parts = parts_of(graph, MOST_NODES)?;
            let (answers, good) = if failures >= MOST_FAILED_GRAPHS {
                let message = "Too many graphs of this request have failed; this one was not processed.";
                let halted = parts
                    .iter()
                    .map(|part| Part::halted(part["referenceId"].as_str().unwrap_or_default(), message));
                (halted.collect(), false)
            } else {
                self.run(parts, &inherited(call), true)
            };
            failures += usize::from(!good);
            let responses: Vec<Value> = answers.into_iter().map(Part::shape).collect();
            shapes.push(json!({
                "graphId": graph["graphId"],
                "graphResponse": {"compositeResponse": responses},
                "isSuccessful": good,
            }));
        }
        Ok(Answer::ok(json!({"graphs": shapes})))
    }

    /// Calls that know nothing of each other.
    pub(super) fn batch(&mut self, call: &Call) -> Result<Answer, Answer> {
        let requests = call.body["batchRequests"].as_array().ok_or_else(answers::not_json)?;
        if requests.len() > MOST_PARTS {
            let message = format!("The batch holds more than {MOST_PARTS} subrequests");
            return Err(answers::refused(400, "LIMIT_EXCEEDED", &message));
        }
        let halt = call.body["haltOnError"].as_bool().unwrap_or(false);
        let mut bad = false;
        let mut results = Vec::with_capacity(requests.len());
        for request in requests {
            if bad && halt {
                let message = "Batch processing halted per request";
                let result = json!([{"errorCode": "BATCH_PROCESSING_HALTED", "message": message}]);
                results.push(json!({"statusCode": 412, "result": result}));
                continue;
            }
            let url = request["url"].as_str().unwrap_or_default().trim_start_matches('/');
            let url = url.strip_prefix("services/data/").unwrap_or(url);
            let method = request["method"].as_str().unwrap_or_default();
            let path = format!("/services/data/{url}");
            let answer = self.inner(method, &path, &inherited(call), request["richInput"].clone());
            bad |= answer.status >= 300;
            results.push(json!({"statusCode": answer.status, "result": content(answer)}));
        }
        Ok(Answer::ok(json!({"hasErrors": bad, "results": results})))
    }
}

/// The headers parts take over from the call that holds them.
fn inherited(call: &Call) -> HeaderMap {
    let names = ["sforce-duplicate-rule-header", "sforce-query-options", "sforce-call-options"];
    let kept = names
        .into_iter()
        .filter_map(|name| Some((HeaderName::from_static(name), call.headers.get(name)?.clone())));
    kept.collect()
}
