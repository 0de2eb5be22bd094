//! stub
/// n
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// x
    pub contact: bool,
    /// x
    pub crm: bool,
    /// x
    pub company: bool,
    /// x
    pub intercom_company: bool,
    /// x
    pub conversation: bool,
    /// x
    pub conversations: bool,
    /// x
    pub deals: bool,
    /// x
    pub ticket: bool,
    /// x
    pub tags: bool,
}
