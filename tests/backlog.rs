//! Much that is pending or kept: it is sent, in its order, or given up as is promised. As fixtures with
//! more records than one would write by hand.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use futures_util::FutureExt;
use rhombus_native::Native;
use rhombus_replay::{Change, Fixture, Supervised, World, play};
use serde_json::{Value, json};

const URL: &str = "https://webhooks.rhombussystems.com/north-4821";
const SUBSCRIPTION: &str = "01767139200000001";
/// When scenarios begin, in milliseconds since 1970.
const BEGINNING: u64 = 1_767_225_600_000;
const SECOND: u64 = 1_000;
const DAY: u64 = 86_400_000;

#[test]
fn a_backlog_of_several_pages_is_sent_in_its_order_after_a_restart() {
    let all: Vec<_> = (0..600).map(post).collect();
    check(
        stored(600, open()),
        json!([
            { "do": "advance", "ms": 0, "posts": all },
            { "do": "store", "expect": { "delivery/": 0, "dead/": 0 } },
        ]),
    );
}

#[test]
fn all_that_is_pending_for_a_disabled_subscriber_is_given_up_at_once() {
    check(
        stored(600, disabled()),
        json!([
            { "do": "store", "expect": { "delivery/": 0, "dead/": 600 } },
            { "do": "advance", "ms": SECOND },
            { "do": "status", "expect": { "pending": 0, "dead_letters": 600 } },
        ]),
    );
}

#[test]
fn beyond_200_000_pending_the_oldest_is_given_up() {
    let letter = |key: &str, nth: u64| {
        json!({
            "id": format!("dead/{key}"),
            "subscription": SUBSCRIPTION,
            "event_id": event_id(nth),
            "door_id": "lobby",
            "action": "granted",
            "timestamp": 1_767_225_600,
            "attempts": 0,
            "reason": "there were more than 200,000 pending deliveries",
            "at": BEGINNING,
        })
    };
    check(
        stored(200_000, paused()),
        json!([
            { "do": "store", "expect": { "delivery/": 200_000, "dead/": 0 } },
            event("one-more"),
            event("and-another"),
            { "do": "store", "expect": { "delivery/": 200_000, "dead/": 2 } },
            {
                "do": "call",
                "function": "deliveries",
                "arguments": { "state": "dead" },
                "expect": {
                    "deliveries": [
                        letter("01767225600000002", 0),
                        letter("01767225600000004", 1),
                    ],
                    "next": null,
                },
            },
            { "do": "advance", "ms": SECOND },
            {
                "do": "status",
                "expect": {
                    "pending": 200_000,
                    "dead_letters": 2,
                    "alert": ["there was too much to keep, and the oldest was given up"],
                },
            },
        ]),
    );
}

#[test]
fn that_too_much_was_kept_is_shown_for_a_day() {
    let alert = ["there was too much to keep, and the oldest was given up"];
    check(
        rejected(1_001),
        json!([
            { "do": "store", "expect": { "rejected/": 1_000 } },
            { "do": "advance", "ms": DAY - 2 * SECOND },
            event("swipe-1"),
            { "do": "status", "expect": { "alert": alert } },
            { "do": "advance", "ms": 2 * SECOND },
            event("swipe-2"),
            { "do": "status", "expect": { "alert": [] } },
        ]),
    );
}

/// What a store holds of one subscriber of this health, and of so many deliveries to it.
fn stored(deliveries: u64, health: Value) -> Vec<Change> {
    let subscription = json!({ "v": 1, "webhook": URL, "posted": true });
    let mut records = vec![
        put("format".to_owned(), &json!({ "v": 1 })),
        put(
            "last-key".to_owned(),
            &json!({ "v": 1, "key": key(deliveries) }),
        ),
        put(format!("subscription/{SUBSCRIPTION}"), &subscription),
        put(format!("health/{SUBSCRIPTION}"), &health),
    ];
    let delivery = json!({
        "v": 1,
        "event_id": "EVENT",
        "event": { "door_id": "lobby", "timestamp": 1_767_225_600, "action": "granted" },
        "attempts": 0,
        "next": 0,
    });
    let delivery = delivery.to_string();
    records.extend((0..deliveries).map(|nth| {
        let name = format!("delivery/{SUBSCRIPTION}/{}", key(nth));
        Change::Put(name, delivery.replace("EVENT", &event_id(nth)).into_bytes())
    }));
    records
}

/// What a store holds of so many events that could not be read.
fn rejected(events: u64) -> Vec<Change> {
    let record =
        json!({ "v": 1, "event_id": null, "raw": "?", "at": BEGINNING - DAY, "reason": "" });
    let mut records = vec![
        put("format".to_owned(), &json!({ "v": 1 })),
        put(
            "last-key".to_owned(),
            &json!({ "v": 1, "key": key(events) }),
        ),
    ];
    records.extend((0..events).map(|nth| put(format!("rejected/{}", key(nth)), &record)));
    records
}

fn put(key: String, record: &Value) -> Change {
    Change::Put(key, record.to_string().into_bytes())
}

/// The key of a record of the day before.
fn key(nth: u64) -> String {
    format!("{:017}", (BEGINNING - DAY) * 1000 + 2 + nth)
}

fn event_id(nth: u64) -> String {
    format!("swipe-{nth}")
}

fn event(id: &str) -> Value {
    json!({
        "do": "event",
        "id": id,
        "event": { "door_id": "lobby", "timestamp": 1_767_225_600, "action": "granted" },
        "expect": "accepted",
    })
}

/// The POST of the delivery.
fn post(nth: u64) -> Value {
    json!({
        "url": URL,
        "headers": { "webhook-id": event_id(nth) },
        "body": { "door_id": "lobby", "timestamp": "2026-01-01T00:00:00Z", "action": "granted" },
    })
}

fn open() -> Value {
    health(false, Value::Null)
}

fn disabled() -> Value {
    health(true, Value::Null)
}

/// For two days from the beginning on.
fn paused() -> Value {
    let pause = json!({
        "since": BEGINNING,
        "probes": 0,
        "answered": 0,
        "wait": 2 * DAY,
        "next_probe": BEGINNING + 2 * DAY,
        "is_blocked": false,
    });
    health(false, pause)
}

fn health(is_disabled: bool, pause: Value) -> Value {
    json!({
        "v": 1,
        "is_disabled": is_disabled,
        "pause": pause,
        "failures": 0,
        "unwelcome": [],
        "gone": 0,
        "paused_for": 0,
        "healthy_at": null,
        "why": null,
    })
}

/// Plays what happens to a module whose store holds these records.
fn check(records: Vec<Change>, steps: Value) {
    let fixture: Fixture = serde_json::from_value(json!({ "about": "", "steps": steps })).unwrap();
    let world = World::new(fixture.systems.clone());
    world.commit(records).now_or_never().unwrap().unwrap();
    let mut stage = Supervised::<Native>::new(world.clone());
    // Time is the world's, so the player itself never waits.
    let played = play(&fixture, &world, &mut stage, |_, _| {}).now_or_never();
    assert_eq!(played.unwrap(), Ok(()));
}
