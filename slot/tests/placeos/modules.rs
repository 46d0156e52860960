//! Several modules in a process, and one module in several.

use rig::placeos::{CHANNEL, Core, MODULE, Redis};
use rig::program::until;
use serde_json::json;

use crate::program::{a_core, a_module};
use crate::receiver::Receiver;

#[tokio::test]
async fn modules_of_a_process_share_nothing() {
    let redis = Redis::start().await;
    // The records of one are those of a newer driver: it cannot work.
    let records = format!("rhombus/{{{MODULE}}}");
    let format = redis::cmd("HSET")
        .arg(format!("{records}/v"))
        .arg("format")
        .arg(r#"{"v":9}"#)
        .clone();
    let _: i64 = redis.query(&format).await;
    let core = a_core(&redis).await;
    let receivers = [Receiver::start().await, Receiver::start().await];
    core.load(MODULE, json!({})).await;
    core.load("mod-1", json!({ "organization_id": "one" }))
        .await;
    core.load("mod-2", json!({ "organization_id": "two" }))
        .await;
    core.subscribe("mod-1", &receivers[0].url()).await;
    core.subscribe("mod-2", &receivers[1].url()).await;
    let answer = core
        .hook(MODULE, "POST", json!({ "webhook": receivers[0].url() }))
        .await;
    assert_eq!(answer.0, 503, "{}", answer.1);

    for organization in ["one", "two"] {
        let event = json!({ "door_id": organization, "action": "granted" }).to_string();
        redis
            .publish(&format!("placeos/security/{organization}/door"), &event)
            .await;
    }
    for (receiver, organization) in receivers.iter().zip(["one", "two"]) {
        let posts = receiver.wait_for(1).await;
        assert_eq!(
            (posts.len(), &posts[0].body["door_id"]),
            (1, &json!(organization))
        );
    }
    core.stop("mod-1");
    until("its end", async || {
        let heard = redis.publish("placeos/security/one/door", "{}").await;
        (heard == 0).then_some(())
    })
    .await;
    redis
        .publish(
            "placeos/security/two/door",
            r#"{"door_id":"two","action":"denied"}"#,
        )
        .await;
    receivers[1].wait_for(2).await;
    assert!(core.terminate().await.success());
}

/// Two nodes of core. The first runs the module, to which the receiver is subscribed.
async fn two_cores(redis: &Redis) -> (Receiver, Core, Core) {
    let receiver = Receiver::start().await;
    let old = a_module(redis).await;
    old.subscribe(MODULE, &receiver.url()).await;
    (receiver, old, a_core(redis).await)
}

#[tokio::test]
async fn a_module_that_core_moves_delivers_each_event_and_has_one_owner() {
    let redis = Redis::start().await;
    let (receiver, old, new) = two_cores(&redis).await;
    let mut connection = redis.connect().await;
    let mut heard = Vec::new();
    for number in 0..3000 {
        match number {
            500 => drop(new.begin_load(MODULE, json!({}))),
            // Both hear it now.
            2000 => old.stop(MODULE),
            _ => {}
        }
        let event = json!({
            "door_id": (number % 7).to_string(), "action": "granted", "user_name": number.to_string(),
        });
        let publish = redis::cmd("PUBLISH")
            .arg(CHANNEL)
            .arg(event.to_string())
            .clone();
        let count: usize = publish.query_async(&mut connection).await.unwrap();
        heard.push(count);
        if number == 1000 {
            // Until the new one listens too, this one is the last.
            until("the new instance", async || {
                (redis.listeners(CHANNEL).await == 2).then_some(())
            })
            .await;
        }
    }
    assert!(heard.iter().all(|count| *count > 0), "nobody listened");
    assert!(heard.contains(&2));
    until("all deliveries", async || {
        (receiver.names().len() == 3000).then_some(())
    })
    .await;
    let mut ids: Vec<_> = receiver
        .posts()
        .into_iter()
        .map(|post| (post.body["user_name"].as_str().unwrap().to_owned(), post.id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3000, "an event has two ids");

    // The new one has the book, and its word holds.
    let gone = json!({ "webhook": receiver.url() });
    assert_eq!(new.hook(MODULE, "DELETE", gone).await.0, 202);
    let gaps = until("the gaps", async || redis.status_now(MODULE, "gaps").await).await;
    assert_eq!(gaps, json!([]));
    assert!(old.terminate().await.success());
    assert!(new.terminate().await.success());
}

#[tokio::test]
async fn an_instance_that_lost_its_records_stops_until_it_is_started_again() {
    let redis = Redis::start().await;
    let (receiver, old, new) = two_cores(&redis).await;
    new.load(MODULE, json!({})).await;
    until("the new owner", async || {
        (new.hook(MODULE, "GET", json!({})).await.0 == 200).then_some(())
    })
    .await;
    let post = json!({ "webhook": format!("{}/b", receiver.url()) });
    until("the old one's end", async || {
        (old.hook(MODULE, "POST", post.clone()).await.0 == 503).then_some(())
    })
    .await;
    assert_eq!(new.hook(MODULE, "POST", post.clone()).await.0, 201);
    // Core changed its mind.
    old.load(MODULE, json!({})).await;
    until("its return", async || {
        (old.hook(MODULE, "DELETE", post.clone()).await.0 == 202).then_some(())
    })
    .await;
    assert!(old.terminate().await.success());
    assert!(new.terminate().await.success());
}
