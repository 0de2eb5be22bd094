//! HubSpot's property definitions: the ones every portal has, this portal's own, and the endpoints that list,
//! create, change and archive them.

use serde_json::{Value, json};

use super::answers::{invalid, no_such_path, refused, unknown_kind};
use super::shelf::Kind;
use super::{Portal, directory};
use crate::sandbox::desk::{iso, request_id};
use crate::sandbox::wire::{Answer, Call};

/// One property of one object type.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "four independent flags of the vendor's own definition")]
pub(in crate::sandbox) struct Property {
    pub(in crate::sandbox) name: String,
    pub(super) label: String,
    /// `string`, `enumeration`, `number`, `datetime`, `date`, `bool`, `phone_number`.
    pub(super) data_type: String,
    pub(super) field_type: String,
    group: String,
    pub(super) options: Vec<(String, String)>,
    pub(super) read_only: bool,
    pub(super) unique: bool,
    custom: bool,
    pub(super) archived: bool,
    changed: i64,
}

/// name, type (`!` in front: read-only, `*`: unique, `+`: custom), comma-separated options.
type Row = (&'static str, &'static str, &'static str);

const CONTACTS: &[Row] = &[
    ("email", "*string", ""),
    ("firstname", "string", ""),
    ("lastname", "string", ""),
    ("phone", "string", ""),
    ("mobilephone", "string", ""),
    ("company", "string", ""),
    ("jobtitle", "string", ""),
    ("city", "string", ""),
    ("state", "string", ""),
    ("zip", "string", ""),
    ("address", "string", ""),
    ("country", "string", ""),
    ("website", "string", ""),
    ("industry", "string", ""),
    ("numemployees", "number", ""),
    ("annualrevenue", "string", ""),
    ("salutation", "string", ""),
    ("message", "string", ""),
    ("hs_language", "enumeration", "en,de,fr,es,pt,it,nl,pl,sv,ja"),
    (
        "lifecyclestage",
        "enumeration",
        "subscriber,lead,marketingqualifiedlead,salesqualifiedlead,opportunity,customer,evangelist,other",
    ),
    // This portal's admin has removed UNQUALIFIED, which the vendor ships.
    (
        "hs_lead_status",
        "enumeration",
        "NEW,OPEN,IN_PROGRESS,OPEN_DEAL,ATTEMPTED_TO_CONTACT,CONNECTED,BAD_TIMING",
    ),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_additional_emails", "string", ""),
    ("hs_email_optout", "bool", ""),
    ("createdate", "!datetime", ""),
    ("lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
    ("hs_merged_object_ids", "!string", ""),
    ("hs_calculated_merged_vids", "!string", ""),
    ("associatedcompanyid", "!number", ""),
    ("num_associated_deals", "!number", ""),
    ("intercom_contact_id", "+*string", ""),
    ("intercom_signed_up_at", "+datetime", ""),
    ("intercom_source", "+string", ""),
];

const COMPANIES: &[Row] = &[
    ("name", "string", ""),
    ("domain", "string", ""),
    ("website", "string", ""),
    ("phone", "string", ""),
    ("city", "string", ""),
    ("state", "string", ""),
    ("zip", "string", ""),
    ("address", "string", ""),
    ("country", "string", ""),
    ("industry", "string", ""),
    ("description", "string", ""),
    ("numberofemployees", "number", ""),
    ("annualrevenue", "number", ""),
    (
        "lifecyclestage",
        "enumeration",
        "subscriber,lead,marketingqualifiedlead,salesqualifiedlead,opportunity,customer,evangelist,other",
    ),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_parent_company_id", "number", ""),
    ("hs_additional_domains", "string", ""),
    ("createdate", "!datetime", ""),
    ("hs_lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
    ("hs_merged_object_ids", "!string", ""),
    ("intercom_company_id", "+*string", ""),
];

const DEALS: &[Row] = &[
    ("dealname", "string", ""),
    ("amount", "number", ""),
    ("closedate", "datetime", ""),
    ("pipeline", "enumeration", "default"),
    ("dealstage", "enumeration", "@deals"),
    ("dealtype", "enumeration", "newbusiness,existingbusiness"),
    ("description", "string", ""),
    ("hs_is_closed", "!bool", ""),
    ("hs_is_closed_won", "!bool", ""),
    ("hs_deal_stage_probability", "number", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("createdate", "!datetime", ""),
    ("hs_lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
    ("hs_merged_object_ids", "!string", ""),
    ("intercom_conversation_id", "+*string", ""),
];

const TICKETS: &[Row] = &[
    ("subject", "string", ""),
    ("content", "string", ""),
    ("hs_pipeline", "enumeration", "0"),
    ("hs_pipeline_stage", "enumeration", "@tickets"),
    ("hs_ticket_priority", "enumeration", "LOW,MEDIUM,HIGH,URGENT"),
    ("hs_ticket_category", "enumeration", "PRODUCT_ISSUE,BILLING_ISSUE,FEATURE_REQUEST,GENERAL_INQUIRY"),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("createdate", "!datetime", ""),
    ("hs_lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
    ("hs_merged_object_ids", "!string", ""),
    ("intercom_conversation_id", "+*string", ""),
];

const TASKS: &[Row] = &[
    ("hs_task_subject", "string", ""),
    ("hs_task_body", "string", ""),
    ("hs_task_status", "enumeration", "NOT_STARTED,IN_PROGRESS,WAITING,COMPLETED,DEFERRED"),
    ("hs_task_priority", "enumeration", "NONE,LOW,MEDIUM,HIGH"),
    ("hs_task_type", "enumeration", "TODO,CALL,EMAIL"),
    ("hs_timestamp", "datetime", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_createdate", "!datetime", ""),
    ("hs_lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
];

const NOTES: &[Row] = &[
    ("hs_note_body", "string", ""),
    ("hs_timestamp", "datetime", ""),
    ("hs_attachment_ids", "string", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_createdate", "!datetime", ""),
    ("hs_lastmodifieddate", "!datetime", ""),
    ("hs_object_id", "!number", ""),
];

const TYPES: [&str; 7] = ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELD_TYPES: [&str; 12] = [
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];
/// Properties of a portal's own with unique values, for one object type.
const MOST_UNIQUE: usize = 10;

/// When the portal's standing properties were made.
const MADE: i64 = 1_704_103_200_000;

fn option_pairs(options: &str) -> Vec<(String, String)> {
    match options {
        "@owners" => directory::owner_options(),
        "@deals" => directory::stage_options("deals"),
        "@tickets" => directory::stage_options("tickets"),
        _ => options
            .split(',')
            .filter(|option| !option.is_empty())
            .map(|option| (option.to_owned(), option.to_owned()))
            .collect(),
    }
}

/// The properties a portal starts with, seeded or not.
pub(super) fn standing(kind: Kind) -> Vec<Property> {
    let rows = match kind {
        Kind::Contacts => CONTACTS,
        Kind::Companies => COMPANIES,
        Kind::Deals => DEALS,
        Kind::Tickets => TICKETS,
        Kind::Tasks => TASKS,
        Kind::Notes => NOTES,
    };
    rows.iter()
        .map(|(name, flags, options)| {
            let data_type = flags.trim_start_matches(['!', '*', '+']);
            let field_type = match data_type {
                "enumeration" => "select",
                "datetime" | "date" => "date",
                "number" => "number",
                "bool" => "booleancheckbox",
                _ => "text",
            };
            Property {
                name: (*name).to_owned(),
                label: (*name).to_owned(),
                data_type: data_type.to_owned(),
                field_type: field_type.to_owned(),
                group: format!("{}information", kind.singular()),
                options: option_pairs(options),
                read_only: flags.contains('!'),
                unique: flags.contains('*'),
                custom: flags.contains('+'),
                archived: false,
                changed: MADE,
            }
        })
        .collect()
}

fn shape(property: &Property) -> Value {
    let options: Vec<Value> = property
        .options
        .iter()
        .enumerate()
        .map(|(index, (value, label))| json!({"label": label, "value": value, "displayOrder": index, "hidden": false}))
        .collect();
    json!({
        "updatedAt": iso(property.changed),
        "createdAt": iso(MADE),
        "name": property.name,
        "label": property.label,
        "type": property.data_type,
        "fieldType": property.field_type,
        "description": "",
        "groupName": property.group,
        "options": options,
        "displayOrder": -1,
        "calculated": false,
        "externalOptions": false,
        "archived": property.archived,
        "hasUniqueValue": property.unique,
        "hidden": false,
        "hubspotDefined": !property.custom,
        "modificationMetadata": {
            "archivable": property.custom,
            "readOnlyDefinition": !property.custom,
            "readOnlyValue": property.read_only,
        },
        "formField": false,
        "dataSensitivity": "non_sensitive",
    })
}

fn given_options(body: &Value) -> Vec<(String, String)> {
    body["options"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|option| {
            let value = option.get("value")?.as_str()?;
            let label = option.get("label").and_then(Value::as_str).unwrap_or(value);
            Some((value.to_owned(), label.to_owned()))
        })
        .collect()
}

fn no_property(name: &str) -> Answer {
    refused(404, "OBJECT_NOT_FOUND", &format!("Property {name} does not exist"))
}

impl Portal {
    pub(super) fn route_properties(
        &mut self,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        let Some((name, rest)) = path.split_first() else { return Err(no_such_path()) };
        let kind = Kind::read(name).ok_or_else(|| unknown_kind(name))?;
        match (method, rest) {
            (_, ["groups", rest @ ..]) => self.route_groups(kind, method, rest, call),
            ("POST", ["batch", verb]) => self.property_batch(kind, verb, call),
            ("GET", []) => Ok(self.list_properties(kind, call)),
            ("POST", []) => Ok(Answer::json(201, self.create_property(kind, &call.body)?)),
            ("GET", [name]) => {
                let archived = call.parameter("archived") == Some("true");
                let property =
                    self.shelf(kind).property(name).filter(|property| property.archived == archived);
                property.map(|property| Answer::ok(shape(property))).ok_or_else(|| no_property(name))
            }
            ("PATCH", [name]) => self.change_property(kind, name, &call.body),
            ("DELETE", [name]) => self.archive_property(kind, name),
            _ => Err(no_such_path()),
        }
    }

    /// Up to a hundred definitions at once; each may fail alone.
    fn property_batch(&mut self, kind: Kind, verb: &str, call: &Call) -> Result<Answer, Answer> {
        let inputs = call.body["inputs"].as_array().map_or(&[][..], Vec::as_slice);
        if inputs.is_empty() || inputs.len() > 100 {
            return Err(invalid("A batch holds between 1 and 100 inputs"));
        }
        let name = |input: &Value| input["name"].as_str().unwrap_or_default().to_owned();
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let made = match verb {
                "create" => self.create_property(kind, input),
                "read" => {
                    let archived = call.body["archived"] == true;
                    let found = self.shelf(kind).property(&name(input));
                    let found = found.filter(|property| property.archived == archived);
                    found.map(shape).ok_or_else(|| no_property(&name(input)))
                }
                "archive" => {
                    // What is not there is archived already.
                    let _ = self.archive_property(kind, &name(input));
                    continue;
                }
                _ => return Err(no_such_path()),
            };
            match made {
                Ok(shape) => results.push(shape),
                Err(refusal) => {
                    let mut error = super::batch::row_error(refusal, input);
                    error["context"] = json!({"name": [name(input)]});
                    errors.push(error);
                }
            }
        }
        if verb == "archive" {
            return Ok(Answer::empty(204));
        }
        // The dated family says 200 here, too.
        let dated = call.path.contains("/2026-");
        let status = if verb == "create" && !dated { 201 } else { 200 };
        Ok(super::answers::batch(status, self.now(), &results, &errors))
    }

    fn list_properties(&self, kind: Kind, call: &Call) -> Answer {
        let archived = call.parameter("archived") == Some("true");
        let properties = self.shelf(kind).properties.iter();
        let results: Vec<Value> =
            properties.filter(|property| property.archived == archived).map(shape).collect();
        Answer::ok(json!({"results": results}))
    }

    pub(in crate::sandbox) fn create_property(&mut self, kind: Kind, body: &Value) -> Result<Value, Answer> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let (Some(name), Some(label), Some(data_type), Some(field_type), Some(group)) =
            (text("name"), text("label"), text("type"), text("fieldType"), text("groupName"))
        else {
            return Err(invalid(
                "Invalid input JSON: name, label, type, fieldType and groupName are required",
            ));
        };
        let unique = body["hasUniqueValue"].as_bool().unwrap_or(false);
        self.check_definition(kind, (name, data_type, field_type, group), unique)?;
        let changed = self.now();
        if let Some(known) = self.shelf_mut(kind).property_mut(name) {
            if !known.archived {
                return Err(Answer::json(
                    409,
                    json!({
                        "status": "error",
                        "message": format!("A property named '{name}' already exists."),
                        "correlationId": request_id(),
                        "category": "OBJECT_ALREADY_EXISTS",
                        "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
                    }),
                ));
            }
            known.archived = false;
            known.changed = changed;
            return Ok(shape(known));
        }
        let property = Property {
            name: name.to_owned(),
            label: label.to_owned(),
            data_type: data_type.to_owned(),
            field_type: field_type.to_owned(),
            group: group.to_owned(),
            options: given_options(body),
            read_only: false,
            unique,
            custom: true,
            archived: false,
            changed,
        };
        let answer = shape(&property);
        self.effect(kind, "property_create", 0, &json!({"name": name}));
        self.shelf_mut(kind).add_property(property);
        Ok(answer)
    }

    fn check_definition(
        &self,
        kind: Kind,
        (name, data_type, field_type, group): (&str, &str, &str, &str),
        unique: bool,
    ) -> Result<(), Answer> {
        let plain = name.starts_with(|letter: char| letter.is_ascii_lowercase())
            && name.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_'));
        if !plain {
            return Err(invalid(&format!(
                "Property name {name} may only contain lowercase letters, numbers and underscores, and must start with a letter"
            )));
        }
        if !TYPES.contains(&data_type) {
            return Err(invalid(&format!("{data_type} is not a valid type: [{}]", TYPES.join(", "))));
        }
        if !FIELD_TYPES.contains(&field_type) {
            return Err(invalid(&format!(
                "{field_type} is not a valid fieldType: [{}]",
                FIELD_TYPES.join(", ")
            )));
        }
        if !self.groups.has(kind, group) {
            return Err(invalid(&format!("Property group {group} does not exist")));
        }
        let taken = self.shelf(kind).properties.iter().filter(|known| known.unique && known.custom);
        if unique && taken.count() >= MOST_UNIQUE {
            return Err(invalid("At most 10 properties of an object type can have unique values"));
        }
        Ok(())
    }

    fn change_property(&mut self, kind: Kind, name: &str, body: &Value) -> Result<Answer, Answer> {
        let changed = self.now();
        let property = self.shelf_mut(kind).property_mut(name).filter(|property| !property.archived);
        let property = property.ok_or_else(|| no_property(name))?;
        if let Some(label) = body.get("label").and_then(Value::as_str) {
            label.clone_into(&mut property.label);
        }
        // Options may be added to standard properties too; only their own definition is fixed.
        if body.get("options").is_some() {
            property.options = given_options(body);
        }
        property.changed = changed;
        let answer = Answer::ok(shape(property));
        self.effect(kind, "property_update", 0, &json!({"name": name}));
        Ok(answer)
    }

    fn archive_property(&mut self, kind: Kind, name: &str) -> Result<Answer, Answer> {
        let changed = self.now();
        let property = self.shelf_mut(kind).property_mut(name).filter(|property| !property.archived);
        let property = property.ok_or_else(|| no_property(name))?;
        if !property.custom {
            return Err(refused(
                400,
                "VALIDATION_ERROR",
                &format!("Property {name} is read only and cannot be deleted"),
            ));
        }
        property.archived = true;
        property.changed = changed;
        self.effect(kind, "property_archive", 0, &json!({"name": name}));
        Ok(Answer::empty(204))
    }

    /// The portal's own deal stages, by id and label.
    pub(super) fn own_deal_stages(&self) -> Vec<(String, String)> {
        let options = self.shelf(Kind::Deals).property("dealstage").map(|stage| stage.options.as_slice());
        let own = options.unwrap_or_default().iter().filter(|(id, _)| !directory::is_standing_stage(id));
        own.cloned().collect()
    }

    /// One more option of a property; for deal stages that is a stage before the vendor's own.
    pub(in crate::sandbox) fn add_option(&mut self, kind: Kind, name: &str, value: &str, label: &str) {
        if let Some(property) = self.shelf_mut(kind).property_mut(name) {
            property.options.push((value.to_owned(), label.to_owned()));
        }
    }

    /// The option list of a property, for scripted admins who add or remove options.
    pub(in crate::sandbox) fn set_options(&mut self, kind: Kind, name: &str, options: &[&str]) {
        if let Some(property) = self.shelf_mut(kind).property_mut(name) {
            property.options =
                options.iter().map(|option| ((*option).to_owned(), (*option).to_owned())).collect();
        }
    }
}
