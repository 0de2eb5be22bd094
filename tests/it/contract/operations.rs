//! The catalogue of vendor operations, row by row: each with sample arguments against the sandbox. A row without
//! samples, or a parameter that no sample gives, fails: what is not tried is not known to be right.

use std::collections::BTreeMap;

use reknit::domain::record::{Connection, System};
use reknit::vendors::operation::{self, Arguments, operations};
use reknit::vendors::{HubspotPaths, Log};
use serde_json::{Map, Value};

use super::raw;
use super::traffic::Stage;
use crate::support::Exchange;

/// The status a sample must get, when it is not a success.
const STATUS: &str = "$status";
/// The only variant a sample is for.
const ONLY: &str = "$only";

/// Runs every operation of a system with its samples and returns what passed.
pub(crate) async fn run(system: System, variant: &str) -> Vec<Exchange> {
    let samples = match system {
        System::Intercom => include_str!("../../fixtures/contract/samples/intercom.json"),
        _ => include_str!("../../fixtures/contract/samples/hubspot.json"),
    };
    let samples: BTreeMap<String, Vec<Map<String, Value>>> = serde_json::from_str(samples).unwrap();
    let mut missing = Vec::new();
    let mut seen = Vec::new();
    for operation in operations(system) {
        let Some(samples) = samples.get(operation.name).filter(|samples| !samples.is_empty()) else {
            missing.push(format!("{} has no sample arguments", operation.name));
            continue;
        };
        for parameter in operation.parameters {
            if !samples.iter().any(|sample| sample.contains_key(parameter.name)) {
                missing.push(format!("{}: no sample gives {}", operation.name, parameter.name));
            }
        }
        let here = samples.iter().filter(|sample| sample.get(ONLY).is_none_or(|only| only == variant));
        for (number, sample) in here.enumerate() {
            let stage = match system {
                System::Intercom => Stage::new(variant, HubspotPaths::V3v4).await,
                _ if variant == "dated" => Stage::new("2.16", HubspotPaths::Dated).await,
                _ => Stage::new("2.16", HubspotPaths::V3v4).await,
            };
            let names = raw::world(&stage.sandbox, system, variant).await;
            let status = sample.get(STATUS).and_then(Value::as_u64);
            let mut given = sample.clone();
            given.retain(|name, _| !name.starts_with('$'));
            let given = raw::filled(&Value::Object(given).to_string(), &names);
            let title = format!("{} {number}", operation.name);
            let arguments = Arguments::new(operation, serde_json::from_str(&given).unwrap());
            let arguments = arguments.unwrap_or_else(|error| panic!("{title}: {error:?}"));
            let recorder = if system == System::Intercom { &stage.intercom } else { &stage.hubspot };
            recorder.label(&title);
            let (connection, mut log) = (Connection::only(system), Log::new());
            let outcome = operation::run(&stage.clients, &connection, operation, &arguments, &mut log).await;
            match (outcome, status) {
                (Ok(_), None) => {}
                (Err(error), Some(status)) if error.status.map(u64::from) == Some(status) => {}
                (outcome, _) => missing.push(format!("{title}, {variant}: {outcome:?}")),
            }
            seen.extend(recorder.seen());
        }
    }
    for name in samples.keys().filter(|name| operation::find(system, name).is_none()) {
        missing.push(format!("samples for {name}, which is no operation"));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    seen
}
