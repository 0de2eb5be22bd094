//! The capsule before a merge: both records whole, as they are at this moment. Without it nothing is merged.

use super::turn::{Stop, Turn};
use crate::domain::capsule::PreImage;
use crate::domain::record::RecordRef;
use crate::recipes::mend::Impossible;
use crate::vendors;

/// Reads both records whole.
pub(super) async fn take(
    turn: &mut Turn<'_>,
    survivor: &RecordRef,
    absorbed: &RecordRef,
) -> Result<Vec<PreImage>, Stop> {
    turn.admit(&survivor.connection).await?;
    let read = vendors::whole(&turn.engine.clients, &[survivor, absorbed], &mut turn.log).await;
    turn.learn(None);
    let images = read.map_err(|error| Stop::Vendor(Box::new(error), None))?;
    let holds = |record: &RecordRef| images.iter().any(|image| image.mirror.record == *record);
    if !holds(survivor) || !holds(absorbed) {
        return Err(Impossible(
            "One of the two records could not be read, so no pre-image exists and nothing was merged."
                .to_owned(),
        )
        .into());
    }
    Ok(images)
}
