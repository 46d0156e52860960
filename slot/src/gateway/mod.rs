//! The standalone face of a slot: HTTP on the two surfaces of PlaceOS's rest-api that Rhombus and a
//! building use, so that what works here works there.
//!
//! | route | who may | file |
//! | --- | --- | --- |
//! | `/api/engine/v2/webhook/{trigger}/notify…` | who knows the webhook secret | `webhook.rs` |
//! | `/api/engine/v2/signal` | who has the event key | `signal.rs` |
//! | `/api/functions/{name}`, `/api/status`, `/metrics`, `/api/live`, `/api/charts`, `/api/doors…` | who has the admin key, or is logged in by it | `operators.rs` |
//! | `/login`, `/logout` | anybody; the first wants the admin key | `login.rs` |
//! | `/`, `/assets/…`, `/playground/…` | anybody: pages without anything of the site | `assets.rs` |
//! | `/healthz`, `/readyz` | anybody | `health.rs` |
//!
//! Before its route, a request passes `connections.rs` and `stream.rs`, where slow clients end, and
//! `admission.rs`: is it addressed to this gateway, and not made by a page from elsewhere?

mod access;
mod admission;
mod answer;
mod assets;
mod connections;
mod doors;
mod driver;
mod guests;
mod health;
mod host;
mod limits;
mod live;
mod login;
mod operators;
mod pages;
mod places;
mod rate;
mod sessions;
mod signal;
mod stream;
mod trace;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

pub use access::{Access, Key, Keys, KeysError, MalformedKey, origin, webhook_urls};
pub use driver::Driver;
pub use host::{Host, Hosts, MalformedHost};
pub use limits::Limits;

use answer::Refusal;
use places::Places;
use sessions::Sessions;

use crate::host::status::Latest;
use crate::metrics::Metrics;
use crate::watch::Watch;

/// What a gateway is called by, and by whom.
#[derive(Clone, Debug)]
pub struct Site {
    /// The name that webhook URLs call the module by: the manifest's generic name.
    pub module: String,
    /// The channel whose door events the module takes: `security/{organization}/door`.
    pub channel: String,
    /// What callers must know.
    pub keys: Keys,
    /// The names that the gateway goes by, besides those that need not be said.
    pub hosts: Hosts,
}

/// A gateway that is serving.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    /// Dropped when it stops: what has no end of its own ends then.
    open: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// How long requests under way may take to finish after [`Gateway::stop`].
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Serves `driver` on `listener` until [`Gateway::stop`], within `limits`. Operators see its
    /// `status`, the `metrics`, and what `watch` sees.
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
        watch: Watch,
        limits: Limits,
    ) -> io::Result<Gateway> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (open, closing) = watch::channel(());
        let router = router(Arc::new(Served {
            site,
            driver,
            status,
            metrics,
            watch,
            sessions: Sessions::default(),
            listeners: Arc::new(Semaphore::new(limits.listeners)),
            closing,
            places: Places::new(&limits),
            limits: limits.clone(),
        }));
        let serving = tokio::spawn(connections::serve(listener, router, limits, stopped));
        Ok(Gateway {
            address,
            stop,
            open,
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
        drop(self.open);
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
    watch: Watch,
    sessions: Sessions,
    /// Places of those who look on.
    listeners: Arc<Semaphore>,
    /// Its sender is dropped when the gateway stops.
    closing: watch::Receiver<()>,
    limits: Limits,
    places: Places,
}

fn router(served: Arc<Served>) -> Router {
    let admit = from_fn_with_state(Arc::clone(&served), admission::admit);
    Router::new()
        .merge(webhook::routes(&served))
        .merge(signal::routes())
        .merge(operators::routes(&served))
        .merge(login::routes())
        .merge(assets::routes())
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            let sentence = "this path does not take this method";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, sentence)
        })
        .layer(admit.clone())
        .layer(from_fn(trace::log))
        .merge(health::routes().layer(admit))
        .layer(from_fn(trace::name))
        .layer(from_fn(pages::guard))
        .with_state(served)
}
