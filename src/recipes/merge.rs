//! Plans the merge of records a human takes for one person: who goes on, which values survive, the exact calls, their
//! order over several systems, and what is lost. It merges nothing and reads nothing: the facts are given.
//!
//! | file | subject |
//! |---|---|
//! | `settings` | `[merge]`: the rules |
//! | `master` | which record goes on |
//! | `survivors` | field by field, whose value survives |
//! | `losses` | what the vendors do with the rest, and what is gone for good |
//! | `steps` | the calls of one system |
//! | `instead` | copying over and archiving, where a vendor merges no such pair |
//! | `compensate` | taking back what can be when a later system refuses |

use super::contact_sync::Planned;
use super::mend::Impossible;
use crate::domain::merge::{Instead, MergeTable, MergeWish};
use crate::domain::plan::{Loss, Plan};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::schema::ObjectSchema;
use crate::mapping::Mapping;

mod compensate;
mod instead;
mod losses;
mod master;
mod settings;
mod steps;
mod survivors;

pub use compensate::{compensate, is_due};
pub use master::master;
pub use settings::{FieldRule, MasterRule, Settings};

/// Records of one system that become one.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The records, the one that goes on first.
    pub records: Vec<Mirror>,
    /// What their fields are, where that was looked at.
    pub schema: Option<ObjectSchema>,
    /// Records of the other side that belong to any of them.
    pub linked: Vec<Mirror>,
    /// How the other side refers to them, and they to it.
    pub mapping: &'a Mapping,
}

impl Group<'_> {
    fn system(&self) -> System {
        self.records.first().map_or(System::Intercom, |mirror| mirror.record.system())
    }

    fn master(&self) -> Result<&Mirror, Impossible> {
        self.records.first().ok_or_else(|| Impossible("A merge of no records is none.".to_owned()))
    }
}

/// A merge as it would be carried out, and what it would make of the records.
#[derive(Debug, Clone, Default)]
pub struct Merging {
    /// The plan.
    pub planned: Planned,
    /// By the place of a step: what of its values the vendor's own rule would decide otherwise, so far as it is known.
    pub likely: Vec<(usize, Fields)>,
    /// Each system's records beside what they become.
    pub tables: Vec<MergeTable>,
    /// Values that go away.
    pub losses: Vec<Loss>,
    /// What is to be known before.
    pub notes: Vec<String>,
}

/// Plans a merge in every system it is about: Salesforce, then HubSpot, then Intercom.
pub fn plan(groups: &[Group<'_>], wish: &MergeWish, settings: &Settings) -> Result<Merging, Impossible> {
    let mut order: Vec<&Group<'_>> = groups.iter().collect();
    order.sort_by_key(|group| match group.system() {
        System::Salesforce => 0,
        System::Hubspot => 1,
        System::Intercom => 2,
    });
    let mut merging = Merging::default();
    for group in &order {
        let master = group.master()?;
        let mut survivors = survivors::survivors(&group.records, group.schema.as_ref(), wish, settings)?;
        steps::settle_references(&mut survivors, group, groups);
        if wish.instead == Some(Instead::CopyAndArchive) && group.system() == System::Intercom {
            instead::steps(&mut merging, group, &survivors)?;
        } else {
            let loser = group.records[1..].iter().find_map(|other| obstacle(master, other));
            if let Some(obstacle) = loser {
                return Err(Impossible(obstacle));
            }
            steps::steps(&mut merging, group, groups, &survivors)?;
        }
        merging.losses.extend(losses::losses(group, &survivors));
        for note in losses::notes(group, &survivors) {
            if wish.instead.is_none() && !merging.notes.contains(&note) {
                merging.notes.push(note);
            }
        }
        let mut rows: Vec<_> = survivors
            .iter()
            .filter(|one| {
                one.values.iter().any(|value| !crate::mapping::transform::is_blank(value))
                    || one.from.is_none()
            })
            .collect();
        rows.sort_by_key(|one| (!one.differs(), !one.writable));
        merging.tables.push(MergeTable {
            records: group.records.iter().map(|mirror| mirror.record.clone()).collect(),
            master: settings.master.phrase().to_owned(),
            rows: rows.into_iter().map(survivors::Survivor::row).collect(),
        });
    }
    if order.len() > 1 {
        let systems: Vec<&str> = order.iter().map(|group| group.system().title()).collect();
        merging.notes.push(format!(
            "In this order: {}. If a later one refuses, the values written in the earlier ones are set back and the \
             references are put right; {}.",
            systems.join(", then "),
            losses::stays(order[0].system())
        ));
    }
    Ok(merging)
}

/// Why the vendor cannot merge these two, and what would do instead; none when it can.
pub fn obstacle(survivor: &Mirror, absorbed: &Mirror) -> Option<String> {
    match survivor.record.system() {
        System::Hubspot => None,
        System::Salesforce => salesforce_obstacle(survivor, absorbed),
        System::Intercom => match (survivor.text("role").as_str(), absorbed.text("role").as_str()) {
            ("user", "lead") => None,
            ("lead", "user") => {
                Some("Intercom only merges a lead into a user: choose the user as survivor.".into())
            }
            ("user", "user") => Some(
                "Intercom cannot merge two users. Instead: copy over what the chosen one lacks, then archive the other \
                 (`reknit merge ID --instead copy-and-archive`); x marks them as different if they are."
                    .into(),
            ),
            _ => Some(
                "Intercom cannot merge two leads; one of them must become a user first. Instead: copy over what the \
                 chosen one lacks, then archive the other (`reknit merge ID --instead copy-and-archive`)."
                    .into(),
            ),
        },
    }
}

fn salesforce_obstacle(survivor: &Mirror, absorbed: &Mirror) -> Option<String> {
    match (survivor.record.object, absorbed.record.object) {
        (ObjectKind::Lead, ObjectKind::Contact) => Some(
            "Salesforce only converts a lead into a contact, never the other way: choose the contact as survivor."
                .into(),
        ),
        (ObjectKind::Contact, ObjectKind::Lead) if survivor.text("AccountId").is_empty() && survivor.companies.is_empty() => {
            Some(
                "Salesforce converts a lead only into a contact that belongs to an account, and this contact belongs to \
                 none. Link the contact to an account first."
                    .into(),
            )
        }
        _ => None,
    }
}

/// The records a merge of several systems names, by system, the one that goes on first.
pub fn named_records(survivor: &RecordRef, other: &RecordRef, wish: &MergeWish) -> Vec<Vec<RecordRef>> {
    let mut own = vec![survivor.clone(), other.clone()];
    own.extend(wish.also.iter().filter(|record| *record != survivor && *record != other).cloned());
    let mut all = vec![own];
    for elsewhere in &wish.elsewhere {
        all.push(std::iter::once(&elsewhere.survivor).chain(&elsewhere.absorbed).cloned().collect());
    }
    all
}

/// Whether a plan merges in several systems.
fn merged_systems(plan: &Plan) -> Vec<System> {
    use crate::domain::plan::{Effect, StepState};
    let mut systems = Vec::new();
    for step in &plan.steps {
        if let (Effect::Merge { survivor, .. }, StepState::Done) = (&step.effect, step.state)
            && !systems.contains(&survivor.system())
        {
            systems.push(survivor.system());
        }
    }
    systems
}

#[cfg(test)]
mod tests;
