//! The slot as PlaceOS core's driver, with its records in Redis. Both are killed.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use redis::cmd;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::placeos::{CHANNEL, Core, MODULE, Redis, triple};

use super::clients::{Offered, Target};
use super::some_time;
use super::victim::{Kills, Victim};

/// How long the same payload is published again: the slot takes what comes within ten seconds of its
/// like for the same event, and what comes later for another.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a sender that publishes no more waits to see its event accepted.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits before it publishes again.
const WAIT: Duration = Duration::from_millis(500);

pub(super) struct PlaceOs {
    program: PathBuf,
    redis: Arc<Redis>,
    core: Arc<Core>,
}

impl PlaceOs {
    /// Starts a Redis that syncs what it acknowledges, and the program `placeos-slot` at `program`.
    pub(super) async fn start(program: &Path) -> Self {
        let redis = Arc::new(Redis::start().await);
        Self {
            core: Arc::new(launch(program, &redis, json!({})).await),
            program: program.to_owned(),
            redis,
        }
    }
}

/// Has core start the driver, and the driver the module.
async fn launch(program: &Path, redis: &Redis, settings: Value) -> Core {
    let core = Core::start(program, &[("REDIS_URL", &redis.url())]).await;
    core.load(MODULE, settings).await;
    core
}

impl Victim for PlaceOs {
    fn target(&self) -> Target {
        Target::PlaceOs(Channels {
            core: self.core.clone(),
            redis: self.redis.clone(),
        })
    }

    /// Kills the slot, or Redis, or both.
    async fn kill(
        mut self,
        target: &watch::Sender<Option<Target>>,
        most: usize,
        rng: &mut Rng,
    ) -> (Self, Kills) {
        let mut kills = Kills::default();
        let (slot, redis) = match rng.u8(..3) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, most > 1),
        };
        if redis {
            self.redis.kill();
            kills.redis += 1;
        }
        let mut other_rng = rng.fork();
        let is_back = async {
            if redis {
                some_time(&mut other_rng, 1_000).await;
                self.redis.resume().await;
            }
        };
        let core = async {
            if !slot {
                return None;
            }
            target.send_replace(None);
            self.core.kill().await;
            kills.slot += 1;
            // The settings are core's.
            let settings = self.core.model(MODULE)["settings"].clone();
            while kills.all() < most && rng.u8(..5) == 0 {
                let life = async {
                    let _core = launch(&self.program, &self.redis, settings.clone()).await;
                    pending::<()>().await;
                };
                let short = Duration::from_millis(rng.u64(..300));
                // Whatever is dropped there is killed.
                let _ = timeout(short, life).await;
                kills.slot_at_start += 1;
            }
            Some(launch(&self.program, &self.redis, settings).await)
        };
        let ((), core) = tokio::join!(is_back, core);
        if let Some(core) = core {
            self.core = Arc::new(core);
            target.send_replace(Some(self.target()));
        }
        (self, kills)
    }

    async fn status(&self) -> Value {
        let all = cmd("HGETALL").arg(format!("status/{MODULE}")).clone();
        let keys: Vec<(String, String)> = self.redis.query(&all).await;
        let keys = keys
            .into_iter()
            .map(|(key, json)| (key, serde_json::from_str(&json).unwrap()));
        keys.collect::<Map<_, _>>().into()
    }

    async fn end(self) {
        let end = self.core.terminate().await;
        assert!(end.success(), "it ended with {end}: {}", self.core.log());
    }

    /// The slot makes them.
    fn is_id_of(_: &str, id: &str) -> bool {
        id.starts_with("evt_")
    }
}

/// The ways to a slot of PlaceOS: by core, and by Redis.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    core: Arc<Core>,
    redis: Arc<Redis>,
}

impl Channels {
    /// A request to the webhook: the status, or `None` if the answer was lost.
    pub(super) async fn hook(&self, method: &str, body: &str) -> Option<u16> {
        let body = serde_json::from_str(body).unwrap();
        let answer = self.core.begin_hook(MODULE, method, body).await.ok()?;
        u16::try_from(triple(&answer).0).ok()
    }

    /// Gives an event to the function `door_event`, which answers after its commit.
    pub(super) async fn give(&self, event: &str) -> Offered {
        let answer = self.core.begin_exec(MODULE, "door_event", json!([event]));
        let Ok(answer) = answer.await else {
            return Offered::Doubtful;
        };
        match (answer["payload"].as_str(), answer["error"].as_str()) {
            (Some(r#"{"event":"accepted"}"#), None) => Offered::Accepted,
            // It is not known to be saved. Given again it would be another event.
            (_, Some("Exception")) => Offered::Doubtful,
            _ => Offered::Oddly(answer.to_string()),
        }
    }

    /// Publishes an event, again and again until it is seen to be accepted. Redis keeps it for nobody,
    /// and nobody answers; so it counts as accepted when its record is in Redis, which is when the slot
    /// itself takes it for accepted. Redis shows nothing that it has not synced.
    pub(super) async fn publish(&self, event: &str) -> Offered {
        let publish = cmd("PUBLISH").arg(CHANNEL).arg(event).clone();
        let begun = Instant::now();
        while begun.elapsed() < AGAIN {
            let _: Option<usize> = self.redis.try_query(&publish).await;
            if self.is_accepted_within(WAIT, event).await {
                return Offered::Accepted;
            }
        }
        if self.is_accepted_within(PATIENCE, event).await {
            Offered::Accepted
        } else {
            Offered::Doubtful
        }
    }

    async fn is_accepted_within(&self, limit: Duration, event: &str) -> bool {
        let seen = async {
            while self.is_accepted(event).await.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(limit, seen).await.is_ok()
    }

    /// Looks by which id the slot knows the event, and whether that is the id of an accepted one.
    async fn is_accepted(&self, event: &str) -> Option<()> {
        let payload = hex::encode(&Sha256::digest(event)[..16]);
        let known = cmd("GET")
            .arg(format!("rhombus/{{{MODULE}}}/e/{payload}"))
            .clone();
        let known: Option<String> = self.redis.try_query(&known).await?;
        let id = known?.split(' ').nth(1)?.to_owned();
        let seen = cmd("ZSCORE")
            .arg(format!("rhombus/{{{MODULE}}}/k"))
            .arg(format!("seen/{id}"))
            .clone();
        let seen: Option<f64> = self.redis.try_query(&seen).await?;
        seen.map(|_| ())
    }
}
