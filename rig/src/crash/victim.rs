//! What is killed.

use fastrand::Rng;
use serde_json::Value;
use tokio::sync::watch;

use super::clients::Target;

/// A slot, and what it keeps its records in. It is killed and started again.
pub(super) trait Victim: Sized {
    /// How it is reached in its present life.
    fn target(&self) -> Target;

    /// Kills it `most` times at most, and starts it again. `target` is told when it is gone, and how it
    /// is reached again.
    async fn kill(
        self,
        target: &watch::Sender<Option<Target>>,
        most: usize,
        rng: &mut Rng,
    ) -> (Self, Kills);

    /// Its status keys.
    async fn status(&self) -> Value;

    /// Ends it in order.
    async fn end(self);

    /// Whether `id` may be the `webhook-id` of the event that its sender calls `event`.
    fn is_id_of(event: &str, id: &str) -> bool;
}

/// How often was killed what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kills {
    /// The slot, while it was up.
    pub slot: usize,
    /// The slot before it was up.
    pub slot_at_start: usize,
    /// The server of Redis.
    pub redis: usize,
}

impl Kills {
    /// How often in all.
    pub fn all(&self) -> usize {
        self.slot + self.slot_at_start + self.redis
    }

    pub(super) fn add(&mut self, other: Self) {
        self.slot += other.slot;
        self.slot_at_start += other.slot_at_start;
        self.redis += other.redis;
    }
}
