//! What an operator can do, as the one table of names that keys, footer, palette, help, README and CLI share.
//!
//! Here stand the words; which key stands for them is the console's business, which command the CLI's. A test keeps
//! the three complete.

words! {
    /// One thing an operator can do to records.
    pub enum Operation {
        /// Run a failed or waiting execution again, from its first unfinished step.
        Retry = "retry",
        /// Run an execution again with values or a payload that were edited; the original is kept.
        Replay = "replay",
        /// Look up at the vendor what became of an execution's writes.
        Probe = "probe",
        /// Hold an execution until it is let go, or let it go.
        Hold = "hold",
        /// Put an execution off until a time.
        Snooze = "snooze",
        /// Hold back everything a recipe does, or let it go on.
        Pause = "pause",
        /// Give up on an execution, with a reason.
        Discard = "discard",
        /// Settle a conflict: take a side, type a value, empty both, translate, or leave it for now.
        Resolve = "resolve",
        /// Merge a duplicate candidate.
        Merge = "merge",
        /// Say that a duplicate candidate is two different people.
        Distinct = "distinct",
        /// Say what a duplicate candidate is, or take that back.
        Verdict = "verdict",
        /// Relate a person to a company.
        Link = "link",
        /// Move a recipe's switch: off, shadow, on.
        Recipe = "recipe",
        /// Take a vendor's change as it is, or let what it holds back go on.
        Drift = "drift",
        /// Say that one is at an item, so that nobody else decides it meanwhile; or give that back.
        Claim = "claim",
        /// Say who is to look at an item.
        Hint = "hint",
        /// Leave a remark on an item.
        Comment = "comment",
    }
}
