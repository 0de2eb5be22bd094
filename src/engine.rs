//! STUB, dropped at merge.
pub mod operate;
