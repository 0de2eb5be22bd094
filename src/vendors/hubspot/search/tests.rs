//! Searches HubSpot would refuse, and the cursor against a search that orders equal times at whim.

use proptest::prelude::*;

use super::*;

fn filters(count: usize) -> Vec<Filter> {
    (0..count).map(|n| Filter::equal("city", &n.to_string())).collect()
}

#[test]
fn what_hubspot_would_refuse_is_refused_here() {
    let good = Search { groups: vec![filters(6), filters(6), filters(6)], ..Search::default() };
    assert!(good.body().is_ok());
    for (search, word) in [
        (Search { groups: vec![filters(1); 6], ..Search::default() }, "5 groups"),
        (Search::all(filters(7)), "6 filters"),
        (Search { groups: vec![filters(5); 4], ..Search::default() }, "18 filters"),
        (Search { limit: 201, ..Search::default() }, "200 rows"),
        (Search { after: Some("9801".to_owned()), ..Search::default() }, "10,000"),
        (Search { after: Some("x".to_owned()), ..Search::default() }, "after"),
        (Search::all(vec![Filter::equal("city", &"x".repeat(2_990))]), "3,000 characters"),
    ] {
        let error = search.body().expect_err(word);
        assert!(error.words.contains(word) && error.class == ErrorClass::Validation, "{error}");
    }
    assert!(Search { after: Some("9800".to_owned()), ..Search::default() }.body().is_ok());
}

#[test]
fn filters_are_read_as_hubspot_writes_them_and_written_back_the_same() {
    let groups = json!([{"filters": [
        {"propertyName": "city", "operator": "IN", "values": ["a", "b"]},
        {"propertyName": "age", "operator": "BETWEEN", "value": "1", "highValue": "9"},
        {"propertyName": "phone", "operator": "NOT_HAS_PROPERTY"},
    ]}]);
    let search = Search { groups: Search::read_groups(&groups).expect("good"), ..Search::default() };
    assert_eq!(search.body().expect("good")["filterGroups"], groups);
    for bad in [
        json!({}),
        json!([{"filters": [{"propertyName": "a", "operator": "LIKE", "value": "x"}]}]),
        json!([{"filters": [{"propertyName": "a", "operator": "IN", "value": "x"}]}]),
        json!([{"filters": [{"propertyName": "a", "operator": "BETWEEN", "value": "x"}]}]),
        json!([{"filters": [{"operator": "EQ", "value": "x"}]}]),
    ] {
        assert!(Search::read_groups(&bad).is_err(), "{bad}");
    }
}

/// A search over rows (changed, id) with pages of `size`, which puts equal times in an order of its own each time.
fn answer(rows: &[(i64, u64)], search: &Search, size: usize, whim: u64) -> (Vec<(i64, u64)>, bool) {
    let body = search.body().expect("a search");
    let filters = body["filterGroups"][0]["filters"].as_array().expect("filters");
    let holds = |row: &(i64, u64)| {
        filters.iter().all(|filter| {
            let actual = if filter["propertyName"] == "hs_object_id" { row.1 as i64 } else { row.0 };
            let wanted: i64 = filter["value"].as_str().expect("text").parse().expect("number");
            match filter["operator"].as_str().expect("operator") {
                "EQ" => actual == wanted,
                "GT" => actual > wanted,
                "GTE" => actual >= wanted,
                other => panic!("{other}"),
            }
        })
    };
    let mut found: Vec<(i64, u64)> = rows.iter().copied().filter(holds).collect();
    if body["sorts"][0]["propertyName"] == "hs_object_id" {
        found.sort_by_key(|row| row.1);
    } else {
        found.sort_by_key(|row| (row.0, row.1.wrapping_mul(whim | 1).rotate_left(17)));
    }
    let more = found.len() > size;
    found.truncate(size);
    (found, more)
}

proptest! {
    #[test]
    fn each_row_is_read_exactly_once_under_equal_times(
        times in prop::collection::vec(0_i64..6, 0..60),
        since in 0_i64..4,
        size in 1_usize..9,
        whims in prop::collection::vec(any::<u64>(), 8),
    ) {
        let rows: Vec<(i64, u64)> = times.iter().enumerate().map(|(n, at)| (*at, n as u64 + 1)).collect();
        let mut read = Vec::new();
        let mut cursor: Option<String> = None;
        for turn in 0..400_usize {
            let reading = Reading::new(Timestamp(since), cursor.as_deref());
            let search = reading.search(ObjectKind::Contact);
            let (page, more) = answer(&rows, &search, size, whims[turn % whims.len()]);
            let ids: Vec<String> = page.iter().map(|row| row.1.to_string()).collect();
            let shown: Vec<(Option<Timestamp>, &str)> = page
                .iter()
                .zip(&ids)
                .map(|(row, id)| (Some(Timestamp(row.0)), id.as_str()))
                .collect();
            let (kept, next) = reading.turn(&shown, more).expect("a good page");
            read.extend_from_slice(&page[..kept]);
            match next {
                Some(next) => cursor = Some(next.cursor()),
                None => { cursor = None; break; }
            }
        }
        prop_assert!(cursor.is_none(), "it comes to an end");
        prop_assert!(read.is_sorted_by_key(|row| row.0), "oldest first");
        let mut expected: Vec<(i64, u64)> = rows.into_iter().filter(|row| row.0 >= since).collect();
        expected.sort_unstable();
        read.sort_unstable();
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn a_page_that_cannot_be_gone_on_from_is_an_error_and_not_an_end() {
    let at = |ms| Some(Timestamp(ms));
    let from = Reading::From(Timestamp(0));
    assert!(from.turn(&[(at(1), "1"), (None, "2")], true).is_err());
    assert!(from.turn(&[], true).is_err());
    assert!(from.turn(&[(at(5), "1"), (at(2), "2"), (at(5), "3")], true).is_err());
    assert!(Reading::Within(Timestamp(5), 0).turn(&[(at(5), "x")], true).is_err());
    assert_eq!(Reading::new(Timestamp(7), Some("rubbish")), Reading::From(Timestamp(7)));
}
