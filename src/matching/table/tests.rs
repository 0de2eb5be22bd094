//! The matcher of tables on made-up rows.

use super::*;

fn options(across: bool) -> TableOptions {
    let settings = Settings { minimum_probability: 0.0, ..Settings::default() };
    TableOptions { settings, across, threads: NonZeroUsize::MIN }
}

fn builder(fields: &[(&str, FieldType)]) -> TableBuilder {
    let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    TableBuilder::new(&Schema { id: "id".to_owned(), fields })
}

const PERSON: [(&str, FieldType); 3] =
    [("first", FieldType::GivenName), ("last", FieldType::FamilyName), ("born", FieldType::Date)];

fn people(order: &[usize]) -> MatchedTable {
    let rows = [
        ("1", ["Mira", "Qvistlund", "1980-02-03"]),
        ("2", ["Qvistlund", "Mira", "1980-02-03"]),
        ("3", ["Tove", "Brandal", "1951-11-30"]),
        ("4", ["Tove", "Brandel", "1951-11-03"]),
        ("5", ["", "", ""]),
        ("6", ["Jorund", "Hammer", "1972-05-06"]),
    ];
    let mut table = builder(&PERSON);
    for at in order {
        table.push(rows[*at].0, false, rows[*at].1);
    }
    match_table(table, &options(false))
}

#[test]
fn slips_and_swapped_names_are_found_and_the_order_of_rows_is_irrelevant() {
    let (one, other) = (people(&[0, 1, 2, 3, 4, 5]), people(&[5, 3, 1, 4, 2, 0]));
    assert!(one.pairs().eq(other.pairs()));
    let probability = |left: &str, right: &str| {
        one.pairs().find(|pair| pair.left == left && pair.right == right).map_or(0.0, |pair| pair.probability)
    };
    assert!(probability("1", "2") > 0.9 && probability("3", "4") > 0.5);
    assert!(probability("1", "3") < 0.1 && probability("5", "6") < 0.1);
    let swapped = one.pairs().find(|pair| pair.right == "2").expect("a pair");
    assert!(swapped.evidence.iter().any(|bar| bar.level == "swapped"), "{swapped:?}");
}

#[test]
fn evidence_adds_up_and_missing_values_have_no_bar() {
    for pair in people(&[0, 1, 2, 3, 4, 5]).pairs() {
        assert!((Evidence::probability(&pair.evidence) - pair.probability).abs() < 1e-12);
        assert_eq!(pair.evidence[0].comparison, "prior");
    }
}

#[test]
fn more_than_fifty_equal_rows_are_a_star() {
    let mut table = builder(&PERSON);
    for row in 0..200 {
        table.push(&format!("r{row:03}"), false, ["Mira", "Qvistlund", "1980-02-03"]);
    }
    table.push("z", false, ["Tove", "Brandal", "1951-11-30"]);
    let matched = match_table(table, &options(false));
    assert!(matched.pairs().filter(|pair| pair.probability > 0.5).all(|pair| pair.left == "r000"));
    assert_eq!(matched.pairs().filter(|pair| pair.probability > 0.5).count(), 199);
    assert_eq!(matched.stars()[0].len(), 200);
}

#[test]
fn across_two_files_no_pair_stays_within_one() {
    let mut table = builder(&PERSON);
    for (id, second) in [("a", false), ("b", false), ("c", true), ("d", true)] {
        table.push(id, second, ["Mira", "Qvistlund", "1980-02-03"]);
    }
    let matched = match_table(table, &options(true));
    let pairs: Vec<(&str, &str)> = matched.pairs().map(|pair| (pair.left, pair.right)).collect();
    assert_eq!(pairs, [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]);
}
