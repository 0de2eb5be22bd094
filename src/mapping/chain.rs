//! Chains of writes that answer each other: how a loop through another app is told from people at work.
//!
//! Each of our writes has a hop count. A change that a human made begins a new chain; one that lies on top of our own
//! write, and that no human is known to have made, goes on with it. Two systems that "correct" each other thus count up
//! quickly, while people who edit both sides in turn do not.

/// The longest chain: the next write is not made and a human is asked.
pub const MOST_HOPS: u32 = 4;

/// What is known of the last write of ours to one side of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWrite {
    /// Its hop count.
    pub hops: u32,
    /// The side holds another value by now.
    pub overwritten: bool,
}

/// The hop count that a write from `source` to `target` would have.
///
/// `by_a_human`: the change that causes it was made by a human, as far as the vendor says.
pub fn hops(source: Option<LastWrite>, target: Option<LastWrite>, by_a_human: bool) -> u32 {
    if by_a_human {
        return 1;
    }
    let answered = [source, target].into_iter().flatten().filter(|write| write.overwritten);
    answered.map(|write| write.hops.saturating_add(1)).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g11_two_apps_that_answer_each_other_are_stopped_at_the_fifth_write_and_people_never() {
        let (mut left, mut right): (Option<LastWrite>, Option<LastWrite>) = (None, None);
        let mut written = 0;
        for turn in 0..100 {
            let (source, target) = if turn % 2 == 0 { (left, right) } else { (right, left) };
            let hops = hops(source, target, false);
            if hops > MOST_HOPS {
                break;
            }
            written += 1;
            let write = Some(LastWrite { hops, overwritten: true });
            if turn % 2 == 0 { right = write } else { left = write }
        }
        assert_eq!(written, 4);

        // The same with a human on one of the two sides goes on for ever.
        let (mut left, mut right): (Option<LastWrite>, Option<LastWrite>) = (None, None);
        for turn in 0..100 {
            let write = |hops| Some(LastWrite { hops, overwritten: true });
            if turn % 2 == 0 {
                right = write(hops(left, right, true));
            } else {
                left = write(hops(right, None, false));
            }
            assert!(left.is_none_or(|write| write.hops <= MOST_HOPS));
        }
    }

    #[test]
    fn one_side_alone_makes_no_chain() {
        // A source nobody but its owner writes, and a target that holds what we wrote.
        assert_eq!(hops(None, Some(LastWrite { hops: 1, overwritten: false }), false), 1);
    }
}
