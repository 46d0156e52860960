//! Many calls in flight in one driver, and its end.

use js_sys::Reflect;
use rhombus_replay::{Fixture, Supervised, World, play};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use super::hosts::{alter, ask, load, sound};
use super::instance::{Module, call, call_now};
use super::realm;

const URL: &str = "https://webhooks.rhombussystems.com/a";

/// Fifty requests, ten events and an update, while `run` is under way: each is begun before any other
/// is answered, as doors and storage take a second each time. An unlock is in the store twice, before the
/// door is asked for and after.
#[wasm_bindgen_test]
async fn calls_overlap() {
    let get = json!({
        "do": "request", "method": "GET", "after_ms": 1000,
        "expect": { "status": 200, "body": [{ "door_id": "lobby" }] },
    });
    let put = json!({
        "do": "request", "method": "PUT", "body": { "door_id": "lobby" }, "after_ms": 3000,
        "expect": { "status": 200 },
    });
    let event = |door: &usize| {
        json!({
            "do": "event", "after_ms": 1000, "expect": "accepted",
            "event": { "door_id": door, "action": "granted", "timestamp": 1_649_030_365 },
        })
    };
    let post = |door: usize| {
        json!({
            "url": URL,
            "body": format!(
                r#"{{"door_id":"{door}","timestamp":"2022-04-03T23:59:25Z","action":"granted"}}"#
            ),
        })
    };
    let update = json!({ "do": "update", "settings": { "allowed_hosts": ["webhooks.rhombussystems.com"] }, "after_ms": 1000 });
    let mut calls: Vec<Value> = vec![get; 25];
    calls.extend((0..10).collect::<Vec<_>>().iter().map(event));
    calls.extend(vec![put; 25]);
    calls.push(update);
    let fixture = json!({
        "about": "Sixty-one calls in flight",
        "systems": { "main": { "doors": [{ "id": "lobby" }], "list_after_ms": 1000 } },
        "steps": [
            { "do": "request", "method": "POST", "body": { "webhook": URL }, "expect": { "status": 201 } },
            { "do": "world", "storage": "is_slow" },
            {
                "do": "together", "steps": calls, "unlocks": ["main/lobby"],
                "posts": (0..10).map(post).collect::<Vec<_>>(),
            },
        ],
    });
    let fixture: Fixture = serde_json::from_value(fixture).unwrap();
    let world = World::new(fixture.systems.clone());
    realm::enter(&world);
    let mut stage = Supervised::<Module>::new(world.clone());
    let played = play(&fixture, &world, &mut stage, |_, _| {}).await;
    drop(stage);
    realm::leave().await;
    played.unwrap();
}

#[wasm_bindgen_test]
async fn stop_lets_attempts_under_way_finish() {
    let host = sound();
    alter(
        &host,
        "host.http.post = () => new Promise((resolve) => { host.answer = resolve })",
    );
    let driver = load(&host).await.unwrap();
    let running = call(&driver, "run", &[]);
    let subscribe = format!(r#"{{"webhook":"{URL}"}}"#);
    assert_eq!(ask(&driver, "POST", &subscribe).await, 201);
    let event = r#"{"door_id":"lobby","action":"granted"}"#;
    call(&driver, "on_door_event", &[event.into()])
        .await
        .unwrap();
    realm::turn().await;
    assert!(
        member(&host, "answer").is_function(),
        "an attempt is under way"
    );

    call_now(&driver, "stop", &[]).unwrap();
    realm::turn().await;
    alter(&host, "host.answer({ status: 200, headers: [] })");
    running.await.unwrap();
    // What is asked of a stopped driver is still answered.
    assert_eq!(ask(&driver, "GET", "").await, 200);
    call_now(&driver, "free", &[]).unwrap();
}

#[wasm_bindgen_test]
async fn a_call_in_flight_outlives_free() {
    let host = sound();
    alter(
        &host,
        "const { list } = host.doors;\
         host.doors.list = () => new Promise((resolve) => { host.answer = () => resolve(list('main')) })",
    );
    let driver = load(&host).await.unwrap();
    let running = call(&driver, "run", &[]);
    let asked = ask(&driver, "GET", "");
    let (status, ()) = futures_util::future::join(asked, async {
        realm::turn().await;
        call_now(&driver, "stop", &[]).unwrap();
        call_now(&driver, "free", &[]).unwrap();
        alter(&host, "host.answer()");
    })
    .await;
    assert_eq!(status, 200);
    running.await.unwrap();
    // The driver is gone: a call says so, and leaves others alone.
    assert!(call(&driver, "update", &["{}".into()]).await.is_err());
    let other = load(&sound()).await.unwrap();
    assert_eq!(ask(&other, "GET", "").await, 200);
}

fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}
