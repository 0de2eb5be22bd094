//! Facts and plan of an undo, read now: the survivor whole, what became of the records that went away, what they were
//! related to. Reads only; what it read of the survivor is kept as a capsule before the first step.

use super::{facts, undone_before};
use crate::domain::error_class::ErrorClass;
use crate::domain::ids::ExecutionId;
use crate::domain::record::{Mirror, ObjectKind, RecordRef, System};
use crate::engine::operate::OperateError;
use crate::engine::turn::{Stop, Turn};
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::Impossible;
use crate::recipes::undo::{self, Absorbed, Chain, Departure};
use crate::vendors;

/// Relations that are looked at, each by a call of its own.
const RELATIONS: usize = 40;

/// Facts and plan of an undo.
pub(in crate::engine) async fn gather(turn: &mut Turn<'_>, merge: ExecutionId) -> Result<Planned, Stop> {
    let journal = turn.engine.journal.clone();
    let record = journal
        .merge_of_execution(merge)
        .await?
        .ok_or_else(|| Impossible(format!("{merge} merged nothing.")))?;
    if let Some(why) = undone_before(&record) {
        return Err(Impossible(why).into());
    }
    let engine = turn.engine.clone();
    let found = facts::chains(&journal, &record, &|object| engine.mapping_of(object)).await;
    let mut chains = found.map_err(|error| match error {
        OperateError::Journal(error) => Stop::Journal(error),
        error => Impossible(error.to_string().trim_start_matches("Nothing was changed: ").to_owned()).into(),
    })?;
    for chain in &mut chains {
        survivor(turn, chain).await?;
        for place in 0..chain.absorbed.len() {
            let standing = standing(turn, chain, place).await?;
            chain.absorbed[place].standing = standing;
            let wanted = std::mem::take(&mut chain.absorbed[place].related);
            chain.absorbed[place].related = still_there(turn, wanted).await?;
        }
        ties(turn, chain).await?;
    }
    let undoing = undo::plan(&chains);
    Ok(undoing.planned)
}

/// The survivor as it is now, with everything it holds.
async fn survivor(turn: &mut Turn<'_>, chain: &mut Chain) -> Result<(), Stop> {
    let result = chain.result.clone();
    turn.admit(&result.connection).await?;
    let read = vendors::whole(&turn.engine.clients, &[&result], &mut turn.log).await;
    turn.learn(None);
    let images = read.map_err(|error| Stop::Vendor(Box::new(error), None))?;
    let Some(image) = images.into_iter().next() else {
        return Err(Impossible(format!(
            "{} is gone at the vendor, so there is nothing to take apart; the pre-images show what both were.",
            result.title()
        ))
        .into());
    };
    if image.mirror.record != result {
        return Err(Impossible(format!(
            "{} was merged on, into {}: take that merge back first.",
            result.title(),
            image.mirror.record.title()
        ))
        .into());
    }
    chain.now = image.mirror.clone();
    chain.whole = true;
    turn.mending.before.push(image);
    let mut objects = vec![chain.survivor.mirror.record.object];
    objects.extend(chain.absorbed.iter().map(|one| one.before.mirror.record.object));
    objects.dedup();
    for object in objects {
        let known = if object == result.object {
            chain.schema.is_some()
        } else {
            chain.absorbed.iter().all(|one| one.schema.is_some())
        };
        if known {
            continue;
        }
        turn.admit(&result.connection).await?;
        let schema = vendors::schema(&turn.engine.clients, &result.connection, object, &mut turn.log).await;
        turn.learn(None);
        // Without it, what is known of the vendor's own fields decides.
        let Ok(schema) = schema else { continue };
        for one in chain.absorbed.iter_mut().filter(|one| one.before.mirror.record.object == object) {
            one.schema = Some(schema.clone());
        }
        if object == result.object {
            chain.schema = Some(schema);
        }
    }
    Ok(())
}

/// Where a record that went away stands by itself again; none where it does not.
async fn standing(turn: &mut Turn<'_>, chain: &Chain, place: usize) -> Result<Option<RecordRef>, Stop> {
    let Absorbed { before, departure, .. } = &chain.absorbed[place];
    let (old, before, departure) = (before.mirror.record.clone(), before.mirror.clone(), *departure);
    let by_its_own_id = |read: Result<Mirror, vendors::VendorError>| match read {
        Ok(mirror) if mirror.deleted => Ok(None),
        Ok(mirror) => Ok(Some(mirror.record)),
        Err(error)
            if matches!(
                error.class,
                ErrorClass::NotFound | ErrorClass::MergedAway | ErrorClass::Converted
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Stop::Vendor(Box::new(error), None)),
    };
    if let Some(there) = by_its_own_id(turn.read(&old).await?)? {
        return Ok(Some(there).filter(|there| *there == old));
    }
    if departure == Departure::Archived
        || (departure == Departure::Merged && old.system() == System::Salesforce)
    {
        return Ok(None);
    }
    // Made anew by somebody, or by an undo that was given up: found by what only it has.
    let (field, value) = match old.system() {
        System::Intercom => ("external_id", before.text("external_id")),
        _ => ("email", before.text("email")),
    };
    if value.trim().is_empty() || !matches!(old.object, ObjectKind::Contact | ObjectKind::Lead) {
        return Ok(None);
    }
    let found = match turn.find(&old.connection, field, value.trim()).await {
        Err(Stop::Vendor(error, _)) if error.class == ErrorClass::MergedAway => Vec::new(),
        found => found?,
    };
    Ok(found
        .into_iter()
        .find(|mirror| {
            mirror.record.object == old.object
                && mirror.record != chain.result
                && mirror.record != chain.survivor.mirror.record
                && !mirror.deleted
                && (old.system() != System::Intercom || mirror.text("role") == "lead")
        })
        .map(|mirror| mirror.record))
}

/// The relations whose other end is there still, under the name it has now.
async fn still_there(turn: &mut Turn<'_>, wanted: Vec<RecordRef>) -> Result<Vec<RecordRef>, Stop> {
    let mut there = Vec::new();
    for record in wanted.into_iter().take(RELATIONS) {
        match turn.read(&record).await? {
            Ok(mirror) if mirror.deleted => {}
            Ok(mirror) => there.push(mirror.record),
            Err(error) => match (error.class, error.existing.as_deref()) {
                (ErrorClass::MergedAway, Some(now)) => there.push(now.clone()),
                // Gone, or not ours to see: it cannot be related again.
                (ErrorClass::NotFound | ErrorClass::Permission, _) => {}
                _ => return Err(Stop::Vendor(Box::new(error), None)),
            },
        }
    }
    there.dedup();
    Ok(there)
}

/// Whoever is to name a record again is there and still names one of the merged ones.
async fn ties(turn: &mut Turn<'_>, chain: &mut Chain) -> Result<(), Stop> {
    let survivor = chain.survivor.mirror.record.id.clone();
    let result = chain.result.id.clone();
    for absorbed in &mut chain.absorbed {
        let old = absorbed.before.mirror.record.id.clone();
        let mut kept = Vec::new();
        for tie in std::mem::take(&mut absorbed.ties) {
            let Ok(other) = turn.read(&tie.other).await? else { continue };
            let named = other.text(&tie.field);
            if !other.deleted && (named.is_empty() || [&survivor, &result, &old].contains(&&named)) {
                kept.push(tie);
            }
        }
        absorbed.ties = kept;
    }
    Ok(())
}
