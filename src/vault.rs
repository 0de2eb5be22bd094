//! Where the secrets are: handed out as `Secret`s, never logged, never stored in the journal or the settings.
//!
//! A secret comes from the environment, else from the sealed file `vault.db` in the data folder (`reknit vault set`),
//! and has the same name in both: `INTERCOM_ACCESS_TOKEN`, `HUBSPOT_REFRESH_TOKEN`, …; a named connection appends its
//! name, as in `HUBSPOT_ACCESS_TOKEN_EMEA`. What a vendor renews is kept in the file when there is a passphrase for it,
//! and in memory when not. The operating system's keyring is not used: it is not there where services run (no session,
//! no bus), and would be a second way to keep the same few texts.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::clock::Timestamp;
use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials, Grant, Kept, Renewal, Renewed, Secret};

mod sealed;

use sealed::Sealed;
pub use sealed::VaultError;

/// The variable that holds the vault's passphrase.
pub const PASSPHRASE: &str = "REKNIT_VAULT_PASSPHRASE";
/// The variable that names a file with it.
pub const PASSPHRASE_FILE: &str = "REKNIT_VAULT_PASSPHRASE_FILE";
/// A shorter passphrase is not taken for a new vault.
const SHORTEST: usize = 8;

/// Every name a secret can have, without a connection's name behind it.
pub const NAMES: [&str; 19] = [
    "INTERCOM_ACCESS_TOKEN",
    "INTERCOM_CLIENT_SECRET",
    "HUBSPOT_ACCESS_TOKEN",
    "HUBSPOT_CLIENT_SECRET",
    "HUBSPOT_CLIENT_ID",
    "HUBSPOT_REFRESH_TOKEN",
    "SALESFORCE_INSTANCE_URL",
    "SALESFORCE_LOGIN_URL",
    "SALESFORCE_ACCESS_TOKEN",
    "SALESFORCE_CLIENT_ID",
    "SALESFORCE_CLIENT_SECRET",
    "SALESFORCE_REFRESH_TOKEN",
    "SALESFORCE_PRIVATE_KEY",
    "SALESFORCE_USERNAME",
    "SALESFORCE_WEBHOOK_SECRET",
    "REKNIT_AGENT_SECRET",
    "REKNIT_SLACK_WEBHOOK_URL",
    "REKNIT_ALERT_WEBHOOK_URL",
    "REKNIT_ALERT_WEBHOOK_SECRET",
];

/// Whether a secret of this name would ever be asked for.
pub fn is_known(name: &str) -> bool {
    let letters = |text: &str| text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    NAMES.iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('_').is_some_and(|own| !own.is_empty() && letters(own))
        })
    })
}

/// The variable that holds a connection's access token.
pub fn token_variable(connection: &Connection) -> String {
    variable(connection, "ACCESS_TOKEN")
}

/// The name of one of a connection's secrets.
pub fn variable(connection: &Connection, what: &str) -> String {
    let system = connection.system.as_str().to_uppercase();
    if connection.name.is_empty() {
        format!("{system}_{what}")
    } else {
        format!("{system}_{what}_{}", connection.name.to_uppercase().replace('-', "_"))
    }
}

/// Looks a variable up.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Environment, sealed file and memory as one.
pub struct Vault {
    environment: Environment,
    sealed: Option<Sealed>,
    /// What vendors renewed, for where there is no file or it cannot be written.
    renewed: Mutex<BTreeMap<String, Record>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("sealed", &self.sealed.as_ref().map(Sealed::path))
            .finish_non_exhaustive()
    }
}

/// A text inside the sealed file: wiped from memory when dropped. The only secret that can be written at all.
#[derive(Clone)]
struct Hidden(Zeroizing<String>);

impl Hidden {
    fn of(secret: &Secret) -> Self {
        Self(Zeroizing::new(secret.reveal().to_owned()))
    }

    fn secret(&self) -> Secret {
        Secret::new(&self.0)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    entries: BTreeMap<String, Hidden>,
    /// By connection.
    renewed: BTreeMap<String, Record>,
}

/// What a vendor renewed, and for which grant.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    /// The fingerprint of the grant as a person gave it: another one makes all of this void.
    grant: String,
    access_token: Hidden,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Hidden>,
    obtained_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_url: Option<String>,
}

/// One secret as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its last letters, where it is long enough to spare them.
    pub hint: String,
    /// The environment has one of the same name, which wins.
    pub overridden: bool,
}

impl Vault {
    /// The process's environment, and the sealed file in the data folder where there is one or a passphrase for one.
    pub fn open(data: &Path) -> Result<Self, VaultError> {
        Self::with_environment(data, Box::new(|name| std::env::var(name).ok()))
    }

    fn with_environment(data: &Path, environment: Environment) -> Result<Self, VaultError> {
        let path = Self::path(data);
        let there = path.exists();
        let sealed = match passphrase(&environment)? {
            Some(passphrase) if there || passphrase.reveal().chars().count() >= SHORTEST => {
                let sealed = Sealed::new(path, passphrase);
                // Opened once now, so that a wrong passphrase is told of here and not by a vendor's refusal.
                sealed.read::<Content>()?;
                Some(sealed)
            }
            Some(_) => {
                return Err(VaultError::Passphrase(format!(
                    "the vault's passphrase is shorter than {SHORTEST} characters"
                )));
            }
            None if there => return Err(VaultError::Locked(path)),
            None => None,
        };
        Ok(Self { environment, sealed, renewed: Mutex::default() })
    }

    /// Where the sealed file is.
    pub fn path(data: &Path) -> PathBuf {
        data.join("vault.db")
    }

    /// What vendors renew survives the end of the process.
    pub const fn keeps(&self) -> bool {
        self.sealed.is_some()
    }

    /// Puts a secret into the file.
    pub fn set(&self, name: &str, value: &Secret) -> Result<(), VaultError> {
        self.file()?.change(|content: &mut Content| {
            content.entries.insert(name.to_owned(), Hidden::of(value));
        })
    }

    /// Takes a secret out of the file; false when it was not there.
    pub fn remove(&self, name: &str) -> Result<bool, VaultError> {
        self.file()?.change(|content: &mut Content| content.entries.remove(name).is_some())
    }

    /// The secrets in the file, by name.
    pub fn entries(&self) -> Result<Vec<Entry>, VaultError> {
        let content: Content = self.file()?.read()?.unwrap_or_default();
        let entries = content.entries.iter().map(|(name, value)| Entry {
            name: name.clone(),
            hint: value.secret().hint(),
            overridden: self.variable(name).is_some(),
        });
        Ok(entries.collect())
    }

    fn file(&self) -> Result<&Sealed, VaultError> {
        self.sealed.as_ref().ok_or(VaultError::NoPassphrase)
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        (self.environment)(name).filter(|value| !value.trim().is_empty()).map(|value| Secret::new(&value))
    }

    fn content(&self) -> Option<Content> {
        // It opened at the start. One that no longer does is as good as none here, and `store` will say so.
        let read = self.sealed.as_ref()?.read();
        if let Err(error) = &read {
            tracing::warn!(%error, "the vault cannot be read any more");
        }
        read.ok().flatten()
    }

    fn secret(&self, connection: &Connection, what: &str) -> Option<Secret> {
        self.one(&variable(connection, what))
    }

    fn one(&self, name: &str) -> Option<Secret> {
        self.variable(name).or_else(|| {
            let content = self.content()?;
            content.entries.get(name).map(Hidden::secret).filter(|secret| !secret.reveal().is_empty())
        })
    }

    /// The grant as a person gave it, before any vendor replaced a part of it.
    fn given(&self, connection: &Connection) -> Result<Grant, String> {
        let find = |what| self.secret(connection, what);
        let name = |what| variable(connection, what);
        let fixed = || find("ACCESS_TOKEN").map(Grant::Fixed);
        if connection.system == System::Intercom {
            return fixed().ok_or_else(|| missing(connection, &name("ACCESS_TOKEN")));
        }
        let client_id = find("CLIENT_ID").map(|id| id.reveal().to_owned());
        let client_secret = find("CLIENT_SECRET");
        if let Some(refresh_token) = find("REFRESH_TOKEN") {
            return match client_id {
                Some(client_id) => Ok(Grant::RefreshToken { client_id, client_secret, refresh_token }),
                None => Err(format!("{} is set, but {} is not.", name("REFRESH_TOKEN"), name("CLIENT_ID"))),
            };
        }
        if connection.system == System::Salesforce {
            if let Some(private_key) = self.private_key(connection)? {
                let username = find("USERNAME").map(|it| it.reveal().to_owned());
                return match (client_id, username) {
                    (Some(client_id), Some(username)) => {
                        Ok(Grant::SignedAssertion { client_id, username, private_key })
                    }
                    (None, _) => {
                        Err(format!("There is a private key, but {} is not set.", name("CLIENT_ID")))
                    }
                    (_, None) => Err(format!("There is a private key, but {} is not set.", name("USERNAME"))),
                };
            }
            let token = fixed();
            return match (client_id, client_secret) {
                (Some(client_id), Some(client_secret)) => {
                    Ok(Grant::ClientCredentials { client_id, client_secret })
                }
                _ if token.is_some() => token.ok_or_else(String::new),
                (Some(_), None) => Err(format!(
                    "{} is set; it also needs {}, or {}, or {} with {}.",
                    name("CLIENT_ID"),
                    name("REFRESH_TOKEN"),
                    name("CLIENT_SECRET"),
                    name("USERNAME"),
                    name("PRIVATE_KEY_FILE")
                )),
                (None, Some(_)) => {
                    Err(format!("{} is set, but {} is not.", name("CLIENT_SECRET"), name("CLIENT_ID")))
                }
                (None, None) => Err(missing(connection, &name("ACCESS_TOKEN"))),
            };
        }
        fixed().ok_or_else(|| missing(connection, &name("ACCESS_TOKEN")))
    }

    fn private_key(&self, connection: &Connection) -> Result<Option<Secret>, String> {
        if let Some(key) = self.secret(connection, "PRIVATE_KEY") {
            return Ok(Some(key));
        }
        let variable = variable(connection, "PRIVATE_KEY_FILE");
        let Some(path) = self.variable(&variable) else { return Ok(None) };
        match std::fs::read_to_string(path.reveal()).map(Zeroizing::new) {
            Ok(text) => Ok(Some(Secret::new(&text))),
            Err(error) => Err(format!("{variable} names {}, which cannot be read: {error}.", path.reveal())),
        }
    }

    /// What was last renewed for this grant: from memory or the file, whichever is newer.
    fn record(&self, connection: &Connection, given: &Grant) -> Option<Record> {
        let print = fingerprint(given);
        let key = connection.to_string();
        let kept = self.content().and_then(|mut content| content.renewed.remove(&key));
        let held = self.held().get(&key).cloned();
        kept.into_iter()
            .chain(held)
            .filter(|record| record.grant == print)
            .max_by_key(|record| record.obtained_at)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(connection: &Connection, variable: &str) -> String {
    format!("There is no access token for {connection}: {variable} is not set.")
}

fn passphrase(environment: &Environment) -> Result<Option<Secret>, VaultError> {
    if let Some(text) = environment(PASSPHRASE).map(Zeroizing::new).filter(|text| !text.trim().is_empty()) {
        return Ok(Some(Secret::new(&text)));
    }
    let Some(path) = environment(PASSPHRASE_FILE).filter(|path| !path.trim().is_empty()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path)
        .map(Zeroizing::new)
        .map_err(|error| VaultError::Passphrase(format!("{PASSPHRASE_FILE} names {path}: {error}")))?;
    if text.trim().is_empty() {
        return Err(VaultError::Passphrase(format!("{PASSPHRASE_FILE} names {path}, which is empty")));
    }
    Ok(Some(Secret::new(&text)))
}

/// A hash over everything a person gave, each part preceded by its length.
fn fingerprint(grant: &Grant) -> String {
    let none = Secret::new("");
    let parts: [&str; 4] = match grant {
        Grant::Fixed(token) => ["fixed", token.reveal(), "", ""],
        Grant::RefreshToken { client_id, client_secret, refresh_token } => {
            ["refresh", client_id, client_secret.as_ref().unwrap_or(&none).reveal(), refresh_token.reveal()]
        }
        Grant::ClientCredentials { client_id, client_secret } => {
            ["client", client_id, client_secret.reveal(), ""]
        }
        Grant::SignedAssertion { client_id, username, private_key } => {
            ["assertion", client_id, username, private_key.reveal()]
        }
    };
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Credentials for Vault {
    fn access_token(&self, connection: &Connection) -> Option<Secret> {
        self.secret(connection, "ACCESS_TOKEN")
    }

    fn webhook_secret(&self, connection: &Connection) -> Option<Secret> {
        self.secret(connection, "CLIENT_SECRET")
    }

    fn grant(&self, connection: &Connection) -> Result<Grant, String> {
        let mut grant = self.given(connection)?;
        let replaced = match &grant {
            Grant::RefreshToken { .. } => {
                self.record(connection, &grant).and_then(|record| record.refresh_token)
            }
            _ => None,
        };
        if let (Grant::RefreshToken { refresh_token, .. }, Some(replaced)) = (&mut grant, replaced) {
            *refresh_token = replaced.secret();
        }
        Ok(grant)
    }

    fn renewed(&self, connection: &Connection) -> Option<Renewed> {
        let given = self.given(connection).ok().filter(Grant::renews)?;
        if let Some(record) = self.record(connection, &given) {
            return Some(Renewed {
                access_token: record.access_token.secret(),
                refresh_token: None,
                obtained_at: record.obtained_at,
                expires_at: record.expires_at,
                instance_url: record.instance_url,
            });
        }
        // A person may have given a token to begin with, beside the means to renew it.
        Some(Renewed {
            access_token: self.access_token(connection)?,
            refresh_token: None,
            obtained_at: Timestamp(0),
            expires_at: None,
            instance_url: None,
        })
    }

    fn begin_renewal(&self, connection: &Connection) -> Result<Renewal, String> {
        match &self.sealed {
            // Without a file there is nothing another process could leave us.
            None => Ok(Box::new(())),
            Some(sealed) => {
                let ending = format!("{}.lock", connection.to_string().replace(':', "-"));
                Ok(Box::new(sealed.lock(&ending).map_err(|error| error.to_string())?))
            }
        }
    }

    fn store(&self, connection: &Connection, renewed: &Renewed) -> Result<Kept, String> {
        let given = self.given(connection)?;
        let before = self.record(connection, &given);
        let record = Record {
            grant: fingerprint(&given),
            access_token: Hidden::of(&renewed.access_token),
            refresh_token: renewed
                .refresh_token
                .as_ref()
                .map(Hidden::of)
                .or_else(|| before.and_then(|record| record.refresh_token)),
            obtained_at: renewed.obtained_at,
            expires_at: renewed.expires_at,
            instance_url: renewed.instance_url.clone(),
        };
        let key = connection.to_string();
        // Memory first: if the file cannot be written, this process at least goes on with what is valid.
        self.held().insert(key.clone(), record.clone());
        let Some(sealed) = &self.sealed else { return Ok(Kept::InMemory) };
        sealed
            .change(|content: &mut Content| content.renewed.insert(key, record))
            .map(|_| Kept::Durably)
            .map_err(|error| error.to_string())
    }

    fn instance_url(&self, connection: &Connection) -> Option<String> {
        self.secret(connection, "INSTANCE_URL").map(|url| url.reveal().to_owned())
    }

    fn login_url(&self, connection: &Connection) -> Option<String> {
        self.secret(connection, "LOGIN_URL").map(|url| url.reveal().to_owned())
    }

    fn named(&self, name: &str) -> Option<Secret> {
        self.one(name)
    }
}

/// Tokens given in memory: the sandbox's own.
#[derive(Debug, Clone, Default)]
pub struct Given {
    tokens: HashMap<System, (Secret, Secret)>,
    named: HashMap<String, Secret>,
}

impl Given {
    /// Adds a system's access token and webhook secret.
    #[must_use]
    pub fn with(mut self, system: System, token: &str, webhook_secret: &str) -> Self {
        self.tokens.insert(system, (Secret::new(token), Secret::new(webhook_secret)));
        self
    }

    /// Adds a secret by its name.
    #[must_use]
    pub fn with_named(mut self, name: &str, secret: &str) -> Self {
        self.named.insert(name.to_owned(), Secret::new(secret));
        self
    }
}

impl Credentials for Given {
    fn access_token(&self, connection: &Connection) -> Option<Secret> {
        self.tokens.get(&connection.system).map(|(token, _)| token.clone())
    }

    fn webhook_secret(&self, connection: &Connection) -> Option<Secret> {
        self.tokens.get(&connection.system).map(|(_, secret)| secret.clone())
    }

    fn named(&self, name: &str) -> Option<Secret> {
        self.named.get(name).cloned()
    }
}

#[cfg(test)]
mod tests;
