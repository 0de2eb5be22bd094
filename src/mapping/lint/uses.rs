//! Which fields of the vendors a mapping uses, for whoever asks what a change at a vendor hits.

use super::{written_at_birth, written_values};
use crate::domain::drift::{CreateUse, FieldUse, UserKind, Uses};
use crate::domain::record::{ObjectKind, System, value_text};
use crate::mapping::file::{Mapping, Side};

/// Everything a mapping uses, with this CRM.
pub fn uses(mapping: &Mapping, crm: System) -> Uses {
    let mut uses = Uses::default();
    let mut add = |line, place: &str, system, object: ObjectKind, field: &str, writes, values, identity| {
        uses.fields.push(FieldUse {
            kind: UserKind::Mapping,
            user: mapping.name.clone(),
            file: mapping.file.clone(),
            line,
            place: place.to_owned(),
            system,
            object,
            field: field.to_owned(),
            reads: true,
            writes,
            values,
            identity,
        });
    };
    for field in &mapping.fields {
        let (to_crm, to_intercom) =
            (field.direction.writes(Side::Crm), field.direction.writes(Side::Intercom));
        if !to_crm && !to_intercom {
            continue;
        }
        let pairs = written_values(&field.transform);
        let keys = || pairs.iter().filter_map(|(key, _)| key.clone()).collect::<Vec<_>>();
        let written = field.written(Side::Intercom);
        for name in field.intercom_fields() {
            // What Intercom does not offer any more is simply not written in the other direction.
            let values = if to_intercom { keys() } else { Vec::new() };
            let writes = written.contains(&name);
            add(field.line, &field.name, System::Intercom, mapping.intercom, name, writes, values, false);
        }
        for name in &field.crm {
            let values: Vec<String> = if to_crm {
                pairs
                    .iter()
                    .map(|(_, value)| value_text(value))
                    .chain(field.allowed.iter().cloned())
                    .collect()
            } else {
                Vec::new()
            };
            add(field.line, &field.name, crm, mapping.crm, name, to_crm, values, false);
        }
    }
    let sides = [
        (System::Intercom, mapping.intercom, &mapping.intercom_identity),
        (crm, mapping.crm, &mapping.crm_identity),
    ];
    for (system, object, name) in sides.into_iter().filter(|(.., name)| !name.is_empty()) {
        add(1, "identity", system, object, name, true, Vec::new(), true);
    }
    if mapping.creates && mapping.fields.iter().any(|field| field.direction.writes(Side::Crm)) {
        uses.creates.push(CreateUse {
            kind: UserKind::Mapping,
            user: mapping.name.clone(),
            file: mapping.file.clone(),
            line: 1,
            place: "creates".into(),
            system: crm,
            object: mapping.crm,
            sets: filled(mapping),
        });
    }
    uses
}

/// The CRM's fields that are written when a record is made.
pub(super) fn filled(mapping: &Mapping) -> Vec<String> {
    let fields = mapping.fields.iter().filter(|field| written_at_birth(field));
    let mut names: Vec<String> = fields.flat_map(|field| field.crm.clone()).collect();
    if !mapping.crm_identity.is_empty() {
        names.push(mapping.crm_identity.clone());
    }
    names
}
