//! What was done in this session, newest last, and how far taking it back has got.
//!
//! Holds what the operator module told of; whether there is a way back is asked anew each time.

use crate::domain::review::Decision;
use crate::engine::operate::past::{Back, Done};

/// Things that are remembered; older ones are in the audit log.
const MOST: usize = 200;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, counted from 1 in this session.
    pub number: u64,
    /// What it was.
    pub done: Done,
    /// It was taken back from here.
    pub taken: bool,
}

/// Everything that was done.
#[derive(Debug, Default)]
pub struct Undo {
    entries: Vec<Entry>,
    last: u64,
    /// The decision that takes an entry back, while it waits for a yes.
    opposite: Option<(u64, Decision)>,
    /// The entry whose taking back is under way.
    sent: Option<u64>,
}

impl Undo {
    /// Something was done. The opposite of an entry is no entry of its own: it marks that one.
    pub fn push(&mut self, done: Done) {
        if let (Some((number, opposite)), Back::Decision(decision, _)) = (&self.opposite, &done.back)
            && same(opposite, decision)
        {
            let number = *number;
            self.opposite = None;
            self.mark(number, true);
            return;
        }
        self.last += 1;
        self.entries.push(Entry { number: self.last, done, taken: false });
        if self.entries.len() > MOST {
            self.entries.remove(0);
        }
    }

    /// The newest that was not taken back.
    pub fn newest(&self) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| !entry.taken)
    }

    /// One of them.
    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// All, newest first.
    pub fn list(&self) -> Vec<Entry> {
        self.entries.iter().rev().cloned().collect()
    }

    /// The opposite of an entry is being asked for.
    pub fn expects(&mut self, number: u64, decision: Decision) {
        self.opposite = Some((number, decision));
    }

    /// An entry is being taken back.
    pub fn sends(&mut self, number: u64) {
        self.sent = Some(number);
        self.mark(number, true);
    }

    /// What was sent was done, or refused.
    pub fn ended(&mut self, well: bool) {
        if let Some(number) = self.sent.take()
            && !well
        {
            self.mark(number, false);
        }
    }

    fn mark(&mut self, number: u64, taken: bool) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) {
            entry.taken = taken;
        }
    }
}

/// The same decision, whatever was filled in when it was recorded.
fn same(one: &Decision, other: &Decision) -> bool {
    match (one, other) {
        (Decision::UndoMerge { merge: one }, Decision::UndoMerge { merge: other }) => one == other,
        (Decision::Reopen { settled: one, .. }, Decision::Reopen { settled: other, .. }) => one == other,
        (Decision::Unlink { link: one, .. }, Decision::Unlink { link: other, .. }) => one == other,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::ids::ExecutionId;

    fn done(back: Back) -> Done {
        Done { at: Timestamp(0), what: "something".into(), back }
    }

    #[test]
    fn an_opposite_marks_what_it_takes_back_and_is_no_entry() {
        let mut undo = Undo::default();
        undo.push(done(Back::Nothing("it ran".into())));
        let merge = Decision::UndoMerge { merge: ExecutionId(4) };
        undo.push(done(Back::Discarded(Vec::new())));
        undo.expects(2, merge.clone());
        undo.push(done(Back::Decision(Box::new(merge), ExecutionId(5))));
        assert_eq!(
            undo.list().iter().map(|entry| (entry.number, entry.taken)).collect::<Vec<_>>(),
            [(2, true), (1, false)]
        );
        undo.sends(1);
        assert!(undo.newest().is_none());
        undo.ended(false);
        assert_eq!(undo.newest().map(|entry| entry.number), Some(1), "refused: it can be tried again");
    }
}
