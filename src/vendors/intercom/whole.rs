//! A contact with its tags, notes and companies: what a merge must not make anybody forget. Reads only.

use std::collections::BTreeMap;

use super::{calls, one, wire};
use crate::domain::capsule::PreImage;
use crate::domain::record::{ObjectKind, RecordRef};
use crate::vendors::error::VendorError;
use crate::vendors::http::{Clients, Log};

/// The contact as it is now.
pub(crate) async fn whole(
    clients: &Clients,
    record: &RecordRef,
    log: &mut Log,
) -> Result<PreImage, VendorError> {
    let request = calls::contacts::get(&record.id).purpose("read contact, whole");
    let answer = clients.send(&record.connection, &request, log).await?;
    let mut associations = BTreeMap::new();
    let mut short = Vec::new();
    for kind in ["tags", "notes"] {
        let Some(list) = answer.get(kind) else { continue };
        let ids: Vec<String> = wire::items(list).iter().filter_map(wire::id).collect();
        // Intercom puts the first ten into the contact and says how many there are.
        let all = list.get("total_count").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if all > ids.len() as u64 {
            short.push(format!("{} of {all} {kind}", ids.len()));
        }
        associations.insert(kind.to_owned(), ids);
    }
    let mirror = one(clients, &record.connection, ObjectKind::Contact, &answer, log).await?;
    associations.insert("companies".to_owned(), mirror.companies.clone());
    let incomplete = (!short.is_empty()).then(|| format!("Only {} are named here.", short.join(" and ")));
    Ok(PreImage { mirror, associations, incomplete })
}
