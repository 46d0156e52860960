//! Hosts that throw, reject, answer nonsense or never answer: that call fails, and nothing else.

use js_sys::Function;
use rhombus_replay::{Fixture, Supervised, World, play};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use super::instance::{self, Module, call, message, response};
use super::{host, realm};

/// What is odd about a host, in JavaScript; a request to a driver on it, and its status.
const ODDITIES: [(&str, &str, &str, u16); 21] = [
    (
        "host.storage.commit = () => { throw new Error('no') }",
        "POST",
        SUBSCRIBE,
        503,
    ),
    (
        "host.storage.commit = () => Promise.reject()",
        "POST",
        SUBSCRIBE,
        503,
    ),
    (
        "host.storage.commit = async () => {}",
        "POST",
        SUBSCRIBE,
        503,
    ),
    (
        "host.storage.commit = async () => ({ exists: 1 })",
        "POST",
        SUBSCRIBE,
        503,
    ),
    (
        "host.storage.commit = () => THROWING",
        "POST",
        SUBSCRIBE,
        503,
    ),
    ("host.storage.commit = undefined", "POST", SUBSCRIBE, 503),
    ("delete host.storage", "POST", SUBSCRIBE, 503),
    ("host.http.check = async () => 1", "POST", SUBSCRIBE, 422),
    (
        "host.http.check = async () => { throw 'no' }",
        "POST",
        SUBSCRIBE,
        422,
    ),
    ("delete host.http.check", "POST", SUBSCRIBE, 201),
    ("delete host.http", "POST", SUBSCRIBE, 422),
    ("delete host.settings", "POST", SUBSCRIBE, 201),
    (
        "host.status.set = async () => { throw new Error('no') }",
        "POST",
        SUBSCRIBE,
        201,
    ),
    ("host.log = () => { throw new Error('no') }", "PUT", "", 400),
    (
        "host.doors.systems = () => { throw { message: 5 } }",
        "GET",
        "",
        502,
    ),
    ("host.doors.systems = async () => 'main'", "GET", "", 502),
    ("host.doors.list = async () => [{ id: 5 }]", "GET", "", 502),
    ("host.doors.list = async () => THROWING", "GET", "", 502),
    ("host.doors.list = async () => [THROWING]", "GET", "", 502),
    ("host.doors.unlock = async () => 'open'", "PUT", UNLOCK, 403),
    ("delete host.doors", "PUT", UNLOCK, 403),
];

const SUBSCRIBE: &str = r#"{"webhook":"https://webhooks.rhombussystems.com/a"}"#;
const UNLOCK: &str = r#"{"door_id":"lobby"}"#;

#[wasm_bindgen_test]
async fn an_odd_host_is_an_error_answer() {
    for (oddity, method, body, status) in ODDITIES {
        let host = sound();
        let driver = load(&host).await.expect(oddity);
        alter(&host, oddity);
        assert_eq!(ask(&driver, method, body).await, status, "{oddity}");
        // It is as well as before.
        assert_eq!(ask(&driver, "PATCH", "").await, 405, "{oddity}");
    }
}

#[wasm_bindgen_test]
async fn a_driver_does_not_load_from_an_odd_store() {
    for oddity in [
        "host.storage.scan = async () => 5",
        "host.storage.scan = async () => [['key', 'value']]",
        "host.storage.scan = async () => THROWING",
        "host.storage.get = async () => 'text'",
        "host.storage.get = () => { throw new Error('no') }",
        "delete host.storage",
    ] {
        let host = sound();
        // So that there is something to read.
        load(&host).await.unwrap();
        alter(&host, oddity);
        let error = load(&host).await.expect_err(oddity);
        assert!(error.is_instance_of::<js_sys::Error>(), "{oddity}");
        assert!(message(&error).contains("the store"), "{oddity}");
    }
    assert!(load(&JsValue::UNDEFINED).await.is_err());
}

#[wasm_bindgen_test]
async fn an_odd_answer_to_a_post_fails_the_attempt_and_no_more() {
    for oddity in [
        "host.http.post = () => { throw new Error('no') }",
        "host.http.post = async () => {}",
        "host.http.post = async () => ({ status: 200.5, headers: [] })",
        "host.http.post = async () => ({ status: 200 })",
        "host.http.post = async () => ({ failure: 'odd' })",
        "host.http.post = async () => THROWING",
    ] {
        let host = sound();
        let driver = load(&host).await.unwrap();
        alter(&host, oddity);
        let running = call(&driver, "run", &[]);
        assert_eq!(ask(&driver, "POST", SUBSCRIBE).await, 201);
        let event = r#"{"door_id":"lobby","action":"granted"}"#;
        let accepted = call(&driver, "on_door_event", &[event.into()]).await;
        assert_eq!(accepted.unwrap(), "accepted", "{oddity}");
        realm::turn().await;
        assert_eq!(ask(&driver, "GET", "").await, 200, "{oddity}");
        instance::call_now(&driver, "stop", &[]).unwrap();
        running.await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_host_that_never_answers_is_an_error_answer() {
    let webhook: Value = serde_json::from_str(SUBSCRIBE).unwrap();
    let fixture = json!({
        "about": "A store that never answers a commit, after one that does",
        "steps": [{
            "do": "request", "method": "POST", "body": webhook, "after_ms": 30_000,
            "expect": {
                "status": 503,
                "body": {
                    "error": "the subscription is not known to be saved; it is safe to repeat the request",
                },
            },
        }],
    });
    play_on(fixture, "host.storage.commit = () => new Promise(() => {})").await;

    let fixture = json!({
        "about": "A receiver that never answers, and a host that does not notice",
        "steps": [
            { "do": "request", "method": "POST", "body": webhook, "expect": { "status": 201 } },
            {
                "do": "event", "event": { "door_id": "lobby", "action": "granted" }, "id": "one",
                "expect": "accepted",
            },
            // Ten seconds of silence, and one until the next attempt.
            { "do": "advance", "ms": 10_999 },
            { "do": "advance", "ms": 1, "posts": [{
                "url": "https://webhooks.rhombussystems.com/a",
                "body": r#"{"door_id":"lobby","timestamp":"2026-01-01T00:00:00Z","action":"granted"}"#,
            }] },
        ],
    });
    let first_is_lost = "const { post } = host.http; \
        host.http.post = () => { host.http.post = post; return new Promise(() => {}) }";
    play_on(fixture, first_is_lost).await;
}

/// Plays a fixture whose host is odd once it has loaded the driver.
async fn play_on(fixture: Value, oddity: &'static str) {
    let fixture: Fixture = serde_json::from_value(fixture).unwrap();
    let world = World::new(fixture.systems.clone());
    realm::enter(&world);
    instance::MAKE_ODD.set(Some(Box::new(|host| alter(host, oddity))));
    let mut stage = Supervised::<Module>::new(world.clone());
    let played = play(&fixture, &world, &mut stage, |_, _| {}).await;
    drop(stage);
    instance::MAKE_ODD.take();
    realm::leave().await;
    played.unwrap();
}

/// A host that does as it should, with a door that opens.
pub(super) fn sound() -> JsValue {
    let systems = json!({ "main": { "doors": [{ "id": "lobby" }] } });
    let world = World::new(serde_json::from_value(systems).unwrap());
    host::object(&world, &std::rc::Rc::new(std::cell::Cell::new(true)))
}

/// Loads a driver on `host`, by the exported class.
pub(super) async fn load(host: &JsValue) -> Result<JsValue, JsValue> {
    let class = instance::class().await;
    call(
        &class,
        "load",
        &[host.clone(), "{\"contract\":\"document\"}".into()],
    )
    .await
}

/// Runs JavaScript on `host`, in which `THROWING` is an object that throws whatever is done to it.
pub(super) fn alter(host: &JsValue, code: &str) {
    let code = format!(
        "const no = () => {{ throw new Error('no') }};\
         const THROWING = new Proxy([], {{ get: (target, name) => name === 'then' ? undefined : no() }});\
         {code}"
    );
    let alter = Function::new_with_args("host", &code);
    alter.call1(&JsValue::UNDEFINED, host).unwrap();
}

/// The status of the answer to a request.
pub(super) async fn ask(driver: &JsValue, method: &str, body: &str) -> u16 {
    let body = js_sys::Uint8Array::from(body.as_bytes()).into();
    let headers = js_sys::Array::new().into();
    let answered = call(driver, "request", &[method.into(), headers, body]).await;
    response(&answered.unwrap()).status
}
