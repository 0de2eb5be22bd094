//! Intercom companies: create-or-update by the client's own id, and which contacts belong to them.

use serde_json::{Map, Value, json};

use super::answers::{company_missing, contact_missing, pages, refused, whole_list};
use super::{Company, Version, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

const WRITABLE: [&str; 12] = [
    "company_id",
    "name",
    "plan",
    "size",
    "website",
    "industry",
    "custom_attributes",
    "remote_created_at",
    "monthly_spend",
    "update_last_request_at",
    "id",
    "type",
];

impl Workspace {
    pub(super) fn upsert_company(&mut self, call: &Call) -> Answer {
        let Some(fields) = call.body.as_object() else {
            return refused(400, "bad_request", "a JSON object is required");
        };
        if let Some(unknown) = fields.keys().find(|key| !WRITABLE.contains(&key.as_str())) {
            return refused(400, "bad_request", &format!("bad '{unknown}' parameter"));
        }
        let Some(company_id) = fields.get("company_id").and_then(Value::as_str) else {
            return refused(400, "parameter_not_found", "company_id is required");
        };
        let known = self.company_ids.get(company_id).cloned();
        let id = match known {
            Some(id) => {
                self.change_company(&id, fields);
                id
            }
            None => self.add_company(company_id, fields),
        };
        Answer::ok(shapes::company(&self.companies[&id]))
    }

    /// Creates a company under the client's id.
    pub(in crate::sandbox) fn add_company(
        &mut self,
        company_id: &str,
        fields: &Map<String, Value>,
    ) -> String {
        let now = self.now();
        let id = self.next_hex_id(now);
        let mut company = Company {
            id: id.clone(),
            company_id: company_id.to_owned(),
            created: now,
            updated: now,
            ..Company::default()
        };
        fill(&mut company, fields);
        self.put_company(company);
        self.effect("company", "create", &id, &json!({"company_id": company_id}));
        self.notify("company.created", &shapes::company_in_webhook(&self.companies[&id]));
        id
    }

    pub(in crate::sandbox) fn put_company(&mut self, company: Company) {
        self.company_ids.insert(company.company_id.clone(), company.id.clone());
        self.companies.insert(company.id.clone(), company);
    }

    fn change_company(&mut self, id: &str, fields: &Map<String, Value>) {
        let now = self.now();
        let Some(company) = self.companies.get_mut(id) else { return };
        let before = shapes::company(company);
        fill(company, fields);
        if shapes::company(company) == before {
            return;
        }
        company.updated = now.max(company.updated + 1);
        self.effect("company", "update", id, &json!({}));
        self.notify("company.updated", &shapes::company_in_webhook(&self.companies[id]));
    }

    pub(super) fn update_company(&mut self, id: &str, call: &Call) -> Answer {
        if !self.companies.contains_key(id) {
            return company_missing();
        }
        if let Some(fields) = call.body.as_object() {
            self.change_company(id, fields);
        }
        Answer::ok(shapes::company(&self.companies[id]))
    }

    pub(super) fn show_company(&self, id: &str) -> Answer {
        self.companies.get(id).map_or_else(company_missing, |company| Answer::ok(shapes::company(company)))
    }

    pub(super) fn delete_company(&mut self, id: &str) -> Answer {
        let Some(company) = self.companies.remove(id) else { return company_missing() };
        self.company_ids.remove(&company.company_id);
        for contact in &company.contacts {
            if let Some(contact) = self.contacts.get_mut(contact) {
                contact.companies.retain(|known| known != id);
            }
        }
        self.effect("company", "delete", id, &json!({}));
        self.notify(
            "company.deleted",
            &json!({"id": id, "company_id": company.company_id, "type": "company", "deleted": true}),
        );
        Answer::ok(json!({"id": id, "object": "company", "deleted": true}))
    }

    pub(super) fn find_companies(&self, call: &Call) -> Answer {
        let found = match (call.parameter("company_id"), call.parameter("name")) {
            (Some(company_id), _) => self.company_ids.get(company_id).and_then(|id| self.companies.get(id)),
            (None, Some(name)) => self.companies.values().find(|company| company.name == name),
            (None, None) => return self.page_of_companies(call.number("page"), call.number("per_page")),
        };
        // A list even of the one company that was asked for: so says the document, schema and example.
        found.map_or_else(company_missing, |company| Answer::ok(whole_list(&[shapes::company(company)])))
    }

    pub(super) fn list_companies(&self, call: &Call) -> Answer {
        self.page_of_companies(call.number("page"), call.number("per_page"))
    }

    fn page_of_companies(&self, page: Option<usize>, per_page: Option<usize>) -> Answer {
        let per_page = per_page.unwrap_or(15).clamp(1, 60);
        let page = page.unwrap_or(1).max(1);
        if page * per_page > 10_000 {
            return refused(400, "page_limit_exceeded", "only the first 10,000 companies can be listed");
        }
        let visible: Vec<&Company> =
            self.companies.values().filter(|company| !company.contacts.is_empty()).collect();
        let data: Vec<Value> = visible
            .iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .map(|company| shapes::company(company))
            .collect();
        let mut pages = pages(visible.len(), page, per_page, None);
        pages["next"] = if page * per_page < visible.len() {
            json!(format!("/companies/list?per_page={per_page}&page={}", page + 1))
        } else {
            Value::Null
        };
        Answer::ok(json!({"type": "list", "data": data, "pages": pages, "total_count": visible.len()}))
    }

    /// The scroll parameter is the last id shown; nothing is kept open on our side.
    pub(super) fn scroll_companies(&self, call: &Call) -> Answer {
        let after = call.parameter("scroll_param").unwrap_or_default().to_owned();
        let shown: Vec<&Company> = self
            .companies
            .range::<String, _>((std::ops::Bound::Excluded(after.clone()), std::ops::Bound::Unbounded))
            .map(|(_, company)| company)
            .filter(|company| !company.contacts.is_empty())
            .take(100)
            .collect();
        let scroll = shown.last().map_or(after, |company| company.id.clone());
        let data: Vec<Value> = shown.iter().map(|company| shapes::company(company)).collect();
        Answer::ok(
            json!({"type": "list", "data": data, "pages": null, "total_count": null, "scroll_param": scroll}),
        )
    }

    pub(super) fn contacts_of_company(&self, id: &str, version: Version) -> Answer {
        let Some(company) = self.companies.get(id) else { return company_missing() };
        let data: Vec<Value> = company
            .contacts
            .iter()
            .filter_map(|contact| self.contacts.get(contact))
            .map(|contact| shapes::contact(contact, version))
            .collect();
        Answer::ok(whole_list(&data))
    }

    pub(super) fn companies_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> = contact
            .companies
            .iter()
            .filter_map(|company| self.companies.get(company))
            .map(shapes::company)
            .collect();
        Answer::ok(whole_list(&data))
    }

    pub(super) fn attach_company(&mut self, contact_id: &str, call: &Call) -> Answer {
        if !self.contacts.contains_key(contact_id) {
            return contact_missing();
        }
        let Some(company_id) = call.text("id").map(str::to_owned) else {
            return refused(400, "parameter_not_found", "company not specified");
        };
        if !self.companies.contains_key(&company_id) {
            return company_missing();
        }
        if self.contacts[contact_id].companies.len() >= 1_000 {
            return refused(400, "contact_company_limit_exceeded", "a contact has at most 1000 companies");
        }
        self.attach(contact_id, &company_id);
        Answer::ok(shapes::company(&self.companies[&company_id]))
    }

    /// Relates the two; doing it again changes nothing.
    pub(in crate::sandbox) fn attach(&mut self, contact_id: &str, company_id: &str) {
        let now = self.now();
        let Some(contact) = self.contacts.get_mut(contact_id) else { return };
        if contact.companies.iter().any(|known| known == company_id) {
            return;
        }
        contact.companies.push(company_id.to_owned());
        contact.updated = now.max(contact.updated + 1);
        if let Some(company) = self.companies.get_mut(company_id) {
            company.contacts.insert(contact_id.to_owned());
        }
        self.effect("contact_company", "attach", contact_id, &json!({"company": company_id}));
        self.notify_attachment(company_id, contact_id, true);
    }

    pub(super) fn detach_company(&mut self, contact_id: &str, company_id: &str) -> Answer {
        let now = self.now();
        let Some(contact) = self.contacts.get_mut(contact_id) else { return contact_missing() };
        let Some(company) = self.companies.get_mut(company_id) else { return company_missing() };
        let before = contact.companies.len();
        contact.companies.retain(|known| known != company_id);
        company.contacts.remove(contact_id);
        if contact.companies.len() < before {
            contact.updated = now.max(contact.updated + 1);
            self.effect("contact_company", "detach", contact_id, &json!({"company": company_id}));
            self.notify_attachment(company_id, contact_id, false);
        }
        Answer::ok(shapes::company(&self.companies[company_id]))
    }
}

fn fill(company: &mut Company, fields: &Map<String, Value>) {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = text("name") {
        company.name = name;
    }
    company.website = text("website").or(company.website.take());
    company.industry = text("industry").or(company.industry.take());
    company.plan = text("plan").or(company.plan.take());
    company.size = fields.get("size").and_then(Value::as_i64).or(company.size);
    company.remote_created =
        fields.get("remote_created_at").and_then(Value::as_i64).or(company.remote_created);
    if let Some(spend) = fields.get("monthly_spend").and_then(Value::as_f64) {
        company.monthly_spend = spend as i64;
    }
    for (name, value) in fields.get("custom_attributes").and_then(Value::as_object).into_iter().flatten() {
        company.custom.insert(name.clone(), value.clone());
    }
}
