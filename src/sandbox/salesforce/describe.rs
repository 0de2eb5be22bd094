//! What the org says about its own objects: the global list, one object with its fields, and which options a
//! record type offers. Layouts are not emulated: options by record type come from the UI API.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};

use super::schema::{self, Field, FieldType, ObjectType, RecordType};
use super::{Org, answers};
use crate::sandbox::wire::{Answer, Call};

fn option(value: &str, default: bool) -> Value {
    json!({"active": true, "defaultValue": default, "label": value, "validFor": null, "value": value})
}

fn field(field: &Field) -> Value {
    let (digits, precision, scale) = match field.kind {
        FieldType::Int => (9, 0, 0),
        kind if kind.is_number() => (0, 18, 2),
        _ => (0, 0, 0),
    };
    let soap_type = match field.kind {
        FieldType::Id | FieldType::Reference => "tns:ID",
        FieldType::Boolean => "xsd:boolean",
        FieldType::Int => "xsd:int",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "xsd:double",
        FieldType::Date => "xsd:date",
        FieldType::DateTime => "xsd:dateTime",
        _ => "xsd:string",
    };
    let options: Vec<Value> =
        field.picklist.iter().map(|value| option(value, field.default == Some(value))).collect();
    json!({
        "autoNumber": field.name == "CaseNumber",
        "byteLength": field.length * 3,
        "calculated": false,
        "caseSensitive": false,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": if field.kind == FieldType::Boolean { json!(false) } else { Value::Null },
        "defaultedOnCreate": field.default.is_some() || field.kind == FieldType::Boolean || !field.createable && !field.nillable,
        "deprecatedAndHidden": false,
        "digits": digits,
        "externalId": field.external_id,
        "filterable": field.length < 32_000,
        "groupable": field.length < 32_000 && !field.kind.is_number(),
        "idLookup": field.external_id || field.name == "Id" || field.name == "Email",
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name == "Name" || field.name == "CaseNumber",
        "nillable": field.nillable,
        "permissionable": field.custom,
        "picklistValues": options,
        "polymorphicForeignKey": field.reference_to.len() > 1,
        "precision": precision,
        "referenceTo": field.reference_to,
        "relationshipName": field.relationship,
        "restrictedPicklist": field.restricted,
        "scale": scale,
        "soapType": soap_type,
        "sortable": field.length < 32_000,
        "type": field.kind.word(),
        "unique": field.unique,
        "updateable": field.updateable,
    })
}

impl Org {
    /// What the global list and the full description have in common.
    fn heading(&self, kind: &ObjectType) -> Value {
        let path = format!("/services/data/v{}/sobjects/{}", self.version, kind.name);
        json!({
            "activateable": false,
            "createable": kind.writable,
            "custom": false,
            "customSetting": false,
            "deletable": kind.writable,
            "deprecatedAndHidden": false,
            "feedEnabled": false,
            "keyPrefix": kind.prefix,
            "label": kind.label,
            "labelPlural": kind.plural,
            "layoutable": kind.writable,
            "mergeable": kind.field("MasterRecordId").is_some(),
            "mruEnabled": false,
            "name": kind.name,
            "queryable": true,
            "replicateable": true,
            "retrieveable": true,
            "searchable": kind.writable,
            "triggerable": kind.writable,
            "undeletable": kind.writable,
            "updateable": kind.writable,
            "urls": {
                "describe": format!("{path}/describe"),
                "rowTemplate": format!("{path}/{{ID}}"),
                "sobject": path,
            },
        })
    }

    pub(super) fn describe_global(&self) -> Answer {
        let list: Vec<Value> = schema::all().iter().map(|kind| self.heading(kind)).collect();
        Answer::ok(json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list}))
    }

    pub(super) fn basic_information(&self, kind: &ObjectType) -> Answer {
        Answer::ok(json!({"objectDescribe": self.heading(kind), "recentItems": []}))
    }

    pub(super) fn describe(&self, kind: &ObjectType, call: &Call) -> Answer {
        let changed = Timestamp::from_second(self.schema_changed / 1_000).unwrap_or(Timestamp::UNIX_EPOCH);
        let printed =
            rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&changed).unwrap_or_default();
        let since = call.header("if-modified-since");
        let since = since.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        if since.is_some_and(|since| since >= changed) {
            return Answer::empty(304).with("Last-Modified", printed);
        }
        let mut body = self.heading(kind);
        body["fields"] = kind.fields.iter().map(field).collect();
        body["childRelationships"] = children(kind);
        body["actionOverrides"] = json!([]);
        body["namedLayoutInfos"] = json!([]);
        body["supportedScopes"] = json!([]);
        let types = kind.record_types().iter().map(|record_type| {
            let path = format!(
                "/services/data/v{}/sobjects/{}/describe/layouts/{}",
                self.version, kind.name, record_type.id
            );
            json!({
                "active": true,
                "available": true,
                "defaultRecordTypeMapping": record_type.master(),
                "developerName": record_type.developer_name,
                "master": record_type.master(),
                "name": record_type.name,
                "recordTypeId": record_type.id,
                "urls": {"layout": path},
            })
        });
        body["recordTypeInfos"] = types.collect();
        Answer::ok(body).with("Last-Modified", printed)
    }

    /// The UI API's answer to which options each picklist offers for a record type.
    pub(super) fn picklist_values(&self, object: &str, record_type: &str) -> Result<Answer, Answer> {
        let kind = schema::object(object).ok_or_else(answers::missing)?;
        let wanted = super::ids::long(record_type).ok_or_else(answers::missing)?;
        let known: Option<&RecordType> = kind.record_types().iter().find(|known| known.id == wanted);
        let record_type = known.ok_or_else(answers::missing)?;
        let base = format!(
            "/services/data/v{}/ui-api/object-info/{}/picklist-values/{}",
            self.version, kind.name, record_type.id
        );
        let mut values = serde_json::Map::new();
        for field in kind.fields.iter().filter(|field| !field.picklist.is_empty()) {
            let offered = record_type.options(field);
            let show =
                |value: &&str| json!({"attributes": null, "label": value, "validFor": [], "value": value});
            let default = field.default.filter(|default| offered.contains(default));
            let shape = json!({
                "controllerValues": {},
                "defaultValue": default.as_ref().map(show),
                "eTag": format!("{:032x}", field.name.len()),
                "url": format!("{base}/{}", field.name),
                "values": offered.iter().map(show).collect::<Vec<_>>(),
            });
            values.insert(field.name.to_owned(), shape);
        }
        Ok(Answer::ok(json!({"eTag": format!("{:032x}", values.len()), "picklistFieldValues": values})))
    }
}

/// Which fields of other objects point here.
fn children(kind: &ObjectType) -> Value {
    let pointing = schema::all().iter().flat_map(|child| {
        let fields = child.fields.iter().filter(|field| field.reference_to.contains(&kind.name));
        fields.map(move |field| {
            json!({
                "cascadeDelete": false,
                "childSObject": child.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "relationshipName": if field.custom { Value::Null } else { json!(child.plural.replace(' ', "")) },
                "restrictedDelete": false,
            })
        })
    });
    Value::Array(pointing.collect())
}
