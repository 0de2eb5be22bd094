//! What the console cannot know from the journal and is told: how the tokens stand, which topics recipes start from, how
//! often the vendors are looked through. Names and dates only, never a secret.

use tokio::sync::watch;

use crate::domain::clock::Timestamp;
use crate::domain::record::Connection;
use crate::engine::intake::Needed;

/// Where the present state of it is read.
pub type Window = watch::Receiver<Outside>;

/// What is known beside the journal; empty where nobody tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// By connection.
    pub credentials: Vec<Credential>,
    /// Topics that recipes which are on start from; none where the rules were not read.
    pub needed: Option<Vec<Needed>>,
    /// Seconds between two looks for changes; 0 when unknown.
    pub poll_seconds: u64,
    /// Where the vendors reach this service; empty when the settings do not say.
    pub public_url: String,
}

/// How a connection comes by its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Which connection.
    pub connection: Connection,
    /// The secrets it may need, by name, and whether each is there.
    pub secrets: Vec<(String, bool)>,
    /// What it has: `a refresh token`; or what is missing, as a sentence.
    pub grant: Result<String, String>,
    /// New tokens are asked for by themselves.
    pub renews: bool,
    /// When the present token runs out, where the vendor said so.
    pub expires_at: Option<Timestamp>,
}

impl Outside {
    /// What is known of a connection's tokens.
    pub fn credential(&self, connection: &Connection) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.connection == *connection)
    }
}

/// A window onto something that does not change.
pub fn still(outside: Outside) -> Window {
    watch::channel(outside).1
}
