//! Deals and tickets that changed in a CRM, where a recipe runs on it and no webhook told. What is stored of one is where
//! it stands, not what it says: whoever runs on it reads the record again.

use serde_json::{Map, Value};

use super::{PollError, found};
use crate::domain::clock::Timestamp;
use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::limit::Family;
use crate::domain::pause::PauseScope;
use crate::domain::record::{Connection, Mirror, ObjectKind, System};
use crate::engine::Engine;
use crate::engine::look::Look;
use crate::journal::intake::Appended;
use crate::vendors;
use crate::vendors::reading;

/// Fields that say where a deal or a ticket stands.
const STANDING: [&str; 20] = [
    "dealstage",
    "pipeline",
    "amount",
    "closedate",
    "hs_is_closed",
    "hs_is_closed_won",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_priority",
    "hubspot_owner_id",
    "StageName",
    "Amount",
    "CloseDate",
    "IsClosed",
    "IsWon",
    "Status",
    "Priority",
    "OwnerId",
    "AccountId",
    "IsDeleted",
];

impl Engine {
    /// One look at the deals and tickets of every CRM in which a recipe runs on them; how many changes were new.
    pub(super) async fn poll_sales(&self) -> Result<usize, PollError> {
        let in_force = self.rules.current();
        let mut new = 0;
        for system in [System::Hubspot, System::Salesforce] {
            let connection =
                if self.crm.system == system { self.crm.clone() } else { Connection::only(system) };
            for (object, kind) in
                [(ObjectKind::Deal, EventKind::DealChanged), (ObjectKind::Ticket, EventKind::TicketChanged)]
            {
                if in_force.triggered(system, kind).0.is_empty() {
                    continue;
                }
                self.holds.read().await;
                if self.holds.breaker(&connection).is_some()
                    || self.holds.paused(&[PauseScope::connection(&connection)]).is_some()
                {
                    continue;
                }
                new += self.changed_sales(&connection, object, kind).await?;
            }
        }
        Ok(new)
    }

    async fn changed_sales(
        &self,
        connection: &Connection,
        object: ObjectKind,
        kind: EventKind,
    ) -> Result<usize, PollError> {
        let name = format!("polled.{connection}.{object}");
        if self.journal.mark(&name).await?.is_none() {
            // What was sold before the recipe was there is not news.
            self.journal.set_mark(&name, &self.clock.now().0.to_string()).await?;
        }
        let mut look = Look::new(self.since(&name).await?, self.overlap());
        let (from, began): (Timestamp, Timestamp) = (look.from(), self.clock.now());
        let searches = connection.system == System::Hubspot;
        let family = if searches { Family::Search } else { Family::usual(connection.system) };
        let mut cursor: Option<String> = None;
        let mut new = 0;
        loop {
            self.wait_for_a_call(connection, family).await;
            let mut log = vendors::Log::new();
            let page =
                reading::changed(&self.clients, connection, object, from, cursor.as_deref(), &mut log).await;
            self.limits.learn_all(&log);
            let (mirrors, next) = page.map_err(|error| self.failed(connection, error, &log))?;
            let mut events = Vec::new();
            for mirror in mirrors {
                if look.takes(mirror.vendor_updated_at) && !mirror.deleted {
                    events.push(NewEvent { kind, ..found(&standing(mirror), EventSource::Poll) });
                }
            }
            if !events.is_empty() {
                let stored = self.intake().accept(events).await?;
                new += stored.iter().filter(|one| !matches!(one, Appended::Duplicate(_))).count();
            }
            if let Some(reached) = look.reached(self.clock.now().since(began), next.is_none()) {
                self.journal.set_mark(&name, &reached.0.to_string()).await?;
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(new),
            }
        }
    }
}

/// The record with no more than where it stands; the same standing is the same event, however often it is seen.
fn standing(mut mirror: Mirror) -> Mirror {
    let kept: Map<String, Value> = STANDING
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), mirror.fields.get(*name)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    // A record that goes from one standing to another and back is news each time.
    let at = mirror.vendor_updated_at.map(|at| Value::from(at.0));
    mirror.fields = kept;
    mirror.fields.extend(at.map(|at| ("changed_at".to_owned(), at)));
    mirror
}
