//! Which comparisons a table allows, which of them say the same twice, and the levels of a pair in all of them.
//! It weighs nothing.

use super::levels::{SWAPPED, Scale, level, scale};
use super::schema::FieldType;
use super::values::{Column, Value};
use crate::matching::estimate::NOTHING;

/// One comparison: of one column, or of several that hold the same kind of thing.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// As it stands in the reasons.
    pub(super) name: String,
    pub(super) kind: FieldType,
    /// The first is the one that counts how common its values are.
    pub(super) columns: Vec<usize>,
    /// Where one of these agrees, this one is half said already: it is learned apart.
    pub(super) parents: Vec<usize>,
}

impl Comparison {
    pub(super) fn scale(&self) -> &'static Scale {
        scale(self.kind)
    }
}

/// All comparisons of a table.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) comparisons: Vec<Comparison>,
    /// Given and family name, which may have changed places.
    name: Option<(usize, usize)>,
    /// Lines of an address, which may have changed places.
    address: Option<(usize, usize)>,
}

impl Plan {
    pub(super) fn of(columns: &[Column]) -> Self {
        let mut plan = Self { comparisons: Vec::new(), name: None, address: None };
        // Several phones or addresses of one person: the best agreement of any two counts.
        for kind in ORDER {
            let of_kind: Vec<usize> =
                (0..columns.len()).filter(|column| columns[*column].kind == kind).collect();
            let together = matches!(kind, FieldType::Phone | FieldType::Email | FieldType::Domain);
            let sets: Vec<Vec<usize>> = match () {
                () if of_kind.is_empty() => continue,
                () if together => vec![of_kind],
                () => of_kind.into_iter().map(|column| vec![column]).collect(),
            };
            for columns_of in sets {
                let name = clean(&columns[columns_of[0]].name);
                plan.comparisons.push(Comparison { name, kind, columns: columns_of, parents: Vec::new() });
            }
        }
        let first = |kind: FieldType| plan.comparisons.iter().position(|it| it.kind == kind);
        plan.name = first(FieldType::GivenName).zip(first(FieldType::FamilyName));
        let lines: Vec<usize> = (0..plan.comparisons.len())
            .filter(|at| matches!(plan.comparisons[*at].kind, FieldType::Street | FieldType::Address))
            .collect();
        if let [one, other, ..] = lines.as_slice() {
            plan.address = Some((*one, *other));
        }
        for at in 0..plan.comparisons.len() {
            let repeats = said_by(plan.comparisons[at].kind);
            let parents = (0..at).filter(|other| {
                let it = plan.comparisons[*other].kind;
                // One line of an address does not tell the next, and the second one does not tell the place.
                repeats.contains(&it) && lines.get(1..).is_none_or(|further| !further.contains(other))
            });
            plan.comparisons[at].parents = parents.collect();
        }
        plan
    }

    /// The number of entries in a pattern: a comparison with parents has two, of which one is [`NOTHING`].
    pub(super) fn slots(&self) -> usize {
        self.comparisons.len() * 2
    }

    /// The plain levels of a pair, one per comparison.
    pub(super) fn levels(&self, columns: &[Column], left: u32, right: u32, out: &mut Vec<u8>) {
        out.clear();
        let at = |comparison: usize, row: u32| -> &Value {
            columns[self.comparisons[comparison].columns[0]].value(row)
        };
        for comparison in &self.comparisons {
            let mut best = NOTHING;
            for one in &comparison.columns {
                for other in &comparison.columns {
                    let found =
                        level(comparison.kind, columns[*one].value(left), columns[*other].value(right));
                    best = best.min(found);
                }
            }
            out.push(best);
        }
        if let Some((given, family)) = self.name
            && (out[given] > 2 || out[family] > 2)
        {
            // Either part in the other's place; a part that is missing on one side says nothing against it.
            let one = cross(FieldType::FamilyName, at(given, left), at(family, right));
            let other = cross(FieldType::FamilyName, at(family, left), at(given, right));
            let both = one && other;
            let one_and_missing = (one && (at(family, left).is_missing() || at(given, right).is_missing()))
                || (other && (at(given, left).is_missing() || at(family, right).is_missing()));
            if both || (one_and_missing && out[given] > 2 && out[family] > 2) {
                out[given] = SWAPPED;
                out[family] = if both { SWAPPED } else { NOTHING };
            }
        }
        if let Some((first, second)) = self.address
            && (out[first] > 2 && out[second] > 2)
        {
            let one = cross(FieldType::Street, at(first, left), at(second, right));
            let other = cross(FieldType::Street, at(second, left), at(first, right));
            if one || other {
                out[first] = SWAPPED;
                out[second] = if one && other { SWAPPED } else { NOTHING };
            }
        }
    }

    /// Whether one of the comparisons that say the same agrees.
    pub(super) fn is_said(&self, comparison: usize, levels: &[u8]) -> bool {
        self.comparisons[comparison].parents.iter().any(|parent| levels[*parent] <= self.agreement(*parent))
    }

    /// Whether every comparison that could be made agrees.
    pub(super) fn agrees_throughout(&self, levels: &[u8]) -> bool {
        let mut made = levels.iter().enumerate().filter(|(_, level)| **level != NOTHING).peekable();
        made.peek().is_some() && made.all(|(comparison, level)| *level <= self.agreement(comparison))
    }

    fn agreement(&self, comparison: usize) -> u8 {
        self.comparisons[comparison].scale().agrees
    }

    /// Where the level of a comparison stands in a pattern.
    pub(super) fn slot(&self, comparison: usize, levels: &[u8]) -> usize {
        comparison * 2 + usize::from(self.is_said(comparison, levels))
    }

    /// The pattern of plain levels.
    pub(super) fn pattern(&self, levels: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.resize(self.slots(), NOTHING);
        for (comparison, level) in levels.iter().enumerate() {
            out[self.slot(comparison, levels)] = *level;
        }
    }
}

fn cross(kind: FieldType, one: &Value, other: &Value) -> bool {
    !one.is_missing() && !other.is_missing() && one.joined.len() > 1 && level(kind, one, other) <= 2
}

/// What is compared before what: whatever says something about another stands before it.
const ORDER: [FieldType; 19] = [
    FieldType::NationalId,
    FieldType::Text,
    FieldType::GivenName,
    FieldType::Email,
    FieldType::Street,
    FieldType::Address,
    FieldType::HouseNumber,
    FieldType::Postcode,
    FieldType::City,
    FieldType::Region,
    FieldType::Country,
    FieldType::Domain,
    FieldType::Company,
    FieldType::Phone,
    FieldType::FamilyName,
    FieldType::Date,
    FieldType::Title,
    FieldType::Category,
    FieldType::Exact,
];

/// The types whose agreement makes agreement of a type likely for different records too: one household, one firm,
/// one place.
fn said_by(kind: FieldType) -> &'static [FieldType] {
    match kind {
        FieldType::HouseNumber => &[FieldType::Street, FieldType::Address],
        FieldType::Postcode => &[FieldType::Street, FieldType::Address],
        FieldType::City => &[FieldType::Postcode, FieldType::Street, FieldType::Address],
        FieldType::Region => &[FieldType::Postcode, FieldType::City],
        FieldType::Country => &[FieldType::Region, FieldType::City, FieldType::Postcode],
        FieldType::Domain => &[FieldType::Email],
        FieldType::Company => &[FieldType::Domain, FieldType::Email],
        FieldType::Phone => &[FieldType::Company, FieldType::Domain, FieldType::Street, FieldType::Address],
        FieldType::FamilyName => &[FieldType::Street, FieldType::Address, FieldType::Phone, FieldType::Email],
        _ => &[],
    }
}

/// A column's name as it may stand in the reasons.
fn clean(name: &str) -> String {
    let kept: String = name
        .chars()
        .take(60)
        .map(|c| if matches!(c, ';' | ':') || c.is_control() { ' ' } else { c })
        .collect();
    let kept = kept.trim();
    if kept.is_empty() { "field".to_owned() } else { kept.to_owned() }
}
