//! The integration tests, one binary: the shape of the code, what users see happen, the commands, the terminal.
//!
//! `effects` loses the answer of everything that makes something; `salesforce` drives that client against the emulated org;
//! `support` is the Bench every flow runs on; `flows` read like what an operator does and sees; `terminal` drives the
//! built binary in a pseudo-terminal, `storm` kills it again and again; `disk` gives the journal a
//! bad disk; `matching` matches files; `matrix` strikes every call with every fault;
//! `merges` make one record of several; `recipes` run what is shipped against
//! every edge of what is asked; `requirements` names the tests that prove each of it; `safety` is about what must never happen.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod guarantees;
#[cfg(test)]
mod hubspot;
#[cfg(test)]
mod intercom;
#[cfg(test)]
mod links;
#[cfg(test)]
mod matching;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod recipes;
#[cfg(test)]
mod requirements;
#[cfg(test)]
#[cfg(unix)]
mod safety;
#[cfg(test)]
mod salesforce;
#[cfg(all(test, unix))]
mod storm;
#[cfg(test)]
mod support;
#[cfg(all(test, unix))]
mod terminal;
#[cfg(test)]
mod undo;
