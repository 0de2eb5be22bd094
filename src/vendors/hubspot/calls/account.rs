//! The portal itself and what is told to people in it: owners, usage, notes, timeline events, subscriptions to mail.
//! Only builds requests.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{ObjectKind, value_text};

use super::super::paths::{Place, ask, path};
use super::{associations, given, objects, post, refused};
use crate::vendors::error::VendorError;
use crate::vendors::request::{Manner, Request};
use crate::vendors::settings::Settings;

pub(crate) fn details(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, path(settings, Place::AccountDetails, &[]))
}

/// How much of the day's calls all private apps of the portal have used.
pub(crate) fn daily_usage(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, path(settings, Place::DailyUsage, &[]))
}

/// Whose OAuth token it is, which scopes it has and how long it lives. Private apps' tokens are not described there.
pub(crate) fn token_info(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, path(settings, Place::TokenInfo, &[]))
}

pub(crate) fn owners(
    settings: &Settings,
    email: Option<&str>,
    limit: Option<i64>,
    after: Option<&str>,
    archived: bool,
) -> Result<Request, VendorError> {
    if limit.is_some_and(|limit| !(1..=100).contains(&limit)) {
        return Err(refused("a page of owners holds between 1 and 100"));
    }
    let mut path = path(settings, Place::Owners, &[]);
    ask(&mut path, "email", email);
    ask(&mut path, "limit", limit.map(|limit| limit.to_string()).as_deref());
    ask(&mut path, "after", after);
    ask(&mut path, "archived", archived.then_some("true"));
    Ok(Request::get(ObjectKind::Contact, path).page())
}

/// One owner by owner id; records hold that id, never the user id.
pub(crate) fn owner(settings: &Settings, id: &str, archived: bool) -> Request {
    let mut path = path(settings, Place::Owner, &[id]);
    ask(&mut path, "archived", archived.then_some("true"));
    Request::get(ObjectKind::Contact, path)
}

/// A note about a conversation, dated when the conversation was and related in the same call.
pub(crate) fn note(
    settings: &Settings,
    words: &str,
    at: Timestamp,
    owner: Option<&str>,
    about: &[(ObjectKind, String)],
) -> Result<Request, VendorError> {
    if about.is_empty() {
        return Err(refused("a note related to no record would be seen by nobody"));
    }
    let properties = given([
        ("hs_timestamp", Some(json!(at.rfc3339()))),
        ("hs_note_body", Some(json!(words))),
        ("hubspot_owner_id", owner.map(|owner| json!(owner))),
    ]);
    let about: Vec<(ObjectKind, &str)> = about.iter().map(|(object, id)| (*object, id.as_str())).collect();
    let related = associations::inline(ObjectKind::Note, &about)?;
    objects::create(settings, ObjectKind::Note, &properties, related.as_ref())
        .map(|request| request.purpose("log a conversation as a note"))
}

/// Timeline events belong to an app with an OAuth token. A private app's token is refused for them, so without the
/// setting nothing is sent.
pub(crate) fn timeline(settings: &Settings, events: &Value) -> Result<Request, VendorError> {
    if !settings.hubspot.timeline_app {
        return Err(VendorError::new(
            ErrorClass::Permission,
            "Nothing was sent: HubSpot lets only a public app with an OAuth token and the scope \"timeline\" post \
             timeline events, never a private app. Log the conversation as a note instead, or set \
             vendors.hubspot.timeline_app = true when such an app is connected.",
        ));
    }
    let whole = |event: &Value| -> Result<Value, VendorError> {
        let Some(event) = event.as_object() else { return Err(refused("a timeline event is an object")) };
        let has = |name: &str| event.get(name).map(value_text).is_some_and(|text| !text.is_empty());
        if !has("eventTemplateId") || !has("id") {
            // The id is what keeps a repeated post from showing twice.
            return Err(refused("a timeline event needs eventTemplateId and an id of its own"));
        }
        if !["email", "objectId", "utk", "domain"].iter().any(|name| has(name)) {
            return Err(refused("a timeline event needs email, objectId, utk or domain to say whose it is"));
        }
        let mut event = event.clone();
        event.entry("tokens").or_insert_with(|| json!({}));
        Ok(Value::Object(event))
    };
    let object = ObjectKind::Contact;
    let Some(list) = events.as_array() else {
        let path = path(settings, Place::TimelineEvents, &[]);
        return Ok(post(Manner::Write, object, path, whole(events)?).purpose("post a timeline event"));
    };
    let rows = list.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    let path = path(settings, Place::TimelineBatch, &[]);
    let purpose = format!("post {} timeline events", rows.len());
    Ok(post(Manner::SlowWrite, object, path, json!({"inputs": rows})).purpose(purpose))
}

pub(crate) fn timeline_event(settings: &Settings, template: &str, id: &str) -> Request {
    Request::get(ObjectKind::Contact, path(settings, Place::TimelineEvent, &[template, id]))
}

pub(crate) fn subscriptions(settings: &Settings) -> Request {
    Request::get(ObjectKind::Contact, path(settings, Place::Subscriptions, &[]))
}

pub(crate) fn subscription_status(settings: &Settings, email: &str) -> Request {
    let mut path = path(settings, Place::SubscriptionStatus, &[email]);
    ask(&mut path, "channel", Some("EMAIL"));
    Request::get(ObjectKind::Contact, path)
}

/// Subscribes or unsubscribes a person; HubSpot may ask for the legal basis.
pub(crate) fn set_subscription(
    settings: &Settings,
    email: &str,
    subscription: i64,
    status: &str,
    legal: (Option<&str>, Option<&str>),
) -> Result<Request, VendorError> {
    if !matches!(status, "SUBSCRIBED" | "UNSUBSCRIBED" | "NOT_SPECIFIED") {
        return Err(refused("a subscription is SUBSCRIBED, UNSUBSCRIBED or NOT_SPECIFIED"));
    }
    let path = path(settings, Place::SubscriptionStatus, &[email]);
    let body = given([
        ("channel", Some(json!("EMAIL"))),
        ("subscriptionId", Some(json!(subscription))),
        ("statusState", Some(json!(status))),
        ("legalBasis", legal.0.map(|text| json!(text))),
        ("legalBasisExplanation", legal.1.map(|text| json!(text))),
    ]);
    Ok(post(Manner::Write, ObjectKind::Contact, path, body).purpose("set a subscription"))
}

pub(crate) fn unsubscribed_from_all(settings: &Settings, email: &str) -> Request {
    let mut path = path(settings, Place::UnsubscribedFromAll, &[email]);
    ask(&mut path, "channel", Some("EMAIL"));
    Request::get(ObjectKind::Contact, path)
}

/// HubSpot sends the person no marketing mail of any kind from then on.
pub(crate) fn unsubscribe_from_all(settings: &Settings, email: &str) -> Request {
    let mut path = path(settings, Place::UnsubscribedFromAll, &[email]);
    ask(&mut path, "channel", Some("EMAIL"));
    Request::new(Manner::Write, reqwest::Method::POST, ObjectKind::Contact, path)
        .purpose("unsubscribe from all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_carries_the_time_and_the_records_of_its_conversation() {
        let settings = Settings::default();
        let about = [(ObjectKind::Contact, "151".to_owned()), (ObjectKind::Company, "812".to_owned())];
        let at = Timestamp(1_768_018_294_000);
        let request = note(&settings, "They asked for a demo.", at, None, &about).expect("good");
        assert_eq!(request.path, "/crm/v3/objects/notes");
        let body = request.body.expect("a body");
        assert_eq!(body["properties"]["hs_timestamp"], "2026-01-10T04:11:34.000Z");
        assert_eq!(body["associations"][0]["types"][0]["associationTypeId"], 202);
        assert_eq!(
            body["associations"][1],
            json!({"to": {"id": "812"}, "types": [
            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}]})
        );
        assert!(note(&settings, "x", at, None, &[]).is_err());
    }

    #[test]
    fn a_private_app_posts_no_timeline_events() {
        let mut settings = Settings::default();
        let event = json!({"eventTemplateId": "1", "id": "e1", "email": "a@b.co"});
        let error = timeline(&settings, &event).expect_err("not an app");
        assert_eq!(error.class, ErrorClass::Permission);
        assert!(error.words.contains("timeline_app") && error.words.contains("note"), "{error}");
        settings.hubspot.timeline_app = true;
        assert_eq!(timeline(&settings, &event).expect("good").body.expect("a body")["tokens"], json!({}));
        let many = timeline(&settings, &json!([event])).expect("good");
        assert!(many.path.ends_with("/events/batch/create"));
        assert!(timeline(&settings, &json!({"eventTemplateId": "1", "email": "a@b.co"})).is_err());
    }
}
