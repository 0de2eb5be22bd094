//! Rows as REST shows them. Shapes only, no rules.

use serde_json::{Map, Value, json};

use super::Org;
use super::rows::Row;
use super::schema::object;

impl Org {
    /// A row as JSON with its attributes: the named fields, or all of them.
    pub(in crate::sandbox) fn shape(&self, row: &Row, fields: Option<&[String]>) -> Value {
        let mut shape = Map::new();
        shape.insert(
            "attributes".to_owned(),
            json!({"type": row.object, "url": self.address(row.object, &row.id)}),
        );
        let Some(kind) = object(row.object) else { return Value::Object(shape) };
        match fields {
            None => {
                for field in &kind.fields {
                    shape.insert(field.name.to_owned(), row.value(field.name));
                }
            }
            Some(names) => {
                for field in names.iter().filter_map(|name| kind.field(name)) {
                    shape.insert(field.name.to_owned(), row.value(field.name));
                }
            }
        }
        Value::Object(shape)
    }
}
