//! Looks over our copies for people without the company they belong to, and counts how many have one. Finds candidates;
//! links nobody, but for what a rule says where the settings allow it.
//!
//! What was ranked is kept (`ranks`): a changed person or company ranks only those anew whom it concerns. Live work never
//! waits for this.

mod ranks;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::person;
use crate::domain::clock::Timestamp;
use crate::domain::evidence::{Evidence, probability_of};
use crate::domain::execution::Priority;
use crate::domain::ids::UnlinkedId;
use crate::domain::links::DomainRule;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Decision, LinkAs, LinkCandidate, ReviewState, Unlinked};
use crate::engine::Engine;
use crate::engine::intake::lane_of;
use crate::engine::link::organisation;
use crate::journal::JournalError;
use crate::journal::intake::NewExecution;
use crate::matching::{self, Person};
use crate::recipes::LINK_COMPANY;

pub use ranks::Ranks;

/// Candidate companies kept for one person.
const CANDIDATES: usize = 5;
/// Candidates less likely than this are not worth a line.
const LEAST_LIKELY: f64 = 0.05;
/// A lead belongs to no account; it is shown where it clearly belongs to one that is there.
const CLEAR: f64 = 0.9;
/// What a human's word about a domain, or a known pair of companies, weighs: more than anything that is only alike.
const DECISIVE: i32 = 20_000;

/// Our copies, and what was decided about them.
struct Facts {
    contacts: Vec<Mirror>,
    companies: Vec<Mirror>,
    intercom: HashMap<String, Mirror>,
    intercom_companies: HashMap<String, Mirror>,
    /// The CRM's contact to Intercom's.
    ties: HashMap<String, String>,
    /// Intercom's company to the CRM's.
    company_ties: HashMap<String, String>,
    rules: HashMap<String, DomainRule>,
    closed: HashSet<String>,
    crm: Connection,
    settings: matching::Settings,
    now: Timestamp,
}

/// What a look found.
struct Found {
    items: Vec<Unlinked>,
    /// Owner, people whose company is known, those of them with an account.
    coverage: Vec<(String, u64, u64)>,
}

impl Engine {
    /// Looks for people without the company they belong to.
    pub async fn scan_unlinked(&self) -> Result<(), JournalError> {
        let facts = self.facts_of_links().await?;
        let ranks = Arc::clone(&self.ranks);
        // Ranking is real work: not on the threads that answer calls.
        let found = tokio::task::spawn_blocking(move || {
            let mut ranks = ranks.lock().unwrap_or_else(PoisonError::into_inner);
            look(&facts, &mut ranks)
        })
        .await;
        let Ok(found) = found else {
            tracing::warn!("a scan for missing relations stumbled; the candidates stay as they were");
            return Ok(());
        };
        self.journal.put_unlinked(found.items).await?;
        self.journal.put_coverage(&self.crm, found.coverage).await?;
        if self.settings.link_by_rule { self.link_by_rules().await } else { Ok(()) }
    }

    async fn facts_of_links(&self) -> Result<Facts, JournalError> {
        let (intercom, crm) = (self.intercom.clone(), self.crm.clone());
        let mut contacts = self.journal.mirrors(&crm, ObjectKind::Contact).await?;
        if crm.system == System::Salesforce {
            // A converted lead is its contact.
            let leads = self.journal.mirrors(&crm, ObjectKind::Lead).await?;
            contacts.extend(leads.into_iter().filter(|lead| lead.text("IsConverted") != "true"));
        }
        let by_id = |mirrors: Vec<Mirror>| {
            mirrors.into_iter().map(|mirror| (mirror.record.id.clone(), mirror)).collect::<HashMap<_, _>>()
        };
        let rules = self.journal.domain_rules().await?;
        let closed = self.journal.closings().await?;
        Ok(Facts {
            contacts,
            companies: self.journal.mirrors(&crm, ObjectKind::Company).await?,
            intercom: by_id(self.journal.mirrors(&intercom, ObjectKind::Contact).await?),
            intercom_companies: by_id(self.journal.mirrors(&intercom, ObjectKind::Company).await?),
            ties: self.journal.ties(&crm, &intercom).await?.into_iter().collect(),
            company_ties: self
                .journal
                .ties_of(ObjectKind::Company, &intercom, &crm)
                .await?
                .into_iter()
                .collect(),
            rules: rules.into_iter().map(|rule| (rule.domain.clone(), rule)).collect(),
            closed: closed.into_iter().map(|(person, _)| person.id).collect(),
            crm,
            settings: self.settings.matching.clone(),
            now: self.clock.now(),
        })
    }

    /// Links whom a rule names, by the same door as a human's decision; nobody whom a human parted from that company.
    async fn link_by_rules(&self) -> Result<(), JournalError> {
        let parted: HashSet<(RecordRef, RecordRef)> = self.journal.parted().await?.into_iter().collect();
        for rule in self.journal.domain_rules().await? {
            let Some(company) = rule.company.clone() else { continue };
            for item in self.journal.unlinked_of_domain(&rule.domain).await? {
                let ruled = item.ruled_by.as_deref() == Some(rule.domain.as_str());
                if !ruled
                    || item.contact.object != ObjectKind::Contact
                    || parted.contains(&(item.contact.clone(), company.clone()))
                {
                    continue;
                }
                let new = NewExecution {
                    recipe: LINK_COMPANY.to_owned(),
                    subject: item.subject.clone(),
                    person: None,
                    lane: lane_of(&self.journal, &item.contact).await?,
                    record: Some(item.contact.clone()),
                    priority: Priority::Background,
                    due_at: self.clock.now(),
                    sentence: format!("Linked by the rule about {}; waits for a worker.", rule.domain),
                    max_attempts: self.settings.max_attempts,
                };
                let decision =
                    Decision::Link { unlinked: item.id, company: company.clone(), how: LinkAs::Auto };
                match self.journal.decide(decision, new, format!("rule {}", rule.domain)).await {
                    // Somebody decided it meanwhile: that stands.
                    Ok(_) | Err(JournalError::Refused(_) | JournalError::Missing(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn look(facts: &Facts, ranks: &mut Ranks) -> Found {
    let organisations: Vec<_> = facts.companies.iter().map(organisation).collect();
    let colleagues: Vec<(String, String)> = facts
        .contacts
        .iter()
        .filter_map(|contact| {
            let company = company_ref(&contact.record.connection, contact.companies.first()?);
            Some((contact.text("email"), company.to_string()))
        })
        .filter(|(email, _)| !email.is_empty())
        .collect();
    let mut ranking = ranks.over(&organisations, &colleagues);
    let families = families(facts);
    let by_key: HashMap<String, &Mirror> =
        facts.companies.iter().map(|mirror| (mirror.record.to_string(), mirror)).collect();
    let (mut items, mut coverage) = (Vec::new(), BTreeMap::<String, (u64, u64)>::new());
    for contact in &facts.contacts {
        let seen = Seen::of(facts, contact);
        let owner = owner(contact);
        let is_lead = contact.record.object == ObjectKind::Lead;
        let linked = !contact.companies.is_empty();
        if !is_lead && (linked || seen.is_of_a_company()) {
            let sum = coverage.entry(owner.clone()).or_default();
            (sum.0, sum.1) = (sum.0 + 1, sum.1 + u64::from(linked));
        }
        if linked || seen.rule(facts).is_some_and(|rule| rule.company.is_none()) {
            continue;
        }
        let key = contact.record.to_string();
        let ranked = ranking.rank(&key, &seen.person, &facts.settings);
        let mut candidates: Vec<LinkCandidate> = ranked
            .iter()
            .filter(|candidate| candidate.probability >= LEAST_LIKELY)
            .take(CANDIDATES)
            .filter_map(|candidate| {
                let company = by_key.get(&candidate.key)?;
                Some(LinkCandidate {
                    probability: candidate.probability,
                    evidence: candidate.evidence.clone(),
                    ..bare(company, &families)
                })
            })
            .collect();
        let ruled_by = seen.decide(facts, &by_key, &families, &mut candidates);
        let Some(hint) = seen.hint(facts, contact, &candidates) else { continue };
        if is_lead {
            let text = contact.text("Company");
            let clear = candidates.first().is_some_and(|best| {
                best.probability >= CLEAR && !best.name.trim().eq_ignore_ascii_case(text.trim())
            });
            if !clear {
                continue;
            }
        }
        items.push(Unlinked {
            id: UnlinkedId(0),
            subject: contact.display_name(),
            contact: contact.record.clone(),
            domain: seen.mail_domain(),
            hint,
            candidates,
            owner,
            ruled_by,
            ignored_until: None,
            state: ReviewState::Open,
            deciding: None,
            created_at: facts.now,
            resolution: None,
        });
    }
    drop(ranking);
    let coverage = coverage.into_iter().map(|(owner, (people, linked))| (owner, people, linked)).collect();
    Found { items, coverage }
}

/// A person as all tied systems know them.
struct Seen<'a> {
    person: Person,
    /// Intercom's copy.
    twin: Option<&'a Mirror>,
    /// The company Intercom names.
    known: Option<&'a Mirror>,
}

impl<'a> Seen<'a> {
    fn of(facts: &'a Facts, contact: &Mirror) -> Self {
        let mut seen = person(contact);
        let twin = facts.ties.get(&contact.record.id).and_then(|id| facts.intercom.get(id));
        let known =
            twin.and_then(|twin| twin.companies.first()).and_then(|id| facts.intercom_companies.get(id));
        if let Some(twin) = twin {
            let theirs = person(twin);
            for (own, other) in [(&mut seen.emails, theirs.emails), (&mut seen.phones, theirs.phones)] {
                for value in other {
                    if !own.contains(&value) {
                        own.push(value);
                    }
                }
            }
            for (own, other) in [
                (&mut seen.city, theirs.city),
                (&mut seen.country, theirs.country),
                (&mut seen.title, theirs.title),
                (&mut seen.company, theirs.company),
                (&mut seen.company_domain, theirs.company_domain),
            ] {
                if own.trim().is_empty() {
                    *own = other;
                }
            }
        }
        if let Some(company) = known {
            seen.company = company.text("name");
            let website = company.text("website");
            if !website.is_empty() {
                seen.company_domain = website;
            }
        }
        Self { person: seen, twin, known }
    }

    fn own_domains(&self) -> impl Iterator<Item = String> + '_ {
        self.person.emails.iter().filter_map(|mail| matching::own_domain(mail.rsplit('@').next()?))
    }

    /// The domain of the first mailbox, as it is written.
    fn mail_domain(&self) -> String {
        let first = self.person.emails.first().and_then(|mail| mail.rsplit_once('@'));
        first.map_or_else(String::new, |(_, domain)| domain.to_lowercase())
    }

    /// Whether something says that there is a company at all.
    fn is_of_a_company(&self) -> bool {
        self.known.is_some() || !self.person.company.trim().is_empty() || self.own_domains().next().is_some()
    }

    /// What a human said about the domain.
    fn rule(&self, facts: &'a Facts) -> Option<&'a DomainRule> {
        if facts.rules.is_empty() {
            return None;
        }
        let written = self.mail_domain();
        self.own_domains().chain([written]).find_map(|domain| facts.rules.get(&domain))
    }

    /// Puts what was decided before what is only alike: a rule about the domain, else a known pair of companies. The
    /// domain whose rule it was.
    fn decide(
        &self,
        facts: &Facts,
        by_key: &HashMap<String, &Mirror>,
        families: &Families,
        candidates: &mut Vec<LinkCandidate>,
    ) -> Option<String> {
        if let Some(rule) = self.rule(facts)
            && let Some(record) = &rule.company
            && let Some(company) = by_key.get(&record.to_string())
        {
            let note = match rule.reason.as_str() {
                "" => format!("said by {}", rule.actor),
                reason => format!("said by {}: {reason}", rule.actor),
            };
            let level = format!("everybody of {} belongs here", rule.domain);
            prefer(company, "rule", &level, note, families, candidates);
            return Some(rule.domain.clone());
        }
        let known = self.known?;
        let tied = facts.company_ties.get(&known.record.id)?;
        let company = by_key.get(&company_ref(&facts.crm, tied).to_string())?;
        let note = format!("{} is this account", known.record.title());
        prefer(company, "identity map", "the company is tied to this account", note, families, candidates);
        None
    }

    /// What says that there is a company; none where nothing does.
    fn hint(&self, facts: &Facts, contact: &Mirror, candidates: &[LinkCandidate]) -> Option<String> {
        let text = contact.text("company");
        let hint = match self.known {
            Some(company) => Some(format!("Intercom says {}", company.text("name"))),
            None if !text.trim().is_empty() => {
                Some(format!("the contact's company text says {}", text.trim()))
            }
            None if !candidates.is_empty() => {
                Some("only the e-mail domain says where they belong".to_owned())
            }
            // Nothing on either side says that there is a company at all.
            None => None,
        };
        let closed = self.twin.is_some_and(|twin| facts.closed.contains(&twin.record.id));
        match (hint, closed) {
            (Some(hint), true) => Some(format!("{hint}; a conversation was closed without an account")),
            (None, true) => Some("a conversation was closed, and no account is known".to_owned()),
            (hint, false) => hint,
        }
    }
}

fn prefer(
    company: &Mirror,
    comparison: &str,
    level: &str,
    note: String,
    families: &Families,
    candidates: &mut Vec<LinkCandidate>,
) {
    let at = candidates.iter().position(|candidate| candidate.company == company.record);
    let mut candidate = at.map_or_else(|| bare(company, families), |at| candidates.remove(at));
    candidate.evidence.push(Evidence {
        // Neither mark may stand in a level: it divides bars where they are printed.
        level: level.replace([':', ';'], " "),
        comparison: comparison.to_owned(),
        millibits: DECISIVE,
        left: String::new(),
        right: String::new(),
        note: Some(note),
    });
    candidate.probability =
        probability_of(candidate.evidence.iter().map(|bar| i64::from(bar.millibits)).sum());
    candidates.insert(0, candidate);
    candidates.truncate(CANDIDATES);
}

/// Key of an account to where it stands among firms of one family.
type Families = HashMap<String, String>;

fn families(facts: &Facts) -> Families {
    let names: HashMap<String, String> =
        facts.companies.iter().map(|mirror| (mirror.record.to_string(), mirror.display_name())).collect();
    let mut children: HashMap<String, usize> = HashMap::new();
    let mut parents: HashMap<String, String> = HashMap::new();
    for company in &facts.companies {
        let own = organisation(company);
        if let Some(parent) = own.parent_key.filter(|parent| names.contains_key(parent) && *parent != own.key)
        {
            *children.entry(parent.clone()).or_default() += 1;
            parents.insert(own.key, parent);
        }
    }
    names
        .keys()
        .filter_map(|key| {
            let child = parents.get(key).map(|parent| format!("child of {}", names[parent]));
            let parent = children.get(key).map(|many| format!("parent of {many}"));
            let words: Vec<String> = child.into_iter().chain(parent).collect();
            (!words.is_empty()).then(|| (key.clone(), words.join(", ")))
        })
        .collect()
}

fn bare(company: &Mirror, families: &Families) -> LinkCandidate {
    LinkCandidate {
        company: company.record.clone(),
        name: company.display_name(),
        domain: [company.text("domain"), company.text("website")]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default(),
        probability: 0.0,
        evidence: Vec::new(),
        family: families.get(&company.record.to_string()).cloned().unwrap_or_default(),
    }
}

/// Whose person it is, by the CRM's id.
fn owner(contact: &Mirror) -> String {
    [contact.text("hubspot_owner_id"), contact.text("OwnerId")]
        .into_iter()
        .find(|owner| !owner.is_empty())
        .unwrap_or_default()
}

fn company_ref(connection: &Connection, id: &str) -> RecordRef {
    RecordRef { connection: connection.clone(), object: ObjectKind::Company, id: id.to_owned() }
}

#[cfg(test)]
mod tests;
