//! A building with one security system, as core and Redis tell a driver of it.

use redis::cmd;
use serde_json::{Value, json};

use crate::placeos::{Core, Redis, Reply, SYSTEM, Security};

/// The security system's module.
const SECURITY: &str = "mod-doors";

/// The door of this number.
pub(super) fn door(number: usize) -> String {
    format!("door-{number}")
}

/// There is a security system from now on, which has so many doors and opens each.
pub(super) async fn build(core: &Core, redis: &Redis, doors: usize) {
    let described = |number| json!({ "door_id": door(number), "description": "A door" });
    let doors: Vec<Value> = (0..doors).map(described).collect();
    core.secure(
        SECURITY,
        Security {
            door_list: Reply::With(doors.into()),
            unlock: Reply::With(json!(true)),
        },
    );
    // With all that PlaceOS' own drivers look for before they call.
    let metadata = json!({
        "interface": {
            "door_list": {},
            "unlock": { "door_id": { "type": "string", "title": "String" } },
        },
        "functions": { "door_list": {}, "unlock": { "door_id": ["String"] } },
        "implements": ["PlaceOS::Driver::Interface::DoorSecurity"],
        "requirements": {},
        "security": {},
    });
    let interface = format!("interface/{SECURITY}");
    let set = cmd("SET").arg(interface).arg(metadata.to_string()).clone();
    let _: String = redis.query(&set).await;
    let map = format!("system/{SYSTEM}");
    let set = cmd("HSET").arg(map).arg("Security/1").arg(SECURITY).clone();
    let _: i64 = redis.query(&set).await;
}
