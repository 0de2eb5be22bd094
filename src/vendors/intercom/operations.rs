//! The table of Intercom's operations. Builds requests only; the paths and bodies are in `calls`.

use crate::domain::record::ObjectKind;

use super::super::operation::Operation;
use super::super::request::Request;

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &[Operation {
    name: "me.get",
    about: "The admin and workspace behind the token",
    parameters: &[],
    build: |_, _| Ok(Request::get(ObjectKind::Contact, "/me")),
}];
