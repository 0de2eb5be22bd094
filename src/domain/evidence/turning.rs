//! What would change a verdict: the fewest bars of a waterfall without which the sum falls on the other side of a
//! threshold. Pure; it weighs nothing anew.

use serde::Serialize;

use super::{Evidence, probability_of};

/// Ways that are named; more would be a list, not an answer.
const NAMED: usize = 3;

/// One way to the other side of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// Places of the bars in the waterfall that would have to be absent, the longest first.
    pub bars: Vec<usize>,
    /// What the rest adds up to.
    pub probability: f64,
}

/// The smallest sets of bars whose absence takes the score across the threshold: every single one that does (at most
/// three, the longest first), else one set of as few as possible. Empty when no absence is enough. The prior is no bar
/// that could be absent.
pub fn turning(bars: &[Evidence], threshold: f64) -> Vec<Turn> {
    let sum: i64 = bars.iter().map(|bar| i64::from(bar.millibits)).sum();
    let above = |sum: i64| probability_of(sum) >= threshold;
    let upward = !above(sum);
    // Below the threshold what speaks against is in the way, above it what speaks for holds it up.
    let mut sided: Vec<usize> = (0..bars.len())
        .filter(|at| bars[*at].comparison != "prior")
        .filter(|at| if upward { bars[*at].millibits < 0 } else { bars[*at].millibits > 0 })
        .collect();
    sided.sort_by_key(|at| (std::cmp::Reverse(bars[*at].millibits.abs()), *at));
    let without = |gone: &[usize]| sum - gone.iter().map(|at| i64::from(bars[*at].millibits)).sum::<i64>();
    let turns = |gone: &[usize]| above(without(gone)) == upward;
    let turn = |gone: Vec<usize>| Turn { probability: probability_of(without(&gone)), bars: gone };
    let single: Vec<Turn> =
        sided.iter().filter(|at| turns(&[**at])).take(NAMED).map(|at| turn(vec![*at])).collect();
    if !single.is_empty() {
        return single;
    }
    // The longest together are the fewest that are enough.
    (2..=sided.len())
        .map(|count| sided[..count].to_vec())
        .find(|gone| turns(gone))
        .map(turn)
        .into_iter()
        .collect()
}

/// The same as sentences, for whoever decides: `Without "email same mailbox" it would be 43 %.`
pub fn sentences(bars: &[Evidence], threshold: f64) -> Vec<String> {
    let sum: i64 = bars.iter().map(|bar| i64::from(bar.millibits)).sum();
    let is = probability_of(sum);
    // Near certainty a whole number says nothing: "99 %, below 99 %".
    let share = |probability: f64| {
        if probability < 0.985 {
            format!("{:.0} %", probability * 100.0)
        } else {
            format!("{:.2} %", (probability * 100.0).min(99.99))
        }
    };
    let side = if is >= threshold { "below" } else { "above" };
    let found = turning(bars, threshold);
    if found.is_empty() {
        let missing = (threshold / (1.0 - threshold).max(1e-9)).log2() - sum as f64 / 1000.0;
        return if is >= threshold {
            vec![format!("No missing field alone takes it below {}.", share(threshold))]
        } else {
            vec![format!("It takes {missing:.1} bits more evidence to reach {}.", share(threshold))]
        };
    }
    found
        .iter()
        .map(|turn| {
            let names: Vec<String> = turn
                .bars
                .iter()
                .map(|at| format!("\"{} {}\"", bars[*at].comparison, bars[*at].level).replace(" \"", "\""))
                .collect();
            format!(
                "Without {} it would be {}, {side} {}.",
                names.join(" and "),
                share(turn.probability),
                share(threshold)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(bits: &[(&str, i32)]) -> Vec<Evidence> {
        bits.iter()
            .map(|(name, bits)| Evidence {
                comparison: (*name).to_owned(),
                level: "same".to_owned(),
                millibits: bits * 1000,
                left: String::new(),
                right: String::new(),
                note: None,
            })
            .collect()
    }

    #[test]
    fn each_bar_that_alone_carries_the_score_is_named_the_longest_first() {
        let bars = bars(&[("prior", -10), ("email", 8), ("name", 5), ("city", 1)]);
        let found = turning(&bars, 0.5);
        assert_eq!(found.iter().map(|turn| turn.bars.clone()).collect::<Vec<_>>(), [vec![1], vec![2]]);
        assert!(found.iter().all(|turn| turn.probability < 0.5));
    }

    #[test]
    fn where_no_single_bar_does_it_the_fewest_together_are_named() {
        let bars = bars(&[("prior", -10), ("email", 9), ("name", 9), ("phone", 9)]);
        let found = turning(&bars, 0.5);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bars, [1, 2]);
    }

    #[test]
    fn below_the_threshold_what_speaks_against_is_in_the_way() {
        let held = bars(&[("prior", -10), ("email", 14), ("guard", -6)]);
        assert_eq!(turning(&held, 0.5)[0].bars, [2]);
        let far = bars(&[("prior", -10), ("name", 4)]);
        assert!(turning(&far, 0.5).is_empty(), "the prior is no field that could be absent");
        assert_eq!(sentences(&far, 0.5), ["It takes 6.0 bits more evidence to reach 50 %."]);
    }

    #[test]
    fn whatever_is_named_really_crosses_the_threshold() {
        for seed in 0..200_i32 {
            let bars = bars(&[
                ("prior", -8),
                ("a", seed % 13 - 4),
                ("b", seed % 7 - 2),
                ("c", seed % 11 - 5),
                ("d", seed % 5),
            ]);
            for threshold in [0.2, 0.5, 0.995] {
                let above = Evidence::probability(&bars) >= threshold;
                for turn in turning(&bars, threshold) {
                    assert_ne!(turn.probability >= threshold, above, "{seed} {turn:?}");
                }
            }
        }
    }
}
