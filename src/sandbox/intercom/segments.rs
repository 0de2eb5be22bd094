//! Segments: who is in one follows from a rule each time it is asked. Kept by nobody, changed through no call.

use serde_json::{Value, json};

use super::answers::{company_missing, contact_missing};
use super::{Company, Contact, Workspace};
use crate::sandbox::wire::{Answer, Call};

/// One segment of people or of companies.
pub(super) struct Segment {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) rule: Rule,
    made: i64,
}

/// Who is in it.
pub(super) enum Rule {
    /// Users seen in the last thirty days.
    Active,
    /// Leads nobody can call.
    LeadsWithoutPhone,
    /// Companies of a hundred and more.
    BigCompanies,
    /// People and companies with a tag.
    Tagged(String),
    /// People with a value in a custom attribute.
    Has(String),
}

/// When the workspace's first segments were made.
const MADE: i64 = 1_704_103_200;
const THIRTY_DAYS: i64 = 30 * 86_400;

/// The segments a workspace starts with.
pub(super) fn standing() -> Vec<Segment> {
    let rules = [
        ("Active users", Rule::Active),
        ("Leads without a phone", Rule::LeadsWithoutPhone),
        ("Big companies", Rule::BigCompanies),
    ];
    let numbered = rules.into_iter().enumerate();
    numbered.map(|(number, (name, rule))| segment(number, name, rule, MADE)).collect()
}

fn segment(number: usize, name: &str, rule: Rule, made: i64) -> Segment {
    Segment { id: format!("6592a1e05e67a1d2c3{number:06x}"), name: name.to_owned(), rule, made }
}

impl Workspace {
    /// Somebody of the team makes a segment; the answer is its id.
    pub(in crate::sandbox) fn add_segment(&mut self, name: &str, by: &str, value: &str) -> Option<String> {
        let rule = match by {
            "tag" => Rule::Tagged(self.ensure_tag(value)),
            "attribute" => Rule::Has(value.to_owned()),
            _ => return None,
        };
        let made = segment(self.segments.len(), name, rule, self.now() / 1_000);
        let id = made.id.clone();
        self.segments.push(made);
        Some(id)
    }

    fn person_is_in(&self, rule: &Rule, contact: &Contact) -> bool {
        match rule {
            Rule::Active => {
                let since = self.now() / 1_000 - THIRTY_DAYS;
                contact.user && contact.last_seen.is_some_and(|seen| seen >= since)
            }
            Rule::LeadsWithoutPhone => !contact.user && contact.phone.is_none(),
            Rule::BigCompanies => false,
            Rule::Tagged(tag) => contact.tags.iter().any(|(known, _)| known == tag),
            Rule::Has(attribute) => contact.custom.contains_key(attribute),
        }
    }

    pub(super) fn segments_with<'a>(&'a self, contact: &'a Contact) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |segment| self.person_is_in(&segment.rule, contact))
    }

    pub(super) fn segments_of<'a>(&'a self, company: &'a Company) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |segment| match &segment.rule {
            Rule::BigCompanies => company.size.is_some_and(|size| size >= 100),
            Rule::Tagged(tag) => company.tags.contains(tag),
            _ => false,
        })
    }

    /// Names of the segments that need a tag.
    pub(super) fn segments_on_tag(&self, tag: &str) -> Vec<&str> {
        let needs = |segment: &&Segment| matches!(&segment.rule, Rule::Tagged(known) if known == tag);
        self.segments.iter().filter(needs).map(|segment| segment.name.as_str()).collect()
    }

    pub(super) fn segment_on_attribute(&self, name: &str) -> bool {
        self.segments.iter().any(|segment| matches!(&segment.rule, Rule::Has(known) if known == name))
    }

    pub(super) fn segment_shape(&self, segment: &Segment, counted: bool) -> Value {
        let person = if matches!(segment.rule, Rule::Active) { "user" } else { "contact" };
        let mut shape = json!({
            "type": "segment",
            "id": segment.id,
            "name": segment.name,
            "created_at": segment.made,
            "updated_at": segment.made,
            "person_type": person,
        });
        if counted {
            let live = self.contacts.values().filter(|contact| !contact.archived);
            shape["count"] = json!(live.filter(|contact| self.person_is_in(&segment.rule, contact)).count());
        }
        shape
    }

    pub(super) fn list_segments(&self, call: &Call) -> Answer {
        let counted = call.parameter("include_count") == Some("true");
        let segments: Vec<Value> =
            self.segments.iter().map(|segment| self.segment_shape(segment, counted)).collect();
        Answer::ok(json!({"type": "segment.list", "segments": segments}))
    }

    pub(super) fn segments_of_contact(&self, id: &str) -> Answer {
        let Some(contact) = self.contacts.get(id) else { return contact_missing() };
        let data: Vec<Value> =
            self.segments_with(contact).map(|segment| self.segment_shape(segment, false)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }

    pub(super) fn segments_of_company(&self, id: &str) -> Answer {
        let Some(company) = self.companies.get(id) else { return company_missing() };
        let data: Vec<Value> =
            self.segments_of(company).map(|segment| self.segment_shape(segment, false)).collect();
        Answer::ok(json!({"type": "list", "data": data}))
    }
}
