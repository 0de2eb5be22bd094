//! The facts of a conversation that goes onto a timeline: what was said, who was in it, and who of them the CRM knows.
//!
//! Reads only. People who were erased are left out; nobody is tied together or made because of a conversation.

use super::gather;
use super::turn::{Stop, Turn};
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{Event, EventKind};
use crate::domain::record::{Mirror, ObjectKind, RecordRef, System, value_text};
use crate::recipes::contact_sync::Way;
use crate::recipes::recipe::Trigger;
use crate::recipes::timeline::{Facts, Person, Said};
use crate::vendors::intercom::conversations::{self, Part, Thread};

/// What was said in the conversation the turn is about and who was in it, or why nothing is logged.
pub(super) async fn facts(turn: &mut Turn<'_>) -> Result<Result<Facts, String>, Stop> {
    let Some(record) = turn.claim.execution.record.clone() else {
        return Ok(Err("The event names no conversation.".to_owned()));
    };
    if turn.engine.journal.is_erased(&record).await? {
        return Ok(Err("Nothing was logged: the person was erased.".to_owned()));
    }
    turn.admit(&record.connection).await?;
    let thread = conversations::thread(&turn.engine.clients, &record, &mut turn.log).await;
    turn.learn(None);
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) if error.class == ErrorClass::NotFound => {
            return Ok(Err("The conversation is gone in Intercom; nothing was logged.".to_owned()));
        }
        Err(error) => return Err(Stop::Vendor(Box::new(error), None)),
    };
    let mut people = Vec::new();
    let mut names = Vec::new();
    for id in &thread.conversation.contacts {
        let contact =
            RecordRef { connection: record.connection.clone(), object: ObjectKind::Contact, id: id.clone() };
        let (person, name) = person(turn, contact).await?;
        names.push((id.clone(), name));
        people.push(person);
    }
    if people.iter().any(|person| person.crm.as_ref().is_err_and(|why| why == ERASED)) {
        // What an erased person said must not come back on somebody else's timeline either.
        return Ok(Err("Nothing was logged: a person in the conversation was erased.".to_owned()));
    }
    let begun_at = thread.conversation.begun_at().unwrap_or(turn.claim.execution.created_at);
    Ok(Ok(Facts {
        begun_at,
        people,
        tags: thread.conversation.tags.clone(),
        said: said(&thread, &names),
        unread: thread.missing(),
        link: link(turn.claim.event.as_ref(), &record.id),
        message: one_message(turn),
        conversation: thread.conversation.mirror,
    }))
}

/// The message an entry is made of, for recipes that run at every message; none for those that log whole conversations.
fn one_message(turn: &Turn<'_>) -> Option<String> {
    let recipe = turn.engine.in_force.book.recipe(&turn.claim.execution.recipe)?;
    let event = turn.claim.event.as_ref().filter(|_| recipe.trigger == Trigger::ConversationMessage)?;
    message(event)
}

/// The timeline app's template, where there is one.
pub(super) fn template(turn: &Turn<'_>) -> Option<String> {
    let settings = &turn.engine.clients.settings().hubspot;
    let template = settings.timeline_template.trim();
    let is_hubspot = turn.engine.crm.system == System::Hubspot;
    (is_hubspot && settings.timeline_app && !template.is_empty()).then(|| template.to_owned())
}

/// Where Intercom shows conversations.
const INBOX: &str = "https://app.intercom.com/a/inbox";
const ERASED: &str = "who was erased";

/// A person of the conversation and what to call them.
async fn person(turn: &mut Turn<'_>, contact: RecordRef) -> Result<(Person, String), Stop> {
    let left_out = |contact: &RecordRef, why: &str| {
        (Person { intercom: contact.clone(), crm: Err(why.to_owned()) }, "Contact".to_owned())
    };
    if turn.engine.journal.is_erased(&contact).await? {
        return Ok(left_out(&contact, ERASED));
    }
    let own = match turn.engine.journal.mirror(&contact).await? {
        Some(known) if !known.deleted => known,
        _ => match turn.read(&contact).await? {
            Ok(mirror) => mirror,
            Err(error) if error.class == ErrorClass::NotFound => {
                return Ok(left_out(&contact, "who is gone in Intercom"));
            }
            Err(error) => match (error.class, error.existing.as_deref()) {
                (ErrorClass::MergedAway, Some(survivor)) => match turn.read(&survivor.clone()).await? {
                    Ok(mirror) => mirror,
                    Err(error) => return Err(Stop::Vendor(Box::new(error), None)),
                },
                _ => return Err(Stop::Vendor(Box::new(error), None)),
            },
        },
    };
    let name = own.display_name();
    let name = if name == own.record.title() { "Contact".to_owned() } else { name };
    let crm = turn.engine.crm.clone();
    let known = turn.engine.journal.known(&own.record).await?;
    let mut fitting: Vec<RecordRef> =
        known.records.into_iter().filter(|other| other.connection == crm).collect();
    if fitting.is_empty() {
        let found: Vec<Mirror> = gather::look_up(turn, Way::ToCrm, &own, &crm).await?;
        fitting = found.into_iter().filter(|mirror| !mirror.deleted).map(|mirror| mirror.record).collect();
    }
    let crm = match &fitting[..] {
        [] => Err("who has no CRM contact".to_owned()),
        [one] if turn.engine.journal.is_erased(one).await? => Err(ERASED.to_owned()),
        [one] if turn.engine.journal.mirror(one).await?.is_some_and(|mirror| mirror.deleted) => {
            Err("whose CRM contact is deleted".to_owned())
        }
        [one] => Ok(one.clone()),
        [one, other, ..] => {
            Err(format!("whom both {} and {} fit: merge them first, then retry", one.title(), other.title()))
        }
    };
    Ok((Person { intercom: contact, crm }, name))
}

fn said(thread: &Thread, names: &[(String, String)]) -> Vec<Said> {
    let named = |kind: &str, id: &str, name: &str| match kind {
        "admin" | "team" => (if name.is_empty() { "Team".to_owned() } else { name.to_owned() }, "team"),
        "bot" | "operator" => ("Bot".to_owned(), "bot"),
        _ => {
            let known = names.iter().find(|(known, _)| known == id).map(|it| it.1.clone());
            (known.unwrap_or_else(|| "Contact".to_owned()), "contact")
        }
    };
    let source = &thread.conversation.mirror;
    let mut said = Vec::new();
    let first = source.text("source.body");
    if !first.trim().is_empty() && source.text("source.redacted") != "true" {
        let author = source.fields.get("source.author").unwrap_or(&serde_json::Value::Null);
        let text = |name: &str| value_text(&author[name]);
        let (who, role) = named(&text("type"), &text("id"), &text("name"));
        said.push(Said {
            who,
            role,
            part: String::new(),
            attachments: conversations::attached(source.fields.get("source.attachments")),
            at: thread.conversation.begun_at(),
            text: first,
        });
    }
    let told = |part: &&Part| {
        part.kind != "note" && !part.redacted && !(part.body.trim().is_empty() && part.attachments.is_empty())
    };
    said.extend(thread.parts.iter().filter(told).map(|part| {
        let (who, role) = named(&part.author_kind, &part.author, &part.author_name);
        Said {
            who,
            role,
            part: part.id.clone(),
            attachments: part.attachments.clone(),
            at: part.at,
            text: part.body.clone(),
        }
    }));
    said
}

/// Where Intercom shows a conversation; the event says which workspace it is of.
pub(super) fn link(event: Option<&Event>, conversation: &str) -> String {
    let workspace = event
        .and_then(|event| serde_json::from_str::<serde_json::Value>(&event.body).ok())
        .and_then(|body| body.get("app_id").map(value_text))
        .unwrap_or_default();
    if workspace.is_empty() {
        format!("{INBOX}/conversation/{conversation}")
    } else {
        format!("{INBOX}/{workspace}/inbox/conversation/{conversation}")
    }
}

/// The message that an event tells of: the first one when the conversation began, else the newest part the event
/// carries. Parts that only did something (a close, an assignment) are none.
fn message(event: &Event) -> Option<String> {
    if event.kind == EventKind::ConversationCreated {
        return Some(String::new());
    }
    let body: serde_json::Value = serde_json::from_str(&event.body).ok()?;
    let parts = body.pointer("/data/item/conversation_parts/conversation_parts")?.as_array()?;
    parts.last().and_then(|part| part.get("id")).map(value_text)
}
