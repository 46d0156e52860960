//! POSTs over the network, under the egress rule.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rhombus_egress::Policy;
use rustls::ClientConfig;
use url::Url;

use super::{Http, Post, PostAnswer, PostFailure};
use crate::connector::resolver::{Names, Resolve};
use crate::connector::tls::Roots;
use crate::connector::{Allowed, ConnectFailure, Connector, permitted, tls_error};
use crate::host::Answer;

/// How much of an answer's body a module gets.
const BODY_SHOWN: usize = 4 * 1024;
/// How much of it is read, so that the connection can be used again.
const BODY_READ: usize = 64 * 1024;
/// The buffer of a connection, which also bounds an answer's head. Their number is bounded by the
/// HTTP library, at 100.
const HEAD: usize = 16 * 1024;
/// Idle connections kept to one host, where all the subscribers of a site may be: as many as the driver has
/// attempts in flight, or a burst makes new ones all along.
const IDLE: usize = 2048;
/// For how long they are kept: less than servers commonly do, for a request on a connection that
/// the server is just closing fails.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Names the slot to a receiver, unless the module does.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("placeos-slot/", env!("CARGO_PKG_VERSION")));
/// Headers that say where a request goes and where it ends. They are made from the URL and the body:
/// a module that could set them could reach a host that its URL does not name.
const RESERVED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The way out to the network: pooled HTTP/1.1 connections; no redirect is followed, no proxy used,
/// no cookie kept, no body decompressed.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    allowed: Allowed,
    names: Names,
    roots: Roots,
    tls: OnceLock<Arc<ClientConfig>>,
    pool: Mutex<Option<Pool>>,
}

/// Connections, and the policy under which they were made. Under another they are not used again.
#[derive(Clone)]
struct Pool {
    policy: Arc<Policy>,
    client: legacy::Client<Connector, Full<Bytes>>,
}

impl Client {
    /// A client that obeys the policy in `allowed`, also when it is replaced.
    pub fn new(allowed: Allowed, roots: Roots, resolver: Arc<dyn Resolve>) -> Self {
        let names = Names::new(resolver);
        Self(Arc::new(Shared {
            allowed,
            names,
            roots,
            tls: OnceLock::new(),
            pool: Mutex::new(None),
        }))
    }
}

impl Http for Client {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let shared = Arc::clone(&self.0);
        async move {
            let deadline = post.timeout;
            tokio::time::timeout(deadline, shared.send(post))
                .await
                .unwrap_or(Err(PostFailure::Timeout))
        }
        .boxed()
    }

    fn check(&self, url: String) -> Answer<Result<(), String>> {
        let shared = Arc::clone(&self.0);
        async move { shared.check(&url).await }.boxed()
    }
}

impl Shared {
    async fn send(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        let Pool { policy, client } = self.pool();
        let url = Url::parse(&post.url).map_err(|_| PostFailure::Other(UNREADABLE.to_owned()))?;
        policy
            .check_url(&url)
            .map_err(|refusal| PostFailure::Blocked(refusal.to_string()))?;
        let wanted = post.wanted.clone();
        let response = client
            .request(request(&url, post)?)
            .await
            .map_err(|error| not_sent(&error))?;
        answer(response, &wanted).await
    }

    async fn check(&self, url: &str) -> Result<(), String> {
        let policy = self.allowed.current();
        let url = Url::parse(url).map_err(|_| UNREADABLE.to_owned())?;
        policy
            .check_url(&url)
            .map_err(|refusal| refusal.to_string())?;
        match permitted(&policy, &self.names, &url).await {
            Err(ConnectFailure::Blocked(reason)) => Err(reason),
            _ => Ok(()),
        }
    }

    /// The connections of the policy in force. A new policy has none yet: one that was permitted
    /// may not be any more.
    fn pool(&self) -> Pool {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = self.allowed.current();
        match pool.as_ref() {
            Some(pool) if Arc::ptr_eq(&pool.policy, &policy) => pool.clone(),
            _ => pool.insert(self.new_pool(policy)).clone(),
        }
    }

    fn new_pool(&self, policy: Arc<Policy>) -> Pool {
        let tls = self.tls.get_or_init(|| self.roots.client_config());
        let connector = Connector::new(Arc::clone(&policy), self.names.clone(), Arc::clone(tls));
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE)
            .http1_max_buf_size(HEAD)
            .build(connector);
        Pool { policy, client }
    }
}

const UNREADABLE: &str = "the URL cannot be read";

fn request(url: &Url, post: Post) -> Result<Request<Full<Bytes>>, PostFailure> {
    let uri: Uri = url
        .as_str()
        .parse()
        .map_err(|_| PostFailure::Other("the URL cannot be sent".to_owned()))?;
    let mut request = Request::post(uri)
        .body(Full::from(post.body))
        .map_err(|error| PostFailure::Other(error.to_string()))?;
    *request.headers_mut() = headers(&post.headers)?;
    Ok(request)
}

/// The module's headers. What is wrong with one is said by its place, because it may be a secret.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, PostFailure> {
    let mut headers = HeaderMap::with_capacity(given.len() + 2);
    for (place, (name, value)) in (1..).zip(given) {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
        else {
            return Err(PostFailure::Other(format!(
                "header {place} is not one that HTTP can carry"
            )));
        };
        if RESERVED.contains(&name) {
            return Err(PostFailure::Other(format!(
                "the header {name} is not a module's to set"
            )));
        }
        headers.append(name, value);
    }
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    Ok(headers)
}

async fn answer(
    response: Response<Incoming>,
    wanted: &[String],
) -> Result<PostAnswer, PostFailure> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut read = 0;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        read += data.len();
        if read > BODY_READ {
            return Err(PostFailure::TooLarge);
        }
        let room = BODY_SHOWN - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok(PostAnswer {
        status: head.status.as_u16(),
        headers: reported(&head.headers, wanted),
        body,
    })
}

fn reported(headers: &HeaderMap, wanted: &[String]) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let of = |name: &String| {
        headers
            .get_all(name.as_str())
            .iter()
            .map(|value| (name.clone(), text(value)))
            .collect::<Vec<_>>()
    };
    wanted.iter().flat_map(of).collect()
}

fn not_sent(error: &legacy::Error) -> PostFailure {
    let Some(source) = error.source() else {
        return PostFailure::Other(error.to_string());
    };
    if let Some(failure) = source.downcast_ref::<ConnectFailure>() {
        return match failure.clone() {
            ConnectFailure::Dns(reason) => PostFailure::Dns(reason),
            ConnectFailure::Blocked(reason) => PostFailure::Blocked(reason),
            ConnectFailure::Refused(reason) => PostFailure::Refused(reason),
            ConnectFailure::Timeout => PostFailure::Timeout,
            ConnectFailure::Tls(reason) => PostFailure::Tls(reason),
        };
    }
    match source.downcast_ref::<hyper::Error>() {
        Some(error) => broken(error),
        None => PostFailure::Other(source.to_string()),
    }
}

/// A connection that was there and did not bring an answer to its end.
fn broken(error: &hyper::Error) -> PostFailure {
    if error.is_parse_too_large() {
        return PostFailure::TooLarge;
    }
    if let Some(error) = tls_error(error) {
        return PostFailure::Tls(error.to_string());
    }
    let cause = error.source().map(ToString::to_string);
    let reason = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let by_the_other_side =
        error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    if by_the_other_side
        || error
            .source()
            .is_some_and(|source| source.is::<io::Error>())
    {
        return PostFailure::Refused(reason);
    }
    PostFailure::Other(reason)
}
