//! An attribute mapping of another connector, from JSON or CSV, as a mapping file of ours.
//!
//! What has a new name since Intercom's API 2.0 gets it; what is gone, or would not load, is left out and named with
//! the reason. Old mappings have no owners: the side a value comes from is taken, and a human is asked where both
//! sides write. Nothing is guessed silently: the text says which owner was assumed. Texts in, text out.

mod anonymous;
mod entries;

use super::file::Mapping;
use super::gone::gone;
pub use anonymous::{AnonymousId, NotAnAnonymousId};
use entries::Entry;

/// More is no mapping of a human's.
const MOST: usize = 2_000;

/// What became of a mapping from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// A mapping file that loads; empty when nothing could be taken.
    pub text: String,
    /// What could not be taken: the entry as it was, and why.
    pub left_out: Vec<(String, String)>,
    /// What was changed on the way, as sentences.
    pub changed: Vec<String>,
    /// Events that the old connector sent to Intercom.
    pub outgoing_events: Vec<String>,
    /// Webhook topics that it listened to, under their present names.
    pub incoming_events: Vec<String>,
}

/// A file that is neither of the two formats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotImported(pub String);

/// Reads an old mapping. JSON is an object of names, or a list of entries with `service` and `hull`, `intercom` and
/// `crm`, `from` and `to` or `source` and `target`; lists under `outgoing_attributes`, `incoming_attributes`,
/// `outgoing_events` and `incoming_events` are understood. CSV has the same names in its first line.
pub fn import(text: &str) -> Result<Imported, NotImported> {
    let read = entries::read(text)?;
    let mut imported = Imported {
        outgoing_events: read.outgoing_events,
        incoming_events: read.incoming_events.iter().map(|topic| topic_today(topic)).collect(),
        ..Imported::default()
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (place, entry) in read.entries.into_iter().enumerate() {
        let shown = format!("{} = {}", entry.intercom, entry.crm);
        if place >= MOST {
            imported.left_out.push((shown, format!("only the first {MOST} entries are taken")));
            continue;
        }
        match field(entry, &mut names, &mut imported.changed) {
            Ok(text) => fields.push((shown, text)),
            Err(why) => imported.left_out.push((shown, why)),
        }
    }
    // What our own rules refuse is left out with their words, until the rest loads.
    loop {
        let (text, starts) = whole(&fields);
        let Err(errors) = Mapping::read(&text, "imported.toml") else {
            imported.text = if fields.is_empty() { String::new() } else { text };
            return Ok(imported);
        };
        let mut refused: Vec<(usize, String)> = Vec::new();
        for error in errors {
            let place = starts.iter().rposition(|start| *start <= error.line);
            let why = if error.fix.is_empty() { error.why } else { format!("{}; {}", error.why, error.fix) };
            match place {
                Some(place) if refused.iter().all(|(known, _)| *known != place) => refused.push((place, why)),
                Some(_) => {}
                None => return Err(NotImported(format!("Nothing was taken over: {why}."))),
            }
        }
        refused.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (place, why) in refused {
            imported.left_out.push((fields.remove(place).0, why));
        }
    }
}

/// The file, and the line at which each field begins.
fn whole(fields: &[(String, String)]) -> (String, Vec<usize>) {
    let mut text = String::from(
        "# Taken over from another connector. Old mappings name no owners: check owner and direction of each field.\n\n\
         [mapping]\nname = \"contact\"\nversion = 1\nintercom = \"contact\"\ncrm = \"contact\"\nsystem = \"\"\n\n\
         [identity]\ncrm = \"intercom_contact_id\"\nintercom = \"custom_attributes.crm_contact_id\"\n",
    );
    let mut starts = Vec::with_capacity(fields.len());
    let mut line = text.matches('\n').count() + 1;
    for (_, field) in fields {
        starts.push(line);
        line += field.matches('\n').count();
        text.push_str(field);
    }
    (text, starts)
}

fn field(entry: Entry, names: &mut Vec<String>, changed: &mut Vec<String>) -> Result<String, String> {
    let Entry { mut intercom, crm, direction } = entry;
    if intercom.trim().is_empty() || crm.trim().is_empty() {
        return Err("one of the two names is empty".into());
    }
    // Users and leads are kept apart: what one group says is never written from a contact of the other.
    let mut role = "";
    for (prefix, of) in [("intercom_user/", "user"), ("intercom_lead/", "lead"), ("intercom/", "")] {
        if let Some(rest) = intercom.strip_prefix(prefix) {
            intercom = rest.to_owned();
            role = of;
            break;
        }
    }
    if let Some(today) = renamed(&intercom) {
        changed.push(format!("{intercom} is called {today} today."));
        today.clone_into(&mut intercom);
    }
    if let Some((why, fix)) = gone(&intercom) {
        return Err(format!("{why}; {fix}"));
    }
    if !intercom.contains('.') && !STANDARD.contains(&intercom.as_str()) {
        changed.push(format!(
            "{intercom} is no field of contacts: taken for an attribute, custom_attributes.{intercom}."
        ));
        intercom = format!("custom_attributes.{intercom}");
    }
    let direction = match direction.as_str() {
        "to_intercom" | "outgoing" | "in" => "to_intercom",
        "both" | "bidirectional" => "both",
        "" | "to_crm" | "incoming" | "out" => "to_crm",
        other => return Err(format!("there is no direction \"{other}\"; write to_crm, to_intercom or both")),
    };
    let owner = match direction {
        "to_crm" => "intercom",
        "to_intercom" => "crm",
        _ => "review",
    };
    let time = intercom.ends_with("_at") && !intercom.starts_with("custom_attributes.");
    let mut name = crm.clone();
    let mut count = 1;
    while names.contains(&name) {
        count += 1;
        name = format!("{crm} {count}");
    }
    names.push(name.clone());
    let quoted = |text: &str| toml_edit::Value::from(text).to_string().trim().to_owned();
    let mut text = format!(
        "\n[[field]]\nname = {}\nintercom = {}\ncrm = [{}]\ndirection = \"{direction}\"\nowner = \"{owner}\"\n\
         transform = \"{}\"\n",
        quoted(&name),
        quoted(&intercom),
        quoted(&crm),
        if time { "unix_to_iso" } else { "direct" },
    );
    if !role.is_empty() {
        text.push_str(&format!("role = \"{role}\"\n"));
    }
    Ok(text)
}

fn renamed(intercom: &str) -> Option<&'static str> {
    Some(match intercom {
        "user_id" => "external_id",
        "location_data.city_name" => "location.city",
        "location_data.region_name" => "location.region",
        "location_data.country_name" => "location.country",
        "last_request_at" => "last_seen_at",
        "companies.name" | "company" => "company.name",
        _ => return None,
    })
}

/// Topics of API 1.x speak of users, and of leads as contacts.
fn topic_today(topic: &str) -> String {
    match topic {
        "user.created" => "contact.user.created",
        "user.deleted" => "contact.deleted",
        "user.unsubscribed" => "contact.unsubscribed",
        "user.tag.created" => "contact.user.tag.created",
        "user.tag.deleted" => "contact.user.tag.deleted",
        "user.email.updated" => "contact.email.updated",
        "contact.created" => "contact.lead.created",
        "contact.added_email" => "contact.lead.added_email",
        "contact.signed_up" => "contact.lead.signed_up",
        "contact.tag.created" => "contact.lead.tag.created",
        "contact.tag.deleted" => "contact.lead.tag.deleted",
        other => other,
    }
    .to_owned()
}

/// What Intercom's contacts hold beside their attributes.
const STANDARD: [&str; 33] = [
    "id",
    "external_id",
    "email",
    "phone",
    "name",
    "avatar",
    "role",
    "owner_id",
    "created_at",
    "updated_at",
    "signed_up_at",
    "last_seen_at",
    "last_replied_at",
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "language_override",
    "browser",
    "browser_version",
    "browser_language",
    "os",
    "has_hard_bounced",
    "marked_email_as_spam",
    "unsubscribed_from_emails",
    "android_app_name",
    "android_app_version",
    "android_device",
    "android_last_seen_at",
    "ios_app_name",
    "ios_app_version",
    "ios_device",
    "ios_last_seen_at",
    "workspace_id",
];

#[cfg(test)]
mod tests;
