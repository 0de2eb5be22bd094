//! Intercom's data attributes: which fields people and companies have. The workspace's own ones are listed here.

use serde_json::{Value, json};

use super::answers::refused;
use super::{ADMIN_ID, Version, Workspace};
use crate::sandbox::wire::{Answer, Call};

/// One attribute of a model.
#[derive(Clone)]
pub(in crate::sandbox) struct Attribute {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) model: String,
    pub(in crate::sandbox) data_type: String,
    pub(in crate::sandbox) options: Vec<String>,
    pub(in crate::sandbox) custom: bool,
    pub(in crate::sandbox) archived: bool,
    writable: bool,
    changed: i64,
}

const BUILT_IN: [(&str, &str, &str, bool); 15] = [
    ("contact", "id", "string", false),
    ("contact", "external_id", "string", true),
    ("contact", "email", "string", true),
    ("contact", "name", "string", true),
    ("contact", "phone", "string", true),
    ("contact", "owner_id", "integer", true),
    ("contact", "signed_up_at", "date", true),
    ("contact", "last_seen_at", "date", true),
    ("contact", "created_at", "date", false),
    ("contact", "updated_at", "date", false),
    ("contact", "unsubscribed_from_emails", "boolean", true),
    ("company", "name", "string", true),
    ("company", "company_id", "string", false),
    ("company", "size", "integer", true),
    ("company", "website", "string", true),
];

const CUSTOM: [&str; 6] =
    ["plan", "job_title", "lifecycle_stage", "hubspot_contact_id", "referral_code", "company_size"];

/// When the workspace's standing attributes were made.
const MADE: i64 = 1_704_103_200;

/// The attributes a workspace starts with, seeded or not.
pub(super) fn standing() -> Vec<Attribute> {
    let built_in = BUILT_IN
        .iter()
        .map(|(model, name, data_type, writable)| (*model, *name, *data_type, *writable, false));
    let custom = CUSTOM.iter().map(|name| ("contact", *name, "string", true, true));
    built_in
        .chain(custom)
        .enumerate()
        .map(|(index, (model, name, data_type, writable, custom))| Attribute {
            id: 11_071_200 + index as u64,
            name: name.to_owned(),
            model: model.to_owned(),
            data_type: data_type.to_owned(),
            options: Vec::new(),
            custom,
            archived: false,
            writable,
            changed: MADE,
        })
        .collect()
}

fn shape(attribute: &Attribute) -> Value {
    let full_name = if attribute.custom {
        format!("custom_attributes.{}", attribute.name)
    } else {
        attribute.name.clone()
    };
    let mut shape = json!({
        "type": "data_attribute",
        "model": attribute.model,
        "name": attribute.name,
        "full_name": full_name,
        "label": attribute.name,
        "data_type": attribute.data_type,
        "api_writable": attribute.writable,
        "messenger_writable": false,
        "ui_writable": attribute.custom,
        "custom": attribute.custom,
        "archived": attribute.archived,
    });
    if attribute.custom {
        shape["id"] = json!(attribute.id);
        shape["created_at"] = json!(MADE);
        shape["updated_at"] = json!(attribute.changed);
        shape["admin_id"] = json!(ADMIN_ID);
    }
    if !attribute.options.is_empty() {
        shape["options"] = json!(attribute.options);
    }
    shape
}

fn options(body: &Value) -> Vec<String> {
    body["options"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|option| option.get("value").and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}

impl Workspace {
    pub(super) fn list_attributes(&self, call: &Call, version: Version) -> Answer {
        let model = call.parameter("model");
        if model == Some("conversation") && version >= Version(16) {
            let message =
                "model=conversation is no longer supported. Use GET /conversations/attributes instead";
            return refused(422, "parameter_invalid", message);
        }
        let archived = call.parameter("include_archived") == Some("true");
        let data: Vec<Value> = self
            .attributes
            .iter()
            .filter(|attribute| model.is_none_or(|model| attribute.model == model))
            .filter(|attribute| archived || !attribute.archived)
            .map(shape)
            .collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn create_attribute(&mut self, call: &Call) -> Answer {
        let (Some(name), Some(model)) = (call.text("name"), call.text("model")) else {
            return refused(400, "parameter_invalid", "name and model are required");
        };
        if !["contact", "company"].contains(&model) {
            return refused(400, "parameter_invalid", "model must be contact or company");
        }
        if self.attributes.iter().any(|known| known.name == name && known.model == model) {
            let message = format!(
                "You already have '{name}' in your {model} data. To save this as new data, use a different name."
            );
            return refused(400, "parameter_invalid", &message);
        }
        let options = options(&call.body);
        let data_type =
            if options.is_empty() { call.text("data_type").unwrap_or("string") } else { "string" };
        let attribute = Attribute {
            id: 11_071_200 + self.attributes.len() as u64,
            name: name.to_owned(),
            model: model.to_owned(),
            data_type: if data_type == "datetime" { "date" } else { data_type }.to_owned(),
            options,
            custom: true,
            archived: false,
            writable: true,
            changed: self.now() / 1_000,
        };
        let answer = Answer::ok(shape(&attribute));
        self.effect("data_attribute", "create", name, &json!({"model": model}));
        self.attributes.push(attribute);
        answer
    }

    pub(super) fn update_attribute(&mut self, id: &str, call: &Call) -> Answer {
        let now = self.now() / 1_000;
        let found =
            self.attributes.iter_mut().find(|attribute| attribute.custom && attribute.id.to_string() == id);
        let Some(attribute) = found else {
            return refused(404, "field_not_found", "We couldn't find that data attribute to update");
        };
        if let Some(archived) = call.body["archived"].as_bool() {
            attribute.archived = archived;
        }
        if call.body.get("options").is_some() {
            attribute.options = options(&call.body);
        }
        attribute.changed = now;
        Answer::ok(shape(attribute))
    }
}
