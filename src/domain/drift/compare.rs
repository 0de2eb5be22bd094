//! The difference between an accepted schema and today's, change by change, and how one of them is accepted.

use super::{Change, DriftKind, word_of};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};

/// What changed, in the order of the fields' names. What became more than it was (a new field, a right gained) is no
/// change anybody has to hear of, but for new options.
pub fn diff(accepted: &ObjectSchema, now: &ObjectSchema) -> Vec<Change> {
    let mut changes = Vec::new();
    let change = |field: &str, kind, was: String, now_words: String, values| Change {
        connection: now.connection.clone(),
        object: now.object,
        field: field.to_owned(),
        kind,
        was,
        now: now_words,
        values,
    };
    let rights = [
        (accepted.creatable && !now.creatable, DriftKind::NotCreatable),
        (accepted.updatable && !now.updatable, DriftKind::NotUpdatable),
    ];
    for (_, kind) in rights.into_iter().filter(|(lost, _)| *lost) {
        changes.push(change("", kind, "allowed".into(), "not allowed".into(), Vec::new()));
    }
    let fresh: Vec<&FieldSchema> =
        now.fields.iter().filter(|field| accepted.field(&field.name).is_none()).collect();
    for was in &accepted.fields {
        let Some(is) = now.field(&was.name) else {
            match renamed(was, &fresh) {
                Some(is) => changes.push(change(
                    &was.name,
                    DriftKind::Renamed,
                    was.name.clone(),
                    is.name.clone(),
                    Vec::new(),
                )),
                None => {
                    changes.push(change(
                        &was.name,
                        DriftKind::Removed,
                        was.label.clone(),
                        String::new(),
                        Vec::new(),
                    ));
                }
            }
            continue;
        };
        if was.label != is.label {
            let (old, new) = (was.label.clone(), is.label.clone());
            changes.push(change(&was.name, DriftKind::Relabelled, old, new, Vec::new()));
        }
        if was.kind != is.kind {
            changes.push(change(&was.name, DriftKind::Retyped, word_of(was), word_of(is), Vec::new()));
        }
        if was.writable && !is.writable {
            let words = ("writable".to_owned(), "read-only".to_owned());
            changes.push(change(&was.name, DriftKind::ReadOnly, words.0, words.1, Vec::new()));
        }
        if !was.required && is.required {
            let words = ("optional".to_owned(), "required".to_owned());
            changes.push(change(&was.name, DriftKind::Required, words.0, words.1, Vec::new()));
        }
        let offered = |field: &FieldSchema| field.options.iter().filter(|one| !one.retired).count();
        // A list that turned into free text, or free text into a list, is a change of kind.
        // People come and go: who may own a record is no schema.
        if offered(was) > 0 && was.kind == is.kind && was.kind != FieldKind::Reference {
            for (kind, values) in options(was, is) {
                let count = |field: &FieldSchema| format!("{} options", offered(field));
                changes.push(change(&was.name, kind, count(was), count(is), values));
            }
        }
    }
    changes
}

/// The one new field that a missing one has become: of the same kind and with the same label.
fn renamed<'a>(was: &FieldSchema, fresh: &[&'a FieldSchema]) -> Option<&'a FieldSchema> {
    let same = |text: &str, other: &str| text.trim().to_lowercase() == other.trim().to_lowercase();
    let mut alike = fresh.iter().filter(|field| field.kind == was.kind && same(&field.label, &was.label));
    match (alike.next(), alike.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn options(was: &FieldSchema, is: &FieldSchema) -> Vec<(DriftKind, Vec<String>)> {
    fn in_use(field: &FieldSchema) -> impl Iterator<Item = &OptionValue> {
        field.options.iter().filter(|one| !one.retired)
    }
    let of = |field: &FieldSchema, value: &str| in_use(field).find(|one| one.value == value).cloned();
    let removed: Vec<String> =
        in_use(was).filter(|one| of(is, &one.value).is_none()).map(|one| one.value.clone()).collect();
    let added: Vec<String> =
        in_use(is).filter(|one| of(was, &one.value).is_none()).map(|one| one.value.clone()).collect();
    let relabelled: Vec<String> = in_use(was)
        .filter_map(|old| {
            let new = of(is, &old.value)?;
            (new.label != old.label).then(|| format!("{} (\"{}\" → \"{}\")", old.value, old.label, new.label))
        })
        .collect();
    [
        (DriftKind::OptionsRemoved, removed),
        (DriftKind::OptionsAdded, added),
        (DriftKind::OptionsRelabelled, relabelled),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .collect()
}

/// Takes one change into the accepted schema, so that it is none any more; the others stay. `now` is none where the
/// vendor does not tell: then there is nothing to take.
pub fn accept(accepted: &mut ObjectSchema, now: &ObjectSchema, change: &Change) {
    match change.kind {
        DriftKind::NotCreatable => accepted.creatable = now.creatable,
        DriftKind::NotUpdatable => accepted.updatable = now.updatable,
        DriftKind::Unreadable => {}
        kind => {
            let Some(place) = accepted.fields.iter().position(|field| field.name == change.field) else {
                return;
            };
            let Some(is) = now.field(&change.field).cloned() else {
                // Gone, or renamed: what it became is a new field, which needs no acceptance.
                accepted.fields.remove(place);
                return;
            };
            let field = &mut accepted.fields[place];
            match kind {
                DriftKind::Relabelled => field.label = is.label,
                DriftKind::Retyped => *field = is,
                DriftKind::ReadOnly => field.writable = is.writable,
                DriftKind::Required => field.required = is.required,
                DriftKind::OptionsRemoved => {
                    field.options.retain(|one| !change.values.contains(&one.value));
                }
                DriftKind::OptionsAdded => {
                    let new = is.options.into_iter().filter(|one| change.values.contains(&one.value));
                    field.options.retain(|one| !change.values.contains(&one.value));
                    field.options.extend(new);
                }
                DriftKind::OptionsRelabelled => {
                    for option in &mut field.options {
                        if let Some(new) = is.options.iter().find(|one| one.value == option.value) {
                            option.label.clone_from(&new.label);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Takes over what became more than it was expected to be: fields, rights, what need not be filled any more. While a field
/// is missing, new ones wait: one of them may be it under another name.
pub fn take_gains(accepted: &mut ObjectSchema, now: &ObjectSchema) {
    accepted.creatable |= now.creatable;
    accepted.updatable |= now.updatable;
    for field in &mut accepted.fields {
        if let Some(is) = now.field(&field.name) {
            field.writable |= is.writable;
            field.required &= is.required;
            field.unique = is.unique;
            field.longest = is.longest;
        }
    }
    if accepted.fields.iter().all(|field| now.field(&field.name).is_some()) {
        let new = now.fields.iter().filter(|field| accepted.field(&field.name).is_none());
        let new: Vec<FieldSchema> = new.cloned().collect();
        accepted.fields.extend(new);
    }
}
