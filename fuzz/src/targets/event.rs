//! Door events: payloads and ids.
//!
//! `{"subscriptions"?: […], "events": [{"event", "id"?}], "clock_jump_ms"?}`. An input that is no document
//! is an event.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::book::Book;
use crate::document::Document;
use crate::signature;
use crate::site::{self, Records, Site};

/// Events of one input.
const MOST: usize = 6;
/// As much of an event as is kept if it is rejected, in bytes.
const KEPT: usize = 16 * 1024;

/// An event is accepted and sent to each subscriber, or rejected with a reason and kept, or known.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let subscriptions = input.as_ref().and_then(|input| input.get("subscriptions"));
    let usual = json!([
        {"webhook": "https://webhooks.rhombussystems.com/north", "secret": "123456"},
        {"webhook": "https://webhooks.rhombussystems.com/south"},
    ]);
    let settings = json!({"subscriptions": subscriptions.unwrap_or(&usual)}).to_string();
    let mut book = Book::new();
    book.take(&settings);
    let world = site::world(None);
    let jump = input
        .as_ref()
        .and_then(|input| input.integer("clock_jump_ms"));
    // From 1970 to the year 9999.
    let now = i64::try_from(world.now()).unwrap_or(i64::MAX);
    world.jump_clock(jump.unwrap_or_default().clamp(-now, 250_000_000_000_000));
    let mut site = match Site::load(world, &settings) {
        Ok(site) => site,
        Err(why) => panic!("an empty store does not load: {why}"),
    };
    let mut accepted = BTreeSet::new();
    let events = match &input {
        Some(input) => input.list("events", MOST).iter().map(event).collect(),
        None => vec![(String::from_utf8_lossy(data).into_owned(), None)],
    };
    for (event, id) in events {
        check(&mut site, &book, &mut accepted, event, id);
    }
}

fn event(value: &Value) -> (String, Option<String>) {
    let event = value.get("event").map(rhombus_replay::text);
    let id = value.get("id").and_then(Value::as_str);
    (event.unwrap_or_default(), id.map(str::to_owned))
}

fn check(
    site: &mut Site,
    book: &Book,
    accepted: &mut BTreeSet<String>,
    event: String,
    id: Option<String>,
) {
    let before = rejected(&site.records());
    let told = site.event(event.clone(), id.clone());
    let posts = site.world.take_posts();
    let after = rejected(&site.records());
    if told != "accepted" {
        assert!(posts.is_empty(), "{told}, and sent");
    }
    match told.as_str() {
        "accepted" => {
            let is_new = id.as_ref().is_none_or(|id| accepted.insert(id.clone()));
            assert!(is_new, "an event is accepted twice");
            let active = book.active();
            let urls: Vec<_> = posts.iter().map(|post| &post.url).collect();
            assert!(
                urls.into_iter().eq(active.keys()),
                "an event did not reach everybody"
            );
            for (post, secret) in posts.iter().zip(active.values()) {
                let body = signature::verified(post, secret.as_deref());
                assert_says(&body, &event);
            }
        }
        "known" => assert!(
            id.is_some_and(|id| accepted.contains(&id)),
            "a new event is known"
        ),
        told => {
            let Some(reason) = told.strip_prefix("rejected: ") else {
                panic!("an event is {told}");
            };
            assert_kept(&before, &after, &event, id.as_deref(), reason);
        }
    }
}

/// What subscribers are told is what the event says.
fn assert_says(body: &Map<String, Value>, event: &str) {
    let Ok(event) = serde_json::from_str::<Map<String, Value>>(event) else {
        panic!("accepted, but no JSON object");
    };
    for name in ["door_id", "card_id", "user_name", "user_email"] {
        let said = match event.get(name) {
            Some(Value::Null) | None => None,
            Some(value) => Some(Value::String(rhombus_replay::text(value))),
        };
        assert_eq!(body.get(name), said.as_ref(), "{name}");
    }
    assert!(event.get("action").is_some_and(Value::is_string));
}

/// The records of rejected events.
fn rejected(records: &Records) -> Vec<Map<String, Value>> {
    let rejected = records
        .iter()
        .filter(|(key, _)| key.starts_with("rejected/"));
    let read = |value| match serde_json::from_slice(value) {
        Ok(record) => record,
        Err(error) => panic!("a record is not JSON: {error}"),
    };
    rejected.map(|(_, value)| read(value)).collect()
}

/// A rejected event is kept, once for each id.
fn assert_kept(
    before: &[Map<String, Value>],
    after: &[Map<String, Value>],
    event: &str,
    id: Option<&str>,
    reason: &str,
) {
    assert!(!reason.trim().is_empty());
    if after.len() == before.len() {
        assert!(
            id.is_some() && !before.is_empty(),
            "a rejected event is not kept"
        );
        return;
    }
    assert_eq!(after.len(), before.len() + 1);
    let Some(record) = after.last() else { return };
    assert_eq!(record.get("reason").and_then(Value::as_str), Some(reason));
    let raw = record.get("raw").and_then(Value::as_str);
    let is_kept = raw.is_some_and(|raw| {
        event.starts_with(raw) && (raw.len() == event.len() || raw.len() + 4 > KEPT)
    });
    assert!(is_kept, "a rejected event is not kept as it came");
}
