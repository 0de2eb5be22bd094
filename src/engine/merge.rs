//! A merge a human decided: its facts as they are now, and the preview before it. It plans by the recipe and performs
//! nothing.
//!
//! | file | subject |
//! |---|---|
//! | `group` | who belongs together: more than two of one system, and the same person elsewhere |
//! | `settle` | after the vendor's merge: read back, write what differs, say what stays otherwise |

use super::gather::needed;
use super::operate::{OperateError, Operator, Prepared};
use super::turn::{Stop, Turn};
use crate::domain::ids::DuplicateId;
use crate::domain::merge::{MergeWish, Seen};
use crate::domain::plan::{Effect, Plan};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::review::{Decision, Duplicate, ReviewState};
use crate::journal::Journal;
use crate::recipes::contact_sync::Planned;
use crate::recipes::mend::{self, Impossible};
use crate::recipes::{self, merge};

mod group;
mod settle;

/// Facts and plan of a merge, read now.
pub(super) async fn gather(
    turn: &mut Turn<'_>,
    duplicate: DuplicateId,
    survivor: &RecordRef,
    wish: &MergeWish,
) -> Result<Planned, Stop> {
    let engine = turn.engine;
    let pair = engine
        .journal
        .duplicate(duplicate)
        .await?
        .ok_or_else(|| Impossible(format!("{duplicate} is gone from the journal.")))?;
    let named = named(&pair, survivor, wish)?;
    let mut read: Vec<Vec<Mirror>> = Vec::new();
    for records in &named {
        let mut mirrors = Vec::new();
        for record in records {
            let now = needed(turn, record).await?;
            as_shown(&pair, wish, record, &now)?;
            mirrors.push(now);
        }
        read.push(mirrors);
    }
    let mut groups = Vec::new();
    for records in read {
        let mut linked: Vec<Mirror> = Vec::new();
        for other in linked_to(&engine.journal, &records).await? {
            if let Ok(mirror) = turn.read(&other).await? {
                linked.push(mirror);
            }
        }
        let first = &records[0].record;
        let schema = engine.journal.schema(&first.connection, first.object).await?.map(|known| known.seen);
        let mapping = engine.mapping_of(first.object).as_ref();
        groups.push(merge::Group { records, schema, linked, mapping });
    }
    Ok(merge::plan(&groups, wish, &engine.settings.merge)?.planned)
}

/// The records by system, as the decision names them.
fn named(
    pair: &Duplicate,
    survivor: &RecordRef,
    wish: &MergeWish,
) -> Result<Vec<Vec<RecordRef>>, Impossible> {
    let members = [&pair.left, &pair.right];
    if !members.contains(&survivor) && !wish.also.contains(survivor) {
        return Err(Impossible(format!(
            "{survivor} is neither of the two records; the survivor is {} or {}.",
            pair.left, pair.right
        )));
    }
    let mut own = members.into_iter().filter(|record| *record != survivor);
    let first = own.next().unwrap_or(&pair.right);
    let wish = MergeWish { also: own.chain(&wish.also).cloned().collect(), ..wish.clone() };
    Ok(merge::named_records(survivor, first, &wish))
}

/// What was decided on is still what is there: a value nobody has seen is not merged away.
fn as_shown(pair: &Duplicate, wish: &MergeWish, record: &RecordRef, now: &Mirror) -> Result<(), Impossible> {
    for (side, shown) in [(&pair.left, &pair.left_fields), (&pair.right, &pair.right_fields)] {
        if side == record
            && let Some(field) = mend::changed_since(shown, now)
        {
            return Err(Impossible(format!(
                "{}: {field} changed since the two were shown; the pair is shown anew with what it is now.",
                now.record.title()
            )));
        }
    }
    match wish.seen.get(record) {
        Some(seen) if !seen.holds(now) => Err(Impossible(format!(
            "{} changed since it was shown; decide again with what it is now.",
            now.record.title()
        ))),
        _ => Ok(()),
    }
}

/// Records of other systems that belong to any of these.
async fn linked_to(
    journal: &Journal,
    records: &[Mirror],
) -> Result<Vec<RecordRef>, crate::journal::JournalError> {
    let mut linked: Vec<RecordRef> = Vec::new();
    for mirror in records {
        for other in journal.known(&mirror.record).await?.records {
            if other.connection != mirror.record.connection && !linked.contains(&other) {
                linked.push(other);
            }
        }
    }
    Ok(linked)
}

impl Operator {
    /// The preview of a merge.
    pub(super) async fn merging(
        &self,
        id: DuplicateId,
        survivor: &RecordRef,
        wish: &MergeWish,
    ) -> Result<Prepared, OperateError> {
        let pair =
            self.journal().duplicate(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
        still_a_pair(&pair)?;
        let named = named(&pair, survivor, wish)?;
        self.none_is_judged_different(&named).await?;
        let mut groups = Vec::new();
        let mut title = None;
        for records in &named {
            let mut mirrors = Vec::new();
            for record in records {
                mirrors.push(self.copy(record).await?);
            }
            let mut linked = Vec::new();
            for other in linked_to(self.journal(), &mirrors).await? {
                linked.extend(self.journal().mirror(&other).await?.filter(|mirror| !mirror.deleted));
            }
            let first = &mirrors[0].record;
            let others: Vec<String> = mirrors[1..].iter().map(|mirror| mirror.record.title()).collect();
            title.get_or_insert_with(|| format!("Merge {} into {}", others.join(" and "), first.title()));
            let schema =
                self.journal().schema(&first.connection, first.object).await?.map(|known| known.seen);
            let mapping = self.mapping_of(first.object);
            groups.push(merge::Group { records: mirrors, schema, linked, mapping });
        }
        let merging = merge::plan(&groups, wish, self.merge_settings())?;
        let shown = as_likely(&merging);
        let mut preview = self.preview_of(title.unwrap_or_default(), &shown);
        preview.irreversible = shown.steps.iter().any(|step| matches!(step.effect, Effect::Merge { .. }));
        let reads_back = merging.planned.plan.steps.iter().any(|step| step.reads_back);
        preview.losses = merging.losses;
        preview.merges = merging.tables;
        preview.notes.extend(merging.notes);
        if preview.irreversible {
            preview
                .notes
                .push("Before the first call a capsule keeps every record as it is, whole.".to_owned());
        }
        if reads_back {
            preview.notes.push(
                "Afterwards the record is read back; what the vendor kept otherwise than MERGED shows is written, and \
                 what it does not take is said."
                    .to_owned(),
            );
        }
        preview.notes.extend(self.further(&pair, &named).await?);
        Ok(Prepared {
            recipe: recipes::MERGE_DUPLICATES,
            subject: pair.subject,
            record: survivor.clone(),
            preview,
        })
    }

    /// A merge decision with what its further records hold now, so that a change until it runs is noticed.
    pub(super) async fn as_seen(&self, decision: &Decision) -> Result<Decision, OperateError> {
        let mut decision = decision.clone();
        if let Decision::Merge { wish, .. } = &mut decision {
            let elsewhere = wish
                .elsewhere
                .iter()
                .flat_map(|other| std::iter::once(&other.survivor).chain(&other.absorbed));
            let further: Vec<RecordRef> = wish.also.iter().chain(elsewhere).cloned().collect();
            for record in further {
                if let Some(mirror) = self.journal().mirror(&record).await? {
                    wish.seen.insert(record, Seen::of(&mirror));
                }
            }
        }
        Ok(decision)
    }

    /// What somebody called different is not merged, whoever else looks alike.
    async fn none_is_judged_different(&self, named: &[Vec<RecordRef>]) -> Result<(), OperateError> {
        for records in named {
            for pair in self.journal().pairs_with(records).await? {
                let both = records.contains(&pair.left) && records.contains(&pair.right);
                if both && pair.state == ReviewState::Dismissed {
                    return Err(OperateError::Impossible(format!(
                        "{} and {} were judged different ({}{}), so they are not merged. Take one of them out, or take \
                         that verdict back first.",
                        pair.left,
                        pair.right,
                        pair.id,
                        pair.resolution.map_or_else(String::new, |words| format!(": {words}"))
                    )));
                }
            }
        }
        Ok(())
    }
}

fn still_a_pair(pair: &Duplicate) -> Result<(), OperateError> {
    if pair.state == ReviewState::Dismissed {
        return Err(OperateError::Impossible(format!(
            "{} is dismissed: {} and {} were judged different{}. Take that verdict back before merging them.",
            pair.id,
            pair.left,
            pair.right,
            pair.resolution
                .as_ref()
                .map_or_else(String::new, |words| format!(" ({})", words.trim_end_matches('.')))
        )));
    }
    super::operate::still_open(pair.state, &pair.id.to_string())
}

/// The plan with only those values in its last writes that the vendors' known rules would decide otherwise.
fn as_likely(merging: &merge::Merging) -> Plan {
    let mut plan = merging.planned.plan.clone();
    for (place, likely) in merging.likely.iter().rev() {
        if likely.is_empty() {
            plan.steps.remove(*place);
        } else if let Effect::Update { fields, .. } = &mut plan.steps[*place].effect {
            fields.clone_from(likely);
        }
    }
    plan
}
