//! What becomes of deliveries when the driver is told to stop.

#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;

use futures_util::FutureExt;
use rhombus_native::Native;
use rhombus_replay::{Call, Instance, Receiver, World};
use serde_json::json;

const URL: &str = "https://webhooks.rhombussystems.com/stop";
const SETTINGS: &str = r#"{"organization_id":"event"}"#;

/// A world whose one receiver answers so after a while, and an instance that has subscribed it.
fn subscribed(status: u16) -> (World, Native) {
    let world = World::new(BTreeMap::new());
    let mut native = load(&world);
    let body = json!({ "webhook": URL }).to_string().into_bytes();
    begin(
        &mut native,
        Call::Request {
            caller: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
            body,
        },
    );
    answer_after(&world, status, 5_000);
    (world, native)
}

fn load(world: &World) -> Native {
    let loaded = Native::load(world, SETTINGS).now_or_never().unwrap();
    let mut native = loaded.unwrap();
    settle(&mut native);
    native
}

fn answer_after(world: &World, status: u16, after_ms: u64) {
    let receiver = Receiver {
        status: Some(status),
        after_ms,
        ..Receiver::default()
    };
    world.set_receivers(&BTreeMap::from([(URL.to_owned(), receiver)]));
}

fn event(native: &mut Native, door: &str, id: &str) {
    let event = json!({ "door_id": door, "action": "granted", "timestamp": 1 });
    begin(
        native,
        Call::Event {
            event: event.to_string(),
            id: Some(id.to_owned()),
        },
    );
}

fn begin(native: &mut Native, call: Call) {
    native.begin(1, call);
    settle(native);
}

fn settle(native: &mut Native) {
    native.settle().now_or_never().unwrap();
}

/// Lets so many milliseconds pass.
fn pass(world: &World, native: &mut Native, ms: u64) {
    let end = world.elapsed() + ms;
    while world.advance_to(end) {
        settle(native);
    }
}

fn pending(world: &World) -> Vec<String> {
    let records = world.scan("delivery/", None, usize::MAX).unwrap();
    let records = records.iter().map(|(_, value)| {
        let record: serde_json::Value = serde_json::from_slice(value).unwrap();
        format!("{} {}", record["event_id"], record["attempts"])
    });
    records.collect()
}

/// The events that were told since the last call.
fn told(world: &World) -> Vec<String> {
    let id = |post: rhombus_replay::Post| {
        let mut headers = post.headers.into_iter();
        headers.find(|(name, _)| name == "webhook-id").unwrap().1
    };
    world.take_posts().into_iter().map(id).collect()
}

#[test]
fn an_attempt_that_is_under_way_when_it_is_stopped_ends_and_what_it_came_to_is_saved() {
    for (status, left) in [
        (200, &[r#""second" 0"#][..]),
        (500, &[r#""first" 1"#, r#""second" 0"#]),
    ] {
        let (world, mut native) = subscribed(status);
        event(&mut native, "lobby", "first");
        event(&mut native, "lobby", "second");
        native.stop();
        settle(&mut native);
        assert!(!native.has_stopped());
        pass(&world, &mut native, 4_999);
        assert!(!native.has_stopped());
        pass(&world, &mut native, 1);
        assert!(native.has_stopped());
        assert_eq!(pending(&world), left);
        // Nothing was begun.
        assert_eq!(told(&world), ["first"]);
    }
}

#[test]
fn what_is_pending_when_it_is_stopped_is_sent_by_the_next_instance() {
    let (world, mut native) = subscribed(200);
    event(&mut native, "lobby", "first");
    event(&mut native, "lobby", "second");
    native.stop();
    pass(&world, &mut native, 5_000);
    drop(native);
    told(&world);
    answer_after(&world, 200, 0);
    load(&world);
    assert_eq!(told(&world), ["second"]);
    assert_eq!(pending(&world), [""; 0]);
}

#[test]
fn with_nothing_under_way_it_stops_at_once() {
    let (_world, mut native) = subscribed(200);
    assert!(!native.has_stopped());
    native.stop();
    settle(&mut native);
    assert!(native.has_stopped());
}
