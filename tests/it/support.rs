//! What the flows stand on: the [`Bench`], its builder, and readers of screens, books and tables. No test is here.

mod bench;
mod recorder;
pub(crate) mod sealed;
mod sends;
mod tables;
mod virtual_time;

pub(crate) use bench::{AGENT_SECRET, Bench};
pub(crate) use recorder::{Exchange, Recorder};
pub(crate) use sends::{Delivery, Vendor as Sender};
pub(crate) use tables::Tables;
pub(crate) use virtual_time::VirtualTime;
