//! A secret that can be used but not shown.
//!
//! [`Secret`] prints as `••••` with at most its last four characters, is wiped when dropped, and never implements
//! `Serialize`. [`Credentials`] is how `vendors` asks for one, and keeps a renewed one, without knowing the vault.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::clock::Timestamp;
use super::record::Connection;

/// A token or key. Its text is reached only through [`Secret::reveal`].
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes a text as a secret; blanks around it (a pasted newline) are dropped.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Zeroizing::new(text.trim().to_owned())))
    }

    /// The text itself, for a header or a signature; never for a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be shown: `••••3f2a`. Nothing of a text too short to be told apart from its tail.
    pub fn hint(&self) -> String {
        let text = self.reveal();
        match text.char_indices().rev().nth(3) {
            Some((at, _)) if text.len() >= 16 => format!("••••{}", &text[at..]),
            _ => "••••".to_owned(),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

/// Whether a line of a settings or recipe file holds a vendor's token, or a long value of a key that names a secret.
pub fn holds_a_token(line: &str) -> bool {
    let line = line.trim();
    if line.starts_with('#') {
        return false;
    }
    let shapes =
        ["pat-na", "pat-eu", "pat-ap", "dG9rO", "xoxb-", "xoxp-", "Bearer ", "hooks.slack.com/services/"];
    if shapes.iter().any(|shape| line.contains(shape)) {
        return true;
    }
    let Some((key, value)) = line.split_once('=') else { return false };
    let key = key.to_lowercase();
    let names_a_secret = ["token", "secret", "password", "api_key"].iter().any(|word| key.contains(word));
    names_a_secret && value.trim().trim_matches(['"', '\'']).len() >= 12
}

/// How a connection comes by its access tokens.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A token a person made at the vendor; nothing renews it.
    Fixed(Secret),
    /// OAuth's refresh token, exchanged for access tokens.
    RefreshToken {
        /// The app's public name.
        client_id: String,
        /// The app's secret, where it has one.
        client_secret: Option<Secret>,
        /// The refresh token in force: the given one, or the last that replaced it.
        refresh_token: Secret,
    },
    /// The app itself, acting as the user its owner has set for it.
    ClientCredentials {
        /// The app's public name.
        client_id: String,
        /// The app's secret.
        client_secret: Secret,
    },
    /// An assertion signed with the app's private key, in the name of a user.
    SignedAssertion {
        /// The app's public name.
        client_id: String,
        /// The user's login name.
        username: String,
        /// The key, as PEM.
        private_key: Secret,
    },
}

impl Grant {
    /// What it is called in findings and messages.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "a fixed access token",
            Self::RefreshToken { .. } => "a refresh token",
            Self::ClientCredentials { .. } => "client credentials",
            Self::SignedAssertion { .. } => "a signed assertion (JWT bearer)",
        }
    }

    /// New access tokens can be asked for.
    pub const fn renews(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }
}

/// What a vendor's token endpoint gave.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The token for calls.
    pub access_token: Secret,
    /// The refresh token that replaces the one used. From here on the old one may be void.
    pub refresh_token: Option<Secret>,
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// When it runs out, where the vendor says so.
    pub expires_at: Option<Timestamp>,
    /// The host to call with it, where the vendor names one.
    pub instance_url: Option<String>,
}

/// How long a renewed token is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk: a restart and other processes find it.
    Durably,
    /// Only this process has it.
    InMemory,
}

/// Held while one process renews the token of a connection; given up when dropped.
pub type Renewal = Box<dyn Send>;

/// Where the vendors' clients get their tokens. Implemented by the vault, handed in by `cli`.
///
/// Only the first two must be there: whoever has fixed tokens leaves the rest as it is. All may read or write files;
/// [`Credentials::begin_renewal`] and [`Credentials::store`] may block for long, so they are called off the runtime.
pub trait Credentials: Send + Sync + 'static {
    /// The access token a person gave for a connection, if there is one.
    fn access_token(&self, connection: &Connection) -> Option<Secret>;
    /// The secret that signs a connection's webhooks, if there is one.
    fn webhook_secret(&self, connection: &Connection) -> Option<Secret>;

    /// How the connection comes by its access tokens, or a sentence that says what is missing.
    fn grant(&self, connection: &Connection) -> Result<Grant, String> {
        self.access_token(connection)
            .map(Grant::Fixed)
            .ok_or_else(|| format!("There is no access token for {connection}."))
    }

    /// The access token last stored for the grant as it stands now, by this process or another.
    fn renewed(&self, _connection: &Connection) -> Option<Renewed> {
        None
    }

    /// Waits until no other process renews this connection's token, and keeps them from it until dropped.
    fn begin_renewal(&self, _connection: &Connection) -> Result<Renewal, String> {
        Ok(Box::new(()))
    }

    /// Keeps what the vendor gave. An error says why it is not on disk though it should be; it is in memory even so.
    fn store(&self, _connection: &Connection, _renewed: &Renewed) -> Result<Kept, String> {
        Ok(Kept::InMemory)
    }

    /// The host to call, where it is told beside the secrets and not in the settings.
    fn instance_url(&self, _connection: &Connection) -> Option<String> {
        None
    }

    /// The host that gives tokens, likewise.
    fn login_url(&self, _connection: &Connection) -> Option<String> {
        None
    }

    /// A secret by the name a setting gives it: `user:password` of a proxy.
    fn named(&self, _name: &str) -> Option<Secret> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("  pat-na1-0123456789-abcdef\n");
        assert_eq!(secret.reveal(), "pat-na1-0123456789-abcdef");
        assert_eq!(format!("{secret:?}"), "••••cdef");
        assert_eq!(format!("{:?}", Secret::new("short")), "••••");
    }
}
