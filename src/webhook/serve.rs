//! The HTTP server around the routes, with the limits `axum::serve` does not have: time for headers, size of headers,
//! and a number of connections.
//!
//! When all places are taken, a new caller gets the place of the connection that has shown no whole request for the
//! longest time, so that slow or idle callers cannot keep vendors out. A connection whose request is complete is
//! never closed before its answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tower_service::Service;

use super::callers::{Callers, Peer};
use super::{Receiver, Settings, Tally, router};

/// How long connections may finish their answers after a stop.
const FAREWELL: Duration = Duration::from_secs(15);

/// When somebody whose address is not allowed may come again: a vendor's new address, once the settings name it.
const STRANGER_SECONDS: &str = "600";

/// hyper takes no smaller buffer for headers.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// One connection's claim to its place.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// A whole request is here and its answer is not out: the place cannot be taken.
    pub(super) working: AtomicBool,
    give_up: Notify,
}

/// Who is connected, first who has shown no whole request for the longest time.
#[derive(Debug)]
struct Places {
    held: Mutex<Held>,
    freed: Notify,
    most: usize,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    holdings: BTreeMap<u64, Arc<Holding>>,
}

impl Places {
    /// Takes a place, another's if need be; waits only while every connection is being answered.
    async fn take(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.freed.notified();
            {
                let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                if held.holdings.len() >= self.most {
                    let idle = held
                        .holdings
                        .iter()
                        .find(|(_, holding)| !holding.working.load(Ordering::Acquire))
                        .map(|(number, _)| *number);
                    if let Some(holding) = idle.and_then(|number| held.holdings.remove(&number)) {
                        holding.give_up.notify_one();
                    }
                }
                if held.holdings.len() < self.most {
                    let number = held.next;
                    held.next += 1;
                    let holding = Arc::new(Holding::default());
                    held.holdings.insert(number, holding.clone());
                    return Place { places: self.clone(), number: AtomicU64::new(number), holding };
                }
            }
            freed.await;
        }
    }
}

/// A taken place; given back when dropped.
struct Place {
    places: Arc<Places>,
    /// Smaller is longer without a whole request; renewed after every answer.
    number: AtomicU64,
    holding: Arc<Holding>,
}

impl Place {
    /// The answer is out: the place may be taken again, after those of all who have waited longer.
    fn rest(&self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.holding.working.store(false, Ordering::Release);
        // Gone when somebody else was given the place meanwhile.
        if let Some(holding) = held.holdings.remove(&self.number.load(Ordering::Acquire)) {
            let number = held.next;
            held.next += 1;
            held.holdings.insert(number, holding);
            self.number.store(number, Ordering::Release);
        }
        drop(held);
        self.places.freed.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.holdings.remove(&self.number.load(Ordering::Acquire));
        drop(held);
        self.places.freed.notify_one();
    }
}

/// Serves until `stop` is ready; then takes no more connections, finishes the answers under way and returns.
pub async fn serve(listener: TcpListener, receiver: Receiver, stop: impl Future<Output = ()> + Send) {
    let settings = receiver.settings.clone();
    let door = Arc::new(Door { callers: settings.callers(), tally: receiver.tally.clone() });
    let routes = router(receiver);
    let places =
        Arc::new(Places { held: Mutex::default(), freed: Notify::new(), most: settings.connections.max(1) });
    // Dropping the sender tells every connection to stop; `closed` is how we learn that all of them have.
    let (stopping, stopped) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => (stream, Peer(address.ip())),
                Err(error) => {
                    // Out of file descriptors, or the caller was gone before we looked: the next may do better.
                    tracing::warn!(%error, "a webhook connection could not be accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.take() => place,
        };
        let door = (door.clone(), peer);
        tokio::spawn(converse(stream, door, routes.clone(), settings.clone(), place, stopped.clone()));
    }
    drop(stopped);
    drop(listener);
    let _ = stopping.send(());
    if tokio::time::timeout(FAREWELL, stopping.closed()).await.is_err() {
        tracing::warn!("some webhook connections were cut at the end of the stop");
    }
}

/// What stands before the routes: who may deliver at all.
struct Door {
    callers: Callers,
    tally: Arc<Tally>,
}

impl Door {
    /// The answer to somebody who may not deliver; none to everybody else.
    fn shut<B>(&self, peer: Peer, request: &Request<B>) -> Option<Response> {
        if request.method() != Method::POST {
            return None;
        }
        let caller = self.callers.stranger(peer, request.headers())?;
        tracing::warn!(%caller, "a delivery from an address that webhook.allow_from does not name; nothing of it was read");
        Tally::add(&self.tally.put_off, 1);
        let headers = [(header::RETRY_AFTER, STRANGER_SECONDS), (header::CONNECTION, "close")];
        let words = "this address may not deliver here (webhook.allow_from)\n";
        Some((StatusCode::SERVICE_UNAVAILABLE, headers, words).into_response())
    }
}

async fn converse(
    stream: TcpStream,
    (door, peer): (Arc<Door>, Peer),
    routes: Router,
    settings: Settings,
    place: Place,
    mut stopped: watch::Receiver<()>,
) {
    let place = Arc::new(place);
    let most_header_bytes = settings.max_header_bytes;
    let service = service_fn({
        let place = place.clone();
        move |request: Request<hyper::body::Incoming>| {
            let mut routes = routes.clone();
            let place = place.clone();
            let door = door.clone();
            async move {
                if let Some(answer) = door.shut(peer, &request) {
                    return Ok(answer);
                }
                if header_bytes(&request) > most_header_bytes {
                    return Ok(headers_too_long());
                }
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(place.holding.clone());
                let answer: Result<Response, std::convert::Infallible> = routes.call(request).await;
                place.rest();
                answer
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(settings.header_timeout_milliseconds.max(1)))
        .max_buf_size(settings.max_header_bytes.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut told = false;
    loop {
        tokio::select! {
            // Broken and slow callers are everyday life, not worth a line.
            _ = connection.as_mut() => break,
            () = place.holding.give_up.notified() => break,
            _ = stopped.changed(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What the caller sent before its body. hyper bounds its buffer only between two reads, so one read may bring more.
fn header_bytes<B>(request: &Request<B>) -> usize {
    const SEPARATORS: usize = 4;
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter();
    line + headers.map(|(name, value)| name.as_str().len() + value.len() + SEPARATORS).sum::<usize>()
}

fn headers_too_long() -> Response {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    (status, [(header::CONNECTION, "close")], "the headers are too long\n").into_response()
}
