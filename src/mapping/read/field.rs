//! One `[[field]]` of a mapping file.
//!
//! A field with an error is left out of the mapping; the error says why, so the file is not used at all.

use serde_json::Value;

use super::section::{Faults, Section};
use crate::domain::record::{Fields, value_text};
use crate::domain::schema::{FieldKind, OptionValue};
use crate::mapping::file::{Blank, Blanks, Direction, FieldMapping, Owner, Side, Write};
use crate::mapping::transform::{Template, Transform, nearest};

const KEYS: [&str; 24] = [
    "name",
    "intercom",
    "crm",
    "direction",
    "owner",
    "original",
    "fill",
    "transform",
    "template",
    "value",
    "table",
    "translate",
    "options",
    "blank",
    "missing",
    "null",
    "empty",
    "default",
    "write",
    "type",
    "allowed",
    "ignore_case",
    "role",
    "decides",
];

/// Reads one field; what is wrong with it is noted.
pub(super) fn field(entry: &Section<'_>, line: usize, faults: &mut Faults<'_>) -> Option<FieldMapping> {
    let before = faults.found.len();
    let name = entry.needed_text("name", faults);
    let entry = &entry.called(&name);
    entry.only(&KEYS, faults);
    let crm = entry.list("crm", faults).unwrap_or_default();
    if entry.get("crm").is_none() || crm.iter().any(|name| name.trim().is_empty()) {
        faults.at(entry.at, format!("field \"{name}\": crm names no field"), "add crm = [\"…\"]");
    }
    let direction: Option<Direction> = entry.word("direction", faults);
    if entry.get("direction").is_none() {
        faults.at(
            entry.at,
            format!("field \"{name}\" has no direction"),
            "add direction = \"to_crm\", \"to_intercom\" or \"both\"",
        );
    }
    let owner: Option<Owner> = entry.word("owner", faults);
    if entry.get("owner").is_none() {
        faults.at(
            entry.at,
            format!("field \"{name}\" has no owner"),
            "add owner = \"intercom\", \"crm\", \"mirrored\", \"newest\" or \"review\"",
        );
    }
    let transform = transform(entry, &name, faults);
    let mut left = entry.list("intercom", faults).unwrap_or_default();
    if let Some(Transform::Template(template)) = &transform {
        if entry.get("intercom").is_some() && left != template.fields() {
            faults.at(
                entry.at_of("intercom").unwrap_or(entry.at),
                format!("field \"{name}\": intercom and template name different fields"),
                "leave intercom out: a template names its fields itself",
            );
        }
        left = template.fields().to_vec();
    }
    let role = entry.text("role", faults).unwrap_or_default();
    if !["", "user", "lead"].contains(&role.as_str()) {
        faults.at(
            entry.at_of("role").unwrap_or(entry.at),
            format!("field \"{name}\": Intercom has no role \"{role}\""),
            "write user or lead, or leave it out for both",
        );
    }
    let field = FieldMapping {
        intercom: left.first().cloned().unwrap_or_default(),
        also: left.into_iter().skip(1).collect(),
        crm,
        direction: direction.unwrap_or(Direction::Off),
        owner: owner.unwrap_or(Owner::Review),
        original: entry.word::<Side>("original", faults),
        fill: entry.flag("fill", faults).unwrap_or(false),
        transform: transform.unwrap_or(Transform::Direct),
        blanks: blanks(entry, faults),
        write: entry.word("write", faults).unwrap_or(Write::Always),
        ignore_case: entry.flag("ignore_case", faults).unwrap_or(false),
        allowed: entry.list("allowed", faults).unwrap_or_default(),
        kind: entry.word::<FieldKind>("type", faults),
        role,
        decides: entry.text("decides", faults).unwrap_or_else(|| "revops".to_owned()),
        line,
        name,
    };
    (faults.found.len() == before).then_some(field)
}

fn blanks(entry: &Section<'_>, faults: &mut Faults<'_>) -> Blanks {
    let all: Blank = entry.word("blank", faults).unwrap_or(Blank::Keep);
    Blanks {
        missing: entry.word("missing", faults).unwrap_or(all),
        null: entry.word("null", faults).unwrap_or(all),
        empty: entry.word("empty", faults).unwrap_or(all),
        default: entry.value("default", faults).unwrap_or(Value::Null),
    }
}

fn transform(entry: &Section<'_>, name: &str, faults: &mut Faults<'_>) -> Option<Transform> {
    let Some(word) = entry.text("transform", faults) else {
        if entry.get("transform").is_none() {
            faults.at(
                entry.at,
                format!("field \"{name}\" has no transform"),
                "add transform = \"direct\" if values go over as they are",
            );
        }
        return None;
    };
    let at = entry.at_of("transform").unwrap_or(entry.at);
    // Each of these belongs to one transform; under another it would be read and never used.
    let belongings =
        [("table", "table"), ("options", "option"), ("template", "template"), ("value", "constant")];
    for (key, to) in belongings {
        if entry.get(key).is_some() && word != to {
            faults.at(
                entry.at_of(key).unwrap_or(at),
                format!("field \"{name}\": transform \"{word}\" takes no {key}"),
                format!("write transform = \"{to}\", or take {key} out"),
            );
        }
    }
    let pairs = entry.pairs("translate", faults);
    let mut missing = |key: &str, fix: &str| {
        faults.at(at, format!("field \"{name}\": transform \"{word}\" wants {key}"), fix);
        None
    };
    let proper = match word.as_str() {
        "direct" => Some(Transform::Direct),
        "translate" if pairs.is_none() => {
            missing("a [field.translate] below it", "add one with Intercom's value = the CRM's value")
        }
        "translate" => Some(Transform::Direct),
        "split_name" => Some(Transform::SplitName),
        "split_last_name" => Some(Transform::SplitLastName),
        "join_name" => Some(Transform::JoinName),
        "unix_to_iso" => Some(Transform::UnixToIso),
        "number" => Some(Transform::Number),
        "boolean" => Some(Transform::Boolean),
        "date" => Some(Transform::Date),
        "table" if entry.get("table").is_none() => {
            missing("a [field.table] below it", "add one with Intercom's value = the CRM's value")
        }
        "table" => entry.pairs("table", faults).map(Transform::Table),
        "option" => Some(Transform::Option(options(entry.pairs("options", faults).unwrap_or_default()))),
        "constant" if entry.get("value").is_none() => missing("value = …", "add the value that is written"),
        "constant" => entry.value("value", faults).map(Transform::Constant),
        "template" if entry.get("template").is_none() => {
            missing("template = \"…\"", "for example template = \"{name} ({email})\"")
        }
        "template" => {
            let text = entry.text("template", faults)?;
            match Template::parse(&text) {
                Ok(template) => Some(Transform::Template(template)),
                Err(why) => {
                    let at = entry.at_of("template").unwrap_or(at);
                    faults.at(at, format!("field \"{name}\": the template cannot be used: {why}"), "");
                    None
                }
            }
        }
        other => {
            let near = nearest(other, Transform::NAMES.iter().map(|name| (*name, (*name).to_owned())));
            faults.at(
                at,
                format!("field \"{name}\": there is no transform \"{other}\""),
                format!("known are {}", near.join(", ")),
            );
            None
        }
    }?;
    Some(match pairs {
        Some(pairs) => Transform::Translate(pairs, Box::new(proper)),
        None => proper,
    })
}

fn options(pairs: Fields) -> Vec<OptionValue> {
    let option =
        |(label, value): (String, Value)| OptionValue { value: value_text(&value), label, retired: false };
    pairs.into_iter().map(option).collect()
}
