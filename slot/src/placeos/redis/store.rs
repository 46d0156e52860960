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
use super::scripts::{CLAIM, COMMIT, RENEW, SCAN, add_changes};
use crate::host::Answer;
use crate::host::group::{self, Bounds, grouped};
use crate::host::storage::{
    Change, CommitError, FULL, LARGE_PAGE, PAGE, Read, Record, STORE, Storage, TOO_MUCH_READ,
    UNREAD,
};
use crate::host::store::over_limit;
use crate::host::under_way::UnderWay;

/// Bounds of one script: while it runs, Redis does nothing else.
const GROUP: Bounds = Bounds {
    commits: 500,
    bytes: 1 << 20,
};
/// How often an owner that has nothing to write looks whether it is still one.
const LOOK: Duration = Duration::from_secs(3);

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
            unread: UnderWay::new(UNREAD),
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
        value.map(taken).boxed()
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
        page.map(taken).boxed()
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

/// What was read, taken.
fn taken<T>(read: Result<Read<T>, Refusal>) -> Result<T, String> {
    read.map(|(value, _place)| value)
        .map_err(|refusal| refusal.to_string())
}

/// Why a call was not done, or is not known to be.
#[derive(Clone, Debug, thiserror::Error)]
enum Refusal {
    #[error("another process runs this module now")]
    Lost,
    #[error("Redis has lost the module's records")]
    Forgotten,
    #[error("{FULL}")]
    Full,
    #[error("{LARGE_PAGE}")]
    LargePage,
    #[error("{TOO_MUCH_READ}")]
    TooMuchRead,
    #[error(transparent)]
    Failed(#[from] RedisFailure),
}

enum Call {
    Get {
        key: String,
        answer: oneshot::Sender<Result<Read<Option<Vec<u8>>>, Refusal>>,
    },
    Scan {
        prefix: String,
        after: Option<String>,
        limit: u32,
        answer: oneshot::Sender<Result<Read<Vec<Record>>, Refusal>>,
    },
    Commit(Commit),
}

type Commit = group::Commit<Verdict>;

/// What came of a commit: the key that refused it, if one did.
type Verdict = Result<Option<String>, Refusal>;

/// A page as Redis gives it: keys, and their values.
type Page = (Vec<String>, Vec<Option<Vec<u8>>>);

/// The task that asks Redis.
struct Keeper {
    records: Records,
    owner: Owner,
    /// How many scripts have committed, as far as is known.
    committed: i64,
    /// A call failed that may still be applied: the owner must be renewed before the next.
    is_unsure: bool,
    /// What was read and has not been taken.
    unread: UnderWay,
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

    async fn get(&mut self, key: &str) -> Result<Read<Option<Vec<u8>>>, Refusal> {
        self.ready().await?;
        let [values, ..] = &self.records.keys;
        let get = cmd("HGET").arg(values).arg(key).clone();
        let value: Option<Vec<u8>> = self.ask(&get).await?;
        let bytes = value.as_ref().map_or(0, Vec::len);
        self.read(value, bytes)
    }

    async fn scan(
        &mut self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Read<Vec<Record>>, Refusal> {
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
            .arg(PAGE)
            .clone();
        let page: Option<Page> = self.ask(&scan).await?;
        let (keys, values) = page.ok_or(Refusal::LargePage)?;
        let records = keys.into_iter().zip(values);
        let records: Vec<_> = records
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        let bytes = records.iter().map(|(key, value)| key.len() + value.len());
        let bytes = bytes.sum();
        self.read(records, bytes)
    }

    /// What was read, if there is room for it.
    fn read<T>(&self, value: T, bytes: usize) -> Result<Read<T>, Refusal> {
        let place = self.unread.begin(bytes).ok_or(Refusal::TooMuchRead)?;
        Ok((value, place))
    }

    async fn commit(&mut self, group: Vec<Commit>) {
        match self.made(&group).await {
            Ok(verdicts) => {
                for (commit, verdict) in group.into_iter().zip(verdicts) {
                    let _ = commit.answer.send(verdict);
                }
            }
            Err(refusal) => {
                for commit in group {
                    let _ = commit.answer.send(Err(refusal.clone()));
                }
            }
        }
    }

    async fn made(&mut self, group: &[Commit]) -> Result<Vec<Verdict>, Refusal> {
        self.ready().await?;
        let mut script = self.records.script(COMMIT);
        script.arg(self.owner.token()).arg(group.len()).arg(STORE);
        for commit in group {
            add_changes(&mut script, &commit.changes);
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
            .map(|verdict| match verdict.split_at_checked(1) {
                Some(("#", _)) => Err(Refusal::Full),
                Some(("!", key)) => Ok(Some(key.to_owned())),
                _ => Ok(None),
            })
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
