//! What the audit log keeps of a write by hand: that it was about to be sent, and how it ended. No personal data: ids
//! and kinds only.

use serde_json::{Map, Value};

use super::answer::Refused;
use crate::cli::problem::Problem;
use crate::cli::wiring;
use crate::domain::audit::NewEntry;
use crate::domain::plan::Call;
use crate::domain::record::{Connection, value_text};
use crate::journal::Journal;
use crate::vendors::VendorError;
use crate::vendors::operation::Operation;

/// How many ids of an answer stand in the closing line.
const NAMED: usize = 5;

/// Where writes by hand are noted.
pub(super) struct Desk {
    journal: Journal,
    actor: String,
    object: String,
    what: String,
}

impl Desk {
    pub(super) fn new(
        journal: Journal,
        connection: &Connection,
        operation: &Operation,
        id: &str,
        call: &Call,
    ) -> Self {
        Self {
            journal,
            actor: wiring::actor(),
            object: format!("{connection}{id}"),
            // Not the path: an address may stand in it, and the log keeps no personal data.
            what: format!("{} ({})", operation.name, call.method),
        }
    }

    pub(super) async fn note(&self, what: &str) -> Result<(), Problem> {
        let entry = NewEntry {
            actor: self.actor.clone(),
            verb: "call".to_owned(),
            object: self.object.clone(),
            note: format!("{}: {what}", self.what),
        };
        self.journal.audit(vec![entry]).await.map_err(|error| {
            Problem::runtime(
                format!("The audit log cannot be written ({what})."),
                error.to_string(),
                "check the journal's file and disk; `reknit audit list` shows what is noted",
            )
        })
    }
}

/// How a write ended: refused in part or done, and what it made.
pub(super) fn told(outcome: &Result<Value, VendorError>, kind: &str, named: &str) -> String {
    match outcome {
        Ok(answer) => {
            let mut told = Refused::of(answer)
                .map_or_else(|| "done".to_owned(), |it| format!("{} of {} refused", it.refused, it.all));
            let made = made(answer, named.trim_start_matches('/'));
            let rest = made.len().saturating_sub(NAMED);
            let mut what = vec![made[..made.len() - rest].join(", ")];
            what.insert(0, kind.to_owned());
            what.retain(|part| !part.is_empty());
            if !what.is_empty() {
                told.push_str(&format!(" ({})", what.join(" ")));
            }
            if rest > 0 {
                told.push_str(&format!(", {rest} more"));
            }
            told
        }
        Err(error) if error.may_have_happened => format!("failed ({}); it may have happened", error.class),
        Err(error) => format!("failed ({}); it did not happen", error.class),
    }
}

/// The ids in an answer, without the one the line names anyhow.
fn made(answer: &Value, named: &str) -> Vec<String> {
    let own = |value: &Value| value.get("id").or_else(|| value.get("Id")).map(value_text);
    let of = |rows: Option<&Vec<Value>>| rows.into_iter().flatten().filter_map(own).collect::<Vec<_>>();
    let mut ids: Vec<String> = own(answer).into_iter().collect();
    ids.extend(of(answer.as_array()));
    ids.extend(of(answer.get("results").and_then(Value::as_array)));
    let parts = answer.get("compositeResponse").and_then(Value::as_array);
    ids.extend(parts.into_iter().flatten().filter_map(|part| part.get("body").and_then(own)));
    ids.retain(|id| plain(id) && id != named);
    ids
}

/// What a parameter calls the type of the records, if one does.
pub(super) fn kind(values: &Map<String, Value>) -> String {
    let named = ["objectType", "sobject"].iter().find_map(|name| values.get(*name));
    named.map(value_text).filter(|kind| plain(kind)).unwrap_or_default()
}

/// An id or a name, and nobody's address.
fn plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// `/151` when the call names one record by its id; empty otherwise.
pub(super) fn named_id(values: &Map<String, Value>) -> String {
    // Then what stands in the place of the id is a value of the record: a telephone number, perhaps.
    if values.get("idProperty").is_some_and(|by| !value_text(by).is_empty()) {
        return String::new();
    }
    values
        .iter()
        .filter(|(name, _)| *name == "id" || name.ends_with("_id") || name.ends_with("Id"))
        .map(|(_, id)| value_text(id))
        .find(|id| plain(id))
        .map(|id| format!("/{id}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_closing_line_names_what_was_made_and_nobody() {
        let told = |answer: Value, kind: &str, named: &str| told(&Ok(answer), kind, named);
        assert_eq!(told(Value::Null, "", "/1"), "done");
        assert_eq!(told(json!({"id": "1"}), "", "/1"), "done");
        assert_eq!(told(json!({"id": 7}), "contacts", "/1"), "done (contacts 7)");
        assert_eq!(told(json!({"id": "mara@quint.example"}), "", ""), "done");
        assert_eq!(told(json!({"results": [{"id": "1"}, {"id": "2"}]}), "notes", ""), "done (notes 1, 2)");
        let rows: Vec<Value> = (0..8).map(|id| json!({"id": format!("00Q{id}"), "success": true})).collect();
        assert_eq!(told(json!(rows), "Lead", ""), "done (Lead 00Q0, 00Q1, 00Q2, 00Q3, 00Q4), 3 more");
        let part = json!([{"id": "00Q1", "success": true}, {"success": false, "errors": []}]);
        assert_eq!(told(part, "Lead", ""), "1 of 2 refused (Lead 00Q1)");
        let composite = json!({"compositeResponse": [{"httpStatusCode": 201, "body": {"id": "001"}}]});
        assert_eq!(told(composite, "", ""), "done (001)");
    }

    #[test]
    fn a_value_in_the_place_of_an_id_is_not_noted() {
        let named = |values: Value| named_id(values.as_object().expect("object"));
        assert_eq!(named(json!({"objectId": "151"})), "/151");
        assert_eq!(named(json!({"objectId": "4930123", "idProperty": "phone"})), "");
        assert_eq!(named(json!({"objectId": "mara@quint.example"})), "");
    }
}
