//! What the user behind a token may write, where the vendor tells it: for the question whether that is more than needed.
//!
//! Reads only. Intercom tells nothing; HubSpot tells the scopes of an OAuth app and not those of a private app.

use serde_json::Value;

use crate::domain::record::{Connection, ObjectKind, System};

use super::error::VendorError;
use super::http::{Clients, Log};
use super::{hubspot, salesforce};

/// One kind of thing that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// As the vendor calls it: `Opportunity`, `crm.objects.deals.write`.
    pub name: String,
    /// Our word for it, where there is one.
    pub object: Option<ObjectKind>,
}

/// What may be written; none where the vendor does not tell.
pub async fn rights(
    clients: &Clients,
    connection: &Connection,
    log: &mut Log,
) -> Result<Option<Vec<Right>>, VendorError> {
    match connection.system {
        System::Intercom => Ok(None),
        System::Hubspot => {
            let request =
                hubspot::calls::account::token_info(clients.settings()).purpose("read the token's scopes");
            // Of a private app's token nothing is told there.
            let Ok(answer) = clients.send(connection, &request, log).await else { return Ok(None) };
            let scopes = answer.get("scopes").and_then(Value::as_array).into_iter().flatten();
            let writes = scopes.filter_map(Value::as_str).filter(|scope| {
                (scope.starts_with("crm.objects.") && scope.rsplit('.').next() == Some("write"))
                    || *scope == "tickets"
            });
            Ok(Some(writes.map(|scope| Right { name: scope.to_owned(), object: object_of(scope) }).collect()))
        }
        System::Salesforce => {
            let request =
                salesforce::calls::describe_all(clients.settings()).purpose("read what may be written");
            let answer = clients.send(connection, &request, log).await?;
            let rows = answer.get("sobjects").and_then(Value::as_array).into_iter().flatten();
            let may = |row: &&Value| {
                ["createable", "updateable"]
                    .iter()
                    .any(|name| row.get(*name).and_then(Value::as_bool) == Some(true))
            };
            let named = rows.filter(may).filter_map(|row| row.get("name")?.as_str());
            Ok(Some(
                named
                    .map(|name| Right { name: name.to_owned(), object: salesforce::kind_named(name) })
                    .collect(),
            ))
        }
    }
}

fn object_of(scope: &str) -> Option<ObjectKind> {
    Some(match scope.strip_prefix("crm.objects.").unwrap_or(scope).split('.').next()? {
        "contacts" => ObjectKind::Contact,
        "companies" => ObjectKind::Company,
        "deals" => ObjectKind::Deal,
        "tickets" => ObjectKind::Ticket,
        _ => return None,
    })
}
