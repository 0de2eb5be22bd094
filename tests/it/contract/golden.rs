//! What our clients send, written down: method, path and the names of query parameters and keys. The documents require
//! few keys, so one that silently goes missing is noticed here. `REKNIT_GOLDEN=write` writes it anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::mutants;
use crate::support::Exchange;

/// Maps whose keys are the customer's, not the vendor's.
const FREE: [&str; 5] = ["custom_attributes", "metadata", "properties", "tokens", "extraData"];

/// Whether a key stands in a map of the customer's own names.
pub(crate) fn is_free(path: &[String]) -> bool {
    path.iter().rev().skip(1).any(|step| FREE.contains(&step.as_str()))
}

/// One request as a line: ids are left out, and so are values and the customer's own names.
pub(crate) fn line(exchange: &Exchange) -> String {
    let id = |segment: &&str| {
        let hex = matches!(segment.len(), 24 | 36)
            && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        hex || segment.contains("%40")
            || segment.starts_with("sandbox-hubspot-access-token-")
            || (!segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let path: Vec<&str> =
        exchange.path.split('/').map(|segment| if id(&segment) { "{id}" } else { segment }).collect();
    let mut line = format!("{} {}", exchange.method, path.join("/"));
    let mut query: Vec<&str> = exchange.query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    query.sort_unstable();
    query.dedup();
    if !exchange.query.is_empty() {
        line.push_str(&format!("?{}", query.join("&")));
    }
    if let Ok(body) = serde_json::from_slice::<Value>(&exchange.body) {
        let keys = mutants::keys(&body).into_iter().filter(|path| !is_free(path));
        let keys: Vec<String> = keys.map(|path| path.join(".")).collect();
        line.push_str(&format!(" {{{}}}", keys.join(", ")));
    }
    line
}

/// The lines of every label, in order; repeated ones once.
pub(crate) fn lines(exchanges: &[Exchange]) -> BTreeMap<String, Vec<String>> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for exchange in exchanges {
        let here = lines.entry(exchange.label.clone()).or_default();
        let line = line(exchange);
        if !here.contains(&line) {
            here.push(line);
        }
    }
    lines
}

/// What is recorded is to be written anew, not compared.
pub(crate) fn writes() -> bool {
    std::env::var_os("REKNIT_GOLDEN").is_some_and(|word| word == "write")
}

/// Compares what was sent with the golden of that name.
pub(crate) fn compare(name: &str, exchanges: &[Exchange]) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/contract/sent/{name}.json"));
    let sent = json!(lines(exchanges));
    if writes() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&sent).unwrap())).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let mut changes = Vec::new();
    for (left, right, word) in [(&golden, &sent, "no longer sent"), (&sent, &golden, "sent now")] {
        for (label, lines) in left.as_object().unwrap() {
            let others = right[label].as_array().map_or(&[][..], Vec::as_slice);
            for line in lines.as_array().unwrap().iter().filter(|line| !others.contains(line)) {
                changes.push(format!("[{label}] {word}: {line}"));
            }
        }
    }
    assert!(
        changes.is_empty(),
        "what our clients send to {name} has changed; if that is meant, run the test with REKNIT_GOLDEN=write:\n{}",
        changes.join("\n")
    );
}
