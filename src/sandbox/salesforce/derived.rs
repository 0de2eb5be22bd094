//! Fields and rows the org keeps by itself: closed flags, and the direct relation between a contact and its
//! account. It only follows what was written.

use serde_json::{Map, Value, json};

use super::Org;
use super::rows::Change;
use crate::sandbox::desk::Who;

/// How likely an opportunity in that stage is to be won, in hundredths.
pub(super) fn probability(stage: &str) -> f64 {
    match stage {
        "Closed Won" => 100.0,
        "Closed Lost" => 0.0,
        "Negotiation/Review" => 90.0,
        "Proposal/Price Quote" => 75.0,
        "Value Proposition" => 50.0,
        "Needs Analysis" => 20.0,
        _ => 10.0,
    }
}

impl Org {
    /// What tells one new row from another, for the books.
    pub(super) fn created_detail(&self, object: &str, id: &str) -> Value {
        let Some(row) = self.row(object, id) else { return Value::Null };
        let told = [
            "Email",
            "Name",
            "LastName",
            "Company",
            "Subject",
            "StageName",
            "Status",
            "WhoId",
            "WhatId",
            "ContactId",
            "AccountId",
            "OwnerId",
        ];
        let of_an_activity = ["Task", "Event", "Case", "Opportunity"].contains(&object);
        let told = if of_an_activity { &told[..] } else { &told[..5] };
        let fields =
            row.fields.iter().filter(|(name, _)| told.contains(&name.as_str()) || name.ends_with("_ID__c"));
        Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Brings derived fields and rows up to date after a row was written.
    pub(super) fn keep_derived(&mut self, object: &str, id: &str) {
        match object {
            "Contact" => self.keep_relation(id),
            "Opportunity" => {
                self.keep_role(id);
                self.keep_closed(object, id);
            }
            "Task" | "Case" => self.keep_closed(object, id),
            _ => {}
        }
    }

    /// The contact an opportunity was made with has the primary role in it.
    fn keep_role(&mut self, id: &str) {
        let contact = self.row("Opportunity", id).and_then(|row| row.text("ContactId")).map(str::to_owned);
        let Some(contact) = contact else { return };
        let known = self.live("OpportunityContactRole", "OpportunityId", id);
        if known.iter().any(|role| role.text("ContactId") == Some(&contact)) {
            return;
        }
        let fields = json!({"OpportunityId": id, "ContactId": contact, "IsPrimary": true});
        let Value::Object(fields) = fields else { return };
        let now = self.now();
        let object = "OpportunityContactRole";
        let role = self.put(object, fields.clone(), now, Who::Ui);
        self.note(Change { object, kind: "create", id: role, who: Who::Ui, detail: Value::Object(fields) });
    }

    /// The id of the live relation between an account and a contact.
    pub(super) fn relation(&self, account: &str, contact: &str) -> Option<String> {
        let relations = self.live("AccountContactRelation", "ContactId", contact);
        relations.into_iter().find(|row| row.text("AccountId") == Some(account)).map(|row| row.id.clone())
    }

    fn keep_relation(&mut self, contact: &str) {
        let account = self.row("Contact", contact).and_then(|row| row.text("AccountId")).map(str::to_owned);
        let relations = self.live("AccountContactRelation", "ContactId", contact);
        let direct = relations.into_iter().find(|row| row.flag("IsDirect"));
        if direct.and_then(|row| row.text("AccountId")) == account.as_deref() {
            return;
        }
        // The org removes the former direct relation by itself; the one to the new account may exist as an
        // indirect one and becomes direct.
        if let Some(former) = direct.map(|row| row.id.clone()) {
            self.bin("AccountContactRelation", &former, None, Who::Ui);
        }
        let Some(account) = account else { return };
        match self.relation(&account, contact) {
            Some(existing) => {
                if let Some(mut row) = self.row_mut("AccountContactRelation", &existing) {
                    row.fields.insert("IsDirect".to_owned(), json!(true));
                }
            }
            None => {
                let id = self.relate(contact, &account, self.now());
                let detail = json!({"AccountId": account, "ContactId": contact, "IsDirect": true});
                let object = "AccountContactRelation";
                self.note(Change { object, kind: "create", id, who: Who::Ui, detail });
            }
        }
    }

    /// Writes the direct relation of a contact and its account.
    pub(in crate::sandbox) fn relate(&mut self, contact: &str, account: &str, at: i64) -> String {
        let mut fields = Map::new();
        fields.insert("AccountId".to_owned(), json!(account));
        fields.insert("ContactId".to_owned(), json!(contact));
        fields.insert("IsDirect".to_owned(), json!(true));
        fields.insert("IsActive".to_owned(), json!(true));
        self.put("AccountContactRelation", fields, at, Who::Ui)
    }

    fn keep_closed(&mut self, object: &str, id: &str) {
        let now = super::rows::moment(self.now());
        let Some(row) = self.row(object, id) else { return };
        let text = |field: &str| row.text(field).unwrap_or_default().to_owned();
        let mut derived: Vec<(&str, Value)> = Vec::new();
        match object {
            "Task" => {
                derived.push(("IsClosed", json!(text("Status") == "Completed")));
                let account =
                    [("WhatId", "001"), ("WhoId", "003")].into_iter().find_map(|(field, prefix)| {
                        let id = row.text(field).filter(|id| id.starts_with(prefix))?;
                        let of_contact = || self.row("Contact", id)?.text("AccountId").map(str::to_owned);
                        if prefix == "001" { Some(id.to_owned()) } else { of_contact() }
                    });
                derived.push(("AccountId", json!(account)));
            }
            "Opportunity" => {
                let stage = text("StageName");
                derived.push(("IsClosed", json!(stage.starts_with("Closed"))));
                derived.push(("IsWon", json!(stage == "Closed Won")));
                // Whoever writes a stage without a probability gets the stage's own.
                if row.fields.get("Probability").is_none() {
                    derived.push(("Probability", json!(probability(&stage))));
                }
            }
            _ => {
                let closed = text("Status") == "Closed";
                derived.push(("IsClosed", json!(closed)));
                let since = row.text("ClosedDate").map_or(now, str::to_owned);
                derived.push(("ClosedDate", if closed { json!(since) } else { Value::Null }));
            }
        }
        if let Some(mut row) = self.row_mut(object, id) {
            for (name, value) in derived {
                if value.is_null() || value == json!(false) {
                    row.fields.shift_remove(name);
                } else {
                    row.fields.insert(name.to_owned(), value);
                }
            }
        }
    }
}
