//! Plans the relation of a person to a company of the same system, the making of a company that none is yet, and the
//! way back. It decides nothing and reads nothing.
//!
//! A first company that somebody chose is never replaced unasked: a further one goes beside it.

use serde_json::Value;

use super::company_sync::{self, Birth};
use super::contact_sync::{Facts, Planned, Way};
use super::mend::Impossible;
use crate::domain::plan::{Effect, Fill, RELATED, Relation, Step, StepState};
use crate::domain::record::{Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::LinkAs;
use crate::domain::text::shorten;
use crate::mapping::Mapping;

/// Letters of a company's name in a title.
const NAME: usize = 80;

/// A plan, and what a human should know before saying yes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linked {
    /// The plan.
    pub planned: Planned,
    /// Remarks for the preview.
    pub notes: Vec<String>,
    /// It cannot be taken back.
    pub irreversible: bool,
}

/// The company of the other side that is this one, and the mapping that says where each keeps the other's id.
#[derive(Debug, Clone, Copy)]
pub struct Twin<'a> {
    /// Intercom's company.
    pub company: &'a Mirror,
    /// The mapping of companies.
    pub mapping: &'a Mapping,
}

fn impossible(words: impl Into<String>) -> Impossible {
    Impossible(words.into())
}

/// What a person is related to first, if anything.
fn first_of(person: &Mirror) -> Option<String> {
    let primary = person.text("associatedcompanyid");
    let named = Some(primary).filter(|id| !id.is_empty() && person.companies.contains(id));
    named.or_else(|| person.companies.first().cloned())
}

/// Plans the link of a person to a company of the same system.
pub fn link(
    person: &Mirror,
    company: &Mirror,
    how: LinkAs,
    twin: Option<&Twin<'_>>,
) -> Result<Linked, Impossible> {
    let (contact, to) = (&person.record, &company.record);
    if contact.connection != to.connection {
        return Err(impossible(format!(
            "{} and {} live in different systems: a relation can only be made inside one.",
            contact.title(),
            to.title()
        )));
    }
    let name = shorten(&company.display_name(), NAME).into_owned();
    let mut linked = Linked::default();
    if contact.object == ObjectKind::Lead {
        lead(person, company, how, &mut linked)?;
    } else {
        if matches!(how, LinkAs::Convert | LinkAs::Text) {
            return Err(impossible(format!(
                "{} is no lead: only a lead is converted or carries its company as text. Link it without that.",
                contact.title()
            )));
        }
        let first = first_of(person);
        let Some((relation, former)) = relation(person, &to.id, first.as_deref(), how)? else {
            linked.planned = Planned::nothing(format!("{} is related to {name} already.", contact.title()));
            return Ok(linked);
        };
        linked.notes.push(remark(contact.system(), relation, first.as_deref(), &name));
        linked.planned.plan.steps.push(Step::new(
            format!("Relate {} to {name} ({})", contact.title(), to.id),
            Effect::Link { contact: contact.clone(), company: to.clone(), relation, former },
        ));
    }
    if let Some(twin) = twin {
        cross_ids(company, twin, &mut linked);
    }
    Ok(linked)
}

/// As what a person is related to a company, and what gives its place up for it; none where nothing is to be done.
fn relation(
    person: &Mirror,
    to: &str,
    first: Option<&str>,
    how: LinkAs,
) -> Result<Option<(Relation, Option<String>)>, Impossible> {
    let related = person.companies.iter().any(|id| id == to);
    Ok(match (first, how) {
        (Some(first), LinkAs::Primary) if first != to => Some((Relation::Primary, Some(first.to_owned()))),
        _ if related => None,
        (None, LinkAs::Beside) if person.record.system() == System::Salesforce => {
            return Err(impossible(
                "A Salesforce contact without an account has no further accounts: link it to its account first, which is \
                 what a plain link does.",
            ));
        }
        (None, _) => Some((Relation::Usual, None)),
        (Some(_), _) => Some((Relation::Beside, None)),
    })
}

fn remark(system: System, relation: Relation, first: Option<&str>, name: &str) -> String {
    let first = first.unwrap_or_default();
    match (system, relation) {
        (System::Salesforce, Relation::Beside) => format!(
            "The contact belongs to account {first} already, which stays; {name} is added beside it (a relation to a \
             further account)."
        ),
        (System::Salesforce, Relation::Primary) => {
            format!("The contact moves from account {first} to {name}; an undo moves it back.")
        }
        (System::Salesforce, _) => {
            format!("The contact has no account yet: {name} becomes it. `reknit link undo` takes it back.")
        }
        (_, Relation::Beside) => {
            format!("The primary company is {first} and stays so; {name} is added beside it.")
        }
        (_, Relation::Primary) => {
            format!(
                "{name} becomes the primary company instead of {first}, which stays related; an undo restores it."
            )
        }
        (_, _) => format!(
            "The contact has no company yet: {name} becomes its primary one. `reknit link undo` takes it back."
        ),
    }
}

fn lead(person: &Mirror, company: &Mirror, how: LinkAs, linked: &mut Linked) -> Result<(), Impossible> {
    let (lead, to) = (&person.record, &company.record);
    let name = company.display_name();
    match how {
        LinkAs::Convert => {
            linked.irreversible = true;
            linked.notes.push(format!(
                "The lead becomes a contact of {}; no opportunity is made. Salesforce cannot make a lead of it again.",
                shorten(&name, NAME)
            ));
            linked.planned.plan.steps.push(Step::new(
                format!("Convert {} into a contact of {} ({})", lead.title(), shorten(&name, NAME), to.id),
                Effect::Link {
                    contact: lead.clone(),
                    company: to.clone(),
                    relation: Relation::Converted,
                    former: None,
                },
            ));
            Ok(())
        }
        LinkAs::Text => {
            let before = person.text("Company");
            if before == name {
                linked.planned =
                    Planned::nothing(format!("{} names {} as its company already.", lead.title(), name));
                return Ok(());
            }
            linked.notes.push(format!(
                "A lead belongs to no account; its company reads \"{}\" from then on, instead of \"{}\".",
                shorten(&name, NAME),
                shorten(&before, NAME)
            ));
            let fields = [("Company".to_owned(), Value::String(name.clone()))].into_iter().collect();
            linked.planned.plan.steps.push(Step::new(
                format!("Name {} as the company of {}", shorten(&name, NAME), lead.title()),
                Effect::Update { record: lead.clone(), fields },
            ));
            Ok(())
        }
        _ => Err(impossible(format!(
            "{} is a lead: Salesforce keeps its company as text and gives it no account. Convert it into a contact of the \
             account (--lead convert; it cannot be taken back), or write the account's name into it (--lead text).",
            lead.title()
        ))),
    }
}

/// Writes each company's id into the other, where nothing says otherwise.
fn cross_ids(company: &Mirror, twin: &Twin<'_>, linked: &mut Linked) {
    let (theirs, mapping) = (twin.company, twin.mapping);
    let named = company.text(&mapping.crm_identity);
    let back = theirs.text(&mapping.intercom_identity);
    let other = |named: &str, id: &str| !named.is_empty() && named != id;
    if other(&named, &theirs.record.id) || other(&back, &company.record.id) {
        linked.notes.push(format!(
            "{} and {} look like one company, but one of them names another as its counterpart; their ids are left as \
             they are.",
            theirs.record.title(),
            company.record.title()
        ));
        return;
    }
    let mut point = |record: &RecordRef, field: &str, now: &str, id: &str| {
        if !field.is_empty() && now != id {
            let fields: Fields = [(field.to_owned(), Value::String(id.to_owned()))].into_iter().collect();
            linked.planned.plan.steps.push(Step::new(
                format!("Write the other side's id into {}", record.title()),
                Effect::Update { record: record.clone(), fields },
            ));
        }
    };
    point(&company.record, &mapping.crm_identity, &named, &theirs.record.id);
    point(&theirs.record, &mapping.intercom_identity, &back, &company.record.id);
}

/// Plans the making of a company that the CRM does not have, and the person's relation to it. With a twin the company is
/// made as the sync of companies makes it, and each side learns the other's id.
pub fn found(
    person: &Mirror,
    (name, domain): (&str, &str),
    twin: Option<&Twin<'_>>,
) -> Result<Linked, Impossible> {
    let (name, domain) = (name.trim(), domain.trim().to_lowercase());
    let crm = &person.record.connection;
    if name.is_empty() {
        return Err(impossible("A company needs a name: say it with --name."));
    }
    if person.record.object == ObjectKind::Lead {
        return Err(impossible(
            "A lead belongs to no account. Convert it in Salesforce, which makes its account, or link it to one that is \
             there (--company RECORD --lead convert).",
        ));
    }
    if !person.companies.is_empty() {
        return Err(impossible(format!(
            "{} has a company by now ({}); none is made.",
            person.record.title(),
            person.companies.join(", ")
        )));
    }
    let (name_field, domain_field) = fields_of(crm.system);
    let mut linked = Linked::default();
    let own = |fields: &mut Fields| {
        fields.insert(name_field.to_owned(), Value::String(name.to_owned()));
        if !domain.is_empty() {
            fields.insert(domain_field.to_owned(), Value::String(domain.clone()));
        }
    };
    if let Some(twin) = twin {
        let facts = Facts { intercom: Some(twin.company.clone()), ..Facts::default() };
        let made = company_sync::plan(Way::ToCrm, &facts, twin.mapping, crm, true, &Birth::default());
        linked.planned = made;
    }
    match linked.planned.plan.steps.first_mut().map(|step| &mut step.effect) {
        Some(Effect::Create { fields, .. }) => own(fields),
        _ => {
            let mut fields = Fields::new();
            own(&mut fields);
            let identity = if domain.is_empty() { name_field } else { domain_field };
            linked.planned = Planned::default();
            linked.planned.plan.steps.push(Step::new(
                format!("Create {} company {}", crm.system.title(), shorten(name, NAME)),
                Effect::Create {
                    connection: crm.clone(),
                    object: ObjectKind::Company,
                    fields,
                    identity: identity.to_owned(),
                    related: Vec::new(),
                },
            ));
        }
    }
    let company = RecordRef { object: ObjectKind::Company, ..RecordRef::to_be_made(crm) };
    let mut relate = Step::new(
        format!("Relate {} to {}", person.record.title(), shorten(name, NAME)),
        Effect::link(person.record.clone(), company),
    );
    relate.fills.push(Fill { field: RELATED.to_owned(), from_step: 0 });
    linked.planned.plan.steps.insert(1, relate);
    linked.notes.push(
        "The company is looked up once more, by its domain and name, before it is made; where one is found none is made."
            .to_owned(),
    );
    linked.notes.push("An undo takes the relation back; the company stays.".to_owned());
    Ok(linked)
}

/// What a CRM calls a company's name and the address it is found by.
pub const fn fields_of(system: System) -> (&'static str, &'static str) {
    match system {
        System::Salesforce => ("Name", "Website"),
        System::Hubspot | System::Intercom => ("name", "domain"),
    }
}

/// Plans to take back what a link has done, as far as it still stands. `person` is as of now.
pub fn undo(done: &[Step], person: &Mirror) -> Result<Linked, Impossible> {
    let mut linked = Linked::default();
    let mut made = None;
    for step in done.iter().filter(|step| step.state == StepState::Done) {
        match &step.effect {
            Effect::Link { relation: Relation::Converted, .. } => {
                return Err(impossible(
                    "The lead was converted into a contact, which Salesforce cannot take back. The contact's account can \
                     be changed in Salesforce.",
                ));
            }
            Effect::Link { company, relation, former, .. } => {
                made = Some((company.clone(), *relation, former.clone()));
            }
            Effect::Create { object: ObjectKind::Company, .. } => {
                linked.notes.push(
                    "The company that was made with the link stays; archive it in the CRM if nobody needs it.".to_owned(),
                );
            }
            Effect::Update { record, .. } if record.object == ObjectKind::Lead => {
                return Err(impossible(
                    "The link wrote the account's name into a lead, and what stood there before is not kept; type the \
                     former company into the lead.",
                ));
            }
            Effect::Update { .. } => linked.notes.push(
                "The ids that the two companies keep of each other stay: they say that the companies are one, not who \
                 belongs to them."
                    .to_owned(),
            ),
            _ => {}
        }
    }
    linked.notes.dedup();
    let Some((company, relation, former)) = made else {
        return Err(impossible("That execution made no relation, so there is none to take back."));
    };
    let steps = match person.record.system() {
        System::Salesforce => vec![back_at_salesforce(person, &company, relation, former.as_deref())?],
        _ => back_at_hubspot(person, &company, relation, former.as_deref(), &mut linked.notes),
    };
    if steps.is_empty() {
        linked.planned = Planned::nothing(format!(
            "{} is not related to {} any more; there is nothing to take back.",
            person.record.title(),
            company.title()
        ));
    }
    linked.planned.plan.steps.extend(steps);
    Ok(linked)
}

fn taken(person: &Mirror, company: &RecordRef, relation: Relation, former: Option<&str>) -> Step {
    Step::new(
        format!("Take the relation of {} to {} away", person.record.title(), company.title()),
        Effect::Unlink {
            contact: person.record.clone(),
            company: company.clone(),
            relation,
            former: former.map(str::to_owned),
        },
    )
}

fn back_at_salesforce(
    person: &Mirror,
    company: &RecordRef,
    relation: Relation,
    former: Option<&str>,
) -> Result<Step, Impossible> {
    let now = person.companies.first();
    if relation != Relation::Beside && now != Some(&company.id) {
        let holds = now.map_or_else(|| "no account".to_owned(), |id| format!("account {id}"));
        return Err(impossible(format!(
            "{} belongs to {holds} by now: somebody changed it since the link was made, and that is left as it is.",
            person.record.title()
        )));
    }
    Ok(taken(person, company, relation, former))
}

fn back_at_hubspot(
    person: &Mirror,
    company: &RecordRef,
    relation: Relation,
    former: Option<&str>,
    notes: &mut Vec<String>,
) -> Vec<Step> {
    if !person.companies.contains(&company.id) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let first = first_of(person);
    if let (Relation::Primary, Some(former)) = (relation, former) {
        if first.as_deref() != Some(company.id.as_str()) {
            notes.push(format!(
                "The primary company was changed since, to {}; it stays so.",
                first.as_deref().unwrap_or("none")
            ));
        } else if person.companies.iter().any(|id| id == former) {
            steps.push(Step::new(
                format!("Make company {former} the primary one of {} again", person.record.title()),
                Effect::Link {
                    contact: person.record.clone(),
                    company: RecordRef { id: former.to_owned(), ..company.clone() },
                    relation: Relation::Primary,
                    former: None,
                },
            ));
        } else {
            notes.push(format!(
                "Company {former}, which was the primary one before, is not related to the contact any more: there is no \
                 primary company afterwards."
            ));
        }
    } else if first.as_deref() == Some(company.id.as_str()) && person.companies.len() > 1 {
        notes.push(
            "It is the primary company, and others were added since: the contact has no primary company afterwards, \
             choose one in HubSpot."
                .to_owned(),
        );
    }
    steps.push(taken(person, company, relation, None));
    steps
}

#[cfg(test)]
mod tests;
