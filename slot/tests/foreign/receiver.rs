//! A receiver that keeps what comes, to the byte.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use rig::program::LIMIT;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server on a port of its own.
pub(crate) struct Receiver {
    address: SocketAddr,
    posts: mpsc::UnboundedReceiver<Post>,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, posts) = mpsc::unbounded_channel();
        let router = Router::new().fallback(take).with_state(keep);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, posts }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next POST, whatever its path.
    pub(crate) async fn next(&mut self) -> Post {
        let next = tokio::time::timeout(LIMIT, self.posts.recv()).await;
        next.expect("something comes").unwrap()
    }
}

async fn take(
    State(keep): State<mpsc::UnboundedSender<Post>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) {
    let path = uri.path().to_owned();
    // Nobody waits for it any more when a test has ended.
    let _ = keep.send(Post {
        path,
        headers,
        body,
    });
}
