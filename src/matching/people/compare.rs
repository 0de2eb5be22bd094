//! The comparisons of two people and what each level is worth. Every weight stands here; guards are next door.
//!
//! Weights are log2 odds. Rarity (how many others share the value) comes from the data; the rest are shipped
//! constants. Fields that repeat one another are folded: once the mailbox agrees, a name spelled in it adds little.

use crate::matching::email::Spelling;
use crate::matching::name_match::{self, NameLevel};
use crate::matching::person_name::PersonName;
use crate::matching::phone::Phone;
use crate::matching::prepare::{Side, Statistics};
use crate::matching::similarity::within;
use crate::matching::waterfall::Waterfall;

use super::guards::{self, Findings};
use super::mailboxes::{self, Relation};
use super::workplace::{self, Workplace};

/// Shares of the rarity of a name that survive: names are not drawn independently.
const NAME_SHARE: f64 = 0.92;
/// Share of the spread over countries that given and family name say twice.
const CULTURE_SHARE: f64 = 0.8;
/// The most a name can be worth by itself.
const NAME_LIMIT: f64 = 15.0;

/// Compares two people into a waterfall.
pub(crate) fn compare(left: Side<'_>, right: Side<'_>, statistics: &Statistics) -> Waterfall {
    weigh(left, right, statistics, Waterfall::default())
}

/// The same into a given waterfall, so that a scan can do without the bars.
pub(crate) fn weigh(
    left: Side<'_>,
    right: Side<'_>,
    statistics: &Statistics,
    mut waterfall: Waterfall,
) -> Waterfall {
    waterfall.add("prior", "chance of a random pair", -statistics.size_bits(), "", "");
    let (relation, boxes) = mailboxes::relate(left, right, statistics);
    let nameless = (left.is_nameless(), right.is_nameless());
    let (name, swapped) = if nameless.0 || nameless.1 {
        (NameLevel::Unknown, false)
    } else {
        let (level, swapped) = name_match::compare(left.name(), right.name());
        (two_names_not_a_slip(level, left.name(), right.name(), statistics), swapped)
    };
    let (place_of_work, rarity, firm, other_firm) = workplace::relate(left, right, statistics);

    add_email(&mut waterfall, relation, boxes, nameless, name, statistics);
    add_name(&mut waterfall, (left, right), (name, swapped), relation, nameless, statistics);
    let phone = add_phone(&mut waterfall, (left, right), relation, name, statistics);
    if place_of_work != Workplace::Unknown {
        add_workplace(&mut waterfall, place_of_work, rarity, relation, (&firm, &other_firm));
    }
    add_title(&mut waterfall, (left, right), relation, statistics);
    add_place(&mut waterfall, (left, right), relation, place_of_work, statistics);
    add_submission(&mut waterfall, (left, right), statistics);

    // A name and a firm may be shared by two people; only something personal in common is safe unattended.
    let personal = relation.is_strong() || phone == PhoneRelation::Same;
    if !personal || name > NameLevel::Unknown {
        waterfall.hold();
    }
    let findings = Findings { relation, boxes, name, nameless, phone, place_of_work };
    guards::apply(&mut waterfall, left, right, &findings, statistics);
    waterfall
}

/// Wang and Yang are one letter apart, but when both are common in the data neither is a typo of the other.
fn two_names_not_a_slip(
    level: NameLevel,
    left: &PersonName,
    right: &PersonName,
    statistics: &Statistics,
) -> NameLevel {
    if level != NameLevel::Close || left.given.len() != right.given.len() {
        return level;
    }
    let both = |one: u64, other: u64, known: fn(&Statistics, u64) -> bool| {
        one != other && known(statistics, one) && known(statistics, other)
    };
    if left.family.len() == 1
        && right.family.len() == 1
        && left.given_sound == right.given_sound
        && both(left.family_id(), right.family_id(), Statistics::is_known_family)
    {
        return NameLevel::FamilyDiffers;
    }
    if left.family_sounds == right.family_sounds
        && both(left.given_id(), right.given_id(), Statistics::is_known_given)
    {
        return NameLevel::GivenDoubtful;
    }
    level
}

fn add_email(
    waterfall: &mut Waterfall,
    relation: Relation,
    boxes: Option<(&crate::matching::email::Mailbox, &crate::matching::email::Mailbox)>,
    nameless: (bool, bool),
    name: NameLevel,
    statistics: &Statistics,
) {
    let Some((one, other)) = boxes else { return };
    let size = statistics.size_bits();
    let names_agree = name <= NameLevel::Initial;
    let (level, bits) = match relation {
        Relation::Same => ("same mailbox", size + 5.0),
        Relation::SameShared if nameless.0 && nameless.1 => ("same shared mailbox, nobody named", size + 2.5),
        Relation::SameShared if nameless.0 || nameless.1 => ("same shared mailbox, one named", size - 3.0),
        Relation::SameShared => ("same shared mailbox", 5.0),
        Relation::SameLocalSubdomain => ("same mailbox name below one domain", size + 1.0),
        Relation::SameLocalSisterDomain => ("same mailbox name at a sister domain", size + 0.0),
        Relation::Slip if one.local.len().min(other.local.len()) >= 10 => {
            ("one slip in the address", size + 0.5)
        }
        Relation::Slip => ("one slip in the address", size - 1.0),
        Relation::SameLetters => ("same mailbox letters", if names_agree { 2.5 } else { size - 3.0 }),
        // The name is repeated in the local part: only what goes beyond it counts.
        Relation::SameLocal if !one.number.is_empty() => ("same numbered mailbox name elsewhere", 7.0),
        Relation::SameLocal if names_agree || nameless.0 != nameless.1 => {
            ("same mailbox name elsewhere", 2.0)
        }
        Relation::SameLocal => ("same mailbox name elsewhere", 7.0),
        Relation::Missing => return,
        Relation::SameDomainAlias => ("two spellings at one domain", -2.5),
        Relation::Different => ("different mailboxes", -1.0),
        Relation::BothPrivate => ("different private mailboxes", -2.5),
        Relation::SameDomainOther => ("other mailbox at the same domain", -5.0),
        Relation::Numbered => ("told apart by a number or initial", -6.0),
    };
    waterfall.add("email", level, bits, &one.address, &other.address);
    if matches!(relation, Relation::SameShared) {
        let people = statistics.people_at_mailbox(one.id);
        waterfall.note(if one.role {
            "the address names a function, several people may use it".to_owned()
        } else {
            format!("{people} different people use this mailbox")
        });
    }
}

/// What agreement on this name is worth, by its rarer parts.
fn name_bits(left: &PersonName, right: &PersonName, statistics: &Statistics) -> (f64, f64) {
    // The more frequent of two spellings decides: a rare typo of a frequent name is no rare name.
    let given =
        |name: &PersonName| if name.given_id() == 0 { 0.0 } else { statistics.given_bits(name.given_id()) };
    let given = given(left).min(given(right));
    let ids = |name: &PersonName| {
        name.family_sounds
            .iter()
            .map(|sound| statistics.family_bits(crate::matching::hashing::hash_text(sound)))
            .fold(f64::NAN, f64::max)
    };
    let family = ids(left).min(ids(right));
    let culture = CULTURE_SHARE * statistics.shared_culture_bits();
    let given = if family.is_nan() || given == 0.0 { given } else { (given - culture).max(0.5) };
    (given * NAME_SHARE, if family.is_nan() { 0.0 } else { family * NAME_SHARE })
}

fn add_name(
    waterfall: &mut Waterfall,
    (left, right): (Side<'_>, Side<'_>),
    (level, swapped): (NameLevel, bool),
    relation: Relation,
    nameless: (bool, bool),
    statistics: &Statistics,
) {
    let (one, other) = (left.name(), right.name());
    let strong = relation.is_strong();
    if nameless.0 != nameless.1 && strong {
        let (silent, named) = if nameless.0 { (left, right) } else { (right, left) };
        let fits = silent.mailboxes().any(|mailbox| mailbox.spells(named.name()) >= Spelling::Part);
        if fits {
            let (text, shown) = ("mailbox is named after the person", &named.name().shown);
            let values = if nameless.0 { ("", shown.as_str()) } else { (shown.as_str(), "") };
            waterfall.add("name", text, 3.0, values.0, values.1);
        }
        return;
    }
    if nameless.0 != nameless.1 && relation != Relation::SameShared {
        add_spelled_name(waterfall, (left, right), nameless, relation, statistics);
        return;
    }
    let (given, family) = name_bits(one, other, statistics);
    let (text, full, folded): (_, f64, f64) = match level {
        NameLevel::Exact if swapped => ("equal, parts swapped", given + family - 0.5, 4.0),
        NameLevel::Exact => ("equal", given + family, 4.0),
        NameLevel::Variant if swapped => ("variant, parts swapped", given + family - 2.0, 3.0),
        NameLevel::Variant => ("variant", given + family - 1.0, 4.0),
        NameLevel::Close => ("one slip", given + family - 3.0, 3.0),
        NameLevel::Initial => ("initial agrees", given.min(family).min(3.5) + family.max(given) - 1.5, 3.0),
        NameLevel::FamilyOnly => ("family name only", family - 2.5, 2.0),
        NameLevel::GivenOnly => ("given name only", given - 1.5, 3.0),
        NameLevel::Unknown => ("", 0.0, 0.0),
        NameLevel::GivenDoubtful => ("given name only resembles", -4.0, -2.5),
        NameLevel::GivenDiffers => ("given name differs", -7.0, -6.0),
        NameLevel::FamilyDiffers => ("family name differs", -5.0, -2.5),
        NameLevel::Conflict => ("different", -12.0, -8.0),
    };
    let partial = matches!(
        level,
        NameLevel::Initial | NameLevel::FamilyOnly | NameLevel::GivenOnly | NameLevel::Unknown
    );
    if partial && !strong && relation > Relation::SameLocal && !nameless.0 && !nameless.1 {
        // The mailbox of the one may complete its name to that of the other.
        let enough = if level == NameLevel::GivenOnly { Spelling::Initial } else { Spelling::Full };
        let spelled = |silent: Side<'_>, named: Side<'_>| {
            named.name().is_full()
                && silent.mailboxes().any(|mailbox| {
                    !mailboxes::is_shared(mailbox, statistics) && mailbox.spells(named.name()) >= enough
                })
        };
        let completed = if spelled(left, right) { Some(other) } else { None }
            .or_else(|| spelled(right, left).then_some(one));
        if let Some(name) = completed {
            let (given, family) = name_bits(name, name, statistics);
            let bits = (given + family - 1.5).min(NAME_LIMIT);
            waterfall.add("name", "mailbox spells the rest", bits, &one.shown, &other.shown);
            return;
        }
    }
    if level == NameLevel::Unknown {
        return;
    }
    let bits = full.min(NAME_LIMIT);
    if strong {
        waterfall.add("name", text, folded.min(bits.max(folded.min(1.0))), &one.shown, &other.shown);
        if level <= NameLevel::GivenOnly {
            waterfall.note("the mailbox already says most of it");
        }
    } else {
        waterfall.add("name", text, bits, &one.shown, &other.shown);
    }
}

/// One side has no name: the best it has is a mailbox that may spell the other's name.
fn add_spelled_name(
    waterfall: &mut Waterfall,
    (left, right): (Side<'_>, Side<'_>),
    nameless: (bool, bool),
    relation: Relation,
    statistics: &Statistics,
) {
    let (silent, named) = if nameless.0 { (left, right) } else { (right, left) };
    let name = named.name();
    let best = silent
        .mailboxes()
        .filter(|mailbox| !mailboxes::is_shared(mailbox, statistics))
        .map(|mailbox| (mailbox.spells(name), mailbox))
        .max_by_key(|found| found.0);
    let Some((spelling, mailbox)) = best else { return };
    let (given, family) = name_bits(name, name, statistics);
    let (level, bits) = match spelling {
        // Letters that already counted as a mailbox do not count again as a name.
        Spelling::Full | Spelling::Initial if relation <= Relation::SameLocal => {
            ("mailbox spells the name", 3.0)
        }
        Spelling::Full => ("mailbox spells the name", (given + family - 1.0).min(NAME_LIMIT)),
        Spelling::Initial => ("mailbox spells initial and name", family + 1.5),
        Spelling::Part => ("mailbox spells half the name", given.min(family.max(1.0)) - 3.5),
        Spelling::No if relation == Relation::SameDomainOther => return,
        Spelling::No => ("mailbox does not fit the name", -4.0),
    };
    let (one, other) = (mailbox.local.as_str(), name.shown.as_str());
    if nameless.0 {
        waterfall.add("name", level, bits, one, other);
    } else {
        waterfall.add("name", level, bits, other, one);
    }
}

/// How two phone numbers relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhoneRelation {
    /// Nothing to compare.
    Missing,
    /// A number of one person.
    Same,
    /// A number under several names.
    SameShared,
    /// One number, two extensions.
    OtherExtension,
    /// One digit apart.
    Slip,
    /// Two numbers.
    Different,
}

fn add_phone(
    waterfall: &mut Waterfall,
    (left, right): (Side<'_>, Side<'_>),
    relation: Relation,
    name: NameLevel,
    statistics: &Statistics,
) -> PhoneRelation {
    let mut best: Option<(u8, &Phone, &Phone)> = None;
    for one in left.phones() {
        for other in right.phones() {
            let rank = if same_number(one, other) {
                let fits = one.extension == other.extension
                    || one.extension.is_empty()
                    || other.extension.is_empty();
                u8::from(!fits)
            } else if one.digits.len() == other.digits.len() && within(&one.digits, &other.digits, 1) {
                2
            } else {
                3
            };
            if best.is_none_or(|found| rank < found.0) {
                best = Some((rank, one, other));
            }
        }
    }
    let Some((rank, one, other)) = best else { return PhoneRelation::Missing };
    let people = statistics.people_at_phone(one.id).max(statistics.people_at_phone(other.id));
    let direct = rank == 0 && !one.extension.is_empty() && one.extension == other.extension;
    let agree = name <= NameLevel::GivenOnly;
    let (kind, level, bits) = match rank {
        0 if direct => (PhoneRelation::Same, "same extension", 8.0),
        0 if people <= 1 => (PhoneRelation::Same, "same number", (statistics.size_bits() - 2.0).min(10.0)),
        // Two sets of initials may be two spellings of one person; agreeing names say so.
        0 if people == 2 && name <= NameLevel::Close => (PhoneRelation::SameShared, "same number", 6.0),
        0 if people == 2 => (PhoneRelation::SameShared, "same number, two people", 3.0),
        0 => (PhoneRelation::SameShared, "same shared number", 0.7),
        1 => (PhoneRelation::OtherExtension, "other extension", -1.5),
        2 if agree => (PhoneRelation::Slip, "one digit differs", 4.0),
        2 => (PhoneRelation::Slip, "one digit differs", 1.0),
        _ => (PhoneRelation::Different, "different numbers", -0.8),
    };
    let bits = if relation.is_strong() { bits.clamp(-0.3, 3.0) } else { bits };
    waterfall.add("phone", level, bits, &one.shown, &other.shown);
    if kind == PhoneRelation::SameShared {
        waterfall.note(format!("phone is shared by {people} people"));
    }
    kind
}

/// Equal, or equal once a calling code without its plus sign is cut off.
fn same_number(one: &Phone, other: &Phone) -> bool {
    let (short, long) = if one.digits.len() < other.digits.len() { (one, other) } else { (other, one) };
    one.id == other.id
        || (short.digits.len() >= 8
            && long.digits.len() - short.digits.len() <= 3
            && long.digits.ends_with(&short.digits))
}

fn add_workplace(
    waterfall: &mut Waterfall,
    level: Workplace,
    rarity: f64,
    relation: Relation,
    (one, other): (&str, &str),
) {
    let (text, bits) = match level {
        Workplace::SameDomain => ("same domain", (rarity - 1.0).clamp(0.5, 8.0)),
        Workplace::SameName => ("same company name", (rarity - 1.0).clamp(0.5, 7.5)),
        Workplace::SameStem => ("company name equals the domain", (rarity - 2.0).clamp(0.3, 6.5)),
        Workplace::CloseName => ("similar company name", (rarity - 3.0).clamp(0.2, 5.0)),
        Workplace::Unknown => return,
        Workplace::Different => ("different companies", -2.5),
    };
    if relation.is_strong() || relation == Relation::SameShared {
        // The mailbox has its domain in it.
        waterfall.add("workplace", text, bits.clamp(-1.0, 0.5), one, other);
        waterfall.note("the mailbox already says most of it");
    } else {
        waterfall.add("workplace", text, bits, one, other);
    }
}

fn add_title(
    waterfall: &mut Waterfall,
    (left, right): (Side<'_>, Side<'_>),
    relation: Relation,
    statistics: &Statistics,
) {
    let (one, other) = (left.title(), right.title());
    if one.id == 0 || other.id == 0 {
        return;
    }
    let (level, bits) = if one.id == other.id {
        ("same", (statistics.title_bits(one.id) * 0.6).clamp(1.0, 3.5))
    } else if one.is_close(other) {
        ("similar", 0.3)
    } else {
        ("different", -1.5)
    };
    let bits = if relation.is_strong() {
        bits.clamp(-0.3, 1.0)
    } else {
        bits + statistics.weights.shift("title", level)
    };
    waterfall.add("title", level, bits, &one.shown, &other.shown);
}

fn add_place(
    waterfall: &mut Waterfall,
    (left, right): (Side<'_>, Side<'_>),
    relation: Relation,
    workplace: Workplace,
    statistics: &Statistics,
) {
    let (one, other) = (left.city(), right.city());
    // Geo from an IP address says where a browser was, not where a person lives.
    let guessed = left.row.source.has_guessed_place() || right.row.source.has_guessed_place();
    // Colleagues live in one city: it repeats what the workplace said.
    let colleagues = workplace < Workplace::Unknown;
    let shift = |level| statistics.weights.shift("place", level);
    let fold = |bits: f64| if relation.is_strong() { bits.clamp(-0.3, 0.5) } else { bits };
    if one.id != 0 && other.id != 0 {
        if one.id == other.id {
            let rarity = statistics.city_bits(one.id) * if colleagues { 0.25 } else { 0.4 };
            waterfall.add(
                "place",
                "same city",
                fold((rarity.clamp(0.2, 3.0) + shift("same city")).max(0.1)),
                &one.shown,
                &other.shown,
            );
        } else {
            waterfall.add(
                "place",
                "different city",
                fold((if guessed { -1.2 } else { -2.5 } + shift("different city")).min(-0.1)),
                &one.shown,
                &other.shown,
            );
        }
    } else if left.row.country != 0 && right.row.country != 0 {
        if left.row.country == right.row.country {
            waterfall.add("place", "same country", fold(0.5), "", "");
        } else {
            waterfall.add("place", "different country", fold(if guessed { -1.5 } else { -3.0 }), "", "");
        }
    }
}

fn add_submission(waterfall: &mut Waterfall, (left, right): (Side<'_>, Side<'_>), statistics: &Statistics) {
    let (Some(one), Some(other)) = (left.row.created_at, right.row.created_at) else { return };
    let bulk = statistics.created_together(one).max(statistics.created_together(other)) > 4;
    if left.row.source == right.row.source && one.abs_diff(other) <= 300 && !bulk {
        waterfall.add("submission", "same source, minutes apart", 4.0, "", "");
        waterfall.note("one form sent twice looks like this");
    }
}
