//! The gate every call passes right before it is sent. Vendors' operations may take several calls, so asking once
//! for each operation would not be enough to keep a limit; who counts, and how, is not known here.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::OwnedSemaphorePermit;

use crate::domain::limit::Family;
use crate::domain::record::Connection;

/// Held while a call is on its way; some vendors limit how many are at once.
#[derive(Debug, Default)]
pub struct Pass(#[expect(dead_code, reason = "its drop gives the place back")] Option<OwnedSemaphorePermit>);

impl Pass {
    /// A pass that holds a place until it is dropped.
    pub const fn holding(place: Option<OwnedSemaphorePermit>) -> Self {
        Self(place)
    }
}

/// Lets calls through at the vendors' pace.
pub trait Gate: Send + Sync + 'static {
    /// Waits until a call of this family may be sent. It always lets through in the end: whether work should begin
    /// at all is asked elsewhere, before it does.
    fn pass<'a>(
        &'a self,
        connection: &'a Connection,
        family: Family,
    ) -> Pin<Box<dyn Future<Output = Pass> + Send + 'a>>;
}
