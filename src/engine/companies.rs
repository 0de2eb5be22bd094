//! The facts of a company and of a person's companies: which record of the other side it is, and who belongs to it. Reads
//! only.
//!
//! A pair is known from the identity map, else by the cross-reference, else by the domain of the website. Only domains a
//! firm has of its own count: a provider of mailboxes or pages is nobody's.

use super::gather;
use super::recipe::options;
use super::turn::{Stop, Turn};
use crate::domain::error_class::ErrorClass;
use crate::domain::plan::{Effect, Step};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::mapping::Mapping;
use crate::mapping::lint::missing_attributes;
use crate::matching;
use crate::recipes::company_sync::{self, Birth};
use crate::recipes::contact_sync::{Facts, Planned, Way};
use crate::recipes::recipe::{Act, Action, Recipe};
use crate::vendors::{self, VendorError, intercom};

/// Companies of one person that are looked at.
const COMPANIES: usize = 20;

/// How a recipe carries companies over.
pub(super) struct Carrying {
    mapping: Mapping,
    way: Way,
    create: bool,
}

/// Whether a recipe does nothing but carry companies over, and how.
pub(super) fn way(turn: &Turn<'_>, recipe: &Recipe) -> Option<Carrying> {
    let [Action { act: Act::Sync { mapping, to_crm, create }, when: None, .. }] = &recipe.actions[..] else {
        return None;
    };
    let mapping = turn.engine.in_force.mappings.named(mapping)?;
    let way = if *to_crm { Way::ToCrm } else { Way::ToIntercom };
    let is_of_companies = mapping.crm == ObjectKind::Company && mapping.intercom == ObjectKind::Company;
    is_of_companies.then(|| Carrying { mapping: mapping.clone(), way, create: *create })
}

/// Plans the sync of the company the event is about, or the relations of the person it is about.
pub(super) async fn plan(turn: &mut Turn<'_>, how: &Carrying) -> Result<Planned, Stop> {
    let Some(record) = turn.claim.execution.record.clone() else {
        return Ok(Planned::nothing("The event names no record."));
    };
    if turn.engine.journal.is_erased(&record).await? {
        return Ok(Planned::nothing("It belongs to somebody erased; nothing is made or changed."));
    }
    let crm = turn.engine.crm.clone();
    let Some(own) = gather::current(turn, &record).await? else {
        return Ok(Planned::nothing(format!("{} is gone; nothing was done.", record.title())));
    };
    if record.object == ObjectKind::Contact {
        let tied = turn.engine.journal.known(&record).await?.records;
        let tied =
            tied.into_iter().find(|other| other.connection == crm && other.object == ObjectKind::Contact);
        let Some(tied) = tied else {
            return Ok(Planned::nothing("The person is not in the CRM yet, so there is nothing to relate."));
        };
        let Some(person) = gather::current(turn, &tied).await? else {
            return Ok(Planned::nothing("The person is gone in the CRM, so there is nothing to relate."));
        };
        let missing = unrelated(turn, &own, &person, &how.mapping).await?;
        return Ok(company_sync::relate(&tied, &missing));
    }
    if own.deleted {
        return Ok(Planned::nothing("The company was archived; the other side is left as it is."));
    }
    let (facts, birth) = facts(turn, how.way, &own, &how.mapping, &crm).await?;
    turn.left.clone_from(&facts.intercom);
    turn.right.clone_from(&facts.crm);
    turn.agreements.clone_from(&facts.agreements);
    let mut planned = company_sync::plan(how.way, &facts, &how.mapping, &crm, how.create, &birth);
    define(turn, &how.mapping, &mut planned).await?;
    Ok(planned)
}

/// Attributes that the plan writes and Intercom does not have are made first, unless the mapping says `define = false`.
pub(super) async fn define(
    turn: &mut Turn<'_>,
    mapping: &Mapping,
    planned: &mut Planned,
) -> Result<(), Stop> {
    let intercom = turn.engine.intercom.clone();
    let written: Vec<String> = planned
        .plan
        .steps
        .iter()
        .filter_map(|step| match &step.effect {
            Effect::Update { record, fields } if record.connection == intercom => {
                Some(fields.keys().cloned())
            }
            _ => None,
        })
        .flatten()
        .filter(|name| name.starts_with("custom_attributes."))
        .collect();
    if written.is_empty() || !mapping.define {
        return Ok(());
    }
    let Some(schema) = options::schema(turn, &intercom, ObjectKind::Company).await? else { return Ok(()) };
    let mut steps: Vec<Step> = Vec::new();
    for effect in missing_attributes(mapping, &schema, None) {
        if let Effect::DefineField { field, .. } = &effect
            && written.contains(field)
        {
            steps.push(Step::new(format!("Make the attribute {field} of companies in Intercom"), effect));
        }
    }
    if steps.is_empty() {
        return Ok(());
    }
    options::forget(turn, &intercom, ObjectKind::Company);
    let shift = steps.len() as u32;
    for step in &mut planned.plan.steps {
        step.fills.iter_mut().for_each(|fill| fill.from_step += shift);
    }
    planned.plan.steps.splice(0..0, steps);
    Ok(())
}

fn failed(error: VendorError) -> Stop {
    Stop::Vendor(Box::new(error), None)
}

/// Both companies, what they last agreed on, and what the CRM's would come with.
async fn facts(
    turn: &mut Turn<'_>,
    way: Way,
    own: &Mirror,
    mapping: &Mapping,
    crm: &Connection,
) -> Result<(Facts, Birth), Stop> {
    let known = turn.engine.journal.known(&own.record).await?;
    let mut facts = Facts { agreements: known.agreements, held: known.held, ..Facts::default() };
    let side = match way {
        Way::ToCrm => crm.clone(),
        Way::ToIntercom => turn.engine.intercom.clone(),
    };
    let mut found = fitting(turn, own, mapping, &side).await?;
    let other = if found.is_empty() { None } else { Some(found.remove(0)) };
    facts.also = found.into_iter().map(|mirror| mirror.record).collect();
    if let Some(other) = &other {
        if facts.also.is_empty() {
            turn.identity = vec![own.record.clone(), other.record.clone()];
        }
        for field in turn.engine.journal.known(&other.record).await?.held {
            if !facts.held.contains(&field) {
                facts.held.push(field);
            }
        }
    }
    let mut birth = Birth::default();
    if way == Way::ToCrm && other.is_none() {
        birth.key = key(own, mapping, way);
        birth.people = people(turn, &own.record, crm).await?;
    }
    match way {
        Way::ToCrm => (facts.intercom, facts.crm) = (Some(own.clone()), other),
        Way::ToIntercom => (facts.intercom, facts.crm) = (other, Some(own.clone())),
    }
    Ok((facts, birth))
}

/// The companies of the CRM that a person has in Intercom and is not related to yet, in Intercom's order.
async fn unrelated(
    turn: &mut Turn<'_>,
    contact: &Mirror,
    person: &Mirror,
    mapping: &Mapping,
) -> Result<Vec<RecordRef>, Stop> {
    let mut missing = Vec::new();
    for id in contact.companies.iter().take(COMPANIES) {
        let record = RecordRef {
            connection: contact.record.connection.clone(),
            object: ObjectKind::Company,
            id: id.clone(),
        };
        let Some(own) = gather::current(turn, &record).await? else { continue };
        let found = fitting(turn, &own, mapping, &person.record.connection.clone()).await?;
        // Two that fit are a duplicate to merge: which one it is, is not guessed.
        if let [one] = &found[..]
            && !person.companies.contains(&one.record.id)
            && !missing.contains(&one.record)
        {
            missing.push(one.record.clone());
        }
    }
    Ok(missing)
}

/// The records of the other side that are this company.
pub(super) async fn fitting(
    turn: &mut Turn<'_>,
    own: &Mirror,
    mapping: &Mapping,
    side: &Connection,
) -> Result<Vec<Mirror>, Stop> {
    let known = turn.engine.journal.known(&own.record).await?.records;
    let tied = known.into_iter().find(|other| other.connection == *side);
    let to_crm = side.system != System::Intercom;
    let named = own.text(if to_crm { &mapping.intercom_identity } else { &mapping.crm_identity });
    let named = (!named.trim().is_empty()).then(|| RecordRef {
        connection: side.clone(),
        object: ObjectKind::Company,
        id: named.trim().to_owned(),
    });
    for record in tied.into_iter().chain(named) {
        match turn.read(&record).await? {
            Ok(mirror) if !mirror.deleted => return Ok(vec![mirror]),
            Ok(_) => {}
            Err(error) => match (error.class, error.existing.clone()) {
                // One that is gone, or never was: the other ways may still find it.
                (ErrorClass::NotFound, _) => {}
                (ErrorClass::MergedAway, Some(survivor)) => {
                    return Ok(vec![turn.read(&survivor).await?.map_err(failed)?]);
                }
                _ => return Err(failed(error)),
            },
        }
    }
    if !to_crm {
        // Intercom finds companies by their own id and name only; a name alone is no proof.
        return Ok(Vec::new());
    }
    let mut asked = vec![(mapping.crm_identity.clone(), own.record.id.clone())];
    asked.extend(key(own, mapping, Way::ToCrm));
    for (field, value) in asked {
        turn.admit(side).await?;
        let found =
            vendors::find(&turn.engine.clients, side, ObjectKind::Company, &field, &value, &mut turn.log)
                .await;
        turn.learn(None);
        let mut found = found.map_err(failed)?;
        found.retain(|mirror| !mirror.deleted);
        for mirror in &found {
            turn.saw(mirror.clone());
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The CRM's field by which a company is looked up, and the domain to look for.
fn key(own: &Mirror, mapping: &Mapping, way: Way) -> Option<(String, String)> {
    if way != Way::ToCrm {
        return None;
    }
    let domain = |text: &str| matching::own_domain(text);
    mapping.keys.iter().find_map(|key| Some((key.crm.clone(), domain(&own.text(&key.intercom))?)))
}

/// The company's people that are known in the CRM.
async fn people(turn: &mut Turn<'_>, company: &RecordRef, crm: &Connection) -> Result<Vec<RecordRef>, Stop> {
    turn.admit(&company.connection).await?;
    let read = intercom::companies::people(&turn.engine.clients, company, &mut turn.log).await;
    turn.learn(None);
    let mut found = Vec::new();
    for person in read.map_err(failed)? {
        let known = turn.engine.journal.known(&person).await?.records;
        found.extend(
            known.into_iter().find(|other| other.connection == *crm && other.object == ObjectKind::Contact),
        );
    }
    Ok(found)
}
