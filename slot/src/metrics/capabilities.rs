//! Capabilities whose use is counted.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;

use crate::host::Answer;
use crate::host::doors::{Door, Doors, Outcome};
use crate::host::http::{Http, Post, PostAnswer, PostFailure};
use crate::host::storage::{Change, CommitError, Record, Storage};

use super::Metrics;

/// What an attempt can come to.
pub(super) const POSTS: [&str; 11] = [
    "2xx",
    "3xx",
    "4xx",
    "5xx",
    "dns",
    "refused",
    "timeout",
    "tls",
    "blocked",
    "too_large",
    "other",
];
/// What a commit can come to.
pub(super) const COMMITS: [&str; 3] = ["made", "refused", "failed"];
/// What an unlock can come to.
pub(super) const UNLOCKS: [&str; 4] = ["unlocked", "refused", "unsupported", "failed"];

/// A capability, and where its use is counted.
pub(super) struct Counted<C: ?Sized> {
    capability: Arc<C>,
    metrics: Metrics,
}

impl<C: ?Sized> Counted<C> {
    pub(super) fn new(capability: Arc<C>, metrics: &Metrics) -> Self {
        Self {
            capability,
            metrics: metrics.clone(),
        }
    }
}

impl Http for Counted<dyn Http> {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let metrics = self.metrics.clone();
        let begun = Instant::now();
        let posted = self.capability.post(post).inspect(move |result| {
            metrics.posted(posted(result), begun.elapsed());
        });
        posted.boxed()
    }

    fn check(&self, url: String) -> Answer<Result<(), String>> {
        self.capability.check(url)
    }
}

fn posted(result: &Result<PostAnswer, PostFailure>) -> &'static str {
    match result {
        Ok(answer) => match answer.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        },
        Err(PostFailure::Dns(_)) => "dns",
        Err(PostFailure::Refused(_)) => "refused",
        Err(PostFailure::Timeout) => "timeout",
        Err(PostFailure::Tls(_)) => "tls",
        Err(PostFailure::Blocked(_)) => "blocked",
        Err(PostFailure::TooLarge) => "too_large",
        Err(PostFailure::Other(_)) => "other",
    }
}

impl Storage for Counted<dyn Storage> {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        self.capability.get(key)
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        self.capability.scan(prefix, after, limit)
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        let metrics = self.metrics.clone();
        let begun = Instant::now();
        let committed = self.capability.commit(changes).inspect(move |result| {
            let outcome = match result {
                Ok(()) => "made",
                Err(CommitError::Exists(_)) => "refused",
                Err(CommitError::Failed(_)) => "failed",
            };
            metrics.committed(outcome, begun.elapsed());
        });
        committed.boxed()
    }
}

impl Doors for Counted<dyn Doors> {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        self.capability.systems()
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        self.capability.list(system)
    }

    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        let metrics = self.metrics.clone();
        let unlocked = self.capability.unlock(system, door, caller);
        let unlocked = unlocked.inspect(move |result| {
            metrics.unlocked(match result {
                Ok(Outcome::Unlocked) => "unlocked",
                Ok(Outcome::Refused) => "refused",
                Ok(Outcome::Unsupported) => "unsupported",
                Err(_) => "failed",
            });
        });
        unlocked.boxed()
    }
}
