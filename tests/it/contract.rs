//! The vendors' own words on our calls and on our sandbox: every request our clients send and every answer the
//! sandbox gives is held against the official OpenAPI documents.
//!
//! Their folder is named by `REKNIT_SPECS`. Without it HubSpot's part says that it did not run (its documents may not
//! be copied here) and Intercom's part runs against a trimmed copy. Reading order: `traffic`, `operations` and `raw`
//! make calls through recorders, `check` holds each exchange against a `document`, `exceptions` lists what the
//! documents get wrong, `mutants` shows that the check bites.

mod check;
mod document;
mod exceptions;
mod golden;
mod mutants;
mod operations;
mod raw;
mod sources;
mod traffic;
mod trimmed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use reknit::domain::record::System;
use reknit::vendors::HubspotPaths;

use self::check::{Complaint, Contract};
use self::document::Sort;
use self::sources::{hubspot, intercom, say};
use self::traffic::{Stage, empty_sandbox};
use crate::support::{Bench, Exchange};

/// Versions of Intercom's API of which there is a document.
const VERSIONS: [&str; 2] = ["2.16", "2.14"];
/// HubSpot's families of paths.
const FAMILIES: [&str; 2] = ["v3v4", "dated"];

/// What our Intercom client does.
async fn intercom_traffic(version: &str) -> Vec<Exchange> {
    let stage = Stage::new(version, HubspotPaths::V3v4).await;
    stage.drive_intercom(version == "2.16").await;
    stage.intercom.seen()
}

/// What our HubSpot client does.
async fn hubspot_traffic(family: &str) -> Vec<Exchange> {
    let paths = if family == "dated" { HubspotPaths::Dated } else { HubspotPaths::V3v4 };
    let stage = Stage::new("2.16", paths).await;
    stage.drive_hubspot().await;
    stage.hubspot.seen()
}

/// Everything that passes between clients and sandbox in these tests.
async fn all(system: System, variant: &str) -> Vec<Exchange> {
    let (mut seen, raw) = match system {
        System::Intercom => (intercom_traffic(variant).await, raw::intercom(variant).await),
        _ => (hubspot_traffic(variant).await, raw::hubspot(variant).await),
    };
    seen.extend(operations::run(system, variant).await);
    seen.extend(raw);
    seen
}

/// Complaints about a request and its answer.
fn wrong(contract: &Contract, exchange: &Exchange) -> Vec<Complaint> {
    // What is sent raw may be wrong on purpose.
    let mut wrong = if exchange.label == "raw" { Vec::new() } else { contract.request(exchange) };
    // That it has no such route is the sandbox's word, not a vendor's.
    if !raw::is_no_route(&String::from_utf8_lossy(&exchange.answer)) {
        wrong.extend(contract.answer(exchange, Sort::Open));
    }
    wrong
}

/// Complaints about requests and answers, each once.
fn complaints(contract: &Contract, exchanges: &[Exchange]) -> Vec<String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for exchange in exchanges {
        for wrong in wrong(contract, exchange) {
            all.entry(wrong.rule).or_insert_with(|| format!("{} [{}]", wrong.found, exchange.label));
        }
    }
    all.into_iter().map(|(rule, found)| format!("{rule} -- {found}")).collect()
}

#[track_caller]
fn kept(contract: &Contract, exchanges: &[Exchange]) {
    let complaints = complaints(contract, exchanges);
    let vendor = contract.vendor;
    assert!(complaints.is_empty(), "{vendor}, {} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[tokio::test]
async fn our_intercom_client_keeps_the_contract() {
    for version in VERSIONS {
        let seen = intercom_traffic(version).await;
        golden::compare(&format!("intercom-{version}"), &seen);
        if let Some(contract) = intercom(version, None) {
            kept(&contract, &seen);
        }
    }
}

#[tokio::test]
async fn our_hubspot_client_keeps_the_contract() {
    for family in FAMILIES {
        let seen = hubspot_traffic(family).await;
        golden::compare(&format!("hubspot-{family}"), &seen);
        if let Some(contract) = hubspot(None) {
            kept(&contract, &seen);
        }
    }
}

#[tokio::test]
async fn every_operation_keeps_the_contract() {
    for version in VERSIONS {
        let seen = operations::run(System::Intercom, version).await;
        golden::compare(&format!("intercom-{version}-operations"), &seen);
        if let Some(contract) = intercom(version, None) {
            kept(&contract, &seen);
        }
    }
    for family in FAMILIES {
        let seen = operations::run(System::Hubspot, family).await;
        golden::compare(&format!("hubspot-{family}-operations"), &seen);
        if let Some(contract) = hubspot(None) {
            kept(&contract, &seen);
        }
    }
}

#[tokio::test]
async fn the_sandbox_answers_as_intercom_does() {
    for version in VERSIONS {
        let seen = raw::intercom(version).await;
        if let Some(contract) = intercom(version, None) {
            kept(&contract, &seen);
        }
    }
}

#[tokio::test]
async fn the_sandbox_answers_as_hubspot_does() {
    for family in FAMILIES {
        let seen = raw::hubspot(family).await;
        if let Some(contract) = hubspot(None) {
            kept(&contract, &seen);
        }
    }
}

/// What an operator's day makes the engine send, faults and all; what a gateway says is no vendor's word.
#[tokio::test]
async fn a_whole_day_keeps_the_contract() {
    let mut bench = Bench::build().seeded(7, 250, 60).recorded().patience(1).start().await;
    bench.leave_work();
    bench.load().await;
    bench.scan().await;
    bench.sandbox.play_day();
    for _ in 0..4 {
        bench.work().await;
        bench.advance(Duration::from_secs(900));
    }
    let no_gateway = |exchange: &Exchange| !exchange.answer_type.starts_with("text/html");
    let [left, right] = [0, 1]
        .map(|place: usize| bench.recorders[place].seen().into_iter().filter(no_gateway).collect::<Vec<_>>());
    assert!(left.len() > 50 && right.len() > 50, "{} and {} calls", left.len(), right.len());
    if let Some(contract) = intercom("2.16", None) {
        kept(&contract, &left);
    }
    if let Some(contract) = hubspot(None) {
        kept(&contract, &right);
    }
}

/// The copy we carry is the official document, less what nobody calls.
#[tokio::test]
async fn the_trimmed_copy_says_what_the_document_says() {
    let Some(folder) = sources::specs() else {
        say("contract with Intercom: runs against the trimmed copy, REKNIT_SPECS is not set");
        return;
    };
    let contract = intercom("2.16", None).expect("the folder is there");
    let mut called: BTreeSet<String> = BTreeSet::new();
    for exchange in all(System::Intercom, "2.16").await {
        called.extend(
            contract.operation(&exchange).map(|(_, it)| format!("{} {}", exchange.method, it.template)),
        );
    }
    let official = std::fs::read_to_string(folder.join("intercom-2.16.openapi.json")).unwrap();
    let made = trimmed::from(&serde_json::from_str(&official).unwrap(), &called);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources::TRIMMED);
    let text = format!("{}\n", serde_json::to_string_pretty(&made).unwrap());
    assert!(text.len() < 250_000, "{} bytes are too many for a copy", text.len());
    if golden::writes() {
        std::fs::write(&path, &text).unwrap();
    }
    let copy: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(copy == made, "the trimmed copy is another; run the test with REKNIT_GOLDEN=write");
}

/// A route that nobody calls here would answer unwatched.
#[tokio::test]
async fn every_route_of_the_sandbox_is_called() {
    for (system, variants) in [(System::Intercom, VERSIONS), (System::Hubspot, FAMILIES)] {
        let mut called = BTreeSet::new();
        let mut documented = BTreeSet::new();
        for variant in variants {
            let contract = if system == System::Intercom { intercom(variant, None) } else { hubspot(None) };
            let Some(contract) = contract else { continue };
            for exchange in all(system, variant).await {
                if let Some((_, operation)) = contract.operation(&exchange).filter(|_| exchange.is_success())
                {
                    called.insert(format!("{} {}", exchange.method, operation.template));
                }
            }
            documented.extend(contract.documents.iter().flat_map(document::Document::operations));
        }
        if documented.is_empty() {
            continue;
        }
        let sandbox = empty_sandbox().await;
        let (base, token) = match system {
            System::Intercom => (sandbox.intercom_base_url(), sandbox.intercom_token()),
            _ => (sandbox.hubspot_base_url(), sandbox.hubspot_token()),
        };
        let mut unwatched = Vec::new();
        for operation in documented.difference(&called) {
            if raw::has_route(base, token, operation, &documented).await {
                unwatched.push(operation.clone());
            }
        }
        assert!(
            unwatched.is_empty(),
            "add calls to tests/fixtures/contract/calls for:\n{}",
            unwatched.join("\n")
        );
        let (called, documented) = (called.len(), documented.len());
        say(&format!(
            "contract with {}: {called} of {documented} documented operations answered",
            system.title()
        ));
    }
}

#[tokio::test]
async fn spoilt_requests_are_noticed() {
    for (system, variants) in [(System::Intercom, VERSIONS), (System::Hubspot, FAMILIES)] {
        let mut total = mutants::Score::default();
        for variant in variants {
            let contract = if system == System::Intercom { intercom(variant, None) } else { hubspot(None) };
            let Some(contract) = contract else { continue };
            let mut seen = match system {
                System::Intercom => intercom_traffic(variant).await,
                _ => hubspot_traffic(variant).await,
            };
            seen.extend(operations::run(system, variant).await);
            total.add(mutants::score(&contract, &seen));
        }
        if total.made == 0 {
            continue;
        }
        say(&format!("contract with {}: {}", system.title(), total.in_words()));
        assert!(total.missed.is_empty(), "nobody noticed:\n{}", total.missed.join("\n"));
        assert!(total.allowed.len() * 20 <= total.made, "types nobody checks:\n{}", total.allowed.join("\n"));
    }
}

/// Without an exception the traffic is refused; else the exception has to go.
#[tokio::test]
async fn every_exception_is_needed() {
    let mut idle: BTreeSet<String> = exceptions::of("").map(exceptions::Exception::title).collect();
    let mut looked = 0;
    for (system, variants) in [(System::Intercom, VERSIONS), (System::Hubspot, FAMILIES)] {
        for variant in variants {
            let contract = |without| match system {
                System::Intercom => intercom(variant, without),
                _ => hubspot(without),
            };
            let Some(whole) = contract(None) else { continue };
            looked += 1;
            let seen = all(system, variant).await;
            for exception in exceptions::of("") {
                if !whole.documents.iter().any(|document| exception.is_for(&document.name)) {
                    continue;
                }
                if contract(Some(exception))
                    .is_some_and(|without| seen.iter().any(|one| !wrong(&without, one).is_empty()))
                {
                    idle.remove(&exception.title());
                }
            }
        }
    }
    assert!(looked < 4 || idle.is_empty(), "nothing needs:\n{}", Vec::from_iter(idle).join("\n"));
}
