//! Outbound messages: which changes are told to the subscriber, and how.

use serde_json::Value;

use super::Org;
use super::rows::Change;

impl Org {
    /// Called once for every effect that stands, after its transaction; drop the message into
    /// `self.desk.outbox.post(Vendor::Salesforce, content)`. The books show the content's `topic` and `id`.
    pub(super) fn announce(&mut self, _change: &Change) {}
}

/// The body of one delivery of up to 100 notifications, each as `announce` posted it.
pub(in crate::sandbox) fn envelope(_notifications: &[&Value]) -> String {
    String::new()
}

/// Whether an answer's body acknowledges the delivery.
pub(in crate::sandbox) fn acknowledged(_body: &str) -> bool {
    true
}
