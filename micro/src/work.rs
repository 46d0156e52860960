//! The parts of an event that are plain functions. Each does its work so many times, and answers a sum
//! that needs every result, so that no compiler leaves any out.

use std::hint::black_box;

use rhombus_driver::door::DoorEvent;
use rhombus_driver::host::Post;
use rhombus_driver::key::Key;
use rhombus_driver::mac::SigningKey;
use rhombus_driver::notification::Notification;
use rhombus_driver::subscription::{Secret, SubscriberUrl, Subscription, SubscriptionId};
use serde_json::Value;

use crate::{NOW, SECRET};

const URL: &str = "https://webhooks.rhombussystems.com/external/placeOsWebhook/subscriber0";
const EVENT_ID: &str = "evt-0123456789abcdef";

/// Reads an event.
pub fn parse(times: u32) -> u32 {
    let json = json();
    repeat(times, || sum_of_event(&parsed(&json)))
}

/// Both signatures of a notification: of its timestamp, and of the whole.
pub fn sign(times: u32) -> u32 {
    let event = parsed(&json());
    let timestamp = event.timestamp.to_string();
    let body = told(&subscription(None), &event).body;
    let seconds = (NOW / 1000).to_string();
    let key = SigningKey::new(SECRET.as_bytes());
    repeat(times, || {
        let key = black_box(&key);
        let parts = [EVENT_ID, ".", &seconds, ".", &body].map(str::as_bytes);
        let of_timestamp = key.sign(black_box(&[timestamp.as_bytes()]));
        let of_all = key.sign(black_box(&parts));
        u32::from(of_timestamp[0]) + u32::from(of_all[0])
    })
}

/// The notification of an event to a subscriber without a secret: it is only written.
pub fn serialise(times: u32) -> u32 {
    let (event, to) = (parsed(&json()), subscription(None));
    repeat(times, || sum_of_post(&told(&to, &event)))
}

/// The notification of an event to a subscriber with a secret: it is written and signed twice.
pub fn notify(times: u32) -> u32 {
    let (event, to) = (parsed(&json()), subscription(Some(SECRET)));
    repeat(times, || sum_of_post(&told(&to, &event)))
}

/// What an event costs by itself that has one subscriber: it is read, and the notification is made.
pub fn event(times: u32) -> u32 {
    let (json, to) = (json(), subscription(Some(SECRET)));
    repeat(times, || sum_of_post(&told(&to, &parsed(&json))))
}

fn repeat(times: u32, work: impl Fn() -> u32) -> u32 {
    (0..times).fold(0, |sum, _| sum.rotate_left(1).wrapping_add(work()))
}

fn json() -> String {
    crate::event(1_234_567, 50)
}

#[expect(clippy::expect_used, reason = "the event is a good one")]
fn parsed(json: &str) -> DoorEvent {
    DoorEvent::parse(black_box(json), NOW).expect("an event that can be read")
}

fn told(to: &Subscription, event: &DoorEvent) -> Post {
    let secret = black_box(to).secret.as_ref();
    let seconds = black_box(NOW / 1000);
    Notification::new(secret, black_box(event), black_box(EVENT_ID), seconds).to(to)
}

#[expect(clippy::expect_used, reason = "address and secret are good ones")]
fn subscription(secret: Option<&str>) -> Subscription {
    let secret = secret.map(Value::from);
    Subscription {
        id: SubscriptionId(Key::ZERO.next(NOW)),
        url: SubscriberUrl::parse(URL).expect("a good address"),
        secret: Secret::from_json(secret.as_ref()).expect("a good secret"),
        refused: None,
    }
}

/// Little work beside what it is the sum of; the whole of that has to be there.
fn sum_of_event(event: &DoorEvent) -> u32 {
    let event = black_box(event);
    let texts = [&event.card_id, &event.user_name, &event.user_email];
    let texts = texts.into_iter().flatten().map(|text| last(text));
    last(event.door_id.as_str()) + last(event.action.as_str()) + texts.sum::<u32>()
}

fn sum_of_post(post: &Post) -> u32 {
    let post = black_box(post);
    let headers = post.headers.iter().map(|(_, value)| last(value));
    last(&post.url) + last(&post.body) + headers.sum::<u32>()
}

/// The length of a text and its last byte.
fn last(text: &str) -> u32 {
    let byte = text.as_bytes().last().copied().unwrap_or_default();
    u32::try_from(text.len()).unwrap_or(u32::MAX) ^ u32::from(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_counts() {
        for work in [parse, sign, serialise, notify, event] {
            let sums = [0, 1, 2].map(work);
            assert_eq!(sums[0], 0);
            assert_ne!(sums[1], 0);
            assert_ne!(sums[1], sums[2]);
        }
    }

    #[test]
    fn a_notification_is_signed_only_with_a_secret() {
        assert_ne!(serialise(1), notify(1));
    }

    #[test]
    fn an_event_is_its_notification_once_it_is_read() {
        assert_eq!(event(3), notify(3));
    }
}
