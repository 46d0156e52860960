//! What is durable, and who may change it.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};

use rhombus_driver::host::{Change, CommitError};

use crate::fact::Instance;

/// The records of a module. They outlive its instances.
#[derive(Default)]
pub(crate) struct Store {
    records: BTreeMap<String, Vec<u8>>,
    /// The instance that took the module over last. Only it may commit.
    pub(crate) owner: Option<Instance>,
    pub(crate) weather: Weather,
}

/// How storage does at a time.
#[derive(Clone, Debug)]
pub struct Weather {
    /// How long a call takes, in milliseconds. One that was issued later is never answered earlier.
    pub latency: RangeInclusive<u64>,
    /// Of a hundred commits, how many fail with nothing made.
    pub commits_fail: u8,
    /// Of a hundred commits, how many are made and said to have failed.
    pub answers_lost: u8,
    /// Of a hundred reads, how many fail.
    pub reads_fail: u8,
}

impl Default for Weather {
    /// A healthy disk.
    fn default() -> Self {
        Self {
            latency: 0..=2,
            commits_fail: 0,
            answers_lost: 0,
            reads_fail: 0,
        }
    }
}

impl Store {
    pub(crate) fn get(&self, key: &str) -> Option<&Vec<u8>> {
        self.records.get(key)
    }

    /// At most `limit` records whose key begins with `prefix` and follows `after`, in key order.
    pub(crate) fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<(String, Vec<u8>)> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let records = self.records.range::<str, _>((from, Bound::Unbounded));
        records
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Why `changes` of `by` cannot be made, if so.
    pub(crate) fn refusal(&self, by: Instance, changes: &[Change]) -> Option<CommitError> {
        if self.owner != Some(by) {
            let why = "another instance has taken the module over".to_owned();
            return Some(CommitError::Failed(why));
        }
        changes.iter().find_map(|change| match change {
            Change::PutIfAbsent { key, .. } if self.records.contains_key(key) => {
                Some(CommitError::Exists(key.clone()))
            }
            _ => None,
        })
    }

    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { key, value } | Change::PutIfAbsent { key, value } => {
                    self.records.insert(key, value);
                }
                Change::Delete { key } => {
                    self.records.remove(&key);
                }
            }
        }
    }

    /// How many records have keys that begin with `prefix`.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        let records = self.records.range(prefix.to_owned()..);
        records
            .take_while(|(key, _)| key.starts_with(prefix))
            .count()
    }

    pub(crate) fn lose(&mut self) {
        self.records.clear();
    }
}
