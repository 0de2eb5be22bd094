//! Knowing when nothing is under way: every task is counted before it is spawned, and stays counted until its
//! answer was handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is under way.
#[derive(Debug, Clone, Default)]
pub struct Idle(Arc<AtomicUsize>);

impl Idle {
    /// Counts one more, until the token is dropped.
    pub fn token(&self) -> Token {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(self.0.clone())
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

/// One thing under way.
#[derive(Debug)]
pub struct Token(Arc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
