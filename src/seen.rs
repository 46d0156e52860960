//! The ids of events, so that none is taken twice.

use std::cell::Cell;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::driver::Driver;
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::pages::PAGE;
use crate::record::{self, SeenAtRecord, SeenRecord, Version};

/// How long an id is kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many are kept at most.
const MAX: usize = 200_000;

/// An event's name: 1 to 64 of `A–Z a–z 0–9 _ -`. It is the header `webhook-id`, in which Standard
/// Webhooks allow no dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId(String);

impl EventId {
    /// The id that a host gives. One of another shape is hashed into this one, so that no event is
    /// lost to its name.
    pub fn from_host(text: &str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
            return Self(text.to_owned());
        }
        Self(hex::encode(Sha256::digest(text)))
    }

    /// A new one, that nobody guesses.
    pub(crate) fn random(host: &impl Host) -> Self {
        Self(format!("evt_{}", hex::encode(host.random())))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many ids the store holds, as far as they were counted.
#[derive(Default)]
pub(crate) struct Seen(Cell<usize>);

impl Seen {
    /// So many more are there.
    pub(crate) fn count(&self, more: usize) {
        self.0.set(self.0.get() + more);
    }
}

impl<H: Host + 'static> Driver<H> {
    /// The changes that make `id` known, and refuse the commit if it is.
    pub(crate) fn see(&self, key: Key, id: &str) -> Vec<Change> {
        let seen = SeenRecord {
            v: Version,
            at: self.0.host.now(),
        };
        let seen_at = SeenAtRecord {
            v: Version,
            event_id: id.to_owned(),
        };
        vec![
            Change::PutIfAbsent {
                key: record::seen(id),
                value: record::encode(&seen),
            },
            record::put(record::seen_at(key), &seen_at),
            self.0.last_key_record(),
        ]
    }

    /// Counts the ids that an earlier instance has left.
    pub(crate) async fn count_seen(&self) -> Result<(), StorageFailed> {
        let left = self.0.count_left(record::SEEN_AT).await?;
        self.0.seen.count(left);
        Ok(())
    }

    /// Forgets the ids that are older than a day, and the oldest beyond the most that are kept.
    pub(crate) async fn forget_seen(&self) -> Result<(), CommitError> {
        let count = &self.0.seen.0;
        let kept_for = u64::try_from(KEPT_FOR.as_millis()).unwrap_or(u64::MAX);
        let oldest = record::seen_at(Key::ZERO.next(self.0.host.now().saturating_sub(kept_for)));
        // The first tells whether there is anything to forget, and mostly there is not.
        let mut limit = 1;
        loop {
            let surplus = count.get().saturating_sub(MAX);
            let page = self.0.host.scan(record::SEEN_AT, None, limit).await?;
            let is_full = page.len() == limit as usize;
            limit = PAGE;
            let old: Vec<_> = page
                .into_iter()
                .enumerate()
                .take_while(|(index, (key, _))| *index < surplus || *key < oldest)
                .map(|(_, record)| record)
                .collect();
            if old.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::new();
            for (key, value) in &old {
                if let Ok(record) = record::decode::<SeenAtRecord>(key, value) {
                    changes.push(Change::Delete {
                        key: record::seen(&record.event_id),
                    });
                }
                changes.push(Change::Delete { key: key.clone() });
            }
            self.0.host.commit(changes).await?;
            count.set(count.get().saturating_sub(old.len()));
            if !is_full {
                return Ok(());
            }
        }
    }
}
