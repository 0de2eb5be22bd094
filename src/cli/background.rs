//! What runs behind every face: worker, polling, scanning and, if asked, the webhook receiver; stopped together without loss.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::problem::Problem;
use crate::domain::monitor::Alert;
use crate::engine::Engine;
use crate::engine::monitors::{self, Watch};
use crate::engine::poll::PollError;
use crate::webhook::{self, Receiver};

/// How long running work may take to end; a stop lasts at most 20 seconds in all.
const FAREWELL: Duration = Duration::from_secs(12);
/// How long giving back what did not end may take: the disk may be what hangs.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// What runs, and how to stop it.
pub struct Background {
    engine: Engine,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Background {
    /// Starts worker, scan and the backfill that may be open; polling and receiver are added.
    pub fn start(engine: &Engine) -> Self {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let (worker, stopped) = (engine.clone(), stop.subscribe());
        tasks.spawn(async move { worker.work(stopped).await });
        let (reader, stopped) = (engine.clone(), stop.subscribe());
        tasks.spawn(async move { reader.keep_rules(stopped).await });
        let (scanner, stopped) = (engine.clone(), stop.subscribe());
        tasks.spawn(async move { scanner.scan(stopped).await });
        let (reader, stopped) = (engine.clone(), stop.subscribe());
        tasks.spawn(async move { reader.backfill(stopped, |text| tracing::warn!("{text}")).await });
        Self { engine: engine.clone(), stop, tasks }
    }

    /// Adds polling and the regular sweeps; what goes wrong is told once until it changes.
    pub fn poll(&mut self, engine: &Engine, notices: mpsc::UnboundedSender<String>) {
        let (sweeper, stopped, heard) = (engine.clone(), self.stop.subscribe(), notices.clone());
        self.tasks.spawn(async move {
            let report = |text: &str| {
                tracing::warn!("{text}");
                let _ = heard.send(text.to_owned());
            };
            sweeper.sweep_regularly(stopped, report).await;
        });
        let (looker, stopped, heard) = (engine.clone(), self.stop.subscribe(), notices.clone());
        self.tasks.spawn(async move {
            let report = |text: &str| {
                tracing::warn!("{text}");
                let _ = heard.send(text.to_owned());
            };
            looker.look_for_drift_regularly(stopped, report).await;
        });
        let (engine, stopped) = (engine.clone(), self.stop.subscribe());
        self.tasks.spawn(async move {
            let last = std::sync::Mutex::new(String::new());
            let report = |error: &PollError| {
                let text = format!("Looking for changes failed: {error}. Tried again by itself.");
                let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if *last != text {
                    tracing::warn!("{text}");
                    last.clone_from(&text);
                    // Nobody listens where there is no console; the log has it.
                    let _ = notices.send(text);
                }
            };
            engine.poll(stopped, report).await;
        });
    }

    /// Adds the watch over the sync and the sending of alerts.
    pub fn watch(&mut self, watch: Watch) {
        let stopped = self.stop.subscribe();
        self.tasks.spawn(async move { watch.run(stopped).await });
    }

    /// Tells of each new alert, whichever process found it.
    pub fn follow_alerts(&mut self, engine: &Engine, tell: impl Fn(&Alert) + Send + 'static) {
        let (journal, stopped) = (engine.journal().clone(), self.stop.subscribe());
        self.tasks.spawn(monitors::follow(journal, super::wiring::clock(), stopped, tell));
    }

    /// Adds the receiver.
    pub fn receive(&mut self, listener: TcpListener, receiver: Receiver) {
        let mut stopped = self.stop.subscribe();
        self.tasks.spawn(async move {
            let stop = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            webhook::serve(listener, receiver, stop).await;
        });
    }

    /// Stops taking work and lets what runs end, but does not wait for a vendor that hangs: what is given up is in the
    /// journal with its intent, and is given back to it, in doubt where a call may have happened. Should even that fail,
    /// whoever starts next takes it over.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Whoever asks a second time does not want to wait at all.
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let hurried = tokio::select! {
            ended = tokio::time::timeout(FAREWELL, ended) => ended.is_err(),
            () = asked_to_stop() => true,
        };
        if hurried {
            tracing::warn!("a vendor did not answer during the stop; the work goes on at the next start");
            self.tasks.shutdown().await;
            if tokio::time::timeout(GIVING_BACK, self.engine.give_back_all()).await.is_err() {
                tracing::warn!(
                    "the journal did not answer during the stop; unfinished work is taken over at the next start"
                );
            }
        }
    }
}

/// Opens the receiver's port.
pub async fn listen(bind: &str) -> Result<(TcpListener, SocketAddr), Problem> {
    let failed = |error: std::io::Error| {
        let next = if error.kind() == std::io::ErrorKind::AddrInUse {
            "stop the other program, or set another port under [webhook] bind"
        } else {
            "set an address of this machine under [webhook] bind, for example \"127.0.0.1:8787\""
        };
        Problem::runtime("No webhook can be received; nothing was started.", format!("{bind}: {error}"), next)
    };
    let listener = TcpListener::bind(bind).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Ends when the system asks to stop: Ctrl-C, SIGTERM, SIGHUP.
pub async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
