//! The clients: they send events, subscribe and unsubscribe, and repeat what was not answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use tokio::sync::watch;

use crate::client::{Reply, try_send};
use crate::program::{LIMIT, Running, SIGNAL};

use super::ledger::{Ledger, Wish};

const DOORS: [&str; 6] = ["lobby", "dock", "garage", "roof", "server-room", "vault"];
const ACTIONS: [&str; 4] = ["granted", "denied", "forced_door", "request_to_exit"];
/// Subscriptions that one client leaves behind at most: each gets every later event.
const LEFT: usize = 6;

/// How the gateway is reached in its present life.
#[derive(Clone, Debug)]
pub(super) struct Target {
    address: SocketAddr,
    hook: String,
    event_key: String,
}

impl From<&Running> for Target {
    fn from(gateway: &Running) -> Self {
        let [_, hook] = gateway.access.hooks();
        Self {
            address: gateway.address(),
            hook,
            event_key: gateway.access.event_key.clone(),
        }
    }
}

/// What the clients share.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) ledger: Ledger,
    /// None while the gateway is down.
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
                match self.signal(&id, event.to_string()).await {
                    Some(reply) if reply.status == 200 => {
                        self.ledger.accepted(&id);
                        break;
                    }
                    Some(reply) if reply.status == 503 => {}
                    Some(reply) => {
                        return self.ledger.fault(format!("{id} was answered {reply:?}"));
                    }
                    None if rng.u8(..4) == 0 => break,
                    None => {}
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
            match self
                .hook(method, body.clone())
                .await
                .map(|reply| reply.status)
            {
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

    /// A request to the webhook; `None` if its answer was lost.
    pub(super) async fn hook(&self, method: &str, body: String) -> Option<Reply> {
        let Target { address, hook, .. } = self.target().await;
        self.ask(address, method, &hook, &[], body).await
    }

    async fn signal(&self, id: &str, event: String) -> Option<Reply> {
        let Target {
            address, event_key, ..
        } = self.target().await;
        let headers = [("x-api-key", event_key.as_str()), ("idempotency-key", id)];
        self.ask(address, "POST", SIGNAL, &headers, event).await
    }

    async fn ask(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<Reply> {
        self.under_way.send_modify(|count| *count += 1);
        let asked = try_send(address, method, path, headers, body);
        let asked = tokio::time::timeout(LIMIT, asked).await;
        self.under_way.send_modify(|count| *count -= 1);
        asked
            .unwrap_or_else(|_| panic!("{method} {path} is not answered"))
            .ok()
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
