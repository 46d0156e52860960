//! What Redis' own configuration makes of a commit that it acknowledged.

use std::collections::HashMap;
use std::fmt;

use redis::cmd;

use super::connection::{Redis, RedisFailure};

/// What an acknowledged commit survives. The worse, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Not even a restart of Redis.
    None,
    /// A killed process, of ours or of Redis; not a loss of power.
    Process,
    /// A loss of power too.
    Disk,
}

/// What Redis' configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What a commit survives; `None` if Redis does not tell.
    pub durability: Option<Durability>,
    /// The policy by which Redis removes records when its memory is full, if it does.
    pub eviction: Option<String>,
}

impl Promise {
    /// Asks Redis; in a cluster the worst server counts.
    pub async fn read(redis: &Redis) -> Result<Self, RedisFailure> {
        let mut values = [const { Vec::new() }; 3];
        let names = ["appendonly", "appendfsync", "maxmemory-policy"];
        for (name, values) in names.into_iter().zip(&mut values) {
            let question = cmd("CONFIG").arg("GET").arg(name).clone();
            let answers: Vec<HashMap<String, String>> = redis.query_servers(&question).await?;
            values.extend(answers.into_iter().map(|mut answer| answer.remove(name)));
        }
        let [append, sync, policies] = values;
        let servers = append.iter().zip(&sync);
        let durability = servers.map(|(append, sync)| {
            Some(match (append.as_deref()?, sync.as_deref()?) {
                ("yes", "always") => Durability::Disk,
                ("yes", _) => Durability::Process,
                _ => Durability::None,
            })
        });
        Ok(Self {
            durability: durability.min().flatten(),
            eviction: policies
                .into_iter()
                .flatten()
                .find(|policy| policy != "noeviction"),
        })
    }

    /// Tells the log what an operator should mend.
    pub fn warn(&self) {
        if self.durability == Some(Durability::None) {
            tracing::warn!(
                "Redis keeps nothing over its own restart: what it acknowledged is then lost; \
                 set appendonly yes and appendfsync always"
            );
        }
        if let Some(policy) = &self.eviction {
            tracing::warn!(
                policy,
                "Redis may remove door events when its memory is full; set maxmemory-policy noeviction"
            );
        }
    }
}

/// The value of the status key `durability`.
impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.durability {
            Some(Durability::None) => "none",
            Some(Durability::Process) => "process",
            Some(Durability::Disk) => "disk",
            None => "unknown",
        })
    }
}
