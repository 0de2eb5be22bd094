//! What refuses to load: rules that would lose somebody's value or write in circles, each with line, reason and fix.
//!
//! These need no vendor's schema; what does (fields that are missing, options that are not offered) is checked
//! against schemas elsewhere. Nothing here changes a mapping.

mod field;
mod writers;

use super::file::{Mapping, MappingError, Side};
pub(super) use writers::together;

/// All that is wrong with one mapping by itself.
pub(super) fn mapping(mapping: &Mapping, identity_line: usize) -> Vec<MappingError> {
    let mut found = Vec::new();
    let mut note = |line: usize, why: String, fix: String| {
        found.push(MappingError { file: mapping.file.clone(), line, why, fix });
    };
    let goes_to_crm = mapping.fields.iter().any(|field| field.direction.writes(Side::Crm));
    if mapping.creates && goes_to_crm && mapping.crm_identity.trim().is_empty() {
        note(
            identity_line,
            format!(
                "\"{}\" makes records of the CRM, but names no identity: every run could make another one",
                mapping.name
            ),
            "name under [identity] crm the unique field that holds Intercom's id, or write creates = false under \
             [mapping]"
                .into(),
        );
    }
    for (place, field) in mapping.fields.iter().enumerate() {
        field::check(mapping, field, &mut note);
        if mapping.fields[..place].iter().any(|earlier| earlier.name == field.name) {
            note(
                field.line,
                format!("field \"{}\" stands here twice", field.name),
                "give one of them another name".into(),
            );
        }
        let identities = [(Side::Crm, &mapping.crm_identity), (Side::Intercom, &mapping.intercom_identity)];
        for (side, identity) in identities {
            if !identity.is_empty() && field.written(side).contains(&identity.as_str()) {
                note(
                    field.line,
                    format!(
                        "field \"{}\" writes {identity}, in which {} keeps the other side's id",
                        field.name,
                        side.title()
                    ),
                    "take the field out: Reknit keeps the cross-reference itself".into(),
                );
            }
        }
    }
    found.extend(together(&[mapping]));
    found
}
