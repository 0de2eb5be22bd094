//! What a webhook's body itself says about a record, for recognising our own writes before asking the vendor.
//!
//! Never used as the truth about a record: whoever acts reads it again.

use serde_json::Value;

use super::intercom::wire;
use super::salesforce;
use crate::domain::event::{Event, EventSource, NewEvent};
use crate::domain::record::{Mirror, ObjectKind, System, value_text};

/// The record as a webhook of Intercom or Salesforce carries it whole; none for other bodies.
pub fn record_in(event: &NewEvent) -> Option<Mirror> {
    if event.connection.system == System::Salesforce {
        // A look brings the record whole, too, but never comes back from a write of ours unseen.
        return salesforce::hook::record_in(event).filter(|_| event.source == EventSource::Webhook);
    }
    let record = event.record.as_ref().filter(|record| record.object == ObjectKind::Contact)?;
    if record.system() != System::Intercom {
        return None;
    }
    let body: Value = serde_json::from_str(&event.body).ok()?;
    let item = body.get("data")?.get("item")?;
    let item = item.get("contact").unwrap_or(item);
    let (mirror, _) = wire::contact(&event.connection, item).ok()?;
    (mirror.record.id == record.id).then_some(mirror)
}

/// The one property a HubSpot change event names, with its new value.
pub fn property_in(event: &NewEvent) -> Option<(String, Value)> {
    if event.connection.system != System::Hubspot {
        return None;
    }
    let body: Value = serde_json::from_str(&event.body).ok()?;
    let name = value_text(body.get("propertyName")?);
    (!name.is_empty()).then(|| (name, body.get("propertyValue").cloned().unwrap_or(Value::Null)))
}

/// HubSpot says that an app made the change, ours or another.
pub fn is_by_an_integration(event: &NewEvent) -> bool {
    // Nobody else says it, and Intercom's bodies are big.
    if event.connection.system != System::Hubspot {
        return false;
    }
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    matches!(body.get("changeSource").and_then(Value::as_str), Some("INTEGRATION" | "API"))
}

/// HubSpot says that a human made the change: in its screens, its phone apps, a form or an import. Other sources, and
/// none at all, say nothing about it.
pub fn is_by_a_human(event: &Event) -> bool {
    if event.connection.system != System::Hubspot {
        return false;
    }
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    let human = ["CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID", "FORM", "IMPORT"];
    body.get("changeSource").and_then(Value::as_str).is_some_and(|source| human.contains(&source))
}
