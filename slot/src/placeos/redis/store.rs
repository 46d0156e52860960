//! A module's records in Redis: values in a hash, keys in a sorted set, an owner beside them.
//!
//! One task asks Redis one thing at a time, so that calls are applied in the order in which they were
//! issued, in a cluster too. Commits that wait meanwhile go together in the next script.
//!
//! Whoever loads the module last owns the records, and every commit names the owner. So two
//! processes that run the same module while core moves it cannot both write. The owner's token is
//! renewed after each failure: what an earlier connection still carries is refused when it arrives.

use std::time::Duration;

use futures_util::FutureExt;
use redis::{Cmd, cmd};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::connection::{Redis, RedisFailure};
use crate::host::Answer;
use crate::host::group::{self, Bounds, grouped};
use crate::host::storage::{Change, CommitError, Record, Storage};
use crate::host::store::over_limit;

/// Bounds of one script: while it runs, Redis does nothing else.
const GROUP: Bounds = Bounds {
    commits: 500,
    bytes: 1 << 20,
};
/// How often an owner that has nothing to write looks whether it is still one.
const LOOK: Duration = Duration::from_secs(3);

/// Applies commits, each whole or not at all, if their owner is the owner.
const COMMIT: &str = r"
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[1] then return {-1} end
local at, verdicts = 3, {}
for commit = 1, tonumber(ARGV[2]) do
  local last = at + 3 * tonumber(ARGV[at])
  local verdict = '='
  for i = at + 1, last, 3 do
    if ARGV[i] == 'a' and redis.call('HEXISTS', KEYS[1], ARGV[i + 1]) == 1 then
      verdict = '!' .. ARGV[i + 1]
      break
    end
  end
  if verdict == '=' then
    for i = at + 1, last, 3 do
      if ARGV[i] == 'd' then
        redis.call('HDEL', KEYS[1], ARGV[i + 1])
        redis.call('ZREM', KEYS[2], ARGV[i + 1])
      else
        redis.call('HSET', KEYS[1], ARGV[i + 1], ARGV[i + 2])
        redis.call('ZADD', KEYS[2], 0, ARGV[i + 1])
      end
    end
  end
  verdicts[commit] = verdict
  at = last + 1
end
return {redis.call('HINCRBY', KEYS[3], 'commits', 1), verdicts}
";

/// Reads a page of records in key order.
const SCAN: &str = r"
local keys = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #keys == 0 then return {{}, {}} end
return {keys, redis.call('HMGET', KEYS[1], unpack(keys))}
";

/// Makes a new owner, whoever was it before.
const CLAIM: &str = r"
redis.call('HSET', KEYS[3], 'token', ARGV[1])
return tonumber(redis.call('HGET', KEYS[3], 'commits') or '0')
";

/// Renews an owner's token: how many scripts have committed, or -1 if another owns the records, or
/// -2 if nobody does, for Redis has forgotten them.
const RENEW: &str = r"
local token = redis.call('HGET', KEYS[3], 'token')
if not token then return -2 end
if string.sub(token, 1, string.len(ARGV[1])) ~= ARGV[1] then return -1 end
redis.call('HSET', KEYS[3], 'token', ARGV[2])
return tonumber(redis.call('HGET', KEYS[3], 'commits') or '0')
";

/// A module's records. Clones are the same store.
#[derive(Clone)]
pub struct RedisStore {
    calls: mpsc::UnboundedSender<Call>,
    standing: watch::Receiver<Standing>,
}

/// What a store knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It owns the records.
    Owner,
    /// Another instance of the module does; this one must stop.
    Lost,
    /// Redis has forgotten everything: the module must be loaded anew.
    Forgotten,
}

impl RedisStore {
    /// Takes the records of `module` over, from whoever has them. `instance` names the new owner,
    /// like no other.
    ///
    /// # Errors
    ///
    /// If Redis does not do it.
    pub async fn claim(redis: Redis, module: &str, instance: String) -> Result<Self, RedisFailure> {
        let records = Records {
            redis,
            keys: Self::keys(module),
        };
        let mut owner = Owner {
            instance: format!("{instance}/"),
            renewed: 0,
        };
        let commits = records.script(CLAIM).arg(owner.next()).clone();
        let committed = records.redis.query(&commits).await?;
        let (calls, queue) = mpsc::unbounded_channel();
        let (report, standing) = watch::channel(Standing::Owner);
        let keeper = Keeper {
            records,
            owner,
            committed,
            is_unsure: false,
            report,
        };
        tokio::spawn(keeper.run(queue));
        Ok(Self { calls, standing })
    }

    /// All that Redis has of a module's store: values, keys, owner.
    pub fn keys(module: &str) -> [String; 3] {
        ["v", "k", "o"].map(|part| format!("rhombus/{{{module}}}/{part}"))
    }

    /// What the store knows of itself, and when that changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Call,
    ) -> Answer<Result<T, Refusal>> {
        let (answer, answered) = oneshot::channel();
        // The task lives as long as this.
        let _ = self.calls.send(call(answer));
        async move { answered.await.unwrap_or(Err(Refusal::Lost)) }.boxed()
    }
}

impl Storage for RedisStore {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        let value = self.call(|answer| Call::Get { key, answer });
        value.map(|value| value.map_err(text)).boxed()
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        let page = self.call(|answer| Call::Scan {
            prefix,
            after,
            limit,
            answer,
        });
        page.map(|page| page.map_err(text)).boxed()
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        if let Some(reason) = changes.iter().find_map(over_limit) {
            return async move { Err(CommitError::Failed(reason)) }.boxed();
        }
        let made = self.call(|answer| Call::Commit(Commit { changes, answer }));
        made.map(|made| match made {
            Ok(None) => Ok(()),
            Ok(Some(key)) => Err(CommitError::Exists(key)),
            Err(refusal) => Err(CommitError::Failed(refusal.to_string())),
        })
        .boxed()
    }
}

fn text(refusal: Refusal) -> String {
    refusal.to_string()
}

/// Why a call was not done, or is not known to be.
#[derive(Clone, Debug, thiserror::Error)]
enum Refusal {
    #[error("another process runs this module now")]
    Lost,
    #[error("Redis has lost the module's records")]
    Forgotten,
    #[error(transparent)]
    Failed(#[from] RedisFailure),
}

enum Call {
    Get {
        key: String,
        answer: oneshot::Sender<Result<Option<Vec<u8>>, Refusal>>,
    },
    Scan {
        prefix: String,
        after: Option<String>,
        limit: u32,
        answer: oneshot::Sender<Result<Vec<Record>, Refusal>>,
    },
    Commit(Commit),
}

/// A commit; its verdict is the key that refused it, if one did.
type Commit = group::Commit<Result<Option<String>, Refusal>>;

/// The task that asks Redis.
struct Keeper {
    records: Records,
    owner: Owner,
    /// How many scripts have committed, as far as is known.
    committed: i64,
    /// A call failed that may still be applied: the owner must be renewed before the next.
    is_unsure: bool,
    report: watch::Sender<Standing>,
}

impl Keeper {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Call>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = None;
        loop {
            let call = match next.take() {
                Some(call) => call,
                None => tokio::select! {
                    biased;
                    call = queue.recv() => match call {
                        Some(call) => call,
                        None => return,
                    },
                    _ = look.tick() => {
                        self.look().await;
                        continue;
                    }
                },
            };
            match call {
                Call::Get { key, answer } => drop(answer.send(self.get(&key).await)),
                Call::Scan {
                    prefix,
                    after,
                    limit,
                    answer,
                } => {
                    let page = self.scan(&prefix, after.as_deref(), limit).await;
                    let _ = answer.send(page);
                }
                Call::Commit(first) => {
                    let group;
                    (group, next) = grouped(first, &GROUP, || match queue.try_recv().ok()? {
                        Call::Commit(commit) => Some(Ok(commit)),
                        other => Some(Err(other)),
                    });
                    self.commit(group).await;
                }
            }
        }
    }

    /// Looks whether the records are still this owner's. Nobody waits for what it finds.
    async fn look(&mut self) {
        if self.is_unsure {
            let _ = self.ready().await;
            return;
        }
        let [.., owner] = &self.records.keys;
        let token = cmd("HGET").arg(owner).arg("token").clone();
        match self.ask::<Option<String>>(&token).await {
            Ok(token) if token.as_deref() == Some(&self.owner.token()) => {}
            // Another owner, or none, or a token whose renewal was never answered.
            Ok(_) => {
                self.is_unsure = true;
                let _ = self.ready().await;
            }
            Err(_) => {}
        }
    }

    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.ready().await?;
        let [values, ..] = &self.records.keys;
        let get = cmd("HGET").arg(values).arg(key).clone();
        self.ask(&get).await
    }

    async fn scan(
        &mut self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Record>, Refusal> {
        self.ready().await?;
        let from = match after {
            Some(after) if after >= prefix => format!("({after}"),
            _ => format!("[{prefix}"),
        };
        // No text has this byte: it follows every key that begins with the prefix.
        let to = [b"(", prefix.as_bytes(), b"\xff"].concat();
        let scan = self
            .records
            .script(SCAN)
            .arg(from)
            .arg(to)
            .arg(limit)
            .clone();
        let (keys, values): (Vec<String>, Vec<Option<Vec<u8>>>) = self.ask(&scan).await?;
        let records = keys.into_iter().zip(values);
        Ok(records
            .filter_map(|(key, value)| Some((key, value?)))
            .collect())
    }

    async fn commit(&mut self, group: Vec<Commit>) {
        match self.made(&group).await {
            Ok(verdicts) => {
                for (commit, verdict) in group.into_iter().zip(verdicts) {
                    let _ = commit.answer.send(Ok(verdict));
                }
            }
            Err(refusal) => {
                for commit in group {
                    let _ = commit.answer.send(Err(refusal.clone()));
                }
            }
        }
    }

    async fn made(&mut self, group: &[Commit]) -> Result<Vec<Option<String>>, Refusal> {
        self.ready().await?;
        let mut script = self.records.script(COMMIT);
        script.arg(self.owner.token()).arg(group.len());
        for commit in group {
            script.arg(commit.changes.len());
            for change in &commit.changes {
                let (kind, key, value) = match change {
                    Change::Put { key, value } => ("p", key, value.as_slice()),
                    Change::PutIfAbsent { key, value } => ("a", key, value.as_slice()),
                    Change::Delete { key } => ("d", key, &[][..]),
                };
                script.arg(kind).arg(key).arg(value);
            }
        }
        let (committed, verdicts): (i64, Option<Vec<String>>) = match self.ask(&script).await? {
            redis::Value::Array(answer) if answer.len() == 2 => {
                redis::from_redis_value(redis::Value::Array(answer))
                    .map_err(|error| RedisFailure::from(redis::RedisError::from(error)))?
            }
            _ => (-1, None),
        };
        let Some(verdicts) = verdicts else {
            // Not the owner. Which of the two reasons it is, only a look tells.
            self.is_unsure = true;
            self.ready().await?;
            return Err(Refusal::Lost);
        };
        self.committed = committed;
        let verdicts = verdicts.into_iter();
        Ok(verdicts
            .map(|verdict| verdict.strip_prefix('!').map(str::to_owned))
            .collect())
    }

    /// Makes sure that nothing from before can be applied after what comes now, and that the records
    /// are still this owner's.
    async fn ready(&mut self) -> Result<(), Refusal> {
        match *self.report.borrow() {
            Standing::Owner => {}
            Standing::Lost => return Err(Refusal::Lost),
            Standing::Forgotten => return Err(Refusal::Forgotten),
        }
        if !self.is_unsure {
            return Ok(());
        }
        let instance = self.owner.instance.clone();
        let token = self.owner.next();
        let renew = self.records.script(RENEW).arg(instance).arg(token).clone();
        let commits: i64 = self.ask(&renew).await?;
        match commits {
            -1 => {
                tracing::warn!("another process runs this module now");
                self.report.send_replace(Standing::Lost);
                Err(Refusal::Lost)
            }
            -2 => {
                tracing::error!("Redis has lost all records of the module");
                self.report.send_replace(Standing::Forgotten);
                Err(Refusal::Forgotten)
            }
            commits => {
                if commits < self.committed {
                    let lost = self.committed - commits;
                    tracing::error!(
                        lost,
                        "Redis has lost the last changes that it acknowledged; it needs appendfsync always"
                    );
                }
                self.committed = commits;
                self.is_unsure = false;
                Ok(())
            }
        }
    }

    async fn ask<T: redis::FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Refusal> {
        let answer = self.records.redis.query(command).await;
        // The server itself may have refused it; that is not told apart, for a renewal costs little.
        self.is_unsure |= answer.is_err();
        Ok(answer?)
    }
}

/// Where the records of a module are.
struct Records {
    redis: Redis,
    /// Values, keys, owner. The braces around the module's id keep them in one slot of a cluster.
    keys: [String; 3],
}

impl Records {
    /// By its text and not by its hash: a server that restarted or took over knows no hash.
    fn script(&self, text: &str) -> Cmd {
        let mut script = cmd("EVAL");
        script.arg(text).arg(self.keys.len());
        for key in &self.keys {
            script.arg(key);
        }
        script
    }
}

/// Who writes. Each token is used until something fails.
struct Owner {
    instance: String,
    renewed: u64,
}

impl Owner {
    fn token(&self) -> String {
        format!("{}{}", self.instance, self.renewed)
    }

    fn next(&mut self) -> String {
        self.renewed += 1;
        self.token()
    }
}
