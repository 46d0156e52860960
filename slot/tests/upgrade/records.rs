//! The records of a store, by their keys.

use std::collections::BTreeMap;
use std::time::Duration;

use placeos_slot::host::storage::Storage;
use serde_json::Value;

/// How many are read at once.
const PAGE: u32 = 500;

/// Keys, and values as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records(pub(crate) BTreeMap<String, String>);

impl Records {
    /// Reads a line each: key, blank, value.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split_once(' ').unwrap());
        let records = lines.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self(records.collect())
    }

    /// All that a store has.
    pub(crate) async fn of(store: &dyn Storage) -> Self {
        let mut records = BTreeMap::new();
        loop {
            let last = records.last_key_value().map(|(key, _)| String::clone(key));
            let page = store.scan(String::new(), last, PAGE).await.unwrap();
            if page.is_empty() {
                return Self(records);
            }
            let text = |value| String::from_utf8(value).unwrap();
            records.extend(page.into_iter().map(|(key, value)| (key, text(value))));
        }
    }

    /// Those whose keys begin with `prefix`: what follows it, and the value. In the order of their keys.
    pub(crate) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, Value)> {
        self.0.iter().filter_map(move |(key, value)| {
            let rest = key.strip_prefix(prefix)?;
            Some((rest, serde_json::from_str(value).unwrap()))
        })
    }

    /// When the store was left, since 1970: its keys are microseconds.
    pub(crate) fn left(&self) -> Duration {
        let (_, last) = self.below("last-key").next().unwrap();
        Duration::from_micros(last["key"].as_str().unwrap().parse().unwrap())
    }
}
