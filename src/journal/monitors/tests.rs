//! The monitors' rows: what is counted, told once and delivered.
