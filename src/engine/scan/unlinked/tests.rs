//! Who is found, with what evidence, and who is ranked anew.

use serde_json::{Value, json};

use super::*;

fn mirror(system: System, object: ObjectKind, id: &str, fields: &Value, companies: &[&str]) -> Mirror {
    Mirror {
        record: RecordRef::new(system, object, id),
        fields: fields.as_object().expect("an object").clone(),
        vendor_updated_at: None,
        companies: companies.iter().map(|id| (*id).to_owned()).collect(),
        deleted: false,
    }
}

fn contact(id: &str, mail: &str, companies: &[&str]) -> Mirror {
    let fields = json!({"email": mail, "firstname": "Ana", "lastname": id, "hubspot_owner_id": "7"});
    mirror(System::Hubspot, ObjectKind::Contact, id, &fields, companies)
}

fn company(id: &str, name: &str, domain: &str, parent: &str) -> Mirror {
    let fields = json!({"name": name, "domain": domain, "hs_parent_company_id": parent});
    mirror(System::Hubspot, ObjectKind::Company, id, &fields, &[])
}

fn facts(contacts: Vec<Mirror>, companies: Vec<Mirror>) -> Facts {
    Facts {
        contacts,
        companies,
        intercom: HashMap::new(),
        intercom_companies: HashMap::new(),
        ties: HashMap::new(),
        company_ties: HashMap::new(),
        rules: HashMap::new(),
        closed: HashSet::new(),
        crm: Connection::only(System::Hubspot),
        settings: matching::Settings::default(),
        now: Timestamp(0),
    }
}

fn firms() -> Vec<Mirror> {
    vec![
        company("1", "Globex Corporation", "globex.example", ""),
        company("2", "Globex EMEA GmbH", "globex-emea.example", "1"),
        company("3", "Northlight Ltd", "northlight.example", ""),
    ]
}

fn rule(domain: &str, company: Option<&str>) -> DomainRule {
    DomainRule {
        domain: domain.to_owned(),
        company: company.map(|id| RecordRef::new(System::Hubspot, ObjectKind::Company, id)),
        actor: "olga".to_owned(),
        reason: "their new brand".to_owned(),
        since: Timestamp(0),
    }
}

#[test]
fn r135_r144_people_without_an_account_are_found_with_parent_and_child_shown() {
    let found = look(
        &facts(
            vec![contact("p1", "a@globex.example", &[]), contact("p2", "b@globex.example", &["1"])],
            firms(),
        ),
        &mut Ranks::default(),
    );
    let [item] = &found.items[..] else { panic!("{:?}", found.items) };
    assert_eq!((item.contact.id.as_str(), item.owner.as_str()), ("p1", "7"));
    assert_eq!(item.candidates[0].company.id, "1");
    assert_eq!(item.candidates[0].family, "parent of 1");
    let families = families(&facts(Vec::new(), firms()));
    assert_eq!(families["hubspot/company/2"], "child of Globex Corporation");
    for candidate in &item.candidates {
        let sum = Evidence::probability(&candidate.evidence);
        assert!((sum - candidate.probability).abs() < 1e-9, "{sum} {}", candidate.probability);
    }
}

#[test]
fn r139_a_rule_decides_where_a_domain_belongs_and_never_asks_nobody() {
    let mut facts = facts(vec![contact("p1", "a@otherbrand.example", &[])], firms());
    assert!(look(&facts, &mut Ranks::default()).items.is_empty(), "nothing says that there is a company");
    facts.rules.insert("otherbrand.example".to_owned(), rule("otherbrand.example", Some("3")));
    let found = look(&facts, &mut Ranks::default());
    let best = &found.items[0].candidates[0];
    assert_eq!((best.company.id.as_str(), best.evidence[0].comparison.as_str()), ("3", "rule"));
    assert!(
        best.probability > 0.999 && best.evidence[0].note.as_deref() == Some("said by olga: their new brand")
    );
    assert_eq!(found.items[0].ruled_by.as_deref(), Some("otherbrand.example"));
    facts.rules.insert("otherbrand.example".to_owned(), rule("otherbrand.example", None));
    assert!(look(&facts, &mut Ranks::default()).items.is_empty());
}

#[test]
fn r138_a_closed_conversation_raises_somebody_nothing_else_speaks_of() {
    let mut facts = facts(vec![contact("p1", "a@nowhere.example", &[])], firms());
    facts.ties.insert("p1".to_owned(), "i1".to_owned());
    let twin =
        mirror(System::Intercom, ObjectKind::Contact, "i1", &json!({"email": "a@nowhere.example"}), &[]);
    facts.intercom.insert("i1".to_owned(), twin);
    assert!(look(&facts, &mut Ranks::default()).items.is_empty());
    facts.closed.insert("i1".to_owned());
    let found = look(&facts, &mut Ranks::default());
    assert_eq!(found.items[0].hint, "a conversation was closed, and no account is known");
}

#[test]
fn r137_r140_people_are_counted_by_owner_where_a_company_is_known() {
    let mut people = vec![
        contact("p1", "a@globex.example", &["1"]),
        contact("p2", "b@globex.example", &[]),
        contact("p3", "c@gmail.com", &[]),
    ];
    people[1].fields.insert("hubspot_owner_id".to_owned(), json!("9"));
    let found = look(&facts(people, firms()), &mut Ranks::default());
    assert_eq!(
        found.coverage,
        [("7".to_owned(), 1, 1), ("9".to_owned(), 1, 0)],
        "private mail is nobody's company"
    );
}

#[test]
fn r200_a_known_pair_of_companies_goes_before_what_is_only_alike() {
    let mut facts = facts(vec![contact("p1", "a@private.example", &[])], firms());
    facts.ties.insert("p1".to_owned(), "i1".to_owned());
    let fields = json!({"email": "a@private.example"});
    facts
        .intercom
        .insert("i1".to_owned(), mirror(System::Intercom, ObjectKind::Contact, "i1", &fields, &["c9"]));
    let renamed = mirror(System::Intercom, ObjectKind::Company, "c9", &json!({"name": "NL Holdings"}), &[]);
    facts.intercom_companies.insert("c9".to_owned(), renamed);
    facts.company_ties.insert("c9".to_owned(), "3".to_owned());
    let found = look(&facts, &mut Ranks::default());
    let best = &found.items[0].candidates[0];
    assert_eq!(
        (best.company.id.as_str(), best.evidence.last().map(|bar| bar.comparison.as_str())),
        ("3", Some("identity map"))
    );
}

#[test]
fn only_whom_a_change_concerns_is_ranked_anew() {
    // Names that no slip of the pen turns into one another.
    let name = |number: usize| {
        let place = ["Amber", "Birch", "Copper", "Dune", "Ember", "Fjord", "Grove", "Harbour"][number % 8];
        let trade = ["press", "clinic", "foundry", "orchard", "voyages"][number / 8];
        format!("{place}{trade}")
    };
    let domain = |number: usize| format!("{}.example", name(number).to_lowercase());
    let mut people: Vec<Mirror> =
        (0..40).map(|number| contact(&format!("p{number}"), &format!("p@{}", domain(number)), &[])).collect();
    let mut firms: Vec<Mirror> =
        (0..40).map(|number| company(&number.to_string(), &name(number), &domain(number), "")).collect();
    let mut ranks = Ranks::default();
    look(&facts(people.clone(), firms.clone()), &mut ranks);
    assert_eq!(ranks.ranked(), 40);
    look(&facts(people.clone(), firms.clone()), &mut ranks);
    assert_eq!(ranks.ranked(), 0);
    people[3].fields.insert("company".to_owned(), json!("Elsewhere"));
    look(&facts(people.clone(), firms.clone()), &mut ranks);
    assert_eq!(ranks.ranked(), 1);
    // A colleague is linked: whoever has that domain is looked at again, and what they get is what a new look finds.
    people.push(contact("q", &format!("q@{}", domain(7)), &["7"]));
    firms.push(company("99", "Zanzibar Quokka", &domain(8), ""));
    let kept = look(&facts(people.clone(), firms.clone()), &mut ranks).items;
    assert!((2..40).contains(&ranks.ranked()), "{}", ranks.ranked());
    let anew = look(&facts(people, firms), &mut Ranks::default()).items;
    assert_eq!(kept, anew);
}
