//! The HTTP servers: reading a request, letting faults strike, asking the vendor, writing the answer.
//! What lies under `/_sandbox` goes to the control calls instead.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::serve::ListenerExt;
use serde_json::json;
use tokio::net::TcpListener;

use super::World;
use super::control;
use super::desk::lock;
use super::fault::{Fault, FaultKind, Vendor, strike};
use super::salesforce::Trouble;
use super::wire::{Answer, Call};

const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// A Bulk API upload may have 150 MB; what is larger is refused by the job.
const LARGEST_UPLOAD: usize = 152 * 1024 * 1024;
/// How long a held connection stays open; clients give up long before.
const HELD: Duration = Duration::from_secs(600);

/// Serves one vendor until the sandbox shuts down.
pub(super) async fn serve(world: Arc<World>, vendor: Vendor, listener: TcpListener) {
    let mut shutdown = world.shutdown.subscribe();
    let router = Router::new().fallback(receive).with_state((world, vendor));
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for each other; a socket that refuses only gets slower.
        let _ = stream.set_nodelay(true);
    });
    let stopped = async move {
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    // The accept loop only ends with the shutdown signal.
    let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
}

async fn receive(State((world, vendor)): State<(Arc<World>, Vendor)>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let most = if vendor == Vendor::Salesforce { LARGEST_UPLOAD } else { LARGEST_BODY };
    let Ok(raw) = to_bytes(body, most).await else {
        return Answer::json(413, json!({"message": "the body is too large"})).into_response();
    };
    let call = Call::new(parts.method.as_str(), &parts.uri, parts.headers, raw);
    if call.segments.first().is_some_and(|first| first == "_sandbox") {
        return control::answer(&world, &call).into_response();
    }
    lock(&world.desk.books).call(vendor.word(), &call.pattern());
    let answer = world.exchange(vendor, &call).await;
    lock(&world.desk.books).answered(vendor.word(), answer.status);
    answer.into_response()
}

impl World {
    async fn exchange(&self, vendor: Vendor, call: &Call) -> Answer {
        let fault = {
            let mut faults = lock(&self.faults);
            if faults.is_empty() {
                None
            } else {
                let body = String::from_utf8_lossy(&call.raw);
                strike(&mut faults, vendor, &call.method, &call.path, &body)
            }
        };
        let Some(fault) = fault else { return self.ask(vendor, call) };
        if let Some(answer) = fault.answer(call) {
            return answer;
        }
        match fault.kind {
            FaultKind::Slow { millis } => {
                self.wait(Duration::from_millis(millis)).await;
                self.ask(vendor, call)
            }
            FaultKind::TimeoutBeforeEffect => {
                self.held.send_modify(|held| *held += 1);
                self.wait(HELD).await;
                Answer::empty(504)
            }
            FaultKind::TimeoutAfterEffect => {
                drop(self.ask(vendor, call));
                self.held.send_modify(|held| *held += 1);
                self.wait(HELD).await;
                Answer::empty(504)
            }
            FaultKind::MalformedJson => self.ask(vendor, call).cut_short(),
            FaultKind::SlowDrip { millis } => {
                let pause = Duration::from_millis(millis);
                self.ask(vendor, call).dripping(pause, self.shutdown.subscribe())
            }
            FaultKind::HugeBody { bytes } => Answer::huge(bytes),
            _ if vendor == Vendor::Salesforce => self.ask_troubled(&fault, call),
            _ => self.ask(vendor, call),
        }
    }

    fn ask(&self, vendor: Vendor, call: &Call) -> Answer {
        match vendor {
            Vendor::Intercom => lock(&self.intercom).answer(call),
            Vendor::HubSpot => lock(&self.hubspot).answer(call),
            Vendor::Salesforce => lock(&self.salesforce).answer(call),
        }
    }

    /// Asks the org while something is wrong that only it can put into words: it knows which row is meant,
    /// and whether the caller speaks REST or SOAP.
    fn ask_troubled(&self, fault: &Fault, call: &Call) -> Answer {
        let trouble = match fault.kind {
            FaultKind::Locked => {
                let named = fault.body_contains.iter().chain(&fault.mentions_any);
                Trouble::Locked(named.cloned().collect())
            }
            FaultKind::Unauthorized => Trouble::NoSession,
            _ => Trouble::NoAllowance,
        };
        let mut org = lock(&self.salesforce);
        org.trouble = Some(trouble);
        let answer = org.answer(call);
        org.trouble = None;
        answer
    }

    /// Passes time, cut short when the sandbox stops.
    async fn wait(&self, duration: Duration) {
        let mut shutdown = self.shutdown.subscribe();
        let _ = tokio::time::timeout(duration, shutdown.wait_for(|stop| *stop)).await;
    }
}
