//! A driver at work, by either of its faces: as a gateway, or as the process of a PlaceOS core, which is
//! how any other driver's executable can be had.

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use rustix::process::Pid;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{building, events};
use crate::client::Connection;
use crate::placeos::{CHANNEL, Core, MODULE, Redis};
use crate::program::{LIMIT, Place, Running, SIGNAL};

/// Connections by which events come to a gateway.
const CONNECTIONS: usize = 32;
/// How long one of them may rest: the gateway closes those from which nothing comes for thirty seconds.
const UNUSED: Duration = Duration::from_secs(10);
/// How long a driver is left alone before what it has used is looked at: what it writes after the last
/// receipt belongs to its deliveries.
const SETTLE: Duration = Duration::from_millis(300);

/// A driver that can be started.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) program: PathBuf,
    pub(super) face: Face,
}

/// How a driver is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// `serve`: HTTP, and redb for its records.
    Gateway,
    /// `-p -s SOCKET`, as core starts it: core's socket, and Redis for events and records.
    Process,
}

/// A driver that is up, with its module. It is killed when dropped.
#[derive(Debug)]
pub(super) enum Site {
    Gateway(Gateway),
    Process(Process),
}

#[derive(Debug)]
pub(super) struct Gateway {
    running: Running,
    place: Place,
    /// Each with when it was used last.
    connections: Vec<(Connection, Instant)>,
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) core: Core,
    redis: Redis,
    publisher: MultiplexedConnection,
}

impl Site {
    /// Starts one whose operator lists `urls` as subscribed.
    pub(super) async fn start(subject: &Subject, urls: &[String]) -> Self {
        match subject.face {
            Face::Gateway => Self::Gateway(Gateway::start(subject, urls).await),
            Face::Process => {
                let redis = Redis::start().await;
                Self::Process(Process::start(subject, redis, urls, 0).await)
            }
        }
    }

    /// Has events happen at so many `doors`, all at once. A gateway has accepted them when this returns; of
    /// Redis nobody knows.
    pub(super) async fn publish(&mut self, numbers: Range<u64>, doors: u64) {
        match self {
            Self::Gateway(gateway) => gateway.signal(numbers, doors).await,
            Self::Process(process) => process.publish(numbers, doors).await,
        }
    }

    /// What it has logged, which is warnings and worse.
    pub(super) fn log(&self) -> String {
        match self {
            Self::Gateway(gateway) => gateway.place.log(),
            Self::Process(process) => process.core.log(),
        }
    }

    /// Its process.
    pub(super) fn pid(&self) -> Pid {
        match self {
            Self::Gateway(gateway) => gateway.running.pid(),
            Self::Process(process) => process.core.pid(),
        }
    }
}

impl Gateway {
    async fn start(subject: &Subject, urls: &[String]) -> Self {
        let place = Place::new(&subject.program);
        let mut command = place.serve(&["--allow=127.0.0.1"]);
        command
            .env("PLACEOS_SLOT_LOG", "warn")
            .env("PLACEOS_SLOT_SET", settings(urls).to_string());
        let running = place.start_by(command).await;
        let open = async |_| open(running.address()).await;
        let connections = join_all((0..CONNECTIONS).map(open)).await;
        Self {
            running,
            place,
            connections,
        }
    }

    async fn signal(&mut self, numbers: Range<u64>, doors: u64) {
        let next = AtomicU64::new(numbers.start);
        let address = self.running.address();
        let key = self.running.access.event_key.as_str();
        let send = async |connection: &mut (Connection, Instant)| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return;
                }
                if connection.1.elapsed() > UNUSED {
                    *connection = open(address).await;
                }
                let headers = [("x-api-key", key)];
                let event = events::event(number, doors);
                let sent = connection.0.send("POST", SIGNAL, &headers, event);
                assert_eq!(sent.await.unwrap().status, 200);
                connection.1 = Instant::now();
            }
        };
        join_all(self.connections.iter_mut().map(send)).await;
    }
}

impl Process {
    /// Starts one on a Redis, with whatever records are there, in a building that has so many `doors` which
    /// can be opened.
    pub(super) async fn start(
        subject: &Subject,
        redis: Redis,
        urls: &[String],
        doors: usize,
    ) -> Self {
        let url = redis.url();
        let environment = [("REDIS_URL", url.as_str()), ("PLACEOS_SLOT_LOG", "warn")];
        let core = Core::start(&subject.program, &environment).await;
        if doors > 0 {
            building::build(&core, &redis, doors).await;
        }
        core.load(MODULE, settings(urls)).await;
        let listens = async {
            while redis.listeners(CHANNEL).await == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let listens = timeout(LIMIT, listens).await;
        assert!(
            listens.is_ok(),
            "nobody listens to {CHANNEL}: {}",
            core.log()
        );
        Self {
            core,
            publisher: redis.connect().await,
            redis,
        }
    }

    /// As [`Site::publish`].
    pub(super) async fn publish(&mut self, numbers: Range<u64>, doors: u64) {
        let mut pipe = redis::pipe();
        for number in numbers {
            let event = events::event(number, doors);
            pipe.cmd("PUBLISH").arg(CHANNEL).arg(event);
        }
        let heard: Vec<u64> = pipe.query_async(&mut self.publisher).await.unwrap();
        assert!(heard.iter().all(|count| *count > 0), "nobody listens");
    }

    /// Gives it events by hand, so many at a time, and waits until all are accepted, which is when they are
    /// saved.
    pub(super) async fn accept(&self, numbers: Range<u64>, doors: u64, in_flight: usize) {
        let next = AtomicU64::new(numbers.start);
        let give = async |_| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return;
                }
                let event = json!([events::event(number, doors)]);
                let answer = self.core.exec(MODULE, "door_event", event).await;
                assert_eq!(answer["payload"], r#"{"event":"accepted"}"#, "{answer}");
            }
        };
        join_all((0..in_flight).map(give)).await;
    }

    /// Ends it as a loss of power would; answers the Redis that it has left.
    pub(super) async fn kill(self) -> Redis {
        self.core.kill().await;
        self.redis
    }
}

async fn open(address: SocketAddr) -> (Connection, Instant) {
    (Connection::open(address).await.unwrap(), Instant::now())
}

/// What the operator sets. The address is for ours; today's driver sends wherever it is told.
fn settings(urls: &[String]) -> Value {
    let subscription = |url| json!({ "webhook": url, "secret": "123456" });
    json!({ "subscriptions": urls.iter().map(subscription).collect::<Vec<_>>() })
}

/// The processor time that a process has used so far, once it rests.
pub(super) async fn cpu(process: Pid) -> Duration {
    sleep(SETTLE).await;
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    let stat = fs::read_to_string(path).unwrap();
    // The second field is the program's name, in which there may be anything.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap()
}

/// The memory of a process, in megabytes.
pub(super) fn memory(process: Pid) -> f64 {
    let path = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let resident = status.lines().find_map(|line| {
        let value = line.strip_prefix("VmRSS:")?.strip_suffix(" kB")?;
        value.trim().parse::<f64>().ok()
    });
    resident.unwrap() * 1024.0 / 1e6
}
