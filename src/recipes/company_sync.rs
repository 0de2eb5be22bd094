//! Company sync: an Intercom company to its CRM company, or back; and a person related to the companies they have.
//!
//! Pure. Fields go by their owners as those of people do. A company is made only in the CRM, only after a lookup by the
//! cross-reference and by its domain; relations are only added, so that a primary company chosen by somebody stays it.

use serde_json::Value;

use super::contact_sync::{self, Facts, Planned, Way};
use crate::domain::plan::{Effect, Fill, Plan, Step};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef};
use crate::mapping::Mapping;
use crate::mapping::file::Write;
use crate::mapping::judge::{Sides, Verdict, judge};

/// What a company that is to be made comes with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Birth {
    /// By which field of the CRM it would have been found, and its value: the domain of its website.
    pub key: Option<(String, String)>,
    /// Its people in the CRM.
    pub people: Vec<RecordRef>,
}

/// Plans one run for one company. `create` allows to make it in the CRM, which is `crm`.
pub fn plan(
    way: Way,
    facts: &Facts,
    mapping: &Mapping,
    crm: &Connection,
    create: bool,
    birth: &Birth,
) -> Planned {
    match (&facts.intercom, &facts.crm, way) {
        (Some(left), Some(right), _) => both(way, left, right, facts, mapping),
        (Some(left), None, Way::ToCrm) if create => made(left, mapping, crm, birth),
        (Some(_), None, Way::ToCrm) => {
            Planned::nothing("The CRM does not have this company, and the recipe makes none.")
        }
        (None, _, Way::ToCrm) => {
            Planned::nothing("The company is gone in Intercom; the CRM's is left as it is.")
        }
        (None, Some(_), Way::ToIntercom) => {
            Planned::nothing("This company is not in Intercom; companies are not made there.")
        }
        (_, None, Way::ToIntercom) => {
            Planned::nothing("The company is gone in the CRM; Intercom's is left as it is.")
        }
    }
}

fn both(way: Way, left: &Mirror, right: &Mirror, facts: &Facts, mapping: &Mapping) -> Planned {
    if let Some(other) = facts.also.first() {
        return Planned::nothing(format!(
            "{} and {} both fit this company: merge them in the CRM first, then retry.",
            right.record.title(),
            other.title()
        ));
    }
    let named = right.text(&mapping.crm_identity);
    if !named.is_empty() && named != left.record.id {
        return Planned::nothing(format!(
            "{} belongs to Intercom company {named} already; two companies in Intercom look like one.",
            right.record.title()
        ));
    }
    contact_sync::update(way, left, right, facts, mapping)
}

fn made(left: &Mirror, mapping: &Mapping, crm: &Connection, birth: &Birth) -> Planned {
    if left.text("name").trim().is_empty() {
        return Planned::nothing("The company has no name in Intercom, so none is made in the CRM.");
    }
    let mut planned = Planned::default();
    let (mut fields, blank) = (Fields::new(), Fields::new());
    for field in &mapping.fields {
        let sides = Sides {
            left: &left.fields,
            left_at: left.vendor_updated_at,
            right: &blank,
            right_at: None,
            agreed: None,
        };
        match judge(field, &sides) {
            Verdict::WriteRight(writes, agreement) if field.write != Write::Update => {
                fields.extend(writes.into_iter().filter(|(_, value)| !value.is_null()));
                planned.will_agree.push(agreement);
            }
            Verdict::Conflict { kind, .. } => planned.plan.skips.push(crate::domain::plan::FieldSkip {
                field: field.name.clone(),
                reason: format!("{}: decided after the company exists", kind.phrase()),
            }),
            _ => {}
        }
    }
    if let Some((field, value)) = &birth.key {
        fields.entry(field.clone()).or_insert_with(|| Value::String(value.clone()));
    }
    fields.insert(mapping.crm_identity.clone(), Value::String(left.record.id.clone()));
    planned.plan.steps.push(Step::new(
        format!(
            "Create {} company {}",
            crm.system.title(),
            crate::domain::text::shorten(&left.text("name"), 80)
        ),
        Effect::Create {
            connection: crm.clone(),
            object: ObjectKind::Company,
            fields,
            identity: mapping.crm_identity.clone(),
            related: birth.people.clone(),
        },
    ));
    if !mapping.intercom_identity.is_empty() {
        let mut back = Step::new(
            format!("Write the CRM's id into Intercom company {}", left.record.id),
            Effect::Update {
                record: left.record.clone(),
                fields: [(mapping.intercom_identity.clone(), Value::Null)].into_iter().collect(),
            },
        );
        back.fills.push(Fill { field: mapping.intercom_identity.clone(), from_step: 0 });
        planned.plan.steps.push(back);
    }
    planned
}

/// Relates a person of the CRM to companies, in the order Intercom has them: the first of a contact without any becomes
/// its primary one.
pub fn relate(person: &RecordRef, companies: &[RecordRef]) -> Planned {
    let steps: Vec<Step> = companies
        .iter()
        .map(|company| {
            Step::new(
                format!("Relate {} to {}", person.title(), company.title()),
                Effect::link(person.clone(), company.clone()),
            )
        })
        .collect();
    if steps.is_empty() {
        return Planned::nothing("The person is related to all of their companies that the CRM has.");
    }
    Planned { plan: Plan { steps, ..Plan::default() }, ..Planned::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::record::System;
    use crate::mapping::Mappings;

    fn company(system: System, id: &str, fields: &Value) -> Mirror {
        Mirror {
            record: RecordRef::new(system, ObjectKind::Company, id),
            fields: fields.as_object().expect("an object").clone(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        }
    }

    fn run(way: Way, facts: &Facts, create: bool, birth: &Birth) -> Planned {
        let mappings = Mappings::shipped();
        let mapping = mappings.named("company").expect("it ships");
        plan(way, facts, mapping, &Connection::only(System::Hubspot), create, birth)
    }

    #[test]
    fn r83_r84_a_company_is_made_with_its_fields_its_people_and_both_cross_references() {
        let fields =
            json!({"name": "Quint", "website": "https://quint.example", "size": 40, "monthly_spend": 700});
        let facts = Facts { intercom: Some(company(System::Intercom, "64e2", &fields)), ..Facts::default() };
        let person = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
        let birth =
            Birth { key: Some(("domain".into(), "quint.example".into())), people: vec![person.clone()] };
        let planned = run(Way::ToCrm, &facts, true, &birth);
        let [create, back] = &planned.plan.steps[..] else { panic!("{planned:#?}") };
        let Effect::Create { fields, identity, related, .. } = &create.effect else { panic!("{create:?}") };
        assert_eq!((identity.as_str(), related), ("intercom_company_id", &vec![person]));
        let text = |name: &str| crate::domain::record::value_text(&fields[name]);
        assert_eq!(
            [
                text("name"),
                text("domain"),
                text("intercom_company_id"),
                text("numberofemployees"),
                text("mrr")
            ],
            ["Quint", "quint.example", "64e2", "40", "700"]
        );
        assert_eq!(back.fills[0].from_step, 0);
        assert!(run(Way::ToCrm, &facts, false, &birth).plan.nothing.is_some(), "not unasked");
    }

    #[test]
    fn r83_a_company_that_is_somebody_elses_or_one_of_two_is_left_to_a_human() {
        let left = company(System::Intercom, "64e2", &json!({"name": "Quint"}));
        let theirs = company(System::Hubspot, "7", &json!({"name": "Quint", "intercom_company_id": "other"}));
        let mut facts = Facts { intercom: Some(left), crm: Some(theirs), ..Facts::default() };
        let said = run(Way::ToCrm, &facts, true, &Birth::default()).plan.nothing.expect("nothing");
        assert!(said.contains("belongs to Intercom company other"), "{said}");
        facts.also = vec![RecordRef::new(System::Hubspot, ObjectKind::Company, "8")];
        let said = run(Way::ToCrm, &facts, true, &Birth::default()).plan.nothing.expect("nothing");
        assert!(said.contains("both fit this company"), "{said}");
    }

    #[test]
    fn r83_a_person_is_related_in_the_order_intercom_has() {
        let contact = RecordRef::new(System::Hubspot, ObjectKind::Contact, "151");
        let firm = |id: &str| RecordRef::new(System::Hubspot, ObjectKind::Company, id);
        let planned = relate(&contact, &[firm("2"), firm("1")]);
        let linked: Vec<&str> = planned
            .plan
            .steps
            .iter()
            .filter_map(|step| match &step.effect {
                Effect::Link { company, .. } => Some(company.id.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(linked, ["2", "1"]);
        assert!(relate(&contact, &[]).plan.nothing.is_some());
    }
}
