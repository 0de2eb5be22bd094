//! What an answer tells of people: the values of its members that have a personal name, whatever type it is.
//!
//! Reads the answer as JSON, so that a type that gains a field needs nothing here. Runs in the task that asked, never
//! in the loop.

use serde::Serialize;
use serde_json::Value;

use crate::console::bulk::Told as BulkTold;
use crate::console::hints::Told as TeamTold;
use crate::console::msg::{Event, Loaded};
use crate::console::panes::audit::asks::Told as AuditTold;
use crate::console::panes::executions::asks::Told as AboutTold;
use crate::console::panes::log::asks::Told as LogTold;
use crate::console::panes::recipes::asks::Told as RecipesTold;
use crate::console::panes::reviews::Told as ReviewsTold;
use crate::domain::edits::Part;
use crate::domain::filter::Key;
use crate::domain::fingerprint::Cause;
use crate::domain::text::clean;

/// What a value is of a person, which is how its pseudonym looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A name.
    Name,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A domain that tells where somebody works.
    Domain,
    /// Anything else somebody wrote or is described by.
    Text,
}

/// What one answer told.
#[derive(Debug)]
pub struct Learnt {
    /// Which kind of answer it was.
    pub from: &'static str,
    /// The values.
    pub values: Vec<(Kind, Box<str>)>,
}

/// At most so many values of one answer, and letters of one value.
const VALUES: usize = 20_000;
const LETTERS: usize = 20_000;

/// Reads what comes back to the loop.
pub fn learn(event: &Event) -> Option<Learnt> {
    let mut values = Values::default();
    let from = match event {
        Event::Loaded(_, loaded) => values.loaded(loaded)?,
        Event::Previewed(_, Ok(preview)) => {
            values.read(preview);
            "preview"
        }
        Event::Proposed(_, Ok(proposal)) => {
            values.read(&proposal.preview);
            "proposal"
        }
        Event::LinkProposed(_, Ok(proposed)) => {
            values.read(&proposed.preview);
            "link"
        }
        Event::Explained(_, Ok(account)) => {
            values.value(Kind::Name, &account.subject);
            "account"
        }
        Event::Judged(Ok(pair)) => {
            values.read(pair);
            "verdict"
        }
        _ => return None,
    };
    Some(Learnt { from, values: values.0 })
}

#[derive(Default)]
struct Values(Vec<(Kind, Box<str>)>);

impl Values {
    fn loaded(&mut self, loaded: &Loaded) -> Option<&'static str> {
        Some(match loaded {
            Loaded::Overview(Ok(overview)) => {
                if let Ok(value) = serde_json::to_value(overview) {
                    self.subjects(&value);
                }
                "overview"
            }
            Loaded::Executions(Ok(page)) => {
                page.rows.iter().for_each(|row| self.value(Kind::Name, &row.subject));
                "executions"
            }
            Loaded::Execution(_, Ok(Some(detail))) => {
                self.read(detail);
                "execution"
            }
            Loaded::Conflicts(Ok(page)) => {
                self.read(&page.rows);
                "conflicts"
            }
            Loaded::Duplicates(Ok(page)) => {
                self.read(&page.rows);
                "duplicates"
            }
            Loaded::Unlinked(Ok(page)) => {
                self.read(&page.rows);
                "unlinked"
            }
            Loaded::Audit(told) => match &**told {
                AuditTold::Entry(_, Ok(named)) => {
                    for door in &named.doors {
                        self.value(Kind::Name, &door.subject);
                    }
                    for change in &named.changes {
                        for text in change.before.iter().chain([&change.after]) {
                            self.member(&change.field, text, true);
                        }
                    }
                    "audit"
                }
                _ => return None,
            },
            Loaded::Log(told) => match &**told {
                LogTold::Call(_, Ok(Some(call))) => {
                    self.body(&call.request);
                    self.body(&call.response);
                    "log"
                }
                _ => return None,
            },
            Loaded::Outlook(told) => {
                self.causes(told.causes.as_deref().unwrap_or_default());
                "outlook"
            }
            Loaded::AboutExecutions(told) => self.about(told)?,
            Loaded::Reviews(told) => self.reviews(told)?,
            Loaded::Recipes(told) => self.recipes(told)?,
            Loaded::Team(told) => match &**told {
                // What people wrote to each other may name anybody.
                TeamTold::Of(Ok((_, comments))) => {
                    for comment in comments {
                        self.value(Kind::Text, &comment.text);
                    }
                    "team"
                }
                _ => return None,
            },
            Loaded::Values(key @ (Key::Person | Key::Domain), Ok(values)) => {
                let field = if *key == Key::Person { "subject" } else { "domain" };
                for one in values {
                    self.member(field, &one.value, true);
                }
                "values"
            }
            Loaded::Bulk(told) => match &**told {
                BulkTold::Frozen(Ok(frozen)) => {
                    frozen.people.iter().for_each(|(field, value)| self.member(field, value, true));
                    "bulk"
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What stands around an execution, and what is edited of it.
    fn about(&mut self, told: &AboutTold) -> Option<&'static str> {
        Some(match told {
            AboutTold::Around(_, Ok(Some(around))) => {
                self.read(&around.related);
                "around"
            }
            AboutTold::Causes(Ok(causes)) => {
                self.causes(causes);
                "causes"
            }
            AboutTold::Draft(Ok(draft)) => {
                if let Part::Fields { fields, .. } = &draft.part {
                    fields.iter().for_each(|(field, value)| self.walk(field, value, true));
                }
                self.body(&draft.text);
                "draft"
            }
            AboutTold::Preview(Ok(preview)) => {
                self.read(preview);
                "replay"
            }
            AboutTold::Why(Ok(reason)) => {
                self.value(Kind::Name, &reason.person);
                "why"
            }
            _ => return None,
        })
    }

    /// What stands beside conflicts, duplicates and unlinked people.
    fn reviews(&mut self, told: &ReviewsTold) -> Option<&'static str> {
        Some(match told {
            ReviewsTold::Record(Ok(compared)) => {
                for disputed in &compared.disputed {
                    self.read(&disputed.conflict);
                    for after in [&disputed.by_left, &disputed.by_right].into_iter().flatten() {
                        self.member(&disputed.conflict.field, &after.left, true);
                        self.member(&disputed.conflict.field, &after.right, true);
                    }
                }
                for settled in &compared.settled {
                    self.member(&settled.field, &settled.left, true);
                    self.member(&settled.field, &settled.right, true);
                }
                "compared"
            }
            ReviewsTold::History(Ok(account)) => {
                self.value(Kind::Name, &account.subject);
                "history"
            }
            ReviewsTold::Merge(Ok(merging)) => {
                if let Some(group) = &merging.group {
                    self.read(&group.pairs);
                }
                if let Ok(preview) = &merging.preview {
                    self.read(preview);
                }
                "merging"
            }
            ReviewsTold::Domains(Ok(domains)) => {
                for (domain, _) in domains {
                    self.value(Kind::Domain, domain);
                }
                "domains"
            }
            ReviewsTold::Person(Ok(facts)) => {
                facts.colleagues.iter().for_each(|name| self.value(Kind::Name, name));
                for seat in &facts.seats {
                    self.value(Kind::Name, &seat.company);
                    seat.says.iter().for_each(|says| self.value(Kind::Text, says));
                }
                "person"
            }
            ReviewsTold::Would(Ok(preview)) => {
                self.read(preview);
                "would"
            }
            _ => return None,
        })
    }

    /// What a recipe or a mapping would do to somebody.
    fn recipes(&mut self, told: &RecipesTold) -> Option<&'static str> {
        Some(match told {
            RecipesTold::Try(Ok(trial)) => {
                self.read(trial);
                "trial"
            }
            RecipesTold::Plan(Ok(planned)) => {
                for example in planned.rehearsal.fields.iter().flat_map(|field| &field.examples) {
                    self.value(Kind::Name, &example.subject);
                    self.value(Kind::Text, &example.before);
                    self.value(Kind::Text, &example.after);
                }
                "planned"
            }
            _ => return None,
        })
    }

    /// The newest of each cause is quoted, and its sentence may name whose it is.
    fn causes(&mut self, causes: &[Cause]) {
        for cause in causes {
            self.value(Kind::Name, &cause.subject);
        }
    }

    fn read(&mut self, told: &impl Serialize) {
        if let Ok(mut value) = serde_json::to_value(told) {
            // A preview's remarks are ours.
            if let Some(members) = value.as_object_mut() {
                members.remove("notes");
            }
            self.walk("", &value, false);
        }
    }

    /// Whom lines are about; their other words are ours.
    fn subjects(&mut self, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|item| self.subjects(item)),
            Value::Object(members) => {
                for (name, inner) in members {
                    match inner {
                        Value::String(text) if name == "subject" => self.value(Kind::Name, text),
                        inner => self.subjects(inner),
                    }
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, kind: Kind, text: &str) {
        let text: &str = text.char_indices().nth(LETTERS).map_or(text, |(at, _)| &text[..at]);
        if self.0.len() < VALUES && !text.trim().is_empty() {
            self.0.push((kind, text.into()));
            // Somebody may make it harmless before it comes to be drawn.
            if let std::borrow::Cow::Owned(harmless) = clean(text) {
                self.0.push((kind, harmless.into()));
            }
        }
    }

    /// A body as it was sent: JSON where it is, else left to what has a shape.
    fn body(&mut self, body: &str) {
        if let Ok(value) = serde_json::from_str::<Value>(body) {
            self.walk("", &value, true);
        }
    }

    /// `record`: what stands here are members of a vendor's record, of which everything in words is personal.
    fn walk(&mut self, key: &str, value: &Value, record: bool) {
        match value {
            Value::String(text) => match key {
                // Bodies inside our own types.
                "request" | "response" | "payload" | "body" if text.trim_start().starts_with(['{', '[']) => {
                    self.body(text);
                }
                _ => self.member(key, text, record),
            },
            Value::Array(list) => list.iter().for_each(|item| self.walk(key, item, record)),
            Value::Object(members) => {
                // `{"name": "firstname", "value": "Jane"}`, as HubSpot sends some of its members.
                let named = ["comparison", "name", "property", "propertyName", "field"]
                    .iter()
                    .find_map(|name| members.get(*name).and_then(Value::as_str));
                for (name, inner) in members {
                    let inside = record || holds_a_record(name);
                    match (name.as_str(), named) {
                        (
                            "value" | "left" | "right" | "lost" | "kept" | "becomes" | "left_value"
                            | "right_value" | "base" | "now" | "then" | "before" | "after",
                            Some(named),
                        ) => self.walk(named, inner, true),
                        _ => self.walk(name, inner, inside),
                    }
                }
            }
            Value::Number(number) if kind_of(key) == Some(Kind::Phone) => {
                self.value(Kind::Phone, &number.to_string());
            }
            _ => {}
        }
    }

    fn member(&mut self, key: &str, text: &str, record: bool) {
        match kind_of(key) {
            // Our own remarks on a comparison or a connection.
            Some(Kind::Text) if !record && matches!(key, "note" | "notes" | "summary") => {}
            Some(kind) => self.value(kind, text),
            None if record && !is_talk(key) && in_words(text) => self.value(Kind::Text, text),
            None => {}
        }
    }
}

fn holds_a_record(key: &str) -> bool {
    matches!(
        key,
        "fields"
            | "left_fields"
            | "right_fields"
            | "properties"
            | "custom_attributes"
            | "values"
            | "set"
            | "cells"
            | "left_value"
            | "right_value"
            | "base"
    )
}

/// Several words: somebody's. One word, a number, a date or an id is how systems talk, unless its name says otherwise.
fn in_words(text: &str) -> bool {
    let text = text.trim();
    !text.starts_with("http")
        && text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() > 1
}

/// What systems say to each other: why a call was refused, what a thing is called.
fn is_talk(key: &str) -> bool {
    matches!(
        key,
        "message"
            | "error"
            | "errors"
            | "detail"
            | "details"
            | "reason"
            | "category"
            | "subCategory"
            | "code"
            | "label"
            | "level"
            | "status"
            | "type"
            | "errorCode"
            | "error_description"
    )
}

/// What a member of this name holds of a person.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    let key: String = key.rsplit('.').next().unwrap_or(key).to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
    // Words of our own types and of the vendors' envelopes that only look so.
    if has(&[
        "field",
        "status",
        "type",
        "_id",
        "count",
        "verified",
        "template",
        "file",
        "recipe",
        "display_as",
    ]) || matches!(
        key.as_str(),
        "hostname"
            | "eventname"
            | "typename"
            | "propertyname"
            | "internalname"
            | "objectname"
            | "message"
            | "property_name"
    ) {
        return None;
    }
    if has(&["email", "mail"]) {
        Some(Kind::Email)
    } else if has(&["phone", "mobile", "fax", "whatsapp"]) {
        Some(Kind::Phone)
    } else if has(&["domain", "website"]) {
        Some(Kind::Domain)
    } else if has(&["name", "salutation", "author", "pseudonym"])
        || matches!(key.as_str(), "subject" | "company")
    {
        Some(Kind::Name)
    } else if has(&[
        "address",
        "street",
        "city",
        "zip",
        "postal",
        "jobtitle",
        "job_title",
        "birth",
        "linkedin",
        "twitter",
    ]) || matches!(
        key.as_str(),
        "text"
            | "note"
            | "notes"
            | "comment"
            | "comments"
            | "description"
            | "content"
            | "summary"
            | "hint"
            | "body"
            | "remark"
            | "lost"
            | "kept"
    ) || key.ends_with("_body")
    {
        Some(Kind::Text)
    } else {
        None
    }
}
