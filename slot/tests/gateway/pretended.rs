//! A gateway before a pretended driver, which remembers what it was asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use placeos_slot::gateway::{Driver, Gateway, Host, Hosts, Keys, Limits, Site};
use placeos_slot::host::Answer;
use placeos_slot::host::status::{Latest, Status};
use placeos_slot::metrics::Metrics;
use placeos_slot::module::{Acceptance, CallError, EventError, Request, Response};
use placeos_slot::watch::Watch;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use rig::client::{Reply, send};

/// Answers what it was told to, and remembers what it was asked.
pub(crate) struct Pretended {
    response: Mutex<Response>,
    event: Mutex<Result<Acceptance, EventError>>,
    requests: Mutex<Vec<Request>>,
    events: Mutex<Vec<(String, Option<String>)>>,
    call: Mutex<Result<String, CallError>>,
    calls: Mutex<Vec<(String, String)>>,
    pub(crate) ready: AtomicBool,
    /// Requests are answered only while there is a permit.
    pub(crate) may_answer: Arc<Semaphore>,
}

impl Driver for Pretended {
    fn request(&self, request: Request) -> Answer<Response> {
        self.requests.lock().unwrap().push(request);
        let response = self.response.lock().unwrap().clone();
        let may_answer = self.may_answer.clone();
        Box::pin(async move {
            let _permit = may_answer.acquire().await.unwrap();
            response
        })
    }

    fn door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Answer<Result<Acceptance, EventError>> {
        self.events.lock().unwrap().push((event, id));
        let answer = self.event.lock().unwrap().clone();
        Box::pin(async move { answer })
    }

    fn call(&self, name: String, arguments: String) -> Answer<Result<String, CallError>> {
        self.calls.lock().unwrap().push((name, arguments));
        let answer = self.call.lock().unwrap().clone();
        Box::pin(async move { answer })
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
}

pub(crate) struct Served {
    pub(crate) driver: Arc<Pretended>,
    /// The same, as it is seen by those who look on.
    pub(crate) watched: Arc<dyn Driver>,
    /// Where the module sets its status.
    pub(crate) status: Arc<dyn Status>,
    pub(crate) gateway: Gateway,
    pub(crate) keys: Keys,
    pub(crate) address: SocketAddr,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_within(Limits::default()).await
    }

    /// One that is known as `gate.example` too.
    pub(crate) async fn start_within(limits: Limits) -> Self {
        let driver = Arc::new(Pretended {
            response: Mutex::new(triple(200, &[], "done")),
            event: Mutex::new(Ok(Acceptance::Accepted)),
            requests: Mutex::default(),
            events: Mutex::default(),
            call: Mutex::new(Ok("{}".to_owned())),
            calls: Mutex::default(),
            ready: AtomicBool::new(true),
            may_answer: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        });
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(folder.path()).unwrap();
        let site = Site {
            module: "Rhombus".to_owned(),
            channel: "security/event/door".to_owned(),
            keys: keys.clone(),
            hosts: Hosts::new(vec![Host::Name("gate.example".to_owned())]),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let status = Arc::new(Latest::default());
        let metrics = Metrics::new(status.clone());
        let watch = Watch::default();
        let watched = watch.driver(driver.clone());
        let latest = status.clone();
        let status = watch.status(status);
        let driven = watched.clone();
        let gateway =
            Gateway::start(listener, site, driven, latest, metrics, watch, limits).unwrap();
        let address = gateway.address();
        Self {
            driver,
            watched,
            status,
            gateway,
            keys,
            address,
        }
    }

    pub(crate) fn secret(&self) -> &str {
        self.keys.webhook_secret.reveal()
    }

    /// The long form of the webhook URL, up to what follows the secret.
    pub(crate) fn notify(&self) -> String {
        format!("{NOTIFY}/{}", self.secret())
    }

    /// The webhook URL of the module's request function.
    pub(crate) fn hook(&self) -> String {
        self.notify() + "/Rhombus/1/request"
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &'static str) -> Reply {
        send(self.address, method, path, &[], body).await
    }

    pub(crate) async fn status(&self, method: &str, path: &str) -> u16 {
        self.send(method, path, "").await.status
    }

    pub(crate) async fn signal(&self, headers: &[(&str, &str)], body: &'static str) -> Reply {
        let key = [("x-api-key", self.keys.event_key.reveal())];
        let headers = [&key, headers].concat();
        send(self.address, "POST", SIGNAL, &headers, body).await
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.driver.requests.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<(String, Option<String>)> {
        self.driver.events.lock().unwrap().clone()
    }

    /// A request with the admin key.
    pub(crate) async fn operator(&self, method: &str, path: &str, body: &'static str) -> Reply {
        let bearer = format!("Bearer {}", self.keys.admin_key.reveal());
        let headers = [("authorization", bearer.as_str())];
        send(self.address, method, path, &headers, body).await
    }

    pub(crate) fn calls(&self) -> Vec<(String, String)> {
        self.driver.calls.lock().unwrap().clone()
    }

    pub(crate) fn answers_calls(&self, answer: Result<String, CallError>) {
        *self.driver.call.lock().unwrap() = answer;
    }

    pub(crate) fn answers(&self, response: Response) {
        *self.driver.response.lock().unwrap() = response;
    }

    pub(crate) fn takes_events_as(&self, answer: Result<Acceptance, EventError>) {
        *self.driver.event.lock().unwrap() = answer;
    }
}

pub(crate) const NOTIFY: &str = "/api/engine/v2/webhook/trig-rhombus/notify";
pub(crate) const SIGNAL: &str = "/api/engine/v2/signal?channel=security/event/door";

pub(crate) fn triple(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Response {
        status,
        headers: headers.iter().map(owned).collect(),
        body: body.to_owned(),
    }
}
