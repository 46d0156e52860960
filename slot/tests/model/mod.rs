//! What a store does, by a map in memory, and calls by chance to compare the two.

use std::collections::BTreeMap;
use std::ops::Bound;

use placeos_slot::host::storage::{Change, CommitError, Storage};

/// What a store must do, without a disk.
#[derive(Default)]
pub(crate) struct Model(pub(crate) BTreeMap<String, Vec<u8>>);

impl Model {
    /// Issues a handful of calls before it awaits any, and compares every answer.
    pub(crate) async fn compare(&mut self, store: &impl Storage, dice: &mut Dice) {
        let mut commits = Vec::new();
        let mut gets = Vec::new();
        let mut scans = Vec::new();
        for _ in 0..dice.below(12) {
            match dice.below(4) {
                0 => {
                    let key = dice.key();
                    gets.push((store.get(key.clone()), self.0.get(&key).cloned()));
                }
                1 => {
                    let prefix = ["", "a", "b", "b/", "é"][dice.below(5)].to_owned();
                    let after = (dice.below(2) == 0).then(|| dice.key());
                    let limit = [0, 1, 3, u32::MAX][dice.below(4)];
                    let expected = self.scan(&prefix, after.as_deref(), limit);
                    scans.push((store.scan(prefix, after, limit), expected));
                }
                _ => {
                    let changes = dice.changes();
                    let expected = self.commit(&changes);
                    commits.push((store.commit(changes), expected));
                }
            }
        }
        for (commit, expected) in commits {
            assert_eq!(commit.await, expected);
        }
        for (get, expected) in gets {
            assert_eq!(get.await, Ok(expected));
        }
        for (scan, expected) in scans {
            assert_eq!(scan.await, Ok(expected));
        }
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), CommitError> {
        for change in changes {
            if let Change::PutIfAbsent { key, .. } = change
                && self.0.contains_key(key)
            {
                return Err(CommitError::Exists(key.clone()));
            }
        }
        for change in changes.iter().cloned() {
            match change {
                Change::Put { key, value } | Change::PutIfAbsent { key, value } => {
                    self.0.insert(key, value);
                }
                Change::Delete { key } => {
                    self.0.remove(&key);
                }
            }
        }
        Ok(())
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<(String, Vec<u8>)> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let following = self.0.range::<str, _>((after, Bound::Unbounded));
        let matching = following.filter(|(key, _)| key.starts_with(prefix));
        matching
            .take(limit as usize)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// A small generator (splitmix64): the same seed, the same test.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn key(&mut self) -> String {
        let stem = ["a", "a/", "b", "b/", "c", "é/"][self.below(6)];
        format!("{stem}{}", self.below(6))
    }

    /// Keys may come twice, and values again and again, as that of an event does for each subscriber.
    fn changes(&mut self) -> Vec<Change> {
        let mut value = Vec::new();
        (0..self.below(9))
            .map(|_| {
                let key = self.key();
                if self.below(2) == 0 {
                    value = self.next().to_le_bytes().repeat(self.below(300));
                }
                let value = value.clone();
                match self.below(5) {
                    0 => Change::Delete { key },
                    1 => Change::PutIfAbsent { key, value },
                    _ => Change::Put { key, value },
                }
            })
            .collect()
    }
}
