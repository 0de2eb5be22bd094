//! What users do and see, from the webhook to the mended record: keys pressed, lines read, the vendors' own books.

mod batching;
mod breaker;
mod conflict;
mod crash;
mod disputes;
mod duplicate_delivery;
mod erasure;
mod errors;
mod failure;
mod hostile_data;
mod intake;
mod limits;
mod link;
mod loop_guard;
mod lost_answer;
mod mapping;
mod merge;
mod pauses;
mod payloads;
mod polling;
mod pressure;
mod queue;
mod receiving;
mod salesforce;
mod sources;
mod vendor_moves;
