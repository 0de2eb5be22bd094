//! The labels of a portal's own between two object types. Knows no records.

use serde_json::{Value, json};

use super::Portal;
use super::answers::{invalid, missing, refused};
use super::associations::{standing_labels, types_between};
use super::shelf::Kind;
use crate::sandbox::wire::{Answer, Call};

#[derive(Clone)]
struct Label {
    from: Kind,
    to: Kind,
    type_id: u32,
    /// The same label seen from the other end.
    inverse: u32,
    text: String,
    name: String,
}

/// Every label of the portal's own, in both directions.
#[derive(Default)]
pub(super) struct Labels(Vec<Label>);

/// Where the numbers of a portal's own labels begin.
const FIRST: u32 = 1_001;

impl Labels {
    fn find(&self, from: Kind, to: Kind, type_id: u32) -> Option<&Label> {
        self.0.iter().find(|label| label.from == from && label.to == to && label.type_id == type_id)
    }

    pub(super) fn text(&self, from: Kind, to: Kind, type_id: u32) -> Option<&str> {
        self.find(from, to, type_id).map(|label| label.text.as_str())
    }

    pub(super) fn inverse(&self, from: Kind, to: Kind, type_id: u32) -> Option<u32> {
        self.find(from, to, type_id).map(|label| label.inverse)
    }

    /// The type a label of this number leads to.
    pub(super) fn target(&self, from: Kind, type_id: u32) -> Option<Kind> {
        self.0.iter().find(|label| label.from == from && label.type_id == type_id).map(|label| label.to)
    }
}

impl Portal {
    pub(super) fn route_labels(
        &mut self,
        ends: (Kind, Kind),
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        let (from, to) = ends;
        match (method, path) {
            ("GET", []) => {
                let mut results = standing_labels(from, to)?;
                let own = self.labels.0.iter().filter(|label| label.from == from && label.to == to);
                results.extend(own.map(shape));
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", []) => self.create_label(from, to, call),
            ("PUT", []) => {
                let id = call.body["associationTypeId"].as_u64().unwrap_or_default() as u32;
                let inverse = self.labels.inverse(from, to, id).ok_or_else(missing)?;
                let label = call.text("label").ok_or_else(|| invalid("label is required"))?;
                let back = call.text("inverseLabel").unwrap_or(label);
                for known in &mut self.labels.0 {
                    if (known.from, known.to, known.type_id) == (from, to, id) {
                        label.clone_into(&mut known.text);
                    } else if (known.from, known.to, known.type_id) == (to, from, inverse) {
                        back.clone_into(&mut known.text);
                    }
                }
                Ok(Answer::empty(204))
            }
            ("DELETE", [id]) => {
                let id: u32 = id.parse().map_err(|_| missing())?;
                let inverse = self.labels.inverse(from, to, id).ok_or_else(missing)?;
                self.labels.0.retain(|label| {
                    let key = (label.from, label.to, label.type_id);
                    key != (from, to, id) && key != (to, from, inverse)
                });
                Ok(Answer::empty(204))
            }
            _ => Err(super::answers::no_such_path()),
        }
    }

    fn create_label(&mut self, from: Kind, to: Kind, call: &Call) -> Result<Answer, Answer> {
        types_between(from, to).ok_or_else(|| invalid("These object types cannot be associated"))?;
        let (Some(name), Some(text)) = (call.text("name"), call.text("label")) else {
            return Err(invalid("Invalid input JSON: name and label are required"));
        };
        if self.labels.0.iter().any(|label| label.from == from && label.to == to && label.name == name) {
            let message = format!("An association label named '{name}' already exists");
            return Err(refused(409, "OBJECT_ALREADY_EXISTS", &message));
        }
        let first = FIRST + self.labels.0.len() as u32;
        let paired = call.text("inverseLabel");
        // One label for both ends has one number; a pair has two.
        let inverse = if paired.is_some() { first + 1 } else { first };
        let one = |from, to, type_id, inverse, label: &str| Label {
            from,
            to,
            type_id,
            inverse,
            text: label.to_owned(),
            name: name.to_owned(),
        };
        let forth = one(from, to, first, inverse, text);
        let back = one(to, from, inverse, first, paired.unwrap_or(text));
        let results = [shape(&forth), shape(&back)];
        self.labels.0.extend([forth, back]);
        self.effect(from, "label_create", 0, &json!({"name": name, "to": to.singular()}));
        Ok(Answer::ok(json!({"results": results})))
    }
}

fn shape(label: &Label) -> Value {
    json!({
        "category": "USER_DEFINED",
        "typeId": label.type_id,
        "label": label.text,
        "fromObjectTypeId": label.from.type_id(),
        "toObjectTypeId": label.to.type_id(),
    })
}
