//! Intercom companies: create-or-update by the client's own id, and which contacts belong to them. One that
//! nobody belongs to is not in any list.

use serde_json::{Map, Value, json};

use super::answers::{company_missing, contact_missing, next_page, numbered, pages, refused, required};
use super::{Company, Contact, Version, Workspace, shapes};
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
/// No list goes further.
const LISTED: usize = 10_000;
/// A contact belongs to no more.
const COMPANIES_OF_CONTACT: usize = 1_000;

impl Workspace {
    pub(super) fn upsert_company(&mut self, call: &Call) -> Answer {
        let Some(fields) = call.body.as_object() else {
            return refused(400, "bad_request", "a JSON object is required");
        };
        if let Some(unknown) = fields.keys().find(|key| !WRITABLE.contains(&key.as_str())) {
            return refused(400, "bad_request", &format!("bad '{unknown}' parameter"));
        }
        let company_id = match fields.get("company_id") {
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return required("company_id"),
        };
        if let Err(refusal) = self.check_company(fields) {
            return refusal;
        }
        let id = match self.company_ids.get(&company_id).cloned() {
            Some(id) => {
                self.change_company(&id, fields);
                id
            }
            None => self.add_company(&company_id, fields),
        };
        self.show_company(&id)
    }

    fn check_company(&self, fields: &Map<String, Value>) -> Result<(), Answer> {
        let custom = fields.get("custom_attributes").unwrap_or(&Value::Null);
        self.fill_custom("company", &mut Map::new(), custom)
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
        fill(&mut company, fields, now);
        self.put_company(company);
        self.effect("company", "create", &id, &json!({"company_id": company_id}));
        self.notify("company.created", &self.company_in_webhook(&self.companies[&id]));
        id
    }

    pub(in crate::sandbox) fn put_company(&mut self, company: Company) {
        self.company_ids.insert(company.company_id.clone(), company.id.clone());
        self.companies.insert(company.id.clone(), company);
    }

    fn change_company(&mut self, id: &str, fields: &Map<String, Value>) {
        let now = self.now();
        let Some(mut company) = self.companies.get(id).cloned() else { return };
        let before = shapes::company_in_webhook(&company);
        fill(&mut company, fields, now);
        if shapes::company_in_webhook(&company) == before {
            return;
        }
        company.updated = now.max(company.updated + 1);
        self.notify("company.updated", &self.company_in_webhook(&company));
        self.companies.insert(id.to_owned(), company);
        self.effect("company", "update", id, &json!({}));
    }

    pub(super) fn update_company(&mut self, id: &str, call: &Call) -> Answer {
        if !self.companies.contains_key(id) {
            return company_missing();
        }
        if let Some(fields) = call.body.as_object() {
            if let Err(refusal) = self.check_company(fields) {
                return refusal;
            }
            self.change_company(id, fields);
        }
        self.show_company(id)
    }

    /// A company as REST shows it, with its tags, segments and notes.
    pub(super) fn company_shape(&self, company: &Company) -> Value {
        let mut shape = shapes::company(company);
        shape["tags"]["tags"] = company.tags.iter().map(|tag| self.tag_basic(tag)).collect();
        shape["segments"]["segments"] =
            self.segments_of(company).map(|segment| self.segment_shape(segment, false)).collect();
        shape
    }

    pub(super) fn company_in_webhook(&self, company: &Company) -> Value {
        let mut shape = shapes::company_in_webhook(company);
        shape["tags"]["tags"] = company.tags.iter().map(|tag| self.tag_basic(tag)).collect();
        shape
    }

    pub(super) fn show_company(&self, id: &str) -> Answer {
        self.companies.get(id).map_or_else(company_missing, |company| Answer::ok(self.company_shape(company)))
    }

    /// The document calls it an archive that happens later; here it has happened when the answer comes.
    pub(super) fn delete_company(&mut self, id: &str) -> Answer {
        let Some(company) = self.companies.remove(id) else { return company_missing() };
        let now = self.now();
        self.company_ids.remove(&company.company_id);
        for contact in &company.contacts {
            self.contacts.change(contact, now, |contact| contact.companies.retain(|known| known != id));
        }
        self.effect("company", "delete", id, &json!({}));
        self.notify(
            "company.deleted",
            &json!({"id": id, "company_id": company.company_id, "type": "company", "deleted": true}),
        );
        Answer::ok(json!({"id": id, "object": "company", "deleted": true}))
    }

    /// A list even of the one company that was asked for: so says the document, schema and example.
    pub(super) fn find_companies(&self, call: &Call) -> Answer {
        let found: Option<Vec<&Company>> = match ["company_id", "name", "tag_id", "segment_id"]
            .map(|field| call.parameter(field))
        {
            [Some(id), ..] => {
                self.company_ids.get(id).and_then(|id| self.companies.get(id)).map(|found| vec![found])
            }
            [_, Some(name), ..] => {
                let named: Vec<_> = self.companies.values().filter(|company| company.name == name).collect();
                (!named.is_empty()).then_some(named)
            }
            [_, _, Some(tag), _] => {
                let tagged = |company: &&Company| company.tags.iter().any(|known| known == tag);
                Some(self.visible_companies().filter(tagged).collect())
            }
            [_, _, _, Some(segment)] => {
                let inside = |company: &&Company| self.segments_of(company).any(|one| one.id == segment);
                Some(self.visible_companies().filter(inside).collect())
            }
            _ => Some(self.visible_companies().collect()),
        };
        found.map_or_else(company_missing, |found| self.page_of_companies(call, &found))
    }

    pub(super) fn list_companies(&self, call: &Call) -> Answer {
        let mut companies: Vec<&Company> = self.visible_companies().collect();
        companies.sort_by_key(|company| (company.last_request, company.id.as_str()));
        if call.parameter("order") != Some("asc") {
            companies.reverse();
        }
        self.page_of_companies(call, &companies)
    }

    pub(super) fn visible_companies(&self) -> impl Iterator<Item = &Company> {
        self.companies.values().filter(|company| !company.contacts.is_empty())
    }

    fn page_of_companies(&self, call: &Call, companies: &[&Company]) -> Answer {
        let per_page = call.number("per_page").unwrap_or(15).clamp(1, 60);
        let page = call.number("page").unwrap_or(1).max(1);
        if page.saturating_mul(per_page) > LISTED {
            // That it ends there is documented; what it then says is not.
            return refused(400, "page_limit_exceeded", "only the first 10,000 companies can be listed");
        }
        let shown = companies.iter().skip((page - 1) * per_page).take(per_page);
        let data: Vec<Value> = shown.map(|company| self.company_shape(company)).collect();
        let mut pages = pages(companies.len(), page, per_page, None);
        pages["next"] = json!(next_page(call, page, per_page, companies.len()));
        Answer::ok(json!({"type": "list", "data": data, "pages": pages, "total_count": companies.len()}))
    }

    pub(super) fn contacts_of_company(&self, id: &str, call: &Call, version: Version) -> Answer {
        let Some(company) = self.companies.get(id) else { return company_missing() };
        let contacts: Vec<&Contact> = company
            .contacts
            .iter()
            .filter_map(|contact| self.contacts.get(contact))
            .filter(|contact| !contact.archived)
            .collect();
        Answer::ok(numbered(call, &contacts, |contact| shapes::contact(contact, version)))
    }

    pub(super) fn companies_of_contact(&self, id: &str, call: &Call) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let companies: Vec<&Company> =
            contact.companies.iter().filter_map(|company| self.companies.get(company)).collect();
        let mut answer = numbered(call, &companies, |company| self.company_shape(company));
        // The document names the rows `companies`, and the official client reads only that; live answers were seen with
        // `data`. Who reads either must find them.
        answer["companies"] = answer["data"].clone();
        Answer::ok(answer)
    }

    pub(super) fn attach_company(&mut self, contact_id: &str, call: &Call) -> Answer {
        let Some(contact) = self.contacts.get(contact_id) else { return contact_missing() };
        let Some(company_id) = call.text("id").map(str::to_owned) else {
            return refused(400, "parameter_not_found", "company not specified");
        };
        if !self.companies.contains_key(&company_id) {
            return company_missing();
        }
        if contact.companies.len() >= COMPANIES_OF_CONTACT && !contact.companies.contains(&company_id) {
            let message = "Contact has reached the maximum of 1000 company associations";
            return refused(400, "contact_company_limit_exceeded", message);
        }
        self.attach(contact_id, &company_id);
        self.show_company(&company_id)
    }

    /// Relates the two; doing it again changes nothing.
    pub(in crate::sandbox) fn attach(&mut self, contact_id: &str, company_id: &str) {
        let now = self.now();
        let Some(contact) = self.contacts.get(contact_id) else { return };
        if contact.companies.iter().any(|known| known == company_id) {
            return;
        }
        self.contacts.change(contact_id, now, |contact| contact.companies.push(company_id.to_owned()));
        if let Some(company) = self.companies.get_mut(company_id) {
            company.contacts.insert(contact_id.to_owned());
        }
        self.effect("contact_company", "attach", contact_id, &json!({"company": company_id}));
        self.notify_attachment(company_id, contact_id, true);
    }

    pub(super) fn detach_company(&mut self, contact_id: &str, company_id: &str) -> Answer {
        let now = self.now();
        let Some(contact) = self.contacts.get(contact_id) else { return contact_missing() };
        let attached = contact.companies.iter().any(|known| known == company_id);
        let Some(company) = self.companies.get_mut(company_id) else { return company_missing() };
        company.contacts.remove(contact_id);
        if attached {
            self.contacts
                .change(contact_id, now, |contact| contact.companies.retain(|known| known != company_id));
            self.effect("contact_company", "detach", contact_id, &json!({"company": company_id}));
            self.notify_attachment(company_id, contact_id, false);
        }
        self.show_company(company_id)
    }
}

fn fill(company: &mut Company, fields: &Map<String, Value>, now: i64) {
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
    if fields.get("update_last_request_at").and_then(Value::as_bool) == Some(true) {
        company.last_request = Some(now / 1_000);
    }
    for (name, value) in fields.get("custom_attributes").and_then(Value::as_object).into_iter().flatten() {
        if value.is_null() {
            company.custom.shift_remove(name);
        } else {
            company.custom.insert(name.clone(), value.clone());
        }
    }
}
