//! What the journal alone knows of a merge that is to be taken back: pre-images, what the merge left, what its steps
//! wrote, who named whom. Reads no vendor and decides nothing.

use std::collections::BTreeMap;

use crate::domain::capsule::PreImage;
use crate::domain::merge::MergeRecord;
use crate::domain::plan::{Effect, Plan, StepState};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::engine::operate::OperateError;
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::recipes::undo::fields::by_rule;
use crate::recipes::undo::{Absorbed, Chain, Departure, Tie};

/// The merges of an execution, one chain for each survivor, in the order in which they were done.
pub(super) async fn chains<'a>(
    journal: &Journal,
    record: &MergeRecord,
    mapping_of: &(dyn Fn(ObjectKind) -> &'a Mapping + Sync),
) -> Result<Vec<Chain>, OperateError> {
    let images = journal.before_merge(record.execution).await?;
    let after = journal.after_merge(record.execution).await?;
    let plan = journal.execution(record.execution).await?.and_then(|detail| detail.plan).unwrap_or_default();
    let mut chains: Vec<Chain> = Vec::new();
    for merged in record.done() {
        let before = image(&images, &merged.absorbed)?;
        let result = merged.result.clone().unwrap_or_else(|| merged.survivor.clone());
        let departure = if merged.absorbed.object == merged.survivor.object {
            Departure::Merged
        } else {
            Departure::Converted
        };
        let absorbed = absorbed(journal, before, departure, &plan).await?;
        if let Some(chain) = chains.iter_mut().find(|chain| chain.result == merged.survivor) {
            chain.result = result;
            chain.absorbed.push(absorbed);
            continue;
        }
        let survivor = image(&images, &merged.survivor)?.clone();
        let reference = reference(mapping_of(merged.survivor.object), &merged.survivor);
        chains.push(Chain {
            now: survivor.mirror.clone(),
            survivor,
            absorbed: vec![absorbed],
            result,
            after: None,
            whole: false,
            schema: journal
                .schema(&merged.survivor.connection, merged.survivor.object)
                .await?
                .map(|known| known.seen),
            reference,
        });
    }
    archived(journal, &plan, &images, &mut chains).await?;
    for chain in &mut chains {
        chain.after = left_behind(chain, &after, &plan);
        if let Some(copy) = journal.mirror(&chain.result).await? {
            chain.now = copy;
        } else if let Some(after) = &chain.after {
            chain.now = Mirror { fields: after.clone(), ..chain.now.clone() };
        }
        tie(journal, chain, mapping_of).await?;
    }
    Ok(chains)
}

fn image<'a>(images: &'a [PreImage], record: &RecordRef) -> Result<&'a PreImage, OperateError> {
    images.iter().find(|image| image.mirror.record == *record).ok_or_else(|| {
        OperateError::Impossible(format!(
            "there is no pre-image of {} any more, so nobody knows what it held; nothing can be brought back.",
            record.title()
        ))
    })
}

async fn absorbed(
    journal: &Journal,
    before: &PreImage,
    departure: Departure,
    plan: &Plan,
) -> Result<Absorbed, OperateError> {
    let record = &before.mirror.record;
    let mut written = Fields::new();
    for step in plan.steps.iter().filter(|step| step.state == StepState::Done) {
        if let Effect::Update { record: touched, fields } = &step.effect
            && touched == record
        {
            written.extend(fields.clone());
        }
    }
    Ok(Absorbed {
        departure,
        standing: None,
        written,
        ties: Vec::new(),
        related: related(before),
        schema: journal.schema(&record.connection, record.object).await?.map(|known| known.seen),
        before: before.clone(),
    })
}

/// Records a merge put away because the vendor could not merge them.
async fn archived(
    journal: &Journal,
    plan: &Plan,
    images: &[PreImage],
    chains: &mut Vec<Chain>,
) -> Result<(), OperateError> {
    for step in plan.steps.iter().filter(|step| step.state == StepState::Done) {
        let Effect::Archive { record } = &step.effect else { continue };
        let Some(before) = images.iter().find(|image| image.mirror.record == *record) else { continue };
        if chains.iter().flat_map(|chain| &chain.absorbed).any(|one| one.before.mirror.record == *record) {
            continue;
        }
        let absorbed = absorbed(journal, before, Departure::Archived, plan).await?;
        match chains.iter_mut().find(|chain| chain.result.connection == record.connection) {
            Some(chain) => chain.absorbed.push(absorbed),
            None => {
                let Some(survivor) = images.iter().find(|image| {
                    image.mirror.record.connection == record.connection && image.mirror.record != *record
                }) else {
                    continue;
                };
                chains.push(Chain {
                    now: survivor.mirror.clone(),
                    result: survivor.mirror.record.clone(),
                    survivor: survivor.clone(),
                    absorbed: vec![absorbed],
                    after: None,
                    whole: false,
                    schema: None,
                    reference: String::new(),
                });
            }
        }
    }
    Ok(())
}

/// What a record was related to, of the kinds that can be related again.
fn related(before: &PreImage) -> Vec<RecordRef> {
    let kinds: BTreeMap<&str, ObjectKind> =
        [("companies", ObjectKind::Company), ("deals", ObjectKind::Deal), ("tickets", ObjectKind::Ticket)]
            .into();
    let record = &before.mirror.record;
    if record.system() == System::Salesforce {
        return Vec::new();
    }
    before
        .associations
        .iter()
        .filter_map(|(kind, ids)| Some((*kinds.get(kind.as_str())?, ids)))
        .flat_map(|(object, ids)| {
            ids.iter().map(move |id| RecordRef {
                connection: record.connection.clone(),
                object,
                id: id.clone(),
            })
        })
        .collect()
}

/// The survivor's values when the merge was done: as they were read then, or by the vendor's rule and the merge's own
/// writes.
fn left_behind(chain: &Chain, after: &[PreImage], plan: &Plan) -> Option<Fields> {
    if let Some(image) = after.iter().find(|image| image.mirror.record == chain.result) {
        return Some(image.mirror.fields.clone());
    }
    let mut fields = chain.survivor.mirror.fields.clone();
    for one in &chain.absorbed {
        if one.departure == Departure::Archived {
            continue;
        }
        let same_kind = one.departure == Departure::Merged;
        fields = by_rule(chain.result.system(), same_kind, &fields, &one.before.mirror.fields)?;
    }
    for step in plan.steps.iter().filter(|step| step.state == StepState::Done) {
        let written = match &step.effect {
            Effect::Update { record, fields } => Some((record, fields)),
            Effect::Merge { survivor, values, .. } => Some((survivor, values)),
            _ => None,
        };
        if let Some((record, written)) = written
            && (*record == chain.result || *record == chain.survivor.mirror.record)
        {
            fields.extend(written.clone());
        }
    }
    Some(fields)
}

/// The field of a record that holds the id of the person's record on the other side.
pub(super) fn reference(mapping: &Mapping, record: &RecordRef) -> String {
    let is_person = matches!(record.object, ObjectKind::Contact | ObjectKind::Lead);
    match record.system() {
        _ if !is_person => String::new(),
        System::Intercom => mapping.intercom_identity.clone(),
        _ => mapping.crm_identity.clone(),
    }
}

/// Finds who named each record that went away.
async fn tie<'a>(
    journal: &Journal,
    chain: &mut Chain,
    mapping_of: &(dyn Fn(ObjectKind) -> &'a Mapping + Sync),
) -> Result<(), OperateError> {
    if chain.reference.is_empty() {
        return Ok(());
    }
    let mut others: Vec<RecordRef> = journal.known(&chain.result).await?.records;
    others.retain(|other| other.connection != chain.result.connection);
    // Of merges in several systems the other side may be a part of this undo as well.
    for image in chain.absorbed.iter().map(|one| &one.before).chain([&chain.survivor]) {
        let named = image.mirror.text(&chain.reference);
        if !named.is_empty() && chain.result.system() != System::Intercom {
            let other = RecordRef {
                connection: Connection::only(System::Intercom),
                object: ObjectKind::Contact,
                id: named,
            };
            if !others.contains(&other) {
                others.push(other);
            }
        }
    }
    let mut mirrors = Vec::new();
    for other in others {
        mirrors.extend(journal.mirror(&other).await?.filter(|mirror| !mirror.deleted));
    }
    let survivor = &chain.survivor.mirror;
    let ids: Vec<String> = [&chain.result.id, &survivor.record.id]
        .into_iter()
        .cloned()
        .chain(chain.absorbed.iter().map(|one| one.before.mirror.record.id.clone()))
        .collect();
    for absorbed in &mut chain.absorbed {
        let own = &absorbed.before.mirror;
        absorbed.ties = mirrors
            .iter()
            .filter(|other| belongs(own, survivor, other, &chain.reference))
            .map(|other| {
                let field = reference(mapping_of(own.record.object), &other.record);
                (other, field)
            })
            // Somebody has made it name another record since: that is left.
            .filter(|(other, field)| {
                let named = other.text(field);
                named.is_empty() || ids.contains(&named)
            })
            .map(|(other, field)| Tie { other: other.record.clone(), field })
            .collect();
    }
    Ok(())
}

/// Whether a record of the other side was the same person as the one that went away, and not the survivor.
fn belongs(own: &Mirror, survivor: &Mirror, other: &Mirror, reference: &str) -> bool {
    let (ours, theirs) = (own.text(reference), survivor.text(reference));
    if theirs == other.record.id {
        return false;
    }
    if ours == other.record.id {
        return true;
    }
    // Neither names it: the e-mail tells, where only one of them has it.
    let email = other.text("email");
    let is = |mirror: &Mirror| mirror.text("email").eq_ignore_ascii_case(&email);
    ours.is_empty() && !email.is_empty() && is(own) && !is(survivor)
}
