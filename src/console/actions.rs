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
    GoThere { id: "go-there", keys: ["Enter"], hint: "open", help: "Open what the number counts.", scope: Overview }
    MendThere { id: "go-to-the-fix", keys: ["f"], hint: "fix",
        help: "Go to what mends it: the executions of a cause, the line of a connection, a decision that is open.",
        scope: Overview }
    PreviousNumber { id: "previous-number", keys: ["Left"], hint: "",
        help: "Choose the number to the left; in the trends: the last 24 hours.", scope: Overview }
    NextNumber { id: "next-number", keys: ["Right"], hint: "number",
        help: "Choose the number to the right; in the trends: the last 14 days.", scope: Overview }
    // Executions, most used first.
    Retry { id: "retry", keys: ["r"], hint: "retry",
        help: "Run the marked executions again, or this one, from the first step that is not done.",
        scope: Executions, does: Retry }
    Fix { id: "fix", keys: ["f"], hint: "fix",
        help: "Do what mends this failure: choose an allowed value, decide its conflict, retry; or say where it is mended.",
        scope: Executions, danger: true, does: Replay }
    Replay { id: "replay", keys: ["e"], hint: "edit, replay",
        help: "Edit the values or the payload and run it again as a new execution; checks them, shows the calls, and asks.",
        scope: Executions, danger: true, does: Replay }
    ReplayOutside { id: "replay-in-editor", keys: ["E"], hint: "",
        help: "The same, in your own editor ($VISUAL, $EDITOR).",
        scope: Executions, danger: true, does: Replay }
    RetryFromStart { id: "retry-from-start", keys: ["F"], hint: "",
        help: "Plan the marked executions, or this one, anew and run them from the first step; asks first.",
        scope: Executions, danger: true, does: Retry }
    WhyStopped { id: "why-stopped", keys: ["w"], hint: "why",
        help: "Show the gates between the event and the record, and the first that stopped it.", scope: Executions }
    Probe { id: "probe", keys: ["P"], hint: "probe",
        help: "Look up at the vendor what became of its writes; sends reads only.", scope: Executions, does: Probe }
    Hold { id: "hold", keys: ["h"], hint: "hold",
        help: "Hold the marked executions, or this one, until h lets them go; nothing of them is sent meanwhile.",
        scope: Executions, does: Hold }
    Snooze { id: "snooze", keys: ["z"], hint: "later",
        help: "Put the marked executions, or this one, off until a time.", scope: Executions, does: Snooze }
    PauseRecipe { id: "pause-recipe", keys: ["H"], hint: "",
        help: "Hold back everything this recipe does, for a reason, or let it go on.",
        scope: Executions, danger: true, does: Pause }
    GroupByCause { id: "group-by-cause", keys: ["#"], hint: "by cause",
        help: "Show one row for each cause of failures, with its count; again for the executions.",
        scope: Executions }
    OnlyDifferent { id: "only-different", keys: ["="], hint: "",
        help: "Show what the last call of a step had different from the one before.", scope: Executions }
    OpenPage { id: "open-at-vendor", keys: ["o"], hint: "",
        help: "Copy and show the address of the record in its vendor's own pages.", scope: Executions }
    CopyCurl { id: "copy-as-curl", keys: ["Y"], hint: "",
        help: "Copy the call as a curl command; the token stays a variable.", scope: Executions }
    Discard { id: "discard", keys: ["D"], hint: "discard",
        help: "Give up on the marked executions, or this one, with a reason.",
        scope: Executions, danger: true, does: Discard }
    MarkSame { id: "mark-same", keys: ["*"], hint: "same cause",
        help: "Mark every loaded execution that failed for the same cause.", scope: Executions }
    PreviousTab { id: "previous-tab", keys: ["Left"], hint: "", help: "Show the tab to the left.", scope: Executions }
    NextTab { id: "next-tab", keys: ["Right"], hint: "tab", help: "Show the tab to the right.", scope: Executions }
    // Conflicts.
    TakeLeft { id: "take-left", keys: ["Left"], hint: "take Intercom",
        help: "Decide the field, or every marked row, for Intercom's value; again takes that back. Nothing is sent yet.",
        scope: Conflicts }
    TakeRight { id: "take-right", keys: ["Right"], hint: "take CRM",
        help: "Decide the field, or every marked row, for the CRM's value; again takes that back. Nothing is sent yet.",
        scope: Conflicts }
    TypeValue { id: "type-value", keys: ["e"], hint: "type it",
        help: "Decide the field for a value you type; nothing is sent yet.", scope: Conflicts }
    SendDecided { id: "send-decided", keys: ["d"], hint: "dry run, send",
        help: "Show every write of the decided fields exactly, and send them after a yes; Enter does the same.",
        scope: Conflicts, danger: true, does: Resolve }
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
    EqualFields { id: "equal-fields", keys: ["="], hint: "equal fields",
        help: "Show the fields of the record that agree, or fold them again.", scope: Conflicts }
    ClearBoth { id: "clear-both", keys: ["0"], hint: "empty",
        help: "Decide to empty the field on both sides; nothing is sent yet.", scope: Conflicts }
    Block { id: "switch-direction-off", keys: ["b"], hint: "one way",
        help: "Write this field in one direction no more, for anybody; asks first, and can be taken back.",
        scope: Conflicts, danger: true, does: Resolve }
    Mine { id: "mine", keys: ["i"], hint: "mine",
        help: "Show only what your role decides (console.role in the settings), or everything again.",
        scope: Conflicts }
    Reopen { id: "reopen", keys: ["u"], hint: "undo",
        help: "Take back what a settled conflict wrote (filter status:done), else what you did last; asks first.",
        scope: Conflicts, danger: true, does: Resolve }
    // Duplicates.
    Merge { id: "merge", keys: ["m"], hint: "merge",
        help: "Merge the records into the survivor; shows calls and losses, and asks first.",
        scope: Duplicates, danger: true, does: Merge }
    Distinct { id: "distinct", keys: ["x"], hint: "different",
        help: "Say that these are two different people (in a group: the column under the cursor); asks first.",
        scope: Duplicates, danger: true, does: Distinct }
    Unsure { id: "unsure", keys: ["n"], hint: "unsure",
        help: "Say that nobody can tell: the pair stays, marked, below the others.", scope: Duplicates, does: Verdict }
    PutOff { id: "later", keys: ["z"], hint: "later",
        help: "Put the pair off for a time, or until one of the compared fields changes.",
        scope: Duplicates, danger: true, does: Verdict }
    UndoVerdict { id: "undo-verdict", keys: ["u"], hint: "undo",
        help: "Take back what was said of this pair, or the last word you said.", scope: Duplicates, does: Verdict }
    SwapSurvivor { id: "swap-survivor", keys: ["S"], hint: "swap survivor",
        help: "Let the other record survive; in a group the next one.", scope: Duplicates }
    ColumnLeft { id: "column-left", keys: ["Left"], hint: "",
        help: "In the comparison: go to the record at the left.", scope: Duplicates }
    ColumnRight { id: "column-right", keys: ["Right"], hint: "column",
        help: "In the comparison: go to the record at the right.", scope: Duplicates }
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
        help: "Take back what was said of this person or the link they got (filter status:done), else what you did last; asks first.",
        scope: Unlinked, danger: true, does: Link }
    GroupByDomain { id: "group-by-domain", keys: ["#"], hint: "by domain",
        help: "Put people of one domain together, or the surest first again.", scope: Unlinked }
    // Recipes and mapping.
    AdvanceRecipe { id: "advance-recipe", keys: ["a"], hint: "advance",
        help: "Move the recipe's switch one step nearer to running: off, shadow, on; shows what changes, and asks.",
        scope: Recipes, danger: true, does: Recipe }
    BackRecipe { id: "put-recipe-back", keys: ["b"], hint: "back",
        help: "Move the recipe's switch one step back: on, shadow, off; shows what changes, and asks.",
        scope: Recipes, danger: true, does: Recipe }
    PauseThis { id: "pause-this-recipe", keys: ["H"], hint: "pause",
        help: "Hold back everything the selected recipe does, for a reason, or let it go on.",
        scope: Recipes, danger: true, does: Pause }
    TryRules { id: "dry-run", keys: ["d"], hint: "dry run",
        help: "Try the recipe on a person you name: gates and exact calls. In the mapping: plan an edited file.",
        scope: Recipes }
    AcceptDrift { id: "accept-change", keys: ["f"], hint: "accept",
        help: "Take the vendor's change as it is: it is expected from then on; asks first.",
        scope: Recipes, danger: true, does: Drift }
    ResumeDrift { id: "let-go-on", keys: ["h"], hint: "let go on",
        help: "Let go on what the vendor's change holds back, without accepting it; asks first.",
        scope: Recipes, danger: true, does: Drift }
    Versions { id: "versions", keys: ["v"], hint: "versions",
        help: "Show every version of the recipe or mapping that was in force, and what each changed.",
        scope: Recipes }
    Lints { id: "lints", keys: ["L"], hint: "lints",
        help: "Show what is wrong with the recipe or mapping, by file and line, with what would be right.",
        scope: Recipes }
    WhyRule { id: "why-rule", keys: ["w"], hint: "why",
        help: "Show which rule decides: of a field whose value counts and why, of a recipe when it runs.",
        scope: Recipes }
    DraftMapping { id: "draft-mapping", keys: ["e"], hint: "",
        help: "Write a draft of the mapping beside its file, to be edited; nothing reads it but the dry run.",
        scope: Recipes }
    NextRules { id: "next-rules", keys: ["Right"], hint: "tab",
        help: "Show what stands to the right: recipes, mapping, drift.", scope: Recipes }
    PreviousRules { id: "previous-rules", keys: ["Left"], hint: "",
        help: "Show what stands to the left: recipes, mapping, drift.", scope: Recipes }
    // Health.
    Mend { id: "fix-this", keys: ["f"], hint: "fix",
        help: "Mend what the line says: look at a connection now, resume, open what waits, or copy the command.",
        scope: Health, danger: true }
    OpenThere { id: "open-what-waits", keys: ["o"], hint: "open",
        help: "Open the rows behind the line: executions, conflicts, duplicates.", scope: Health }
    CopyCommand { id: "copy-command", keys: ["Y"], hint: "copy command",
        help: "Copy the command that tells or does the same in a shell.", scope: Health }
    // Audit.
    Verify { id: "verify-audit", keys: ["V"], hint: "verify",
        help: "Check every audit entry against the one before it, and say whether the chain is intact.",
        scope: Audit }
    // Log.
    CopyCall { id: "copy-call-as-curl", keys: ["Y"], hint: "copy as curl",
        help: "Copy the call as a curl command; the token stays the variable $TOKEN.", scope: Log }
    // Numbered choices.
    Choose { id: "choose", keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], hint: "choose",
        help: "In the right box: choose the survivor or the company with this number; never acts.",
        scope: Choices }
    TakeValue { id: "take-value", keys: ["Space"], hint: "take value",
        help: "In the comparison of duplicates: let this cell's value survive; again leaves it to the rules.",
        scope: Choices }
    // Behind the merges they take back, so that the palette finds the merge first.
    UndoMerge { id: "undo-merge", keys: ["u"], hint: "undo",
        help: "Take back what this execution merged, as far as the vendor allows; shows that first, and asks.",
        scope: Executions, danger: true, does: Merge }
    // Every list.
    Open { id: "open", keys: ["Enter"], hint: "open", help: "Go into the detail of the row.", scope: Lists }
    Mark { id: "mark", keys: ["Space"], hint: "mark",
        help: "Mark the row, or take its mark away; what acts takes the marked ones.", scope: Lists }
    MarkRange { id: "mark-range", keys: ["v"], hint: "",
        help: "Begin a range here; press it again to mark everything up to there.", scope: Lists }
    MarkAll { id: "mark-all", keys: ["Ctrl-a"], hint: "",
        help: "Mark every row that the filter lets through, loaded or not.", scope: Lists }
    ClearMarks { id: "clear-marks", keys: ["Ctrl-\\"], hint: "", help: "Take all marks away.", scope: Lists }
    Filter { id: "filter", keys: ["/"], hint: "filter",
        help: "Filter the list while you type: status:failed error:auth recipe:name since:2h word -word.",
        scope: Lists }
    LastFilter { id: "last-filter", keys: ["-"], hint: "",
        help: "Go back to the filter before this one.", scope: Lists }
    Views { id: "views", keys: ["V"], hint: "views",
        help: "Open a view, ready-made or your own; save, rename or delete one.", scope: Lists }
    Sort { id: "sort", keys: ["s"], hint: "sort",
        help: "Choose the column that the rows are sorted by.", scope: Lists }
    SortLeft { id: "sort-left", keys: ["Shift-Left"], hint: "",
        help: "Sort by the column to the left.", scope: Lists }
    SortRight { id: "sort-right", keys: ["Shift-Right"], hint: "",
        help: "Sort by the column to the right.", scope: Lists }
    SortTurn { id: "sort-turn", keys: ["Shift-Up", "Shift-Down"], hint: "",
        help: "Turn the order of the rows round.", scope: Lists }
    Columns { id: "columns", keys: ["|"], hint: "",
        help: "Choose the columns and their order; remembered for this list.", scope: Lists }
    Export { id: "export", keys: ["X"], hint: "",
        help: "Write the filtered rows to a CSV or JSON file in the data folder.", scope: Lists }
    Narrower { id: "narrower", keys: ["<"], hint: "", help: "Make the list narrower, the detail wider.", scope: Lists }
    Wider { id: "wider", keys: [">"], hint: "", help: "Make the list wider, the detail narrower.", scope: Lists }
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
    Claim { id: "claim", keys: ["a"], hint: "",
        help: "Say that you are at it, so that nobody decides it twice; again gives it back. Ends by itself after half an hour.",
        scope: Lists, does: Claim }
    Assign { id: "assign", keys: ["A"], hint: "",
        help: "Say who is to look at the marked items, or this one.", scope: Lists, does: Hint }
    Comment { id: "comment", keys: ["C"], hint: "",
        help: "Leave a remark on the marked items, or this one, for whoever looks at them next.",
        scope: Lists, does: Comment }
    Tour { id: "tour", keys: ["T"], hint: "",
        help: "Begin a short tour of what a console is for, or end it.", scope: Everywhere }
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
        help: "Change the theme: dark, light, high contrast, colour-blind, without colour, your own.",
        scope: Everywhere }
    Mouse { id: "mouse", keys: ["Ctrl-o"], hint: "",
        help: "Take clicks and the wheel, or leave them to the terminal for selecting text.",
        scope: Everywhere }
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
            // A bar inside a cell would end it.
            let keys: Vec<String> =
                shown_keys(row).iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
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
        "Shift-Left" => "Shift-←".to_owned(),
        "Shift-Right" => "Shift-→".to_owned(),
        "Shift-Up" => "Shift-↑".to_owned(),
        "Shift-Down" => "Shift-↓".to_owned(),
        key => key.to_owned(),
    }
}
