//! The one table of what an operator can do here: keys, footer, palette, help and the README's key table read it.
//!
//! A row says where an action applies and whether it is grave; whether it can run *now* is the pane's word
//! (`Pane::can`). One letter has one meaning wherever it applies.

use std::fmt::Write as _;

use crate::domain::action::Operation;

/// Where a row of the table applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The overview.
    Overview,
    /// The list of executions and its detail.
    Executions,
    /// The list of conflicts and its detail.
    Conflicts,
    /// The list of duplicates and its detail.
    Duplicates,
    /// The list of unlinked people and its detail.
    Unlinked,
    /// The recipes and the mapping.
    Recipes,
    /// Limits, connections, monitors, webhooks.
    Health,
    /// The audit log.
    Audit,
    /// The log of API calls.
    Log,
    /// The right box of a pane with numbered choices, where digits choose instead of changing the screen.
    Choices,
    /// Every list.
    Lists,
    /// Everywhere.
    Everywhere,
}

impl Scope {
    /// All of them, in the order in which help shows them.
    pub const ALL: [Self; 12] = [
        Self::Overview,
        Self::Executions,
        Self::Conflicts,
        Self::Duplicates,
        Self::Unlinked,
        Self::Recipes,
        Self::Health,
        Self::Audit,
        Self::Log,
        Self::Choices,
        Self::Lists,
        Self::Everywhere,
    ];

    /// Its heading in help and README.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Executions => "Executions",
            Self::Conflicts => "Conflicts",
            Self::Duplicates => "Duplicates",
            Self::Unlinked => "Unlinked",
            Self::Recipes => "Recipes",
            Self::Health => "Health",
            Self::Audit => "Audit",
            Self::Log => "Log",
            Self::Choices => "Numbered choices",
            Self::Lists => "Every list",
            Self::Everywhere => "Everywhere",
        }
    }
}

macro_rules! actions {
    ($($action:ident { id: $id:literal, keys: $keys:expr, hint: $hint:literal, help: $help:literal,
        scope: $scope:ident $(, danger: $danger:literal)? $(, does: $operation:ident)? })+) => {
        /// One thing that a key, the palette or the mouse can set off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $help] $action,)+ }

        /// The table, in the order of the footer.
        pub const TABLE: &[Row] = &[$(Row {
            action: Action::$action, id: $id, keys: &$keys, hint: $hint, help: $help, scope: Scope::$scope,
            danger: false $(|| $danger)?, operation: [$(Some(Operation::$operation),)? None][0],
        },)+];
    };
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What it is.
    pub action: Action,
    /// Its stable name.
    pub id: &'static str,
    /// Its keys, the one to show first.
    pub keys: &'static [&'static str],
    /// For the footer; empty when it is never shown there.
    pub hint: &'static str,
    /// For help and palette, a sentence.
    pub help: &'static str,
    /// Where it applies.
    pub scope: Scope,
    /// It asks before it acts.
    pub danger: bool,
    /// The command of the same meaning, by its name.
    pub operation: Option<Operation>,
}

actions! {
    // Overview.
    GoThere { id: "go-there", keys: ["Enter"], hint: "open", help: "Open what the row counts.", scope: Overview }
    // Executions, most used first.
    Retry { id: "retry", keys: ["r"], hint: "retry",
        help: "Run the marked executions again, or this one, from the first step that is not done.",
        scope: Executions, does: Retry }
    Discard { id: "discard", keys: ["D"], hint: "discard",
        help: "Give up on the marked executions, or this one, with a reason.",
        scope: Executions, danger: true, does: Discard }
    MarkSame { id: "mark-same", keys: ["*"], hint: "same cause",
        help: "Mark every loaded execution that failed for the same cause.", scope: Executions }
    PreviousTab { id: "previous-tab", keys: ["Left"], hint: "", help: "Show the tab to the left.", scope: Executions }
    NextTab { id: "next-tab", keys: ["Right"], hint: "tab", help: "Show the tab to the right.", scope: Executions }
    // Conflicts.
    TakeLeft { id: "take-left", keys: ["Left"], hint: "take Intercom",
        help: "Settle the conflict with Intercom's value; asks first.", scope: Conflicts, danger: true, does: Resolve }
    TakeRight { id: "take-right", keys: ["Right"], hint: "take CRM",
        help: "Settle the conflict with the CRM's value; asks first.", scope: Conflicts, danger: true, does: Resolve }
    TypeValue { id: "type-value", keys: ["e"], hint: "type it",
        help: "Settle the conflict with a value you type; asks first.", scope: Conflicts, danger: true, does: Resolve }
    MakeRule { id: "make-rule", keys: ["R"], hint: "rule",
        help: "Decide every conflict like this one, now and later; shows which, and what each becomes.",
        scope: Conflicts, danger: true, does: Resolve }
    Translate { id: "translate", keys: ["f"], hint: "translate",
        help: "Say what Intercom's value is in the CRM, from now on: goes into the mapping's table; shows it first.",
        scope: Conflicts, danger: true, does: Resolve }
    Later { id: "leave-alone", keys: ["z"], hint: "later",
        help: "Leave the conflict alone for a time, or until one of the values changes.",
        scope: Conflicts, danger: true, does: Resolve }
    Why { id: "why", keys: ["w"], hint: "why",
        help: "Show how the field came to be what it is: event, mapping, rule, call, decision.", scope: Conflicts }
    ClearBoth { id: "clear-both", keys: ["0"], hint: "empty",
        help: "Settle the conflict by emptying the field on both sides; asks first.",
        scope: Conflicts, danger: true, does: Resolve }
    Block { id: "switch-direction-off", keys: ["b"], hint: "one way",
        help: "Write this field in one direction no more, for anybody; asks first, and can be taken back.",
        scope: Conflicts, danger: true, does: Resolve }
    Mine { id: "mine", keys: ["i"], hint: "mine",
        help: "Show only what your role decides (console.role in the settings), or everything again.",
        scope: Conflicts }
    // Duplicates.
    Merge { id: "merge", keys: ["m"], hint: "merge",
        help: "Merge the two records into the survivor; shows calls and losses, and asks first.",
        scope: Duplicates, danger: true, does: Merge }
    Distinct { id: "distinct", keys: ["x"], hint: "different",
        help: "Say that these are two different people; asks first.",
        scope: Duplicates, danger: true, does: Distinct }
    Unsure { id: "unsure", keys: ["n"], hint: "unsure",
        help: "Say that nobody can tell: the pair stays, marked, below the others.", scope: Duplicates, does: Verdict }
    PutOff { id: "later", keys: ["z"], hint: "later",
        help: "Put the pair off for a time, or until one of the compared fields changes.",
        scope: Duplicates, danger: true, does: Verdict }
    UndoVerdict { id: "undo-verdict", keys: ["u"], hint: "undo",
        help: "Take back what was said of this pair, or the last word you said.", scope: Duplicates, does: Verdict }
    SwapSurvivor { id: "swap-survivor", keys: ["S"], hint: "swap survivor",
        help: "Let the other record survive.", scope: Duplicates }
    // Unlinked.
    Link { id: "link", keys: ["l"], hint: "link",
        help: "Relate the person to the chosen company; asks first.", scope: Unlinked, danger: true, does: Link }
    LinkDomain { id: "link-domain", keys: ["L"], hint: "link domain",
        help: "Relate everybody of the person's domain to the chosen company; shows whom and the calls first.",
        scope: Unlinked, danger: true, does: Link }
    FoundCompany { id: "create-company", keys: ["c"], hint: "new company",
        help: "Make the company that the CRM does not have, and relate the person to it; asks first.",
        scope: Unlinked, danger: true, does: Link }
    NoneFits { id: "none-fits", keys: ["x"], hint: "none fits",
        help: "Say that no company fits; asked again when the evidence changes.",
        scope: Unlinked, danger: true, does: Link }
    LinkUnsure { id: "link-unsure", keys: ["n"], hint: "unsure",
        help: "Say that it cannot be said now; asked again when the evidence changes.",
        scope: Unlinked, danger: true, does: Link }
    LinkLater { id: "link-later", keys: ["z"], hint: "later",
        help: "Leave the person alone for a time.", scope: Unlinked, danger: true, does: Link }
    NeverDomain { id: "never-domain", keys: ["D"], hint: "never domain",
        help: "Never ask about people of this domain; asks first, and can be taken back.",
        scope: Unlinked, danger: true, does: Link }
    LinkUndo { id: "undo-link", keys: ["u"], hint: "undo",
        help: "Take the link you made last back, or the one of this person (filter state:done); asks first.",
        scope: Unlinked, danger: true, does: Link }
    // Recipes and mapping.
    // Health.
    // Audit.
    Verify { id: "verify-audit", keys: ["V"], hint: "verify",
        help: "Check every audit entry against the one before it, and say whether the chain is intact.",
        scope: Audit }
    // Log.
    CopyCurl { id: "copy-call-as-curl", keys: ["Y"], hint: "copy as curl",
        help: "Copy the call as a curl command; the token stays the variable $TOKEN.", scope: Log }
    // Numbered choices.
    Choose { id: "choose", keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], hint: "choose",
        help: "In the right box: choose the survivor or the company with this number; never acts.",
        scope: Choices }
    // Behind the merges they take back, so that the palette finds the merge first.
    UndoMerge { id: "undo-merge", keys: ["u"], hint: "undo",
        help: "Take back what this execution merged, as far as the vendor allows; shows that first, and asks.",
        scope: Executions, danger: true, does: Merge }
    // Every list.
    Open { id: "open", keys: ["Enter"], hint: "open", help: "Go into the detail of the row.", scope: Lists }
    Mark { id: "mark", keys: ["Space"], hint: "mark",
        help: "Mark the row, or take its mark away; retry and discard take the marked ones.", scope: Executions }
    MarkRange { id: "mark-range", keys: ["v"], hint: "",
        help: "Begin a range here; press it again to mark everything up to there.", scope: Executions }
    ClearMarks { id: "clear-marks", keys: ["Ctrl-\\"], hint: "", help: "Take all marks away.", scope: Executions }
    Filter { id: "filter", keys: ["/"], hint: "filter",
        help: "Filter the list while you type: status:failed error:auth recipe:name since:2h word -word.",
        scope: Lists }
    Copy { id: "copy", keys: ["y"], hint: "copy",
        help: "Copy the id or the value of the row to the clipboard.", scope: Lists }
    Down { id: "down", keys: ["Down", "j"], hint: "", help: "Move down.", scope: Everywhere }
    Up { id: "up", keys: ["Up", "k"], hint: "", help: "Move up.", scope: Everywhere }
    First { id: "first", keys: ["g", "Home"], hint: "", help: "Go to the first row.", scope: Everywhere }
    Last { id: "last", keys: ["G", "End"], hint: "", help: "Go to the last row.", scope: Everywhere }
    HalfDown { id: "half-down", keys: ["Ctrl-d"], hint: "", help: "Move half a page down.", scope: Everywhere }
    HalfUp { id: "half-up", keys: ["Ctrl-u"], hint: "", help: "Move half a page up.", scope: Everywhere }
    PageDown { id: "page-down", keys: ["PgDn"], hint: "", help: "Move a page down.", scope: Everywhere }
    PageUp { id: "page-up", keys: ["PgUp"], hint: "", help: "Move a page up.", scope: Everywhere }
    // Who works on what.
    // Safety: arming, undoing, screen sharing.
    Arm { id: "arm", keys: ["!"], hint: "",
        help: "Arm this console, so that it may write for a time; asks first. Armed, it disarms at once.",
        scope: Everywhere }
    UndoLast { id: "undo-last", keys: ["u"], hint: "",
        help: "Take back what you did last in this session; shows what that sends, or says why it cannot be.",
        scope: Everywhere, danger: true }
    UndoList { id: "undo-list", keys: ["U"], hint: "undo list",
        help: "List what you did in this session, what can be taken back, and why the rest cannot.",
        scope: Everywhere }
    Mask { id: "mask", keys: ["M"], hint: "mask",
        help: "Hide personal data behind stable pseudonyms, for sharing the screen; the clipboard obeys too.",
        scope: Everywhere }
    Reveal { id: "reveal", keys: ["K"], hint: "",
        help: "While personal data is hidden: show what is selected for 10 seconds, with a line in the audit log.",
        scope: Everywhere }
    Calls { id: "calls", keys: ["@"], hint: "",
        help: "Lay the log of API calls over this screen.", scope: Everywhere }
    // Everywhere.
    NextBox { id: "next-box", keys: ["Tab"], hint: "box", help: "Give the next box the focus.", scope: Everywhere }
    PreviousBox { id: "previous-box", keys: ["Shift-Tab"], hint: "",
        help: "Give the box before the focus.", scope: Everywhere }
    Back { id: "back", keys: ["Esc"], hint: "",
        help: "One step back: close, leave the detail, drop marks, then the filter. Never quits.",
        scope: Everywhere }
    Overview { id: "overview", keys: ["1"], hint: "", help: "Show the overview.", scope: Everywhere }
    Executions { id: "executions", keys: ["2"], hint: "", help: "Show the executions.", scope: Everywhere }
    Conflicts { id: "conflicts", keys: ["3"], hint: "", help: "Show the conflicts.", scope: Everywhere }
    Duplicates { id: "duplicates", keys: ["4"], hint: "", help: "Show the duplicates.", scope: Everywhere }
    Unlinked { id: "unlinked", keys: ["5"], hint: "",
        help: "Show the people without a company.", scope: Everywhere }
    Recipes { id: "recipes", keys: ["6"], hint: "",
        help: "Show the recipes and the mapping.", scope: Everywhere }
    Health { id: "health", keys: ["7"], hint: "",
        help: "Show limits, connections, monitors and webhooks.", scope: Everywhere }
    Audit { id: "audit", keys: ["8"], hint: "", help: "Show the audit log.", scope: Everywhere }
    Log { id: "log", keys: ["9"], hint: "", help: "Show every API call, newest first.", scope: Everywhere }
    HistoryBack { id: "history-back", keys: ["["], hint: "",
        help: "Go back to where you were before.", scope: Everywhere }
    HistoryForward { id: "history-forward", keys: ["]"], hint: "",
        help: "Go forward again.", scope: Everywhere }
    Pause { id: "pause", keys: ["p"], hint: "",
        help: "Stop the live refresh, or let it go on.", scope: Everywhere }
    Theme { id: "theme", keys: ["t"], hint: "",
        help: "Change the theme: dark, light, without colour.", scope: Everywhere }
    Palette { id: "palette", keys: [":", "Ctrl-p"], hint: "commands",
        help: "Find and run a command by its name.", scope: Everywhere }
    Help { id: "help", keys: ["?"], hint: "help", help: "Show these keys.", scope: Everywhere }
    Quit { id: "quit", keys: ["q"], hint: "quit", help: "Quit; work that is queued goes on.", scope: Everywhere }
}

impl Action {
    /// Its row.
    pub fn row(self) -> &'static Row {
        TABLE
            .iter()
            .find(|row| row.action == self)
            .expect("the table is made from the same list as the actions")
    }
}

/// The README's key table, in Markdown; a test keeps the README equal to it.
pub fn key_table_markdown() -> String {
    let mut text = String::from("| Where | Key | What it does | Command |\n| --- | --- | --- | --- |\n");
    for scope in Scope::ALL {
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            let keys: Vec<String> = shown_keys(row).iter().map(|key| format!("`{key}`")).collect();
            let command = row.operation.map_or_else(String::new, |operation| format!("`reknit {operation}`"));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {} | {} | {} | {command} |", scope.title(), keys.join(" "), row.help);
        }
    }
    text
}

/// The keys of a row as people read them: arrows as arrows, nine digits as a range.
pub fn shown_keys(row: &Row) -> Vec<String> {
    if row.keys.len() == 9 {
        return vec!["1-9".to_owned()];
    }
    row.keys.iter().map(|key| shown_key(key)).collect()
}

/// One key as people read it.
pub fn shown_key(key: &str) -> String {
    match key {
        "Left" => "←".to_owned(),
        "Right" => "→".to_owned(),
        "Up" => "↑".to_owned(),
        "Down" => "↓".to_owned(),
        key => key.to_owned(),
    }
}
