//! The matcher of tables on made-up rows.
