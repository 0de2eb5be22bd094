//! The catalogue of vendor operations, row by row: each with sample arguments against the sandbox. A row without
//! samples, or a parameter that no sample gives, fails: what is not tried is not known to be right.

use std::collections::BTreeMap;

use reknit::domain::record::{Connection, System};
use reknit::vendors::Log;
use reknit::vendors::operation::{self, Arguments, Parameter, operations};
use serde_json::{Map, Value};

use super::raw;
use super::traffic::Stage;
use crate::support::Exchange;

/// The status a sample must get, when it is not a success.
const STATUS: &str = "$status";
/// Areas that a private app's token does not reach.
const PUBLIC_APP: [&str; 2] = ["timeline.", "oauth."];
/// The only variant a sample is for.
const ONLY: &str = "$only";

/// Runs every operation of a system with its samples and returns what passed.
pub(crate) async fn run(system: System, variant: &str) -> Vec<Exchange> {
    let samples = match system {
        System::Intercom => include_str!("../../fixtures/contract/samples/intercom.json"),
        System::Salesforce => include_str!("../../fixtures/contract/samples/salesforce.json"),
        System::Hubspot => include_str!("../../fixtures/contract/samples/hubspot.json"),
    };
    let samples: BTreeMap<String, Vec<Map<String, Value>>> = serde_json::from_str(samples).unwrap();
    let newest = matches!(variant, "2.16" | "v3v4" | "66.0");
    let mut missing = Vec::new();
    let mut seen = Vec::new();
    let mut fresh = None;
    for operation in operations(system) {
        let Some(samples) = samples.get(operation.name).filter(|samples| !samples.is_empty()) else {
            let takes =
                |it: &Parameter| format!("{}{} {:?}", it.name, if it.required { "!" } else { "" }, it.kind);
            let takes: Vec<String> = operation.parameters.iter().map(takes).collect();
            missing.push(format!("{} has no sample arguments: {}", operation.name, takes.join(", ")));
            continue;
        };
        for parameter in operation.parameters {
            if !samples.iter().any(|sample| sample.contains_key(parameter.name)) {
                missing.push(format!("{}: no sample gives {}", operation.name, parameter.name));
            }
        }
        let here = samples.iter().filter(|sample| sample.get(ONLY).is_none_or(|only| only == variant));
        for (number, sample) in here.enumerate() {
            // Reads leave the world as it was, so the next sample may have it.
            let public_app = PUBLIC_APP.iter().any(|area| operation.name.starts_with(area));
            let (stage, names) = match fresh.take().filter(|_| !public_app) {
                Some(fresh) => fresh,
                None => {
                    let stage = if public_app {
                        Stage::of_public_app(variant).await
                    } else {
                        Stage::of(system, variant).await
                    };
                    let names = raw::world(&stage.sandbox, system, variant).await;
                    (stage, names)
                }
            };
            let status = sample.get(STATUS).and_then(Value::as_u64);
            let mut given = sample.clone();
            given.retain(|name, _| !name.starts_with('$'));
            let given = numbers(&raw::filled(&Value::Object(given).to_string(), &names));
            let title = format!("{} {number}", operation.name);
            let arguments = Arguments::new(operation, serde_json::from_str(&given).unwrap());
            let arguments = arguments.unwrap_or_else(|error| panic!("{title}: {error:?}"));
            let recorder = stage.recorder(system);
            recorder.label(&title);
            let before = recorder.count();
            let (connection, mut log) = (Connection::only(system), Log::new());
            let outcome = operation::run(&stage.clients, &connection, operation, &arguments, &mut log).await;
            match (outcome, status) {
                (Ok(_), None) => {}
                (Err(error), Some(status)) if error.status.map(u64::from) == Some(status) => {}
                // What another version does not have is refused before it is sent.
                (Err(error), _) if error.status.is_none() && recorder.count() == before && !newest => {}
                (outcome, _) => missing.push(format!("{title}, {variant}: {outcome:?}")),
            }
            seen.extend(recorder.seen().into_iter().skip(before));
            if operation
                .writes(stage.clients.settings(), &arguments)
                .is_ok_and(|writes| !writes && !public_app)
            {
                fresh = Some((stage, names));
            }
        }
    }
    for name in samples.keys().filter(|name| operation::find(system, name).is_none()) {
        missing.push(format!("samples for {name}, which is no operation"));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    seen
}

/// `"#12"` as the number it is to be: a name in a sample can only stand in a text.
fn numbers(text: &str) -> String {
    let mut parts = text.split("\"#");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        whole.push_str(number);
        whole.push_str(rest);
    }
    whole
}
