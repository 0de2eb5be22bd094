//! How long the chain is that a write to a field would go on with: whose writes it answers, seen from the journal.
//!
//! The rule stands in [`crate::mapping::chain`]; here its inputs are gathered. Nothing is read from a vendor.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::turn::{Stop, Turn};
use crate::domain::agreement::FieldWrite;
use crate::domain::clock::Timestamp;
use crate::domain::record::{Mirror, System};
use crate::journal::facts::value_hash;
use crate::mapping::chain::{self, LastWrite};
use crate::mapping::judge::{left_value, right_as_one, right_values, same};
use crate::recipes::contact_sync::{Facts, Way};
use crate::vendors::{payload, salesforce};

/// A write that answers one of ours this much later answers nothing: apps that fight do it within seconds, and at the
/// latest when polling finds it.
const CHAIN_LIFE: Duration = Duration::from_secs(3600);

/// The hop count that a write to each field would have, for those that would not begin a chain.
pub(super) async fn hops(turn: &mut Turn<'_>, way: Way, facts: &Facts) -> Result<HashMap<String, u32>, Stop> {
    let (Some(left), Some(right)) = (&facts.intercom, &facts.crm) else { return Ok(HashMap::new()) };
    let since = Timestamp(turn.engine.clock.now().0 - CHAIN_LIFE.as_millis() as i64);
    let at_left = turn.engine.journal.field_writes(&left.record, since).await?;
    let at_right = turn.engine.journal.field_writes(&right.record, since).await?;
    if at_left.is_empty() && at_right.is_empty() {
        return Ok(HashMap::new());
    }
    let by_a_human = turn.claim.event.as_ref().is_some_and(payload::is_by_a_human)
        || (way == Way::ToIntercom && by_somebody_else(turn, right).await?);
    if by_a_human {
        return Ok(HashMap::new());
    }
    let mapping = turn.engine.mapping_of(right.record.object);
    let counts = mapping.fields.iter().filter_map(|field| {
        let agreed = facts.agreements.iter().find(|agreement| agreement.field == field.name);
        let at_left = last_write(&at_left, left, std::slice::from_ref(&field.intercom));
        let at_right = last_write(&at_right, right, &field.crm);
        // What somebody put over our write and both sides agreed on since is not fought over any more.
        let (source, target) = match way {
            Way::ToCrm => {
                let now = right_as_one(&right_values(field, &right.fields));
                let settled = agreed.is_some_and(|agreed| same(field, &agreed.right, &now));
                (at_left, at_right.filter(|_| !settled))
            }
            Way::ToIntercom => {
                let settled =
                    agreed.is_some_and(|agreed| same(field, &agreed.left, &left_value(field, &left.fields)));
                (at_right, at_left.filter(|_| !settled))
            }
        };
        let hops = chain::hops(source, target, by_a_human);
        (hops > 1).then(|| (field.name.clone(), hops))
    });
    Ok(counts.collect())
}

/// A Salesforce record says which user changed it last: neither the one we work as nor one of the apps the settings name.
async fn by_somebody_else(turn: &mut Turn<'_>, record: &Mirror) -> Result<bool, Stop> {
    if record.record.system() != System::Salesforce {
        return Ok(false);
    }
    let user = record.text("LastModifiedById");
    let connection = record.record.connection.clone();
    let known = turn.engine.own_user.get().cloned();
    let own = match known {
        Some(own) => own,
        None => {
            turn.admit(&connection).await?;
            let asked = salesforce::own_user(&turn.engine.clients, &connection, &mut turn.log).await;
            turn.learn(None);
            // A token for the API alone may not ask: then nobody is known to be a human.
            let Ok(own) = asked else { return Ok(false) };
            let _ = turn.engine.own_user.set(own.clone());
            own
        }
    };
    let apps = &turn.engine.clients.settings().salesforce.app_users;
    let same = |one: &str, other: &str| !one.is_empty() && one.get(..15) == other.get(..15);
    Ok(!user.is_empty() && !own.is_empty() && !same(&user, &own) && !apps.iter().any(|app| same(app, &user)))
}

/// Our last write to one side of a field, whose parts may have several names there.
fn last_write(writes: &[FieldWrite], now: &Mirror, names: &[String]) -> Option<LastWrite> {
    let parts = writes.iter().filter(|write| names.contains(&write.field));
    parts.fold(None, |known: Option<LastWrite>, write| {
        let value = now.value(&write.field).unwrap_or(&Value::Null);
        let overwritten = value_hash(value) != write.value_hash;
        Some(LastWrite {
            hops: known.map_or(write.hops, |known| known.hops.max(write.hops)),
            overwritten: overwritten || known.is_some_and(|known| known.overwritten),
        })
    })
}
