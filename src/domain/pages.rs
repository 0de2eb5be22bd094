//! Where a record is seen in its vendor's own pages: one table of addresses.
//!
//! Builds addresses and opens nothing. Ids come from vendors, so everything that could mean something in an address is
//! escaped.

use std::fmt::Write as _;

use super::record::{ObjectKind, RecordRef, System};

/// The address of a record's page. `workspace` is Intercom's app or HubSpot's portal, `salesforce` the org's address.
pub fn page(record: &RecordRef, workspace: Option<&str>, salesforce: &str) -> Result<String, String> {
    let id = escaped(&record.id);
    let unknown = |what: &str| {
        let system = record.system().title();
        Err(format!("{what} of {system} is not known yet: it comes with {system}'s next webhook"))
    };
    let no_page = || Err(format!("{} has no page for a {}", record.system().title(), record.object));
    match record.system() {
        System::Intercom => {
            let Some(app) = workspace.map(escaped) else { return unknown("The workspace") };
            let part = match record.object {
                ObjectKind::Contact | ObjectKind::Lead => "users",
                ObjectKind::Company => "companies",
                ObjectKind::Conversation => "conversations",
                ObjectKind::Ticket => "tickets",
                _ => return no_page(),
            };
            Ok(format!("https://app.intercom.com/a/apps/{app}/{part}/{id}"))
        }
        System::Hubspot => {
            let Some(portal) = workspace.map(escaped) else { return unknown("The portal") };
            let kind = match record.object {
                ObjectKind::Contact | ObjectKind::Lead => "0-1",
                ObjectKind::Company => "0-2",
                ObjectKind::Deal => "0-3",
                ObjectKind::Ticket => "0-5",
                ObjectKind::Task => "0-27",
                ObjectKind::Note => "0-46",
                _ => return no_page(),
            };
            Ok(format!("https://app.hubspot.com/contacts/{portal}/record/{kind}/{id}"))
        }
        System::Salesforce => {
            let host = salesforce.trim_end_matches('/');
            if host.is_empty() {
                return Err("vendors.salesforce.instance_url is not set, so the org is not known".to_owned());
            }
            Ok(format!("{host}/{id}"))
        }
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut shown, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            shown.push(char::from(byte));
        } else {
            let _ = write!(shown, "%{byte:02X}");
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_its_address_and_says_what_it_lacks() {
        let at = |system, object, id: &str, workspace| {
            page(&RecordRef::new(system, object, id), workspace, "https://acme.my.salesforce.com/")
        };
        assert_eq!(
            at(System::Hubspot, ObjectKind::Contact, "151", Some("62515")).expect("known"),
            "https://app.hubspot.com/contacts/62515/record/0-1/151"
        );
        assert_eq!(
            at(System::Intercom, ObjectKind::Conversation, "1/../2", Some("ab12")).expect("known"),
            "https://app.intercom.com/a/apps/ab12/conversations/1%2F%2E%2E%2F2"
        );
        assert_eq!(
            at(System::Salesforce, ObjectKind::Lead, "00Q1", None).expect("known"),
            "https://acme.my.salesforce.com/00Q1"
        );
        assert!(
            at(System::Hubspot, ObjectKind::Contact, "151", None).expect_err("no portal").contains("webhook")
        );
        assert!(page(&RecordRef::new(System::Salesforce, ObjectKind::Lead, "1"), None, "").is_err());
    }
}
