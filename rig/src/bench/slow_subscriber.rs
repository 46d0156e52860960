//! Nine subscribers, with and without a tenth that never answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;

use crate::client::Connection;
use crate::program::{Place, Running, SIGNAL, until};

use super::receiver::Receiver;
use super::{Verdict, ms, percentile};

/// Subscribers that answer at once.
const HEALTHY: usize = 9;
/// Events to each gateway: two minutes of them, so that the tenth is seen both hanging and paused, and
/// the slowest hundredth is many events.
const EVENTS: usize = 15_000;
/// Between two events, which go to the two gateways in turn.
const PACE: Duration = Duration::from_millis(4);
/// How much longer an event may take with the tenth.
const MOST: f64 = 1.20;

/// Two gateways of the program at `program`, one of which has the tenth subscriber, get events in turn,
/// so that whatever else the machine does falls on both.
pub async fn slow_subscriber(program: &Path) -> Verdict {
    let places = [Place::new(program), Place::new(program)];
    let mut alone = Site::start(&places[0], "alone").await;
    let mut beside = Site::start(&places[1], "beside").await;
    let silent = Receiver::start(false);
    assert_eq!(beside.gateway.subscribe(&silent.url, "123456").await, 201);

    let mut rng = Rng::new();
    let mut ticks = tokio::time::interval(PACE);
    for number in 0..EVENTS {
        let mut sites = [&mut alone, &mut beside];
        rng.shuffle(&mut sites);
        for site in sites {
            ticks.tick().await;
            site.send(number).await;
        }
    }
    alone.has_all().await;
    beside.has_all().await;

    let mut verdict = Verdict::new();
    let [p99_alone, p99_beside] = [&mut alone, &mut beside].map(|site| {
        let latencies = site.latencies();
        let p99 = percentile(&latencies, 0.99);
        verdict.say(format!(
            "{:<7} {} receipts, from sending to receipt: p50 {:.2} ms, p99 {:.2} ms",
            site.name,
            latencies.len(),
            ms(percentile(&latencies, 0.5)),
            ms(p99),
        ));
        p99
    });
    let attempts = silent.take().len();
    verdict.say(format!(
        "the tenth got {attempts} attempts, and answered none"
    ));
    let ratio = p99_beside.as_secs_f64() / p99_alone.as_secs_f64();
    verdict.promise(
        "p99 beside it to p99 alone",
        (ratio * 1000.0).round() / 1000.0,
        MOST,
    );
    verdict
}

/// A gateway and its healthy subscribers.
struct Site {
    name: &'static str,
    gateway: Running,
    connection: Connection,
    receivers: Vec<Receiver>,
    sent: BTreeMap<String, Instant>,
    /// By receiver, how long each event took.
    received: Vec<BTreeMap<String, Duration>>,
}

impl Site {
    async fn start(place: &Place, name: &'static str) -> Self {
        let mut command = place.serve(&["--allow=127.0.0.1"]);
        command.env("PLACEOS_SLOT_LOG", "error");
        let gateway = place.start_by(command).await;
        let mut receivers = Vec::new();
        for _ in 0..HEALTHY {
            let receiver = Receiver::start(true);
            assert_eq!(gateway.subscribe(&receiver.url, "123456").await, 201);
            receivers.push(receiver);
        }
        Self {
            name,
            connection: Connection::open(gateway.address()).await.unwrap(),
            gateway,
            received: vec![BTreeMap::new(); receivers.len()],
            receivers,
            sent: BTreeMap::new(),
        }
    }

    async fn send(&mut self, number: usize) {
        let id = format!("{}-{number}", self.name);
        let event = json!({
            "door_id": format!("door-{}", number % 30), "action": "granted", "timestamp": 1649030365,
            "card_id": "1001-0006", "user_name": "Ann Example", "user_email": "ann@example.org",
        });
        let key = self.gateway.access.event_key.clone();
        let headers = [
            ("x-api-key", key.as_str()),
            ("idempotency-key", id.as_str()),
        ];
        self.sent.insert(id.clone(), Instant::now());
        let sent = self
            .connection
            .send("POST", SIGNAL, &headers, event.to_string());
        assert_eq!(sent.await.unwrap().status, 200);
    }

    /// Waits until all events have come to all.
    async fn has_all(&mut self) {
        until("all events at all that answer", async || {
            self.collect();
            let has_all = |received: &BTreeMap<_, _>| received.len() == EVENTS;
            self.received.iter().all(has_all).then_some(())
        })
        .await;
    }

    fn collect(&mut self) {
        for (receiver, received) in self.receivers.iter().zip(&mut self.received) {
            for arrival in receiver.take() {
                let took = arrival.at - self.sent[&arrival.id];
                received.entry(arrival.id).or_insert(took);
            }
        }
    }

    fn latencies(&self) -> Vec<Duration> {
        let mut all: Vec<_> = self
            .received
            .iter()
            .flat_map(BTreeMap::values)
            .copied()
            .collect();
        all.sort();
        all
    }
}
