//! The rules a write meets: known fields, types, lengths, picklists, references, uniqueness, locks. It reads
//! rows and changes none.

use serde_json::{Map, Value};

use super::Org;
use super::schema::ObjectType;
use super::verbs::RowError;
use crate::sandbox::desk::Who;

impl Org {
    /// The fields of a write under their exact names and in the org's own forms; null means cleared.
    pub(super) fn validated(
        &self,
        _kind: &ObjectType,
        _id: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, RowError> {
        Ok(fields.clone())
    }

    pub(super) fn check_unique(
        &self,
        _kind: &ObjectType,
        _id: Option<&str>,
        _values: &Map<String, Value>,
    ) -> Result<(), RowError> {
        Ok(())
    }

    pub(super) fn check_lock(
        &self,
        _object: &str,
        _id: &str,
        _fields: &Map<String, Value>,
    ) -> Result<(), RowError> {
        Ok(())
    }

    pub(super) fn add_defaults(&mut self, _kind: &ObjectType, _values: &mut Map<String, Value>, _who: Who) {}
}
