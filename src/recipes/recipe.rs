//! What a recipe is: one trigger, what it needs, one condition, ordered actions, an error branch. Data only.
//!
//! Recipes are read from TOML by `file`, checked by `lint`, judged by `condition` and turned into a plan by `planner`;
//! nothing here reads, evaluates or plans. Expressions are kept as their text: each is compiled where it is evaluated.

use std::collections::BTreeMap;

use crate::domain::event::EventKind;
use crate::domain::record::{Fields, ObjectKind, System};
use crate::domain::words;

words! {
    /// Whether a recipe runs.
    pub enum State {
        /// Its events are kept and run nothing.
        Off = "off",
        /// It plans and journals what it would do, and writes nothing.
        Shadow = "shadow",
        /// It runs.
        On = "on",
    }
}

words! {
    /// What makes a recipe run: one word for one or more kinds of events that mean the same to it.
    pub enum Trigger {
        /// A person appeared or changed in Intercom.
        IntercomContactChanged = "intercom.contact.changed",
        /// A person appeared or changed in the CRM.
        CrmContactChanged = "crm.contact.changed",
        /// A tag was put on a person or taken off.
        ContactTagged = "contact.tagged",
        /// An organisation appeared or changed in Intercom.
        IntercomCompanyChanged = "intercom.company.changed",
        /// An organisation appeared or changed in the CRM.
        CrmCompanyChanged = "crm.company.changed",
        /// A conversation began.
        ConversationCreated = "conversation.created",
        /// A conversation began, or somebody wrote in it.
        ConversationMessage = "conversation.message",
        /// A conversation was closed.
        ConversationClosed = "conversation.closed",
        /// A conversation began, or was opened, snoozed or closed: whether the person waits for help may have changed.
        ConversationOpenOrClosed = "conversation.open_or_closed",
        /// A conversation is closed and has a rating, whichever came last.
        ConversationRated = "conversation.rated",
        /// A conversation or a part of it was tagged.
        ConversationTagged = "conversation.tagged",
        /// A sale appeared or changed in the CRM.
        DealChanged = "deal.changed",
        /// A ticket of Intercom or the CRM appeared or changed.
        TicketChanged = "ticket.changed",
        /// A person did something in the product.
        PersonActed = "person.acted",
        /// A support agent of the customer's own answered, or asked for a human.
        AgentAnswered = "agent.answered",
    }
}

impl Trigger {
    /// Whether an event of a system is one of those the word stands for.
    pub fn fits(self, system: System, kind: EventKind) -> bool {
        use EventKind as Kind;
        let of_intercom = system == System::Intercom;
        let contact = matches!(
            kind,
            Kind::ContactCreated
                | Kind::ContactUpdated
                | Kind::ContactEmailChanged
                | Kind::ContactSignedUp
                | Kind::ContactUnsubscribed
                | Kind::ContactSubscribed
                | Kind::ContactMerged
                | Kind::ContactDeleted
        );
        let company = matches!(kind, Kind::CompanyCreated | Kind::CompanyChanged);
        match self {
            // That a person has another company is news of the person in Intercom only: the CRM's own relations are
            // reconciled by the scan.
            Self::IntercomContactChanged => of_intercom && (contact || kind == Kind::ContactRelated),
            Self::CrmContactChanged => !of_intercom && contact,
            Self::ContactTagged => matches!(kind, Kind::ContactTagged | Kind::ContactUntagged),
            Self::IntercomCompanyChanged => of_intercom && company,
            Self::CrmCompanyChanged => !of_intercom && company,
            Self::ConversationCreated => kind == Kind::ConversationCreated,
            Self::ConversationMessage => {
                matches!(kind, Kind::ConversationCreated | Kind::ConversationReplied)
            }
            Self::ConversationClosed => kind == Kind::ConversationClosed,
            Self::ConversationOpenOrClosed => matches!(
                kind,
                Kind::ConversationCreated
                    | Kind::ConversationOpened
                    | Kind::ConversationSnoozed
                    | Kind::ConversationClosed
            ),
            Self::ConversationRated => matches!(kind, Kind::ConversationRated | Kind::ConversationClosed),
            Self::ConversationTagged => kind == Kind::ConversationTagged,
            Self::DealChanged => kind == Kind::DealChanged,
            Self::TicketChanged => kind == Kind::TicketChanged,
            Self::PersonActed => kind == Kind::PersonActed,
            Self::AgentAnswered => kind == Kind::AgentAnswered,
        }
    }
}

/// Something without which the recipe cannot do its job: when it is missing the execution fails as `missing_data`, so
/// that a human mends the record and runs it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Require {
    /// An expression (CEL) that must be true.
    pub that: String,
    /// What is missing and what to do, as a sentence.
    pub otherwise: String,
}

/// When the recipe has something to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// An expression (CEL).
    pub when: String,
    /// Why nothing is done when it is false, as a phrase.
    pub otherwise: String,
}

/// One rule of a routing table; the first whose expression is true gives the value of `route`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// An expression (CEL); none in the last row, which always fits.
    pub when: Option<String>,
    /// The value, a template.
    pub to: String,
    /// By which strategy, as a phrase: `territory`, `plan tier`.
    pub because: String,
}

words! {
    /// Which of the records a recipe knows an action is about.
    pub enum Target {
        /// The person in Intercom.
        Contact = "contact",
        /// The person in the CRM: a contact, or a lead of Salesforce.
        Crm = "crm",
        /// The person's organisation in the CRM.
        Company = "company",
        /// The person's organisation in Intercom.
        IntercomCompany = "intercom_company",
        /// The conversation.
        Conversation = "conversation",
        /// The person's open sale, or the sale the event is about.
        Deal = "deal",
        /// The open support case for the conversation.
        Ticket = "ticket",
    }
}

/// How a record is looked for before one is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// By the value of a field, a template.
    Field {
        /// The vendor's name of the field.
        field: String,
        /// The value it is looked for by.
        value: String,
    },
    /// The open one of the person in the CRM (deals: not closed; tickets: not closed).
    OpenOfPerson,
    /// By a key of ours that stands in the record's text (tasks, notes).
    Key(String),
}

/// What to do, in one step or several.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Carry a person's or an organisation's fields over, by a mapping, field by field with its owners.
    Sync {
        /// The mapping's name.
        mapping: String,
        /// From Intercom to the CRM; else back.
        to_crm: bool,
        /// Make the person on the other side where there is none.
        create: bool,
    },
    /// Put the conversation onto the person's timeline in the CRM.
    Log {
        /// As a note, a task or an event; none = what the CRM has for it.
        object: Option<ObjectKind>,
    },
    /// Set fields of a record.
    Update {
        /// Of which.
        target: Target,
        /// Field to value; texts are templates.
        set: Fields,
        /// Fields that only ever move forward, with the order of their values.
        forward: BTreeMap<String, Vec<String>>,
    },
    /// Look for a record, and make it where there is none.
    Create {
        /// Of which kind.
        object: ObjectKind,
        /// In Intercom instead of the CRM.
        in_intercom: bool,
        /// How it is looked for.
        find: Lookup,
        /// Field to value; texts are templates.
        set: Fields,
        /// Set on one that was found; empty leaves it as it is.
        set_found: Fields,
        /// What it is related to.
        relate: Vec<Target>,
    },
    /// Relate two records.
    Relate {
        /// The one.
        from: Target,
        /// The other.
        to: Target,
    },
    /// Put a tag on, or take it off.
    Tag {
        /// Of which.
        target: Target,
        /// The tag's name, a template.
        tag: String,
        /// On: an expression (CEL), `true` where it stands always.
        on: String,
    },
    /// Tell Intercom that the person did something.
    Track {
        /// What, a template.
        event: String,
        /// At most ten values; texts are templates.
        details: Fields,
    },
    /// Begin a conversation in the person's name.
    Converse {
        /// What they say, a template.
        text: String,
    },
    /// Say something in the conversation as a teammate.
    Reply {
        /// As whom, a template.
        speaker: String,
        /// What, a template.
        text: String,
        /// Only teammates see it.
        note: bool,
    },
    /// Give the conversation to a teammate or a team.
    Assign {
        /// In whose name, a template.
        by: String,
        /// To whom, a template.
        to: String,
        /// It is a team.
        team: bool,
    },
    /// Tell people, or another system.
    Tell {
        /// The channel or sink.
        channel: String,
        /// In one line, a template.
        title: String,
        /// The rest; texts are templates.
        fields: Fields,
    },
}

impl Act {
    /// The word for it in a file.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Sync { .. } => "sync",
            Self::Log { .. } => "log",
            Self::Update { .. } => "update",
            Self::Create { .. } => "create",
            Self::Relate { .. } => "relate",
            Self::Tag { .. } => "tag",
            Self::Track { .. } => "track",
            Self::Converse { .. } => "converse",
            Self::Reply { .. } => "reply",
            Self::Assign { .. } => "assign",
            Self::Tell { .. } => "tell",
        }
    }
}

/// One action and the line of the file it stands in.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What is done.
    pub act: Act,
    /// Only when this expression (CEL) is true; the others are done all the same.
    pub when: Option<String>,
    /// Counted from 1.
    pub line: usize,
}

/// What happens when a step fails for good: always a dead letter with its reason, and beside it who is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorBranch {
    /// The channel that is told; empty = the monitors alone.
    pub tell: String,
    /// What to do about it, as a sentence for whoever finds it.
    pub advice: String,
}

/// A whole recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// One word with hyphens.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// Why it exists and what to know before it is switched on.
    pub about: String,
    /// The role that answers for it.
    pub owner: String,
    /// Whether it runs.
    pub state: State,
    /// The CRM it works with; none = the one the settings name.
    pub crm: Option<System>,
    /// What makes it run.
    pub trigger: Trigger,
    /// What it cannot do without.
    pub require: Vec<Require>,
    /// When it has something to do.
    pub condition: Option<Condition>,
    /// Runs once for each value of this template; none = for each event.
    pub once: Option<String>,
    /// The routing table.
    pub routes: Vec<Route>,
    /// What is done, in order; a later one never runs when an earlier one failed.
    pub actions: Vec<Action>,
    /// What happens when a step fails for good.
    pub error: ErrorBranch,
    /// Numbers, lists and tables that expressions use as `settings`.
    pub settings: Fields,
    /// The file it was read from, for messages.
    pub file: String,
    /// The whole text: what an edition is.
    pub text: String,
    /// The lines of what has one, by its path in the file (`condition.when`, `action.0.set.dealname`), for messages.
    pub lines: BTreeMap<String, usize>,
}

impl Recipe {
    /// The line of a part of the file, or of the part it stands in.
    pub fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((above, _)) => path = above,
                None => return 1,
            }
        }
    }
}
