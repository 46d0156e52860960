//! What an operator does about a receiver that is in trouble, on the real program.

use rig::program::{Running, until};
use serde_json::{Value, json};

use crate::program::a_place;
use crate::subscriber::Subscriber;

#[tokio::test]
async fn a_receiver_that_was_gone_gets_what_it_missed() {
    let place = a_place();
    let gateway = place.start(&["--allow=127.0.0.1"]).await;
    let mut subscriber = Subscriber::start().await;
    subscriber.answer(410);
    assert_eq!(gateway.subscribe(&subscriber.url(), "123456").await, 201);
    for door in ["lobby", "dock"] {
        let event = json!({ "door_id": door, "action": "granted", "timestamp": 1649030365 });
        assert_eq!(gateway.signal(event).await.status, 200);
    }

    // Three times 410 disable it, and what waits becomes dead letters.
    let status = until("its end", async || {
        let status = gateway.status().await;
        (status["dead_letters"] == 2).then_some(status)
    })
    .await;
    assert_eq!(status["durability"], "disk");
    assert_eq!(
        (&status["pending"], &status["event_count"]),
        (&json!(0), &json!(2))
    );
    let [subscription] = status["subscriptions"].as_array().unwrap().as_slice() else {
        panic!("{status}");
    };
    assert_eq!(subscription["state"], "disabled");
    assert!(!status["alert"].as_array().unwrap().is_empty());
    let id = &subscription["id"];

    let listed = call(&gateway, "deliveries", json!({ "state": "dead" })).await;
    let listed = listed["deliveries"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let lobby = listed.iter().find(|one| one["door_id"] == "lobby").unwrap();
    assert!(
        lobby["reason"].is_string() && lobby["subscription"] == *id,
        "{lobby}"
    );

    let tested = call(&gateway, "send_test_event", json!({ "subscription": id })).await;
    assert_eq!(tested, json!({ "status": 410 }));
    subscriber.answer(200);
    let tested = call(&gateway, "send_test_event", json!({ "subscription": id })).await;
    assert_eq!(tested, json!({ "status": 200 }));
    subscriber.forget();
    let enabled = call(&gateway, "enable", json!({ "subscription": id })).await;
    assert_eq!(enabled["state"], "open");

    let redelivered = call(&gateway, "redeliver", json!({ "ids": [lobby["id"]] })).await;
    assert_eq!(redelivered["redelivered"], 1);
    let post = subscriber.next().await;
    assert!(post.body.contains("lobby"), "{}", post.body);
    assert_eq!(
        post.headers["webhook-id"].to_str().unwrap(),
        lobby["event_id"]
    );
    let discarded = call(&gateway, "discard", json!({ "subscription": id })).await;
    assert_eq!(discarded["discarded"], 1);
    until("nothing is left", async || {
        let status = gateway.status().await;
        (status["dead_letters"] == 0 && status["delivered"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_call_that_cannot_be_meant_changes_nothing() {
    let place = a_place();
    let gateway = place.start(&[]).await;
    for (function, arguments, status) in [
        ("deliveries", json!({ "state": "lost" }), 400),
        ("deliveries", json!({ "how": "many" }), 400),
        ("deliveries", json!([]), 400),
        ("redeliver", json!({}), 400),
        ("enable", json!({ "subscription": "none" }), 400),
        ("door_event", json!({ "json": "{}" }), 400),
        ("request", json!({}), 404),
        ("stop", json!({}), 404),
    ] {
        let path = format!("/api/functions/{function}");
        let reply = gateway.operator("POST", &path, arguments.clone()).await;
        assert_eq!(reply.status, status, "{function} {arguments}");
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn an_event_by_hand_is_an_event() {
    let place = a_place();
    let gateway = place.start(&["--allow=127.0.0.1"]).await;
    let mut subscriber = Subscriber::start().await;
    assert_eq!(gateway.subscribe(&subscriber.url(), "123456").await, 201);
    let event = json!({ "door_id": "lobby", "action": "granted" }).to_string();
    let accepted = call(&gateway, "door_event", json!({ "json": event })).await;
    assert_eq!(accepted, json!({ "event": "accepted" }));
    assert!(subscriber.next().await.body.contains("lobby"));
}

async fn call(gateway: &Running, function: &str, arguments: Value) -> Value {
    let path = format!("/api/functions/{function}");
    let reply = gateway.operator("POST", &path, arguments).await;
    assert_eq!(reply.status, 200, "{function}: {}", reply.text());
    reply.json()
}
