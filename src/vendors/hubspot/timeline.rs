//! What is put onto a contact's timeline: an event of a timeline app, else a note. Either carries a word of ours by
//! which it is found again, so that repeating never shows it twice.
//!
//! Two ways to look for a note: a search, which finds what is older than moments whoever wrote it; and reading the
//! contact's own notes, which shows also what was written just now and is used when an answer was lost.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, ObjectKind, RecordRef};

use super::around;
use super::calls::{account, objects};
use super::search::{Comparison, Filter, Search};
use super::wire;
use crate::vendors::error::VendorError;
use crate::vendors::http::{Clients, Log};
use crate::vendors::request::Request;
use crate::vendors::settings::Settings;

/// Characters HubSpot takes in a note's body.
const LONGEST: usize = 65_536;
const BODY: &str = "hs_note_body";

/// The one request that writes the entry.
pub(crate) fn request(
    settings: &Settings,
    contact: &RecordRef,
    key: &str,
    at: Timestamp,
    (title, text): (&str, &str),
    template: Option<&str>,
) -> Result<Request, VendorError> {
    match template {
        Some(template) => account::timeline(
            settings,
            &json!({
                "eventTemplateId": template,
                "id": key,
                "objectId": contact.id,
                "timestamp": at.rfc3339(),
                "tokens": {"title": title, "text": text},
            }),
        ),
        None => {
            let about = [(ObjectKind::Contact, contact.id.clone())];
            account::note(settings, &html(title, text, key), at, None, &about)
        }
    }
}

/// A note's body is HTML: everybody else's words are only text in it.
fn html(title: &str, text: &str, key: &str) -> String {
    let plain = |text: &str| {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
    };
    let (head, tail) =
        (format!("<strong>{}</strong><br>", plain(title)), format!("<br><small>{key}</small>"));
    let mut words = plain(text);
    let room = LONGEST.saturating_sub(head.chars().count() + tail.chars().count() + 1);
    if let Some((end, _)) = words.char_indices().nth(room) {
        words.truncate(end);
        // Half an entity or tag would be shown as letters.
        if let Some(start) = words.rfind(['&', '<'])
            && !words[start..].contains([';', '>'])
        {
            words.truncate(start);
        }
        words.push('…');
    }
    format!("{head}{words}{tail}")
}

/// A note with our word in it, as the search knows.
pub(super) async fn search(
    clients: &Clients,
    connection: &Connection,
    key: &str,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let word = Filter::new(BODY, Comparison::One("CONTAINS_TOKEN", key.to_owned()));
    let search = Search::all(vec![word]).properties(vec![BODY.to_owned()]);
    let request = objects::search(clients.settings(), ObjectKind::Note, &search)?
        .purpose("look whether the conversation is logged");
    let answer = clients.send(connection, &request, log).await?;
    Ok(ours(&answer, connection, key))
}

fn ours(answer: &Value, connection: &Connection, key: &str) -> Option<RecordRef> {
    let row = wire::results(answer).iter().find(|row| {
        row.pointer("/properties/hs_note_body").and_then(Value::as_str).is_some_and(|body| body.contains(key))
    })?;
    Some(RecordRef { connection: connection.clone(), object: ObjectKind::Note, id: wire::id(row)? })
}

/// Whether an entry whose answer was lost has been written.
pub(super) async fn probe(
    clients: &Clients,
    contact: &RecordRef,
    key: &str,
    template: Option<&str>,
    log: &mut Log,
) -> Result<Option<RecordRef>, VendorError> {
    let settings = clients.settings();
    if let Some(template) = template {
        let request = account::timeline_event(settings, template, key).purpose("read the timeline event");
        return match clients.send(&contact.connection, &request, log).await {
            Ok(_) => Ok(Some(contact.clone())),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        };
    }
    let note = around::find_by_key(clients, ObjectKind::Note, contact, key, log).await?;
    Ok(note.map(|note| note.record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::System;

    #[test]
    fn a_note_is_text_however_hostile_and_never_too_long() {
        let body = html("Chat <b>", "a & b\n<script>", "reknit1a2b");
        assert_eq!(
            body,
            "<strong>Chat &lt;b&gt;</strong><br>a &amp; b<br>&lt;script&gt;<br><small>reknit1a2b</small>"
        );
        for length in [65_400, 65_460, 65_470, 65_480, 80_000] {
            for filler in ["a", "&", "\n", "ł"] {
                let body = html("Chat", &filler.repeat(length), "reknit1a2b");
                assert!(body.chars().count() <= LONGEST, "{length} {filler:?}");
                assert!(body.ends_with("<small>reknit1a2b</small>"));
                assert!(!body.contains("&am…") && !body.contains("<b…") && !body.contains("&…"));
            }
        }
    }

    #[test]
    fn an_event_carries_our_id_and_the_time_it_happened() {
        let mut settings = Settings::default();
        settings.hubspot.timeline_app = true;
        let contact = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
        let at = Timestamp(1_768_018_294_000);
        let event = request(&settings, &contact, "reknit1a2b", at, ("Chat", "Hi"), Some("77")).expect("good");
        let body = event.body.expect("a body");
        assert_eq!((&body["id"], &body["objectId"]), (&json!("reknit1a2b"), &json!("151")));
        assert_eq!((&body["timestamp"], &body["tokens"]["text"]), (&json!(at.rfc3339()), &json!("Hi")));
        let note = request(&settings, &contact, "reknit1a2b", at, ("Chat", "Hi"), None).expect("good");
        assert_eq!(note.body.expect("a body")["properties"]["hs_timestamp"], json!(at.rfc3339()));
    }
}
