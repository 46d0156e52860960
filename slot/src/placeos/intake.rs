//! Door events on their way from a channel to the module.
//!
//! Redis brings each once and forgets it. So one that is here stays here, in its order, until the
//! module has it in its store, or has refused it for good, or another instance of the module has
//! taken it over: while core moves a module, its old instance may still hold what it can save no
//! more.

use std::time::Duration;

use futures_util::future::join_all;
use redis::cmd;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::attendance::Span;
use super::redis::{Heard, Redis, RedisFailure, name};
use crate::module::{EventError, Module};

/// How many are offered at the same time: they share a commit.
const AT_ONCE: usize = 256;
/// How long a module, or a store, that took nothing is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How often is looked for events that another instance has left.
const LOOK: Duration = Duration::from_secs(2);

/// The events of one module.
pub(super) struct Intake {
    redis: Redis,
    module: String,
    channel: mpsc::Receiver<Heard>,
    /// Is told of times in which events were missed, for there were too many.
    missed: mpsc::UnboundedSender<Span>,
    /// Those that came out of the channel and have no name yet.
    unnamed: Vec<Heard>,
    /// Those that the module has not taken: text and id.
    offered: Vec<(String, String)>,
}

impl Intake {
    /// The events that come from `channel`, for the module of this id.
    pub(super) fn new(
        redis: Redis,
        module: String,
        channel: mpsc::Receiver<Heard>,
        missed: mpsc::UnboundedSender<Span>,
    ) -> Self {
        Self {
            redis,
            module,
            channel,
            missed,
            unnamed: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// Offers events to `module` until the channel is closed and empty. Dropping this loses none:
    /// the next module is offered what this one has not taken.
    pub(super) async fn run(&mut self, module: &Module) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.offered.is_empty() && self.unnamed.is_empty() {
                tokio::select! {
                    biased;
                    _ = look.tick() => {
                        // What failed is tried again at the next look.
                        let _ = self.take_over(module).await;
                        continue;
                    }
                    count = self.channel.recv_many(&mut self.unnamed, AT_ONCE) => if count == 0 {
                        return;
                    }
                }
            }
            if self.name().await.is_err() {
                sleep(PAUSE).await;
                continue;
            }
            if !offer(module, &mut self.offered).await {
                sleep(PAUSE).await;
            }
        }
    }

    /// Leaves what is here, and all that still comes, to the instance that owns the records. Never
    /// ends before the channel is closed.
    pub(super) async fn hand_over(&mut self) {
        loop {
            if (!self.offered.is_empty() || !self.unnamed.is_empty())
                && self.try_hand_over().await.is_err()
            {
                sleep(PAUSE).await;
            } else if self.channel.recv_many(&mut self.unnamed, AT_ONCE).await == 0 {
                return;
            }
        }
    }

    async fn try_hand_over(&mut self) -> Result<(), RedisFailure> {
        self.name().await?;
        let mut push = cmd("RPUSH");
        push.arg(self.left());
        for event in &self.offered {
            push.arg(serde_json::json!(event).to_string());
        }
        let _: i64 = self.redis.query(&push).await?;
        self.offered.clear();
        Ok(())
    }

    /// Offers what another instance has left.
    async fn take_over(&self, module: &Module) -> Result<(), RedisFailure> {
        let left = self.left();
        let read = cmd("LRANGE").arg(&left).arg(0).arg(AT_ONCE - 1).clone();
        let events: Vec<String> = self.redis.query(&read).await?;
        if events.is_empty() {
            return Ok(());
        }
        let texts = events.iter();
        let mut offered: Vec<(String, String)> = texts
            .filter_map(|event| serde_json::from_str(event).ok())
            .collect();
        if offer(module, &mut offered).await {
            let trim = cmd("LTRIM").arg(&left).arg(events.len()).arg(-1).clone();
            let () = self.redis.query(&trim).await?;
        }
        Ok(())
    }

    /// Gives the events that have none their ids.
    async fn name(&mut self) -> Result<(), RedisFailure> {
        if self.unnamed.is_empty() {
            return Ok(());
        }
        let ids = name(&self.redis, &self.module, &self.unnamed).await?;
        for heard in &self.unnamed {
            if let Some(since) = heard.missed {
                // Whoever shows it is there as long as this.
                let _ = self.missed.send((since, heard.at));
            }
        }
        let texts = self.unnamed.drain(..).map(|heard| heard.text);
        self.offered.extend(texts.zip(ids));
        Ok(())
    }

    /// Where one instance leaves events for another.
    fn left(&self) -> String {
        format!("rhombus/{{{}}}/left", self.module)
    }
}

/// Offers all at once, in their order, and keeps those that are not known to be saved; whether there
/// are none.
async fn offer(module: &Module, events: &mut Vec<(String, String)>) -> bool {
    let offers = events.iter();
    let offers = offers.map(|(text, id)| module.door_event(text.clone(), Some(id.clone())));
    let mut answers = join_all(offers).await.into_iter();
    events.retain(|_| matches!(answers.next(), Some(Err(EventError::Unsaved(_)))));
    events.is_empty()
}
