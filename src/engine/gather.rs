//! The facts a plan needs: both records as they are now, what they last agreed on, what waits for a human.
//!
//! A webhook is a hint, not the truth, so records are read again. The other side is looked up in this order: the
//! identity map, the external id, the e-mail. Nothing is written.

use std::collections::HashMap;

use super::chains;
use super::identity;
use super::intake::{ECHO_LIFE, record_to_be};
use super::recipe;
use super::turn::{Stop, Turn};
use crate::domain::agreement::Agreement;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::EventKind;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Choice, Conflict, Decision};
use crate::journal::facts::value_hash;
use crate::mapping::judge::{left_value, right_as_one, right_values, same};
use crate::recipes::contact_sync::{self, Facts, Planned, Way};
use crate::recipes::mend::{self, Impossible};
use crate::recipes::{act, newcomer};
use crate::vendors::{VendorError, hubspot, intercom};

/// Earlier addresses of a person that are looked for, the latest first.
const ALIASES: usize = 3;

/// Facts for a contact sync that starts from `record`.
pub(super) async fn sync(turn: &mut Turn<'_>, way: Way, record: &RecordRef) -> Result<Facts, Stop> {
    follow_merge(turn, record);
    let known = turn.engine.journal.known(record).await?;
    let mut facts =
        Facts { agreements: known.agreements, held: known.held, off: known.off, ..Facts::default() };
    let changed = turn.engine.holds.fields_of(&turn.engine.mapping.name);
    facts.drifted = changed.into_iter().map(|hold| (hold.field, hold.reason)).collect();
    let mut ignored = known.ignored;
    let Some(own) = current(turn, record).await? else { return Ok(facts) };
    facts.waits = identity::waits(&facts.held, &ignored, &own.record);
    if facts.waits.is_some() {
        return Ok(facts);
    }
    let other_side = match way {
        Way::ToCrm => turn.engine.crm.clone(),
        Way::ToIntercom => turn.engine.intercom.clone(),
    };
    // A person may be tied to a lead and to the contact it became or stands beside: the contact goes first.
    let tied = known
        .records
        .iter()
        .filter(|other| other.connection == other_side)
        .min_by_key(|other| other.object != ObjectKind::Contact)
        .cloned();
    let other = match tied {
        // It is tied, so its absence is news a human should hear, not a reason to make another one unasked.
        Some(tied) => match turn.read(&tied).await? {
            Ok(mirror) => Some(mirror),
            Err(error) => match followed(turn, &tied, &error).await? {
                Some(mirror) => Some(mirror),
                None => {
                    if error.class == ErrorClass::NotFound {
                        turn.gone.push(tied);
                    }
                    return Err(Stop::Vendor(Box::new(error), None));
                }
            },
        },
        None => {
            let mut found = look_up(turn, way, &own, &other_side).await?;
            let first = if found.is_empty() { None } else { Some(found.remove(0)) };
            // A lead beside a contact is for the list of duplicates: the contact goes first.
            let kind = first.as_ref().map(|first| first.record.object);
            found.retain(|mirror| Some(mirror.record.object) == kind);
            facts.also = found.into_iter().map(|mirror| mirror.record).collect();
            if first.is_none() && way == Way::ToCrm {
                let newcomers = turn.engine.settings.salesforce_newcomers;
                let kind = newcomer::kind(other_side.system, newcomers, &own);
                facts.no_newcomers = kind.is_none();
                facts.becomes_lead = kind == Some(ObjectKind::Lead);
            }
            first
        }
    };
    if let Some(other) = &other {
        let known = turn.engine.journal.known(&other.record).await?;
        for field in known.held {
            if !facts.held.contains(&field) {
                facts.held.push(field);
            }
        }
        ignored.extend(known.ignored);
        turn.identity = vec![own.record.clone(), other.record.clone()];
    }
    match way {
        Way::ToCrm => (facts.intercom, facts.crm) = (Some(own), other),
        Way::ToIntercom => (facts.intercom, facts.crm) = (other, Some(own)),
    }
    if let Some(intercom) = &mut facts.intercom {
        name_company(turn, intercom).await?;
    }
    hold_ignored(turn, &mut facts, &ignored);
    take_up_own_writes(turn, &mut facts, &known.agreed_at).await?;
    facts.hops = chains::hops(turn, way, &facts).await?;
    Ok(facts)
}

/// A conflict that is left alone holds its field back as long as its time is not over and both values are the same.
fn hold_ignored(turn: &Turn<'_>, facts: &mut Facts, ignored: &[Conflict]) {
    let (Some(left), Some(right)) = (&facts.intercom, &facts.crm) else { return };
    let now = turn.engine.clock.now();
    for conflict in ignored {
        let Some(field) = turn.engine.mapping.field(&conflict.field) else { continue };
        let found = contact_sync::conflict(field, conflict.kind, Vec::new(), left, right, None);
        let still = conflict.ignored_until.is_none_or(|until| now < until)
            && same(field, &found.left_value, &conflict.left_value)
            && same(field, &found.right_value, &conflict.right_value);
        if still && !facts.held.contains(&conflict.field) {
            facts.held.push(conflict.field.clone());
        }
    }
}

/// A value we wrote after the last agreement, without having lived to say so, is what both sides agreed on: the
/// difference to it is the other side's change. Taken for a change of its own, it would be a conflict nobody caused.
async fn take_up_own_writes(
    turn: &mut Turn<'_>,
    facts: &mut Facts,
    agreed_at: &HashMap<String, Timestamp>,
) -> Result<(), Stop> {
    let (Some(left), Some(right)) = (&facts.intercom, &facts.crm) else { return Ok(()) };
    let mapping = std::sync::Arc::clone(turn.engine.mapping_of(right.record.object));
    let recent = Timestamp(turn.engine.clock.now().0 - ECHO_LIFE.as_millis() as i64);
    // Of a contact that we made, and whose id has not reached us, the values stand under the contact to be made; that
    // it is this one is told by its cross-reference.
    let to_be = record_to_be(&right.record.connection);
    let identity = serde_json::Value::String(left.record.id.clone());
    let own = own_writes(turn, left, right, &to_be, &identity).await?;
    let made_by_us = right.text(&mapping.crm_identity) == left.record.id
        && own.hold(&[&to_be], std::iter::once((&mapping.crm_identity, &identity)), recent);
    let mut at_right = vec![&right.record];
    at_right.extend(made_by_us.then_some(&to_be));
    for field in &mapping.fields {
        let known = facts.agreements.iter().position(|agreement| agreement.field == field.name);
        let agreed = known.map(|place| &facts.agreements[place]);
        let (now_left, now_right) = (left_value(field, &left.fields), right_values(field, &right.fields));
        let one_right = right_as_one(&now_right);
        let since = agreed_at.get(&field.name).map_or(recent, |at| Timestamp(at.0 + 1));
        // Of a field with several parts only those that changed were written.
        let written = field.crm.iter().zip(&now_right).enumerate().filter(|(part, (_, now))| {
            let before = agreed.map(|agreed| agreed.right.get(part).unwrap_or(&agreed.right));
            before.is_none_or(|before| !same(field, before, now))
        });
        let base = if agreed.is_none_or(|agreed| !same(field, &agreed.right, &one_right))
            && own.hold(&at_right, written.map(|(_, value)| value), since)
        {
            field.transform.backward(&now_right).map(|left| (left, one_right))
        } else if agreed.is_none_or(|agreed| !same(field, &agreed.left, &now_left))
            && own.hold(&[&left.record], std::iter::once((&field.intercom, &now_left)), since)
        {
            field.transform.forward(&now_left).ok().map(|right| (now_left.clone(), right_as_one(&right)))
        } else {
            None
        };
        let Some((left, right)) = base else { continue };
        let agreement = Agreement { field: field.name.clone(), left, right };
        match known {
            Some(place) => facts.agreements[place] = agreement,
            None => facts.agreements.push(agreement),
        }
    }
    Ok(())
}

/// Which of the values that stand on both sides now are our own writes, and since when.
#[derive(Default)]
struct OwnWrites(HashMap<(RecordRef, String, String), Timestamp>);

impl OwnWrites {
    /// All of these values, at least one, are our own writes since then, each to any of the records.
    fn hold<'a>(
        &self,
        records: &[&RecordRef],
        values: impl Iterator<Item = (&'a String, &'a serde_json::Value)>,
        since: Timestamp,
    ) -> bool {
        let mut any = false;
        for (name, value) in values {
            any = true;
            let hash = value_hash(value);
            let ours = records.iter().any(|record| {
                let key = ((*record).clone(), name.clone(), hash.clone());
                self.0.get(&key).is_some_and(|at| *at >= since)
            });
            if !ours {
                return false;
            }
        }
        any
    }
}

/// Looks all of them up at once: a question for each field would be most of a turn's reads of the journal.
async fn own_writes(
    turn: &Turn<'_>,
    left: &Mirror,
    right: &Mirror,
    to_be: &RecordRef,
    identity: &serde_json::Value,
) -> Result<OwnWrites, Stop> {
    let mapping = turn.engine.mapping_of(right.record.object);
    let mut asked = vec![(to_be.clone(), mapping.crm_identity.clone(), value_hash(identity))];
    for field in &mapping.fields {
        let now_left = left_value(field, &left.fields);
        asked.push((left.record.clone(), field.intercom.clone(), value_hash(&now_left)));
        for (name, value) in field.crm.iter().zip(&right_values(field, &right.fields)) {
            let hash = value_hash(value);
            asked.push((to_be.clone(), name.clone(), hash.clone()));
            asked.push((right.record.clone(), name.clone(), hash));
        }
    }
    let times = turn.engine.journal.written_at(asked.clone()).await?;
    let known = asked.into_iter().zip(times).filter_map(|(key, at)| Some((key, at?)));
    Ok(OwnWrites(known.collect()))
}

/// A merge that was done at the vendor: what named an absorbed record names the surviving one from now on.
fn follow_merge(turn: &mut Turn<'_>, record: &RecordRef) {
    let Some(event) = turn.claim.event.as_ref().filter(|event| event.kind == EventKind::ContactMerged) else {
        return;
    };
    let same_kind = |id: String| RecordRef { id, ..record.clone() };
    let (absorbed, survivor) = match record.system() {
        System::Intercom => {
            (intercom::hook::merged_from(&event.body).into_iter().collect(), record.id.clone())
        }
        _ => hubspot::hook::merged_ids(&event.body).unwrap_or_default(),
    };
    for old in absorbed.into_iter().filter(|old| *old != survivor) {
        turn.remapped.push((same_kind(old), same_kind(survivor.clone())));
    }
}

/// The record the run starts from; none when it is gone. One that was merged away is followed.
pub(super) async fn current(turn: &mut Turn<'_>, record: &RecordRef) -> Result<Option<Mirror>, Stop> {
    match turn.read(record).await? {
        Ok(mirror) => Ok(Some(mirror)),
        Err(error) => {
            if let Some(mirror) = followed(turn, record, &error).await? {
                return Ok(Some(mirror));
            }
            if error.class == ErrorClass::NotFound {
                turn.gone.push(record.clone());
                return Ok(None);
            }
            Err(Stop::Vendor(Box::new(error), None))
        }
    }
}

/// The surviving record behind an answer "merged away", read and remapped; none when the answer says no such thing.
async fn followed(turn: &mut Turn<'_>, old: &RecordRef, error: &VendorError) -> Result<Option<Mirror>, Stop> {
    let (ErrorClass::MergedAway | ErrorClass::Converted, Some(survivor)) =
        (error.class, error.existing.as_deref())
    else {
        return Ok(None);
    };
    match turn.read(survivor).await? {
        Ok(mirror) => {
            turn.remapped.push((old.clone(), survivor.clone()));
            Ok(Some(mirror))
        }
        Err(error) => Err(Stop::Vendor(Box::new(error), None)),
    }
}

/// The other side of a record that is not tied yet: by external id, then by e-mail; never two records as one.
pub(super) async fn look_up(
    turn: &mut Turn<'_>,
    way: Way,
    own: &Mirror,
    other_side: &Connection,
) -> Result<Vec<Mirror>, Stop> {
    let mapping = std::sync::Arc::clone(turn.engine.mapping_of(own.record.object));
    let named = match way {
        Way::ToCrm => own.text(&mapping.intercom_identity),
        Way::ToIntercom => own.text(&mapping.crm_identity),
    };
    if !named.trim().is_empty() {
        let record = RecordRef {
            connection: other_side.clone(),
            object: ObjectKind::Contact,
            id: named.trim().to_owned(),
        };
        match turn.read(&record).await? {
            Ok(mirror) => {
                identity::check(turn, way, own, &mirror, other_side).await?;
                return Ok(vec![mirror]);
            }
            Err(error) => match followed(turn, &record, &error).await? {
                Some(mirror) => return Ok(vec![mirror]),
                // A cross-reference to a record that is gone: the other ways may still find the person.
                None if error.class == ErrorClass::NotFound => {}
                None => return Err(Stop::Vendor(Box::new(error), None)),
            },
        }
    }
    if way == Way::ToCrm {
        let found = turn.find(other_side, &mapping.crm_identity, &own.record.id).await?;
        if let [one] = found.as_slice() {
            identity::check(turn, way, own, one, other_side).await?;
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let email = own.text("email");
    if email.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut found = turn.find(other_side, "email", email.trim()).await?;
    if found.is_empty() {
        // The other side may still know the person by an address they had before.
        for earlier in turn.engine.journal.aliases(&own.record).await?.into_iter().take(ALIASES) {
            found = turn.find(other_side, "email", &earlier).await?;
            if !found.is_empty() {
                break;
            }
        }
    }
    if other_side.system == System::Intercom {
        // A user and leads may share an e-mail in Intercom; the user is the person, leads are for the duplicates list.
        found.sort_by_key(|mirror| mirror.text("role") != "user");
        found.truncate(1);
    }
    Ok(found)
}

/// Fills in `company.name` from the contact's first company.
pub(super) async fn name_company(turn: &mut Turn<'_>, contact: &mut Mirror) -> Result<(), Stop> {
    let Some(id) = contact.companies.first() else { return Ok(()) };
    let record = RecordRef {
        connection: contact.record.connection.clone(),
        object: ObjectKind::Company,
        id: id.clone(),
    };
    let company = match turn.engine.journal.mirror(&record).await? {
        Some(known) if !known.deleted => Some(known),
        _ => match turn.read(&record).await? {
            Ok(company) => Some(company),
            // A company that is gone leaves the name blank, which never overwrites anything. Any other failure is the
            // execution's own: without the name, nothing would ever carry it over.
            Err(error) if error.class == ErrorClass::NotFound => None,
            Err(error) => return Err(Stop::Vendor(Box::new(error), None)),
        },
    };
    if let Some(company) = company {
        contact.fields.insert("company.name".into(), company.text("name").into());
    }
    Ok(())
}

/// Reads a company anew, so that our copy and all matching with it is of today; nothing is written to a vendor.
pub(super) async fn company(turn: &mut Turn<'_>) -> Result<Planned, Stop> {
    let Some(record) = turn.claim.execution.record.clone() else {
        return Ok(Planned::nothing("The event names no company."));
    };
    if turn.engine.journal.is_erased(&record).await? {
        return Ok(Planned::nothing("The company was erased; no copy of it is kept."));
    }
    let read = current(turn, &record).await?;
    turn.engine.scan_wanted.notify_one();
    Ok(Planned::nothing(match read {
        Some(_) => "Our copy of the company is of today; matching uses it, and nothing was written.",
        None => "The company is gone; it is no candidate for anybody any more, and nothing was written.",
    }))
}

/// Facts and plan for what a human decided.
pub(super) async fn mend(turn: &mut Turn<'_>) -> Result<Planned, Stop> {
    let Some((decision, _)) = turn.claim.decision.clone() else {
        return Err(Impossible(format!("There is no recipe \"{}\".", turn.claim.execution.recipe)).into());
    };
    match decision {
        Decision::Resolve { conflict, choice } => {
            let conflict = turn
                .engine
                .journal
                .conflict(conflict)
                .await?
                .ok_or_else(|| Impossible(format!("{conflict} is gone from the journal.")))?;
            if conflict.field == mend::IDENTITY {
                return identity::settle(turn, &conflict, &choice).await;
            }
            let mapping = std::sync::Arc::clone(turn.engine.mapping_of(conflict.right.object));
            let Some(field) = mapping.field(&conflict.field) else {
                return Err(
                    Impossible(format!("The mapping has no field \"{}\" any more.", conflict.field)).into()
                );
            };
            let mut left = needed(turn, &conflict.left).await?;
            let right = needed(turn, &conflict.right).await?;
            name_company(turn, &mut left).await?;
            turn.identity = vec![left.record.clone(), right.record.clone()];
            let now =
                contact_sync::conflict(field, conflict.kind, conflict.allowed.clone(), &left, &right, None);
            let as_shown = (choice == Choice::Right || same(field, &now.left_value, &conflict.left_value))
                && (choice == Choice::Left || same(field, &now.right_value, &conflict.right_value));
            if !as_shown {
                // What was decided on is not there any more: a value nobody has seen is not written unasked.
                turn.planned.plan.conflicts = vec![now];
                return Err(Impossible(format!(
                    "{} changed since it was decided on; the conflict shows what it is now.",
                    field.name
                ))
                .into());
            }
            let planned = mend::resolve(&choice, conflict.kind, field, &left, &right, &mapping)?;
            Ok(planned)
        }
        Decision::Reopen { conflict, settled } => super::reopen::gather(turn, conflict, settled).await,
        Decision::Merge { duplicate, survivor, wish } => {
            super::merge::gather(turn, duplicate, &survivor, &wish).await
        }
        Decision::UndoMerge { merge } => super::undo::gather(turn, merge).await,
        Decision::Link { unlinked, company, how } => super::link::gather(turn, unlinked, &company, how).await,
        Decision::Found { unlinked, name, domain } => {
            super::link::gather_new(turn, unlinked, &name, &domain).await
        }
        Decision::Unlink { link, .. } => super::link::gather_undo(turn, link).await,
        Decision::Probe { execution } => super::probe::look(turn, execution).await,
        Decision::Act { record, mut effects, .. } => {
            if recipe::is_a_name(&record) {
                let known = recipe::named(turn, &record).await?.record;
                for effect in &mut effects {
                    effect.take(&record, &known);
                }
                turn.identity = turn.engine.journal.known(&known).await?.records;
            }
            Ok(act::plan(&effects)?)
        }
    }
}

/// A record without which the decision means nothing.
pub(super) async fn needed(turn: &mut Turn<'_>, record: &RecordRef) -> Result<Mirror, Stop> {
    turn.read(record).await?.map_err(|error| Stop::Vendor(Box::new(error), None))
}
