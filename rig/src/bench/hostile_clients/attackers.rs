//! Clients that are slow on purpose, and clients that send too much.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Slow connections at a time. One that is closed is opened anew at once.
pub(super) const SLOW: usize = 200;
/// Oversized bodies a second, each on a connection of its own.
pub(super) const OVERSIZED_A_SECOND: u32 = 200;

/// How long a slow one rests between two drops.
const DROP: Duration = Duration::from_millis(200);
/// How much a body without end sends at a time.
const PIECE: usize = 16 * 1024;

/// All of them, and what they have come to.
#[derive(Debug)]
pub(super) struct Attackers {
    address: SocketAddr,
    hook: String,
    slow_now: AtomicUsize,
    oversized: AtomicUsize,
    refused: AtomicUsize,
}

/// An attack under way.
#[derive(Debug)]
pub(super) struct Attack {
    slow: JoinSet<()>,
    oversized: JoinSet<()>,
}

/// In what a slow connection is slow.
#[derive(Clone, Copy, Debug)]
enum Slowness {
    Silent,
    Head,
    Body,
    /// It asks again and again, and takes no answer.
    Reading,
}

impl Attackers {
    pub(super) fn new(address: SocketAddr, hook: String) -> Self {
        Self {
            address,
            hook,
            slow_now: AtomicUsize::new(0),
            oversized: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// Slow connections that are open.
    pub(super) fn slow_now(&self) -> usize {
        self.slow_now.load(Ordering::SeqCst)
    }

    /// Oversized bodies that came to an end, and how many of them were answered 413.
    pub(super) fn oversized(&self) -> [usize; 2] {
        [&self.oversized, &self.refused].map(|count| count.load(Ordering::SeqCst))
    }

    pub(super) fn begin(self: &Arc<Self>) -> Attack {
        let mut slow = JoinSet::new();
        for number in 0..SLOW {
            let slowness = match number % 4 {
                0 => Slowness::Silent,
                1 => Slowness::Head,
                2 => Slowness::Body,
                _ => Slowness::Reading,
            };
            let attackers = Arc::clone(self);
            slow.spawn(async move {
                loop {
                    attackers.be_slow(slowness).await;
                }
            });
        }
        let mut oversized = JoinSet::new();
        oversized.spawn(Arc::clone(self).send_too_much());
        Attack { slow, oversized }
    }

    /// Until the gateway closes the connection.
    async fn be_slow(&self, slowness: Slowness) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let _counted = Counted::new(&self.slow_now);
        let hook = &self.hook;
        let head = format!(" {hook} HTTP/1.1\r\nhost: localhost\r\n");
        match slowness {
            Slowness::Silent => {
                let _ = stream.read(&mut [0]).await;
            }
            Slowness::Head => drip(&mut stream, &format!("GET{head}"), "x: y\r\n").await,
            Slowness::Body => {
                let head = format!("POST{head}content-length: 30000\r\n\r\n");
                drip(&mut stream, &head, " ").await;
            }
            Slowness::Reading => {
                let get = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
                drip(&mut stream, get, get).await;
            }
        }
    }

    async fn send_too_much(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / OVERSIZED_A_SECOND);
        let mut under_way = JoinSet::new();
        for number in 0.. {
            ticks.tick().await;
            let attackers = Arc::clone(&self);
            let is_chunked = number % 2 == 0;
            under_way.spawn(async move { attackers.send_one(is_chunked).await });
            while under_way.try_join_next().is_some() {}
        }
    }

    /// Sends a body until it is refused: one of ten megabytes, or in chunks without end.
    async fn send_one(&self, is_chunked: bool) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let hook = &self.hook;
        let head = format!("POST {hook} HTTP/1.1\r\nhost: localhost\r\n");
        let (framing, piece) = if is_chunked {
            let chunk = format!("{PIECE:x}\r\n{}\r\n", "x".repeat(PIECE));
            ("transfer-encoding: chunked\r\n\r\n", chunk)
        } else {
            ("content-length: 10000000\r\n\r\n", "x".repeat(PIECE))
        };
        let send = async {
            to.write_all(format!("{head}{framing}").as_bytes()).await?;
            loop {
                to.write_all(piece.as_bytes()).await?;
            }
        };
        let mut status = [0; 12];
        let answered = tokio::select! {
            read = from.read_exact(&mut status) => read,
            // Refused in the middle: the answer is there.
            sent = send => {
                let _: std::io::Result<()> = sent;
                from.read_exact(&mut status).await
            }
        };
        self.oversized.fetch_add(1, Ordering::SeqCst);
        if answered.is_ok() && status == *b"HTTP/1.1 413" {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Attack {
    /// Ends it; returns when all its connections are closed on this side.
    pub(super) async fn end(mut self) {
        self.oversized.shutdown().await;
        self.slow.shutdown().await;
    }
}

/// Sends `first`, and then `drop` again and again, until the connection is closed.
async fn drip(stream: &mut TcpStream, first: &str, drop: &str) {
    let mut next = first;
    while stream.write_all(next.as_bytes()).await.is_ok() {
        next = drop;
        tokio::time::sleep(DROP).await;
    }
}

/// Counts while it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
