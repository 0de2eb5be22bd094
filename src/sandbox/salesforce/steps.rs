//! What somebody in the org does on its screens beside making and changing rows: deleting one, converting a lead. Both
//! obey the org's rules, use up no allowance, and stand in the books as `ui`.

use super::convert::LeadConvert;
use crate::sandbox::Sandbox;
use crate::sandbox::desk::Who;
use crate::sandbox::steps::Webhook;

impl Sandbox {
    /// Puts a Salesforce row into the recycle bin; the error holds the org's words.
    pub fn delete_salesforce_row(&self, object: &str, id: &str, webhook: Webhook) -> Result<(), String> {
        let removed = self.in_salesforce(webhook, |org| org.remove(object, id, Who::Ui));
        removed.map_err(|error| format!("{}: {}", error.code, error.message))
    }

    /// Converts a lead of Salesforce and returns the id of the contact it became.
    pub fn convert_salesforce_lead(&self, id: &str, webhook: Webhook) -> Result<String, String> {
        let request = LeadConvert {
            lead: id.to_owned(),
            status: "Closed - Converted".to_owned(),
            without_opportunity: true,
            ..LeadConvert::default()
        };
        let converted = self.in_salesforce(webhook, |org| org.convert(&request, Who::Ui));
        converted.map(|done| done.contact).map_err(|error| format!("{}: {}", error.code, error.message))
    }
}
