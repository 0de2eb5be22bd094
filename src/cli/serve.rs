//! `reknit serve`: the service without a screen.

use std::sync::Arc;

use clap::Args;
use tokio::sync::mpsc;

use super::background::{Background, asked_to_stop, listen};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::domain::trouble::advise;
use crate::engine::Engine;
use crate::vendors;
use crate::webhook::Receiver;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to receive webhooks; overrides bind in the settings
    #[arg(long, value_name = "HOST:PORT")]
    bind: Option<String>,
}

/// Runs until asked to stop.
pub async fn run(place: &Place, arguments: &Arguments, read_only: bool) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::usage(
            "Nothing was started.",
            "a service writes to the vendors, and --read-only forbids that",
            "leave --read-only away, or open the console with it: reknit --read-only",
        ));
    }
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let vault = wiring::credentials(place)?;
    let unkept = wiring::unkept(&vault);
    let credentials: Arc<dyn Credentials> = vault;
    let mut settings = config.webhook.clone();
    if let Some(bind) = &arguments.bind {
        settings.bind.clone_from(bind);
    }
    let (listener, address) = listen(&settings.bind).await?;
    let fresh = !place.journal(&config).exists();
    if fresh {
        // No journal is left behind by a service that cannot begin.
        let clients = wiring::clients(&config, &mapping, Arc::clone(&credentials))?;
        for system in [System::Intercom, System::Hubspot] {
            vendors::check(&clients, &Connection::only(system), &mut vendors::Log::new())
                .await
                .map_err(|error| unreachable_vendor(system, &error))?;
        }
    }
    let journal = place.open(&config, Opening::Create)?;
    let Some(_lock) = WorkerLock::take(journal.path())? else {
        return Err(Problem::runtime(
            "Nothing was started.",
            format!("another Reknit on this machine serves {} already", journal.path().display()),
            "stop it first, or open another journal with --data DIR",
        ));
    };
    super::console::log_to(None);
    if let Some(words) = unkept {
        tracing::warn!("{words}");
    }
    wiring::take_over(&journal).await?;
    let engine = wiring::engine(&config, journal, mapping, Arc::clone(&credentials))?;
    if !fresh {
        check_vendors(&engine).await?;
    }
    let mut service = Background::start(&engine);
    let (notices, _) = mpsc::unbounded_channel();
    service.poll(&engine, notices);
    service.receive(
        listener,
        Receiver { inbox: Arc::new(engine.intake()), credentials, clock: wiring::clock(), settings },
    );
    output::line(&format!(
        "Receiving on http://{address}/webhooks/intercom and http://{address}/webhooks/hubspot; Ctrl-C stops."
    ))?;
    asked_to_stop().await;
    service.stop().await;
    Ok(())
}

/// A vendor that cannot be used ends the start before the first load. Later its webhooks must still be taken in, and the
/// work waits for the vendor by itself; only what no waiting mends ends the start then.
async fn check_vendors(engine: &Engine) -> Result<(), Problem> {
    for system in [System::Intercom, System::Hubspot] {
        let connection = Connection::only(system);
        if let Err(error) = engine.check(&connection).await {
            let loaded = engine.has_loaded().await.unwrap_or(false);
            let waits = crate::domain::breaker::BreakerCause::of(error.class).is_some();
            if loaded && (waits || error.class.treatment().retry != crate::domain::error_class::Retry::Never)
            {
                tracing::warn!(%connection, words = %error.words, "cannot be used at start; its work waits");
                continue;
            }
            return Err(unreachable_vendor(system, &error));
        }
    }
    Ok(())
}

/// A vendor that cannot be used, as a person reads it.
pub fn unreachable_vendor(system: System, error: &vendors::VendorError) -> Problem {
    let told = advise(Some(system), error.class, &error.words);
    Problem::runtime(
        format!("{} cannot be used; nothing was started and nothing was changed.", system.title()),
        format!("{} {} said: \"{}\"", told.meaning, system.title(), error.words),
        "check the token, base_url and network, then start again; `reknit doctor` checks each",
    )
}
