//! The slot as a gateway, with a store of its own.

use std::net::SocketAddr;
use std::path::Path;

use fastrand::Rng;
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::watch;

use crate::client::{Reply, try_send};
use crate::program::{Place, Running, SIGNAL};

use super::clients::{Offered, Target};
use super::some_time;
use super::victim::{Kills, Victim};

/// How it is started.
const ARGUMENTS: [&str; 1] = ["--allow=127.0.0.1"];

pub(super) struct Gateway {
    place: Place,
    running: Running,
}

impl Gateway {
    /// Starts the program `placeos-slot` at `program`.
    pub(super) async fn start(program: &Path) -> Self {
        let place = Place::new(program);
        Self {
            running: place.start(&ARGUMENTS).await,
            place,
        }
    }
}

impl Victim for Gateway {
    fn target(&self) -> Target {
        let [_, hook] = self.running.access.hooks();
        Target::Gateway(Entrance {
            address: self.running.address(),
            hook,
            event_key: self.running.access.event_key.clone(),
        })
    }

    async fn kill(
        self,
        target: &watch::Sender<Option<Target>>,
        most: usize,
        rng: &mut Rng,
    ) -> (Self, Kills) {
        let Self { place, running } = self;
        target.send_replace(None);
        running.kill().await;
        let mut kills = Kills {
            slot: 1,
            ..Kills::default()
        };
        let running = loop {
            let starting = place.launch(place.serve(&ARGUMENTS));
            if kills.all() == most || rng.u8(..5) > 0 {
                break starting.ready().await;
            }
            some_time(rng, 150).await;
            starting.kill().await;
            kills.slot_at_start += 1;
        };
        let again = Self { place, running };
        target.send_replace(Some(again.target()));
        (again, kills)
    }

    async fn status(&self) -> Value {
        self.running.status().await
    }

    async fn end(self) {
        self.running.send_signal(Signal::TERM);
        let end = self.running.ended().await;
        assert!(end.success(), "it ended with {end}: {}", self.place.log());
    }

    /// The sender's `Idempotency-Key` is it.
    fn is_id_of(event: &str, id: &str) -> bool {
        event == id
    }
}

/// How a gateway is reached.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    address: SocketAddr,
    hook: String,
    event_key: String,
}

impl Entrance {
    /// A request to the webhook: the status, or `None` if the answer was lost.
    pub(super) async fn hook(&self, method: &str, body: String) -> Option<u16> {
        let asked = try_send(self.address, method, &self.hook, &[], body).await;
        asked.ok().map(|reply| reply.status)
    }

    /// Offers an event under its sender's name for it.
    pub(super) async fn offer(&self, id: &str, event: String) -> Offered {
        let headers = [
            ("x-api-key", self.event_key.as_str()),
            ("idempotency-key", id),
        ];
        match try_send(self.address, "POST", SIGNAL, &headers, event).await {
            Ok(Reply { status: 200, .. }) => Offered::Accepted,
            Ok(Reply { status: 503, .. }) => Offered::Refused,
            Ok(reply) => Offered::Oddly(format!("{reply:?}")),
            Err(_) => Offered::Lost,
        }
    }
}
