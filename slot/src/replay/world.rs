//! The world of a scenario, as a module's capabilities.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use rhombus_replay::{Unlock, World};

use crate::host::clock::Clock;
use crate::host::doors::{Door, Doors, Outcome};
use crate::host::http::{Http, Post, PostAnswer, PostFailure};
use crate::host::log::Tracing;
use crate::host::random::Random;
use crate::host::settings::Settings;
use crate::host::status::Status;
use crate::host::storage::{Change, CommitError, Record, Storage};
use crate::host::{Answer, Capabilities};

/// All of them.
pub(super) fn capabilities(world: &World) -> Capabilities {
    let scripted = Arc::new(Scripted(world.clone()));
    Capabilities {
        storage: scripted.clone(),
        http: scripted.clone(),
        doors: scripted.clone(),
        status: scripted.clone(),
        settings: scripted.clone(),
        clock: scripted.clone(),
        random: scripted,
        log: Arc::new(Tracing),
    }
}

struct Scripted(World);

impl Storage for Scripted {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        ready(self.0.get(&key)).boxed()
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        ready(self.0.scan(&prefix, after.as_deref(), limit as usize)).boxed()
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        let changes = changes.into_iter().map(|change| match change {
            Change::Put { key, value } => rhombus_replay::Change::Put(key, value),
            Change::Delete { key } => rhombus_replay::Change::Delete(key),
            Change::PutIfAbsent { key, value } => rhombus_replay::Change::PutIfAbsent(key, value),
        });
        let committed = self.0.commit(changes.collect());
        committed
            .map(|committed| {
                committed.map_err(|error| match error {
                    rhombus_replay::CommitError::Exists(key) => CommitError::Exists(key),
                    rhombus_replay::CommitError::Failed(why) => CommitError::Failed(why),
                })
            })
            .boxed()
    }
}

impl Http for Scripted {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let sent = self.0.post(rhombus_replay::Post {
            url: post.url,
            headers: post.headers,
            body: String::from_utf8_lossy(&post.body).into_owned(),
            timeout: u64::try_from(post.timeout.as_millis()).unwrap_or(u64::MAX),
        });
        let wants = post.wanted.iter().any(|name| name == "retry-after");
        sent.map(move |answer| match answer {
            Ok((status, retry_after)) => {
                let retry_after = retry_after.filter(|_| wants);
                let headers = retry_after
                    .map(|value| ("retry-after".to_owned(), value))
                    .into_iter()
                    .collect();
                Ok(PostAnswer {
                    status,
                    headers,
                    body: Vec::new(),
                })
            }
            Err(failure) => {
                let name = failure.name().to_owned();
                Err(match failure {
                    rhombus_replay::PostFailure::Dns => PostFailure::Dns(name),
                    rhombus_replay::PostFailure::Refused => PostFailure::Refused(name),
                    rhombus_replay::PostFailure::Timeout => PostFailure::Timeout,
                    rhombus_replay::PostFailure::Tls => PostFailure::Tls(name),
                    rhombus_replay::PostFailure::Blocked => PostFailure::Blocked(name),
                    rhombus_replay::PostFailure::TooLarge => PostFailure::TooLarge,
                })
            }
        })
        .boxed()
    }

    fn check(&self, url: String) -> Answer<Result<(), String>> {
        ready(self.0.check(&url)).boxed()
    }
}

impl Doors for Scripted {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        ready(self.0.systems()).boxed()
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        let listed = self.0.doors(&system);
        listed
            .map(|listed| {
                let door = |(id, description)| Door { id, description };
                listed.map(|doors| doors.into_iter().map(door).collect())
            })
            .boxed()
    }

    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        let unlocked = self.0.unlock(&system, &door, caller.as_deref());
        unlocked
            .map(|unlocked| match unlocked? {
                Unlock::Unlocked => Ok(Outcome::Unlocked),
                Unlock::Refused => Ok(Outcome::Refused),
                Unlock::Unsupported => Ok(Outcome::Unsupported),
                Unlock::Fails => Err("the system fails".to_owned()),
            })
            .boxed()
    }
}

impl Status for Scripted {
    fn set(&self, key: &str, json: &str) {
        tracing::debug!(key, json, "status");
        self.0.set_status(key, json);
    }
}

impl Settings for Scripted {
    fn save(&self, name: String, json: String) -> Answer<Result<(), String>> {
        self.0.save_setting(&name, &json);
        ready(Ok(())).boxed()
    }
}

impl Clock for Scripted {
    fn now(&self) -> u64 {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.elapsed())
    }

    fn sleep(&self, duration: Duration) -> Answer<()> {
        self.0
            .sleep(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
            .boxed()
    }
}

impl Random for Scripted {
    fn bytes(&self, count: usize) -> Vec<u8> {
        self.0.random().into_iter().cycle().take(count).collect()
    }
}
