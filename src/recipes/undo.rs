//! Plans how a merge is taken back, from the pre-images that were kept before it, and says what comes back and what
//! does not. It reads nothing and sends nothing: the facts are given.
//!
//! The survivor first, because what it took over must be free again before the other record can have it: values that
//! nobody has changed since, then an additional e-mail. Then the record that went away: brought back where the vendor
//! can, made anew where it cannot. Then whoever named it names it again.

pub mod fields;
mod returns;

use serde_json::Value;

use super::contact_sync::Planned;
use crate::domain::capsule::PreImage;
use crate::domain::plan::{Effect, FieldSkip, Fill, Step};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System, value_text};
use crate::domain::schema::ObjectSchema;
use crate::domain::undo::Return;

use self::fields::{Sorted, Writing};

/// How a record went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It became a part of another one of its kind.
    Merged,
    /// It was a lead and became a part of a contact.
    Converted,
    /// It was put away, because the vendor could not merge it.
    Archived,
}

/// A record that went away, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Absorbed {
    /// As it was before.
    pub before: PreImage,
    /// How it went.
    pub departure: Departure,
    /// It stands by itself again already: where.
    pub standing: Option<RecordRef>,
    /// What the merge's own steps wrote to it before it went.
    pub written: Fields,
    /// Records of other systems that were the same person, and the field in which each names it.
    pub ties: Vec<Tie>,
    /// What it was related to and is there still.
    pub related: Vec<RecordRef>,
    /// How its kind looks at the vendor, where that is known.
    pub schema: Option<ObjectSchema>,
}

/// A record of another system that named one that went away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The other record.
    pub other: RecordRef,
    /// Its field that holds the id; empty where it has none.
    pub field: String,
}

/// One survivor and what went into it, in one system.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The survivor as it was before the first merge.
    pub survivor: PreImage,
    /// What went away, in the order in which it went.
    pub absorbed: Vec<Absorbed>,
    /// What all of them are now.
    pub result: RecordRef,
    /// The survivor's values when the merge was done; none where nobody looked and no rule tells.
    pub after: Option<Fields>,
    /// The survivor as it is now.
    pub now: Mirror,
    /// `now` holds every field there is.
    pub whole: bool,
    /// How its kind looks at the vendor, where that is known.
    pub schema: Option<ObjectSchema>,
    /// Its own field that holds the id of the person's record in the other system; empty where it has none.
    pub reference: String,
}

/// The plan of an undo, and what is said before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Undoing {
    /// The steps.
    pub planned: Planned,
    /// What comes back and what does not, record by record.
    pub returns: Vec<Return>,
}

/// Plans to take back everything that one execution merged, the last merge first.
pub fn plan(chains: &[Chain]) -> Undoing {
    let mut undoing = Undoing::default();
    for chain in chains.iter().rev() {
        one(chain, &mut undoing);
    }
    if undoing.planned.plan.steps.is_empty() {
        undoing.planned.plan.nothing =
            Some("Both records stand as they did before the merge; nothing had to be written.".to_owned());
    }
    undoing
}

fn one(chain: &Chain, undoing: &mut Undoing) {
    let rules = Writing { system: chain.result.system(), schema: chain.schema.as_ref() };
    let sorted = match &chain.after {
        Some(after) => {
            fields::sort(&chain.survivor.mirror.fields, after, (&chain.now.fields, chain.whole), &rules)
        }
        None => Sorted::default(),
    };
    let plan = &mut undoing.planned.plan;
    for kept in &sorted.kept {
        plan.skips.push(FieldSkip {
            field: format!("{} of {}", kept.field, chain.result.title()),
            reason: kept.why.to_owned(),
        });
    }
    put_back(chain, &sorted.restore, &mut plan.steps);
    returns::survivor(chain, &sorted, &mut undoing.returns);
    for absorbed in &chain.absorbed {
        let steps = &mut undoing.planned.plan.steps;
        let held = still_held(chain, absorbed, &sorted.restore);
        let back = match (absorbed.standing.is_some(), chain.result.system(), absorbed.departure) {
            (true, ..) => None,
            (_, _, Departure::Archived) | (_, System::Salesforce, Departure::Merged) => {
                Some(bring_back(absorbed, steps))
            }
            (_, System::Hubspot, _) => {
                release(chain, absorbed, steps);
                Some(make(absorbed, &hubspot_fields(absorbed, held.is_some()), steps))
            }
            (_, System::Salesforce, Departure::Converted) => {
                Some(make(absorbed, &lead_fields(absorbed, &chain.reference), steps))
            }
            (_, System::Intercom, _) => Some(make(absorbed, &intercom_fields(absorbed), steps)),
        };
        tie(absorbed, back, steps);
        returns::absorbed(chain, absorbed, held.as_deref(), &mut undoing.returns);
    }
}

/// Puts the survivor's values back.
fn put_back(chain: &Chain, restore: &Fields, steps: &mut Vec<Step>) {
    const STAGE: &str = "lifecyclestage";
    if restore.is_empty() {
        return;
    }
    let record = &chain.result;
    let update =
        |title: String, fields: Fields| Step::new(title, Effect::Update { record: record.clone(), fields });
    // HubSpot moves a stage only forward; emptied first, it takes any.
    if record.system() == System::Hubspot && restore.get(STAGE).is_some_and(|stage| !stage.is_null()) {
        let cleared = [(STAGE.to_owned(), Value::Null)].into_iter().collect();
        steps.push(update(
            format!("Empty the lifecycle stage of {}, so that it can go back", record.title()),
            cleared,
        ));
    }
    let names: Vec<&str> = restore.keys().map(String::as_str).collect();
    let title = format!("Put back {} of {}", names.join(", "), record.title());
    steps.push(update(title, restore.clone()));
}

/// All e-mails of a HubSpot contact.
fn emails(fields: &Fields) -> Vec<String> {
    let all =
        ["email", "hs_additional_emails"].into_iter().filter_map(|name| fields.get(name)).map(value_text);
    let mut found: Vec<String> = Vec::new();
    for email in all.flat_map(|list| list.split(';').map(|one| one.trim().to_owned()).collect::<Vec<_>>()) {
        if !email.is_empty() && !found.iter().any(|known| known.eq_ignore_ascii_case(&email)) {
            found.push(email);
        }
    }
    found
}

/// Frees the e-mails that came over to the survivor as additional ones.
fn release(chain: &Chain, absorbed: &Absorbed, steps: &mut Vec<Step>) {
    let own = emails(&chain.survivor.mirror.fields);
    let additional = chain.now.text("hs_additional_emails");
    let held: Vec<&str> = additional.split(';').map(str::trim).collect();
    for email in emails(&absorbed.before.mirror.fields) {
        let is = |other: &&str| other.eq_ignore_ascii_case(&email);
        // The survivor had it before too, or holds it as its own e-mail.
        if own.iter().any(|own| is(&own.as_str())) || !held.iter().any(is) {
            continue;
        }
        steps.push(Step::new(
            format!("Free an additional e-mail of {}", chain.result.title()),
            Effect::Release { contact: chain.result.clone(), email },
        ));
    }
}

/// The e-mail of a HubSpot contact that cannot have it back, because the survivor keeps it as its own.
fn still_held(chain: &Chain, absorbed: &Absorbed, restore: &Fields) -> Option<String> {
    let email = absorbed.before.mirror.text("email");
    let holds = chain.result.system() == System::Hubspot
        && !email.is_empty()
        && chain.now.text("email").eq_ignore_ascii_case(&email)
        && !restore.contains_key("email");
    holds.then_some(email)
}

/// Brings a record back by its own id. Returns the place of the step.
fn bring_back(absorbed: &Absorbed, steps: &mut Vec<Step>) -> u32 {
    let record = &absorbed.before.mirror.record;
    steps.push(Step::new(
        format!("Bring {} back", record.title()),
        Effect::Restore { record: record.clone() },
    ));
    let place = last(steps);
    let rules = Writing { system: record.system(), schema: absorbed.schema.as_ref() };
    let written: Fields = absorbed
        .written
        .keys()
        .filter(|name| rules.is_substance(name) && rules.may_write(name))
        .map(|name| {
            let was = absorbed.before.mirror.value(name).cloned().unwrap_or(Value::Null);
            (name.clone(), was)
        })
        .filter(|(name, was)| !rules.loosens_consent(name, was))
        .collect();
    if !written.is_empty() {
        let names: Vec<&str> = written.keys().map(String::as_str).collect();
        let title = format!("Put back {} of {}", names.join(", "), record.title());
        steps.push(Step::new(title, Effect::Update { record: record.clone(), fields: written }));
    }
    place
}

/// Makes a record anew from its pre-image. Returns the place of the step.
fn make(absorbed: &Absorbed, made: &Made, steps: &mut Vec<Step>) -> u32 {
    let old = &absorbed.before.mirror.record;
    let companies_by_link = old.system() == System::Intercom;
    let (linked, related): (Vec<RecordRef>, Vec<RecordRef>) =
        absorbed.related.iter().cloned().partition(|_| companies_by_link);
    steps.push(Step::new(
        format!("Make {} {} anew from its pre-image", old.system().title(), old.object),
        Effect::Create {
            connection: old.connection.clone(),
            object: old.object,
            fields: made.fields.clone(),
            identity: made.identity.clone(),
            related: if old.system() == System::Hubspot { related } else { Vec::new() },
        },
    ));
    let place = last(steps);
    for company in linked.into_iter().filter(|record| record.object == ObjectKind::Company) {
        let contact = RecordRef::to_be_made(&old.connection);
        let mut step =
            Step::new(format!("Relate it to {} again", company.title()), Effect::link(contact, company));
        step.fills.push(Fill { field: String::new(), from_step: place });
        steps.push(step);
    }
    place
}

/// Whoever named the record names it again.
fn tie(absorbed: &Absorbed, back: Option<u32>, steps: &mut Vec<Step>) {
    let record = &absorbed.before.mirror.record;
    for tie in absorbed.ties.iter().filter(|tie| !tie.field.is_empty()) {
        let id = match (back, &absorbed.standing) {
            (None, Some(standing)) => Value::String(standing.id.clone()),
            _ => Value::Null,
        };
        if back.is_none() && id.is_null() {
            continue;
        }
        let mut step = Step::new(
            format!("Point {} to the separate {}", tie.other.title(), record.object),
            Effect::Update {
                record: tie.other.clone(),
                fields: [(tie.field.clone(), id)].into_iter().collect(),
            },
        );
        if let Some(from_step) = back {
            step.fills.push(Fill { field: tie.field.clone(), from_step });
        }
        steps.push(step);
    }
}

fn last(steps: &[Step]) -> u32 {
    u32::try_from(steps.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The values of a record to be made, and the field by which it is found again when an answer was lost.
struct Made {
    fields: Fields,
    identity: String,
}

/// Every value of a pre-image that may be written.
fn writable(absorbed: &Absorbed) -> Fields {
    let before = &absorbed.before.mirror;
    let rules = Writing { system: before.record.system(), schema: absorbed.schema.as_ref() };
    before
        .fields
        .iter()
        .filter(|(name, value)| {
            !value_text(value).trim().is_empty() && rules.is_substance(name) && rules.may_write(name)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The first of these fields that has a value, by the name it has there.
fn first_of(fields: &Fields, names: &[&str]) -> String {
    let filled = |wanted: &&str| {
        fields
            .iter()
            .find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value_text(value).trim().is_empty())
    };
    names.iter().find_map(filled).map(|(name, _)| name.clone()).unwrap_or_default()
}

fn hubspot_fields(absorbed: &Absorbed, without_email: bool) -> Made {
    let mut fields = writable(absorbed);
    if without_email {
        fields.remove("email");
    }
    let names: &[&str] = match absorbed.before.mirror.record.object {
        ObjectKind::Company => &["intercom_company_id", "domain", "name"],
        _ => &["email", "intercom_contact_id", "phone", "mobilephone"],
    };
    let identity = first_of(&fields, names);
    Made { fields, identity }
}

/// A lead that was converted stays what it is and keeps its external id; the new one does without.
fn lead_fields(absorbed: &Absorbed, reference: &str) -> Made {
    let mut fields = writable(absorbed);
    let lost: Vec<String> = fields
        .keys()
        .filter(|name| {
            let lower = name.to_ascii_lowercase();
            name.eq_ignore_ascii_case(reference) || lower.starts_with("converted") || lower == "isconverted"
        })
        .cloned()
        .collect();
    for name in lost {
        fields.remove(&name);
    }
    let identity = first_of(&fields, &["Email", "Phone", "MobilePhone", "LastName"]);
    Made { fields, identity }
}

fn intercom_fields(absorbed: &Absorbed) -> Made {
    let mut fields = writable(absorbed);
    let before = &absorbed.before.mirror;
    fields.insert("role".to_owned(), "lead".into());
    // The user it went into may well have the same e-mail: only its own id tells the new lead from everybody else.
    let external = before.text("external_id");
    if !external.is_empty() {
        fields.insert("external_id".to_owned(), external.into());
    }
    let identity = first_of(&fields, &["external_id", "email", "phone"]);
    Made { fields, identity }
}

#[cfg(test)]
mod tests;
