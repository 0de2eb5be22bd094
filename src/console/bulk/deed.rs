//! What can be done to many rows at once: its words, to which rows, and how many in one piece. Does nothing itself.

use super::{Decision, LinkAs, LinkVerdict, Row, Timestamp, waits};
use crate::console::panes::Screen;
use crate::console::text::counted;
use crate::domain::execution::Status;
use crate::domain::review::{Choice, Unlinked};
use crate::domain::team::CLAIM;

/// An action on many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Run executions again.
    Retry,
    /// Plan executions anew and run them from their first step.
    FromStart,
    /// Give executions up, for a reason; empty until it was typed.
    Discard(String),
    /// Hold executions until they are let go.
    Hold,
    /// Put executions off until a time.
    Snooze(Timestamp),
    /// Let executions go that were put aside.
    LetGo,
    /// Pairs are two different people each.
    Different,
    /// Nobody can tell of these pairs.
    Unsure,
    /// Pairs wait until a time, or until their fields change.
    PutOff(Option<Timestamp>),
    /// People without a company: none fits, cannot be said, or later.
    Person(LinkVerdict),
    /// People are related to the company that fits each of them best.
    Link,
    /// Conflicts are settled alike.
    Settle(Choice),
    /// Conflicts are left alone until a time, or until a value changes.
    Leave(Option<Timestamp>),
    /// People leave a hint for each other on the rows of a list.
    Hint(Screen, Hint),
}

/// What people leave on rows for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// They are at it.
    Claim,
    /// They are not at it any more.
    GiveBack,
    /// Somebody is to look at it; none for nobody.
    Assign(Option<String>),
    /// A remark.
    Comment(String),
}

impl Deed {
    /// Whose rows.
    pub const fn screen(&self) -> Screen {
        match self {
            Self::Hint(screen, _) => *screen,
            Self::Retry | Self::FromStart | Self::Discard(_) | Self::Hold | Self::Snooze(_) | Self::LetGo => {
                Screen::Executions
            }
            Self::Different | Self::Unsure | Self::PutOff(_) => Screen::Duplicates,
            Self::Person(_) | Self::Link => Screen::Unlinked,
            Self::Settle(_) | Self::Leave(_) => Screen::Conflicts,
        }
    }

    /// The question: `Retry 6 executions`.
    pub fn title(&self, count: u64) -> String {
        match self {
            Self::Retry => format!("Retry {}", counted(count, "execution")),
            Self::FromStart => format!("Run {} from the start", counted(count, "execution")),
            Self::Discard(_) => format!("Discard {}", counted(count, "execution")),
            Self::Hold => format!("Hold {}", counted(count, "execution")),
            Self::Snooze(until) => {
                format!("Put {} off until {}", counted(count, "execution"), until.rfc3339())
            }
            Self::LetGo => format!("Let {} go", counted(count, "execution")),
            Self::Different => format!("Call {} different people", counted(count, "pair")),
            Self::Unsure => format!("Unsure about {}", counted(count, "pair")),
            Self::PutOff(_) => format!("Put {} off", counted(count, "pair")),
            Self::Person(LinkVerdict::NoneFits) => format!("No company fits {}", people(count)),
            Self::Person(LinkVerdict::Unsure) => format!("Unsure about {}", people(count)),
            Self::Person(LinkVerdict::Later(_)) => format!("Leave {} alone for a time", people(count)),
            Self::Link => format!("Link {} to the best company of each", people(count)),
            Self::Settle(Choice::Left) => format!("Take Intercom's value in {}", counted(count, "conflict")),
            Self::Settle(Choice::Right) => format!("Take the CRM's value in {}", counted(count, "conflict")),
            Self::Settle(_) => format!("Settle {} alike", counted(count, "conflict")),
            Self::Leave(_) => format!("Leave {} alone for a time", counted(count, "conflict")),
            Self::Hint(screen, hint) => {
                let rows = match screen {
                    Screen::Executions => counted(count, "execution"),
                    Screen::Conflicts => counted(count, "conflict"),
                    Screen::Duplicates => counted(count, "pair"),
                    _ => people(count),
                };
                match hint {
                    Hint::Claim => format!("Claim {rows}"),
                    Hint::GiveBack => format!("Give {rows} back"),
                    Hint::Assign(Some(name)) => format!("Assign {rows} to {name}"),
                    Hint::Assign(None) => format!("Assign {rows} to nobody"),
                    Hint::Comment(_) => format!("Comment on {rows}"),
                }
            }
        }
    }

    /// The word on the button.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::FromStart => "Run from the start",
            Self::Discard(_) => "Discard",
            Self::Hold => "Hold",
            Self::LetGo => "Let go",
            Self::Hint(_, Hint::Claim) => "Claim",
            Self::Hint(_, Hint::GiveBack) => "Give back",
            Self::Hint(_, Hint::Assign(_)) => "Assign",
            Self::Hint(_, Hint::Comment(_)) => "Comment",
            Self::Different => "Different",
            Self::Unsure => "Unsure",
            Self::Snooze(_) | Self::PutOff(_) | Self::Leave(_) | Self::Person(LinkVerdict::Later(_)) => {
                "Later"
            }
            Self::Person(_) => "Say so",
            Self::Link => "Link",
            Self::Settle(_) => "Send",
        }
    }

    /// What was done to a row, for the table of results.
    pub const fn did(&self) -> &'static str {
        match self {
            Self::Retry => "queued again",
            Self::FromStart => "planned anew",
            Self::Discard(_) => "discarded",
            Self::Hold => "held",
            Self::LetGo => "let go",
            Self::Hint(_, Hint::Claim) => "yours",
            Self::Hint(_, Hint::GiveBack) => "given back",
            Self::Hint(_, Hint::Assign(_)) => "assigned",
            Self::Hint(_, Hint::Comment(_)) => "noted",
            Self::Different => "two different people",
            Self::Unsure => "noted as unsure",
            Self::Snooze(_) | Self::PutOff(_) | Self::Leave(_) | Self::Person(LinkVerdict::Later(_)) => {
                "put off"
            }
            Self::Person(_) => "noted",
            Self::Link => "being linked",
            Self::Settle(_) => "being written",
        }
    }

    /// What it means, in a sentence or two.
    pub fn means(&self) -> String {
        match self {
            Self::Retry => {
                "Each goes on at its first step that is not done; what was written is not sent again."
                    .to_owned()
            }
            Self::FromStart => {
                "Each is planned anew, by today's rules and the records as they are now, and sends every step \
                 again. Left as it is where a step was done that must not be done twice."
                    .to_owned()
            }
            Self::Hold => {
                "Nothing of them is sent until h lets them go; then each is again what it was.".to_owned()
            }
            Self::Snooze(_) => {
                "Nothing of them is sent until then; h brings one back before that.".to_owned()
            }
            Self::LetGo => "Each is again what it was before it was held or put off.".to_owned(),
            Self::Hint(_, Hint::Claim) => {
                let minutes = CLAIM.as_secs() / 60;
                format!(
                    "Others are warned for {minutes} minutes before they decide one of them. What somebody else \
                     has claimed stays with them."
                )
            }
            Self::Hint(_, Hint::GiveBack) => "Anybody may take them up again.".to_owned(),
            Self::Hint(_, Hint::Assign(_)) => "A hint for colleagues; nothing is sent to anybody.".to_owned(),
            Self::Hint(_, Hint::Comment(text)) => format!("Each gets the remark: {text}"),
            Self::Discard(reason) => format!(
                "They will not be sent any more. A retry brings one back; the records stay as they are. Why: {reason}"
            ),
            Self::Different => {
                "They are not shown again until one of the compared fields changes. Nothing is \
                                sent; u takes one back."
                    .to_owned()
            }
            Self::Unsure => "The pairs stay, marked, below the others. Nothing is sent.".to_owned(),
            Self::PutOff(_) => {
                "They come back at once when one of the compared fields changes. Nothing is sent.".to_owned()
            }
            Self::Person(_) => "Asked again when the evidence changes. Nothing is sent.".to_owned(),
            Self::Link => {
                "Each person is related to the company shown beside the name; u takes a link back.".to_owned()
            }
            Self::Settle(_) => "Each is written as its own execution; a later change of a value opens it \
                                again."
                .to_owned(),
            Self::Leave(_) => {
                "Both sides stay as they are; one comes back at once when a value changes.".to_owned()
            }
        }
    }

    /// How many rows are done in one piece: what is one transaction may be larger than what is one each.
    pub const fn piece(&self) -> usize {
        match self {
            Self::Retry
            | Self::FromStart
            | Self::Discard(_)
            | Self::Hold
            | Self::Snooze(_)
            | Self::LetGo
            | Self::Hint(..) => 100,
            Self::Settle(_) | Self::Link => 10,
            _ => 25,
        }
    }

    /// It can be done to this row, or why not.
    pub(super) fn allows(&self, row: &Row) -> Result<(), String> {
        match (self, row) {
            (Self::Retry, Row::Execution(row)) if row.status.can_retry() => Ok(()),
            (Self::Retry, Row::Execution(row)) => Err(format!("it is {} and needs no retry", row.status)),
            (Self::Discard(_), Row::Execution(row)) => match row.status {
                Status::Running => Err("a worker is running it".to_owned()),
                Status::Succeeded | Status::Skipped | Status::Discarded => {
                    Err(format!("it is {} already", row.status))
                }
                _ => Ok(()),
            },
            (Self::FromStart | Self::Hold | Self::Snooze(_) | Self::LetGo, Row::Execution(row)) => {
                self.allows_aside(row.status)
            }
            // Which rows those are was asked for by the screen.
            (Self::Hint(..), _) => Ok(()),
            (Self::Different | Self::Unsure | Self::PutOff(_), Row::Duplicate(pair)) => waits(pair.state),
            (Self::Person(_), Row::Unlinked(person)) => waits(person.state),
            (Self::Link, Row::Unlinked(person)) if person.candidates.is_empty() => {
                waits(person.state).and(Err("no company fits".to_owned()))
            }
            (Self::Link, Row::Unlinked(person)) => waits(person.state),
            (Self::Settle(_) | Self::Leave(_), Row::Conflict(conflict)) => waits(conflict.state),
            _ => Err("it is a row of another list".to_owned()),
        }
    }

    fn allows_aside(&self, status: Status) -> Result<(), String> {
        match (self, status) {
            (Self::LetGo, Status::Held) => Ok(()),
            (Self::LetGo, status) => Err(format!("it is {status} and not held")),
            (_, Status::Running) => Err("a worker is running it".to_owned()),
            (Self::FromStart, _) => Ok(()),
            (Self::Hold, Status::Held) => Err("it is held already".to_owned()),
            (_, Status::Succeeded | Status::Skipped | Status::Discarded) => {
                Err(format!("it is {status}: there is nothing to wait for"))
            }
            _ => Ok(()),
        }
    }

    /// It is done to a row however that one has changed since it was shown.
    pub(super) const fn takes_changed(&self) -> bool {
        matches!(self, Self::Hint(..))
    }
}

fn people(count: u64) -> String {
    if count == 1 {
        "1 person".to_owned()
    } else {
        format!("{} people", crate::console::text::thousands(count))
    }
}

/// The link of a person to the company that fits best.
pub(super) fn best(person: &Unlinked) -> Option<Decision> {
    let best = person.candidates.first()?;
    Some(Decision::Link { unlinked: person.id, company: best.company.clone(), how: LinkAs::Auto })
}
