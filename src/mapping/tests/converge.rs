//! Random mappings, random edits on both sides: in the end the two sides agree, a conflict is open, or the mapping says
//! in so many words that the value does not travel. No write ever loses a value that its side owns.
//!
//! `REKNIT_MAPPING_HISTORIES=200000` for the long form; a failing history is named by its number.

use std::collections::HashMap;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Agreement, Fields, Mapping, Sides, Verdict, judge};
use crate::domain::clock::Timestamp;
use crate::mapping::file::{Blank, Direction, FieldMapping, Owner, Side, Write};
use crate::mapping::judge::{left_value, right_as_one, right_values, same};
use crate::mapping::transform::{Transform, is_blank, truth};

const USUAL: u64 = 3_000;

fn choose<'a>(rng: &mut Rng, words: &[&'a str]) -> &'a str {
    words[rng.usize(..words.len())]
}

/// The text of one field; not all of them load.
fn field_text(rng: &mut Rng, place: usize) -> String {
    let transform = choose(
        rng,
        &[
            "direct",
            "direct",
            "split_name",
            "split_last_name",
            "table",
            "translate",
            "unix_to_iso",
            "number",
            "boolean",
            "date",
            "option",
            "template",
            "join_name",
        ],
    );
    let owner = choose(rng, &["intercom", "crm", "mirrored", "newest", "review", "consent"]);
    let direction = choose(rng, &["to_crm", "to_intercom", "both", "both", "off"]);
    // Now and then two fields meet in one; that must not load.
    let name = if rng.u8(..12) == 0 { 0 } else { place };
    let mut text = format!(
        "[[field]]\nname = \"F{place}\"\nowner = \"{owner}\"\ndirection = \"{direction}\"\ntransform = \"{transform}\"\n"
    );
    text += &match transform {
        "template" => format!("template = \"{{l{name}}} of {{m{name}}}\"\n"),
        "join_name" => format!("intercom = [\"l{name}\", \"m{name}\"]\n"),
        _ => format!("intercom = \"l{name}\"\n"),
    };
    text += &match transform {
        "split_name" | "split_last_name" => format!("crm = [\"r{name}\", \"s{name}\"]\n"),
        _ => format!("crm = \"r{name}\"\n"),
    };
    if owner == "mirrored" {
        text += &format!("original = \"{}\"\n", choose(rng, &["crm", "intercom"]));
    }
    if rng.bool() && direction == "both" {
        text += "fill = true\n";
    }
    for kind in ["missing", "null", "empty"] {
        text += &format!("{kind} = \"{}\"\n", choose(rng, &["keep", "keep", "clear"]));
    }
    if rng.u8(..5) == 0 && direction != "both" {
        text = text
            .replace("missing = \"keep\"", "missing = \"default\"")
            .replace("null = \"clear\"", "null = \"default\"");
        if text.contains("= \"default\"") {
            text += "default = \"a\"\n";
        }
    }
    if rng.u8(..8) == 0 {
        text += "write = \"create\"\n";
    }
    if rng.u8(..6) == 0 && transform == "direct" {
        text += "allowed = [\"a\", \"b\"]\n";
    }
    if rng.bool() {
        text += "ignore_case = true\n";
    }
    text + match transform {
        "table" => "[field.table]\na = \"X\"\nb = \"Y\"\nc = \"Y\"\n",
        "translate" => "[field.translate]\na = \"X\"\n",
        "option" => "[field.options]\nAlpha = \"a\"\nBeta = \"b\"\n",
        _ => "",
    }
}

fn mapping(rng: &mut Rng) -> Mapping {
    loop {
        let fields: String = (0..=rng.usize(..3)).map(|place| field_text(rng, place)).collect();
        let head = "[mapping]\nname = \"x\"\nversion = 1\nintercom = \"contact\"\ncrm = \"contact\"\n[identity]\ncrm = \"id\"\n";
        if let Ok(mapping) = Mapping::parse(&format!("{head}{fields}"), "x.toml") {
            return mapping;
        }
    }
}

/// A value that somebody might type into such a field: mostly a fitting one.
fn typed(rng: &mut Rng, field: &FieldMapping, side: Side) -> Option<Value> {
    let fitting = match (field.transform.proper(), side) {
        (Transform::UnixToIso | Transform::Date, Side::Intercom) => {
            json!(1_700_000_000 + 40_000 * rng.i64(0..4))
        }
        (Transform::UnixToIso, Side::Crm) => json!(format!("2026-01-1{}T04:10:00.5Z", rng.u8(..3))),
        (Transform::Date, Side::Crm) => json!(format!("2026-01-1{}", rng.u8(..3))),
        (Transform::Number, _) => [json!(1), json!("1.0"), json!(2), json!("3")][rng.usize(..4)].clone(),
        (Transform::Boolean, _) => {
            [json!(true), json!("false"), json!("yes"), json!(false)][rng.usize(..4)].clone()
        }
        (Transform::Table(_), Side::Crm) => json!(choose(rng, &["X", "Y"])),
        (Transform::Option(_), Side::Intercom) => json!(choose(rng, &["Alpha", "Beta", "a"])),
        (Transform::SplitName | Transform::SplitLastName, Side::Intercom) => {
            json!(choose(rng, &["a", "a b", " a  b c", "A B"]))
        }
        _ if field.owner == Owner::Consent => json!(choose(rng, &["true", "false"])),
        _ => json!(choose(rng, &["a", "b", "c", "A"])),
    };
    match rng.u8(..12) {
        0 => None,
        1 => Some(Value::Null),
        2 => Some(json!("")),
        3 => Some([json!("??"), json!({"odd": []}), json!([1])][rng.usize(..3)].clone()),
        _ => Some(fitting),
    }
}

struct World {
    left: Fields,
    right: Fields,
    left_at: Timestamp,
    right_at: Timestamp,
    agreed: HashMap<String, Agreement>,
}

/// Who edits which field where.
fn edit(world: &mut World, rng: &mut Rng, mapping: &Mapping, now: i64) {
    let field = &mapping.fields[rng.usize(..mapping.fields.len())];
    let side = if rng.bool() { Side::Intercom } else { Side::Crm };
    let names: Vec<&str> = match side {
        Side::Intercom => field.intercom_fields().collect(),
        Side::Crm => field.crm.iter().map(String::as_str).collect(),
    };
    let name = names[rng.usize(..names.len())];
    let (fields, at) = match side {
        Side::Intercom => (&mut world.left, &mut world.left_at),
        Side::Crm => (&mut world.right, &mut world.right_at),
    };
    match typed(rng, field, side) {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
    *at = Timestamp(now);
}

/// One look at one field, carried out as a recipe would. The verdict that was met.
fn settle(world: &mut World, field: &FieldMapping) -> Result<Verdict, String> {
    let agreed = world.agreed.get(&field.name).cloned();
    let sides = Sides {
        left: &world.left,
        left_at: Some(world.left_at),
        right: &world.right,
        right_at: Some(world.right_at),
        agreed: agreed.as_ref(),
    };
    let verdict = judge(field, &sides);
    let (old_left, old_right) =
        (left_value(field, &world.left), right_as_one(&right_values(field, &world.right)));
    match &verdict {
        // Only records that exist are looked at here.
        Verdict::WriteRight(..) if field.write == Write::Create => {}
        Verdict::WriteRight(writes, agreement) => {
            let newer = world.left_at > world.right_at;
            lost(field, Side::Crm, &old_right, agreed.as_ref().map(|agreed| &agreed.right), newer)?;
            if is_blank(&agreement.right) && !is_blank(&old_right) {
                cleared(field, field.intercom_fields().find_map(|name| world.left.get(name)))?;
            }
            if !field.direction.writes(Side::Crm) {
                return Err("written against the direction".into());
            }
            for (name, value) in writes {
                world.right.insert(name.clone(), value.clone());
            }
            world.agreed.insert(field.name.clone(), agreement.clone());
        }
        Verdict::WriteLeft(name, value, agreement) => {
            let newer = world.right_at > world.left_at;
            lost(field, Side::Intercom, &old_left, agreed.as_ref().map(|agreed| &agreed.left), newer)?;
            if is_blank(value) && !is_blank(&old_left) {
                cleared(field, field.crm.iter().find_map(|name| world.right.get(name)))?;
            }
            if !field.direction.writes(Side::Intercom) {
                return Err("written against the direction".into());
            }
            world.left.insert(name.clone(), value.clone());
            world.agreed.insert(field.name.clone(), agreement.clone());
        }
        Verdict::Agree(agreement) => {
            world.agreed.insert(field.name.clone(), agreement.clone());
        }
        Verdict::Unchanged | Verdict::Leave(_) | Verdict::Conflict { .. } => {}
    }
    Ok(verdict)
}

/// A value on the side written to that its side owns, or that nobody carried over yet and no rule outranks.
fn lost(
    field: &FieldMapping,
    target: Side,
    old: &Value,
    base: Option<&Value>,
    source_newer: bool,
) -> Result<(), String> {
    let news = base.is_none_or(|base| !same(field, base, old));
    let may = match field.one_owner() {
        _ if is_blank(old) => true,
        Some(owner) => owner != target,
        None if field.owner == Owner::Newest => !news || source_newer,
        None if field.owner == Owner::Consent => true,
        None => !news,
    };
    if may { Ok(()) } else { Err(format!("{target} lost {old}, last agreed {base:?}")) }
}

/// A filled value gives way to an empty one only where the file says so.
fn cleared(field: &FieldMapping, blank: Option<&Value>) -> Result<(), String> {
    let rule = field.blanks.rule(blank);
    if rule == Blank::Clear { Ok(()) } else { Err(format!("emptied by {blank:?} under {rule}")) }
}

/// The two sides say the same, each in its own terms.
fn alike(field: &FieldMapping, world: &World) -> bool {
    let (left, right) = (left_value(field, &world.left), right_values(field, &world.right));
    if field.owner == Owner::Consent {
        // No answer and "no" are both no opt-out.
        return truth(&left).unwrap_or(false) == truth(&right[0]).unwrap_or(false);
    }
    let forward = field
        .transform
        .forward(&left)
        .is_ok_and(|turned| turned.iter().zip(&right).all(|(one, other)| same(field, one, other)));
    let is_default = |value: &Value| same(field, value, &field.blanks.default);
    let default = (is_blank(&left) && right.iter().any(is_default))
        || (right.iter().all(is_blank) && is_default(&left));
    // What no transform takes may still stand on both sides, written there by the same hand.
    let literally = same(field, &left, &right_as_one(&right));
    forward
        || default
        || literally
        || field.transform.backward(&right).is_some_and(|back| same(field, &back, &left))
}

/// The mapping itself says why the two differ and why that is so on purpose.
fn on_purpose(field: &FieldMapping, world: &World) -> bool {
    let (left, right) = (left_value(field, &world.left), right_values(field, &world.right));
    field.direction != Direction::Both
        || field.write == Write::Create
        || is_blank(&left)
        || right.iter().all(is_blank)
}

fn history(number: u64, met: &mut HashMap<&'static str, u64>) -> Result<(), String> {
    // Seeds that are neighbours begin alike; spread over all numbers they do not.
    let mut rng = Rng::with_seed(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D);
    let mapping = mapping(&mut rng);
    let mut world = World {
        left: Fields::new(),
        right: Fields::new(),
        left_at: Timestamp(0),
        right_at: Timestamp(0),
        agreed: HashMap::new(),
    };
    let told = |field: &FieldMapping, world: &World, why: &str| {
        format!(
            "history {number}, {why}\n{field:#?}\n{:?}\n{:?}\n{:?}",
            world.left,
            world.right,
            world.agreed.get(&field.name)
        )
    };
    for now in 1..=1 + rng.i64(0..25) {
        if rng.u8(..3) > 0 {
            edit(&mut world, &mut rng, &mapping, now);
        } else {
            let field = &mapping.fields[rng.usize(..mapping.fields.len())];
            settle(&mut world, field).map_err(|why| told(field, &world, &why))?;
        }
    }
    for field in &mapping.fields {
        let mut verdict = Verdict::Unchanged;
        for _ in 0..3 {
            verdict = settle(&mut world, field).map_err(|why| told(field, &world, &why))?;
        }
        let (kind, good) = match &verdict {
            Verdict::Unchanged => ("unchanged", alike(field, &world)),
            Verdict::Conflict { .. } => ("conflict", true),
            Verdict::Leave(_) => ("left", on_purpose(field, &world)),
            Verdict::WriteRight(..) => ("create only", field.write == Write::Create),
            Verdict::Agree(_) | Verdict::WriteLeft(..) => ("never still", false),
        };
        if !good {
            return Err(told(field, &world, &format!("in the end {verdict:?}")));
        }
        *met.entry(kind).or_default() += 1;
    }
    Ok(())
}

#[test]
fn the_sides_converge_or_a_conflict_exists_and_no_owned_value_is_lost() {
    let histories =
        std::env::var("REKNIT_MAPPING_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL);
    let mut met = HashMap::new();
    let mut failed: Vec<String> = Vec::new();
    for number in 0..histories {
        failed.extend(history(number, &mut met).err());
        if failed.len() == 4 {
            break;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    // The histories reach every way of ending, else they would prove little.
    for kind in ["unchanged", "conflict", "left"] {
        assert!(met.get(kind).is_some_and(|count| *count * 20 > histories), "{met:?}");
    }
}
