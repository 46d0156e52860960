//! `/metrics`: what is counted, in Prometheus' conventions, and that nothing secret is in it.

use std::collections::BTreeMap;

use placeos_slot::module::{Acceptance, EventError};
use rig::client::Reply;
use rig::program::until;
use serde_json::{Value, json};

use crate::pretended::{SIGNAL, Served, triple};
use crate::program::a_place;
use crate::subscriber::Subscriber;

#[tokio::test]
async fn requests_and_events_are_counted_by_what_they_were_answered() {
    let served = Served::start().await;
    let hook = served.hook();
    served.send("POST", &hook, "").await;
    served.send("HEAD", &hook, "").await;
    served.send("PATCH", &hook, "").await;
    served.answers(triple(403, &[], ""));
    served.send("PUT", &hook, "").await;
    served.send("PUT", &hook, "").await;
    served
        .send(
            "DELETE",
            "/api/engine/v2/webhook/trig-rhombus/notify/wrong",
            "",
        )
        .await;
    for answer in [
        Ok(Acceptance::Accepted),
        Ok(Acceptance::Accepted),
        Ok(Acceptance::Known),
        Err(EventError::Rejected("no door".to_owned())),
        Err(EventError::Unsaved("no disk".to_owned())),
    ] {
        served.takes_events_as(answer);
        served.signal(&[], "{}").await;
    }
    served.send("POST", SIGNAL, "{}").await;

    let samples = samples(&served.operator("GET", "/metrics", "").await);
    assert_samples(
        &samples,
        &[
            (
                r#"placeos_slot_webhook_requests_total{method="POST",status="200"}"#,
                1.0,
            ),
            (
                r#"placeos_slot_webhook_requests_total{method="PUT",status="403"}"#,
                2.0,
            ),
            (
                r#"placeos_slot_webhook_requests_total{method="DELETE",status="404"}"#,
                1.0,
            ),
            (
                r#"placeos_slot_webhook_requests_total{method="other",status="200"}"#,
                1.0,
            ),
            (
                r#"placeos_slot_webhook_requests_total{method="other",status="404"}"#,
                1.0,
            ),
            (r#"placeos_slot_events_total{outcome="accepted"}"#, 2.0),
            (r#"placeos_slot_events_total{outcome="known"}"#, 1.0),
            (r#"placeos_slot_events_total{outcome="rejected"}"#, 1.0),
            (r#"placeos_slot_events_total{outcome="unsaved"}"#, 1.0),
            (r#"placeos_slot_unlocks_total{outcome="unlocked"}"#, 0.0),
            ("placeos_slot_module_restarts_total", 0.0),
        ],
    );
}

#[tokio::test]
async fn the_numbers_of_the_status_are_there_as_soon_as_the_module_has_set_them() {
    let served = Served::start().await;
    let before = samples(&served.operator("GET", "/metrics", "").await);
    assert!(
        !before.contains_key("rhombus_pending_deliveries"),
        "{before:?}"
    );
    let subscriptions = json!([
        { "id": "1", "state": "open" },
        { "id": "2", "state": "paused" },
        { "id": "3", "state": "open" },
        { "state": "refused" },
    ]);
    for (key, value) in [
        ("subscriptions", subscriptions),
        ("alert", json!(["one", "two"])),
        ("pending", json!(7)),
        ("delivered", json!(8)),
        ("dead_letters", json!(9)),
        ("event_count", json!(10)),
        ("oldest_pending_seconds", json!(11)),
    ] {
        served.status.set(key, &value.to_string());
    }
    let samples = samples(&served.operator("GET", "/metrics", "").await);
    assert_samples(
        &samples,
        &[
            (r#"rhombus_subscriptions{state="open"}"#, 2.0),
            (r#"rhombus_subscriptions{state="paused"}"#, 1.0),
            (r#"rhombus_subscriptions{state="disabled"}"#, 0.0),
            (r#"rhombus_subscriptions{state="refused"}"#, 1.0),
            ("rhombus_alerts", 2.0),
            ("rhombus_pending_deliveries", 7.0),
            ("rhombus_delivered_total", 8.0),
            ("rhombus_dead_letters", 9.0),
            ("rhombus_events_total", 10.0),
            ("rhombus_oldest_pending_seconds", 11.0),
        ],
    );
}

#[tokio::test]
async fn what_the_module_does_is_counted_without_a_secret() {
    let place = a_place();
    let gateway = place
        .start(&["--demo", "--swipe-every=0", "--allow=127.0.0.1"])
        .await;
    let mut subscriber = Subscriber::start().await;
    subscriber.answer(500);
    let url = format!("{}/path-is-a-token", subscriber.url());
    assert_eq!(gateway.subscribe(&url, "subscription-secret").await, 201);
    for door in ["lobby", "vault", "loading-dock"] {
        gateway.hook("PUT", json!({ "door_id": door })).await;
    }
    let event = json!({ "door_id": "lobby", "action": "granted", "user_name": "Zoë Specimen" });
    assert_eq!(gateway.signal(event).await.status, 200);
    subscriber.next().await;
    subscriber.answer(200);

    let (text, samples) = until("its delivery", async || {
        let reply = gateway.operator("GET", "/metrics", Value::Null).await;
        let samples = samples(&reply);
        let delivered = samples.get("rhombus_delivered_total") == Some(&1.0);
        delivered.then(|| (reply.text().to_owned(), samples))
    })
    .await;
    assert_samples(
        &samples,
        &[
            (r#"placeos_slot_posts_total{outcome="2xx"}"#, 1.0),
            (r#"placeos_slot_posts_total{outcome="5xx"}"#, 1.0),
            ("placeos_slot_post_duration_seconds_count", 2.0),
            (
                r#"placeos_slot_post_duration_seconds_bucket{le="+Inf"}"#,
                2.0,
            ),
            (r#"placeos_slot_unlocks_total{outcome="unlocked"}"#, 1.0),
            (r#"placeos_slot_unlocks_total{outcome="refused"}"#, 1.0),
            (r#"placeos_slot_unlocks_total{outcome="unsupported"}"#, 1.0),
            (r#"placeos_slot_commits_total{outcome="failed"}"#, 0.0),
            (r#"rhombus_subscriptions{state="open"}"#, 1.0),
            ("rhombus_events_total", 1.0),
        ],
    );
    let made = samples[r#"placeos_slot_commits_total{outcome="made"}"#];
    assert!(made > 0.0 && samples["placeos_slot_commit_duration_seconds_count"] >= made);

    let access = &gateway.access;
    let [_, hook] = access.hooks();
    let port = subscriber.url().rsplit(':').next().unwrap().to_owned();
    let secret = [
        "path-is-a-token",
        "subscription-secret",
        "Specimen",
        "lobby",
        "127.0.0.1",
        &port,
    ];
    let keys = [
        access.event_key.as_str(),
        access.admin_key.as_str(),
        hook.as_str(),
    ];
    for secret in secret.into_iter().chain(keys) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

fn assert_samples(samples: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (sample, value) in expected {
        assert_eq!(samples.get(*sample), Some(value), "{sample} in {samples:?}");
    }
}

/// The samples of an exposition in Prometheus' text format, and that it is one: each metric has its
/// help and type before its samples, which are named after it as its type demands.
fn samples(reply: &Reply) -> BTreeMap<String, f64> {
    assert_eq!(reply.status, 200);
    let content_type = reply.header("content-type");
    assert!(
        content_type.starts_with("text/plain; version=0.0.4"),
        "{content_type}"
    );
    let mut samples = BTreeMap::new();
    let mut helped = "";
    let mut metric = ("", "");
    for line in reply.text().lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split_once(' ').unwrap().0;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            metric = kind.split_once(' ').unwrap();
            assert_eq!(metric.0, helped, "{line}");
            assert_eq!(
                metric.1 == "counter",
                metric.0.ends_with("_total"),
                "{line}"
            );
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let suffix = name.strip_prefix(metric.0).unwrap();
            let allowed: &[&str] = match metric.1 {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            let again = samples.insert(sample.to_owned(), value.parse().unwrap());
            assert_eq!(again, None, "{line}");
        }
    }
    samples
}
