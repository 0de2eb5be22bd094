//! Counting windows for the vendors' rate limits, fixed and rolling ones. Counts only; the vendors phrase the refusal.

use std::collections::VecDeque;

/// A fixed window: so many calls, then none until it turns over.
pub(super) struct Window {
    pub(super) limit: u32,
    length: i64,
    started: i64,
    used: u32,
}

impl Window {
    pub(super) fn new(limit: u32, length_milliseconds: i64) -> Self {
        Self { limit, length: length_milliseconds, started: i64::MIN, used: 0 }
    }

    /// Counts one call; false when the window is full.
    pub(super) fn admit(&mut self, now: i64) -> bool {
        self.turn(now);
        if self.used >= self.limit {
            return false;
        }
        self.used += 1;
        true
    }

    /// Counts calls that somebody else made.
    pub(super) fn add(&mut self, now: i64, calls: u32) {
        self.turn(now);
        self.used = self.used.saturating_add(calls);
    }

    fn turn(&mut self, now: i64) {
        let current = now - now.rem_euclid(self.length);
        if current != self.started {
            self.started = current;
            self.used = 0;
        }
    }

    pub(super) fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// When the window turns over, in milliseconds since 1970.
    pub(super) fn resets_at(&self) -> i64 {
        self.started.saturating_add(self.length)
    }
}

/// A window that starts wherever one looks: in no stretch of its length more calls than the limit. Refused calls do
/// not count.
pub(super) struct Rolling {
    pub(super) limit: u32,
    length: i64,
    admitted: VecDeque<i64>,
}

impl Rolling {
    pub(super) fn new(limit: u32, length_milliseconds: i64) -> Self {
        Self { limit, length: length_milliseconds, admitted: VecDeque::new() }
    }

    /// Counts one call; false when the last stretch is full.
    pub(super) fn admit(&mut self, now: i64) -> bool {
        while self.admitted.front().is_some_and(|first| now - first >= self.length) {
            self.admitted.pop_front();
        }
        if self.admitted.len() >= self.limit as usize {
            return false;
        }
        self.admitted.push_back(now);
        true
    }

    pub(super) fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.admitted.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_window_refuses_what_two_fixed_ones_would_let_through() {
        let (mut fixed, mut rolling) = (Window::new(10, 10_000), Rolling::new(10, 10_000));
        let calls: Vec<i64> = (0..10).map(|_| 9_000).chain((0..10).map(|_| 11_000)).collect();
        assert_eq!(calls.iter().filter(|at| fixed.admit(**at)).count(), 20);
        assert_eq!(calls.iter().filter(|at| rolling.admit(**at)).count(), 10);
        assert_eq!(rolling.remaining(), 0);
        assert!(!rolling.admit(18_999) && rolling.admit(19_000));
    }
}
