//! The fit: finds what it was made from, does not care for order, never leaves the numbers.

use proptest::prelude::*;

use super::*;

const M: [[f64; 3]; 4] = [[0.9, 0.08, 0.02], [0.8, 0.15, 0.05], [0.7, 0.2, 0.1], [0.85, 0.1, 0.05]];
const U: [[f64; 3]; 4] = [[0.01, 0.04, 0.95], [0.05, 0.05, 0.9], [0.1, 0.1, 0.8], [0.002, 0.018, 0.98]];
const PRIOR: f64 = 0.1;

fn vague() -> Start {
    let beliefs = (0..4).map(|_| Belief::new(&[0.7, 0.2, 0.1], &[0.1, 0.2, 0.7], 1.0)).collect();
    Start::new(beliefs, 0.3, 1.0)
}

/// Every pattern with the count that the parameters make it expect.
fn expected(pairs: f64) -> Vec<(Vec<u8>, f64)> {
    let mut patterns = Vec::new();
    for code in 0..81_u32 {
        let levels: Vec<u8> = (0..4).map(|at| (code / 3_u32.pow(at) % 3) as u8).collect();
        let chance = |of: &[[f64; 3]; 4]| -> f64 {
            levels.iter().enumerate().map(|(at, level)| of[at][usize::from(*level)]).product()
        };
        patterns.push((levels.clone(), pairs * (PRIOR * chance(&M) + (1.0 - PRIOR) * chance(&U))));
    }
    patterns
}

#[test]
fn known_parameters_are_found_again() {
    let found = estimate(&expected(100_000.0), &vague());
    assert!(found.settled, "{found:?}");
    assert!((found.prior - PRIOR).abs() < 0.002, "{}", found.prior);
    for at in 0..4 {
        for level in 0..3_usize {
            assert!((found.m[at][level] - M[at][level]).abs() < 0.01, "m {at} {level} {:?}", found.m[at]);
            assert!((found.u[at][level] - U[at][level]).abs() < 0.01, "u {at} {level} {:?}", found.u[at]);
        }
    }
    let sure = found.probability(&[0, 0, 0, 0]);
    assert!(sure > 0.999 && found.probability(&[2, 2, 2, 2]) < 0.001);
}

#[test]
fn a_fixed_u_stays_and_helps() {
    let mut start = vague();
    for (belief, u) in start.beliefs.iter_mut().zip(U) {
        *belief = Belief::new(&[0.7, 0.2, 0.1], &u, 10.0).with_fixed_u();
    }
    let found = estimate(&expected(20_000.0), &start);
    for (found, u) in found.u.iter().zip(U) {
        assert!(found.iter().zip(u).all(|(one, other)| (one - other).abs() < 1e-9));
    }
    assert!((found.m[3][0] - 0.85).abs() < 0.02, "{:?}", found.m);
}

#[test]
fn little_data_moves_little_and_much_data_takes_over() {
    let mut start = vague();
    for belief in &mut start.beliefs {
        belief.pseudo_pairs = 500.0;
    }
    let few = estimate(&expected(20.0), &start);
    let many = estimate(&expected(1_000_000.0), &start);
    assert!((few.m[3][0] - 0.7).abs() < 0.05, "{:?}", few.m);
    assert!((many.m[3][0] - 0.85).abs() < 0.02, "{:?}", many.m);
}

#[test]
fn nothing_to_compare_weighs_nothing() {
    let found = estimate(&expected(10_000.0), &vague());
    assert!(found.bits(0, NOTHING).abs() < f64::EPSILON);
    let (with, without) = (found.probability(&[0, 0, NOTHING, 1]), found.probability(&[0, 0, NOTHING, 1]));
    assert!((with - without).abs() < f64::EPSILON);
    // A column that is always empty keeps what was believed of it.
    let empty: Vec<(Vec<u8>, f64)> = expected(1000.0)
        .into_iter()
        .map(|(mut levels, count)| {
            levels[2] = NOTHING;
            (levels, count)
        })
        .collect();
    let found = estimate(&empty, &vague());
    assert!(found.m[2].iter().zip([0.7, 0.2, 0.1]).all(|(one, other)| (one - other).abs() < 1e-9));
}

#[test]
fn no_pairs_leave_the_belief() {
    let found = estimate(&[], &vague());
    assert!((found.prior - 0.3).abs() < 1e-12 && found.rounds == 0);
    assert!((found.bits(0, 0) - 7.0_f64.log2()).abs() < 1e-9);
}

#[test]
fn a_closer_level_never_weighs_less() {
    // The middle level is rarer among equal pairs than its belief says, and than the distant one.
    let patterns = vec![(vec![0], 500.0), (vec![1], 400.0), (vec![2], 100.0)];
    let start = Start::new(vec![Belief::new(&[0.2, 0.3, 0.5], &[0.5, 0.3, 0.2], 5.0)], 0.5, 1.0);
    let found = estimate(&patterns, &start);
    assert!(found.bits(0, 0) + 1e-9 >= found.bits(0, 1) && found.bits(0, 1) + 1e-9 >= found.bits(0, 2));
}

#[test]
fn equal_patterns_are_counted_together() {
    let patterns: [&[u8]; 4] = [&[1, 0], &[0, 0], &[1, 0], &[0, NOTHING]];
    let counted = count(patterns);
    assert_eq!(counted, [(vec![0, 0], 1.0), (vec![0, NOTHING], 1.0), (vec![1, 0], 2.0)]);
}

fn any_patterns() -> impl Strategy<Value = Vec<(Vec<u8>, f64)>> {
    let level = prop_oneof![4 => 0..3_u8, 1 => Just(NOTHING), 1 => 3..6_u8];
    prop::collection::vec((prop::collection::vec(level, 4), 0.0..1e7), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_patterns_is_irrelevant(
        (patterns, mixed) in any_patterns().prop_flat_map(|patterns| {
            // Counts of equal patterns are added in the order they come: whole numbers, so that sums are exact.
            let whole: Vec<(Vec<u8>, f64)> =
                patterns.into_iter().map(|(levels, count)| (levels, count.floor())).collect();
            (Just(whole.clone()), Just(whole).prop_shuffle())
        })
    ) {
        prop_assert_eq!(estimate(&patterns, &vague()), estimate(&mixed, &vague()));
    }

    #[test]
    fn every_number_is_a_number_and_levels_stay_in_order(patterns in any_patterns(), prior in 0.0..1.0_f64) {
        let mut start = vague();
        start.prior = prior;
        start.beliefs[1] = Belief::new(&[0.0, f64::NAN, 1.0], &[0.0, 0.0, 0.0], 0.0);
        let found = estimate(&patterns, &start);
        prop_assert!(found.prior > 0.0 && found.prior < 1.0 && found.log_likelihood.is_finite());
        for at in 0..4 {
            let (m, u): (f64, f64) = (found.m[at].iter().sum(), found.u[at].iter().sum());
            prop_assert!((m - 1.0).abs() < 1e-6 && (u - 1.0).abs() < 1e-6, "{} {}", m, u);
            for level in 0..3_u8 {
                prop_assert!(found.bits(at, level).is_finite());
                prop_assert!(level == 0 || found.bits(at, level - 1) + 1e-6 >= found.bits(at, level));
            }
        }
        let probability = found.probability(&[0, 1, 2, NOTHING]);
        prop_assert!((0.0..=1.0).contains(&probability));
    }
}
