//! How each receiver fares: when it last took something, and what it last failed with.

use std::collections::BTreeMap;

use serde::Serialize;
use url::{Position, Url};

/// Of how many it is known. A module has 1,000 subscriptions at most; those that are gone stay a while.
const MOST: usize = 2_000;

/// What has come of the attempts to send to a receiver, since the gateway has started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receiver {
    /// When it last answered with a 2xx, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<u64>,
    /// When an attempt last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<u64>,
    /// Why it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Receivers by their shortened URLs, which is what operators know them by. Two whose URLs are the same
/// when shortened are seen as one.
#[derive(Default)]
pub(super) struct Receivers(BTreeMap<String, Receiver>);

impl Receivers {
    /// An attempt has ended at `now`; `failure` says how, if not well.
    pub(super) fn answered(&mut self, shown: &str, failure: Option<String>, now: u64) {
        if !self.0.contains_key(shown) && self.0.len() == MOST {
            let last = |one: &Receiver| one.last_success.max(one.last_failure);
            let oldest = self.0.iter().min_by_key(|(_, one)| last(one));
            if let Some(oldest) = oldest.map(|(shown, _)| shown.clone()) {
                self.0.remove(&oldest);
            }
        }
        let receiver = self.0.entry(shown.to_owned()).or_default();
        match failure {
            None => receiver.last_success = Some(now),
            Some(why) => {
                receiver.last_failure = Some(now);
                receiver.last_error = Some(why);
            }
        }
    }

    pub(super) fn all(&self) -> Vec<(String, Receiver)> {
        let all = self.0.iter();
        all.map(|(shown, one)| (shown.clone(), one.clone()))
            .collect()
    }
}

/// A receiver's URL as the driver's status shows it: scheme, host and the last four characters. The path
/// is a secret.
pub(super) fn shown(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        return String::new();
    };
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let rest = &url[Position::AfterPort..];
    let tail = rest.char_indices().rev().nth(3);
    let tail = tail.map_or("", |(start, _)| &rest[start..]);
    format!(
        "{}://{host}/…{}",
        url.scheme(),
        tail.trim_start_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_as_the_driver_shows_it() {
        for url in [
            "https://webhooks.rhombussystems.com/north-4821",
            "http://127.0.0.1:9/abc",
            "http://127.0.0.1:9/ab",
            "http://[::1]:9000/",
            "https://a.example/a?b=cdef",
            "https://a.example/ä-ö-ü-ß",
        ] {
            let driver = rhombus_driver::subscription::SubscriberUrl::parse(url).unwrap();
            assert_eq!(shown(url), driver.to_string(), "{url}");
        }
        assert_eq!(shown("no url"), "");
    }

    #[test]
    fn the_last_success_and_the_last_error_are_both_kept() {
        let mut receivers = Receivers::default();
        receivers.answered("a", None, 1);
        receivers.answered("a", Some("answered 500".to_owned()), 2);
        receivers.answered("a", None, 3);
        receivers.answered("b", Some("no answer in time".to_owned()), 4);
        let [(_, a), (_, b)] = receivers.all().try_into().unwrap();
        assert_eq!((a.last_success, a.last_failure), (Some(3), Some(2)));
        assert_eq!(a.last_error.as_deref(), Some("answered 500"));
        assert_eq!((b.last_success, b.last_failure), (None, Some(4)));
    }

    #[test]
    fn of_too_many_the_one_is_forgotten_that_was_silent_for_longest() {
        let mut receivers = Receivers::default();
        for at in 0..=MOST as u64 {
            receivers.answered(&at.to_string(), None, at);
        }
        let all = receivers.all();
        assert_eq!(all.len(), MOST);
        assert!(all.iter().all(|(shown, _)| shown != "0"));
    }
}
