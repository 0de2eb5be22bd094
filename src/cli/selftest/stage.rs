//! Where a self-test plays: vendors, a journal of its own, an engine, and what was made and has to go again.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::super::problem::Problem;
use super::super::wiring::{self, Opening, Place};
use super::checks::Outcome;
use crate::config::Config;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::execution::Execution;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::domain::plan::Effect;
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::secret::Credentials;
use crate::engine::Engine;
use crate::engine::operate::Operator;
use crate::engine::rules::{InForce, Rules};
use crate::journal::Journal;
use crate::mapping::{Mapping, Mappings};
use crate::recipes::book::Book;
use crate::sandbox::{Sandbox, Settings};
use crate::vault::Given;
use crate::vendors::{self, Clients, Log, VendorError, hubspot, salesforce};

/// The recipe that makes cases, switched on for the test alone.
const CASES: &str = "tag-to-case";

/// See the module.
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) operator: Operator,
    pub(super) clients: Clients,
    pub(super) journal: Journal,
    pub(super) mapping: Arc<Mapping>,
    pub(super) crm: Connection,
    /// Tells this run's records from others'.
    pub(super) stamp: String,
    made: Vec<RecordRef>,
    /// What stays, in words.
    left: Vec<String>,
    delivered: u32,
    sandbox: Option<Sandbox>,
    folder: PathBuf,
}

fn failed(why: impl std::fmt::Display) -> Problem {
    Problem::runtime("Nothing was tested.", why.to_string(), "try again, and report it if it stays so")
}

impl Stage {
    /// Emulated vendors, empty.
    pub(super) async fn emulated(place: &Place, crm: Option<System>) -> Result<Self, Problem> {
        let crm = match crm {
            Some(crm) => crm,
            None => place.settings()?.engine.crm,
        };
        let sandbox = super::super::sandbox::start(Settings { seeded: false, ..Settings::default() }).await?;
        let mut config = Config::default();
        config.engine.crm = crm;
        sandbox.intercom_base_url().clone_into(&mut config.vendors.intercom.base_url);
        sandbox.hubspot_base_url().clone_into(&mut config.vendors.hubspot.base_url);
        sandbox.salesforce_instance_url().clone_into(&mut config.vendors.salesforce.instance_url);
        let credentials: Arc<dyn Credentials> = Arc::new(
            Given::default()
                .with(System::Intercom, sandbox.intercom_token(), sandbox.intercom_client_secret())
                .with(System::Hubspot, sandbox.hubspot_token(), sandbox.hubspot_client_secret())
                .with(System::Salesforce, sandbox.salesforce_token(), ""),
        );
        let mapping = Arc::new(Mapping::shipped_for(crm));
        Self::set(&config, mapping, credentials, Some(sandbox))
    }

    /// The accounts of the settings; a production account only where somebody insists.
    pub(super) async fn real(place: &Place, production: bool) -> Result<Self, Problem> {
        let config = place.settings()?;
        let mapping = place.mapping(&config)?;
        let credentials = wiring::credentials(place, &config)?;
        let stage = Self::set(&config, mapping, credentials, None)?;
        if production {
            return Ok(stage);
        }
        let mut log = Log::new();
        let (clients, crm) = (&stage.clients, &stage.crm);
        let asked = match crm.system {
            System::Salesforce => salesforce::rights::is_sandbox(clients, crm, &mut log).await,
            _ => hubspot::is_sandbox(clients, crm, &mut log).await,
        };
        let (is_sandbox, name) = asked.map_err(|error| {
            Problem::runtime(
                "Nothing was tested.",
                format!("{} does not say whether it is a sandbox: \"{}\"", crm.system.title(), error.words),
                "check the token with `reknit doctor`",
            )
        })?;
        if is_sandbox {
            return Ok(stage);
        }
        stage.end().await;
        Err(Problem::usage(
            "Nothing was tested.",
            format!(
                "{} says it is no sandbox (\"{name}\"), and test records do not belong into production",
                { config.engine.crm.title() }
            ),
            "name a sandbox in the settings, or insist with --profile production --force",
        ))
    }

    fn set(
        config: &Config,
        mapping: Arc<Mapping>,
        credentials: Arc<dyn Credentials>,
        sandbox: Option<Sandbox>,
    ) -> Result<Self, Problem> {
        let now = wiring::clock().now();
        let stamp = format!("{:x}-{:x}", now.0, std::process::id());
        let folder = std::env::temp_dir().join(format!("reknit-selftest-{stamp}"));
        std::fs::create_dir_all(&folder).map_err(|error| failed(format!("{}: {error}", folder.display())))?;
        let journal = wiring::open(&folder.join("journal.db"), Opening::Create, wiring::clock())?;
        let clients = wiring::clients(config, &mapping, credentials)?;
        let shipped = Book::shipped();
        let text = shipped.recipe(CASES).map(|recipe| recipe.text.clone()).unwrap_or_default();
        let text = text.replacen("state = \"off\"", "state = \"on\"", 1);
        let book = Book::with([("selftest.toml", text.as_str())])
            .map_err(|found| failed(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        let crm = config.engine.crm;
        let rules = Rules::of(InForce::new(book, Mappings::shipped(), Arc::clone(&mapping), crm));
        let engine = Engine::new(
            journal.clone(),
            clients.clone(),
            Arc::clone(&mapping),
            wiring::clock(),
            config.engine.clone(),
        )
        .with_rules(rules);
        let operator = Operator::new(
            journal.clone(),
            Arc::clone(&mapping),
            Arc::new(config.vendors.clone()),
            wiring::clock(),
            wiring::actor(),
            1,
        )
        .of_crm(crm, wiring::leads(config));
        Ok(Self {
            engine,
            operator,
            clients,
            journal,
            mapping,
            crm: Connection::only(crm),
            stamp,
            made: Vec::new(),
            left: Vec::new(),
            delivered: 0,
            sandbox,
            folder,
        })
    }

    /// An address nobody has.
    pub(super) fn address(&self, name: &str) -> String {
        format!("reknit-selftest-{name}-{}@example.com", self.stamp)
    }

    /// Does one thing at a vendor, beside the engine; what it makes is taken away at the end.
    pub(super) async fn perform(&mut self, effect: &Effect) -> Result<RecordRef, VendorError> {
        let record = vendors::perform(&self.clients, effect, &mut Log::new()).await?;
        match effect {
            Effect::Create { .. } => self.made.push(record.clone()),
            Effect::Converse { .. } => self.left.push(format!("{} (Intercom keeps it)", record.title())),
            _ => {}
        }
        Ok(record)
    }

    /// A test person in Intercom.
    pub(super) async fn person(&mut self, name: &str, role: &str) -> Result<RecordRef, VendorError> {
        let fields = json!({"role": role, "email": self.address(name), "name": "Reknit Selftest"});
        let effect = Effect::Create {
            connection: Connection::only(System::Intercom),
            object: ObjectKind::Contact,
            fields: fields.as_object().cloned().unwrap_or_else(Fields::new),
            identity: "email".into(),
            related: Vec::new(),
        };
        self.perform(&effect).await
    }

    /// Hands the engine an event as a webhook would, and lets it work; what ran because of it.
    pub(super) async fn deliver(
        &mut self,
        kind: EventKind,
        record: &RecordRef,
        body: serde_json::Value,
    ) -> Result<Vec<Execution>, String> {
        let before = self.executions().await?.len();
        self.delivered += 1;
        let event = NewEvent {
            connection: record.connection.clone(),
            source: EventSource::Webhook,
            delivery_key: format!("selftest-{}-{}", self.stamp, self.delivered),
            topic: "selftest".into(),
            kind,
            record: Some(record.clone()),
            occurred_at: None,
            sent: Sent::default(),
            body: body.to_string(),
        };
        self.engine.intake().accept(vec![event]).await.map_err(|error| error.to_string())?;
        self.work().await;
        let mut rows = self.executions().await?;
        rows.truncate(rows.len().saturating_sub(before));
        Ok(rows)
    }

    /// Lets the engine work off what is due.
    pub(super) async fn work(&self) {
        self.engine.work_off().await;
    }

    /// All executions, newest first.
    pub(super) async fn executions(&self) -> Result<Vec<Execution>, String> {
        let page = self.journal.executions(&Filter::default(), Anchor::First, 1_000).await;
        page.map(|page| page.rows).map_err(|error| error.to_string())
    }

    /// The person's records in the CRM, which are to be taken away as well.
    pub(super) async fn in_crm(&mut self, field: &str, value: &str) -> Result<Vec<Mirror>, VendorError> {
        let found = vendors::find_contact(&self.clients, &self.crm, field, value, &mut Log::new()).await?;
        for mirror in &found {
            self.mine(&mirror.record);
        }
        Ok(found)
    }

    /// A record of the test's, to be taken away at the end.
    pub(super) fn mine(&mut self, record: &RecordRef) {
        if !self.made.contains(record) {
            self.made.push(record.clone());
        }
    }

    /// A record as it is now.
    pub(super) async fn read(&self, record: &RecordRef) -> Result<Mirror, VendorError> {
        vendors::read(&self.clients, record, &mut Log::new()).await
    }

    /// Deletes what was made, the newest first.
    pub(super) async fn clean_up(&mut self) -> Outcome {
        let count = self.made.len();
        let mut stays = Vec::new();
        while let Some(record) = self.made.pop() {
            let effect = Effect::Erase { record: record.clone() };
            if let Err(error) = vendors::perform(&self.clients, &effect, &mut Log::new()).await {
                stays.push(format!("{}: \"{}\"", record.title(), error.words));
            }
        }
        let mut evidence = format!("{} of {count} test records deleted", count - stays.len());
        if !self.left.is_empty() {
            evidence.push_str(&format!("; left: {}", self.left.join(", ")));
        }
        if !stays.is_empty() {
            evidence.push_str(&format!("; delete by hand: {}", stays.join(", ")));
        }
        Outcome { name: "clean-up", passed: Some(stays.is_empty()), evidence }
    }

    /// Ends the vendors and takes the journal away.
    pub(super) async fn end(self) {
        let Self { engine, operator, journal, clients, sandbox, folder, .. } = self;
        if let Some(sandbox) = sandbox {
            sandbox.shutdown().await;
        }
        drop((engine, operator, journal, clients));
        // What cannot be removed is in the system's temporary folder, which it empties itself.
        let _ = std::fs::remove_dir_all(folder);
    }
}
