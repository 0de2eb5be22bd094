//! HubSpot's property groups: the headings properties stand under. Knows nothing of values.

use serde_json::{Value, json};

use super::Portal;
use super::answers::{invalid, missing, refused};
use super::shelf::Kind;
use crate::sandbox::wire::{Answer, Call};

struct Group {
    kind: Kind,
    name: String,
    label: String,
    order: i64,
    archived: bool,
}

/// All groups of the portal.
pub(super) struct Groups(Vec<Group>);

impl Groups {
    /// One for every type, which every standing property is in.
    pub(super) fn new() -> Self {
        let standing = |kind: &Kind| Group {
            kind: *kind,
            name: format!("{}information", kind.singular()),
            label: format!("{} information", kind.singular()),
            order: 0,
            archived: false,
        };
        Self(Kind::ALL.iter().map(standing).collect())
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Group> {
        self.0.iter().filter(move |group| group.kind == kind && !group.archived)
    }

    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.of(kind).any(|group| group.name == name)
    }

    fn find(&mut self, kind: Kind, name: &str) -> Result<&mut Group, Answer> {
        let mut live = self.0.iter_mut().filter(|group| group.kind == kind && !group.archived);
        live.find(|group| group.name == name).ok_or_else(missing)
    }
}

fn shape(group: &Group) -> Value {
    json!({"archived": group.archived, "displayOrder": group.order, "label": group.label, "name": group.name})
}

impl Portal {
    pub(super) fn route_groups(
        &mut self,
        kind: Kind,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        match (method, path) {
            ("GET", []) => {
                let results: Vec<Value> = self.groups.of(kind).map(shape).collect();
                Ok(Answer::ok(json!({"results": results})))
            }
            ("POST", []) => {
                let (Some(name), Some(label)) = (call.text("name"), call.text("label")) else {
                    return Err(invalid("Invalid input JSON: name and label are required"));
                };
                if self.groups.has(kind, name) {
                    let message = format!("A property group named '{name}' already exists.");
                    return Err(refused(409, "OBJECT_ALREADY_EXISTS", &message));
                }
                let order = call.body["displayOrder"].as_i64().unwrap_or(-1);
                let group =
                    Group { kind, name: name.to_owned(), label: label.to_owned(), order, archived: false };
                let answer = Answer::json(201, shape(&group));
                self.groups.0.push(group);
                self.effect(kind, "group_create", 0, &json!({"name": name}));
                Ok(answer)
            }
            ("GET", [name]) => Ok(Answer::ok(shape(self.groups.find(kind, name)?))),
            ("PATCH", [name]) => {
                let group = self.groups.find(kind, name)?;
                if let Some(label) = call.text("label") {
                    label.clone_into(&mut group.label);
                }
                if let Some(order) = call.body["displayOrder"].as_i64() {
                    group.order = order;
                }
                Ok(Answer::ok(shape(group)))
            }
            ("DELETE", [name]) => {
                self.groups.find(kind, name)?.archived = true;
                self.effect(kind, "group_archive", 0, &json!({"name": name}));
                Ok(Answer::empty(204))
            }
            _ => Err(super::answers::no_such_path()),
        }
    }
}
