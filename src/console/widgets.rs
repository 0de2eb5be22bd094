//! The few shapes every pane is made of: boxes, tables, scrolled text, bars, JSON.

pub mod boxes;
pub mod diff;
pub mod gauge;
pub mod json;
pub mod list;
pub mod tree;
