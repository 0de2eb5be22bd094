//! When to try again: patient, polite, finite. Waiting for a limit is not trying and is not decided here.
//!
//! After the n-th failed try the next one comes 5 s x 3^(n-1) later, at most 6 h, of which one half is fixed and one half
//! random. "Full jitter" (all of it random) spreads a crowd a little better, but lets one try in ten come within a tenth
//! of the pause: a vendor that is down would be asked again at once, and what the schedule promises could not be said
//! as a number. With half of it fixed, tries that failed together still spread over half the pause, and no pause is
//! shorter than half of what is stated.
//!
//! | after try | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9, 10, 11 |
//! |---|---|---|---|---|---|---|---|---|---|
//! | at most | 5 s | 15 s | 45 s | 2 min 15 s | 6 min 45 s | 20 min 15 s | 1 h 45 s | 3 h 2 min | 6 h |
//! | on average | 3.75 s | 11.25 s | 33.75 s | 1 min 41 s | 5 min 4 s | 15 min 11 s | 45 min 34 s | 2 h 17 min | 4 h 30 min |

use std::time::Duration;

/// The pause before the next try after `failed` failed tries.
pub fn pause(failed: u32) -> Duration {
    pause_of(failed, fastrand::f64())
}

/// The same with the random part given, from 0 to 1.
fn pause_of(failed: u32, share: f64) -> Duration {
    let half = whole(failed) / 2;
    half + half.mul_f64(share.clamp(0.0, 1.0))
}

fn whole(failed: u32) -> Duration {
    const FIRST: u64 = 5;
    const MOST: u64 = 6 * 3600;
    let seconds = FIRST.saturating_mul(3_u64.saturating_pow(failed.saturating_sub(1)));
    Duration::from_secs(seconds.min(MOST))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// As it stands in the table above: at most, after the first to the eleventh failed try, in seconds.
    const STATED: [f64; 11] =
        [5.0, 15.0, 45.0, 135.0, 405.0, 1215.0, 3645.0, 10935.0, 21600.0, 21600.0, 21600.0];

    #[test]
    fn g6_schedule_is_the_stated_one_within_one_per_cent() {
        let mut worst: f64 = 0.0;
        let mut deviation = |is: f64, stated: f64| worst = worst.max((is / stated - 1.0).abs());
        let mut rng = fastrand::Rng::with_seed(6);
        for (failed, stated) in (1..).zip(STATED) {
            for (share, part) in [(0.0, 0.5), (0.25, 0.625), (0.5, 0.75), (1.0, 1.0)] {
                deviation(pause_of(failed, share).as_secs_f64(), stated * part);
            }
            // The random half is spread evenly: a quarter of the pauses lies in each of its quarters.
            let drawn: Vec<f64> =
                (0..100_000).map(|_| pause_of(failed, rng.f64()).as_secs_f64() / stated).collect();
            assert!(drawn.iter().all(|part| (0.5..=1.0).contains(part)));
            deviation(drawn.iter().sum::<f64>() / drawn.len() as f64, 0.75);
            let mut sorted = drawn;
            sorted.sort_by(f64::total_cmp);
            for quarter in 1..4 {
                deviation(sorted[sorted.len() * quarter / 4], 0.5 + 0.125 * quarter as f64);
            }
        }
        let all: Duration = (1..12).map(|failed| pause_of(failed, 0.5)).sum();
        deviation(all.as_secs_f64(), STATED.iter().sum::<f64>() * 0.75);
        let hours = |share: f64| {
            (1..12).map(|failed| pause_of(failed, share)).sum::<Duration>().as_secs_f64() / 3600.0
        };
        let _ = writeln!(
            std::io::stderr(),
            "G6 schedule: 12 tries in {:.1} to {:.1} h, {:.1} h on average; worst deviation from the stated table {:.2} %",
            hours(0.0),
            hours(1.0),
            hours(0.5),
            worst * 100.0
        );
        assert!(worst < 0.01, "{worst}");
        assert!((11.0..24.0).contains(&hours(0.5)));
        for failed in 12..100 {
            assert!(pause(failed) <= Duration::from_secs(6 * 3600), "never longer than six hours");
        }
    }
}
