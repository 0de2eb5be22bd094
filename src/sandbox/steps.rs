//! Single changes as the vendors' own users make them in the UI, each with or without its webhook. They obey
//! the vendors' rules like any write, pass no rate limit, and stand in the books as `ui`.

use serde_json::{Map, Value};

use super::Sandbox;
use super::desk::{Who, lock};
use super::hubspot::{Kind, Portal};
use super::intercom::Workspace;
use super::wire::{Answer, Payload};

/// Whether a scripted change is told to the subscriber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Webhook {
    /// As usual.
    Sent,
    /// Not: the vendor lost it, or the topic is not subscribed. Only polling finds the change.
    Silent,
}

pub(super) fn words(refusal: &Answer) -> String {
    match &refusal.body {
        Payload::Json(body) => format!("{}: {body}", refusal.status),
        _ => refusal.status.to_string(),
    }
}

pub(super) fn fields(given: &Value) -> Map<String, Value> {
    given.as_object().cloned().unwrap_or_default()
}

pub(super) fn number(id: &str) -> Result<u64, String> {
    id.parse().map_err(|_| format!("{id} is no HubSpot id"))
}

impl Sandbox {
    pub(super) fn in_intercom<T>(&self, webhook: Webhook, change: impl FnOnce(&mut Workspace) -> T) -> T {
        let mut intercom = lock(&self.world.intercom);
        intercom.who = Who::Ui;
        intercom.quiet = webhook == Webhook::Silent;
        let outcome = change(&mut intercom);
        intercom.who = Who::Api;
        intercom.quiet = false;
        outcome
    }

    pub(super) fn in_hubspot<T>(&self, webhook: Webhook, change: impl FnOnce(&mut Portal) -> T) -> T {
        let mut hubspot = lock(&self.world.hubspot);
        hubspot.who = Who::Ui;
        hubspot.quiet = webhook == Webhook::Silent;
        let outcome = change(&mut hubspot);
        hubspot.who = Who::Api;
        hubspot.quiet = false;
        outcome
    }

    /// Edits a contact with the fields of Intercom's own `PUT`; the error holds the vendor's words.
    pub fn edit_intercom_contact(&self, id: &str, changes: &Value, webhook: Webhook) -> Result<bool, String> {
        self.in_intercom(webhook, |intercom| intercom.edit_contact(id, &fields(changes)))
            .map_err(|refusal| words(&refusal))
    }

    /// Creates a user, or a lead when `role` says so, and returns its id.
    pub fn new_intercom_user(&self, contact: &Value, webhook: Webhook) -> Result<String, String> {
        self.in_intercom(webhook, |intercom| intercom.add_contact(&fields(contact)))
            .map_err(|refusal| words(&refusal))
    }

    /// Creates a company under your own id and returns Intercom's id.
    pub fn new_intercom_company(&self, company_id: &str, company: &Value, webhook: Webhook) -> String {
        self.in_intercom(webhook, |intercom| intercom.add_company(company_id, &fields(company)))
    }

    /// Puts a contact into a company; both ids are Intercom's.
    pub fn attach_intercom_company(&self, contact_id: &str, company_id: &str, webhook: Webhook) {
        self.in_intercom(webhook, |intercom| intercom.attach(contact_id, company_id));
    }

    /// Archives a contact in Intercom; false when there is none.
    pub fn archive_intercom_contact(&self, id: &str, webhook: Webhook) -> bool {
        self.in_intercom(webhook, |intercom| intercom.archive_contact(id, true)).status == 200
    }

    /// Deletes a contact in Intercom for good; false when there is none.
    pub fn delete_intercom_contact(&self, id: &str, webhook: Webhook) -> bool {
        self.in_intercom(webhook, |intercom| intercom.delete_contact(id)).status == 200
    }

    /// A contact writes in; the answer is the conversation's id.
    pub fn start_conversation(&self, contact_id: &str, body: &str, webhook: Webhook) -> Option<String> {
        self.in_intercom(webhook, |intercom| intercom.start_conversation(contact_id, body))
            .map(|id| id.to_string())
    }

    /// The team answers a conversation.
    pub fn reply_to_conversation(&self, id: &str, body: &str, webhook: Webhook) {
        if let Ok(id) = id.parse() {
            self.in_intercom(webhook, |intercom| intercom.admin_replies(id, body));
        }
    }

    /// The team closes a conversation.
    pub fn close_conversation(&self, id: &str, webhook: Webhook) {
        if let Ok(id) = id.parse() {
            self.in_intercom(webhook, |intercom| intercom.admin_closes(id));
        }
    }

    /// Edits a contact's properties in the portal; the UI may move a lifecycle stage backwards.
    pub fn edit_hubspot_contact(
        &self,
        id: &str,
        properties: &Value,
        webhook: Webhook,
    ) -> Result<bool, String> {
        let id = number(id)?;
        self.in_hubspot(webhook, |hubspot| hubspot.edit_object(Kind::Contacts, id, &fields(properties)))
            .map_err(|refusal| words(&refusal))
    }

    /// Creates a contact in the portal and returns its id.
    pub fn new_hubspot_contact(&self, properties: &Value, webhook: Webhook) -> Result<String, String> {
        self.in_hubspot(webhook, |hubspot| hubspot.add_object(Kind::Contacts, &fields(properties)))
            .map(|id| id.to_string())
            .map_err(|refusal| words(&refusal))
    }

    /// Creates a company in the portal and returns its id.
    pub fn new_hubspot_company(&self, properties: &Value, webhook: Webhook) -> Result<String, String> {
        self.in_hubspot(webhook, |hubspot| hubspot.add_object(Kind::Companies, &fields(properties)))
            .map(|id| id.to_string())
            .map_err(|refusal| words(&refusal))
    }

    /// Relates a contact to a company; the first company becomes the primary one.
    pub fn link_hubspot_company(
        &self,
        contact_id: &str,
        company_id: &str,
        webhook: Webhook,
    ) -> Result<(), String> {
        let (contact, company) = (number(contact_id)?, number(company_id)?);
        self.in_hubspot(webhook, |hubspot| {
            hubspot.link((Kind::Contacts, contact), (Kind::Companies, company), &[279]);
        });
        Ok(())
    }

    /// Takes a contact out of a company; false when they were not related.
    pub fn unlink_hubspot_company(
        &self,
        contact_id: &str,
        company_id: &str,
        webhook: Webhook,
    ) -> Result<bool, String> {
        let (contact, company) = (number(contact_id)?, number(company_id)?);
        Ok(self.in_hubspot(webhook, |hubspot| {
            hubspot.unlink((Kind::Contacts, contact), (Kind::Companies, company))
        }))
    }

    /// Moves a contact to the portal's recycle bin; false when there is none.
    pub fn archive_hubspot_contact(&self, id: &str, webhook: Webhook) -> bool {
        number(id).is_ok_and(|id| self.in_hubspot(webhook, |hubspot| hubspot.archive(Kind::Contacts, id)))
    }

    /// The portal's admin deletes a contact for privacy, for good; false when there is none.
    pub fn erase_hubspot_contact(&self, id: &str, webhook: Webhook) -> bool {
        number(id).is_ok_and(|id| self.in_hubspot(webhook, |hubspot| hubspot.erase(Kind::Contacts, id)))
    }

    /// Merges two contacts in the portal; the answer is the new id both lead to.
    pub fn merge_hubspot_contacts(
        &self,
        primary: &str,
        other: &str,
        webhook: Webhook,
    ) -> Result<String, String> {
        let (primary, other) = (number(primary)?, number(other)?);
        self.in_hubspot(webhook, |hubspot| hubspot.merge(Kind::Contacts, primary, other))
            .map(|id| id.to_string())
            .map_err(|refusal| words(&refusal))
    }

    /// The portal's admin changes the options of a contact property.
    pub fn set_hubspot_contact_options(&self, property: &str, options: &[&str]) {
        self.in_hubspot(Webhook::Silent, |hubspot| hubspot.set_options(Kind::Contacts, property, options));
    }

    /// The portal's admin adds a stage to the deal pipeline, with an internal id and a label.
    pub fn add_hubspot_deal_stage(&self, id: &str, label: &str) {
        self.in_hubspot(Webhook::Silent, |hubspot| hubspot.add_option(Kind::Deals, "dealstage", id, label));
    }

    /// The portal's admin adds a lifecycle stage, with an internal value and a label.
    pub fn add_hubspot_lifecycle_stage(&self, value: &str, label: &str) {
        self.in_hubspot(Webhook::Silent, |hubspot| {
            hubspot.add_option(Kind::Contacts, "lifecyclestage", value, label);
        });
    }
}
