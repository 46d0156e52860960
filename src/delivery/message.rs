//! What a subscriber is to be told, and what has come of telling it.

use crate::door::DoorEvent;
use crate::record::{DeliveryRecord, Version};

use super::retry;

/// An accepted event under its id. The deliveries of one event share it.
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) event: DoorEvent,
}

/// What a message takes in memory besides its texts, in bytes.
const OVERHEAD: usize = 256;

impl Message {
    /// What it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let event = &self.event;
        let texts = [&event.card_id, &event.user_name, &event.user_email];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let names = event.door_id.as_str().len() + event.action.as_str().len();
        OVERHEAD + self.id.len() + names + texts
    }
}

impl From<DeliveryRecord> for Message {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            id: record.event_id,
            event: record.event,
        }
    }
}

/// The attempts that were made of a delivery. Times are open time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Attempts that count.
    pub(super) attempts: u32,
    /// Answers that its body is not wanted.
    pub(super) unwelcome: u32,
    /// No attempt before this time.
    pub(super) next: u64,
    /// When the first attempt failed, and the last one that counts.
    pub(super) first_failed: Option<u64>,
    pub(super) last_failed: Option<u64>,
}

impl History {
    /// What an earlier instance has left, if it has tried, at the open time `now`. Its clock may have
    /// been another one.
    pub(super) fn restored(record: &DeliveryRecord, now: u64) -> Option<Self> {
        let was_tried = record.attempts > 0 || record.unwelcome > 0;
        was_tried.then(|| Self {
            attempts: record.attempts,
            unwelcome: record.unwelcome,
            next: now + retry::rest(record.next, record.attempts, now),
            first_failed: record.first_failed.map(|at| at.min(now)),
            last_failed: record.last_failed.map(|at| at.min(now)),
        })
    }

    /// For another instance to read; `to_host` turns a time into what the host's clock says.
    pub(super) fn record(&self, message: &Message, to_host: impl Fn(u64) -> u64) -> DeliveryRecord {
        DeliveryRecord {
            v: Version,
            event_id: message.id.clone(),
            event: message.event.clone(),
            attempts: self.attempts,
            unwelcome: self.unwelcome,
            next: to_host(self.next),
            first_failed: self.first_failed.map(&to_host),
            last_failed: self.last_failed.map(&to_host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 1_767_225_600_000;

    fn message(id: &str, event: &str) -> Message {
        Message {
            id: id.to_owned(),
            event: DoorEvent::parse(event, TIME).unwrap(),
        }
    }

    #[test]
    fn a_message_takes_what_its_texts_take_and_a_little_more() {
        let bare = message("a", r#"{"door_id":"b","action":"granted"}"#);
        assert_eq!(bare.bytes(), OVERHEAD + 1 + 1 + 7);
        let full = message(
            "swipe-1",
            r#"{"door_id":"lobby","action":"denied","card_id":"0042","user_name":"Ada","user_email":"ada@example.org"}"#,
        );
        assert_eq!(full.bytes(), OVERHEAD + 7 + 5 + 6 + 4 + 3 + 15);
    }

    #[test]
    fn what_a_record_says_was_tried_is_what_the_next_instance_goes_on_with() {
        let message = message("swipe-1", r#"{"door_id":"lobby","action":"granted"}"#);
        let untried = History::default();
        let failed = History {
            attempts: 2,
            unwelcome: 0,
            next: TIME + 5_000,
            first_failed: Some(TIME - 2_000),
            last_failed: Some(TIME - 1_000),
        };
        let unwelcome = History {
            attempts: 0,
            unwelcome: 1,
            next: TIME,
            ..untried
        };
        for (history, restored) in [
            (untried, None),
            (failed, Some(failed)),
            (unwelcome, Some(unwelcome)),
        ] {
            let record = history.record(&message, |time| time);
            assert_eq!(History::restored(&record, TIME), restored);
        }
    }

    #[test]
    fn what_a_clock_that_ran_ahead_has_recorded_is_not_later_than_now() {
        let message = message("swipe-1", r#"{"door_id":"lobby","action":"granted"}"#);
        let ahead = History {
            attempts: 1,
            unwelcome: 0,
            next: TIME + 86_401_000,
            first_failed: Some(TIME + 86_400_000),
            last_failed: Some(TIME + 86_400_000),
        };
        let now = History {
            next: TIME,
            first_failed: Some(TIME),
            last_failed: Some(TIME),
            ..ahead
        };
        let record = ahead.record(&message, |time| time);
        assert_eq!(History::restored(&record, TIME), Some(now));
    }
}
