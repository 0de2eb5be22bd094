//! What Reknit does in Intercom beside changing records: tags, events, words in conversations, assignments, attributes.
//!
//! Each has its requests made by pure code, which the preview shows too; where a later request needs what an earlier
//! one answers, the preview has [`LATER`] in its place. Other people's words are sent as text, never as markup.

use serde_json::{Map, Value, json};

use crate::domain::error_class::ErrorClass;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, ObjectKind, RecordRef, value_text};
use crate::domain::schema::FieldKind;

use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::super::request::Request;
use super::super::settings::Settings;
use super::calls::conversations::{self as talks, Answering, Writer};
use super::calls::workspace::{self, Somebody};
use super::calls::{companies, contacts};
use super::version::Capability;
use super::{around, wire};

/// Stands in previews for an id that only an earlier answer gives.
const LATER: &str = "ID";
/// Letters of one message.
const LONGEST: usize = 30_000;
/// Begins the names of attributes of the workspace's own.
const OWN: &str = "custom_attributes.";

/// What an effect will send that changes something, in order.
pub(crate) fn requests(settings: &Settings, effect: &Effect) -> Result<Vec<Request>, VendorError> {
    match effect {
        Effect::Tag { record, tag, on } => tagging(settings, record, tag, *on, None),
        Effect::Track { contact, event, at, details } => {
            let whom = Somebody { id: Some(contact.id.clone()), ..Somebody::default() };
            let details = (!details.is_empty()).then_some(details);
            let event = workspace::submit_event(event, at.seconds(), whom, details)?;
            Ok(vec![event.purpose("tell what the contact did")])
        }
        Effect::Converse { contact, text, key } => {
            let words = if text.contains(key) { text.clone() } else { format!("{text}\n\n{key}") };
            let request = talks::create(("contact", &contact.id), &words, None);
            Ok(vec![request.purpose("begin conversation")])
        }
        Effect::Reply { conversation, speaker, text, note, key } => {
            let kind = if *note { Answering::Note } else { Answering::Comment };
            let writer = Writer::Admin(acting(settings, speaker));
            let body = html(text, note.then_some(key));
            let request = talks::reply(settings, &conversation.id, &writer, kind, &body, false)?;
            let purpose =
                if *note { "write a note in the conversation" } else { "reply in the conversation" };
            Ok(vec![request.purpose(purpose)])
        }
        Effect::Assign { conversation, by, to, team } => {
            let kind = if *team { "team" } else { "admin" };
            let to = if to.trim().is_empty() { "0" } else { to.as_str() };
            let request = talks::assign(&conversation.id, &acting(settings, by), kind, to, None);
            Ok(vec![request.purpose(if to == "0" { "unassign conversation" } else { "assign conversation" })])
        }
        Effect::DefineField { object, field, kind, options, .. } => {
            Ok(vec![definition(settings, *object, field, *kind, options)?])
        }
        _ => Err(super::super::cannot(effect)),
    }
}

/// Who acts: the one named, else the settings' teammate, else whoever the token belongs to.
fn acting(settings: &Settings, named: &str) -> String {
    let ours = settings.intercom.admin_id.trim();
    let named = [named.trim(), ours].into_iter().find(|id| !id.is_empty());
    named.unwrap_or(LATER).to_owned()
}

fn tagging(
    settings: &Settings,
    record: &RecordRef,
    tag: &str,
    on: bool,
    id: Option<&str>,
) -> Result<Vec<Request>, VendorError> {
    if tag.trim().is_empty() {
        return Err(VendorError::new(ErrorClass::Validation, "The tag has no name; nothing was sent."));
    }
    let verb = if on { "tag" } else { "untag" };
    let purpose = format!("{verb} {}", record.object);
    let (tag_id, admin) = (id.unwrap_or(LATER), acting(settings, ""));
    let put = match record.object {
        ObjectKind::Company => {
            let ids = std::slice::from_ref(&record.id);
            return Ok(vec![workspace::tag_companies(tag.trim(), ids, !on).purpose(purpose)]);
        }
        ObjectKind::Contact if on => contacts::add_tag(&record.id, tag_id),
        ObjectKind::Contact => contacts::remove_tag(&record.id, tag_id),
        ObjectKind::Conversation if on => talks::add_tag(&record.id, tag_id, &admin),
        ObjectKind::Conversation => talks::remove_tag(&record.id, tag_id, &admin),
        object => return Err(super::calls::unsupported("tag", object)),
    };
    // The tag of that name, made when there is none.
    let named = workspace::save_tag(tag.trim(), None).purpose("find or make the tag");
    Ok(if on { vec![named, put.purpose(purpose)] } else { vec![put.purpose(purpose)] })
}

/// A message's body is markup: what is said is only text in it.
fn html(text: &str, key: Option<&String>) -> String {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let words = crate::domain::text::shorten(text.trim(), LONGEST);
    let mut body = String::new();
    for paragraph in words.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        body.push_str(&format!("<p>{}</p>", plain(paragraph.trim()).replace('\n', "<br>")));
    }
    if let Some(key) = key
        && !body.contains(key.as_str())
    {
        body.push_str(&format!("<p>{key}</p>"));
    }
    body
}

/// Whether a body, as text or as markup, says these words: how Intercom breaks lines is its own affair.
fn says(body: &str, words: &str) -> bool {
    let bare = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    let wanted = bare(words);
    bare(body) == wanted || bare(&without_markup(body)) == wanted
}

fn without_markup(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    // The name all others begin with comes last.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        .into_iter()
        .fold(text, |text, (name, sign)| text.replace(name, sign))
}

fn definition(
    settings: &Settings,
    object: ObjectKind,
    field: &str,
    kind: FieldKind,
    options: &[String],
) -> Result<Request, VendorError> {
    let Some(name) = field.strip_prefix(OWN).filter(|name| !name.is_empty()) else {
        return Err(VendorError::new(
            ErrorClass::Validation,
            &format!(
                "\"{field}\" is none of the workspace's own attributes, which are called custom_attributes.NAME, and \
                 Intercom makes no others; nothing was sent."
            ),
        ));
    };
    let data_type = match kind {
        FieldKind::Text => "string",
        FieldKind::Number => "float",
        FieldKind::Boolean => "boolean",
        FieldKind::Date => "date",
        FieldKind::DateTime => "datetime",
        FieldKind::Option => "options",
        FieldKind::Options | FieldKind::Reference | FieldKind::Other => {
            return Err(VendorError::new(
                ErrorClass::Validation,
                &format!("Intercom has no attributes of the kind {kind}; nothing was sent."),
            ));
        }
    };
    let request = match object {
        ObjectKind::Contact | ObjectKind::Company => {
            workspace::create_data_attribute(name, object.as_str(), data_type, options, None)?
        }
        ObjectKind::Conversation => {
            Capability::ConversationAttributes.needed(settings)?;
            if kind == FieldKind::Option {
                return Err(super::calls::unsupported("make lists as attributes of", object));
            }
            let given = [("name", json!(name)), ("data_type", json!(data_type))];
            let body: Map<String, Value> =
                given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            talks::create_attribute(settings, &body)?
        }
        object => return Err(super::calls::unsupported("make fields of", object)),
    };
    Ok(request.purpose(format!("make the {object} attribute {name}")))
}

/// Does one of these effects; the record it touched or made.
pub(crate) async fn perform(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<RecordRef, VendorError> {
    let settings = clients.settings();
    let connection = effect.connection();
    match effect {
        Effect::Tag { record, tag, on } => {
            requests(settings, effect)?;
            let id = tag_in_question(clients, record, tag, *on, log).await?;
            // There is no such tag on it: that is what was wanted.
            let Some(id) = id else { return Ok(record.clone()) };
            let requests = tagging(settings, record, tag, *on, Some(&id))?;
            let Some(last) = requests.into_iter().next_back() else { return Ok(record.clone()) };
            let request = as_somebody(clients, connection, last, log).await?;
            match clients.send(connection, &request, log).await {
                Ok(_) => Ok(record.clone()),
                // Somebody took it off meanwhile.
                Err(error) if !on && error.class == ErrorClass::NotFound => Ok(record.clone()),
                Err(error) => Err(error),
            }
        }
        Effect::DefineField { object, field, .. } => {
            let made = RecordRef { connection: connection.clone(), object: *object, id: field.clone() };
            let requests = requests(settings, effect)?;
            if exists(clients, connection, *object, field, log).await? {
                return Ok(made);
            }
            for request in &requests {
                if let Err(error) = clients.send(connection, request, log).await {
                    // Refused because of a twin that was made meanwhile is as good as made.
                    let is_there = error.status == Some(400)
                        && exists(clients, connection, *object, field, log).await.unwrap_or(false);
                    return if is_there { Ok(made) } else { Err(error) };
                }
            }
            Ok(made)
        }
        _ => {
            let mut answer = Value::Null;
            for request in requests(settings, effect)? {
                let request = as_somebody(clients, connection, request, log).await?;
                answer = clients.send(connection, &request, log).await?;
            }
            match effect {
                Effect::Converse { .. } => begun(connection, &answer),
                Effect::Reply { conversation, .. } | Effect::Assign { conversation, .. } => {
                    // `last` means another conversation by now; its id is in the answer.
                    Ok(wire::id(&answer)
                        .map_or_else(|| conversation.clone(), |id| RecordRef { id, ..conversation.clone() }))
                }
                Effect::Track { contact, .. } => Ok(contact.clone()),
                _ => Err(super::super::cannot(effect)),
            }
        }
    }
}

/// The request with the token's own teammate where nobody else was named.
async fn as_somebody(
    clients: &Clients,
    connection: &Connection,
    mut request: Request,
    log: &mut Log,
) -> Result<Request, VendorError> {
    let unnamed = request.body.as_ref().is_some_and(|body| body["admin_id"] == LATER);
    if unnamed {
        let me = workspace::me().purpose("whose token it is");
        let answer = clients.send(connection, &me, log).await?;
        let Some(id) = wire::id(&answer) else {
            return Err(VendorError::new(
                ErrorClass::Malformed,
                "Intercom does not say whose token it is. Set vendors.intercom.admin_id to the id of the teammate in \
                 whose name Reknit acts; nothing was written.",
            ));
        };
        if let Some(body) = &mut request.body {
            body["admin_id"] = json!(id);
        }
    }
    Ok(request)
}

/// The id of the tag that is put on or taken off; none when it is not on.
async fn tag_in_question(
    clients: &Clients,
    record: &RecordRef,
    tag: &str,
    on: bool,
    log: &mut Log,
) -> Result<Option<String>, VendorError> {
    let connection = &record.connection;
    if on && record.object != ObjectKind::Company {
        let request = workspace::save_tag(tag.trim(), None).purpose("find or make the tag");
        let answer = clients.send(connection, &request, log).await?;
        return match wire::id(&answer) {
            Some(id) => Ok(Some(id)),
            None => Err(VendorError::new(
                ErrorClass::Malformed,
                "Intercom's answer about the tag holds no id, so it was not put on; sending it again is harmless.",
            )),
        };
    }
    if on {
        return Ok(Some(LATER.to_owned()));
    }
    let (request, list) = match record.object {
        ObjectKind::Contact => (contacts::attached(&record.id, "tags"), "/data"),
        ObjectKind::Company => (companies::get(&record.id), "/tags/tags"),
        _ => (talks::get(&record.id, true), "/tags/tags"),
    };
    let request = request.purpose(format!("tags of the {}", record.object));
    let answer = clients.send(connection, &request, log).await?;
    Ok(around::tag_in(&answer, list, tag))
}

fn begun(connection: &Connection, answer: &Value) -> Result<RecordRef, VendorError> {
    let id = answer.get("conversation_id").map(value_text).filter(|id| !id.is_empty());
    match id {
        Some(id) => Ok(RecordRef { connection: connection.clone(), object: ObjectKind::Conversation, id }),
        None => Err(super::no_id(ObjectKind::Conversation)),
    }
}

/// Whether the workspace has an attribute of that name, archived or not: names are never given twice.
async fn exists(
    clients: &Clients,
    connection: &Connection,
    object: ObjectKind,
    field: &str,
    log: &mut Log,
) -> Result<bool, VendorError> {
    let request = if object == ObjectKind::Conversation {
        talks::attributes(clients.settings(), true)
    } else {
        workspace::data_attributes(Some(object.as_str().to_owned()), true)
    };
    let answer = clients.send(connection, &request.purpose("list attributes"), log).await?;
    let name = field.strip_prefix(OWN).unwrap_or(field);
    let is = |item: &Value, key: &str, wanted: &str| item.get(key).and_then(Value::as_str) == Some(wanted);
    Ok(wire::items(&answer).iter().any(|item| is(item, "name", name) || is(item, "full_name", field)))
}

/// Whether words whose answer was lost were said.
pub(crate) async fn probe(
    clients: &Clients,
    effect: &Effect,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    match effect {
        Effect::Converse { contact, key, .. } => {
            let all = around::conversations_of(clients, contact, log).await?;
            let ours = all.into_iter().find(|mirror| mirror.text("source.body").contains(key));
            Ok(ours.map(|mirror| mirror.record))
        }
        Effect::Reply { conversation, speaker, text, note, key } => {
            let thread = super::conversations::thread(clients, conversation, log).await?;
            let speaker = acting(clients.settings(), speaker);
            let wanted = without_markup(&html(text, None));
            let kind = if *note { "note" } else { "comment" };
            // A customer is shown no key of ours: the same words of the same teammate are the same reply.
            let said = thread.parts.iter().rev().any(|part| {
                let theirs = part.author_kind == "admin" && (speaker == LATER || part.author == speaker);
                part.kind == kind
                    && theirs
                    && if *note { part.body.contains(key.as_str()) } else { says(&part.body, &wanted) }
            });
            Ok(said.then(|| conversation.clone()))
        }
        // Repeating these is harmless.
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::record::{Fields, System};

    fn record(object: ObjectKind, id: &str) -> RecordRef {
        RecordRef::new(System::Intercom, object, id)
    }

    fn sent(effect: &Effect) -> Vec<(String, Value)> {
        let requests = requests(&Settings::default(), effect).expect("it can be sent");
        requests
            .into_iter()
            .map(|request| (format!("{} {}", request.method, request.path), request.body.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn r118_a_reply_is_text_however_hostile() {
        let effect = Effect::Reply {
            conversation: record(ObjectKind::Conversation, "20001"),
            speaker: "7400101".into(),
            text: "Hi <script>\nthere & then\n\nBye".into(),
            note: false,
            key: "reknit0".into(),
        };
        let body = json!({"message_type": "comment", "type": "admin", "admin_id": "7400101",
                          "body": "<p>Hi &lt;script&gt;<br>there &amp; then</p><p>Bye</p>"});
        assert_eq!(sent(&effect), [("POST /conversations/20001/reply".to_owned(), body)]);
        for body in
            ["<p>Hi &lt;script&gt;<br>there &amp; then</p><p>Bye</p>", "Hi <script>\nthere & then\n\nBye"]
        {
            assert!(says(body, "Hi <script>there & then Bye"), "{body}");
        }
        assert!(!says("Hi", "Hi <script>there & then Bye"));
    }

    #[test]
    fn a_note_carries_its_key() {
        let effect = Effect::Reply {
            conversation: record(ObjectKind::Conversation, "20001"),
            speaker: String::new(),
            text: "Escalated".into(),
            note: true,
            key: "reknit0a".into(),
        };
        let (_, body) = sent(&effect).swap_remove(0);
        assert_eq!(body["body"], "<p>Escalated</p><p>reknit0a</p>");
        assert_eq!((&body["message_type"], &body["admin_id"]), (&json!("note"), &json!(LATER)));
    }

    #[test]
    fn r121_tags_go_on_and_off_contacts_companies_and_conversations() {
        let tag = |object, on| Effect::Tag { record: record(object, "x"), tag: " churn ".into(), on };
        let named = ("POST /tags".to_owned(), json!({"name": "churn"}));
        assert_eq!(
            sent(&tag(ObjectKind::Contact, true)),
            [named.clone(), ("POST /contacts/x/tags".to_owned(), json!({"id": LATER}))]
        );
        assert_eq!(
            sent(&tag(ObjectKind::Conversation, true)),
            [named, ("POST /conversations/x/tags".to_owned(), json!({"id": LATER, "admin_id": LATER}))]
        );
        assert_eq!(
            sent(&tag(ObjectKind::Company, true)),
            [("POST /tags".to_owned(), json!({"name": "churn", "companies": [{"id": "x"}]}))]
        );
        assert_eq!(
            sent(&tag(ObjectKind::Company, false)),
            [("POST /tags".to_owned(), json!({"name": "churn", "companies": [{"id": "x", "untag": true}]}))]
        );
        assert_eq!(
            sent(&tag(ObjectKind::Contact, false)),
            [(format!("DELETE /contacts/x/tags/{LATER}"), Value::Null)]
        );
        let none = Effect::Tag { record: record(ObjectKind::Contact, "x"), tag: " ".into(), on: true };
        assert!(requests(&Settings::default(), &none).is_err());
    }

    #[test]
    fn r130_a_conversation_goes_to_a_team_a_teammate_or_nobody() {
        let assign = |to: &str, team| Effect::Assign {
            conversation: record(ObjectKind::Conversation, "20001"),
            by: "7400101".into(),
            to: to.into(),
            team,
        };
        for (to, team, kind, assignee) in [
            ("814865", true, "team", "814865"),
            ("7400102", false, "admin", "7400102"),
            ("", false, "admin", "0"),
        ] {
            let body = json!({"message_type": "assignment", "type": kind, "admin_id": "7400101",
                              "assignee_id": assignee});
            assert_eq!(sent(&assign(to, team)), [("POST /conversations/20001/parts".to_owned(), body)]);
        }
    }

    #[test]
    fn r131_r241_an_event_keeps_its_types_and_has_at_most_ten_values() {
        let track = |details: Fields| Effect::Track {
            contact: record(ObjectKind::Contact, "64e2"),
            event: "closed-won".into(),
            at: Timestamp(1_768_018_294_999),
            details,
        };
        let details = json!({"plan": "pro", "at": "2026-01-10T00:00:00Z", "seats": 3});
        let details = details.as_object().expect("an object").clone();
        assert_eq!(
            sent(&track(details.clone())),
            [(
                "POST /events".to_owned(),
                json!({"event_name": "closed-won", "created_at": 1_768_018_294, "id": "64e2", "metadata": details})
            )]
        );
        assert_eq!(sent(&track(Fields::new()))[0].1.get("metadata"), None);
        let many = (0..11).map(|n| (n.to_string(), json!(n))).collect();
        assert!(requests(&Settings::default(), &track(many)).is_err());
    }

    #[test]
    fn r252_only_attributes_of_ones_own_are_made() {
        let define = |object, field: &str, kind, options: &[&str]| Effect::DefineField {
            connection: Connection::only(System::Intercom),
            object,
            field: field.to_owned(),
            kind,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        let plan = define(ObjectKind::Contact, "custom_attributes.plan", FieldKind::Option, &["pro", "free"]);
        let body = json!({"name": "plan", "model": "contact", "data_type": "options",
                          "options": [{"value": "pro"}, {"value": "free"}]});
        assert_eq!(sent(&plan), [("POST /data_attributes".to_owned(), body)]);
        for refused in [
            define(ObjectKind::Contact, "name", FieldKind::Text, &[]),
            define(ObjectKind::Contact, "custom_attributes.plan", FieldKind::Option, &["pro"]),
            define(ObjectKind::Contact, "custom_attributes.x", FieldKind::Reference, &[]),
            define(ObjectKind::Ticket, "custom_attributes.x", FieldKind::Text, &[]),
        ] {
            assert!(requests(&Settings::default(), &refused).is_err(), "{refused:?}");
        }
        let mut old = Settings::default();
        old.intercom.version = "2.14".into();
        let talk = define(ObjectKind::Conversation, "custom_attributes.x", FieldKind::Text, &[]);
        assert!(requests(&old, &talk).is_err() && requests(&Settings::default(), &talk).is_ok());
    }
}
