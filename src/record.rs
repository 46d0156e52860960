//! What the store holds: one JSON record a key, each with the version of its format.
//!
//! | key | record |
//! | --- | --- |
//! | `format` | the version of the whole store; a newer one is refused before anything is touched |
//! | `last-key` | the last [`Key`] given out |
//! | `settings` | the last good settings, for the day core sends an empty object |
//! | `book` | the revision of what POST and DELETE made |
//! | `subscription/<id>` | a subscription, POSTed or listed |
//! | `removal/<key>` | a listed subscription that DELETE removed |
//! | `delivery/<subscription>/<key>` | an event that a subscriber has yet to get |
//! | `health/<subscription>` | whether a subscriber is sent to: open, paused or disabled |
//! | `dead/<key>` | a delivery that was given up, and why |
//! | `rejected/<key>` | what came as an event and cannot be read |
//! | `unlock/<key>` | an attempt to unlock a door, and what came of it |
//! | `seen/<event id>`, `seen-at/<key>` | the ids of events, by id and by time |

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::door::{DoorEvent, DoorId};
use crate::host::Change;
use crate::key::Key;
use crate::subscription::SubscriptionId;
use crate::unlock::Outcome;

pub(crate) const FORMAT: &str = "format";
pub(crate) const LAST_KEY: &str = "last-key";
pub(crate) const SETTINGS: &str = "settings";
pub(crate) const BOOK: &str = "book";
pub(crate) const SUBSCRIPTIONS: &str = "subscription/";
pub(crate) const REMOVALS: &str = "removal/";
pub(crate) const DELIVERIES: &str = "delivery/";
pub(crate) const HEALTH: &str = "health/";
pub(crate) const DEAD: &str = "dead/";
pub(crate) const REJECTED: &str = "rejected/";
pub(crate) const UNLOCKS: &str = "unlock/";
pub(crate) const SEEN_AT: &str = "seen-at/";

pub(crate) fn subscription(id: SubscriptionId) -> String {
    format!("{SUBSCRIPTIONS}{id}")
}

pub(crate) fn removal(key: Key) -> String {
    format!("{REMOVALS}{key}")
}

pub(crate) fn deliveries_to(id: SubscriptionId) -> String {
    format!("{DELIVERIES}{id}/")
}

/// Follows all records of a subscription whose keys begin with `prefix`, and precedes those of the next
/// one: `0` follows `/`.
pub(crate) fn after_those_of(prefix: &str, id: SubscriptionId) -> String {
    format!("{prefix}{id}0")
}

pub(crate) fn delivery(id: SubscriptionId, key: Key) -> String {
    format!("{DELIVERIES}{id}/{key}")
}

/// Whose a record of a delivery or of a subscriber's health is.
pub(crate) fn subscriber_of(record: &str) -> Option<SubscriptionId> {
    let id = record.split('/').nth(1)?;
    Key::parse(id).map(SubscriptionId)
}

pub(crate) fn health(id: SubscriptionId) -> String {
    format!("{HEALTH}{id}")
}

pub(crate) fn dead(key: Key) -> String {
    format!("{DEAD}{key}")
}

pub(crate) fn rejected(key: Key) -> String {
    format!("{REJECTED}{key}")
}

pub(crate) fn unlock(key: Key) -> String {
    format!("{UNLOCKS}{key}")
}

pub(crate) fn seen(id: &str) -> String {
    format!("seen/{id}")
}

pub(crate) fn seen_at(key: Key) -> String {
    format!("{SEEN_AT}{key}")
}

/// What follows the last `/` of a record's key, as a [`Key`].
pub(crate) fn key_of(record: &str) -> Option<Key> {
    record.rsplit('/').next().and_then(Key::parse)
}

pub(crate) fn put(key: String, record: &impl Serialize) -> Change {
    Change::Put {
        key,
        value: encode(record),
    }
}

pub(crate) fn encode(record: &impl Serialize) -> Vec<u8> {
    text(record).into_bytes()
}

/// `value` as JSON text.
pub(crate) fn text(value: &impl Serialize) -> String {
    #[expect(
        clippy::expect_used,
        reason = "what is written here has text keys and no serializer that fails"
    )]
    serde_json::to_string(value).expect("it serialises")
}

/// Reads a record, or says why it cannot be read.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| unreadable(key, value, &error))
}

/// That a record is of another version, or where it is wrong. What is wrong is not told: serde's text
/// quotes it, and a record may hold a secret.
fn unreadable(key: &str, value: &[u8], error: &serde_json::Error) -> String {
    let found: Option<Value> = serde_json::from_slice(value).ok();
    let version = found.and_then(|record| record.get("v")?.as_u64());
    let current = Version::CURRENT;
    let why = match version.filter(|version| *version != u64::from(current)) {
        Some(version) => format!("its format is {version}, this driver reads {current}"),
        None => format!("it is wrong at column {}", error.column()),
    };
    format!("the record {key} cannot be read: {why}")
}

/// The version of a record's format, its member `v`. Reading refuses a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version;

impl Version {
    const CURRENT: u32 = 1;
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::CURRENT)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            Self::CURRENT => Ok(Self),
            _ => Err(D::Error::custom("another version")),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FormatRecord {
    pub(crate) v: Version,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LastKeyRecord {
    pub(crate) v: Version,
    pub(crate) key: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SettingsRecord {
    pub(crate) v: Version,
    pub(crate) settings: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BookRecord {
    pub(crate) v: Version,
    pub(crate) rev: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) v: Version,
    pub(crate) webhook: String,
    /// Made by POST; else it is here only to keep the id of a listed one.
    pub(crate) posted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RemovalRecord {
    pub(crate) v: Version,
    pub(crate) webhook: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    pub(crate) v: Version,
    pub(crate) event_id: String,
    pub(crate) event: DoorEvent,
    /// Attempts made that count.
    pub(crate) attempts: u32,
    /// Answers that its body is not wanted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) unwelcome: u32,
    /// Not before this time. It and those below are in milliseconds since 1970, less the time that
    /// the subscriber was paused.
    pub(crate) next: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_failed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_failed: Option<u64>,
}

impl DeliveryRecord {
    /// A delivery that no attempt was made of.
    pub(crate) fn untried(event_id: String, event: DoorEvent) -> Self {
        Self {
            v: Version,
            event_id,
            event,
            attempts: 0,
            unwelcome: 0,
            next: 0,
            first_failed: None,
            last_failed: None,
        }
    }
}

/// Whether a subscriber is sent to. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthRecord {
    pub(crate) v: Version,
    pub(crate) is_disabled: bool,
    pub(crate) pause: Option<PauseRecord>,
    pub(crate) failures: u32,
    pub(crate) unwelcome: Vec<String>,
    pub(crate) gone: u32,
    pub(crate) paused_for: u64,
    pub(crate) healthy_at: Option<u64>,
    pub(crate) why: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PauseRecord {
    pub(crate) since: u64,
    pub(crate) probes: u32,
    pub(crate) answered: u32,
    pub(crate) wait: u64,
    pub(crate) next_probe: u64,
    pub(crate) is_blocked: bool,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadRecord {
    pub(crate) v: Version,
    pub(crate) subscription: String,
    /// The key of its delivery.
    pub(crate) key: String,
    pub(crate) event_id: String,
    pub(crate) event: DoorEvent,
    pub(crate) attempts: u32,
    pub(crate) at: u64,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RejectedRecord {
    pub(crate) v: Version,
    pub(crate) event_id: Option<String>,
    pub(crate) raw: String,
    pub(crate) at: u64,
    pub(crate) reason: String,
}

/// As operators see it, too. Times are in milliseconds since 1970.
#[derive(Debug, Serialize)]
pub(crate) struct UnlockRecord {
    pub(crate) v: Version,
    pub(crate) at: u64,
    pub(crate) door_id: DoorId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<String>,
    pub(crate) request_id: String,
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<u64>,
    /// How many calls shared it until then.
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) calls: u32,
    /// A caller was answered before it ended.
    #[serde(rename = "late", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_late: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeenRecord {
    pub(crate) v: Version,
    pub(crate) at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeenAtRecord {
    pub(crate) v: Version,
    pub(crate) event_id: String,
}
