//! Outbound messages: which changes are told to the subscriber, and how. One message type per object,
//! fired by created and changed rows, never by deleted ones. Change Data Capture is not emulated: it is
//! read over gRPC or CometD only, and nothing of it can be asked for over plain HTTP.

use serde_json::{Value, json};

use super::rows::Change;
use super::schema::{self, Field, FieldType};
use super::soap::{acknowledgement, escaped, leaf};
use super::soql::written;
use super::{ORGANIZATION_ID, Org, ids};
use crate::sandbox::fault::Vendor;

/// The objects somebody has set up a message for.
const TOLD: [&str; 6] = ["Lead", "Contact", "Account", "Opportunity", "Task", "Case"];

impl Org {
    /// Called once for every effect that stands, after its transaction.
    pub(super) fn announce(&mut self, change: &Change) {
        if !TOLD.contains(&change.object) || !matches!(change.kind, "create" | "update" | "convert") {
            return;
        }
        self.notices += 1;
        let content = json!({
            "id": ids::minted("04l", self.notices),
            "topic": format!("{}.{}", change.object, change.kind),
            "object": change.object,
            "record": change.id,
        });
        self.desk.outbox.post(Vendor::Salesforce, content);
    }

    /// The body of one delivery of up to 100 notifications of one object, each as `announce` posted it. Field
    /// values are those of this moment, not of the change; a row deleted meanwhile is not told of any more,
    /// and `None` means that nothing is left to tell.
    pub(in crate::sandbox) fn outbound_body(&self, notifications: &[&Value]) -> Option<String> {
        let told: String =
            notifications.iter().filter_map(|notification| self.notification(notification)).collect();
        let object = notifications.first()?["object"].as_str()?;
        let action = TOLD.iter().position(|told| *told == object)?;
        let organization = &ORGANIZATION_ID[..15];
        let endpoint = |door: &str| {
            let address =
                format!("{}/services/Soap/{door}/{}/{organization}", self.instance_url, self.version);
            escaped(&address)
        };
        (!told.is_empty()).then(|| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
                 xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
                 xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
                 <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
                 <OrganizationId>{ORGANIZATION_ID}</OrganizationId><ActionId>{}</ActionId>\
                 <SessionId xsi:nil=\"true\"/><EnterpriseUrl>{}</EnterpriseUrl><PartnerUrl>{}</PartnerUrl>\
                 {told}</notifications></soapenv:Body></soapenv:Envelope>",
                ids::minted("04k", action as u64 + 1),
                endpoint("c"),
                endpoint("u"),
            )
        })
    }

    fn notification(&self, content: &Value) -> Option<String> {
        let (object, id) = (content["object"].as_str()?, content["record"].as_str()?);
        let row = self.row(object, id).filter(|row| !row.deleted)?;
        let mut fields = String::new();
        for field in &schema::object(object)?.fields {
            let value = row.value(field.name);
            if !value.is_null() {
                fields.push_str(&leaf(&format!("sf:{}", field.name), &in_xml(field, &value)));
            }
        }
        Some(format!(
            "<Notification>{}<sObject xsi:type=\"sf:{object}\" \
             xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">{fields}</sObject></Notification>",
            leaf("Id", content["id"].as_str()?)
        ))
    }
}

/// SOAP writes moments with a `Z`, REST with `+0000`.
fn in_xml(field: &Field, value: &Value) -> String {
    let text = written(value);
    match text.strip_suffix("+0000") {
        Some(moment) if field.kind == FieldType::DateTime => format!("{moment}Z"),
        _ => text,
    }
}

/// Whether an answer's body acknowledges the delivery.
pub(in crate::sandbox) fn acknowledged(body: &str) -> bool {
    acknowledgement(body).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::acknowledged;

    #[test]
    fn only_a_true_ack_acknowledges() {
        let answer = |ack: &str| {
            format!(
                "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
                 <notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\">{ack}\
                 </notificationsResponse></s:Body></s:Envelope>"
            )
        };
        assert!(acknowledged(&answer("<Ack>true</Ack>")));
        assert!(!acknowledged(&answer("<Ack>false</Ack>")));
        assert!(!acknowledged(&answer("")));
        assert!(!acknowledged("ok"));
        assert!(!acknowledged("<Ack>true</Ack>"));
    }
}
