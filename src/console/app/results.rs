//! What became of what the operator set off: each retry and decision is followed until it has an answer, and the
//! answer is said once, wherever the operator is by then.
//!
//! Holds numbers only; the answers come from the journal like all others.

use std::collections::BTreeMap;

use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::layers::toast::Tone;
use crate::console::msg::Ticket;
use crate::console::text::{ahead, counted};
use crate::domain::execution::{Execution, Status};
use crate::domain::ids::ExecutionId;

/// Executions of one press, and how far each has got.
#[derive(Debug)]
struct Batch {
    waiting: BTreeMap<ExecutionId, Option<Ticket>>,
    succeeded: u64,
    failed: u64,
    later: u64,
    last: String,
}

/// What an answer meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Somebody else asked.
    NotMine,
    /// Nothing to say yet.
    Silent,
    /// A batch is through.
    Said(Tone, String),
}

/// Everything that is followed.
#[derive(Debug, Default)]
pub(super) struct Results(Vec<Batch>);

impl Results {
    /// Follows executions from now on.
    pub(super) fn follow(&mut self, ids: impl IntoIterator<Item = ExecutionId>) {
        let waiting: BTreeMap<_, _> = ids.into_iter().map(|id| (id, None)).collect();
        if !waiting.is_empty() {
            self.0.push(Batch { waiting, succeeded: 0, failed: 0, later: 0, last: String::new() });
        }
    }

    /// Asks for those that have no question under way; for when the journal has changed.
    pub(super) fn look(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, asked) in self.0.iter_mut().flat_map(|batch| &mut batch.waiting) {
            if asked.is_none() {
                let ticket = ctx.ticket();
                *asked = Some(ticket);
                effects.push(Effect::Load(ticket, Query::Execution(*id)));
            }
        }
        effects
    }

    /// Takes an answer in; says something when a batch is through.
    pub(super) fn answer(&mut self, ctx: &Ctx, ticket: Ticket, execution: Option<&Execution>) -> Heard {
        let found = self.0.iter().enumerate().find_map(|(at, batch)| {
            let (id, _) = batch.waiting.iter().find(|(_, asked)| **asked == Some(ticket))?;
            Some((at, *id))
        });
        let Some((at, id)) = found else { return Heard::NotMine };
        let batch = &mut self.0[at];
        batch.waiting.insert(id, None);
        let Some(execution) = execution else {
            batch.waiting.remove(&id);
            return Heard::Silent;
        };
        let due = execution.due_at.filter(|due| *due > ctx.now);
        match (execution.status, due) {
            (Status::Succeeded | Status::Skipped, _) => batch.succeeded += 1,
            (Status::Failed | Status::Discarded, _) => batch.failed += 1,
            // It waits its turn under a limit: the answer comes within the minute.
            (Status::Pending, Some(due)) if due.since(ctx.now) < 60_000 => return Heard::Silent,
            // It has been tried, and waits for a time: nothing more will be known soon.
            (Status::Retrying | Status::InDoubt | Status::Pending | Status::Held, Some(due)) => {
                batch.later += 1;
                batch.last = format!(
                    "{id} {}: {} Next try {}.",
                    execution.subject,
                    execution.sentence,
                    ahead(ctx.now, due)
                );
            }
            _ => return Heard::Silent,
        }
        batch.waiting.remove(&id);
        if due.is_none() {
            batch.last = format!("{id} {}: {}", execution.subject, execution.sentence);
        }
        if !batch.waiting.is_empty() {
            return Heard::Silent;
        }
        let batch = self.0.remove(at);
        let all = batch.succeeded + batch.failed + batch.later;
        let tone = if batch.failed > 0 || batch.later > 0 { Tone::Warning } else { Tone::Good };
        if all == 1 {
            return Heard::Said(tone, batch.last);
        }
        let counts =
            [(batch.succeeded, "succeeded"), (batch.failed, "failed"), (batch.later, "wait for another try")];
        let parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let text = format!("{}: {}", counted(all, "execution"), parts.join(", "));
        Heard::Said(tone, format!("{text}."))
    }
}
