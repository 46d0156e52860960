//! A module's status keys, and what it says of itself, in Redis.
//!
//! A value that changes is also published. What could not be written is written as soon as Redis is
//! there again; of several values of a key the last one counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::cmd;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::connection::{Redis, RedisFailure};
use crate::host::status::Status;

/// How long a write that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be shown. Clones are the same.
#[derive(Clone, Default)]
pub struct RedisStatus(Arc<Wanted>);

#[derive(Default)]
struct Wanted {
    values: Mutex<BTreeMap<String, String>>,
    changed: Notify,
}

impl Status for RedisStatus {
    fn set(&self, key: &str, json: &str) {
        self.values().insert(key.to_owned(), json.to_owned());
        self.0.changed.notify_one();
    }
}

impl RedisStatus {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a module's status.
pub struct StatusWriter {
    redis: Redis,
    module: String,
    interface: String,
    wanted: RedisStatus,
    /// What Redis has, as far as it was written over this connection.
    written: BTreeMap<String, String>,
    over: Option<u64>,
}

impl StatusWriter {
    /// A writer of the status of `module`, which says `interface` of itself.
    pub fn new(redis: Redis, module: String, interface: String, wanted: RedisStatus) -> Self {
        Self {
            redis,
            module,
            interface,
            wanted,
            written: BTreeMap::new(),
            over: None,
        }
    }

    /// Removes what an earlier instance of the module has left, and says what this one is.
    pub async fn begin(&mut self) -> Result<(), RedisFailure> {
        let key = self.status();
        let fields: Vec<String> = self.redis.query(cmd("HKEYS").arg(&key)).await?;
        for field in fields {
            self.show(&field, "null").await?;
        }
        self.declare().await
    }

    /// Writes what changes. Never ends.
    pub async fn run(mut self) {
        let mut connected = self.redis.connected();
        loop {
            match self.write().await {
                Ok(()) => tokio::select! {
                    () = self.wanted.0.changed.notified() => {}
                    // Whoever keeps it drops it only at the end.
                    _ = connected.changed() => {}
                },
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Writes what Redis does not have yet.
    pub async fn write(&mut self) -> Result<(), RedisFailure> {
        let over = *self.redis.connected().borrow();
        if over.is_none() || over != self.over {
            // It may be another server, or one that has forgotten.
            self.written = self.redis.query(cmd("HGETALL").arg(self.status())).await?;
            self.declare().await?;
            self.over = *self.redis.connected().borrow();
        }
        let wanted = self.wanted.values().clone();
        for (field, json) in wanted {
            let is_there = match self.written.get(&field) {
                Some(written) => *written == json,
                None => json == "null",
            };
            if !is_there {
                self.show(&field, &json).await?;
                self.written.insert(field, json);
            }
        }
        Ok(())
    }

    async fn declare(&self) -> Result<(), RedisFailure> {
        let key = format!("interface/{}", self.module);
        self.redis
            .query(cmd("SET").arg(key).arg(&self.interface))
            .await
    }

    async fn show(&self, field: &str, json: &str) -> Result<(), RedisFailure> {
        let key = self.status();
        let channel = format!("{key}/{field}");
        let mut change = cmd(if json == "null" { "HDEL" } else { "HSET" });
        change.arg(&key).arg(field);
        if json != "null" {
            change.arg(json);
        }
        let _: i64 = self.redis.query(&change).await?;
        let _: i64 = self
            .redis
            .query(cmd("PUBLISH").arg(channel).arg(json))
            .await?;
        Ok(())
    }

    fn status(&self) -> String {
        format!("status/{}", self.module)
    }
}
