//! A batch on its way: one call is asked for, every row's intent is stored, then all of it is sent and learnt from.
//!
//! What is not allowed to go, or whose lease is lost, is not sent. The intents of a batch are handed to the journal
//! together, so they share a commit.

use std::future::Future;
use std::pin::Pin;

use futures_util::future::join_all;

use super::{Cargo, Carry, Outcome};
use crate::domain::limit::{Family, Urgency};
use crate::engine::limits::Limits;
use crate::journal::Journal;
use crate::vendors::together::{Endpoint, Errand, Returned, alone, together};
use crate::vendors::{Clients, Log};

/// Carries to the real vendors.
pub(in crate::engine) struct Vendors {
    pub(in crate::engine) clients: Clients,
    pub(in crate::engine) limits: Limits,
    pub(in crate::engine) journal: Journal,
}

impl Carry for Vendors {
    fn carry<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        cargo: Vec<Cargo>,
    ) -> Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>> {
        Box::pin(self.send(endpoint, cargo))
    }
}

impl Vendors {
    /// Counts calls that were not needed; nobody waits for it, and a count that is lost harms nobody.
    fn note_saved(&self, endpoint: &Endpoint, calls: u32) {
        let (journal, connection) = (self.journal.clone(), endpoint.connection.clone());
        tokio::spawn(async move {
            if let Err(error) = journal.note_saved_calls(&connection, calls).await {
                tracing::debug!(%error, "calls that a batch saved were not counted");
            }
        });
    }

    async fn send(&self, endpoint: &Endpoint, cargo: Vec<Cargo>) -> Vec<Outcome> {
        // One operator's errand opens the way for all: the call is made anyway.
        let urgent = cargo.iter().any(|cargo| cargo.urgency == Urgency::Operator);
        let urgency = if urgent { Urgency::Operator } else { Urgency::Usual };
        let family = Family::usual(endpoint.connection.system);
        if let Err(parked) = self.limits.admit(&endpoint.connection, family, urgency).await {
            return cargo.iter().map(|_| Outcome::Parked(parked.clone())).collect();
        }
        let begun = cargo.into_iter().map(async |cargo| {
            if let Some(begin) = cargo.begin {
                self.journal.begin(begin.id, begin.token, begin.intent, begin.lease).await?;
            }
            Ok(cargo.errand)
        });
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let (mut errands, mut places): (Vec<Errand>, Vec<usize>) = (Vec::new(), Vec::new());
        for (place, begun) in join_all(begun).await.into_iter().enumerate() {
            match begun {
                Ok(errand) => {
                    errands.push(errand);
                    places.push(place);
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Outcome::Journal(error))),
            }
        }
        let mut log = Log::new();
        let returned = match &errands[..] {
            [] => Vec::new(),
            [errand] => {
                let result = alone(&self.clients, errand, &mut log).await;
                vec![Returned { result, log: log.clone() }]
            }
            errands => {
                let returned = together(&self.clients, endpoint, errands, &mut log).await;
                // A batch that was taken apart again saved less, or nothing.
                let saved = errands.len().saturating_sub(log.len());
                if saved > 0 {
                    self.note_saved(endpoint, u32::try_from(saved).unwrap_or(u32::MAX));
                }
                returned
            }
        };
        self.limits.learn_all(&log);
        for (place, returned) in places.into_iter().zip(returned) {
            outcomes[place] = Some(Outcome::Back(returned));
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.expect("a row was either not begun or has come back"))
            .collect()
    }
}
