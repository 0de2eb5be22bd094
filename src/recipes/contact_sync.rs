//! Contact sync, one direction at a time: an Intercom contact to its CRM contact, or back.
//!
//! The planner sees both records as freshly read and what they last agreed on, and answers with the steps that
//! carry one side's changes over, the fields held back for a human, and the agreements that hold already or will
//! hold once the steps are done. It creates only in the CRM, only after a lookup, and only one object type.

use std::collections::HashMap;

use serde_json::Value;

use super::newcomer;
use super::standing::judge_as_far_as_on;
use crate::domain::agreement::Agreement;
use crate::domain::plan::{Effect, FieldSkip, Fill, FoundConflict, Plan, Step};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::ConflictKind;
use crate::domain::standing::FieldHold;
use crate::mapping::chain::MOST_HOPS;
use crate::mapping::file::Write;
use crate::mapping::judge::{Sides, Verdict, left_value, right_as_one, right_values};
use crate::mapping::{FieldMapping, Mapping};

/// Why a field with an open conflict is left alone.
pub const HELD: &str = "held back by an open conflict";

/// What the engine found out before planning.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The Intercom contact, with `company.name` filled in from its first company.
    pub intercom: Option<Mirror>,
    /// The CRM contact tied to it: by the identity map, its external id or its e-mail.
    pub crm: Option<Mirror>,
    /// Further CRM contacts that fit as well: more than one is a duplicate, not a coin toss.
    pub also: Vec<RecordRef>,
    /// Nobody is made in the CRM.
    pub no_newcomers: bool,
    /// The person becomes a lead where they are made in the CRM.
    pub becomes_lead: bool,
    /// What both held when they last agreed.
    pub agreements: Vec<Agreement>,
    /// Fields with an open conflict.
    pub held: Vec<String>,
    /// By a field's name: the hop count that a write to the CRM would have, and one to Intercom; see
    /// [`crate::mapping::chain`]. Fields that are not here begin a chain.
    pub hops: HashMap<String, u32>,
    /// Directions of fields that are switched off.
    pub off: Vec<FieldHold>,
    /// Fields that a vendor changed, held back until a human has looked: name and reason.
    pub drifted: Vec<(String, String)>,
    /// Why nothing is planned before somebody has decided.
    pub waits: Option<String>,
}

impl Facts {
    /// Why a verdict is not carried out although it could be: the vendor's field is not what it was. What says nothing
    /// new is not held back.
    fn drift(&self, field: &FieldMapping, verdict: &Verdict) -> Option<FieldSkip> {
        let (_, reason) = self.drifted.iter().find(|(name, _)| *name == field.name)?;
        let news =
            matches!(verdict, Verdict::WriteRight(..) | Verdict::WriteLeft(..) | Verdict::Conflict { .. });
        news.then(|| skip(field, reason.clone()))
    }
}

/// A plan and what is true now or will be true after it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Fields both sides agree on already.
    pub agreed: Vec<Agreement>,
    /// Fields both sides agree on once all steps are done.
    pub will_agree: Vec<Agreement>,
}

impl Planned {
    /// A plan to do nothing, for a reason.
    pub fn nothing(reason: impl Into<String>) -> Self {
        Self { plan: Plan { nothing: Some(reason.into()), ..Plan::default() }, ..Self::default() }
    }
}

/// Which way a run carries changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From Intercom to the CRM.
    ToCrm,
    /// From the CRM to Intercom.
    ToIntercom,
}

/// Plans one run. `crm` is where a missing contact would be created.
pub fn plan(way: Way, facts: &Facts, mapping: &Mapping, crm: &Connection) -> Planned {
    if let Some(why) = &facts.waits {
        return Planned::nothing(why);
    }
    match (&facts.intercom, &facts.crm, way) {
        (None, None, Way::ToCrm) => {
            Planned::nothing("The Intercom contact is gone; nothing was deleted or changed in the CRM.")
        }
        (None, None, Way::ToIntercom) => {
            Planned::nothing("The CRM contact is gone; nothing was deleted or changed in Intercom.")
        }
        (None, Some(_), Way::ToCrm) => {
            Planned::nothing("The Intercom contact is gone; the CRM contact is left as it is.")
        }
        (None, Some(_), Way::ToIntercom) => {
            Planned::nothing("This CRM contact is not in Intercom; creating people there is off.")
        }
        (Some(_), None, Way::ToIntercom) => {
            Planned::nothing("The CRM contact is gone; the Intercom contact is left as it is.")
        }
        (Some(_), None, Way::ToCrm) if facts.no_newcomers => Planned::nothing(format!(
            "Nobody in {} fits this person, and making people there is off (engine.salesforce_newcomers).",
            crm.system.title()
        )),
        (Some(left), None, Way::ToCrm) => {
            let object = if facts.becomes_lead { ObjectKind::Lead } else { ObjectKind::Contact };
            create(left, facts, mapping, crm, object)
        }
        (Some(left), Some(right), way) => update(way, left, right, facts, mapping),
    }
}

fn create(left: &Mirror, facts: &Facts, mapping: &Mapping, crm: &Connection, object: ObjectKind) -> Planned {
    if left.text("email").trim().is_empty() {
        return Planned::nothing(
            "The Intercom contact has no e-mail, so it cannot be matched or created in the CRM.",
        );
    }
    let mut planned = Planned::default();
    let mut fields = Fields::new();
    let blank = Fields::new();
    for field in &mapping.fields {
        let sides = Sides {
            left: &left.fields,
            left_at: left.vendor_updated_at,
            right: &blank,
            right_at: None,
            agreed: None,
        };
        let verdict = judge_as_far_as_on(field, &sides, &facts.off);
        if let Some(held) = facts.drift(field, &verdict) {
            planned.plan.skips.push(held);
            continue;
        }
        match verdict {
            Verdict::WriteRight(writes, agreement) if field.write != Write::Update => {
                fields.extend(writes.into_iter().filter(|(_, value)| !value.is_null()));
                planned.will_agree.push(agreement);
            }
            Verdict::Conflict { kind, .. } => planned
                .plan
                .skips
                .push(skip(field, format!("{}: decided after the contact exists", kind.phrase()))),
            _ => {}
        }
    }
    fields.insert(mapping.crm_identity.clone(), Value::String(left.record.id.clone()));
    let title = format!("Create {} {object}: {}", crm.system.title(), field_names(&fields, mapping));
    newcomer::complete(crm.system, object, &mut fields);
    planned.plan.steps.push(Step::new(
        title,
        Effect::Create {
            connection: crm.clone(),
            object,
            fields,
            identity: if crm.system == System::Salesforce { "Email" } else { "email" }.to_owned(),
            related: Vec::new(),
        },
    ));
    let mut back = Step::new(
        format!("Write the CRM's id into Intercom contact {}", left.record.id),
        Effect::Update {
            record: left.record.clone(),
            fields: [(mapping.intercom_identity.clone(), Value::Null)].into_iter().collect(),
        },
    );
    back.fills.push(Fill { field: mapping.intercom_identity.clone(), from_step: 0 });
    planned.plan.steps.push(back);
    planned
}

pub(crate) fn update(way: Way, left: &Mirror, right: &Mirror, facts: &Facts, mapping: &Mapping) -> Planned {
    if !facts.also.is_empty() {
        let others: Vec<String> = facts.also.iter().map(RecordRef::title).collect();
        return Planned::nothing(format!(
            "{} and {} both fit this person: merge them first, then retry.",
            right.record.title(),
            others.join(", ")
        ));
    }
    let named = right.text(&mapping.crm_identity);
    if !named.is_empty() && named != left.record.id && way == Way::ToCrm {
        return Planned::nothing(format!(
            "{} belongs to Intercom contact {named} already; the two Intercom contacts look like one person.",
            right.record.title()
        ));
    }
    let mut planned = Planned::default();
    let mut to_crm = Fields::new();
    let mut to_intercom = Fields::new();
    for field in &mapping.fields {
        if facts.held.contains(&field.name) {
            planned.plan.skips.push(skip(field, HELD.into()));
            continue;
        }
        let agreed = facts.agreements.iter().find(|agreement| agreement.field == field.name);
        let sides = Sides {
            left: &left.fields,
            left_at: left.vendor_updated_at,
            right: &right.fields,
            right_at: right.vendor_updated_at,
            agreed,
        };
        let hops = facts.hops.get(&field.name).copied().unwrap_or(1);
        let verdict = judge_as_far_as_on(field, &sides, &facts.off);
        if let Some(held) = facts.drift(field, &verdict) {
            planned.plan.skips.push(held);
            continue;
        }
        match verdict {
            Verdict::WriteRight(..) | Verdict::WriteLeft(..) if hops > MOST_HOPS => {
                let kind = ConflictKind::Flapping;
                planned.plan.conflicts.push(conflict(field, kind, Vec::new(), left, right, agreed));
            }
            Verdict::Agree(agreement) => planned.agreed.push(agreement),
            Verdict::Unchanged => {}
            Verdict::WriteRight(..) if field.write == Write::Create => {
                planned.plan.skips.push(skip(field, "only written when a contact is created".into()));
            }
            Verdict::WriteRight(writes, agreement) if way == Way::ToCrm => {
                for (name, _) in &writes {
                    planned.plan.note_hops(&right.record, name, hops);
                }
                to_crm.extend(writes);
                planned.will_agree.push(agreement);
            }
            Verdict::WriteLeft(name, value, agreement) if way == Way::ToIntercom => {
                planned.plan.note_hops(&left.record, &name, hops);
                to_intercom.insert(name, value);
                planned.will_agree.push(agreement);
            }
            Verdict::WriteRight(..) => {
                planned
                    .plan
                    .skips
                    .push(skip(field, "Intercom's change travels with Intercom's own event".into()));
            }
            Verdict::WriteLeft(..) => {
                planned
                    .plan
                    .skips
                    .push(skip(field, "the CRM's change travels with the CRM's own event".into()));
            }
            Verdict::Leave(why) => planned.plan.skips.push(skip(field, why)),
            Verdict::Conflict { kind, allowed } => {
                planned.plan.conflicts.push(conflict(field, kind, allowed, left, right, agreed));
            }
        }
    }
    if way == Way::ToCrm && named.is_empty() {
        to_crm.insert(mapping.crm_identity.clone(), Value::String(left.record.id.clone()));
    }
    if !to_crm.is_empty() {
        planned.plan.steps.push(update_step(right, to_crm, mapping));
    }
    // The cross-reference on Intercom's side is kept up by whichever way comes by.
    if left.text(&mapping.intercom_identity) != right.record.id {
        to_intercom.insert(mapping.intercom_identity.clone(), Value::String(right.record.id.clone()));
    }
    if !to_intercom.is_empty() {
        planned.plan.steps.push(update_step(left, to_intercom, mapping));
    }
    planned
}

/// A step that writes fields of a record, named by what people call them.
pub(crate) fn update_step(mirror: &Mirror, fields: Fields, mapping: &Mapping) -> Step {
    let title = format!("Update {}: {}", mirror.record.title(), field_names(&fields, mapping));
    Step::new(title, Effect::Update { record: mirror.record.clone(), fields })
}

fn field_names(fields: &Fields, mapping: &Mapping) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in fields.keys() {
        let called = mapping
            .fields
            .iter()
            .find(|field| field.intercom == *name || field.crm.contains(name))
            .map_or("cross-reference", |field| field.name.as_str());
        if !names.contains(&called) {
            names.push(called);
        }
    }
    names.join(", ")
}

fn skip(field: &FieldMapping, reason: String) -> FieldSkip {
    FieldSkip { field: field.name.clone(), reason }
}

/// A conflict on one field of two records, as a review item shows it.
pub fn conflict(
    field: &FieldMapping,
    kind: ConflictKind,
    allowed: Vec<String>,
    left: &Mirror,
    right: &Mirror,
    agreed: Option<&Agreement>,
) -> FoundConflict {
    let shown = |values: &[Value]| field.transform.backward(values).filter(|_| values.len() > 1);
    let right_parts = right_values(field, &right.fields);
    FoundConflict {
        kind,
        field: field.name.clone(),
        left: left.record.clone(),
        left_field: field.intercom.clone(),
        left_value: left_value(field, &left.fields),
        right: right.record.clone(),
        right_field: field.crm.join(" + "),
        right_value: shown(&right_parts).unwrap_or_else(|| right_as_one(&right_parts)),
        base: agreed.map(|agreement| agreement.left.clone()),
        rule: field.rule(),
        line: String::new(),
        decides: field.decides.clone(),
        allowed,
        left_by: None,
        right_by: None,
    }
}
