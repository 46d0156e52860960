//! The real process, killed again and again while events flow, and what its receivers then have.
//!
//! Clients send events and repeat them until they are accepted; others subscribe and unsubscribe.
//! Receivers fail in every way there is. After the last kill all receivers are healed, and when
//! everything has come that must come, what was accepted is held against what was received.
//!
//! The slot is a gateway with a store of its own, or PlaceOS core's driver with its records in Redis,
//! which is killed too.

mod clients;
mod gateway;
mod ledger;
mod outcome;
mod placeos;
mod receiver;
mod report;
mod victim;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;

use crate::program::until;

use self::clients::Clients;
use self::gateway::Gateway;
use self::ledger::Wish;
use self::outcome::Outcome;
use self::placeos::PlaceOs;
use self::receiver::{Inbox, Manner, Receiver};
use self::victim::Victim;

pub use self::report::{EventCounts, Report, Row};
pub use self::victim::Kills;

/// Clients that send events.
const SENDERS: usize = 4;
/// Clients that subscribe and unsubscribe.
const SUBSCRIBERS: usize = 2;

/// Where the slot has its records, and so what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In a file: it is a gateway.
    Redb,
    /// In Redis: it is the driver of a PlaceOS core.
    Redis,
}

/// Kills the program `placeos-slot` at `program`, and where its records are, so many times in all.
pub async fn run(program: &Path, store: Store, kills: usize, seed: u64) -> Report {
    match store {
        Store::Redb => run_on(Gateway::start(program).await, kills, seed).await,
        Store::Redis => run_on(PlaceOs::start(program).await, kills, seed).await,
    }
}

async fn run_on<V: Victim>(victim: V, kills: usize, seed: u64) -> Report {
    let begun = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let inbox = Arc::new(Inbox::default());
    let clients = Arc::new(Clients::default());
    let receivers = Manner::ALL.map(|manner| {
        let receiver = Receiver::start(manner, inbox.clone(), rng.fork());
        (manner.name(), receiver)
    });
    clients.target.send_replace(Some(victim.target()));
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

    let (victim, kills) = kill(victim, kills, &clients, &mut rng).await;
    clients.is_over.store(true, Ordering::SeqCst);
    for client in working {
        client.await.unwrap();
    }
    for (_, receiver) in &receivers {
        receiver.heal();
        // A POST opens a subscriber that is paused.
        let body = json!({ "webhook": format!("{}/hook", receiver.origin), "secret": "123456" });
        until("the subscribers are opened", async || {
            let status = clients.hook("POST", body.to_string()).await;
            (status == Some(201)).then_some(())
        })
        .await;
    }
    let outcome = Outcome {
        clients: &clients,
        inbox: &inbox,
    };
    outcome.wait_for_all().await;
    outcome.check_status(&victim).await;
    outcome.check_subscriptions().await;
    victim.end().await;

    let row = |name, receiver: &Receiver| outcome.row(name, &receiver.origin);
    let subscribed_first = receivers.iter().map(|(name, receiver)| row(name, receiver));
    let subscribed_later = visited.iter().map(|receiver| row("many URLs", receiver));
    Report {
        seed,
        kills,
        took: begun.elapsed(),
        events: outcome.event_counts(),
        subscribed: clients.ledger.count(Wish::Subscribed),
        unsubscribed: clients.ledger.count(Wish::Unsubscribed),
        rows: subscribed_first.chain(subscribed_later).collect(),
        faults: outcome.faults::<V>(),
    }
}

/// Kills the victim and starts it again, so many times.
async fn kill<V: Victim>(
    mut victim: V,
    kills: usize,
    clients: &Clients,
    rng: &mut Rng,
) -> (V, Kills) {
    let mut made = Kills::default();
    while made.all() < kills {
        some_time(rng, 1_500).await;
        if rng.bool() {
            // In the middle of a request, where what was saved and what was answered may differ.
            let mut under_way = clients.under_way.subscribe();
            under_way.wait_for(|count| *count > 0).await.unwrap();
            some_time(rng, 5).await;
        }
        let killed;
        (victim, killed) = victim.kill(&clients.target, kills - made.all(), rng).await;
        made.add(killed);
    }
    (victim, made)
}

async fn some_time(rng: &mut Rng, most: u64) {
    tokio::time::sleep(Duration::from_millis(rng.u64(..most))).await;
}
