//! A subscriber that keeps what it gets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use rig::program::LIMIT;

/// A receiver. It answers 200, unless told otherwise.
pub(crate) struct Subscriber {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    posts: mpsc::UnboundedReceiver<Post>,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Subscriber {
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// One that listens there; before that, nobody answered what came.
    pub(crate) fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let status = Arc::new(AtomicU16::new(200));
        let (keep, posts) = mpsc::unbounded_channel();
        let router = Router::new()
            .fallback(take)
            .with_state((status.clone(), keep));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            status,
            posts,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers with `status` from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The next thing that comes.
    pub(crate) async fn next(&mut self) -> Post {
        let next = tokio::time::timeout(LIMIT, self.posts.recv()).await;
        next.unwrap_or_else(|_| panic!("nothing came")).unwrap()
    }

    /// Forgets what has come.
    pub(crate) fn forget(&mut self) {
        while self.posts.try_recv().is_ok() {}
    }
}

type Kept = (Arc<AtomicU16>, mpsc::UnboundedSender<Post>);

async fn take(State((status, keep)): State<Kept>, headers: HeaderMap, body: String) -> StatusCode {
    let _ = keep.send(Post { headers, body });
    StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
}
