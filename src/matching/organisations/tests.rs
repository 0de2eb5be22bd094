//! Duplicate companies as a user meets them: dressed, misspelt, related, of one name abroad. It knows no labelled set.

use proptest::prelude::*;

use super::super::record::Band;
use super::*;

fn firm(key: &str, name: &str, website: &str, country: &str) -> Organisation {
    Organisation {
        key: key.to_owned(),
        name: name.to_owned(),
        website: website.to_owned(),
        country: country.to_owned(),
        ..Organisation::default()
    }
}

fn all(firms: &[Organisation]) -> Vec<Candidate> {
    duplicate_organisations(firms, &Settings { minimum_probability: 0.0, ..Settings::default() })
}

fn of(firms: &[Organisation]) -> Candidate {
    all(firms).into_iter().next().expect("compared")
}

#[test]
fn one_firm_is_known_in_many_spellings() {
    for (one, other) in [
        ("Zelvora Kft.", "ZELVORA KFT"),
        ("Zelvora Technologies Oy", "Zelvora Tech"),
        ("Zelvora Group", "Zelvora International"),
        ("Brückner & Wendt GmbH & Co. KG", "Bruckner und Wendt"),
        ("Harbor Anvil Logistics d.o.o.", "Harbor Anvil Logistics - Head Office"),
        ("Harbor Anvil Logistics Sdn Bhd", "Logistics Harbor Anvil"),
        ("Harbor Anvil Logistics", "Harbor Anvil Logitsics, A.Ş."),
        ("ООО «Соколов Строй»", "Соколов Строй"),
        ("株式会社未来工業", "未来工業"),
        ("Παπαδόπουλος Τεχνική Α.Ε.", "Παπαδόπουλος Τεχνική"),
        ("HarborAnvilLogistics", "Harbor Anvil Logistics S. de R.L. de C.V."),
        ("Kinara Oak (formerly Zelvora Labs)", "Zelvora Labs"),
        ("Harbor Anvil Logistics *DUPLICATE*", "Harbor Anvil Logistics SIA"),
    ] {
        let found =
            of(&[firm("a", one, "zelvora.eu", "Finland"), firm("b", other, "www.zelvora.eu", "Finland")]);
        assert!(found.probability > 0.9, "{one} / {other}: {found:?}");
    }
}

#[test]
fn relatives_and_namesakes_are_kept_apart() {
    for (one, other) in [
        (firm("a", "Zelvora", "zelvora.com", "Finland"), firm("b", "Zelvora", "zelvora.com", "Estonia")),
        (firm("a", "Blue Harbor Software", "", "US"), firm("b", "Blue Harbor Media", "", "US")),
        (firm("a", "Zelvora Oy", "zelvora.fi", ""), firm("b", "Zelvora AB", "zelvora.se", "")),
        (firm("a", "Studio 54", "", "US"), firm("b", "Studio 55", "", "US")),
        (
            firm("a", "Zelvora", "zelvora.com", "Finland"),
            Organisation {
                parent_key: Some("a".to_owned()),
                ..firm("b", "Zelvora Oy", "zelvora.com", "Finland")
            },
        ),
    ] {
        let found = all(&[one.clone(), other.clone()]);
        let sure = found.iter().find(|pair| pair.probability >= 0.5 || pair.band == Band::Auto);
        assert!(sure.is_none(), "{sure:?}");
    }
}

#[test]
fn only_the_unmistakable_is_merged_unattended() {
    let pair = |one: Organisation, other: Organisation| of(&[one, other]);
    let sure = pair(
        firm("a", "Zelvora Kft.", "https://zelvora.hu/en", "Hungary"),
        firm("b", "ZELVORA", "zelvora.hu", "HU"),
    );
    assert_eq!(sure.band, Band::Auto, "{sure:?}");
    // The third record says that the domain is a group's: the record without a country could be either.
    let group = [
        firm("a", "Zelvora", "zelvora.com", "Finland"),
        firm("b", "Zelvora", "zelvora.com", ""),
        firm("c", "Zelvora", "zelvora.com", "Estonia"),
    ];
    assert!(all(&group).iter().all(|pair| pair.band != Band::Auto), "{:?}", all(&group));
}

#[test]
fn a_crowd_of_one_name_stays_cheap() {
    let firms: Vec<Organisation> =
        (0..5_000).map(|at| firm(&format!("k{at:04}"), "Global Solutions", "", "")).collect();
    let found = duplicate_organisations(&firms, &Settings::default());
    assert!(found.len() <= firms.len() * 60, "{}", found.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn neither_order_nor_side_matters(
        seed in prop::collection::vec((0_usize..6, 0_usize..4, 0_usize..3), 2..10),
        turn in 0_usize..10,
    ) {
        let names = ["Zelvora", "Zelvora Tech Oy", "Harbor Anvil", "Anvil Harbor Ltd", "", "Zelvroa"];
        let sites = ["", "zelvora.com", "zelvora.fi", "anvil.io"];
        let countries = ["", "Finland", "UK"];
        let mut firms: Vec<Organisation> = seed
            .iter()
            .enumerate()
            .map(|(at, (name, site, country))| {
                firm(&format!("k{at}"), names[*name], sites[*site], countries[*country])
            })
            .collect();
        let before = all(&firms);
        for found in &before {
            let sum = crate::domain::evidence::Evidence::probability(&found.evidence);
            prop_assert!((sum - found.probability).abs() < 1e-9);
        }
        let by = turn % firms.len();
        firms.rotate_left(by);
        prop_assert_eq!(&before, &all(&firms));
        // With the keys turned round each pair is compared from its other side.
        let last = firms.len();
        for firm in &mut firms {
            let at: usize = firm.key[1..].parse().expect("a number");
            firm.key = format!("k{}", last - 1 - at);
        }
        let bits = |found: &[Candidate]| {
            let mut bits: Vec<i64> = found.iter().map(Candidate::millibits).collect();
            bits.sort_unstable();
            bits
        };
        prop_assert_eq!(bits(&before), bits(&all(&firms)));
    }
}
