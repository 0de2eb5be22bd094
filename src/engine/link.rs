//! Relations to companies that a human decided: their facts as they are now, for links, companies made for a link, and
//! the way back. It plans by the recipe and performs nothing.

use super::companies;
use super::gather::needed;
use super::recipe::options;
use super::turn::{Stop, Turn};
use crate::domain::ids::{ExecutionId, UnlinkedId};
use crate::domain::plan::{Effect, FieldSkip, Relation};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{LinkAs, Unlinked};
use crate::journal::{Journal, JournalError};
use crate::mapping::Mapping;
use crate::matching::{self, AccountIndex, Organisation, Person, Source};
use crate::recipes::contact_sync::Planned;
use crate::recipes::link::{self, Twin};
use crate::recipes::mend::Impossible;
use crate::vendors;

/// Companies of one person that are looked at for the one that is meant.
const COMPANIES: usize = 20;
/// Two companies more likely one than this are taken for one.
const ONE: f64 = 0.9;
/// A company that a person's words fit better than this is there already.
const THERE: f64 = 0.5;

/// Facts and plan of a link, read now.
pub(super) async fn gather(
    turn: &mut Turn<'_>,
    unlinked: UnlinkedId,
    company: &RecordRef,
    how: LinkAs,
) -> Result<Planned, Stop> {
    let item = item(&turn.engine.journal, unlinked).await?;
    // What the journal knows comes first: turns that travel together meet at the reads, and go on from there as one.
    let known = companies_there(&turn.engine.journal, &item.contact, &turn.engine.intercom).await?;
    let mapping = if known.is_empty() { None } else { companies_of(turn) };
    let person = needed(turn, &item.contact).await?;
    let company = needed(turn, company).await?;
    let theirs = meant(known, Some(&company));
    let twin = both(theirs.as_ref(), mapping.as_ref());
    let mut planned = link::link(&person, &company, how, twin.as_ref())?.planned;
    if let (Some(theirs), Some(mapping)) = (&theirs, &mapping) {
        only_what_is_there(turn, mapping, &company.record, &mut planned).await?;
        if names_both(&planned, &company, theirs, mapping) {
            turn.identity = vec![theirs.record.clone(), company.record.clone()];
        }
    }
    Ok(planned)
}

/// Facts and plan of a company that is made for a person: looked up first, by the same matcher that ranks accounts.
pub(super) async fn gather_new(
    turn: &mut Turn<'_>,
    unlinked: UnlinkedId,
    name: &str,
    domain: &str,
) -> Result<Planned, Stop> {
    let item = item(&turn.engine.journal, unlinked).await?;
    let person = needed(turn, &item.contact).await?;
    let crm = person.record.connection.clone();
    refuse_known(&turn.engine.journal, &crm, name, domain).await?;
    let theirs = twin(&turn.engine.journal, &item.contact, &turn.engine.intercom, None).await?;
    // Our copies may be behind: the vendor is asked by what identifies a company.
    let mut asked = Vec::new();
    let own = matching::own_domain(domain);
    let (_, domain_field) = link::fields_of(crm.system);
    if let (Some(own), System::Hubspot) = (&own, crm.system) {
        asked.push((domain_field.to_owned(), own.clone()));
    }
    let mapping = companies_of(turn);
    if let (Some(theirs), Some(mapping)) = (&theirs, &mapping) {
        asked.push((mapping.crm_identity.clone(), theirs.record.id.clone()));
    }
    for (field, value) in asked {
        turn.admit(&crm).await?;
        let clients = &turn.engine.clients;
        let found = vendors::find(clients, &crm, ObjectKind::Company, &field, &value, &mut turn.log).await;
        turn.learn(None);
        let found = found.map_err(|error| Stop::Vendor(Box::new(error), None))?;
        if let Some(there) = found.iter().find(|company| !company.deleted) {
            let said = known_already(&[(there.display_name(), there.record.clone())], unlinked);
            turn.saw(there.clone());
            return Err(said.into());
        }
    }
    let twin = both(theirs.as_ref(), mapping.as_ref());
    let mut planned = link::found(&person, (name, domain), twin.as_ref())?.planned;
    if let (Some(theirs), Some(mapping)) = (&theirs, &mapping) {
        companies::define(turn, mapping, &mut planned).await?;
        // The company that is made is the one that Intercom has.
        turn.person = Some(theirs.record.clone());
    }
    Ok(planned)
}

/// Facts and plan of a link's way back.
pub(super) async fn gather_undo(turn: &mut Turn<'_>, by: ExecutionId) -> Result<Planned, Stop> {
    let made = turn.engine.journal.link_by(by).await?;
    let made = made.ok_or_else(|| Impossible(format!("{by} made no link.")))?;
    let plan = plan_of(&turn.engine.journal, by).await?;
    let person = needed(turn, &made.contact).await?;
    Ok(link::undo(&plan, &person)?.planned)
}

/// What a link has done, step by step.
pub(super) async fn plan_of(
    journal: &Journal,
    by: ExecutionId,
) -> Result<Vec<crate::domain::plan::Step>, PlanError> {
    let detail = journal.execution(by).await.map_err(PlanError::Journal)?;
    let detail = detail.ok_or_else(|| {
        PlanError::Impossible(Impossible(format!(
            "{by} is no longer in the journal, so what it did is not known here; take the relation away in the CRM."
        )))
    })?;
    Ok(detail.plan.map(|plan| plan.steps).unwrap_or_default())
}

/// Why what a link has done is not known.
pub(super) enum PlanError {
    /// The journal failed.
    Journal(JournalError),
    /// It is gone.
    Impossible(Impossible),
}

impl From<PlanError> for Stop {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Journal(error) => Self::Journal(error),
            PlanError::Impossible(error) => Self::Impossible(error),
        }
    }
}

async fn item(journal: &Journal, id: UnlinkedId) -> Result<Unlinked, Stop> {
    let item = journal.unlinked_one(id).await?;
    Ok(item.ok_or_else(|| Impossible(format!("{id} is gone from the journal.")))?)
}

fn companies_of(turn: &Turn<'_>) -> Option<Mapping> {
    let crm = turn.engine.crm.system;
    turn.engine.in_force.mappings.for_pair(crm, ObjectKind::Company, ObjectKind::Company).cloned()
}

pub(super) fn both<'a>(theirs: Option<&'a Mirror>, mapping: Option<&'a Mapping>) -> Option<Twin<'a>> {
    Some(Twin { company: theirs?, mapping: mapping? })
}

/// The company that the person has in Intercom and that is this one; without one named, the only company they have.
pub(super) async fn twin(
    journal: &Journal,
    contact: &RecordRef,
    intercom: &Connection,
    company: Option<&Mirror>,
) -> Result<Option<Mirror>, JournalError> {
    Ok(meant(companies_there(journal, contact, intercom).await?, company))
}

/// The companies that a person has in Intercom, as we know them.
async fn companies_there(
    journal: &Journal,
    contact: &RecordRef,
    intercom: &Connection,
) -> Result<Vec<Mirror>, JournalError> {
    let known = journal.known(contact).await?.records;
    let Some(tied) = known.iter().find(|record| record.connection == *intercom) else {
        return Ok(Vec::new());
    };
    let Some(person) = journal.mirror(tied).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for id in person.companies.iter().take(COMPANIES) {
        let record = RecordRef { connection: intercom.clone(), object: ObjectKind::Company, id: id.clone() };
        found.extend(journal.mirror(&record).await?.filter(|theirs| !theirs.deleted));
    }
    Ok(found)
}

fn meant(mut found: Vec<Mirror>, company: Option<&Mirror>) -> Option<Mirror> {
    match company {
        Some(company) => found.into_iter().find(|theirs| is_one(theirs, company)),
        None if found.len() == 1 => found.pop(),
        None => None,
    }
}

/// Whether a company of Intercom is this account, by the matcher that ranks accounts.
fn is_one(theirs: &Mirror, company: &Mirror) -> bool {
    let index = AccountIndex::build(&[organisation(company)], &[]);
    let seeker = seeker(&theirs.text("name"), &theirs.text("website"));
    matching::rank_accounts(&seeker, &index, &matching::Settings::default())
        .first()
        .is_some_and(|candidate| candidate.probability >= ONE)
}

fn seeker(name: &str, domain: &str) -> Person {
    Person {
        key: "the company in question".to_owned(),
        source: Source::IntercomUser,
        company: name.to_owned(),
        company_domain: domain.to_owned(),
        ..Person::default()
    }
}

/// An account as the matcher takes it, with the account it belongs to.
pub(super) fn organisation(mirror: &Mirror) -> Organisation {
    let first_of = |names: &[&str]| {
        names.iter().map(|name| mirror.text(name)).find(|value| !value.is_empty()).unwrap_or_default()
    };
    let parent = first_of(&["hs_parent_company_id", "ParentId"]);
    Organisation {
        key: mirror.record.to_string(),
        name: mirror.text("name"),
        domain: mirror.text("domain"),
        website: mirror.text("website"),
        phone: mirror.text("phone"),
        city: first_of(&["city", "BillingCity"]),
        country: first_of(&["country", "BillingCountry"]),
        industry: mirror.text("industry"),
        parent_key: (!parent.is_empty())
            .then(|| RecordRef { id: parent, ..mirror.record.clone() }.to_string()),
    }
}

/// Refuses to make a company that our copies have.
pub(super) async fn refuse_known(
    journal: &Journal,
    crm: &Connection,
    name: &str,
    domain: &str,
) -> Result<(), Known> {
    let there = journal.mirrors(crm, ObjectKind::Company).await.map_err(Known::Journal)?;
    let own = matching::own_domain(domain);
    let organisations: Vec<Organisation> =
        there.iter().filter(|company| !company.deleted).map(organisation).collect();
    let index = AccountIndex::build(&organisations, &[]);
    let settings = matching::Settings::default();
    let mut found: Vec<(String, RecordRef)> = Vec::new();
    let mut add = |company: &Mirror| {
        if !found.iter().any(|(_, record)| *record == company.record) {
            found.push((company.display_name(), company.record.clone()));
        }
    };
    for company in &there {
        let theirs = ["domain", "website"].map(|field| matching::own_domain(&company.text(field)));
        let same_name = company.text("name").trim().eq_ignore_ascii_case(name.trim());
        // Two firms may share a name; one with another domain of its own is another one.
        let apart = own.is_some() && theirs.iter().flatten().next().is_some();
        if (own.is_some() && theirs.contains(&own)) || (same_name && !apart) {
            add(company);
        }
    }
    for candidate in matching::rank_accounts(&seeker(name, domain), &index, &settings) {
        if candidate.probability >= THERE
            && let Some(company) = there.iter().find(|company| company.record.to_string() == candidate.key)
        {
            add(company);
        }
    }
    if found.is_empty() { Ok(()) } else { Err(Known::There(known_already(&found, UnlinkedId(0)))) }
}

/// Why no company is made.
pub(super) enum Known {
    /// The journal failed.
    Journal(JournalError),
    /// There is one.
    There(Impossible),
}

impl From<Known> for Stop {
    fn from(known: Known) -> Self {
        match known {
            Known::Journal(error) => Self::Journal(error),
            Known::There(error) => Self::Impossible(error),
        }
    }
}

fn known_already(found: &[(String, RecordRef)], item: UnlinkedId) -> Impossible {
    let named: Vec<String> =
        found.iter().take(5).map(|(name, record)| format!("{name} ({record})")).collect();
    let item = if item.0 == 0 { "un_N".to_owned() } else { item.to_string() };
    let (first, all) = (&found[0].1, named.join(", "));
    Impossible(if found.len() == 1 {
        format!("the CRM has this company: {all}. Link to it with `reknit link {item} --company {first}`.")
    } else {
        format!(
            "the CRM has companies that this may be: {all}. Choose one with `reknit link {item} --company RECORD`, or \
             merge them first."
        )
    })
}

/// Drops the writing of a cross-reference into a property that the CRM does not have, and makes Intercom's attribute.
async fn only_what_is_there(
    turn: &mut Turn<'_>,
    mapping: &Mapping,
    company: &RecordRef,
    planned: &mut Planned,
) -> Result<(), Stop> {
    let writes = |effect: &Effect| matches!(effect, Effect::Update { record, .. } if record == company);
    if planned.plan.steps.iter().any(|step| writes(&step.effect))
        && let Some(schema) = options::schema(turn, &company.connection, ObjectKind::Company).await?
        && !schema.fields.iter().any(|field| field.name.eq_ignore_ascii_case(&mapping.crm_identity))
    {
        planned.plan.steps.retain(|step| !writes(&step.effect));
        planned.plan.skips.push(FieldSkip {
            field: mapping.crm_identity.clone(),
            reason: format!(
                "{} has no such property of companies, so Intercom's id is not kept there; make it and link the next one",
                company.system().title()
            ),
        });
    }
    companies::define(turn, mapping, planned).await
}

/// Whether afterwards at least one of the two companies names the other.
fn names_both(planned: &Planned, company: &Mirror, theirs: &Mirror, mapping: &Mapping) -> bool {
    let written = planned.plan.steps.iter().any(|step| {
        matches!(&step.effect, Effect::Update { record, .. } if *record == company.record || *record == theirs.record)
    });
    written
        || company.text(&mapping.crm_identity) == theirs.record.id
        || theirs.text(&mapping.intercom_identity) == company.record.id
}

/// Our copy of a person after they were related to a company.
pub(super) fn related(person: &mut Mirror, company: &str, relation: Relation) {
    let company = company.to_owned();
    match (person.record.system(), relation) {
        // A copy holds the account alone; further ones are rows of their own.
        (System::Salesforce, Relation::Beside) => {}
        (System::Salesforce, _) => person.companies = vec![company],
        (_, Relation::Primary) => {
            person.companies.retain(|id| *id != company);
            person.companies.insert(0, company);
        }
        _ if !person.companies.contains(&company) => person.companies.push(company),
        _ => {}
    }
}

impl Turn<'_> {
    /// Our copies after a relation was taken away, or a lead became a contact.
    pub(super) async fn linked_otherwise(&mut self, effect: &Effect, record: &RecordRef) -> Result<(), Stop> {
        match effect {
            Effect::Unlink { contact, company, relation, former } => {
                let known = match self.mirrors.iter().find(|mirror| mirror.record == *contact) {
                    Some(known) => Some(known.clone()),
                    None => self.engine.journal.mirror(contact).await?,
                };
                if let Some(mut mirror) = known {
                    if *relation != Relation::Beside || contact.system() != System::Salesforce {
                        mirror.companies.retain(|id| *id != company.id);
                    }
                    if contact.system() == System::Salesforce
                        && let Some(former) = former
                    {
                        mirror.companies = vec![former.clone()];
                    }
                    self.saw(mirror);
                }
            }
            Effect::Link { contact, .. } if record != contact => {
                self.mirrors.retain(|mirror| mirror.record != *contact);
                self.remapped.push((contact.clone(), record.clone()));
                // The conversion is done whatever this read says; without it the copy is only older.
                let _ = self.read(record).await?;
            }
            _ => {}
        }
        self.engine.scan_wanted.notify_one();
        Ok(())
    }
}
