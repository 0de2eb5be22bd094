//! The verbs Salesforce has only in SOAP, `merge`, `convertLead` and `undelete`, as envelopes, and their answers as
//! results.
//!
//! The token stands in the envelope as a placeholder that is filled in while sending, so no preview, log or record
//! ever holds it. Every value goes through the escaper of `xml`. Nothing here is sent by itself. The envelopes follow
//! the partner WSDL's order of elements, which it enforces.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Fields, ObjectKind, RecordRef, value_text};

use super::super::error::{Context, VendorError};
use super::super::request::{Manner, Request, TOKEN_PLACE, encode};
use super::super::settings::Settings;
use super::xml::{Element, escape};
use super::{errors, objects, soql, xml};

/// Records one merge can take away; the one that stays is the third.
pub(crate) const LOSERS: usize = 2;

/// How a lead becomes a part of a contact, or a contact of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversion {
    /// The lead.
    pub lead: String,
    /// The contact it becomes a part of; none makes a new one.
    pub contact: Option<String>,
    /// The account it belongs to from then on; needed together with a contact. None makes a new one.
    pub account: Option<String>,
    /// A name for the opportunity to make; none makes no opportunity.
    pub opportunity: Option<String>,
    /// Who owns what is made; none leaves it to the lead's owner.
    pub owner: Option<String>,
    /// The lead's status afterwards; none takes the one of the settings.
    pub status: Option<String>,
    /// Put the lead's source in place of the contact's.
    pub overwrite_lead_source: bool,
    /// Tell the owner by e-mail.
    pub notify: bool,
}

impl Conversion {
    /// A lead into a contact, which belongs to an account.
    pub fn into_contact(lead: &RecordRef, contact: &RecordRef, account: &str) -> Self {
        Self {
            lead: objects::whole_id(&lead.id),
            contact: Some(objects::whole_id(&contact.id)),
            account: Some(account.to_owned()),
            ..Self::default()
        }
    }
}

/// What became of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The contact it is now, or a part of.
    pub contact: String,
    /// Its account.
    pub account: String,
    /// The opportunity that was made, if one was.
    pub opportunity: Option<String>,
}

/// Merges up to two records into one of their kind. `values` are written to the one that stays, in the same step.
pub(crate) fn merge(
    settings: &Settings,
    survivor: &RecordRef,
    absorbed: &[&RecordRef],
    values: &Fields,
) -> Result<Request, VendorError> {
    let survivor = objects::rightly(survivor);
    let mut body = format!(
        "<urn:merge><urn:request><urn:masterRecord><s:type>{}</s:type>",
        objects::name(survivor.object)?
    );
    let named: Vec<(&str, &Value)> = values
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("Id"))
        .map(|(name, value)| Ok((soql::identifier(name)?, value)))
        .collect::<Result<_, VendorError>>()?;
    for (name, _) in named.iter().filter(|(_, value)| value.is_null()) {
        let _ = write!(body, "<s:fieldsToNull>{name}</s:fieldsToNull>");
    }
    let _ = write!(body, "<s:Id>{}</s:Id>", escape(&survivor.id));
    for (name, value) in named.iter().filter(|(_, value)| !value.is_null()) {
        let _ = write!(body, "<s:{name}>{}</s:{name}>", escape(&value_text(value)));
    }
    body.push_str("</urn:masterRecord>");
    for loser in absorbed {
        let id = objects::whole_id(&loser.id);
        let _ = write!(body, "<urn:recordToMergeIds>{}</urn:recordToMergeIds>", escape(&id));
    }
    body.push_str("</urn:request></urn:merge>");
    let plural =
        if survivor.object == ObjectKind::Company { "companies" } else { &format!("{}s", survivor.object) };
    Ok(envelope(settings, survivor.object, &body).purpose(format!("merge {plural}")))
}

/// Converts a lead.
pub(crate) fn convert(settings: &Settings, conversion: &Conversion) -> Request {
    let mut body = "<urn:convertLead><urn:leadConverts>".to_owned();
    let mut put = |name: &str, value: &str| {
        let _ = write!(body, "<urn:{name}>{}</urn:{name}>", escape(value));
    };
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    if let Some(account) = given(&conversion.account) {
        put("accountId", &account);
    }
    if let Some(contact) = given(&conversion.contact) {
        put("contactId", &contact);
    }
    put("convertedStatus", conversion.status.as_deref().unwrap_or(&settings.salesforce.converted_status));
    put("doNotCreateOpportunity", if conversion.opportunity.is_some() { "false" } else { "true" });
    put("leadId", &conversion.lead);
    if let Some(opportunity) = given(&conversion.opportunity) {
        put("opportunityName", &opportunity);
    }
    put("overwriteLeadSource", if conversion.overwrite_lead_source { "true" } else { "false" });
    if let Some(owner) = given(&conversion.owner) {
        put("ownerId", &owner);
    }
    put("sendNotificationEmail", if conversion.notify { "true" } else { "false" });
    body.push_str("</urn:leadConverts></urn:convertLead>");
    envelope(settings, ObjectKind::Lead, &body).purpose("convert lead")
}

/// Brings a record back from the recycle bin, one that a merge put there too.
pub(crate) fn undelete(settings: &Settings, record: &RecordRef) -> Result<Request, VendorError> {
    // Tells kinds that Salesforce does not have from those it has.
    objects::name(record.object)?;
    let body = format!("<urn:undelete><urn:ids>{}</urn:ids></urn:undelete>", escape(&record.id));
    Ok(envelope(settings, record.object, &body).purpose(format!("bring {} back", record.object)))
}

/// What bringing back answered: the record's id.
pub(crate) fn undeleted(answer: &Value, context: &Context<'_>) -> Result<String, VendorError> {
    let result = result(answer, "undeleteResponse", context)?;
    Ok(objects::whole_id(result.text_of("id")))
}

fn envelope(settings: &Settings, object: ObjectKind, body: &str) -> Request {
    let path = format!("/services/Soap/u/{}", encode(&settings.salesforce.version));
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:urn=\"urn:partner.soap.sforce.com\" \
         xmlns:s=\"urn:sobject.partner.soap.sforce.com\"><soapenv:Header><urn:SessionHeader><urn:sessionId>{TOKEN_PLACE}\
         </urn:sessionId></urn:SessionHeader><urn:CallOptions><urn:client>reknit</urn:client></urn:CallOptions>\
         </soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Request::new(Manner::SlowWrite, Method::POST, object, path)
        .text("text/xml; charset=UTF-8", text)
        .header("soapaction", "\"\"")
        .token_in_text()
        .expects_text()
}

/// What a merge answered: the id of the record that stays.
pub(crate) fn merged(answer: &Value, context: &Context<'_>) -> Result<String, VendorError> {
    let result = result(answer, "mergeResponse", context)?;
    Ok(objects::whole_id(result.text_of("id")))
}

/// What a conversion answered.
pub(crate) fn converted(answer: &Value, context: &Context<'_>) -> Result<Converted, VendorError> {
    let result = result(answer, "convertLeadResponse", context)?;
    let id = |name: &str| objects::whole_id(result.text_of(name));
    Ok(Converted {
        contact: id("contactId"),
        account: id("accountId"),
        opportunity: Some(id("opportunityId")).filter(|id| !id.is_empty()),
    })
}

/// The one result of an answer, if it says that it went well.
fn result(answer: &Value, response: &str, context: &Context<'_>) -> Result<Element, VendorError> {
    let unreadable = |why: &str| VendorError {
        may_have_happened: true,
        ..VendorError::new(
            ErrorClass::Malformed,
            &format!("Salesforce's answer to the SOAP call makes no sense: {why}."),
        )
    };
    let root = xml::read(answer.as_str().unwrap_or_default()).map_err(|why| unreadable(&why))?;
    if let Some(fault) = root.find("Fault") {
        return Err(errors::fault(200, fault, context));
    }
    let Some(result) = root.find(response).and_then(|response| response.child("result")) else {
        return Err(unreadable("it holds no result"));
    };
    match result.text_of("success") {
        "true" => Ok(result.clone()),
        "false" => {
            let refusals: Vec<errors::Refusal> =
                result.all("errors").map(errors::Refusal::of_element).collect();
            Err(errors::refused(None, &refusals, context))
        }
        _ => Err(unreadable("it says neither yes nor no")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::record::{Connection, System};
    use crate::vendors::request::Expects;
    use proptest::prelude::*;
    use serde_json::json;

    fn lead(id: &str) -> RecordRef {
        RecordRef::new(System::Salesforce, ObjectKind::Lead, id)
    }

    fn text(request: &Request) -> &str {
        &request.text.as_ref().expect("an envelope").1
    }

    fn answered<T>(read: impl Fn(&Value, &Context<'_>) -> T, body: &str) -> T {
        let connection = Connection::only(System::Salesforce);
        let context = Context {
            connection: &connection,
            object: ObjectKind::Lead,
            writes: true,
            expects: Expects::Text,
            now: Timestamp(0),
        };
        let envelope = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
             xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body>\
             </soapenv:Envelope>"
        );
        read(&Value::String(envelope), &context)
    }

    proptest! {
        #[test]
        fn any_value_stays_a_value(value in any::<String>(), other in any::<String>()) {
            let values = json!({"Description": value, "Title": other}).as_object().expect("object").clone();
            let request = merge(&Settings::default(), &lead("00Q1"), &[&lead("00Q2")], &values).expect("a merge");
            let root = xml::read(text(&request)).expect("well formed");
            let master = root.find("masterRecord").expect("a master");
            let names: Vec<&str> = master.children.iter().map(|child| child.name.as_str()).collect();
            prop_assert_eq!(names, ["type", "Id", "Description", "Title"]);
            prop_assert_eq!(escape(&master.children[2].text), escape(&value));
            // The first placeholder is the header's, so no value can take the token's place.
            prop_assert_eq!(text(&request).find(TOKEN_PLACE), Some(text(&request).find("<urn:sessionId>").expect("it") + 15));
            let conversion = Conversion { lead: value, status: Some(other.clone()), ..Conversion::default() };
            let request = convert(&Settings::default(), &conversion);
            let root = xml::read(text(&request)).expect("well formed");
            prop_assert_eq!(escape(&root.find("convertedStatus").expect("status").text), escape(&other));
        }
    }

    #[test]
    fn a_merge_follows_the_order_of_the_wsdl() {
        let values = json!({"Phone": "+1 555", "Fax": null, "Id": "x"}).as_object().expect("object").clone();
        let losers = [&lead("00Qaj000002oTld"), &lead("00Q3")];
        let request = merge(&Settings::default(), &lead("00Q1"), &losers, &values).expect("a merge");
        assert!(text(&request).contains(
            "<urn:merge><urn:request><urn:masterRecord><s:type>Lead</s:type><s:fieldsToNull>Fax</s:fieldsToNull>\
             <s:Id>00Q1</s:Id><s:Phone>+1 555</s:Phone></urn:masterRecord>\
             <urn:recordToMergeIds>00Qaj000002oTldEAE</urn:recordToMergeIds>\
             <urn:recordToMergeIds>00Q3</urn:recordToMergeIds></urn:request></urn:merge>"
        ));
        let bad = json!({"a><b": 1}).as_object().expect("object").clone();
        assert!(merge(&Settings::default(), &lead("00Q1"), &losers, &bad).is_err());
    }

    #[test]
    fn answers_are_results_or_reasons() {
        let good = "<mergeResponse><result><id>00Qaj000002oTldEAE</id><mergedRecordIds>00Q2</mergedRecordIds>\
                    <success>true</success></result></mergeResponse>";
        assert_eq!(answered(merged, good).as_deref(), Ok("00Qaj000002oTldEAE"));

        let refused = "<mergeResponse><result><errors><message>entity is deleted</message>\
                       <statusCode>ENTITY_IS_DELETED</statusCode></errors><success>false</success></result></mergeResponse>";
        let error = answered(merged, refused).expect_err("refused");
        assert_eq!((error.class, error.may_have_happened), (ErrorClass::NotFound, false));

        let converted_lead = "<convertLeadResponse><result><accountId>0013h00000Kzv3AAAR</accountId>\
            <contactId>0033h00000Kzv3AAAR</contactId><leadId>00Q1</leadId><opportunityId xsi:nil=\"true\"/>\
            <success>true</success></result></convertLeadResponse>";
        assert_eq!(
            answered(converted, converted_lead),
            Ok(Converted {
                contact: "0033h00000Kzv3AAAR".into(),
                account: "0013h00000Kzv3AAAR".into(),
                opportunity: None
            })
        );
        for nonsense in [
            "",
            "<mergeResponse/>",
            "<mergeResponse><result><success>maybe</success></result></mergeResponse>",
        ] {
            let error = answered(merged, nonsense).expect_err("no result");
            assert!(error.may_have_happened && error.class == ErrorClass::Malformed, "{error}");
        }
    }
}
