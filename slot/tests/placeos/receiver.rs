//! A receiver that keeps what it gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use rig::program::until;
use serde_json::Value;
use tokio::net::TcpListener;

/// A receiver. It answers a POST 200, unless told otherwise.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    status: AtomicU16,
    delay: Mutex<Duration>,
    posts: Mutex<Vec<Post>>,
    failed: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// A request that is not answered yet, and may never be: its sender may break off.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn begin(shared: &Arc<Shared>) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_under_way.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.status.store(200, Ordering::SeqCst);
        let post = post(take).with_state(Arc::clone(&shared));
        let router = Router::new().fallback_service(post);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers with `status` from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// Lets each sender wait for so long from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }

    /// What came and was answered well.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().unwrap().clone()
    }

    /// How often something came and was not answered well.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failed.load(Ordering::SeqCst)
    }

    /// How many requests wait for their answer.
    pub(crate) fn under_way(&self) -> usize {
        self.shared.under_way.load(Ordering::SeqCst)
    }

    /// How many did at most.
    pub(crate) fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::SeqCst)
    }

    /// How often each value of `user_name` came, which the tests number their events by.
    pub(crate) fn names(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for post in self.posts() {
            let name = post.body["user_name"].as_str().unwrap().to_owned();
            *names.entry(name).or_default() += 1;
        }
        names
    }

    /// Waits until `count` posts have come; all that have.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Post> {
        until("the deliveries", async || {
            let posts = self.posts();
            (posts.len() >= count).then_some(posts)
        })
        .await
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let _under_way = UnderWay::begin(&shared);
    let delay = *shared.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let status = shared.status.load(Ordering::SeqCst);
    if (200..300).contains(&status) {
        shared.posts.lock().unwrap().push(Post {
            path: uri.path().to_owned(),
            id: headers["webhook-id"].to_str().unwrap().to_owned(),
            headers,
            body: serde_json::from_str(&body).unwrap(),
        });
    } else {
        shared.failed.fetch_add(1, Ordering::SeqCst);
    }
    StatusCode::from_u16(status).unwrap()
}
