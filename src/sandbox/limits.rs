//! Counting windows for the vendors' rate limits. Counts only; the vendors phrase the refusal.

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
        let current = now - now.rem_euclid(self.length);
        if current != self.started {
            self.started = current;
            self.used = 0;
        }
        if self.used >= self.limit {
            return false;
        }
        self.used += 1;
        true
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
