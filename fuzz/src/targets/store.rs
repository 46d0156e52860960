//! A store with whatever in it, when a driver is loaded.
//!
//! `{"records": {key: value}, "settings"?, "receivers"?, "clock_jump_ms"?}`, a value being a record's JSON or
//! its text, and receivers as in fixtures. An input that is no document is the record `book` of a store
//! that is else in order.

use rhombus_replay::Call;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::site::{self, Site};

/// Records of one input.
const MOST: usize = 64;

/// The driver loads and goes on to answer, also after a restart; or it refuses, and has written nothing.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let records = match input.as_ref().and_then(|input| input.get("records")) {
        Some(Value::Object(records)) => records.clone(),
        Some(_) => return,
        None => Map::from_iter([
            ("format".to_owned(), json!({"v": 1})),
            ("book".to_owned(), String::from_utf8_lossy(data).into()),
        ]),
    };
    let settings = input.as_ref().and_then(|input| input.text("settings"));
    let settings = settings.unwrap_or_else(|| json!({"organization_id": "event"}).to_string());
    let world = site::world(None);
    let jump = input
        .as_ref()
        .and_then(|input| input.integer("clock_jump_ms"));
    let now = i64::try_from(world.now()).unwrap_or(i64::MAX);
    // From 1970 to the year 9999.
    world.jump_clock(jump.unwrap_or_default().clamp(-now, 250_000_000_000_000));
    world.put_records(&records.into_iter().take(MOST).collect());

    let receivers = input.as_ref().and_then(|input| input.get("receivers"));
    let receivers = receivers.and_then(|given| serde_json::from_value(given.clone()).ok());
    world.set_receivers(&receivers.unwrap_or_default());

    let before = site::records(&world);
    let mut site = match Site::load(world.clone(), &settings) {
        Ok(site) => site,
        Err(why) => {
            assert!(!why.is_empty());
            assert!(
                before == site::records(&world),
                "a refused store was written to"
            );
            return;
        }
    };
    answers(&mut site);
    site.advance(90_000);
    drop(site);
    match Site::load(world, &settings) {
        Ok(mut site) => answers(&mut site),
        Err(why) => panic!("the driver does not load what it has written: {why}"),
    }
}

/// Whatever is asked is answered.
fn answers(site: &mut Site) {
    let mut request = |method: &str, body: Value| {
        let call = Call::Request {
            caller: None,
            method: method.to_owned(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        };
        site.request(call).status
    };
    assert_eq!(request("GET", json!({})), 200);
    let unlocked = request("PUT", json!({"door_id": "lobby"}));
    assert_eq!(unlocked, 200);
    let webhook = json!({"webhook": "https://webhooks.rhombussystems.com/late"});
    // The stored settings may forbid it, or none may be there.
    let posted = request("POST", webhook.clone());
    assert!([201, 422, 503].contains(&posted), "{posted}");
    let event = json!({"door_id": "lobby", "action": "granted"}).to_string();
    let told = site.event(event, None);
    assert_eq!(told, if posted == 503 { "unsaved" } else { "accepted" });
    for state in ["pending", "dead", "rejected"] {
        let told = site.function("deliveries", &json!({"state": state}));
        assert!(
            serde_json::from_str::<Value>(&told).is_ok(),
            "deliveries: {told}"
        );
    }
    let told = site.function("unlocks", &json!({}));
    assert!(
        serde_json::from_str::<Value>(&told).is_ok(),
        "unlocks: {told}"
    );
}
