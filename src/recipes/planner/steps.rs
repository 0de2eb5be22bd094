//! The steps of a plan, drawn action by action: each knows what earlier ones made or set.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::super::condition::{self, RecipeFault, Scope};
use super::super::contact_sync::{self, Planned, Way};
use super::super::facts::Facts;
use super::super::needs::STAGE_FIELDS;
use super::super::recipe::{Act, Recipe, Target};
use super::super::{template, timeline};
use crate::domain::clock::Timestamp;
use crate::domain::plan::{Effect, FieldSkip, Fill, Notice, Step};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System, value_text};
use crate::domain::text::shorten;
use crate::mapping::Mapping;

/// Intercom takes no more values with an event.
const DETAILS: usize = 10;

/// Whether an action is done at all.
pub(super) fn runs(recipe: &Recipe, place: usize, scope: &Scope) -> Result<bool, RecipeFault> {
    match &recipe.actions[place].when {
        None => Ok(true),
        Some(when) => condition::judge(when, scope)
            .map(|judged| judged.holds)
            .map_err(|fault| fault.at(recipe, &format!("action.{place}.when"))),
    }
}

/// A record an action is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Subject {
    /// One that is there.
    There(RecordRef),
    /// One that a step of this plan makes, and what stands for it until then.
    Made(u32, RecordRef),
}

impl Subject {
    pub(super) fn record(&self) -> &RecordRef {
        match self {
            Self::There(record) | Self::Made(_, record) => record,
        }
    }
}

/// A plan that is being drawn.
pub(super) struct Drawing<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) facts: &'a Facts,
    pub(super) scope: &'a Scope,
    pub(super) base: String,
    pub(super) planned: Planned,
    made: BTreeMap<Target, Subject>,
    /// What steps of this plan set: a later one need not set it again.
    set: HashMap<RecordRef, Fields>,
    /// Why actions did nothing.
    idle: Vec<String>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(recipe: &'a Recipe, facts: &'a Facts, scope: &'a Scope, base: String) -> Self {
        Self {
            recipe,
            facts,
            scope,
            base,
            planned: Planned::default(),
            made: BTreeMap::new(),
            set: HashMap::new(),
            idle: Vec::new(),
        }
    }

    /// Draws one action.
    pub(super) fn act<'m>(
        &mut self,
        place: usize,
        mapping: &dyn Fn(&str) -> Option<&'m Mapping>,
    ) -> Result<(), RecipeFault> {
        let recipe = self.recipe;
        match &recipe.actions[place].act {
            Act::Sync { mapping: name, to_crm, create } => {
                let found = mapping(name).ok_or_else(|| {
                    let known = format!("there is no mapping \"{name}\" for {}", self.facts.crm_connection);
                    RecipeFault::new(name, known).at(recipe, &format!("action.{place}.mapping"))
                })?;
                self.sync(found, *to_crm, *create);
            }
            Act::Log { object } => self.log(*object),
            Act::Update { target, set, forward } => {
                let fields = self.fields(place, "set", set)?;
                self.update(*target, fields, forward, target.as_str());
            }
            Act::Create { .. } => self.create(place)?,
            Act::Relate { from, to } => self.relate(*from, *to),
            Act::Tag { target, tag, on } => {
                let tag = self.text(place, "tag", tag)?;
                let judged = condition::judge(on, self.scope).map_err(|fault| self.at(fault, place, "on"))?;
                match judged.missing {
                    Some(what) => self.idle(format!("tag {tag}"), format!("{what} is missing")),
                    None => self.tag(*target, &tag, judged.holds),
                }
            }
            Act::Track { event, details } => {
                let event = self.text(place, "event", event)?;
                let details = self.fields(place, "details", details)?;
                self.track(event, details);
            }
            Act::Converse { text } => {
                let text = self.text(place, "text", text)?;
                let key = self.key(place);
                let before = self.planned.plan.steps.len();
                self.of_a_contact("begin a conversation", |contact| {
                    (
                        format!("Begin a conversation as {}", contact.title()),
                        Effect::Converse { contact: contact.clone(), text, key },
                    )
                });
                if let Some(step) = self.planned.plan.steps.get(before) {
                    // What follows about the conversation is about this one.
                    let connection = step.effect.connection();
                    let begun =
                        RecordRef { object: ObjectKind::Conversation, ..RecordRef::to_be_made(connection) };
                    self.now_is(Target::Conversation, Subject::Made(before as u32, begun));
                }
            }
            Act::Reply { speaker, text, note } => {
                let (speaker, text) =
                    (self.text(place, "speaker", speaker)?, self.text(place, "text", text)?);
                let (key, note) = (self.key(place), *note);
                self.of_the_conversation("reply", &[("text", &text)], |conversation| {
                    let title = if note { "Leave a note in" } else { "Reply in" };
                    (
                        format!("{title} {}", conversation.title()),
                        Effect::Reply {
                            conversation: conversation.clone(),
                            speaker: speaker.clone(),
                            text: text.clone(),
                            note,
                            key,
                        },
                    )
                });
            }
            Act::Assign { by, to, team } => {
                let (by, to) = (self.text(place, "by", by)?, self.text(place, "to", to)?);
                self.assign(&by, &to, *team);
            }
            Act::Tell { channel, title, fields } => {
                let (channel, title) =
                    (self.text(place, "channel", channel)?, self.text(place, "title", title)?);
                let fields = self.values(place, "fields", fields)?;
                let key = self.key(place);
                self.planned.plan.notices.push(Notice { channel, key, title, fields });
            }
        }
        Ok(())
    }

    /// The plan; one that changes nothing says so.
    pub(super) fn done(mut self) -> Planned {
        let plan = &mut self.planned.plan;
        if plan.steps.is_empty()
            && plan.notices.is_empty()
            && plan.conflicts.is_empty()
            && plan.nothing.is_none()
        {
            let why = self.idle.first().cloned();
            plan.nothing =
                Some(why.unwrap_or_else(|| "No action of the recipe applies; nothing was changed.".into()));
        }
        if !plan.steps.is_empty() || !plan.notices.is_empty() {
            plan.nothing = None;
        }
        self.planned
    }

    pub(super) fn at(&self, fault: RecipeFault, place: usize, key: &str) -> RecipeFault {
        fault.at(self.recipe, &format!("action.{place}.{key}"))
    }

    pub(super) fn key(&self, place: usize) -> String {
        super::key(&self.base, place, "")
    }

    pub(super) fn text(&self, place: usize, key: &str, of: &str) -> Result<String, RecipeFault> {
        template::text(of, self.scope).map_err(|fault| self.at(fault, place, key))
    }

    /// Values as they are told: what is missing is blank.
    fn values(&self, place: usize, key: &str, of: &Fields) -> Result<Fields, RecipeFault> {
        of.iter()
            .map(|(name, value)| {
                let filled = template::filled(value, self.scope);
                Ok((name.clone(), filled.map_err(|fault| self.at(fault, place, &format!("{key}.{name}")))?))
            })
            .collect()
    }

    /// Values as they are written: what is missing is left as it is, and noted; `{null}` empties.
    pub(super) fn fields(&mut self, place: usize, key: &str, of: &Fields) -> Result<Fields, RecipeFault> {
        let mut fields = Fields::new();
        for (name, value) in self.values(place, key, of)? {
            let empties = of[&name].as_str().is_some_and(|text| text.replace(' ', "") == "{null}");
            if value.is_null() && !empties {
                let reason = format!("left as it is: {} gives nothing", value_text(&of[&name]));
                self.planned.plan.skips.push(FieldSkip { field: name, reason });
            } else {
                fields.insert(name, value);
            }
        }
        Ok(fields)
    }

    /// The record an action is about, where there is one.
    pub(super) fn subject(&self, target: Target) -> Option<Subject> {
        if let Some(made) = self.made.get(&target) {
            return Some(made.clone());
        }
        self.mirror(target).map(|mirror| Subject::There(mirror.record.clone()))
    }

    pub(super) fn mirror(&self, target: Target) -> Option<&'a Mirror> {
        let facts = self.facts;
        match target {
            Target::Contact => facts.contact.as_ref(),
            Target::Crm => facts.crm.as_ref(),
            Target::Company => facts.company.as_ref(),
            Target::IntercomCompany => facts.intercom_company.as_ref(),
            Target::Conversation => facts.conversation.as_ref(),
            Target::Deal => facts.deals.first(),
            Target::Ticket => facts.ticket.as_ref(),
        }
    }

    pub(super) fn now_is(&mut self, target: Target, subject: Subject) {
        self.made.insert(target, subject);
    }

    /// Notes that an action does nothing, and why.
    pub(super) fn idle(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let (field, reason) = (what.into(), why.into());
        self.idle.push(format!("Nothing was changed: {field}, {reason}."));
        self.planned.plan.skips.push(FieldSkip { field, reason });
    }

    pub(super) fn nobody(&mut self, what: &str, target: Target) {
        let why = match (target, &self.facts.unmatched) {
            (Target::Crm, Some(why)) => why.trim_end_matches('.').to_owned(),
            (Target::Crm, None) => "the CRM does not know the person".to_owned(),
            (Target::Contact, _) => "Intercom does not know the person".to_owned(),
            (other, _) => format!("there is no {}", other.as_str().replace('_', " ")),
        };
        self.idle(what, why);
    }

    /// Adds a step; one that waits for what an earlier step makes is filled by it.
    pub(super) fn step(&mut self, title: String, effect: Effect, fills: Vec<Fill>) -> u32 {
        let mut step = Step::new(title, effect);
        step.fills = fills;
        self.planned.plan.steps.push(step);
        self.planned.plan.steps.len() as u32 - 1
    }

    fn add(&mut self, subject: &Subject, title: String, effect: Effect) {
        let fills = match subject {
            Subject::There(_) => Vec::new(),
            Subject::Made(step, _) => vec![Fill { field: String::new(), from_step: *step }],
        };
        self.step(title, effect, fills);
    }

    fn sync(&mut self, mapping: &Mapping, to_crm: bool, create: bool) {
        let Some(facts) = &self.facts.sync else {
            self.idle("the sync", "both sides of the person were not read");
            return;
        };
        if to_crm && !create && facts.crm.is_none() {
            self.nobody("the sync", Target::Crm);
            return;
        }
        let way = if to_crm { Way::ToCrm } else { Way::ToIntercom };
        let mut planned = contact_sync::plan(way, facts, mapping, &self.facts.crm_connection);
        let shift = self.planned.plan.steps.len() as u32;
        for step in &mut planned.plan.steps {
            step.fills.iter_mut().for_each(|fill| fill.from_step += shift);
        }
        for (place, step) in planned.plan.steps.iter().enumerate() {
            if let Effect::Create { connection, object: ObjectKind::Contact | ObjectKind::Lead, .. } =
                &step.effect
            {
                let made = Subject::Made(shift + place as u32, RecordRef::to_be_made(connection));
                let target =
                    if connection.system == System::Intercom { Target::Contact } else { Target::Crm };
                self.made.insert(target, made);
            }
        }
        let whole = &mut self.planned;
        whole.plan.steps.append(&mut planned.plan.steps);
        whole.plan.skips.append(&mut planned.plan.skips);
        whole.plan.conflicts.append(&mut planned.plan.conflicts);
        whole.plan.notices.append(&mut planned.plan.notices);
        whole.plan.hops.append(&mut planned.plan.hops);
        whole.plan.nothing = whole.plan.nothing.take().or(planned.plan.nothing);
        whole.agreed.append(&mut planned.agreed);
        whole.will_agree.append(&mut planned.will_agree);
        if whole.plan.steps.is_empty() && whole.plan.conflicts.is_empty() {
            self.idle.push("Both sides say the same already; nothing was changed.".into());
        }
    }

    fn log(&mut self, object: Option<ObjectKind>) {
        let Some(facts) = &self.facts.timeline else {
            self.idle("the log", "the conversation was not read");
            return;
        };
        // Salesforce has two places for it, and takes the word for the one that is not the usual.
        let salesforce = self.facts.crm_connection.system == System::Salesforce;
        let template = match object {
            Some(ObjectKind::Event) if salesforce => Some("event"),
            Some(_) => None,
            None => self.facts.timeline_template.as_deref(),
        };
        let mut planned = timeline::plan(facts, template);
        self.planned.plan.steps.append(&mut planned.plan.steps);
        self.planned.plan.skips.append(&mut planned.plan.skips);
        self.idle.extend(planned.plan.nothing);
    }

    /// Sets what differs; what only moves forward is never set back.
    pub(super) fn update(
        &mut self,
        target: Target,
        mut fields: Fields,
        forward: &BTreeMap<String, Vec<String>>,
        called: &str,
    ) {
        let Some(subject) = self.subject(target) else {
            self.nobody(called, target);
            return;
        };
        let record = subject.record().clone();
        let known = self.mirror(target).filter(|mirror| mirror.record == record);
        self.with_stage_ids(record.object, known, &mut fields);
        let now = |name: &str| {
            let set = self.set.get(&record).and_then(|set| set.get(name)).map(value_text);
            set.or_else(|| known.map(|mirror| mirror.text(name))).unwrap_or_default()
        };
        let mut skips = Vec::new();
        fields.retain(|name, value| {
            let old = now(name);
            let reason = match forward.get(name) {
                _ if same(&old, value) => return false,
                Some(order) => self.backward(record.object, order, &old, &value_text(value)),
                None => None,
            };
            match reason {
                Some(reason) => {
                    skips.push(FieldSkip { field: name.clone(), reason });
                    false
                }
                None => true,
            }
        });
        if fields.is_empty() {
            self.idle.push(match skips.first() {
                Some(skip) => format!("Nothing was changed: {}, {}.", skip.field, skip.reason),
                None => format!("Nothing was changed: {} holds these values already.", record.title()),
            });
            self.planned.plan.skips.append(&mut skips);
            return;
        }
        self.planned.plan.skips.append(&mut skips);
        self.set.entry(record.clone()).or_default().extend(fields.clone());
        // Two actions in a row on one record are one call.
        if let Some(Step { title, effect: Effect::Update { record: last, fields: more }, fills, .. }) =
            self.planned.plan.steps.last_mut()
            && *last == record
            && fills.is_empty()
            && !record.is_to_be_made()
        {
            more.extend(fields);
            *title = format!("Update {}: {}", record.title(), names(more));
            return;
        }
        let title = format!("Update {}: {}", record.title(), names(&fields));
        self.add(&subject, title, Effect::Update { record, fields });
    }

    /// Why a value would not move forward in an order; none when it does.
    fn backward(&self, object: ObjectKind, order: &[String], old: &str, new: &str) -> Option<String> {
        if old.trim().is_empty() {
            return None;
        }
        let place = |value: &str| order.iter().position(|one| self.same_stage(object, one, value));
        match (place(old), place(new)) {
            (Some(before), Some(after)) if after > before => None,
            (Some(_), Some(_)) => {
                Some(format!("it stays {}: it only moves forward", self.label(object, old)))
            }
            (None, _) => {
                Some(format!("it stays {}, which the recipe's order does not name", self.label(object, old)))
            }
            (_, None) => Some(format!("{} is not named in the recipe's order", shorten(new, 40))),
        }
    }

    fn same_stage(&self, object: ObjectKind, one: &str, other: &str) -> bool {
        let id = |value: &str| self.stage_id(object, None, value).unwrap_or_else(|| value.to_owned());
        one == other || id(one) == id(other)
    }

    fn label(&self, object: ObjectKind, value: &str) -> String {
        let stages = &self.facts.stages;
        let label =
            stages.iter().find(|stage| stage.object == object && stage.id == value).map(|stage| &stage.label);
        shorten(label.map_or(value, String::as_str), 40).into_owned()
    }

    /// The id of a stage that people call so, in a pipeline where one is known.
    fn stage_id(&self, object: ObjectKind, pipeline: Option<&str>, value: &str) -> Option<String> {
        let of = || self.facts.stages.iter().filter(move |stage| stage.object == object);
        if let Some(stage) = of().find(|stage| stage.id == value) {
            return Some(stage.id.clone());
        }
        let labelled = || of().filter(|stage| stage.label == value);
        let own = labelled().find(|stage| pipeline.is_some_and(|own| own == stage.pipeline));
        own.or_else(|| labelled().next()).map(|stage| stage.id.clone())
    }

    /// Labels of stages become what records hold.
    pub(super) fn with_stage_ids(&self, object: ObjectKind, known: Option<&Mirror>, fields: &mut Fields) {
        let pipeline = ["pipeline", "hs_pipeline"].iter().find_map(|name| {
            let set = fields.get(*name).map(value_text);
            set.or_else(|| known.map(|mirror| mirror.text(name))).filter(|pipeline| !pipeline.is_empty())
        });
        for name in STAGE_FIELDS {
            if let Some(Value::String(label)) = fields.get(name)
                && let Some(id) = self.stage_id(object, pipeline.as_deref(), label)
            {
                fields.insert(name.to_owned(), Value::String(id));
            }
        }
    }

    fn relate(&mut self, from: Target, to: Target) {
        let what = format!("relate {} to {}", from.as_str(), to.as_str());
        let Some(one) = self.subject(from) else { return self.nobody(&what, from) };
        let Some(other) = self.subject(to) else { return self.nobody(&what, to) };
        if matches!(other, Subject::Made(..)) {
            // A record is related from its birth by the action that makes it.
            return self.idle(
                what,
                "the record is only being made; name it under relate of the action that makes it",
            );
        }
        let (record, related) = (one.record().clone(), other.record().clone());
        if record.connection != related.connection {
            return self.idle(what, "they are in different systems");
        }
        let known = self.mirror(from).filter(|mirror| mirror.record == record);
        if related.object == ObjectKind::Company
            && known.is_some_and(|mirror| mirror.companies.contains(&related.id))
        {
            self.idle.push(format!("Nothing was changed: {} is related to it already.", record.title()));
            return;
        }
        let title = format!("Relate {} to {}", record.title(), related.title());
        self.add(&one, title, Effect::link(record, related));
    }

    fn tag(&mut self, target: Target, tag: &str, on: bool) {
        let tag = tag.trim().to_owned();
        if tag.is_empty() {
            return self.idle("the tag", "its name is blank");
        }
        let Some(subject) = self.subject(target) else { return self.nobody(&format!("tag {tag}"), target) };
        let record = subject.record().clone();
        let known = match target {
            Target::Conversation => true,
            // The tags that were read are the conversation's where there is one.
            Target::Contact => self.facts.conversation.is_none() && matches!(subject, Subject::There(_)),
            _ => false,
        };
        if known && self.facts.tags.contains(&tag) == on {
            let state = if on { "has" } else { "does not have" };
            self.idle.push(format!("Nothing was changed: {} {state} the tag \"{tag}\".", record.title()));
            return;
        }
        let title = if on {
            format!("Put the tag \"{}\" on {}", shorten(&tag, 60), record.title())
        } else {
            format!("Take the tag \"{}\" off {}", shorten(&tag, 60), record.title())
        };
        self.add(&subject, title, Effect::Tag { record, tag, on });
    }

    fn track(&mut self, event: String, mut details: Fields) {
        if event.trim().is_empty() {
            return self.idle("the event", "its name is blank");
        }
        while details.len() > DETAILS {
            let Some(last) = details.keys().next_back().cloned() else { break };
            details.remove(&last);
            let reason = format!("Intercom takes {DETAILS} values with an event");
            self.planned.plan.skips.push(FieldSkip { field: last, reason });
        }
        let at = self
            .facts
            .event
            .get("at")
            .and_then(Value::as_i64)
            .map_or(self.facts.now, Timestamp::from_seconds);
        self.of_a_contact("the event", |contact| {
            let title = format!("Tell Intercom that {} did {}", contact.title(), shorten(&event, 60));
            (title, Effect::Track { contact: contact.clone(), event, at, details })
        });
    }

    fn of_a_contact(&mut self, what: &str, make: impl FnOnce(&RecordRef) -> (String, Effect)) {
        let Some(subject) = self.subject(Target::Contact) else { return self.nobody(what, Target::Contact) };
        let (title, effect) = make(subject.record());
        self.add(&subject, title, effect);
    }

    fn of_the_conversation(
        &mut self,
        what: &str,
        needed: &[(&str, &str)],
        make: impl FnOnce(&RecordRef) -> (String, Effect),
    ) {
        if let Some((name, _)) = needed.iter().find(|(_, value)| value.trim().is_empty()) {
            return self.idle(what, format!("its {name} is blank"));
        }
        let Some(subject) = self.subject(Target::Conversation) else {
            return self.nobody(what, Target::Conversation);
        };
        let (title, effect) = make(subject.record());
        self.add(&subject, title, effect);
    }

    fn assign(&mut self, by: &str, to: &str, team: bool) {
        let field = if team { "team_assignee_id" } else { "admin_assignee_id" };
        if let Some(conversation) = &self.facts.conversation
            && !to.is_empty()
            && conversation.text(field) == to
        {
            self.idle.push(format!("Nothing was changed: {} has it already.", conversation.record.title()));
            return;
        }
        // Without a name the settings' teammate does it, else whoever the token belongs to.
        self.of_the_conversation("assign", &[("to", to)], |conversation| {
            let whom = if team { "team" } else { "teammate" };
            let title = format!("Assign {} to {whom} {}", conversation.title(), shorten(to, 40));
            let (by, to) = (by.to_owned(), to.to_owned());
            (title, Effect::Assign { conversation: conversation.clone(), by, to, team })
        });
    }
}

/// A record's value says the same as a new one: a CRM tells numbers and flags as texts.
fn same(old: &str, new: &Value) -> bool {
    let text = value_text(new);
    let number = |text: &str| text.trim().parse::<f64>().ok();
    old == text || (new.is_number() && number(old).is_some() && number(old) == number(&text))
}

pub(super) fn names(fields: &Fields) -> String {
    fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
