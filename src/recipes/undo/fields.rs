//! Values of a survivor, three ways: as they were before a merge, as the merge left them, as they are now.
//!
//! What the merge changed and nobody has changed since is put back; everything else is left as it is, and said. Pure.

use serde_json::Value;

use crate::domain::record::{Fields, System, named, value_text};
use crate::domain::schema::ObjectSchema;

/// A field that is left as it is, although the merge changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The vendor's field.
    pub field: String,
    /// Why it is left.
    pub why: &'static str,
}

/// Why a field is left: somebody has changed it.
pub const CHANGED_SINCE: &str = "changed since the merge";
/// Why a field is left: an opt-out is never taken back.
pub const CONSENT: &str = "an opt-out is never taken back by Reknit";
/// Why a field is left: no call writes it.
pub const READ_ONLY: &str = "no call may write it";

/// What is put back, and what is left.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sorted {
    /// Values to write; null empties.
    pub restore: Fields,
    /// Fields the merge changed that are left.
    pub kept: Vec<Kept>,
}

/// Sorts the fields of a survivor. `whole` says that `now` holds every field there is: else one that is missing was not
/// looked at, and counts as unchanged.
pub fn sort(before: &Fields, after: &Fields, (now, whole): (&Fields, bool), rules: &Writing<'_>) -> Sorted {
    let mut sorted = Sorted::default();
    let mut names: Vec<&String> = before.keys().collect();
    names.extend(after.keys().filter(|name| named(before, name).is_none()));
    for name in names {
        let (was, left) = (value(before, name), value(after, name));
        if alike(was, left) || !rules.is_substance(name) {
            continue;
        }
        let stands = match named(now, name) {
            Some(value) => value,
            None if whole => &Value::Null,
            None => left,
        };
        if alike(stands, was) {
            continue;
        }
        let kept = |why| Kept { field: name.clone(), why };
        if !alike(stands, left) {
            sorted.kept.push(kept(CHANGED_SINCE));
        } else if rules.loosens_consent(name, was) {
            sorted.kept.push(kept(CONSENT));
        } else if !rules.may_write(name) {
            sorted.kept.push(kept(READ_ONLY));
        } else {
            let back = if value_text(was).is_empty() { Value::Null } else { was.clone() };
            sorted.restore.insert(name.clone(), back);
        }
    }
    sorted
}

fn value<'a>(fields: &'a Fields, name: &str) -> &'a Value {
    named(fields, name).unwrap_or(&Value::Null)
}

/// Whether two values are one to a reader: empty is null, 5 is "5".
pub fn alike(one: &Value, other: &Value) -> bool {
    value_text(one).trim() == value_text(other).trim()
}

/// Which fields of a kind of record a call may write.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// Whose record it is.
    pub system: System,
    /// How the kind looks there, where that is known.
    pub schema: Option<&'a ObjectSchema>,
}

impl Writing<'_> {
    /// Stamps, counters and what the vendor works out by itself say nothing of a person.
    pub fn is_substance(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        match self.system {
            System::Hubspot => {
                const OWN: [&str; 8] = [
                    "hs_additional_emails",
                    "hs_merged_object_ids",
                    "hs_calculated_merged_vids",
                    "hs_object_id",
                    "createdate",
                    "lastmodifieddate",
                    "hs_lastmodifieddate",
                    "associatedcompanyid",
                ];
                !OWN.contains(&lower.as_str())
            }
            System::Salesforce => {
                const OWN: [&str; 9] = [
                    "id",
                    "isdeleted",
                    "masterrecordid",
                    "createddate",
                    "createdbyid",
                    "lastmodifieddate",
                    "lastmodifiedbyid",
                    "systemmodstamp",
                    "name",
                ];
                !OWN.contains(&lower.as_str()) && !name.contains('.')
            }
            System::Intercom => {
                const OWN: [&str; 7] =
                    ["id", "role", "workspace_id", "created_at", "updated_at", "external_id", "archived"];
                !OWN.contains(&lower.as_str())
                    && !lower.starts_with("location.")
                    && !lower.starts_with("social_profiles")
            }
        }
    }

    /// Whether a call may write it. Without a look at the vendor's fields, what is known to be its own is left out.
    pub fn may_write(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        match self.system {
            // Intercom's description of its own attributes does not say what a contact may be written.
            System::Intercom => {
                const TAKEN: [&str; 8] = [
                    "email",
                    "phone",
                    "name",
                    "owner_id",
                    "unsubscribed_from_emails",
                    "signed_up_at",
                    "last_seen_at",
                    "language_override",
                ];
                match lower.strip_prefix("custom_attributes.") {
                    Some(_) => self.by_schema(name).unwrap_or(true),
                    None => TAKEN.contains(&lower.as_str()),
                }
            }
            System::Hubspot => self.by_schema(name).unwrap_or_else(|| {
                const WRITTEN: [&str; 5] =
                    ["hs_lead_status", "hs_language", "hs_persona", "hs_timezone", "hs_role"];
                !(lower.starts_with("hs_") && !WRITTEN.contains(&lower.as_str())
                    || lower.starts_with("num_")
                    || lower.starts_with("notes_last")
                    || lower.starts_with("first_conversion")
                    || lower.starts_with("recent_conversion")
                    || lower.starts_with("hubspot_owner_assigned"))
            }),
            System::Salesforce => self.by_schema(name).unwrap_or_else(|| {
                const OWN: [&str; 9] = [
                    "isconverted",
                    "converteddate",
                    "convertedcontactid",
                    "convertedaccountid",
                    "convertedopportunityid",
                    "lastactivitydate",
                    "photourl",
                    "isemailbounced",
                    "individualid",
                ];
                !OWN.contains(&lower.as_str())
                    && !lower.starts_with("lastviewed")
                    && !lower.starts_with("lastreferenced")
                    && !lower.ends_with("address")
                    && !lower.starts_with("jigsaw")
            }),
        }
    }

    fn by_schema(&self, name: &str) -> Option<bool> {
        let schema = self.schema?;
        // What the vendor does not describe, it does not take either.
        Some(schema.field(name).is_some_and(|field| field.writable))
    }

    /// Whether writing a value would let mail be sent to somebody who said no.
    pub fn loosens_consent(&self, name: &str, value: &Value) -> bool {
        let lower = name.to_ascii_lowercase();
        let consent = match self.system {
            System::Hubspot => lower.starts_with("hs_email_optout"),
            System::Salesforce => {
                matches!(lower.as_str(), "hasoptedoutofemail" | "donotcall" | "hasoptedoutoffax")
            }
            System::Intercom => lower == "unsubscribed_from_emails",
        };
        consent && !matches!(value_text(value).as_str(), "true" | "yes")
    }
}

/// What a merge leaves of two records by the vendor's rule, where nobody looked after it: the survivor's values, its
/// blanks filled from the other one. None where the rule is not known well enough to act on.
pub fn by_rule(system: System, same_kind: bool, survivor: &Fields, absorbed: &Fields) -> Option<Fields> {
    if !same_kind {
        return None;
    }
    let mut after = survivor.clone();
    if system == System::Salesforce {
        return Some(after);
    }
    for (name, value) in absorbed {
        let blank = after.get(name).is_none_or(|own| value_text(own).trim().is_empty());
        if blank && !value_text(value).trim().is_empty() {
            after.insert(name.clone(), value.clone());
        }
    }
    Some(after)
}
