//! How the mailboxes of two people relate; the best relation of any two of them counts. It gives no weights.

use crate::matching::email::{Mailbox, Spelling, same_provider};
use crate::matching::prepare::{Side, Statistics};
use crate::matching::similarity::within;

/// Relations of two mailboxes, from most to least telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    /// The same mailbox of one person.
    Same,
    /// The same mailbox, which several people use.
    SameShared,
    /// Same local part below another host of the same domain.
    SameLocalSubdomain,
    /// Same local part, domain with another ending or one slip.
    SameLocalSisterDomain,
    /// One typing slip in the address.
    Slip,
    /// Same domain and letters, other dots.
    SameLetters,
    /// Same telling local part elsewhere.
    SameLocal,
    /// No mailbox on one side.
    Missing,
    /// Same domain; both local parts spell the same person in different ways.
    SameDomainAlias,
    /// Unrelated mailboxes, not both private.
    Different,
    /// Two private mailboxes.
    BothPrivate,
    /// Same work domain, local parts of different people.
    SameDomainOther,
    /// Same domain, told apart by a number or an initial: `john.smith@`, `john.smith2@`, `john.a.smith@`.
    Numbered,
}

impl Relation {
    /// Relations that nearly decide by themselves, so that a name repeating the local part adds little.
    pub(crate) fn is_strong(self) -> bool {
        matches!(self, Self::Same | Self::SameLocalSubdomain | Self::SameLocalSisterDomain | Self::Slip)
    }
}

/// The best relation and the two mailboxes it was found between.
pub(crate) fn relate<'a>(
    left: Side<'a>,
    right: Side<'a>,
    statistics: &Statistics,
) -> (Relation, Option<(&'a Mailbox, &'a Mailbox)>) {
    let mut best = (Relation::Missing, None);
    for one in left.mailboxes() {
        for other in right.mailboxes() {
            let relation = pair(one, other, (left, right), statistics);
            if best.1.is_none() || relation < best.0 {
                best = (relation, Some((one, other)));
            }
        }
    }
    best
}

/// Whether several people sit behind a mailbox: by its name, or because the data says so.
pub(crate) fn is_shared(mailbox: &Mailbox, statistics: &Statistics) -> bool {
    mailbox.role || statistics.people_at_mailbox(mailbox.id) >= 3
}

fn pair(one: &Mailbox, other: &Mailbox, sides: (Side<'_>, Side<'_>), statistics: &Statistics) -> Relation {
    if one.id == other.id {
        return if is_shared(one, statistics) { Relation::SameShared } else { Relation::Same };
    }
    let shared = is_shared(one, statistics) || is_shared(other, statistics);
    let same_domain = one.domain.registrable == other.domain.registrable;
    let same_local = one.local == other.local;
    let private = !one.domain.is_corporate() || !other.domain.is_corporate();
    if same_local && !shared {
        if same_domain {
            return Relation::SameLocalSubdomain;
        }
        let near = within(&one.domain.registrable, &other.domain.registrable, 1)
            || (one.domain.stem.len() >= 8 && within(&one.domain.registrable, &other.domain.registrable, 2));
        let twin = same_provider(&one.domain.registrable, &other.domain.registrable);
        if twin
            || (one.domain.stem == other.domain.stem && !private)
            || (near && one.domain.registrable.len() >= 7)
        {
            return Relation::SameLocalSisterDomain;
        }
        // A bare given name is nobody's own; a full name or a number is.
        let telling = one.letters.len() >= 8 || (one.letters.len() >= 5 && !one.number.is_empty());
        let spelled = |side: Side<'_>| one.spells(side.name()) >= Spelling::Initial;
        if telling || spelled(sides.0) || spelled(sides.1) {
            return Relation::SameLocal;
        }
    }
    // One firm under two endings gives out its mailboxes in one place.
    let same_house = same_domain || (one.domain.stem == other.domain.stem && !private);
    if same_house && one.letters == other.letters && one.letters.len() >= 3 && !shared {
        if one.number == other.number {
            return Relation::SameLetters;
        }
        if !private {
            return Relation::Numbered;
        }
        // At a provider people choose their numbers: another digit in a long one is a slip.
        let longest = one.number.len().max(other.number.len());
        let slip = longest >= 3 && one.local.len() >= 8 && within(&one.number, &other.number, 1);
        return if slip && same_domain { Relation::Slip } else { Relation::BothPrivate };
    }
    let long = one.local.len().min(other.local.len());
    if same_house && !shared && one.number == other.number && has_extra_initial(one, other) {
        return Relation::Numbered;
    }
    if same_domain
        && !shared
        && one.number == other.number
        && ((long >= 5 && within(&one.local, &other.local, 1) && same_first(one, other))
            || (long >= 10 && within(&one.local, &other.local, 2) && same_first(one, other)))
    {
        return Relation::Slip;
    }
    if shared {
        return Relation::Different;
    }
    let spellings = |mailbox: &Mailbox| mailbox.spells(sides.0.name()).max(mailbox.spells(sides.1.name()));
    if same_house && one.domain.is_corporate() && !statistics.is_provider(one.domain.id()) {
        let both = spellings(one) > Spelling::No && spellings(other) > Spelling::No;
        return if both { Relation::SameDomainAlias } else { Relation::SameDomainOther };
    }
    let home = |mailbox: &Mailbox| mailbox.domain.free_mail || statistics.is_provider(mailbox.domain.id());
    if home(one) && home(other) { Relation::BothPrivate } else { Relation::Different }
}

/// One of two local parts has a letter more, at the end of a word: how systems tell namesakes apart.
fn has_extra_initial(one: &Mailbox, other: &Mailbox) -> bool {
    let (short, long) = if one.local.len() < other.local.len() { (one, other) } else { (other, one) };
    if long.letters.len() != short.letters.len() + 1 || short.letters.len() < 5 {
        return false;
    }
    let cut = |local: &str| -> Vec<String> {
        local.split(['.', '_', '-']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (few, many) = (cut(&short.local), cut(&long.local));
    if many.len() == few.len() + 1 {
        // An initial as a word of its own.
        return (0..many.len())
            .any(|at| many[at].len() == 1 && many[..at].iter().chain(&many[at + 1..]).eq(few.iter()));
    }
    many.len() == few.len()
        && many.len() > 1
        && few.iter().zip(&many).filter(|(short, long)| short != long).all(|(short, long)| {
            // A doubled last letter is a slip of the finger, not an initial.
            long.strip_prefix(short.as_str()).is_some_and(|rest| rest.len() == 1 && !short.ends_with(rest))
        })
}

/// Slips rarely hit the first letter, and `bking` is not `aking`.
fn same_first(one: &Mailbox, other: &Mailbox) -> bool {
    one.letters.as_bytes().first() == other.letters.as_bytes().first()
}
