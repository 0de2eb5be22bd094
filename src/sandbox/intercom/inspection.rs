//! Looking at the workspace from outside its API: for tests, for the books and for comparing worlds. Reads only.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Version, Workspace, shapes};

impl Workspace {
    /// A contact as REST shows it in the newest version.
    pub(in crate::sandbox) fn contact_shape(&self, id: &str) -> Option<Value> {
        self.contacts.get(id).map(|found| shapes::contact(found, Version::NEWEST))
    }

    /// A conversation with all its parts, as REST shows it.
    pub(in crate::sandbox) fn whole_conversation(&self, id: u64) -> Option<Value> {
        let found = self.conversations.get(&id)?;
        Some(self.conversation_shape(found, Some(usize::MAX)))
    }

    /// How many live records of each type there are.
    pub(in crate::sandbox) fn census(&self) -> Value {
        json!({
            "contacts": self.contacts.live(),
            "companies": self.companies.len(),
            "conversations": self.conversations.len(),
        })
    }

    /// Live contacts that the API created more than once for one e-mail.
    pub(in crate::sandbox) fn created_twice(&self) -> Vec<Value> {
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for contact in self.contacts.values().filter(|contact| contact.by_api && !contact.archived) {
            if let Some(email) = &contact.email {
                groups.entry(email.to_lowercase()).or_default().push(&contact.id);
            }
        }
        groups
            .into_iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(
                |(email, ids)| json!({"vendor": "intercom", "property": "email", "value": email, "ids": ids}),
            )
            .collect()
    }

    /// One line for every record, in a fixed order.
    pub(in crate::sandbox) fn lines(&self) -> Vec<String> {
        let contacts = self.contacts.values().map(|contact| shapes::contact_in_webhook(contact).to_string());
        let companies =
            self.companies.values().map(|company| shapes::company_in_webhook(company).to_string());
        contacts.chain(companies).collect()
    }
}
