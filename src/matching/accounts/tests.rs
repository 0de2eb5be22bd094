//! People and the accounts they belong to, or better none: what is linked, and what is left to a human.

use proptest::prelude::*;

use super::*;

fn firm(key: &str, name: &str, domain: &str, country: &str) -> Organisation {
    Organisation {
        key: key.to_owned(),
        name: name.to_owned(),
        domain: domain.to_owned(),
        country: country.to_owned(),
        ..Organisation::default()
    }
}

fn person(key: &str, email: &str, company: &str) -> Person {
    Person {
        key: key.to_owned(),
        emails: if email.is_empty() { Vec::new() } else { vec![email.to_owned()] },
        company: company.to_owned(),
        ..Person::default()
    }
}

fn best(candidates: &[AccountCandidate]) -> Option<&str> {
    candidates.first().filter(|best| best.probability >= 0.5).map(|best| best.key.as_str())
}

fn rank(person: &Person, index: &AccountIndex) -> Vec<AccountCandidate> {
    rank_accounts(person, index, &Settings::default())
}

fn adds_up(candidate: &AccountCandidate) {
    assert!((Evidence::probability(&candidate.evidence) - candidate.probability).abs() < 1e-9);
}

fn rule(domain: &str, account: Option<&str>) -> DomainRule {
    DomainRule { domain: domain.to_owned(), account: account.map(str::to_owned) }
}

#[test]
fn domain_rules_decide_and_forbid() {
    let firms = [firm("a", "Quiet Valley", "quietvalley.com", ""), firm("b", "Lumen Tools", "lumen.com", "")];
    let with = |rules: Vec<DomainRule>| {
        AccountIndex::with_knowledge(&firms, &AccountKnowledge { rules, ..AccountKnowledge::default() })
    };
    let stranger = person("p", "ada@mail.oddname.org", "");
    let ranked = rank(&stranger, &with(vec![rule("oddname.org", Some("b"))]));
    assert_eq!(best(&ranked), Some("b"));
    assert!(ranked[0].evidence.iter().any(|bar| bar.comparison == "rule" && bar.left == "oddname.org"));
    adds_up(&ranked[0]);
    let insider = person("p", "ada@quietvalley.com", "Quiet Valley");
    assert_eq!(best(&rank(&insider, &with(vec![rule("quietvalley.com", Some("b"))]))), Some("b"));
    assert_eq!(best(&rank(&insider, &with(vec![rule("quietvalley.com", None)]))), None);
    // The rule of the longer domain wins.
    let nested = with(vec![rule("oddname.org", None), rule("mail.oddname.org", Some("a"))]);
    assert_eq!(best(&rank(&stranger, &nested)), Some("a"));
    assert_eq!(best(&rank(&insider, &nested)), Some("a"), "no rule, the domain decides");
    // A rule whose account is gone does nothing.
    assert_eq!(best(&rank(&insider, &with(vec![rule("quietvalley.com", Some("gone"))]))), Some("a"));
}

#[test]
fn what_another_system_knows_is_strong() {
    let firms = [firm("a", "Quiet Valley", "quietvalley.com", ""), firm("b", "Lumen Tools", "lumen.com", "")];
    let index = AccountIndex::build(&firms, &[]);
    let stranger = person("p", "ada@gmail.com", "");
    let known = |key| rank_accounts_knowing(&stranger, Some(key), &index, &Settings::default());
    assert_eq!(best(&known("b")), Some("b"));
    assert_eq!(known("b")[0].band, Band::Auto);
    assert_eq!(best(&known("unheard of")), None);
}

#[test]
fn the_longest_domain_and_the_local_account_win() {
    let firms = [
        firm("main", "Quiet Valley", "quietvalley.com", "Germany"),
        firm("uk", "Quiet Valley", "uk.quietvalley.com", "UK"),
        firm("fr", "Quiet Valley", "quietvalley.com", "France"),
    ];
    let index = AccountIndex::build(&firms, &[]);
    assert_eq!(best(&rank(&person("p", "ada@mail.uk.quietvalley.com", ""), &index)), Some("uk"));
    let mut local = person("p", "ada@quietvalley.com", "");
    local.country = "Frankreich".to_owned();
    assert_eq!(best(&rank(&local, &index)), Some("fr"));
}

#[test]
fn doubt_is_left_alone() {
    let firms = [
        firm("north", "Harbour Media", "", "Norway"),
        firm("south", "Harbour Media", "harbourmedia.com.br", "Brazil"),
        firm("soft", "Blue Harbour Software", "blueharbour.io", ""),
        firm("page", "Odd Bakery", "facebook.com/oddbakery", ""),
    ];
    let index = AccountIndex::build(&firms, &[]);
    for (email, company) in [
        ("ada@gmail.com", ""),
        ("ada@gmail.com", "Harbour Media"),
        ("ada@gmail.com", "Blue Harbour Media"),
        ("ada@gmail.com", "Freelance"),
        ("ada@gmail.com", "n/a"),
        ("ada@facebook.com", ""),
        ("ada@blueharbours.io", ""),
        ("", ""),
    ] {
        let ranked = rank(&person("p", email, company), &index);
        assert_eq!(best(&ranked), None, "{email} {company}: {ranked:?}");
    }
    let mut namesake = person("p", "ada@harbourmedia.com", "Harbour Media");
    namesake.country = "Canada".to_owned();
    assert_eq!(best(&rank(&namesake, &index)), None);
}

#[test]
fn a_list_teaches_its_providers_and_domains() {
    let firms = [firm("a", "Quiet Valley Bakery", "", ""), firm("b", "Lumen Tools", "lumentools.com", "")];
    let words = ["Oak", "Pine", "Birch", "Maple", "Cedar", "Larch", "Aspen", "Elder", "Rowan", "Walnut"];
    let mut people: Vec<Person> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            person(&format!("x{at}"), &format!("p{at}@countynet.org"), &format!("{word} Forge"))
        })
        .collect();
    for at in 0..3 {
        people.push(person(&format!("q{at}"), &format!("p{at}@quietvalley.org"), "Quiet Valley Bakery"));
    }
    people.push(person("quiet", "zoe@quietvalley.org", ""));
    people.push(person("net", "zoe@countynet.org", "Lumen Tools"));
    let linked =
        |threads| link_people(&people, &firms, &AccountKnowledge::default(), &Settings::default(), threads);
    let found = linked(1);
    let of = |key: &str| found.iter().find(|link| link.person == key).expect("in the list");
    assert_eq!(best(&of("quiet").candidates), Some("a"), "taught by three colleagues");
    assert_eq!(best(&of("net").candidates), Some("b"), "the provider contradicts nobody");
    assert_eq!(found, linked(7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_the_rows_decides_nothing(
        seed in prop::collection::vec((0_usize..5, 0_usize..5, 0_usize..4), 2..12),
        turn in 0_usize..12,
    ) {
        let names = ["Quiet Valley", "Quiet Valley Ltd", "Lumen Tools", "Harbour Media", "Global Solutions"];
        let domains = ["", "quietvalley.com", "lumen.com", "harbour.io", "quietvalley.de"];
        let countries = ["", "Germany", "UK", "Norway"];
        let mut firms: Vec<Organisation> = seed
            .iter()
            .enumerate()
            .map(|(at, (name, domain, country))| {
                firm(&format!("k{at:02}"), names[*name], domains[*domain], countries[*country])
            })
            .collect();
        let mut people: Vec<Person> = seed
            .iter()
            .enumerate()
            .map(|(at, (name, domain, _))| {
                person(&format!("p{at:02}"), &format!("a@{}", domains[(*domain + 1) % 5]), names[(*name + 2) % 5])
            })
            .collect();
        let link = |people: &[Person], firms: &[Organisation]| {
            let mut found =
                link_people(people, firms, &AccountKnowledge::default(), &Settings::default(), 2);
            found.sort_by(|one, other| one.person.cmp(&other.person));
            found
        };
        let before = link(&people, &firms);
        let (by_firm, by_person) = (turn % firms.len(), turn % people.len());
        firms.rotate_left(by_firm);
        people.rotate_left(by_person);
        prop_assert_eq!(before, link(&people, &firms));
    }
}
