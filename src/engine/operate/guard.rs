//! What stands between a console and a mistake: it may have to be armed before it may write, and it may be told to wait
//! a moment before what was decided is sent.
//!
//! Enforced here, below every screen, because this is the one place where decisions are recorded. Commands have no
//! gate: whoever types one out has said what they want.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{OperateError, Operator};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

/// Whether what writes may be asked for now; clones share it, so that the console shows what the operator enforces.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicI64>);

impl Gate {
    /// Until when it is open; none when it is shut at this moment.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = Timestamp(self.0.load(Ordering::SeqCst));
        (until > now).then_some(until)
    }

    fn open(&self, until: Timestamp) {
        self.0.store(until.0, Ordering::SeqCst);
    }

    fn shut(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

impl Operator {
    /// The same operator behind a gate, which is shut at first.
    #[must_use]
    pub fn gated(mut self) -> Self {
        self.gate = Some(Gate::default());
        self
    }

    /// The same operator, whose decisions wait so long before they are sent.
    #[must_use]
    pub const fn sending_after(mut self, wait: Duration) -> Self {
        self.send_after = wait;
        self
    }

    /// Its gate, where it has one.
    pub fn gate(&self) -> Option<Gate> {
        self.gate.clone()
    }

    pub(in crate::engine) fn may_write(&self) -> Result<(), OperateError> {
        if self.read_only {
            return Err(OperateError::ReadOnly);
        }
        match &self.gate {
            Some(gate) if gate.open_until(self.clock.now()).is_none() => Err(OperateError::Disarmed),
            _ => Ok(()),
        }
    }

    /// Whether notes about items may be left now: who is at it, who is to look, a remark. They send nothing and decide
    /// nothing, so they need no arming.
    pub(super) const fn may_note(&self) -> Result<(), OperateError> {
        if self.read_only { Err(OperateError::ReadOnly) } else { Ok(()) }
    }

    /// Whether anything may be written now, for whoever writes beside the verbs here.
    pub fn allows_writing(&self) -> Result<(), OperateError> {
        self.may_write()
    }

    /// Opens the gate for a time, once that stands in the audit log; until when it is open.
    pub async fn arm(&self, minutes: u32) -> Result<Timestamp, OperateError> {
        if self.read_only {
            return Err(OperateError::ReadOnly);
        }
        let Some(gate) = &self.gate else {
            return Err(OperateError::Impossible("this console needs no arming.".into()));
        };
        self.told("arm", "console", format!("May write for {minutes} minutes.")).await?;
        let until = self.clock.now().plus(Duration::from_secs(u64::from(minutes) * 60));
        gate.open(until);
        Ok(until)
    }

    /// Shuts the gate: at once, and then the audit log is told.
    pub async fn disarm(&self) -> Result<(), OperateError> {
        let Some(gate) = &self.gate else { return Ok(()) };
        gate.shut();
        self.told("disarm", "console", "May not write any more.".to_owned()).await
    }

    /// Notes that somebody looked at what a masked screen hides. Only after this may it be shown.
    pub async fn reveal(&self, object: &str, seconds: u64) -> Result<(), OperateError> {
        if self.read_only {
            return Err(OperateError::Impossible(
                "what is hidden is shown only with a line in the audit log, and this Reknit runs read-only."
                    .into(),
            ));
        }
        let note = format!("Shown for {seconds} s on a screen that hides personal data.");
        self.told("reveal", object, note).await
    }

    async fn told(&self, verb: &str, object: &str, note: String) -> Result<(), OperateError> {
        let entry =
            NewEntry { actor: self.actor.clone(), verb: verb.to_owned(), object: object.to_owned(), note };
        Ok(self.journal.audit(vec![entry]).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;
    use crate::domain::ids::ExecutionId;
    use crate::domain::team::Item;
    use crate::journal::Journal;

    #[tokio::test]
    async fn behind_a_shut_gate_nothing_is_written_and_its_opening_is_audited() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(Timestamp(1_000_000));
        let shared: Arc<ManualClock> = Arc::new(clock.clone());
        let journal = Journal::open(&folder.path().join("journal.db"), shared.clone()).expect("new");
        let operator = Operator::shipped(journal.clone(), shared, "ana").gated();
        let refused = operator.retry(&[ExecutionId(1)]).await.expect_err("shut");
        assert!(matches!(refused, OperateError::Disarmed), "{refused}");
        // The item is not there; that it is looked for at all is what a note may do without arming.
        let noted = operator.comment(&[Item::Execution(ExecutionId(1))], "I look at it").await;
        assert!(!matches!(noted, Err(OperateError::Disarmed)), "{noted:?}");
        operator.arm(10).await.expect("armed");
        assert_eq!(operator.retry(&[ExecutionId(1)]).await.expect("open").refused.len(), 1);
        clock.advance(Duration::from_secs(601));
        assert!(operator.retry(&[ExecutionId(1)]).await.is_err(), "shut again by itself");
        operator.arm(10).await.expect("armed");
        operator.disarm().await.expect("disarmed");
        assert!(operator.retry(&[ExecutionId(1)]).await.is_err());
        let verbs: Vec<String> =
            journal.audit_entries(9).await.expect("read").into_iter().map(|line| line.entry.verb).collect();
        assert_eq!(verbs, ["disarm", "arm", "arm"]);
    }
}
