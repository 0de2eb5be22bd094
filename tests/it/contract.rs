//! The vendors' own words on our calls and on our sandbox: every request our clients send and every answer the
//! sandbox gives is validated against the official OpenAPI documents.
//!
//! Their folder is named by `REKNIT_SPECS`. Without it HubSpot's part says that it did not run (its documents may not
//! be copied here) and Intercom's part runs against a trimmed copy. Reading order: `traffic` drives our clients
//! through a `recorder`, `check` holds each exchange against a `document`, `exceptions` lists what the documents get
//! wrong.

mod check;
mod document;
mod exceptions;
mod recorder;
mod traffic;

use std::collections::BTreeMap;
use std::path::PathBuf;

use reknit::vendors::HubspotPaths;

use self::check::Contract;
use self::document::{Document, Sort};
use self::recorder::Exchange;
use self::traffic::Stage;

/// The folder of the vendors' documents.
fn specs() -> Option<PathBuf> {
    std::env::var_os("REKNIT_SPECS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Says something on stderr even where the test harness keeps what a test prints.
fn say(line: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{line}").unwrap();
}

fn intercom(version: &str) -> Option<Contract> {
    let folder = specs()?;
    let document = Document::load(
        &folder,
        &format!("intercom-{version}.openapi.json"),
        &format!("intercom-{version}"),
        None,
    );
    Some(Contract {
        vendor: "Intercom",
        documents: vec![document],
        usual_error: Some("/components/schemas/error"),
    })
}

fn hubspot() -> Option<Contract> {
    let folder = specs()?;
    let load = |name: &str| {
        Document::load(&folder, &format!("hubspot-{name}.openapi.json"), &format!("hubspot-{name}"), None)
    };
    Some(Contract { vendor: "HubSpot", documents: vec![load("v3v4"), load("2026-09")], usual_error: None })
}

/// Complaints about exchanges, each once.
fn complaints(contract: &Contract, exchanges: &[Exchange]) -> Vec<String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for exchange in exchanges {
        for wrong in contract.request(exchange).into_iter().chain(contract.answer(exchange, Sort::Open)) {
            all.entry(wrong.rule).or_insert_with(|| format!("{} [{}]", wrong.found, exchange.label));
        }
    }
    all.into_iter().map(|(rule, found)| format!("{rule} -- {found}")).collect()
}

#[tokio::test]
async fn intercom_client() {
    let mut all = Vec::new();
    for version in ["2.16", "2.14"] {
        let stage = Stage::new(version, HubspotPaths::V3v4).await;
        stage.drive_intercom(version == "2.16").await;
        let Some(contract) = intercom(version) else {
            say("contract with Intercom: did not run");
            return;
        };
        all.extend(complaints(&contract, &stage.intercom.seen()));
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

#[tokio::test]
async fn hubspot_client() {
    let mut all = Vec::new();
    for paths in [HubspotPaths::V3v4, HubspotPaths::Dated] {
        let stage = Stage::new("2.16", paths).await;
        stage.drive_hubspot().await;
        let Some(contract) = hubspot() else {
            say("contract with HubSpot: did not run");
            return;
        };
        all.extend(complaints(&contract, &stage.hubspot.seen()));
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}
