//! Where the vendors' documents are wrong about their own APIs: one table, each row with its reason. A test shows of
//! every row that traffic is refused without it; a row that is not needed any more has to go.

use serde_json::{Value, json};

/// A correction of a document.
pub(crate) struct Exception {
    /// The documents it is for, by the beginning of their names.
    documents: &'static str,
    /// JSON pointer to what is corrected.
    pointer: &'static str,
    correction: Correction,
    /// Why we know better.
    pub(crate) reason: &'static str,
}

enum Correction {
    /// These names are not required.
    NotRequired(&'static [&'static str]),
    /// Query parameters that exist, with their types.
    Query(&'static [(&'static str, &'static str)]),
    /// 207 in batches, with the body of a success.
    PartialSuccess,
    /// More than one of the alternatives may fit.
    AnyOf,
    /// Every operation may answer with these statuses and a body of this schema, in JSON.
    Errors(&'static [&'static str], &'static str),
    /// A keyword of the schema is another one, in JSON.
    Is(&'static str, &'static str),
}

const TABLE: &[Exception] = &[
    Exception {
        documents: "intercom-",
        pointer: "/paths/~1contacts/get",
        correction: Correction::Query(&[("per_page", "integer"), ("starting_after", "string")]),
        reason: "the reference pages this list with a cursor; the document forgets the parameters",
    },
    Exception {
        documents: "intercom-",
        pointer: "/paths/~1contacts~1{contact_id}~1companies/get",
        correction: Correction::Query(&[("page", "integer"), ("per_page", "integer")]),
        reason: "the answer is paged by number, and Intercom's own Node client sends these",
    },
    Exception {
        documents: "intercom-",
        pointer: "/paths/~1contacts~1{contact_id}~1notes/post/parameters/1/schema",
        correction: Correction::Is("type", "\"string\""),
        reason: "contacts have hexadecimal ids; the document says integer here only",
    },
    Exception {
        documents: "intercom-",
        pointer: "/paths/~1tags/post/requestBody/content/application~1json/schema",
        correction: Correction::AnyOf,
        reason: "its alternatives overlap: tagging companies is, by these schemas, also creating a tag",
    },
    Exception {
        documents: "intercom-",
        pointer: "/components/schemas/create_conversation_request/properties/from/properties/id",
        correction: Correction::Is("format", "\"id\""),
        reason: "a contact's id has 24 hexadecimal digits, as its own example, and no uuid has",
    },
    Exception {
        documents: "intercom-",
        pointer: "/components/schemas/create_data_event_request/properties/metadata",
        correction: Correction::Is("additionalProperties", "true"),
        reason: "the text of the same operation lists numbers, links and prices beside texts",
    },
    Exception {
        documents: "intercom-",
        pointer: "/components/schemas/contact/properties/email",
        correction: Correction::Is("nullable", "true"),
        reason: "captured payloads show null for every value a contact does not have; here the document forgets it",
    },
    Exception {
        documents: "intercom-",
        pointer: "/components/schemas/contact/properties/email_domain",
        correction: Correction::Is("nullable", "true"),
        reason: "as the e-mail it is cut from",
    },
    Exception {
        documents: "intercom-",
        pointer: "/components/schemas/company_list/properties/pages",
        correction: Correction::Is("$ref", "\"#/components/schemas/pages_link\""),
        reason: "a list paged by number links its next page, as the document itself shows for deleted conversations",
    },
    Exception {
        documents: "intercom-2.14",
        pointer: "/components/schemas/search_request/properties",
        correction: Correction::Is(
            "sort",
            r#"{"type": "object", "properties": {"field": {"type": "string"}, "order": {"type": "string"}}}"#,
        ),
        reason: "only later documents name it, but widely used connectors have sorted so since long before",
    },
    Exception {
        documents: "hubspot-2026-09",
        pointer: "/paths",
        correction: Correction::PartialSuccess,
        reason: "batches answer 207 with errors beside results; the schemas have the keys, the status was forgotten",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/SimplePublicObjectInputForCreate",
        correction: Correction::NotRequired(&["associations"]),
        reason: "an artefact of the generator: records without associations are created every day",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/SimplePublicObjectBatchInputForCreate",
        correction: Correction::NotRequired(&["associations"]),
        reason: "as for one record",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/PublicObjectSearchRequest",
        correction: Correction::NotRequired(&["after", "filterGroups", "limit", "properties", "sorts"]),
        reason: "an artefact of the generator: the search guide leaves each of them out",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/PublicObjectSearchRequest/properties/sorts",
        correction: Correction::Is(
            "items",
            r#"{"type": "object", "required": ["propertyName"], "properties": {"propertyName": {"type": "string"},
                "direction": {"type": "string", "enum": ["ASCENDING", "DESCENDING"]}}}"#,
        ),
        reason: "the search guide sorts by objects, the document by texts",
    },
    Exception {
        documents: "hubspot-v3v4",
        pointer: "/components/schemas/SimplePublicObjectWithAssociations/properties/properties/additionalProperties",
        correction: Correction::Is("nullable", "true"),
        reason: "a property without a value is null; the newer document says so",
    },
    Exception {
        documents: "hubspot-v3v4",
        pointer: "/components/schemas/SimplePublicObject/properties/properties/additionalProperties",
        correction: Correction::Is("nullable", "true"),
        reason: "a property without a value is null; the newer document says so",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/AssociationSpecWithLabel/properties/label",
        correction: Correction::Is("nullable", "true"),
        reason: "the association guide shows null for associations without a label",
    },
    Exception {
        documents: "hubspot-v3v4",
        pointer: "/components/schemas/AssociationSchemaV4_AssociationSpecWithLabel/properties/label",
        correction: Correction::Is("nullable", "true"),
        reason: "the association guide shows null for types without a label",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/paths",
        correction: Correction::Errors(
            &["423", "429", "500", "503"],
            r#"{"type": "object", "required": ["message"], "properties": {"status": {"type": "string"},
                "message": {"type": "string"}, "errorType": {"type": "string"}, "policyName": {"type": "string"},
                "category": {"type": "string"}, "correlationId": {"type": "string"}}}"#,
        ),
        reason: "limits, locks and outages have an envelope of their own, in the guide without a category",
    },
    Exception {
        documents: "hubspot-v3v4",
        pointer: "/components/schemas/OauthV1_Error",
        correction: Correction::NotRequired(&["category"]),
        reason: "the token endpoint names the fault in `status`, as every client that renews tokens expects",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/StandardError",
        correction: Correction::NotRequired(&["context", "errors", "links"]),
        reason: "an artefact of the generator: the error guide calls every one of them optional",
    },
    Exception {
        documents: "hubspot-",
        pointer: "/components/schemas/StandardError/properties/subCategory",
        correction: Correction::Is("type", "\"string\""),
        reason: "a text in every published example, as it is in the error envelope itself",
    },
];

/// The corrections of a document; of every one, when no name is given.
pub(crate) fn of(document: &str) -> impl Iterator<Item = &'static Exception> {
    TABLE.iter().filter(move |exception| document.is_empty() || exception.is_for(document))
}

impl Exception {
    /// Whether it corrects the document of that name.
    pub(crate) fn is_for(&self, document: &str) -> bool {
        document.starts_with(self.documents)
    }

    /// In words.
    pub(crate) fn title(&self) -> String {
        format!("{}: {} ({})", self.documents, self.pointer, self.reason)
    }

    /// Corrects the document. What is not there is left alone: versions of a document differ.
    pub(crate) fn apply(&self, root: &mut Value) {
        let Some(node) = root.pointer_mut(self.pointer) else { return };
        match &self.correction {
            Correction::NotRequired(names) => {
                if let Some(Value::Array(required)) = node.get_mut("required") {
                    required.retain(|name| !names.contains(&name.as_str().unwrap_or_default()));
                }
            }
            Correction::Query(parameters) => {
                let mut list = node["parameters"].as_array().cloned().unwrap_or_default();
                for (name, kind) in *parameters {
                    list.push(json!({"name": name, "in": "query", "schema": {"type": kind}}));
                }
                node["parameters"] = Value::Array(list);
            }
            Correction::PartialSuccess => {
                for responses in every_responses(node, "/batch/") {
                    let whole = ["200", "201"].iter().find_map(|code| responses.get(*code));
                    if let Some(whole) = whole.cloned() {
                        responses["207"] = whole;
                    }
                }
            }
            Correction::AnyOf => {
                let alternatives = node["oneOf"].take();
                *node = json!({"anyOf": alternatives});
            }
            Correction::Errors(statuses, schema) => {
                let schema: Value = serde_json::from_str(schema).expect("a correction is JSON");
                for responses in every_responses(node, "") {
                    for status in *statuses {
                        responses[*status] = json!({"content": {"application/json": {"schema": schema}}});
                    }
                }
            }
            Correction::Is(keyword, text) => {
                node[*keyword] = serde_json::from_str(text).expect("a correction is JSON");
            }
        }
    }
}

/// The responses of every operation whose path holds a text.
fn every_responses<'a>(paths: &'a mut Value, holds: &'a str) -> impl Iterator<Item = &'a mut Value> {
    let paths = paths.as_object_mut().into_iter().flatten();
    let operations = paths
        .filter(move |(template, _)| template.contains(holds))
        .flat_map(|(_, operations)| operations.as_object_mut().into_iter().flatten());
    operations.map(|(_, operation)| &mut operation["responses"])
}
