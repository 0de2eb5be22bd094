//! A look over everybody: page by page out of the journal, compared at once, stored page by page. It also learns what
//! changed records are compared by until the next one.

use std::collections::HashMap;
use std::sync::Arc;

use super::people::{is_compared, pairs, person};
use super::{changed, groups};
use crate::domain::record::{Connection, ObjectKind, System};
use crate::engine::Engine;
use crate::journal::JournalError;
use crate::journal::match_keys::Learned;
use crate::matching::{Index, Person};

/// Copies read at once.
const PAGE: usize = 2_000;
/// Candidates stored at once.
const STORED: usize = 200;
/// Records whose keys are stored at once.
const KEYED: usize = 1_000;

/// How far a look over everybody has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Whose people.
    pub connection: Connection,
    /// What is done at the moment.
    pub stage: &'static str,
    /// So many records or pairs of that are done.
    pub done: usize,
}

/// What a look over everybody found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Records compared.
    pub records: usize,
    /// Pairs worth a look.
    pub pairs: usize,
}

impl Engine {
    /// Compares everybody of each side with each other and stores the candidates.
    pub async fn scan_people(&self, mut tell: impl FnMut(Progress) + Send) -> Result<Found, JournalError> {
        let look = self.journal.begin_scan().await?;
        let mut found = Found::default();
        for connection in [self.intercom.clone(), self.crm.clone()] {
            let Some(part) = self.scan_connection(&connection, look, &mut tell).await? else {
                tracing::warn!(%connection, "a scan for duplicates stumbled; the candidates stay as they were");
                return Ok(found);
            };
            found.records += part.records;
            found.pairs += part.pairs;
        }
        self.journal.end_scan(look).await?;
        groups::regroup_all(&self.journal, &self.settings.matching).await?;
        self.label_incidents().await?;
        Ok(found)
    }

    /// None when the comparison itself stumbled.
    async fn scan_connection(
        &self,
        connection: &Connection,
        look: i64,
        tell: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Option<Found>, JournalError> {
        let (_, up_to) = self.journal.match_backlog().await?;
        let people = self.everybody(connection, tell).await?;
        let records = people.len();
        let settings = self.settings.matching.shown();
        let salt = changed::salt(connection);
        let compared = tokio::task::spawn_blocking(move || {
            // Prepared once, for the pairs and for what is learned.
            let index = Index::with_settings(&people, settings);
            (index.duplicates(), index.model(), people)
        })
        .await;
        let Ok((candidates, model, people)) = compared else { return Ok(None) };
        let model = Arc::new(model);
        let pairs_found = candidates.len();
        let now = self.clock.now();
        let mut rest = candidates;
        let mut stored = 0;
        while !rest.is_empty() {
            let page: Vec<_> = rest.drain(..rest.len().min(STORED)).collect();
            stored += page.len();
            let mut names: Vec<String> =
                page.iter().flat_map(|one| [one.left.clone(), one.right.clone()]).collect();
            names.sort_unstable();
            names.dedup();
            let copies = self.journal.mirrors_of(names).await?;
            let by_key: HashMap<String, _> =
                copies.into_iter().map(|mirror| (mirror.record.to_string(), mirror)).collect();
            self.journal.put_found(look, pairs(page, &by_key, now)).await?;
            tell(Progress { connection: connection.clone(), stage: "pairs stored", done: stored });
        }
        let people = Arc::new(people);
        for from in (0..people.len()).step_by(KEYED) {
            let (model, those) = (Arc::clone(&model), Arc::clone(&people));
            let keyed = tokio::task::spawn_blocking(move || {
                let page = &those[from..those.len().min(from + KEYED)];
                page.iter()
                    .filter_map(|one| Some((one.key.parse().ok()?, changed::keys(&model, one, salt))))
                    .collect()
            })
            .await;
            let Ok(keyed) = keyed else { return Ok(None) };
            self.journal.put_match_keys(keyed).await?;
            tell(Progress {
                connection: connection.clone(),
                stage: "records indexed",
                done: people.len().min(from + KEYED),
            });
        }
        let learned = Learned { at: now, records: records as u64, changed: 0 };
        self.journal.end_learning(connection, learned, up_to).await?;
        self.models.put(connection, model);
        Ok(Some(Found { records, pairs: pairs_found }))
    }

    /// Everybody of a connection as the matcher takes them; the copies themselves are held a page at a time.
    async fn everybody(
        &self,
        connection: &Connection,
        tell: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Vec<Person>, JournalError> {
        let kinds: &[ObjectKind] = match connection.system {
            System::Salesforce => &[ObjectKind::Contact, ObjectKind::Lead],
            _ => &[ObjectKind::Contact],
        };
        let mut people = Vec::new();
        for kind in kinds {
            let mut after = String::new();
            loop {
                let page = self.journal.mirrors_after(connection, *kind, &after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.record.to_string();
                people.extend(page.iter().filter(|mirror| is_compared(mirror)).map(person));
                tell(Progress { connection: connection.clone(), stage: "records read", done: people.len() });
            }
        }
        Ok(people)
    }
}
