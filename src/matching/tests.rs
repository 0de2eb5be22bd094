//! False friends and true duplicates through the public interface, and the properties every list must keep.

use proptest::prelude::*;

use super::*;
use crate::domain::evidence::Evidence;

fn person(key: &str, given: &str, family: &str, email: &str) -> Person {
    Person {
        key: key.to_owned(),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        emails: if email.is_empty() { Vec::new() } else { vec![email.to_owned()] },
        ..Person::default()
    }
}

/// A few hundred strangers, so that rarity means something.
fn crowd() -> Vec<Person> {
    let given =
        ["Amir", "Bella", "Cora", "Dario", "Edda", "Finn", "Greta", "Hugo", "Iris", "Jonas", "Karl", "Lea"];
    let family = [
        "Adler", "Brandt", "Conti", "Duarte", "Engel", "Ferrari", "Gomez", "Haas", "Ivanov", "Jansen",
        "Keller",
    ];
    let mut people = Vec::new();
    for (row, one) in given.iter().enumerate() {
        for (column, other) in family.iter().enumerate() {
            let mut stranger = person(
                &format!("z{row:02}{column:02}"),
                one,
                other,
                &format!("{}.{}@firm{}.test.io", one.to_lowercase(), other.to_lowercase(), column * 12 + row),
            );
            stranger.company = format!("Firm {}", column * 12 + row);
            people.push(stranger);
        }
    }
    people
}

fn between(people: Vec<Person>, left: &str, right: &str) -> Option<Candidate> {
    let mut all = crowd();
    all.extend(people);
    let settings = Settings { minimum_probability: 0.0, ..Settings::default() };
    duplicate_people(&all, &settings).into_iter().find(|found| found.left == left && found.right == right)
}

fn has_guard(candidate: &Candidate, level: &str) -> bool {
    candidate.evidence.iter().any(|bar| bar.comparison == "guard" && bar.level == level)
}

#[test]
fn lead_and_user_with_one_mailbox_are_merged_unattended() {
    let mut lead = person("a", "", "", "Noor.Haddad+trial@lumen-tools.com");
    lead.source = Source::IntercomLead;
    lead.name = "Teal Falcon from Lyon".to_owned();
    let mut user = person("b", "", "", "noor.haddad@lumen-tools.com");
    user.source = Source::IntercomUser;
    user.name = "Noor Haddad".to_owned();
    let found = between(vec![lead, user.clone()], "a", "b").expect("a candidate");
    assert!(found.probability > 0.8 && found.band <= Band::Review, "{found:?}");

    let mut other = user.clone();
    other.key = "c".to_owned();
    other.source = Source::SalesforceContact;
    other.company = "Lumen Tools".to_owned();
    let found = between(vec![user, other], "b", "c").expect("a candidate");
    assert_eq!(found.band, Band::Auto, "{found:?}");
}

#[test]
fn father_and_son_with_one_phone_are_two_people() {
    let mut father = person("a", "Walter", "Okafor", "walter.okafor@gmail.com");
    let mut son = person("b", "Samuel", "Okafor", "samuel.okafor@gmail.com");
    for one in [&mut father, &mut son] {
        one.phones = vec!["+44 20 7946 0991".to_owned()];
        one.city = "Leeds".to_owned();
    }
    let found = between(vec![father, son], "a", "b").expect("a candidate");
    assert!(found.probability < 0.1, "{found:?}");
    assert!(has_guard(&found, "relatives"));
}

#[test]
fn two_namesakes_with_numbered_mailboxes_are_two_people() {
    let mut one = person("a", "John", "Smith", "john.smith@lumen-tools.com");
    let mut other = person("b", "John", "Smith", "john.smith2@lumen-tools.com");
    one.title = "Sales Manager".to_owned();
    other.title = "Electrician".to_owned();
    let found = between(vec![one, other], "a", "b").expect("a candidate");
    assert!(found.probability < 0.5, "{found:?}");
    assert!(has_guard(&found, "numbered mailbox"));
}

#[test]
fn a_shared_inbox_does_not_make_colleagues_one() {
    let one = person("a", "Ada", "Nwosu", "billing@lumen-tools.com");
    let other = person("b", "Petra", "Lindqvist", "billing@lumen-tools.com");
    let found = between(vec![one, other], "a", "b").expect("a candidate");
    assert!(found.probability < 0.02 && has_guard(&found, "shared inbox"), "{found:?}");

    // Not in any list of functions: the data shows that it is shared.
    let people = vec![
        person("a", "Ada", "Nwosu", "workshop@lumen-tools.com"),
        person("b", "Petra", "Lindqvist", "workshop@lumen-tools.com"),
        person("c", "Marco", "Vidal", "workshop@lumen-tools.com"),
    ];
    let found = between(people, "a", "b").expect("a candidate");
    assert!(found.probability < 0.02 && has_guard(&found, "shared inbox"), "{found:?}");
}

#[test]
fn two_nameless_records_of_one_inbox_are_one() {
    let found = between(
        vec![
            person("a", "", "", "billing@lumen-tools.com"),
            person("b", "Billing", "", "BILLING@lumen-tools.com"),
        ],
        "a",
        "b",
    );
    assert!(found.expect("a candidate").probability > 0.5);
}

#[test]
fn a_test_record_is_never_merged_with_a_person() {
    let found = between(
        vec![
            person("a", "Test", "User", "ada@lumen-tools.com"),
            person("b", "Ada", "Nwosu", "ada@lumen-tools.com"),
        ],
        "a",
        "b",
    )
    .expect("a candidate");
    assert!(found.band != Band::Auto && has_guard(&found, "test record"), "{found:?}");
}

#[test]
fn dummies_are_no_evidence() {
    let mut one = person("a", "Ada", "Nwosu", "noemail@noemail.com");
    let mut other = person("b", "Petra", "Lindqvist", "noemail@noemail.com");
    one.phones = vec!["0000000000".to_owned()];
    other.phones = vec!["0000000000".to_owned()];
    assert!(between(vec![one, other], "a", "b").is_none_or(|found| found.probability < 0.01));
}

#[test]
fn spelling_variants_at_one_firm_are_found() {
    let mut one = person("a", "Jürgen", "Müller-Brandtner", "jmueller@lumen-tools.de");
    one.company = "Lumen Tools GmbH".to_owned();
    let mut other = person("b", "", "", "");
    other.name = "Mueller-Brandtner, Juergen".to_owned();
    other.company = "LUMEN TOOLS".to_owned();
    let found = between(vec![one, other], "a", "b").expect("a candidate");
    assert!(found.probability > 0.9, "{found:?}");
}

#[test]
fn groups_do_not_chain_false_friends() {
    // The nameless record fits both namesakes; they must not become one because of it.
    let people = vec![
        person("a", "Noor", "Haddad", "noor.haddad@lumen-tools.com"),
        person("b", "Noor", "Haddad", "noor.haddad@lumen-tools.com"),
        person("c", "Omar", "Haddad", "omar.haddad@lumen-tools.com"),
        person("d", "", "Haddad", "haddad@lumen-tools.com"),
    ];
    let mut all = crowd();
    all.extend(people);
    let settings = Settings::default();
    let candidates = duplicate_people(&all, &settings);
    let found = groups(&all, &candidates, &settings);
    let with = |key: &str| found.iter().find(|group| group.members.iter().any(|member| member == key));
    let pair = with("a").expect("a and b are one");
    assert!(pair.members.contains(&"b".to_owned()) && !pair.members.contains(&"c".to_owned()), "{found:?}");
}

fn firm(key: &str, name: &str, domain: &str, country: &str) -> Organisation {
    Organisation {
        key: key.to_owned(),
        name: name.to_owned(),
        domain: domain.to_owned(),
        country: country.to_owned(),
        ..Organisation::default()
    }
}

#[test]
fn a_subsidiary_is_not_a_duplicate() {
    let firms = [
        firm("a", "Lumen Tools GmbH", "lumen-tools.de", "Germany"),
        firm("b", "Lumen Tools Ltd", "lumen-tools.co.uk", "UK"),
        firm("c", "LUMEN TOOLS", "www.lumen-tools.de", ""),
    ];
    let found =
        duplicate_organisations(&firms, &Settings { minimum_probability: 0.0, ..Settings::default() });
    let of = |left: &str, right: &str| {
        found.iter().find(|one| one.left == left && one.right == right).expect("compared")
    };
    assert!(of("a", "b").probability < 0.2 && has_guard(of("a", "b"), "subsidiary"));
    assert!(of("a", "c").probability > 0.9);
}

fn best(person: &Person, index: &AccountIndex) -> Option<String> {
    rank_accounts(person, index, &Settings::default())
        .into_iter()
        .next()
        .filter(|found| found.probability >= 0.5)
        .map(|found| found.key)
}

#[test]
fn people_are_linked_by_domain_and_left_alone_on_doubt() {
    let firms = [
        firm("de", "Lumen Tools GmbH", "lumen-tools.de", "Germany"),
        firm("north", "Harbour Media", "", "Norway"),
        firm("south", "Harbour Media", "harbourmedia.com.br", "Brazil"),
        firm("mail", "Odd Mail User", "gmail.com", ""),
        firm("bare", "Quiet Valley Ltd", "", ""),
    ];
    let index = AccountIndex::build(&firms, &[]);
    assert_eq!(best(&person("p", "A", "B", "a@eu.lumen-tools.de"), &index).as_deref(), Some("de"));
    assert_eq!(best(&person("p", "A", "B", "a@gmail.com"), &index), None);
    let mut doubtful = person("p", "A", "B", "a@gmail.com");
    doubtful.company = "Harbour Media".to_owned();
    assert_eq!(best(&doubtful, &index), None, "two unrelated firms of one name");
    doubtful.country = "Norge".to_owned();
    let ranked = rank_accounts(&doubtful, &index, &Settings::default());
    assert_eq!(ranked[0].key, "north");
    let mut named = person("p", "A", "B", "");
    named.company = "Quiet Valey".to_owned();
    named.country = "UK".to_owned();
    assert_eq!(best(&named, &index).as_deref(), Some("bare"));
    let mut moved = person("p", "A", "B", "a@lumen-tools.de");
    moved.company = "Granite Bakery".to_owned();
    let ranked = rank_accounts(&moved, &index, &Settings::default());
    assert_eq!(ranked[0].band, Band::Review, "old mailbox, new firm");
}

#[test]
fn linked_colleagues_teach_the_domain() {
    let firms = [firm("a", "Quiet Valley Ltd", "", ""), firm("b", "Lumen Tools", "", "")];
    let stranger = person("p", "A", "B", "a@qv-group.com");
    assert_eq!(best(&stranger, &AccountIndex::build(&firms, &[])), None);
    let link = |account: &str| ("x@qv-group.com".to_owned(), account.to_owned());
    assert_eq!(best(&stranger, &AccountIndex::build(&firms, &[link("a")])), None, "one may be a mistake");
    assert_eq!(best(&stranger, &AccountIndex::build(&firms, &[link("a"), link("a")])).as_deref(), Some("a"));
    let spread = [link("a"), link("a"), link("b"), link("b")];
    assert_eq!(best(&stranger, &AccountIndex::build(&firms, &spread)), None);
}

#[test]
fn a_huge_pile_of_equals_stays_small() {
    let people: Vec<Person> =
        (0..3000).map(|row| person(&format!("{row:05}"), "Ada", "Nwosu", "ada@lumen-tools.com")).collect();
    let settings = Settings::default();
    let candidates = duplicate_people(&people, &settings);
    assert!(candidates.len() < 3000 * 20, "{}", candidates.len());
    assert_eq!(
        groups(&people, &candidates, &settings).iter().map(|group| group.members.len()).max(),
        Some(3000)
    );
}

fn any_person() -> impl Strategy<Value = Person> {
    let pick = |values: &'static [&'static str]| prop::sample::select(values).prop_map(str::to_owned);
    (
        pick(&["Ada", "Bob", "Robert", "", "Юрий", "金", "A."]),
        prop_oneof![pick(&["King", "Nwosu", "", "de la Cruz", "King-Oak"]), "\\PC{0,12}"],
        prop_oneof![
            pick(&[
                "ada@oak.com",
                "ada.king@gmail.com",
                "info@oak.com",
                "",
                "ada.king2@oak.com",
                "ada.king@oak.com"
            ]),
            "\\PC{0,12}"
        ],
        pick(&["", "+44 20 7946 0991", "020 7946 0991 x12", "0000000"]),
        pick(&["", "Oak Inc", "Oak", "Pine GmbH", "self-employed", "oak.com"]),
        pick(&["", "Leeds", "Graz"]),
        0..3_u8,
        prop::option::of(0..1000_i64),
    )
        .prop_map(|(given, family, email, phone, company, city, source, created_at)| Person {
            given_name: given,
            family_name: family,
            emails: vec![email],
            phones: vec![phone],
            company,
            city,
            source: [Source::IntercomLead, Source::HubspotContact, Source::SalesforceContact]
                [usize::from(source)],
            created_at,
            ..Person::default()
        })
}

fn keyed(mut people: Vec<Person>) -> Vec<Person> {
    for (row, person) in people.iter_mut().enumerate() {
        person.key = format!("k{row:03}");
    }
    people
}

fn everything() -> Settings {
    Settings { minimum_probability: 0.0, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn row_order_changes_nothing(people in prop::collection::vec(any_person(), 2..25)) {
        let people = keyed(people);
        let mut reversed = people.clone();
        reversed.reverse();
        let forward = duplicate_people(&people, &everything());
        let backward = duplicate_people(&reversed, &everything());
        prop_assert_eq!(&forward, &backward);
        let settings = everything();
        prop_assert_eq!(groups(&people, &forward, &settings), groups(&reversed, &backward, &settings));
    }

    #[test]
    fn left_and_right_are_worth_the_same(one in any_person(), other in any_person()) {
        let ask = |left: &str, right: &str| {
            let pair = [Person { key: left.to_owned(), ..one.clone() }, Person { key: right.to_owned(), ..other.clone() }];
            duplicate_people(&pair, &everything()).first().map(Candidate::millibits)
        };
        prop_assert_eq!(ask("a", "b"), ask("b", "a"));
    }

    #[test]
    fn the_bars_add_up_and_every_pair_comes_once(people in prop::collection::vec(any_person(), 2..25)) {
        let found = duplicate_people(&keyed(people), &everything());
        let mut pairs = std::collections::BTreeSet::new();
        for candidate in &found {
            prop_assert!(candidate.left < candidate.right);
            prop_assert!((Evidence::probability(&candidate.evidence) - candidate.probability).abs() < 1e-12);
            prop_assert!(pairs.insert((candidate.left.clone(), candidate.right.clone())));
            let guarded = candidate.evidence.iter().any(|bar| bar.comparison == "guard");
            prop_assert!(!(guarded && candidate.band == Band::Auto));
            for bar in &candidate.evidence {
                prop_assert!(!bar.comparison.contains([':', ';']) && !bar.level.contains([':', ';']));
            }
        }
        prop_assert!(found.windows(2).all(|two| two[0].millibits() >= two[1].millibits()));
    }

    #[test]
    fn an_identical_record_is_never_dropped_by_blocking(
        people in prop::collection::vec(any_person(), 1..15),
        copied in any_person(),
    ) {
        let mut people = people;
        people.push(copied.clone());
        people.push(copied);
        let people = keyed(people);
        let last = people.len() - 1;
        let found = duplicate_people(&people, &everything());
        let met = found.iter().any(|one| one.left == people[last - 1].key && one.right == people[last].key);
        prop_assert!(met);
    }

    #[test]
    fn asking_about_one_gives_the_answer_of_the_scan(people in prop::collection::vec(any_person(), 2..20)) {
        let people = keyed(people);
        let index = Index::with_settings(&people, everything());
        let scan = index.duplicates();
        for one in &people {
            let asked = duplicate_people_of(one, &index);
            let expected: Vec<Candidate> =
                scan.iter().filter(|found| found.left == one.key || found.right == one.key).cloned().collect();
            prop_assert_eq!(asked, expected);
        }
    }

    #[test]
    fn hostile_text_never_panics(name in "\\PC*", email in "\\PC*", company in "\\PC*", phone in "\\PC*") {
        let one = Person {
            key: "a".to_owned(), name: name.clone(), emails: vec![email.clone()], company: company.clone(),
            phones: vec![phone.clone()], company_domain: email.clone(), title: name.clone(), ..Person::default()
        };
        let other = Person { key: "b".to_owned(), ..one.clone() };
        let _ = duplicate_people(&[one.clone(), other], &everything());
        let firm = Organisation { key: "f".to_owned(), name: company, website: email, phone, city: name, ..Organisation::default() };
        let index = AccountIndex::build(std::slice::from_ref(&firm), &[]);
        let _ = rank_accounts(&one, &index, &everything());
        let _ = duplicate_organisations(&[firm.clone(), Organisation { key: "g".to_owned(), ..firm }], &everything());
    }
}
