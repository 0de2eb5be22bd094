//! Field by field: which value the one record holds afterwards, by whose word, and what goes away.
//!
//! Consent is no matter of taste: an opt-out on any of the records stays, whatever rule or human says otherwise.

use serde_json::Value;

use super::settings::{FieldRule, Settings};
use crate::domain::merge::{MergeRow, MergeWish};
use crate::domain::record::{Fields, Mirror, ObjectKind, System, named, value_text};
use crate::domain::schema::{FieldKind, ObjectSchema};
use crate::mapping::transform::is_blank;
use crate::recipes::mend::Impossible;

/// Fields that say that somebody wants no mail, no call; true on one record is true for the person.
const CONSENT: [&str; 7] = [
    "unsubscribed_from_emails",
    "unsubscribed_from_sms",
    "hs_email_optout",
    "hasoptedoutofemail",
    "hasoptedoutoffax",
    "hasoptedoutofsms",
    "donotcall",
];

/// Whether a field says that somebody opted out.
pub(super) fn is_consent(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CONSENT.contains(&name.as_str()) || name.starts_with("hs_email_optout_")
}

/// One field of the one record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Survivor {
    /// The vendor's name of it.
    pub(super) field: String,
    /// What the one record holds afterwards.
    pub(super) value: Value,
    /// The record whose value that is; none where it comes from several, or was typed.
    pub(super) from: Option<usize>,
    /// Why.
    pub(super) rule: String,
    /// What each record holds.
    pub(super) values: Vec<Value>,
    /// It can be written.
    pub(super) writable: bool,
}

impl Survivor {
    /// The records do not all hold the same.
    pub(super) fn differs(&self) -> bool {
        self.values.iter().any(|value| value_text(value) != value_text(&self.values[0]))
    }

    /// Values that go away: filled, and neither the surviving one nor a part of it.
    pub(super) fn lost(&self) -> Vec<String> {
        let merged = value_text(&self.value);
        let parts = entries(&merged);
        let mut lost: Vec<String> = Vec::new();
        for value in &self.values {
            let text = value_text(value);
            let kept = text == merged || entries(&text).iter().all(|entry| parts.contains(entry));
            if !is_blank(value) && !kept && !is_false(value) && !lost.contains(&text) {
                lost.push(text);
            }
        }
        lost
    }

    pub(super) fn row(&self) -> MergeRow {
        MergeRow {
            field: self.field.clone(),
            values: self.values.iter().map(value_text).collect(),
            merged: value_text(&self.value),
            from: self.from,
            rule: self.rule.clone(),
            lost: !self.lost().is_empty(),
        }
    }
}

fn is_false(value: &Value) -> bool {
    value_text(value) == "false"
}

/// A field of the vendor's or of ours that no human merges: ids, stamps, counters, what is worked out from others.
pub(super) fn is_machinery(system: System, name: &str) -> bool {
    match system {
        // What a contact can be written with, and nothing else.
        System::Intercom => {
            !(name.starts_with("custom_attributes.")
                || matches!(
                    name,
                    "name"
                        | "email"
                        | "phone"
                        | "owner_id"
                        | "unsubscribed_from_emails"
                        | "unsubscribed_from_sms"
                        | "language_override"
                        | "avatar"
                ))
        }
        System::Hubspot => {
            (name.starts_with("hs_")
                && !matches!(name, "hs_lead_status" | "hs_language" | "hs_persona")
                && !is_consent(name))
                || ["num_", "notes_", "first_conversion", "recent_", "first_deal", "ip_", "engagements_last"]
                    .iter()
                    .any(|start| name.starts_with(start))
                || matches!(
                    name,
                    "createdate"
                        | "lastmodifieddate"
                        | "closedate"
                        | "id"
                        | "associatedcompanyid"
                        | "associatedcompanylastupdated"
                        | "hubspot_owner_assigneddate"
                        | "hubspot_team_id"
                        | "hubspotscore"
                        | "days_to_close"
                        | "total_revenue"
                        | "email_domain"
                        | "currentlyinworkflow"
                )
        }
        System::Salesforce => {
            let lower = name.to_ascii_lowercase();
            lower.contains('.')
                || (lower.starts_with("is") && !lower.ends_with("__c"))
                || lower.starts_with("lastmodified")
                || lower.starts_with("lastviewed")
                || lower.starts_with("lastreferenced")
                || lower.starts_with("lastactivity")
                || lower.starts_with("lastcu")
                || lower.starts_with("converted")
                || lower.starts_with("emailbounced")
                || matches!(
                    lower.as_str(),
                    "id" | "name"
                        | "createddate"
                        | "createdbyid"
                        | "systemmodstamp"
                        | "masterrecordid"
                        | "photourl"
                        | "jigsaw"
                        | "jigsawcontactid"
                        | "cleanstatus"
                        | "individualid"
                        | "attributes"
                )
        }
    }
}

/// The name a lead's field has on the contact it is converted into.
pub(super) fn of_lead(name: &str) -> &str {
    match name.to_ascii_lowercase().as_str() {
        "street" => "MailingStreet",
        "city" => "MailingCity",
        "state" => "MailingState",
        "postalcode" => "MailingPostalCode",
        "country" => "MailingCountry",
        _ => name,
    }
}

/// A record's value of a field, also where a lead calls it otherwise than the contact that goes on.
fn value_of(mirror: &Mirror, field: &str, into: ObjectKind) -> Value {
    let own = mirror.value(field);
    let renamed = || {
        let lead = mirror.record.object == ObjectKind::Lead && into == ObjectKind::Contact;
        lead.then(|| mirror.fields.iter().find(|(name, _)| of_lead(name) == field && name.as_str() != field))
            .flatten()
            .map(|(_, value)| value)
    };
    own.or_else(renamed).cloned().unwrap_or(Value::Null)
}

/// The entries of a list written with semicolons.
fn entries(text: &str) -> Vec<&str> {
    text.split(';').map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

fn united(values: &[Value]) -> Value {
    let texts: Vec<String> = values.iter().map(value_text).collect();
    let mut all: Vec<&str> = Vec::new();
    for entry in texts.iter().flat_map(|text| entries(text)) {
        if !all.contains(&entry) {
            all.push(entry);
        }
    }
    if all.is_empty() { Value::Null } else { Value::String(all.join(";")) }
}

/// A field that holds several values of a list: as the vendor says, else as it looks.
fn is_list(field: &str, values: &[Value], schema: Option<&ObjectSchema>) -> bool {
    const TEXTS: [&str; 5] = ["message", "description", "street", "address", "notes"];
    if let Some(known) = schema.and_then(|schema| schema.field(field)) {
        return known.kind == FieldKind::Options;
    }
    let short = |text: &str| text.len() <= 2_000 && !text.contains(['\n', '\r']) && !text.contains("; ");
    !TEXTS.iter().any(|text| field.to_ascii_lowercase().contains(text))
        && values.iter().filter_map(Value::as_str).any(|text| text.contains(';') && short(text))
        && values.iter().filter_map(Value::as_str).all(short)
}

/// What every field becomes. `records` has the survivor first, the others in the order in which they are taken up.
pub(super) fn survivors(
    records: &[Mirror],
    schema: Option<&ObjectSchema>,
    wish: &MergeWish,
    settings: &Settings,
) -> Result<Vec<Survivor>, Impossible> {
    let Some(master) = records.first() else { return Ok(Vec::new()) };
    let (system, object) = (master.record.system(), master.record.object);
    let mut names: Vec<&str> = Vec::new();
    let known = |name: &str, names: &[&str]| match system {
        System::Salesforce => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        _ => names.contains(&name),
    };
    for mirror in records {
        for name in mirror.fields.keys() {
            let lead = mirror.record.object == ObjectKind::Lead && object == ObjectKind::Contact;
            let name = if lead { of_lead(name) } else { name.as_str() };
            // What only leads have does not become a contact's.
            if lead && named(&master.fields, name).is_none() {
                continue;
            }
            if !is_machinery(system, name) && !known(name, &names) {
                names.push(name);
            }
        }
    }
    let chosen: Vec<&str> = wish
        .take
        .iter()
        .filter(|take| take.record.connection == master.record.connection)
        .map(|take| take.field.as_str())
        .chain(wish.set.keys().map(String::as_str).filter(|_| is_set_here(records, wish)))
        .collect();
    for name in chosen {
        if !known(name, &names) {
            names.push(name);
        }
    }
    let mut all = Vec::new();
    for name in names {
        let values: Vec<Value> = records.iter().map(|mirror| value_of(mirror, name, object)).collect();
        if values.iter().any(|value| value.is_object() || value.is_array()) {
            continue;
        }
        all.push(survivor(name, values, records, schema, wish, settings)?);
    }
    Ok(all)
}

/// Typed values are the survivor's of the candidate, which stands in no `elsewhere`.
fn is_set_here(records: &[Mirror], wish: &MergeWish) -> bool {
    !wish.elsewhere.iter().any(|other| records.first().is_some_and(|master| master.record == other.survivor))
}

fn survivor(
    name: &str,
    values: Vec<Value>,
    records: &[Mirror],
    schema: Option<&ObjectSchema>,
    wish: &MergeWish,
    settings: &Settings,
) -> Result<Survivor, Impossible> {
    let field = schema.and_then(|schema| schema.field(name));
    let system = records[0].record.system();
    let fixed = name == "hs_email_optout" || name.starts_with("hs_email_optout_");
    let writable = field.map_or(!fixed && !is_machinery(system, name), |field| field.writable && !fixed);
    let opted_out = is_consent(name) && values.iter().any(|value| value_text(value) == "true");
    let same = |one: &str| match system {
        System::Salesforce => one.eq_ignore_ascii_case(name),
        _ => one == name,
    };
    let taken = wish
        .take
        .iter()
        .rev()
        .find(|take| same(&take.field) && take.record.connection == records[0].record.connection);
    let typed = wish.set.iter().find(|(field, _)| same(field)).filter(|_| is_set_here(records, wish));
    let of =
        |place: usize, rule: &str, values: &[Value]| (values[place].clone(), Some(place), rule.to_owned());
    let (value, from, rule) = if let Some((_, value)) = typed {
        (value.clone(), None, "typed".to_owned())
    } else if let Some(take) = taken {
        let place = records.iter().position(|mirror| mirror.record == take.record).ok_or_else(|| {
            Impossible(format!(
                "{} is not one of the records that are merged, so its {name} cannot be taken.",
                take.record
            ))
        })?;
        of(place, "chosen", &values)
    } else {
        let rule = settings.rule(name).unwrap_or_else(|| {
            if is_list(name, &values, schema) { FieldRule::Union } else { FieldRule::NonBlank }
        });
        by_rule(rule, &values, records)
    };
    if opted_out {
        if (typed.is_some() || taken.is_some()) && value_text(&value) != "true" {
            return Err(Impossible(format!(
                "{name} stays true: one of the records has opted out, and an opt-out survives every merge. Take the \
                 choice for this field out."
            )));
        }
        let from = values.iter().position(|value| value_text(value) == "true");
        let value = from.map_or(Value::Bool(true), |place| values[place].clone());
        return Ok(survivor_of(name, value, from, "opted out on one of them", values, writable));
    }
    if (typed.is_some() || taken.is_some()) && !writable {
        return Err(Impossible(format!(
            "{name} cannot be chosen: {} lets nobody write it, so its own merge decides. Take the choice out.",
            system.title()
        )));
    }
    Ok(survivor_of(name, value, from, &rule, values, writable))
}

fn survivor_of(
    name: &str,
    value: Value,
    from: Option<usize>,
    rule: &str,
    values: Vec<Value>,
    writable: bool,
) -> Survivor {
    Survivor { field: name.to_owned(), value, from, rule: rule.to_owned(), values, writable }
}

fn by_rule(rule: FieldRule, values: &[Value], records: &[Mirror]) -> (Value, Option<usize>, String) {
    let filled = |place: &usize| !is_blank(&values[*place]);
    let place = match rule {
        FieldRule::Union => {
            let all = united(values);
            let text = value_text(&all);
            let from = values.iter().position(|value| value_text(value) == text);
            return (all, from, rule.phrase().to_owned());
        }
        FieldRule::Master => Some(0),
        FieldRule::NonBlank => (0..values.len()).find(filled),
        FieldRule::Newest => (0..values.len())
            .filter(filled)
            .max_by_key(|place| (records[*place].vendor_updated_at, std::cmp::Reverse(*place))),
        FieldRule::Longest => (0..values.len())
            .filter(filled)
            .max_by_key(|place| (value_text(&values[*place]).chars().count(), std::cmp::Reverse(*place))),
    };
    let place = place.unwrap_or(0);
    let phrase = match (rule, place) {
        (FieldRule::NonBlank, 0) => "the survivor's",
        (FieldRule::NonBlank, _) => "the survivor has none",
        (rule, _) => rule.phrase(),
    };
    (values[place].clone(), Some(place), phrase.to_owned())
}

/// The values that the one record should hold, of fields in which the records differ and which can be written.
pub(super) fn expected(survivors: &[Survivor]) -> Fields {
    survivors
        .iter()
        .filter(|one| one.writable && (one.differs() || value_text(&one.value) != value_text(&one.values[0])))
        .map(|one| (one.field.clone(), one.value.clone()))
        .collect()
}
