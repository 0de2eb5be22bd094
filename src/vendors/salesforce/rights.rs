//! What the user behind the token may do in an org, and whether it is one to try things in. Reads only.

use serde_json::Value;

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, value_text};

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::soql::Query;
use super::{calls, rows};

/// What may be done with the records of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writable {
    /// The object's API name.
    pub name: String,
    /// Records may be made.
    pub create: bool,
    /// Records may be changed.
    pub update: bool,
    /// Records may be deleted.
    pub delete: bool,
}

impl Writable {
    /// In words: `create, change, delete`.
    pub fn words(&self) -> String {
        let rights = [(self.create, "create"), (self.update, "change"), (self.delete, "delete")];
        rights.iter().filter(|(may, _)| *may).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    }
}

/// Rights of the user beyond single objects; none of what the org does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// May use the API.
    pub api: Option<bool>,
    /// May change all records of all kinds.
    pub modify_all: Option<bool>,
    /// May change how the org is built.
    pub customize: Option<bool>,
}

/// The objects whose records the user may write.
pub async fn writable(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Vec<Writable>, VendorError> {
    let answer = clients.send(connection, &calls::describe_all(clients.settings()), log).await?;
    let rows = answer.get("sobjects").and_then(Value::as_array).cloned().unwrap_or_default();
    let flag = |row: &Value, name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(rows
        .iter()
        .map(|row| Writable {
            name: row.get("name").map(value_text).unwrap_or_default(),
            create: flag(row, "createable"),
            update: flag(row, "updateable"),
            delete: flag(row, "deletable"),
        })
        .filter(|object| object.create || object.update || object.delete)
        .collect())
}

/// The user's rights beyond single objects.
pub async fn rights(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Rights, VendorError> {
    const NAMES: [&str; 3] =
        ["PermissionsApiEnabled", "PermissionsModifyAllData", "PermissionsCustomizeApplication"];
    let query = Query::of("UserPermissionAccess", &NAMES);
    let purpose = "rights of the user";
    match rows(clients, connection, ObjectKind::Contact, &query, false, purpose, log).await {
        Ok(rows) => {
            let first = rows.first().cloned().unwrap_or(Value::Null);
            let may = |name: &str| first.get(name).and_then(Value::as_bool);
            Ok(Rights { api: may(NAMES[0]), modify_all: may(NAMES[1]), customize: may(NAMES[2]) })
        }
        // Not every edition lets a user ask that.
        Err(error)
            if error.status.is_some()
                && !matches!(
                    error.class,
                    ErrorClass::Auth | ErrorClass::Unavailable | ErrorClass::RateLimited
                ) =>
        {
            Ok(Rights::default())
        }
        Err(error) => Err(error),
    }
}

/// Whether the org is a sandbox, and what it is called.
pub async fn is_sandbox(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<(bool, String), VendorError> {
    let query = Query::of("Organization", &["Id", "Name", "IsSandbox"]).at_most(1);
    let found = rows(clients, connection, ObjectKind::Contact, &query, false, "which org it is", log).await?;
    let row = found.first().cloned().unwrap_or(Value::Null);
    let name = row.get("Name").map(value_text).unwrap_or_default();
    Ok((row.get("IsSandbox").and_then(Value::as_bool).unwrap_or(false), name))
}
