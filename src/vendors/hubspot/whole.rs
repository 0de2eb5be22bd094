//! Records with all their properties and relations: what a merge must not make anybody forget.
//!
//! Reads only. The usual reads ask for the properties a sync needs, so they are not enough here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::calls::objects::{self, Wish};
use super::calls::schema;
use super::wire;
use crate::domain::capsule::PreImage;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind, value_text};
use crate::vendors::error::VendorError;
use crate::vendors::http::{Clients, Log};

/// Kinds of records a contact or company may be related to. HubSpot's own; those of the account's making are left out,
/// since each would be a scope more that the token may not have.
const RELATED: &str = "contacts,companies,deals,tickets,notes,tasks,calls,emails,meetings";

/// The records of one kind as they are now, in no certain order; those that are gone are missing.
pub(crate) async fn whole(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    ids: &[String],
    log: &mut Log,
) -> Result<Vec<PreImage>, VendorError> {
    let settings = clients.settings();
    let request = schema::properties(settings, object, false)?.purpose("list all properties");
    let listed = clients.send(connection, &request, log).await?;
    let rows = |answer: &Value| answer.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let names: Vec<String> = rows(&listed)
        .iter()
        .filter_map(|property| Some(property.get("name")?.as_str()?.to_owned()))
        .collect();
    let wish = Wish { properties: names.join(","), ..Wish::default() };
    let request = objects::batch_read(settings, object, ids, None, &wish)?
        .purpose(format!("read each {object} with all properties"));
    let read = clients.send(connection, &request, log).await?;
    let mut images = Vec::new();
    for row in rows(&read) {
        let mirror = wire::mirror(connection, object, &row)?;
        images.push(with_relations(clients, mirror, log).await?);
    }
    Ok(images)
}

async fn with_relations(clients: &Clients, mirror: Mirror, log: &mut Log) -> Result<PreImage, VendorError> {
    let (connection, object) = (mirror.record.connection.clone(), mirror.record.object);
    let mut incomplete = None;
    for kinds in [RELATED, "companies"] {
        let wish = Wish { associations: kinds.to_owned(), ..Wish::default() };
        let request = objects::get(clients.settings(), object, &mirror.record.id, None, &wish)?
            .purpose(format!("read what the {object} is related to"));
        match clients.send(&connection, &request, log).await {
            Ok(answer) => {
                let associations = relations(&answer);
                let companies = associations.get("companies").cloned().unwrap_or_default();
                let mirror = Mirror { companies, ..mirror };
                return Ok(PreImage { mirror, associations, incomplete });
            }
            // A token that may not see deals still may merge contacts; what is missing is said.
            Err(error) if error.class == ErrorClass::Permission && kinds == RELATED => {
                incomplete = Some(format!("Only companies could be listed: {}", error.words));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(PreImage { mirror, associations: BTreeMap::new(), incomplete })
}

fn relations(answer: &Value) -> BTreeMap<String, Vec<String>> {
    let mut relations = BTreeMap::new();
    for (kind, list) in answer.get("associations").and_then(Value::as_object).into_iter().flatten() {
        let mut ids: Vec<String> = list
            .get("results")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|row| row.get("id"))
            .map(value_text)
            .collect();
        // One row for each label of the same relation.
        ids.dedup();
        relations.insert(kind.clone(), ids);
    }
    relations
}
