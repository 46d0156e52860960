//! The world of a scenario, as the native driver's host.

use std::time::Duration;

use rhombus_driver::door::UnlockOutcome;
use rhombus_driver::host::{
    Change, CommitError, Host, Level, ListedDoor, Post, PostAnswer, PostFailure, StorageFailed,
};
use rhombus_replay::{Unlock, World};

/// Asks the world, and translates between its types and the driver's.
pub(super) struct Scripted(pub(super) World);

impl Host for Scripted {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageFailed> {
        self.0.get(key).map_err(StorageFailed)
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        let page = self.0.scan(prefix, after, limit as usize);
        page.map_err(StorageFailed)
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        let changes = changes.into_iter().map(|change| match change {
            Change::Put { key, value } => rhombus_replay::Change::Put(key, value),
            Change::Delete { key } => rhombus_replay::Change::Delete(key),
            Change::PutIfAbsent { key, value } => rhombus_replay::Change::PutIfAbsent(key, value),
        });
        self.0
            .commit(changes.collect())
            .await
            .map_err(|error| match error {
                rhombus_replay::CommitError::Exists(key) => CommitError::Exists(key),
                rhombus_replay::CommitError::Failed(why) => CommitError::Failed(why),
            })
    }

    async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        let headers = post
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let post = rhombus_replay::Post {
            url: post.url,
            headers: headers.collect(),
            body: post.body,
            timeout: millis(post.timeout),
        };
        match self.0.post(post).await {
            Ok((status, retry_after)) => Ok(PostAnswer {
                status,
                retry_after,
            }),
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
        }
    }

    async fn check_url(&self, url: &str) -> Result<(), String> {
        self.0.check(url)
    }

    async fn systems(&self) -> Result<Vec<String>, String> {
        self.0.systems()
    }

    async fn doors(&self, system: &str) -> Result<Vec<ListedDoor>, String> {
        let doors = self.0.doors(system).await?;
        Ok(doors
            .into_iter()
            .map(|(id, description)| ListedDoor { id, description })
            .collect())
    }

    async fn unlock(
        &self,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> Result<UnlockOutcome, String> {
        Ok(match self.0.unlock(system, door, caller).await? {
            Unlock::Unlocked => UnlockOutcome::Unlocked,
            Unlock::Refused => UnlockOutcome::Refused,
            Unlock::Unsupported => UnlockOutcome::Unsupported,
            Unlock::Fails => return Err("the system fails".to_owned()),
        })
    }

    fn set_status(&self, key: &str, json: &str) {
        self.0.set_status(key, json);
    }

    async fn save_setting(&self, name: &str, json: &str) -> Result<(), String> {
        self.0.save_setting(name, json);
        Ok(())
    }

    fn now(&self) -> u64 {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(millis(duration)).await;
    }

    fn random(&self) -> [u8; 16] {
        self.0.random()
    }

    fn log(&self, _level: Level, _message: &str, _fields: &[(&str, &str)]) {}
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
