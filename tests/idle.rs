//! A module that has nothing to do costs next to nothing.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use futures_util::FutureExt;
use rhombus_native::Native;
use rhombus_replay::{Instance, World};
use serde_json::json;

const SETTINGS: &str = r#"{"subscriptions":[{"webhook":"https://webhooks.rhombussystems.com/north-4821"},{"webhook":"https://webhooks.rhombussystems.com/south-7310"}]}"#;

#[test]
fn a_module_with_nothing_to_do_wakes_for_its_housekeeping_and_not_more() {
    let world = World::new(BTreeMap::new());
    let load = || Native::load(&world, SETTINGS).now_or_never().unwrap();
    drop(load().unwrap());
    // One of its subscribers has disabled itself.
    let (name, _) = world.scan("subscription/", None, 1).unwrap().remove(0);
    world.put_records(&BTreeMap::from([(
        name.replace("subscription/", "health/"),
        json!({
            "v": 1,
            "is_disabled": true,
            "pause": null,
            "failures": 0,
            "unwelcome": [],
            "gone": 3,
            "paused_for": 0,
            "healthy_at": null,
            "why": "the receiver answered 410",
        }),
    )]));
    let mut module = load().unwrap();
    let mut wakes = 0;
    loop {
        module.settle().now_or_never().unwrap();
        if !world.advance_to(3_600_000) {
            break;
        }
        wakes += 1;
    }
    assert!(wakes <= 2 * 60, "it woke {wakes} times in an hour");
}
