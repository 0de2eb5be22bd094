//! What an operator does in Intercom by hand: begin a conversation, reply, assign, tag, set attributes, read the history;
//! and hand a case or a conversation to somebody else than the routing did.
//!
//! Everything that writes shows its exact calls first and wants --yes; it is journaled like any other work, retried like
//! it, and stands in the audit log. Bare ids are Intercom's; a person may be named by an e-mail or an id of your own, too.

use std::io::Read as _;

use clap::Args;
use serde_json::{Map, Value, json};

use super::operate::{Desk, How, refused};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::plan::{Effect, key_for};
use crate::domain::record::{Fields, ObjectKind, RecordRef, System, value_text};
use crate::domain::review::Decision;
use crate::domain::text::clean;
use crate::vendors::intercom::conversations::{self, Thread};
use crate::vendors::{self, Log};

/// The CRM's field that says whose a record is.
fn owner_field(system: System) -> &'static str {
    if system == System::Salesforce { "OwnerId" } else { "hubspot_owner_id" }
}

/// Arguments of `converse`.
#[derive(Debug, Args)]
pub struct ConverseArguments {
    /// In whose name: an e-mail, Intercom's id, or an id of your own
    contact: String,
    /// What they say; - reads it from standard input
    text: String,
    #[command(flatten)]
    how: Doing,
}

/// Arguments of `reply`.
#[derive(Debug, Args)]
pub struct ReplyArguments {
    /// The conversation's id
    conversation: String,
    /// What is said; - reads it from standard input
    text: String,
    /// Only teammates see it
    #[arg(long)]
    note: bool,
    /// As which teammate, by id [default: vendors.intercom.admin_id, else whoever the token belongs to]
    #[arg(long = "as", value_name = "ID")]
    speaker: Option<String>,
    #[command(flatten)]
    how: Doing,
}

/// Arguments of `assign`.
#[derive(Debug, Args)]
pub struct AssignArguments {
    /// The conversation's id
    conversation: String,
    /// To whom: the id of a teammate, or of a team with --team
    #[arg(long, value_name = "ID")]
    to: String,
    /// It is a team
    #[arg(long)]
    team: bool,
    #[command(flatten)]
    how: Doing,
}

/// Arguments of `tag` and `untag`.
#[derive(Debug, Args)]
pub struct TagArguments {
    /// A conversation's id, or a record as intercom/contact/64e2
    record: String,
    /// The tag's name; `tag` makes one that does not exist
    tag: String,
    #[command(flatten)]
    how: Doing,
}

/// Arguments of `attributes`.
#[derive(Debug, Args)]
pub struct AttributesArguments {
    /// {"userId": "6123abc", "attributes": {"support_tier": "premium"}}; - reads it from standard input
    payload: String,
    #[command(flatten)]
    how: Doing,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// The conversation's id
    conversation: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `override`.
#[derive(Debug, Args)]
pub struct OverrideArguments {
    /// What was routed: a case, deal or ticket as salesforce/ticket/500..., or a conversation's id
    record: String,
    /// To whom: the id of a user or queue of the CRM; of a conversation a teammate's, or a team's with --team
    #[arg(long, value_name = "ID")]
    to: String,
    /// It is a team of Intercom
    #[arg(long)]
    team: bool,
    /// Why; it stands in the audit log
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    how: Doing,
}

/// Flags of everything that writes.
#[derive(Debug, Args)]
pub struct Doing {
    /// Do it; without it the exact calls are shown and nothing is sent
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    how: How,
}

/// Begins a conversation in somebody's name.
pub async fn converse(place: &Place, read_only: bool, arguments: &ConverseArguments) -> Result<(), Problem> {
    let contact = person(&arguments.contact);
    let text = said(&arguments.text)?;
    let key = key_for(&format!("converse {contact} {} {text}", wiring::clock().now().0));
    act(
        place,
        read_only,
        "converse",
        &contact,
        "",
        vec![Effect::Converse { contact: contact.clone(), text, key }],
        &arguments.how,
    )
    .await
}

/// Says something in a conversation.
pub async fn reply(place: &Place, read_only: bool, arguments: &ReplyArguments) -> Result<(), Problem> {
    let conversation = conversation(&arguments.conversation)?;
    let text = said(&arguments.text)?;
    let key = key_for(&format!("reply {conversation} {} {text}", wiring::clock().now().0));
    let effect = Effect::Reply {
        conversation: conversation.clone(),
        speaker: arguments.speaker.clone().unwrap_or_default(),
        text,
        note: arguments.note,
        key,
    };
    act(place, read_only, "reply", &conversation, "", vec![effect], &arguments.how).await
}

/// Gives a conversation to somebody.
pub async fn assign(place: &Place, read_only: bool, arguments: &AssignArguments) -> Result<(), Problem> {
    let conversation = conversation(&arguments.conversation)?;
    let effect = Effect::Assign {
        conversation: conversation.clone(),
        by: String::new(),
        to: arguments.to.trim().to_owned(),
        team: arguments.team,
    };
    act(place, read_only, "assign", &conversation, "", vec![effect], &arguments.how).await
}

/// Puts a tag on, or takes it off.
pub async fn tag(place: &Place, read_only: bool, arguments: &TagArguments, on: bool) -> Result<(), Problem> {
    let record = if arguments.record.contains('/') {
        record(&arguments.record)?
    } else {
        conversation(&arguments.record)?
    };
    let effect = Effect::Tag { record: record.clone(), tag: arguments.tag.trim().to_owned(), on };
    act(place, read_only, if on { "tag" } else { "untag" }, &record, "", vec![effect], &arguments.how).await
}

/// Sets a person's attributes, with the types they came with.
pub async fn attributes(
    place: &Place,
    read_only: bool,
    arguments: &AttributesArguments,
) -> Result<(), Problem> {
    let (contact, fields) = payload(&said(&arguments.payload)?)?;
    let effect = Effect::Update { record: contact.clone(), fields };
    act(place, read_only, "attributes", &contact, "", vec![effect], &arguments.how).await
}

/// Gives a routed record to somebody else.
pub async fn reroute(place: &Place, read_only: bool, arguments: &OverrideArguments) -> Result<(), Problem> {
    if arguments.reason.trim().is_empty() {
        return Err(Problem::usage(
            "Nothing was changed.",
            "an override without a reason tells nobody anything later",
            "say why: --reason \"the owner is on leave\"",
        ));
    }
    let may = place.settings()?.engine.may_override;
    let actor = wiring::actor();
    if !may.is_empty() && !may.contains(&actor) {
        return Err(Problem::usage(
            "Nothing was changed.",
            format!("{actor} may not override the routing (engine.may_override names who may)"),
            format!("ask {}", may.join(", ")),
        ));
    }
    let record = if arguments.record.contains('/') {
        record(&arguments.record)?
    } else {
        conversation(&arguments.record)?
    };
    let to = arguments.to.trim().to_owned();
    let effect = if record.object == ObjectKind::Conversation {
        Effect::Assign { conversation: record.clone(), by: String::new(), to, team: arguments.team }
    } else {
        let field = owner_field(record.system()).to_owned();
        Effect::Update { record: record.clone(), fields: Fields::from_iter([(field, Value::String(to))]) }
    };
    act(place, read_only, "override", &record, &arguments.reason, vec![effect], &arguments.how).await
}

async fn act(
    place: &Place,
    read_only: bool,
    verb: &str,
    record: &RecordRef,
    reason: &str,
    effects: Vec<Effect>,
    how: &Doing,
) -> Result<(), Problem> {
    let desk = Desk::open(place, read_only)?;
    if read_only && how.yes {
        return Err(refused(&crate::engine::operate::OperateError::ReadOnly));
    }
    let decision = Decision::Act {
        verb: verb.to_owned(),
        record: record.clone(),
        reason: reason.trim().to_owned(),
        effects,
    };
    if how.yes {
        return desk.decide(&decision, &how.how).await;
    }
    desk.preview(&decision, how.how.json()).await?;
    if how.how.dry_run() {
        return Ok(());
    }
    Err(Problem::usage(
        "Nothing was sent.",
        "a vendor is only written to with --yes",
        "look at the calls above, then run the same command with --yes",
    ))
}

/// Everything that was said in a conversation, and by whom.
pub async fn history(place: &Place, arguments: &HistoryArguments) -> Result<(), Problem> {
    let record = conversation(&arguments.conversation)?;
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let clients = wiring::clients(&config, &mapping, wiring::vault(place)?)?;
    let mut log = Log::new();
    let thread = conversations::thread(&clients, &record, &mut log).await.map_err(|error| unread(&error))?;
    if arguments.json {
        return output::json(&told(&thread));
    }
    let line = |at: &str, who: &str, kind: &str, words: &str| {
        output::line(&clean(&format!("{at}  {who} ({kind}): {words}")))
    };
    let mirror = &thread.conversation.mirror;
    let first =
        thread.conversation.begun_at().map(crate::domain::clock::Timestamp::rfc3339).unwrap_or_default();
    line(&first, &mirror.text("source.author.name"), "first message", &plain(&mirror.text("source.body")))?;
    for part in &thread.parts {
        let at = part.at.map(crate::domain::clock::Timestamp::rfc3339).unwrap_or_default();
        let words = if part.redacted { "(redacted)".to_owned() } else { plain(&part.body) };
        line(&at, &format!("{} {}", part.author_kind, part.author_name), &part.kind, &words)?;
    }
    if thread.missing() > 0 {
        output::line(&format!(
            "Intercom gives the newest 500 parts; {} older ones are only to be seen there.",
            thread.missing()
        ))?;
    }
    Ok(())
}

fn told(thread: &Thread) -> Value {
    let mirror = &thread.conversation.mirror;
    let parts: Vec<Value> = thread
        .parts
        .iter()
        .map(|part| {
            json!({"id": part.id, "kind": part.kind, "author": part.author, "author_kind": part.author_kind,
                   "author_name": part.author_name, "body": part.body, "at": part.at.map(crate::domain::clock::Timestamp::rfc3339),
                   "attachments": part.attachments, "redacted": part.redacted})
        })
        .collect();
    json!({
        "id": mirror.record.id,
        "state": mirror.text("state"),
        "contacts": thread.conversation.contacts,
        "tags": thread.conversation.tags,
        "begun_at": thread.conversation.begun_at().map(crate::domain::clock::Timestamp::rfc3339),
        "first_message": mirror.text("source.body"),
        "parts": parts,
        "total": thread.total,
        "missing": thread.missing(),
    })
}

/// A body without its markup, on one line.
fn plain(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unread(error: &vendors::VendorError) -> Problem {
    Problem::runtime(
        "The conversation could not be read; nothing was changed.",
        format!("Intercom said: \"{}\"", error.words),
        "check its id, and the token with `reknit doctor`",
    )
}

/// A person by whatever they are called.
fn person(text: &str) -> RecordRef {
    let text = text.trim();
    text.parse().ok().filter(|record: &RecordRef| record.system() == System::Intercom).unwrap_or_else(|| {
        let id = if text.contains('@') { text.to_lowercase() } else { text.to_owned() };
        RecordRef::new(System::Intercom, ObjectKind::Contact, id)
    })
}

fn conversation(text: &str) -> Result<RecordRef, Problem> {
    let id = text.trim().trim_start_matches("intercom/conversation/");
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(RecordRef::new(System::Intercom, ObjectKind::Conversation, id));
    }
    Err(Problem::usage(
        "Nothing was done.",
        format!("\"{}\" is no id of a conversation", clean(text)),
        "give the number at the end of its address in Intercom",
    ))
}

fn record(text: &str) -> Result<RecordRef, Problem> {
    text.trim().parse().map_err(|error: crate::domain::record::BadRecordRef| {
        Problem::usage("Nothing was done.", error.to_string(), "`reknit show ID` names the records")
    })
}

/// A text, or what standard input holds.
fn said(text: &str) -> Result<String, Problem> {
    let mut words = text.to_owned();
    if text == "-" {
        words.clear();
        std::io::stdin().lock().take(1 << 20).read_to_string(&mut words).map_err(|error| {
            Problem::usage("Nothing was done.", format!("standard input: {error}"), "give it as UTF-8 text")
        })?;
    }
    if words.trim().is_empty() {
        return Err(Problem::usage(
            "Nothing was done.",
            "there are no words to say",
            "write them after the id",
        ));
    }
    Ok(words.trim().to_owned())
}

/// `{"userId": ..., "attributes": {...}}` as it stands in the agents' documentation; `email` or `userEmail` does as well.
/// Values keep their types: a text that is a date stays one, a whole number stays one.
fn payload(text: &str) -> Result<(RecordRef, Fields), Problem> {
    let wrong = |why: String| {
        Problem::usage(
            "Nothing was done.",
            why,
            "give {\"userId\": \"6123abc\", \"attributes\": {\"support_tier\": \"premium\", \"escalation_count\": 2}}",
        )
    };
    let value: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| wrong(format!("the payload is no JSON object: {error}")))?;
    let names = ["userId", "user_id", "userEmail", "email"];
    if let Some(other) = value.keys().find(|name| *name != "attributes" && !names.contains(&name.as_str())) {
        return Err(wrong(format!("the payload has a name that means nothing here: \"{}\"", clean(other))));
    }
    let whose = names.iter().find_map(|name| value.get(*name)).map(value_text).unwrap_or_default();
    if whose.trim().is_empty() {
        return Err(wrong("the payload names nobody: userId is missing".into()));
    }
    let Some(attributes) = value.get("attributes").and_then(Value::as_object).filter(|all| !all.is_empty())
    else {
        return Err(wrong("the payload has no attributes".into()));
    };
    if let Some((name, _)) = attributes.iter().find(|(_, value)| value.is_object() || value.is_array()) {
        return Err(wrong(format!(
            "\"{}\" is a list or an object; an attribute is a text, a number or yes/no",
            clean(name)
        )));
    }
    let fields = attributes.iter().map(|(name, value)| (format!("custom_attributes.{name}"), value.clone()));
    Ok((person(&whose), fields.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r119_r131_the_agents_payload_is_taken_as_it_is_with_its_types() {
        let text = r#"{ "userId": "6123abc", "attributes": { "support_tier": "premium", "last_ai_session": "2026-03-14", "escalation_count": 2 } }"#;
        let (contact, fields) = payload(text).expect("it stands in their documentation");
        assert_eq!(contact.to_string(), "intercom/contact/6123abc");
        assert_eq!(
            Value::Object(fields),
            json!({"custom_attributes.support_tier": "premium", "custom_attributes.last_ai_session": "2026-03-14",
                   "custom_attributes.escalation_count": 2})
        );
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"userId": "1"}"#,
            r#"{"userId": "1", "attributes": {}}"#,
            r#"{"attributes": {"a": 1}}"#,
            r#"{"userId": "1", "attributes": {"a": []}}"#,
            r#"{"userId": "1", "atributes": {"a": 1}, "attributes": {"a": 1}}"#,
        ] {
            assert!(payload(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_conversation_is_a_number_and_nothing_else() {
        assert_eq!(conversation("intercom/conversation/29").expect("one").id, "29");
        for wrong in ["", " ", "../contacts/1", "a b", "intercom/contact/1"] {
            assert!(conversation(wrong).is_err(), "{wrong}");
        }
        assert_eq!(person("Mara@Quint.example").id, "mara@quint.example");
    }
}
