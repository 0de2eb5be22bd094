//! Effects and single calls as Salesforce's REST requests, and the one place of its paths: pure, without host and
//! token, the same for a preview and for the real thing.
//!
//! Many records at once are in `collections` and `bulk`, several calls as one in `composite`, and the two verbs that
//! only SOAP has in `soap`.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Fields, ObjectKind, RecordRef, value_text};

use super::super::error::VendorError;
use super::super::request::{Manner, Request, encode};
use super::super::settings::Settings;
use super::activity::{self, Relation};
use super::{objects, soap, soql};

/// The name our writes carry, so that change events tell them from others'.
const CLIENT: (&str, &str) = ("sforce-call-options", "client=reknit");

/// The id of the record type every kind has, where it has no others.
pub(crate) const MASTER_RECORD_TYPE: &str = "012000000000000AAA";

/// What a duplicate rule is told beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DuplicateRule {
    /// Save although a rule that only warns found something.
    pub allow_save: bool,
    /// Say which values of the found records differ.
    pub include_record_details: bool,
    /// Look with the sharing rights of the user behind the token.
    pub run_as_current_user: bool,
}

impl DuplicateRule {
    fn text(self) -> String {
        format!(
            "allowSave={}; includeRecordDetails={}; runAsCurrentUser={}",
            self.allow_save, self.include_record_details, self.run_as_current_user
        )
    }
}

/// A path of the data API: `/services/data/v66.0/...`.
pub(crate) fn data(settings: &Settings, rest: &str) -> String {
    format!("/services/data/v{}/{rest}", encode(&settings.salesforce.version))
}

/// A request that changes something, under our name.
pub(crate) fn write(manner: Manner, method: Method, object: ObjectKind, path: String) -> Request {
    Request::new(manner, method, object, path).header(CLIENT.0, CLIENT.1)
}

/// The same request, with a word to the duplicate rules.
pub(crate) fn ruled(request: Request, rule: Option<DuplicateRule>) -> Request {
    match rule {
        Some(rule) => request.header("sforce-duplicate-rule-header", rule.text()),
        None => request,
    }
}

/// The kind a request about an object is about; custom objects have no word of ours.
pub(crate) fn kind(sobject: &str) -> ObjectKind {
    objects::kind_named(sobject).unwrap_or(ObjectKind::Note)
}

fn rows(settings: &Settings, sobject: &str) -> Result<String, VendorError> {
    Ok(data(settings, &format!("sobjects/{}", soql::identifier(sobject)?)))
}

/// One record by id, whole, or only these fields.
pub(crate) fn get(
    settings: &Settings,
    sobject: &str,
    id: &str,
    fields: &[String],
) -> Result<Request, VendorError> {
    let path = format!("{}/{}{}", rows(settings, sobject)?, encode(id), asked(fields)?);
    Ok(Request::get(kind(sobject), path).purpose(format!("read {}", kind(sobject))))
}

/// One record by an external id.
pub(crate) fn get_by(
    settings: &Settings,
    sobject: &str,
    field: &str,
    value: &str,
    fields: &[String],
) -> Result<Request, VendorError> {
    let field = soql::identifier(field)?;
    let path = format!("{}/{field}/{}{}", rows(settings, sobject)?, encode(value), asked(fields)?);
    Ok(Request::get(kind(sobject), path).purpose(format!("find {} by {field}", kind(sobject))))
}

fn asked(fields: &[String]) -> Result<String, VendorError> {
    let names = fields.iter().map(|field| soql::identifier(field)).collect::<Result<Vec<_>, _>>()?;
    Ok(if names.is_empty() { String::new() } else { format!("?fields={}", names.join(",")) })
}

/// Makes a record.
pub(crate) fn create(settings: &Settings, sobject: &str, fields: &Fields) -> Result<Request, VendorError> {
    let body = Value::Object(without(fields, &["Id"])?);
    Ok(write(Manner::Write, Method::POST, kind(sobject), rows(settings, sobject)?)
        .body(body)
        .purpose(format!("create {}", kind(sobject))))
}

/// Changes a record.
pub(crate) fn update(
    settings: &Settings,
    sobject: &str,
    id: &str,
    fields: &Fields,
) -> Result<Request, VendorError> {
    let path = format!("{}/{}", rows(settings, sobject)?, encode(id));
    let body = Value::Object(without(fields, &["Id"])?);
    Ok(write(Manner::Write, Method::PATCH, kind(sobject), path)
        .body(body)
        .purpose(format!("update {}", kind(sobject))))
}

/// Puts a record into the recycle bin.
pub(crate) fn delete(settings: &Settings, sobject: &str, id: &str) -> Result<Request, VendorError> {
    let path = format!("{}/{}", rows(settings, sobject)?, encode(id));
    Ok(write(Manner::Write, Method::DELETE, kind(sobject), path).purpose(format!("delete {}", kind(sobject))))
}

/// Makes or changes the record with this external id; with `update_only`, never makes one.
pub(crate) fn upsert(
    settings: &Settings,
    sobject: &str,
    (field, value): (&str, &str),
    fields: &Fields,
    update_only: bool,
) -> Result<Request, VendorError> {
    let field = soql::identifier(field)?;
    if value.is_empty() {
        return Err(VendorError::new(
            ErrorClass::Validation,
            &format!("Without a value of {field} nobody can tell which record is meant; nothing was sent."),
        ));
    }
    let only = if update_only { "?updateOnly=true" } else { "" };
    let path = format!("{}/{field}/{}{only}", rows(settings, sobject)?, encode(value));
    // The field stands in the path; once more in the body, it would be refused.
    let body = Value::Object(without(fields, &["Id", field])?);
    let verb = if update_only { "update" } else { "create or update" };
    Ok(write(Manner::Write, Method::PATCH, kind(sobject), path)
        .body(body)
        .purpose(format!("{verb} {} by {field}", kind(sobject))))
}

/// The fields but for these, all of whose names can be names.
pub(crate) fn without(fields: &Fields, left_out: &[&str]) -> Result<Map<String, Value>, VendorError> {
    let mut kept = Map::new();
    for (name, value) in fields {
        if left_out.iter().any(|out| out.eq_ignore_ascii_case(name)) {
            continue;
        }
        kept.insert(soql::identifier(name)?.to_owned(), value.clone());
    }
    Ok(kept)
}

/// What kinds of records there are.
pub(crate) fn describe_all(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, data(settings, "sobjects")).page().purpose("list objects")
}

/// A kind's fields, options and record types; nothing when it has not changed since (as HTTP writes a date).
pub(crate) fn describe(
    settings: &Settings,
    sobject: &str,
    since: Option<&str>,
) -> Result<Request, VendorError> {
    let path = format!("{}/describe", rows(settings, sobject)?);
    let request = Request::get(kind(sobject), path).page().purpose(format!("describe {sobject}"));
    Ok(match since {
        Some(since) => request.header("if-modified-since", since),
        None => request,
    })
}

/// The options each picklist of a kind offers for a record type. Describe lists all a field has; a record type may
/// offer fewer, and only this part of the UI API says which.
pub(crate) fn picklists(
    settings: &Settings,
    sobject: &str,
    record_type: &str,
) -> Result<Request, VendorError> {
    let sobject = soql::identifier(sobject)?;
    let path = format!("ui-api/object-info/{sobject}/picklist-values/{}", encode(record_type));
    Ok(Request::get(kind(sobject), data(settings, &path)).page().purpose(format!("picklists of {sobject}")))
}

/// Ids of records changed, or deleted, between two times; at most thirty days back.
pub(crate) fn replicated(
    settings: &Settings,
    sobject: &str,
    deleted: bool,
    (start, end): (Timestamp, Timestamp),
) -> Result<Request, VendorError> {
    let word = if deleted { "deleted" } else { "updated" };
    let second =
        |at: Timestamp| encode(&format!("{}Z", &Timestamp::from_seconds(at.seconds()).rfc3339()[..19]));
    let path = format!("{}/{word}/?start={}&end={}", rows(settings, sobject)?, second(start), second(end));
    Ok(Request::get(kind(sobject), path).page().purpose(format!("{word} {sobject} records")))
}

/// Runs a query. `all` shows deleted, merged and archived records too.
pub(crate) fn query(
    settings: &Settings,
    object: ObjectKind,
    soql: &str,
    all: bool,
    batch: Option<u32>,
) -> Request {
    let verb = if all { "queryAll" } else { "query" };
    let request = Request::get(object, data(settings, &format!("{verb}?q={}", encode(soql)))).page();
    match batch {
        Some(rows) => request.header("sforce-query-options", format!("batchSize={}", rows.clamp(200, 2_000))),
        None => request,
    }
}

/// The next page of a query, by the path its last page named. Only a path of the data API is taken: an address would
/// take the token to another host.
pub(crate) fn next(object: ObjectKind, path: &str) -> Result<Request, VendorError> {
    let plain = path.starts_with("/services/data/v")
        && path.contains("/query")
        && !path.contains("//")
        && !path.contains("..")
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.=?&%~".contains(&byte));
    if plain {
        return Ok(Request::get(object, path).page());
    }
    Err(VendorError::new(
        ErrorClass::Malformed,
        &format!(
            "Salesforce named \"{path}\" as the next page, which is no page of a query; it was not called."
        ),
    ))
}

/// What is left of the org's allowances.
pub(crate) fn limits(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, data(settings, "limits")).purpose("read the allowances")
}

/// Which versions of the API the org offers.
pub(crate) fn versions() -> Request {
    Request::get(ObjectKind::Contact, "/services/data").purpose("list the API versions")
}

/// Who is behind the token.
pub(crate) fn user_info() -> Request {
    Request::get(ObjectKind::Contact, "/services/oauth2/userinfo").purpose("check the connection")
}

/// What an effect will send, in order. Where a later request needs what an earlier one answers, words stand there.
pub(crate) fn requests(settings: &Settings, effect: &Effect) -> Result<Vec<Request>, VendorError> {
    if let Some(requests) = super::belonging::requests(settings, effect) {
        return requests;
    }
    match effect {
        Effect::Merge { survivor, absorbed, also, values } => match merging(survivor, absorbed)? {
            Merging::Rows => {
                let losers: Vec<&RecordRef> = std::iter::once(absorbed).chain(also).collect();
                Ok(vec![soap::merge(settings, survivor, &losers, values)?])
            }
            Merging::Conversion => {
                let account = account_of(settings, survivor)?;
                let conversion =
                    soap::Conversion::into_contact(absorbed, survivor, "(the contact's account)");
                Ok(vec![account, soap::convert(settings, &conversion)])
            }
        },
        _ => request(settings, effect).map(|request| vec![request]),
    }
}

/// The one request of a create, an update or a link.
pub(crate) fn request(settings: &Settings, effect: &Effect) -> Result<Request, VendorError> {
    match effect {
        Effect::Tag { .. }
        | Effect::Track { .. }
        | Effect::Converse { .. }
        | Effect::Reply { .. }
        | Effect::Assign { .. }
        | Effect::DefineField { .. } => Err(super::super::cannot(effect)),
        Effect::Create { object, fields, related, .. } => {
            let sobject = objects::name(*object)?;
            if let Some(odd) = related.iter().find(|record| record.is_to_be_made()) {
                return Err(VendorError::new(
                    ErrorClass::Validation,
                    &format!("The {} it is related to is not made yet; nothing was sent.", odd.object),
                ));
            }
            let fields = &defaults(*object, &activity::with_relations(*object, fields, related));
            let request = match external_id(settings, *object, fields) {
                Some((field, value)) => upsert(settings, sobject, (field, &value), fields, false)?,
                None => create(settings, sobject, fields)?,
            };
            Ok(about(request, *object))
        }
        Effect::Update { record, fields } => {
            let record = objects::rightly(record);
            let request = update(settings, objects::name(record.object)?, &record.id, fields)?;
            Ok(about(request, record.object))
        }
        Effect::Unlink { .. } => Err(super::super::cannot(effect)),
        Effect::Link { contact, company, .. } => Ok(match activity::relation(contact, company)? {
            Relation::Field(record, field, id) => {
                let mut fields = Fields::new();
                fields.insert(field.to_owned(), Value::String(id));
                let to = if record.object == contact.object { company.object } else { contact.object };
                update(settings, objects::name(record.object)?, &record.id, &fields)?
                    .purpose(format!("relate {} to {to}", record.object))
            }
            Relation::Role { deal, contact } => {
                let mut fields = Fields::new();
                fields.insert("OpportunityId".to_owned(), Value::String(deal));
                fields.insert("ContactId".to_owned(), Value::String(contact));
                Request {
                    object: ObjectKind::Deal,
                    ..create(settings, "OpportunityContactRole", &fields)?.purpose("relate deal to contact")
                }
            }
        }),
        Effect::Erase { record } => {
            let record = objects::rightly(record);
            delete(settings, objects::name(record.object)?, &record.id)
        }
        // The same call: what tells the two apart is that nothing is emptied from the bin afterwards.
        Effect::Archive { record } => {
            let record = objects::rightly(record);
            delete(settings, objects::name(record.object)?, &record.id)
        }
        Effect::Restore { record } => soap::undelete(settings, &objects::rightly(record)),
        Effect::Release { .. } => Err(super::super::cannot(effect)),
        Effect::Merge { .. } => Err(VendorError::new(ErrorClass::Unknown, "A merge is not one request.")),
        Effect::Log { .. } => match activity::log(settings, effect) {
            Some(create) => Ok(request(settings, &create)?.purpose("log conversation")),
            None => Err(super::super::cannot(effect)),
        },
    }
}

/// How two records become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merging {
    /// Two of a kind: `merge`.
    Rows,
    /// A lead into a contact: `convertLead`.
    Conversion,
}

/// What two records need to become one.
pub(crate) fn merging(survivor: &RecordRef, absorbed: &RecordRef) -> Result<Merging, VendorError> {
    use ObjectKind::{Company, Contact, Lead};
    let (survivor, absorbed) = (objects::rightly(survivor), objects::rightly(absorbed));
    let refused = |words: &str| Err(VendorError::new(ErrorClass::Validation, words));
    if survivor.id == absorbed.id {
        return refused("Both are the same record; nothing was sent.");
    }
    match (survivor.object, absorbed.object) {
        (Contact, Contact) | (Lead, Lead) | (Company, Company) => Ok(Merging::Rows),
        (Contact, Lead) => Ok(Merging::Conversion),
        (Lead, Contact) => refused(
            "A contact cannot become a part of a lead: only a lead can be converted into a contact. Choose the contact \
             as the one that stays. Nothing was sent.",
        ),
        (left, right) => refused(&format!(
            "Salesforce cannot make one record of a {left} and a {right}; nothing was sent."
        )),
    }
}

/// The account of a contact, which a conversion into that contact must name.
pub(crate) fn account_of(settings: &Settings, contact: &RecordRef) -> Result<Request, VendorError> {
    Ok(get(settings, "Contact", &contact.id, &["Id".to_owned(), "AccountId".to_owned()])?
        .purpose("account of the contact"))
}

/// The external id among the values of a record to be made, if it has one.
pub(crate) fn external_id<'a>(
    settings: &'a Settings,
    object: ObjectKind,
    fields: &Fields,
) -> Option<(&'a str, String)> {
    let name = if matches!(object, ObjectKind::Contact | ObjectKind::Lead) {
        settings.salesforce.external_id_field.as_str()
    } else {
        key_field(settings, object).unwrap_or_default()
    };
    if name.is_empty() {
        return None;
    }
    let value = fields
        .iter()
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value_text(value))?;
    (!value.is_empty()).then_some((name, value))
}

/// The field of a kind that holds a key of ours, where the settings name one.
pub(crate) fn key_field(settings: &Settings, object: ObjectKind) -> Option<&str> {
    let own = objects::name(object).ok()?;
    settings.salesforce.key_fields.iter().find_map(|named| {
        let (of, field) = named.split_once('.')?;
        (of.eq_ignore_ascii_case(own) && soql::identifier(field).is_ok()).then_some(field)
    })
}

/// A note is a task that is done.
fn defaults(object: ObjectKind, fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    if object == ObjectKind::Note && !fields.keys().any(|name| name.eq_ignore_ascii_case("Status")) {
        fields.insert("Status".to_owned(), "Completed".into());
    }
    fields
}

/// In our word for it, which is finer than Salesforce's: a note is a task there.
fn about(mut request: Request, object: ObjectKind) -> Request {
    if request.object != object {
        request.purpose = request.purpose.replace(request.object.as_str(), object.as_str());
        request.object = object;
    }
    request
}

#[cfg(test)]
mod tests;
