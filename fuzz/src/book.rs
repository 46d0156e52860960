//! Who must be sent to, as settings say it: told again, without the driver's own book.

use std::collections::{BTreeMap, BTreeSet};

use rhombus_egress::{DEFAULT_ALLOWED_HOSTS, Policy};
use serde_json::{Map, Value};
use url::Url;

/// The longest URL and secret, in bytes.
const LONGEST_URL: usize = 2048;
const LONGEST_SECRET: usize = 1024;

/// Subscribers by URL, with their secrets.
type Subscribers = BTreeMap<String, Option<String>>;

/// What the settings that came so far make of a module whose store was empty.
pub(crate) struct Book {
    is_begun: bool,
    policy: Policy,
    listed: Subscribers,
    posted: Subscribers,
    removed: BTreeSet<String>,
}

impl Book {
    /// Before any settings.
    pub(crate) fn new() -> Self {
        Self {
            is_begun: false,
            policy: policy(DEFAULT_ALLOWED_HOSTS),
            listed: BTreeMap::new(),
            posted: BTreeMap::new(),
            removed: BTreeSet::new(),
        }
    }

    /// Whether settings have come that could be read.
    pub(crate) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// New settings have come. What cannot be read of them changes nothing.
    pub(crate) fn take(&mut self, settings: &str) {
        let Ok(settings) = serde_json::from_str::<Map<String, Value>>(settings) else {
            return;
        };
        if settings.is_empty() {
            return;
        }
        let given = |name: &str| settings.get(name).filter(|value| !value.is_null());
        match given("allowed_hosts") {
            None => self.policy = policy(DEFAULT_ALLOWED_HOSTS),
            Some(value) => self.policy = read_policy(value).unwrap_or(self.policy.clone()),
        }
        match given("subscriptions") {
            None => self.listed.clear(),
            Some(Value::Array(entries)) => {
                self.listed = entries.iter().filter_map(subscriber).collect();
            }
            Some(_) => {}
        }
        if !std::mem::replace(&mut self.is_begun, true) {
            self.rebuild(given("saved_subscriptions"));
        }
        self.removed.retain(|url| self.listed.contains_key(url));
    }

    /// Who must get the next event, with the secret that it must be signed with.
    pub(crate) fn active(&self) -> Subscribers {
        let listed = self
            .listed
            .iter()
            .filter(|(url, _)| !self.removed.contains(*url));
        // A POST's secret counts over the operator's.
        let all = listed.chain(&self.posted);
        all.filter(|(url, _)| Url::parse(url).is_ok_and(|url| self.policy.check_url(&url).is_ok()))
            .map(|(url, secret)| (url.clone(), secret.clone()))
            .collect()
    }

    fn rebuild(&mut self, saved: Option<&Value>) {
        let Some(saved) = saved else { return };
        let (Some(_), Some(list)) = (
            saved.get("rev").and_then(Value::as_u64),
            saved.get("list").and_then(Value::as_array),
        ) else {
            return;
        };
        for entry in list {
            let Some((url, secret)) = subscriber(entry) else {
                continue;
            };
            if entry.get("removed") == Some(&Value::Bool(true)) {
                self.removed.insert(url);
            } else {
                self.posted.insert(url, secret);
            }
        }
    }
}

fn policy<const N: usize>(entries: [&str; N]) -> Policy {
    match Policy::parse(entries) {
        Ok(policy) => policy,
        Err(error) => panic!("the default cannot be read: {error}"),
    }
}

fn read_policy(value: &Value) -> Option<Policy> {
    let entries: Option<Vec<_>> = value.as_array()?.iter().map(Value::as_str).collect();
    Policy::parse(entries?).ok()
}

/// An entry that can be read: the URL as it is parsed, and its secret.
fn subscriber(entry: &Value) -> Option<(String, Option<String>)> {
    let text = entry.get("webhook")?.as_str()?;
    let mut url = Url::parse(text).ok().filter(Url::has_host)?;
    url.set_fragment(None);
    if text.len() > LONGEST_URL || url.as_str().len() > LONGEST_URL {
        return None;
    }
    let secret = match entry.get("secret") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return None,
    };
    if secret.len() > LONGEST_SECRET {
        return None;
    }
    let secret = Some(secret).filter(|secret| !secret.trim().is_empty());
    Some((url.into(), secret))
}
