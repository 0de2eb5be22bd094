//! Intercom's data attributes: which fields people and companies have. The workspace's own ones are listed here.

use serde_json::{Map, Value, json};

use super::answers::refused;
use super::{ADMIN_ID, Version, Workspace};
use crate::sandbox::wire::{Answer, Call};

/// One attribute of a model.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a vendor's record")]
pub(in crate::sandbox) struct Attribute {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) model: String,
    pub(in crate::sandbox) data_type: String,
    pub(in crate::sandbox) options: Vec<String>,
    pub(in crate::sandbox) custom: bool,
    pub(in crate::sandbox) archived: bool,
    description: Option<String>,
    messenger_writable: bool,
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

const CUSTOM: [&str; 8] = [
    "plan",
    "job_title",
    "lifecycle_stage",
    "hubspot_contact_id",
    "salesforce_contact_id",
    "salesforce_lead_id",
    "referral_code",
    "company_size",
];

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
            description: None,
            messenger_writable: false,
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
        "messenger_writable": attribute.messenger_writable,
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
    if let Some(description) = &attribute.description {
        shape["description"] = json!(description);
    }
    if !attribute.options.is_empty() {
        shape["options"] = json!(attribute.options);
    }
    shape
}

/// The options a body lists, or the words that refuse them.
fn options(body: &Value) -> Result<Vec<String>, Answer> {
    let Some(list) = body.get("options") else { return Ok(Vec::new()) };
    let Some(list) = list.as_array() else {
        return Err(refused(400, "parameter_invalid", "Options isn't an array"));
    };
    let options: Vec<String> =
        list.iter().filter_map(|option| option.get("value")?.as_str()).map(str::to_owned).collect();
    // The document asks for two and shows, for fewer, words that are about something else.
    if options.len() < 2 {
        return Err(refused(400, "parameter_invalid", "At least two options are required"));
    }
    Ok(options)
}

/// Letters, digits, currency signs and hyphens, says the document; spaces and underscores are in its own examples.
fn is_name(name: &str) -> bool {
    let fits = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ' | '$' | '€' | '£' | '¥' | '₹')
    };
    !name.trim().is_empty() && name.chars().all(fits)
}

/// Why a value cannot be one of an attribute, if it cannot. The vendor's rule; the words are ours.
fn misfit(attribute: &Attribute, value: &Value) -> Option<String> {
    let digits = |value: &Value| value.as_str().is_some_and(|text| text.parse::<f64>().is_ok());
    let fits = match attribute.data_type.as_str() {
        "integer" | "date" => {
            value.as_i64().is_some() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok())
        }
        "float" => value.is_number() || digits(value),
        "boolean" => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        _ => value.is_string() || value.is_number() || value.is_boolean(),
    };
    if !fits {
        return Some(format!(
            "Custom attribute '{}' must be of type {}",
            attribute.name, attribute.data_type
        ));
    }
    let known = |option: &String| value.as_str() == Some(option);
    (!attribute.options.is_empty() && !attribute.options.iter().any(known)).then(|| {
        format!("Custom attribute '{}' must be one of: {}", attribute.name, attribute.options.join(", "))
    })
}

impl Workspace {
    /// The workspace's own attribute of that name, unless it is archived.
    pub(super) fn attribute(&self, model: &str, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| {
            attribute.custom && !attribute.archived && attribute.model == model && attribute.name == name
        })
    }

    /// Puts custom values where they are kept; null takes one away.
    pub(super) fn fill_custom(
        &self,
        model: &str,
        custom: &mut Map<String, Value>,
        given: &Value,
    ) -> Result<(), Answer> {
        for (name, value) in given.as_object().into_iter().flatten() {
            let Some(attribute) = self.attribute(model, name) else {
                let message = format!("Custom attribute '{name}' does not exist");
                return Err(refused(400, "parameter_invalid", &message));
            };
            if value.is_null() {
                custom.shift_remove(name);
                continue;
            }
            if let Some(why) = misfit(attribute, value) {
                return Err(refused(400, "parameter_invalid", &why));
            }
            custom.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    pub(super) fn list_attributes(&self, call: &Call, version: Version) -> Answer {
        let model = call.parameter("model");
        let archived = call.parameter("include_archived") == Some("true");
        if model == Some("conversation") {
            if version >= Version(16) {
                let message =
                    "model=conversation is no longer supported. Use GET /conversations/attributes instead";
                return refused(422, "parameter_invalid", message);
            }
            return Answer::ok(
                json!({"type": "list", "data": self.conversation_attributes_of_old(archived)}),
            );
        }
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
        match self.made_attribute(call) {
            Err(refusal) => refusal,
            Ok(attribute) => {
                self.effect("data_attribute", "create", &attribute.name, &json!({"model": attribute.model}));
                let answer = Answer::ok(shape(&attribute));
                self.attributes.push(attribute);
                answer
            }
        }
    }

    fn made_attribute(&self, call: &Call) -> Result<Attribute, Answer> {
        let invalid = |message: &str| Err(refused(400, "parameter_invalid", message));
        let (name, model) = (call.text("name").unwrap_or_default(), call.text("model").unwrap_or_default());
        if !["contact", "company"].contains(&model) {
            return invalid("The Data Attribute model field must be either contact or company");
        }
        if !is_name(name) {
            return invalid(
                "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens",
            );
        }
        let taken = |known: &&Attribute| known.name.eq_ignore_ascii_case(name) && known.model == model;
        if let Some(known) = self.attributes.iter().find(taken) {
            let data = if model == "contact" { "people" } else { "company" };
            return invalid(&format!(
                "You already have '{}' in your {data} data. To save this as new {data} data, use a different name.",
                known.name
            ));
        }
        let options = options(&call.body)?;
        let data_type = call.text("data_type").unwrap_or_default();
        let stored = match data_type {
            // What an attribute is called and how it is stored are two things: lists hold texts, moments are dates.
            "options" if options.is_empty() => return invalid("Options isn't an array"),
            "options" => "string",
            // Options without their type are older clients' way to say it.
            "string" | "" if !options.is_empty() => "string",
            "datetime" => "date",
            "string" | "integer" | "float" | "boolean" | "date" if options.is_empty() => data_type,
            _ => return invalid("Data Type isn't an option"),
        };
        Ok(Attribute {
            id: 11_071_200 + self.attributes.len() as u64,
            name: name.to_owned(),
            model: model.to_owned(),
            data_type: stored.to_owned(),
            options,
            custom: true,
            archived: false,
            description: call.text("description").map(str::to_owned),
            messenger_writable: call.body["messenger_writable"].as_bool().unwrap_or(false),
            writable: true,
            changed: self.now() / 1_000,
        })
    }

    pub(super) fn update_attribute(&mut self, id: &str, call: &Call) -> Answer {
        let now = self.now() / 1_000;
        let found =
            self.attributes.iter().position(|attribute| attribute.custom && attribute.id.to_string() == id);
        let Some(place) = found else {
            return refused(404, "field_not_found", "We couldn't find that data attribute to update");
        };
        let options = match call.body.get("options").map(|_| options(&call.body)).transpose() {
            Ok(options) => options,
            Err(refusal) => return refusal,
        };
        let archived = call.body["archived"].as_bool();
        if archived == Some(true) && self.segment_on_attribute(&self.attributes[place].name) {
            let message = "The Data Attribute you are trying to archive has a dependant object";
            return refused(422, "data_invalid", message);
        }
        let attribute = &mut self.attributes[place];
        attribute.archived = archived.unwrap_or(attribute.archived);
        if let Some(options) = options {
            attribute.options = options;
        }
        if let Some(description) = call.text("description") {
            attribute.description = Some(description.to_owned());
        }
        if let Some(writable) = call.body["messenger_writable"].as_bool() {
            attribute.messenger_writable = writable;
        }
        attribute.changed = now;
        let (answer, name) = (Answer::ok(shape(attribute)), attribute.name.clone());
        self.effect("data_attribute", "update", &name, &json!({}));
        answer
    }
}
