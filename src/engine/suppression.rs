//! Whether the flag that keeps marketing quiet says what Intercom says: who is flagged while nobody waits, and who waits
//! and is not flagged. Reads both vendors whole; changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::record::{Connection, ObjectKind, RecordRef};
use crate::journal::{Journal, JournalError};
use crate::recipes::recipe::{Act, Recipe};
use crate::vendors::intercom::conversations::{self, Conversation};
use crate::vendors::{Clients, Log, VendorError, hubspot};

/// The recipe that keeps the flag.
pub const RECIPE: &str = "support-suppression";
/// Pages of open conversations that are read: 150,000 of them.
const PAGES: usize = 1_000;

/// What the recipe in force writes, and for which conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The contact's property.
    pub property: String,
    /// The type of conversation that counts.
    pub kind: String,
}

impl Rule {
    /// Read from the recipe; what it does not say is as it ships.
    pub fn of(recipe: Option<&Recipe>) -> Self {
        let written =
            recipe.into_iter().flat_map(|recipe| &recipe.actions).find_map(|action| match &action.act {
                Act::Update { set, .. } => set.keys().next().cloned(),
                _ => None,
            });
        let kind = recipe.and_then(|recipe| recipe.settings.get("type")?.as_str().map(str::to_owned));
        Self {
            property: written.unwrap_or_else(|| "open_support_ticket".to_owned()),
            kind: kind.unwrap_or_else(|| "Support".to_owned()),
        }
    }

    /// The filter for marketing e-mails, as HubSpot's editor says it.
    pub fn filter(&self) -> String {
        format!("{} is not equal to true", self.property)
    }
}

/// Which way a contact's flag is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// A support conversation is open and marketing may write.
    NotFlagged,
    /// No conversation is open and marketing may not write.
    StillFlagged,
}

/// A contact whose flag is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Leak {
    /// Which way.
    pub wrong: Wrong,
    /// The contact in HubSpot.
    pub contact: RecordRef,
    /// Intercom's ids of their open conversations; none when it is still flagged.
    pub conversations: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// By what it was judged.
    pub rule: Rule,
    /// Contacts with the flag.
    pub flagged: usize,
    /// Conversations that are open or snoozed, of whatever type.
    pub open: usize,
    /// Of those, the ones that set the flag.
    pub counting: usize,
    /// People with such a conversation whom HubSpot does not know: no e-mail goes to them from there.
    pub unknown: usize,
    /// Whose flag is wrong, those that marketing may write to first.
    pub leaks: Vec<Leak>,
}

/// Why it could not be found out; no leak was missed in silence.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A vendor did not answer as it should.
    #[error("{}", .0.words)]
    Vendor(Box<VendorError>),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<VendorError> for Failed {
    fn from(error: VendorError) -> Self {
        Self::Vendor(Box::new(error))
    }
}

/// Reads who is flagged and who waits, and compares. `tie` is the contact's property with Intercom's id, for people the
/// journal has not tied yet.
pub async fn check(
    clients: &Clients,
    journal: Option<&Journal>,
    rule: Rule,
    (intercom, crm): (&Connection, &Connection),
    tie: &str,
    log: &mut Log,
) -> Result<Report, Failed> {
    // Who waits is read before who is flagged: one who writes in meanwhile is flagged by then, not the other way round.
    let open = open_conversations(clients, intercom, log).await?;
    let flagged = hubspot::marked(clients, crm, (&rule.property, "true"), tie, log).await?;
    let mut ties: BTreeMap<String, String> = match journal {
        Some(journal) => journal.ties(intercom, crm).await?.into_iter().collect(),
        None => BTreeMap::new(),
    };
    for contact in &flagged {
        let known = contact.text(tie);
        if !known.is_empty() {
            ties.entry(known).or_insert_with(|| contact.record.id.clone());
        }
    }
    let counts = |conversation: &Conversation| {
        ["custom_attributes.type", "type"].iter().any(|name| conversation.mirror.text(name) == rule.kind)
    };
    let mut waiting: BTreeSet<&str> = BTreeSet::new();
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut unknown: BTreeSet<&str> = BTreeSet::new();
    for conversation in &open {
        for person in &conversation.contacts {
            let Some(contact) = ties.get(person) else {
                if counts(conversation) {
                    unknown.insert(person);
                }
                continue;
            };
            waiting.insert(contact);
            if counts(conversation) {
                expected.entry(contact).or_default().push(conversation.mirror.record.id.clone());
            }
        }
    }
    let has_flag: BTreeSet<&str> = flagged.iter().map(|contact| contact.record.id.as_str()).collect();
    let contact =
        |id: &str| RecordRef { connection: crm.clone(), object: ObjectKind::Contact, id: id.to_owned() };
    let exposed = expected.iter().filter(|(id, _)| !has_flag.contains(**id)).map(|(id, conversations)| {
        Leak { wrong: Wrong::NotFlagged, contact: contact(id), conversations: conversations.clone() }
    });
    let silenced = has_flag.iter().filter(|id| !waiting.contains(**id)).map(|id| Leak {
        wrong: Wrong::StillFlagged,
        contact: contact(id),
        conversations: Vec::new(),
    });
    let mut leaks: Vec<Leak> = exposed.chain(silenced).collect();
    leaks.sort();
    Ok(Report {
        flagged: flagged.len(),
        open: open.len(),
        counting: open.iter().filter(|conversation| counts(conversation)).count(),
        unknown: unknown.len(),
        leaks,
        rule,
    })
}

async fn open_conversations(
    clients: &Clients,
    intercom: &Connection,
    log: &mut Log,
) -> Result<Vec<Conversation>, VendorError> {
    let mut found: Vec<Conversation> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for state in ["open", "snoozed"] {
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let (rows, next) =
                conversations::in_state(clients, intercom, state, cursor.as_deref(), log).await?;
            found.extend(rows.into_iter().filter(|row| seen.insert(row.mirror.record.id.clone())));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}
