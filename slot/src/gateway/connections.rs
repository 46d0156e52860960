//! Accepts connections, and serves each until it ends, is sent away, or the gateway stops.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::Gateway;
use super::guests::{Awaited, Guest, Guests};
use super::limits::Limits;
use super::stream::Stream;

/// The address of this machine that a request's connection reached: an extension of each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReachedAt(pub(super) IpAddr);

pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) {
    let http = http(&limits);
    let places = places(&limits);
    let graceful = GracefulShutdown::new();
    let guests = Arc::new(Guests::default());
    let mut connections = JoinSet::new();
    let mut crowd = Crowd::default();
    loop {
        let (tcp, _) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            Some(_) = connections.join_next() => continue,
            _ = &mut stopped => break,
        };
        if connections.len() >= places {
            crowd.tell(places);
            guests.send_one_away();
        }
        // One that is gone already has no address.
        let Ok(reached) = tcp.local_addr() else {
            continue;
        };
        let reached = ReachedAt(reached.ip());
        let guest = Arc::new(guests.arrive());
        let stream = Stream::new(tcp, Arc::clone(&guest), limits.answer_time);
        let (router, served) = (router.clone(), Arc::clone(&guest));
        let service = service_fn(move |request| {
            answer(router.clone(), request, reached, Arc::clone(&served))
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            tokio::select! {
                _ = connection => {}
                () = guest.sent_away() => {}
            }
        });
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

/// How many connections there may be: of the files that the process may have open, deliveries need
/// theirs, and without one a newcomer could not even be accepted for another to make room.
fn places(limits: &Limits) -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let half = files.and_then(|files| usize::try_from(files / 2).ok());
    half.map_or(limits.connections, |half| half.min(limits.connections))
}

/// Hyper answers by itself, without a body, what is no HTTP (400) and heads that are too large (431).
fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes);
    http
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    reached: ReachedAt,
    guest: Arc<Guest>,
) -> Result<Response, Infallible> {
    if !guest.works() {
        // It has been sent away as its head came in. Nothing has been done for it.
        std::future::pending::<()>().await;
    }
    let mut request: Request =
        request.map(|body| Body::new(Awaited::new(body, Arc::clone(&guest))));
    request.extensions_mut().insert(reached);
    let response = router.oneshot(request).await;
    guest.waits();
    response
}

/// Tells that there are more connections than places, now and then.
#[derive(Default)]
struct Crowd {
    told: Option<Instant>,
}

impl Crowd {
    const PAUSE: Duration = Duration::from_secs(60);

    fn tell(&mut self, places: usize) {
        if self.told.is_none_or(|told| told.elapsed() >= Self::PAUSE) {
            self.told = Some(Instant::now());
            tracing::warn!(
                places,
                "all connections are taken: those that are waited for longest are closed"
            );
        }
    }
}
