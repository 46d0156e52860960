//! The only way out of the slot: every connection to a receiver is made here.
//!
//! The connector resolves the name itself and asks the egress rule about each address just before
//! it dials it, so that no answer of a name server can lead a POST into the building's network.
//! There is no proxy: one would resolve and dial by itself.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rhombus_egress::Policy;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use self::dial::Dial;
use self::resolver::Names;

mod allowed;
mod dial;
pub mod resolver;
pub mod tls;

pub use self::allowed::Allowed;
pub(crate) use self::dial::permitted;

/// How long resolving, dialling and the TLS handshake may take together. A caller has its own
/// deadline; this one ends what goes on after the caller has gone.
const CONNECT: Duration = Duration::from_secs(30);

/// Makes connections under one policy.
#[derive(Clone)]
pub(crate) struct Connector(HttpsConnector<Dial>);

/// Why there is no connection. Names hosts and addresses, never a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectFailure {
    #[error("{0}")]
    Dns(String),
    #[error("{0}")]
    Blocked(String),
    #[error("{0}")]
    Refused(String),
    #[error("no connection in time")]
    Timeout,
    #[error("{0}")]
    Tls(String),
}

impl Connector {
    pub(crate) fn new(policy: Arc<Policy>, names: Names, tls: Arc<ClientConfig>) -> Self {
        Self(HttpsConnector::from((Dial::new(policy, names), tls)))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = ConnectFailure;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectFailure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        self.0.poll_ready(context).map_err(failure)
    }

    /// Connects to the origin of `uri`. In TLS the server must prove to be the URL's host.
    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = tokio::time::timeout(CONNECT, self.0.call(uri));
        async move {
            connected
                .await
                .map_err(|_| ConnectFailure::Timeout)?
                .map_err(failure)
        }
        .boxed()
    }
}

/// What went wrong: our own dialling, or else the TLS on top of it.
fn failure(error: Box<dyn Error + Send + Sync>) -> ConnectFailure {
    let error = match error.downcast::<ConnectFailure>() {
        Ok(failure) => return *failure,
        Err(error) => error,
    };
    if let Some(error) = tls_error(error.as_ref()) {
        ConnectFailure::Tls(error.to_string())
    } else if error.is::<io::Error>() {
        ConnectFailure::Refused(format!("broken in the TLS handshake: {error}"))
    } else {
        ConnectFailure::Tls(error.to_string())
    }
}

/// The TLS error that `error` carries, if it does.
pub(crate) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        // The source of an `io::Error` is that of what it wraps, so it has to be unwrapped.
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
