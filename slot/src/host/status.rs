//! Status keys: what an operator sees of a module.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Where a module's status goes.
pub trait Status: Send + Sync {
    /// `json` is the key's new value.
    fn set(&self, key: &str, json: &str);
}

/// The latest value of each key, in memory.
#[derive(Debug, Default)]
pub struct Latest(Mutex<BTreeMap<String, String>>);

impl Latest {
    /// The value of `key`, as JSON text.
    pub fn get(&self, key: &str) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }
}

impl Status for Latest {
    fn set(&self, key: &str, json: &str) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(key.to_owned(), json.to_owned());
    }
}
