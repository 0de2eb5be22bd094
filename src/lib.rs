//! Reknit: a terminal operations console for the sync between Intercom and a CRM.
//!
//! The map, in reading order; each module names only those above it.
//!
//! | module | what it is |
//! |---|---|
//! | [`domain`] | the words: records, events, executions, plans, review items |
//! | [`mapping`] | which field is which, who owns it, the three-way verdict |
//! | [`matching`] | who is the same person, which company is theirs, and why |
//! | [`recipes`] | what to do on an event or a decision: pure planners |
//! | [`journal`] | everything that happened and is to happen: the only SQL |
//! | [`vendors`] | the only HTTP client: effects as calls, answers as records, refusals as classes |
//! | [`engine`] | the one path from event to outcome |
//! | [`webhook`] | the receiver: verify, store, answer |
//! | [`console`] | the terminal UI |
//! | [`sandbox`] | the vendors emulated on loopback; shares nothing with the rest |
//! | [`config`], [`vault`], [`cli`] | settings, secrets, commands and all wiring |
//!
//! The life of one webhook: `webhook` verifies it and hands it to `engine::intake`, which stores it in the `journal`
//! with the execution it causes; only then is 200 answered. `engine::worker` claims the execution, gathers facts,
//! lets `recipes` plan, performs the plan through `vendors` step by step (the intent stored before each call), and
//! settles everything it learnt in one transaction. `console` sees the change and shows it; what the operator decides
//! becomes an execution of its own and takes the same path.
#![doc(html_no_source)]

pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod mapping;
pub mod matching;
pub mod recipes;
pub mod sandbox;
pub mod vault;
pub mod vendors;
pub mod webhook;
