//! The real process, killed again and again while events flow, and what its receivers then have.
//!
//! Clients send events and repeat them under the same `Idempotency-Key` until they are accepted;
//! others subscribe and unsubscribe. Receivers fail in every way there is. After the last kill all
//! receivers are healed, and when everything has come that must come, what was accepted is held
//! against what was received.

mod clients;
mod ledger;
mod outcome;
mod receiver;
mod report;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::process::Signal;
use serde_json::json;

use crate::program::{Place, Running};

use self::clients::{Clients, Target};
use self::ledger::Wish;
use self::outcome::Outcome;
use self::receiver::{Inbox, Manner, Receiver};

pub use self::report::{EventCounts, Report, Row};

/// Clients that send events.
const SENDERS: usize = 4;
/// Clients that subscribe and unsubscribe.
const SUBSCRIBERS: usize = 2;
/// How the gateway is started.
const ARGUMENTS: [&str; 1] = ["--allow=127.0.0.1"];

/// Kills the program `placeos-slot` at `program` so many times.
pub async fn run(program: &Path, kills: usize, seed: u64) -> Report {
    let begun = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let place = Place::new(program);
    let inbox = Arc::new(Inbox::default());
    let clients = Arc::new(Clients::default());
    let receivers = Manner::ALL.map(|manner| {
        let receiver = Receiver::start(manner, inbox.clone(), rng.fork());
        (manner.name(), receiver)
    });
    let gateway = place.start(&ARGUMENTS).await;
    clients.target.send_replace(Some(Target::from(&gateway)));
    for (_, receiver) in &receivers {
        let url = format!("{}/hook", receiver.origin);
        clients.make(&url, Wish::Subscribed, &mut rng).await;
    }
    let visited: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| Receiver::start(Manner::Healthy, inbox.clone(), rng.fork()))
        .collect();

    let sending = (0..SENDERS).map(|client| {
        let send = clients.clone().send_events(client, rng.fork());
        tokio::spawn(send)
    });
    let mut working: Vec<_> = sending.collect();
    for receiver in &visited {
        let origin = receiver.origin.clone();
        let come_and_go = clients.clone().come_and_go(origin, rng.fork());
        working.push(tokio::spawn(come_and_go));
    }

    let (gateway, kills_at_start) = kill(&place, gateway, kills, &clients, &mut rng).await;
    clients.is_over.store(true, Ordering::SeqCst);
    for client in working {
        client.await.unwrap();
    }
    for (_, receiver) in &receivers {
        receiver.heal();
        // A POST opens a subscriber that is paused.
        let body = json!({ "webhook": format!("{}/hook", receiver.origin), "secret": "123456" });
        let status = gateway.hook("POST", body).await.status;
        assert_eq!(status, 201);
    }
    let outcome = Outcome {
        clients: &clients,
        inbox: &inbox,
    };
    outcome.wait_for_all().await;
    outcome.check_status(&gateway).await;
    outcome.check_subscriptions(&gateway).await;
    gateway.send_signal(Signal::TERM);
    let end = gateway.ended().await;
    assert!(end.success(), "it ended with {end}: {}", place.log());

    let row = |name, receiver: &Receiver| outcome.row(name, &receiver.origin);
    let subscribed_first = receivers.iter().map(|(name, receiver)| row(name, receiver));
    let subscribed_later = visited.iter().map(|receiver| row("many URLs", receiver));
    Report {
        seed,
        kills,
        kills_at_start,
        took: begun.elapsed(),
        events: outcome.event_counts(),
        subscribed: clients.ledger.count(Wish::Subscribed),
        unsubscribed: clients.ledger.count(Wish::Unsubscribed),
        rows: subscribed_first.chain(subscribed_later).collect(),
        faults: outcome.faults(),
    }
}

/// Kills the gateway and starts it again, so many times. Returns the last one, and how often it was
/// killed before it was up.
async fn kill(
    place: &Place,
    mut gateway: Running,
    kills: usize,
    clients: &Clients,
    rng: &mut Rng,
) -> (Running, usize) {
    let mut made = 0;
    let mut at_start = 0;
    while made < kills {
        some_time(rng, 1_500).await;
        if rng.bool() {
            // In the middle of a request, where what was saved and what was answered may differ.
            let mut under_way = clients.under_way.subscribe();
            under_way.wait_for(|count| *count > 0).await.unwrap();
            some_time(rng, 5).await;
        }
        clients.target.send_replace(None);
        gateway.kill().await;
        made += 1;
        gateway = loop {
            let starting = place.launch(place.serve(&ARGUMENTS));
            if made == kills || rng.u8(..5) > 0 {
                break starting.ready().await;
            }
            some_time(rng, 150).await;
            starting.kill().await;
            made += 1;
            at_start += 1;
        };
        clients.target.send_replace(Some(Target::from(&gateway)));
    }
    (gateway, at_start)
}

async fn some_time(rng: &mut Rng, most: u64) {
    tokio::time::sleep(Duration::from_millis(rng.u64(..most))).await;
}
