//! Several fields together, of one file or of all: that nothing has two writers and that nothing goes round in circles.
//!
//! Mappings of different CRMs never meet: an installation has one.

use std::collections::HashMap;

use crate::domain::record::{ObjectKind, System};
use crate::mapping::file::{FieldMapping, Mapping, MappingError, Side};

/// A field of a vendor's object.
type Node = (Side, ObjectKind, String);

/// Notes what the mappings do to each other; of one that stands alone, what its fields do to each other.
pub(in crate::mapping) fn together(mappings: &[&Mapping]) -> Vec<MappingError> {
    let mut found = Vec::new();
    for system in [System::Hubspot, System::Salesforce] {
        let of_system: Vec<&Mapping> = mappings
            .iter()
            .copied()
            .filter(|mapping| mapping.system.is_none_or(|own| own == system))
            .collect();
        for error in writers(&of_system, system).into_iter().chain(circles(&of_system, system)) {
            if !found.contains(&error) {
                found.push(error);
            }
        }
    }
    found
}

fn node(mapping: &Mapping, side: Side, name: &str, system: System) -> Node {
    match side {
        Side::Intercom => (side, mapping.intercom, name.to_owned()),
        // Salesforce's names do not mind case.
        Side::Crm if system == System::Salesforce => (side, mapping.crm, name.to_ascii_lowercase()),
        Side::Crm => (side, mapping.crm, name.to_owned()),
    }
}

fn fields<'a>(mappings: &[&'a Mapping]) -> impl Iterator<Item = (&'a Mapping, &'a FieldMapping)> {
    mappings.iter().copied().flat_map(|mapping| mapping.fields.iter().map(move |field| (mapping, field)))
}

/// How another field is called in a message: with its file where that is another one.
fn called(mapping: &Mapping, other: &Mapping, field: &FieldMapping) -> String {
    if mapping.file == other.file {
        format!("\"{}\"", field.name)
    } else {
        format!("\"{}\" ({}, line {})", field.name, other.file, field.line)
    }
}

fn writers(mappings: &[&Mapping], system: System) -> Vec<MappingError> {
    let mut found = Vec::new();
    let mut known: HashMap<Node, Vec<(&Mapping, &FieldMapping)>> = HashMap::new();
    for (mapping, field) in fields(mappings) {
        for side in [Side::Crm, Side::Intercom] {
            for name in field.written(side) {
                let writers = known.entry(node(mapping, side, name, system)).or_default();
                // One for users and one for leads never meet in one contact, nor does a person stand in the CRM as a
                // lead and as a contact: who was converted has left the lead's mapping.
                let apart = |other: &Mapping, earlier: &FieldMapping| {
                    let roles = [&field.role, &earlier.role];
                    let people = [ObjectKind::Lead, ObjectKind::Contact];
                    (roles.iter().all(|role| !role.is_empty()) && roles[0] != roles[1])
                        || (side == Side::Intercom
                            && mapping.crm != other.crm
                            && people.contains(&mapping.crm)
                            && people.contains(&other.crm))
                };
                if let Some((other, earlier)) = writers.iter().find(|(other, earlier)| !apart(other, earlier))
                {
                    found.push(MappingError {
                        file: mapping.file.clone(),
                        line: field.line,
                        why: format!(
                            "{} and \"{}\" both write {}'s {name}: one field, one writer",
                            called(mapping, other, earlier),
                            field.name,
                            side.title()
                        ),
                        fix: "take one of them out, or set its direction to \"off\"".into(),
                    });
                }
                writers.push((mapping, field));
            }
        }
    }
    found
}

/// A value that comes back to where it began by way of another field has two writers that answer each other.
fn circles(mappings: &[&Mapping], system: System) -> Vec<MappingError> {
    struct Edge<'a> {
        place: usize,
        from: Node,
        to: Node,
        field: &'a FieldMapping,
        mapping: &'a Mapping,
    }
    let mut edges: Vec<Edge<'_>> = Vec::new();
    let mut found = Vec::new();
    for (place, (mapping, field)) in fields(mappings).enumerate() {
        let before = edges.len();
        for right in &field.crm {
            for left in field.intercom_fields() {
                let left = node(mapping, Side::Intercom, left, system);
                let right = node(mapping, Side::Crm, right, system);
                if field.direction.writes(Side::Crm) {
                    edges.push(Edge { place, from: left.clone(), to: right.clone(), field, mapping });
                }
                if field.direction.writes(Side::Intercom) {
                    edges.push(Edge { place, from: right, to: left, field, mapping });
                }
            }
        }
        // Only what this field closes: each circle is told once, at the last of its fields.
        let closing = edges[before..].iter().find_map(|edge| {
            let mut reached = vec![&edge.to];
            let mut at = 0;
            while let Some(here) = reached.get(at).copied() {
                for next in edges[..before].iter().filter(|next| next.from == *here && next.place != place) {
                    if next.to == edge.from {
                        return Some(next);
                    }
                    if !reached.contains(&&next.to) {
                        reached.push(&next.to);
                    }
                }
                at += 1;
            }
            None
        });
        if let Some(other) = closing {
            found.push(MappingError {
                file: mapping.file.clone(),
                line: field.line,
                why: format!(
                    "{} and \"{}\" carry a value there and back again: two writers without a rule",
                    called(mapping, other.mapping, other.field),
                    field.name
                ),
                fix: "make them one field with direction = \"both\" and owner = \"newest\" or \"review\""
                    .into(),
            });
        }
    }
    found
}
