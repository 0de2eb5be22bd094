//! One changed record against all others, without a look over everything: its keys name those it may be, the model of the
//! last whole look weighs what they share.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::groups;
use super::people::{is_compared, pair, person};
use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection, Mirror};
use crate::engine::Engine;
use crate::journal::JournalError;
use crate::journal::match_keys::{Changed, Matched, stored_key};
use crate::matching::{Model, Person};

/// Changed records taken at once.
const BATCH: usize = 50;
/// Records one changed record is compared with: those that share most keys with it.
const PARTNERS: usize = 150;
/// Changes that always may come one by one; beyond, a tenth of all.
const FEW: u64 = 200;

/// What the last whole looks of this process learned, for each connection.
#[derive(Debug, Default)]
pub struct Models(Mutex<HashMap<String, Arc<Model>>>);

impl Models {
    pub(super) fn put(&self, connection: &Connection, model: Arc<Model>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.to_string(), model);
    }

    fn get(&self, connection: &Connection) -> Option<Arc<Model>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&connection.to_string()).cloned()
    }
}

/// A changed record as it is now.
struct Known {
    mirror: Mirror,
    model: Arc<Model>,
    keys: Vec<i64>,
}

/// What keeps the people of two connections apart in one index: FNV-1a of the name.
pub(super) fn salt(connection: &Connection) -> u64 {
    connection
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a person is looked up by.
pub(super) fn keys(model: &Model, person: &Person, salt: u64) -> Vec<i64> {
    let mut keys: Vec<i64> = model.keys(person).into_iter().map(|key| stored_key(key, salt)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Engine {
    /// Whether it is time to look over everybody again: never done by this process, too old, or too much has changed since
    /// to go by what was learned then.
    pub(super) async fn whole_look_is_due(&self) -> Result<bool, JournalError> {
        let (backlog, _) = self.journal.match_backlog().await?;
        let life = Duration::from_secs(self.settings.full_scan_hours * 3600);
        for connection in [&self.intercom, &self.crm] {
            if self.models.get(connection).is_none() {
                return Ok(true);
            }
            let Some(learned) = self.journal.learned(connection).await? else { return Ok(true) };
            let old = self.clock.now().since(learned.at) > life.as_millis() as i64;
            if old || learned.changed + backlog > FEW.max(learned.records / 10) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Compares every record that changed since it was compared last; how many were. Nothing is done before a whole look
    /// has learned what is common, nor where so much changed that one is due.
    pub async fn match_changed(&self) -> Result<usize, JournalError> {
        if self.whole_look_is_due().await? {
            return Ok(0);
        }
        let mut done = 0;
        loop {
            let changes = self.journal.match_changes(BATCH).await?;
            let taken = changes.len();
            // All are in the index before any is looked up: two new ones would not see each other otherwise.
            let mut known = Vec::with_capacity(taken);
            for change in &changes {
                known.push(self.known(change).await?);
            }
            let keyed = changes.iter().zip(&known).filter_map(|(change, known)| {
                known.as_ref().map(|known| (change.record.clone(), known.keys.clone()))
            });
            self.journal.put_match_keys(keyed.collect()).await?;
            let mut touched = HashSet::new();
            let mut matched = Vec::with_capacity(taken);
            for (change, known) in changes.into_iter().zip(known) {
                let one = self.matched(change, known).await?;
                touched.extend(
                    one.pairs.iter().flat_map(|pair| [pair.left.to_string(), pair.right.to_string()]),
                );
                touched.insert(one.changed.record.to_string());
                matched.push(one);
            }
            let counted = self.journal.put_matched(matched).await?;
            done += counted;
            if !touched.is_empty() {
                let touched = touched.into_iter().collect();
                groups::regroup(&self.journal, touched, &self.settings.matching).await?;
                self.label_incidents().await?;
            }
            // What changed again meanwhile is left for the next call.
            if taken < BATCH || counted == 0 {
                return Ok(done);
            }
        }
    }

    /// A changed record as it is now; none when it is gone, or of a connection that is neither side.
    async fn known(&self, changed: &Changed) -> Result<Option<Known>, JournalError> {
        let Some(mirror) = self.journal.mirror(&changed.record).await?.filter(is_compared) else {
            return Ok(None);
        };
        let connection = &changed.record.connection;
        Ok(self.models.get(connection).map(|model| {
            let keys = keys(&model, &person(&mirror), salt(connection));
            Known { mirror, model, keys }
        }))
    }

    /// What one changed record is found to be.
    async fn matched(&self, changed: Changed, known: Option<Known>) -> Result<Matched, JournalError> {
        let Some(Known { mirror, model, keys }) = known else {
            return Ok(Matched { changed, keys: Vec::new(), pairs: Vec::new() });
        };
        let cap = self.settings.matching.block_limit;
        let partners = self.journal.match_partners(&changed.record, keys.clone(), cap, PARTNERS).await?;
        let (now, least) = (self.clock.now(), self.settings.matching.shown().minimum_probability);
        let pairs =
            tokio::task::spawn_blocking(move || compare(&model, &mirror, &partners, least, now)).await;
        let pairs = pairs.unwrap_or_else(|error| {
            tracing::warn!(%error, "a record could not be compared; it is when it changes again");
            Vec::new()
        });
        Ok(Matched { changed, keys, pairs })
    }
}

fn compare(
    model: &Model,
    mirror: &Mirror,
    partners: &[Mirror],
    least: f64,
    now: Timestamp,
) -> Vec<crate::domain::review::Duplicate> {
    let comparable =
        |other: &&Mirror| is_compared(other) && other.record.connection == mirror.record.connection;
    let others: HashMap<String, &Mirror> =
        partners.iter().filter(comparable).map(|other| (other.record.to_string(), other)).collect();
    let people: Vec<Person> = others.values().map(|other| person(other)).collect();
    let one = person(mirror);
    model
        .candidates(&one, &people)
        .into_iter()
        .filter(|candidate| candidate.probability >= least)
        .filter_map(|candidate| {
            let turned = candidate.left != one.key;
            let other = *others.get(if turned { &candidate.left } else { &candidate.right })?;
            let (left, right) = if turned { (other, mirror) } else { (mirror, other) };
            Some(pair(candidate, left, right, now))
        })
        .collect()
}
