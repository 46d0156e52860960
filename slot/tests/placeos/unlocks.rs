//! The record of unlocks: whatever dies when, no door was asked for that it does not have.

use std::collections::BTreeSet;

use rig::placeos::{Core, MODULE, Redis, Reply, Security, triple};
use rig::program::until;
use serde_json::{Value, json};

use crate::doors::{declare, map, security, with};
use crate::program::a_core;

/// A core with a process of the driver, and a security system that has these doors.
async fn a_building(redis: &Redis, security: Security) -> Core {
    let core = a_core(redis).await;
    declare(redis, "mod-a").await;
    map(redis, &[("Security/1", "mod-a")]).await;
    core.secure("mod-a", security);
    core.load(MODULE, json!({})).await;
    core
}

/// All that is recorded, oldest first.
async fn recorded(core: &Core) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let arguments = json!({ "after": after, "limit": 500 });
        let result = core.exec(MODULE, "unlocks", arguments).await;
        assert_eq!(result["code"], 200, "{result}");
        let page: Value = serde_json::from_str(result["payload"].as_str().unwrap()).unwrap();
        all.extend(page["unlocks"].as_array().unwrap().iter().cloned());
        after = page["next"].clone();
        if after.is_null() {
            return all;
        }
    }
}

/// The doors that the security system was asked to open.
fn asked(core: &Core) -> Vec<String> {
    let calls = core.calls();
    let payloads = calls
        .iter()
        .map(|call| serde_json::from_str::<Value>(call["payload"].as_str().unwrap()).unwrap());
    payloads
        .filter(|payload| payload["__exec__"] == "unlock")
        .map(|payload| payload["unlock"]["door_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn whenever_the_process_is_killed_each_door_that_was_asked_for_is_on_record() {
    const ROUNDS: usize = 4;
    const DOORS: usize = 100;
    let redis = Redis::start().await;
    let names: Vec<_> = (0..ROUNDS * DOORS).map(|door| door.to_string()).collect();
    let doors: Vec<_> = names.iter().map(String::as_str).collect();
    let building = security(&doors, with(json!(true)));
    let mut all_asked = BTreeSet::new();
    for round in doors.chunks(DOORS) {
        let core = a_building(&redis, building.clone()).await;
        let puts: Vec<_> = round
            .iter()
            .map(|door| core.begin_hook(MODULE, "PUT", json!({ "door_id": door })))
            .collect();
        let some = fastrand::usize(1..DOORS);
        until("some of them asked for", async || {
            (asked(&core).len() >= some).then_some(())
        })
        .await;
        core.kill().await;
        drop(puts);
        all_asked.extend(asked(&core));
    }
    let core = a_building(&redis, building).await;
    let recorded: BTreeSet<_> = recorded(&core)
        .await
        .iter()
        .map(|unlock| unlock["door_id"].as_str().unwrap().to_owned())
        .collect();
    let missing: Vec<_> = all_asked.difference(&recorded).collect();
    assert!(
        missing.is_empty(),
        "asked for without a record: {missing:?}"
    );
    assert!(all_asked.len() >= ROUNDS, "{}", all_asked.len());
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn of_a_door_whose_answer_nobody_lived_to_hear_the_record_says_that_it_was_asked_for() {
    let redis = Redis::start().await;
    let silent = security(&["vault"], Reply::Never);
    let core = a_building(&redis, silent.clone()).await;
    let put = core.begin_hook(MODULE, "PUT", json!({ "door_id": "vault" }));
    until("the question", async || {
        (!asked(&core).is_empty()).then_some(())
    })
    .await;
    core.kill().await;
    assert!(put.await.is_err());

    let core = a_building(&redis, silent).await;
    let [unlock] = &recorded(&core).await[..] else {
        panic!("not one record")
    };
    assert_eq!(
        (&unlock["door_id"], &unlock["system"], &unlock["caller"]),
        (&json!("vault"), &json!("mod-a"), &json!("webhook.trig-1"))
    );
    assert_eq!(unlock["outcome"], "asked");
    assert!(asked(&core).is_empty(), "nothing is asked for again");
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_door_that_opens_too_late_is_on_record_as_late() {
    let redis = Redis::start().await;
    let core = a_building(&redis, security(&["vault"], Reply::Never)).await;
    let put = core.begin_hook(MODULE, "PUT", json!({ "door_id": "vault" }));
    let (status, body) = triple(&put.await.unwrap());
    assert_eq!(status, 403);
    assert!(body.contains("the door may still open"), "{body}");

    let calls = core.calls();
    let question = calls
        .iter()
        .find(|call| call["payload"].as_str().unwrap().contains("unlock"))
        .unwrap();
    core.tell(json!({
        "id": "mod-a", "cmd": "result", "seq": question["seq"], "reply": MODULE,
        "code": 200, "payload": "true",
    }));
    let unlock = until("the outcome", async || {
        let all = recorded(&core).await;
        (all[0]["outcome"] != "asked").then(|| all[0].clone())
    })
    .await;
    assert_eq!(
        (&unlock["outcome"], &unlock["late"]),
        (&json!("unlocked"), &json!(true))
    );
    assert!(core.terminate().await.success());
}
