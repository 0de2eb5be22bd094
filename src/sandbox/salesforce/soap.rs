//! The SOAP door: envelopes in, verbs called, envelopes out. Merge and lead conversion have no other door.

mod xml;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use self::xml::{Element, around, nil, parsed};
pub(super) use self::xml::{escaped, leaf};
use super::convert::LeadConvert;
use super::merge::MergeRequest;
use super::verbs::{RowError, WriteOptions};
use super::{ORGANIZATION_ID, Org, bulk, schema, user_id};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Call, Payload};

const MOST_MERGES: usize = 200;
const MOST_CONVERSIONS: usize = 100;
const MOST_ROWS: usize = 200;

/// Which of the two WSDLs a call was made with.
#[derive(Clone, Copy)]
struct Dialect {
    enterprise: bool,
}

impl Dialect {
    fn namespace(self) -> &'static str {
        if self.enterprise { "urn:enterprise.soap.sforce.com" } else { "urn:partner.soap.sforce.com" }
    }

    fn fault_namespace(self) -> &'static str {
        if self.enterprise {
            "urn:fault.enterprise.soap.sforce.com"
        } else {
            "urn:fault.partner.soap.sforce.com"
        }
    }

    fn envelope(self, status: u16, inner: &str) -> Answer {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
             xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"{}\" xmlns:sf=\"{}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{inner}</soapenv:Body>\
             </soapenv:Envelope>",
            self.namespace(),
            if status == 200 { "urn:sobject.partner.soap.sforce.com" } else { self.fault_namespace() },
        );
        Answer { status, headers: Vec::new(), body: Payload::Text("text/xml; charset=UTF-8", text) }
    }

    fn response(self, operation: &str, results: &str) -> Answer {
        self.envelope(200, &around(&format!("{operation}Response"), results))
    }

    /// A refusal of the whole call.
    fn fault(self, code: &str, message: &str) -> Answer {
        let kind = match code {
            "INVALID_LOGIN" | "INVALID_OPERATION" => "LoginFault",
            _ => "UnexpectedErrorFault",
        };
        let detail = format!(
            "<detail><sf:{kind} xsi:type=\"sf:{kind}\"><sf:exceptionCode>{code}</sf:exceptionCode>\
             <sf:exceptionMessage>{}</sf:exceptionMessage></sf:{kind}></detail>",
            escaped(message)
        );
        let inner = format!(
            "<soapenv:Fault><faultcode>sf:{code}</faultcode>{}{detail}</soapenv:Fault>",
            leaf("faultstring", &format!("{code}: {message}"))
        );
        self.envelope(500, &inner)
    }

    /// A request that is no request.
    fn client_fault(self, message: &str) -> Answer {
        let inner = format!(
            "<soapenv:Fault><faultcode>soapenv:Client</faultcode>{}</soapenv:Fault>",
            leaf("faultstring", message)
        );
        self.envelope(500, &inner)
    }
}

/// What an outbound message's receiver says in its envelope; `None` when it is no such envelope.
pub(super) fn acknowledgement(document: &str) -> Option<bool> {
    let envelope = parsed(document).ok().filter(|root| root.name == "Envelope")?;
    Some(envelope.child("Body")?.child("notificationsResponse")?.flag("Ack"))
}

impl Org {
    /// `/services/Soap/u/{version}` and `/services/Soap/c/{version}`; checks its session by itself
    /// (`self.session_stands(token)`).
    pub(super) fn soap(&mut self, call: &Call) -> Answer {
        let dialect = Dialect { enterprise: call.segments.get(2).is_some_and(|segment| segment == "c") };
        if call.method != "POST" {
            return super::answers::wrong_method(&call.method);
        }
        let Ok(text) = std::str::from_utf8(&call.raw) else {
            return dialect.client_fault("The request is not UTF-8");
        };
        let envelope = match parsed(text) {
            Ok(envelope) if envelope.name == "Envelope" => envelope,
            Ok(other) => return dialect.client_fault(&format!("{} is not a SOAP envelope", other.name)),
            Err(problem) => return dialect.client_fault(&problem),
        };
        let Some(request) = envelope.child("Body").and_then(|body| body.children.first()) else {
            return dialect.client_fault("The SOAP body is empty");
        };
        if request.name == "login" {
            // Off by default since Winter '26; from version 65 on it is gone.
            return dialect.fault(
                "INVALID_OPERATION",
                "SOAP API login() is disabled by default in this org. Use OAuth.",
            );
        }
        let header = envelope.child("Header");
        let session = header
            .and_then(|header| header.child("SessionHeader"))
            .and_then(|session| session.value("sessionId"))
            .unwrap_or_default()
            .to_owned();
        if !self.session_stands(&session) {
            let message = "Invalid Session ID found in SessionHeader: Illegal Session";
            return dialect.fault("INVALID_SESSION_ID", message);
        }
        if !self.count_call() {
            return dialect.fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        }
        let flag = |name: &str, inner: &str| {
            header.and_then(|header| header.child(name)).is_some_and(|header| header.flag(inner))
        };
        let options = WriteOptions {
            allow_save: flag("DuplicateRuleHeader", "allowSave"),
            include_record_details: flag("DuplicateRuleHeader", "includeRecordDetails"),
            ..WriteOptions::default()
        };
        let all_or_none = flag("AllOrNoneHeader", "allOrNone");
        match request.name.as_str() {
            "merge" => self.soap_merge(dialect, request),
            "convertLead" => self.soap_convert(dialect, request),
            "create" | "update" | "upsert" | "delete" | "undelete" => {
                self.soap_rows(dialect, request, &options, all_or_none)
            }
            "getUserInfo" => self.soap_user(dialect),
            "getServerTimestamp" => {
                let stamp = leaf("timestamp", &crate::sandbox::desk::iso(self.now()));
                dialect.response("getServerTimestamp", &around("result", &stamp))
            }
            "logout" => dialect.response("logout", ""),
            other => dialect.client_fault(&format!(
                "Element {{{}}}{} invalid at this location",
                dialect.namespace(),
                escaped(other)
            )),
        }
    }

    fn soap_merge(&mut self, dialect: Dialect, request: &Element) -> Answer {
        // Working clients name this element in several ways; what it holds is what counts.
        let requests: Vec<&Element> =
            request.children.iter().filter(|child| child.child("masterRecord").is_some()).collect();
        if requests.is_empty() {
            return dialect.client_fault("Required element masterRecord is missing");
        }
        if requests.len() > MOST_MERGES {
            return dialect.fault("EXCEEDED_ID_LIMIT", &too_many(MOST_MERGES));
        }
        let mut results = String::new();
        for request in requests {
            let outcome = read_merge(request).and_then(|request| self.merge(&request, Who::Api));
            let inner = match outcome {
                Ok(merged) => {
                    let mut inner = leaf("id", &merged.id);
                    for loser in &merged.losers {
                        inner.push_str(&leaf("mergedRecordIds", loser));
                    }
                    inner.push_str(&leaf("success", "true"));
                    for moved in &merged.moved {
                        inner.push_str(&leaf("updatedRelatedIds", moved));
                    }
                    inner
                }
                Err(error) => error_element(&error) + &nil("id") + &leaf("success", "false"),
            };
            results.push_str(&around("result", &inner));
        }
        dialect.response("merge", &results)
    }

    fn soap_convert(&mut self, dialect: Dialect, request: &Element) -> Answer {
        let converts: Vec<&Element> =
            request.children.iter().filter(|child| child.child("leadId").is_some()).collect();
        if converts.is_empty() {
            return dialect.client_fault("Required element leadId is missing");
        }
        if converts.len() > MOST_CONVERSIONS {
            return dialect.fault("EXCEEDED_ID_LIMIT", &too_many(MOST_CONVERSIONS));
        }
        let mut results = String::new();
        for given in converts {
            let text = |name: &str| given.value(name).map(str::to_owned);
            let convert = LeadConvert {
                lead: text("leadId").unwrap_or_default(),
                account: text("accountId"),
                contact: text("contactId"),
                opportunity: text("opportunityId"),
                status: text("convertedStatus").unwrap_or_default(),
                without_opportunity: given.flag("doNotCreateOpportunity"),
                opportunity_name: text("opportunityName"),
                overwrite_source: given.flag("overwriteLeadSource"),
                owner: text("ownerId"),
            };
            let inner = match self.convert(&convert, Who::Api) {
                Ok(done) => {
                    let opportunity = match &done.opportunity {
                        Some(id) => leaf("opportunityId", id),
                        None => nil("opportunityId"),
                    };
                    leaf("accountId", &done.account)
                        + &leaf("contactId", &done.contact)
                        + &leaf("leadId", &done.lead)
                        + &opportunity
                        + &leaf("success", "true")
                }
                Err(error) => {
                    nil("accountId")
                        + &nil("contactId")
                        + &error_element(&error)
                        + &nil("leadId")
                        + &nil("opportunityId")
                        + &leaf("success", "false")
                }
            };
            results.push_str(&around("result", &inner));
        }
        dialect.response("convertLead", &results)
    }

    /// create, update, upsert, delete and undelete, all with one result per row.
    fn soap_rows(
        &mut self,
        dialect: Dialect,
        request: &Element,
        options: &WriteOptions,
        all_or_none: bool,
    ) -> Answer {
        let external = request
            .children
            .iter()
            .find(|child| child.name.eq_ignore_ascii_case("externalIDFieldName"))
            .map(|child| child.text.trim().to_owned());
        let operation = request.name.as_str();
        let wanted = if operation.ends_with("delete") { "ids" } else { "sObjects" };
        let given: Vec<&Element> = request.all(wanted).collect();
        if given.len() > MOST_ROWS {
            return dialect.fault("EXCEEDED_ID_LIMIT", &too_many(MOST_ROWS));
        }
        self.begin();
        let mut outcomes = Vec::new();
        for element in given {
            outcomes.push(self.soap_row(operation, element, external.as_deref(), options));
        }
        if all_or_none && outcomes.iter().any(Result::is_err) {
            self.roll_back();
            let rolled_back = || {
                RowError::new(
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header",
                )
            };
            outcomes = outcomes.into_iter().map(|outcome| outcome.and_then(|_| Err(rolled_back()))).collect();
        } else {
            self.commit();
        }
        let mut results = String::new();
        for outcome in outcomes {
            let inner = match outcome {
                Ok((id, Some(created))) => {
                    leaf("created", &created.to_string()) + &leaf("id", &id) + &leaf("success", "true")
                }
                Ok((id, None)) => leaf("id", &id) + &leaf("success", "true"),
                Err(error) => error_element(&error) + &nil("id") + &leaf("success", "false"),
            };
            results.push_str(&around("result", &inner));
        }
        dialect.response(operation, &results)
    }

    fn soap_row(
        &mut self,
        operation: &str,
        element: &Element,
        external: Option<&str>,
        options: &WriteOptions,
    ) -> Result<(String, Option<bool>), RowError> {
        if operation.ends_with("delete") {
            let id = element.text.trim();
            let kind =
                schema::of_id(id).ok_or_else(|| RowError::new("MALFORMED_ID", format!("bad id {id}")))?;
            if operation == "undelete" {
                self.unbin(kind, id, options.who)?;
            } else {
                self.remove(kind.name, id, options.who)?;
            }
            return Ok((super::ids::long(id).unwrap_or_default(), None));
        }
        let record = read_record(element)?;
        let id = record.id.unwrap_or_default();
        match operation {
            "create" => Ok((self.insert(record.kind.name, &record.values, options)?, None)),
            "update" => {
                self.update(record.kind.name, &id, &record.values, options)?;
                Ok((super::ids::long(&id).unwrap_or_default(), None))
            }
            _ => {
                let field = external.unwrap_or("Id");
                let value = match record.values.get(field) {
                    Some(Value::String(text)) => text.clone(),
                    _ => id,
                };
                let done = self.upsert(record.kind.name, field, &value, &record.values, options)?;
                Ok((done.id, Some(done.created)))
            }
        }
    }

    fn soap_user(&self, dialect: Dialect) -> Answer {
        let id = user_id(Who::Api);
        let user = self.row("User", &id);
        let text = |field: &str| {
            user.map_or_else(String::new, |row| row.value(field).as_str().unwrap_or_default().to_owned())
        };
        let inner = leaf("organizationId", ORGANIZATION_ID)
            + &leaf("organizationName", "Sandbox")
            + &leaf("userDefaultCurrencyIsoCode", "")
            + &leaf("userEmail", &text("Email"))
            + &leaf("userFullName", &text("Name"))
            + &leaf("userId", &id)
            + &leaf("userLanguage", "en_US")
            + &leaf("userLocale", "en_US")
            + &leaf("userName", &text("Username"))
            + &leaf("userTimeZone", "GMT")
            + &leaf("userType", "Standard");
        dialect.response("getUserInfo", &around("result", &inner))
    }
}

fn too_many(most: usize) -> String {
    format!("record limit reached. cannot submit more than {most} records into this call")
}

fn error_element(error: &RowError) -> String {
    let mut inner = String::new();
    for field in &error.fields {
        inner.push_str(&leaf("fields", field));
    }
    let _ = write!(inner, "{}{}", leaf("message", &error.message), leaf("statusCode", error.code));
    around("errors", &inner)
}

/// A record in a request.
struct Record {
    kind: &'static schema::ObjectType,
    id: Option<String>,
    values: Map<String, Value>,
}

fn read_record(element: &Element) -> Result<Record, RowError> {
    let named = element.value("type").or(element.kind.as_deref()).unwrap_or_default();
    let kind = schema::object(named)
        .ok_or_else(|| RowError::new("INVALID_TYPE", format!("sObject type '{named}' is not supported.")))?;
    let mut values = Map::new();
    for child in &element.children {
        match child.name.as_str() {
            "type" | "Id" | "fieldsToNull" => {}
            // A nil element changes nothing: clearing goes by fieldsToNull.
            _ if child.nil => {}
            name => {
                let value = match kind.field(name) {
                    Some(field) => bulk::typed(field, &child.text),
                    None => json!(child.text),
                };
                values.insert(name.to_owned(), value);
            }
        }
    }
    for cleared in element.all("fieldsToNull") {
        values.insert(cleared.text.trim().to_owned(), Value::Null);
    }
    Ok(Record { kind, id: element.value("Id").map(str::to_owned), values })
}

fn read_merge(element: &Element) -> Result<MergeRequest, RowError> {
    let master = element.child("masterRecord").ok_or_else(RowError::not_found)?;
    let record = read_record(master)?;
    let losers = element.all("recordToMergeIds").map(|loser| loser.text.trim().to_owned());
    Ok(MergeRequest {
        object: record.kind.name.to_owned(),
        master: record.id.unwrap_or_default(),
        values: record.values,
        losers: losers.collect(),
    })
}
