//! A conversation of Intercom as an entry on a CRM contact's timeline, dated when it began. Pure: from what was said to
//! the steps that log it.
//!
//! One entry for each person in it who has a CRM contact. Teammates' notes are left out, and so is what was redacted.

use sha2::{Digest, Sha256};

use super::contact_sync::Planned;
use crate::domain::clock::Timestamp;
use crate::domain::plan::{Effect, FieldSkip, Plan, Step};
use crate::domain::record::{Mirror, RecordRef};
use crate::domain::text::shorten;

/// Letters of one message.
const MESSAGE: usize = 1_000;
/// Letters of all messages.
const TRANSCRIPT: usize = 8_000;
/// Letters of a title.
const TITLE: usize = 80;

/// Somebody in the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Their Intercom contact.
    pub intercom: RecordRef,
    /// Their CRM contact, or why nothing is logged for them.
    pub crm: Result<RecordRef, String>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// By whom, as a reader of the CRM would say it.
    pub who: String,
    /// When.
    pub at: Option<Timestamp>,
    /// What, as plain text.
    pub text: String,
}

/// What the engine found out before planning.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The conversation as it is now.
    pub conversation: Mirror,
    /// When it began.
    pub begun_at: Timestamp,
    /// Who is in it.
    pub people: Vec<Person>,
    /// The names of its tags.
    pub tags: Vec<String>,
    /// What was said, oldest first.
    pub said: Vec<Said>,
    /// Messages that Intercom did not give.
    pub unread: u64,
}

/// The word by which an entry is found again: one token for any search, telling nothing about the person. The first
/// person's is of the conversation alone, so that it outlives a merge of contacts.
pub fn key(conversation: &RecordRef, begun_at: Timestamp, further: Option<&RecordRef>) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{}|{}", conversation.id, begun_at.seconds()));
    if let Some(person) = further {
        digest.update(format!("|{}", person.id));
    }
    digest.finalize().iter().take(10).fold(String::from("reknit"), |mut key, byte| {
        use std::fmt::Write as _;
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// Plans the entries. `template` is the timeline app's, where there is one; else they are notes.
pub fn plan(facts: &Facts, template: Option<&str>) -> Planned {
    let conversation = &facts.conversation.record;
    let (title, text) = (title(facts), transcript(facts));
    let mut plan = Plan::default();
    for (place, person) in facts.people.iter().enumerate() {
        match &person.crm {
            Ok(contact) => plan.steps.push(Step::new(
                format!("Log Intercom conversation {} on {}", conversation.id, contact.title()),
                Effect::Log {
                    contact: contact.clone(),
                    key: key(conversation, facts.begun_at, (place > 0).then_some(&person.intercom)),
                    at: facts.begun_at,
                    title: title.clone(),
                    text: text.clone(),
                    template: template.map(str::to_owned),
                },
            )),
            Err(why) => {
                plan.skips.push(FieldSkip { field: person.intercom.title(), reason: why.clone() });
            }
        }
    }
    if plan.steps.is_empty() {
        plan.nothing = Some(match plan.skips.first() {
            Some(skip) => format!("Nothing was logged: {}, {}.", skip.field, skip.reason),
            None => "Nothing was logged: nobody is in the conversation.".to_owned(),
        });
    }
    Planned { plan, ..Planned::default() }
}

fn title(facts: &Facts) -> String {
    let own = facts.conversation.text("title");
    let first = facts.said.first().map(|said| said.text.as_str()).unwrap_or_default();
    let words = if own.trim().is_empty() { first } else { &own };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let head = format!("Intercom conversation {}", facts.conversation.record.id);
    if words.is_empty() { head } else { format!("{head}: {}", shorten(&words, TITLE)) }
}

fn transcript(facts: &Facts) -> String {
    let field = |name: &str| facts.conversation.text(name);
    let mut head = vec![format!("Begun {}", facts.begun_at.rfc3339())];
    if !field("state").is_empty() {
        head.push(field("state"));
    }
    if !facts.tags.is_empty() {
        head.push(format!("tags: {}", facts.tags.join(", ")));
    }
    if !field("conversation_rating.rating").is_empty() {
        head.push(format!("rated {} of 5", field("conversation_rating.rating")));
    }
    let mut text = head.join("; ");
    let mut left = TRANSCRIPT;
    let mut shown = 0;
    for said in &facts.said {
        let words = shorten(said.text.trim(), MESSAGE);
        let letters = words.chars().count() + said.who.chars().count() + 4;
        if letters > left {
            break;
        }
        left -= letters;
        shown += 1;
        text.push_str(&format!("\n\n{}: {words}", said.who));
    }
    let more = facts.unread + (facts.said.len() - shown) as u64;
    if more > 0 {
        let messages = if more == 1 { "message is" } else { "messages are" };
        text.push_str(&format!("\n\n({more} more {messages} in Intercom)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::record::{ObjectKind, System};

    fn facts(messages: usize) -> Facts {
        let contact = |id: &str| RecordRef::new(System::Intercom, ObjectKind::Contact, id);
        let fields = json!({"state": "closed", "conversation_rating.rating": 4});
        Facts {
            conversation: Mirror {
                record: RecordRef::new(System::Intercom, ObjectKind::Conversation, "20001"),
                fields: fields.as_object().expect("an object").clone(),
                vendor_updated_at: None,
                companies: Vec::new(),
                deleted: false,
            },
            begun_at: Timestamp(1_768_018_294_000),
            people: vec![
                Person {
                    intercom: contact("64e2"),
                    crm: Ok(RecordRef::new(System::Hubspot, ObjectKind::Contact, "151")),
                },
                Person { intercom: contact("64e3"), crm: Err("who has no CRM contact".into()) },
            ],
            tags: vec!["churn".into()],
            said: (0..messages)
                .map(|_| Said { who: "Mara Quint".into(), at: None, text: "ab ".repeat(600) })
                .collect(),
            unread: 3,
        }
    }

    #[test]
    fn a_conversation_is_logged_once_for_each_person_with_a_contact() {
        let planned = plan(&facts(2), None);
        let [step] = &planned.plan.steps[..] else { panic!("{planned:?}") };
        let Effect::Log { key: word, at, text, template: None, .. } = &step.effect else {
            panic!("{step:?}")
        };
        assert_eq!(*at, Timestamp(1_768_018_294_000));
        assert_eq!(step.title, "Log Intercom conversation 20001 on HubSpot contact 151");
        assert!(
            text.starts_with("Begun 2026-01-10T04:11:34.000Z; closed; tags: churn; rated 4 of 5"),
            "{text}"
        );
        assert!(text.ends_with("(3 more messages are in Intercom)"), "{text}");
        assert!(word.len() == 26 && word.chars().all(|c| c.is_ascii_alphanumeric()), "{word}");
        assert_eq!(planned.plan.skips[0].reason, "who has no CRM contact");
        assert!(!step.effect.is_repeatable(), "a note made twice is two notes");
        let event = plan(&facts(2), Some("77"));
        assert!(event.plan.steps[0].effect.is_repeatable(), "an event with our id is one event");
    }

    #[test]
    fn a_long_conversation_is_cut_and_says_so() {
        let planned = plan(&facts(400), None);
        let Effect::Log { text, title, .. } = &planned.plan.steps[0].effect else { panic!("{planned:?}") };
        assert!(text.chars().count() < TRANSCRIPT + 300 && text.contains("more messages are in Intercom"));
        assert!(title.chars().count() < 160, "{title}");
    }

    #[test]
    fn nobody_with_a_contact_means_nothing_is_written() {
        let mut facts = facts(1);
        facts.people.remove(0);
        let nothing = plan(&facts, None).plan.nothing.expect("nothing");
        assert_eq!(nothing, "Nothing was logged: Intercom contact 64e3, who has no CRM contact.");
    }

    #[test]
    fn every_conversation_and_person_has_a_word_of_its_own() {
        let facts = facts(0);
        let (record, at) = (&facts.conversation.record, facts.begun_at);
        let first = key(record, at, None);
        assert_eq!(first, key(record, at, None));
        assert_ne!(first, key(record, at, Some(&facts.people[1].intercom)));
        assert_ne!(first, key(record, Timestamp(0), None));
    }
}
