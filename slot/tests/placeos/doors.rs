//! Doors: security systems found in Redis, called through core.

use std::time::{Duration, Instant};

use rig::placeos::{Core, MODULE, Redis, Reply, SYSTEM, Security, triple};
use rig::program::until;
use serde_json::{Value, json};

use crate::program::a_core;

const IMPLEMENTS: &str = "PlaceOS::Driver::Interface::DoorSecurity";

/// Writes a system's map, and says so, as core does: it is cleared first, then filled.
pub(crate) async fn map(redis: &Redis, modules: &[(&str, &str)]) {
    let key = format!("system/{SYSTEM}");
    let _: i64 = redis.query(redis::cmd("DEL").arg(&key)).await;
    for (name, module) in modules {
        let _: i64 = redis
            .query(redis::cmd("HSET").arg(&key).arg(name).arg(module))
            .await;
    }
    redis.publish("lookup-change", SYSTEM).await;
}

/// Says of a module that it is a security system.
pub(crate) async fn declare(redis: &Redis, module: &str) {
    let interface = json!({ "interface": {}, "implements": [IMPLEMENTS] }).to_string();
    let key = format!("interface/{module}");
    let _: String = redis.query(redis::cmd("SET").arg(key).arg(interface)).await;
}

pub(crate) fn security(doors: &[&str], unlock: Reply) -> Security {
    let doors: Vec<_> = doors
        .iter()
        .map(|door| json!({ "door_id": door, "description": format!("Door {door}") }))
        .collect();
    Security {
        door_list: Reply::With(doors.into()),
        unlock,
    }
}

pub(crate) fn with(value: Value) -> Reply {
    Reply::With(value)
}

async fn doors(core: &Core) -> Vec<String> {
    let (status, body) = core.hook(MODULE, "GET", json!({})).await;
    assert_eq!(status, 200, "{body}");
    let doors: Vec<Value> = serde_json::from_str(&body).unwrap();
    doors
        .iter()
        .map(|door| door["door_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn doors_are_listed_and_unlocked_through_core() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    declare(&redis, "mod-a").await;
    declare(&redis, "mod-b").await;
    declare(&redis, "mod-c").await;
    map(
        &redis,
        &[
            ("Security/1", "mod-a"),
            ("Security/2", "mod-b"),
            ("Other/1", "mod-light"),
            ("Mute/1", "mod-c"),
        ],
    )
    .await;
    core.secure("mod-a", security(&["1"], with(json!(true))));
    core.secure("mod-b", security(&["2"], with(json!(false))));
    core.secure("mod-c", security(&["3"], with(Value::Null)));
    core.load(MODULE, json!({})).await;

    assert_eq!(doors(&core).await, ["1", "2", "3"]);
    for (door, status) in [("1", 200), ("2", 403), ("3", 501), ("4", 403)] {
        let answer = core.hook(MODULE, "PUT", json!({ "door_id": door })).await;
        assert_eq!(answer.0, status, "{door}: {}", answer.1);
    }
    let calls = core.calls();
    let unlocks: Vec<_> = calls
        .iter()
        .filter(|call| call["payload"].as_str().unwrap().contains("unlock"))
        .collect();
    // Each by the one system that has the door, on behalf of whoever called the webhook.
    assert_eq!(unlocks.len(), 3);
    assert_eq!(
        unlocks[0]["payload"],
        r#"{"__exec__":"unlock","unlock":{"door_id":"1"}}"#
    );
    for unlock in unlocks {
        assert_eq!(
            (&unlock["user_id"], &unlock["reply"]),
            (&json!("webhook.trig-1"), &json!(MODULE))
        );
    }
    assert!(calls.iter().all(|call| call["id"] != "mod-light"));
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_changed_map_is_read_again() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    declare(&redis, "mod-a").await;
    declare(&redis, "mod-b").await;
    map(&redis, &[("Security/1", "mod-a")]).await;
    core.secure("mod-a", security(&["1"], with(json!(true))));
    core.secure("mod-b", security(&["2"], with(json!(true))));
    core.load(MODULE, json!({})).await;
    assert_eq!(doors(&core).await, ["1"]);

    map(&redis, &[("Security/1", "mod-a"), ("Security/2", "mod-b")]).await;
    until("the new door", async || {
        (doors(&core).await == ["1", "2"]).then_some(())
    })
    .await;
    map(&redis, &[("Security/1", "mod-b")]).await;
    until("the old door's end", async || {
        (doors(&core).await == ["2"]).then_some(())
    })
    .await;

    // Core may put the module into another system.
    let mut model = core.model(MODULE);
    model["control_system"]["id"] = json!("sys-other");
    core.update_with(MODULE, &model);
    until("the other system", async || {
        doors(&core).await.is_empty().then_some(())
    })
    .await;
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_system_that_is_silent_or_fails_holds_nobody_up() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    for module in ["mod-a", "mod-b", "mod-c"] {
        declare(&redis, module).await;
    }
    map(
        &redis,
        &[
            ("Security/1", "mod-a"),
            ("Security/2", "mod-b"),
            ("Security/3", "mod-c"),
        ],
    )
    .await;
    core.secure("mod-a", security(&["1"], Reply::Never));
    core.secure("mod-b", security(&["2"], Reply::Error));
    core.secure("mod-c", security(&["3"], with(json!("odd"))));
    core.load(MODULE, json!({})).await;
    assert_eq!(doors(&core).await, ["1", "2", "3"]);
    // Its last good list stands in for one that answers no more, or fails.
    core.secure(
        "mod-a",
        Security {
            door_list: Reply::Never,
            unlock: Reply::Never,
        },
    );
    core.secure(
        "mod-b",
        Security {
            door_list: Reply::Error,
            unlock: Reply::Error,
        },
    );
    let (begun, slow) = (Instant::now(), core.begin_hook(MODULE, "GET", json!({})));
    for door in ["2", "3"] {
        assert_eq!(
            core.hook(MODULE, "PUT", json!({ "door_id": door })).await.0,
            403
        );
    }
    let never = core.begin_hook(MODULE, "PUT", json!({ "door_id": "1" }));
    assert_eq!(core.info().await, json!([MODULE]));
    let (status, body) = triple(&slow.await.unwrap());
    assert_eq!((status, body.matches("door_id").count()), (200, 3));
    let (status, body) = triple(&never.await.unwrap());
    assert_eq!(status, 403, "{body}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn without_any_list_there_is_no_answer_that_looks_like_one() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    declare(&redis, "mod-a").await;
    map(&redis, &[("Security/1", "mod-a")]).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 502);
    assert!(core.terminate().await.success());
}
