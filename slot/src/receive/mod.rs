//! A sample subscriber: answers every POST 200 and prints what came, and whether it was signed as
//! it should be.

mod print;
mod verify;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

pub use verify::{Finding, Findings, verify};

use crate::gateway::origin;
use crate::signals;

/// The largest body that is taken, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Why there is no receiver.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system refuses something else.
    #[error("the receiver cannot go on: {0}")]
    System(#[from] io::Error),
}

/// Receives on `address` until SIGINT or SIGTERM, and checks with `secret`.
///
/// # Errors
///
/// If it cannot listen there, or cannot print.
pub async fn run(
    address: SocketAddr,
    secret: Option<Zeroizing<String>>,
) -> Result<(), ReceiveError> {
    let stop = signals::stop()?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ReceiveError::Listen { address, source })?;
    let url = origin(listener.local_addr()?);
    print(&format!("Receiving at {url}/ until Ctrl-C.\n"))?;
    let router = Router::new().fallback(take).with_state(Arc::new(secret));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}

async fn take(
    State(secret): State<Arc<Option<Zeroizing<String>>>>,
    request: Request,
) -> StatusCode {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let body = body.to_bytes();
    let secret = secret.as_ref().as_ref().map(|secret| secret.as_str());
    let findings = verify(secret, &head.headers, &body);
    match print(&print::describe(&head.headers, &body, findings)) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// All at once, so that what came at the same time is not mixed up.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
