//! What the process of the bare client does.

use std::io::stdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use super::super::events;
use super::{Batch, Order};

/// Posts what it reads, until there is no more to read.
///
/// # Panics
///
/// What it reads is no order, or a POST is not answered with 200.
pub async fn bare_client() {
    let mut lines = stdin().lines().map(Result::unwrap);
    let order: Order = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let workers = order.in_flight;
    let poster = Arc::new(Poster::new(order));
    // Nothing else is to be done meanwhile, so that a line may be waited for by this thread.
    for line in lines {
        let Batch { first, events } = serde_json::from_str(&line).unwrap();
        let next = Arc::new(AtomicU64::new(0));
        let mut working = JoinSet::new();
        for _ in 0..workers {
            let (poster, next) = (Arc::clone(&poster), Arc::clone(&next));
            working.spawn(async move {
                let urls = poster.urls.len() as u64;
                loop {
                    let delivery = next.fetch_add(1, Ordering::Relaxed);
                    if delivery >= events * urls {
                        return;
                    }
                    let url = &poster.urls[(delivery % urls) as usize];
                    poster.post(url, first + delivery / urls).await;
                }
            });
        }
        working.join_all().await;
    }
}

struct Poster {
    client: Client<HttpConnector, Full<Bytes>>,
    urls: Vec<Uri>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Poster {
    fn new(order: Order) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(order.in_flight)
            .build(connector);
        let header = |(name, value): (String, String)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(&value).unwrap())
        };
        Self {
            client,
            urls: order.urls.iter().map(|url| url.parse().unwrap()).collect(),
            headers: order.headers.into_iter().map(header).collect(),
            body: order.body.into_bytes(),
        }
    }

    async fn post(&self, url: &Uri, event: u64) {
        let mut body = self.body.clone();
        let digits = events::digits(&body);
        events::renumber(&mut body, digits, event);
        let mut request = Request::post(url.clone()).body(Full::from(body)).unwrap();
        *request.headers_mut() = self.headers.clone();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
    }
}
