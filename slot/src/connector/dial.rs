//! From a URL to a TCP connection, past the egress rule.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rhombus_egress::Policy;
use tokio::net::TcpStream;
use tower::Service;
use url::{Host, Url};

use super::ConnectFailure;
use super::resolver::Names;

/// How long one address may take, so that another gets its turn within a caller's deadline: long
/// enough to send the first packet again.
const ONE_ADDRESS: Duration = Duration::from_secs(3);

/// Dials what the policy permits.
#[derive(Clone)]
pub(super) struct Dial {
    policy: Arc<Policy>,
    names: Names,
}

impl Dial {
    pub(super) fn new(policy: Arc<Policy>, names: Names) -> Self {
        Self { policy, names }
    }

    async fn connect(&self, url: &Url) -> Result<TcpStream, ConnectFailure> {
        let port = url.port_or_known_default().unwrap_or_default();
        let mut failure = None;
        for address in permitted(&self.policy, &self.names, url).await? {
            match one(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(no_address))
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectFailure;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectFailure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        async move {
            // The pool gives scheme, host and port only; they were a URL before.
            let url = Url::parse(&uri.to_string())
                .map_err(|_| ConnectFailure::Blocked("the URL cannot be read".to_owned()))?;
            dial.connect(&url).await.map(TokioIo::new)
        }
        .boxed()
    }
}

/// The addresses of the URL's host that the policy permits. Where it permits none of them, the
/// failure says why it refuses the first.
pub(crate) async fn permitted(
    policy: &Policy,
    names: &Names,
    url: &Url,
) -> Result<Vec<IpAddr>, ConnectFailure> {
    let addresses = match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => names.lookup(name).await.map_err(ConnectFailure::Dns)?,
        None => Vec::new(),
    };
    let mut permitted = Vec::new();
    let mut refusal = None;
    for address in addresses {
        match policy.check_address(url, address) {
            Ok(()) => permitted.push(address),
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    if permitted.is_empty() {
        return Err(refusal.map_or_else(no_address, |reason| {
            ConnectFailure::Blocked(reason.to_string())
        }));
    }
    Ok(permitted)
}

async fn one(address: SocketAddr) -> Result<TcpStream, ConnectFailure> {
    let refused = |error| ConnectFailure::Refused(format!("{address}: {error}"));
    let stream = tokio::time::timeout(ONE_ADDRESS, TcpStream::connect(address))
        .await
        .map_err(|_| ConnectFailure::Timeout)?
        .map_err(refused)?;
    // A request is one write; waiting for more would only delay it.
    stream.set_nodelay(true).map_err(refused)?;
    Ok(stream)
}

fn no_address() -> ConnectFailure {
    ConnectFailure::Dns("it has no address".to_owned())
}
