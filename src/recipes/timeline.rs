//! A conversation of Intercom as an entry on a CRM contact's timeline, dated when it began. Pure: from what was said to
//! the steps that log it.
//!
//! One entry for each person in it who has a CRM contact: of the whole conversation, or of one message of it. Teammates'
//! notes are left out, and so is what was redacted.

use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

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
/// Attachments of one message that are named.
const ATTACHMENTS: usize = 20;

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
    /// `contact`, `team` or `bot`.
    pub role: &'static str,
    /// The part's id; empty for the message the conversation began with.
    pub part: String,
    /// The names of what was attached.
    pub attachments: Vec<String>,
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
    /// Where Intercom shows it; empty where nobody knows.
    pub link: String,
    /// The part that an entry is made of; empty for the first message, none for an entry of the whole conversation.
    pub message: Option<String>,
}

/// The word by which an entry is found again: one token for any search, telling nothing about the person. The first
/// person's is of the conversation alone, so that it outlives a merge of contacts.
pub fn key(conversation: &RecordRef, begun_at: Timestamp, further: Option<&RecordRef>) -> String {
    word(&format!("{}|{}", conversation.id, begun_at.seconds()), further)
}

/// The word of one message's entry.
fn key_of_message(conversation: &RecordRef, part: &str, further: Option<&RecordRef>) -> String {
    word(&format!("{}|message|{part}", conversation.id), further)
}

fn word(of: &str, further: Option<&RecordRef>) -> String {
    let mut digest = Sha256::new();
    digest.update(of);
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
    let (title, text, at) = match &facts.message {
        None => (title(facts), transcript(facts), facts.begun_at),
        Some(part) => {
            let Some(said) = facts.said.iter().find(|said| said.part == *part) else {
                return Planned::nothing(
                    "The message has no words, or they were taken back; nothing was logged.",
                );
            };
            (head(facts, &said.text), message(facts, said), said.at.unwrap_or(facts.begun_at))
        }
    };
    let part = facts.message.as_deref();
    let mut plan = Plan::default();
    for (place, person) in facts.people.iter().enumerate() {
        match &person.crm {
            Ok(contact) => plan.steps.push(Step::new(
                format!("Log Intercom conversation {} on {}", conversation.id, contact.title()),
                Effect::Log {
                    contact: contact.clone(),
                    key: match part {
                        None => key(conversation, facts.begun_at, (place > 0).then_some(&person.intercom)),
                        Some(part) => {
                            key_of_message(conversation, part, (place > 0).then_some(&person.intercom))
                        }
                    },
                    at,
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
    head(facts, if own.trim().is_empty() { first } else { &own })
}

/// The conversation's id and some words, cut between letters as readers see them.
fn head(facts: &Facts, words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let head = format!("Intercom conversation {}", facts.conversation.record.id);
    if words.is_empty() { head } else { format!("{head}: {}", cut(&words, TITLE)) }
}

/// The first letters of a text as readers see letters: a family or a flag is one, and stays whole.
fn cut(text: &str, most: usize) -> String {
    match text.grapheme_indices(true).nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// One message: who said it, when, what, what was attached, and where it stands.
fn message(facts: &Facts, said: &Said) -> String {
    let at = said.at.map(|at| format!(", {}", at.rfc3339())).unwrap_or_default();
    let mut text = format!("{} ({}){at}:\n{}", said.who, said.role, cut(said.text.trim(), TRANSCRIPT));
    for line in [attachments(said), facts.link.clone()] {
        if !line.is_empty() {
            text.push_str(&format!("\n\n{line}"));
        }
    }
    text
}

fn attachments(said: &Said) -> String {
    if said.attachments.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = said.attachments.iter().take(ATTACHMENTS).map(|name| cut(name, TITLE)).collect();
    let more = said.attachments.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Attached: {}{more}", shown.join(", "))
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
        if !said.attachments.is_empty() {
            text.push_str(&format!("\n{}", attachments(said)));
        }
    }
    let more = facts.unread + (facts.said.len() - shown) as u64;
    if more > 0 {
        let messages = if more == 1 { "message is" } else { "messages are" };
        text.push_str(&format!("\n\n({more} more {messages} in Intercom)"));
    }
    if !facts.link.is_empty() {
        text.push_str(&format!("\n\n{}", facts.link));
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
                .map(|number| Said {
                    who: "Mara Quint".into(),
                    role: "contact",
                    part: if number == 0 { String::new() } else { number.to_string() },
                    attachments: Vec::new(),
                    at: None,
                    text: "ab ".repeat(600),
                })
                .collect(),
            unread: 3,
            link: String::new(),
            message: None,
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
    fn r65_an_entry_of_one_message_says_who_in_which_role_when_what_with_what_and_where() {
        let mut facts = facts(3);
        facts.link = "https://app.intercom.com/a/inbox/conversation/20001".into();
        facts.message = Some("2".into());
        facts.said[2] = Said {
            who: "Nora Lind".into(),
            role: "team",
            part: "2".into(),
            attachments: vec!["offer.pdf".into(), "terms.pdf".into()],
            at: Some(Timestamp(1_768_018_300_000)),
            text: "Here it is.".into(),
        };
        let planned = plan(&facts, None);
        let Effect::Log { at, title, text, key: word, .. } = &planned.plan.steps[0].effect else {
            panic!("{planned:?}")
        };
        assert_eq!(title, "Intercom conversation 20001: Here it is.");
        assert_eq!(
            text,
            "Nora Lind (team), 2026-01-10T04:11:40.000Z:\nHere it is.\n\nAttached: offer.pdf, terms.pdf\n\n\
             https://app.intercom.com/a/inbox/conversation/20001"
        );
        assert_eq!(*at, Timestamp(1_768_018_300_000));
        facts.message = Some(String::new());
        let Effect::Log { key: first, .. } = &plan(&facts, None).plan.steps[0].effect else { panic!() };
        assert_ne!(word, first, "each message is found by a word of its own");
        facts.message = Some("9".into());
        assert!(plan(&facts, None).plan.nothing.expect("nothing").contains("no words"));
    }

    #[test]
    fn r42_the_first_words_are_cut_between_letters_as_readers_see_them() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";
        assert_eq!(cut(&family.repeat(90), TITLE), format!("{}…", family.repeat(80)));
        assert_eq!(cut("e\u{301}e\u{301}", 1), "e\u{301}…");
        assert_eq!(cut("short", TITLE), "short");
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
