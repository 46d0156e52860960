//! The module's settings, as PlaceOS merges them and a gateway sets them.
//!
//! Core's settings come late, stale, merged from several levels, and as an empty object when they
//! cannot be merged. So a value that cannot be read, and an empty object, keep the last good one.

use std::fmt;

use rhombus_egress::Policy;
use serde_json::{Map, Value};

use crate::sorted::SortedMap;
use crate::subscription::{Secret, SubscriberUrl};

/// The name of the setting that the driver itself writes.
pub const SAVED_SUBSCRIPTIONS: &str = "saved_subscriptions";

/// Which contract the webhook keeps where the two differ (setting `contract`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contract {
    /// The published integration document: GET answers a bare array, DELETE of an unknown URL 404.
    #[default]
    Document,
    /// The driver deployed today: GET answers `{"doors":[…]}`, DELETE of an unknown URL 202.
    Deployed,
}

/// How long dead letters and rejected events are kept, in days (setting `retention_days`): 1 to 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionDays(u32);

impl RetentionDays {
    /// In milliseconds.
    pub fn millis(self) -> u64 {
        u64::from(self.0) * 24 * 60 * 60 * 1000
    }

    fn from_json(value: &Value) -> Option<Self> {
        let days = u32::try_from(value.as_u64()?).ok()?;
        (1..=365).contains(&days).then_some(Self(days))
    }
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self(7)
    }
}

/// The operator's list, setting `subscriptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each URL once; of two entries of one URL the later counts.
    pub subscriptions: SortedMap<SubscriberUrl, Option<Secret>>,
    /// Why the others cannot be read, one sentence each.
    pub unreadable: Vec<String>,
}

/// The driver's copy of what POST and DELETE made, setting `saved_subscriptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedBook {
    /// Rises with each change.
    pub rev: u64,
    /// What was POSTed.
    pub posted: SortedMap<SubscriberUrl, Option<Secret>>,
    /// Listed URLs that DELETE removed.
    pub removed: Vec<SubscriberUrl>,
    /// Why other entries cannot be read, one sentence each.
    pub unreadable: Vec<String>,
}

/// Settings that can be relied on.
#[derive(Clone, Default, PartialEq)]
pub struct Settings {
    /// Setting `contract`.
    pub contract: Contract,
    /// Setting `allowed_hosts`.
    pub egress: Policy,
    /// Setting `retention_days`.
    pub retention: RetentionDays,
    /// Setting `subscriptions`.
    pub listing: Listing,
    /// Setting `saved_subscriptions`, `None` if there is none.
    pub saved: Option<SavedBook>,
    /// The values that the above were read from.
    raw: Map<String, Value>,
}

impl fmt::Debug for Settings {
    /// Without the values as they came: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            contract,
            egress,
            retention,
            listing,
            saved,
            raw: _,
        } = self;
        f.debug_struct("Settings")
            .field("contract", contract)
            .field("egress", egress)
            .field("retention", retention)
            .field("listing", listing)
            .field("saved", saved)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// What `json` makes of these settings, and what of it was not taken, one sentence each. The
    /// error says why none of it was.
    pub fn updated(&self, json: &str) -> Result<(Self, Vec<String>), String> {
        Ok(self.merged(Self::given(json)?))
    }

    /// The values in `json`, by name; or why it has none.
    pub(crate) fn given(json: &str) -> Result<Map<String, Value>, String> {
        let given: Value = serde_json::from_str(json)
            .map_err(|error| format!("the settings are not JSON: {error}"))?;
        let Value::Object(given) = given else {
            return Err("the settings are not a JSON object".to_owned());
        };
        if given.is_empty() {
            return Err("the settings are empty".to_owned());
        }
        Ok(given)
    }

    /// What was kept by [`to_json`](Self::to_json).
    pub(crate) fn restored(kept: Map<String, Value>) -> Self {
        Self::default().merged(kept).0
    }

    /// What is worth keeping: all but the driver's own copy of its store.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut kept = self.raw.clone();
        kept.remove(SAVED_SUBSCRIPTIONS);
        kept
    }

    fn merged(&self, mut given: Map<String, Value>) -> (Self, Vec<String>) {
        let mut next = Self::default();
        let mut problems = Vec::new();
        for (name, read) in READERS {
            let value = given.remove(*name).filter(|value| !value.is_null());
            let kept = self.raw.get(*name);
            let taken = match value {
                Some(value) => match read(&mut next, &value) {
                    Ok(()) => Some(value),
                    Err(problem) => {
                        problems.push(format!(
                            "the setting {name} {problem}; the value before it stays"
                        ));
                        // It was read once, so it can be read again.
                        kept.inspect(|kept| drop(read(&mut next, kept))).cloned()
                    }
                },
                None => None,
            };
            if let Some(value) = taken {
                next.raw.insert((*name).to_owned(), value);
            }
        }
        (next, problems)
    }
}

type Reader = fn(&mut Settings, &Value) -> Result<(), String>;

const READERS: &[(&str, Reader)] = &[
    ("contract", |settings, value| {
        settings.contract = match value.as_str() {
            Some("document") => Contract::Document,
            Some("deployed") => Contract::Deployed,
            _ => return Err("is neither \"document\" nor \"deployed\"".to_owned()),
        };
        Ok(())
    }),
    ("allowed_hosts", |settings, value| {
        settings.egress = allowed_hosts(value)?;
        Ok(())
    }),
    ("retention_days", |settings, value| {
        let days = RetentionDays::from_json(value);
        settings.retention = days.ok_or("is no whole number from 1 to 365")?;
        Ok(())
    }),
    ("subscriptions", |settings, value| {
        settings.listing = listing(value)?;
        Ok(())
    }),
    (SAVED_SUBSCRIPTIONS, |settings, value| {
        settings.saved = Some(saved_book(value)?);
        Ok(())
    }),
];

fn allowed_hosts(value: &Value) -> Result<Policy, String> {
    let entries = value.as_array().ok_or("is not a list")?;
    let entries: Option<Vec<_>> = entries.iter().map(Value::as_str).collect();
    Policy::parse(entries.ok_or("has an entry that is not text")?)
        .map_err(|error| format!("is wrong: {error}"))
}

fn listing(value: &Value) -> Result<Listing, String> {
    let entries = value.as_array().ok_or("is not a list")?;
    let mut listing = Listing::default();
    for (index, entry) in entries.iter().enumerate() {
        match subscriber(entry) {
            Ok((url, secret)) => {
                listing.subscriptions.insert(url, secret);
            }
            Err(why) => listing
                .unreadable
                .push(format!("subscriptions[{index}] {why}")),
        }
    }
    Ok(listing)
}

fn saved_book(value: &Value) -> Result<SavedBook, String> {
    let rev = value
        .get("rev")
        .and_then(Value::as_u64)
        .ok_or("has no rev")?;
    let list = value
        .get("list")
        .and_then(Value::as_array)
        .ok_or("has no list")?;
    let mut saved = SavedBook {
        rev,
        ..SavedBook::default()
    };
    for (index, entry) in list.iter().enumerate() {
        match subscriber(entry) {
            Ok((url, _)) if entry.get("removed") == Some(&Value::Bool(true)) => {
                saved.removed.push(url)
            }
            Ok((url, secret)) => {
                saved.posted.insert(url, secret);
            }
            // The others are all that is left on the day the copy is needed.
            Err(why) => saved
                .unreadable
                .push(format!("{SAVED_SUBSCRIPTIONS}.list[{index}] {why}")),
        }
    }
    Ok(saved)
}

/// `{webhook, secret?}`, or a few words on what is wrong with it.
fn subscriber(entry: &Value) -> Result<(SubscriberUrl, Option<Secret>), String> {
    let webhook = entry
        .get("webhook")
        .and_then(Value::as_str)
        .ok_or("has no webhook")?;
    let url = SubscriberUrl::parse(webhook).map_err(|why| format!("has a webhook that {why}"))?;
    let secret =
        Secret::from_json(entry.get("secret")).map_err(|why| format!("has a secret that {why}"))?;
    Ok((url, secret))
}
