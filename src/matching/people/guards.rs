//! Guard rules: named objections where a coincidence of fields is known to mislead in CRM data.
//! A guard lowers the score and keeps the pair out of unattended merging, whatever its score.

use crate::matching::email::{Mailbox, Spelling};
use crate::matching::name_match::NameLevel;
use crate::matching::prepare::{Side, Statistics};
use crate::matching::waterfall::Waterfall;

use super::compare::PhoneRelation;
use super::mailboxes::Relation;
use super::workplace::Workplace;

/// What the comparisons found, for the guards to judge.
pub(crate) struct Findings<'a> {
    pub(crate) relation: Relation,
    pub(crate) boxes: Option<(&'a Mailbox, &'a Mailbox)>,
    pub(crate) name: NameLevel,
    pub(crate) nameless: (bool, bool),
    pub(crate) phone: PhoneRelation,
    pub(crate) place_of_work: Workplace,
}

/// Adds every guard that applies.
pub(crate) fn apply(
    waterfall: &mut Waterfall,
    left: Side<'_>,
    right: Side<'_>,
    found: &Findings<'_>,
    statistics: &Statistics,
) {
    let names_differ = matches!(
        found.name,
        NameLevel::GivenDoubtful | NameLevel::GivenDiffers | NameLevel::FamilyDiffers | NameLevel::Conflict
    );
    if left.row.test != right.row.test {
        waterfall.guard(
            "test record",
            -8.0,
            "one of the two looks like a test; delete it, never merge it with a person",
        );
    } else if left.row.test {
        waterfall.guard("test record", -1.0, "both look like tests; propose to delete them");
    }
    if found.relation == Relation::SameShared && names_differ {
        waterfall.guard(
            "shared inbox",
            -6.0,
            "one mailbox, different names: colleagues behind a shared inbox",
        );
    }
    let shared_line = found.relation == Relation::Same
        || found.phone != PhoneRelation::Missing && found.phone != PhoneRelation::Different;
    if found.name == NameLevel::GivenDiffers && found.relation != Relation::SameShared && shared_line {
        waterfall.guard("relatives", -4.0, "one family name and one line or mailbox, but two given names");
    }
    if found.name == NameLevel::Conflict && found.phone == PhoneRelation::SameShared {
        waterfall.guard("switchboard", -2.0, "a number under many names belongs to a firm or household");
    }
    if found.relation == Relation::Numbered {
        waterfall.guard(
            "numbered mailbox",
            -5.0,
            "john.smith and john.smith2 (or john.a.smith) are how a firm tells two people apart",
        );
    }
    namesakes(waterfall, left, right, found, statistics);
    if found.relation > Relation::Missing
        && found.relation != Relation::SameDomainAlias
        && left.row.source == right.row.source
        && left.row.source.keeps_email_unique()
    {
        waterfall.add("source", "two addresses in one system", -0.7, "", "");
    }
}

/// Two people of one name: the name agrees and everything that is personal does not.
fn namesakes(
    waterfall: &mut Waterfall,
    left: Side<'_>,
    right: Side<'_>,
    found: &Findings<'_>,
    statistics: &Statistics,
) {
    if found.name > NameLevel::Initial
        || found.relation <= Relation::SameLocal
        || found.nameless.0
        || found.nameless.1
    {
        return;
    }
    let (one, other) = (left.title(), right.title());
    let titles_differ = one.id != 0 && other.id != 0 && one.id != other.id && !one.is_close(other);
    let lines_differ = matches!(found.phone, PhoneRelation::Different | PhoneRelation::OtherExtension);
    let same_firm = found.place_of_work < Workplace::Unknown;
    if found.relation == Relation::SameDomainAlias && same_firm {
        let crowd = found.boxes.map_or(0, |(mailbox, _)| statistics.people_at_domain(mailbox.domain.id()));
        if titles_differ || lines_differ {
            waterfall.guard(
                "namesake",
                -4.0,
                "one name at one firm, but other mailbox and other title or line",
            );
        } else if crowd > 50 {
            waterfall.guard("namesake", -1.0, "a large firm has several people of one name");
        }
    } else if found.relation == Relation::Missing && same_firm && found.phone == PhoneRelation::Different {
        waterfall.guard("namesake", -1.0, "one name at one firm, but two numbers and no mailbox to compare");
    } else if found.relation == Relation::BothPrivate && found.place_of_work != Workplace::SameDomain {
        let both_spell = found.boxes.is_some_and(|(mailbox, second)| {
            mailbox.spells(left.name()) >= Spelling::Initial
                && second.spells(right.name()) >= Spelling::Initial
        });
        if both_spell && titles_differ {
            waterfall.guard("namesake", -2.0, "one name, but other private mailbox and other title");
        }
    }
}
