//! What a recipe wants to know, and no more: the records as they are now, who they belong to, what was counted.
//!
//! A webhook is a hint, not the truth, so records are read again. Nothing is written and nothing is judged here.

use serde_json::{Map, Value, json};

use super::super::turn::{Stop, Turn};
use super::super::{companies, gather};
use super::agent;
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{Event, EventKind};
use crate::domain::plan::key_for;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};
use crate::recipes::contact_sync::Way;
use crate::recipes::facts::{Facts, Stage, Talk};
use crate::recipes::needs::Needs;
use crate::vendors::intercom::conversations;
use crate::vendors::intercom::hook;
use crate::vendors::{self, VendorError};

/// Where Intercom shows a conversation.
const INBOX: &str = "https://app.intercom.com/a/inbox";

/// Letters of what was said that a recipe may write into another system.
const HISTORY: usize = 20_000;

/// Why nothing can be found out: nothing is done then, and it is no failure.
pub(super) enum Gathered {
    /// Everything that was wanted, as far as it exists.
    Facts(Box<Facts>),
    /// The record the event is about is gone, or belongs to an erased person.
    Nothing(String),
}

/// Asks a vendor, as one call that the limits know of.
macro_rules! ask {
    ($turn:expr, $connection:expr, $call:expr) => {{
        $turn.admit($connection).await?;
        let answer = $call.await;
        $turn.learn(None);
        answer
    }};
}

/// Gathers what a recipe wants to know, beginning with the record the event is about.
pub(super) async fn gather(turn: &mut Turn<'_>, needs: &Needs) -> Result<Gathered, Stop> {
    let mut facts = Facts::new(turn.engine.clock.now(), turn.engine.crm.clone());
    let event = turn.claim.event.clone();
    facts.event = told(event.as_ref());
    if let Some(record) = turn.claim.execution.record.clone()
        && let Some(why) = begin(turn, needs, &record, event.as_ref(), &mut facts).await?
    {
        return Ok(Gathered::Nothing(why));
    }
    if let Some(why) = person(turn, needs, &mut facts).await? {
        return Ok(Gathered::Nothing(why));
    }
    around(turn, needs, &mut facts).await?;
    Ok(Gathered::Facts(Box::new(facts)))
}

/// The event as expressions see it. The whole body only of those that are of no vendor's record.
fn told(event: Option<&Event>) -> Map<String, Value> {
    let Some(event) = event else { return Map::new() };
    let mut told = Map::new();
    if matches!(event.kind, EventKind::AgentAnswered | EventKind::PersonActed)
        && let Ok(Value::Object(body)) = serde_json::from_str(&event.body)
    {
        told = body;
    }
    told.insert("id".into(), json!(event.id.to_string()));
    told.insert("topic".into(), json!(event.topic));
    told.insert("kind".into(), json!(event.kind.as_str()));
    told.insert("at".into(), json!(event.occurred_at.unwrap_or(event.received_at).seconds()));
    told
}

/// Reads the record the event is about. A sentence when there is nothing to go on with.
async fn begin(
    turn: &mut Turn<'_>,
    needs: &Needs,
    record: &RecordRef,
    event: Option<&Event>,
    facts: &mut Facts,
) -> Result<Option<String>, Stop> {
    if turn.engine.journal.is_erased(record).await? {
        return Ok(Some(format!(
            "{} belongs to an erased person; nothing is made or changed.",
            record.title()
        )));
    }
    let gone = |record: &RecordRef| Some(format!("{} is gone; nothing was done.", record.title()));
    match record.object {
        ObjectKind::Conversation if needs.timeline => {
            let said = match super::timeline_facts(turn).await? {
                Ok(said) => said,
                Err(why) => return Ok(Some(why)),
            };
            facts.tags.clone_from(&said.tags);
            facts.tag = event.and_then(|event| hook::tag_name(&event.body));
            let mut mirror = said.conversation.clone();
            dress(&mut mirror, event);
            facts.conversation = Some(mirror);
            turn.person =
                said.people.first().map(|person| person.intercom.clone()).or_else(|| turn.person.take());
            facts.timeline = Some(said);
            facts.timeline_template = super::timeline::template(turn);
        }
        ObjectKind::Conversation => {
            let read = ask!(
                turn,
                &record.connection,
                conversations::thread(&turn.engine.clients, record, &mut turn.log)
            );
            let thread = match read {
                Ok(thread) => thread,
                Err(error) if error.class == ErrorClass::NotFound => return Ok(gone(record)),
                Err(error) => return Err(failed(error)),
            };
            facts.tags.clone_from(&thread.conversation.tags);
            facts.tag = event.and_then(|event| hook::tag_name(&event.body));
            let contact = thread.conversation.contacts.first().map(|id| RecordRef {
                connection: record.connection.clone(),
                object: ObjectKind::Contact,
                id: id.clone(),
            });
            let said = history(&thread);
            let mut mirror = thread.conversation.mirror;
            mirror.fields.insert("history".to_owned(), Value::String(said));
            dress(&mut mirror, event);
            facts.conversation = Some(mirror);
            turn.person = contact.or_else(|| turn.person.take());
        }
        ObjectKind::Contact if agent::is_a_name(record) => {
            let mirror = agent::named(turn, record).await?;
            turn.person = Some(mirror.record.clone());
            facts.contact = Some(mirror);
        }
        ObjectKind::Contact | ObjectKind::Lead => {
            let Some(mirror) = current(turn, record).await? else { return Ok(gone(record)) };
            facts.tag = event.and_then(|event| hook::tag_name(&event.body));
            if record.system() == System::Intercom {
                facts.contact = Some(mirror);
            } else {
                facts.crm = Some(mirror);
            }
        }
        ObjectKind::Company => {
            let Some(mirror) = current(turn, record).await? else { return Ok(gone(record)) };
            if record.system() == System::Intercom {
                facts.intercom_company = Some(mirror);
            } else {
                facts.company = Some(mirror);
            }
        }
        ObjectKind::Deal => {
            let Some(mirror) = current(turn, record).await? else { return Ok(gone(record)) };
            facts.deals = vec![mirror];
            owner_of(turn, needs, record, facts).await?;
        }
        ObjectKind::Ticket => {
            let Some(mirror) = current(turn, record).await? else { return Ok(gone(record)) };
            if record.system() == System::Intercom {
                let ids = event.map(|event| hook::contact_ids(&event.body)).unwrap_or_default();
                turn.person = ids.into_iter().next().map(|id| RecordRef {
                    connection: record.connection.clone(),
                    object: ObjectKind::Contact,
                    id,
                });
            }
            facts.ticket = Some(mirror);
            if record.system() != System::Intercom {
                owner_of(turn, needs, record, facts).await?;
            }
        }
        ObjectKind::Task | ObjectKind::Note | ObjectKind::Event => {}
    }
    Ok(None)
}

/// Whose a deal or a ticket of the CRM is.
async fn owner_of(
    turn: &mut Turn<'_>,
    needs: &Needs,
    record: &RecordRef,
    facts: &mut Facts,
) -> Result<(), Stop> {
    if !(needs.contact || needs.crm) {
        return Ok(());
    }
    let people =
        ask!(turn, &record.connection, vendors::people_of(&turn.engine.clients, record, &mut turn.log));
    let Some(first) = people.map_err(failed)?.into_iter().next() else { return Ok(()) };
    facts.crm = current(turn, &first).await?;
    Ok(())
}

/// The person on both sides. A sentence when they were erased.
async fn person(turn: &mut Turn<'_>, needs: &Needs, facts: &mut Facts) -> Result<Option<String>, Stop> {
    let wants_contact = needs.contact || needs.conversations || needs.intercom_company || wants_crm(needs);
    if facts.contact.is_none()
        && wants_contact
        && let Some(contact) = turn.person.clone()
    {
        if turn.engine.journal.is_erased(&contact).await? {
            return Ok(Some("The person was erased; nothing is made or changed.".to_owned()));
        }
        facts.contact = current(turn, &contact).await?;
    }
    if let (None, Some(crm), true) = (&facts.contact, &facts.crm, needs.contact || needs.intercom_company) {
        let intercom = turn.engine.intercom.clone();
        let crm = crm.clone();
        facts.contact = other_side(turn, Way::ToIntercom, &crm, &intercom, facts).await?;
    } else if let (Some(contact), None, true) = (&facts.contact, &facts.crm, wants_crm(needs)) {
        let contact = contact.clone();
        let side = facts.crm_connection.clone();
        facts.crm = other_side(turn, Way::ToCrm, &contact, &side, facts).await?;
        if facts.crm.is_none() && contact.text("email").trim().is_empty() {
            facts.unmatched = Some(
                "the person has no e-mail address in Intercom, and no record of the CRM is tied to them"
                    .to_owned(),
            );
        }
    }
    for side in [&facts.contact, &facts.crm].into_iter().flatten() {
        if turn.engine.journal.is_barred(side).await? {
            let title = side.record.title();
            return Ok(Some(format!("{title} belongs to an erased person; nothing is made or changed.")));
        }
    }
    if let Some(contact) = &mut facts.contact {
        if needs.contact {
            gather::name_company(turn, contact).await?;
        }
        let own = turn.claim.execution.record.as_ref() == Some(&contact.record);
        turn.person = (!own).then(|| contact.record.clone());
    }
    if let (Some(contact), Some(crm), true) = (&facts.contact, &facts.crm, facts.also.is_empty()) {
        turn.identity = vec![contact.record.clone(), crm.record.clone()];
    }
    let whose = facts.contact.as_ref().or(facts.crm.as_ref()).map(|mirror| mirror.record.clone());
    if let (Some(record), Some(person)) = (turn.claim.execution.record.clone(), whose)
        && matches!(record.object, ObjectKind::Deal | ObjectKind::Ticket)
    {
        turn.people_behind.push((record, person));
    }
    Ok(None)
}

const fn wants_crm(needs: &Needs) -> bool {
    needs.crm || needs.company || needs.deals || needs.ticket
}

/// The same person on the other side: tied already, else looked up.
async fn other_side(
    turn: &mut Turn<'_>,
    way: Way,
    own: &Mirror,
    side: &Connection,
    facts: &mut Facts,
) -> Result<Option<Mirror>, Stop> {
    let known = turn.engine.journal.known(&own.record).await?.records;
    if let Some(tied) = known.into_iter().find(|other| other.connection == *side) {
        return match current(turn, &tied).await? {
            Some(mirror) => Ok(Some(mirror)),
            None => {
                // It is tied, so its absence is news a human should hear, not a reason to take another one unasked.
                let words = format!("{}, tied to this person, is gone there.", tied.title());
                Err(failed(VendorError::new(ErrorClass::NotFound, &words)))
            }
        };
    }
    let mut found = gather::look_up(turn, way, own, side).await?;
    found.retain(|mirror| !mirror.deleted);
    if found.is_empty() {
        return Ok(None);
    }
    let first = found.remove(0);
    facts.also = found.into_iter().map(|mirror| mirror.record).collect();
    Ok(Some(first))
}

/// What stands around the person.
async fn around(turn: &mut Turn<'_>, needs: &Needs, facts: &mut Facts) -> Result<(), Stop> {
    if needs.company
        && facts.company.is_none()
        && let Some(crm) = facts.crm.clone()
    {
        let read = ask!(
            turn,
            &crm.record.connection,
            vendors::company_of(&turn.engine.clients, &crm, &mut turn.log)
        );
        facts.company = seen(turn, read.map_err(failed)?);
    }
    if needs.intercom_company
        && facts.intercom_company.is_none()
        && let Some(contact) = facts.contact.clone()
    {
        let read = ask!(
            turn,
            &contact.record.connection,
            vendors::company_of(&turn.engine.clients, &contact, &mut turn.log)
        );
        facts.intercom_company = seen(turn, read.map_err(failed)?);
    }
    other_company(turn, needs, facts).await?;
    if needs.conversations
        && let Some(contact) = facts.contact.clone()
    {
        let read = ask!(
            turn,
            &contact.record.connection,
            vendors::conversations_of(&turn.engine.clients, &contact.record, &mut turn.log)
        );
        facts.conversations = talks(read.map_err(failed)?, facts.conversation.as_ref());
    }
    for object in &needs.stages {
        let crm = facts.crm_connection.clone();
        let read = ask!(turn, &crm, vendors::stages(&turn.engine.clients, &crm, *object, &mut turn.log));
        facts.stages.extend(read.map_err(failed)?.into_iter().map(|stage| Stage {
            object: *object,
            pipeline: stage.pipeline,
            id: stage.id,
            label: stage.label,
        }));
    }
    if needs.deals
        && facts.deals.is_empty()
        && let Some(crm) = facts.crm.clone()
    {
        facts.deals = open_of(turn, ObjectKind::Deal, &crm.record).await?;
    }
    if needs.ticket
        && facts.ticket.is_none()
        && let (Some(crm), Some(conversation)) = (facts.crm.clone(), facts.conversation.clone())
    {
        let open = open_of(turn, ObjectKind::Ticket, &crm.record).await?;
        let key = key_for(&format!("ticket {}", conversation.record.id));
        let is_its = |mirror: &&Mirror| {
            mirror.fields.values().any(|value| value.as_str().is_some_and(|text| text.contains(&key)))
        };
        let fitting = open.iter().find(is_its).cloned();
        facts.ticket = fitting.or_else(|| open.into_iter().next());
    }
    if needs.tags
        && facts.conversation.is_none()
        && let Some(contact) = facts.contact.clone()
    {
        let read = ask!(
            turn,
            &contact.record.connection,
            vendors::tags_of(&turn.engine.clients, &contact.record, &mut turn.log)
        );
        facts.tags = read.map_err(failed)?;
    }
    Ok(())
}

/// Of an event about a company, the same company on the other side.
async fn other_company(turn: &mut Turn<'_>, needs: &Needs, facts: &mut Facts) -> Result<(), Stop> {
    let Some(mapping) = turn.engine.in_force.mappings.named("company").cloned() else { return Ok(()) };
    match (&facts.company, &facts.intercom_company) {
        (Some(own), None) if needs.intercom_company && facts.crm.is_none() => {
            let (own, side) = (own.clone(), turn.engine.intercom.clone());
            facts.intercom_company =
                companies::fitting(turn, &own, &mapping, &side).await?.into_iter().next();
        }
        (None, Some(own)) if needs.company && facts.contact.is_none() => {
            let (own, side) = (own.clone(), facts.crm_connection.clone());
            facts.company = companies::fitting(turn, &own, &mapping, &side).await?.into_iter().next();
        }
        _ => {}
    }
    Ok(())
}

async fn open_of(turn: &mut Turn<'_>, object: ObjectKind, person: &RecordRef) -> Result<Vec<Mirror>, Stop> {
    let connection = person.connection.clone();
    let read = ask!(
        turn,
        &connection,
        vendors::open_of(&turn.engine.clients, &connection, object, person, &mut turn.log)
    );
    read.map_err(failed)
}

fn seen(turn: &mut Turn<'_>, mirror: Option<Mirror>) -> Option<Mirror> {
    if let Some(mirror) = &mirror {
        turn.saw(mirror.clone());
    }
    mirror
}

pub(super) fn failed(error: VendorError) -> Stop {
    Stop::Vendor(Box::new(error), None)
}

/// A record as it is now, one that was merged away followed; none when it is gone.
pub(super) async fn current(turn: &mut Turn<'_>, record: &RecordRef) -> Result<Option<Mirror>, Stop> {
    let read = turn.read(record).await?;
    match read {
        Ok(mirror) => Ok(Some(mirror)),
        Err(error) => match (error.class, error.existing.clone()) {
            (ErrorClass::NotFound, _) => {
                turn.gone.push(record.clone());
                Ok(None)
            }
            (ErrorClass::MergedAway | ErrorClass::Converted, Some(survivor)) => {
                let mirror = turn.read(&survivor).await?.map_err(failed)?;
                turn.remapped.push((record.clone(), *survivor));
                Ok(Some(mirror))
            }
            _ => Err(failed(error)),
        },
    }
}

/// The list's conversations, newest first, with the one that was just read as it is now: the list is a search, which
/// lags behind.
fn talks(list: Vec<Mirror>, fresh: Option<&Mirror>) -> Vec<Talk> {
    let others = list.into_iter().filter(|mirror| fresh.is_none_or(|fresh| fresh.record != mirror.record));
    let mut all: Vec<Talk> = others.map(|mirror| talk(&mirror)).chain(fresh.map(talk)).collect();
    all.sort_by(|a, b| b.begun_at.cmp(&a.begun_at).then_with(|| a.conversation.cmp(&b.conversation)));
    all
}

fn talk(mirror: &Mirror) -> Talk {
    let state = mirror.text("state");
    Talk {
        conversation: mirror.record.clone(),
        begun_at: begun(mirror).unwrap_or(Timestamp(0)),
        open: is_open(&state),
        state,
        kind: kind(mirror),
        rating: rating(mirror),
    }
}

fn begun(mirror: &Mirror) -> Option<Timestamp> {
    match mirror.fields.get("created_at")? {
        Value::Number(seconds) => seconds.as_i64().map(Timestamp::from_seconds),
        Value::String(text) => Timestamp::parse_rfc3339(text),
        _ => None,
    }
}

/// A person whose conversation is snoozed still waits for help.
fn is_open(state: &str) -> bool {
    matches!(state, "open" | "snoozed")
}

/// The attribute called type, in whatever capitals, or the ticket's type.
fn kind(mirror: &Mirror) -> String {
    let attribute = mirror.fields.iter().find(|(name, value)| {
        name.strip_prefix("custom_attributes.").is_some_and(|name| name.eq_ignore_ascii_case("type"))
            && !value_text(value).is_empty()
    });
    match attribute {
        Some((_, value)) => value_text(value),
        None => mirror.text("ticket.ticket_type"),
    }
}

/// What was said so far, for people to read: who and what, without teammates' notes and what was redacted; the newest where
/// it is too long.
fn history(thread: &conversations::Thread) -> String {
    let mirror = &thread.conversation.mirror;
    let first = (mirror.text("source.author.name"), mirror.text("source.body"));
    let parts = thread.parts.iter().filter(|part| part.kind != "note" && !part.redacted);
    let said = parts.map(|part| {
        let who = if part.author_name.is_empty() { &part.author_kind } else { &part.author_name };
        (who.clone(), part.body.clone())
    });
    let lines: Vec<String> = std::iter::once(first)
        .chain(said)
        .map(|(who, body)| (who, body.split_whitespace().collect::<Vec<_>>().join(" ")))
        .filter(|(_, words)| !words.is_empty())
        .map(|(who, words)| format!("{}: {words}", if who.is_empty() { "Somebody" } else { &who }))
        .collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut room = HISTORY;
    for line in lines.iter().rev() {
        let letters = line.chars().count() + 1;
        if letters > room {
            kept.push("(what was said before is left out)");
            break;
        }
        room -= letters;
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

fn rating(mirror: &Mirror) -> Option<i64> {
    mirror.fields.get("conversation_rating.rating").and_then(Value::as_i64)
}

/// Gives a conversation the names that recipes use.
fn dress(mirror: &mut Mirror, event: Option<&Event>) {
    let state = mirror.text("state");
    let rating = rating(mirror);
    let workspace = event
        .and_then(|event| serde_json::from_str::<Value>(&event.body).ok())
        .and_then(|body| body.get("app_id").map(value_text))
        .unwrap_or_default();
    let id = &mirror.record.id;
    let link = if workspace.is_empty() {
        format!("{INBOX}/conversation/{id}")
    } else {
        format!("{INBOX}/{workspace}/inbox/conversation/{id}")
    };
    let named = [
        ("open", json!(is_open(&state))),
        ("type", json!(kind(mirror))),
        ("rating", rating.map_or(Value::Null, Value::from)),
        ("remark", json!(mirror.text("conversation_rating.remark"))),
        ("begun_at", begun(mirror).map_or(Value::Null, |at| json!(at.seconds()))),
        ("link", json!(link)),
    ];
    for (name, value) in named {
        mirror.fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(id: &str, fields: &Value) -> Mirror {
        Mirror {
            record: RecordRef::new(System::Intercom, ObjectKind::Conversation, id),
            fields: fields.as_object().expect("an object").clone(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        }
    }

    #[test]
    fn the_conversation_that_was_just_read_replaces_its_older_row_of_the_list() {
        let old = conversation("2", &json!({"state": "open", "created_at": 200}));
        let other = conversation("1", &json!({"state": "snoozed", "created_at": 100}));
        let fresh = conversation("2", &json!({"state": "closed", "created_at": 200}));
        let all = talks(vec![other.clone(), old], Some(&fresh));
        let told: Vec<(&str, bool)> =
            all.iter().map(|talk| (talk.conversation.id.as_str(), talk.open)).collect();
        assert_eq!(told, [("2", false), ("1", true)]);
        assert_eq!(talks(vec![other], Some(&fresh)).len(), 2, "the list lags behind");
    }

    #[test]
    fn r56_a_conversations_type_is_its_attribute_in_whatever_capitals() {
        let mut support = conversation(
            "1",
            &json!({"state": "open", "created_at": 5, "custom_attributes.Type": "Support",
                   "conversation_rating.rating": 2, "conversation_rating.remark": "slow"}),
        );
        dress(&mut support, None);
        let named: Vec<&Value> = ["type", "open", "rating", "remark", "begun_at"]
            .iter()
            .map(|name| &support.fields[*name])
            .collect();
        assert_eq!(named, [&json!("Support"), &json!(true), &json!(2), &json!("slow"), &json!(5)]);
    }
}
