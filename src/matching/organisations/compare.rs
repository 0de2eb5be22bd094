//! Two companies compared field by field; a parent and its subsidiary are related, not the same.

use super::super::company::{NameFit, NameRelation, bare_stem, legal_forms_conflict, relate};
use super::super::waterfall::Waterfall;
use super::super::web_domain::WebDomain;
use super::firm::{Firm, Landscape};

/// How the domains of two firms agree, from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DomainRelation {
    Host,
    Registrable,
    Stem,
    Missing,
    Different,
}

/// Weighs two firms.
pub(super) fn compare(
    one: &Firm,
    other: &Firm,
    landscape: &Landscape,
    mut waterfall: Waterfall,
) -> Waterfall {
    let size = landscape.size();
    waterfall.add("prior", "chance of a random pair", -size, "", "");
    let name = relate(&one.company, &other.company, &landscape.rarity);
    let domain = relate_domains(one, other);
    add_domain(&mut waterfall, one, other, domain, name, landscape);
    add_name(&mut waterfall, one, other, domain, name, landscape);
    let same_phone = add_phone(&mut waterfall, one, other, landscape);
    add_place(&mut waterfall, one, other);
    if legal_forms_conflict(&one.company, &other.company) {
        waterfall.add("legal form", "different", -2.2, &one.company.legal_form, &other.company.legal_form);
    }
    add_guards(&mut waterfall, one, other, same_phone);
    let countries = one.domains.iter().map(|own| landscape.countries_of_domain(own.id())).max().unwrap_or(0);
    let placed = one.country != 0 && one.country == other.country || one.city != 0 && one.city == other.city;
    if domain <= DomainRelation::Registrable && countries > 1 && !placed && !waterfall.is_guarded() {
        waterfall.guard("shared by a group", -3.0, "firms of this domain are in several countries");
    }
    calibrate(&mut waterfall);
    waterfall
}

/// Below an even chance the bars are dependent (a name repeats a domain) and promise too much.
fn calibrate(waterfall: &mut Waterfall) {
    let bits = waterfall.millibits() as f64 / 1000.0;
    if bits < 0.0 {
        waterfall.add("calibration", "map", -0.8 * (-bits).min(1.0), "", "");
    }
}

fn relate_domains(one: &Firm, other: &Firm) -> DomainRelation {
    let any = |test: &dyn Fn(&WebDomain, &WebDomain) -> bool| {
        one.domains.iter().any(|mine| other.domains.iter().any(|theirs| test(mine, theirs)))
    };
    if one.domains.is_empty() || other.domains.is_empty() {
        DomainRelation::Missing
    } else if any(&|mine, theirs| mine.host == theirs.host) {
        DomainRelation::Host
    } else if any(&|mine, theirs| mine.registrable == theirs.registrable) {
        DomainRelation::Registrable
    } else if any(&|mine, theirs| bare_stem(mine) == bare_stem(theirs)) {
        DomainRelation::Stem
    } else {
        DomainRelation::Different
    }
}

fn add_domain(
    waterfall: &mut Waterfall,
    one: &Firm,
    other: &Firm,
    domain: DomainRelation,
    name: NameFit,
    landscape: &Landscape,
) {
    let size = landscape.size();
    let shown = |firm: &Firm| firm.domains.first().map(|domain| domain.host.clone()).unwrap_or_default();
    let (left, right) = (shown(one), shown(other));
    let spells = |firm: &Firm, other: &Firm| {
        firm.domains.iter().any(|domain| {
            let (stem, core) = (bare_stem(domain), other.company.core_joined.as_str());
            stem == other.company.joined || stem == core
        })
    };
    match domain {
        DomainRelation::Host => {
            let tenants =
                one.domains.iter().map(|domain| landscape.firms_at_domain(domain.id())).max().unwrap_or(0);
            if tenants > 3 {
                waterfall.add("domain", "same, of many firms", size + 0.5, &left, &right);
                waterfall.note(format!("{tenants} differently named firms are at this domain"));
            } else {
                waterfall.add("domain", "same", size + 3.5, &left, &right);
            }
        }
        DomainRelation::Registrable => {
            waterfall.add("domain", "same, other host", size - 5.5, &left, &right);
        }
        DomainRelation::Stem => {
            // The stem repeats the name; another ending is another country's firm about as often as not.
            let exact =
                one.domains.iter().any(|mine| other.domains.iter().any(|theirs| mine.stem == theirs.stem));
            let (level, alike) =
                if exact { ("same stem, other ending", -5.0) } else { ("same stem but for dress", -3.5) };
            let bits = if name.relation.agrees() { alike } else { size - 4.0 };
            waterfall.add("domain", level, bits, &left, &right);
        }
        DomainRelation::Different => waterfall.add("domain", "different", -3.5, &left, &right),
        DomainRelation::Missing => {
            if name.relation > NameRelation::Alias && (spells(one, other) || spells(other, one)) {
                let bits = if name.relation.agrees() { 1.0 } else { size - 2.0 };
                waterfall.add("domain", "spells the other's name", bits, &left, &right);
            }
        }
    }
}

fn add_name(
    waterfall: &mut Waterfall,
    one: &Firm,
    other: &Firm,
    domain: DomainRelation,
    name: NameFit,
    landscape: &Landscape,
) {
    let size = landscape.size();
    let same_domain = domain <= DomainRelation::Registrable;
    // A name cannot be worth more than telling one firm out of all, and a little for being no accident.
    let worth = name.shared.min(size + 4.0);
    let (level, bits) = match name.relation {
        NameRelation::Unknown => return,
        NameRelation::Same => ("same", if same_domain { 4.5 } else { worth + 0.5 }),
        NameRelation::Dressed => ("same but for dress", if same_domain { 3.0 } else { worth - 1.0 }),
        NameRelation::Slip => ("one slip", if same_domain { 3.0 } else { worth - 0.5 }),
        NameRelation::Alias => ("another name of it", if same_domain { 1.0 } else { worth - 2.5 }),
        NameRelation::Shortened if name.lost < 9.0 => {
            ("shortened by a common word", if same_domain { -2.0 } else { worth - 6.0 })
        }
        NameRelation::Shortened => ("shortened", if same_domain { -2.5 } else { worth - 7.0 }),
        NameRelation::Acronym => ("acronym", if same_domain { 0.5 } else { worth.min(size - 2.0) }),
        NameRelation::Sibling => ("other business", if same_domain { -5.5 } else { -6.0 }),
        NameRelation::Different => ("different", if same_domain { -2.5 } else { -6.0 }),
    };
    waterfall.add("name", level, bits, &one.company.shown, &other.company.shown);
    let firms = landscape.domains_of_name(&one.company).max(landscape.domains_of_name(&other.company));
    if !same_domain && name.relation.is_one_name() && firms > 1 {
        waterfall.add("homonyms", "firms of this name", -2.0 * f64::from(firms.min(8)).log2(), "", "");
        waterfall.note(format!("firms of this name have {firms} unlike domains"));
    }
    if name.relation == NameRelation::Shortened && is_branch(one, other, landscape) {
        waterfall.guard("branch", -4.0, "only one of them names a city - a branch has its own record");
    }
}

/// The words that only one name has are places.
fn is_branch(one: &Firm, other: &Firm, landscape: &Landscape) -> bool {
    let (few, many) = if one.company.core.len() < other.company.core.len() {
        (&one.company, &other.company)
    } else {
        (&other.company, &one.company)
    };
    let mut further = many.core.iter().filter(|word| !few.core.contains(word)).peekable();
    further.peek().is_some() && further.all(|word| landscape.is_city(word))
}

fn add_phone(waterfall: &mut Waterfall, one: &Firm, other: &Firm, landscape: &Landscape) -> bool {
    let (Some(mine), Some(theirs)) = (&one.phone, &other.phone) else { return false };
    if mine.id != theirs.id {
        waterfall.add("phone", "different numbers", -1.5, &mine.shown, &theirs.shown);
        return false;
    }
    let firms = landscape.firms_on_line(mine.id);
    let (level, bits) = if firms > 2 { ("same number, shared", 1.0) } else { ("same number", 7.0) };
    waterfall.add("phone", level, bits, &mine.shown, &theirs.shown);
    if firms > 2 {
        waterfall.note(format!("phone is shared by {firms} firms"));
    }
    firms <= 2
}

fn add_place(waterfall: &mut Waterfall, one: &Firm, other: &Firm) {
    if one.city != 0 && other.city != 0 {
        let same = one.city == other.city;
        let (level, bits) = if same { ("same city", 3.0) } else { ("different city", -2.2) };
        waterfall.add("place", level, bits, &one.city_shown, &other.city_shown);
    } else if one.country != 0 && one.country == other.country {
        waterfall.add("place", "same country", 1.7, "", "");
    }
}

fn add_guards(waterfall: &mut Waterfall, one: &Firm, other: &Firm, same_phone: bool) {
    let countries_differ = one.country != 0 && other.country != 0 && one.country != other.country;
    if one.parent.as_deref() == Some(&other.key) || other.parent.as_deref() == Some(&one.key) {
        waterfall.guard("subsidiary", -12.0, "one is recorded as the parent of the other");
    } else if countries_differ {
        let bits = if one.country_guessed || other.country_guessed {
            -4.0
        } else if same_phone || (one.city != 0 && one.city == other.city) {
            // The same line or town in two countries: one of the countries is a slip.
            -2.5
        } else {
            -9.5
        };
        waterfall.guard(
            "subsidiary",
            bits,
            "firms of one name in two countries are usually parent and subsidiary",
        );
    }
}
