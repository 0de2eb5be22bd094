//! Durations by bucket: each is 4 % wider than the one before, so a percentile read from counts alone is at most 2 %
//! away from the true one, whatever the durations are. Counts only; when they were measured is the journal's business.

/// How much wider each bucket is than the one before it.
const GROWTH: f64 = 1.04;
/// The largest relative error of a percentile; a millisecond's rounding comes on top.
pub const ERROR: f64 = (GROWTH - 1.0) / (GROWTH + 1.0);

/// The bucket of a duration in milliseconds. 0 is a bucket of its own.
pub fn bucket(milliseconds: i64) -> u32 {
    if milliseconds <= 0 {
        return 0;
    }
    1 + ((milliseconds as f64).ln() / GROWTH.ln()).ceil() as u32
}

/// The duration that stands for a bucket: nowhere in it is further than [`ERROR`] away.
pub fn duration(bucket: u32) -> f64 {
    match bucket.checked_sub(1) {
        None => 0.0,
        Some(exponent) => 2.0 * GROWTH.powf(f64::from(exponent)) / (GROWTH + 1.0),
    }
}

/// Durations counted by bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Bucket and count, in the order of buckets.
    pub buckets: Vec<(u32, u64)>,
    /// The longest, exactly.
    pub most: i64,
    /// All of them together, exactly.
    pub sum: i64,
}

impl Histogram {
    /// How many durations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The duration that this share of all durations does not exceed, in milliseconds; none without any.
    pub fn percentile(&self, share: f64) -> Option<i64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((share * count as f64).ceil() as u64).clamp(1, count);
        let mut passed = 0;
        for (bucket, count) in &self.buckets {
            passed += count;
            if passed >= rank {
                return Some((duration(*bucket).round() as i64).min(self.most));
            }
        }
        Some(self.most)
    }

    /// How many durations are not longer than this, for cumulative buckets of a given width.
    pub fn up_to(&self, milliseconds: i64) -> u64 {
        let last = bucket(milliseconds);
        self.buckets.iter().filter(|(bucket, _)| *bucket <= last).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(durations: &[i64]) -> Histogram {
        let mut counted = std::collections::BTreeMap::new();
        for duration in durations {
            *counted.entry(bucket(*duration)).or_insert(0) += 1;
        }
        Histogram {
            buckets: counted.into_iter().collect(),
            most: durations.iter().copied().max().unwrap_or(0),
            sum: durations.iter().sum(),
        }
    }

    proptest! {
        #[test]
        fn r210_a_percentile_is_as_near_as_is_said(
            mut durations in prop::collection::vec(0_i64..1_000_000_000, 1..300),
            share in 0.01_f64..1.0,
        ) {
            let found = histogram(&durations).percentile(share).expect("there are some");
            durations.sort_unstable();
            let rank = ((share * durations.len() as f64).ceil() as usize).clamp(1, durations.len());
            let truth = durations[rank - 1];
            let allowed = truth as f64 * ERROR * 1.000_001 + 0.5;
            prop_assert!(((found - truth) as f64).abs() <= allowed, "{found} for {truth}");
        }

        #[test]
        fn small_durations_too(mut durations in prop::collection::vec(0_i64..50, 1..100), share in 0.01_f64..1.0) {
            let found = histogram(&durations).percentile(share).expect("there are some");
            durations.sort_unstable();
            let rank = ((share * durations.len() as f64).ceil() as usize).clamp(1, durations.len());
            prop_assert!(((found - durations[rank - 1]) as f64).abs() <= durations[rank - 1] as f64 * ERROR + 0.5001);
        }
    }

    #[test]
    fn without_durations_there_is_no_percentile() {
        assert_eq!(Histogram::default().percentile(0.95), None);
        assert_eq!(histogram(&[0, 0, 7]).percentile(0.5), Some(0));
        assert_eq!(histogram(&[0, 0, 7]).up_to(6), 2);
    }
}
