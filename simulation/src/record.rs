//! The driver's records, as far as the laws read them. `src/record.rs` of the driver lists them all.

use std::fmt;

use rhombus_driver::host::Change;
use serde::Deserialize;

/// A subscription's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sub(u64);

/// A record's key: its place in the order of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    /// Before all keys.
    pub(crate) const FIRST: Self = Self(0);

    pub(crate) fn read(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl Sub {
    pub(crate) fn read(text: &str) -> Option<Self> {
        number(text).map(Self)
    }
}

impl fmt::Display for Sub {
    /// As operators name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:017}", self.0)
    }
}

/// What a change is about.
#[derive(Debug, PartialEq)]
pub(crate) enum Record<'a> {
    /// An event that a subscriber has yet to get.
    Delivery(Sub, Key),
    /// One that was given up.
    Dead(&'a str),
    /// What came as an event and cannot be read.
    Rejected(&'a str),
    /// An attempt to unlock a door.
    Unlock(&'a str),
    /// A subscription.
    Subscription(Sub),
    /// How a subscriber is.
    Health(Sub),
    /// The id of an event.
    Seen(&'a str),
    /// The same, by key.
    SeenAt(Key),
    /// What no law reads.
    Other,
}

impl<'a> Record<'a> {
    /// Reads a record's key.
    pub(crate) fn of(key: &'a str) -> Self {
        let Some((kind, rest)) = key.split_once('/') else {
            return Self::Other;
        };
        let read = match kind {
            "delivery" => pair(rest).map(|(sub, key)| Self::Delivery(Sub(sub), Key(key))),
            "dead" => Some(Self::Dead(rest)),
            "rejected" => Some(Self::Rejected(rest)),
            "unlock" => Some(Self::Unlock(rest)),
            "subscription" => Sub::read(rest).map(Self::Subscription),
            "health" => Sub::read(rest).map(Self::Health),
            "seen" => Some(Self::Seen(rest)),
            "seen-at" => Key::read(rest).map(Self::SeenAt),
            _ => None,
        };
        read.unwrap_or(Self::Other)
    }
}

/// The record that a change is about, and its new value, if it has one.
pub(crate) fn read(change: &Change) -> (Record<'_>, Option<&[u8]>) {
    match change {
        Change::Put { key, value } | Change::PutIfAbsent { key, value } => {
            (Record::of(key), Some(value))
        }
        Change::Delete { key } => (Record::of(key), None),
    }
}

/// A record of a delivery.
#[derive(Deserialize)]
pub(crate) struct Delivery {
    pub(crate) event_id: String,
    pub(crate) event: Event,
    pub(crate) attempts: u32,
}

/// A record of a dead letter.
#[derive(Deserialize)]
pub(crate) struct Dead {
    pub(crate) subscription: String,
    /// Its delivery's.
    pub(crate) key: String,
    pub(crate) event_id: String,
    pub(crate) event: Event,
    pub(crate) reason: String,
}

/// A record of how a subscriber is.
#[derive(Deserialize)]
pub(crate) struct Health {
    pub(crate) is_disabled: bool,
    pub(crate) pause: Option<Pause>,
    pub(crate) failures: usize,
    /// The keys of deliveries whose body it refused.
    pub(crate) unwelcome: Vec<String>,
    pub(crate) gone: u32,
}

/// The pause in such a record.
#[derive(Deserialize)]
pub(crate) struct Pause {
    pub(crate) probes: u32,
    pub(crate) answered: u32,
    /// In milliseconds.
    pub(crate) wait: u64,
    /// In milliseconds since 1970.
    pub(crate) next_probe: u64,
}

/// A record of an attempt to unlock a door.
#[derive(Debug, Deserialize)]
pub(crate) struct Unlock {
    pub(crate) door_id: String,
    pub(crate) outcome: String,
}

/// A record of a rejected event.
#[derive(Deserialize)]
pub(crate) struct Rejected {
    pub(crate) raw: String,
}

/// A record of a subscription.
#[derive(Deserialize)]
pub(crate) struct Subscription {
    pub(crate) webhook: String,
}

/// An event in a record: its card tells which one it is.
#[derive(Deserialize)]
pub(crate) struct Event {
    pub(crate) card_id: Option<String>,
}

/// Reads a record's value.
pub(crate) fn decode<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| format!("a record cannot be read: {error}"))
}

fn pair(text: &str) -> Option<(u64, u64)> {
    let (one, other) = text.split_once('/')?;
    Some((number(one)?, number(other)?))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_keys_are_read() {
        for (key, record) in [
            (
                "delivery/00000000000000007/00000000000000009",
                Record::Delivery(Sub(7), Key(9)),
            ),
            ("dead/00000000000000009", Record::Dead("00000000000000009")),
            ("seen/e1", Record::Seen("e1")),
            ("seen/rejected/e1", Record::Seen("rejected/e1")),
            ("health/00000000000000007", Record::Health(Sub(7))),
            ("last-key", Record::Other),
        ] {
            assert_eq!(Record::of(key), record);
        }
    }
}
