//! The table of HubSpot's operations. Builds requests only; the paths and bodies are in `calls`.

use crate::domain::record::ObjectKind;

use super::super::operation::Operation;
use super::super::request::Request;

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &[Operation {
    name: "account.details",
    about: "The portal behind the token",
    parameters: &[],
    build: |_, _| Ok(Request::get(ObjectKind::Contact, "/account-info/v3/details")),
}];
