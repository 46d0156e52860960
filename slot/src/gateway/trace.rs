//! A name for each request, and its line in the log.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::host::random::{Random, SystemRandom};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives every answer an `X-Request-ID`: the caller's own, or a new one.
pub(super) async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_REQUEST_ID, id.0);
    response
}

/// One line a request. It names the route, never path, query or headers: there are secrets in them.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.extensions().get::<RequestId>().cloned();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let response = next.run(request).await;
    tracing::info!(
        %method,
        route = path.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis(),
        id = id.as_ref().map(RequestId::as_str),
        "answered"
    );
    response
}

#[derive(Clone)]
struct RequestId(HeaderValue);

impl RequestId {
    /// A longer one than this is not taken over: it goes into the log.
    const LONGEST: usize = 128;

    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).filter(|id| {
            let visible = id.as_bytes().iter().all(u8::is_ascii_graphic);
            visible && (1..=Self::LONGEST).contains(&id.len())
        });
        given.cloned().map_or_else(Self::random, Self)
    }

    fn random() -> Self {
        let text = hex::encode(SystemRandom.bytes(16));
        #[expect(
            clippy::expect_used,
            reason = "hexadecimal digits may stand in a header"
        )]
        Self(HeaderValue::from_str(&text).expect("hexadecimal digits are a header value"))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}
