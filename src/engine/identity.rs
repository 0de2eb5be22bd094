//! Who a record is on the other side, where its external id names one record and its e-mail another: nothing is written
//! until a human says which of the two is right.
//!
//! The e-mail is asked only where it says something else than the record the external id names: one call, and none for
//! people who are tied already.

use serde_json::Value;

use super::turn::{Stop, Turn};
use crate::domain::plan::FoundConflict;
use crate::domain::record::{Connection, Mirror, RecordRef};
use crate::domain::review::{Choice, Conflict, ConflictKind};
use crate::mapping::identity::{Identified, identify};
use crate::recipes::contact_sync::{Planned, Way};
use crate::recipes::mend::{self, IDENTITY, Impossible};

/// Stops the run where the two ways to a person lead to different records.
pub(super) async fn check(
    turn: &mut Turn<'_>,
    way: Way,
    own: &Mirror,
    found: &Mirror,
    other_side: &Connection,
) -> Result<(), Stop> {
    let (email, theirs) = (own.text("email"), found.text("email"));
    if email.trim().is_empty() || email.trim().eq_ignore_ascii_case(theirs.trim()) {
        return Ok(());
    }
    let by_email = turn.find(other_side, "email", email.trim()).await?;
    let records = |mirrors: &[Mirror]| mirrors.iter().map(|mirror| mirror.record.clone()).collect::<Vec<_>>();
    let Identified::Disagree(named) = identify(&[vec![found.record.clone()], records(&by_email)]) else {
        return Ok(());
    };
    let Some((_, other)) = named.into_iter().find(|(key, _)| *key == 1) else { return Ok(()) };
    let mapping = std::sync::Arc::clone(&turn.engine.mapping);
    let (left, right, reference) = match way {
        Way::ToCrm => (own, found, &mapping.intercom_identity),
        Way::ToIntercom => (found, own, &mapping.crm_identity),
    };
    let role = mapping.field_of_crm("email").map_or("revops", |field| field.decides.as_str());
    // Not tied: which two are one person is just what is not known.
    turn.identity.clear();
    turn.planned.plan.conflicts = vec![FoundConflict {
        kind: ConflictKind::Identity,
        field: IDENTITY.to_owned(),
        left: left.record.clone(),
        left_field: reference.clone(),
        left_value: Value::String(found.record.to_string()),
        right: right.record.clone(),
        right_field: "email".to_owned(),
        right_value: Value::String(other.to_string()),
        base: None,
        rule: format!("external id {reference} before e-mail; where they disagree, a human decides"),
        line: String::new(),
        decides: role.to_owned(),
        allowed: Vec::new(),
        left_by: None,
        right_by: None,
    }];
    Err(Impossible(format!(
        "The external id of {} names {}, its e-mail {}: which of the two it is, a human has to say.",
        own.record.title(),
        found.record.title(),
        other.title()
    ))
    .into())
}

/// Facts and plan for what a human said.
pub(super) async fn settle(
    turn: &mut Turn<'_>,
    conflict: &Conflict,
    choice: &Choice,
) -> Result<Planned, Stop> {
    let (chosen, dropped) = mend::named(conflict, choice)?;
    let own = mend::own(conflict, &chosen).clone();
    let own = super::gather::needed(turn, &own).await?;
    let chosen = super::gather::needed(turn, &chosen).await?;
    let dropped = turn.read(&dropped).await?.ok();
    let mapping = std::sync::Arc::clone(&turn.engine.mapping);
    turn.identity = vec![own.record.clone(), chosen.record.clone()];
    Ok(mend::identify(&own, &chosen, dropped.as_ref(), &mapping))
}

/// Somebody has to say first who this is.
pub(super) fn waits(held: &[String], ignored: &[Conflict], own: &RecordRef) -> Option<String> {
    let waits = held.iter().any(|field| field == IDENTITY)
        || ignored.iter().any(|conflict| conflict.field == IDENTITY);
    waits.then(|| {
        format!("Who {} is on the other side waits for a decision; nothing was written.", own.title())
    })
}
