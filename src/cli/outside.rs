//! Tells the console what it cannot know from the journal: tokens by name and date, needed topics, how often is looked.
//!
//! Secrets are asked for and never handed on: only whether each is there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::wiring;
use crate::config::Config;
use crate::console::outside::{Credential, Outside, Window};
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::engine::intake::needed;
use crate::vault::{token_variable, variable};

/// How often is looked whether a token was renewed or put in place.
const AGAIN: Duration = Duration::from_secs(60);

/// What the recipes need takes longer to find out than the first screen may wait for, and is not on it.
const AFTER_THE_FIRST_SCREEN: Duration = Duration::from_millis(300);

/// A window onto it, and the task that keeps it up to date; the task ends with the window.
pub fn window(config: &Config, credentials: Option<Arc<dyn Credentials>>) -> Window {
    let systems = wiring::systems(config);
    let outside = Outside {
        credentials: credentials.as_ref().map_or_else(Vec::new, |credentials| read(&**credentials, &systems)),
        poll_seconds: config.engine.poll_seconds,
        public_url: config.webhook.public_url.clone().unwrap_or_default(),
        ..Outside::default()
    };
    let (sender, window) = watch::channel(outside);
    let config = config.clone();
    tokio::spawn(async move {
        let clock = wiring::clock();
        clock.until(clock.now().plus(AFTER_THE_FIRST_SCREEN)).await;
        // Rules that cannot be read are told of by whoever is to run them.
        let needed = move || wiring::rules(&config).ok().map(|rules| needed(&rules.current()));
        let needed = tokio::task::spawn_blocking(needed).await.ok().flatten();
        sender.send_modify(|outside| outside.needed = needed);
        let Some(credentials) = credentials else { return };
        while !sender.is_closed() {
            tokio::select! {
                () = sender.closed() => return,
                () = clock.until(clock.now().plus(AGAIN)) => {}
            }
            let credentials = Arc::clone(&credentials);
            // It may read files.
            let Ok(found) = tokio::task::spawn_blocking(move || read(&*credentials, &systems)).await else {
                return;
            };
            sender.send_if_modified(|outside| {
                let changed = outside.credentials != found;
                outside.credentials = found;
                changed
            });
        }
    });
    window
}

fn read(credentials: &dyn Credentials, systems: &[System]) -> Vec<Credential> {
    systems
        .iter()
        .map(|system| {
            let connection = Connection::only(*system);
            let grant = credentials.grant(&connection);
            let renews = grant.as_ref().is_ok_and(crate::domain::secret::Grant::renews);
            let mut secrets =
                vec![(token_variable(&connection), credentials.access_token(&connection).is_some())];
            for what in ["REFRESH_TOKEN", "CLIENT_ID", "PRIVATE_KEY"] {
                let name = variable(&connection, what);
                if credentials.named(&name).is_some() {
                    secrets.push((name, true));
                }
            }
            let signing = if *system == System::Salesforce { "WEBHOOK_SECRET" } else { "CLIENT_SECRET" };
            secrets.push((variable(&connection, signing), credentials.webhook_secret(&connection).is_some()));
            Credential {
                // A token that comes by a grant need not be given.
                secrets: secrets
                    .into_iter()
                    .filter(|(name, there)| *there || !(renews && name.ends_with("ACCESS_TOKEN")))
                    .collect(),
                grant: grant.map(|grant| grant.title().to_owned()),
                renews,
                expires_at: credentials.renewed(&connection).and_then(|renewed| renewed.expires_at),
                connection,
            }
        })
        .collect()
}
