//! A mapping file, format 2, read with every error it has, each with its line.
//!
//! ```toml
//! [mapping]
//! name = "contact"          # by which files and commands call it
//! version = 3               # counts its editions
//! intercom = "contact"      # contact | company | conversation
//! crm = "contact"           # contact | lead | company | deal | ticket | task | note
//! system = "hubspot"        # hubspot | salesforce | "" for either
//! creates = true            # records of the CRM are made by it; else only existing ones are written
//! define = true             # attributes that Intercom lacks may be defined there
//!
//! [identity]
//! crm = "intercom_contact_id"                          # the CRM's field with Intercom's id
//! intercom = "custom_attributes.hubspot_contact_id"    # Intercom's field with the CRM's id
//! match = [{ intercom = "email", crm = "email" }]      # asked in this order before a record is made
//!
//! [[field]]
//! name = "Plan"                                 # what people call it
//! intercom = "custom_attributes.plan"           # a list where the transform makes one value of several
//! crm = ["hs_lead_status"]
//! direction = "to_crm"                          # to_crm | to_intercom | both | off
//! owner = "intercom"                            # intercom | crm | mirrored | newest | review | consent
//! original = "crm"                              # of a mirrored field: the side that is not the copy
//! fill = true                                   # both ways with one owner: fills where the owner has nothing
//! transform = "table"                           # see the list in mapping/transform.rs
//! blank = "keep"                                # keep | clear | default; for all of the next three
//! missing = "keep"                              # the record came without the field
//! null = "clear"                                # the field is null
//! empty = "default"                             # the field is ""
//! default = "[not provided]"                    # written where both sides are empty
//! write = "always"                              # always | create | update
//! type = "option"                               # text | number | boolean | date | datetime | option
//! allowed = ["NEW", "OPEN"]                     # what the target takes
//! ignore_case = false
//! role = "user"                                 # only for Intercom's users, or leads
//! decides = "revops"                            # to whom its conflicts are shown first
//! [field.table]                                 # of transform table: Intercom's value = the CRM's
//! [field.translate]                             # of any transform: pairs that are looked at first
//! [field.options]                               # of transform option: label = stored value
//! ```
//!
//! A file without `[mapping]` is of format 1: contacts of Intercom and HubSpot, its `version` at the top. Whether
//! what was read makes sense is [`super::check`]'s business.

mod field;
mod section;

use toml_edit::Document;

use super::check;
use super::file::{Mapping, MappingError, MatchKey};
use crate::domain::record::{ObjectKind, System};
use section::{Faults, Section};

const INTERCOM: [ObjectKind; 3] = [ObjectKind::Contact, ObjectKind::Company, ObjectKind::Conversation];
const CRM: [ObjectKind; 7] = [
    ObjectKind::Contact,
    ObjectKind::Lead,
    ObjectKind::Company,
    ObjectKind::Deal,
    ObjectKind::Ticket,
    ObjectKind::Task,
    ObjectKind::Note,
];

/// Reads a whole file.
pub(super) fn mapping(text: &str, file: &str) -> Result<Mapping, Vec<MappingError>> {
    let mut faults = Faults::new(text, file);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            faults.at(at, error.message().trim().to_owned(), "");
            return Err(faults.found);
        }
    };
    let top = Section::new(document.as_table(), 0, String::new());
    top.only(&["version", "mapping", "identity", "field"], &mut faults);
    let head = top.section("mapping", &mut faults);
    let mut mapping = Mapping {
        name: "contact".into(),
        version: 0,
        intercom: ObjectKind::Contact,
        crm: ObjectKind::Contact,
        system: Some(System::Hubspot),
        creates: true,
        define: true,
        crm_identity: String::new(),
        intercom_identity: String::new(),
        keys: Vec::new(),
        fields: Vec::new(),
        file: file.to_owned(),
        text: text.to_owned(),
    };
    let version = match &head {
        Some(head) => {
            head.only(&["name", "version", "intercom", "crm", "system", "creates", "define"], &mut faults);
            mapping.name = head.needed_text("name", &mut faults);
            mapping.intercom = object(head, "intercom", &INTERCOM, &mut faults);
            mapping.crm = object(head, "crm", &CRM, &mut faults);
            mapping.system = system(head, &mut faults);
            mapping.creates = head.flag("creates", &mut faults).unwrap_or(true);
            mapping.define = head.flag("define", &mut faults).unwrap_or(true);
            head.number("version", &mut faults)
        }
        None => top.number("version", &mut faults),
    };
    let head_at = head.as_ref().map_or(0, |head| head.at);
    match version {
        Some(version) => mapping.version = version,
        None => faults.at(head_at, "version is missing", "add version = 1 and count it up with every change"),
    }
    match top.section("identity", &mut faults) {
        Some(identity) => {
            identity.only(&["crm", "intercom", "match"], &mut faults);
            mapping.crm_identity = identity.text("crm", &mut faults).unwrap_or_default();
            mapping.intercom_identity = identity.text("intercom", &mut faults).unwrap_or_default();
            mapping.keys = identity
                .sections("match", &mut faults)
                .iter()
                .map(|key| {
                    key.only(&["intercom", "crm"], &mut faults);
                    MatchKey {
                        intercom: key.needed_text("intercom", &mut faults),
                        crm: key.needed_text("crm", &mut faults),
                    }
                })
                .collect();
            if mapping.keys.is_empty() && identity.get("match").is_none() {
                mapping.keys = usual_keys(&mapping);
            }
        }
        None if head.is_none() => {
            faults.at(0, "there is no [identity]", "say in which fields each side keeps the other's id");
        }
        None => {}
    }
    for entry in top.sections("field", &mut faults) {
        let line = faults.line(entry.at);
        if let Some(field) = field::field(&entry, line, &mut faults) {
            mapping.fields.push(field);
        }
    }
    let identity_at = top.at_of("identity").unwrap_or(head_at);
    let identity_line = faults.line(identity_at);
    let mut found = faults.found;
    found.extend(check::mapping(&mapping, identity_line));
    found.sort_by_key(|error| error.line);
    if found.is_empty() { Ok(mapping) } else { Err(found) }
}

fn object(head: &Section<'_>, key: &str, known: &[ObjectKind], faults: &mut Faults<'_>) -> ObjectKind {
    let word = head.needed_text(key, faults);
    let found = known.iter().copied().find(|object| object.as_str() == word);
    if found.is_none() && !word.is_empty() {
        let known: Vec<&str> = known.iter().map(|object| object.as_str()).collect();
        let at = head.at_of(key).unwrap_or(head.at);
        faults.at(
            at,
            format!("{key} = \"{word}\" is not an object of a mapping"),
            format!("write one of {}", known.join(", ")),
        );
    }
    found.unwrap_or(ObjectKind::Contact)
}

fn system(head: &Section<'_>, faults: &mut Faults<'_>) -> Option<System> {
    let word = head.text("system", faults).unwrap_or_default();
    match word.as_str() {
        "" => None,
        "hubspot" => Some(System::Hubspot),
        "salesforce" => Some(System::Salesforce),
        other => {
            let at = head.at_of("system").unwrap_or(head.at);
            faults.at(
                at,
                format!("system = \"{other}\" is not a CRM"),
                "write hubspot, salesforce, or \"\" for either",
            );
            None
        }
    }
}

/// By what people and companies are looked up where the file does not say: e-mail, and domain.
fn usual_keys(mapping: &Mapping) -> Vec<MatchKey> {
    let pair = |intercom: &str, crm: &str| vec![MatchKey { intercom: intercom.into(), crm: crm.into() }];
    let salesforce = mapping.system == Some(System::Salesforce);
    match mapping.crm {
        ObjectKind::Contact | ObjectKind::Lead => pair("email", if salesforce { "Email" } else { "email" }),
        ObjectKind::Company => pair("website", if salesforce { "Website" } else { "domain" }),
        _ => Vec::new(),
    }
}
