//! placeholder, replaced by the matching branch
/// One bar of the waterfall behind a match score.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// What was compared.
    pub comparison: String,
    /// How alike it was.
    pub level: String,
    /// Weight in thousandths of a bit.
    pub millibits: i32,
    /// The left value, short.
    pub left: String,
    /// The right value, short.
    pub right: String,
    /// A remark for the reader.
    pub note: Option<String>,
}
