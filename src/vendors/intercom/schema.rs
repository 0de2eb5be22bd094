//! Intercom's data attributes as field schemas, and the standard fields it lists only in part. Reads only.
//!
//! What can be written is what Intercom says of an attribute, except for the standard fields, which follow the API's
//! own reference. Names are as our copies hold them: `custom_attributes.plan`.

use serde_json::Value;

use crate::domain::record::{Connection, ObjectKind, value_text};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::schema::ordered;
use super::calls::{conversations, workspace};
use super::version::{Capability, Version};
use super::{calls, wire};

/// A standard field: name, label, kind, whether the API writes it, options.
type Row = (&'static str, &'static str, FieldKind, bool, &'static [&'static str]);

const CONTACT: &[Row] = &[
    ("external_id", "User ID", FieldKind::Text, true, &[]),
    ("email", "Email", FieldKind::Text, true, &[]),
    ("name", "Name", FieldKind::Text, true, &[]),
    ("phone", "Phone", FieldKind::Text, true, &[]),
    ("avatar", "Avatar", FieldKind::Text, true, &[]),
    ("role", "Role", FieldKind::Option, true, &["user", "lead"]),
    ("owner_id", "Owner", FieldKind::Reference, true, &[]),
    ("signed_up_at", "Signed up", FieldKind::DateTime, true, &[]),
    ("last_seen_at", "Last seen", FieldKind::DateTime, true, &[]),
    ("unsubscribed_from_emails", "Unsubscribed from emails", FieldKind::Boolean, true, &[]),
    ("language_override", "Language override", FieldKind::Text, true, &[]),
    ("id", "ID", FieldKind::Text, false, &[]),
    ("created_at", "First seen", FieldKind::DateTime, false, &[]),
    ("updated_at", "Updated", FieldKind::DateTime, false, &[]),
    ("last_contacted_at", "Last contacted", FieldKind::DateTime, false, &[]),
    ("last_replied_at", "Last heard from", FieldKind::DateTime, false, &[]),
    ("last_email_opened_at", "Last opened email", FieldKind::DateTime, false, &[]),
    ("last_email_clicked_at", "Last clicked on link in email", FieldKind::DateTime, false, &[]),
    ("has_hard_bounced", "Has hard bounced", FieldKind::Boolean, false, &[]),
    ("marked_email_as_spam", "Marked email as spam", FieldKind::Boolean, false, &[]),
    ("email_verified", "Email verified", FieldKind::Boolean, false, &[]),
    ("email_domain", "Email domain", FieldKind::Text, false, &[]),
    ("formatted_phone", "Formatted phone", FieldKind::Text, false, &[]),
    ("browser", "Browser", FieldKind::Text, false, &[]),
    ("browser_version", "Browser version", FieldKind::Text, false, &[]),
    ("browser_language", "Browser language", FieldKind::Text, false, &[]),
    ("os", "OS", FieldKind::Text, false, &[]),
    ("workspace_id", "Workspace", FieldKind::Text, false, &[]),
    ("location.city", "City", FieldKind::Text, false, &[]),
    ("location.region", "Region", FieldKind::Text, false, &[]),
    ("location.country", "Country", FieldKind::Text, false, &[]),
    // The name of the first company, which our copies hold beside the person's own fields.
    ("company.name", "Company name", FieldKind::Text, false, &[]),
    ("company.id", "Company", FieldKind::Reference, false, &[]),
];

const COMPANY: &[Row] = &[
    ("company_id", "Company ID", FieldKind::Text, true, &[]),
    ("name", "Company name", FieldKind::Text, true, &[]),
    ("plan", "Plan", FieldKind::Text, true, &[]),
    ("monthly_spend", "Monthly spend", FieldKind::Number, true, &[]),
    ("size", "Company size", FieldKind::Number, true, &[]),
    ("website", "Company website", FieldKind::Text, true, &[]),
    ("industry", "Company industry", FieldKind::Text, true, &[]),
    ("remote_created_at", "Company created", FieldKind::DateTime, true, &[]),
    ("id", "ID", FieldKind::Text, false, &[]),
    ("plan.name", "Plan", FieldKind::Text, false, &[]),
    ("created_at", "Created", FieldKind::DateTime, false, &[]),
    ("updated_at", "Updated", FieldKind::DateTime, false, &[]),
    ("last_request_at", "Company last seen", FieldKind::DateTime, false, &[]),
    ("session_count", "Company web sessions", FieldKind::Number, false, &[]),
    ("user_count", "People", FieldKind::Number, false, &[]),
    ("app_id", "Workspace", FieldKind::Text, false, &[]),
];

const CONVERSATION: &[Row] = &[
    ("title", "Title", FieldKind::Text, true, &[]),
    ("read", "Read", FieldKind::Boolean, true, &[]),
    ("company_id", "Company", FieldKind::Reference, true, &[]),
    ("id", "ID", FieldKind::Text, false, &[]),
    ("state", "State", FieldKind::Option, false, &["open", "closed", "snoozed"]),
    ("open", "Open", FieldKind::Boolean, false, &[]),
    ("admin_assignee_id", "Teammate", FieldKind::Reference, false, &[]),
    ("team_assignee_id", "Team", FieldKind::Reference, false, &[]),
    ("created_at", "Started", FieldKind::DateTime, false, &[]),
    ("updated_at", "Updated", FieldKind::DateTime, false, &[]),
    ("waiting_since", "Waiting since", FieldKind::DateTime, false, &[]),
    ("snoozed_until", "Snoozed until", FieldKind::DateTime, false, &[]),
    ("source.body", "First message", FieldKind::Text, false, &[]),
    ("source.subject", "Subject", FieldKind::Text, false, &[]),
    ("source.type", "Channel", FieldKind::Text, false, &[]),
    ("source.url", "Page", FieldKind::Text, false, &[]),
    ("conversation_rating.rating", "Rating", FieldKind::Number, false, &[]),
    ("conversation_rating.remark", "Remark", FieldKind::Text, false, &[]),
];

pub(crate) async fn read(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    log: &mut Log,
) -> Result<ObjectSchema, VendorError> {
    let settings = clients.settings();
    let (standard, request) = match object {
        ObjectKind::Contact | ObjectKind::Company => {
            let rows = if object == ObjectKind::Contact { CONTACT } else { COMPANY };
            (rows, workspace::data_attributes(Some(object.to_string()), false))
        }
        ObjectKind::Conversation => (CONVERSATION, conversations::attributes(settings, false)),
        _ => return Err(calls::unsupported("read the fields of", object)),
    };
    let request = request.purpose(format!("read the fields of {object}"));
    let answer = clients.send(connection, &request, log).await?;
    let mut fields: Vec<FieldSchema> = standard.iter().map(|row| standing(object, row)).collect();
    if object == ObjectKind::Conversation {
        fields.push(priority(Version::of(settings)));
    }
    let known: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let rows = rows(&answer).iter().filter_map(|row| field(object, row));
    fields.extend(rows.filter(|field| !known.contains(&field.name)));
    Ok(ObjectSchema {
        connection: connection.clone(),
        object,
        fields: ordered(fields),
        creatable: true,
        updatable: true,
    })
}

/// The attributes of a list; conversations' may come under their own name.
fn rows(answer: &Value) -> &[Value] {
    let list = ["data", "conversation_attributes", "attributes"];
    list.iter()
        .find_map(|name| answer.get(*name)?.as_array())
        .map_or_else(|| wire::items(answer), Vec::as_slice)
}

fn standing(object: ObjectKind, (name, label, kind, writable, options): &Row) -> FieldSchema {
    FieldSchema {
        name: (*name).to_owned(),
        label: (*label).to_owned(),
        kind: *kind,
        vendor_kind: kind.to_string(),
        options: options.iter().map(|value| plain(value)).collect(),
        writable: *writable,
        required: object == ObjectKind::Company && *name == "company_id",
        unique: matches!(*name, "external_id" | "company_id" | "id"),
        longest: (*kind == FieldKind::Text && *writable).then_some(255),
    }
}

fn plain(value: &str) -> OptionValue {
    OptionValue { value: value.to_owned(), label: value.to_owned(), retired: false }
}

/// Two values up to 2.15, five since.
fn priority(version: Version) -> FieldSchema {
    let options: &[&str] = if version.has(Capability::ConversationAttributes) {
        &["none", "low", "medium", "high", "urgent"]
    } else {
        &["priority", "not_priority"]
    };
    FieldSchema {
        name: "priority".into(),
        label: "Priority".into(),
        kind: FieldKind::Option,
        vendor_kind: "option".into(),
        options: options.iter().map(|value| plain(value)).collect(),
        writable: false,
        required: false,
        unique: false,
        longest: None,
    }
}

fn field(object: ObjectKind, row: &Value) -> Option<FieldSchema> {
    let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let flag = |name: &str, otherwise: bool| row.get(name).and_then(Value::as_bool).unwrap_or(otherwise);
    let short = word("name");
    if short.is_empty() || flag("archived", false) {
        return None;
    }
    let custom = flag("custom", object == ObjectKind::Conversation);
    let name = match (word("full_name"), custom) {
        (_, true) => format!("custom_attributes.{short}"),
        ("", false) => short.to_owned(),
        (full, false) => full.to_owned(),
    };
    let options: Vec<OptionValue> =
        row.get("options").and_then(Value::as_array).into_iter().flatten().filter_map(option).collect();
    let data = word("data_type");
    let kind = match data {
        _ if !options.is_empty() => FieldKind::Option,
        "string" => FieldKind::Text,
        "integer" | "float" | "decimal" => FieldKind::Number,
        "boolean" => FieldKind::Boolean,
        // An instant in seconds, whatever the attribute is called.
        "date" | "datetime" => FieldKind::DateTime,
        "list" | "options" => FieldKind::Option,
        "relationship" => FieldKind::Reference,
        _ => FieldKind::Other,
    };
    let label = Some(word("label")).filter(|label| !label.is_empty()).unwrap_or(short);
    Some(FieldSchema {
        name,
        label: label.to_owned(),
        kind,
        vendor_kind: data.to_owned(),
        options,
        writable: flag("api_writable", object == ObjectKind::Conversation),
        // What Intercom calls required of a conversation binds teammates who close it, not the API.
        required: false,
        unique: false,
        longest: (kind == FieldKind::Text && custom).then_some(255),
    })
}

/// An option is a text, an object with a value, or, of a conversation, an object with a label that is also its value.
fn option(row: &Value) -> Option<OptionValue> {
    if let Some(value) = row.as_str() {
        return Some(plain(value));
    }
    let label = row.get("label").map(value_text).filter(|label| !label.is_empty());
    let value = row.get("value").map(value_text).or_else(|| label.clone())?;
    let retired = row.get("archived").and_then(Value::as_bool).unwrap_or(false);
    Some(OptionValue { label: label.unwrap_or_else(|| value.clone()), value, retired })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_of_people_and_of_conversations_are_read_alike() {
        let plan = json!({"name": "plan", "full_name": "custom_attributes.plan", "label": "Plan", "data_type": "string",
            "options": ["free", "pro"], "api_writable": true, "custom": true});
        let read = field(ObjectKind::Contact, &plan).expect("a field");
        assert_eq!((read.name.as_str(), read.kind), ("custom_attributes.plan", FieldKind::Option));
        assert_eq!(read.options[1], plain("pro"));
        let kind = json!({"type": "conversation_attribute", "name": "Kind", "data_type": "list",
            "options": [{"id": "a", "label": "Sales", "archived": false}, {"id": "b", "label": "Old", "archived": true}]});
        let read = field(ObjectKind::Conversation, &kind).expect("a field");
        assert_eq!((read.name.as_str(), read.writable), ("custom_attributes.Kind", true));
        assert_eq!((read.options[0].value.as_str(), read.options[1].retired), ("Sales", true));
        assert!(
            field(ObjectKind::Contact, &json!({"name": "x", "archived": true, "custom": true})).is_none()
        );
    }

    #[test]
    fn who_named_priority_first_decides_its_values() {
        let mut settings = crate::vendors::Settings::default();
        settings.intercom.version = "2.14".into();
        assert_eq!(priority(Version::of(&settings)).options.len(), 2);
        settings.intercom.version = "2.16".into();
        assert_eq!(priority(Version::of(&settings)).options.len(), 5);
    }
}
