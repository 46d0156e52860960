//! A module whose instance traps: what was asked is answered, the next instance serves, and other
//! modules of the process notice nothing.

use rig::placeos::{CHANNEL, MODULE, Redis, Reply, SYSTEM, Security, triple};
use rig::program::until;
use serde_json::json;

use crate::program::a_core;
use crate::receiver::Receiver;

/// Bytes of an argument that core may send, and whose reading takes more memory than a guest has: the
/// argument itself, its text while it is unescaped, and the text.
const HUGE: usize = 50 << 20;

#[tokio::test]
async fn a_trap_ends_the_calls_of_one_instance_and_nothing_else() {
    let redis = Redis::start().await;
    let interface = json!({
        "interface": {}, "implements": ["PlaceOS::Driver::Interface::DoorSecurity"],
    });
    let declare = redis::cmd("SET")
        .arg("interface/mod-silent")
        .arg(interface.to_string())
        .clone();
    let () = redis.query(&declare).await;
    let map = redis::cmd("HSET")
        .arg(format!("system/{SYSTEM}"))
        .arg("Security/1")
        .arg("mod-silent")
        .clone();
    let () = redis.query(&map).await;
    let core = a_core(&redis).await;
    core.secure(
        "mod-silent",
        Security {
            door_list: Reply::Never,
            unlock: Reply::Never,
        },
    );
    core.load(MODULE, json!({})).await;
    core.load("mod-2", json!({ "organization_id": "two" }))
        .await;
    let [receiver, other] = [Receiver::start().await, Receiver::start().await];
    core.subscribe(MODULE, &receiver.url()).await;
    core.subscribe("mod-2", &other.url()).await;

    // These wait for the silent security module.
    let get = core.begin_hook(MODULE, "GET", json!({}));
    let put = core.begin_hook(MODULE, "PUT", json!({ "door_id": "1" }));
    let elsewhere = core.begin_hook("mod-2", "GET", json!({}));
    until("the calls under way", async || {
        (core.calls().len() >= 2).then_some(())
    })
    .await;
    let huge = format!("\n{}", "x".repeat(HUGE));
    let trapped = core.exec(MODULE, "door_event", json!([huge])).await;
    assert_eq!(
        (&trapped["code"], &trapped["error"]),
        (&json!(500), &json!("Exception"))
    );
    let why = trapped["payload"].as_str().unwrap();
    assert!(why.contains("the module failed"), "{why}");
    assert_eq!(triple(&get.await.unwrap()).0, 500);
    assert_eq!(triple(&put.await.unwrap()).0, 403);

    // Heard while no instance is there to take it.
    let event = json!({ "door_id": "1", "action": "granted" }).to_string();
    assert_eq!(redis.publish(CHANNEL, &event).await, 1);
    let channel = "placeos/security/two/door";
    assert_eq!(redis.publish(channel, &event).await, 1);
    other.wait_for(1).await;
    receiver.wait_for(1).await;
    // No list can be had, which is an answer like any other.
    assert_eq!(triple(&elsewhere.await.unwrap()).0, 502);
    let gone = json!({ "webhook": receiver.url() });
    assert_eq!(core.hook(MODULE, "DELETE", gone).await.0, 202);
    assert!(core.terminate().await.success());
    assert_eq!((receiver.posts().len(), other.posts().len()), (1, 1));
}
