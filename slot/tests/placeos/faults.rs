//! What goes wrong in today's driver, and must not here. Faults of settings, doors, frames and restarts
//! are with their kind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rig::placeos::{CHANNEL, MODULE, Redis, triple};
use rig::program::until;
use serde_json::json;

use crate::program::a_module;
use crate::receiver::{Post, Receiver};

/// Publishes events that are numbered from 0, at `doors` doors in turn.
async fn publish(redis: &Redis, events: usize, doors: usize) {
    let mut connection = redis.connect().await;
    for number in 0..events {
        let event = json!({
            "door_id": (number % doors).to_string(),
            "action": "granted",
            "user_name": number.to_string(),
        });
        let publish = redis::cmd("PUBLISH")
            .arg(CHANNEL)
            .arg(event.to_string())
            .clone();
        let heard: usize = publish.query_async(&mut connection).await.unwrap();
        assert_eq!(heard, 1);
    }
}

/// Which event came to which path.
fn received(posts: &[Post]) -> BTreeSet<(&str, &str)> {
    let received = posts
        .iter()
        .map(|post| (post.path.as_str(), post.body["user_name"].as_str().unwrap()));
    received.collect()
}

#[tokio::test]
async fn subscriptions_at_the_same_time_and_again_are_one_a_url() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    let url = |number: usize| format!("{}/{number}", receiver.url());
    let post = |url: String| core.begin_hook(MODULE, "POST", json!({ "webhook": url }));
    let asked: Vec<_> = (0..10)
        .chain(0..10)
        .map(|number| post(url(number)))
        .collect();
    for answer in asked {
        let (status, body) = triple(&answer.await.unwrap());
        assert_eq!(status, 201, "{body}");
    }
    core.subscribe(MODULE, &url(0)).await;

    publish(&redis, 20, 5).await;
    receiver.wait_for(200).await;
    // What is under way then is finished.
    assert!(core.terminate().await.success());
    let posts = receiver.posts();
    assert_eq!((posts.len(), received(&posts).len()), (200, 200));
}

#[tokio::test]
async fn a_subscriber_that_is_silent_speaks_no_tls_or_is_removed_holds_up_no_other() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let [silent, plain, removed, good] = [
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    ];
    for receiver in [&silent, &removed] {
        receiver.delay(Duration::from_secs(3600));
    }
    let tls = plain.url().replace("http://", "https://");
    for url in [silent.url(), tls, removed.url(), good.url()] {
        core.subscribe(MODULE, &url).await;
    }
    publish(&redis, 1, 1).await;
    until("an attempt under way", async || {
        (removed.under_way() > 0).then_some(())
    })
    .await;
    let gone = json!({ "webhook": removed.url() });
    assert_eq!(core.hook(MODULE, "DELETE", gone).await.0, 202);
    publish(&redis, 100, 5).await;
    // The first of these is the one before.
    good.wait_for(100).await;
    assert!(core.terminate().await.success());
    let posts = good.posts();
    assert_eq!((posts.len(), received(&posts).len()), (100, 100));
    assert!(removed.posts().is_empty() && plain.posts().is_empty());
}

#[tokio::test]
async fn a_subscriber_that_was_down_gets_what_it_missed() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    receiver.answer(502);
    publish(&redis, 10, 1).await;
    until("an attempt that failed", async || {
        (receiver.failed() > 0).then_some(())
    })
    .await;
    receiver.answer(200);
    receiver.wait_for(10).await;
    assert!(core.terminate().await.success());
    assert_eq!(receiver.posts().len(), 10);
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_thousand_deliveries_loses_none() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    receiver.delay(Duration::from_millis(50));
    for number in 0..10 {
        core.subscribe(MODULE, &format!("{}/{number}", receiver.url()))
            .await;
    }
    publish(&redis, 100, 10).await;
    receiver.wait_for(100).await;
    assert!(core.terminate().await.success());
    assert!(received(&receiver.posts()).len() < 1000);

    receiver.delay(Duration::ZERO);
    let core = a_module(&redis).await;
    until("all deliveries", async || {
        (received(&receiver.posts()).len() == 1000).then_some(())
    })
    .await;
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn two_hundred_events_at_once_keep_their_order_and_take_few_connections() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    receiver.delay(Duration::from_millis(5));
    core.subscribe(MODULE, &receiver.url()).await;
    publish(&redis, 200, 50).await;
    receiver.wait_for(200).await;
    assert!(core.terminate().await.success());
    let mut doors = BTreeMap::<_, Vec<usize>>::new();
    for post in receiver.posts() {
        let number = post.body["user_name"].as_str().unwrap().parse().unwrap();
        let door = post.body["door_id"].to_string();
        doors.entry(door).or_default().push(number);
    }
    assert_eq!(doors.len(), 50);
    assert!(
        doors.values().all(|numbers| numbers.is_sorted()),
        "{doors:?}"
    );
    assert!(receiver.most_under_way() <= 32);
}

#[tokio::test]
async fn a_time_in_any_form_and_an_unknown_action_are_passed_on() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let times = [
        json!(1_767_225_600),
        json!(1_767_225_600_123_u64),
        json!(1_767_225_600.75),
        json!("1767225600123"),
        json!("2026-01-01T00:00:00Z"),
    ];
    for (number, timestamp) in times.iter().enumerate() {
        let event = json!({
            "door_id": number, "action": "Odd-One", "timestamp": timestamp,
        });
        assert_eq!(redis.publish(CHANNEL, &event.to_string()).await, 1);
    }
    for post in receiver.wait_for(times.len()).await {
        assert_eq!(post.body["timestamp"], "2026-01-01T00:00:00Z");
        assert_eq!(post.body["action"], "odd_one");
    }
    assert!(core.terminate().await.success());
}
