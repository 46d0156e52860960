//! The status that a module may show. `set` has no answer, and so a module that goes beyond traps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bucket::{Bucket, Rate};

/// Keys. The driver has a dozen.
const KEYS: usize = 64;
/// Bytes of a key.
const KEY: usize = 64;
/// Bytes of all values together. A thousand subscriptions are 0.6 MB at most.
const VALUES: usize = 4 << 20;
/// Bytes that are set. The driver sets a key once a second.
const RATE: Rate = Rate {
    burst: 64 << 20,
    per_second: 4 << 20,
};

/// What an instance has shown.
#[derive(Debug)]
pub(in super::super) struct Shown {
    values: BTreeMap<String, usize>,
    bucket: Bucket,
}

/// Why a value cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum StatusError {
    #[error("the module has more than {KEYS} status keys")]
    Keys,
    #[error("the module has a status key of more than {KEY} bytes")]
    LongKey,
    #[error("the module's status has more than {VALUES} bytes")]
    Values,
    #[error("the module sets its status too often")]
    TooOften,
}

impl Shown {
    pub(in super::super) fn new() -> Self {
        Self {
            values: BTreeMap::new(),
            bucket: Bucket::new(RATE),
        }
    }

    /// Takes note of a value that is to be shown at the time `now`, which only rises.
    pub(in super::super) fn set(
        &mut self,
        key: &str,
        json: &str,
        now: Duration,
    ) -> Result<(), StatusError> {
        if key.len() > KEY {
            return Err(StatusError::LongKey);
        }
        if !self.bucket.take(key.len() + json.len(), now) {
            return Err(StatusError::TooOften);
        }
        if let Some(bytes) = self.values.get_mut(key) {
            *bytes = json.len();
        } else if self.values.len() < KEYS {
            self.values.insert(key.to_owned(), json.len());
        } else {
            return Err(StatusError::Keys);
        }
        let values: usize = self.values.values().sum();
        if values > VALUES {
            return Err(StatusError::Values);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_bounded_and_may_change() {
        let mut shown = Shown::new();
        let mut set = |key: &str, bytes| shown.set(key, &"x".repeat(bytes), Duration::ZERO);
        for key in 0..KEYS {
            assert_eq!(set(&format!("key {key}"), 1), Ok(()));
        }
        assert_eq!(set("one more", 1), Err(StatusError::Keys));
        assert_eq!(set(&"k".repeat(KEY + 1), 1), Err(StatusError::LongKey));
        assert_eq!(set("key 0", VALUES - KEYS + 1), Ok(()));
        assert_eq!(set("key 1", 2), Err(StatusError::Values));
    }

    #[test]
    fn a_value_may_not_change_all_the_time() {
        let mut shown = Shown::new();
        let json = "x".repeat(1 << 20);
        let mut set = |seconds| shown.set("key", &json, Duration::from_secs(seconds));
        while set(0).is_ok() {}
        assert_eq!(set(0), Err(StatusError::TooOften));
        assert_eq!(set(1), Ok(()));
    }
}
