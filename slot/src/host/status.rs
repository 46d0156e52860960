//! Status keys: what an operator sees of a module.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

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
        self.values().get(key).cloned()
    }

    /// All keys. A value that is not JSON is shown as text.
    pub fn all(&self) -> Map<String, Value> {
        let value = |text: &String| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
        };
        self.values()
            .iter()
            .map(|(key, text)| (key.clone(), value(text)))
            .collect()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Status for Latest {
    fn set(&self, key: &str, json: &str) {
        self.values().insert(key.to_owned(), json.to_owned());
    }
}
