//! Carries out effects against the journal and the operator, each in a counted task that sends its answer back.
//!
//! Nothing here waits in the loop, and nothing here decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::effect::{Effect, Query};
use super::idle::{Idle, Token};
use super::mask::{self, Learnt};
use super::msg::{Event, Loaded, Ticket};
use super::panes::{self, Screen};
use super::session::Keeper;
use super::{bulk, export, rows, terminal, views};
use crate::engine::explain::explain;
use crate::engine::operate::Operator;
use crate::journal::Journal;

/// Values offered after a key of the filter.
const OFFERED: usize = 50;

/// An answer on its way to the loop; its token is dropped once it was handled.
#[derive(Debug)]
pub struct Envelope {
    /// What happened.
    pub event: Event,
    /// Counts as under way.
    pub token: Option<Token>,
}

/// Does what updates want.
pub struct Performer {
    /// Where facts are read.
    pub journal: Journal,
    /// Where decisions are recorded.
    pub operator: Operator,
    /// The way back.
    pub sender: UnboundedSender<Envelope>,
    /// Counts tasks.
    pub idle: Idle,
    /// Where sessions are kept, if anywhere.
    pub keeper: Option<Keeper>,
    /// What answers tell of people goes ahead of them.
    pub learnt: UnboundedSender<Learnt>,
    /// The question each list waits for.
    pub asked: Asked,
}

/// The newest question of each list; a newer one ends the search for the answer of the one before.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<HashMap<Screen, oneshot::Sender<()>>>>);

impl Asked {
    /// Ends when a newer question of the list has been asked.
    fn newer(&self, screen: Screen) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(screen, sender);
        receiver
    }
}

impl Performer {
    /// Begins one effect; effects of the screen itself are not for here and are ignored.
    pub fn perform(&self, effect: Effect) {
        let journal = self.journal.clone();
        let operator = self.operator.clone();
        match effect {
            Effect::Load(ticket, query @ Query::Rows { screen, .. }) => {
                let newer = self.asked.newer(screen);
                self.spawn(async move {
                    tokio::select! {
                        event = Box::pin(load(&journal, &operator, ticket, query)) => event,
                        // Nobody waits for this answer any more; what is under way for it is interrupted.
                        _ = newer => Event::Second,
                    }
                });
            }
            Effect::Load(ticket, query) => {
                self.spawn(async move { Box::pin(load(&journal, &operator, ticket, query)).await });
            }
            Effect::Preview(ticket, decision) => self.spawn(async move {
                Event::Previewed(ticket, operator.preview(&decision).await.map_err(|error| error.to_string()))
            }),
            Effect::Propose(ticket, conflict, wish, reach) => self.spawn(async move {
                let answer = operator.propose(conflict, &wish, reach).await;
                Event::Proposed(ticket, answer.map(Box::new).map_err(|error| error.to_string()))
            }),
            Effect::ProposeLink(ticket, wish) => self.spawn(async move {
                Event::LinkProposed(ticket, super::links::propose(&operator, wish).await)
            }),
            Effect::CarryOutLink(proposed) => self
                .spawn(async move { Event::CarriedOut(super::links::carry_out(&operator, &proposed).await) }),
            Effect::CarryOut(proposal) => self.spawn(async move {
                Event::CarriedOut(operator.carry_out(&proposal).await.map_err(|error| error.to_string()))
            }),
            Effect::Explain(ticket, record, field) => self.spawn(async move {
                let now = operator.in_force().await;
                let answer = explain(&journal, now.mapping(), &record.to_string(), &field).await;
                Event::Explained(ticket, answer.map(Box::new).map_err(|error| error.to_string()))
            }),
            Effect::Decide(decision) => self.spawn(async move {
                let answer = operator.decide(&decision).await.map_err(|error| error.to_string());
                Event::Decided(decision, answer)
            }),
            Effect::Retry(ids) => self.spawn(async move {
                Event::Retried(operator.retry(&ids).await.map_err(|error| error.to_string()))
            }),
            Effect::Discard(ids, reason) => self.spawn(async move {
                Event::Discarded(operator.discard(&ids, &reason).await.map_err(|error| error.to_string()))
            }),
            Effect::Part(id) => self.spawn(async move {
                Event::Parted(id, operator.distinct(id).await.map_err(|error| error.to_string()))
            }),
            Effect::Judge(verdict) => self.spawn(async move {
                Event::Judged(operator.judge(verdict).await.map(Box::new).map_err(|error| error.to_string()))
            }),
            Effect::TakeBack(id) => self.spawn(async move {
                let answer = operator.take_back_verdict(id).await;
                Event::Judged(answer.map(Box::new).map_err(|error| error.to_string()))
            }),
            Effect::Do(wish) => self.spawn(async move {
                Event::CarriedOut(super::wishes::carry_out(&journal, &operator, *wish).await)
            }),
            Effect::Despite(effect) => Self {
                journal,
                operator: operator.despite_claims(),
                sender: self.sender.clone(),
                idle: self.idle.clone(),
                keeper: None,
                learnt: self.learnt.clone(),
                asked: self.asked.clone(),
            }
            .perform(*effect),
            Effect::KeepSession(session) => {
                if let Some(keeper) = self.keeper.clone() {
                    self.spawn(async move {
                        // What could not be kept now is tried again with the next change, and told at the end.
                        let kept = tokio::task::spawn_blocking(move || keeper.write(&session)).await;
                        if let Ok(Err(error)) = kept {
                            tracing::warn!(%error, "the session could not be kept");
                        }
                        Event::Second
                    });
                }
            }
            Effect::Mouse(taken) => terminal::mouse(taken),
            Effect::Bulk(ticket, ask) => self.spawn(async move {
                let told = bulk::answer(&journal, &operator, *ask).await;
                Event::Loaded(ticket, Loaded::Bulk(Box::new(told)))
            }),
            Effect::Export(ticket, ask) => self.spawn(async move {
                let told = export::answer(&journal, *ask).await;
                Event::Loaded(ticket, Loaded::Export(Box::new(told)))
            }),
            Effect::Keep(path, change) => self.spawn(async move { keep(path, change).await }),
            Effect::Copy(text) => terminal::copy(&text),
            Effect::Go(..)
            | Effect::List(_)
            | Effect::Views(_)
            | Effect::Follow(_)
            | Effect::Open(..)
            | Effect::Unmask
            | Effect::Confirm(_)
            | Effect::Over(_)
            | Effect::Ask(_)
            | Effect::Offer(_)
            | Effect::Tell(_)
            | Effect::Outside(_)
            | Effect::Typed(..)
            | Effect::Toast(..) => {}
        }
    }

    fn spawn(&self, work: impl Future<Output = Event> + Send + 'static) {
        let token = self.idle.token();
        let sender = self.sender.clone();
        let learnt = self.learnt.clone();
        drop(tokio::spawn(async move {
            let event = work.await;
            // Ahead of its answer, so that nothing is drawn before it is known to be personal.
            if let Some(people) = mask::learn(&event) {
                let _ = learnt.send(people);
            }
            // The loop is gone only when the console has been left; then nobody waits for the answer.
            let _ = sender.send(Envelope { event, token: Some(token) });
        }));
    }
}

/// Writes down what is kept of views; says what went wrong, and where a file went that could not be understood.
async fn keep(path: std::path::PathBuf, change: views::Change) -> Event {
    let shown = path.display().to_string();
    let kept = tokio::task::spawn_blocking(move || views::keep(&path, change)).await;
    let failed = |why: String| {
        Event::Notice(format!("Your views were not saved to {shown}: {why}. They hold until you leave."))
    };
    match kept {
        Ok(Ok(None)) => Event::Kept,
        Ok(Ok(Some(aside))) => Event::Notice(format!(
            "The file of your views could not be understood; it is kept as {}, and a new one was begun.",
            aside.display()
        )),
        Ok(Err(error)) => failed(error.to_string()),
        Err(error) => failed(error.to_string()),
    }
}

async fn load(journal: &Journal, operator: &Operator, ticket: Ticket, query: Query) -> Event {
    macro_rules! ask {
        ($call:expr) => {
            $call.await.map_err(|error| error.to_string())
        };
    }
    let query = match query {
        Query::Rows { screen, filter, anchor, limit } => {
            Query::Rows { screen, filter: filter.of(operator.name()), anchor, limit }
        }
        query => query,
    };
    let loaded = match query {
        Query::Overview => Loaded::Overview(ask!(journal.overview()).map(Box::new)),
        Query::Outlook(ask) => {
            Loaded::Outlook(Box::new(panes::overview::asks::answer(journal, operator, ask).await))
        }
        Query::Counts => Loaded::Counts(ask!(journal.counts())),
        Query::Execution(id) => {
            Loaded::Execution(id, ask!(journal.execution(id)).map(|found| found.map(Box::new)))
        }
        Query::AboutExecutions(ask) => {
            Loaded::AboutExecutions(Box::new(panes::executions::asks::answer(journal, operator, ask).await))
        }
        Query::Keys { screen, filter, from, to } => {
            let keys = rows::between(journal, screen, &filter, (from, to), bulk::MOST).await;
            Loaded::Keys(screen, keys)
        }
        Query::Values { list, key, start } => {
            Loaded::Values(key, ask!(journal.filter_values(list, key, &start, OFFERED)))
        }
        Query::Recipes(ask) => {
            Loaded::Recipes(Box::new(Box::pin(panes::recipes::asks::answer(journal, operator, ask)).await))
        }
        Query::Health(ask) => {
            Loaded::Health(Box::new(panes::health::asks::answer(journal, operator, ask).await))
        }
        Query::Audit(ask) => {
            Loaded::Audit(Box::new(panes::audit::asks::answer(journal, operator, ask).await))
        }
        Query::Reviews(ask) => {
            Loaded::Reviews(Box::new(panes::reviews::answer(journal, operator, *ask).await))
        }
        Query::Log(ask) => Loaded::Log(Box::new(panes::log::asks::answer(journal, operator, ask).await)),
        Query::Team(ask) => Loaded::Team(Box::new(super::hints::answer(journal, operator, ask).await)),
        Query::Safety(ask) => Loaded::Safety(Box::new(super::safety::answer(operator, ask).await)),
        Query::Rows { screen, filter, anchor, limit } => match screen {
            Screen::Overview => Loaded::Overview(ask!(journal.overview()).map(Box::new)),
            Screen::Executions => Loaded::Executions(ask!(journal.executions(&filter, anchor, limit))),
            Screen::Conflicts => Loaded::Conflicts(ask!(journal.conflicts(&filter, anchor, limit))),
            Screen::Duplicates => Loaded::Duplicates(ask!(journal.duplicate_groups(&filter, anchor, limit))),
            Screen::Unlinked => Loaded::Unlinked(ask!(journal.unlinked(&filter, anchor, limit))),
            // These screens ask with questions of their own.
            Screen::Recipes | Screen::Health => return Event::Second,
            Screen::Audit => Loaded::Audit(Box::new(panes::audit::asks::Told::Rows(ask!(
                journal.audit_page(&filter, anchor, limit)
            )))),
            Screen::Log => Loaded::Log(Box::new(panes::log::asks::Told::Rows(ask!(
                journal.calls(&filter, anchor, limit)
            )))),
        },
    };
    Event::Loaded(ticket, loaded)
}
