//! Receivers that cost as little as can be, for they share the machine with what is measured: one port
//! for all subscribers of a driver, each with a path of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::events;
use crate::program::LIMIT;
use crate::wire::Port;

/// Headers that a POST has at most.
const HEADERS: usize = 32;

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    AtOnce,
    After(Duration),
    Never,
}

/// A POST that has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) subscriber: usize,
    /// The event's number.
    pub(super) event: u64,
    pub(super) at: Instant,
}

/// A POST as it came, for somebody to send its like.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// All subscribers of one driver that answer in the same manner. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Receivers {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    arrivals: Mutex<Vec<Arrival>>,
    count: AtomicUsize,
    /// The count that somebody waits for.
    goal: AtomicUsize,
    reached: Notify,
    sample: OnceLock<Sample>,
}

impl Receivers {
    pub(super) fn start(manner: Manner) -> Self {
        let port = Port::new();
        let address = port.address();
        let shared = Arc::new(Shared {
            manner,
            arrivals: Mutex::default(),
            count: AtomicUsize::new(0),
            goal: AtomicUsize::new(usize::MAX),
            reached: Notify::new(),
            sample: OnceLock::new(),
        });
        let of_all = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            let listener = port.listen();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                // The other side may break off: it has a limit of its own, or is killed.
                tokio::spawn(converse(stream, Arc::clone(&of_all)));
            }
        });
        Self {
            address,
            shared,
            listening,
        }
    }

    /// The URLs of so many subscribers.
    pub(super) fn urls(&self, subscribers: usize) -> Vec<String> {
        let url = |subscriber| format!("http://{}/{subscriber}", self.address);
        (0..subscribers).map(url).collect()
    }

    /// How many POSTs have come since the last [`take`](Self::take).
    pub(super) fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// Waits until so many have come since the last [`take`](Self::take).
    ///
    /// # Panics
    ///
    /// None comes for [`LIMIT`], and there are fewer.
    pub(super) async fn wait_for(&self, goal: usize) {
        self.shared.goal.store(goal, Ordering::SeqCst);
        loop {
            let reached = self.shared.reached.notified();
            let before = self.count();
            if before >= goal {
                break;
            }
            if timeout(LIMIT, reached).await.is_err() {
                let count = self.count();
                assert!(count > before, "only {count} of {goal} deliveries came");
            }
        }
        self.shared.goal.store(usize::MAX, Ordering::SeqCst);
    }

    /// What has come since the last call.
    pub(super) fn take(&self) -> Vec<Arrival> {
        let mut arrivals = self.shared.arrivals.lock().unwrap();
        self.shared.count.store(0, Ordering::SeqCst);
        std::mem::take(&mut *arrivals)
    }

    /// The first POST that has ever come, without what a client adds by itself.
    ///
    /// # Panics
    ///
    /// Nothing has come yet.
    pub(super) fn sample(&self) -> Sample {
        self.shared.sample.get().unwrap().clone()
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    fn note(&self, post: &Post, bytes: &[u8]) {
        let at = Instant::now();
        let body = &bytes[post.head..post.length];
        let arrival = Arrival {
            subscriber: post.subscriber,
            event: events::number(body),
            at,
        };
        self.sample.get_or_init(|| sample(bytes, post));
        let mut arrivals = self.arrivals.lock().unwrap();
        arrivals.push(arrival);
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        drop(arrivals);
        if count >= self.goal.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }
}

async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut bytes = BytesMut::with_capacity(8 * 1024);
    loop {
        let Some(post) = Post::read(&bytes) else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        shared.note(&post, &bytes);
        bytes.advance(post.length);
        match shared.manner {
            Manner::AtOnce => {}
            Manner::After(time) => tokio::time::sleep(time).await,
            // Until the other side breaks off.
            Manner::Never => {
                stream.read_buf(&mut bytes).await?;
                return Ok(());
            }
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
        if post.is_last {
            return Ok(());
        }
    }
}

/// What matters of a POST.
struct Post {
    subscriber: usize,
    /// Bytes of its head.
    head: usize,
    /// Bytes of all of it.
    length: usize,
    /// Its connection is not used again.
    is_last: bool,
}

impl Post {
    /// The POST that `bytes` begin with, if all of it is there.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = request.parse(bytes).unwrap() else {
            return None;
        };
        let mut length = 0;
        let mut is_last = false;
        for header in request.headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                length = std::str::from_utf8(header.value).unwrap().parse().unwrap();
            } else if header.name.eq_ignore_ascii_case("connection") {
                is_last = header.value.eq_ignore_ascii_case(b"close");
            }
        }
        let post = Self {
            subscriber: request.path.unwrap()[1..].parse().unwrap(),
            head,
            length: head + length,
            is_last,
        };
        (bytes.len() >= post.length).then_some(post)
    }
}

fn sample(bytes: &[u8], post: &Post) -> Sample {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(bytes).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    let by_itself = ["connection", "content-length", "host"];
    let own = request.headers.iter().filter(|header| {
        let is_it = |name: &&str| header.name.eq_ignore_ascii_case(name);
        !by_itself.iter().any(is_it)
    });
    Sample {
        headers: own
            .map(|header| (header.name.to_owned(), text(header.value)))
            .collect(),
        body: text(&bytes[post.head..post.length]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &str = "POST /17 HTTP/1.1\r\nHost: there\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}";

    #[test]
    fn a_post_is_read_once_it_is_whole() {
        for length in 0..POST.len() {
            assert!(Post::read(&POST.as_bytes()[..length]).is_none());
        }
        let post = Post::read(format!("{POST}POST /18").as_bytes()).unwrap();
        assert_eq!((post.subscriber, post.length), (17, POST.len()));
        assert!(!post.is_last);
    }

    #[test]
    fn a_sample_lacks_what_its_sender_adds_by_itself() {
        let post = Post::read(POST.as_bytes()).unwrap();
        let sample = sample(POST.as_bytes(), &post);
        assert_eq!(sample.headers, [("X-A".to_owned(), "b".to_owned())]);
        assert_eq!(sample.body, "{}");
    }
}
