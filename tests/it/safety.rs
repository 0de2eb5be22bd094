//! What must never happen, whatever is pressed, sent or broken: a write by somebody who may only look (G10), a secret
//! anywhere but in the vault and the environment (G9), a parser that falls over (G15).
//!
//! The long forms: `REKNIT_LOOK_SECONDS=600 cargo test --release --test it safety::look_only`,
//! `REKNIT_FUZZ_SECONDS=1800 cargo test --release --test it safety::parsers` (for each parser).

mod look_only;
mod parsers;
mod secrets;

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Figures belong to whoever reads the test's output, passed or not.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How much is tried: a number of rounds, or as many as fit into the seconds of a variable.
struct Effort {
    rounds: u64,
    until: Option<Instant>,
    done: u64,
}

impl Effort {
    fn of(variable: &str, rounds: u64) -> Self {
        let seconds = std::env::var(variable).ok().and_then(|text| text.parse().ok());
        Self { rounds, until: seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)), done: 0 }
    }

    fn goes_on(&mut self) -> bool {
        self.done += 1;
        match self.until {
            Some(until) => Instant::now() < until,
            None => self.done <= self.rounds,
        }
    }
}
