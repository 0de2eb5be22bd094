//! Which rules use which fields, and which of them a change hits; a hit holds back what would go wrong, and no more.

use serde::{Deserialize, Serialize};

use super::{Change, DriftKind, Hit};
use crate::domain::record::{ObjectKind, System};

words! {
    /// What uses a field.
    pub enum UserKind {
        /// A mapping.
        Mapping = "mapping",
        /// A recipe.
        Recipe = "recipe",
    }
}

/// One place of a rule that names a field of a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldUse {
    /// Mapping or recipe.
    pub kind: UserKind,
    /// Its name.
    pub user: String,
    /// Its file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// What people call the place: the mapping's field, the recipe's action.
    pub place: String,
    /// Whose field.
    pub system: System,
    /// Of which kind of record.
    pub object: ObjectKind,
    /// The vendor's name of it.
    pub field: String,
    /// Its value is looked at.
    pub reads: bool,
    /// Its value is changed.
    pub writes: bool,
    /// The values that stand in the rule for it.
    pub values: Vec<String>,
    /// It ties records together: without it nothing of the rule can be done.
    pub identity: bool,
}

/// One place of a rule that makes records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUse {
    /// Mapping or recipe.
    pub kind: UserKind,
    /// Its name.
    pub user: String,
    /// Its file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// What people call the place.
    pub place: String,
    /// Where.
    pub system: System,
    /// Of which kind.
    pub object: ObjectKind,
    /// The fields it fills.
    pub sets: Vec<String>,
}

/// Everything that rules use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Fields.
    pub fields: Vec<FieldUse>,
    /// Creates.
    pub creates: Vec<CreateUse>,
}

impl Uses {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.fields.extend(other.fields);
        self.creates.extend(other.creates);
    }

    /// Whether anything of a kind of record is used.
    pub fn of(&self, system: System, object: ObjectKind) -> bool {
        self.fields.iter().any(|one| one.system == system && one.object == object)
            || self.creates.iter().any(|one| one.system == system && one.object == object)
    }
}

/// The places a change hits, and whether what stands there is held back.
pub fn hits(change: &Change, uses: &Uses) -> Vec<Hit> {
    let system = change.connection.system;
    let same = |name: &str| match system {
        System::Salesforce => name.eq_ignore_ascii_case(&change.field),
        _ => name == change.field,
    };
    let mut hits: Vec<Hit> = Vec::new();
    let fields = uses.fields.iter().filter(|one| one.system == system && one.object == change.object);
    for one in fields.filter(|one| change.field.is_empty() || same(&one.field)) {
        let Some(holds) = held(change, one) else { continue };
        push(
            &mut hits,
            Hit {
                kind: one.kind,
                user: one.user.clone(),
                file: one.file.clone(),
                line: one.line,
                place: one.place.clone(),
                holds,
                whole: one.identity,
            },
        );
    }
    let creates = uses.creates.iter().filter(|one| one.system == system && one.object == change.object);
    for one in creates {
        let hit = match change.kind {
            DriftKind::Required => !one.sets.iter().any(|name| same(name)),
            DriftKind::NotCreatable | DriftKind::Unreadable => true,
            _ => false,
        };
        if hit {
            push(
                &mut hits,
                Hit {
                    kind: one.kind,
                    user: one.user.clone(),
                    file: one.file.clone(),
                    line: one.line,
                    place: one.place.clone(),
                    holds: true,
                    whole: true,
                },
            );
        }
    }
    hits
}

fn push(hits: &mut Vec<Hit>, hit: Hit) {
    let known = hits.iter_mut().find(|known| {
        known.user == hit.user && known.file == hit.file && known.line == hit.line && known.place == hit.place
    });
    match known {
        Some(known) => {
            known.holds |= hit.holds;
            known.whole |= hit.whole;
        }
        None => hits.push(hit),
    }
}

/// Whether a use is held back because of a change; none where the change does not touch it.
fn held(change: &Change, one: &FieldUse) -> Option<bool> {
    use DriftKind as K;
    match change.kind {
        K::Removed | K::Renamed | K::Retyped | K::Unreadable => Some(true),
        K::ReadOnly | K::NotUpdatable => one.writes.then_some(true),
        // Values that stand in the rule are refused from now on; others are, one by one, where they occur.
        K::OptionsRemoved => Some(one.values.iter().any(|value| change.values.contains(value))),
        K::Relabelled | K::OptionsAdded | K::OptionsRelabelled => Some(false),
        // Told by what makes the records.
        K::Required | K::NotCreatable => None,
    }
}
