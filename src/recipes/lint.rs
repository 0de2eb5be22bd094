//! What is wrong with recipes that can be read: what they name, what they would do twice, what they forget.
//!
//! Pure and without a vendor: whether a field exists there is checked against the schemas elsewhere.

pub mod schema;

use super::book::Book;
use super::finding::Finding;

/// Everything found in a book, in the order of its recipes.
pub fn book(_book: &Book) -> Vec<Finding> {
    Vec::new()
}
