//! A mapping held against what the vendors' objects look like: what would be refused, or would land wrongly, is told
//! before the first write, with file, line and what to write instead.
//!
//! Pure, and beside what refuses to load: what is wrong with a mapping by itself is told when it is read. Schemas come
//! in, findings go out; nothing is asked and nothing is changed.

use serde_json::Value;

use super::file::{FieldMapping, Mapping, Side, Write};
use super::transform::{Transform, nearest};
use crate::domain::lint::{Lint, LintRule, Severity};
use crate::domain::record::value_text;
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema};

mod define;
mod kinds;
mod uses;

pub use define::missing_attributes;
pub use uses::uses;

/// Everything that is wrong with a mapping at these objects. A side whose schema is not known is not judged.
pub fn against_schemas(
    mapping: &Mapping,
    intercom: Option<&ObjectSchema>,
    crm: Option<&ObjectSchema>,
) -> Vec<Lint> {
    let mut found = Vec::new();
    for field in &mapping.fields {
        let mut of_field = Findings { mapping, field, found: &mut found };
        let left: Vec<(&str, Option<&FieldSchema>)> = field
            .intercom_fields()
            .map(|name| (name, intercom.and_then(|schema| schema.field(name))))
            .collect();
        let right: Vec<(&str, Option<&FieldSchema>)> =
            field.crm.iter().map(|name| (name.as_str(), crm.and_then(|schema| schema.field(name)))).collect();
        if let Some(schema) = intercom {
            of_field.names(Side::Intercom, schema, &left);
        }
        if let Some(schema) = crm {
            of_field.names(Side::Crm, schema, &right);
        }
        of_field.owners(&left, &right);
        of_field.kinds(&left, &right);
        of_field.values(&left, &right);
    }
    identities(mapping, intercom, crm, &mut found);
    if let Some(crm) = crm {
        required(mapping, crm, &mut found);
    }
    found.sort_by_key(|lint| lint.line);
    found
}

struct Findings<'a> {
    mapping: &'a Mapping,
    field: &'a FieldMapping,
    found: &'a mut Vec<Lint>,
}

type Named<'a> = (&'a str, Option<&'a FieldSchema>);

impl Findings<'_> {
    fn note(
        &mut self,
        rule: LintRule,
        severity: Severity,
        at: usize,
        name: &str,
        said: impl AsRef<str>,
        fix: String,
    ) {
        let mut what = format!("field \"{}\": ", self.field.name);
        what.push_str(said.as_ref());
        let (file, place) = (self.mapping.file.clone(), self.field.name.clone());
        self.found.push(Lint { file, line: at, rule, severity, place, field: name.to_owned(), what, fix });
    }

    /// Fields that are not there, or that we may not write.
    fn names(&mut self, side: Side, schema: &ObjectSchema, fields: &[Named<'_>]) {
        let written = self.field.written(side);
        let (title, object) = (schema.connection.system.title(), schema.object);
        for (name, found) in fields {
            let writes = written.contains(name);
            let line = self.line_of(name);
            let Some(found) = found else {
                let custom = name.strip_prefix("custom_attributes.");
                if side == Side::Intercom && writes && self.mapping.define && custom.is_some() {
                    self.note(
                        LintRule::UnknownField,
                        Severity::Warning,
                        line,
                        name,
                        format!("{title} has no {object} attribute \"{name}\" yet"),
                        "it is made when the mapping is switched on, or now by `reknit drift --create-missing`; define = \
                         false under [mapping] keeps Reknit from it"
                            .into(),
                    );
                    continue;
                }
                let known = schema.fields.iter().map(|field| field.name.as_str());
                let fix = match nearest_names(name, known).first() {
                    Some(like) => format!("write \"{like}\" if that is meant, or make the field in {title}"),
                    None => format!("make the field in {title}, or take it out"),
                };
                let what = format!("{title} has no {object} field \"{name}\", or hides it from our token");
                self.note(LintRule::UnknownField, Severity::Refused, line, name, what, fix);
                continue;
            };
            if writes && !found.writable {
                let other = match side {
                    Side::Crm => "to_intercom",
                    Side::Intercom => "to_crm",
                };
                self.note(
                    LintRule::NotWritable,
                    Severity::Refused,
                    line,
                    name,
                    format!("{title} does not let our token write the {object} field \"{name}\""),
                    format!("write direction = \"{other}\", map another field, or give our token the right to write it"),
                );
            }
        }
    }

    /// Who owns a record is decided in one place.
    fn owners(&mut self, left: &[Named<'_>], right: &[Named<'_>]) {
        let both = self.field.direction.writes(Side::Crm) && self.field.direction.writes(Side::Intercom);
        let owner = left.iter().chain(right).find(|(name, field)| {
            let person = name.to_lowercase().contains("owner") || name.to_lowercase().contains("assignee");
            person && field.is_some_and(|field| field.kind == FieldKind::Reference)
        });
        if let (true, Some((name, _))) = (both, owner) {
            let (line, name) = (self.line_of("direction"), (*name).to_owned());
            self.note(
                LintRule::OwnerOnBothSides,
                Severity::Refused,
                line,
                &name,
                format!("the owner of a record ({name}) could be changed on both sides, and each would undo the other"),
                "write direction = \"to_intercom\" and owner = \"crm\", or the other way round".into(),
            );
        }
    }

    /// Kinds of values that do not fit each other.
    fn kinds(&mut self, left: &[Named<'_>], right: &[Named<'_>]) {
        for side in [Side::Crm, Side::Intercom] {
            if !self.field.direction.writes(side) {
                continue;
            }
            let (from, to) = if side == Side::Crm { (left, right) } else { (right, left) };
            for (name, target) in to {
                let Some(target) = target else { continue };
                let source = from.iter().find_map(|(_, field)| *field);
                let Some((what, fix)) = kinds::misfit(self.field, side, source, target) else { continue };
                let line = self.line_of("transform");
                self.note(LintRule::TypeMismatch, Severity::Refused, line, name, what, fix);
            }
        }
    }

    /// Values that stand in the mapping, against the lists of the fields they go to.
    fn values(&mut self, left: &[Named<'_>], right: &[Named<'_>]) {
        let pairs: Vec<(Option<String>, Value)> = written_values(&self.field.transform);
        if let (true, [(name, Some(target))]) = (self.field.direction.writes(Side::Crm), right) {
            for (_, value) in &pairs {
                self.value(name, target, &value_text(value), Side::Crm);
            }
            for value in &self.field.allowed.clone() {
                self.value(name, target, value, Side::Crm);
            }
        }
        if let (true, [(name, Some(target))]) = (self.field.direction.writes(Side::Intercom), left) {
            for key in pairs.iter().filter_map(|(key, _)| key.clone()) {
                self.value(name, target, &key, Side::Intercom);
            }
        }
        // What one list offers and the other does not take becomes a conflict when it occurs, not before.
        let plain = matches!(self.field.transform, Transform::Direct);
        if let (true, true, [(_, Some(from))], [(name, Some(to))]) =
            (plain, self.field.direction.writes(Side::Crm), left, right)
            && !from.options.is_empty()
            && to.kind == FieldKind::Option
        {
            let missing: Vec<&str> = from
                .options
                .iter()
                .filter(|one| !one.retired && !takes(to, &one.value))
                .map(|one| one.value.as_str())
                .collect();
            if !missing.is_empty() {
                let line = self.line_of("transform");
                let what = format!("{} offers {}, which {name} does not take", from.name, missing.join(", "));
                let fix = "translate them with a [field.translate] table, or each becomes a conflict where it occurs";
                self.note(LintRule::OptionNotAllowed, Severity::Warning, line, name, what, fix.into());
            }
        }
    }

    fn value(&mut self, name: &str, target: &FieldSchema, value: &str, side: Side) {
        let Some((rule, what, fix)) = misvalue(target, value) else { return };
        let line = self.line_of(value);
        let what = format!("{} takes no {what}", if side == Side::Crm { name } else { target.name.as_str() });
        self.note(rule, Severity::Refused, line, name, what, fix);
    }

    /// The line of this field on which a word stands; the field's own where none does.
    fn line_of(&self, word: &str) -> usize {
        let of_field = self.mapping.text.lines().enumerate().skip(self.field.line);
        let mut lines = of_field.take_while(|(_, line)| !line.trim_start().starts_with("[[field]]"));
        let quoted = format!("\"{word}\"");
        lines
            .find(|(_, line)| {
                let code = line.split('#').next().unwrap_or(line);
                let key = code.split('=').next().unwrap_or_default().trim();
                code.contains(&quoted) || key == word
            })
            .map_or(self.field.line, |(place, _)| place + 1)
    }
}

/// The names that resemble a word, the most alike first.
pub fn nearest_names<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    nearest(word, known.map(|name| (name, name.to_owned())))
}

/// Whether a list offers a value now.
fn takes(field: &FieldSchema, value: &str) -> bool {
    field.options.iter().any(|one| !one.retired && one.value == value)
}

/// Why a value that stands in a rule is none of a field's: which rule, the value in words, and what to write instead.
/// Upper and lower case are not the same to a vendor.
pub fn misvalue(target: &FieldSchema, value: &str) -> Option<(LintRule, String, String)> {
    match target.kind {
        FieldKind::Option | FieldKind::Options if !target.options.is_empty() => {
            let several = target.kind == FieldKind::Options && value.contains(';');
            let parts: Vec<&str> =
                if several { value.split(';').map(str::trim).collect() } else { vec![value] };
            let wrong = parts.into_iter().find(|part| !part.is_empty() && !takes(target, part))?;
            let same = |text: &str| text.trim().to_lowercase() == wrong.trim().to_lowercase();
            let offered = || target.options.iter().filter(|one| !one.retired);
            if let Some(option) = offered().find(|one| same(&one.value)) {
                let what = format!("\"{wrong}\": upper and lower case are not the same there");
                return Some((LintRule::OptionNotAllowed, what, format!("write \"{}\"", option.value)));
            }
            if let Some(option) = offered().find(|one| same(&one.label)) {
                let what =
                    format!("\"{wrong}\", which is what people see of an option and not its internal value");
                return Some((LintRule::LabelForValue, what, format!("write \"{}\"", option.value)));
            }
            let near = nearest_names(wrong, offered().map(|one| one.value.as_str()));
            let fix = match near.as_slice() {
                [] => "give the field its options first".to_owned(),
                near => {
                    let near: Vec<String> = near.iter().take(3).map(|one| format!("\"{one}\"")).collect();
                    format!("write {}, or give the field this option", near.join(" or "))
                }
            };
            let retired = target.options.iter().any(|one| one.value == wrong);
            let what = if retired { format!("\"{wrong}\" any more") } else { format!("\"{wrong}\"") };
            Some((LintRule::OptionNotAllowed, what, fix))
        }
        FieldKind::Number if !value.is_empty() && value.trim().parse::<f64>().is_err() => {
            Some((LintRule::TypeMismatch, format!("\"{value}\": it holds a number"), "write a number".into()))
        }
        FieldKind::Boolean if !matches!(value, "" | "true" | "false") => {
            let what = format!("\"{value}\": it holds yes or no");
            Some((LintRule::TypeMismatch, what, "write true or false".into()))
        }
        _ => None,
    }
}

/// The values that stand in a transform: what it writes to the CRM, and for which value of Intercom.
fn written_values(transform: &Transform) -> Vec<(Option<String>, Value)> {
    match transform {
        Transform::Table(table) => {
            table.iter().map(|(key, value)| (Some(key.clone()), value.clone())).collect()
        }
        Transform::Translate(table, inner) => {
            let own = table.iter().map(|(key, value)| (Some(key.clone()), value.clone()));
            own.chain(written_values(inner)).collect()
        }
        Transform::Option(options) => {
            options.iter().map(|one| (Some(one.label.clone()), Value::String(one.value.clone()))).collect()
        }
        Transform::Constant(value) => vec![(None, value.clone())],
        _ => Vec::new(),
    }
}

/// The fields that hold the other side's id.
fn identities(
    mapping: &Mapping,
    intercom: Option<&ObjectSchema>,
    crm: Option<&ObjectSchema>,
    found: &mut Vec<Lint>,
) {
    let line_of = |name: &str| {
        let quoted = format!("\"{name}\"");
        mapping.text.lines().position(|line| line.contains(&quoted)).map_or(1, |place| place + 1)
    };
    for (schema, name) in [(intercom, &mapping.intercom_identity), (crm, &mapping.crm_identity)] {
        let Some(schema) = schema.filter(|_| !name.is_empty()) else { continue };
        let (title, object) = (schema.connection.system.title(), schema.object);
        let mut note = |rule, severity, what: String, fix: String| {
            found.push(Lint {
                file: mapping.file.clone(),
                line: line_of(name),
                rule,
                severity,
                place: "identity".into(),
                field: name.clone(),
                what,
                fix,
            });
        };
        match schema.field(name) {
            None if name.starts_with("custom_attributes.") && mapping.define => note(
                LintRule::UnknownField,
                Severity::Warning,
                format!("{title} has no {object} attribute \"{name}\" yet, in which the CRM's id is kept"),
                "it is made when the mapping is switched on, or now by `reknit drift --create-missing`"
                    .into(),
            ),
            None => note(
                LintRule::UnknownField,
                Severity::Refused,
                format!("{title} has no {object} field \"{name}\", in which the other side's id is kept"),
                format!(
                    "make it in {title} as a text field with unique values, or name another under [identity]"
                ),
            ),
            Some(field) if !field.writable => note(
                LintRule::NotWritable,
                Severity::Refused,
                format!(
                    "{title} does not let our token write \"{name}\", in which the other side's id is kept"
                ),
                "give our token the right to write it".into(),
            ),
            Some(_) => {}
        }
    }
}

/// What a record of the CRM cannot be made without.
fn required(mapping: &Mapping, crm: &ObjectSchema, found: &mut Vec<Lint>) {
    if !mapping.creates || !mapping.fields.iter().any(|field| field.direction.writes(Side::Crm)) {
        return;
    }
    let filled = uses::filled(mapping);
    let line = mapping.text.lines().position(|line| line.trim() == "[mapping]").map_or(1, |place| place + 1);
    let title = crm.connection.system.title();
    for field in crm.fields.iter().filter(|field| field.required) {
        let is = |name: &String| match crm.field(name) {
            Some(mapped) => mapped.name == field.name,
            None => false,
        };
        if !filled.iter().any(is) {
            found.push(Lint {
                file: mapping.file.clone(),
                line,
                rule: LintRule::RequiredNotMapped,
                severity: Severity::Refused,
                place: "creates".into(),
                field: field.name.clone(),
                what: format!("{title} makes no {} without \"{}\", and no field fills it", crm.object, field.name),
                fix: "map it (with blank = \"default\" where Intercom may have nothing), or write creates = false under \
                      [mapping]"
                    .into(),
            });
        }
    }
    if !crm.creatable {
        found.push(Lint {
            file: mapping.file.clone(),
            line,
            rule: LintRule::NotWritable,
            severity: Severity::Refused,
            place: "creates".into(),
            field: String::new(),
            what: format!("{title} does not let our token make a {}", crm.object),
            fix: "give our token the right, or write creates = false under [mapping]".into(),
        });
    }
}

/// Whether a field is written when a record is made.
fn written_at_birth(field: &FieldMapping) -> bool {
    field.write != Write::Update && field.direction.writes(Side::Crm)
}

#[cfg(test)]
mod tests;
