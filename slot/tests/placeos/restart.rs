//! Processes and servers that die: what was accepted is delivered all the same.

use rig::placeos::{CHANNEL, MODULE, Redis};
use rig::program::until;
use serde_json::json;

use crate::program::a_module;
use crate::receiver::Receiver;

fn event(number: usize) -> String {
    let door = (number % 5).to_string();
    json!({ "door_id": door, "action": "granted", "user_name": number.to_string() }).to_string()
}

/// How many events the module has accepted.
async fn accepted(redis: &Redis) -> usize {
    redis.count(MODULE, "seen/").await
}

/// Waits until so many listen to the events. A start is acknowledged before, and Redis may not know yet that
/// a process is dead.
async fn listeners(redis: &Redis, count: usize) {
    until("listeners", async || {
        (redis.listeners(CHANNEL).await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_process_has_lost_nothing_that_it_accepted() {
    let redis = Redis::start().await;
    let receiver = Receiver::start().await;
    let mut published = 0;
    let mut core = a_module(&redis).await;
    core.subscribe(MODULE, &receiver.url()).await;
    for round in 0..4 {
        // Once in the middle of deliveries, once with a receiver that is down.
        receiver.answer(if round % 2 == 0 { 200 } else { 500 });
        let before = accepted(&redis).await;
        for _ in 0..200 {
            assert_eq!(redis.publish(CHANNEL, &event(published)).await, 1);
            published += 1;
        }
        let half = before + 100;
        until("half of them accepted", async || {
            (accepted(&redis).await >= half).then_some(())
        })
        .await;
        core.kill().await;
        listeners(&redis, 0).await;
        core = a_module(&redis).await;
        listeners(&redis, 1).await;
    }
    receiver.answer(200);
    let accepted = accepted(&redis).await;
    assert!(accepted >= 400, "{accepted}");
    until("all deliveries", async || {
        (receiver.names().len() >= accepted).then_some(())
    })
    .await;
    // One event is one id, however often it was sent.
    let posts = receiver.posts();
    let mut ids: Vec<_> = posts
        .iter()
        .map(|post| (&post.id, post.body["user_name"].as_str()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), accepted);
    let gaps = until("the gaps", async || {
        let gaps = redis.status_now(MODULE, "gaps").await?;
        (gaps.as_array()?.len() == 4).then_some(gaps)
    });
    for gap in gaps.await.as_array().unwrap() {
        assert!(gap["from"].as_str() < gap["to"].as_str(), "{gap}");
    }
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_killed_redis_holds_up_and_loses_nothing() {
    let redis = Redis::start().await;
    let receiver = Receiver::start().await;
    let core = a_module(&redis).await;
    core.subscribe(MODULE, &receiver.url()).await;
    let mut published = 0;
    for _ in 0..3 {
        receiver.answer(503);
        for _ in 0..50 {
            assert_eq!(redis.publish(CHANNEL, &event(published)).await, 1);
            published += 1;
        }
        let expected = published;
        until("their acceptance", async || {
            (accepted(&redis).await >= expected).then_some(())
        })
        .await;
        redis.kill();
        let unsaved = json!({ "webhook": receiver.url(), "secret": "another" });
        let (status, body) = core.hook(MODULE, "POST", unsaved).await;
        assert_eq!(status, 503, "{body}");
        assert_eq!(
            core.hook(MODULE, "PUT", json!({ "door_id": "1" })).await.0,
            403
        );
        receiver.answer(200);
        redis.resume().await;
        listeners(&redis, 1).await;
    }
    until("all deliveries", async || {
        (receiver.names().len() == published).then_some(())
    })
    .await;
    // What can be saved again is, as soon as Redis is reached again, and status is shown.
    until("a subscription", async || {
        let body = json!({ "webhook": receiver.url(), "secret": "123456" });
        (core.hook(MODULE, "POST", body).await.0 == 201).then_some(())
    })
    .await;
    redis
        .event(&serde_json::from_str(&event(published)).unwrap())
        .await;
    until("the next delivery", async || {
        (receiver.names().len() == published + 1).then_some(())
    })
    .await;
    let gaps = until("the gaps", async || {
        let gaps = redis.status_now(MODULE, "gaps").await?;
        (gaps.as_array()?.len() == 3).then_some(gaps)
    });
    gaps.await;
    assert_eq!(redis.status(MODULE, "connected").await, true);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_redis_that_forgets_is_told_apart_and_the_book_is_made_anew() {
    let redis = Redis::with(&["--appendonly", "no"]).await;
    let receiver = Receiver::start().await;
    let core = a_module(&redis).await;
    assert_eq!(redis.status(MODULE, "durability").await, "none");
    core.subscribe(MODULE, &receiver.url()).await;
    until("the saved copy", async || core.saved().pop()).await;
    redis.kill();
    redis.resume().await;
    until("a delivery", async || {
        // As long as the module is being loaded anew, an event may be its last of the old.
        redis
            .event(&json!({ "door_id": "1", "action": "granted", "user_name": "x" }))
            .await;
        (!receiver.posts().is_empty()).then_some(())
    })
    .await;
    assert!(core.log().contains("lost all records"), "{}", core.log());
    let shown = until("the status", async || {
        redis.status_now(MODULE, "subscriptions").await
    });
    assert_eq!(shown.await.as_array().map(Vec::len), Some(1));
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_redis_that_comes_late_is_waited_for() {
    let redis = Redis::down(&[]);
    let core = a_module(&redis).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 503);
    redis.resume().await;
    let receiver = Receiver::start().await;
    until("the module's start", async || {
        let body = json!({ "webhook": receiver.url() });
        (core.hook(MODULE, "POST", body).await.0 == 201).then_some(())
    })
    .await;
    redis
        .event(&json!({ "door_id": "1", "action": "granted" }))
        .await;
    receiver.wait_for(1).await;
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn the_same_swipe_twice_is_one_event() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    for number in [1, 1, 2, 1, 2, 3] {
        assert_eq!(redis.publish(CHANNEL, &event(number)).await, 1);
    }
    until("all deliveries", async || {
        (receiver.names().len() == 3).then_some(())
    })
    .await;
    assert_eq!(redis.status(MODULE, "event_count").await, 3);
    assert_eq!(receiver.posts().len(), 3);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn what_is_no_event_is_kept_as_rejected() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let huge = format!(r#"{{"door_id":"1","action":"{}"}}"#, "x".repeat(20 << 20));
    for text in ["", "no event", &huge] {
        assert_eq!(redis.publish(CHANNEL, text).await, 1);
    }
    let good = json!({ "door_id": 9, "action": "granted" });
    redis.event(&good).await;
    assert_eq!(receiver.wait_for(1).await[0].body["door_id"], "9");
    assert_eq!(redis.count(MODULE, "rejected/").await, 3);
    assert!(core.terminate().await.success());
}
