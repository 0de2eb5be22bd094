//! `GET /metrics`: the figures for Prometheus, to whoever asks this machine itself and not through the vendors' door.
//!
//! The port is the one the proxy opens to the vendors. What came through a proxy is told that there is nothing here, so
//! that business figures are not public by oversight.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Receiver;
use crate::engine::monitors::exposition::MEDIA;

/// Headers a proxy adds.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

pub(super) async fn metrics(State(receiver): State<Receiver>, headers: HeaderMap) -> Response {
    if PASSED_ON.iter().any(|name| headers.contains_key(*name)) {
        return (StatusCode::NOT_FOUND, "the metrics are told on this machine only, not through a proxy\n")
            .into_response();
    }
    match receiver.inbox.metrics().await {
        Some(text) => ([(header::CONTENT_TYPE, MEDIA)], text).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the journal cannot be read now\n").into_response(),
    }
}
