//! `reknit serve`: the service without a screen.

use std::sync::Arc;

use clap::Args;
use tokio::sync::mpsc;

use super::background::{Background, asked_to_stop, listen};
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place, WorkerLock};
use crate::domain::execution::Status;
use crate::domain::page::Counts;
use crate::domain::record::{Connection, System};
use crate::domain::secret::Credentials;
use crate::domain::text::clean;
use crate::domain::trouble::advise;
use crate::engine::Engine;
use crate::engine::monitors::Watch;
use crate::vendors;
use crate::webhook::{Receiver, Tally};

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
    let vault = wiring::credentials(place, &config)?;
    let unkept = wiring::unkept(&vault);
    let credentials: Arc<dyn Credentials> = vault;
    let channels = wiring::channels(&config, &*credentials)?;
    let mut settings = config.webhook.clone();
    if let Some(bind) = &arguments.bind {
        settings.bind.clone_from(bind);
    }
    let (listener, address) = listen(&settings.bind).await?;
    let fresh = !place.journal(&config).exists();
    if fresh {
        // No journal is left behind by a service that cannot begin.
        let clients = wiring::clients(&config, &mapping, Arc::clone(&credentials))?;
        for system in wiring::systems(&config) {
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
        check_vendors(&engine, wiring::systems(&config)).await?;
    }
    if let Some(words) = wiring::begin_in_shadow(&config, &engine).await? {
        output::line(&words)?;
    }
    let mut service = Background::start(&engine);
    service.watch(Watch::new(&engine, channels, config.monitors.clone()));
    service.follow_alerts(&engine, |alert| tracing::warn!("{}", clean(&alert.line())));
    let (notices, _) = mpsc::unbounded_channel();
    service.poll(&engine, notices);
    let tally: Arc<Tally> = Arc::default();
    service.receive(
        listener,
        Receiver {
            inbox: Arc::new(engine.intake()),
            credentials,
            clock: wiring::clock(),
            settings,
            tally: Arc::clone(&tally),
        },
    );
    output::line(&format!(
        "Receiving on http://{address}/webhooks/intercom and http://{address}/webhooks/{}; Ctrl-C stops.",
        config.engine.crm
    ))?;
    output::line(&format!(
        "Serving Intercom and {}; looking for changes every {} s; journal {}.",
        config.engine.crm.title(),
        config.engine.poll_seconds,
        engine.journal().path().display()
    ))?;
    let before = engine.journal().counts().await.ok();
    asked_to_stop().await;
    service.stop().await;
    let work = match (before, engine.journal().counts().await) {
        (Some(before), Ok(after)) => ended(&before, &after),
        _ => String::new(),
    };
    // Whoever stopped it may be gone with its terminal: that is no failure of the service.
    let _ = output::line(&format!("Stopped: {}{work}.", tally.words()));
    Ok(())
}

/// What was worked off between two looks, and what is left.
fn ended(before: &Counts, after: &Counts) -> String {
    let grown = |status| after.of(status).saturating_sub(before.of(status));
    let left: u64 = [Status::Pending, Status::Retrying, Status::InDoubt, Status::Running]
        .into_iter()
        .map(|status| after.of(status))
        .sum();
    format!(
        "; executions: {} succeeded, {} skipped, {} failed, {left} go on at the next start",
        grown(Status::Succeeded),
        grown(Status::Skipped),
        grown(Status::Failed)
    )
}

/// A vendor that cannot be used ends the start before the first load. Later its webhooks must still be taken in, and the
/// work waits for the vendor by itself; only what no waiting mends ends the start then.
async fn check_vendors(engine: &Engine, systems: [System; 2]) -> Result<(), Problem> {
    for system in systems {
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
