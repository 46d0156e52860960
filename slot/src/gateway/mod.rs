//! The standalone face of a slot: HTTP on the two surfaces of PlaceOS's rest-api that Rhombus and a
//! building use, so that what works here works there.
//!
//! | route | who may | file |
//! | --- | --- | --- |
//! | `/api/engine/v2/webhook/{trigger}/notify…` | who knows the webhook secret | `webhook.rs` |
//! | `/api/engine/v2/signal` | who has the event key | `signal.rs` |
//! | `/api/functions/{name}`, `/api/status`, `/metrics` | who has the admin key | `operators.rs` |
//! | `/healthz`, `/readyz` | anybody | `health.rs` |

mod access;
mod answer;
mod driver;
mod health;
mod operators;
mod signal;
mod trace;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

pub use access::{Access, Key, Keys, KeysError, MalformedKey, origin, webhook_urls};
pub use driver::Driver;

use answer::Refusal;

use crate::host::status::Latest;
use crate::metrics::Metrics;

/// What a gateway is called by, and by whom.
#[derive(Clone, Debug)]
pub struct Site {
    /// The name that webhook URLs call the module by: the manifest's generic name.
    pub module: String,
    /// The channel whose door events the module takes: `security/{organization}/door`.
    pub channel: String,
    /// What callers must know.
    pub keys: Keys,
}

/// A gateway that is serving.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// How long requests under way may take to finish after [`Gateway::stop`].
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Serves `driver` on `listener` until [`Gateway::stop`]. Operators see its `status` and the
    /// `metrics`.
    ///
    /// # Errors
    ///
    /// When the listener does not know its address.
    pub fn start(
        listener: TcpListener,
        site: Site,
        driver: Arc<dyn Driver>,
        status: Arc<Latest>,
        metrics: Metrics,
    ) -> io::Result<Gateway> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let router = router(Arc::new(Served {
            site,
            driver,
            status,
            metrics,
        }));
        let serving = tokio::spawn(serve(listener, router, stopped));
        Ok(Gateway {
            address,
            stop,
            serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, and returns when the requests under way have been answered, after
    /// [`Gateway::GRACE`] at the latest.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the gateway ended in disorder");
        }
    }
}

/// What every route works with.
struct Served {
    site: Site,
    driver: Arc<dyn Driver>,
    status: Arc<Latest>,
    metrics: Metrics,
}

fn router(served: Arc<Served>) -> Router {
    Router::new()
        .merge(webhook::routes(&served))
        .merge(signal::routes())
        .merge(operators::routes(&served))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            let sentence = "this path does not take this method";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, sentence)
        })
        .layer(from_fn(trace::log))
        .merge(health::routes())
        .layer(from_fn(trace::name))
        .with_state(served)
}

/// How many connections are served at a time; more wait. A silent one is closed after a while.
const CONNECTIONS: usize = 512;

async fn serve(mut listener: TcpListener, router: Router, mut stopped: oneshot::Receiver<()>) {
    let http = http();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < CONNECTIONS;
        let (stream, _) = tokio::select! {
            accepted = Listener::accept(&mut listener), if has_room => accepted,
            Some(_) = connections.join_next() => continue,
            _ = &mut stopped => break,
        };
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            router.clone().oneshot(request.map(Body::new))
        });
        connections.spawn(graceful.watch(http.serve_connection(TokioIo::new(stream), service)));
    }
    drop(listener);
    if tokio::time::timeout(Gateway::GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they did not finish in time");
    }
    connections.shutdown().await;
}

/// HTTP/1 with bounds on what a client can make it hold before anybody has looked at the request:
/// more is answered 431 by hyper.
fn http() -> http1::Builder {
    const HEADER_BYTES: usize = 64 * 1024;
    const HEADER_TIME: Duration = Duration::from_secs(30);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(HEADER_BYTES);
    http
}
