//! Tests of the whole product.
#[cfg(unix)]
mod terminal;
