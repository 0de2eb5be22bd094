//! Several dependent calls as one: made together or not at all, later ones using the ids of earlier ones.
//!
//! The org replaces `@{part.id}` wherever it stands in a body, so a value that brings such words of its own is refused
//! here: a person's data must not be able to ask for another part's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::{Expects, Manner, Request};
use super::super::settings::Settings;
use super::{calls, context, errors, objects, wire};

/// Calls in one composite.
pub(crate) const PARTS: usize = 25;

/// One call of a composite: a request as it would be sent alone, under a name by which later ones mean it.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) reference: &'static str,
    pub(crate) request: Request,
    /// Fields that take the id of an earlier part.
    pub(crate) ids_of: Vec<(&'static str, &'static str)>,
}

/// The request of several parts, all or none.
pub(crate) fn request(settings: &Settings, parts: &[Part]) -> Result<Request, VendorError> {
    let mut calls = Vec::with_capacity(parts.len());
    for part in parts {
        let mut body = part.request.body.clone().unwrap_or(Value::Null);
        if body.to_string().contains("@{") || part.request.path.contains("@{") {
            return Err(VendorError::new(
                ErrorClass::Validation,
                "A value holds \"@{\", which Salesforce would read as the name of another part of a composite call. \
                 Send the records one by one; nothing was sent.",
            ));
        }
        for (field, reference) in &part.ids_of {
            body[*field] = json!(format!("@{{{reference}.id}}"));
        }
        let mut call = json!({
            "method": part.request.method.to_string(),
            "url": part.request.path,
            "referenceId": part.reference,
        });
        if !body.is_null() {
            call["body"] = body;
        }
        calls.push(call);
    }
    let object = parts.last().map_or(ObjectKind::Contact, |part| part.request.object);
    Ok(calls::write(Manner::SlowWrite, Method::POST, object, calls::data(settings, "composite"))
        .body(json!({"allOrNone": true, "compositeRequest": calls})))
}

/// Sends the parts; the bodies come back in their order. When one fails, nothing of them was done, and the error is that
/// one's.
async fn send(
    clients: &Clients,
    connection: &Connection,
    parts: &[Part],
    purpose: &str,
    log: &mut Log,
) -> Result<Vec<Value>, VendorError> {
    debug_assert!(parts.len() <= PARTS, "the callers name a handful");
    let request = request(clients.settings(), parts)?.purpose(purpose);
    let answer = clients.send(connection, &request, log).await?;
    let answers = answer.get("compositeResponse").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut bodies = Vec::with_capacity(parts.len());
    let mut halted: Option<VendorError> = None;
    for part in parts {
        let of_part =
            |answer: &&Value| answer.get("referenceId").and_then(Value::as_str) == Some(part.reference);
        let Some(answer) = answers.iter().find(of_part) else {
            return Err(VendorError {
                may_have_happened: true,
                ..VendorError::new(
                    ErrorClass::Malformed,
                    &format!(
                        "Salesforce's answer to a composite call says nothing about its part \"{}\".",
                        part.reference
                    ),
                )
            });
        };
        let body = answer.get("body").cloned().unwrap_or_default();
        let status =
            answer.get("httpStatusCode").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
        if status.is_some_and(|status| (200..300).contains(&status)) {
            bodies.push(body);
            continue;
        }
        let refusals = errors::Refusal::list(&body);
        let context = context(clients, connection, part.request.object, Expects::Json);
        // The rest is undone whatever its status says, so no part leaves a doubt.
        let error = VendorError { may_have_happened: false, ..errors::refused(status, &refusals, &context) };
        if refusals.iter().any(|one| one.code == "PROCESSING_HALTED") {
            halted.get_or_insert(error);
            continue;
        }
        if let Some(exchange) = log.last_mut() {
            exchange.class = Some(error.class);
        }
        return Err(error);
    }
    match halted {
        Some(error) => Err(error),
        None => Ok(bodies),
    }
}

/// A further account a contact has to do with, beside the one it belongs to.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The account.
    pub account: RecordRef,
    /// What the contact is there, in the org's own words.
    pub roles: Option<String>,
}

/// The parts of [`contact_with_account`].
pub(crate) fn parts(
    settings: &Settings,
    account: &Fields,
    contact: &Fields,
    also: Option<&Relation>,
) -> Result<Vec<Part>, VendorError> {
    let person = match calls::external_id(settings, ObjectKind::Contact, contact) {
        Some((field, value)) => calls::upsert(settings, "Contact", (field, &value), contact, false)?,
        None => calls::create(settings, "Contact", contact)?,
    };
    let mut parts = vec![
        Part {
            reference: "account",
            request: calls::create(settings, "Account", account)?,
            ids_of: Vec::new(),
        },
        Part { reference: "contact", request: person, ids_of: vec![("AccountId", "account")] },
    ];
    if let Some(relation) = also {
        let mut fields = Fields::new();
        fields.insert("AccountId".to_owned(), objects::whole_id(&relation.account.id).into());
        if let Some(roles) = &relation.roles {
            fields.insert("Roles".to_owned(), roles.as_str().into());
        }
        parts.push(Part {
            reference: "relation",
            request: calls::create(settings, "AccountContactRelation", &fields)?,
            ids_of: vec![("ContactId", "contact")],
        });
    }
    Ok(parts)
}

/// Makes an account and a contact that belongs to it, and relates the contact to one further account if asked, in one
/// call. Returns the contact and its account.
///
/// A contact with an external id is made or changed by it. Relations to further accounts need the org's setting
/// "Contacts to Multiple Accounts".
pub async fn contact_with_account(
    clients: &Clients,
    connection: &Connection,
    account: &Fields,
    contact: &Fields,
    also: Option<&Relation>,
    log: &mut Log,
) -> Result<(RecordRef, RecordRef), VendorError> {
    let parts = parts(clients.settings(), account, contact, also)?;
    let bodies = send(clients, connection, &parts, "create company and contact", log).await?;
    let made = |place: usize, object: ObjectKind| match bodies.get(place).and_then(wire::id) {
        Some(id) => Ok(objects::record(connection, object, &id)),
        None => Err(VendorError {
            may_have_happened: true,
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!("Salesforce said it made the {object}, but its answer holds no id."),
            )
        }),
    };
    Ok((made(1, ObjectKind::Contact)?, made(0, ObjectKind::Company)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: &Value) -> Fields {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn three_records_are_one_call() {
        let relation = Relation {
            account: RecordRef::new(
                crate::domain::record::System::Salesforce,
                ObjectKind::Company,
                "0013h00000Kzv3A",
            ),
            roles: Some("Evaluator".into()),
        };
        let (account, contact) = (fields(&json!({"Name": "X"})), fields(&json!({"LastName": "Doe"})));
        let settings = Settings::default();
        let parts = parts(&settings, &account, &contact, Some(&relation)).expect("parts");
        let request = request(&settings, &parts).expect("a request");
        let base = "/services/data/v66.0/sobjects";
        assert_eq!(
            request.body,
            Some(json!({"allOrNone": true, "compositeRequest": [
                {"method": "POST", "url": format!("{base}/Account"), "referenceId": "account", "body": {"Name": "X"}},
                {"method": "POST", "url": format!("{base}/Contact"), "referenceId": "contact",
                 "body": {"LastName": "Doe", "AccountId": "@{account.id}"}},
                {"method": "POST", "url": format!("{base}/AccountContactRelation"), "referenceId": "relation",
                 "body": {"AccountId": "0013h00000Kzv3AAAR", "Roles": "Evaluator", "ContactId": "@{contact.id}"}},
            ]}))
        );
    }

    #[test]
    fn a_value_cannot_ask_for_another_parts_id() {
        let settings = Settings::default();
        let account = fields(&json!({"Name": "@{contact.id}"}));
        let parts = parts(&settings, &account, &fields(&json!({"LastName": "Doe"})), None).expect("parts");
        assert_eq!(request(&settings, &parts).expect_err("refused").class, ErrorClass::Validation);
    }
}
