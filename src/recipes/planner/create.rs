//! Looking for a record and making it where there is none: never twice, never beside one that fits.

use serde_json::Value;

use super::super::condition::{RecipeFault, Scope};
use super::super::facts::Facts;
use super::super::recipe::{Act, Lookup, Recipe, Target};
use super::super::template;
use super::steps::{Drawing, Subject, names};
use super::{By, Wanted, key};
use crate::domain::plan::{Effect, Fill, RELATED};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System, value_text};

/// Where a record of an action is, or would be made.
fn place_of(facts: &Facts, in_intercom: bool) -> Connection {
    if !in_intercom {
        return facts.crm_connection.clone();
    }
    let known = [&facts.contact, &facts.conversation, &facts.intercom_company];
    known
        .into_iter()
        .flatten()
        .next()
        .map_or_else(|| Connection::only(System::Intercom), |mirror| mirror.record.connection.clone())
}

/// The person or organisation among whose records one is looked for: the first it is to be related to.
fn whose(facts: &Facts, relate: &[Target]) -> Option<RecordRef> {
    let of = |target: &Target| match target {
        Target::Crm => facts.crm.as_ref(),
        Target::Company => facts.company.as_ref(),
        _ => None,
    };
    let own = relate.iter().find_map(of).or(facts.crm.as_ref()).or(facts.company.as_ref());
    own.map(|mirror: &Mirror| mirror.record.clone())
}

/// The key of ours in the text of a record that is found by one.
fn lookup_key(recipe: &Recipe, place: usize, text: &str) -> String {
    key(&recipe.name, place, text)
}

/// The lookup an action asks for.
pub(super) fn wanted(
    recipe: &Recipe,
    place: usize,
    facts: &Facts,
    scope: &Scope,
) -> Result<Option<Wanted>, RecipeFault> {
    let Act::Create { object, in_intercom, find, relate, .. } = &recipe.actions[place].act else {
        return Ok(None);
    };
    let text = |of: &str| {
        template::text(of, scope).map_err(|fault| fault.at(recipe, &format!("action.{place}.find")))
    };
    let by = match find {
        Lookup::Field { field, value } => {
            let value = text(value)?.trim().to_owned();
            (!value.is_empty()).then(|| By::Field { field: field.clone(), value })
        }
        Lookup::OpenOfPerson => facts.crm.as_ref().map(|person| By::OpenOfPerson(person.record.clone())),
        Lookup::Key(key) => {
            let key = lookup_key(recipe, place, &text(key)?);
            whose(facts, relate).map(|of| By::Key { of, key })
        }
    };
    let connection = place_of(facts, *in_intercom);
    Ok(by.map(|by| Wanted { action: place, connection, object: *object, by }))
}

/// The field of a record that holds text a person reads, where a key of ours does not disturb.
fn text_field(system: System, object: ObjectKind) -> &'static str {
    match (system, object) {
        (System::Hubspot, ObjectKind::Task) => "hs_task_body",
        (System::Hubspot, ObjectKind::Note) => "hs_note_body",
        (System::Hubspot, ObjectKind::Event) => "hs_meeting_body",
        (System::Hubspot, ObjectKind::Ticket) => "content",
        (System::Salesforce, _) => "Description",
        _ => "description",
    }
}

/// What later actions call a record of a kind.
fn target_of(object: ObjectKind, in_intercom: bool) -> Option<Target> {
    match (object, in_intercom) {
        (ObjectKind::Contact | ObjectKind::Lead, true) => Some(Target::Contact),
        (ObjectKind::Contact | ObjectKind::Lead, false) => Some(Target::Crm),
        (ObjectKind::Company, true) => Some(Target::IntercomCompany),
        (ObjectKind::Company, false) => Some(Target::Company),
        (ObjectKind::Deal, false) => Some(Target::Deal),
        (ObjectKind::Ticket, _) => Some(Target::Ticket),
        _ => None,
    }
}

impl Drawing<'_> {
    /// Draws an action that makes a record where its lookup found none.
    pub(super) fn create(&mut self, place: usize) -> Result<(), RecipeFault> {
        let recipe = self.recipe;
        let Act::Create { object, in_intercom, find, set_found, .. } = &recipe.actions[place].act else {
            return Ok(());
        };
        let what = format!("the {object}");
        let asked = wanted(recipe, place, self.facts, self.scope)?;
        let to_be_made = matches!(self.subject(Target::Crm), Some(Subject::Made(..)));
        let found: Vec<Mirror> = match (&asked, self.facts.found.get(&place)) {
            (Some(_), Some(found)) => found.iter().filter(|mirror| !mirror.deleted).cloned().collect(),
            (Some(_), None) => {
                self.idle(what, "it was not looked for, so none is made");
                return Ok(());
            }
            // Whoever is only being made has no records yet.
            (None, _) if to_be_made && !matches!(find, Lookup::Field { .. }) => Vec::new(),
            (None, _) if matches!(find, Lookup::Field { .. }) => {
                self.idle(what, "what it is looked for by is blank, so none is made");
                return Ok(());
            }
            (None, _) => {
                self.nobody(&what, Target::Crm);
                return Ok(());
            }
        };
        match (&found[..], find) {
            ([], _) => self.make(place, asked.as_ref().map(|wanted| &wanted.by))?,
            ([one, other, ..], Lookup::Field { field, .. }) => {
                let why = format!(
                    "{} and {} both have this {field}: merge them first, then retry",
                    one.record.title(),
                    other.record.title()
                );
                self.idle(what, why);
            }
            ([one, ..], _) => {
                let target = target_of(*object, *in_intercom);
                if let Some(target) = target {
                    self.now_is(target, Subject::There(one.record.clone()));
                }
                let fields = self.fields(place, "set_found", set_found)?;
                self.update_found(one, fields);
            }
        }
        Ok(())
    }

    /// Sets on a record that was found what differs.
    fn update_found(&mut self, found: &Mirror, mut fields: serde_json::Map<String, Value>) {
        self.with_stage_ids(found.record.object, Some(found), &mut fields);
        fields.retain(|name, value| found.text(name) != value_text(value));
        if fields.is_empty() {
            self.idle("the lookup", format!("{} is there already and stays as it is", found.record.title()));
            return;
        }
        let title = format!("Update {}: {}", found.record.title(), names(&fields));
        self.step(title, Effect::Update { record: found.record.clone(), fields }, Vec::new());
    }

    fn make(&mut self, place: usize, by: Option<&By>) -> Result<(), RecipeFault> {
        let recipe = self.recipe;
        let Act::Create { object, in_intercom, find, set, relate, .. } = &recipe.actions[place].act else {
            return Ok(());
        };
        let connection = place_of(self.facts, *in_intercom);
        let mut fields = self.fields(place, "set", set)?;
        fields.retain(|_, value| !value_text(value).trim().is_empty());
        self.with_stage_ids(*object, None, &mut fields);
        let identity = match (find, by) {
            (Lookup::Field { field, .. }, Some(By::Field { value, .. })) => {
                // What it is looked for by is in it, or the next run would not find it.
                if !fields.keys().any(|name| name.eq_ignore_ascii_case(field)) {
                    fields.insert(field.clone(), Value::String(value.clone()));
                }
                let own = fields.keys().find(|name| name.eq_ignore_ascii_case(field));
                own.unwrap_or(field).clone()
            }
            _ => {
                let key = match (find, by) {
                    (Lookup::Key(_), Some(By::Key { key, .. })) => key.clone(),
                    (Lookup::Key(text), _) => lookup_key(recipe, place, &self.text(place, "find", text)?),
                    _ => self.key(place),
                };
                let field = text_field(connection.system, *object).to_owned();
                let text = fields.get(&field).map(value_text).unwrap_or_default();
                let text = if text.is_empty() { key } else { format!("{text}\n\n{key}") };
                fields.insert(field.clone(), Value::String(text));
                field
            }
        };
        let (mut related, mut fills) = (Vec::new(), Vec::new());
        for target in relate {
            match self.subject(*target) {
                Some(subject) if subject.record().connection != connection => {}
                Some(Subject::There(record)) => related.push(record),
                Some(Subject::Made(from_step, record)) => {
                    related.push(record);
                    fills.push(Fill { field: RELATED.to_owned(), from_step });
                }
                None => {
                    let field = format!("relation to {}", target.as_str().replace('_', " "));
                    let reason = "there is none".to_owned();
                    self.planned.plan.skips.push(crate::domain::plan::FieldSkip { field, reason });
                }
            }
        }
        let title = format!("Create {} {object}: {}", connection.system.title(), names(&fields));
        let made = RecordRef { object: *object, ..RecordRef::to_be_made(&connection) };
        let effect = Effect::Create { connection, object: *object, fields, identity, related };
        let step = self.step(title, effect, fills);
        if let Some(target) = target_of(*object, *in_intercom) {
            self.now_is(target, Subject::Made(step, made));
        }
        Ok(())
    }
}
