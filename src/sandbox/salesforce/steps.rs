//! Single changes as somebody in the org makes them on its screens, each with or without its outbound message. They obey
//! the org's rules like any write, use up no allowance, and stand in the books as `ui`.

use serde_json::{Map, Value};

use super::Org;
use super::convert::LeadConvert;
use super::verbs::{RowError, WriteOptions};
use crate::sandbox::Sandbox;
use crate::sandbox::desk::{Who, lock};
use crate::sandbox::steps::Webhook;

fn words(error: &RowError) -> String {
    format!("{}: {}", error.code, error.message)
}

fn fields(given: &Value) -> Map<String, Value> {
    given.as_object().cloned().unwrap_or_default()
}

fn by_hand() -> WriteOptions {
    // Whoever is warned of a duplicate saves all the same.
    WriteOptions { allow_save: true, who: Who::Ui, ..WriteOptions::default() }
}

impl Sandbox {
    fn in_salesforce<T>(
        &self,
        webhook: Webhook,
        change: impl FnOnce(&mut Org) -> Result<T, RowError>,
    ) -> Result<T, String> {
        let mut org = lock(&self.world.salesforce);
        org.who = Who::Ui;
        org.quiet = webhook == Webhook::Silent;
        let outcome = change(&mut org);
        org.who = Who::Api;
        org.quiet = false;
        outcome.map_err(|error| words(&error))
    }

    /// Makes a row and returns its id; the error holds the org's words.
    pub fn new_salesforce_row(&self, object: &str, row: &Value, webhook: Webhook) -> Result<String, String> {
        self.in_salesforce(webhook, |org| org.insert(object, &fields(row), &by_hand()))
    }

    /// Changes a row.
    pub fn edit_salesforce_row(
        &self,
        object: &str,
        id: &str,
        changes: &Value,
        webhook: Webhook,
    ) -> Result<(), String> {
        self.in_salesforce(webhook, |org| org.update(object, id, &fields(changes), &by_hand()))
    }

    /// Puts a row into the recycle bin.
    pub fn delete_salesforce_row(&self, object: &str, id: &str, webhook: Webhook) -> Result<(), String> {
        self.in_salesforce(webhook, |org| org.remove(object, id, Who::Ui))
    }

    /// Converts a lead and returns the id of the contact it became.
    pub fn convert_salesforce_lead(&self, id: &str, webhook: Webhook) -> Result<String, String> {
        let request = LeadConvert {
            lead: id.to_owned(),
            status: "Closed - Converted".to_owned(),
            without_opportunity: true,
            ..LeadConvert::default()
        };
        self.in_salesforce(webhook, |org| org.convert(&request, Who::Ui).map(|done| done.contact))
    }
}
