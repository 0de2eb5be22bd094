//! stub
/// W
pub struct Webhook;
