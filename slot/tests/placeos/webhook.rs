//! The webhook and the operators' functions, called through core.

use rig::placeos::{MODULE, Redis, triple};
use serde_json::{Value, json};

use crate::program::a_module;
use crate::receiver::Receiver;

#[tokio::test]
async fn the_four_verbs_answer_as_the_contract_has_it() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    let webhook = json!({ "webhook": receiver.url(), "secret": "123456" });

    assert_eq!(core.hook(MODULE, "POST", webhook.clone()).await.0, 201);
    let (status, body) = core.hook(MODULE, "GET", json!({})).await;
    assert_eq!((status, body.as_str()), (200, "[]"));
    assert_eq!(
        core.hook(MODULE, "PUT", json!({"door_id": "1"})).await.0,
        501
    );
    assert_eq!(core.hook(MODULE, "DELETE", webhook.clone()).await.0, 202);
    assert_eq!(core.hook(MODULE, "DELETE", webhook).await.0, 404);
    let elsewhere = json!({ "webhook": "https://elsewhere.example/" });
    assert_eq!(core.hook(MODULE, "POST", elsewhere).await.0, 422);
    let (status, body) = core.hook(MODULE, "PATCH", json!({})).await;
    assert_eq!(status, 405);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["error"].is_string());

    // By names, as other drivers call.
    let by_name = json!({ "method": "get", "headers": {}, "body": "" });
    assert_eq!(triple(&core.exec(MODULE, "request", by_name).await).0, 200);
    let large = "x".repeat(2 << 20);
    assert_eq!(core.hook(MODULE, "POST", json!(large)).await.0, 413);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn an_event_may_be_given_by_hand() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let event = json!({ "door_id": "7", "action": "denied" }).to_string();
    let result = core.exec(MODULE, "door_event", json!([event])).await;
    assert_eq!(result["payload"], r#"{"event":"accepted"}"#, "{result}");
    assert_eq!(receiver.wait_for(1).await[0].body["door_id"], "7");
    let result = core
        .exec(MODULE, "door_event", json!({ "json": "{}" }))
        .await;
    assert_eq!(result["code"], 500);
    assert!(result["error"].is_string());
    assert!(core.terminate().await.success());
}
