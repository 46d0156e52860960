//! A client that behaves, and looks at the clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Connection;

/// Connections, each of which is kept.
const CONNECTIONS: u32 = 10;
/// Requests a second, of all of them.
const A_SECOND: u32 = 100;

/// Asks `hook` for the doors for as long as `time`, in a thread of its own, which the hostile ones do not
/// slow down. Answers how long each request took, from when it was due.
pub(super) async fn ask(address: SocketAddr, hook: String, time: Duration) -> Vec<Duration> {
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(all(address, &hook, time))
    });
    thread.await.unwrap()
}

async fn all(address: SocketAddr, hook: &str, time: Duration) -> Vec<Duration> {
    let begin = Instant::now();
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let first = begin + Duration::from_secs(1) * number / A_SECOND;
        connections.spawn(one(address, hook.to_owned(), first, begin + time));
    }
    connections.join_all().await.concat()
}

async fn one(address: SocketAddr, hook: String, first: Instant, end: Instant) -> Vec<Duration> {
    let mut connection = Connection::open(address).await.unwrap();
    let mut latencies = Vec::new();
    let mut due = first;
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        let reply = connection.send("GET", &hook, &[], "").await.unwrap();
        assert_eq!(reply.status, 200);
        latencies.push(due.elapsed());
        due += Duration::from_secs(1) * CONNECTIONS / A_SECOND;
    }
    latencies
}
