//! What a recipe has to know before it can be judged and planned: read off its expressions, texts and actions, so that
//! nothing else is gathered. An event whose recipe looks at one field costs no more calls than that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::condition::{self, RecipeFault};
use super::recipe::{Act, Lookup, Recipe, Target};
use super::template;
use crate::domain::record::ObjectKind;

/// What is to be gathered.
#[expect(clippy::struct_excessive_bools, reason = "each stands for one read of its own, in any combination")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The person in Intercom.
    pub contact: bool,
    /// The person in the CRM.
    pub crm: bool,
    /// The person's organisation in the CRM.
    pub company: bool,
    /// The person's organisation in Intercom.
    pub intercom_company: bool,
    /// The conversation.
    pub conversation: bool,
    /// The person's conversations.
    pub conversations: bool,
    /// The tags of the conversation, else of the person.
    pub tags: bool,
    /// The person's open sales, or the one the event is about.
    pub deals: bool,
    /// The support case for the conversation.
    pub ticket: bool,
    /// Stages of these objects, as labels and ids.
    pub stages: BTreeSet<ObjectKind>,
    /// What was said, for an action that logs the conversation.
    pub timeline: bool,
    /// The mapping by which fields are carried over, and whether to the CRM.
    pub sync: Option<(String, bool)>,
    /// By the name expressions use: fields that are read or written, `custom_attributes.plan`. A record that is named as a
    /// whole adds none.
    pub fields: BTreeMap<String, BTreeSet<String>>,
}

/// Names of the CRMs' fields that hold a stage.
pub(super) const STAGE_FIELDS: [&str; 4] = ["dealstage", "hs_pipeline_stage", "StageName", "Status"];

/// Every expression of a recipe, with the path of where it stands.
pub(super) fn expressions(recipe: &Recipe) -> Result<Vec<(String, String)>, RecipeFault> {
    let mut found = Vec::new();
    for (place, require) in recipe.require.iter().enumerate() {
        found.push((format!("require.{place}.that"), require.that.clone()));
    }
    if let Some(condition) = &recipe.condition {
        found.push(("condition.when".to_owned(), condition.when.clone()));
    }
    for (place, route) in recipe.routes.iter().enumerate() {
        found.extend(route.when.clone().map(|when| (format!("route.{place}.when"), when)));
    }
    for (place, action) in recipe.actions.iter().enumerate() {
        found.extend(action.when.clone().map(|when| (format!("action.{place}.when"), when)));
        if let Act::Tag { on, .. } = &action.act {
            found.push((format!("action.{place}.on"), on.clone()));
        }
    }
    for (path, text) in templates(recipe) {
        for expression in template::expressions(&text).map_err(|fault| fault.at(recipe, &path))? {
            found.push((path.clone(), expression));
        }
    }
    Ok(found)
}

/// Every text of a recipe that may hold expressions, with the path of where it stands.
pub(super) fn templates(recipe: &Recipe) -> Vec<(String, String)> {
    let mut found = Vec::new();
    found.extend(recipe.once.clone().map(|once| ("once".to_owned(), once)));
    for (place, require) in recipe.require.iter().enumerate() {
        found.push((format!("require.{place}.otherwise"), require.otherwise.clone()));
    }
    for (place, route) in recipe.routes.iter().enumerate() {
        found.push((format!("route.{place}.to"), route.to.clone()));
    }
    for (place, action) in recipe.actions.iter().enumerate() {
        let mut text = |key: &str, text: &str| found.push((format!("action.{place}.{key}"), text.to_owned()));
        match &action.act {
            Act::Sync { .. } | Act::Log { .. } | Act::Relate { .. } => {}
            Act::Update { set, .. } => each(set, "set", &mut text),
            Act::Create { find, set, set_found, .. } => {
                match find {
                    Lookup::Field { value, .. } => text("find.value", value),
                    Lookup::Key(key) => text("find.key", key),
                    Lookup::OpenOfPerson => {}
                }
                each(set, "set", &mut text);
                each(set_found, "set_found", &mut text);
            }
            Act::Tag { tag, .. } => text("tag", tag),
            Act::Track { event, details } => {
                text("event", event);
                each(details, "details", &mut text);
            }
            Act::Converse { text: said } => text("text", said),
            Act::Reply { speaker, text: said, .. } => {
                text("speaker", speaker);
                text("text", said);
            }
            Act::Assign { by, to, .. } => {
                text("by", by);
                text("to", to);
            }
            Act::Tell { channel, title, fields } => {
                text("channel", channel);
                text("title", title);
                each(fields, "fields", &mut text);
            }
        }
    }
    found
}

fn each(fields: &crate::domain::record::Fields, key: &str, text: &mut impl FnMut(&str, &str)) {
    fn inner(path: &str, value: &Value, text: &mut impl FnMut(&str, &str)) {
        match value {
            Value::String(template) => text(path, template),
            Value::Array(list) => list.iter().for_each(|one| inner(path, one, text)),
            _ => {}
        }
    }
    for (name, value) in fields {
        inner(&format!("{key}.{name}"), value, text);
    }
}

impl Needs {
    /// What a recipe needs. An expression that cannot be read is its fault, with its line.
    pub fn of(recipe: &Recipe) -> Result<Self, RecipeFault> {
        let mut needs = Self::default();
        for (path, expression) in expressions(recipe)? {
            let mentions = condition::mentions(&expression).map_err(|fault| fault.at(recipe, &path))?;
            for name in &mentions.paths {
                needs.name(name);
            }
            if mentions.functions.contains("crossed") {
                needs.conversation = true;
            }
        }
        for action in &recipe.actions {
            needs.act(&action.act);
        }
        Ok(needs)
    }

    fn name(&mut self, path: &str) {
        let (variable, field) = path.split_once('.').unwrap_or((path, ""));
        match variable {
            "contact" => self.contact = true,
            "crm" | "matches_many" => self.crm = true,
            "company" => self.company = true,
            "intercom_company" => self.intercom_company = true,
            "conversation" => self.conversation = true,
            "conversations" => self.conversations = true,
            "tags" => self.tags = true,
            "deal" | "deals" => self.deals = true,
            "ticket" => self.ticket = true,
            _ => return,
        }
        if !field.is_empty() {
            self.field(variable, field);
        }
    }

    fn field(&mut self, variable: &str, field: &str) {
        if STAGE_FIELDS[..3].contains(&field) && matches!(variable, "deal" | "ticket") {
            self.stages.insert(if variable == "deal" { ObjectKind::Deal } else { ObjectKind::Ticket });
        }
        self.fields.entry(variable.to_owned()).or_default().insert(field.to_owned());
    }

    fn target(&mut self, target: Target) {
        self.name(target.as_str());
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Sync { mapping, to_crm, .. } => {
                self.contact = true;
                self.crm = true;
                self.sync = Some((mapping.clone(), *to_crm));
            }
            Act::Log { .. } => {
                self.conversation = true;
                self.timeline = true;
            }
            Act::Update { target, set, forward } => {
                self.target(*target);
                for field in set.keys().chain(forward.keys()) {
                    self.field(target.as_str(), field);
                }
            }
            Act::Create { object, in_intercom, find, set, set_found, relate } => {
                if !matches!(find, Lookup::Field { .. }) {
                    self.crm = true;
                }
                if *object == ObjectKind::Ticket && !in_intercom {
                    self.crm = true;
                }
                for target in relate {
                    self.target(*target);
                }
                let stage = set
                    .keys()
                    .chain(set_found.keys())
                    .any(|field| STAGE_FIELDS[..3].contains(&field.as_str()));
                if stage && matches!(object, ObjectKind::Deal | ObjectKind::Ticket) {
                    self.stages.insert(*object);
                }
            }
            Act::Relate { from, to } => {
                self.target(*from);
                self.target(*to);
            }
            Act::Tag { target, .. } => {
                self.target(*target);
                self.tags |= matches!(target, Target::Contact | Target::Conversation);
            }
            Act::Track { .. } | Act::Converse { .. } => self.contact = true,
            Act::Reply { .. } | Act::Assign { .. } => self.conversation = true,
            Act::Tell { .. } => {}
        }
    }
}
