//! A recipe as it stands in a TOML file, read with all of its mistakes at once: file, line, what, and what would be right.
//!
//! ```toml
//! name = "support-suppression"                # one word with hyphens, once in the book
//! title = "Keep marketing quiet while support is open"
//! about = "Why it is there, and what to know before it is switched on."
//! owner = "support operations"                # the role that answers for it
//! state = "off"                               # off, shadow (plans and writes nothing), on
//! crm = "hubspot"                             # where it works with one CRM only
//! once = "{conversation.id}"                  # runs once for each value; without it for each event
//!
//! [trigger]
//! on = "conversation.closed"                  # exactly one
//!
//! [[require]]                                 # what it cannot do without: missing = failed, a human mends it
//! that = "contact.email != null"
//! otherwise = "The person has no e-mail: write one into Intercom, then retry."
//!
//! [condition]                                 # when there is something to do: else skipped, with the reason
//! when = "conversation.type == settings.type"
//! otherwise = "it is not a support conversation"
//!
//! [[route]]                                   # the first that fits gives `route.to` and `route.because`
//! when = "company.plan == 'enterprise'"
//! to = "{settings.teams.enterprise}"
//! because = "plan tier"
//! [[route]]                                   # the last has no `when` and always fits
//! to = "{settings.teams.everyone}"
//! because = "no rule fits"
//!
//! [[action]]                                  # in order; a later one never runs when an earlier one failed
//! do = "update"
//! when = "conversations.all(c, !c.open)"      # this one only
//! target = "crm"
//! set = { open_support_ticket = false }
//!
//! [error]                                     # when a step fails for good
//! tell = "slack"                              # a channel; "" = the monitors alone
//! advice = "Give the app the scope to write contacts, then retry."
//!
//! [settings]                                  # what expressions see as `settings`
//! type = "Support"
//! teams = { enterprise = "814", everyone = "815" }
//! ```
//!
//! Actions and their keys (all take `when`):
//!
//! | `do` | keys |
//! |---|---|
//! | `sync` | `mapping`, `to` (`crm` or `intercom`), `create` |
//! | `log` | `as` (`note`, `task`, `event`; without it what the CRM has) |
//! | `update` | `target`, `set`, `forward` (field to the order of its values: it never moves back) |
//! | `create` | `object`, `in` (`crm` or `intercom`), `find` (`{field=…, value=…}`, `{key=…}` or `"open_of_person"`), `set`, `set_found`, `relate` |
//! | `relate` | `from`, `to` |
//! | `tag` | `target`, `tag`, `on` (an expression; without it always) |
//! | `track` | `event`, `details` |
//! | `converse` | `text` |
//! | `reply` | `speaker`, `text`, `note` |
//! | `assign` | `by`, `to`, `team` |
//! | `tell` | `channel`, `title`, `fields` |
//!
//! Texts may hold `{expression}`, see [`template`](super::template). A token in a recipe is refused and not repeated.

mod part;

use std::cell::RefCell;
use std::collections::BTreeMap;

use part::{Part, Reading};
use toml::de::DeTable;

use super::finding::{Finding, instead_of};
use super::recipe::{Act, Action, Condition, ErrorBranch, Lookup, Recipe, Require, Route, State, Trigger};
use crate::domain::record::{ObjectKind, System};
use crate::domain::secret::holds_a_token;

/// Letters of a whole file: nobody writes more by hand.
const LONGEST: usize = 200_000;

const TOP: [&str; 14] = [
    "name",
    "title",
    "about",
    "owner",
    "state",
    "crm",
    "once",
    "trigger",
    "require",
    "condition",
    "route",
    "action",
    "error",
    "settings",
];
const ACTS: [&str; 11] =
    ["sync", "log", "update", "create", "relate", "tag", "track", "converse", "reply", "assign", "tell"];

/// Reads a recipe; `file` is only for messages.
pub fn parse(text: &str, file: &str) -> Result<Recipe, Vec<Finding>> {
    if text.len() > LONGEST {
        return Err(vec![Finding::error(
            file,
            1,
            "the file is too long for a recipe",
            "write less than 200 kB",
        )]);
    }
    if let Some(line) = text.lines().position(holds_a_token) {
        // What looks like one is not repeated, not even in another finding.
        return Err(vec![Finding::error(
            file,
            line + 1,
            "this looks like an access token; tokens never stand in a recipe",
            "take it out, revoke it if others could read it, and name a channel of the settings instead",
        )]);
    }
    let reading =
        Reading { text, file, findings: RefCell::new(Vec::new()), lines: RefCell::new(BTreeMap::new()) };
    let (whole, broken) = DeTable::parse_recoverable(text);
    for error in &broken {
        let line = reading.line(error.span().map_or(0, |span| span.start));
        reading.error(line, format!("this is no TOML: {}", error.message().trim()), "correct the line");
    }
    let recipe =
        if broken.is_empty() { recipe(&Part::whole(&reading, whole.get_ref()), text, file) } else { None };
    let mut findings = reading.findings.into_inner();
    match recipe {
        Some(recipe) if findings.is_empty() => Ok(Recipe { lines: reading.lines.into_inner(), ..recipe }),
        _ => {
            findings.sort_by_key(|finding| finding.line);
            Err(findings)
        }
    }
}

fn recipe(top: &Part<'_>, text: &str, file: &str) -> Option<Recipe> {
    top.allow(&TOP);
    let name = top.needed("name", "give it a word with hyphens: name = \"chat-to-deal\"");
    if !name.is_empty() && !is_a_name(&name) {
        top.mistake(
            "name",
            format!("\"{name}\" is no name of a recipe"),
            "write small letters, digits and hyphens, at most 60",
        );
    }
    let title = top.needed("title", "say in one line what it does: title = \"…\"");
    let owner = top.needed("owner", "name the role that answers for it: owner = \"sales operations\"");
    let state = top.word("state").or_else(|| top.value("state").is_none().then_some(State::Off));
    let crm = top.word("crm");
    if crm == Some(System::Intercom) {
        top.mistake("crm", "Intercom is no CRM", "write crm = \"hubspot\" or crm = \"salesforce\"");
    }
    let trigger = trigger(top);
    let require = top
        .parts("require")
        .iter()
        .map(|part| {
            part.allow(&["that", "otherwise"]);
            Require {
                that: part.needed(
                    "that",
                    "write the expression that must be true: that = \"contact.email != null\"",
                ),
                otherwise: part.needed("otherwise", "say what is missing and what to do: otherwise = \"…\""),
            }
        })
        .collect();
    let condition = top.part("condition").map(|part| {
        part.allow(&["when", "otherwise"]);
        Condition {
            when: part.needed("when", "write the expression: when = \"conversation.rating <= 2\""),
            otherwise: part
                .needed("otherwise", "say why nothing is done when it is false: otherwise = \"…\""),
        }
    });
    let routes = top
        .parts("route")
        .iter()
        .map(|part| {
            part.allow(&["when", "to", "because"]);
            Route {
                when: part.text("when"),
                to: part.needed("to", "write where it goes: to = \"…\""),
                because: part.needed("because", "name the strategy: because = \"territory\""),
            }
        })
        .collect();
    let mut actions = Vec::new();
    let parts = top.parts("action");
    if parts.is_empty() && top.value("action").is_none() {
        top.missing("[[action]]", "say what it does: [[action]] with do = \"update\"");
    }
    for part in &parts {
        let when = part.text("when");
        if let Some(act) = act(part) {
            actions.push(Action { act, when, line: part.line });
        }
    }
    let error = error_branch(top);
    Some(Recipe {
        name,
        title,
        about: top.text("about").unwrap_or_default(),
        owner,
        state: state?,
        crm,
        trigger: trigger?,
        require,
        condition,
        once: top.text("once"),
        routes,
        actions,
        error: error?,
        settings: top.plain("settings"),
        file: file.to_owned(),
        text: text.to_owned(),
        lines: BTreeMap::new(),
    })
}

fn is_a_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 60 && name.chars().all(letters) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

fn trigger(top: &Part<'_>) -> Option<Trigger> {
    const FIX: &str = "write [trigger] with on = \"conversation.closed\" (reknit recipe facts lists them)";
    if top.value("trigger").is_none() {
        top.missing("[trigger]", FIX);
    }
    let part = top.part("trigger")?;
    part.allow(&["on"]);
    if part.value("on").is_some_and(|value| value.get_ref().is_array()) {
        part.mistake("on", "a recipe has exactly one trigger", "write one recipe for each");
        return None;
    }
    part.needed_word("on", FIX)
}

fn error_branch(top: &Part<'_>) -> Option<ErrorBranch> {
    if top.value("error").is_none() {
        top.missing(
            "[error]",
            "say who is told and what to do when a step fails for good: [error] with tell = \"\" and advice = \"…\"",
        );
    }
    let part = top.part("error")?;
    part.allow(&["tell", "advice"]);
    if part.value("tell").is_none() {
        part.missing("tell", "name a channel, or write tell = \"\" for the monitors alone");
    }
    Some(ErrorBranch {
        tell: part.text("tell").unwrap_or_default(),
        advice: part.needed("advice", "say what to do about a failure: advice = \"…\""),
    })
}

fn act(part: &Part<'_>) -> Option<Act> {
    let known = |keys: &[&str]| part.allow(&[&["do", "when"], keys].concat());
    let word = part.needed("do", &format!("write do = one of {}", ACTS.join(", ")));
    Some(match word.as_str() {
        "sync" => {
            known(&["mapping", "to", "create"]);
            let to_crm = side(part, "to", None)?;
            Act::Sync {
                mapping: part.text("mapping").unwrap_or_else(|| "contact".to_owned()),
                to_crm,
                create: part.flag("create"),
            }
        }
        "log" => {
            known(&["as"]);
            let object: Option<ObjectKind> = part.word("as");
            if object.is_some_and(|it| !matches!(it, ObjectKind::Note | ObjectKind::Task | ObjectKind::Event))
            {
                part.mistake(
                    "as",
                    "a conversation is logged as a note, a task or an event",
                    "write as = \"task\"",
                );
            }
            Act::Log { object }
        }
        "update" => {
            known(&["target", "set", "forward"]);
            let set = part.fields("set");
            if set.is_empty() {
                part.missing("set", "say which fields get which values: set = { lifecyclestage = \"…\" }");
            }
            Act::Update { target: target(part, "target")?, set, forward: part.lists("forward") }
        }
        "create" => {
            known(&["object", "in", "find", "set", "set_found", "relate"]);
            let object = part.needed_word("object", "say what is made: object = \"deal\"");
            let in_crm = side(part, "in", Some(true));
            let find = lookup(part);
            let set = part.fields("set");
            if set.is_empty() {
                part.missing("set", "say with which values it is made: set = { dealname = \"…\" }");
            }
            let (set_found, relate) = (part.fields("set_found"), part.words("relate"));
            Act::Create { object: object?, in_intercom: !in_crm?, find: find?, set, set_found, relate }
        }
        "relate" => {
            known(&["from", "to"]);
            let (from, to) = (target(part, "from"), target(part, "to"));
            Act::Relate { from: from?, to: to? }
        }
        "tag" => {
            known(&["target", "tag", "on"]);
            let tag = part.needed("tag", "name the tag: tag = \"…\"");
            Act::Tag {
                target: target(part, "target")?,
                tag,
                on: part.text("on").unwrap_or_else(|| "true".to_owned()),
            }
        }
        "track" => {
            known(&["event", "details"]);
            Act::Track {
                event: part.needed("event", "name what they did: event = \"deal-won\""),
                details: part.fields("details"),
            }
        }
        "converse" => {
            known(&["text"]);
            Act::Converse { text: part.needed("text", "write what they say: text = \"…\"") }
        }
        "reply" => {
            known(&["speaker", "text", "note"]);
            Act::Reply {
                speaker: part.needed(
                    "speaker",
                    "name the teammate by Intercom's id: speaker = \"{settings.speaker}\"",
                ),
                text: part.needed("text", "write what is said: text = \"…\""),
                note: part.flag("note"),
            }
        }
        "assign" => {
            known(&["by", "to", "team"]);
            Act::Assign {
                by: part.needed("by", "name in whose name, by Intercom's id: by = \"{settings.speaker}\""),
                to: part.needed("to", "name to whom, by Intercom's id: to = \"{route.to}\""),
                team: part.flag("team"),
            }
        }
        "tell" => {
            known(&["channel", "title", "fields"]);
            Act::Tell {
                channel: part.needed("channel", "name a channel: channel = \"slack\""),
                title: part.needed("title", "say in one line what happened: title = \"…\""),
                fields: part.fields("fields"),
            }
        }
        "" => return None,
        other => {
            part.mistake("do", format!("there is no action \"{other}\""), instead_of(other, &ACTS));
            return None;
        }
    })
}

fn target(part: &Part<'_>, key: &str) -> Option<super::recipe::Target> {
    part.needed_word(key, &format!("say of which record: {key} = \"crm\""))
}

/// Whether a key says the CRM and not Intercom.
fn side(part: &Part<'_>, key: &str, missing: Option<bool>) -> Option<bool> {
    let Some(word) = part.text(key) else {
        if missing.is_none() && part.value(key).is_none() {
            part.missing(key, &format!("write {key} = \"crm\" or {key} = \"intercom\""));
        }
        return missing.filter(|_| part.value(key).is_none());
    };
    match word.as_str() {
        "crm" => Some(true),
        "intercom" => Some(false),
        other => {
            part.mistake(key, format!("\"{other}\" is no side"), instead_of(other, &["crm", "intercom"]));
            None
        }
    }
}

fn lookup(part: &Part<'_>) -> Option<Lookup> {
    const FIX: &str = "say how one that is there already is found: find = { field = \"email\", value = \
                       \"{contact.email}\" }, find = { key = \"{conversation.id}\" } or find = \"open_of_person\"";
    let Some(value) = part.value("find") else {
        part.mistake("object", "it would be made without a lookup: the second run makes a duplicate", FIX);
        return None;
    };
    if let Some(word) = value.get_ref().as_str() {
        if word == "open_of_person" {
            return Some(Lookup::OpenOfPerson);
        }
        part.mistake("find", format!("there is no lookup \"{word}\""), FIX);
        return None;
    }
    let below = part.part("find")?;
    below.allow(&["field", "value", "key"]);
    match (below.text("key"), below.value("field").is_some()) {
        (Some(key), false) => Some(Lookup::Key(key)),
        (None, true) => {
            Some(Lookup::Field { field: below.needed("field", FIX), value: below.needed("value", FIX) })
        }
        _ => {
            part.mistake("find", "a lookup is by a field or by a key", FIX);
            None
        }
    }
}

#[cfg(test)]
mod tests;
