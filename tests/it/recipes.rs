//! The shipped recipes on the bench, at every edge of what is asked of them: webhooks in, the vendors' books out.

mod agents;
mod churn;
mod companies;
mod console;
mod engine;
mod handover;
mod people;
mod race;
mod ratings;
mod sales;
mod salesforce;
mod shipped;
mod support;
mod timeline;
mod world;
