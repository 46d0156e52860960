//! A host that agrees to everything at once.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use rhombus_driver::door::UnlockOutcome;
use rhombus_driver::host::{
    Change, CommitError, Host, Level, ListedDoor, Post, PostAnswer, PostFailure, StorageFailed,
};

use crate::NOW;

/// How many doors its one security system has.
pub(super) const DOORS: u64 = 30;

/// What a driver has asked its host for.
#[derive(Default)]
pub(super) struct Asked {
    /// POSTs; each was answered with a 200.
    pub(super) posts: Cell<u64>,
    /// Records that were to be removed: for each delivery that is settled it is one.
    pub(super) deletions: Cell<u64>,
}

/// Answers without waiting, and costs as little as it can.
///
/// Its store takes every commit and keeps nothing. A driver reads back only what an earlier instance has
/// left, and deliveries that it has no room for in memory; here there is neither. Its time stands
/// still, and so no sleep ever ends.
pub(super) struct Agreeable(pub(super) Rc<Asked>);

impl Host for Agreeable {
    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, StorageFailed> {
        Ok(None)
    }

    async fn scan(
        &self,
        _prefix: &str,
        _after: Option<&str>,
        _limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        Ok(Vec::new())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        let deletions = changes
            .iter()
            .filter(|change| matches!(change, Change::Delete { .. }));
        count(&self.0.deletions, deletions.count() as u64);
        Ok(())
    }

    async fn post(&self, _post: Post) -> Result<PostAnswer, PostFailure> {
        count(&self.0.posts, 1);
        Ok(PostAnswer {
            status: 200,
            retry_after: None,
        })
    }

    async fn check_url(&self, _url: &str) -> Result<(), String> {
        Ok(())
    }

    async fn systems(&self) -> Result<Vec<String>, String> {
        Ok(vec!["Security_1".to_owned()])
    }

    async fn doors(&self, _system: &str) -> Result<Vec<ListedDoor>, String> {
        let door = |number| ListedDoor {
            id: format!("door-{number}"),
            description: Some(format!("Door {number}")),
        };
        Ok((0..DOORS).map(door).collect())
    }

    async fn unlock(
        &self,
        _system: &str,
        _door: &str,
        _caller: Option<&str>,
    ) -> Result<UnlockOutcome, String> {
        Ok(UnlockOutcome::Unlocked)
    }

    fn set_status(&self, _key: &str, _json: &str) {}

    async fn save_setting(&self, _name: &str, _json: &str) -> Result<(), String> {
        Ok(())
    }

    fn now(&self) -> u64 {
        NOW
    }

    async fn sleep(&self, _duration: Duration) {
        pending().await
    }

    fn random(&self) -> [u8; 16] {
        *b"always the same."
    }

    fn log(&self, _level: Level, _message: &str, _fields: &[(&str, &str)]) {}
}

fn count(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get() + more);
}
