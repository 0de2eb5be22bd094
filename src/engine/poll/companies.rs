//! Companies that changed: their copies are refreshed, so that matching sees them. No recipe runs for them and nothing
//! is written to a vendor.
//!
//! HubSpot tells what changed; Intercom lists companies only whole, so they are read more seldom.

use std::time::Duration;

use super::{PollError, watermark};
use crate::domain::clock::Timestamp;
use crate::domain::limit::Family;
use crate::domain::record::{Connection, Mirror, ObjectKind, System};
use crate::engine::Engine;
use crate::engine::look::Look;
use crate::journal::JournalError;
use crate::vendors;
use crate::vendors::reading::{self, Stock};

impl Engine {
    /// One look at companies, where one is due; how many copies changed.
    pub async fn poll_companies(&self) -> Result<usize, PollError> {
        let mut changed = 0;
        for connection in [self.intercom.clone(), self.crm.clone()] {
            changed += match connection.system {
                System::Hubspot => self.changed_companies(&connection).await?,
                _ => self.all_companies(&connection).await?,
            };
        }
        if changed > 0 {
            self.scan_wanted.notify_one();
        }
        Ok(changed)
    }

    async fn changed_companies(&self, connection: &Connection) -> Result<usize, PollError> {
        let name = companies_mark(connection);
        let mut look = Look::new(self.since(&name).await?, self.overlap());
        let (from, began) = (look.from(), self.clock.now());
        let mut cursor: Option<String> = None;
        let mut changed = 0;
        loop {
            self.wait_for_a_call(connection, Family::Search).await;
            let mut log = vendors::Log::new();
            let page =
                reading::changed_companies(&self.clients, connection, from, cursor.as_deref(), &mut log)
                    .await;
            self.limits.learn_all(&log);
            let (mut mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
            mirrors.retain(|mirror| look.takes(mirror.vendor_updated_at));
            changed += self.refresh(mirrors).await?;
            if let Some(reached) = look.reached(self.clock.now().since(began), next.is_none()) {
                self.journal.set_mark(&name, &reached.0.to_string()).await?;
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(changed),
            }
        }
    }

    async fn all_companies(&self, connection: &Connection) -> Result<usize, PollError> {
        let name = companies_mark(connection);
        let now = self.clock.now();
        let last = self.since(&name).await?;
        let pause = Duration::from_secs(self.settings.companies_seconds);
        // A clock that was set back must not put the next look off for long.
        if last <= now && now < last.plus(pause) {
            return Ok(0);
        }
        let stock = Stock { object: ObjectKind::Company, role: None, since: None };
        let mut cursor: Option<String> = None;
        let mut changed = 0;
        loop {
            self.wait_for_a_call(connection, Family::usual(connection.system)).await;
            let mut log = vendors::Log::new();
            let page = reading::page(&self.clients, connection, &stock, cursor.as_deref(), &mut log).await;
            self.limits.learn_all(&log);
            let (mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
            changed += self.refresh(mirrors).await?;
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        self.journal.set_mark(&name, &now.0.to_string()).await?;
        Ok(changed)
    }

    async fn refresh(&self, mirrors: Vec<Mirror>) -> Result<usize, JournalError> {
        let mut news = Vec::new();
        for mirror in mirrors {
            if self.copy_differs(&mirror).await? {
                news.push(mirror);
            }
        }
        let count = news.len();
        if count > 0 {
            self.journal.put_mirrors(news).await?;
        }
        Ok(count)
    }

    /// A record is not as our copy has it, or we have none of a living one.
    pub(in crate::engine) async fn copy_differs(&self, mirror: &Mirror) -> Result<bool, JournalError> {
        if self.journal.is_erased(&mirror.record).await? {
            return Ok(false);
        }
        Ok(match self.journal.mirror(&mirror.record).await? {
            None => !mirror.deleted,
            Some(known) => known.deleted != mirror.deleted || known.fields != mirror.fields,
        })
    }

    pub(super) fn overlap(&self) -> Duration {
        Duration::from_secs(self.settings.poll_overlap_seconds)
    }

    pub(super) async fn since(&self, mark: &str) -> Result<Timestamp, JournalError> {
        let stored = self.journal.mark(mark).await?;
        Ok(Timestamp(stored.and_then(|text| text.parse().ok()).unwrap_or(0)))
    }
}

/// For HubSpot a time of its own clock; for Intercom when we last read all of them, by ours.
pub(super) fn companies_mark(connection: &Connection) -> String {
    format!("{}.companies", watermark(connection))
}
