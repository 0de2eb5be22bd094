//! What an operator decides about people without a company: one link, a whole domain, a new company, the way back, rules
//! about domains, and that no company fits.
//!
//! A bulk link is a proposal first: whom it concerns, the calls and what they cost. Carried out is exactly that list;
//! who changed since is left out and named.

use std::collections::BTreeMap;

use super::past::Back;
use super::{OperateError, Operator, Prepared, still_open};
use crate::domain::ids::{ExecutionId, UnlinkedId};
use crate::domain::links::{DomainRule, LinkMade, LinkVerdict};
use crate::domain::plan::{Call, Preview};
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Decision, LinkAs, ReviewState, Unlinked};
use crate::domain::team::Item;
use crate::domain::text::shorten;
use crate::engine::link::{self as facts, Known, PlanError};
use crate::recipes::link::{self, Linked};
use crate::recipes::mend::Impossible;
use crate::recipes::{LINK_COMPANY, UNLINK_COMPANY};
use crate::{matching, vendors};

/// Calls that a preview for several people shows; it says how many there are.
const CALLS: usize = 20;
/// Letters of a name in a list of people.
const NAME: usize = 60;

/// One person of a bulk link.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainRow {
    /// The item.
    pub unlinked: UnlinkedId,
    /// The person's name.
    pub subject: String,
    /// What is done, in words.
    pub what: String,
    shown: String,
}

/// A bulk link, for a human to say yes to.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainProposal {
    /// The domain.
    pub domain: String,
    /// The account.
    pub company: RecordRef,
    /// Its name.
    pub name: String,
    /// Whom it concerns; frozen.
    pub rows: Vec<DomainRow>,
    /// Who is left out already now, and why.
    pub left_out: Vec<(UnlinkedId, String)>,
    /// It becomes a rule for people who come later.
    pub remember: bool,
    /// What is shown.
    pub preview: Preview,
}

/// What became of one person of a bulk link.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainResult {
    /// The item.
    pub unlinked: UnlinkedId,
    /// The person's name.
    pub subject: String,
    /// The execution that links them, or why they were left out.
    pub outcome: Result<ExecutionId, String>,
}

impl From<PlanError> for OperateError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Journal(error) => error.into(),
            PlanError::Impossible(error) => error.into(),
        }
    }
}

impl From<Known> for OperateError {
    fn from(known: Known) -> Self {
        match known {
            Known::Journal(error) => error.into(),
            Known::There(error) => error.into(),
        }
    }
}

/// A domain as rules are kept by it: the registrable one where it has one, else as it is written.
pub fn rule_domain(text: &str) -> Result<String, OperateError> {
    let text = text.trim().trim_start_matches('@').to_lowercase();
    let plain = text.contains('.')
        && !text.starts_with('.')
        && !text.ends_with('.')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    if !plain {
        return Err(OperateError::Impossible(format!(
            "\"{}\" is no domain; write it as acme.co.uk.",
            shorten(&text, NAME)
        )));
    }
    Ok(matching::own_domain(&text).unwrap_or(text))
}

impl Operator {
    async fn item(&self, id: UnlinkedId) -> Result<Unlinked, OperateError> {
        self.journal.unlinked_one(id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))
    }

    async fn linked(&self, item: &Unlinked, company: &Mirror, how: LinkAs) -> Result<Linked, OperateError> {
        let person = self.copy(&item.contact).await?;
        let intercom = Connection::only(System::Intercom);
        let theirs = facts::twin(&self.journal, &item.contact, &intercom, Some(company)).await?;
        Ok(link::link(
            &person,
            company,
            how,
            facts::both(theirs.as_ref(), self.companies.as_deref()).as_ref(),
        )?)
    }

    fn shown(&self, title: String, linked: Linked, item: &Unlinked, recipe: &'static str) -> Prepared {
        let mut preview = self.preview_of(title, &linked.planned.plan);
        preview.notes.extend(linked.planned.plan.nothing);
        preview.notes.extend(linked.notes);
        preview.irreversible = linked.irreversible;
        Prepared { recipe, subject: item.subject.clone(), record: item.contact.clone(), preview }
    }

    /// The preview of a link.
    pub(super) async fn linking(
        &self,
        id: UnlinkedId,
        company: &RecordRef,
        how: LinkAs,
    ) -> Result<Prepared, OperateError> {
        let item = self.item(id).await?;
        still_open(item.state, &id.to_string())?;
        let company = self.copy(company).await?;
        let linked = self.linked(&item, &company, how).await?;
        let title = format!("Relate {} to {}", item.subject, company.display_name());
        Ok(self.shown(title, linked, &item, LINK_COMPANY))
    }

    /// The preview of a company that is made for a person.
    pub(super) async fn founding(
        &self,
        id: UnlinkedId,
        name: &str,
        domain: &str,
    ) -> Result<Prepared, OperateError> {
        let item = self.item(id).await?;
        still_open(item.state, &id.to_string())?;
        let person = self.copy(&item.contact).await?;
        let crm = &person.record.connection;
        facts::refuse_known(&self.journal, crm, name, domain).await?;
        let intercom = Connection::only(System::Intercom);
        let theirs = facts::twin(&self.journal, &item.contact, &intercom, None).await?;
        let twin = facts::both(theirs.as_ref(), self.companies.as_deref());
        let linked = link::found(&person, (name, domain), twin.as_ref())?;
        let title = format!(
            "Make company {} in {} and relate {} to it",
            shorten(name.trim(), NAME),
            crm.system.title(),
            item.subject
        );
        Ok(self.shown(title, linked, &item, LINK_COMPANY))
    }

    /// The preview of a link's way back.
    pub(super) async fn unlinking(&self, id: UnlinkedId, by: ExecutionId) -> Result<Prepared, OperateError> {
        let item = self.item(id).await?;
        if item.state == ReviewState::Deciding {
            still_open(item.state, &id.to_string())?;
        }
        let plan = facts::plan_of(&self.journal, by).await?;
        let person = self.copy(&item.contact).await?;
        let linked = link::undo(&plan, &person)?;
        let title = format!("Take the link of {} back, made by {by}", item.subject);
        Ok(self.shown(title, linked, &item, UNLINK_COMPANY))
    }

    /// The decision that takes a link back: named by its execution, or the newest of an item.
    pub async fn undo_of_link(
        &self,
        by: Option<ExecutionId>,
        of: Option<UnlinkedId>,
    ) -> Result<Decision, OperateError> {
        let made: Option<LinkMade> = match (by, of) {
            (Some(by), _) => self.journal.link_by(by).await?,
            (None, Some(of)) => self.journal.link_of(of).await?,
            (None, None) => None,
        };
        let Some(made) = made else {
            let what = by.map(|id| id.to_string()).or_else(|| of.map(|id| id.to_string()));
            return Err(OperateError::Impossible(format!(
                "{} made no link that Reknit knows of; a relation that somebody else made is taken away in the CRM.",
                what.unwrap_or_default()
            )));
        };
        if let Some(undone) = made.undone_by {
            return Err(OperateError::Impossible(format!("{undone} took this link back already.")));
        }
        Ok(Decision::Unlink { unlinked: made.unlinked, link: made.execution })
    }

    /// A name and a domain for the company of a person, from what is known of it.
    pub async fn suggested_company(&self, id: UnlinkedId) -> Result<(String, String), OperateError> {
        let item = self.item(id).await?;
        let person = self.copy(&item.contact).await?;
        let intercom = Connection::only(System::Intercom);
        let theirs = facts::twin(&self.journal, &item.contact, &intercom, None).await?;
        let text = |field: &str| theirs.as_ref().map(|company| company.text(field)).unwrap_or_default();
        let first = |values: [String; 2]| values.into_iter().find(|value| !value.trim().is_empty());
        let domain = [text("website"), person.text("website"), item.domain.clone()]
            .into_iter()
            .find_map(|text| matching::own_domain(&text))
            .unwrap_or_default();
        let stem = domain.split('.').next().unwrap_or_default();
        let mut letters = stem.chars();
        let made = letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect());
        Ok((first([text("name"), person.text("company")]).unwrap_or(made).trim().to_owned(), domain))
    }

    /// What linking everybody of a domain would do: whom, which calls, what they cost.
    pub async fn propose_domain(
        &self,
        domain: &str,
        company: &RecordRef,
        remember: bool,
    ) -> Result<DomainProposal, OperateError> {
        let domain = rule_domain(domain)?;
        let now = self.in_force().await;
        if matching::own_domain(&domain).is_none() {
            return Err(OperateError::Impossible(format!(
                "{domain} gives mailboxes to anybody: its people belong to no one company. Link them one by one."
            )));
        }
        let target = self.copy(company).await?;
        let name = target.display_name();
        let (mut rows, mut left_out, mut calls) = (Vec::new(), Vec::new(), Vec::<Call>::new());
        let mut notes: BTreeMap<String, usize> = BTreeMap::new();
        for item in self.journal.unlinked_of_domain(&domain).await? {
            match now.linked(&item, &target, LinkAs::Auto).await {
                Ok(linked) => {
                    let plan = &linked.planned.plan;
                    calls.extend(
                        plan.steps.iter().flat_map(|step| vendors::calls(&self.vendors, &step.effect)),
                    );
                    let what =
                        linked.notes.first().cloned().or_else(|| plan.nothing.clone()).unwrap_or_default();
                    *notes.entry(what.clone()).or_default() += 1;
                    let shown = self.as_shown(&item).await?;
                    rows.push(DomainRow { unlinked: item.id, subject: item.subject, what, shown });
                }
                Err(OperateError::Impossible(why) | OperateError::Missing(why)) => {
                    left_out.push((item.id, why));
                }
                Err(error) => return Err(error),
            }
        }
        if rows.is_empty() && !remember {
            return Err(OperateError::Impossible(format!(
                "nobody of {domain} waits for an account{}.",
                left_out
                    .first()
                    .map_or_else(String::new, |(id, why)| format!(" that can be given one ({id}: {why})"))
            )));
        }
        // Cross-references of one pair of companies are written once; the rest finds them there.
        let mut once: Vec<Call> = Vec::new();
        calls.retain(|call| {
            !once.contains(call) && {
                once.push(call.clone());
                true
            }
        });
        let mut preview = Preview {
            title: format!("Relate {} of {domain} to {}", people(rows.len()), shorten(&name, NAME)),
            ..Preview::default()
        };
        preview.notes.push(format!(
            "{} to write, and two to read for each person; each is one execution of its own, retried and limited like all \
             others. `reknit discard` stops those that have not begun.",
            counted(calls.len(), "call")
        ));
        if calls.len() > CALLS {
            preview.notes.push(format!("The first {CALLS} of them are shown."));
        }
        preview.notes.extend(notes.into_iter().map(|(what, many)| format!("{}: {what}", people(many))));
        preview
            .notes
            .extend(rows.iter().map(|row| format!("{}  {}", row.unlinked, shorten(&row.subject, NAME))));
        preview.notes.extend(left_out.iter().map(|(id, why)| format!("Left out: {id}, {why}")));
        if remember {
            preview.notes.push(format!(
                "From now on {domain} belongs to {}: whoever comes later is proposed for it. `reknit link rules remove \
                 {domain}` takes that back.",
                shorten(&name, NAME)
            ));
        }
        preview.calls = calls.into_iter().take(CALLS).collect();
        Ok(DomainProposal { domain, company: company.clone(), name, rows, left_out, remember, preview })
    }

    /// What a human saw of a person when they said yes.
    async fn as_shown(&self, item: &Unlinked) -> Result<String, OperateError> {
        let person = self.journal.mirror(&item.contact).await?;
        let (mail, companies) =
            person.map(|person| (person.text("email"), person.companies)).unwrap_or_default();
        Ok(format!("{} {mail} {}", item.contact, companies.join(",")))
    }

    /// Records the link of one person of a proposal; refused with the reason where the person changed since.
    pub async fn link_row(
        &self,
        proposal: &DomainProposal,
        row: &DomainRow,
    ) -> Result<DomainResult, OperateError> {
        self.may_write()?;
        let result = |outcome| DomainResult { unlinked: row.unlinked, subject: row.subject.clone(), outcome };
        let item = self.item(row.unlinked).await?;
        if item.state != ReviewState::Open {
            return Ok(result(Err(format!("it is {} by now", item.state))));
        }
        if self.as_shown(&item).await? != row.shown {
            return Ok(result(Err("the person changed since it was shown; look again".to_owned())));
        }
        let decision =
            Decision::Link { unlinked: row.unlinked, company: proposal.company.clone(), how: LinkAs::Auto };
        match self.decide(&decision).await {
            Ok(execution) => Ok(result(Ok(execution))),
            Err(OperateError::Impossible(why) | OperateError::Missing(why)) => Ok(result(Err(why))),
            Err(OperateError::Claimed { claim, .. }) => Ok(result(Err(super::team::words(&claim)))),
            Err(error) => Err(error),
        }
    }

    /// Records every link of a proposal, and its rule; they run one by one like all other work.
    pub async fn carry_out_domain(
        &self,
        proposal: &DomainProposal,
    ) -> Result<Vec<DomainResult>, OperateError> {
        self.may_write()?;
        self.remember_domain(proposal).await?;
        let mut results = Vec::with_capacity(proposal.rows.len());
        for row in &proposal.rows {
            results.push(self.link_row(proposal, row).await?);
        }
        Ok(results)
    }

    /// Makes the rule of a proposal, where it asks for one.
    pub async fn remember_domain(&self, proposal: &DomainProposal) -> Result<(), OperateError> {
        if proposal.remember {
            let reason = format!("linked in bulk to {}", proposal.name);
            self.rule_for_domain(&proposal.domain, Some(proposal.company.clone()), &reason).await?;
        }
        Ok(())
    }

    /// Says where people of a domain belong, or that nobody is to be asked about them; how many items that closed.
    pub async fn rule_for_domain(
        &self,
        domain: &str,
        company: Option<RecordRef>,
        reason: &str,
    ) -> Result<usize, OperateError> {
        self.may_write()?;
        let domain = rule_domain(domain)?;
        if let Some(company) = &company {
            if company.object != ObjectKind::Company || company.connection.system != self.crm {
                return Err(Impossible(format!(
                    "{company} is no company of the CRM; write it as {}/company/ID.",
                    self.crm
                ))
                .into());
            }
            self.copy(company).await?;
            if matching::own_domain(&domain).is_none() {
                return Err(OperateError::Impossible(format!(
                    "{domain} gives mailboxes to anybody: its people belong to no one company."
                )));
            }
        }
        // Saying where people belong closes nothing that somebody looks at; never to ask closes all of it.
        if company.is_none() {
            self.unclaimed(self.waiting_of(&domain).await?).await?;
        }
        let rule = DomainRule {
            domain,
            company,
            actor: self.actor.clone(),
            reason: reason.trim().to_owned(),
            since: self.clock.now(),
        };
        let domain = rule.domain.clone();
        let closed = self.journal.put_domain_rule(rule).await?;
        self.did(format!("made a rule for {domain}"), Back::Domain(domain));
        Ok(closed)
    }

    /// What waits about people of a domain.
    pub async fn waiting_of(&self, domain: &str) -> Result<Vec<Item>, OperateError> {
        let waiting = self.journal.unlinked_of_domain(&rule_domain(domain)?).await?;
        Ok(waiting.into_iter().map(|person| Item::Unlinked(person.id)).collect())
    }

    /// Takes a rule about a domain away; false when there is none.
    pub async fn forget_domain(&self, domain: &str) -> Result<bool, OperateError> {
        self.may_write()?;
        Ok(self.journal.remove_domain_rule(&rule_domain(domain)?, &self.actor).await?)
    }

    /// Takes back what was said of a person (no company fits, unsure, later); false when nothing was.
    pub async fn reopen_unlinked(&self, id: UnlinkedId) -> Result<bool, OperateError> {
        self.may_write()?;
        self.unclaimed([Item::Unlinked(id)]).await?;
        Ok(self.journal.reopen_unlinked(id, self.actor.clone()).await?)
    }

    /// Whether something that can be taken back was said of a person.
    pub async fn is_judged(&self, id: UnlinkedId) -> Result<bool, OperateError> {
        let item = self.item(id).await?;
        Ok(matches!(item.state, ReviewState::Ignored | ReviewState::Dismissed) && item.ruled_by.is_none())
    }

    /// Says of a person that no company fits, that it cannot be said now, or that it waits.
    pub async fn judge_unlinked(
        &self,
        id: UnlinkedId,
        verdict: LinkVerdict,
        reason: &str,
    ) -> Result<(), OperateError> {
        self.may_write()?;
        if matches!(verdict, LinkVerdict::Later(at) if at <= self.clock.now()) {
            return Err(OperateError::Impossible("the time until which to leave it alone is past.".into()));
        }
        self.unclaimed([Item::Unlinked(id)]).await?;
        self.journal.judge_unlinked(id, verdict, reason.to_owned(), self.actor.clone()).await?;
        let why =
            "nothing was sent, and it is asked again when the evidence changes; status:dismissed shows it";
        self.did(format!("judged {id}"), Back::Nothing(why.to_owned()));
        Ok(())
    }
}

fn counted(many: usize, one: &str) -> String {
    format!("{many} {one}{}", if many == 1 { "" } else { "s" })
}

fn people(many: usize) -> String {
    if many == 1 { "1 person".to_owned() } else { format!("{many} people") }
}
