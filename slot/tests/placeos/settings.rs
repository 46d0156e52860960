//! Settings: late, reordered, whole, wrong, and many.

use std::time::Duration;

use rig::placeos::{CHANNEL, Echo, MODULE, Redis};
use rig::program::until;
use serde_json::json;

use crate::program::{a_core, a_module};
use crate::receiver::Receiver;

#[tokio::test]
async fn thirty_subscriptions_in_a_row_outlive_their_own_echo() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    core.echo(Echo::LateAndReordered);
    let receiver = Receiver::start().await;
    let url = |number: usize| format!("{}/{number}", receiver.url());
    for number in 0..30 {
        core.subscribe(MODULE, &url(number)).await;
    }
    for number in 0..10 {
        let gone = json!({ "webhook": url(number) });
        assert_eq!(core.hook(MODULE, "DELETE", gone).await.0, 202);
    }
    // The last echoes are on their way: what counts is what holds after them.
    tokio::time::sleep(Duration::from_millis(300)).await;
    redis
        .event(&json!({ "door_id": "1", "action": "granted" }))
        .await;
    receiver.wait_for(20).await;
    core.echo(Echo::AtOnce);
    // And after a restart.
    assert!(core.terminate().await.success());
    let core = a_module(&redis).await;
    redis
        .event(&json!({ "door_id": "2", "action": "granted" }))
        .await;
    receiver.wait_for(40).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let posts = receiver.posts();
    for door in ["1", "2"] {
        assert_eq!(
            posts
                .iter()
                .filter(|post| post.body["door_id"] == door)
                .count(),
            20
        );
    }
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_storm_of_settings_loses_no_event_and_doubles_none() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    redis.status(MODULE, "connected").await;
    let mut connection = redis.connect().await;
    for number in 0..4000 {
        let event = json!({
            "door_id": (number % 20).to_string(), "action": "granted", "user_name": number.to_string(),
        });
        let publish = redis::cmd("PUBLISH")
            .arg(CHANNEL)
            .arg(event.to_string())
            .clone();
        let heard: usize = publish.query_async(&mut connection).await.unwrap();
        assert_eq!(heard, 1);
        if number % 10 == 0 {
            core.update(MODULE, json!({ "notes": number, "contract": "deployed" }));
        }
    }
    receiver.wait_for(4000).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let names = receiver.names();
    assert_eq!(names.len(), 4000);
    assert!(names.values().all(|times| *times == 1));
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn another_organization_is_heard_before_the_old_one_is_left() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    core.load(MODULE, json!({ "organization_id": "one" })).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let channels = ["placeos/security/one/door", "placeos/security/two/door"];
    let count = async || {
        let [one, two] = channels.map(|channel| redis.listeners(channel));
        [one.await, two.await]
    };
    assert_eq!(count().await, [1, 0]);
    core.update(MODULE, json!({ "organization_id": "two" }));
    until("the new channel", async || {
        let counts = count().await;
        assert_ne!(counts, [0, 0], "nobody listens");
        (counts == [0, 1]).then_some(())
    })
    .await;
    assert_eq!(
        redis
            .publish(channels[1], r#"{"door_id":"1","action":"granted"}"#)
            .await,
        1
    );
    receiver.wait_for(1).await;

    // What is no organization changes nothing, nor do settings that core could not merge.
    for odd in [
        json!({ "organization_id": 7 }),
        json!({ "organization_id": "" }),
    ] {
        core.update(MODULE, odd);
    }
    let mut model = core.model(MODULE);
    model["settings"] = json!({});
    core.update_with(MODULE, &model);
    core.update_with(MODULE, &json!("no model"));
    core.hook(MODULE, "GET", json!({})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count().await, [0, 1]);
    assert_eq!(
        redis
            .publish(channels[1], r#"{"door_id":"2","action":"granted"}"#)
            .await,
        1
    );
    receiver.wait_for(2).await;
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn what_the_operator_lists_is_subscribed_and_left_as_it_is() {
    let redis = Redis::start().await;
    let core = a_core(&redis).await;
    let listed = Receiver::start().await;
    let posted = Receiver::start().await;
    core.load(
        MODULE,
        json!({ "subscriptions": [{ "webhook": listed.url() }] }),
    )
    .await;
    core.subscribe(MODULE, &posted.url()).await;
    redis
        .event(&json!({ "door_id": "1", "action": "granted" }))
        .await;
    listed.wait_for(1).await;
    posted.wait_for(1).await;
    let saved = until("the saved copy", async || core.saved().pop()).await;
    assert_eq!(
        (saved.0.as_str(), saved.1.as_str()),
        (MODULE, "saved_subscriptions")
    );
    assert_eq!(saved.2["list"][0]["webhook"], posted.url());

    core.update(MODULE, json!({ "subscriptions": [] }));
    until("the listed one's end", async || {
        let shown = redis.status_now(MODULE, "subscriptions").await?;
        (shown.as_array()?.len() == 1).then_some(())
    })
    .await;
    redis
        .event(&json!({ "door_id": "2", "action": "granted" }))
        .await;
    posted.wait_for(2).await;
    assert_eq!(listed.posts().len(), 1);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn an_update_of_the_row_leaves_one_instance_and_a_stop_none() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    for (name, value) in [
        ("ip", json!("10.0.0.1")),
        ("port", json!(1)),
        ("uri", json!("http://a")),
        ("role", json!(1)),
    ] {
        let mut model = core.model(MODULE);
        model[name] = value;
        core.update_with(MODULE, &model);
    }
    redis
        .event(&json!({ "door_id": "1", "action": "granted" }))
        .await;
    receiver.wait_for(1).await;
    core.stop(MODULE);
    until("silence", async || {
        let heard = redis.publish(CHANNEL, r#"{"door_id":"2","action":"granted"}"#);
        (heard.await == 0).then_some(())
    })
    .await;
    assert_eq!(core.info().await, json!([]));
    let doors: Vec<_> = receiver
        .posts()
        .iter()
        .map(|post| post.body["door_id"].clone())
        .collect();
    assert_eq!(doors.iter().filter(|door| **door == "1").count(), 1);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn the_log_obeys_the_persistent_level() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    redis.event(&json!({ "quiet": 1 })).await;
    redis.status(MODULE, "last_error").await;
    assert!(!core.log().contains("an event was rejected"));
    core.update(MODULE, json!({ "persistent_log_level": "warn" }));
    until("a log line", async || {
        redis.event(&json!({ "loud": core.log().len() })).await;
        core.log().contains("an event was rejected").then_some(())
    })
    .await;
    assert!(core.terminate().await.success());
}
