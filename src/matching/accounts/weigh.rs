//! One person against one account: every bar of the evidence. It ranks nothing.

use super::super::company::{NameFit, NameRelation, bare_stem, legal_forms_conflict, relate};
use super::super::organisations::Firm;
use super::super::similarity::{jaro, within};
use super::super::waterfall::Waterfall;
use super::super::web_domain::WebDomain;
use super::AccountIndex;
use super::seeker::Seeker;

/// Weighs one account.
pub(super) fn weigh(
    seeker: &Seeker,
    number: u32,
    accounts: &AccountIndex,
    mut waterfall: Waterfall,
) -> Waterfall {
    let firm = &accounts.firms[number as usize];
    let size = accounts.landscape.size();
    waterfall.add("prior", "chance of a random account", -size, "", "");
    let name = relate(&seeker.company, &firm.company, &accounts.landscape.rarity);
    let domain = add_domain(&mut waterfall, seeker, number, accounts, name);
    add_name(&mut waterfall, seeker, firm, size, name, domain);
    if seeker.phones.iter().any(|phone| firm.phone.as_ref().is_some_and(|other| other.id == phone.id)) {
        waterfall.add("phone", "same number", 4.0, "", "");
    }
    add_place(&mut waterfall, seeker, firm, name, domain);
    if legal_forms_conflict(&seeker.company, &firm.company) {
        waterfall.add("legal form", "different", -1.5, &seeker.company.legal_form, &firm.company.legal_form);
    } else if !seeker.company.legal_form.is_empty() && seeker.company.legal_form == firm.company.legal_form {
        waterfall.add("legal form", "same", 0.5, &seeker.company.legal_form, &firm.company.legal_form);
    }
    waterfall
}

/// How the domains agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DomainRelation {
    Same,
    Colleagues,
    SameStem,
    Unknown,
    Different,
}

impl DomainRelation {
    fn decides(self) -> bool {
        matches!(self, Self::Same | Self::Colleagues)
    }
}

fn add_domain(
    waterfall: &mut Waterfall,
    seeker: &Seeker,
    number: u32,
    accounts: &AccountIndex,
    name: NameFit,
) -> DomainRelation {
    let firm = &accounts.firms[number as usize];
    let size = accounts.landscape.size();
    let own = firm.domains.first().map_or("", |domain| domain.host.as_str());
    let first = seeker.domains().next().map_or("", |domain| domain.host.as_str());
    let any = |test: &dyn Fn(&WebDomain, &WebDomain) -> bool| {
        seeker.domains().find(|mine| firm.domains.iter().any(|theirs| test(mine, theirs)))
    };
    if let Some(domain) = any(&|mine, theirs| mine.host == theirs.host) {
        waterfall.add("domain", "same", size + 6.0, &domain.host, own);
        return DomainRelation::Same;
    }
    let part_of_it = |theirs: &WebDomain| theirs.host != theirs.registrable;
    if let Some(domain) = any(&|mine, theirs| part_of_it(theirs) && below(&mine.host, &theirs.host)) {
        waterfall.add("domain", "below the account's own part", size + 5.5, &domain.host, own);
        return DomainRelation::Same;
    }
    if let Some(domain) = any(&|mine, theirs| below(&mine.host, &theirs.host)) {
        waterfall.add("domain", "below the account's", size + 5.0, &domain.host, own);
        return DomainRelation::Same;
    }
    if let Some(domain) = any(&|mine, theirs| mine.registrable == theirs.registrable) {
        waterfall.add("domain", "same registrable domain", size + 4.0, &domain.host, own);
        return DomainRelation::Same;
    }
    if let Some((bits, count, everybody, domain)) = colleagues(seeker, number, accounts) {
        waterfall.add("domain", "colleagues are linked", size + bits, &domain.host, own);
        waterfall.note(format!("{count} of {everybody} linked people of this domain are at the account"));
        return DomainRelation::Colleagues;
    }
    if let Some(domain) = any(&|mine, theirs| bare_stem(mine) == bare_stem(theirs)) {
        // The stem repeats the name; a homonym in another country has it too.
        let bits = if name.relation.agrees() {
            let exact = firm.domains.iter().any(|other| other.stem == domain.stem);
            if ending_slip(domain, firm) || !exact { -1.0 } else { -4.6 }
        } else if domain.stem.len() >= 4 {
            size - 1.5
        } else {
            size - 4.0
        };
        waterfall.add("domain", "same stem, other ending", bits, &domain.host, own);
        return DomainRelation::SameStem;
    }
    if seeker.mailbox_domains.is_empty() || firm.domains.is_empty() {
        return DomainRelation::Unknown;
    }
    waterfall.add("domain", "different", -3.0, first, own);
    DomainRelation::Different
}

/// People of the person's domain who are linked already: bits beyond the prior, how many at this account and in all.
fn colleagues<'a>(
    seeker: &'a Seeker,
    number: u32,
    accounts: &AccountIndex,
) -> Option<(f64, u32, u32, &'a WebDomain)> {
    let (count, domain) = seeker
        .mailbox_domains
        .iter()
        .map(|domain| (accounts.colleagues_at(domain.id(), number), domain))
        .max_by_key(|found| found.0)
        .filter(|found| found.0 > 0)?;
    let everybody: u32 = accounts.colleagues_of(domain.id()).map(|entry| entry.2).sum();
    // One colleague may be linked by mistake, and a domain whose people are everywhere says little.
    let bits =
        if count > 1 { 2.5 } else { -1.0 } + (f64::from(count) / f64::from(everybody.max(1))).log2() * 2.0;
    Some((bits, count, everybody, domain))
}

/// `mail.uk.acme.com` is below `uk.acme.com`.
fn below(host: &str, above: &str) -> bool {
    host.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'))
}

/// `acme.co` for `acme.com`: an ending mistyped rather than another firm's.
fn ending_slip(domain: &WebDomain, firm: &Firm) -> bool {
    firm.domains
        .iter()
        .any(|other| other.stem == domain.stem && within(&other.registrable, &domain.registrable, 1))
}

fn add_name(
    waterfall: &mut Waterfall,
    seeker: &Seeker,
    firm: &Firm,
    size: f64,
    name: NameFit,
    domain: DomainRelation,
) {
    let decided = domain.decides();
    let (one, other) = (seeker.company.shown.as_str(), firm.company.shown.as_str());
    let spelled = firm.domains.iter().any(|domain| domain.stem == seeker.company.joined)
        || seeker.domains().any(|domain| domain.stem == firm.company.joined);
    let stated = seeker.other_domains.iter().any(|domain| domain.stem == firm.company.joined);
    let worth = name.shared.min(size + 4.5);
    let pick = |with_domain: f64, alone: f64| if decided { with_domain } else { alone };
    let (level, bits) = match name.relation {
        NameRelation::Same => ("same", pick(2.0, worth - 0.5)),
        NameRelation::Dressed => ("same but for dress", pick(2.0, worth - 1.5)),
        NameRelation::Slip => ("one slip", pick(1.5, worth - 4.0)),
        NameRelation::Alias => ("another name of it", pick(1.5, worth - 2.0)),
        NameRelation::Shortened if spelled && !decided => ("shortened, the domain has it all", worth - 2.0),
        NameRelation::Shortened => ("shortened", pick(1.0, worth - 6.5)),
        NameRelation::Acronym => ("acronym", pick(1.0, size - 2.5)),
        _ if decided && spelled => ("equals the domain", 0.5),
        _ if spelled
            && !seeker.company.is_missing()
            && firm.domains.iter().any(|domain| domain.stem == seeker.company.joined) =>
        {
            ("equals the domain", size - 0.5)
        }
        _ if stated && firm.domains.is_empty() => ("stated domain equals the name", size + 1.0),
        _ if spelled && domain == DomainRelation::Unknown => ("mailbox domain equals the name", size - 0.5),
        NameRelation::Unknown => return,
        NameRelation::Sibling => ("other business", pick(-0.5, -5.0)),
        NameRelation::Different => ("different", pick(-2.0, -5.0)),
    };
    waterfall.add("company", level, bits, one, other);
    let differs = name.relation == NameRelation::Different;
    if decided && differs && !spelled && !related_to_own_domain(seeker) {
        waterfall.guard("conflicting employer", -2.0, "mail domain and company text name two firms");
    }
}

/// The company text fits the person's own domain, so that text and domain do not contradict one another.
fn related_to_own_domain(seeker: &Seeker) -> bool {
    let joined = seeker.company.joined.as_str();
    let core = seeker.company.core_joined.as_str();
    seeker.mailbox_domains.iter().any(|domain| {
        let stem = bare_stem(domain);
        stem.contains(joined) || joined.contains(stem) || core.contains(stem) || jaro(stem, joined) > 0.9
    })
}

fn add_place(waterfall: &mut Waterfall, seeker: &Seeker, firm: &Firm, name: NameFit, domain: DomainRelation) {
    if seeker.country != 0 && firm.country != 0 {
        let same = seeker.country == firm.country;
        // Where a browser was, and where a domain was registered, say less than what somebody wrote.
        let soft = if seeker.guessed_place || seeker.country_from_domain || firm.country_guessed {
            0.5
        } else {
            1.0
        };
        let named = seeker.company.country.is_some_and(|country| country == seeker.country);
        let (level, bits) = match (same, named) {
            (true, _) => ("same", 1.0),
            (false, true) => ("company text names another country", -3.0),
            (false, false) => ("different", -1.5 * soft),
        };
        waterfall.add("country", level, bits, "", "");
        // Somebody with a domain of that very name, in another country: that firm is a namesake. Colleagues of one firm
        // live in many countries, so it takes a domain of another country, or an account that names its own.
        let own_domain = seeker.mailbox_domains.iter().find(|mine| {
            let stem = bare_stem(mine);
            stem == seeker.company.joined || stem.len() >= 4 && seeker.company.core_joined.starts_with(stem)
        });
        let national = own_domain.and_then(WebDomain::country).is_some_and(|country| country != firm.country);
        let open = !same && !domain.decides() && name.relation.is_one_name() && own_domain.is_some();
        if open && (national || !firm.country_guessed) {
            let bits = if seeker.country_from_domain || seeker.guessed_place { -2.0 } else { -3.0 };
            waterfall.guard(
                "namesake abroad",
                bits,
                "a firm of this name has its own domain in another country",
            );
        }
    }
    if seeker.city != 0 && firm.city == seeker.city {
        waterfall.add("city", "same", 1.5, "", &firm.city_shown);
    }
}
