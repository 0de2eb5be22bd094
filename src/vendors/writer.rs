//! Who made a change, as far as a webhook's body says: HubSpot's source and its id, the teammate of an Intercom event.
//!
//! A hint for a human who decides, never a fact that anything is done by.

use serde_json::Value;

use crate::domain::event::Event;
use crate::domain::record::{System, value_text};
use crate::domain::review::{Writer, WriterKind};
use crate::domain::text::shorten;

/// Letters of a vendor's own word that are shown.
const WORD: usize = 60;

/// Who set a field of the event's record, if this event tells of that field and says who.
pub fn writer_in(event: &Event, field: &str) -> Option<Writer> {
    let body: Value = serde_json::from_str(&event.body).ok()?;
    match event.connection.system {
        System::Hubspot => hubspot(event, &body, field),
        System::Intercom => intercom(event, &body),
        System::Salesforce => salesforce(event, &body),
    }
}

fn hubspot(event: &Event, body: &Value, field: &str) -> Option<Writer> {
    if body.get("propertyName").map(value_text)? != field {
        return None;
    }
    let word = |name: &str| body.get(name).map(value_text).unwrap_or_default();
    let (source, id) = (word("changeSource"), word("sourceId"));
    let (kind, who) = match source.as_str() {
        "" => return None,
        "CRM_UI" | "CRM_UI_BULK_ACTION" => (WriterKind::Human, "somebody in HubSpot's screens".to_owned()),
        "MOBILE_IOS" | "MOBILE_ANDROID" => (WriterKind::Human, "somebody in HubSpot's phone app".to_owned()),
        "FORM" => (WriterKind::Human, "a form in HubSpot".to_owned()),
        "IMPORT" => (WriterKind::Human, "an import in HubSpot".to_owned()),
        "INTEGRATION" | "API" => (WriterKind::App, "an app through HubSpot's API".to_owned()),
        "AUTOMATION_PLATFORM" | "WORKFLOWS" => (WriterKind::App, "a HubSpot workflow".to_owned()),
        other => (WriterKind::App, format!("HubSpot's {}", shorten(other, WORD).to_lowercase())),
    };
    let who = if id.is_empty() { who } else { format!("{who} ({})", shorten(&id, WORD)) };
    Some(Writer { kind, who, at: event.occurred_at, execution: None })
}

fn intercom(event: &Event, body: &Value) -> Option<Writer> {
    let admin = ["/data/item/admin", "/data/admin", "/data/item/updated_by"]
        .iter()
        .find_map(|path| body.pointer(path).filter(|admin| admin.is_object()));
    if let Some(admin) = admin {
        let name = ["name", "email", "id"]
            .iter()
            .map(|name| admin.get(name).map(value_text).unwrap_or_default())
            .find(|text| !text.is_empty())?;
        return Some(Writer {
            kind: WriterKind::Human,
            who: format!("{} in Intercom", shorten(&name, WORD)),
            at: event.occurred_at,
            execution: None,
        });
    }
    // Only the person themself does these.
    let own = ["contact.unsubscribed", "contact.signed_up", "contact.added_email"];
    own.contains(&event.topic.as_str()).then(|| Writer {
        kind: WriterKind::Human,
        who: "the person, in the Messenger or an e-mail".to_owned(),
        at: event.occurred_at,
        execution: None,
    })
}

fn salesforce(event: &Event, body: &Value) -> Option<Writer> {
    let name = value_text(body.pointer("/LastModifiedBy/Name").or_else(|| body.get("LastModifiedById"))?);
    (!name.is_empty()).then(|| Writer {
        kind: WriterKind::Human,
        who: format!("{} in Salesforce", shorten(&name, WORD)),
        at: event.occurred_at,
        execution: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::event::{EventKind, EventSource};
    use crate::domain::ids::EventId;
    use crate::domain::record::Connection;

    fn event(system: System, body: &str) -> Event {
        Event {
            id: EventId(1),
            connection: Connection::only(system),
            source: EventSource::Webhook,
            delivery_key: String::new(),
            topic: "contact.propertyChange".into(),
            kind: EventKind::ContactUpdated,
            record: None,
            occurred_at: Some(Timestamp(7)),
            received_at: Timestamp(8),
            deliveries: 1,
            body: body.to_owned(),
        }
    }

    #[test]
    fn hubspots_source_names_the_hand_for_its_own_property_only() {
        let body =
            r#"{"propertyName":"phone","propertyValue":"1","changeSource":"CRM_UI","sourceId":"userId:42"}"#;
        let told = event(System::Hubspot, body);
        let writer = writer_in(&told, "phone").expect("told");
        assert_eq!((writer.kind, writer.at), (WriterKind::Human, Some(Timestamp(7))));
        assert_eq!(writer.who, "somebody in HubSpot's screens (userId:42)");
        assert_eq!(writer_in(&told, "jobtitle"), None);
        let silent = event(System::Hubspot, r#"{"propertyName":"phone"}"#);
        assert_eq!(writer_in(&silent, "phone"), None, "nothing said, nothing known");
        assert_eq!(writer_in(&event(System::Hubspot, "not JSON"), "phone"), None);
    }

    #[test]
    fn an_intercom_event_names_its_teammate_where_it_has_one() {
        let body = r#"{"data":{"item":{"admin":{"name":"Ana Ruiz"}}}}"#;
        assert_eq!(
            writer_in(&event(System::Intercom, body), "phone").map(|it| it.who),
            Some("Ana Ruiz in Intercom".into())
        );
        assert_eq!(writer_in(&event(System::Intercom, r#"{"data":{"item":{}}}"#), "phone"), None);
    }
}
