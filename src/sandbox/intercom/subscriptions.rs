//! Subscription types, and what contacts have said about them: out of an opt-out type, or into an opt-in one.

use serde_json::{Value, json};

use super::answers::{contact_missing, missing, refused, required};
use super::{Contact, Workspace};
use crate::sandbox::wire::{Answer, Call};

/// Id, name, consent, whether by e-mail.
const TYPES: [(&str, &str, &str); 3] = [
    ("9120301", "Newsletter", "opt_out"),
    ("9120302", "Product announcements", "opt_out"),
    ("9120303", "Research invitations", "opt_in"),
];

fn shape(id: &str) -> Option<Value> {
    let (id, name, consent) = TYPES.iter().find(|(known, ..)| *known == id)?;
    let words = json!({"name": name, "description": format!("{name} of Bright Harbor"), "locale": "en"});
    Some(json!({
        "type": "subscription",
        "id": id,
        "state": "live",
        "consent_type": consent,
        "default_translation": words,
        "translations": [words],
        "content_types": ["email"],
    }))
}

/// The types a contact has opted into (`opt_in`) or out of (`opt_out`).
pub(super) fn chosen(contact: &Contact, consent: &str) -> Vec<String> {
    let of_kind = |id: &&String| TYPES.iter().any(|(known, _, kind)| known == id && *kind == consent);
    contact.subscriptions.iter().filter(of_kind).cloned().collect()
}

impl Workspace {
    pub(super) fn list_subscription_types() -> Answer {
        let data: Vec<Value> = TYPES.iter().filter_map(|(id, ..)| shape(id)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn subscriptions_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> = contact.subscriptions.iter().filter_map(|id| shape(id)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn subscribe_contact(&mut self, id: &str, call: &Call) -> Answer {
        if !self.contacts.contains(id) {
            return contact_missing();
        }
        let Some(subscription) = call.text("id").map(str::to_owned) else { return required("id") };
        let Some(shape) = shape(&subscription) else { return missing() };
        match call.text("consent_type") {
            None => return required("consent_type"),
            Some(consent) if shape["consent_type"] != consent => {
                // Both are documented as needed; what is said when they do not go together is not.
                return refused(
                    400,
                    "parameter_invalid",
                    "consent_type does not match the subscription type",
                );
            }
            Some(_) => {}
        }
        let now = self.now();
        if self.contacts.get(id).is_some_and(|contact| !contact.subscriptions.contains(&subscription)) {
            self.contacts.change(id, now, |contact| contact.subscriptions.push(subscription.clone()));
            self.effect("contact_subscription", "attach", id, &json!({"subscription": subscription}));
        }
        Answer::ok(shape)
    }

    pub(super) fn unsubscribe_contact(&mut self, id: &str, subscription: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let had = contact.subscriptions.iter().any(|known| known == subscription);
        let Some(shape) = shape(subscription).filter(|_| had) else { return missing() };
        let now = self.now();
        self.contacts.change(id, now, |contact| contact.subscriptions.retain(|known| known != subscription));
        self.effect("contact_subscription", "detach", id, &json!({"subscription": subscription}));
        Answer::ok(shape)
    }
}
