//! Door events: from the channel, by the store, to the receivers.

use hmac::{Hmac, KeyInit, Mac};
use rig::placeos::{MODULE, Redis};
use serde_json::json;
use sha2::Sha256;

use crate::program::a_module;
use crate::receiver::Receiver;

#[tokio::test]
async fn an_event_of_the_channel_arrives_signed() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;

    redis
        .event(&json!({
            "module_id": "mod-door", "security_system": "mock", "door_id": "12",
            "timestamp": 1_767_225_600, "action": "granted", "user_name": "Ann Example",
        }))
        .await;

    let posts = receiver.wait_for(1).await;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"123456").unwrap();
    mac.update(b"2026-01-01T00:00:00Z");
    let signature = hex::encode(mac.finalize().into_bytes());
    let expected = json!({
        "door_id": "12", "timestamp": "2026-01-01T00:00:00Z", "signature": signature,
        "action": "granted", "user_name": "Ann Example",
    });
    assert_eq!(posts[0].body, expected);
    assert!(
        posts[0].headers["webhook-signature"]
            .to_str()
            .unwrap()
            .starts_with("v1,")
    );
    assert_eq!(redis.status(MODULE, "event_count").await, 1);
    assert!(core.terminate().await.success());
}
