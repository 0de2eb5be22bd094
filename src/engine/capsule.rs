//! The capsule before a merge: every record it touches, whole, as it is at this moment. Without it nothing is merged.

use super::turn::{Stop, Turn};
use crate::domain::capsule::PreImage;
use crate::domain::plan::Effect;
use crate::domain::record::{ObjectKind, RecordRef};
use crate::recipes::mend::Impossible;
use crate::vendors;

/// Reads the records of a merge whole, each kind by itself: a lead that becomes a part of a contact is another kind.
pub(super) async fn take(turn: &mut Turn<'_>, effect: &Effect) -> Result<Vec<PreImage>, Stop> {
    let Effect::Merge { survivor, .. } = effect else { return Ok(Vec::new()) };
    let records: Vec<&RecordRef> = std::iter::once(survivor).chain(effect.absorbed()).collect();
    of(turn, &records).await
}

/// Reads records of one system whole.
pub(super) async fn of(turn: &mut Turn<'_>, records: &[&RecordRef]) -> Result<Vec<PreImage>, Stop> {
    let mut images = Vec::new();
    let mut kinds: Vec<ObjectKind> = Vec::new();
    for record in records {
        if !kinds.contains(&record.object) {
            kinds.push(record.object);
        }
    }
    for kind in kinds {
        turn.admit(&records[0].connection).await?;
        let alike: Vec<&RecordRef> = records.iter().copied().filter(|record| record.object == kind).collect();
        let read = vendors::whole(&turn.engine.clients, &alike, &mut turn.log).await;
        turn.learn(None);
        images.extend(read.map_err(|error| Stop::Vendor(Box::new(error), None))?);
    }
    let missing = records.iter().find(|record| !images.iter().any(|image| image.mirror.record == ***record));
    if let Some(missing) = missing {
        return Err(Impossible(format!(
            "{} could not be read whole, so no pre-image exists and nothing more was merged.",
            missing.title()
        ))
        .into());
    }
    Ok(images)
}
