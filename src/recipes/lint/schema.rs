//! A recipe held against what the vendors' objects look like: fields it sets that are not there, values they do not
//! take. And which fields it uses, for whoever asks what a change at a vendor hits.
//!
//! Pure. Only what stands in the recipe is judged: a value that a template gives is judged where it occurs.

use serde_json::Value;

use crate::domain::drift::{CreateUse, FieldUse, UserKind, Uses};
use crate::domain::lint::{Lint, LintRule, Severity};
use crate::domain::record::{Fields, ObjectKind, System, value_text};
use crate::domain::schema::{FieldKind, ObjectSchema};
use crate::mapping::lint::{misvalue, nearest_names};
use crate::recipes::condition::mentions;
use crate::recipes::recipe::{Act, Lookup, Recipe, Target};
use crate::recipes::template::{Piece, pieces};

/// Gives the schema of a kind of record, where it is known.
pub type Schemas<'a> = dyn Fn(System, ObjectKind) -> Option<&'a ObjectSchema> + 'a;

/// Everything that is wrong with a recipe at these objects; `crm` is the CRM of recipes that name none.
pub fn against_schemas(recipe: &Recipe, crm: System, schemas: &Schemas<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for set in sets(recipe, crm) {
        let Some(schema) = schemas(set.system, set.object) else { continue };
        let title = schema.connection.system.title();
        let place = set.place.clone();
        let mut note = |rule, line, field: &str, what: String, fix: String| {
            found.push(Lint {
                file: recipe.file.clone(),
                line,
                rule,
                severity: Severity::Refused,
                place: place.clone(),
                field: field.to_owned(),
                what,
                fix,
            });
        };
        if (set.creates && !schema.creatable) || (!set.creates && !set.fields.is_empty() && !schema.updatable)
        {
            let verb = if set.creates { "make" } else { "change" };
            let line = set.line;
            note(
                LintRule::NotWritable,
                line,
                "",
                format!("{}: {title} does not let our token {verb} a {}", set.place, set.object),
                "give our token the right, or take the action out".into(),
            );
        }
        for one in &set.fields {
            let Some(field) = schema.field(&one.name) else {
                // A lead of Salesforce stands in for the person where there is no contact.
                let near = nearest_names(&one.name, schema.fields.iter().map(|field| field.name.as_str()));
                let fix = match near.first() {
                    Some(like) => format!("write \"{like}\" if that is meant, or make the field in {title}"),
                    None => format!("make the field in {title}"),
                };
                let what = format!("{}: {title} has no {} field \"{}\"", set.place, set.object, one.name);
                note(LintRule::UnknownField, one.line, &one.name, what, fix);
                continue;
            };
            if one.written && !field.writable {
                let what = format!(
                    "{}: {title} does not let our token write the {} field \"{}\"",
                    set.place, set.object, one.name
                );
                note(
                    LintRule::NotWritable,
                    one.line,
                    &one.name,
                    what,
                    "give our token the right to write it, or set another".into(),
                );
            }
            for value in &one.values {
                if let Some((rule, words, fix)) = misvalue(field, value) {
                    let what = format!("{}: {} takes no {words}", set.place, one.name);
                    note(rule, one.line, &one.name, what, fix);
                } else if let Some((words, fix)) = misshapen(field.kind, value) {
                    let what = format!("{}: {} takes no \"{value}\": {words}", set.place, one.name);
                    note(LintRule::TypeMismatch, one.line, &one.name, what, fix.to_owned());
                }
            }
        }
        if set.creates {
            for field in schema.fields.iter().filter(|field| field.required) {
                let filled = |one: &Set| {
                    one.written && schema.field(&one.name).is_some_and(|known| known.name == field.name)
                };
                if !set.fields.iter().any(filled) {
                    let what =
                        format!("{}: {title} makes no {} without \"{}\"", set.place, set.object, field.name);
                    note(
                        LintRule::RequiredNotMapped,
                        set.line,
                        &field.name,
                        what,
                        format!("set {} = …", field.name),
                    );
                }
            }
        }
    }
    found.sort_by_key(|lint| lint.line);
    found
}

/// Constants that are no date, or no instant.
fn misshapen(kind: FieldKind, value: &str) -> Option<(&'static str, &'static str)> {
    let digits = || value.parse::<i64>().is_ok();
    match kind {
        FieldKind::Date if !value.is_empty() && !digits() && value.parse::<jiff::civil::Date>().is_err() => {
            Some(("it holds a date", "write it as 2026-11-21"))
        }
        FieldKind::DateTime
            if !value.is_empty()
                && !digits()
                && crate::domain::clock::Timestamp::parse_rfc3339(value).is_none() =>
        {
            Some(("it holds a date and time", "write it as 2026-11-21T18:00:00Z"))
        }
        _ => None,
    }
}

/// Everything a recipe uses; what it does by a mapping is told by that.
pub fn uses(recipe: &Recipe, crm: System) -> Uses {
    let crm = recipe.crm.unwrap_or(crm);
    let mut uses = Uses::default();
    for set in sets(recipe, crm) {
        for one in &set.fields {
            uses.fields.push(FieldUse {
                kind: UserKind::Recipe,
                user: recipe.name.clone(),
                file: recipe.file.clone(),
                line: one.line,
                place: set.place.clone(),
                system: set.system,
                object: set.object,
                field: one.name.clone(),
                reads: one.looked_up,
                writes: one.written,
                values: one.values.clone(),
                identity: false,
            });
        }
        if set.creates {
            uses.creates.push(CreateUse {
                kind: UserKind::Recipe,
                user: recipe.name.clone(),
                file: recipe.file.clone(),
                line: set.line,
                place: set.place.clone(),
                system: set.system,
                object: set.object,
                sets: set.fields.iter().filter(|one| one.written).map(|one| one.name.clone()).collect(),
            });
        }
    }
    for (path, expression) in expressions(recipe) {
        let Ok(mentioned) = mentions(&expression) else { continue };
        for name in mentioned.paths {
            let Some((system, object, field)) = field_of(&name, crm) else { continue };
            uses.fields.push(FieldUse {
                kind: UserKind::Recipe,
                user: recipe.name.clone(),
                file: recipe.file.clone(),
                line: recipe.line(&path),
                place: path.split('.').next().unwrap_or(&path).to_owned(),
                system,
                object,
                field,
                reads: true,
                writes: false,
                values: compared(&expression, recipe),
                identity: false,
            });
        }
    }
    uses
}

/// Where a target's records are.
const fn record_of(target: Target, crm: System) -> (System, ObjectKind) {
    match target {
        Target::Contact => (System::Intercom, ObjectKind::Contact),
        Target::Crm => (crm, ObjectKind::Contact),
        Target::Company => (crm, ObjectKind::Company),
        Target::IntercomCompany => (System::Intercom, ObjectKind::Company),
        Target::Conversation => (System::Intercom, ObjectKind::Conversation),
        Target::Deal => (crm, ObjectKind::Deal),
        Target::Ticket => (crm, ObjectKind::Ticket),
    }
}

/// The vendor's field that a path of an expression stands for: `deal.dealstage`.
fn field_of(path: &str, crm: System) -> Option<(System, ObjectKind, String)> {
    let (first, field) = path.split_once('.')?;
    let target: Target = first.parse().ok()?;
    let (system, object) = record_of(target, crm);
    (!field.is_empty()).then(|| (system, object, field.to_owned()))
}

/// One action's fields at one kind of record.
struct Sets {
    place: String,
    line: usize,
    system: System,
    object: ObjectKind,
    creates: bool,
    fields: Vec<Set>,
}

struct Set {
    name: String,
    line: usize,
    written: bool,
    looked_up: bool,
    values: Vec<String>,
}

fn sets(recipe: &Recipe, crm: System) -> Vec<Sets> {
    let crm = recipe.crm.unwrap_or(crm);
    let mut all = Vec::new();
    for (number, action) in recipe.actions.iter().enumerate() {
        let place = format!("action {}", number + 1);
        let path = |rest: String| recipe.line(&format!("action.{number}.{rest}")).max(action.line);
        let written = |key: &str, fields: &Fields| {
            let one = |(name, value): (&String, &Value)| Set {
                name: name.clone(),
                line: path(format!("{key}.{name}")),
                written: true,
                looked_up: false,
                values: constant(value).into_iter().collect(),
            };
            fields.iter().map(one).collect::<Vec<_>>()
        };
        match &action.act {
            Act::Update { target, set, forward } => {
                let (system, object) = record_of(*target, crm);
                let mut fields = written("set", set);
                for (name, order) in forward {
                    let line = path(format!("forward.{name}"));
                    match fields.iter_mut().find(|one| one.name == *name) {
                        Some(one) => one.values.extend(order.clone()),
                        None => fields.push(Set {
                            name: name.clone(),
                            line,
                            written: true,
                            looked_up: true,
                            values: order.clone(),
                        }),
                    }
                }
                all.push(Sets { place, line: action.line, system, object, creates: false, fields });
            }
            Act::Create { object, in_intercom, find, set, set_found, .. } => {
                let system = if *in_intercom { System::Intercom } else { crm };
                let mut fields = written("set", set);
                if let Lookup::Field { field, value } = find {
                    let values: Vec<String> = constant(&Value::String(value.clone())).into_iter().collect();
                    match fields.iter_mut().find(|one| one.name == *field) {
                        Some(one) => one.looked_up = true,
                        // What a record is found by stands in it from its birth.
                        None => fields.push(Set {
                            name: field.clone(),
                            line: path("find".into()),
                            written: true,
                            looked_up: true,
                            values,
                        }),
                    }
                }
                all.push(Sets {
                    place: place.clone(),
                    line: action.line,
                    system,
                    object: *object,
                    creates: true,
                    fields,
                });
                if !set_found.is_empty() {
                    let fields = written("set_found", set_found);
                    all.push(Sets {
                        place,
                        line: action.line,
                        system,
                        object: *object,
                        creates: false,
                        fields,
                    });
                }
            }
            _ => {}
        }
    }
    all
}

/// A value that is no template, as text.
fn constant(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => match pieces(text).ok()?.as_slice() {
            [] => None,
            [Piece::Text(text)] => Some(text.clone()),
            _ => None,
        },
        other => Some(value_text(other)),
    }
}

/// All expressions of a recipe with the path of the part they stand in.
fn expressions(recipe: &Recipe) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (number, require) in recipe.require.iter().enumerate() {
        all.push((format!("require.{number}.that"), require.that.clone()));
    }
    all.extend(
        recipe.condition.iter().map(|condition| ("condition.when".to_owned(), condition.when.clone())),
    );
    for (number, route) in recipe.routes.iter().enumerate() {
        all.extend(route.when.iter().map(|when| (format!("route.{number}.when"), when.clone())));
        all.extend(inside(&route.to).map(|one| (format!("route.{number}.to"), one)));
    }
    for (number, action) in recipe.actions.iter().enumerate() {
        let at = |rest: &str| format!("action.{number}.{rest}");
        all.extend(action.when.iter().map(|when| (at("when"), when.clone())));
        let fields = |set: &Fields, rest: &str| {
            let texts =
                set.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            let found: Vec<(String, String)> = texts
                .flat_map(|(name, text)| {
                    let path = at(&format!("{rest}.{name}"));
                    inside(&text).map(move |one| (path.clone(), one)).collect::<Vec<_>>()
                })
                .collect();
            found
        };
        match &action.act {
            Act::Update { set, .. } => all.extend(fields(set, "set")),
            Act::Create { set, set_found, find, .. } => {
                all.extend(fields(set, "set"));
                all.extend(fields(set_found, "set_found"));
                if let Lookup::Field { value, .. } | Lookup::Key(value) = find {
                    all.extend(inside(value).map(|one| (at("find"), one)));
                }
            }
            Act::Tag { tag, on, .. } => {
                all.extend(inside(tag).map(|one| (at("tag"), one)));
                all.push((at("on"), on.clone()));
            }
            Act::Track { details, .. } => all.extend(fields(details, "details")),
            Act::Converse { text } | Act::Reply { text, .. } => {
                all.extend(inside(text).map(|one| (at("text"), one)));
            }
            Act::Tell { title, fields: told, .. } => {
                all.extend(inside(title).map(|one| (at("title"), one)));
                all.extend(fields(told, "fields"));
            }
            _ => {}
        }
    }
    all
}

/// The expressions of a template; none of one that cannot be read, which is told elsewhere.
fn inside(template: &str) -> impl Iterator<Item = String> + use<> {
    let pieces = pieces(template).unwrap_or_default();
    pieces.into_iter().filter_map(|piece| match piece {
        Piece::Expression(expression) => Some(expression),
        Piece::Text(_) => None,
    })
}

/// The texts an expression compares with: those that stand in it, and those of the settings it names.
fn compared(expression: &str, recipe: &Recipe) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(['\'', '"']) {
        let quote = if rest[at..].starts_with('\'') { '\'' } else { '"' };
        let after = &rest[at + 1..];
        let Some(end) = after.find(quote) else { break };
        values.push(after[..end].to_owned());
        rest = &after[end + 1..];
    }
    if let Ok(mentioned) = mentions(expression) {
        for path in mentioned.paths.iter().filter_map(|path| path.strip_prefix("settings.")) {
            let first = path.split('.').next().unwrap_or(path);
            if let Some(value) = recipe.settings.get(first) {
                texts(value, &mut values);
            }
        }
    }
    values
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| texts(one, into)),
        Value::Object(table) => {
            for (key, one) in table {
                into.push(key.clone());
                texts(one, into);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::drift::{Change, DriftKind, hits};
    use crate::domain::record::Connection;
    use crate::domain::schema::{FieldSchema, OptionValue};
    use crate::recipes::file;

    const TEXT: &str = r#"name = "won-sale"
title = "Keep a sale in step"
about = "For a test."
owner = "revops"
state = "on"

[trigger]
on = "deal.changed"

[condition]
when = "deal.dealstage == 's2' && contact.email != null"
otherwise = "it is not won"

[[action]]
do = "update"
target = "deal"
set = { dealstage = "Won", plan = "{contact.custom_attributes.plan}", amount = "lots" }

[[action]]
do = "create"
object = "ticket"
find = { field = "conversation_key", value = "{conversation.id}" }
set = { subject = "Hello" }

[error]
tell = ""
advice = "Look."
"#;

    fn field(name: &str, kind: FieldKind) -> FieldSchema {
        FieldSchema {
            name: name.into(),
            label: name.into(),
            kind,
            vendor_kind: kind.to_string(),
            options: Vec::new(),
            writable: true,
            required: false,
            unique: false,
            longest: None,
        }
    }

    fn schema(object: ObjectKind, fields: Vec<FieldSchema>) -> ObjectSchema {
        let connection = Connection::only(System::Hubspot);
        ObjectSchema { connection, object, fields, creatable: true, updatable: true }
    }

    fn recipe() -> Recipe {
        file::parse(TEXT, "won-sale.toml").unwrap_or_else(|found| panic!("{found:#?}"))
    }

    fn line_of(text: &str) -> usize {
        TEXT.lines().position(|line| line.contains(text)).expect("it stands there") + 1
    }

    #[test]
    fn r77_r227_what_a_recipe_sets_is_held_against_the_fields_with_line_and_fix() {
        let stage = FieldSchema {
            options: [("s1", "Open"), ("s2", "Won")]
                .map(|(value, label)| OptionValue {
                    value: value.into(),
                    label: label.into(),
                    retired: false,
                })
                .to_vec(),
            ..field("dealstage", FieldKind::Option)
        };
        let deal = schema(ObjectKind::Deal, vec![stage, field("amount", FieldKind::Number)]);
        let mut ticket = schema(
            ObjectKind::Ticket,
            vec![
                field("subject", FieldKind::Text),
                FieldSchema { required: true, ..field("hs_pipeline_stage", FieldKind::Option) },
                FieldSchema { writable: false, ..field("conversation_key", FieldKind::Text) },
            ],
        );
        let found = against_schemas(&recipe(), System::Hubspot, &|_, object| match object {
            ObjectKind::Deal => Some(&deal),
            ObjectKind::Ticket => Some(&ticket),
            _ => None,
        });
        let told: Vec<(LintRule, &str)> = found.iter().map(|lint| (lint.rule, lint.field.as_str())).collect();
        for expected in [
            (LintRule::LabelForValue, "dealstage"),
            (LintRule::UnknownField, "plan"),
            (LintRule::TypeMismatch, "amount"),
            (LintRule::RequiredNotMapped, "hs_pipeline_stage"),
            (LintRule::NotWritable, "conversation_key"),
        ] {
            assert!(told.contains(&expected), "{expected:?} in {found:#?}");
        }
        assert_eq!(found.len(), 5, "{found:#?}");
        assert_eq!(found[0].line, line_of("set = { dealstage"));
        assert!(found.iter().any(|lint| lint.fix == "write \"s2\""), "{found:#?}");
        assert!(found.iter().all(|lint| lint.file == "won-sale.toml"));
        ticket.creatable = false;
        let found = against_schemas(&recipe(), System::Hubspot, &|_, object| {
            (object == ObjectKind::Ticket).then_some(&ticket)
        });
        assert!(
            found.iter().any(|lint| lint.rule == LintRule::NotWritable && lint.field.is_empty()),
            "{found:#?}"
        );
    }

    #[test]
    fn r143_a_field_in_a_condition_is_a_use_with_the_values_it_is_compared_with() {
        let uses = uses(&recipe(), System::Hubspot);
        let change = Change {
            connection: Connection::only(System::Hubspot),
            object: ObjectKind::Deal,
            field: "dealstage".into(),
            kind: DriftKind::OptionsRemoved,
            was: String::new(),
            now: String::new(),
            values: vec!["s2".into()],
        };
        let found = hits(&change, &uses);
        let at: Vec<(usize, bool)> = found.iter().map(|hit| (hit.line, hit.holds)).collect();
        assert!(at.contains(&(line_of("when = \"deal"), true)), "{found:#?}");
        let attribute =
            uses.fields.iter().find(|one| one.field == "custom_attributes.plan").expect("it is read");
        assert_eq!((attribute.system, attribute.writes), (System::Intercom, false));
        assert_eq!(uses.creates[0].sets, ["subject", "conversation_key"]);
        assert_eq!(constant(&json!("{x}")), None);
    }
}
