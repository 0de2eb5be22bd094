//! Where the tokens are: handed out as `Secret`s, never logged, never stored in the journal or a config.
//!
//! For now they come from the environment, or are given in memory (the demo). The variables:
//! `INTERCOM_ACCESS_TOKEN`, `INTERCOM_CLIENT_SECRET`, `HUBSPOT_ACCESS_TOKEN`, `HUBSPOT_CLIENT_SECRET`; a named
//! connection appends its name, as in `HUBSPOT_ACCESS_TOKEN_EMEA`.

use std::collections::HashMap;

use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials, Secret};

/// The variable that holds a connection's access token.
pub fn token_variable(connection: &Connection) -> String {
    variable(connection, "ACCESS_TOKEN")
}

fn variable(connection: &Connection, what: &str) -> String {
    let system = connection.system.as_str().to_uppercase();
    if connection.name.is_empty() {
        format!("{system}_{what}")
    } else {
        format!("{system}_{what}_{}", connection.name.to_uppercase().replace('-', "_"))
    }
}

/// Tokens of the environment, read when asked so that nothing is kept longer than needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Environment {
    fn read(connection: &Connection, what: &str) -> Option<Secret> {
        let value = std::env::var(variable(connection, what)).ok()?;
        (!value.trim().is_empty()).then(|| Secret::new(&value))
    }
}

impl Credentials for Environment {
    fn access_token(&self, connection: &Connection) -> Option<Secret> {
        Self::read(connection, "ACCESS_TOKEN")
    }

    fn webhook_secret(&self, connection: &Connection) -> Option<Secret> {
        Self::read(connection, "CLIENT_SECRET")
    }
}

/// Tokens given in memory: the sandbox's own.
#[derive(Debug, Clone, Default)]
pub struct Given {
    tokens: HashMap<System, (Secret, Secret)>,
}

impl Given {
    /// Adds a system's access token and webhook secret.
    #[must_use]
    pub fn with(mut self, system: System, token: &str, webhook_secret: &str) -> Self {
        self.tokens.insert(system, (Secret::new(token), Secret::new(webhook_secret)));
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
}
