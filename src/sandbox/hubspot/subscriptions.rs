//! Who may be written to: HubSpot's subscriptions to kinds of mail, by e-mail. Sends nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Portal;
use super::answers::{self, invalid, no_such_path};
use super::shelf::Kind;
use crate::sandbox::desk::iso;
use crate::sandbox::wire::{Answer, Call};

/// id, name, what for.
const DEFINITIONS: [(u64, &str, &str); 2] =
    [(55_101, "Product updates", "News about the product"), (55_102, "One to One", "One to One emails")];
const MADE: i64 = 1_704_103_200_000;

/// Answers people gave, by e-mail and kind of mail.
#[derive(Default)]
pub(super) struct Subscriptions(BTreeMap<(String, u64), (String, i64)>);

impl Portal {
    pub(super) fn route_subscriptions(
        &mut self,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        let by_mail = || match call.parameter("channel") {
            Some("EMAIL") => Ok(()),
            _ => Err(invalid("The query parameter channel must be EMAIL")),
        };
        match (method, path) {
            ("GET", ["definitions"]) => {
                let results: Vec<Value> = DEFINITIONS.iter().map(definition).collect();
                Ok(answers::batch(200, self.now(), &results, &[]))
            }
            ("GET", ["statuses", email]) => {
                by_mail()?;
                let results: Vec<Value> =
                    DEFINITIONS.iter().map(|row| self.status(&email.to_lowercase(), row.0)).collect();
                Ok(answers::batch(200, self.now(), &results, &[]))
            }
            ("POST", ["statuses", email]) => self.set_status(&email.to_lowercase(), &call.body),
            ("GET", ["statuses", email, "unsubscribe-all"]) => {
                by_mail()?;
                let results: Vec<Value> = self.wide_status(&email.to_lowercase()).into_iter().collect();
                Ok(answers::batch(200, self.now(), &results, &[]))
            }
            ("POST", ["statuses", "batch", "unsubscribe-all"]) => {
                by_mail()?;
                let inputs = call.body["inputs"].as_array().ok_or_else(|| invalid("inputs is required"))?;
                let emails: Option<Vec<&str>> = inputs.iter().map(Value::as_str).collect();
                let emails = emails.ok_or_else(|| invalid("inputs must be texts"))?;
                let verbose = call.parameter("verbose") == Some("true");
                let mut results = Vec::new();
                for email in emails {
                    let statuses = self.unsubscribe_from_all(&email.to_lowercase());
                    let mut result = json!({"subscriberIdString": email});
                    if verbose {
                        result["statuses"] = json!(statuses);
                    }
                    results.push(result);
                }
                Ok(answers::batch(200, self.now(), &results, &[]))
            }
            ("POST", ["statuses", email, "unsubscribe-all"]) => {
                by_mail()?;
                let mut shown = self.unsubscribe_from_all(&email.to_lowercase());
                if call.parameter("verbose") != Some("true") {
                    shown.clear();
                }
                Ok(answers::batch(200, self.now(), &shown, &[]))
            }
            _ => Err(no_such_path()),
        }
    }

    fn set_status(&mut self, email: &str, body: &Value) -> Result<Answer, Answer> {
        let id = body["subscriptionId"].as_u64();
        let Some((id, ..)) = DEFINITIONS.iter().find(|row| Some(row.0) == id) else {
            return Err(invalid("subscriptionId does not name a subscription of this portal"));
        };
        let state = body["statusState"].as_str().unwrap_or_default();
        if body["channel"] != "EMAIL" || !matches!(state, "SUBSCRIBED" | "UNSUBSCRIBED" | "NOT_SPECIFIED") {
            return Err(invalid("channel and statusState are required"));
        }
        self.subscriptions.0.insert((email.to_owned(), *id), (state.to_owned(), self.now()));
        self.note_subscription(email, state);
        let mut status = self.status(email, *id);
        status["setStatusSuccessReason"] = json!("REQUESTED_CHANGE_OCCURRED");
        Ok(answers::batch(200, self.now(), &[status], &[]))
    }

    /// Ends every subscription of a person and says how each stands now.
    fn unsubscribe_from_all(&mut self, email: &str) -> Vec<Value> {
        let now = self.now();
        for (id, ..) in DEFINITIONS {
            self.subscriptions.0.insert((email.to_owned(), id), ("UNSUBSCRIBED".to_owned(), now));
        }
        self.note_subscription(email, "UNSUBSCRIBED");
        DEFINITIONS.iter().map(|row| self.status(email, row.0)).collect()
    }

    fn note_subscription(&self, email: &str, state: &str) {
        let contact = self.shelf(Kind::Contacts).with_unique("email", email).map_or(0, |record| record.id);
        self.effect(Kind::Contacts, "subscription", contact, &json!({"email": email, "status": state}));
    }

    fn status(&self, email: &str, id: u64) -> Value {
        let known = self.subscriptions.0.get(&(email.to_owned(), id));
        let (state, at) = known.map_or(("NOT_SPECIFIED", MADE), |(state, at)| (state.as_str(), *at));
        let name = DEFINITIONS.iter().find(|row| row.0 == id).map_or("", |row| row.1);
        json!({
            "channel": "EMAIL",
            "subscriberIdString": email,
            "subscriptionId": id,
            "subscriptionName": name,
            "status": state,
            "source": "API",
            "timestamp": iso(at),
        })
    }

    /// That a person wants no mail at all; HubSpot has nothing to say of one who takes some.
    fn wide_status(&self, email: &str) -> Option<Value> {
        let off = DEFINITIONS.iter().map(|row| self.subscriptions.0.get(&(email.to_owned(), row.0)));
        let off: Vec<i64> =
            off.flatten().filter(|known| known.0 == "UNSUBSCRIBED").map(|known| known.1).collect();
        let last = off.iter().max().filter(|_| off.len() == DEFINITIONS.len())?;
        Some(json!({
            "channel": "EMAIL",
            "subscriberIdString": email,
            "status": "UNSUBSCRIBED",
            "wideStatusType": "PORTAL_WIDE",
            "timestamp": iso(*last),
        }))
    }
}

fn definition(row: &(u64, &str, &str)) -> Value {
    json!({
        "id": row.0.to_string(),
        "name": row.1,
        "description": row.2,
        "purpose": "Marketing",
        "communicationMethod": "Email",
        "isActive": true,
        "isDefault": row.0 == 55_101,
        "isInternal": false,
        "createdAt": iso(MADE),
        "updatedAt": iso(MADE),
    })
}
