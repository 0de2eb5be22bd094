//! Intercom's webhook envelopes: which topic a change causes and what the item holds. Changes nothing.

use serde_json::{Value, json};

use super::{APP_ID, Contact, Workspace, shapes};
use crate::sandbox::desk::request_id;
use crate::sandbox::fault::Vendor;

impl Workspace {
    /// Wraps an item and hands it to the post, unless the change is a quiet one.
    pub(super) fn notify(&self, topic: &str, item: &Value) {
        if self.quiet || self.muted.contains(topic) {
            return;
        }
        let seconds = self.now() / 1_000;
        let envelope = json!({
            "type": "notification_event",
            "app_id": APP_ID,
            "data": {"type": "notification_event_data", "item": item},
            "links": {},
            "id": format!("notif_{}", request_id()),
            "topic": topic,
            "delivery_status": "pending",
            "delivery_attempts": 1,
            "delivered_at": 0,
            "first_sent_at": seconds,
            "created_at": seconds,
            "self": null,
        });
        self.desk.outbox.post(Vendor::Intercom, envelope);
    }

    /// `contact.user.updated`, `contact.lead.created` and their like.
    pub(super) fn notify_contact(&self, contact: &Contact, change: &str) {
        let topic = format!("contact.{}.{change}", shapes::role(contact));
        self.notify(&topic, &shapes::contact_in_webhook(contact));
    }

    /// Everything an edit of a contact is told as: that it changed, and what of it has a topic of its own.
    pub(super) fn notify_edit(&self, before: &Contact, after: &Contact) {
        let item = shapes::contact_in_webhook(after);
        self.notify(&format!("contact.{}.updated", shapes::role(after)), &item);
        let also = |happened: bool, topic: &str| {
            if happened {
                self.notify(topic, &item);
            }
        };
        also(!before.user && after.user, "contact.lead.signed_up");
        let new_email = before.email != after.email && after.email.is_some();
        also(new_email && !after.user && before.email.is_none(), "contact.lead.added_email");
        also(new_email && before.email.is_some(), "contact.email.updated");
        also(!before.unsubscribed && after.unsubscribed, "contact.unsubscribed");
        also(before.unsubscribed && !after.unsubscribed, "contact.subscribed");
    }

    pub(super) fn notify_attachment(&self, company_id: &str, contact_id: &str, attached: bool) {
        let (Some(company), Some(contact)) = (self.companies.get(company_id), self.contacts.get(contact_id))
        else {
            return;
        };
        let topic = if attached { "company.contact.attached" } else { "company.contact.detached" };
        let item = json!({
            "company": self.company_in_webhook(company),
            "contact": shapes::contact_in_webhook(contact),
        });
        self.notify(topic, &item);
    }

    pub(super) fn notify_tag(&self, contact: &Contact, tag: (&str, &str), created: bool) {
        let (id, name) = tag;
        let change = if created { "tag.created" } else { "tag.deleted" };
        let topic = format!("contact.{}.{change}", shapes::role(contact));
        let item = json!({
            "type": "contact_tag",
            "created_at": self.now() / 1_000,
            "tag": {"type": "tag", "id": id, "name": name},
            "contact": shapes::contact_in_webhook(contact),
        });
        self.notify(&topic, &item);
    }
}
