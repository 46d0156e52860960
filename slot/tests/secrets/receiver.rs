//! A receiver that does its worst: what it was sent comes back in every part of its answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rig::program::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A receiver; how it answers is the first segment of the path.
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::default());
        let count = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&count)));
            }
        });
        Self { address, seen }
    }

    /// A URL that is answered in this manner: `ok`, or one of those that [`answer`] knows.
    pub(crate) fn url(&self, manner: &str, token: &str) -> String {
        format!("http://{}/{manner}/{token}", self.address)
    }

    /// The same port under a name, by TLS, which it does not speak.
    pub(crate) fn tls_url(&self, token: &str) -> String {
        format!("https://localhost:{}/tls/{token}", self.address.port())
    }

    /// Waits until something came for each of these.
    pub(crate) async fn has_seen(&self, manners: &[&str]) {
        until("the attempts", async || {
            let seen = self.seen.lock().unwrap();
            manners
                .iter()
                .all(|manner| seen.contains_key(*manner))
                .then_some(())
        })
        .await;
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Mutex<BTreeMap<String, usize>>>) {
    let mut request = Vec::new();
    let mut piece = [0; 8192];
    // A request comes at once and whole, and its sender then waits.
    while let Ok(length) = stream.read(&mut piece).await {
        if length == 0 {
            return;
        }
        request.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if !body.ends_with('}') {
            continue;
        }
        let path = head.split(' ').nth(1).unwrap_or_default();
        let manner = path.split('/').nth(1).unwrap_or_default();
        *seen.lock().unwrap().entry(manner.to_owned()).or_default() += 1;
        let length = text.len();
        let answer = match manner {
            "fail" => format!(
                "HTTP/1.1 500 No {path}\r\nx-echo: {path}\r\nserver: {path}\r\n\
                 content-length: {length}\r\n\r\n{text}"
            ),
            "redirect" => format!(
                "HTTP/1.1 307 {path}\r\nlocation: http://127.0.0.1:9{path}\r\n\
                 content-length: {length}\r\n\r\n{text}"
            ),
            "busy" => {
                format!("HTTP/1.1 429 Busy\r\nretry-after: {path}\r\ncontent-length: 0\r\n\r\n")
            }
            "gone" => "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n".to_owned(),
            // No HTTP, a head without end, a body that is cut off.
            "garbage" => format!("{text}\r\n\r\n"),
            "endless" => format!(
                "HTTP/1.1 200 OK\r\n{}",
                format!("x-echo: {path}\r\n").repeat(200)
            ),
            "broken" => format!("HTTP/1.1 200 {path}\r\ncontent-length: 9999\r\n\r\n{text}"),
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if matches!(manner, "garbage" | "endless" | "broken") {
            return;
        }
        request.clear();
    }
}
