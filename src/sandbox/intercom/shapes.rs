//! How Intercom's records look in JSON: REST with unix seconds, webhooks with ISO-8601 strings. Reads state, never changes it.

use serde_json::{Value, json};

use super::subscriptions::chosen;
use super::{APP_ID, Company, Contact, Version};
use crate::sandbox::desk::iso;

fn references(ids: &[String], kind: &str, contact: &str, path: &str) -> Value {
    let data: Vec<Value> = ids
        .iter()
        .take(10)
        .map(|id| json!({"id": id, "type": kind, "url": format!("/{path}/{id}")}))
        .collect();
    json!({
        "type": "list",
        "data": data,
        "url": format!("/contacts/{contact}/{path}"),
        "total_count": ids.len(),
        "has_more": ids.len() > 10,
    })
}

/// Moments in the form a webhook or a REST answer wants.
enum Moments {
    Rest,
    Webhook,
}

impl Moments {
    fn milliseconds(&self, moment: i64) -> Value {
        match self {
            Self::Rest => json!(moment / 1_000),
            Self::Webhook => json!(format!("{}+00:00", iso(moment).trim_end_matches('Z'))),
        }
    }

    fn seconds(&self, moment: Option<i64>) -> Value {
        moment.map_or(Value::Null, |seconds| self.milliseconds(seconds * 1_000))
    }
}

fn contact_with(contact: &Contact, moments: &Moments, owner_as_text: bool) -> Value {
    let id = &contact.id;
    let owner = match &contact.owner {
        Some(owner) if owner_as_text => json!(owner),
        Some(owner) => json!(owner.parse::<i64>().ok()),
        None => Value::Null,
    };
    let tags: Vec<String> = contact.tags.iter().map(|(tag, _)| tag.clone()).collect();
    let mut shape = json!({
        "type": "contact",
        "id": id,
        "workspace_id": APP_ID,
        "external_id": contact.external_id,
        "role": role(contact),
        "email": contact.email,
        "email_domain": domain(contact),
        "phone": contact.phone,
        "name": contact.name,
        "avatar": contact.avatar.as_ref().map(|url| json!({"type": "avatar", "image_url": url})),
        "owner_id": owner,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": false,
        "marked_email_as_spam": false,
        "unsubscribed_from_emails": contact.unsubscribed,
        "created_at": moments.milliseconds(contact.created),
        "updated_at": moments.milliseconds(contact.updated),
        "signed_up_at": moments.seconds(contact.signed_up),
        "last_seen_at": moments.seconds(contact.last_seen),
    });
    // In two pieces: one would be too deep for the macro.
    let rest = json!({
        "last_replied_at": null,
        "last_contacted_at": null,
        "last_email_opened_at": null,
        "last_email_clicked_at": null,
        "language_override": null,
        "browser": null,
        "browser_version": null,
        "browser_language": null,
        "os": null,
        "location": {
            "type": "location",
            "country": contact.country,
            "region": null,
            "city": contact.city,
            "country_code": null,
            "continent_code": null,
        },
        "custom_attributes": contact.custom,
        "tags": references(&tags, "tag", id, "tags"),
        "notes": references(&contact.notes, "note", id, "notes"),
        "companies": references(&contact.companies, "company", id, "companies"),
        "opted_out_subscription_types": references(&chosen(contact, "opt_out"), "subscription", id, "subscriptions"),
        "opted_in_subscription_types": references(&chosen(contact, "opt_in"), "subscription", id, "subscriptions"),
        "utm_campaign": null,
        "utm_content": null,
        "utm_medium": null,
        "utm_source": null,
        "utm_term": null,
        "referrer": null,
        "enabled_push_messaging": null,
    });
    if let (Some(fields), Value::Object(rest)) = (shape.as_object_mut(), rest) {
        fields.extend(rest);
    }
    shape
}

/// What stands behind the @.
pub(super) fn domain(contact: &Contact) -> Option<&str> {
    contact.email.as_deref()?.rsplit_once('@').map(|(_, domain)| domain)
}

pub(super) fn role(contact: &Contact) -> &'static str {
    if contact.user { "user" } else { "lead" }
}

pub(super) fn contact(contact: &Contact, version: Version) -> Value {
    contact_with(contact, &Moments::Rest, version >= Version(16))
}

pub(super) fn contact_in_webhook(contact: &Contact) -> Value {
    contact_with(contact, &Moments::Webhook, true)
}

fn company_with(company: &Company, moments: &Moments) -> Value {
    let plan = company
        .plan
        .as_ref()
        .map_or_else(|| json!({}), |plan| json!({"type": "plan", "id": "1", "name": plan}));
    let mut shape = json!({
        "type": "company",
        "id": company.id,
        "company_id": company.company_id,
        "app_id": APP_ID,
        "name": company.name,
        "plan": plan,
        "remote_created_at": moments.seconds(company.remote_created),
        "created_at": moments.milliseconds(company.created),
        "updated_at": moments.milliseconds(company.updated),
        "monthly_spend": company.monthly_spend,
        "session_count": 0,
        "user_count": company.contacts.len(),
        "tags": {"type": "tag.list", "tags": []},
        "segments": {"type": "segment.list", "segments": []},
        "custom_attributes": company.custom,
    });
    // Left out rather than null when unknown: the document does not call them nullable.
    if let Some(website) = &company.website {
        shape["website"] = json!(website);
    }
    if let Some(industry) = &company.industry {
        shape["industry"] = json!(industry);
    }
    if let Some(size) = company.size {
        shape["size"] = json!(size);
    }
    if let Some(seconds) = company.last_request {
        shape["last_request_at"] = moments.milliseconds(seconds * 1_000);
    }
    if company.remote_created.is_none() {
        shape["remote_created_at"] = moments.milliseconds(company.created);
    }
    shape
}

pub(super) fn company(company: &Company) -> Value {
    company_with(company, &Moments::Rest)
}

pub(super) fn company_in_webhook(company: &Company) -> Value {
    company_with(company, &Moments::Webhook)
}
