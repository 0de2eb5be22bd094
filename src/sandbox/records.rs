//! Records of every type as tests make, change and look at them from outside the APIs: HubSpot's deals, tickets, tasks and
//! notes, Salesforce's rows, Intercom's conversations. Changes obey the vendors' rules and stand in the books as `ui`.

use serde_json::{Map, Value};

use super::Sandbox;
use super::desk::lock;
use super::hubspot::Kind;
use super::steps::{Webhook, fields, number, words};

fn kind(name: &str) -> Result<Kind, String> {
    Kind::read(name).ok_or_else(|| format!("{name} is no object type of HubSpot's"))
}

impl Sandbox {
    /// A live HubSpot record of a type (`deals`, `tasks`, `0-5`) with all its values.
    pub fn hubspot_record(&self, object: &str, id: &str) -> Option<Value> {
        lock(&self.world.hubspot).shape(kind(object).ok()?, id.parse().ok()?)
    }

    /// Live HubSpot records of a type that a contact is related to, in the order they were made.
    pub fn hubspot_records_of(&self, contact: &str, object: &str) -> Vec<Value> {
        let (Ok(kind), Ok(contact)) = (kind(object), number(contact)) else { return Vec::new() };
        let portal = lock(&self.world.hubspot);
        let mut ids = portal.linked_ids((Kind::Contacts, contact), kind);
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| portal.shape(kind, id)).collect()
    }

    /// Somebody makes a HubSpot record in the UI, related to a contact if one is named; its id.
    pub fn new_hubspot_record(
        &self,
        object: &str,
        properties: &Value,
        contact: Option<&str>,
        webhook: Webhook,
    ) -> Result<String, String> {
        let kind = kind(object)?;
        let contact = contact.map(number).transpose()?;
        self.in_hubspot(webhook, |portal| {
            let id = portal.add_object(kind, &fields(properties))?;
            if let Some(contact) = contact {
                portal.link((kind, id), (Kind::Contacts, contact), &[]);
            }
            Ok(id.to_string())
        })
        .map_err(|refusal| words(&refusal))
    }

    /// Somebody changes a HubSpot record in the UI; true when a value really changed.
    pub fn edit_hubspot_record(
        &self,
        object: &str,
        id: &str,
        properties: &Value,
        webhook: Webhook,
    ) -> Result<bool, String> {
        let (kind, id) = (kind(object)?, number(id)?);
        self.in_hubspot(webhook, |portal| portal.edit_object(kind, id, &fields(properties)))
            .map_err(|refusal| words(&refusal))
    }

    /// The portal's admin makes a property, by its definition as the API takes it.
    pub fn new_hubspot_property(&self, object: &str, definition: &Value) -> Result<(), String> {
        let kind = kind(object)?;
        self.in_hubspot(Webhook::Silent, |portal| portal.create_property(kind, definition))
            .map(|_| ())
            .map_err(|refusal| words(&refusal))
    }

    /// All live rows of a Salesforce object, in the order they were made.
    pub fn salesforce_rows(&self, object: &str) -> Vec<Value> {
        let org = lock(&self.world.salesforce);
        org.all_live(object).map(|row| org.shape(row, None)).collect()
    }

    /// An Intercom conversation with all its parts, as REST shows it.
    pub fn intercom_conversation(&self, id: &str) -> Option<Value> {
        let intercom = lock(&self.world.intercom);
        intercom.whole_conversation(id.parse().ok()?)
    }

    /// Somebody of the team writes a conversation's attributes.
    pub fn set_conversation_attributes(&self, id: &str, values: &Value, webhook: Webhook) -> bool {
        let values: Map<String, Value> = fields(values);
        id.parse().is_ok_and(|id| self.in_intercom(webhook, |intercom| intercom.put_attributes(id, values)))
    }
}
