//! When to try again: patient, polite, finite. Waiting for a limit is not trying and is not decided here.

use std::time::Duration;

/// The pause before the next try after `failed` failed tries: 5 s times 3 to the n, at most 6 h, half of it random.
pub fn pause(failed: u32) -> Duration {
    let whole = whole(failed);
    let half = whole / 2;
    half + Duration::from_millis(fastrand::u64(0..=half.as_millis() as u64))
}

fn whole(failed: u32) -> Duration {
    const FIRST: u64 = 5;
    const MOST: u64 = 6 * 3600;
    let seconds = FIRST.saturating_mul(3_u64.saturating_pow(failed.saturating_sub(1)));
    Duration::from_secs(seconds.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_twelve_tries_take_about_a_day_and_no_pause_is_longer_than_six_hours() {
        let all: Duration = (1..12).map(whole).sum();
        assert!((20..30).contains(&(all.as_secs() / 3600)), "{} h", all.as_secs() / 3600);
        for failed in 0..100 {
            let pause = pause(failed);
            assert!(pause >= whole(failed) / 2 && pause <= whole(failed), "{failed}: {pause:?}");
        }
    }
}
