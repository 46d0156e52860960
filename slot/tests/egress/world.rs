//! Servers, a name server that answers as it is told, and a client between them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use placeos_slot::connector::Allowed;
use placeos_slot::connector::resolver::{Addresses, Resolve};
use placeos_slot::connector::tls::Roots;
use placeos_slot::host::Answer;
use placeos_slot::host::http::{Client, Http, Post, PostFailure};
use rhombus_egress::Policy;

/// Longer than anything here takes; it only ends a test that hangs.
pub(crate) const GENEROUS: Duration = Duration::from_secs(60);

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that hands each connection to `serve`, in a thread of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), serve)
    }

    pub(crate) fn on(
        address: SocketAddr,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream.unwrap()));
            }
        });
        Self { address, accepted }
    }

    /// A server that answers every request of a connection with `response`.
    pub(crate) fn answering(response: &str) -> Self {
        let response = response.to_owned();
        Self::start(move |stream| answer_all(stream, &response))
    }

    /// How many connections were made to it.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// A URL of the server under a name that only the script knows.
    pub(crate) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// The URL of the server by its address, over http.
    pub(crate) fn address_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers each request with `response`, as long as the other side sends any.
pub(crate) fn answer_all(stream: impl Read + Write, response: &str) {
    let mut stream = BufReader::new(stream);
    while read_request(&mut stream).is_some() {
        // A client that has read enough may be gone.
        if stream.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

/// The head and the body of the next request, or none at the end of the connection.
pub(crate) fn read_request(stream: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        // A client that trusts nobody leaves without a word; to a server that is an end as well.
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    Some((head, String::from_utf8(body).unwrap()))
}

/// A name server by script: the answers of a name in turn, the last one again and again. It counts
/// the questions. A name without an answer gets none, ever.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<HashMap<String, VecDeque<Addresses>>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn with(self, name: &str, addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        self.then(name, Ok(addresses))
    }

    pub(crate) fn failing(self, name: &str, reason: &str) -> Self {
        self.then(name, Err(reason.to_owned()))
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn then(self, name: &str, answer: Addresses) -> Self {
        self.answers
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default()
            .push_back(answer);
        self
    }
}

impl Resolve for Script {
    fn resolve(&self, host: String) -> Answer<Addresses> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let Some(answers) = answers.get_mut(&host) else {
            return Box::pin(std::future::pending());
        };
        let answer = if answers.len() > 1 {
            answers.pop_front().unwrap()
        } else {
            answers[0].clone()
        };
        Box::pin(async {
            // As with a real one, others may ask before the answer is there.
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer
        })
    }
}

pub(crate) fn policy(entries: &[&str]) -> Policy {
    Policy::parse(entries).unwrap()
}

pub(crate) fn client(entries: &[&str], script: Script) -> Client {
    client_with(&Allowed::new(policy(entries)), script, None)
}

pub(crate) fn client_with(allowed: &Allowed, script: Script, ca_file: Option<&Path>) -> Client {
    Client::new(
        allowed.clone(),
        Roots::new(ca_file).unwrap(),
        Arc::new(script),
    )
}

/// A POST whose every secret part has "secret" in it.
pub(crate) fn post(url: &str) -> Post {
    Post {
        url: format!("{url}/secret-path?token=secret-query"),
        headers: vec![("x-signature".to_owned(), "secret-header".to_owned())],
        body: b"secret-body".to_vec(),
        timeout: GENEROUS,
        wanted: Vec::new(),
    }
}

/// Sends a POST that must fail, without telling any secret.
pub(crate) async fn failure_of(client: &Client, post: Post) -> PostFailure {
    assert!(!format!("{post:?}").contains("secret"), "{post:?}");
    let failure = client.post(post).await.unwrap_err();
    assert!(
        !format!("{failure} {failure:?}").contains("secret"),
        "{failure:?}"
    );
    failure
}

/// The status of a POST that must be answered.
pub(crate) async fn status_of(client: &Client, post: Post) -> u16 {
    client.post(post).await.unwrap().status
}
