//! The integration tests, one binary: the shape of the code, what users see happen, the commands.
//!
//! `support` is the Bench every flow runs on; `flows` read like what an operator does and sees.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod readme;
mod support;
