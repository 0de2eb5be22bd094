//! Whom somebody means who gave an e-mail or an id of their own instead of Intercom's: looked up, never guessed.

use super::super::turn::{Stop, Turn};
use super::facts::current;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Mirror, ObjectKind, RecordRef, System};
use crate::domain::text::shorten;

/// Letters of an unknown name that a sentence repeats.
const NAME: usize = 80;

/// The person in Intercom by what stands in for an id: an e-mail, Intercom's id, or the id the customer gave them. Missing
/// data when there is nobody, or more than one.
pub(in crate::engine) async fn named(turn: &mut Turn<'_>, record: &RecordRef) -> Result<Mirror, Stop> {
    let name = record.id.clone();
    let (field, called) = if name.contains('@') { ("email", "e-mail") } else { ("external_id", "id") };
    if field == "external_id"
        && let Some(mirror) = current(turn, record).await?
    {
        return Ok(mirror);
    }
    turn.gone.retain(|gone| gone != record);
    let mut found = match turn.find(&record.connection, field, &name).await {
        Err(Stop::Vendor(error, _)) if error.class == ErrorClass::NotFound => Vec::new(),
        found => found?,
    };
    // A user and leads may share an address; the user is the person.
    found.sort_by_key(|mirror| mirror.text("role") != "user");
    let users = found.iter().filter(|mirror| mirror.text("role") == "user").count();
    match (found.len(), users) {
        (0, _) => Err(Stop::Missing(format!(
            "Intercom has nobody with the {called} \"{}\", so nothing was done. Create the contact there, then retry.",
            shorten(&name, NAME)
        ))),
        (1, _) | (_, 1) => Ok(found.swap_remove(0)),
        (count, _) => Err(Stop::Missing(format!(
            "{count} people in Intercom have the {called} \"{}\": merge them there, then retry.",
            shorten(&name, NAME)
        ))),
    }
}

/// Whether a record is named by something that may be no id of Intercom's.
pub(in crate::engine) fn is_a_name(record: &RecordRef) -> bool {
    record.system() == System::Intercom && record.object == ObjectKind::Contact && !is_an_id(&record.id)
}

/// Intercom's ids of contacts are 24 digits and letters a to f.
fn is_an_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
