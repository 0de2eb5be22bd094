//! Tests of the whole product from outside: the built binary, the emulated vendors, the journal's file.

mod storm;
