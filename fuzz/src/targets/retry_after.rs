//! The header `Retry-After` of a receiver that is busy.
//!
//! `{"status"?, "retry_after", "clock_jump_ms"?}`; a status other than 503 is 429. An input that is no
//! document is the header of a 429.

use std::collections::BTreeMap;

use rhombus_replay::{Receiver, World};
use serde_json::json;

use crate::document::Document;
use crate::site::{self, Site};

const URL: &str = "https://webhooks.rhombussystems.com/north";
/// The longest wait that a receiver can ask for, in milliseconds.
const LONGEST: u64 = 3_600_000;
/// The waits before the first probes, in milliseconds.
const STEPS: [u64; 3] = [1000, 2000, 4000];

/// Each probe comes no sooner than its step, and within an hour; and just then if the header is a number.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let header = match &input {
        Some(input) => input.text("retry_after").unwrap_or_default(),
        None => String::from_utf8_lossy(data).into_owned(),
    };
    let jump = input
        .as_ref()
        .and_then(|input| input.integer("clock_jump_ms"));
    let status = input.as_ref().and_then(|input| input.integer("status"));
    let world = site::world(None);
    let now = i64::try_from(world.now()).unwrap_or(i64::MAX);
    // From 1970 to the year 9999.
    world.jump_clock(jump.unwrap_or_default().clamp(-now, 250_000_000_000_000));
    let busy = Receiver {
        status: Some(if status == Some(503) { 503 } else { 429 }),
        retry_after: Some(header.clone()),
        ..Receiver::default()
    };
    world.set_receivers(&BTreeMap::from([(URL.to_owned(), busy)]));
    let settings = json!({"subscriptions": [{"webhook": URL}]}).to_string();
    let mut site = match Site::load(world, &settings) {
        Ok(site) => site,
        Err(why) => panic!("an empty store does not load: {why}"),
    };
    let event = json!({"door_id": "lobby", "action": "granted"}).to_string();
    assert_eq!(site.event(event, None), "accepted");
    assert_eq!(site.world.take_posts().len(), 1);
    let asked = header.trim().parse::<u32>().ok();
    for step in STEPS {
        let waited = until_post(&mut site);
        assert!(
            (step..=LONGEST).contains(&waited),
            "a probe after {waited} ms"
        );
        if let Some(seconds) = asked {
            assert_eq!(waited, step.max(u64::from(seconds) * 1000).min(LONGEST));
        }
    }
}

/// How long it takes until something is sent, in milliseconds.
fn until_post(site: &mut Site) -> u64 {
    let began = site.world.elapsed();
    let waited = |world: &World| world.elapsed() - began;
    while waited(&site.world) <= LONGEST {
        site.pass(LONGEST + 1);
        if !site.world.take_posts().is_empty() {
            return waited(&site.world);
        }
    }
    panic!("no probe within an hour");
}
