//! One delivery: read to the limit, verify, parse, store, answer. Nothing is said before the journal has it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::domain::event::NewEvent;
use crate::domain::record::{Connection, System};
use crate::domain::secret::Secret;
use crate::vendors::agent;
use crate::vendors::hubspot::hook::{self as hubspot_hook, Signed, Verdict};
use crate::vendors::intercom::hook as intercom_hook;
use crate::vendors::salesforce::hook as salesforce_hook;

use super::serve::Holding;
use super::{Receiver, Refused, RefusedWhy, Tally};

/// When a vendor may come back while we cannot judge: long enough for somebody to unlock a vault.
const CANNOT_JUDGE_SECONDS: u32 = 60;

/// When a vendor may come back after the journal was too slow: its queue is worked off soon.
const LATE_SECONDS: u32 = 5;

/// The answer to the call by which a vendor sees whether the URL is there.
pub(super) async fn handshake() -> StatusCode {
    StatusCode::OK
}

/// The process runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Deliveries would be taken now.
pub(super) async fn ready(State(receiver): State<Receiver>) -> Response {
    let signed = [System::Intercom, System::Hubspot].map(Connection::only);
    let can_judge = signed.iter().any(|connection| receiver.credentials.webhook_secret(connection).is_some())
        || [salesforce_hook::SECRET, agent::SECRET]
            .iter()
            .any(|name| receiver.credentials.named(name).is_some());
    match (receiver.inbox.is_ready(), can_judge) {
        (true, true) => "ready\n".into_response(),
        (false, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the journal cannot store events now\n").into_response()
        }
        (_, false) => {
            (StatusCode::SERVICE_UNAVAILABLE, "no webhook secret is at hand: deliveries cannot be verified\n")
                .into_response()
        }
    }
}

/// A delivery of Intercom.
pub(super) async fn intercom(State(receiver): State<Receiver>, request: Request) -> Response {
    let connection = Connection::only(System::Intercom);
    let (delivery, secret) = match receive(&receiver, &connection, request).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    let signature = text(&delivery.headers, intercom_hook::SIGNATURE);
    if !intercom_hook::is_genuine(&secret, &delivery.body, signature) {
        return wrong(&receiver, &connection);
    }
    store(&receiver, &connection, vec![intercom_hook::parse(&connection, &delivery.body)]).await
}

/// A delivery of HubSpot.
pub(super) async fn hubspot(State(receiver): State<Receiver>, request: Request) -> Response {
    let connection = Connection::only(System::Hubspot);
    let (delivery, secret) = match receive(&receiver, &connection, request).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    let headers = &delivery.headers;
    let signed = Signed {
        method: "POST",
        uris: &delivery.uris,
        body: &delivery.body,
        v3: text(headers, hubspot_hook::SIGNATURE_V3),
        timestamp: text(headers, hubspot_hook::TIMESTAMP),
        older: text(headers, hubspot_hook::SIGNATURE),
        version: text(headers, hubspot_hook::SIGNATURE_VERSION),
    };
    let judged_by_url = signed.v3.is_some() || signed.version.is_some_and(|version| version.trim() == "v2");
    match hubspot_hook::verify(&secret, &signed, receiver.clock.now()) {
        Verdict::Genuine => {
            store(&receiver, &connection, hubspot_hook::parse(&connection, &delivery.body)).await
        }
        // Without the public URL we compared with a guess, so we cannot say that the signature is wrong.
        Verdict::Wrong if judged_by_url && receiver.settings.public_url.is_none() => {
            tracing::warn!(
                "a HubSpot signature fits none of the URLs we may be called by; set webhook.public_url"
            );
            put_off(&receiver, "the public URL is not configured; nothing was stored", CANNOT_JUDGE_SECONDS)
        }
        Verdict::Wrong => wrong(&receiver, &connection),
        // A replay may be told so as often as it likes; a real delivery comes back once our clock is right.
        Verdict::Stale => {
            tracing::warn!(
                "a HubSpot delivery was signed more than five minutes away from this machine's clock"
            );
            put_off(
                &receiver,
                "the signature's time is more than five minutes off; nothing was stored",
                CANNOT_JUDGE_SECONDS,
            )
        }
    }
}

/// An outbound message of Salesforce. It is not signed: the end of the address is the secret.
pub(super) async fn salesforce(
    State(receiver): State<Receiver>,
    Path(given): Path<String>,
    request: Request,
) -> Response {
    let connection = Connection::only(System::Salesforce);
    let secret = receiver.credentials.named(salesforce_hook::SECRET);
    let (delivery, secret) = match receive_with(&receiver, &connection, secret, request).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    if !salesforce_hook::is_genuine(&secret, &given) {
        return wrong(&receiver, &connection);
    }
    let stored = store(&receiver, &connection, salesforce_hook::parse(&connection, &delivery.body)).await;
    if stored.status() != StatusCode::OK {
        return stored;
    }
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], salesforce_hook::ACKNOWLEDGED).into_response()
}

/// What a support agent of the customer's own has to tell. It speaks of people and conversations of Intercom.
pub(super) async fn agent(State(receiver): State<Receiver>, request: Request) -> Response {
    let connection = Connection::only(System::Intercom);
    let secret = receiver.credentials.named(agent::SECRET);
    let (delivery, secret) = match receive_with(&receiver, &connection, secret, request).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    if !agent::is_genuine(&secret, &delivery.body, text(&delivery.headers, agent::SIGNATURE)) {
        return wrong(&receiver, &connection);
    }
    store(&receiver, &connection, vec![agent::parse(&connection, &delivery.body)]).await
}

struct Delivery {
    headers: HeaderMap,
    uris: Vec<String>,
    body: Bytes,
}

/// Reads the body within its limits and finds the secret to judge it by.
async fn receive(
    receiver: &Receiver,
    connection: &Connection,
    request: Request,
) -> Result<(Delivery, Secret), Response> {
    let secret = receiver.credentials.webhook_secret(connection);
    receive_with(receiver, connection, secret, request).await
}

async fn receive_with(
    receiver: &Receiver,
    connection: &Connection,
    secret: Option<Secret>,
    request: Request,
) -> Result<(Delivery, Secret), Response> {
    let limit = receiver.settings.max_body_bytes;
    let (parts, body) = request.into_parts();
    let announced =
        text(&parts.headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_big(limit));
    }
    let patience = Duration::from_millis(receiver.settings.body_timeout_milliseconds);
    let body = match tokio::time::timeout(patience, collect(body, limit)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return Err(refusal),
        Err(_) => return Err(closing(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")),
    };
    if let Some(holding) = parts.extensions.get::<Arc<Holding>>() {
        // From here on the connection is never closed for another one's sake.
        holding.working.store(true, Ordering::Release);
    }
    let Some(secret) = secret else {
        tracing::warn!(%connection, "a webhook came, but there is no secret to verify it with");
        return Err(put_off(
            receiver,
            "no webhook secret is at hand; nothing was stored",
            CANNOT_JUDGE_SECONDS,
        ));
    };
    let uris = uris(receiver.settings.public_url.as_deref(), &parts.headers, &parts.uri);
    Ok((Delivery { headers: parts.headers, uris, body }, secret))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Response> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_big(limit)),
        Err(_) => Err(closing(StatusCode::BAD_REQUEST, "the body broke off\n")),
    }
}

/// The URLs a caller may have used: the configured one, or what the request itself suggests.
fn uris(public_url: Option<&str>, headers: &HeaderMap, uri: &Uri) -> Vec<String> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if let Some(public) = public_url {
        return vec![format!("{}{path}", public.trim_end_matches('/'))];
    }
    let hosts = [text(headers, "x-forwarded-host"), text(headers, header::HOST.as_str())];
    let schemes = ["https", "http"];
    hosts
        .into_iter()
        .flatten()
        .flat_map(|host| schemes.iter().map(move |scheme| format!("{scheme}://{host}{path}")))
        .collect()
}

async fn store(receiver: &Receiver, connection: &Connection, events: Vec<NewEvent>) -> Response {
    if events.is_empty() {
        return StatusCode::OK.into_response();
    }
    let count = events.len();
    let patience = Duration::from_millis(receiver.settings.commit_timeout_milliseconds);
    // What is given up here is still in the journal's queue: the vendor sends it again and the key makes it one event.
    let late = Refused { why: RefusedWhy::Late, retry_after_seconds: LATE_SECONDS };
    match tokio::time::timeout(patience, receiver.inbox.accept(events)).await.unwrap_or(Err(late)) {
        Ok(accepted) => {
            tracing::debug!(%connection, stored = accepted.stored, duplicates = accepted.duplicates, "delivery stored");
            Tally::add(&receiver.tally.deliveries, 1);
            Tally::add(&receiver.tally.stored, accepted.stored);
            Tally::add(&receiver.tally.repeated, accepted.duplicates);
            StatusCode::OK.into_response()
        }
        Err(refused) => {
            tracing::warn!(%connection, count, why = ?refused.why, "delivery refused; the vendor will send it again");
            let why = match refused.why {
                RefusedWhy::Busy => "too much at once; nothing was stored",
                RefusedWhy::Unavailable => "the journal cannot store events now; nothing was stored",
                RefusedWhy::Late => "the journal is slow; send it again to be sure that it is stored",
            };
            put_off(receiver, why, refused.retry_after_seconds)
        }
    }
}

fn wrong(receiver: &Receiver, connection: &Connection) -> Response {
    if let Some(count) = receiver.tally.wrong(connection, receiver.clock.now()) {
        tokio::spawn(receiver.inbox.refused(connection.clone(), count));
    }
    tracing::warn!(%connection, "a delivery's signature is wrong; nothing of it was stored");
    (StatusCode::UNAUTHORIZED, "the signature is missing or wrong\n").into_response()
}

fn put_off(receiver: &Receiver, why: &str, seconds: u32) -> Response {
    Tally::add(&receiver.tally.put_off, 1);
    let retry = seconds.max(1).to_string();
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, retry)], format!("{why}\n")).into_response()
}

fn too_big(limit: usize) -> Response {
    closing(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is longer than {limit} bytes\n"))
}

/// An answer after which the rest of the body is not waited for.
fn closing(status: StatusCode, words: &str) -> Response {
    (status, [(header::CONNECTION, "close")], words.to_owned()).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
