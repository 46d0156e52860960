//! The gateway over real HTTP, before a pretended driver that remembers what it was asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use placeos_slot::gateway::{Driver, Gateway, Keys, Site};
use placeos_slot::host::Answer;
use placeos_slot::module::{Acceptance, EventError, Request, Response};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::client::{Reply, send};

/// Answers what it was told to, and remembers what it was asked.
struct Pretended {
    response: Mutex<Response>,
    event: Mutex<Result<Acceptance, EventError>>,
    requests: Mutex<Vec<Request>>,
    events: Mutex<Vec<(String, Option<String>)>>,
    ready: AtomicBool,
    /// Requests are answered only while there is a permit.
    may_answer: Arc<Semaphore>,
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

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }
}

struct Served {
    driver: Arc<Pretended>,
    gateway: Gateway,
    keys: Keys,
    address: SocketAddr,
}

impl Served {
    async fn start() -> Self {
        let driver = Arc::new(Pretended {
            response: Mutex::new(triple(200, &[], "done")),
            event: Mutex::new(Ok(Acceptance::Accepted)),
            requests: Mutex::default(),
            events: Mutex::default(),
            ready: AtomicBool::new(true),
            may_answer: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        });
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(folder.path()).unwrap();
        let site = Site {
            module: "Rhombus".to_owned(),
            channel: "security/event/door".to_owned(),
            keys: keys.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::start(listener, site, driver.clone()).unwrap();
        let address = gateway.address();
        Self {
            driver,
            gateway,
            keys,
            address,
        }
    }

    fn secret(&self) -> &str {
        self.keys.webhook_secret.reveal()
    }

    /// The long form of the webhook URL, up to what follows the secret.
    fn notify(&self) -> String {
        format!("{NOTIFY}/{}", self.secret())
    }

    /// The webhook URL of the module's request function.
    fn hook(&self) -> String {
        self.notify() + "/Rhombus/1/request"
    }

    async fn send(&self, method: &str, path: &str, body: &'static str) -> Reply {
        send(self.address, method, path, &[], body).await
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        self.send(method, path, "").await.status
    }

    async fn signal(&self, headers: &[(&str, &str)], body: &'static str) -> Reply {
        let key = [("x-api-key", self.keys.event_key.reveal())];
        let headers = [&key, headers].concat();
        send(self.address, "POST", SIGNAL, &headers, body).await
    }

    fn requests(&self) -> Vec<Request> {
        self.driver.requests.lock().unwrap().clone()
    }

    fn events(&self) -> Vec<(String, Option<String>)> {
        self.driver.events.lock().unwrap().clone()
    }

    fn answers(&self, response: Response) {
        *self.driver.response.lock().unwrap() = response;
    }

    fn takes_events_as(&self, answer: Result<Acceptance, EventError>) {
        *self.driver.event.lock().unwrap() = answer;
    }
}

const NOTIFY: &str = "/api/engine/v2/webhook/trig-rhombus/notify";
const SIGNAL: &str = "/api/engine/v2/signal?channel=security/event/door";

fn triple(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Response {
        status,
        headers: headers.iter().map(owned).collect(),
        body: body.to_owned(),
    }
}

fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn every_form_of_the_url_calls_the_module() {
    let served = Served::start().await;
    let (notify, secret) = (served.notify(), served.secret());
    let forms = [
        format!("{NOTIFY}?secret={secret}&exec=true&mod=Rhombus&method=request"),
        format!("{NOTIFY}?method=request&index=1&mod=Rhombus&exec=TRUE&secret={secret}"),
        format!("{notify}?exec=true&mod=Rhombus&method=request"),
        format!("{notify}/Rhombus/1/request"),
        format!("{notify}/Rhombus/1/request/false"),
        format!("{notify}/Rhombus/1/request?exec=false&mod=Other&index=7&method=other"),
    ];
    for form in &forms {
        let reply = served.send("POST", form, r#"{"webhook":"é"}"#).await;
        assert_eq!((reply.status, reply.text()), (200, "done"), "{form}");
    }
    let requests = served.requests();
    assert_eq!(requests.len(), forms.len());
    for (request, form) in requests.iter().zip(&forms) {
        assert_eq!(request.caller.as_deref(), Some("webhook.trig-rhombus"));
        assert_eq!(request.method, "POST");
        assert_eq!(request.body, r#"{"webhook":"é"}"#.as_bytes());
        let query = form.split_once('?').map_or("", |(_, query)| query);
        assert_eq!(value(request, "pos-query-params"), Some(query));
    }
}

#[tokio::test]
async fn the_module_gets_method_headers_and_body() {
    let served = Served::start().await;
    let hook = served.hook();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        assert_eq!(served.status(method, &hook).await, 200);
        assert_eq!(served.requests().last().unwrap().method, method);
    }
    let given = [
        ("X-Any", "one"),
        ("X-Any", "two"),
        ("pos-query-params", "forged"),
    ];
    send(served.address, "POST", &hook, &given, "").await;
    let request = served.requests().pop().unwrap();
    let twice = request.headers.iter().filter(|(name, _)| name == "x-any");
    let values: Vec<&str> = twice.map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["one", "two"]);
    let queries = request
        .headers
        .iter()
        .filter(|(name, _)| name == "pos-query-params");
    let queries: Vec<&str> = queries.map(|(_, value)| value.as_str()).collect();
    assert_eq!(queries, [""]);
}

#[tokio::test]
async fn a_body_goes_in_base64_where_that_is_asked() {
    let served = Served::start().await;
    for binary in ["/true", "/True", "?binary=true"] {
        let hook = served.hook() + binary;
        send(served.address, "POST", &hook, &[], &b"\xff\xfe"[..]).await;
        assert_eq!(served.requests().pop().unwrap().body, b"//4=\n", "{binary}");
    }
}

#[tokio::test]
async fn head_runs_as_get_and_its_answer_has_no_body() {
    let served = Served::start().await;
    let reply = served.send("HEAD", &served.hook(), "").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(served.requests()[0].method, "GET");
}

#[tokio::test]
async fn without_the_secret_there_is_nothing() {
    let served = Served::start().await;
    let secret = served.secret();
    let missing = served
        .send("POST", &format!("{NOTIFY}?exec=true"), "")
        .await;
    assert_eq!(missing.status, 422);
    assert_eq!(
        missing.json(),
        json!({
            "error": "the parameter secret is missing",
            "parameter": "secret",
            "restriction": "String",
        })
    );
    let other_trigger = "/api/engine/v2/webhook/trig-other/notify";
    let rest = "exec=true&mod=Rhombus&method=request";
    let answers = [
        served
            .send("POST", &format!("{NOTIFY}?secret=&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}?secret=guess&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}?secret={secret}A&{rest}"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}/guess/Rhombus/1/request"), "")
            .await,
        served
            .send("POST", &format!("{NOTIFY}/guess/Rhombus/x/request"), "")
            .await,
        served
            .send("PATCH", &format!("{NOTIFY}/guess?secret={secret}"), "")
            .await,
        served
            .send(
                "POST",
                &format!("{other_trigger}?secret={secret}&{rest}"),
                "",
            )
            .await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 404);
        let error = json!({ "error": "there is no trigger of this id and secret" });
        assert_eq!(answer.json(), error);
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn a_request_is_checked_in_the_order_that_placeos_has() {
    let served = Served::start().await;
    let notify = served.notify();

    for index in ["x", "1.0", "", "99999999999"] {
        let path = format!("{notify}?index={index}");
        let reply = served.send("PATCH", &path, "").await;
        assert_eq!(reply.status, 400, "{index}");
        assert_eq!(reply.json()["parameter"], "index");
    }
    for method in ["OPTIONS", "PATCH", "TRACE", "PROPFIND"] {
        let reply = served.send(method, &notify, "").await;
        assert_eq!((reply.status, reply.text()), (404, ""), "{method}");
        assert_eq!(served.status(method, &served.hook()).await, 404, "{method}");
    }
    for query in [
        "",
        "?exec=false&mod=Rhombus&method=request",
        "?exec=1",
        "?exec=yes",
    ] {
        let reply = served.send("POST", &format!("{notify}{query}"), "").await;
        assert_eq!((reply.status, reply.text()), (202, ""), "{query}");
    }
    for (query, parameter) in [
        ("exec=true", "mod"),
        ("exec=true&method=request", "mod"),
        ("exec=true&mod=Rhombus", "method"),
    ] {
        let reply = served.send("POST", &format!("{notify}?{query}"), "").await;
        assert_eq!(reply.status, 422, "{query}");
        assert_eq!(reply.json()["parameter"], parameter);
    }
    for target in [
        "Other/1/request",
        "rhombus/1/request",
        "Rhombus/2/request",
        "Rhombus/0/request",
        "Rhombus/1/door_event",
        "Rhombus/1/post",
        "Rhombus/1/other",
    ] {
        let reply = served.send("POST", &format!("{notify}/{target}"), "").await;
        assert_eq!(reply.status, 500, "{target}");
        assert!(reply.json()["error"].is_string(), "{target}");
    }
    assert!(served.requests().is_empty());
}

#[tokio::test]
async fn the_modules_triple_becomes_the_answer() {
    let served = Served::start().await;
    let hook = served.hook();

    served.answers(triple(201, &[], ""));
    let reply = served.send("POST", &hook, "").await;
    assert_eq!((reply.status, reply.text()), (201, ""));
    assert_eq!(reply.header("content-type"), "");

    served.answers(triple(404, &[], "no such subscription"));
    let reply = served.send("DELETE", &hook, "").await;
    assert_eq!((reply.status, reply.text()), (404, "no such subscription"));
    assert_eq!(reply.header("content-type"), "text/plain");

    let headers = [
        ("CONTENT-type", "application/json"),
        ("X-One", "1"),
        ("x-one", "2"),
    ];
    served.answers(triple(200, &headers, r#"[{"door_id":"lobby"}]"#));
    let reply = served.send("GET", &hook, "").await;
    assert_eq!(reply.json(), json!([{ "door_id": "lobby" }]));
    assert_eq!(reply.header("content-type"), "application/json");
    let values: Vec<_> = reply.headers.get_all("x-one").iter().collect();
    assert_eq!(values, ["2"]);
}

#[tokio::test]
async fn an_answer_that_is_not_usable_is_an_error() {
    let served = Served::start().await;
    for unusable in [
        triple(0, &[], ""),
        triple(101, &[], ""),
        triple(600, &[], ""),
        triple(200, &[("two words", "x")], ""),
        triple(200, &[("", "x")], ""),
        triple(200, &[("x-any", "two\r\nx-forged: lines")], ""),
        triple(200, &[("Content-Length", "5")], "done"),
        triple(200, &[("transfer-encoding", "chunked")], "done"),
    ] {
        served.answers(unusable.clone());
        let reply = served.send("GET", &served.hook(), "").await;
        assert_eq!(reply.status, 500, "{unusable:?}");
        assert_eq!(
            reply.json(),
            json!({ "error": "the module's answer is not usable" })
        );
    }
}

#[tokio::test]
async fn an_event_is_answered_as_the_driver_took_it() {
    let served = Served::start().await;
    let event = r#"{"door_id":"lobby","action":"granted"}"#;

    let reply = served.signal(&[], event).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "event": "accepted" }))
    );

    served.takes_events_as(Ok(Acceptance::Known));
    let reply = served
        .signal(&[("idempotency-key", "Swipe_1-a")], event)
        .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "event": "known" }))
    );

    served.takes_events_as(Err(EventError::Rejected("it has no door_id".to_owned())));
    let reply = served.signal(&[], "{}").await;
    assert_eq!(
        (reply.status, reply.json()),
        (422, json!({ "error": "it has no door_id" }))
    );

    served.takes_events_as(Err(EventError::Unsaved(
        "/data/store: disk full".to_owned(),
    )));
    let reply = served.signal(&[], event).await;
    assert_eq!(reply.status, 503);
    assert!(!reply.text().contains("/data"), "{}", reply.text());

    let key = Some("Swipe_1-a".to_owned());
    let (event, empty) = (event.to_owned(), "{}".to_owned());
    let expected = [
        (event.clone(), None),
        (event.clone(), key),
        (empty, None),
        (event, None),
    ];
    assert_eq!(served.events(), expected);
}

#[tokio::test]
async fn events_are_taken_only_from_who_has_the_event_key() {
    let served = Served::start().await;
    let keys = &served.keys;
    for headers in [
        &[][..],
        &[("x-api-key", "")],
        &[("x-api-key", "guess")],
        &[("x-api-key", keys.admin_key.reveal())],
        &[("x-api-key", keys.webhook_secret.reveal())],
        &[("authorization", keys.event_key.reveal())],
    ] {
        let reply = send(served.address, "POST", SIGNAL, headers, "{}").await;
        assert_eq!(reply.status, 401);
        assert!(reply.json()["error"].is_string());
    }
    assert!(served.events().is_empty());
}

#[tokio::test]
async fn an_event_that_would_reach_nobody_is_an_error() {
    let served = Served::start().await;
    let headers = [("x-api-key", served.keys.event_key.reveal())];
    let signal = async |query: &str| {
        let path = format!("/api/engine/v2/signal{query}");
        send(served.address, "POST", &path, &headers, "{}").await
    };
    for query in ["", "?chanel=security/event/door"] {
        let reply = signal(query).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["parameter"], "channel");
    }
    for query in ["?channel=security/other/door", "?channel="] {
        let reply = signal(query).await;
        assert_eq!(reply.status, 404);
        let error = "the module listens to the channel security/event/door";
        assert_eq!(reply.json(), json!({ "error": error }));
    }
    assert!(served.events().is_empty());
    assert_eq!(signal("?channel=security%2Fevent%2Fdoor").await.status, 200);
}

#[tokio::test]
async fn an_idempotency_key_is_a_short_plain_word() {
    let served = Served::start().await;
    let longest = "x".repeat(64);
    let too_long = "x".repeat(65);
    assert_eq!(
        served
            .signal(&[("idempotency-key", &longest)], "{}")
            .await
            .status,
        200
    );
    for key in ["", &too_long, "a b", "a.b", "ä", "a/b"] {
        let reply = served.signal(&[("idempotency-key", key)], "{}").await;
        assert_eq!(reply.status, 400, "{key}");
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(served.events().len(), 1);
}

#[tokio::test]
async fn an_event_that_is_no_text_is_refused_and_not_mended() {
    let served = Served::start().await;
    let headers = [("x-api-key", served.keys.event_key.reveal())];
    let body = &b"{\"user_name\":\"Zo\xeb\"}"[..];
    let reply = send(served.address, "POST", SIGNAL, &headers, body).await;
    assert_eq!(reply.status, 400);
    assert!(served.events().is_empty());
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_not_more() {
    const LIMIT: usize = 1024 * 1024;
    let served = Served::start().await;
    let key = served.keys.event_key.reveal();
    for path in [served.hook().as_str(), SIGNAL] {
        let most = vec![b' '; LIMIT];
        let reply = send(served.address, "POST", path, &[("x-api-key", key)], most).await;
        assert_eq!(reply.status, 200);

        let head = format!("POST {path} HTTP/1.1\r\nhost: gateway\r\nx-api-key: {key}\r\n");
        let announced = format!("{head}content-length: {}\r\n\r\n", LIMIT + 1);
        let chunk = format!("{LIMIT:x}\r\n{}\r\n", " ".repeat(LIMIT));
        let grown = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}1\r\n \r\n");
        for request in [announced, grown] {
            let mut stream = TcpStream::connect(served.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.unwrap();
            assert_eq!(&status, b"HTTP/1.1 413");
        }
    }
    assert_eq!((served.requests().len(), served.events().len()), (1, 1));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_before_anybody_reads_it() {
    let served = Served::start().await;
    let long = "x".repeat(65_530);
    let too_long = served.send("GET", &format!("/{long}"), "").await;
    assert_eq!(too_long.status, 431);
    let reply = send(served.address, "GET", "/healthz", &[("x-any", &long)], "").await;
    assert_eq!(reply.status, 431);
    assert_eq!(served.status("GET", "/healthz").await, 200);
}

#[tokio::test]
async fn health_is_the_process_and_readiness_the_module() {
    let served = Served::start().await;
    assert_eq!(served.status("GET", "/readyz").await, 200);
    served.driver.ready.store(false, Ordering::SeqCst);
    let reply = served.send("GET", "/readyz", "").await;
    assert_eq!(reply.status, 503);
    assert!(reply.json()["error"].is_string());
    assert_eq!(served.status("GET", "/healthz").await, 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let served = Served::start().await;
    for path in [
        "/",
        "/api/engine/v2/webhook/trig-rhombus",
        "/healthz/",
        "/%ff",
    ] {
        let reply = served.send("GET", path, "").await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.json()["error"].is_string(), "{path}");
    }
    let reply = served.send("GET", SIGNAL, "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    assert!(reply.json()["error"].is_string());
    let reply = served.send("GET", &format!("{NOTIFY}/%ff"), "").await;
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].is_string());
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let served = Served::start().await;
    let hook = served.hook();
    for path in [hook.as_str(), NOTIFY, SIGNAL, "/healthz", "/nothing"] {
        let echoed = send(
            served.address,
            "GET",
            path,
            &[("x-request-id", "mine-1")],
            "",
        )
        .await;
        assert_eq!(echoed.header("x-request-id"), "mine-1", "{path}");
        let first = served.send("GET", path, "").await;
        let second = served.send("GET", path, "").await;
        assert_eq!(first.header("x-request-id").len(), 32, "{path}");
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    }
    let long = "x".repeat(129);
    for hostile in [long.as_str(), "two words", ""] {
        let reply = send(
            served.address,
            "GET",
            "/healthz",
            &[("x-request-id", hostile)],
            "",
        )
        .await;
        assert_eq!(reply.header("x-request-id").len(), 32, "{hostile}");
    }
}

#[tokio::test]
async fn no_answer_lets_other_origins_read_it() {
    let served = Served::start().await;
    let origin = [("origin", "https://elsewhere.example")];
    for path in [served.hook().as_str(), SIGNAL, "/healthz"] {
        for method in ["GET", "OPTIONS"] {
            let reply = send(served.address, method, path, &origin, "").await;
            let cors = reply
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(cors, None, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish_and_takes_no_more() {
    let served = Served::start().await;
    let driver = served.driver.clone();
    let (address, hook) = (served.address, served.hook());
    // One that waits for the driver, and one that was opened and says nothing.
    driver.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    let under_way = tokio::spawn(async move { send(address, "POST", &hook, &[], "").await });
    while driver.requests.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _silent = TcpStream::connect(address).await.unwrap();

    let stopped = tokio::spawn(served.gateway.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopped.is_finished());
    driver.may_answer.add_permits(1);

    let reply = under_way.await.unwrap();
    assert_eq!((reply.status, reply.text()), (200, "done"));
    stopped.await.unwrap();
}
