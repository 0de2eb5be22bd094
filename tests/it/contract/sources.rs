//! Where the vendors' documents are. HubSpot's are never part of this project; of Intercom's there is a trimmed copy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::check::Contract;
use super::document::Document;
use super::exceptions::Exception;

/// The folder of the vendors' documents.
pub(crate) fn specs() -> Option<PathBuf> {
    std::env::var_os("REKNIT_SPECS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Says something on stderr, once, even where the test harness keeps what a test prints.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if !SAID.lock().unwrap().insert(line.to_owned()) {
        return;
    }
    // One write, so that lines of tests beside each other do not mix.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The trimmed copy of Intercom's newest document.
pub(crate) const TRIMMED: &str = "tests/fixtures/contract/intercom-2.16.trimmed.json";

/// The contract with Intercom in one version.
pub(crate) fn intercom(version: &str, without: Option<&Exception>) -> Option<Contract> {
    let name = format!("intercom-{version}");
    let document = match specs() {
        Some(folder) => Document::load(&folder.join(format!("{name}.openapi.json")), &name, without),
        None if version == "2.16" => {
            let trimmed = Path::new(env!("CARGO_MANIFEST_DIR")).join(TRIMMED);
            Document::load(&trimmed, &name, without)
        }
        None => {
            say(&format!("contract with Intercom {version}: did not run, REKNIT_SPECS is not set"));
            return None;
        }
    };
    Some(Contract {
        vendor: "Intercom",
        documents: vec![document],
        usual_error: Some("/components/schemas/error"),
    })
}

/// The contract with Salesforce, which publishes no document: ours is written from its documentation.
pub(crate) fn salesforce(without: Option<&Exception>) -> Contract {
    let path = "tests/fixtures/contract/salesforce/rest.openapi.json";
    let document = Document::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), "salesforce", without);
    Contract { vendor: "Salesforce", documents: vec![document], usual_error: None }
}

/// The contract with HubSpot in both families of paths.
pub(crate) fn hubspot(without: Option<&Exception>) -> Option<Contract> {
    let Some(folder) = specs() else {
        say("contract with HubSpot: did not run, REKNIT_SPECS is not set");
        return None;
    };
    let load = |name: &str| Document::load(&folder.join(format!("{name}.openapi.json")), name, without);
    let documents = vec![load("hubspot-v3v4"), load("hubspot-2026-09")];
    Some(Contract { vendor: "HubSpot", documents, usual_error: None })
}
