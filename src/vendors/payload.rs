//! What a webhook's body itself says about a record, for recognising our own writes before asking the vendor.
//!
//! Never used as the truth about a record: whoever acts reads it again.

use serde_json::Value;

use super::intercom::wire;
use crate::domain::event::NewEvent;
use crate::domain::record::{Mirror, ObjectKind, System, value_text};

/// The record as an Intercom webhook carries it whole; none for other bodies.
pub fn record_in(event: &NewEvent) -> Option<Mirror> {
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
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    matches!(body.get("changeSource").and_then(Value::as_str), Some("INTEGRATION" | "API"))
}
