//! Where things are on this machine, and how the parts are put together from them.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Arguments;
use super::clock::SystemClock;
use super::problem::Problem;
use crate::config::{Config, ConfigError};
use crate::console::Production;
use crate::domain::clock::SharedClock;
use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials, Grant};
use crate::engine::Engine;
use crate::engine::operate::Operator;
use crate::engine::rulebook::Rulebook;
use crate::engine::rules::{Rules, Sources};
use crate::journal::{Journal, JournalError};
use crate::mapping::Mapping;
use crate::recipes::recipe::State;
use crate::vault::{Vault, token_variable};
use crate::vendors::alerts::Channels;
use crate::vendors::{Clients, Settings, SetupError};

/// Where settings and data are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The settings file.
    pub config: PathBuf,
    /// Somebody named the file, so it must be there.
    config_named: bool,
    /// Decide also what somebody else has claimed.
    pub despite_claims: bool,
    /// The folder of the journal.
    pub data: PathBuf,
}

impl Place {
    /// From the command line, else the data folder's own settings, else the platform's folders.
    pub fn new(arguments: &Arguments) -> Self {
        let folders = directories::ProjectDirs::from("", "", "reknit");
        let here = || PathBuf::from(".");
        let data = arguments
            .data
            .clone()
            .unwrap_or_else(|| folders.as_ref().map_or_else(here, |folders| folders.data_dir().to_owned()));
        // A data folder that was named may hold its own settings: a kept demo does.
        let beside =
            arguments.data.as_ref().map(|data| data.join("reknit.toml")).filter(|path| path.is_file());
        let config = arguments.config.clone().or(beside).unwrap_or_else(|| {
            folders.as_ref().map_or_else(here, |folders| folders.config_dir().to_owned()).join("reknit.toml")
        });
        Self {
            config,
            config_named: arguments.config.is_some(),
            despite_claims: arguments.despite_claims,
            data,
        }
    }

    /// The settings: the file's, or the defaults where no file was named and none is there.
    pub fn settings(&self) -> Result<Config, Problem> {
        if !self.config_named && !self.config.exists() {
            return Ok(Config { folder: self.folder(), ..Config::default() });
        }
        let read = Config::load(&self.config).map(|config| Config { folder: self.folder(), ..config });
        read.map_err(|error| {
            let next = match &error {
                ConfigError::Unreadable { .. } => {
                    "check the path, or run `reknit init` to write a settings file".to_owned()
                }
                ConfigError::Wrong { .. } => {
                    format!("correct {}; `reknit init --print` shows every setting", self.config.display())
                }
            };
            Problem::usage(
                "The settings cannot be used; nothing was started or changed.",
                error.to_string(),
                next,
            )
        })
    }

    /// The journal's file.
    pub fn journal(&self, config: &Config) -> PathBuf {
        if config.journal.is_empty() { self.data.join("journal.db") } else { PathBuf::from(&config.journal) }
    }

    /// The folder beside the settings file where there is one, else the data folder.
    fn folder(&self) -> PathBuf {
        let settings = self.config_named || self.config.exists();
        let beside = if settings { self.config.parent() } else { None };
        beside.unwrap_or(&self.data).to_owned()
    }

    /// Opens the journal.
    pub fn open(&self, config: &Config, opening: Opening) -> Result<Journal, Problem> {
        open(&self.journal(config), opening, clock())
    }

    /// The mapping the settings name.
    pub fn mapping(&self, config: &Config) -> Result<Arc<Mapping>, Problem> {
        if config.mapping.is_empty() {
            return Ok(Arc::new(Mapping::shipped_for(config.engine.crm)));
        }
        let failed = |why: String| {
            Problem::usage(
                "The mapping cannot be used; nothing was started or changed.",
                why,
                "correct it, or set mapping = \"\" for the shipped one",
            )
        };
        let text = std::fs::read_to_string(&config.mapping)
            .map_err(|error| failed(format!("{}: {error}", config.mapping)))?;
        Mapping::parse(&text, &config.mapping).map(Arc::new).map_err(|error| failed(error.to_string()))
    }
}

/// The mapping of Salesforce's leads, where they are people of the CRM.
pub fn leads(config: &Config) -> Option<Arc<Mapping>> {
    (config.engine.crm == System::Salesforce).then(|| Arc::new(Mapping::shipped_leads()))
}

/// What a journal is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// To work in; made where there is none.
    Create,
    /// To work in; it must be there.
    Work,
    /// To look only: not a byte of it is written.
    Look,
}

/// The system's clock, shared.
pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// Opens a journal with errors a person can act on.
pub fn open(path: &Path, opening: Opening, clock: SharedClock) -> Result<Journal, Problem> {
    let opened = match opening {
        Opening::Create => Journal::open(path, clock),
        Opening::Work => Journal::open_existing(path, clock),
        Opening::Look => Journal::open_to_look(path, clock),
    };
    opened.map_err(|error| match &error {
        JournalError::Newer { .. } => Problem::usage(
            "This journal is too new for this Reknit; nothing was read or changed.",
            error.to_string(),
            "update Reknit, or open another journal with --data DIR",
        ),
        JournalError::Unreadable { .. } if !path.exists() => Problem::usage(
            "There is no journal here.",
            error.to_string(),
            "run `reknit demo` to try Reknit, `reknit serve` to start one, or name its folder with --data DIR",
        ),
        JournalError::Older { .. } => Problem::usage(
            "This journal is from an older Reknit; it was not touched.",
            error.to_string(),
            "run `reknit` or `reknit serve` on it once: a copy is made first",
        ),
        _ => Problem::usage(
            "The journal cannot be opened; nothing was changed.",
            error.to_string(),
            "check the path and its permissions, or open another journal with --data DIR",
        ),
    })
}

/// The vault of this place: its sealed file, where there is one, and the environment.
pub fn vault(place: &Place) -> Result<Arc<Vault>, Problem> {
    Vault::open(&place.data).map(Arc::new).map_err(|error| super::vault::problem(&error))
}

/// The two systems that are kept in step.
pub const fn systems(config: &Config) -> [System; 2] {
    [System::Intercom, config.engine.crm]
}

/// The CRM a flag names, if it is the one that is synced.
pub fn crm_named(word: &str, config: &Config) -> Result<System, Problem> {
    let crm = config.engine.crm;
    if word == crm.as_str() {
        return Ok(crm);
    }
    Err(Problem::usage(
        "Nothing was read or changed.",
        format!("this Reknit keeps Intercom in step with {}, not with {word}", crm.title()),
        format!("name {crm}, or set crm = \"{word}\" under [engine] for a journal of its own"),
    ))
}

/// The vault, if it has what Intercom and the CRM need; else a problem that names what is missing.
pub fn credentials(place: &Place, config: &Config) -> Result<Arc<Vault>, Problem> {
    // Agents' set-ups name their help desk here; another one than Intercom is none Reknit could speak to.
    if let Ok(provider) = std::env::var("HELPDESK_PROVIDER")
        && !matches!(provider.trim().to_ascii_lowercase().as_str(), "" | "intercom")
    {
        return Err(Problem::usage(
            "Nothing was started.",
            format!("HELPDESK_PROVIDER is \"{}\", and conversations live in Intercom here", provider.trim()),
            "set HELPDESK_PROVIDER=intercom, or take the variable away",
        ));
    }
    let vault = vault(place)?;
    let missing: Vec<(Connection, String)> = systems(config)
        .map(Connection::only)
        .into_iter()
        .filter_map(|connection| vault.grant(&connection).err().map(|why| (connection, why)))
        .collect();
    if missing.is_empty() {
        return Ok(vault);
    }
    let systems: Vec<&str> = missing.iter().map(|(connection, _)| connection.system.title()).collect();
    let variables: Vec<String> = missing.iter().map(|(connection, _)| token_variable(connection)).collect();
    let why: Vec<&str> = missing.iter().map(|(_, why)| why.as_str()).collect();
    Err(Problem::usage(
        format!(
            "No token for {}: nothing can be read there or written, and nothing was started.",
            systems.join(" and ")
        ),
        why.join(" "),
        format!(
            "set {} (or keep each with `reknit vault set NAME`), or run `reknit demo` to try Reknit without an account",
            variables.join(" and ")
        ),
    ))
}

/// What a restart would lose, if anything: a refresh token that a vendor replaces while there is nothing to keep it.
pub fn unkept(vault: &Vault) -> Option<String> {
    let refreshed: Vec<&str> = [System::Intercom, System::Hubspot, System::Salesforce]
        .map(Connection::only)
        .iter()
        .filter(|connection| matches!(vault.grant(connection), Ok(Grant::RefreshToken { .. })))
        .map(|connection| connection.system.title())
        .collect();
    (!vault.keeps() && !refreshed.is_empty()).then(|| {
        format!(
            "The refresh token of {} is not kept: should the vendor replace it, the new one is lost when this process \
             ends, and the app must be authorised anew. Set {} so that Reknit keeps it.",
            refreshed.join(" and "),
            crate::vault::PASSPHRASE
        )
    })
}

/// Says on standard error that a refresh token has just been replaced and will be lost.
pub async fn tell_unkept(clients: &Clients, connection: &Connection) {
    let standing = clients.standing(connection).await;
    if standing.rotated_unkept {
        super::output::aside(&lost(connection.system));
    } else if let Some(why) = standing.not_written {
        super::output::aside(&format!("warning: the renewed access token could not be kept: {why}"));
    }
}

/// What it means that a replaced refresh token was not kept.
pub fn lost(system: System) -> String {
    format!(
        "warning: {} has replaced the refresh token, and the new one is lost when this process ends: authorise the app \
         anew, and set {} so that Reknit can keep the next one",
        system.title(),
        crate::vault::PASSPHRASE
    )
}

/// The vendors' clients.
pub fn clients(
    config: &Config,
    mapping: &Mapping,
    credentials: Arc<dyn Credentials>,
) -> Result<Clients, Problem> {
    let settings = with_instance(&vendor_settings(config, mapping), Some(&*credentials));
    Clients::new(&settings, credentials, clock()).map_err(|error: SetupError| {
        Problem::usage(
            "The vendors' clients cannot be set up; nothing was started.",
            error.to_string(),
            "correct [vendors] in the settings",
        )
    })
}

/// The channels alerts go through.
pub fn channels(config: &Config, credentials: &dyn Credentials) -> Result<Channels, Problem> {
    Channels::with_sinks(&config.vendors, credentials, clock(), &config.workspace, &config.sinks).map_err(
        |error| {
            Problem::usage(
                "The alert channels cannot be set up; nothing was started.",
                error.to_string(),
                "correct that secret, or leave it away to have no such channel",
            )
        },
    )
}

/// An engine over a journal.
pub fn engine(
    config: &Config,
    journal: Journal,
    mapping: Arc<Mapping>,
    credentials: Arc<dyn Credentials>,
) -> Result<Engine, Problem> {
    let clients = clients(config, &mapping, credentials)?;
    let engine = Engine::new(journal, clients, mapping, clock(), config.engine.clone());
    Ok(engine.with_rulebook(rulebook(config)).with_rules(rules(config)?))
}

/// Where recipes and mappings of one's own are.
pub fn sources(config: &Config) -> Sources {
    let folder = |named: &str, usual: &str| {
        let own = (!named.is_empty()).then(|| config.folder.join(named));
        // Without a place of its own there is nothing beside it either.
        own.or_else(|| (!config.folder.as_os_str().is_empty()).then(|| config.folder.join(usual)))
    };
    Sources {
        recipes: folder(&config.recipes, "recipes"),
        mappings: folder(&config.mappings, "mappings"),
        contact: (!config.mapping.is_empty()).then(|| PathBuf::from(&config.mapping)),
    }
}

/// The recipes and mappings in force.
pub fn rules(config: &Config) -> Result<Rules, Problem> {
    Rules::read(sources(config), config.engine.crm).map_err(|wrong| {
        Problem::usage(
            "The recipes and mappings cannot be used; nothing was started or changed.",
            wrong.join("; "),
            "correct them, or take the file away: then the shipped one is used",
        )
    })
}

/// In a new journal, recipes that are on plan and write nothing until somebody switches them on. What to say of it.
pub async fn begin_in_shadow(config: &Config, engine: &Engine) -> Result<Option<String>, Problem> {
    if config.engine.first_run != State::Shadow {
        return Ok(None);
    }
    let rules = engine.rules().current();
    let on: Vec<String> = rules
        .book
        .all()
        .filter(|recipe| recipe.state == State::On)
        .map(|recipe| recipe.name.clone())
        .collect();
    let new = engine.journal().begin_in_shadow(on.clone()).await;
    let waits = match new {
        Ok(_) => engine.journal().first_run().await,
        Err(error) => Err(error),
    };
    let waits = waits.map_err(|error| super::list::unread(&error))?;
    Ok((!waits.is_empty()).then(|| {
        format!(
            "First run: {} plan and write nothing. Look at what they would do (reknit list executions), then: reknit \
             recipe on {} --yes",
            waits.join(" and "),
            waits.join(" ")
        )
    }))
}

/// The rules that decide conflicts.
pub fn rulebook(config: &Config) -> Rulebook {
    Rulebook::in_folder(config.folder.join("rules"))
}

/// The vendors' settings, asking the CRM for every field the mappings name besides the usual ones.
pub fn vendor_settings(config: &Config, mapping: &Mapping) -> crate::vendors::Settings {
    let mut settings = config.vendors.clone();
    let leads = leads(config);
    let mappings = [("Contact", Some(mapping)), ("Lead", leads.as_deref())];
    for (object, mapping) in mappings.into_iter().filter_map(|(object, mapping)| Some((object, mapping?))) {
        for name in mapping.fields.iter().flat_map(|field| &field.crm).chain([&mapping.crm_identity]) {
            let (list, name) = match config.engine.crm {
                System::Salesforce => (&mut settings.salesforce.extra_fields, format!("{object}.{name}")),
                _ => (&mut settings.hubspot.extra_properties, name.clone()),
            };
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    // Rules that cannot be read are told of by who works with them.
    if let Ok(rules) = Rules::read(sources(config), config.engine.crm) {
        settings.hubspot.extra_properties.extend(rules.current().fields());
    }
    settings
}

/// The settings for a preview: with the Salesforce instance that is told beside the secrets, which goes before theirs.
pub fn with_instance(settings: &Settings, credentials: Option<&dyn Credentials>) -> Settings {
    let told = match credentials {
        Some(credentials) => credentials.instance_url(&Connection::only(System::Salesforce)),
        None => std::env::var("SALESFORCE_INSTANCE_URL").ok().filter(|url| !url.trim().is_empty()),
    };
    let mut settings = settings.clone();
    if let Some(url) = told {
        url.trim().clone_into(&mut settings.salesforce.instance_url);
    }
    settings
}

/// Whoever is logged in.
pub fn actor() -> String {
    ["REKNIT_USER", "USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "operator".to_owned())
}

/// An operator in the name of whoever is logged in.
pub fn operator(config: &Config, journal: Journal, mapping: Arc<Mapping>, read_only: bool) -> Operator {
    let operator = Operator::new(
        journal,
        mapping,
        Arc::new(with_instance(&config.vendors, None)),
        clock(),
        actor(),
        config.engine.max_attempts,
    )
    .of_crm(config.engine.crm, leads(config))
    .merging_by(config.merge.clone());
    let named = (!config.mapping.is_empty()).then(|| PathBuf::from(&config.mapping));
    let operator = operator
        .with_rulebook(rulebook(config))
        .with_mappings(config.folder.join("mappings"), named)
        .with_sources(sources(config))
        .with_matching(config.matching.clone());
    if read_only { operator.read_only() } else { operator }
}

/// Whether the vendors are real ones: as the settings say, else unless all of them are on this machine.
pub fn is_production(config: &Config) -> bool {
    match config.console.production {
        Production::Yes => true,
        Production::No => false,
        Production::Auto => {
            let vendors = &config.vendors;
            [&vendors.intercom.base_url, &vendors.hubspot.base_url, &vendors.salesforce.instance_url]
                .into_iter()
                .any(|address| !address.is_empty() && !crate::vendors::is_on_this_machine(address))
        }
    }
}

/// Gives back at once what a dead worker held; for who has just taken its lock.
pub async fn take_over(journal: &Journal) -> Result<(), Problem> {
    let given_back = journal.rescue_all().await.map_err(|error| {
        Problem::runtime(
            "The work of a process that ended early could not be taken over; nothing was started.",
            error.to_string(),
            "try again in a moment; if it stays so, check the journal's file and disk",
        )
    })?;
    if given_back > 0 {
        tracing::info!(given_back, "took over the work of a process that ended early");
    }
    Ok(())
}

/// Whether a process of this machine works a journal; writes nothing.
pub fn is_served(journal: &Path) -> bool {
    let Ok(file) = File::open(journal.with_extension("worker")) else { return false };
    matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// Held by the one process that serves a journal on this machine; given up when it ends, however it ends.
#[derive(Debug)]
pub struct WorkerLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl WorkerLock {
    /// Takes the lock; none when another process serves this journal.
    pub fn take(journal: &Path) -> Result<Option<Self>, Problem> {
        let path = journal.with_extension("worker");
        let failed = |error: std::io::Error| {
            Problem::runtime(
                "Reknit cannot tell whether another process serves this journal; nothing was started.",
                format!("{}: {error}", path.display()),
                "check the folder's permissions",
            )
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
