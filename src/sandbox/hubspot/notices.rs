//! HubSpot's webhook events: one per change, later sent in batches. Changes nothing.

use serde_json::{Value, json};

use super::shelf::Kind;
use super::{Link, PORTAL_ID, Portal};
use crate::sandbox::desk::Who;
use crate::sandbox::fault::Vendor;

const APP: u64 = 4_160_452;

impl Portal {
    fn notify(&mut self, kind: Kind, change: &str, id: u64, extra: &Value) {
        if self.quiet {
            return;
        }
        // Tasks and notes have no subscriptions of their own name: they come as objects with a type.
        let generic = matches!(kind, Kind::Tasks | Kind::Notes);
        let topic = if generic { "object" } else { kind.singular() };
        self.events += 1;
        let source = match self.who {
            Who::Api => "INTEGRATION",
            Who::Ui => "CRM_UI",
        };
        let mut event = json!({
            "eventId": self.events,
            "subscriptionId": 2_511_000 + kind as u64,
            "portalId": PORTAL_ID,
            "appId": APP,
            "occurredAt": self.now(),
            "attemptNumber": 0,
            "subscriptionType": format!("{topic}.{change}"),
            "objectId": id,
            "changeSource": source,
        });
        if generic {
            event["objectTypeId"] = json!(kind.type_id());
        }
        for (name, value) in extra.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        self.desk.outbox.post(Vendor::HubSpot, event);
    }

    pub(super) fn notify_creation(&mut self, kind: Kind, id: u64) {
        self.notify(kind, "creation", id, &json!({"changeFlag": "NEW"}));
    }

    pub(super) fn notify_changes(&mut self, kind: Kind, id: u64, changed: &[(String, String)]) {
        for (name, value) in changed {
            self.notify(kind, "propertyChange", id, &json!({"propertyName": name, "propertyValue": value}));
        }
    }

    pub(super) fn notify_deletion(&mut self, kind: Kind, id: u64, change: &str) {
        self.notify(kind, change, id, &json!({"changeFlag": "DELETED"}));
    }

    pub(super) fn notify_merge(&mut self, kind: Kind, merged: (u64, u64), new_id: u64, moved: usize) {
        let (primary, absorbed) = merged;
        let extra = json!({
            "primaryObjectId": primary,
            "mergedObjectIds": [absorbed],
            "newObjectId": new_id,
            "numberOfPropertiesMoved": moved,
        });
        self.notify(kind, "merge", new_id, &extra);
    }

    pub(super) fn notify_association(&mut self, from: Link, to: Link, removed: bool, primary: bool) {
        let words = format!("{}_TO_{}", from.0.singular(), to.0.singular()).to_uppercase();
        let extra = json!({
            "associationType": words,
            "fromObjectId": from.1,
            "toObjectId": to.1,
            "associationRemoved": removed,
            "isPrimaryAssociation": primary,
        });
        self.notify(from.0, "associationChange", from.1, &extra);
    }
}
