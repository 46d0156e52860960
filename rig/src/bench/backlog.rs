//! A start on a store with a hundred thousand pending deliveries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::Connection;
use crate::program::{Place, Running, SIGNAL, until};

use super::receiver::Receiver;
use super::{Verdict, ms};

const SUBSCRIBERS: usize = 10;
const EVENTS: usize = 10_000;
/// Clients that send events at the same time.
const CLIENTS: usize = 32;
/// Starts that are measured before the last one, which delivers all.
const STARTS: usize = 4;
/// A gateway that fills its store lives shorter than an attempt may take: so none of them fails, and
/// its subscribers are open when it is killed.
const LIFE: Duration = Duration::from_secs(7);
/// From the start of the process to its first attempt, in milliseconds.
const MOST_TIME: f64 = 1000.0;
/// The most that the process ever has in memory, in megabytes.
const MOST_MEMORY: f64 = 100.0;

/// Fills the store of a gateway of the program at `program` while no subscriber answers, kills it, and
/// measures how it starts, how soon it sends, and what memory it needs to deliver all.
pub async fn backlog(program: &Path) -> Verdict {
    let place = Place::new(program);
    let receivers: Vec<_> = (0..SUBSCRIBERS).map(|_| Receiver::start(false)).collect();
    let begun = Instant::now();
    let lives = fill(&place, &receivers).await;
    let size = fs::metadata(place.data().join("store.redb")).unwrap().len();
    let mut verdict = Verdict::new();
    verdict.say(format!(
        "{} deliveries pending, {SUBSCRIBERS} subscribers; accepted in {:.1} s and {lives} lives, each ended by a kill; {:.0} MB on disk",
        SUBSCRIBERS * EVENTS,
        begun.elapsed().as_secs_f64(),
        size as f64 / 1e6,
    ));

    let mut slowest = 0f64;
    for _ in 0..STARTS {
        let (gateway, took) = start(&place, &receivers).await;
        verdict.say(format!(
            "a start after a kill: {:.0} ms to the first attempt",
            ms(took)
        ));
        slowest = slowest.max(ms(took));
        gateway.kill().await;
    }
    for receiver in &receivers {
        receiver.answer();
    }
    let begun = Instant::now();
    let (gateway, took) = start(&place, &receivers).await;
    slowest = slowest.max(ms(took));
    let mut received: Vec<BTreeSet<String>> = vec![BTreeSet::new(); SUBSCRIBERS];
    until("all deliveries", async || {
        for (receiver, received) in receivers.iter().zip(&mut received) {
            received.extend(receiver.take().into_iter().map(|arrival| arrival.id));
        }
        received.iter().all(|ids| ids.len() == EVENTS).then_some(())
    })
    .await;
    verdict.say(format!(
        "all delivered {:.1} s after the last start",
        begun.elapsed().as_secs_f64()
    ));
    verdict.promise("the slowest start, in ms", slowest.round(), MOST_TIME);
    let memory = peak_memory(gateway.pid());
    verdict.promise("memory at its peak, in MB", memory.round(), MOST_MEMORY);
    verdict
}

/// Has all events accepted; answers in how many lives of the process.
async fn fill(place: &Place, receivers: &[Receiver]) -> usize {
    let next = Arc::new(AtomicUsize::new(0));
    let mut lives = 0;
    while next.load(Ordering::SeqCst) < EVENTS {
        let gateway = place.start_by(serve(place)).await;
        if lives == 0 {
            for receiver in receivers {
                assert_eq!(gateway.subscribe(&receiver.url, "123456").await, 201);
            }
        }
        lives += 1;
        let end = Instant::now() + LIFE;
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let connection = Connection::open(gateway.address()).await.unwrap();
            let key = gateway.access.event_key.clone();
            clients.spawn(send(connection, key, next.clone(), end));
        }
        clients.join_all().await;
        gateway.kill().await;
    }
    lives
}

/// Sends the next events until all are sent, or until `end`.
async fn send(mut connection: Connection, key: String, next: Arc<AtomicUsize>, end: Instant) {
    while Instant::now() < end {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= EVENTS {
            return;
        }
        let id = format!("event-{number}");
        let event = json!({
            "door_id": format!("door-{}", number % 30), "action": "granted", "timestamp": 1649030365,
            "card_id": "1001-0006", "user_name": "Ann Example", "user_email": "ann@example.org",
        });
        let headers = [
            ("x-api-key", key.as_str()),
            ("idempotency-key", id.as_str()),
        ];
        let sent = connection.send("POST", SIGNAL, &headers, event.to_string());
        assert_eq!(sent.await.unwrap().status, 200);
    }
}

/// Starts a gateway; how long after that the first attempt came.
async fn start(place: &Place, receivers: &[Receiver]) -> (Running, Duration) {
    // What the one before has sent, and is still being read.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for receiver in receivers {
        receiver.take();
    }
    let started = Instant::now();
    let starting = place.launch(serve(place));
    let first = until("the first attempt", async || {
        receivers.iter().filter_map(Receiver::first).min()
    })
    .await;
    (starting.ready().await, first - started)
}

fn serve(place: &Place) -> Command {
    let mut command = place.serve(&["--allow=127.0.0.1"]);
    command.env("PLACEOS_SLOT_LOG", "error");
    command
}

/// The most that a process has had in memory, in megabytes.
fn peak_memory(process: Pid) -> f64 {
    let path = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let peak = status.lines().find_map(|line| {
        let value = line.strip_prefix("VmHWM:")?.strip_suffix(" kB")?;
        value.trim().parse::<f64>().ok()
    });
    peak.unwrap() * 1024.0 / 1e6
}
