//! The clients: they send events, subscribe and unsubscribe, and repeat what was not answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use tokio::sync::watch;

use crate::program::LIMIT;

use super::gateway::Entrance;
use super::ledger::{Ledger, Wish};
use super::placeos::Channels;

const DOORS: [&str; 6] = ["lobby", "dock", "garage", "roof", "server-room", "vault"];
const ACTIONS: [&str; 4] = ["granted", "denied", "forced_door", "request_to_exit"];
/// Subscriptions that one client leaves behind at most: each gets every later event.
const LEFT: usize = 6;

/// How the slot is reached in its present life.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Gateway(Entrance),
    PlaceOs(Channels),
}

/// What became of an event that was offered.
#[derive(Debug)]
pub(super) enum Offered {
    /// It is saved.
    Accepted,
    /// It is not known to be saved; the same may be offered again.
    Refused,
    /// The answer was lost; the same may be offered again.
    Lost,
    /// It is not known to be saved, and what were offered again would be another event.
    Doubtful,
    /// An answer that nobody may get.
    Oddly(String),
}

/// What the clients share.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) ledger: Ledger,
    /// None while it is down.
    pub(super) target: watch::Sender<Option<Target>>,
    /// How many requests wait for their answer.
    pub(super) under_way: watch::Sender<usize>,
    /// Nothing new is begun from then on.
    pub(super) is_over: AtomicBool,
}

impl Clients {
    /// Sends events, one after another, each under its own key until it is accepted. Sometimes, as
    /// people do, it gives one up whose answer was lost.
    pub(super) async fn send_events(self: Arc<Self>, client: usize, mut rng: Rng) {
        for number in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let id = format!("{client}-{number}");
            let event = json!({
                "door_id": rng.choice(DOORS),
                "action": rng.choice(ACTIONS),
                "card_id": id,
            });
            self.ledger.send(&id);
            loop {
                match self.offer(&id, &event.to_string(), &mut rng).await {
                    Offered::Accepted => {
                        self.ledger.accepted(&id);
                        break;
                    }
                    Offered::Refused => {}
                    Offered::Lost if rng.u8(..4) == 0 => break,
                    Offered::Lost => {}
                    Offered::Doubtful => break,
                    Offered::Oddly(answer) => {
                        return self.ledger.fault(format!("{id} was answered {answer}"));
                    }
                }
                pause(&mut rng, 20).await;
            }
            pause(&mut rng, 50).await;
        }
    }

    /// Subscribes URLs at `origin`, and unsubscribes most of them again.
    pub(super) async fn come_and_go(self: Arc<Self>, origin: String, mut rng: Rng) {
        let mut left = 0;
        for number in 0.. {
            let url = format!("{origin}/{number}");
            for again in [true, false] {
                if self.is_over.load(Ordering::SeqCst) {
                    return;
                }
                self.make(&url, Wish::Subscribed, &mut rng).await;
                pause(&mut rng, 1_000).await;
                if left < LEFT && rng.u8(..8) == 0 {
                    left += 1;
                    break;
                }
                self.make(&url, Wish::Unsubscribed, &mut rng).await;
                // What comes to it now, or comes still, is wrong.
                pause(&mut rng, 300).await;
                if !again || rng.bool() {
                    break;
                }
            }
        }
    }

    /// Repeats a change until it is answered that it is made.
    pub(super) async fn make(&self, url: &str, wish: Wish, rng: &mut Rng) {
        let (method, made) = match wish {
            Wish::Subscribed => ("POST", 201),
            Wish::Unsubscribed => ("DELETE", 202),
        };
        let body = json!({ "webhook": url, "secret": "123456" }).to_string();
        self.ledger.ask(url, wish);
        let mut is_repeated = false;
        loop {
            match self.hook(method, body.clone()).await {
                Some(status) if status == made => break,
                // The lost answer was 202.
                Some(404) if wish == Wish::Unsubscribed && is_repeated => break,
                Some(503) | None => is_repeated = true,
                Some(status) => {
                    let fault = format!("{method} of {url} was answered {status}");
                    return self.ledger.fault(fault);
                }
            }
            pause(rng, 20).await;
        }
        self.ledger.made(url);
    }

    /// A request to the webhook: its status, or `None` if its answer was lost.
    pub(super) async fn hook(&self, method: &str, body: String) -> Option<u16> {
        let target = self.target().await;
        let asked = async {
            match target {
                Target::Gateway(gateway) => gateway.hook(method, body).await,
                Target::PlaceOs(channels) => channels.hook(method, &body).await,
            }
        };
        self.under_way(asked).await
    }

    /// Offers an event: in PlaceOS by hand or by the channel.
    async fn offer(&self, id: &str, event: &str, rng: &mut Rng) -> Offered {
        let target = self.target().await;
        let offered = async {
            match target {
                Target::Gateway(gateway) => gateway.offer(id, event.to_owned()).await,
                Target::PlaceOs(channels) if rng.bool() => channels.give(event).await,
                Target::PlaceOs(channels) => channels.publish(event).await,
            }
        };
        self.under_way(offered).await
    }

    async fn under_way<T>(&self, asked: impl Future<Output = T>) -> T {
        self.under_way.send_modify(|count| *count += 1);
        let answer = tokio::time::timeout(LIMIT, asked).await;
        self.under_way.send_modify(|count| *count -= 1);
        answer.unwrap_or_else(|_| panic!("a request is not answered"))
    }

    async fn target(&self) -> Target {
        let mut target = self.target.subscribe();
        let up = target.wait_for(Option::is_some).await.unwrap();
        up.clone().unwrap()
    }
}

async fn pause(rng: &mut Rng, most: u64) {
    tokio::time::sleep(Duration::from_millis(rng.u64(..most))).await;
}
