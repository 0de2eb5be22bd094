//! Salesforce's outbound messages: one SOAP body with up to a hundred changed records, as one event each.
//!
//! They are not signed. What tells a real one is a secret at the end of the address it is sent to, compared before the
//! body is read; a receiver that knows none takes nothing. Fields are those the org's administrator chose, as they were
//! when the message was made, so they are a hint and never the truth about a record.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::secret::Secret;

use super::super::signature::{body_text, delivery_key, same, sha256};
use super::xml::{self, Element};
use super::{objects, wire};

/// The name of the secret that stands at the end of the address.
pub const SECRET: &str = "SALESFORCE_WEBHOOK_SECRET";

/// What Salesforce takes as "received"; anything else is sent again for a day.
pub const ACKNOWLEDGED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
    xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notificationsResponse \
    xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse></soapenv:Body>\
    </soapenv:Envelope>";

/// Whether the end of the address is the secret. Hashes are compared, so that not even its length is told.
pub fn is_genuine(secret: &Secret, given: &str) -> bool {
    let hash = |text: &str| sha256(&[text.as_bytes()]);
    !secret.reveal().is_empty() && same(&hash(secret.reveal()), &hash(given))
}

/// The events of a body; one that cannot be read is an event of no kind, so that it is kept and seen.
pub fn parse(connection: &Connection, body: &[u8]) -> Vec<NewEvent> {
    let text = body_text(body);
    let notifications: Vec<Element> = xml::read(&text)
        .ok()
        .and_then(|document| document.find("notifications").cloned())
        .map(|message| message.all("Notification").cloned().collect())
        .unwrap_or_default();
    if notifications.is_empty() {
        return vec![unreadable(connection, &text)];
    }
    notifications.iter().map(|notification| event(connection, notification)).collect()
}

fn unreadable(connection: &Connection, text: &str) -> NewEvent {
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: delivery_key(&["salesforce", "unreadable", text]),
        topic: String::new(),
        kind: EventKind::Other,
        record: None,
        occurred_at: None,
        sent: Sent::default(),
        body: text.to_owned(),
    }
}

/// One record of a message. Its body is what a query would give of it: the fields, and which kind they are of.
fn event(connection: &Connection, notification: &Element) -> NewEvent {
    let row = notification.child("sObject").cloned().unwrap_or_default();
    let mut fields = Fields::new();
    for field in &row.children {
        fields.insert(field.name.clone(), Value::String(field.text.trim().to_owned()));
    }
    let id = row.text_of("Id").to_owned();
    let object = objects::kind_of(&id);
    let record: Option<RecordRef> = object.map(|object| objects::record(connection, object, &id));
    let at = ["SystemModstamp", "LastModifiedDate"].into_iter().map(|name| row.text_of(name));
    let mut at = at;
    let occurred_at: Option<Timestamp> = at.find_map(wire::instant);
    let body = Value::Object(fields).to_string();
    let number = notification.text_of("Id");
    let key = match number {
        // Without a number, the same values of the same record are the same message.
        "" => delivery_key(&["salesforce", &id, &body]),
        number => delivery_key(&["salesforce", number]),
    };
    NewEvent {
        connection: connection.clone(),
        source: EventSource::Webhook,
        delivery_key: key,
        topic: object.and_then(|object| objects::name(object).ok()).unwrap_or_default().to_owned(),
        kind: object.map_or(EventKind::Other, kind),
        record,
        occurred_at,
        sent: Sent::default(),
        body,
    }
}

/// A message says that a record was made or changed, not which of the two.
const fn kind(object: ObjectKind) -> EventKind {
    match object {
        ObjectKind::Contact | ObjectKind::Lead => EventKind::ContactUpdated,
        ObjectKind::Company => EventKind::CompanyChanged,
        ObjectKind::Deal => EventKind::DealChanged,
        ObjectKind::Ticket => EventKind::TicketChanged,
        _ => EventKind::Other,
    }
}

/// The record as the message carries it, if it carries all of these fields: what is missing may just not have been
/// chosen, or be empty.
pub fn record_in(event: &NewEvent) -> Option<Mirror> {
    let record = event.record.as_ref().filter(|record| record.system() == System::Salesforce)?;
    let row: Value = serde_json::from_str(&event.body).ok()?;
    wire::mirror(&event.connection, record.object, &row).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
        xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
        <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
        <OrganizationId>00Dxx0000000001EAA</OrganizationId><Notification><Id>04lxx0000000001AAA</Id>\
        <sObject xsi:type=\"sf:Opportunity\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\
        <sf:Id>006xx0000000001AAA</sf:Id><sf:StageName>Closed Won</sf:StageName></sObject></Notification>\
        <Notification><Id>04lxx0000000002AAA</Id><sObject xsi:type=\"sf:Lead\" \
        xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>00Qxx0000000001</sf:Id>\
        <sf:Email>a&amp;b@x.example</sf:Email></sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>";

    #[test]
    fn each_record_of_a_message_is_an_event() {
        let only = Connection::only(System::Salesforce);
        let events = parse(&only, MESSAGE.as_bytes());
        let seen: Vec<_> =
            events.iter().map(|event| (event.kind, event.record.as_ref().map(ToString::to_string))).collect();
        assert_eq!(
            seen,
            [
                (EventKind::DealChanged, Some("salesforce/deal/006xx0000000001AAA".to_owned())),
                (EventKind::ContactUpdated, Some("salesforce/lead/00Qxx0000000001EAA".to_owned())),
            ]
        );
        assert_eq!(record_in(&events[1]).expect("a lead").text("email"), "a&b@x.example");
        // The same message once more has the same keys, whatever else stands around it.
        let again = parse(&only, format!(" {MESSAGE}\n").as_bytes());
        assert_eq!(again[0].delivery_key, events[0].delivery_key);
        assert_ne!(events[0].delivery_key, events[1].delivery_key);
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_came() {
        let only = Connection::only(System::Salesforce);
        for body in ["", "hello", "<a><b></a>", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>"] {
            let events = parse(&only, body.as_bytes());
            assert_eq!((events.len(), events[0].kind, events[0].body.as_str()), (1, EventKind::Other, body));
        }
    }

    #[test]
    fn only_the_whole_secret_opens() {
        let secret = Secret::new("Zk3_secret-part-of-the-address");
        assert!(is_genuine(&secret, "Zk3_secret-part-of-the-address"));
        for wrong in ["", "Zk3", "Zk3_secret-part-of-the-address2", "zk3_secret-part-of-the-address"] {
            assert!(!is_genuine(&secret, wrong), "{wrong}");
        }
        assert!(!is_genuine(&Secret::new(""), ""));
    }
}
