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
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reknit::domain::record::System;
use tokio::sync::OnceCell;

use self::check::{Complaint, Contract};
use self::document::Sort;
use self::sources::{hubspot, intercom, salesforce, say};
use self::traffic::{Stage, empty_sandbox};
use crate::support::{Bench, Exchange};

/// Versions of Intercom's API of which there is a document.
const VERSIONS: [&str; 2] = ["2.16", "2.14"];
/// HubSpot's families of paths.
const FAMILIES: [&str; 2] = ["v3v4", "dated"];

/// Where calls come from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    /// Our client, doing what the engine does.
    Client,
    /// The catalogue of operations.
    Operations,
    /// Written by hand, wrong ones among them.
    Raw,
}

/// What passed, made once for all tests.
async fn passed(system: System, variant: &'static str, part: Part) -> Arc<Vec<Exchange>> {
    type Place = Arc<OnceCell<Arc<Vec<Exchange>>>>;
    static PASSED: Mutex<BTreeMap<(&str, &str, Part), Place>> = Mutex::new(BTreeMap::new());
    let place = Arc::clone(PASSED.lock().unwrap().entry((system.as_str(), variant, part)).or_default());
    let make = async || match (part, system) {
        (Part::Operations, _) => operations::run(system, variant).await,
        (Part::Raw, System::Intercom) => raw::intercom(variant).await,
        (Part::Raw, System::Hubspot) => raw::hubspot(variant).await,
        (Part::Raw, System::Salesforce) => raw::salesforce().await,
        (Part::Client, System::Intercom) => {
            let stage = Stage::of(system, variant).await;
            stage.drive_intercom(variant == "2.16").await;
            stage.intercom.seen()
        }
        (Part::Client, System::Salesforce) => {
            let stage = Stage::of(system, variant).await;
            stage.drive_salesforce().await;
            stage.salesforce.seen()
        }
        (Part::Client, System::Hubspot) => {
            let stage = Stage::of(system, variant).await;
            stage.drive_hubspot().await;
            stage.hubspot.seen()
        }
    };
    Arc::clone(place.get_or_init(async || Arc::new(make().await)).await)
}

/// What our client sends and gets, by itself and operation by operation.
async fn sent(system: System, variant: &'static str) -> Vec<Exchange> {
    let mut all = passed(system, variant, Part::Client).await.to_vec();
    all.extend(passed(system, variant, Part::Operations).await.iter().cloned());
    all
}

/// Everything that passes between clients and sandbox in these tests.
async fn all(system: System, variant: &'static str) -> Vec<Exchange> {
    let mut all = sent(system, variant).await;
    all.extend(passed(system, variant, Part::Raw).await.iter().cloned());
    all
}

/// The contract with a vendor, if its documents are at hand.
fn contract(system: System, variant: &str) -> Option<Contract> {
    match system {
        System::Intercom => intercom(variant, None),
        System::Hubspot => hubspot(None),
        System::Salesforce => Some(salesforce(None)),
    }
}

/// Every vendor with the variants of its API that are called here.
const VENDORS: [(System, &[&str]); 3] =
    [(System::Intercom, &VERSIONS), (System::Hubspot, &FAMILIES), (System::Salesforce, &["66.0"])];

/// Holds what passed against the golden, where requests are ours, and against the documents.
async fn held(system: System, part: Part) {
    for variant in VENDORS.iter().filter(|row| row.0 == system).flat_map(|row| row.1) {
        let seen = passed(system, variant, part).await;
        match part {
            Part::Client => golden::compare(&format!("{system}-{variant}"), &seen),
            Part::Operations => golden::compare(&format!("{system}-{variant}-operations"), &seen),
            Part::Raw => {}
        }
        if let Some(contract) = contract(system, variant) {
            kept(&contract, &seen);
        }
    }
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
    held(System::Intercom, Part::Client).await;
}

#[tokio::test]
async fn our_hubspot_client_keeps_the_contract() {
    held(System::Hubspot, Part::Client).await;
}

#[tokio::test]
async fn every_intercom_operation_keeps_the_contract() {
    held(System::Intercom, Part::Operations).await;
}

#[tokio::test]
async fn every_hubspot_operation_keeps_the_contract() {
    held(System::Hubspot, Part::Operations).await;
}

#[tokio::test]
async fn our_salesforce_client_keeps_the_contract() {
    held(System::Salesforce, Part::Client).await;
}

#[tokio::test]
async fn every_salesforce_operation_keeps_the_contract() {
    held(System::Salesforce, Part::Operations).await;
}

#[tokio::test]
async fn the_sandbox_answers_as_salesforce_does() {
    held(System::Salesforce, Part::Raw).await;
}

#[tokio::test]
async fn the_sandbox_answers_as_intercom_does() {
    held(System::Intercom, Part::Raw).await;
}

#[tokio::test]
async fn the_sandbox_answers_as_hubspot_does() {
    held(System::Hubspot, Part::Raw).await;
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
    // What many executions want of HubSpot travels together.
    assert!(left.len() > 50 && right.len() > 20, "{} and {} calls", left.len(), right.len());
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

/// Routes of the sandbox that are not held against the document, and why.
const UNWATCHED: [(&str, &str); 1] =
    [("POST /oauth/v3/token/revoke", "the document knows refusals only, no success")];

/// A route that nobody calls here would answer unwatched.
#[tokio::test]
async fn every_route_of_the_sandbox_is_called() {
    // Salesforce's document is ours and holds what is called, no more.
    for (system, variants) in VENDORS.into_iter().filter(|row| row.0 != System::Salesforce) {
        let mut called = BTreeSet::new();
        let mut documented = BTreeSet::new();
        for variant in variants {
            let Some(contract) = contract(system, variant) else { continue };
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
            System::Intercom => (sandbox.intercom_base_url(), sandbox.intercom_token().to_owned()),
            _ => (sandbox.hubspot_base_url(), raw::hubspot_access_token(&sandbox).await),
        };
        let mut unwatched = Vec::new();
        for operation in documented.difference(&called) {
            let known = UNWATCHED.iter().any(|(route, _)| route == operation);
            if !known && raw::has_route(base, &token, operation, &documented).await {
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
    for (system, variants) in VENDORS {
        let mut total = mutants::Score::default();
        for variant in variants {
            let Some(contract) = contract(system, variant) else { continue };
            let seen = sent(system, variant).await;
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

/// What is wrong is called wrong, each fault by its own words.
#[tokio::test]
async fn the_check_bites() {
    type Fault<'a> = (&'a dyn Fn(&mut Exchange), &'a str);
    let contract = intercom("2.16", None).expect("the trimmed copy at least");
    let seen = passed(System::Intercom, "2.16", Part::Client).await;
    let right = seen.iter().find(|exchange| exchange.label == "merge").expect("the merge");
    assert_eq!(wrong(&contract, right), []);
    let said = |change: &dyn Fn(&mut Exchange)| {
        let mut exchange = right.clone();
        change(&mut exchange);
        wrong(&contract, &exchange).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let version = |exchange: &mut Exchange| {
        exchange.headers.insert("intercom-version", "9.99".parse().unwrap());
    };
    let media = |exchange: &mut Exchange| {
        exchange.headers.insert("content-type", "text/plain".parse().unwrap());
    };
    let faults: [Fault<'_>; 9] = [
        (&|exchange| "PATCH".clone_into(&mut exchange.method), "no such operation"),
        (&|exchange| exchange.path.push_str("/again"), "no such operation"),
        (&|exchange| exchange.query.push_str("from=1"), "query parameter from is not in the document"),
        (&version, "header parameter Intercom-Version"),
        (&media, "no body of type \"text/plain\""),
        (&|exchange| exchange.body = "{".into(), "the body is no JSON"),
        (&|exchange| exchange.status = Some(302), "does not know this status"),
        (&|exchange| "text/html".clone_into(&mut exchange.answer_type), "media type \"text/html\""),
        (&|exchange| exchange.answer = r#"{"type": "contact", "id": 7}"#.into(), "7 is not of type"),
    ];
    for (change, words) in faults {
        let said = said(change);
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// Without an exception the traffic is refused; else the exception has to go.
#[tokio::test]
async fn every_exception_is_needed() {
    let mut idle: BTreeSet<String> = exceptions::of("").map(exceptions::Exception::title).collect();
    let mut looked = 0;
    for (system, variants) in VENDORS {
        for variant in variants {
            let contract = |without| match system {
                System::Intercom => intercom(variant, without),
                System::Hubspot => hubspot(without),
                System::Salesforce => Some(salesforce(without)),
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
    assert!(looked < 5 || idle.is_empty(), "nothing needs:\n{}", Vec::from_iter(idle).join("\n"));
}
