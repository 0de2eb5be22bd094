//! The one path from event to outcome: take in, claim, gather, plan, perform, settle.
//!
//! The engine decides what a failure means and when to try again; it draws nothing, parses no flags, writes no SQL
//! and builds no URL. Everything it knows stands in the journal, so any number of engines may serve one journal.
//!
//! | file | subject |
//! |---|---|
//! | [`intake`] | which execution an event causes; recognising our own writes |
//! | [`worker`] | the loop: claim, one turn for each claim, rescue, graceful end |
//! | `held` | the leases this process holds |
//! | `turn` | one turn: the five lines everything turns on |
//! | `gather` | the facts a plan needs |
//! | `capsule` | both records whole, before a merge |
//! | [`rules`] | recipes and mappings in force, read anew while it runs |
//! | `identity` | external id and e-mail that name different people |
//! | `chains` | whose writes a write would answer |
//! | `companies` | which company is which on the other side, and who belongs to it |
//! | `perform` | the steps of a plan, intent before call |
//! | `batch` | errands of many turns in one call |
//! | `settle` | what became of it: the only place that turns a vendor's refusal into a state |
//! | [`recipe`] | one run of a recipe of the book |
//! | [`retry`] | when to try again |
//! | [`limits`] | how many calls a connection may take |
//! | [`holds`] | what holds work back now: open breakers, pauses |
//! | [`breaker`] | when a breaker opens, who looks, when it closes |
//! | [`monitors`] | what is watched, who is told, the figures to scrape |
//! | `notices` | sending what recipes tell |
//! | [`poll`] | what no webhook told: first load and regular looks |
//! | [`fetch`] | all records of a kind, because a human asked |
//! | [`suppression`] | whether marketing is quiet for whom it should be, and for nobody else |
//! | [`sweep`] | people who are gone without a word |
//! | [`drift`] | whether the vendors' fields still are what the rules expect |
//! | [`backfill`] | conversations of the past |
//! | [`scan`] | duplicates and missing relations |
//! | [`erasure`] | erasing people: what a deletion means for the other side, and what an operator asks |
//! | [`rulebook`] | rules that decide conflicts of a shape |
//! | `writers` | who wrote the values of a conflict |
//! | [`rehearse`] | what an edited mapping would do |
//! | [`explain`] | how a value of a person came about |
//! | [`why_not`] | what stopped a person on their way |
//! | [`operate`] | what the operator asks for |

use std::sync::Arc;
use std::time::Duration;

use crate::domain::clock::SharedClock;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::vendors::Clients;

pub mod backfill;
mod batch;
pub mod breaker;
mod capsule;
mod chains;
mod companies;
pub mod drift;
pub mod erasure;
pub mod explain;
pub mod fetch;
mod gather;
mod held;
pub mod holds;
mod identity;
pub mod intake;
pub mod limits;
mod link;
mod look;
mod merge;
pub mod monitors;
mod notices;
pub mod operate;
mod perform;
pub mod poll;
mod probe;
pub mod recipe;
pub mod rehearse;
mod reopen;
pub mod retry;
pub mod rulebook;
pub mod rules;
pub mod scan;
pub mod settings;
mod settle;
pub mod suppression;
pub mod sweep;
mod timeline;
mod turn;
pub mod undo;
pub mod why_not;
pub mod worker;
mod writers;

pub use settings::Settings;

/// Everything a running engine shares; clones are cheap.
#[derive(Clone)]
pub struct Engine {
    pub(crate) journal: Journal,
    pub(crate) clients: Clients,
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) rules: rules::Rules,
    /// Of the rules what this one works by: renewed for each turn.
    pub(crate) in_force: Arc<rules::InForce>,
    pub(crate) clock: SharedClock,
    pub(crate) limits: limits::Limits,
    batcher: batch::Batcher,
    pub(crate) holds: holds::Holds,
    pub(crate) settings: Arc<Settings>,
    pub(crate) rulebook: rulebook::Rulebook,
    pub(crate) scan_wanted: Arc<tokio::sync::Notify>,
    models: Arc<scan::Models>,
    /// Who belongs to which account, as of the last look.
    ranks: Arc<std::sync::Mutex<scan::Ranks>>,
    held: Arc<held::Held>,
    /// Who we are in Salesforce, once somebody asked.
    own_user: Arc<tokio::sync::OnceCell<String>>,
    schemas: Arc<std::sync::Mutex<recipe::Cached>>,
    /// Where conversations live.
    pub(crate) intercom: Connection,
    /// Where accounts live.
    pub(crate) crm: Connection,
}

impl Engine {
    /// Puts the parts together.
    pub fn new(
        journal: Journal,
        clients: Clients,
        mapping: Arc<Mapping>,
        clock: SharedClock,
        settings: Settings,
    ) -> Self {
        let crm = Connection::only(settings.crm);
        let limits = limits::Limits::new(clock.clone(), journal.clone(), &settings);
        let clients = clients.gated(Arc::new(limits.clone()));
        let carry = batch::carry::Vendors {
            clients: clients.clone(),
            limits: limits.clone(),
            journal: journal.clone(),
        };
        let wait = Duration::from_millis(settings.batch_wait_milliseconds);
        let batcher = batch::Batcher::new(clock.clone(), Box::new(carry), wait, settings.batch_rows);
        let rules = rules::Rules::fixed(Arc::clone(&mapping), crm.system);
        Self {
            journal,
            clients,
            batcher,
            mapping,
            in_force: rules.current(),
            rules,
            clock,
            holds: limits.holds(),
            limits,
            settings: Arc::new(settings),
            rulebook: rulebook::Rulebook::default(),
            scan_wanted: Arc::new(tokio::sync::Notify::new()),
            models: Arc::default(),
            ranks: Arc::default(),
            held: Arc::default(),
            own_user: Arc::default(),
            schemas: Arc::default(),
            intercom: Connection::only(System::Intercom),
            crm,
        }
    }

    /// The mapping between Intercom's contacts and the kind of record a person of the CRM is.
    pub(crate) fn mapping_of(&self, object: ObjectKind) -> &Arc<Mapping> {
        self.in_force.leads.as_ref().filter(|_| object == ObjectKind::Lead).unwrap_or(&self.mapping)
    }

    /// The same engine with rules that decide conflicts.
    #[must_use]
    pub fn with_rulebook(mut self, rulebook: rulebook::Rulebook) -> Self {
        self.rulebook = rulebook;
        self
    }

    /// The journal it serves.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

impl Engine {
    /// Whether a connection answers; its workspace's or portal's name.
    pub async fn check(&self, connection: &Connection) -> Result<String, crate::vendors::VendorError> {
        let mut log = crate::vendors::Log::new();
        let result = crate::vendors::check(&self.clients, connection, &mut log).await;
        self.limits.learn_all(&log);
        result
    }
}
