//! The attributes conversations have: an endpoint of their own since 2.16, a model of data attributes before. Names
//! may double, which only an update of a conversation minds.

use serde_json::{Map, Value, json};

use super::answers::{plain_id, refused};
use super::{ADMIN_ID, Workspace};
use crate::sandbox::desk::request_id;
use crate::sandbox::wire::{Answer, Call};

const TYPES: [&str; 8] =
    ["string", "integer", "list", "decimal", "boolean", "datetime", "relationship", "files"];

/// One attribute.
pub(super) struct ConversationAttribute {
    id: u64,
    name: String,
    data_type: String,
    archived: bool,
    /// Everything else as it was given: `description`, `required`, `visible_to_team_ids`, `multiline`, `reference`.
    rest: Map<String, Value>,
    options: Vec<Choice>,
    created: i64,
    updated: i64,
}

struct Choice {
    id: String,
    label: String,
    archived: bool,
}

/// Keys an update may set.
const CHANGEABLE: [&str; 5] = ["description", "multiline", "required", "visible_to_team_ids", "reference"];

fn not_found() -> Answer {
    refused(404, "conversation_attribute_not_found", "Conversation attribute not found")
}

fn invalid(message: &str) -> Answer {
    refused(422, "parameter_invalid", message)
}

fn label(body: &Value) -> Result<String, Answer> {
    let fields = body.as_object();
    if fields.is_some_and(|fields| fields.keys().any(|key| key != "label")) {
        return Err(invalid("only 'label' is accepted"));
    }
    match body.get("label") {
        None | Some(Value::Null) => Err(invalid("label is required")),
        Some(Value::String(label)) if label.trim().is_empty() => Err(invalid("label is required")),
        Some(Value::String(label)) => Ok(label.clone()),
        Some(_) => Err(invalid("label must be a string")),
    }
}

impl ConversationAttribute {
    fn shape(&self) -> Value {
        let mut shape = json!({
            "type": "conversation_attribute",
            "id": self.id,
            "name": self.name,
            "description": "",
            "data_type": self.data_type,
            "required": false,
            "visible_to_team_ids": [],
            "archived": self.archived,
            "created_at": self.created,
            "updated_at": self.updated,
            "admin_id": ADMIN_ID,
        });
        for (key, value) in &self.rest {
            shape[key] = value.clone();
        }
        if self.data_type == "list" {
            let option = |one: &Choice| json!({"id": one.id, "label": one.label, "archived": one.archived});
            shape["options"] = self.options.iter().map(option).collect();
        }
        shape
    }

    /// As data attributes showed it up to 2.15.
    fn old_shape(&self) -> Value {
        let data_type = match self.data_type.as_str() {
            "decimal" => "float",
            "datetime" => "date",
            kind @ ("integer" | "boolean") => kind,
            _ => "string",
        };
        let mut shape = json!({
            "type": "data_attribute",
            "id": self.id,
            "model": "conversation",
            "name": self.name,
            "full_name": format!("custom_attributes.{}", self.name),
            "label": self.name,
            "data_type": data_type,
            "api_writable": true,
            "messenger_writable": false,
            "ui_writable": true,
            "custom": true,
            "archived": self.archived,
            "created_at": self.created,
            "updated_at": self.updated,
            "admin_id": ADMIN_ID,
        });
        if self.data_type == "list" {
            shape["options"] =
                self.options.iter().filter(|one| !one.archived).map(|one| json!(one.label)).collect();
        }
        shape
    }
}

impl Workspace {
    /// Everything under `/conversations/attributes`.
    pub(super) fn conversation_attributes_routed(
        &mut self,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Answer {
        let outcome = match (method, path) {
            ("GET", []) => return self.list_conversation_attributes(call),
            ("POST", []) => self.create_conversation_attribute(&call.body),
            ("GET", [id]) => self.conversation_attribute(id).map(|attribute| attribute.shape()),
            ("PUT", [id]) => self.update_conversation_attribute(id, &call.body),
            ("DELETE", [id]) => self.conversation_attribute(id).map(|attribute| {
                attribute.archived = true;
                attribute.shape()
            }),
            ("POST", [id, "options"]) => self.add_choice(id, &call.body),
            ("PUT", [id, "options", option]) => self.rename_choice(id, option, &call.body),
            ("DELETE", [id, "options", option]) => self.archive_choice(id, option),
            _ => Err(refused(404, "not_found", "The requested resource was not found")),
        };
        match outcome {
            Err(refusal) => refusal,
            Ok(shape) => {
                if method != "GET" {
                    self.effect("conversation_attribute", "write", &shape["id"].to_string(), &json!({}));
                }
                Answer::ok(shape)
            }
        }
    }

    fn list_conversation_attributes(&self, call: &Call) -> Answer {
        let archived = call.parameter("include_archived") == Some("true");
        let known = self.conversation_attributes.iter();
        let data: Vec<Value> = known
            .filter(|attribute| archived || !attribute.archived)
            .map(ConversationAttribute::shape)
            .collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn conversation_attributes_of_old(&self, archived: bool) -> Vec<Value> {
        let known = self.conversation_attributes.iter();
        known
            .filter(|attribute| archived || !attribute.archived)
            .map(ConversationAttribute::old_shape)
            .collect()
    }

    /// Two live attributes share a name: then no conversation takes values any more.
    pub(super) fn conversation_attribute_names_double(&self) -> bool {
        let live: Vec<&str> = self
            .conversation_attributes
            .iter()
            .filter(|attribute| !attribute.archived)
            .map(|attribute| attribute.name.as_str())
            .collect();
        let distinct: std::collections::BTreeSet<&str> = live.iter().copied().collect();
        distinct.len() < live.len()
    }

    /// The attribute of that id, dated as changed now unless it is only read.
    fn conversation_attribute(&mut self, id: &str) -> Result<&mut ConversationAttribute, Answer> {
        let known = self.conversation_attributes.iter_mut();
        known.into_iter().find(|attribute| attribute.id.to_string() == id).ok_or_else(not_found)
    }

    fn create_conversation_attribute(&mut self, body: &Value) -> Result<Value, Answer> {
        let name = body["name"].as_str().filter(|name| !name.trim().is_empty());
        let Some(name) = name else { return Err(invalid("name is required")) };
        let data_type = body["data_type"].as_str().unwrap_or_default();
        if !TYPES.contains(&data_type) {
            return Err(invalid(&format!(
                "data_type '{data_type}' is not valid. Allowed types: {}",
                TYPES.join(", ")
            )));
        }
        let options: Vec<Choice> = body["options"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|option| option["label"].as_str())
            .map(|label| Choice { id: request_id(), label: label.to_owned(), archived: false })
            .collect();
        if data_type == "list" && options.len() < 2 {
            return Err(invalid("A list attribute must have at least 2 active options"));
        }
        let now = self.now() / 1_000;
        let mut attribute = ConversationAttribute {
            id: self.conversation_attributes.len() as u64 + 1,
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            archived: false,
            rest: Map::new(),
            options: if data_type == "list" { options } else { Vec::new() },
            created: now,
            updated: now,
        };
        set_rest(&mut attribute, body);
        let shape = attribute.shape();
        self.conversation_attributes.push(attribute);
        Ok(shape)
    }

    fn update_conversation_attribute(&mut self, id: &str, body: &Value) -> Result<Value, Answer> {
        let now = self.now() / 1_000;
        let attribute = self.conversation_attribute(id)?;
        if let Some(name) = body["name"].as_str().filter(|name| !name.trim().is_empty()) {
            name.clone_into(&mut attribute.name);
        }
        set_rest(attribute, body);
        attribute.updated = now;
        Ok(attribute.shape())
    }

    fn list_attribute(&mut self, id: &str) -> Result<&mut ConversationAttribute, Answer> {
        let attribute = self.conversation_attribute(id)?;
        if attribute.data_type == "list" {
            Ok(attribute)
        } else {
            Err(invalid("Options can only be managed on list attributes"))
        }
    }

    fn add_choice(&mut self, id: &str, body: &Value) -> Result<Value, Answer> {
        let attribute = self.list_attribute(id)?;
        let label = label(body)?;
        attribute.options.push(Choice { id: request_id(), label, archived: false });
        Ok(attribute.shape())
    }

    fn rename_choice(&mut self, id: &str, option: &str, body: &Value) -> Result<Value, Answer> {
        let attribute = self.list_attribute(id)?;
        let choice = choice(attribute, option)?;
        choice.label = label(body)?;
        Ok(attribute.shape())
    }

    fn archive_choice(&mut self, id: &str, option: &str) -> Result<Value, Answer> {
        let attribute = self.list_attribute(id)?;
        let active = attribute.options.iter().filter(|one| !one.archived).count();
        let choice = choice(attribute, option)?;
        if active <= 2 && !choice.archived {
            return Err(invalid("A list attribute must have at least 2 active options"));
        }
        choice.archived = true;
        Ok(attribute.shape())
    }
}

fn choice<'a>(attribute: &'a mut ConversationAttribute, option: &str) -> Result<&'a mut Choice, Answer> {
    attribute
        .options
        .iter_mut()
        .find(|one| one.id == option)
        .ok_or_else(|| refused(404, "conversation_attribute_not_found", "List option not found"))
}

fn set_rest(attribute: &mut ConversationAttribute, body: &Value) {
    for key in CHANGEABLE {
        match body.get(key) {
            Some(Value::Null) | None => {}
            Some(ids) if key == "visible_to_team_ids" => {
                let ids: Vec<String> = ids.as_array().into_iter().flatten().map(plain_id).collect();
                attribute.rest.insert(key.to_owned(), json!(ids));
            }
            Some(value) => {
                attribute.rest.insert(key.to_owned(), value.clone());
            }
        }
    }
}
