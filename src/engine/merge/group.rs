//! Who belongs together beyond a pair: more records of the same system, and the same person's records elsewhere.
//!
//! A record joins when a scan put it into the pair's group, or when it is an open candidate with at least half of those
//! that are there: looking alike is not handed on from one to the next. Nothing is merged without being named in the decision.

use std::collections::BTreeSet;

use super::{linked_to, still_a_pair};
use crate::domain::ids::DuplicateId;
use crate::domain::merge::{Elsewhere, MergeWish};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::{Decision, Duplicate, ReviewState};
use crate::engine::operate::{OperateError, Operator};
use crate::recipes::merge;

/// Records of one person that are proposed together at the most.
const MOST: usize = 20;

impl Operator {
    /// The record of a pair that goes on by the rules.
    pub async fn survivor_of(&self, id: DuplicateId) -> Result<RecordRef, OperateError> {
        let pair =
            self.journal().duplicate(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        Ok(self.master(&[pair.left.clone(), pair.right.clone()]).await?.unwrap_or(pair.left))
    }

    /// The merge of everything that belongs to a pair: further records of its system, and the same person's records in
    /// the other one. `survivor` none = by the rules.
    pub async fn whole_merge(
        &self,
        id: DuplicateId,
        survivor: Option<RecordRef>,
        wish: MergeWish,
    ) -> Result<Decision, OperateError> {
        let pair =
            self.journal().duplicate(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        still_a_pair(&pair)?;
        let members = self.members(&pair).await?;
        let survivor = match survivor {
            Some(survivor) => survivor,
            None => self.master(&members).await?.unwrap_or_else(|| pair.left.clone()),
        };
        let elsewhere = self.elsewhere(&members).await?;
        let also =
            members.into_iter().filter(|record| ![&pair.left, &pair.right, &survivor].contains(&record));
        let mut also: Vec<RecordRef> = also.collect();
        if ![&pair.left, &pair.right].contains(&&survivor) {
            also.push(survivor.clone());
        }
        let wish = MergeWish { also, elsewhere, ..wish };
        Ok(Decision::Merge { duplicate: id, survivor, wish: Box::new(wish) })
    }

    /// The decision with the group it asks for, by its records; none where it asks for none.
    pub(in crate::engine) async fn whole(
        &self,
        decision: &Decision,
    ) -> Result<Option<Decision>, OperateError> {
        match decision {
            Decision::Merge { duplicate, survivor, wish } if wish.group => {
                let wish = MergeWish { group: false, ..MergeWish::clone(wish) };
                Ok(Some(self.whole_merge(*duplicate, Some(survivor.clone()), wish).await?))
            }
            _ => Ok(None),
        }
    }

    /// What else belongs to a pair and is not named in a merge, as sentences.
    pub(super) async fn further(
        &self,
        pair: &Duplicate,
        named: &[Vec<RecordRef>],
    ) -> Result<Vec<String>, OperateError> {
        let names =
            |records: &[RecordRef]| records.iter().map(RecordRef::title).collect::<Vec<_>>().join(", ");
        let mut notes = Vec::new();
        let left_out = |record: &RecordRef| !named.iter().any(|group| group.contains(record));
        let members = self.members(pair).await?;
        let out: Vec<RecordRef> = members.iter().filter(|record| left_out(record)).cloned().collect();
        if !out.is_empty() {
            notes.push(format!(
                "{} belongs to them too and stays as it is (--group, g takes it in).",
                names(&out)
            ));
        }
        for other in self.elsewhere(&members).await? {
            let mut records = vec![other.survivor];
            records.extend(other.absorbed);
            if records.iter().any(left_out) {
                notes.push(format!(
                    "{} are the same person and stay as they are (--group, g merges them too).",
                    names(&records)
                ));
            }
        }
        Ok(notes)
    }

    /// The records of a pair's system that are one with it.
    async fn members(&self, pair: &Duplicate) -> Result<Vec<RecordRef>, OperateError> {
        let mut members = vec![pair.left.clone(), pair.right.clone()];
        loop {
            let pairs = self.journal().pairs_with(&members).await?;
            let apart: BTreeSet<(&RecordRef, &RecordRef)> = pairs
                .iter()
                .filter(|pair| pair.state == ReviewState::Dismissed)
                .flat_map(|pair| [(&pair.left, &pair.right), (&pair.right, &pair.left)])
                .collect();
            let open = |one: &RecordRef, other: &RecordRef| {
                pairs.iter().any(|pair| {
                    matches!(pair.state, ReviewState::Open | ReviewState::Ignored)
                        && (pair.left == *one && pair.right == *other
                            || pair.left == *other && pair.right == *one)
                })
            };
            let joins = pairs.iter().flat_map(|pair| [&pair.left, &pair.right]).find(|record| {
                let known = members.iter().filter(|member| open(member, record)).count();
                let grouped = pair.standing.group.is_some()
                    && pairs.iter().any(|other| {
                        other.standing.group == pair.standing.group
                            && (other.left == **record || other.right == **record)
                    });
                !members.contains(record)
                    && record.connection == pair.left.connection
                    && (grouped && known > 0 || known * 2 >= members.len())
                    && !members.iter().any(|member| apart.contains(&(member, record)))
            });
            match joins.cloned() {
                Some(record) if members.len() < MOST => members.push(record),
                _ => return Ok(members),
            }
        }
    }

    /// The same person's records in other systems that are candidates themselves and that the vendor can merge.
    async fn elsewhere(&self, members: &[RecordRef]) -> Result<Vec<Elsewhere>, OperateError> {
        let mut mirrors = Vec::new();
        for record in members {
            mirrors.extend(self.journal().mirror(record).await?);
        }
        let linked = linked_to(self.journal(), &mirrors).await?;
        let pairs = self.journal().pairs_with(&linked).await?;
        let first = pairs.into_iter().find(|pair| {
            pair.state == ReviewState::Open && linked.contains(&pair.left) && linked.contains(&pair.right)
        });
        let Some(pair) = first else { return Ok(Vec::new()) };
        let records: Vec<RecordRef> = Box::pin(self.members(&pair)).await?;
        let records: Vec<RecordRef> = records.into_iter().filter(|record| linked.contains(record)).collect();
        let mut mirrors: Vec<Mirror> = Vec::new();
        for record in &records {
            mirrors.extend(self.journal().mirror(record).await?.filter(|mirror| !mirror.deleted));
        }
        let Some(master) = merge::master(&mirrors, self.merge_settings().master) else {
            return Ok(Vec::new());
        };
        let absorbed: Vec<RecordRef> = mirrors
            .iter()
            .filter(|mirror| mirror.record != master.record && merge::obstacle(master, mirror).is_none())
            .map(|mirror| mirror.record.clone())
            .collect();
        if absorbed.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Elsewhere { survivor: master.record.clone(), absorbed }])
    }

    async fn master(&self, records: &[RecordRef]) -> Result<Option<RecordRef>, OperateError> {
        let mut mirrors = Vec::new();
        for record in records {
            mirrors.extend(self.journal().mirror(record).await?.filter(|mirror| !mirror.deleted));
        }
        Ok(merge::master(&mirrors, self.merge_settings().master).map(|mirror| mirror.record.clone()))
    }
}
