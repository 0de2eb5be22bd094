//! Merging rows of one type.
